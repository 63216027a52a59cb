"""Seeded random attempts on the neutral rules; about 60 % violate one or more."""

import random

from benchmarks.neutral.rules import STATES

SEED = 7
NEVER = 99_999
"""Days since something that never happened."""


def attempts(number: int, seed: int = SEED) -> list[dict[str, object]]:
    """The first attempts of the seed, each with all 23 facts."""
    rng = random.Random(seed)
    weights = [min(40, 1 + int(30 * rng.random() ** 3)) for _ in STATES]
    return [_attempt(rng, weights) for _ in range(number)]


def _attempt(rng: random.Random, weights: list[int]) -> dict[str, object]:
    pick, chance = rng.choices, rng.random
    channel = "voice" if chance() < 0.75 else "sms"
    if channel == "voice":
        mode = pick(("manual", "predictive", "prerecorded"), (3, 5, 2))[0]
    else:
        mode = rng.choice(("manual", "predictive"))
    minute = int(rng.triangular(360, 1380, 840)) if chance() < 0.9 else rng.randrange(1440)
    month = rng.randrange(1, 13)
    return {
        "channel": channel,
        "purpose": pick(("telemarketing", "informational", "collections", "political", "emergency"), (60, 20, 10, 8, 2))[0],
        "dialing_mode": mode,
        "line_type": pick(("wireless", "landline", "voip"), (65, 20, 15))[0],
        "state": pick(STATES, weights)[0],
        "local_dow": rng.randrange(7),
        "local_minute": minute,
        "local_mmdd": rng.choice((101, 704, 1126, 1225, 724, 1111)) if chance() < 0.03 else month * 100 + rng.randrange(1, 29),
        "dnc_national": chance() < 0.4,
        "dnc_state": chance() < 0.15,
        "dnc_internal": chance() < 0.02,
        "consent": pick((0, 1, 2), (50, 20, 30))[0],
        "consent_age": rng.randrange(4000),
        "consent_revoked": chance() < 0.02,
        "ebr_purchase_days": rng.randrange(1200) if chance() < 0.3 else NEVER,
        "ebr_inquiry_days": rng.randrange(200) if chance() < 0.1 else NEVER,
        "attempts_24h": min(9, int(rng.expovariate(1))),
        "attempts_7d": min(30, int(rng.expovariate(0.4))),
        "attestation": pick(("A", "B", "C", "N"), (70, 20, 8, 2))[0],
        "caller_id_ok": chance() < 0.98,
        "abandon_ppm": round(chance() * 40) * 1000,
        "reassigned": chance() < 0.01,
        "exempt_org": chance() < 0.05,
    }
