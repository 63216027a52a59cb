"""What is recorded and sent for a message, and that the record then decides as it should."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from dialguard import Guard, optout
from dialguard.facts import clock
from dialguard.ledger.ledger import Ledger
from dialguard.model.moment import MINUTE, SECOND
from dialguard.optout import Answer

AT = clock.parse_instant("2026-11-17T15:00:00Z")
ALL = "Acme: you are opted out and will get no more messages or calls from us."
WARRANTY = "Acme: you are opted out of messages about car warranty."
REMINDERS = ("appointment reminders",)


def answered(text: str, asked_scope: str | None = None, **more) -> Answer:
    return optout.answer(optout.read(text, asked_scope=asked_scope), text, AT, "Acme", **more)


def test_a_word_alone_is_recorded_and_confirmed_once() -> None:
    found = answered("STOP")
    assert found.revocation == {"at": AT, "scope": "all", "subject": None, "channel": None, "means": "stop_reply", "words": "STOP"}
    assert found.reply == "Acme: you are opted out and will get no more messages or calls from us."
    assert (found.reply_by, found.asked_scope, found.supersedes, found.review) == (AT + 5 * MINUTE, None, False, False)
    again = answered("STOP", already_confirmed=True)
    assert again.revocation == found.revocation and again.reply is None


@pytest.mark.parametrize(("late", "sent"), [(-SECOND, False), (0, True), (5 * MINUTE, True), (5 * MINUTE + SECOND, False)])
def test_a_confirmation_is_offered_for_five_minutes(late: int, sent: bool) -> None:
    found = answered("please take me off your list", now=AT + late)
    assert (found.reply is not None) is sent and found.revocation is not None


def test_it_is_asked_once_what_a_bare_word_meant_and_silence_means_all() -> None:
    asked = answered("STOP", keeps=("appointment reminders", "order updates"))
    assert asked.reply is not None and asked.reply.endswith("To keep only appointment reminders and order updates, reply KEEP.")
    assert asked.asked_scope == "marketing" and asked.revocation is not None and asked.revocation["scope"] == "all"
    kept = answered("Keep", asked_scope=asked.asked_scope, keeps=REMINDERS, already_confirmed=True, already_asked=True)
    assert kept.revocation is not None and (kept.revocation["scope"], kept.supersedes, kept.reply) == ("marketing", True, None)
    assert answered("STOP", keeps=REMINDERS, already_asked=True).asked_scope is None
    for text in ("?", "what", "STOP"):
        assert not answered(text, asked_scope="marketing", keeps=REMINDERS, already_confirmed=True, already_asked=True).supersedes


@pytest.mark.parametrize("text", ["stop the promos", "leave me alone", "stop calling, text is fine"])
def test_who_said_what_is_meant_is_not_asked(text: str) -> None:
    found = answered(text, keeps=REMINDERS)
    assert found.reply is not None and "KEEP" not in found.reply and found.asked_scope is None


@pytest.mark.parametrize(
    ("text", "subjects", "scope", "subject", "reply"),
    [
        ("don't text me about insurance", ("insurance",), "category", "insurance", "Acme: you are opted out of messages about insurance."),
        ("don't text me about insurance", ("auto_insurance",), "all", None, ALL),
        ("don't text me about the car warranty", ("car_warranty",), "category", "car_warranty", WARRANTY),
        ("stop the promos", (), "marketing", None, "Acme: you are opted out of marketing and will get no more of it from us."),
        ("no más mensajes", (), "all", None, "Acme: ya no recibirá más mensajes ni llamadas nuestras."),
        ("no me llamen, solo mensajes", (), "medium", None, "Acme: ya no recibirá llamadas nuestras."),
    ],
)
def test_scope_and_words_of_the_confirmation(text: str, subjects: tuple[str, ...], scope: str, subject: str | None, reply: str) -> None:
    found = answered(text, subjects=subjects)
    assert found.revocation is not None
    assert (found.revocation["scope"], found.revocation["subject"], found.reply) == (scope, subject, reply)


def test_doubt_is_an_optout_from_marketing_for_a_person_to_decide() -> None:
    found = answered("not interested", keeps=REMINDERS)
    assert found.revocation is not None and (found.revocation["scope"], found.revocation["means"]) == ("marketing", "unclear_reply")
    assert found.review and found.reply is None


def test_a_wrong_number_ends_what_rests_on_that_consent() -> None:
    found = answered("wrong number")
    assert found.revocation is not None and (found.revocation["scope"], found.revocation["means"]) == ("all", "wrong_number")
    assert found.review and found.reply is None


@pytest.mark.parametrize("text", ["START", "YES", "help", "see you at 5"])
def test_nothing_else_is_recorded(text: str) -> None:
    found = answered(text)
    assert found.revocation is None and found.reply is None


def test_evidence_is_what_a_ledger_takes(tmp_path: Path) -> None:
    found = answered("\u202estop\x00 texting\r\nme\ud800 " + "x" * 5_000)
    assert found.revocation is not None and str(found.revocation["words"]).startswith("stop texting\nme x")
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.record_revocation(seller="acme", number="+13055550123", known_at=AT, **found.revocation)


ATTEMPT = {
    "to": "+13055550123", "channel": "sms", "at": "2026-11-17T15:04:00Z", "line_type": "wireless",
    "campaign": {"seller": "acme", "purpose": "telemarketing", "dialing": "automated", "sms_registration": "registered"},
}  # fmt: skip


def revoked(guard: Guard, **more) -> bool:
    decision = guard.check(ATTEMPT | more).as_dict()
    return any(reason["rule"].startswith("us.revocation.") for reason in decision["reasons"])


@pytest.mark.parametrize(
    ("text", "marketing", "reminder"),
    [
        ("STOP", True, True), ("wrong number", True, True), ("not interested", True, False), ("stop the promos", True, False),
        ("start", False, False),
    ],  # fmt: skip
)
def test_the_record_decides(tmp_path: Path, text: str, marketing: bool, reminder: bool) -> None:
    found = answered(text)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.declare_complete(seller="acme", since=AT - 60 * MINUTE, known_at=AT - 60 * MINUTE)
        if found.revocation is not None:
            ledger.record_revocation(seller="acme", number="+13055550123", known_at=AT, **found.revocation)
    guard = Guard(str(tmp_path))
    informational = ATTEMPT["campaign"] | {"purpose": "informational"}
    assert (revoked(guard), revoked(guard, campaign=informational)) == (marketing, reminder)
    if found.reply is not None:
        for at, late in (("2026-11-17T15:05:00Z", False), ("2026-11-17T15:05:01Z", True)):
            assert revoked(guard, at=at, message={"confirms_revocation": True}) is late
