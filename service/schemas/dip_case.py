"""One stay as a coder's system sends it for DIP (病例), in yuan, years and dates; and how it becomes a ``Case``.

Unknown keys are faults: a misspelt field must not read as an absent one. Everything may be left out; what a scheme
needs and does not find is named in the answer.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, model_validator

from rules.codes import Sex
from rules.dip.model import Case
from service.schemas import scalars

LONGEST_CODE: Final = 50
LONGEST_NUMBER: Final = 40
MOST_CODES: Final = 200
YEAR_DAYS: Final = 365


def _money(value: object) -> int | None:
    amount = scalars.fixed(value)
    if amount is not None and amount < 0:
        raise ValueError("不能为负数")
    return amount


def _decimal(value: object) -> Decimal | None:
    """Return a number exactly as it is written; a JSON number counts as its shortest decimal text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("应为数字")
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("应为数字") from None
    if not number.is_finite() or number.adjusted() > 14 or len(text) > LONGEST_NUMBER:
        raise ValueError("数值超出合理范围")
    if number < 0:
        raise ValueError("不能为负数")
    return number


def _share(value: object) -> Decimal | None:
    number = _decimal(value)
    if number is not None and number > 1:
        raise ValueError("应在 0 到 1 之间")
    return number


def _code(value: object) -> str:
    found = scalars.text(value) or ""
    if len(found) > LONGEST_CODE:
        raise ValueError(f"编码最长 {LONGEST_CODE} 个字符")
    return found


def _codes(value: object) -> object:
    """Return a list without its empty entries; senders pad lists of codes."""
    return [entry for entry in value if entry not in (None, "", "-")] if isinstance(value, list) else value


def _day(value: object, info: ValidationInfo) -> date | None:
    return scalars.day(value, (info.context or {})["zone"])


Money = Annotated[
    int | None, BeforeValidator(_money), WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]})
]
"""Yuan, kept exactly in 1/10,000 yuan."""
Amount = Annotated[
    Decimal | None,
    BeforeValidator(_decimal),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}),
]
Share = Annotated[
    Decimal | None,
    BeforeValidator(_share),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}),
]
Day = Annotated[
    date | None, BeforeValidator(_day), WithJsonSchema({"type": ["string", "null"], "examples": ["2026-03-18"]})
]
"""ISO date, or any form of date and time that the service reads; kept as the local day."""
Text = Annotated[str | None, BeforeValidator(scalars.text), WithJsonSchema({"type": ["string", "null"]})]
Code = Annotated[str, BeforeValidator(_code), WithJsonSchema({"type": "string", "maxLength": LONGEST_CODE})]
Codes = Annotated[list[Code], BeforeValidator(_codes), Field(max_length=MOST_CODES)]
Count = Annotated[int, Field(ge=0, le=100_000)] | None


class Form(BaseModel):
    """Base of what is sent."""

    model_config = ConfigDict(extra="forbid", frozen=False)


class CaseIn(Form):
    """One stay (病例)."""

    id: Text = Field(None, description="病案号 or 结算清单流水号; echoed")
    principal: Code = Field("", description="主要诊断编码 (医保版 ICD-10)")
    others: Codes = Field([], description="其他诊断编码, in order")
    absent_on_admission: Codes = Field([], description="diagnoses whose 入院病情 is 无: they arose in hospital")
    operations: Codes = Field([], description="手术操作编码 (医保版 ICD-9-CM-3), main operation first")
    sex: Sex | None = Field(None, description="性别")
    age: Annotated[int, Field(ge=0, le=150)] | None = Field(None, description="年龄, whole years")
    age_days: Annotated[int, Field(ge=0, le=60_000)] | None = Field(None, description="日龄, for infants")
    birth_date: Day = Field(None, description="出生日期; with `admitted` it gives the age")
    weight_g: Annotated[int, Field(gt=0, le=500_000)] | None = Field(None, description="新生儿出生或入院体重, grams")
    days: Count = Field(None, description="住院天数; absent: from the dates, at least 1")
    icu_days: Count = Field(None, description="重症监护天数")
    died: bool | None = Field(None, description="死亡")
    cost: Money = Field(None, description="总费用, yuan")
    drug_cost: Money = Field(None, description="药品费, yuan")
    treatment_cost: Money = Field(None, description="治疗费 without surgery, yuan")
    material_cost: Money = Field(None, description="耗材费, yuan")
    hospital: Text = Field(None, description="定点机构编码; the API key's hospital comes first")
    hospital_level: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None, description="医院级别 1-3; the profile kept by the service comes first"
    )
    insurance: Text = Field(None, description="险种 (310, 390 …)")
    medical_type: Text = Field(None, description="医疗类别 (21, 24 …)")
    out_of_area: bool | None = Field(None, description="异地就医")
    day_surgery: bool | None = Field(None, description="日间手术")
    place: Text = Field(None, description="参保地")
    admitted: Day = Field(None, description="入院日期")
    discharged: Day = Field(None, description="出院日期; absent: the patient is still here, valued as of today, 预估")
    patient: Text = Field(None, description="the insured person's id; kept only as a keyed pseudonym")
    department: Text = Field(None, description="科室")
    planned: bool | None = Field(None, description="计划内再入院")
    new_technology: bool | None = Field(None, description="新药新技术")
    departments: Count = Field(None, description="how many departments treated the patient")
    critical: bool | None = Field(None, description="危急重症抢救")
    deductible: Money = Field(None, description="起付线, yuan")
    copayment: Money = Field(None, description="政策范围内自付, yuan")
    out_of_catalogue: Money = Field(None, description="目录外自费, yuan")
    other_payers: Money = Field(None, description="其他支付, yuan")
    fund_paid: Money = Field(None, description="基金支付, yuan")
    reimbursement_ratio: Share = Field(None, description="报销比例, 0 to 1")
    approved_review_coefficient: Amount = Field(None, description="coefficient of an approved 特例单议")
    add_on_points: Amount = Field(None, description="加成分值")
    deductions: Money = Field(None, description="审核扣减, yuan")

    @model_validator(mode="after")
    def _agrees(self) -> "CaseIn":
        if found := ";".join(disagreements(self)):
            raise ValueError(found)
        return self


def disagreements(given: CaseIn) -> Iterator[str]:
    """Yield what cannot be true together."""
    birth, admitted, discharged = given.birth_date, given.admitted, given.discharged
    if admitted and discharged and discharged < admitted:
        yield "出院日期早于入院日期"
    if birth and admitted:
        if admitted < birth:
            yield "入院日期早于出生日期"
        elif given.age is not None and abs(given.age - whole_years(birth, admitted)) > 1:
            yield "年龄与出生日期不符"


COPIED: Final = (
    "weight_g", "icu_days", "died", "cost", "drug_cost", "treatment_cost", "material_cost", "insurance",
    "medical_type", "out_of_area", "day_surgery", "place", "admitted", "discharged", "planned", "new_technology",
    "departments", "critical", "deductible", "copayment", "out_of_catalogue", "other_payers", "fund_paid",
    "reimbursement_ratio", "approved_review_coefficient", "add_on_points", "deductions",
)  # fmt: skip
"""Fields that mean the same there and here, in the same unit."""


def case_of(given: CaseIn, *, hospital: str = "", hospital_level: int | None = None, patient: str = "") -> Case:
    """Return the frozen case; ``hospital``, its level and the pseudonym are the caller's business."""
    copied = {name: getattr(given, name) for name in COPIED}
    years, days_old = age_of(given)
    return Case(
        id=given.id or "",
        principal=given.principal,
        others=tuple(given.others),
        absent_on_admission=tuple(given.absent_on_admission),
        operations=tuple(given.operations),
        sex=given.sex,
        age_years=years,
        age_days=days_old,
        days=stay_of(given),
        hospital=hospital,
        hospital_level=hospital_level if hospital_level is not None else given.hospital_level,
        patient=patient,
        department=given.department or "",
        **copied,
    )


def age_of(given: CaseIn) -> tuple[int | None, int | None]:
    """Return age in years and in days at admission: as sent, else from the dates, never days from years."""
    years, days_old = given.age, given.age_days
    if given.birth_date and given.admitted:
        years = whole_years(given.birth_date, given.admitted) if years is None else years
        days_old = (given.admitted - given.birth_date).days if days_old is None else days_old
    if years is None and days_old is not None and days_old < YEAR_DAYS:
        years = 0
    return years, days_old


def whole_years(birth: date, day: date) -> int:
    """Return completed years of life."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def stay_of(given: CaseIn) -> int | None:
    """Return the days of stay: as sent, else discharge less admission, where the same day counts as one."""
    if given.days is not None or given.admitted is None or given.discharged is None:
        return given.days
    return max(1, (given.discharged - given.admitted).days)
