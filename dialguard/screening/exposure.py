"""What the rows that a screen denied might have cost, as ranges, and what is counted apart. An estimate: who sues is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

SUIT, PUBLIC, UNSTATED, DOUBT = "suit", "public", "unstated", "doubt"
"""What a reason is to the estimate: a person may sue for an amount; an authority alone may seek one; no amount is stated; not settled."""

Remedy = Mapping[str, object]
Range = tuple[int, int]


class Exposure(NamedTuple):
    """Rows by what they are to the estimate, each row denied once by its main reason, and what they come to, each called once."""

    suit: int = 0
    public: int = 0
    unstated: int = 0
    doubt: int = 0
    people: Range = (0, 0)
    """What the people of the ``suit`` rows may sue for."""
    authorities: Range = (0, 0)
    """What regulators and prosecutors may seek for the rows of which ``sought`` tells."""
    sought: int = 0
    later: int = 0
    """Rows of ``suit`` for which the first call gives no suit."""


def of_people(remedies: Iterable[Remedy]) -> Range | None:
    """What the person called may sue for over one violation; None where no amount is stated."""
    return _range(each for each in remedies if each["by"] == "person")


def of_authorities(remedies: Iterable[Remedy]) -> Range | None:
    """What others may seek for one violation; None where no amount is stated."""
    return _range(each for each in remedies if each["by"] != "person")


def nature(reason: Mapping[str, object]) -> str:
    """SUIT, PUBLIC, UNSTATED or DOUBT for an entry of ``reasons`` in a summary. Only a reason of the kind ``prohibited`` is settled."""
    if reason["kind"] != "prohibited":
        return DOUBT
    remedies = _remedies(reason)
    if of_people(remedies) is not None:
        return SUIT
    return PUBLIC if of_authorities(remedies) is not None else UNSTATED


def exposure(reasons: Sequence[Mapping[str, object]]) -> Exposure:
    """The rows of a summary's ``reasons`` by what they are to the estimate, and the ranges."""
    rows = dict.fromkeys((SUIT, PUBLIC, UNSTATED, DOUBT), 0)
    people, authorities, sought, later = (0, 0), (0, 0), 0, 0
    for reason in reasons:
        count, kind, remedies = int(reason["rows"]), nature(reason), _remedies(reason)  # type: ignore[call-overload]
        rows[kind] += count
        if kind == DOUBT:
            continue
        people = _plus(people, of_people(remedies), count)
        others = of_authorities(remedies)
        authorities, sought = _plus(authorities, others, count), sought + (count if others else 0)
        if kind == SUIT and min(int(each["from_call"]) for each in remedies if each["by"] == "person") > 1:  # type: ignore[call-overload]
            later += count
    return Exposure(rows[SUIT], rows[PUBLIC], rows[UNSTATED], rows[DOUBT], people, authorities, sought, later)


def _remedies(reason: Mapping[str, object]) -> Sequence[Remedy]:
    return reason.get("remedies") or ()  # type: ignore[return-value]


def _range(remedies: Iterable[Remedy]) -> Range | None:
    amounts = [(int(each["least_usd"] or 0), int(each["most_usd"])) for each in remedies if each["most_usd"] is not None]  # type: ignore[call-overload]
    return (min(least for least, _ in amounts), max(most for _, most in amounts)) if amounts else None


def _plus(total: Range, each: Range | None, count: int) -> Range:
    return total if each is None else (total[0] + count * each[0], total[1] + count * each[1])


def dollars(amount: int) -> str:
    """An amount in full: $3,105,500."""
    return f"${amount:,}"


def short_dollars(amount: int) -> str:
    """An amount in three figures: $94.5K, $3.11M, $1.2B; in full below 10,000."""
    if amount < 10_000:
        return dollars(amount)
    for unit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        scaled = amount / unit
        if scaled >= 0.9995:
            return f"${float(f'{scaled:.3g}'):g}{letter}"
    return dollars(amount)
