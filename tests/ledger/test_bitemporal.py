"""What is known at a moment, as of a moment: both stores against a model that only says what the words mean."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.model.moment import DAY
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore

T = 1_700_000_000_000_000
NUMBERS = ("+13055550100", "+13055550101", "+12125550102")
LEVELS = ("none", "express", "express_written")

# Few moments, so that ties and boundaries are met all the time; the first lies out of reach of the attempts.
moments = st.sampled_from([T - 400 * DAY, T, T + 1, T + 2, T + 3, T + 4])
maybe = st.one_of(st.none(), moments)
flag = st.sampled_from([None, True, False])
common = {
    "number": st.sampled_from(NUMBERS),
    "person": st.sampled_from([None, None, "p", "q"]),
    "known_at": moments,
}
FIELDS = {
    "consent": {
        "level": st.sampled_from(LEVELS),
        "obtained_at": maybe,
        "expires_at": st.sampled_from([None, None, T + 3, T + 5]),
        "channels": st.sampled_from([None, ["sms"], ["voice", "rvm"]]),
    },
    "revocation": {"at": moments},
    "relationship": {
        "valid_at": moments, "last_transaction_at": maybe, "ended_at": maybe, "current": flag, "member": flag,
    },
    "internal": {"action": st.sampled_from(["add", "remove"]), "at": moments, "scope": st.sampled_from([None, "x", "y"])},
    "contact": {
        "valid_at": moments, "agreed_hours": st.sampled_from([None, [], ["a"]]),
        "inconvenient": st.sampled_from([None, [], ["b"], ["c", "b"]]), "attorney": flag, "ceased_at": maybe,
        "last_inbound_at": maybe, "conversation_at": maybe,
    },
    "attempt": {"at": moments, "outcome": st.sampled_from([None, "busy", "conversation"])},
    "outcome": {"at": moments, "known_at": moments, "outcome": st.sampled_from(["no_answer", "conversation"])},
    "declaration": {"since": maybe, "known_at": moments},
}  # fmt: skip


@st.composite
def histories(draw):
    """Entries of a few kinds, that they may meet; some correct or take back an earlier one. An entry is (kind, id, fields)."""
    entries, made = [], dict.fromkeys(FIELDS, 0)
    kinds = draw(st.lists(st.sampled_from(list(FIELDS)), min_size=1, max_size=3, unique=True))
    for _ in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(kinds))
        about = {} if kind in ("outcome", "declaration") else common
        fields = {name: draw(values) for name, values in {**about, **FIELDS[kind]}.items()}
        earlier = [entry for entry in entries if entry[0] == kind and not entry[2].get("void")]
        replaced = [entry[2].get("supersedes") for entry in entries if entry[0] == kind]
        earlier = [entry for entry in earlier if entry[1] not in replaced]
        if kind == "outcome":
            attempts = [entry[1] for entry in entries if entry[0] == "attempt" and not entry[2].get("void")]
            if not attempts:
                continue
            fields["attempt"] = draw(st.sampled_from(attempts))
        elif about and earlier and draw(st.integers(0, 2)) == 0:
            target = draw(st.sampled_from(earlier))
            fields["supersedes"] = target[1]
            if kind == "attempt" or draw(st.booleans()):
                fields = {**target[2], "known_at": fields["known_at"], "supersedes": target[1], "void": True}
        if kind == "consent" and fields["level"] == "none":
            fields = {**fields, "channels": None, "expires_at": None}
        if kind == "consent" and fields["expires_at"] is not None and (fields["obtained_at"] or 0) >= fields["expires_at"]:
            fields["expires_at"] = None
        statements = [name for name in FIELDS[kind] if name != "valid_at"]
        if kind in ("relationship", "contact") and all(fields[name] is None for name in statements):
            continue
        made[kind] += 1
        entries.append((kind, made[kind], fields))
    return entries


def record(store, entries):
    for kind, _, fields in entries:
        given_fields = {name: value for name, value in fields.items() if name != "void"}
        for name, of in (("supersedes", kind), ("attempt", "attempt")):
            if given_fields.get(name) is not None:
                given_fields[name] = f"{of}:{given_fields[name]}"
        if fields.get("void"):
            store.retract(seller="acme", id=given_fields["supersedes"], known_at=fields["known_at"])
        else:
            store.record_many(kind, [{"seller": "acme", **given_fields}])


class Model:
    """The meaning, slowly: what one look-up should find."""

    def __init__(self, entries, number, person, at, as_of):
        self.entries, self.number, self.person, self.at, self.as_of = entries, number, person, at, as_of

    def known(self, fields):
        return self.as_of is None or fields["known_at"] <= self.as_of

    def standing(self, kind):
        mine = [(id_, fields) for other, id_, fields in self.entries if other == kind and self.known(fields)]
        gone = {fields.get("supersedes") for _, fields in mine}
        return [(id_, fields) for id_, fields in mine if id_ not in gone and not fields.get("void")]

    def own(self, kind):
        return [(id_, fields) for id_, fields in self.standing(kind) if fields["number"] == self.number]

    def of_others(self, kind, *, all_persons=False):
        if self.person is None:
            return []
        kinds = ("consent", "revocation", "relationship", "internal", "contact", "attempt")
        numbers = {fields["number"] for any_ in kinds for _, fields in self.standing(any_) if fields["person"] == self.person}
        return [
            (id_, fields)
            for id_, fields in self.standing(kind)
            if fields["number"] in numbers - {self.number} and (all_persons or fields["person"] in (None, self.person))
        ]

    def consents(self):
        def start(fields):
            return fields["known_at"] if fields["obtained_at"] is None else fields["obtained_at"]

        def age(one):
            return start(one[1]), one[1]["known_at"], one[0]

        begun = [one for one in self.own("consent") if start(one[1]) <= self.at]
        nones = [one for one in begun if one[1]["level"] == "none"]
        held = [
            one
            for one in begun
            if one[1]["level"] != "none"
            and not any(start(none[1]) >= start(one[1]) for none in nones)
            and not any(
                age(two) > age(one) and two[1]["level"] == one[1]["level"] and two[1]["channels"] == one[1]["channels"]
                for two in begun
            )
            and not (one[1]["expires_at"] is not None and one[1]["expires_at"] <= self.at)
        ]
        held.sort(key=lambda one: (LEVELS.index(one[1]["level"]), *age(one)), reverse=True)
        if not held and nones:
            held = [max(nones, key=age)]
        return [f"consent:{id_}" for id_, _ in held]

    def revocations(self):
        found = self.own("revocation") + self.of_others("revocation")
        return sorted((fields["at"], f"revocation:{id_}") for id_, fields in found)

    def relationship(self):
        own = [fields for _, fields in self.own("relationship")]
        ends = [fields["ended_at"] for fields in own + [fields for _, fields in self.of_others("relationship")]]
        ended = max((end for end in ends if end is not None and end <= self.at), default=None)
        bought = [fields["last_transaction_at"] for fields in own if fields["last_transaction_at"] is not None]
        last = max((moment for moment in bought if moment <= self.at), default=None)
        flags = []
        for flag_ in ("current", "member"):
            said = [
                (fields["valid_at"], fields["known_at"], id_, fields[flag_])
                for id_, fields in self.own("relationship")
                if fields["valid_at"] <= self.at and fields[flag_] is not None
            ]
            flags.append(None if not said else max(said)[3] and (ended is None or max(said)[0] > ended))
        if ended is None and last is None and flags == [None, None]:
            return None
        return last, ended, bool(flags[0]), bool(flags[1])

    def internal(self):
        listings = []
        events = self.own("internal") + self.of_others("internal")
        for number in NUMBERS:
            for scope in (None, "x", "y"):
                touching = [
                    (fields["at"], fields["known_at"], id_, fields["action"])
                    for id_, fields in events
                    if fields["number"] == number
                    and fields["at"] <= self.at
                    and (fields["scope"] == scope or (fields["action"] == "remove" and fields["scope"] is None))
                ]
                if touching and max(touching)[3] == "add":
                    listings.append((max(touching)[0], scope))
        if listings:
            scopes = {scope for _, scope in listings}
            return True, max(listings, key=lambda listing: listing[0])[0], scopes.pop() if len(scopes) == 1 else None
        return (False, None, None) if any(fields["at"] <= self.at for _, fields in self.own("internal")) else None

    def attempts(self):
        placed = [
            (fields["at"], fields["known_at"], id_, fields)
            for id_, fields in self.own("attempt") + self.of_others("attempt", all_persons=True)
            if self.at - 400 * DAY < fields["at"] <= self.at
        ]
        found, conversations = [], []
        for at, _, id_, fields in sorted(placed, key=lambda one: one[:3]):
            outcomes = sorted(
                (outcome["at"], outcome["known_at"], other, outcome["outcome"])
                for kind, other, outcome in self.entries
                if kind == "outcome" and outcome["attempt"] == id_ and self.known(outcome) and outcome["at"] <= self.at
            )
            words = [fields["outcome"]] + [outcome[3] for outcome in outcomes]
            if "conversation" in words:
                conversations.append(at)
            found.append((at, fields["number"], words[-1]))
        stated = [fields["conversation_at"] for _, fields in self.own("contact") + self.of_others("contact")]
        conversations += [at for at in stated if at is not None and at <= self.at]
        return found, max(conversations, default=None)

    def said(self, rows, name):
        """The latest statement of a fact, number by number."""
        latest = {}
        for id_, fields in rows:
            if fields["valid_at"] <= self.at and fields[name] is not None:
                statement = (fields["valid_at"], fields["known_at"], id_, fields[name])
                latest[fields["number"]] = max(latest.get(fields["number"], statement), statement)
        return {number: statement[3] for number, statement in latest.items()}

    def contact(self):
        own, others = self.own("contact"), self.of_others("contact")
        agreed = self.said(own, "agreed_hours").get(self.number)
        barred = [self.said(own, "inconvenient").get(self.number)] + list(self.said(others, "inconvenient").values())
        stated = [windows for windows in barred if windows is not None]
        inconvenient = {window for windows in stated for window in windows} if stated else None
        attorney = self.said(own, "attorney").get(self.number)
        if any(self.said(others, "attorney").values()):
            attorney = True
        ceased = [fields["ceased_at"] for _, fields in own + others]
        inbound = [fields["last_inbound_at"] for _, fields in own]
        first = min((at for at in ceased if at is not None and at <= self.at), default=None)
        last = max((at for at in inbound if at is not None and at <= self.at), default=None)
        facts = (None if agreed is None else tuple(agreed), inconvenient, attorney, first, last)
        return None if facts == (None,) * 5 else facts

    def complete_since(self):
        made = [
            (fields["known_at"], id_, fields["since"])
            for kind, id_, fields in self.entries
            if kind == "declaration" and self.known(fields)
        ]
        since = max(made, key=lambda one: one[:2])[2] if made else None
        return since if since is not None and since <= self.at else None


def agree(found, model):
    assert [consent.id for consent in found.consents] == model.consents()
    assert found.consent == (found.consents[0] if found.consents else None)
    assert sorted((one.at, one.id) for one in found.revocations) == model.revocations()
    relationship = found.relationship and (
        found.relationship.last_transaction_at, found.relationship.ended_at, found.relationship.current, found.relationship.member,
    )  # fmt: skip
    assert relationship == model.relationship()
    assert (found.internal and (found.internal.listed, found.internal.since, found.internal.scope)) == model.internal()
    attempts, conversation = model.attempts()
    assert [(one.at, one.to, one.outcome) for one in found.attempts] == attempts
    assert found.last_conversation_at == conversation
    contact = found.contact and (
        found.contact.agreed_hours,
        None if found.contact.inconvenient is None else set(found.contact.inconvenient),
        found.contact.attorney,
        found.contact.ceased_at,
        found.contact.last_inbound_at,
    )
    assert contact == model.contact()
    assert found.complete_since == model.complete_since()


questions = st.tuples(st.sampled_from(NUMBERS), st.sampled_from([None, "p", "q"]), moments, maybe)


@given(histories(), st.lists(questions, min_size=1, max_size=12))
@settings(max_examples=600)
def test_the_store_in_memory_says_what_the_words_mean(entries, asked):
    store = MemoryStore()
    record(store, entries)
    for number, person, at, as_of in asked:
        found = store.look_up(seller="acme", number=number, person=person, at=at, as_of=as_of)
        agree(found, Model(entries, number, person, at, as_of))


@given(histories(), st.lists(questions, min_size=1, max_size=12))
@settings(max_examples=60)
def test_the_embedded_store_answers_as_the_one_in_memory(entries, asked):
    with tempfile.TemporaryDirectory() as folder:
        memory, embedded = MemoryStore(), EmbeddedStore(Path(folder))
        record(memory, entries)
        record(embedded, entries)
        for number, person, at, as_of in asked:
            question = dict(seller="acme", number=number, person=person, at=at, as_of=as_of)
            assert embedded.look_up(**question) == memory.look_up(**question)
            persons = {} if person is None else {number: person}
            many = embedded.look_up_many("acme", NUMBERS, at, as_of, persons)
            assert many == memory.look_up_many("acme", NUMBERS, at, as_of, persons)
            assert many[number] == embedded.look_up(**question)
        embedded.close()


@given(histories(), st.integers(0, 14), questions)
@settings(max_examples=200)
def test_what_is_recorded_later_changes_no_answer_as_of_before(entries, split, question):
    number, person, at, as_of = question
    as_of = T + 2 if as_of is None else as_of
    store = MemoryStore()
    record(store, entries[:split])
    before = store.look_up(seller="acme", number=number, person=person, at=at, as_of=as_of)
    late = [(kind, id_, {**fields, "known_at": max(fields["known_at"], as_of + 1)}) for kind, id_, fields in entries[split:]]
    record(store, late)
    assert store.look_up(seller="acme", number=number, person=person, at=at, as_of=as_of) == before
