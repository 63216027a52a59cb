"""Rules of an operator that supersede the small law, for the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dialguard.facts import clock
from dialguard.packs.load import Packs, load
from dialguard.packs.supersede import Change, loosenings

HEAD = "jurisdiction: FL\nname: Florida\nzone: America/New_York\nrules:\n"
HOURS = """\
  - id: house.hours
    title: Other hours
    topic: calling_hours
    kind: prohibition
    citation: Laws 2027 ch. 1
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters: {hours: {every_day: 08:00-20:00}}
    supersedes: {rule: fl.calling-hours, citation: Laws 2027 ch. 1, date: 2027-01-01, approver: J. Doe, reason: the law changed}
"""
RELIEF = """\
  - id: house.relief
    title: Newspapers may
    topic: exemption
    kind: relief
    citation: Laws 2027 ch. 2
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    relieves: [fl.calling-hours]
    when: {campaign.industry: newspaper}
    supersedes: {rule: fl.calling-hours, citation: Laws 2027 ch. 2, date: 2027-01-01, approver: J. Doe, reason: the law changed}
"""
Own = Callable[..., Path]


def packs(base: Path, own: Own, *rules: str) -> Packs:
    return load([own(a=HEAD + "".join(rules))], base)


def changes(found: Packs) -> list[Change]:
    return [change for loosening in loosenings(found, clock) for change in loosening.changes]
