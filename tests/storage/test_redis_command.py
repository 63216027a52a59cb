"""``dialguard redis``: rebuild, verify, status."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY
from dialguard.storage import redis_codec as codec
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore

T = 1_700_000_000_000_000
A = "+13055550100"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "national.txt"
    file.write_text("305,5550100\n212,5550102\n")
    made = tmp_path / "store"
    import_list(made, "national", file, published=date(2023, 11, 1), whole_plan=True, received_at=T)
    store = EmbeddedStore(made)
    store.declare_complete("acme", T - 300 * DAY, known_at=T)
    store.record_consent(seller="acme", number=A, level="express", known_at=T, person="p")
    store.record_attempt(seller="acme", number=A, at=T, known_at=T, subject="loans")
    store.close()
    return made


@pytest.fixture(params=["one server", "cluster"])
def url(request) -> str:
    return request.getfixturevalue("redis_url" if request.param == "one server" else "cluster_url")


@pytest.fixture
def run(capsys, folder, url):
    def command(*arguments: str, store: Path = folder) -> tuple[int, str, str]:
        status = main(["redis", *arguments, "--url", url, "--store", str(store)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def test_rebuild_fills_and_verify_and_status_agree(run, url):
    status, out, _ = run("status")
    assert status == 1 and "not filled" in out
    status, out, _ = run("verify", "--json")
    assert status == 1 and json.loads(out)["count"] >= 954
    status, out, err = run("rebuild")
    assert (status, err) == (0, "")
    assert "filled: 1 version of lists with bits of 2 area codes, 1 number, 1 person, 1 declaration" in out
    status, out, _ = run("verify", "--samples", "0")
    assert (status, out) == (0, "compared: bits of 2 area codes, 1 number, 1 person: no difference\n")
    status, out, _ = run("status")
    assert status == 0 and "national" in out and "0 things waiting" in out
    status, out, _ = run("rebuild", "--json")
    assert status == 0 and json.loads(out)["numbers"] == 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda client: client.delete(codec.mark_key("305")), "area code 305: not filled"),
        (lambda client: client.hset(codec.mark_key("305"), "d", "x"), "area code 305: has other versions of the lists"),
        (lambda client: client.delete(codec.number_key("r", "acme", A)), "numbers with entries: 0 in Redis, 1 in the ledger"),
        (lambda client: client.append(codec.number_key("a", "acme", A), "x"), "area code 305: what is held of a number differs"),
        (lambda client: client.set(codec.number_key("a", "acme", "+13055559999"), b"123456"), "numbers with attempts: 2 in Redis"),
        (lambda client: client.delete(codec.person_key("acme", "p")), "a person's numbers are missing"),
        (lambda client: client.hdel(codec.mark_key("305"), "s" + codec.short("acme")), "area code 305: a seller's declaration is missing"),
        (lambda client: [client.setbit(key, 5, 1) for key in client.scan_iter("dg{212}b:*")], "area code 212: bits missing or different"),
    ],
)
def test_verify_finds_what_differs_and_rebuild_mends_it(run, url, damage, said):
    run("rebuild")
    store = RedisStore(url)
    store.link.ask(damage)
    store.close()
    status, out, _ = run("verify")
    assert status == 1 and said in out and "to mend it: dialguard redis rebuild" in out
    assert run("rebuild")[0] == 0
    status, out, _ = run("verify", "--samples", "0")
    assert status == 0, out


def test_lists_alone_are_taken_up(run, folder, tmp_path):
    status, _, err = run("rebuild", "--lists")
    assert status == 2 and "not filled from this folder" in err
    run("rebuild")
    (tmp_path / "fl.txt").write_text("305,5550101\n")
    import_list(folder, "FL", tmp_path / "fl.txt", published=date(2023, 11, 2), received_at=T)
    assert run("verify")[0] == 1
    assert run("rebuild", "--lists")[1] == "lists taken up: bits of 3 area codes\n"
    assert run("verify")[0] == 0


def test_mistakes_are_told_in_a_line(run, tmp_path, capsys, folder, url):
    assert "there is no store folder" in run("status", store=tmp_path / "stroe")[2]
    assert main(["redis", "status", "--store", str(folder), "--url", "redis://127.0.0.1:1/0"]) == 2
    assert "cannot be reached" in capsys.readouterr().err
    assert main(["redis", "status", "--store", str(folder)]) == 2
    assert "which Redis?" in capsys.readouterr().err
    assert main(["redis", "status", "--store", str(folder), "--url", "http://x"]) == 2
    assert "expected redis://" in capsys.readouterr().err
    run("rebuild")
    other = tmp_path / "other"
    EmbeddedStore(other).suppress(seller="acme", number=A, at=T, known_at=T)
    status, _, err = run("rebuild", store=other)
    assert status == 2 and "was filled from another folder" in err and "Traceback" not in err
    assert run("rebuild", "--replace", store=other)[0] == 0
    assert run("verify")[0] == 1
