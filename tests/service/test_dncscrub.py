"""The Scrub API's exchange: no denial is ever a letter that means that the number may be called."""

import csv
import io
from datetime import datetime
from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.moment import DAY
from dialguard.model.records import LookUpFailed
from dialguard.screening.windows import Window
from dialguard.service.app import application
from dialguard.service.book import FILE, Book
from dialguard.service.compat.dncscrub import CALLABLE, FIELDS, window
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from dialguard.storage.embedded import EmbeddedStore
from tests.service.asking import Answer, asked
from tests.service.conftest import Everybody

PATH = "/app/main/rpc/scrub"
_DAYS = clock.now() // DAY + 1
NOON = clock.format_instant((_DAYS + (6 - _DAYS) % 7) * DAY + 17 * 60 * 60 * 1_000_000)
"""Noon in Florida on the next Wednesday after today."""
NIGHT = NOON.replace("T17:", "T07:")
FLORIDA = "3055550142"
CAMPAIGN = {"seller": "acme", "dialing": "manual", "voice": "live"}


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    made = EmbeddedStore(tmp_path)
    made.declare_complete("acme", clock.now() - 400 * DAY, known_at=clock.now())
    return made


@pytest.fixture
def guard(store, packs) -> Guard:
    made = Guard(store, packs=packs)
    made.add_campaign({"id": "survey", "purpose": "informational", **CAMPAIGN})
    made.add_campaign({"id": "sales", "purpose": "telemarketing", **CAMPAIGN})
    return made


@pytest.fixture
def app(guard, tmp_path: Path):
    return application(Service({"default": Desk("default", guard, Book(tmp_path / FILE))}, Everybody()))


def scrubbed(app, phones: str = FLORIDA, campaign: str = "survey", at: str = NOON, version: str = "5") -> Answer:
    return asked(app, "GET", f"{PATH}?phoneList={phones}&version={version}&output=json&campaignId={campaign}&loginId=x&at={at}")


def first(app, *args, **said) -> dict[str, str]:
    answer = scrubbed(app, *args, **said)
    assert answer.status == 200, answer.body
    return answer.json[0]


def typed(guard: Guard, line_type: str) -> None:
    """Every number is of this type of line."""
    read = guard._read
    guard._read = lambda attempt: read({**attempt, "line_type": line_type})


def test_the_fields_are_those_of_the_exchange(app) -> None:
    (row,) = scrubbed(app, f"{FLORIDA}|ACCT-12345").json
    assert tuple(row) == FIELDS
    assert {name: value for name, value in row.items() if value} == {
        "Phone": FLORIDA, "ResultCode": "W", "Reserved": "ACCT-12345", "Reason": ";;;W", "RegionAbbrev": "FL", "Country": "US",
        "CallingWindow": "0:00-23:59;0:00-23:59;0:00-23:59", "UTCOffset": row["UTCOffset"], "DoNotCallToday": "0", "IsWirelessOrVoIP": "1",
    }  # fmt: skip
    assert row["UTCOffset"] in ("-300", "-240")


@pytest.mark.parametrize(
    ("line", "version", "code", "reason", "flag", "kind"),
    [
        ("landline", "5", "C", ";;;", "0", "AllOther"), ("toll_free", "5", "C", ";;;", "0", "AllOther"),
        ("wireless", "5", "W", ";;;W", "1", "Wireless"),
        ("voip", "5", "Y", ";;;", "1", "VoIP"), ("voip", "3", "Y", ";;;", "1", "VoIP"), ("voip", "2", "W", ";;;W", "1", "VoIP"),
    ],
)  # fmt: skip
def test_an_allow_says_what_line_it_is(app, guard, line: str, version: str, code: str, reason: str, flag: str, kind: str) -> None:
    typed(guard, line)
    row = first(app, version=version)
    assert (row["ResultCode"], row["Reason"], row["IsWirelessOrVoIP"], row["LineType"]) == (code, reason, flag, kind)


def test_who_opted_out_and_who_is_on_the_sellers_list(app, store) -> None:
    now = clock.now()
    store.record_revocation(seller="acme", number="+1" + FLORIDA, at=now, known_at=now)
    store.suppress(seller="acme", number="+13055550143", at=now, known_at=now)
    rows = scrubbed(app, f"{FLORIDA},3055550143,3055550144", "sales").json
    assert [row["ResultCode"] for row in rows] == ["P", "P", "B"]
    assert rows[0]["Reason"].startswith("us.revocation.") and rows[1]["Reason"] == "us.fcc.dnc.company-list"
    assert rows[2]["Reason"].startswith("list_incomplete ")


def test_who_is_on_a_list(app, guard) -> None:
    read = guard._read

    def listed(national: bool, states: list[str]):
        return lambda attempt: read({**attempt, "dnc": {"national": national, "states": states}})

    guard._read = listed(True, [])
    assert (first(app, campaign="sales")["ResultCode"], first(app, campaign="sales")["Reason"]) == ("D", "National (USA);;;")
    guard._read = listed(False, ["FL"])
    assert first(app, campaign="sales")["Reason"] == ";State (FL);;"
    guard._read = listed(True, ["FL"])
    assert first(app, campaign="sales")["Reason"] == "National (USA);State (FL);;"


@pytest.mark.parametrize(
    ("phone", "code"), [("305555014", "M"), ("abc", "M"), ("13055550142x9y", "M"), ("0005550142", "I"), ("2115550142", "I")]
)
def test_what_is_no_number(app, phone: str, code: str) -> None:
    row = first(app, phone)
    assert (row["Phone"], row["ResultCode"], row["Reason"], row["RegionAbbrev"]) == (phone, code, "number.invalid", "")


def test_a_denial_without_a_letter_is_blocked_with_our_code(app, store, guard) -> None:
    now = clock.now()
    store.pause_campaign(seller="acme", campaign="survey", at=now, known_at=now, reason="a test", by="a test")
    assert (first(app)["ResultCode"], first(app)["Reason"]) == ("B", "prohibited house.campaign-paused")
    guard.store.look_up = lambda **asked: (_ for _ in ()).throw(LookUpFailed("away"))
    row = first(app)
    assert row["ResultCode"] == "B" and row["Reason"].startswith("lookup_unavailable ")


def test_what_cannot_be_judged_is_blocked_in_its_place(app, guard, monkeypatch) -> None:
    desk = app.service.desks["default"]
    decide = desk.decide
    desk.decide = lambda asks: [*decide(asks[:1]), RuntimeError("secret"), *decide(asks[2:])]
    rows = scrubbed(app, f"{FLORIDA},3055550143,3055550144").json
    assert [row["ResultCode"] for row in rows] == ["W", "B", "W"] and rows[1]["Reason"] == "service.fault"

    def broken(asks):
        raise RuntimeError

    desk.decide = broken
    assert {row["ResultCode"] for row in scrubbed(app, f"{FLORIDA},3055550143").json} == {"B"}


def test_no_denial_is_a_letter_that_may_be_called_and_no_allow_another(app, guard) -> None:
    """Every letter against the decision, over purposes, hours, places and line types."""
    seen = set()
    for purpose in ("informational", "telemarketing", "political", "debt_collection", "survey", "charitable", "healthcare"):
        for voice in ("live", "prerecorded"):
            guard.add_campaign({"id": "one", "purpose": purpose, **CAMPAIGN, "voice": voice})
            for at in (NOON, NIGHT):
                for phone in (FLORIDA, "5035550142", "5125550142", "8005550142", "12", "9005550142"):
                    row = first(app, phone, "one", at)
                    allowed = guard.check({"channel": "voice", "to": phone, "campaign": "one", "at": at}).allowed
                    assert (row["ResultCode"] in CALLABLE) is allowed, (purpose, voice, at, phone, row)
                    seen.add(row["ResultCode"])
    assert {"W", "B", "M"} <= seen


def test_csv_is_as_its_clients_read_it(app) -> None:
    answer = asked(app, "GET", f"{PATH}?phoneList={FLORIDA}%7Ca%20%22b%22;c,12&campaignId=survey&loginId=x&at={NOON}")
    assert answer.media == "text/csv; charset=utf-8" and answer.body.count(b"\n") == 2 and b"\r" not in answer.body
    rows = list(csv.reader(io.StringIO(answer.body.decode())))
    assert [row[:4] for row in rows] == [[FLORIDA, "W", 'a "b";c', ";;;W"], ["12", "M", "", "number.invalid"]]
    assert {len(row) for row in rows} == {17}
    old = asked(app, "GET", f"{PATH}?phoneList={FLORIDA}&version=4&campaignId=survey&loginId=x&at={NOON}").body.decode()
    assert len(next(csv.reader([old]))) == 14 and old.startswith(f"{FLORIDA},W,")


def test_it_is_asked_by_form_by_parts_and_by_json(app) -> None:
    fields = {"loginId": "x", "version": "2", "projId": "unused", "campaignId": "survey", "phoneList": f"{FLORIDA},12"}
    form = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    edge = "------------------------d74496d66958873e"
    parts = "".join(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    whole = (parts + f"--{edge}--\r\n").encode()
    found = [
        asked(app, "POST", PATH, form, media="application/x-www-form-urlencoded"), asked(app, "POST", PATH, fields),
        asked(app, "POST", PATH, whole, media=f"multipart/form-data; boundary={edge}"), asked(app, "POST", f"{PATH}?{form.decode()}", b""),
    ]  # fmt: skip
    for answer in found[:3]:
        assert answer.status == 200, answer.body
        assert [line.split(",")[0] for line in answer.body.decode().splitlines()] == [FLORIDA, "12"]
    assert found[3].code == "request.malformed"  # it said that its body was JSON
    assert asked(app, "POST", PATH, b"\xff=1", media="application/x-www-form-urlencoded").code == "request.malformed"
    assert asked(app, "POST", PATH, b"x", media="text/xml").code == "request.media_type"
    assert asked(app, "POST", PATH, b"x", media="multipart/form-data").code in ("request.malformed", "input.invalid")


def test_what_is_missing_or_wrong_is_told(app) -> None:
    assert asked(app, "GET", PATH).fields == ["phoneList", "campaignId"]
    answer = asked(app, "GET", f"{PATH}?phoneList={FLORIDA}&campaignId=nobody&loginId=x")
    assert (answer.status, answer.fields) == (422, ["campaign"])
    assert asked(app, "GET", f"{PATH}?phoneList={FLORIDA}&campaignId=survey&version=6&output=xml").fields == ["version", "output"]
    too_many = b"campaignId=survey&phoneList=" + b"1," * 60_000
    assert asked(app, "POST", PATH, too_many, media="application/x-www-form-urlencoded").code == "request.too_large"


def test_the_login_is_an_api_key(guard, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    tokens = {scope: keys.create(scopes=[scope])[1] for scope in ("check", "write", "audit", "admin", "import")}
    other = keys.create(scopes=["check"], sellers=["bolt"])[1]
    app = application(Service({"default": Desk("default", guard)}, Keys(tmp_path)))
    asking = f"{PATH}?phoneList={FLORIDA}&campaignId=survey"
    assert asked(app, "GET", asking).code == "auth.missing"
    assert asked(app, "GET", asking + "&loginId=0156CDA9").code == "auth.unknown"
    for scope, token in tokens.items():
        by_header = asked(app, "GET", asking, headers=[(b"loginid", token.encode())])
        for answer in (by_header, asked(app, "GET", f"{asking}&loginId={token}")):
            assert (answer.status, answer.code) == ((200, None) if scope == "check" else (403, "auth.scope"))
    assert asked(app, "GET", f"{asking}&loginId={other}").code == "auth.seller"


# -- calling windows


def stretch(start: str, until: str) -> Window:
    return Window(start + "-05:00", until + "-05:00", (), ())


MONDAY = datetime.fromisoformat("2026-11-23T00:00:00-05:00")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "0:00-0:00;0:00-0:00;0:00-0:00"),
        ([stretch("2026-11-23T00:00:00", "2026-11-30T00:00:00")], "0:00-23:59;0:00-23:59;0:00-23:59"),
        (
            [stretch("2026-11-23T08:00:00", "2026-11-23T20:00:00"), stretch("2026-11-24T09:00:00", "2026-11-24T21:00:00")],
            "9:00-20:00;0:00-0:00;0:00-0:00",
        ),
        ([stretch("2026-11-23T08:00:30", "2026-11-23T20:00:59")], "8:01-20:00;0:00-0:00;0:00-0:00"),
        (
            [stretch("2026-11-28T08:00:00", "2026-11-28T12:00:00"), stretch("2026-11-28T13:00:00", "2026-11-28T20:00:00")],
            "0:00-0:00;13:00-20:00;0:00-0:00",
        ),
        (
            [stretch("2026-11-28T08:00:00", "2026-11-28T16:00:00"), stretch("2026-11-28T17:00:00", "2026-11-28T20:00:00")],
            "0:00-0:00;8:00-16:00;0:00-0:00",
        ),
        ([stretch("2026-11-29T22:00:00", "2026-11-30T09:00:00")], "0:00-0:00;0:00-0:00;22:00-23:59"),
        (
            [stretch("2026-11-23T08:00:00", "2026-11-23T10:00:00"), stretch("2026-11-24T11:00:00", "2026-11-24T12:00:00")],
            "0:00-0:00;0:00-0:00;0:00-0:00",
        ),
    ],
)
def test_the_windows_of_a_week(found: list[Window], expected: str) -> None:
    assert window(found, MONDAY) == expected


def test_the_calling_window_lies_within_the_law(app, guard) -> None:
    read = guard._read
    guard._read = lambda attempt: read({**attempt, "dnc": {"national": False, "states": []}})
    row = first(app, campaign="sales")
    assert row["ResultCode"] == "W", row
    assert row["CallingWindow"].split(";")[0] == "8:00-20:00"
    night = first(app, campaign="sales", at=NIGHT)
    assert (night["ResultCode"], night["CallingWindow"]) == ("B", row["CallingWindow"])
    assert night["Reason"].startswith("prohibited ") and "calling-hours" in night["Reason"]
