"""The commands of the guide on Redis are run, on a server of the tests."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from dialguard.cli.main import main

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "redis.md"


def test_the_guide_does_what_it_says(redis_url, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIALGUARD_REDIS", redis_url)
    ran = 0
    for block in re.findall(r"^```shell\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S):
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).+\n)*)", block, re.M):
            if command.startswith("export "):
                continue
            assert main(shlex.split(command)[1:]) == 0, command
            out = capsys.readouterr().out
            assert [line for line in expected.splitlines() if line not in out] == [], (command, out)
            ran += 1
    assert ran == 7
