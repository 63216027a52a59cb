"""Versions that another has taken the place of: not asked, not kept open, and never missed."""

import os
import random
import threading
from datetime import date, timedelta

import pytest

from dialguard.facts.lists import Said, standing
from dialguard.lists import catalog as catalogs
from dialguard.lists import succession
from dialguard.lists.catalog import Catalog
from dialguard.lists.versions import Version, rollback
from dialguard.packs.rule import ListSchedule

RECEIVED = 1_590_000_000_000_000  # 2020-05-20T18:40:00Z
NUMBER = "2025550123"
DAY = date(2020, 2, 1)
COVERS = (None, frozenset({202}), frozenset({305}), frozenset({202, 305}))


def opened(root) -> tuple[int, int]:
    """Descriptors and mappings of list files in this process."""
    held = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
    with open("/proc/self/maps") as maps:
        return sum(str(root) in path for path in held), sum(str(root) in line for line in maps)


def version(number: int, published: int, effective: int | None, covers: frozenset[int] | None, use_by: int | None = None) -> Version:
    return Version(f"v{number}", "own", published, effective, use_by, RECEIVED + number, 1, 1, "", covers)


def test_a_version_counts_until_the_next_of_the_same_area_codes_is_in_force() -> None:
    first, other = version(1, 100, None, frozenset({202})), version(2, 103, 105, frozenset({305}))
    second, whole = version(3, 103, 105, frozenset({202})), version(4, 108, None, None)
    assert succession.superseded([whole, second, other, first]) == {"v1": 105, "v2": 107, "v3": 107}
    assert succession.standing([first, other, second, whole], 104) == (first, other, second, whole)
    assert succession.standing([first, other, second, whole], 105) == (other, second, whole)
    assert succession.standing([first, other, second, whole], 107) == (whole,)
    assert succession.standing([first, other, second, whole], None) == (first, other, second, whole)


def test_versions_of_one_day_speak_together() -> None:
    assert succession.superseded([version(1, 100, None, None), version(2, 100, None, None), version(3, 99, 100, None)]) == {}


def test_without_what_is_superseded_every_answer_is_the_same() -> None:
    draw = random.Random(20)
    left_out = 0
    schedules = (None, ListSchedule("own", "x", "US", max_age_days=31), ListSchedule("own", "x", "US", publish_on=((1, 1), (7, 1)), use_within_days=30))
    for _ in range(4000):
        base = DAY.toordinal()
        held = [
            version(number, published := base + draw.randint(0, 60), draw.choice((None, published + draw.randint(-2, 40))), draw.choice(COVERS),
                    draw.choice((None, published + draw.randint(0, 60))))
            for number in range(draw.randint(1, 8))
        ]  # fmt: skip
        npa, since, schedule = draw.choice((202, 305, 404)), base + draw.randint(-5, 110), draw.choice(schedules)
        listed = {each.id: draw.random() < 0.4 for each in held}

        def says(versions, npa=npa, listed=listed):
            return [Said(listed[v.id] if v.area_codes is None or npa in v.area_codes else None, v.published, v.effective, v.use_by) for v in versions]

        left = succession.standing(held, since)
        left_out += len(held) - len(left)
        for ordinal in (since, since + 1, since + draw.randint(2, 90)):
            assert standing(says(left), schedule, ordinal) == standing(says(held), schedule, ordinal)
    assert left_out > 4000


def test_fifty_imports_leave_one_version_open(take, root) -> None:
    catalog = Catalog(root)
    for number in range(50):
        day = DAY + timedelta(number)
        take([2_025_550_000 + number, 2_025_550_123], published=day, received_at=RECEIVED + number)
        catalog.refresh()
        answers = catalog.answers("own", NUMBER, since=day.toordinal())
        assert answers[-1].listed is True and len(answers) == 1
        assert opened(root)[0] <= 2 and opened(root)[1] <= 2
    assert len(catalog.answers("own", NUMBER, since=DAY.toordinal() - 2)) == 50


def test_of_what_was_held_at_an_earlier_moment_few_are_kept_open(take, root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "SPARE", 4)
    for number in range(12):
        take([2_025_550_100 + number], published=DAY + timedelta(number), received_at=RECEIVED + number, allow_shrink=True)
    catalog = Catalog(root)
    for number in range(12):
        found = catalog.answers("own", f"20255501{number:02}", as_of=RECEIVED + number)
        assert [each.listed for each in found] == [False] * number + [True]
        assert max(opened(root)) <= 5
    assert len(catalog.answers("own", NUMBER)) == 12 and max(opened(root)) <= 5


def test_who_reads_a_version_that_is_let_go_reads_on(take, root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "SPARE", 1)
    versions = [take([2_025_550_100 + number], published=DAY + timedelta(number), received_at=RECEIVED + number, allow_shrink=True) for number in range(6)]
    catalog = Catalog(root)
    reader = catalog.reader(versions[0])
    wrong: list[int] = []

    def ask(own: int) -> None:
        for _ in range(300):
            if catalog.contains(versions[own], 2_025_550_100 + own) is not True or catalog.contains(versions[own], 2_025_550_199) is not False:
                wrong.append(own)

    threads = [threading.Thread(target=ask, args=(own,)) for own in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and reader.contains(2_025_550_100) is True
    assert max(opened(root)) <= 3


def test_a_version_that_is_withdrawn_gives_its_place_back(take, root) -> None:
    first = take([2_025_550_123], published=DAY, received_at=RECEIVED)
    take([2_025_550_124], published=DAY + timedelta(1), received_at=RECEIVED, allow_shrink=True)
    catalog, since = Catalog(root), DAY.toordinal() + 1
    assert [each.listed for each in catalog.answers("own", NUMBER, since=since)] == [False]
    rollback(root, "own", at=RECEIVED + 1)
    catalog.refresh()
    assert catalog.versions("own", since=since) == (first,)
    assert [each.listed for each in catalog.answers("own", NUMBER, since=since)] == [True]
