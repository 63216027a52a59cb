"""What the commands share: their options, how they read dates, files and campaigns, and how they fail."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialguard.model import strict
from dialguard.model.redaction import without_numbers

if TYPE_CHECKING:
    from dialguard.audit.log import DecisionLog
    from dialguard.guard import Guard
    from dialguard.ledger.ledger import Ledger

NOT_ADVICE = "This is not legal advice."
_DEEPEST = 64


class UsageError(Exception):
    """A user's mistake: printed on standard error without a traceback; exit status 2."""


def judging_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that decides something."""
    parser.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files (repeatable)")
    where = parser.add_mutually_exclusive_group()
    store_option(where)
    where.add_argument("--no-store", action="store_true", help="judge by what is given alone: no lists, consent or history")
    parser.add_argument("--as-of", metavar="MOMENT", help="answer from what was known at this moment (RFC 3339)")
    parser.add_argument(
        "--disable", action="append", default=[], metavar="RULE=REASON", help="switch a disputed rule off, with a reason (repeatable)"
    )
    json_option(parser)


def store_option(parser: argparse._ActionsContainer) -> None:
    """``--store``: where lists and ledger lie."""
    parser.add_argument(
        "--store", metavar="DIR|URL", help="folder of lists and ledger, or a URL (default: $DIALGUARD_STORE, else ~/.dialguard)"
    )


def json_option(parser: argparse._ActionsContainer) -> None:
    """``--json``: print JSON instead of text."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def open_guard(options: argparse.Namespace, log: DecisionLog | None = None) -> Guard:
    """The engine as the options ask for it, recording in ``log``; raises UsageError, or PackError for unusable rule files."""
    from dialguard.facts.feed import FeedError
    from dialguard.guard import Guard

    # A mistyped folder must not read as a store that holds nothing.
    if options.store is not None and "://" not in options.store and not Path(options.store).is_dir():
        raise UsageError(
            f"there is no store folder {options.store}; check the path, or make it: dialguard lists import ... --store {options.store}"
        )
    for folder in options.rules:
        if not folder.is_dir():
            raise UsageError(f"there is no folder of rule files {folder}")
    disable: dict[str, str] = {}
    for text in options.disable:
        rule, equals, reason = text.partition("=")
        if not equals or not reason.strip():
            raise UsageError(f"--disable {text}: expected RULE=REASON, since a rule is switched off with a recorded reason")
        disable[rule] = reason
    try:
        return Guard(options.store, no_store=options.no_store, rules=options.rules, as_of=options.as_of, disable=disable, log=log)
    except (ValueError, FeedError) as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the store cannot be opened: {error.filename}: {error.strerror}") from None


def store_folder(options: argparse.Namespace) -> Path:
    """The folder of the embedded store."""
    from dialguard.opening import default_store

    name = options.store if options.store is not None else default_store()
    if "://" in name:
        raise UsageError(f"--store {name.split('://')[0]}://...: expected a folder")
    return Path(name)


def recording_store(options: argparse.Namespace) -> Any:
    """A store that can be written to: a folder, a Redis whose URL names the folder of its ledger, or a ledger in PostgreSQL alone."""
    from dialguard.opening import default_store

    name = options.store if options.store is not None else default_store()
    scheme = name.partition("://")[0] if "://" in name else ""
    if scheme in ("postgresql", "postgres"):
        from dialguard.ledger.ledger import Ledger

        return Ledger(name)
    if scheme in ("redis", "rediss", "unix"):
        from dialguard.storage.redis import RedisStore

        try:
            store = RedisStore(name)
        except ValueError as error:
            raise UsageError(f"--store: {error}") from None
        if store.folder is None:
            raise UsageError(
                f"--store {scheme}://...: this Redis is a copy that cannot be written to; add journal=FOLDER to the URL, the store folder "
                "with the ledger from which it is filled"
            )
        return store
    if scheme:
        raise UsageError(
            f"--store {scheme}://...: expected a folder, redis://host:6379/0?journal=FOLDER, or postgresql://user@host/database"
        )
    from dialguard.storage.embedded import EmbeddedStore

    return EmbeddedStore(name)


def ledger_of(store: Any) -> Ledger:
    """The ledger of a store that can be written to."""
    store = store.journal.store if hasattr(store, "journal") else store
    return store.ledger if hasattr(store, "ledger") else store


def moment(text: str, name: str) -> int:
    """An instant from RFC 3339, or from a date, which is its first moment in UTC."""
    from dialguard.facts import clock

    try:
        return clock.parse_instant(f"{text}T00:00:00Z" if len(text) == 10 else text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}, or a date such as 2026-11-22 (its first moment in UTC)") from None


def day(text: str, name: str) -> date:
    """A date written as 2026-11-22."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: found {without_numbers(text)!r:.40}, expected a date such as 2026-11-22") from None


def number(text: str, name: str = "number") -> str:
    """A number of the North American plan, or a foreign one, as E.164."""
    from dialguard.facts import numbers

    found = numbers.parse(text)
    if found.e164 is None:
        raise UsageError(f"{name}: {found.reason or 'not a telephone number'}")
    return found.e164


def load_json(text: str | bytes) -> object:
    """JSON without what JSON has not (NaN, two keys of one name); raises ValueError saying where."""

    try:
        return strict.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte 0x{error.object[error.start]:02x} at place {error.start + 1} is not valid UTF-8") from None
    except RecursionError:
        raise ValueError(f"nested too deeply; an attempt is at most {_DEEPEST} levels deep") from None


def read_bytes(path: Path) -> bytes:
    """The content of a file that the user named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def read_campaign(path: Path) -> dict[str, object]:
    """A campaign file, JSON or YAML; its ``id`` is ``campaign`` where it has none. The fields are checked later."""
    from dialguard.packs import yamlfile

    raw = read_bytes(path)
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            found = yamlfile.parse(raw, str(path)).data
        else:
            found = load_json(raw)
    except (ValueError, yamlfile.PackError) as error:
        text = str(error)
        raise UsageError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    if isinstance(found, Mapping) and set(found) == {"campaign"}:
        found = found["campaign"]
    if not isinstance(found, Mapping):
        raise UsageError(f"{path}: found {type(found).__name__}, expected an object with the campaign's fields (seller, purpose, ...)")
    campaign = dict(found)
    campaign.setdefault("id", "campaign")
    return campaign


def add_campaign(guard: Guard, path: Path) -> str:
    """Register the campaign of a file; its id."""
    from dialguard.facts.given import InvalidInput

    try:
        return guard.add_campaign(read_campaign(path))
    except InvalidInput as error:
        raise UsageError("\n  ".join([f"{path}: not a usable campaign", *(f"{name}: {text}" for name, text in error.errors)])) from None


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, default=str))


def to_a_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def cited(text: object, citation: object) -> str:
    """A sentence with its citation, where it has one."""
    return f"{text} ({citation})" if citation else str(text)


def counted(number: int, word: str) -> str:
    """A number with its word: ``1 problem``, ``2,000 rules``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def columns(rows: Iterable[Iterable[object]], gap: str = "  ") -> list[str]:
    """Rows of cells as aligned lines; numbers stand to the right."""
    table = [list(row) for row in rows]
    if not table:
        return []
    width = [max(len(_cell(row[i])) for row in table) for i in range(len(table[0]))]
    return [
        gap.join(
            _cell(cell).rjust(w) if isinstance(cell, int) else _cell(cell).ljust(w) for cell, w in zip(row, width, strict=True)
        ).rstrip()
        for row in table
    ]


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
