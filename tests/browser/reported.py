"""What a screen may have counted, by hand, for tests of its report."""

from __future__ import annotations

_SUIT = {
    "rule": "us.tcpa.damages.227c", "jurisdiction": "US", "by": "person", "least_usd": None, "most_usd": 1500, "from_call": 2,
    "says": "Up to 500 dollars, trebled where willful.", "citation": "47 U.S.C. 227(c)(5)", "confidence": "high",
    "limitation_years": 4, "limitation_citation": "28 U.S.C. 1658(a)",
}  # fmt: skip
_OKLAHOMA = {
    "rule": "ok.penalties", "jurisdiction": "OK", "by": "person", "least_usd": 500, "most_usd": 1500, "from_call": 1,
    "says": "The actual loss or 500 dollars.", "citation": "15 O.S. 775C.6", "confidence": "medium", "limitation_years": None,
    "limitation_citation": None,
}  # fmt: skip
_FINE = {
    "rule": "ok.fine", "jurisdiction": "OK", "by": "regulator", "least_usd": 100, "most_usd": 5000, "from_call": 1, "says": "A fine.",
    "citation": "15 O.S. 1", "confidence": "low", "limitation_years": 1, "limitation_citation": "15 O.S. 2",
}  # fmt: skip

HOURS = [[(0.5 if 8 <= hour < 21 else 0.0) if day < 6 else (0.25 if 12 <= hour < 20 else 0.0) for hour in range(24)] for day in range(7)]


def counted() -> dict[str, object]:
    """A new summary of 1,000 rows: 400 callable now, 150 later, 300 not, 50 duplicates, 100 unusable."""
    return {
        "rows": 1000, "callable_now": 400, "callable_later": 150, "not_callable": 300, "duplicates": 50, "unusable": 100, "failed": 0,
        "reasons": [
            {"rule": "us.fcc.dnc.national", "rows": 220, "callable_later": 0, "among_all": 260, "kind": "prohibited",
             "citation": "47 U.S.C. 227(c)(3)(F); 47 CFR 64.1200(c)(2), (e)", "remedies": [_SUIT]},
            {"rule": "ok.calling-hours", "rows": 120, "callable_later": 120, "among_all": 200, "kind": "prohibited",
             "citation": "15 O.S. 775C.4(A)", "title": "Solicitations from 8 a.m. to 8 p.m.", "remedies": [_OKLAHOMA, _FINE]},
            {"rule": "nj.mobile-ban", "rows": 43, "callable_later": 0, "among_all": 60, "kind": "unknown_fact",
             "citation": "N.J.S.A. 56:8-130", "remedies": [_FINE]},
            {"rule": "tx.calling-hours", "rows": 37, "callable_later": 30, "among_all": 80, "kind": "prohibited",
             "citation": "Tex. Bus. & Com. Code 301.051(b)(2)", "remedies": []},
            {"rule": "us.fcc.dnc.scrub-31-days", "rows": 20, "callable_later": 0, "among_all": 20, "kind": "list_stale",
             "citation": "47 CFR 64.1200(c)(2)(i)(D)", "remedies": [_SUIT]},
            {"rule": "in.sms", "rows": 10, "callable_later": 0, "among_all": 10, "kind": "prohibited", "citation": "IC 24-4.7-2-9",
             "remedies": [{**_FINE, "rule": "in.penalties", "jurisdiction": "IN", "least_usd": None, "most_usd": 25000}]},
        ],
        "all_reasons": {"us.fcc.dnc.national": 260, "ok.calling-hours": 200, "tx.calling-hours": 80, "nj.mobile-ban": 60},
        "states": {
            "CA": {"rows": 300, "now": 0, "later": 100, "never": 200, "us.fcc.dnc.national": 200},
            "TX": {"rows": 400, "now": 290, "later": 40, "never": 70, "us.fcc.dnc.national": 20},
            "NJ": {"rows": 100, "now": 80, "later": 10, "never": 10, "nj.mobile-ban": 10},
            "NY/NJ": {"rows": 30, "now": 20, "later": 0, "never": 10}, "not known": {"rows": 20, "now": 10, "later": 0, "never": 10},
        },
        "retry_at": {"2026-11-23T08:00:00-08:00": 100, "2026-11-23T09:00:00-06:00": 50},
        "needs": {"line_type": 43},
        "problems": {"Area code ... is not assigned.": 60, "No number was given (the text is empty).": 40},
        "obligations": [
            {"duty": "take_dnc_requests", "rows": 400, "rule": "us.tsr.dnc.no-interference", "citation": "16 CFR 310.4(b)(1)(ii)",
             "message": "Callers may not obstruct a do-not-call request", "params": {}},
            {"duty": "say_name", "rows": 80, "rule": "nj.disclosure", "citation": None, "message": "Say who calls", "params": {}},
        ],
        "week": {"hours": HOURS, "rows": 850}, "at": "2026-11-23T15:30:00Z", "source": "leads.tsv", "packs": "sha256:0123abcd",
        "campaign": {"id": "spring", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    }  # fmt: skip
