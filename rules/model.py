"""The frozen nouns of the pure core: what is checked, what a rule is, and what is said about it.

Everything here is immutable and encodes to the same bytes every time, so that a stored ``Input`` replays.
Money and quantities are integers of 1/10,000 (``UNIT``); days are local dates; times are aware datetimes in the
hospital's zone. ``None`` means *absent*, never *false* and never *zero*.
"""

from datetime import date, datetime
from typing import Final

import msgspec

from rules.codes import (
    Category,
    Certainty,
    FeeClass,
    Level,
    Reason,
    Role,
    Scope,
    Sex,
    State,
    Status,
    VisitScene,
    VisitType,
)
from rules.dip.result import DipResult
from rules.noun import Noun

UNIT: Final = 10_000
"""One yuan, one tablet, one hour: money and quantities are counted in 1/10,000 of it."""


class Patient(Noun, frozen=True, kw_only=True):
    """The insured person, without identity (``pseudonym`` is a keyed hash)."""

    pseudonym: str = ""
    sex: Sex | None = None
    birth_date: date | None = None
    weight_g: int | None = None
    pregnant: bool | None = None
    lactating: bool | None = None


class Facility(Noun, frozen=True, kw_only=True):
    """The hospital as rules see it (ruling 7): the profile kept here first, the message only as a fallback."""

    level: int | None = None
    """1, 2 or 3 (一级, 二级, 三级)."""
    specialty: str | None = None
    """Set for a specialist hospital (``眼科``); ``""`` says known to be general; ``None`` is unknown."""


class Visit(Noun, frozen=True, kw_only=True):
    """The encounter's frame: kind of visit, who pays, when, and where (就诊)."""

    id: str = ""
    type: VisitType | None = None
    type_conflict: bool = False
    """Scene and codes contradict each other about the visit type (ruling 6)."""
    emergency: bool | None = None
    rescue: bool | None = None
    medical_type: str | None = None
    """医疗类别 as sent (11, 13, 21, 140104 …)."""
    insurance: str | None = None
    """险种 as sent (310, 390, 510 …)."""
    insurance_before: str | None = None
    """险种 the visit was registered with before, where the sender keeps it (费别变更)."""
    work_injury: bool | None = None
    """No 险种 value says so (ruling 10): the site's own flag or mapping, else absent."""
    admitted: datetime | None = None
    discharged: datetime | None = None
    department: str | None = None
    doctor: str | None = None
    total_amount: int | None = None
    total_before_order: bool = False
    """``total_amount`` leaves the current lines out; senders include them unless the site says otherwise."""
    icu_days: int | None = None
    """重症监护天数 so far."""
    died: bool | None = None
    chronic_disease: str | None = None
    """门慢门特病种编码 the visit is settled under (M03900 …); ``""`` says known to be none."""
    internet: bool | None = None
    """Diagnosed and prescribed online (互联网医院)."""
    out_of_area: bool | None = None
    """异地就医."""
    insured_place: str | None = None
    """参保地."""
    day_surgery: bool | None = None
    planned: bool | None = None
    """A planned admission: chemotherapy cycle, staged surgery, dialysis (ruling 27)."""


class PastVisit(Noun, frozen=True, kw_only=True):
    """Another visit of the same person: what rules on readmission and frequent visits count (既往就诊)."""

    id: str = ""
    type: VisitType | None = None
    hospital: str | None = None
    """``None`` is this hospital."""
    department: str | None = None
    admitted: datetime | None = None
    discharged: datetime | None = None
    diagnosis: str = ""
    """Main diagnosis, normalised ICD-10."""
    planned: bool | None = None


class Diagnosis(Noun, frozen=True, kw_only=True):
    """One diagnosis. ``code`` is normalised ICD-10; a TCM or local code is kept but is no ICD evidence."""

    code: str = ""
    name: str = ""
    main: bool | None = None
    suspected: bool = False
    system: str = "icd"
    """``icd``, ``tcm`` (never matched as ICD) or ``local`` (unmapped: indication kinds are not checked)."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The ICD codes this diagnosis vouches for: none when suspected, two for cause and manifestation."""
        return tuple(self.code.split("+")) if self.system == "icd" and not self.suspected else ()


class Operation(Noun, frozen=True, kw_only=True):
    """One operation (ICD-9-CM-3)."""

    code: str = ""
    name: str = ""
    main: bool | None = None
    day: date | None = None


class Line(Noun, frozen=True):
    """One ordered or charged item (明细 / 医嘱行), being saved now (``current``) or known from before."""

    position: int = 0
    """Place in the message, from 0; it only breaks ties (rx_id repeats in some senders)."""
    id: str = ""
    item: str = ""
    """National code, normalised; ``""`` when none came."""
    name: str = ""
    category: Category | None = None
    current: bool = True
    quantity: int | None = None
    unit: str | None = None
    price: int | None = None
    amount: int | None = None
    self_paid: bool | None = None
    """``None`` is unknown (ruling 2), which is not the same as paid by the fund."""
    consent: bool | None = None
    """The patient's signed consent to self-pay; ``False`` keeps payment rules speaking."""
    begin: datetime | None = None
    timed: bool = False
    """``begin`` carried a clock time, not only a date."""
    stop: datetime | None = None
    long_term: bool | None = None
    discharge_medication: bool | None = None
    prescription: str | None = None
    group: str | None = None
    visit: str | None = None
    """Set when the line belongs to another visit than the encounter's."""
    department: str | None = None
    doctor: str | None = None
    doctor_title: str | None = None
    dose: int | None = None
    dose_unit: str | None = None
    frequency: str | None = None
    route: str | None = None
    supply_days: int | None = None
    approval: str | None = None
    fee_class: FeeClass | None = None
    """医保目录等级: 甲, 乙, or 丙 (自费)."""
    self_pay_ratio: int | None = None
    """先行自付比例 in 1/10,000."""
    doses: int | None = None
    """付数 of a decoction, a plain count."""
    dose_form: str | None = None
    specification: str | None = None
    executing_department: str | None = None


class Encounter(Noun, frozen=True, kw_only=True):
    """What is checked: patient, visit, diagnoses, operations, lines (就诊)."""

    hospital: str
    patient: Patient = Patient()
    facility: Facility = Facility()
    visit: Visit = Visit()
    scenes: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    operations: tuple[Operation, ...] = ()
    ordered_operations: tuple[Operation, ...] = ()
    """Operations that the current lines stand for (the site's item to operation map): not yet performed."""
    lines: tuple[Line, ...] = ()
    history_since: date | None = None
    """The sender vouches that history lines are complete from this day on; absent means it does not say."""
    visits: tuple[PastVisit, ...] | None = None
    """Other visits of the person, complete from ``history_since`` on; ``None`` says nothing about them."""


class Asked(Noun, frozen=True, kw_only=True):
    """What the record was asked for: lines of items by their patterns, or visits, back to a day."""

    since: date
    items: tuple[str, ...] = ()
    visits: bool = False


class History(Noun, frozen=True, kw_only=True):
    """Recorded lines and visits of the patient, which the payload may carry too: evidence of what was used.

    The hospital vouches (or not: ``None``) that from ``since`` on it is all there is of what was asked for.
    """

    since: date | None = None
    lines: tuple[Line, ...] = ()
    """In the order they were told; a line of another visit than the encounter's names it (``""`` if none was told)."""
    visits: tuple[PastVisit, ...] = ()
    asked: tuple[Asked, ...] | None = None


class Context(Noun, frozen=True, kw_only=True):
    """What rules need and the payload lacks (上下文); a part that is not here is absent, or late if named."""

    history: History | None = None
    late: tuple[str, ...] = ()
    """Parts asked for that missed the deadline, by name (``history``)."""


class Overlay(Noun, frozen=True, kw_only=True):
    """The hospital's settings in force: rule id to level, or off (院内设置)."""

    levels: tuple[tuple[str, Level], ...] = ()
    off: tuple[str, ...] = ()


NO_CONTEXT: Final = Context()
NO_OVERLAY: Final = Overlay()
"""The ones to pass for none: only these very objects are left out of an input's bytes."""


class Input(Noun, frozen=True, kw_only=True):
    """All that a verdict depends on besides the digests; this is what is stored and replayed."""

    encounter: Encounter
    time: datetime
    """The message's time, else the time of receipt: the time of current lines that carry none."""
    role: Role = "doctor"
    context: Context = NO_CONTEXT
    overlay: Overlay = NO_OVERLAY


class Citation(Noun, frozen=True, kw_only=True):
    """The instrument a rule rests on (依据); clause and dates may be unknown."""

    id: str
    instrument: str
    number: str = ""
    clause: str = ""
    published: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The run form's common part: one dated row of knowledge of some kind (规则 / 知识点).

    Each kind adds its own fields. Item, diagnosis and operation codes are patterns (``rules.patterns``).
    """

    id: str
    name: str
    """The item as people call it."""
    title: str
    """National rule class (药品区分性别使用 …)."""
    items: tuple[str, ...] = ()
    certainty: Certainty
    level: Level
    scope: Scope
    citation: str = ""
    basis: str = ""
    reason_required: bool = False
    valid_from: date | None = None
    valid_to: date | None = None
    scenes: tuple[str, ...] = ()
    visit_types: tuple[VisitScene, ...] = ()
    """就医方式 in which the rule speaks; empty means all."""
    insurances: tuple[str, ...] = ()
    """险种 for which the rule speaks; empty means all."""
    hospital_levels: tuple[int, ...] = ()
    """Hospital levels at which the rule speaks; empty means all."""
    time_span: str = ""
    """统计时间窗 as the authority's header names it; the kind's own columns decide."""
    funds: tuple[str, ...] = ()
    """基金类型 as the authority's header names it; messages do not carry it."""
    tags: tuple[str, ...] = ()
    """The hospital's own lists that findings of this rule belong to (限专, 辅助治疗 …)."""
    remark: str = ""
    """Rules of one catalogue remark share it: one card with several reasons."""
    implied_by: tuple[str, ...] = ()
    status: Status = "active"
    unset: tuple[str, ...] = ()
    """Pack parameters this row reads and the hospital has not set: the rule is *not checked*."""
    note: str = ""


class Missing(Noun, frozen=True, kw_only=True):
    """Why a rule could not judge some lines: the fields it lacked and the reason."""

    fields: tuple[str, ...]
    reason: Reason = "missing"
    lines: tuple[int, ...] = ()
    """Positions concerned; empty means every line the rule was asked about."""


class Draft(Noun, frozen=True, kw_only=True):
    """What a kind says before the engine grades, numbers and orders it."""

    code: str
    message: str
    lines: tuple[int, ...]
    """Positions of current lines the user can change."""
    involved: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    """Money at stake per entry of ``lines``; empty means each line's whole amount."""
    limit: str = ""
    present: str = ""
    allowed: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    cap: Level = "block"
    """The loudest this may be said, whatever the rule's level."""


class Finding(Noun, frozen=True, kw_only=True):
    """A rule spoke (提醒 / 违规结果)."""

    rule: str
    kind: str
    code: str
    title: str
    item: str
    certainty: Certainty
    level: Level
    scope: Scope
    reason_required: bool = False
    lines: tuple[int, ...]
    involved: tuple[int, ...] = ()
    message: str
    limit: str = ""
    present: str = ""
    allowed: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    amounts: tuple[int, ...] = ()
    citation: Citation | None = None
    basis: str = ""
    tags: tuple[str, ...] = ()
    remark: str = ""


class NotChecked(Noun, frozen=True, kw_only=True):
    """A rule that applied could not run, and which fields it lacked (未能判断)."""

    rule: str
    kind: str
    title: str
    fields: tuple[str, ...]
    reason: Reason = "missing"
    lines: tuple[int, ...] = ()


class Digests(Noun, frozen=True, kw_only=True):
    """What produced a verdict, by content: the same digests and the same input give the same bytes."""

    engine: str
    rulebook: str
    overlay: str
    dictionary: str | None = None
    scheme: str | None = None


class Verdict(Noun, frozen=True, kw_only=True):
    """Findings, what was not checked, and the digests behind them (判定). Its canonical bytes are ``encode``."""

    state: State
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    dip: DipResult | None = None
    """``None``: no scheme is in force, or the patient is not in hospital."""
    amount: int = 0
    """Money at stake in 1/10,000 yuan, each line once however many rules fire."""
    digests: Digests


_ENCODER = msgspec.json.Encoder(order="deterministic")


def encode(noun: msgspec.Struct) -> bytes:
    """Return the canonical bytes of a noun."""
    return _ENCODER.encode(noun)
