"""Every field a condition can read, in one table: name, type, Chinese name, unit, getter, and how a specimen sets it.

``docs/conditions.md`` holds the same table; a test keeps the two equal. A getter returns ``None`` for an absent fact
and ``Unknown`` where facts contradict each other or have no meaning here; it never guesses.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rules.expressions.types import Lack, Scene, Type, Unknown, Value, lacking
from rules.kinds._ages import Age, AgeUnit, born, completed
from rules.kinds._edits import begin_of, day_of, with_facility, with_first_line, with_patient, with_visit
from rules.model import UNIT, Encounter, Line
from rules.words import TITLES

Given = Value | None
Words = Mapping[str, str]
ANY: Final[Words] = MappingProxyType({})


class Field(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One field: what it is, how it is read, and what is lacking when it cannot be."""

    name: str
    type: Type
    title: str
    """Chinese name."""
    get: Callable[[Scene], Given]
    put: Callable[[Encounter, Any], Encounter]
    """Set it in a specimen; numbers come in 1/10,000."""
    unit: str = ""
    words: Words = ANY
    """The closed set of a text's values, each with its Chinese word; empty means any text."""
    lacks: str = ""
    """The fact that is lacking when the field is not known; empty means the field's own name."""

    @property
    def of_line(self) -> bool:
        """Belongs to a line: a condition over a visit cannot read it."""
        return self.name.startswith("line.")

    def read(self, scene: Scene) -> Value:
        """Return the value, ``Unknown`` when absent."""
        value = self.get(scene)
        return lacking((self.lacks or self.name, "missing")) if value is None else value


SEXES: Final[Words] = {"male": "男", "female": "女"}
VISIT_TYPES: Final[Words] = {"outpatient": "门诊", "inpatient": "住院", "pharmacy": "药店购药"}
CATEGORIES: Final[Words] = {"drug": "药品", "service": "服务项目", "consumable": "耗材", "other": "其他"}
FEE_CLASSES: Final[Words] = {"甲": "甲类", "乙": "乙类", "丙": "丙类"}
DOCTOR_TITLES: Final[Words] = dict(
    zip(TITLES, ("无职称", "护士", "药师", "住院医师", "主治医师", "副主任医师", "主任医师"), strict=True)
)
ROUTE_WORDS: Final[Words] = {
    "oral": "口服", "iv": "静脉", "im": "肌内注射", "sc": "皮下注射", "inhaled": "吸入", "topical": "外用",
    "ophthalmic": "眼用", "otic": "耳用", "nasal": "鼻用", "rectal": "直肠", "vaginal": "阴道", "other": "其他",
}  # fmt: skip
FORM_WORDS: Final[Words] = {
    "oral_solid": "口服固体", "sustained_release": "缓控释", "oral_liquid": "口服液体", "injection": "注射剂",
    "patch": "贴剂", "inhalation": "吸入剂", "topical": "外用剂", "suppository": "栓剂",
    "decoction_piece": "饮片", "granule": "颗粒", "other": "其他",
}  # fmt: skip


def _line(scene: Scene) -> Line:
    if scene.line is None:
        raise TypeError("a condition over a visit reads no line")  # the checker refuses it
    return scene.line


def _age(unit: AgeUnit) -> Callable[[Scene], Given]:
    def get(scene: Scene) -> Given:
        birth = scene.view.encounter.patient.birth_date
        if birth is None:
            return None
        if birth > scene.day:
            return lacking(("patient.birth_date", "conflict"), ("line.time", "conflict"))
        return completed(birth, scene.day, unit) * UNIT

    return get


def _aged(unit: AgeUnit) -> Callable[[Encounter, int], Encounter]:
    return lambda given, count: with_patient(given, birth_date=born(day_of(given), Age(count // UNIT, unit)))


def _visit_type(scene: Scene) -> Given:
    visit = scene.view.encounter.visit
    return lacking(("visit.type", "conflict")) if visit.type_conflict else visit.type


def _maternity(scene: Scene) -> Given:
    known = scene.view.maternity
    if known is not None:
        return known
    visit, unread = scene.view.encounter.visit, scene.view.unread_diagnoses
    sent = (("visit.medical_type", visit.medical_type), ("visit.insurance", visit.insurance))
    lacks: list[Lack] = [(name, "missing") for name, value in sent if value is None]
    if unread is not None:
        lacks += [(name, unread.reason) for name in unread.fields]
    return Unknown(tuple(lacks))


def _stay_days(scene: Scene) -> Given:
    visit = scene.view.encounter.visit
    if visit.admitted is None:
        return None
    last = min(scene.day, visit.discharged.date()) if visit.discharged else scene.day
    days = (last - visit.admitted.date()).days
    return days * UNIT if days >= 0 else lacking(("visit.admitted", "conflict"))


def _admitted(given: Encounter, count: int) -> Encounter:
    return with_visit(given, admitted=begin_of(given) - timedelta(days=count // UNIT), discharged=None)


def _hour(scene: Scene) -> Given:
    line = _line(scene)
    when = scene.view.time_of(line)
    return when.hour * UNIT if when is not None and (line.timed or line.begin is None) else None


def _amount(scene: Scene) -> Given:
    line = _line(scene)
    if line.amount is not None:
        return line.amount
    return None if line.price is None or line.quantity is None else line.price * line.quantity // UNIT


def _department(scene: Scene) -> Given:
    return scene.view.meaning("department", _line(scene).department) or _line(scene).department or None


def _visit_department(scene: Scene) -> Given:
    sent = scene.view.encounter.visit.department
    return scene.view.meaning("department", sent) or sent or None


def _mapped(dictionary: Any, name: str, words: Words) -> Callable[[Scene], Given]:
    def get(scene: Scene) -> Given:
        text = getattr(_line(scene), name)
        if not text:
            return None
        meaning = scene.view.meaning(dictionary, text)
        return meaning if meaning in words else lacking((f"line.{name}", "unmapped"))

    return get


def _on_day(given: Encounter, day: date) -> Encounter:
    return with_first_line(given, begin=datetime.combine(day, begin_of(given).timetz()), stop=None)


def _at_hour(given: Encounter, hour: int) -> Encounter:
    moment = datetime.combine(day_of(given), time(hour // UNIT % 24), begin_of(given).tzinfo)
    return with_first_line(given, begin=moment, timed=True)


def _of_patient(name: str, type: Type, title: str, *, words: Words = ANY) -> Field:
    attribute = name.partition(".")[2]
    return Field(
        name=name,
        type=type,
        title=title,
        words=words,
        get=lambda scene: getattr(scene.view.encounter.patient, attribute),
        put=lambda given, value: with_patient(given, **{attribute: value}),
    )


def _of_visit(name: str, type: Type, title: str, *, unit: str = "", empty: bool = False) -> Field:
    """``empty``: an empty text is known to be none; elsewhere it is no fact."""
    attribute = name.partition(".")[2]

    def get(scene: Scene) -> Given:
        value: Given = getattr(scene.view.encounter.visit, attribute)
        return None if value == "" and not empty else value

    def put(given: Encounter, value: Any) -> Encounter:
        return with_visit(given, **{attribute: value})

    return Field(name=name, type=type, title=title, unit=unit, get=get, put=put)


def _of_line(
    name: str, type: Type, title: str, *, unit: str = "", words: Words = ANY, dictionary: str = "", count: bool = False
) -> Field:
    """``count``: the noun holds a plain count, not 1/10,000. ``dictionary``: what gives the text its meaning."""
    attribute = name.partition(".")[2]

    def get(scene: Scene) -> Given:
        value: Given = getattr(_line(scene), attribute)
        if value is None or value == "":
            return None
        return value * UNIT if count and isinstance(value, int) else value

    def put(given: Encounter, value: Any) -> Encounter:
        return with_first_line(given, **{attribute: value // UNIT if count else value})

    read = _mapped(dictionary, attribute, words) if dictionary else get
    return Field(name=name, type=type, title=title, unit=unit, words=words, get=read, put=put)


def _with_amount(given: Encounter, value: int) -> Encounter:
    return with_first_line(given, amount=value)


def _with_quantity(given: Encounter, value: int) -> Encounter:
    price = given.lines[0].price
    return with_first_line(given, quantity=value, amount=price * value // UNIT if price is not None else None)


_PATIENT: Final = (
    Field(name="patient.age_years", type="number", title="年龄", unit="岁", lacks="patient.birth_date",
          get=_age("y"), put=_aged("y")),
    Field(name="patient.age_months", type="number", title="月龄", unit="个月", lacks="patient.birth_date",
          get=_age("m"), put=_aged("m")),
    Field(name="patient.age_days", type="number", title="日龄", unit="天", lacks="patient.birth_date",
          get=_age("d"), put=_aged("d")),
    _of_patient("patient.sex", "text", "性别", words=SEXES),
    Field(name="patient.weight_kg", type="number", title="体重", unit="kg",
          get=lambda scene: None if (grams := scene.view.encounter.patient.weight_g) is None else grams * UNIT // 1000,
          put=lambda given, value: with_patient(given, weight_g=value * 1000 // UNIT)),
    _of_patient("patient.pregnant", "boolean", "妊娠期"),
    _of_patient("patient.lactating", "boolean", "哺乳期"),
)  # fmt: skip

_FACILITY: Final = (
    Field(name="facility.level", type="number", title="医院级别", unit="级",
          get=lambda scene: None if (level := scene.view.encounter.facility.level) is None else level * UNIT,
          put=lambda given, value: with_facility(given, level=value // UNIT)),
    Field(name="facility.specialty", type="text", title="专科(空为综合医院)",
          get=lambda scene: scene.view.encounter.facility.specialty,
          put=lambda given, value: with_facility(given, specialty=value)),
)  # fmt: skip

_VISIT: Final = (
    Field(name="visit.type", type="text", title="就医方式", words=VISIT_TYPES, get=_visit_type,
          put=lambda given, value: with_visit(given, type=value, type_conflict=False)),
    _of_visit("visit.emergency", "boolean", "急诊"),
    _of_visit("visit.rescue", "boolean", "抢救"),
    _of_visit("visit.planned", "boolean", "计划性入院"),
    _of_visit("visit.internet", "boolean", "互联网诊疗"),
    _of_visit("visit.out_of_area", "boolean", "异地就医"),
    _of_visit("visit.work_injury", "boolean", "工伤"),
    Field(name="visit.maternity", type="boolean", title="生育就诊", lacks="visit.medical_type", get=_maternity,
          put=lambda given, value: with_visit(given, medical_type="52" if value else "21", insurance="310")),
    _of_visit("visit.medical_type", "text", "医疗类别"),
    _of_visit("visit.insurance", "text", "险种"),
    _of_visit("visit.chronic_disease", "text", "门慢门特病种(空为无)", empty=True),
    Field(name="visit.department", type="text", title="就诊科室", get=_visit_department,
          put=lambda given, value: with_visit(given, department=value)),
    _of_visit("visit.total_amount", "number", "费用总额", unit="元"),
    Field(name="visit.stay_days", type="number", title="入院天数(入院日为 0)", unit="天", lacks="visit.admitted",
          get=_stay_days, put=_admitted),
    Field(name="visit.admitted", type="day", title="入院日期",
          get=lambda scene: at.date() if (at := scene.view.encounter.visit.admitted) else None,
          put=lambda given, day: with_visit(given, admitted=datetime.combine(day, begin_of(given).timetz()))),
)  # fmt: skip

_LINE: Final = (
    _of_line("line.item", "text", "项目编码"),
    _of_line("line.name", "text", "项目名称"),
    _of_line("line.category", "text", "项目类别", words=CATEGORIES),
    Field(name="line.quantity", type="number", title="数量",
          get=lambda scene: _line(scene).quantity, put=_with_quantity),
    _of_line("line.unit", "text", "计价单位"),
    _of_line("line.price", "number", "单价", unit="元"),
    Field(name="line.amount", type="number", title="金额", unit="元", get=_amount, put=_with_amount),
    _of_line("line.self_paid", "boolean", "自费"),
    Field(name="line.consent", type="boolean", title="已签自费同意书", lacks="line.self_pay_consent",
          get=lambda scene: _line(scene).consent, put=lambda given, value: with_first_line(given, consent=value)),
    _of_line("line.fee_class", "text", "医保目录等级", words=FEE_CLASSES),
    _of_line("line.self_pay_ratio", "number", "先行自付比例"),
    Field(name="line.day", type="day", title="日期", lacks="line.time",
          get=lambda scene: scene.view.service_day(_line(scene)), put=_on_day),
    Field(name="line.hour", type="number", title="钟点(0 至 23)", unit="时", lacks="line.time",
          get=_hour, put=_at_hour),
    _of_line("line.long_term", "boolean", "长期医嘱"),
    _of_line("line.discharge_medication", "boolean", "出院带药"),
    Field(name="line.department", type="text", title="开单科室", get=_department,
          put=lambda given, value: with_first_line(given, department=value)),
    _of_line("line.doctor_title", "text", "医师职称", words=DOCTOR_TITLES, dictionary="title"),
    _of_line("line.dose", "number", "单次剂量"),
    _of_line("line.dose_unit", "text", "剂量单位"),
    _of_line("line.frequency", "text", "频次"),
    _of_line("line.route", "text", "给药途径", words=ROUTE_WORDS, dictionary="route"),
    _of_line("line.dose_form", "text", "剂型", words=FORM_WORDS, dictionary="dose_form"),
    _of_line("line.supply_days", "number", "用药天数", unit="天", count=True),
    _of_line("line.doses", "number", "付数", unit="付", count=True),
)  # fmt: skip

FIELDS: Final[dict[str, Field]] = {field.name: field for field in (*_PATIENT, *_FACILITY, *_VISIT, *_LINE)}
"""Name to field, in the order of the page."""
