"""Lists that are no do-not-call lists reach single decisions and screened lists alike."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.lists.importing import import_list
from dialguard.lists.reassigned import import_answers
from dialguard.model.moment import DAY
from dialguard.screening.read import series_of
from dialguard.storage.embedded import EmbeddedStore

AT = "2026-11-24T11:00:00-05:00"
NOW = clock.parse_instant(AT)
TODAY = date(2026, 11, 24)
PLAIN, SUES, MOBILE, FIXED, STAYED, MOVED = "2155550101", "2155550102", "2155550103", "2155550104", "2155550105", "2155550106"
LIVE = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
RECORDED = {"id": "c", "seller": "acme", "purpose": "informational", "dialing": "automated", "voice": "prerecorded"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")

    def lay(code: str, *numbers: str, days: int = 3) -> None:
        file = folder / f"{code}.txt"
        file.write_text("".join(f"{number}\n" for number in numbers), encoding="utf-8")
        published = date.fromordinal(TODAY.toordinal() - days)
        import_list(folder, code, file, published=published, whole_plan=True, received_at=NOW - DAY)

    lay("national", "9995550199")
    lay("PA", "2155550199", days=20)
    lay("litigator", SUES)
    lay("ported_to_wireless", MOBILE)
    lay("ported_to_wireline", FIXED)
    lay("wireless_blocks", FIXED, STAYED, MOVED)
    store = EmbeddedStore(folder)
    store.declare_complete("acme", NOW - 900 * DAY, known_at=NOW - 900 * DAY)
    for number in (STAYED, MOVED):
        store.record_consent(seller="acme", number=f"+1{number}", level="express", obtained_at=NOW - 400 * DAY, known_at=NOW - 400 * DAY)
    answers = folder / "answers.csv"
    answers.write_text(f"{MOVED},{date.fromordinal(TODAY.toordinal() - 400):%Y%m%d},yes\n", encoding="utf-8")
    import_answers(folder, answers, asked_at=NOW - 2 * DAY, received_at=NOW - DAY)
    return folder


@pytest.mark.parametrize("campaign", [LIVE, RECORDED], ids=["live", "recorded"])
def test_a_list_and_a_single_attempt_take_them_alike(folder: Path, campaign: dict[str, object]) -> None:
    guard = Guard(EmbeddedStore(folder), as_of=AT)
    screener = guard.screener(campaign, AT)
    numbers = [PLAIN, SUES, MOBILE, FIXED, STAYED, MOVED]
    found = screener.screen({"to": series_of(numbers)})
    for number, answer in zip(numbers, found.answers.tolist(), strict=True):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, "to": number})
        told = screener.answers[answer]
        assert (told.verdict, told.reasons) == (alone.verdict, tuple(reason["rule"] for reason in alone.reasons)), number


def test_what_they_say(folder: Path) -> None:
    guard = Guard(EmbeddedStore(folder), as_of=AT)

    def rules(number: str, campaign: dict[str, object]) -> list[str]:
        decision = guard.check({"channel": "voice", "campaign": campaign, "at": AT, "to": number, "from": f"+1{SUES}"})
        return [reason["rule"] for reason in decision.reasons]

    assert "house.litigator" in rules(SUES, LIVE) and "house.litigator" not in rules(PLAIN, LIVE)
    assert any(rule.startswith("us.tcpa.wireless") for rule in rules(MOBILE, RECORDED))
    assert not any(rule.startswith("us.tcpa.wireless") for rule in rules(FIXED, RECORDED))
    assert any(rule.startswith("us.reassigned") for rule in rules(MOVED, RECORDED))


@pytest.mark.parametrize("apart", [True, False], ids=["of one area code each", "each in the place of the last"])
def test_a_list_of_more_versions_than_a_number_has_bits(tmp_path: Path, apart: bool) -> None:
    """What the latest of them lists must not be lost among what is not listed."""
    file = tmp_path / "list.txt"
    for number in range(70):
        latest = "2155550101\n" if number == 69 else ""
        file.write_text(f"215{5550200 + number}\n{latest}", encoding="utf-8")
        published = date.fromordinal(TODAY.toordinal() - (2 if apart else 72 - number))
        covers = {"area_codes": {215}} if apart else {"whole_plan": True}
        import_list(tmp_path, "national", file, published=published, received_at=NOW - DAY + number, allow_shrink=True, **covers)
    EmbeddedStore(tmp_path).declare_complete("acme", NOW - 900 * DAY, known_at=NOW - 900 * DAY)
    guard = Guard(EmbeddedStore(tmp_path), as_of=AT)
    screener = guard.screener(LIVE, AT)
    numbers = [f"215555{line:04}" for line in (101, 102, 200, 231, 232, 263, 264, 269, 270)]
    found = screener.screen({"to": series_of(numbers)})
    listed = []
    for number, answer in zip(numbers, found.answers.tolist(), strict=True):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, "to": number})
        told = screener.answers[answer]
        assert (told.verdict, told.reasons) == (alone.verdict, tuple(reason["rule"] for reason in alone.reasons)), number
        listed.append("us.fcc.dnc.national" in told.reasons)
    assert listed == ([True, False, True, True, True, True, True, True, False] if apart else [True, False, *[False] * 5, True, False])
