"""The decision log as a table: one row a decision, or one a call as 16 CFR 310.5(a)(2) wants it kept."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dialguard.audit.reading import Reader, Record
from dialguard.facts import clock
from dialguard.ledger.ledger import Ledger
from dialguard.ledger.rows import Row

COLUMNS: dict[str, str] = {
    "chain": "text", "seq": "text", "recorded_at": "moment", "known_at": "moment", "id": "text", "attempt_id": "text", "at": "moment",
    "tenant": "text", "seller": "text", "campaign": "text", "purpose": "text", "channel": "text", "to": "text", "from": "text",
    "door": "text", "key": "text", "verdict": "text", "rules": "words", "kinds": "words", "valid_until": "moment", "retry_at": "moment",
    "packs": "text", "hash": "text",
}  # fmt: skip

CALL_FIELDS: dict[str, str | None] = {
    "telemarketer": None,
    "seller": "the campaign's seller",
    "product": "the campaign's subject, where one is given",
    "calling_number": "the attempt's `from`",
    "called_number": "the attempt's `to`",
    "date": "the recorded attempt, else the moment judged; local where the number is",
    "time": "as the date",
    "duration": None,
    "caller_id_number_and_name": "`from` and `caller_id.name`",
    "caller_id_authorization": None,
    "disposition": "the recorded outcome",
    "transfer": None,
}
"""The fields of us.tsr.records.call-detail, and where each comes from; None: the dialer must supply it."""

CALL_COLUMNS: dict[str, str] = {
    **dict.fromkeys(("decision", "attempt", "placed"), "text"), **dict.fromkeys(CALL_FIELDS, "text"), "missing": "words",
}  # fmt: skip


def rows(reader: Reader, records: Iterable[Record], as_text: bool) -> Iterator[dict[str, Any]]:
    """A row for each decision; numbers as far as they can be opened."""
    for record in records:
        body, _ = reader.whole(record)
        decision, attempt, campaign = body["decision"], body["attempt"], body.get("campaign") or {}
        reasons = decision["reasons"]
        told = {
            "recorded_at": body["at"], "known_at": body["known_at"], "at": decision["at"],
            "valid_until": decision["valid_until"], "retry_at": decision["retry_at"],
        }  # fmt: skip
        yield {
            **{name: value if as_text or value is None else clock.parse_instant(value) for name, value in told.items()},
            "chain": record.chain, "seq": str(record.seq), "hash": record.hash, "id": decision["id"], "attempt_id": decision["attempt_id"],
            "tenant": body["tenant"], "seller": body["seller"], "campaign": campaign.get("id"), "purpose": campaign.get("purpose"),
            "channel": attempt.get("channel"), "to": attempt.get("to"), "from": attempt.get("from"),
            "door": body["door"], "key": body["key"], "verdict": decision["verdict"], "packs": decision["packs"],
            "rules": [str(reason["rule"]) for reason in reasons], "kinds": sorted({str(reason["kind"]) for reason in reasons}),
        }  # fmt: skip


def calls(reader: Reader, records: Iterable[Record], ledger: Ledger) -> Iterator[dict[str, Any]]:
    """A row for each allowed telemarketing call by voice, with the attempt and the outcome recorded of it.

    They are joined by the attempt's reference, which is the caller's own id of the attempt or the decision's.
    """
    placed: dict[str, dict[str, tuple[Row, Row | None]]] = {}
    for record in records:
        body, _ = reader.whole(record)
        decision, attempt, campaign = body["decision"], body["attempt"], body.get("campaign") or {}
        purpose = campaign.get("purpose", attempt.get("campaign.purpose"))
        if decision["verdict"] != "allow" or attempt.get("channel") != "voice" or purpose != "telemarketing":
            continue
        seller = body["seller"]
        if seller not in placed:
            placed[seller] = ledger.entries(seller, _by_reference, kinds=("attempt", "outcome"))
        made, outcome = placed[seller].get(decision["id"]) or placed[seller].get(decision["attempt_id"]) or (None, None)
        zone = decision["timezones"][0]["zone"] if decision["timezones"] else None
        at = clock.format_instant(made["valid_at"], zone) if made is not None else decision["at"]
        shown = attempt.get("from")
        name = (attempt.get("caller_id") or {}).get("name", attempt.get("caller_id.name"))
        row = {
            "decision": decision["id"], "attempt": decision["attempt_id"], "placed": "yes" if made is not None else "not recorded",
            "seller": seller, "product": campaign.get("subject", attempt.get("campaign.subject")),
            "calling_number": shown, "called_number": attempt.get("to"), "date": at[:10], "time": at[11:],
            "caller_id_number_and_name": " ".join(filter(None, (shown, name))) or None,
            "disposition": outcome["outcome"] if outcome is not None else made["outcome"] if made is not None else None,
        }  # fmt: skip
        yield row | {"missing": [field for field in CALL_FIELDS if not row.get(field)]}


def _by_reference(entries: Iterable[tuple[str, Row]]) -> dict[str, tuple[Row, Row | None]]:
    """Recorded attempts with their latest outcome, by reference; what was taken back or corrected is left out."""
    attempts: dict[int, Row] = {}
    outcomes: dict[int, Row] = {}
    for kind, row in entries:
        if kind == "attempt":
            attempts.pop(row["supersedes"], None)
            if not row["void"] and row["reference"] is not None:
                attempts[row["id"]] = row
        elif (held := outcomes.get(row["attempt_id"])) is None or (row["valid_at"], row["id"]) >= (held["valid_at"], held["id"]):
            outcomes[row["attempt_id"]] = row
    return {str(row["reference"]): (row, outcomes.get(id_)) for id_, row in attempts.items()}


def missing_of(rows: Iterable[Mapping[str, Any]], counts: dict[str, int]) -> Iterator[Mapping[str, Any]]:
    """The rows, counted on their way: how many lack each field."""
    for row in rows:
        counts["calls"] = counts.get("calls", 0) + 1
        for field in row["missing"]:
            counts[field] = counts.get(field, 0) + 1
        yield row
