"""The watch over the system's clock: when it is doubted, and when no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialguard.facts.clock import Peer, Watch, synchronised

SECOND = 1_000_000
NOON = 1_795_348_800 * SECOND


class Clocks:
    """Two clocks that a test sets, and what the watch over them said."""

    def __init__(self) -> None:
        self.wall, self.elapsed, self.kept, self.told = NOON, 5 * SECOND, False, []
        self.watch = Watch(self.told.append, wall=lambda: self.wall, elapsed=lambda: self.elapsed, kept=lambda: self.kept)

    def pass_(self, elapsed: float, wall: float | None = None) -> bool:
        """Lets time go on, by the two clocks; whether it is doubted then."""
        self.elapsed += round(elapsed * SECOND)
        self.wall += round((elapsed if wall is None else wall) * SECOND)
        return self.watch.doubt() is not None


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_clocks_that_agree_are_trusted(clocks):
    assert [clocks.pass_(seconds) for seconds in (0, 0.5, 86_400, 31_536_000)] == [False] * 4
    assert clocks.told == []


@pytest.mark.parametrize("sign", [1, -1])
def test_two_seconds_apart_are_trusted_and_a_microsecond_more_is_not(clocks, sign):
    assert clocks.pass_(10, 10 + sign * 2) is False
    assert clocks.pass_(10, 10 + sign * 0.000001) is True
    assert clocks.pass_(10, 10 - sign * 0.000001) is False
    assert len(clocks.told) == 2


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_step_is_doubted_until_it_is_undone(clocks, step):
    assert clocks.pass_(1, 1 + step) is True
    said = f"The system's clock was set by {step:+.1f} s, or drifts; until it can be trusted, the attempt is denied."
    assert clocks.watch.doubt() == said
    assert clocks.pass_(7200) is True  # nothing says that it is right
    assert clocks.pass_(1, 1 - step) is False
    assert clocks.told == [
        f"the system's clock is apart from the monotonic one by {step:+.1f} s: every attempt is denied",
        "the system's clock agrees with the monotonic one again, and is trusted",
    ]


def test_five_seconds_a_minute_are_doubted_after_24_seconds_and_stay_so(clocks):
    clocks.kept = True
    drift = 65 / 60
    assert clocks.pass_(24, 24 * drift) is False
    assert clocks.pass_(0.1, 0.1 * drift) is True
    assert all(clocks.pass_(5, 5 * drift) for _ in range(100))


def test_a_leap_second_is_no_step(clocks):
    assert clocks.pass_(1, 0) is False
    assert clocks.pass_(1, 2) is False


def test_a_steady_clock_is_trusted_anew_after_a_minute_where_it_is_synchronised(clocks):
    assert clocks.pass_(1, -3600) is True
    assert clocks.pass_(59.999999) is True
    assert clocks.pass_(0.000001) is True  # steady, and nobody keeps it
    clocks.kept = True
    assert clocks.pass_(0) is False
    assert clocks.pass_(1, 3600) is True  # it is measured against its new time
    assert clocks.told[1] == "the system's clock, set by -3601.0 s, is steady and synchronised, and is trusted anew"


def test_the_minute_begins_anew_with_each_change(clocks):
    clocks.kept = True
    assert clocks.pass_(1, 3600) is True
    assert clocks.pass_(59, 59.1) is True
    assert clocks.pass_(0.5, 0.500001) is True  # more than a tenth of a second from the first: the minute begins here
    assert clocks.pass_(59.999999) is True
    assert clocks.pass_(0.000001) is False


def test_a_process_held_up_between_the_two_clocks_reads_them_again():
    elapsed = iter([0, 0, 10 * SECOND, 40 * SECOND, 41 * SECOND, 41 * SECOND])
    wall = iter([NOON, NOON + 10 * SECOND, NOON + 41 * SECOND])
    watch = Watch(wall=lambda: next(wall), elapsed=lambda: next(elapsed))
    assert watch.doubt() is None  # the second reading took 30 s


def test_the_systems_own_clocks_agree():
    assert Watch().doubt() is None
    assert synchronised() in (True, False)


# -- another machine's clock


def peer(wall: int) -> Peer:
    return Peer("Redis", wall=lambda: wall)


@pytest.mark.parametrize(("ahead", "doubted"), [(0, False), (5 * SECOND, False), (-5 * SECOND, False), (5 * SECOND + 1, True), (-5 * SECOND - 1, True)])
def test_five_seconds_from_anothers_clock_are_trusted_and_a_microsecond_more_is_not(ahead, doubted):
    found = peer(NOON)
    assert found.doubt() is None  # nothing was heard yet
    found.heard(NOON - ahead, NOON)
    assert (found.doubt() is not None) is doubted
    found.heard(NOON, NOON)
    assert found.doubt() is None


def test_the_reason_names_the_other_clock():
    found = peer(NOON)
    found.heard(NOON + 7 * SECOND, NOON)
    assert found.doubt() == (
        "The system's clock is apart from that of Redis by -7.0 s; one of the two is wrong, and until they agree, the attempt is denied."
    )


hours = st.integers(-7200 * SECOND, 7200 * SECOND)
waits = st.integers(0, 30 * SECOND)


@given(ahead=hours, there=waits, back=waits)
def test_a_slow_answer_is_no_reason_to_doubt_and_hides_no_more_than_it_took(ahead, there, back):
    """The answer told its time ``there`` after it was asked for, and came ``back`` after that; our clock is ``ahead``."""
    found = peer(NOON + ahead + there + back)
    found.heard(NOON + there, NOON + ahead)
    if abs(ahead) <= 5 * SECOND:
        assert found.doubt() is None
    if abs(ahead) > 5 * SECOND + there + back:
        assert found.doubt() is not None
