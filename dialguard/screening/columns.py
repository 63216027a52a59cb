"""Which column of a list is which: recognised by name, or told."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dialguard.facts.given import OPEN
from dialguard.facts.regions import MILITARY_STATES, STATE_NAMES, STATES, canonical_zone, zip_places
from dialguard.screening.classes import comparable
from dialguard.screening.read import series_of
from dialguard.screening.source import TableError

# Names in the order of preference, letters and digits only. VICIdial's list export comes first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "phone": (
        "phonenumber", "phone", "number1", "phone1", "phonenumber1", "telephone", "telephonenumber", "primaryphone", "to",
        "mobile", "mobilephone", "mobilenumber", "mobilephonenumber", "cell", "cellphone", "cellnumber", "cellphonenumber",
        "homephone", "homephonenumber", "dayphone", "contactnumber", "contactphone", "phoneno", "phonenum", "tel", "msisdn", "number",
    ),
    "state": ("state", "statecode", "usstate", "statename", "stateprovince", "contactstate"),
    "zip": ("postalcode", "zip", "zipcode", "zip5", "postcode", "zippostalcode", "contactzip"),
    "county": ("county", "countyfips", "countyname", "fips"),
    "timezone": ("timezone", "tz", "timezonename", "ianatimezone"),
    "contact_id": ("contactid", "personid"),
    "line_type": ("linetype", "phonetype", "numbertype"),
    "dial_code": ("phonecode", "countrycallingcode", "callingcode", "dialcode"),
}  # fmt: skip
FIELDS: Mapping[str, str] = {
    "phone": "to", "state": "contact.state", "zip": "contact.zip", "county": "contact.county", "timezone": "contact.timezone",
    "contact_id": "contact.id", "line_type": "line_type",
}  # fmt: skip
"""The field of an attempt that a column fills. ``dial_code`` is the country's, and goes before the number."""

_SOUNDS_LIKE_A_PHONE = re.compile(r"phone|mobile|cell|^number\d|^tel\d?$|^fax")
_LINE_TYPES = {
    "wireless": "wireless", "mobile": "wireless", "cell": "wireless", "cellular": "wireless", "cellphone": "wireless",
    "landline": "landline", "wireline": "landline", "fixedline": "landline", "fixed": "landline", "voip": "voip",
    "tollfree": "toll_free",
}  # fmt: skip
_EMPTY = frozenset(("", "nan", "none", "null", "n/a", "na", "#n/a", "nat", "<na>"))


@dataclass(frozen=True)
class Columns:
    """Where the fields of an attempt stand: ``places`` maps each recognised name, or a dotted field of an attempt, to a
    column's place. ``passed_over`` are other columns that look like telephone numbers."""

    names: tuple[str, ...]
    places: Mapping[str, int]
    passed_over: tuple[str, ...]

    def shown(self) -> str:
        """What was recognised, for a reader."""
        return ", ".join(f"{field} = {self.names[place]}" for field, place in self.places.items())

    def fields(self, series: Callable[[int], pl.Series]) -> dict[str, pl.Series]:
        """The columns that fill fields of an attempt, by field, as they stand; the telephone number with its dial code.

        ``series`` gives a column by its place.
        """
        found = {FIELDS.get(name, name): _without_nan(series(place)) for name, place in self.places.items() if name != "dial_code"}
        if "dial_code" in self.places:
            found["to"] = _with_codes(found["to"], series(self.places["dial_code"]))
        return found


def _without_nan(column: pl.Series) -> pl.Series:
    """A spreadsheet's empty cells."""
    return column.fill_nan(None) if column.dtype.is_float() else column


def abridged(field: str, column: pl.Series) -> pl.Series:
    """A column with fewer distinct values that mean the same: of a ZIP+4 the ZIP."""
    if field == "contact.zip" and column.dtype == pl.String:
        return column.str.replace(r"^(\d{5})-\d{4}$", "$1")
    return column


def cleaned(field: str, value: object) -> object:
    """A cell as a value of an attempt; None where it is empty."""
    return _CLEAN.get(field, _plain)(value)


def in_common(field: str) -> Callable[[object], Hashable]:
    """What of a cell the law can tell apart: a function from a raw value."""
    clean, common = _CLEAN.get(field, _plain), _COMMON.get(field)

    def meaning(value: object) -> Hashable:
        value = clean(value)
        if common is not None and isinstance(value, str) and value != OPEN:
            return common(value)
        return comparable(value)

    return meaning


def recognise(names: Sequence[object], told: Mapping[str, str]) -> Columns:
    """Find the columns of a list by their names. ``told`` maps a field to a column's name, '' to none at all.

    Raises TableError where there is no phone column, or a column that was told is not there or stands twice.
    """
    short = {field: name for name, field in FIELDS.items()}
    told = {short.get(field, field): name for field, name in told.items()}
    shown = tuple(str(name) for name in names)
    plain = [_letters(name) for name in shown]
    places: dict[str, int] = {}
    for field, known in NAMES.items():
        if field in told:
            continue
        found = [plain.index(name) for name in known if name in plain]
        if found:
            places[field] = _single(shown, found[0], field)
    for field, name in told.items():
        if field not in NAMES and "." not in field and field not in ("id", "line_type", "from", "revocations"):
            raise TableError(
                f"a column cannot be mapped to {field!r:.40}; expected one of {', '.join(NAMES)}, or a field of an attempt such as consent.level"
            )
        if name:
            if name not in shown:
                raise TableError(f"there is no column {name!r:.60}; the columns are {_listed(shown)}")
            places[field] = _single(shown, shown.index(name), field)
    if "phone" not in places:
        raise TableError(
            f"there is no column with telephone numbers; the columns are {_listed(shown)}. Expected a header line with a column such as "
            "phone_number, phone or number1; name it with --map phone=COLUMN"
        )
    rest = tuple(name for place, name in enumerate(shown) if place not in places.values() and _SOUNDS_LIKE_A_PHONE.search(plain[place]))
    return Columns(shown, {field: places[field] for field in (*NAMES, *told) if field in places}, rest)


def _single(names: Sequence[str], place: int, field: str) -> int:
    if names.count(names[place]) > 1:
        raise TableError(
            f"the column {names[place]!r:.60}, read as {field}, stands {names.count(names[place])} times; give each column its own name"
        )
    return place


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(repr(name[:40]) for name in names[:12])
    return f"{text} and {len(names) - 12} more" if len(names) > 12 else text or "none"


def _plain(value: object) -> object:
    """A cell as a value of an attempt; None where it is empty."""
    if isinstance(value, str):
        value = value.strip()
        low = value.lower()
        return None if low in _EMPTY else {"true": True, "false": False}.get(low, value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else value
    return value


def _phone(value: object) -> object:
    """The number as it stands: reading it is the engine's affair, and an empty one is a reason too."""
    return "" if value is None or value != value else value


def _text(value: object) -> object:
    value = _plain(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _state(value: object) -> object:
    value = _text(value)
    if not isinstance(value, str):
        return value
    value = value.upper()
    return value if len(value) <= 2 else STATE_NAMES.get(_letters(value), value)


def _zip(value: object) -> object:
    """A ZIP with the leading zeros that a spreadsheet took away."""
    value = _text(value)
    if not isinstance(value, str):
        return value
    five, hyphen, four = value.partition("-")
    if five.isdecimal():
        if 3 <= len(five) < 5:
            five = five.zfill(5)
        elif 7 <= len(five) < 9 and not hyphen:
            five = five.zfill(9)
    return five + hyphen + four


def _or_none(value: object) -> object:
    """A cell of a field of which the contract's word ``none`` is a statement: a known absence, which is not an empty cell."""
    return "none" if isinstance(value, str) and value.strip() == "none" else _plain(value)


def _line_type(value: object) -> object:
    """The contract's word for a line type; a word that is not known leaves it open, which is the stricter."""
    value = _plain(value)
    return _LINE_TYPES.get(_letters(value)) if isinstance(value, str) else None


def coded(number: object, code: object) -> object:
    """A number with the dial code that stands beside it, where that is another country's."""
    return _with_code(number, code) if _foreign(code) else number


def _with_codes(numbers: pl.Series, codes: pl.Series) -> pl.Series:
    """Numbers under another country's dial code must not be read as US ones of the same digits."""
    distinct = dict.fromkeys(codes.to_list()) if codes.dtype == pl.Object else codes.unique().to_list()
    foreign = [code for code in distinct if _foreign(code)]
    if not foreign:
        return numbers
    if pl.Object in (numbers.dtype, codes.dtype) or numbers.dtype != pl.String:
        return series_of([coded(number, code) for number, code in zip(numbers, codes, strict=True)])
    places = codes.is_in(foreign).fill_null(False).arg_true()
    written = [_with_code(numbers[place], codes[place]) for place in places.to_list()]
    return numbers.clone().scatter(places, pl.Series(written, dtype=pl.String))


def _foreign(code: object) -> bool:
    digits = str(_plain(code) or "").lstrip("+0")
    return digits.isdecimal() and digits not in ("1", "11")


def _with_code(number: object, code: object) -> object:
    digits = str(_plain(code) or "").lstrip("+0")
    written = str(_plain(number) or "").strip()
    return number if written.startswith(("+", "011")) or not written else f"+{digits}{written}"


_CLEAN: Mapping[str, Callable[[object], object]] = {
    "to": _phone, "contact.state": _state, "contact.zip": _zip, "contact.county": _text, "contact.timezone": _text, "contact.id": _text,
    "debt.id": _text, "id": _text, "from": _text, "line_type": _line_type, "consent.level": _or_none, "relationship.kind": _or_none,
    "caller_id.attestation": _or_none, "contact.agreed_hours": _or_none, "contact.inconvenient": _or_none,
}  # fmt: skip


def _known_state(code: str) -> str:
    """All that is no state says as little."""
    return code if code in STATES or code in MILITARY_STATES else ""


def _known_zip(code: str) -> Hashable:
    """ZIPs of the same states and zones say the same."""
    found = zip_places(code)
    return "" if isinstance(found, str) else tuple(sorted((state, tuple(zones)) for state, zones in found.items()))


_COMMON: Mapping[str, Callable[[str], Hashable]] = {
    "contact.state": _known_state, "contact.zip": _known_zip, "contact.timezone": lambda name: canonical_zone(name) or "",
}  # fmt: skip
