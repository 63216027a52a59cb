"""The catalog of lists as it stands in Redis: every version held, its area codes, where its bits are and how many numbers.

It is one value, named by its SHA-256; the mark of each tag holds that digest, and a look-up that does not know it asks for the
catalog once. So a look-up's answer carries the versions without carrying their records.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from dialguard.lists.bits import BLOCK, FIRST_LINE, national_number
from dialguard.lists.catalog import Catalog, Version, VersionAnswer
from dialguard.lists.versions import as_record, from_record
from dialguard.model.records import LookUpFailed
from dialguard.storage.redis_codec import Damaged, bits_key

if TYPE_CHECKING:
    import numpy as np

_LINES = 10_000_000
_UNUSED = 60.0


class Held(NamedTuple):
    """A version and, by area code, how many numbers its bits hold."""

    version: Version
    counts: Mapping[int, int]


class Asked(NamedTuple):
    """What a look-up in one tag asks of the lists: the keys of the bits, and by list its versions, each with whether it covers the
    area code and the place of its bit (-1: it has no bits there)."""

    keys: tuple[str, ...]
    versions: dict[str, tuple[tuple[Version, bool, int], ...]]


class Listing:
    """A catalog of lists."""

    def __init__(self, digest: str, held: tuple[Held, ...]) -> None:
        self.digest, self.held = digest, held
        self._asked: dict[str, Asked] = {}
        by_code: dict[str, list[Version]] = {}
        for each in held:
            by_code.setdefault(each.version.code, []).append(each.version)
        self.versions: dict[str, tuple[Version, ...]] = {code: tuple(versions) for code, versions in by_code.items()}
        self.counts = {(each.version.code, each.version.id): each.counts for each in held}

    def asked(self, tag: str) -> Asked:
        """What to ask in a tag."""
        found = self._asked.get(tag)
        if found is None:
            found = self._asked[tag] = self._make(tag)
        return found

    def _make(self, tag: str) -> Asked:
        keys: list[str] = []
        versions: dict[str, list[tuple[Version, bool, int]]] = {}
        if tag.isdigit():
            npa = int(tag)
            for version, counts in self.held:
                covered = version.area_codes is None or npa in version.area_codes
                place = -1
                if npa in counts:
                    place = len(keys)
                    keys.append(bits_key(tag, version.code, version.id))
                versions.setdefault(version.code, []).append((version, covered, place))
        return Asked(tuple(keys), {code: tuple(each) for code, each in versions.items()})

    def answers(self, code: str, tag: str, bits: bytes) -> tuple[VersionAnswer, ...]:
        """What each version of a list says of a number, from the bits of a look-up in its tag."""
        return tuple(
            VersionAnswer(version, bits[place] == 49 if place >= 0 else (False if covered else None))
            for version, covered, place in self.asked(tag).versions.get(code, ())
        )


def bit_of(national10: str) -> int:
    """The place of a ten-digit number among the bits of its area code. Raises ValueError when it is not one."""
    return national_number(national10) % _LINES - FIRST_LINE


def encode(catalog: Catalog) -> tuple[str, bytes]:
    """Digest and value of a folder's lists as they are held now. Raises ListDamaged."""
    held = []
    for code in catalog.codes():
        for version in catalog.versions(code):
            counts = catalog.reader(version).counts()
            held.append({"version": as_record(version), "counts": [[npa, count] for npa, count in sorted(counts.items())]})
    text = json.dumps(held, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest(), zlib.compress(text, 6)


def decode(digest: str, value: bytes | None) -> Listing:
    """The catalog of this digest. Raises LookUpFailed."""
    if value is None:
        raise LookUpFailed("the catalog of lists is missing in Redis; run `dialguard redis rebuild`")
    try:
        text = zlib.decompress(value)
        if hashlib.sha256(text).hexdigest() != digest:
            raise ValueError("another digest")
        held = tuple(Held(from_record(each["version"]), {npa: count for npa, count in each["counts"]}) for each in json.loads(text))
    except (zlib.error, ValueError, KeyError, TypeError):
        raise Damaged from None
    return Listing(digest, held)


class Blocks:
    """Bits of whole area codes, pulled once and tested here; for lists of many numbers."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str, int], np.ndarray] = {}
        self._used = 0.0

    def __contains__(self, key: tuple[str, str, int]) -> bool:
        return key in self._blocks

    def put(self, key: tuple[str, str, int], block: bytes | None, count: int) -> None:
        """Keeps the bits of (list, version, area code). Raises LookUpFailed where they are not whole."""
        import numpy as np

        if block is None or len(block) != BLOCK or int.from_bytes(block, "little").bit_count() != count:
            raise LookUpFailed(f"the bits of list {key[0]} for area code {key[2]} are not whole in Redis; run `dialguard redis rebuild`")
        self._used = time.monotonic()
        self._blocks[key] = np.frombuffer(block, np.uint8)

    def clear(self) -> None:
        """Lets go of all."""
        self._blocks = {}

    def rest(self) -> None:
        """Lets go of bits that nobody used for a minute."""
        if self._blocks and time.monotonic() - self._used > _UNUSED:
            self.clear()

    def contains_many(self, version: Version, held: Mapping[int, int], npa: np.ndarray, line: np.ndarray) -> np.ndarray:
        """As ``lists.bits.BitsReader.contains_many``; the bits of all area codes among ``npa`` are there."""
        import numpy as np

        self._used, blocks = time.monotonic(), self._blocks
        out = np.full(len(npa), -1, np.int8)
        if not len(npa):
            return out
        bit = line.astype(np.int64) - FIRST_LINE
        possible = (bit >= 0) & (bit < BLOCK * 8) & (npa >= 200) & (npa <= 999)
        # Rows of one area code together: sorted once, each block is then one gather.
        order = np.argsort(npa, kind="stable")
        codes, starts = np.unique(npa[order], return_index=True)
        for code, rows in zip(codes.tolist(), np.split(order, starts[1:]), strict=True):
            rows = rows[possible[rows]]
            if code in held:
                place = bit[rows]
                found = blocks[version.code, version.id, code][place >> 3] & (128 >> (place & 7)).astype(np.uint8)
                out[rows] = found != 0
            elif version.area_codes is None or code in version.area_codes:
                out[rows] = 0
        return out
