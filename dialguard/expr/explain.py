"""A condition in plain English: one function for each kind of node; a kind without one is refused.

The words say what the node means and nothing more: a reader must be able to hold them against the statute.
"""

from collections.abc import Iterable
from datetime import date
from functools import singledispatch

from dialguard.expr.nodes import All, Any, ClosedDay, Const, Count, LocalTime, Node, Not, Test, Windows
from dialguard.model.vocabulary import Vocabulary

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SUBJECTS = {
    "channel": "the channel",
    "number.kind": "the kind of the called number",
    "line_type": "the called line",
    "line.ported_to_wireless_at": "the porting of the number to wireless",
    "campaign.purpose": "the purpose",
    "campaign.dialing": "the dialing",
    "campaign.voice": "the voice",
    "campaign.subject": "the campaign's subject",
    "campaign.industry": "the seller's industry",
    "campaign.caller_class": "the class of the caller",
    "campaign.abandonment_rate": "the share of abandoned calls",
    "campaign.caller_states": "the list of states in which the agents sit",
    "campaign.registered_states": "the list of states in which the seller or caller is registered",
    "campaign.registry_version": "the copy of the national registry that was scrubbed against",
    "campaign.sms_registration": "the registration of the text campaign",
    "campaign.sender_kind": "the kind of number that texts are sent from",
    "contact.kind": "the kind of contact",
    "contact.line_use": "the use of the line",
    "contact.agreed_hours": "the times that the person agreed to",
    "contact.inconvenient": "the times that the person said are inconvenient",
    "contact.inconvenient_places": "the places that the person said are inconvenient",
    "contact.ceased_at": "the person's written request to cease or refusal to pay",
    "contact.last_inbound_at": "the person's own last message or call",
    "consent.level": "the consent in force",
    "consent.form": "the form of the consent",
    "consent.covers": "what the consent covers",
    "consent.obtained_at": "the giving of the consent",
    "consent.requested_at": "the person's last request to be contacted",
    "relationship.last_transaction_at": "the last transaction",
    "relationship.last_inquiry_at": "the last inquiry",
    "relationship.ended_at": "the end of the relationship",
    "relationship.donor_at": "the last gift to the charity",
    "dnc.national_since": "the registration on the national registry",
    "dnc.internal_since": "the person's do-not-call request to the seller",
    "dnc.reassigned": "the answer of the Reassigned Numbers Database",
    "dnc.reassigned_asked_at": "the question to the Reassigned Numbers Database",
    "history.last_conversation_at": "the last conversation with the person",
    "caller_id.kind": "the kind of the shown number",
    "caller_id.attestation": "the expected attestation of the caller ID",
    "caller_id.name": "the name sent with the call",
}
_PROPOSITIONS = {
    "dnc.litigator": "the number is on a list of known litigants",
    "message.first": "it is the first message of the campaign to this person",
    "message.confirms_revocation": "it is the one text that confirms a revocation",
}
_FAMILIES = {
    "dnc.list": "the number is on the {} do-not-call list",
    "emergency.in": "a state of emergency is declared where the person is in {}",
    "emergency.proclaimed_day": "the local date is a day that {} has proclaimed closed",
}


def sentence(node: Node, vocabulary: Vocabulary) -> str:
    """The whole condition in one line; raises TypeError for a kind of node that has no words."""
    return english(node, vocabulary)


def lines(node: Node, vocabulary: Vocabulary, indent: str = "") -> list[str]:
    """The condition as lines, the parts of an `all` or `any` one below the other."""
    match node:
        case All(items):
            return _below("all of these hold:", items, vocabulary, indent)
        case Any(items):
            return _below("any of these holds:", items, vocabulary, indent)
        case Not(All(items)):
            return _below("not all of these hold:", items, vocabulary, indent)
        case Not(Any(items)):
            return _below("none of these holds:", items, vocabulary, indent)
    return [indent + english(node, vocabulary)]


def _below(head: str, items: Iterable[Node], vocabulary: Vocabulary, indent: str) -> list[str]:
    found = [indent + head]
    for item in items:
        first, *rest = lines(item, vocabulary, indent + "    ")
        found += [f"{indent}  - {first.strip()}", *rest]
    return found


@singledispatch
def english(node: Node, vocabulary: Vocabulary) -> str:
    """One node in words."""
    raise TypeError(f"no English for {type(node).__name__}")


@english.register
def _(node: Const, vocabulary: Vocabulary) -> str:
    return {True: "always", False: "never", None: "it is left open"}[node.value]


@english.register
def _(node: All, vocabulary: Vocabulary) -> str:
    return " and ".join(_part(item, vocabulary) for item in node.items) if node.items else "always"


@english.register
def _(node: Any, vocabulary: Vocabulary) -> str:
    return " or ".join(_part(item, vocabulary) for item in node.items) if node.items else "never"


def _part(node: Node, vocabulary: Vocabulary) -> str:
    text = english(node, vocabulary)
    return f"({text})" if isinstance(node, (All, Any)) else text


@english.register
def _(node: Not, vocabulary: Vocabulary) -> str:
    if isinstance(node.item, LocalTime):
        return _local_time(node.item, "outside")
    if isinstance(node.item, Test):
        text = _test(node.item, vocabulary, negated=True)
        if text:
            return text
    return f"not: {_part(node.item, vocabulary)}"


@english.register
def _(node: LocalTime, vocabulary: Vocabulary) -> str:
    return _local_time(node, "within")


def _local_time(node: LocalTime, word: str) -> str:
    clock = "the called party's local time" if node.offset is None else f"the time at {_offset(node.offset)}"
    return f"{clock} is {word} {hours(node.windows)}"


@english.register
def _(node: ClosedDay, vocabulary: Vocabulary) -> str:
    return f"the called party's local date is a closed day of the calendar {node.calendar}"


@english.register
def _(node: Count, vocabulary: Vocabulary) -> str:
    whom = {"person": "to the person", "number": "to the number", "debt": "about the debt"}[node.per]
    if node.calendar_days:
        time = "since local midnight" if node.calendar_days == 1 else f"since local midnight {node.calendar_days - 1} days earlier"
    else:
        time = f"in the last {node.last}"
    limits = [f"{name} {'' if among else 'not '}{_words(values)}" for name, values, among in node.where]
    limits += [f"the same {name}" for name in node.same]
    which = f" ({', '.join(limits)})" if limits else ""
    attempts = "earlier attempt" if node.at_least == 1 else "earlier attempts"
    return f"at least {node.at_least} {attempts}{which} {whom} {time}"


@english.register
def _(node: Test, vocabulary: Vocabulary) -> str:
    return _test(node, vocabulary, negated=False) + (" (as stated)" if node.settled else "")


def _test(node: Test, vocabulary: Vocabulary, negated: bool) -> str:
    """A test in words; its opposite where that has words of its own, else nothing."""
    if node.settled and negated:
        return ""
    subject, value, no = subject_of(node.fact, vocabulary), node.value, "not " if negated else ""
    match node.operator:
        case "in" if value <= {True, False}:
            if len(value) == 2:
                return "" if negated else f"it is known whether {_proposition(node.fact, vocabulary)}"
            told = _proposition(node.fact, vocabulary)
            return told if (True in value) != negated else f"not: {told}"
        case "in":
            return f"{subject} is {no}{_words(value)}"
        case "has_any" if node.fact == "campaign.claims":
            return f"the caller {'does not claim' if negated else 'claims'} {_words(value)}"
        case "has_any":
            return f"{subject} {'does not include' if negated else 'includes'} {_words(value)}"
        case "at_least" | "at_most" | "above" | "below":
            figure = f"{value / 10_000:g} %" if _is_rate(node.fact, vocabulary) else str(value)
            return "" if negated else f"{subject} is {node.operator.replace('_', ' ')} {figure}"
        case "within":
            return f"{subject} does not lie within the last {value}" if negated else f"{subject} lies within the last {value}"
        case "older_than":
            return f"{subject} does not lie more than {value} back" if negated else f"{subject} lies more than {value} back"
        case "before" | "after":
            other = subject_of(value, vocabulary) if isinstance(value, str) else date.fromordinal(value).isoformat()
            return f"{subject} {'does not come' if negated else 'comes'} {node.operator} {other}"
        case "came":
            return f"{subject} has not come" if negated else f"{subject} has come"
        case "open":
            return f"the local time does not lie in {subject}" if negated else f"the local time lies in {subject}"
        case "stated":
            return "" if negated else f"{subject} is known"
    raise TypeError(f"no English for {node.operator}")


def subject_of(name: str, vocabulary: Vocabulary) -> str:
    """A fact as the subject of a sentence."""
    if name in _SUBJECTS:
        return _SUBJECTS[name]
    fact = vocabulary.get(name)
    if fact is not None and fact.type == "flag":
        return f"whether {_proposition(name, vocabulary)}"
    return f"`{name}`" if fact is None or not fact.meaning else f"`{name}` ({_first_clause(fact.meaning)})"


def _proposition(name: str, vocabulary: Vocabulary) -> str:
    """A flag as a statement that is true or false."""
    if name in _PROPOSITIONS:
        return _PROPOSITIONS[name]
    family, _, code = name.rpartition(".")
    if family in _FAMILIES:
        return _FAMILIES[family].format(code)
    fact = vocabulary.get(name)
    return _first_clause(fact.meaning) if fact is not None and fact.meaning else f"`{name}`"


def _first_clause(meaning: str) -> str:
    text = meaning.split("; ")[0].split(" (")[0].rstrip(".")
    return text[:1].lower() + text[1:]


def _is_rate(name: str, vocabulary: Vocabulary) -> bool:
    fact = vocabulary.get(name)
    return fact is not None and fact.type == "rate"


def _words(values: Iterable[object]) -> str:
    *most, last = sorted(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return f"{', '.join(most)} or {last}" if most else last


def hours(windows: Windows) -> str:
    """Windows in words: ``08:00-20:00 every day``, ``08:00-20:00 Monday to Saturday, never on Sunday``."""
    parts, start = [], 0
    for index in range(1, 8):
        if index == 7 or windows[index] != windows[start]:
            spans = " and ".join(f"{_clock(first)}-{_clock(end)}" for first, end in windows[start]) or "never on"
            days = _DAYS[start] if index - start == 1 else f"{_DAYS[start]} to {_DAYS[index - 1]}"
            if (start, index) == (0, 7):
                spans, days = (spans, "every day") if windows[0] else ("no hours", "at all")
            parts.append(f"{spans} {days}")
            start = index
    return ", ".join(parts)


def _clock(second: int) -> str:
    text = f"{second // 3600:02}:{second // 60 % 60:02}"
    return f"{text}:{second % 60:02}" if second % 60 else text


def _offset(seconds: int) -> str:
    sign, rest = ("-" if seconds < 0 else "+"), abs(seconds)
    return f"UTC{sign}{rest // 3600:02}:{rest // 60 % 60:02}"
