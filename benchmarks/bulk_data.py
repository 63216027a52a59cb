"""A list of leads of any length as Parquet, lists of numbers and a record to go with it: seeded, made by column."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from dialguard.facts import clock
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, MINUTE
from dialguard.screening.phones import normalise
from dialguard.storage.embedded import EmbeddedStore
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


SELLER = "acme"
OTHERS = 26_000_000
"""Numbers of the national list that are drawn, beside those of leads."""
ON_LIST = {"national": 0.22, "TX": 0.15, "PA": 0.10}
"""The share of leads that is on each list; on a state's list are numbers of its area codes only."""
CONSENTS, REVOKED, SUPPRESSED, CALLED = 300_000, 700, 600, 700
_FRESH = 20
"""Days after which lists are made anew: the law lets nobody use a national list of 31 days."""


@dataclass(frozen=True)
class Made:
    """Where the list and the store lie, and the moment to judge at (RFC 3339), a weekday morning soon after they were made."""

    leads: Path
    store: Path
    at: str
    """Beside the store lie the numbers of each list as Parquet (``national.parquet``), for those who join with them."""


def made(rows: int) -> Made:
    """The list of so many rows and its store, made where they are not there yet; in DIALGUARD_BENCH_FOLDER or a temporary folder."""
    root = Path(os.environ.get("DIALGUARD_BENCH_FOLDER") or Path(tempfile.gettempdir()) / "dialguard-bench")
    folder = root / f"bulk-{rows}"
    stamp = folder / "made.json"
    today = clock.fixed(clock.now(), 0).ordinal
    told = json.loads(stamp.read_text("utf-8")) if stamp.is_file() else None
    if told is None or not 0 <= today - told["day"] <= _FRESH:
        shutil.rmtree(folder / "store", ignore_errors=True)
        stamp.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "leads.parquet").is_file():
            write(folder / "part.parquet", rows)
            (folder / "part.parquet").rename(folder / "leads.parquet")
        fill(folder / "store", folder / "leads.parquet")
        day = date.fromordinal(today + 1)
        while day.isoweekday() > 5:
            day = date.fromordinal(day.toordinal() + 1)
        morning = clock.first_instant_at_or_after(day.toordinal(), 37_800, "America/New_York")
        told = {"day": today, "at": clock.format_instant(morning, "America/New_York")}
        stamp.write_text(json.dumps(told), "utf-8")
    return Made(folder / "leads.parquet", folder / "store", told["at"])


def fill(store: Path, leads: Path) -> None:
    """The national list and those of two states, and a record: consents, each of its own time, and a few numbers with more."""
    rng, now = np.random.default_rng(30), clock.now()
    file = parquet.ParquetFile(leads)
    read = [normalise(pl.Series(pl.from_arrow(batch.column(0)))).national for batch in file.iter_batches(PART, columns=["phone_number"])]
    people = np.unique(np.concatenate(read))
    people = people[people > 0]
    states = {code: [int(npa) for npa, row in area_codes().items() if row["state"] == code] for code in ON_LIST}
    for code, share in ON_LIST.items():
        listed = people[rng.random(len(people)) < share]
        if code == "national":
            listed = np.unique(np.concatenate([listed, *(numbers(rng, PART) for _ in range(OTHERS // PART))]))
        else:
            listed = listed[np.isin(listed // 10_000_000, states[code])]
        text = store.with_name(f"{code}.txt")
        pl.DataFrame({"npa": listed // 10_000_000, "line": listed % 10_000_000}).write_csv(text, include_header=False)
        day = date.fromordinal(clock.fixed(now, 0).ordinal)
        import_list(store, code, text, published=day, whole_plan=code == "national", received_at=now)
        text.unlink()
        pl.DataFrame({"ten": listed}).write_parquet(store.with_name(f"{code}.parquet"))
    held = EmbeddedStore(store)
    held.declare_complete(SELLER, now - 1200 * DAY, known_at=now - 1200 * DAY)
    chosen = [f"+1{number}" for number in rng.permutation(people)[: CONSENTS + REVOKED + SUPPRESSED + CALLED].tolist()]
    _record(held, rng, now, chosen)
    held.close()


_FORMS = (None, None, ("oral",), ("signed_permission",), ("agreement",))
_COVERS = (None, None, ("live", "autodialed"), ("live", "autodialed", "prerecorded", "texts"), ("texts",))


def _record(held: EmbeddedStore, rng: np.random.Generator, now: int, chosen: list[str]) -> None:
    cut = len(chosen) - REVOKED - SUPPRESSED - CALLED
    lone, more = chosen[:cut], chosen[cut:]
    ages = rng.permutation(np.linspace(DAY, 1095 * DAY, len(lone)).astype(np.int64)).tolist()
    kinds = rng.integers(0, 5, (len(lone), 2)).tolist()
    consents = [
        {
            "seller": SELLER, "number": number, "level": "express_written" if form > 1 else "express", "form": _FORMS[form],
            "covers": _COVERS[covers], "obtained_at": now - age, "known_at": now,
        }
        for number, age, (form, covers) in zip(lone, ages, kinds, strict=True)
    ]  # fmt: skip
    for start in range(0, len(consents), 150_000):
        held.record_many("consent", consents[start : start + 150_000])
    common = [{"seller": SELLER, "number": number, "known_at": now} for number in more]
    revoked, rest = common[:REVOKED], common[REVOKED:]
    suppressed, called = rest[:SUPPRESSED], rest[SUPPRESSED:]
    dated = [{**entry, "at": now - place * 60 * MINUTE} for place, entry in enumerate(revoked, 1)]
    held.record_many("revocation", dated)
    held.record_many("consent", [{**entry, "level": "express_written", "obtained_at": now - 400 * DAY} for entry in revoked])
    held.record_many("internal", [{**entry, "action": "add", "at": now - place * DAY} for place, entry in enumerate(suppressed, 1)])
    attempts = [
        {**entry, "at": now - again * 3 * 60 * MINUTE - place * MINUTE, "channel": "voice", "purpose": "telemarketing", "outcome": "no_answer"}
        for place, entry in enumerate(called)
        for again in range(1 + place % 4)
    ]
    held.record_many("attempt", attempts)
