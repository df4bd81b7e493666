"""What the DIP kinds (病种分值付费) share: whose stay is judged, who hears of it, and how a standing reads.

A kind sees DIP only as a fact of the view (``View.dip``) and knows nothing of how it is made. A standard is a
reference, never a cap: no row of these kinds may block or ask for a reason (ruling 24), and a patient whom DIP does not
pay is none of their business (ruling 25).
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

from pydantic import Field

from rules.codes import Level, Role
from rules.dip.result import DipResult, Standing
from rules.kinds._contract import Codes, Row, shared
from rules.kinds._text import number
from rules.kinds._view import View
from rules.model import Diagnosis, Missing, Rule

CODERS: Final[frozenset[Role]] = frozenset(("coder", "insurance_office"))
"""Who codes and answers for DIP; doctors, nurses and pharmacists treat."""
LOUDEST: Final[Level] = "warn"
REFERENCE: Final = "仅供参考,诊疗以病情需要为准"
"""Ends every message about money (ruling 24)."""


DoctorLevel = Literal["silent", "info", "warn"]


class DipRow(Row):
    """Columns that the DIP tables share."""

    items: Codes = ()
    doctor_level: DoctorLevel = Field(
        default="silent", description="the loudest that doctors, nurses and pharmacists hear it; coders hear `level`"
    )


class DipRule(Rule, frozen=True, kw_only=True):
    """Run form: how loudly a doctor, nurse or pharmacist hears it at most; coders hear it as the row says."""

    doctor_level: Level


def dip_shared(row: DipRow) -> dict[str, Any]:
    """Return the run form's common fields. Raises ``ValueError`` for a row that would make a reference a cap."""
    if row.level == "block":
        raise ValueError("a DIP row never blocks: a standard is a reference, never a cap")
    if row.reason:
        raise ValueError("a DIP row never asks for a reason: a standard is a reference, never a cap")
    if row.certainty == "violation":
        raise ValueError("a DIP row is suspicious or notice: cost and coding are to be looked at, never a violation")
    return shared(row) | {"doctor_level": row.doctor_level}


def heard(rule: DipRule, view: View) -> Level:
    """Return the loudest the viewer may hear of it."""
    return LOUDEST if view.given.role in CODERS else rule.doctor_level


def paid_by_dip(view: View) -> DipResult | None:
    """Return what DIP says of a stay; ``None`` out of hospital, without a scheme, or where DIP surely does not pay."""
    result = view.dip.result if view.dip is not None else None
    return None if result is None or result.eligible is False else result


def grouped(view: View) -> DipResult | Missing | None:
    """Return what DIP says of a stay that it may pay and has a group for, or what keeps the stay from being grouped.

    A scheme without prices has nothing to say of money: under it nothing is lacking.
    """
    result = paid_by_dip(view)
    if result is None or result.after.status != "ungrouped":
        return result
    return ungrouped(result.after, view) if result.priced else None


def payer_unknown(result: DipResult, view: View) -> Missing | None:
    """Return what keeps it from being known whether DIP pays the stay (ruling 25)."""
    if result.eligible is not None:
        return None
    visit = view.encounter.visit
    known = {
        "visit.insurance": visit.insurance,
        "visit.medical_type": visit.medical_type,
        "visit.out_of_area": visit.out_of_area,
        "visit.admitted": visit.admitted,
    }
    absent = tuple(field for field, value in known.items() if value is None)
    # All are known: then it is the length of the stay that decides, and that is known at its end.
    return Missing(fields=absent or ("visit.discharged",))


def ungrouped(standing: Standing, view: View) -> Missing | None:
    """Return what an ungrouped stay lacks to be grouped; nothing where the directory has no group for it."""
    reasons = standing.reasons
    if "missing_principal_diagnosis" in reasons:
        return view.unread_diagnoses or Missing(fields=("diagnoses",))
    principal = principal_of(view)
    if principal is not None and principal.system == "local":
        return Missing(fields=("diagnosis.code",), reason="unmapped")
    if "operation_not_known" in reasons:
        return Missing(fields=("operation.code",), reason="unmapped")
    patient, visit = view.encounter.patient, view.encounter.visit
    asked = {
        "patient.birth_date": (patient.birth_date, ("age_missing",)),
        "patient.weight_g": (patient.weight_g, ("weight_missing",)),
        "patient.sex": (patient.sex, ("fact_missing",)),
        "visit.admitted": (visit.admitted, ("fact_missing", "age_missing")),
    }
    absent = (field for field, (value, why) in asked.items() if value is None and not set(why).isdisjoint(reasons))
    fields = tuple(absent)
    return Missing(fields=fields) if fields else None


def principal_of(view: View) -> Diagnosis | None:
    """Return the principal diagnosis as DIP takes it: the flagged one, else the first; none of TCM."""
    western = [found for found in view.encounter.diagnoses if found.system != "tcm" and found.code]
    return next((found for found in western if found.main), western[0] if western else None)


# How a standing reads


def group_words(result: DipResult, standing: Standing) -> str:
    """Return the group as a message names it; an estimate says so (ruling 25)."""
    if not standing.group:
        return "未入组"
    name = f" {standing.name}" if standing.name not in {"", standing.group} else ""
    return f"{'预估' if result.estimated else ''}病种 {standing.group}{name}"


def decimal_words(value: Decimal, places: int = 2) -> str:
    """Return a ratio or points as they read: rounded half up to so many decimals, without trailing zeros."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded:f}".rstrip("0").rstrip(".")


def share_words(part: int, whole: int) -> str:
    """Return part of a whole in percent with at most one decimal."""
    return f"{decimal_words(Decimal(part) * 100 / Decimal(whole), 1)}%"


def yuan(amount: int) -> str:
    """Return money as it reads."""
    return f"{number(amount)} 元"
