"""Errors of the HTTP interface: ``application/problem+json`` (RFC 9457) with a stable dotted code."""

import logging
from collections.abc import Mapping, Sequence

import msgspec

from dialguard.facts.given import InvalidInput
from dialguard.ledger.errors import RecordError
from dialguard.model.records import LookUpFailed
from dialguard.model.redaction import without_numbers

_LOG = logging.getLogger("dialguard.service")

CODES: Mapping[str, tuple[int, str]] = {
    "request.malformed": (400, "The request cannot be read."),
    "auth.missing": (401, "An API key is needed."),
    "auth.unknown": (401, "The API key is not known."),
    "auth.expired": (401, "The API key has expired."),
    "auth.revoked": (401, "The API key was revoked."),
    "auth.signature": (403, "The request is not signed, or its signature is wrong."),
    "auth.scope": (403, "The API key does not have the scope that this needs."),
    "auth.seller": (403, "The API key may not speak for this seller."),
    "auth.address": (403, "The API key may not be used from this address."),
    "resource.unknown": (404, "There is no such thing."),
    "request.method": (405, "The method does not exist here."),
    "resource.conflict": (409, "It is already there, and is another."),
    "request.too_large": (413, "The request is larger than the service takes."),
    "request.headers_too_large": (431, "The headers are larger than the service takes."),
    "request.media_type": (415, "The content type is not one that is read here."),
    "input.invalid": (422, "The request was read, and something in it is wrong."),
    "limit.rate": (429, "The API key asks more often than it may."),
    "auth.unavailable": (503, "The API keys cannot be read, so that nobody can be admitted."),
    "limit.load": (503, "The service has more to do than it can; nothing was decided."),
    "service.not_ready": (503, "The service is not ready to decide."),
    "store.unavailable": (503, "The store did not answer; nothing was decided or recorded."),
    "audit.unavailable": (503, "The decision could not be recorded, so that it must not be used."),
    "service.fault": (503, "Something failed that should not; nothing was decided."),
}
"""Every code, its status and its title."""


class Problem(Exception):
    """An answer that is an error. ``errors`` pairs each field at fault with what was found and expected; no telephone number is in them."""

    def __init__(
        self, code: str, detail: str | None = None, errors: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code, self.detail, self.headers = code, None if detail is None else without_numbers(detail), dict(headers or {})
        self.errors = [(without_numbers(field), without_numbers(message)) for field, message in errors]
        self.status, self.title = CODES[code]

    def as_dict(self) -> dict[str, object]:
        """The members of the problem details."""
        found: dict[str, object] = {
            "type": f"urn:dialguard:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail is not None:
            found["detail"] = self.detail
        if self.errors:
            found["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        return found

    def body(self) -> bytes:
        """The problem details as JSON."""
        return msgspec.json.encode(self.as_dict())


def wrong(error: RecordError) -> Problem:
    """A value that the record does not take, as a problem."""
    return Problem("input.invalid", errors=[(error.field.rstrip("_"), f"found {error.found}, expected {error.expected}")])


def problem_of(error: BaseException) -> Problem:
    """The problem that a failure is to whoever asked. What happened inside is for the log: it may name a folder."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidInput):
        return Problem("input.invalid", errors=error.errors)
    if isinstance(error, RecordError):
        return wrong(error)
    if isinstance(error, LookUpFailed):
        _LOG.error("the store did not answer: %s", error)
        return Problem("store.unavailable")
    _LOG.error("fault: %s at %s", type(error).__name__, where(error))
    return Problem("service.fault")


def where(error: BaseException) -> str:
    """Module and line of a fault, without any value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
