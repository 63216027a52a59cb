"""``/vicidial``: for the URLs that VICIdial calls, answered as its own API answers: ``SUCCESS: …`` or ``ERROR: …`` in one line.

VICIdial fills ``--A--phone_number--B--`` and the like into a URL and sends no header of ours, so the key is the field ``pass``.
"""

from __future__ import annotations

from msgspec import convert

from dialguard.service import bodies
from dialguard.service.desk import Ask
from dialguard.service.peers import refusal
from dialguard.service.routes.outcomes import tell
from dialguard.service.web import TEXT, Request, Response, Route

_UNUSED = dict.fromkeys(
    ("user", "source", "lead_id", "list_id", "uniqueid", "vendor_lead_code", "agent_log_id"), "Of VICIdial; not used."
)
_CALL = {
    "pass": "The API key.", "phone_number": "The called number.", "phone_code": "Its country code; 1 when absent.",
    "campaign": "VICIdial's campaign, registered under the same id.", "call_id": "VICIdial's id of the call.",
}  # fmt: skip
_CHECK = {**_CALL, "outbound_cid": "The caller ID that will be shown.", **_UNUSED}
_OUTCOME = {**_CALL, "dispo": "The disposition.", "outcome": "The outcome, where the disposition is one of your own.", **_UNUSED}

DISPO = {
    "DNC": "opted_out", "DNCC": "not_placed", "DNCL": "not_placed", "DNCCAR": "not_placed", "NI": "refused", "WN": "wrong_number",
    "A": "voicemail", "AA": "voicemail", "AM": "voicemail", "AL": "voicemail", "N": "no_answer", "NA": "no_answer",
    "B": "busy", "AB": "busy", "DC": "did_not_connect", "ADC": "did_not_connect", "ADCT": "did_not_connect", "DROP": "abandoned", "PDROP": "abandoned",
}  # fmt: skip
"""VICIdial's own dispositions as outcomes. Of another one somebody may have been spoken with, and it counts as ``answered``."""


async def check(request: Request) -> Response:
    """Decide the call that VICIdial is about to place."""
    try:
        asked = request.query(*_CHECK)
        key = request.service.admit(asked.get("pass"), _address(request), "check")
        said = {"to": _number(asked), "campaign": asked.get("campaign"), "from": asked.get("outbound_cid"), "id": asked.get("call_id")}
        attempt = {"channel": "voice"} | {name: value for name, value in said.items() if value}
        decision = await request.service.desk_of(key).ask(Ask(attempt, "vicidial", key.id, True))
    except Exception as error:
        return _failed("check NOTHING DECIDED", error)
    told = [_number(asked), asked["campaign"], decision.id]
    if decision.allowed:
        return _line("SUCCESS: check CALL ALLOWED", [*told, decision.valid_until])
    first = decision.reasons[0]
    return _line("ERROR: check CALL NOT ALLOWED", [*told, first["kind"], first["rule"], decision.retry_at])


async def outcome(request: Request) -> Response:
    """Record what came of a call: VICIdial's Dispo Call URL and No Agent Call URL."""
    try:
        asked = request.query(*_OUTCOME)
        key = request.service.admit(asked.get("pass"), _address(request), "write")
        said = asked.get("outcome") or (DISPO.get(asked["dispo"], "answered") if asked.get("dispo") else None)
        body = {"decision": asked.get("call_id"), "to": _number(asked), "campaign": asked.get("campaign"), "outcome": said}
        whole = convert({name: value for name, value in body.items() if value}, bodies.Outcome)
        told = await tell(request.service.desk_of(key), whole, key)
    except Exception as error:
        return _failed("outcome NOTHING RECORDED", error)
    return _line("SUCCESS: outcome RECORDED", [asked["call_id"], asked.get("dispo"), told.outcome])


def _number(asked: dict[str, str]) -> str:
    number = asked.get("phone_number", "")
    return f"+{asked.get('phone_code') or '1'}{number}" if number.isdigit() and len(number) == 10 else number


def _address(request: Request) -> str | None:
    client = request.scope.get("client")
    return client[0] if client else None


def _failed(what: str, error: Exception) -> Response:
    kind, text, status = refusal(error)
    return _line(f"ERROR: {what}", [kind, text], status)


def _line(what: str, told: list[object], status: int = 200) -> Response:
    shown = "|".join("" if each is None else str(each).replace("|", " ").replace("\n", " ") for each in told)
    return Response(f"{what} - {shown}\n".encode(), status, TEXT)


ROUTES = [
    Route("GET", "/vicidial/check", None, check, "Decide a call of VICIdial's", None, str, _CHECK, (TEXT,)),
    Route("GET", "/vicidial/outcome", None, outcome, "Say what became of a call of VICIdial's", None, str, _OUTCOME, (TEXT,)),
]
