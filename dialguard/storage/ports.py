"""The port through which the engine's facts are looked up. Stores supply or withhold facts; they never decide."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dialguard.model.moment import Instant
from dialguard.model.records import LookUp, LookUpFailed

if TYPE_CHECKING:
    import numpy as np

    from dialguard.ledger.pseudonyms import Key
    from dialguard.lists.catalog import Version, VersionAnswer
    from dialguard.lists.reassigned import Answer

__all__ = ["ListCatalog", "LookUpFailed", "Recorded", "Store"]


class ListCatalog(Protocol):
    """The loaded do-not-call lists and the like; ``dialguard.lists.catalog.Catalog`` is the one that ships."""

    def answers(
        self, code: str, national10: str, as_of: Instant | None = None, since: int | None = None
    ) -> "tuple[VersionAnswer, ...]": ...

    def versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> "tuple[Version, ...]": ...

    def contains_many(self, version: "Version", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray": ...

    def refresh(self) -> bool: ...


class Recorded(NamedTuple):
    """Of whom a record holds anything, for those who ask about a whole list.

    ``consents`` are numbers of which it holds one consent and nothing else, at any time: (number, level, form, covers,
    obtained_at, requested_at, channels), begun by the moment asked and without an end, lists of words as JSON. ``numbers`` are
    all others, ``persons`` everybody who is named anywhere. ``hidden`` are names of erased numbers, and ``keys`` those by which numbers
    and persons are named.
    """

    numbers: list[str]
    persons: list[str]
    consents: list[tuple]
    hidden: "Sequence[str]" = ()
    keys: "Sequence[Key]" = ()


class Store(Protocol):
    """What a store answers. Every method raises ``LookUpFailed`` on trouble and ``ValueError`` on a malformed question.

    ``seller`` is whose record counts. A number is E.164 text (``+13055550100``). ``at`` is the moment judged:
    entries whose own date lies after it are not in force, except that all revocations are given. ``as_of`` None is
    everything known now; otherwise only what had been recorded by that moment.
    """

    def look_up(
        self, *, seller: str, number: str, person: str | None = None, at: Instant, as_of: Instant | None = None
    ) -> LookUp:
        """What is known of one number, and of the person's other numbers where ``person`` is given.

        Attempts to any of the person's numbers count. From the other numbers everything else can only tighten:
        revocations, own-list entries, ended relationships, contact bars and conversations that are not another
        person's. Consent and relationship are those of the number itself.
        """
        ...

    def look_up_many(
        self,
        seller: str,
        numbers: Iterable[str],
        at: Instant,
        as_of: Instant | None = None,
        persons: Mapping[str, str] | None = None,
    ) -> dict[str, LookUp]:
        """The same for many numbers over one state of the record; ``persons`` maps a number to its person."""
        ...

    def list_answers(
        self, code: str, national10: str, as_of: Instant | None = None, since: int | None = None
    ) -> "tuple[VersionAnswer, ...]":
        """What each loaded version of list ``code`` says of a ten-digit number; empty: no version is loaded. ``since``: the first local
        date (an ordinal) that is asked about; versions may be left out in whose place another stands from then on."""
        ...

    def list_versions(self, code: str, as_of: Instant | None = None, since: int | None = None) -> "tuple[Version, ...]":
        """The loaded versions of list ``code``; ``since`` as for ``list_answers``."""
        ...

    def lists_mark(self) -> object | None:
        """The same object as long as this thread's questions about lists are answered from the same versions; None where that is not told."""
        ...

    def lists_say(self, codes: tuple[str, ...], national10: str, since: int | None) -> list[bool | None]:
        """``list_answers`` of several lists in their order, without the versions."""
        ...

    def expect(self, seller: str, numbers: Iterable[str]) -> Callable[[str, Instant], LookUp | None] | None:
        """Within ``still``: this thread's next look-ups will be of these numbers, and may be answered from what is asked now. What is
        returned gives the look-up of one of them, at a moment and without a person, where that is so, and is of no use after ``still``."""
        ...

    def list_contains_many(self, version: "Version", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """What one version says of many numbers, area code and last seven digits each: int8, 1 listed, 0 not, -1 not covered."""
        ...

    def reassigned(self, national10: str, as_of: Instant | None = None) -> "tuple[Answer, ...]":
        """What the Reassigned Numbers Database answered of a ten-digit number, as far as its answers were imported."""
        ...

    def recorded(self, seller: str, at: Instant, as_of: Instant | None = None) -> Recorded:
        """Of whom the record holds anything for a seller; of all others it knows nothing."""
        ...

    def refresh(self) -> None:
        """Takes up list versions that were imported since. Once before the questions of a decision or a batch."""
        ...

    def still(self) -> AbstractContextManager[None]:
        """For a group of decisions of one thread: within, ``refresh`` looks once, and a store that can answers all questions over one
        state of its record, that of the first of them. What the thread itself records within is seen by its next question."""
        ...
