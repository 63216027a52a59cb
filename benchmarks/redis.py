"""A look-up in Redis beside a PING on the same connection, and beside the same questions asked one by one.

``DIALGUARD_REDIS_NUMBERS=258500000`` takes a registry of full size: 3 GB of file, 800 MB of lists and Redis, some minutes.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path

from benchmarks.timing import Contender, interleaved, show
from dialguard.facts import clock
from dialguard.lists.importing import import_list
from dialguard.model.history import Entry
from dialguard.model.moment import DAY
from dialguard.storage import redis_codec as codec
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.redis import RedisStore
from dialguard.storage.slots import Asked
from simulations import redis_servers, registry, whole_registry

LISTED, NUMBERS = int(os.environ.get("DIALGUARD_REDIS_NUMBERS", "1000000")), 2_000
SELLER = "acme"
PING = "PING"


def run(rounds: int) -> None:
    """Fill a server of its own and ask it."""
    if redis_servers.executable() is None:
        print("\nRedis: no redis-server here; left out")
        return
    now = clock.now()
    with tempfile.TemporaryDirectory(prefix="dg") as place:
        folder = Path(place)
        numbers = _fill(folder / "store", now)
        with redis_servers.server(folder) as server, _apart(server):
            for name, url in (("TCP", server.url + "?"), ("a Unix socket", f"unix://{server.socket}?db=0&")):
                store = RedisStore(f"{url}timeout=5", journal=folder / "store")
                _rebuild(store, server)
                _time(store, name, numbers, now, rounds)
                store.close()
            _bytes(server, folder / "store")


def _rebuild(store: RedisStore, server: redis_servers.Server) -> None:
    start = time.perf_counter()
    filled = store.journal.rebuild()
    took = time.perf_counter() - start
    with server.client() as client:
        used = client.info("memory")["used_memory"]
    print(f"\nRedis: {LISTED:,} numbers in bits of {filled.blocks} area codes filled in {took:.1f} s, {used / 1e6:,.0f} MB used in all")


@contextmanager
def _apart(server: redis_servers.Server) -> Iterator[None]:
    """The server on the first processor and we on the second: on one they would hand over without waking each other, which no
    two machines can."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield
        return
    ours = os.sched_getaffinity(0)
    first, second, *_ = sorted(ours)
    with server.client() as client:
        os.sched_setaffinity(client.info("server")["process_id"], {first})
    os.sched_setaffinity(0, {second})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def _fill(folder: Path, now: int) -> list[str]:
    """The national registry, a state's list, and a record with a consent, a relationship and six attempts a number."""
    today = date.fromordinal(clock.fixed(now, 0).ordinal)
    file = folder.parent / "national.txt"
    whole_registry.write(file, LISTED, 7)
    import_list(folder, "national", file, published=today, whole_plan=True, received_at=now)
    registry.write(file, registry.generate(100_000, 7, ["305", "786", "407"]))
    import_list(folder, "FL", file, published=today, received_at=now)
    numbers = [f"+1305{line}" for line in range(2_000_000, 2_000_000 + 997 * NUMBERS, 997)]
    store = EmbeddedStore(folder)
    common = [{"seller": SELLER, "number": number, "known_at": now} for number in numbers]
    store.record_many("consent", [{**each, "level": "express_written", "obtained_at": now - 90 * DAY} for each in common])
    store.record_many("relationship", [{**each, "last_transaction_at": now - 200 * DAY} for each in common])
    said = {"channel": "voice", "purpose": "telemarketing", "subject": "home solar", "outcome": "no_answer"}
    for days in range(6):
        store.record_many("attempt", [{**each, **said, "at": now - days * DAY - 1} for each in common])
    store.declare_complete(SELLER, now - 300 * DAY, known_at=now)
    store.close()
    return numbers


def _time(store: RedisStore, name: str, numbers: list[str], now: int, rounds: int) -> None:
    client = store.link.client(store.link.to.timeout)
    ids = count()

    def look_up(number: str) -> object:
        store.refresh()
        found = store.look_up(seller=SELLER, number=number, at=now)
        return found, store.list_answers("national", number[2:]), store.list_answers("FL", number[2:])

    def apart(number: str) -> object:
        """Each question by itself, as one would ask with redis-py: mark, rows, attempts, a bit a list."""
        tag = codec.tag_of(number)
        client.hmget(codec.mark_key(tag), "l", "w", "d", "s" + codec.short(SELLER))
        client.get(codec.number_key("r", SELLER, number))
        client.get(codec.number_key("a", SELLER, number))
        return [client.getbit(key, int(number[5:]) - 2_000_000) for key in bits]

    def reserve(number: str) -> object:
        asked = Asked(SELLER, number, None, f"call {next(ids)}", now, b"8 bytes.")
        with store.together() as table:
            return table.take(table.look(asked), asked, asked.attempt, Entry(now, number, "voice", "telemarketing", "home solar"))

    look_up(numbers[0])
    bits = store._asker.listing.asked("305").keys if store._asker.listing is not None else ()
    contenders = [
        Contender(PING, lambda _: client.ping(), numbers),
        Contender("dialguard, all facts of a decision", look_up, numbers),
        Contender("the same asked one by one, undecoded", apart, numbers),
        Contender("dialguard, all facts and a slot taken", reserve, numbers),
    ]
    show(f"Redis over {name}, one connection", interleaved(contenders, rounds * 4))


def _bytes(server: redis_servers.Server, folder: Path) -> None:
    with server.client() as client:
        key = codec.number_key("a", SELLER, "+13052000000")
        bits = [client.memory_usage(name) for name in client.keys("dg{*}b:*")]
        print(
            f"  an active number, six attempts: {client.memory_usage(key)} bytes by MEMORY USAGE; "
            f"an area code's bits: {statistics.median(bits):,.0f}"
        )
