"""Rules among each other: reliefs find the rules that they name, and a rule of an operator takes a shipped rule's place."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from dialguard.packs.examples import SCOPE
from dialguard.packs.reading import Entry
from dialguard.packs.rule import DECIDING, Rule
from dialguard.packs.yamlfile import Problem, suggest


def link(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules with ``relieved_by`` filled in, each superseding one in force from its date, and each superseded one until then."""
    replaced = {old: new for new, old in replacements(rules).items()}
    relieved: dict[str, set[str]] = {}
    for rule in rules.values():
        for target in rule.relieves:
            relieved.setdefault(target, set()).add(rule.id)
            if target in replaced:
                relieved.setdefault(replaced[target], set()).add(rule.id)
    linked = {}
    for key, rule in rules.items():
        rule = replace(rule, relieved_by=tuple(sorted(relieved.get(key, ()))))
        if rule.supersedes is not None:
            first = rule.supersedes.day
            rule = replace(rule, spans=tuple(replace(span, first=max(span.first, first)) for span in rule.spans if span.last >= first))
        if key in replaced:
            rule = _until(rule, takes_over(rules[replaced[key]]))
        linked[key] = rule
    return linked


def replacements(rules: Mapping[str, Rule]) -> dict[str, str]:
    """The id of each rule that stands in another's place, and that other's id; a rule that is never in force replaces nothing."""
    found = {}
    for rule in rules.values():
        old = rules.get(rule.supersedes.rule) if rule.supersedes else None
        if old is not None and not weakens(rule, old) and takes_over(rule) is not None:
            found[rule.id] = old.id
    return found


def weakens(rule: Rule, old: Rule) -> bool:
    """Whether a rule leaves the one that it supersedes standing, and only relieves it."""
    return rule.kind == "relief" and old.kind in DECIDING


def takes_over(rule: Rule) -> int | None:
    """The first day (ordinal) on which a superseding rule stands in the other's place; None: never."""
    if rule.kind == "notice":  # the old rule is repealed, and nothing follows it
        return rule.supersedes.day if rule.status in ("in_force", "repealed") else None
    firsts = [max(span.first, rule.supersedes.day) for span in rule.spans if span.last >= max(span.first, rule.supersedes.day)]
    return min(firsts, default=None)


def _until(rule: Rule, day: int | None) -> Rule:
    """The rule with its last day before ``day``."""
    spans = tuple(replace(span, last=min(span.last, day - 1)) for span in rule.spans if span.first < day)
    return replace(rule, spans=spans, ends=day - 1 if rule.ends is None else min(rule.ends, day - 1))


def check(entries: Mapping[str, Entry], missing: bool) -> Iterator[Problem]:
    """What is wrong between rules. ``missing``: some file could not be read, so that a rule not found may stand there."""
    taken: dict[str, Entry] = {}
    for entry in entries.values():
        model = entry.model
        for index, target in enumerate(model.relieves or () if model.kind == "relief" else ()):
            other = entries.get(target)
            if other is None:
                if not missing:
                    yield entry.problem(
                        ("relieves", index), f"`{model.id}` relieves `{target}`, which does not exist", suggest(target, entries)
                    )
            elif "kind" not in other.unread and other.model.kind not in DECIDING:
                yield entry.problem(("relieves", index), f"`{model.id}` relieves `{target}`, which is a {other.model.kind}")
            elif other.jurisdiction != entry.jurisdiction and None not in (other.jurisdiction, entry.jurisdiction):
                hint = "a relief reaches only its own jurisdiction's rules"
                yield entry.problem(("relieves", index), f"`{model.id}` relieves a rule of {other.jurisdiction}", hint)
            elif target in (model.relieves or ())[:index]:
                yield entry.problem(("relieves", index), f"`{target}` stands twice", "remove one")
        if model.supersedes is not None:
            yield from _supersedes(entry, entries, taken, missing)
        elif entry.operator and model.kind == "relief":
            yield from _unasked(entry, entries)


def _supersedes(entry: Entry, entries: Mapping[str, Entry], taken: dict[str, Entry], missing: bool) -> Iterator[Problem]:
    model = entry.model
    target, where = model.supersedes.rule, ("supersedes", "rule")
    old = entries.get(target)
    if not entry.operator:
        yield entry.problem(
            ("supersedes",), "`supersedes` belongs to an operator's folder", "a shipped rule ends, and a new line or rule follows"
        )
        return
    if old is None:
        if not missing:
            shipped = [key for key, other in entries.items() if not other.operator]
            yield entry.problem(where, f"`{model.id}` supersedes `{target}`, which does not exist", suggest(target, shipped))
        return
    if old.operator:
        yield entry.problem(where, f"`{target}` is a rule of your own", "change it where it stands")
        return
    if target in taken and not (model.kind == "relief" and old.model.kind in DECIDING):
        other = taken[target]
        line = other.document.line(other.path)
        yield entry.problem(where, f"`{target}` is superseded twice", f"by {other.model.id} at {other.document.file}:{line} too")
    if not (model.kind == "relief" and old.model.kind in DECIDING):
        taken.setdefault(target, entry)
    if old.jurisdiction != entry.jurisdiction and None not in (old.jurisdiction, entry.jurisdiction):
        yield entry.problem(
            where,
            f"`{target}` is law of {old.jurisdiction}, and this file of {entry.jurisdiction}",
            "put the rule into a file of that jurisdiction",
        )
    if {"kind", "status"} & (entry.unread | old.unread):
        return
    if old.model.kind == "relief" and model.kind not in ("relief", "notice"):
        yield entry.problem(
            ("kind",), f"a {model.kind} cannot stand in the place of a relief", "write a relief, or a notice when the relief is repealed"
        )
    if model.status == "disputed" and old.model.status != "disputed":
        yield entry.problem(
            ("status",), f"`{target}` is not disputed, and what stands in its place cannot be switched off either", "write status: in_force"
        )
    if model.kind == "relief":
        yield from _reaches(entry, old, entries)


def _reaches(entry: Entry, old: Entry, entries: Mapping[str, Entry]) -> Iterator[Problem]:
    """A relief of an operator lifts no more shipped rules than it says it supersedes."""
    allowed: Collection[str] = {old.model.id} if old.model.kind in DECIDING else set(old.model.relieves or ())
    for index, target in enumerate(entry.model.relieves or ()):
        other = entries.get(target)
        if other is not None and not other.operator and target not in allowed:
            hint = f"it supersedes `{old.model.id}`; write another relief, which supersedes `{target}`"
            yield entry.problem(("relieves", index), f"`{entry.model.id}` may not relieve `{target}`", hint)
    if old.model.kind in DECIDING and old.model.id not in (entry.model.relieves or ()):
        yield entry.problem(
            ("supersedes", "rule"), f"`{entry.model.id}` supersedes `{old.model.id}` and does not relieve it", "name it under `relieves`"
        )


def _unasked(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[Problem]:
    for index, target in enumerate(entry.model.relieves or ()):
        other = entries.get(target)
        if other is not None and not other.operator:
            hint = f"add supersedes: {{rule: {target}, citation: .., date: .., approver: .., reason: ..}}"
            yield entry.problem(("relieves", index), f"`{entry.model.id}` loosens the shipped rule `{target}` without saying so", hint)


def warnings(entries: Mapping[str, Entry]) -> Iterator[Problem]:
    """Reliefs that can never meet the rule that they name."""
    for entry in entries.values():
        for index, target in enumerate(entry.model.relieves or ()):
            other = entries.get(target)
            if other is None or entry.model.applies is None or other.model.applies is None:
                continue
            for key in SCOPE:
                mine, theirs = getattr(entry.model.applies, key), getattr(other.model.applies, key)
                if mine != "any" and theirs != "any" and set(mine).isdisjoint(theirs):
                    text = f"`{entry.model.id}` never relieves `{target}`: their {key} have nothing in common"
                    yield entry.problem(("relieves", index), text)
                    break
