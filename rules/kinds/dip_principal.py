"""Principal diagnosis (主诊断选择): one that may not be principal, or that another recorded disease outranks.

Two sources, both facts of the view: why DIP cannot group a stay by its principal diagnosis, and signs that the choice
is wrong. Coders are asked to verify; nothing is said to be a violation.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from rules.codes import Level
from rules.dip.result import DipResult
from rules.kinds._contract import RuleKind, Triggers
from rules.kinds._dip import DipRow, DipRule, dip_shared, heard, payer_unknown, principal_of
from rules.kinds._dip_signs import ALLOWED, Suspicion, coding, sign_draft, suspicions
from rules.kinds._dip_specimens import NEVER_PRINCIPAL, a_stay
from rules.kinds._record import in_its_scene
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "principal_diagnosis_not_allowed": ("PRINCIPAL_NOT_ALLOWED", "不能作主要诊断"),
    "sex_conflict": ("PRINCIPAL_SEX_CONFLICT", "与患者性别不符"),
    "diagnosis_not_in_table": ("PRINCIPAL_NOT_IN_TABLE", "不在病种方案的诊断编码库中"),
}
"""Why a stay cannot be grouped by its principal diagnosis: the finding, and what is said of the code."""
CODES: Final[Mapping[str, str]] = {
    "symptom_as_principal": "PRINCIPAL_SYMPTOM",
    "history_as_principal": "PRINCIPAL_HISTORY",
    "principal_arose_in_hospital": "PRINCIPAL_AROSE_IN_HOSPITAL",
    "operation_of_other_diagnosis": "PRINCIPAL_OPERATION_MISMATCH",
}
LIMIT: Final = "主要诊断可入组且选择恰当"


class PrincipalRow(DipRow):
    """One line of ``dip_principal.csv``."""


class Principal(DipRule, frozen=True, kw_only=True):
    """Run form."""


class Refused(msgspec.Struct, frozen=True):
    """A principal diagnosis by which the stay cannot be grouped, and why."""

    named: str
    reason: str
    cap: Level


def compile_row(row: PrincipalRow) -> Principal:
    """Return the run form."""
    return Principal(**dip_shared(row))


def read(rule: Principal, lines: tuple[Line, ...], view: View) -> Iterator[Refused | Suspicion | Missing]:
    """Yield why the principal diagnosis is refused, and the signs against its choice."""
    result = coding(rule, view)
    if result is None:
        return
    refused = _refused(result, rule, view)
    unknown = payer_unknown(result, view) if refused else None
    if unknown is not None:
        yield unknown
        return
    yield from refused
    yield from suspicions("principal", rule, view)


def _refused(result: DipResult, rule: Principal, view: View) -> list[Refused]:
    """Return why the stay cannot be grouped by its principal diagnosis; a hospital's own code is not coded at all."""
    principal = principal_of(view)
    if principal is None or principal.system == "local":
        return []
    named = f"{principal.name}({principal.code})" if principal.name not in {"", principal.code} else principal.code
    return [Refused(named, reason, heard(rule, view)) for reason in result.after.reasons if reason in REASONS]


def check(rule: Principal, case: Refused | Suspicion) -> Draft | None:
    """Speak of every refusal and every sign."""
    if isinstance(case, Suspicion):
        return sign_draft(rule, case, CODES, "PRINCIPAL_QUESTIONABLE", LIMIT)
    code, why = REASONS[case.reason]
    present = f"主要诊断 {case.named} {why}"
    return Draft(
        code=code,
        message=f"【{rule.name}】{present},本次住院不能入组;请核对主要诊断的选择与编码。",
        lines=(),
        limit=LIMIT,
        present=present,
        allowed=ALLOWED,
        facts=(("diagnosis", case.named), ("reason", case.reason)),
        cap=case.cap,
    )


def witness(rule: Principal, encounter: Encounter) -> Encounter:
    """An external cause stands first."""
    return in_its_scene(rule, a_stay(encounter, principal=NEVER_PRINCIPAL))


def near_miss(rule: Principal, encounter: Encounter) -> Encounter:
    """A disease stands first, the external cause beside it."""
    stay = in_its_scene(rule, a_stay(encounter))
    cause = Diagnosis(code=NEVER_PRINCIPAL, name=NEVER_PRINCIPAL)
    return msgspec.structs.replace(stay, diagnoses=(*stay.diagnoses, cause))


KIND: RuleKind[PrincipalRow, Principal, Refused | Suspicion] = RuleKind(
    name="dip_principal",
    title="主诊断选择疑点",
    codes=(
        ("PRINCIPAL_NOT_ALLOWED", "不能作主要诊断"),
        ("PRINCIPAL_SEX_CONFLICT", "主要诊断与性别不符"),
        ("PRINCIPAL_NOT_IN_TABLE", "主要诊断编码不在编码库"),
        ("PRINCIPAL_SYMPTOM", "症状作主要诊断"),
        ("PRINCIPAL_HISTORY", "病史作主要诊断"),
        ("PRINCIPAL_AROSE_IN_HOSPITAL", "院内发生的诊断作主要诊断"),
        ("PRINCIPAL_OPERATION_MISMATCH", "主要手术属于其他诊断"),
        ("PRINCIPAL_QUESTIONABLE", "主诊断选择存疑"),
    ),
    row=PrincipalRow,
    rule=Principal,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
