"""Settlement-list checks of the patient: sex and age against codes, age against birth, newborn's weight (6.2)."""

from collections.abc import Iterator
from typing import Final

from rules.dip.quality_facts import QualityCode, QualityFinding
from rules.dip.quality_limits import Aspect, examine, is_newborn
from rules.dip.quality_view import Diagnosed, Operated, Record, called, found, lacking

PLAUSIBLE_WEIGHT_G: Final = (200, 10_000)
"""No newborn weighs less or more; such a number was not written in grams."""
INFANT_DAYS: Final = 366

_OF_DIAGNOSES: Final[dict[Aspect, QualityCode]] = {
    "sex": "diagnosis_sex",
    "age": "diagnosis_age",
    "newborn": "newborn_diagnosis_age",
    "pregnancy_sex": "pregnancy_sex",
    "pregnancy_age": "pregnancy_age",
}
_OF_OPERATIONS: Final[dict[Aspect, QualityCode]] = {"sex": "operation_sex", "age": "operation_age"}
_FIELDS: Final[dict[Aspect, str]] = {
    "sex": "case.sex",
    "pregnancy_sex": "case.sex",
    "age": "case.age_years",
    "newborn": "case.age_years",
    "pregnancy_age": "case.age_years",
}


def sex_and_age(record: Record) -> Iterator[QualityFinding]:
    """No diagnosis and no operation is one that this patient's sex or age cannot have."""
    unknown: dict[tuple[QualityCode, str], None] = {}
    for entry in _each(record):
        operation = isinstance(entry, Operated)
        codes = _OF_OPERATIONS if operation else _OF_DIAGNOSES
        for conflict in examine(entry.code, record.case, record.directory, operation=operation):
            code = codes[conflict.aspect]
            if conflict.missing:
                unknown[code, conflict.missing] = None
                continue
            sort = "手术操作" if operation else "诊断"
            words = (
                f"{sort}{called(entry.line.code, entry.line.name)}{conflict.words}。请核对编码与患者的"
                f"{'性别' if _FIELDS[conflict.aspect] == 'case.sex' else '年龄'}。"
            )
            yield found(code, words, (entry.field, _FIELDS[conflict.aspect]), conflict.certainty)
    for code, missing in unknown:
        yield lacking(code, missing)


def _each(record: Record) -> Iterator[Diagnosed | Operated]:
    seen = set()
    for entry in record.diagnoses:
        if entry.code not in seen:
            seen.add(entry.code)
            yield entry
    for done in record.operations:
        if done.code not in seen:
            seen.add(done.code)
            yield done


def birth_weight(record: Record) -> Iterator[QualityFinding]:
    """A newborn's list gives its weight, in grams."""
    facts, case = record.facts, record.case
    weights = {"birth_weight_g": facts.birth_weight_g, "admission_weight_g": facts.admission_weight_g}
    if is_newborn(case) and case.weight_g is None and not any(weights.values()):
        words = f"患者出生 {case.age_days} 天,没有填写新生儿出生体重和入院体重。请补填(克)。"
        yield found("birth_weight_missing", words, tuple(weights), "violation")
    low, high = PLAUSIBLE_WEIGHT_G
    for field, weight in weights.items():
        if weight is not None and not low <= weight <= high:
            name = "出生体重" if field.startswith("birth") else "入院体重"
            words = f"新生儿{name}填写为 {weight} 克,不在 {low}—{high} 克之间,未用于入组。请核对数值和单位(克)。"
            yield found("birth_weight_implausible", words, (field,))


def age(record: Record) -> Iterator[QualityFinding]:
    """The stated age is that at admission by the birth date; one year apart may be another way of counting."""
    facts = record.facts
    if facts.stated_age_years is None and facts.stated_age_days is None:
        return
    if facts.born is None or facts.admitted is None:
        yield lacking("age_mismatch", *(["born"] if facts.born is None else []), *_no_admission(record))
        return
    day = facts.admitted.date()
    if facts.born > day:
        return  # said by the check of birth
    years = day.year - facts.born.year - ((day.month, day.day) < (facts.born.month, facts.born.day))
    days = (day - facts.born).days
    if facts.stated_age_years and facts.stated_age_years != years:
        words = f"清单年龄为 {facts.stated_age_years} 岁,按出生日期计算入院时为 {years} 岁。请核对年龄或出生日期。"
        near = abs(facts.stated_age_years - years) == 1
        yield found("age_mismatch", words, ("case.age_years", "born"), "notice" if near else "suspicious")
    elif facts.stated_age_days and not facts.stated_age_years and abs(facts.stated_age_days - days) > 1:
        words = f"清单年龄为 {facts.stated_age_days} 天,按出生日期计算入院时为 {days} 天。请核对年龄或出生日期。"
        yield found("age_mismatch", words, ("case.age_days", "born"))


def _no_admission(record: Record) -> tuple[str, ...]:
    return ("admitted",) if record.facts.admitted is None else ()
