"""Registry and state lists: format, order, uniqueness, and the promised share of the leads."""

import hashlib
import re
from pathlib import Path

import pytest

from simulations import leads, registry, state_list
from simulations.population import LINES_PER_EXCHANGE, area_codes, exchanges

LINE = re.compile(rb"[2-9]\d\d,[2-9]\d{6}")


@pytest.fixture(scope="module")
def lead_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("leads") / "leads.tsv"
    leads.write(path, 3_000, 5)
    return path


def test_the_command_writes_the_flat_format(tmp_path: Path, lead_file: Path) -> None:
    out = tmp_path / "registry.txt"
    registry.main([str(out), "--numbers", "20000", "--seed", "3", "--include-from", str(lead_file), "--share", "0.35"])
    lines = out.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == 20_000
    assert all(LINE.fullmatch(line) for line in lines)
    assert lines == sorted(set(lines))
    numbers = registry.lead_numbers(lead_file)
    listed = {line.decode().replace(",", "") for line in lines}
    # Exactly the share: numbers of the other leads are kept off the registry.
    assert sum(number in listed for number in numbers) == round(0.35 * len(numbers))
    assert {line[:3].decode() for line in lines} <= set(area_codes())


def test_the_same_seed_gives_the_same_bytes_everywhere(tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        registry.main([str(tmp_path / name), "--numbers", "5000", "--seed", seed])
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    # Another machine or a later Python must give these bytes too; new area-code data may change them.
    assert hashlib.sha256(a).hexdigest() == "2a2b0da4b67f8ffb3e586d818bf8a0511d3fcb78e20ae69696fd6fe5b7ffc25a"


def test_area_codes_narrow_the_file() -> None:
    numbers = list(registry.generate(1_000, 1, ["305", "212"], held=["2122345678", "3122345678"]))
    assert {number[:3] for number in numbers} == {"212", "305"}
    assert len(set(numbers)) == 1_000 and "2122345678" in numbers and "3122345678" not in numbers


def test_a_nearly_full_area_code_stays_exact() -> None:
    most = len(exchanges()) * LINES_PER_EXCHANGE // 2
    free = ["2122000000", "2122000001"]
    count, last = 0, ""
    for number in registry.generate(most - 2, 1, ["212"], free=free):
        assert number > last and number not in free
        count, last = count + 1, number
    assert count == most - 2


def test_what_cannot_be_is_refused(tmp_path: Path, lead_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not area codes in service: 999"):
        registry.generate(10, 1, ["212", "999"])
    with pytest.raises(ValueError, match="1 numbers are fewer than the 2 lead numbers"):
        registry.generate(1, 1, ["212"], held=["2122345678", "2122345679"])
    with pytest.raises(ValueError, match="do not fit"):
        registry.generate(8_000_000, 1, ["212"])
    out = tmp_path / "registry.txt"
    with pytest.raises(SystemExit) as exit_:
        registry.main([str(out), "--numbers", "3", "--include-from", str(lead_file)])
    assert exit_.value.code == 2 and "fewer than" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("state", "line", "header"),
    [
        ("PA", r"\d{10}\n", None),
        ("FL", r"\d{3},\d{7},01/15/2025\r\n", "AreaCode,PhoneNumber,DateAdded\r\n"),
        ("TX", r"\d{10}\|[WR]\n", "PHONE|TYPE\n"),
        ("IN", r"\d{3}\t\d{7}\n", None),
        ("LA", r"\(\d{3}\) \d{3}-\d{4}\n", "Telephone\n"),
    ],
)
def test_state_lists_come_in_their_layouts(
    tmp_path: Path, lead_file: Path, state: str, line: str, header: str | None
) -> None:
    out = tmp_path / "list.txt"
    arguments = [state, str(out), "--numbers", "500", "--include-from", str(lead_file), "--share", "0.5"]
    state_list.main(arguments)
    lines = out.read_bytes().decode("ascii").splitlines(keepends=True)
    if header is not None:
        assert lines.pop(0) == header
    assert len(lines) == 500 and all(re.fullmatch(line, text) for text in lines)
    numbers = {re.sub(r"\D", "", text)[:10] for text in lines}
    assert len(numbers) == 500
    assert {area_codes()[number[:3]]["state"] for number in numbers} == {state}
    local = [n for n in registry.lead_numbers(lead_file) if area_codes()[n[:3]]["state"] == state]
    assert local and len(numbers & set(local)) == round(0.5 * len(local))
    first = out.read_bytes()
    state_list.main(arguments)
    assert out.read_bytes() == first
