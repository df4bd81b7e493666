"""A settlement list under one scheme, as its checks look at it: codes in normal form beside what was sent.

A fact that is absent makes a check *not checked*: ``lacking`` says so in words, ``found`` says what is wrong.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Final, NamedTuple

from msgspec.structs import replace

from rules.codes import Certainty
from rules.dip.codes import Attribute
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Grouping, Quality
from rules.dip.naming import diagnosis_name, operation_name, quoted
from rules.dip.normalise import diagnosis, operation
from rules.dip.quality_facts import (
    QUALITY_TITLES,
    QualityCode,
    QualityFinding,
    RecordDiagnosis,
    RecordFacts,
    RecordOperation,
)

FACT_WORDS: Final[dict[str, str]] = {
    "case.sex": "性别",
    "case.age_years": "年龄",
    "case.age_days": "年龄(天)",
    "case.cost": "总费用",
    "case.icu_days": "重症监护天数",
    "diagnoses": "诊断列表",
    "operations": "手术操作列表",
    "fees": "收费项目",
    "charged": "收费明细",
    "total": "总费用",
    "admitted": "入院时间",
    "discharged": "出院时间",
    "uploaded": "上传时间",
    "born": "出生日期",
    "stated_days": "住院天数",
    "ventilator_minutes": "呼吸机使用时间",
    "required": "必填项",
    "declared_diagnoses": "诊断个数",
    "declared_operations": "手术操作个数",
    "began": "手术操作日期",
}
"""What a fact is called in a message."""


class Diagnosed(NamedTuple):
    """A diagnosis: its normal form, and the line of the list (of the case alone: none)."""

    code: str
    line: RecordDiagnosis
    field: str


class Operated(NamedTuple):
    """An operation: its normal form, its attribute by the scheme, and the line of the list."""

    code: str
    line: RecordOperation
    field: str
    attribute: Attribute | None


class Record:
    """One list under one scheme; lives for one check."""

    def __init__(self, facts: RecordFacts, directory: Directory) -> None:
        self.facts = facts
        self.case = facts.case
        self.directory = directory
        self.quality: Quality = directory.scheme.quality

    @cached_property
    def grouping(self) -> Grouping:
        """Where the case belongs."""
        return group(self.case, self.directory)

    @cached_property
    def principal(self) -> str:
        """Principal diagnosis in normal form."""
        return self.directory.normaliser.principal(self.case.principal)

    @cached_property
    def diagnoses(self) -> tuple[Diagnosed, ...]:
        """Diagnoses with a code, the principal one first; of the case where no list was sent."""
        normal = self.directory.normaliser.principal
        if self.facts.diagnoses is not None:
            lines = (line for line in self.facts.diagnoses if line.code)
            return tuple(self._diagnosed(normal(line.code), line, f"diagnoses[{line.at}]") for line in lines)
        codes = [self.case.principal, *self.case.others]
        return tuple(
            self._diagnosed(normal(code), RecordDiagnosis(code=code, main=at == 0, at=at), "diagnoses")
            for at, code in enumerate(codes)
            if code
        )

    @cached_property
    def operations(self) -> tuple[Operated, ...]:
        """Operations with a code, the main one first; of the case where no list was sent."""
        lines = self.facts.operations
        if lines is None:
            lines = tuple(RecordOperation(code=code, at=at) for at, code in enumerate(self.case.operations))
        return tuple(self._operated(line) for line in lines if line.code)

    def _diagnosed(self, code: str, line: RecordDiagnosis, field: str) -> Diagnosed:
        """A line without a name has that of the table; not where the map made another code of it."""
        if not line.name and diagnosis(line.code) not in self.directory.scheme.normalisation.diagnosis_map:
            line = replace(line, name=diagnosis_name(code, self.directory))
        return Diagnosed(code, line, field)

    def _operated(self, line: RecordOperation) -> Operated:
        code = next(iter(self.directory.normaliser.operations((line.code,))), "")
        if not line.name and operation(line.code) not in self.directory.scheme.normalisation.operation_map:
            line = replace(line, name=operation_name(code, self.directory))
        entry = self.directory.operation(code)
        field = "operations" if self.facts.operations is None else f"operations[{line.at}]"
        return Operated(code, line, field, entry.attribute if entry else None)

    @property
    def stay(self) -> tuple[date, date] | None:
        """Days of admission and discharge, if both are known and in order."""
        begin, end = self.facts.admitted, self.facts.discharged
        return (begin.date(), end.date()) if begin and end and begin.date() <= end.date() else None

    @property
    def longest(self) -> int | None:
        """Most days that can have been spent in hospital: calendar days, both ends counted, else as stated."""
        if self.stay is not None:
            return (self.stay[1] - self.stay[0]).days + 1
        return self.case.days + 1 if self.case.days is not None and self.case.days >= 0 else None


def found(
    code: QualityCode, message: str, fields: Iterable[str] = (), certainty: Certainty = "suspicious"
) -> QualityFinding:
    """Return what a check found."""
    return QualityFinding(
        code=code, title=QUALITY_TITLES[code], certainty=certainty, fields=tuple(fields), message=message
    )


def lacking(code: QualityCode, *missing: str) -> QualityFinding:
    """Return that a check could not be made, and for want of what."""
    words = "、".join(dict.fromkeys(FACT_WORDS.get(fact, fact) for fact in missing))
    return QualityFinding(
        code=code,
        title=QUALITY_TITLES[code],
        certainty="notice",
        fields=missing,
        message=f"缺{words},未能检查“{QUALITY_TITLES[code]}”。",
        not_checked=missing,
    )


def called(code: str, name: str) -> str:
    """Return a code with its name, as messages quote it."""
    return quoted(code, name)


def day_words(when: date | datetime) -> str:
    """Return a day for a message."""
    return f"{when:%Y-%m-%d}"
