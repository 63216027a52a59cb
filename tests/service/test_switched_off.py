"""A disputed rule that the service's configuration switches off: the answer and its record name it with the reason."""

from __future__ import annotations

import json
from pathlib import Path

from dialguard.service.app import application
from dialguard.service.config import load
from dialguard.service.service import Service
from dialguard.service.tenants import open_desk
from tests.service.asking import asked
from tests.service.conftest import Everybody

WHY = "Counsel, 3 November: reaches malicious calls only"
MORNING = {
    "to": "3135550123", "channel": "voice", "at": "2026-11-17T08:30:00-05:00", "reserve": False,
    "campaign": {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}, "consent": {"level": "none"},
    "relationship": {"kind": "none"}, "dnc": {"national": False, "states": [], "internal": False}, "history": {"attempts": []},
}  # fmt: skip
"""Half past eight in Detroit: only Michigan's disputed section closes that hour."""


def test_the_configuration_switches_a_disputed_rule_off(tmp_path: Path, packs) -> None:
    answers = []
    for number, disable in enumerate(("", f'[disable]\n"mi.calling-hours" = "{WHY}"\n')):
        file = tmp_path / f"{number}.toml"
        file.write_text(f'folder = "{number}"\n{disable}', "utf-8")
        desk = open_desk(load(file), "default", packs)
        try:
            app = application(Service({"default": desk}, Everybody()))
            answer = asked(app, "POST", "/v1/check", MORNING).json
            (found,) = asked(app, "GET", f"/v1/decisions/{answer['id']}").json["decisions"]
            answers.append((answer, found["record"]["decision"]))
        finally:
            desk.close()
    (on, _), (off, record) = answers
    assert [(r["rule"], r["status"], r["confidence"]) for r in on["reasons"] if r["rule"] == "mi.calling-hours"] == [("mi.calling-hours", "disputed", "medium")]
    assert on["evidence"].get("switched_off") is None
    assert {r["rule"] for r in on["reasons"]} - {r["rule"] for r in off["reasons"]} == {"mi.calling-hours"}
    assert off["evidence"]["switched_off"] == record["evidence"]["switched_off"] == {"mi.calling-hours": WHY}
    assert "mi.calling-hours" not in json.dumps(off["reasons"])
