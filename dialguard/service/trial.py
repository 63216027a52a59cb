"""Rule files tried in a process of their own before they decide anything: read, checked, their examples judged, compiled.

``python -m dialguard.service.trial`` reads what is to be tried from standard input and writes a report to standard output. Its
memory and its time are bounded, so that no rule file can harm the service; where a bound is met it ends without a report.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from dialguard.facts import clock
from dialguard.packs import cache, sources, testing, yamlfile
from dialguard.packs.sources import Source
from dialguard.packs.yamlfile import PackError, Problem
from dialguard.service.standing import Trouble

MEMORY = 300_000_000
"""Bytes of address space. Reading and trying the shipped law takes 100 million."""
PROCESSOR = 20
"""Seconds of processor time; the shipped law takes one."""
WITHIN = 60.0
"""Seconds by the clock."""
_MOST = 100


class File(Struct, array_like=True):
    """A rule file, see ``packs.sources.Source``. Paths are bytes: they need not be text."""

    name: bytes
    shown: bytes
    kind: str
    operator: bool
    raw: bytes


class Asked(Struct):
    """What is to be tried: the files, where the compiled copy goes, the code that will use it, and the digest of the shipped files that
    were tried before."""

    files: list[File]
    compiled: str
    code: str
    shipped: str


class Report(Struct, omit_defaults=True):
    """What came of it: usable where there is no trouble. ``compiled`` names the compiled copy."""

    digest: str
    troubles: list[Trouble] = []
    compiled: str = ""
    rules: int = 0
    examples: int = 0


def troubles(problems: Sequence[Problem]) -> list[Trouble]:
    """Problems as they are reported."""
    return [Trouble(_text(each.file), each.line, each.column, _text(each.message), _text(each.hint)) for each in problems[:_MOST]]


def shipped_digest(found: Sequence[Source]) -> str:
    """The digest of the shipped files among these."""
    return sources.digest([each for each in found if not each.operator])


def run(found: Sequence[Source], compiled: Path, code: str, shipped: str) -> Report:
    """The report of a process on these files. Raises TrialFailed where there is none."""
    files = [File(os.fsencode(each.name), os.fsencode(each.shown), each.kind, each.operator, each.raw) for each in found]
    sent = msgspec.msgpack.encode(Asked(files, str(compiled), code, shipped))
    try:
        done = subprocess.run([sys.executable, "-m", "dialguard.service.trial"], input=sent, capture_output=True, timeout=WITHIN)
    except subprocess.TimeoutExpired:
        raise TrialFailed(f"the rule files were not tried within {WITHIN:.0f} seconds") from None
    except OSError as error:
        raise TrialFailed(f"the rule files could not be tried: {error.strerror}") from None
    try:
        return msgspec.json.decode(done.stdout, type=Report)
    except msgspec.MsgspecError:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise TrialFailed(f"trying the rule files took more memory or time than it may, or failed ({told[0]:.200})") from None


class TrialFailed(Exception):
    """The rule files could not be tried; the text says why."""


def tried(asked: Asked) -> Report:
    """What comes of trying these files here."""
    found = [Source(os.fsdecode(each.name), os.fsdecode(each.shown), each.kind, each.operator, each.raw) for each in asked.files]
    digest = sources.digest(found)
    if cache.code() != asked.code:
        problem = Problem("dialguard", 1, 1, "the program itself was changed since the service was started", "restart the service")
        return Report(digest, troubles([problem]))
    problems = _unreadable(found)
    if problems:
        return Report(digest, troubles(sorted(set(problems))))
    from dialguard.packs.assemble import assemble
    from dialguard.packs.supersede import verify_operator

    try:
        packs = assemble(found)
        verify_operator(packs, clock)
    except PackError as error:
        return Report(digest, troubles(error.problems))
    from dialguard.backends.examples import closures
    from dialguard.events import testing as events

    everything = shipped_digest(found) != asked.shipped
    number, failures = testing.run(packs, clock, [rule for rule in packs.rules if rule.operator or everything], {"closures": closures()})
    heard, more = events.run([rule for rule in packs.events if rule.operator or everything])
    failed = []
    for failure in (*failures, *more):
        file, _, line = failure.file.rpartition(":")
        hint = "mend the rule or its example; see: dialguard rules test"
        failed.append(Problem(file, int(line), 1, f"the example `{failure.test}` of `{failure.rule}` fails: {failure.message}", hint))
    if failed:
        return Report(digest, troubles(sorted(failed)))
    name = cache.key(found)
    cache.write(name, packs, Path(asked.compiled))
    return Report(digest, [], name, len(packs.rules), number + heard)


def _unreadable(found: Sequence[Source]) -> list[Problem]:
    """Mistakes that an operator's files show each by itself: soon known, and told without the rest."""
    from dialguard.packs import reading

    problems: list[Problem] = []
    for source in found:
        if source.operator:
            try:
                document = yamlfile.parse(source.raw, source.shown)
                if source.kind == sources.RULES:
                    problems += reading.rule_file(document, operator=True)[1]
            except PackError as error:
                problems += error.problems
    return problems


def _text(told: str) -> str:
    return told.encode("utf-8", "replace").decode()


def bound() -> None:
    """Bounds the memory and the time of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Bounds itself, then tries."""
    bound()
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Asked)
    sys.stdout.buffer.write(msgspec.json.encode(tried(asked)))


if __name__ == "__main__":
    main()
