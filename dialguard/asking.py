"""What is asked of a guard, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dialguard.engine.decision import Decision


class Question(Struct, frozen=True, gc=False):
    """An attempt to be decided, whether an allow takes a slot where the attempt does not say, and what its record is to say of where it
    came from (``door``, ``key``, ``tenant``; see ``DecisionLog.body``)."""

    attempt: Mapping[str, object] | Struct
    reserve: bool = False
    by: Mapping[str, str | None] = {}
    sent: bytes | None = None
    """The attempt's own JSON, where it came so."""


class Answer(Struct, frozen=True, gc=False):
    """A decision, and its JSON (``as_json(texts=False)``), which is what is recorded of it."""

    decision: Decision
    json: bytes
