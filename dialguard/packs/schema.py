"""The shape of a rule file, as pydantic models: what keys there are and of what kind. Conditions are read elsewhere.

The JSON Schema for editors comes from here (``dialguard rules schema``).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dialguard.packs.rule import TOPICS

__all__ = ["TOPICS", "ListModel", "RuleFile", "RuleModel", "ShapeModel", "ShapesFile"]

Kind = Literal["prohibition", "obligation", "relief", "notice", "event"]
Status = Literal["in_force", "pending", "stayed", "disputed", "repealed", "vacated"]
Confidence = Literal["high", "medium", "low"]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(\.[a-z0-9][a-z0-9-]*)+$")]
IsoDate = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Model(BaseModel):
    """Unknown keys are mistakes, and words are not turned into numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Applies(Model):
    """Whom the rule reaches; never left out, since whether a law reaches texts is a question of law each time."""

    channels: list[str] | Literal["any"]
    purposes: list[str] | Literal["any"]
    dialing: list[str] | Literal["any"]
    voice: list[str] | Literal["any"]
    line_types: list[str] | Literal["any"]


class Duty(Model):
    """What a dialer must do, for machines."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    params: dict[str, object] = Field(default_factory=dict)


class Supersedes(Model):
    """A shipped rule that this one replaces, by whom and why."""

    rule: RuleId
    citation: Text
    date: IsoDate
    approver: Text
    reason: Text
    confirm: str | None = None


class RuleTest(Model):
    """One example with its answer, written from the statute."""

    name: Text
    at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$")]
    zone: str | None = None
    given: dict[str, object] = Field(default_factory=dict)
    attempts: list[object] | Literal["unknown"] = Field(default_factory=list)
    expect: Literal["silent", "prohibited", "unknown", "obliged", "relieves", "open"]
    needs: list[str] | None = None


class RuleModel(Model):
    """One rule."""

    id: RuleId
    title: Text
    topic: Text
    kind: Kind
    citation: str | None
    sources: list[str] = Field(default_factory=list)
    confidence: Confidence | None = None
    status: Status
    effective: IsoDate | None = None
    ends: IsoDate | None = None
    applies: Applies | None = None
    shape: str | None = None
    parameters: dict[str, object] = Field(default_factory=dict)
    when: dict[str, object] | None = None
    unless: dict[str, object] | None = None
    relieves: list[RuleId] | None = None
    claim: bool = False
    duty: Duty | None = None
    on_unknown: Literal["deny"] | None = None
    message: str | None = None
    values: dict[str, object] | None = None
    note: str | None = None
    not_covered: str | None = None
    supersedes: Supersedes | None = None
    tests: list[RuleTest] = Field(default_factory=list)


class ListModel(Model):
    """A do-not-call list and how long a version of it may be used."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]
    name: Text
    publish_on: list[DayOfYear] = Field(default_factory=list)
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
    lists: list[ListModel] = Field(default_factory=list)
    rules: list[RuleModel] = Field(default_factory=list)


class ShapeModel(Model):
    """A condition that many rules share."""

    parameters: dict[str, dict[str, object]]
    when: dict[str, object]
    message: str


class ShapesFile(Model):
    """rules/shapes/*.yaml."""

    shapes: dict[str, ShapeModel]
