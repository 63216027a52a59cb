"""No telephone number reaches standard error or the text of an exception, whatever a command is given."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dialguard import Guard
from dialguard.facts.given import InvalidInput
from dialguard.model.redaction import without_numbers

CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
SELLER = ("--seller", "acme")
NUMBERS = ("+15125550123", "(512) 555-0124", "+442079460958", "512555012x")
_LAST = re.compile(r"555\D{0,3}01[0-9]{2}|79460958|512555012")


def clean(text: str) -> None:
    assert _LAST.search(text) is None, text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("found '+15125550123', expected text", "found '+###########', expected text"),
        ("(512) 555-0124 and 512.555.0125", "(###) ###-#### and ###.###.####"),
        ("+442079460958", "+############"),
        ("from 2026-11-24T11:00:00-05:00 to 2026-11-25 at 12:00, line 12,345", "from 2026-11-24T11:00:00-05:00 to 2026-11-25 at 12:00, line 12,345"),
    ],
)
def test_a_number_loses_its_digits_and_a_date_does_not(text: str, shown: str) -> None:
    assert without_numbers(text) == shown


@pytest.mark.parametrize("number", NUMBERS)
def test_no_command_says_a_number_on_standard_error(run, shipped, tmp_path: Path, number: str) -> None:
    store = tmp_path / "store"
    (tmp_path / "c.json").write_text(json.dumps(CAMPAIGN), encoding="utf-8")
    (tmp_path / "list.csv").write_text(f"phone,state\n{number},TX\n{number},{number}\n", encoding="utf-8")
    (tmp_path / "bare.csv").write_text(f"{number},TX\n{number},TX\n", encoding="utf-8")
    (tmp_path / "numbers.txt").write_text(f"{number}\n{number}9\n{number}\n", encoding="utf-8")
    (tmp_path / "rows.csv").write_text(f"number,level,obtained_at\n{number},{number},{number}\n", encoding="utf-8")
    (tmp_path / "twilio.json").write_text(json.dumps({"items": [{"contact_id": number, "status": number}]}), encoding="utf-8")
    attempt = {"to": number, "channel": "voice", "campaign": CAMPAIGN, "at": "2026-11-24T11:00:00-05:00"}
    wrong = [
        attempt, {**attempt, "channel": number}, {**attempt, "at": number}, {**attempt, "contact": {"state": number, "zip": number}},
        {**attempt, number: 1}, {**attempt, "history": {"attempts": [{"at": number, "to": number}]}}, {**attempt, "campaign": number},
    ]  # fmt: skip
    commands: list[tuple[object, ...]] = [
        ("consent", number, *SELLER, "--level", "express"), ("consent", number, *SELLER, "--level", number),
        ("consent", number, *SELLER, "--level", "express", "--obtained-at", number),
        ("consent", number, number, *SELLER, "--level", "express"), ("revocation", number, *SELLER), ("suppress", number, *SELLER),
        ("relationship", number, *SELLER), ("attempt", number, *SELLER, "--channel", "voice", "--from", number, "--reference", number),
        ("outcome", number, *SELLER, "--reference", number), ("outcome", "busy", *SELLER, "--attempt", number),
        ("ledger", "retract", number, *SELLER), ("ledger", "declare", *SELLER, "--since", number), ("ledger", "show", number, *SELLER),
        ("ledger", "import", tmp_path / "rows.csv", *SELLER, "--kind", "consent"), ("ledger", "import", tmp_path / "twilio.json", *SELLER),
        ("ledger", "erase", number, *SELLER), ("ledger", "erase", number), ("ledger", "lift", number, *SELLER, "--consent", number),
        ("ledger", "history", number), ("windows", number, "--campaign", tmp_path / "c.json", "--at", number),
        ("screen", tmp_path / "list.csv", tmp_path / "out.csv", "--campaign", tmp_path / "c.json", "--force"),
        ("screen", tmp_path / "bare.csv", tmp_path / "out.csv", "--campaign", tmp_path / "c.json", "--force"),
        ("screen", tmp_path / "bare.csv", tmp_path / "out.csv", "--campaign", tmp_path / "c.json", "--map", f"phone={number}", "--force"),
        ("lists", "import", "national", tmp_path / "numbers.txt", "--published", "2026-11-20"),
        ("lists", "import", number, tmp_path / "numbers.txt", "--published", number), (number,), ("ledger", number),
    ]  # fmt: skip
    for command in commands:
        clean(run(*command, "--store", store).err)
    guard = Guard(store, packs=shipped)
    for each in wrong:
        done = run("check", "-", "--store", store, stdin=(json.dumps(each) + "\n").encode())
        clean(done.err)
        try:
            guard.check(each)
        except InvalidInput as error:
            clean(str(error) + repr(error.errors))


def test_numbers_are_masked_though_other_things_are_told(run, tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("5125550127,TX\n", encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps(CAMPAIGN), encoding="utf-8")
    done = run("screen", tmp_path / "bare.csv", tmp_path / "out.csv", "--campaign", tmp_path / "c.json", "--no-store")
    assert done.status == 2 and "the columns are '##########', 'TX'" in done.err
