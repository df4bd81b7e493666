"""The hospital coefficient of a case (机构系数), from where it came, and the additions a hospital has earned.

In: a case, its group, the scheme's rows. Out: a factor with its source in words, or why there is none.
Source: dip facts 4.3 (a) by hospital, (b) base by level plus additions, (c) per group and level.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from rules.dip.amounts import usable_number
from rules.dip.codes import STATUS_WORDS, GroupClass
from rules.dip.directory import Directory
from rules.dip.model import Case, Coefficient, CoefficientAddOn, Factor, Group, Grouping, PointsNote
from rules.dip.selecting import Choice, Ranked, choose, ranked

ONE: Final = Decimal(1)
OWN_RANK: Final = (2, 0, 1, 0, 0, 0, 0)
"""A coefficient printed with the group for a level counts as a row that names group and level; it comes after those."""
NONE_PRINTED: Final = (None, None, None)
LEVEL_WORDS: Final = {1: "一级", 2: "二级", 3: "三级"}
NOTHING_NAMED: Final = "通用"


class Found(NamedTuple):
    """A coefficient, or the reasons there is none."""

    factor: Factor | None
    notes: tuple[PointsNote, ...] = ()


def hospital_coefficient(
    case: Case,
    grouping: Grouping,
    group: Group,
    directory: Directory,
    indicators: Mapping[str, Decimal] | None = None,
) -> Found:
    """Return the coefficient of the case's hospital for its group on the discharge day.

    A primary-care group has its basic factor at every hospital (dip facts 4.2). Else the row of the scheme that names
    most of hospital, group, diagnoses, class, insurance and level holds; what the catalogue prints with the group for
    the level counts as a row that names group and level. A group with coefficients for other levels only has none here
    unless a row names the group.
    """
    rules = directory.scheme.points
    if group.kind == "primary_care":
        value = group.basic_factor if group.basic_factor is not None else ONE
        return Found(_factor(value, "基层病种各级医疗机构同分,基本系数"))
    if group.kind in rules.no_coefficient:
        return Found(_factor(ONE, f"{STATUS_WORDS[group.kind]}不乘机构系数"))
    level = level_of(case)
    table = directory.keep(CoefficientTable)
    own = None if level is None else group.coefficients[level - 1]
    code = group.code if own is not None or group.code in table.groups else ""
    principal = grouping.principal if table.by_diagnosis else ""
    choice, held = table.of(
        Asked(case.hospital, level, case.insurance, code, principal, group.kind, case.discharged, own)
    )
    row = choice.row
    if held is not None and row is not None:
        if choice.rank == OWN_RANK:
            return held
        if row.group or own is not None or group.coefficients == NONE_PRINTED:
            plain = not table.add_ons and (case.hospital or not table.hospitals)
            return held if plain else _with_additions(held, case, table, indicators)
    return _absent(group, level, choice.missing, rules.coefficient_required)


def level_of(case: Case) -> int | None:
    """Return the hospital's level 1, 2 or 3."""
    return case.hospital_level if case.hospital_level in LEVEL_WORDS else None


class Asked(NamedTuple):
    """What a row of the coefficient table can name of a case."""

    hospital: str
    level: int | None
    insurance: str | None
    group: str
    principal: str
    kind: GroupClass
    day: date | None
    own: Decimal | None = None
    """What the catalogue prints with the group for the hospital's level."""


class CoefficientTable:
    """The scheme's rows by the hospital and the group they name; what most cases ask is remembered."""

    __slots__ = ("add_ons", "by_diagnosis", "groups", "hospitals", "of", "rows")

    def __init__(self, directory: Directory) -> None:
        rules = directory.scheme.points
        buckets: dict[tuple[str, str], list[Coefficient]] = {}
        for row in rules.coefficients:
            buckets.setdefault((row.hospital, row.group), []).append(row)
        self.rows: dict[tuple[str, str], tuple[Ranked[Coefficient], ...]] = {
            key: ranked(rows, _names) for key, rows in buckets.items()
        }
        self.hospitals = any(row.hospital for row in rules.coefficients)
        self.groups = frozenset(row.group for row in rules.coefficients if row.group)
        self.by_diagnosis = any(row.diagnoses for row in rules.coefficients)
        self.add_ons = rules.add_ons_to_coefficient
        self.of: Callable[[Asked], tuple[Choice[Coefficient], Found | None]] = lru_cache(maxsize=8_192)(self._of)
        """The row that holds, and the coefficient it gives before any addition."""

    def _of(self, asked: Asked) -> tuple[Choice[Coefficient], Found | None]:
        keys = dict.fromkeys(((asked.hospital, asked.group), (asked.hospital, ""), ("", asked.group), ("", "")))
        rows = sorted((pair for key in keys for pair in self.rows.get(key, ())), key=_rank, reverse=True)
        if asked.own is not None:
            own = Coefficient(coefficient=asked.own, level=asked.level, group=asked.group)
            rows = [*(pair for pair in rows if pair[0] > OWN_RANK), (OWN_RANK, own)]
        choice = choose(rows, lambda row: _fits(row, asked), _says, asked.day)
        if choice.row is None:
            return choice, None
        if choice.rank == OWN_RANK:
            source = f"病种目录 {asked.group} {LEVEL_WORDS[asked.level or 0]}系数"
        else:
            source = f"系数表:{_described(choice.row)}{',有同等条件的行,取在前者' if choice.rivals else ''}"
        return choice, Found(_factor(choice.row.coefficient, source))


def _names(row: Coefficient) -> tuple[object, ...]:
    return (row.hospital, row.group, row.diagnoses, row.kind, row.insurance, row.level)


def _rank(pair: Ranked[Coefficient]) -> tuple[int, ...]:
    return pair[0]


def _says(row: Coefficient) -> Decimal:
    return row.coefficient


def _fits(row: Coefficient, asked: Asked) -> str | None:
    if row.kind is not None and row.kind != asked.kind:
        return None
    if row.diagnoses and not asked.principal.startswith(row.diagnoses):
        return None
    if row.insurance and asked.insurance is not None and asked.insurance != row.insurance:
        return None
    if row.level is not None and asked.level is not None and asked.level != row.level:
        return None
    missing = ["险种"] if row.insurance and asked.insurance is None else []
    return "、".join([*missing, "医院级别"] if row.level is not None and asked.level is None else missing)


def _with_additions(
    held: Found, case: Case, table: CoefficientTable, indicators: Mapping[str, Decimal] | None
) -> Found:
    notes = []
    value, source = (held.factor.value, held.factor.source) if held.factor else (ONE, "")
    if table.hospitals and not case.hospital:
        notes.append(PointsNote(reason="fact_missing", detail="未提供医疗机构编码,没有查机构专属系数"))
    for add_on in table.add_ons:
        if add_on.level is not None and add_on.level != level_of(case):
            continue
        figure = usable_number(indicators.get(add_on.indicator)) if indicators else None
        if figure is None:
            notes.append(PointsNote(reason="fact_missing", detail=f"未提供机构指标 {add_on.indicator},未计其加成"))
            continue
        added = addition(add_on, figure)
        value += added
        if added:
            source += f",{add_on.indicator} 加成 {added.normalize():f}"
    return Found(_factor(value, source), tuple(notes))


def addition(add_on: CoefficientAddOn, figure: Decimal) -> Decimal:
    """Return what an indicator adds: ``per_step`` for each whole step above ``start``, at most ``cap``.

    Source: dip facts 4.3 (b): +0.01 per +5 % CMI, cap 0.13, and the like.
    """
    if figure <= add_on.start or add_on.step <= 0:
        return Decimal(0)
    added = (figure - add_on.start) // add_on.step * add_on.per_step
    return added if add_on.cap is None else min(added, add_on.cap)


def _described(row: Coefficient) -> str:
    named = [
        row.hospital and f"机构 {row.hospital}",
        row.group and f"病种 {row.group}",
        row.diagnoses and f"主要诊断 {'、'.join(row.diagnoses)}",
        row.kind and STATUS_WORDS[row.kind],
        row.insurance and f"险种 {row.insurance}",
        row.level is not None and LEVEL_WORDS.get(row.level, f"{row.level} 级"),
    ]
    words = ",".join(str(name) for name in named if name) or NOTHING_NAMED
    return f"{words},{row.source}" if row.source else words


def _absent(group: Group, level: int | None, missing: str, required: bool) -> Found:
    if level is None and (not missing or "医院级别" in missing):
        note = PointsNote(reason="level_absent", detail="缺医院级别,机构系数不能确定")
    elif missing:
        note = PointsNote(reason="coefficient_absent", detail=f"缺{missing},机构系数不能确定")
    elif level is not None and group.coefficients != NONE_PRINTED:
        note = PointsNote(reason="coefficient_absent", detail=f"病种 {group.code} 在{LEVEL_WORDS[level]}医院没有系数")
    else:
        note = PointsNote(reason="coefficient_absent", detail="方案中没有适用的机构系数")
    return Found(None if required else _factor(ONE, f"{note.detail},按 1 计"), (note,))


def _factor(value: Decimal, source: str) -> Factor:
    return Factor(name="hospital_coefficient", value=value, source=source)
