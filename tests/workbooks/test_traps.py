"""Workbooks as people make them: merged cells, numbers for codes, titles, totals, notes, sheets in any order."""

import pytest

from tests.workbooks.books import NAMES, PATENT, SERVICES, WESTERN, drugs, run, sexes, table, xls, xlsx

BATCH = "第一批 项目规则库(限定性别对象).xlsx"
DRUGS = "第一批 药品规则库(限定性别对象).xlsx"
LIMITED = (NAMES[0], "说明书文字", "限定性别对象", "男", WESTERN[:2])
HEAD = ["项目名称", "国标代码", "限定性别"]


def imported(file, tmp_path, capsys, *more):
    """Import into a new pack and return the rows of its sex table by id."""
    code, said = run(capsys, file, "--into", tmp_path / "p", "--apply", *more)
    assert 0 == code, said
    return table(tmp_path / "p", "sex_limit")


def refused(file, tmp_path, capsys, *more):
    """Return what a refused import said; nothing was written."""
    code, said = run(capsys, file, "--into", tmp_path / "p", "--apply", *more)
    assert 1 == code, said
    assert not (tmp_path / "p").exists()
    return said


@pytest.mark.parametrize("write", [xlsx, xls])
def test_both_file_formats_read_alike(write, tmp_path, capsys):
    """.xlsx and .xls: the file's content decides, not its name."""
    path = tmp_path / "第一批 项目规则库(限定性别对象).any"
    rows = imported(write(path, {"Sheet1": sexes(["某检查", SERVICES[0], "男"])}), tmp_path, capsys)

    assert {"sex-002101030280000": "male"} == {name: row["sex"] for name, row in rows.items()}


@pytest.mark.parametrize("write", [xlsx, xls])
def test_codes_taken_for_numbers_come_back(write, tmp_path, capsys):
    """The two zeros a spreadsheet ate are put back."""
    file = write(tmp_path / BATCH, {"Sheet1": sexes(["某检查", 2101030280000, "男"])})

    assert "002101030280000" == imported(file, tmp_path, capsys)["sex-002101030280000"]["items"]


def test_a_code_that_may_be_several_is_an_error(tmp_path, capsys):
    """Fourteen digits may have lost any zero; the message names file, sheet, row, column and what to do."""
    file = xlsx(tmp_path / BATCH, {"明细": sexes(["某检查", SERVICES[0], "男"], ["另检查", 33110100100001, "女"])})
    said = refused(file, tmp_path, capsys)

    assert (
        f"  {BATCH},工作表“明细”,第3行,“国标代码”列: “33110100100001”不是国家编码。服务项目15位数字,"
        "西药X加22位,中成药Z加19位,饮片T加9位;请把该列设为文本格式后重新填写。" in said
    )
    assert "有错误的行,请先改正;要跳过它们只导入其余,请加 --skip-faulty\n未写入任何内容" in said


def test_faulty_rows_are_skipped_when_told(tmp_path, capsys):
    """The other rows go in, the fault is still listed."""
    file = xlsx(tmp_path / BATCH, {"明细": sexes(["某检查", SERVICES[0], "男"], ["另检查", "?", "女"])})

    assert ["sex-002101030280000"] == list(imported(file, tmp_path, capsys, "--skip-faulty"))


def test_several_codes_in_one_cell(tmp_path, capsys):
    """Commas, semicolons, 、 and line breaks part them."""
    rows = drugs((*LIMITED[:4], [f"{WESTERN[0]}、{WESTERN[1]}\n{WESTERN[2]},{PATENT[0]};{PATENT[1]}"]))

    (row,) = imported(xlsx(tmp_path / DRUGS, rows), tmp_path, capsys).values()
    assert [*WESTERN, *PATENT] == row["items"].split("|")


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_merged_cells_count_for_every_row_they_cover(kind, tmp_path, capsys):
    """One name over several codes, one limit over several names; a title over all columns."""
    rows = [["附件1", "", ""], HEAD, ["某检查", SERVICES[0], "男"], ["", SERVICES[1], ""], ["另检查", SERVICES[2], ""]]
    if kind == "xlsx":
        file = xlsx(tmp_path / BATCH, {"S": rows}, merged=["A1:C1", "A3:A4", "C3:C5"])
    else:
        rows[0][0] = rows[2][0] = rows[2][2] = ""
        merged = [(0, 0, 0, 2, "附件1"), (2, 3, 0, 0, "某检查"), (2, 4, 2, 2, "男")]
        file = xls(tmp_path / BATCH, {"S": rows}, merged)
    found = imported(file, tmp_path, capsys)

    assert [("另检查", "male"), ("某检查", "male"), ("某检查", "male")] == sorted(
        (row["name"], row["sex"]) for row in found.values()
    )


def test_a_header_in_two_rows(tmp_path, capsys):
    """主项 and 从项 above, 名称 and 编码 below."""
    rows = [
        ["序号", "主项", "", "从项", "", "频度"],
        ["", "名称", "编码", "名称", "编码", ""],
        [1, "某监护", SERVICES[2], "某床位", SERVICES[0], "单日"],
    ]
    file = xlsx(tmp_path / "第七批 重复收费.xlsx", {"S": rows}, merged=["A1:A2", "B1:C1", "D1:E1", "F1:F2"])
    code, said = run(capsys, file, "--into", tmp_path / "p", "--apply")

    assert 0 == code, said
    (row,) = table(tmp_path / "p", "duplicate_charge").values()
    assert (SERVICES[2], SERVICES[0], "day") == (row["items"], row["sub"], row["window"])


def test_titles_totals_notes_and_repeated_headers_are_no_rows(tmp_path, capsys):
    """What stands above, below and between the rows is not imported and not lost: it is listed."""
    rows = [
        ["国家医保局知识点明细"],
        [],
        ["项 目\n名称", "国标代码（15位）", "限定性别"],
        ["某检查", SERVICES[0], "男"],
        ["项 目\n名称", "国标代码（15位）", "限定性别"],
        ["另检查", SERVICES[1], "女"],
        ["合计", "2", ""],
        ["备注：各地须本地化。"],
    ]
    file = xlsx(tmp_path / BATCH, {"S": rows})
    code, said = run(capsys, file, "--into", tmp_path / "p")

    assert 0 == code, said
    assert f"{BATCH}: 知识点 2 行,规则 2 条,编码 2 个" in said
    assert "  合计行: 2,读到 2 行\n  附注: 备注：各地须本地化。\n" in said


def test_a_total_that_does_not_agree_is_an_error(tmp_path, capsys):
    """The table's own count is compared with its rows, and no row is skipped to make it fit."""
    rows = [HEAD, ["某检查", SERVICES[0], "男"], ["合计：3条", "", ""]]
    said = refused(xlsx(tmp_path / BATCH, {"S": rows}), tmp_path, capsys, "--skip-faulty")

    assert f"{BATCH},工作表“S”: 合计行写 3,读到 1 行。请核对是否有行缺失或重复。" in said


def test_the_sheet_of_codes_may_come_first(tmp_path, capsys):
    """Columns say which sheet is which, not place or name."""
    sheets = drugs(LIMITED)
    file = xlsx(tmp_path / DRUGS, {"编码": sheets["Sheet2"], "知识点": sheets["Sheet1"]})

    assert ["sex-XA01AAA001A001"] == list(imported(file, tmp_path, capsys))


def test_one_sheet_with_a_row_per_code(tmp_path, capsys):
    """The same name on several rows is one knowledge point with several codes."""
    rows = [["药品名称", "药品代码", "限定对象"], *([NAMES[0], code, "男"] for code in WESTERN)]
    (row,) = imported(xlsx(tmp_path / DRUGS, {"S": rows}), tmp_path, capsys).values()

    assert WESTERN == row["items"].split("|")


@pytest.mark.parametrize("count", [20, 21])
def test_few_codes_are_written_out_and_many_by_family(count, tmp_path, capsys):
    """A family is written only where no other name of the workbook has a code of it."""
    shared = [f"XA01AAA001A0010101{number:05}" for number in range(count)]
    alone = [f"XB01AAA001A0010101{number:05}" for number in range(count)]
    sheets = drugs(
        ("甲片", "", "限定性别对象", "男", shared),
        ("乙片", "", "限定性别对象", "女", ["XA01AAA001A001990100001"]),
        ("丙片", "", "限定性别对象", "女", alone),
    )
    rows = imported(xlsx(tmp_path / DRUGS, sheets), tmp_path, capsys)
    items = {row["name"]: row["items"].split("|") for row in rows.values()}

    assert (shared, ["XA01AAA001A001990100001"]) == (items["甲片"], items["乙片"])
    assert (alone if count == 20 else ["XB01AAA001A001*"]) == items["丙片"]


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        (drugs((*LIMITED[:4], [])), "工作表“Sheet1”,第2行,“名称”列: “某男用片”没有编码。"),
        (
            {**drugs(LIMITED), "Sheet2": [["药品通用名", "国标代码"], [NAMES[0], WESTERN[0]], ["没有", WESTERN[1]]]},
            "工作表“Sheet2”,第3行,“名称”列: 编码表里的“没有”在知识点表里没有。",
        ),
        (
            {**drugs(LIMITED), "Sheet2": [["药品通用名", "国标代码"], [NAMES[0], WESTERN[0]], ["", WESTERN[1]]]},
            "工作表“Sheet2”,第3行,“药品通用名”列: “药品通用名”是空的。",
        ),
        (
            drugs(LIMITED, (NAMES[1], "", "限定性别对象", "女", WESTERN[1:])),
            f"第3行: 编码 {WESTERN[1]} 已列在“某男用片”(第2行)名下。",
        ),
        (
            drugs(LIMITED, (NAMES[0], "", "限定性别对象", "女", WESTERN[:1])),
            "第3行: “某男用片”与第2行是同一知识点,限定内容却不同。",
        ),
    ],
    ids=["no-code", "unknown-name", "no-name", "code-twice", "contradiction"],
)
def test_rows_that_do_not_agree_are_errors(sheets, message, tmp_path, capsys):
    """Sheets that do not join, codes under two names, and limits that contradict each other."""
    assert message in refused(xlsx(tmp_path / DRUGS, sheets), tmp_path, capsys)


def test_of_contradicting_rows_none_is_imported(tmp_path, capsys):
    """Skipping faults never means picking one of two."""
    sheets = drugs(LIMITED, (NAMES[0], "", "限定性别对象", "女", WESTERN[:1]), (NAMES[1], "", "", "女", PATENT))
    rows = imported(xlsx(tmp_path / DRUGS, sheets), tmp_path, capsys, "--skip-faulty")

    assert [NAMES[1]] == [row["name"] for row in rows.values()]


def test_a_sheet_that_is_not_understood_lists_what_it_saw(tmp_path, capsys):
    """Headers seen, words expected; skipping rows does not skip a sheet."""
    file = xlsx(tmp_path / BATCH, {"S": [["甲", "乙"], ["丙", "丁"]]})
    said = refused(file, tmp_path, capsys, "--skip-faulty")

    assert f"{BATCH},工作表“S”: 找不到能看懂的表头,看到的是 “甲”、“乙”。请让表头在前10行内" in said
    assert "项目编码、项目名称" in said
    assert "有读不懂的文件或工作表" in said


def test_a_column_that_the_class_needs_is_asked_for(tmp_path, capsys):
    """A table of names and codes says nothing of a sex."""
    said = refused(xlsx(tmp_path / BATCH, {"S": [HEAD[:2], ["某检查", SERVICES[0]]]}), tmp_path, capsys)

    assert "“医疗服务项目区分性别使用”缺少限定内容的列,看到的列是 项目名称、国标代码。请补上其中一列: " in said


def test_hidden_sheets_and_pages_of_text_are_named(tmp_path, capsys):
    """What is not read is said."""
    sheets = {"S": sexes(["某检查", SERVICES[0], "男"]), "旧": sexes(["x", "1", "男"]), "说明": [["一段文字"]]}
    file = xlsx(tmp_path / BATCH, sheets, hidden=["旧"])
    code, said = run(capsys, file, "--into", tmp_path / "p")

    assert 0 == code, said
    assert "工作表“旧”是隐藏的,未读" in said
    assert "工作表“说明”只有文字,未读" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"<html><table></table></html>",
            "扩展名是 Excel,内容其实是网页或文本。请用表格软件打开,另存为 .xlsx 后再导入。",
        ),
        (b"hello", "不是能读的 Excel 工作簿。"),
        (b"PK\x03\x04cut off", "不是能读的 Excel 工作簿。"),
        (None, "读不了这个文件("),
    ],
)
def test_files_that_are_no_workbooks(content, message, tmp_path, capsys):
    """A page saved as .xls, rubbish, and nothing at all."""
    file = tmp_path / "第一批.xls"
    if content is not None:
        file.write_bytes(content)

    assert f"第一批.xls: {message}" in refused(file, tmp_path, capsys)


def test_a_file_without_a_batch_needs_a_citation(tmp_path, capsys):
    """Every rule rests on something: the batch it names, or what the user names."""
    file = xlsx(tmp_path / "项目规则库(限定性别对象).xlsx", {"S": sexes(["某检查", SERVICES[0], "男"])})

    assert "看不出是第几批,规则没有依据可引。请用 --citation 写明依据编号。" in refused(file, tmp_path, capsys)
    assert ["notice-1"] == [
        row["citation"] for row in imported(file, tmp_path, capsys, "--citation", "notice-1").values()
    ]


@pytest.mark.parametrize("row", [["末项", "", ""], ["", SERVICES[1], ""]], ids=["name-only", "code-only"])
def test_a_last_row_that_lost_its_cells_is_no_note(row, tmp_path, capsys):
    """What may be a knowledge point is never put aside as a remark."""
    said = refused(xlsx(tmp_path / BATCH, {"S": [HEAD, ["某检查", SERVICES[0], "男"], row]}), tmp_path, capsys)

    assert "第3行" in said
    assert "是空的。请补全;合并单元格拆开后每行都要有。" in said


def test_line_breaks_in_cells_do_not_reach_the_pack(tmp_path, capsys):
    """A narrow column broke the name; the pack holds it in one line."""
    file = xlsx(tmp_path / BATCH, {"S": sexes(["某检\n查(甲 乙)", SERVICES[0], "男"])})

    assert ["某检查(甲 乙)"] == [row["name"] for row in imported(file, tmp_path, capsys).values()]
