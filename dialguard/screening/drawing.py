"""A sheet to draw a chart on, measured in the pixels of a page, that ends as SVG for a page to hold.

matplotlib draws; what comes out has no colours of its own but class names, so that the page's style decides them, in light and
dark and in print, and every mark may have a title that a reader sees when pointing at it.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from html import escape
from xml.etree import ElementTree

from dialguard.screening.wording import clean

_SVG = "{http://www.w3.org/2000/svg}"
_SIZE = re.compile(r"font-size: ([\d.]+)px")
_LOOKS = {"text-anchor: middle": "middle", "text-anchor: end": "end", "font-weight: 700": "b"}
_FILL = re.compile(r"fill: (#[0-9a-f]{6})")


def breadth(text: str, size: float, bold: bool = False) -> float:
    """About how many pixels a line of text takes; in most fonts of a page it is a little less."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    known = "".join(char for char in text if unicodedata.east_asian_width(char) not in "WF")
    look = FontProperties(size=size, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        measured = text_to_path.get_text_width_height_descent(known, look, False)[0] if known else 0.0
    # Chinese, Japanese and Korean letters and pictures are not in the library's font; they are as wide as high.
    return measured + (len(text) - len(known)) * size * 1.05


def fitted(text: str, room: float, size: float, bold: bool = False) -> str:
    """As much of a text as fits into so many pixels; nothing where hardly any does."""
    whole = text
    while text and (taken := breadth(text if text is whole else f"{text}…", size, bold)) > room:
        text = text[: min(len(text) - 1, int(len(text) * room / taken))]
    if text is whole:
        return text
    return f"{text}…" if len(text) > 3 else ""


class Sheet:
    """A drawing of ``width`` by ``height`` pixels; x runs to the right and y down from the upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self._titles: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        self._figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        self._axes.axis("off")

    def box(self, x: float, y: float, width: float, height: float, style: str, title: str = "", round_by: float = 0) -> None:
        """A filled rectangle of the class ``style``."""
        from matplotlib.patches import FancyBboxPatch, Rectangle

        gid = f"mark-{len(self._titles)}"
        self._titles[gid] = title
        looks = {"facecolor": self._colour(style), "edgecolor": "none", "gid": gid, "clip_on": False}
        if round_by and min(width, height) > 2 * round_by:
            patch = FancyBboxPatch((x, y), width, height, boxstyle=f"round,pad=0,rounding_size={round_by}", mutation_aspect=1, **looks)
        else:
            patch = Rectangle((x, y), width, height, **looks)
        self._axes.add_patch(patch)

    def text(self, x: float, y: float, text: str, size: float, style: str, align: str = "left", bold: bool = False) -> None:
        """One line of text with its baseline at y. ``align``: which part of it lies at x: left, center or right."""
        weight = "bold" if bold else "normal"
        drawn = self._axes.text(x, y, clean(text), fontsize=size, color=self._colour(style), ha=align, va="baseline", weight=weight)
        drawn.set_parse_math(False)

    def svg(self, label: str) -> str:
        """The drawing as an ``svg`` element; ``label`` says what it shows."""
        import matplotlib

        out = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
            # The page's own font shows the text; the library's is only measured with, and need not know every letter.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            self._figure.savefig(out, format="svg", transparent=True)
        root = ElementTree.fromstring(out.getvalue())
        marks = [mark for group in root.iter(f"{_SVG}g") if (mark := self._mark(group))]
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escape(clean(label))}" '
            f'style="max-width:{self.width:g}px">{"".join(marks)}</svg>'
        )

    def _colour(self, style: str) -> str:
        """A colour that stands for a class until the drawing is done."""
        for colour, name in self._classes.items():
            if name == style:
                return colour
        colour = f"#0000{len(self._classes) + 1:02x}"  # not black, which is left unsaid
        self._classes[colour] = style
        return colour

    def _mark(self, group: ElementTree.Element) -> str:
        """A group of the library's drawing as one element of ours; nothing for its frames."""
        text, path = group.find(f"{_SVG}text"), group.find(f"{_SVG}path")
        if text is not None:
            look = text.get("style", "")
            classes = " ".join([self._class(look), *(name for key, name in _LOOKS.items() if key in look)])
            x, y = float(text.get("x", "0")), float(text.get("y", "0"))
            size = _SIZE.search(look)[1]
            return f'<text x="{x:g}" y="{y:g}" font-size="{size}" class="{classes}">{escape(text.text or "")}</text>'
        gid = group.get("id", "")
        if path is None or gid not in self._titles:
            return ""
        d = " ".join(path.get("d", "").split())
        title = f"<title>{escape(clean(self._titles[gid]))}</title>" if self._titles[gid] else ""
        return f'<path d="{d}" class="{self._class(path.get("style", ""))}">{title}</path>'

    def _class(self, look: str) -> str:
        found = _FILL.search(look)
        return self._classes[found[1]] if found else ""
