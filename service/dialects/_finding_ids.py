"""One id for the findings of one card (``jr_id``): the first finding's, then the numbers of the others after ``+``.

In: finding ids of one verdict. Out: one text of at most 50 characters that parts into them again; what a 3103 says
about it holds for each. ``Identity.parse_finding_id`` reads the parts.
"""

import re
from typing import Final

from service.identity import BESIDE, TAG_HEX

LONGEST: Final = 50
_JOINED = re.compile(r"^[0-9a-f-]{36}-[0-9a-f]{9,13}(\+[0-9a-f]{1,5})+$", re.IGNORECASE)


def most_joined(findings: int) -> int:
    """Return how many ids of a verdict with so many findings surely fit into one."""
    digits = len(f"{max(findings, 1):x}")
    return 1 + (LONGEST - 36 - 1 - digits - TAG_HEX) // (1 + digits)


def joined(finding_ids: list[str]) -> str:
    """Return the id of a card."""
    first, *others = finding_ids
    return BESIDE.join([first, *(one.rpartition("-")[2][:-TAG_HEX] for one in others)])


def parted(text: str) -> list[str]:
    """Return the ids a card's id stands for: the first, and the others as ``<first>+<number>``."""
    if not _JOINED.match(text.strip()):
        return [text]
    first, *others = text.strip().split(BESIDE)
    return [first, *(f"{first}{BESIDE}{other}" for other in others)]
