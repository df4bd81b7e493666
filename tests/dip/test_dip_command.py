"""``dipcheck dip group``: the shipped extract and an invented city, files as coders keep them, and faults."""

import csv
import io
import sys
from datetime import date

import pytest

from service.cli import main
from service.dip.table import COLUMNS, Table
from service.schemas.dip_case import CaseIn
from service.schemes import SHIPPED
from service.settings import Settings

EXTRACT = "national-3.0-extract"
CITY = "example-city-a"
HEADER = "id,principal_dx,other_dx,procedures,sex,age,weight_g,los,cost,hospital_level"
CHOLECYSTECTOMY = "1,K80.100,,51.2300,男,45,,7,12000,3"


@pytest.fixture
def group(tmp_path, capsys):
    """Run the command on lines of a file; return exit code, rows as dictionaries, and what was complained of."""

    def run(*lines, scheme=EXTRACT, options=(), header=HEADER, encoding="utf-8"):
        path = tmp_path / "cases.csv"
        path.write_bytes("\n".join((header, *lines)).encode(encoding))
        code = main(["dip", "group", "--scheme", scheme, *options, str(path)])
        said = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(said.out))), said.err

    return run


class TestExtract:
    def test_the_same_rows_come_out(self, group):
        """Input cells as they were, then the results."""
        code, (row,), said = group(CHOLECYSTECTOMY)

        assert (0, "") == (code, said)
        assert dict(zip(HEADER.split(","), CHOLECYSTECTOMY.split(","), strict=True)).items() <= row.items()
        assert ("core", "BX-1029") == (row["status"], row["group"])
        assert "BX-1029" in row["trace"]

    def test_what_the_extract_lacks_is_empty_with_its_reason(self, group):
        """No scores, hence no points and no money; never a zero."""
        _, (row,), _ = group(CHOLECYSTECTOMY)

        assert ["", "", "", ""] == [row[name] for name in ("points", "standard_points", "payment", "balance")]
        assert "score_absent" in row["reasons"].split("|")

    def test_days_of_life(self, group):
        """``10d`` and a weight make a newborn's group; without the weight the reason is named."""
        _, (grouped, open_), _ = group("1,P07.100,,,F,10d,1800,20,,3", "2,P07.100,,,F,10d,,20,,3")

        assert ("core", "XQ-18") == (grouped["status"], grouped["group"])
        assert ("ungrouped", "weight_missing") == (open_["status"], open_["reasons"].split("|")[0])

    def test_without_principal_diagnosis(self, group):
        """An empty cell is an answer, not a fault of the file."""
        code, (row,), _ = group("1,,,,,,,,,")

        assert (0, "ungrouped") == (code, row["status"])
        assert "missing_principal_diagnosis" == row["reasons"].split("|")[0]


class TestCity:
    def test_points_and_money(self, group):
        """Score x coefficient, times the point value, less the cost."""
        header = f"{HEADER},insurance,medical_type,out_of_area,place,discharged"
        line = f"{CHOLECYSTECTOMY},310,21,否,,2026-03-01"
        _, (row,), _ = group(line, scheme=CITY, header=header)

        assert "normal" == row["band"]
        assert 1380 * 1.2 == pytest.approx(float(row["points"]))
        assert row["points"] == row["standard_points"]
        assert 12000 / 13800 == pytest.approx(float(row["ratio"]), abs=1e-6)

    def test_the_columns_of_the_issue_alone(self, group):
        """What they lack may be said for the whole file; what was assumed is told."""
        options = ["--insurance", "310", "--day", "2026-03-18"]
        _, (row,), _ = group(CHOLECYSTECTOMY, scheme=CITY, options=options)

        assert 1380 * 1.2 == pytest.approx(float(row["points"]))
        assert 1380 * 1.2 * 8.6 == pytest.approx(float(row["payment"]))
        assert ["未写险种,按 310 计", "未写出院日期,按 2026-03-18 计"] == row["notes"].split(";")[:2]
        assert "缺医疗类别、是否异地就医,不能确定是否按病种分值付费" in row["notes"].split(";")

    def test_the_row_comes_before_the_options(self, group):
        """A row that says its insurance and day is judged by them."""
        header = f"{HEADER},insurance,discharged"
        options = ["--insurance", "390", "--day", "2025-03-18"]
        _, (row,), _ = group(f"{CHOLECYSTECTOMY},310,2026-03-18", scheme=CITY, header=header, options=options)

        assert 1380 * 1.2 == pytest.approx(float(row["points"]))
        assert "未写" not in row["notes"]

    def test_without_a_day_it_is_today(self, group, monkeypatch):
        """The hospital's own day."""
        monkeypatch.setattr("service.dip.command.today", lambda _zone: date(2025, 7, 1))
        _, (row,), _ = group(CHOLECYSTECTOMY, scheme=CITY, options=["--insurance", "310"])

        assert 1380 * 1.15 == pytest.approx(float(row["points"]))
        assert "未写出院日期,按 2025-07-01 计" in row["notes"]

    def test_a_day_before_admission_is_not_assumed(self, group):
        """Nobody is discharged before he came."""
        options = ["--insurance", "310", "--day", "2026-03-18"]
        header = f"{HEADER},admitted"
        _, (row,), _ = group(f"{CHOLECYSTECTOMY},2026-03-19", scheme=CITY, header=header, options=options)

        assert "" == row["points"]
        assert "缺出院日期,机构系数不能确定" in row["notes"].split(";")

    def test_what_is_lacking_is_named(self, group):
        """By the fact, not only by a reason."""
        _, (row,), _ = group(CHOLECYSTECTOMY, scheme=CITY, options=["--day", "2026-03-18"])

        assert ["coefficient_absent", "point_value_absent"] == [
            reason for reason in row["reasons"].split("|") if reason in ("coefficient_absent", "point_value_absent")
        ]
        assert {"缺险种,机构系数不能确定", "缺险种,点值不能确定"} <= set(row["notes"].split(";"))

    def test_a_day_outside_the_scheme_is_told(self, group):
        """Its numbers hold for other discharges."""
        options = ["--insurance", "310", "--day", "1999-01-01"]
        _, (row,), _ = group(CHOLECYSTECTOMY, scheme=CITY, options=options)

        assert "出院日期不在本方案有效期内,结果仅供参考。" in row["notes"].split(";")

    def test_a_day_that_is_none(self, capsys):
        """Wrong use."""
        with pytest.raises(SystemExit) as ended:
            main(["dip", "group", "--scheme", CITY, "--day", "18.3.2026", "cases.csv"])

        assert 2 == ended.value.code
        assert "18.3.2026" in capsys.readouterr().err

    def test_explain_says_where_coefficients_came_from(self, group):
        """Otherwise the trace is about the group."""
        header = f"{HEADER},insurance"
        _, (short,), _ = group(f"{CHOLECYSTECTOMY},310", scheme=CITY, header=header)
        _, (long,), _ = group(f"{CHOLECYSTECTOMY},310", scheme=CITY, header=header, options=["--explain"])

        assert long["trace"].startswith(short["trace"])
        assert "机构系数" in long["trace"]
        assert "机构系数" not in short["trace"]

    def test_a_folder_will_do(self, group):
        """A scheme of one's own."""
        _, by_name, _ = group(CHOLECYSTECTOMY, scheme=CITY)
        _, by_path, _ = group(CHOLECYSTECTOMY, scheme=str(SHIPPED / CITY))

        assert by_name == by_path


class TestFiles:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_encodings(self, group, encoding):
        """As Chinese spreadsheets save them."""
        code, (row,), _ = group(CHOLECYSTECTOMY, encoding=encoding)

        assert (0, "男", "BX-1029") == (code, row["sex"], row["group"])

    def test_an_unreadable_encoding(self, group):
        """Named; nothing is guessed."""
        code, rows, said = group("1,K80.100,,,\u7537,,,,,", encoding="utf-16")

        assert (2, []) == (code, rows)
        assert "cases.csv" in said

    def test_standard_input(self, monkeypatch, capsys):
        """``-`` reads it."""
        text = f"{HEADER}\n{CHOLECYSTECTOMY}\n"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

        assert 0 == main(["dip", "group", "--scheme", EXTRACT, "-"])
        assert "BX-1029" in capsys.readouterr().out

    def test_what_was_written_may_be_given_back(self, group, tmp_path, capsys):
        """Result columns are written anew and are no unknown columns."""
        header = f"{HEADER},status,group,trace,error"
        code, (row,), said = group(f"{CHOLECYSTECTOMY},core,OLD,old,old", header=header)

        assert (0, "", "BX-1029", "") == (code, said, row["group"], row["error"])
        assert "old" not in row["trace"]

    def test_blank_lines_and_missing_cells(self, group):
        """Spreadsheets leave both."""
        code, rows, _ = group("", "1,K80.100,,51.2300", ",,,,,,,,,")

        assert (0, ["BX-1029"]) == (code, [row["group"] for row in rows])


class TestFaults:
    def test_an_unknown_column_is_named(self, group):
        """Its cells stay; all rows are answered; the exit code tells."""
        code, (row,), said = group(f"{CHOLECYSTECTOMY},x", header=f"{HEADER},colour")

        assert (1, "x", "core") == (code, row["colour"], row["status"])
        assert "第 1 行:不认识的列 colour,未使用" in said

    @pytest.mark.parametrize(
        ("line", "column"),
        [
            ("1,K80.1,,,?,45,,7,12000,3", "sex"),
            ("1,K80.1,,,男,-1,,7,12000,3", "age"),
            ("1,K80.1,,,男,old,,7,12000,3", "age"),
            ("1,K80.1,,,男,200,,7,12000,3", "age"),
            ("1,K80.1,,,男,45,x,7,12000,3", "weight_g"),
            ("1,K80.1,,,男,45,0,7,12000,3", "weight_g"),
            ("1,K80.1,,,男,45,,-7,12000,3", "los"),
            ("1,K80.1,,,男,45,,7,many,3", "cost"),
            ("1,K80.1,,,男,45,,7,-1,3", "cost"),
            ("1,K80.1,,,男,45,,7,12000,9", "hospital_level"),
        ],
    )
    def test_an_unreadable_cell_is_named_and_the_others_answered(self, group, line, column):
        """On standard error with its row, and in the row; no result is guessed from the rest."""
        code, (bad, good), said = group(line, CHOLECYSTECTOMY)

        assert (1, "error", "") == (code, bad["status"], bad["group"])
        assert bad["error"].startswith(f"{column}:")
        assert f"第 2 行,{column}:" in said
        assert "BX-1029" == good["group"]

    @pytest.mark.parametrize("age", ["-3", "-3d", "-0.5", "\uff0d3岁"])
    def test_a_negative_age(self, group, age):
        """Said so, and not read as something else."""
        _, (row,), _ = group(f"1,K80.1,,,男,{age},,7,12000,3")

        assert "age:不能为负数" == row["error"]

    def test_every_cell_of_a_row_is_named(self, group):
        """Not only the first."""
        _, (row,), said = group("1,K80.1,,,?,old,,7,many,3")

        assert ["sex", "age", "cost"] == [fault.partition(":")[0] for fault in row["error"].split(";")]
        assert 3 == len(said.splitlines())

    def test_dates_that_cannot_be(self, group):
        """Discharge before admission is a fault of the row."""
        header = "principal_dx,admitted,discharged"
        code, (row,), _ = group("K80.100,2026-03-02,2026-03-01", header=header)

        assert (1, "出院日期早于入院日期") == (code, row["error"])

    def test_a_row_that_is_too_long(self, group):
        """A stray comma moves cells: such a row is not read."""
        code, (row,), _ = group(f"{CHOLECYSTECTOMY},x,y")

        assert (1, "error") == (code, row["status"])
        assert "多于列名" in row["error"]

    def test_an_open_quotation_ends_the_file(self, group):
        """Rows before it are answered; that others are wanting is said in the file as well."""
        code, (row, end), said = group(CHOLECYSTECTOMY, '2,"K80.100')

        assert (1, "BX-1029", "error", "") == (code, row["group"], end["status"], end["id"])
        assert "第 3 行" in said
        assert "第 3 行" in end["error"]

    @pytest.mark.parametrize("header", ["", "id,dx", "principal_dx,age,age"])
    def test_a_header_that_does_not_do(self, group, header):
        """It must name the principal diagnosis, and each column once."""
        assert 2 == group("1,2,3", header=header)[0]

    def test_no_such_file_or_scheme(self, capsys, tmp_path):
        """Wrong use."""
        assert 2 == main(["dip", "group", "--scheme", EXTRACT, str(tmp_path / "none.csv")])
        assert "none.csv" in capsys.readouterr().err
        assert 2 == main(["dip", "group", "--scheme", "nowhere", str(tmp_path / "none.csv")])
        assert "nowhere" in capsys.readouterr().err

    def test_a_faulty_scheme(self, capsys, tmp_path):
        """Its diagnostics are shown."""
        (tmp_path / "scheme.yaml").write_text("name: x\n", encoding="utf-8")

        assert 1 == main(["dip", "group", "--scheme", str(tmp_path), "cases.csv"])
        assert "scheme.yaml" in capsys.readouterr().err


class TestCells:
    def read(self, **cells):
        table = Table(f"principal_dx,{','.join(cells)}\nI10,{','.join(cells.values())}\n", Settings().tz)
        (row,) = table.rows()
        assert () == row.faults
        return row.case

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            ("45", (45, None)),
            ("45.0", (45, None)),
            ("45岁", (45, None)),
            ("0", (0, None)),
            ("10d", (0, 10)),
            ("10 D", (0, 10)),
            ("10天", (0, 10)),
            ("400d", (None, 400)),
            ("", (None, None)),
        ],
    )
    def test_age(self, cell, expected):
        """Years, or days; years are told from days only below one."""
        case = self.read(age=cell)

        assert expected == (case.age_years, case.age_days)

    @pytest.mark.parametrize(("cell", "expected"), [("3", 3), ("三级", 3), ("三级甲等", 3), ("二甲", 2), ("1.0", 1)])
    def test_level(self, cell, expected):
        """As hospitals write it."""
        assert expected == self.read(hospital_level=cell).hospital_level

    @pytest.mark.parametrize("separator", ["|", "\uff5c", ";", "、", " | "])
    def test_codes(self, separator):
        """Several in one cell."""
        case = self.read(procedures=f"51.2300{separator}54.5100")

        assert ("51.2300", "54.5100") == case.operations

    @pytest.mark.parametrize(
        ("cell", "expected"), [("男", "male"), ("F", "female"), ("2", "female"), ("Male", "male"), ("9", None)]
    )
    def test_sex(self, cell, expected):
        """Words, letters, national codes; 9 is unknown."""
        assert expected == self.read(sex=cell).sex

    def test_money_with_commas_in_quotes(self):
        """Twelve thousand."""
        assert 12000_5000 == self.read(cost='"12,000.50"').cost

    def test_every_field_of_a_case_has_its_column(self):
        """But for those a table has no place for."""
        renamed = {"principal": "principal_dx", "others": "other_dx", "operations": "procedures", "days": "los"}
        left_out = {
            "age_days", "patient", "reimbursement_ratio", "approved_review_coefficient", "add_on_points", "deductions",
        }  # fmt: skip

        assert {renamed.get(name, name) for name in CaseIn.model_fields} - left_out == set(COLUMNS)
