"""A person's requests, over all sellers of a record or one of them: what is held of a number, and its erasure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from dialguard.facts import clock
from dialguard.ledger.deadline import deadline
from dialguard.ledger.erasing import Erased
from dialguard.ledger.fields import plain
from dialguard.ledger.pseudonyms import is_hidden

if TYPE_CHECKING:
    from dialguard.ledger.ledger import Ledger
    from dialguard.model.moment import Instant
    from dialguard.storage.ports import Store


def entries(ledger: Ledger, number: str, sellers: Iterable[str], as_of: Instant | None = None) -> list[dict[str, Any]]:
    """Every entry on a number as it was made, those under its names since it was erased too (``erased``); what they do not say is left
    out. A revocation comes with its deadline. Raises LookUpFailed."""
    found: list[dict[str, Any]] = []
    for seller in sellers:
        names = [key.number(seller, number) for key in ledger.keys.of(ledger.hidden(seller))]
        for name in (number, *names):
            found += [_shown(kind, row, number) for kind, row in ledger.entries(seller, list, number=name, as_of=as_of)]
    return found


def _shown(kind: str, row: dict[str, Any], number: str) -> dict[str, Any]:
    said = {"kind": kind} | {key: value for key, value in plain(kind, row).items() if value is not None}
    if kind == "revocation" and not row["void"]:
        last = deadline(row["received_at"] or row["valid_at"])
        said |= {"deadline": last.isoformat()} if last else {}
    return said | ({"number": number, "erased": True} if is_hidden(row.get("number", "+")) else {})


def listed(store: Store, number: str, codes: Iterable[str]) -> dict[str, Any]:
    """What the loaded lists and the Reassigned Numbers Database say of a number. Raises LookUpFailed."""
    national = number[2:] if number.startswith("+1") and len(number) == 12 else None
    lists = [
        {"list": code, "version": answer.version.id, "listed": answer.listed}
        for code in (codes if national else ())
        for answer in store.list_answers(code, national)  # type: ignore[arg-type]
        if answer.listed is not None
    ]
    told = store.reassigned(national) if national else ()
    answers = [
        {"asked_about": date.fromordinal(each.queried).isoformat(), "answer": each.answer, "asked_at": clock.format_instant(each.asked_at)}
        for each in told
    ]
    return {"lists": lists, "reassigned": answers}


def finish(store: Any, ledger: Ledger, sellers: Iterable[str], now: Instant) -> Counter[str]:
    """Empties what was kept in the clear of erased numbers and whose term is over: how many entries of each kind. Raises LookUpFailed,
    LedgerError."""
    emptied: Counter[str] = Counter()
    for seller in sellers:
        keys = ledger.keys.of(ledger.hidden(seller))
        if not keys:
            continue
        requests: dict[str, Instant] = {}
        for _, row in ledger.entries(seller, list, kinds=["internal"]):
            if is_hidden(row["number"]) and row["action"] == "add":
                requests[row["number"]] = max(row["known_at"], requests.get(row["number"], 0))
        numbers, _, consents, *_ = ledger.recorded(seller, now)
        for number in (*numbers, *(row[0] for row in consents)):
            asked = [requests[name] for name in (key.number(seller, number) for key in keys) if name in requests]
            if asked:
                done: Erased = store.finish_erasing(seller=seller, number=number, erased_at=max(asked), now=now)
                emptied.update(done.removed)
                emptied.update(done.hidden)
    return emptied
