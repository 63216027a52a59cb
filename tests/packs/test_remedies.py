"""What a breach of each rule may cost: figures written from the law, rules reached exactly, mistakes told."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from dialguard.packs.load import load
from dialguard.packs.remedies import amount, at_home, sentence
from dialguard.packs.yamlfile import PackError

P, R, C, U = "person", "regulator", "prosecutor", "unstated"
PACKS = load([])
TODAY = datetime.date(2026, 11, 22).toordinal()

# rule: who, least, most, first call for which it may be sought, years to seek it
COSTS = {
    "us.tcpa.wireless.marketing.pewc": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.tcpa.residential.prerecorded.consent": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.rvm.is-a-call": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.revocation.any-reasonable-means": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.reassigned.responses": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.reassigned.responses.by-hand": [],  # 227(b) is about machines
    "us.tcpa.pewc.contents": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.tcpa.prerecorded.identify": [],  # 227(d) gives no suit
    "us.tcpa.residential.exempt.optout-duties.own-list": [(P, None, 1500, 2, 4)],
    "us.fax.basics": [(P, 500, 1500, 1, 4), (R, None, 10000, 1, 4)],
    "us.fcc.dnc.national": [(P, None, 1500, 2, 4)],
    "us.fcc.calling-hours": [(P, None, 1500, 2, 4)],
    "us.fcc.dnc.company-list": [(P, None, 1500, 2, 4)],
    "us.tsr.calling-hours": [(R, None, 53088, 1, None)],
    "us.tsr.dnc.national": [(R, None, 53088, 1, None)],
    "us.callerid.spoofing": [(R, None, 10000, 1, 4)],
    "us.regf.hours": [],
    "us.psap.registry": [],
    "al.state-dnc": [(P, None, 2000, 2, None), (R, None, 2000, 1, None)],
    "al.calling-hours.live": [],
    "al.registration": [(C, None, None, 1, None)],
    "ar.state-dnc": [(U, None, None, 1, None)],
    "ar.prerecorded-ban": [(C, None, None, 1, None)],
    "ar.disclosure": [(C, None, None, 1, None)],
    "az.dnc": [(U, None, 1000, 1, None)],
    "az.autodialer": [(C, None, None, 1, None)],
    "az.prerecorded": [(C, None, None, 1, None)],
    "az.registration": [(C, None, None, 1, None)],
    "ca.adad-live-intro": [(R, None, 500, 1, None)],
    "ca.calling-hours.adad": [(R, None, 500, 1, None)],  # 2876 is for the whole article
    "ca.ai-voice": [(R, None, 500, 1, None)],
    "ca.recording": [(P, 5000, 5000, 1, None)],
    "ca.sms": [(C, None, None, 1, None)],
    "co.state-dnc": [(P, None, None, 1, None), (R, None, 20000, 1, None)],
    "co.adad": [(C, None, None, 1, None)],
    "co.adad.relationship": [(C, None, None, 1, None)],
    "ct.consent": [(R, None, 20000, 1, None)],
    "ct.recording": [],
    "dc.prerecorded": [(U, None, 5000, 1, None)],
    "dc.calling-hours": [],
    "de.registration": [(P, None, None, 1, None)],
    "fl.autodialer": [(P, 500, 1500, 1, None), (R, None, 10000, 1, None)],
    "fl.sms-stop": [(P, 500, 1500, 1, None), (R, None, 10000, 1, None)],
    "fl.calling-hours": [],  # 501.616 carries no suit under 501.059
    "fl.frequency": [],
    "fl.caller-id-spoof": [(C, None, None, 1, None)],
    "us.tsr.audio-recording-free-to-pay": [(R, None, 53088, 1, None)],
    "us.tsr.audio-recording-free-to-pay.state-law": [],  # the states' laws price it
    "ga.state-dnc": [(P, 1000, 1000, 2, None), (R, None, 2000, 1, None)],
    "ga.adad-consent": [],
    "hi.calling-hours": [(U, None, None, 1, None)],
    "id.state-dnc": [(U, None, 5000, 1, None)],
    "il.autodialer-consent": [(P, 500, 500, 1, None)],
    "il.state-dnc": [(U, 1000, 2500, 1, None)],
    "il.calling-hours.autodialer": [(P, 500, 500, 1, None)],
    "il.calling-hours.live": [],
    "in.state-dnc": [(R, None, 25000, 1, None)],
    "in.disclosure": [(R, None, 25000, 1, None)],
    "in.autodialer": [(R, None, 5000, 1, None)],
    "in.calling-hours.adad": [(R, None, 5000, 1, None)],
    "in.caller-id": [],  # chapter 14.5
    "ks.state-dnc": [(U, None, 10000, 1, None)],
    "la.state-dnc": [(R, None, 3000, 1, None)],
    "la.calling-hours": [],
    "ma.state-dnc": [(P, None, 5000, 2, None), (R, None, 5000, 1, None)],
    "ma.debt-frequency": [],
    "md.autodialer": [(P, None, None, 1, None), (R, None, 25000, 1, None)],
    "md.caller-id": [(P, None, None, 1, None), (R, None, 25000, 1, None), (C, None, 5000, 1, None)],
    "md.caller-id.callable": [(P, None, None, 1, None), (R, None, 25000, 1, None)],  # 8-205 is about what is shown
    "me.reassigned": [(R, None, 25000, 1, None)],
    "me.calling-hours-automated": [],
    "mi.state-dnc": [(P, 250, 250, 1, None)],
    "mi.prerecorded": [(P, 250, 250, 1, None)],
    "mi.prerecorded.consent": [(P, 1000, 1000, 1, None), (C, None, 1000, 1, None)],
    "mi.caller-id": [(P, 250, 250, 1, None), (P, 1000, 1000, 1, None), (C, None, 1000, 1, None)],
    "mi.internal-dnc": [(P, 250, 250, 1, None), (C, None, 500, 1, None)],
    "mo.state-dnc": [(P, None, 5000, 2, None), (R, None, 5000, 1, None)],
    "mo.calling-hours": [(C, None, None, 1, None)],
    "ms.calling-hours": [(U, None, 10000, 1, None)],
    "ms.calling-hours.paid-fundraisers": [],
    "ms.adad": [(U, None, 500, 1, None)],
    "mt.automated": [(U, None, 2500, 1, None)],
    "nc.state-dnc": [(P, 500, 5000, 1, None), (R, 100, 5000, 1, None)],
    "nd.calling-hours": [(P, None, 2000, 1, None), (R, None, 2000, 1, None)],
    "ne.sales": [(R, None, 2000, 1, None), (C, None, None, 1, None)],
    "ne.adad": [(R, None, None, 1, None)],
    "ne.state-dnc": [(R, None, None, 1, None)],  # the list of device callers stands in their act
    "ne.caller-id": [(R, None, 2000, 1, None)],
    "nh.state-dnc": [(P, 1000, 3000, 1, None), (U, 5000, 5000, 1, None)],
    "nj.state-dnc": [(P, None, None, 1, None), (R, None, 20000, 1, None)],
    "nj.recordkeeping": [(P, None, None, 1, None), (R, None, 20000, 1, None)],
    "nj.recorded": [],
    "nj.disclosure": [(P, None, None, 1, None), (R, None, 20000, 1, None), (C, None, None, 1, None)],
    "nj.sms": [(U, 500, 1000, 1, None)],
    "nm.calling-hours": [(P, 100, 300, 1, None), (U, None, 5000, 1, None)],
    "nv.calling-hours": [(U, None, 15000, 1, None)],
    "nv.state-dnc": [],
    "ny.state-dnc": [(U, None, 20000, 1, None)],
    "ny.adad": [(U, None, 20000, 1, None)],
    "ny.adad.release": [],  # 399-p
    "oh.caller-id": [(C, None, None, 1, None)],
    "oh.registration": [(C, None, None, 1, None)],
    "ok.calling-hours": [(P, 500, 1500, 1, None)],
    "ok.state-dnc": [],  # 775B has remedies of its own that were not read
    "or.calling-hours": [(P, 200, 200, 1, None), (R, None, 25000, 1, None)],
    "pa.calling-hours": [(U, None, 3000, 1, None)],
    "pr.calling-hours": [(R, None, None, 1, None), (C, None, None, 1, None)],
    "ri.calling-hours": [(C, None, 500, 1, None)],
    "ri.prerecorded": [],
    "sc.calling-hours": [(P, 1000, 5000, 1, None), (R, None, 5000, 1, None)],
    "sd.state-dnc": [(U, None, 5000, 1, None)],
    "sd.calling-hours": [],
    "sd.calling-hours.automated": [(C, None, None, 1, None)],
    "tn.state-dnc": [(U, None, 2000, 1, None)],
    "tn.calling-hours": [],
    "tn.caller-id.adad": [(C, None, None, 1, None)],
    "tn.caller-id": [],
    "tx.mobile-charge": [(P, 500, 1500, 1, None), (P, None, None, 1, None)],
    "tx.registration": [(P, None, None, 1, None), (U, None, 5000, 1, None)],
    "tx.calling-hours": [],  # chapter 301
    "ut.calling-hours": [(P, 500, 1000, 1, None), (R, None, 2500, 1, None)],  # what is trebled is the loss
    "ut.state-dnc": [(P, 500, 1000, 2, None), (R, None, 2500, 1, None)],
    "ut.ai-disclosure": [(U, None, 2500, 1, None)],
    "va.calling-hours": [(P, 500, 5000, 1, None), (R, None, 5000, 1, None)],
    "va.prerecorded": [],
    "vt.caller-id": [(P, 500, 1000, 1, None)],
    "vt.registration": [(P, 500, 1000, 1, None), (C, None, 10000, 1, None)],
    "wa.calling-hours": [(P, 1000, 1000, 2, None), (U, None, 1000, 1, None)],
    "wa.calling-hours.commercial": [],
    "wa.prerecorded": [(P, 1000, 1000, 1, None)],
    "wa.sms": [(P, 500, 500, 1, None)],
    "wi.state-dnc": [(U, 100, 100, 1, None)],
    "wi.caller-id": [(U, 100, 10000, 1, None)],
    "wy.state-dnc": [(R, None, 5000, 1, None)],
    "wy.criminal-adad": [(C, None, 750, 1, None)],
}  # fmt: skip


@pytest.mark.parametrize("rule", COSTS)
def test_what_a_breach_may_cost(rule: str) -> None:
    found = at_home(PACKS.remedies.get(rule, ()), PACKS.by_id[rule], TODAY)
    assert [(each["by"], each["least_usd"], each["most_usd"], each["from_call"], each["limitation_years"]) for each in found] == COSTS[rule]


def test_every_remedy_is_in_the_table() -> None:
    told = {each["rule"] for rule in COSTS for each in at_home(PACKS.remedies.get(rule, ()), PACKS.by_id[rule], TODAY)}
    elsewhere = {"oh.federal-incorporation"}  # a state's remedy for federal rules
    repealed = {"ia.adad.penalty"}
    assert {rule.id for rule in PACKS.rules if rule.remedies} - elsewhere - repealed == told


def test_the_law_of_the_day_prices() -> None:
    rule = PACKS.by_id["ga.state-dnc"]
    first = datetime.date(2024, 7, 1).toordinal()
    assert [len(at_home(PACKS.remedies[rule.id], rule, day)) for day in (first - 1, first)] == [0, 2]


STATES = {  # whose law gives a suit over a breach of a federal rule
    "us.fcc.dnc.national": {"MD", "OH", "TX", "UT", "VT"},
    "us.fcc.dnc.company-list": {"MD", "OH", "TX", "UT", "VT"},
    "us.fcc.dnc.texts-before-2024.hours": {"MD", "OH", "TX", "UT"},  # Vermont takes over the do-not-call rules alone
    "us.fcc.calling-hours": {"MD", "OH", "TX", "UT"},
    "us.tcpa.telemarketing.identify-live": {"MD", "OH", "TX", "UT", "VT"},
    "us.tcpa.wireless.marketing.pewc": {"MD", "OH", "TX", "UT"},
    "us.rvm.is-a-call.marketing": {"MD", "OH", "TX", "UT"},
    "us.ai-voice.fcc-ruling": {"MD", "OH", "TX", "UT"},
    "us.revocation.any-reasonable-means": {"MD", "OH", "TX", "UT"},
    "us.reassigned.responses": {"MD", "OH", "TX", "UT"},
    "us.reassigned.responses.by-hand": set(),
    "us.abandon.ai-voice-agent": {"MD", "OH", "TX", "UT"},
    "us.callerid.spoofing": {"TX", "UT"},
    "us.tsr.calling-hours": {"MD", "OH"},
    "us.tsr.dnc.national": {"MD", "OH", "VT"},
    "us.tsr.dnc.access-fee": {"MD", "OH"},
    "us.tsr.audio-recording-free-to-pay.state-law": set(),
    "us.regf.hours": set(),
}


@pytest.mark.parametrize("rule", STATES)
def test_a_state_s_suit_over_a_federal_rule_is_shown_and_not_counted(rule: str) -> None:
    found = PACKS.remedies.get(rule, ())
    assert {each.notice.jurisdiction for each in found} - {"US"} == STATES[rule]
    assert {each["jurisdiction"] for each in at_home(found, PACKS.by_id[rule], TODAY)} <= {"US"}


def test_a_remedy_in_words() -> None:
    first = PACKS.remedies["us.fcc.dnc.national"][0]
    assert sentence(first) == (
        "the person called may sue, from call 2 on: up to $1,500. The actual loss or up to 500 dollars, trebled where willful; reasonable "
        "practices and procedures are a defense. Within 4 years (28 U.S.C. 1658(a)). [47 U.S.C. 227(c)(5); us.tcpa.damages.227c]"
    )
    assert [amount(*each) for each in ((None, None), (None, 1500), (500, 1500), (500, 500))] == ["amount not stated", "up to $1,500", "$500 to $1,500", "$500"]


NOTICE = """
  - id: house.cost
    title: What it costs
    topic: house
    kind: notice
    citation: null
    status: in_force
    remedies:
      - {by: person, reaches: [house.hours], least_usd: 500, most_usd: 1500, says: So much.}
"""
RULE = """jurisdiction: FL
name: Florida
rules:
  - id: house.hours
    title: Hours
    topic: house
    kind: prohibition
    citation: null
    status: in_force
    applies: {channels: any, purposes: any, dialing: any, voice: any, line_types: any}
    when: {contact.kind: consumer}
"""


def own(tmp_path: Path, notice: str) -> list[Path]:
    (tmp_path / "own.yaml").write_text(RULE + notice, "utf-8")
    return [tmp_path]


def test_an_operator_may_price_his_own_rules(tmp_path: Path) -> None:
    (found,) = load(own(tmp_path, NOTICE)).remedies["house.hours"]
    assert (found.remedy.least_usd, found.remedy.most_usd) == (500, 1500)


def test_what_supersedes_a_rule_costs_what_that_did(tmp_path: Path) -> None:
    told = "    supersedes: {rule: fl.autodialer, citation: c, date: 2027-01-01, approver: a, reason: r}\n"
    packs = load(own(tmp_path, told))
    assert [each.notice.id for each in packs.remedies["house.hours"]] == ["fl.penalties", "fl.penalties"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("[house.hours]", "[house.hour]", "`house.hour` is no rule that decides, nor the beginning of one"),
        ("[house.hours]", "[fl.penalties]", "`fl.penalties` is no rule that decides"),
        ("[house.hours]", "[tx.calling-hours]", "`tx.calling-hours` is law of TX"),
        ("[house.hours]", "[]", "`reaches`"),
        ("most_usd: 1500", "most_usd: 499", "the most (499) is below the least (500)"),
        ("least_usd: 500", "least_usd: 0", "`least_usd` cannot be less than 1"),
        ("by: person", "by: persons", "`by` cannot be `persons`"),
        ("says: So much.", "says: So much., limitation_citation: c", "a citation without its `limitation_years`"),
        ("kind: notice", "kind: obligation", "`remedies` belong to a notice, not to a obligation"),
    ],
)
def test_mistakes(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(PackError) as error:
        load(own(tmp_path, NOTICE.replace(before, after)))
    assert says in str(error.value)
