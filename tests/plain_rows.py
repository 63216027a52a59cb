"""Rows of attempts written by hand as YAML: how they are read and how one stands over another."""

import re
from pathlib import Path
from typing import Any

import yaml


class _Plain(yaml.CSafeLoader):
    """YAML in which only true and false are flags (`no` is an answer of a database) and moments stay text."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "bool")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def read(path: Path) -> Any:
    """The data of a file of rows."""
    return yaml.load(path.read_text("utf-8"), Loader=_Plain)


def rows(folder: Path, keys: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """Every row of a folder's files with the file's name; a key outside ``keys`` or a name that stands twice in a file fails."""
    found = []
    for path in sorted(folder.glob("[a-z]*.yaml")):
        listed = read(path)["rows"]
        for row in listed:
            assert set(row) <= keys, f"{path.name}: {row.get('name')}: {set(row) - keys}"
        names = [row["name"] for row in listed]
        assert len(set(names)) == len(names), f"{path.name}: names twice: {sorted({name for name in names if names.count(name) > 1})}"
        found += [(path.stem, row) for row in listed]
    return found


def base(bases: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """A named attempt with all that it extends."""
    named = bases[name]
    return merged(base(bases, named["extends"]), named["set"]) if "extends" in named else named["set"]


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` over ``under``, objects field by field; null takes a field away. Lists are replaced."""
    found = dict(under)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found
