"""Hand-worked tables: whole attempts with the answer that the law facts ask for, written by a second reader.

Each ``<topic>.yaml`` holds rows: a named base attempt (``_bases.yaml``), the fields in which the row differs, what the
store holds, and the expected verdict, reasons and retry time. No expectation is computed: every one is a literal.
"""

from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.storage.memory import MemoryStore
from tests.plain_rows import base, merged, read, rows

HERE = Path(__file__).parent
SELLER = "Acme"
ROW_KEYS = {"name", "why", "base", "at", "set", "store", "expect"}
EXPECT_KEYS = {"verdict", "first", "reasons", "includes", "excludes", "kind", "retry_at", "obligations", "no_obligations", "needs"}
STORE_KEYS = {"complete_since", "as_of", "record", "lists"}


class _Dates(NamedTuple):
    published: int | None
    effective: int | None
    use_by: int | None


class _Answer(NamedTuple):
    version: _Dates
    listed: bool | None


class _Lists:
    """Loaded list versions as a row states them: code to versions, each saying whether it holds the number asked about."""

    def __init__(self, loaded: dict[str, list[dict[str, Any]]]) -> None:
        self._loaded = loaded

    def answers(self, code: str, national10: str, as_of: int | None = None, since: int | None = None) -> tuple[_Answer, ...]:
        return tuple(_Answer(_Dates(*(_ordinal(said.get(key)) for key in _Dates._fields)), said.get("listed")) for said in self._loaded.get(code, ()))

    def versions(self, code: str, as_of: int | None = None, since: int | None = None) -> tuple[_Dates, ...]:
        return tuple(answer.version for answer in self.answers(code, ""))

    def refresh(self) -> bool:
        return False


def _ordinal(value: object) -> int | None:
    return None if value is None else date.fromisoformat(str(value)).toordinal()


@cache
def _bases() -> dict[str, dict[str, Any]]:
    return read(HERE / "_bases.yaml")


def _store(row: dict[str, Any], attempt: dict[str, Any]) -> MemoryStore | None:
    """What the row's store holds; without one, an empty ledger that is declared complete."""
    wanted = row.get("store") or {}
    if wanted == "none":
        return None
    assert set(wanted) <= STORE_KEYS, set(wanted) - STORE_KEYS
    store = MemoryStore(_Lists(wanted["lists"])) if "lists" in wanted else MemoryStore()
    since = wanted.get("complete_since", "1990-01-01T00:00:00Z")
    if since != "never":
        store.declare_complete(SELLER, clock.parse_instant(since), known_at=clock.parse_instant("1990-01-01T00:00:00Z"))
    for entry in wanted.get("record", ()):
        (kind, fields), = entry.items()
        fields = {key: clock.parse_instant(value) if key == "at" or key.endswith("_at") else value for key, value in fields.items()}
        fields.setdefault("known_at", clock.parse_instant("2020-01-01T00:00:00Z"))
        number = fields.pop("number", "+1" + str(attempt["to"]).replace("-", ""))
        getattr(store, kind)(seller=fields.pop("seller", SELLER), number=number, **fields)
    return store


@pytest.fixture(scope="module")
def packs():
    from dialguard.packs.load import load

    return load([])


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{topic}: {row['name']}") for topic, row in rows(HERE, ROW_KEYS)])
def test_row(row: dict[str, Any], packs) -> None:
    expect = row["expect"]
    assert set(expect) <= EXPECT_KEYS, set(expect) - EXPECT_KEYS
    attempt = merged(base(_bases(), row["base"]), row.get("set", {}))
    attempt["at"] = row["at"]
    store = _store(row, attempt)
    as_of = row["store"].get("as_of") if isinstance(row.get("store"), dict) else None
    guard = Guard(store, no_store=store is None, packs=packs, as_of=as_of)
    decision = guard.check(attempt)

    reasons = [reason["rule"] for reason in decision.reasons]
    obligations = [item["rule"] for item in decision.obligations]
    found = f"{decision.verdict}, {[(reason['rule'], reason['kind'], reason.get('needs')) for reason in decision.reasons]}"
    assert decision.verdict == expect["verdict"], found
    if "first" in expect:
        assert reasons and fnmatchcase(reasons[0], expect["first"]), found
    if "reasons" in expect:
        assert sorted(reasons) == sorted(expect["reasons"]), found
    for pattern in expect.get("includes", ()):
        assert any(fnmatchcase(rule, pattern) for rule in reasons), f"{pattern}: {found}"
    for pattern in expect.get("excludes", ()):
        assert not any(fnmatchcase(rule, pattern) for rule in reasons), f"{pattern}: {found}"
    if "kind" in expect:
        assert decision.reasons[0]["kind"] == expect["kind"], found
    if "needs" in expect:
        assert decision.reasons[0].get("needs") == expect["needs"], found
    for pattern in expect.get("obligations", ()):
        assert any(fnmatchcase(rule, pattern) for rule in obligations), f"{pattern}: {obligations}"
    for pattern in expect.get("no_obligations", ()):
        assert not any(fnmatchcase(rule, pattern) for rule in obligations), f"{pattern}: {obligations}"
    if expect["verdict"] == "deny":
        _same_moment(decision.retry_at, expect["retry_at"])
        if decision.retry_at is not None:
            again = guard.check({**attempt, "at": decision.retry_at})
            # Lists keep their age in the search; a store's list is judged anew, so only a row without lists can be asked again.
            # The integers of history move on in the search; sent again they speak of the later moment.
            moves = "lists" in (row.get("store") or {}) or "lists" in attempt.get("dnc", {}) or "last_24h" in attempt.get("history", {})
            assert again.allowed or moves, "denied at its own retry_at"


def _same_moment(found: str | None, expected: str | None) -> None:
    assert (found is None) == (expected is None), f"retry_at {found}, expected {expected}"
    if found is not None:
        assert datetime.fromisoformat(found) == datetime.fromisoformat(expected), f"retry_at {found}, expected {expected}"


def test_every_topic_has_thirty_rows() -> None:
    few = {path.stem: count for path in HERE.glob("[a-z]*.yaml") if (count := len(read(path)["rows"])) < 30}
    assert not few
