"""What is counted, and that nobody is named in it."""

from prometheus_client.parser import text_string_to_metric_families

from dialguard.service.app import application
from dialguard.service.desk import Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from tests.service.asking import asked

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
