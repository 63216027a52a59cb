"""A small law of its own, so that these tests do not change with the shipped one."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "rules"

LAW = """\
jurisdiction: FL
name: Florida
zone: America/New_York
lists:
  - {code: FL, name: Florida list, max_age_days: 90}
rules:
  - id: fl.calling-hours
    title: Only from 8 to 20
    topic: calling_hours
    kind: prohibition
    citation: Fla. Stat. 501.616(6)(a)
    status: in_force
    effective: 2021-07-01
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters: {hours: {every_day: 08:00-20:00}}
    tests:
      - {name: opening, at: 2026-03-03 08:00:00, expect: silent}
      - {name: last second, at: 2026-03-03 19:59:59, expect: silent}
      - {name: closing, at: 2026-03-03 20:00:00, expect: prohibited}
      - {name: agreed, at: 2026-03-03 20:00:00, given: {consent.covers: other_hours}, expect: silent}
      - {name: not known, at: 2026-03-03 20:00:00, given: {consent.covers: unknown}, expect: unknown, needs: [consent.covers]}
      - {name: the day before, at: 2021-06-30 20:00:00, expect: silent}
  - id: fl.calling-hours.agreed
    title: Another time may be agreed
    topic: calling_hours
    kind: relief
    citation: Fla. Stat. 501.616(6)(b)
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    relieves: [fl.calling-hours]
    when: {consent.covers: {has: other_hours}}
    tests:
      - {name: agreed, at: 2026-03-03 20:00:00, given: {consent.covers: other_hours}, expect: relieves}
      - {name: not agreed, at: 2026-03-03 20:00:00, expect: silent}
      - {name: not known, at: 2026-03-03 20:00:00, given: {consent.covers: unknown}, expect: open}
      - {name: a survey, at: 2026-03-03 20:00:00, given: {consent.covers: other_hours, campaign.purpose: survey}, expect: silent}
  - id: fl.frequency
    title: Three calls a day
    topic: frequency
    kind: prohibition
    citation: Fla. Stat. 501.616(6)(b)
    status: disputed
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: attempt-cap
    parameters: {maximum: 3, period: {hours: 24}}
    tests:
      - {name: third, at: 2026-03-03 12:00:00, attempts: [2026-03-03 10:00:00, 2026-03-03 11:00:00], expect: silent}
      - {name: fourth, at: 2026-03-03 12:00:00, attempts: [2026-03-03 09:00:00, 2026-03-03 10:00:00, 2026-03-03 11:00:00], expect: prohibited}
      - {name: not known, at: 2026-03-03 12:00:00, attempts: unknown, expect: unknown}
      - {name: a day apart, at: 2026-03-03 12:00:00, attempts: [2026-03-02 12:00:00, 2026-03-03 10:00:00, 2026-03-03 11:00:00], expect: silent}
  - id: fl.ring
    title: Ring fifteen seconds
    topic: abandonment
    kind: obligation
    citation: Fla. Stat. 501.1
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    duty: {code: ring_at_least, params: {seconds: 15}}
    tests:
      - {name: a call, at: 2026-03-03 12:00:00, expect: obliged}
      - {name: a survey, at: 2026-03-03 12:00:00, given: {campaign.purpose: survey}, expect: silent}
      - {name: a text, at: 2026-03-03 12:00:00, given: {channel: sms}, expect: silent}
      - {name: purpose not known, at: 2026-03-03 12:00:00, given: {campaign.purpose: unknown}, expect: obliged}
"""

INDEX = """\
FL:
  fl.calling-hours: {topic: calling_hours, status: in_force}
  fl.frequency: {topic: frequency, status: in_force}
  fl.ring: {topic: abandonment, status: in_force}
  fl.penalties: {topic: other, status: in_force}
GA:
  ga.calling-hours: {topic: calling_hours, status: in_force}
  ga.federal-default: {topic: calling_hours, status: in_force, federal: true}
"""


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept in the home folder."""
    monkeypatch.setenv("DIALGUARD_CACHE", "")


def small_law(folder: Path) -> Path:
    """A shipped folder with the real vocabulary and shapes, one calendar and one state."""
    for name in ("shapes", "calendars", "states", "federal"):
        (folder / name).mkdir(parents=True)
    shutil.copy(SHIPPED / "vocabulary.yaml", folder)
    shutil.copy(SHIPPED / "shapes" / "shapes.yaml", folder / "shapes")
    shutil.copy(SHIPPED / "calendars" / "la.yaml", folder / "calendars")
    (folder / "states" / "fl.yaml").write_text(LAW, encoding="utf-8")
    (folder / "facts-index.yaml").write_text(INDEX, encoding="utf-8")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return small_law(tmp_path / "rules")


@pytest.fixture
def shipped(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small law in the place of the shipped one, for the commands."""
    monkeypatch.setattr("dialguard.packs.load.shipped_rules", lambda: base)
    return base


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Writes files of an operator's folder, by name, and gives the folder back."""
    folder = tmp_path / "own"

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = folder / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return folder

    return write
