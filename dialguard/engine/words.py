"""The sentence of a reason: the rule's message with the figures that decided."""

from collections.abc import Mapping
from datetime import date

from dialguard.engine.programs import Law
from dialguard.expr.nodes import ClosedDay, Count
from dialguard.model.history import History, matching, window_start
from dialguard.model.moment import Moment
from dialguard.packs import values as notation
from dialguard.packs.load import Packs


class _Figures(dict):
    """Figures for a message, worked out when a message names them; an unknown name stays as written."""

    def __init__(self, law: Law, values: Mapping[str, object], moment: Moment, packs: Packs) -> None:
        super().__init__()
        self.law, self.values_, self.moment, self.packs = law, values, moment, packs

    def __missing__(self, name: str) -> str:
        law, moment = self.law, self.moment
        match name:
            case "local_time":
                return f"{moment.second // 3600:02}:{moment.second // 60 % 60:02}:{moment.second % 60:02}"
            case "zone":
                return moment.zone
            case "local_date":
                return date.fromordinal(moment.ordinal).isoformat()
            case "local_day":
                return date.fromordinal(moment.ordinal).strftime("%A")
            case "holiday":
                for node in law.condition.walk():
                    if isinstance(node, ClosedDay):
                        day = self.packs.closed(node.calendar, moment.ordinal)
                        if day:
                            return day
                return "a closed day"
            case "count":
                return str(self._count())
        if name in law.parameters:
            return parameter_in_words(law.parameters[name])
        return "{" + name + "}"

    def _count(self) -> int:
        history = self.values_.get("history.attempts")
        numbers = [0]
        for node in law_counts(self.law):
            if isinstance(history, History):
                start = window_start(node, self.moment)
                numbers.append(sum(1 for at in matching(node, history) if start < at <= self.moment.instant))
        return max(numbers)


def law_counts(law: Law) -> list[Count]:
    """The counts in a rule's condition."""
    return [node for node in law.condition.walk() if isinstance(node, Count)]


def sentence(law: Law, values: Mapping[str, object], moment: Moment, packs: Packs) -> str:
    """One plain sentence with the figures that decided."""
    return law.rule.message.format_map(_Figures(law, values, moment, packs))


_DOUBTS = {
    "list_incomplete": "No version of the list that is in force covers this number",
    "list_stale": "The list at hand is older than the law allows",
    "lookup_unavailable": "The store did not answer",
}


def doubt(kind: str, message: str) -> str:
    """The sentence of a reason that is not certain: what is missing, then what may stand against the attempt."""
    return f"{_DOUBTS.get(kind, 'Not enough is known')}; it cannot be ruled out: {message}"


def parameter_in_words(value: object) -> str:
    """A parameter as a reader would say it."""
    if isinstance(value, dict):
        for read in (notation.windows, notation.period):
            try:
                found = read(value)
            except ValueError:
                continue
            return notation.hours_in_words(found) if read is notation.windows else str(found)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
