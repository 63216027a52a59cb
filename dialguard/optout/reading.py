"""What a message asks for: an opt-out, perhaps one, help, texts again, or nothing of the kind."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dialguard.optout import lexicon as lexicons
from dialguard.optout.fold import fold
from dialguard.optout.lexicon import Lexicon
from dialguard.optout.match import Match, Words, find, split

VERDICTS = ("optout", "unclear", "wrong_number", "help", "start", "none")
SCOPES = ("all", "marketing", "category", "medium")
_ASKING = ("optout", "marketing", "category")
_RIVALS = {"marketing": 0, "optout": 1, "category": 2, "unclear": 3}
_QUOTING = re.compile(r"\s*([a-z ]{4,20}?)\s*[\"“”«]")
_SUBJECT_WORDS = 4
_ARTICLES = frozenset("the a an my your this these that el la los las un una".split())
_MOST_SHOWN = 8


class OptOut(NamedTuple):
    """What a message asks for.

    ``verdict``: ``optout``; ``unclear`` could be meant as one, counts as one for marketing until a person has decided;
    ``wrong_number``; ``help``; ``start`` (texts again, which lifts nothing); ``none``. ``tier`` of an opt-out: ``keyword`` (a
    reserved word alone), ``phrase``, ``answer`` (to the clarification). ``scope``, and ``channel`` (``voice`` or ``sms``) of a
    medium, are what the person said; ``subject`` of a category is in the person's words. ``words`` are what decided.
    """

    verdict: str
    tier: str | None = None
    scope: str | None = None
    subject: str | None = None
    channel: str | None = None
    words: tuple[str, ...] = ()
    why: str = ""
    language: str = "en"


def read(text: object, language: str | None = None, asked_scope: str | None = None, *, own: Sequence[Path] = ()) -> OptOut:
    """What a message asks for. Never raises for a text of whatever kind; raises PackError for a file of words that is wrong.

    ``language`` (``en``, ``es``) is that of an answer and never narrows what counts. ``asked_scope`` is what the revocation
    shrinks to by the answer KEEP, where this message answers the one clarification. ``own`` are an operator's files of phrases.
    """
    words = lexicons.load(tuple(own))
    if isinstance(text, (bytes, bytearray)):
        text = bytes(text).decode("utf-8", "replace")
    if not isinstance(text, str):
        return OptOut("none", why="no text", language=language or "en")
    reaction = _reaction(text, words)
    if reaction is not None:
        return reaction._replace(language=language or "en")
    said = split(text, words)
    found = find(said, words)
    heard = _heard(found, len(said.words))
    spoken = language or _language(heard)
    by = {section: [match for match in heard if match.phrase.section == section] for section in {m.phrase.section for m in heard}}
    asked = [match for match in heard if match.phrase.section in _ASKING]
    if asked_scope is not None and "keep" in by and not asked and "keyword" not in by:
        why = "the answer to the question which messages to keep"
        return OptOut("optout", "answer", asked_scope, words=_shown(by["keep"], said), why=why, language=spoken)
    if "keyword" in by:
        first = by["keyword"][0].phrase
        why = f"`{first.text}` alone ({first.citation})"
        return OptOut("optout", "keyword", "all", words=_shown(by["keyword"], said), why=why, language=spoken)
    if not asked and (slip := _slip(said, words)):
        return OptOut("optout", "phrase", "all", words=(slip,), language=spoken, why=f"one slip away from `{slip}`, alone")
    if asked:
        scope, subject, channel = _scope(asked, by, said, words)
        shown = _shown(asked, said)
        why = f"a reasonable person reads `{shown[0]}` as a request to stop"
        return OptOut("optout", "phrase", scope, subject, channel, shown, why, spoken)
    for verdict, why in _OTHERS:
        if verdict in by:
            shown = _shown(by[verdict], said)
            return OptOut("unclear" if verdict == "suspect" else verdict, words=shown, language=spoken, why=why.format(shown[0]))
    if not text.isascii() and any(map(_unread, text)):
        return OptOut("unclear", language=spoken, why="written in letters that are not read here; a person must look")
    return OptOut("none", language=spoken, why="nothing in it reads as a request to stop")


_OTHERS = (
    ("unclear", "`{}` may be meant as a request to stop; a person must decide"),
    ("wrong_number", "`{}`: the number is said to be another person's"),
    ("suspect", "`{}` may be meant as a request to stop; a person must decide"),
    ("help", "`{}` asks for help"),
    ("start", "`{}` asks for texts again, which by itself lifts no revocation"),
)


def _unread(character: str) -> bool:
    """Whether a character is a letter of a script other than Latin."""
    return character > "\u024f" and character.isalpha() and not unicodedata.normalize("NFKD", character)[0].isascii()


def _reaction(text: str, words: Lexicon) -> OptOut | None:
    """A phone's report of a reaction, which quotes the sender's own words."""
    if "“" not in text and '"' not in text and "”" not in text and "«" not in text:
        return None
    found = _QUOTING.match(fold(text[:60]))
    kind = words.reactions.get(found[1]) if found else None
    if kind is None or text.rstrip()[-1:] not in "”\"»":
        return None
    if kind == "none":
        return OptOut("none", why=f"a reaction (`{found[1]}`) that quotes the sender's message")
    return OptOut("unclear", words=(found[1],), why=f"a reaction (`{found[1]}`) to the sender's message; a person must decide")


def _heard(found: list[Match], size: int) -> list[Match]:
    """The matches that count: in no innocent one and, of those that ask or may ask, in no longer one.

    Of equals the stricter counts, but for what names advertising.
    """
    covered: dict[int, int] = {}
    for match in found:
        if match.phrase.section == "innocent":
            covered[match.start] = max(match.end, covered.get(match.start, 0))
    until, reach = [], 0  # how far the innocent matches reach that begin no later than a word
    for place in range(size if covered else 0):
        reach = max(reach, covered.get(place, 0))
        until.append(reach)
    heard: list[Match] = []
    rival: list[Match] = []
    for match in found:
        section = match.phrase.section
        if section != "innocent" and not (until and match.end <= until[match.start]):
            (rival if section in _RIVALS else heard).append(match)
    rival.sort(key=lambda one: (one.start, -one.end, _RIVALS[one.phrase.section]))
    reach = 0
    for match in rival:
        if match.end > reach:
            heard.append(match)
            reach = match.end
    return heard


def _scope(asked: list[Match], by: dict[str, list[Match]], said: Words, words: Lexicon) -> tuple[str, str | None, str | None]:
    """Scope, subject and channel: narrower than all only where every request says so and no word reaches further."""
    sections = {match.phrase.section for match in asked}
    if not words.everything.isdisjoint(said.words) or len(sections) > 1:
        return "all", None, None
    if sections == {"marketing"}:
        return "marketing", None, None
    if sections == {"category"}:
        return "category", _subject(asked[0], said), None
    named = [frozenset(said.words[match.start : match.end]) for match in asked]
    calls = all(tokens & words.calls and not tokens & words.texts for tokens in named)
    texts = all(tokens & words.texts and not tokens & words.calls for tokens in named)
    if calls and "keeps_texts" in by:
        return "medium", None, "voice"
    if texts and "keeps_calls" in by:
        return "medium", None, "sms"
    return "all", None, None


def _subject(match: Match, said: Words) -> str | None:
    """What a category is about, in the person's words."""
    if match.any is None:
        return None
    end = match.end
    if match.any == match.end - 1:  # the subject stands last: to the end of the clause
        while end < len(said.words) and not said.parted[end]:
            end += 1
    start = match.any + (said.words[match.any] in _ARTICLES and match.any + 1 < end)
    return " ".join(map(_hidden, said.words[start : min(end, start + _SUBJECT_WORDS)]))


def _slip(said: Words, words: Lexicon) -> str | None:
    """The word of the law that a message of one word is one slip away from."""
    rest = [word for word in said.words if word not in words.courtesies and not word.isdigit()]
    return words.slips.get(rest[0]) if len(rest) == 1 else None


def _shown(matches: list[Match], said: Words) -> tuple[str, ...]:
    """The words of some matches as they were read, each once and not too many, without long numbers."""
    first = matches[:_MOST_SHOWN]
    return tuple(dict.fromkeys(" ".join(map(_hidden, said.words[match.start : match.end])) for match in first))


def _hidden(word: str) -> str:
    """A word, or ``...`` for one that may be part of a telephone number or is no word of a person's."""
    return "..." if len(word) > 40 or (len(word) > 2 and any(map(str.isdigit, word))) else word


def _language(heard: list[Match]) -> str:
    """The language of most of what was found; English where nothing tells."""
    spanish = sum(match.phrase.language == "es" for match in heard)
    return "es" if spanish * 2 > len(heard) else "en"
