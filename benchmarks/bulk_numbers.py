"""Columns of telephone numbers: read in bulk beside phonenumbers' parse and is_valid_number, and a regular expression in polars.

Then every kind of disagreement with phonenumbers on what is a US number that may be called, counted and explained.
"""

import gc
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice
from random import Random
from time import perf_counter

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumber

from benchmarks import dials
from benchmarks.timing import Result, ratio, show
from dialguard.facts import clock
from dialguard.facts.areacodes import ACTIVE
from dialguard.facts.numbers import Number, parse
from dialguard.screening.phones import NONE, normalise
from simulations.leads import COLUMNS, KINDS, STYLES, generate
from simulations.population import Numbers

ROWS, LEADS, SAMPLE = 1_000_000, 100_000, 20_000
OURS, THEIRS, PARSE, REGEX = "dialguard, the column", "phonenumbers parse and validate", "dialguard, one by one", "polars regex and join"
DAY = date.fromordinal(clock.fixed(dials.START, 0).ordinal)
"""The day for which an area code must be in service."""


def theirs(text: str) -> PhoneNumber | None:
    """What phonenumbers reads, where it holds it to be a valid number of any country."""
    try:
        found = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    return found if phonenumbers.is_valid_number(found) else None


def by_regex(column: pl.Series) -> pl.DataFrame:
    """What a notebook does: drop all but digits and a leading 1, look at exchange and length, join the area codes."""
    ten = pl.col("text").str.replace_all("[^0-9]", "").str.replace("^1([0-9]{10})$", "$1").alias("ten")
    shaped = pl.col("ten").str.contains("^[2-9][0-9]{2}[2-9](?:1[02-9]|[02-9][0-9])[0-9]{4}$")
    codes = pl.DataFrame([(npa, area.reason is None) for npa, area in ACTIVE.codes.items()], schema=["npa", "may"], orient="row")
    frame = column.to_frame("text").select(ten).with_columns(pl.col("ten").str.slice(0, 3).alias("npa"), shaped.alias("shaped"))
    return frame.join(codes, on="npa", how="left", maintain_order="left")


def mixed(rows: int, seed: int, bad: float = 0.02) -> list[str]:
    """Numbers as people write them, without extensions; a share of them is no US number, in the proportions of lead lists."""
    random = Random(seed)
    texts = list(islice(dials.numbers(seed), rows // 4)) * 4
    kinds = {kind: KINDS[kind] for kind in ("blank", "foreign", "short", "n11", "long", "zeros", "words")}
    places = random.sample(range(len(texts)), int(len(texts) * bad))
    for place, kind in zip(places, random.choices(list(kinds), list(kinds.values()), k=len(places)), strict=True):
        texts[place] = _bad(random, kind)
    return texts


def _bad(random: Random, kind: str) -> str:
    ten = str(random.randrange(2_000_000_000, 10_000_000_000))
    return {
        "blank": "", "foreign": f"+{random.choice(('44 20 ', '49 30 ', '33 1 ', '52 55 '))}{ten[2:]}",
        "short": ten[: random.randrange(4, 10)],
        "n11": f"{ten[:3]}{ten[3]}11{ten[6:]}", "long": ten + ten[: random.randrange(2, 6)], "zeros": "000-000-0000",
        "words": random.choice(("N/A", "none", "unknown", "see notes")),
    }[kind]  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A way of reading a column, and the column that it reads."""

    name: str
    call: Callable[[pl.Series], object]
    column: pl.Series


def _one_by_one(call: Callable[[str], object]) -> Callable[[pl.Series], object]:
    def all_of(column: pl.Series) -> None:
        for text in column.to_list():
            call(text)

    return all_of


def timed(readers: Sequence[Reader], rounds: int) -> list[Result]:
    """Microseconds a number, the readers taking turns, as `benchmarks.timing.interleaved` has it."""
    times: list[list[float]] = [[] for _ in readers]
    for reader in readers:
        reader.call(reader.column[:SAMPLE])
    gc.collect()
    gc.freeze()
    try:
        for turn in range(rounds):
            for step in range(len(readers)):
                reader = readers[(turn + step) % len(readers)]
                start = perf_counter()
                reader.call(reader.column)
                times[(turn + step) % len(readers)].append((perf_counter() - start) / len(reader.column))
    finally:
        gc.unfreeze()
    results = []
    for reader, spent in zip(readers, times, strict=True):
        ratios = sorted(mine / base for mine, base in zip(spent, times[0], strict=True))
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        results.append(Result(reader.name, statistics.median(spent) * 1e6, statistics.median(ratios), low, high))
    return results


UNEXPLAINED = "unexplained"
NO_CODE = "ours: an area code in service of which phonenumbers takes no number at all"
NO_EXCHANGE = "ours: an area code of which phonenumbers takes some exchanges, but none of this one's numbers"
OTHER_FORM = "ours: a written form that phonenumbers does not read, or reads as another number"
FOREIGN = "theirs: a number of a country other than +1"
NOT_US = "theirs: a +1 number of Canada, the Caribbean or Bermuda"
N11 = "theirs: the exchange is a service code (N11), which no subscriber has"
PREMIUM = "theirs: a premium-rate number (900)"
PICKED = "theirs: a number picked out of a text that holds other words or digits"


def disagreement(text: str) -> str | None:
    """The kind of disagreement on whether a text is a US number that may be called, `UNEXPLAINED`, or None where there is none.

    Phonenumbers' verdict is that of is_valid_number, as it is mostly used; ours that the number has no reason against it on DAY.
    """
    ours, other = parse(text), theirs(text)
    mine = ours.national is not None and ours.reason_on(DAY.toordinal()) is None
    if mine == (other is not None):
        return None
    return _only_ours(ours) if other is None else _only_theirs(ours, other)


def _only_ours(ours: Number) -> str:
    assert ours.national is not None
    if theirs("+1" + ours.national):
        return OTHER_FORM
    if not _takes_code(ours.national[:3]):
        return NO_CODE
    lines = range(0, 10_000, 1_111)
    return UNEXPLAINED if any(theirs(f"+1{ours.national[:6]}{line:04d}") for line in lines) else NO_EXCHANGE


@cache
def _takes_code(npa: str) -> bool:
    """Whether phonenumbers takes a number of any exchange of an area code."""
    return any(theirs(f"+1{npa}{exchange}2345") for exchange in range(200, 1000))


def _only_theirs(ours: Number, other: PhoneNumber) -> str:
    written = phonenumbers.format_number(other, phonenumbers.PhoneNumberFormat.E164)
    alone = parse(written)
    if ours.e164 != alone.e164:
        return PICKED
    if alone.kind == "non_us":
        return NOT_US if phonenumbers.region_code_for_number(other) not in _US else UNEXPLAINED
    if alone.kind == "invalid":
        return N11 if written.startswith("+1") and written[6:8] == "11" else UNEXPLAINED
    return {"foreign": FOREIGN, "premium": PREMIUM}.get(alone.kind, UNEXPLAINED)


_US = frozenset(("US", "PR", "GU", "VI", "AS", "MP"))
KINDS_OF_DISAGREEMENT = (NO_CODE, NO_EXCHANGE, OTHER_FORM, FOREIGN, NOT_US, N11, PREMIUM, PICKED, UNEXPLAINED)
FORMS = (
    "ABCDEFGHIJ.0", "ABC-DEF-GHIJ (cell)", "ABC-DEF-GHIJ home", "00 1 ABC DEF GHIJ", "011 1 ABC DEF GHIJ", "tel:+1-ABC-DEF-GHIJ;ext=KL",
    "Phone: ABC/DEF-GHIJ", "ABC-DEF-GHIJ, KLM", "call ABC-DEF-GHIJ or", "11-ABC-DEF-GHIJ", "1 1 ABC DEF GHIJ", "+1 1 ABC DEF GHIJ",
    "no. ABCDEFGHIJ", "abc ABCDEFGHIJ", "ABCDEFGHIJ abc", "ABC-DEF-GHIJ x KLMKLMKL", "ABCDEFGHI.J", "A.BCDEFGHIJe9", "ABC.DEFGHIJ",
    "ABC-DEF-GHIJ/KLM-DEF-GHIJ", "ABC\u00a0DEF\u2011GHIJ", "'ABCDEFGHIJ", "ABCDEF", "\uff08ABC\uff09DEF\uff0dGHIJ",
)  # fmt: skip
"""Rarer ways of writing than those of lead lists."""


def leads(rows: int, seed: int) -> list[str]:
    """The telephone column of a lead list."""
    place = COLUMNS.index("phone_number")
    return [lead.fields[place] for lead in generate(rows, seed)]


def every_code(each: int, seed: int) -> list[str]:
    """Numbers of every area code from 200 to 999, ``each`` of them, in the styles of lead lists in turn."""
    random, styles = Random(seed), list(STYLES)
    codes = [npa for npa in range(200, 1000) for _ in range(each)]
    return [_put(styles[place % len(styles)], f"{npa}{random.randrange(2 * 10**9, 10**10)}") for place, npa in enumerate(codes)]


def rare_forms(number: int, seed: int) -> list[str]:
    """Numbers that people have, in FORMS in turn."""
    random = Random(seed)
    source = Numbers(random)
    return [_put(FORMS[place % len(FORMS)], f"{source.draw()}{random.randrange(100, 1000)}") for place in range(number)]


def _put(style: str, digits: str) -> str:
    return style.translate(str.maketrans("ABCDEFGHIJKLM", digits))


def disagreements(texts: Iterable[str]) -> Counter[str]:
    """How many there are of each kind."""
    return Counter(kind for kind in map(disagreement, texts) if kind)


def run(rounds: int) -> None:
    """Check the answers, time the readers in turns, and print the table of disagreements."""
    clean, bad, lists = (pl.Series(texts) for texts in (mixed(ROWS, 1, 0), mixed(ROWS, 2), leads(LEADS, 3)))
    for column in (bad, lists):
        _check(column)
    readers = [
        Reader(f"{OURS}, 2 % bad", normalise, bad),
        Reader(f"{OURS}, none bad", normalise, clean),
        Reader(f"{OURS}, a lead list", normalise, lists),
        Reader(REGEX, by_regex, bad),
        Reader(PARSE, _one_by_one(parse), bad[:SAMPLE]),
        Reader(THEIRS, _one_by_one(theirs), bad[:SAMPLE]),
    ]
    results = timed(readers, rounds)
    found = normalise(lists)
    notes = [
        f"{1 / results[0].microseconds:.1f} million numbers a second with 2 % bad, {1 / results[1].microseconds:.1f} with none; "
        f"{THEIRS} takes {ratio(results, THEIRS, readers[0].name):.0f} and {ratio(results, THEIRS, readers[1].name):.0f} times as long",
        f"{len(found.odd) / len(found):.1%} of the lead list are read with care: extensions, foreign numbers, blanks, words, wrong lengths",
        f"the regular expression judges {_wrong(bad):,} of {len(bad):,} rows otherwise, and {_wrong(lists):,} of the {len(lists):,} of "
        "the lead list (it reads no extension)",
    ]
    show(f"Columns of {ROWS:,} telephone numbers as people write them; a call is one number", results, notes)
    _table({"lead list": leads(SAMPLE, 5), "every code": every_code(25, 6), "rare forms": rare_forms(4_800, 7)})


def _check(column: pl.Series) -> None:
    """Stop where the bulk reader and the single one differ."""
    part = column[:SAMPLE]
    found = normalise(part)
    for place, text in enumerate(part.to_list()):
        if found.number(place) != parse(text):
            raise SystemExit(f"row {place} is read otherwise in bulk")


def _wrong(column: pl.Series) -> int:
    """Rows for which the regular expression and we differ on whether there is a number against which nothing is known."""
    found = normalise(column)
    may = pl.Series([area.reason is None for area in map(ACTIVE.codes.get, map(str, range(1000))) if area], dtype=pl.Boolean)
    ours = pl.Series(found.national).map_elements(lambda ten: ten != NONE and may[ten // 10_000_000 - 200], return_dtype=pl.Boolean)
    return int((by_regex(column).select((pl.col("shaped") & pl.col("may")).fill_null(False)).to_series() != ours).sum())


def _table(columns: Mapping[str, Sequence[str]]) -> None:
    counts = {name: disagreements(texts) for name, texts in columns.items()}
    print("\nWhere phonenumbers and we differ on what is a US number that may be called; numbers by kind of disagreement")
    width = max(map(len, KINDS_OF_DISAGREEMENT))
    print(f"  {'taken only by ...':{width}}" + "".join(f"  {name:>12}" for name in columns))
    for kind in KINDS_OF_DISAGREEMENT:
        print(f"  {kind:{width}}" + "".join(f"  {counts[name][kind]:12,}" for name in columns))
    print(f"  {'of':{width}}" + "".join(f"  {len(texts):12,}" for texts in columns.values()))
