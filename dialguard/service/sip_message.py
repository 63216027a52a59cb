"""SIP as far as a redirect server needs it (RFC 3261): requests are read, and answered with their own headers as they stood.

Our own, and small: what there is for Python writes headers anew, where an answer must repeat them, and knows no folded lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

LARGEST = 65_535
"""Bytes of a message."""
_MOST_LINES = 200
_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length", "m": "contact", "k": "supported", "c": "content-type",
}  # fmt: skip
_REPEATED = ("via", "from", "to", "call-id", "cseq")
_SHOWN = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+")
PHRASES = {
    200: "OK", 302: "Moved Temporarily", 400: "Bad Request", 405: "Method Not Allowed", 420: "Bad Extension",
    481: "Call/Transaction Does Not Exist", 487: "Request Terminated", 501: "Not Implemented", 503: "Service Unavailable",
    505: "Version Not Supported", 603: "Decline",
}  # fmt: skip


class Malformed(ValueError):
    """What came cannot be followed. ``request`` is what could be read, where that is enough to be answered."""

    def __init__(self, text: str, request: Request | None = None, status: int = 400) -> None:
        super().__init__(text)
        self.request, self.status = request, status


@dataclass(frozen=True)
class Request:
    """A request; ``headers`` in their order, names in small letters and written out."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The first header of a name."""
        return next((value for given, value in self.headers if given == name), None)

    @property
    def via(self) -> str:
        """The topmost Via: a header may hold several."""
        return _split(self.get("via") or "")[0]

    @property
    def transaction(self) -> tuple[str, ...]:
        """What a retransmission has in common with the first (RFC 3261, 17.2.3); ACK and CANCEL have that of their INVITE."""
        method = "INVITE" if self.method in ("ACK", "CANCEL") else self.method
        branch = parameter(self.via, "branch") or ""
        if branch.startswith("z9hG4bK"):
            return branch, sent_by(self.via).lower(), method
        number = (self.get("cseq") or "").split()[0]
        return self.via, self.uri, self.get("call-id") or "", parameter(self.get("from") or "", "tag") or "", number, method

    def response(self, status: int, tag: str, headers: tuple[tuple[str, str], ...] = (), source: tuple[str, int] | None = None) -> bytes:
        """An answer. ``tag`` is put to a To that has none; ``source`` is where the request came from (RFC 3261, 18.2.1; RFC 3581)."""
        lines = [f"SIP/2.0 {status} {PHRASES[status]}"]
        for name, value in self.headers:
            if name in _REPEATED:
                if name == "via" and source is not None:
                    value, source = _received(value, source), None
                elif name == "to" and parameter(value, "tag") is None:
                    value = f"{value};tag={tag}"
                lines.append(f"{_SHOWN[name]}: {value}")
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode("utf-8", "surrogateescape")


def read(data: bytes) -> Request | None:
    """A request without its body; None for what is to be ignored: an answer, a keep-alive. Raises Malformed."""
    head, end, _ = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not head or head.startswith(b"SIP/2.0 "):
        return None
    first, *rest = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape")).split("\r\n", _MOST_LINES)
    words = first.split(" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not words[2].upper().startswith("SIP/"):
        raise Malformed("the first line is not that of a request")
    headers = []
    well = bool(end) and len(rest) < _MOST_LINES
    for line in rest:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not _TOKEN.fullmatch(name) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            well = False
            continue
        headers.append((_COMPACT.get(name, name), value.strip()))
    request = Request(words[0], words[1], tuple(headers))
    if not re.fullmatch(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+[^\s;]+.*", request.via):
        raise Malformed("there is no Via to answer to")
    if words[2].upper() != "SIP/2.0":
        raise Malformed("expected SIP/2.0", request, 505)
    for name in _REPEATED[1:]:
        if sum(given == name for given, _ in headers) != 1:
            raise Malformed(f"expected one {name}", request)
    if not well:
        raise Malformed("a line is not of the form name: value", request)
    cseq = (request.get("cseq") or "").split()
    if len(cseq) != 2 or not cseq[0].isdecimal() or cseq[1] != request.method:
        raise Malformed("cseq does not fit the method", request)
    return request


def parameter(value: str, name: str) -> str | None:
    """A parameter behind the address or the sent-by of a header; empty where it has no value."""
    for each in _split(value, ";")[1:]:
        given, _, found = each.partition("=")
        if given.strip().lower() == name:
            return found.strip()
    return None


def sent_by(via: str) -> str:
    """Host and port of a Via."""
    return _split(via, ";")[0].split()[-1]


def address(value: str) -> str:
    """The URI of the first address in a header: ``"Name" <sip:…>;tag=…`` or ``sip:…;tag=…``."""
    first = _split(value)[0]
    if first.startswith('"'):
        at = 1
        while at < len(first) and first[at] != '"':
            at += 2 if first[at] == "\\" else 1
        first = first[at + 1 :]
    name, bracket, rest = first.partition("<")
    return rest.partition(">")[0] if bracket else name.partition(";")[0].strip()


def user_of(uri: str) -> tuple[str, dict[str, str]]:
    """The user part of a sip, sips or tel URI as it stands, and the URI's parameters. Raises Malformed."""
    scheme, _, rest = uri.partition(":")
    scheme = scheme.lower()
    if scheme == "tel":
        user, _, parameters = rest.partition(";")
        user, parameters = rest, parameters
    elif scheme in ("sip", "sips"):
        user, at, host = rest.rpartition("@")
        user = user.partition(":")[0] if at else ""
        parameters = host.partition("?")[0].partition(";")[2]
    else:
        raise Malformed("expected a sip, sips or tel URI")
    if not _USER.fullmatch(user):
        raise Malformed("expected a URI with a number")
    pairs = (each.partition("=") for each in parameters.split(";") if each)
    return user, {name.lower(): _plain(value) for name, _, value in pairs}


def number_of(user: str) -> str:
    """The number of a user part: escapes undone, separators and parameters away; a local number in the context of +1 is one of +1."""
    plain, *parameters = _plain(user).split(";")
    number = re.sub(r"[-.() ]", "", plain)
    context = next((each.partition("=")[2] for each in parameters if each.lower().startswith("phone-context=")), None)
    if context is None or number.startswith("+"):
        return number
    if re.sub(r"[-.()]", "", context) == "+1" and re.fullmatch(r"1?\d{10}", number):
        return f"+1{number[-10:]}"
    raise Malformed("expected a global number, or one of ten digits in the context of +1")


def _plain(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("an escape in the URI is no UTF-8") from None


def _split(value: str, by: str = ",") -> list[str]:
    """Parts of a header, commas and semicolons in quotes and brackets left alone."""
    parts, quoted, inside, start, at = [], False, False, 0, 0
    while at < len(value):
        letter = value[at]
        if quoted:
            at += letter == "\\"
            quoted = letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "<>":
            inside = letter == "<"
        elif letter == by and not inside:
            parts.append(value[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, value[start:].strip()]


def _received(value: str, source: tuple[str, int]) -> str:
    """A Via header with the address that its first was received from."""
    first, *others = _split(value)
    parts = [f"rport={source[1]}" if each.lower() == "rport" else each for each in _split(first, ";")]
    host = re.sub(r":\d*$", "", sent_by(first)) if not sent_by(first).endswith("]") else sent_by(first)
    if host.strip("[]") != source[0] or parameter(first, "rport") is not None:
        parts = [*(each for each in parts if not each.lower().startswith("received=")), f"received={source[0]}"]
    return ", ".join([";".join(parts), *others])
