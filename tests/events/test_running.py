"""The process of the event rules: what comes of events, and what is lost when it is killed, stopped, hangs or crashes: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.events.child import ALARMS
from dialguard.events.reading import EventError
from dialguard.events.supervisor import Events, Teller
from dialguard.facts import clock
from dialguard.facts.fed import Fed
from dialguard.storage.embedded import EmbeddedStore
from simulations.faults import events as faults
from tests.events.running import NUMBER, alarms, child_that, count, packs, recorded, started, until

KILLS = 500 if os.environ.get("DIALGUARD_EVENTS") == "long" else 15
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}


def tell(events: Events, event: str, number: int = 0, **more) -> str:
    return events.tell({"event": event, "seller": "acme", "campaign": "c", "to": NUMBER.format(number), **more})


def look(folder: Path, number: int = 0):
    store = EmbeddedStore(folder)
    try:
        return store.look_up(seller="acme", number=NUMBER.format(number), at=clock.now())
    finally:
        store.close()


def test_each_rule_does_what_it_says(tmp_path):
    events = started(tmp_path)
    tell(events, "complaint", 1)
    tell(events, "refused", 2)
    tell(events, "refused", 2)
    tell(events, "wrong_number", 3)
    tell(events, "carrier_block", 4, code=21610, channel="sms")
    tell(events, "opted_out", 5)
    for _ in range(97):
        tell(events, "answered")
    for _ in range(4):
        tell(events, "abandoned")
    tell(events, "carrier_block", 6, code=30034, campaign="texts")
    assert events.close()
    listed = [look(tmp_path, number).internal is not None for number in range(7)]
    assert listed == [False, True, True, True, False, False, False]
    assert [[each.scope for each in look(tmp_path, number).revocations] for number in range(7)] == [[], [], [], ["all"], ["all"], [], []]
    assert [(each.campaign, each.by) for each in look(tmp_path).pauses] == [
        ("c", "house.event.abandonment"), ("texts", "house.event.carrier-unregistered"),
    ]  # fmt: skip
    assert sorted((each["rule"].removeprefix("house.event."), each["level"]) for each in alarms(tmp_path)) == [
        ("abandonment", "urgent"), ("carrier-unregistered", "urgent"), ("carrier-unsubscribed", "notice"), ("complaint", "notice"),
        ("opted-out", "notice"), ("wrong-number", "notice"),
    ]  # fmt: skip
    assert "202555" not in (tmp_path / "events" / ALARMS).read_text("utf-8")


def test_a_pause_reaches_decisions_and_ends_when_a_person_resumes(tmp_path):
    EmbeddedStore(tmp_path).declare_complete("acme", clock.now() - 1, known_at=clock.now() - 1)
    events = started(tmp_path)
    guard = Guard(tmp_path)

    def house():
        reasons = guard.check({"to": NUMBER.format(9), "channel": "voice", "campaign": CAMPAIGN}).as_dict()["reasons"]
        return [(each["rule"], each["kind"]) for each in reasons if each["topic"] == "house"]

    assert house() == []
    for _ in range(3):
        tell(events, "complaint", 1)
    until(lambda: house() == [("house.campaign-paused", "prohibited")])
    store = EmbeddedStore(tmp_path)
    store.resume_campaign(seller="acme", campaign="c", at=clock.now(), known_at=clock.now(), reason="mended", by="Ann")
    until(lambda: house() == [])
    tell(events, "complaint", 1)  # the limit is still exceeded
    until(lambda: house() == [("house.campaign-paused", "prohibited")])
    events.close()


def test_the_share_of_abandoned_calls_is_fed_to_decisions_and_a_new_one_pauses_once(tmp_path):
    events = started(tmp_path)
    for _ in range(96):
        tell(events, "answered")
    for _ in range(30):
        tell(events, "abandoned")
    fed = Fed(tmp_path)
    until(lambda: bool(fed.alive()) and fed.share("acme", "c", clock.now()) == 238_096)  # 30 of 126, rounded up
    assert count(tmp_path, "pauses") == 1
    events.close()
    assert fed.alive() is None


def test_an_event_without_its_campaign_pauses_the_seller(tmp_path):
    events = started(tmp_path)
    events.tell({"event": "carrier_block", "seller": "acme", "to": NUMBER.format(1), "code": "30034"})
    events.close()
    assert [each.campaign for each in look(tmp_path).pauses] == [None]


def test_what_was_told_and_not_dealt_with_leaves_what_is_fed_unknown(tmp_path):
    teller = Teller(tmp_path)
    assert Fed(tmp_path).alive() is None
    teller.tell({"event": "wrong_number", "seller": "acme", "to": NUMBER.format(1)})
    assert Fed(tmp_path).alive() is False
    with Events(tmp_path, packs()) as events:  # closed before its process has begun: it is waited for
        events.tell({"event": "wrong_number", "seller": "acme", "to": NUMBER.format(2)})
    assert Fed(tmp_path).alive() is None and len(recorded(tmp_path)["revocation"]) == 2


def test_an_event_told_twice_counts_once(tmp_path):
    events = started(tmp_path)
    for _ in range(5):
        assert tell(events, "refused", 1, id="call-7") == "call-7"
    events.close()
    assert recorded(tmp_path) == {}


def test_counts_go_on_where_the_last_run_ended(tmp_path):
    for expected in (0, 1):
        events = started(tmp_path)
        tell(events, "refused", 1)
        events.close()
        assert len(recorded(tmp_path).get("internal", [])) == expected


# -- what may happen to the process


def test_killed_and_stopped_at_random_nothing_is_lost_and_each_action_comes_once(tmp_path):
    found = faults.harmed(tmp_path / "store", KILLS)
    assert found.harmed == KILLS and found.told > 0 and found.due > found.told
    assert (found.lost, found.twice, found.odd, found.looser) == (0, 0, 0, 0)


def test_what_is_lost_or_comes_twice_would_be_seen(tmp_path, monkeypatch):
    found = faults._found

    def altered(folder: Path):
        counted = found(folder)
        revoked = [key for key in counted if key[0] == "revoked"]
        del counted[revoked[0]]
        counted[revoked[1]] += 1
        counted["listed", "nobody"] = 1
        return counted

    monkeypatch.setattr(faults, "_found", altered)
    shown = faults.harmed(tmp_path / "store", 1)
    assert (shown.lost, shown.twice, shown.odd) == (1, 1, 1)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("raise ValueError('no')", "durable_rules failed (ValueError)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "durable_rules ended the process 3 times"),
        ("ctypes.PyDLL(None).sleep(1000)", "durable_rules ended the process 3 times"),
    ],
    ids=["raises", "crashes", "hangs"],
)  # fmt: skip
def test_an_event_at_which_durable_rules_fails_is_judged_without_it_and_told(tmp_path, what, why):
    folder = tmp_path / "store"
    events = started(folder, command=child_that(tmp_path, what))
    tell(events, "complaint", 1)
    poison = tell(events, "wrong_number", 2, code="POISON")
    tell(events, "complaint", 3)
    until(lambda: len(recorded(folder).get("internal", [])) == 3)
    until(events.alive)
    assert events.close()
    assert [each.scope for each in look(folder, 2).revocations] == ["all"]
    told = [each for each in alarms(folder) if each["rule"] == "house.event.set-aside"]
    assert [(each["event_id"], each["message"]) for each in told] == [(poison, f"{why} at an event, which was judged without it")]
    assert events.starts == (1 if "raises" in what or "raise " in what else 4)


def test_an_event_that_cannot_be_judged_at_all_pauses_its_campaign(tmp_path):
    folder = tmp_path / "store"
    command = child_that(tmp_path, "child.fires_on = None; raise ValueError('no')")
    events = started(folder, command=command)
    tell(events, "complaint", 2, code="POISON")
    tell(events, "wrong_number", 3)
    assert events.close()
    assert [(each.campaign, each.by) for each in look(folder).pauses] == [("c", "house.event.set-aside")]
    assert len(look(folder, 3).revocations) == 1
    assert {each["level"] for each in alarms(folder) if each["rule"] == "house.event.set-aside"} == {"urgent"}


def test_what_is_fed_is_unknown_while_the_process_is_stopped_and_known_when_it_is_back(tmp_path):
    events = started(tmp_path)
    fed = Fed(tmp_path)
    assert fed.alive() is True
    os.kill(events.pid, signal.SIGSTOP)
    until(lambda: fed.alive() is False)
    until(lambda: fed.alive() is True)
    assert events.starts == 2
    events.close()


def test_it_is_unknown_when_the_whole_program_was_killed_and_known_when_it_is_back(tmp_path):
    code = (
        "import sys, time; from dialguard.events.supervisor import Events; from dialguard.packs.load import load\n"
        "events = Events(sys.argv[1], load())\n"
        "while not events.alive(): time.sleep(0.01)\n"
        "for n in range(3): events.tell({'event': 'wrong_number', 'seller': 'acme', 'to': f'+1202555010{n}'})\n"
        "print(events.pid, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    child = int(program.stdout.readline())
    os.kill(child, signal.SIGSTOP)  # so that it does not see that its parent is gone, and holds its lock
    program.kill()
    program.wait()
    until(lambda: Fed(tmp_path).alive() is False)
    events = started(tmp_path)
    with pytest.raises(ProcessLookupError):
        until(lambda: os.kill(child, 0) is not None, 5)
    assert events.close()
    assert len(recorded(tmp_path)["revocation"]) == 3


def test_of_several_for_one_folder_one_keeps_the_process_and_another_takes_over(tmp_path):
    first = started(tmp_path)
    second = Events(tmp_path, packs())
    tell(second, "wrong_number", 1)
    assert second.starts == 0
    assert first.close() and len(recorded(tmp_path)["revocation"]) == 1
    until(lambda: second.starts == 1 and second.alive())
    tell(second, "wrong_number", 2)
    assert second.close() and len(recorded(tmp_path)["revocation"]) == 2


def test_a_record_that_is_locked_is_waited_for(tmp_path):
    events = started(tmp_path)
    tell(events, "wrong_number", 1)
    until(lambda: "revocation" in recorded(tmp_path))
    import sqlite3

    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    tell(events, "wrong_number", 2)
    until(lambda: not events.alive())
    assert len(recorded(tmp_path)["revocation"]) == 1
    other.execute("ROLLBACK")
    until(lambda: len(recorded(tmp_path)["revocation"]) == 2)
    until(events.alive)
    events.close()


def test_a_damaged_line_is_told_and_the_next_is_read(tmp_path):
    events = started(tmp_path)
    tell(events, "wrong_number", 1)
    with (tmp_path / "events" / "journal-00000001.log").open("ab") as file:
        file.write(b'00000000 {"event"')  # a line of somebody who was killed in the midst of it
    tell(events, "wrong_number", 2)
    assert events.close()
    assert len(recorded(tmp_path)["revocation"]) == 2
    assert [each["message"] for each in alarms(tmp_path) if each["level"] == "urgent"] == ["a line of the journal is damaged; what it told is lost"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "complain", "seller": "a"}, "event: found 'complain'; did you mean `complaint`?"),
        ({"event": "complaint"}, "seller: missing; to: missing; complaint needs it"),
        ({"event": "abandoned", "seller": "a"}, "campaign: missing; abandoned needs it"),
        ({"event": "carrier_block", "seller": "a", "to": "2025550101"}, "code: missing; carrier_block needs it"),
        ({"event": "refused", "seller": "a", "to": "2025550101", "at": "yesterday"}, "at: found 'yesterday', expected RFC 3339"),
        ({"event": "refused", "seller": "a", "to": "2025550101", "chanel": "sms"}, "chanel: an unknown field; did you mean `channel`?"),
        ({"event": "refused", "seller": "a", "to": "2025550101", "channel": "fax machine"}, "channel: found 'fax machine'"),
        ({"event": "refused", "seller": "a\n", "to": "2025550101"}, "seller: found"),
        ({"event": "refused", "seller": "a", "to": "2025550101", "code": "a b"}, "code: found 'a b', expected a word"),
        ({"event": "refused", "seller": "a", "to": "555"}, "to: "),
        ([1], "event: found list"),
    ],
)
def test_an_event_that_cannot_be_told_is_refused_by_name(tmp_path, event, words):
    from dialguard.events.reading import read

    with pytest.raises(EventError) as raised:
        read(event, clock.now())
    assert words in str(raised.value) and "2025550101" not in str(raised.value)


def test_what_has_not_happened_yet_happened_now():
    from dialguard.events.reading import read

    now = clock.now()
    assert read({"event": "answered", "seller": "a", "campaign": "c", "at": "2199-01-01T00:00:00Z"}, now).at == now
