"""What an answer kept ready must not hide: versions of lists that no longer stand, reliefs in doubt, another clock, a damaged list."""

import json
import os
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from dialguard.engine.decision import Decision
from dialguard.facts import clock
from dialguard.facts.areacodes import load_area_codes
from dialguard.asking import Question
from dialguard.guard import Guard
from dialguard.lists.importing import import_list
from dialguard.lists.versions import rollback
from dialguard.model.moment import DAY, HOUR, MINUTE
from dialguard.packs.load import load
from dialguard.service.desk import read
from dialguard.storage.embedded import EmbeddedStore
from tests.engine.minilaw import mini_law
from tests.engine.test_ready import NOON, NOW, TODAY, Everything, ask, guarded, lists


def eager(guard: Guard) -> None:
    """Whatever is asked for is kept at once."""
    guard._ready._asked, guard._ready.most = Everything(), 1000


def slowly(guard: Guard, *numbers: str, **more: Any) -> list[Decision]:
    """What each is told by itself."""
    kept, guard._ready = guard._ready, None
    try:
        return ask(guard, *numbers, **more)
    finally:
        guard._ready = kept


def told(decision: Decision) -> dict[str, Any]:
    return {name: value for name, value in json.loads(decision.as_json(texts=False)).items() if name != "id"}


def same(guard: Guard, *numbers: str, **more: Any) -> list[Decision]:
    """Decisions, which are those that each would get by itself."""
    found = ask(guard, *numbers, **more)
    assert [told(each) for each in found] == [told(each) for each in slowly(guard, *numbers, **more)]
    return found


def test_since_when_a_number_is_ported_is_told_by_versions_that_stand_no_more(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    eager(guard)
    fresh, old, other = "+16025550101", "+16025550102", "+16025550199"
    for code, days, held in (
        ("ported_to_wireless", 20, [other]), ("ported_to_wireless", 3, [other, old]), ("ported_to_wireless", 1, [other, old, fresh]),
        ("wireless_blocks", 1, [other]), ("ported_to_wireline", 1, ["+16025550198"]),
    ):  # fmt: skip
        file = tmp_path / f"{code}.txt"
        file.write_text("".join(f"{number[2:]}\n" for number in held))
        import_list(tmp_path / "store", code, file, published=date.fromordinal(TODAY - days), received_at=clock.now(), allow_shrink=True)
    claims = [{"exemption": "us.tcpa.ported-number-grace", "by": "J. Doe", "at": "2026-01-02"}]
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "informational", "dialing": "random_sequential", "voice": "live", "claims": claims})
    assert [decision.allowed for decision in same(guard, fresh, old, fresh, old, line_type=None)] == [True, False, True, False]


def test_what_an_allow_leans_on_is_that_of_its_own_hour(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    eager(guard)
    claims = [{"exemption": "us.tsr.dnc.national.outside-ftc", "by": "J. Doe", "at": "2026-01-02"}]
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "charitable", "dialing": "manual", "voice": "live", "claims": claims})
    eight = clock.first_instant_at_or_after(clock.local(NOON, "America/Phoenix").ordinal, 8 * 3600, "America/Phoenix")
    leaning = [same(guard, "+16025550101", at=at)[0].evidence.get("leans_on") is not None for at in (eight - 30 * MINUTE, eight - 1_000_000, eight, eight + HOUR)]
    assert leaning == [True, True, False, False]


def test_a_damaged_list_leaves_the_record_known(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    eager(guard)
    store.record_consent(seller="acme", number="+15125550101", level="express_written", obtained_at=NOW, known_at=NOW, form=["signed_permission"])
    same(guard, "+15125550101", "+15125550102")
    lists(tmp_path / "store", ["+15125550102"], ("TX",))
    (index,) = (tmp_path / "store" / "lists" / "TX").glob("*.json")
    index.write_text("{")
    reasons = [[reason["kind"] for reason in decision.reasons] for decision in same(guard, "+15125550101", "+15125550102")]
    assert "lookup_unavailable" in reasons[1]


def test_an_answer_of_a_clock_that_was_ahead_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, guard = guarded(tmp_path)
    eager(guard)
    real = clock.now
    assert same(guard, "+16025550101")[0].allowed
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"})
    monkeypatch.setattr(clock, "now", lambda: real() + 60 * DAY)
    assert not same(guard, "+16025550101")[0].allowed  # by then the registry is too old
    monkeypatch.setattr(clock, "now", real)
    assert same(guard, "+16025550101")[0].allowed


def test_a_record_is_printable_whatever_the_id(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions", numbers="sealed", keys=tmp_path / "keys.json")
    _, guard = guarded(tmp_path, log=log)
    assert ask(guard, "+16025550101", id="a\x7fb")[0].shared
    log.close()
    assert {record.body["attempt"].get("id") for record in Reader(log.folder, log.keys).find(Wanted())} == {None, "a\x7fb"}
    assert not any(b"\x7f" in path.read_bytes() for path in log.folder.rglob("*.ndjson"))


def test_what_a_store_takes_for_no_seller_spoils_no_other_answer(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    guard.add_campaign({"id": "odd", "seller": "acme\x85", "purpose": "telemarketing", "dialing": "manual", "voice": "live"})
    bodies = [
        json.dumps({"channel": "voice", "campaign": campaign, "to": f"+1602555010{line}", "line_type": "landline", "at": clock.format_instant(NOON)}).encode()
        for line, campaign in enumerate(("c", "odd", "odd", "c"))
    ]
    for reserve in (False, True):
        answers = guard.check_together([read(body) for body in bodies], reserve=reserve)
        assert [isinstance(answer, Decision) and answer.allowed for answer in answers] == [True, False, False, True]


def test_slots_that_could_not_be_written_at_once_are_written_or_nobody_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt names a person, so that the slot of the first is written down before the end."""
    _, guard = guarded(tmp_path)
    failing = iter((True, False, False))

    class Failing(sqlite3.Connection):
        def executemany(self, question: str, rows: list[tuple]) -> sqlite3.Cursor:
            if rows and next(failing):
                raise sqlite3.OperationalError("disk I/O error")
            return super().executemany(question, rows)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=Failing, **more))
    about = {"channel": "voice", "campaign": "c", "line_type": "landline", "at": clock.format_instant(NOON)}
    bodies = [json.dumps(about | more).encode() for more in ({"to": "+16025550101", "id": "one"}, {"to": "+16025550102", "contact": {"id": "p"}})]
    first, second = guard.check_together([read(body) for body in bodies], reserve=True)
    monkeypatch.undo()
    assert [first.allowed, second.allowed, second.reasons[0]["kind"]] == [True, False, "lookup_unavailable"]
    assert guard.release(seller="acme", to="+16025550101", id="one")  # its slot is there


AZ = """
jurisdiction: AZ
name: Arizona
zone: America/Phoenix
rules:
  - id: az.fresh
    title: No call in the first hundred days of a consent
    topic: consent
    kind: prohibition
    citation: test
    status: in_force
    effective: {effective}
    applies: {{channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}}
    when: {{all: [{{consent.obtained_at: {{within: {{days: 100}}}}}}, {when}]}}
"""


@pytest.mark.parametrize("later", ["a law to come", "an emergency that ends"])
def test_a_law_that_will_ask_when_consent_was_given_tells_consents_apart(tmp_path: Path, later: str) -> None:
    day = clock.local(NOON, "America/Phoenix").ordinal + 5
    effective = date.fromordinal(day) if later == "a law to come" else "2020-01-01"
    when = "{channel: voice}" if later == "a law to come" else "{emergency.in.AZ: false}"
    base = tmp_path / "law"
    base.mkdir()
    mini_law(base)
    (base / "rules/states/az.yaml").write_text(AZ.format(effective=effective, when=when))
    store = EmbeddedStore(tmp_path / "store", follow=True)
    store.declare_complete("acme", NOW - 500 * DAY, known_at=NOW - 500 * DAY)
    begins = clock.first_instant_at_or_after(day, 0, "America/Phoenix")
    feed = {"checked_through": clock.format_instant(NOON + 300 * DAY), "declared": [{"state": "AZ", "until": clock.format_instant(begins)}]}
    (tmp_path / "store" / "feed.json").write_text(json.dumps(feed))
    for number, days in (("+16025550101", 300), ("+16025550102", 10)):
        store.record_consent(seller="acme", number=number, level="express", obtained_at=NOW - days * DAY, known_at=NOW)
    guard = Guard(store, packs=load(base=base / "rules"))
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"})
    eager(guard)
    for _ in range(2):
        found = same(guard, "+16025550101", "+16025550102")
        assert [decision.valid_until for decision in found] == [None, clock.format_instant(begins, "America/Phoenix")]


@pytest.mark.parametrize("begins", [0, 20 * MINUTE])
def test_a_share_of_abandoned_calls_counts_from_when_it_is_known(tmp_path: Path, begins: int) -> None:
    """From the middle of an hour on, at the beginning of which there was none, or to there."""
    _, guard = guarded(tmp_path)
    eager(guard)
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "predictive", "voice": "live", "abandonment_rate": 0})
    file = tmp_path / "store" / "events" / "facts.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"caught_up": True, "abandoned": [["acme", "c", NOON + begins, NOON + begins + 20 * MINUTE, 31_000]]}))
    for minute in (30, 10, 30, 10):
        os.utime(file)
        (found,) = same(guard, "+16025550101", at=NOON + minute * MINUTE)
        assert ("us.tsr.abandonment" in found.rules) is (minute == (30 if begins else 10))


def test_area_codes_that_are_not_paid_for_have_answers_of_their_own(tmp_path: Path) -> None:
    """602 and 480 lie in the same places."""
    _, guard = guarded(tmp_path)
    eager(guard)
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registry_area_codes": ["602"]})
    assert [decision.allowed for decision in same(guard, "+16025550101", "+14805550101", "+16025550101")] == [True, False, True]


def test_another_version_and_another_declaration_show_where_all_else_is_the_same(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    eager(guard)
    found = [same(guard, "+16025550101")[0].evidence]
    rollback(tmp_path / "store", "national", at=clock.now())
    file = tmp_path / "store" / "national.txt"  # as `guarded` has imported it
    import_list(tmp_path / "store", "national", file, published=date.fromordinal(TODAY - 1), received_at=clock.now(), whole_plan=True)
    found.append(same(guard, "+16025550101")[0].evidence)
    store.declare_complete("acme", NOW - 400 * DAY, known_at=NOW)
    found.append(same(guard, "+16025550101")[0].evidence)
    assert [evidence["lists"]["national"]["published"] for evidence in found] == [date.fromordinal(TODAY - days).isoformat() for days in (0, 1, 1)]
    assert [evidence["ledger_complete_since"] for evidence in found] == [clock.format_instant(NOW - days * DAY) for days in (500, 500, 400)]


def test_numbers_that_lie_everywhere_are_not_all_of_one_kind(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    eager(guard)
    found = same(guard, "+18005550101", "+15005550101", "+18005550101", line_type=None)
    assert [decision.line_type for decision in found] == ["toll_free", None, "toll_free"]


def test_event_rules_that_die_leave_nothing_ready(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    eager(guard)
    file = tmp_path / "store" / "events" / "facts.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"caught_up": True, "abandoned": []}))
    assert same(guard, "+16025550101")[0].allowed
    os.utime(file, (NOW / 1e6 - 60, NOW / 1e6 - 60))
    assert same(guard, "+16025550101")[0].rules == ("house.campaign-paused",)


def test_a_list_is_as_old_as_it_is_now_though_the_attempt_was_yesterday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry's last day is that of the attempt."""
    _, guard = guarded(tmp_path)
    eager(guard)
    midnight = clock.first_instant_at_or_after(TODAY + 32, 0, "America/Phoenix")
    guard.add_campaign({"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"})
    at = midnight - 10 * MINUTE
    found = []
    for now in (at, midnight + 10 * MINUTE):
        monkeypatch.setattr(clock, "now", lambda: now)
        found.append({name: told(same(guard, "+16025550101", at=at)[0])[name] for name in ("verdict", "evidence", "reasons")})
    assert "national" in found[0]["evidence"]["lists"] and "lists" not in found[1]["evidence"]


def test_consents_that_cover_other_things_or_stand_elsewhere_are_not_each_others(tmp_path: Path) -> None:
    store, guard = guarded(tmp_path)
    eager(guard)
    for line, covers in enumerate((["live"], ["texts"], ["live"])):
        store.record_consent(
            seller="acme", number=f"+1602555010{line}", level="express_written", covers=covers, obtained_at=NOW, known_at=NOW, reference=f"page {line}",
        )  # fmt: skip
    found = same(guard, "+16025550100", "+16025550101", "+16025550102")
    assert [decision.evidence["consent"]["reference"] for decision in found] == ["page 0", "page 1", "page 2"]
    assert found[0].facts.values["consent.level"] == "express_written" and found[1].facts.values["consent.level"] == "none"


def test_other_area_codes_count_at_once(tmp_path: Path) -> None:
    _, guard = guarded(tmp_path)
    eager(guard)
    try:
        assert same(guard, "+14805550101")[0].evidence["places"].keys() == {"AZ", "America/Phoenix"}
        file = tmp_path / "npa.csv"
        file.write_text("npa,state,timezones,in_service\n480,TX,America/Chicago,2001-01-01\n")
        load_area_codes(extra=file)
        assert same(guard, "+14805550101")[0].evidence["places"].keys() == {"TX", "America/Chicago"}
    finally:
        load_area_codes()


def test_records_say_of_each_decision_whether_events_were_used_and_hide_a_number_in_a_campaigns_name(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions", numbers="sealed", keys=tmp_path / "keys.json")
    _, guard = guarded(tmp_path, log=log)
    eager(guard)
    guard.add_campaign({"id": "back to 602 555 0101", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"})
    (plain,) = ask(guard, "+16025550101")
    (named,) = ask(guard, "+16025550101", campaign="back to 602 555 0101")
    file = tmp_path / "store" / "events" / "facts.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"caught_up": True, "abandoned": []}))
    (fed,) = ask(guard, "+16025550101")
    log.close()
    bodies = {record.body["decision"]["id"]: record.body for record in Reader(log.folder, log.keys).find(Wanted())}
    assert plain.shared and named.shared and fed.shared
    assert [bodies[each.id]["events"] for each in (plain, named, fed)] == [False, False, True]
    assert "602 555 0101" not in json.dumps(bodies[named.id])
