"""Severity of disease (疾病严重程度分型) and of tumours (肿瘤严重程度分型).

In: a case with its codes in normal form. Out: the sub-types it has, or the fact without which none can be told.
Sources: dip facts 3.3 and 3.4. ``national`` follows the 3.0 order, ``city`` the I-A … VI-B of 1.0 and city lists.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from rules.dip.amounts import usable_cost, usable_days, usable_money
from rules.dip.model import Auxiliary, Case, SeverityEntry

SUBTYPES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("severity", "national"): ("death", "severe", "moderate", "mild"),
    ("severity", "city"): ("I-A", "I-B", "II", "III", "IV-A", "IV-B"),
    ("tumour_severity", "national"): (
        "death",
        "high_cost_1",
        "high_cost_2",
        "metastasis",
        "severe",
        "moderate",
        "other",
    ),
    ("tumour_severity", "city"): ("I-A", "I-B", "II", "III", "IV", "V-A", "V-B", "VI-A", "VI-B"),
}
"""Names of sub-types, as rows of ``auxiliary.csv`` write them, by type and style."""
STAY: Final = "住院天数"
WHOLE_CODE: Final = 7
"""Characters of a code of the table (``A00.000``); a shorter one stands for its family."""


class CodeTable(NamedTuple):
    """Codes of a list and what they mean: whole codes, and families by their length."""

    whole: dict[str, tuple[int, ...]]
    families: dict[str, tuple[int, ...]]
    lengths: tuple[int, ...]

    def positions(self, code: str) -> tuple[int, ...]:
        """Return the places in the list of the entries a code belongs to.

        A dagger pair belongs to its own entry or, where the list has none, to that of its first part.
        """
        found = self.whole.get(code, ())
        first = code.partition("+")[0]
        if not found and first != code:
            found = self.whole.get(first, ())
        for length in self.lengths:
            found += self.families.get(first[:length], ())
        return found


def code_table(codes: tuple[str, ...]) -> CodeTable:
    """Index a list: ``=`` before a code or seven characters and more mean the whole code, else the family."""
    whole: dict[str, tuple[int, ...]] = {}
    families: dict[str, tuple[int, ...]] = {}
    for place, code in enumerate(codes):
        name = code.removeprefix("=")
        kept = whole if name != code or len(name) >= WHOLE_CODE else families
        kept[name] = (*kept.get(name, ()), place)
    return CodeTable(whole, families, tuple(sorted({len(code) for code in families})))


class SeverityIndex:
    """Severity lists of a scheme and their exclusion tables (CC exclusions by principal diagnosis)."""

    __slots__ = ("codes", "entries", "excluded", "tables")

    def __init__(self, auxiliary: Auxiliary) -> None:
        self.entries = auxiliary.severity
        self.codes = code_table(tuple(entry.code for entry in self.entries))
        self.tables = tuple(row.table for row in auxiliary.severity_exclusions)
        self.excluded = code_table(tuple(row.code for row in auxiliary.severity_exclusions))

    def worst(self, principal: str, others: tuple[str, ...]) -> SeverityEntry | None:
        """Return the entry of the most severe other diagnosis that is not part of the principal disease."""
        own = {self.tables[place] for place in self.excluded.positions(principal)}
        best: SeverityEntry | None = None
        for code in others:
            for place in self.codes.positions(code):
                entry = self.entries[place]
                if entry.table and entry.table in own:
                    continue
                if entry.severity == "severe":
                    return entry
                best = best or entry
        return best


class Typed(NamedTuple):
    """Sub-types of a case, or the facts without which they cannot be told, in words."""

    subtypes: tuple[str, ...]
    missing: str = ""


class Scene(NamedTuple):
    """A case as severity sees it: codes in normal form, and the scheme's parameters."""

    case: Case
    auxiliary: Auxiliary
    lists: SeverityIndex
    principal: str
    others: tuple[str, ...]
    counting: tuple[str, ...]
    """Those of ``others`` that count as complications: not what arose in hospital (dip facts 6.2)."""
    operations: tuple[str, ...]
    standard: Decimal | None
    """Score x hospital coefficient x point value, in 1/10,000 yuan (dip facts 3.4: not the group's mean)."""
    high_cost_priced: bool
    """The scheme has a row for high cost of this group."""

    @property
    def long_stay(self) -> bool | None:
        """A stay over ``long_stay_over`` days; whether that many days count is the scheme's choice."""
        days = usable_days(self.case.days)
        if days is None:
            return None
        over = self.auxiliary.long_stay_over
        return days >= over if self.auxiliary.long_stay_inclusive else days > over

    @property
    def worst(self) -> SeverityEntry | None:
        """The most severe other diagnosis that counts."""
        return self.lists.worst(self.principal, self.counting)


def disease_severity(scene: Scene) -> Typed:
    """Return the severity of a non-tumour case (dip facts 3.3)."""
    return _city(scene) if scene.auxiliary.severity_style == "city" else _national(scene)


def tumour_severity(scene: Scene) -> Typed:
    """Return the severity of a tumour case (dip facts 3.4)."""
    return _city_tumour(scene) if scene.auxiliary.severity_style == "city" else _national_tumour(scene)


def is_tumour(principal: str, auxiliary: Auxiliary) -> bool:
    """Return whether a principal diagnosis is typed by tumour severity."""
    return bool(principal) and principal.startswith(auxiliary.tumour)


def _by_stay(scene: Scene, short: str, long: str) -> Typed:
    over = scene.long_stay
    return Typed((), STAY) if over is None else Typed((long if over else short,))


def _national(scene: Scene, least: str = "mild") -> Typed:
    if scene.case.died:
        return Typed(("death",))
    worst = scene.worst
    return Typed((least,)) if worst is None else _by_stay(scene, least, worst.severity)


def _city(scene: Scene, death: str = "IV") -> Typed:
    if scene.case.died:
        return _by_stay(scene, f"{death}-A", f"{death}-B")
    worst = scene.worst
    if worst is None:
        return _by_stay(scene, "I-A", "I-B")
    return _by_stay(scene, "I-A", "III" if worst.severity == "severe" else "II")


def _national_tumour(scene: Scene) -> Typed:
    if scene.case.died:
        return Typed(("death",))
    high = _high_cost(scene) if scene.high_cost_priced else Typed(())
    if high.subtypes or high.missing:
        return high
    if _spread(scene):
        over = scene.long_stay
        if over is None:
            return Typed((), STAY)
        if over:
            return Typed(("metastasis",))
    return _national(scene, "other")


def _city_tumour(scene: Scene) -> Typed:
    if scene.case.died:
        return _by_stay(scene, "VI-A", "VI-B")
    given = (("V-A", scene.auxiliary.radiotherapy), ("V-B", scene.auxiliary.chemotherapy))
    therapies = tuple(name for name, codes in given if any(code.startswith(codes) for code in scene.operations))
    if therapies:
        return Typed(therapies)
    if any(code.startswith(scene.auxiliary.metastasis) for code in scene.others):
        return Typed(("IV",))
    return _city(scene)


def _high_cost(scene: Scene) -> Typed:
    cost = usable_cost(scene.case.cost)
    if cost is None or scene.standard is None:
        return Typed((), "总费用" if cost is None else "支付标准")
    rules = scene.auxiliary
    if cost < rules.high_cost_multiple * scene.standard:
        return Typed(())
    shares = ("high_cost_1", scene.case.treatment_cost, "治疗费"), ("high_cost_2", scene.case.drug_cost, "药品费")
    for name, amount, words in shares:
        part = usable_money(amount)
        if part is None:
            return Typed((), words)
        if part >= rules.high_cost_share * cost:
            return Typed((name,))
    return Typed(())


def _spread(scene: Scene) -> bool:
    """A metastasis or a second malignant category among the other diagnoses."""
    if any(code.startswith(scene.auxiliary.metastasis) for code in scene.others):
        return True
    return len({code[:3] for code in (scene.principal, *scene.others) if code.startswith("C")}) > 1
