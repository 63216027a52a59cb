"""What is to be recorded for a message that was read, and the one confirmation that may be sent (47 CFR 64.1200(a)(10), (a)(12))."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dialguard.model.moment import MINUTE, Instant
from dialguard.optout import lexicon as lexicons
from dialguard.optout.fold import fold
from dialguard.optout.reading import OptOut

CONFIRM_WITHIN = 5 * MINUTE
"""A confirmation in this time is presumed to lie within the consent; later none is offered."""
_MEANS = {"keyword": "stop_reply", "phrase": "text_reply", "answer": "clarification"}
_UNSHOWN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_EVIDENCE = 2_000


class Answer(NamedTuple):
    """What follows from a message.

    ``revocation``: arguments of ``Ledger.record_revocation`` beside seller, number and ``known_at``. ``supersedes``: it stands in
    the place of the revocation that was confirmed with the question. ``reply``: the text to send before ``reply_by``, with
    ``message.confirms_revocation``. ``asked_scope``: the reply asks; pass this to ``read`` for the person's next message.
    ``review``: a person is to look at it.
    """

    revocation: Mapping[str, object] | None = None
    supersedes: bool = False
    reply: str | None = None
    reply_by: Instant | None = None
    asked_scope: str | None = None
    review: bool = False
    why: str = ""


def answer(
    heard: OptOut,
    text: str,
    at: Instant,
    seller: str,
    *,
    now: Instant | None = None,
    keeps: Sequence[str] = (),
    subjects: Sequence[str] = (),
    already_confirmed: bool = False,
    already_asked: bool = False,
    own: Sequence[Path] = (),
) -> Answer:
    """What to record and to send for a message that came at ``at`` and was read as ``heard``; ``seller`` is the name to show.

    ``keeps`` names the messages that are no marketing and that this person gets beside marketing: only where there are some is it
    asked what a bare word meant. ``subjects`` are the subjects of the seller's campaigns: a category that is none of them reaches
    everything. ``already_confirmed`` and ``already_asked`` speak of this person and seller since their consent.
    """
    match heard.verdict:
        case "optout":
            return _optout(heard, text, at, seller, at if now is None else now, keeps, subjects, already_confirmed, already_asked, own)
        case "unclear":
            entry = _entry(at, "marketing", text, "unclear_reply")
            return Answer(entry, review=True, why="counts as an opt-out from marketing until a person has decided; nothing is sent")
        case "wrong_number":
            entry = _entry(at, "all", text, "wrong_number")
            why = "the consent is another person's: record this for the number alone, not for the person; nothing is sent"
            return Answer(entry, review=True, why=why)
        case "start":
            why = "lifts no revocation: what was revoked takes a new consent of at least its level, recorded with its proof"
            return Answer(review=True, why=why)
        case "help":
            return Answer(why="send the help text of the campaign (CTIA Messaging Principles 5.1.3)")
    return Answer(why="nothing to record")


def _optout(
    heard: OptOut, text: str, at: Instant, seller: str, now: Instant, keeps: Sequence[str], subjects: Sequence[str],
    already_confirmed: bool, already_asked: bool, own: Sequence[Path],
) -> Answer:  # fmt: skip
    if heard.tier == "answer":
        entry = _entry(at, heard.scope or "all", text, _MEANS["answer"])
        return Answer(entry, supersedes=True, why="the person said what to keep; nothing more is sent")
    scope, subject = heard.scope or "all", None
    if scope == "category":
        subject = next((name for name in subjects if _plain(name) == _plain(heard.subject or "")), None)
        scope = scope if subject is not None else "all"
    entry = _entry(at, scope, text, _MEANS[heard.tier or "phrase"], subject, heard.channel if scope == "medium" else None)
    if already_confirmed or not at <= now <= at + CONFIRM_WITHIN:
        why = "confirmed before" if already_confirmed else "more than five minutes ago"
        return Answer(entry, why=f"nothing is sent: {why} (47 CFR 64.1200(a)(12))")
    words = lexicons.load(tuple(own)).confirmation
    forms = words.get(heard.language, words["en"])
    asks = bool(keeps) and not already_asked and heard.tier == "keyword"
    form = "question" if asks else {"voice": "voice", "sms": "text"}[str(heard.channel)] if scope == "medium" else scope
    link = " y " if forms is words.get("es") else " and "
    kinds = link.join(filter(None, (", ".join(keeps[:-1]), *keeps[-1:])))
    reply = forms[form].format(seller=seller, subject=(subject or "").replace("_", " "), kinds=kinds)
    why = "silence means all (47 CFR 64.1200(a)(12))" if asks else "one confirmation, without marketing (47 CFR 64.1200(a)(12))"
    return Answer(entry, reply=reply, reply_by=at + CONFIRM_WITHIN, asked_scope="marketing" if asks else None, why=why)


def _entry(at: Instant, scope: str, text: str, means: str, subject: str | None = None, channel: str | None = None) -> dict[str, object]:
    """A revocation with the person's words as its evidence, as the ledger takes them."""
    words = _UNSHOWN.sub("", text.replace("\r\n", "\n")).strip()[:_EVIDENCE].strip()
    return {"at": at, "scope": scope, "subject": subject, "channel": channel, "means": means, "words": words or None}


def _plain(name: str) -> str:
    return " ".join(fold(name).replace("_", " ").replace("-", " ").split())
