"""A key that stands twice in a body is refused: of the two nobody knows which was meant."""

import json
from pathlib import Path

import pytest

from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.desk import Desk
from dialguard.service.service import Service
from tests.service.asking import asked
from tests.service.conftest import CAMPAIGN, Everybody

NUMBER = "+13055550100"
REVOCATION = {"seller": "Acme", "number": NUMBER, "scope": "all"}


@pytest.fixture
def guard(tmp_path: Path, packs) -> Guard:
    made = Guard(tmp_path, packs=packs)
    made.add_campaign(CAMPAIGN)
    return made


@pytest.fixture
def app(guard: Guard, tmp_path: Path):
    return application(Service({"default": Desk("default", guard, Book(tmp_path / FILE))}, Everybody()))


def twice(body: dict, key: str, first: object) -> bytes:
    """A body in which a key stands before with another value."""
    return f"{{{json.dumps(key)}: {json.dumps(first)}, {json.dumps(body)[1:]}".encode()


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "first"),
    [
        ("PUT", "/v1/campaigns/c", CAMPAIGN, "purpose", "survey"),
        ("POST", "/v1/revocations", REVOCATION, "number", "+13055550101"),
        ("POST", "/app/main/rpc/scrub?version=5&output=json&campaignId=c&loginId=x", {"phoneList": "3055550100"}, "phoneList", "3055550101"),
    ],
)
def test_a_body_is_refused(app, guard: Guard, method: str, path: str, body: dict, key: str, first: str) -> None:
    answer = asked(app, method, path, twice(body, key, first))
    assert (answer.status, answer.code) == (400, "request.malformed")
    assert f"the key '{key}' stands twice in one object" in answer.json["detail"]
    assert guard.campaign("c").facts["campaign.purpose"] == "telemarketing"
    assert asked(app, method, path, body).status in (200, 201)


def test_a_number_as_a_key_is_not_said(app) -> None:
    answer = asked(app, "POST", "/v1/revocations", b'{"3055550100": {}, "number": {"3055550100": 1, "3055550100": 2}}')
    assert answer.status in (400, 422) and b"5550100" not in answer.body
