"""Decisions of a guard: recorded before they are returned, and made again from what the log kept."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dialguard import Guard
from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from dialguard.audit.replay import Outcome, Replayer
from dialguard.facts import clock
from dialguard.packs.load import load
from dialguard.storage.embedded import EmbeddedStore
from tests.audit.conftest import breaks, ids

NOW = clock.parse_instant("2026-11-24T18:00:00Z")
HOUR = 3_600_000_000
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
STATED = {
    "to": "602-555-0123", "channel": "voice", "campaign": CAMPAIGN, "revocations": [], "line_type": "landline",
    "dnc": {"national": False, "states": [], "internal": False},
}  # fmt: skip
ATTEMPT = {**STATED, "id": "a-1"}


@pytest.fixture(scope="module")
def shipped():
    return load([])


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def replayed(folder: Path, log: DecisionLog, packs=None, store: Path | None = None) -> list[Outcome]:
    reader = Reader(folder, log.keys)

    def make(**how: Any) -> Guard:
        return Guard(None if how["no_store"] else store, **how)

    replayer = Replayer(reader, make, packs)
    return [replayer.again(record) for record in reader.find(Wanted())]


def test_each_decision_is_recorded_before_it_is_returned(folder: Path, shipped) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)
    guard.add_campaign({**CAMPAIGN, "id": "named"})
    allowed = guard.check(ATTEMPT)
    denied = guard.check({**ATTEMPT, "to": "911", "campaign": "named"})
    assert (allowed.verdict, denied.verdict) == ("allow", "deny") and ids(folder) == [allowed.id, denied.id]
    reader = Reader(folder, log.keys)
    for decision, record in zip((allowed, denied), reader.find(Wanted()), strict=True):
        whole, notes = reader.whole(record)
        assert notes == [] and whole["decision"] == json.loads(json.dumps(decision.as_dict(texts=False)))
        assert whole["campaign"] == {**CAMPAIGN, "id": "c" if decision is allowed else "named"}
        assert whole["known_at"] == "2026-11-24T18:00:00.000000Z" and whole["store"] == "none" and whole["seller"] == "acme"
    log.close()
    assert breaks(folder) == []


def test_no_allow_without_its_record(folder: Path, shipped, broken_os) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)
    first = guard.check(ATTEMPT)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    broken_os(write=full)
    refused, denied = guard.check(ATTEMPT), guard.check({**ATTEMPT, "to": "911"})
    broken_os()
    again = guard.check(ATTEMPT)
    assert (first.verdict, refused.verdict, denied.verdict, again.verdict) == ("allow", "deny", "deny", "allow")
    assert refused.allowed is False and refused.valid_until is None and refused.retry_at is None
    (reason,) = refused.reasons
    assert reason["kind"] == "audit_unavailable" and "No space left on device" in reason["message"]
    assert [each["kind"] for each in denied.reasons] == ["prohibited", "audit_unavailable"]
    assert refused.as_dict()["verdict"] == "deny" and refused.as_dict()["id"] == refused.id
    assert refused.as_json(texts=False).startswith(b'{"id":"%b"' % refused.id.encode()) and b'"verdict":"deny"' in refused.as_json(
        texts=False
    )
    assert ids(folder) == [first.id, again.id]


def test_a_piece_that_cannot_be_kept_denies_too(folder: Path, shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)

    def full(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("dialguard.files.tempfile.NamedTemporaryFile", full)
        assert guard.check(ATTEMPT).reasons[0]["kind"] == "audit_unavailable"
    assert guard.check(ATTEMPT).verdict == "allow"


def test_a_replay_is_exact_whatever_was_recorded_since(tmp_path: Path, folder: Path, shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore(tmp_path / "store")
    consent = {
        "seller": "acme",
        "number": "+16025550123",
        "level": "express_written",
        "obtained_at": NOW - 99 * HOUR,
        "known_at": NOW - 9 * HOUR,
    }
    store.record_consent(**consent)
    store.declare_complete("acme", NOW - 500 * 24 * HOUR, known_at=NOW - 9 * HOUR)
    log = DecisionLog(folder)
    guard = Guard(store, packs=shipped, log=log)
    short = {
        "id": "a-2",
        "to": "602-555-0123",
        "channel": "voice",
        "campaign": {**CAMPAIGN, "purpose": "telemarketing", "voice": "prerecorded"},
    }
    said = [guard.check(ATTEMPT), guard.check(short), guard.check({**short, "to": "3055550123", "at": "2026-11-24T03:00:00-05:00"})]
    said += [guard.check({**short, "contact": {"id": "Jane", "state": "FL"}, "message": {"first": True}})]
    store.record_revocation(seller="acme", number="+16025550123", at=NOW - HOUR, known_at=NOW + HOUR)
    monkeypatch.setattr(clock, "now", lambda: NOW + 1000 * HOUR)
    later = Guard(store, packs=shipped).check({**ATTEMPT, "at": said[0].at})
    assert said[0].verdict == "allow" and later.verdict == "deny"  # what is known now would say otherwise
    outcomes = replayed(folder, log, store=tmp_path / "store")
    assert [(outcome.id, outcome.same) for outcome in outcomes] == [(decision.id, True) for decision in said]


def test_a_replay_on_other_law_says_what_changes(tmp_path: Path, folder: Path, shipped) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)
    guard.check(ATTEMPT)
    guard.check({**ATTEMPT, "to": "911"})
    (tmp_path / "arizona.yaml").write_text(HOUSE, "utf-8")
    first, second = replayed(folder, log, packs=load([tmp_path]))
    assert first.same is False and first.differs["verdict"] == ("allow", "deny")
    assert [reason["rule"] for reason in first.differs["reasons"][1]] == ["house.az-landlines"]
    assert "verdict" not in second.differs
    assert [outcome.same for outcome in replayed(folder, log)] == [True, True]


HOUSE = """
jurisdiction: AZ
name: Arizona
zone: America/Phoenix
rules:
  - id: house.az-landlines
    title: No calls to landlines
    topic: house
    kind: prohibition
    citation: Compliance manual, policy 9
    status: in_force
    message: Landlines are not called.
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    when: {line_type: landline}
"""


def test_what_cannot_be_made_again_says_so(folder: Path, shipped) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)
    guard.check(ATTEMPT)
    key = log.keys.current("default")
    log.keys.destroy(key.id)
    (outcome,) = replayed(folder, log)
    assert outcome.same is None and outcome.why.startswith(f"the key {key.id} was destroyed")


def test_a_masked_log_and_a_missing_piece_cannot_be_made_again(folder: Path, shipped) -> None:
    log = DecisionLog(folder, numbers="masked")
    Guard(no_store=True, packs=shipped, log=log).check(ATTEMPT)
    assert "masked when recorded" in replayed(folder, log)[0].why
    log = DecisionLog(folder.with_name("other"), numbers="clear")
    Guard(no_store=True, packs=shipped, log=log).check(ATTEMPT)
    assert replayed(log.folder, log)[0].same is True
    for path in (log.folder / "kept").glob("*/*"):
        if path.read_bytes().startswith(b'{"rules"'):
            path.unlink()
    assert "is missing" in replayed(log.folder, log)[0].why


def test_a_rule_switched_off_and_a_look_back_are_replayed_as_they_were(tmp_path: Path, folder: Path, shipped) -> None:
    disputed = next(rule.id for rule in shipped.rules if rule.disputed and rule.kind == "prohibition")
    store = EmbeddedStore(tmp_path / "store")
    store.record_revocation(seller="acme", number="+16025550123", at=NOW - 9 * HOUR, known_at=NOW - 2 * HOUR)
    log = DecisionLog(folder)
    attempt = {**ATTEMPT, "revocations": "unknown"}
    Guard(store, packs=shipped, log=log, disable={disputed: "counsel's advice"}).check(attempt)
    Guard(store, packs=shipped, log=log, as_of=clock.format_instant(NOW - 3 * HOUR)).check(attempt)
    assert [outcome.same for outcome in replayed(folder, log, store=tmp_path / "store")] == [True, True]
    one, other = Reader(folder, log.keys).find(Wanted())
    assert one.body["decision"]["evidence"]["switched_off"] == {disputed: "counsel's advice"}
    assert other.body["known_at"] == "2026-11-24T15:00:00.000000Z"


def test_the_feed_of_its_moment_is_replayed(tmp_path: Path, folder: Path, shipped) -> None:
    store, feed = tmp_path / "store", tmp_path / "store" / "feed.json"
    EmbeddedStore(store).declare_complete("acme", NOW - 500 * 24 * HOUR, known_at=NOW - HOUR)
    declared = [{"state": "LA", "kind": "emergency", "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}]
    feed.write_text(json.dumps({"checked_through": "2026-12-31T00:00:00Z", "declared": declared}))
    log = DecisionLog(folder)
    attempt = {**ATTEMPT, "to": "504-555-0123", "campaign": {**CAMPAIGN, "purpose": "telemarketing"}}
    decision = Guard(store, packs=shipped, log=log).check(attempt)
    assert any(reason["rule"].startswith("la.") for reason in decision.reasons)
    feed.write_text(json.dumps({"checked_through": "2026-12-31T00:00:00Z", "declared": []}))
    assert [outcome.same for outcome in replayed(folder, log, store=store)] == [True]


def test_a_group_is_recorded_as_one_or_denied_as_one(folder: Path, shipped, broken_os, tmp_path: Path) -> None:
    log = DecisionLog(folder)
    guard = Guard(no_store=True, packs=shipped, log=log)
    group = [ATTEMPT, {"to": "x"}, {**ATTEMPT, "to": "911"}]
    allowed, wrong, denied = guard.check_together(group)
    assert (allowed.verdict, type(wrong).__name__, denied.verdict) == ("allow", "InvalidInput", "deny")
    assert ids(folder) == [allowed.id, denied.id]

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    broken_os(write=full)
    first, wrong, second = guard.check_together(group)
    assert [each["kind"] for each in first.reasons] == ["audit_unavailable"] and first.verdict == second.verdict == "deny"
    assert type(wrong).__name__ == "InvalidInput" and ids(folder) == [allowed.id, denied.id]


def test_an_allow_that_took_a_slot_and_an_attempt_as_types(tmp_path: Path, folder: Path, shipped) -> None:
    import msgspec

    from dialguard.model.contract import Attempt

    store = EmbeddedStore(tmp_path / "store")
    store.declare_complete("acme", NOW - 500 * 24 * HOUR, known_at=NOW - HOUR)
    log = DecisionLog(folder)
    guard = Guard(store, packs=shipped, log=log)
    guard.add_campaign(CAMPAIGN)
    typed = {"id": "a-1", "to": "602-555-0123", "channel": "voice", "campaign": "c", "line_type": "landline", "dnc": {"internal": False}}
    decision = guard.check(msgspec.json.decode(json.dumps(typed), type=Attempt), reserve=True)
    assert decision.verdict == "allow" and decision.reservation is not None
    (record,) = Reader(folder, log.keys).find(Wanted())
    assert record.body["decision"]["reservation"] == decision.reservation and record.body["reserve"] is True
    assert set(record.body["attempt"]) == set(typed)  # nothing that was left out of the types
    assert [outcome.same for outcome in replayed(folder, log, store=tmp_path / "store")] == [True]
