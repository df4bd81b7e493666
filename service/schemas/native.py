"""The native contract of ``POST /v1/checks``: what a workstation sends (就诊) and what it reads back (判定).

Requests go from bytes to these models in one pass, and on to the frozen ``Encounter``; every fault is reported at
once. Answers are written directly (``service.dialects.native``); their models here describe them for OpenAPI, and a
test holds the two together. Unknown keys are faults: a misspelt field must not read as an absent one.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from rules.codes import Category, Certainty, FeeClass, Level, Reason, Role, Scope, Sex, State, VisitType
from rules.dip.codes import Band, IneligibleReason, Status
from service.reasons import ReasonCode
from service.records import Action
from service.schemas import scalars


class Clock:
    """A moment and whether it carried a clock time."""

    __slots__ = ("at", "timed")

    def __init__(self, at: datetime, *, timed: bool) -> None:
        self.at = at
        self.timed = timed


def _clock(value: object, info: ValidationInfo) -> Clock | None:
    found = scalars.moment(value, (info.context or {})["zone"])
    return Clock(found[0], timed=found[1]) if found else None


Number = Annotated[int | None, BeforeValidator(scalars.fixed), WithJsonSchema({"type": ["number", "null"]})]
"""A JSON number (or decimal text), kept exactly in 1/10,000."""
Moment = Annotated[
    Any,
    BeforeValidator(_clock),
    WithJsonSchema({"type": ["string", "null"], "examples": ["2026-03-18T09:14:40+08:00"]}),
]
"""ISO 8601 or ``yyyy-MM-dd HH:mm:ss``; without a zone it is the hospital's local time."""
Text = Annotated[str | None, BeforeValidator(scalars.text), WithJsonSchema({"type": ["string", "null"]})]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=False)


class PatientIn(_In):
    """The insured person (患者)."""

    id: Text = Field(None, description="the insured person's id (psn_no); kept only as a keyed pseudonym")
    sex: Sex | None = Field(None, description="性别; null or absent when unknown")
    birth_date: date | None = Field(None, description="出生日期")
    weight_kg: Number = Field(None, description="体重, kg")
    pregnant: bool | None = Field(None, description="妊娠期; null when unknown")
    lactating: bool | None = Field(None, description="哺乳期; null when unknown")


class FacilityIn(_In):
    """What the hospital is (医院); the profile kept by the service comes first."""

    level: Annotated[int, Field(ge=1, le=3)] | None = Field(None, description="医院级别 1-3")
    specialty: str | None = Field(None, description="专科医院的专科, '' for a general hospital")


class VisitIn(_In):
    """The frame of the encounter (就诊)."""

    id: Text = Field(None, description="就诊号 / 住院号")
    type: VisitType | None = Field(None, description="就医方式: outpatient 门诊, inpatient 住院, pharmacy 药店购药")
    emergency: bool | None = Field(None, description="急诊")
    rescue: bool | None = Field(None, description="抢救")
    medical_type: Text = Field(None, description="医疗类别 (11, 13, 21, 140104 …)")
    insurance: Text = Field(None, description="险种 (310, 390, 510 …)")
    work_injury: bool | None = Field(None, description="工伤保险; null when unknown")
    admitted: Moment = Field(None, description="入院 / 就诊时间")
    discharged: Moment = Field(None, description="出院时间")
    department: Text = Field(None, description="科室")
    doctor: Text = Field(None, description="医师编码, no name")
    total_amount: Number = Field(None, description="费用总额, yuan, current lines included")
    icu_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(None, description="重症监护天数 so far")
    died: bool | None = Field(None, description="死亡")
    insurance_before: Text = Field(None, description="变更前的险种, where the sender keeps it (费别变更)")
    chronic_disease: Text = Field(None, description="门慢门特病种编码 (M03900 …); '' for none")
    internet: bool | None = Field(None, description="互联网诊疗")
    out_of_area: bool | None = Field(None, description="异地就医")
    insured_place: Text = Field(None, description="参保地区划")
    day_surgery: bool | None = Field(None, description="日间手术")
    planned: bool | None = Field(None, description="计划内入院 (放化疗周期, 分期手术, 透析 …)")


class PastVisitIn(_In):
    """Another visit of the same person (既往就诊)."""

    id: Text = Field(None, description="就诊号 / 住院号")
    type: VisitType | None = Field(None, description="就医方式")
    hospital: Text = Field(None, description="定点机构编码; absent means this hospital")
    department: Text = Field(None, description="科室")
    admitted: Moment = Field(None, description="入院 / 就诊时间")
    discharged: Moment = Field(None, description="出院时间")
    diagnosis: Text = Field(None, description="主要诊断编码")
    planned: bool | None = Field(None, description="计划内入院")


class DiagnosisIn(_In):
    """One diagnosis (诊断)."""

    code: Text = Field(None, description="医保版 ICD-10; TCM and local codes are recognised as such")
    name: Text = Field(None, description="诊断名称; 拟诊, 待查 and the like make it suspected")
    main: bool | None = Field(None, description="主要诊断")
    suspected: bool | None = Field(None, description="疑似; default: read from the name")


class OperationIn(_In):
    """One operation (手术操作)."""

    code: Text = Field(None, description="医保版 ICD-9-CM-3")
    name: Text = Field(None, description="名称")
    main: bool | None = Field(None, description="主要手术")
    day: date | None = Field(None, description="手术日期")


class LineIn(_In):
    """One ordered or charged item (明细 / 医嘱行)."""

    id: Text = Field(None, description="医嘱 / 处方明细号; echoed, unique within the visit where possible")
    item: Text = Field(None, description="国家医保编码 of the item")
    name: Text = Field(None, description="项目名称")
    category: Category | None = Field(None, description="drug 药品, service 服务项目, consumable 耗材, other")
    current: bool = Field(True, description="being saved now; false for history lines")
    quantity: Number = Field(None, description="数量 in `unit`; negative for a reversal (冲销)")
    unit: Text = Field(None, description="计价单位")
    price: Number = Field(None, description="单价, yuan")
    amount: Number = Field(None, description="金额, yuan")
    self_paid: bool | None = Field(None, description="自费; null when unknown")
    self_pay_consent: bool | None = Field(None, description="患者已签自费同意书")
    begin: Moment = Field(None, description="开始时间; absent on a current line: the message's time")
    stop: Moment = Field(None, description="停止时间")
    long_term: bool | None = Field(None, description="长期医嘱")
    discharge_medication: bool | None = Field(None, description="出院带药")
    prescription: Text = Field(None, description="处方号")
    group: Text = Field(None, description="组号")
    visit: Text = Field(None, description="就诊号, for a history line of another visit")
    department: Text = Field(None, description="开单科室")
    doctor: Text = Field(None, description="开单医师编码")
    doctor_title: Text = Field(None, description="医师职称")
    dose: Number = Field(None, description="单次剂量")
    dose_unit: Text = Field(None, description="剂量单位")
    frequency: Text = Field(None, description="频次 (qd, bid, 每日3次 …)")
    route: Text = Field(None, description="给药途径")
    supply_days: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="用药天数")
    approval: Text = Field(None, description="备案审批号")
    fee_class: FeeClass | None = Field(None, description="费用等级: 甲, 乙, 丙")
    self_pay_ratio: Annotated[Number, Field(description="先行自付比例, 0 to 1")] = None
    doses: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="付数 of a decoction")
    dose_form: Text = Field(None, description="剂型")
    specification: Text = Field(None, description="规格")
    executing_department: Text = Field(None, description="执行科室")


class ViewerIn(_In):
    """Who will see the answer."""

    role: Role = Field("doctor", description="doctor, nurse, pharmacist, coder, insurance_office")


class CheckRequest(_In):
    """One encounter to check before it is saved."""

    message_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="sender's id of the message; a repeat with the same content gets the same verdict"
    )
    hospital: Annotated[str, Field(max_length=50)] | None = Field(
        None, description="定点机构编码; the API key's hospital comes first"
    )
    time: Moment = Field(None, description="time of the message; absent: time of receipt")
    scenes: list[Annotated[str, Field(pattern="^([1-9]|10)$")]] = Field([], description="触发场景 1-10")
    viewer: ViewerIn = Field(ViewerIn(role="doctor"))
    deadline_ms: Annotated[int, Field(ge=1, le=60_000)] | None = Field(
        None, description="the caller's own deadline; only optional parts of the answer are shed for it"
    )
    patient: PatientIn = Field(PatientIn.model_construct())
    facility: FacilityIn = Field(FacilityIn.model_construct())
    visit: VisitIn = Field(VisitIn.model_construct())
    diagnoses: list[DiagnosisIn] = Field([])
    operations: list[OperationIn] = Field([])
    lines: list[LineIn] = Field(description="current lines to check, and history lines that rules look back on")
    history_since: date | None = Field(None, description="history lines, and `visits`, are complete from this day on")
    visits: list[PastVisitIn] | None = Field(None, description="other visits of the person; null says nothing of them")


class BatchRequest(_In):
    """Several encounters; each is answered by itself."""

    checks: list[Any] = Field(description="encounters as in POST /v1/checks")


class DispositionIn(_In):
    """What a user did with one finding (处理)."""

    finding: Annotated[str, Field(min_length=1, max_length=60)] = Field(description="the finding's id as answered")
    action: Action = Field(
        description="continued 坚持执行, revised 返回修改, deleted 删除, self_paid 转自费, disputed 有异议, ignored"
    )
    reason: Annotated[str, Field(max_length=2000)] = Field("", description="理由; without it or a code: unexplained")
    reason_code: ReasonCode | None = Field(None, description="理由代码, from GET /v1/reasons")


class DispositionRequest(_In):
    """What users did with findings, however late and however often."""

    hospital: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(None, description="as in the check")
    dispositions: Annotated[list[DispositionIn], Field(min_length=1, max_length=1000)]


class DispositionStateOut(BaseModel):
    """What became of one disposition."""

    finding: str
    state: Literal["stored", "unknown", "failed"] = Field(
        description="stored; unknown: no finding of ours has this id; failed: could not be kept, send it again"
    )


class DispositionAnswer(BaseModel):
    """One state per disposition, in order."""

    dispositions: list[DispositionStateOut]


class CitationOut(BaseModel):
    """The instrument a rule rests on (依据)."""

    id: str
    instrument: str
    number: str = ""
    clause: str = ""
    published: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class LineOut(BaseModel):
    """A line a finding is about."""

    position: int = Field(description="place in the request's `lines`, from 0; negative for recorded history")
    id: str = ""
    amount: float | None = Field(None, description="money at stake, yuan")


class FindingOut(BaseModel):
    """A rule spoke (提醒 / 违规结果)."""

    id: str = Field(description="quote it back when reporting what was done")
    rule: str
    kind: str
    code: str
    title: str = Field(description="national rule class (规则名称)")
    item: str
    certainty: Certainty
    level: Level
    scope: Scope
    reason_required: bool
    lines: list[LineOut]
    involved: list[LineOut]
    message: str = Field(description="plain Chinese: item, limit, history, what is allowed")
    limit: str
    present: str
    allowed: str
    facts: dict[str, str]
    amount: float
    basis: str
    citation: CitationOut | None
    tags: list[str] = Field(description="the hospital's own lists that the rule belongs to")


class CardOut(BaseModel):
    """What a person is shown once: findings of one catalogue remark on one line are one card with several reasons."""

    item: str
    level: Level = Field(description="the loudest of its findings")
    lines: list[int] = Field(description="positions, from 0")
    findings: list[str] = Field(description="ids of the findings folded into it, loudest first")
    message: str = Field(description="all reasons in one text")


class NotCheckedOut(BaseModel):
    """A rule that applied could not run (未能判断)."""

    rule: str
    kind: str
    title: str
    fields: list[str] = Field(description="what was lacking, in this API's field names")
    reason: Reason
    lines: list[int]
    message: str


class DigestsOut(BaseModel):
    """What produced the verdict."""

    engine: str
    rulebook: str
    overlay: str
    dictionary: str | None
    scheme: str | None


class StandingOut(BaseModel):
    """Where the stay stands under the scheme. A standard is a reference (参考), never a cap."""

    status: Status = Field(description="入组结果")
    group: str | None = Field(description="病种编码")
    name: str | None
    reasons: list[str] = Field(description="why something is not known, or is uncertain; see docs/dip.md")
    tied: list[str] = Field(description="other groups that fit equally well")
    standard_points: float | None = Field(description="points of a case of normal cost (病种分值)")
    points: float | None = Field(description="points at this cost, after deviation")
    standard: float | None = Field(description="参考支付标准 of a case of normal cost, yuan")
    payable: float | None = Field(description="paid at this cost, after deviation, yuan; null when not paid by DIP")
    cost: float | None = Field(description="cost so far, yuan")
    ratio: float | None = Field(description="cost / reference average")
    band: Band = Field(description="费用偏差")
    balance: float | None = Field(description="`payable` less `cost`, yuan: surplus (+) or loss (-)")


class DipMoveOut(BaseModel):
    """What would move the stay to another group, supported by what is already recorded: a question to verify."""

    group: str
    name: str
    message: str
    points_difference: float | None
    evidence: list[str] = Field(description="codes in the record that it rests on")


class DipOut(BaseModel):
    """Where an in-patient stay stands, now and after this order (DIP 预估)."""

    scheme: str
    version: str
    estimated: bool = Field(description="预估: the stay is not over")
    eligible: bool | None = Field(description="paid by DIP at all; null: not known")
    ineligible: IneligibleReason | None
    now: StandingOut
    after: StandingOut
    moves: list[DipMoveOut]
    explanation: list[str] = Field(description="why this group, which coefficient came from where")


class CheckAnswer(BaseModel):
    """The verdict (判定)."""

    id: str
    state: State
    recorded: bool = Field(description="false: answered, but not in the journal")
    message_id: str | None
    message_id_reused: bool = Field(description="this message id was answered before with other content")
    amount: float = Field(description="money at stake, yuan, each line once")
    findings: list[FindingOut]
    cards: list[CardOut] = Field(description="the findings above silent, as shown: one card per remark and line")
    not_checked: list[NotCheckedOut]
    dip: DipOut | None = Field(description="DIP result (病种分值); null: not in hospital, or no scheme is in force")
    digests: DigestsOut
    elapsed_us: int


class LaterAnswer(BaseModel):
    """Accepted: the verdict is computed and in the journal; read it by its address or wait for the webhook."""

    id: str
    state: Literal["pending"]
    href: str
    recorded: bool = Field(True, description="false: not in the journal, so the address will never hold it; ask again")


class BatchAnswer(BaseModel):
    """One answer or problem per encounter, in order."""

    results: list[Any]


class FaultOut(BaseModel):
    """One thing wrong with the request."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """A request that could not be answered; nothing was checked."""

    code: str
    title: str
    title_zh: str
    detail: str
    faults: list[FaultOut]
