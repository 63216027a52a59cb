"""The dialplans of the guide, run by a real Asterisk."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.moment import DAY
from dialguard.service import agi
from dialguard.service.desk import Desk
from dialguard.service.peers import Peers
from dialguard.service.service import Service
from tests.service.processes import in_thread

from . import asterisk

pytestmark = pytest.mark.skipif(asterisk.EXECUTABLE is None, reason="no asterisk here: none on the path, and DIALGUARD_ASTERISK names none")
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "asterisk-vicidial.md"
EVER = {"id": "spring", "seller": "Acme", "purpose": "emergency", "dialing": "manual", "voice": "live"}
NOON = clock.parse_instant("2026-11-17T12:00:00-06:00")


def dialplan(name: str) -> str:
    return re.search(rf"^```ini {re.escape(name)}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)[1]


class VicidialLog:
    """VICIdial's FastAGI_log: at the start of a call it sets CAMPCUST; at its end it keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = (await reader.readuntil(b"\n\n")).decode()
        self.asked.append(re.search(r"^agi_request: (.*)$", told, re.M)[1])
        if self.asked[-1].endswith("call_log"):
            writer.write(b"EXEC Set _CAMPCUST=spring\n")
            await reader.readline()
        writer.close()


@asynccontextmanager
async def servers(desk: Desk, log: VicidialLog) -> AsyncIterator[tuple[int, int]]:
    """The ports of FastAGI and of VICIdial's log."""
    part = agi.listening(("127.0.0.1", 0), Peers(["127.0.0.0/8"], 100), "default", False)
    async with part(Service({"default": desk}, None)) as first, await asyncio.start_server(log.serve, "127.0.0.1", 0) as second:
        yield first.sockets[0].getsockname()[1], second.sockets[0].getsockname()[1]


@pytest.fixture
def desk(packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    guard = Guard(tmp_path / "store", packs=packs)
    guard.add_campaign(EVER)
    return Desk("default", guard)


def written(tmp_path: Path, name: str, ports: tuple[int, int], more: str = "") -> str:
    """A dialplan of the guide: at these ports, with a carrier that is another extension here, and what is reached written to a file."""
    text = dialplan(name).replace("127.0.0.1:4573", f"127.0.0.1:{ports[0]}").replace("127.0.0.1:4577", f"127.0.0.1:{ports[1]}")
    text = re.sub(r"PJSIP/(\$\{EXTEN(?::1)?\})@carrier", r"Local/\1@carrier", text)
    carrier = f'[carrier]\nexten => _X.,1,System(echo "dialed ${{EXTEN}}" >> {tmp_path}/seen)\n same => n,Answer()\n same => n,Wait(1)\n same => n,Hangup()\n'
    denied = f'System(echo "denied ${{DIALGUARD_REASON}} ${{DIALGUARD_DETAIL}}" >> {tmp_path}/seen)'
    text = text.replace("NoOp(not dialed: ${DIALGUARD_REASON} ${DIALGUARD_RULE} ${DIALGUARD_DETAIL})", denied)
    return f"{more}{text}{carrier}"


def seen(tmp_path: Path) -> list[str]:
    path = tmp_path / "seen"
    return [line.strip() for line in path.read_text().splitlines()] if path.exists() else []


def outcomes(desk: Desk, number: str) -> list[str | None]:
    return [each.outcome for each in desk.guard.store.look_up(seller="Acme", number=number, at=NOON).attempts]


def test_the_dialplan_dials_what_is_allowed_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    with in_thread(servers(desk, VicidialLog())) as ports:
        plan = written(tmp_path, "extensions.conf", ports)
        with asterisk.running(tmp_path / "asterisk", plan) as outgoing:
            asterisk.call(outgoing, "15125550123@outbound")
            asterisk.wait(lambda: seen(tmp_path) == ["dialed 15125550123"])
            asterisk.wait(lambda: outcomes(desk, "+15125550123") == ["conversation"])
            desk.guard._campaigns.clear()  # nothing is registered any more
            asterisk.call(outgoing, "15125550124@outbound")
            asterisk.wait(lambda: len(seen(tmp_path)) == 2)
            assert seen(tmp_path)[1].startswith("denied invalid_input campaign: ")


def test_nothing_is_dialed_where_nobody_answers(desk: Desk, tmp_path: Path) -> None:
    with in_thread(servers(desk, VicidialLog())) as ports:
        pass  # the port is free again
    with asterisk.running(tmp_path / "asterisk", written(tmp_path, "extensions.conf", ports)) as outgoing:
        asterisk.call(outgoing, "15125550123@outbound")
        asterisk.wait(lambda: seen(tmp_path) == ["denied"])


def test_vicidials_carrier_entry(desk: Desk, tmp_path: Path) -> None:
    log = VicidialLog()
    with in_thread(servers(desk, log)) as ports:
        causes = "call_log--HVcauses--PRI-----NODEBUG-----${HANGUPCAUSE}-----${DIALSTATUS}-----${DIALEDTIME}-----${ANSWEREDTIME}"
        ended = f"[default]\nexten => h,1,AGI(agi://127.0.0.1:{ports[1]}/{causes})\n"
        with asterisk.running(tmp_path / "asterisk", written(tmp_path, "carrier.conf", ports, ended)) as outgoing:
            asterisk.call(outgoing, "915125550123@default", "V1122104500000000123")
            asterisk.wait(lambda: seen(tmp_path) == ["dialed 15125550123"])
            asterisk.wait(lambda: outcomes(desk, "+15125550123") == ["conversation"])
            asterisk.wait(lambda: any("-----ANSWER-----" in each for each in log.asked))
            record = desk.guard.store
            record.record_revocation(seller="Acme", number="+15125550124", scope="all", means="spoken", at=NOON - DAY, known_at=NOON - DAY)
            desk.guard.add_campaign({**EVER, "purpose": "telemarketing"})
            asterisk.call(outgoing, "915125550124@default", "V1122104500000000124")
            asterisk.wait(lambda: any("-----DNC-----" in each for each in log.asked))
            desk.guard._campaigns.clear()
            asterisk.call(outgoing, "915125550125@default", "V1122104500000000125")
            asterisk.wait(lambda: any("-----CONGESTION-----" in each for each in log.asked))
            assert seen(tmp_path) == ["dialed 15125550123"]
