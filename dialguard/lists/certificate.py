"""A certificate of the lists against which numbers were scrubbed: the record that the safe harbour of the do-not-call rules asks for.

47 CFR 64.1200(c)(2)(i) and 16 CFR 310.4(b)(3) excuse a call in error when, among other things, a version of the registry no more than
31 days old was used and records document it. The certificate states what was held on a day; it does not say that the rest was done.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from dialguard.lists.errors import ListError
from dialguard.lists.upkeep import Kept, in_force, upkeep
from dialguard.lists.versions import Entry, as_record, list_codes, list_folder, open_version, read_index
from dialguard.packs.rule import ListSchedule

FORMAT = 1


def certificate(
    root: str | os.PathLike[str],
    schedules: Mapping[str, ListSchedule],
    *,
    issued_at: str,
    today: int,
    as_of: int | None = None,
    codes: Sequence[str] = (),
    screened: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The lists in force on ``today`` (an ordinal), each read again and compared with its digest, as JSON.

    ``codes`` narrows the lists (default: all held); ``as_of`` gives those that were held at that moment; ``issued_at`` is the moment
    written down. ``screened`` is put in as it is: which files and how many rows were scrubbed. ``digest`` is the SHA-256 of
    everything else (JSON, keys sorted, no blanks).

    Raises ListError when a list named is not held or none is, ListDamaged when a file is not what was imported.
    """
    wanted = list(codes) or [code for code in list_codes(root) if read_index(list_folder(root, code))]
    lists = [_list(root, code, schedules.get(code), today, as_of) for code in wanted]
    if not lists:
        raise ListError("no_version", where=str(root), found="no list is held", todo="import one")
    body: dict[str, Any] = {
        "certificate": "lists in force", "format": FORMAT, "issued_at": issued_at, "day": _iso(today), "lists": lists,
        "screened": None if screened is None else dict(screened),
    }  # fmt: skip
    return body | {"digest": digest_of(body)}


def digest_of(body: Mapping[str, Any]) -> str:
    """The SHA-256 of a certificate without its own ``digest``."""
    rest = {key: value for key, value in body.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def file_record(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a file that was scrubbed. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
        return {"file": path.name, "bytes": file.tell(), "sha256": digest.hexdigest()}


def codes_in_force(root: str | os.PathLike[str], schedules: Mapping[str, ListSchedule], today: int, as_of: int | None) -> list[str]:
    """The lists of which a version held at ``as_of`` is in force on ``today``. Raises ListDamaged."""
    return [code for code in list_codes(root) if _current(root, code, schedules.get(code), today, as_of)[1]]


def _current(
    root: str | os.PathLike[str], code: str, schedule: ListSchedule | None, today: int, as_of: int | None
) -> tuple[Mapping[str, Entry], Sequence[Kept]]:
    entries = {entry.version.id: entry for entry in read_index(list_folder(root, code))}
    held = [entry.version for entry in entries.values() if entry.version.known_at(as_of)]
    return entries, in_force(upkeep(held, schedule, today, 0))


def _list(root: str | os.PathLike[str], code: str, schedule: ListSchedule | None, today: int, as_of: int | None) -> dict[str, Any]:
    entries, current = _current(root, code, schedule, today, as_of)
    if not current:
        raise ListError(
            "no_version", where=f"list {code}", found=f"no version is in force on {_iso(today)}", todo="see `dialguard lists status`"
        )
    return {
        "code": code, "name": None if schedule is None else schedule.name, "citation": None if schedule is None else schedule.citation,
        "versions": [_version(root, entries, kept, today) for kept in current],
    }  # fmt: skip


def _version(root: str | os.PathLike[str], entries: Mapping[str, Entry], kept: Kept, today: int) -> dict[str, Any]:
    version = kept.version
    reader = open_version(list_folder(root, version.code), entries[version.id])
    reader.check()
    record = as_record(version)
    del record["code"]
    return record | {
        "age_days": kept.age_days, "last_day": None if kept.last_day is None else _iso(kept.last_day),
        "in_time": kept.last_day is None or today <= kept.last_day,
        "bits_sha256": reader.manifest["blocks_sha256"], "made_from": _ancestors(entries, version.id),
    }  # fmt: skip


def _ancestors(entries: Mapping[str, Entry], version_id: str) -> list[dict[str, Any]]:
    """The versions from which change lists made this one, back to the full list, the nearest first."""
    out: list[dict[str, Any]] = []
    changes = entries[version_id].version.changes
    while changes is not None and changes.base in entries:
        version = entries[changes.base].version
        record = as_record(version)
        out.append({key: record[key] for key in ("id", "published", "received_at", "rows", "numbers", "digest", "source", "san")})
        changes = version.changes
    return out


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def render(body: Mapping[str, Any], moment: Any) -> str:
    """The certificate as text for a reader; ``moment`` writes an instant."""
    lines = [f"Do-not-call lists in force on {body['day']}, issued {body['issued_at']}", ""]
    for item in body["lists"]:
        lines.append(f"{item['name'] or 'list'} ({item['code']})" + (f", {item['citation']}" if item["citation"] else ""))
        for version in item["versions"]:
            until = "without a limit" if version["last_day"] is None else f"through {version['last_day']}"
            codes = version["area_codes"]
            lines += [
                f"  version {version['id']}, published {version['published']} ({version['age_days']} days old), may be used {until}"
                + ("" if version["in_time"] else ": OUT OF DATE"),
                f"    {version['numbers']:,} numbers; "
                + ("every area code" if codes is None else f"area codes {', '.join(map(str, codes))}"),
                f"    subscription account {version['san'] or 'not stated'}; received {moment(version['received_at'])}",
                f"    source {version['source']}, {version['rows']:,} rows, SHA-256 {version['digest']}",
                f"    list as stored, SHA-256 {version['bits_sha256']}",
            ]
            lines += [
                f"    made from {base['id']}: source {base['source']}, {base['rows']:,} rows, SHA-256 {base['digest']}"
                for base in version["made_from"]
            ]
    screened = body["screened"]
    if screened:
        lines.append("")
        for name, value in screened.items():
            text = (
                f"{value['file']}, {value['bytes']:,} bytes, SHA-256 {value['sha256']}"
                if isinstance(value, Mapping) and "sha256" in value
                else value
            )
            lines.append(f"{name.replace('_', ' ')}: {text:,}" if isinstance(text, int) else f"{name.replace('_', ' ')}: {text}")
    return "\n".join([*lines, "", f"SHA-256 of this certificate: {body['digest']}", "This is not legal advice.", ""])
