"""What the rows that a screen denied might have cost under the TCPA, as a range, and what is counted apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

LEAST, MOST = 500, 1_500
"""Dollars a violation: 47 U.S.C. 227(b)(3) and (c)(5), the second figure where it was willful or knowing (up to treble)."""

TCPA, OTHER, DOUBT = "tcpa", "other", "doubt"
"""What a reason is to the estimate: a rule under the TCPA forbids the call; another law does; it is not settled."""

# The subsections that give a person a suit, the FCC's rules for callers under them (the others are for carriers), and its rulings.
_TCPA = re.compile(r"47 U\.S\.C\. 227\([bc]\)|47 CFR 64\.1200\([acdm]\)|TCPA|\bFCC \d")


class Exposure(NamedTuple):
    """Rows by what they are to the estimate. Each row denied is in one of the three, by its main reason."""

    tcpa: int
    other: int
    doubt: int

    @property
    def dollars(self) -> tuple[int, int]:
        """The range for the rows that a rule under the TCPA forbids, each called once."""
        return self.tcpa * LEAST, self.tcpa * MOST


def nature(reason: Mapping[str, object]) -> str:
    """TCPA, OTHER or DOUBT for an entry of ``reasons`` in a summary, by its kind and citation.

    Only a reason of the kind ``prohibited`` is settled. A state's law or an FTC rule has remedies of its own and gives nobody a
    suit under the TCPA, so its rows are not priced at the TCPA's figures.
    """
    if reason["kind"] != "prohibited":
        return DOUBT
    return TCPA if _TCPA.search(str(reason["citation"] or "")) else OTHER


def exposure(reasons: Sequence[Mapping[str, object]]) -> Exposure:
    """The rows of a summary's ``reasons`` by what they are to the estimate."""
    rows = dict.fromkeys((TCPA, OTHER, DOUBT), 0)
    for reason in reasons:
        rows[nature(reason)] += int(reason["rows"])  # type: ignore[call-overload]
    return Exposure(rows[TCPA], rows[OTHER], rows[DOUBT])


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
