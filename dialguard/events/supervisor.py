"""The events of one store folder: telling them, and keeping the process alive that runs the rules on them.

    events = Events(folder, packs)
    events.tell({"event": "abandoned", "seller": "acme", "campaign": "spring"})

Several processes may each have one for the same folder: one of them keeps the child, and another takes over when it ends.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from dialguard.events.child import LOCK, Settings, away
from dialguard.events.journal import SEGMENT, Writer
from dialguard.events.reading import read
from dialguard.events.webhook import checked
from dialguard.facts import clock
from dialguard.facts.fed import FILE, FOLDER, Fed
from dialguard.packs.pack import Packs

SILENT = 2.0
"""Seconds without a heartbeat after which the child is killed and started again."""
START = 20.0
"""Seconds that a child may take to its first one."""
_LOOK = 0.1
_LONGEST_WAIT = 2.0
_COMMAND = (sys.executable, "-m", "dialguard.events.child")

_encode = msgspec.json.Encoder().encode


class Teller:
    """Tells events of one store folder; whether anybody runs the rules is not its concern. Safe to share between threads.

    ``sync``: an event is on the disk when ``tell`` returns, not only half a second later. Raises OSError.
    """

    def __init__(self, folder: str | os.PathLike[str], *, sync: bool = False, segment: int = SEGMENT) -> None:
        self._folder = Path(folder) / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._facts = os.fspath(self._folder / FILE)
        self._journal = Writer(self._folder, sync=sync, segment=segment)

    def tell(self, event: Mapping[str, object]) -> str:
        """Tells an event, and gives its id: it is in the journal then, and not lost when any process is killed.

        Raises EventError for one that cannot be told, JournalError where it could not be written.
        """
        made = read(event, clock.now())
        self._journal.write(_encode(made))
        if not os.path.exists(self._facts):  # nobody runs the rules: until they have dealt with it, what they feed is unknown
            away(self._folder)
        return made.id

    def close(self) -> bool:
        """Closes the journal."""
        self._journal.close()
        return True


class Events(Teller):
    """Tells events, and keeps the rules running on them.

    ``ledger``: where its actions are recorded, a path or URL; the folder's own when absent. ``webhook``: where alarms go, signed
    with ``secret``.

    Raises ValueError for an address that is none, OSError where the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        packs: Packs,
        *,
        ledger: str | None = None,
        webhook: str | None = None,
        secret: str = "",
        sync: bool = False,
        segment: int = SEGMENT,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        super().__init__(folder, sync=sync, segment=segment)
        if webhook is not None and not secret:
            raise ValueError("a webhook needs a secret, by which its receiver knows that an alarm is ours")
        self._said = Settings(
            str(self._folder), ledger or str(Path(folder) / "ledger.sqlite"), [], checked(webhook) if webhook else None, secret
        )
        self._settings, self._command = self._sent(packs), tuple(command)
        self._fed = Fed(Path(folder))
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self.starts = 0
        """How often a child was started here."""
        self._keeper = open(self._folder / "keeper.lock", "a+b")  # noqa: SIM115 - held until the child has ended
        self._thread = threading.Thread(target=self._keep, name="dialguard-events", daemon=True)
        self._thread.start()

    def _sent(self, packs: Packs) -> bytes:
        return _encode(msgspec.structs.replace(self._said, rules=[replace(rule, tests=()) for rule in packs.events])) + b"\n"

    def take(self, packs: Packs) -> None:
        """Has the rules of other packs run: the child ends once it has dealt with what was told, and one with them begins."""
        settings, child = self._sent(packs), self._child
        if settings == self._settings:
            return
        self._settings = settings
        if child is not None and child.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it has ended, and the next one has them
                child.stdin.write(b"end\n")
                child.stdin.flush()

    def alive(self) -> bool:
        """Whether the rules run, and have dealt with what was told up to a second ago."""
        return self._fed.alive() is True

    @property
    def pid(self) -> int | None:
        """The process of the rules, where this object keeps it."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def close(self, timeout: float = 10.0) -> bool:
        """Ends the child once it has dealt with everything told; False where it had not within ``timeout`` seconds. Then what the
        rules feed stays unknown, and the next one goes on where it was."""
        if self._ending.is_set():
            return True
        self._ending.set()
        self._thread.join()
        ended = True
        if self._child is not None and self._child.poll() is None:
            try:
                self._child.communicate(b"end\n", timeout)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            ended = self._child.returncode == 0
        self._keeper.close()
        super().close()
        return ended

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- keeping the child

    def _keep(self) -> None:
        while True:
            try:
                fcntl.flock(self._keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # another keeps it
                if self._ending.wait(0.5):
                    return
        wait = 0.0
        while not self._ending.is_set() or not self.starts:  # once at least, since something may have been told
            lived = False
            try:
                self._start()
                lived = self._watch()
            except OSError as error:  # no process or file to be had just now
                print(f"dialguard: events: {error.strerror or error}", file=sys.stderr)
                if self._ending.is_set():
                    return
            wait = 0.0 if lived else min(_LONGEST_WAIT, wait * 2 + 0.1)  # one that cannot begin is not tried at once again
            self._ending.wait(wait)

    def _start(self) -> None:
        self._end_orphan()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
        self.starts += 1
        with contextlib.suppress(BrokenPipeError):  # it ended at once, and is started again
            self._child.stdin.write(self._settings)
            self._child.stdin.flush()

    def _watch(self) -> bool:
        """Returns when the child is to be started again, or all is to end; whether it had a heartbeat.

        It is known by its beats alone, not by any clock's time."""
        beat, seen, limit = self._beat(), time.monotonic(), START
        while self._child.poll() is None and not self._ending.is_set():
            self._ending.wait(_LOOK)
            now = self._beat()
            if now != beat:
                beat, seen, limit = now, time.monotonic(), SILENT
            elif time.monotonic() - seen > limit:
                self._child.kill()
                self._child.wait()
        if not self._ending.is_set():
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        return limit == SILENT

    def _beat(self) -> int:
        try:
            return os.stat(self._folder / FILE).st_mtime_ns
        except OSError:
            return 0

    def _end_orphan(self) -> None:
        """Ends the child of a keeper that was killed, where it did not end by itself, stopped for example: it holds the lock."""
        with open(self._folder / LOCK, "a+b") as lock:
            for _ in range(20):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    if self._ending.wait(0.1):
                        return
            lock.seek(0)
            with contextlib.suppress(ValueError, ProcessLookupError):
                os.kill(int(lock.read()), signal.SIGKILL)  # whoever holds the lock has written its own id there
