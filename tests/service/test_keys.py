"""API keys: what the file holds, whom the running service admits, and how soon it takes up a change."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.service import keys as keys_module
from dialguard.service.keyfile import FILE, KeyFile, KeyFileError
from dialguard.service.keys import Keys
from dialguard.service.problem import Problem

SECOND = 1_000_000


class Time:
    """The two clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.wall = 1_800_000_000 * SECOND

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall += int(seconds * SECOND)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(keys_module.time, "monotonic", lambda: made.now)
    monkeypatch.setattr(clock, "now", lambda: made.wall)
    return made


def refused(keys: Keys, token: str | None, address: str | None = "127.0.0.1") -> Problem:
    with pytest.raises(Problem) as raised:
        keys.find(token, address)
    return raised.value


def test_a_key_is_admitted_as_it_was_made(tmp_path: Path) -> None:
    record, token = KeyFile(tmp_path).create(scopes=["write", "check"], tenant="acme-west", sellers=["Acme", "Bolt"], name="dialer")
    found = Keys(tmp_path).find(token, "127.0.0.1")
    assert (found.id, found.tenant, found.scopes, found.sellers) == (record.id, "acme-west", {"check", "write"}, {"Acme", "Bolt"})
    found.confine("Acme")
    for seller in ("acme", "Acme ", "", None):
        with pytest.raises(Problem, match="auth.seller"):
            found.confine(seller)


def test_who_has_no_key_or_a_wrong_one_is_refused(tmp_path: Path) -> None:
    record, token = KeyFile(tmp_path).create(scopes=["check"])
    _, other = KeyFile(tmp_path).create(scopes=["check"])
    keys = Keys(tmp_path)
    for nothing in (None, ""):
        problem = refused(keys, nothing)
        assert (problem.code, problem.status, problem.headers["www-authenticate"]) == ("auth.missing", 401, 'Bearer realm="dialguard"')
    secret = token.rpartition("_")[2]
    wrong = [
        token[:-1], token + "0", token[:-1] + ("0" if token[-1] != "0" else "1"), token.upper(), secret, record.id, f"dg_{record.id}", f"dg_{record.id}_",
        f"dg__{secret}", f"xx_{record.id}_{secret}", f"dg_{record.id}_{other.rpartition('_')[2]}", "dg_é_\udc80".encode("utf-8", "replace").decode(), "a" * 100_000,
    ]  # fmt: skip
    assert [refused(keys, each).code for each in wrong] == ["auth.unknown"] * len(wrong)
    assert keys.find(token, None).id == record.id


def test_the_file_holds_no_secret_and_is_its_owners_alone(tmp_path: Path) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"])
    secret = token.rpartition("_")[2]
    assert len(secret) == 64
    for path in tmp_path.iterdir():
        assert secret.encode() not in path.read_bytes() and bytes.fromhex(secret) not in path.read_bytes()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_revoked_key_is_refused_within_a_second(tmp_path: Path, time: Time) -> None:
    record, token = KeyFile(tmp_path).create(scopes=["check"])
    keys = Keys(tmp_path)
    keys.find(token, None)
    KeyFile(tmp_path).revoke(record.id)
    time.pass_(1.0)
    problem = refused(keys, token)
    assert (problem.code, problem.status) == ("auth.revoked", 401)
    assert refused(keys, token[:-1] + "x").code == "auth.unknown"  # who has not the secret learns nothing


def test_a_key_revoked_by_another_process_is_refused_and_a_new_one_admitted(tmp_path: Path, time: Time) -> None:
    record, token = KeyFile(tmp_path).create(scopes=["check"])
    keys = Keys(tmp_path)
    keys.find(token, None)

    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dialguard", "keys", *words, "--store", str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=Path.cwd(),
            check=True,
        )
        return done.stdout.strip()

    new = command("create", "--scope", "check")
    assert command("revoke", record.id) == f"revoked: {record.id}"
    time.pass_(1.0)
    assert refused(keys, token).code == "auth.revoked"
    assert keys.find(new, None).scopes == {"check"}


def test_a_key_expires_at_its_moment(tmp_path: Path, time: Time) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], expires=time.wall + 10 * SECOND)
    keys = Keys(tmp_path)
    time.pass_(9.5)
    keys.find(token, None)
    time.pass_(0.499_999)
    keys.find(token, None)
    time.pass_(0.000_001)
    problem = refused(keys, token)
    assert (problem.code, problem.status) == ("auth.expired", 401)


def test_a_rate_is_held_to_the_request(tmp_path: Path, time: Time) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], rate=10, burst=3)
    keys = Keys(tmp_path)
    for _ in range(3):
        keys.find(token, None)
    problem = refused(keys, token)
    assert (problem.code, problem.status, problem.headers["retry-after"]) == ("limit.rate", 429, "1")
    time.pass_(0.099)
    assert refused(keys, token).code == "limit.rate"
    time.pass_(0.002)
    keys.find(token, None)
    assert refused(keys, token).code == "limit.rate"
    time.pass_(3600)
    for _ in range(3):
        keys.find(token, None)
    assert refused(keys, token).code == "limit.rate"


def test_a_rate_counts_over_processes_and_keys_apart(tmp_path: Path, time: Time) -> None:
    _, first = KeyFile(tmp_path).create(scopes=["check"], rate=1, burst=2)
    _, second = KeyFile(tmp_path).create(scopes=["check"], rate=1, burst=2)
    one, other = Keys(tmp_path), Keys(tmp_path)
    one.find(first, None)
    other.find(first, None)
    assert refused(one, first).code == refused(other, first).code == "limit.rate"
    one.find(second, None)


def test_a_machine_that_was_started_anew_does_not_hold_keys_to_the_clock_before(tmp_path: Path, time: Time) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], rate=1, burst=1)
    time.now = 5_000_000.0
    Keys(tmp_path).find(token, None)
    time.now = 10.0
    Keys(tmp_path).find(token, None)


def test_the_service_limits_keys_that_have_no_rate_of_their_own(tmp_path: Path, time: Time) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"])
    _, own = KeyFile(tmp_path).create(scopes=["check"], rate=100)
    keys = Keys(tmp_path, rate=2)
    keys.find(token, None)
    keys.find(token, None)
    assert refused(keys, token).code == "limit.rate"
    for _ in range(100):
        keys.find(own, None)
    assert refused(keys, own).code == "limit.rate"


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("203.0.113.0", True), ("203.0.113.255", True), ("203.0.114.0", False), ("203.0.112.255", False), ("::ffff:203.0.113.7", True),
        ("2001:db8::1", True), ("2001:db8::2", False), (None, False), ("", False), ("localhost", False),
    ],
)  # fmt: skip
def test_a_key_is_used_from_its_addresses_alone(tmp_path: Path, address: str | None, may: bool) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], addresses=["203.0.113.0/24", "2001:db8::1"])
    keys = Keys(tmp_path)
    if may:
        keys.find(token, address)
    else:
        assert refused(keys, token, address).code == "auth.address"


def test_without_a_readable_file_nobody_is_admitted(tmp_path: Path, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    keys = Keys(tmp_path)
    _, token = KeyFile(tmp_path).create(scopes=["check"])
    keys.find(token, None)
    whole = (tmp_path / FILE).read_bytes()
    for path in tmp_path.glob(f"{FILE}*"):
        path.unlink()
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    time.pass_(1)
    with caplog.at_level(logging.ERROR):
        assert refused(keys, token).code == "auth.unavailable"
        time.pass_(1)
        assert refused(keys, token).code == "auth.unavailable"
    assert len(caplog.records) == 1 and token not in caplog.text
    (tmp_path / FILE).unlink()
    time.pass_(1)
    assert refused(keys, token).code == "auth.unknown"  # no file: no key was ever made
    (tmp_path / FILE).write_bytes(whole)
    time.pass_(1)
    keys.find(token, None)


def test_a_file_put_in_the_place_of_another_is_seen(tmp_path: Path, time: Time) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, before = KeyFile(tmp_path / "a").create(scopes=["check"])
    _, after = KeyFile(tmp_path / "b").create(scopes=["check"])
    keys = Keys(tmp_path / "a")
    keys.find(before, None)
    os.replace(tmp_path / "b" / FILE, tmp_path / "a" / FILE)
    time.pass_(1)
    assert refused(keys, before).code == "auth.unknown"
    keys.find(after, None)


def test_a_writer_who_holds_the_file_does_not_keep_the_service_waiting(tmp_path: Path, time: Time) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"])
    keys = Keys(tmp_path)
    writer = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        keys.find(token, None)
        time.pass_(1)
        keys.find(token, None)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scopes": []}, "without a scope"),
        ({"scopes": ["all"]}, "found the scope 'all'"),
        ({"tenant": "Acme"}, "the tenant 'Acme'"),
        ({"tenant": "../x"}, "the tenant '../x'"),
        ({"sellers": ["Acme"], "scopes": ["check", "audit"]}, "can have the scopes check and write"),
        ({"sellers": [" "]}, "a seller's name is empty"),
        ({"addresses": ["10.0.0.1/8"]}, "has host bits set"),
        ({"rate": 0.0}, "found 0 requests a second"),
        ({"rate": float("nan")}, "found nan requests a second"),
        ({"burst": 5}, "together with a rate"),
        ({"rate": 1.0, "burst": 0}, "found a burst of 0"),
        ({"expires": 1}, "expired already"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(tmp_path: Path, wrong: dict, message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        KeyFile(tmp_path).create(**{"scopes": ["check"], **wrong})
    assert KeyFile(tmp_path).all() == []


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["keys", *words])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ("--store", str(tmp_path))
    assert run(capsys, "list", *store) == (0, "no key was made yet\n", "")
    status, out, _ = run(
        capsys, "create", "--scope", "check", "--scope", "write", "--seller", "Acme", "--from", "10.0.0.0/8", "--rate", "50", "--burst", "100",
        "--expires", "2099-01-01", "--name", "the dialer", *store,
    )  # fmt: skip
    assert status == 0
    token = out.strip()
    id_ = token.split("_")[1]
    status, out, _ = run(capsys, "list", *store)
    assert status == 0 and out == f"{id_}  active  default  check,write  Acme  until 2099-01-01T00:00:00Z  the dialer\n"
    status, out, _ = run(capsys, "list", "--json", *store)
    (row,) = json.loads(out)["keys"]
    assert (row["rate"], row["burst"], row["addresses"], row["sellers"]) == (50.0, 100, ["10.0.0.0/8"], ["Acme"])
    assert token not in out and token.rpartition("_")[2] not in out
    assert run(capsys, "revoke", id_, *store)[:2] == (0, f"revoked: {id_}\n")
    assert run(capsys, "revoke", id_, *store)[:2] == (0, f"revoked: {id_}\n")
    assert "revoked" in run(capsys, "list", *store)[1]
    assert run(capsys, "revoke", "nobody", *store) == (2, "", "dialguard: there is no key 'nobody'; see: dialguard keys list\n")
    status, _, error = run(capsys, "create", "--scope", "everything", *store)
    assert status == 2 and "found the scope 'everything', expected some of check, write, import, audit, admin" in error
