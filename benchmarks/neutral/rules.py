"""The rules as boolean trees, and the plain interpreter that every evaluator is checked against.

A condition is a leaf ``(fact, operator, value)`` with an operator of OPERATORS, or ``{"all": [..]}``, ``{"any": [..]}``,
``{"not": condition}``. The answer to an attempt is the set of the ids of all rules whose condition holds.
"""

import operator
from collections.abc import Callable, Mapping

Leaf = tuple[str, str, object]
Condition = Leaf | dict[str, object]
Attempt = Mapping[str, object]

OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "in": lambda value, among: value in among,
}  # fmt: skip
STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN "
    "TX UT VT VA WA WV WI WY DC PR GU VI AS MP"
).split()

# Hours as (open, close) in minutes for Monday to Friday, Saturday and Sunday; None is closed.
_EIGHT_TO_NINE = ((480, 1260),) * 3
_HOURS: dict[str, tuple[tuple[int, int] | None, ...]] = {
    **dict.fromkeys(("FL", "OK", "MA", "WA", "WY", "MD"), ((480, 1200),) * 3),
    **dict.fromkeys(("AL", "LA", "MS"), ((480, 1200), (480, 1200), None)),
    **dict.fromkeys(("CT", "NV", "IN"), ((540, 1200),) * 3),
    **dict.fromkeys(("NM", "MN"), ((540, 1260),) * 3),
    "UT": ((480, 1260), (480, 1260), None),
    "RI": ((540, 1080), (600, 1020), None),
    "TX": ((540, 1260), (540, 1260), (720, 1260)),
    "KY": ((600, 1260),) * 3,
    "SD": ((540, 1260), (540, 1260), None),
    "SC": ((480, 1140),) * 3,
    "ME": ((540, 1020),) * 3,
    "NE": ((480, 1260), (480, 1260), (780, 1260)),
}
# Closed days as month * 100 + day.
_CLOSED_DAYS = {
    "AL": [101, 704, 1126, 1225], "LA": [101, 704, 1111, 1126, 1225, 217], "MS": [101, 704, 1225], "NE": [1225],
    "PA": [101, 704, 1225], "RI": [101, 704, 1126, 1225, 525], "UT": [101, 704, 724, 1126, 1225], "OK": [1225, 101],
}  # fmt: skip
# State lists: for how many days after a purchase they do not bind (0: always), and those that spare exempt callers.
_LISTS = {"CO": 540, "FL": 0, "IN": 0, "LA": 180, "MA": 540, "MO": 540, "OK": 365, "PA": 365, "TN": 365, "TX": 540, "WY": 180, "MS": 180}
_LISTS_SPARE_EXEMPT = ("IN", "MS", "WY")
_AUTODIALER_STATES = ("FL", "OK", "WA", "MD", "CT", "NJ", "GA", "AZ", "NY", "VA")
_RECORDING_STATES = ("AR", "CA", "IN", "MN", "MT", "NC", "ND", "NJ")


def all_of(*conditions: Condition) -> Condition:
    """Every one of them."""
    return {"all": list(conditions)}


def any_of(*conditions: Condition) -> Condition:
    """At least one of them."""
    return {"any": list(conditions)}


def none_of(condition: Condition) -> Condition:
    """The opposite."""
    return {"not": condition}


def state(code: str) -> Leaf:
    """The called person is in that state."""
    return ("state", "==", code)


def outside(opens: int, closes: int) -> Condition:
    """The local time lies outside [opens, closes)."""
    return any_of(("local_minute", "<", opens), ("local_minute", ">=", closes))


VOICE, TEXT = ("channel", "==", "voice"), ("channel", "==", "sms")
MARKETING, COLLECTING = ("purpose", "==", "telemarketing"), ("purpose", "==", "collections")
INFORMING, POLITICAL = ("purpose", "==", "informational"), ("purpose", "==", "political")
NOT_EMERGENCY = ("purpose", "!=", "emergency")
AUTODIALED, RECORDED = ("dialing_mode", "in", ["predictive", "prerecorded"]), ("dialing_mode", "==", "prerecorded")
PREDICTIVE = ("dialing_mode", "==", "predictive")
NOT_EXEMPT = ("exempt_org", "==", False)
WIRELESS = ("line_type", "==", "wireless")
NO_CONSENT, WRITTEN, NOT_WRITTEN = ("consent", "==", 0), ("consent", ">=", 2), ("consent", "<", 2)
CUSTOMER = any_of(("ebr_purchase_days", "<=", 540), ("ebr_inquiry_days", "<=", 90))
ON_NATIONAL_LIST = ("dnc_national", "==", True)


def rules() -> dict[str, Condition]:
    """All 127 by their ids, in order."""
    held: dict[str, Condition] = {}
    for part in (_hours(), _closed_days(), _frequency(), _lists(), _consent(), _identity()):
        for name, condition in part:
            held[rule_id(name, home(condition))] = condition
    return held


def rule_id(name: str, jurisdiction: str = "US") -> str:
    """``CW-FED`` as ``us.cw-fed``, the form that rule files ask for."""
    return f"{jurisdiction}.{name}".lower()


def home(condition: Condition) -> str:
    """The state that a condition asks for, else US."""
    if isinstance(condition, dict) and "all" in condition:
        return next((found for item in condition["all"] if (found := home(item)) != "US"), "US")
    return condition[2] if isinstance(condition, tuple) and condition[:2] == ("state", "==") else "US"


def _hours():
    for code in STATES:
        weekdays, saturday, sunday = _HOURS.get(code, _EIGHT_TO_NINE)
        on_sunday: Condition = ("local_dow", "==", 6)
        if sunday is not None:
            on_sunday = all_of(on_sunday, outside(*sunday))
        on_weekdays = all_of(("local_dow", "<", 5), outside(*weekdays))
        on_saturday = all_of(("local_dow", "==", 5), outside(*saturday))
        yield f"CW-{code}", all_of(state(code), MARKETING, NOT_EXEMPT, any_of(on_weekdays, on_saturday, on_sunday))
    yield "CW-FED", all_of(MARKETING, outside(480, 1260))
    yield "CW-FED-COLL", all_of(COLLECTING, outside(480, 1260))
    yield "CW-EBR-SMS", all_of(TEXT, INFORMING, outside(420, 1320))
    yield "CW-TX-SMS", all_of(TEXT, MARKETING, state("TX"), ("local_dow", "==", 6), ("local_minute", "<", 720))


def _closed_days():
    for code, days in _CLOSED_DAYS.items():
        yield f"HOL-{code}", all_of(state(code), MARKETING, NOT_EXEMPT, ("local_mmdd", "in", days))


def _frequency():
    day, week = "attempts_24h", "attempts_7d"
    caps = [
        (all_of(state("FL"), MARKETING), day, 3),
        (all_of(state("OK"), MARKETING), day, 3),
        (all_of(state("MD"), MARKETING), day, 3),
        (all_of(state("WA"), MARKETING), day, 2),
        (all_of(state("MA"), COLLECTING), week, 2),
        (all_of(COLLECTING, VOICE), week, 7),
        (all_of(INFORMING, RECORDED, ("line_type", "==", "landline")), week, 3),
        (all_of(TEXT, INFORMING), day, 3),
        (all_of(state("NY"), MARKETING, TEXT), day, 4),
        (all_of(POLITICAL, AUTODIALED), week, 9),
    ]
    for number, (whom, period, cap) in enumerate(caps, 1):
        yield f"FREQ-{number}", all_of(whom, (period, ">=", cap))


def _lists():
    internal = ("dnc_internal", "==", True)
    yield "DNC-NAT", all_of(ON_NATIONAL_LIST, MARKETING, NOT_EXEMPT, NOT_WRITTEN, none_of(CUSTOMER))
    yield "DNC-INT", all_of(internal, ("purpose", "in", ["telemarketing", "informational"]))
    yield "DNC-INT-POL", all_of(internal, POLITICAL, NOT_EXEMPT)
    for code, days in _LISTS.items():
        conditions = [state(code), ("dnc_state", "==", True), MARKETING, NOT_WRITTEN]
        if days:
            conditions.append(("ebr_purchase_days", ">", days))
        if code in _LISTS_SPARE_EXEMPT:
            conditions.append(NOT_EXEMPT)
        yield f"DNC-{code}", all_of(*conditions)
    yield "DNC-EBR-STALE", all_of(ON_NATIONAL_LIST, INFORMING, ("ebr_purchase_days", ">", 540), NO_CONSENT)


def _consent():
    not_marketing = ("purpose", "in", ["informational", "collections", "political"])
    yield "CON-AUTO-WIRELESS-TM", all_of(AUTODIALED, WIRELESS, MARKETING, NOT_WRITTEN)
    yield "CON-AUTO-WIRELESS-INFO", all_of(AUTODIALED, WIRELESS, not_marketing, NO_CONSENT)
    yield "CON-PRE-LAND-TM", all_of(RECORDED, ("line_type", "in", ["landline", "voip"]), MARKETING, NOT_WRITTEN)
    yield "CON-SMS-TM", all_of(TEXT, MARKETING, NOT_WRITTEN)
    yield "CON-SMS-INFO", all_of(TEXT, INFORMING, NO_CONSENT)
    yield "CON-STALE", all_of(MARKETING, WRITTEN, ("consent_age", ">", 1825), AUTODIALED)
    yield "CON-STALE-INFO", all_of(("consent", "==", 1), ("consent_age", ">", 3650), INFORMING)
    yield "CON-REVOKED", all_of(("consent_revoked", "==", True), NOT_EMERGENCY)
    for code in _AUTODIALER_STATES:
        spared = [NOT_EXEMPT] if code in ("OK", "MD", "VA") else [none_of(CUSTOMER)] if code in ("GA", "AZ") else []
        yield f"CON-MINI-{code}", all_of(state(code), MARKETING, AUTODIALED, NOT_WRITTEN, *spared)
    yield "RND", all_of(("reassigned", "==", True), ("consent", ">", 0), AUTODIALED)


def _identity():
    yield "ATT-C", all_of(VOICE, AUTODIALED, ("attestation", "==", "C"))
    yield "ATT-NONE", all_of(VOICE, ("attestation", "==", "N"), NOT_EMERGENCY)
    yield "CID", all_of(VOICE, ("caller_id_ok", "==", False), ("purpose", "in", ["telemarketing", "collections"]))
    yield "ABN", all_of(PREDICTIVE, MARKETING, ("abandon_ppm", ">", 30_000))
    yield "ABN-ST", all_of(PREDICTIVE, ("state", "in", ["CA", "NY", "TX"]), MARKETING, ("abandon_ppm", ">", 25_000))
    machine_politics = ["AR", "IN", "MT", "NC", "ND", "SC", "WY"]
    yield "PRE-POL-WIRELESS", all_of(POLITICAL, RECORDED, ("state", "in", machine_politics))
    for code in _RECORDING_STATES:
        purposes = ["telemarketing"] if code == "NC" else ["telemarketing", "political"]
        yield f"PRE-ADAD-{code}", all_of(state(code), VOICE, RECORDED, NO_CONSENT, ("purpose", "in", purposes))


def holds(condition: Condition, attempt: Attempt) -> bool:
    """The meaning of a condition."""
    if isinstance(condition, tuple):
        fact, test, value = condition
        return OPERATORS[test](attempt[fact], value)
    ((join, below),) = condition.items()
    if join == "not":
        return not holds(below, attempt)
    return (all if join == "all" else any)(holds(item, attempt) for item in below)


def violated(held: Mapping[str, Condition], attempt: Attempt) -> frozenset[str]:
    """Ids of the rules that an attempt violates, by the plain interpreter."""
    return frozenset(name for name, condition in held.items() if holds(condition, attempt))
