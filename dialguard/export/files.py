"""Files of an export, which appear whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def write(folder: Path, files: Mapping[str, str], *, force: bool = False) -> None:
    """Write the files, name to text, into a new folder; with ``force`` into an existing one, where files of other names stay.

    Raises FileExistsError where the folder exists and ``force`` is not given, OSError where it cannot be written.
    """
    if not force and os.path.lexists(folder):
        raise FileExistsError(folder)
    parent = folder.resolve().parent
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=parent))
    try:
        for name, text in files.items():
            with open(staged / name, "x", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if folder.is_dir():
            for name in files:
                os.replace(staged / name, folder / name)
        else:
            mask = os.umask(0)
            os.umask(mask)
            staged.chmod(0o777 & ~mask)
            os.rename(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
