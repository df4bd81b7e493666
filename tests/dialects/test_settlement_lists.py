"""Settlement lists in the 4101 and 4101A shape: what is read, in how many spellings, and every fault by its path."""

import json
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from rules.dip.quality import check_record
from rules.dip.quality_facts import FeeItem, RecordDiagnosis, RecordOperation
from service.errors import INVALID, Fault, Problem
from service.settlement_lists.nodes import minutes
from service.settlement_lists.reading import SettlementList, national_name, read_settlement_list
from service.sites import Site
from tests.dialects.national_calls import ZONE, pseudonym
from tests.dip.quality_scheme import DIRECTORY

FOLDER = Path(__file__).parent / "settlement_lists"
GALLBLADDER = "4101-gallbladder"
NEWBORN = "4101a-newborn"
SPELLINGS = "4101-province-spellings"


def example(name: str) -> dict[str, Any]:
    """Return an example message."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document


def read(document: Any, **changes: Any) -> SettlementList:
    """Read a list as the service does."""
    return read_settlement_list(document, **({"zone": ZONE, "pseudonym": pseudonym} | changes))


def changed(name: str = GALLBLADDER, **nodes: Any) -> dict[str, Any]:
    """Return an example with nodes replaced; ``setlinfo`` is merged."""
    document = deepcopy(example(name))
    given_: dict[str, Any] = document.get("input", document)
    given_["setlinfo"] |= nodes.pop("setlinfo", {})
    given_ |= nodes
    return document


def diagnosed(*lines: dict[str, Any]) -> SettlementList:
    """Read the example with other diagnoses."""
    return read(changed(diseinfo=list(lines)))


def faults_of(document: Any, **changes: Any) -> list[tuple[str, str]]:
    """Return what is wrong with a list, by path."""
    with pytest.raises(Problem) as caught:
        read(document, **changes)
    assert INVALID is caught.value.kind
    return [(fault.field, fault.message) for fault in caught.value.faults]


def refused(document: dict[str, Any]) -> tuple[Fault, ...]:
    """Return why a list is refused, if it is."""
    try:
        read(document)
    except Problem as problem:
        return problem.faults
    return ()


class TestWhole4101:
    def test_case(self):
        """The case of an ordinary list: principal first, main operation first, money in 1/10,000 yuan."""
        case = asdict(read(example(GALLBLADDER)).case)

        assert {
            "id": "S20260308001",
            "principal": "K80.100",
            "others": ("I10.x00",),
            "operations": ("51.2300", "45.1300"),
            "sex": "male",
            "age_years": 50,
            "days": 7,
            "icu_days": 0,
            "died": False,
            "cost": 10_000_0000,
            "drug_cost": 3_000_0000,
            "treatment_cost": 1_220_0000,
            "material_cost": 2_500_0000,
            "hospital": "H00000000001",
            "hospital_level": 3,
            "insurance": "310",
            "day_surgery": False,
            "place": "000100",
            "admitted": date(2026, 3, 1),
            "discharged": date(2026, 3, 8),
            "patient": pseudonym("H00000000001\nmedcasno\nB000123"),
            "department": "A04.01",
            "departments": 2,
            "deductible": 0,
            "copayment": 1_500_0000,
            "out_of_catalogue": 500_0000,
            "other_payers": 400_0000,
            "fund_paid": 7_600_0000,
        } == {name: value for name, value in case.items() if value not in (None, ()) and name != "ongoing"}

    def test_list(self):
        """Keys of the list, and what pays it."""
        found = read(example(GALLBLADDER))

        assert ("4101", "M20260301001", "S20260308001", True, ()) == (
            found.kind,
            found.visit,
            found.settlement,
            found.paid_by_dip,
            found.left_out,
        )

    def test_diagnoses_and_operations(self):
        """Each keeps its place in the message."""
        facts = read(example(GALLBLADDER)).facts

        assert (
            RecordDiagnosis(code="K80.100", name="胆囊结石伴慢性胆囊炎", admission="present", main=True, at=1),
            RecordDiagnosis(code="I10.x00", name="高血压", admission="present", main=False, at=0),
        ) == facts.diagnoses
        assert (
            RecordOperation(
                code="51.2300",
                name="腹腔镜下胆囊切除术",
                main=True,
                began=datetime(2026, 3, 3, tzinfo=ZONE),
                surgeon=True,
                anaesthesia="01",
                anaesthetist=True,
                at=1,
            ),
            RecordOperation(
                code="45.1300",
                name="胃镜检查",
                main=False,
                began=datetime(2026, 3, 2, tzinfo=ZONE),
                surgeon=True,
                at=0,
            ),
        ) == facts.operations

    def test_facts(self):
        """Times, fees, declared counts, nursing days."""
        facts = read(example(GALLBLADDER)).facts

        assert (
            datetime(2026, 3, 1, 10, tzinfo=ZONE),
            datetime(2026, 3, 8, 15, tzinfo=ZONE),
            True,
            datetime(2026, 3, 10, 9, tzinfo=ZONE),
            date(1975, 6, 1),
        ) == (facts.admitted, facts.discharged, facts.stay_timed, facts.uploaded, facts.born)
        assert (50, None, 7, 2, 2, {"first": 2, "second": 5}) == (
            facts.stated_age_years,
            facts.stated_age_days,
            facts.stated_days,
            facts.declared_diagnoses,
            facts.declared_operations,
            facts.nursing_days,
        )
        assert FeeItem(
            fee_class="material", amount=2_500_0000, class_a=0, class_b=2_000_0000, own=500_0000, other=0, at=3
        ) in (facts.fees or ())
        assert ("3", "1", None, "", ()) == (
            facts.payment_method,
            facts.inpatient_type,
            facts.readmission_planned,
            facts.readmission_purpose,
            facts.blank,
        )

    def test_no_identity(self):
        """Name and identity number are nowhere in what is read."""
        found = read(example(GALLBLADDER))

        assert "钱示例" not in repr(found)
        assert "000000197506010000" not in repr(found)
        assert "B000123" not in repr(found)
        assert "示例医师" not in repr(found)

    def test_the_bare_input(self):
        """Without its envelope the list reads the same."""
        assert read(example(GALLBLADDER)) == read(example(GALLBLADDER)["input"])


class TestWhole4101A:
    def test_case(self):
        """A newborn: days of life, birth weight, intensive care of 5 and 2.5 days, cost as stated."""
        found = read(example(NEWBORN))
        case = found.case

        assert ("4101A", 0, 2, 1480, 7, 68_420_5500) == (
            found.kind,
            case.age_years,
            case.age_days,
            case.weight_g,
            case.icu_days,
            case.cost,
        )
        assert ("P07.100x002", ("P22.000", "P36.900"), ("P36.900",), ("96.7101",)) == (
            case.principal,
            case.others,
            case.absent_on_admission,
            case.operations,
        )
        assert pseudonym("H00000000001\nP0000000042") == case.patient

    def test_what_it_does_not_say(self):
        """No fee classes, no shares: they are not known, not zero."""
        found = read(example(NEWBORN))
        case = found.case

        assert (None,) * 8 == (
            found.facts.fees,
            case.drug_cost,
            case.material_cost,
            case.deductible,
            case.copayment,
            case.out_of_catalogue,
            case.other_payers,
            case.fund_paid,
        )

    def test_facts(self):
        """Ventilator time, weights, a lone operation with times and no anaesthesia, a planned return."""
        facts = read(example(NEWBORN)).facts
        (operation,) = facts.operations or ()

        assert (37 * 60 + 24, (0, None), 1480, 1450) == (
            facts.ventilator_minutes,
            facts.coma_minutes,
            facts.birth_weight_g,
            facts.admission_weight_g,
        )
        assert (True, "", datetime(2026, 4, 2, 16, 24, tzinfo=ZONE)) == (
            operation.timed,
            operation.anaesthesia,
            operation.ended,
        )
        assert (True, "眼底复查") == (facts.readmission_planned, facts.readmission_purpose)


class TestSpellings:
    def test_case(self):
        """Chinese words for codes, numbers as text, dates of every sort, zeros that are nulls, 无 for empty."""
        case = read(example(SPELLINGS)).case

        assert ("female", 78, None, None, 12, True, None) == (
            case.sex,
            case.age_years,
            case.age_days,
            case.weight_g,
            case.days,
            case.died,
            case.icu_days,
        )
        assert ("I63.900", ("E11.900", "J18.900"), ("J18.900",), ()) == (
            case.principal,
            case.others,
            case.absent_on_admission,
            case.operations,
        )
        assert (2, "21", False) == (case.hospital_level, case.medical_type, case.day_surgery)

    def test_nursing_days(self):
        """``lv3Nursecare_Days`` and ``scd_nursecare_days`` are nursing days like any other."""
        assert {"second": 9, "third": 3} == read(example(SPELLINGS)).facts.nursing_days

    def test_money_that_is_not_clear(self):
        """An unknown fee class leaves the classes open, an unknown fund type the payers; the sum stands."""
        case = read(example(SPELLINGS)).case

        assert (1_510_1000, None, None, None) == (case.cost, case.drug_cost, case.fund_paid, case.other_payers)

    def test_not_paid_by_dip(self):
        """``hi_paymtd`` 4 is DRG; absent is not known."""
        assert read(example(SPELLINGS)).paid_by_dip is False
        assert read(changed(setlinfo={"hi_paymtd": ""})).paid_by_dip is None

    def test_left_out(self):
        """TCM diagnoses are named with their place; the principal one is the western one that is flagged."""
        assert (
            "input.diseinfo[0]:中医诊断,不参与入组",
            "input.diseinfo[1]:中医证候或手术操作,不参与入组",
        ) == read(example(SPELLINGS)).left_out

    def test_blank(self):
        """Required fields that are empty or 无, each by its path."""
        facts = read(example(SPELLINGS)).facts

        assert {
            "input.setlinfo.setl_begn_date",
            "input.setlinfo.setl_end_date",
            "input.setlinfo.bill_code",
            "input.setlinfo.bill_no",
            "input.setlinfo.biz_sn",
            "input.setlinfo.acct_pay",
            "input.setlinfo.psn_cashpay",
        } == {name for name in facts.blank if "setlinfo" in name}
        assert "input.iteminfo[0].claa_sumfee" in facts.blank
        assert facts.required > len(facts.blank) > 7


def a_line(code: str, **fields: Any) -> dict[str, Any]:
    """Return one diagnosis as sent."""
    return {"diag_type": "1", "diag_code": code, "diag_name": code, "adm_cond_type": "1"} | fields


class TestPrincipal:
    def test_the_flag_first(self):
        """The flag stands above the type."""
        found = diagnosed(
            a_line("I10.x00", diag_type="1", maindiag_flag="0"), a_line("K80.100", diag_type="2", maindiag_flag="1")
        )

        assert "K80.100" == found.case.principal

    def test_then_the_type(self):
        """西医主要 among 西医其他."""
        found = diagnosed(
            a_line("I10.x00", diag_type="2"), a_line("K80.100", diag_type="1"), a_line("E11.900", diag_type="2")
        )

        assert ("K80.100", ("I10.x00", "E11.900")) == (found.case.principal, found.case.others)

    def test_then_the_order(self):
        """Where nobody flags and all are 西医, the first."""
        assert "I10.x00" == diagnosed(a_line("I10.x00"), a_line("K80.100")).case.principal

    def test_flagged_not_main_throughout(self):
        """A list that says of each that it is not the main one has none: choosing would be a guess."""
        found = diagnosed(a_line("I10.x00", maindiag_flag="0"), a_line("K80.100", maindiag_flag="0"))

        assert ("", ("I10.x00", "K80.100")) == (found.case.principal, found.case.others)

    def test_flagged_twice(self):
        """The first is taken, both stay flagged for the check."""
        found = diagnosed(a_line("I10.x00", maindiag_flag="1"), a_line("K80.100", maindiag_flag="M"))

        assert ("I10.x00", [True, True]) == (found.case.principal, [line.main for line in found.facts.diagnoses or ()])

    def test_a_flagged_one_without_a_code(self):
        """A name without a code does not group, and no other takes its place."""
        found = diagnosed(a_line("", diag_name="胆囊结石", maindiag_flag="1"), a_line("I10.x00", maindiag_flag="0"))

        assert ("", ("I10.x00",)) == (found.case.principal, found.case.others)

    @pytest.mark.parametrize(("kind", "code"), [("2", "BNG050"), ("2", "A07.01.01"), ("", "A17.07"), ("5", "K80.100")])
    def test_never_a_western_diagnosis(self, kind, code):
        """TCM codes by their shape, and groups of payment by their type."""
        found = diagnosed(a_line(code, diag_type=kind, maindiag_flag="1"), a_line("I10.x00"))

        assert ((), 2, 1) == (found.case.others, found.facts.listed_diagnoses, len(found.left_out))

    def test_local_codes_stay(self):
        """A code of unknown shape is kept for the grouper to refuse."""
        assert "XYZD018987" == diagnosed(a_line("XYZD018987", maindiag_flag="1")).case.principal


class TestAge:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            ({"age": "50"}, (50, None)),
            ({"age": "3.5"}, (3, None)),
            ({"age": 50, "nwb_age": 0}, (50, None)),
            ({"age": "", "nwb_age": 12, "brdy": ""}, (0, 12)),
            ({"age": "", "nwb_age": 0, "brdy": ""}, (0, 0)),
            ({"age": 0, "nwb_age": 0, "brdy": "1975-06-01"}, (50, None)),
            ({"age": 0, "nwb_age": "", "brdy": "2026-02-20"}, (0, 9)),
            ({"age": "", "brdy": "1975-06-01"}, (50, None)),
            ({"age": 0, "nwb_age": 0, "brdy": ""}, (None, None)),
            ({"age": "", "brdy": ""}, (None, None)),
            ({"age": "", "brdy": "2027-01-01"}, (None, None)),
        ],
    )
    def test_years_and_days(self, sent, expected):
        """Days only under one year; a zero may be a null, and then the birth date decides."""
        case = read(changed(setlinfo=sent)).case

        assert expected == (case.age_years, case.age_days)

    @pytest.mark.parametrize(("sent", "expected"), [("3.20", None), ("3200", 3200), ("0", 1450), ("", 1450)])
    def test_weight(self, sent, expected):
        """The birth weight, else that at admission; kilograms group nobody."""
        weights = {"nwb_bir_wt": sent, "nwb_adm_wt": "" if sent == "3.20" else "1450"}

        assert expected == read(changed(NEWBORN, setlinfo=weights)).case.weight_g


class TestStay:
    def test_days_by_the_dates(self):
        """Counted where they are not stated; one day at least."""
        assert 7 == read(changed(setlinfo={"act_ipt_days": ""})).case.days
        assert 1 == read(changed(setlinfo={"act_ipt_days": 0, "dscg_time": "2026-03-01 20:00:00"})).case.days
        assert read(changed(setlinfo={"act_ipt_days": "", "dscg_time": "2026-02-01"})).case.days is None

    def test_intensive_care(self):
        """Not sent is not none; a stay that cannot be measured leaves the sum open."""
        document = changed()
        del document["input"]["icuinfo"]

        assert read(document).case.icu_days is None
        assert 0 == read(changed(icuinfo=[{}])).case.icu_days
        assert read(changed(icuinfo=[{"scs_cutd_ward_type": "1"}])).case.icu_days is None
        assert read(changed(icuinfo=[{"scs_cutd_inpool_time": "2026-03-02 10:00:00"}])).case.icu_days is None

    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            ({"days_rinp_flag_31": "0", "days_rinp_pup_31": ""}, False),
            ({"days_rinp_flag_31": "1", "days_rinp_pup_31": ""}, None),
            ({"days_rinp_flag_31": "1", "days_rinp_pup_31": "化疗"}, True),
            ({"days_rinp_flag_31": "2", "days_rinp_pup_31": ""}, True),
        ],
    )
    def test_plan_to_return(self, sent, expected):
        """1 is *no* on the form and *yes* as a flag: only a purpose tells."""
        assert expected is read(changed(setlinfo=sent)).facts.readmission_planned

    @pytest.mark.parametrize(
        ("sent", "expected"),
        [("0/0/0", 0), ("1/13/24", 2244), ("2/-/-", 2880), ("-/-/-", None), ("0", 0), ("10/2/3", 14523)],
    )
    def test_durations(self, sent, expected):
        """Days, hours, minutes."""
        assert expected == minutes(sent)

    def test_level(self):
        """The hospital's profile stands above the message; a number 1 or 2 may mean two things."""
        assert 2 == read(example(GALLBLADDER), site=Site(level=2)).case.hospital_level

    @pytest.mark.parametrize(("region", "elsewhere"), [("330100", False), ("440100", True), (None, None)])
    def test_who_is_insured_elsewhere(self, region, elsewhere):
        """Told by the first four digits of the place; without a region of our own nobody knows."""
        document = example(GALLBLADDER)
        document["input"]["setlinfo"]["insuplc"] = "330199"

        assert elsewhere is read(document, site=Site(region=region)).case.out_of_area
        assert read(changed(setlinfo={"hi_setl_lv": 2})).case.hospital_level is None


class TestFaults:
    def test_every_one_by_its_path(self):
        """All at once, in the caller's own names."""
        document = changed(
            setlinfo={"brdy": "1975-13-01", "age": "-3", "vent_used_dura": "36", "psn_selfpay": "abc"},
            iteminfo=[{"med_chrgitm": "01", "amt": "1.0"}, {"med_chrgitm": "02", "amt": "x"}],
            diseinfo=[a_line("K80.100", diag_code=["K80.100"])],
            oprninfo=[{"oprn_oprt_code": "51.2300", "oprn_oprt_date": "2026-02-30"}, 7],
            icuinfo="none",
        )

        assert [
            ("input.diseinfo[0].diag_code", "应为文本或数字"),
            ("input.oprninfo[1]", "应为对象"),
            ("input.oprninfo[0].oprn_oprt_date", "日期时间不存在"),
            ("input.iteminfo[1].amt", "应为数字"),
            ("input.setlinfo.psn_selfpay", "应为数字"),
            ("input.setlinfo.brdy", "日期时间不存在"),
            ("input.setlinfo.age", "不应为负数"),
            ("input.icuinfo", "应为列表或对象"),
            ("input.setlinfo.vent_used_dura", "时长应写作 天/小时/分钟"),
        ] == faults_of(document)

    def test_paths_as_sent(self):
        """The key as its sender wrote it, under the path the caller gives."""
        document = changed(SPELLINGS, setlinfo={"lv3Nursecare_Days": "many"}, icuinfo={"scs_cutd_sum_dura": "1天"})

        assert [
            ("lists[3].input.icuinfo.scs_cutd_sum_dura", "时长应写作 天/小时/分钟"),
            ("lists[3].input.setlinfo.lv3Nursecare_Days", "应为数字"),
        ] == faults_of(document, path="lists[3].input")

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            ({}, [("input.setlinfo", "缺少该节点")]),
            ({"input": None}, [("input", "缺少该节点")]),
            ({"input": [1]}, [("input", "应为对象")]),
            ([], [("input", "应为对象")]),
            ({"setlinfo": ""}, [("input.setlinfo", "缺少该节点")]),
            ({"setlinfo": 5}, [("input.setlinfo", "应为列表或对象"), ("input.setlinfo", "缺少该节点")]),
            ({"infno": "3101", "input": {"setlinfo": {}}}, [("infno", "应为 4101 或 4101A")]),
        ],
    )
    def test_no_list_at_all(self, document, expected):
        """What has no meaning is refused with the node that is missing."""
        assert expected == faults_of(document)

    def test_no_fault_quotes_a_value(self):
        """Where and what, never what stood there."""
        assert all(
            "钱示例" not in message for _, message in faults_of(changed(setlinfo={"brdy": "钱示例", "age": "钱示例"}))
        )

    def test_an_empty_list_is_no_fault(self):
        """A missing field never is: the checks say so."""
        found = read({"setlinfo": {}})

        assert ("4101A", "", None, None) == (found.kind, found.case.principal, found.case.cost, found.facts.diagnoses)


class TestKind:
    def test_by_the_envelope(self):
        """``infno`` decides, as text or number."""
        assert "4101A" == read(changed() | {"infno": "4101a"}).kind
        assert "4101" == read(changed() | {"infno": 4101}).kind

    def test_by_its_nodes(self):
        """Only 4101 has fees and payers."""
        assert "4101" == read(example(SPELLINGS)).kind
        assert "4101A" == read(example(NEWBORN)["input"]).kind


def test_names_of_the_interface():
    """What a finding concerns, in the interface's own names."""
    assert ["diseinfo[2]", "oprninfo[0]", "iteminfo", "setlinfo.gend", "input.setlinfo.brdy", "charged"] == [
        national_name(field)
        for field in ("diagnoses[2]", "operations[0]", "fees", "case.sex", "input.setlinfo.brdy", "charged")
    ]


class TestChecked:
    """A list read, then checked: the two speak of the same fields."""

    def test_an_ordinary_list(self):
        """Only what nobody sends is not checked: a total of its own."""
        found = check_record(read(example(GALLBLADDER)).facts, DIRECTORY)

        assert [("fees_do_not_add_up", ("total",))] == [(finding.code, finding.not_checked) for finding in found]

    def test_a_wrong_list(self):
        """Findings name lines as the sender numbers them."""
        document = changed(
            setlinfo={"gend": "2", "act_ipt_days": 9, "dcla_time": "2026-03-20", "medfee_sumamt": 9000},
            diseinfo=[a_line("N40.x00", maindiag_flag="0"), a_line("K80.100", maindiag_flag="1", adm_cond_type="4")],
        )
        found = [finding for finding in check_record(read(document).facts, DIRECTORY) if not finding.not_checked]

        assert [
            ("late_upload", ["setlinfo.dcla_time", "setlinfo.dscg_time"]),
            ("principal_absent_on_admission", ["diseinfo[1]"]),
            ("diagnosis_sex", ["diseinfo[0]", "setlinfo.gend"]),
            ("stay_mismatch", ["setlinfo.act_ipt_days"]),
            ("fees_do_not_add_up", ["iteminfo", "setlinfo.medfee_sumamt"]),
        ] == [(finding.code, [national_name(field) for field in finding.fields]) for finding in found]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "无", "1", "2026-03-01", "1/2/3", "x", "-1"]),
)
NODES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


class TestAnything:
    @given(st.data())
    def test_reads_or_names_its_faults(self, data):
        """Whatever stands in a field, the list is read or refused with paths; nothing else is raised."""
        document = example(data.draw(st.sampled_from([GALLBLADDER, NEWBORN, SPELLINGS])))
        given_ = document.get("input", document)
        node = data.draw(st.sampled_from(sorted(given_)))
        inside = given_[node][0] if isinstance(given_[node], list) and given_[node] else given_[node]
        if isinstance(inside, dict) and data.draw(st.booleans()):
            inside[data.draw(st.sampled_from(sorted(inside)))] = data.draw(NODES)
        else:
            given_[node] = data.draw(NODES)
        assert all(fault.field.startswith("input") for fault in refused(document))
