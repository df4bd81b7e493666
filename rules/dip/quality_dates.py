"""Settlement-list checks of dates and durations: upload, stay, operations, nursing, intensive care, ventilator (6.2).

The stay counts calendar days from admission to discharge, the two ends as one; nothing can fill more days than the
calendar days with both ends counted.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rules.dip.quality_facts import QualityFinding
from rules.dip.quality_view import Operated, Record, called, day_words, found, lacking

MINUTES_OF_A_DAY: Final = 1_440
LONG_VENTILATION_MINUTES: Final = 96 * 60
INVASIVE_VENTILATION: Final = "96.7"
SHORT_VENTILATION: Final = "96.71"
LONG_VENTILATION: Final = "96.72"
VENTILATION: Final = (INVASIVE_VENTILATION, "93.90")
"""Invasive and non-invasive ventilation."""


def upload(record: Record) -> Iterator[QualityFinding]:
    """The list was sent within the scheme's days of discharge."""
    facts, most = record.facts, record.quality.upload_days
    missing = [name for name in ("uploaded", "discharged") if getattr(facts, name) is None]
    if facts.uploaded is None or facts.discharged is None:
        yield lacking("late_upload", *missing)
        return
    days = (facts.uploaded.date() - facts.discharged.date()).days
    if days > most:
        words = (
            f"{day_words(facts.discharged)}出院,{day_words(facts.uploaded)}上传清单,相隔 {days} 天,超过 {most} 天。"
            "请按时上传。"
        )
        yield found("late_upload", words, ("uploaded", "discharged"), "violation")


def order(record: Record) -> Iterator[QualityFinding]:
    """Admission is before discharge, discharge before upload, and none before birth."""
    facts = record.facts
    begin, end, sent = facts.admitted, facts.discharged, facts.uploaded
    missing = [name for name in ("admitted", "discharged") if getattr(facts, name) is None]
    if missing:
        yield lacking("date_order", *missing)
    if begin and end and _before(end, begin, timed=facts.stay_timed):
        words = f"出院时间{day_words(end)}早于入院时间{day_words(begin)}。请核对。"
        yield found("date_order", words, ("admitted", "discharged"), "violation")
    if end and sent and sent.date() < end.date():
        words = f"上传时间{day_words(sent)}早于出院时间{day_words(end)}。请核对。"
        yield found("date_order", words, ("uploaded", "discharged"))
    if facts.born is None:
        yield lacking("before_birth", "born")
    elif begin and begin.date() < facts.born:
        words = f"入院时间{day_words(begin)}早于出生日期{day_words(facts.born)}。请核对。"
        yield found("before_birth", words, ("admitted", "born"), "violation")


def _before(one: datetime, other: datetime, *, timed: bool) -> bool:
    return one < other if timed else one.date() < other.date()


def stay(record: Record) -> Iterator[QualityFinding]:
    """The stated length of stay is that of the dates."""
    stated = record.facts.stated_days
    if stated is None:
        return
    if record.stay is None:
        if record.facts.admitted is None or record.facts.discharged is None:
            yield lacking("stay_mismatch", "admitted", "discharged")
        return
    apart = (record.stay[1] - record.stay[0]).days
    days = max(1, apart)
    if stated != days:
        both_ends = stated == apart + 1
        why = "入院日和出院日应只计 1 天" if both_ends else "请核对"
        words = f"清单住院天数为 {stated} 天,按入院、出院日期计算为 {days} 天。{why}。"
        yield found("stay_mismatch", words, ("stated_days",), "notice" if both_ends else "suspicious")


def operations(record: Record) -> Iterator[QualityFinding]:
    """Every operation lies within the stay, ends after it begins, and not before birth."""
    undated = [done for done in record.operations if done.line.began is None]
    if undated:
        yield lacking("operation_outside_stay", "began")
    for done in record.operations:
        yield from _operation(done, record)


def _operation(done: Operated, record: Record) -> Iterator[QualityFinding]:
    began, ended, facts = done.line.began, done.line.ended, record.facts
    if began is None:
        return
    name, fields = called(done.line.code, done.line.name), (done.field,)
    if ended is not None and _before(ended, began, timed=done.line.timed):
        words = f"手术操作{name}的结束时间早于开始时间。请核对。"
        yield found("operation_order", words, fields, "violation")
    if facts.born is not None and began.date() < facts.born:
        words = f"手术操作{name}日期{day_words(began)}早于出生日期{day_words(facts.born)}。请核对。"
        yield found("before_birth", words, (*fields, "born"), "violation")
    elif facts.admitted is not None and began.date() < facts.admitted.date():
        words = f"手术操作{name}日期{day_words(began)}早于入院日期{day_words(facts.admitted)}。请核对。"
        yield found("operation_outside_stay", words, (*fields, "admitted"))
    if facts.discharged is not None and began.date() > facts.discharged.date():
        words = f"手术操作{name}日期{day_words(began)}晚于出院日期{day_words(facts.discharged)}。请核对。"
        yield found("operation_outside_stay", words, (*fields, "discharged"), "violation")


def durations(record: Record) -> Iterator[QualityFinding]:
    """Nursing, intensive care and ventilation fit into the stay."""
    longest, facts, icu = record.longest, record.facts, record.case.icu_days
    if longest is None:
        return
    nursing = sum((facts.nursing_days or {}).values())
    if nursing > longest:
        words = f"各级护理天数合计 {nursing} 天,超过住院的 {longest} 个日历天。请核对护理天数。"
        yield found("nursing_exceeds_stay", words, ("nursing_days",))
    if icu is not None and icu > longest:
        words = f"重症监护 {icu} 天,超过住院的 {longest} 个日历天。请核对重症监护进出时间。"
        yield found("icu_exceeds_stay", words, ("case.icu_days",), "violation")
    minutes = facts.ventilator_minutes
    if minutes is not None and minutes > longest * MINUTES_OF_A_DAY:
        words = f"呼吸机使用 {_hours(minutes)},超过住院的 {longest} 个日历天。请核对。"
        yield found("ventilator_exceeds_stay", words, ("ventilator_minutes",), "violation")


def ventilator(record: Record) -> Iterator[QualityFinding]:
    """Ventilation codes and the stated time of ventilation agree."""
    minutes = record.facts.ventilator_minutes
    coded = [done for done in record.operations if done.code.startswith(VENTILATION)]
    invasive = [done for done in coded if done.code.startswith(INVASIVE_VENTILATION)]
    if minutes and not coded and record.facts.operations is not None:
        words = f"填写呼吸机使用 {_hours(minutes)},但没有机械通气操作编码。请核对是否漏填操作或误填时间。"
        yield found("ventilator_code_mismatch", words, ("ventilator_minutes", "operations"))
    if invasive and minutes is None:
        yield lacking("ventilator_code_mismatch", "ventilator_minutes")
    if minutes is None:
        return
    for done in invasive:
        name = called(done.line.code, done.line.name)
        if done.code.startswith(LONG_VENTILATION) and minutes < LONG_VENTILATION_MINUTES:
            words = f"操作{name}表示不少于 96 小时,而填写的呼吸机使用时间为 {_hours(minutes)}。请核对。"
            yield found("ventilator_code_mismatch", words, (done.field, "ventilator_minutes"))
        elif done.code.startswith(SHORT_VENTILATION) and minutes >= LONG_VENTILATION_MINUTES and len(coded) == 1:
            words = f"操作{name}表示不足 96 小时,而填写的呼吸机使用时间为 {_hours(minutes)}。请核对是否连续使用。"
            yield found("ventilator_code_mismatch", words, (done.field, "ventilator_minutes"), "notice")


def readmission(record: Record) -> Iterator[QualityFinding]:
    """A planned readmission says what for."""
    if record.facts.readmission_planned and not record.facts.readmission_purpose:
        words = "填写有出院31天内再住院计划,但没有填写目的。请补填。"
        yield found("readmission_purpose_missing", words, ("readmission_purpose",), "notice")


def _hours(minutes: int) -> str:
    """Return a time of ventilation exactly: 95 hours and 59 minutes are not 96 hours."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} 小时 {rest} 分钟" if rest else f"{hours} 小时"
