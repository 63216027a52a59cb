"""Consents of many moments share an answer only where no rule tells them apart, and not near the day on which one does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dialguard import Guard
from dialguard.expr.reference import evaluate
from dialguard.facts import clock
from dialguard.facts.regions import STATES
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, Moment
from dialguard.packs.load import load
from dialguard.screening.dates import STEADY_DAYS, Steady
from dialguard.screening.read import series_of
from dialguard.screening.tables import Tables
from dialguard.storage.embedded import EmbeddedStore

AT = "2026-11-24T11:00:00-05:00"
NOW = clock.parse_instant(AT)
SIX_MONTHS = clock.parse_instant("2026-05-24T00:00:00-05:00")
"""Louisiana takes a number off its list for six months from the request: the first moment of the last day that counts."""
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registry_version": "2026-11-20"}


def test_a_kind_meets_the_same_tests_for_some_days() -> None:
    guard = Guard(no_store=True)
    guard.add_campaign(CAMPAIGN)
    asked = Tables(guard._engine, guard._gatherer, guard._campaigns, "c", NOW, "voice").asked
    tests = asked.bounded("consent.obtained_at", ("US", *sorted(STATES)))
    assert tests
    steady = Steady(tests, NOW, clock)
    random = Random(3)
    moments = [NOW - random.randrange(3000 * DAY) for _ in range(300)] + [SIX_MONTHS + step * DAY for step in range(-6, 7)]
    kinds = steady.encode(np.array(moments, np.int64)).tolist()
    met: dict[int, set[tuple]] = {}
    for moment, kind in zip(moments, kinds, strict=True):
        answers = tuple(
            evaluate(test, {"consent.obtained_at": moment}, Moment(NOW + days * DAY, zone, clock), guard.packs.closed)
            for test in sorted(tests, key=repr) for days in range(STEADY_DAYS + 1) for zone in ("America/New_York", "Pacific/Guam")
        )  # fmt: skip
        met.setdefault(kind, set()).add(answers)
    assert -1 in met and len(met) >= 3
    assert all(len(answers) == 1 for kind, answers in met.items() if kind >= 0)
    assert steady.encode(np.array([NOW + 1], np.int64)).tolist() == [-1]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddedStore, list[str]]:
    folder = tmp_path_factory.mktemp("store")
    random = Random(8)
    moments = [SIX_MONTHS + shift for shift in (-1, 0, 1, -DAY, DAY, 2 * DAY, 5 * DAY)]
    moments += [NOW - days * DAY for days in (3, 10, 40, 100, 170, 200, 300, 700)] + [NOW - random.randrange(400 * DAY) for _ in range(25)]
    numbers = [f"504555{place:04}" for place in range(len(moments))]
    for code, days in (("national", 3), ("LA", 20)):
        file = folder / f"{code}.txt"
        file.write_text("".join(f"{number}\n" for number in (numbers if code == "LA" else ["2125550199"])), encoding="utf-8")
        published = date.fromordinal(date(2026, 11, 24).toordinal() - days)
        import_list(folder, code, file, published=published, whole_plan=True, received_at=NOW - DAY)
    store = EmbeddedStore(folder)
    store.declare_complete("acme", NOW - 2000 * DAY, known_at=NOW - 2000 * DAY)
    for number, moment in zip(numbers, moments, strict=True):
        store.record_consent(seller="acme", number=f"+1{number}", level="express", form=["request"], obtained_at=moment, known_at=moment)
    return store, numbers


def test_people_whose_request_is_too_old_are_told_from_those_whose_is_not(store: tuple[EmbeddedStore, list[str]]) -> None:
    held, numbers = store
    guard = Guard(held, packs=load(), as_of=AT)
    screener = guard.screener(CAMPAIGN, AT)
    found = screener.screen({"to": series_of(numbers), "line_type": series_of(["landline"] * len(numbers))})
    verdicts = set()
    for number, answer in zip(numbers, found.answers.tolist(), strict=True):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, "to": number, "line_type": "landline"})
        told = screener.answers[answer]
        assert (told.verdict, told.reasons, told.valid_until) == (alone.verdict, tuple(r["rule"] for r in alone.reasons), alone.valid_until or "")
        verdicts.add(told.verdict)
    assert verdicts == {"allow", "deny"}
    assert len(screener._consents.numbers) > len(numbers) // 2  # or kinds were not tried


def test_the_days_before_a_request_lapses_are_of_no_kind(store: tuple[EmbeddedStore, list[str]]) -> None:
    held, numbers = store
    screener = Guard(held, packs=load(), as_of=AT).screener(CAMPAIGN, AT)
    assert {f"+1{numbers[place]}" for place in (0, 1, 2, 4, 5)} <= set(screener._consents.unsteady)  # of 3 it has lapsed in every zone


_FRESH = """
jurisdiction: LA
name: Louisiana
zone: America/Chicago
rules:
  - id: house.fresh-consent
    title: Consent is asked for again after sixty days
    topic: consent
    kind: prohibition
    citation: Compliance manual, policy 9
    status: in_force
    applies: {channels: [voice], purposes: [political], dialing: any, voice: any, line_types: any}
    when: {consent.obtained_at: {older_than: {days: 60}}}
    tests:
      - {name: fresh, at: 2026-03-03 12:00:00, given: {consent.level: express, consent.obtained_at: 2026-03-01}, expect: silent}
"""


def test_permissions_that_end_far_off_end_each_with_its_own_consent(tmp_path: Path) -> None:
    """Consents that no rule tells apart for some days share a kind, but a permission that lasts longer ends when its own consent does."""
    (tmp_path / "law").mkdir()
    (tmp_path / "law" / "house.yaml").write_text(_FRESH, encoding="utf-8")
    store = EmbeddedStore(tmp_path / "store")
    days = (20, 30, 40, 50)
    numbers = [f"504555{place:04}" for place in days]
    store.declare_complete("acme", NOW - 2000 * DAY, known_at=NOW - 2000 * DAY)
    for number, ago in zip(numbers, days, strict=True):
        store.record_consent(seller="acme", number=f"+1{number}", level="express", obtained_at=NOW - ago * DAY, known_at=NOW - ago * DAY)
    guard = Guard(store, rules=[tmp_path / "law"], as_of=AT)
    screener = guard.screener({**CAMPAIGN, "purpose": "political"}, AT)
    found = screener.screen({"to": series_of(numbers), "line_type": series_of(["landline"] * len(numbers))})
    assert len(screener._consents.numbers) == len(numbers)  # or kinds were not tried
    ends = []
    for number, answer in zip(numbers, found.answers.tolist(), strict=True):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, "to": number, "line_type": "landline"})
        told = screener.answers[answer]
        assert (told.verdict, told.valid_until) == ("allow", alone.valid_until)
        ends.append(told.valid_until)
    assert len(set(ends)) == len(days) and min(ends) > "2026-12-03"
