"""Rules that change while a service decides by them."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dialguard.audit.kept import Kept
from dialguard.audit.keys import Keys
from dialguard.audit.log import default_keys
from dialguard.audit.reading import Reader, Wanted
from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.model.moment import HOUR, SECOND
from dialguard.packs import signing, sources
from dialguard.service import live as living_rules
from dialguard.service import trial
from dialguard.service.config import ConfigError, Settings
from dialguard.service.config import load as read_config
from dialguard.service.revisions import Revisions
from dialguard.service.routes import batch
from simulations.rule_changes import rule
from tests.packs.conftest import SHIPPED, no_cache, small_law  # noqa: F401 - a fixture
from tests.packs.superseding import HEAD, HOURS
from tests.packs.test_hostile import BOMB
from tests.service.asking import asked_async
from tests.service.living import ATTEMPT, WAIT, Living, living
from tests.service.processes import serving


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A small law in the place of the shipped one."""
    return small_law(tmp_path / "shipped")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path, own: Path) -> Settings:
    return Settings(folder=tmp_path / "store", rules=[own])


def put(path: Path, text: str | bytes) -> None:
    """A file written beside and renamed, as it should be done."""
    beside = path.parent / ".beside"
    beside.write_bytes(text.encode() if isinstance(text, str) else text)
    beside.replace(path)


@asynccontextmanager
async def load(service: Living) -> AsyncIterator[list[tuple[str, set[str]]]]:
    """Attempts one after the other meanwhile, each of which must be decided: the revision and our own rules of each."""
    found: list[tuple[str, set[str]]] = []

    async def ask() -> None:
        while True:
            found.append(await service.rules())
            await asyncio.sleep(0.002)

    tasks = [asyncio.create_task(ask()) for _ in range(4)]
    try:
        yield found
    finally:
        failed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in failed:
            task.result()


# ------------------------------------------------------------------------------------------------------- good changes


def test_a_changed_file_decides_without_a_restart_and_each_decision_names_its_revision(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        async with living(settings, base) as service, load(service) as decided:
            first = await service.taken()
            assert await service.rules() == (first, set())
            put(own / "a.yaml", rule("house.a"))
            second = await service.taken(first)
            assert await service.rules() == (second, {"house.a"})
            put(own / "a.yaml", rule("house.b"))
            third = await service.taken(second)
            assert await service.rules() == (third, {"house.b"})
            (own / "a.yaml").unlink()
            assert await service.taken(third) == first
            assert await service.rules() == (first, set())
        of = {first: set(), second: {"house.a"}, third: {"house.b"}}
        assert {digest for digest, _ in decided} == of.keys()
        assert all(rules == of[digest] for digest, rules in decided)

    asyncio.run(run())


def test_a_campaign_registered_while_rules_are_tried_is_known_to_them_and_one_removed_is_not(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            desk = service.service.desks["default"]
            old = desk.guard
            old.add_campaign({**old._registered["c"][0], "id": "gone"})
            put(own / "a.yaml", rule("house.a"))

            renewed = type(old).renewed

            def slowly(guard, *more):
                made = renewed(guard, *more)
                guard.add_campaign({**guard._registered["c"][0], "id": "late"})
                guard.add_campaign({**guard._registered["c"][0], "purpose": "survey"})
                guard.remove_campaign("gone")
                return made

            type(old).renewed = slowly
            try:
                await service.taken(first)
            finally:
                type(old).renewed = renewed
            assert desk.guard is not old
            assert (await service.rules(campaign="late"))[1] == {"house.a"}
            assert (await service.rules())[1] == set()  # a survey now
            assert (await service.ask(campaign="gone")).status == 422

    asyncio.run(run())


def test_what_was_asked_is_compiled_before_the_new_rules_decide(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            await service.rules(at=clock.format_instant(clock.now()))
            put(own / "a.yaml", rule("house.a"))
            await service.taken(first)
            programs = service.service.desks["default"].guard._engine.programs
            assert [(places, scope[:4]) for places, scope in programs.plans] == [((("FL", "America/New_York"),), ("voice", "telemarketing", "manual", "live"))]
            assert programs._compiled and all(stop[2] > 0 for stops in programs.plans.values() for stop in stops)
            there = set(programs._compiled)
            assert (await service.rules(at=clock.format_instant(clock.now())))[1] <= {"house.a"}
            assert set(programs._compiled) == there

    asyncio.run(run())


def test_a_rule_of_a_later_day_is_law_from_its_first_moment(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            later = rule("house.a", expect="silent", more="    effective: 2027-01-01\n")
            put(own / "a.yaml", later)
            second = await service.taken(first)
            assert await service.rules(at="2026-12-31T23:59:59-05:00") == (second, set())
            assert await service.rules(at="2027-01-01T00:00:00-05:00") == (second, {"house.a"})

    asyncio.run(run())


def test_each_of_a_thousand_swaps_takes_all_of_a_group_or_none(settings, base: Path, own: Path) -> None:
    """Between two built revisions, four asking all the time."""

    async def run() -> None:
        async with living(settings, base) as service:
            put(own / "a.yaml", rule("house.a"))
            first = await service.taken((await service.taken()))
            put(own / "a.yaml", rule("house.b"))
            second = await service.taken(first)
            built = service.live._built
            async with asyncio.timeout(120), load(service) as decided:
                for turn in range(1000):
                    await service.live.activate(service.service, built[(first, second)[turn % 2]])
                    seen = len(decided)
                    while turn % 9 == 0 and len(decided) <= seen + 4:  # the fifth answer was asked for since; of nine, each revision in turn
                        await asyncio.sleep(0.001)
        of = {first: {"house.a"}, second: {"house.b"}}
        assert {digest for digest, _ in decided} == of.keys()
        assert all(rules == of[digest] for digest, rules in decided)

    asyncio.run(run())


def test_each_revision_is_kept_in_the_log_with_its_decisions(settings, base: Path, own: Path) -> None:
    """As it was tried, whatever lies in the folder by then."""

    async def run() -> set[str]:
        async with living(settings, base) as service:
            before = await service.taken()
            await service.rules()
            for name in ("house.a", "house.b"):
                put(own / "a.yaml", rule(name))
                before = await service.taken(before)
                put(own / "a.yaml", "rules: [")
                assert (await service.rules())[1] == {name}
                await service.refused()
                assert (await service.rules())[1] == {name}
        put(own / "a.yaml", "rules: [")
        async with living(settings, base) as service:
            assert service.live.status().state == "last_good" and (await service.rules())[1] == {"house.b"}

    asyncio.run(run())
    log = settings.folder / "decisions"
    reader = Reader(log, Keys(default_keys(log)))
    records = list(reader.find(Wanted()))
    assert len(records) == 6
    for record in records:
        body, _ = reader.whole(record)
        again = reader.kept.rules(body["kept"]["rules"])
        ours = {each["rule"] for each in body["decision"]["reasons"] if each["rule"].startswith("house.")}
        assert again.digest == body["decision"]["packs"] and {name for name in again.by_id if name.startswith("house.")} == ours


def test_event_rules_that_change_are_run_by_a_new_process(base: Path, tmp_path: Path) -> None:
    from dialguard.events.supervisor import Events
    from dialguard.packs.load import load as read
    from dialguard.packs.pack import Packs

    packs: Packs = read(base=SHIPPED)
    assert packs.events
    with Events(tmp_path, packs) as events:
        wait(lambda: events.pid is not None)
        first = events.pid
        events.take(packs)
        events.take(dataclasses.replace(packs, events=packs.events[:1]))
        wait(lambda: events.starts == 2 and events.pid not in (None, first))
        assert json.loads(events._settings)["rules"][0]["id"] == packs.events[0].id and len(json.loads(events._settings)["rules"]) == 1
        wait(events.alive)


def wait(until) -> None:
    end = time.monotonic() + WAIT
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


# -------------------------------------------------------------------------------------------------------- bad changes

GOOD = rule("house.a")
BAD: dict[str, tuple[str | bytes, int, str]] = {
    "torn": (GOOD[: GOOD.index("{name: noon")] + "{name: no", 16, "not well-formed YAML"),
    "truncated": (GOOD[: GOOD.index("kind")], 5, "`citation` is left out"),
    "not UTF-8": (GOOD.encode().replace(b"Policy 1", b"Policy \xff"), 9, "byte 0xff is not valid UTF-8"),
    "a key twice": (GOOD.replace("    kind:", "    title: again\n    kind:"), 8, "`title` stands twice"),
    "an alias bomb": (BOMB, 1, "anchors and aliases are not allowed"),
    "50 MB": (b"# " + b"x" * 50_000_000, 1, "the file has 50,000,002 bytes"),
    "10,000 deep": ("a: " + "[" * 10_000 + "]" * 10_000, 1, "nested deeper than 40 levels"),
    "an example that fails": (rule("house.a", expect="silent"), 15, "the example `noon` of `house.a` fails: expected silent, found prohibited"),
    "looser and not confirmed": (HEAD + HOURS.replace("08:00-20:00", "08:00-21:00"), 14, "`house.hours` loosens `fl.calling-hours`, and it is not confirmed"),
    "the vocabulary": ("", 1, "cannot have `vocabulary.yaml`"),
}  # fmt: skip


def test_a_bad_file_leaves_the_old_rules_and_is_named_with_its_line(settings, base: Path, own: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One after the other in one service that decides all the time."""
    caplog.set_level(logging.ERROR)

    async def run() -> None:
        async with living(settings, base) as service, load(service) as decided:
            put(own / "good.yaml", rule("house.good"))
            digest = await service.taken(await service.taken())
            del decided[:]
            for name, (text, line, message) in BAD.items():
                file = own / ("vocabulary.yaml" if name == "the vocabulary" else "bad.yaml")
                put(file, text)
                status = await service.refused()
                told = status.refused.troubles[0]
                assert (status.state, status.digest) == ("refused", digest), name
                assert (told.file, told.line) == (str(file), line) and message in told.message, (name, told)
                assert told.hint or "is left out" in told.message, name
                assert f"{file}:{line}: " in caplog.text
                file.unlink()
                assert await service.taken() == digest
        assert len(decided) > 10 * len(BAD) and set(map(repr, decided)) == {repr((digest, {"house.good"}))}

    asyncio.run(run())


def test_files_that_are_being_written_are_not_read(settings, base: Path, own: Path) -> None:
    """Half a file that is a law of its own must not become one: it is not taken while it grows, and only whole."""

    async def run() -> None:
        async with living(settings, base) as service, load(service) as decided:
            first = await service.taken()
            whole = rule("house.a") + rule("house.b").removeprefix(HEAD)
            with (own / "a.yaml").open("w") as file:
                for piece in (rule("house.a"), *rule("house.b").removeprefix(HEAD).splitlines(keepends=True)):
                    file.write(piece)
                    file.flush()
                    service.live._nudge.set()  # so that each piece is looked at
                    await asyncio.sleep(0.1)
            assert (own / "a.yaml").read_text() == whole
            second = await service.taken(first)
            assert await service.rules() == (second, {"house.a", "house.b"})
        assert set(map(repr, decided)) <= {repr((first, set())), repr((second, {"house.a", "house.b"})), repr((second, {"house.b", "house.a"}))}

    asyncio.run(run())


def test_rules_that_a_switched_off_rule_is_missing_from_are_refused(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        put(own / "a.yaml", rule("house.a", more="").replace("status: in_force", "status: disputed"))
        made = settings.model_copy(update={"disable": {"house.a": "counsel"}})
        async with living(made, base) as service:
            first = await service.taken()
            assert (await service.rules()) == (first, set())
            put(own / "a.yaml", rule("house.b"))
            status = await service.refused()
            assert status.digest == first and "no rule `house.a` to switch off" in status.refused.troubles[0].message

    asyncio.run(run())


def test_a_trial_that_does_not_end_is_refused_and_tried_again(settings, base: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(living_rules, "RETRY", 0.1)

    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            with monkeypatch.context() as patched:
                patched.setattr(trial, "WITHIN", 0.001)
                put(own / "a.yaml", rule("house.a"))
                assert "not tried within" in (await service.refused()).refused.troubles[0].message
                assert await service.rules() == (first, set())
            await service.taken(first)

    asyncio.run(run())


def test_a_trial_takes_no_more_memory_than_it_may() -> None:
    code = "from dialguard.service import trial; trial.bound(); bytearray(trial.MEMORY)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.endswith("MemoryError\n")


def test_a_program_that_was_changed_on_disk_takes_no_rules_of_another(settings, base: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with living(settings, base) as service:
            await service.taken()
            service.live._code = "another"
            put(own / "a.yaml", rule("house.a"))
            told = (await service.refused()).refused.troubles[0]
            assert "the program itself was changed" in told.message and told.hint == "restart the service"

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------------------- starts


def test_a_start_with_unusable_files_takes_up_what_served_last_until_it_is_stale(settings, base: Path, own: Path, monkeypatch) -> None:
    async def run() -> None:
        put(own / "a.yaml", rule("house.a"))
        async with living(settings, base) as service:
            first = await service.taken()
            confirmed = clock.parse_instant((await service.until(lambda status: status.kept)).confirmed_at)
        put(own / "a.yaml", "rules: [")
        async with living(settings, base) as service:
            status = service.live.status()
            assert (status.state, status.digest) == ("last_good", first) and status.refused.troubles[0].file == str(own / "a.yaml")
            assert await service.rules() == (first, {"house.a"})
            last = clock.parse_instant(status.stale_at)
            assert 72 * HOUR <= last - confirmed < 72 * HOUR + 60 * SECOND
            monkeypatch.setattr(living_rules.clock, "now", lambda: last - 1)
            assert (await service.until(lambda status: True)).state == "last_good"
            assert "pack_stale" not in [each["kind"] for each in (await service.ask()).json["reasons"]]
            monkeypatch.setattr(living_rules.clock, "now", lambda: last)
            await service.until(lambda status: status.state == "stale")
            await asyncio.sleep(2 * living_rules.LOOK)
            for reserve in (False, True):
                decision = (await service.ask(at="2026-11-17T08:30:00-05:00", reserve=reserve)).json  # which house.a lets pass
                assert decision["verdict"] == "deny" and decision["reservation"] is None
                assert [(each["kind"], each["rule"]) for each in decision["reasons"]] == [("pack_stale", "engine.packs")]
            put(own / "a.yaml", rule("house.b"))
            await service.taken(first)
            assert (await service.rules())[1] == {"house.b"}

    asyncio.run(run())


@pytest.mark.parametrize("media", ["application/x-ndjson", "text/csv"])
def test_each_row_of_a_batch_names_the_revision_that_decided_it(settings, base: Path, own: Path, media: str) -> None:
    """The rules change while the batch comes in: what comes later is decided by the later law, and says so."""

    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            table = media == "text/csv"
            head = b"to,channel,at,campaign,consent.level,dnc.national,dnc.internal,relationship.kind\n" if table else b""
            row = b"3055550123,voice,2026-11-17T12:00:00-05:00,c,none,false,false,none\n" if table else json.dumps(ATTEMPT).encode() + b"\n"
            coming: asyncio.Queue[bytes | None] = asyncio.Queue()
            sent: list[bytes] = []

            async def receive() -> dict[str, object]:
                piece = await coming.get()
                return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

            async def send(message) -> None:
                sent.append(message.get("body", b""))

            def rows() -> list[bytes]:
                return b"".join(sent).splitlines()[table:]

            headers = [(b"content-type", media.encode())]
            scope = {"type": "http", "method": "POST", "path": "/v1/check/batch", "query_string": b"", "headers": headers, "client": None}
            task = asyncio.create_task(service.app(scope, receive, send))
            coming.put_nowait(head + row * batch.SLICE)
            while len(rows()) < batch.SLICE:
                await asyncio.sleep(0.01)
            put(own / "a.yaml", rule("house.a"))
            second = await service.taken(first)
            coming.put_nowait(row * 3)
            coming.put_nowait(None)
            await task
            if table:
                found = [cells[batch.COLUMNS.index("packs")] for cells in csv.reader(line.decode() for line in rows())]
            else:
                found = [json.loads(line)["decision"]["packs"] for line in rows()]
            assert found == [first] * batch.SLICE + [second] * 3
            assert [b"house.a" in line for line in rows()] == [False] * batch.SLICE + [True] * 3

    asyncio.run(run())


def test_a_cold_start_with_unusable_files_is_not_ready_until_they_are_mended(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        put(own / "a.yaml", "rules: [")
        async with living(settings, base, ready=False) as service:
            status = await service.refused()
            assert status.state == "none"
            for path in ("/readyz", "/v1/check?to=3055550123&campaign=c"):
                answer = await asked_async(service.app, "GET", path)
                assert (answer.status, answer.code) == (503, "service.not_ready")
            put(own / "a.yaml", rule("house.a"))
            await service.until(lambda _: service.service.ready)
            answer = await asked_async(service.app, "GET", "/readyz")
            assert (answer.status, answer.json) == (200, {"status": "ready", "rules": "current"})
            put(own / "a.yaml", "rules: [")
            await service.refused()
            assert (await asked_async(service.app, "GET", "/readyz")).json == {"status": "ready", "rules": "refused"}
            told = (await asked_async(service.app, "GET", "/metrics")).body.decode()
            assert re.findall(r'packs_state\{state="(\w+)",worker="\d+"\} 1', told) == ["refused"]

    asyncio.run(run())


def test_the_revision_before_serves_where_a_piece_of_the_last_is_lost(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        put(own / "a.yaml", rule("house.a"))
        async with living(settings, base) as service:
            first = await service.taken()
            put(own / "a.yaml", rule("house.b"))
            second = await service.taken(first)
        kept = Kept(settings.folder / "revisions" / "kept")
        last = Revisions(settings.folder / "revisions").last()
        assert last.saved.digest == second
        lost = json.loads(kept.read(last.saved.rules))["files"][-1]["sha256"]
        kept.path(lost).write_text("another")
        put(own / "a.yaml", "rules: [")
        async with living(settings, base) as service:
            assert (service.live.status().state, service.live.status().digest) == ("last_good", first)
            assert (await service.rules())[1] == {"house.a"}

    asyncio.run(run())


KILLED = """
import os, signal, sys
from pathlib import Path
from dialguard.packs import sources
from dialguard.service.revisions import Revisions
at, steps = int(sys.argv[1]), 0
def counted(call):
    def made(*told, **more):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*told, **more)
    return made
for name in ("fsync", "replace", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
found, _ = sources.collect(Path(sys.argv[2]), [Path(sys.argv[3])])
Revisions(Path(sys.argv[4])).save(found, sources.digest(found), 2, {})
print(steps)
"""


def test_killed_at_any_step_of_keeping_leaves_the_old_revision_or_the_new(base: Path, own: Path, tmp_path: Path) -> None:
    def files(text: str) -> list[sources.Source]:
        put(own / "a.yaml", text)
        return sources.collect(base, [own])[0]

    first, second = tmp_path / "first", tmp_path / "tried"
    oldest, old = files(rule("house.oldest")), files(rule("house.old"))
    for found in (oldest, old):
        Revisions(first).save(found, sources.digest(found), 1, {})
    new = files(rule("house.new"))
    digests, at = [], 0
    while True:
        at += 1
        shutil.rmtree(second, ignore_errors=True)
        shutil.copytree(first, second)
        done = subprocess.run([sys.executable, "-c", KILLED, str(at), str(base), str(own), str(second)], capture_output=True, text=True, timeout=60)
        last = Revisions(second).last()
        assert last.files in (old, new) and sources.digest(last.files) == last.saved.digest
        digests.append(last.saved.digest)
        Revisions(second).save(new, sources.digest(new), 3, {})  # and the next process goes on
        assert Revisions(second).last().files == new
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, done.stderr
            break
    assert at > 6 and digests == sorted(digests, key=[sources.digest(old), sources.digest(new)].index) and len(set(digests)) == 2


# ------------------------------------------------------------------------------------------------------------- signed


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """A private key's file, and the public key."""
    return made_key(tmp_path / "key.pem")


def made_key(path: Path) -> tuple[Path, str]:
    private = Ed25519PrivateKey.generate()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path, signing._encoded(private.public_key().public_bytes_raw())


def test_what_is_not_signed_by_a_trusted_key_is_refused(settings, base: Path, own: Path, key, tmp_path: Path) -> None:
    file, public = key
    made = settings.model_copy(update={"packs": settings.packs.model_copy(update={"signed_by": [public]})})

    async def run() -> None:
        put(own / "a.yaml", rule("house.a"))
        signing.sign(own, file, 1)
        async with living(made, base) as service:
            first = await service.taken()
            assert service.live.status().signed[str(own)].revision == 1

            async def told(message: str) -> None:
                status = await service.until(lambda status: status.refused is not None and message in status.refused.troubles[0].message)
                assert (status.digest, status.refused.troubles[0].file) == (first, str(own / "SIGNATURE"))
                assert await service.rules() == (first, {"house.a"})

            put(own / "a.yaml", rule("house.b"))
            await told("the signature does not fit the rule files")
            (own / "SIGNATURE").unlink()
            await told("the signature cannot be read")
            (own / "SIGNATURE").write_text("{}")
            await told("this is no signature")
            signing.sign(own, made_key(tmp_path / "other.pem")[0], 2)
            await told("none of the keys")
            signing.sign(own, file, 2)
            second = await service.taken(first)
            assert (await service.rules())[1] == {"house.b"}
            said = json.loads((own / "SIGNATURE").read_text())
            put(own / "SIGNATURE", json.dumps(said | {"revision": 3}))
            assert "does not fit" in (await service.refused()).refused.troubles[0].message
            assert service.live.status().digest == second

    asyncio.run(run())


def test_an_older_revision_is_refused_also_after_a_restart_unless_it_is_forced(settings, base: Path, own: Path, key, caplog) -> None:
    file, public = key
    made = settings.model_copy(update={"packs": settings.packs.model_copy(update={"signed_by": [public]})})

    async def run() -> None:
        put(own / "a.yaml", rule("house.a"))
        signing.sign(own, file, 1)
        old = (own / "a.yaml").read_bytes(), (own / "SIGNATURE").read_bytes()
        async with living(made, base) as service:
            first = await service.taken()
            put(own / "a.yaml", rule("house.b"))
            signing.sign(own, file, 2)
            second = await service.taken(first)
            await service.until(lambda status: status.kept)
        put(own / "a.yaml", old[0])
        put(own / "SIGNATURE", old[1])
        async with living(made, base) as service:
            status = await service.refused()
            assert (status.state, status.digest) == ("last_good", second)
            assert "this is revision 1, and revision 2 served before" in status.refused.troubles[0].message
            answer = await asked_async(service.app, "POST", "/v1/packs/reload")
            assert answer.json["state"] == "last_good"
            answer = await asked_async(service.app, "POST", "/v1/packs/reload?force=true")
            assert (answer.json["state"], answer.json["digest"]) == ("current", first)
            assert "the key local has the rules" in caplog.text and "go back: this is revision 1, and revision 2 served before" in caplog.text
        async with living(made, base) as service:
            assert await service.taken() == first

    asyncio.run(run())


def test_what_served_unsigned_does_not_serve_where_signatures_are_asked_for(settings, base: Path, own: Path, key) -> None:
    async def run() -> None:
        put(own / "a.yaml", rule("house.a"))
        async with living(settings, base) as service:
            await service.until(lambda status: status.kept)
        made = settings.model_copy(update={"packs": settings.packs.model_copy(update={"signed_by": [key[1]]})})
        async with living(made, base, ready=False) as service:
            assert (await service.refused()).state == "none"

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------------------- over HTTP


def test_the_routes_tell_and_look_again(settings, base: Path, own: Path) -> None:
    async def run() -> None:
        async with living(settings, base) as service:
            first = await service.taken()
            put(own / "bad.yaml", rule("house.a", expect="silent"))
            answer = await asked_async(service.app, "POST", "/v1/packs/reload")
            assert (answer.status, answer.json["state"], answer.json["digest"]) == (200, "refused", first)
            assert answer.json["refused"]["troubles"][0]["line"] == 15
            assert (await asked_async(service.app, "GET", "/v1/packs")).json == answer.json
            put(own / "bad.yaml", rule("house.a"))
            answer = await asked_async(service.app, "POST", "/v1/packs/reload")
            assert (answer.json["state"], answer.json["refused"]) == ("current", None) and answer.json["digest"] != first
            assert (await asked_async(service.app, "POST", "/v1/packs/reload?force=yes")).fields == ["force"]

    asyncio.run(run())


def test_every_worker_takes_the_rules_and_they_are_tried_once(tmp_path: Path) -> None:
    """The service as a process with two workers, the shipped law."""
    own = tmp_path / "own"
    own.mkdir()
    with serving(tmp_path, config='folder = "."\nrules = ["own"]\nworkers = 2\n') as service:
        service.ready(2)
        digest = service.ask()[1]["packs"]
        put(own / "a.yaml", rule("house.a"))
        service.until(r"(?s)serve in the place of .*serve in the place of ")
        for _ in range(20):
            status, answer = service.ask()
            assert status == 200 and answer["packs"] != digest
            assert "house.a" in [each["rule"] for each in answer["reasons"]]
        put(own / "b.yaml", "rules: [")
        service.until(r"(?s)the rules in the folders are not used.*the rules in the folders are not used")
        assert service.ask()[0] == 200
        tried = [json.loads(path.read_bytes()) for path in (tmp_path / "revisions" / "trials").iterdir()]
        assert sorted(bool(each.get("troubles")) for each in tried) == [False, False, True]
        assert os.stat(tmp_path / "revisions").st_mode & 0o777 == 0o700


def test_the_command_signs_what_the_service_takes(own: Path, base: Path, key, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, public = key
    put(own / "a.yaml", rule("house.a"))
    assert main(["rules", "sign", str(own), "--key", str(file), "--revision", "7"]) == 0
    assert capsys.readouterr().out.endswith(f"public key {public}\n")
    assert signing.verify(own, sources.collect(base, [own])[0], [public]) == signing.Mark(7, public)
    for wrong, told in (
        ([str(own / "none"), "--key", str(file), "--revision", "1"], "there is no folder of rule files"),
        ([str(own), "--key", str(own / "a.yaml"), "--revision", "1"], "is no Ed25519 private key in PEM"),
        ([str(own), "--key", str(tmp_path / "none"), "--revision", "1"], "cannot be read: No such file"),
        ([str(own), "--key", str(file), "--revision", "0"], "expected a number from 1 on"),
    ):
        assert main(["rules", "sign", *wrong]) == 2
        assert told in capsys.readouterr().err
    with pytest.raises(ConfigError, match="expected an Ed25519 public key"):
        (tmp_path / "service.toml").write_text('[packs]\nsigned_by = ["abc"]\n')
        read_config(tmp_path / "service.toml")
