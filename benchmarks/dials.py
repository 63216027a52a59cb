"""Seeded attempts as a dialer sends them: one campaign, one day, numbers spread as people are and written as people write them."""

from collections.abc import Iterator
from random import Random

from dialguard.facts import clock
from dialguard.model.moment import DAY, SECOND, Instant
from simulations.leads import STYLES
from simulations.population import STATE_POPULATION, Choice, Numbers, area_codes

CAMPAIGN: dict[str, object] = {
    "id": "windows", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "subject": "window replacement",
    "industry": "home_improvement", "caller_class": "seller", "recording": False, "caller_states": ["TX"],
    "registered_states": sorted(STATE_POPULATION), "registry_version": "2026-02-20", "registry_area_codes": sorted(area_codes()),
    "abandonment_rate": 0.01,
}  # fmt: skip
START: Instant = clock.parse_instant("2026-03-03T14:00:00Z")
"""A Tuesday, 09:00 in New York; the day's dialing goes on for ten hours from here."""
LENGTH = 10 * 3600


def written(random: Random, styles: Choice, digits: str) -> str:
    """Ten digits as people write them."""
    style = styles.draw(random)
    for letter, digit in zip("ABCDEFGHIJKLM", digits + "123", strict=True):
        style = style.replace(letter, digit)
    return style


def numbers(seed: int) -> Iterator[str]:
    """Numbers as people write them, without end."""
    random = Random(seed)
    source, styles = Numbers(random), Choice({style: weight for style, weight in STYLES.items() if "x" not in style})
    while True:
        yield written(random, styles, source.draw())


def attempts(number: int, seed: int, campaign: object = CAMPAIGN["id"]) -> Iterator[dict[str, object]]:
    """Attempts of one day in the order of time, with every fact that a rule asks of a live call stated; each is made when it
    is asked for, as a dialer does."""
    random, called = Random(seed), numbers(seed)
    for index in range(number):
        yield _attempt(random, next(called), START + index * LENGTH // number * SECOND, index, campaign)


def _attempt(random: Random, to: str, at: Instant, index: int, campaign: object) -> dict[str, object]:
    chance = random.random
    earlier = [at - int((1 + chance() * 9) * DAY) // SECOND * SECOND for _ in range(random.choice((0, 0, 1, 2)))]
    week = sum(at - moment < 7 * DAY for moment in earlier)
    level = random.choice(("none", "none", "none", "express", "express_written"))
    consent: dict[str, object] = {"level": level}
    if level != "none":
        consent["obtained_at"] = clock.format_instant(at - random.randrange(5, 900) * DAY)
    customer = chance() < 0.2
    return {
        "id": f"call-{index}", "channel": "voice", "to": to, "from": "+12125550100",
        "at": clock.format_instant(at, "America/New_York"), "campaign": campaign,
        "contact": {
            "id": f"p{index}", "kind": "consumer", "line_use": "residence", "agreed_hours": "none", "at_work": False,
            "employer_forbids": False, "attorney": False,
        },
        "line_type": random.choice(("wireless", "wireless", "landline", "voip")), "line": {"charged": False},
        "consent": consent, "revocations": [],
        "relationship": {"kind": "transaction", "last_at": clock.format_instant(at - 200 * DAY)} if customer else {"kind": "none"},
        "dnc": {
            "national": chance() < 0.72, "national_since": "2020-03-02", "states": ["PA", "FL"] if chance() < 0.1 else [], "internal": chance() < 0.08,
            "reassigned": "no", "reassigned_asked_at": clock.format_instant(START - DAY), "litigator": False,
        },
        "history": {
            "last_24h": 0, "last_7d": week, "last_30d": len(earlier),
            "attempts": [
                {"at": clock.format_instant(moment), "channel": "voice", "purpose": "telemarketing", "voice": "live"} for moment in sorted(earlier)
            ],
        },
        "caller_id": {"attestation": "A", "callable": True, "do_not_originate": False, "name": "ACME WINDOWS", "blocked": False},
        "emergency": {"declared": []},
    }  # fmt: skip
