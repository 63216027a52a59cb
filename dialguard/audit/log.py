"""The decision log as a process writes it: records in groups, pieces kept once, checkpoints for a witness."""

import errno
import fcntl
import os
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dialguard.audit import standalone
from dialguard.audit.chain import Chain, Damaged, Manner, Sharing, lock
from dialguard.audit.errors import AuditUnavailable, LogError
from dialguard.audit.kept import Kept
from dialguard.audit.keys import Key, Keys
from dialguard.audit.record import NUMBERS, record
from dialguard.audit.text import encode, moment
from dialguard.facts import clock
from dialguard.model.version import VERSION
from dialguard.packs.pack import Packs
from dialguard.packs.sources import Source

MEGABYTE, SECOND = 1 << 20, 1_000_000
SYNCS = ("process", "strict")
_WITNESS_SECONDS = 5.0


def default_keys(folder: Path) -> Path:
    """The key file of a log where none is named: DIALGUARD_KEYS, else ``keys/decisions.json`` beside the log's folder."""
    return Path(os.environ.get("DIALGUARD_KEYS") or folder.absolute().parent / "keys" / "decisions.json")


def mapping_of(attempt: Mapping[str, Any] | msgspec.Struct | bytes) -> dict[str, Any]:
    """An attempt as a mapping of the caller's own."""
    if isinstance(attempt, bytes):
        return msgspec.json.decode(attempt, type=dict)
    if isinstance(attempt, msgspec.Struct):
        return msgspec.to_builtins(attempt)
    return dict(attempt)


def without_claims(campaign: Mapping[str, Any]) -> dict[str, Any]:
    """A campaign as it is kept: claims name persons, so they stand in each record, masked."""
    return {name: value for name, value in campaign.items() if name != "claims"}


class DecisionLog:
    """Writes the decision log in a folder; each process writes a chain of its own, and threads may share one log.

    ``numbers``: ``sealed``, ``masked`` or ``clear`` (see ``record``); ``keys``: the key file, outside the folder. ``sync``:
    ``process``, on return the system has the group, which survives a killed process, and at each checkpoint the disk has it;
    ``strict``, on return the disk has it. ``witness``: a file elsewhere, or an http(s) address, that each checkpoint goes to too.
    ``door``: what a record says of where its attempt came in, when nothing else is said.
    ``segment_bytes`` and ``segment_seconds`` are when a segment is closed. Open it after a fork, not before.

    Raises LogError for a folder or key file that cannot be one, ValueError for other words than those above.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, numbers: str = "sealed", keys: str | os.PathLike[str] | None = None,
        sync: str = "process", witness: str | None = None, door: str = "api",
        segment_bytes: int = 64 * MEGABYTE, segment_seconds: int = 86_400,
    ) -> None:  # fmt: skip
        if numbers not in NUMBERS or sync not in SYNCS:
            raise ValueError(
                f"found numbers {numbers!r:.20} and sync {sync!r:.20}, expected one of {', '.join(NUMBERS)} and one of {', '.join(SYNCS)}"
            )
        self.folder, self.numbers, self.witness, self.door = Path(folder), numbers, witness, door
        self.keys = Keys(Path(keys) if keys is not None else default_keys(self.folder))
        if self.folder.absolute() in self.keys.path.absolute().parents:
            raise LogError(f"the key file {self.keys.path} would lie in the log that it seals; expected a place outside {self.folder}")
        self.kept = Kept(self.folder / "kept")
        self.trouble: str | None = None
        """Why the last checkpoint did not reach the disk or the witness; None where it did."""
        self._manner = Manner(sync == "strict", segment_bytes, segment_seconds * SECOND, f"dialguard {VERSION}")
        self._lock = threading.RLock()
        self._chain: Chain | None = None
        self._lost: set[str] = set()
        self._owner = os.getpid()
        self._marked: tuple[str, int] | None = None
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LogError(f"the log folder {self.folder} cannot be made: {error.strerror}") from None

    def body(
        self, attempt: Mapping[str, Any] | msgspec.Struct | bytes, decision: Mapping[str, Any] | bytes, *,
        campaign: Mapping[str, Any] | None, known_at: int, store: str,
        pieces: Mapping[str, str], reserve: bool = False, events: bool = False,
        tenant: str = "default", door: str | None = None, key: str | None = None,
    ) -> bytes:  # fmt: skip
        """The body of a decision's record, for ``append``.

        ``attempt`` as it was given, also as its JSON; ``decision`` its ``as_dict()``, or, which is quicker, ``as_json(texts=False)``: then
        the record names the rules of obligations and not their texts. ``campaign`` as it was given or registered. ``known_at``: from
        what was known at this instant. ``store``: ``none``, ``folder`` or ``redis``. ``pieces`` names what is kept: ``rules``, their
        revision (``keep_rules``), ``feed`` of emergencies, and where the caller has kept it before, ``campaign`` (``without_claims``).
        ``reserve``: whether a slot under the caps was asked for; ``events``: whether event rules fed facts. ``door`` is where the
        attempt came in, ``key`` the id of the API key that it came with. Raises AuditUnavailable.
        """
        try:
            seal = None if self.numbers == "clear" else self.keys.current(tenant)
            given, kept = mapping_of(attempt), dict(pieces)
            if not isinstance(decision, bytes):
                decision = dict(decision)
                kept["obligations"] = self.keep(decision.pop("obligations"))
            if campaign is not None:
                if "campaign" not in kept:
                    kept["campaign"] = self.keep(without_claims(campaign))
                if not isinstance(given.get("campaign"), str):
                    given.pop("campaign", None)
            fields = {
                "kind": "decision", "kept": kept, "at": moment(clock.now()), "known_at": moment(known_at),
                "tenant": tenant, "seller": campaign["seller"] if campaign is not None else given.get("campaign.seller"),
                "door": door or self.door, "key": key, "store": store, "reserve": reserve, "events": events, "product": VERSION,
                "claims": campaign.get("claims") if campaign is not None else None, "attempt": given, "decision": decision,
            }  # fmt: skip
            return record(fields, self.numbers, seal)
        except (OSError, LogError, TypeError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else error if isinstance(error, LogError) else type(error).__name__
            raise AuditUnavailable(f"the decision could not be made a record: {what}") from error

    def seal_of(self, tenant: str) -> Key | None:
        """The key that seals for a tenant now; None where nothing is sealed. Raises AuditUnavailable."""
        try:
            return None if self.numbers == "clear" else self.keys.current(tenant)
        except (OSError, LogError) as error:
            raise AuditUnavailable(f"the key of the log is not to be had: {getattr(error, 'strerror', None) or error}") from error

    def keep(self, piece: Mapping[str, Any] | Sequence[Any] | bytes) -> str:
        """The digest by which records may name a piece. Raises AuditUnavailable."""
        try:
            return self.kept.keep(piece if isinstance(piece, bytes) else encode(piece))
        except (OSError, TypeError, ValueError) as error:
            raise AuditUnavailable(f"a piece could not be kept: {getattr(error, 'strerror', None) or type(error).__name__}") from error

    def keep_rules(self, packs: Packs, base: Path, folders: Sequence[Path], files: Sequence[Source] | None = None) -> str:
        """The digest of the kept rule files of loaded packs. Raises AuditUnavailable; LogError where the files are others by now."""
        try:
            return self.kept.keep_rules(packs, base, folders, files)
        except OSError as error:
            raise AuditUnavailable(f"the rule files could not be kept: {error.strerror}") from error

    def append(self, bodies: Sequence[bytes | Sharing]) -> int:
        """Records bodies as one group and gives the sequence number of its first line in this process's chain.

        All are recorded on return; on AuditUnavailable none counts as recorded. The next call tries afresh.
        """
        if os.getpid() != self._owner:
            raise AuditUnavailable("the decision log was opened before a fork; open it in each process")
        with self._lock:
            if self._chain is None or self._chain.lost:
                self._open()
            return self._chain.append(bodies)

    def _open(self) -> None:
        """Takes up the first chain that nobody else writes and that ends as it should, or begins one."""
        if self._chain is not None:
            self._lost.add(self._chain.path.name)
            self._chain.close()
            self._chain = None
        try:
            for path in standalone.chains(self.folder):
                if path.name not in self._lost and self._try(path):
                    return
            path = self.folder / f"chain-{os.urandom(8).hex()}"
            path.mkdir(mode=0o700)
            self._try(path)
        except OSError as error:
            raise AuditUnavailable(f"the decision log could not be opened: {error.strerror or error}") from error

    def _try(self, path: Path) -> bool:
        held = lock(path)
        if held is None:
            return False
        try:
            self._chain = Chain(path, held, self._manner)
        except BaseException as error:
            os.close(held)
            if isinstance(error, Damaged):
                return False
            raise
        return True

    # ------------------------------------------------------------------------------------------- checkpoints

    def checkpoint(self) -> None:
        """Brings everything to disk and says, where something is new, what the chain has come to: in ``checkpoints.ndjson`` and to
        the witness. ``trouble`` tells what failed; it is tried again with the next one."""
        with self._lock:
            chain = self._chain
            if chain is None or not chain.seq or self._marked == (chain.path.name, chain.seq):
                return
            mark = {"chain": chain.path.name, "seq": chain.seq, "hash": chain.hash, "at": moment(clock.now())}
            handles = chain.handles()
        line = encode(mark) + b"\n"
        try:
            for file in handles:
                os.fdatasync(file)
            _append_line(self.folder / "checkpoints.ndjson", line)
            if self.witness is not None:
                _tell(self.witness, line)
        except (OSError, ValueError) as error:  # ValueError: no address
            self.trouble = f"checkpoint: {getattr(error, 'strerror', None) or getattr(error, 'reason', None) or type(error).__name__}"
            return
        finally:
            for file in handles:
                os.close(file)
        self.trouble, self._marked = None, (mark["chain"], mark["seq"])

    def watch(self, seconds: float = 60.0) -> None:
        """Makes a checkpoint every so many seconds, in a thread of its own, until the log is closed."""

        def run() -> None:
            while not self._stop.wait(seconds):
                self.checkpoint()

        self._watcher = threading.Thread(target=run, name="dialguard-checkpoints", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Makes a last checkpoint and gives up the chain, which another process may then go on with."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self.checkpoint()
        with self._lock:
            if self._chain is not None:
                self._chain.close()
                self._chain = None

    def __enter__(self) -> "DecisionLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _append_line(path: Path, line: bytes) -> None:
    """A line at the end of a file that several processes append to, whole or not at all."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        length = os.fstat(file).st_size
        if os.write(file, line) != len(line):
            os.ftruncate(file, length)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(file)
    finally:
        os.close(file)


def _tell(witness: str, line: bytes) -> None:
    """A checkpoint to a file, or by POST to an address."""
    if not witness.startswith(("http://", "https://")):
        _append_line(Path(witness), line)
        return
    request = urllib.request.Request(witness, data=line, headers={"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=_WITNESS_SECONDS) as answer:
        answer.read(1)
