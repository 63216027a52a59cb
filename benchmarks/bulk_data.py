"""A list of leads of any length as Parquet, a registry and consents to go with it: seeded, made by column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from simulations.population import STATE_POPULATION, area_code_weights, area_codes, exchanges

PART = 1_000_000
FORMS = (
    ("{}{}{}", 50), ("({}) {}-{}", 16), ("{}-{}-{}", 14), ("{}.{}.{}", 4), ("{} {} {}", 3), ("+1{}{}{}", 6), ("1{}{}{}", 4),
    ("1-{}-{}-{}", 3),
)  # fmt: skip
"""How people write numbers, and how many in a hundred do."""
ODD = ("", "not given", "555-0123", "416-555-0123", "+44 20 7946 0123", "911", "(212) 555-0123 x12", "12345678901234")
ODD_SHARE = 0.02
ELSEWHERE = 0.08
"""Share of people whose address is not in the state of their area code."""
NAMES = ("Ann", "Bob", "Carla", "Dev", "Erin", "Femi", "Gus", "Hana", "Ivan", "Jo")
LINE_TYPES = ("wireless", "wireless", "wireless", "landline", "voip", None)


def numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Ten-digit numbers spread as people are, int64."""
    weights = area_code_weights()
    codes = np.array([int(code) for code in weights])
    share = np.array(list(weights.values()), np.float64)
    npa = rng.choice(codes, size, p=share / share.sum())
    return npa * 10_000_000 + rng.choice(np.array(exchanges()), size) * 10_000 + rng.integers(0, 10_000, size)


def parts(rows: int, seed: int) -> Iterator[pa.Table]:
    """The list, a million rows at a time."""
    rng = np.random.default_rng(seed)
    states = np.full(1000, "", dtype="<U2")
    for code, row in area_codes().items():
        states[int(code)] = row["state"]
    everywhere, people = np.array(list(STATE_POPULATION)), np.array(list(STATE_POPULATION.values()), np.float64)
    for start in range(0, rows, PART):
        size = min(PART, rows - start)
        number = numbers(rng, size)
        text = pl.Series(number.astype(str))
        three = (text.str.slice(0, 3), text.str.slice(3, 3), text.str.slice(6, 4))
        frame = pl.DataFrame({"a": three[0], "b": three[1], "c": three[2]})
        form = rng.choice(len(FORMS), size, p=np.array([weight for _, weight in FORMS]) / 100)
        odd = rng.random(size) < ODD_SHARE
        written = np.empty(size, object)
        for place, (pattern, _) in enumerate(FORMS):
            chosen = np.flatnonzero((form == place) & ~odd)
            written[chosen] = frame[chosen].select(pl.format(pattern, "a", "b", "c")).to_series().to_list()
        written[odd] = rng.choice(np.array(ODD, object), int(odd.sum()))
        state = states[number // 10_000_000]
        moved = rng.random(size) < ELSEWHERE
        state[moved] = rng.choice(everywhere, int(moved.sum()), p=people / people.sum())
        state[rng.random(size) < 0.03] = ""
        yield pa.table({
            "lead_id": np.arange(start, start + size),
            "phone_number": pa.array(written, pa.string()),
            "first_name": pa.array(rng.choice(np.array(NAMES, object), size), pa.string()),
            "last_name": pa.array([f"L{value}" for value in rng.integers(0, 50_000, size).tolist()], pa.string()),
            "state": pa.array(state, pa.string()),
            "line_type": pa.array(rng.choice(np.array(LINE_TYPES, object), size), pa.string()),
            "list_id": rng.integers(1, 40, size),
            "score": rng.random(size).round(4),
            "added": pa.array(rng.integers(19_000, 20_400, size).astype("datetime64[D]")),
        })  # fmt: skip


def write(path: Path, rows: int, seed: int = 20) -> None:
    """Write the list as a Parquet file."""
    writer = None
    for table in parts(rows, seed):
        if writer is None:
            writer = parquet.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=PART // 4)
    assert writer is not None
    writer.close()
