"""More is asked than can be answered: each answer is a decision, 429 or 503, and no decision is another than it would have been."""

import asyncio
import http.client
import itertools
import json
import os
import random
import re
import threading
import time
from collections import Counter
from pathlib import Path

from dialguard.guard import Guard
from dialguard.service.desk import Ask, Desk
from dialguard.service.keyfile import KeyFile
from dialguard.service.problem import Problem
from tests.service.conftest import CAMPAIGN
from tests.service.processes import serving

CAPACITY = 6
"""Connections that the service takes; five times as many clients ask."""
SECONDS = float(os.environ.get("DIALGUARD_OVERLOAD", "3"))
KNOWN = {
    "channel": "voice", "line_type": "landline", "contact": {"state": "FL", "zip": "33101", "kind": "business", "address_basis": "verified"},
    "dnc": {"national": False, "states": [], "internal": False}, "consent": {"level": "none"}, "relationship": {"kind": "none"},
    "history": {"last_24h": 0, "last_7d": 0, "last_30d": 0}, "campaign": {"seller": "Acme", "purpose": "survey", "dialing": "manual", "voice": "live"},
}  # fmt: skip
ASKED = {
    "allow": {**KNOWN, "at": "2026-11-23T17:00:00Z"},
    "deny": {**KNOWN, "at": "2026-11-23T07:00:00Z", "campaign": {**KNOWN["campaign"], "purpose": "telemarketing"}},
}  # fmt: skip


def test_past_those_who_may_wait_each_is_told_to_come_again(packs) -> None:
    guard = Guard(no_store=True, packs=packs)
    guard.add_campaign(CAMPAIGN)
    desk = Desk("default", guard, waiting=3)
    ask = Ask({"channel": "voice", "to": "+13055550100", "campaign": "c"})

    async def crowd() -> list:
        return await asyncio.gather(*(desk.ask(ask) for _ in range(15)), return_exceptions=True)

    for _ in range(2):
        answers = asyncio.run(crowd())
        assert [answer.verdict for answer in answers[:3]] == ["deny"] * 3
        for answer in answers[3:]:
            assert isinstance(answer, Problem) and (answer.code, answer.status, answer.headers) == ("limit.load", 503, {"retry-after": "1"})


def memory(pid: int) -> float:
    """Megabytes that a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def test_five_times_as_many_as_it_takes(tmp_path: Path, capsys) -> None:
    _, free = KeyFile(tmp_path).create(scopes=["check"])
    _, held = KeyFile(tmp_path).create(scopes=["check"], rate=20, burst=5)
    seen: Counter[str] = Counter()
    wrong: list[object] = []
    spent: list[float] = []
    lock, ids = threading.Lock(), itertools.count()
    with serving(tmp_path, config=f'folder = "."\n[limits]\nconnections = {CAPACITY}\n') as service:
        service.ready()
        for verdict, attempt in ASKED.items():
            assert service.ask(body={**attempt, "to": "+13055550100"}, key=free)[1]["verdict"] == verdict
        before = memory(service.process.pid)
        end = time.monotonic() + SECONDS

        def client(number: int) -> None:
            chance = random.Random(number)
            key = held if number % 3 == 0 else free
            while time.monotonic() < end:
                connection = service.connect()
                try:
                    for _ in range(chance.randint(1, 30)):
                        verdict = chance.choice(list(ASKED))
                        id_ = f"a-{next(ids)}"  # an id is one attempt's
                        start = time.perf_counter()
                        body = json.dumps({**ASKED[verdict], "id": id_, "to": f"+1305555{chance.randint(0, 9999):04}"}).encode()
                        connection.request("POST", "/v1/check", body, {"Authorization": f"Bearer {key}"})
                        answer = connection.getresponse()
                        said = json.loads(answer.read())
                        with lock:
                            spent.append(time.perf_counter() - start)
                            if answer.status == 200:
                                seen[said["verdict"]] += 1
                                if (said["verdict"], said["attempt_id"]) != (verdict, id_):
                                    wrong.append(said)
                            else:
                                seen[f"{answer.status} {said['code']}"] += 1
                                if not answer.getheader("retry-after"):
                                    wrong.append(said)
                except (OSError, http.client.HTTPException) as error:
                    with lock:
                        seen[type(error).__name__] += 1
                finally:
                    connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(5 * CAPACITY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        grown = memory(service.process.pid) - before
        assert service.ask(body={**ASKED["allow"], "to": "+13055550100"}, key=free)[1]["verdict"] == "allow"
    spent.sort()
    with capsys.disabled():
        print(
            f"\noverload: {dict(seen)}, wrong {len(wrong)}, p50 {spent[len(spent) // 2] * 1e3:.1f} ms, p99 {spent[len(spent) * 99 // 100] * 1e3:.1f} ms, {grown:+.1f} MB"
        )
    assert wrong == []
    assert min(seen["allow"], seen["deny"], seen["429 limit.rate"], seen["503 limit.load"]) > 0
    assert not [
        name
        for name in seen
        if name
        not in ("allow", "deny", "429 limit.rate", "503 limit.load", "ConnectionResetError", "BrokenPipeError", "RemoteDisconnected")
    ]
    assert grown < 50
