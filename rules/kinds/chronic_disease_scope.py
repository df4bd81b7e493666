"""Chronic-disease scope (门诊慢特病范围): what may be charged, and by whom, to a visit settled under a disease.

National 药品超限定病种目录范围使用; checklist I3 to I7: per disease the allowed drugs, examinations and departments.
``items`` says what a row limits (all drugs, all examinations), ``allow_items`` what of it belongs to the disease.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import positions, sample_code, with_first_line, with_visit
from rules.kinds._reading import (
    ALWAYS_SENT,
    another_department,
    by_department,
    department_of,
    grouped,
    names_of,
    or_self_pay,
)
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

CHRONIC: Final = "14"
"""医疗类别 门诊慢特病 (140104 慢病, 140201 特病)."""


class ChronicRow(Row):
    """One line of ``chronic_disease_scope.csv``."""

    disease: Codes = Field(
        min_length=1, description="门慢门特病种编码 that the visit is settled under; M005* is a family"
    )
    disease_name: str = Field(description="what people call the disease")
    allow_items: Codes = Field(default=(), description="of `items`, those that belong to the disease")
    departments: Codes = Field(default=(), description="departments that may order for it; empty means all")
    always_sent: bool = Field(default=True, description=ALWAYS_SENT)


class ChronicScope(Rule, frozen=True, kw_only=True):
    """Run form: the disease, and what and who belongs to it."""

    disease: tuple[str, ...]
    disease_name: str
    allow_items: tuple[str, ...]
    departments: tuple[str, ...]
    always_sent: bool


class Case(msgspec.Struct, frozen=True):
    """Lines of one department; without a department, lines of items that do not belong to the disease."""

    department: str | None
    names: str
    lines: tuple[int, ...]


def compile_row(row: ChronicRow) -> ChronicScope:
    """Return the run form. Raises ``ValueError`` for a row that limits nothing."""
    if not row.allow_items and not row.departments:
        raise ValueError("name allow_items, departments or both; mark the row incomplete otherwise")
    return ChronicScope(
        **shared(row),
        disease=row.disease,
        disease_name=row.disease_name,
        allow_items=row.allow_items,
        departments=row.departments,
        always_sent=row.always_sent,
    )


def read(rule: ChronicScope, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield cases for a visit settled under the disease: items outside it, then departments."""
    visit = view.encounter.visit
    if visit.type == "inpatient" and not visit.type_conflict:
        return
    if visit.chronic_disease is None:
        if _may_be_chronic(rule, view):
            yield Missing(fields=("visit.chronic_disease",))
    elif matches(rule.disease, visit.chronic_disease) is not None:
        if rule.allow_items:
            yield from _by_item(rule, lines, view)
        if rule.departments:
            yield from _by_department(rule, lines, view)


def _may_be_chronic(rule: ChronicScope, view: View) -> bool:
    """Say whether the visit is, or could be, settled under some disease that was not sent."""
    visit = view.encounter.visit
    if visit.medical_type is not None:
        return visit.medical_type.startswith(CHRONIC)
    return rule.always_sent and visit.type in {"outpatient", None}


def _by_item(rule: ChronicScope, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    for found, group in grouped(lines, lambda line: matches(rule.allow_items, line.item)).items():
        if found == "ambiguous":
            yield Missing(fields=("line.item",), reason="ambiguous", lines=positions(group))
        elif found is None:
            yield Case(None, names_of(view.in_order(group)), positions(group))


def _by_department(rule: ChronicScope, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    def sent(line: Line) -> str | None:
        return department_of(line, view)

    for found in by_department(lines, sent, "line.department", rule.departments, view):
        if isinstance(found, Missing):
            yield found
        else:
            department, group = found
            yield Case(department, names_of(view.in_order(group)), positions(group))


def check(rule: ChronicScope, case: Case) -> Draft | None:
    """Fire for items that do not belong to the disease, and for departments that may not order for it."""
    if case.department is None:
        return Draft(
            code="ITEM_OUTSIDE_DISEASE",
            message=f"【{rule.name}】{case.names}不在{rule.disease_name}目录范围内,本次按该病种结算;"
            f"请改用目录内项目,或改按普通门诊结算{or_self_pay(rule)}。",
            lines=case.lines,
            limit=f"限{rule.disease_name}目录范围",
            present=case.names,
            allowed="目录内项目",
            facts=(("visit.chronic_disease", rule.disease_name), ("line.item", case.names)),
        )
    if case.department in rule.departments:
        return None
    allowed = "或".join(rule.departments)
    return Draft(
        code="DEPARTMENT_OUTSIDE_DISEASE",
        message=f"【{rule.name}】{rule.disease_name}限{allowed}开具,本次{case.names}的开单科室为{case.department};"
        f"请由{allowed}开具,或改按普通门诊结算{or_self_pay(rule)}。",
        lines=case.lines,
        limit=f"{rule.disease_name}限{allowed}",
        present=case.department,
        allowed=allowed,
        facts=(("visit.chronic_disease", rule.disease_name), ("line.department", case.department)),
    )


def _settled(rule: ChronicScope, encounter: Encounter) -> Encounter:
    code = sample_code(rule.disease)
    return with_visit(encounter, type="outpatient", type_conflict=False, medical_type="140104", chronic_disease=code)


def _within(rule: ChronicScope, encounter: Encounter) -> Encounter:
    """The first item and department that belong to the disease."""
    item = sample_code(rule.allow_items) if rule.allow_items else encounter.lines[0].item
    department = rule.departments[0] if rule.departments else None
    return with_first_line(_settled(rule, encounter), item=item, department=department)


def witness(rule: ChronicScope, encounter: Encounter) -> Encounter:
    """The rule's item where it does not belong to the disease; without such a limit, another department."""
    if rule.allow_items:
        return with_first_line(_within(rule, encounter), item=encounter.lines[0].item)
    return with_first_line(_within(rule, encounter), department=another_department(rule.departments))


KIND = RuleKind(
    name="chronic_disease_scope",
    title="门诊慢特病范围",
    codes=(
        ("ITEM_OUTSIDE_DISEASE", "超病种目录范围"),
        ("DEPARTMENT_OUTSIDE_DISEASE", "病种就诊科室不符"),
    ),
    row=ChronicRow,
    rule=ChronicScope,
    compile=compile_row,
    read=read,
    check=check,
    witness=witness,
    near_miss=_within,
    rest=lambda rule, encounter: encounter,
)
