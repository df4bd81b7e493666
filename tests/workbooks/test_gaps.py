"""The hospital's item dictionary against what was imported."""

import csv
import io

import pytest

from tests.workbooks.books import SERVICES, run, sexes, xlsx

BATCH = "第一批 项目规则库(限定性别对象).xlsx"
ROWS = sexes(["某检查", SERVICES[0], "男"], ["另检查", SERVICES[1], "女"], ["三检查", SERVICES[2], "女"])
HEAD = "院内编码,国家编码,名称\n"


@pytest.fixture
def compared(tmp_path, capsys):
    """Return a function that previews an import beside a dictionary."""

    def comparing(content, *more):
        items = tmp_path / "items.csv"
        items.write_bytes(content)
        file = xlsx(tmp_path / BATCH, {"S": ROWS})
        return run(capsys, file, "--into", tmp_path / "p", "--items", items, *more)

    return comparing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_gaps_both_ways(encoding, compared):
    """Items without a national code, with one that cannot be read, and knowledge points the hospital does not have."""
    code, said = compared((HEAD + f"H1,{SERVICES[0]},某检查\nH2,,另检查\nH3,33110,别的\n").encode(encoding))

    assert 0 == code, said
    assert (
        "院内字典 3 项\n"
        "院内项目没有国家编码 1 条:\n  H2 sex-002101030300000 另检查 与这个知识点同名,对上编码后即可判断\n"
        "院内项目的国家编码读不出 1 条:\n  H3 别的\n"
        "院内没有这个知识点的项目 2 条:\n"
        "  sex-002101030300000 另检查 院内 H2 同名而未对码\n"
        "  sex-001103000010000 三检查\n" in said
    )


def test_every_gap_can_be_written(tmp_path, compared):
    """A work list for the hospital, in a table that spreadsheets read."""
    target = tmp_path / "gaps.csv"
    _, said = compared((HEAD + f"H1,{SERVICES[0]},某检查\nH2,,另检查\n").encode(), "--gaps", target)
    text = target.read_bytes().decode("utf-8-sig")

    assert f"全部缺口已写入 {target}" in said
    assert [
        ["缺口", "院内编码", "国家编码", "名称", "规则编号", "提示"],
        ["院内项目没有国家编码", "H2", "", "另检查", "sex-002101030300000", "与这个知识点同名,对上编码后即可判断"],
        ["院内没有这个知识点的项目", "", SERVICES[1], "另检查", "sex-002101030300000", "院内 H2 同名而未对码"],
        ["院内没有这个知识点的项目", "", SERVICES[2], "三检查", "sex-001103000010000", ""],
    ] == list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "head",
    ["项目编码,医保编码,项目名称\n", "HIS编码,国家医保代码,药品名称\n", "hospital_code,national_code,name\n"],
)
def test_columns_by_their_words(head, compared):
    """Whatever the hospital calls them; eaten zeros come back here too."""
    assert "院内没有这个知识点的项目 2 条" in compared((head + "H1,2101030280000,某检查\n").encode())[1]


def test_a_dictionary_that_is_not_understood(compared, tmp_path, capsys):
    """Its header is shown; a file that is not there is said."""
    assert (
        "items.csv,第1行: 字典的表头看不懂,看到的是 a、b。第一行要有院内编码、国家编码、名称三列。"
        in compared(b"a,b\n")[1]
    )
    file = tmp_path / BATCH
    assert (
        "none.csv: 读不了这个文件(" in run(capsys, file, "--into", tmp_path / "p", "--items", tmp_path / "none.csv")[1]
    )
