"""Words of the workbooks as parameters: what is read, and what is left to a person."""

import pytest

from service.workbooks import values
from service.workbooks.ages import age_cell, age_remark
from service.workbooks.layouts import role_of

CHILD = {"max_age": "$child_years", "silent_until": "17y"}


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("新生儿", {"max_age": "28d"}),
        ("婴幼儿", {"max_age": "3y"}),
        ("限婴儿使用", {"max_age": "1y"}),
        ("儿童", CHILD),
        ("28天以内", {"max_age": "28d"}),
        ("12岁以下", {"max_age": "12y"}),
        ("12岁及以下", {"max_age": "12y"}),
        ("未满12周岁", {"max_age": "11y"}),
        ("≥18岁", {"min_age": "18y"}),
        ("6个月至3岁", {"min_age": "6m", "max_age": "3y"}),
        ("３～１２岁", {"min_age": "3y", "max_age": "12y"}),
        ("幼儿", None),
        ("14", None),
        ("", None),
    ],
)
def test_age_cells(text, cells):
    """A cell of ages; a bound left open takes the wider reading (ruling 17)."""
    found = age_cell(text)

    assert cells == (None if found is None else dict(found.cells))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("限3-12岁特发性肺动脉高压患者。", {"min_age": "3y", "max_age": "12y"}),
        ("限5至12岁以下流感儿童患者。", {"min_age": "5y", "max_age": "12y"}),
        ("限3岁及3岁以上儿童患者。", {"min_age": "3y", **CHILD}),
        ("限：1.1岁至14岁儿童哮喘；2.2岁至14岁儿童鼻炎。", {"min_age": "1y", "max_age": "14y"}),
        ("限18岁及以上", {"min_age": "18y"}),
        ("限儿童重症,支付不超过14天", CHILD),
        ("参保人年龄超出法定就业年龄限制", {"min_age": "16y", "max_age": "$working_age"}),
        ("限：1.6岁以上哮喘；2.儿童鼻炎", None),
        ("限成人", None),
        ("限儿童和青少年", None),
        ("限重症患者", None),
    ],
)
def test_age_remarks(text, cells):
    """A running remark: its numbers in years, else its words; days in it are a course."""
    found = age_remark(text)

    assert cells == (None if found is None else dict(found.cells))


def test_an_open_bound_is_said():
    """12岁以下 leaves the twelfth year open, and the note says that nothing is said there."""
    assert "原文写“12岁以下”而未写明是否含本数,满12岁时不提示" == age_cell("12岁以下").note
    assert "" == age_cell("12岁及以下").note


@pytest.mark.parametrize(
    ("cell", "good", "bad"),
    [
        ("002101030280000", ("002101030280000",), ()),
        ("2101030280000", ("002101030280000",), ()),
        ("2101030280000.0", ("002101030280000",), ()),
        ("００２１０１０３０２８００００", ("002101030280000",), ()),
        ("001109000010000-110900001", ("001109000010000",), ()),
        ("xa01aaa001a001010100001", ("XA01AAA001A001010100001",), ()),
        ("ZA01AAA0001010100001、ZA01AAA0001010100002", ("ZA01AAA0001010100001", "ZA01AAA0001010100002"), ()),
        ("T000100001\nT000100002", ("T000100001", "T000100002"), ()),
        ("T000100001；T000100001", ("T000100001",), ()),
        ("02101030280000", (), ("02101030280000",)),
        ("2.10103028e+12", (), ("2.10103028E+12",)),
        ("331101001", (), ("331101001",)),
    ],
)
def test_codes(cell, good, bad):
    """Zeros that a spreadsheet ate come back only where the shape allows one reading."""
    assert (good, bad) == values.codes(cell)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("14天", 14),
        ("十四日", 14),
        ("2周", 14),
        ("12个月", 365),
        ("一年", 365),
        ("3个月", 93),
        ("14", None),
        ("", None),
    ],
)
def test_days(text, days):
    """A month counts the longest month, so that none is cut short."""
    assert days == values.days(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("限脑梗死,支付不超过14天。", 14),
        ("单次住院最多支付14天。", 14),
        ("在发作48小时内开始使用,支付不超过21天", 21),
        ("支付不超过一年,每周最多支付一次。", 365),
        ("总时间不超过90天,评定间隔时间不短于14天。", 90),
        ("首次不超过7天,此后不超过14天", None),
        ("每周一次", None),
    ],
)
def test_course_days(text, days):
    """The one number of days that a sentence pays for."""
    assert days == values.course_days(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("评定间隔时间不短于14天。", (1, 14)),
        ("每周最多支付一次。", (1, 7)),
        ("每15天最多2次", (2, 15)),
        ("反映近2-3周的平均水平。", None),
        ("每月一次", None),
    ],
)
def test_intervals(text, found):
    """How many within how many days."""
    assert found == values.interval(text)


@pytest.mark.parametrize(
    ("amount", "unit", "found"),
    [
        ("1", "日", (1, "次")),
        ("24", "小时", (24, "小时")),
        ("2", "次/日", (2, "次")),
        ("1次/日", "", (1, "次")),
        ("每日不超过24小时", "", (24, "小时")),
        ("2", "日", None),
        ("1", "周", None),
        ("1次/周", "", None),
    ],
)
def test_frequencies(amount, unit, found):
    """A daily limit; several 日, or another window, are left to a person."""
    assert found == values.per_day(amount, unit)


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (values.window, "单日", "day"),
        (values.window, "６小时内", "six_hours"),
        (values.window, "同一小时", "hour"),
        (values.window, "单次就诊", "visit"),
        (values.window, "同一疗程", None),
        (values.sex, "限女性患者", "female"),
        (values.sex, "男", "male"),
        (values.sex, "男女", None),
        (values.insurance, "限工伤保险", "work_injury"),
        (values.insurance, "生育", "maternity"),
        (values.insurance, "居民", None),
        (values.visits, "限急诊或住院患者", ("emergency", "inpatient")),
        (values.visits, "住院", ("inpatient",)),
        (values.visits, "限住院肿瘤患者", None),
        (values.facility, "限二级及以上医疗机构", {"min_level": "2"}),
        (values.facility, "三级医院", {"min_level": "3"}),
        (values.facility, "首次处方限二级及以上医疗机构", {"min_level": "2", "first_prescription": "true"}),
        (
            values.facility,
            "限三级医院眼科或二级及以上眼科专科医院",
            {"min_level": "3", "alt_specialty": "眼科", "alt_level": "2"},
        ),
        (values.facility, "限二级医院", None),
        (values.facility, "限二级及以上医疗机构肿瘤患者", None),
    ],
)
def test_single_words(read, text, found):
    """Words that say nothing but the limit are read; any word besides leaves the cell to a person."""
    assert found == read(text)


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("项目编码", "code"),
        ("国家医保\n编码", "code"),
        ("代 码", "code"),
        ("项目代码(15位)", "code"),
        ("药品名称", "name"),
        ("项目名称*", "name"),
        ("限定频次", "max"),
        ("限定性别", "value"),
        ("限定支付疗程", "value"),
        ("主项编码", "main_code"),
        ("从项名称", "sub_name"),
        ("知识点编号", "point"),
        ("替代知识点编号", "supersedes"),
        ("序号", "serial"),
        ("院内编码", None),
        ("生产企业", None),
    ],
)
def test_column_words(header, role):
    """A header is known by its words, whatever its blanks, breaks and brackets."""
    assert role == role_of(header)
