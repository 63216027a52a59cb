"""Who may import what, and what `import dialguard` costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dialguard"

# A package imports those left of it and those of its own group.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("model",),
    ("expr",),
    ("packs",),
    ("backends",),
    ("engine",),
    ("facts", "lists", "storage", "ledger", "optout"),
    ("screening", "audit", "events", "privacy", "export", "pages"),
    ("guard", "client"),
    ("service",),
    ("cli",),
)
RANK = {name: rank for rank, group in enumerate(LAYERS) for name in group}

# Modules beside the packages, and the package whose rank they have.
TOP_LEVEL = {"__init__": "cli", "__main__": "cli", "asking": "guard", "opening": "guard", "ready": "guard", "reserve": "guard", "files": "model"}

# Libraries with one home: nobody else imports them.
HOMES = {
    "phonenumbers": ("facts/numbers.py",),
    "pytz": ("facts/clock.py",),
    "redis": ("storage/",),
    "sqlalchemy": ("ledger/", "storage/"),
    "cryptography": ("audit/keys.py", "packs/signing.py"),
    "durable": ("events/matcher.py",),
    "uvicorn": ("service/",),
    "uvloop": ("service/",),
    "httptools": ("service/",),
    "prometheus_client": ("service/metrics.py",),
}
# Modules that `import dialguard` must leave alone.
HEAVY = ("polars", "pandas", "numpy", "pyarrow", "redis", "sqlalchemy", "pydantic", "phonenumbers", "rich", "uvicorn", "cryptography")

# What reads the system's wall clock, by the last two names of the call.
WALL_CLOCK = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "Timestamp.now", "Timestamp.utcnow",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_rules" not in path.parts)


def part_of(path: Path, package: Path = PACKAGE) -> str:
    """The package, or the top-level module, that a file belongs to."""
    first = path.relative_to(package).parts[0]
    return first.removesuffix(".py")


def imported(tree: ast.AST, path: Path, package: Path = PACKAGE) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a module imports, at any depth, type-checking imports too."""
    here = ("dialguard", *path.relative_to(package).with_suffix("").parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level], *([node.module] if node.module else [])] if node.level else [node.module or ""]
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])


def wrong_imports(source: str, path: Path, package: Path = PACKAGE) -> list[str]:
    """What breaks the order of the layers or the home of a library in one module."""
    part = part_of(path, package)
    where = path.relative_to(package).as_posix()
    rank = RANK.get(TOP_LEVEL.get(part, part))
    if rank is None:
        return [f"{where}: '{part}' has no place among the layers of this test"]
    found = []
    for line, name in imported(ast.parse(source), path, package):
        root, _, rest = name.partition(".")
        if root == "dialguard":
            target = rest.partition(".")[0]
            target_rank = RANK.get(TOP_LEVEL.get(target, target))
            if target_rank is None:  # a name of dialguard/__init__.py
                target_rank = RANK["cli"]
            if target_rank > rank:
                found.append(f"{where}:{line}: {part} imports {name}, which stands right of it")
        elif root in HOMES and not where.startswith(HOMES[root] or ("\0",)):
            found.append(f"{where}:{line}: {name} is imported outside {HOMES[root] or 'its child process'}")
    return found


def clock_reads(source: str) -> list[int]:
    """Lines that read the wall clock."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if f"{last.lstrip('_')}.{node.attr}" in WALL_CLOCK:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for alias in node.names if f"time.{alias.name}" in WALL_CLOCK]
    return lines


def test_imports_point_one_way() -> None:
    found = [line for path in modules() for line in wrong_imports(path.read_text("utf-8"), path)]
    assert found == []


def module_name(path: Path) -> str:
    return ".".join(("dialguard", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def test_no_two_modules_need_each_other() -> None:
    known = {module_name(path) for path in modules()}
    graph: dict[str, set[str]] = {}
    for path in modules():
        here = module_name(path)
        for _, name in imported(ast.parse(path.read_text("utf-8")), path):
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target != here:
                graph.setdefault(here, set()).add(target)
    TopologicalSorter(graph).prepare()  # raises CycleError with the cycle


def test_only_the_clock_reads_the_time() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in modules()
        if path != PACKAGE / "facts" / "clock.py"
        for line in clock_reads(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("where", "source", "wrong"),
    [
        ("model/a.py", "from dialguard.expr import nodes", True),
        ("model/a.py", "from ..expr import nodes", True),
        ("model/a.py", "def f():\n    import dialguard.engine.engine", True),
        ("model/a.py", "from dialguard import Guard", True),
        ("model/a.py", "from . import b\nfrom dialguard.model.b import c", False),
        ("engine/a.py", "from dialguard.lists import bits", True),
        ("engine/a.py", "from dialguard.backends.closures import build", False),
        ("facts/a.py", "from dialguard.storage.ports import Store", False),
        ("facts/a.py", "import dialguard.screening.read", True),
        ("cli/a.py", "from dialguard.screening import read", False),
        ("stray.py", "import os", True),
        ("model/a.py", "import phonenumbers", True),
        ("facts/numbers.py", "from phonenumbers import parse", False),
        ("facts/gather.py", "import pytz", True),
        ("engine/a.py", "import durable.lang", True),
        ("events/child.py", "from durable import engine", True),
        ("events/matcher.py", "from durable import engine", False),
    ],
)
def test_the_check_sees_what_it_should(where: str, source: str, wrong: bool) -> None:
    assert bool(wrong_imports(source, PACKAGE / where)) is wrong


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time\nx = time.time()", [2]),
        ("import datetime\nx = datetime.datetime.now(datetime.UTC)", [2]),
        ("from datetime import date\nx = [date.today]", [2]),
        ("from time import time", [1]),
        ("import time\nx = time.perf_counter()", []),
        ("def f(clock):\n    return clock.now()", []),
    ],
)
def test_the_clock_check_sees_what_it_should(source: str, lines: list[int]) -> None:
    assert clock_reads(source) == lines


def test_importing_dialguard_is_quick_and_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import dialguard; "
        "spent = time.process_time() - start; import json; print(json.dumps([spent, sorted(sys.modules)]))"
    )
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert [name for name in HEAVY if name in runs[0][1]] == []
    # Processor seconds, the best of five: another process on the machine must not fail this.
    assert min(spent for spent, _ in runs) < 0.1
