"""Hostile input over HTTP: refused with its name, quickly, and without a number in the answer."""

import json

import pytest

from dialguard.guard import Guard
from dialguard.service.app import application
from dialguard.service.desk import Desk
from dialguard.service.service import Service
from dialguard.service.web import BODY_LIMIT
from tests.service.asking import asked
from tests.service.conftest import Everybody

ATTEMPT = {"channel": "voice", "to": "+13055550100", "campaign": "c", "at": "2026-11-23T17:00:00Z"}
SALE = {"id": "sale", "seller": "Acme", "purpose": "telemarketing"}
WHO = {"seller": "Acme", "number": "+13055550100"}


def nested(depth: int) -> bytes:
    return (
        b'{"channel":"voice","to":"+13055550100","campaign":"c","emergency":{"declared":[{"state":' + b"[" * depth + b"]" * depth + b"}]}}"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request.malformed"),
        (b"{", "request.malformed"),
        (b"\xff\xfe", "request.malformed"),
        (b'{"to": "\xff"}', "request.malformed"),
        (b'{"to": NaN}', "request.malformed"),
        (b'{"to": Infinity}', "request.malformed"),
        (b'{"to": 1e999}', "request.malformed"),
        (b'{"channel":"voice","to":"\\ud800","campaign":"c"}', "request.malformed"),
        (b"[]", "input.invalid"),
        (b"null", "input.invalid"),
        (b"7", "input.invalid"),
        (b'{"to": "+13055550100", "number 3055550100": 1}', "input.invalid"),
        (nested(16), "input.invalid"),
        (nested(10_000), "request.malformed"),
        (b"[" * 10_000, "request.malformed"),
        (b'{"a":' * 10_000, "request.malformed"),
        (b" " * (BODY_LIMIT + 1), "request.too_large"),
        (json.dumps(ATTEMPT | {"history": {"last_24h": 10**400}}).encode(), None),
        (json.dumps(ATTEMPT | {"at": "2026-13-45T99:99:99Z"}).encode(), "input.invalid"),
        (json.dumps(ATTEMPT | {"at": "9" * 400}).encode(), "input.invalid"),
        (json.dumps(ATTEMPT | {"campaign": "3055550100"}).encode(), "input.invalid"),
        (json.dumps(ATTEMPT | {"contact": {"timezone": "../../etc/passwd"}}).encode(), None),
    ],
)
def test_what_is_no_attempt_is_refused_by_name(app, body: bytes, code: str | None) -> None:
    answer = asked(app, "POST", "/v1/check", body)
    assert answer.status < 500 and (code is None or answer.code == code), answer
    assert answer.status in (400, 413, 422) or answer.json["verdict"] == "deny"
    assert b"3055550100" not in answer.body and b"Traceback" not in answer.body


@pytest.mark.parametrize("number", ["9" * 400, 10**400, -1, 1.5, True, None, [], {}, "\x00", "☎" * 50, "٣٠٥٥٥٥٠١٠٠", "+1" + "0" * 98])
def test_a_number_of_any_kind_is_decided_or_refused(app, number: object) -> None:
    answer = asked(app, "POST", "/v1/check", ATTEMPT | {"to": number})
    assert answer.status in (400, 422) or answer.json["verdict"] == "deny"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/consents", WHO | {"level": "express"}),
        ("POST", "/v1/revocations", WHO),
        ("POST", "/v1/dnc", WHO),
        ("DELETE", "/v1/dnc", WHO),
        ("POST", "/v1/relationships", WHO | {"current": True}),
        ("POST", "/v1/campaigns", SALE),
        ("PUT", "/v1/campaigns/sale", SALE),
        ("POST", "/v1/outcomes", {"decision": "d", "outcome": "placed", "to": "+13055550100", "campaign": "c"}),
    ],
)
def test_bodies_that_are_none(app, method: str, path: str, body: dict) -> None:
    good = json.dumps(body).encode()
    for wrong, status in (
        (b"", 400),
        (good[:-1], 400),
        (b"[" * 10_000, 422),
        (b" " * BODY_LIMIT + good, 413),
        (b"[]", 422),
        (good[:-1] + b',"other":1}', 422),
        (json.dumps(dict.fromkeys(body, "\ud800")).encode(), 400),
        (json.dumps(dict.fromkeys(body, 1e308)).encode(), 422),
        (json.dumps(dict.fromkeys(body, "")).encode(), 422),
        (json.dumps(dict.fromkeys(body, "9" * 2_000)).encode(), 422),
    ):
        answer = asked(app, method, path, wrong)
        assert answer.status == status, (wrong[:60], answer)
        assert b"3055550100" not in answer.body
    assert asked(app, method, path, good, media="text/xml").code == "request.media_type"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/check?to=%ff", "request.malformed"),
        ("/v1/check?to", "request.malformed"),
        ("/v1/check?" + "&".join(f"a{n}=1" for n in range(60)), "request.malformed"),
        ("/v1/check?to=1&to=2", "input.invalid"),
        ("/v1/check?3055550100=1", "input.invalid"),
        ("/v1/check?to=" + "1" * 1001, "input.invalid"),
        ("/v1/check?to=1&campaign=c&format=3055550100", "input.invalid"),
        ("/v1/rules/..%2f..%2fetc%2fpasswd", "resource.unknown"),
        ("/v1/numbers/%00?seller=Acme", "input.invalid"),
        ("/v1/%2e%2e/%2e%2e/etc/passwd", "resource.unknown"),
        ("/", "resource.unknown"),
        ("//", "resource.unknown"),
    ],
)
def test_queries_and_paths_that_are_none(app, path: str, code: str) -> None:
    answer = asked(app, "GET", path)
    assert answer.code == code and b"3055550100" not in answer.body


@pytest.mark.parametrize(
    ("campaign", "field"),
    [
        ({"claims": [{}]}, "campaign.claims[0].exemption"),
        ({"claims": [{"exemption": None}]}, "campaign.claims[0].exemption"),
        ({"claims": [{"exemption": 1}]}, "campaign.claims[0].exemption"),
        ({"seller": "a\nb"}, "seller"),
        ({"seller": "9" * 1001}, "seller"),
    ],
)
def test_campaigns_that_are_none(tmp_path, packs, campaign: dict, field: str) -> None:
    """Found by the fuzzer: each of these was a fault."""
    app = application(Service({"default": Desk("default", Guard(tmp_path, packs=packs))}, Everybody()))
    whole = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", **campaign}
    answer = asked(app, "POST", "/v1/check", ATTEMPT | {"campaign": whole})
    assert answer.code == "input.invalid" and field in answer.fields


def test_another_method_is_told_which_there_are(app) -> None:
    assert (asked(app, "PATCH", "/v1/check").status, asked(app, "TRACE", "/v1/campaigns/x").code) == (405, "request.method")
