"""One version of a list as a file: one bit for each number, one block for each area code.

Layout, format 1, all integers little-endian:

======== =========================================================================================
offset   content
======== =========================================================================================
0        magic ``DGBITS\\r\\n`` (8 bytes)
8        format version (unsigned 32 bits)
12       length of the manifest in bytes (unsigned 32 bits)
16       SHA-256 of the manifest (32 bytes)
48       the manifest, UTF-8 JSON, then zeros up to offset 65,536
65,536   one block of 1,000,000 bytes for each area code of ``blocks`` in the manifest, in that order
======== =========================================================================================

Bit ``i`` of a block stands for the line ``i + 2,000,000`` (the last seven digits; exchanges 2XX to 9XX) and
is ``128 >> i % 8`` of byte ``i // 8``: the order of Redis's GETBIT, so that a block can be stored there as it
is. The manifest also holds ``counts`` (numbers in each block) and ``blocks_sha256``; the files are never
changed once written.
"""

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialguard.lists.errors import ListDamaged

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"DGBITS\r\n"
FORMAT = 1
HEADER = 65_536
BLOCK = 1_000_000
FIRST_LINE = 2_000_000
LAST_LINE = 9_999_999
FIRST_NPA = 200
LAST_NPA = 999

_FIXED = struct.Struct("<8sII32s")
_LINES = 10_000_000
_ZEROS = bytes(BLOCK)
_RUNS = 64
_SPARSEST = 128
"""Runs of one area code in a piece, and places a number in a run, up to which bits are packed instead of set one by one."""
_SLICE = 1 << 17
"""Rows looked up at a time: few enough to stay near the processor, enough to make the calls cheap."""
_RESTORE = "restore the file from a copy, or import the list again"


def national_number(number: str | int) -> int:
    """The ten digits as an int.

    Raises ValueError when ``number`` is not ten digits whose area code and exchange begin with 2 to 9.
    """
    if type(number) is str and len(number) == 10 and number.isascii() and number.isdigit():
        number = int(number)
    if type(number) is int and FIRST_NPA * _LINES <= number <= LAST_NPA * _LINES + LAST_LINE:
        if number % _LINES >= FIRST_LINE:
            return number
    raise ValueError("not a national number: ten digits, area code and exchange each beginning with 2 to 9")


class BitsWriter:
    """Builds a file of this format in place; ``finish`` makes it whole.

    Opening an existing file with the ``blocks`` of a checkpoint goes on from there: numbers added after that
    checkpoint may already be present, and adding them again changes nothing.
    """

    def __init__(self, path: Path, blocks: Sequence[int] = ()) -> None:
        import numpy as np

        self.path = path
        self.blocks: list[int] = list(blocks)
        self._np = np
        self._slot = np.full(1000, -1, np.int64)
        for slot, npa in enumerate(self.blocks):
            self._slot[npa] = slot
        self._file = open(path, "r+b" if self.blocks else "w+b")
        try:
            if not self.blocks:
                self._file.write(bytes(HEADER))
                self._file.flush()
            self._file.truncate(HEADER + BLOCK * len(self.blocks))
            self._map = mmap.mmap(self._file.fileno(), 0)
        except BaseException:
            self._file.close()
            raise

    def add(self, npa: "np.ndarray", line: "np.ndarray") -> None:
        """Set the bits of many numbers: area codes 200 to 999 and lines 2,000,000 to 9,999,999, row by row."""
        np = self._np
        if len(npa) == 0:
            return
        slot = self._slot[npa]
        if (slot < 0).any():
            self._grow(np.unique(npa[slot < 0]).tolist())
            slot = self._slot[npa]
        bit = line.astype(np.int64) - FIRST_LINE
        if int(bit.min()) < 0 or int(bit.max()) > LAST_LINE - FIRST_LINE:
            raise ValueError("a line number lies outside 2,000,000 to 9,999,999")
        cuts = np.flatnonzero(slot[1:] != slot[:-1]) + 1
        if len(cuts) >= _RUNS:
            self._scattered(slot, bit)
            return
        # A sorted list comes as long runs of one area code, close together: these are packed and laid over the block.
        for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(bit)], strict=True):
            run = bit[start:end]
            low = int(run.min()) & ~7
            wide = int(run.max()) - low + 1
            if wide > _SPARSEST * len(run):
                self._scattered(slot[start:end], run)
                continue
            taken = np.zeros(wide, bool)
            taken[run - low] = True
            packed = np.packbits(taken)
            first = HEADER + int(slot[start]) * BLOCK + (low >> 3)
            block = np.frombuffer(self._map, np.uint8, len(packed), first)
            np.bitwise_or(block, packed, out=block)

    def _scattered(self, slot: "np.ndarray", bit: "np.ndarray") -> None:
        np = self._np
        mask = (128 >> (bit & 7)).astype(np.uint8)
        np.bitwise_or.at(np.frombuffer(self._map, np.uint8), HEADER + slot * BLOCK + (bit >> 3), mask)

    def fill(self, npa: int, line: int, count: int) -> None:
        """Set the bits of ``count`` numbers of one area code, from a line on."""
        if not FIRST_LINE <= line <= line + count - 1 <= LAST_LINE:
            raise ValueError("a line number lies outside 2,000,000 to 9,999,999")
        if self._slot[npa] < 0:
            self._grow([npa])
        base = HEADER + BLOCK * int(self._slot[npa])
        start, end = line - FIRST_LINE, line - FIRST_LINE + count
        left, right = -(-start // 8), end // 8
        if left > right:  # all within one byte
            self._map[base + right] |= 0xFF >> (start & 7) & 0xFF00 >> (end & 7)
            return
        if start & 7:
            self._map[base + left - 1] |= 0xFF >> (start & 7)
        self._map[base + left : base + right] = b"\xff" * (right - left)
        if end & 7:
            self._map[base + right] |= 0xFF00 >> (end & 7) & 0xFF

    def _grow(self, npas: list[int]) -> None:
        if npas[0] < FIRST_NPA or npas[-1] > LAST_NPA:
            raise ValueError("an area code lies outside 200 to 999")
        self._file.seek(0, os.SEEK_END)
        # Written, not merely extended: a full disk must fail here and not as a bus error in the mapping.
        for _ in npas:
            self._file.write(_ZEROS)
        self._file.flush()
        for npa in npas:
            self._slot[npa] = len(self.blocks)
            self.blocks.append(npa)
        self._map.close()
        self._map = mmap.mmap(self._file.fileno(), 0)

    def sync(self) -> None:
        """Bring every bit set so far to the disk."""
        self._map.flush()
        os.fsync(self._file.fileno())

    def count(self) -> tuple[list[int], str]:
        """Numbers in each block, in the order of ``blocks``, and the SHA-256 of all blocks."""
        return _count(self._map, len(self.blocks))

    def finish(self, manifest: dict[str, Any]) -> str:
        """Write the header, bring the file to the disk and close it; returns the SHA-256 of the manifest.

        ``manifest`` must hold ``blocks``, ``counts`` and ``blocks_sha256``. Raises ValueError when it does
        not fit the header.
        """
        head, digest = head_of(manifest)
        self._map[: len(head)] = head
        self.sync()
        self.close()
        return digest

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._map.close()
        with suppress(OSError):  # what a full disk did not take was reported when it was written
            self._file.close()


def head_of(manifest: dict[str, Any]) -> tuple[bytes, str]:
    """The beginning of a file with this manifest, and the manifest's SHA-256."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    if len(text) > HEADER - _FIXED.size:
        raise ValueError(f"the manifest has {len(text)} bytes and its place {HEADER - _FIXED.size}")
    digest = hashlib.sha256(text).digest()
    return _FIXED.pack(MAGIC, FORMAT, len(text), digest) + text, digest.hex()


def _count(data: "mmap.mmap", blocks: int) -> tuple[list[int], str]:
    digest = hashlib.sha256()
    counts = []
    for slot in range(blocks):
        start = HEADER + slot * BLOCK
        block = data[start : start + BLOCK]
        digest.update(block)
        counts.append(int.from_bytes(block, "little").bit_count())
    return counts, digest.hexdigest()


class BitsReader:
    """One version of a list, mapped into memory and shared by all processes that read it.

    Opening checks the header and the length of the file, which a torn write cannot pass; ``check`` reads
    every block. Raises ``ListDamaged``.
    """

    __slots__ = ("_base", "_bases", "_covered", "_map", "manifest", "manifest_sha256", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(_FIXED.size)
                self.manifest, self.manifest_sha256 = _manifest(path, head, file.read(HEADER - _FIXED.size))
                blocks: list[int] = self.manifest["blocks"]
                whole = HEADER + BLOCK * len(blocks)
                if size != whole:
                    raise ListDamaged(str(path), f"the file has {size} bytes where {whole} belong", _RESTORE)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise ListDamaged(str(path), f"the file cannot be read ({error.strerror})", _RESTORE) from error
        covered: list[int] | None = self.manifest["area_codes"]
        self._base = {npa: HEADER + BLOCK * slot for slot, npa in enumerate(blocks)}
        self._covered = None if covered is None else frozenset(covered)
        self._bases: np.ndarray | None = None

    def contains(self, national10: str | int) -> bool | None:
        """Whether the number is on the list; None when this version does not cover its area code.

        Raises ValueError when it is not a national number (see ``national_number``).
        """
        if type(national10) is not int:
            national10 = national_number(national10)
        npa, bit = divmod(national10 - FIRST_LINE, _LINES)
        base = self._base.get(npa)
        if base is None or bit >= 8_000_000:
            national_number(national10)
            return False if self._covered is None or npa in self._covered else None
        return self._map[base + (bit >> 3)] & (128 >> (bit & 7)) != 0

    def contains_many(self, npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """The same for many numbers: int8, 1 listed, 0 not listed, -1 not known.

        ``npa`` and ``line`` are integer arrays of one length. Not known are area codes that this version
        does not cover and values that no number can have.
        """
        import numpy as np

        npa, line = np.asarray(npa), np.asarray(line)
        if npa.shape != line.shape or npa.ndim != 1 or npa.dtype.kind not in "iu" or line.dtype.kind not in "iu":
            raise ValueError("area codes and lines must be integer arrays of one dimension and one length")
        if self._bases is None:
            self._bases = self._table()
        data = np.frombuffer(self._map, np.uint8)
        out = np.empty(len(npa), np.int8)
        for start in range(0, len(npa), _SLICE):
            part = slice(start, start + _SLICE)
            code, rest = npa[part], line[part]
            if rest.min() < FIRST_LINE or rest.max() > LAST_LINE:
                out[part] = self._one_by_one(data, code, rest)
                continue
            place = self._bases.take(code, mode="clip")
            if place.min() > 0:
                out[part] = _fetched(data, place, rest)
                continue
            # Of many lists most area codes have no block: a state's, say.
            rows = np.flatnonzero(place > 0)
            out[part] = np.minimum(place, 0)
            out[part][rows] = _fetched(data, place[rows], rest[rows])
        return out

    def _one_by_one(self, data: "np.ndarray", npa: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
        """What ``contains_many`` means, where some rows are no numbers or of an area code without a block."""
        import numpy as np

        code, bit = npa.astype(np.int64), line.astype(np.int64) - FIRST_LINE
        possible = (code >= FIRST_NPA) & (code <= LAST_NPA) & (bit >= 0) & (bit <= LAST_LINE - FIRST_LINE)
        base = np.where(possible, self._bases[np.where(possible, code, 0)], -1)
        bit = np.where(base > 0, bit, 0)
        found = data[np.maximum(base, 0) + (bit >> 3)] & (128 >> (bit & 7)).astype(np.uint8)
        return np.where(base > 0, found != 0, base)

    def _table(self) -> "np.ndarray":
        """By area code: where its block begins, 0 covered without a block, -1 not covered or no area code."""
        import numpy as np

        bases = np.full(LAST_NPA + 2, -1, np.int64)
        if self._covered is None:
            bases[FIRST_NPA:-1] = 0
        bases[list(self._covered or ())] = 0
        for npa, base in self._base.items():
            bases[npa] = base
        return bases

    def block(self, npa: int) -> bytes | None:
        """The 1,000,000 bytes of one area code, as Redis would hold them; None when it has no block."""
        base = self._base.get(npa)
        return None if base is None else self._map[base : base + BLOCK]

    def array(self, npa: int) -> "np.ndarray | None":
        """The same as bytes that are not copied out of the file, and not to be written to."""
        import numpy as np

        base = self._base.get(npa)
        return None if base is None else np.frombuffer(self._map, np.uint8, BLOCK, base)

    def counts(self) -> dict[int, int]:
        """Numbers by area code, for the area codes that have any."""
        return dict(zip(self.manifest["blocks"], self.manifest["counts"], strict=True))

    def check_digest(self) -> None:
        """Read every block and compare their digest with the manifest: most of ``check``, in half its time.

        Raises ``ListDamaged``.
        """
        digest = hashlib.sha256()
        with memoryview(self._map) as whole, whole[HEADER:] as blocks:
            for start in range(0, len(blocks), BLOCK):
                digest.update(blocks[start : start + BLOCK])
        if digest.hexdigest() != self.manifest["blocks_sha256"]:
            raise ListDamaged(str(self.path), "the blocks do not have the digest of the manifest", _RESTORE)

    def check(self) -> None:
        """Read every block and compare digest and counts with the manifest. Raises ``ListDamaged``."""
        counts, digest = _count(self._map, len(self._base))
        if digest != self.manifest["blocks_sha256"]:
            raise ListDamaged(str(self.path), "the blocks do not have the digest of the manifest", _RESTORE)
        if counts != self.manifest["counts"] or sum(counts) != self.manifest["numbers"]:
            raise ListDamaged(str(self.path), f"{sum(counts)} numbers counted, not as the manifest says", _RESTORE)


def _fetched(data: "np.ndarray", base: "np.ndarray", line: "np.ndarray") -> "np.ndarray":
    """The bits of lines in blocks that begin at ``base``, which is used up."""
    import numpy as np

    bit = np.subtract(line, FIRST_LINE, dtype=np.int64)
    base += bit >> 3
    np.bitwise_and(bit, 7, out=bit)
    found = data.take(base, mode="clip")  # in range already
    found <<= bit.astype(np.uint8)
    found >>= 7
    return found


def _manifest(path: Path, head: bytes, rest: bytes) -> tuple[dict[str, Any], str]:
    if len(head) < _FIXED.size or not head.startswith(MAGIC):
        raise ListDamaged(str(path), "the file does not begin as a list file does", _RESTORE)
    _, version, length, digest = _FIXED.unpack(head)
    if version != FORMAT:
        raise ListDamaged(
            str(path), f"the file has format {version}, this program reads {FORMAT}", "use the program that wrote it"
        )
    text = rest[:length]
    if len(text) != length or hashlib.sha256(text).digest() != digest:
        raise ListDamaged(str(path), "the manifest is torn or altered", _RESTORE)
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise ListDamaged(str(path), "the manifest is not JSON", _RESTORE) from error
    if not isinstance(manifest, dict) or not _sound(manifest.get("blocks"), manifest.get("area_codes", ())):
        raise ListDamaged(str(path), "the manifest does not name its blocks and area codes", _RESTORE)
    return manifest, digest.hex()


def _sound(blocks: Any, covered: Any) -> bool:
    def codes(value: Any) -> bool:
        return isinstance(value, list) and all(type(n) is int and FIRST_NPA <= n <= LAST_NPA for n in value)

    return codes(blocks) and len(set(blocks)) == len(blocks) and (covered is None or codes(covered))


def area_code_set(codes: Iterable[int | str]) -> frozenset[int]:
    """Area codes as ints. Raises ValueError naming the first that is not three digits from 200 to 999."""
    out = set()
    for code in codes:
        if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isdigit():
            code = int(code)
        if type(code) is not int or not FIRST_NPA <= code <= LAST_NPA:
            raise ValueError(f"{code!r} is not an area code: three digits from 200 to 999")
        out.add(code)
    return frozenset(out)
