"""Whether something was recorded into a folder that Redis was not told of: ``redis.changes``, eight bytes that are others each time.

Whoever recorded such a thing writes them before saying that it is recorded; stores that answer from Redis compare them before each question.
The file is made by the first of these, before it looks at the folder: where there is none, nobody has looked.
"""

import os
import secrets
from pathlib import Path

from dialguard.ledger.errors import LedgerError
from dialguard.model.records import LookUpFailed

FILE = "redis.changes"
_SIZE = 8


class Changes:
    """The file of one store folder. Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FILE)
        self._file = -1

    def tell(self) -> None:
        """Something was recorded just now. Raises LedgerError."""
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _untold(error) from None
        try:
            # Drawn, not counted: so no two need to wait for each other.
            if os.pwrite(file, secrets.token_bytes(_SIZE), 0) != _SIZE:
                raise OSError
        except OSError as error:
            raise _untold(error) from None
        finally:
            os.close(file)

    def now(self) -> bytes:
        """What stands there, to be compared: about a microsecond. Raises LookUpFailed."""
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            return os.pread(self._file, _SIZE, 0)
        except OSError as error:
            raise LookUpFailed(f"{FILE} in the store's folder cannot be read ({error.strerror})") from None

    def close(self) -> None:
        """Closes the file; a later call opens it again."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _untold(error: OSError) -> LedgerError:
    why = error.strerror or "cut short"
    return LedgerError(f"it was recorded, but {FILE} in the store's folder cannot be written ({why}), by which those who ask Redis know of it")
