"""What is counted, and that nobody is named in it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from dialguard.service import workers
from dialguard.service.app import application
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from dialguard.service.workers import Workers
from tests.service.asking import asked
from tests.service.processes import WAIT, serving

ATTEMPT = {"channel": "voice", "to": "+13055550100", "campaign": "c", "at": "2026-11-23T17:00:00Z", "id": "mine"}


def test_decisions_and_failures_are_counted(app, packs) -> None:
    for _ in range(3):
        assert asked(app, "POST", "/v1/check", ATTEMPT).json["verdict"] == "deny"
    asked(app, "POST", "/v1/check", ATTEMPT | {"campaign": "other"})
    asked(app, "POST", "/v1/check", b"{")
    kind = asked(app, "POST", "/v1/check", ATTEMPT).json["reasons"][0]["kind"]
    answer = asked(app, "GET", "/metrics")
    assert (answer.status, answer.media) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = {
        (sample.name, *sorted((name, value) for name, value in sample.labels.items() if name != "worker")): sample.value
        for family in text_string_to_metric_families(answer.body.decode()) for sample in family.samples
    }  # fmt: skip
    assert found["dialguard_decisions_total", ("kind", kind), ("verdict", "deny")] == 4
    assert (
        found["dialguard_undecided_total", ("failure", "InvalidInput")] == found["dialguard_undecided_total", ("failure", "Problem")] == 1
    )
    assert (
        found[("dialguard_group_size_count",)]
        == found["dialguard_group_size_bucket", ("le", "1")]
        == found[("dialguard_group_seconds_count",)]
        == 6
    )
    assert found["dialguard_packs", ("digest", packs.digest)] == len(packs.rules)
    assert found[("dialguard_ready",)] == 1
    for word in ("3055550100", "Acme", "mine"):
        assert word not in answer.body.decode()


def test_a_key_for_some_sellers_does_not_see_the_counts_of_all(tmp_path, service) -> None:
    _, some = KeyFile(tmp_path).create(scopes=["check"], sellers=["Acme"])
    _, every = KeyFile(tmp_path).create(scopes=["check"])
    app = application(Service({"default": Desk("default", service.desks["default"].guard)}, Keys(tmp_path)))
    assert asked(app, "GET", "/metrics", token=some).code == "auth.seller"
    assert asked(app, "GET", "/metrics", token=every).status == 200


def counted(raw: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a name, by the values of their labels."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(raw) for sample in family.samples if sample.name == name
    }  # fmt: skip


def test_how_the_rules_stand(app) -> None:
    assert asked(app, "GET", "/readyz").json == {"status": "ready", "rules": "current"}
    found = counted(asked(app, "GET", "/metrics").body.decode(), "dialguard_packs_state")
    assert {state: value for (state, _), value in found.items()} == dict.fromkeys(("changing", "refused", "last_good", "stale", "none"), 0) | {"current": 1}


def test_any_of_several_workers_tells_of_all(tmp_path: Path) -> None:
    with serving(tmp_path, config=f"folder = '{tmp_path}'\nworkers = 2\n") as service:
        service.ready(2)

        def scraped() -> str:
            connection = service.connect()
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {service.key}"})
            found = connection.getresponse().read().decode()
            connection.close()
            return found

        def until(holds: Callable[[str], bool]) -> str:
            end = time.monotonic() + WAIT
            while not holds(found := scraped()):
                assert time.monotonic() < end, found
                time.sleep(0.05)
            return found

        asked_for = 0
        while len({worker for *_, worker in counted(scraped(), "dialguard_decisions_total")}) < 2:  # whichever takes the connection
            assert service.ask()[0] == 200
            asked_for += 1
        for name in ("dialguard_decisions_total", "dialguard_group_size_count"):
            until(lambda raw, name=name: sum(counted(raw, name).values()) == asked_for)
        pids = {str(pid) for pid in service.workers()}
        assert len(pids) == 2
        raw = until(lambda raw: {worker for (worker,) in counted(raw, "dialguard_ready")} == pids)
        assert set(counted(raw, "dialguard_packs_state").values()) == {0, 1}
        mine = (tmp_path / "workers" / f"{min(pids)}.json").read_text()
        for word in ("3055550100", "Acme", service.key):
            assert word not in raw + mine
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(WAIT)
    assert list((tmp_path / "workers").glob("*.json")) == []


def test_files_that_are_torn_old_or_of_another_start_of_the_system_are_no_workers(tmp_path: Path, service) -> None:
    others = Workers(tmp_path)
    folder = tmp_path / "workers"
    folder.mkdir()
    counts = service.desks["default"].metrics.counts(service.packs_status(), True)
    now = time.monotonic()
    for name, at in (("1", now), ("2", now - workers.GONE - 1), ("3", now + 1000), (str(os.getpid()), now)):
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(workers._Said(at, {"default": counts})))
    (folder / "4.json").write_bytes(b'{"at":')
    assert [each.worker for each in others.others("default")] == [counts.worker] and others.others("another") == []
    assert sorted(path.name for path in folder.iterdir()) == sorted(["1.json", "4.json", f"{os.getpid()}.json"])
