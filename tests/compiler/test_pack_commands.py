"""``dipcheck pack``: what it prints and its exit codes."""

import json
from pathlib import Path

import pytest

from service.cli import main
from tests.compiler.packs import CASE, small

BROKEN = Path(__file__).parent / "broken"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound pack with one case."""
    for name, content in small(cases=CASE.encode()).items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "small"


def test_check_of_a_sound_pack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "check", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("2 rules, 1 cases, 0 warnings, digest ")


def test_check_of_a_faulty_pack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "check", str(BROKEN / "many_faults")]) == 1

    out = capsys.readouterr().out
    assert f"INVALID_CELL  {BROKEN}/many_faults/sex_limit.csv, row 2, column sex\n" in out
    assert out.endswith("8 errors, 0 warnings\n")


def test_check_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "check", "--json", str(BROKEN / "invalid_cell")]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "code": "INVALID_CELL",
            "file": "sex_limit.csv",
            "row": 2,
            "column": "sex",
            "message": "`femal` is not one of male, female",
            "help": "did you mean `female`?",
            "severity": "error",
        }
    ]


def test_test_runs_the_cases(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "test", str(folder)]) == 0
    assert capsys.readouterr().out == "1 of 1 cases passed\n"


def test_test_tells_what_differs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases" / "a.yaml").write_text(CASE.replace("sex: male", "sex: female"), encoding="utf-8")

    assert main(["pack", "test", str(folder)]) == 1
    assert capsys.readouterr().out == (
        f"FAILED  {folder}/cases/a.yaml, line 1: 男性患者做子宫造影,提示性别不符\n"
        "  - finding of sex-1 on lines 0\n"
        "0 of 1 cases passed\n"
    )


def test_build_then_show(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A built file says the same of itself as its folder."""
    target = tmp_path / "small.pack"
    assert main(["pack", "build", str(folder), "-o", str(target)]) == 0
    assert capsys.readouterr().out.startswith(f"{target}: {target.stat().st_size} bytes, digest ")
    assert list(tmp_path.glob("*.part")) == []

    assert main(["pack", "show", str(target)]) == 0
    from_file = capsys.readouterr().out
    assert main(["pack", "show", str(folder)]) == 0
    assert capsys.readouterr().out == from_file
    assert "sex_limit                      2           0" in from_file


def test_a_faulty_pack_is_not_built(tmp_path: Path) -> None:
    target = tmp_path / "x.pack"

    assert main(["pack", "build", str(BROKEN / "invalid_cell"), "-o", str(target)]) == 1
    assert not target.exists()


def test_show_of_a_damaged_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.pack").write_bytes(b"nothing")

    assert main(["pack", "show", str(tmp_path / "x.pack")]) == 1
    assert "no built pack" in capsys.readouterr().err


def test_show_of_no_file_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "show", str(tmp_path / "none.pack")]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["pack"], ["pack", "check", "/no/such/folder"], ["packs"]])
def test_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)

    assert left.value.code == 2
    assert "usage: dipcheck" in capsys.readouterr().err
