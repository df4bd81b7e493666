"""Named cases: exact numbers, typed values, faults with lines, and differences a person can read."""

from datetime import datetime, timedelta
from typing import Any, get_type_hints

import pytest

from rules.compiler import compare, compile_pack, examine, run_cases
from rules.compiler.cases import _DIALECT, Case, ExpectedFinding, ExpectedGap, decode_cases
from rules.compiler.documents import SHANGHAI, fixed, moment
from rules.dip.directory import Directory
from rules.engine.check import check
from rules.engine.rulebook import Rulebook
from rules.engine.specimen_scheme import SCHEME
from rules.model import (
    Citation,
    Diagnosis,
    Digests,
    Facility,
    Finding,
    Input,
    Line,
    NotChecked,
    Operation,
    Patient,
    Verdict,
    Visit,
)
from tests.builders import NOW, a_rule, an_encounter, verdict
from tests.compiler.packs import CASE, small

FULL = """
- name: 样例
  time: 2026-03-18T09:15:00
  encounter:
    patient: {sex: female, birth_date: 1958-03-12, pregnant: false}
    facility: {level: 3, specialty: ""}
    visit: {type: outpatient, medical_type: 0011, emergency: false, total_amount: 100.5}
    diagnoses:
      - {code: n40.x00, name: 前列腺增生}
      - {code: A17.07, name: 眩晕病}
      - {code: I10, name: 高血压待查}
      - {code: XYZD018987, name: 院内诊断, suspected: false}
    operations: [{code: 36.06x1}]
    lines:
      - {item: 001109000010000-110900001, name: 床位费, quantity: 3, price: 12.40, amount: 37.2}
      - {item: xg04cbf002a001010102180, quantity: 0.5, begin: 2026-03-17T08:00:00, route: no}
      - {item: XG04, begin: 2026-03-17, current: false, name: }
"""


def one(text: str) -> Case:
    cases, faults = decode_cases("cases/a.yaml", text)
    assert faults == ()
    (placed,) = cases
    return placed.case


def faults_of(text: str) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.path, fault.message) for fault in decode_cases("cases/a.yaml", text)[1]]


class TestReading:
    def test_facts_are_typed_and_codes_normal(self) -> None:
        encounter = one(FULL).encounter

        assert encounter.patient.pregnant is False
        assert encounter.facility == Facility(level=3, specialty="")
        assert (encounter.visit.medical_type, encounter.visit.total_amount) == ("0011", 1_005_000)
        assert [(found.code, found.system, found.suspected) for found in encounter.diagnoses] == [
            ("N40.X00", "icd", False),
            ("A17.07", "tcm", False),
            ("I10", "icd", True),
            ("XYZD018987", "local", False),
        ]
        assert encounter.operations == (Operation(code="36.06X1"),)

    def test_lines_are_exact_and_placed(self) -> None:
        first, second, third = one(FULL).encounter.lines

        assert (first.item, first.category) == ("001109000010000", "service")
        assert (first.quantity, first.price, first.amount) == (30_000, 124_000, 372_000)
        assert (first.position, second.position, third.position) == (0, 1, 2)
        assert (second.item, second.quantity, second.route) == ("XG04CBF002A001010102180", 5_000, "no")
        assert (first.current, third.current, third.name) == (True, False, "")

    def test_times_are_local_and_timed_when_a_clock_time_is_written(self) -> None:
        case = one(FULL)
        _, second, third = case.encounter.lines

        assert case.time == datetime(2026, 3, 18, 9, 15, tzinfo=SHANGHAI)
        assert case.time.utcoffset() == timedelta(hours=8)
        assert (second.timed, third.timed, case.encounter.lines[0].timed) == (True, False, False)
        assert moment("2026-03-18T01:15:00+00:00") == case.time

    def test_expectations_default_to_nothing(self) -> None:
        assert (one(FULL).findings, one(FULL).not_checked) == ((), ())

    @pytest.mark.parametrize(
        ("text", "number"), [("12.40", 124_000), ("-3", -30_000), ("0.0001", 1), ("1e3", 10_000_000)]
    )
    def test_numbers_are_exact(self, text: str, number: int) -> None:
        assert fixed(text) == number

    @pytest.mark.parametrize("text", ["0.00001", "NaN", "Infinity", "1,5", "", "drei"])
    def test_what_is_no_exact_number_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="`"):
            fixed(text)

    def test_every_count_and_every_amount_is_known_as_such(self) -> None:
        """A new number in the model must be read as written or in 1/10,000; this list decides which."""
        plain = {(Patient, "weight_g"), (Facility, "level"), (Visit, "icu_days")}
        plain |= {(Line, "position"), (Line, "supply_days"), (Line, "doses")}
        numbers = {
            (noun, name)
            for noun in (Patient, Facility, Visit, Diagnosis, Operation, Line)
            for name, hint in get_type_hints(noun).items()
            if hint is int or hint == int | None
        }

        assert numbers == plain | _DIALECT.fixed


class TestFaults:
    def test_all_faults_of_all_cases_with_their_lines(self) -> None:
        text = FULL.replace("sex: female", "gender: female").replace("level: 3", "level: drei") + FULL.replace(
            "outpatient", "outpatent"
        )

        assert faults_of(text) == [
            (5, "encounter.patient.gender", "unknown key `gender`"),
            (6, "encounter.facility.level", "`drei` is not a whole number"),
            (24, "encounter.visit.type", "`outpatent` is not one of inpatient, outpatient, pharmacy"),
        ]

    def test_a_faulty_case_does_not_hide_the_others(self) -> None:
        cases, faults = decode_cases("cases/a.yaml", CASE.replace("sex: male", "sex: m") + CASE)

        assert [placed.line for placed in cases] == [7]
        assert len(faults) == 1

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("name: 样例", "nam: 样例", "unknown key `nam`"),
            ("pregnant: false", "pregnant: no", "`no` is neither true nor false"),
            ("1958-03-12", "12.3.1958", "`12.3.1958` is not a date such as 2026-01-31"),
            ("2026-03-18T09:15:00", "morning", "`morning` is not a time such as 2026-01-31T09:15:00"),
            ('facility: {level: 3, specialty: ""}', "facility: 3", "expected keys with values"),
            ("operations: [{code: 36.06x1}]", "operations: 36.06x1", "expected a list"),
            ("sex: female", "sex: [female]", "expected one value, not a list or keys"),
            ("quantity: 0.5", "quantity: 0.5, quantity: 1", "`quantity` is written twice"),
        ],
    )
    def test_messages(self, old: str, new: str, message: str) -> None:
        assert message in [found[2] for found in faults_of(FULL.replace(old, new))]


def a_finding(**changes: object) -> Finding:
    fields = {
        "rule": "sex-1",
        "kind": "sex_limit",
        "code": "SEX_MISMATCH",
        "title": "区分性别使用",
        "item": "子宫造影",
        "certainty": "suspicious",
        "level": "warn",
        "scope": "safety",
        "lines": (0, 2),
        "message": "性别不符",
        "citation": Citation(id="nhsa-1", instrument="x"),
    }
    return Finding(**(fields | changes))  # type: ignore[arg-type]


def a_verdict(*findings: Finding, not_checked: tuple[NotChecked, ...] = ()) -> Verdict:
    digests = Digests(engine="1", rulebook="r", overlay="")
    return Verdict(state="warned", findings=findings, not_checked=not_checked, digests=digests)


class TestComparing:
    def case(self, **changes: object) -> Case:
        return Case(**({"name": "x", "time": one(FULL).time, "encounter": one(FULL).encounter} | changes))  # type: ignore[arg-type]

    def test_equal_in_any_order_of_lines_and_findings(self) -> None:
        wanted = (ExpectedFinding(rule="b", lines=(1,)), ExpectedFinding(rule="sex-1", lines=(2, 0)))

        assert compare(self.case(findings=wanted), a_verdict(a_finding(), a_finding(rule="b", lines=(1,)))) == ()

    def test_nothing_may_be_missing_and_nothing_said_besides(self) -> None:
        wanted = (ExpectedFinding(rule="sex-1", lines=(0,)),)
        gap = (ExpectedGap(rule="age-1", fields=("patient.birth_date",)),)
        said = (NotChecked(rule="age-2", kind="age_limit", title="x", fields=("patient.birth_date",), lines=(1,)),)

        assert compare(self.case(findings=wanted, not_checked=gap), a_verdict(a_finding(), not_checked=said)) == (
            "- finding of sex-1 on lines 0",
            "+ finding of sex-1 on lines 0, 2: 性别不符",
            "- not checked age-1 for patient.birth_date",
            "+ not checked age-2 for patient.birth_date (missing) on lines 1",
        )

    def test_the_same_finding_twice_is_one_too_many(self) -> None:
        wanted = (ExpectedFinding(rule="sex-1", lines=(0, 2)),)

        (difference,) = compare(self.case(findings=wanted), a_verdict(a_finding(), a_finding()))
        assert difference.startswith("+ finding of sex-1")

    def test_what_else_a_case_writes_must_agree(self) -> None:
        wanted = (ExpectedFinding(rule="sex-1", lines=(0, 2), level="block", code="SEX_MISMATCH"),)

        assert compare(self.case(findings=wanted, state="clear"), a_verdict(a_finding())) == (
            "- finding of sex-1: level block, got warn",
            "- state clear, got warned",
        )


class TestRunning:
    def outcomes(self, text: str) -> list[tuple[str, ...]]:
        pack = small(cases=text.encode())
        rulebook = Rulebook.build([compile_pack(pack)])
        found = run_cases(examine(pack).cases, lambda given, scheme: check(given, rulebook, scheme))
        return [outcome.differences for outcome in found]

    def test_through_the_engine(self) -> None:
        assert self.outcomes(CASE) == [()]

    def test_each_case_under_the_scheme_it_names(self) -> None:
        """One that names none has none; one that nobody knows fails the case."""
        schemes: list[Directory | None] = []
        rulebook = Rulebook.build([compile_pack(small())])

        def evaluate(given: Input, scheme: Directory | None) -> Verdict:
            schemes.append(scheme)
            return check(given, rulebook, scheme)

        def differences(text: str) -> list[tuple[str, ...]]:
            cases = examine(small(cases=text.encode())).cases
            return [outcome.differences for outcome in run_cases(cases, evaluate, {"small": SCHEME}.get)]

        assert differences(CASE) == differences(f"{CASE.rstrip()}\n  scheme: small\n") == [()]
        assert schemes == [None, SCHEME]
        assert differences(f"{CASE.rstrip()}\n  scheme: smal\n") == [
            ("- scheme smal, which is none of those that ship",)
        ]

    def test_a_wrong_expectation_is_told(self) -> None:
        (differences,) = self.outcomes(CASE.replace("sex: male", "sex: female"))

        assert differences == ("- finding of sex-1 on lines 0",)


class TestQuiet:
    """Normal care: nothing louder than a note, and nothing else is compared."""

    def outcome(self, level: str, **case: Any) -> tuple[str, ...]:
        rule = a_rule("sex_limit", sex="female", level=level)
        quiet = Case(name="c", time=NOW, encounter=an_encounter(), quiet=True, **case)
        return compare(quiet, verdict(an_encounter(), rule))

    @pytest.mark.parametrize(("level", "differences"), [("silent", 0), ("info", 0), ("warn", 1), ("block", 1)])
    def test_loud_findings_disturb(self, level: str, differences: int) -> None:
        assert len(self.outcome(level)) == differences

    def test_what_is_listed_must_be_said(self) -> None:
        assert self.outcome("info", findings=(ExpectedFinding(rule="R1", lines=(0,)),)) == ()
        assert len(self.outcome("info", findings=(ExpectedFinding(rule="R2", lines=(0,)),))) == 1

    def test_what_is_not_checked_is_left_alone(self) -> None:
        """Unless it is listed."""
        rule = a_rule("sex_limit", sex="female")
        encounter = an_encounter(sex=None)
        gap = ExpectedGap(rule="R1", fields=("patient.sex",))
        for listed, differences in (((), 0), ((gap,), 0), ((ExpectedGap(rule="R1", fields=("visit.type",)),), 2)):
            quiet = Case(name="c", time=NOW, encounter=encounter, quiet=True, not_checked=listed)
            assert len(compare(quiet, verdict(encounter, rule))) == differences
