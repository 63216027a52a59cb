"""A version made from another by setting and clearing bits: one pass over the file, which is checked on the way."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dialguard.lists.bits import BLOCK, FIRST_LINE, HEADER, BitsReader, head_of

if TYPE_CHECKING:
    import numpy as np


class Edited(NamedTuple):
    """A file of bits made from another: its blocks with their counts, and the digest of them all."""

    blocks: list[int]
    counts: list[int]
    blocks_sha256: str


class Editor:
    """Writes a changed copy of a version into a new file; ``edit`` and then ``finish``."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")

    def edit(self, base: BitsReader, npa: "np.ndarray", line: "np.ndarray", added: "np.ndarray") -> Edited:
        """Copy the blocks of ``base`` with these numbers set (``added``) or cleared; each number at most once.

        Raises ``ListDamaged`` when the blocks of ``base`` are not those of its manifest: damage must not get a digest of its own.
        """
        import numpy as np

        with ThreadPoolExecutor(1) as beside:
            whole = beside.submit(base.check_digest)
            counts = base.counts()
            held = list(counts)
            blocks = held + sorted(set(np.unique(npa[added]).tolist()) - set(held))
            order = np.argsort(npa, kind="stable")
            npa, bit, added = npa[order], line[order].astype(np.int64) - FIRST_LINE, added[order]
            starts, ends = np.searchsorted(npa, blocks), np.searchsorted(npa, blocks, "right")
            digest, out = hashlib.sha256(), []
            self._file.write(bytes(HEADER))
            for code, start, end in zip(blocks, starts.tolist(), ends.tolist(), strict=True):
                block = base.array(code) if code in counts else np.zeros(BLOCK, np.uint8)
                before = counts.get(code, 0)
                if start < end:
                    block = block.copy()
                    before += _edit(block, bit[start:end], added[start:end])
                digest.update(block)
                self._file.write(block.data)
                out.append(before)
            whole.result()
        return Edited(blocks, out, digest.hexdigest())

    def finish(self, manifest: dict[str, Any]) -> str:
        """Write the header and bring the file to the disk; returns the SHA-256 of the manifest (see ``BitsWriter.finish``)."""
        head, digest = head_of(manifest)
        self._file.seek(0)
        self._file.write(head)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return digest

    def close(self) -> None:
        """Let go of the file, finished or not."""
        with suppress(OSError):
            self._file.close()


def _edit(block: "np.ndarray", bit: "np.ndarray", added: "np.ndarray") -> int:
    """Set or clear the bits of a block; by how many it has more than before."""
    import numpy as np

    place, mask = bit >> 3, (128 >> (bit & 7)).astype(np.uint8)
    was = (block[place] & mask) != 0
    np.bitwise_or.at(block, place[added], mask[added])
    np.bitwise_and.at(block, place[~added], ~mask[~added])
    return int((added & ~was).sum()) - int((~added & was).sum())
