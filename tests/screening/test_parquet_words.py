"""Parquet whose columns of few words are read and written by dictionary: for every reader the columns stay what they were."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from dialguard import Guard
from dialguard.screening.columns import recognise
from dialguard.screening.files import screen_file
from dialguard.screening.read import open_source
from dialguard.screening.write import Output

CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
ROWS = 1_000


def _table() -> pa.Table:
    states = ["TX", "FL", None, "texas", ""] * (ROWS // 5)
    return pa.table(
        {
            "phone_number": [f"+1{number}" for number in range(2_145_550_100, 2_145_550_100 + ROWS)],
            "state": pa.array(states, pa.string()),
            "large": pa.array(states, pa.large_string()),
            "already": pa.array(states, pa.string()).dictionary_encode(),
            "score": [place / 8 for place in range(ROWS)],
        }
    )


def _screened(source: Path, target: Path) -> pa.Table:
    opened = open_source(source)
    screener = Guard(no_store=True).screener(CAMPAIGN, "2026-11-24T12:30:00-05:00")
    screen_file(opened, recognise(opened.columns, {}), screener, Output(target, opened))
    return parquet.read_table(target)


@pytest.mark.parametrize("group", [ROWS, 150])
def test_types_and_values_stay(tmp_path: Path, group: int) -> None:
    table = _table()
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=group)
    assert open_source(tmp_path / "in.parquet").schema == table.schema
    found = _screened(tmp_path / "in.parquet", tmp_path / "out.parquet")
    kept = found.select(table.column_names)
    assert kept.schema.equals(table.schema)
    assert kept.to_pylist() == table.to_pylist()


def test_answers_are_those_of_plain_texts(tmp_path: Path) -> None:
    table = _table()
    parquet.write_table(table, tmp_path / "words.parquet")
    parquet.write_table(table, tmp_path / "plain.parquet", use_dictionary=False)
    words, plain = (_screened(tmp_path / f"{name}.parquet", tmp_path / f"{name}-out.parquet") for name in ("words", "plain"))
    assert len(set(words["dg_states"].to_pylist())) == 2
    assert words.to_pylist() == plain.to_pylist()
