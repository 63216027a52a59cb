"""``dialguard rules pages``: the same rules and date give the same bytes, and a mistake leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.engine.reasons import KINDS
from dialguard.packs.load import Packs

ROOT = Path(__file__).resolve().parent.parent.parent
RULE = """\
jurisdiction: FL
name: Florida
zone: America/New_York
rules:
  - id: fl.test
    title: "No *calls* | to <b>anyone</b> in {braces} & `half"
    topic: house
    kind: prohibition
    citation: "Test_Code_1 [draft]"
    confidence: low
    status: in_force
    effective: 2027-03-01
    ends: null
    applies: {channels: [voice], purposes: any, dialing: any, voice: any, line_types: any}
    when: {contact.kind: consumer}
    message: "No calls to `anyone` & all."
    not_covered: "Texts | faxes #1"
    tests:
      - {name: "a <i>call</i>", at: 2027-11-24 11:00:00, expect: prohibited}
      - {name: before, at: 2027-02-28 11:00:00, expect: silent}
"""


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_rules_and_date_give_the_same_bytes(tmp_path: Path, made: dict[str, str]) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "dialguard", "rules", "pages", str(tmp_path / seed), "--from", "2026-11-22"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "") and re.fullmatch(r"\d+ pages in .*\n", done.stdout)
    assert written(tmp_path / "1") == written(tmp_path / "2") == {name: text.encode() for name, text in made.items()}


def test_an_operators_rule_stands_with_the_others_and_its_words_are_no_markup(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "fl.yaml").write_text(RULE)
    assert main(["rules", "pages", str(tmp_path / "out"), "--rules", str(tmp_path / "rules"), "--from", "2026-11-22"]) == 0
    page = (tmp_path / "out" / "fl.md").read_text()
    assert "### No \\*calls\\* \\| to \\<b\\>anyone\\</b\\> in \\{braces\\} \\& 'half\n" in page
    assert ":Law: Test\\_Code\\_1 \\[draft\\]\n" in page and "<td>a &lt;i&gt;call&lt;/i&gt;<td>" in page
    assert "**Says:** No calls to `anyone` \\& all." in page and "**Does not cover:** Texts \\| faxes \\#1" in page
    assert "](#fl.test)" in (tmp_path / "out" / "topic-house.md").read_text().partition("## Not in force")[2]
    assert "| 2027-03-01 | [Florida](fl.md) | Comes into force:" in (tmp_path / "out" / "calendar.md").read_text()


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (["--from", "soon"], "--from: found 'soon', expected a date such as 2026-11-22"),
        (["--from", "2500-01-01"], "--from 2500-01-01: "),
        (["--rules", "absent"], "there is no folder of rule files absent"),
    ],
)
def test_a_mistake_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], wrong: str) -> None:
    assert main(["rules", "pages", str(tmp_path / "out"), *options]) == 2
    assert wrong in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fl.md").write_text("mine")
    assert main(["rules", "pages", str(tmp_path)]) == 2
    assert "exists; give another name, or say --force" in capsys.readouterr().err
    assert written(tmp_path) == {"fl.md": b"mine"}
    assert main(["rules", "pages", str(tmp_path), "--force", "--json"]) == 0
    assert '"calendar.md"' in capsys.readouterr().out and written(tmp_path)["fl.md"] != b"mine"
    assert main(["rules", "pages", str(tmp_path / "a" / "b")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_every_kind_of_reason_and_every_duty_is_explained(made: dict[str, str], shipped: Packs) -> None:
    page = made["answers.md"]
    assert re.findall(r"^\| `(\w+)` \|", page.partition("## Duties")[0], re.M) == list(KINDS)
    duties = re.findall(r"^\| `(\w+)`<br>.*? \| (.*) \|$", page.partition("## Duties")[2], re.M)
    assert {duty for duty, _ in duties} == {*shipped.vocabulary.duties, *(rule.duty for rule in shipped.rules if rule.duty)}
    assert "| `ask_permission_to_continue`<br>Ask whether the person wants to hear more, and stop if not. | OR: " in page
    assert {(duty, rule) for duty, rules in duties for rule in re.findall(r"\]\(#(.*?)\)", rules)} == {
        (rule.duty, rule.id) for rule in shipped.rules if rule.duty
    }
