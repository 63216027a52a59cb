"""``dialguard check``: one attempt from a file, or JSON Lines with one decision a line in the same order."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import NOT_ADVICE, UsageError

if TYPE_CHECKING:
    from dialguard.audit.log import DecisionLog
    from dialguard.engine.decision import Decision
    from dialguard.facts.given import InvalidInput
    from dialguard.guard import Guard

_LINES = (".jsonl", ".ndjson")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "check",
        help="decide one attempt, or many as JSON Lines",
        description="Decides one attempt (a JSON object in a file; exit status 1 when it is denied), or JSON Lines from a file or "
        "standard input: one decision a line, in the same order, a line that cannot be judged being denied as invalid_input.",
    )
    command.add_argument("attempt", metavar="ATTEMPT.json | -", help="a file, or - for JSON Lines on standard input")
    command.add_argument(
        "--campaign",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="a campaign that attempts may name by its id (repeatable)",
    )
    common.judging_options(command)
    command.add_argument("--exposure", action="store_true", help="add what the attempt might cost if it were made, as an estimate")
    command.add_argument(
        "--log", metavar="DIR", type=Path, help="record each decision in the log in this folder; what cannot be recorded is denied"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Decide; 1 when a single attempt is denied."""
    if options.log is None:
        return _run(options, None)
    from dialguard.audit.errors import AuditUnavailable, LogError
    from dialguard.audit.log import DecisionLog

    try:
        with DecisionLog(options.log, door="cli") as log:
            return _run(options, log)
    except (AuditUnavailable, LogError) as error:
        raise UsageError(f"--log {options.log}: {error}") from None


def _run(options: argparse.Namespace, log: DecisionLog | None) -> int:
    if options.attempt == "-":
        return _standard_input(options, log)
    path = Path(options.attempt)
    try:
        with open(path, "rb") as file:
            if path.suffix.lower() in _LINES or _is_lines(file):
                file.seek(0)
                return _many(options, log, file, flush=False)
            file.seek(0)
            return _one(options, log, file.read(), str(path))
    except OSError as error:
        if error.filename != options.attempt:
            raise
        raise UsageError(f"{path}: {error.strerror}") from None


def _guard(options: argparse.Namespace, log: DecisionLog | None) -> Guard:
    guard = common.open_guard(options, log)
    for path in options.campaign:
        common.add_campaign(guard, path)
    return guard


def _standard_input(options: argparse.Namespace, log: DecisionLog | None) -> int:
    source = sys.stdin.buffer
    first = source.readline()
    if first.strip() == b"{":  # an object written over several lines, as people do: no line of JSON Lines is so
        return _one(options, log, first + source.read(), "standard input")
    return _many(options, log, itertools.chain((first,) if first else (), source), flush=True)


def _is_lines(file: Iterable[bytes]) -> bool:
    """Whether the first line that is not blank is an object and something follows."""
    lines = (line for line in file if line.strip())
    try:
        return isinstance(common.load_json(next(lines, b"")), dict) and next(lines, None) is not None
    except ValueError:
        return False


def _one(options: argparse.Namespace, log: DecisionLog | None, raw: bytes, name: str) -> int:
    from dialguard.facts.given import InvalidInput

    try:
        attempt = common.load_json(raw)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if not isinstance(attempt, dict):
        raise UsageError(f"{name}: found {type(attempt).__name__}, expected one attempt as an object (several: JSON Lines, one a line)")
    guard = _guard(options, log)
    try:
        decision = guard.check(attempt)
    except InvalidInput as error:
        raise UsageError(
            "\n  ".join([f"{name}: the attempt cannot be judged", *(f"{field}: {text}" for field, text in error.errors)])
        ) from None
    if options.json or not common.to_a_terminal():
        common.print_json(_told(decision, options.exposure))
    else:
        print("\n".join(in_words(decision, options.exposure)))
    return 0 if decision.allowed else 1


def _told(decision: Decision, exposure: bool) -> dict[str, object]:
    return decision.as_dict() | ({"exposure": decision.exposure} if exposure else {})


def _many(options: argparse.Namespace, log: DecisionLog | None, lines: Iterable[bytes], flush: bool) -> int:
    for decision in decisions(_guard(options, log), lines, options.exposure):
        common.print_json(decision)
        if flush:
            sys.stdout.flush()
    return 0


def decisions(guard: Guard, lines: Iterable[bytes], exposure: bool = False) -> Iterator[dict[str, object]]:
    """One decision for each line that is not blank, in order. Nothing that a line holds ends the run."""
    from dialguard.facts.given import InvalidInput
    from dialguard.screening.tables import where_failed

    for place, line in enumerate(map(bytes.strip, lines), 1):
        if not line:
            continue
        attempt: object = None
        try:
            attempt = common.load_json(line)
            if not isinstance(attempt, dict):
                raise ValueError(f"found {type(attempt).__name__}, expected an attempt as an object")
            yield _told(guard.check(attempt), exposure)
        except InvalidInput as error:
            yield denial("invalid_input", attempt, f"line {place}: {error}", error)
        except ValueError as error:
            yield denial("invalid_input", attempt, f"line {place}: {error}")
        except Exception as error:  # whatever happens inside a rule, the answer is a denial and the next line gets its turn
            yield denial("rule_error", attempt, f"line {place}: the attempt could not be judged ({where_failed(error)})")


def denial(kind: str, attempt: object, message: str, error: InvalidInput | None = None) -> dict[str, object]:
    """A decision on what could not be judged: the fields of every decision, and one reason."""
    identity = attempt.get("id") if isinstance(attempt, Mapping) else None
    errors = error.errors if error is not None else []
    reason = {
        "rule": None, "kind": kind, "field": errors[0][0] if errors else None, "message": message,
        "needs": sorted({field for field, text in errors if text.startswith("missing")}),
    }  # fmt: skip
    return {
        "id": None, "attempt_id": identity if isinstance(identity, (str, int)) else None, "at": None, "verdict": "deny",
        "valid_until": None, "reasons": [reason], "obligations": [], "retry_at": None, "reservation": None, "jurisdictions": [],
        "timezones": [], "packs": None, "evidence": {},
    }  # fmt: skip


def in_words(decision: Decision, exposure: bool = False) -> list[str]:
    """A decision for a reader: verdict, reasons with citations, obligations, times."""
    facts = decision.as_dict()
    places = ", ".join(entry["state"] for entry in facts["jurisdictions"])
    zones = ", ".join(entry["zone"] for entry in facts["timezones"])
    lines = [f"{'ALLOW' if decision.allowed else 'DENY'}  at {facts['at']}"]
    if len(facts["jurisdictions"]) < 10:
        lines.append(f"  law of US and {places}; clock of {zones}")
    for number, reason in enumerate(facts["reasons"]):
        lines += ["", *_reason(reason)] if number == 0 else []
    if len(facts["reasons"]) > 1:
        lines += ["", "also denied by"]
        lines += [f"  {line}" for line in common.columns((r["rule"], r["kind"] + _doubts(r), r["citation"]) for r in facts["reasons"][1:])]
    if exposure:
        lines += ["", "what it might cost if it were made (an estimate)", *_exposure(decision)]
    if facts["evidence"].get("switched_off"):
        lines += ["", "disputed rules that are switched off"]
        lines += [f"  {rule}: {why}" for rule, why in facts["evidence"]["switched_off"].items()]
    if facts["obligations"]:
        lines += ["", "if the contact is made, the caller must" if decision.allowed else "if it were made, the caller would have to"]
        lines += [f"  - {common.cited(entry['message'], entry['citation'])}" for entry in facts["obligations"]]
    lines.append("")
    if decision.allowed:
        lines.append(f"valid until {facts['valid_until'] or 'further notice'}; ask again after that")
    else:
        lines.append(f"time alone cures this at {facts['retry_at']}" if facts["retry_at"] else "time alone does not cure this")
    return [*lines, NOT_ADVICE]


def _doubts(reason: Mapping[str, object]) -> str:
    """What is unsure of the law of a reason, in words."""
    return (", disputed law" if reason.get("status") == "disputed" else "") + (
        ", low confidence" if reason.get("confidence") == "low" else ""
    )


def _exposure(decision: Decision) -> Iterator[str]:
    from dialguard.packs.remedies import BY, amount

    told = decision.exposure
    for each in told:
        for remedy in each["remedies"]:
            yield f"  {each['rule']}: {BY[remedy['by']]}, {amount(remedy['least_usd'], remedy['most_usd'])} ({remedy['citation']})"
        if not each["remedies"]:
            yield f"  {each['rule']}: none is stated"
    if not told:
        yield "  no rule forbids it for certain"


def _reason(reason: Mapping[str, object]) -> list[str]:
    lines = [f"  {reason['message']}", f"  {common.cited(reason['rule'], reason['citation'])}, {reason['kind']}{_doubts(reason)}"]
    if reason.get("needs"):
        lines.append(f"  to know: {', '.join(reason['needs'])}")
    if reason.get("cures"):
        lines.append(f"  would be relieved by: {', '.join(reason['cures'])}")
    return lines
