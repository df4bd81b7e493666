"""Rows that tie are found before a case does, and the grouper agrees that they tie."""

import pytest

from rules.dip.compiler import examine_scheme
from tests.dip.compiler.schemes import SCHEME, rows, small

HEADER = "group,dx,main_op,related_op,other_dx,sex,min_age,max_age,score,mean_cost,class"
CHOLECYSTECTOMY = "A,K80.1,51.2300,,,,,,1000,10000,"


def codes(*lines: str, prefer: str = "most_parts", step: str = "") -> list[tuple[str, int | None]]:
    """Return code and row of every diagnostic of a catalogue."""
    scheme = SCHEME.replace("[most_parts, most_operations_used]", f"[{prefer}]{step}")
    found = examine_scheme(small(scheme=scheme, catalogue=rows(HEADER, *lines))).diagnostics
    return [(one.code, one.row) for one in found]


@pytest.mark.parametrize(
    "line",
    [
        "B,K80.1,51.2300|51.2400,,,,,,900,9000,",
        "B,K80,51.2300,,,,,,900,9000,",
        "B,K80.1,51.2300,,I10,,,,900,9000,",
        "B,K80.1,51.2300,,,male,,,900,9000,",
        "B,K80.1,51.2300,,,,18y,,900,9000,",
    ],
    ids=["a wider alternative", "a shorter diagnosis", "an other diagnosis", "a sex", "an age"],
)
def test_rows_that_tie(line: str) -> None:
    """A case that fits both, and nothing that parts them."""
    assert [("ROWS_TIE", 3)] == codes(CHOLECYSTECTOMY, line)


@pytest.mark.parametrize(
    ("line", "prefer"),
    [
        ("B,K80,51.2300,,,,,,900,9000,", "longest_diagnosis"),
        ("B,K80.1,51.2300+51.8803,,,,,,900,9000,", "most_parts"),
        ("B,K80.1,51.2300,51.8803,,,,,900,9000,", "most_related"),
        ("B,K80.1,51.2300|51.2400,,,,,,900,9000,", "highest_score"),
        ("B,K80.1,51.2300|51.2400,,,,,,900,9000,", "nearest_mean_cost"),
        ("B,K80.1,51.2300|51.2400,,,,,,1000,10000,primary_care", "class_order"),
        ("B,K80.1,51.2400,,,,,,900,9000,", "most_parts"),
        ("B,K80.2,51.2300,,,,,,900,9000,", "most_parts"),
        ("A,K80.1,51.2300|51.2400,,,,,,,,", "most_parts"),
    ],
)
def test_rows_that_a_rule_parts(line: str, prefer: str) -> None:
    """A tie rule, another operation, another diagnosis, or the same group."""
    assert [] == codes(CHOLECYSTECTOMY, line, prefer=prefer)


def test_catalogue_order_parts_nothing() -> None:
    """It decides without a reason, so the tie is still reported."""
    line = "B,K80.1,51.2300|51.2400,,,,,,900,9000,"

    assert [("ROWS_TIE", 3)] == codes(CHOLECYSTECTOMY, line, prefer="most_parts, catalogue_order")


def test_a_third_row_may_take_the_case() -> None:
    """Rows that tie only where a third one wins do not tie."""
    lines = ("A,K80.1,51.2300+51.8803,,,,,,1,1,", "B,K80.1,51.2300+51.8801,,,,,,1,1,")

    assert [("ROWS_TIE", 3)] == codes(*lines)
    assert [] == codes(*lines, "C,K80.1,51.2300+51.8803+51.8801,,,,,,1,1,")


def test_related_operations_in_part() -> None:
    """Where some related operation suffices, two rows may have one each."""
    lines = ("A,K80.1,51.2300,51.8803,,,,,1,1,", "B,K80.1,51.2300,51.8801,,,,,1,1,")

    assert [("ROWS_TIE", 3)] == codes(*lines, prefer="most_related", step=", related: partial")
    assert [] == codes(*lines[:1], "B,K80.1,51.2400,51.8801,,,,,1,1,", prefer="most_related", step=", related: partial")


def test_ages_that_do_not_meet() -> None:
    """Bounds that share no day part rows."""
    lines = ("A,K80.1,51.2300,,,,,17y,1,1,", "B,K80.1,51.2300,,,,18y,,1,1,")

    assert [] == codes(*lines)


def test_conservative_rows() -> None:
    """Rows without operations meet each other, not rows with operations."""
    lines = ("A,K80.1,,,,,,,1,1,", "B,K80,,,,,,,1,1,", "C,K80.1,51.2300,,,,,,1,1,")

    assert [("ROWS_TIE", 3)] == codes(*lines)
    assert [] == codes(*lines, prefer="longest_diagnosis")


def test_mean_costs_part_what_is_the_same() -> None:
    """Two groups of the same cases are allowed where the case's cost chooses between them."""
    lines = (CHOLECYSTECTOMY, "B,K80.1,51.2300,,,,,,2000,20000,")

    assert [("OVERLAPPING_ROWS", 3)] == codes(*lines)
    assert [] == codes(*lines, prefer="nearest_mean_cost")


def test_short_codes_meet_longer_ones() -> None:
    """Where codes are prefixes, a longer one is also the shorter."""
    lines = ("A,K80.1,51.2,,,,,,1,1,", "B,K80.1,51.23,,,,,,1,1,")
    step = ", operation_match: prefix"

    assert [("ROWS_TIE", 3)] == codes(*lines, step=step)
    assert [] == codes(*lines, prefer="longest_operation_code", step=step)


def test_the_case_that_is_named_ties() -> None:
    """The grouper says of the case in the message what the message says."""
    from rules.dip.compiler import compile_scheme
    from rules.dip.directory import Directory
    from rules.dip.grouper import group
    from rules.dip.model import Case

    files = small(
        scheme=SCHEME.replace(", most_operations_used", ""),
        catalogue=rows(HEADER, CHOLECYSTECTOMY, "B,K80.1,51.2300|51.2400,,I10,,,,900,9000,"),
        operations=rows("code,attribute", "51.2300,surgery"),
    )
    (found,) = examine_scheme(files).diagnostics
    assert "`B` and `A` can fit alike: `K80.1` with `51.2300` and `I10` beside it" == found.message

    case = Case(principal="K80.1", others=("I10",), operations=("51.2300",))
    said = group(case, Directory.build(compile_scheme(files)))
    assert (("A", "B"), ["rows_tie"]) == (said.tied, [remark.reason for remark in said.remarks])
