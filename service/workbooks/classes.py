"""Every class of knowledge point the authority publishes: its names, and what its columns mean as pack cells.

The one place to add a class, or a new name of one: an entry of ``CLASSES``, and a reader if no other fits. A reader
gets a row's cells by column (``layouts.COLUMN_WORDS``) and returns cells of the kind's table; what it cannot read it
leaves out and names in ``lacks``, which makes the row *incomplete*: listed, never evaluated, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from rules.compiler.drafts import Parameter
from service.workbooks import values
from service.workbooks.ages import CHILD, Band, age_cell, age_remark, age_word
from service.workbooks.layouts import plain

Cells = Mapping[str, str]
Subject = Literal["drug", "service"]
Per = Literal["name", "code", "pair", "group", "class"]
"""What one rule is about: all codes of a name, one code, a pair, a named group of items, or the whole class."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a row means: cells of the kind's own columns, a short basis, and what is missing."""

    cells: Cells = field(default_factory=dict)
    basis: str = ""
    note: str = ""
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """How sure, how loud, and what is protected."""

    certainty: str
    level: str
    scope: str
    reason: bool = False

    @property
    def cells(self) -> dict[str, str]:
        """The grade as cells."""
        reason = "true" if self.reason else "false"
        return {"certainty": self.certainty, "level": self.level, "reason": reason, "scope": self.scope}


@dataclass(frozen=True, slots=True)
class RuleClass:
    """One class: its national name, the names it goes by in files, sheets and columns, and how it is read."""

    title: str
    words: tuple[str, ...]
    subject: Subject
    kind: str
    prefix: str
    """Begins the ids of its rules."""
    per: Per
    grade: Grade
    read: Callable[[Cells], Reading]
    holds: Callable[[Cells], bool] = lambda cells: True
    """Where several classes share a name: whether this row belongs to this one (the first that holds it has it)."""
    needs: tuple[str, ...] = ()
    """Columns of which one must be there."""


SAFETY: Final = Grade("suspicious", "warn", "safety")
PAYMENT: Final = Grade("violation", "block", "payment")
PAYMENT_REASON: Final = Grade("violation", "warn", "payment", reason=True)
CHARGING: Final = Grade("violation", "block", "charging")

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "child_years": Parameter(
        value="14y", note="目录或知识点只写“儿童”而未写年龄时的上限;14至17岁一律不提示,满18岁起才提示。"
    ),
    "working_age": Parameter(note="法定就业年龄的上限,由医院按现行规定填写(如 63y);未填则不判断。"),
    "second_surgery_rate": Parameter(
        note="同组第二及以后手术按全价的多少计收,由医院按本省规定填写(如 0.5);未填则不判断。", example="0.5"
    ),
    "internet_always_sent": Parameter(
        value="false", note="医院系统是否每次就诊都传互联网诊疗标志;都传的改为 true,此时未传按未能判断处理。"
    ),
}
"""Values the knowledge points leave open, as a pack declares them."""

GROUPS: Final[Mapping[str, str]] = {
    "胃肠手术组": "gastrointestinal",
    "直肠肛门手术组": "anorectal",
    "经腹直肠手术组": "transabdominal-rectal",
    "肝胆手术组": "hepatobiliary",
    "膀胱尿道手术组": "bladder-urethra",
    "男性生殖系统手术组": "male-genital",
    "女性生殖系统手术组": "female-genital",
}
"""Groups of operations that are known by name, for ids that people can read; others get a digest of theirs."""


def _first(read: Callable[[str], object], cells: Cells, *columns: str) -> object:
    return next((found for column in columns if (found := read(cells.get(column, ""))) is not None), None)


def _unread(cells: Cells, *columns: str) -> str:
    said = "、".join(f"“{cells[column]}”" for column in columns if cells.get(column))
    return f"原文 {said} 不能读成参数,待人工补全" if said else "工作簿没有写限定内容,待人工补全"


def _sex(cells: Cells) -> Reading:
    sex = _first(values.sex, cells, "value", "text")
    if not isinstance(sex, str):
        return Reading(lacks=_unread(cells, "value"))
    return Reading({"sex": sex}, f"国家知识点列为仅用于{'男性' if sex == 'male' else '女性'}")


def _aged(band: Band | None, basis: str, lacks: str) -> Reading:
    return Reading(band.cells, basis, band.note) if band else Reading(lacks=lacks)


def _age_word(cells: Cells) -> Reading:
    """For what is meant for children: the word alone, since the description is a leaflet, not a limit."""
    band = age_word(cells.get("value", "")) or age_cell(cells.get("value", ""))
    return _aged(band, f"国家知识点列为{cells.get('value', '')}专用", _unread(cells, "value"))


def _age_limit(cells: Cells) -> Reading:
    """For a payment limit: remark and cell, of which the one with numbers says more."""
    remark, value = age_remark(cells.get("text", "")), cells.get("value", "")
    cell = age_cell(value) or age_remark(value)
    numbers = [band for band in (remark, cell) if band is not None and dict(band.cells) != dict(CHILD.cells)]
    if len(numbers) > 1 and dict(numbers[0].cells) != dict(numbers[1].cells):
        return Reading(lacks=f"限定值“{value}”与说明“{cells['text']}”的年龄不一致,待人工核对")
    band = numbers[0] if numbers else remark or cell
    return _aged(band, f"备注限{_ages_in_words(band.cells)}" if band else "", _unread(cells, "text", "value"))


def _ages_in_words(cells: Cells) -> str:
    if cells.get("max_age", "").startswith("$"):
        return "法定就业年龄内" if cells["max_age"] == "$working_age" else "儿童"
    units = str.maketrans({"y": "岁", "m": "个月", "d": "天"})
    low, high = (cells.get(column, "").translate(units) for column in ("min_age", "max_age"))
    return f"{low}至{high}" if low and high else f"{low}及以上" if low else f"{high}及以下"


def _insurance(fund: str) -> Callable[[Cells], Reading]:
    """The class itself names the fund; the row may only agree."""

    def read(cells: Cells) -> Reading:
        said = _first(values.insurance, cells, "value", "text")
        if said not in {None, fund}:
            return Reading(lacks=_unread(cells, "value", "text"))
        return Reading({"insurance": fund}, f"限{'工伤' if fund == 'work_injury' else '生育'}保险支付")

    return read


def _course(cells: Cells) -> Reading:
    said, written = values.days(cells.get("value", "")), values.course_days(cells.get("text", ""))
    if said and written and said != written:
        return Reading(lacks=f"限定值写{said}天,说明写{written}天,两处不一致,待人工核对")
    found = said or written or values.course_days(cells.get("value", ""))
    if not found:
        return Reading(lacks=_unread(cells, "value", "text"))
    episode = any(word in plain(cells.get("text", "")) for word in ("疾病过程", "一个病程", "每个病程"))
    words = f"{'一个疾病过程' if episode else ''}支付不超过{found}天"
    return Reading({"max_days": str(found), "span": "episode" if episode else "stay"}, words)


def _frequency(cells: Cells) -> Reading:
    found = values.per_day(cells.get("max", ""), cells.get("unit", ""))
    found = found or values.per_day(cells.get("value", "")) or values.per_day(cells.get("text", ""))
    if found is None:
        return Reading(lacks=_unread(cells, "max", "unit", "value", "text"))
    most, unit = found
    return Reading({"max": str(most), "unit": unit, "window": "day"}, f"每日最多计费{most}{unit}")


def _interval(cells: Cells) -> Reading:
    most, span = values.number(cells.get("max", "")), values.number(cells.get("days", ""))
    span = span or values.days(cells.get("days", ""))
    written = values.interval(cells.get("text", "")) or values.interval(cells.get("value", ""))
    found = (most, span) if most and span else written
    if found is None:
        return Reading(lacks=_unread(cells, "max", "days", "value", "text"))
    if written and written != found:
        lacks = f"列中写{found[1]}天{found[0]}次,说明写{written[1]}天{written[0]}次,两处不一致,待人工核对"
        return Reading(lacks=lacks)
    return Reading({"max": str(found[0]), "days": str(found[1])}, f"{found[1]}天内最多{found[0]}次")


def _pair(cells: Cells) -> Reading:
    window = values.window(cells.get("window", ""))
    known = {"sub_name": cells.get("sub_name", "")}
    if window is None:
        return Reading(known, lacks=_unread(cells, "window"))
    return Reading(known | {"window": window}, "主项的内涵已包含从项,同一时窗不另收费")


def _group(cells: Cells) -> Reading:
    if not cells.get("value"):
        return Reading(lacks=_unread(cells, "text"))
    return Reading({"group": cells["value"], "rate": "$second_surgery_rate"}, "同组第二及以后手术按规定折价")


def _visit(cells: Cells) -> Reading:
    allowed = _first(values.visits, cells, "value", "text")
    if not isinstance(allowed, tuple):
        return Reading(lacks=_unread(cells, "value", "text"))
    words = {"inpatient": "住院", "emergency": "急诊", "outpatient": "门诊"}
    return Reading({"allow": "|".join(allowed)}, f"限{'或'.join(words[visit] for visit in allowed)}患者")


def _level(cells: Cells) -> Reading:
    found = _first(values.facility, cells, "value", "text")
    if not isinstance(found, dict):
        return Reading(lacks=_unread(cells, "value", "text"))
    first = "首次处方" if "first_prescription" in found else ""
    return Reading(found, f"{first}限{'二三'[int(found['min_level']) - 2]}级及以上医疗机构")


def _indication(cells: Cells) -> Reading:
    said = cells.get("value") or cells.get("text", "")
    lacks = "适应症未对应到诊断编码,待人工填写 dx 后启用"
    return Reading({"dx_text": said} if said else {}, lacks=lacks)


def _second_line(cells: Cells) -> Reading:
    said = cells.get("value") or cells.get("text", "")
    return Reading({"limit_text": said} if said else {}, lacks="一线药未对应到编码,待人工填写 first_items 后启用")


def _internet(_cells: Cells) -> Reading:
    return Reading({"deny": "internet", "always_sent": "$internet_always_sent"}, "超出互联网医院药品支付范围")


def _never(_cells: Cells) -> Reading:
    return Reading({"because": "单味、复方均不予支付的饮片"}, "列入单复方均不予支付清单")


def _listed(_cells: Cells) -> Reading:
    return Reading({}, "列入单方使用不予支付清单")


def _is_remark(cells: Cells) -> bool:
    return plain(cells.get("text", "")).startswith("限")


def _names(word: str) -> Callable[[Cells], bool]:
    return lambda cells: word in plain(cells.get("value") or cells.get("text", ""))


SAID: Final = ("value", "text")

CLASSES: Final[tuple[RuleClass, ...]] = (
    RuleClass("药品区分性别使用", ("限定性别对象", "区分性别", "限定性别", "限性别", "分性别"),
              "drug", "sex_limit", "sex", "name", SAFETY, _sex, needs=SAID),
    RuleClass("医疗服务项目区分性别使用", ("限定性别对象", "区分性别", "限定性别", "限性别", "分性别"),
              "service", "sex_limit", "sex", "code", SAFETY, _sex, needs=SAID),
    RuleClass("药品限儿童使用", ("限儿童使用", "药品限儿童", "限新生儿使用", "限定年龄对象", "限定年龄", "限年龄"),
              "drug", "age_limit", "age", "name", PAYMENT, _age_limit, _is_remark, SAID),
    RuleClass("药品儿童专用", ("儿童专用", "限定年龄对象", "限定年龄", "限年龄"),
              "drug", "age_limit", "age", "name", SAFETY, _age_word, needs=SAID),
    RuleClass("医疗服务项目儿童专用", ("儿童专用", "限定年龄对象"),
              "service", "age_limit", "age", "code", SAFETY, _age_word, needs=SAID),
    RuleClass("医疗服务项目限年龄", ("限定年龄", "限年龄", "限儿童使用", "限新生儿使用"),
              "service", "age_limit", "age", "code", Grade("violation", "warn", "payment"), _age_limit, needs=SAID),
    RuleClass("药品限工伤保险", ("限工伤保险", "限工伤", "限定保险类型", "限保险类型", "限定险种"),
              "drug", "insurance_limit", "ins", "name", PAYMENT, _insurance("work_injury"), _names("工伤")),
    RuleClass("药品限生育保险", ("限生育保险", "限生育", "限定保险类型", "限保险类型", "限定险种"),
              "drug", "insurance_limit", "ins", "name", PAYMENT, _insurance("maternity"), _names("生育")),
    RuleClass("药品限就医方式", ("限就医方式", "限定就医方式", "限定就诊方式", "限就诊方式"),
              "drug", "visit_type_limit", "visit", "name", PAYMENT, _visit, needs=SAID),
    RuleClass("医疗服务项目限就医方式", ("限就医方式", "限定就医方式", "限定就诊方式", "限就诊方式"),
              "service", "visit_type_limit", "visit", "code", PAYMENT, _visit, needs=SAID),
    RuleClass("药品限医疗机构级别", ("限医疗机构级别", "限定医疗机构级别", "限定机构级别", "限机构级别"),
              "drug", "facility_level_limit", "level", "name", PAYMENT, _level, needs=SAID),
    RuleClass("医疗服务项目限医疗机构级别", ("限医疗机构级别", "限定医疗机构级别", "限定机构级别", "限机构级别"),
              "service", "facility_level_limit", "level", "code", PAYMENT, _level, needs=SAID),
    RuleClass("药品限支付疗程", ("限支付疗程", "限定支付疗程", "限定疗程", "限疗程"),
              "drug", "payment_course", "course", "name", PAYMENT, _course, needs=SAID),
    RuleClass("医疗服务项目限支付疗程", ("限支付疗程", "限定支付疗程", "限定疗程", "限疗程"),
              "service", "payment_course", "course", "code", PAYMENT, _course, needs=SAID),
    RuleClass("医疗服务项目重复收费", ("重复收费", "限定重复收费"),
              "service", "duplicate_charge", "dup", "pair", CHARGING, _pair, needs=("window",)),
    RuleClass("医疗服务项目限定频次", ("限定频次", "限频次", "超频次收费", "限定收费频次"),
              "service", "frequency_limit", "freq", "code", CHARGING, _frequency, needs=("max", *SAID)),
    RuleClass("医疗服务项目周期超频次", ("周期超频次", "限定周期", "限周期", "周期频次"),
              "service", "item_interval", "gap", "code", CHARGING, _interval, needs=("max", "days", *SAID)),
    RuleClass("手术项目未按规定折价收费", ("手术项目未按规定折价收费", "限定主次操作", "手术折价", "未按规定折价"),
              "service", "surgery_discount", "discount", "group", Grade("suspicious", "warn", "charging", reason=True),
              _group, needs=("value",)),
    RuleClass("药品限适应症", ("限适应症", "限定适应症", "限适应证", "限定适应证"),
              "drug", "indication", "ind", "name", PAYMENT_REASON, _indication, needs=SAID),
    RuleClass("药品限二线使用", ("限二线", "限定二线", "二线使用", "二线用药"),
              "drug", "step_therapy", "step", "name", PAYMENT_REASON, _second_line, needs=SAID),
    RuleClass("超互联网医院药品支付范围", ("超互联网", "互联网医院药品", "互联网医院支付"),
              "drug", "visit_type_limit", "online", "name", Grade("violation", "block", "safety"), _internet),
    RuleClass("中药饮片单复方均不予支付", ("单复方均不予支付", "单复方均不支付", "单方复方均不"),
              "drug", "never_payable", "never", "name", PAYMENT, _never),
    RuleClass("中药饮片单方使用不予支付", ("单方使用不予支付", "单方不予支付", "单味使用不予支付", "单方不支付"),
              "drug", "single_piece", "single", "class", PAYMENT, _listed),
)  # fmt: skip

BY_TITLE: Final = {one.title: one for one in CLASSES}


def candidates(said: str, subject: Subject) -> tuple[RuleClass, ...]:
    """Return the classes whose name a text holds: those with the longest such name, if they are of one kind."""
    text = plain(said)
    found = {one: max((len(word) for word in (one.title, *one.words) if word in text), default=0) for one in CLASSES}
    found = {one: length for one, length in found.items() if one.subject == subject and length}
    longest = max(found.values(), default=0)
    chosen = tuple(one for one, length in found.items() if length == longest)
    return chosen if len({one.kind for one in chosen}) == 1 else ()
