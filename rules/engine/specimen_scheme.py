"""The small DIP scheme under which the stays of specimens are grouped, so that rules on DIP can be tried on their own.

It pays one 医疗类别 that no hospital sends: every other specimen is none of its business, and DIP rules are silent
there. Its codes, costs and limits are those of ``rules.kinds._dip_specimens``, which is written for it.
"""

from decimal import Decimal
from typing import Final

from rules.dip.directory import Directory
from rules.dip.model import (
    Coefficient,
    Deviation,
    Eligibility,
    Group,
    OperationEntry,
    PaymentRules,
    PointsRules,
    PointValue,
    Row,
    Scheme,
    Step,
)
from rules.kinds._dip_specimens import (
    GREAT_OPERATION,
    HIGH_LIMIT,
    LOW_LIMIT,
    ORDINARY,
    PAID,
    SMALL_OPERATION,
    STANDARD,
    TENFOLD,
    VENTILATION,
)
from rules.model import UNIT

POINTS: Final = Decimal(1000)
GROUPS: Final = {"": 1, SMALL_OPERATION: 1, GREAT_OPERATION: TENFOLD, VENTILATION: TENFOLD}
"""Main operation of a group, none for the conservative one, to its points in those of the ordinary group."""


def _scheme() -> Scheme:
    key = ORDINARY[:5]
    codes = {operation: f"{key}:{operation}" if operation else key for operation in GROUPS}
    return Scheme(
        name=PAID,
        version="1",
        title="规则自检用方案",
        digest=PAID,
        steps=(
            Step(step="principal"),
            Step(step="operations"),
            Step(step="layer", layers=("core",), prefer=("most_parts", "most_operations_used", "catalogue_order")),
        ),
        groups=tuple(
            Group(code=codes[operation], score=POINTS * times, mean_cost=STANDARD)
            for operation, times in GROUPS.items()
        ),
        rows=tuple(
            Row(group=codes[operation], number=number, diagnoses=(key,), main=((operation,),) if operation else ())
            for number, operation in enumerate(GROUPS)
        ),
        operations=tuple(OperationEntry(code=operation, attribute="surgery") for operation in GROUPS if operation),
        points=PointsRules(
            coefficients=(Coefficient(coefficient=Decimal(1)),),
            deviation=Deviation(formula="proportional", low=LOW_LIMIT, high=HIGH_LIMIT),
        ),
        payment=PaymentRules(values=(PointValue(value=Decimal(STANDARD) / UNIT / POINTS),)),
        eligibility=Eligibility(medical_types=(PAID,)),
    )


SCHEME: Final = Directory.build(_scheme())
