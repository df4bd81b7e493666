"""Physician qualification (医师资质): an item for physicians of a rank or with a grant, or not for some physicians.

Antibiotic grades (抗菌药物分级): 限制使用级 from 主治医师 or with the grant, 特殊使用级 from 副主任医师 or with the
grant. K44: ``forbid_grant`` ``non_insurance`` on every item. In a rescue (抢救) a finding is at most a prompt: it is
never interrupted (ruling 21), and the physician completes the formalities afterwards.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field

from rules.kinds._contract import Row, RuleKind, shared, split_cell
from rules.kinds._edits import positions, with_first_line
from rules.kinds._reading import ALWAYS_SENT, doctor_of, grants_of, grouped, or_self_pay
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.words import TITLES

Title = Literal["resident", "attending", "associate_chief", "chief"]
Grant = Literal["insurance", "antibiotic_restricted", "antibiotic_special", "narcotic"]
Barred = Literal["non_insurance"]
RANKS: Final[dict[str, str]] = {
    "none": "无医师职称",
    "nurse": "护士",
    "pharmacist": "药师",
    "resident": "住院医师",
    "attending": "主治医师",
    "associate_chief": "副主任医师",
    "chief": "主任医师",
}
GRANTED: Final[dict[Grant, str]] = {
    "insurance": "医保医师资格",
    "antibiotic_restricted": "限制使用级抗菌药物处方权",
    "antibiotic_special": "特殊使用级抗菌药物处方权",
    "narcotic": "麻醉药品处方权",
}
BARRED: Final[dict[Barred, tuple[str, str]]] = {"non_insurance": ("非医保医师", "医保医师")}
"""Who may not order, and who may instead."""


class DoctorRow(Row):
    """One line of ``doctor_qualification.csv``."""

    min_title: Title | None = Field(default=None, description="lowest rank that needs no grant")
    grant: Annotated[tuple[Grant, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="grants any of which suffices whatever the rank"
    )
    forbid_grant: Barred | None = Field(default=None, description="physicians who may not order it")
    always_sent: bool = Field(default=True, description=ALWAYS_SENT)


class DoctorQualification(Rule, frozen=True, kw_only=True):
    """Run form: who may order, or who may not."""

    min_title: Title | None
    grant: tuple[Grant, ...]
    forbid_grant: Barred | None
    always_sent: bool


class Case(msgspec.Struct, frozen=True):
    """Rank and grants of one physician, as far as they are known, whether it is a rescue, and the lines."""

    title: str | None
    grants: tuple[str, ...] | None
    rescue: bool
    lines: tuple[int, ...]


def compile_row(row: DoctorRow) -> DoctorQualification:
    """Return the run form. Raises ``ValueError`` unless it says either who may or who may not."""
    if bool(row.min_title or row.grant) == bool(row.forbid_grant):
        raise ValueError("fill min_title, grant or both, or else forbid_grant alone")
    return DoctorQualification(
        **shared(row),
        min_title=row.min_title,
        grant=row.grant,
        forbid_grant=row.forbid_grant,
        always_sent=row.always_sent,
    )


def read(rule: DoctorQualification, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per physician; what cannot change the answer need not be known."""
    doubts: dict[Missing, tuple[int, ...]] = {}
    for (rank, doctor), group in _by_physician(rule, lines, view):
        case = Case(
            title=view.meaning("title", rank),
            grants=grants_of(doctor, view),
            rescue=view.encounter.visit.rescue is True,
            lines=positions(group),
        )
        doubt = _doubt(rule, case, rank, doctor)
        if doubt is None:
            yield case
        else:
            doubts[doubt] = (*doubts.get(doubt, ()), *case.lines)
    if rule.always_sent:
        yield from (msgspec.structs.replace(doubt, lines=lines) for doubt, lines in doubts.items())


def _by_physician(
    rule: DoctorQualification, lines: tuple[Line, ...], view: View
) -> Iterable[tuple[tuple[str | None, str | None], tuple[Line, ...]]]:
    """Return lines by rank and physician as sent; whom the fund does not know may order what it never pays."""
    if rule.forbid_grant is None:
        return grouped(lines, lambda line: (line.doctor_title, doctor_of(line, view))).items()
    payable = (line for line in lines if line.fee_class != "丙")
    return grouped(payable, lambda line: (None, doctor_of(line, view))).items()


def _suffices(rule: DoctorQualification, case: Case) -> bool:
    """Say whether rank or grants alone allow the item."""
    least, title = rule.min_title, case.title
    if least is not None and title is not None and TITLES.index(title) >= TITLES.index(least):
        return True
    return any(grant in rule.grant for grant in case.grants or ())


def _doubt(rule: DoctorQualification, case: Case, rank: str | None, doctor: str | None) -> Missing | None:
    """Return what could still allow or forbid the item: of rank and physician as sent, what has no meaning."""
    if _suffices(rule, case):
        return None
    needed = (
        ("line.doctor_title", rank, case.title, bool(rule.min_title)),
        ("line.doctor", doctor, case.grants, not rule.min_title or bool(rule.grant)),
    )
    unread = [(field, text) for field, text, known, matters in needed if matters and known is None]
    if not unread:
        return None
    absent = any(text is None for _, text in unread)
    return Missing(fields=tuple(field for field, _ in unread), reason="missing" if absent else "unmapped")


def check(rule: DoctorQualification, case: Case) -> Draft | None:
    """Fire for a physician who may not, or who has neither the rank nor a grant."""
    if rule.forbid_grant is not None:
        if rule.forbid_grant not in (case.grants or ()):
            return None
        barred, allowed = BARRED[rule.forbid_grant]
        return _draft(rule, case, limit=f"不得由{barred}开具", present=barred, allowed=allowed)
    if _suffices(rule, case):
        return None
    allowed = _allowed(rule)
    return _draft(rule, case, limit=f"限{allowed}开具", present=_present(rule, case), allowed=allowed)


def _allowed(rule: DoctorQualification) -> str:
    """Return who may order: 主治医师及以上或有限制使用级抗菌药物处方权的医师."""
    ways = []
    if rule.min_title is not None:
        ways.append(RANKS[rule.min_title] + ("" if rule.min_title == "chief" else "及以上"))
    if rule.grant:
        ways.append(f"有{'或'.join(GRANTED[grant] for grant in rule.grant)}的医师")
    return "或".join(ways)


def _present(rule: DoctorQualification, case: Case) -> str:
    """Return who ordered: 住院医师、无麻醉药品处方权, or without a rank 无麻醉药品处方权的医师."""
    lacks = f"无{'、'.join(GRANTED[grant] for grant in rule.grant)}" if rule.grant else ""
    if case.title is None:
        return f"{lacks}的医师"
    return RANKS[case.title] + (f"、{lacks}" if lacks else "")


def _draft(rule: DoctorQualification, case: Case, *, limit: str, present: str, allowed: str) -> Draft:
    rescue = ";抢救可先使用,事后按规定补办手续" if case.rescue else ""
    # The patient does not pay for a physician without a contract: that would be 转嫁费用.
    otherwise = or_self_pay(rule) if rule.forbid_grant is None else ""
    return Draft(
        code="DOCTOR_NOT_QUALIFIED",
        message=f"【{rule.name}】{limit},本次开单医师为{present};请由{allowed}开具{otherwise}{rescue}。",
        lines=case.lines,
        limit=limit,
        present=present,
        allowed=allowed,
        facts=(("line.doctor_title", case.title or ""), ("line.doctor", "|".join(case.grants or ()))),
        cap="info" if case.rescue else "block",
    )


def witness(rule: DoctorQualification, encounter: Encounter) -> Encounter:
    """A physician without rank, and without any grant that would do."""
    barred = rule.forbid_grant is not None or "insurance" in rule.grant
    return with_first_line(encounter, doctor_title="none", doctor="non_insurance" if barred else "insurance")


def near_miss(rule: DoctorQualification, encounter: Encounter) -> Encounter:
    """Just the rank, or without one just the first grant."""
    grant = rule.grant[0] if rule.grant and rule.min_title is None else "insurance"
    return with_first_line(encounter, doctor_title=rule.min_title or "none", doctor=grant)


KIND = RuleKind(
    name="doctor_qualification",
    title="医师资质",
    codes=(("DOCTOR_NOT_QUALIFIED", "医师资质不符"),),
    row=DoctorRow,
    rule=DoctorQualification,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety", "payment", "charging"),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
