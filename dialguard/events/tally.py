"""How many events the rules count: kept in SQLite together with how far the journal was dealt with, so that both are of one moment.

A killed process loses nothing that was committed; a power cut may take back the last commits, and what they dealt with is then dealt
with again (``synchronous = NORMAL``).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dialguard.events.meaning import Event, excess, hears, key, period
from dialguard.model.moment import DAY, Instant
from dialguard.packs.eventrule import EventRule, Share

ABANDONED = Share("abandoned", ("answered", "abandoned"), 30 * DAY, 30_000, 100)
"""The share that 47 CFR 64.1200(a)(7) limits, of which decisions are told."""
_LAW = ""
"""In the place of a rule's id: the share that decisions are told of."""
_REMEMBERED = 31 * DAY
"""How long an event's id is remembered, so that one told twice counts once."""

_TABLES = """
CREATE TABLE IF NOT EXISTS heard (rule TEXT, seller TEXT, of TEXT, at INTEGER);
CREATE INDEX IF NOT EXISTS heard_by_key ON heard (rule, seller, of, at);
CREATE TABLE IF NOT EXISTS begun (rule TEXT, seller TEXT, campaign TEXT, at INTEGER, PRIMARY KEY (rule, seller, campaign)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (rule TEXT, seller TEXT, campaign TEXT, period INTEGER, part INTEGER, among INTEGER,
    PRIMARY KEY (rule, seller, campaign, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, told_at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_at ON seen (told_at);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarms (id TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
"""


class Held(NamedTuple):
    """The calls of a campaign in one period: abandoned, and all that a person answered."""

    seller: str
    campaign: str
    since: Instant
    until: Instant
    part: int
    among: int


class Tally:
    """The counts of some rules. Everything since the last ``commit`` is undone by ``undo``, or by the end of the process."""

    def __init__(self, rules: Iterable[EventRule], path: Path | None = None) -> None:
        self._rules = tuple(rules)
        self._shares = {_LAW: ABANDONED} | {rule.id: rule.share for rule in self._rules if rule.share is not None}
        self._longest = max((rule.count.last for rule in self._rules if rule.count is not None), default=0)
        self.file = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=1.0)
        if path is not None:
            self.file.execute("PRAGMA journal_mode = WAL")
            self.file.execute("PRAGMA synchronous = NORMAL")
        self.file.executescript(_TABLES)
        self.file.execute("BEGIN IMMEDIATE")

    def add(self, event: Event) -> dict[str, int]:
        """Counts an event; for each rule that hears it and counts: how many there are (no further than it asks), or by how much its
        share is exceeded."""
        found: dict[str, int] = {}
        for rule in self._rules:
            if rule.count is not None and hears(rule, event):
                found[rule.id] = self._heard(rule, event)
        for name, share in self._shares.items():
            if event.event in share.among:
                over = self._share(name, share, event)
                if over is not None and name != _LAW:
                    found[name] = over
        return found

    def _heard(self, rule: EventRule, event: Event) -> int:
        seller, of = key(rule.count.per, event)
        whose = (rule.id, seller, of or "")
        self.file.execute("INSERT INTO heard VALUES (?, ?, ?, ?)", (*whose, event.at))
        asked = "SELECT count(*) FROM (SELECT 1 FROM heard WHERE rule = ? AND seller = ? AND of = ? AND at > ? LIMIT ?)"
        return self.file.execute(asked, (*whose, event.at - rule.count.last, rule.count.at_least)).fetchone()[0]

    def _share(self, name: str, share: Share, event: Event) -> int | None:
        whose = (name, event.seller, event.campaign or "")
        self.file.execute("INSERT OR IGNORE INTO begun VALUES (?, ?, ?, ?)", (*whose, event.at))
        (start,) = self.file.execute("SELECT at FROM begun WHERE rule = ? AND seller = ? AND campaign = ?", whose).fetchone()
        part, among = self.file.execute(
            "INSERT INTO calls VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET part = part + excluded.part, among = among + 1 "
            "RETURNING part, among",
            (*whose, period(event.at, start, share.each), int(event.event == share.of)),
        ).fetchone()
        return excess(part, among, share.above) if among >= share.from_ else None

    def abandoned(self, at: Instant) -> Iterator[Held]:
        """Of each campaign the calls of the period in which a moment lies, where there are enough of them."""
        each = ABANDONED.each
        query = (
            "SELECT calls.seller, calls.campaign, begun.at + calls.period * ?, part, among FROM calls JOIN begun USING (rule, seller, campaign) "
            "WHERE rule = ? AND among >= ? AND begun.at + calls.period * ? <= ? AND begun.at + (calls.period + 1) * ? > ?"
        )
        for seller, campaign, since, part, among in self.file.execute(query, (each, _LAW, ABANDONED.from_, each, at, each, at)):
            yield Held(seller, campaign, since, since + each, part, among)

    def seen(self, event: Event) -> bool:
        """Whether an event of this id was counted before; from now on it was."""
        return self.file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (event.id, event.told_at)).rowcount == 0

    def get(self, name: str) -> int:
        """A number kept with the counts; 0 where there is none."""
        row = self.file.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def put(self, name: str, value: int) -> None:
        """Keeps a number with the counts."""
        self.file.execute("INSERT INTO about VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))

    def alarms(self) -> list[tuple[str, bytes]]:
        """Alarms that nobody has taken yet, by id."""
        return self.file.execute("SELECT id, body FROM alarms").fetchall()

    def keep_alarm(self, id_: str, body: bytes) -> None:
        """Keeps an alarm until it is taken."""
        self.file.execute("INSERT OR IGNORE INTO alarms VALUES (?, ?)", (id_, body))

    def drop_alarm(self, id_: str) -> None:
        """An alarm was taken."""
        self.file.execute("DELETE FROM alarms WHERE id = ?", (id_,))

    def forget(self, now: Instant) -> None:
        """Drops what no rule counts any more."""
        self.file.execute("DELETE FROM heard WHERE at < ?", (now - self._longest - DAY,))
        self.file.execute("DELETE FROM seen WHERE told_at < ?", (now - _REMEMBERED,))

    def commit(self) -> None:
        """Keeps everything so far."""
        self.file.execute("COMMIT")
        self.file.execute("BEGIN IMMEDIATE")

    def undo(self) -> None:
        """Back to the last commit."""
        self.file.execute("ROLLBACK")
        self.file.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Closes the file; what was not committed is undone."""
        self.file.close()
