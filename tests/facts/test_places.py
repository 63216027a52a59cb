"""Where a called person may be: all evidence adds up, and only a verified address stands alone."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from dialguard.facts import regions
from dialguard.facts.numbers import load_area_codes, parse
from dialguard.facts.places import Place, candidates, state_zones
from dialguard.facts.regions import STATES, ZONES, canonical_zone, county_zones, zip_places

DATA = files("dialguard").joinpath("data")
US = list(csv.DictReader(DATA.joinpath("npa.csv").read_text("utf-8").splitlines()))
SAME_CLOCK = {"America/St_Thomas": "America/Puerto_Rico", "Pacific/Saipan": "Pacific/Guam"}


def zones_of(row: dict[str, str]) -> set[str]:
    return {SAME_CLOCK.get(zone, zone) for zone in row["timezones"].split("|")}


E, C, M, P = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
AZ, AK, ADAK, HI = "America/Phoenix", "America/Anchorage", "America/Adak", "Pacific/Honolulu"

NYC, NASHVILLE, MIAMI, PANHANDLE = (parse(npa + "5550123") for npa in ("212", "615", "305", "850"))
TOLL_FREE = parse("8005550123")


def pairs(*items: tuple[str, str]) -> tuple[Place, ...]:
    return tuple(sorted(Place(*item) for item in items))


@pytest.mark.parametrize("row", US, ids=lambda row: row["npa"])
def test_every_area_code_alone(row: dict[str, str]) -> None:
    found = candidates(parse(row["npa"] + "5550123"))
    assert found.pairs == pairs(*((row["state"], zone) for zone in zones_of(row)))
    assert found.sources == {name: ("area_code",) for name in (row["state"], *zones_of(row))}
    assert found.problems == ()


TWO_ZONES = {
    "208 986": {M, P}, "219 574 812 930": {E, C}, "270 364 606": {E, C}, "308": {C, M}, "423 729 931": {E, C},
    "448 850": {E, C}, "458 541": {M, P}, "605": {C, M}, "620 785": {C, M}, "701": {C, M}, "775": {P, M}, "906": {E, C},
    "907": {AK, ADAK}, "928": {AZ, M},
}  # fmt: skip


def test_exactly_25_area_codes_have_two_zones() -> None:
    expected = {npa: zones for codes, zones in TWO_ZONES.items() for npa in codes.split()}
    assert len(expected) == 25
    for row in US:
        found = {at.zone for at in candidates(parse(row["npa"] + "5550123")).pairs}
        assert found == expected.get(row["npa"], found) and len(found) == (2 if row["npa"] in expected else 1)


@pytest.mark.parametrize(
    ("npa", "zones"),
    [("689", {E}), ("364", {E, C}), ("684", {"Pacific/Pago_Pago"}), ("432", {C}), ("915", {M}), ("502", {E}), ("865", {E}),
     ("505", {M}), ("602", {AZ}), ("808", {HI}), ("340", {"America/Puerto_Rico"}), ("670", {"Pacific/Guam"})],
)  # fmt: skip
def test_codes_whose_zone_is_often_told_wrongly(npa: str, zones: set[str]) -> None:
    assert {at.zone for at in candidates(parse(npa + "5550123")).pairs} == zones


def test_area_codes_and_states_agree_on_zones() -> None:
    assert {row["state"] for row in US} == STATES and len(STATES) == 56
    for state in STATES:
        of_codes = {zone for row in US if row["state"] == state for zone in zones_of(row)}
        assert of_codes == set(state_zones(state)) <= ZONES


def test_state_zones_refuses_what_is_no_state() -> None:
    for wrong in ("XX", "tx", "", None, []):
        with pytest.raises(ValueError, match="expected a USPS code such as 'TX'"):
            state_zones(wrong)  # type: ignore[arg-type]


def test_arizona_alone_has_both_zones_for_the_navajo_nation() -> None:
    assert state_zones("AZ") == (M, AZ)


# --- state, ZIP, county -------------------------------------------------------------------------------------


def test_a_stated_state_adds_all_its_zones() -> None:
    found = candidates(NYC, state="TN")
    assert found.pairs == pairs(("NY", E), ("TN", C), ("TN", E))
    assert found.sources == {"NY": ("area_code",), "TN": ("state",), C: ("state",), E: ("area_code", "state")}
    assert found.problems == ("Area code 212 is of NY, the address of TN: both count.",)


def test_the_state_of_the_area_code_adds_that_states_other_zones() -> None:
    found = candidates(NASHVILLE, state="TN")
    assert found.pairs == pairs(("TN", C), ("TN", E))
    assert found.sources == {"TN": ("area_code", "state"), C: ("area_code", "state"), E: ("state",)}
    assert found.problems == ()


@pytest.mark.parametrize("form", ["37201", " 37201 ", "37201-1234", "372011234"])
def test_a_zip_narrows_the_stated_state(form: str) -> None:
    found = candidates(NASHVILLE, state=" tn", zip=form)
    assert found.pairs == pairs(("TN", C))
    assert found.sources == {"TN": ("zip", "area_code", "state"), C: ("zip", "area_code", "state")}
    assert found.problems == ()


def test_a_zip_alone_names_state_and_zones() -> None:
    assert candidates(TOLL_FREE, zip="33101").pairs == pairs(("FL", E))
    assert candidates(TOLL_FREE, zip="32501").pairs == pairs(("FL", C))
    assert candidates(TOLL_FREE, zip="32401").pairs == pairs(("FL", C), ("FL", E))
    assert candidates(TOLL_FREE, zip="33101").sources == {"FL": ("zip",), E: ("zip",)}


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("80823", {"CO": (M,)}),  # no Adak in Colorado
        ("83642", {"ID": (M,)}),
        ("89002", {"NV": (P,)}),
        ("89883", {"NV": (M, P)}),
        ("96815", {"HI": (HI,)}),
        ("96799", {"AS": ("Pacific/Pago_Pago",)}),
        ("96950", {"MP": ("Pacific/Guam",)}),
        ("99501", {"AK": (AK,)}),
        ("99546", {"AK": (ADAK,)}),
        ("99685", {"AK": (ADAK, AK)}),
        ("86045", {"AZ": (M, AZ)}),
        ("36867", {"AL": (C, E)}),
        ("73946", {"OK": (C, M)}),
        ("06390", {"NY": (E,)}),
        ("06101", {"CT": (E,)}),
        ("73960", {"OK": (C,), "TX": (C,)}),
    ],
)
def test_zips(code: str, where: dict[str, tuple[str, ...]]) -> None:
    assert {state: tuple(sorted(zones)) for state, zones in zip_places(code).items()} == where  # type: ignore[union-attr]


def test_every_prefix_names_states_and_zones_that_those_states_keep() -> None:
    with DATA.joinpath("zip3_tz.csv").open(encoding="utf-8") as lines:
        prefixes = [row["zip3"] for row in csv.DictReader(lines)]
    assert len(prefixes) == 917
    for prefix in prefixes:
        there = zip_places(prefix + "98")
        assert not isinstance(there, str) and there
        for state, zones in there.items():
            assert zones and state in STATES and set(zones) <= ZONES, prefix


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("00098", "ZIP 00098 is of no known prefix: nothing was inferred from it."),
        ("2139", "ZIP '2139' is not five digits (a leading zero may have been lost)."),
        ("", "ZIP '' is not five digits (a leading zero may have been lost)."),
        ("SW1A 1AA", "ZIP 'SW1A 1AA' is not five digits (a leading zero may have been lost)."),
        ("０２１３９", "ZIP '０２１３９' is not five digits (a leading zero may have been lost)."),
        ("09012", "ZIP 09012 is a military post office: it does not say where the person is."),
        ("34001", "ZIP 34001 is a military post office: it does not say where the person is."),
        ("96201", "ZIP 96201 is a military post office: it does not say where the person is."),
        ("96960", "ZIP 96960 is outside the United States: nothing was inferred from it."),
    ],
)
def test_a_zip_that_says_nothing_is_a_problem_and_adds_nothing(code: str, problem: str) -> None:
    alone = candidates(NYC)
    assert candidates(NYC, zip=code) == alone._replace(problems=(problem,))
    assert candidates(TOLL_FREE, zip=code).pairs == candidates(TOLL_FREE).pairs
    assert candidates(NYC, state="TN", zip=code).pairs == candidates(NYC, state="TN").pairs


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ("XX", "State 'XX' is none of the 56 USPS codes: nothing was inferred from it."),
        ("", "State '' is none of the 56 USPS codes: nothing was inferred from it."),
        ("FM", "State 'FM' is none of the 56 USPS codes: nothing was inferred from it."),
        ("ae", "State AE is a military address: it does not say where the person is."),
        (37, "State 'OF TYPE INT' is none of the 56 USPS codes: nothing was inferred from it."),
    ],
)
def test_a_state_that_is_none(state: str, problem: str) -> None:
    assert candidates(NYC, state=state) == candidates(NYC)._replace(problems=(problem,))


def test_zip_and_state_that_disagree_both_count() -> None:
    found = candidates(TOLL_FREE, state="TN", zip="33101")
    assert found.pairs == pairs(("FL", E), ("TN", C), ("TN", E))
    assert found.problems == ("The stated state is TN, ZIP 33101 is in FL: both count.",)


@pytest.mark.parametrize(
    ("state", "county", "zones"),
    [
        ("TN", "Hamilton", (E,)), ("TN", "HAMILTON COUNTY", (E,)), ("TN", "47065", (E,)), ("TN", "Davidson", (C,)),
        ("FL", "12033", (C,)), ("FL", "Gulf County", (C, E)), ("IN", "La Porte", (C,)), ("IN", "Marion", (E,)),
        ("AZ", "Maricopa", (AZ,)), ("AZ", "Apache", (M, AZ)), ("SD", "Oglala Lakota", (M,)), ("TX", "El Paso", (M,)),
        ("AK", "Municipality of Anchorage", (AK,)), ("AK", "Aleutians West", (ADAK, AK)), ("AL", "Lee Co.", (C, E)),
        ("AL", "Saint Clair", (C,)), ("OK", "Cimarron", (C, M)), ("OK", "Tulsa", (C,)), ("KY", "De Kalb", None),
        ("NY", "anything", (E,)), ("NY", "36061", (E,)),
    ],
)  # fmt: skip
def test_a_county_narrows_its_state(state: str, county: str, zones: tuple[str, ...] | None) -> None:
    found = candidates(TOLL_FREE, state=state, county=county)
    assert found.pairs == pairs(*((state, zone) for zone in zones or state_zones(state)))
    assert found.problems == (() if zones else (f"County {county!r} is not in {state}: nothing was inferred from it.",))


def test_a_misspelt_county_does_not_narrow() -> None:
    assert candidates(TOLL_FREE, state="TN", county="Hamiltn").pairs == pairs(("TN", C), ("TN", E))


def test_county_and_zip_narrow_together() -> None:
    assert candidates(TOLL_FREE, zip="37402", state="TN", county="Hamilton").pairs == pairs(("TN", E))
    assert candidates(TOLL_FREE, zip="37402", county="47065").pairs == pairs(("TN", E))
    found = candidates(TOLL_FREE, zip="37201", state="TN", county="Hamilton")
    assert found.pairs == pairs(("TN", C), ("TN", E))
    assert found.problems == ("ZIP and county 'Hamilton' of TN keep different time: both count.",)


def test_a_fips_code_names_the_state_and_a_name_does_not() -> None:
    assert candidates(TOLL_FREE, county="12033").pairs == pairs(("FL", C))
    assert candidates(TOLL_FREE, county="36061").pairs == pairs(("NY", E))
    found = candidates(NYC, county="Hamilton")
    assert found == candidates(NYC)._replace(
        problems=("County 'Hamilton' was given without a state: nothing was inferred from it.",)
    )
    found = candidates(TOLL_FREE, state="TN", county="12033")
    assert found.pairs == pairs(("FL", C), ("TN", C), ("TN", E))
    assert found.problems == ("County 12033 is in FL, the address in TN: both count.",)
    for wrong in ("12025", "99001", "033", "46113"):  # 46113 was renumbered in 2015
        assert candidates(NYC, county=wrong).pairs == candidates(NYC).pairs
        assert candidates(NYC, county=wrong).problems


def test_counties_of_the_split_states_are_complete_and_distinct() -> None:
    listed = regions._counties()
    sizes = {state: len(names) for state, names in listed.items()}
    assert sizes == {
        "AL": 67, "AK": 30, "AZ": 15, "FL": 67, "ID": 44, "IN": 92, "KS": 105, "KY": 120, "MI": 83, "NE": 93, "NV": 17,
        "ND": 53, "OK": 77, "OR": 36, "SD": 66, "TN": 95, "TX": 254,
    }  # fmt: skip
    assert {state for state in STATES if len(state_zones(state)) > 1} <= listed.keys()
    for state, names in listed.items():
        assert len(regions._county_keys(state)) == len(names)
    with DATA.joinpath("split_zones.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for county in row["county"].split("|"):
                if county != "*":
                    zones = {canonical_zone(zone) for zone in row["timezones"].split("|")}
                    assert set(county_zones(row["state"], county) or ()) == zones


# --- time zone ----------------------------------------------------------------------------------------------


def test_a_stated_zone_that_the_state_keeps_removes_nothing() -> None:
    found = candidates(PANHANDLE, timezone="America/Chicago")
    assert found.pairs == pairs(("FL", C), ("FL", E))
    assert found.sources == {"FL": ("area_code", "timezone"), C: ("area_code", "timezone"), E: ("area_code",)}
    assert found.problems == ()


def test_another_stated_zone_is_added_to_every_candidate_state() -> None:
    found = candidates(NYC, state="TN", timezone="US/Pacific")
    assert found.pairs == pairs(("NY", E), ("NY", P), ("TN", C), ("TN", E), ("TN", P))
    assert found.problems[-1] == f"The stated time zone {P} is not that of NY and TN: both count."


def test_a_zone_alone_names_the_states_that_keep_it() -> None:
    found = candidates(TOLL_FREE, timezone="america/anchorage")
    assert found.pairs == pairs(("AK", ADAK), ("AK", AK))
    assert found.sources == {"AK": ("timezone",), ADAK: ("timezone",), AK: ("timezone",)}


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Toronto", "UTC", "EST", "Eastern", "", "America/Chicag"])
def test_a_zone_that_is_not_of_the_united_states(zone: str) -> None:
    problem = f"Time zone {zone!r} is no zone of the United States: nothing was inferred from it."
    assert candidates(NYC, timezone=zone) == candidates(NYC)._replace(problems=(problem,))
    assert candidates(TOLL_FREE, timezone=zone).pairs == candidates(TOLL_FREE).pairs


ALIASES = [(alias, zone) for zone, names in regions._ALIASES.items() for alias in names.split()]


@pytest.mark.parametrize(("alias", "zone"), ALIASES)
def test_a_canonical_zone_keeps_the_same_clock(alias: str, zone: str) -> None:
    assert canonical_zone(alias) == canonical_zone(alias.lower()) == zone
    moment = datetime(2020 if alias.endswith("Metlakatla") else 2011, 1, 1, 12, tzinfo=pytz.utc)
    while moment.year < 2041:
        assert moment.astimezone(pytz.timezone(alias)).utcoffset() == moment.astimezone(pytz.timezone(zone)).utcoffset()
        moment += timedelta(days=5)


# --- verified addresses -------------------------------------------------------------------------------------


def test_a_verified_address_stands_alone() -> None:
    found = candidates(NYC, state="TN", zip="37201", address_basis="verified")
    assert found.pairs == pairs(("TN", C))
    assert found.sources == {"TN": ("address",), C: ("address",)}
    assert found.problems == ()
    assert candidates(NASHVILLE, state="NY", address_basis="verified").pairs == pairs(("NY", E))
    assert candidates(NASHVILLE, zip="10001", address_basis="verified").pairs == pairs(("NY", E))
    assert candidates(NYC, state="TN", zip="37201", address_basis="stated").pairs == pairs(("NY", E), ("TN", C))


def test_a_state_that_presumes_residence_by_area_code_stays() -> None:
    found = candidates(PANHANDLE, state="NY", address_basis="verified")
    assert found.pairs == pairs(("FL", C), ("FL", E), ("NY", E))
    assert found.sources == {"FL": ("area_code",), "NY": ("address",), C: ("area_code",), E: ("address", "area_code")}
    assert found.problems == ("Area code 850 is of FL, the address of NY: its law presumes residence by area code.",)


def test_the_presuming_states_are_the_callers_to_say() -> None:
    assert candidates(MIAMI, state="NY", address_basis="verified", presuming=()).pairs == pairs(("NY", E))
    connecticut = parse("2035550123")
    assert candidates(connecticut, state="NY", address_basis="verified").pairs == pairs(("NY", E))
    both = candidates(connecticut, state="NY", address_basis="verified", presuming={"FL", "CT"})
    assert both.pairs == pairs(("CT", E), ("NY", E))


def test_a_verified_address_in_the_presuming_state_itself_stands_alone() -> None:
    assert candidates(PANHANDLE, zip="33101", address_basis="verified").pairs == pairs(("FL", E))


@pytest.mark.parametrize("evidence", [{}, {"state": "XX"}, {"zip": "09012"}, {"county": "Lee"}, {"timezone": E}])
def test_verified_without_a_usable_address_leaves_the_area_code(evidence: dict[str, str]) -> None:
    found = candidates(NYC, address_basis="verified", **evidence)
    assert found.pairs == pairs(("NY", E))
    if evidence:
        assert "The address is marked verified but names no usable state or ZIP: the area code counts." in found.problems


# --- no evidence, bad evidence, all evidence ----------------------------------------------------------------


@pytest.mark.parametrize("text", ["8005550123", "5005550123", "+442079460958", "4165550123", "4565550123", "rubbish", None])
def test_without_evidence_everywhere_counts(text: str | None) -> None:
    found = candidates(parse(text))
    assert found.pairs == pairs(*((state, zone) for state in STATES for zone in state_zones(state)))
    assert {at.state for at in found.pairs} == STATES and {at.zone for at in found.pairs} == ZONES
    assert set(found.sources.values()) == {("none",)}


hostile = st.one_of(
    st.none(), st.text(), st.integers(), st.floats(), st.lists(st.text()), st.binary(), st.just("9" * 100_000),
    st.sampled_from(["TN", "fl", "37402", "33101-0001", "12033", "Hamilton", "Europe/Paris", C, "verified", "\ud800"]),
)  # fmt: skip
texts = st.sampled_from(["2125550123", "8505550123", "9285550123", "8005550123", "4165550123", "x"])


@given(texts, hostile, hostile, hostile, hostile, hostile, hostile)
def test_nothing_raises_and_every_answer_is_whole(number, state, code, county, place, zone, basis) -> None:
    arguments = dict(state=state, zip=code, county=county, place=place, timezone=zone, address_basis=basis)
    found = candidates(parse(number), **arguments)
    assert found == candidates(parse(number), **arguments)
    assert found.pairs and list(found.pairs) == sorted(set(found.pairs))
    assert all(at.state in STATES and at.zone in ZONES for at in found.pairs)
    assert set(found.sources) == {name for at in found.pairs for name in at}
    assert all(found.sources.values())
    assert all(problem.endswith(".") and len(problem) < 300 for problem in found.problems)


addresses = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(sorted(STATES)),
        "zip": st.sampled_from(["37402", "33101", "59275", "86045", "99999", "09012", "73960"]),
        "county": st.sampled_from(["Hamilton", "Lee", "12033", "47065"]),
        "timezone": st.sampled_from(sorted(ZONES)),
    },
)


@given(st.sampled_from(US), addresses)
def test_an_address_that_is_not_verified_never_removes_the_area_code(row: dict[str, str], address: dict[str, str]) -> None:
    number = parse(row["npa"] + "5550123")
    assert set(candidates(number).pairs) <= set(candidates(number, **address).pairs)


@given(st.sampled_from(US), addresses)
def test_verifying_only_removes(row: dict[str, str], address: dict[str, str]) -> None:
    number = parse(row["npa"] + "5550123")
    verified = candidates(number, address_basis="verified", **address)
    assert set(verified.pairs) <= set(candidates(number, **address).pairs)


def test_new_area_codes_are_seen_at_once(tmp_path: Path) -> None:
    number = parse("4565550123")
    assert len({at.state for at in candidates(number).pairs}) == 56
    path = tmp_path / "new.csv"
    path.write_text("npa,state,timezones,in_service\n456,TX,America/Boise,2027-01-31\n", "utf-8")
    try:
        load_area_codes(extra=path)
        number = parse("4565550123")
        assert candidates(number).pairs == pairs(("TX", M))
        assert candidates(number, state="TX").pairs == pairs(("TX", C), ("TX", M))
        assert candidates(number, zip="10001").pairs == pairs(("NY", E), ("TX", M))
    finally:
        load_area_codes()
    assert len({at.state for at in candidates(parse("4565550123")).pairs}) == 56
