"""``dialguard rules``: check, test, list, show, duties, mutants, coverage, schema, pages, sign."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli.common import UsageError, counted, day

if TYPE_CHECKING:
    from dialguard.packs.pack import Packs
    from dialguard.packs.supersede import Loosening
    from dialguard.packs.yamlfile import Problem

SHOWN_WARNINGS = 20


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "rules", help="the law as rule files: check, test, list, show, duties, mutants, coverage, schema, pages, sign"
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("check", check, "read every rule file and print every problem"),
        ("test", test, "judge the examples inside the rule files"),
        ("list", list_rules, "every rule with its status and dates"),
        ("show", show, "one rule in plain English, with its law, dates and examples"),
        ("duties", duties, "the words for what a caller must do, with the rules that ask for them"),
        ("mutants", mutants, "what the examples do not pin down: change each rule by one step and see whether one notices"),
        ("coverage", coverage, "which facts of the law have a rule, which are not decided, which have neither"),
        ("schema", schema, "the JSON Schema of a rule file, for editors"),
        ("pages", pages, "the law as Markdown pages: one a jurisdiction, one a topic, hours, closed days, what changes"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument(
            "--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files (repeatable)"
        )
        action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=run)
        if name == "show":
            action.add_argument("id", metavar="ID", help="id of the rule")
        if name in ("test", "mutants"):
            action.add_argument("prefix", nargs="?", default="", metavar="ID", help="only rules whose id begins so")
        if name == "check":
            action.add_argument("--strict", action="store_true", help="warnings fail too")
        if name == "coverage":
            action.add_argument("--all", action="store_true", help="every jurisdiction, not only those that have rules")
        if name == "pages":
            action.add_argument("folder", metavar="OUT", type=Path, help="a new folder for the pages")
            action.add_argument(
                "--from", dest="start", metavar="DATE", help="the day of the law and the first of the calendar (default: today)"
            )
            action.add_argument("--force", action="store_true", help="replace the pages of an earlier run in the folder")
    action = actions.add_parser("sign", help="sign a folder of rule files as it is, for a service that asks for it")
    action.add_argument("folder", metavar="DIR", type=Path, help="the folder; its file SIGNATURE is written")
    action.add_argument("--key", required=True, metavar="FILE", type=Path, help="an Ed25519 private key in PEM")
    action.add_argument("--revision", required=True, metavar="N", type=int, help="a number larger than every one before")
    action.set_defaults(run=sign)


def check(options: argparse.Namespace) -> int:
    """All problems of all files; 1 where there is one, or with --strict a warning."""
    from dialguard.facts import clock
    from dialguard.packs.load import load
    from dialguard.packs.supersede import loosenings
    from dialguard.packs.testing import unusable
    from dialguard.packs.yamlfile import PackError

    packs, problems, found = None, [], ()
    try:
        packs = load(_folders(options), cached=False)
        problems += unusable(packs, clock)
        problems += _undecided_problems()
        found = loosenings(packs, clock)
        problems += [loosening.problem() for loosening in found if not loosening.confirmed]
    except PackError as error:
        problems += error.problems
    problems.sort()
    warnings = list(packs.warnings) if packs is not None else []
    if options.json:
        _print_json(
            {
                "problems": [_as_dict(problem) for problem in problems],
                "warnings": [_as_dict(problem) for problem in warnings],
                "loosened": [_loosening(item) for item in found],
                "rules": len(packs.rules) if packs is not None else None,
                "digest": packs.digest if packs is not None else None,
            }
        )
    else:
        _print_check(packs, problems, warnings, found, options.strict)
    return 1 if problems or (options.strict and warnings) else 0


def mutants(options: argparse.Namespace) -> int:
    """What no example notices; 1 where there is anything. With --rules the rules of these folders alone."""
    from dialguard.facts import clock
    from dialguard.packs import mutants, sources
    from dialguard.packs.assemble import with_parts

    packs, parts = with_parts(*sources.collect(sources.shipped_rules(), _folders(options)))
    ids = [rule.id for rule in packs.rules if rule.id.startswith(options.prefix) and (rule.operator or not options.rules)]
    if not ids:
        raise UsageError(f"no rule begins with {options.prefix!r:.60}" if options.prefix else "there are no rules in these folders")
    number, alive = mutants.survivors(packs, parts, clock, ids)
    if options.json:
        _print_json(
            {"mutants": number, "alive": [{"rule": one.rule, "file": one.file, "line": one.line, "change": one.change} for one in alive]}
        )
    else:
        for mutant in alive:
            print(mutant)
        print(f"{number:,} mutants, {len(alive):,} noticed by no example")
    return 1 if alive else 0


def _print_check(packs: Packs | None, problems: list[Problem], warnings: list[Problem], found: tuple[Loosening, ...], strict: bool) -> None:
    for loosening in found:
        print(f"{loosening.rule} loosens {loosening.replaced}:")
        for change in loosening.changes:
            print(f"  {change} (law of {change.since})")
        print(f"  digest {loosening.digest}: {'confirmed' if loosening.confirmed else 'not confirmed'}")
    shown = warnings if strict else warnings[:SHOWN_WARNINGS]
    for warning in shown:
        print(f"warning: {warning}")
    if len(shown) < len(warnings):
        print(f"... and {len(warnings) - len(shown)} more warnings; --strict shows them all")
    sys.stdout.flush()
    if problems:
        for problem in problems:
            print(problem, file=sys.stderr)
        print(f"dialguard: {counted(len(problems), 'problem')} in the rule files", file=sys.stderr)
    elif packs is not None:
        told = f"{counted(len(warnings), 'warning')}" if warnings else "no problems"
        print(
            f"{counted(len(packs.rules), 'rule')}, {counted(len(packs.events), 'event rule')}, "
            f"{counted(len(packs.calendars), 'calendar')}, {counted(len(packs.lists), 'list')}: {told}; digest {packs.digest[:16]}"
        )
    if strict and warnings and not problems:
        print(f"dialguard: {counted(len(warnings), 'warning')}, and --strict was asked for", file=sys.stderr)


def test(options: argparse.Namespace) -> int:
    """Judge the examples by the reference and by the closures, those of event rules by durable_rules; 1 when one fails."""
    from dialguard.backends.examples import closures
    from dialguard.facts import clock
    from dialguard.packs.testing import run

    packs = _packs(options)
    rules = [rule for rule in packs.rules if rule.id.startswith(options.prefix)]
    heard = [rule for rule in packs.events if rule.id.startswith(options.prefix)]
    if not rules and not heard:
        raise UsageError(f"no rule has an id that begins with {options.prefix}")
    number, failures = run(packs, clock, rules, {"closures": closures()})
    if heard:
        from dialguard.events import testing as events

        more, failed = events.run(heard)
        number, failures = number + more, failures + failed
    if options.json:
        failed = [{"rule": each.rule, "test": each.test, "place": each.file, "message": each.message} for each in failures]
        _print_json({"examples": number, "failed": failed})
    else:
        for failure in failures:
            print(failure)
        print(f"{counted(number, 'example')}, {len(failures)} failed")
    return 1 if failures else 0


def list_rules(options: argparse.Namespace) -> int:
    """Every rule, for people or as JSON."""
    from dialguard.packs.describe import event_summary, summary

    packs = _packs(options)
    rows = [*map(summary, packs.rules), *map(event_summary, packs.events)]
    if options.json:
        _print_json(rows)
    else:
        for row in rows:
            dates = f"{row['effective'] or ''}..{row['ends'] or ''}"
            print(f"{row['id']:<60} {row['kind']:<12} {row['topic']:<16} {row['status']:<9} {dates}")
    return 0


def show(options: argparse.Namespace) -> int:
    """One rule."""
    from dialguard.packs.describe import as_dict, as_text, event_summary, event_text
    from dialguard.packs.yamlfile import suggest

    packs = _packs(options)
    rule = packs.by_id.get(options.id)
    event = next((each for each in packs.events if each.id == options.id), None)
    if rule is None and event is None:
        raise UsageError(f"there is no rule `{options.id}`; {suggest(options.id, [*packs.by_id, *(each.id for each in packs.events)])}")
    if event is not None:
        _print_json(event_summary(event)) if options.json else print("\n".join(event_text(event)))
    elif options.json:
        _print_json(as_dict(packs, rule))
    else:
        print("\n".join(as_text(packs, rule)))
    return 0


def duties(options: argparse.Namespace) -> int:
    """The words of duties, as a page or as data."""
    from dialguard.packs.describe import duties as words
    from dialguard.packs.describe import duties_page

    packs = _packs(options)
    _print_json(words(packs)) if options.json else print("\n".join(duties_page(packs)))
    return 0


def coverage(options: argparse.Namespace) -> int:
    """The account of the law; 1 where a fact has neither a rule nor a reason."""
    from dialguard.packs import account
    from dialguard.packs.load import shipped_rules

    packs = _packs(options)
    folder = shipped_rules()
    every = account.facts(folder / "facts-index.yaml")
    listed = account.reasons(folder / "not-decided.yaml", every)
    found = account.account(every, packs.rules, listed, None if options.all else (packs.base or packs).names)
    total = sum(found.tally.values(), Counter())
    if options.json:
        _print_json(
            {
                "facts": {name: {"state": state, "reason": listed.get(name)} for name, state in found.state.items()},
                "jurisdictions": {name: dict(counts) for name, counts in found.tally.items()},
                "short": found.short,
            }
        )
    else:
        for name, counts in found.tally.items():
            print(
                f"{name}  {counts[account.RULE]:>4} with a rule {counts[account.UNDECIDED]:>4} not decided {counts[account.SHORT]:>4} short"
            )
        for line in found.short:
            print(f"short: {line}")
        print(
            f"{counted(sum(total.values()), 'fact')}: {total[account.RULE]} with a rule, {total[account.UNDECIDED]} not decided, "
            f"{len(found.short)} short"
        )
    return 1 if found.short else 0


def _undecided_problems() -> list[Problem]:
    """What is wrong with the shipped account of undecided facts."""
    from dialguard.packs import account
    from dialguard.packs.load import shipped_rules
    from dialguard.packs.yamlfile import PackError

    try:
        account.reasons(shipped_rules() / "not-decided.yaml", account.facts(shipped_rules() / "facts-index.yaml"))
    except PackError as error:
        return list(error.problems)
    return []


def schema(options: argparse.Namespace) -> int:
    """The JSON Schema of a rule file."""
    from dialguard.packs.editor import rule_file_schema

    _print_json(rule_file_schema())
    return 0


def pages(options: argparse.Namespace) -> int:
    """Write the pages; the same rules and date give the same bytes."""
    from dialguard.export.files import write
    from dialguard.facts import clock
    from dialguard.packs import account
    from dialguard.packs.load import shipped_rules
    from dialguard.pages.pages import pages as law

    packs = _packs(options)
    facts = account.facts(shipped_rules() / "facts-index.yaml")
    reasons = account.reasons(shipped_rules() / "not-decided.yaml", facts)
    undecided = {fact: reasons[fact.id] for fact in facts if fact.id in reasons}
    start = day(options.start, "--from").toordinal() if options.start else clock.local(clock.now(), "Pacific/Pago_Pago").ordinal
    if not options.folder.resolve().parent.is_dir():
        raise UsageError(f"there is no folder {options.folder.parent} to make {options.folder.name} in")
    try:
        found = law(packs, undecided, start)
    except ValueError as error:
        raise UsageError(f"--from {options.start}: {error}") from None
    try:
        write(options.folder, found, force=options.force)
    except FileExistsError:
        raise UsageError(f"{options.folder} exists; give another name, or say --force to replace the pages in it") from None
    if options.json:
        _print_json({"folder": str(options.folder), "files": sorted(found)})
    else:
        print(f"{counted(len(found), 'page')} in {options.folder}")
    return 0


def sign(options: argparse.Namespace) -> int:
    """Sign a folder; the public key is printed."""
    from dialguard.packs import signing

    if not options.folder.is_dir():
        raise UsageError(f"there is no folder of rule files {options.folder}")
    if options.revision < 1:
        raise UsageError(f"--revision: found {options.revision}, expected a number from 1 on")
    try:
        signed = signing.sign(options.folder, options.key, options.revision)
    except (ValueError, OSError) as error:
        raise UsageError(f"the folder cannot be signed: {error}") from None
    print(f"signed as revision {options.revision}: rules {signed.digest[:16]}, public key {signed.key}")
    return 0


def _packs(options: argparse.Namespace) -> Packs:
    """The rules of all folders; raises PackError where they are not usable, or loosen the shipped law unconfirmed."""
    from dialguard.facts import clock
    from dialguard.packs.load import load
    from dialguard.packs.supersede import verify_operator

    packs = load(_folders(options))
    verify_operator(packs, clock)
    return packs


def _folders(options: argparse.Namespace) -> list[Path]:
    for folder in options.rules:
        if not folder.is_dir():
            raise UsageError(f"there is no folder of rule files {folder}")
    return options.rules


def _as_dict(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file, "line": problem.line, "column": problem.column, "message": problem.message, "hint": problem.hint,
    }  # fmt: skip


def _loosening(loosening: Loosening) -> dict[str, object]:
    changes = [
        {
            "rule": each.rule, "example": each.example, "changed": each.varied, "before": each.before, "after": each.after,
            "law_of": each.since,
        }
        for each in loosening.changes
    ]  # fmt: skip
    return {
        "rule": loosening.rule, "replaced": loosening.replaced, "digest": loosening.digest, "confirmed": loosening.confirmed, "examples": changes,
    }  # fmt: skip


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False)
    print()
