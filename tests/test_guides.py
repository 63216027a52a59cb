"""What the README and the guides show is what happens: their files are written, their commands and Python run in order.

In a block of ``console`` each ``$`` line is run; ``# exit N`` states its exit status (else 0), and the lines below it must stand in
its output in that order, ``...`` for anything. ``json NAME``, ``text NAME`` and ``yaml NAME`` are files; where one says
``# confirm: DIGEST``, the reader writes the digest that ``rules check`` asked to confirm.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from dialguard.cli.main import COMMANDS, main, parser
from dialguard.facts import clock
from dialguard.packs.load import load

ROOT = Path(__file__).resolve().parent.parent
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
NOW = clock.parse_instant("2026-11-17T15:00:00Z")
"""The guides are of this day: a list's age is measured today."""
_BLOCK = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.M | re.S)


def blocks(guide: Path) -> Iterator[tuple[str, str, str]]:
    """Language, file name and text of each fenced block."""
    for found in _BLOCK.finditer(guide.read_text("utf-8")):
        yield found[1], found[2], found[3]


def in_order(expected: list[str], output: str) -> None:
    """Every piece between ``...`` and line ends stands in the output, one after the other."""
    place = 0
    for piece in (piece for line in expected for piece in line.split("...") if piece.strip()):
        found = output.find(piece.strip(), place)
        assert found >= 0, f"{piece!r} is not in the output after place {place}:\n{output}"
        place = found + len(piece.strip())


@pytest.fixture(scope="module")
def shipped():
    return load([])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shipped):
    """Runs one command line as a user would type it; its exit status and what it printed."""
    monkeypatch.setattr("dialguard.guard.load", lambda folders: load(folders) if folders else shipped)

    def command(line: str) -> tuple[int, str]:
        told = shlex.split(line, comments=True)
        if told[0] == "echo":
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(told[1].encode()), "utf-8"))
            assert told[2] == "|"
            told = told[3:]
        assert told[0] == "dialguard"
        status = main(told[1:])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return command


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_does_what_it_says(guide: Path, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if guide.stem == "events" and find_spec("durable") is None:
        pytest.skip("durable_rules is not installed: building it needs a C compiler")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DIALGUARD_STORE", raising=False)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for language, name, text in blocks(guide):
        if language == "python":
            exec(compile(text, str(guide), "exec"), {"__name__": "guide"})
        elif name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for line, expected in commands(text):
                if line.startswith("make "):
                    continue
                wanted = int((re.search(r"# exit (\d)", line) or [0, 0])[1])
                status, output = run(line)
                assert status == wanted, f"{line}: exit {status}\n{output}"
                in_order(expected, output)
                for digest in re.findall(r"digest (\w+): not confirmed", output):
                    for file in tmp_path.rglob("*.yaml"):
                        file.write_text(file.read_text("utf-8").replace("# confirm: DIGEST", f"confirm: {digest}"), encoding="utf-8")


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block and the lines of output shown below it."""
    line, expected = "", []
    for each in text.splitlines():
        if each.startswith("$ "):
            if line:
                yield line, expected
            line, expected = each[2:], []
        else:
            expected.append(each)
    if line:
        yield line, expected


def test_make_targets_of_the_readme_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    named = re.findall(r"^\$ make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert named[:2] == ["demo", "test"] and set(named) <= set(targets)


def test_links_lead_somewhere() -> None:
    for guide in (*GUIDES, *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", guide.read_text("utf-8")):
            assert (guide.parent / target).exists(), f"{guide.name}: {target}"


def test_the_architecture_names_what_there_is() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    package = ROOT / "dialguard"
    folders = [path.name for path in package.iterdir() if (path / "__init__.py").exists() and path.name != "_rules"]
    assert [name for name in folders if f"| `{name}/` |" not in text] == []
    assert [name for name in re.findall(r"`(\w+/\w+\.py)`", text) if not (package / name).exists() and not (ROOT / name).exists()] == []
    modules = {path.stem for path in package.rglob("*.py")}
    assert [name for name in re.findall(r"`(\w+)\.py`", text) if name not in modules] == []
    table = text[text.index("The modules of `packs/`") :].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.M)))) == {path.stem for path in (package / "packs").glob("[a-z]*.py")}


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    names = next(action.choices for action in parser()._actions if action.dest == "command")
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
    assert len(names) >= len(COMMANDS)
