"""``dialguard lists reassigned``: what to ask the Reassigned Numbers Database, and its answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dialguard.cli import common
from dialguard.cli.common import UsageError


def query(options: argparse.Namespace) -> int:
    """Write the questions: each number with a consent of the seller, and the day of that consent."""
    from dialguard.facts import clock
    from dialguard.ledger.ledger import Ledger
    from dialguard.lists.reassigned import queries

    folder = common.store_folder(options)
    if not (folder / "ledger.sqlite").is_file():
        raise UsageError(f"there is no ledger in {folder}; consents are recorded with `dialguard consent`")
    today = clock.fixed(clock.now(), 0).ordinal
    ledger = Ledger(folder / "ledger.sqlite")
    try:
        consents = ledger.entries(
            options.seller, lambda entries: [(row["number"], row["obtained_at"]) for _, row in entries], kinds=("consent",)
        )
    finally:
        ledger.close()
    dated = [(number, clock.fixed(at, 0).ordinal) for number, at in consents if at is not None and number.startswith("+1")]
    # The database takes no date of today or later.
    asked = [(number, day) for number, day in dated if day < today]
    rows = list(queries(asked))
    if options.out.exists():
        raise UsageError(f"{options.out}: there is such a file already")
    try:
        options.out.write_text("".join(rows), encoding="ascii")
    except OSError as error:
        raise UsageError(f"{options.out}: {error.strerror}") from None
    left = len(consents) - len(asked)
    if options.json:
        common.print_json({"rows": len(rows), "consents": len(consents), "left_out": left})
    else:
        rest = f"; {common.counted(left, 'consent')} left out: no date, a date of today, or a foreign number" if left else ""
        print(f"written: {common.counted(len(rows), 'question')}{rest}")
    return 0


def answers(options: argparse.Namespace) -> int:
    """Take a file of answers."""
    from dialguard.facts import clock
    from dialguard.lists.reassigned import import_answers

    now = clock.now()
    if options.asked is not None:
        asked = common.moment(options.asked, "--asked")
    else:
        asked = _last_changed(options.file)
        print(f"asked: {clock.format_instant(asked)}, when the file was last changed; --asked says otherwise", file=sys.stderr)
    done = import_answers(
        common.store_folder(options), options.file, asked_at=min(asked, now) if options.asked is None else asked, received_at=now
    )
    if options.json:
        common.print_json({"rows": done.rows, "already_imported": done.already, **done.counts})
    else:
        said = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in done.counts.items())
        print(f"{'held already' if done.already else 'imported'}: {common.counted(done.rows, 'answer')} ({said})")
    return 0


def _last_changed(file: Path) -> int:
    try:
        seconds = file.stat().st_mtime
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    return int(seconds) * 1_000_000
