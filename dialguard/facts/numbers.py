"""Reads a telephone number as people write it, and says what kind of number it is.

The North American Numbering Plan is judged by our own tables (`areacodes`), in about a microsecond for the
usual forms. phonenumbers rejects 15 assigned US area codes, so it is asked only about other country codes.
"""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from datetime import date

from msgspec import Struct

from dialguard.facts.areacodes import ACTIVE, AreaCode, AreaCodeFileError, load_area_codes

__all__ = ["AreaCode", "AreaCodeFileError", "Number", "digits", "load_area_codes", "parse"]

LONGEST = 128
"""Characters of text that are looked at; anything longer is no telephone number."""


class Number(Struct, frozen=True, gc=False):
    """A telephone number, read and judged; immutable and hashable. Its repr does not show the number."""

    national: str | None
    """The ten digits of a +1 number of the right shape, else None."""
    e164: str | None
    """`+` and all digits, for +1 numbers of the right shape and for foreign numbers, else None."""
    npa: str | None
    """The area code, where `national` is given."""
    kind: str
    """`geographic`, `toll_free`, `premium` (900), `personal` (5XX), `service` (N11, 988, 700, 710), `emergency`,
    `non_us` (+1, but Canada, the Caribbean or Bermuda), `foreign` (not +1), `unassigned` (no such area code, or none in
    service) or `invalid`."""
    reason: str | None
    """One sentence why the number may not be called at all, else None. It never holds the number."""
    extension: str | None
    """Digits of an extension, else None."""
    in_service_from: int | None
    """Proleptic ordinal of the day on which the area code entered or enters service, where known."""

    def reason_on(self, day: int) -> str | None:
        """Like `reason`, judged on a local date (proleptic ordinal): an area code may enter service later."""
        if self.reason is None and self.in_service_from is not None and day < self.in_service_from:
            return f"Area code {self.npa} is not in service before {date.fromordinal(self.in_service_from)}."
        return self.reason

    def __repr__(self) -> str:
        return f"Number(kind={self.kind!r}, npa={self.npa!r})"


def parse(text: object) -> Number:
    """Read a number in any usual form. Never raises: what cannot be read is `invalid` with a reason.

    text: US forms with or without +1, 1, 001 or 011 in front, any punctuation, letters (1-800-FLOWERS), an
    extension (x, ext, #, ;ext=), a label (tel:, cell), full-width digits; whole numbers as int or float, as
    spreadsheets give them; numbers of other countries with + and the country code.
    """
    if type(text) is not str:
        return _other(text)
    size = len(text)
    # The forms in which nearly all numbers come; what is taken out is known by its place.
    if size == 10:
        plain = text
    elif size == 12 and text[:2] == "+1":
        plain = text[2:]
    elif size == 12 and text[3] == text[7] and text[3] in "-. ":
        plain = text[:3] + text[4:7] + text[8:]
    elif size == 14 and text[0] == "(" and text[4:6] == ") " and text[9] == "-":
        plain = text[1:4] + text[6:9] + text[10:]
    elif size > LONGEST:
        return _other(text)
    else:
        plain = text.translate(_PUNCTUATION)
        size = len(plain)
        if size == 12 and plain[:2] == "+1":
            plain = plain[2:]
        elif size == 11 and plain[0] == "1":
            plain = plain[1:]
        elif size != 10:
            return _read(text)
        if text.count(".") == 1:  # it may be that of a decimal number: 212555012.0 has nine digits, not ten
            return _read(text)
    npa = plain[:3]
    area = ACTIVE.codes.get(npa)
    if area is not None and plain[3] > "1" and plain[4:6] != "11" and plain.isdecimal() and plain.isascii():
        return Number(plain, "+1" + plain, npa, area[0], area[1], None, area[2])
    return _read(text)


def digits(text: object) -> str:
    """The digits of a text in ASCII, all else dropped; of eleven digits that begin with 1, the last ten.

    For lists of numbers in many forms, where only shape matters: nothing is judged. Whole numbers as int or
    float are taken too; anything else gives the empty string.
    """
    if not isinstance(text, str):
        text = _spelled(text)[0] or ""
    found = text.translate(_DIGITS_ONLY)
    return found[1:] if len(found) == 11 and found[0] == "1" else found


_INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_PUNCTUATION = dict.fromkeys(map(ord, f" ()./[]_~\u00a0\u202f{_DASHES}{_INVISIBLE}"))
_EXCHANGES = frozenset(str(nxx) for nxx in range(200, 1000) if nxx % 100 != 11)


class _DigitsOnly(dict[int, str | None]):
    def __missing__(self, code: int) -> str | None:
        value = unicodedata.decimal(chr(code), None)
        return None if value is None else str(value)


_DIGITS_ONLY = _DigitsOnly({code: chr(code) if chr(code).isdecimal() else None for code in range(128)})
_GROUPS = zip("23456789", ("ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ"), strict=True)
_KEYPAD = {ord(letter): key for key, letters in _GROUPS for letter in letters}

_WORD = (
    "(?:telephone|tel|phone|ph|call(?:to)?|cell(?:ular)?|mobile|mob|home|work|office|main|direct|fax|"
    "number|num|no|sms|text)"
)
_LABEL_BEFORE = re.compile(rf"(?:{_WORD}\b[ .:#=/-]*)+", re.I)
_LABEL_AFTER = re.compile(rf"[ (\[-]+{_WORD}[ .)\]]*$", re.I)
_CONTEXT = re.compile(r";phone-context=\+1(?![0-9])", re.I)
_EXTENSION = re.compile(
    r"(?: *;ext=|[ ,;.(-]*(?<![a-z])(?:extension|extn|ext|x)[ .:#=]*|[ ,;(]*# *)([0-9]{1,7})\)?$"
    r"| *[,;][,; ]*([0-9]{1,6})#?$",
    re.I,
)
_DECIMAL = re.compile(r"([0-9]+)\.([0-9]*)")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?e\+?[0-9]+", re.I)
_WRITTEN = re.compile(r"[ (\[]*\+?[0-9 ()\[\]./_~-]*")
_VANITY = re.compile(r"[ (]*(?:\+?1[ .)-]*)?\(?([2-9][0-9]{2})[ .)-]*([0-9A-Z][0-9A-Z .-]*)")


def _bad(reason: str, kind: str = "invalid") -> Number:
    return Number(None, None, None, kind, reason, None, None)


def _other(value: object) -> Number:
    """Anything but a text of bearable length."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            return _bad(f"The text has {len(value)} characters; a telephone number has at most 15 digits.")
        return parse(str(value))
    written, reason = _spelled(value)
    return parse(written) if written else _bad(reason)


def _spelled(value: object) -> tuple[str | None, str]:
    """A whole number as its digits, or None and what is wrong."""
    if value is None:
        return None, "No number was given."
    if isinstance(value, float):
        if not math.isfinite(value):
            return None, "No number was given (a missing value)."
        if not value.is_integer():
            return None, "A number with a fraction is no telephone number."
        value = int(value)
    if isinstance(value, bool):
        return None, "True and false are no telephone numbers."
    try:
        whole = operator.index(value)  # type: ignore[arg-type]
    except Exception:  # any object may be handed in, and its __index__ may raise anything
        return None, f"A value of type {type(value).__name__} is no telephone number; expected text."
    if not 0 < whole < 10**15:
        return None, "The number is negative, zero or longer than the 15 digits a telephone number can have."
    return str(whole), ""


def _read(text: str) -> Number:
    """The careful way, for all that the quick one leaves."""
    written = _plain(text)
    if not written:
        return _bad("No number was given (the text is empty).")
    if _SCIENTIFIC.fullmatch(written):
        return _bad("The number is in scientific notation, which loses digits; format the column as text.")
    if decimal := _DECIMAL.fullmatch(written):
        whole, fraction = decimal.groups()
        if len(whole) in (10, 11) and not fraction.strip("0"):
            written = whole
        elif len(fraction) not in (4, 7):  # 212555.0123 and 212.5550123 are written by people
            return _bad("A decimal number without the ten digits of a telephone number.")
    if label := _LABEL_BEFORE.match(written):
        written = written[label.end() :]
    written = _CONTEXT.sub("", written)
    extension = None
    if found := _EXTENSION.search(written):
        written, extension = written[: found.start()], found[1] or found[2]
    written = _spelt_out(written) or _LABEL_AFTER.sub("", written)
    figures = written.translate(_DIGITS_ONLY)
    if not figures:
        return _bad("There are no digits in the text.")
    if not _WRITTEN.fullmatch(written):
        return _bad("The text holds more than one telephone number, or words that belong to none.")
    return _judge(figures, "+" in written, extension)


def _plain(text: str) -> str:
    """Compatibility forms, other scripts' digits, dashes and spaces as ASCII; invisible marks and quotes dropped."""
    marks = []
    for mark in unicodedata.normalize("NFKC", text):
        if mark > "\x7f":
            value = unicodedata.decimal(mark, None)
            category = unicodedata.category(mark)
            if value is not None:
                mark = str(value)
            elif category == "Pd" or mark == "\u2212":
                mark = "-"
            elif category == "Cf":
                continue
            elif category == "Zs":
                mark = " "
        marks.append(mark)
    return "".join(marks).replace("\t", " ").strip(" \r\n'\"`")


def _spelt_out(written: str) -> str | None:
    """1-800-FLOWERS in digits; None where the letters do not make up a number."""
    found = _VANITY.fullmatch(written.upper())
    if not found:
        return None
    tail = re.sub(r"[ .-]", "", found[2])
    letters = sum(mark.isalpha() for mark in tail)
    # Phones ignore letters past the seventh (1-800-CONTACTS); XXX stands for digits that somebody hid.
    whole = len(tail) == 7 and letters >= 3 or letters == len(tail) and 7 < letters <= 12
    return found[1] + tail[:7].translate(_KEYPAD) if whole and "XXX" not in tail else None


def _judge(figures: str, international: bool, extension: str | None) -> Number:
    """A number from its digits; international: they begin with a country code."""
    size = len(figures)
    if not international:
        for prefix in ("011", "00"):
            if figures.startswith(prefix) and size > 10:
                figures, international = figures[len(prefix) :], True
                size = len(figures)
                break
    if international:
        if not figures.startswith("1"):
            return _foreign(figures, extension)
        if size != 11:
            return _bad(f"{size - 1} digits follow +1; a US number has ten.")
        return _nanp(figures[1:], extension)
    if size == 10:
        return _nanp(figures, extension)
    if size == 11 and figures[0] == "1":
        return _nanp(figures[1:], extension)
    if size == 3 and (figures[1:] == "11" and figures[0] > "1" or figures == "988"):
        if figures == "911":
            return _bad("911 is the emergency number.", "emergency")
        return _bad(f"{figures} is a service code, not a subscriber's number.", "service")
    if size == 7:
        return _bad("The area code is missing: seven digits do not tell the place.")
    if size in (5, 6):
        return _bad("The number has the length of a short code; expected ten digits.")
    return _bad(f"The number has {size} digits; a US number has ten, a foreign one begins with + and its country code.")


def _nanp(ten: str, extension: str | None) -> Number:
    npa, exchange = ten[:3], ten[3:6]
    area = ACTIVE.codes.get(npa)
    if area is None:
        return _bad("The area code begins with 0 or 1; area codes begin with 2 to 9.")
    if exchange not in _EXCHANGES:
        return _bad("The three digits after the area code begin with 0 or 1, or are a service code such as 911.")
    return Number(ten, f"+1{ten}", npa, area.kind, area.reason, extension, area.in_service_from)


def _foreign(figures: str, extension: str | None) -> Number:
    import phonenumbers  # here, for its metadata is slow to load and seldom needed

    try:
        found = phonenumbers.parse("+" + figures)
    except phonenumbers.NumberParseException:
        return _bad("The digits after + begin with no known country code, or are too many or too few.")
    if not phonenumbers.is_possible_number(found):
        return _bad(f"No number of country code +{found.country_code} has this length; a US one is +1 and ten digits.")
    e164 = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    reason = f"The country code +{found.country_code} is outside the United States."
    return Number(None, e164, None, "foreign", reason, extension, None)
