"""The short ways, without a store and with one that holds little, come to the same facts as the long one, or leave the attempt to it."""

from random import Random

from dialguard.facts import clock, gather
from dialguard.facts.held import put_alone, put_recorded
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.facts import Facts
from dialguard.model.history import Entry
from dialguard.model.moment import DAY, NEVER, SECOND
from dialguard.model.records import CONVERSATION, Consent, ContactRecord, Internal, LookUp, Pause, Relationship, Revocation
from tests.facts.gathering import AT, CAMPAIGN, packs

NOW = clock.parse_instant(AT)
GUARD = Guard(no_store=True, packs=packs())
GUARD.add_campaign(CAMPAIGN | {"id": "c", "subject": "solar"})
GUARD.add_campaign({"id": "open", "seller": "Acme", "purpose": "survey", "dialing": "manual", "voice": "prerecorded"})
ATTEMPTS = 4000


def made(rng: Random) -> dict[str, object]:
    """An attempt of which most parts are there and most moments lie at an edge."""

    def near() -> str:
        return clock.format_instant(NOW + rng.choice((-30, -7, -1, 0, 1)) * DAY + rng.choice((-1, 0, 1)) * SECOND)

    def some(share: float, **fields: object) -> dict[str, object]:
        return {name: value() if callable(value) else value for name, value in fields.items() if rng.random() < share}

    def past() -> dict[str, object]:
        return {"at": near()} | some(0.4, outcome=rng.choice((CONVERSATION, "no_answer")), to="+12125550123")

    flag = rng.random() < 0.5
    consent = {"level": rng.choice(("none", "express", "express_written"))} | some(
        0.3, obtained_at=near, requested_at=near, form=["agreement"], covers=rng.choice((["live"], ["texts", "other_hours"])), channels=["voice"],
    ) | some(0.1, expires_at=near)  # fmt: skip
    history = some(0.5, last_24h=rng.randrange(3), last_7d=rng.randrange(3), last_30d=rng.randrange(3), last_conversation_at=near)
    if rng.random() < 0.7:
        history["attempts"] = [past() for _ in range(rng.randrange(4))]
    parts = {
        "consent": consent, "history": history, "emergency": {"declared": []}, "debt": {"id": "d"}, "from": "+13015550100",
        "relationship": some(0.3, last_transaction_at=near, current=flag) | some(0.1, ended_at=near) | {"kind": rng.choice(("none", "transaction"))},
        "dnc": some(0.5, national=flag, internal=flag, states=["FL", "PA"], national_since="2026-01-01"), "contact": some(0.5, state="FL", attorney=flag),
    }  # fmt: skip
    sent = some(0.85, **parts) | some(0.05, revocations=[{"at": near()}], line_type="unknown")
    to = rng.choice(("+13015550123", "2025550123", "8505550123", "+12125550123", "+18005550123", "+442079460958", "911"))
    return sent | {"to": to, "campaign": rng.choice(("c", "c", "open")), "channel": rng.choice(("voice", "voice", "sms")), "at": AT}


def parts(facts: Facts) -> tuple:
    return facts.values, facts.at, facts.places, facts.scope, facts.fixed, facts.changes, facts.refresh is None, dict(facts.why), facts.due


def test_both_ways_come_to_the_same() -> None:
    short = 0
    for seed in range(ATTEMPTS):
        sent = made(Random(seed))
        facts, evidence = GUARD._gatherer.gather(read(sent, GUARD._campaigns))
        # A look-up made beforehand that found nothing takes the long way.
        other, more = GUARD._gatherer.gather(read(sent, GUARD._campaigns), LookUp())
        assert parts(facts) == parts(other), (seed, sent)
        assert not facts.places or evidence() == more()
        given = read(sent, GUARD._campaigns)
        values = GUARD._gatherer.start(given.campaign) | given.facts
        short += put_alone(values, given, NOW)
    assert short > ATTEMPTS // 3  # or the comparison proves little


def test_what_is_left_to_the_long_way_is_left_as_it_was() -> None:
    sent = {"to": "+13015550123", "channel": "voice", "campaign": "c", "at": AT, "consent": {"level": "express"}}
    given = read(sent | {"relationship": {"ended_at": AT}}, GUARD._campaigns)
    before = dict(given.facts)
    assert not put_alone(given.facts, given, NOW) and given.facts == before
    assert before["relationship.ended_at"] == NOW and before["relationship.donor_at"] is NEVER


def held(rng: Random) -> LookUp:
    """What a store may answer: mostly nothing, or one consent."""

    def near() -> int:
        return NOW + rng.choice((-30, -1, 0, 1)) * DAY + rng.choice((-1, 0, 1))

    consents = tuple(
        Consent(
            rng.choice(("none", "express", "express_written")), rng.choice((None, ("agreement",))), rng.choice((None, None, ("live",), ("texts",))),
            rng.choice((None, near())), None, rng.choice((None, None, None, near())), rng.choice((None, None, ("voice",))), "r", "consent:1",
        )
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2)))
    )  # fmt: skip
    rest: dict[str, object] = {}
    if rng.random() < 0.2:
        rest = rng.choice((
            {"revocations": (Revocation(near()),)}, {"relationship": Relationship(ended_at=near())}, {"internal": Internal(False)},
            {"internal": Internal(True, near())}, {"attempts": (Entry(near()),)}, {"contact": ContactRecord(attorney=True)},
            {"last_conversation_at": near()}, {"pauses": (Pause(near()),)},
        ))  # fmt: skip
    since = rng.choice((None, NOW - 90 * DAY, NOW - 90 * DAY, NOW - 90 * DAY, NOW, NOW + 1))
    return LookUp(consents[0] if consents else None, complete_since=since, consents=consents, **rest)


def test_both_ways_with_a_store_come_to_the_same(monkeypatch) -> None:
    short = 0
    for seed in range(ATTEMPTS):
        rng = Random(seed)
        sent, found = made(rng), held(rng)
        for name in ("consent", "relationship", "dnc"):
            if rng.random() < 0.6:
                sent.pop(name, None)
        before = read(sent, GUARD._campaigns)
        facts, evidence = GUARD._gatherer.gather(before, found)
        with monkeypatch.context() as patched:
            patched.setattr(gather, "put_recorded", lambda *_: None)
            other, more = GUARD._gatherer.gather(read(sent, GUARD._campaigns), found)
        assert parts(facts) == parts(other), (seed, sent, found)
        assert not facts.places or evidence() == more()
        given = read(sent, GUARD._campaigns)
        values = GUARD._gatherer.start(given.campaign) | given.facts
        untouched = dict(values)
        taken = put_recorded(values, given, found, NOW)
        assert taken is not None or values == untouched
        short += taken is not None
    assert ATTEMPTS // 4 < short < ATTEMPTS * 3 // 4  # or the comparison proves little
