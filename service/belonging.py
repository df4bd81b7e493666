"""Whose rows a call is about.

The key's hospital comes first, then what the call says, else the instance's own. For calls that name a verdict and no
hospital (lines, dispositions), a caller for several hospitals is helped by what this worker answered lately and by the
database.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from service.db import verdicts
from service.db.pool import Pool
from service.errors import NOT_FOUND, Problem
from service.keys import Caller

WITHIN: Final = 0.5
"""Seconds the database may take: without it the instance's own hospital is meant."""
REMEMBERED: Final = 50_000


def hospital_of(who: Caller, asked: str | None, own: str) -> str:
    """Return whose rows are asked for, ``own`` being the instance's hospital.

    Raises ``Problem`` (``NOT_FOUND``) where a key of one hospital names another, whether there is such a one or not.
    """
    if who.hospital is not None and asked not in {None, who.hospital}:
        raise Problem(NOT_FOUND, "该密钥不属于这家医院")
    return who.hospital or asked or own


class Belonging:
    """Remembers the verdicts of other hospitals than the instance's own; mostly there are none."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._elsewhere: OrderedDict[str, str] = OrderedDict()

    def note(self, verdict_id: str, hospital: str) -> None:
        """Remember whose a verdict is."""
        if hospital != self._own:
            self._elsewhere[verdict_id] = hospital
            if len(self._elsewhere) > REMEMBERED:
                self._elsewhere.popitem(last=False)

    async def find(self, pool: Pool, verdict_ids: Iterable[str]) -> dict[str, str]:
        """Return whose the verdicts are, as far as it is known."""
        asked = dict.fromkeys(verdict_ids)
        known = {found: self._elsewhere[found] for found in asked if found in self._elsewhere}
        rest = [found for found in asked if found not in known]
        if not rest:
            return known
        try:
            return known | await verdicts.hospitals(pool, rest, within=WITHIN)
        except Problem:
            return known
