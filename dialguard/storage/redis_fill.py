"""From the ledger and the lists of a folder to Redis: what was just recorded, or everything."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from dialguard.facts import clock
from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import ListError
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_lists, redis_scripts
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.lease import Leases
from dialguard.storage.redis_link import BULK_TIMEOUT, Link, amiss
from dialguard.storage.redis_queue import Note, Queue
from dialguard.storage.redis_source import LOT, Source
from dialguard.storage.slots import QUIET
from dialguard.storage.slots_local import kept

_UNLINKED = 5000

Call = tuple[Sequence[str], Sequence[Any]]


class Refused(LookUpFailed):
    """Redis has no mark of this ledger where it should be written to; only a rebuild helps."""


class Anew(LookUpFailed):
    """Another server than before, which may have lost something: that is sent again first."""


class Mark(NamedTuple):
    """What a tag's mark says; ``sound``: nothing can have been lost since it was written; ``here``: the server's replication id."""

    ledger: bytes | None
    format: bytes | None
    digest: bytes | None
    version: bytes | None
    sound: bool
    here: bytes


class Filled(NamedTuple):
    """What a rebuild wrote: versions of lists, area codes of bits, numbers, persons, sellers, and what it removed."""

    versions: int
    blocks: int
    numbers: int
    persons: int
    sellers: int
    removed: int


class Filler:
    """Writes what the ledger of a folder says into Redis."""

    def __init__(self, link: Link, store: EmbeddedStore, queue: Queue) -> None:
        self.link, self.store, self.queue = link, store, queue
        self.source = Source(store.ledger)

    # -- what was just recorded

    def send(self, notes: Sequence[tuple[int, Note]], to: str = "0") -> Iterator[tuple[list[int], int, LookUpFailed | None]]:
        """Sends what notes name, as the ledger has it now, ``to`` the servers of these replication ids; 1: also to one that may have lost
        something; 0: to any other. Gives, lot by lot, the notes, the version, and what went wrong."""
        for start in range(0, len(notes), LOT):
            groups: dict[tuple[str, str], list[tuple[int, Note]]] = {}
            for id_, note in notes[start : start + LOT]:
                groups.setdefault((note.what if note.what in "pd" else "n", note.seller), []).append((id_, note))
            for (what, seller), group in groups.items():
                if what == "n":
                    yield from self._send_numbers(seller, group, to)
                else:
                    for id_, note in group:
                        version, trouble = (
                            self._send_person(note, to) if what == "p" else self._declare(seller, self.queue.ledger, to)
                        )
                        yield [id_], version, trouble

    def _send_numbers(self, seller: str, group: list[tuple[int, Note]], to: str) -> Iterator[tuple[list[int], int, LookUpFailed | None]]:
        try:
            version, values = self.source.values(seller, list(dict.fromkeys(note.name for _, note in group)))
        except LookUpFailed as error:
            yield [id_ for id_, _ in group], 0, error
            return
        ledger, gone = self.queue.ledger, codec.head(version)
        tags: dict[str, list[tuple[int, Note]]] = {}
        for id_, note in group:
            tags.setdefault(note.tag, []).append((id_, note))
        for tag, those in tags.items():
            ids = [id_ for id_, _ in those]
            plain: dict[str, bytes] = {}
            recorded: dict[str, list[str]] = {}
            for _, note in those:
                if note.reference is not None:
                    recorded.setdefault(note.name, []).append(codec.short(note.reference))
                else:
                    plain[codec.number_key(note.what, seller, note.name)] = values[note.name][note.what == "a"] or gone
            try:
                for name, references in recorded.items():
                    keys = [codec.mark_key(tag), codec.number_key("a", seller, name), codec.number_key("s", seller, name)]
                    plain.pop(keys[1], None)
                    args = [ledger, version, to, values[name][1] or gone, *references]
                    checked(self.link.run(redis_scripts.RECORD, keys, args, self.link.patience()))
                if plain:
                    args = [ledger, version, to, *plain.values()]
                    checked(self.link.run(redis_scripts.WRITE, [codec.mark_key(tag), *plain], args, self.link.patience()))
            except LookUpFailed as error:
                yield ids, version, error
            else:
                yield ids, version, None

    def _send_person(self, note: Note, to: str) -> tuple[int, LookUpFailed | None]:
        version = 0
        try:
            version, numbers = self.source.numbers_of(note.seller, note.name)
            value = codec.encode_person(version, note.name, numbers) or codec.head(version)
            keys = [codec.mark_key(note.tag), codec.person_key(note.seller, note.name)]
            checked(self.link.run(redis_scripts.WRITE, keys, [self.queue.ledger, version, to, value], self.link.patience()))
        except LookUpFailed as error:
            return version, error
        return version, None

    def _declare(self, seller: str, ledger: str, to: str = "0") -> tuple[int, LookUpFailed | None]:
        version = 0
        try:
            version, declared = self.source.declared(seller)
            args = [ledger, version, to, codec.short(seller), codec.encode_declaration(version, seller, declared)]
            calls = [([codec.mark_key(tag)], args) for tag in codec.NUMBER_TAGS]
            for answer in self.link.run_many(redis_scripts.DECLARE, calls, self.link.patience(BULK_TIMEOUT)):
                checked(answer)
        except LookUpFailed as error:
            return version, error
        return version, None

    # -- everything

    def rebuild(self, *, replace: bool = False, told: Callable[[str, int], None] = lambda what, number: None) -> Filled:
        """Makes Redis what the folder is. Where it was filled from this folder before, it goes on answering meanwhile; where not,
        it is emptied first, and every answer is unknown until the end.

        ``replace`` empties it first in any case, also where another folder filled it. ``told`` hears how far it is.
        Raises LookUpFailed, Refused.
        """
        self.link.check()
        ledger = self.queue.ledger
        marks = self.marks()
        found = {mark.ledger for mark in marks.values()}
        here = found == {ledger.encode()} and all(mark.sound for mark in marks.values()) and not replace
        if not here:
            if found - {None, ledger.encode()} and not replace:
                raise Refused(f"Redis at {self.link.to.shown} was filled from another folder; name that one, or --replace its content")
            self._empty(tag for tag, mark in marks.items() if any(mark[:4]))
            ledger = self.queue.rename()
            self._marked(redis_scripts.BEGIN, [])
        reigns = {mark.here.decode() for mark in marks.values()}
        if not here or reigns != self.queue.reigns:
            self.queue.reign(reigns)
            Leases(self.store.folder).outwait()  # of the Redis before; what comes now it is not told
        begun = self.source.tips()
        listing, blocks = self._lists(told)
        numbers = persons = 0
        writes = ledger if here else ""
        for seller, names in self.source.number_lots():
            version, values = self.source.values(seller, names)
            plain = {
                codec.number_key(kind, seller, name): value
                for name, both in values.items()
                for kind, value in zip("ra", both, strict=True)
                if value is not None
            }
            self._write(plain, version, writes)
            numbers += len(names)
            told("numbers", numbers)
        for seller, people in self.source.person_lots():
            for person in people:
                version, theirs = self.source.numbers_of(seller, person)
                value = codec.encode_person(version, person, theirs)
                if value is not None:
                    self._write({codec.person_key(seller, person): value}, version, writes)
            persons += len(people)
            told("persons", persons)
        removed = self._orphans() if here else 0
        sellers = self._mark(listing.digest, ledger, here, begun)
        removed += self._old_lists(listing)
        return Filled(len(listing.held), blocks, numbers, persons, sellers, removed)

    def lists(self, told: Callable[[str, int], None] = lambda what, number: None) -> int:
        """Takes up the lists of the folder as they are now: bits first, then the marks. The number of area codes written.

        Raises LookUpFailed, Refused.
        """
        ledger = self.queue.ledger
        if {mark.ledger for mark in self.marks().values()} != {ledger.encode()}:
            raise Refused(f"Redis at {self.link.to.shown} is not filled from this folder; rebuild it whole")
        listing, blocks = self._lists(told)
        self._marked(redis_scripts.MARK, ["d", listing.digest])
        self._old_lists(listing)
        return blocks

    def put_back(self, ledger: str | None = None) -> int:
        """Writes the slots of the journal into Redis as they are now; how many. ``ledger`` is nothing while Redis is filled. Raises
        LookUpFailed."""
        calls: list[Call] = []
        ledger = self.queue.ledger if ledger is None else ledger
        for seller, person, slot in kept(self.store):
            name, to = codec.short(slot.attempt), slot.entry.to
            places = [(codec.number_key("s", seller, to), name)]
            if person is not None:
                places.append((codec.person_key(seller, person, "s"), name + to))
            for key, field in places:
                mark = key[: key.index("}") + 1]
                calls.append(([mark, key], [ledger, field, codec.encode_slot(slot, person), codec.KEPT_SLOT]))
        for answer in self.link.run_many(redis_scripts.PUT, calls):
            checked(answer)
        return len(calls)

    def marks(self) -> dict[str, Mark]:
        """By tag, what its mark says. Raises LookUpFailed."""
        answers = self.link.run_many(redis_scripts.STATE, [([codec.mark_key(tag)], []) for tag in codec.TAGS])
        return {tag: Mark(*answer[1:5], answer[5] == 1, answer[6]) for tag, answer in zip(codec.TAGS, answers, strict=True)}

    def vouch(self, least: dict[str, int]) -> None:
        """Tells Redis that nothing is lost any more in these tags, each of which has reached a version. Raises LookUpFailed."""
        ledger = self.queue.ledger
        calls: list[Call] = [([codec.mark_key(tag)], [ledger, version, QUIET]) for tag, version in least.items()]
        for answer in self.link.run_many(redis_scripts.VOUCH, calls):
            checked(answer)

    def _marked(self, script: redis_scripts.Script, args: Sequence[Any]) -> None:
        for answer in self.link.run_many(script, [([codec.mark_key(tag)], args) for tag in codec.TAGS]):
            checked(answer)

    def _write(self, values: dict[str, bytes], version: int, ledger: str) -> None:
        tags: dict[str, list[str]] = {}
        for key in values:
            tags.setdefault(key[3 : key.index("}")], []).append(key)
        calls: list[Call] = [
            ([codec.mark_key(tag), *keys], [ledger, version, 0, *(values[key] for key in keys)]) for tag, keys in tags.items()
        ]
        for answer in self.link.run_many(redis_scripts.WRITE, calls):
            checked(answer)

    def _lists(self, told: Callable[[str, int], None]) -> tuple[redis_lists.Listing, int]:
        try:
            catalog = Catalog(self.store.folder)
            digest, value = redis_lists.encode(catalog)
            listing = redis_lists.decode(digest, value)
            done = 0
            for version, counts in listing.held:
                reader = catalog.reader(version)
                for npa in sorted(counts):
                    key, block = codec.bits_key(str(npa), version.code, version.id), reader.block(npa)
                    self.link.ask(lambda client: client.set(key, block), BULK_TIMEOUT)  # noqa: B023 - asked at once
                    done += 1
                    told("area codes", done)
        except ListError as error:
            raise LookUpFailed(f"a list could not be read: {error}") from error
        self.link.ask(lambda client: client.set(codec.catalog_key(digest), value))
        return listing, done

    def _mark(self, digest: str, ledger: str, here: bool, begun: dict[str, int]) -> int:
        """Sends what was recorded meanwhile and sets the marks, while nobody records."""
        with self.queue.alone(wait=True):
            version = self.source.version()
            sellers = self.source.declaring()
            for seller in sellers:
                _, trouble = self._declare(seller, "")
                if trouble is not None:
                    raise trouble
            for note in {note for _, note in self.queue.unsent() if note.what != "d"}:
                self._resend(note, ledger if here else "")
            fields: list[Any] = ["f", codec.FORMAT, "d", digest, "w", version, "l", ledger]
            if not here and self.queue.noted():  # it was filled before, and others may have taken slots that are gone
                fields += ["q", clock.now() + QUIET]
            if not here:
                self.put_back("")
            self._marked(redis_scripts.MARK, fields)
            left = [id_ for id_, _ in self.queue.unsent()]
            self.queue.sent(left, version)
            self.queue.rebuilt(version)
            for kind, id_ in begun.items():
                self.queue.follow(kind, id_, ())
        return len(sellers)

    def _resend(self, note: Note, ledger: str) -> None:
        if note.what == "p":
            version, numbers = self.source.numbers_of(note.seller, note.name)
            value = codec.encode_person(version, note.name, numbers) or codec.head(version)
            self._write({codec.person_key(note.seller, note.name): value}, version, ledger)
        else:
            version, values = self.source.values(note.seller, [note.name])
            value = values[note.name][note.what == "a"] or codec.head(version)
            self._write({codec.number_key(note.what, note.seller, note.name): value}, version, ledger)

    def _empty(self, marked: Iterable[str]) -> None:
        self._unlink(codec.mark_key(tag) for tag in marked)
        for names in self.link.scan("dg{*"):
            self._unlink(name.decode() for name in names)

    def _old_lists(self, listing: redis_lists.Listing) -> int:
        wanted = {key for tag in codec.NUMBER_TAGS for key in listing.asked(tag).keys} | {codec.catalog_key(listing.digest)}
        removed = 0
        for pattern in ("dg{*}b:*", "dg{c}*"):
            for names in self.link.scan(pattern):
                removed += self._unlink(name for name in map(bytes.decode, names) if name not in wanted)
        return removed

    def _orphans(self) -> int:
        """Takes out numbers and persons of which the ledger holds nothing any more, or never did."""
        sellers = {codec.short(seller): seller for seller in self.source.sellers()}
        removed = 0
        for kind in "ra":
            for names in self.link.scan(f"dg{{*}}{kind}:*"):
                by_seller: dict[str, list[tuple[str, str]]] = {}
                for name in map(bytes.decode, names):
                    seller, number = codec.number_of(name)
                    by_seller.setdefault(seller, []).append((name, number))
                for seller, pairs in by_seller.items():
                    lots = iter(pairs)
                    while lot := list(islice(lots, LOT)):
                        known = self.source.values(sellers[seller], [number for _, number in lot])[1] if seller in sellers else {}
                        removed += self._unlink(name for name, number in lot if known.get(number, (None, None))[kind == "a"] is None)
        people = {codec.person_key(seller, person) for seller, lot in self.source.person_lots() for person in lot}
        for names in self.link.scan("dg{p*}p:*"):
            removed += self._unlink(name for name in map(bytes.decode, names) if name not in people)
        return removed

    def _unlink(self, names: Iterable[str]) -> int:
        left = iter(names)
        removed = 0
        while lot := list(islice(left, _UNLINKED)):
            if self.link.to.cluster:
                removed += sum(self.link.ask(lambda client: client.unlink(name)) for name in lot)  # noqa: B023 - asked at once
            else:
                removed += self.link.ask(lambda client: client.unlink(*lot))  # noqa: B023 - asked at once
        return removed


def checked(answer: Any) -> None:
    """What scripts answer that write. Raises LookUpFailed."""
    if type(answer) is not list:
        raise amiss(b"")
    if answer[0] == b"anew":
        raise Anew(str(amiss(b"anew")))
    if answer[0] == b"empty":
        raise Refused("Redis holds nothing, or was not filled to the end; run `dialguard redis rebuild`")
    if answer[0] == b"other":
        raise Refused("Redis was filled from another folder; run `dialguard redis rebuild` with the right one")
