"""The same rules as a data team would write them for a list: one boolean expression of polars for each rule, over columns of facts.

Less than ``dialguard screen`` does: no moment to try again, no obligations, no citations, numbers read by one regular expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import parquet

from dialguard.backends.frames import Frames, dtype, facts_frame
from dialguard.engine.judge import Engine
from dialguard.facts import clock, reading
from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.attempt import read_campaign
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.numbers import parse
from dialguard.facts.places import candidates
from dialguard.facts.readers import judged_at
from dialguard.facts.regions import STATES
from dialguard.model.moment import Moment
from dialguard.model.records import LookUp
from dialguard.packs.load import load
from dialguard.storage.embedded import EmbeddedStore

if TYPE_CHECKING:
    from benchmarks.bulk_pass import Stopwatch

BATCH = 1_000_000
_SHAPE = "^[2-9][0-9]{2}[2-9](?:1[02-9]|[02-9][0-9])[0-9]{4}$"
_OWN = ("consent.obtained_at", "consent.requested_at")
"""Facts that differ among the people of a kind."""


class Tables:
    """What the rows are joined with, for one campaign at one moment."""

    def __init__(self, store: Path, at: str, campaign: Mapping[str, object]) -> None:
        self.packs = load([])
        self.at = judged_at(at)
        self.store = EmbeddedStore(store)
        self.store.refresh()
        self._gatherer = Gatherer(Sources(self.packs, self.store))
        checked = read_campaign(campaign)
        checked.key, checked.start = str(checked.id), self._gatherer.start(checked)
        self._campaigns = {str(checked.id): checked}
        self._fields = {"campaign": checked.id, "channel": "voice"}
        self.seller = checked.seller
        self.nothing = self.store.look_up(seller=self.seller, number="+12125550123", at=self.at)
        self.places, self.exploded = self._places()
        loaded = {code: store.with_name(f"{code}.parquet") for code in self.packs.lists if self.store.list_versions(code)}
        self.lists = {"dnc.national" if code == "national" else f"dnc.list.{code}": pl.read_parquet(path) for code, path in loaded.items()}
        self.records, self.kinds = self._records()

    def facts(self, number: str, found: LookUp) -> dict[str, object]:
        """The facts of one attempt."""
        given = reading.read({**self._fields, "to": number}, self._campaigns)
        given.at = self.at
        return self._gatherer.gather(given, found)[0].values

    @cached_property
    def by_state(self) -> dict[str, dict[str, object]]:
        """The facts of a number that the store holds nothing of, in each state."""
        codes = {area.state: npa for npa, area in ACTIVE.codes.items() if area.reason is None and area.state is not None}
        return {state: self.facts(f"{codes[state]}5550123", self.nothing) for state in sorted(STATES)}

    def _places(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What area code and stated state make of a row: the states and zones in a word; and these, a row for each."""
        rows, pairs = [], []
        for npa, area in ACTIVE.codes.items():
            if area.reason is not None:
                continue
            kind = self.facts(f"{npa}5550123", self.nothing)["number.kind"]
            for state in ("", *sorted(STATES)):
                found = candidates(parse(f"{npa}5550123"), state=state or None, presuming=self.packs.presuming).pairs
                words = [";".join(dict.fromkeys(words)) for words in zip(*found, strict=True)]
                pairs += [(len(rows), *pair) for pair in found]
                rows.append((len(rows), npa, state, kind, len(found) > 1, *words))
        texts = dict.fromkeys(("npa", "stated", "number.kind"), pl.String)
        schema = {"where": pl.UInt32, **texts, "several": pl.Boolean, "dg_states": pl.String, "dg_zones": pl.String}
        places = pl.DataFrame(rows, schema, orient="row").cast({"number.kind": dtype(self.packs.vocabulary.get("number.kind"))})
        return places, pl.DataFrame(pairs, {"where": pl.UInt32, "place": pl.String, "zone": pl.String}, orient="row")

    def _records(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The numbers of whom the record holds something, with the number of their kind and two moments of their own; and the facts of
        the kinds. Kind 0 is everybody else; a lone consent is of a kind with all that say the same, any other number alone in its."""
        held = self.store.recorded(self.seller, self.at)
        kinds: list[dict[str, object]] = [self.by_state["NY"]]
        known: dict[tuple, int] = {}
        rows: list[tuple] = []
        for number, level, form, covers, obtained, requested, channels in held.consents:
            words = (level, form, covers, channels, obtained is None, requested is None)
            if words not in known:
                known[words] = len(kinds)
                kinds.append(self.facts(number, self.store.look_up(seller=self.seller, number=number, at=self.at)))
            kind = known[words]
            moments = (obtained, requested) if kinds[kind]["consent.level"] != "none" else (None, None)
            rows.append((int(number[2:]), kind, *moments))
        looked = self.store.look_up_many(self.seller, held.numbers, self.at)
        for number in held.numbers:
            rows.append((int(number[2:]), len(kinds), None, None))
            kinds.append(self.facts(number, looked[number]))
        schema = {"ten": pl.Int64, "kind": pl.UInt32, **{f"own {name}": pl.Int64 for name in _OWN}}
        same = self.kinds_alike(kinds)
        frame = facts_frame([{name: value for name, value in facts.items() if name not in same} for facts in kinds], self.packs.vocabulary)
        return pl.DataFrame(rows, schema, orient="row"), frame

    def kinds_alike(self, kinds: list[dict[str, object]]) -> set[str]:
        """The names of facts that are the same for all."""
        first = kinds[0]
        own = {*self.lists, "number.kind", "line_type"} | {name for name in first if name.startswith("emergency.")}
        return own | {name for name, value in first.items() if name not in _OWN and all(facts.get(name) == value for facts in kinds)}

    @cached_property
    def fixed(self) -> dict[str, object]:
        """The facts that are known and the same in every row; one that speaks of a state, as it is there."""
        found = dict(self.by_state["NY"])
        for state, facts in self.by_state.items():
            found |= {name: value for name, value in facts.items() if name.endswith(f".{state}")}
        own = {*self.lists, "number.kind", "line_type", *self.kinds.columns}
        return {name: value for name, value in found.items() if value is not None and name not in own}


class Zone:
    """The rules that are law in some states of one zone, as one expression: the ids of all that deny."""

    def __init__(self, tables: Tables, engine: Engine, zone: str, states: list[str], conjoined: bool) -> None:
        moment = Moment(tables.at, zone, clock)
        frames = Frames(tables.packs.closed, tables.packs.vocabulary, moment, tables.fixed)
        denying = []
        for jurisdiction in ("US", *states):
            for law in engine.programs.laws(jurisdiction, moment.ordinal).values():
                denies = frames.denies(law.rule.kind, law.condition, law.reliefs, law.rule.deny_unknown)
                if denies.meta.eq(pl.lit(False)):
                    continue
                if conjoined and jurisdiction != "US":
                    denies = (pl.col("place") == jurisdiction) & denies
                denying.append(pl.when(denies).then(pl.lit(law.rule.id)))
        self.rules = len(denying)
        self._reasons = pl.concat_str(denying, separator=";", ignore_nulls=True).alias("dg_reasons")
        read = set(self._reasons.meta.root_names())
        own = {*tables.lists, "number.kind", "line_type", "place"}
        kinds = frames.prepare(tables.kinds)
        self._kinds = kinds.select(sorted(read - own))
        self._rows = sorted(read & own)

    def reasons(self, rows: pl.DataFrame) -> pl.DataFrame:
        """``row`` and ``dg_reasons`` of the rows that are in this zone."""
        facts = self._kinds[rows["kind"]].with_columns(rows.select("row", *self._rows))
        own = [name for name in _OWN if name in facts.columns]
        facts = facts.with_columns(pl.coalesce(rows[f"own {name}"], pl.col(name)).alias(name) for name in own)
        return facts.lazy().select("row", self._reasons).collect()


def screen(
    leads: Path, store: Path, at: str, output: Path, watch: Stopwatch, campaign: Mapping[str, object], conjoined: bool = True
) -> int:
    """Screen a Parquet file of leads into another; returns the number of rows. ``conjoined``: one expression a zone, in which a state's
    rules say in which state they apply; else one for each state of a zone, over its rows alone."""
    with watch.timing("tables"):
        tables = Tables(store, at, campaign)
        engine = Engine(tables.packs, clock)
        zones: dict[tuple[str, ...], Zone] = {}
        for zone, place in sorted(set(tables.exploded.select("zone", "place").iter_rows())):
            zones.setdefault((zone,) if conjoined else (zone, place), []).append(place)  # type: ignore[arg-type,attr-defined]
        zones = {key: Zone(tables, engine, key[0], states, conjoined) for key, states in zones.items()}  # type: ignore[arg-type]
    writer = None
    file = parquet.ParquetFile(leads)
    for batch in file.iter_batches(batch_size=BATCH):
        found = _screened(pl.from_arrow(batch), tables, zones, ["zone"] if conjoined else ["zone", "place"])  # type: ignore[arg-type]
        table = pa.Table.from_batches([batch])
        for name in found.columns:
            table = table.append_column(name, found[name].to_arrow())
        if writer is None:
            writer = parquet.ParquetWriter(output, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return file.metadata.num_rows


def _screened(batch: pl.DataFrame, tables: Tables, zones: Mapping[tuple[str, ...], Zone], keys: list[str]) -> pl.DataFrame:
    """The columns that a batch gets."""
    digits = pl.col("phone_number").str.replace_all("[^0-9]", "").str.replace("^1([0-9]{10})$", "$1")
    kinds = tables.packs.vocabulary.get("line_type")
    rows = batch.lazy().select(digits.alias("digits"), pl.col("state").fill_null("").alias("stated"), pl.col("line_type").cast(dtype(kinds)))
    rows = rows.with_row_index("row").filter(pl.col("digits").str.contains(_SHAPE))
    rows = rows.with_columns(pl.col("digits").str.slice(0, 3).alias("npa"), pl.col("digits").cast(pl.Int64).alias("ten"))
    rows = rows.join(tables.places.lazy(), on=["npa", "stated"])
    rows = rows.join(tables.records.lazy(), on="ten", how="left").with_columns(pl.col("kind").fill_null(0)).collect()
    for fact, listed in tables.lists.items():
        on = rows.lazy().select("row", "ten").join(listed.lazy(), on="ten", how="semi").collect()["row"]
        marks = np.zeros(len(batch), bool)
        marks[on.to_numpy()] = True
        rows = rows.with_columns(pl.Series(fact, marks)[rows["row"]])
    parts = rows.join(tables.exploded, on="where").partition_by(keys, as_dict=True)
    judged = pl.concat([zones[key].reasons(part) for key, part in parts.items()])
    several = rows.filter("several").select("row")
    alone = judged.join(several, on="row", how="anti")
    words = pl.col("dg_reasons").str.split(";").list.explode().drop_nulls().unique(maintain_order=True)
    joined = judged.join(several, on="row", how="semi").group_by("row").agg(words.filter(words != "").str.join(";"))
    answers = rows.select("row", "dg_states", "dg_zones").join(pl.concat([alone, joined]), on="row", how="left")
    whole = pl.DataFrame({"row": pl.int_range(len(batch), dtype=pl.UInt32, eager=True)}).join(answers, on="row", how="left", maintain_order="left")
    verdict = pl.when(pl.col("dg_reasons") == "").then(pl.lit("allow")).otherwise(pl.lit("deny")).alias("dg_verdict")
    return whole.select(verdict, "dg_reasons", "dg_states", "dg_zones")
