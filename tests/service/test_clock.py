"""A clock that was set: the service denies, records it, and loses neither counts nor slots."""

import time

import pytest

from dialguard.audit.keys import Keys
from dialguard.audit.reading import Reader, Wanted
from dialguard.facts import clock
from dialguard.model.moment import DAY
from dialguard.service.app import application
from dialguard.service.config import Settings
from dialguard.service.service import Service
from dialguard.service.tenants import Rules, Tenants
from tests.service.asking import asked
from tests.service.conftest import Everybody

SECOND, HOUR = 1_000_000, 3_600_000_000
CAMPAIGN = {
    "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "subject": "solar", "registered_states": ["OK"],
    "registry_version": "2026-11-10",
}  # fmt: skip
CALL = {
    "to": "+14055550100", "channel": "voice", "campaign": CAMPAIGN, "consent": {"level": "express_written"},
    "dnc": {"national": False, "states": []}, "contact": {"state": "OK", "address_basis": "verified"}, "line_type": "landline",
}  # fmt: skip


class System:
    """The system's clock, which a test sets; noon of a Monday in Oklahoma when it begins."""

    def __init__(self, monkeypatch) -> None:
        self.set, self._real = 0, time.time_ns
        self.start = clock.parse_instant("2026-11-23T12:00:00-06:00") - clock.now()
        monkeypatch.setattr(clock.time, "time_ns", lambda: self._real() + (self.start + self.set) * 1000)


@pytest.fixture
def system(monkeypatch):
    return System(monkeypatch)


@pytest.fixture
def app(system, tmp_path, packs):
    desk = Tenants(Settings(folder=tmp_path), lambda _: Rules(packs))._missing(frozenset(), frozenset())["default"]
    desk.guard.store.declare_complete("acme", clock.now() - 400 * DAY, known_at=clock.now())
    yield application(Service({"default": desk}, Everybody()))
    desk.close()


def check(app, id_: str, **more: object) -> dict:
    answer = asked(app, "POST", "/v1/check", {**CALL, "id": id_, **more})
    assert answer.status == 200, answer.body
    return answer.json


def kinds(decision: dict) -> set[str]:
    return {reason["kind"] for reason in decision["reasons"]}


@pytest.mark.parametrize("step", [HOUR, -HOUR, 3 * SECOND, -3 * SECOND])
def test_a_step_denies_everything_until_it_is_undone(app, system, tmp_path, step):
    assert check(app, "before")["verdict"] == "allow"
    system.set = step
    for id_, more in (("now", {}), ("past", {"at": "2026-11-20T12:00:00-06:00"}), ("future", {"at": "2026-11-30T12:00:00-06:00"})):
        denied = check(app, id_, **more)
        assert (denied["verdict"], denied["reservation"], denied["retry_at"]) == ("deny", None, None)
        assert [(reason["rule"], reason["kind"]) for reason in denied["reasons"]][-1] == ("engine.clock", "clock_untrusted")
    system.set = 0
    assert check(app, "after")["verdict"] == "allow"
    log = tmp_path / "decisions"
    reader = Reader(log, Keys(tmp_path / "keys" / "decisions.json"))
    recorded = {body["decision"]["attempt_id"]: body["decision"] for body in (reader.whole(found)[0] for found in reader.find(Wanted()))}
    assert {name: decision["verdict"] for name, decision in recorded.items()} == {
        "before": "allow", "now": "deny", "past": "deny", "future": "deny", "after": "allow",
    }  # fmt: skip
    assert kinds(recorded["now"]) == {"clock_untrusted"}


def test_what_the_law_denies_it_denies_beside(app, system):
    system.set = HOUR
    assert kinds(check(app, "a", at="2026-11-23T23:00:00-06:00")) >= {"prohibited", "clock_untrusted"}


def test_an_attempt_that_cannot_be_read_is_still_a_mistake(app, system):
    system.set = HOUR
    answer = asked(app, "POST", "/v1/check", {**CALL, "channel": "pigeon"})
    assert (answer.status, answer.code) == (422, "input.invalid")


def test_a_slot_is_held_through_a_step_back_and_forth(app, system):
    first = check(app, "one")
    assert first["reservation"]["id"] == "one"
    for step in (-HOUR, 5 * SECOND):
        system.set = step
        assert check(app, "two")["reservation"] is None
    system.set = 0
    assert check(app, "one")["reservation"] == first["reservation"]  # the very slot


def test_the_cap_is_kept_through_steps(app, system):
    for number in range(3):
        assert check(app, f"n{number}")["verdict"] == "allow"
        for step in (-HOUR, 25 * HOUR):
            system.set = step
            assert kinds(check(app, f"s{number}{step}")) >= {"clock_untrusted"}
        system.set = 0
    denied = check(app, "n3")
    assert [(reason["rule"], reason["kind"]) for reason in denied["reasons"]] == [("ok.frequency", "prohibited")]


def test_what_is_recorded_while_the_clock_is_doubted_counts(app, system):
    assert check(app, "a")["verdict"] == "allow"
    system.set = -HOUR
    revoked = {"seller": "acme", "number": CALL["to"]}
    answer = asked(app, "POST", "/v1/revocations", revoked)
    assert answer.status == 201, answer.body
    system.set = 0
    assert "us.revocation.any-reasonable-means" in {reason["rule"] for reason in check(app, "b")["reasons"]}


def test_attempts_in_past_and_future_are_judged_at_their_own_moment(app, system):
    for day in ("2026-11-20", "2026-11-23", "2026-11-30"):
        late = check(app, f"late{day}", at=f"{day}T22:00:00-06:00")
        assert (late["verdict"], late["at"]) == ("deny", f"{day}T22:00:00-06:00")
        assert "prohibited" in kinds(late)
        noon = check(app, f"noon{day}", at=f"{day}T12:00:00-06:00")
        assert (noon["verdict"], noon["at"]) == ("allow", f"{day}T12:00:00-06:00")
