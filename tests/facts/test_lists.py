"""What lists say: the version in force, later versions, staleness by schedule and by use-by date, and the caller's own word."""

from datetime import date
from random import Random
from types import SimpleNamespace

import pytest

from dialguard.facts import lists
from dialguard.facts.clock import format_instant, parse_instant
from dialguard.facts.feed import Feed
from dialguard.facts.gather import Gatherer, Sources
from dialguard.facts.lists import INCOMPLETE, STALE, Said, standing
from dialguard.facts.reading import read
from dialguard.guard import Guard
from dialguard.model.moment import DAY, HOUR
from dialguard.model.records import LookUp
from dialguard.packs.rule import ListSchedule
from tests.facts.gathering import AT, CAMPAIGN, LEAST, facts_of, packs

NOW = parse_instant(AT)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def said(listed, effective=None, published=None, use_by=None) -> Said:
    return Said(listed, *(None if text is None else day(text) for text in (published, effective, use_by)))


NATIONAL = ListSchedule("national", "National", "US", max_age_days=31)
FLORIDA = ListSchedule("FL", "Florida", "FL", ((1, 1), (4, 1), (7, 1), (10, 1)), use_within_days=0)
TEXAS = ListSchedule("TX", "Texas", "TX", ((1, 1), (4, 1), (7, 1), (10, 1)), use_within_days=60)


# ---------------------------------------------------------------------------------------------------------- in force


def test_the_latest_version_in_force_answers() -> None:
    old, new = said(True, "2026-01-01"), said(False, "2026-02-01")
    assert standing([old, new], None, day("2026-01-31")).listed is True  # not yet in force, but listed now
    assert standing([old, new], None, day("2026-02-01")).listed is False
    assert standing([new, old], None, day("2026-02-01")).listed is False
    assert standing([said(False, "2026-01-01")], None, day("2025-12-31"))[:2] == (None, INCOMPLETE)


def test_a_number_in_a_later_version_counts_as_listed() -> None:
    versions = [said(False, "2026-01-01"), said(True, "2026-04-01")]
    assert standing(versions, FLORIDA, day("2026-03-31")).listed is True
    assert standing([said(True, "2026-04-01")], FLORIDA, day("2026-03-31")).listed is True
    assert standing([said(False, "2026-04-01")], FLORIDA, day("2026-03-31"))[:2] == (None, INCOMPLETE)


def test_the_day_of_publication_stands_for_a_missing_effective_date() -> None:
    # Where the local date is still the day before, what has been published stands already.
    assert standing([said(False, published="2026-01-05")], None, day("2026-01-04")).listed is False
    assert standing([said(False, published="2026-01-05")], None, day("2026-01-03")).why == INCOMPLETE
    assert standing([said(False, published="2026-01-05")], None, day("2026-01-05")).listed is False


def test_a_version_that_does_not_cover_the_number_says_nothing() -> None:
    assert standing([], FLORIDA, day("2026-03-03"))[:2] == (None, INCOMPLETE)
    assert standing([said(None, "2026-01-01")], FLORIDA, day("2026-03-03"))[:2] == (None, INCOMPLETE)
    assert standing([said(False, "2026-01-01"), said(None, "2026-02-01")], FLORIDA, day("2026-03-03")).listed is False


def test_of_two_answers_for_one_version_the_adverse_holds() -> None:
    for pair in ([said(True, "2026-01-01"), said(False, "2026-01-01")], [said(False, "2026-01-01"), said(True, "2026-01-01")]):
        assert standing(pair, FLORIDA, day("2026-03-03")).listed is True
    # A listing without a date is one all the same.
    assert standing([said(True), said(False, "2026-01-01")], FLORIDA, day("2026-03-03")).listed is True
    assert standing([said(False), said(True, "2026-01-01")], FLORIDA, day("2026-03-03")).listed is True
    assert standing([said(False)], FLORIDA, day("2026-03-03")).listed is False


# --------------------------------------------------------------------------------------------------------- staleness


@pytest.mark.parametrize(
    ("schedule", "version", "last"),
    [
        (NATIONAL, said(False, published="2026-01-31"), "2026-03-03"),  # 31 days
        (FLORIDA, said(False, "2026-01-01"), "2026-03-31"),  # the next one binds on 1 April
        (FLORIDA, said(False, "2026-10-01"), "2026-12-31"),
        (FLORIDA, said(False, published="2026-03-25"), "2026-03-31"),
        (TEXAS, said(False, "2026-01-01"), "2026-05-30"),  # 60 days after 1 April is 31 May
        (None, said(False, "2026-01-01", use_by="2026-02-14"), "2026-02-14"),
        (FLORIDA, said(False, "2026-01-01", use_by="2026-02-14"), "2026-02-14"),
        (FLORIDA, said(False, "2026-01-01", use_by="2026-12-31"), "2026-03-31"),
    ],
)
def test_the_last_day_of_use(schedule, version: Said, last: str) -> None:
    assert lists.last_day(version, schedule) == day(last)
    assert standing([version], schedule, day(last))[:3] == (False, None, day(last))
    assert standing([version], schedule, day(last) + 1)[:3] == (None, STALE, day(last))


def test_without_schedule_or_date_nothing_falls_due() -> None:
    assert lists.last_day(said(False, "2020-01-01"), None) is None
    assert standing([said(False, "2020-01-01")], None, day("2026-03-03")).listed is False


def test_age_is_measured_on_a_later_day_than_the_attempt() -> None:
    version = [said(False, published="2026-02-20")]
    assert standing(version, NATIONAL, day("2026-03-03"), day("2026-03-23")).listed is False
    assert standing(version, NATIONAL, day("2026-03-03"), day("2026-03-24")).why == STALE


# ------------------------------------------------------------------------------------- the caller, the store, the rules


class Lists:
    """A store with lists and an empty, complete record."""

    def __init__(self, **versions: tuple[Said, ...]) -> None:
        self.versions = versions

    def refresh(self) -> None:
        pass

    def look_up(self, **_) -> LookUp:
        return LookUp(complete_since=0)

    def list_versions(self, code: str, _as_of=None, _since=None):
        return self.versions.get(code, ())

    def reassigned(self, _number: str, _as_of=None):
        return ()

    def list_answers(self, code: str, _number: str, _as_of=None, _since=None):
        held = self.versions.get(code, ())
        return [SimpleNamespace(listed=v.listed, version=SimpleNamespace(published=v.published, effective=v.effective, use_by=v.use_by)) for v in held]


FRESH = said(False, published="2026-02-20")
QUARTER = said(False, "2026-01-01")


def florida(dnc=None, at: str = AT, store=None, campaign=None):
    attempt = {"to": "+13055550123", "at": at, "campaign": CAMPAIGN | (campaign or {})} | ({} if dnc is None else {"dnc": dnc})
    return facts_of(attempt, store=store, as_of=parse_instant(at))


def test_the_callers_word_on_every_state_list() -> None:
    assert florida({"states": []}).values["dnc.list.FL"] is False
    assert florida({"states": ["FL", "TX"]}).values["dnc.list.FL"] is True
    assert florida({}).values["dnc.list.FL"] is None
    assert florida({"national": False}).values["dnc.national"] is False
    assert florida({"national": True, "states": []}).values["dnc.national"] is True


def test_only_lists_of_the_places_are_asked() -> None:
    assert florida({"states": []}).values["dnc.list.PA"] is None


def test_the_callers_word_on_one_list() -> None:
    assert florida({"lists": {"FL": {"listed": False, "effective": "2026-01-01"}}}).values["dnc.list.FL"] is False
    assert florida({"lists": {"FL": {"listed": True, "effective": "2026-01-01"}}}).values["dnc.list.FL"] is True
    facts = florida({"lists": {"FL": {"listed": False, "effective": "2025-10-01"}}})
    assert facts.values["dnc.list.FL"] is None and facts.why["dnc.list.FL"] == STALE
    facts = florida({"lists": {"FL": {"listed": False, "effective": "2026-01-01", "use_by": "2026-03-02"}}})
    assert facts.values["dnc.list.FL"] is None and facts.why["dnc.list.FL"] == STALE
    assert florida({"lists": {"FL": {"listed": True, "effective": "2026-04-01"}}}).values["dnc.list.FL"] is True
    assert florida({"lists": {"national": {"listed": True, "published": "2026-02-20"}}}).values["dnc.national"] is True


def test_a_listing_holds_if_either_says_so() -> None:
    clear = Lists(FL=(QUARTER,), national=(FRESH,))
    listed = Lists(FL=(said(True, "2026-01-01"),), national=(said(True, published="2026-02-20"),))
    assert florida({"states": ["FL"], "national": True}, store=clear).values["dnc.list.FL"] is True
    facts = florida({"states": [], "national": False}, store=listed)
    assert facts.values["dnc.list.FL"] is True and facts.values["dnc.national"] is True
    facts = florida({"lists": {"FL": {"listed": True}}}, store=clear)
    assert facts.values["dnc.list.FL"] is True
    facts = florida({"lists": {"FL": {"listed": False, "effective": "2026-01-01"}}}, store=listed)
    assert facts.values["dnc.list.FL"] is True


def test_a_loaded_list_makes_absence_known() -> None:
    facts = florida(store=Lists(FL=(QUARTER,), national=(FRESH,)))
    assert facts.values["dnc.list.FL"] is False and facts.values["dnc.national"] is False and not facts.why
    facts = florida(store=Lists())
    assert facts.values["dnc.list.FL"] is None and facts.why == {"dnc.list.FL": INCOMPLETE, "dnc.national": INCOMPLETE}


def test_the_loaded_registry_brings_its_own_day() -> None:
    values = florida(store=Lists(national=(FRESH,))).values
    assert values["campaign.registry_version"] == day("2026-02-20") and values["campaign.registry_covers_number"] is True
    values = florida(store=Lists(national=(FRESH,)), campaign={"registry_version": "2026-03-01"}).values
    assert values["campaign.registry_version"] == day("2026-03-01")
    # The registry that was answered from is the one in force, not one that comes into force later.
    later = Lists(national=(said(False, "2026-02-10", "2026-02-10"), said(False, "2026-03-10", "2026-03-02")))
    assert florida(store=later).values["campaign.registry_version"] == day("2026-02-10")


def test_the_area_codes_paid_for_are_the_sellers_own_word() -> None:
    loaded = Lists(national=(FRESH,))
    assert florida(store=loaded, campaign={"registry_area_codes": ["212"]}).values["campaign.registry_covers_number"] is False
    assert florida(store=loaded, campaign={"registry_area_codes": ["305"]}).values["campaign.registry_covers_number"] is True
    assert florida(campaign={"registry_area_codes": ["212"]}).values["campaign.registry_covers_number"] is False


def test_a_registry_stated_without_its_day_leaves_its_age_open() -> None:
    assert florida({"national": False}).values["campaign.registry_version"] is None
    duties = Guard(no_store=True).check(LEAST | {"dnc": {"national": False}}).obligations
    assert any("registry_version" in str(entry) or entry["duty"] == "vouch_registry_age" for entry in duties)


def test_when_the_first_list_falls_due() -> None:
    facts = florida(store=Lists(FL=(QUARTER,), national=(FRESH,)))
    assert format_instant(facts.due, "America/New_York") == "2026-03-24T00:00:00-04:00"
    facts = florida(store=Lists(FL=(QUARTER,), national=(said(False, published="2026-03-02"),)))
    assert format_instant(facts.due, "America/New_York") == "2026-04-01T00:00:00-04:00"


def test_two_zones_the_earlier_midnight() -> None:
    attempt = {"to": "+18505550123"}  # the panhandle keeps two times
    facts = facts_of(attempt, store=Lists(FL=(QUARTER,), national=(FRESH,)), as_of=NOW)
    assert {place.zone for place in facts.places} == {"America/New_York", "America/Chicago"}
    assert format_instant(facts.due, "America/New_York") == "2026-03-24T00:00:00-04:00"
    # On the last day in the east it is stale there an hour before it is in the west.
    for at, known in (("2026-03-23T23:59:59-04:00", False), ("2026-03-24T00:00:00-04:00", None), ("2026-03-24T00:30:00-05:00", None)):
        moved = facts_of(attempt | {"at": at}, store=Lists(FL=(QUARTER,), national=(FRESH,)), as_of=parse_instant(at))
        assert moved.values["dnc.national"] is known


def test_the_kinds_of_reasons() -> None:
    def kinds(guard: Guard, at: str = AT, **dnc) -> dict[str, str]:
        found = guard.check(LEAST | {"to": "+13055550123", "at": at, "consent": {"level": "none"}, "relationship": {"kind": "none"}, "dnc": dnc or None})
        return {reason["rule"]: reason["kind"] for reason in found.reasons}

    loaded = Lists(FL=(QUARTER,), national=(FRESH,))
    assert kinds(Guard(Lists(), as_of=AT))["us.fcc.dnc.national"] == "list_incomplete"
    assert kinds(Guard(loaded, as_of="2026-03-24T12:00:00-04:00"), "2026-03-24T12:00:00-04:00")["us.fcc.dnc.national"] == "list_stale"
    assert "us.fcc.dnc.national" not in kinds(Guard(loaded, as_of=AT))
    assert kinds(Guard(no_store=True))["us.fcc.dnc.national"] == "unknown_fact"
    assert kinds(Guard(no_store=True), national=True)["us.fcc.dnc.national"] == "prohibited"


def test_without_a_moment_of_looking_back_age_is_measured_today() -> None:
    """``as_of`` absent is now: a registry copy of February 2026 is stale once that month is past, whenever the attempt was."""
    facts = facts_of({"to": "+13055550123"}, store=Lists(FL=(QUARTER,), national=(FRESH,)))
    from dialguard.facts import clock

    stale = clock.now() > parse_instant("2026-03-24T00:00:00-04:00")
    assert facts.values["dnc.national"] is (None if stale else False)


def test_what_was_found_for_one_number_serves_only_where_nothing_differs() -> None:
    """One gatherer over many attempts, while lists come and go, says what a new one says."""
    rng, store = Random(11), Lists()
    sources = Sources(packs(), store, Feed(), NOW)
    lasting, known, stale = Gatherer(sources), 0, 0
    dates = (None, "2025-12-31", "2026-01-01", "2026-02-20", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-31", "2150-01-01")

    def version() -> Said:
        return said(rng.choice((True, False, False, None)), *(rng.choice(dates) for _ in range(3)))

    for _ in range(700):
        for code in ("national", "FL", "TX"):
            if rng.random() < 0.3:
                store.versions[code] = tuple(version() for _ in range(rng.randrange(3)))
        sources.as_of = NOW + rng.choice((0, 1, 40)) * DAY
        at = format_instant(NOW + rng.choice((-1, 0, 1, 28)) * DAY + rng.choice((-12, 0, 11, 12)) * HOUR)
        sent = LEAST | {"to": rng.choice(("+13055550123", "+18505550123", "+12125550123", "+19155550123")), "at": at}
        if rng.random() < 0.3:
            sent["dnc"] = {"states": rng.choice(([], ["FL"])), "lists": {"national": {"listed": rng.random() < 0.5, "published": "2026-02-20"}}}
        one, other = (gatherer.gather(read(sent, {}))[0] for gatherer in (lasting, Gatherer(sources)))
        assert (one.values, one.why, one.due) == (other.values, other.why, other.due)
        known += one.values["dnc.national"] is False
        stale += STALE in one.why.values()
    assert min(known, stale) > 40  # or it proves little


def test_a_use_by_date_beyond_all_tables_never_falls_due() -> None:
    facts = florida({"lists": {"FL": {"listed": False, "use_by": "2150-01-01"}}})
    assert facts.values["dnc.list.FL"] is False and facts.due is None
