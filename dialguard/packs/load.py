"""All rule files of the shipped folder (and of an operator's folders) as one checked set: the packs."""

from collections.abc import Iterable
from pathlib import Path

from dialguard.packs import cache, sources
from dialguard.packs.pack import Packs
from dialguard.packs.sources import shipped_rules
from dialguard.packs.yamlfile import PackError

__all__ = ["PackError", "Packs", "load", "shipped_rules"]


def load(folders: Iterable[Path] = (), base: Path | None = None, *, cached: bool = True) -> Packs:
    """Read the shipped rules and the operator's ``folders``; raises PackError with every problem of every file.

    With ``cached`` a compiled copy of the same files stands in for them. An operator's folder may still loosen the shipped
    law without a confirmation: ``supersede.verify_operator`` refuses that.
    """
    found, unreadable = sources.collect(base or shipped_rules(), [Path(folder) for folder in folders])
    name = cache.key(found) if cached and not unreadable and cache.folder() is not None else None
    held = cache.read(name) if name is not None else None
    if held is not None:
        return held
    from dialguard.packs.assemble import assemble  # pydantic and YAML are needed only where there is no compiled copy

    packs = assemble(found, unreadable)
    if name is not None:
        cache.write(name, packs)
    return packs
