"""Consent and revocation at an instant: what is in force, what is voided, what is barred and what lifts it."""

import pytest

from dialguard.facts.clock import parse_instant
from dialguard.facts.consent import Stated, consent_facts, turning_points
from dialguard.model.moment import DAY, MINUTE, NEVER, SECOND
from dialguard.model.records import COVERS, Consent, Revocation

AT = parse_instant("2026-03-03T17:00:00Z")
ALL_BUT_HOURS = frozenset(COVERS) - {"other_hours"}
BY_HAND = ALL_BUT_HOURS - {"autodialed", "prerecorded", "ai", "rvm"}


def facts(*held, channel="voice", purpose="telemarketing", subject=None, at=AT):
    consents = [entry for entry in held if not isinstance(entry, Revocation)]
    revocations = [entry for entry in held if isinstance(entry, Revocation)]
    return consent_facts(consents, revocations, channel, purpose, subject, at)


def level(*held, **contact):
    return facts(*held, **contact)["consent.level"]


def barred(*held, **contact):
    return facts(*held, **contact)["revocations"]


# ---------------------------------------------------------------------------------------------------------- in force


def test_a_consent_runs_from_its_moment_to_its_end() -> None:
    consent = Consent("express", obtained_at=AT, expires_at=AT + DAY)
    assert level(consent, at=AT - 1) == "none"
    assert level(consent, at=AT) == "express"
    assert level(consent, at=AT + DAY - 1) == "express"
    assert level(consent, at=AT + DAY) == "none"


def test_a_consent_reaches_its_channels() -> None:
    consent = Consent("express", channels=("voice", "sms"))
    assert [level(consent, channel=channel) for channel in ("voice", "sms", "mms", "rvm", "fax")] == ["express", "express", "none", "none", "none"]
    assert level(Consent("express"), channel="fax") == "express"


def test_the_best_consent_counts_and_the_later_of_equals() -> None:
    oral = Consent("express", obtained_at=AT - DAY, form=("oral",))
    written = Consent("express_written", obtained_at=AT - 9 * DAY)
    newer = Consent("express", obtained_at=AT - MINUTE, form=("request",))
    assert level(oral, written, newer) == "express_written"
    assert facts(oral, newer)["consent.form"] == {"request"}
    assert facts(oral, newer)["consent.obtained_at"] == AT - MINUTE


@pytest.mark.parametrize(
    ("consent", "purpose", "covers"),
    [
        (Consent("express_written"), "telemarketing", ALL_BUT_HOURS),
        (Consent("express_written"), "informational", ALL_BUT_HOURS),
        (Consent("express"), "telemarketing", BY_HAND),
        (Consent("express"), "informational", ALL_BUT_HOURS),
        (Consent("express_written", covers=("live",)), "telemarketing", {"live"}),
        (Consent("express", covers=("prerecorded", "other_hours")), "telemarketing", {"prerecorded", "other_hours"}),
        (Stated("express_written", covers=frozenset()), "telemarketing", frozenset()),
    ],
)
def test_what_a_consent_covers(consent, purpose: str, covers) -> None:
    assert facts(consent, purpose=purpose)["consent.covers"] == covers


def test_no_consent() -> None:
    found = facts()
    assert found["consent.level"] == "none" and found["consent.form"] == frozenset() and found["consent.covers"] == frozenset()
    assert found["consent.obtained_at"] is NEVER and found["consent.requested_at"] is NEVER
    assert found["revocations"] is False and found["message.within_five_minutes"] is False


# ------------------------------------------------------------------------------------------------------- revocations

REACH = [  # scope, subject, channel of the revocation; contacts that it reaches and that it does not
    (("all", None, None), [("voice", "telemarketing", None), ("sms", "informational", "x"), ("fax", "survey", None)], [("voice", "emergency", None)]),
    (("marketing", None, None), [("voice", "telemarketing", None), ("sms", "telemarketing", "x"), ("rvm", "telemarketing", None)],
     [("voice", "informational", None), ("sms", "charitable", None), ("voice", "emergency", None)]),
    (("category", "solar", None), [("voice", "telemarketing", "solar"), ("sms", "informational", "solar"), ("voice", "survey", None)],
     [("voice", "telemarketing", "roofs"), ("voice", "emergency", "solar")]),
    (("category", None, None), [("voice", "telemarketing", "solar"), ("voice", "informational", None)], [("sms", "emergency", None)]),
    (("medium", None, "voice"), [("voice", "telemarketing", None), ("rvm", "informational", None)],
     [("sms", "telemarketing", None), ("mms", "telemarketing", None), ("fax", "telemarketing", None), ("voice", "emergency", None)]),
    (("medium", None, "rvm"), [("voice", "telemarketing", None), ("rvm", "telemarketing", None)], [("sms", "telemarketing", None)]),
    (("medium", None, "sms"), [("sms", "informational", None), ("mms", "telemarketing", None)], [("voice", "telemarketing", None)]),
    (("medium", None, "mms"), [("sms", "telemarketing", None), ("mms", "survey", None)], [("rvm", "telemarketing", None)]),
    (("medium", None, None), [("sms", "telemarketing", None), ("voice", "survey", None)], [("voice", "emergency", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("named", "reached", "spared"), REACH)
def test_what_a_revocation_reaches(named, reached, spared) -> None:
    scope, subject, channel = named
    revocation = Revocation(AT - DAY, scope, subject, channel)
    for way, purpose, own in reached:
        assert barred(revocation, channel=way, purpose=purpose, subject=own) is True, (way, purpose, own)
    for way, purpose, own in spared:
        assert barred(revocation, channel=way, purpose=purpose, subject=own) is False, (way, purpose, own)
        assert level(Consent("express"), revocation, channel=way, purpose=purpose, subject=own) == "express"


def test_a_revocation_counts_from_its_moment_on() -> None:
    consent, revocation = Consent("express", obtained_at=AT - DAY), Revocation(AT)
    assert (level(consent, revocation, at=AT - 1), barred(revocation, at=AT - 1)) == ("express", False)
    assert (level(consent, revocation, at=AT), barred(revocation, at=AT)) == ("none", True)


def test_a_revocation_not_older_than_the_consent_voids_it() -> None:
    revocation = Revocation(AT - DAY)
    assert level(Consent("express", obtained_at=AT - DAY), revocation) == "none"
    assert level(Consent("express", obtained_at=AT - DAY - 1), revocation) == "none"
    assert level(Consent("express", obtained_at=AT - DAY + 1), revocation) == "express"


def test_a_consent_of_an_unknown_day_is_voided_and_lifts_nothing() -> None:
    assert level(Consent("express"), Revocation(AT - DAY)) == "none"
    assert barred(Consent("express"), Revocation(AT - DAY)) is True


def test_a_later_consent_lifts() -> None:
    later, revocation = Consent("express", obtained_at=AT - DAY), Revocation(AT - 2 * DAY)
    assert barred(later, revocation) is False
    assert facts(later, revocation)["revocations.any"] is False
    assert barred(Consent("express", obtained_at=AT - 2 * DAY), revocation) is True
    assert barred(Consent("none", obtained_at=AT - DAY), revocation) is True


def test_a_later_consent_of_a_lesser_level_does_not_lift() -> None:
    written, revocation = Consent("express_written", obtained_at=AT - 9 * DAY), Revocation(AT - 2 * DAY)
    assert barred(written, revocation, Consent("express", obtained_at=AT - DAY)) is True
    assert barred(written, revocation, Consent("express_written", obtained_at=AT - DAY)) is False
    assert barred(Consent("express", obtained_at=AT - 9 * DAY), revocation, Consent("express_written", obtained_at=AT - DAY)) is False


def test_a_later_consent_lifts_what_it_names() -> None:
    revocation = Revocation(AT - 2 * DAY)
    texts = Consent("express_written", obtained_at=AT - DAY, channels=("sms",))
    assert barred(texts, revocation, channel="sms") is False
    assert barred(texts, revocation, channel="voice") is True
    by_cover = Consent("express_written", obtained_at=AT - DAY, covers=("texts",))
    assert barred(by_cover, revocation, channel="mms") is False
    assert barred(by_cover, revocation, channel="voice") is True
    assert barred(by_cover, revocation, channel="rvm") is True
    calls = Consent("express_written", obtained_at=AT - DAY, covers=("live",))
    assert barred(calls, revocation, channel="voice") is False
    assert barred(calls, revocation, channel="sms") is True


def test_a_consent_that_has_expired_lifts_no_longer() -> None:
    later, revocation = Consent("express", obtained_at=AT - DAY, expires_at=AT), Revocation(AT - 2 * DAY)
    assert barred(later, revocation, at=AT - 1) is False
    assert barred(later, revocation, at=AT) is True


def test_one_revocation_lifted_leaves_the_other() -> None:
    first, second = Revocation(AT - 5 * DAY), Revocation(AT - DAY, "medium", channel="sms")
    consent = Consent("express", obtained_at=AT - 2 * DAY)
    assert barred(first, second, consent, channel="voice") is False
    assert barred(first, second, consent, channel="sms") is True
    assert facts(first, second, consent, channel="voice")["revocations.any"] is True


def test_any_revocation_is_seen_whatever_its_scope() -> None:
    other = Revocation(AT - DAY, "medium", channel="sms")
    assert facts(other)["revocations"] is False and facts(other)["revocations.any"] is True
    assert facts(other, at=AT - DAY - 1)["revocations.any"] is False


def test_five_minutes_to_confirm() -> None:
    revocation = Revocation(AT)
    within = [facts(revocation, channel="sms", at=at)["message.within_five_minutes"] for at in (AT - 1, AT, AT + 5 * MINUTE, AT + 5 * MINUTE + 1)]
    assert within == [False, True, True, False]
    # A revocation of calls is not confirmed by a text.
    assert facts(Revocation(AT, "medium", channel="voice"), channel="sms", at=AT + SECOND)["message.within_five_minutes"] is False


def test_every_change_is_a_turning_point() -> None:
    held = [Consent("express", obtained_at=AT + DAY, expires_at=AT + 9 * DAY), Consent("express_written", obtained_at=AT - DAY, expires_at=AT + 3 * DAY)]
    revoked = [Revocation(AT + 2 * DAY), Revocation(AT - 2 * MINUTE, "medium", channel="voice")]
    points = sorted({AT, *turning_points(held, revoked, AT), AT + 20 * DAY})
    for start, end in zip(points, points[1:], strict=False):
        for channel in ("voice", "sms"):
            first = facts(*held, *revoked, channel=channel, at=start)
            assert all(facts(*held, *revoked, channel=channel, at=at) == first for at in (start + 1, (start + end) // 2, end - 1))
