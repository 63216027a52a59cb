"""What is true: numbers of which it is known beforehand who may be called, and since when one may not any more.

The truth is written here by hand, not asked of the product; that the law says so of each kind of number is checked before the load by
decisions over the folder itself.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from dialguard.facts import clock
from dialguard.facts.readers import judged_at
from dialguard.guard import Guard
from dialguard.ledger.write import Recorder
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, HOUR
from dialguard.storage.embedded import EmbeddedStore
from simulations.population import STATE_POPULATION

SELLER = "acme-windows"
CODES = ("313", "404", "503", "614", "919")
CAPPED = "503"
"""Oregon: no fourth call on one subject within a day."""
CAMPAIGN = {
    "id": "windows", "seller": SELLER, "purpose": "telemarketing", "subject": "windows", "dialing": "manual", "voice": "live",
    "registered_states": sorted(STATE_POPULATION),
}  # fmt: skip


class Number(NamedTuple):
    """A number and what is true of it: ``open`` may be called, ``shut`` may not, ``turning`` may be called until something is
    recorded of it in the load, ``capped`` until its third attempt is."""

    text: str
    kind: str


class World:
    """A folder with a list and a record, and the truth about its numbers."""

    def __init__(self, folder: Path, lines: int) -> None:
        day = datetime.now(UTC).date() - timedelta(days=1)
        while day.weekday() > 3:
            day -= timedelta(days=1)
        self.at = f"{day}T18:00:00Z"
        self.moment = judged_at(self.at)
        self.folder = folder / "store"
        self.numbers: list[Number] = []
        self.shut_since: dict[str, float] = {}
        """By number, since when (by ``time.perf_counter``) it is recorded that it may not be called."""
        self._fill(folder, lines, day)

    def _fill(self, folder: Path, lines: int, day: date) -> None:
        known = self.moment - DAY
        rows: dict[str, list[dict[str, object]]] = {"consent": [], "revocation": [], "internal": [], "attempt": []}
        listed = []
        for code in CODES:
            for line in range(lines):
                text = f"+1{code}555{line:04}"
                common: dict[str, object] = {"seller": SELLER, "number": text, "known_at": known}
                kind = ("open", "shut", "open", "shut", "shut", "turning", "capped" if code == CAPPED else "open", "open")[line % 8]
                if line % 8 in (1, 2):
                    listed.append(f"{code},{text[5:]}\n")
                if line % 8 == 2:
                    rows["consent"].append({**common, "level": "express_written", "obtained_at": known - DAY})
                elif line % 8 == 3:
                    rows["revocation"].append({**common, "at": known - DAY})
                elif line % 8 == 4:
                    rows["internal"].append({**common, "action": "add", "at": known - DAY})
                elif kind == "capped":
                    rows["attempt"] += [{**self._attempt(text, hours), "known_at": known} for hours in (1, 2)]
                self.numbers.append(Number(text, kind))
                if kind == "shut":
                    self.shut_since[text] = 0.0
        file = folder / "national.txt"
        file.write_text("".join(listed), encoding="ascii")
        import_list(self.folder, "national", file, published=day - timedelta(days=5), whole_plan=True, received_at=known)
        store = EmbeddedStore(self.folder)
        store.declare_complete(SELLER, self.moment - 300 * DAY, known_at=known)
        for kind, entries in rows.items():
            store.record_many(kind, entries)
        store.close()

    def _attempt(self, number: str, hours: int) -> dict[str, object]:
        said = {"channel": "voice", "purpose": "telemarketing", "subject": "windows"}
        return {"seller": SELLER, "number": number, "at": self.moment - hours * HOUR, **said}

    def turn(self, store: Recorder, number: Number) -> None:
        """Records that a number may not be called any more; true from when that is done."""
        known = clock.now()
        if number.kind == "capped":
            store.record_attempt(**self._attempt(number.text, 3), known_at=known)
        elif int(number.text[-4:]) // 8 % 2:
            store.record_revocation(seller=SELLER, number=number.text, at=self.moment, known_at=known)
        else:
            store.suppress(seller=SELLER, number=number.text, at=self.moment, known_at=known)
        self.shut_since[number.text] = time.perf_counter()

    def attempt(self, number: str) -> dict[str, object]:
        """The question."""
        return {"to": number, "channel": "voice", "at": self.at, "campaign": "windows", "from": "+12025550123"}

    def check(self) -> None:
        """That the law, asked over the folder, says of every number what is held to be true here. Raises SystemExit."""
        guard = Guard(store=self.folder)
        guard.add_campaign(CAMPAIGN)
        for number in self.numbers:
            allowed = guard.check(self.attempt(number.text)).verdict == "allow"
            if allowed == (number.text in self.shut_since):
                raise SystemExit(f"a number held to be {number.kind} is {'allowed' if allowed else 'denied'}: the simulation is wrong")
