"""The twelve published workbooks: counts, a pack without faults, and every rule on its own witness."""

from collections import Counter
from pathlib import Path

import pytest

from rules import Rulebook, check
from rules.compiler import examine
from rules.engine import specimen
from service.workbooks.rows import read_book
from tests.workbooks.books import run, table

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "audit-rules" / "liangku_batches_xlsx"
FILES = sorted(FOLDER.glob("*.xlsx"))
pytestmark = pytest.mark.skipif(len(FILES) != 12, reason="the published workbooks are not beside this repository")

ROWS = {
    "药品儿童专用": 271,
    "药品限儿童使用": 11,
    "药品区分性别使用": 481,
    "医疗服务项目儿童专用": 30,
    "医疗服务项目区分性别使用": 390,
    "医疗服务项目重复收费": 900,
    "药品限工伤保险": 9,
    "药品限生育保险": 3,
    "手术项目未按规定折价收费": 7,
    "医疗服务项目限定频次": 67,
    "医疗服务项目限年龄": 1,
    "医疗服务项目限支付疗程": 11,
    "医疗服务项目周期超频次": 14,
    "药品限支付疗程": 30,
}
"""Rules per class; 378 operations make seven groups."""


@pytest.fixture(scope="module")
def books():
    """Return all twelve, read."""
    return [read_book(path) for path in FILES]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """Return the pack they make."""
    from service import cli

    folder = tmp_path_factory.mktemp("packs") / "authority"
    assert 0 == cli.main(["pack", "import", *map(str, FILES), "--into", str(folder), "--apply"])
    return folder


def test_nothing_is_faulty_and_every_row_is_read(books):
    """2,596 rows in all, none of them lost, each class as announced."""
    assert [] == [fault for book in books for fault in book.faults]
    assert 2596 == sum(book.rows for book in books)
    assert ROWS == Counter(draft.rule_class.title for book in books for draft in book.drafts)


def test_every_code_is_kept(books):
    """A pattern or an exact code names each code of the second sheets."""
    held = Counter(len(draft.codes) for book in books for draft in book.drafts if draft.rule_class.subject == "drug")

    assert 4398 + 6472 + 112 + 1147 == sum(size * number for size, number in held.items())


def test_the_pack_has_no_fault_and_no_warning(pack):
    """``pack check`` has nothing to say."""
    assert () == examine(pack).diagnostics


def test_every_rule_fires_on_its_witness_and_is_silent_on_its_near_miss(pack):
    """Rules whose parameters are set fire; the others are not checked."""
    rulebook = Rulebook.build([examine(pack).pack])
    wrong = []
    for entry in rulebook.entries:
        fired = {finding.rule for finding in check(specimen.witness(entry, rulebook), rulebook).findings}
        rested = {finding.rule for finding in check(specimen.near_miss(entry, rulebook), rulebook).findings}
        if (entry.rule.id in fired) is bool(entry.rule.unset) or entry.rule.id in rested:
            wrong.append(entry.rule.id)

    assert [] == wrong
    assert 2224 == len(rulebook.entries)
    assert 8 == sum(bool(entry.rule.unset) for entry in rulebook.entries)


def test_a_row_that_contradicts_itself_is_incomplete(pack):
    """The sixth batch gives 15 days in its column and 14 in its remark for one drug: nobody guesses."""
    rows = table(pack, "payment_course")
    waiting = [row for row in rows.values() if row["status"] == "incomplete"]

    assert ["注射用益气复脉(冻干)"] == [row["name"] for row in waiting]
    assert "导入: 限定值写15天,说明写14天,两处不一致,待人工核对" == waiting[0]["note"]


def test_ids_are_those_of_the_starter_pack(pack):
    """Class and code make the id, so that a rule is the same rule wherever it stands."""
    assert {"sex-002101030280000", "sex-XL02BBA326A001"} <= table(pack, "sex_limit").keys()
    assert "dup-001103000010000-001102000030000" in table(pack, "duplicate_charge")


def test_many_codes_become_families_that_are_one_name_alone(pack):
    """716 codes of one name are three families at most; 益母草颗粒 shares a family and keeps its exact codes."""
    rows = table(pack, "age_limit") | table(pack, "sex_limit")
    items = {row["name"]: row["items"].split("|") for row in rows.values()}

    assert all(item.endswith("*") for item in items["小儿氨酚黄那敏颗粒"])
    assert 377 == len(items["益母草颗粒"])
    assert [] == [item for found in items.values() for item in found if item.endswith("?")]


def test_importing_again_changes_nothing(pack, capsys):
    """The same files once more: not a byte."""
    before = {path.name: path.read_bytes() for path in pack.iterdir()}
    code, said = run(capsys, *FILES, "--into", pack, "--apply", "--effective", "2026-07-01")

    assert (0, before) == (code, {path.name: path.read_bytes() for path in pack.iterdir()})
    assert "新增 0,变更 0,取代 0,不变 2225,保留人工处理 0,工作簿未列 0" in said


@pytest.mark.parametrize(
    ("part", "published", "line"),
    [("重复收费", 900, "公布 900 条,工作簿 900 行: 一致"), ("项目规则库(限定性别", 391, "工作簿 390 行: 不一致,少 1")],
)
def test_the_announced_count_is_compared(part, published, line, tmp_path, capsys):
    """One of the batches was announced with one row more than its workbook holds."""
    file = next(path for path in FILES if part in path.name)
    code, said = run(capsys, file, "--into", tmp_path / "p", "--published", published, "--apply")

    assert line in said
    assert (0 if "一致" in line and "不" not in line else 1) == code
    assert (tmp_path / "p").exists() is (code == 0)
