"""What fails on the short way of plain attempts: nothing is allowed without its record, nor with a slot that is not held, and the next
group is answered as before."""

import errno
import json
import re
from datetime import date
from pathlib import Path

import pytest

from dialguard.asking import Answer
from dialguard.audit.log import DecisionLog
from dialguard.audit.plain import Parts
from dialguard.audit.reading import Reader, Wanted
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.ledger.errors import LedgerError
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY, HOUR
from dialguard.model.records import LookUpFailed
from dialguard.ready import Ready
from dialguard.service.desk import Ask, Desk
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.slots_local import Locked, kept

NOW = clock.now()
NOON = clock.format_instant((NOW // DAY + 1) * DAY + 18 * HOUR)
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "manual", "voice": "live"}
SECRET = "/srv/secret/place +16025550101"
PLACES = {
    "expect": (EmbeddedStore, "expect"), "lists_say": (EmbeddedStore, "lists_say"), "lists_mark": (EmbeddedStore, "lists_mark"),
    "may_have_called": (EmbeddedStore, "may_have_called"), "latest_attempts": (EmbeddedStore, "latest_attempts"),
    "begin": (Ready, "begin"), "read": (Ready, "read"), "decide": (Ready, "decide"), "slots": (Locked, "expect"), "taken": (Locked, "flush"),
    "record": (Parts, "record"), "seal": (DecisionLog, "seal_of"),
}  # fmt: skip
RECORDING, TAKING = ("record", "seal"), ("may_have_called", "latest_attempts", "slots", "taken")


class Broken(Exception):
    """What nobody expects."""


ERRORS = (
    Broken(SECRET), OSError(errno.EIO, "Input/output error", SECRET), ValueError(SECRET), LookUpFailed("the store is away"),
    LedgerError("the ledger is away"),
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory, packs):
    """A desk whose answers are ready."""
    folder = tmp_path_factory.mktemp("served")
    store = EmbeddedStore(folder, follow=True)
    store.declare_complete("acme", NOW - 500 * DAY, known_at=NOW - 500 * DAY)
    file = folder / "list.txt"
    file.write_text("305,5550199\n")
    import_list(folder, "national", file, published=date.fromordinal(clock.fixed(NOW, 0).ordinal), received_at=NOW, whole_plan=True)
    log = DecisionLog(folder / "decisions", keys=folder / "keys.json")
    guard = Guard(store, packs=packs, log=log)
    guard.add_campaign(CAMPAIGN)
    made = Desk("default", guard, log=log)
    for _ in range(3):
        answers = ask(made, False)
    assert all(answer.decision.shared for answer in answers), "nothing was kept ready"
    yield made
    made.close()


COUNT = iter(range(10**6))


def ask(desk: Desk, reserve: bool) -> list[Answer | BaseException]:
    """Three attempts together, of numbers that nobody was called on before."""
    bodies = [
        {"id": f"call-{next(COUNT)}", "channel": "voice", "campaign": "c", "to": f"+160255{next(COUNT):05}", "line_type": "landline", "at": NOON}
        for _ in range(3)
    ]
    return desk.decide([Ask(json.dumps(body).encode(), "http", "k", reserve) for body in bodies])


def recorded(desk: Desk) -> dict[str, str]:
    found = Reader(desk.log.folder, desk.log.keys).find(Wanted())
    return {record.body["decision"]["id"]: record.body["decision"]["verdict"] for record in found}


def slots(desk: Desk) -> set[str]:
    return {slot.attempt for _, _, slot in kept(desk.guard.store)}


@pytest.mark.parametrize("reserve", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", PLACES)
def test_no_allow_lacks_its_record_or_its_slot(desk: Desk, monkeypatch, caplog, place: str, error: Exception, reserve: bool) -> None:
    met = []

    def fail(*_: object, **__: object):
        met.append(place)
        raise error

    before = desk.metrics.decided.total() + desk.metrics.failed.total()
    with monkeypatch.context() as patch:
        patch.setattr(*PLACES[place], fail)
        answers = ask(desk, reserve)
    assert bool(met) == (reserve or place not in TAKING)
    assert len(answers) == 3 and desk.metrics.decided.total() + desk.metrics.failed.total() == before + 3
    there, taken = recorded(desk), slots(desk)
    for answer in answers:
        if isinstance(answer, BaseException):
            continue
        decision = answer.decision
        if decision.allowed:
            assert place not in RECORDING
            assert there[decision.id] == "allow"
            assert not reserve or decision.reservation["id"] in taken
        assert "secret" not in answer.json.decode()
    assert "secret" not in caplog.text and "60255" not in caplog.text
    after = ask(desk, reserve)
    assert all(isinstance(answer, Answer) and answer.decision.allowed for answer in after)
    assert {answer.decision.id for answer in after} <= recorded(desk).keys()


def test_the_folder_holds_no_number_in_the_clear(desk: Desk) -> None:
    ask(desk, True)
    written = b"".join(path.read_bytes() for path in Path(desk.log.folder).rglob("*") if path.is_file())
    assert not re.search(rb"(?<![0-9a-f])1?60255\d{5}(?![0-9a-f])", written)  # within a hash any digits may stand
