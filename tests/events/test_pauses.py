"""A paused campaign denies, alone and in lists; what the events feed is unknown while they are away, and the worse of two shares holds."""

import json
import os
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.facts.clock import parse_instant
from dialguard.model.moment import DAY
from dialguard.storage.embedded import EmbeddedStore

AT = "2026-03-03T12:00:00-05:00"
NOW = parse_instant(AT)
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
NUMBERS = ["2125550101", "2125550102", "2125550103"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = EmbeddedStore(tmp_path)
    store.declare_complete("acme", NOW - 900 * DAY, known_at=NOW - 900 * DAY)
    store.record_consent(seller="acme", number="+12125550102", level="express", known_at=NOW - DAY)
    store.record_relationship(seller="acme", number="+12125550103", current=True, known_at=NOW - DAY)
    store.close()
    return tmp_path


def pause(folder: Path, campaign: str | None = "c") -> None:
    store = EmbeddedStore(folder)
    store.pause_campaign(seller="acme", campaign=campaign, at=NOW - DAY, known_at=NOW - DAY, reason="many complaints", by="house.complaints")
    store.close()


def house(decision) -> list[tuple[str, str, list[str]]]:
    reasons = decision.as_dict()["reasons"]
    return [(each["rule"], each["kind"], each.get("needs") or []) for each in reasons if each["topic"] == "house"]


def decide(folder: Path, campaign=None, **more):
    return Guard(folder).check({"to": NUMBERS[0], "channel": "voice", "at": AT, "campaign": campaign or CAMPAIGN, **more})


PAUSED = [("house.campaign-paused", "prohibited", [])]


def test_a_pause_denies_its_campaign_and_no_other(folder):
    assert house(decide(folder)) == []
    pause(folder)
    decision = decide(folder)
    assert decision.verdict == "deny" and house(decision) == PAUSED
    assert decision.as_dict()["evidence"]["pauses"] == [
        {"id": "pause:1", "campaign": "c", "since": "2026-03-02T17:00:00Z", "by": "house.complaints", "reason": "many complaints"}
    ]
    assert house(decide(folder, CAMPAIGN | {"id": "d"})) == []
    assert house(decide(folder, CAMPAIGN | {"seller": "other"})) == []


def test_a_campaign_without_an_id_may_be_the_paused_one(folder):
    nameless = {name: value for name, value in CAMPAIGN.items() if name != "id"}
    assert house(decide(folder, nameless)) == []
    pause(folder)
    assert house(decide(folder, nameless)) == [("house.campaign-paused", "unknown_fact", ["campaign.id"])]
    pause(folder, None)
    assert house(decide(folder, nameless)) == house(decide(folder, CAMPAIGN | {"id": "d"})) == PAUSED


@pytest.mark.parametrize(
    ("campaign", "reasons"), [(CAMPAIGN, {"house.campaign-paused"}), (CAMPAIGN | {"id": "d"}, set()), (CAMPAIGN | {"id": None}, {"house.campaign-paused"})]
)
def test_every_row_of_a_screened_list_is_denied(folder, campaign, reasons):
    import polars as pl

    pause(folder)
    frame = pl.DataFrame({"phone": NUMBERS, "state": ["NY", "NY", "NY"]})
    campaign = {name: value for name, value in campaign.items() if value is not None}
    screened = Guard(folder).screen(frame, campaign, AT)
    found = [{"house.campaign-paused"} & set((rules or "").split(";")) for rules in screened["dg_reasons"].to_list()]
    assert found == [reasons] * 3


def feed(folder: Path, abandoned=(), caught_up: bool = True, age: float = 0.0) -> None:
    (folder / "events").mkdir(exist_ok=True)
    file = folder / "events" / "facts.json"
    file.write_text(json.dumps({"caught_up": caught_up, "abandoned": list(abandoned)}), "utf-8")
    moment = clock.now() / 1e6 - age
    os.utime(file, (moment, moment))


AWAY = [("house.campaign-paused", "lookup_unavailable", ["campaign.id"])]


@pytest.mark.parametrize(("age", "caught_up", "answer"), [(0, True, []), (1, True, []), (3, True, AWAY), (-3, True, AWAY), (0, False, AWAY)])
def test_pauses_are_unknown_while_the_events_are_away_or_behind(folder, age, caught_up, answer):
    feed(folder, age=age, caught_up=caught_up)
    decision = decide(folder)
    assert house(decision) == answer and (decision.verdict == "deny" or not answer)


def test_a_recorded_pause_stands_while_the_events_are_away(folder):
    pause(folder)
    feed(folder, age=10)
    assert house(decide(folder)) == PAUSED


def test_a_damaged_file_reads_as_away(folder):
    feed(folder)
    (folder / "events" / "facts.json").write_text('{"caught_up": tr', "utf-8")
    assert house(decide(folder)) == AWAY


SALES = CAMPAIGN | {"purpose": "telemarketing"}


@pytest.mark.parametrize(
    ("said", "fed", "registered", "over"),
    [
        (None, 30_001, False, True), (None, 30_000, False, False), (0.02, 30_001, False, True), (0.02, 30_001, True, True),
        (0.02, 30_000, True, False), (0.04, 10_000, True, True),
    ],
)  # fmt: skip
def test_the_worse_share_of_abandoned_calls_holds(folder, said, fed, registered, over):
    feed(folder, [["acme", "c", NOW - DAY, NOW + 29 * DAY, fed]])
    campaign = SALES | ({} if said is None else {"abandonment_rate": said})
    guard = Guard(folder)
    if registered:
        guard.add_campaign(campaign)
    decision = guard.check({"to": NUMBERS[0], "channel": "voice", "at": AT, "campaign": "c" if registered else campaign})
    prohibited = {each["rule"] for each in decision.as_dict()["reasons"] if each["kind"] == "prohibited"}
    assert ("us.tcpa.abandon.rate" in prohibited) is over


def test_a_share_is_not_that_of_another_period_or_campaign(folder):
    feed(folder, [["acme", "c", NOW - 31 * DAY, NOW, 90_000], ["acme", "d", NOW, NOW + DAY, 90_000], ["other", "c", NOW, NOW + DAY, 90_000]])
    obliged = {each["rule"] for each in decide(folder, SALES).as_dict()["obligations"]}
    assert "us.tcpa.abandon.rate" in obliged


def test_a_person_pauses_and_resumes_on_the_command_line(folder, capsys):
    store = ["--seller", "acme", "--store", str(folder)]
    assert main(["campaign", "pause", "c", "--by", "Ann", "--reason", "complaints", *store]) == 0
    assert capsys.readouterr().out == "recorded: pause:1\n"
    assert main(["campaign", "status", *store]) == 0
    assert capsys.readouterr().out.endswith(", by Ann: complaints\n")
    assert main(["campaign", "resume", "c", "--by", "Ann", "--reason", "script mended", *store]) == 0
    capsys.readouterr()
    assert main(["campaign", "status", *store]) == 0
    assert capsys.readouterr().out == "nothing is paused\n"
    assert main(["campaign", "resume", "c", "--by", " ", "--reason", "x", *store]) == 2
    assert capsys.readouterr().err == "dialguard: --by: found ' ', expected 1 to 1000 printable characters without blanks at the ends; nothing was recorded\n"
