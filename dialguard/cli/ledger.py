"""Writing to the record: ``consent``, ``revocation``, ``relationship``, ``suppress``, ``attempt``, ``outcome`` and
``ledger`` (declare, show, retract)."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from dialguard.cli import common, ledger_files, ledger_person
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.storage.embedded import EmbeddedStore

_CHANNELS = ("voice", "sms", "mms", "rvm", "fax")
_PURPOSES = ("telemarketing", "charitable", "political", "survey", "debt_collection", "healthcare", "informational", "emergency")
_PROOF = (
    "name", "purpose", "source", "wording", "wording_hash", "page", "call",
    "certificate_url", "certificate_expires_at", "evidence_digest",
)  # fmt: skip
_FLAGS = ("current", "open-contract", "member", "personal")
NOT_PLACED = "not_placed"
_LIMBS = ("last-transaction-at", "last-inquiry-at", "ended-at", "donor-at")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the commands that write to the record."""
    command = commands.add_parser("consent", help="record a consent")
    _whose(command)
    command.add_argument("--level", required=True, choices=("none", "express", "express_written"), help="none ends every earlier consent")
    command.add_argument("--form", action="append", choices=("oral", "request", "signed_permission", "agreement"), help="repeatable")
    command.add_argument(
        "--covers", metavar="WORDS", help="live,autodialed,prerecorded,ai,rvm,texts,other_hours (default: as the level has it)"
    )
    command.add_argument("--channels", metavar="WORDS", help="only these channels, separated by commas")
    for name in ("obtained-at", "requested-at", "expires-at"):
        _time(command, name)
    command.add_argument("--reference", metavar="TEXT", help="where the proof lies")
    proof = command.add_argument_group("proof of the consent (kept for 16 CFR 310.5; changes no decision)")
    proof.add_argument("--name", metavar="TEXT", help="who gave it")
    proof.add_argument("--purpose", metavar="TEXT", help="to what end")
    proof.add_argument("--source", metavar="WORD", help="where: website, call, paper, ...")
    proof.add_argument("--wording", metavar="FILE", type=Path, help="text file with the request as it was shown; its hash is kept as well")
    proof.add_argument("--wording-hash", metavar="SHA256", help="where the wording itself lies elsewhere")
    proof.add_argument("--page", metavar="URL", help="the page on which it was given")
    proof.add_argument("--call", metavar="TEXT", help="the reference of the call in which it was given")
    proof.add_argument("--certificate-url", metavar="URL", help="a certificate kept by a third party")
    _time(proof, "certificate-expires-at", "when that certificate lapses there")
    which = proof.add_mutually_exclusive_group()
    which.add_argument("--evidence", metavar="FILE", type=Path, help="recording, scan or the like; its SHA-256 is kept, not the file")
    which.add_argument("--evidence-digest", metavar="SHA256")
    _finish(command, consent, corrects=True)

    command = commands.add_parser("revocation", help="record that consent was withdrawn")
    _whose(command)
    _time(command, "at", "when it was withdrawn (default now)")
    command.add_argument("--scope", choices=("all", "marketing", "category", "medium"), help="default all")
    command.add_argument("--subject", metavar="TEXT", help="with --scope category")
    command.add_argument("--channel", choices=_CHANNELS, help="with --scope medium")
    command.add_argument("--means", metavar="TEXT", help="how: stop_reply, spoken, letter, ...")
    command.add_argument("--words", metavar="TEXT", help="what was said or written")
    _time(command, "received-at", "when it reached you (default --at); the ten business days are counted from it")
    _finish(command, revocation, corrects=True)

    command = commands.add_parser("relationship", help="record what is known of a business relationship")
    _whose(command)
    for name in _LIMBS:
        _time(command, name)
    for name in _FLAGS:
        command.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None)
    _finish(command, relationship, corrects=True)

    command = commands.add_parser("suppress", help="put a number on the seller's own do-not-call list, or take it off")
    _whose(command)
    _time(command, "at", "since when (default now)")
    command.add_argument("--scope", metavar="TEXT", help="what the request covers (default everything)")
    command.add_argument("--remove", action="store_true", help="take the number off the list instead")
    _finish(command, suppress, corrects=True)

    command = commands.add_parser("attempt", help="record an attempt that was made, so that it counts")
    _whose(command)
    _time(command, "at", "when it was made (default now)")
    command.add_argument("--channel", required=True, choices=_CHANNELS)
    command.add_argument("--purpose", choices=_PURPOSES)
    command.add_argument("--voice", choices=("live", "prerecorded", "ai"))
    for name in ("subject", "debt", "from", "reference", "outcome"):
        command.add_argument(f"--{name}", dest="from_" if name == "from" else name, metavar="TEXT")
    _finish(command, attempt)

    command = commands.add_parser("outcome", help="record what became of an attempt")
    command.add_argument(
        "outcome", metavar="OUTCOME", help=f"a word such as no_answer, conversation, abandoned; {NOT_PLACED} gives a reservation back"
    )
    command.add_argument("--number", metavar="NUMBER", help=f"the number that was reserved for, with {NOT_PLACED}")
    command.add_argument("--seller", required=True, metavar="NAME")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--attempt", metavar="ID", help="the attempt's id in the record (attempt:17)")
    which.add_argument("--reference", metavar="TEXT", help="the caller's own id of the attempt")
    _time(command, "at", "when (default now)")
    _finish(command, outcome)

    command = commands.add_parser("ledger", help="declare the record complete; show what it knows; take an entry back")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    action = actions.add_parser(
        "declare", help="declare that the record of a seller is complete from a date on",
        description="Declares that from the date on every attempt is recorded, and that all consents, revocations, relationships and "
        "own-list entries in force on it were entered. Absence in the record then counts as known.",
    )  # fmt: skip
    action.add_argument("--seller", required=True, metavar="NAME")
    action.add_argument("--since", metavar="DATE", help="a date or RFC 3339")
    action.add_argument("--withdraw", action="store_true", help="declare that it is not complete any more")
    _finish(action, declare)
    action = actions.add_parser("show", help="what the record knows of a number")
    _whose(action)
    _finish(action, show)
    ledger_person.add(actions, _finish)
    action = actions.add_parser("retract", help="take back an entry that should not have been made; what was known before stays known")
    action.add_argument("id", metavar="ID", help="such as consent:17")
    action.add_argument("--seller", required=True, metavar="NAME")
    _finish(action, retract)
    ledger_files.add(actions)


def _whose(command: argparse.ArgumentParser) -> None:
    command.add_argument("number", metavar="NUMBER", help="in any usual form")
    command.add_argument("--seller", required=True, metavar="NAME")
    command.add_argument("--person", metavar="ID", help="the person's own id, across numbers")


def _time(command: argparse._ActionsContainer, name: str, text: str | None = None) -> None:
    command.add_argument(f"--{name}", metavar="MOMENT", help=f"{text or 'RFC 3339, or a date'}")


def _finish(
    command: argparse.ArgumentParser, run: Callable[[argparse.Namespace, EmbeddedStore, int], dict[str, Any]], corrects: bool = False
) -> None:
    common.store_option(command)
    common.json_option(command)
    if corrects:
        command.add_argument("--supersedes", metavar="ID", help="the entry that this one corrects")
    command.set_defaults(run=lambda options: _run(run, options))


def _run(act: Callable[[argparse.Namespace, EmbeddedStore, int], dict[str, Any]], options: argparse.Namespace) -> int:
    from dialguard.facts import clock
    from dialguard.ledger.errors import LedgerError, RecordError
    from dialguard.model.records import LookUpFailed

    store = common.recording_store(options)
    try:
        said = act(options, store, clock.now())
    except RecordError as error:
        name = error.field if error.field in ("id", "number") else f"--{error.field.replace('_', '-')}"
        raise UsageError(f"{name}: found {error.found}, expected {error.expected}; nothing was recorded") from None
    except (LedgerError, LookUpFailed) as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()
    if "released" in said and not options.json:
        print(f"released: {said['released']}")
    elif options.json or "id" not in said:
        common.print_json(said)
    else:
        print(f"recorded: {said['id']}")
        if said.get("deadline"):
            print(f"It counts at once. Carry it into every other system by {said['deadline']} at the latest (47 CFR 64.1200(a)(10)).")
    return 0


def _common(options: argparse.Namespace, now: int) -> dict[str, Any]:
    """What every entry on a number says."""
    found = {"seller": options.seller, "number": common.number(options.number), "person": options.person, "known_at": now}
    return found | ({"supersedes": options.supersedes} if getattr(options, "supersedes", None) else {})


def _at(options: argparse.Namespace, name: str, otherwise: int | None = None) -> int | None:
    text = getattr(options, name)
    return otherwise if text is None else common.moment(text, f"--{name.replace('_', '-')}")


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def consent(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Record a consent."""
    moments = {name: _at(options, name) for name in ("obtained_at", "requested_at", "expires_at", "certificate_expires_at")}
    proof = {name: getattr(options, name) for name in ("name", "purpose", "source", "wording_hash", "page", "call", "certificate_url")}
    digest = options.evidence_digest if options.evidence is None else _digest_of(options.evidence)
    words = {"covers": _words(options.covers), "channels": _words(options.channels)}
    entry = store.record_consent(
        **_common(options, now), level=options.level, form=options.form, reference=options.reference, **words, **moments, **proof,
        wording=None if options.wording is None else _text_of(options.wording), evidence_digest=digest,
    )  # fmt: skip
    return {"id": entry}


def revocation(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Record a revocation."""
    from dialguard.ledger.deadline import deadline

    said = {name: getattr(options, name) for name in ("scope", "subject", "channel", "means", "words")}
    at = _at(options, "at", now)
    received = _at(options, "received_at")
    entry = store.record_revocation(**_common(options, now), at=at, received_at=received, **said)
    last = deadline(at if received is None else received)
    return {"id": entry, "deadline": last and last.isoformat()}


def relationship(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Record what is known of a relationship."""
    limbs = {name.replace("-", "_"): _at(options, name.replace("-", "_")) for name in _LIMBS}
    flags = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name in _FLAGS}
    return {"id": store.record_relationship(**_common(options, now), **limbs, **flags)}


def suppress(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Put a number on the seller's own list, or take it off."""
    act = store.unsuppress if options.remove else store.suppress
    return {"id": act(**_common(options, now), at=_at(options, "at", now), scope=options.scope)}


def attempt(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Record an attempt that was made."""
    said = {name: getattr(options, name) for name in ("channel", "purpose", "voice", "subject", "debt", "reference", "outcome")}
    from_ = None if options.from_ is None else common.number(options.from_, "--from")
    return {"id": store.record_attempt(**_common(options, now), at=_at(options, "at", now), from_=from_, **said)}


def outcome(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Record what became of an attempt, or give back what was reserved for it."""
    if options.outcome == NOT_PLACED:
        return _give_back(options, store)
    which = {"attempt": options.attempt, "reference": options.reference}
    at = _at(options, "at", now)
    return {"id": store.record_outcome(seller=options.seller, outcome=options.outcome, at=at, known_at=now, **which)}


def _give_back(options: argparse.Namespace, store: EmbeddedStore) -> dict[str, Any]:
    if options.reference is None or options.number is None:
        raise UsageError(f"{NOT_PLACED} takes --reference, the id of the reservation, and --number")
    if not store.release(seller=options.seller, number=common.number(options.number), attempt=options.reference):
        raise UsageError(
            f"--reference {options.reference}: nothing is reserved under this id for that number any more, or the attempt was recorded"
        )
    return {"released": options.reference}


def declare(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Declare the record of a seller complete from a date on, or withdraw that."""
    if (options.since is None) != options.withdraw:
        raise UsageError("expected either --since DATE or --withdraw")
    since = None if options.withdraw else common.moment(options.since, "--since")
    if since is not None and since > now:
        raise UsageError(f"--since {options.since}: lies in the future; a record can only be complete from a day that has come")
    return {"id": store.declare_complete(options.seller, since, known_at=now)}


def retract(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """Take an entry back."""
    return {"id": store.retract(seller=options.seller, id=options.id, known_at=now)}


def show(options: argparse.Namespace, store: EmbeddedStore, now: int) -> dict[str, Any]:
    """What the record knows of a number now, with its moments in UTC, and beside each entry what proves it."""
    from dialguard.privacy.requests import entries

    number = common.number(options.number)
    found = store.look_up(seller=options.seller, number=number, person=options.person, at=now)
    proof = {entry.pop("id"): entry for entry in entries(common.ledger_of(store), number, [options.seller])}
    shown = {key: value for key, value in _plain(structs.asdict(found)).items() if key != "consent"}
    for each in (*shown["consents"], *shown["revocations"]):
        more = proof.get(each["id"], {})
        each |= {key: value for key, value in more.items() if key not in each and key in ("words", "received_at", "deadline", *_PROOF)}
    return shown


def _text_of(path: Path) -> str:
    try:
        return common.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--wording: {path}: byte {error.start + 1} is not UTF-8 text") from None


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"--evidence: {path}: {error.strerror or error}") from None


def _plain(value: Any, name: str = "") -> Any:
    from dialguard.facts import clock
    from dialguard.model.history import Entry

    if isinstance(value, Struct):
        value = structs.asdict(value)
    elif dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, Entry):
        value = {key.rstrip("_"): item for key, item in value._asdict().items()}  # `from_`, which the contract calls `from`
    if isinstance(value, dict):
        return {key: _plain(item, key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) is int and (name == "at" or name == "since" or name.endswith(("_at", "_since"))):
        return clock.format_instant(value)
    return value
