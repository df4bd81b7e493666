"""Every class of knowledge point: one invented workbook each, into a pack without faults, on its witness."""

import pytest

from rules import Rulebook, check
from rules.compiler import examine
from rules.engine import specimen
from service.workbooks.classes import CLASSES
from tests.workbooks.books import NAMES, PATENT, PIECES, SERVICES, WESTERN, run, table, xlsx

DRUG, SERVICE = ["药品名称", "药品编码"], ["项目名称", "项目编码"]

SHEETS = {
    "药品区分性别使用": [[*DRUG, "限定性别"], [NAMES[0], WESTERN[0], "男"]],
    "医疗服务项目区分性别使用": [[*SERVICE, "限定性别"], ["某检查", SERVICES[0], "女"]],
    "药品限儿童使用": [[*DRUG, "备注"], [NAMES[0], WESTERN[0], "限3-12岁患者。"]],
    "药品儿童专用": [[*DRUG, "限定对象"], [NAMES[0], WESTERN[0], "新生儿"]],
    "医疗服务项目儿童专用": [[*SERVICE, "限定对象"], ["某护理", SERVICES[0], "婴幼儿"]],
    "医疗服务项目限年龄": [[*SERVICE, "备注"], ["某训练", SERVICES[0], "限16岁及以上"]],
    "药品限工伤保险": [[*DRUG, "限定对象"], [NAMES[0], WESTERN[0], "工伤"]],
    "药品限生育保险": [DRUG, [NAMES[0], WESTERN[0]]],
    "药品限就医方式": [[*DRUG, "限定就医方式"], [NAMES[0], WESTERN[0], "限住院"]],
    "医疗服务项目限就医方式": [[*SERVICE, "限定就医方式"], ["某床位", SERVICES[0], "住院"]],
    "药品限医疗机构级别": [[*DRUG, "备注"], [NAMES[0], WESTERN[0], "限二级及以上医疗机构"]],
    "医疗服务项目限医疗机构级别": [[*SERVICE, "限定级别"], ["某移植", SERVICES[0], "三级"]],
    "药品限支付疗程": [[*DRUG, "限定天数(天)"], [NAMES[0], WESTERN[0], 14]],
    "医疗服务项目限支付疗程": [[*SERVICE, "备注"], ["某训练", SERVICES[0], "一个疾病过程支付不超过90天。"]],
    "医疗服务项目重复收费": [
        ["主项名称", "主项编码", "从项名称", "从项编码", "频度"],
        ["某监护", SERVICES[2], "某床位", SERVICES[0], "单日"],
    ],
    "医疗服务项目限定频次": [[*SERVICE, "限定频次"], ["某护理", SERVICES[0], "1次/日"]],
    "医疗服务项目周期超频次": [[*SERVICE, "备注"], ["某评定", SERVICES[0], "间隔时间不短于14天"]],
    "手术项目未按规定折价收费": [[*SERVICE, "手术组"], *(["某术", code, "某手术组"] for code in SERVICES)],
    "药品限适应症": [[*DRUG, "备注"], [NAMES[0], WESTERN[0], "限某病患者"]],
    "药品限二线使用": [[*DRUG, "备注"], [NAMES[0], WESTERN[0], "限二线用药"]],
    "超互联网医院药品支付范围": [DRUG, [NAMES[0], WESTERN[0]], [NAMES[1], PATENT[0]]],
    "中药饮片单复方均不予支付": [["饮片名称", "饮片编码"], ["某片", PIECES[0]]],
    "中药饮片单方使用不予支付": [["饮片名称", "饮片编码"], ["某片", PIECES[0]], ["另片", PIECES[1]]],
}
WAITING = {"药品限适应症", "药品限二线使用"}
"""What these limit is words only: their rows are incomplete."""


def test_every_class_has_its_workbook():
    """A class added without a trial is a class nobody tried."""
    assert [one.title for one in CLASSES] == list(SHEETS)


@pytest.mark.parametrize("one", CLASSES, ids=[one.title for one in CLASSES])
def test_a_class_becomes_rules_that_fire(one, tmp_path, capsys):
    """Named in the title row, read by its own column words, written, checked, fired."""
    rows = [[f"附件: {one.title}知识点明细"], *SHEETS[one.title]]
    file = xlsx(tmp_path / "明细.xlsx", {"Sheet1": rows})
    pack = tmp_path / "p"
    code, said = run(capsys, file, "--into", pack, "--citation", "notice-1", "--apply")
    held = table(pack, one.kind)

    assert 0 == code, said
    assert {one.title} == {row["title"] for row in held.values()}
    assert {"incomplete" if one.title in WAITING else "active"} == {row["status"] for row in held.values()}
    assert () == examine(pack).diagnostics
    rulebook = Rulebook.build([examine(pack).pack])
    for entry in rulebook.entries:
        fired = {finding.rule for finding in check(specimen.witness(entry, rulebook), rulebook).findings}
        assert (entry.rule.id in fired) is not bool(entry.rule.unset)
    assert (len(rulebook.entries) == 0) is (one.title in WAITING)


@pytest.mark.parametrize(
    ("name", "column", "title"),
    [
        ("医疗服务项目周期频次", ("备注", "间隔时间不短于14天"), "医疗服务项目周期超频次"),
        ("“医疗服务项目限疗程”规则", ("备注", "支付不超过30天"), "医疗服务项目限支付疗程"),
        ("医疗服务项目限频次", ("频次", "1次/日"), "医疗服务项目限定频次"),
    ],
)
def test_a_renamed_class_is_the_same_class(name, column, title, tmp_path, capsys):
    """Between batches a class changes its name; its rules stay of one class."""
    file = xlsx(tmp_path / "第九批.xlsx", {name: [[*SERVICE, column[0]], ["某项", SERVICES[0], column[1]]]})
    code, said = run(capsys, file, "--into", tmp_path / "p")

    assert 0 == code, said
    assert f"  {title} 1 条" in said


def test_the_class_may_be_named_by_hand(tmp_path, capsys):
    """A file that names none is refused, and read when told."""
    file = xlsx(tmp_path / "第九批.xlsx", {"Sheet1": [[*SERVICE, "备注"], ["某项", SERVICES[0], "支付不超过30天"]]})
    code, said = run(capsys, file, "--into", tmp_path / "p")

    assert 1 == code
    assert "第2行: 从限定类型、标题、工作表名和文件名认不出是哪一类服务项目规则。请用 --class 写明规则类别" in said
    assert 0 == run(capsys, file, "--into", tmp_path / "p", "--class", "医疗服务项目限支付疗程")[0]
    assert 1 == run(capsys, file, "--into", tmp_path / "p", "--class", "没有这一类")[0]


@pytest.mark.parametrize(
    ("title", "row", "note"),
    [
        ("药品区分性别使用", ["不限"], "原文 “不限” 不能读成参数,待人工补全"),
        ("医疗服务项目周期超频次", ["每月一次"], "原文 “每月一次” 不能读成参数,待人工补全"),
    ],
)
def test_what_is_not_understood_is_listed_and_never_guessed(title, row, note, tmp_path, capsys):
    """Such a row is incomplete with its own words in the note."""
    words, code = (DRUG, WESTERN[0]) if title.startswith("药品") else (SERVICE, SERVICES[0])
    file = xlsx(tmp_path / "第九批.xlsx", {title: [[*words, "说明", "限定对象"], ["某项", code, "", *row]]})
    result, said = run(capsys, file, "--into", tmp_path / "p", "--apply")
    (held,) = table(tmp_path / "p", next(one.kind for one in CLASSES if one.title == title)).values()

    assert (0, "incomplete", f"导入: {note}") == (result, held["status"], held["note"])
    assert "其中不完整 1 条" in said
