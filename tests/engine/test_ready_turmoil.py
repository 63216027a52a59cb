"""The short way beside the long one while all that an answer rests on changes: lists, record, pauses, events, campaigns, area codes, clock.

Two folders are told the same; in one answers are kept ready and others write to it, in the other every attempt is judged by itself.
`DIALGUARD_TURMOIL=200 .venv/bin/python -m pytest -q tests/engine/test_ready_turmoil.py` goes on longer. A failure names its seed.
"""

import json
import os
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialguard.engine.decision import Decision
from dialguard.facts import clock
from dialguard.facts.areacodes import ACTIVE, load_area_codes
from dialguard.guard import Guard
from dialguard.lists.errors import ListError
from dialguard.lists.importing import import_list
from dialguard.lists.versions import rollback
from dialguard.model.moment import DAY, HOUR, MINUTE, SECOND
from dialguard.packs.load import Packs, load
from dialguard.service.desk import read
from dialguard.storage.embedded import EmbeddedStore
from tests.engine.generate import AttemptMaker
from tests.engine.test_ready import Everything

ROUNDS = int(os.environ.get("DIALGUARD_TURMOIL", "1"))
BEGIN = (
    "2026-10-31T23:00:00Z",  # an hour twice in the night after
    "2027-03-14T05:30:00Z",  # an hour that is left out
    "2027-01-31T03:00:00Z",  # laws begin at midnight
    "2026-11-22T14:05:00Z",
)
NATIONAL = ("national", "TX", "IN", "CO", "litigator", "do_not_originate", "wireless_blocks", "ported_to_wireless", "ported_to_wireline")
LINES = 12
FROM = ("+12125550100", "+14165550100", "+18005550100")
STEPS = (0, 1, SECOND, MINUTE, 7 * MINUTE, 29 * MINUTE, HOUR, 3 * HOUR, 7 * HOUR, DAY, 9 * DAY, -MINUTE, -3 * HOUR)


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load()


@pytest.fixture(autouse=True)
def codes() -> Iterator[None]:
    yield
    load_area_codes()


class Sides:
    """The two folders, told the same."""

    def __init__(self, tmp_path: Path, packs: Packs, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rng, self.tmp_path, self.offset, self.touched = rng, tmp_path, 0, 0
        self.now = clock.parse_instant(rng.choice(BEGIN))
        monkeypatch.setattr(clock, "now", lambda: self.now)
        geographic = [npa for npa, area in ACTIVE.codes.items() if area.state is not None and area.kind == "geographic"]
        self.places = [*rng.sample(sorted(geographic), 5), "512", "219", "850", "800", "900"]
        self.folders = [tmp_path / "ready", tmp_path / "plain"]
        self.writers = [EmbeddedStore(folder) for folder in self.folders]
        self.write("declare_complete", seller="acme", since=self.now - 500 * DAY)
        if rng.random() < 0.5:
            said = {"state": "FL", "from": clock.format_instant(self.now + DAY), "until": clock.format_instant(self.now + 3 * DAY)}
            feed = {"checked_through": clock.format_instant(self.now + rng.choice((2, 60)) * DAY), "declared": [said, {"state": "LA"}]}
            for folder in self.folders:
                (folder / "feed.json").write_text(json.dumps(feed))
        for _ in range(8):
            self.lists()
        for _ in range(60):
            self.record()
        self.guards = [Guard(EmbeddedStore(folder, follow=True), packs=packs) for folder in self.folders]
        self.ready, self.plain = self.guards
        self.plain._ready = None
        self.ready._ready._asked, self.ready._ready.most = Everything(), 1000
        self.maker = AttemptMaker(packs)
        self.campaigns = ["c0", "c1"]
        for name in self.campaigns:
            self.campaign(name)

    def number(self) -> str:
        return f"+1{self.rng.choice(self.places)}555{self.rng.randrange(LINES):04}"

    def write(self, how: str, *asked: Any, **fields: Any) -> None:
        for writer in self.writers:
            if how == "declare_complete":
                writer.declare_complete(fields["seller"], fields["since"], known_at=self.now)
            else:
                getattr(writer, how)(*asked, known_at=self.now, **fields)

    def record(self) -> None:
        rng, number = self.rng, self.number()
        about: dict[str, Any] = {"seller": "acme", "number": number}
        at = self.now - rng.choice((-DAY, 0, MINUTE, HOUR, 6 * DAY, 90 * DAY))
        kind = rng.randrange(14)
        if kind < 7:
            self.write(
                "record_consent", **about, level=rng.choice(("express", "express_written")), obtained_at=at,
                form=rng.choice((None, ["signed_permission"])), requested_at=rng.choice((None, None, self.now - 5 * DAY)),
                expires_at=rng.choice((None, None, None, max(at, self.now) + 2 * HOUR)), channels=rng.choice((None, None, ["voice"])),
                covers=rng.choice((None, None, ["live"])), reference=rng.choice((None, "page 7")),
            )  # fmt: skip
        elif kind == 7:
            self.write("record_revocation", **about, at=at)
        elif kind == 8:
            self.write("record_attempt", **about, at=min(at, self.now), channel="voice", purpose="telemarketing")
        elif kind == 9:
            self.write(rng.choice(("suppress", "unsuppress")), **about, at=at)
        elif kind == 10:
            self.write("record_contact", **about, attorney=True)
        elif kind == 11:
            self.write("record_relationship", **about, last_transaction_at=at)
        elif kind == 12:
            self.write("erase", **about)
        else:
            self.write("declare_complete", seller="acme", since=self.now - rng.choice((500 * DAY, -HOUR)))

    def lists(self) -> None:
        rng, code = self.rng, self.rng.choice(NATIONAL)
        if rng.random() < 0.15:
            for folder in self.folders:
                try:
                    rollback(folder, code, at=self.now)
                except ListError:
                    return
            return
        today = clock.fixed(self.now, 0).ordinal
        published = today - rng.choice((0, 1, 3, 14, 15, 20, 29, 31))
        effective = rng.choice((None, None, published + 1, today + 1)) if code not in ("national",) else None
        held = sorted({self.number() for _ in range(40)} | {f"+1{npa}5550001" for npa in self.places} | set(FROM[:2] if rng.random() < 0.3 else ()))
        file = self.tmp_path / "list.txt"
        file.write_text("".join(f"{number[2:]}\n" for number in held))
        for folder in self.folders:
            try:
                import_list(
                    folder, code, file, published=date.fromordinal(published), received_at=self.now, whole_plan=code == "national", allow_shrink=True,
                    effective=None if effective is None else date.fromordinal(effective), allow_outside=True,
                )  # fmt: skip
            except ListError:
                return

    def pause(self) -> None:
        until = self.rng.choice((None, self.now + 2 * HOUR))
        if self.rng.random() < 0.5:
            self.write("pause_campaign", seller="acme", campaign=self.rng.choice((None, "c0")), at=self.now + self.rng.choice((0, HOUR)), reason="x", by="y", until=until)
        else:
            for campaign in (None, "c0"):
                self.write("resume_campaign", seller="acme", campaign=campaign, at=self.now, reason="x", by="y")

    def events(self) -> None:
        told = self.rng.choice(("share", "share", "away", "none"))
        for folder in self.folders:
            file = folder / "events" / "facts.json"
            file.parent.mkdir(exist_ok=True)
            if told == "none":
                file.unlink(missing_ok=True)
                continue
            share = ["acme", "c0", self.now - HOUR, self.now + 20 * MINUTE, self.rng.choice((0, 31_000))] if folder == self.folders[0] else self._share
            self._share = share
            file.write_text(json.dumps({"caught_up": True, "abandoned": [share]}))
            self.offset = 0 if told == "share" else -10
        self.touch()

    def touch(self) -> None:
        """What the events process does twice a second, where it is alive."""
        self.touched += 1  # no two files that say different things bear one moment
        for folder in self.folders:
            file = folder / "events" / "facts.json"
            if file.exists():
                os.utime(file, ns=((self.now // SECOND + self.offset) * 10**9 + self.touched,) * 2)

    def codes(self) -> None:
        day = date.fromordinal(clock.fixed(self.now, 0).ordinal + self.rng.choice((0, 1)))
        file = self.tmp_path / "npa.csv"
        state, zone = self.rng.choice((("TX", "America/Chicago"), ("FL", "America/New_York|America/Chicago"), ("CA", "America/Los_Angeles")))
        file.write_text(f"npa,state,timezones,in_service\n{self.places[0]},{state},{zone},{day.isoformat()}\n")
        load_area_codes(extra=file)

    def campaign(self, name: str) -> None:
        made = self.maker.campaign(self.rng, 0.6) | {"id": name, "seller": "acme" if self.rng.random() < 0.9 else "other"}
        for guard in self.guards:
            guard.add_campaign(made)

    def attempts(self) -> list[bytes]:
        rng, bodies = self.rng, []
        for number in range(rng.choice((1, 2, 8, 30))):
            said: dict[str, Any] = {"channel": rng.choice(("voice", "voice", "voice", "sms", "rvm", "mms", "fax")), "campaign": rng.choice(self.campaigns), "to": self.number()}
            if rng.random() < 0.5:
                at = self.now + rng.choice((0, SECOND, -MINUTE, HOUR, 20 * HOUR, -59 * MINUTE, -30 * DAY, 70 * DAY, rng.randrange(-2 * DAY, 40 * DAY)))
                said["at"] = clock.format_instant(at, rng.choice((None, "America/New_York")))
            if rng.random() < 0.7:
                said["line_type"] = rng.choice(("wireless", "landline", "voip"))
            if rng.random() < 0.5:
                said["from"] = rng.choice(FROM)
            if rng.random() < 0.15:
                said["contact"] = {"id": rng.choice("pq"), **({"state": "TX"} if rng.random() < 0.5 else {})}
            if rng.random() < 0.5:
                said |= {"reserve": True, "id": f"a {rng.random()}"}
            bodies.append(json.dumps(said).encode())
            if rng.random() < 0.1:
                bodies.append(rng.choice(bodies))
        return bodies

    def compare(self, name: str) -> int:
        bodies = self.attempts()
        here, there = (guard.check_together([read(body) for body in bodies]) for guard in self.guards)
        for body, one, other in zip(bodies, here, there, strict=True):
            assert told(one) == told(other), f"{name}: {body!r} at {clock.format_instant(self.now)}"
        return sum(isinstance(one, Decision) and one._form is not None for one in here)


def told(answer: Decision | Exception) -> object:
    if isinstance(answer, Exception):
        return type(answer).__name__, str(answer).replace("ready", "plain")
    found = json.loads(answer.as_json(texts=False))
    assert json.loads(json.dumps(answer.as_dict(texts=False))) == found
    del found["id"]
    return json.loads(json.dumps(found).replace("/ready/", "/plain/"))


@pytest.mark.parametrize("seed", range(2 * ROUNDS))
def test_what_changes_counts_at_once(seed: int, tmp_path: Path, packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(f"turmoil {seed}")
    sides, served = Sides(tmp_path, packs, rng, monkeypatch), 0
    happen = [sides.record, sides.record, sides.record, sides.lists, sides.lists, sides.pause, sides.events, sides.codes]
    for step in range(40):
        sides.touch()
        served += sides.compare(f"seed {seed}, step {step}")
        if rng.random() < 0.4:
            rng.choice(happen)()
        elif rng.random() < 0.15:
            sides.campaign(rng.choice(sides.campaigns))
        else:
            sides.now += rng.choice(STEPS)
    assert served > 5 or seed > 1  # or the usual comparison proves little; of many seeds a few have campaigns of which little is kept
