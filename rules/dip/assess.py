"""All that a scheme says of one case: group, sub-types, points, money.

In: a case as sent and a directory. Out: an ``Assessed``; what cannot be told is absent with its reason, and no case
makes it raise. Pure: the same case and directory give the same answer.
"""

from collections.abc import Mapping
from decimal import Decimal

from rules.dip.auxiliary import typings
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Assessed, Case, Grouping
from rules.dip.payment import payment
from rules.dip.points import points


def assess(
    case: Case,
    directory: Directory,
    *,
    grouping: Grouping | None = None,
    indicators: Mapping[str, Decimal] | None = None,
) -> Assessed:
    """Group a case, type it, count its points and value them.

    ``grouping`` is where the case belongs, when that is known already. ``indicators`` are the hospital's figures that
    earn additions to its coefficient (dip facts 4.3 b).
    """
    grouping = grouping or group(case, directory)
    found = typings(case, grouping, directory)
    counted = points(case, grouping, found, directory, indicators)
    return Assessed(
        grouping=grouping,
        group=directory.groups.get(grouping.group),
        typings=found,
        points=counted,
        payment=payment(case, grouping, counted, directory),
    )
