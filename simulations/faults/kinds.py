"""The faults: what is done to a server, and how it is repaired."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dialguard.model.records import LookUpFailed
from dialguard.storage.redis import RedisStore
from simulations import redis_servers
from simulations.faults.proxy import Line
from simulations.faults.world import SELLER, World
from simulations.redis_servers import Server


def _nothing(_scene: Scene) -> None: ...


@dataclass(frozen=True)
class Fault:
    """A fault: what is done a second before it, at it, and to repair it. ``silent``: nothing usable is answered; ``once``: it
    cannot be repeated."""

    name: str
    fault: Callable[[Scene], None]
    repair: Callable[[Scene], None]
    before: Callable[[Scene], None] = _nothing
    silent: bool = False
    once: bool = False
    cluster: bool = False


class Scene:
    """A world, its Redis and the line to it."""

    def __init__(self, world: World, nodes: list[Server], line: Line | None, timeout: float | None) -> None:
        self.world, self.nodes, self.line = world, nodes, line
        self.server = nodes[0]
        self.replica: Server | None = None
        url = f"redis://127.0.0.1:{line.port if line is not None else self.server.port}/0"
        self.url = f"{url}?cluster=yes" if line is None else url
        # Time enough where the machine has other work; the figures say with which it was measured.
        self.knowing = RedisStore(self.url, journal=world.folder, timeout=timeout)
        self.bare = RedisStore(self.url, timeout=timeout)
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self.knowing.keeper().run, args=(self._stop,))

    def keep(self) -> None:
        """Somebody vouches for Redis from now on, for those without the folder."""
        self._keeper.start()
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            try:
                self.bare.look_up(seller=SELLER, number=self.world.numbers[0].text, at=1)
                return
            except LookUpFailed:
                time.sleep(0.01)

    def close(self) -> None:
        """Ends what runs."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self.bare.close()
        self.knowing.close()

    def tell(self, line: str) -> None:
        """Changes the line to the server."""
        assert self.line is not None
        self.line.tell(line)

    def set(self, name: str, value: str) -> None:
        """A setting of the server."""
        with self.server.client() as client:
            client.config_set(name, value)

    def mend(self) -> None:
        """What an operator does once the server is back: a rebuild where data are gone, again until the cluster has come together."""
        ends = time.monotonic() + 30
        while True:
            try:
                self.knowing.journal.rebuild(replace=True)
                return
            except LookUpFailed:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def file(self) -> Path:
        """Where the server saves."""
        return self.server.folder / "dump.rdb"


def _save(scene: Scene) -> None:
    with scene.server.client() as client:
        client.save()


def _flush(scene: Scene) -> None:
    with scene.server.client() as client:
        client.flushall()


def _swap(scene: Scene) -> None:
    with scene.server.client() as client:
        client.swapdb(0, 1)


def _part(scene: Scene) -> None:
    """The replica hears no more: what comes now is on the primary alone."""
    assert scene.replica is not None
    with scene.replica.client() as client:
        client.replicaof("NO", "ONE")


def _take_over(scene: Scene) -> None:
    assert scene.replica is not None
    scene.tell(f"to {scene.replica.port}")


def _replica_of(scene: Scene, *of: str | int) -> None:
    with scene.server.client() as client:
        client.replicaof(*of)


def _load_slowly(scene: Scene) -> None:
    _save(scene)
    scene.server.kill()
    scene.server.start("--key-load-delay", "50000", "--loading-process-events-interval-bytes", "1024", waiting=False)


def _load_quickly(scene: Scene) -> None:
    scene.server.kill()
    scene.server.start()


def _cannot_save(scene: Scene) -> None:
    scene.file().unlink(missing_ok=True)
    scene.file().mkdir()  # the file that it saves cannot take its place
    scene.set("save", "3600 1")
    with scene.server.client() as client:
        client.bgsave()


def _can_save(scene: Scene) -> None:
    os.rmdir(scene.file())
    with scene.server.client() as client:
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
    _save(scene)
    scene.set("save", "")


def _shard(scene: Scene) -> Server:
    """The node of the first area code."""
    with scene.server.client() as client:
        slot = client.execute_command("CLUSTER", "KEYSLOT", "dg{313}")
    return scene.nodes[min(2, slot * 3 // 16_384)]


FAULTS = (
    Fault("killed, back from its file", lambda s: s.server.kill(), lambda s: s.server.start(), before=_save, silent=True),
    Fault("killed, back empty", lambda s: s.server.kill(), lambda s: (s.server.start(), s.mend()), silent=True),
    Fault("FLUSHALL", _flush, Scene.mend),
    Fault("wrong database", _swap, _swap),
    Fault("answers 200 ms late", lambda s: s.tell("slow 0.2"), lambda s: s.tell("whole"), silent=True),
    Fault("1 kB/s", lambda s: s.tell("narrow 1000"), lambda s: s.tell("whole"), silent=True),
    Fault("connections reset", lambda s: s.tell("reset"), lambda s: s.tell("whole"), silent=True),
    Fault("half a reply", lambda s: s.tell("half"), lambda s: s.tell("whole"), silent=True),
    Fault("failover, last second lost", lambda s: s.server.kill(), _take_over, before=_part, once=True, silent=True),
    Fault("READONLY", lambda s: _replica_of(s, "127.0.0.1", 1), lambda s: _replica_of(s, "NO", "ONE")),
    Fault("LOADING", _load_slowly, _load_quickly, silent=True),
    Fault("OOM", lambda s: s.set("maxmemory", "1"), lambda s: s.set("maxmemory", "0")),
    Fault("MISCONF", _cannot_save, _can_save),
    Fault("a shard is missing", lambda s: _shard(s).kill(), lambda s: (_shard(s).start(), s.mend()), cluster=True),
)


@contextmanager
def scene(fault: Fault, lines: int, timeout: float | None) -> Iterator[Scene]:
    """A world and its Redis, filled."""
    with tempfile.TemporaryDirectory(prefix="dgf") as place, ExitStack() as stack:
        folder = Path(place)
        world = World(folder, lines)
        if fault.cluster:
            made = Scene(world, stack.enter_context(redis_servers.cluster(folder)), None, timeout)
        else:
            server = stack.enter_context(redis_servers.server(folder))
            line = Line(server.port)
            stack.callback(line.close)
            made = Scene(world, [server], line, timeout)
            if fault.before is _part:
                (folder / "replica").mkdir()
                made.replica = stack.enter_context(redis_servers.server(folder / "replica"))
        stack.callback(made.close)
        made.knowing.journal.rebuild()
        if made.replica is not None:
            with made.replica.client() as client:
                client.replicaof("127.0.0.1", made.server.port)
                while client.info("replication").get("master_link_status") != "up":
                    pass
        made.keep()
        yield made
