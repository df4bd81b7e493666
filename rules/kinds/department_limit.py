"""Department limit (限科室): an item that only some departments may order or carry out, or that some may not.

National 医疗服务项目限科室使用 and 医用耗材与科室不符; a hospital's own 限专 and 限二专 (one or two specialties) are
rows with one or two names in ``allow`` and that tag. Departments are read through the ``department`` dictionary.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import positions, with_first_line
from rules.kinds._reading import another_department, by_department, closes_a_stay, department_of, or_self_pay
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

ORDERING: Final = ("line.department", "开单科室", "开具")
EXECUTING: Final = ("line.executing_department", "执行科室", "执行")


class DepartmentRow(Row):
    """One line of ``department_limit.csv``."""

    allow: Codes = Field(default=(), description="the only departments allowed")
    deny: Codes = Field(default=(), description="departments not allowed")
    executing: bool = Field(default=False, description="judge who carries it out, not who orders it")


class DepartmentLimit(Rule, frozen=True, kw_only=True):
    """Run form: the departments allowed or not, and whose department is judged."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    executing: bool


class Case(msgspec.Struct, frozen=True):
    """One department and its lines."""

    department: str
    lines: tuple[int, ...]


def compile_row(row: DepartmentRow) -> DepartmentLimit:
    """Return the run form. Raises ``ValueError`` unless exactly one list is filled."""
    if bool(row.allow) == bool(row.deny):
        raise ValueError("fill either allow or deny")
    return DepartmentLimit(**shared(row), allow=row.allow, deny=row.deny, executing=row.executing)


def read(rule: DepartmentLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per department, and what has no department or an unmapped one."""

    def sent(line: Line) -> str | None:
        return line.executing_department if rule.executing else department_of(line, view)

    names, field = (*rule.allow, *rule.deny), _terms(rule)[0]
    doubtful = not rule.executing and closes_a_stay(view)
    told = tuple(line for line in lines if line.department or not doubtful)
    untold = tuple(line for line in lines if doubtful and not line.department)
    for group, sure in ((told, True), (untold, False)):
        for found in by_department(group, sent, field, names, view):
            if isinstance(found, Missing):
                yield found
                continue
            case = Case(found[0], positions(found[1]))
            # Who ordered it before a transfer, nobody says; where its last department may, that settles it.
            yield case if sure or check(rule, case) is None else Missing(fields=(field,), lines=case.lines)


def _terms(rule: DepartmentLimit) -> tuple[str, str, str]:
    """Return the field that is judged, its Chinese name, and what a department does."""
    return EXECUTING if rule.executing else ORDERING


def check(rule: DepartmentLimit, case: Case) -> Draft | None:
    """Fire when the department is not one of those allowed, or is one of those that are not."""
    if case.department in rule.allow or (rule.deny and case.department not in rule.deny):
        return None
    field, word, does = _terms(rule)
    allowed = "或".join(rule.allow) or "其他科室"
    limit = f"限{allowed}{does}" if rule.allow else f"{'、'.join(rule.deny)}不得{does}"
    return Draft(
        code="DEPARTMENT_NOT_ALLOWED",
        message=f"【{rule.name}】{limit},本次{word}为{case.department};"
        f"请由{allowed}{does}或更换项目{or_self_pay(rule)}。",
        lines=case.lines,
        limit=limit,
        present=case.department,
        allowed=allowed,
        facts=((field, case.department),),
    )


def _by(rule: DepartmentLimit, encounter: Encounter, *, allowed: bool) -> Encounter:
    other = another_department((*rule.allow, *rule.deny))
    name = (rule.allow or (other,))[0] if allowed else (rule.deny or (other,))[0]
    return with_first_line(encounter, **{_terms(rule)[0].removeprefix("line."): name})


KIND = RuleKind(
    name="department_limit",
    title="限科室",
    codes=(("DEPARTMENT_NOT_ALLOWED", "科室不符"),),
    row=DepartmentRow,
    rule=DepartmentLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "charging", "safety"),
    witness=lambda rule, encounter: _by(rule, encounter, allowed=False),
    near_miss=lambda rule, encounter: _by(rule, encounter, allowed=True),
    rest=lambda rule, encounter: encounter,
)
