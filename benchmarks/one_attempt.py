"""One attempt from a dict to a verdict, beside ``phonenumbers.parse`` of the same number."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from random import Random

import phonenumbers

from benchmarks.dials import CAMPAIGN, attempts
from benchmarks.timing import Pair, paired, show
from dialguard import Guard
from dialguard.facts import clock
from dialguard.facts.numbers import parse
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY
from dialguard.packs.load import Packs, load
from dialguard.storage.embedded import EmbeddedStore
from simulations import registry

CHUNK = 300
WARM = 3_000
LISTED = 300_000
CONSENTED = 20_000
GROUP = 20
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
    # The verdict by itself: what else takes turns with it would empty the processor's caches between.
    results = [*paired(pairs[:1], BASE, _parse, rounds, CHUNK), *paired(pairs[1:], BASE, _parse, rounds, CHUNK)[1:]]
    decided = [check(attempt) for attempt in attempts(WARM, 1)]
    denied = [decision for decision in decided if not decision.allowed]
    open_ = sum(any("needs" in reason for reason in decision.reasons) for decision in denied)
    notes = [
        f"{len(packs.rules)} rules; {len(denied) / WARM:.0%} of the attempts are denied, {open_ / WARM:.1%} for want of a fact.",
    ]
    show("One attempt: a dict with all facts in, a verdict out", results, notes)
    with tempfile.TemporaryDirectory() as folder:
        results = paired(_with_store(Path(folder), packs, number), BASE, _parse, rounds, CHUNK)
    notes = [
        f"A store on disk: {LISTED:,} listed numbers, a complete ledger with {CONSENTED:,} consents, the time now. A group is {GROUP} attempts in "
        "one call of check_together: its microseconds are of the group, its ratio of one.",
    ]
    show("One attempt: {to, channel, campaign} in, a verdict by a store out", results, notes)


def _parse(asked: Attempt | list[Attempt]) -> None:
    for attempt in asked if isinstance(asked, list) else (asked,):
        phonenumbers.parse(attempt["to"], "US")


def _with_store(folder: Path, packs: Packs, number: int) -> list[Pair]:
    """By a store on disk, alone and in groups as a service asks, following its ledger or not; of numbers with nothing held and with a
    consent."""
    now, seller = clock.now(), str(CAMPAIGN["seller"])
    today = date.fromordinal(clock.fixed(now, 0).ordinal)
    file = folder / "national.txt"
    registry.write(file, registry.generate(LISTED, 7))
    import_list(folder, "national", file, published=today, whole_plan=True, received_at=now)
    store = EmbeddedStore(folder)
    store.declare_complete(seller, now - 800 * DAY, known_at=now - 800 * DAY)
    consented = sorted({str(parse(attempt["to"]).e164) for attempt in attempts(CONSENTED, 96)})
    store.record_many("consent", [
        {"seller": seller, "number": to, "level": "express_written", "obtained_at": now - 90 * DAY, "known_at": now - 90 * DAY} for to in consented
    ])  # fmt: skip
    pairs = []
    for kind, made in (("", store), (", followed", EmbeddedStore(folder, follow=True))):
        guard = Guard(made, packs=packs)
        guard.add_campaign(CAMPAIGN)
        for attempt in [*_little(WARM, 97), *_held(WARM, consented)]:
            guard.check(attempt)
        if not kind:
            pairs.append(Pair("check of {to, channel, campaign}, store", guard.check, _little(number, 6)))
        for which, asked in (("nothing held", _little(number * GROUP, 7)), ("a consent", _held(number * GROUP, consented))):
            pairs.append(Pair(f"{GROUP} such in a group{kind}, {which}", guard.check_together, _groups(asked)))
    return pairs


def _groups(asked: Iterator[Attempt]) -> Iterator[list[Attempt]]:
    while group := list(islice(asked, GROUP)):
        yield group


def _held(number: int, consented: list[str]) -> Iterator[Attempt]:
    rng = Random(8)
    for attempt in _little(number, 9):
        yield {**attempt, "to": rng.choice(consented)}


def _little(number: int, seed: int) -> Iterator[Attempt]:
    for attempt in attempts(number, seed):
        yield {name: attempt[name] for name in ("to", "channel", "campaign")}
