"""The look of a report: quiet, in light and dark, on a telephone, on a desk and on paper."""

_LIGHT = """
--page:#f6f7f8;--card:#fff;--ink:#1b2227;--soft:#56626b;--faint:#8a959d;--line:#dfe4e8;--track:#edf0f2;
--nothing:#f3f5f6;--s0:#e4e8eb;--s1:#cfe6ea;--s2:#9fcfd8;--s3:#62b0bf;--s4:#1f7788;--s5:#0d5c6e;--t0:#4a555d;--t1:#12333a;--t2:#0c2a31;
--t3:#06222a;--t4:#fff;
--t5:#fff;--now:#0d5c6e;--later:#6cb3c1;--suit:#b1452e;--public:#c98a3a;--unstated:#a59b6f;--doubt:#8793a3;--idle:#c5ccd2;--link:#0d5c6e;--warn:#fdf1e7
"""
_DARK = """
--page:#12171a;--card:#1a2125;--ink:#e6ebee;--soft:#a3afb7;--faint:#74818a;--line:#2d373d;
--track:#262f34;--nothing:#1e262a;--s0:#2a3338;--s1:#1d4650;--s2:#226272;--s3:#2f8799;--s4:#5cb2c2;--s5:#a4e0ea;--t0:#b3bec5;--t1:#dcf1f5;
--t2:#eefafc;--t3:#fff;--t4:#06222a;--t5:#06222a;--now:#7cc9d6;--later:#35788a;--suit:#e27c62;--public:#d9a65c;--unstated:#8f8660;--doubt:#7d8a99;
--idle:#48545c;
--link:#8fd3df;--warn:#3a2a1c
"""
_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:anywhere}
main{max-width:1180px;margin:0 auto;padding:28px 24px 48px}
h1{font-size:1.7rem;line-height:1.2;margin:.1em 0 .3em;font-weight:650}
h2{font-size:1.12rem;line-height:1.3;margin:0 0 .35em;font-weight:650}
p{margin:.3em 0 .7em;max-width:76ch}
h3{font-size:.95rem;margin:14px 0 0;font-weight:620}
.eyebrow{font-size:.82rem;color:var(--soft);margin:0;letter-spacing:.03em}
p.soft,p.about{color:var(--soft);font-size:.9rem}
p.about{max-width:none}p.soft{max-width:84ch}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:16px 0;min-width:0}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:16px}.pair .card{margin:0}.pair:has(details[open]){align-items:start}
.pair+.pair{margin-top:16px}
.told{display:grid;grid-template-columns:1fr 1fr;gap:0 40px}
.figures{display:grid;grid-template-columns:1.25fr repeat(5,1fr);gap:0;margin:0}
.figures>div{padding:2px 14px;border-left:1px solid var(--line);min-width:0}.figures>div:first-child{padding-left:0;border:0}
.figures dt{font-size:.86rem;color:var(--soft)}.figures dd{margin:0}
.figures .n{font-size:1.65rem;line-height:1.25;font-weight:620;font-variant-numeric:tabular-nums}
.figures .how{font-size:.82rem;color:var(--soft)}
.split{display:flex;gap:2px;height:14px;margin:18px 0 2px;border-radius:4px;overflow:hidden}.split i{display:block;min-width:2px}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 2px;padding:0;list-style:none;font-size:.84rem;color:var(--soft)}
.key i,dt i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px;vertical-align:-1px}
.big{font-size:1.9rem;line-height:1.2;font-weight:640;font-variant-numeric:tabular-nums;margin:.1em 0 .3em}
.warn{background:var(--warn);border-left:4px solid var(--suit);padding:10px 14px;margin:14px 0;border-radius:4px}
.full svg,.mid svg{max-width:none!important}
svg{display:block;width:100%;height:auto;margin:12px 0 4px}svg text{font-family:inherit}.middle{text-anchor:middle}.end{text-anchor:end}
.b{font-weight:620}
.narrow,.mid{display:none}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:8px 0 2px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{text-align:left;vertical-align:top;padding:7px 12px 7px 0;border-top:1px solid var(--line);font-weight:400}
thead th{color:var(--soft);font-size:.82rem;border-top:0;padding-bottom:4px}
.num{text-align:right;padding-right:0;padding-left:12px;white-space:nowrap;overflow-wrap:normal;font-variant-numeric:tabular-nums}
.every{columns:2;column-gap:40px;margin:4px 0 18px;padding:0;list-style:none;font-size:.92rem}
.every li{break-inside:avoid;padding:7px 0;border-top:1px solid var(--line)}
td small,th small,li small{display:block;color:var(--soft);font-size:.84rem}
.id{font-weight:600}
.tight{font-size:.82rem}.tight th small{display:inline;margin-left:6px}.tight th,.tight td{padding:4px 4px 4px 0}
.tight .num{padding:4px 0 4px 6px}
details{margin-top:10px}summary{cursor:pointer;color:var(--link);font-size:.9rem}summary:focus-visible{outline:2px solid var(--link);
outline-offset:2px}
footer{color:var(--soft);font-size:.88rem;margin-top:24px}
@media (max-width:1020px){.full{display:none}.mid{display:block}.pair,.told{grid-template-columns:1fr}
.figures{grid-template-columns:repeat(3,1fr);gap:16px 0}.figures>div:nth-child(3n+1){padding-left:0;border:0}
.pair svg{margin-left:auto;margin-right:auto}}
@media (max-width:640px){main{padding:18px 12px 32px}.card{padding:16px 14px;border-radius:8px}h1{font-size:1.4rem}.big{font-size:1.45rem}
.figures{grid-template-columns:1fr 1fr}.figures>div{padding:0 12px;border-left:1px solid var(--line)}
.figures>div:nth-child(3n+1){padding-left:12px;border-left:1px solid var(--line)}
.figures>div:nth-child(odd){padding-left:0;border:0}.wide,.mid{display:none}.narrow{display:block}.id{font-size:.84rem}.every{columns:1}
#reasons .num{white-space:normal;padding-left:8px}}
@media print{
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{padding:0;max-width:none}body{font-size:11pt;background:#fff}.card{border:0;border-top:1px solid var(--line);border-radius:0;
padding:10pt 0;margin:0;break-inside:auto}
.pair{display:block}svg,tr,.figures,.big{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}
details::details-content{content-visibility:visible;display:block;block-size:auto}summary{list-style:none;color:var(--soft)}}
"""

CLASSES = (
    "ink", "soft", "faint", "track", "nothing", "s0", "s1", "s2", "s3", "s4", "s5", "t0", "t1", "t2", "t3", "t4", "t5",
    "now", "later", "suit", "public", "unstated", "doubt", "idle",
)  # fmt: skip
"""Colours that a mark of a chart (its fill) or a swatch (its background) may have, as class names."""


def css() -> str:
    """The whole style of the page."""
    marks = "".join(f"svg .{name}{{fill:var(--{name})}}i.{name}{{background:var(--{name})}}" for name in CLASSES)
    colours = f":root{{color-scheme:light dark;{_LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    # Paper is white whatever the screen was.
    return f"{colours}@media print{{:root{{color-scheme:light;{_LIGHT}}}}}{_PAGE}{marks}"
