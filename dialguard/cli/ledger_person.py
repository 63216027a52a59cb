"""``ledger erase``, ``lift``, ``history`` and ``rotate-key``: what a person may ask of the record."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialguard.ledger.erasing import Erased
    from dialguard.ledger.ledger import Ledger

    Finish = Callable[..., None]


def add(actions: argparse._SubParsersAction, finish: Finish) -> None:
    """Add the actions to ``ledger``; ``finish`` adds the options that all have, and what runs."""
    action = actions.add_parser(
        "erase", help="erase a number: what the law lets go is emptied, and it stays on the own list under a keyed hash",
        description="Without --seller for every seller of whom the record holds anything of it. --due empties what was kept in the clear "
        "of numbers erased before, where the law does not ask for it any longer: run it now and then.",
    )  # fmt: skip
    which = action.add_mutually_exclusive_group(required=True)
    which.add_argument("number", metavar="NUMBER", nargs="?", help="in any usual form")
    which.add_argument("--due", action="store_true", help="finish what was begun")
    action.add_argument("--seller", metavar="NAME", help="only from this seller's record")
    action.add_argument("--at", metavar="MOMENT", help="when the person asked for it (default now)")
    action.add_argument("--scope", metavar="TEXT", help="what is not to be called about any more (default everything)")
    action.add_argument("--reason", metavar="TEXT", help="kept with the entry; name no person and no number in it")
    finish(action, erase)
    action = actions.add_parser("lift", help="take an erased number off the own list, for a later consent in full and with proof")
    action.add_argument("number", metavar="NUMBER", help="in any usual form")
    action.add_argument("--seller", required=True, metavar="NAME")
    action.add_argument("--consent", required=True, metavar="ID", help="such as consent:17")
    finish(action, lift)
    action = actions.add_parser("history", help="all that is held of a number: every entry as it was made, lists, answers; as JSON")
    action.add_argument("number", metavar="NUMBER", help="in any usual form")
    action.add_argument("--seller", metavar="NAME", help="only from this seller's record")
    action.add_argument("--as-of", metavar="MOMENT", help="only what had been recorded by then: RFC 3339, or a date")
    finish(action, history)
    action = actions.add_parser("rotate-key", help="make a new key by which erased numbers are named; the old ones are kept and asked")
    finish(action, rotate_key)


def erase(options: argparse.Namespace, store: Any, now: int) -> dict[str, Any]:
    """Erase a number, or finish what was begun."""
    from dialguard.privacy.requests import finish

    ledger = common.ledger_of(store)
    if options.due:
        if any((options.at, options.scope, options.reason)):
            raise UsageError("--due takes no --at, --scope or --reason: those of the erasure stand")
        sellers = ledger.sellers() if options.seller is None else [options.seller]
        return {"emptied": finish(store, ledger, sellers, now)}
    number = common.number(options.number)
    sellers = ledger.sellers(number) if options.seller is None else [options.seller]
    if not sellers:
        raise UsageError("the record holds nothing of this number; name the --seller who is not to call it any more")
    at = None if options.at is None else common.moment(options.at, "--at")
    asked = {"number": number, "known_at": now, "at": at, "scope": options.scope, "reason": options.reason}
    return {"erased": [{"seller": seller, **_told(store.erase(seller=seller, **asked))} for seller in sellers]}


def _told(done: Erased) -> dict[str, Any]:
    from dialguard.facts import clock

    kept = [{"kind": kind, "entries": count, "until": clock.format_instant(until), "for": law} for kind, count, until, law in done.kept]
    return {"emptied": done.removed, "under_keyed_name": done.hidden, "kept_in_the_clear": kept}


def lift(options: argparse.Namespace, store: Any, now: int) -> dict[str, Any]:
    """Take an erased number off the own list."""
    number = common.number(options.number)
    return {"id": store.lift_erasure(seller=options.seller, number=number, consent=options.consent, at=now, known_at=now)}


def history(options: argparse.Namespace, store: Any, now: int) -> dict[str, Any]:
    """All that is held of a number."""
    from dialguard.privacy.requests import entries, listed

    number = common.number(options.number)
    as_of = None if options.as_of is None else common.moment(options.as_of, "--as-of")
    ledger: Ledger = common.ledger_of(store)
    folder = getattr(store, "folder", None)
    if folder is not None and not folder.is_dir():
        return {"number": number, "entries": [], "lists": [], "reassigned": []}
    sellers = ledger.sellers() if options.seller is None else [options.seller]
    found: dict[str, Any] = {"number": number, "entries": entries(ledger, number, sellers, as_of)}
    if folder is None:
        return found
    from dialguard.lists.versions import list_codes

    return found | listed(store, number, list_codes(folder))


def rotate_key(options: argparse.Namespace, store: Any, now: int) -> dict[str, Any]:
    """Make a new key."""
    return {"key": common.ledger_of(store).keys.rotate().id}
