"""National messages: patient, visit, diagnoses and operations of the chosen encounter.

In: nodes and their paths. Out: the core's nouns; what cannot be read is noted in ``Faults``.
"""

from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec

from rules.codings import diagnosis_code, is_suspected, item_code
from rules.model import Diagnosis, Operation, PastVisit, Patient, Visit
from service.dialects import _national_codes as codes
from service.dialects import _national_shape as shape
from service.dialects._national_faults import Faults, Nodes
from service.dialects._national_memo import Memo
from service.schemas.scalars import day, fixed, flag, moment
from service.sites import Site


def read_person(
    node: shape.Patient,
    path: str,
    faults: Faults,
    *,
    zone: tzinfo,
    pseudonym: str,
    maternity: tuple[bool | None, bool | None],
) -> Patient:
    """Return the insured person without identity."""
    pregnant, lactating = maternity
    return Patient(
        pseudonym=pseudonym,
        sex=codes.sex_of(faults.leaf(codes.code, node, "gend", path)),
        birth_date=faults.leaf(lambda value: day(value, zone), node, "brdy", path),
        pregnant=pregnant,
        lactating=lactating,
    )


def read_visit(
    node: shape.Encounter,
    path: str,
    faults: Faults,
    *,
    zone: tzinfo,
    site: Site,
    scenes: tuple[str, ...],
    called: str | None,
    place: str | None = None,
) -> Visit:
    """Return the encounter's frame.

    ``called`` is what the patient node calls the current visit, ``place`` the envelope's insured place.
    """

    def text(key: str) -> str | None:
        return faults.leaf(codes.code, node, key, path)

    medical_type = text("med_type")
    kind, conflict = codes.visit_type(scenes, medical_type, text("med_mdtrt_type"))
    admitted = _time(node, "adm_date", path, faults, zone)
    discharged = _time(node, "dscg_date", path, faults, zone)
    return Visit(
        id=text("mdtrt_id") or called or "",
        type=kind,
        type_conflict=conflict,
        emergency=codes.is_emergency(medical_type, kind),
        medical_type=medical_type,
        insurance=text("insutype"),
        work_injury=codes.work_injury(site, medical_type),
        admitted=admitted,
        # S6 writes the admission time here while the patient is still in.
        discharged=None if discharged == admitted else discharged,
        department=text("adm_dept_codg") or text("dscg_dept_codg"),
        doctor=text("dr_codg"),
        # Serialisers of one vendor turn an absent number into 0 (S7): a visit that costs nothing is unknown.
        total_amount=faults.leaf(fixed, node, "medfee_sumamt", path) or None,
        total_before_order=not site.total_includes_order,
        out_of_area=_elsewhere(codes.out_of_area(text("out_setl_flag")), site, place),
        insured_place=place,
    )


def _elsewhere(said: bool | None, site: Site, place: str | None) -> bool | None:
    return site.out_of_area(place) if said is None else said


def read_past_visit(node: shape.Encounter, path: str, faults: Faults, *, zone: tzinfo, site: Site) -> PastVisit:
    """Return another visit of the same person; its scene is not that of the message."""
    visit = read_visit(node, path, faults, zone=zone, site=site, scenes=(), called=None)
    main = faults.leaf(codes.code, node, "dscg_main_dise_codg", path)
    return PastVisit(
        id=visit.id,
        type=visit.type,
        department=visit.department,
        admitted=visit.admitted,
        discharged=visit.discharged,
        diagnosis=diagnosis_code(main)[0] if main else "",
    )


def _time(node: shape.Node, key: str, path: str, faults: Faults, zone: tzinfo) -> datetime | None:
    found = faults.leaf(lambda value: moment(value, zone), node, key, path)
    return found[0] if found else None


def _diagnosis(values: tuple[Any, Any, Any]) -> Diagnosis | None:
    """Return a diagnosis, or ``None`` for an empty entry.

    A code of unknown shape is kept as ``local``, so that rules on indications say *not checked* (ruling 4). Any
    main flag but yes or no (one sender puts the ICD code there) says nothing.
    """
    sent, name, main = values
    known, called = codes.code(sent), codes.code(name) or ""
    if known is None and not called:
        return None
    normal, system = diagnosis_code(known or "")
    return Diagnosis(code=normal, name=called, main=flag(main), suspected=is_suspected(called), system=system)


_DIAGNOSES: Final[Memo[Diagnosis | None]] = Memo(_diagnosis, 16_384)


def read_diagnoses(listed: Nodes, visit: shape.Encounter, path: str, faults: Faults) -> tuple[Diagnosis, ...]:
    """Return the diagnoses, and the visit's main one where the list lacks it."""
    found: list[Diagnosis] = []
    for at, node in enumerate(listed.items):
        if node is None:
            continue
        try:
            diagnosis = _DIAGNOSES[node.dise_codg, node.dise_name, node.maindise_flag]
        except (ValueError, TypeError):
            for key in ("dise_codg", "dise_name", "maindise_flag"):
                faults.leaf(codes.code, node, key, listed.at(at))
            continue
        if diagnosis is not None:
            found.append(diagnosis)
    named = faults.leaf(codes.code, visit, "dscg_main_dise_codg", path)
    name = faults.leaf(codes.code, visit, "dscg_main_dise_name", path)
    main = _DIAGNOSES[named, name, None] if named else None
    return tuple(found) if main is None else _with_main(found, main)


def _with_main(found: list[Diagnosis], main: Diagnosis) -> tuple[Diagnosis, ...]:
    """Mark or add the visit's main diagnosis; a main flag in the list stands above it."""
    flagged = any(diagnosis.main for diagnosis in found)
    at = next((at for at, diagnosis in enumerate(found) if diagnosis.code == main.code), None)
    if at is None:
        found.append(msgspec.structs.replace(main, main=None if flagged else True))
    elif not flagged:
        found[at] = msgspec.structs.replace(found[at], main=True)
    return tuple(found)


def read_operations(listed: Nodes, faults: Faults, zone: tzinfo) -> tuple[Operation, ...]:
    """Return the operations; an entry with neither code nor name is none."""
    found = (_operation(node, listed.at(at), faults, zone) for at, node in enumerate(listed.items) if node is not None)
    return tuple(operation for operation in found if operation is not None)


def _operation(node: shape.Surgery, path: str, faults: Faults, zone: tzinfo) -> Operation | None:
    code = faults.leaf(codes.code, node, "oprn_code", path) or ""
    name = faults.leaf(codes.code, node, "oprn_name", path) or ""
    done = faults.leaf(lambda value: day(value, zone), node, "oprn_date", path)
    main = faults.leaf(flag, node, "main_oprn_flag", path)
    return Operation(code=item_code(code), name=name, main=main, day=done) if code or name else None
