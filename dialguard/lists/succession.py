"""Which versions of a list another has taken the place of, and from which day on."""

from collections.abc import Sequence

from dialguard.facts.lists import first_day, start
from dialguard.lists.versions import Version


def superseded(versions: Sequence[Version]) -> dict[str, int]:
    """By id, the first local date (an ordinal) from which ``facts.lists.standing`` takes no note of what a version says of any number: a
    later version that covers the same area codes, or all, is then in force. Versions without such a date are left out."""
    found: dict[str, int] = {}
    next_of: dict[frozenset[int] | None, int] = {}
    last: dict[frozenset[int] | None, int] = {}
    before: int | None = None
    for version in sorted(versions, key=lambda each: start(each) or 0, reverse=True):
        begins = start(version)
        if begins != before:  # those that begin on one day speak together
            next_of |= last
            last, before = {}, begins
        days = [next_of[cover] for cover in {None, version.area_codes} if cover in next_of]
        if days:
            found[version.id] = min(days)
        last[version.area_codes] = min(first_day(version), last.get(version.area_codes, first_day(version)))
    return found


def standing(versions: Sequence[Version], since: int | None) -> tuple[Version, ...]:
    """The versions that count on a local date or later; None: all of them."""
    gone = {} if since is None else superseded(versions)
    return tuple(version for version in versions if since is None or gone.get(version.id, since + 1) > since)
