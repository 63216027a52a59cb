"""The account of the law: which facts have a rule, which a reason, which neither."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dialguard.cli.main import main
from dialguard.packs import account
from dialguard.packs.load import load
from dialguard.packs.yamlfile import PackError, parse
from simulations import facts_index

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"


class Bare:
    """What the account reads of a rule."""

    def __init__(self, identity: str, kind: str) -> None:
        self.id, self.kind = identity, kind


def fact(identity: str, topic: str = "consent", status: str = "in_force", federal: bool = False) -> account.Fact:
    return account.Fact(identity, identity.split(".")[0].upper(), topic, status, federal)


def state(facts: list[account.Fact], rules: list[Bare], listed: dict[str, str] | None = None) -> dict[str, str]:
    return dict(account.account(facts, rules, listed or {}).state)


@pytest.mark.parametrize(
    ("rule", "owner"),
    [
        ("fl.a", "fl.a"), ("fl.a.b", "fl.a"), ("fl.a.c.d", "fl.a.c"), ("fl.a.c", "fl.a.c"), ("fl.ab", None), ("fl", None), ("tx.a", None),
    ],
)  # fmt: skip
def test_a_rule_counts_for_the_longest_fact(rule: str, owner: str | None) -> None:
    assert account.owner(rule, frozenset({"fl.a", "fl.a.c"})) == owner


@pytest.mark.parametrize(
    ("topic", "status", "kind", "expected"),
    [
        ("consent", "in_force", "prohibition", "rule"),
        ("consent", "in_force", "obligation", "rule"),
        ("consent", "in_force", "relief", "rule"),
        ("consent", "in_force", "notice", "short"),
        ("consent", "repealed", "notice", "rule"),
        ("caller_id", "in_force", "notice", "rule"),
        ("caller_id", "in_force", None, "short"),
    ],
)
def test_a_fact_in_force_that_decides_needs_a_rule_that_decides(topic: str, status: str, kind: str | None, expected: str) -> None:
    rules = [Bare("fl.a.b", kind)] if kind else []
    assert state([fact("fl.a", topic, status)], rules) == {"fl.a": expected}
    assert state([fact("fl.a", topic, status)], rules, {"fl.a": "why"}) == {"fl.a": "rule" if expected == "rule" else "not decided"}


@pytest.mark.parametrize(("number", "federal", "short"), [(20, False, False), (21, False, True), (21, True, False)])
def test_one_reason_serves_twenty_facts(number: int, federal: bool, short: bool) -> None:
    facts = [fact(f"fl.a{n}", federal=federal) for n in range(number)]
    found = account.account(facts, [], {each.id: "because" for each in facts})
    assert bool(found.short) is short and set(found.state.values()) == {"not decided"}


def test_only_the_jurisdictions_asked_for_are_counted() -> None:
    facts = [fact("fl.a"), fact("ga.a")]
    assert set(account.account(facts, [], {}, ["FL"]).state) == {"fl.a"}
    assert set(account.account(facts, [], {}).state) == {"fl.a", "ga.a"}


@pytest.mark.parametrize("text", ["fl.a: not a matter for a dialer\n", "- {id: fl.a, reason: not a matter for a dialer}\n"])
def test_reasons_are_written_as_a_mapping_or_a_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "not-decided.yaml"
    path.write_text(text)
    assert account.reasons(path, [fact("fl.a")]) == {"fl.a": "not a matter for a dialer"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fl.b: why\n", "unknown fact `fl.b`"),
        ("fl.a:\n", "`fl.a` has no reason"),
        ("- {id: fl.a, reason: x}\n- {id: fl.a, reason: y}\n", "`fl.a` stands twice"),
        ("- fl.a\n", "unknown fact nothing"),
        ("why\n", "expected fact ids with reasons"),
    ],
)
def test_wrong_reasons_are_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "not-decided.yaml"
    path.write_text(text)
    with pytest.raises(PackError, match=message):
        account.reasons(path, [fact("fl.a")])


def test_no_reasons_are_no_mistake(tmp_path: Path) -> None:
    assert account.reasons(tmp_path / "none.yaml", []) == {}


def test_a_broken_index_is_told(tmp_path: Path) -> None:
    path = tmp_path / "facts-index.yaml"
    path.write_text("FL: {fl.a: {topic: x}}\n")
    with pytest.raises(PackError, match="`fl.a` has no topic and status"):
        account.facts(path)


def test_the_account_of_the_shipped_law_by_another_hand() -> None:
    """The same count once more from the plain files, in another way: per fact, the kinds of the rules that it owns."""
    index = parse((RULES / "facts-index.yaml").read_bytes(), "index").data
    listed = parse((RULES / "not-decided.yaml").read_bytes(), "listed").data if (RULES / "not-decided.yaml").is_file() else {}
    if isinstance(listed, list):
        listed = {entry["id"]: entry["reason"] for entry in listed}
    kinds: dict[str, set[str]] = {}
    ids = sorted((identity for facts in index.values() for identity in facts), key=len, reverse=True)
    for path in sorted(RULES.glob("*/*.yaml")):
        for rule in parse(path.read_bytes(), path.name).data.get("rules") or ():
            owner = next((other for other in ids if f"{rule['id']}.".startswith(f"{other}.")), None)
            kinds.setdefault(owner, set()).add(rule["kind"])
    expected = Counter()
    for identity, about in ((identity, about) for facts in index.values() for identity, about in facts.items()):
        found_kinds = kinds.get(identity, set())
        strict = about["status"] == "in_force" and about["topic"] in account.DECIDED_TOPICS
        covered = found_kinds - {"notice"} or (found_kinds and not strict)
        expected["rule" if covered else "not decided" if identity in listed else "short"] += 1
    every = account.facts(RULES / "facts-index.yaml")
    found = account.account(every, load(cached=False).rules, account.reasons(RULES / "not-decided.yaml", every))
    assert sum(found.tally.values(), Counter()) == expected


def test_the_topics_that_must_be_decided_are_topics() -> None:
    from dialguard.packs.rule import TOPICS

    assert account.DECIDED_TOPICS < set(TOPICS)


def test_the_command(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "coverage"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FL     3 with a rule    0 not decided    1 short",
        "short: fl.penalties: neither rule nor reason",
        "4 facts: 3 with a rule, 0 not decided, 1 short",
    ]
    (shipped / "not-decided.yaml").write_text("fl.penalties: damages are for a court\n")
    assert main(["rules", "coverage"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 facts: 3 with a rule, 1 not decided, 0 short"
    assert main(["rules", "coverage", "--all", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["facts"]["fl.penalties"] == {"state": "not decided", "reason": "damages are for a court"}
    assert found["short"] == ["ga.calling-hours: neither rule nor reason", "ga.federal-default: neither rule nor reason"]


def test_check_reads_the_reasons_too(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "not-decided.yaml").write_text("fl.penaltys: damages are for a court\n")
    assert main(["rules", "check"]) == 1
    assert "did you mean `fl.penalties`?" in capsys.readouterr().err


def test_the_index_is_made_from_a_folder_of_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "states").mkdir()
    (tmp_path / "federal.yaml").write_text("jurisdiction: US\nfacts: [{id: us.a, topic: consent, status: in_force}]\n")
    (tmp_path / "states" / "GA.yaml").write_text(
        "jurisdiction: GA\nfacts:\n  - {id: ga.a, topic: sms, status: uncertain, values: {own_rule: false}}\n"
        "  - {id: ga.time-zones, topic: other, status: in_force}\n"
    )
    monkeypatch.setattr("sys.argv", ["facts_index", str(tmp_path)])
    assert facts_index.main() == 0
    path = tmp_path / "index.yaml"
    path.write_text(capsys.readouterr().out)
    assert account.facts(path) == [
        account.Fact("us.a", "US", "consent", "in_force", False),
        account.Fact("ga.a", "GA", "sms", "uncertain", True),
        account.Fact("ga.time-zones", "GA", "other", "in_force", True),
    ]
    monkeypatch.setattr("sys.argv", ["facts_index", str(tmp_path / "none")])
    assert facts_index.main() == 2
