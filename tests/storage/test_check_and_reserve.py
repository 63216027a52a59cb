"""Check and reserve through the Guard: never one allow too many under a cap, whoever asks at once, and a refusal is the law's own."""

from __future__ import annotations

import re
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context

import pytest

from dialguard.engine import decision as decisions
from dialguard.facts import clock
from dialguard.facts.clock import parse_instant
from dialguard.guard import Guard, InvalidInput
from dialguard.opening import open_store
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.model.records import LookUpFailed
from dialguard.packs.load import load
from dialguard.storage.memory import MemoryStore

AT = "2026-11-17T12:00:00-06:00"
NOW = parse_instant(AT)
A, B, C = "+14055550100", "+14055550101", "+19185550102"
CAMPAIGN = {
    "id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "subject": "solar",
    "registered_states": ["OK"], "registry_version": "2026-11-10",
}  # fmt: skip
DEBT = {"id": "debt", "seller": "acme", "purpose": "debt_collection", "dialing": "manual", "voice": "live", "registered_states": ["WA"]}
REMIND = {
    "id": "remind", "seller": "acme", "purpose": "healthcare", "dialing": "automated", "voice": "prerecorded", "subject": "appointment",
    "caller_class": "hipaa",
}  # fmt: skip
CALL = {
    "to": A, "channel": "voice", "at": AT, "reserve": True, "campaign": "c", "consent": {"level": "express_written"},
    "dnc": {"national": False, "states": []}, "contact": {"state": "OK", "address_basis": "verified"}, "line_type": "landline",
}  # fmt: skip
PACKS = load()
STORES = ("memory", "folder", "redis", "cluster")


def address(name: str, request, folder) -> str | MemoryStore:
    if name == "memory":
        return MemoryStore()
    if name == "folder":
        return str(folder)
    url = request.getfixturevalue("redis_url" if name == "redis" else "cluster_url")
    return f"{url}&journal={folder}"


def opened(store) -> Guard:
    """A guard as a dialer has one."""
    made = Guard(store, packs=PACKS)
    for campaign in (CAMPAIGN, DEBT, REMIND):
        made.add_campaign(campaign)
    return made


def filled(store) -> Guard:
    """A guard on a new store whose record is complete."""
    made = opened(store)
    if hasattr(made.store, "journal"):
        made.store.journal.rebuild()
    made.store.declare_complete("acme", NOW - 400 * DAY, known_at=NOW - 400 * DAY)
    return made


@pytest.fixture(params=STORES)
def guard(request, tmp_path):
    made = filled(address(request.param, request, tmp_path / "store"))
    yield made
    made.store.close()


def verdicts(guard: Guard, *calls) -> list[str]:
    return [guard.check({**CALL, **call}).verdict for call in calls]


def record(guard: Guard, **more) -> str:
    said = {"seller": "acme", "number": A, "at": NOW - HOUR, "known_at": NOW, "channel": "voice", "purpose": "telemarketing", "subject": "solar"}
    return guard.store.record_attempt(**{**said, **more})


def test_an_allow_takes_a_slot_and_a_denial_takes_none(guard):
    first = guard.check({**CALL, "id": "a"})
    assert first.verdict == "allow" and first.reservation["id"] == "a"
    lasts = parse_instant(first.reservation["expires_at"]) - clock.now()
    assert MINUTE < lasts <= 2 * MINUTE + SECOND
    assert first.as_dict()["reservation"] == first.reservation
    nothing = guard.check({**CALL, "reserve": False})
    assert nothing.reservation is None and "reserved_by_others" not in nothing.evidence
    late = guard.check({**CALL, "at": "2026-11-17T23:00:00-06:00"})
    assert (late.verdict, late.reservation) == ("deny", None)
    assert guard.check(CALL).evidence["reserved_by_others"] == 1


def test_the_cap_that_others_have_reached_denies_with_its_rule_and_the_moment_of_the_cure(guard):
    record(guard)
    assert verdicts(guard, {}, {"at": "2026-11-17T12:00:05-06:00"}) == ["allow", "allow"]
    denied = guard.check({**CALL, "at": "2026-11-17T12:00:10-06:00"})
    assert [(reason["rule"], reason["kind"]) for reason in denied.reasons] == [("ok.frequency", "prohibited")]
    assert denied.reasons[0]["message"] == "The cap of 3 solicitations to one person in 24 hours on the same subject is reached."
    assert denied.retry_at == "2026-11-18T11:00:00-06:00"
    assert denied.reservation is None
    assert denied.evidence["reserved_by_others"] == 2


def test_the_same_attempt_has_one_slot_and_another_may_not_bear_its_id(guard):
    call = {**CALL, "id": "a"}
    first = guard.check(call)
    assert guard.check(call).reservation == first.reservation
    assert verdicts(guard, {"id": "b"}, {"id": "c"}, {"id": "d"}, {"id": "a"}) == ["allow", "allow", "deny", "allow"]
    with pytest.raises(InvalidInput, match="id: found the id of another attempt"):
        guard.check({**call, "line_type": "wireless"})
    with pytest.raises(InvalidInput, match="^id: "):
        guard.check({**call, "id": "tab\tin it"})


def test_a_recorded_attempt_takes_up_its_slot_and_a_released_one_is_free(guard):
    assert verdicts(guard, {"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}) == ["allow", "allow", "allow", "deny"]
    record(guard, at=NOW, reference="a")
    assert verdicts(guard, {"id": "d"}) == ["deny"]
    assert guard.release(seller="acme", to="405-555-0100", id="b") is True
    assert guard.release(seller="acme", to=A, id="b") is False
    assert guard.release(seller="acme", to=A, id="a") is False
    assert verdicts(guard, {"id": "d"}, {"id": "b"}, {"id": "a"}) == ["allow", "deny", "allow"]
    with pytest.raises(InvalidInput, match="to: expected a telephone number"):
        guard.release(seller="acme", to="12", id="b")


def test_an_attempt_without_an_id_is_known_by_the_decisions(guard):
    first, second, third = (guard.check(CALL) for _ in range(3))
    assert first.reservation["id"] == first.id != second.reservation["id"]
    assert guard.check(CALL).verdict == "deny"
    assert guard.release(seller="acme", to=A, id=third.reservation["id"])
    assert guard.check(CALL).verdict == "allow"


def test_caps_count_what_they_say_they_count(guard):
    solar, wind = {"to": A}, {"to": A, "campaign": {**CAMPAIGN, "id": "w", "subject": "wind"}}
    assert verdicts(guard, solar, solar, wind, solar, solar, wind, wind, wind) == ["allow"] * 4 + ["deny"] + ["allow"] * 2 + ["deny"]


def test_a_debt_has_its_own_cap(guard):
    call = {**CALL, "campaign": "debt", "to": "+12065550100", "contact": {"state": "WA", "address_basis": "verified"}, "consent": None}
    calls = [{**call, "debt": {"id": name, "third_party": True}} for name in ("d1", "d1", "d2", "d1", "d1", "d2", "d2", "d2")]
    found = [guard.check(each) for each in calls]
    assert [each.verdict for each in found] == ["allow", "allow", "allow", "allow", "deny", "allow", "allow", "deny"]
    assert {reason["rule"] for reason in found[4].reasons} == {"wa.debt-frequency"}


def test_a_relief_that_a_count_takes_away_is_a_cap_too(guard):
    call = {**CALL, "campaign": "remind", "consent": {"level": "none"}, "relationship": {"kind": "none"}, "contact": {"kind": "consumer"}}
    first, second = guard.check(call), guard.check(call)
    assert first.verdict == "allow", first.reasons
    assert second.verdict == "deny"
    assert second.retry_at == "2026-11-18T12:00:00-06:00"


def test_what_the_caller_knows_of_more_attempts_is_not_lost(guard):
    call = {**CALL, "history": {"last_24h": 1}}
    assert verdicts(guard, call, call, call) == ["allow", "allow", "deny"]


def test_a_group_is_decided_in_order_and_its_mistakes_stay_their_own(guard):
    group = [{**CALL, "id": str(place)} for place in range(5)]
    group[1:1] = [{**CALL, "to": None}, {**CALL, "reserve": False}, {**CALL, "id": "0", "line_type": "wireless"}, {"to": C}]
    for call in group:
        if call.get("reserve"):
            del call["reserve"]
    found = guard.check_together(group, reserve=True)
    assert [getattr(each, "verdict", type(each).__name__) for each in found] == [
        "allow", "InvalidInput", "allow", "InvalidInput", "InvalidInput", "allow", "allow", "deny", "deny",
    ]  # fmt: skip
    assert [each.attempt_id for each in found if hasattr(each, "verdict")] == ["0", None, "1", "2", "3", "4"]
    assert found[2].reservation is None


def one(guard: Guard, place: int) -> bool:
    person = {"contact": {**CALL["contact"], "id": "p"}, "to": (A, C)[place % 2]} if place >= 1000 else {}
    return guard.check({**CALL, **person, "id": f"call {place // 2}"}).allowed


def test_of_a_thousand_threads_at_once_none_too_many_is_allowed(guard):
    record(guard)
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(lambda place: one(guard, place), range(1000)))
    assert len({place // 2 for place, each in enumerate(allowed) if each}) == 2


def test_of_a_thousand_over_two_numbers_of_one_person_none_too_many_is_allowed(guard):
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(lambda place: one(guard, place), range(1000, 2000)))
    assert len({(place // 2, place % 2) for place, each in enumerate(allowed) if each}) == 3


def apart(store: str, first: int) -> list[bool]:
    """What one process of several does."""
    guard = opened(store)
    with closing(guard.store):
        return [guard.check({**CALL, **PERSON, "to": (A, C)[place % 2]}).allowed for place in range(first, first + 250)]


PERSON = {"contact": {**CALL["contact"], "id": "p"}}


@pytest.mark.parametrize("name", STORES[1:])
def test_of_a_thousand_in_four_processes_none_too_many_is_allowed(name, request, tmp_path):
    store = address(name, request, tmp_path / "store")
    filled(store).store.close()
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        allowed = [each for found in pool.map(apart, [store] * 4, range(0, 1000, 250)) for each in found]
    assert (len(allowed), sum(allowed)) == (1000, 3)


def test_a_child_process_has_ids_of_its_own():
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(prefix).result() != prefix()


def prefix() -> str:
    return decisions._PREFIX


# -- where nothing can be reserved


@pytest.mark.parametrize("about", [{"no_store": True}, {"as_of": AT}])
def test_without_a_store_and_in_the_past_nothing_is_reserved_and_nothing_changes(about, tmp_path):
    store = None if "no_store" in about else str(tmp_path)
    guard, call = Guard(store, packs=PACKS, **about), {**CALL, "campaign": CAMPAIGN, "history": {"attempts": []}}
    asked = guard.check(call)
    assert asked.reservation is None
    assert {**asked.as_dict(), "id": ""} == {**guard.check({**call, "reserve": False}).as_dict(), "id": ""}
    assert not (tmp_path / "reservations.sqlite").exists()
    assert guard.release(seller="acme", to=A, id="a") is False


def test_a_store_that_cannot_reserve_denies(monkeypatch):
    guard = filled(MemoryStore())
    monkeypatch.setattr(MemoryStore, "together", None)
    denied = guard.check(CALL)
    assert [(reason["rule"], reason["kind"]) for reason in denied.reasons] == [("engine.reservation", "lookup_unavailable")]
    assert (denied.verdict, denied.allowed, denied.reservation, denied.retry_at) == ("deny", False, None, None)
    assert guard.check({**CALL, "reserve": False}).allowed


@pytest.mark.parametrize("step", ["look_up", "_latest_attempt", "take", "commit"])
def test_where_the_slot_is_not_taken_there_is_no_allow(step, monkeypatch, tmp_path):
    guard = filled(str(tmp_path))
    guard.check(CALL)
    with open_store(str(tmp_path)).together():  # somebody else holds the file for longer than one waits
        if step == "commit":
            found = guard.check_together([CALL, {**CALL, "reserve": False}])
            assert [each.verdict for each in found] == ["deny", "allow"]
            assert found[0].reasons[0]["kind"] == "lookup_unavailable"
            return

    def fail(*_, **__):
        raise LookUpFailed("the disk is gone")

    monkeypatch.setattr(*{"take": ("dialguard.storage.slots_local.Locked.flush", fail)}.get(step, (f"dialguard.storage.embedded.EmbeddedStore.{step}", fail)))
    denied = guard.check({**CALL, "id": "x"})
    assert denied.verdict == "deny"
    (reason,) = [each for each in denied.reasons if each["rule"] == "engine.reservation"]
    assert reason["kind"] == "lookup_unavailable" and "the disk is gone" in reason["message"]


def test_a_reservations_file_that_is_none_denies_and_is_not_touched(tmp_path):
    guard = filled(str(tmp_path))
    (tmp_path / "reservations.sqlite").write_text("not a database, " * 100)
    denied = guard.check(CALL)
    assert denied.reasons[0]["kind"] == "lookup_unavailable"
    assert re.search(r"\d{10}", str(denied.reasons)) is None
    assert (tmp_path / "reservations.sqlite").read_text() == "not a database, " * 100


def test_slots_of_an_earlier_start_of_the_machine_are_not_read(tmp_path, monkeypatch):
    """What a loss of power left of the file, whole or torn, is no hindrance; that of this start is everybody's."""
    boot = tmp_path / "boot"
    boot.write_text("first")
    monkeypatch.setattr("dialguard.storage.slots_local._BOOT", boot)
    (tmp_path / "store").mkdir()
    path = str(tmp_path / "store")
    guard, file = filled(path), tmp_path / "store" / "reservations.sqlite"
    assert verdicts(guard, *[{"id": str(place)} for place in range(4)]) == ["allow", "allow", "allow", "deny"]
    guard.store.close()
    assert verdicts(Guard(path), {"id": "x", "campaign": CAMPAIGN}) == ["deny"]
    for start, left in enumerate((b"", b"torn " * 1000), 2):
        boot.write_text(f"start {start}")
        if left:
            file.write_bytes(left)
        again = Guard(path)
        assert verdicts(again, {"id": f"y{start}", "campaign": CAMPAIGN}) == ["allow"]
        again.store.close()
    monkeypatch.setattr("dialguard.storage.slots_local._BOOT", tmp_path / "untold")
    assert verdicts(Guard(path), {"id": "z", "campaign": CAMPAIGN}) == ["allow"]  # it is read as it stands


def test_a_slot_that_lapsed_is_another_dialers(monkeypatch):
    monkeypatch.setattr("dialguard.storage.slots_local.LAPSE", SECOND // 10)
    guard = filled(MemoryStore())
    assert verdicts(guard, *[{"id": str(place)} for place in range(4)]) == ["allow", "allow", "allow", "deny"]
    time.sleep(0.2)
    assert verdicts(guard, {"id": "3"}) == ["allow"]
