"""What many records share, kept once under the SHA-256 of its bytes: campaigns, obligations, feeds, rule files.

A revision of the rules is a piece that names its files, each a piece of its own as it was read.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from dialguard.audit.errors import LogError
from dialguard.audit.text import decode, encode
from dialguard.files import sync_folder, whole
from dialguard.packs import sources
from dialguard.packs.pack import Packs
from dialguard.packs.sources import Source


class Kept:
    """The pieces in a folder. Writing raises OSError; reading raises LogError for a piece that is missing or changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._there: set[str] = set()

    def keep(self, raw: bytes) -> str:
        """The digest under which a piece is kept from now on."""
        name = hashlib.sha256(raw).hexdigest()
        if name not in self._there:
            path = self.path(name)
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with whole(path) as file:
                    file.write(raw)
                sync_folder(self.folder)
            self._there.add(name)
        return name

    def read(self, name: str) -> bytes:
        """A piece."""
        try:
            raw = self.path(name).read_bytes()
        except FileNotFoundError:
            raise LogError(f"the kept piece {name} is missing") from None
        if hashlib.sha256(raw).hexdigest() != name:
            raise LogError(f"the kept piece {name} was changed")
        return raw

    def keep_rules(self, packs: Packs, base: Path, folders: Sequence[Path], files: Sequence[Source] | None = None) -> str:
        """Keeps the rule files of loaded packs: those given, else those that lie there; raises LogError where they are others by now."""
        found = sources.collect(base, folders)[0] if files is None else files
        if sources.digest(found) != packs.digest:
            raise LogError("the rule files were changed while they were read; start again")
        return self.keep_sources(found)

    def keep_sources(self, found: Sequence[Source]) -> str:
        """Keeps rule files as one revision."""
        rows = [
            {"name": each.name, "shown": each.shown, "kind": each.kind, "operator": each.operator, "sha256": self.keep(each.raw)}
            for each in found
        ]
        return self.keep(encode({"rules": sources.digest(found), "files": rows}))

    def rules(self, name: str) -> Packs:
        """The packs of a kept revision, built from its files. Raises PackError where this program cannot read them any more."""
        from dialguard.packs.assemble import assemble

        return assemble(self.files(name), [])

    def files(self, name: str) -> list[Source]:
        """The rule files of a kept revision."""
        said = decode(self.read(name))
        found = [Source(row["name"], row["shown"], row["kind"], row["operator"], self.read(row["sha256"])) for row in said["files"]]
        if sources.digest(found) != said["rules"]:
            raise LogError(f"the kept rule files {name} do not make the revision that they were kept as")
        return found

    def path(self, name: str) -> Path:
        """Where a piece lies."""
        return self.folder / name[:2] / name
