"""The rule files of the shipped folder and of an operator's folders: found, read once, and digested.

What is judged, what is digested and what a compiled copy is filed under are the same bytes.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialguard.packs import yamlfile
from dialguard.packs.yamlfile import PackError, Problem

LAW_FOLDERS = ("federal", "states", "carriers")
VOCABULARY, SHAPES, CALENDAR, RULES, EVENTS = "vocabulary", "shapes", "calendar", "rules", "events"
OWN_FILES = ("vocabulary.yaml", "not-decided.yaml", "facts-index.yaml")
"""Files of the shipped folder that an operator's folder cannot have."""
MAX_FILES = 2_000
MAX_ENTRIES = 20_000
MAX_BYTES = 64_000_000
"""Of all rule files together."""
SIGNATURE = "SIGNATURE"
"""The file that signs an operator's folder, at its top."""
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """One rule file as read: ``name`` from its root folder on, wherever that lies, and ``shown`` as messages name it."""

    name: str
    shown: str
    kind: str
    operator: bool
    raw: bytes

    @property
    def stem(self) -> str:
        """The name without folder and suffix."""
        return Path(self.name).stem


def shipped_rules() -> Path:
    """The folder of the rule files that came with the package: inside the wheel, or at the root of a checkout."""
    here = Path(__file__).resolve().parent.parent
    for folder in (here / "_rules", here.parent / "rules"):
        if (folder / "vocabulary.yaml").is_file():
            return folder
    raise PackError([Problem(str(here), 1, 1, "the shipped rule files are missing", "install the package again")])


def collect(base: Path, folders: Sequence[Path]) -> tuple[list[Source], list[Problem]]:
    """Every rule file in a fixed order, the shipped ones first, and what could not be read."""
    sources: list[Source] = []
    problems: list[Problem] = []

    room = MAX_BYTES

    def add(path: Path, name: str, shown: str, kind: str, operator: bool) -> None:
        nonlocal room
        try:
            raw = yamlfile.read_bytes(path, shown)
        except PackError as error:
            problems.extend(error.problems)
            return
        room -= len(raw)
        if room >= 0:
            sources.append(Source(name, shown, kind, operator, raw))
        elif room + len(raw) >= 0:
            text = f"from here on the rule files have more than {MAX_BYTES:,} bytes together"
            problems.append(Problem(shown, 1, 1, text, "are these rule files?"))

    for path, kind in _shipped(base):
        name = str(path.relative_to(base.parent))
        add(path, name, name, kind, False)
    for folder in folders:
        if not folder.is_dir():
            problems.append(Problem(str(folder), 1, 1, "no such folder of rule files", "check the path"))
        elif folder.resolve() == base.resolve():
            problems.append(Problem(str(folder), 1, 1, "these are the shipped rules, which are always read", "name a folder of your own"))
        else:
            for path in _walk(folder, problems):
                if path.name in OWN_FILES:
                    problems.append(
                        Problem(str(path), 1, 1, f"a folder of your own cannot have `{path.name}`", "rename the file if it holds rules")
                    )
                    continue
                kind = {"shapes": SHAPES, "calendars": CALENDAR, "events": EVENTS}.get(path.parent.name, RULES)
                add(path, str(path.relative_to(folder)), str(path), kind, True)
    return sources, problems


def stamp(base: Path, folders: Sequence[Path]) -> object:
    """What changes whenever a file that ``collect`` would read does, or a signature; it reads none."""
    problems: list[Problem] = []
    paths = [path for path, _ in _shipped(base)]
    for folder in folders:
        paths += [folder / SIGNATURE, *_walk(folder, problems)]
    return tuple((path, _state(path)) for path in paths), tuple(problems)


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def digest(sources: Sequence[Source]) -> str:
    """One digest over the names and bytes of all files; it does not depend on where the folders lie."""
    whole = hashlib.sha256()
    for source in sources:
        owner = "operator" if source.operator else "shipped"
        whole.update(f"{owner}\0{source.name}\0{source.kind}\0{len(source.raw)}\0".encode("utf-8", "surrogateescape") + source.raw)
    return whole.hexdigest()


def _shipped(base: Path) -> Iterator[tuple[Path, str]]:
    yield base / "vocabulary.yaml", VOCABULARY
    for name, kind in (("shapes", SHAPES), ("calendars", CALENDAR), ("events", EVENTS), *((name, RULES) for name in LAW_FOLDERS)):
        folder = base / name
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix in _SUFFIXES and not path.name.startswith("."):
                    yield path, kind


def _walk(root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Rule files of a folder at any depth, by name; hidden ones are left out, and links that lead round in a circle reported."""
    entries = files = 0
    stack: list[tuple[Path, tuple[tuple[int, int], ...]]] = [(root, ())]
    while stack:
        folder, above = stack.pop()
        try:
            status = folder.stat()
            names = sorted(os.listdir(folder))
        except OSError as error:
            problems.append(Problem(str(folder), 1, 1, f"the folder cannot be read: {error.strerror}"))
            continue
        here = (status.st_dev, status.st_ino)
        if here in above:
            problems.append(Problem(str(folder), 1, 1, "this link leads back to a folder above it", "remove the link"))
            continue
        below = []
        for name in names:
            entries += 1
            if name.startswith("."):
                continue
            path = folder / name
            if path.suffix in _SUFFIXES:
                files += 1
                yield path
            elif _is_folder(path):
                below.append((path, (*above, here)))
            if entries > MAX_ENTRIES or files > MAX_FILES:
                problems.append(
                    Problem(
                        str(root),
                        1,
                        1,
                        f"the folder holds more than {MAX_FILES:,} rule files or {MAX_ENTRIES:,} entries",
                        "name the folder that holds your rules alone",
                    )
                )
                return
        stack.extend(reversed(below))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return True  # so that the reason is reported when it is opened
