"""The commands that write to the record, and what they change in a decision."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

NUMBER = "(512) 555-0123"
CAMPAIGN = {"seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registry_version": "2026-11-20"}
ATTEMPT = {"to": NUMBER, "channel": "voice", "at": "2026-11-24T11:00:00-07:00", "campaign": CAMPAIGN, "dnc": {"national": False, "states": []}}
SELLER = ("--seller", "acme")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def act(run, store: Path):
    """Runs a command on the store; it must succeed."""

    def command(*arguments: object) -> dict:
        done = run(*arguments, "--store", store, "--json")
        assert done.status == 0, done.err
        return done.json

    return command


@pytest.fixture
def verdict(run, store: Path, tmp_path: Path):
    """The verdict and the rules on an attempt."""

    def decide(**more: object) -> tuple[str, list[str]]:
        (tmp_path / "a.json").write_text(json.dumps({**ATTEMPT, **more}), encoding="utf-8")
        found = run("check", tmp_path / "a.json", "--store", store).json
        return found["verdict"], [reason["rule"] for reason in found["reasons"]]

    return decide


@pytest.fixture
def complete(act) -> None:
    act("ledger", "declare", *SELLER, "--since", "2020-01-01")


def test_completeness_makes_absence_known(act, verdict, run, store: Path) -> None:
    store.mkdir()
    assert verdict()[0] == "deny"
    act("ledger", "declare", *SELLER, "--since", "2020-01-01")
    assert verdict() == ("allow", [])
    act("ledger", "declare", *SELLER, "--withdraw")
    assert verdict()[0] == "deny"


def test_suppress_and_take_off(act, verdict, complete) -> None:
    act("suppress", NUMBER, *SELLER, "--at", "2026-11-01T00:00:00Z")
    assert "us.fcc.dnc.company-list" in verdict()[1]
    act("suppress", NUMBER, *SELLER, "--at", "2026-11-02T00:00:00Z", "--remove")
    assert verdict()[0] == "allow"


def test_revocation_then_a_later_consent(act, verdict, complete) -> None:
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-10-01", "--form", "agreement", "--reference", "scan 7")
    act("revocation", NUMBER, *SELLER, "--at", "2026-11-01", "--means", "spoken")
    assert "us.revocation.any-reasonable-means" in verdict()[1]
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-11-05")
    assert verdict()[0] == "allow"


def test_consent_and_relationship_lift_the_registry(act, verdict, complete) -> None:
    listed = {"dnc": {"national": True, "states": []}}
    assert verdict(**listed)[0] == "deny"
    entry = act("relationship", NUMBER, *SELLER, "--last-transaction-at", "2026-06-01", "--current")["id"]
    assert verdict(**listed)[0] == "allow"
    act("ledger", "retract", entry, *SELLER)
    assert verdict(**listed)[0] == "deny"
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-06-01", "--form", "agreement", "--form", "signed_permission")
    assert verdict(**listed)[0] == "allow"


def test_attempt_and_outcome_and_show(act, complete) -> None:
    entry = act("attempt", NUMBER, *SELLER, "--channel", "voice", "--at", "2026-11-20T18:00:00Z", "--reference", "r-1", "--from", "212-555-0100")["id"]
    act("outcome", "no_answer", *SELLER, "--reference", "r-1", "--at", "2026-11-20T18:01:00Z")
    act("outcome", "conversation", *SELLER, "--attempt", entry, "--at", "2026-11-20T18:02:00Z")
    found = act("ledger", "show", NUMBER, *SELLER)
    assert found["attempts"][0]["at"] == "2026-11-20T18:00:00Z" and found["attempts"][0]["from"] == "+12125550100"
    assert found["complete_since"] == "2020-01-01T00:00:00Z"
    assert found["last_conversation_at"] == "2026-11-20T18:00:00Z"  # the call in which it took place


def test_a_correction_supersedes(act) -> None:
    entry = act("consent", NUMBER, *SELLER, "--level", "express", "--obtained-at", "2026-10-01")["id"]
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-10-01", "--supersedes", entry)
    assert [each["level"] for each in act("ledger", "show", NUMBER, *SELLER)["consents"]] == ["express_written"]


def test_the_proof_of_a_consent_is_kept_and_shown(act, run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "form.txt").write_bytes(b"\xef\xbb\xbfI agree that acme may call me\r\nby machine.\r\n")
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    act(
        "consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-10-01", "--name", "Ann Example", "--purpose", "offers",
        "--source", "website", "--wording", tmp_path / "form.txt", "--page", "https://example.com/form", "--call", "rec-7",
        "--certificate-url", "https://cert.example.com/1", "--certificate-expires-at", "2027-01-01", "--evidence", tmp_path / "scan.pdf",
    )  # fmt: skip
    shown = act("ledger", "show", NUMBER, *SELLER)["consents"][0]
    assert shown["wording"] == "I agree that acme may call me\nby machine."
    assert shown["wording_hash"] == hashlib.sha256(shown["wording"].encode()).hexdigest()
    assert shown["evidence_digest"] == hashlib.sha256(b"%PDF").hexdigest()
    told = [shown[key] for key in ("name", "purpose", "source", "page", "call", "certificate_url", "certificate_expires_at")]
    assert told[:3] == ["Ann Example", "offers", "website"] and told[4] == "rec-7" and told[6] == "2027-01-01T00:00:00Z"
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    for wrong, says in ((["--wording", tmp_path / "latin.txt"], "byte 4 is not UTF-8"), (["--evidence", tmp_path / "none"], "No such file")):
        done = run("consent", NUMBER, *SELLER, "--level", "express", *wrong, "--store", store)
        assert done.status == 2 and says in done.err


def test_a_revocation_shows_its_deadline_and_counts_at_once(act, verdict, complete, run, store: Path) -> None:
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--obtained-at", "2026-10-01")
    done = act("revocation", NUMBER, *SELLER, "--at", "2026-11-20T18:00:00Z", "--received-at", "2026-11-23T18:00:00Z", "--words", "leave me alone")
    assert done["deadline"] == "2026-12-08"  # Thanksgiving on 26 November
    assert "us.revocation.any-reasonable-means" in verdict()[1]
    shown = act("ledger", "show", NUMBER, *SELLER)["revocations"][0]
    assert (shown["deadline"], shown["words"], shown["received_at"]) == ("2026-12-08", "leave me alone", "2026-11-23T18:00:00Z")
    assert "by 2026-12-04 at the latest" in run("revocation", NUMBER, *SELLER, "--at", "2026-11-20", "--store", store).out  # still the 19th in the country
    assert "latest" not in run("revocation", NUMBER, *SELLER, "--at", "2024-11-20", "--store", store).out


def test_history_shows_what_was_corrected_and_retracted(act) -> None:
    entry = act("consent", NUMBER, *SELLER, "--level", "express")["id"]
    act("consent", NUMBER, *SELLER, "--level", "express_written", "--supersedes", entry)
    attempt = act("attempt", NUMBER, *SELLER, "--channel", "voice", "--at", "2026-11-20", "--reference", "r-1")["id"]
    act("outcome", "busy", *SELLER, "--attempt", attempt, "--at", "2026-11-20")
    act("attempt", "212-555-0100", *SELLER, "--channel", "voice", "--at", "2026-11-20", "--reference", "r-2")
    act("outcome", "busy", *SELLER, "--reference", "r-2", "--at", "2026-11-20")
    act("ledger", "retract", attempt, *SELLER)
    told = act("ledger", "history", NUMBER, *SELLER)["entries"]
    assert [(each["id"], each.get("supersedes"), each.get("retracts")) for each in told] == [
        ("consent:1", None, None), ("consent:2", "consent:1", None), ("attempt:1", None, None), ("attempt:3", None, "attempt:1"),
        ("outcome:1", None, None),
    ]  # fmt: skip
    assert act("ledger", "history", NUMBER, *SELLER, "--as-of", "2026-11-24T11:00:00Z")["entries"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["consent", "555", *SELLER, "--level", "express"], "number: "),
        (["consent", NUMBER, *SELLER, "--level", "maybe"], "invalid choice"),
        (["consent", NUMBER, *SELLER, "--level", "express", "--covers", "all"], "--covers: found 'all'"),
        (["consent", NUMBER, *SELLER, "--level", "express", "--obtained-at", "soon"], "--obtained-at"),
        (["consent", NUMBER, "--level", "express"], "--seller"),
        (["consent", NUMBER, *SELLER, "--level", "express", "--supersedes", "consent:9"], "no entry consent:9"),
        (["revocation", NUMBER, *SELLER, "--scope", "some"], "invalid choice"),
        (["relationship", NUMBER, *SELLER], "no statement"),
        (["outcome", "no_answer", *SELLER, "--reference", "none"], "no attempt of this seller"),
        (["outcome", "No Answer!", *SELLER, "--reference", "none"], "a word in lower case"),
        (["outcome", "no_answer", *SELLER], "one of the arguments"),
        (["ledger", "declare", *SELLER], "--since DATE or --withdraw"),
        (["ledger", "declare", *SELLER, "--since", "2999-01-01"], "lies in the future"),
        (["ledger", "retract", "consent:1", *SELLER], "no entry consent:1"),
        (["suppress", NUMBER, *SELLER, "--store", "redis://x"], "add journal=FOLDER"),
        (["suppress", NUMBER, *SELLER, "--store", "mysql://x"], "expected a folder"),
    ],
)
def test_mistakes_record_nothing(run, store: Path, arguments: list[str], says: str) -> None:
    where = [] if "--store" in arguments else ["--store", store]
    done = run(*arguments, *where)
    assert done.status == 2 and says in done.err and done.out == "" and "Traceback" not in done.err
    if where and store.exists():
        assert run("ledger", "show", NUMBER, *SELLER, "--store", store, "--json").json["consents"] == []


def test_a_store_that_cannot_be_written(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    done = run("suppress", NUMBER, *SELLER, "--store", tmp_path / "file" / "store")
    assert done.status == 2 and "nothing was recorded" in done.err


CONSENTS = "number,level,obtained_at,channels,wording,id\n(512) 555-0123,express_written,2026-10-01,\"sms,voice\",\"I agree.\nCall me.\",crm-1\n"


def test_import_and_export(act, run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(CONSENTS, encoding="utf-8")
    taken = ("ledger", "import", tmp_path / "in.csv", *SELLER, "--kind", "consent")
    assert act(*taken) == {"recorded": {"consent": 1}, "there_before": 0}
    assert act(*taken) == {"recorded": {}, "there_before": 1}
    assert run(*taken, "--store", store).out == "recorded: nothing new\nthere before: 1\n"
    for suffix in ("csv", "ndjson", "parquet"):
        out = tmp_path / f"out.{suffix}"
        assert act("ledger", "export", out, *SELLER)["entries"] == 1
        refused = run("ledger", "export", out, *SELLER, "--store", store)
        assert refused.status == 2 and "say --force to replace it" in refused.err
        assert run("ledger", "export", out, *SELLER, "--store", store, "--force").out == f"{out}: 1 entry\n"
        other = tmp_path / suffix
        refused = run("ledger", "import", out, "--store", other)
        assert refused.status == 2 and "--known-at" in refused.err and not other.exists()
        assert run("ledger", "import", out, "--known-at", "file", "--store", other).out == "recorded: 1 consent\n"
        found = [run("ledger", "history", NUMBER, *SELLER, "--store", each, "--json").json for each in (store, other)]
        assert found[0] == found[1] and found[0]["entries"][0]["wording"] == "I agree.\nCall me."
    assert act("ledger", "export", tmp_path / "old.csv", *SELLER, "--as-of", "2026-11-24T11:59:59Z")["entries"] == 0


def test_what_falls_due(act, run, store: Path) -> None:
    assert run("ledger", "due", *SELLER, "--store", store).status == 2
    act("revocation", NUMBER, *SELLER, "--at", "2026-11-20T18:00:00Z")
    act("consent", NUMBER, *SELLER, "--level", "express", "--expires-at", "2026-12-01")
    assert [(each["on"], each["id"]) for each in act("ledger", "due", *SELLER)] == [
        ("2026-12-01T00:00:00Z", "consent:1"), ("2026-12-07", "revocation:1"),
    ]  # fmt: skip
    assert "the consent ends" in run("ledger", "due", *SELLER, "--store", store).out
    assert run("ledger", "due", *SELLER, "--store", store, "--days", 1).out == "nothing falls due within 1 day\n"
    assert "expected 0 to 3660" in run("ledger", "due", *SELLER, "--store", store, "--days", -1).err


def test_an_import_with_mistakes_records_nothing(run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(CONSENTS + "555,express,,,,\n", encoding="utf-8")
    done = run("ledger", "import", tmp_path / "in.csv", *SELLER, "--kind", "consent", "--store", store)
    assert done.status == 2 and "in.csv: nothing was recorded\n  line 4: number: " in done.err and done.out == ""
    assert not store.exists()
    for arguments, says in (
        (["import", tmp_path / "none.csv"], "No such file"),
        (["import", tmp_path / "in.csv", "--kind", "consents"], "invalid choice"),
        (["export", tmp_path / "out.csv", *SELLER], "there is no store folder"),
    ):
        done = run("ledger", *arguments, "--store", store)
        assert done.status == 2 and says in done.err and "Traceback" not in done.err
