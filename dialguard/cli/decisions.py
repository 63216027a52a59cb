"""``dialguard decisions``: the decision log shown, searched, verified, replayed and exported; its keys."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialguard.cli import common
from dialguard.cli.common import UsageError

if TYPE_CHECKING:
    from dialguard.audit.keys import Keys
    from dialguard.audit.reading import Reader, Record, Wanted
    from dialguard.audit.replay import Outcome


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its actions."""
    command = commands.add_parser("decisions", help="the decision log: show, find, verify, replay, export")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = _action(actions, "show", show, "a decision whole, by its id or the attempt's")
    action.add_argument("id", metavar="ID")

    action = _action(actions, "find", find, "decisions that fit, one a line")
    _which(action)

    action = _action(actions, "verify", verify, "whether anything was changed, cut out or put in; exit status 1 when so")
    action.add_argument(
        "--checkpoints", action="append", default=[], type=Path, metavar="FILE", help="checkpoints kept elsewhere (repeatable)"
    )

    action = _action(
        actions, "replay", replay, "decisions made again on the law and the knowledge of their moment; exit status 1 when one differs"
    )
    action.add_argument("id", nargs="?", metavar="ID", help="of a decision or an attempt")
    action.add_argument("--all", action="store_true", help="every decision")
    action.add_argument(
        "--packs", choices=("own", "current"), default="own", help="the rules that decided (default), or today's, to see what changes"
    )
    action.add_argument(
        "--rules", action="append", default=[], metavar="DIR", type=Path, help="with --packs current: add a folder of rule files"
    )
    _which(action)

    action = _action(actions, "export", export, "write decisions, or the call records of 16 CFR 310.5(a)(2), to a file")
    action.add_argument("file", metavar="FILE", type=Path)
    action.add_argument("--format", choices=("csv", "ndjson", "parquet"), help="default: as the suffix says")
    action.add_argument(
        "--call-records", action="store_true", help="one row an allowed telemarketing call, joined with its recorded outcome"
    )
    action.add_argument("--force", action="store_true", help="replace the file")
    _which(action)

    action = actions.add_parser("verifier", help="print the verifier: one file that needs Python alone")
    action.set_defaults(run=verifier)

    action = _action(actions, "keys", keys, "the keys that numbers are sealed under")
    which = action.add_mutually_exclusive_group()
    which.add_argument("--rotate", metavar="TENANT", help="seal under a new key from now on; the old one goes on opening")
    which.add_argument("--destroy", metavar="KEY", help="destroy a key: what it sealed can never be read again, and the log stays whole")


def _action(actions: argparse._SubParsersAction, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    where = action.add_mutually_exclusive_group()
    common.store_option(where)
    where.add_argument("--log", metavar="DIR", type=Path, help="folder of the log (default: decisions in the store's folder)")
    action.add_argument(
        "--keys", metavar="FILE", type=Path, help="key file (default: $DIALGUARD_KEYS, else keys/decisions.json beside the log)"
    )
    common.json_option(action)
    action.set_defaults(run=lambda options: _run(run, options))
    return action


def _which(action: argparse.ArgumentParser) -> None:
    action.add_argument("--number", metavar="NUMBER", help="called or shown, in any usual form")
    action.add_argument("--seller", metavar="NAME")
    action.add_argument("--tenant", metavar="NAME")
    action.add_argument("--verdict", choices=("allow", "deny"))
    action.add_argument("--rule", metavar="ID", help="a rule that denied")
    action.add_argument("--since", metavar="MOMENT", help="recorded at or after: RFC 3339, or a date")
    action.add_argument("--until", metavar="MOMENT", help="recorded before")


def _run(act: Any, options: argparse.Namespace) -> int:
    from dialguard.audit.errors import LogError

    try:
        return act(options)
    except LogError as error:
        raise UsageError(str(error)) from None


def _folder(options: argparse.Namespace) -> Path:
    return options.log if options.log is not None else common.store_folder(options) / "decisions"


def _keys(options: argparse.Namespace) -> Keys:
    from dialguard.audit.keys import Keys
    from dialguard.audit.log import default_keys

    return Keys(options.keys if options.keys is not None else default_keys(_folder(options)))


def _reader(options: argparse.Namespace) -> Reader:
    from dialguard.audit.reading import Reader

    return Reader(_folder(options), _keys(options))


def _wanted(options: argparse.Namespace, id_: str | None = None) -> Wanted:
    from dialguard.audit.reading import Wanted

    moments = {
        name: None if getattr(options, name) is None else common.moment(getattr(options, name), f"--{name}") for name in ("since", "until")
    }
    number = None if options.number is None else common.number(options.number, "--number")
    return Wanted(id_, number, options.seller, options.tenant, options.verdict, options.rule, **moments)


def show(options: argparse.Namespace) -> int:
    """Print the records of an id, whole."""
    from dialguard.audit.reading import Wanted

    reader = _reader(options)
    found = list(reader.find(Wanted(id=options.id)))
    if not found:
        raise UsageError(f"no decision {options.id!r:.80} is in the log {reader.folder}")
    for record in found:
        body, notes = reader.whole(record)
        common.print_json({"chain": record.chain, "seq": record.seq, "hash": record.hash, "not_shown": notes, **body})
    return 0


def find(options: argparse.Namespace) -> int:
    """Print what fits."""
    reader = _reader(options)
    count = 0
    for record in reader.find(_wanted(options)):
        count += 1
        body, _ = reader.whole(record)
        decision = body["decision"]
        said = {
            "at": body["at"], "verdict": decision["verdict"], "id": decision["id"], "attempt_id": decision["attempt_id"],
            "seller": body["seller"], "to": body["attempt"].get("to"), "rules": [reason["rule"] for reason in decision["reasons"]],
        }  # fmt: skip
        if options.json:
            common.print_json(said)
        else:
            rules = said["rules"]
            more = f"  and {len(rules) - 1} more" if len(rules) > 1 else ""
            cells = (said["at"], said["verdict"], said["id"], said["attempt_id"] or "-", said["seller"] or "-", said["to"])
            print("  ".join(map(_shown, cells)) + (f"  {rules[0]}{more}" if rules else ""))
    if not options.json:
        print(common.counted(count, "decision"))
    return 0


def _shown(value: object) -> str:
    """Text from outside, unable to move the cursor."""
    return str(value).encode("unicode_escape").decode("ascii")


def verify(options: argparse.Namespace) -> int:
    """Verify the log with the one implementation that auditors get too."""
    from dialguard.audit import standalone

    folder = _folder(options)
    if not folder.is_dir():
        raise UsageError(f"there is no decision log in {folder}")
    for path in options.checkpoints:
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
    said = [str(folder), *(part for path in options.checkpoints for part in ("--checkpoints", str(path)))]
    return standalone.main([*said, *(["--json"] if options.json else [])])


def verifier(options: argparse.Namespace) -> int:
    """Print the verifier."""
    from dialguard.audit import standalone

    print(Path(standalone.__file__).read_text("utf-8"), end="")
    return 0


def replay(options: argparse.Namespace) -> int:
    """Make decisions again; 1 when one that could be made again differs from its record under its own rules."""
    from dialguard.audit.replay import Replayer
    from dialguard.guard import Guard
    from dialguard.packs.load import load

    wanted = _wanted(options, options.id)
    if options.id is None and not options.all and wanted == type(wanted)():
        raise UsageError("which decisions? Give an id, --all, or --since, --seller, --rule, ...")
    if options.rules and options.packs == "own":
        raise UsageError("--rules adds to today's rules; say --packs current too")
    store = common.store_folder(options) if options.log is None else options.log.absolute().parent
    reader = _reader(options)

    def make(*, packs: Any, no_store: bool, disable: dict[str, str]) -> Guard:
        return Guard(None if no_store else store, no_store=no_store, packs=packs, disable=disable)

    replayer = Replayer(reader, make, load(options.rules) if options.packs == "current" else None)
    same = changed = unable = 0
    for record in reader.find(wanted):
        outcome = replayer.again(record)
        same += outcome.same is True
        changed += outcome.same is False
        unable += outcome.same is None
        if options.json:
            common.print_json(
                {**outcome._asdict(), "differs": {name: {"was": was, "now": now} for name, (was, now) in outcome.differs.items()}}
            )
        elif outcome.same is not True:
            print("\n".join(_told(outcome)))
    if not same + changed + unable:
        raise UsageError(f"no decision that fits is in the log {reader.folder}")
    if not options.json:
        print(
            f"{common.counted(same + changed + unable, 'decision')}: {same:,} the same, {changed:,} different, "
            f"{unable:,} that cannot be made again"
        )
    return 1 if changed and options.packs == "own" else 0


def _told(outcome: Outcome) -> Iterator[str]:
    from dialguard.audit.replay import law_changes

    if outcome.same is None:
        yield f"{outcome.id}: cannot be made again: {outcome.why}"
        return
    verdict = outcome.differs.get("verdict")
    added, gone = law_changes(outcome)
    said = [f"{verdict[0]} is now {verdict[1]}"] if verdict is not None else []
    said += [f"denied by {', '.join(added)}"] if added else []
    said += [f"no more by {', '.join(gone)}"] if gone else []
    said += [f"{name} differs" for name in outcome.differs if name != "verdict" and not (name == "reasons" and (added or gone))]
    yield f"{outcome.id}: {'; '.join(said)}"


def export(options: argparse.Namespace) -> int:
    """Write decisions to a file."""
    from dialguard.audit import export as tables
    from dialguard.ledger.tables import TableError, format_of, write_table

    if options.file.exists() and not options.force:
        raise UsageError(f"{options.file} exists; give another name, or say --force to replace it")
    reader, wanted = _reader(options), _wanted(options)
    try:
        form = format_of(options.file, options.format)
        if options.call_records:
            return _call_records(options, reader, reader.find(wanted), form)
        count = write_table(options.file, form, tables.COLUMNS, tables.rows(reader, reader.find(wanted), form != "parquet"))
    except TableError as error:
        raise UsageError(str(error)) from None
    if options.json:
        common.print_json({"file": str(options.file), "decisions": count})
    else:
        print(f"{options.file}: {common.counted(count, 'decision')}")
    return 0


def _call_records(options: argparse.Namespace, reader: Reader, records: Iterator[Record], form: str) -> int:
    from dialguard.audit import export as tables
    from dialguard.ledger.ledger import Ledger
    from dialguard.ledger.tables import write_table
    from dialguard.model.records import LookUpFailed

    store = common.store_folder(options) if options.log is None else options.log.absolute().parent
    ledger = Ledger(store / "ledger.sqlite")
    counts: dict[str, int] = {}
    try:
        count = write_table(options.file, form, tables.CALL_COLUMNS, tables.missing_of(tables.calls(reader, records, ledger), counts))
    except LookUpFailed as error:
        raise UsageError(str(error)) from None
    finally:
        ledger.close()
    missing = {field: counts[field] for field in tables.CALL_FIELDS if counts.get(field)}
    if options.json:
        common.print_json({"file": str(options.file), "calls": count, "missing": missing})
        return 0
    print(f"{options.file}: {common.counted(count, 'call')}")
    for field, number in missing.items():
        source = tables.CALL_FIELDS[field]
        print(f"  {field}: missing in {number:,}; " + (f"it comes from {source}" if source else "the dialer must supply it"))
    return 0


def keys(options: argparse.Namespace) -> int:
    """List, rotate or destroy keys."""
    held = _keys(options)
    if options.rotate is not None:
        held.rotate(options.rotate)
    elif options.destroy is not None:
        held.destroy(options.destroy)
    rows = [(key.id, key.tenant, key.made, f"destroyed {key.destroyed}" if key.secret is None else "living") for key in held.all()]
    if options.json:
        common.print_json([dict(zip(("id", "tenant", "made", "state"), row, strict=True)) for row in rows])
    else:
        print("\n".join(common.columns(rows)) if rows else f"no keys in {held.path}")
    return 0
