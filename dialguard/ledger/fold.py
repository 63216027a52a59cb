"""From the rows of a number to what is known of it at a moment.

A reader hands over rows that are already known at its ``as_of`` and neither retracted nor replaced. A bucket is the
rows of one number, a list for each kind of ``rows.COLUMNS`` in that order, each row a tuple in the order of its columns
(an attempt's is followed by those of one of its outcomes, or None four times).
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from dialguard.model.history import Entry
from dialguard.model.moment import DAY, Instant
from dialguard.model.records import (
    CONVERSATION,
    LEVELS,
    Consent,
    ContactRecord,
    Internal,
    LookUp,
    Pause,
    Relationship,
    Revocation,
)

CONSENT, REVOCATION, RELATIONSHIP, INTERNAL, CONTACT, ATTEMPT = range(6)
Bucket = Sequence[Sequence[tuple]]
NO_ROWS: Bucket = ((), (), (), (), (), ())
REACH = 400 * DAY
"""How far back attempts are given; no period of the law facts is longer than this look-back needs."""

_PERSON = 2
_RANK = {level: rank for rank, level in enumerate(LEVELS)}


def fold(
    own: Bucket,
    others: Sequence[Bucket],
    person: str | None,
    at: Instant,
    complete_since: Instant | None,
    pauses: tuple[Pause, ...] = (),
) -> LookUp:
    """What is known at ``at``. ``others`` are the buckets of the other numbers of ``person``: they can only tighten."""
    if not others and not any(own[1:]):
        return of_consents(own[CONSENT], at, complete_since, pauses)
    tightening = [_of_person(bucket, person) for bucket in others]
    consents = _consents(own[CONSENT], at) if own[CONSENT] else ()
    attempts, conversation = _attempts([own, *others], at)
    contact, spoken = _contact(own[CONTACT], [bucket[CONTACT] for bucket in tightening], at)
    return LookUp(
        consents[0] if consents else None,
        _revocations([own, *tightening]),
        _relationship(own[RELATIONSHIP], [row for bucket in tightening for row in bucket[RELATIONSHIP]], at),
        _internal(own[INTERNAL], [bucket[INTERNAL] for bucket in tightening]),
        attempts,
        contact,
        _latest(conversation, spoken),
        complete_since,
        consents,
        pauses,
    )


def of_consents(rows: Sequence[tuple], at: Instant, complete_since: Instant | None, pauses: tuple[Pause, ...]) -> LookUp:
    """What is known of a number of which nothing else is held."""
    consents = _consents(rows, at)
    return LookUp(consents[0] if consents else None, (), None, None, (), None, None, complete_since, consents, pauses)


def pauses_of(rows: Iterable[tuple]) -> tuple[Pause, ...]:
    """The pauses of a seller, each with its end, in force at any moment. ``rows``: id, campaign, action, valid_at, known_at,
    until, reason, actor of all that were known.

    Who resumes a campaign lifts the pauses recorded before: one that becomes known afterwards stands, whatever its date.
    """
    held: list[Pause] = []
    for id_, campaign, action, at, _, until, reason, actor in sorted(rows, key=_recorded):
        if action == "pause":
            held.append(Pause(at, campaign, until, reason, actor, f"pause:{id_}"))
            continue
        held = [
            replace(each, until=at) if each.campaign == campaign and (each.until is None or at < each.until) else each for each in held
        ]
    return tuple(each for each in held if each.until is None or each.since < each.until)


def in_force(pauses: Iterable[Pause], at: Instant) -> tuple[Pause, ...]:
    """Those of them that stand at a moment."""
    return tuple(each for each in pauses if each.since <= at and (each.until is None or at < each.until))


def _recorded(row: tuple) -> tuple:
    return row[4], row[0]


def with_hidden(own: Bucket, hidden: Sequence[Bucket]) -> tuple[Bucket, list[Bucket]]:
    """A number's rows joined with those kept under its names since it was erased, and what of these stands beside them: their place
    on the own list, which an entry under the number itself does not lift."""
    joined = [[*rows, *(row for bucket in hidden for row in bucket[kind])] if kind != INTERNAL else rows for kind, rows in enumerate(own)]
    return joined, [[[], [], [], bucket[INTERNAL], [], []] for bucket in hidden if bucket[INTERNAL]]


def unveiled(bucket: Bucket, number: str, person: str | None, names: Collection[str] | None = None) -> Bucket:
    """The rows kept under the name of a number as rows of ``number`` and of ``person``; ``names``: only those of one of these persons
    or of nobody."""
    return [
        [(row[0], number, person, *row[3:]) for row in rows if names is None or row[_PERSON] is None or row[_PERSON] in names]
        for rows in bucket
    ]


def _of_person(bucket: Bucket, person: str | None) -> Bucket:
    """The rows that are this person's or nobody's: on a shared number another person's wishes are not this one's."""
    return [[row for row in rows if row[_PERSON] is None or row[_PERSON] == person] for rows in bucket]


def _order(row: tuple) -> tuple:
    """When true, then when known, then as written."""
    return row[3], row[4], row[0]


def _latest(*moments: Instant | None) -> Instant | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _words(encoded: str | None) -> tuple[str, ...] | None:
    return None if encoded is None else _read(encoded)


@lru_cache(maxsize=4096)
def _read(encoded: str) -> tuple[str, ...]:
    return tuple(json.loads(encoded))


def _consents(rows: Sequence[tuple], at: Instant) -> tuple[Consent, ...]:
    """The consents in force, the best first.

    The latest of the same level and channels stands for them all, even where it has expired and an earlier one has
    not. A ``none`` ends every consent that is not newer.
    """
    if len(rows) == 1:
        row = rows[0]
        return () if row[10] is not None and row[10] <= at and (row[5] != "none" or row[11] is not None) else (_consent(row),)
    latest: dict[tuple, tuple] = {}
    for row in sorted(rows, key=_order):
        latest[row[5], row[11]] = row
    none = latest.pop(("none", None), None)
    held = [
        row
        for row in latest.values()
        if (none is None or row[3] > none[3]) and (row[10] is None or row[10] > at)
    ]
    if not held and none is not None:
        held = [none]
    held.sort(key=lambda row: (_RANK[row[5]], *_order(row)), reverse=True)
    return tuple(_consent(row) for row in held)


def _consent(row: tuple) -> Consent:
    id_, _, _, _, _, level, form, covers, given, asked, expires, channels, reference = row
    return Consent(level, _words(form), _words(covers), given, asked, expires, _words(channels), reference, f"consent:{id_}")


def _revocations(buckets: Iterable[Bucket]) -> tuple[Revocation, ...]:
    rows = [row for bucket in buckets for row in bucket[REVOCATION]]
    if not rows:
        return ()
    return tuple(
        Revocation(at, scope, subject, channel, means, f"revocation:{id_}")
        for id_, _, _, at, _, scope, subject, channel, means in sorted(rows, key=_order)
    )


def _relationship(own: Sequence[tuple], others: Sequence[tuple], at: Instant) -> Relationship | None:
    """Each limb by its own date; a flag by the latest statement, and off where the relationship ended after it."""
    if not own and not others:
        return None
    ended = _latest(*(row[7] for row in (*own, *others) if row[7] is not None and row[7] <= at))
    transaction, inquiry, donor = (
        _latest(*(row[column] for row in own if row[column] is not None and row[column] <= at)) for column in (5, 6, 8)
    )
    flags: list[bool | None] = [None, None, None, None]
    for row in sorted(own, key=_order):
        if row[3] > at:
            break
        for place in range(4):
            if row[9 + place] is not None:
                flags[place] = bool(row[9 + place]) and (ended is None or row[3] > ended)
    if all(known is None for known in (transaction, inquiry, donor, ended, *flags)):
        return None
    current, open_contract, member, personal = (bool(flag) for flag in flags)
    return Relationship(transaction, inquiry, ended, current, open_contract, donor, member, personal)


def _internal(own: Sequence[tuple], others: Iterable[Sequence[tuple]]) -> Internal | None:
    """On the list if any number is; the widest scope and the latest request, since both are the stricter."""
    listed = _listed(own)
    for rows in others:
        listed = listed + _listed(rows)
    if not listed:
        return Internal(False) if own else None
    scopes = {scope for scope, _ in listed}
    return Internal(True, max(since for _, since in listed), scopes.pop() if len(scopes) == 1 else None)


def _listed(rows: Sequence[tuple]) -> list[tuple[str | None, Instant]]:
    """Scope and latest request of each listing of one number. Removing the whole number removes every scope."""
    listed: dict[str | None, Instant] = {}
    for row in sorted(rows, key=_order):
        if row[5] == "add":
            listed[row[6]] = row[3]
        elif row[6] is None:
            listed.clear()
        else:
            listed.pop(row[6], None)
    return list(listed.items())


def _attempts(buckets: Iterable[Bucket], at: Instant) -> tuple[tuple[Entry, ...], Instant | None]:
    """The attempts, the oldest first, each with its latest outcome; and the moment of the last conversation.

    An attempt was a conversation if any of its outcomes says so: a complaint recorded afterwards does not undo it.
    """
    placed: dict[int, tuple] = {}
    outcomes: dict[int, tuple] = {}
    spoken: set[int] = set()
    for bucket in buckets:
        for row in bucket[ATTEMPT]:
            placed[row[0]] = row
            if row[12] is not None and row[14] <= at:
                found = (row[14], row[15], row[12], row[13])
                if row[0] not in outcomes or found > outcomes[row[0]]:
                    outcomes[row[0]] = found
                if row[13] == CONVERSATION:
                    spoken.add(row[0])
    if not placed:
        return (), None
    attempts, conversation = [], None
    for row in sorted(placed.values(), key=_order):
        id_, number, _, moment, _, channel, purpose, subject, voice, outcome, debt, from_ = row[:12]
        if outcome == CONVERSATION or id_ in spoken:
            conversation = moment
        if id_ in outcomes:
            outcome = outcomes[id_][3]
        attempts.append(Entry(moment, number, channel, purpose, subject, voice, outcome, debt, from_))
    return tuple(attempts), conversation


def _contact(
    own: Sequence[tuple], others: Sequence[Sequence[tuple]], at: Instant
) -> tuple[ContactRecord | None, Instant | None]:
    """The contact facts, and the last conversation that was stated beside the attempts."""
    mine = _statements(own, at)
    theirs = [_statements(rows, at) for rows in others]
    if mine is None and not any(theirs):
        return None, None
    agreed, inconvenient, at_work, forbids, attorney, ceased, inbound, spoken = mine or (None,) * 8
    for statement in theirs:
        if statement is not None:
            if statement[1] is not None:
                known = inconvenient or ()
                inconvenient = known + tuple(window for window in statement[1] if window not in known)
            forbids = forbids or statement[3] or forbids
            attorney = attorney or statement[4] or attorney
            ceased = min((moment for moment in (ceased, statement[5]) if moment is not None), default=None)
            spoken = _latest(spoken, statement[7])
    facts = (agreed, inconvenient, at_work, forbids, attorney, ceased, inbound)
    return (ContactRecord(*facts) if any(fact is not None for fact in facts) else None), spoken


def _statements(rows: Sequence[tuple], at: Instant) -> tuple | None:
    """The statements of one number: the latest of each, but the first end of contact, which later notices repeat."""
    if not rows:
        return None
    stated: list = [None] * 8
    for row in sorted(rows, key=_order):
        for place, value in enumerate(row[5:13]):
            if value is None:
                continue
            if place < 5:
                if row[3] <= at:
                    stated[place] = tuple(json.loads(value)) if place < 2 else bool(value)
            elif value <= at:
                before = stated[place]
                stated[place] = value if before is None else (min if place == 5 else max)(before, value)
    return tuple(stated)
