"""``python -m benchmarks.service_load PORT KEY BODIES CONNECTIONS SECONDS FIRST RATE``: asks as fast as answers come, or RATE times a second
where that is not 0, and prints how often, in how many seconds, the 99th percentile in milliseconds (at a rate: from when it was time to
ask), and how many answers were not 200."""

import asyncio
import itertools
import json
import random
import sys
import time
from pathlib import Path

import uvloop


class _Connection(asyncio.Protocol):
    """Asks anew when an answer is whole."""

    def __init__(self, load: "_Load") -> None:
        self._load, self._left, self._began = load, -1, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._began = time.perf_counter() + random.random() * self._load.every
        self._next()

    def _next(self) -> None:
        late = time.perf_counter() - self._began
        if self._load.every and late < 0:
            asyncio.get_running_loop().call_later(-late, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        if not self._load.every:
            self._began = time.perf_counter()
        if self._began < self._load.end:
            self._transport.write(next(self._load.requests))
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            head, _, body = data.partition(b"\r\n\r\n")
            self._load.wrong += not head.startswith(b"HTTP/1.1 200")
            start = head.lower().index(b"content-length: ") + 16
            length = head.find(b"\r", start)
            self._left = int(head[start : length if length > 0 else None]) - len(body)
        else:
            self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self._load.times.append(time.perf_counter() - self._began)
            self._began += self._load.every
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.open -= 1
        if not self._load.open:
            self._load.done.set()


class _Load:
    def __init__(self, key: str, bodies: Path, seconds: float, first: int, every: float) -> None:
        self.every = every
        """Seconds between two questions on one connection; 0: as fast as answers come."""
        lines = bodies.read_bytes().splitlines()
        mark, first = random.randrange(10**9), first % len(lines)
        self.requests = (
            b"POST /v1/check HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
            % (key.encode(), len(body), body)
            for body in (
                line.replace(b'"call-', b'"%d-%d-' % (mark, number)) for number, line in enumerate(itertools.cycle(lines[first:] + lines[:first]))
            )
        )  # fmt: skip
        self.times: list[float] = []
        self.wrong = 0
        self.open = 0
        self.done = asyncio.Event()
        self.began = time.perf_counter()
        self.end = self.began + seconds


async def _main(port: int, key: str, bodies: Path, connections: int, seconds: float, first: int, rate: float) -> None:
    load = _Load(key, bodies, seconds, first, connections / rate if rate else 0.0)
    load.open = connections
    for _ in range(connections):
        await asyncio.get_running_loop().create_connection(lambda: _Connection(load), "127.0.0.1", port)
    await load.done.wait()
    spent, times = time.perf_counter() - load.began, sorted(load.times)
    print(json.dumps([len(times), spent, times[len(times) * 99 // 100] * 1000, load.wrong]))


if __name__ == "__main__":
    _, port, key, bodies, connections, seconds, first, rate = sys.argv
    uvloop.run(_main(int(port), key, Path(bodies), int(connections), float(seconds), int(first), float(rate)))
