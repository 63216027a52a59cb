"""Campaigns that are registered over HTTP: kept, seen by every worker, and paused by a person."""

import os
from pathlib import Path

import pytest

from dialguard.guard import Guard, InvalidInput
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.desk import Desk
from dialguard.service.service import Service
from tests.service.asking import asked
from tests.service.conftest import Everybody

SALE = {"id": "sale", "seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}


def desk(folder: Path, packs) -> Desk:
    return Desk("default", Guard(folder, packs=packs), Book(folder / FILE))


def served(one: Desk):
    return application(Service({"default": one}, Everybody()))


@pytest.fixture
def mine(tmp_path: Path, packs) -> Desk:
    return desk(tmp_path, packs)


@pytest.fixture
def app(mine: Desk):
    return served(mine)


def known(one: Desk) -> dict | None:
    one.book.follow(one.guard)
    try:
        return {"seller": one.guard.campaign("sale").seller, "dialing": one.guard.campaign("sale").facts["campaign.dialing"]}
    except InvalidInput:
        return None


def test_a_campaign_is_registered_changed_and_removed_for_every_worker(app, mine: Desk, tmp_path: Path, packs) -> None:
    other = desk(tmp_path, packs)
    assert asked(app, "POST", "/v1/campaigns", SALE).status == 201
    assert known(other) == known(mine) == {"seller": "Acme", "dialing": "manual"}
    assert asked(app, "POST", "/v1/campaigns", SALE).status == 200
    assert asked(app, "POST", "/v1/campaigns", SALE | {"dialing": "preview"}).code == "resource.conflict"
    assert asked(app, "PUT", "/v1/campaigns/sale", SALE | {"dialing": "predictive"}).status == 200
    assert known(other) == known(mine) == {"seller": "Acme", "dialing": "predictive"}
    assert asked(served(other), "GET", "/v1/campaigns").json == {"campaigns": [SALE | {"dialing": "predictive"}]}
    assert known(desk(tmp_path, packs)) == known(mine)  # one that is started later
    assert asked(served(other), "DELETE", "/v1/campaigns/sale").json == {"id": "sale"}
    assert known(other) is None and known(mine) is None
    assert asked(app, "GET", "/v1/campaigns/sale").code == asked(app, "DELETE", "/v1/campaigns/sale").code == "resource.unknown"
    assert asked(app, "POST", "/v1/campaigns", SALE | {"dialing": "preview"}).status == 201
    assert known(other) == {"seller": "Acme", "dialing": "preview"}


def test_attempts_name_it_at_once(app) -> None:
    attempt = {"channel": "voice", "to": "+13055550100", "campaign": "sale"}
    assert asked(app, "POST", "/v1/check", attempt).fields == ["campaign"]
    asked(app, "POST", "/v1/campaigns", SALE)
    assert asked(app, "POST", "/v1/check", attempt).status == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"purpose": "fun"}, "purpose"),
        ({"id": "a/b"}, "id"),
        ({"caller_states": ["ZZ"]}, "campaign.caller_states"),
        ({"registry_version": "soon"}, "campaign.registry_version"),
        ({"seller": "a\nb"}, "seller"),
        ({"seller": " "}, "seller"),
    ],
)
def test_what_is_no_campaign_is_not_registered(app, mine: Desk, wrong: dict, field: str) -> None:
    assert asked(app, "POST", "/v1/campaigns", SALE | wrong).fields == [field]
    assert mine.book.campaigns() == {}


def test_the_id_of_the_path_is_that_of_the_body(app) -> None:
    assert asked(app, "PUT", "/v1/campaigns/other", SALE).fields == ["id"]


def test_pause_and_resume(app, mine: Desk) -> None:
    asked(app, "POST", "/v1/campaigns", SALE)
    said = {"reason": "a complaint", "by": "jo"}
    paused = asked(app, "POST", "/v1/campaigns/sale/pause", said)
    assert paused.status == 200
    assert [(each["campaign"], each["by"], each["reason"], each["until"]) for each in paused.json["pauses"]] == [
        ("sale", "jo", "a complaint", None)
    ]
    decision = asked(app, "POST", "/v1/check", {"channel": "voice", "to": "+13055550100", "campaign": "sale"}).json
    assert "house.campaign-paused" in [reason["rule"] for reason in decision["reasons"]]
    assert asked(app, "POST", "/v1/campaigns/sale/resume", said).json["pauses"] == []
    assert asked(app, "POST", "/v1/campaigns/other/pause", said).code == "resource.unknown"
    assert asked(app, "POST", "/v1/campaigns/sale/pause", {"reason": "x"}).status == 422


def test_campaigns_that_cannot_be_read_are_not_used(app, mine: Desk, tmp_path: Path) -> None:
    asked(app, "POST", "/v1/campaigns", SALE)
    assert known(mine) is not None
    mine.book.close()
    whole = (tmp_path / FILE).read_bytes()
    for path in tmp_path.glob(f"{FILE}*"):
        os.unlink(path)
    (tmp_path / FILE).write_bytes(b"no database at all, but as long as one" * 200)
    assert known(mine) is None
    (tmp_path / FILE).write_bytes(whole)
    assert known(mine) == {"seller": "Acme", "dialing": "manual"}
