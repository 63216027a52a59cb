"""A line to a server that can be made slow, narrow or broken: a process of its own, told by lines on its standard input.

    python -m simulations.faults.proxy PORT

prints the port that it listens on. The lines: ``whole`` as it is, ``slow SECONDS`` before each answer, ``narrow BYTES`` of answers a second,
``reset`` cuts every connection as soon as something is asked, ``half`` gives half an answer and no more, ``to PORT`` leads elsewhere
(and cuts what is open, as a switch of addresses does).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress

_PIECES = 50
"""A narrow line gives so many pieces a second."""


class _Proxy:
    def __init__(self, port: int) -> None:
        self.port, self.way, self.much = port, "whole", 0.0
        self.open: set[asyncio.StreamWriter] = set()

    def tell(self, line: str) -> None:
        way, _, much = line.strip().partition(" ")
        if way == "to":
            self.port = int(much)
            for writer in self.open:
                writer.transport.abort()
        elif way in ("whole", "slow", "narrow", "reset", "half"):
            self.way, self.much = way, float(much or 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self.open |= {writer, back}
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.wait(
                [asyncio.create_task(self._ask(reader, back, writer)), asyncio.create_task(self._answer(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        for each in (writer, back):
            self.open.discard(each)
            each.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while asked := await reader.read(65536):
                if self.way == "reset":
                    return
                back.write(asked)
                await back.drain()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await there.read(65536):
                if self.way == "slow":
                    await asyncio.sleep(self.much)
                if self.way == "half":
                    writer.write(said[: len(said) // 2])
                    await asyncio.sleep(3600)
                while self.way == "narrow" and said:
                    piece = max(1, int(self.much / _PIECES))
                    writer.write(said[:piece])
                    said = said[piece:]
                    await asyncio.sleep(1 / _PIECES)
                writer.write(said)
                await writer.drain()


async def _run(port: int) -> None:
    proxy = _Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        proxy.tell(line.decode())
        print("done", flush=True)


class Line:
    """A proxy in a process of its own, so that it takes no time from those who measure."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "simulations.faults.proxy", str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None and self._process.stdin is not None
        self.port = int(self._process.stdout.readline())

    def tell(self, line: str) -> None:
        """Changes the line, and waits until it is so."""
        assert self._process.stdout is not None and self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1])))
