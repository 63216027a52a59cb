"""The table of the guide "Usable with little", held to. Its answers were written from the statutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.lists.catalog import Version, VersionAnswer
from dialguard.lists.kinds import KINDS
from dialguard.packs.load import Packs, load
from dialguard.storage.memory import MemoryStore

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "guides" / "usable-with-little.md"
SINCE = clock.parse_instant("2020-01-01T00:00:00Z")
STORES = ("complete", "listed", "no national list", "ledger not complete", "no store")


def rows() -> Iterator[dict[str, str]]:
    """The rows of the table of attempts."""
    names: list[str] = []
    for line in GUIDE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[:2] == ["#", "to"]:
            names = cells
        elif names and line.startswith("|") and cells[0].isdigit():
            yield dict(zip(names, cells, strict=True))


class Lists:
    """Every do-not-call list, published five days before and in force since the quarter began."""

    def __init__(self, day: date, listed: tuple[str, ...], absent: tuple[str, ...]) -> None:
        self.day, self.listed, self.absent = day, listed, absent

    def versions(self, code: str, as_of: int | None = None, since: int | None = None) -> tuple[Version, ...]:
        if code in self.absent or code in KINDS:
            return ()
        quarter = date(self.day.year, 3 * ((self.day.month - 1) // 3) + 1, 1)
        effective = None if code == "national" else quarter.toordinal()
        return (Version("v", code, self.day.toordinal() - 5, effective, None, 0, 1, 1, "0" * 64, None),)

    def answers(self, code: str, national10: str, as_of: int | None = None, since: int | None = None) -> tuple[VersionAnswer, ...]:
        return tuple(VersionAnswer(version, code in self.listed) for version in self.versions(code))

    def refresh(self) -> bool:
        return False


@cache
def packs() -> Packs:
    return load([])


def guard(store: str, day: date, at: str) -> Guard:
    if store == "no store":
        return Guard(no_store=True, packs=packs())
    listed = ("national",) if store == "listed" else ()
    absent = ("national",) if store == "no national list" else ()
    memory = MemoryStore(Lists(day, listed, absent))
    if store != "ledger not complete":
        memory.declare_complete("acme", SINCE, known_at=SINCE)
    return Guard(memory, packs=packs(), as_of=at)  # looked back at from the moment of the attempt: the lists are of that day


def test_the_table_is_whole() -> None:
    found = list(rows())
    assert len(found) >= 12
    assert [int(row["#"]) for row in found] == list(range(1, len(found) + 1))
    assert {row["store"] for row in found} == set(STORES)
    assert {row["verdict"] for row in found} == {"allow", "deny"}


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row['#']}-{row['to'].partition(',')[0]}-{row['purpose']}")
def test_row(row: dict[str, str]) -> None:
    number = re.search(r"911|\d{3}-\d{3}-\d{4}", row["to"])[0]
    campaign = {"seller": "acme", **{name: row[name] for name in ("purpose", "dialing", "voice") if row[name]}}
    at = row["at"]
    decision = guard(row["store"], datetime.fromisoformat(at).date(), at).check({"to": number, "channel": row["channel"], "campaign": campaign, "at": at})
    shown = [(reason["rule"], reason["kind"], reason.get("needs")) for reason in decision.reasons]
    assert decision.verdict == row["verdict"], shown
    if row["verdict"] == "allow":
        assert decision.obligations or row["purpose"] == "emergency"
        return
    named = [reason for reason in decision.reasons if row["reason"] in (reason["rule"], f"({reason['topic']})")]
    assert [reason["kind"] for reason in named][:1] == [row["kind"]], shown
    assert named[0]["citation"] or row["reason"] == "(number)"  # a rule of the numbering plan, not of a statute
    assert not row["needs"] or row["needs"] in named[0]["needs"]
    if row["retry"]:
        assert decision.retry_at == row["retry"], shown
