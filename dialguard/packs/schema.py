"""The shape of a rule file, as pydantic models: what keys there are and of what kind. Conditions are read elsewhere.

The JSON Schema for editors comes from here (``dialguard rules schema``).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dialguard.packs.rule import TOPICS

__all__ = ["TOPICS", "ListModel", "RuleFile", "RuleModel", "ShapeModel", "ShapesFile"]

Kind = Literal["prohibition", "obligation", "relief", "notice"]
Status = Literal["in_force", "pending", "stayed", "disputed", "repealed", "vacated"]
Confidence = Literal["high", "medium", "low"]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(\.[a-z0-9][a-z0-9-]*)+$")]
IsoDate = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


MOST_LISTS, MOST_RULES, MOST_TESTS = 100, 2_000, 1_000


class Model(BaseModel):
    """Unknown keys are mistakes, and words are not turned into numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _most(number: int):
    """More than so many is not a rule but a mistake, and would take long to check."""
    return Field(max_length=number)


Names = Annotated[list[str], _most(100)]
Mapping_ = Annotated[dict[str, object], _most(200)]


class Applies(Model):
    """Whom the rule reaches; never left out, since whether a law reaches texts is a question of law each time."""

    channels: Names | Literal["any"]
    purposes: Names | Literal["any"]
    dialing: Names | Literal["any"]
    voice: Names | Literal["any"]
    line_types: Names | Literal["any"]


class Duty(Model):
    """What a dialer must do, for machines."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    params: Mapping_ = Field(default_factory=dict)


class Supersedes(Model):
    """A shipped rule that this one replaces, by whom and why."""

    rule: RuleId
    citation: Text
    date: IsoDate
    approver: Text
    reason: Text
    confirm: str | None = None


class Reach(Model):
    """The words of each kind for which a test holds, and no others."""

    channels: Names | None = None
    purposes: Names | None = None
    dialing: Names | None = None
    voice: Names | None = None
    line_types: Names | None = None


class Remedy(Model):
    """What a breach of the rules that it names may cost, in dollars for one violation."""

    by: Literal["person", "regulator", "prosecutor", "unstated"]
    reaches: Annotated[list[RuleId], Field(min_length=1, max_length=100)]
    but_not: Annotated[list[RuleId], _most(100)] = Field(default_factory=list)
    says: Text
    least_usd: int | None = Field(default=None, ge=1)
    most_usd: int | None = Field(default=None, ge=1)
    from_call: int = Field(default=1, ge=1, le=100)
    limitation_years: int | None = Field(default=None, ge=1, le=100)
    limitation_citation: Text | None = None


class RuleTest(Model):
    """One example with its answer, written from the statute."""

    name: Text
    at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$")]
    zone: str | None = None
    given: Mapping_ = Field(default_factory=dict)
    attempts: Annotated[list[object], _most(500)] | Literal["unknown"] = Field(default_factory=list)
    expect: Literal["silent", "prohibited", "unknown", "obliged", "relieves", "open"]
    needs: Names | None = None
    exactly: Reach | None = None
    week: dict[str, object] | None = None
    duty: dict[str, object] | None = None


class RuleModel(Model):
    """One rule."""

    id: RuleId
    title: Text
    topic: Text
    kind: Kind
    citation: str | None
    sources: Names = Field(default_factory=list)
    confidence: Confidence | None = None
    status: Status
    effective: IsoDate | None = None
    ends: IsoDate | None = None
    applies: Applies | None = None
    shape: str | None = None
    parameters: Mapping_ = Field(default_factory=dict)
    when: dict[str, object] | None = None
    unless: dict[str, object] | None = None
    relieves: Annotated[list[RuleId], _most(500)] | None = None
    claim: bool = False
    duty: Duty | None = None
    on_unknown: Literal["deny"] | None = None
    message: str | None = None
    values: dict[str, object] | None = None
    remedies: Annotated[list[Remedy], _most(50)] = Field(default_factory=list)
    note: str | None = None
    not_covered: str | None = None
    supersedes: Supersedes | None = None
    tests: Annotated[list[RuleTest], _most(MOST_TESTS)] = Field(default_factory=list)


class ListModel(Model):
    """A do-not-call list and how long a version of it may be used."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]
    name: Text
    publish_on: Annotated[list[DayOfYear], _most(366)] = Field(default_factory=list)
    use_within_days: int | None = Field(default=None, ge=0, le=366)
    max_age_days: int | None = Field(default=None, ge=1, le=3660)
    citation: str | None = None
    note: str | None = None


class RuleFile(Model):
    """One file: a body of federal law, a jurisdiction, or an operator's own rules."""

    jurisdiction: Jurisdiction
    name: Text
    zone: str | None = None
    presumes_residence_by_area_code: bool = False
    lists: Annotated[list[ListModel], _most(MOST_LISTS)] = Field(default_factory=list)
    rules: Annotated[list[RuleModel], _most(MOST_RULES)] = Field(default_factory=list)


class ShapeModel(Model):
    """A condition that many rules share."""

    parameters: Annotated[dict[str, dict[str, object]], _most(100)]
    when: dict[str, object]
    message: str


class ShapesFile(Model):
    """rules/shapes/*.yaml."""

    shapes: dict[str, ShapeModel]
