"""One attempt from a dict to a verdict, beside ``phonenumbers.parse`` of the same number."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import phonenumbers

from benchmarks.dials import CAMPAIGN, attempts
from benchmarks.timing import Pair, paired, show
from dialguard import Guard
from dialguard.facts import clock
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY
from dialguard.packs.load import Packs, load
from dialguard.storage.embedded import EmbeddedStore
from simulations import registry

CHUNK = 300
WARM = 3_000
LISTED = 300_000
BASE = "phonenumbers.parse"
Attempt = Mapping[str, object]


def run(rounds: int) -> None:
    """Time every way of asking in turns and print the table."""
    packs = load()
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(CAMPAIGN)
    check = guard.check

    def reasons(attempt: Attempt) -> object:
        decision = check(attempt)
        return decision.reasons, decision.obligations

    def whole(attempt: Attempt) -> object:
        return check(attempt).as_dict()

    def retry(attempt: Attempt) -> object:
        return check(attempt).retry_at

    number = rounds * CHUNK
    pairs = [
        Pair("check: the verdict", check, attempts(number, 1)),
        Pair("check, reasons and obligations read", reasons, attempts(number, 2)),
        Pair("check, retry_at read", retry, attempts(number, 3)),
        Pair("check, everything read", whole, attempts(number, 4)),
        Pair("check, the campaign as an object", check, attempts(number, 5, CAMPAIGN)),
    ]
    # The first attempt of a campaign in a state makes its programs; what is timed is a dialer at work.
    for attempt in attempts(WARM, 98):
        whole(attempt)
    for attempt in attempts(WARM, 99, CAMPAIGN):
        check(attempt)
    with tempfile.TemporaryDirectory() as folder:
        pairs.append(_with_store(Path(folder), packs, number))
        results = paired(pairs, BASE, lambda attempt: phonenumbers.parse(attempt["to"], "US"), rounds, CHUNK)
    decided = [check(attempt) for attempt in attempts(WARM, 1)]
    denied = [decision for decision in decided if not decision.allowed]
    open_ = sum(any("needs" in reason for reason in decision.reasons) for decision in denied)
    notes = [
        f"{len(packs.rules)} rules; {len(denied) / WARM:.0%} of the attempts are denied, {open_ / WARM:.1%} for want of a fact.",
        f"The last one judges {{to, channel, campaign}} by a store on disk: {LISTED:,} listed numbers, a complete ledger, the time now.",
    ]
    show("One attempt: a dict with all facts in, a verdict out", results, notes)


def _with_store(folder: Path, packs: Packs, number: int) -> Pair:
    now = clock.now()
    today = date.fromordinal(clock.fixed(now, 0).ordinal)
    file = folder / "national.txt"
    registry.write(file, registry.generate(LISTED, 7))
    import_list(folder, "national", file, published=today, whole_plan=True, received_at=now)
    store = EmbeddedStore(folder)
    store.declare_complete(str(CAMPAIGN["seller"]), now - 800 * DAY, known_at=now - 800 * DAY)
    guard = Guard(store, packs=packs)
    guard.add_campaign(CAMPAIGN)
    for attempt in _little(WARM, 97):
        guard.check(attempt)
    return Pair("check of {to, channel, campaign}, store", guard.check, _little(number, 6))


def _little(number: int, seed: int) -> Iterator[Attempt]:
    for attempt in attempts(number, seed):
        yield {name: attempt[name] for name in ("to", "channel", "campaign")}
