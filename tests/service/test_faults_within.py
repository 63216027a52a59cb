"""What fails within: at every port and stage an exception is a deny or a 503, is counted, and the next attempt is answered."""

import asyncio
import errno
import os
from types import SimpleNamespace

import pytest

from dialguard.audit import chain
from dialguard.engine.decision import Decision
from dialguard.engine.judge import Engine
from dialguard.facts import gather
from dialguard.facts.gather import Gatherer
from dialguard.model.records import LookUpFailed
from dialguard.service import desk as desks
from dialguard.service.app import application
from dialguard.service.config import Settings
from dialguard.service.desk import Ask, Desk
from dialguard.service.service import Service
from dialguard.service.tenants import open_desk
from dialguard.storage.embedded import EmbeddedStore
from tests.service.asking import asked
from tests.service.conftest import Everybody
from tests.service.test_overload import ASKED

NUMBER = "+13055550147"
SECRET = f"/srv/secret/place {NUMBER}"
LISTED = {
    "campaign": {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}, "dnc": None,
    "contact": {"state": "FL", "zip": "33101", "address_basis": "verified"},
}  # fmt: skip


class Broken(Exception):
    """What nobody expects; it tells of a number and a folder."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory, packs):
    """One desk for all: each failure must leave it as it was."""
    made = open_desk(Settings(folder=tmp_path_factory.mktemp("served")), "default", packs)
    yield made
    made.close()


@pytest.fixture
def app(desk):
    return application(Service({"default": desk}, Everybody()))


def check(app, **more: object):
    return asked(app, "POST", "/v1/check", {**ASKED["allow"], "to": NUMBER, **more})


PLACES = (
    "store.refresh", "store.look_up", "store.still", "store.together", "list", "gather", "start", "judge", "run", "as_json", "evidence",
    "body", "append", "write", "read", "decided", "answer",
)  # fmt: skip


def broken(place: str, desk: Desk, fail) -> tuple[object, str, object]:
    """Where a stage is made to fail: what holds its function, the function's name, and what stands there instead."""
    if place == "write":
        return chain, "os", SimpleNamespace(**{name: getattr(os, name) for name in dir(os)} | {"write": fail, "writev": fail})
    holder, name = {
        "store.refresh": (EmbeddedStore, "refresh"), "store.look_up": (EmbeddedStore, "look_up"), "store.still": (EmbeddedStore, "still"),
        "store.together": (EmbeddedStore, "together"), "list": (EmbeddedStore, "list_answers"), "gather": (Gatherer, "gather"),
        "start": (Gatherer, "start"), "judge": (Engine, "judge"), "run": (Engine, "_run"), "as_json": (Decision, "as_json"),
        "evidence": (gather, "_evidence"), "body": (desk.log, "body"), "append": (desk.log, "append"), "read": (desks, "read"),
        "decided": (desk, "_decided"), "answer": (desk.guard, "answer"),
    }[place]  # fmt: skip
    return holder, name, fail


def counted(desk: Desk) -> int:
    return desk.metrics.decided.total() + desk.metrics.failed.total()


ERRORS = (Broken(SECRET), OSError(errno.ENOSPC, "No space left on device", SECRET), LookUpFailed("the store is away"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", PLACES)
def test_what_fails_is_a_deny_or_a_503_and_is_counted(app, desk, monkeypatch, caplog, place, error):
    assert check(app).json["verdict"] == "allow"
    before = counted(desk)

    def fail(*_: object, **__: object):
        raise error

    with monkeypatch.context() as patch:
        holder, name, instead = broken(place, desk, fail)
        patch.setattr(holder, name, instead)
        answer = check(app, **LISTED) if place == "list" else check(app)
    told = answer.body.decode() + caplog.text
    assert "secret" not in told and NUMBER[1:] not in told and "5550147" not in told
    if answer.status == 503:
        assert answer.code in ("service.fault", "store.unavailable", "audit.unavailable")
        assert answer.json.keys() == {"type", "title", "status", "code"}
    else:
        assert (answer.status, answer.json["verdict"], answer.json["reservation"]) == (200, "deny", None)
        kinds = {reason["kind"] for reason in answer.json["reasons"]}
        assert kinds & {"lookup_unavailable", "rule_error", "audit_unavailable"}, kinds
    assert counted(desk) == before + 1
    assert check(app).json["verdict"] == "allow"


def test_the_others_of_a_group_have_their_own_answers(desk, monkeypatch):
    judge = Engine.judge

    def fail(engine, facts, instant=None):
        if facts.values["line_type"] == "voip":
            raise Broken(SECRET)
        return judge(engine, facts, instant)

    monkeypatch.setattr(Engine, "judge", fail)
    attempts = [{**ASKED["allow"], "to": NUMBER, "line_type": line} for line in ("landline", "voip")]
    asks = [Ask(attempt, reserve=reserve) for attempt in attempts for reserve in (False, True)]

    async def together() -> list:
        return await asyncio.gather(*(desk.ask(ask) for ask in asks), return_exceptions=True)

    first, second, third, fourth = asyncio.run(together())
    assert (first.verdict, second.verdict) == ("allow", "allow")
    assert isinstance(third, Broken) and isinstance(fourth, Broken)


def test_one_who_went_away_takes_nothing_from_the_others(desk):
    async def together() -> str:
        gone = asyncio.ensure_future(desk.ask(Ask({**ASKED["allow"], "to": NUMBER})))
        stays = asyncio.ensure_future(desk.ask(Ask({**ASKED["allow"], "to": NUMBER})))
        await asyncio.sleep(0)
        gone.cancel()
        return (await stays).verdict

    assert asyncio.run(together()) == "allow"
