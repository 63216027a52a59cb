"""Generated Python that judges many rules on one attempt in a few microseconds.

Each condition is compiled up to three times: *possible* (an unknown test counts as met), *certain* (an unknown test counts
as not met) and *stubborn* (as possible, but an unknown asserted fact takes the value that silences the rule). ``not``
swaps possible and certain. The generated function appends the ids of rules that deny and of rules that oblige; the
kind of a denial (certain or open) is worked out by the same closures when it is asked for.
"""

import itertools
import linecache
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialguard.backends.counting import counter
from dialguard.backends.sharing import CERTAIN, OPPOSITE, POSSIBLE, STUBBORN, YIELDING, Asked, Survey, cost
from dialguard.expr.nodes import All, Any, ClosedDay, Const, Count, FACT_OF_COUNT, LocalTime, Node, Not, Period, Test, facts_read
from dialguard.expr.outcome import silenceable
from dialguard.model.facts import naming
from dialguard.model.moment import DAY, NEVER, SECOND
from dialguard.model.vocabulary import Vocabulary

_SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
_numbers = itertools.count()
READ_FIRST = frozenset({"dnc.internal", "revocations", "revocations.any"})
"""Facts of a store that nearly every program asks at once."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule as a program sees it: its condition and the reliefs that name it, folded."""

    rule: str
    kind: str
    condition: Node
    reliefs: tuple[Node, ...]
    deny_unknown: bool = False


Program = Callable[[dict, object, list, list], None]
"""(facts with every name present, moment, ids that deny, ids that oblige) -> None."""


class _Days(dict):
    """Whether a date is closed, remembered."""

    def __init__(self, closed: Callable[[int], object]) -> None:
        super().__init__()
        self._closed = closed

    def __missing__(self, ordinal: int) -> bool:
        if len(self) > 4000:
            self.clear()
        answer = self[ordinal] = self._closed(ordinal) is not None
        return answer


class Compiler:
    """Writes the source of one program and keeps the constants that it uses."""

    def __init__(self, closed: Callable[[str, int], str | None], vocabulary: Vocabulary) -> None:
        self.closed = closed
        self.vocabulary = vocabulary
        self.constants: dict[str, object] = {"NEVER": NEVER, "inside": _inside}
        self.facts: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self._named: dict[tuple[str, object], str] = {}
        self._variables: dict[str, str] = {}
        self._asserts: dict[Node, bool] = {}
        self._first: list[Asked] = []
        self._early: dict[Asked, str] = {}
        self._late: dict[Asked, str] = {}
        self._once: frozenset[str] = frozenset()

    def constant(self, kind: str, key: object, value: object) -> str:
        """The name of a constant, one for each distinct (kind, key)."""
        name = self._named.get((kind, key))
        if name is None:
            name = self._named[kind, key] = f"{kind}{len(self._named)}"
            self.constants[name] = value
        return name

    def fact(self, name: str) -> str:
        """The local variable that holds a fact from the start of the program."""
        variable = self.facts[name] = self._variable(name)
        return variable

    def _variable(self, fact: str) -> str:
        return self._variables.setdefault(fact, f"f{len(self._variables)}")

    def local(self, name: str, source: str) -> str:
        """A local variable of the moment."""
        self.locals.setdefault(name, source)
        return name

    def expression(self, node: Node, mode: str) -> str:
        """Python source that is true as the mode says."""
        asked = node, self._plain(node, mode)
        if asked in self._early:
            return self._early[asked]
        name = self._late.get(asked)
        text = self._written(*asked)
        return text if name is None else f"({name} if {name} is not None else ({name} := {text}))"

    def _plain(self, node: Node, mode: str) -> str:
        """The mode, or the simpler one that means the same where no asserted fact is read."""
        if mode in (POSSIBLE, CERTAIN):
            return mode
        asserts = self._asserts.get(node)
        if asserts is None:
            facts = (fact for part in node.walk() if isinstance(part, Test) for fact in part.reads())
            asserts = self._asserts[node] = any(map(self.vocabulary.is_asserted, facts))
        return mode if asserts else POSSIBLE if mode == STUBBORN else CERTAIN

    def _written(self, node: Node, mode: str) -> str:
        match node:
            case Const(None):
                return str(mode in (POSSIBLE, STUBBORN))
            case Const(value):
                return str(value)
            case All(items):
                return self._joined(" and ", items, mode)
            case Any(items):
                return self._joined(" or ", items, mode)
            case Not(item):
                return f"(not {self.expression(item, OPPOSITE[mode])})"
            case LocalTime():
                return self._local_time(node)
            case ClosedDay(calendar):
                days = self.constant("days", calendar, _Days(lambda ordinal: self.closed(calendar, ordinal)))
                return f"{days}[{self.local('o', 'm.ordinal')}]"
            case Count():
                reached, history = self.constant("count", node, counter(node)), f"\0{FACT_OF_COUNT}\0"
                if mode not in (POSSIBLE, STUBBORN):
                    return self._put(f"({history} is not None and {reached}({history}, m) is True)", FACT_OF_COUNT)
                return self._put(f"({history} is None or {reached}({history}, m) is not False)", FACT_OF_COUNT)
            case Test():
                return self._test(node, mode)
        raise TypeError(f"closures have no code for {type(node).__name__}")

    def _joined(self, word: str, items: Sequence[Node], mode: str) -> str:
        # The order of the items means nothing: those that cost least stand first.
        return "(" + word.join(self.expression(item, mode) for item in sorted(items, key=cost)) + ")"

    def _test(self, node: Test, mode: str) -> str:
        if node.settled:
            unknown_counts = False
        elif mode in (STUBBORN, YIELDING):
            asserted = self.vocabulary.is_asserted(node.fact)
            unknown_counts = (mode == STUBBORN) != asserted
        else:
            unknown_counts = mode == POSSIBLE
        facts = node.reads()
        text = self._held(node, [f"\0{fact}\0" for fact in facts], unknown_counts)
        for fact in facts:
            text = self._put(text, fact)
        return text

    def _read_late(self, fact: str) -> bool:
        """Whether a fact is read where it is asked for and not at the start: few attempts come to the question."""
        known = self.vocabulary.get(fact)
        return known is not None and known.fact_class == "store" and fact not in READ_FIRST

    def _put(self, text: str, fact: str) -> str:
        """The text of a test with a fact's mark replaced by its variable, or by the reading of it."""
        mark = f"\0{fact}\0"
        if fact not in self._once and not self._read_late(fact):
            return text.replace(mark, self.fact(fact))
        if text.count(mark) == 1:
            return text.replace(mark, f"F[{fact!r}]")
        variable = self._variable(fact)
        return text.replace(mark, f"({variable} := F[{fact!r}])", 1).replace(mark, variable)

    def _held(self, node: Test, names: list[str], unknown_counts: bool) -> str:
        name, value = names[0], node.value
        if node.operator == "in":
            if value == {True}:
                return f"({name} is not False)" if unknown_counts else f"({name} is True)"
            if value == {False}:
                return f"({name} is not True)" if unknown_counts else f"({name} is False)"
            words = sorted(map(repr, value)) + (["None"] if unknown_counts else [])
            return f"({name} in {{{', '.join(words)}}})"
        if node.operator == "stated":
            return "True" if unknown_counts else f"({name} is not None)"
        match node.operator:
            case "at_least" | "at_most" | "above" | "below":
                test = f"{name} {_SIGNS[node.operator]} {value!r}"
            case "has_any":
                test = f"not {name}.isdisjoint({self.constant('set', value, value)})"
            case "open":
                test = f"inside({name}[{self.local('w', 'm.weekday')}], {self.local('s', 'm.second')})"
            case "came":
                now = "m.ordinal" if node.kind == "date" else "m.instant"
                test = f"({name} is not NEVER and {name} <= {now})"
            case "within" | "older_than":
                test = f"{name} is not NEVER and {self._elapsed(name, node)}"
            case _:
                test = self._before(node, names)
        if unknown_counts:
            return "(" + " or ".join(f"{each} is None" for each in names) + f" or {test})"
        return "(" + " and ".join(f"{each} is not None" for each in names) + f" and {test})"

    def _elapsed(self, name: str, node: Test) -> str:
        """Whether a fact lies in the past, within a period or longer ago; written out where no date has to be worked out."""
        period, within = node.value, node.operator == "within"
        if node.kind == "date" and not period.months and not period.exact:
            today = self.local("o", "m.ordinal")
            return f"{name} <= {today} <= {name} + {period.days}" if within else f"{name} + {period.days} < {today}"
        if node.kind != "date" and period.exact:
            now = self.local("i", "m.instant")
            return f"{name} <= {now} < {name} + {period.microseconds}" if within else f"{name} + {period.microseconds} <= {now}"
        return f"{self.constant('period', (node.operator, period, node.kind), _period(period, within, node.kind))}({name}, m)"

    @staticmethod
    def _before(node: Test, names: list[str]) -> str:
        sign = "<" if node.operator == "before" else ">"
        if len(names) == 2:
            return f"({names[0]} is not NEVER and {names[1]} is not NEVER and {names[0]} {sign} {names[1]})"
        left = f"m.date_of({names[0]})" if node.kind == "moment" else names[0]
        return f"({names[0]} is not NEVER and {left} {sign} {node.value!r})"

    def _local_time(self, node: LocalTime) -> str:
        if node.offset is None:
            weekday, second = self.local("w", "m.weekday"), self.local("s", "m.second")
        else:
            base = self.local(f"x{node.offset % 86_400}", f"m.instant // {SECOND} + {node.offset}")
            weekday = self.local(f"w{base}", f"({base} // 86400 + 3) % 7")
            second = self.local(f"s{base}", f"{base} % 86400")
        if all(len(day) <= 1 for day in node.windows):
            if len(set(node.windows)) == 1:
                if not node.windows[0]:
                    return "False"
                start, end = node.windows[0][0]
                return f"({start} <= {second} < {end})"
            opens = tuple(day[0][0] if day else 86_400 for day in node.windows)
            closes = tuple(day[0][1] if day else 0 for day in node.windows)
            return f"({self.constant('opens', opens, opens)}[{weekday}] <= {second} < {self.constant('closes', closes, closes)}[{weekday}])"
        spans = self.constant("spans", node.windows, node.windows)
        return f"inside({spans}[{weekday}], {second})"

    def compile(self, clauses: Sequence[Clause], name: str) -> Program:
        """One function for all clauses."""
        self._survey(clauses)
        early = [f"  {variable} = {self._written(*asked)}" for asked, variable in self._worked_out_first()]
        body = self._body(clauses)
        head = ["def program(F, m, deny, oblige):", *self._readings(), *early]
        head += [f"  {variable} = None" for variable in self._late.values()]
        if not body:
            body = ["  pass"]
        source = "\n".join(head + body) + "\n"
        file = f"<dialguard {name} {next(_numbers)}>"
        space = dict(self.constants)
        exec(compile(source, file, "exec"), space)  # noqa: S102 - our own text, from checked nodes only
        program = naming(space["program"])
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        weakref.finalize(program, linecache.cache.pop, file, None).atexit = False
        return program

    def _body(self, clauses: Sequence[Clause]) -> list[str]:
        """The statements of all clauses; obligations that ask the same are put together."""
        body: list[str] = []
        duties: dict[str, list[str]] = {}
        for fact, alike in self._alike(clauses).items():
            union = Test(fact, "in", frozenset().union(*(clause.condition.value for clause in alike)))
            body.append(f"  if {self.expression(union, POSSIBLE)}:")
            body.extend(f"  {line}" for clause in alike for line in self._prohibition(clause))
            clauses = [clause for clause in clauses if clause not in alike]
        for clause in clauses:
            if clause.kind == "obligation":
                duties.setdefault(self._bites(clause), []).append(clause.rule)
            else:
                body.extend(self._prohibition(clause))
        for asked, rules in duties.items():
            body.append(f"  if {asked}: oblige.append({rules[0]!r})" if len(rules) == 1 else f"  if {asked}: oblige += {tuple(rules)!r}")
        return body

    @staticmethod
    def _alike(clauses: Sequence[Clause]) -> dict[str, list[Clause]]:
        """Prohibitions that ask of one and the same fact whether it is one of some words, where there are several such."""
        found: dict[str, list[Clause]] = {}
        for clause in clauses:
            if clause.kind == "prohibition" and isinstance(clause.condition, Test) and clause.condition.operator == "in":
                found.setdefault(clause.condition.fact, []).append(clause)
        return {fact: alike for fact, alike in found.items() if len(alike) > 2}

    def _readings(self) -> list[str]:
        lines = [f"  {variable} = F[{fact!r}]" for fact, variable in self.facts.items()]
        return lines + [f"  {variable} = {source}" for variable, source in self.locals.items()]

    def _survey(self, clauses: Sequence[Clause]) -> None:
        """Find what is worth working out once."""
        survey = Survey(self._plain)
        for clause in clauses:
            survey.add(clause.condition, POSSIBLE)
            for relief in clause.reliefs:
                survey.add(relief, CERTAIN)
            asserted = self._asserted(clause)
            if asserted:
                survey.add(clause.condition, STUBBORN if set(asserted.values()) == {1} else CERTAIN)
        early, late = survey.early(self._reads_late), survey.late()
        self._once = survey.read_once([*early, *late])
        self._late = {asked: f"c{number}" for number, asked in enumerate(late)}
        self._first = early

    def _reads_late(self, node: Node) -> bool:
        return any(self._read_late(fact) for fact in facts_read(node))

    def _worked_out_first(self):
        """One by one, so that a part may use those before it and not itself."""
        for number, asked in enumerate(self._first):
            yield asked, f"e{number}"
            self._early[asked] = f"e{number}"

    def _bites(self, clause: Clause) -> str:
        """That the condition is possible and no relief certain."""
        possible = self.expression(clause.condition, POSSIBLE)
        lifted = [f"not {self.expression(relief, CERTAIN)}" for relief in sorted(clause.reliefs, key=cost)]
        return " and ".join(lifted if possible == "True" and lifted else [possible, *lifted])

    def _prohibition(self, clause: Clause) -> list[str]:
        bites = self._bites(clause)
        asserted = self._asserted(clause)
        if not asserted:
            return [f"  if {bites}: deny.append({clause.rule!r})"]
        if set(asserted.values()) == {1}:
            decides = self.expression(clause.condition, STUBBORN)
        else:
            # A fact that is read twice must take one value in both places: all its values are tried.
            held = self.constant("stubborn", clause.condition, _stubborn(clause.condition, self.closed, self.vocabulary))
            decides = f"({self.expression(clause.condition, CERTAIN)} or {held}(F, m))"
        return [f"  if {bites}:", f"    (deny if {decides} else oblige).append({clause.rule!r})"]

    def _asserted(self, clause: Clause) -> dict[str, int]:
        """How often each asserted fact is read by the clause's own condition."""
        times: dict[str, int] = {}
        if not clause.deny_unknown:
            for node in clause.condition.walk():
                if isinstance(node, Test):
                    for fact in node.reads():
                        if self.vocabulary.is_asserted(fact):
                            times[fact] = times.get(fact, 0) + (1 if len(node.reads()) == 1 and self._two_sided(node) else 2)
        return times

    def _two_sided(self, node: Test) -> bool:
        """Whether some value of the fact meets the test and another does not, so that the modes may settle it by themselves."""
        match node.operator:
            case "in":
                fact = self.vocabulary.get(node.fact)
                every = {"flag": (True, False), "choice": fact.values}.get(fact.type)
                return bool(node.value) and (every is None or not node.value.issuperset(every))
            case "has_any":
                return bool(node.value)
            case "within" | "older_than":
                return node.value != Period()
        return node.operator != "stated"


def _inside(spans: Sequence[tuple[int, int]], second: int) -> bool:
    for start, end in spans:
        if start <= second < end:
            return True
    return False


def _stubborn(condition: Node, closed, vocabulary) -> Callable[[dict, object], bool]:
    def stubborn(facts: dict, moment) -> bool:
        return not silenceable(condition, facts, moment, closed, vocabulary)

    return stubborn


def _period(period: Period, inside: bool, kind: str) -> Callable[[int, object], bool]:
    if kind == "date":
        return lambda value, m: value <= m.ordinal and (m.ordinal <= period.end_from(value)) == inside
    # Far from the edge a subtraction settles it; only near the edge are dates worked out.
    near, far = (period.months * 28 + period.days - 2) * DAY, (period.months * 31 + period.days + 2) * DAY

    def test(value: int, m) -> bool:
        passed = m.instant - value
        if passed < 0:
            return False
        if passed < near:
            return inside
        if passed > far:
            return not inside
        return (m.ordinal <= period.end_from(m.date_of(value))) == inside

    return test


def predicate(node: Node, mode: str, closed, vocabulary: Vocabulary) -> Callable[[dict, object], bool]:
    """A single condition compiled in one mode: (facts with every name present, moment) -> bool."""
    compiler = Compiler(closed, vocabulary)
    expression = compiler.expression(node, mode)
    source = "\n".join(["def predicate(F, m):", *compiler._readings(), f"  return {expression}"])
    space = dict(compiler.constants)
    exec(compile(source, "<dialguard predicate>", "exec"), space)  # noqa: S102
    return space["predicate"]
