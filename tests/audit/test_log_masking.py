"""What a record shows of numbers and persons, what can be found and opened again, and what text can do to a line: nothing."""

from __future__ import annotations

import hmac
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialguard.audit.errors import AuditUnavailable, LogError
from dialguard.audit.keys import Keys
from dialguard.audit.log import DecisionLog
from dialguard.audit.reading import Reader, Wanted
from dialguard.audit.record import record, unmask
from dialguard.audit.text import encode
from dialguard.facts.numbers import parse
from tests.audit.conftest import CAMPAIGN, body, breaks

SAID: dict[str, Any] = {
    "id": "call of 305 555 0123", "to": "(305) 555-0123", "from": "+14805550100", "channel": "sms",
    "contact": {"id": "Jane Roe", "state": "FL"},
    "caller_id": {"name": "Roe & Sons", "attestation": "A"}, "message": {"body": "Your code is 4711", "first": True},
    "history": {"attempts": [{"at": "2026-11-20T12:00:00Z", "to": "305-555-0199"}, {"at": "2026-11-21T12:00:00Z"}]},
}  # fmt: skip
SECRETS = ("5550123", "555-0123", "555 0123", "4805550100", "Jane", "e Roe", "is 4711", "555-0199", "Ann Lee")


def recorded(tmp_path: Path, numbers: str, **more: Any) -> tuple[DecisionLog, dict[str, Any], str]:
    log = DecisionLog(tmp_path / "decisions", numbers=numbers)
    log.append([body(log, "a", **{**SAID, **more})])
    log.close()
    (found,) = Reader(log.folder, log.keys).find(Wanted(id="d-a"))
    return log, found.body, "".join(path.read_text("ascii") for path in log.folder.rglob("*") if path.is_file())


def test_sealed_shows_nothing_and_opens_again(tmp_path: Path) -> None:
    log, shown, text = recorded(tmp_path, "sealed")
    assert [secret for secret in SECRETS if secret in text] == []
    assert shown["masks"] == {
        "attempt.message.body": "digest", "attempt.to": "sealed", "attempt.from": "sealed", "attempt.contact.id": "sealed",
        "attempt.caller_id.name": "sealed", "attempt.history.attempts.0.to": "sealed", "attempt.id": "sealed",
        "decision.attempt_id": "sealed",
    }  # fmt: skip
    (by_id,) = Reader(log.folder, log.keys).find(Wanted(id="call of 305 555 0123"))
    assert by_id.body == shown
    assert shown["attempt"]["contact"]["state"] == "FL" and shown["attempt"]["message"]["first"] is True
    digest = shown["attempt"]["message"]["body"]
    assert digest == log.keys.current("default").token("b", "Your code is 4711")
    opened = unmask(shown, log.keys)
    assert opened["attempt"] == {**{k: v for k, v in SAID.items() if k != "campaign"}, "message": {"body": digest, "first": True}}
    assert opened["decision"]["attempt_id"] == "call of 305 555 0123"


def test_a_decision_given_as_json_makes_the_same_record(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    decision = {
        "id": "d-a",
        "attempt_id": "call of 305 555 0123",
        "at": "x",
        "verdict": "deny",
        "reasons": [{"message": "§ 1"}],
        "evidence": {},
    }
    given_ = {"campaign": CAMPAIGN, "known_at": 0, "store": "none", "pieces": {}}
    for id_ in ("call of 305 555 0123", "plain"):
        attempt = {**SAID, "id": id_}
        quick = json.loads(log.body(json.dumps(attempt).encode(), json.dumps(decision, ensure_ascii=False).encode(), **given_))
        slow = json.loads(log.body(attempt, {**decision, "obligations": []}, **given_))
        assert unmask(quick, log.keys)["decision"] == decision
        assert "305 555 0123" not in json.dumps(slow["decision"])
        for each in (quick, slow):
            del each["at"], each["sealed"], each["kept"]
        assert quick["attempt"]["to"] == SAID["to"] and slow["attempt"]["to"].endswith(" (###) ###-####")  # the one was opened, the other not
        assert quick["masks"] == slow["masks"]


def test_masked_keeps_a_hash_and_two_digits(tmp_path: Path) -> None:
    log, shown, text = recorded(tmp_path, "masked")
    assert [secret for secret in SECRETS if secret in text] == []
    token = log.keys.current("default").token("n", "+13055550123")
    assert shown["attempt"]["to"] == f"{token}-23" and "sealed" not in shown
    with pytest.raises(LogError, match=r"attempt\.to.*masked when recorded, kept nowhere"):
        unmask(shown, log.keys)
    (found,) = Reader(log.folder, log.keys).find(Wanted(number="+13055550123"))
    assert found.body["decision"]["id"] == "d-a"


def test_clear_masks_the_text_of_the_message_alone(tmp_path: Path) -> None:
    log, shown, text = recorded(tmp_path, "clear")
    assert shown["masks"] == {"attempt.message.body": "digest"} and "is 4711" not in text
    assert shown["attempt"]["to"] == "(305) 555-0123" and not log.keys.path.exists()
    assert len(list(Reader(log.folder, log.keys).find(Wanted(number="+13055550123")))) == 1
    assert len(list(Reader(log.folder, log.keys).find(Wanted(number="+13055550124")))) == 0


def test_dotted_names_and_claims_are_masked_too(tmp_path: Path) -> None:
    claims = [{"exemption": "x", "by": "Ann Lee", "at": "2026-11-01"}]
    log = DecisionLog(tmp_path / "decisions")
    decision = {"id": "d-a", "attempt_id": None, "evidence": {"claims": claims}, "obligations": []}
    dotted = {"to": 13055550123, "contact.id": "Jane Roe", "message.body": "Your code is 4711", "history.attempts": None}
    raw = log.body(dotted, decision, campaign={**CAMPAIGN, "claims": claims}, known_at=0, store="none", pieces={})
    kept = b"".join(path.read_bytes() for path in log.folder.rglob("kept/*/*"))
    assert [secret for secret in SECRETS if secret.encode() in raw + kept] == []
    opened = unmask(json.loads(raw), log.keys)
    assert opened["claims"] == opened["decision"]["evidence"]["claims"] == claims
    assert opened["attempt"]["to"] == 13055550123 and opened["attempt"]["contact.id"] == "Jane Roe"
    assert decision["evidence"]["claims"] is claims and dotted["contact.id"] == "Jane Roe"  # what was given stays as it is


def test_a_keyed_hash_is_an_hmac_of_sha256(tmp_path: Path) -> None:
    """Of any text, under a key that is HMAC-SHA256 of the secret, so that an auditor who holds the secret can make it again."""
    key = Keys(tmp_path / "keys.json").current("acme")
    finding = hmac.digest(key.secret, b"dialguard find", "sha256")
    for kind, text in (("n", "+13055550123"), ("p", ""), ("p", "Zoë \ud800" + "x" * 200)):
        expected = hmac.new(finding, f"{kind}:{text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]
        assert key.token(kind, text) == f"{kind}-{key.id}-{expected}"


def test_a_number_in_e164_is_one_block_that_finds_and_opens(tmp_path: Path) -> None:
    key, other = (Keys(tmp_path / f"{name}.json").current("acme") for name in ("one", "other"))
    numbers = ["+13055550123", "+13055550124", "+1234567", "+123456789012345", "+13055550123"]
    covered = key.cover(numbers)
    assert [key.uncover(each) for each in covered] == numbers and covered[0] == covered[4] and len(set(covered)) == 4
    assert all(len(each) == len(covered[0]) and each.startswith(f"s-{key.id}-") for each in covered)
    assert key.cover(numbers[1:2]) == covered[1:2] and other.cover(numbers)[0][-32:] != covered[0][-32:]
    with pytest.raises(ValueError, match="longer than a block"):
        key.cover(["+1234567890123456", *numbers])
    assert key.cover(numbers) == covered
    for changed in (covered[0][:-1] + ("0" if covered[0][-1] != "0" else "1"), covered[0][:-2], covered[0] + "zz", covered[0].replace(key.id, "k0")):
        with pytest.raises(LogError, match="does not open with the key"):
            key.uncover(changed)


@pytest.mark.parametrize(
    ("to", "begins", "boxed"),
    [
        ("+13055550123", "s-", False), ("305-555-0123", "s-", False), (" 1 (305) 555 0123", "s-", False), ("+44 20 7946 0958", "s-", False),
        ("+442079460958", "s-", False), ("305-555-0123 x7", "n-", True), ("305-LKL-0123", "n-", True), ("#305-555-0123", "p-", True),
        ("s-k1-00", "p-", True), ("٣٠٥٥٥٥٠١٢٣", "n-", True), ("+4915123456789012", "n-", True), ("+49 1512 3456789 0123", "n-", True),
    ],
)  # fmt: skip
def test_a_number_is_found_and_opened_however_it_was_written(tmp_path: Path, to: str, begins: str, boxed: bool) -> None:
    with DecisionLog(tmp_path / "decisions") as log:
        log.append([body(log, "x", to=to, history={"attempts": [{"at": "2026-11-01T00:00:00Z", "to": to}]})])
        reader = Reader(log.folder, log.keys)
        (record,) = reader.find(Wanted())
        raw = record.body
        shown = raw["attempt"]["to"], raw["attempt"]["history"]["attempts"][0]["to"]
        assert [each[:2] for each in shown] == [begins] * 2 and ("sealed" in raw) is boxed
        assert to not in json.dumps(raw) and raw["masks"]["attempt.to"] == "sealed"
        whole, notes = reader.whole(record)
        assert whole["attempt"]["to"] == whole["attempt"]["history"]["attempts"][0]["to"] == to and not notes
        number = parse(to).e164
        assert number is None or len([*reader.find(Wanted(number=number))]) == 1
        assert [*reader.find(Wanted(number="+13055550199"))] == []


def test_a_new_key_seals_and_the_old_one_goes_on_finding_and_opening(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    log.append([body(log, "a")])
    Keys(log.keys.path).rotate("default")  # by another process
    log.append([body(log, "b")])
    found = list(Reader(log.folder, Keys(log.keys.path)).find(Wanted(number="+16025550123")))
    assert [each.body["decision"]["id"] for each in found] == ["d-a", "d-b"]
    assert len({each.body["attempt"]["to"].split("-")[1] for each in found}) == 2
    assert [unmask(each.body, log.keys)["attempt"]["to"] for each in found] == ["602-555-0123"] * 2


def test_a_destroyed_key_erases_and_the_log_stays_whole(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    log.append([body(log, "a")])
    key = log.keys.current("default")
    log.keys.destroy(key.id)
    assert key.secret.hex() not in log.keys.path.read_text() and str(key.secret) not in repr(key)
    reader = Reader(log.folder, Keys(log.keys.path))
    assert list(reader.find(Wanted(number="+16025550123"))) == []
    (found,) = reader.find(Wanted(id="d-a"))
    whole, notes = reader.whole(found)
    assert whole["attempt"]["to"].startswith(f"s-{key.id}-") and f"the key {key.id} was destroyed" in notes[0]
    log.append([body(log, "b")])
    (found,) = reader.find(Wanted(number="+16025550123"))
    assert key.id not in found.body["attempt"]["to"]
    log.close()
    assert breaks(log.folder) == []


def test_tenants_have_keys_of_their_own(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    for tenant in ("one", "two"):
        decision = {"id": f"d-{tenant}", "attempt_id": None, "reasons": [], "verdict": "deny", "evidence": {}, "obligations": []}
        log.append([log.body({"to": "602-555-0123 x7"}, decision, campaign=CAMPAIGN, known_at=0, store="none", pieces={}, tenant=tenant)])
    reader = Reader(log.folder, log.keys)
    (found,) = reader.find(Wanted(number="+16025550123", tenant="two"))
    assert found.body["decision"]["id"] == "d-two"
    one, two = log.keys.current("one"), log.keys.current("two")
    with pytest.raises(LogError, match="does not open"):
        one.uncover(two.cover(["+16025550123"])[0].replace(two.id, one.id))
    assert one.token("n", "+16025550123")[-32:] != two.token("n", "+16025550123")[-32:]
    with pytest.raises(LogError, match="does not open"):
        one.open(found.body["sealed"]["box"], "d-two")
    with pytest.raises(LogError, match="does not open"):
        two.open(found.body["sealed"]["box"], "d-one")  # another record's


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_text("{"), "is no key file"),
        (lambda path: path.write_text('{"keys": [{"id": "k1", "tenant": "default", "made": "x", "secret": "00"}]}'), "is no key file"),
    ],
)
def test_a_key_file_that_cannot_be_used_records_nothing(tmp_path: Path, change, says: str) -> None:
    log = DecisionLog(tmp_path / "decisions")
    body(log, "a")
    assert stat.S_IMODE(log.keys.path.stat().st_mode) == 0o600
    before = log.keys.path.read_bytes()
    change(log.keys.path)
    after = log.keys.path.read_bytes()
    with pytest.raises(AuditUnavailable, match=says):
        body(log, "b")
    assert log.keys.path.read_bytes() == after
    log.keys.path.write_bytes(before)
    log.keys.path.chmod(0o600)
    log.append([body(log, "b")])


HOSTILE = ["a\nb", '"}\r\n{"seq":1', "\x1b[2J\x9b31m", "\u202etxt.exe\u2066", "\ud800 lone \udfff", "\u2028\u2029\x85", "\x00\x7f", "é😀"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("numbers", ["sealed", "masked", "clear"])
def test_no_text_breaks_a_line(tmp_path: Path, numbers: str, text: str) -> None:
    log = DecisionLog(tmp_path / "decisions", numbers=numbers)
    fields = {name: text for name in ("id", "to", "from", "channel", "line_type")}
    fields |= {"contact": {"id": text, "county": text}, "message": {"body": text}, text: text, "caller_id": {"name": text}}
    raw = body(log, "a", **fields)
    assert raw.isascii() and raw.isprintable() if isinstance(raw, str) else all(32 <= byte < 127 for byte in raw)
    assert json.loads(raw)["attempt"]["channel"] == text
    log.append([raw])
    (found,) = Reader(log.folder, log.keys).find(Wanted(id=text))
    whole, _ = Reader(log.folder, log.keys).whole(found)
    assert whole["attempt"][text] == text
    log.close()
    assert breaks(log.folder) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_whatever_json_can_say_is_one_line_of_ascii_and_reads_the_same(value: object) -> None:
    raw = encode({"value": value})
    assert all(32 <= byte < 127 for byte in raw)
    assert json.loads(raw) == {"value": value}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys") / "keys.json")


@given(
    st.dictionaries(
        st.sampled_from(["id", "to", "from", "contact", "caller_id", "message", "history", "contact.id", "x"]), JSON, max_size=6
    )
)
def test_what_is_sealed_opens_to_what_was_given(key: Keys, attempt: dict[str, Any]) -> None:
    given_ = {**attempt, "message": None, "message.body": None}
    fields = {"attempt": given_, "claims": None, "decision": {"id": "d-1", "evidence": {}}}
    before = json.dumps(fields)
    raw = record(fields, "sealed", key.current("default"))
    assert json.dumps(fields) == before
    assert unmask(json.loads(raw), key)["attempt"] == given_


def test_what_json_cannot_say_is_refused(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions")
    with pytest.raises(AuditUnavailable, match="could not be made a record"):
        body(log, "a", channel=object())


def test_a_moment_is_no_number(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions", numbers="masked")
    raw = json.loads(body(log, "a", id="2411", to="202-610-2411", at="2026-10-24T11:00:00-04:00"))
    assert raw["attempt"]["to"].startswith("n-") and raw["attempt"]["at"] == "2026-10-24T11:00:00-04:00"
