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


def merged(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """``other`` over ``base``, objects field by field; null takes a field away. Lists are replaced."""
    found = dict(base)
    for key, value in other.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found
