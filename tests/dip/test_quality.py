"""Settlement-list checks: each finding, what clears it, and what is not checked for want of facts (dip facts 6.2)."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rules.dip.directory import Directory
from rules.dip.model import Normalisation, Quality
from rules.dip.quality import check_record, completeness, passed
from rules.dip.quality_facts import (
    QUALITY_TITLES,
    FeeItem,
    QualityFinding,
    RecordDiagnosis,
    RecordFacts,
    RecordOperation,
)
from tests.dip.builders import a_case
from tests.dip.quality_scheme import DIRECTORY, the_scheme

ZONE = timezone(timedelta(hours=8))


def at(text: str) -> datetime:
    """Return a time in the hospital's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def a_diagnosis(code: str, **changes: Any) -> RecordDiagnosis:
    """Return a diagnosis present on admission."""
    return RecordDiagnosis(**({"code": code, "admission": "present"} | changes))


def an_operation(code: str = "51.2300", **changes: Any) -> RecordOperation:
    """Return an operation done and signed on the third day of the stay."""
    given_: dict[str, Any] = {"code": code, "began": at("2026-03-03"), "surgeon": True, "anaesthesia": "01"}
    return RecordOperation(**(given_ | changes))


def a_fee(fee_class: Any, yuan: int, **changes: Any) -> FeeItem:
    """Return a class of fees."""
    return FeeItem(fee_class=fee_class, amount=yuan * 10_000, **changes)


FACTS: dict[str, Any] = {
    "diagnoses": (a_diagnosis("K80.100", main=True), a_diagnosis("I10.x00", at=1)),
    "operations": (an_operation(main=True),),
    "fees": (a_fee("surgery", 3000), a_fee("western_drug", 7000, at=1)),
    "total": 10_000_0000,
    "charged": {},
    "admitted": at("2026-03-01 10:00"),
    "discharged": at("2026-03-08 15:00"),
    "stay_timed": True,
    "uploaded": at("2026-03-10 09:00"),
    "born": date(1975, 6, 1),
    "stated_age_years": 50,
    "stated_days": 7,
    "nursing_days": {"first": 2, "second": 5},
    "required": 20,
}
"""A list with nothing wrong and nothing missing."""


def facts(case: dict[str, Any] | None = None, **changes: Any) -> RecordFacts:
    """Return a sound list with changes; the case follows its diagnoses and operations."""
    whole = FACTS | changes
    diagnoses, operations = whole["diagnoses"] or (), whole["operations"] or ()
    principal = diagnoses[0].code if diagnoses else ""
    made = a_case(
        principal,
        *(line.code for line in operations),
        others=tuple(line.code for line in diagnoses[1:]),
        **(case or {}),
    )
    return RecordFacts(case=made, **whole)


def said(record: RecordFacts, directory: Directory = DIRECTORY) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what is found: code, certainty, fields."""
    return [
        (finding.code, finding.certainty, finding.fields)
        for finding in check_record(record, directory)
        if not finding.not_checked
    ]


def unread(record: RecordFacts) -> list[tuple[str, tuple[str, ...]]]:
    """Return what could not be checked, and for want of what."""
    return [(finding.code, finding.not_checked) for finding in check_record(record, DIRECTORY) if finding.not_checked]


def message(record: RecordFacts, directory: Directory = DIRECTORY) -> str:
    """Return the words of the one finding."""
    (words,) = [found.message for found in check_record(record, directory) if not found.not_checked]
    return words


class TestSound:
    def test_nothing(self):
        """A sound list has no finding, and every check was made."""
        assert () == check_record(facts(), DIRECTORY)
        assert passed(check_record(facts(), DIRECTORY))

    def test_a_bare_case(self):
        """Of a case alone nearly nothing can be checked, and each check says so; nothing is found."""
        record = RecordFacts(case=a_case("K80.100", sex=None, age_years=None))

        assert [] == said(record)
        assert [
            ("late_upload", ("uploaded", "discharged")),
            ("incomplete", ("required",)),
            ("admission_condition_missing", ("diagnoses",)),
            ("date_order", ("admitted", "discharged")),
            ("before_birth", ("born",)),
            ("fees_do_not_add_up", ("fees",)),
            ("fee_without_procedure", ("fees", "charged")),
        ] == unread(record)
        assert passed(check_record(record, DIRECTORY))

    def test_words_of_what_was_not_checked(self):
        """It names the absent fact and the check."""
        (finding,) = check_record(facts(uploaded=None), DIRECTORY)

        assert ("notice", "缺上传时间,未能检查“清单上传超期”。") == (finding.certainty, finding.message)


class TestTimely:
    @pytest.mark.parametrize(("day", "expected"), [(15, []), (16, ["late_upload"])])
    def test_seven_days(self, day, expected):
        """Discharged on the 8th: the 15th is in time, the 16th is late."""
        assert expected == [code for code, _, _ in said(facts(uploaded=at(f"2026-03-{day} 23:00")))]

    def test_words(self):
        """Both days, the days between, and the limit."""
        assert "2026-03-08出院,2026-03-20上传清单,相隔 12 天,超过 7 天。请按时上传。" == message(
            facts(uploaded=at("2026-03-20"))
        )

    def test_the_scheme_says_how_many_days(self):
        """``quality.upload_days``."""
        directory = Directory.build(the_scheme(quality=Quality(upload_days=20)))

        assert [] == said(facts(uploaded=at("2026-03-28")), directory)


class TestComplete:
    def test_share(self):
        """19 of 20 fields are 95 %: enough, and the blank one is named; 18 are not."""
        one, two = facts(blank=("input.setlinfo.bill_no",)), facts(blank=("a", "b"))

        assert (Decimal("0.95"), Decimal("0.9"), None) == (
            completeness(one),
            completeness(two),
            completeness(facts(required=0)),
        )
        assert [("incomplete", "notice", ("input.setlinfo.bill_no",))] == said(one)
        assert [("incomplete", "violation", ("a", "b"))] == said(two)
        assert "必填项完整率 90.0%(要求不低于 95%),未填写:a、b。请补填。" == message(two)
        assert not passed(check_record(two, DIRECTORY))


class TestPrincipal:
    def test_missing(self):
        """No principal diagnosis."""
        assert [("missing_principal", "violation", ("case.principal",))] == said(
            facts(diagnoses=(), operations=(), fees=(a_fee("other", 10_000),))
        )

    def test_several(self):
        """Two are flagged."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("I10.x00", main=True, at=1))

        assert [("several_principals", "violation", ("diagnoses[0]", "diagnoses[1]"))] == said(facts(diagnoses=lines))

    @pytest.mark.parametrize("code", ["W01.x00", "M8140/3", "G01*", "K80.900"])
    def test_not_allowed(self, code):
        """External cause, morphology, asterisk code, exclusion list."""
        record = facts(diagnoses=(a_diagnosis(code, main=True),), operations=(), fees=(a_fee("other", 10_000),))

        assert ("principal_not_allowed", "violation", ("case.principal",)) in said(record)

    def test_arose_in_hospital(self):
        """入院病情 无 at the principal diagnosis, and at one that counts as a comorbidity."""
        principal = (a_diagnosis("K80.100", main=True, admission="absent"),)
        other = (a_diagnosis("K80.100", main=True), a_diagnosis("J96.000", admission="absent", at=1))

        assert [("principal_absent_on_admission", "violation", ("diagnoses[0]",))] == said(facts(diagnoses=principal))
        assert [("arose_in_hospital", "suspicious", ("diagnoses[1]",))] == said(facts(diagnoses=other))

    def test_a_complication_that_counts_for_nothing(self):
        """A diagnosis of no list may arise in hospital."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("I10.x00", admission="absent", at=1))

        assert [] == said(facts(diagnoses=lines))

    def test_admission_condition_blank(self):
        """Each diagnosis without 入院病情 is named."""
        lines = (a_diagnosis("K80.100", main=True, name="胆囊结石", admission=None),)

        assert "诊断【K80.100 胆囊结石】没有填写入院病情。请补填(有、临床未确定、情况不明、无)。" == message(
            facts(diagnoses=lines)
        )


class TestCodes:
    def test_twice(self):
        """The same diagnosis in two spellings."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("k80.100", at=3))

        assert [("duplicate_diagnosis", "violation", ("diagnoses[0]", "diagnoses[3]"))] == said(facts(diagnoses=lines))

    def test_not_in_table(self):
        """A code of no known shape or category; an operation that the table does not have."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("XYZD018987", at=1))

        assert [("diagnosis_not_in_table", "violation", ("diagnoses[1]",))] == said(facts(diagnoses=lines))
        assert [("operation_not_in_table", "suspicious", ("operations[1]",))] == said(
            facts(operations=(an_operation(), an_operation("99.1234", at=1)))
        )

    def test_a_table_that_is_not_whole_says_nothing_of_others(self):
        """An operation that a partial table lacks may well exist."""
        part = Directory.build(the_scheme(normalisation=Normalisation()))

        assert [] == said(facts(operations=(an_operation(), an_operation("99.1234", at=1))), part)

    def test_an_extract_knows_no_absence(self):
        """Of an extract's operation table nothing follows."""
        directory = Directory.build(the_scheme(partial=True))

        assert [] == said(facts(operations=(an_operation(), an_operation("99.1234", at=1))), directory)

    def test_another_version(self):
        """A mapped code is said to be mapped."""
        lines = (a_diagnosis("K80.101", main=True),)

        assert [("code_of_other_version", "notice", ("diagnoses[0]",))] == said(facts(diagnoses=lines))
        assert [("code_of_other_version", "notice", ("operations[0]",))] == said(
            facts(operations=(an_operation("51.2302"),))
        )

    def test_counts(self):
        """The declared numbers; TCM diagnoses may be counted in or not."""
        assert [] == said(facts(declared_diagnoses=2, declared_operations=1, listed_diagnoses=3))
        assert [] == said(facts(declared_diagnoses=3, listed_diagnoses=3))
        assert [("count_mismatch", "suspicious", ("declared_diagnoses", "diagnoses"))] == said(
            facts(declared_diagnoses=5, listed_diagnoses=3)
        )

    def test_several_main_operations(self):
        """One operation is the main one."""
        lines = (an_operation(main=True), an_operation("51.8801", main=True, at=1))

        assert [("several_main_operations", "violation", ("operations[0]", "operations[1]"))] == said(
            facts(operations=lines)
        )

    def test_operation_without_its_diagnosis(self):
        """Cholecystectomy is listed for K80 only; another code of the category will do."""
        wrong = (a_diagnosis("I10.x00", main=True),)

        assert [("operation_without_diagnosis", "notice", ("operations[0]", "diagnoses"))] == said(
            facts(diagnoses=wrong)
        )
        assert [] == said(facts(diagnoses=(a_diagnosis("K80.500", main=True),)))

    def test_an_operation_for_any_diagnosis(self):
        """Rows without a diagnosis belong to every one."""
        record = facts(diagnoses=(a_diagnosis("I10.x00", main=True),), operations=(an_operation("33.6x00"),))

        assert [] == said(record)


class TestSexAndAge:
    @pytest.mark.parametrize(
        ("code", "sex", "expected"),
        [
            ("N40.x00", "female", [("diagnosis_sex", "suspicious", ("diagnoses[1]", "case.sex"))]),
            ("N40.x00", "male", []),
            ("C56.x00", "male", [("diagnosis_sex", "suspicious", ("diagnoses[1]", "case.sex"))]),
            ("O80.000", "male", [("pregnancy_sex", "suspicious", ("diagnoses[1]", "case.sex"))]),
        ],
    )
    def test_sex(self, code, sex, expected):
        """N40 is a man's, C56 a woman's, O80 a mother's."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis(code, at=1))

        assert expected == said(facts({"sex": sex}, diagnoses=lines))

    def test_words(self):
        """Code, name, whose it is, who the patient is."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("N40.x00", name="前列腺增生", at=1))

        assert "诊断【N40.x00 前列腺增生】只用于男性(患者为女性)。请核对编码与患者的性别。" == message(
            facts({"sex": "female"}, diagnoses=lines)
        )

    def test_sex_of_an_operation(self):
        """Resection of the prostate."""
        record = facts({"sex": "female"}, operations=(an_operation("60.2900"),))

        assert [("operation_sex", "suspicious", ("operations[0]", "case.sex"))] == said(record)

    def test_unknown_sex(self):
        """Only codes of one sex need it."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("N40.x00", at=1))

        assert [("diagnosis_sex", ("case.sex",))] == unread(facts({"sex": None}, diagnoses=lines))
        assert [] == unread(facts({"sex": None}))

    @pytest.mark.parametrize(
        ("case", "expected"),
        [
            ({"age_years": 50}, ["newborn_diagnosis_age"]),
            ({"age_years": 1}, []),
            ({"age_years": 0, "age_days": 3, "weight_g": 3200}, []),
        ],
    )
    def test_perinatal(self, case, expected):
        """P codes are a newborn's, and may be named until the second birthday."""
        lines = (a_diagnosis("P07.300", main=True),)
        record = facts(case, diagnoses=lines, operations=None, stated_age_years=None, charged=None, fees=())

        assert expected == [code for code, _, _ in said(replace(record, total=None))]

    def test_a_newborn_s_disease_on_its_mother_s_list(self):
        """Nobody's mismatch."""
        lines = (a_diagnosis("O80.000", main=True), a_diagnosis("P07.300", at=1))
        record = facts({"sex": "female", "age_years": 30}, diagnoses=lines, operations=(), stated_age_years=None)

        assert [] == said(replace(record, fees=(a_fee("other", 10_000),)))

    @pytest.mark.parametrize(
        ("years", "expected"), [(9, ["pregnancy_age"]), (12, []), (55, []), (70, ["pregnancy_age"])]
    )
    def test_pregnancy(self, years, expected):
        """Pregnancy at nine and at seventy is worth a look."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("O99.400", at=1))
        record = facts({"sex": "female", "age_years": years}, diagnoses=lines, stated_age_years=None)

        assert expected == [code for code, _, _ in said(record)]

    def test_dementia_in_a_child(self):
        """Dementia is not a child's disease."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("F03.x00", at=1))

        assert ["diagnosis_age"] == [
            code for code, _, _ in said(facts({"age_years": 8}, diagnoses=lines, stated_age_years=None))
        ]

    @pytest.mark.parametrize(("years", "expected"), [(0, []), (1, ["diagnosis_age"]), (None, [])])
    def test_the_scheme_s_limits(self, years, expected):
        """A code for at most 28 days: age 0 may be within, age 1 is not, no age says nothing."""
        lines = (a_diagnosis("K80.100", main=True), a_diagnosis("A04.000x001", at=1))
        record = facts({"age_years": years}, diagnoses=lines, stated_age_years=None)

        assert expected == [code for code, _, _ in said(record)]
        assert (years is None) == (("diagnosis_age", ("case.age_years",)) in unread(record))


NEWBORN = {"age_years": 0, "age_days": 3}


class TestPatient:
    def test_weight_missing(self):
        """A newborn's list needs a weight."""
        record = facts(NEWBORN, born=date(2026, 2, 26), stated_age_years=None, stated_age_days=3)

        assert [("birth_weight_missing", "violation", ("birth_weight_g", "admission_weight_g"))] == said(record)
        assert [] == said(replace(record, birth_weight_g=3200))

    def test_weight_in_kilograms(self):
        """3 g is no newborn."""
        assert "新生儿出生体重填写为 3 克,不在 200—10000 克之间,未用于入组。请核对数值和单位(克)。" == message(
            facts(birth_weight_g=3)
        )

    @pytest.mark.parametrize(
        ("years", "expected"), [(50, []), (51, [("age_mismatch", "notice")]), (5, [("age_mismatch", "suspicious")])]
    )
    def test_age_and_birth(self, years, expected):
        """Born in June 1975, admitted in March 2026: fifty."""
        assert expected == [(code, certainty) for code, certainty, _ in said(facts(stated_age_years=years))]

    def test_days_and_birth(self):
        """Days of life, give or take one."""
        case = NEWBORN | {"weight_g": 3200}
        young: dict[str, Any] = {"born": date(2026, 2, 26), "stated_age_years": None}

        assert [] == said(facts(case, **young, stated_age_days=4))
        assert ["age_mismatch"] == [code for code, _, _ in said(facts(case, **young, stated_age_days=20))]

    def test_no_birth_date(self):
        """Nothing to compare with."""
        assert [("age_mismatch", ("born",)), ("before_birth", ("born",))] == unread(facts(born=None))


class TestDates:
    def test_discharge_before_admission(self):
        """Clock times count where both carry one."""
        record = facts(discharged=at("2026-03-01 09:00"), stated_days=None, operations=(), nursing_days=None)

        assert [("date_order", "violation", ("admitted", "discharged"))] == said(
            replace(record, uploaded=at("2026-03-02"), fees=(a_fee("other", 10_000),))
        )

    def test_upload_before_discharge(self):
        """A list sent before the patient left."""
        assert [("date_order", "suspicious", ("uploaded", "discharged"))] == said(facts(uploaded=at("2026-03-05")))

    def test_admission_before_birth(self):
        """The birth date is wrong, or the admission's."""
        assert [("before_birth", "violation", ("admitted", "born"))] == said(
            facts(born=date(2026, 3, 2), stated_age_years=None)
        )

    @pytest.mark.parametrize(
        ("stated", "expected"), [(7, []), (8, [("stay_mismatch", "notice")]), (20, [("stay_mismatch", "suspicious")])]
    )
    def test_length_of_stay(self, stated, expected):
        """The 1st to the 8th are seven days; eight counts both ends."""
        assert expected == [(code, certainty) for code, certainty, _ in said(facts(stated_days=stated))]

    def test_a_stay_of_one_day(self):
        """Admitted and discharged on one day: one."""
        day = at("2026-03-03 08:00")
        record = facts(admitted=day, discharged=at("2026-03-03 20:00"), stated_days=1, nursing_days=None)

        assert [] == said(record)

    @pytest.mark.parametrize(
        ("day", "certainty"), [("2026-02-28", "suspicious"), ("2026-03-09", "violation"), ("2026-03-01", None)]
    )
    def test_operation_in_the_stay(self, day, certainty):
        """Before admission is doubtful (an emergency), after discharge is wrong, the day of admission is fine."""
        found = said(facts(operations=(an_operation(began=at(day)),)))

        assert ([("operation_outside_stay", certainty)] if certainty else []) == [item[:2] for item in found]

    def test_operation_before_birth(self):
        """Said once, as what it is."""
        record = facts(operations=(an_operation(began=at("1970-01-01")),))

        assert [("before_birth", "violation", ("operations[0]", "born"))] == said(record)

    def test_operation_times(self):
        """It ends after it begins."""
        done = an_operation(began=at("2026-03-03 10:00"), ended=at("2026-03-03 09:00"), timed=True)

        assert [("operation_order", "violation", ("operations[0]",))] == said(facts(operations=(done,)))

    def test_undated_operation(self):
        """A date that is absent clears nothing."""
        assert [("operation_outside_stay", ("began",))] == unread(facts(operations=(an_operation(began=None),)))

    def test_durations(self):
        """Eight calendar days hold eight days of nursing and of intensive care, and 192 hours of ventilation."""
        assert [] == said(facts({"icu_days": 8}, nursing_days={"first": 8}))
        assert ["nursing_exceeds_stay"] == [code for code, _, _ in said(facts(nursing_days={"first": 5, "second": 4}))]
        assert ["icu_exceeds_stay"] == [code for code, _, _ in said(facts({"icu_days": 9}))]
        assert ["ventilator_exceeds_stay", "ventilator_code_mismatch"] == [
            code for code, _, _ in said(facts(ventilator_minutes=193 * 60))
        ]

    def test_readmission(self):
        """A plan needs a purpose."""
        assert ["readmission_purpose_missing"] == [code for code, _, _ in said(facts(readmission_planned=True))]
        assert [] == said(facts(readmission_planned=True, readmission_purpose="化疗"))


class TestVentilator:
    @pytest.mark.parametrize(
        ("code", "hours", "expected"),
        [
            ("96.7201", 100, []),
            ("96.7201", 96, []),
            ("96.7201", 50, ["ventilator_code_mismatch"]),
            ("96.7101", 50, []),
            ("96.7101", 96, ["ventilator_code_mismatch"]),
            ("45.1300", 50, ["ventilator_code_mismatch"]),
            ("45.1300", 0, []),
        ],
    )
    def test_hours_and_codes(self, code, hours, expected):
        """96.72 is 96 hours and more, 96.71 less; hours without a code lack one."""
        lines = (an_operation(main=True), an_operation(code, at=1))
        record = facts(operations=lines, ventilator_minutes=hours * 60, charged={"ventilation": 500_0000})
        found = [finding for finding in said(record) if finding[0] == "ventilator_code_mismatch"]

        assert expected == [code for code, _, _ in found]

    def test_a_minute_short_of_96_hours(self):
        """Is not shown as 96 hours; the operation has its name from the table."""
        lines = (an_operation(main=True), an_operation("96.7201", at=1))
        record = facts(operations=lines, ventilator_minutes=96 * 60 - 1, charged={"ventilation": 500_0000})

        assert [
            "操作【96.7201 呼吸机治疗[大于等于96小时]】表示不少于 96 小时,而填写的呼吸机使用时间为 95 小时 59 分钟。"
            "请核对。"
        ] == [found.message for found in check_record(record, DIRECTORY) if found.code == "ventilator_code_mismatch"]

    def test_no_time(self):
        """A code without a time cannot be compared."""
        lines = (an_operation(main=True), an_operation("96.7201", at=1))

        assert ("ventilator_code_mismatch", ("ventilator_minutes",)) in unread(facts(operations=lines))


class TestFees:
    def test_sum(self):
        """10,000 against 12,000 yuan; a fen of rounding per class is let pass."""
        assert "各收费项目合计 10000.00 元,与总费用 12000.00 元相差 2000.00 元。请核对。" == message(
            facts(total=12_000_0000)
        )
        assert [] == said(facts(total=10_000_0000 + 200))

    def test_parts_of_a_fen_are_shown(self):
        """An amount is told exactly, not by a binary fraction."""
        assert message(facts(total=10_000_0000 + 201)).endswith("与总费用 10000.0201 元相差 0.0201 元。请核对。")

    def test_swapped_parts(self):
        """A part larger than its whole."""
        fees = (a_fee("surgery", 3000, class_a=5000_0000), a_fee("western_drug", 7000, at=1))

        assert [("fee_parts_exceed_amount", "suspicious", ("fees[0]",))] == said(facts(fees=fees))

    def test_surgery_fee_without_operation(self):
        """手术费 and no operation at all; surgery and no 手术费."""
        none = facts(operations=())
        free = facts(fees=(a_fee("western_drug", 10_000),))

        assert [("fee_without_procedure", "suspicious", ("fees", "operations"))] == said(none)
        assert [("procedure_without_fee", "notice", ("operations[0]", "fees"))] == said(free)

    def test_pairs(self):
        """A charge for ventilation without a code, and the code without a charge."""
        lines = (an_operation(main=True), an_operation("96.7201", at=1))

        assert [("fee_without_procedure", "suspicious", ("charged", "operations"))] == said(
            facts(charged={"ventilation": 500_0000})
        )
        assert [("procedure_without_fee", "suspicious", ("operations[1]", "charged"))] == said(facts(operations=lines))
        assert [] == said(facts(operations=lines, charged={"ventilation": 500_0000}))

    def test_no_single_charges(self):
        """Without itemised charges a ventilation code is not checked."""
        lines = (an_operation(main=True), an_operation("96.7201", at=1))

        assert ("procedure_without_fee", ("charged",)) in unread(facts(operations=lines, charged=None))
        assert [] == unread(facts(charged=None))


class TestStaff:
    @pytest.mark.parametrize(
        ("code", "anaesthesia", "expected"),
        [
            ("51.2300", None, [("anaesthesia_missing", "suspicious")]),
            ("51.2300", "", [("anaesthesia_missing", "suspicious")]),
            ("45.1300", None, []),
        ],
    )
    def test_anaesthesia(self, code, anaesthesia, expected):
        """Major surgery needs it; an endoscopy does not."""
        lines = (an_operation(code, anaesthesia=anaesthesia),)
        found = said(facts(operations=lines, fees=(a_fee("surgery", 10_000),)))

        assert expected == [item[:2] for item in found]

    def test_surgeon(self):
        """Surgery names who did it."""
        assert [("surgeon_missing", "notice", ("operations[0]",))] == said(
            facts(operations=(an_operation(surgeon=False),))
        )


CODES = st.sampled_from(
    ["", "无", "K80.100", "k80101", "P07.300", "O80.000", "N40.x00", "M8140/3", "A17.07", "G01*", "+"]
)
DONE = st.sampled_from(["", "51.2300", "96.7201", "60.2900", "x", "99.9999", "17.98330"])
TIMES = st.one_of(st.none(), st.datetimes(timezones=st.just(ZONE)))
NUMBERS = st.one_of(st.none(), st.integers(-5, 10**6))
DIAGNOSES = st.builds(
    RecordDiagnosis,
    code=CODES,
    admission=st.sampled_from(["present", "absent", None]),
    main=st.sampled_from([True, None]),
)
OPERATED = st.builds(
    RecordOperation,
    code=DONE,
    began=TIMES,
    ended=TIMES,
    timed=st.booleans(),
    anaesthesia=st.sampled_from([None, "", "1"]),
)
FEES = st.builds(
    FeeItem, fee_class=st.sampled_from(["surgery", "bed", None]), amount=st.integers(-5, 10**9), class_a=NUMBERS
)


class TestAnyList:
    @given(
        codes=st.tuples(
            st.none() | st.lists(DIAGNOSES, max_size=6).map(tuple),
            st.none() | st.lists(OPERATED, max_size=5).map(tuple),
        ),
        fees=st.none() | st.lists(FEES, max_size=4).map(tuple),
        times=st.tuples(TIMES, TIMES, TIMES, st.booleans()),
        numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
        charged=st.none() | st.dictionaries(st.sampled_from(["ventilation", "z"]), st.integers(-5, 10**9)),
    )
    def test_never_raises_and_always_speaks_plainly(self, codes, fees, times, numbers, charged):
        """Whatever a list holds, findings have a title, a sentence, and either fields or absent facts."""
        record = facts(
            {"sex": None, "age_years": numbers[0], "age_days": numbers[1], "days": numbers[2], "icu_days": numbers[3]},
            diagnoses=codes[0],
            operations=codes[1],
            fees=fees,
            admitted=times[0],
            discharged=times[1],
            uploaded=times[2],
            stay_timed=times[3],
            stated_days=numbers[2],
            ventilator_minutes=numbers[3],
            charged=charged,
        )
        for finding in check_record(record, DIRECTORY):
            assert finding.title == QUALITY_TITLES[finding.code]
            assert finding.message.endswith("。")
            assert finding.fields


def test_every_code_has_a_title():
    """The closed set and its titles are one."""
    codes = QualityFinding.__annotations__["code"].__args__

    assert set(codes) == set(QUALITY_TITLES)


def test_a_partial_table_of_categories():
    """A scheme that knows its categories refuses others."""
    directory = Directory.build(the_scheme(normalisation=Normalisation(categories=("K00-K99",))))

    assert [("diagnosis_not_in_table", "violation", ("diagnoses[1]",))] == said(facts(), directory)
