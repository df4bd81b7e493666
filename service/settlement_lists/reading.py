"""Settlement lists (医保基金结算清单) in the national 4101 / 4101A shape: to a DIP case and the facts its checks need.

In: the decoded JSON, whole (``{"infno", "input": {…}}``) or the bare input. Out: a ``SettlementList``. Raises
``Problem`` with every unreadable field under its own path; a *missing* field never is a fault. Names and identity
numbers are not read at all; a person is known by a keyed pseudonym. Sources: national interface section 5 and 6;
what is assumed where they are silent stands in ``docs/dialects/settlement-list.md``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Final, Literal

from rules.dip.model import Case
from rules.dip.quality_facts import RecordDiagnosis, RecordFacts, RecordOperation
from service.dialects._national_codes import hospital_level, sex_of
from service.settlement_lists.entries import read_diagnoses, read_operations
from service.settlement_lists.money import Money, read_fees, read_money
from service.settlement_lists.nodes import ListFaults, ListNode, is_absent
from service.settlement_lists.required import required_fields
from service.sites import Site

ListKind = Literal["4101", "4101A"]
DIP_PAYMENT: Final = "3"
"""``hi_paymtd`` 病种分值."""
_DIED: Final = {"1": False, "2": False, "3": False, "4": False, "9": False, "5": True}
_PLAUSIBLE_WEIGHT_G: Final = range(200, 10_001)
"""A newborn's weight outside this was not written in grams; it groups nobody."""
_MEDICAL_TYPES: Final = frozenset({"21", "22", "23", "24", "25", "26", "27", "28", "52", "53"})
_INFANT_DAYS: Final = 366
_MINUTES_OF_A_DAY: Final = 1_440

FIELD_NAMES: Final[dict[str, str]] = {
    "case.sex": "setlinfo.gend",
    "case.age_years": "setlinfo.age",
    "case.age_days": "setlinfo.nwb_age",
    "case.weight_g": "setlinfo.nwb_bir_wt",
    "case.icu_days": "icuinfo",
    "case.principal": "diseinfo",
    "case.cost": "iteminfo",
    "admitted": "setlinfo.adm_time",
    "discharged": "setlinfo.dscg_time",
    "uploaded": "setlinfo.dcla_time",
    "born": "setlinfo.brdy",
    "stated_days": "setlinfo.act_ipt_days",
    "birth_weight_g": "setlinfo.nwb_bir_wt",
    "admission_weight_g": "setlinfo.nwb_adm_wt",
    "ventilator_minutes": "setlinfo.vent_used_dura",
    "nursing_days": "setlinfo.spga_nurscare_days",
    "readmission_purpose": "setlinfo.days_rinp_pup_31",
    "declared_diagnoses": "setlinfo.diag_code_cnt",
    "declared_operations": "setlinfo.oprn_oprt_code_cnt",
    "total": "setlinfo.medfee_sumamt",
    "diagnoses": "diseinfo",
    "operations": "oprninfo",
    "fees": "iteminfo",
}
"""What a finding calls a field, and what the interface does."""


@dataclass(frozen=True, slots=True)
class SettlementList:
    """One settlement list understood."""

    kind: ListKind
    case: Case
    facts: RecordFacts
    hospital: str
    visit: str = ""
    """``mdtrt_id``."""
    settlement: str = ""
    """``setl_id``."""
    paid_by_dip: bool | None = None
    """``hi_paymtd`` says 病种分值; ``None`` when it is absent."""
    left_out: tuple[str, ...] = ()
    """Entries that do not group (TCM diagnoses …), each with its place, in Chinese."""


def read_settlement_list(
    document: Mapping[str, Any],
    *,
    path: str = "input",
    zone: tzinfo,
    site: Site | None = None,
    pseudonym: Callable[[str], str],
) -> SettlementList:
    """Understand one list. ``path`` is where its input node stands, for faults. Raises ``Problem``."""
    faults = ListFaults()
    bare, infno = _input_of(document, path, faults)
    given = ListNode(bare, path, faults, zone)
    heads = given.rows("setlinfo") or []
    if not heads:
        given.fault("缺少该节点", "setlinfo")
        faults.stop_if_any()
    found = _Reader(given, heads[0], site or Site(), pseudonym).read(infno)
    faults.stop_if_any()
    return found


def national_name(field: str) -> str:
    """Return the interface's name of a field that a finding concerns (``diagnoses[2]`` is ``diseinfo[2]``)."""
    if field in FIELD_NAMES:
        return FIELD_NAMES[field]
    head, bracket, rest = field.partition("[")
    return f"{FIELD_NAMES.get(head, head)}{bracket}{rest}"


def _input_of(document: Mapping[str, Any], path: str, faults: ListFaults) -> tuple[Mapping[str, Any], ListKind | None]:
    """Return the bare input and the transaction the envelope names."""
    if not isinstance(document, Mapping):
        faults.add(path, "应为对象")
        faults.stop_if_any()
    if "input" not in document:
        return document, None
    bare = document["input"]
    if not isinstance(bare, Mapping):
        faults.add(path, "缺少该节点" if is_absent(bare) else "应为对象")
        faults.stop_if_any()
    sent = document.get("infno")
    if is_absent(sent):
        return bare, None
    named = str(sent).strip().upper() if isinstance(sent, str | int) else ""
    if named == "4101A":
        return bare, "4101A"
    if named != "4101":
        parent = path.rpartition(".")[0]
        faults.add(f"{parent}.infno" if parent else "infno", "应为 4101 或 4101A")
    return bare, "4101"


class _Reader:
    """One list on its way; lives for one call."""

    def __init__(self, given: ListNode, head: ListNode, site: Site, pseudonym: Callable[[str], str]) -> None:
        self.input = given
        self.head = head
        self.site = site
        self.pseudonym = pseudonym

    def read(self, infno: ListKind | None) -> SettlementList:
        """Return the list; what is wrong with it is in the faults."""
        kind = infno or self._kind()
        head = self.head
        diagnoses, left_out, listed = read_diagnoses(self.input)
        operations, skipped, operated = read_operations(self.input)
        fees = read_fees(self.input)
        money = read_money(self.input, head, fees)
        hospital = head.text("fixmedins_code") or ""
        stay = _Stay(head)
        method = head.text("hi_paymtd")
        case = self._case(hospital, diagnoses or (), operations or (), money, stay)
        required, blank = required_fields(kind, self.input, head)
        facts = RecordFacts(
            case=case,
            diagnoses=diagnoses,
            operations=operations,
            fees=fees,
            total=money.total,
            listed_diagnoses=listed,
            listed_operations=operated,
            payment_method=method,
            required=required,
            blank=blank,
            **stay.facts(),
            **_counts(head),
        )
        return SettlementList(
            kind=kind,
            case=case,
            facts=facts,
            hospital=hospital,
            visit=head.text("mdtrt_id") or "",
            settlement=head.text("setl_id") or "",
            paid_by_dip=None if method is None else method.lstrip("0") == DIP_PAYMENT,
            left_out=(*left_out, *skipped),
        )

    def _kind(self) -> ListKind:
        """Tell the two lists apart by what only one of them has."""
        return "4101" if self.input.has("iteminfo") or self.input.has("payinfo") else "4101A"

    def _case(
        self,
        hospital: str,
        diagnoses: tuple[RecordDiagnosis, ...],
        operations: tuple[RecordOperation, ...],
        money: Money,
        stay: "_Stay",
    ) -> Case:
        head = self.head
        principal = next((found for found in diagnoses if found.main), None)
        years, days = stay.age()
        medical_type, day_surgery = _inpatient_type(head)
        place = head.text("insuplc", "insuplc_admdvs")
        return Case(
            id=head.text("setl_id", "mdtrt_id") or "",
            principal=principal.code if principal else "",
            others=tuple(found.code for found in diagnoses if found is not principal and found.code),
            absent_on_admission=tuple(found.code for found in diagnoses if found.admission == "absent" and found.code),
            operations=tuple(found.code for found in operations if found.code),
            sex=sex_of(head.text("gend")),
            age_years=years,
            age_days=days,
            weight_g=next(
                (weight for weight in stay.weights if weight is not None and weight in _PLAUSIBLE_WEIGHT_G), None
            ),
            days=stay.days,
            icu_days=_icu_days(self.input),
            died=_DIED.get((head.text("dscg_way") or "").lstrip("0")),
            cost=money.cost,
            drug_cost=money.drug,
            treatment_cost=money.treatment,
            material_cost=money.material,
            hospital=hospital,
            hospital_level=self.site.level if self.site.level is not None else _level(head),
            insurance=head.text("hi_type", "insutype"),
            medical_type=medical_type,
            day_surgery=day_surgery,
            out_of_area=self.site.out_of_area(place),
            place=place,
            admitted=stay.admitted.date() if stay.admitted else None,
            discharged=stay.discharged.date() if stay.discharged else None,
            patient=self._patient(hospital),
            department=head.text("dscg_caty", "adm_caty") or "",
            departments=_departments(head),
            deductible=money.deductible,
            copayment=money.copayment,
            out_of_catalogue=money.own,
            other_payers=money.others,
            fund_paid=money.fund,
        )

    def _patient(self, hospital: str) -> str:
        """Return the pseudonym: of the person, else of the medical record (4101 has no person number)."""
        person = self.head.text("psn_no")
        if person:
            return self.pseudonym(f"{hospital}\n{person}")
        record = self.head.text("medcasno")
        return self.pseudonym(f"{hospital}\nmedcasno\n{record}") if record else ""


class _Stay:
    """Dates, age, weights and durations of one list."""

    def __init__(self, head: ListNode) -> None:
        admitted, discharged = head.when("adm_time", "adm_date"), head.when("dscg_time", "dscg_date")
        uploaded = head.when("dcla_time")
        self.head = head
        self.admitted: datetime | None = admitted[0] if admitted else None
        self.discharged: datetime | None = discharged[0] if discharged else None
        self.timed = bool(admitted and discharged and admitted[1] and discharged[1])
        self.uploaded = uploaded[0] if uploaded else None
        self.born: date | None = head.day("brdy")
        self.age_years, self.age_days = head.whole("age"), head.whole("nwb_age")
        self.stated_days = head.whole("act_ipt_days") or None
        self.days = self.stated_days or self._counted()
        self.weights = (head.whole("nwb_bir_wt") or None, head.whole("nwb_adm_wt") or None)

    def _counted(self) -> int | None:
        """Count the stay's days; admission and discharge count as one, and so does a stay of one day."""
        if self.admitted is None or self.discharged is None or self.discharged < self.admitted:
            return None
        return max(1, (self.discharged.date() - self.admitted.date()).days)

    def age(self) -> tuple[int | None, int | None]:
        """Return completed years, and days for an infant. A 0 may be a sender's null: then the birth date decides."""
        years, days = _by_birth(self.born, self.admitted)
        if self.age_years:
            return self.age_years, None
        if self.age_days and self.age_days <= _INFANT_DAYS:
            return 0, self.age_days
        if years is not None:
            return years, days
        return (0, self.age_days) if self.age_days is not None and self.age_years is None else (None, None)

    def facts(self) -> dict[str, Any]:
        """Return what the checks need of it."""
        head = self.head
        return {
            "admitted": self.admitted,
            "discharged": self.discharged,
            "stay_timed": self.timed,
            "uploaded": self.uploaded,
            "born": self.born,
            "stated_age_years": self.age_years,
            "stated_age_days": self.age_days,
            "stated_days": self.stated_days,
            "birth_weight_g": self.weights[0],
            "admission_weight_g": self.weights[1],
            "ventilator_minutes": head.minutes("vent_used_dura"),
            "coma_minutes": (head.minutes("pwcry_bfadm_coma_dura"), head.minutes("pwcry_afadm_coma_dura")),
            "nursing_days": _nursing(head),
            "inpatient_type": head.text("ipt_med_type"),
            **_readmission(head),
        }


def _by_birth(born: date | None, admitted: datetime | None) -> tuple[int | None, int | None]:
    if born is None or admitted is None or born > admitted.date():
        return None, None
    day = admitted.date()
    days = (day - born).days
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return years, days if days <= _INFANT_DAYS else None


def _nursing(head: ListNode) -> dict[str, int]:
    grades = {
        "special": head.whole("spga_nurscare_days"),
        "first": head.whole("lv1_nurscare_days"),
        "second": head.whole("scd_nurscare_days"),
        "third": head.whole("lv3_nurscare_days"),
    }
    return {grade: days for grade, days in grades.items() if days is not None}


def _readmission(head: ListNode) -> dict[str, Any]:
    """Read the plan to come back: 2 has, 0 has not; 1 is *no* on the form but *yes* as a flag, so it says nothing."""
    sent, purpose = head.text("days_rinp_flag_31"), head.text("days_rinp_pup_31") or ""
    known = {"0": False, "2": True}.get(sent or "")
    return {"readmission_planned": True if purpose else known, "readmission_purpose": purpose}


def _counts(head: ListNode) -> dict[str, Any]:
    return {
        "declared_diagnoses": head.whole("diag_code_cnt"),
        "declared_operations": head.whole("oprn_oprt_code_cnt"),
    }


def _inpatient_type(head: ListNode) -> tuple[str | None, bool | None]:
    """Return 医疗类别 and whether it is day surgery; ``ipt_med_type`` is 1 住院 or 2 日间手术 on the printed form."""
    kind, medical = head.text("ipt_med_type"), head.text("med_type")
    medical = medical or (kind if kind in _MEDICAL_TYPES else None)
    if medical is not None:
        return medical, medical.startswith("28")
    return None, {"1": False, "2": True}.get((kind or "").lstrip("0"))


def _level(head: ListNode) -> int | None:
    return head.read(hospital_level, "hi_setl_lv", "medins_lv", "hosp_lv")


def _departments(head: ListNode) -> int | None:
    """Count the departments of the stay: of admission, each transfer (joined by →) and discharge."""
    moved = (head.text("refldept_dept") or "").replace("->", "→").split("→")
    named = {(head.text("adm_caty") or ""), (head.text("dscg_caty") or ""), *(part.strip() for part in moved)} - {""}
    return len(named) or None


def _icu_days(given: ListNode) -> int | None:
    """Return completed days of intensive care over all stays; ``None`` when one of them cannot be told."""
    rows = given.rows("icuinfo")
    if rows is None:
        return None
    lengths = [_icu_minutes(row) for row in rows]
    if None in lengths:
        return None
    return sum(length or 0 for length in lengths) // _MINUTES_OF_A_DAY


def _icu_minutes(row: ListNode) -> int | None:
    """Return one ICU stay's minutes: its stated sum, else from entry to exit; an empty row is none."""
    stated = row.minutes("scs_cutd_sum_dura")
    begun, ended = row.when("scs_cutd_inpool_time"), row.when("scs_cutd_exit_time")
    if stated is not None:
        return stated
    if begun is None and ended is None:
        return 0 if row.text("scs_cutd_ward_type") is None else None
    if begun is None or ended is None or ended[0] < begun[0]:
        return None
    return int((ended[0] - begun[0]).total_seconds()) // 60
