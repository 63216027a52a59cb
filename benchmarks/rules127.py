"""127 rules, ids only: this engine beside hand-written Python and two other engines, in one process."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.neutral import peers
from benchmarks.neutral.attempts import attempts
from benchmarks.neutral.hand import checker
from benchmarks.neutral.packs import facts_of, moments, neutral_packs
from benchmarks.neutral.rules import Attempt, rules, violated
from benchmarks.timing import Contender, Result, interleaved, ratio, show
from dialguard.engine.judge import Engine
from dialguard.facts import clock

NUMBER, CHECKED = 5_000, 2_000
OURS, OWN_TIMES, HAND, CEL, DURABLE = "dialguard", "dialguard, each at its own moment", "by hand", "Rust CEL", "durable_rules"
SLOW = {CEL: 50, DURABLE: 50}


def run(rounds: int) -> list[Result]:
    """Check every contender, time them in turns and print the table."""
    held, given = rules(), attempts(NUMBER)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(neutral_packs(Path(folder)), clock)
    times = moments(NUMBER)
    contenders = [
        Contender(HAND, checker(), given),
        Contender(OURS, engine.rule_ids, [facts_of(attempt, times[0]) for attempt in given]),
        Contender(OWN_TIMES, engine.rule_ids, [facts_of(attempt, at) for attempt, at in zip(given, times, strict=True)]),
    ]
    notes = ["The facts of an attempt are given to each in the form that it takes; preparing them is not timed."]
    for name, make, package in ((CEL, peers.cel, "common-expression-language"), (DURABLE, peers.durable_rules, "durable_rules")):
        try:
            contenders.append(Contender(name, make(held), given, SLOW[name]))
        except ImportError as error:
            notes.append(f"left out: {name} (pip install {package}; {error})")
    expected = [violated(held, attempt) for attempt in given[:CHECKED]]
    for contender in contenders:
        check(contender.name, contender.call, contender.inputs, expected)
    share = sum(map(bool, expected)) / len(expected)
    notes.append(f"{len(held)} rules, {len(given[0])} facts; {share:.0%} of the attempts violate something; {CHECKED} answers of each are right.")
    # A program is made when it is first needed; what is timed is the engine in use.
    for contender in contenders[1:3]:
        for facts in contender.inputs:
            contender.call(facts)
    results = interleaved(contenders, max(rounds, 3) * 10)
    for name in SLOW:
        if any(result.name == name for result in results):
            notes.append(f"{name} takes {ratio(results, name, OURS):.0f} times as long as dialguard")
    show("127 rules, the ids of all that an attempt violates", results, notes)
    return results


def check(name: str, call: Callable[[object], object], inputs: list[Attempt], expected: list[frozenset[str]]) -> None:
    """Stop where a contender's answers are not those of the plain interpreter."""
    for number, wanted in enumerate(expected):
        found = list(call(inputs[number]))
        if len(found) != len(set(found)) or set(found) != wanted:
            raise SystemExit(f"{name} errs on attempt {number}: expected {sorted(wanted)}, found {sorted(found)}")
