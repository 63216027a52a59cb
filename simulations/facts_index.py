"""Writes ``rules/facts-index.yaml``: the ids of the reviewed facts of the law, by which ``dialguard rules coverage`` counts.

    python -m simulations.facts_index FOLDER > rules/facts-index.yaml

FOLDER holds ``federal.yaml`` and ``states/*.yaml``, each with ``jurisdiction`` and ``facts``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml


def entry(fact: Mapping[str, object]) -> str:
    """Topic and status of one fact, and whether it only restates federal law."""
    values = fact.get("values") or {}
    federal = (
        str(fact["id"]).endswith(("federal-default", "time-zones"))
        or values.get("own_rule") is False
        or values.get("source_of_hours") == "federal"
    )
    return f"{{topic: {fact['topic']}, status: {fact['status']}{', federal: true' if federal else ''}}}"


def lines(folder: Path) -> Iterator[str]:
    """The index, federal law first, the states by their codes."""
    yield "# Every fact of the law that was reviewed, by jurisdiction. federal: it only restates federal law."
    for path in [folder / "federal.yaml", *sorted((folder / "states").glob("*.yaml"))]:
        document = yaml.safe_load(path.read_text("utf-8"))
        yield f"{document['jurisdiction']}:"
        yield from (f"  {fact['id']}: {entry(fact)}" for fact in document["facts"])


def main() -> int:
    """Print the index of the folder on the command line."""
    if len(sys.argv) != 2 or not Path(sys.argv[1], "federal.yaml").is_file():
        print("usage: python -m simulations.facts_index FOLDER   (a folder with federal.yaml and states/)", file=sys.stderr)
        return 2
    print("\n".join(lines(Path(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
