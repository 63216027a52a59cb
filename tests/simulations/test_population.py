"""Numbers fall on states and area codes as people do."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.population import (
    STATE_POPULATION,
    Numbers,
    apportion,
    area_code_weights,
    area_codes,
    exchanges,
    subscriber_number,
)


def test_state_populations_add_up_to_the_census_count() -> None:
    territories = {"PR", "GU", "VI", "AS", "MP"}
    assert len(STATE_POPULATION) == 56
    # 331,449,281 residents of the fifty states and DC; 51 roundings.
    assert abs(sum(n for s, n in STATE_POPULATION.items() if s not in territories) - 331_449) <= 10


def test_states_have_their_share_of_the_numbers() -> None:
    numbers = Numbers(Random(1))
    drawn = Counter(area_codes()[numbers.draw()[:3]]["state"] for _ in range(40_000))
    people = sum(STATE_POPULATION.values())
    for state in ("CA", "TX", "FL", "NY", "PA", "OH", "OR", "MS", "WY"):
        expected = 40_000 * STATE_POPULATION[state] / people
        assert abs(drawn[state] - expected) < 5 * expected**0.5, state
    assert set(drawn) >= set(STATE_POPULATION) - {"AS", "MP", "VI", "GU"}


def test_every_state_keeps_its_population_over_its_codes() -> None:
    of_state: Counter[str] = Counter()
    for code, weight in area_code_weights().items():
        of_state[area_codes()[code]["state"]] += weight
    for state, people in STATE_POPULATION.items():
        assert of_state[state] == pytest.approx(people * 1_000_000, rel=1e-6)


def test_overlays_weigh_less_than_the_code_they_joined() -> None:
    weights = area_code_weights()
    assert weights["212"] > weights["646"] > weights["332"] > 0
    assert weights["305"] > weights["786"]


def test_planned_codes_have_no_subscribers() -> None:
    planned = [code for code in ("565", "761") if code in area_codes()]
    assert planned == []


def test_numbers_are_ones_that_a_subscriber_can_have() -> None:
    numbers = Numbers(Random(2))
    for _ in range(3_000):
        number = numbers.draw()
        assert len(number) == 10 and number.isdigit()
        assert number[:3] in area_codes()
        assert number[3] in "23456789" and number[4:6] != "11" and number[3:6] != "555"
        assert subscriber_number(number) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2122345678", "2122345678"),
        ("+1 (212) 234-5678", "2122345678"),
        ("1-212-234-5678", "2122345678"),
        ("212.234.5678 ext. 12", "2122345678"),
        ("(212)234-5678 x123", "2122345678"),
        ("212234567", None),
        ("21223456789", None),
        ("2129115678", None),
        ("2125555678", None),
        ("9992345678", None),
        ("8002345678", None),
        ("+44 20 7946 0123", None),
        ("", None),
        ("N/A", None),
    ],
)
def test_a_written_number_is_read(written: str, number: str | None) -> None:
    assert subscriber_number(written) == number


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 30)), min_size=1, max_size=20), st.data())
def test_apportioning_loses_and_invents_nothing(parts: list[tuple[int, int]], data: st.DataObject) -> None:
    weights, room = [w for w, _ in parts], [r for _, r in parts]
    total = data.draw(st.integers(0, sum(room)))
    split = apportion(total, weights, room)
    assert sum(split) == total
    assert all(0 <= part <= most for part, most in zip(split, room, strict=True))


def test_apportioning_follows_the_weights_and_refuses_what_does_not_fit() -> None:
    assert apportion(10, [1, 1, 3], [99, 99, 99]) == [2, 2, 6]
    assert apportion(10, [1, 1, 3], [99, 99, 4]) == [3, 3, 4]
    with pytest.raises(ValueError, match="11 do not fit into room for 10"):
        apportion(11, [1, 1], [5, 5])


def test_exchanges_are_those_of_the_numbering_plan() -> None:
    assert exchanges()[0] == 200 and exchanges()[-1] == 999
    assert not {211, 911, 555, 976} & set(exchanges())
    assert len(exchanges()) == 800 - 8 - 5
