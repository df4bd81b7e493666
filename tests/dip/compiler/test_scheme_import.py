"""``dipcheck scheme import``: other people's tables, recognised, previewed, written whole or not at all, undone."""

from pathlib import Path

import pytest

from rules.dip.compiler import compile_scheme
from service.cli import main
from service.scheme_files.importing.headings import HEADINGS, meaning
from service.scheme_files.importing.values import translated
from tests.dip.compiler.schemes import SCHEME, rows
from tests.workbooks.books import xls, xlsx

REAL = Path(__file__).parents[4] / "shared" / "data" / "dip"
HEADER = ["序号", "病种编码", "病种名称", "主要诊断编码", "主要诊断名称", "主要手术操作编码", "相关手术操作编码",
          "分值", "次均费用(元)", "一级系数", "二级系数", "三级系数", "基层病种"]  # fmt: skip
STONES = ["1", "K80.1-1", "胆囊结石:胆囊切除", "K80.1", "胆囊结石伴胆囊炎", "51.2300/51.2400", "-",
          "1,000.5", "12345.67", "0.6", "0.8", "1", "否"]  # fmt: skip
PNEUMONIA = ["2", "J18.9-0", "肺炎:保守治疗", "J18.9", "肺炎", "保守治疗", "", "420", "5200", "1", "1", "1", "是"]
CATALOGUE = [HEADER, STONES, PNEUMONIA]
TIDY = (
    "group,name,class,dx,main_op,related_op,score,mean_cost,coefficient_1,coefficient_2,coefficient_3\n"
    "K80.1-1,胆囊结石:胆囊切除,,K80.1,51.2300/51.2400,,1000.5,12345.67,0.6,0.8,1\n"
    "J18.9-0,肺炎:保守治疗,primary_care,J18.9,,,420,5200,1,1,1\n"
)


def csv_file(path: Path, table: list[list[str]], encoding: str = "utf-8") -> Path:
    text = "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in table)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A scheme without a catalogue."""
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
    return folder


class Run:
    """Runs the command and keeps what it printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str]:
        code = main(["scheme", "import", *map(str, arguments), "--into", str(self.folder)])
        said = self.capsys.readouterr()
        return code, said.out + said.err

    def held(self, name: str = "catalogue.csv") -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture
def run(city: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(city, capsys)


class TestPreview:
    """Nothing is written unless it is asked for."""

    def test_headings_rows_and_what_would_change(self, run: Run, tmp_path: Path) -> None:
        """How headings were understood, the sums, the rows, and that nothing was written."""
        code, said = run(csv_file(tmp_path / "目录.csv", CATALOGUE))

        assert code == 0
        assert "目录.csv → catalogue.csv: 2 行" in said
        for line in ("病种编码 → group", "次均费用(元) → mean_cost", "基层病种 → class", "三级系数 → coefficient_3"):
            assert f"  {line}\n" in said
        assert "主要诊断名称" not in said
        assert "catalogue.csv: 新增 2,变更 0,删除 0,保留 0,不变 0,拒绝 0" in said
        assert "新增 K80.1-1 胆囊结石:胆囊切除 K80.1" in said
        assert said.endswith("预览,未写入;核对后加 --write 写入\n")
        assert not (run.folder / "catalogue.csv").exists()

    def test_headings_that_are_not_known_are_named(self, run: Run, tmp_path: Path) -> None:
        """With how many rows say something under them: what is not read may matter."""
        table = [["病种编码", "主要诊断编码", "特殊条件"], ["K1", "K80", "限儿童"], ["K2", "K81", ""]]

        assert "  特殊条件: 不认得,未读(1 行有内容)\n" in run(csv_file(tmp_path / "a.csv", table))[1]

    def test_warnings_of_the_result(self, run: Run, tmp_path: Path) -> None:
        """What the scheme's check would say is said before anything is written."""
        table = [["病种编码", "主要诊断编码", "一级系数", "三级系数"], ["K1", "K80", "", "1"]]

        code, said = run(csv_file(tmp_path / "a.csv", table))

        assert code == 0
        assert "`K1` has no coefficient at level 1, 2" in said


class TestWrite:
    """``--write``."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_csv(self, run: Run, tmp_path: Path, encoding: str) -> None:
        """Words, numbers and dashes become the scheme's own; the result compiles."""
        code, said = run(csv_file(tmp_path / "a.csv", CATALOGUE, encoding), "--write")

        assert code == 0
        assert f"已写入 {run.folder}/catalogue.csv: 新增 2,变更 0,删除 0;--undo 可撤销" in said
        assert TIDY == run.held()
        scheme = compile_scheme(run.folder)
        assert ["primary_care", "core"] == [group.kind for group in scheme.groups]
        assert (("51.2300", "51.2400"),) == scheme.rows[0].main

    def test_xlsx(self, run: Run, tmp_path: Path) -> None:
        """A title above the headings, numbers as numbers, a note below, a hidden sheet."""
        numbers = [[*row[:7], float(row[7].replace(",", "")), float(row[8]), *map(float, row[9:12]), row[12]]
                   for row in (STONES, PNEUMONIA)]  # fmt: skip
        note = ["注:本目录自 2026 年 1 月 1 日起执行,解释权归经办机构"]
        sheets = {"目录": [["某市病种目录"], HEADER, *numbers, ["合计", 2], note], "备用": CATALOGUE}
        book = xlsx(tmp_path / "a.xlsx", sheets, hidden={"备用"})

        code, said = run(book, "--write")

        assert code == 0
        assert "a.xlsx 工作表“目录” → catalogue.csv: 2 行" in said
        assert "工作表“备用”是隐藏的,未读" in said
        assert "不是病种的行,未读: 第5行: 合计" in said
        assert TIDY == run.held()

    def test_xls(self, run: Run, tmp_path: Path) -> None:
        """The older format too."""
        assert run(xls(tmp_path / "a.xls", {"目录": CATALOGUE}), "--write")[0] == 0
        assert TIDY == run.held()

    def test_tabs_and_semicolons(self, run: Run, tmp_path: Path) -> None:
        """Other separators are known by the headings."""
        (tmp_path / "a.csv").write_text("病种编码\t主要诊断编码\nK1\tK80、K81\n", encoding="utf-8")

        assert run(tmp_path / "a.csv", "--write")[0] == 0
        assert "group,dx\nK1,K80|K81\n" == run.held()

    def test_a_new_scheme(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A folder that is not there becomes a scheme of that name, with a step for each layer."""
        new = Run(tmp_path / "new-city", capsys)
        table = [["分组层级", "病种编码", "主要诊断编码"], ["BX", "B1", "K80"], ["JC", "J1", "K81"]]

        assert new(csv_file(tmp_path / "a.csv", table), "--write")[0] == 0
        scheme = compile_scheme(new.folder)
        assert ("new-city", [("BX",), ("JC",)]) == (scheme.name, [s.layers for s in scheme.steps if s.step == "layer"])

    def test_a_new_scheme_needs_a_name(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Its folder's."""
        code, said = Run(tmp_path / "某市", capsys)(csv_file(tmp_path / "a.csv", CATALOGUE))

        assert code == 2
        assert "新方案以文件夹命名" in said

    def test_again_changes_nothing(self, run: Run, tmp_path: Path) -> None:
        """The same file twice is once."""
        file = csv_file(tmp_path / "a.csv", CATALOGUE)
        run(file, "--write")

        code, said = run(file, "--write")

        assert code == 0
        assert "不变 2" in said
        assert "方案已是这些内容,未改动" in said


class TestAgain:
    """A table that is there already."""

    HELD = rows(
        "group,dx,main_op,score,family",
        "K80.1-1,K80.1,51.2300/51.2400,900,advantage",
        "J18.9-0,J18.9,,420,ordinary",
        "I10-0,I10,,100,",
    )

    def test_what_changed_and_what_is_gone(self, run: Run, tmp_path: Path) -> None:
        """A column that the file does not have is kept; a row that it does not have is removed."""
        (run.folder / "catalogue.csv").write_text(self.HELD, encoding="utf-8")
        table = [[row[at] for at in (1, 3, 5, 7)] for row in CATALOGUE]

        code, said = run(csv_file(tmp_path / "a.csv", table), "--write")

        assert code == 0
        assert "新增 0,变更 1,删除 1,保留 0,不变 1,拒绝 0" in said
        assert "变更 K80.1-1: score 900 → 1000.5" in said
        assert "删除 I10-0 I10 100" in said
        assert run.held() == rows(
            "group,dx,main_op,score,family",
            "K80.1-1,K80.1,51.2300/51.2400,1000.5,advantage",
            "J18.9-0,J18.9,,420,ordinary",
        )

    def test_rows_may_be_kept(self, run: Run, tmp_path: Path) -> None:
        """An increment leaves the others where they stand."""
        (run.folder / "catalogue.csv").write_text(self.HELD, encoding="utf-8")
        table = [
            ["病种编码", "主要诊断编码", "主要手术操作编码", "分值"],
            ["I10-0", "I10", "", "110"],
            ["Z1", "Z51.1", "", "5"],
        ]

        code, said = run(csv_file(tmp_path / "a.csv", table), "--keep", "--write")

        assert code == 0
        assert "新增 1,变更 1,删除 0,保留 2,不变 0,拒绝 0" in said
        assert [line.partition(",")[0] for line in run.held().splitlines()[1:]] == ["K80.1-1", "J18.9-0", "I10-0", "Z1"]
        assert "I10-0,I10,,110,\n" in run.held()


class TestRefused:
    """Rows that cannot be used, and results that are no scheme."""

    TABLE = (
        ["病种编码", "主要诊断编码", "主要手术操作编码", "分值"],
        ["K1", "80K", "51.2300", "1000"],
        ["K2", "K81", "51.2", "一千"],
        ["K3", "K82", "", "300"],
    )

    def test_every_reason_of_every_row(self, run: Run, tmp_path: Path) -> None:
        """By file and row as the spreadsheet shows them; nothing is written."""
        code, said = run(csv_file(tmp_path / "a.csv", list(self.TABLE)), "--write")

        assert code == 1
        assert "拒绝 a.csv,第2行: dx: `80K` is no diagnosis code\n" in said
        assert "拒绝 a.csv,第3行: main_op: `51.2` is not a whole operation code;score: `一千` is not a number\n" in said
        assert said.endswith("请加 --skip-refused\n未写入任何内容\n")
        assert not (run.folder / "catalogue.csv").exists()

    def test_the_others_may_be_imported(self, run: Run, tmp_path: Path) -> None:
        """The refused ones are still listed."""
        code, said = run(csv_file(tmp_path / "a.csv", list(self.TABLE)), "--skip-refused", "--write")

        assert code == 0
        assert "新增 1,变更 0,删除 0,保留 0,不变 0,拒绝 2" in said
        assert "group,dx,main_op,score\nK3,K82,,300\n" == run.held()

    def test_a_result_that_is_no_scheme(self, run: Run, tmp_path: Path) -> None:
        """Rows that overlap are no row's own fault: nothing skips them."""
        table = [["病种编码", "主要诊断编码"], ["K1", "K80"], ["K2", "K80"]]

        code, said = run(csv_file(tmp_path / "a.csv", table), "--skip-refused", "--write")

        assert code == 1
        assert "导入后的方案通不过检查:\nOVERLAPPING_ROWS  catalogue.csv, row 3, column group" in said
        assert not (run.folder / "catalogue.csv").exists()

    @pytest.mark.parametrize(
        ("table", "says"),
        [
            ([["甲", "乙"], ["1", "2"]], "没有认得的表头(看到 甲、乙)"),
            ([["病种名称", "主要诊断编码"], ["x", "K80"]], "没有找到 group(病种编码、病种代码、DIP编码) 这一列"),
            ([["病种编码", "分组编码"], ["1", "2"]], "病种编码、分组编码 都认作 group"),
        ],
    )
    def test_headings(self, run: Run, tmp_path: Path, table: list[list[str]], says: str) -> None:
        """What was seen and how to say what it means."""
        code, said = run(csv_file(tmp_path / "a.csv", table))

        assert code == 2
        assert says in said
        assert "--map" in said

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("a.csv", b"\xff\xfe\xff", "既不是 UTF-8 也不是 GBK"),
            ("a.csv", b'a,b\n"x', "不是 CSV"),
            ("a.csv", b"", "没有认得的表头"),
            ("a.xlsx", b"PK\x03\x04", "a.xlsx"),
            ("a.dat", b"", "文件是空的"),
        ],
    )
    def test_files(self, run: Run, tmp_path: Path, name: str, content: bytes, says: str) -> None:
        """A file that cannot be read is wrong use, said in a sentence."""
        (tmp_path / name).write_bytes(content)

        code, said = run(tmp_path / name)

        assert code == 2
        assert says in said

    def test_wrong_use(self, run: Run, tmp_path: Path) -> None:
        """No file, no such file, a crooked --map, a folder that is no scheme."""
        file = csv_file(tmp_path / "a.csv", CATALOGUE)

        assert (2, "dipcheck: 没有给文件;要撤销上次导入请加 --undo\n") == run()
        assert "读不了这个文件" in run(tmp_path / "none.csv")[1]
        assert "--map 要写成" in run(file, "--map", "病种编码")[1]
        assert "没有 points 这一列" in run(file, "--map", "分值=points")[1]
        assert "不在表里" in run(file, "--map", "没有的表头=score")[1]
        (run.folder / "scheme.yaml").rename(run.folder / "other.yaml")
        assert "里没有 scheme.yaml" in run(file)[1]

    def test_sheets(self, run: Run, tmp_path: Path) -> None:
        """Two sheets that fit need a name, and a name must be there."""
        book = xlsx(tmp_path / "a.xlsx", {"一": CATALOGUE, "二": CATALOGUE, "说明": [["只是说明"]]})

        assert "请用 --sheet 写明: 一、二、说明" in run(book)[1]
        assert "没有工作表“三”" in run(book, "--sheet", "三")[1]
        assert run(book, "--sheet", "二")[0] == 0


class TestOptions:
    """``--map``, ``--table``."""

    def test_a_heading_of_its_own(self, run: Run, tmp_path: Path) -> None:
        """What a heading means, and that another means nothing."""
        table = [["号", "主要诊断编码", "分组编码", "分值"], ["K1", "K80", "旧号", "5"]]

        code, said = run(csv_file(tmp_path / "a.csv", table), "--map", "号=group", "--map", "分组编码=", "--write")

        assert code == 0
        assert "group,dx,score\nK1,K80,5\n" == run.held()
        assert "号 → group" in said

    def test_other_tables(self, run: Run, tmp_path: Path) -> None:
        """A heading means what the table has: 手术操作编码 is a code here, not the main operation."""
        table = [["手术操作编码", "手术操作名称", "操作属性", "手术级别"], ["51.23", "胆囊切除", "手术", "三级"]]

        assert run(csv_file(tmp_path / "a.csv", table), "--table", "operations", "--write")[0] == 0
        assert "code,name,attribute,level\n51.23,胆囊切除,surgery,3\n" == run.held("operations.csv")

    def test_point_values(self, run: Run, tmp_path: Path) -> None:
        """Tables without a key are compared by all that says for whom they hold."""
        (run.folder / "point_values.csv").write_text("value,use,insurance\n9,budget,310\n", encoding="utf-8")
        table = [["点值", "点值类型", "险种"], ["9.5", "预算", "310"], ["8", "预算", "390"]]

        code, said = run(csv_file(tmp_path / "a.csv", table), "--table", "point_values", "--write")

        assert code == 0
        assert "新增 1,变更 1,删除 0" in said

    def test_files_of_two_tables(self, run: Run, tmp_path: Path) -> None:
        """They are imported one after the other."""
        (tmp_path / "a.dat").write_text("51.2300 胆囊切除\n", encoding="utf-8")
        (tmp_path / "b.dat").write_text("51.2300 51.2400\n", encoding="utf-8")

        assert "请分开导入" in run(tmp_path / "a.dat", tmp_path / "b.dat")[1]


class TestPairs:
    """Two columns without headings."""

    @pytest.mark.parametrize(
        ("text", "table", "held"),
        [
            ("51.2300 胆囊切除术\n", "operations", "code,name\n51.2300,胆囊切除术\n"),
            ("A00.000 霍乱, 古典生物型\n", "diagnoses", 'code,name\nA00.000,"霍乱, 古典生物型"\n'),
            ("51.2300 51.2400\n", "operation_map", "from,to\n51.2300,51.2400\n"),
            ("A00.000 A00.100\n", "diagnosis_map", "from,to\nA00.000,A00.100\n"),
        ],
    )
    def test_tables_are_known_by_their_codes(self, run: Run, tmp_path: Path, text: str, table: str, held: str) -> None:
        """A letter first is a diagnosis, a code behind makes a map."""
        (tmp_path / "a.dat").write_text(text, encoding="utf-8")

        assert run(tmp_path / "a.dat", "--write")[0] == 0
        assert held == run.held(f"{table}.csv")

    def test_other_tables_have_more_columns(self, run: Run, tmp_path: Path) -> None:
        """A catalogue cannot come as pairs."""
        (tmp_path / "a.dat").write_text("K80.1-1 K80.1\n", encoding="utf-8")

        assert "两列的 .dat 只能导入" in run(tmp_path / "a.dat", "--table", "catalogue")[1]


class TestUndo:
    """``--undo``."""

    def test_the_former_file_comes_back(self, run: Run, tmp_path: Path) -> None:
        """Byte for byte, once."""
        (run.folder / "catalogue.csv").write_bytes(b"group,dx\r\nK1,K80\r\n")
        run(csv_file(tmp_path / "a.csv", CATALOGUE), "--write")

        assert (0, "已撤销上次导入,恢复 1 个文件: catalogue.csv\n") == run("--undo")
        assert b"group,dx\r\nK1,K80\r\n" == (run.folder / "catalogue.csv").read_bytes()
        assert (1, "没有可撤销的导入\n") == run("--undo")

    def test_a_new_scheme_goes_as_a_whole(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The folder was made by the import."""
        new = Run(tmp_path / "new", capsys)
        new(csv_file(tmp_path / "a.csv", CATALOGUE), "--write")

        assert new("--undo")[0] == 0
        assert not new.folder.exists()

    def test_later_edits_are_not_lost(self, run: Run, tmp_path: Path) -> None:
        """A file that was edited since is left alone."""
        run(csv_file(tmp_path / "a.csv", CATALOGUE), "--write")
        (run.folder / "catalogue.csv").write_text("group,dx\nK9,K80\n", encoding="utf-8")

        code, said = run("--undo")

        assert code == 1
        assert "catalogue.csv" in said
        assert "group,dx\nK9,K80\n" == run.held()


class TestWords:
    """Headings and cells."""

    @pytest.mark.parametrize(
        ("heading", "table", "column"),
        [
            ("病种\n编码", "catalogue", "group"),
            (" 分 值 ", "catalogue", "score"),
            ("次均费用(元)", "catalogue", "mean_cost"),
            ("手术操作编码", "catalogue", "main_op"),
            ("手术操作编码", "operations", "code"),
            ("诊断名称", "catalogue", None),
            ("诊断名称", "diagnoses", "name"),
            ("dx", "catalogue", "dx"),
            ("", "catalogue", None),
            ("分值", "operations", None),
        ],
    )
    def test_headings(self, heading: str, table: str, column: str | None) -> None:
        """Blanks, line breaks, width and units do not matter; the table does."""
        assert column == meaning(heading, table)

    def test_no_heading_means_two_columns_of_one_table(self) -> None:
        """Otherwise which one is meant would depend on an order nobody sees."""
        from rules.dip.compiler import LAYOUTS

        for table, layout in LAYOUTS.items():
            words = [word for column in layout.known.known for word in HEADINGS.get(column, ())]
            assert [] == [(table, word) for word in set(words) if words.count(word) > 1]

    @pytest.mark.parametrize(
        ("column", "cell", "text"),
        [
            ("score", "1,234.50", "1234.5"),
            ("score", "0.6110000000000001", "0.611"),
            ("score", "0", "0"),
            ("score", "约 1000", "约 1000"),
            ("mean_cost", "12345.678901元", "12345.6789"),
            ("mortality", "5%", "0.05"),
            ("cases", "120例", "120"),
            ("attribute", "介入治疗", "intervention"),
            ("class", "中医优势病种", "tcm"),
            ("class", "√", "primary_care"),
            ("class", "否", ""),
            ("sex", "女", "female"),
            ("min_age", "28天", "28d"),
            ("max_age", "17岁", "17y"),
            ("max_age", "12岁以下", "12岁以下"),
            ("dx", "K80.1、K80.2;K81", "K80.1|K80.2|K81"),
            ("main_op", "51.2300\n51.2400", "51.2300|51.2400"),
            ("main_op", "51.2300+51.8803", "51.2300+51.8803"),
            ("related_op", "——", ""),
            ("note", "无", ""),
        ],
    )
    def test_cells(self, column: str, cell: str, text: str) -> None:
        """What is not understood stays as it is, for the check to refuse."""
        assert text == translated("catalogue", column, cell)


@pytest.mark.skipif(not REAL.is_dir(), reason="the public tables are not here")
class TestRealFiles:
    """The national tables as they are handed out."""

    @pytest.mark.parametrize(
        ("file", "table", "count"),
        [
            ("SS_INFO.dat", "operations", 13_686),
            ("ZD_INFO.dat", "diagnoses", 33_304),
            ("SS_MAP.dat", "operation_map", 13_654),
        ],
    )
    def test_code_tables(self, run: Run, file: str, table: str, count: int) -> None:
        """Every row is read and none refused."""
        code, said = run(REAL / "icd-chs" / file)

        assert code == 0
        assert f"{table}.csv: 新增 {count},变更 0,删除 0,保留 0,不变 0,拒绝 0" in said

    def test_a_foreign_catalogue(self, run: Run) -> None:
        """A condition that is not read makes rows overlap, and the import is refused rather than wrong."""
        code, said = run(REAL / "dip30-catalogue-extract.csv", "--map", "row_complete=status", "--keep")

        assert code == 1
        assert "other_condition: 不认得,未读(" in said
        assert "no step looks in layer `XQ`" in said
