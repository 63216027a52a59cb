"""What several decisions say alike stands once in a segment, and is found, put together and verified as if it stood in each."""

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from dialguard.audit import standalone
from dialguard.audit.chain import Sharing
from dialguard.audit.errors import AuditUnavailable, LogError
from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from tests.audit.conftest import breaks, lines

ALLOW = {"verdict": "allow", "valid_until": None, "reasons": [], "obligations": ["x.y"], "retry_at": None, "packs": "p"}
DENY = ALLOW | {"verdict": "deny", "reasons": [{"rule": "fl.hours", "kind": "prohibited"}]}


def sharing(name: str, shared: dict[str, object], seller: str = "acme") -> Sharing:
    """A record as ``plain.py`` puts it together, with as little in it as there can be."""
    told = {
        "kept": {}, "tenant": "default", "seller": seller, "claims": None, "decision": shared | {"evidence": {"lists": {}}}, "masks": {},
    }  # fmt: skip
    said = json.dumps(told, separators=(",", ":")).encode()
    digest = hashlib.sha256(said).hexdigest()[:32].encode()
    body = {
        "kind": "decision", "answer": digest.decode(), "at": f"2026-11-24T11:00:0{name}.000000Z", "known_at": "2026-11-24T11:00:00Z",
        "attempt": {"id": name, "to": "n-x", "channel": "voice"},
        "decision": {"id": f"d-{name}", "attempt_id": name, "at": "2026-11-24T11:00:00Z", "reservation": None},
    }  # fmt: skip
    raw = json.dumps(body, separators=(",", ":")).encode()
    return Sharing(raw, digest, b'{"kind":"answer","answer":"%b","said":%b}' % (digest, said))


def found(folder: Path, **wanted: object) -> list[dict]:
    log = DecisionLog(folder)
    return [record.body for record in Reader(folder, log.keys).find(Wanted(**wanted))]


def kinds(folder: Path) -> list[str]:
    return [line["body"]["kind"] for line in lines(folder)]


def test_an_answer_stands_once_and_each_record_says_all_of_it(folder: Path) -> None:
    with DecisionLog(folder) as log:
        assert log.append([sharing("1", ALLOW), sharing("2", DENY)]) == 2
        assert log.append([sharing("3", ALLOW), sharing("4", DENY), sharing("5", ALLOW)]) == 6
    assert kinds(folder) == ["begin", "answer", "decision", "answer", "decision", *["decision"] * 3]
    assert breaks(folder) == []
    said = found(folder)
    assert [body["decision"]["id"] for body in said] == ["d-1", "d-2", "d-3", "d-4", "d-5"]
    for body, shared in zip(said, (ALLOW, DENY, ALLOW, DENY, ALLOW), strict=True):
        name = body["attempt"]["id"]
        own = {"id": f"d-{name}", "attempt_id": name, "at": "2026-11-24T11:00:00Z"}
        assert body["decision"] == own | shared | {"reservation": None, "evidence": {"lists": {}}} and "answer" not in body


def test_a_search_looks_into_answers(folder: Path) -> None:
    with DecisionLog(folder) as log:
        log.append([sharing("1", ALLOW), sharing("2", DENY), sharing("3", ALLOW, "other"), sharing("4", DENY, "other")])

    def ids(**wanted: object) -> list[str]:
        return [body["attempt"]["id"] for body in found(folder, **wanted)]

    assert ids(verdict="deny") == ids(rule="fl.hours") == ["2", "4"] and ids(verdict="allow") == ["1", "3"]
    assert ids(seller="other") == ["3", "4"] and ids(seller="other", rule="fl.hours") == ["4"] and ids(rule="fl") == []
    assert ids(id="3") == ids(id="d-3") == ["3"]


def test_each_segment_holds_its_own(folder: Path) -> None:
    with DecisionLog(folder, segment_bytes=2000) as log:
        for name in "123456789":
            log.append([sharing(name, ALLOW)])
    segments = standalone.segments(standalone.chains(folder)[0])
    assert len(segments) > 2 and breaks(folder) == []
    assert all(path.read_bytes().count(b'{"kind":"answer"') == 1 for path in segments)
    assert len(found(folder)) == len(found(folder, verdict="allow")) == 9


def test_after_a_failed_write_and_after_a_restart_it_is_written_again(folder: Path, broken_os) -> None:
    log = DecisionLog(folder)
    log.append([sharing("1", ALLOW)])

    def full(file: int, raw: bytes) -> int:
        os.write(file, raw[: len(raw) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    broken_os(write=full)
    with pytest.raises(AuditUnavailable):
        log.append([sharing("2", DENY)])
    broken_os()
    log.append([sharing("3", DENY), sharing("4", ALLOW)])
    log.close()
    with DecisionLog(folder) as again:
        again.append([sharing("5", ALLOW)])
    assert breaks(folder) == []
    assert [body["decision"]["verdict"] for body in found(folder)] == ["allow", "deny", "allow", "allow"]


def rewritten(folder: Path, change) -> None:
    """The chain with lines changed, and hashed anew as its writer could have."""
    (path,) = standalone.segments(standalone.chains(folder)[0])
    before, out = standalone.START, []
    for seq, body in enumerate(change([standalone.parse(line).body for line in path.open("rb")]), 1):
        said = b'{"seq":%d,"body":%b' % (seq, body)
        before = standalone.digest(before, said)
        out.append(said + b',"hash":"%b"}\n' % before.hex().encode())
    path.write_bytes(b"".join(out))
    (folder / "checkpoints.ndjson").unlink()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda bodies: [bodies[0], *bodies[2:]], "its answer does not stand before it"),
        (lambda bodies: [bodies[0], bodies[1].replace(b'"deny"', b'"allow"'), *bodies[2:]], "the answer is not the one that its name says"),
    ],
    ids=["gone", "changed"],
)
def test_an_answer_that_is_gone_or_another_is_a_break(folder: Path, change, what: str) -> None:
    with DecisionLog(folder) as log:
        log.append([sharing("1", DENY)])
    rewritten(folder, change)
    (said,) = breaks(folder)
    assert what in said


def test_a_record_without_its_answer_is_an_error_and_no_guess(folder: Path) -> None:
    with DecisionLog(folder) as log:
        log.append([sharing("1", DENY)])
    rewritten(folder, lambda bodies: [bodies[0], *bodies[2:]])
    with pytest.raises(LogError, match="its answer does not stand before it"):
        found(folder)
