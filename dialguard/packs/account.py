"""The account of the law: which facts have a rule, which are left undecided with a reason, which have neither.

``facts-index.yaml`` names every fact of the law that was reviewed; ``not-decided.yaml`` gives the reasons.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dialguard.packs import yamlfile
from dialguard.packs.rule import Rule
from dialguard.packs.yamlfile import PackError, Problem, shorten, suggest

DECIDED_TOPICS = frozenset(
    {"calling_hours", "holidays", "frequency", "emergency", "federal_dnc", "state_dnc", "internal_dnc", "consent", "autodialer",
     "prerecorded", "ringless_voicemail", "ai_voice", "reassigned", "revocation", "sms", "abandonment"}
)  # fmt: skip
"""Topics of which a fact in force needs a rule that decides; a notice does not do."""
DECIDING = frozenset({"prohibition", "obligation", "relief"})
MOST_OF_ONE_REASON = 20
"""How many facts one reason may serve, facts that only restate federal law left out."""
RULE, UNDECIDED, SHORT = "rule", "not decided", "short"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the law as reviewed; ``federal``: it only restates federal law."""

    id: str
    jurisdiction: str
    topic: str
    status: str
    federal: bool


@dataclass(frozen=True, slots=True)
class Account:
    """Where every fact stands. ``short`` are the facts that lack something, and the reasons used too often, as sentences."""

    state: Mapping[str, str]
    tally: Mapping[str, Counter[str]]
    short: tuple[str, ...]


def facts(path: Path) -> list[Fact]:
    """The facts of an index file; raises PackError where it is not one."""
    document = yamlfile.read(path)
    found, problems = [], []
    data = document.data if isinstance(document.data, dict) else {}
    if not data:
        problems.append(document.problem((), "expected jurisdictions with their facts"))
    for jurisdiction, entries in data.items():
        for identity, entry in (entries if isinstance(entries, dict) else {}).items():
            if not isinstance(entry, dict) or not {"topic", "status"} <= set(entry):
                problems.append(document.problem((jurisdiction, identity), f"`{identity}` has no topic and status"))
                continue
            found.append(Fact(identity, jurisdiction, entry["topic"], entry["status"], entry.get("federal") is True))
    if problems:
        raise PackError(problems)
    return found


def reasons(path: Path, known: Iterable[Fact]) -> dict[str, str]:
    """Fact id to the reason why it is not decided; raises PackError for an unknown id or a missing reason. No file: none."""
    if not path.is_file():
        return {}
    document = yamlfile.read(path)
    ids = {fact.id for fact in known}
    found: dict[str, str] = {}
    problems: list[Problem] = []

    def add(at: tuple, identity: object, reason: object) -> None:
        if identity not in ids:
            problems.append(document.problem(at, f"unknown fact {shorten(identity)}", suggest(identity, ids)))
        elif not isinstance(reason, str) or not reason.strip():
            problems.append(document.problem(at, f"`{identity}` has no reason", "say why no rule decides it"))
        elif identity in found:
            problems.append(document.problem(at, f"`{identity}` stands twice", "remove one"))
        else:
            found[str(identity)] = reason.strip()

    match document.data:
        case dict() as entries:
            for identity, reason in entries.items():
                add((identity,), identity, reason)
        case list() as entries:
            for index, entry in enumerate(entries):
                entry = entry if isinstance(entry, dict) else {}
                add((index,), entry.get("id"), entry.get("reason"))
        case None:
            pass
        case other:
            problems.append(document.problem((), f"expected fact ids with reasons, found {shorten(other)}"))
    if problems:
        raise PackError(problems)
    return found


def owner(rule: str, known: frozenset[str]) -> str | None:
    """The longest fact id that is the rule's id or its beginning up to a dot, or None."""
    parts = rule.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((candidate for candidate in candidates if candidate in known), None)


def account(every: Iterable[Fact], rules: Iterable[Rule], listed: Mapping[str, str], jurisdictions: Iterable[str] | None = None) -> Account:
    """Where the facts stand, of all jurisdictions or of those named."""
    every = list(every)
    known = frozenset(fact.id for fact in every)
    kinds: dict[str | None, set[str]] = {}
    for rule in rules:
        kinds.setdefault(owner(rule.id, known), set()).add(rule.kind)
    wanted = None if jurisdictions is None else set(jurisdictions)
    state: dict[str, str] = {}
    tally: dict[str, Counter[str]] = {}
    short: list[str] = []
    used: Counter[str] = Counter()
    for fact in every:
        if wanted is not None and fact.jurisdiction not in wanted:
            continue
        found, reason = kinds.get(fact.id, set()), listed.get(fact.id)
        must_decide = fact.topic in DECIDED_TOPICS and fact.status == "in_force"
        if found & DECIDING or (found and not must_decide):
            state[fact.id] = RULE
        elif reason:
            state[fact.id] = UNDECIDED
            used[reason] += not fact.federal
        else:
            state[fact.id] = SHORT
            short.append(f"{fact.id}: {'only a notice' if found else 'neither rule nor reason'}")
        tally.setdefault(fact.jurisdiction, Counter())[state[fact.id]] += 1
    short += [f"one reason for {number} facts: {reason[:80]}" for reason, number in used.items() if number > MOST_OF_ONE_REASON]
    return Account(state, tally, tuple(short))
