"""The line to Redis: one server or a cluster, short timeouts, no second try in line, and every trouble told as ``LookUpFailed``."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    MaxConnectionsError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from dialguard.model.records import LookUpFailed
from dialguard.storage.redis_line import Line
from dialguard.storage.redis_scripts import Script
from dialguard.storage.redis_url import Address

T = TypeVar("T")

BULK_TIMEOUT = 5.0
"""Seconds for what is asked in lots: bits of an area code, filling, verifying. Writing through waits no longer than a second, and a tenth
where Redis is known to be away."""
WRITE_TIMEOUT, HURRIED = 1.0, 0.1
TLS_TIMEOUT = 0.25
"""Seconds at least for a connection with TLS to be made."""
CONNECTIONS = 64
FAILURES, PAUSE = 3, 0.5
"""After so many failures in a row Redis is not asked for so many seconds."""

_DOWN = (redis.ConnectionError, redis.TimeoutError, ClusterDownError, ClusterError, RedisClusterException, OSError)


class _Breaker:
    """Counts failures in a row; while it is open, nobody asks."""

    __slots__ = ("failures", "until")

    def __init__(self) -> None:
        self.failures, self.until = 0, 0.0


class Link:
    """Runs scripts and commands. Safe to share between threads; connections are made when they are needed."""

    def __init__(self, to: Address) -> None:
        self.to = to
        self._clients: dict[float, Any] = {}
        self._lock = threading.Lock()
        self._breakers: dict[str, _Breaker] = {}
        self._sound = False
        self._local = threading.local()
        self._turn = 0

    def look(self, script: Script, keys: Sequence[str], args: Sequence[Any], tag: str) -> Any:
        """Runs a script for a look-up: within the short timeout, and not at all while Redis is known to be away.

        Raises LookUpFailed.
        """
        breaker = self._breakers.get(tag if self.to.cluster else "")
        if breaker is not None and breaker.failures >= FAILURES:
            with self._lock:
                if time.monotonic() < breaker.until:
                    raise LookUpFailed(
                        f"Redis at {self.to.shown} did not answer {breaker.failures} times in a row; it is asked again within {PAUSE:g} s"
                    )
                breaker.until = time.monotonic() + PAUSE  # one asks, and the others wait for how it goes
        try:
            if self.to.cluster:
                if not self._sound:
                    self.check(self.to.timeout)
                answer = self._run(self.client(self.to.timeout), script, keys, args)
            else:
                answer = self._straight(script, keys, args)
        except _DOWN as error:
            self._failed(tag)
            raise self.explained(error) from error
        except RedisError as error:
            raise self.explained(error) from error
        if breaker is not None:
            breaker.failures = 0
        return self._sane(answer)

    def look_ahead(self, script: Script, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """What ``look`` would answer to several calls, or the LookUpFailed that it would raise, asked together on this thread's connection; None
        in the place of what is to be looked for by itself, which may be all."""
        held: Line | None = getattr(self._local, "own", None)
        if self.to.cluster or held is None or not held.usable or held.turn != self._turn or self.away:
            return [None] * len(calls)
        try:
            found = held.ask_many(script, calls)
        except redis.TimeoutError as error:
            self._local.own = None
            self._failed("")
            return [self.explained(error)] * len(calls)
        except (RedisError, OSError):  # closed by the other end since it was used last
            self._local.own = None
            return [None] * len(calls)
        return [answer if type(answer) is bytes else None for answer in found]

    @property
    def away(self) -> bool:
        """Whether Redis is known to be away, and is left alone for a moment. Of a cluster only parts are."""
        breaker = self._breakers.get("")
        return breaker is not None and breaker.failures >= FAILURES and time.monotonic() < breaker.until

    def patience(self, seconds: float = WRITE_TIMEOUT) -> float:
        """How long to wait for what is recorded to be taken: a look-up that timed out may have found but a busy machine, and others must
        not go on reading what was before."""
        return HURRIED if self.away else seconds

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Any], timeout: float = BULK_TIMEOUT) -> Any:
        """Runs a script with time to spare. Raises LookUpFailed."""
        return self._sane(self.ask(lambda client: self._run(client, script, keys, args), timeout))

    def ask(self, question: Callable[[Any], T], timeout: float = BULK_TIMEOUT) -> T:
        """The answer of a client of redis-py. Raises LookUpFailed."""
        try:
            if not self._sound:
                self.check(timeout)
            return question(self.client(timeout))
        except (RedisError, OSError) as error:
            if isinstance(error, _DOWN):
                self._sound = False
                if not self.to.cluster:
                    self._failed("")
            raise self.explained(error) from error

    def run_many(
        self, script: Script, calls: Iterable[tuple[Sequence[str], Sequence[Any]]], timeout: float = BULK_TIMEOUT
    ) -> list[Any]:
        """Runs a script many times, all in one go. Raises LookUpFailed."""

        def together(client: Any) -> list[Any]:
            if self.to.cluster:
                pipeline = client.pipeline()
                for keys, args in calls:  # a pipeline over many nodes takes no script by its name
                    node = client.get_node_from_key(keys[0])  # not told, the client asks a server for each call in turn
                    pipeline.execute_command("EVAL", script.text, len(keys), *keys, *args, target_nodes=node)
                return pipeline.execute()
            client.script_load(script.text)
            pipeline = client.pipeline(transaction=False)
            for keys, args in calls:
                pipeline.evalsha(script.sha, len(keys), *keys, *args)
            return pipeline.execute()

        calls = list(calls)
        return self.ask(together, timeout) if calls else []

    def run_by_node(self, script: Script, calls: Sequence[tuple[Sequence[str], Sequence[Any]]], timeout: float) -> list[Any]:
        """As ``run_many``, and by the script's name on a cluster too, where each node answers for itself. Raises LookUpFailed."""
        if not self.to.cluster:
            return self.run_many(script, calls, timeout)

        def each(client: Any) -> list[Any]:
            nodes: dict[Any, list[int]] = {}
            for place, (keys, _) in enumerate(calls):
                nodes.setdefault(client.get_node_from_key(keys[0]).name, []).append(place)
            found: list[Any] = [None] * len(calls)
            for name, places in nodes.items():
                own = client.get_redis_connection(client.get_node(node_name=name))
                own.script_load(script.text)
                pipeline = own.pipeline(transaction=False)
                for place in places:
                    keys, args = calls[place]
                    pipeline.evalsha(script.sha, len(keys), *keys, *args)
                for place, answer in zip(places, pipeline.execute(), strict=True):
                    found[place] = answer
            return found

        try:
            return self.ask(each, timeout)
        except LookUpFailed as error:
            if isinstance(error.__cause__, ResponseError):  # another node has a slot now, and the client finds out which
                return self.run_many(script, calls, timeout)
            raise

    def scan(self, pattern: str) -> Iterator[list[bytes]]:
        """The names of all keys of a pattern, some at a time, from every node. Raises LookUpFailed."""
        if self.to.cluster:
            nodes = self.ask(lambda client: [client.get_redis_connection(node) for node in client.get_primaries()])
        else:
            nodes = [None]
        for node in nodes:
            cursor = 0
            while True:
                at = cursor
                cursor, names = self.ask(lambda client: (node or client).scan(at, pattern, 5000))
                yield names
                if cursor == 0:
                    break

    def info(self, timeout: float = BULK_TIMEOUT) -> list[dict[str, Any]]:
        """What each server says of itself. Raises errors of redis-py."""
        client = self.client(timeout)
        if not self.to.cluster:
            return [client.info()]
        return [client.get_redis_connection(node).info() for node in client.get_primaries()]

    def check(self, timeout: float = BULK_TIMEOUT) -> None:
        """Looks once at what no answer would show: a replica, or a server that drops keys when it is full. Raises LookUpFailed."""
        for about in self.info(timeout):
            self._check(about)
        self._sound = True

    def _check(self, about: Mapping[str, Any]) -> None:
        if "role" not in about:
            raise LookUpFailed(f"what answers at {self.to.shown} is no Redis, or something between changed its answer")
        if about["role"] != "master":
            raise LookUpFailed(f"Redis at {self.to.shown} is a replica, which may lag behind; name the primary")
        if int(about.get("maxmemory", 0)) and about.get("maxmemory_policy") != "noeviction":
            raise LookUpFailed(
                f"Redis at {self.to.shown} drops keys when it is full (maxmemory-policy {about.get('maxmemory_policy')}), "
                "and a dropped revocation would read as none; set maxmemory-policy noeviction"
            )

    def client(self, timeout: float) -> Any:
        """The client of redis-py with this timeout."""
        found = self._clients.get(timeout)
        if found is None:
            with self._lock:
                found = self._clients.get(timeout)
                if found is None:
                    found = self._clients[timeout] = self._make(timeout)
        return found

    def close(self) -> None:
        """Closes all connections; a later call opens new ones."""
        with self._lock:
            for client in self._clients.values():
                try:
                    client.close()
                except (RedisError, OSError):
                    pass  # it is given up either way
            self._clients.clear()
            self._sound = False
            self._turn += 1  # other threads let go of their connections when they ask again
            own: Line | None = getattr(self._local, "own", None)
            if own is not None and own.usable:
                own.close()
            self._local.own = None

    def _make(self, timeout: float) -> Any:
        # A handshake of TLS takes some trips and some milliseconds of its own.
        connecting = max(timeout, TLS_TIMEOUT) if self.to.url.startswith("rediss:") else timeout
        options: dict[str, Any] = dict(
            socket_timeout=timeout, socket_connect_timeout=connecting, retry=Retry(NoBackoff(), 0), max_connections=CONNECTIONS
        )
        try:
            if self.to.cluster:
                return RedisCluster.from_url(self.to.url, **options)
            return redis.Redis.from_url(self.to.url, **options)
        except (TypeError, ValueError) as error:
            raise LookUpFailed(f"the Redis URL {self.to.shown}: {error}") from None

    def _sane(self, answer: Any) -> Any:
        """An answer that our scripts may have given: a string, or a list that begins with a word."""
        if type(answer) is bytes or (type(answer) is list and answer and type(answer[0]) is bytes):
            return answer
        raise LookUpFailed(f"what answers at {self.to.shown} is no Redis, or something between changed its answer")

    def _straight(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Runs a script on this thread's own connection; a new one is looked at first."""
        held: Line | None = getattr(self._local, "own", None)
        if held is not None and held.usable:
            if held.turn == self._turn:
                try:
                    return held.ask(script, keys, args)
                except redis.TimeoutError:
                    self._local.own = None
                    raise
                except redis.ConnectionError:
                    pass  # closed by the other end since it was used last; scripts may be run twice
            else:
                held.close()
        self._local.own = None
        made = Line(self.client(self.to.timeout).connection_pool, self.to.timeout, self._turn)
        try:
            self._check(made.about())
            answer = made.ask(script, keys, args)
        except ResponseError:
            self._local.own = made
            raise
        except BaseException:
            made.close()
            raise
        self._local.own = made
        return answer

    @staticmethod
    def _run(client: Any, script: Script, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        try:
            return client.evalsha(script.sha, len(keys), *keys, *args)
        except NoScriptError:  # a server that was started anew; sent whole, it remembers
            return client.eval(script.text, len(keys), *keys, *args)

    def _failed(self, tag: str) -> None:
        breaker = self._breakers.setdefault(tag if self.to.cluster else "", _Breaker())
        breaker.failures += 1
        breaker.until = time.monotonic() + PAUSE
        self._sound = False

    def explained(self, error: BaseException) -> LookUpFailed:
        """What a client's error means and what to do, without any value of the command."""
        where = f"Redis at {self.to.shown}"
        for kinds, text in _MEANINGS:
            if isinstance(error, kinds):
                return LookUpFailed(f"{where} {text}")
        if isinstance(error, ResponseError):
            words = _WORDS.search(str(error))  # an error within a script stands in the midst of its text
            word = words[0] if words else ""
            return LookUpFailed(f"{where} {_REFUSALS.get(word) or f'refused the question ({word or type(error).__name__})'}")
        return LookUpFailed(f"{where}: {type(error).__name__}")


_WORDS = re.compile(r"\b(READONLY|OOM|LOADING|MISCONF|WRONGTYPE|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|BUSY|NOPERM|CROSSSLOT)\b")
_REFUSALS = {
    "READONLY": "is read-only; name the primary",
    "OOM": "is out of memory; raise maxmemory",
    "LOADING": "is loading its data; try again when it has",
    "MISCONF": "cannot save its data and takes no writes; see its log",
    "NOREPLICAS": "has lost its replicas and takes no writes (min-replicas-to-write)",
    "WRONGTYPE": "holds a value of another type where ours belongs; run `dialguard redis rebuild`",
    "CROSSSLOT": "is a cluster; add cluster=yes to the URL",
}
_MEANINGS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (MaxConnectionsError, f"has all {CONNECTIONS} connections of this process in use"),
    (BusyLoadingError, "is loading its data; try again when it has"),
    ((AuthenticationError, NoPermissionError), "refused user or password, or this user may not do that"),
    (ReadOnlyError, "is read-only; name the primary"),
    (OutOfMemoryError, "is out of memory; raise maxmemory"),
    (redis.TimeoutError, "did not answer in time"),
    ((ClusterDownError, ClusterError, RedisClusterException), "is a cluster that cannot answer now, or none; see cluster=yes"),
    ((redis.ConnectionError, OSError), "cannot be reached, or cut the connection"),
)


def amiss(word: bytes, since: bytes | None = None) -> LookUpFailed:
    """What a script found amiss, in place of an answer; ``since``: for how many microseconds."""
    if word == b"lapsed":
        how_long = "yet" if since is None else f"for {int(since) / 1_000_000:.1f} s"
        return LookUpFailed(
            f"nobody who knows the folder has vouched for Redis {how_long}, so that it may lack what was recorded; have `dialguard serve` "
            "or `dialguard redis keep` run beside the folder, or add journal=FOLDER to the URL"
        )
    if word == b"anew":
        return LookUpFailed(
            "Redis was started anew or another server took over, and what it may have lost has not been sent again yet; any store that "
            "knows the folder does so, or run `dialguard redis sync`"
        )
    if word == b"empty":
        return LookUpFailed("Redis holds nothing for this area code, or was not filled to the end; run `dialguard redis rebuild`")
    if word == b"other":
        return LookUpFailed("Redis was filled from another folder than the one named; run `dialguard redis rebuild` with the right one")
    if word == b"block":
        return LookUpFailed("the bits of a list are missing in Redis, or not whole; run `dialguard redis rebuild`")
    return LookUpFailed("Redis was filled by another version of DialGuard; run `dialguard redis rebuild` with this one")
