"""Conditions and rules in plain English."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialguard.cli.main import main
from dialguard.expr import explain, nodes
from dialguard.expr.nodes import ALL_DAY, FALSE, TRUE, UNKNOWN, All, Any, ClosedDay, Count, LocalTime, Node, Not, Period
from dialguard.expr.nodes import Test as Asked
from dialguard.model import vocabulary as vocabularies
from dialguard.packs import yamlfile
from dialguard.packs.describe import as_dict, as_text
from dialguard.packs.load import load

VOCABULARY = vocabularies.load(yamlfile.read(Path(__file__).parents[2] / "rules" / "vocabulary.yaml").data)
DAY = ((28_800, 72_000),)
LISTED = Asked("dnc.national", "in", frozenset({True}))
TEXT = Asked("channel", "in", frozenset({"sms", "mms"}))
LATELY = Asked("relationship.last_transaction_at", "within", Period(months=18), "moment")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (TRUE, "always"),
        (FALSE, "never"),
        (UNKNOWN, "it is left open"),
        (LISTED, "the number is on the national Do Not Call registry"),
        (Not(LISTED), "not: the number is on the national Do Not Call registry"),
        (Asked("dnc.national", "in", frozenset({False})), "not: the number is on the national Do Not Call registry"),
        (Asked("dnc.national", "in", frozenset({True, False})), "it is known whether the number is on the national Do Not Call registry"),
        (Asked("dnc.list.FL", "in", frozenset({True})), "the number is on the FL do-not-call list"),
        (Asked("emergency.in.LA", "in", frozenset({True})), "a state of emergency is declared where the person is in LA"),
        (TEXT, "the channel is mms or sms"),
        (Not(TEXT), "the channel is not mms or sms"),
        (Asked("consent.covers", "has_any", frozenset({"texts"})), "what the consent covers includes texts"),
        (Asked("campaign.claims", "has_any", frozenset({"fl.x"})), "the caller claims fl.x"),
        (Asked("campaign.abandonment_rate", "above", 30_000), "the share of abandoned calls is above 3 %"),
        (Asked("campaign.abandonment_rate", "at_most", 2_500), "the share of abandoned calls is at most 0.25 %"),
        (LATELY, "the last transaction lies within the last 18 months"),
        (Not(LATELY), "the last transaction does not lie within the last 18 months"),
        (Asked("campaign.registry_version", "older_than", Period(days=31), "date"), "the copy of the national registry that was scrubbed against lies more than 31 days back"),
        (Asked("relationship.ended_at", "after", "relationship.last_inquiry_at", "moment"), "the end of the relationship comes after the last inquiry"),
        (Asked("consent.obtained_at", "before", 735_157, "moment"), "the giving of the consent comes before 2013-10-16"),
        (Asked("relationship.ended_at", "came", True, "moment"), "the end of the relationship has come"),
        (Asked("contact.agreed_hours", "open", True), "the local time lies in the times that the person agreed to"),
        (Asked("line.charged", "stated", True), "whether the called party pays for the call or message is known"),
        (Asked("campaign.industry", "in", frozenset({"newspaper"}), settled=True), "the seller's industry is newspaper (as stated)"),
        (Not(Asked("campaign.industry", "in", frozenset({"a"}), settled=True)), "not: the seller's industry is a (as stated)"),
        (LocalTime((DAY,) * 7), "the called party's local time is within 08:00-20:00 every day"),
        (Not(LocalTime((*(DAY,) * 6, ()))), "the called party's local time is outside 08:00-20:00 Monday to Saturday, never on Sunday"),
        (LocalTime((ALL_DAY, *((),) * 6), -21_600), "the time at UTC-06:00 is within 00:00-24:00 Monday, never on Tuesday to Sunday"),
        (LocalTime((((0, 1), (61, 3_600)),) * 7), "the called party's local time is within 00:00-00:00:01 and 00:01:01-01:00 every day"),
        (LocalTime(((),) * 7), "the called party's local time is within no hours at all"),
        (ClosedDay("la"), "the called party's local date is a closed day of the calendar la"),
        (Count(3, Period(hours=24)), "at least 3 earlier attempts to the person in the last 24 hours"),
        (Count(1, Period(days=2), "number", (("channel", frozenset({"voice"}), True), ("outcome", frozenset({"busy"}), False)), ("subject",), 2),
         "at least 1 earlier attempt (channel voice, outcome not busy, the same subject) to the number since local midnight 1 days earlier"),
        (Any((LISTED, All((TEXT, LATELY)))), "the number is on the national Do Not Call registry or (the channel is mms or sms and the last transaction lies within the last 18 months)"),
        (Not(Any((LISTED, TEXT))), "not: (the number is on the national Do Not Call registry or the channel is mms or sms)"),
    ],
)  # fmt: skip
def test_words(node: Node, words: str) -> None:
    assert explain.sentence(node, VOCABULARY) == words


def test_lines_put_the_parts_one_below_the_other() -> None:
    node = All((LISTED, Not(Any((TEXT, LATELY))), Any((TEXT, All((LISTED, LATELY))))))
    assert explain.lines(node, VOCABULARY) == [
        "all of these hold:",
        "  - the number is on the national Do Not Call registry",
        "  - none of these holds:",
        "      - the channel is mms or sms",
        "      - the last transaction lies within the last 18 months",
        "  - any of these holds:",
        "      - the channel is mms or sms",
        "      - all of these hold:",
        "          - the number is on the national Do Not Call registry",
        "          - the last transaction lies within the last 18 months",
    ]


def test_a_node_without_words_is_refused_by_name() -> None:
    @dataclass(frozen=True)
    class Riddle(Node):
        pass

    with pytest.raises(TypeError, match="no English for Riddle"):
        explain.sentence(All((LISTED, Riddle())), VOCABULARY)


def test_every_kind_of_node_and_every_operator_has_words() -> None:
    kinds = [kind for kind in vars(nodes).values() if isinstance(kind, type) and issubclass(kind, Node) and kind is not Node]
    assert len(kinds) >= 8 and all(explain.english.dispatch(kind) is not explain.english.dispatch(Node) for kind in kinds)
    values = {"in": frozenset({"a"}), "has_any": frozenset({"a"}), "within": Period(days=1), "older_than": Period(days=1), "before": 735_157, "after": "a"}
    for operator in nodes.OPERATORS:
        asked = Asked("nothing.known", operator, values.get(operator, 3), "moment")
        assert "nothing.known" in explain.sentence(asked, VOCABULARY)
        assert "nothing.known" in explain.sentence(Not(asked), VOCABULARY)


def test_every_shipped_fact_has_words() -> None:
    for name, fact in VOCABULARY.facts.items():
        text = explain.subject_of(name.replace("*", "FL"), VOCABULARY)
        assert text and "None" not in text and not text.endswith("."), (name, fact)


_leaf = st.sampled_from([LISTED, TEXT, LATELY, ClosedDay("la"), LocalTime((DAY,) * 7), Count(2, Period(hours=1))])
_tree = st.recursive(
    _leaf, lambda inner: st.lists(inner, min_size=2, max_size=3).map(lambda items: All(tuple(items))) | st.lists(inner, min_size=2, max_size=3).map(lambda items: Any(tuple(items))) | inner.map(nodes.negation)
)  # fmt: skip


@given(_tree, _tree)
def test_different_conditions_read_differently(one: Node, other: Node) -> None:
    assert (one == other) is (explain.sentence(one, VOCABULARY) == explain.sentence(other, VOCABULARY))


# --- rules show ----------------------------------------------------------------------------------------------------------


def test_a_rule_for_a_reader(base: Path) -> None:
    packs = load(base=base)
    assert list(as_text(packs, packs.by_id["fl.calling-hours"])) == [
        "fl.calling-hours: Only from 8 to 20",
        "  prohibition, calling_hours, Florida (FL), in force",
        "  from 2021-07-01; confidence not stated",
        "  law: Fla. Stat. 501.616(6)(a)",
        "  file: rules/states/fl.yaml:7",
        "",
        "A contact is denied when all of these hold:",
        "  - the channel is voice",
        "  - the purpose is telemarketing",
        "  - the called party's local time is outside 08:00-20:00 every day",
        "  parameters: hours {every_day: 08:00-20:00}, clock called_party",
        "",
        "When it cannot be settled: an unknown fact denies.",
        "",
        "Lifted by:",
        "  fl.calling-hours.agreed: Another time may be agreed",
        "",
        "What a breach may cost, for one violation (an estimate, not advice):",
        "  none is stated for this rule",
        "",
        "Message: The local time {local_time} ({zone}) is outside the hours {hours}.",
        "",
        "Examples (6), each from a clean known person:",
        "  2026-03-03 08:00:00  opening: silent",
        "  2026-03-03 19:59:59  last second: silent",
        "  2026-03-03 20:00:00  closing: prohibited",
        "  2026-03-03 20:00:00  agreed: silent",
        "      given consent.covers other_hours",
        "  2026-03-03 20:00:00  not known: unknown",
        "      given consent.covers unknown",
        "      needs consent.covers",
        "  2021-06-30 20:00:00  the day before: silent",
    ]


def test_reliefs_duties_counts_and_versions_are_shown(base: Path) -> None:
    text = (base / "states" / "fl.yaml").read_text().replace("maximum: 3", "maximum: [{value: 4}, {from: 2026-01-01, value: 3, citation: Laws 2025}]")
    (base / "states" / "fl.yaml").write_text(text)
    packs = load(base=base)
    relief = "\n".join(as_text(packs, packs.by_id["fl.calling-hours.agreed"]))
    assert "The rules below are lifted when all of these hold:" in relief and "Lifts:\n  fl.calling-hours: Only from 8 to 20" in relief
    duty = "\n".join(as_text(packs, packs.by_id["fl.ring"]))
    assert "The caller has the duty when all of these hold:" in duty and "  duty: ring_at_least seconds 15" in duty
    cap = "\n".join(as_text(packs, packs.by_id["fl.frequency"]))
    assert "From the beginning until 2025-12-31 (Fla. Stat. 501.616(6)(b)):" in cap and "From 2026-01-01 (Laws 2025):" in cap
    assert "at least 4 earlier attempts to the person in the last 24 hours" in cap and "disputed: on unless an operator switches it off" in cap
    assert "    earlier attempts: 2026-03-03 10:00:00; 2026-03-03 11:00:00" in cap


def test_every_shipped_rule_can_be_shown() -> None:
    packs = load(cached=False)
    for rule in packs.rules:
        head, *rest = as_text(packs, rule)
        assert head == f"{rule.id}: {rule.title}" and not any(line.endswith(": None") for line in rest)
        json.dumps(as_dict(packs, rule))


def test_show_on_the_command_line(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", "fl.ring"]) == 0
    assert capsys.readouterr().out.startswith("fl.ring: Ring fifteen seconds\n")
    assert main(["rules", "show", "fl.ring", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["spans"] == [
        {"from": None, "until": None, "condition": "the channel is voice and the purpose is telemarketing", "parameters": {},
         "duty": {"code": "ring_at_least", "params": {"seconds": 15}}, "citation": "Fla. Stat. 501.1"}
    ]  # fmt: skip
    assert len(found["examples"]) == 4
