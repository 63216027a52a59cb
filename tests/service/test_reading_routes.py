"""Windows, rules, and the decision log over HTTP."""

from pathlib import Path

import pytest

from dialguard.audit.log import DecisionLog
from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.decided import FOLDER
from dialguard.service.desk import Desk
from dialguard.service.service import Service
from tests.service.asking import asked
from tests.service.conftest import CAMPAIGN, Everybody

NUMBER = "+13055550100"
ATTEMPT = {"channel": "voice", "to": NUMBER, "campaign": "c", "id": "mine", "from": "+12125550111", "contact": {"id": "p1"}}


@pytest.fixture
def recorded(tmp_path: Path, packs):
    """A service that records what it decides, and its guard."""
    with DecisionLog(tmp_path / FOLDER) as log:
        guard = Guard(tmp_path, packs=packs, log=log)
        guard.add_campaign(CAMPAIGN)
        yield application(Service({"default": Desk("default", guard)}, Everybody())), guard


def test_windows_are_those_of_the_guard(service, app) -> None:
    guard = service.desks["default"].guard
    guard.add_campaign({"id": "news", "seller": "Acme", "purpose": "political", "dialing": "manual", "voice": "live"})
    answer = asked(app, "GET", "/v1/windows?to=%2B13055550100&campaign=news&days=2&at=2026-11-23T03:00:00-05:00&state=FL")
    expected = guard.windows(NUMBER, "news", 2, at="2026-11-23T03:00:00-05:00", contact={"state": "FL"})
    assert answer.status == 200
    assert [(each["start"], each["until"]) for each in answer.json["windows"]] == [(each.start, each.until) for each in expected]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", ["to", "campaign"]),
        ("to=1&campaign=c&days=32", ["days"]),
        ("to=1&campaign=c&days=0", ["days"]),
        ("to=1&campaign=c&days=9999999999", ["days"]),
        ("to=1&campaign=c&days=%C2%B2", ["days"]),
        ("to=1&campaign=other", ["campaign"]),
        ("to=1&campaign=c&at=now", ["at"]),
        ("to=1&campaign=c&channel=pigeon", ["channel"]),
        ("to=1&campaign=c&until=1", ["until"]),
    ],
)
def test_windows_that_cannot_be(app, query: str, fields: list[str]) -> None:
    answer = asked(app, "GET", f"/v1/windows?{query}")
    assert (answer.status, answer.code, answer.fields) == (422, "input.invalid", fields)


def test_rules(app, packs) -> None:
    every = asked(app, "GET", "/v1/rules").json
    assert every["packs"] == packs.digest and len(every["rules"]) == len(packs.rules)
    some = asked(app, "GET", "/v1/rules?jurisdiction=FL&topic=calling_hours").json["rules"]
    assert some and {(rule["jurisdiction"], rule["topic"]) for rule in some} == {("FL", "calling_hours")}
    one = asked(app, "GET", "/v1/rules/fl.calling-hours").json
    assert one["id"] == "fl.calling-hours" and one["spans"][0]["condition"] and one["examples"]
    assert asked(app, "GET", "/v1/rules/no.such").code == "resource.unknown"
    assert asked(app, "GET", "/v1/rules?colour=red").fields == ["colour"]


def test_a_recorded_decision_is_found(recorded) -> None:
    app, _ = recorded
    decision = asked(app, "POST", "/v1/check", ATTEMPT).json
    for id_ in (decision["id"], "mine"):
        (found,) = asked(app, "GET", f"/v1/decisions/{id_}").json["decisions"]
        assert (
            found["record"]["decision"]["id"] == decision["id"] and found["record"]["attempt"]["to"] == NUMBER and found["not_shown"] == []
        )
    assert asked(app, "GET", "/v1/decisions/other").code == "resource.unknown"
    asked(app, "POST", "/v1/check", ATTEMPT | {"to": "+13055550101", "id": "b"})
    for query, count in (
        ("number=305-555-0100", 1),
        ("seller=Acme", 2),
        ("seller=Bolt", 0),
        ("verdict=allow", 0),
        ("limit=1", 1),
        ("until=2020-01-01T00:00:00Z", 0),
    ):
        assert len(asked(app, "GET", f"/v1/decisions?{query}").json["decisions"]) == count, query
    for query, field in (
        ("number=12", "number"),
        ("since=now", "since"),
        ("until=0001-01-01T04:28:19%2B08:04", "until"),
        ("since=9999-12-31T23:59:59-00:01", "since"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("verdict=maybe", "verdict"),
    ):
        assert asked(app, "GET", f"/v1/decisions?{query}").fields == [field]


def test_without_a_log_there_is_no_decision(app) -> None:
    assert asked(app, "GET", "/v1/decisions/d-1").code == asked(app, "GET", "/v1/decisions").code == "resource.unknown"


def test_another_tenants_decisions_are_not_found(recorded) -> None:
    app, guard = recorded
    id_ = asked(app, "POST", "/v1/check", ATTEMPT).json["id"]
    other = application(Service({"default": Desk("other", guard)}, Everybody()))
    assert asked(other, "GET", f"/v1/decisions/{id_}").code == "resource.unknown"
    assert asked(other, "POST", "/v1/outcomes", {"decision": id_, "outcome": "placed"}).fields == ["to", "campaign"]


def test_an_outcome_needs_its_decision_alone_where_that_was_recorded(recorded) -> None:
    app, guard = recorded
    id_ = asked(app, "POST", "/v1/check", ATTEMPT).json["id"]
    assert asked(app, "POST", "/v1/outcomes", {"decision": id_, "outcome": "answered"}).status == 200
    (entry,) = asked(app, "GET", f"/v1/numbers/{NUMBER}?seller=Acme").json["entries"][:1]
    said = {name: entry[name] for name in ("number", "person", "channel", "purpose", "voice", "from", "reference")}
    assert said == {
        "number": NUMBER,
        "person": "p1",
        "channel": "voice",
        "purpose": "telemarketing",
        "voice": "live",
        "from": "+12125550111",
        "reference": "mine",
    }
