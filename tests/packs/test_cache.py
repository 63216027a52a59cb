"""Compiled packs: the same as the files, and never trusted when they may be another's or are damaged."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dialguard.packs import cache, sources
from dialguard.packs.load import load
from dialguard.packs.pack import Packs

from .conftest import LAW

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of compiled packs."""
    folder = tmp_path / "home" / "compiled"
    monkeypatch.setenv("DIALGUARD_CACHE", str(folder))
    return folder


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever rule files are assembled."""
    from dialguard.packs import assemble

    times: list[int] = []
    whole = assemble.assemble
    monkeypatch.setattr(assemble, "assemble", lambda *files: times.append(1) or whole(*files))
    return times


def only(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


def test_a_second_start_takes_the_compiled_packs(base: Path, place: Path, built: list[int]) -> None:
    first, second = load(base=base), load(base=base)
    assert len(built) == 1 and first.rules == second.rules and first.digest == second.digest
    assert (first.names, first.lists, first.presuming, first.warnings) == (second.names, second.lists, second.presuming, second.warnings)
    assert first.vocabulary.facts == second.vocabulary.facts and second.vocabulary.get("dnc.list.FL").type == "flag"
    assert second.by_id["fl.ring"].tests[0].name == "a call"


def test_the_folder_and_the_file_are_this_user_s_alone(base: Path, place: Path) -> None:
    load(base=base)
    assert (place.stat().st_mode & 0o777, only(place).stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_shipped_packs_come_back_whole(place: Path) -> None:
    built, held = load(), load()
    assert built.rules == held.rules and set(built.calendars) == set(held.calendars)
    for code, calendar in built.calendars.items():
        assert calendar.days(1990, 2060) == held.calendars[code].days(1990, 2060)
        assert calendar.days(2020, 2030, {"*"}) == held.calendars[code].days(2020, 2030, {"*"})
        assert [day.note for day in calendar.entries] == [day.note for day in held.calendars[code].entries]
    some_day = date(2026, 11, 26).toordinal()
    assert held.closed("la", some_day) == built.closed("la", some_day) is not None


def test_an_operator_s_folder_is_kept_with_the_shipped_law_beside_it(base: Path, own: Callable[..., Path], place: Path, built: list[int]) -> None:
    folder = own(a=LAW.replace("fl.", "house.").replace("lists:\n  - {code: FL, name: Florida list, max_age_days: 90}\n", ""))
    load([folder], base)
    held = load([folder], base)
    assert len(built) == 1 and held.base is not None
    assert set(held.base.by_id) < set(held.by_id) and held.by_id["house.ring"].operator


@pytest.mark.parametrize("what", ["a rule", "a shape", "the vocabulary", "a calendar", "a new file", "a file's name"])
def test_any_change_of_any_file_is_seen(what: str, base: Path, place: Path, built: list[int]) -> None:
    load(base=base)
    paths = {"a rule": "states/fl.yaml", "a shape": "shapes/shapes.yaml", "the vocabulary": "vocabulary.yaml", "a calendar": "calendars/la.yaml"}
    if what in paths:
        path = base / paths[what]
        status = path.stat()
        path.write_bytes(path.read_bytes() + b"#\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "a new file":
        (base / "states" / "ga.yaml").write_text("jurisdiction: GA\nname: Georgia\n")
    else:
        (base / "states" / "fl.yaml").rename(base / "states" / "fx.yaml")
    load(base=base)
    assert len(built) == 2


def test_a_changed_program_does_not_take_the_old_packs(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = sources.collect(base, [])
    before = cache.key(found)
    assert cache.key(found) == before
    monkeypatch.setattr(sys, "version", "3.99")
    assert cache.key(found) != before


def test_packs_that_were_not_usable_are_not_kept(base: Path, place: Path) -> None:
    (base / "states" / "fl.yaml").write_text("a: 1\n")
    for _ in range(2):
        with pytest.raises(Exception, match="unknown key `a`"):
            load(base=base)
    assert not place.exists()


def damaged(raw: bytes, how: str) -> bytes:
    middle = len(raw) // 2
    return {
        "empty": b"", "cut": raw[:middle], "longer": raw + b"x", "a bit": raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :],
        "another digest": raw[:20] + bytes(32) + raw[52:], "no header": raw[50:], "text": b"hello",
    }[how]  # fmt: skip


@pytest.mark.parametrize("how", ["empty", "cut", "longer", "a bit", "another digest", "no header", "text"])
def test_a_damaged_copy_is_ignored_and_replaced(how: str, base: Path, place: Path, built: list[int]) -> None:
    first = load(base=base)
    path = only(place)
    raw = path.read_bytes()
    path.write_bytes(damaged(raw, how))
    assert load(base=base).rules == first.rules and len(built) == 2
    assert load(base=base).rules == first.rules and len(built) == 2


class Trap:
    """What a stranger would put into a pickle."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


@pytest.mark.parametrize("good_digest", [True, False])
def test_a_stranger_s_pickle_runs_nothing(good_digest: bool, base: Path, place: Path, built: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    load(base=base)
    path = only(place)
    payload = pickle.dumps(Trap())
    digest = cache._digest(path.stem, payload) if good_digest else bytes(32)
    path.write_bytes(cache._MAGIC + digest + payload)
    assert isinstance(load(base=base), Packs) and len(built) == 2
    assert not (tmp_path / "sprung").exists()


def test_a_copy_under_another_name_is_not_taken(base: Path, place: Path, built: list[int]) -> None:
    load(base=base)
    held = only(place)
    (base / "states" / "fl.yaml").write_text(LAW + "\n")
    found, _ = sources.collect(base, [])
    held.rename(place / f"{cache.key(found)}.packs")
    load(base=base)
    assert len(built) == 2


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o777])
def test_a_folder_that_others_may_enter_is_not_used(mode: int, base: Path, place: Path, built: list[int]) -> None:
    load(base=base)
    place.chmod(mode)
    before = only(place).stat().st_mtime_ns
    load(base=base)
    assert len(built) == 2 and only(place).stat().st_mtime_ns == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_open_is_not_used(mode: int, base: Path, place: Path, built: list[int]) -> None:
    load(base=base)
    only(place).chmod(mode)
    load(base=base)
    assert len(built) == 2 and only(place).stat().st_mode & 0o777 == 0o600


def test_another_user_s_folder_is_not_used(base: Path, place: Path, built: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    load(base=base)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    load(base=base)
    assert len(built) == 2


def test_links_are_not_followed(base: Path, place: Path, built: list[int], tmp_path: Path) -> None:
    load(base=base)
    moved = tmp_path / "moved"
    place.rename(moved)
    place.symlink_to(moved)
    load(base=base)
    assert len(built) == 2
    place.unlink()
    place.mkdir(mode=0o700)
    (place / only(moved).name).symlink_to(only(moved))
    load(base=base)
    assert len(built) == 3 and not only(place).is_symlink()


def test_a_place_that_cannot_be_is_no_mistake(base: Path, place: Path, built: list[int]) -> None:
    place.parent.write_text("a file where a folder should be")
    assert load(base=base).rules and load(base=base).rules and len(built) == 2


@pytest.mark.parametrize(("variables", "expected"), [({"DIALGUARD_CACHE": ""}, None), ({"DIALGUARD_CACHE": "/a"}, "/a"), ({"XDG_CACHE_HOME": "/b"}, "/b/dialguard"), ({"HOME": "/c"}, "/c/.cache/dialguard")])
def test_where_compiled_packs_lie(variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIALGUARD_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.folder() == (Path(expected) if expected else None)


def test_only_the_latest_are_kept(base: Path, place: Path) -> None:
    for number in range(cache.KEPT + 3):
        (base / "states" / "fl.yaml").write_text(LAW + "#" * number + "\n")
        load(base=base)
    assert len(list(place.iterdir())) == cache.KEPT
    found, _ = sources.collect(base, [])
    assert (place / f"{cache.key(found)}.packs").exists()


def test_a_compiled_start_needs_neither_yaml_nor_pydantic(base: Path, place: Path) -> None:
    code = f"import sys; from pathlib import Path; from dialguard.packs.load import load; load(base=Path({str(base)!r})); print({{'yaml', 'pydantic'}} & set(sys.modules))"
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert eval(runs[0]) == {"yaml", "pydantic"} and runs[1] == "set()"
