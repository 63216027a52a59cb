"""Reading a reply to a text: the reader beside a look-up of the reserved words alone, as many senders do it."""

import csv
from pathlib import Path

from benchmarks.timing import Contender, interleaved, ratio, show
from dialguard import optout

MESSAGES = Path(__file__).parents[1] / "tests" / "optout"
OURS, WORDS = "dialguard optout.read", "reserved words alone"
RESERVED = frozenset(("stop", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe", "stopall"))


def run(rounds: int) -> None:
    """Time them in turns on the labelled messages, and count the clear opt-outs that each sees."""
    rows = []
    for name in ("messages.csv", "later.csv", "unseen.csv"):
        with open(MESSAGES / name, encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    inputs = [row["text"] for row in rows]
    contenders = [Contender(OURS, optout.read, inputs), Contender(WORDS, lambda text: text.strip().lower() in RESERVED, inputs)]
    results = interleaved(contenders, rounds)
    clear = [row["text"] for row in rows if row["label"] == "optout"]
    seen = sum(optout.read(text).verdict == "optout" for text in clear)
    alone = sum(text.strip().lower() in RESERVED for text in clear)
    notes = [
        f"dialguard takes {ratio(results, OURS, WORDS):.0f} times as long as a look-up",
        f"of {len(clear):,} clear opt-outs dialguard reads {seen:,}, the words alone {alone:,}",
    ]
    show("One reply to a text", results, notes)
