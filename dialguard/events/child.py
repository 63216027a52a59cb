"""The process that runs the event rules. ``supervisor.Events`` starts it, watches its heartbeat and starts it again.

It reads the journal in order, a few events at a time. What they bring about goes to the record first, each entry once whatever
happens; then the alarms to their file; then counts and place in the journal are committed together. Killed anywhere between, it
does the rest when it is started again.
"""

import contextlib
import fcntl
import os
import select
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from dialguard.events import effects
from dialguard.events.journal import Line, Place, Reader
from dialguard.events.meaning import Action, Event, done, fires_on
from dialguard.events.tally import Tally
from dialguard.events.webhook import Sender
from dialguard.facts import clock
from dialguard.facts.fed import FILE
from dialguard.facts.readers import share_up
from dialguard.ledger.errors import LedgerError, RecordError
from dialguard.ledger.ledger import Ledger
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed
from dialguard.packs.eventrule import EventRule

ALARMS, STATE, LOCK = "alarms.jsonl", "state.sqlite", "child.lock"
LOT = 50
"""Events that are dealt with in one step, and as many after a start one by one, so that one that kills is known."""
BEAT = 0.5
TRIES = 3
"""How often an event may end the process before durable_rules is not asked about it any more."""
BEHIND = SECOND
"""How far behind what is told it may be before what it feeds is unknown."""
_FORGET_EVERY = 600.0
_REMEMBERED = 1_000_000
"""Bytes at the end of the alarms' file in which an alarm that was written just before a kill is looked for."""

_NOBODY = "+12010000000"
"""A number that nobody can have."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class Settings(msgspec.Struct):
    """What the parent hands over, on standard input: rules as ``EventRule``, the ledger's path or URL, the webhook."""

    folder: str
    ledger: str
    rules: list[EventRule]
    webhook: str | None = None
    secret: str = ""


class Child:
    """One run over the journal."""

    def __init__(self, settings: Settings) -> None:
        self.folder = Path(settings.folder)
        self.rules = tuple(settings.rules)
        self.by_id = {rule.id: rule for rule in self.rules}
        self.ledger = Ledger(settings.ledger, write_timeout=1.0)  # below the heartbeat's limit
        self.matcher = self._matcher()
        self.tally = Tally(self.rules, self.folder / STATE)
        self.journal = Reader(self.folder, self._place())
        self.key = effects.number_key(self.folder)
        self.journal.remove_before(self._place().file)
        self.fed = b""
        self.caught_up = self.suspect = False
        self.last_told = 0
        self.careful = LOT
        self.written = _written(self.folder / ALARMS)
        self.sender = Sender(settings.webhook, settings.secret.encode()) if settings.webhook else None
        if self.sender is not None:
            for id_, body in self.tally.alarms():
                self.sender.send(id_, body)
        self._beaten = self._forgotten = 0.0

    # -- the loop

    def run(self, asked: "Asked") -> bool:
        """Until told to end (True, once everything is dealt with) or the parent is gone (False)."""
        self.beat()
        while True:
            if asked.gone():
                return False
            busy = self.step()
            if not busy:
                if asked.ended and self.caught_up:
                    return True
                asked.wait(0.02)
            self.beat(BEAT)

    def step(self) -> bool:
        """Deals with the next events; whether there were any."""
        start = self._place()
        careful = self.careful > 0
        lines = self.journal.read(1 if careful else LOT)
        if not lines:
            self.caught_up = True
            return False
        self.suspect = careful and self._tried(lines[0].end) > TRIES
        try:
            self._deal_with(lines, start)
            self.careful -= careful
        except (LedgerError, LookUpFailed):  # locked, full or away: the record comes first, so this is tried again
            self.tally.undo()
            self.tally.put("tries", 0)
            self.journal.go_to(start)
            self.caught_up = False
            time.sleep(0.1)
            return True
        self.caught_up = clock.now() - self.last_told < BEHIND
        return True

    def _tried(self, place: Place) -> int:
        """How often one event was begun with, this time among them: more than once where it ended the process."""
        same = (self.tally.get("trying_file"), self.tally.get("trying_byte")) == place
        times = self.tally.get("tries") + 1 if same else 1
        for name, value in (("trying_file", place.file), ("trying_byte", place.byte), ("tries", times)):
            self.tally.put(name, value)
        self.tally.commit()
        return times

    def _deal_with(self, lines: list[Line], start: Place) -> None:
        entries: list[effects.Entry] = []
        alarms: list[dict[str, Any]] = []
        now = clock.now()
        for line in lines:
            self._judge(line, now, entries, alarms)
        entries = self._without_standing(entries, now)
        try:
            self.ledger.record_once(entries)
        except RecordError as error:  # none that was read as an event comes to this
            for each in entries:
                with contextlib.suppress(RecordError):
                    self.ledger.record_once([each])
            alarms.append(
                effects.alarm(effects.SET_ASIDE, "urgent", f"an entry was refused: {error}", None, now, self.key, f"refused {lines[0].end}")
            )
        self._alarm(alarms)
        end = lines[-1].end
        self.tally.put("file", end.file)
        self.tally.put("byte", end.byte)
        self.tally.commit()
        if end.file != start.file:
            self.journal.remove_before(end.file)

    def _without_standing(self, entries: list[effects.Entry], now: int) -> list[effects.Entry]:
        """Without pauses that a rule has already made and nobody has lifted: each event above a limit would make another."""
        sellers = {fields["seller"] for kind, fields, _ in entries if kind == "pause"}
        standing = {
            (seller, each.campaign, each.by)
            for seller in sellers
            for each in self.ledger.look_up(seller=seller, number=_NOBODY, at=now).pauses
            if each.until is None
        }
        left = []
        for entry in entries:
            kind, fields, _ = entry
            if kind == "pause":
                key = (fields["seller"], fields["campaign"], fields["by"])
                if key in standing:
                    continue
                standing.add(key)
            left.append(entry)
        return left

    def _judge(self, line: Line, now: int, entries: list[effects.Entry], alarms: list[dict[str, Any]]) -> None:
        """Adds what one event brings about. Whatever it is, the next one gets its turn."""
        event = None
        try:
            event = _decode(line.text) if line.text is not None else None
        except msgspec.DecodeError:
            pass
        if event is None:
            message = "a line of the journal is damaged; what it told is lost"
            alarms.append(effects.alarm(effects.SET_ASIDE, "urgent", message, None, now, self.key, f"damaged {line.end}"))
            return
        self.last_told = event.told_at
        self.tally.file.execute("SAVEPOINT event")
        try:
            if not self.tally.seen(event):
                for action in self._actions(event, now, alarms):
                    self._take(action, event, now, entries, alarms)
        except Exception as error:  # noqa: BLE001 - set aside, told, and on the side of caution
            self.tally.file.execute("ROLLBACK TO event")
            self.tally.seen(event)
            why = type(error).__name__
            entries.append(effects.set_aside(event, why, now))
            alarms.append(
                effects.alarm(
                    effects.SET_ASIDE, "urgent", f"an event could not be judged ({why})", event, now, self.key, f"aside {event.id}"
                )
            )
        self.tally.file.execute("RELEASE event")

    def _actions(self, event: Event, now: int, alarms: list[dict[str, Any]]) -> list[Action]:
        counts = self.tally.add(event)
        if not self.suspect:
            try:
                return done(self.rules, self.matcher.fired(event, counts), event)
            except Exception as error:  # noqa: BLE001 - a session that failed once fails always
                why = f"durable_rules failed ({type(error).__name__})"
                self.matcher = self._matcher()
        else:
            why = f"durable_rules ended the process {TRIES} times"
        message = f"{why} at an event, which was judged without it"
        alarms.append(effects.alarm(effects.SET_ASIDE, "urgent", message, event, now, self.key, f"without {event.id}"))
        return done(self.rules, [rule.id for rule in self.rules if fires_on(rule, event, counts)], event)

    def _take(self, action: Action, event: Event, now: int, entries: list[effects.Entry], alarms: list[dict[str, Any]]) -> None:
        rule = self.by_id[action.rule]
        made = effects.entry(action, rule, event, now)
        if made is not None:
            entries.append(made)
        else:
            id_ = f"event:{rule.id}:{action.place}:{event.id}"
            alarms.append(effects.alarm(rule.id, action.effect.how, rule.message, event, now, self.key, id_))

    def _alarm(self, alarms: list[dict[str, Any]]) -> None:
        fresh = [each for each in alarms if each["id"] not in self.written]
        if fresh:
            with open(self.folder / ALARMS, "ab", buffering=0, opener=_private) as file:
                file.write(b"".join(_encode(each) + b"\n" for each in fresh))
        for each in alarms:
            self.written.add(each["id"])
            if self.sender is not None:
                body = _encode(each)
                self.tally.keep_alarm(each["id"], body)
                self.sender.send(each["id"], body)

    # -- the heartbeat

    def beat(self, least: float = 0.0) -> None:
        """Says that it is alive and what it feeds, where ``least`` seconds have passed since the last time."""
        now = time.monotonic()
        if now - self._beaten < least:
            return
        self._beaten = now
        self.journal.sync()
        for id_ in self.sender.taken() if self.sender is not None else ():
            self.tally.drop_alarm(id_)
        if now - self._forgotten > _FORGET_EVERY:
            self._forgotten = now
            self.tally.forget(clock.now())
            if len(self.written) > 100_000:
                self.written = _written(self.folder / ALARMS)
        self.tally.commit()
        held = [
            (each.seller, each.campaign, each.since, each.until, share_up(Fraction(each.part, each.among)))
            for each in self.tally.abandoned(clock.now())
        ]
        said = _encode({"caught_up": self.caught_up, "abandoned": held})
        path = self.folder / FILE
        if said != self.fed or not path.exists():
            temporary = path.with_suffix(".new")
            temporary.write_bytes(said)
            os.replace(temporary, path)
            self.fed = said
        else:
            os.utime(path)

    def end(self) -> None:
        """Everything was dealt with: what the events fed is in the record, and no heartbeat is to be missed."""
        self.tally.commit()
        (self.folder / FILE).unlink(missing_ok=True)
        if self.journal.read(1):  # told just now by somebody who still saw the file
            away(self.folder)

    def close(self) -> None:
        """Closes the files."""
        self.tally.close()
        self.journal.close()
        self.ledger.close()

    def _place(self) -> Place:
        return Place(self.tally.get("file"), self.tally.get("byte"))

    def _matcher(self):
        from dialguard.events.matcher import Matcher

        return Matcher(self.rules)


def away(folder: Path) -> None:
    """Leaves word that something was told which no rule has dealt with."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


class Asked:
    """What the parent says on standard input: a line means to end; its end, that the parent is gone."""

    def __init__(self, file: int, ended: bool = False) -> None:
        self._file, self.ended, self._gone = file, ended, False

    def gone(self) -> bool:
        """Whether the parent is gone without having said that all should end."""
        self.wait(0)
        return self._gone and not self.ended

    def wait(self, seconds: float) -> None:
        """Waits until the parent says something, at most so long."""
        if self._gone:
            time.sleep(seconds)
        elif select.select([self._file], [], [], seconds)[0]:
            said = os.read(self._file, 100)
            self.ended, self._gone = self.ended or bool(said), not said


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _written(path: Path) -> set[str]:
    """The ids of the last alarms; a line that was torn by a kill is ended."""
    try:
        with open(path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _REMEMBERED))
            raw = file.read()
            if raw and not raw.endswith(b"\n"):
                file.truncate(size - len(raw) + raw.rfind(b"\n") + 1)
                raw = raw[: raw.rfind(b"\n") + 1]
    except FileNotFoundError:
        return set()
    found = set()
    for line in raw.splitlines():
        with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
            found.add(msgspec.json.decode(line)["id"])
    return found


def main() -> int:
    """Reads the settings (one line of JSON on standard input) and runs; 0 when it was told to end."""
    raw = b""
    while b"\n" not in raw:
        more = os.read(0, 1 << 16)
        if not more:
            return 1
        raw += more
    line, _, rest = raw.partition(b"\n")
    settings = msgspec.json.decode(line, type=Settings)
    with open(Path(settings.folder) / LOCK, "a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the one before may be ending
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        child = Child(settings)
        try:
            if not child.run(Asked(0, bool(rest))):
                return 1
            child.end()
        finally:
            child.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
