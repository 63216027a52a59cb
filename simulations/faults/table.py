"""The figures as a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simulations.faults.kinds import Fault
from simulations.faults.load import Figures

HEAD = ("fault", "decisions", "allows", "denied", "wrong allows", "unanswered without the folder", "before", "under it", "after", "seen after", "left alone after",
        "repaired in", "well after", "threads, descriptors")  # fmt: skip


class Row(NamedTuple):
    """A line of the table, and how many allows were wrong, with and without the folder."""

    cells: tuple[str, ...]
    wrong: int


def row(fault: Fault, found: Figures, grown: tuple[int, int] | None) -> Row:
    """The line of a fault."""
    denied = ", ".join(f"{count:,} {kind}" for kind, count in found.denies.most_common())
    wrong = f"{found.wrong}" + (f"; {found.wrong_bare} without the folder" if found.wrong_bare else "")
    quick = (f"{median:.1f}, {most:.1f}" for median, most in found.quick)
    cells = (
        fault.name, f"{found.decisions:,}", f"{found.allows:,}", denied, wrong, ", ".join(f"{share:.0%}" for share in found.denied_bare), *quick, _seconds(found.detected), _seconds(found.left_alone if fault.silent else None),
        _seconds(found.repairing), "not" if found.recovered is None else _seconds(found.recovered), "" if grown is None else f"{grown[0]:+}, {grown[1]:+}",
    )  # fmt: skip
    return Row(cells, found.wrong + found.wrong_bare)


def shown(rows: Sequence[Row]) -> str:
    """Lines of the table."""
    return "\n".join(f"| {' | '.join(each.cells)} |" for each in rows)


def page(rows: Sequence[Row], told: str, machine: str, server: str, options: argparse.Namespace) -> str:
    """The page docs/faults.md."""
    timeout = f"{options.timeout * 1000:g} ms" if options.timeout else "20 ms, as it is by itself"
    return f"""# What befalls a store, and what the decisions are then

Made by the command, which does each fault to a real {server} under load and judges every answer by what was true at that moment:

```
{told}
```

{machine}
{options.rate} decisions a second by {options.clients} clients in one process, {options.seconds:g} s each; the fault comes at a third, the repair at two
thirds. Look-ups wait for {timeout}. Meanwhile eight numbers a second are revoked, put on the own list, or reach a cap; three
in ten questions are about these. An allow is *wrong* where the number was closed when the question was asked, by the record or by a list.
Two of the clients do not know the folder that fills Redis. A process that knows it vouches for Redis by leases of 1.5 s, which these two
ask for; *unanswered without the folder* is the share of their questions that were denied for want of a look-up, before the fault,
under it and after the repair. Who records waits, where it could not be sent, until no lease is left that lacks it.

Milliseconds are median and 99th percentile of decisions by clients that know the folder. *Seen after*: from the fault to the first denial
for want of a look-up. *Left alone after*: to where Redis, which does not answer, is asked but once in half a second.
*Well after*: from the end of the repair to the first half second in which no more than one in twenty is denied so. *Threads,
descriptors*: by how many this process grew from the first of ten such faults to the last.

| {" | ".join(HEAD)} |
|{" --- |" * len(HEAD)}
{shown(rows)}
"""


def put(page: str, heading: str, section: str) -> str:
    """A page with a section, which begins with its heading, in the place of the one of that heading, or at the end."""
    before, _, rest = page.partition(f"\n{heading}\n")
    _, _, after = rest.partition("\n## ")
    return f"{before.rstrip(chr(10))}\n\n{section}" + (f"\n## {after}" if after else "")


def existing(path: str) -> Path:
    """For argparse: a page that is there, asked for before the long work begins."""
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"there is no page {path}; name one into which the figures are to be put")
    return Path(path)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"
