"""One stay as a grouper sees it (病例)."""

from datetime import date
from decimal import Decimal

from rules.codes import Sex
from rules.noun import Noun


class Case(Noun, frozen=True, kw_only=True):
    """One stay as a grouper sees it (病例). Codes may be as sent; the grouper normalises them."""

    id: str = ""
    principal: str = ""
    """主要诊断."""
    others: tuple[str, ...] = ()
    """其他诊断, in order."""
    absent_on_admission: tuple[str, ...] = ()
    """Codes whose 入院病情 is 无: they arose in hospital."""
    operations: tuple[str, ...] = ()
    """Main operation first."""
    sex: Sex | None = None
    age_years: int | None = None
    age_days: int | None = None
    """Age in days, for infants; never derived from years."""
    weight_g: int | None = None
    """Newborn's birth or admission weight."""
    days: int | None = None
    """Length of stay (住院天数)."""
    icu_days: int | None = None
    died: bool | None = None
    cost: int | None = None
    """Total cost (总费用), 1/10,000 yuan."""
    drug_cost: int | None = None
    treatment_cost: int | None = None
    """Cost of treatment without surgery (治疗费)."""
    material_cost: int | None = None
    hospital: str = ""
    hospital_level: int | None = None
    insurance: str | None = None
    medical_type: str | None = None
    out_of_area: bool | None = None
    day_surgery: bool | None = None
    place: str | None = None
    """Insured place (参保地)."""
    admitted: date | None = None
    discharged: date | None = None
    ongoing: bool = False
    """The stay is not over: ``days`` and ``discharged`` are of today."""
    patient: str = ""
    """Pseudonym, for readmissions."""
    department: str = ""
    planned: bool | None = None
    """A planned readmission (ruling 27)."""
    new_technology: bool | None = None
    departments: int | None = None
    """How many departments treated the patient."""
    critical: bool | None = None
    """危急重症抢救."""
    deductible: int | None = None
    copayment: int | None = None
    out_of_catalogue: int | None = None
    """Own expense outside the catalogue (自费)."""
    other_payers: int | None = None
    specified_own: int | None = None
    """Part of an item in the catalogue that the patient pays before any ratio (先行自付、特定自付)."""
    fund_paid: int | None = None
    reimbursement_ratio: Decimal | None = None
    approved_review_coefficient: Decimal | None = None
    """Coefficient of an approved special-case review (特例单议), stored with the case."""
    add_on_points: Decimal | None = None
    deductions: int | None = None
    """Audit deductions (审核扣减)."""
