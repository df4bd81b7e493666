"""The auxiliary directory and what watches over coding (辅助目录, 清单质控): sub-types, behaviour, quality."""

from decimal import Decimal
from typing import Literal

from rules.dip.codes import AuxiliaryMode, AuxiliaryType, GroupClass
from rules.noun import Noun


class AuxiliaryRow(Noun, frozen=True, kw_only=True):
    """One sub-type of the auxiliary directory and its coefficient (m_j / M)."""

    type: AuxiliaryType
    subtype: str
    """As its typing names it: ``severe``, ``0-28d``, ``2-7`` …; for ``secondary`` a free name."""
    group: str = ""
    """Group it belongs to; empty: every core group."""
    coefficient: Decimal
    other_diagnoses: tuple[str, ...] = ()
    """For ``secondary``: prefixes of the named other diagnosis."""
    group_cases: int | None = None
    subtype_cases: int | None = None
    variation_drop: Decimal | None = None
    """How much splitting lowers the coefficient of variation (0-1)."""


class CciEntry(Noun, frozen=True, kw_only=True):
    """One code of the CCI dictionary."""

    code: str
    disease: str
    """Disease class: within it only the highest weight counts."""
    weight: int


class SeverityEntry(Noun, frozen=True, kw_only=True):
    """One code of a severity list."""

    code: str
    severity: Literal["moderate", "severe"]
    """moderate: organ lesion or local infection (CC); severe: organ failure, shock, sepsis (MCC)."""
    table: str = ""
    """Exclusion table: principal diagnoses of the same table make it part of their own disease."""


class SeverityExclusion(Noun, frozen=True, kw_only=True):
    """A principal diagnosis (prefix or whole code) and the exclusion table it belongs to."""

    code: str
    table: str


class Auxiliary(Noun, frozen=True, kw_only=True):
    """The auxiliary directory (辅助目录)."""

    classes: tuple[GroupClass, ...] = ("core",)
    """Groups it corrects."""
    mode: AuxiliaryMode = "multiply"
    min_group_cases: int = 0
    min_subtype_cases: int = 0
    min_variation_drop: Decimal = Decimal(0)
    """Trigger: a row that states its figures and falls short of these is not used. ICU days need half."""
    severity_style: Literal["city", "national"] = "national"
    long_stay_over: int = 3
    """Severity needs a stay over so many days."""
    long_stay_inclusive: bool = False
    """... or of exactly so many."""
    arisen_in_hospital: bool = False
    """Diagnoses whose 入院病情 is 无 count too (CCI, severity, secondary); dip facts 6.2: they must not serve as CC."""
    elderly_from: int = 65
    age_bands: tuple[tuple[str, int, int | None], ...] = ()
    """(name, first day, last day or None) in days of age; replaces the bands of dip facts 3.5 where given."""
    icu_bands: tuple[tuple[str, int, int | None], ...] = (
        ("2-7", 2, 7),
        ("8-14", 8, 14),
        ("15-30", 15, 30),
        ("31+", 31, None),
    )
    high_cost_multiple: Decimal = Decimal(3)
    high_cost_share: Decimal = Decimal("0.5")
    tumour: tuple[str, ...] = ("C", "D0", "Z51.0", "Z51.1", "Z51.8")
    """Prefixes of principal diagnoses typed by tumour severity instead of severity."""
    metastasis: tuple[str, ...] = ("C77", "C78", "C79")
    radiotherapy: tuple[str, ...] = ("92.2", "92.3")
    chemotherapy: tuple[str, ...] = ("99.25",)
    rows: tuple[AuxiliaryRow, ...] = ()
    cci: tuple[CciEntry, ...] = ()
    severity: tuple[SeverityEntry, ...] = ()
    severity_exclusions: tuple[SeverityExclusion, ...] = ()


class Behaviour(Noun, frozen=True, kw_only=True):
    """Parameters of the behaviour scores (违规行为监管目录); the national formulas are not public (dip facts 3.7)."""

    readmission_days: int = 31
    same_category: bool = True
    """Readmission counts only for the same three-character category."""
    low_standard: tuple[tuple[Decimal, str], ...] = (
        (Decimal("0.3"), "high"),
        (Decimal("0.5"), "medium"),
        (Decimal("0.7"), "low"),
    )
    """(case cost / group mean below, risk), lowest first."""
    over_long: tuple[tuple[Decimal, str], ...] = ((Decimal(3), "high"), (Decimal(2), "medium"), (Decimal("1.5"), "low"))
    """(stay / group mean over, risk), highest first."""
    low_mortality: Decimal = Decimal("0.05")
    """A group with a smaller share of deaths is one in which a death is looked at."""
    readmission_risk: tuple[tuple[int, str], ...] = ((7, "high"), (15, "medium"))
    """(days since the discharge at most, risk), fewest first; ``low`` beyond."""
    planned_principals: tuple[str, ...] = ("Z43", "Z47.0", "Z49", "Z51.0", "Z51.1", "Z51.2", "Z51.8")
    """Principal diagnoses of planned care (ruling 27), prefixes: staged surgery, dialysis, radio- and chemotherapy."""
    planned_operations: tuple[str, ...] = ("92.2", "92.3", "99.25")
    """Operations of planned care, prefixes: radiotherapy, chemotherapy."""


class FeePair(Noun, frozen=True, kw_only=True):
    """An itemised charge and the operations it goes with: one without the other is looked into."""

    name: str
    charge: str
    """Key of the charge among a record's itemised charges."""
    operations: tuple[str, ...]
    """Prefixes of operation codes."""


class Quality(Noun, frozen=True, kw_only=True):
    """Parameters of the settlement-list checks (清单质控)."""

    upload_days: int = 7
    symptom_principal: tuple[str, ...] = ("R",)
    history_principal: tuple[str, ...] = ("Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87", "Z88", "Z91", "Z92")
    near_points: Decimal = Decimal("0.1")
    """A group whose points differ by at least this share is clearly higher or lower."""
    required_share: Decimal = Decimal("0.95")
    """Share of the required fields that must be filled (L9)."""
    low_cost: Decimal = Decimal("0.5")
    """Cost / reference average below which a high group is doubtful, and which point chasing counts (dip facts 6.1)."""
    chasing_share: Decimal = Decimal("0.3")
    """Share of a group's cases below ``low_cost`` from which on it looks like point chasing; a project choice."""
    chasing_cases: int = 10
    """Groups with fewer cases say nothing."""
    drift: Decimal = Decimal("0.5")
    """Relative change of a group's share of all cases between years from which on it is a sign (dip facts 6.1)."""
    own_share_rise: Decimal = Decimal("0.1")
    """Rise of the patients' share of cost (in points of 1) that looks like shifting cost; a project choice."""
    fee_pairs: tuple[FeePair, ...] = (
        FeePair(name="有创呼吸机", charge="ventilation", operations=("96.7",)),
        FeePair(name="无创呼吸机", charge="noninvasive_ventilation", operations=("93.90",)),
        FeePair(name="血液净化", charge="blood_purification", operations=("39.95",)),
        FeePair(name="体外膜氧合", charge="ecmo", operations=("39.65",)),
        FeePair(name="输血", charge="transfusion", operations=("99.0",)),
    )
