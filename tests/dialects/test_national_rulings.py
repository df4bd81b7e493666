"""Rulings 1 to 12 on reading and answering national messages, one class each."""

from datetime import date, datetime
from typing import Any

import pytest

from rules.model import Encounter
from service.sites import Site
from tests.dialects.national_calls import ZONE, a_message, an_order, read


def encounter_of(*orders: dict[str, Any], site: Site | None = None, **changes: Any) -> Encounter:
    return read(a_message(*orders, **changes), site).encounter


class TestRuling1:
    def test_self_pay_needs_consent_to_be_known(self):
        """Self-pay clears payment rules only with signed consent; this message never says, so it stays unknown."""
        assert encounter_of(an_order(hilist_lv="03")).lines[0].consent is None


class TestRuling2:
    """Whether the patient pays a line: yes, no, or unknown."""

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"self_paying_flag": 1}, True),
            ({"self_paying_flag": "1"}, True),
            ({"hilist_lv": "03"}, True),
            ({"hilist_lv": "3"}, True),
            ({"hilist_lv": 3}, True),
            ({"ownpay_amt": "37.20"}, True),
            ({"ownpay_amt": 37.2, "sumamt": "37.2000"}, True),
            ({"ownpay_amt": "10"}, False),
            ({"selfpay_amt": "3.72"}, False),
            ({"ownpay_amt": 0, "selfpay_amt": 0, "self_paying_flag": 0}, None),
            ({"ownpay_amt": 0, "selfpay_amt": 0, "self_paying_flag": None}, None),
            ({"ownpay_amt": "", "selfpay_amt": "-"}, None),
            ({"ownpay_amt": None, "selfpay_amt": None, "sumamt": None}, None),
            ({"sumamt": "0", "ownpay_amt": "0"}, None),
            ({"sumamt": "-37.20", "ownpay_amt": "-37.20"}, None),
        ],
        ids=str,
    )
    def test_self_paid(self, fields, expected):
        """All-zero or absent amounts mean unknown, never *paid by the fund*."""
        assert encounter_of(an_order(**fields)).lines[0].self_paid is expected


class TestRuling3:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            ("001109000010000-110900001", "001109000010000"),
            ("001109000010000", "001109000010000"),
            (1109000010000, "1109000010000"),
            ("xb05aar032b002010100006 ", "XB05AAR032B002010100006"),
            ("C14040623700000084470000012", "C14040623700000084470000012"),
            ("-", ""),
        ],
    )
    def test_item_codes(self, sent, expected):
        """A service code is cut at the dash; other codes are whole."""
        assert expected == encounter_of(an_order(hilist_code=sent)).lines[0].item


class TestRuling4:
    @pytest.mark.parametrize(
        ("sent", "system"), [("XYZD018987", "local"), ("A17.07", "tcm"), ("A17.000", "icd"), ("", "local")]
    )
    def test_systems(self, sent, system):
        """Local and TCM codes are kept and told apart; a TCM code never passes for ICD."""
        diagnosis = {"dise_codg": sent, "dise_name": "示例诊断"}

        assert system == encounter_of(visit={"fsi_diagnose_dtos": [diagnosis]}).diagnoses[0].system

    def test_suspected(self):
        """A suspected diagnosis is marked, for it is no evidence."""
        diagnosis = {"dise_codg": "C34.900", "dise_name": "肺恶性肿瘤待查"}

        assert encounter_of(visit={"fsi_diagnose_dtos": [diagnosis]}).diagnoses[0].suspected

    def test_main_diagnosis_of_the_visit(self):
        """The visit's main diagnosis is added where the list lacks it, and marked where nothing is flagged."""
        listed = {"dise_codg": "I10.x00", "dise_name": "高血压", "maindise_flag": ""}
        visit = {"fsi_diagnose_dtos": [listed], "dscg_main_dise_codg": "I63.900", "dscg_main_dise_name": "脑梗死"}

        assert [("I10.X00", None), ("I63.900", True)] == [
            (one.code, one.main) for one in encounter_of(visit=visit).diagnoses
        ]

    def test_main_flag_stands_above_it(self):
        """A main flag in the list stands above the visit's field."""
        listed = {"dise_codg": "I10.x00", "dise_name": "高血压", "maindise_flag": "1"}
        visit = {"fsi_diagnose_dtos": [listed], "dscg_main_dise_codg": "I63.900"}

        assert [True, None] == [one.main for one in encounter_of(visit=visit).diagnoses]


class TestRuling5:
    def test_no_line_is_current(self):
        """Where no line is flagged current, all are."""
        orders = [an_order(curr_drord_flag=flag) for flag in ("0", 0, "", None)]

        assert [True] * 4 == [line.current for line in encounter_of(*orders).lines]

    def test_some_are(self):
        """Where a line is flagged, the others are history."""
        orders = [an_order(curr_drord_flag=flag) for flag in ("0", 1, "")]

        assert [False, True, False] == [line.current for line in encounter_of(*orders).lines]


class TestRuling6:
    """Visit type: the scene first, then the agreement of both codes."""

    @pytest.mark.parametrize(
        ("scene", "expected"),
        [
            *((scene, "outpatient") for scene in ("1", "2", "6", "7")),
            *((scene, "inpatient") for scene in ("3", "4", "5", "8", "9")),
            ("10", "pharmacy"),
        ],
    )
    def test_scene_decides(self, scene, expected):
        """The scene decides, whatever both codes say (one station sends med_type 21 from out-patients)."""
        codes = ("21", "2") if expected == "outpatient" else ("11", "1")
        visit = {"med_type": codes[0], "med_mdtrt_type": codes[1], "fsi_order_dtos": [an_order()]}

        found = encounter_of(visit=visit, data={"trig_scen": scene}).visit

        assert (expected, False) == (found.type, found.type_conflict)

    @pytest.mark.parametrize(
        ("med_type", "med_mdtrt_type", "expected"),
        [
            ("11", "1", ("outpatient", False)),
            ("21", "2", ("inpatient", False)),
            ("21", "1", (None, True)),
            ("11", "2", (None, True)),
            ("21", "", ("inpatient", False)),
            ("", "2", ("inpatient", False)),
            ("140104", "110", ("outpatient", False)),
            ("9902", "4", ("inpatient", False)),
            ("210", "210", ("inpatient", False)),
            ("28", None, ("inpatient", False)),
            ("52", "", ("inpatient", False)),
            ("53", "2", ("inpatient", False)),
            ("53", "1", ("outpatient", False)),
            ("53", "", (None, False)),
            ("41", "3", ("pharmacy", False)),
            ("", "", (None, False)),
        ],
    )
    def test_codes_without_a_scene(self, med_type, med_mdtrt_type, expected):
        """Without a scene both codes must agree; 53 can be either; what is not known is no conflict."""
        visit = {"med_type": med_type, "med_mdtrt_type": med_mdtrt_type}

        found = encounter_of(visit=visit, data={"trig_scen": ""}).visit

        assert expected == (found.type, found.type_conflict)

    @pytest.mark.parametrize(
        ("scenes", "med_type", "expected"),
        [("2,4", "11", ("outpatient", False)), ("2,4", "", (None, True)), ("23", "", (None, False))],
    )
    def test_scenes_of_both_sorts(self, scenes, med_type, expected):
        """Scenes of both sorts leave it to the codes; an undocumented scene says nothing."""
        visit = {"med_type": med_type, "med_mdtrt_type": ""}

        found = encounter_of(visit=visit, data={"trig_scen": scenes}).visit

        assert expected == (found.type, found.type_conflict)

    @pytest.mark.parametrize(
        ("med_type", "expected"),
        [
            ("13", True),
            ("1301", True),
            ("11", False),
            ("21", None),
            ("19", None),
            ("24", None),
            ("81", None),
            ("", None),
        ],
    )
    def test_emergency(self, med_type, expected):
        """13 and its sub-codes are emergencies; a code that contradicts the scene, or is local, says nothing."""
        assert encounter_of(visit={"med_type": med_type}).visit.emergency is expected

    def test_rescue(self):
        """No field of the message says rescue."""
        assert encounter_of().visit.rescue is None


class TestRuling7:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            (1, None), (2, None), (3, 3), (5, 2), (10, 1), (11, None), (2.0, None), (2.5, None), (True, None),
            ("1", 1), ("2", 2), ("3", 3), ("5", None), ("0", None),
            ("01", 3), ("02", 3), ("04", 3), ("05", 2), ("07", 2), ("08", 1), ("10", 1), ("11", None), ("A1", None),
            ("", None), ("-", None), (None, None),
        ],
        ids=repr,
    )  # fmt: skip
    def test_level_of_the_message(self, sent, expected):
        """A JSON number 1 or 2 may be a level or a place in the list, and is unknown; text is told by its length."""
        assert encounter_of(visit={"medins_lv": sent}).facility.level == expected

    def test_profile_first(self):
        """The hospital's profile stands above the message."""
        facility = encounter_of(visit={"medins_lv": "08"}, site=Site(level=3, specialty="眼科")).facility

        assert (3, "眼科") == (facility.level, facility.specialty)

    def test_specialty(self):
        """Without a profile the message does not say whether a hospital is a specialist one."""
        assert encounter_of(visit={"medins_type": "A100"}).facility.specialty is None


class TestRuling8:
    @pytest.mark.parametrize("status", ["0", "1", "2", "", None, 1, "9"])
    def test_unmapped(self, status):
        """On an unmapped site 0, 1 and 2 all mean unknown: 1 is the opposite in the two lists in use."""
        patient = encounter_of(visit={"matn_stas": status}).patient

        assert (None, None) == (patient.pregnant, patient.lactating)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [("1", (True, None)), ("2", (None, True)), ("0", (False, False)), ("3", (None, None)), ("4", (None, None))],
    )
    def test_mapped(self, status, expected):
        """A site's own mapping decides, also that a value is unknown."""
        site = Site(maternity={"0": "neither", "1": "pregnant", "2": "lactating", "3": "unknown"})

        patient = encounter_of(visit={"matn_stas": status}, site=site).patient

        assert expected == (patient.pregnant, patient.lactating)

    @pytest.mark.parametrize(("status", "expected"), [("3", (True, None)), ("4", (None, True))])
    def test_unambiguous_values(self, status, expected):
        """3 and 4 occur in one list only."""
        patient = encounter_of(visit={"matn_stas": status}).patient

        assert expected == (patient.pregnant, patient.lactating)

    @pytest.mark.parametrize(
        ("code", "name", "expected"),
        [
            ("O14.100", "重度子痫前期", True),
            ("Z34.000", "正常妊娠监督", True),
            ("Z36.900", "产前筛查", True),
            ("Z37.000", "单胎活产", None),
            ("O14.100", "子痫前期待查", None),
            ("N91.200", "闭经", None),
        ],
    )
    def test_evidence(self, code, name, expected):
        """Confirmed diagnoses O00-O99 and Z33-Z36 are evidence of pregnancy."""
        diagnosis = {"dise_codg": code, "dise_name": name}

        assert encounter_of(visit={"fsi_diagnose_dtos": [diagnosis]}).patient.pregnant is expected


class TestRuling9:
    def test_spanning_quantity(self):
        """A long-term order without a stop keeps its begin, its quantity and no stop: the engine spans the days."""
        order = an_order(cnt="3", long_drord_flag="1", drord_begn_date="2026-04-06 10:00:00", drord_stop_date="")

        line = encounter_of(order).lines[0]

        assert (30_000, True, None) == (line.quantity, line.long_term, line.stop)
        assert datetime(2026, 4, 6, 10, tzinfo=ZONE) == line.begin

    @pytest.mark.parametrize(
        ("sent", "timed"),
        [
            ("2026-04-09 09:14:40", True),
            ("2026/4/9 9:14", True),
            ("2026-04-09", False),
            ("2026-04-09 00:00:00", False),
            ("", False),
        ],
    )
    def test_real_times(self, sent, timed):
        """A date alone, also one padded with midnight, is no clock time."""
        assert encounter_of(an_order(drord_begn_date=sent)).lines[0].timed is timed

    @pytest.mark.parametrize(
        "sent", ["", None, "-", "9999-12-31 00:00:00", "1900-01-01 00:00:00", "0001-01-01 00:00:00"]
    )
    def test_unknown_times(self, sent):
        """Empty dates and years 9999, 1900 and 1 are not known."""
        line = encounter_of(an_order(drord_begn_date=sent, drord_stop_date=sent)).lines[0]

        assert (None, None) == (line.begin, line.stop)


class TestRuling10:
    @pytest.mark.parametrize(
        ("mapped", "med_type", "expected"),
        [
            (None, "11", None),
            (("17",), "17", True),
            (("17",), "1701", True),
            (("17",), "11", False),
            (("17",), "", None),
            ((), "11", False),
        ],
    )
    def test_work_injury(self, mapped, med_type, expected):
        """Only the site's own mapping says work injury; unmapped or absent is unknown."""
        site = Site(work_injury_medical_types=mapped)

        assert encounter_of(visit={"med_type": med_type}, site=site).visit.work_injury is expected

    def test_insurance_kept_raw(self):
        """险种 is kept as sent."""
        assert "9101" == encounter_of(visit={"insutype": "9101"}).visit.insurance


class TestOrders:
    """What else of an order decides between a right and a wrong warning."""

    @pytest.mark.parametrize(("sent", "expected"), [("1", True), (1, True), ("0", False), ("3", None), ("-", None)])
    def test_discharge_medication(self, sent, expected):
        """1 is 出院带药, 0 is other; the rest is noise."""
        assert encounter_of(an_order(drord_bhvr=sent)).lines[0].discharge_medication is expected

    @pytest.mark.parametrize(("sent", "expected"), [("231", "231"), (5, "5"), ("-", None), (None, None)])
    def test_title(self, sent, expected):
        """Both title lists are kept as sent."""
        assert expected == encounter_of(an_order(drord_dr_profttl=sent)).lines[0].doctor_title

    @pytest.mark.parametrize(
        ("code", "kind", "expected"),
        [
            ("XC08CAA116A001010100001", "201", "drug"),
            ("", "301", "consumable"),
            ("", "1", None),
            ("", 101, "drug"),
            ("003310060020000", "1", "service"),
        ],
    )
    def test_category(self, code, kind, expected):
        """The shape of the code tells what an item is, else the catalogue type."""
        assert expected == encounter_of(an_order(hilist_code=code, hilist_type=kind)).lines[0].category

    @pytest.mark.parametrize(
        ("sent", "expected"), [("37.2", 372_000), (37.2, 372_000), (0.1, 1_000), ("0.0625", 625), (-3, -30_000), (0, 0)]
    )
    def test_exact_money(self, sent, expected):
        """Money is exact from text and number alike; reversals and zeros are legal."""
        assert expected == encounter_of(an_order(sumamt=sent)).lines[0].amount

    def test_repeated_rx_id(self):
        """rx_id repeats in some senders: lines keep their places."""
        lines = encounter_of(an_order(rx_id="R"), an_order(rx_id="R")).lines

        assert [("R", 0), ("R", 1)] == [(line.id, line.position) for line in lines]


class TestWholeStays:
    """A hospital whose messages carry every line of a stay vouches for them by its profile."""

    @pytest.mark.parametrize(
        ("carries", "scene", "kind", "admitted", "since"),
        [
            (True, "4", "21", "2026-03-10 08:00:00", date(2026, 3, 10)),
            (False, "4", "21", "2026-03-10 08:00:00", None),
            (True, "2", "11", "2026-03-10 08:00:00", None),
            (True, "4", "21", "", None),
        ],
    )
    def test_history_is_whole_since_admission(self, carries, scene, kind, admitted, since):
        """Only of stays, only where admission is known, and only where the profile says so."""
        visit = {"med_type": kind, "med_mdtrt_type": "2" if kind == "21" else "1", "adm_date": admitted}
        found = encounter_of(an_order(), site=Site(carries_stay=carries), visit=visit, data={"trig_scen": scene})

        assert since == found.history_since
