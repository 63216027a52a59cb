"""The meaning of event rules, the counts, and durable_rules say the same of generated events; what the library needs is held."""

import os
import random

import pytest

from dialguard.events import matcher as matching
from dialguard.events.matcher import Matcher
from dialguard.events.meaning import Event, actions, done, fires_on
from dialguard.events.tally import Tally
from dialguard.model.moment import DAY, HOUR
from dialguard.packs.eventrule import NEEDS, Count, Effect, EventRule, Share

T = 1_770_000_000_000_000
SEQUENCES = 60_000 if os.environ.get("DIALGUARD_EVENTS") == "long" else 2_000
CODES = ("21610", "30034", "30007")
EFFECTS = (Effect("revoke", "all"), Effect("suppress"), Effect("pause", "campaign"), Effect("pause", "seller"), Effect("alarm", "notice"))


def some_rules(draw: random.Random) -> list[EventRule]:
    return [some_rule(draw, number) for number in range(draw.randint(1, 6))]


def some_rule(draw: random.Random, number: int) -> EventRule:
    kinds = tuple(draw.sample(sorted(NEEDS), draw.randint(1, 3)))
    where, count, share = [], None, None
    if draw.random() < 0.3:
        where.append(("channel", tuple(draw.sample(("voice", "sms", "mms"), draw.randint(1, 2)))))
    if draw.random() < 0.3:
        where.append(("code", tuple(draw.sample(CODES, draw.randint(1, 2)))))
    chance = draw.random()
    if chance < 0.4:
        count = Count(draw.choice(("campaign", "number", "seller")), draw.choice((HOUR, DAY, 7 * DAY)), draw.randint(2, 4))
    elif chance < 0.7:
        among = ("abandoned", "answered")
        kinds = tuple(draw.sample(among, draw.randint(1, 2)))
        share = Share(draw.choice(among), among, draw.choice((DAY, 7 * DAY)), draw.choice((30_000, 333_333, 500_000)), draw.randint(1, 5))
    do = tuple(draw.sample(EFFECTS, draw.randint(1, 3)))
    return EventRule(f"r.{number}", "-", "house", "US", None, kinds, tuple(where), count, share, do, "-", "f.yaml", 1)


def some_event(draw: random.Random, number: int, at: int) -> Event:
    return Event(
        str(number), draw.choice((*NEEDS, "abandoned", "answered", "answered")), draw.choice(("acme", "other")), at, at, draw.choice(("c", "d", None)),
        draw.choice(("+12025550101", "+12025550102", None)), draw.choice(("voice", "sms", None)), draw.choice((*CODES, None)),
    )  # fmt: skip


def test_meaning_counts_and_durable_rules_agree() -> None:
    draw = random.Random(20261122)
    fired_at_all = 0
    for sequence in range(SEQUENCES):
        if sequence % 20 == 0:
            rules = some_rules(draw)
            matcher = Matcher(rules)
        tally, told, at = Tally(rules), [], T
        for number in range(draw.randint(1, 14)):
            at += draw.choice((0, 1, HOUR, HOUR, DAY, -HOUR))
            told.append(some_event(draw, number, at))
            expected = actions(rules, told)
            counts = tally.add(told[-1])
            assert done(rules, [rule.id for rule in rules if fires_on(rule, told[-1], counts)], told[-1]) == expected, (rules, told)
            assert done(rules, matcher.fired(told[-1], counts), told[-1]) == expected, (rules, told)
            fired_at_all += len(expected)
        tally.close()
    assert fired_at_all > SEQUENCES  # the sequences say something


ALWAYS = EventRule("r.a", "-", "house", "US", None, ("complaint",), (), None, None, (Effect("suppress"),), "-", "f.yaml", 1)
TOO = EventRule("r.b", "-", "house", "US", None, ("complaint", "refused"), (), None, None, (Effect("suppress"),), "-", "f.yaml", 1)


def test_nine_hundred_campaigns_are_one_session_and_every_fact_has_an_id_of_its_own(monkeypatch) -> None:
    told: list[dict] = []
    real = matching.engine.Ruleset.assert_fact
    monkeypatch.setattr(matching.engine.Ruleset, "assert_fact", lambda self, fact: told.append(fact) or real(self, fact))
    matcher = Matcher([ALWAYS, TOO])
    for number in range(3_000):
        event = Event(str(number), "complaint", "acme", T, T, f"c{number % 1500}", f"+1202555{number:04}")
        assert matcher.fired(event, {}) == ["r.a", "r.b"]
    assert {fact["sid"] for fact in told} == {"events"} and len({fact["id"] for fact in told}) == 3_000
    assert matcher._host.get_facts("events", "events") == []


def test_the_library_brings_no_thread_and_no_operator_of_absence(monkeypatch) -> None:
    import threading

    before = threading.active_count()
    matcher = Matcher([ALWAYS, TOO])
    assert threading.active_count() == before
    assert "none" not in str(matcher._host.get_ruleset("events").get_definition())


def test_what_a_rule_raises_is_not_hidden(monkeypatch) -> None:
    def broken(self, name):
        def act(c):
            raise OSError("no")

        return act

    monkeypatch.setattr(Matcher, "_noting", broken)
    with pytest.raises(RuntimeError, match="an event rule failed"):
        Matcher([ALWAYS]).fired(Event("1", "complaint", "acme", T, T, "c", "+12025550101"), {})


def test_an_event_that_no_rule_hears_fires_nothing() -> None:
    assert Matcher([ALWAYS]).fired(Event("1", "answered", "acme", T, T, "c"), {}) == []
    assert Matcher([]).fired(Event("1", "answered", "acme", T, T, "c"), {}) == []
