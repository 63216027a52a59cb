"""The simulation of rules that change under load runs, and what it asks for holds."""

from __future__ import annotations

import sys

import pytest

from simulations import rule_changes


def test_every_request_is_decided_by_one_revision(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["rule_changes", "--seconds", "0.1", "--clients", "2", "--workers", "2"])
    rule_changes.main()
    said = capsys.readouterr().out
    assert " requests, 0 not decided; 2 revisions decided" in said and "refused with file and line after" in said
