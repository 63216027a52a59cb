"""Telephone numbers spread over the United States roughly as people are."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

DATA = Path(__file__).resolve().parent.parent / "dialguard" / "data"

# 2020 Census apportionment, resident population, rounded to thousands; the island areas from the
# 2020 Island Areas Census.
STATE_POPULATION: Mapping[str, int] = {
    "AL": 5024, "AK": 733, "AZ": 7152, "AR": 3012, "CA": 39538, "CO": 5774, "CT": 3606, "DE": 990,
    "DC": 690, "FL": 21538, "GA": 10712, "HI": 1455, "ID": 1839, "IL": 12813, "IN": 6786, "IA": 3190,
    "KS": 2938, "KY": 4506, "LA": 4658, "ME": 1362, "MD": 6177, "MA": 7030, "MI": 10077, "MN": 5706,
    "MS": 2961, "MO": 6155, "MT": 1084, "NE": 1962, "NV": 3105, "NH": 1378, "NJ": 9289, "NM": 2118,
    "NY": 20201, "NC": 10439, "ND": 779, "OH": 11799, "OK": 3959, "OR": 4237, "PA": 13003, "RI": 1097,
    "SC": 5118, "SD": 887, "TN": 6911, "TX": 29146, "UT": 3272, "VT": 643, "VA": 8631, "WA": 7705,
    "WV": 1794, "WI": 5894, "WY": 577,
    "PR": 3286, "GU": 154, "VI": 87, "AS": 50, "MP": 47,
}  # fmt: skip

# Codes that enter service after this year have no subscribers yet.
LAST_YEAR = 2026
LINES_PER_EXCHANGE = 10_000


@cache
def area_codes() -> Mapping[str, dict[str, str]]:
    """The rows of `dialguard/data/npa.csv` with a service date up to LAST_YEAR, by area code."""
    with open(DATA / "npa.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["npa"]: row for row in rows if row["in_service"] and int(row["in_service"][:4]) <= LAST_YEAR}


@cache
def exchanges() -> tuple[int, ...]:
    """Exchanges (NXX) that ordinary subscribers have: 200 to 999 without N11, 555, 950, 958, 959 and 976."""
    return tuple(n for n in range(200, 1000) if n % 100 != 11 and n not in (555, 950, 958, 959, 976))


@cache
def area_code_weights() -> Mapping[str, int]:
    """Each code's share of the people, as an integer: its state's population, spread over the state's codes.

    Within a state an overlay weighs 6/10 of the code it joined, and a code under twenty years old
    as many twentieths as it has years.
    """
    inner: dict[str, int] = {}
    for code, row in area_codes().items():
        depth = min(len([c for c in row["overlay_of"].split("|") if c]), 5)
        years = max(1, min(20, LAST_YEAR - int(row["in_service"][:4])))
        inner[code] = 6**depth * 10 ** (5 - depth) * years
    of_state: dict[str, int] = {}
    for code, weight in inner.items():
        state = area_codes()[code]["state"]
        of_state[state] = of_state.get(state, 0) + weight
    return {
        code: STATE_POPULATION[area_codes()[code]["state"]] * 1_000_000 * weight // of_state[area_codes()[code]["state"]]
        for code, weight in inner.items()
    }


def below(random: Random, n: int) -> int:
    """A whole number from 0 to n - 1."""
    return int(random.random() * n)


class Choice:
    """Draws from `items` with integer weights."""

    def __init__(self, weighted: Mapping[str, int]) -> None:
        self._items = tuple(weighted)
        self._sums = list(accumulate(weighted.values()))

    def draw(self, random: Random) -> str:
        """One item."""
        return self._items[bisect_right(self._sums, below(random, self._sums[-1]))]


class Numbers:
    """An endless source of ten-digit numbers in service, area codes weighed by people."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._codes = Choice(area_code_weights())

    def draw(self) -> str:
        """One number, ten digits."""
        code = self._codes.draw(self._random)
        exchange = exchanges()[below(self._random, len(exchanges()))]
        return f"{code}{exchange}{below(self._random, LINES_PER_EXCHANGE):04d}"


def apportion(total: int, weights: Sequence[int], room: Sequence[int]) -> list[int]:
    """Split `total` into whole parts in proportion to `weights`, no part above its `room`.

    What does not fit is spread over the rest. Raises ValueError when all the room is less than `total`.
    """
    if total > sum(room):
        raise ValueError(f"{total:,} do not fit into room for {sum(room):,}")
    parts = [0] * len(weights)
    left = total
    open_parts = [i for i in range(len(weights)) if room[i]]
    while left:
        weight = sum(weights[i] for i in open_parts)
        given = 0
        for i in open_parts:
            part = min(left * weights[i] // weight if weight else 0, room[i] - parts[i])
            parts[i] += part
            given += part
        if not given:  # only rounding is left: one each, the heaviest first
            for i in sorted(open_parts, key=lambda i: (-weights[i], i))[:left]:
                parts[i] += 1
                given += 1
        left -= given
        open_parts = [i for i in open_parts if parts[i] < room[i]]
    return parts


_EXTENSION = re.compile(r"\s*(?:x|ext|extension|#)\.?\s*\d+\s*$", re.IGNORECASE)


def subscriber_number(written: str) -> str | None:
    """The ten digits of a written US number in service that a subscriber can have; None for everything else."""
    text = _EXTENSION.sub("", written.strip())
    digits = "".join(c for c in text if c in "0123456789")
    if text.startswith("+") and not text.startswith("+1"):
        return None
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) != 10 or digits[:3] not in area_codes() or int(digits[3:6]) not in exchanges():
        return None
    return digits
