"""On what law of low confidence or in dispute an allow rests: a relief of that kind that alone keeps a rule from denying."""

from collections.abc import Iterator, Mapping

from dialguard.engine.judge import Engine
from dialguard.engine.programs import Law
from dialguard.expr.outcome import PROHIBITED, UNKNOWN_FACT, outcome
from dialguard.expr.reference import evaluate
from dialguard.model.facts import Facts
from dialguard.model.moment import Moment
from dialguard.packs.rule import Rule


def leans_on(engine: Engine, facts: Facts) -> list[dict[str, object]]:
    """Of an attempt that is allowed: each rule that would have denied but for such a relief, with the relief and what is unsure of it."""
    packs, values, found = engine.packs, facts.values, {}
    for relief, law, moment in in_doubt(engine, facts):
        if evaluate(relief.span(moment.ordinal).condition, values, moment, packs.closed) is True and _denies_without(law, engine, values, moment):
            found[law.rule.id, relief.id] = _told(law.rule.id, relief)
    return list(found.values())


def in_doubt(engine: Engine, facts: Facts) -> Iterator[tuple[Rule, Law, Moment]]:
    """The reliefs of that kind that may be the attempt's, each with a law that it relieves and the moment there."""
    packs, values = engine.packs, facts.values
    unsure, claims = packs.unsure_reliefs, values.get("campaign.claims")
    claimed = [rule for rule in map(packs.by_id.get, sorted(claims)) if rule and rule.kind == "relief" and rule.unsure] if claims else []
    for state, zone in facts.places:
        for jurisdiction in ("US", state):
            reliefs = [
                relief for relief, words in unsure.get(jurisdiction, ()) if all(values.get(fact) in allowed for fact, allowed in words)
            ]
            reliefs += [relief for relief in claimed if relief.jurisdiction == jurisdiction]
            if not reliefs:
                continue
            moment = Moment(facts.at, zone, engine.clock)
            laws = engine.programs.laws(jurisdiction, moment.ordinal)
            for relief in reliefs:
                if relief.span(moment.ordinal) is not None:
                    for rule in relief.relieves:
                        if rule in laws:
                            yield relief, laws[rule], moment


def _denies_without(law: Law, engine: Engine, values: Mapping[str, object], moment: Moment) -> bool:
    packs = engine.packs
    firm = [node for relief, node in zip(law.relief_ids, law.reliefs, strict=True) if not packs.by_id[relief].unsure]
    kind, deny = law.rule.kind, law.rule.deny_unknown
    return outcome(kind, law.condition, firm, values, moment, packs.closed, packs.vocabulary, deny) in (PROHIBITED, UNKNOWN_FACT)


def _told(rule: str, relief: Rule) -> dict[str, object]:
    told: dict[str, object] = {"rule": rule, "relief": relief.id}
    if relief.disputed:
        told["status"] = "disputed"
    return told | ({"confidence": relief.confidence} if relief.confidence else {})
