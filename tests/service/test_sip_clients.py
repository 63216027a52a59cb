"""The redirect server asked by SIPp, and behind Kamailio with the configuration of the guide."""

import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dialguard.guard import Guard
from dialguard.service import sip
from dialguard.service.desk import Desk
from dialguard.service.peers import Peers
from dialguard.service.service import Service
from tests.service.processes import in_thread, running

SIPP, KAMAILIO = shutil.which("sipp"), shutil.which("kamailio")
needs_sipp = pytest.mark.skipif(SIPP is None, reason="no sipp here: apt-get install sip-tester")
needs_kamailio = pytest.mark.skipif(SIPP is None or KAMAILIO is None, reason="no sipp and kamailio here: apt-get install sip-tester kamailio")
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sip.md"
SPRING = {"id": "spring", "seller": "Acme", "purpose": "emergency", "dialing": "manual", "voice": "live"}

_HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:2125550100@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{peer}
Call-ID: [call_id]
CSeq: 1 {method}
Max-Forwards: 70
Contact: <sip:2125550100@[local_ip]:[local_port]>
{more}Content-Length: 0

"""


def _sends(method: str, more: str = "", peer: str = "", retrans: str = "", uri: str = "sip:[service]@[remote_ip]:[remote_port]") -> str:
    head = f"{method} {uri} SIP/2.0\n" + _HEAD.format(method=method, more=more, peer=peer)
    return f"<send{retrans}><![CDATA[\n{head}\n]]></send>"


def caller(status: int, campaign: str | None = None, lost: int = 0) -> str:
    """A scenario: a call that must get this final answer; ``lost`` percent of the answers do not arrive."""
    invite = _sends("INVITE", f"X-DialGuard-Campaign: {campaign}\n" if campaign else "", retrans=' retrans="100"')
    trying = '<recv response="100" optional="true"></recv><recv response="180" optional="true"></recv>'
    if status == 200:  # a call that is up: its requests follow the route
        route = {"more": "[routes]\n", "peer": "[peer_tag_param]", "uri": "[next_url]"}
        hung_up = _sends("BYE", retrans=' retrans="100"', **route).replace("CSeq: 1", "CSeq: 2")
        rest = f'<recv response="200" rrs="true"></recv>{_sends("ACK", **route)}{hung_up}<recv response="200"></recv>'
    else:
        dropped = f' lost="{lost}"' if lost else ""
        rest = f'<recv response="{status}"{dropped}></recv>{_sends("ACK", peer="[peer_tag_param]")}'
    return f'<?xml version="1.0" encoding="us-ascii"?><scenario name="caller">{invite}{trying}{rest}</scenario>'


@contextmanager
def served(guard: Guard, next_hop: str) -> Iterator[int]:
    """The port of the redirect server, served in a thread."""
    part = sip.listening(("127.0.0.1", 0), Peers(["127.0.0.0/8"], 1000), "default", False, next_hop, "spring")
    with in_thread(part(Service({"default": Desk("default", guard)}, None))) as where:
        yield where[1]


@pytest.fixture
def guard(packs) -> Guard:
    made = Guard(no_store=True, packs=packs)
    made.add_campaign(SPRING)
    made.add_campaign({**SPRING, "id": "sales", "purpose": "telemarketing"})
    return made


def free_port() -> int:
    """A port that is free for UDP and TCP, below those that the system hands out."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
            try:
                datagrams.bind(("127.0.0.1", port))
                stream.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def sipp(folder: Path, scenario: str, port: int, *more: str, calls: int = 1) -> dict[str, int]:
    """Runs a scenario against a port; how many calls there were, and how many went as they should."""
    (folder / "caller.xml").write_text(scenario)
    command = [
        str(SIPP), f"127.0.0.1:{port}", "-sf", str(folder / "caller.xml"), "-s", "+15125550123", "-i", "127.0.0.1", "-p", str(free_port()), "-m", str(calls),
        "-nostdin", "-timeout", "120", "-trace_stat", "-stf", str(folder / "stat.csv"), "-fd", "1", *more,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=200)
    names, *_, last = [line.split(";") for line in (folder / "stat.csv").read_text().splitlines() if line]
    row = dict(zip(names, last, strict=False))
    assert done.returncode in (0, 1), (done.returncode, done.stdout[-1000:], done.stderr[-2000:])
    return {"calls": int(row["TotalCallCreated"]), "well": int(row["SuccessfulCall(C)"]), "ill": int(row["FailedCall(C)"]), "again": int(row["Retransmissions(C)"])}


@needs_sipp
def test_calls_are_sent_on_or_declined(guard: Guard, tmp_path: Path) -> None:
    with served(guard, "127.0.0.1:5099") as port:
        for scenario in (caller(302), caller(603, "sales"), caller(400, "nobody")):
            found = sipp(tmp_path, scenario, port)
            assert (found["calls"], found["well"], found["ill"]) == (1, 1, 0)  # on a busy machine it may have asked again
            (tmp_path / "stat.csv").unlink()
        assert sipp(tmp_path, caller(603), port)["well"] == 0  # it would say so


@needs_sipp
def test_answers_that_are_lost_are_given_again(guard: Guard, tmp_path: Path) -> None:
    with served(guard, "127.0.0.1:5099") as port:
        found = sipp(tmp_path, caller(302, lost=30), port, "-max_invite_retrans", "15", calls=50)
    assert (found["calls"], found["well"], found["ill"]) == (50, 50, 0) and found["again"] > 0


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_thousand_calls(guard: Guard, tmp_path: Path, transport: str) -> None:
    with served(guard, "127.0.0.1:5099") as port:
        found = sipp(tmp_path, caller(302), port, "-r", "200", "-t", transport, calls=1000)
    assert (found["calls"], found["well"], found["ill"]) == (1000, 1000, 0)


def answers_options(port: int) -> bool:
    """Whether something that speaks SIP is at a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.1", 0))
        asking.settimeout(0.2)
        own = asking.getsockname()[1]
        via = f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{time.monotonic_ns()}"
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n{via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: {own}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
        )
        asking.sendto(request.encode(), ("127.0.0.1", port))
        try:
            return bool(asking.recv(4000))
        except OSError:
            return False


@needs_kamailio
def test_kamailio_follows_what_is_allowed_alone(guard: Guard, tmp_path: Path) -> None:
    carrier, proxy = free_port(), free_port()
    with ExitStack() as outer:
        with served(guard, f"127.0.0.1:{carrier}") as port:
            text = re.search(r"^```text kamailio.cfg\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)[1]
            text = text.replace("127.0.0.1:5062", f"127.0.0.1:{proxy}").replace("127.0.0.1:5060", f"127.0.0.1:{port}").replace("5000", "500")
            for folder in ("carrier", "caller", "run"):
                (tmp_path / folder).mkdir()
            command = [str(SIPP), "-sn", "uas", "-i", "127.0.0.1", "-p", str(carrier), "-nostdin", "-trace_msg", "-message_file", "seen"]
            outer.enter_context(running(command, tmp_path / "carrier", "sipp"))
            _asked(tmp_path, proxy, text.replace(" spring", " sales"), 603)
            assert _reached(tmp_path) == 0
            _asked(tmp_path, proxy, text, 200)
            assert _reached(tmp_path) == 1
        _asked(tmp_path, proxy, text, 408)  # nobody answers it any more
        assert _reached(tmp_path) == 1


def _asked(tmp_path: Path, proxy: int, text: str, status: int) -> None:
    (tmp_path / "kamailio.cfg").write_text(text)
    own = ["-Y", str(tmp_path / "run"), "-w", str(tmp_path)]
    with running([str(KAMAILIO), "-f", str(tmp_path / "kamailio.cfg"), "-DD", "-E", "-n", "1", "-m", "32", "-M", "4", *own], tmp_path, "kamailio") as process:
        end = time.monotonic() + 60
        while not answers_options(proxy):
            assert time.monotonic() < end and process.poll() is None, (tmp_path / "kamailio.printed").read_text()[-2000:]
        (tmp_path / "caller" / "stat.csv").unlink(missing_ok=True)
        assert sipp(tmp_path / "caller", caller(status), proxy)["well"] == 1


def _reached(tmp_path: Path) -> int:
    """How many calls the carrier was asked for."""
    seen = tmp_path / "carrier" / "seen"
    return len(re.findall(r"^INVITE ", seen.read_text(), re.M)) if seen.exists() else 0
