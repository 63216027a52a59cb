"""Lead files in the columns of VICIdial's list export, with the mess of real ones.

    python -m simulations.leads OUT --rows 20000 --seed 7
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from simulations.population import DATA, STATE_POPULATION, Choice, Numbers, area_codes, below, exchanges

COLUMNS = (
    "lead_id", "entry_date", "modify_date", "status", "user", "vendor_lead_code", "source_id", "list_id",
    "gmt_offset_now", "called_since_last_reset", "phone_code", "phone_number", "title", "first_name",
    "middle_initial", "last_name", "address1", "address2", "address3", "city", "state", "province",
    "postal_code", "country_code", "gender", "date_of_birth", "alt_phone", "email", "security_phrase",
    "comments", "called_count", "last_local_call_time", "rank", "owner", "entry_list_id",
)  # fmt: skip

# What the phone column holds, in parts of 10,000 rows.
KINDS: Mapping[str, int] = {
    "subscriber": 8_870, "duplicate": 350, "blank": 160, "toll_free": 100, "canada": 100, "foreign": 80,
    "unassigned": 70, "short": 70, "n11": 50, "long": 50, "caribbean": 40, "zeros": 30, "words": 30,
}  # fmt: skip

# How a North American number is written: A-J stand for its ten digits, K-M for those of an extension.
STYLES: Mapping[str, int] = {
    "ABCDEFGHIJ": 50, "(ABC) DEF-GHIJ": 14, "ABC-DEF-GHIJ": 12, "ABC.DEF.GHIJ": 4, "ABC DEF GHIJ": 3,
    "+1ABCDEFGHIJ": 5, "1ABCDEFGHIJ": 4, "+1 (ABC) DEF-GHIJ": 2, "1-ABC-DEF-GHIJ": 2, "1 (ABC) DEFGHIJ": 1,
    "(ABC)DEF-GHIJ xKLM": 1, "ABC-DEF-GHIJ ext. KL": 1, " ABCDEFGHIJ ": 1,
}  # fmt: skip

# Standard time: VICIdial stores the offset of the day of loading, and these lists were loaded in winter.
_OFFSETS = {
    "America/New_York": "-5.00", "America/Chicago": "-6.00", "America/Denver": "-7.00",
    "America/Phoenix": "-7.00", "America/Los_Angeles": "-8.00", "America/Anchorage": "-9.00",
    "Pacific/Honolulu": "-10.00", "America/Puerto_Rico": "-4.00", "America/St_Thomas": "-4.00",
    "Pacific/Guam": "10.00", "Pacific/Saipan": "10.00", "Pacific/Pago_Pago": "-11.00",
}  # fmt: skip
_FIRST = (
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Maria Joseph Susan "
    "Anne-Marie José Zoë Björn Núria Łukasz Thảo Siân Chloé Søren Márta Ángel Renée 美玲 Дмитрий D'Andre"
).split()
_LAST = (
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Wilson Anderson "
    "O'Brien Nuñez Müller Nguyễn Peña-Ortiz Kowalczyk Šimek D'Angelo Çelik Sørensen MacDonald 王 Ivanović"
).split()
_STREETS = "Main St|Oak Ave|2nd St|Maple Dr|Washington Blvd|County Road 12|Peach Tree Ln|Broadway|Hwy 61 N".split("|")
_CITIES = "Springfield|Franklin|Greenville|Clinton|Fairview|St. Mary's|Coeur d'Alene|Cañon City|Winston-Salem".split("|")
_COMMENTS = (
    'asked for "Bob"', '"call after 5', "no soliciting!!", "wants quote, 2 cars; 1 truck", "moved?", '24" door',
    "español", "do not leave msg", "spouse: Ann\\Andy", "*** VIP ***", "#N/A", "=SUM(A1:A2)",
)  # fmt: skip
_WORDS = ("N/A", "none", "unknown", "call office", "-", "see notes")
_CARIBBEAN = ("246", "268", "345", "441", "758", "784", "868", "876")
_CANADA = ("204", "306", "403", "416", "514", "604", "647", "780", "902")
_TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
_NEVER_ASSIGNED = ("200", "211", "222", "291", "335", "399", "437", "555", "690", "799", "960", "999")
_FOREIGN = ("+44 20 7946 0", "+49 30 901820", "+33 1 70 18 9", "+52 55 1234 5", "011 44 161 496 0", "+61 2 5550 1")
_HELD_FOR_DUPLICATES = 500


class Lead(NamedTuple):
    """One row, and what its generator knows about it."""

    fields: tuple[str, ...]
    kind: str
    """Which of KINDS the phone column is."""
    number: str | None
    """The ten digits of a subscriber's number, else None."""
    home: str
    """USPS code of the state where the person really lives."""


@cache
def _zip_prefixes() -> Mapping[str, Choice]:
    """Three-digit ZIP prefixes of each state, weighed by their ZIPs; shared ones only where it has no other."""
    own: dict[str, dict[str, int]] = {}
    shared: dict[str, dict[str, int]] = {}
    with open(DATA / "zip3_tz.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            states = row["states"].split("|")
            for state in states:
                (own if len(states) == 1 else shared).setdefault(state, {})[row["zip3"]] = int(row["zip_count"])
    return {state: Choice(prefixes) for state, prefixes in (shared | own).items()}


@cache
def _unassigned() -> tuple[str, ...]:
    """Codes that no area has in the numbering data."""
    with open(DATA / "npa_other.csv", encoding="utf-8", newline="") as file:
        other = {row["npa"] for row in csv.DictReader(file)}
    return tuple(code for code in _NEVER_ASSIGNED if code not in area_codes() and code not in other)


class _Writer:
    """Everything one file needs while it is written."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.numbers = Numbers(self.random)
        self.kinds = Choice(KINDS)
        self.styles = Choice(STYLES)
        self.states = Choice(STATE_POPULATION)
        self.held: list[str] = []

    def pick(self, items: Sequence[str]) -> str:
        return items[below(self.random, len(items))]

    def chance(self, parts_of_100: int) -> bool:
        return below(self.random, 100) < parts_of_100

    def digits(self, count: int) -> str:
        return f"{below(self.random, 10**count):0{count}d}"

    def written(self, number: str) -> str:
        """A ten-digit number in one of the styles."""
        return self.styles.draw(self.random).translate(str.maketrans("ABCDEFGHIJKLM", number + self.digits(3)))

    def elsewhere(self, codes: Sequence[str]) -> str:
        """A number under one of the codes, with an ordinary exchange."""
        return f"{self.pick(codes)}{exchanges()[below(self.random, len(exchanges()))]}{self.digits(4)}"

    def phone(self, kind: str) -> tuple[str, str | None]:
        """The phone column of a kind: as written, and the subscriber's ten digits or None."""
        if kind == "duplicate":
            number = self.pick(self.held)
            return self.written(number), number
        if kind == "subscriber":
            number = self.numbers.draw()
            if len(self.held) < _HELD_FOR_DUPLICATES:
                self.held.append(number)
            else:
                self.held[below(self.random, _HELD_FOR_DUPLICATES)] = number
            return self.written(number), number
        if kind == "n11":
            code = self.pick(tuple(area_codes()))
            return self.pick(("911", f"{code}{2 + below(self.random, 8)}11{self.digits(4)}")), None
        text = {
            "blank": lambda: self.pick(("", "", "", "   ")),
            "toll_free": lambda: self.written(self.elsewhere(_TOLL_FREE)),
            "canada": lambda: self.written(self.elsewhere(_CANADA)),
            "caribbean": lambda: self.written(self.elsewhere(_CARIBBEAN)),
            "foreign": lambda: self.pick(_FOREIGN) + self.digits(3),
            "unassigned": lambda: self.written(self.elsewhere(_unassigned())),
            "short": lambda: self.numbers.draw()[: 4 + below(self.random, 6)],
            "long": lambda: self.numbers.draw() + self.digits(2 + below(self.random, 6)),
            "zeros": lambda: self.pick(("0000000000", "0", "000-000-0000", "1111111111", "9999999999")),
            "words": lambda: self.pick(_WORDS),
        }[kind]()
        return text, None

    def zip_code(self, state: str) -> str:
        """A ZIP of the state, as people leave it."""
        plain = _zip_prefixes()[state].draw(self.random) + self.digits(2)
        form = below(self.random, 100)
        if form < 9:
            return ""
        if form < 22:
            return f"{plain}-{1 + below(self.random, 9999):04d}"
        # A spreadsheet takes the leading zero of New England and New Jersey away.
        return plain[1:] if plain[0] == "0" and self.chance(40) else plain

    def lead(self, row: int) -> Lead:
        kind = self.kinds.draw(self.random)
        if kind == "duplicate" and not self.held:
            kind = "subscriber"
        phone, number = self.phone(kind)
        home = area_codes()[number[:3]]["state"] if number else self.states.draw(self.random)
        if number and self.chance(8):  # moved, and kept the number
            home = self.states.draw(self.random)
        zone = area_codes()[number[:3]]["timezones"].split("|")[0] if number else "America/New_York"
        day = f"2026-{1 + below(self.random, 2):02d}-{1 + below(self.random, 28):02d}"
        loaded = f"{day} {below(self.random, 24):02d}:{self.pick(('04', '17', '38', '52'))}:{below(self.random, 60):02d}"
        calls = max(0, below(self.random, 7) - 2)
        first, last = self.pick(_FIRST), self.pick(_LAST)
        values = {
            "lead_id": str(1_000_001 + row),
            "entry_date": loaded,
            "modify_date": loaded,
            "status": self.pick(("NEW", "NEW", "NEW", "NA", "A", "B", "CALLBK", "NI", "DROP")),
            "user": self.pick(("", "", "6666", "VDAD", "agent07")),
            "vendor_lead_code": f"V{self.digits(7)}" if self.chance(70) else "",
            "source_id": self.pick(("web", "WEB FORM", "fair-2026", "partner_3", "")),
            "list_id": "20260301",
            "gmt_offset_now": _OFFSETS[zone],
            "called_since_last_reset": "Y" if calls and self.chance(50) else "N",
            "phone_code": "44" if kind == "foreign" else self.pick(("1", "1", "1", "1", "")),
            "phone_number": phone,
            "title": self.pick(("", "", "Mr", "Ms", "Dr.")),
            "first_name": first.upper() if self.chance(10) else first,
            "middle_initial": self.pick(("", "", "J", "M.", "é")),
            "last_name": last,
            "address1": f"{1 + below(self.random, 9999)} {self.pick(_STREETS)}" if self.chance(88) else "",
            "address2": f"Apt {1 + below(self.random, 60)}" if self.chance(12) else "",
            "city": self.pick(_CITIES) if self.chance(93) else "",
            "state": self.pick((home, home, home, home, home.lower())) if self.chance(95) else "",
            "postal_code": self.zip_code(home),
            "country_code": self.pick(("USA", "US", "", "1")),
            "gender": self.pick(("M", "F", "U", "")),
            "date_of_birth": f"{1940 + below(self.random, 65)}-{1 + below(self.random, 12):02d}-{1 + below(self.random, 28):02d}"
            if self.chance(30)
            else "0000-00-00",
            "alt_phone": self.written(self.numbers.draw()) if self.chance(15) else "",
            "email": f"lead{row}@example.com" if self.chance(55) else "",
            "comments": self.pick(_COMMENTS) if self.chance(6) else "",
            "called_count": str(calls),
            "last_local_call_time": f"{day} {9 + below(self.random, 11):02d}:30:00" if calls else "2008-01-01 00:00:00",
            "rank": str(below(self.random, 10)),
            "owner": self.pick(("", "north", "south")),
            "entry_list_id": "0",
        }
        return Lead(tuple(values.get(column, "") for column in COLUMNS), kind, number, home)


def generate(rows: int, seed: int) -> Iterator[Lead]:
    """`rows` leads, the same for the same seed."""
    writer = _Writer(seed)
    for row in range(rows):
        yield writer.lead(row)


def write(path: Path, rows: int, seed: int) -> None:
    """Write a lead file: UTF-8, tab separated, LF, a header, no quoting (quotes in fields stand for themselves)."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for lead in generate(rows, seed):
            file.write("\t".join(lead.fields) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.leads", description="Write a made-up lead file.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    write(options.out, options.rows, options.seed)


if __name__ == "__main__":
    main()
