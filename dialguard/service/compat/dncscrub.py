"""``/app/main/rpc/scrub``: the exchange of DNC.com's Scrub API, so that who asks there can ask here.

What is documented, and what could not be established, stands in ``docs/guides/dncscrub.md``. A denial for which the exchange has no
letter is ``B``, with our own words as its reason; no denial is ever a letter that means that the number may be called.
"""

from __future__ import annotations

import asyncio
import csv
import email.policy
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from dialguard.asking import Answer
from dialguard.engine.decision import Decision
from dialguard.service.decided import slowly
from dialguard.service.desk import Ask
from dialguard.service.peers import refusal
from dialguard.service.problem import Problem
from dialguard.service.web import JSON, Request, Response, Route, once

if TYPE_CHECKING:
    from dialguard.guard import Guard
    from dialguard.screening.windows import Window

MOST, MOST_WINDOWS = 60_000, 100
"""Numbers of a request; and up to how many their calling windows are worked out."""
SLICE = 32
FIELDS = (
    "Phone", "ResultCode", "Reserved", "Reason", "RegionAbbrev", "Country", "Locale", "CarrierInfo", "NewReassignedAreaCode", "TZCode",
    "CallingWindow", "UTCOffset", "DoNotCallToday", "CallingTimeRestrictions", "EBRType", "IsWirelessOrVoIP", "LineType",
)  # fmt: skip
_BEFORE_5 = 14
"""Fields of the versions before 5."""
CALLABLE = frozenset("CWY")
"""The letters of numbers that may be called: clean, wireless, VoIP. The others of the exchange that mean it are never given."""
_LINES = {"wireless": "Wireless", "voip": "VoIP", "landline": "AllOther", "toll_free": "AllOther"}
_ASKED = {
    "loginId": "The API key; a header of the same name serves too.",
    "phoneList": "Numbers, with commas between; each perhaps with `|` and a reference.",
    "version": "1 to 5 (default 5).", "output": "csv (default) or json.", "campaignId": "Id of a registered campaign.",
    "projId": "The same, where there is no campaignId.", "at": "RFC 3339: judge for this moment (default now). Not of the exchange.",
}  # fmt: skip
_NATIONAL, _STATE = re.compile(r"us\.(fcc|tsr)\.dnc\.national"), re.compile(r"([a-z]{2})\.(?:state-)?dnc")
_OWN = frozenset({"internal_dnc", "revocation"})
_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


class _Row(NamedTuple):
    """One number as it was sent, and the caller's own reference."""

    phone: str
    reserved: str


async def scrub(request: Request) -> Response:
    """Say of each number whether it may be called, in the letters of the Scrub API."""
    asked = await _asked(request)
    address = request.scope.get("client")
    token = asked.get("loginId") or (request.header(b"loginid") or b"").decode("latin-1")
    key = request.service.admit(token or None, address and address[0], "check")
    rows = [_Row(phone.strip(), reserved) for phone, _, reserved in (each.partition("|") for each in asked.get("phoneList", "").split(","))]
    version, output = asked.get("version", "5"), asked.get("output", "csv").lower()
    campaign = asked.get("campaignId") or asked.get("projId")
    errors = []
    if not asked.get("phoneList", "").strip():
        errors.append(("phoneList", "missing"))
    if version not in ("1", "2", "3", "4", "5"):
        errors.append(("version", f"found {version[:10]!r}, expected 1 to 5"))
    if output not in ("csv", "json"):
        errors.append(("output", f"found {output[:10]!r}, expected csv or json"))
    if not campaign:
        errors.append(("campaignId", "missing"))
    if errors:
        raise Problem("input.invalid", errors=errors)
    if len(rows) > MOST:
        raise Problem("request.too_large", f"expected at most {MOST:,} numbers")
    desk = request.service.desk_of(key)
    key.confine(desk.guard.campaign(campaign).seller)
    given = {"channel": "voice", "campaign": campaign, **({"at": asked["at"]} if asked.get("at") else {})}
    found: list[dict[str, str]] = []
    for start in range(0, len(rows), SLICE):
        some = rows[start : start + SLICE]
        answers = _decided(desk, [Ask({**given, "to": row.phone}, "dncscrub", key.id) for row in some])
        for row, answer in zip(some, answers, strict=True):
            shown = _row(row, answer, int(version))
            if len(rows) <= MOST_WINDOWS and isinstance(answer, Answer):
                shown["CallingWindow"] = await _window(desk.guard, row.phone, campaign, answer.decision)
            found.append(shown)
        await asyncio.sleep(0)
    if output == "json":
        return Response(msgspec.json.encode(found))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(list(each.values())[: None if version == "5" else _BEFORE_5] for each in found)
    return Response(text.getvalue().encode("utf-8", "replace"), media="text/csv; charset=utf-8")


async def _asked(request: Request) -> Mapping[str, str]:
    """The fields of the query and of the body, in whichever form. Raises Problem."""
    query = request.query(*_ASKED)
    if request.scope["method"] == "GET":
        return query
    body, media = await request.body(), request.media
    try:
        if media == JSON:
            fields = msgspec.json.decode(body, type=dict[str, str | int | None])
            once(body)
            pairs = [(name, str(value)) for name, value in fields.items() if value is not None]
        elif media == _PARTS:
            head = b"Content-Type: " + (request.header(b"content-type") or b"") + b"\r\n\r\n"
            parts = BytesParser(policy=email.policy.HTTP).parsebytes(head + body).iter_parts()
            pairs = [(str(part.get_param("name", "", "content-disposition")), part.get_content().rstrip("\r\n")) for part in parts]
        elif media == _FORM or not body:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=50)
        else:
            raise Problem("request.media_type", f"found {media[:60]!r}, expected {_FORM}, {_PARTS} or {JSON}")
    except (msgspec.DecodeError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise Problem("request.malformed", f"the body is no {media[:60]}") from None
    return query | dict(reversed(pairs))


def _decided(desk: Any, asks: Sequence[Ask]) -> Sequence[Answer | BaseException]:
    """The answers of a slice, in the place of one that cannot be given why."""
    try:
        return desk.decide(asks)
    except Exception as error:
        return [error] * len(asks)


def _row(row: _Row, answer: Answer | BaseException, version: int) -> dict[str, str]:
    """The fields of one number."""
    found = dict.fromkeys(FIELDS, "")
    found |= {"Phone": row.phone, "Reserved": row.reserved, "ResultCode": "B"}
    if not isinstance(answer, Answer):
        return found | {"Reason": refusal(answer).kind}
    decision = answer.decision
    found["ResultCode"], found["Reason"] = letter(decision, row.phone, version)
    line = decision.line_type
    said = decision.as_dict(texts=False)
    states, zones = said["jurisdictions"], said["timezones"]
    if len(states) == 1:
        found |= {"RegionAbbrev": states[0]["state"], "Country": "US"}
    if len(zones) == 1:
        found["UTCOffset"] = str(int(datetime.fromisoformat(decision.at).utcoffset() / timedelta(minutes=1)))
    found["DoNotCallToday"] = "1" if any(reason["topic"] == "holidays" for reason in decision.reasons) else "0"
    # What is not known to be a landline is told to be wireless: that narrows what may be done with it.
    return found | {"IsWirelessOrVoIP": "0" if _LINES.get(line or "") == "AllOther" else "1", "LineType": _LINES.get(line or "", "")}


def letter(decision: Decision, phone: str, version: int) -> tuple[str, str]:
    """ResultCode and Reason of a decision."""
    if decision.allowed:
        line = _LINES.get(decision.line_type or "", "Wireless")
        return ("C", ";;;") if line == "AllOther" else ("Y", ";;;") if line == "VoIP" and version >= 3 else ("W", ";;;W")
    reasons = decision.reasons
    if any(reason["rule"] == "number.invalid" for reason in reasons):
        return ("I" if re.fullmatch(r"\d{10}", phone) else "M"), "number.invalid"
    listed = [str(reason["rule"]) for reason in reasons if reason["kind"] == "prohibited"]
    own = next((str(reason["rule"]) for reason in reasons if reason["kind"] == "prohibited" and reason["topic"] in _OWN), None)
    if own is not None:
        return "P", own
    national = any(_NATIONAL.fullmatch(rule) for rule in listed)
    states = [found[1].upper() for rule in listed if (found := _STATE.fullmatch(rule)) and found[1] != "us"]
    if national or states:
        return "D", f"{'National (USA)' if national else ''};{f'State ({states[0]})' if states else ''};;"
    return "B", f"{reasons[0]['kind']} {reasons[0]['rule']}"


async def _window(guard: Guard, phone: str, campaign: str, decision: Decision) -> str:
    """The calling window of weekdays, Saturdays and Sundays; empty where time alone does not open any, where the number may be in several
    zones, or where it cannot be known."""
    if not (decision.allowed or decision.retry_at) or len(decision.as_dict(texts=False)["timezones"]) != 1:
        return ""
    midnight = datetime.fromisoformat(decision.at).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    try:
        found = await slowly(lambda: guard.windows(phone, campaign, 7, at=midnight.isoformat()))
    except Exception:
        return ""
    return window(found, midnight)


def window(found: Sequence[Window], midnight: datetime) -> str:
    """Stretches of the seven days from a midnight as three windows of local time. Of a day with several the longest counts; of the
    weekdays what they share, a day that is closed as a whole (a holiday) left aside. ``0:00-0:00`` is a day without any."""
    days: dict[int, tuple[int, int]] = {}
    for stretch in found:
        start, until = (datetime.fromisoformat(text).replace(tzinfo=None) for text in (stretch.start, stretch.until))
        for place in range(7):
            day = midnight.replace(tzinfo=None) + timedelta(days=place)
            first = max(0, -int((day - start) // timedelta(minutes=1)) if start > day else 0)
            last = min(1439, int((until - day) // timedelta(minutes=1)))
            weekday = day.weekday()
            if first < last and last - first > days.get(weekday, (0, 0))[1] - days.get(weekday, (0, 0))[0]:
                days[weekday] = (first, last)
    week = [days[each] for each in range(5) if each in days]
    shared = (max(first for first, _ in week), min(last for _, last in week)) if week else (0, 0)
    return ";".join(_hours(each) for each in (shared, days.get(5, (0, 0)), days.get(6, (0, 0))))


def _hours(stretch: tuple[int, int]) -> str:
    first, last = stretch if stretch[0] < stretch[1] else (0, 0)
    return f"{first // 60}:{first % 60:02}-{last // 60}:{last % 60:02}"


ROUTES = [
    Route(method, "/app/main/rpc/scrub", None, scrub, "Scrub numbers, as DNC.com's Scrub API does", None, None, _ASKED, ("text/csv", JSON))
    for method in ("GET", "POST")
]
