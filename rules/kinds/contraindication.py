"""Contraindication (禁忌症): an item that must not be used with one of the named diagnoses.

Every diagnosis counts. A suspected one is no evidence, only worth a notice. Codes that ``except_dx`` names do not
count, though ``dx`` does: asthma other than aspirin-induced is no contraindication of aspirin (ruling 16). When none
is found and a diagnosis could not be read, the rule is *not checked*: the unread one may be the very contraindication.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import sample_code
from rules.kinds._record import joined
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches


class ContraindicationRow(Row):
    """One line of ``contraindication.csv``."""

    dx: Codes = Field(default=(), description="ICD-10 patterns, any of which forbids the item")
    dx_text: str = Field(default="", description="the forbidden diseases in plain words, for the message")
    except_dx: Codes = Field(
        default=(), description="ICD-10 patterns of codes that do not count although dx names them"
    )


class Contraindication(Rule, frozen=True, kw_only=True):
    """Run form: diagnosis patterns that forbid, those that do not count, and the limit in words."""

    dx: tuple[str, ...]
    dx_text: str
    except_dx: tuple[str, ...] = ()

    def forbids(self, code: str) -> bool:
        """Say whether a diagnosis code forbids the item."""
        return matches(self.dx, code) == "yes" and matches(self.except_dx, code) is None


class Case(msgspec.Struct, frozen=True):
    """The diagnoses that forbid the item, sure and suspected, and the lines."""

    sure: tuple[str, ...]
    suspected: tuple[str, ...]
    lines: tuple[int, ...]


def compile_row(row: ContraindicationRow) -> Contraindication:
    """Return the run form. Raises ``ValueError`` for an active row without a condition, or one that excepts itself."""
    if row.status == "active" and not (row.dx and row.dx_text):
        raise ValueError("an active contraindication names dx and dx_text; mark the row incomplete otherwise")
    rule = Contraindication(**shared(row), dx=row.dx, dx_text=row.dx_text, except_dx=row.except_dx)
    if row.dx and not rule.forbids(sample_code(row.dx)):
        raise ValueError("except_dx takes back all that the first pattern of dx names")
    return rule


def read(rule: Contraindication, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for all lines that were not taken back, or the diagnosis that could not be read."""
    found = view.encounter.diagnoses
    sure = tuple(one.name or rule.dx_text for one in found if any(map(rule.forbids, one.evidence)))
    suspected = tuple(one.name or rule.dx_text for one in found if _suspicion(rule, one))
    if not sure and not suspected and view.unread_diagnoses is None:
        return
    standing = {charge.line.position for charge in view.charges(rule.items)}
    asked = tuple(line.position for line in lines if line.position in standing)
    if asked and (sure or suspected):
        yield Case(sure, suspected, asked)
    elif asked and view.unread_diagnoses is not None:
        yield replace(view.unread_diagnoses, lines=asked)


def _suspicion(rule: Contraindication, found: Diagnosis) -> bool:
    return found.suspected and found.system == "icd" and any(map(rule.forbids, found.code.split("+")))


def check(rule: Contraindication, case: Case) -> Draft:
    """Fire for a diagnosis that forbids the item; for a suspected one give notice."""
    present = joined(case.sure or case.suspected)
    advice = "请更换项目,或经评估后注明理由" if case.sure else "该诊断尚为疑似,请确认后再用"
    return Draft(
        code="CONTRAINDICATED",
        message=f"【{rule.name}】禁用于{rule.dx_text},当前诊断有{present};{advice}。",
        lines=case.lines,
        limit=f"禁用于{rule.dx_text}",
        present=present,
        allowed=f"无{rule.dx_text}者",
        facts=(("diagnoses", present), ("suspected", "0" if case.sure else "1")),
        cap="block" if case.sure else "info",
    )


def witness(rule: Contraindication, encounter: Encounter) -> Encounter:
    """With one diagnosis that forbids the item, beside the others."""
    code = sample_code(rule.dx)
    diagnosis = Diagnosis(code=code, name=rule.dx_text)
    return replace(encounter, diagnoses=(*encounter.diagnoses, diagnosis))


def near_miss(rule: Contraindication, encounter: Encounter) -> Encounter:
    """Without any diagnosis that forbids it."""
    others = tuple(found for found in encounter.diagnoses if not any(map(rule.forbids, found.code.split("+"))))
    return replace(encounter, diagnoses=others)


KIND = RuleKind(
    name="contraindication",
    title="禁忌症",
    codes=(("CONTRAINDICATED", "有禁忌症"),),
    row=ContraindicationRow,
    rule=Contraindication,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
)
