"""All rule files of the shipped folder (and of an operator's folders) as one checked set: the packs."""

from collections.abc import Iterable
from pathlib import Path

from dialguard.packs import sources
from dialguard.packs.pack import Packs
from dialguard.packs.sources import shipped_rules
from dialguard.packs.yamlfile import PackError

__all__ = ["PackError", "Packs", "load", "shipped_rules"]


def load(folders: Iterable[Path] = (), base: Path | None = None) -> Packs:
    """Read the shipped rules and the operator's ``folders``; raises PackError with every problem of every file.

    An operator's folder may still loosen the shipped law without a confirmation: ``verify_operator`` refuses that.
    """
    found, unreadable = sources.collect(base or shipped_rules(), [Path(folder) for folder in folders])
    from dialguard.packs.assemble import assemble

    return assemble(found, unreadable)
