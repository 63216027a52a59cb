"""FCC 26-67 has no date yet. What it would change from a date on: a copy of the rules is given one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.packs.load import load

SHIPPED = Path(__file__).parent.parent.parent / "rules"
DATED = "2027-06-01"
TEXT = {
    "to": "2125550123", "channel": "sms", "line_type": "wireless",
    "campaign": {"id": "c", "seller": "acme", "purpose": "informational", "subject": "billing", "dialing": "automated"},
}  # fmt: skip


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Guard]:
    """By whether the order is dated: the rules of revocation alone."""
    made = {}
    for dated in (False, True):
        folder = tmp_path_factory.mktemp("dated" if dated else "undated")
        for name in ("shapes", "calendars"):
            shutil.copytree(SHIPPED / name, folder / name)
        shutil.copy(SHIPPED / "vocabulary.yaml", folder)
        (folder / "federal").mkdir()
        text = (SHIPPED / "federal" / "revocation.yaml").read_text("utf-8")
        before, after = text.split("  - id: us.revocation.fcc-26-67\n")
        assert after.count("effective: null") == 2
        if dated:
            after = after.replace("effective: null", f"effective: {DATED}")
        (folder / "federal" / "revocation.yaml").write_text(f"{before}  - id: us.revocation.fcc-26-67\n{after}", "utf-8")
        made[dated] = Guard(no_store=True, packs=load(base=folder))
    return made


def denied(guard: Guard, day: str, **revocation: str) -> set[str]:
    return set(guard.check({**TEXT, "at": f"{day}T12:00:00-05:00", "revocations": [{"at": "2026-12-01T12:00:00-05:00", **revocation}]}).rules)


ALL, ANY = "us.revocation.revoke-all.robocalls", "us.revocation.any-reasonable-means"


@pytest.mark.parametrize(
    ("day", "dated", "rules"),
    [
        ("2027-01-30", False, set()), ("2027-01-31", False, {ALL}), ("2027-06-01", False, {ALL}),
        ("2027-05-31", True, {ALL}), ("2027-06-01", True, set()),
    ],
)  # fmt: skip
def test_a_stop_to_another_category(guards: dict[bool, Guard], day: str, dated: bool, rules: set[str]) -> None:
    """Suspended until 31 January 2027, then it reaches every robotext, until the order narrows it again."""
    assert denied(guards[dated], day, scope="category", subject="delivery") == rules


@pytest.mark.parametrize(("channel", "rules"), [("voice", set()), ("rvm", {ALL})])
def test_the_order_names_calls_and_texts_and_no_voicemail_drops(guards: dict[bool, Guard], channel: str, rules: set[str]) -> None:
    stop = {"at": "2026-12-01T12:00:00-05:00", "scope": "category", "subject": "delivery"}
    campaign = {**TEXT["campaign"], "voice": "prerecorded"}
    attempt = {**TEXT, "channel": channel, "at": "2027-06-01T12:00:00-05:00", "revocations": [stop], "campaign": campaign}
    assert set(guards[True].check(attempt).rules) == rules


@pytest.mark.parametrize("revocation", [{"scope": "category", "subject": "billing"}, {"scope": "all"}, {}])
def test_a_stop_to_this_category_or_without_a_scope_stays(guards: dict[bool, Guard], revocation: dict[str, str]) -> None:
    assert denied(guards[True], "2027-06-01", **revocation) == {ANY}


def test_a_stop_to_marketing_ends_all_marketing(guards: dict[bool, Guard]) -> None:
    attempt = {**TEXT, "at": "2027-06-01T12:00:00-05:00", "revocations": [{"at": "2026-12-01T12:00:00-05:00", "scope": "marketing"}]}
    marketing = {**attempt, "campaign": {**TEXT["campaign"], "purpose": "telemarketing", "subject": "another"}}
    assert set(guards[True].check(marketing).rules) == {ANY}
    assert set(guards[True].check(attempt).rules) == set()


@pytest.mark.parametrize(("day", "dated", "obliged"), [("2027-06-01", False, True), ("2027-05-31", True, True), ("2027-06-01", True, False)])
def test_one_exclusive_means_when_claimed(guards: dict[bool, Guard], day: str, dated: bool, obliged: bool) -> None:
    claim = {"exemption": "us.revocation.fcc-26-67", "by": "J. Doe", "at": "2027-01-01"}
    attempt = {**TEXT, "at": f"{day}T12:00:00-05:00", "revocations": [], "campaign": {**TEXT["campaign"], "claims": [claim]}}
    found = {entry["rule"] for entry in guards[dated].check(attempt).obligations}
    assert ("us.revocation.no-exclusive-means" in found) == obliged
    unclaimed = {entry["rule"] for entry in guards[dated].check({**attempt, "campaign": TEXT["campaign"]}).obligations}
    assert "us.revocation.no-exclusive-means" in unclaimed
