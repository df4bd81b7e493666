"""Whether the record shows a thing beside a line: by items in a window, or by operations of the visit.

In: items, operations, a window and a view. Out: for each line yes, no, or what keeps that from being told. Absent is
not no: an item that nobody mentions is absent only where the record reaches back and every code in it can be read, an
operation only once the visit lists operations at all.
"""

from functools import cached_property

from rules.codes import Reason
from rules.codings import category_of
from rules.kinds._record import unreadable
from rules.kinds._together import Company, Known, Place, Window, days_in, days_of, near
from rules.kinds._view import Charge, View
from rules.model import Line, Missing
from rules.patterns import matches


def covered(window: Window, line: Line, view: View) -> bool:
    """Say whether a partner that nobody mentions is surely absent: the record reaches back over the window."""
    if window == "prescription":
        return True  # it is being saved whole; what is added later is checked then
    day = view.service_day(line)
    if window != "visit":
        return view.covered_back(day, days_in(window))
    visit = view.encounter.visit
    if visit.admitted is None and visit.type == "inpatient":
        return False
    return view.covered_since(visit.admitted.date() if visit.admitted else day)


def performed(patterns: tuple[str, ...], window: Window, line: Line, view: View) -> Known:
    """Say whether one of these operations was done in the window; ``None`` while the visit lists no operations."""
    operations = view.encounter.operations
    if not operations:
        return None
    found = [one for one in operations if matches(patterns, one.code) == "yes"]
    if window == "visit" or not found:
        return bool(found)
    first, last = days_of(view.span(line))
    place, reach = Place(first=first, last=last), days_in(window)
    days = [one.day.toordinal() if one.day else None for one in found]
    known = [near(place, Place(first=day, last=day), reach) for day in days]
    return True if True in known else None if None in known else False


class Evidence:
    """One thing that the record may show beside a line: by items in a window, or by operations.

    Where it is ``sought_beside`` items its absence counts: what nobody mentions is absent only where the record reaches
    back over the window, and a line there whose code nobody can read may be it.
    """

    def __init__(
        self,
        items: tuple[str, ...],
        ops: tuple[str, ...],
        window: Window,
        view: View,
        *,
        sought_beside: tuple[str, ...] = (),
    ) -> None:
        self._items, self._ops, self._window, self._view, self._sought_beside = items, ops, window, view, sought_beside
        self.company = Company(window, view.charges(items), view)

    @property
    def possible(self) -> bool:
        """Whether it may be shown beside any line at all, so that it is worth asking line by line."""
        operations = self._view.encounter.operations
        by_ops = bool(self._ops) and (not operations or any(matches(self._ops, one.code) for one in operations))
        return by_ops or not self.company.empty

    def beside(self, line: Line) -> bool | Missing:
        """Say whether the record shows it beside a line, or return what keeps that from being told."""
        met = self.company.of(line)
        done = performed(self._ops, self._window, line, self._view) if self._ops else False
        if met.lines or done:
            return True
        if done is None:
            return Missing(fields=("operation.day" if self._view.encounter.operations else "operations",))
        if met.unclear:
            return Missing(fields=(met.unclear,))
        return (self._gap(line) or False) if self._sought_beside and self._items else False

    def _gap(self, line: Line) -> Missing | None:
        if not covered(self._window, line, self._view):
            return self._view.history_missing()
        strange = self._strange.of(line)
        if strange.lines:
            reason: Reason = "unmapped" if all(other.item for other in strange.lines) else "missing"
            return Missing(fields=("line.item",), reason=reason)
        return Missing(fields=(strange.unclear,)) if strange.unclear else None

    @cached_property
    def _strange(self) -> Company:
        """Lines that may be one of the items without showing it; one known to be of another category is none."""
        wanted = {category_of(pattern) for pattern in self._items}
        either = {*wanted, "other", None}
        charges = [
            Charge(line, line.quantity)
            for line in self._view.lines
            if unreadable(line, self._items)
            and (None in wanted or line.category in either)
            and not matches(self._sought_beside, line.item)
        ]
        return Company(self._window, charges, self._view)
