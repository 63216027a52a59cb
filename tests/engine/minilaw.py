"""A small law of its own for tests of the search: every kind of condition that time moves, in few rules."""

import shutil
from pathlib import Path

from dialguard.packs.load import Packs, load, shipped_rules

US = """
jurisdiction: US
name: United States
zone: America/New_York
lists:
  - {code: national, name: National, max_age_days: 31}
rules:
  - id: us.hours
    title: Hours
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters: {hours: {every_day: 08:00-21:00}}
    unless: {contact.agreed_hours: {open: true}}
  - id: us.cap
    title: Three a day
    topic: frequency
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    when: {count: {at_least: 3, last: {hours: 24}, per: person, where: {channel: [voice]}}}
  - id: us.revoked
    title: Revoked
    topic: revocation
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    when: {revocations: true}
  - id: us.listed
    title: Listed
    topic: federal_dnc
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: any, purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    when: {dnc.national: true}
  - id: us.copy
    title: Registry copy
    topic: federal_dnc
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: any, purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    when: {campaign.registry_version: {older_than: {days: 31}}}
  - id: us.rest
    title: Five days of rest after a conversation
    topic: frequency
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [debt_collection], dialing: any, voice: any, line_types: any}
    when: {history.last_conversation_at: {within: {days: 5}}}
  - id: us.minutes
    title: Ninety minutes after a request to wait
    topic: frequency
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [debt_collection], dialing: any, voice: any, line_types: any}
    when: {contact.last_inbound_at: {within: {minutes: 90}}}
  - id: us.customers
    title: Nobody else than a customer of three months on a Sunday
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [survey], dialing: any, voice: any, line_types: any}
    when: {local_time: {outside: {mon-sat: all_day}}}
  - id: us.customers.known
    title: A customer of three months
    topic: calling_hours
    kind: relief
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [survey], dialing: any, voice: any, line_types: any}
    relieves: [us.customers]
    when: {relationship.last_transaction_at: {within: {months: 3}}}
  - id: us.text-hours
    title: Texts by the clock of the centre
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [sms], purposes: any, dialing: any, voice: any, line_types: any}
    when: {local_time: {outside: {every_day: 09:00-20:00}, clock: "UTC-06:00"}}
  - id: us.daily
    title: One fax a day
    topic: frequency
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [fax], purposes: any, dialing: any, voice: any, line_types: any}
    when: {count: {at_least: 1, last: {calendar_days: 1}, per: person}}
  - id: us.passing
    title: A law of 2026
    topic: registration
    kind: prohibition
    citation: test
    status: repealed
    effective: 2026-06-01
    ends: 2026-06-30
    applies: {channels: [voice], purposes: [informational], dialing: any, voice: any, line_types: any}
    when: {contact.kind: consumer}
  - id: us.registered
    title: Say who calls
    topic: disclosure
    kind: obligation
    citation: test
    status: in_force
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    duty: {code: say_name, params: {}}
"""
LA = """
jurisdiction: LA
name: Louisiana
zone: America/Chicago
rules:
  - id: la.closed
    title: Closed days
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: closed-days
    parameters: {calendar: la}
"""
PA = """
jurisdiction: PA
name: Pennsylvania
zone: America/New_York
rules:
  - id: pa.hours
    title: Hours, and from 18 October 2026 no Sundays
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters:
      hours:
        - {value: {every_day: 09:00-21:00}}
        - {from: 2026-10-18, value: {mon-sat: 09:00-20:00}}
"""
FL = """
jurisdiction: FL
name: Florida
zone: America/New_York
presumes_residence_by_area_code: true
lists:
  - {code: FL, name: Florida, publish_on: [01-01, 04-01, 07-01, 10-01], use_within_days: 0}
rules:
  - id: fl.hours
    title: Hours
    topic: calling_hours
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    shape: calling-hours
    parameters: {hours: {every_day: 08:00-20:00}}
  - id: fl.listed
    title: Listed
    topic: state_dnc
    kind: prohibition
    citation: test
    status: in_force
    applies: {channels: [voice], purposes: [telemarketing], dialing: any, voice: any, line_types: any}
    when: {dnc.list.FL: true}
"""


def mini_law(folder: Path) -> Packs:
    """The shipped vocabulary, shapes and calendars with the rules above."""
    shipped = shipped_rules()
    base = folder / "rules"
    for name in ("shapes", "calendars"):
        shutil.copytree(shipped / name, base / name)
    shutil.copy(shipped / "vocabulary.yaml", base / "vocabulary.yaml")
    for place, text in {"federal/us": US, "states/la": LA, "states/pa": PA, "states/fl": FL}.items():
        path = base / f"{place}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return load(base=base)
