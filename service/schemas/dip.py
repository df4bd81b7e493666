"""The contract of ``/v1/dip/…``: what is asked, and what DIP says of a case.

Answers are written directly (``service.dip.documents``); their models here describe them for OpenAPI, and a test holds
the two together. Absent is ``null``, never zero. A payment standard is a reference and never a cap (ruling 24).
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from rules.codes import Certainty, Sex
from rules.dip.codes import (
    Attribute,
    AuxiliaryType,
    Band,
    Family,
    GroupClass,
    GroupingReason,
    IneligibleReason,
    PointsReason,
    Status,
)
from rules.dip.moves import MoveKind, Way
from rules.dip.quality_facts import QualityCode, SignCode
from rules.dip.quality_signs import SignKind
from service.schemas.dip_case import Codes, Count, Form, Money, Text

MOST_CHANGES = 50


class ChangeIn(Form):
    """One what-if: what is named changes, the rest stays."""

    name: Text = Field(None, description="echoed, for people")
    principal: Text = Field(
        None,
        description="other principal diagnosis; one taken from the other diagnoses changes places with it, any other "
        "replaces it",
    )
    others: Codes | None = Field(None, description="other diagnoses instead of the recorded ones")
    add_others: Codes = Field([], description="other diagnoses on top")
    remove_others: Codes = Field([], description="other diagnoses to leave out; each must be there")
    operations: Codes | None = Field(None, description="operations instead of the recorded ones, main first")
    add_operations: Codes = Field([], description="operations on top, behind the recorded ones")
    remove_operations: Codes = Field([], description="operations to leave out; each must be there")
    cost: Money = Field(None, description="总费用, yuan")
    drug_cost: Money = Field(None, description="药品费, yuan")
    treatment_cost: Money = Field(None, description="治疗费, yuan")
    material_cost: Money = Field(None, description="耗材费, yuan")
    days: Count = Field(None, description="住院天数")
    icu_days: Count = Field(None, description="重症监护天数")
    weight_g: Annotated[int, Field(gt=0, le=500_000)] | None = Field(None, description="体重, grams")
    age: Annotated[int, Field(ge=0, le=150)] | None = Field(None, description="年龄, years")
    age_days: Annotated[int, Field(ge=0, le=60_000)] | None = Field(None, description="日龄")
    sex: Sex | None = Field(None, description="性别")
    died: bool | None = Field(None, description="死亡")
    insurance: Text = Field(None, description="险种")
    hospital_level: Annotated[int, Field(ge=1, le=3)] | None = Field(None, description="医院级别 1-3")


class WhatIfIn(Form):
    """One case and what might be otherwise (K47)."""

    case: Any = Field(description="a case as in POST /v1/dip/group, native or a settlement list")
    changes: Annotated[list[ChangeIn], Field(min_length=1, max_length=MOST_CHANGES)]


class NamedOut(BaseModel):
    """A reason with its name and particulars."""

    reason: GroupingReason
    name: str
    detail: str


class NoteOut(BaseModel):
    """Why points or money are not known, or what to know about them."""

    reason: PointsReason
    name: str
    detail: str


class SchemeOut(BaseModel):
    """The scheme that spoke (DIP 方案)."""

    name: str
    version: str
    title: str
    digest: str
    partial: bool = Field(description="an extract: what it does not list may still exist")
    in_force: bool | None = Field(
        description="on the day of discharge, today while there is none; null for a set of cases"
    )


class GroupingOut(BaseModel):
    """Where a case belongs, and why (入组结果)."""

    status: Status
    status_name: str
    group: str | None
    name: str
    group_class: GroupClass | None = Field(alias="class")
    class_name: str | None
    family: Family | None = Field(description="战略性, 价值性, 优势, 基层, 普通病种")
    family_name: str | None
    layer: str
    row: int | None = Field(description="row of the catalogue, from 0")
    principal: str = Field(description="in normal form")
    operations: list[str] = Field(description="in normal form, main operation first")
    used: list[str] = Field(description="operations that the row uses")
    attribute: Attribute | None
    attribute_name: str | None
    tied: list[str] = Field(description="other groups that fit equally well")
    reasons: list[NamedOut]


class TypingOut(BaseModel):
    """A sub-type of the auxiliary directory (辅助目录)."""

    type: AuxiliaryType
    type_name: str
    subtype: str = Field(description="'' when it cannot be told")
    subtype_name: str
    coefficient: float | None
    note: str


class FactorOut(BaseModel):
    """One factor of the points, and where it came from."""

    name: str
    value: float
    source: str


class PointsOut(BaseModel):
    """Points (病例分值)."""

    standard_points: float | None = Field(description="before any deviation")
    points: float | None = Field(description="after deviation, review and add-ons")
    average: float | None = Field(description="reference average the ratio was taken with, yuan")
    ratio: float | None = Field(description="cost / reference average")
    band: Band
    band_name: str
    pays_actual_cost: bool
    factors: list[FactorOut]
    review_candidate: list[str] = Field(description="why it may be put up for 特例单议")
    notes: list[NoteOut]


class PaymentOut(BaseModel):
    """Money, yuan (支付标准, 参考)."""

    eligible: bool | None = Field(description="paid by DIP at all; null when unknown")
    ineligible: IneligibleReason | None
    ineligible_name: str | None
    point_value: float | None
    standard: float | None = Field(description="支付标准(参考), points after deviation x point value")
    normal_standard: float | None = Field(description="支付标准(参考) of a case of normal cost")
    fund: float | None = Field(description="what the fund pays")
    balance: float | None = Field(description="standard - cost")
    notes: list[NoteOut]


class MoveOut(BaseModel):
    """Another group that what is recorded already supports: something to verify, never an instruction to code."""

    kind: MoveKind
    group: str
    name: str
    message: str
    way: Way = Field(description="points of the other group against this one's")
    points_difference: float | None
    evidence: list[str] = Field(description="codes already in the record")


class SignOut(BaseModel):
    """A sign that the coding may be too high, too low, or has a wrong principal diagnosis: a question to verify."""

    kind: SignKind
    code: SignCode
    message: str
    other_group: str | None
    points_difference: float | None
    evidence: list[str] = Field(description="codes already in the record")


class QualityOut(BaseModel):
    """One finding on a settlement list (清单质控), or one check that could not be made."""

    code: QualityCode
    title: str
    certainty: Certainty
    fields: list[str] = Field(description="fields of the settlement list")
    message: str
    not_checked: list[str] = Field(description="facts that were lacking: then nothing was cleared either")


class CaseAnswer(BaseModel):
    """What a scheme says of one case."""

    id: str
    estimated: bool = Field(description="no day of discharge: 预估")
    label: str
    scheme: SchemeOut
    grouping: GroupingOut
    typings: list[TypingOut]
    points: PointsOut
    payment: PaymentOut


class GroupAnswer(CaseAnswer):
    """Group, sub-types, points, money, and why."""

    moves: list[MoveOut]
    signs: list[SignOut]
    quality: list[QualityOut] | None = Field(description="of a settlement list; null for a native case")
    left_out: list[str] = Field(description="entries of a settlement list that do not group, with the reason")
    paid_by_dip: bool | None = Field(
        description="a settlement list says 病种分值 under hi_paymtd; null: it says nothing, or a native case"
    )
    explanation: list[str] = Field(
        description="why this group, why not its neighbours, which coefficient came from where"
    )


class BatchLineAnswer(GroupAnswer):
    """One line of a batch's answer; a line that cannot be read is answered with ``problem`` instead."""

    line: int = Field(description="line of the request, from 1")


class ChangeAnswer(BaseModel):
    """The case with one change made."""

    name: str | None
    after: CaseAnswer
    differences: dict[str, Any] = Field(
        description="what differs, each as [before, after]; numbers also as `…_difference`, after less before"
    )
    explanation: list[str]


class WhatIfAnswer(BaseModel):
    """Before and after, labelled 预估."""

    label: str
    note: str
    before: CaseAnswer
    changes: list[ChangeAnswer]


class FoundOut(BaseModel):
    """One row of a library; further keys as the library knows them (attribute, level, score, rules …)."""

    model_config = {"extra": "allow"}

    library: str = Field(description="diagnoses, operations, items, groups")
    code: str
    name: str


class SearchAnswer(BaseModel):
    """Rows by library, best first: the code, codes that begin so, names that begin so, names that hold it."""

    q: str
    results: list[FoundOut]
    more: list[str] = Field(description="libraries that hold more than `limit` rows")


class LoadedSchemeOut(BaseModel):
    """A scheme in use."""

    name: str
    version: str
    title: str
    digest: str
    partial: bool
    valid_from: str | None
    valid_to: str | None
    counts: dict[str, int]
    absent: list[str] = Field(description="what the scheme does not hold, in Chinese: it cannot be answered")
    sources: list[str]


class SchemesAnswer(BaseModel):
    """Schemes in use; the first judges cases that name none and have no day."""

    schemes: list[LoadedSchemeOut]
