"""What was charged around a line: the charges of some items, each laid over the days it belongs to.

Quantities belong to days, not to the begin date (ruling 9): a long-term or multi-day line is shared out evenly over
its span, and a quantity in 日 runs on from its begin, one a day. All charges are net of reversals.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

import msgspec

from rules.expressions.types import Lack, Scene
from rules.kinds._view import LONGEST_SPAN, Charge, patient_pays
from rules.model import UNIT, Line

DAY_UNITS: Final = frozenset({"日", "天", "床日", "d", "D", "day", "days"})
WHOLE_VISIT: Final = 0
"""Days of a window that is not counted in days."""


class Laid(msgspec.Struct, frozen=True):
    """A charge and the first and last day it covers; no days when its time is not known."""

    charge: Charge
    days: tuple[date, date] | None

    def share(self, whole: int, first: date | None, last: date) -> int:
        """Return the part of a whole that falls on [first, last], evenly over its days; no first is no window."""
        if first is None:
            return whole
        if self.days is None:
            return 0
        begin, end = self.days
        inside = (min(end, last) - max(begin, first)).days + 1
        return whole * inside // ((end - begin).days + 1) if inside > 0 else 0


def laid(scene: Scene, patterns: tuple[str, ...], *, visit_only: bool) -> tuple[Laid, ...]:
    """Return the charges of these items, remembered for the rule's other lines."""
    key = (laid, patterns, visit_only)
    known = scene.memo.get(key)
    if known is None:
        charges = scene.view.charges(patterns, visit_only=visit_only)
        known = tuple(_lay(scene, charge) for charge in charges if not (scene.payment and patient_pays(charge.line)))
        scene.memo[key] = known
    return known  # type: ignore[return-value]  # written three lines above


def _lay(scene: Scene, charge: Charge) -> Laid:
    days = scene.view.span(charge.line)
    if days is not None and charge.line.unit in DAY_UNITS and charge.quantity is not None:
        count = -(-charge.quantity // UNIT)
        if count > LONGEST_SPAN:
            return Laid(charge, None)
        days = (days[0], max(days[1], days[0] + timedelta(days=count - 1)))
    return Laid(charge, days)


def window(scene: Scene, days: int) -> date | None:
    """Return the first day of a window that ends on the scene's day; ``None`` for the whole visit."""
    return None if days == WHOLE_VISIT else scene.day - timedelta(days=days - 1)


def unread_past(scene: Scene, patterns: tuple[str, ...], first: date | None) -> tuple[Lack, ...]:
    """Return what keeps the days from ``first`` on from being known, as every kind judges it (decision 0006).

    This visit and the day itself are taken as sent; days before need a stay that reaches back, or a covered past.
    """
    if first is None or first >= scene.day:
        return ()
    admitted = scene.view.encounter.visit.admitted
    if (admitted is not None and admitted.date() < first) or scene.view.covered_since(first, patterns):
        return ()
    return history_lack(scene)


def history_lack(scene: Scene) -> tuple[Lack, ...]:
    """Return the past as what is lacking."""
    missing = scene.view.history_missing()
    return tuple((field, missing.reason) for field in missing.fields)


def known_from(scene: Scene, patterns: tuple[str, ...]) -> date:
    """Return the first day from which on these items are known: the scene's own day when nobody vouches for more."""
    admitted = scene.view.encounter.visit.admitted
    since = [scene.view.known_since(patterns), admitted.date() + timedelta(days=1) if admitted else None]
    return min([scene.day, *(day for day in since if day is not None)])


def called(found: Iterable[Line], patterns: tuple[str, ...]) -> str:
    """Return the items found by name, each once, or the codes asked for where nothing has a name."""
    names = dict.fromkeys(line.name for line in found if line.name)
    return "".join(f"【{name}】" for name in list(names)[:3]) or f"【{'、'.join(patterns)}】"
