"""A small catalogue for moves, signs and settlement-list checks: biliary, appendix, lung; scores worth comparing."""

from decimal import Decimal
from typing import Any

from rules.dip.assess import assess
from rules.dip.directory import Directory
from rules.dip.model import (
    Assessed,
    Auxiliary,
    AuxiliaryRow,
    Case,
    CciEntry,
    Group,
    Limit,
    Normalisation,
    OperationEntry,
    PointsRules,
    Scheme,
)
from tests.dip.builders import a_group, a_row, a_scheme

ROWS = (
    a_row("K80.1:C", "K80.1"),
    a_row("K80.1:LC", "K80.1", "51.2300"),
    a_row("K80.1:LCT", "K80.1", "51.2300+51.8801"),
    a_row("K80.1:ERCP", "K80.1", "51.8801"),
    a_row("K35.8:A", "K35.8", "47.0100"),
    a_row("K35.8:C", "K35.8"),
    a_row("J96.0:V", "J96.0", "96.7201"),
    a_row("J96.0:C", "J96.0"),
    a_row("R10.4:C", "R10.4"),
    a_row("XQ-1", "", "33.6x00"),
)
SCORES = {
    "K80.1:C": 400,
    "K80.1:LC": 1000,
    "K80.1:LCT": 1500,
    "K80.1:ERCP": 1200,
    "K35.8:A": 700,
    "K35.8:C": 300,
    "J96.0:V": 5000,
    "J96.0:C": 900,
    "R10.4:C": 150,
    "XQ-1": 30000,
}
NAMES = {"K80.1:LC": "胆囊结石伴胆囊炎 腹腔镜胆囊切除", "K35.8:A": "急性阑尾炎 腹腔镜阑尾切除"}
OPERATIONS = (
    OperationEntry(code="51.2300", name="腹腔镜下胆囊切除术", attribute="surgery", level=3, incision=2),
    OperationEntry(code="51.8801", name="内镜下胆总管取石", attribute="therapeutic", level=3),
    OperationEntry(code="47.0100", name="腹腔镜阑尾切除术", attribute="surgery", level=2, incision=2),
    OperationEntry(code="96.7201", name="呼吸机治疗[大于等于96小时]", attribute="therapeutic"),
    OperationEntry(code="96.7101", name="呼吸机治疗[小于96小时]", attribute="therapeutic"),
    OperationEntry(code="33.6x00", name="心肺联合移植", attribute="surgery", level=4),
    OperationEntry(code="60.2900", name="经尿道前列腺切除术", attribute="surgery", level=3),
    OperationEntry(code="45.1300", name="胃镜检查", attribute="diagnostic"),
)


def the_scheme(**changes: Any) -> Scheme:
    """Return the catalogue; every hospital counts alike."""
    groups: tuple[Group, ...] = tuple(
        a_group(code, name=NAMES.get(code, code), score=Decimal(score)) for code, score in SCORES.items()
    )
    given: dict[str, Any] = {
        "groups": groups,
        "operations": OPERATIONS,
        "points": PointsRules(coefficient_required=False),
        "normalisation": Normalisation(
            whole_operations=True,
            excluded_principal=("K80.900",),
            diagnosis_map={"K80.101": "K80.100"},
            operation_map={"51.2302": "51.2300"},
            limits=(Limit(code="A04.000x001", max_age_days=28), Limit(code="45.13", min_age_days=365)),
        ),
        "auxiliary": Auxiliary(
            cci=(CciEntry(code="J96.000", disease="respiratory", weight=3),),
            rows=(
                AuxiliaryRow(type="cci", subtype="severe", coefficient=Decimal("1.5")),
                AuxiliaryRow(type="cci", subtype="none", coefficient=Decimal(1)),
            ),
        ),
    }
    return a_scheme(*ROWS, **(given | changes))


DIRECTORY = Directory.build(the_scheme())


def assessed(case: Case, directory: Directory = DIRECTORY) -> Assessed:
    """Return what the scheme says of a case."""
    return assess(case, directory)
