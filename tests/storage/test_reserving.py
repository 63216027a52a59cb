"""Check and reserve: never one too many, the same answer to the same attempt, and places that nobody took up come back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialguard.model.history import Entry
from dialguard.model.moment import DAY, HOUR, SECOND
from dialguard.storage.embedded import EmbeddedStore
from dialguard.storage.memory import MemoryStore
from dialguard.storage.redis import RedisStore
from dialguard.storage.reserving import Limit, Reservation, reached

T = 1_700_000_000_000_000
A, B = "+13055550100", "+12125550102"
THREE = [Limit(T - DAY, 3)]


@pytest.fixture(params=["memory", "embedded", "redis", "cluster"])
def store(request, tmp_path):
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "embedded":
        made = EmbeddedStore(tmp_path)
    else:
        made = RedisStore(request.getfixturevalue("redis_url" if request.param == "redis" else "cluster_url"), journal=tmp_path)
        made.journal.rebuild()
    yield made
    made.close()


def reserve(store, attempt, *, number=A, at=T, limits=THREE, **more) -> Reservation:
    return store.reserve(seller="acme", number=number, attempt=attempt, at=at, limits=limits, **more)


def record(store, **more) -> str:
    return store.record_attempt(**{"seller": "acme", "number": A, "at": T - HOUR, "known_at": T, **more})


def test_places_are_granted_up_to_the_cap(store):
    record(store)
    assert [reserve(store, name).granted for name in ("a", "b", "c", "d")] == [True, True, False, False]
    assert reserve(store, "c")[2:4] == (0, 3)
    assert reserve(store, "e", number=B).granted
    assert reserve(store, "f", limits=[Limit(T - DAY, 4)]).granted


def test_the_same_attempt_takes_one_place_however_often_it_asks(store):
    first = reserve(store, "a")
    assert first.granted and not first.again
    assert reserve(store, "a") == first._replace(again=True)
    assert [reserve(store, name).granted for name in ("b", "c", "a", "d")] == [True, True, True, False]


def test_a_recorded_attempt_takes_the_place_of_its_reservation(store):
    limits = [Limit(T - DAY, 2)]
    assert reserve(store, "a", limits=limits).granted
    record(store, at=T, reference="a")
    assert reserve(store, "b", limits=limits).granted
    assert not reserve(store, "c", limits=limits).granted
    assert reserve(store, "a", limits=limits).again
    assert not store.release(seller="acme", number=A, attempt="a")


def test_a_released_place_is_free_again(store):
    limits = [Limit(T - DAY, 1)]
    assert reserve(store, "a", limits=limits).granted
    assert not reserve(store, "b", limits=limits).granted
    assert store.release(seller="acme", number=A, attempt="a")
    assert not store.release(seller="acme", number=A, attempt="a")
    assert reserve(store, "b", limits=limits).granted
    assert not reserve(store, "a", limits=limits).granted


def test_a_place_that_nobody_took_up_lapses(store):
    limits = [Limit(T - DAY, 1)]
    assert reserve(store, "a", limits=limits, lapse=SECOND // 5).granted
    time.sleep(0.3)
    assert reserve(store, "b", limits=limits).granted
    assert not reserve(store, "a", limits=limits).granted


def test_the_window_begins_just_after_its_start(store):
    record(store, at=T - DAY)
    assert reserve(store, "a", limits=[Limit(T - DAY, 1)]).granted
    record(store, number=B, at=T - DAY + 1)
    assert not reserve(store, "b", number=B, limits=[Limit(T - DAY, 1)]).granted


def test_sellers_are_counted_apart(store):
    record(store, seller="other")
    assert reserve(store, "a", limits=[Limit(T - DAY, 1)]).granted
    assert not store.reserve(seller="other", number=A, attempt="a", at=T, limits=[Limit(T - DAY, 1)]).granted


def test_a_field_that_does_not_exist_is_a_mistake(store):
    with pytest.raises(ValueError, match="expected one of channel"):
        reserve(store, "a", limits=[Limit(T - DAY, 1, [("chanel", ["voice"], True)])])
    with pytest.raises(ValueError, match="expected one of channel"):
        reserve(store, "a", colour="red")
    with pytest.raises(ValueError, match="lapse"):
        reserve(store, "a", lapse=0)


def test_of_a_thousand_at_once_none_too_many_is_granted(store):
    record(store)
    with ThreadPoolExecutor(16) as pool:
        granted = list(pool.map(lambda place: reserve(store, f"call {place // 2}").granted, range(1000)))
    names = {place // 2 for place, each in enumerate(granted) if each}
    assert len(names) == 2


FIELD = {
    "channel": st.sampled_from([None, "voice", "sms"]),
    "purpose": st.sampled_from([None, "telemarketing"]),
    "subject": st.sampled_from([None, "loans", "voice"]),
    "voice": st.sampled_from([None, "live"]),
    "outcome": st.sampled_from([None, "busy", "odd"]),
    "debt": st.sampled_from([None, "d1", "d2"]),
    "from_": st.sampled_from([None, "+18005550000"]),
}
ENTRY = st.fixed_dictionaries({"at": st.integers(T - 3 * DAY, T + HOUR), **FIELD})
NAMES = [name.rstrip("_") for name in FIELD]
LIMIT = st.builds(
    Limit,
    st.integers(T - 3 * DAY, T),
    st.integers(1, 4),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(["voice", "busy", "loans", "d1", "odd"]), max_size=2), st.booleans()),
        max_size=2,
    ),
    st.lists(st.sampled_from(NAMES), max_size=2),
    st.integers(0, 1),
)


@pytest.fixture(scope="module")
def shared(redis_server, tmp_path_factory):
    with redis_server.client() as client:
        client.flushall()
    made = RedisStore(f"{redis_server.url}?timeout=5", journal=tmp_path_factory.mktemp("shared"))
    made.journal.rebuild()
    yield made, iter(range(10**6))
    made.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRY, max_size=5), st.lists(LIMIT, max_size=3), ENTRY)
def test_redis_counts_as_the_definition_does(shared, entries, limits, own):
    store, numbers = shared
    number = f"+1305555{next(numbers):04}"
    store.record_many("attempt", [{"seller": "acme", "number": number, "known_at": T, **entry} for entry in entries])
    own.pop("outcome")
    mine = Entry(**own)
    expected = reached(limits, [Entry(to=number, **entry) for entry in entries], mine)
    given = reserve(store, "a", number=number, limits=limits, **{name: value for name, value in own.items() if name != "at"})
    assert (given.limit, given.counted) == (expected or (None, None))
    assert given.granted is (expected is None)


def test_an_active_number_takes_at_most_200_bytes(redis_url, redis_server, tmp_path):
    store = RedisStore(redis_url, journal=tmp_path)
    numbers = [f"+1305{line}" for line in range(2_000_000, 2_004_000)]
    with redis_server.client() as client:
        store.journal.rebuild()
        before = client.info("memory")["used_memory"]
        for place in range(6):
            said = {
                "seller": "acme",
                "known_at": T,
                "at": T - place * DAY - 7,
                "channel": "voice",
                "purpose": "telemarketing",
                "subject": "home solar",
            }
            rows = [{**said, "number": number, "outcome": ("no_answer", "busy")[place % 2]} for number in numbers]
            store.journal.store.record_many("attempt", rows)
        store.journal.rebuild()
        spent = (client.info("memory")["used_memory"] - before) / len(numbers)
        assert len(store.look_up(seller="acme", number=numbers[7], at=T).attempts) == 6
    assert spent <= 200
    store.close()
