"""What if: a case with some facts changed, and how what is said of it differs (K47).

In: a ``Case`` and a ``ChangeIn``. Out: the changed ``Case``, and differences of two assessments. A what-if computes; it
never proposes a code (ruling 24): whoever changes one needs evidence for it in the record.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from rules.dip.model import Assessed, Case
from rules.dip.normalise import Normaliser
from service.dip.documents import number, yuan
from service.errors import INVALID, Fault, Problem
from service.schemas.dip import ChangeIn
from service.schemas.dip_case import YEAR_DAYS

LABEL: Final = "预估"
NOTE: Final = "本结果为测算,仅供参考,不是编码建议;增改诊断或手术编码须有病历中的检查、医嘱、手术记录等依据。"
PLAIN: Final = (
    "cost", "drug_cost", "treatment_cost", "material_cost", "days", "icu_days", "weight_g", "died", "sex",
    "insurance", "hospital_level",
)  # fmt: skip
"""Facts that a change simply sets, in the same unit."""


def changed(case: Case, change: ChangeIn, at: str, normaliser: Normaliser) -> Case:
    """Return the case with the change made. Raises ``Problem``: a code to be removed is not there."""
    faults: list[Fault] = []

    def operation(code: str) -> str:
        return "".join(normaliser.operations((code,)))

    principal, others = _principal(case, change, normaliser.principal)
    others = _removed(others, change.remove_others, normaliser.principal, f"{at}.remove_others", faults)
    operations = tuple(change.operations) if change.operations is not None else case.operations
    operations = _removed(operations, change.remove_operations, operation, f"{at}.remove_operations", faults)
    if faults:
        raise Problem(INVALID, faults=tuple(faults))
    plain = {name: getattr(change, name) for name in PLAIN if getattr(change, name) is not None}
    if change.age is not None:
        plain |= {"age_years": change.age, "age_days": None}
    if change.age_days is not None:
        # Completed years cannot be told from days near a birthday; below a year there is no doubt.
        years = 0 if change.age_days < YEAR_DAYS else change.age
        plain |= {"age_days": change.age_days, "age_years": years}
    return replace(
        case,
        principal=principal,
        others=(*others, *change.add_others),
        operations=(*operations, *change.add_operations),
        **plain,
    )


def _principal(case: Case, change: ChangeIn, normal: Callable[[str], str]) -> tuple[str, tuple[str, ...]]:
    """Return principal and other diagnoses. One that is taken from the others changes places with the principal."""
    others = tuple(change.others) if change.others is not None else case.others
    if change.principal is None:
        return case.principal, others
    wanted = normal(change.principal)
    if change.others is None and wanted in {normal(code) for code in others}:
        kept = tuple(code for code in others if normal(code) != wanted)
        return change.principal, (case.principal, *kept) if case.principal else kept
    return change.principal, others


def _removed(
    codes: tuple[str, ...], unwanted: Iterable[str], normal: Callable[[str], str], path: str, faults: list[Fault]
) -> tuple[str, ...]:
    """Return the codes without the unwanted ones, however either is written."""
    present = {normal(code) for code in codes}
    going = {normal(code) for code in unwanted}
    if going - present:
        faults.append(Fault(path, "病例中没有要删除的编码"))
    return tuple(code for code in codes if normal(code) not in going)


def differences(before: Assessed, after: Assessed) -> dict[str, Any]:
    """Return what changed, each as ``[before, after]``, and numbers with their difference."""
    first, second = before.grouping, after.grouping
    found: dict[str, Any] = {}
    for name in ("status", "group", "attribute"):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            found[name] = [one or None, other or None]
    for name in ("standard_points", "points", "ratio"):
        _numeric(found, name, getattr(before.points, name), getattr(after.points, name))
    if before.points.band != after.points.band:
        found["band"] = [before.points.band, after.points.band]
    for name in ("standard", "normal_standard", "fund", "balance"):
        one, other = getattr(before.payment, name), getattr(after.payment, name)
        if one != other:
            both = None if one is None or other is None else yuan(other - one)
            found[name] = [yuan(one), yuan(other)]
            found[f"{name}_difference"] = both
    return found


def _numeric(found: dict[str, Any], name: str, one: Decimal | None, other: Decimal | None) -> None:
    if one != other:
        found[name] = [number(one), number(other)]
        found[f"{name}_difference"] = None if one is None or other is None else number(other - one)
