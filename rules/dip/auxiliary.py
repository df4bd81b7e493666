"""The auxiliary directory (辅助目录): what sub-types a case has, and the coefficient the scheme prints for each.

In: a case, its grouping, the scheme's lists and rows. Out: one ``Typing`` per sub-type. Only groups of
``auxiliary.classes`` are typed (dip facts 3.1), and only by the parts of the directory that the scheme has. A part
that cannot be judged for lack of a fact is a typing without a sub-type whose note names the fact, and only where a row
of that part is used for the group.
Sources: dip facts 3.1 (coefficient m_j / M, triggers), 3.2 (CCI), 3.5 (age, ICU), 3.6 (secondary diagnoses).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from rules.dip.amounts import usable_days
from rules.dip.codes import AuxiliaryType
from rules.dip.coefficients import hospital_coefficient
from rules.dip.directory import Directory
from rules.dip.model import Auxiliary, AuxiliaryRow, Case, Grouping, Typing
from rules.dip.payment import budget_value
from rules.dip.severity import (
    Scene,
    SeverityIndex,
    Typed,
    code_table,
    disease_severity,
    is_tumour,
    tumour_severity,
)
from rules.model import UNIT

CCI_LEVELS: Final = ("none", "general", "severe", "extremely_severe")
AGE_BANDS: Final = ("0-28d", "29d-1y", "1-6y", "7-17y", "elderly")
INFANT_DAYS: Final = 28
"""Last day of the first age band."""
YEAR: Final = 365
ELDEST: Final = 150
TYPE_WORDS: Final[dict[AuxiliaryType, str]] = {
    "cci": "合并症并发症指数",
    "severity": "疾病严重程度",
    "tumour_severity": "肿瘤严重程度",
    "age": "年龄特征",
    "icu": "重症监护天数",
    "secondary": "次要诊断",
}
SUBTYPE_WORDS: Final[dict[str, str]] = {
    "none": "无",
    "general": "一般",
    "extremely_severe": "极严重",
    "death": "死亡",
    "severe": "严重",
    "moderate": "中度",
    "mild": "轻度",
    "other": "其他",
    "high_cost_1": "高费用1",
    "high_cost_2": "高费用2",
    "metastasis": "转移",
    "0-28d": "0-28天",
    "29d-1y": "29天-1岁",
    "1-6y": "1-6岁",
    "7-17y": "7-17岁",
    "elderly": "老年",
}
"""Names of sub-types in words; any other is its own name."""


class AuxiliaryIndex:
    """Lists and rows of an auxiliary directory, ready to be looked up."""

    __slots__ = ("auxiliary", "cci", "cci_entries", "listed", "notes", "rows", "secondary", "severity", "used")

    def __init__(self, auxiliary: Auxiliary) -> None:
        self.auxiliary = auxiliary
        self.cci_entries = auxiliary.cci
        self.cci = code_table(tuple(entry.code for entry in auxiliary.cci))
        self.severity = SeverityIndex(auxiliary)
        self.rows: dict[tuple[AuxiliaryType, str, str], Decimal] = {}
        self.notes: dict[tuple[AuxiliaryType, str, str], str] = {}
        self.secondary: dict[str, list[AuxiliaryRow]] = {}
        for row in sorted(auxiliary.rows, key=lambda row: row.coefficient, reverse=True):
            self._add(row)
        self.used = frozenset((kind, group) for kind, _, group in self.rows)
        self.listed = self.used.union((kind, group) for kind, _, group in self.notes)

    def _add(self, row: AuxiliaryRow) -> None:
        key = (row.type, row.subtype, row.group)
        short = shortfall(row, self.auxiliary)
        if short:
            self.notes[key] = short
        else:
            self.rows.setdefault(key, row.coefficient)
        if row.type == "secondary":
            self.secondary.setdefault(row.group, []).append(row)

    def has(self, kind: AuxiliaryType, group: str) -> bool:
        """Return whether the directory lists this part for a group, be it that its rows fall short."""
        return (kind, group) in self.listed or (kind, "") in self.listed

    def uses(self, kind: AuxiliaryType, group: str) -> bool:
        """Return whether a row of this part is used for a group: a fact it lacks makes a difference."""
        return (kind, group) in self.used or (kind, "") in self.used

    def typing(self, kind: AuxiliaryType, subtype: str, group: str, note: str = "") -> Typing:
        """Return a sub-type with its coefficient: the row of the group before the row for all groups.

        A row that falls short of the trigger is as if it were not there; where no other holds, the note says so.
        """
        for key in ((kind, subtype, group), (kind, subtype, "")):
            coefficient = self.rows.get(key)
            if coefficient is not None:
                return Typing(type=kind, subtype=subtype, coefficient=coefficient, note=note)
        short = self.notes.get((kind, subtype, group)) or self.notes.get((kind, subtype, ""), "")
        return Typing(type=kind, subtype=subtype, note=",".join(part for part in (note, short) if part))


def _made(directory: Directory) -> AuxiliaryIndex:
    return AuxiliaryIndex(directory.scheme.auxiliary)


def index_of(directory: Directory) -> AuxiliaryIndex:
    """Return the auxiliary index of a directory, made once."""
    return directory.keep(_made)


def shortfall(row: AuxiliaryRow, auxiliary: Auxiliary) -> str:
    """Return in what a row falls short of the trigger, in words; empty when it may be used.

    Cases of the group and of the sub-type last year and the drop of the coefficient of variation must reach the
    scheme's thresholds, half of them for ICU days (dip facts 3.1). A figure that is not stated is not judged.
    """
    parts = 2 if row.type == "icu" else 1
    if row.group_cases is not None and row.group_cases * parts < auxiliary.min_group_cases:
        return f"未达触发条件:病种 {row.group_cases} 例,不足 {_threshold(auxiliary.min_group_cases, parts)} 例"
    if row.subtype_cases is not None and row.subtype_cases * parts < auxiliary.min_subtype_cases:
        return f"未达触发条件:该分型 {row.subtype_cases} 例,不足 {_threshold(auxiliary.min_subtype_cases, parts)} 例"
    if row.variation_drop is not None and row.variation_drop * parts < auxiliary.min_variation_drop:
        return f"未达触发条件:变异系数降幅 {row.variation_drop},不足 {auxiliary.min_variation_drop / parts}"
    return ""


def _threshold(cases: int, parts: int) -> str:
    return f"{Decimal(cases) / parts:f}"


def typings(case: Case, grouping: Grouping, directory: Directory) -> tuple[Typing, ...]:
    """Return the sub-types of a case in the parts of the auxiliary directory that the scheme has (dip facts 3)."""
    auxiliary = directory.scheme.auxiliary
    if grouping.status not in auxiliary.classes:
        return ()
    index = index_of(directory)
    if not (index.listed or auxiliary.cci or auxiliary.severity):
        return ()
    others = _others(case, directory)
    counting = _counting(case, others, directory)
    return (
        *_cci(counting, grouping.group, index),
        *_severity(case, grouping, (others, counting), directory, index),
        *_age(case, grouping.group, index),
        *_icu(case, grouping.group, index),
        *_secondary(counting, grouping.group, index),
    )


def _others(case: Case, directory: Directory) -> tuple[str, ...]:
    principal = directory.normaliser.principal(case.principal)
    return tuple(code for code in directory.normaliser.diagnoses(case.others) if code and code != principal)


def _counting(case: Case, others: tuple[str, ...], directory: Directory) -> tuple[str, ...]:
    """Return the other diagnoses that count as comorbidity: those that arose in hospital do not (dip facts 6.2)."""
    if not case.absent_on_admission or directory.scheme.auxiliary.arisen_in_hospital:
        return others
    arisen = directory.normaliser.diagnoses(case.absent_on_admission)
    return tuple(code for code in others if code not in arisen)


def _unjudged(kind: AuxiliaryType, missing: str) -> Typing:
    return Typing(type=kind, subtype="", note=f"缺{missing},未能分型")


# CCI


def cci(case: Case, directory: Directory) -> int:
    """Return the comorbidity index: weights of the other diagnoses, the highest of each disease class (dip facts 3.2).

    The principal diagnosis does not count, nor does its repetition among the others, nor what arose in hospital
    (dip facts 6.2) unless the scheme says so.
    """
    return _weights(_counting(case, _others(case, directory), directory), index_of(directory))


def cci_level(index: int) -> str:
    """Return the level of an index: none 0, general 1-2, severe 3-4, extremely_severe 5 and more (dip facts 3.2)."""
    return CCI_LEVELS[min((max(index, 0) + 1) // 2, 3)]


def _weights(others: tuple[str, ...], index: AuxiliaryIndex) -> int:
    highest: dict[str, int] = {}
    for code in others:
        for place in index.cci.positions(code):
            entry = index.cci_entries[place]
            highest[entry.disease] = max(entry.weight, highest.get(entry.disease, 0))
    return sum(highest.values())


def _cci(others: tuple[str, ...], group: str, index: AuxiliaryIndex) -> Iterator[Typing]:
    if index.cci_entries:
        total = _weights(others, index)
        yield index.typing("cci", cci_level(total), group, f"指数 {total}")


# Severity


def _severity(
    case: Case,
    grouping: Grouping,
    codes: tuple[tuple[str, ...], tuple[str, ...]],
    directory: Directory,
    index: AuxiliaryIndex,
) -> Iterator[Typing]:
    auxiliary, group = index.auxiliary, grouping.group
    if not auxiliary.severity:
        return
    kind: AuxiliaryType = "tumour_severity" if is_tumour(grouping.principal, auxiliary) else "severity"
    priced = kind == "tumour_severity" and _priced(index, group, "high_cost_1", "high_cost_2")
    scene = Scene(
        case=case,
        auxiliary=auxiliary,
        lists=index.severity,
        principal=grouping.principal,
        others=codes[0],
        counting=codes[1],
        operations=directory.normaliser.operations(case.operations) if kind == "tumour_severity" else (),
        standard=_standard(case, grouping, directory) if priced else None,
        high_cost_priced=priced,
    )
    typed: Typed = tumour_severity(scene) if kind == "tumour_severity" else disease_severity(scene)
    if typed.missing and index.uses(kind, group):
        yield _unjudged(kind, typed.missing)
    deadly = case.died is None and _priced(index, group, "death", "IV-A", "IV-B", "VI-A", "VI-B", kind=kind)
    for subtype in typed.subtypes:
        yield index.typing(kind, subtype, group, "未提供离院方式,按存活判断" if deadly else "")


def _priced(index: AuxiliaryIndex, group: str, *subtypes: str, kind: AuxiliaryType = "tumour_severity") -> bool:
    return any((kind, subtype, code) in index.rows for subtype in subtypes for code in (group, ""))


def _standard(case: Case, grouping: Grouping, directory: Directory) -> Decimal | None:
    """Return what the case is worth at a normal cost before any sub-type, in 1/10,000 yuan (dip facts 3.4)."""
    found = directory.groups.get(grouping.group)
    value = budget_value(case, directory).row
    if found is None or not found.score or value is None:
        return None
    factor = hospital_coefficient(case, grouping, found, directory).factor
    return None if factor is None else found.score * factor.value * value.value * UNIT


# Age and intensive care


def _age(case: Case, group: str, index: AuxiliaryIndex) -> Iterator[Typing]:
    if not index.has("age", group):
        return
    bands = index.auxiliary.age_bands
    band = _scheme_band(case, bands) if bands else _age_band(case, index.auxiliary.elderly_from)
    if band is None and index.uses("age", group):
        yield _unjudged("age", "年龄" if case.age_years is None else "日龄")
    elif band:
        yield index.typing("age", band, group)


def _age_band(case: Case, elderly_from: int) -> str | None:
    """Return the age band of dip facts 3.5, ``""`` between 18 and old age, ``None`` when it cannot be told."""
    days, years = usable_days(case.age_days), case.age_years
    if years is None and days is not None:
        # Between 365 and 366 days a year: where leap days decide, nothing is told.
        found = {_years_band(days // year, days, elderly_from) for year in (YEAR, YEAR + 1)}
        return found.pop() if len(found) == 1 else None
    if years is None or not 0 <= years <= ELDEST or (days is not None and not _agree(years, days)):
        return None
    return _years_band(years, days, elderly_from)


def _agree(years: int, days: int) -> bool:
    return years * YEAR <= days < (years + 1) * (YEAR + 1)


def _years_band(years: int, days: int | None, elderly_from: int) -> str | None:
    if years < 1:
        return None if days is None else AGE_BANDS[0] if days <= INFANT_DAYS else AGE_BANDS[1]
    if years >= elderly_from:
        return AGE_BANDS[4]
    return AGE_BANDS[2] if years <= 6 else AGE_BANDS[3] if years <= 17 else ""


def _scheme_band(case: Case, bands: tuple[tuple[str, int, int | None], ...]) -> str | None:
    """Return the scheme's band; whole years from one on are 365 days each, as the scheme's table counts them."""
    days, years = usable_days(case.age_days), case.age_years
    if years is not None and 1 <= years <= ELDEST:
        if days is not None and not _agree(years, days):
            return None
        first, last = years * YEAR, years * YEAR + YEAR - 1
    elif days is not None and (years is None or (years == 0 and _agree(0, days))):
        first = last = days
    elif years == 0:
        first, last = 0, YEAR - 1
    else:
        return None
    touched = [
        (name, begin <= first and (end is None or last <= end))
        for name, begin, end in bands
        if begin <= last and (end is None or first <= end)
    ]
    if not touched:
        return ""
    return touched[0][0] if touched[0][1] else None


def _icu(case: Case, group: str, index: AuxiliaryIndex) -> Iterator[Typing]:
    if not index.has("icu", group):
        return
    days = usable_days(case.icu_days)
    if days is None:
        if index.uses("icu", group):
            yield _unjudged("icu", "重症监护天数")
        return
    for name, first, last in index.auxiliary.icu_bands:
        if first <= days and (last is None or days <= last):
            yield index.typing("icu", name, group)
            return


# Secondary diagnoses


def _secondary(others: tuple[str, ...], group: str, index: AuxiliaryIndex) -> Iterator[Typing]:
    found: dict[str, Typing] = {}
    for row in (*index.secondary.get(group, ()), *(index.secondary.get("", ()) if group else ())):
        known = found.get(row.subtype)
        if (known is None or known.coefficient is None) and any(_named(code, row.other_diagnoses) for code in others):
            short = shortfall(row, index.auxiliary)
            coefficient = None if short else row.coefficient
            found[row.subtype] = Typing(type="secondary", subtype=row.subtype, coefficient=coefficient, note=short)
    yield from found.values()


def _named(code: str, prefixes: tuple[str, ...]) -> bool:
    return any(code == prefix[1:] if prefix.startswith("=") else code.startswith(prefix) for prefix in prefixes)
