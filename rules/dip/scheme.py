"""One region's dated DIP catalogue and parameters (DIP 方案)."""

from datetime import date

from rules.dip.catalogue import (
    Comprehensive,
    Condition,
    DiagnosisEntry,
    Group,
    IncompleteRow,
    LastResort,
    Normalisation,
    OperationEntry,
    Row,
    Step,
)
from rules.dip.pricing import Eligibility, PaymentRules, PointsRules
from rules.dip.supervision import Auxiliary, Behaviour, Quality
from rules.noun import Noun


class Source(Noun, frozen=True, kw_only=True):
    """The document a scheme rests on."""

    instrument: str
    number: str = ""
    note: str = ""


class Scheme(Noun, frozen=True, kw_only=True):
    """One region's dated DIP catalogue and parameters (DIP 方案), in one fixed order."""

    name: str
    version: str
    title: str
    digest: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    """Discharge days it holds for."""
    partial: bool = False
    """An extract: what it does not list may still exist, and nothing found is said so."""
    sources: tuple[Source, ...] = ()
    normalisation: Normalisation = Normalisation()
    steps: tuple[Step, ...] = ()
    groups: tuple[Group, ...] = ()
    rows: tuple[Row, ...] = ()
    incomplete: tuple[IncompleteRow, ...] = ()
    conditions: tuple[Condition, ...] = ()
    operations: tuple[OperationEntry, ...] = ()
    diagnoses: tuple[DiagnosisEntry, ...] = ()
    comprehensive: Comprehensive = Comprehensive()
    last_resort: tuple[LastResort, ...] = ()
    auxiliary: Auxiliary = Auxiliary()
    points: PointsRules = PointsRules()
    payment: PaymentRules = PaymentRules()
    eligibility: Eligibility = Eligibility()
    behaviour: Behaviour = Behaviour()
    quality: Quality = Quality()
