"""VICIdial's URLs: who is admitted, what the one line says, what is recorded."""

from pathlib import Path
from urllib.parse import quote

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.desk import Desk
from dialguard.service.keyfile import SCOPES, KeyFile
from dialguard.service.keys import Keys
from dialguard.service.compat.vicidial import DISPO
from dialguard.service.service import Service
from tests.service.asking import asked

EVER = {"id": "SPRING", "seller": "Acme", "purpose": "emergency", "dialing": "manual", "voice": "live"}
NOON = clock.parse_instant("2026-11-17T12:00:00-06:00")
CALL = "campaign=SPRING&phone_number=5125550123&phone_code=1&call_id=V1117120000000000123"


@pytest.fixture
def desk(packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    guard = Guard(tmp_path, packs=packs)
    guard.add_campaign(EVER)
    return Desk("default", guard, Book(tmp_path / FILE))


@pytest.fixture
def app(desk: Desk, tmp_path: Path):
    return application(Service({"default": desk}, Keys(tmp_path)))


@pytest.fixture
def key(tmp_path: Path) -> str:
    return KeyFile(tmp_path).create(scopes=["check", "write"])[1]


def line(app, what: str, query: str) -> tuple[int, str]:
    answer = asked(app, "GET", f"/vicidial/{what}?{query}")
    assert answer.media == "text/plain; charset=utf-8" and answer.body.endswith(b"\n") and answer.body.count(b"\n") == 1
    return answer.status, answer.body.decode().strip()


def held(desk: Desk):
    return desk.guard.store.look_up(seller="Acme", number="+15125550123", at=NOON)


@pytest.mark.parametrize(("what", "scope"), [("check", "check"), ("outcome", "write")])
def test_who_is_admitted(app, tmp_path: Path, what: str, scope: str) -> None:
    file = KeyFile(tmp_path)
    tokens = {name: file.create(scopes=[name])[1] for name in SCOPES}
    for query, status, code in (("", 401, "auth.missing"), ("&pass=", 401, "auth.missing"), ("&pass=dg_00000000_" + "0" * 64, 401, "auth.unknown")):
        found, said = line(app, what, CALL + query)
        assert found == status and f" - {code}|" in said and said.startswith("ERROR: ")
    for name, token in tokens.items():
        status, said = line(app, what, f"{CALL}{'&dispo=NA' * (what == 'outcome')}&pass={token}")
        assert (status == 403 and " - auth.scope|" in said) == (name != scope)
        assert said.startswith("SUCCESS: ") == (name == scope)


def test_a_call_that_is_allowed(app, key: str) -> None:
    status, said = line(app, "check", f"{CALL}&pass={key}&user=6666&lead_id=123&outbound_cid=2125550100")
    assert status == 200 and said.startswith("SUCCESS: check CALL ALLOWED - +15125550123|SPRING|d-")


def test_a_call_that_is_not(app, desk: Desk, key: str) -> None:
    desk.guard.add_campaign({**EVER, "purpose": "telemarketing"})
    status, said = line(app, "check", f"{CALL}&pass={key}")
    assert status == 200 and said.startswith("ERROR: check CALL NOT ALLOWED - +15125550123|SPRING|d-")
    assert said.split("|")[3:] == ["list_incomplete", "us.fcc.dnc.national", ""]


@pytest.mark.parametrize(
    ("query", "named"),
    [("campaign=SPRING", "to: "), ("phone_number=5125550123", "campaign: "), (f"{CALL}&nonsense=1", "nonsense: "), (f"{CALL}&phone_number=1", "phone_number: "),
     ("campaign=OTHER&phone_number=5125550123", "campaign: ")],
)  # fmt: skip
def test_what_cannot_be_judged_is_an_error(app, key: str, query: str, named: str) -> None:
    status, said = line(app, "check", f"{query}&pass={key}")
    assert status == 422 and said.startswith(f"ERROR: check NOTHING DECIDED - invalid_input|{named}")


def test_a_variable_that_vicidial_did_not_fill_in_is_no_number(app, key: str) -> None:
    assert line(app, "check", f"campaign=SPRING&phone_number=--A--phone_number--B--&pass={key}")[1].startswith("ERROR: ")


def test_no_failure_is_a_success(app, desk: Desk, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of 5125550123")

    monkeypatch.setattr(desk, "ask", fail)
    assert line(app, "check", f"{CALL}&pass={key}") == (503, "ERROR: check NOTHING DECIDED - service.fault|Something failed that should not; nothing was decided.")
    app.service.desks.clear()
    assert line(app, "check", f"{CALL}&pass={key}")[1].startswith("ERROR: check NOTHING DECIDED - service.not_ready|")


@pytest.mark.parametrize(("dispo", "words"), [("SALE", "conversation"), ("NA", "no_answer"), ("AA", "voicemail"), ("DROP", "abandoned"), ("MINE", "conversation"), ("ADC", "did_not_connect")])
def test_a_disposition_is_an_outcome(app, desk: Desk, key: str, dispo: str, words: str) -> None:
    for _ in range(2):
        status, said = line(app, "outcome", f"{CALL}&dispo={dispo}&pass={key}")
        assert (status, said) == (200, f"SUCCESS: outcome RECORDED - V1117120000000000123|{dispo}|{DISPO.get(dispo, 'answered')}")
    assert [each.outcome for each in held(desk).attempts] == [words]


def test_a_dnc_disposition_revokes(app, desk: Desk, key: str) -> None:
    line(app, "outcome", f"{CALL}&dispo=NA&pass={key}")
    assert line(app, "outcome", f"{CALL}&dispo=DNC&pass={key}")[0] == 200
    assert len(held(desk).attempts) == 1 and len(held(desk).revocations) == 1
    assert "|prohibited|" in _denied(app, desk, key)


def _denied(app, desk: Desk, key: str) -> str:
    desk.guard.add_campaign({**EVER, "purpose": "telemarketing"})
    return line(app, "check", f"{CALL}&pass={key}")[1]


@pytest.mark.parametrize("query", [CALL, "campaign=SPRING&phone_number=5125550123&dispo=NA", CALL.replace("SPRING", "OTHER") + "&dispo=NA", f"{CALL}&outcome={quote('gone away')}"])
def test_an_outcome_that_is_none_is_not_recorded(app, desk: Desk, key: str, query: str) -> None:
    status, said = line(app, "outcome", f"{query}&pass={key}")
    assert status == 422 and said.startswith("ERROR: outcome NOTHING RECORDED - invalid_input|")
    assert list(held(desk).attempts) == []
