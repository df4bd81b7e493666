"""What an import would do to a pack: added, changed, unchanged, kept as people left it, ended, and no longer listed.

Nothing is dropped because a workbook is silent about it: revisions are often increments. What a person completed, or
marked incomplete, is kept and said. A changed row never changes in place: the old one ends the day before the
effective day and a new one with its own id begins.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from rules.compiler.columns import own_columns
from rules.kinds import KINDS
from service.workbooks.faults import Fault
from service.workbooks.held import HeldIndex, HeldRow, HeldTable, names, patterns
from service.workbooks.layouts import plain
from service.workbooks.rows import IMPORTED, Drafted

_SUFFIX: Final = re.compile(r"-\d{1,2}$")
_WORKBOOKS: Final = frozenset({
    "rule_id", "items", "name", "title", "citation", "basis", "valid_from", "valid_to", "status", "note",
})  # fmt: skip
"""Shared columns that speak for the workbook; the others are the pack author's and outlive a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that says something new about what the pack holds."""

    draft: Drafted
    old: HeldRow
    id: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that a person settled otherwise; it stays."""

    draft: Drafted
    held: HeldRow
    why: str


@dataclass(slots=True)
class Plan:
    """Everything an import would do, and what keeps rows from it."""

    added: list[tuple[str, Drafted]] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    same: list[tuple[Drafted, HeldRow]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    ended: list[tuple[HeldRow, Drafted]] = field(default_factory=list)
    """Rows of the pack that the workbook names as superseded."""
    absent: list[HeldRow] = field(default_factory=list)
    """Live rows of the same classes that the workbooks do not have."""
    unknown: list[tuple[str, Drafted]] = field(default_factory=list)
    """Superseded ids that the pack does not have."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def needs_date(self) -> bool:
        """Some row ends, so the day must be said."""
        return bool(self.changed or self.ended)

    @property
    def writes(self) -> bool:
        """The pack would not stay as it is."""
        return bool(self.added or self.changed or self.ended)


def make_plan(drafts: Sequence[Drafted], tables: Mapping[str, HeldTable], effective: date | None) -> Plan:
    """Compare drafts with what a pack holds."""
    plan = Plan()
    rows = [row for table in tables.values() for row in table.rows]
    own = _unique(drafts, plan)
    pack = _Pack(rows, own)
    new: list[Drafted] = []
    for draft in own:
        old = pack.match(draft)
        if old is None:
            new.append(draft)
        else:
            pack.settle(draft, old, plan)
    pack.supersede(own, plan)
    for draft in new:
        pack.place(draft, plan)
    _check_dates(plan, effective)
    plan.absent = pack.absent(plan, {_class(draft) for draft in own})
    return plan


def _unique(drafts: Sequence[Drafted], plan: Plan) -> list[Drafted]:
    """Return each knowledge point once: several files may hold it if they agree, and none counts if they do not."""
    found: dict[tuple[str, str], list[Drafted]] = {}
    for draft in drafts:
        found.setdefault((draft.rule_class.title, draft.point or draft.key), []).append(draft)
    agreed = []
    for first, *others in found.values():
        place = f"{first.spots[0].file} 第{first.spots[0].row}行"
        doubts = [
            Fault(other.spots[0], f"“{other.cells['name']}”与 {place} 是同一知识点,内容却不同", "请核对后只保留一种")
            for other in others
            if other.cells != first.cells
        ]
        plan.faults.extend(doubts)
        agreed.extend([] if doubts else [first])
    return agreed


def _check_dates(plan: Plan, effective: date | None) -> None:
    """Leave out what would end a row before it began."""
    day = effective.isoformat() if effective else "9999"
    late = [one for one in plan.changed if one.old.cells.get("valid_from", "") >= day]
    plan.changed = [one for one in plan.changed if one not in late]
    unended = [(old, draft) for old, draft in plan.ended if old.cells.get("valid_from", "") >= day]
    plan.ended = [one for one in plan.ended if one not in unended]
    waiting = [draft for _, draft in unended]  # what would replace a row cannot begin while that row holds
    plan.added = [(name, draft) for name, draft in plan.added if draft not in waiting]
    for old, draft in [*((one.old, one.draft) for one in late), *unended]:
        message = f"生效日 {effective} 不晚于包内 {old.id} 的起始日 {old.cells['valid_from']}"
        plan.faults.append(Fault(draft.spots[0], message, "请核对 --effective;要更正上次导入,请先 --rollback"))


class _Pack:
    """A pack's rows, found by id and by what they are about."""

    def __init__(self, rows: Iterable[HeldRow], drafts: Iterable[Drafted]) -> None:
        self.rows = list(rows)
        self.ids = {row.id for row in self.rows}
        self.live = {row.id: row for row in self.rows if row.live}
        self.points = {draft.point for draft in drafts if draft.point}
        self.keys: dict[tuple[str, str], list[HeldRow]] = {}
        for row in self.rows:
            if row.key is not None:
                self.keys.setdefault((row.title, row.key), []).append(row)
        self.said: dict[tuple[str, str], dict[str, str]] = {}
        """What the workbooks say of a code of a class."""
        for draft in drafts:
            own = _own(draft.cells, draft.rule_class.kind)
            self.said |= {(draft.rule_class.title, code): own for code in draft.codes}
        self.codes: dict[str, list[str]] = {}
        for title, code in sorted(self.said):
            self.codes.setdefault(title, []).append(code)
        self.index = HeldIndex(self.rows)
        self.matched: set[str] = set()

    def match(self, draft: Drafted) -> HeldRow | None:
        """Return the row that is the same knowledge point: a live one by id or content, else one that has ended."""
        known = [row for row in self.keys.get((draft.rule_class.title, draft.key), []) if row.id not in self.matched]
        found = self._by_id(draft.point) if draft.point else None
        live = [row for row in known if row.live and not (draft.point and row.id in self.points - {draft.point})]
        found = found or next(iter(live), None)
        found = found or self._renamed(draft)
        found = found or next((row for row in known if self._same(draft, row)), None)
        if found is not None:
            self.matched.add(found.id)
        return found

    def _renamed(self, draft: Drafted) -> HeldRow | None:
        """Return the live row of another name that has the draft's id and no items beyond the draft's."""
        row = self.live.get(draft.own_id)
        if row is None or draft.point or row.id in self.matched or (row.kind, row.title) != _class(draft):
            return None
        return row if self._within(row, draft) else None

    def _by_id(self, point: str) -> HeldRow | None:
        """Return the live row of a knowledge point, by its id or its id with a suffix; else the one that ended."""
        rows = [row for row in self.rows if row.id == point]
        rows += [
            row
            for row in self.rows
            if _SUFFIX.sub("", row.id) == point and row.id != point and row.id not in self.points
        ]
        return next((row for row in rows if row.live), rows[0] if rows else None)

    def settle(self, draft: Drafted, old: HeldRow, plan: Plan) -> None:
        """Sort a draft whose row the pack holds."""
        incomplete = draft.cells["status"] == "incomplete"
        waiting = old.cells.get("status") == "incomplete"
        if not old.live:
            if self._same(draft, old) or incomplete:
                plan.kept.append(Kept(draft, old, f"包内该条已于 {old.cells['valid_to']} 终止"))
            else:
                plan.added.append((self._new_id(draft.id), draft))
        elif old.id not in draft.supersedes and self._same(draft, old):
            plan.same.append((draft, old))
        elif incomplete and not waiting:
            plan.kept.append(Kept(draft, old, f"包内已补全;{draft.cells['note'].removeprefix(IMPORTED)}"))
        elif waiting and not old.cells.get("note", "").startswith(IMPORTED):
            plan.kept.append(Kept(draft, old, f"包内标为不完整: {old.cells.get('note', '')}"))
        else:
            base = draft.point if draft.point and draft.point not in self.ids else self._base(old.id)
            plan.changed.append(Change(draft, old, self._new_id(base), self._differing(draft, old)))

    def supersede(self, drafts: Iterable[Drafted], plan: Plan) -> None:
        """End the rows that drafts name as superseded."""
        ended = {change.old.id for change in plan.changed}
        for draft in drafts:
            for point in draft.supersedes:
                old = self._by_id(point)
                if old is None:
                    plan.unknown.append((point, draft))
                elif old.live and old.id not in ended:
                    ended.add(old.id)
                    plan.ended.append((old, draft))
        replaced = {old.id for old, _ in plan.ended}
        plan.same = [(draft, old) for draft, old in plan.same if old.id not in replaced]
        self.live = {name: row for name, row in self.live.items() if name not in ended}

    def place(self, draft: Drafted, plan: Plan) -> None:
        """Add a draft, or what of it the rows that stay do not say yet; a contradiction is a fault."""
        found = {row.id: row for code in draft.codes for row in self.index.naming(*_class(draft), code)}
        near = [row for row in found.values() if row.id in self.live and row.cells.get("status") != "incomplete"]
        if draft.cells["status"] == "incomplete" or draft.rule_class.per in {"pair", "group", "class"} or not near:
            plan.added.append((self._new_id(draft.id), draft))
            return
        own = _own(draft.cells, draft.rule_class.kind)
        other = next((row for row in near if _own(row.cells, row.kind) != own), None)
        left = [code for code in draft.codes if not any(names(row.items, code) for row in near)]
        if other is not None:
            code = next(code for code in draft.codes if names(other.items, code))
            message = f"“{draft.cells['name']}”的编码 {code} 已由包内规则 {other.id}({other.name})作了不同的限定"
            plan.faults.append(Fault(draft.spots[0], message, "请先在规则包里终止或改写那一条"))
        elif left:
            kept = [item for item in patterns(draft.cells["items"]) if any(names([item], code) for code in left)]
            plan.added.append((self._new_id(draft.id), replace(draft, cells={**draft.cells, "items": "|".join(kept)})))
        else:
            plan.same.append((draft, near[0]))

    def absent(self, plan: Plan, classes: Collection[tuple[str, str]]) -> list[HeldRow]:
        """Return the live rows of these classes that the workbooks neither name nor say in other rows."""
        spoken = {row.id for row in self.spoken_of(plan)}
        rest = [row for row in self.rows if row.live and (row.kind, row.title) in classes and row.id not in spoken]
        return [row for row in rest if not self._said_elsewhere(row)]

    def _said_elsewhere(self, row: HeldRow) -> bool:
        own, exact = _own(row.cells, row.kind), [item for item in row.items if item[-1] not in "*?"]
        found = {code for item in row.items if item.endswith("*") for code in self._said_in(row.title, item[:-1])}
        return any(self.said.get((row.title, code)) == own for code in found.union(exact))

    def spoken_of(self, plan: Plan) -> Iterable[HeldRow]:
        """Yield every row of the pack that the workbooks account for."""
        yield from (row for _, row in plan.same)
        yield from (kept.held for kept in plan.kept)
        yield from (change.old for change in plan.changed)
        yield from (row for row, _ in plan.ended)

    def _same(self, draft: Drafted, old: HeldRow) -> bool:
        return (old.kind, old.title) == _class(draft) and not self._differing(draft, old)

    def _differing(self, draft: Drafted, old: HeldRow) -> tuple[str, ...]:
        """Return the columns in which a draft says something else than a row."""
        renamed = draft.rule_class.per == "name" and plain(draft.cells["name"]) != plain(old.name)
        columns = ["name"] if renamed else []
        if draft.cells["status"] != old.cells.get("status", "active"):
            columns.append("status")
        if not self._same_items(draft, old):
            columns.append("items")
        new, held = _own(draft.cells, old.kind), _own(old.cells, old.kind)
        columns += sorted(column for column in {*new, *held} if _differs(new.get(column, ""), held.get(column, "")))
        return tuple(columns)

    def _within(self, old: HeldRow, draft: Drafted) -> bool:
        """Say whether each code and family of a row is one of the draft's."""
        exact = {item for item in old.items if item[-1] not in "*?"}
        families = [item for item in old.items if item.endswith("*")]
        return exact <= set(draft.codes) and all(any(names([item], code) for code in draft.codes) for item in families)

    def _same_items(self, draft: Drafted, old: HeldRow) -> bool:
        """Families and codes are the same when they name the same codes of these workbooks."""
        if not self._within(old, draft) or not all(self._limits(code, old, draft) for code in draft.codes):
            return False
        own = _own(draft.cells, old.kind)
        beside = {code for item in old.items if item.endswith("*") for code in self._said_in(old.title, item[:-1])}
        return all(self.said[old.title, code] == own for code in beside.difference(draft.codes))

    def _said_in(self, title: str, family: str) -> list[str]:
        """Return the codes of a family that the workbooks list in a class."""
        codes = self.codes[title]
        return codes[bisect_left(codes, family) : bisect_left(codes, f"{family}\uffff")]

    def _limits(self, code: str, old: HeldRow, draft: Drafted) -> bool:
        """Say whether a row, or another live one of its class with the draft's own limit, names a code."""
        if names(old.items, code):
            return True
        own = _own(draft.cells, old.kind)
        others = self.index.naming(*_class(draft), code)
        return any(row.live and _own(row.cells, row.kind) == own for row in others)

    def _base(self, name: str) -> str:
        short = _SUFFIX.sub("", name)
        return short if short in self.ids else name

    def _new_id(self, base: str) -> str:
        name, number = base, 1
        while name in self.ids:
            number += 1
            name = f"{base}-{number}"
        self.ids.add(name)
        return name


def _differs(new: str, held: str) -> bool:
    """A parameter is left to the hospital: a value that its author wrote in its place is no difference."""
    return plain(new) != plain(held) and not (new.startswith("$") and held)


def _class(draft: Drafted) -> tuple[str, str]:
    return draft.rule_class.kind, draft.rule_class.title


def _own(cells: Mapping[str, str], kind: str) -> dict[str, str]:
    """Return the cells of a kind's own columns, without those that say what an empty cell says."""
    fields = KINDS[kind].row.model_fields
    own = {column.name: cells.get(column.name, "") for column in own_columns(kind)}
    return {column: cell for column, cell in own.items() if cell and cell != _default(fields[column].default)}


def _default(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str) else ""


def new_cells(
    name: str, draft: Drafted, citation: str, effective: date | None, old: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the cells of a new row; one that replaces another inherits what the pack's author set there."""
    own = {column.name for column in own_columns(draft.rule_class.kind)}
    inherited = {column: cell for column, cell in (old or {}).items() if column not in _WORKBOOKS | own}
    cells = {**draft.cells, **inherited, "rule_id": name, "citation": citation}
    return cells | ({"valid_from": effective.isoformat()} if effective else {})
