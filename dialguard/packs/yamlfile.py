"""Rule files are read as plain YAML data with a position for every value, and nothing more.

No anchors, aliases, tags, duplicate keys or merge keys; bounded size, depth and number of values; only null, true, false,
whole numbers and text as scalars (so the state NO and the answer `yes` stay words). All problems name file, line and column.
"""

import difflib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_VALUES = 100_000
MAX_SCALAR = 20_000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_SCALARS = {"": None, "~": None, "null": None, "true": True, "false": False}
# Control characters, and the marks that make a line read otherwise than it is written.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_HINTS = {
    "cannot start any token": "indent with blanks, not with tabs; put text that begins with @, ` or % in quotes",
    "mapping values are not allowed": "put text that holds `: ` in quotes, and look at the indentation",
    "did not find expected": "look for a missing comma, bracket, quote or blank, and at the indentation",
    "end of stream": "a quote or bracket is not closed",
    "could not find expected ':'": "look for a missing `:` and at the indentation",
}

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a rule file: where, what was found, what was expected."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}  {self.message}"
        return f"{text}\n  {self.hint}" if self.hint else text


class PackError(Exception):
    """Rule files that cannot be used; ``problems`` holds all of them, each once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one file and where each part of it stands (a path of keys and indexes -> line, column)."""

    file: str
    data: object
    positions: dict[Path_, tuple[int, int]]

    def problem(self, path: Path_, message: str, hint: str = "") -> Problem:
        """A problem at the nearest known position of ``path``."""
        while path and path not in self.positions:
            path = path[:-1]
        line, column = self.positions.get(path, (1, 1))
        return Problem(self.file, line, column, message, hint)

    def line(self, path: Path_) -> int:
        """The line on which a part of the file begins."""
        return self.positions.get(path, (1, 1))[0]


def suggest(word: object, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or the first few of them."""
    names = sorted(known)
    text = str(word)
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.6) if len(text) <= 80 else []
    if near:
        return f"did you mean `{near[0]}`?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"expected one of: {shown}" if names else ""


def shorten(value: object, length: int = 60) -> str:
    """A value of a file as a message shows it: collections by their kind, text cut to a readable length."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a mapping" if value else "an empty mapping"
    text = str(value)
    return f"`{text[:length]}...`" if len(text) > length else f"`{text}`"


def read_bytes(path: Path, shown: str | None = None) -> bytes:
    """The bytes of one regular file of bounded size; raises PackError where it is anything else."""
    name = shown or str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise PackError([Problem(name, 1, 1, f"this is {what}", "a name that ends in .yaml or .yml is a rule file; rename it")])
        if status.st_size > MAX_BYTES:
            raise PackError([_too_large(name, status.st_size)])
        with open(path, "rb", opener=lambda file, flags: os.open(file, flags | os.O_NONBLOCK)) as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PackError([Problem(name, 1, 1, f"the file cannot be read: {error.strerror}")]) from None
    return raw


def _too_large(name: str, size: int) -> Problem:
    return Problem(name, 1, 1, f"the file has {size:,} bytes", f"a rule file has at most {MAX_BYTES:,}; split it")


def read(path: Path, shown: str | None = None) -> Document:
    """Read one file; raises PackError for anything that is not plain, small, well-formed YAML."""
    name = shown or str(path)
    return parse(read_bytes(path, name), name)


def parse(raw: bytes, name: str) -> Document:
    """Parse the bytes of one file; raises PackError."""
    if len(raw) > MAX_BYTES:
        raise PackError([_too_large(name, len(raw))])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise PackError(
            [Problem(name, line, column, f"byte 0x{raw[error.start]:02x} is not valid UTF-8", "save the file as UTF-8")]
        ) from None
    bad = [
        Problem(
            name,
            text.count("\n", 0, at) + 1,
            at - text.rfind("\n", 0, at),
            f"the character U+{ord(text[at]):04X} is not allowed",
            "remove it",
        )
        for at in (match.start() for match, _ in zip(_FORBIDDEN.finditer(text), range(20), strict=False))
    ]
    if bad:
        raise PackError(bad)
    return _Builder(name).build(text)


class _Builder:
    """Builds the data from the stream of events, without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.positions: dict[Path_, tuple[int, int]] = {}
        self.values = 0

    def fail(self, event, message: str, hint: str = "") -> PackError:
        mark = event.start_mark
        return PackError([*self.problems, Problem(self.name, mark.line + 1, mark.column + 1, message, hint)])

    def build(self, text: str) -> Document:
        import yaml  # here, since compiled packs are loaded without it

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            data = self._events(yaml, loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            what = error.problem or error.context or "not well-formed YAML"
            hint = next((hint for words, hint in _HINTS.items() if words in what), "")
            raise PackError([*self.problems, Problem(self.name, line, column, f"not well-formed YAML: {what}", hint)]) from None
        except yaml.YAMLError as error:
            raise PackError(
                [*self.problems, Problem(self.name, 1, 1, f"not well-formed YAML: {getattr(error, 'reason', error)}")]
            ) from None
        finally:
            loader.dispose()
        if self.problems:
            raise PackError(self.problems)
        return Document(self.name, data, self.positions)

    def _events(self, yaml, loader) -> object:
        root: list[object] = []
        stack: list[tuple[object, Path_, list]] = [(root, (), [])]  # container, its path, pending key
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise self.fail(event, "anchors and aliases are not allowed", "write the value out where it is used")
            if getattr(event, "tag", None) and not isinstance(event, yaml.DocumentStartEvent):
                raise self.fail(event, f"the tag {event.tag[:60]} is not allowed", "remove it; put text in quotes")
            if isinstance(event, yaml.DocumentStartEvent) and root:
                raise self.fail(event, "a second document begins here", "one document a file")
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(stack) > MAX_DEPTH:
                    raise self.fail(event, f"nested deeper than {MAX_DEPTH} levels", "is a bracket left open, or is this a rule file?")
                container = {} if isinstance(event, yaml.MappingStartEvent) else []
                path = self._place(stack, container, event)
                stack.append((container, path, []))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                stack.pop()
            elif isinstance(event, yaml.ScalarEvent):
                if len(event.value) > MAX_SCALAR:
                    raise self.fail(event, f"a text of {len(event.value):,} characters", f"at most {MAX_SCALAR:,}; is a quote left open?")
                self._place(stack, _scalar(event), event)
        if not root:
            raise PackError([Problem(self.name, 1, 1, "the file is empty")])
        return root[0]

    def _place(self, stack, value, event) -> Path_:
        container, path, pending = stack[-1]
        mark = (event.start_mark.line + 1, event.start_mark.column + 1)
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.fail(event, f"the file holds more than {MAX_VALUES:,} values", "split it")
        if len(stack) == 1:
            container.append(value)
            self.positions[()] = mark
            return ()
        if isinstance(container, list):
            container.append(value)
            path = (*path, len(container) - 1)
            self.positions[path] = mark
            return path
        if not pending:
            if isinstance(value, (dict, list)):
                raise self.fail(event, "a key must be a word, not a collection")
            key = event.value
            if key in container:
                first = self.positions[(*path, key)]
                if len(self.problems) < 100:
                    self.problems.append(
                        Problem(self.name, *mark, f"`{key}` stands twice in the same mapping", f"first at line {first[0]}; remove one")
                    )
            pending.append(key)
            self.positions.setdefault((*path, key), mark)
            return (*path, key)
        key = pending.pop()
        container[key] = value
        return (*path, key)


def _scalar(event) -> object:
    value = event.value
    if not event.implicit[0]:
        return value
    if value in _SCALARS:
        return _SCALARS[value]
    if len(value) < 19 and _INTEGER.match(value):
        return int(value)
    return value
