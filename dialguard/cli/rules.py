"""``dialguard rules``: check, test, list, show, coverage, schema."""

import argparse
import json
import sys
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser("rules", help="the law as rule files: check, test, list, show")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("check", check, "read every rule file and print every problem"),
        ("test", test, "judge the examples inside the rule files"),
        ("list", list_rules, "every rule with its status and dates"),
        ("show", show, "one rule in plain English"),
        ("schema", schema, "the JSON Schema of a rule file, for editors"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--rules", action="append", default=[], metavar="DIR", type=Path, help="add a folder of rule files")
        action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=run)
        if name == "show":
            action.add_argument("id", help="id of the rule")
        if name == "test":
            action.add_argument("prefix", nargs="?", default="", help="only rules whose id begins so")


def check(options: argparse.Namespace) -> int:
    """All problems of all files, or a line that says how much was read."""
    from dialguard.packs.load import load

    packs = load(options.rules)
    print(f"{len(packs.rules)} rules, {len(packs.calendars)} calendars, {len(packs.lists)} lists: no problems; digest {packs.digest[:16]}")
    return 0


def test(options: argparse.Namespace) -> int:
    """Judge the examples; 1 when one fails."""
    from dialguard.facts import clock
    from dialguard.packs.load import load
    from dialguard.packs.testing import run

    packs = load(options.rules)
    number, failures = run(packs, clock, [rule for rule in packs.rules if rule.id.startswith(options.prefix)])
    for failure in failures:
        print(failure)
    print(f"{number} examples, {len(failures)} failed")
    return 1 if failures else 0


def list_rules(options: argparse.Namespace) -> int:
    """Every rule, for people or as JSON."""
    from dialguard.packs.load import load

    rows = [summary(rule) for rule in load(options.rules).rules]
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
    else:
        for row in rows:
            dates = f"{row['effective'] or ''}..{row['ends'] or ''}"
            print(f"{row['id']:<60} {row['kind']:<12} {row['topic']:<16} {row['status']:<9} {dates}")
    return 0


def summary(rule) -> dict[str, object]:
    """The fields of a rule that ``rules list --json`` promises."""
    from datetime import date

    def day(ordinal: int | None) -> str | None:
        return date.fromordinal(ordinal).isoformat() if ordinal else None

    return {
        "id": rule.id,
        "kind": rule.kind,
        "topic": rule.topic,
        "jurisdiction": rule.jurisdiction,
        "status": rule.status,
        "citation": rule.citation,
        "effective": day(rule.effective),
        "ends": day(rule.ends),
        "file": rule.file,
        "title": rule.title,
        "confidence": rule.confidence,
    }


def show(options: argparse.Namespace) -> int:
    """One rule."""
    from dialguard.packs.load import load

    rule = load(options.rules).by_id.get(options.id)
    if rule is None:
        print(f"dialguard: no rule `{options.id}`", file=sys.stderr)
        return 2
    print(json.dumps(summary(rule), indent=1))
    return 0


def schema(options: argparse.Namespace) -> int:
    """The JSON Schema of a rule file."""
    from dialguard.packs.schema import RuleFile

    json.dump(RuleFile.model_json_schema(), sys.stdout, indent=1)
    print()
    return 0
