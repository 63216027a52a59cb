"""A key for some sellers asks of theirs alone, by whichever way its request goes."""

import http.client
import json

import pytest

from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.bounded import BoundedProtocol
from dialguard.service.config import Limits
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from tests.service.conftest import CAMPAIGN, served

OTHER = {**CAMPAIGN, "id": "other", "seller": "Bolt"}
MINE = {name: value for name, value in CAMPAIGN.items() if name != "id"}
THEIRS = {name: value for name, value in OTHER.items() if name != "id"}
AT = "2026-11-23T17:00:00Z"


@pytest.fixture(scope="module")
def place(packs, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("confined")
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(CAMPAIGN)
    guard.add_campaign(OTHER)
    _, acme = KeyFile(folder).create(scopes=["check", "write"], sellers=["Acme"])
    _, all_ = KeyFile(folder).create(scopes=["check"])
    app = application(Service({"default": Desk("default", guard)}, Keys(folder)))
    app.limits = Limits()
    with served(app, BoundedProtocol) as address:
        yield address, {"acme": acme, "all": all_}


def asked(place, key: str, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
    address, keys = place
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, {"Authorization": f"Bearer {keys[key]}", "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def attempt(campaign: object, **more: object) -> dict:
    return {"channel": "voice", "to": "+13055550100", "campaign": campaign, "at": AT, **more}


@pytest.mark.parametrize("ordinary", [False, True], ids=["short", "ordinary"])
@pytest.mark.parametrize("campaign", ["other", THEIRS, {**OTHER, "id": "c"}, {**THEIRS, "seller": "acme"}, {**THEIRS, "seller": "Acme "}])
def test_another_sellers_attempt_is_refused(place, campaign: object, ordinary: bool) -> None:
    headers = {"X-Other": "1"} if ordinary else {}
    status, answer = asked(place, "acme", "POST", "/v1/check", attempt(campaign), **headers)
    assert (status, answer["code"]) == (403, "auth.seller")
    assert asked(place, "all", "POST", "/v1/check", attempt(campaign), **headers)[0] == 200


@pytest.mark.parametrize("ordinary", [False, True], ids=["short", "ordinary"])
@pytest.mark.parametrize("campaign", ["c", MINE])
def test_its_own_is_decided_as_for_everybody(place, campaign: object, ordinary: bool) -> None:
    headers = {"X-Other": "1"} if ordinary else {}
    mine, all_ = (asked(place, key, "POST", "/v1/check", attempt(campaign, id="a-1"), **headers) for key in ("acme", "all"))
    assert mine[0] == all_[0] == 200
    assert {**mine[1], "id": ""} == {**all_[1], "id": ""}


def test_by_the_query_too(place) -> None:
    assert asked(place, "acme", "GET", "/v1/check?to=3055550100&campaign=other")[1]["code"] == "auth.seller"
    assert asked(place, "acme", "GET", "/v1/check?to=3055550100&campaign=c")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "request.malformed"), (b"[]", "input.invalid"), (b"{}", "input.invalid"), (attempt("nobody"), "input.invalid"),
        (attempt({"seller": 7, "purpose": "survey"}), "input.invalid"), (attempt(None), "input.invalid"),
        (b'{"channel":"voice","to":"+13055550100","campaign":"c","campaign":"other"}', "auth.seller"),
    ],
)  # fmt: skip
def test_what_names_no_seller_is_told_its_mistake(place, body: object, code: str) -> None:
    assert asked(place, "acme", "POST", "/v1/check", body)[1]["code"] == code
