"""An operator's rule against the shipped law: what loosens it is refused until its confirmation fits, what tightens it is not."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.packs.load import Packs, load
from dialguard.packs.supersede import loosenings, verify_operator
from dialguard.packs.testing import run
from dialguard.packs.yamlfile import PackError

from .superseding import HEAD, HOURS, RELIEF, Own, changes, packs


def ordinal(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def written(found: Packs) -> set[str]:
    """The examples that loosen as they stand in the file."""
    return {f"{change.rule}: {change.example}: {change.before} {change.after}" for change in changes(found) if not change.varied}


def confirmed(text: str, digest: str) -> str:
    return text.replace("reason: the law changed}", f"reason: the law changed, confirm: {digest}}}")


# --- what stands in the place of what ----------------------------------------------------------------------------------


def test_the_old_rule_is_law_until_the_day_before_and_the_new_one_from_the_day(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS)
    old, new = found.by_id["fl.calling-hours"], found.by_id["house.hours"]
    assert (old.span(ordinal("2026-12-31")) is not None, old.span(ordinal("2027-01-01"))) == (True, None)
    assert (new.span(ordinal("2026-12-31")), new.span(ordinal("2027-01-01")) is not None) == (None, True)
    assert found.base.by_id["fl.calling-hours"].span(ordinal("2027-01-01")) is not None


def test_the_old_rule_s_reliefs_apply_to_the_new_one(base: Path, own: Own) -> None:
    assert packs(base, own, HOURS).by_id["house.hours"].relieved_by == ("fl.calling-hours.agreed",)


def test_a_rule_that_is_never_law_replaces_nothing(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS.replace("status: in_force", "status: pending").replace("08:00-20:00", "00:00-24:00"))
    assert found.by_id["fl.calling-hours"].span(ordinal("2030-01-01")) is not None
    assert loosenings(found, clock) == ()


def test_a_rule_that_begins_later_takes_over_when_it_begins(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS.replace("status: in_force", "status: in_force\n    effective: 2028-01-01"))
    assert found.by_id["fl.calling-hours"].span(ordinal("2027-12-31")) is not None
    assert found.by_id["fl.calling-hours"].span(ordinal("2028-01-01")) is None
    assert loosenings(found, clock) == ()


# --- what loosens ------------------------------------------------------------------------------------------------------


def test_packs_without_an_operator_need_nothing(base: Path) -> None:
    assert verify_operator(load(base=base), clock) == ()


@pytest.mark.parametrize(
    "rule",
    [
        HOURS,
        HOURS.replace("08:00-20:00", "09:00-20:00"),
        HOURS.replace("08:00-20:00", "08:00-19:59"),
        HOURS.replace("channels: [voice]", "channels: [voice, rvm]"),
        HOURS.replace("every_day: 08:00-20:00", "mon-sat: 08:00-20:00"),
        HOURS.replace("purposes: [telemarketing]", "purposes: any"),
        HOURS.replace("date: 2027-01-01", "date: 2020-01-01"),
    ],
)
def test_what_tightens_needs_no_confirmation(base: Path, own: Own, rule: str) -> None:
    assert verify_operator(packs(base, own, rule), clock) == ()


def test_longer_hours_loosen_the_examples_that_they_reach(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS.replace("08:00-20:00", "08:00-20:01"))
    assert written(found) == {
        "fl.calling-hours: closing: prohibited silent", "fl.calling-hours: the day before: prohibited silent",
        "fl.calling-hours: not known: unknown silent",
    }  # fmt: skip
    with pytest.raises(PackError, match="`house.hours` loosens `fl.calling-hours`, and it is not confirmed") as caught:
        verify_operator(found, clock)
    (problem,) = caught.value.problems
    assert problem.file.endswith("a.yaml") and problem.line == 14


def test_a_rule_that_ends_leaves_nothing_behind_and_so_loosens(base: Path, own: Own) -> None:
    found = changes(packs(base, own, HOURS.replace("status: in_force", "status: in_force\n    ends: 2027-12-31")))
    assert {change.since for change in found} == {"2028-01-01"}
    assert {change.after for change in found} == {"silent"}


def test_a_repeal_is_a_notice_in_the_rule_s_place(base: Path, own: Own) -> None:
    notice = re.sub(r"    (applies|shape|parameters): .*\n", "", HOURS).replace("kind: prohibition", "kind: notice")
    found = packs(base, own, notice)
    assert found.by_id["fl.calling-hours"].span(ordinal("2027-01-01")) is None
    assert "fl.calling-hours: closing: prohibited silent" in written(found)


def test_a_duty_in_the_place_of_a_ban_loosens(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS.replace("kind: prohibition", "kind: obligation\n    duty: {code: warn}"))
    assert "fl.calling-hours: closing: prohibited obliged" in written(found)


def test_another_duty_must_be_confirmed(base: Path, own: Own) -> None:
    ring = HOURS.replace("kind: prohibition", "kind: obligation\n    duty: {code: ring_at_least, params: {seconds: 15}}")
    ring = re.sub(r"    (shape|parameters): .*\n", "", ring).replace("rule: fl.calling-hours", "rule: fl.ring")
    assert changes(packs(base, own, ring)) == []
    (change,) = changes(packs(base, own, ring.replace("15", "10")))
    assert str(change) == "fl.ring: the duty: ring_at_least (seconds 15) becomes ring_at_least (seconds 10)"


def test_a_rule_that_no_longer_denies_the_unknown_loosens(base: Path, own: Own) -> None:
    # The called party's charge is asserted: where it is unknown, the rule obliges unless it says `on_unknown: deny`.
    text = (base / "states" / "fl.yaml").read_text().replace("    shape: calling-hours\n", "    on_unknown: deny\n    shape: calling-hours\n    when: {line.charged: true}\n", 1)
    (base / "states" / "fl.yaml").write_text(text)
    new = HOURS.replace("    shape: calling-hours\n", "    shape: calling-hours\n    when: {line.charged: true}\n")
    assert any((change.before, change.after) == ("unknown", "obliged") for change in changes(packs(base, own, new)))


# --- reliefs -----------------------------------------------------------------------------------------------------------


def test_a_relief_of_a_shipped_rule_must_say_what_it_supersedes(base: Path, own: Own) -> None:
    with pytest.raises(PackError, match="`house.relief` loosens the shipped rule `fl.calling-hours` without saying so"):
        packs(base, own, re.sub(r"    supersedes: .*\n", "", RELIEF))


def test_a_relief_leaves_the_rule_standing_and_loosens_it(base: Path, own: Own) -> None:
    found = packs(base, own, RELIEF)
    assert found.by_id["fl.calling-hours"].relieved_by == ("fl.calling-hours.agreed", "house.relief")
    assert found.by_id["fl.calling-hours"].span(ordinal("2027-01-01")) is not None
    assert found.by_id["house.relief"].span(ordinal("2026-12-31")) is None
    assert {change.varied for change in changes(found)} == {"campaign.industry newspaper"}
    with pytest.raises(PackError, match="not confirmed"):
        verify_operator(found, clock)


def test_a_relief_that_must_be_claimed_loosens_for_those_who_claim_it(base: Path, own: Own) -> None:
    found = changes(packs(base, own, RELIEF.replace("when: {campaign.industry: newspaper}", "claim: true")))
    assert found and all("campaign.claims" in change.varied for change in found)


def test_a_relief_lifts_no_more_than_it_says(base: Path, own: Own) -> None:
    with pytest.raises(PackError, match="`house.relief` may not relieve `fl.frequency`"):
        packs(base, own, RELIEF.replace("relieves: [fl.calling-hours]", "relieves: [fl.calling-hours, fl.frequency]"))
    with pytest.raises(PackError, match="supersedes `fl.calling-hours` and does not relieve it"):
        packs(base, own, RELIEF.replace("relieves: [fl.calling-hours]", "relieves: [house.x]"), HOURS.replace("house.hours", "house.x").split("    supersedes")[0])


def test_a_relief_of_one_s_own_rule_is_one_s_own_affair(base: Path, own: Own) -> None:
    mine = HOURS.split("    supersedes")[0]
    lifted = re.sub(r"    supersedes: .*\n", "", RELIEF).replace("relieves: [fl.calling-hours]", "relieves: [house.hours]")
    assert verify_operator(packs(base, own, mine, lifted), clock) == ()


def test_a_relief_of_one_s_own_rule_counts_where_that_stands_for_a_shipped_one(base: Path, own: Own) -> None:
    lifted = re.sub(r"    supersedes: .*\n", "", RELIEF).replace("relieves: [fl.calling-hours]", "relieves: [house.hours]")
    found = loosenings(packs(base, own, HOURS, lifted), clock)
    assert [loosening.rule for loosening in found] == ["house.hours"]
    assert {change.varied for change in found[0].changes} == {"campaign.industry newspaper"}


@pytest.mark.parametrize(
    ("when", "loosens"),
    [
        ("{consent.covers: {has: other_hours}}", False),
        ("{consent.covers: {has: other_hours}, line_type: landline}", False),
        ("{consent.covers: {has_any: [other_hours, live]}}", True),
        ("{consent.level: {at_least: express}}", True),
    ],
)
def test_a_relief_in_the_place_of_a_shipped_relief(base: Path, own: Own, when: str, loosens: bool) -> None:
    relief = RELIEF.replace("rule: fl.calling-hours", "rule: fl.calling-hours.agreed").replace("{campaign.industry: newspaper}", when)
    found = packs(base, own, relief)
    assert found.by_id["fl.calling-hours.agreed"].span(ordinal("2027-01-01")) is None
    assert bool(loosenings(found, clock)) is loosens


def test_who_claimed_the_old_relief_claims_the_new_one(base: Path, own: Own) -> None:
    text = (base / "states" / "fl.yaml").read_text().replace("    relieves: [fl.calling-hours]\n", "    relieves: [fl.calling-hours]\n    claim: true\n")
    text = text.replace("given: {consent.covers: other_hours", "given: {campaign.claims: fl.calling-hours.agreed, consent.covers: other_hours")
    text = text.replace("given: {consent.covers: unknown}", "given: {campaign.claims: fl.calling-hours.agreed, consent.covers: unknown}")
    (base / "states" / "fl.yaml").write_text(text)
    relief = RELIEF.replace("rule: fl.calling-hours", "rule: fl.calling-hours.agreed").replace("{campaign.industry: newspaper}", "{consent.covers: {has: other_hours}}")
    assert verify_operator(packs(base, own, relief.replace("    when:", "    claim: true\n    when:")), clock) == ()
    assert loosenings(packs(base, own, relief), clock)  # without the claim it holds for everybody


def test_each_rule_is_weighed_by_itself(base: Path, own: Own) -> None:
    narrower = RELIEF.replace("house.relief", "house.agreed").replace("rule: fl.calling-hours", "rule: fl.calling-hours.agreed")
    narrower = narrower.replace("{campaign.industry: newspaper}", "{consent.covers: {has: other_hours}, line_type: landline}")
    found = packs(base, own, HOURS.replace("08:00-20:00", "08:00-19:00"), RELIEF, narrower)
    assert [loosening.rule for loosening in loosenings(found, clock)] == ["house.relief"]
    assert set(found.by_id["house.hours"].relieved_by) == {"fl.calling-hours.agreed", "house.agreed", "house.relief"}


# --- the confirmation --------------------------------------------------------------------------------------------------


def test_the_printed_digest_confirms_and_nothing_else_does(base: Path, own: Own) -> None:
    rule = HOURS.replace("08:00-20:00", "08:00-21:00")
    (loosening,) = loosenings(packs(base, own, rule), clock)
    assert re.fullmatch("[0-9a-f]{64}", loosening.digest)
    (accepted,) = verify_operator(packs(base, own, confirmed(rule, loosening.digest)), clock)
    assert accepted.confirmed and accepted.digest == loosening.digest
    for wrong in ("0" * 64, loosening.digest[:-1], loosening.digest.upper()):
        with pytest.raises(PackError, match="its confirmation does not fit"):
            verify_operator(packs(base, own, confirmed(rule, wrong)), clock)


def test_a_confirmation_falls_with_the_new_rule_the_old_one_and_their_examples(base: Path, own: Own) -> None:
    rule = HOURS.replace("08:00-20:00", "08:00-21:00")
    (loosening,) = loosenings(packs(base, own, rule), clock)
    good = confirmed(rule, loosening.digest)
    assert verify_operator(packs(base, own, good), clock)
    for changed in (good.replace("21:00", "21:01"), good.replace("title: Other hours", "title: Others"), good.replace("approver: J. Doe", "approver: R. Roe")):
        with pytest.raises(PackError, match="does not fit"):
            verify_operator(packs(base, own, changed), clock)
    law = (base / "states" / "fl.yaml").read_text()
    for old, new in (("name: closing", "name: at closing"), ("every_day: 08:00-20:00", "every_day: 08:00-19:30")):
        (base / "states" / "fl.yaml").write_text(law.replace(old, new))
        with pytest.raises(PackError, match="does not fit"):
            verify_operator(packs(base, own, good), clock)


def test_a_confirmation_falls_with_an_operator_s_calendar(base: Path, own: Own) -> None:
    calendar = "calendar: zz\ntitle: t\ncitation: c\nsources: [s]\ndays: [{name: a, rule: jan 1}]\n"
    rule = HOURS.replace("shape: calling-hours", "shape: calling-hours\n    unless: {closed_day: zz}")
    own(calendars__zz=calendar)
    (loosening,) = loosenings(packs(base, own, rule), clock)
    good = confirmed(rule, loosening.digest)
    assert verify_operator(packs(base, own, good), clock)
    own(calendars__zz=calendar.replace("jan 1", "jan 1, observed: nearest"))
    with pytest.raises(PackError, match="does not fit"):
        verify_operator(packs(base, own, good), clock)


def test_a_needless_confirmation_does_no_harm(base: Path, own: Own) -> None:
    assert verify_operator(packs(base, own, confirmed(HOURS, "0" * 64)), clock) == ()


# --- what cannot supersede what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rule: fl.calling-hours", "rule: fl.caling-hours", "supersedes `fl.caling-hours`, which does not exist"),
        ("rule: fl.calling-hours", "rule: house.hours", "`house.hours` is a rule of your own"),
        ("date: 2027-01-01", "date: 2027-02-30", "'2027-02-30' is not a date"),
        ("status: in_force", "status: disputed", "`fl.calling-hours` is not disputed, and what stands in its place cannot be switched off either"),
        ("rule: fl.calling-hours", "rule: fl.calling-hours.agreed", "a prohibition cannot stand in the place of a relief"),
        ("approver: J. Doe, ", "", "`approver` is left out"),
    ],
)
def test_what_cannot_be(base: Path, own: Own, old: str, new: str, message: str) -> None:
    with pytest.raises(PackError, match=re.escape(message)):
        packs(base, own, HOURS.replace(old, new))


def test_a_rule_without_examples_cannot_be_weighed_and_so_must_be_confirmed(base: Path, own: Own) -> None:
    text = (base / "states" / "fl.yaml").read_text()
    head, tail = text.split("    tests:\n", 1)
    (base / "states" / "fl.yaml").write_text(head + "  - id" + tail.split("  - id", 1)[1])
    assert [change.example for change in changes(packs(base, own, HOURS))] == ["it has no examples"]


def test_a_claimed_and_a_wider_relief_loosen_what_they_lift_and_their_own_examples(base: Path, own: Own) -> None:
    relief = RELIEF.replace("rule: fl.calling-hours", "rule: fl.calling-hours.agreed").replace("when: {campaign.industry: newspaper}", "unless: {channel: sms}")
    assert {change.rule for change in changes(packs(base, own, relief))} == {"fl.calling-hours", "fl.calling-hours.agreed"}


def test_check_as_json_tells_what_loosens(shipped: Path, own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "--json", "--rules", str(own(a=HEAD + HOURS.replace("08:00-20:00", "08:00-21:00")))]) == 1
    (found,) = json.loads(capsys.readouterr().out)["loosened"]
    assert (found["rule"], found["replaced"], found["confirmed"]) == ("house.hours", "fl.calling-hours", False)
    assert {"rule": "fl.calling-hours", "example": "closing", "changed": "", "before": "prohibited", "after": "silent", "law_of": "2027-01-01"} in found["examples"]


def test_one_rule_is_superseded_once(base: Path, own: Own) -> None:
    with pytest.raises(PackError, match="`fl.calling-hours` is superseded twice"):
        packs(base, own, HOURS, HOURS.replace("house.hours", "house.other"))


def test_a_rule_of_another_place_cannot_be_superseded(base: Path, own: Own) -> None:
    with pytest.raises(PackError, match="is law of FL, and this file of TX"):
        load([own(a=HEAD.replace("FL", "TX") + HOURS)], base)


def test_a_shipped_rule_supersedes_nothing(base: Path) -> None:
    text = (base / "states" / "fl.yaml").read_text() + HOURS.replace("house.hours", "fl.hours")
    (base / "states" / "fl.yaml").write_text(text)
    with pytest.raises(PackError, match="`supersedes` belongs to an operator's folder"):
        load(base=base)


def test_a_disputed_rule_may_be_superseded_by_a_disputed_one(base: Path, own: Own) -> None:
    cap = HOURS.replace("calling-hours\n    parameters: {hours: {every_day: 08:00-20:00}}", "attempt-cap\n    parameters: {maximum: 2, period: {hours: 24}}")
    cap = cap.replace("rule: fl.calling-hours", "rule: fl.frequency").replace("status: in_force", "status: disputed")
    assert verify_operator(packs(base, own, cap), clock) == ()


# --- every command -----------------------------------------------------------------------------------------------------


def test_check_prints_what_loosens_with_the_digest_and_every_command_refuses(
    shipped: Path, own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = HOURS.replace("08:00-20:00", "08:00-21:00")
    folder = own(a=HEAD + rule)
    assert main(["rules", "check", "--rules", str(folder)]) == 1
    printed = capsys.readouterr()
    assert "fl.calling-hours: closing: prohibited becomes silent (law of 2027-01-01)" in printed.out
    digest = re.search(r"digest ([0-9a-f]{64}): not confirmed", printed.out)[1]
    assert digest in printed.err
    for command in (["test"], ["list"], ["show", "fl.ring"], ["coverage"]):
        assert main(["rules", *command, "--rules", str(folder)]) == 1
        assert "not confirmed" in capsys.readouterr().err
    with pytest.raises(PackError, match="not confirmed"):
        Guard(no_store=True, rules=[folder])
    own(a=HEAD + confirmed(rule, digest))
    assert main(["rules", "check", "--rules", str(folder)]) == 0
    assert f"digest {digest}: confirmed" in capsys.readouterr().out
    assert main(["rules", "test", "--rules", str(folder)]) == 0


def test_packs_handed_in_are_verified_too(base: Path, own: Own) -> None:
    with pytest.raises(PackError, match="not confirmed"):
        Guard(no_store=True, packs=packs(base, own, HOURS.replace("08:00-20:00", "08:00-21:00")))


def test_a_shipped_rule_s_examples_stay_right_under_what_stands_in_its_place(base: Path, own: Own) -> None:
    found = packs(base, own, HOURS.replace("date: 2027-01-01", "date: 2026-01-01").replace("08:00-20:00", "10:00-12:00"))
    assert run(found, clock) == (18, [])


def test_the_new_rule_decides_from_its_day_and_the_decision_shows_it(shipped: Path, own: Own) -> None:
    rule = HOURS.replace("08:00-20:00", "08:00-18:00")
    guard = Guard(no_store=True, rules=[own(a=HEAD + rule)])
    campaign = {"seller": "s", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
    attempt = {"to": "+13055550123", "channel": "voice", "campaign": campaign, "consent": {"level": "none"}, "history": {"last_24h": 0}}
    before = guard.check({**attempt, "at": "2026-12-31T18:30:00-05:00"})
    after = guard.check({**attempt, "at": "2027-01-01T18:30:00-05:00"})
    assert "house.hours" not in before.rules and "fl.calling-hours" not in before.rules
    (reason,) = [reason for reason in after.reasons if reason["rule"] == "house.hours"]
    assert reason["supersedes"] == "fl.calling-hours"
