"""``dipcheck scheme``: what it prints and its exit codes."""

import json
from pathlib import Path

import pytest

from rules.dip.compiler import SchemeError, SchemeFileError
from service.cli import main
from service.scheme_files.command import read_scheme, scheme_folder, shipped_schemes
from tests.dip.compiler.schemes import CASE, keys, rows, small

BROKEN = Path(__file__).parent / "broken"


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound scheme with one case."""
    return written(tmp_path / "small", small(cases=CASE))


class TestCheck:
    """``check``."""

    def test_a_sound_scheme(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One line that sums it up."""
        assert main(["scheme", "check", str(folder)]) == 0
        assert capsys.readouterr().out.startswith("2 groups, 2 rows, 1 cases, 0 warnings, digest ")

    def test_a_faulty_scheme(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Every diagnostic, and how many."""
        assert main(["scheme", "check", str(BROKEN / "many_faults")]) == 1

        out = capsys.readouterr().out
        assert f"NEGATIVE_SCORE  {BROKEN}/many_faults/catalogue.csv, row 2, column score\n" in out
        assert out.endswith("8 errors, 0 warnings\n")

    def test_warnings_do_not_fail(self, capsys: pytest.CaptureFixture[str]) -> None:
        """They are shown all the same."""
        assert main(["scheme", "check", str(BROKEN / "rows_tie")]) == 0

        out = capsys.readouterr().out
        assert out.startswith(f"ROWS_TIE (warning)  {BROKEN}/rows_tie/catalogue.csv, row 4, column group\n")
        assert "1 warnings, digest " in out

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The diagnostics and nothing else."""
        assert main(["scheme", "check", "--json", str(BROKEN / "negative_score")]) == 1
        assert json.loads(capsys.readouterr().out) == [
            {
                "code": "NEGATIVE_SCORE",
                "file": "catalogue.csv",
                "row": 2,
                "column": "score",
                "message": "score `-1000` is negative",
                "help": "a score is zero (actual cost is paid) or more",
                "severity": "error",
            }
        ]

    @pytest.mark.parametrize("arguments", [["check", "/no/such/folder"], ["check"], ["proof"], []])
    def test_wrong_use(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Usage, and 2."""
        with pytest.raises(SystemExit) as left:
            main(["scheme", *arguments])

        assert left.value.code == 2
        assert "usage: dipcheck scheme" in capsys.readouterr().err


class TestTest:
    """``test``."""

    def test_cases_that_pass(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Their number."""
        assert main(["scheme", "test", str(folder)]) == 0
        assert capsys.readouterr().out == "1 of 1 cases passed\n"

    def test_cases_that_differ(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """File, line, name and every difference."""
        (folder / "cases" / "a.yaml").write_text(CASE.replace("group: K80.1-1", "group: K80.1-0"), encoding="utf-8")

        assert main(["scheme", "test", str(folder)]) == 1
        assert capsys.readouterr().out == (
            f"FAILED  {folder}/cases/a.yaml, line 1: 胆囊切除入核心病种\n"
            "  - group K80.1-0, got K80.1-1\n"
            "0 of 1 cases passed\n"
        )

    def test_a_faulty_scheme(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Its diagnostics, and no case is run."""
        assert main(["scheme", "test", str(BROKEN / "negative_score")]) == 1
        assert "passed" not in capsys.readouterr().out


class TestBuild:
    """``build``."""

    def test_build_then_show(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A built file says the same of itself as its folder."""
        target = tmp_path / "small.scheme"
        assert main(["scheme", "build", str(folder), "-o", str(target)]) == 0
        assert capsys.readouterr().out.startswith(f"{target}: {target.stat().st_size} bytes, digest ")
        assert [] == list(tmp_path.glob("*.part"))

        assert main(["scheme", "show", str(target)]) == 0
        from_file = capsys.readouterr().out
        assert main(["scheme", "show", str(folder)]) == 0
        assert capsys.readouterr().out == from_file

    def test_a_faulty_scheme_is_not_built(self, tmp_path: Path) -> None:
        """Whole or not at all."""
        target = tmp_path / "x.scheme"

        assert main(["scheme", "build", str(BROKEN / "negative_score"), "-o", str(target)]) == 1
        assert not target.exists()

    def test_a_place_that_cannot_be_written(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A sentence, and 2."""
        assert main(["scheme", "build", str(folder), "-o", str(tmp_path / "none" / "x")]) == 2
        assert "cannot write" in capsys.readouterr().err


class TestShow:
    """``show``."""

    def test_counts_steps_parameters_and_what_is_absent(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The whole page of a small scheme."""
        assert main(["scheme", "show", str(folder)]) == 0

        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "small 1  示例方案"
        assert lines[2:] == [
            "holds for discharges of any day",
            "",
            "groups                         2",
            "  core                         2",
            "catalogue rows                 2",
            "  layer core                   2",
            "",
            "steps:",
            "  1. judge the principal diagnosis",
            "  2. apply the exclusion list of operations",
            "  3. look for a row in core: all related operations must be there; "
            "prefer most_parts, then most_operations_used",
            "  4. look in the comprehensive directory",
            "",
            "parameters:",
            "  attribute of a case: highest; an intervention counts as surgery",
            "  deviation: none",
            "  hospital coefficient: required",
            "  auxiliary directory: multiply, for core",
            "  points to 4 decimals, money to 2",
            "  fund: less_patient_share; prepaid 1, deposit 0",
            "  paid by DIP: any insurance, any med_type",
            "",
            "absent:",
            "  point values: no payment standard",
            "  hospital coefficients: no points",
            "  attribute of 1 operation of the catalogue: 51.2300",
            "  diagnosis table: any code of ICD shape is taken for known",
        ]

    def test_parameters_in_words(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """What the scheme chooses is said, and incomplete rows with their reason."""
        scheme = keys(
            "valid_from: 2026-01-01\nvalid_to: 2026-12-31\npartial: true\n"
            "sources: [{instrument: 某文件, number: 1 号}]\n"
            "points:\n  deviation: {formula: proportional, low_inclusive: true}\n  no_coefficient: [bed_day]\n"
            "payment:\n  bands: [{end: 0.85, pay: actual}, {start: 0.85}]\n"
            "eligibility: {insurances: ['310'], out_of_area: false, day_surgery: false, min_days: 1, max_days: 60}\n"
        ).replace("most_operations_used]", "most_related], require: [no_unused_surgery], related: partial")
        catalogue = rows("group,name,dx,main_op,status,note", "K1,,K80,51.2300,,", "K2,胆囊炎,K81,,incomplete,来源截断")
        written(tmp_path / "a", small(scheme=scheme, catalogue=catalogue))

        assert main(["scheme", "show", str(tmp_path / "a")]) == 0
        out = capsys.readouterr().out
        for line in (
            "holds for discharges from 2026-01-01 to 2026-12-31, an extract",
            "some related operation suffices; drop rows by no_unused_surgery; prefer most_parts, then most_related",
            "deviation: proportional, low <= 0.5, high > 2 of group_mean / group_mean",
            "hospital coefficient: required, not for bed_day",
            "settlement bands: from 0 actual, from 0.85 payable",
            "paid by DIP: insurance 310, any med_type, not patients insured elsewhere, not day surgery, "
            "from 1 days, up to 60 days",
            "score of 1 of 1 groups: their cases get no points",
            "incomplete rows (listed, never used):\n  K2  胆囊炎: 来源截断",
            "sources:\n  某文件 1 号",
        ):
            assert line in out

    def test_one_that_ships(self, capsys: pytest.CaptureFixture[str]) -> None:
        """By its name."""
        assert main(["scheme", "show", "national-3.0-extract"]) == 0
        assert capsys.readouterr().out.startswith("national-3.0-extract ")

    def test_a_faulty_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Its diagnostics, and 1."""
        assert main(["scheme", "show", str(BROKEN / "negative_score")]) == 1
        assert capsys.readouterr().out.endswith("1 errors, 0 warnings\n")

    def test_a_damaged_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One sentence, and 1."""
        (tmp_path / "x.scheme").write_bytes(b"nothing")

        assert main(["scheme", "show", str(tmp_path / "x.scheme")]) == 1
        assert "this is no built scheme" in capsys.readouterr().out

    def test_one_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The nearest name that ships, and 2."""
        assert main(["scheme", "show", "national-3.0-extrac"]) == 2
        assert "did you mean `national-3.0-extract`?" in capsys.readouterr().err


class TestNames:
    """Folder, built file or name."""

    def test_schemes_that_ship(self) -> None:
        """Each has a manifest, and check finds no error in it."""
        assert {"example-city-a", "example-city-b", "national-3.0-extract"} <= set(shipped_schemes())
        for name in shipped_schemes():
            assert name == read_scheme(name).name

    def test_a_path_goes_before_a_name(self, folder: Path) -> None:
        """What is there is meant."""
        assert folder == scheme_folder(str(folder))

    def test_no_way_out_of_the_folder(self) -> None:
        """A name is a name, not a path."""
        with pytest.raises(ValueError, match="there is no scheme"):
            scheme_folder("../schemes/example-city-a")

    def test_what_is_wrong_is_raised(self, tmp_path: Path) -> None:
        """Faults and damage have their own errors."""
        (tmp_path / "x").write_bytes(b"x")

        with pytest.raises(SchemeError):
            read_scheme(str(BROKEN / "negative_score"))
        with pytest.raises(SchemeFileError):
            read_scheme(str(tmp_path / "x"))
