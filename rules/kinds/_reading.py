"""What several kinds read about an order and who ordered it, and what they tell the user to do.

In: lines and a ``View``. Out: departments, grants and insurances in the rules' own words, lines grouped by such a fact,
and the ends of sentences that depend on what a rule protects.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from rules.codes import SETTLEMENT
from rules.kinds._view import View
from rules.model import Line, Missing, Rule
from rules.words import FORMS

Key = TypeVar("Key")

INSURANCES: Final = {
    "310": "职工基本医疗保险",
    "320": "公务员医疗补助",
    "330": "大额医疗费用补助",
    "340": "离休人员医疗保障",
    "350": "一至六级残疾军人医疗补助",
    "360": "老红军医疗保障",
    "370": "企业补充医疗保险",
    "380": "新型农村合作医疗",
    "390": "城乡居民基本医疗保险",
    "391": "城镇居民基本医疗保险",
    "392": "城乡居民大病医疗保险",
    "399": "其他特殊人员医疗保障",
    "410": "长期照护保险",
    "510": "生育保险",
}
"""险种 of the national interface (6.7), as people read them."""

ALWAYS_SENT: Final = "false: the fact is sent only where it applies, so that its absence says nothing"
"""Meaning of the column ``always_sent``, which defaults to true: absent is not false, hence *not checked*.

Some facts are optional in every interface (an internet flag, a former 险种). A rule about them that is brought up by
each order would make every answer of a hospital that never sends them indeterminate; such a row says ``false``.
"""

UNDIVIDED: Final[dict[str, str]] = {
    "眼科": "眼",
    "病理科": "病理",
    "麻醉科": "麻醉",
    "康复医学科": "康复",
    "急诊医学科": "急",
    "预防保健科": "保健",
}
"""Subjects of the national directory (诊疗科目名录) that are one department under one name, with their root.

A sender that writes such a name means that department, unless the rule names one of the same root (急诊科, 康复科).
"""


def department_of(line: Line, view: View) -> str | None:
    """Return who ordered a line, as sent: its own department, else the visit's."""
    return line.department or view.encounter.visit.department


def closes_a_stay(view: View) -> bool:
    """Say whether a stay is being settled: department and physician of the visit are then those it ended with.

    What was ordered before a transfer was ordered by others.
    """
    return view.encounter.visit.type == "inpatient" and not SETTLEMENT.isdisjoint(view.encounter.scenes)


def department_named(text: str | None, names: tuple[str, ...], view: View) -> str | None:
    """Return the department a text means: by dictionary, as one of the rule's own names, or as an undivided subject."""
    if text is None:
        return None
    meaning = view.meaning("department", text)
    if meaning is not None:
        return meaning
    return text if text in names or _foreign(text, names) else None


def by_department(
    lines: tuple[Line, ...], sent: Callable[[Line], str | None], field: str, names: tuple[str, ...], view: View
) -> Iterator[tuple[str, tuple[Line, ...]] | Missing]:
    """Yield departments by the rule's own names with their lines, and what has none or an unmapped one."""
    meant: dict[str | None, tuple[str | None, bool]] = {}

    def named(line: Line) -> tuple[str | None, bool]:
        text = sent(line)
        if text not in meant:
            meant[text] = department_named(text, names, view), bool(text)
        return meant[text]

    for (department, _), group in grouped(lines, named).items():
        yield view.unread(sent(group[0]), field, *group) if department is None else (department, group)


def _foreign(text: str, names: tuple[str, ...]) -> bool:
    root = UNDIVIDED.get(text)
    return root is not None and not any(root in name for name in names)


def another_department(names: tuple[str, ...]) -> str:
    """Return a department that surely is none of these, for specimens."""
    return next(text for text in UNDIVIDED if _foreign(text, names))


def doctor_of(line: Line, view: View) -> str | None:
    """Return the ordering physician, as sent: the line's, else the visit's, unless that is only its last one."""
    return line.doctor or (None if closes_a_stay(view) else view.encounter.visit.doctor)


def grants_of(text: str | None, view: View) -> tuple[str, ...] | None:
    """Return what a physician may do by the ``doctor`` dictionary; ``None`` when nobody has said.

    A text that is itself a list of grants (``insurance|narcotic``) means itself: no physician has such a number.
    """
    if text is None:
        return None
    meaning = view.meaning("doctor", text) or (text if FORMS["doctor"].match(text) else None)
    return tuple(meaning.split("|")) if meaning else None


def grouped(lines: Iterable[Line], key: Callable[[Line], Key]) -> dict[Key, tuple[Line, ...]]:
    """Return lines by what ``key`` says of them, in order of first appearance."""
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return {found: tuple(group) for found, group in groups.items()}


def called_insurance(code: str) -> str:
    """Return what a 险种 is called; a local one keeps its number, since nobody here knows its name."""
    return INSURANCES.get(code, f"险种 {code}")


def or_self_pay(rule: Rule) -> str:
    """Return the way out that only payment rules have (ruling 1)."""
    return ",或经患者同意后自费" if rule.scope == "payment" else ""


SHOWN: Final = 3
"""Names in one sentence; a bill of a whole stay has hundreds."""


def names_of(lines: Iterable[Line], otherwise: str = "所列项目") -> str:
    """Return what lines are called, each name once and the first few only; a code is never shown for a name."""
    return listed(dict.fromkeys(line.name for line in lines if line.name)) or otherwise


def listed(parts: Iterable[str]) -> str:
    """Return the first few of several things, and how many there are: 甲、乙、丙 等 5 项."""
    every = tuple(parts)
    return "、".join(every[:SHOWN]) + (f" 等 {len(every)} 项" if len(every) > SHOWN else "")


def maternity_unknown(view: View) -> Missing:
    """Return what could still make this a maternity visit (ruling 10), for a view whose ``maternity`` is ``None``."""
    visit = view.encounter.visit
    sent = (("visit.insurance", visit.insurance), ("visit.medical_type", visit.medical_type))
    absent = tuple(name for name, value in sent if value is None)
    if absent:
        return Missing(fields=absent)
    # Only a suspected obstetric diagnosis is left: it is no evidence, and its absence is none either.
    return view.unread_diagnoses or Missing(fields=("diagnosis.suspected",))
