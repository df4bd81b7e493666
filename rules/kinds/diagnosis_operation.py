"""Diagnosis and operation (诊断与手术操作不符): an operation without its diagnosis, or against the main one.

``dx`` are the diagnoses an operation is done for: any of them supports it. ``forbid_dx`` are main diagnoses that it
does not fit; ``dx`` beside them excuses. A suspected disease is operated on too, so it supports and excuses like a sure
one. One unmapped diagnosis may be the very one: *not checked* (ruling 4).
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._record import (
    in_its_scene,
    listed,
    main_diagnosis,
    operated,
    thought_of,
    with_diagnosis,
    with_operation,
)
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches


class PairRow(Row):
    """One line of ``diagnosis_operation.csv``. ``dx`` and ``forbid_dx`` may both be empty only on an incomplete row."""

    items: Codes = ()
    ops: Codes = Field(min_length=1, description="ICD-9-CM-3 patterns of the operation")
    dx: Codes = Field(default=(), description="ICD-10 patterns, any of which supports the operation")
    forbid_dx: Codes = Field(default=(), description="ICD-10 patterns that the main diagnosis must not have")
    dx_text: str = Field(default="", description="what is required, or not allowed, in plain words")


class DiagnosisOperation(Rule, frozen=True, kw_only=True):
    """Run form: the operation, what supports it, and what it does not fit."""

    ops: tuple[str, ...]
    dx: tuple[str, ...]
    forbid_dx: tuple[str, ...]
    dx_text: str


class Case(msgspec.Struct, frozen=True):
    """The operations found, and the diagnoses they were judged by."""

    operations: str
    diagnoses: str
    fits: bool


def compile_row(row: PairRow) -> DiagnosisOperation:
    """Return the run form. Raises ``ValueError`` for an active row without a condition."""
    if row.status == "active" and not (row.dx_text and (row.dx or row.forbid_dx)):
        raise ValueError("an active row names dx or forbid_dx, and dx_text; mark the row incomplete otherwise")
    return DiagnosisOperation(**shared(row), ops=row.ops, dx=row.dx, forbid_dx=row.forbid_dx, dx_text=row.dx_text)


def read(rule: DiagnosisOperation, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the operations found, unless a diagnosis that might decide cannot be read."""
    operations = listed(operated(view, rule.ops))
    unread = view.unread_diagnoses
    if thought_of(view, rule.dx) or (rule.forbid_dx and not unread and not thought_of(view, rule.forbid_dx)):
        yield Case(operations, "", True)
    elif rule.forbid_dx:
        yield _by_main(rule, operations, main_diagnosis(view), view)
    else:
        yield unread or Case(operations, listed(view.encounter.diagnoses), False)


def _by_main(rule: DiagnosisOperation, operations: str, main: Diagnosis | Missing, view: View) -> Case | Missing:
    """A main diagnosis that fits is enough; one that does not may be excused by another that cannot be read."""
    if isinstance(main, Missing):
        return main
    fits = not any(matches(rule.forbid_dx, code) for code in main.evidence)
    excused = view.unread_diagnoses if rule.dx and not fits else None
    return excused or Case(operations, listed((main,)), fits)


def check(rule: DiagnosisOperation, case: Case) -> Draft | None:
    """Fire when nothing supports the operation, or the main diagnosis is one it does not fit."""
    if case.fits:
        return None
    if rule.forbid_dx:
        code, limit = "OPERATION_AGAINST_DIAGNOSIS", f"主要诊断不应为{rule.dx_text}"
        message = f"【{rule.name}】{limit}:主要诊断为{case.diagnoses},手术操作为{case.operations};"
    else:
        code, limit = "OPERATION_WITHOUT_DIAGNOSIS", f"应有{rule.dx_text}的诊断"
        message = f"【{rule.name}】{limit}:当前诊断为{case.diagnoses},手术操作为{case.operations};"
    return Draft(
        code=code,
        message=f"{message}请核对诊断与手术操作编码。",
        lines=(),
        limit=limit,
        present=case.diagnoses,
        allowed=f"{rule.dx_text}以外的诊断" if rule.forbid_dx else rule.dx_text,
        facts=(("operations", case.operations), ("diagnoses", case.diagnoses)),
    )


def _operated(rule: DiagnosisOperation, encounter: Encounter) -> Encounter:
    return with_operation(in_its_scene(rule, encounter), rule.ops)


def witness(rule: DiagnosisOperation, encounter: Encounter) -> Encounter:
    """With the operation, and only the diagnosis it does not fit or one that does not support it."""
    operated = _operated(rule, encounter)
    if rule.forbid_dx:
        return with_diagnosis(msgspec.structs.replace(operated, diagnoses=()), rule.forbid_dx)
    return operated


def near_miss(rule: DiagnosisOperation, encounter: Encounter) -> Encounter:
    """With the operation and a diagnosis that supports it; failing that, with the main one that is nothing special."""
    operated = _operated(rule, encounter)
    return with_diagnosis(operated, rule.dx) if rule.dx else operated


KIND = RuleKind(
    name="diagnosis_operation",
    title="诊断与手术操作不符",
    codes=(
        ("OPERATION_WITHOUT_DIAGNOSIS", "手术缺少相应诊断"),
        ("OPERATION_AGAINST_DIAGNOSIS", "手术与主要诊断不符"),
    ),
    row=PairRow,
    rule=DiagnosisOperation,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(operations=rule.ops),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
