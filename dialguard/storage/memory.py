"""A store in memory: the whole record in dictionaries, lost with the process. For tests, trials and small tools."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from dialguard.ledger.erasing import ERASED, Erased, Tally, emptied, endings, listing, term
from dialguard.ledger.fold import ATTEMPT, CONSENT, INTERNAL, REACH, Bucket, fold, in_force, pauses_of, unveiled, with_hidden
from dialguard.ledger.pseudonyms import Key, Keys, is_hidden, key_of
from dialguard.ledger.rows import ALWAYS, COLUMNS, OUTCOME_COLUMNS, Row, moment, text
from dialguard.ledger.rows import number as checked_number
from dialguard.ledger.write import Recorder, already_replaced
from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, Pause
from dialguard.storage.ports import ListCatalog, LookUpFailed, Recorded
from dialguard.storage.slots_local import Locked, Slots, release

if TYPE_CHECKING:
    import numpy as np

    from dialguard.lists.catalog import Version, VersionAnswer
    from dialguard.lists.reassigned import Answer

_KINDS = tuple(COLUMNS)
_NO_OUTCOME = (None,) * len(OUTCOME_COLUMNS)


class MemoryStore(Recorder):
    """A ``Store`` that can be written to. ``lists`` answers for the lists; without it no version is loaded."""

    def __init__(self, lists: ListCatalog | None = None) -> None:
        self._lists = lists
        self._lock = threading.Lock()
        self._entries: dict[str, list[Row]] = defaultdict(list)
        self._of_number: dict[tuple[str, str], list[tuple[int, Row]]] = defaultdict(list)
        self._of_person: dict[tuple[str, str], list[tuple[int, Row]]] = defaultdict(list)
        self._replaced: dict[tuple[str, int], Instant] = {}
        self._outcomes: dict[int, list[Row]] = defaultdict(list)
        self._slots = Slots(None)
        self.keys = Keys()

    def look_up(
        self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None
    ) -> LookUp:
        """What is known of one number; see ``storage.ports.Store``."""
        persons = {} if person is None else {number: person}
        return self.look_up_many(seller, [number], at, as_of, persons)[number]

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """What is known of many numbers; see ``storage.ports.Store``."""
        asked = dict.fromkeys(checked_number(number) for number in numbers)
        text(seller, "seller")
        moment(at, "at")
        known_by = ALWAYS if as_of is None else moment(as_of, "as_of")
        answers = {}
        with self._lock:
            complete_since = self._complete_since(seller, at, known_by)
            pauses = in_force(self._pauses(seller, known_by), at)
            for number in asked:
                person = (persons or {}).get(number)
                others: list[Bucket] = []
                names = self._names(seller, number)
                if person is not None:
                    known_as = [text(person, "person"), *(key.person(seller, person) for key in self.keys.held())]
                    theirs = {other for each in known_as for other in self._numbers(seller, each, known_by)}
                    theirs |= {name for other in theirs if not is_hidden(other) for name in self._names(seller, other)}
                    for other in sorted(theirs - {number, *names}):
                        bucket = self._bucket(seller, other, at, known_by)
                        others.append(unveiled(bucket, other, person, known_as) if is_hidden(other) else bucket)
                hidden = [unveiled(self._bucket(seller, name, at, known_by), number, None) for name in names]
                own, listed = with_hidden(self._bucket(seller, number, at, known_by), hidden)
                answers[number] = fold(own, [*others, *listed], person, at, complete_since, pauses)
        return answers

    def list_answers(
        self, code: str, national10: str, as_of: Instant | None = None, since: int | None = None
    ) -> "tuple[VersionAnswer, ...]":
        """What each loaded version of a list says of a ten-digit number."""
        return () if self._lists is None else self._lists.answers(code, national10, as_of, since)

    def list_versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> "tuple[Version, ...]":
        """The loaded versions of a list."""
        return () if self._lists is None else self._lists.versions(code, as_of, since)

    def lists_mark(self) -> object | None:
        """The same object as long as lists answer from the same versions."""
        return self if self._lists is None else getattr(self._lists, "mark", None)

    def lists_say(self, codes: tuple[str, ...], national10: str, since: int | None) -> list[bool | None]:
        """What each loaded version of some lists says of a number."""
        return [answer.listed for code in codes for answer in self.list_answers(code, national10, None, since)]

    def expect(self, seller: str, numbers: Iterable[str]) -> None:
        """Nothing need be prepared."""

    def list_contains_many(self, version: "Version", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """What one version says of many numbers; see ``storage.ports.Store``."""
        if self._lists is None:
            raise LookUpFailed(f"no version of list {version.code} is loaded")
        return self._lists.contains_many(version, npa, line)

    def recorded(self, seller: str, at: Instant, as_of: Instant | None = None) -> Recorded:
        """Of whom the record holds anything; no number is told apart for having a consent alone."""
        with self._lock:
            numbers = [number for of, number in self._of_number if of == seller]
            hidden = [number for number in numbers if is_hidden(number)]
            plain = [number for number in numbers if not is_hidden(number)]
            persons = [person for (of, person), rows in self._of_person.items() if of == seller and rows]
            return Recorded(plain, persons, [], hidden, self.keys.of(map(key_of, hidden)))

    def erase(
        self, *, seller: str, number: str, known_at: Instant, at: Instant | None = None, scope: str | None = None,
        reason: str | None = None,
    ) -> Erased:
        """Erases a number from a seller's record; see ``ledger.ledger.Ledger.erase``."""
        key = self.keys.newest()
        row = listing(key, text(seller, "seller"), checked_number(number), known_at if at is None else at, known_at, scope, reason)
        self._append("internal", [row], ids=False)
        done = self._emptied(key, seller, number, known_at, known_at)
        for kind, end in endings({kind for kind, *_ in done.kept}, seller, number, known_at):
            self._append(kind, [end], ids=False)
        return done

    def finish_erasing(self, *, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        """Empties what has been kept of an erased number; see ``ledger.ledger.Ledger.finish_erasing``."""
        return self._emptied(self.keys.newest(), seller, number, erased_at, now)

    def _emptied(self, key: Key, seller: str, number: str, erased_at: Instant, now: Instant) -> Erased:
        tally = Tally()
        with self._lock:
            left = []
            for place, row in self._of_number.pop((seller, number), ()):
                kind = _KINDS[place]
                if row["known_at"] > erased_at or tally.put(kind, *term(kind, row, erased_at), now):
                    left.append((place, row))
                    continue
                if row["person"] is not None:
                    self._of_person[seller, row["person"]].remove((place, row))
                for outcome in self._outcomes.get(row["id"], ()) if place == ATTEMPT else ():
                    outcome.update(outcome=ERASED, valid_at=outcome["known_at"])
                row.update(emptied(kind, row, key))
                self._of_number[seller, row["number"]].append((place, row))
                if row["person"] is not None:
                    self._of_person[seller, row["person"]].append((place, row))
            if left:
                self._of_number[seller, number] = left
        return tally.erased()

    @contextmanager
    def together(self) -> Iterator[Locked]:
        """Where slots are taken, by one thread at a time; see ``storage.slots.Reserving``."""
        with self._slots.alone() as file:
            table = Locked(self, file)
            yield table
            table.flush()

    def release(self, *, seller: str, number: str, attempt: str) -> bool:
        """Gives a slot back; False where none was held, or the attempt has been recorded."""
        return release(self, self._slots, seller=seller, number=number, attempt=attempt)

    def reassigned(self, national10: str, as_of: Instant | None = None) -> "tuple[Answer, ...]":
        """Nothing: answers of the Reassigned Numbers Database are imported into a folder."""
        return ()

    def refresh(self) -> None:
        """Takes up list versions that were imported since."""
        if self._lists is not None:
            self._lists.refresh()

    def still(self) -> AbstractContextManager[None]:
        """Each question is answered over the record as it then is."""
        return nullcontext()

    def move_on(self) -> None:
        """Nothing to move on from."""

    def close(self) -> None:
        """Nothing to close; every store has it."""

    def _stands(self, kind: int, row: Row, as_of: Instant) -> bool:
        replaced = self._replaced.get((_KINDS[kind], row["id"]))
        return row["known_at"] <= as_of and not row["void"] and (replaced is None or replaced > as_of)

    def _numbers(self, seller: str, person: str, as_of: Instant) -> set[str]:
        return {row["number"] for kind, row in self._of_person.get((seller, person), ()) if self._stands(kind, row, as_of)}

    def _numbers_of(self, seller: str, person: str) -> list[str]:
        with self._lock:
            return sorted(self._numbers(seller, person, ALWAYS))

    def _bucket(self, seller: str, number: str, at: Instant, as_of: Instant) -> Bucket:
        bucket: list[list[tuple]] = [[] for _ in _KINDS]
        for kind, row in self._of_number.get((seller, number), ()):
            if not self._stands(kind, row, as_of):
                continue
            if kind in (CONSENT, INTERNAL, ATTEMPT) and row["valid_at"] > at:
                continue
            values = tuple(row[column] for column in COLUMNS[_KINDS[kind]])
            if kind != ATTEMPT:
                bucket[kind].append(values)
            elif row["valid_at"] > at - REACH:
                ended = [outcome for outcome in self._outcomes.get(row["id"], ()) if outcome["known_at"] <= as_of]
                outcomes = [tuple(outcome[column] for column in OUTCOME_COLUMNS) for outcome in ended]
                bucket[kind].extend(values + outcome for outcome in outcomes or [_NO_OUTCOME])
        return bucket

    def _complete_since(self, seller: str, at: Instant, as_of: Instant) -> Instant | None:
        declared = [row for row in self._entries["declaration"] if row["seller"] == seller and row["known_at"] <= as_of]
        if not declared:
            return None
        since = max(declared, key=lambda row: (row["known_at"], row["id"]))["since"]
        return since if since is None or since <= at else None

    def _pauses(self, seller: str, as_of: Instant) -> tuple[Pause, ...]:
        names = ("id", "campaign", "action", "valid_at", "known_at", "until", "reason", "actor")
        known = (row for row in self._entries["pause"] if row["seller"] == seller and row["known_at"] <= as_of)
        return pauses_of(tuple(row[name] for name in names) for row in known)

    def _append(self, kind: str, rows: list[Row], *, ids: bool = True) -> list[int]:
        with self._lock:
            targets = [row["supersedes"] for row in rows if row.get("supersedes") is not None]
            if len(set(targets)) < len(targets) or any((kind, target) in self._replaced for target in targets):
                raise already_replaced()
            entries = self._entries[kind]
            first = len(entries) + 1
            for id_, fields in enumerate(rows, first):
                row: dict[str, Any] = {**fields, "id": id_}
                entries.append(row)
                if kind == "outcome":
                    self._outcomes[row["attempt_id"]].append(row)
                elif kind in COLUMNS:
                    place = _KINDS.index(kind)
                    self._of_number[row["seller"], row["number"]].append((place, row))
                    if row["person"] is not None:
                        self._of_person[row["seller"], row["person"]].append((place, row))
                    if row["supersedes"] is not None:
                        self._replaced[kind, row["supersedes"]] = row["known_at"]
            return list(range(first, first + len(rows))) if ids else []

    def _names(self, seller: str, number: str) -> list[str]:
        return [key.number(seller, number) for key in self.keys.held()]

    def _find(self, kind: str, id_: int) -> Row | None:
        entries = self._entries[kind]
        return entries[id_ - 1] if 0 < id_ <= len(entries) else None

    def may_have_called(self, seller: str, number: str) -> bool:
        """False: the record holds no attempt of the number."""
        return True

    def latest_attempts(self, seller: str, references: Sequence[str]) -> dict[str, int | None]:
        """By the caller's own ids, the latest attempt that bears each, or None."""
        return {reference: self._latest_attempt(seller, reference) for reference in references}

    def _latest_attempt(self, seller: str, reference: str) -> int | None:
        found = [row for row in self._entries["attempt"] if row["seller"] == seller and row["reference"] == reference]
        standing = [row for row in found if not row["void"]]
        return max(standing, key=lambda row: (row["valid_at"], row["id"]))["id"] if standing else None
