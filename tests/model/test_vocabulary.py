"""The vocabulary: what is refused when it is read, families, and classes."""

import pytest

from dialguard.model.facts import Facts, Place
from dialguard.model.vocabulary import VocabularyError, load
from dialguard.packs.load import load as load_packs

LEAST = {"facts": {"a": {"type": "flag", "class": "store"}}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "mapping `facts`"), ({}, "mapping `facts`"), ({"facts": {}}, "mapping `facts`"), ({"facts": {"a": 1}}, "a: expected a mapping"),
        ({"facts": {"a": {"type": "flag", "class": "store", "colour": 1}}}, "a: unknown key colour"),
        ({"facts": {"a": {"type": "number", "class": "store"}}}, "a: type 'number'"), ({"facts": {"a": {"type": "flag"}}}, "a: class None"),
        ({"facts": {"a": {"type": "flag", "class": "public"}}}, "a: class 'public'"),
    ],
)  # fmt: skip
def test_an_entry_without_a_meaning_is_refused_by_name(data, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        load(data)


def test_a_family_is_one_fact_for_each_last_part() -> None:
    words = load({"facts": {"dnc.list.*": {"type": "flag", "class": "list", "asked": "dnc.states"}, **LEAST["facts"]}})
    assert words.get("dnc.list.FL").fact_class == "list" and words.asked("dnc.list.FL") == "dnc.states"
    assert "dnc.list.FL" in words and "dnc.list." not in words and "dnc.national" not in words and "b" not in words
    assert words.asked("a") == "a"


def test_classes() -> None:
    words = load_packs().vocabulary
    assert words.is_asserted("line.charged") and words.is_asserted("emergency.in.LA") and not words.is_asserted("line_type") and not words.is_asserted("nonsense")
    assert {"campaign.subject", "campaign.industry", "campaign.caller_class"} <= words.relieves_only_if_stated
    assert words.get("consent.level").fact_class == "store" and not words.is_asserted("consent.level")
    # A fact that is taken as not met when left out is one that speaks for the caller, never one that obliges.
    assert not any(words.is_asserted(name) for name in words.relieves_only_if_stated)


def test_facts_move_on_only_past_a_change() -> None:
    facts = Facts({"a": 1}, 100, (Place("NY", "America/New_York"),), (), changes=(150, 200), refresh=lambda instant: {"a": instant})
    assert facts.at_instant(100) == {"a": 1} and facts.at_instant(149) == {"a": 1}
    assert facts.at_instant(150) == {"a": 150} and facts.at_instant(400) == {"a": 400}
    assert Facts({"a": 1}, 100, (), ()).at_instant(10**9) == {"a": 1}
