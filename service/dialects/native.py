"""The native dialect: ``POST /v1/checks``.

In: the JSON of ``service.schemas.native.CheckRequest``. Out: ``CheckAnswer`` as bytes. One pass of validation, then
straight to the frozen encounter; the answer is written without a model in between.
"""

import re
from typing import Any, Final, cast
from urllib.parse import parse_qs

import orjson
from pydantic import TypeAdapter, ValidationError

from rules.codes import Category
from rules.codings import category_of, diagnosis_code, is_suspected, item_code
from rules.model import UNIT, Diagnosis, Encounter, Facility, Line, Operation, PastVisit, Patient, Visit
from service.dialects._contract import Answer, Call, Feedback, FeedbackAnswer, Reading, Reply
from service.dialects._native_answer import answer_document, problem_document
from service.errors import INVALID, NOT_JSON, Fault, Problem
from service.schemas.faults import faults_of
from service.schemas.native import CheckRequest, Clock, DiagnosisIn, LineIn, PastVisitIn, VisitIn
from service.sites import Site

REGISTRATION: Final = frozenset({"1", "3"})
"""Scenes in which there is nothing ordered yet; elsewhere an empty list is a slip that must not read as a pass."""
_MESSAGE_ID: Final = re.compile(rb'"message_id"\s*:\s*"([^"\\]{1,128})"')
_ADAPTER: Final = TypeAdapter(CheckRequest)


class NativeDialect:
    """Reads and writes the service's own JSON."""

    name = "native"
    about = "Check one encounter before it is saved (事前审核)"
    paths = ("/v1/checks",)

    def read(self, call: Call) -> Reading:
        """Understand one encounter. Raises ``Problem`` with every fault."""
        request = parse(call)
        hospital = call.hospital or request.hospital or call.default_hospital
        received = request.time.at if request.time else call.received
        return Reading(
            encounter=encounter_of(request, call, hospital),
            time=received,
            message_id=request.message_id,
            role=request.viewer.role,
            deadline_ms=request.deadline_ms,
            later=_mode(call.query) == "later",
            echo=request.message_id,
        )

    def write(self, reading: Reading, answer: Answer) -> Reply:
        """Write the verdict, or where to find it."""
        if reading.later:
            href = f"/v1/verdicts/{answer.verdict_id}"
            said = {"id": answer.verdict_id, "state": "pending", "href": href, "recorded": answer.recorded}
            return Reply(202, orjson.dumps(said))
        return Reply(200, orjson.dumps(answer_document(reading, answer)))

    def write_feedback(self, feedback: Feedback, answer: FeedbackAnswer) -> Reply:
        """Write what became of dispositions."""
        states = [{"finding": finding, "state": state} for finding, state in answer.states]
        return Reply(200, orjson.dumps({"dispositions": states}))

    def refuse(self, problem: Problem, call: Call) -> Reply:
        """Write a problem."""
        return Reply(problem.kind.status, orjson.dumps(problem_document(problem)))

    def message_id(self, call: Call) -> str | None:
        """Return the ``message_id`` of a message, whatever else is wrong with it."""
        found = _MESSAGE_ID.search(call.body[:100_000])
        return found[1].decode("utf-8", "replace") if found else None


def _mode(query: str) -> str:
    if not query:
        return "now"
    mode = parse_qs(query).get("mode", ["now"])[-1]
    if mode not in {"now", "later"}:
        raise Problem(INVALID, faults=(Fault("mode", "应为 now 或 later"),))
    return mode


def parse(call: Call) -> CheckRequest:
    """Return the validated request. Raises ``Problem``: not JSON, or every fault with its path."""
    try:
        request = _ADAPTER.validate_json(call.body, context={"zone": call.zone})
    except ValidationError as error:
        raise _problem(error) from None
    except RecursionError:
        raise Problem(NOT_JSON, "嵌套层数过深") from None
    if not request.lines and not REGISTRATION.intersection(request.scenes):
        raise Problem(INVALID, faults=(Fault("lines", "没有明细;仅挂号(1)和住院登记(3)场景可以为空"),))
    if len(request.lines) > call.max_lines:
        raise Problem(INVALID, faults=(Fault("lines", f"最多 {call.max_lines} 行"),))
    return request


def _problem(error: ValidationError) -> Problem:
    for entry in error.errors(include_url=False, include_input=False):
        if entry["type"] == "json_invalid":
            return Problem(NOT_JSON, str(entry.get("ctx", {}).get("error", "")))
    return Problem(INVALID, faults=faults_of(error))


def encounter_of(request: CheckRequest, call: Call, hospital: str) -> Encounter:
    """Return the frozen encounter: codes normalised, money exact, identity left behind."""
    site = call.sites.of(hospital)
    patient = request.patient
    lines = tuple(_line(position, entry) for position, entry in enumerate(request.lines))
    operations = tuple(
        Operation(code=(entry.code or "").upper(), name=entry.name or "", main=entry.main, day=entry.day)
        for entry in request.operations
    )
    return Encounter(
        hospital=hospital,
        patient=Patient(
            pseudonym=call.pseudonym(f"{hospital}\n{patient.id}") if patient.id else "",
            sex=patient.sex,
            birth_date=patient.birth_date,
            weight_g=patient.weight_kg * 1000 // UNIT if patient.weight_kg else None,
            pregnant=patient.pregnant,
            lactating=patient.lactating,
        ),
        facility=facility_of(request, site),
        visit=visit_of(request.visit, site),
        scenes=tuple(request.scenes),
        diagnoses=tuple(_diagnosis(entry) for entry in request.diagnoses),
        operations=operations,
        ordered_operations=site.ordered_operations(lines, operations),
        lines=lines,
        history_since=request.history_since,
        visits=None if request.visits is None else tuple(_past_visit(entry) for entry in request.visits),
    )


def facility_of(request: CheckRequest, site: Site) -> Facility:
    """Return the hospital's profile first, the message's word only where the profile is silent (ruling 7)."""
    level = site.level if site.level is not None else request.facility.level
    specialty = site.specialty if site.specialty is not None else request.facility.specialty
    return Facility(level=level, specialty=specialty)


def visit_of(visit: VisitIn, site: Site) -> Visit:
    """Return the frame of the encounter."""
    return Visit(
        id=visit.id or "",
        type=visit.type,
        emergency=visit.emergency,
        rescue=visit.rescue,
        medical_type=visit.medical_type,
        insurance=visit.insurance,
        work_injury=visit.work_injury,
        admitted=_at(visit.admitted),
        discharged=_at(visit.discharged),
        department=visit.department,
        doctor=visit.doctor,
        total_amount=visit.total_amount,
        total_before_order=not site.total_includes_order,
        icu_days=visit.icu_days,
        died=visit.died,
        insurance_before=visit.insurance_before,
        chronic_disease=visit.chronic_disease,
        internet=visit.internet,
        out_of_area=site.out_of_area(visit.insured_place) if visit.out_of_area is None else visit.out_of_area,
        insured_place=visit.insured_place,
        day_surgery=visit.day_surgery,
        planned=visit.planned,
    )


def _past_visit(entry: PastVisitIn) -> PastVisit:
    return PastVisit(
        id=entry.id or "",
        type=entry.type,
        hospital=entry.hospital,
        department=entry.department,
        admitted=_at(entry.admitted),
        discharged=_at(entry.discharged),
        diagnosis=diagnosis_code(entry.diagnosis)[0] if entry.diagnosis else "",
        planned=entry.planned,
    )


def _at(clock: Clock | None) -> Any:
    return clock.at if clock else None


def _diagnosis(entry: DiagnosisIn) -> Diagnosis:
    code, system = diagnosis_code(entry.code or "")
    name = entry.name or ""
    suspected = is_suspected(name) if entry.suspected is None else entry.suspected
    return Diagnosis(code=code, name=name, main=entry.main, suspected=suspected, system=system)


def _line(position: int, entry: LineIn) -> Line:
    item = item_code(entry.item or "")
    begin = entry.begin
    return Line(
        position=position,
        id=entry.id or "",
        item=item,
        name=entry.name or "",
        category=entry.category or cast("Category | None", category_of(item)),
        current=entry.current,
        quantity=entry.quantity,
        unit=entry.unit,
        price=entry.price,
        amount=entry.amount,
        self_paid=entry.self_paid,
        consent=entry.self_pay_consent,
        begin=begin.at if begin else None,
        timed=begin.timed if begin else False,
        stop=_at(entry.stop),
        long_term=entry.long_term,
        discharge_medication=entry.discharge_medication,
        prescription=entry.prescription,
        group=entry.group,
        visit=entry.visit,
        department=entry.department,
        doctor=entry.doctor,
        doctor_title=entry.doctor_title,
        dose=entry.dose,
        dose_unit=entry.dose_unit,
        frequency=entry.frequency,
        route=entry.route,
        supply_days=entry.supply_days,
        approval=entry.approval,
        fee_class=entry.fee_class,
        self_pay_ratio=entry.self_pay_ratio,
        doses=entry.doses,
        dose_form=entry.dose_form,
        specification=entry.specification,
        executing_department=entry.executing_department,
    )


DIALECT: Final = NativeDialect()
