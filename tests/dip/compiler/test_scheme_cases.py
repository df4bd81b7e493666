"""Named cases of a scheme: what is expected is compared with what is said, key by key."""

import pytest

from rules.dip.compiler import SchemeOutcome, examine_scheme, run_scheme_cases
from tests.dip.compiler.schemes import CATALOGUE, SCHEME, rows, small

FILES = {
    "scheme": SCHEME + "points: {coefficient_required: false, deviation: {formula: proportional}}\n",
    "catalogue": CATALOGUE,
    "operations": rows("code,attribute", "51.2300,surgery"),
    "point_values": rows("value", "10"),
}
STAY = '{principal: K80.100, operations: ["51.2300"], days: 7, cost: 12345.67, hospital_level: 3, age_years: 50}'


def outcome(expect: str, stay: str = STAY) -> SchemeOutcome:
    """Run one case."""
    examined = examine_scheme(small(**FILES, cases=f"- {{name: 例, case: {stay}, expect: {{{expect}}}}}\n"))
    assert examined.scheme is not None
    (found,) = run_scheme_cases(examined.scheme, examined.cases)
    return found


def test_a_case_that_passes() -> None:
    """Every key at once; money is written in yuan."""
    found = outcome(
        "status: core, group: K80.1-1, reasons: [], tied: [], points: 1000, standard_points: 1000, ratio: 1.23, "
        "band: normal, standard: 10000, balance: -2345.67, eligible: true, trace: [K80.1-1]"
    )

    assert () == found.differences
    assert found.passed


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("status: comprehensive", "- status comprehensive, got core"),
        ("group: K80.1-0", "- group K80.1-0, got K80.1-1"),
        ("points: 999.9999", "- points 999.9999, got 1000.0000"),
        ("ratio: 1.24", "- ratio 1.24, got 1.234567"),
        ("band: low", "- band low, got normal"),
        ("standard: 9999", "- standard 9999 yuan, got 10000"),
        ("eligible: false", "- eligible false, got true"),
        ("ineligible: insurance", "- ineligible insurance, got nothing"),
        ("reasons: [no_group]", "- reasons no_group, got none"),
        ("tied: [K80.1-0]", "- tied K80.1-0, got none"),
        ("notes: [score_zero]", "- note score_zero, got coefficient_absent, patient_share_absent"),
        ("absent: [balance]", "- no balance, got -2345.67"),
        ("absent: [group]", "- no group, got K80.1-1"),
        ("typings: {icu: 2-7}", "- typing icu 2-7, got none"),
    ],
)
def test_a_case_that_differs(expect: str, difference: str) -> None:
    """One line for each difference: what was expected, and what was said."""
    found = outcome(expect)

    assert not found.passed
    assert found.differences == (difference,)


def test_a_trace_that_lacks_a_text() -> None:
    """The trace is shown, so that the text can be mended."""
    (difference,) = outcome("trace: [没有这句话]").differences

    assert difference.startswith("- trace with `没有这句话`, got: ")


def test_what_is_not_written_is_not_compared() -> None:
    """An empty expectation passes."""
    assert outcome("").passed


def test_a_case_that_is_not_grouped() -> None:
    """What must be absent is named."""
    found = outcome("status: ungrouped, reasons: [missing_principal_diagnosis], absent: [group, points]", "{days: 3}")

    assert () == found.differences
