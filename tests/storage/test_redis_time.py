"""The clock of Redis: one that stood still or was set back vouches for nothing, and one that is not ours denies."""

from __future__ import annotations

import time

import pytest

from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.moment import SECOND
from dialguard.model.records import LookUpFailed
from dialguard.storage import redis_time
from dialguard.storage.redis import RedisStore
from dialguard.storage.redis_time import Times
from tests.storage.test_redis_faults import A, T, filled, folder  # noqa: F401 - fixtures

LENGTH = 1_500_000
NOON = 1_795_348_800 * SECOND
BACK = "stood still or was set back"


class Clocks:
    """Our monotonic one and that of Redis, which a test sets; our other one agrees with Redis."""

    def __init__(self, monkeypatch, one: bool = True) -> None:
        self.ours, self.redis = 7 * SECOND, NOON
        monkeypatch.setattr(redis_time, "_elapsed", lambda: self.ours)
        monkeypatch.setattr(clock, "now", lambda: self.redis)
        self.times = Times(one)
        self.times.peer = clock.Peer("Redis", wall=clock.now)

    def pass_(self, ours: int, redis: int | None = None) -> None:
        self.ours += ours
        self.redis += ours if redis is None else redis

    def counts(self, there: int = 0, back: int = 0, tag: str = "305", length: int = LENGTH) -> bool:
        """Whether a lease counts that is asked for now, of which Redis is told ``there`` later and we ``back`` after that."""
        before = self.times.before()
        self.pass_(there)
        said = self.redis
        self.pass_(back)
        try:
            self.times.heard(said, length, tag, before)
            return True
        except LookUpFailed as error:
            assert BACK in str(error)
            return False


@pytest.fixture
def clocks(monkeypatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.mark.parametrize(("fallen", "counts"), [(100_000, True), (100_001, False)])
def test_a_clock_that_falls_back_by_a_tenth_of_a_second_vouches_and_a_microsecond_more_does_not(clocks, fallen, counts):
    assert clocks.counts()
    clocks.pass_(0, -fallen)
    assert clocks.counts() is counts


@pytest.mark.parametrize(("waited", "counts"), [(1_700_000, False), (1_700_001, True)])
def test_it_vouches_again_when_every_lease_from_before_is_over(clocks, waited, counts):
    assert clocks.counts()
    clocks.pass_(SECOND, 0)
    assert not clocks.counts()
    clocks.pass_(waited)
    assert clocks.counts() is counts


def test_of_a_clock_in_step_and_of_one_set_forward_all_leases_count(clocks):
    assert all(clocks.counts() for _ in range(5) if clocks.pass_(3 * SECOND) is None)
    clocks.pass_(0, 3600 * SECOND)
    assert clocks.counts()


def test_a_clock_that_is_slower_by_a_hundredth_vouches(clocks):
    for _ in range(50):
        clocks.pass_(100 * SECOND, 99 * SECOND)
        assert clocks.counts()


def test_a_slow_answer_is_none_of_a_clock_that_stood_still(clocks):
    for there, back in ((0, 0), (3 * SECOND, 0), (0, 3 * SECOND), (0, 0), (5 * SECOND, 5 * SECOND), (0, 0)):
        assert clocks.counts(there, back)


def test_where_no_lease_is_asked_for_nothing_depends_on_it(clocks):
    assert clocks.counts(length=0)
    clocks.pass_(3600 * SECOND, 0)
    assert clocks.counts(length=0)


def test_each_server_of_a_cluster_has_its_own_clock(monkeypatch):
    clocks = Clocks(monkeypatch, one=False)
    assert clocks.counts(tag="305")
    clocks.pass_(0, -60 * SECOND)
    assert clocks.counts(tag="212")
    assert not clocks.counts(tag="305")


def test_a_store_without_the_folder_takes_no_lease_from_before_a_pause(filled, redis_url, monkeypatch):  # noqa: F811
    """To Redis that was paused with its machine, our clock ran ahead."""
    bare, ahead, real = RedisStore(redis_url), [0], redis_time._elapsed
    monkeypatch.setattr(redis_time, "_elapsed", lambda: real() + ahead[0])
    bare.look_up(seller="acme", number=A, at=T)
    ahead[0] = SECOND
    with pytest.raises(LookUpFailed, match=BACK):
        bare.look_up(seller="acme", number=A, at=T)
    with bare.still():
        bare.refresh()
        bare.expect("acme", [A, "+13055550101"])
        with pytest.raises(LookUpFailed, match=BACK):
            bare.look_up(seller="acme", number=A, at=T)
    filled.look_up(seller="acme", number=A, at=T)
    bare.close()


@pytest.mark.parametrize(("apart", "counts"), [(4, True), (-6, False), (6, False)])
def test_a_lease_counts_only_by_a_clock_that_is_ours(filled, redis_url, monkeypatch, apart, counts):  # noqa: F811
    """Redis that was paused for long, for a client that asks for the first time."""
    real = time.time_ns
    monkeypatch.setattr(clock.time, "time_ns", lambda: real() + apart * 10**9)
    bare = RedisStore(redis_url)
    try:
        bare.look_up(seller="acme", number=A, at=T)
        assert counts
    except LookUpFailed as error:
        assert not counts and "apart from that of Redis" in str(error)
    bare.close()


@pytest.mark.parametrize("knows", [True, False], ids=["with the folder", "without it"])
@pytest.mark.parametrize("apart", [6, -6, 3600])
def test_a_clock_that_is_wrong_from_the_start_denies_until_it_agrees_with_that_of_redis(filled, redis_url, monkeypatch, knows, apart):  # noqa: F811
    real, ahead = time.time_ns, [apart]
    monkeypatch.setattr(clock.time, "time_ns", lambda: real() + ahead[0] * 10**9)
    store = filled if knows else RedisStore(redis_url)
    guard = Guard(store, watch=clock.Watch())
    attempt = {
        "to": A, "channel": "voice", "at": "2023-11-14T17:00:00Z",
        "campaign": {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"},
    }  # fmt: skip

    def kinds() -> set[str]:
        return {reason["kind"] for answer in guard.check_together([attempt, {**attempt, "to": "+13055550101"}]) for reason in answer.reasons}

    assert {"clock_untrusted"} <= kinds()
    ahead[0] = 0
    guard._watch = clock.Watch()  # that one saw the step
    kinds()  # hears that they agree
    assert "clock_untrusted" not in kinds()
    store.close()
