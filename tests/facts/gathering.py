"""Facts of an attempt, for tests of what absence means."""

from functools import cache

from dialguard.facts.feed import Feed
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.reading import read
from dialguard.model.facts import Facts
from dialguard.packs.load import Packs, load

CAMPAIGN = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
AT = "2026-03-03T12:00:00-05:00"
LEAST = {"to": "+12125550123", "channel": "voice", "campaign": CAMPAIGN, "at": AT}


@cache
def packs() -> Packs:
    return load()


def facts_of(attempt=None, *, found=None, store=None, feed=None, as_of=None) -> Facts:
    """The facts of LEAST with fields changed; ``found`` is what a store holds, ``store`` the store itself."""
    given = read(LEAST | (attempt or {}), {})
    gatherer = Gatherer(Sources(packs(), store, feed or Feed(), as_of))
    return gatherer.gather(given, found)[0]


def values_of(attempt=None, **sources) -> dict[str, object]:
    return facts_of(attempt, **sources).values
