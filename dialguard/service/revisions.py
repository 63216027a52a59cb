"""What a service keeps of its rules, in a folder of its own: the revision that serves, whole, and what came of trials.

``serving.json`` names the revision that served last, and the one before; its rule files are kept by their digests, and it is
replaced in one step once they are on disk. All processes of a service share the folder, and try the same files once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from dialguard.audit.errors import LogError
from dialguard.audit.kept import Kept
from dialguard.files import alone, whole
from dialguard.model.moment import Instant
from dialguard.packs import cache
from dialguard.packs.pack import Packs
from dialguard.packs.signing import Mark
from dialguard.packs.sources import Source
from dialguard.service import trial

FOLDER = "revisions"
_TRIALS = 32


class Saved(Struct, frozen=True):
    """A revision: its kept piece, its digest, when it was last known to be what the folders hold, and who signed which folder."""

    rules: str
    digest: str
    confirmed: Instant
    signed: dict[str, Mark] = {}


class _Serving(Struct, frozen=True):
    now: Saved
    before: Saved | None = None


class Found(NamedTuple):
    """A saved revision and its files."""

    saved: Saved
    files: list[Source]


class Revisions:
    """The folder. Methods raise OSError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.compiled = folder, folder / "compiled"
        self._pointer, self._trials = folder / "serving.json", folder / "trials"

    # ------------------------------------------------------------------------------------------------- trials

    def tried(self, found: Sequence[Source], code: str, shipped: str) -> trial.Report:
        """What comes of trying these files, by whichever process does it first. Raises TrialFailed."""
        name = cache.key(found)
        with alone(self.folder / ".trial"):
            result = self._trials / f"{name}.json"
            with suppress(OSError, msgspec.MsgspecError):
                return msgspec.json.decode(result.read_bytes(), type=trial.Report)
            report = trial.run(found, self.compiled, code, shipped)
            self._trials.mkdir(mode=0o700, exist_ok=True)
            _write(result, msgspec.json.encode(report))
            for old in sorted(self._trials.iterdir(), key=lambda path: path.stat().st_mtime_ns)[:-_TRIALS]:
                old.unlink(missing_ok=True)
            return report

    def packs(self, name: str, found: Sequence[Source]) -> Packs:
        """The packs of files that were tried: their compiled copy, or where there is none, built anew. Raises PackError."""
        held = cache.read(name, self.compiled) if name else None
        if held is not None:
            return held
        from dialguard.packs.assemble import assemble

        return assemble(found)

    # -------------------------------------------------------------------------------------------- what served

    def save(self, found: Sequence[Source], digest: str, at: Instant, signed: Mapping[str, Mark]) -> None:
        """Keeps a revision as the one that serves; a process killed meanwhile leaves it or the one before."""
        with alone(self.folder / ".serving"):
            old = self._read()
            new = Saved(Kept(self._kept).keep_sources(found), digest, at, dict(signed))
            before = None if old is None else old.before if old.now.digest == digest else old.now
            _write(self._pointer, msgspec.json.encode(_Serving(new, before)))
            with suppress(LogError, OSError, ValueError):  # what is too much does no harm
                self._prune([each for each in (new, before) if each is not None])

    def confirm(self, digest: str, at: Instant) -> None:
        """Notes that the revision that was saved is what the folders hold; another stays as it is."""
        with alone(self.folder / ".serving"):
            held = self._read()
            if held is not None and held.now.digest == digest:
                now = msgspec.structs.replace(held.now, confirmed=at)
                _write(self._pointer, msgspec.json.encode(_Serving(now, held.before)))

    def last(self) -> Found | None:
        """The revision that served last and can be read whole."""
        held = self._read()
        for saved in () if held is None else (held.now, held.before):
            if saved is not None:
                with suppress(LogError, OSError, ValueError, KeyError):
                    return Found(saved, Kept(self._kept).files(saved.rules))
        return None

    def signed(self) -> Mapping[str, Mark]:
        """Who signed which folder of the revision that served last."""
        held = self._read()
        return {} if held is None else held.now.signed

    # ------------------------------------------------------------------------------- taking an older one back

    def force(self, digest: str) -> None:
        """Files of this digest may serve though a later revision of them did."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self.folder / "forced", digest.encode())

    def forced(self, digest: str) -> bool:
        """Whether they may."""
        try:
            return (self.folder / "forced").read_bytes() == digest.encode()
        except OSError:
            return False

    @property
    def _kept(self) -> Path:
        return self.folder / "kept"

    def _read(self) -> _Serving | None:
        try:
            return msgspec.json.decode(self._pointer.read_bytes(), type=_Serving)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            return None

    def _prune(self, wanted: Sequence[Saved]) -> None:
        kept = Kept(self._kept)
        names = {saved.rules for saved in wanted}
        for saved in wanted:
            names |= {row["sha256"] for row in msgspec.json.decode(kept.read(saved.rules))["files"]}
        for path in self._kept.glob("*/*"):
            if path.name not in names:
                path.unlink(missing_ok=True)


def _write(path: Path, raw: bytes) -> None:
    """A file in the place of another, in one step."""
    with whole(path) as file:
        file.write(raw)
