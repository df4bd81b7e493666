"""Expected item (诊断、手术操作编码异常): a diagnosis or operation on the record that nothing charged bears out.

Such a code is declared to the fund with neither drug nor service behind it. It speaks at the end of a visit only, when
the charges are complete; an item is absent only where all of the visit's charges are known and can be read.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._edits import begin_of, plus_line, sample_code, with_visit
from rules.kinds._record import (
    charges_unknown,
    in_its_scene,
    listed,
    operated,
    settling,
    sure,
    with_diagnosis,
    with_operation,
)
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Operation, Rule


class ExpectedRow(Row):
    """One line of ``expected_item.csv``."""

    items: Codes = ()
    dx: Codes = Field(default=(), description="ICD-10 patterns that need one of the items")
    ops: Codes = Field(default=(), description="ICD-9-CM-3 patterns that need one of the items")
    expect_items: Codes = Field(min_length=1, description="items, any of which bears it out")
    expect_name: str = Field(min_length=1, description="what people call them")


class ExpectedItem(Rule, frozen=True, kw_only=True):
    """Run form: what is on the record, and what ought to be charged with it."""

    dx: tuple[str, ...]
    ops: tuple[str, ...]
    expect_items: tuple[str, ...]
    expect_name: str


class Case(msgspec.Struct, frozen=True):
    """What was found on the record, and whether anything bears it out."""

    found: str
    charged: bool


def compile_row(row: ExpectedRow) -> ExpectedItem:
    """Return the run form. Raises ``ValueError`` unless exactly one of ``dx`` and ``ops`` is given."""
    if bool(row.dx) == bool(row.ops):
        raise ValueError("name either dx or ops")
    return ExpectedItem(
        **shared(row), dx=row.dx, ops=row.ops, expect_items=row.expect_items, expect_name=row.expect_name
    )


def read(rule: ExpectedItem, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case at the end of the visit, or what keeps the absence of the items from being certain."""
    if not settling(view):
        return
    found: tuple[Diagnosis | Operation, ...] = sure(view, rule.dx) or operated(view, rule.ops)
    if not found:
        return
    charged = bool(view.charges(rule.expect_items, visit_only=True))
    lacking = None if charged else charges_unknown(view, rule.expect_items)
    yield lacking or Case(listed(found), charged)


def check(rule: ExpectedItem, case: Case) -> Draft | None:
    """Fire when nothing charged bears out what is on the record."""
    if case.charged:
        return None
    what = "诊断" if rule.dx else "手术操作"
    limit = f"应有{rule.expect_name}的收费"
    return Draft(
        code="DIAGNOSIS_WITHOUT_ITEM" if rule.dx else "OPERATION_WITHOUT_ITEM",
        message=f"【{rule.name}】{what}({case.found}){limit},本次就诊未见;请核对{what}编码,漏收的请补记。",
        lines=(),
        limit=limit,
        present=f"未见{rule.expect_name}",
        allowed=rule.expect_name,
        facts=(("found", case.found), ("expected", rule.expect_name)),
    )


def _found(rule: ExpectedItem, encounter: Encounter) -> Encounter:
    ended = with_visit(in_its_scene(rule, encounter), discharged=begin_of(encounter))
    return with_diagnosis(ended, rule.dx) if rule.dx else with_operation(ended, rule.ops)


def near_miss(rule: ExpectedItem, encounter: Encounter) -> Encounter:
    """With one of the items charged."""
    return plus_line(_found(rule, encounter), item=sample_code(rule.expect_items), name=rule.expect_name)


KIND = RuleKind(
    name="expected_item",
    title="诊断、手术操作无对应收费",
    codes=(
        ("DIAGNOSIS_WITHOUT_ITEM", "诊断无对应项目"),
        ("OPERATION_WITHOUT_ITEM", "手术操作无对应收费"),
    ),
    row=ExpectedRow,
    rule=ExpectedItem,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(diagnoses=rule.dx, operations=rule.ops),
    witness=_found,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
