"""What a decision says: kinds and order of reasons, what is needed and what would cure, duties to vouch, and what was known when."""

import shutil
from pathlib import Path

import pytest

from dialguard.facts.clock import parse_instant
from dialguard.guard import Guard, InvalidInput
from dialguard.model.moment import DAY
from dialguard.packs.load import Packs, load, shipped_rules
from dialguard.storage.memory import MemoryStore

AT = "2026-03-03T12:00:00-05:00"
NOW = parse_instant(AT)
VOICE = {"seller": "Acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live"}
LEAST = {"to": "+12125550123", "channel": "voice", "campaign": VOICE, "at": AT}
HEAD = "jurisdiction: {0}\nname: {0}\nzone: America/New_York\nlists: {1}\nrules:\n"
RULE = """
  - id: {id}
    title: {title}
    topic: {topic}
    kind: {kind}
    citation: test
    status: in_force
    applies: {{channels: any, purposes: {purposes}, dialing: any, voice: any, line_types: any}}
"""


def rule(name: str, topic: str = "exemption", kind: str = "prohibition", purposes: str = "any", **more) -> str:
    text = RULE.format(id=name, title=f"Title of {name}", topic=topic, kind=kind, purposes=purposes)
    return text + "".join(f"    {key}: {value}\n" for key, value in more.items())


def packs(folder: Path, **files: list[str]) -> Packs:
    shipped, base = shipped_rules(), folder / "rules"
    for name in ("shapes", "calendars"):
        shutil.copytree(shipped / name, base / name)
    shutil.copy(shipped / "vocabulary.yaml", base / "vocabulary.yaml")
    for code, rules in files.items():
        path = base / ("federal" if code == "US" else "states") / f"{code.lower()}.yaml"
        path.parent.mkdir(exist_ok=True)
        lists = "[{code: national, name: National, max_age_days: 31}]" if code == "US" else f"[{{code: {code}, name: List, max_age_days: 90}}]"
        path.write_text(HEAD.format(code, lists) + "".join(rules))
    return load(base=base)


@pytest.fixture
def law(tmp_path):
    return lambda **files: packs(tmp_path, **files)


def kinds(decision) -> dict[str, str]:
    return {reason["rule"]: reason["kind"] for reason in decision.reasons}


# ------------------------------------------------------------------------------------- prohibitions, doubt and duties


def test_a_ban_on_mobiles_denies_and_a_ban_where_the_called_party_pays_obliges(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[
        rule("us.all-mobiles", when="{line_type: wireless}"),
        rule("us.paid-mobiles", when="{line_type: wireless, line.charged: true}"),
    ]))  # fmt: skip
    decision = guard.check(LEAST)
    assert kinds(decision) == {"us.all-mobiles": "unknown_fact"} and decision.reasons[0]["needs"] == ["line_type"]
    (duty,) = decision.obligations
    assert (duty["rule"], duty["duty"], duty["params"]) == ("us.paid-mobiles", "confirm", {"facts": ["line.charged", "line_type"]})
    landline = guard.check(LEAST | {"line_type": "landline"})
    assert landline.verdict == "allow" and landline.obligations == []
    mobile = guard.check(LEAST | {"line_type": "wireless"})
    assert kinds(mobile) == {"us.all-mobiles": "prohibited"} and mobile.obligations[0]["params"] == {"facts": ["line.charged"]}
    paid = guard.check(LEAST | {"line_type": "wireless", "line": {"charged": True}})
    assert kinds(paid) == {"us.all-mobiles": "prohibited", "us.paid-mobiles": "prohibited"} and paid.obligations == []
    free = guard.check(LEAST | {"line_type": "wireless", "line": {"charged": False}})
    assert kinds(free) == {"us.all-mobiles": "prohibited"} and free.obligations == []


def test_a_rule_may_say_that_doubt_denies(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.paid", when="{line.charged: true}", on_unknown="deny")]))
    assert kinds(guard.check(LEAST)) == {"us.paid": "unknown_fact"}
    assert guard.check(LEAST | {"line": {"charged": False}}).verdict == "allow"


def test_a_prohibition_may_name_the_duty_that_doubt_makes_of_it(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.paid", when="{line.charged: true}", duty="{code: check_price, params: {cents: 0}}")]))
    (duty,) = guard.check(LEAST).obligations
    assert (duty["duty"], duty["params"], duty["message"]) == ("check_price", {"cents": 0}, "Title of us.paid: confirm line.charged.")


def test_one_asserted_fact_read_twice_takes_one_value(law) -> None:
    """No value of the attestation silences both parts, so that vouching for it would not help."""
    both = "{any: [{caller_id.attestation: [A, B]}, {caller_id.attestation: [C, none]}]}"
    either = "{any: [{caller_id.attestation: C}, {caller_id.attestation: none}]}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.both", when=both), rule("us.either", when=either)]))
    decision = guard.check(LEAST)
    assert kinds(decision) == {"us.both": "unknown_fact"} and [duty["rule"] for duty in decision.obligations] == ["us.either"]
    assert guard.check(LEAST | {"caller_id": {"attestation": "A"}}).rules == ("us.both",)


def test_an_unknown_obligation_obliges(law) -> None:
    duty = "{code: say_so, params: {seconds: 5}}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.duty", kind="obligation", when="{line_type: wireless}", duty=duty)]))
    assert [entry["duty"] for entry in guard.check(LEAST).obligations] == ["say_so"]
    assert guard.check(LEAST).verdict == "allow" and guard.check(LEAST | {"line_type": "voip"}).obligations == []


def test_an_unknown_relief_does_not_relieve_and_says_what_it_needs(law) -> None:
    relief = rule("us.relief", kind="relief", relieves="[us.ban]", when="{consent.level: {at_least: express}}")
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when="{contact.kind: consumer}"), relief]))
    (reason,) = guard.check(LEAST).reasons
    assert reason["kind"] == "unknown_fact" and reason["needs"] == ["consent.level"] and reason["cures"] == ["us.relief"]
    (reason,) = guard.check(LEAST | {"consent": {"level": "none"}}).reasons
    assert reason["kind"] == "prohibited" and "needs" not in reason and reason["cures"] == ["us.relief"]
    assert guard.check(LEAST | {"consent": {"level": "express"}}).verdict == "allow"


def test_a_claim_relieves_only_when_made(law) -> None:
    relief = rule("us.claimed", kind="relief", relieves="[us.ban]", claim="true")
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when="{contact.kind: consumer}"), relief]))
    assert kinds(guard.check(LEAST)) == {"us.ban": "prohibited"}
    claim = {"exemption": "us.claimed", "by": "J. Doe", "at": "2026-03-01"}
    decision = guard.check(LEAST | {"campaign": VOICE | {"claims": [claim]}})
    assert decision.verdict == "allow" and decision.evidence["claims"] == [claim]
    other = guard.check(LEAST | {"campaign": VOICE | {"claims": [claim | {"exemption": "us.other"}]}})
    assert other.verdict == "deny"


def test_needs_leave_out_what_is_settled(law) -> None:
    condition = "{any: [{contact.attorney: true, line_type: wireless}, {consent.level: none, dnc.internal: true}]}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when=condition)]))
    assert guard.check(LEAST).reasons[0]["needs"] == ["consent.level", "contact.attorney", "dnc.internal", "line_type"]
    assert guard.check(LEAST | {"line_type": "voip"}).reasons[0]["needs"] == ["consent.level", "dnc.internal"]
    assert guard.check(LEAST | {"consent": {"level": "none"}, "line_type": "voip"}).reasons[0]["needs"] == ["dnc.internal"]
    assert guard.check(LEAST | {"contact": {"attorney": True}, "consent": {"level": "express"}}).reasons[0]["needs"] == ["line_type"]


def test_needs_of_a_rule_that_bites_in_two_zones_are_those_of_both(law) -> None:
    condition = "{any: [{local_time: {outside: {every_day: 08:00-21:00}}, line_type: wireless}, {dnc.internal: true}]}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when=condition)]))
    for number in ("+18505550123", "+12125550123"):
        early = LEAST | {"to": number, "at": "2026-03-03T08:30:00-05:00"}
        expected = ["dnc.internal", "line_type"] if number == "+18505550123" else ["dnc.internal"]  # 07:30 in the west of the panhandle
        assert guard.check(early).reasons[0]["needs"] == expected


def test_needs_are_gathered_over_the_zones_in_either_order(law) -> None:
    morning = "{any: [{local_time: {within: {every_day: 08:00-08:45}}, line_type: wireless}, {dnc.internal: true}]}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when=morning)]))
    decision = guard.check(LEAST | {"to": "+18505550123", "at": "2026-03-03T08:30:00-05:00"})  # 07:30 in the west of the panhandle
    assert [place["zone"] for place in decision.as_dict()["timezones"]] == ["America/Chicago", "America/New_York"]
    assert decision.reasons[0]["needs"] == ["dnc.internal", "line_type"]


def test_a_count_needs_the_history(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.cap", "frequency", when="{count: {at_least: 3, last: {hours: 24}}}")]))
    assert guard.check(LEAST).reasons[0]["needs"] == ["history.attempts"]
    assert guard.check(LEAST | {"history": {"last_24h": 3}}).reasons[0]["needs"] == ["history.attempts"]
    assert guard.check(LEAST | {"history": {"last_24h": 2}}).verdict == "allow"


# ------------------------------------------------------------------------------------------------------------- order


def test_reasons_stand_in_the_order_of_the_contract(law) -> None:
    certain, open_, listed = "{contact.kind: consumer}", "{line_type: wireless}", "{dnc.national: true}"
    guard = Guard(MemoryStore(), as_of=AT, packs=law(
        US=[rule("us.z", "frequency", when=certain), rule("us.b", "calling_hours", when=certain), rule("us.a", "calling_hours", when=certain),
            rule("us.open", "calling_hours", when=open_), rule("us.listed", "federal_dnc", when=listed)],
        NY=[rule("ny.a", "calling_hours", when=certain), rule("ny.open", "calling_hours", when=open_)],
    ))  # fmt: skip
    decision = guard.check(LEAST | {"dnc": {"internal": False}, "consent": {"level": "none"}, "revocations": []})
    order = [reason["rule"] for reason in decision.reasons]
    from dialguard.packs.schema import TOPICS

    hours_first = TOPICS.index("calling_hours") < TOPICS.index("frequency")
    assert order == [*(["us.a", "us.b", "us.z"] if hours_first else ["us.z", "us.a", "us.b"]), "ny.a", "us.listed", "us.open", "ny.open"]
    assert [reason["kind"] for reason in decision.reasons] == ["prohibited"] * 4 + ["list_incomplete"] + ["unknown_fact"] * 2


def test_every_rule_stands_once_however_many_places_it_bites_in(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when="{contact.kind: consumer}")]))
    decision = guard.check(LEAST | {"to": "+18505550123", "contact": {"state": "CA"}})
    assert len(decision.as_dict()["timezones"]) == 3 and [reason["rule"] for reason in decision.reasons] == ["us.ban"]


def test_the_certain_answer_of_one_place_is_the_one_to_show(law) -> None:
    condition = "{local_time: {outside: {every_day: 08:00-21:00}}, any: [{local_time: {outside: {every_day: 07:45-21:00}}}, {line_type: wireless}]}"
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when=condition)]))
    # 07:50 in New York: open; 06:50 in Chicago: certain.
    decision = guard.check(LEAST | {"to": "+18505550123", "at": "2026-03-03T07:50:00-05:00"})
    assert kinds(decision) == {"us.ban": "prohibited"}


def test_a_whole_decision(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.hours", "calling_hours", shape="calling-hours", parameters="{hours: {every_day: 08:00-21:00}}")]))
    found = guard.check(LEAST | {"id": "a-7", "at": "2026-03-03T21:30:00-05:00"}).as_dict()
    identity, packs_, evidence = found.pop("id"), found.pop("packs"), found.pop("evidence")
    assert identity.startswith("d-") and len(packs_) == 64 and "zone_data" in evidence
    (reason,) = found.pop("reasons")
    assert "21:30:00" in reason.pop("message")
    assert reason == {"rule": "us.hours", "kind": "prohibited", "jurisdiction": "US", "topic": "calling_hours", "citation": "test", "cures": []}
    assert found == {
        "attempt_id": "a-7", "at": "2026-03-03T21:30:00-05:00", "verdict": "deny", "valid_until": None, "obligations": [],
        "retry_at": "2026-03-04T08:00:00-05:00", "reservation": None, "jurisdictions": [{"state": "NY", "from": ["area_code"]}],
        "timezones": [{"zone": "America/New_York", "from": ["area_code"]}],
    }  # fmt: skip


@pytest.mark.parametrize("number", ["911", "+442079460958", "12", "+12005550123", "+18765550123"])
def test_a_number_that_lies_nowhere_is_never_allowed(law, number: str) -> None:
    """Not even where no rule speaks of it."""
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when="{contact.kind: business}")]))
    decision = guard.check(LEAST | {"to": number})
    assert decision.verdict == "deny" and decision.reasons[0]["topic"] == "number" and decision.retry_at is None
    whole = decision.as_dict()
    assert whole["jurisdictions"] == [] and whole["timezones"] == [] and whole["at"] == "2026-03-03T17:00:00+00:00"


def test_two_decisions_have_two_ids(law) -> None:
    guard = Guard(no_store=True, packs=law(US=[rule("us.ban", when="{contact.kind: business}")]))
    one, other = guard.check(LEAST), guard.check(LEAST)
    assert one.id != other.id and one.id == one.id and one.allowed


# ---------------------------------------------------------------------------------------------------- as of a moment


@pytest.fixture
def recorded() -> MemoryStore:
    """Complete from 2025; a revocation of 1 February that became known on 1 April."""
    store = MemoryStore()
    store.declare_complete("Acme", NOW - 400 * DAY, known_at=NOW - 400 * DAY)
    february, april = parse_instant("2026-02-01T12:00:00Z"), parse_instant("2026-04-01T12:00:00Z")
    store.record_revocation(seller="Acme", number="+12125550123", at=february, known_at=april)
    store.record_revocation(seller="Acme", number="+13055550123", at=april, known_at=april)
    return store


def test_without_as_of_everything_known_today_counts_and_nothing_later_than_the_attempt(law, recorded) -> None:
    made = law(US=[rule("us.revoked", "revocation", when="{revocations: true}")])
    guard = Guard(recorded, packs=made)
    assert kinds(guard.check(LEAST)) == {"us.revoked": "prohibited"}
    assert guard.check(LEAST | {"at": "2026-01-31T12:00:00Z"}).verdict == "allow"
    assert guard.check(LEAST | {"to": "+13055550123"}).verdict == "allow"  # revoked in April, the attempt was in March


def test_a_given_as_of_selects_what_was_known(law, recorded) -> None:
    made = law(US=[rule("us.revoked", "revocation", when="{revocations: true}")])
    assert Guard(recorded, packs=made, as_of="2026-03-31T00:00:00Z").check(LEAST).verdict == "allow"
    assert Guard(recorded, packs=made, as_of="2026-04-02T00:00:00Z").check(LEAST).verdict == "deny"


def test_as_of_alone_is_the_moment_of_the_attempt_too(law, recorded) -> None:
    made = law(US=[rule("us.revoked", "revocation", when="{revocations: true}")])
    guard = Guard(recorded, packs=made, as_of="2026-04-02T00:00:00Z")
    sent = {name: value for name, value in LEAST.items() if name != "at"}
    assert guard.check(sent).at == "2026-04-01T20:00:00-04:00" and guard.check(sent).verdict == "deny"


@pytest.mark.parametrize("moment", ["1950-01-01T00:00:00Z", "2500-01-01T00:00:00Z", "yesterday"])
def test_a_moment_that_cannot_be_judged_is_refused(law, moment: str) -> None:
    made = law(US=[rule("us.ban", when="{contact.kind: business}")])
    with pytest.raises(ValueError, match="expected"):
        Guard(no_store=True, packs=made, as_of=moment)
    with pytest.raises(InvalidInput):
        Guard(no_store=True, packs=made).check(LEAST | {"at": moment})
    with pytest.raises(InvalidInput):
        Guard(no_store=True, packs=made).windows("+12125550123", VOICE, at=moment)
    with pytest.raises(InvalidInput):
        Guard(no_store=True, packs=made).screener(VOICE, at=moment)
