"""A FastAPI application as one would write it for this contract, which decides nothing: it answers with one decision."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

_STUB = json.loads(Path(os.environ["DIALGUARD_STUB"]).read_text("utf-8"))
app = FastAPI()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Contact(_Part):
    id: str | None = None
    state: str | None = None
    zip: str | None = None
    county: str | None = None
    timezone: str | None = None
    address_basis: Literal["verified", "stated"] | None = None
    kind: Literal["consumer", "business"] | None = None


class Consent(_Part):
    level: Literal["none", "express", "express_written"] | None = None
    form: str | list[str] | None = None
    covers: list[str] | None = None
    obtained_at: datetime | None = None
    expires_at: datetime | None = None
    channels: list[str] | None = None


class Dnc(_Part):
    national: bool | None = None
    states: list[str] | None = None
    internal: bool | None = None


class Past(_Part):
    at: datetime
    to: str | None = None
    channel: str | None = None
    outcome: str | None = None


class History(_Part):
    last_24h: int | None = None
    last_7d: int | None = None
    attempts: list[Past] | None = None


class Attempt(_Part):
    channel: Literal["voice", "sms", "mms", "rvm", "fax"]
    to: str
    campaign: str
    id: str | None = None
    from_: str | None = Field(None, alias="from")
    at: datetime | None = None
    reserve: bool | None = None
    contact: Contact | None = None
    line_type: Literal["wireless", "landline", "voip", "toll_free", "unknown"] | None = None
    consent: Consent | None = None
    dnc: Dnc | None = None
    history: History | None = None


class Reason(_Part):
    rule: str
    kind: str
    jurisdiction: str
    topic: str
    citation: str | None
    message: str
    needs: list[str] | None = None
    cures: list[str] = []
    status: str | None = None
    confidence: str | None = None


class State(_Part):
    state: str
    from_: list[str] = Field(alias="from")


class Zone(_Part):
    zone: str
    from_: list[str] = Field(alias="from")


class Reservation(_Part):
    id: str
    expires_at: datetime


class Decision(_Part):
    id: str
    attempt_id: str | None
    at: datetime
    verdict: Literal["allow", "deny"]
    valid_until: datetime | None
    reasons: list[Reason]
    obligations: list[str]
    retry_at: datetime | None
    reservation: Reservation | None
    jurisdictions: list[State]
    timezones: list[Zone]
    packs: str
    evidence: dict[str, Any]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Lives."""
    return {"status": "ok"}


@app.post("/v1/check", response_model=Decision)
async def check(attempt: Attempt) -> Any:
    """One decision, always the same."""
    return _STUB
