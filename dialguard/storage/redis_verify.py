"""Whether Redis is what the folder is, and how it stands."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from dialguard.lists.catalog import Catalog
from dialguard.lists.errors import ListError
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_codec as codec
from dialguard.storage import redis_lists
from dialguard.storage.redis_journal import Journal
from dialguard.storage.redis_link import Link
from dialguard.storage.redis_source import LOT

_SHOWN = 20


class Verified(NamedTuple):
    """What was compared, and what differs: sentences without numbers of telephones; the first twenty, and how many there are."""

    blocks: int
    numbers: int
    persons: int
    problems: tuple[str, ...]
    count: int


def verify(
    link: Link, journal: Journal, samples: int | None = 10_000, told: Callable[[str, int], None] = lambda what, number: None
) -> Verified:
    """Compares marks, catalog and all bits, how many numbers and persons there are, and the values of some numbers (all: None).

    Raises LookUpFailed where Redis or the folder cannot be read.
    """
    check = _Verify(link, journal, told)
    journal.replay()
    check.marks()
    check.bits()
    check.declarations()
    check.numbers(samples)
    check.persons()
    problems = check.problems
    return Verified(check.blocks, check.compared, check.people, tuple(problems[:_SHOWN]), len(problems))


class _Verify:
    def __init__(self, link: Link, journal: Journal, told: Callable[[str, int], None]) -> None:
        self.link, self.journal, self.told = link, journal, told
        self.source = journal.filler.source
        self.problems: list[str] = []
        self.blocks = self.compared = self.people = 0

    def marks(self) -> None:
        """Every tag is marked, by this folder, with one format and the catalog of its lists."""
        try:
            self.digest, value = redis_lists.encode(Catalog(self.journal.store.folder))
        except ListError as error:
            raise LookUpFailed(f"a list could not be read: {error}") from error
        self.listing = redis_lists.decode(self.digest, value)
        ledger = self.journal.ledger
        for tag, (owner, form, digest, version, *_) in self.journal.filler.marks().items():
            if owner is None:
                self.problems.append(f"{_place(tag)}: not filled, or not to the end")
            elif owner != ledger:
                self.problems.append(f"{_place(tag)}: filled from another folder")
            elif form != codec.FORMAT or version is None:
                self.problems.append(f"{_place(tag)}: of another format")
            elif digest != self.digest.encode():
                self.problems.append(f"{_place(tag)}: has other versions of the lists than the folder")
        held = self.link.ask(lambda client: client.get(codec.catalog_key(self.digest)))
        if held != value and not self.problems:
            self.problems.append("the catalog of lists is missing or differs")

    def bits(self) -> None:
        """Every block of bits is that of the file."""
        catalog = Catalog(self.journal.store.folder)
        for version, counts in self.listing.held:
            reader = catalog.reader(version)
            for npa in sorted(counts):
                key = codec.bits_key(str(npa), version.code, version.id)
                if self._get(key) != reader.block(npa):
                    self.problems.append(f"list {version.code}, version {version.id}, area code {npa}: bits missing or different")
                self.blocks += 1
                self.told("area codes", self.blocks)

    def declarations(self) -> None:
        """Every seller's declaration stands with every area code."""
        for seller in self.source.declaring():
            name = codec.short(seller)
            declared = self.source.declared(seller)[1]

            def ask(client: Any) -> list[bytes | None]:
                pipeline = client.pipeline(transaction=False) if not self.link.to.cluster else client.pipeline()
                for tag in codec.NUMBER_TAGS:
                    pipeline.hget(codec.mark_key(tag), "s" + name)  # noqa: B023 - asked at once
                return pipeline.execute()

            for tag, value in zip(codec.NUMBER_TAGS, self.link.ask(ask), strict=True):
                if value is None or codec.decode_declaration(value, seller) != declared:
                    self.problems.append(f"{_place(tag)}: a seller's declaration is missing or differs")

    def numbers(self, samples: int | None) -> None:
        """As many numbers as in the ledger, none else, and the values of some of them."""
        chance, draw = 1.0, random.Random(0)
        expected = {"r": 0, "a": 0}
        total = sum(len(numbers) for _, numbers in self.source.number_lots())
        if samples is not None and total > samples:
            chance = samples / total
        for seller, numbers in self.source.number_lots():
            values = self.source.values(seller, numbers)[1]
            for both in values.values():
                for kind, value in zip("ra", both, strict=True):
                    expected[kind] += value is not None
            chosen = numbers if chance == 1.0 else [number for number in numbers if draw.random() < chance]
            self._compare(seller, chosen)
            self.told("numbers", self.compared)
        found = {kind: self._count(f"dg{{*}}{kind}:*") for kind in "ra"}
        for kind, what in (("r", "entries"), ("a", "attempts")):
            if found[kind] != expected[kind]:
                self.problems.append(f"numbers with {what}: {found[kind]:,} in Redis, {expected[kind]:,} in the ledger")

    def persons(self) -> None:
        """Every person has its numbers."""
        for seller, people in self.source.person_lots():
            for person in people:
                _, numbers = self.source.numbers_of(seller, person)
                held = codec.decode_person(self._get(codec.person_key(seller, person)))[1]
                if sorted(numbers) != sorted(held):
                    self.problems.append("a person's numbers are missing or differ")
                self.people += 1
            self.told("persons", self.people)

    def _compare(self, seller: str, numbers: list[str]) -> None:
        left = iter(numbers)
        while lot := list(islice(left, LOT)):
            self.compared += len(lot)
            wrong = self._differing(seller, lot)
            if wrong:  # what was recorded just between is not wrong
                wrong = self._differing(seller, wrong)
            self.problems += [f"{_place(codec.tag_of(number))}: what is held of a number differs from the ledger" for number in wrong]

    def _differing(self, seller: str, numbers: list[str]) -> list[str]:
        keys = [codec.number_key(kind, seller, number) for number in numbers for kind in "ra"]

        def ask(client: Any) -> list[bytes | None]:
            pipeline = client.pipeline(transaction=False) if not self.link.to.cluster else client.pipeline()
            for key in keys:
                pipeline.get(key)
            return pipeline.execute()

        held = self.link.ask(ask)
        values = self.source.values(seller, numbers)[1]
        return [
            number
            for number, rows, attempts in zip(numbers, held[::2], held[1::2], strict=True)
            if (_body(rows), _body(attempts)) != tuple(map(_body, values[number]))
        ]

    def _count(self, pattern: str) -> int:
        """How many such keys hold anything."""
        number = 0
        for names in self.link.scan(pattern):
            lot = list(names)

            def ask(client: Any) -> list[int]:
                pipeline = client.pipeline(transaction=False) if not self.link.to.cluster else client.pipeline()
                for name in lot:  # noqa: B023 - asked at once
                    pipeline.strlen(name)
                return pipeline.execute()

            number += sum(size > 5 for size in self.link.ask(ask)) if lot else 0
        return number

    def _get(self, key: str) -> bytes | None:
        return self.link.ask(lambda client: client.get(key))


def _body(value: bytes | None) -> bytes:
    """A value without the version it was made from."""
    return b"" if value is None else value[5:]


def _place(tag: str) -> str:
    if tag.isdigit():
        return f"area code {tag}"
    return f"numbers that begin with +{tag[1:]}" if tag[0] == "x" else f"persons, part {tag[1:]}"


class Standing(NamedTuple):
    """How Redis stands: servers (version, role, bytes used), tags that are filled of all, lists and how many numbers they hold, and
    entries that wait in the folder (None: no folder was named)."""

    servers: tuple[dict[str, Any], ...]
    filled: int
    tags: int
    lists: tuple[tuple[str, str, int], ...]
    waiting: int | None


def standing(link: Link, journal: Journal | None) -> Standing:
    """Asks every server and every mark. Raises LookUpFailed."""
    infos = link.ask(lambda client: link.info())
    servers = tuple(
        {"version": info.get("redis_version"), "role": info.get("role"), "used_memory": info.get("used_memory"),
         "maxmemory": info.get("maxmemory"), "policy": info.get("maxmemory_policy")}
        for info in infos
    )  # fmt: skip

    def ask(client: Any) -> list[list[bytes | None]]:
        pipeline = client.pipeline(transaction=False) if not link.to.cluster else client.pipeline()
        for tag in codec.TAGS:
            pipeline.hmget(codec.mark_key(tag), "l", "d")
        return pipeline.execute()

    marks = link.ask(ask)
    filled = sum(owner is not None for owner, _ in marks)
    digests: Iterator[str] = (digest.decode() for owner, digest in marks if owner is not None and digest is not None)
    digest = next(digests, None)
    lists: tuple[tuple[str, str, int], ...] = ()
    if digest is not None:
        listing = redis_lists.decode(digest, link.ask(lambda client: client.get(codec.catalog_key(digest))))
        lists = tuple((held.version.code, held.version.id, sum(held.counts.values())) for held in listing.held)
    return Standing(servers, filled, len(codec.TAGS), lists, None if journal is None else journal.queue.waiting())
