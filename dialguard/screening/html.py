"""The report of a screen as one HTML file: no script, nothing fetched, opens from disk and prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from dialguard.packs.remedies import BY
from dialguard.screening import charts
from dialguard.screening.exposure import DOUBT, PUBLIC, SUIT, UNSTATED, dollars, exposure, nature, of_authorities, of_people, short_dollars
from dialguard.screening.report import by_local_hour, by_state
from dialguard.screening.states import NAMES
from dialguard.screening.style import css
from dialguard.screening.wording import clean, hour, moment, percent, percent_of, unnumbered

NOT_ADVICE = "This is not legal advice."
_BARS = 12
"""Reasons drawn as bars; the table has all."""
_CAMPAIGN = {"id": "campaign"} | {name: name for name in ("seller", "purpose", "subject", "channel", "dialing", "voice")}
"""What is shown of a campaign: no caller ID, no evidence of a claim."""
_NATURES = {
    SUIT: "the person may sue for an amount", PUBLIC: "an authority may seek an amount", UNSTATED: "forbidden, no amount stated", DOUBT: "in doubt",
}  # fmt: skip
_KINDS = {
    "prohibited": "prohibited", "unknown_fact": "a fact is missing", "list_stale": "a list is out of date",
    "list_incomplete": "a list is missing or does not cover the number", "lookup_unavailable": "a look-up failed",
    "pack_stale": "the rules are out of date", "rule_error": "an error in a rule",
}  # fmt: skip


def html_report(found: Mapping[str, object]) -> str:
    """A whole HTML document from what a screen counted.

    ``found`` is ``Summary.as_dict()``, and where known ``source`` (file name), ``at`` (RFC 3339), ``packs`` (digest), ``campaign``
    (its fields) and ``week`` (``hours``: seven times 24 shares of rows callable, Monday first; ``rows``). All text in it is
    foreign and escaped; what looks like a telephone number is left out of names. Raises KeyError when a count is missing.
    """
    source = unnumbered(found.get("source") or "a list")
    parts = [
        _head(found, source), _figures(found), _exposure(found),
        _beside(_map(found), _week(found)),
        _reasons(found), _beside(_needs(found), _retries(found)), _duties(found), _problems(found), _foot(found),
    ]  # fmt: skip
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f'<link rel="icon" href="data:,">\n<title>Screen of {escape(source)}</title>\n<style>{css()}</style>\n</head>\n<body>\n<main>\n'
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(found: Mapping[str, object], source: str) -> str:
    said = [f"judged at {moment(found['at'])}"] if found.get("at") else []
    campaign = found.get("campaign")
    if isinstance(campaign, Mapping):
        said += [f"{name} {unnumbered(campaign[key])}" for key, name in _CAMPAIGN.items() if isinstance(campaign.get(key), str)]
    failed = int(found.get("failed") or 0)
    warning = ""
    if failed:
        warning = f'<p class="warn">{failed:,} of the unusable rows were denied because of an error in this program; please report it.</p>'
    off: Mapping[str, str] = found.get("switched_off") or {}
    if off:
        told = "; ".join(f"{escape(clean(rule))}: {escape(unnumbered(why))}" for rule, why in off.items())
        warning += f'<p class="warn">Disputed rules that were switched off, and why: {told}.</p>'
    about = " · ".join(f"<span>{escape(text)}</span>" for text in said)
    return (
        f'<header><p class="eyebrow">DialGuard: a list against the law</p><h1>Screen of {escape(source)}</h1><p class="about">{about}</p>'
        f'<p class="soft"><strong>{NOT_ADVICE}</strong> Each row was judged for one call or text at that one moment.</p>{warning}</header>'
    )


def _figures(found: Mapping[str, object]) -> str:
    rows = int(found["rows"])
    groups = (
        ("callable_now", "Callable now", "now", ""), ("callable_later", "Callable later", "later", "time alone cures it"),
        ("not_callable", "Not callable", "suit", "law or data against it"), ("duplicates", "Duplicates", "doubt", "of a row above"),
        ("unusable", "Unusable", "idle", "no number to call"),
    )  # fmt: skip
    cells, split = "", ""
    for key, name, style, how in groups:
        count = int(found[key])
        share = percent(count, rows)
        cells += (
            f'<div><dt><i class="{style}"></i>{name}</dt><dd><div class="n">{count:,}</div>'
            f'<div class="how">{share}{f", {how}" if how else " of rows"}</div></dd></div>'
        )
        split += f'<i class="{style}" style="flex:{count} 0 0" title="{name}: {count:,} ({share})"></i>' if count else ""
    total = f'<div><dt>Rows</dt><dd><div class="n">{rows:,}</div><div class="how">each in one group</div></dd></div>'
    return (
        f'<section class="card" aria-label="In short"><dl class="figures">{total}{cells}</dl>'
        f'<div class="split" aria-hidden="true">{split}</div></section>'
    )


def _exposure(found: Mapping[str, object]) -> str:
    rows = exposure(found["reasons"])
    figure = f"{_between(rows.people)}" if rows.suit else "No row was denied for certain under a rule whose damages are stated."
    told = [
        f"<p>An estimate of what the people of {rows.suit:,} rows may sue for, had each been called once at that moment: from the least that "
        "the law names (nothing where it names none) to the most, trebled or raised for willful violations where it says so. Each row counts "
        "once, under its main reason; the table of reasons has each rule’s remedies, their citations and how long they may be sought.</p>"
    ] if rows.suit else []  # fmt: skip
    if rows.sought:
        told.append(
            f"<p>Besides, regulators or prosecutors may seek <strong>{_between(rows.authorities)}</strong> over {rows.sought:,} rows.</p>"
        )
    apart = []
    if rows.public:
        apart.append(f"{rows.public:,} rows over which an authority alone may seek an amount")
    if rows.unstated:
        apart.append(f"{rows.unstated:,} rows that a rule forbids for whose breach no amount is stated")
    if rows.doubt:
        apart.append(f"{rows.doubt:,} rows in doubt, where a fact is missing or a list is out of date: the call may or may not be lawful")
    later = f" Over {rows.later:,} of these rows a person may sue only after more than one call in 12 months." if rows.later else ""
    kept = f" Not in the first figure: {'; '.join(apart)}." if apart else ""
    return (
        '<section class="card" id="exposure"><h2>What calls to the denied rows might have cost</h2>'
        f'<p class="big">{figure}</p><div class="told">{"".join(told)}'
        f'<p class="soft">It is an estimate and no forecast: who sues, what is proved and what defenses hold is not known.'
        f"{later}{kept}</p></div></section>"
    )


def _between(amounts: tuple[int, int]) -> str:
    least, most = amounts
    return dollars(most) if least == most else f"{dollars(least)} to {dollars(most)}" if least else f"up to {dollars(most)}"


def _map(found: Mapping[str, object]) -> str:
    merged = by_state({str(name): Counter(counts) for name, counts in found["states"].items()})
    known = {code: counts for code, counts in merged.items() if code in NAMES}
    rest = {name: counts for name, counts in merged.items() if name not in NAMES}
    names = {"several": "In one of several states", "not known": "State not known"}
    lines = [(f"{NAMES[code]} <small>{code}</small>", counts) for code, counts in sorted(known.items(), key=lambda item: NAMES[item[0]])]
    lines += [(escape(names.get(name, clean(name))), counts) for name, counts in rest.items()]
    body = (
        (name, f"{c['rows']:,}", percent(c["now"], c["rows"]), f"{c['now']:,}", f"{c['later']:,}", f"{c['never']:,}") for name, c in lines
    )
    apart = sum(counts["rows"] for counts in rest.values())
    note = f" {apart:,} rows are of people who may be in one of several states; the table has them apart." if apart else ""
    table = _table("Rows that were judged, by state", ("State", "Rows", "Now %", "Now", "Later", "Not"), body, 5, "tight")
    return (
        '<section class="card" id="states"><h2>Where rows may be called now</h2>'
        f'<p class="soft">Share of a state’s rows callable now.{note}</p>'
        f"{charts.each(charts.tile_map, known, widths=charts.HALF)}{_key()}"
        f"{_details('The states as a table', table)}</section>"
    )


def _week(found: Mapping[str, object]) -> str:
    week = found.get("week")
    heading = '<section class="card" id="week"><h2>When rows may be called</h2>'
    if not isinstance(week, Mapping) or not week.get("rows"):
        return f'{heading}<p class="soft">The week was not worked out for this list.</p></section>'
    hours, rows = week["hours"], int(week["rows"])
    body = ((f"{hour(at)}", *(percent_of(hours[day][at]) for day in range(7))) for at in range(24))
    table = _table("Share of rows callable, by the hour that begins", ("", *(day[:3] for day in charts.DAYS)), body, 7, "tight")
    best = max(((hours[day][at], -day, -at) for day in range(7) for at in range(24)))
    says = "None at any hour."
    if best[0]:
        says = f"Most can be reached {charts.DAYS[-best[1]]} {hour(-best[2])} to {hour(1 - best[2])}: {percent_of(best[0])}."
    return (
        f'{heading}<p class="soft">Share of {rows:,} rows callable in each hour, on the called party’s clock. {says}</p>'
        f"{charts.each(charts.week, hours, rows, widths=charts.HALF)}{_key()}{_details('The week as a table', table)}</section>"
    )


def _reasons(found: Mapping[str, object]) -> str:
    reasons: Sequence[Mapping[str, object]] = found["reasons"]
    heading = '<section class="card" id="reasons"><h2>Why rows dropped out</h2>'
    if not reasons:
        return f'{heading}<p class="soft">No row was denied.</p></section>'
    present = [name for name in _NATURES if any(nature(reason) == name for reason in reasons)]
    key = "".join(f'<li><i class="{name}"></i>{_NATURES[name]}</li>' for name in present)
    more = len(reasons) - _BARS
    note = f" The {_BARS} most frequent of {len(reasons):,} are drawn; the table has all." if more > 0 else ""
    body = (_reason(reason) for reason in reasons)
    table = _table("Rows denied, by main reason", ("Rule", "Rows", "People may sue for", "Authorities may seek"), body, 3)
    return (
        f'{heading}<p class="soft">Rows by main reason, each row once, with the estimate in dollars where the law states an amount.'
        f'{note}</p><ul class="key">{key}</ul>'
        f"{charts.each(charts.bars, [_bar(reason) for reason in reasons[:_BARS]], widths=charts.WHOLE)}"
        f"{_details('All reasons as a table', table)}</section>"
    )


def _bar(reason: Mapping[str, object]) -> charts.Bar:
    rows, kind = int(reason["rows"]), nature(reason)
    about = clean(reason.get("title") or reason["citation"] or "")
    says, short = f"{rows:,} rows · {_NATURES[kind]}", f"{rows:,}"
    if kind in (SUIT, PUBLIC):
        least, most = (of_people if kind == SUIT else of_authorities)(reason["remedies"]) or (0, 0)
        low, high = short_dollars(rows * least), short_dollars(rows * most)
        says, short = f"{rows:,} rows · {low} to {high}", f"{rows:,} · {low}–{high}"
    return charts.Bar(clean(reason["rule"]), about, kind, rows, says, short)


def _reason(reason: Mapping[str, object]) -> tuple[str, ...]:
    rows, kind = int(reason["rows"]), nature(reason)
    about = [clean(reason[name]) for name in ("title", "citation") if reason.get(name)]
    later = int(reason["callable_later"])
    if reason["kind"] != "prohibited":
        about.append(f"in doubt: {_KINDS.get(str(reason['kind']), clean(reason['kind']))}")
    if later:
        about.append("callable later" if later == rows else f"{later:,} of these callable later")
    remedies = reason.get("remedies") or ()
    if kind != DOUBT:
        about += [_remedy(each) for each in remedies]
    small = "".join(f"<small>{escape(text)}</small>" for text in about)
    cells = [
        "in doubt" if kind == DOUBT else "not stated" if each is None else _between((rows * each[0], rows * each[1]))
        for each in (of_people(remedies), of_authorities(remedies))
    ]
    return f'<span class="id">{escape(clean(reason["rule"]))}</span>{small}', f"{rows:,}", *cells


def _remedy(each: Mapping[str, object]) -> str:
    """A remedy for one violation: who, what, where it stands, how long it may be sought."""
    years = each["limitation_years"]
    until = f"within {years} years ({clean(each['limitation_citation'])})" if years else "limitation period not stated"
    since = f", from call {each['from_call']} on" if int(each["from_call"]) > 1 else ""
    return f"{BY[str(each['by'])]}{since}: {clean(each['says'])} {clean(each['citation'])}; {until}"


def _needs(found: Mapping[str, object]) -> str:
    needs = found["needs"]
    if not needs:
        return ""
    body = ((f'<span class="id">{escape(clean(name))}</span>', f"{count:,}") for name, count in needs.items())
    return (
        '<section class="card" id="needs"><h2>What you could find out</h2>'
        '<p class="soft">Facts that were missing and would settle rows, one way or the other. A row may lack several.</p>'
        f"{_table('Missing facts', ('Field of an attempt', 'Rows'), body, 1)}</section>"
    )


def _retries(found: Mapping[str, object]) -> str:
    later = by_local_hour(found["retry_at"])
    if not later:
        return ""
    body = ((escape(clean(shown)), f"{count:,}") for shown, count in later)
    table = _table("Rows by the first moment at which they may be called", ("On the called party’s clock", "Rows"), body, 1)
    return (
        '<section class="card" id="retry"><h2>Callable later</h2><p class="soft">When time alone makes the call lawful, all else staying '
        f"as it is. Judge again before calling.</p>{table}</section>"
    )


def _duties(found: Mapping[str, object]) -> str:
    duties, now = found["obligations"], int(found["callable_now"])
    if not duties:
        return ""
    every = "".join(f"<li>{_duty(entry)}</li>" for entry in duties if int(entry["rows"]) == now)
    some = [(_duty(entry), f"{int(entry['rows']):,}") for entry in duties if int(entry["rows"]) != now]
    parts = '<section class="card" id="duties"><h2>What callers must do</h2>'
    parts += f'<p class="soft">With the {now:,} calls that may be made now.</p>'
    if every:
        parts += f'<h3>With every call</h3><ul class="every">{every}</ul>'
    if some:
        parts += f"<h3>With some of them</h3>{_table('Obligations of some calls', ('The caller must see to this', 'Rows'), some, 1)}"
    return f"{parts}</section>"


def _duty(entry: Mapping[str, object]) -> str:
    small = " · ".join(escape(clean(entry[name])) for name in ("rule", "citation") if entry[name])
    return f"{escape(clean(entry['message']))}<small>{small}</small>"


def _problems(found: Mapping[str, object]) -> str:
    problems = found["problems"]
    if not problems:
        return ""
    body = ((escape(unnumbered(why)), f"{count:,}") for why, count in problems.items())
    table = _table("Rows by what is wrong with them", ("Why", "Rows"), body, 1)
    return f'<section class="card" id="problems"><h2>Unusable rows</h2>{table}</section>'


def _foot(found: Mapping[str, object]) -> str:
    packs = f" Rules: <span>{escape(clean(found['packs']))}</span>." if found.get("packs") else ""
    says = "It shows what the rules as loaded said at one moment, from the facts given."
    return f"<footer><p><strong>{NOT_ADVICE}</strong> {says}{packs}</p></footer>"


def _beside(*cards: str) -> str:
    """Cards side by side where the page is wide; one alone has the whole width."""
    return f'<div class="pair">{"".join(cards)}</div>' if all(cards) else "".join(cards)


def _key() -> str:
    """What the colours of a share mean."""
    entries = "".join(f'<li><i class="s{number}"></i>{text}</li>' for number, text in enumerate(charts.STEPS))
    return f'<ul class="key">{entries}</ul>'


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], figures: int, style: str = "") -> str:
    """A table of markup whose last ``figures`` columns hold figures; the first cell of a row heads it."""
    kinds = ["" if place < len(heads) - figures else ' class="num"' for place in range(len(heads))]

    def cells(row: Sequence[str]) -> str:
        return f'<th scope="row">{row[0]}</th>' + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], row[1:], strict=True))

    head = "".join(f'<th scope="col"{kind}>{name}</th>' for kind, name in zip(kinds, heads, strict=True))
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    named = f' class="{style}"' if style else ""
    return f"<table{named}><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
