"""Which rules serve, as it is told: to ``/v1/packs``, to the log, from one process to another."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from dialguard.packs.signing import Mark


State = Literal["current", "changing", "refused", "last_good", "stale", "none"]


class Trouble(Struct):
    """One mistake; see ``packs.yamlfile.Problem``."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class Refused(Struct):
    """Files that do not serve: what they are, since when, and what is wrong with them."""

    digest: str | None
    at: str
    troubles: list[Trouble]


class Standing(Struct):
    """Which rules serve. ``state``: ``current``, they are what the folders hold; ``changing``, what changed is being looked at;
    ``refused``, what the folders hold is not usable; ``last_good``, the same since the start; ``stale``, for so long that everything is
    denied; ``none``."""

    state: State
    digest: str | None = None
    rules: int = 0
    since: str | None = None
    confirmed_at: str | None = None
    stale_at: str | None = None
    kept: bool = False
    """Whether a start could take them up again."""
    signed: dict[str, Mark] = {}
    refused: Refused | None = None


class Watching(Protocol):
    """What watches the rules of a service."""

    def status(self) -> Standing:
        """Which rules serve, and what is wrong with those that do not."""
        ...

    async def reload(self, force: bool, who: str) -> Standing:
        """The status after the folders were looked at again."""
        ...
