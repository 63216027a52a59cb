"""Writes ``tests/law/facts.jsonl``: of every reviewed fact of the law what a machine can compare with the rules, a line a fact.

    python -m simulations.law_facts FOLDER > tests/law/facts.jsonl

FOLDER holds ``federal.yaml`` and ``states/*.yaml``, each with ``jurisdiction`` and ``facts``. Of the prose only its numbers and dates
are kept, in `told`, so that a rule's number can be found that stands in no value.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

WORDS = {
    "once": 1, "one": 1, "two": 2, "twice": 2, "three": 3, "third": 3, "four": 4, "fourth": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "eighteen": 18, "twenty": 20, "thirty": 30, "sixty": 60, "ninety": 90,
}  # fmt: skip
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def told(fact: Mapping[str, object]) -> list[str]:
    """The numbers and dates that the prose of a fact names, in figures or in words."""
    parts = [fact["requirement"], fact["notes"], fact.get("basis"), fact["citation"], *(fact.get("exemptions") or ())]
    text = " ".join(str(part) for part in parts if part).lower()
    dates = set(re.findall(r"\d{4}-\d\d-\d\d", text))
    words = {str(number) for word, number in WORDS.items() if re.search(rf"\b{word}\b", text)}
    figures = {found.replace(",", "").rstrip(".") for found in _NUMBER.findall(text)}
    return sorted(dates | words | figures)


def lines(folder: Path) -> Iterator[str]:
    """The facts, federal law first, the states by their codes."""
    for path in [folder / "federal.yaml", *sorted((folder / "states").glob("*.yaml"))]:
        document = yaml.safe_load(path.read_text("utf-8"))
        for fact in document["facts"]:
            reach = fact.get("applies_to") or {}
            kept = {
                "id": fact["id"], "jurisdiction": document["jurisdiction"], "topic": fact["topic"], "citation": fact["citation"],
                "effective": fact["effective"], "ends": fact["ends"], "status": fact["status"], "confidence": fact["confidence"],
                "channels": reach.get("channels"), "purposes": reach.get("purposes"), "values": fact["values"] or {}, "told": told(fact),
            }  # fmt: skip
            yield json.dumps(kept, default=str, ensure_ascii=False)


def main() -> int:
    """Print the facts of the folder on the command line."""
    if len(sys.argv) != 2 or not Path(sys.argv[1], "federal.yaml").is_file():
        print("usage: python -m simulations.law_facts FOLDER   (a folder with federal.yaml and states/)", file=sys.stderr)
        return 2
    print("\n".join(lines(Path(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
