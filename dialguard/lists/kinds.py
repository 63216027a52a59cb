"""Lists that are no do-not-call lists, by name, and the facts that follow from them.

==================== ======================================================================= ==================================
name                 what is on it                                                           fact
==================== ======================================================================= ==================================
litigator            numbers of people known to sue                                          ``dnc.litigator``
do_not_originate     numbers that must not be shown as the caller's                          ``caller_id.do_not_originate``
wireless_blocks      blocks of numbers held by wireless carriers                             ``line_type``
ported_to_wireless   numbers ported from wireline to wireless                                ``line_type`` and when it was ported
ported_to_wireline   numbers ported from wireless to wireline                                ``line_type``
==================== ======================================================================= ==================================

They are imported as every list is. A fact follows only where a version in force covers the number; a file of ports is good for
fifteen days, the time for which 47 CFR 64.1200(a)(1)(iv) excuses a call to a number just ported, and a file of blocks for 31.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from dialguard.facts.lists import INCOMPLETE, Said, standing
from dialguard.packs.rule import ListSchedule

if TYPE_CHECKING:
    from dialguard.lists.catalog import VersionAnswer

LITIGATOR, DO_NOT_ORIGINATE = "litigator", "do_not_originate"
BLOCKS, TO_WIRELESS, TO_WIRELINE = "wireless_blocks", "ported_to_wireless", "ported_to_wireline"

KINDS: dict[str, ListSchedule] = {
    LITIGATOR: ListSchedule(LITIGATOR, "Known litigants", "US"),
    DO_NOT_ORIGINATE: ListSchedule(DO_NOT_ORIGINATE, "Do-not-originate numbers", "US"),
    BLOCKS: ListSchedule(BLOCKS, "Blocks of wireless carriers", "US", max_age_days=31),
    TO_WIRELESS: ListSchedule(TO_WIRELESS, "Numbers ported to wireless", "US", max_age_days=15, citation="47 CFR 64.1200(a)(1)(iv)"),
    TO_WIRELINE: ListSchedule(TO_WIRELINE, "Numbers ported to wireline", "US", max_age_days=15, citation="47 CFR 64.1200(a)(1)(iv)"),
}
"""How long a version of each may be used, where something limits it."""

RANGES = frozenset((DO_NOT_ORIGINATE, BLOCKS, TO_WIRELESS, TO_WIRELINE))
"""Lists whose files may hold ranges and blocks (see ``ranges``)."""

Ask = Callable[..., "Iterable[VersionAnswer]"]
"""What the versions of a list say of a ten-digit number: ``list_answers`` of a store at one ``as_of``, by list, number and ``since``."""


def listed(code: str, answers: "Iterable[VersionAnswer]", ordinal: int, aged: int | None = None) -> bool | None:
    """Whether a number is on a list on a local date; None where no version in force covers it or the version is too old.

    ``aged`` is the date on which the age is measured where that is later, as in ``facts.lists.standing``.
    """
    said = [Said(answer.listed, answer.version.published, answer.version.effective, answer.version.use_by) for answer in answers]
    return standing(said, KINDS[code], ordinal, aged).listed


def facts_of_called(ask: Ask, national10: str, ordinal: int, aged: int | None = None) -> dict[str, object]:
    """The facts of a called number: only of lists that are loaded. A value None is *not known* although a list is loaded.

    ``line_type`` is wireless where a block or a port says so and no later port takes it back, landline where blocks and both files of
    ports are there and none says wireless, else not given. ``line.ported_to_wireless_at`` is a moment not later than the port.
    """
    facts: dict[str, object] = {}
    answers = {code: tuple(ask(code, national10, since=ordinal)) for code in (LITIGATOR, BLOCKS, TO_WIRELESS, TO_WIRELINE)}
    said = {code: listed(code, found, ordinal, aged) for code, found in answers.items() if found}
    if LITIGATOR in said:
        facts["dnc.litigator"] = said[LITIGATOR]
    kind = line_type(said.get(BLOCKS), said.get(TO_WIRELESS), said.get(TO_WIRELINE))
    if kind is not None:
        facts["line_type"] = kind
    if said.get(TO_WIRELESS) and kind == "wireless":
        since = last_seen_unported(ask(TO_WIRELESS, national10))
        if since is not None:
            facts["line.ported_to_wireless_at"] = since
    return facts


def facts_of_shown(ask: Ask, national10: str, ordinal: int, aged: int | None = None) -> dict[str, object]:
    """The facts of the number that is shown as the caller's: empty when no do-not-originate list is loaded."""
    answers = tuple(ask(DO_NOT_ORIGINATE, national10, since=ordinal))
    return {"caller_id.do_not_originate": listed(DO_NOT_ORIGINATE, answers, ordinal, aged)} if answers else {}


def line_type(in_block: bool | None, to_wireless: bool | None, to_wireline: bool | None) -> str | None:
    """``wireless`` or ``landline`` as the block, then the ports to and from wireless have it; None while one that matters is unknown.

    A number in both files of ports is unknown: one of them is older than the other, and neither says which.
    """
    if to_wireless and to_wireline:
        return None
    if to_wireline:
        return "landline"
    if to_wireless or in_block:
        return "wireless" if to_wireline is False else None
    return "landline" if in_block is False and to_wireless is False else None


_DAY = 86_400_000_000
_EPOCH = 719_163


def last_seen_unported(answers: "Iterable[VersionAnswer]") -> int | None:
    """An instant not later than the port of a number that the latest version lists: a day before the last version without it.

    None where no version without it is held: then nobody knows since when.
    """
    without = [answer.version.published for answer in answers if answer.listed is False]
    return (max(without) - 1 - _EPOCH) * _DAY if without else None


def enter(values: dict[str, object], why: dict[str, str], found: Iterable[Mapping[str, object]]) -> None:
    """Enter facts of this module, found on each local date that the call may have, among the facts of an attempt.

    What is adverse holds if either the caller or a list says so; else what the caller says stands, and what it leaves open is the
    list's to say. ``why`` tells where a list is loaded and gives no answer.
    """
    dates = list(found)
    for name in sorted({name for facts in dates for name in facts}):
        answers = [facts.get(name) for facts in dates]
        answer = True if True in answers else answers[0] if all(one == answers[0] for one in answers) else None
        stated = values.get(name)
        if answer is True or stated is None or (name == "dnc.litigator" and stated is False):
            values[name] = answer
        if values[name] is None:
            why[name] = INCOMPLETE
