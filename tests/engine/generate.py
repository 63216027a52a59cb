"""Seeded facts, moments and whole attempts for comparing evaluators: boundaries are hit often, unknowns at every rate."""

import random
from collections.abc import Iterable
from types import SimpleNamespace

from dialguard.expr.nodes import ClosedDay, Count, LocalTime, Node, Period, Test
from dialguard.facts import clock
from dialguard.facts.areacodes import ACTIVE
from dialguard.model.history import Entry, History
from dialguard.model.moment import DAY, HOUR, NEVER, SECOND, Moment
from dialguard.packs.load import Packs
from dialguard.storage.memory import MemoryStore

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "America/Puerto_Rico", "Pacific/Guam",
)  # fmt: skip
CHANNELS = ("voice", "sms", "mms", "rvm", "fax")
PURPOSES = ("telemarketing", "charitable", "political", "survey", "debt_collection", "healthcare", "informational", "emergency")
FIRST, LAST = 1_167_609_600 * SECOND, 1_893_456_000 * SECOND  # 2007 to 2030


def random_instant(rng: random.Random) -> int:
    """Any second of 2007 to 2030, often near the law's changes of late or a full hour."""
    if rng.random() < 0.6:
        base = rng.randrange(1_735_689_600, 1_861_920_000) * SECOND  # 2025 to 2028
    else:
        base = rng.randrange(FIRST // SECOND, LAST // SECOND) * SECOND
    if rng.random() < 0.5:
        base = base // HOUR * HOUR + rng.choice((-1, 0, 1)) * SECOND
    return base


class FactMaker:
    """Random values of facts, drawn from the values that the rules hold them against."""

    def __init__(self, packs: Packs, conditions: Iterable[Node]) -> None:
        self.packs = packs
        self.periods: dict[str, set[Period]] = {}
        self.words: dict[str, set[str]] = {}
        self.marks: dict[str, set[int]] = {}
        self.counts: set[Count] = set()
        self.names = {name for name in packs.vocabulary.facts if not name.endswith("*")}
        for condition in conditions:
            for node in condition.walk():
                if isinstance(node, Test):
                    self.names.update(node.reads())
                    if isinstance(node.value, Period):
                        self.periods.setdefault(node.fact, set()).add(node.value)
                    elif isinstance(node.value, frozenset):
                        self.words.setdefault(node.fact, set()).update(word for word in node.value if isinstance(word, str))
                    elif isinstance(node.value, int):
                        self.marks.setdefault(node.fact, set()).add(node.value)
                elif isinstance(node, Count):
                    self.counts.add(node)
        self.order = sorted(self.names)
        self.count_list = sorted(self.counts, key=repr)

    def facts(self, rng: random.Random, moment: Moment, unknown: float) -> dict[str, object]:
        """All facts, each unknown with the given probability."""
        found: dict[str, object] = {}
        for name in self.order:
            found[name] = None if rng.random() < unknown else self.value(rng, name, moment)
        return found

    def value(self, rng: random.Random, name: str, moment: Moment) -> object:
        """A value of one fact."""
        fact = self.packs.vocabulary.get(name)
        match fact.type:
            case "flag":
                return rng.random() < 0.3
            case "choice":
                return rng.choice(fact.values)
            case "text":
                return rng.choice([*sorted(self.words.get(name, ())), "something else"])
            case "set":
                pool = sorted(self.words.get(name, set()) | set(fact.values))
                return frozenset(word for word in pool if rng.random() < (0.05 if name == "campaign.claims" else 0.4))
            case "integer" | "rate":
                marks = sorted(self.marks.get(name, {0}))
                return max(0, rng.choice(marks) + rng.choice((-1, 0, 1)))
            case "windows":
                return tuple(tuple(sorted({(a, a + 3600) for a in rng.sample(range(0, 82_800, 3600), 2)})) for _ in range(7))
            case "attempts":
                return self.history(rng, moment)
        return self.time(rng, name, fact.type, moment)

    def time(self, rng: random.Random, name: str, kind: str, moment: Moment) -> object:
        """A date or moment, often right at the edge of a period that some rule asks about."""
        if rng.random() < 0.3:
            return NEVER
        periods = sorted(self.periods.get(name, ()), key=repr)
        days = rng.randrange(0, 900)
        if periods and rng.random() < 0.7:
            period = rng.choice(periods)
            if period.exact:
                return moment.instant - period.microseconds + rng.choice((-1, 0, 1))
            days = max(0, round(period.months * 30.437) + period.days + rng.choice((-2, -1, 0, 1, 2)))
        if rng.random() < 0.05:
            days = -rng.randrange(1, 40)
        if kind == "date":
            return moment.ordinal - days
        return moment.instant - days * DAY + rng.randrange(-DAY, DAY)

    def history(self, rng: random.Random, moment: Moment) -> History:
        """Earlier attempts, with fields that match now and then and edges of windows."""
        entries = []
        for _ in range(rng.choice((0, 0, 1, 2, 3, 4, 8, 9))):
            back = rng.choice((DAY, 7 * DAY, 30 * DAY, HOUR)) + rng.choice((-1, 0, 1, -HOUR, HOUR))
            if rng.random() < 0.5:
                back = rng.randrange(1, 8 * DAY)
            pick = lambda *words: rng.choice((None, *words))  # noqa: E731
            entries.append(
                Entry(
                    moment.instant - back, pick("+12125550123", "+13055550100"), pick(*CHANNELS), pick(*PURPOSES), pick("a", "b"),
                    pick("live", "prerecorded", "ai"), pick("answered", "no_answer", "did_not_connect"), pick("d1", "d2"), None,
                )
            )  # fmt: skip
        since = rng.choice((None, -(10**18), moment.instant - DAY, moment.instant - DAY + 1, moment.instant - 40 * DAY))
        bounds = [rng.choice((None, 0, 1, 2, 3, 7, 8)) if rng.random() < 0.3 else None for _ in range(3)]
        return History(tuple(entries), since, *bounds, moment.instant, "+12125550123", pick_own(rng), "d1", None)


def pick_own(rng: random.Random) -> str | None:
    """The attempt's own subject."""
    return rng.choice((None, "a", "b"))


def random_moment(rng: random.Random) -> Moment:
    """A random instant on the clock of a random zone."""
    return Moment(random_instant(rng), rng.choice(ZONES), clock)


NUMBERS_PER_STATE = 3


class AttemptMaker:
    """Random attempts as callers send them: every field of the contract now and then, unknown at every rate."""

    def __init__(self, packs: Packs) -> None:
        self.packs = packs
        conditions = [span.condition for rule in packs.rules for span in rule.spans]
        self.facts = FactMaker(packs, conditions)
        self.claims = sorted(rule.id for rule in packs.rules if rule.claim)
        self.states = sorted({rule.jurisdiction for rule in packs.rules} - {"US"})
        self.lists = sorted(set(packs.lists) - {"national"})
        codes: dict[str, list[str]] = {}
        for npa, area in sorted(ACTIVE.codes.items()):
            if area.state is not None and area.kind == "geographic" and not (area.in_service_from or 0) > 740_000:
                codes.setdefault(area.state, []).append(npa)
        self.codes = codes

    def words(self, name: str) -> list[str]:
        """Values that the rules hold a text fact against, and one that they do not."""
        return [*sorted(self.facts.words.get(name, ())), "something else"]

    def number(self, rng: random.Random) -> str:
        """A number, mostly of a state whose law is in the packs."""
        if rng.random() < 0.02:
            return rng.choice(("+18005550123", "+19005550123", "911", "+442079460958", "+18765550123", "12", "+15005550123"))
        state = rng.choice(self.states if rng.random() < 0.85 else sorted(self.codes))
        npa = rng.choice(self.codes.get(state, ["212"])[:NUMBERS_PER_STATE])
        return f"+1{npa}55501{rng.randrange(100):02}"

    def moment(self, rng: random.Random, instant: int, days: int = 900) -> str:
        """A moment about another, often at the edge of a period that some rule asks about."""
        periods = [period for periods in self.facts.periods.values() for period in periods]
        if periods and rng.random() < 0.5:
            period = rng.choice(sorted(periods, key=str))
            back = period.microseconds if period.exact else (round(period.months * 30.437) + period.days) * DAY
            return clock.format_instant(instant - back + rng.choice((-DAY, -SECOND, 0, SECOND, DAY)) // SECOND * SECOND)
        return clock.format_instant(instant - rng.randrange(-2 * DAY, days * DAY) // SECOND * SECOND)

    def campaign(self, rng: random.Random, unknown: float = 0.5) -> dict[str, object]:
        """A campaign; voice and dialing are always there, so that it serves every channel."""
        sent: dict[str, object] = {
            "seller": rng.choice(("Acme", "Beta")),
            "purpose": rng.choice((*PURPOSES, "telemarketing", "telemarketing", "telemarketing")),
            "dialing": rng.choice(("manual", "manual", "preview", "predictive", "automated", "random_sequential")),
            "voice": rng.choice(("live", "live", "prerecorded", "ai")),
        }
        more = {
            "subject": lambda: rng.choice(self.words("campaign.subject")),
            "industry": lambda: rng.choice(self.words("campaign.industry")),
            "caller_class": lambda: rng.choice(self.words("campaign.caller_class")),
            "recording": lambda: rng.random() < 0.5,
            "caller_states": lambda: rng.sample(self.states, 2),
            "registered_states": lambda: rng.sample(self.states, rng.choice((0, 3, len(self.states)))),
            "sms_registration": lambda: rng.choice(("none", "pending", "registered", "registered")),
            "sender_kind": lambda: rng.choice(("10dlc", "toll_free", "short_code")),
            "registry_version": lambda: rng.choice(("2026-02-20", "2026-01-30", "2020-01-01")),
            "registry_area_codes": lambda: rng.choice((["212", "305"], [])),
            "abandonment_rate": lambda: rng.choice((0, 0.03, 0.0301)),
            "claims": lambda: [
                {"exemption": claim, "by": "J. Doe", "at": "2026-01-02"} for claim in rng.sample(self.claims, min(len(self.claims), rng.choice((1, 3))))
            ],
        }
        for name, value in more.items():
            if rng.random() > unknown:
                sent[name] = value()
        return sent

    def attempt(self, rng: random.Random, campaign: object, unknown: float, instant: int | None = None) -> dict[str, object]:
        """One attempt; each part is left out with the given probability."""
        at = instant if instant is not None else random_instant(rng)
        sent: dict[str, object] = {
            "to": self.number(rng), "channel": rng.choice((*CHANNELS, "voice", "voice", "voice", "sms")), "campaign": campaign,
            "at": clock.format_instant(at),
        }  # fmt: skip
        parts = {
            "from": lambda: rng.choice(("+12125550100", "+18005550100", "nonsense")),
            "line_type": lambda: rng.choice(("wireless", "landline", "voip", "unknown")),
            "contact": lambda: self.contact(rng, at, unknown),
            "line": lambda: {"charged": rng.random() < 0.5, "ported_to_wireless_at": self.moment(rng, at)},
            "consent": lambda: self.consent(rng, at),
            "revocations": lambda: [self.revocation(rng, at) for _ in range(rng.choice((0, 0, 0, 1, 2)))],
            "relationship": lambda: self.relationship(rng, at),
            "dnc": lambda: self.dnc(rng, at, unknown),
            "history": lambda: self.history(rng, at, sent["to"]),
            "caller_id": lambda: {
                "attestation": rng.choice(("A", "B", "C", "none")), "callable": rng.random() < 0.8, "do_not_originate": rng.random() < 0.1,
                "name": "Acme", "blocked": rng.random() < 0.2,
            },
            "message": lambda: {
                "first": rng.random() < 0.5, "optout_offered": rng.random() < 0.7, "free_to_end_user": rng.random() < 0.5,
                "confirms_revocation": rng.random() < 0.2,
            },
            "debt": lambda: {"id": rng.choice(("d1", "d2")), "third_party": rng.random() < 0.6},
            "emergency": lambda: {"declared": [{"state": rng.choice(self.states)} for _ in range(rng.choice((0, 0, 1)))]},
        }  # fmt: skip
        for name, value in parts.items():
            if rng.random() > unknown:
                sent[name] = value()
        return sent

    def contact(self, rng: random.Random, at: int, unknown: float) -> dict[str, object]:
        """Where and who the person is."""
        fields = {
            "id": lambda: rng.choice(("p1", "p2")),
            "state": lambda: rng.choice(self.states),
            "address_basis": lambda: rng.choice(("verified", "stated")),
            "kind": lambda: rng.choice(("consumer", "consumer", "business")),
            "line_use": lambda: rng.choice(("residence", "residence", "business", "emergency_line", "patient_room")),
            "agreed_hours": lambda: rng.choice(({"every_day": "00:00-24:00"}, {"mon-fri": "07:00-22:00"}, {"sun": "none"})),
            "inconvenient": lambda: {"windows": rng.choice(({"mon": "09:00-12:00"}, {"sun": "none"})), "places": rng.choice(([], ["work"]))},
            "at_work": lambda: rng.random() < 0.3,
            "employer_forbids": lambda: rng.random() < 0.2,
            "attorney": lambda: rng.random() < 0.2,
            "ceased_at": lambda: self.moment(rng, at),
            "last_inbound_at": lambda: self.moment(rng, at, 3),
        }
        sent = {name: value() for name, value in fields.items() if rng.random() > max(unknown, 0.4)}
        if rng.random() < 0.3:
            sent |= rng.choice(({"zip": "32501"}, {"zip": "10001"}, {"county": "Leon"}, {"timezone": "America/Chicago"}, {"zip": "97914"}))
        return sent

    def consent(self, rng: random.Random, at: int) -> dict[str, object]:
        """The best consent held."""
        sent: dict[str, object] = {"level": rng.choice(("none", "express", "express_written", "express_written"))}
        fields = {
            "form": lambda: rng.sample(("oral", "request", "signed_permission", "agreement"), rng.choice((1, 2))),
            "covers": lambda: rng.sample(("live", "autodialed", "prerecorded", "ai", "rvm", "texts", "other_hours"), rng.choice((1, 4, 7))),
            "obtained_at": lambda: self.moment(rng, at),
            "requested_at": lambda: self.moment(rng, at),
            "expires_at": lambda: self.moment(rng, at, 3),
            "channels": lambda: rng.sample(CHANNELS, rng.choice((1, 3, 5))),
            "revoked_at": lambda: self.moment(rng, at),
        }
        sent |= {name: value() for name, value in fields.items() if rng.random() < (0.15 if name in ("expires_at", "revoked_at", "channels") else 0.4)}
        if rng.random() < 0.05:
            sent[rng.choice(("covers", "form", "obtained_at", "expires_at", "revoked_at"))] = "unknown"
        return sent

    def revocation(self, rng: random.Random, at: int) -> dict[str, object]:
        """One withdrawal."""
        sent = {
            "at": self.moment(rng, at, 30), "scope": rng.choice((None, "all", "marketing", "category", "medium")),
            "subject": rng.choice((None, *self.words("campaign.subject"))), "channel": rng.choice((None, *CHANNELS)),
        }  # fmt: skip
        return {name: value for name, value in sent.items() if value is not None}

    def relationship(self, rng: random.Random, at: int) -> dict[str, object]:
        """The relationship, short or in full."""
        if rng.random() < 0.5:
            kind = rng.choice(("none", "inquiry", "transaction", "personal"))
            return {"kind": kind} | ({"last_at": self.moment(rng, at)} if kind in ("inquiry", "transaction") and rng.random() < 0.9 else {})
        fields = {
            "last_transaction_at": lambda: self.moment(rng, at), "last_inquiry_at": lambda: self.moment(rng, at), "ended_at": lambda: self.moment(rng, at),
            "current": lambda: rng.random() < 0.5, "open_contract": lambda: rng.random() < 0.5, "donor_at": lambda: self.moment(rng, at),
            "member": lambda: rng.random() < 0.5,
        }  # fmt: skip
        return {name: value() for name, value in fields.items() if rng.random() < 0.4} or {"kind": "none"}

    def dnc(self, rng: random.Random, at: int, unknown: float) -> dict[str, object]:
        """What lists say."""
        fields = {
            "national": lambda: rng.random() < 0.3,
            "national_since": lambda: self.moment(rng, at)[:10],
            "states": lambda: rng.sample(self.lists, rng.choice((0, 0, 0, 2))),
            "lists": lambda: {
                code: {"listed": rng.random() < 0.2, "effective": self.moment(rng, at, 150)[:10]} for code in rng.sample(self.lists, 3)
            },
            "internal": lambda: rng.random() < 0.15,
            "reassigned": lambda: rng.choice(("yes", "no", "no", "no_data")),
            "reassigned_asked_at": lambda: self.moment(rng, at, 60),
            "litigator": lambda: rng.random() < 0.1,
        }
        return {name: value() for name, value in fields.items() if rng.random() > max(0.1, unknown)}

    def history(self, rng: random.Random, at: int, to: object) -> dict[str, object]:
        """Earlier attempts and figures."""
        sent: dict[str, object] = {}
        if rng.random() < 0.7:
            sent["attempts"] = [self.past(rng, at, to) for _ in range(rng.choice((0, 0, 1, 2, 3, 6, 8)))]
        for name in ("last_24h", "last_7d", "last_30d"):
            if rng.random() < 0.3:
                sent[name] = rng.choice((0, 1, 2, 3, 8))
        if rng.random() < 0.4:
            sent["last_conversation_at"] = self.moment(rng, at, 10)
        return sent

    def past(self, rng: random.Random, at: int, to: object) -> dict[str, object]:
        """One earlier attempt, at the edge of a count's window now and then."""
        back = rng.choice((DAY, 7 * DAY, 30 * DAY, rng.randrange(8 * DAY), rng.randrange(DAY))) + rng.choice((-SECOND, 0, SECOND))
        sent = {"at": clock.format_instant((at - back) // SECOND * SECOND)}
        fields = {
            "to": (to, "+12125550123"), "channel": CHANNELS, "purpose": PURPOSES, "subject": self.words("campaign.subject"),
            "voice": ("live", "prerecorded", "ai"), "outcome": ("answered", "no_answer", "did_not_connect", "conversation"), "debt": ("d1", "d2"),
            "from": ("+12125550100", "+18005550100"),
        }  # fmt: skip
        return sent | {name: rng.choice(list(pool)) for name, pool in fields.items() if rng.random() < 0.6}


class RandomLists:
    """Loaded list versions for every code; a number's answers follow from its digits."""

    def __init__(self, packs: Packs) -> None:
        self.packs = packs

    def answers(self, code: str, number: str, _as_of: int | None = None, _since: int | None = None) -> list[SimpleNamespace]:
        """One to three versions, some not covering the number, some listing it."""
        rng = random.Random(f"{code} {number}")
        found = []
        for published in rng.sample((739_500, 739_600, 739_660, 739_670, 739_690), rng.choice((0, 1, 1, 2))):
            version = SimpleNamespace(published=published, effective=published + rng.choice((0, 5)), use_by=None)
            found.append(SimpleNamespace(version=version, listed=rng.choice((None, False, False, False, True))))
        return found

    def versions(self, code: str, _as_of: int | None = None, _since: int | None = None) -> tuple:
        """None that are named."""
        return ()

    def refresh(self) -> bool:
        """Nothing moves."""
        return False


def random_store(packs: Packs, maker: AttemptMaker, rng: random.Random, numbers: Iterable[str], about: int) -> MemoryStore:
    """A store with something recorded of most numbers, complete for one seller and not for the other."""
    store, known = MemoryStore(RandomLists(packs)), about - 900 * DAY
    store.declare_complete("Acme", about - 500 * DAY, known_at=known)
    instant = lambda days=400: about - rng.randrange(-20 * DAY, days * DAY)  # noqa: E731
    for number in numbers:
        common = {"seller": rng.choice(("Acme", "Beta")), "number": number, "known_at": known, "person": rng.choice((None, "p1", "p2"))}
        if rng.random() < 0.4:
            covers, expires = rng.choice((None, ["live", "texts"], ["other_hours"])), rng.choice((None, None, about + 9 * DAY))
            level, obtained = rng.choice(("express", "express_written")), rng.choice((None, instant(400) - 21 * DAY))
            store.record_consent(**common, level=level, obtained_at=obtained, covers=covers, expires_at=expires)
        if rng.random() < 0.2:
            store.record_revocation(**common, at=instant(), scope=rng.choice((None, "marketing", "medium", "category")), channel=rng.choice((None, "sms")))
        if rng.random() < 0.3:
            store.record_relationship(**common, last_transaction_at=rng.choice((None, instant())), ended_at=rng.choice((None, None, instant())), current=True)
        if rng.random() < 0.2:
            store.suppress(**common, at=instant(), scope=rng.choice((None, "texts")))
        if rng.random() < 0.2:
            store.record_contact(
                **common, agreed_hours=rng.choice((None, ["07:00-22:00"])), inconvenient=rng.choice((None, ["09:00-10:00"], [{"place": "work"}])),
                attorney=rng.choice((True, False)), ceased_at=rng.choice((None, instant())),
            )  # fmt: skip
        for _ in range(rng.choice((0, 0, 1, 3, 5))):
            store.record_attempt(**common, at=instant(9), channel=rng.choice((None, "voice", "sms")), outcome=rng.choice((None, "no_answer")))
    return store


__all__ = ["AttemptMaker", "RandomLists", "random_store", "CHANNELS", "PURPOSES", "ZONES", "ClosedDay", "FactMaker", "LocalTime", "random_instant", "random_moment"]
