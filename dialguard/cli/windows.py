"""``dialguard windows``: when a number may be called in the next days, and which rule closes it each time."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dialguard.cli import common
from dialguard.cli.common import NOT_ADVICE, UsageError

if TYPE_CHECKING:
    from dialguard.screening.windows import Window

ORDINARY = {"id": "ordinary", "seller": "-", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
"""What is asked about when no campaign is named."""
_CONTACT = ("state", "zip", "county", "timezone", "id")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    command = commands.add_parser("windows", help="when a number may be called in the next days, and which rule closes it")
    command.add_argument("number", metavar="NUMBER", help="the number to be called, in any usual form")
    command.add_argument(
        "--campaign", metavar="FILE", type=Path,
        help="the campaign, JSON or YAML (default: live sales calls dialed by hand, for a seller of no name)",
    )  # fmt: skip
    command.add_argument("--days", type=int, default=7, metavar="N", help="how many days to look ahead, 1 to 400 (default 7)")
    command.add_argument("--at", metavar="MOMENT", help="begin at this moment (RFC 3339; default now)")
    command.add_argument("--channel", default="voice", choices=("voice", "sms", "mms", "rvm", "fax"), help="default voice")
    for name in _CONTACT:
        text = "the person's own id" if name == "id" else f"the person's {name}, as far as known"
        command.add_argument(f"--{'contact-id' if name == 'id' else name}", dest=f"contact_{name}", metavar="VALUE", help=text)
    common.judging_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the stretches; 0 whether there are any or not."""
    from dialguard.facts.given import InvalidInput
    from dialguard.screening.answers import PASSING

    if not 1 <= options.days <= 400:
        raise UsageError(f"--days {options.days}: expected 1 to 400")
    guard = common.open_guard(options)
    campaign = common.add_campaign(guard, options.campaign) if options.campaign else guard.add_campaign(ORDINARY)
    contact = {name: value for name in _CONTACT if (value := getattr(options, f"contact_{name}")) is not None}
    given = {"at": options.at, "channel": options.channel, "contact": contact}
    try:
        found = guard.windows(options.number, campaign, options.days, **given)
        now = guard.check({"to": options.number, "campaign": campaign, **given})
    except InvalidInput as error:
        raise UsageError(str(error)) from None
    if options.json or not common.to_a_terminal():
        common.print_json({"windows": [window._asdict() for window in found], "now": now.as_dict()})
        return 0
    for line in in_words(found, options.days):
        print(line)
    if not found:
        # Hours and closed days pass; what stays is why there is no time at all.
        for reason in [each for each in now.reasons if each["topic"] not in PASSING] or now.reasons:
            print(f"  {reason['rule']} ({reason['kind']}): {common.cited(reason['message'], reason['citation'])}")
    print(NOT_ADVICE)
    return 0


def in_words(found: list[Window], days: int) -> list[str]:
    """The stretches for a reader, one line each."""
    if not found:
        return [f"not at any time in the next {days} days, because of"]
    rows = []
    for window in found:
        closing = window.closed_by[0] if window.closed_by else None
        by = common.cited(closing["rule"], closing["citation"]) if closing else "still open when the days asked for end"
        more = f" and {len(window.closed_by) - 1} more" if len(window.closed_by) > 1 else ""
        rows.append((_local(window.start), "to", _local(window.until), f"closed by {by}{more}" if closing else by))
    return common.columns(rows)


def _local(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at:%a %Y-%m-%d %H:%M:%S} {text[-6:]}"
