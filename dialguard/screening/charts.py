"""The charts of a report, each for a wide page and a narrow one. Colours are classes of the page's style (``style.py``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from dialguard.screening import states
from dialguard.screening.drawing import Sheet, breadth, fitted
from dialguard.screening.wording import hour, percent, percent_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEPS = ("none", "under 20%", "20–39%", "40–59%", "60–79%", "80% and over")
"""What the classes s0 to s5 of a colour mean."""

WIDE, NARROW = 520, 340
"""Widths in pixels of half a wide page and of a telephone."""
HALF = {"wide": WIDE, "narrow": NARROW}
WHOLE = {"full": 1080, "mid": 680, "narrow": NARROW}
"""Widths by the class of the style: of a chart beside another, and of one that has the page to itself."""


class Bar(NamedTuple):
    """A bar with its words: what it is (``name``, ``about``), how it is coloured, its rows and what is written at its end."""

    name: str
    about: str
    style: str
    rows: int
    says: str
    says_short: str


def step(share: float) -> int:
    """The class of a share from 0 to 1: 0 is exactly nothing, 5 four fifths and more."""
    return 0 if share <= 0 else min(5, 1 + int(share * 5 + 1e-9))


def each(draw: Callable[..., str], *arguments: object, widths: Mapping[str, int]) -> str:
    """A chart drawn at several widths, of which the page's style shows one, by the name of its class."""
    return "".join(f'<div class="{name}">{draw(*arguments, width)}</div>' for name, width in widths.items())


def tile_map(counts: Mapping[str, Mapping[str, int]], width: int) -> str:
    """A tile for each state and territory, coloured by the share of its rows that may be called now."""
    gap = 4 if width >= WIDE else 2
    side = (width + gap) / states.COLUMNS
    sheet = Sheet(width, round(side * states.ROWS - gap + 0.5))
    tile = side - gap
    for code, (column, row) in states.TILES.items():
        found = counts.get(code)
        rows = found["rows"] if found else 0
        x, y, middle = round(column * side, 1), round(row * side, 1), round(column * side + tile / 2, 1)
        if not rows:
            sheet.box(x, y, tile, tile, "nothing", f"{states.NAMES[code]}: no rows", 3)
            sheet.text(middle, y + tile * 0.62, code, tile * 0.32, "faint", "center")
            continue
        shade = step(found["now"] / rows)
        title = (
            f"{states.NAMES[code]}: {rows:,} rows; {percent(found['now'], rows)} callable now ({found['now']:,}), "
            f"{found['later']:,} later, {found['never']:,} not"
        )
        sheet.box(x, y, tile, tile, f"s{shade}", title, 3)
        sheet.text(middle, y + tile * 0.46, code, max(11, tile * 0.3), f"t{shade}", "center", bold=True)
        sheet.text(middle, y + tile * 0.83, percent(found["now"], rows), max(9.5, tile * 0.25), f"t{shade}", "center")
    return sheet.svg("Map of the states and territories by the share of rows callable now")


def week(hours: Sequence[Sequence[float]], rows: int, width: int) -> str:
    """A cell for each hour of the week, Monday first, coloured by the share of rows callable in it."""
    left, top = 34, 20
    gap = 2 if width >= WIDE else 1
    across, down = (width - left + gap) / 24, 48 if width >= WIDE else 27
    sheet = Sheet(width, top + 7 * down)
    for at in range(0, 24, 3):
        sheet.text(round(left + at * across, 1), 12, hour(at), 11 if width >= WIDE else 10, "soft")
    for day, shares in enumerate(hours):
        y = top + day * down
        sheet.text(0, y + down / 2 + 2, DAYS[day][:3], 11.5, "ink")
        for at, share in enumerate(shares):
            title = f"{DAYS[day]} {hour(at)} to {hour(at + 1)}: {percent_of(share)} of {rows:,} rows callable"
            sheet.box(round(left + at * across, 1), y, round(across - gap, 1), down - gap, f"s{step(share)}", title, gap)
    return sheet.svg("The week by the hour, on the called party's clock, by the share of rows callable")


def bars(entries: Sequence[Bar], width: int) -> str:
    """Bars of rows, each under its words."""
    wide = width >= WIDE
    pitch, size = 44, 13 if wide else 12
    longest = max(entry.rows for entry in entries)
    sheet = Sheet(width, pitch * len(entries) - 12)
    for place, entry in enumerate(entries):
        y = place * pitch
        says = entry.says if wide else entry.says_short
        room = width - breadth(says, size) - 14
        name = fitted(entry.name, room, size, bold=True)
        sheet.text(0, y + 14, name, size, "ink", bold=True)
        taken = breadth(name, size, bold=True) + 12
        if wide:
            sheet.text(round(taken, 1), y + 14, fitted(entry.about, room - taken, 11.5), 11.5, "soft")
        sheet.text(width, y + 14, says, size - 0.5, "ink", "right")
        title = f"{entry.name}: {entry.says}"
        sheet.box(0, y + 21, width, 9, "track", title, 2)
        sheet.box(0, y + 21, max(2, round(width * entry.rows / longest, 1)), 9, entry.style, title, 2)
    return sheet.svg("Bars of the rows denied, by main reason")
