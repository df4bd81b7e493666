"""The frozen nouns of DIP (病种分值付费): a case, a scheme, and what is said of a case under a scheme.

Codes are in normal form (``rules.dip.normalise``): diagnoses ``A00.000x001``, ``N40.x00``, a dagger pair
``A01.002+G01*``; operations ``51.2300x001``, ``33.6x00``. Money is an integer of 1/10,000 yuan; points, scores and
coefficients are ``Decimal``; ``None`` is absent, never zero. A ``Scheme`` is what is stored and digested;
``rules.dip.directory.Directory`` is the same, indexed.
"""

from rules.dip.case import Case
from rules.dip.catalogue import (
    Comprehensive,
    ComprehensiveRow,
    Condition,
    DiagnosisEntry,
    Either,
    Exclusion,
    Expression,
    Group,
    IncompleteRow,
    LastResort,
    Limit,
    Normalisation,
    OperationEntry,
    Row,
    Step,
)
from rules.dip.outcome import Assessed, Factor, Grouping, PaymentResult, PointsNote, PointsResult, Remark, Typing
from rules.dip.pricing import (
    AddOn,
    AssessmentBand,
    Coefficient,
    CoefficientAddOn,
    Converted,
    Deviation,
    Eligibility,
    PaymentRules,
    PointsRules,
    PointValue,
    Review,
    SettlementBand,
)
from rules.dip.scheme import Scheme, Source
from rules.dip.supervision import (
    Auxiliary,
    AuxiliaryRow,
    Behaviour,
    CciEntry,
    FeePair,
    Quality,
    SeverityEntry,
    SeverityExclusion,
)

__all__ = [
    "AddOn",
    "Assessed",
    "AssessmentBand",
    "Auxiliary",
    "AuxiliaryRow",
    "Behaviour",
    "Case",
    "CciEntry",
    "Coefficient",
    "CoefficientAddOn",
    "Comprehensive",
    "ComprehensiveRow",
    "Condition",
    "Converted",
    "Deviation",
    "DiagnosisEntry",
    "Either",
    "Eligibility",
    "Exclusion",
    "Expression",
    "Factor",
    "FeePair",
    "Group",
    "Grouping",
    "IncompleteRow",
    "LastResort",
    "Limit",
    "Normalisation",
    "OperationEntry",
    "PaymentResult",
    "PaymentRules",
    "PointValue",
    "PointsNote",
    "PointsResult",
    "PointsRules",
    "Quality",
    "Remark",
    "Review",
    "Row",
    "Scheme",
    "SettlementBand",
    "SeverityEntry",
    "SeverityExclusion",
    "Source",
    "Step",
    "Typing",
]
