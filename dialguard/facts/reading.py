"""Reading an attempt: quickly where it is well-formed, carefully where it is not."""

from collections.abc import Mapping

from msgspec import Struct, to_builtins

from dialguard.facts import quick
from dialguard.facts.attempt import read_carefully
from dialguard.facts.given import Campaign, Given


def read(attempt: Mapping[str, object], campaigns: Mapping[str, Campaign]) -> Given:
    """Check an attempt; raises InvalidInput naming every mistake and everything required that is missing."""
    try:
        return quick.read(attempt, campaigns)
    except quick.UNUSUAL:
        return read_carefully(to_builtins(attempt) if isinstance(attempt, Struct) else attempt, campaigns)
