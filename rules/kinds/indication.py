"""Indication (限适应症): an item paid for, or fit, only for patients with one of the named diagnoses.

All diagnoses count, not only the main one, by ICD-10 prefix. Suspected diagnoses are no evidence. TCM codes are never
matched as ICD, and one unmapped diagnosis is enough to say *not checked* rather than to fire (ruling 4).
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import sample_code
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

UNRELATED = "Z00.000"
"""体检: a diagnosis that supports no drug; it makes the nearest encounter without the indication."""
SHOWN = 5


class IndicationRow(Row):
    """One line of ``indication.csv``. ``dx`` may be empty only on an incomplete row."""

    dx: Codes = Field(default=(), description="ICD-10 patterns, any of which supports the item")
    dx_text: str = Field(default="", description="the limit in plain words, for the message")


class Indication(Rule, frozen=True, kw_only=True):
    """Run form: diagnosis patterns, and the limit in words."""

    dx_families: tuple[str, ...]
    """Beginnings of codes: C-speed ``startswith`` over all of them at once."""
    dx_exact: tuple[str, ...]
    dx_text: str

    @property
    def dx(self) -> tuple[str, ...]:
        """The diagnosis patterns as the row names them."""
        return (*(f"{family}*" for family in self.dx_families), *self.dx_exact)

    def supports(self, code: str) -> bool:
        """Say whether a diagnosis code supports the item (tested equal to ``matches`` on ``dx``)."""
        return code.startswith(self.dx_families) or code in self.dx_exact


class Case(msgspec.Struct, frozen=True):
    """The codes that count as evidence, and the lines."""

    supported: bool
    diagnoses: tuple[str, ...]
    lines: tuple[int, ...]


def compile_row(row: IndicationRow) -> Indication:
    """Return the run form. Raises ``ValueError`` for an active row without a condition."""
    if row.status == "active" and not (row.dx and row.dx_text):
        raise ValueError("an active indication names dx and dx_text; mark the row incomplete otherwise")
    families = tuple(pattern[:-1] for pattern in row.dx if pattern.endswith("*"))
    exact = tuple(pattern for pattern in row.dx if not pattern.endswith("*"))
    return Indication(**shared(row), dx_families=families, dx_exact=exact, dx_text=row.dx_text)


def read(rule: Indication, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for all lines, unless a diagnosis that might support them cannot be read."""
    positions = tuple(line.position for line in lines)
    if any(map(rule.supports, view.evidence)):
        yield Case(True, (), positions)
    elif view.unread_diagnoses is not None:
        yield view.unread_diagnoses
    else:
        yield Case(False, tuple(found.name or found.code for found in view.encounter.diagnoses), positions)


def check(rule: Indication, case: Case) -> Draft | None:
    """Fire when no diagnosis supports the item."""
    if case.supported:
        return None
    names = "、".join(case.diagnoses[:SHOWN]) + (" 等" if len(case.diagnoses) > SHOWN else "")
    return Draft(
        code="NO_INDICATION",
        message=f"【{rule.name}】限{rule.dx_text},当前诊断({names})未见;确有该病请补录诊断,否则更换项目或自费。",
        lines=case.lines,
        limit=f"限{rule.dx_text}",
        present=names,
        allowed=rule.dx_text,
        facts=(("diagnoses", names),),
    )


def _with(encounter: Encounter, code: str) -> Encounter:
    others = tuple(found for found in encounter.diagnoses if found.code not in {UNRELATED, code})
    return msgspec.structs.replace(encounter, diagnoses=(*others, Diagnosis(code=code, name=code)))


def witness(rule: Indication, encounter: Encounter) -> Encounter:
    """Without every diagnosis that would support the item."""
    others = tuple(found for found in encounter.diagnoses if matches(rule.dx, found.code) is None)
    return _with(msgspec.structs.replace(encounter, diagnoses=others), UNRELATED)


def near_miss(rule: Indication, encounter: Encounter) -> Encounter:
    """With one diagnosis that supports it, beside the others."""
    return _with(encounter, sample_code(rule.dx))


KIND = RuleKind(
    name="indication",
    title="限适应症",
    codes=(("NO_INDICATION", "适应症不符"),),
    row=IndicationRow,
    rule=Indication,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "safety"),
    witness=witness,
    near_miss=near_miss,
)
