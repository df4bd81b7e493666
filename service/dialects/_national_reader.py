"""National messages, step two: a decoded 3101 / 3102 to an encounter (interface page, section 7 reader rules).

In: a message (either decoder's), the call, and limits. Out: a ``Reading``. Everything is read tolerantly; a message
is refused only where it means nothing: a node that is no object, no visit or no order at all, too many of them, or a
number, time or code that cannot be one. A missing field never is a fault: the rules that need it say so.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rules.model import Encounter, Facility, Line, PastVisit, Visit
from service.dialects import _national_codes as codes
from service.dialects import _national_shape as shape
from service.dialects._contract import Call, Reading
from service.dialects._national_faults import Faults, Nodes, nodes
from service.dialects._national_lines import current_or_all, flagged_current, read_lines
from service.dialects._national_visit import read_diagnoses, read_operations, read_past_visit, read_person, read_visit
from service.schemas.scalars import ABSENT, moment
from service.sites import Site


@dataclass(frozen=True, slots=True)
class Frame:
    """What every answer of this dialect needs: where and when the message came in, and in which charset."""

    region: str
    received: datetime
    charset: str


@dataclass(frozen=True, slots=True)
class Echo:
    """What only the writer sees: the caller's own ids, as sent."""

    frame: Frame
    site: Site
    patn_id: Any
    mdtrt_id: Any
    task_id: Any
    rx_ids: tuple[Any, ...]
    """By position; lines of other encounters come last."""
    elsewhere: tuple[tuple[int, Any], ...] = ()
    """First position and ``mdtrt_id`` of each other encounter's lines, in order."""
    others: int = 0
    """Further patients in the message, who were not checked."""


@dataclass(slots=True)
class _Pair:
    """A patient and one encounter, and how the caller names them."""

    patient: shape.Patient
    patient_path: str
    encounter: shape.Encounter
    path: str


@dataclass(slots=True)
class _Chosen:
    """What is checked, the same patient's other encounters, and how many patients are left out."""

    pair: _Pair
    past: tuple[_Pair, ...] = ()
    others: int = 0


def read_check(message: shape.Message, frame: Frame, call: Call, most: int) -> Reading:
    """Understand a 3101 or 3102. Raises ``Problem`` with every fault."""
    return _Reader(message, frame, call, most).read()


def hospital_of(message: shape.Message, call: Call, faults: Faults) -> str:
    """Return the hospital: the API key's, else ``fixmedins_code``, else the default (decision 2)."""
    sent = faults.leaf(codes.code, message, "fixmedins_code", "")
    return call.hospital or sent or call.default_hospital


class _Reader:
    """One message on its way to a ``Reading``; lives for one call."""

    def __init__(self, message: shape.Message, frame: Frame, call: Call, most: int) -> None:
        self.message = message
        self.frame = frame
        self.call = call
        self.zone = call.zone
        self.most = most
        self.faults = Faults()
        self.input = shape.Input()

    def read(self) -> Reading:
        data = self._data()
        chosen = self._choose(data)
        leaf, message = self.faults.leaf, self.message
        hospital = hospital_of(message, self.call, self.faults)
        site = self.call.sites.of(hospital)
        message_id = leaf(codes.code, message, "msgid", "")
        sent_at = leaf(lambda value: moment(value, self.zone), message, "inf_time", "")
        scenes = leaf(codes.scenes_of, data, "trig_scen", "input.data") or ()
        lines: list[Line] = []
        rx_ids, elsewhere = self._lines(chosen, scenes, lines)
        encounter = self._encounter(chosen, site, hospital, scenes, tuple(lines))
        self.faults.stop_if_any()
        return Reading(
            encounter=encounter,
            time=_message_time(sent_at, self.frame.received),
            message_id=message_id,
            echo=Echo(
                frame=self.frame,
                site=site,
                patn_id=chosen.pair.patient.patn_id,
                mdtrt_id=chosen.pair.encounter.mdtrt_id or chosen.pair.patient.curr_mdtrt_id,
                task_id=data.task_id,
                rx_ids=tuple(rx_ids),
                elsewhere=elsewhere,
                others=chosen.others,
            ),
            forward=self.call.body,
        )

    def _data(self) -> shape.Data:
        given = self._needed(self.message.input, "input", shape.Input)
        if given is not None:
            self.input = given
        flat = self.input.patient_dtos is not None or self.input.fsi_encounter_dtos is not None
        return self._needed(self.input.data, "input.data", shape.Data, absent_is_fine=flat) or shape.Data()

    def _needed(self, value: object, path: str, kind: type[shape.T], *, absent_is_fine: bool = False) -> shape.T | None:
        """Return an object node; without it the rest of the message has no meaning."""
        if isinstance(value, kind):
            return value
        absent = value is None or (isinstance(value, str) and value.strip() in ABSENT)
        if not (absent and absent_is_fine):
            self.faults.add(path, "缺少该节点" if absent else "应为对象")
            self.faults.stop_if_any()
        return None

    def _slot(self, parent: shape.Node, key: str, path: str) -> Nodes:
        """Return a container, or the one of that name beside ``data`` where its slot is empty (S4)."""
        found = nodes(getattr(parent, key), f"{path}.{key}", self.faults, self.most)
        flat = getattr(self.input, key)
        if found.items or flat is None:
            return found
        return nodes(flat, f"input.{key}", self.faults, self.most)

    def _choose(self, data: shape.Data) -> _Chosen:
        """Return the encounter whose id the patient calls current, else the last one."""
        people = self._slot(data, "patient_dtos", "input.data")
        patients = [(person, people.at(at)) for at, person in enumerate(people.items) if person is not None]
        if not patients and self.input.fsi_encounter_dtos is not None:
            patients = [(shape.Patient(), "input")]
        pairs = [_Pair(*patient, *visit) for patient in patients for visit in self._visits(*patient)]
        if len(pairs) > 1:
            return _chosen_of(pairs)
        if not pairs:
            if patients:
                self.faults.add(f"{patients[0][1]}.fsi_encounter_dtos", "缺少就诊信息")
            else:
                self.faults.add("input.data.patient_dtos", "缺少参保人信息")
            self.faults.stop_if_any()
        return _Chosen(pairs[0])

    def _visits(self, patient: shape.Patient, path: str) -> list[tuple[shape.Encounter, str]]:
        found = self._slot(patient, "fsi_encounter_dtos", path)
        return [(visit, found.at(at)) for at, visit in enumerate(found.items) if visit is not None]

    def _lines(
        self, chosen: _Chosen, scenes: tuple[str, ...], lines: list[Line]
    ) -> tuple[list[Any], tuple[tuple[int, Any], ...]]:
        """Read the current encounter's orders, then those of the patient's other encounters as history."""
        orders = self._slot(chosen.pair.encounter, "fsi_order_dtos", chosen.pair.path)
        past = [
            (pair, nodes(pair.encounter.fsi_order_dtos, f"{pair.path}.fsi_order_dtos", self.faults, self.most))
            for pair in chosen.past
        ]
        if len(orders.items) + sum(len(found.items) for _, found in past) > self.most:
            self.faults.add(orders.path, f"医嘱明细超过 {self.most} 条")
            self.faults.stop_if_any()
        if not any(orders.items) and codes.REGISTRATION_SCENES.isdisjoint(scenes):
            self.faults.add(orders.path, "没有医嘱明细")
        rx_ids = read_lines(orders, self.faults, lines, zone=self.zone, current=current_or_all(orders.items))
        elsewhere: list[tuple[int, Any]] = []
        own_id = _quiet(chosen.pair.encounter.mdtrt_id)
        for pair, found in past:
            elsewhere.append((len(rx_ids), pair.encounter.mdtrt_id))
            visit = self.faults.leaf(codes.code, pair.encounter, "mdtrt_id", pair.path) or ""
            same = visit == own_id  # the checked visit once more, its orders split over two nodes
            current = flagged_current(found.items) if same else [False] * len(found.items)
            named = None if same else visit
            rx_ids += read_lines(found, self.faults, lines, zone=self.zone, current=current, visit=named)
        return rx_ids, tuple(elsewhere)

    def _encounter(
        self, chosen: _Chosen, site: Site, hospital: str, scenes: tuple[str, ...], lines: tuple[Line, ...]
    ) -> Encounter:
        pair, past = chosen.pair, chosen.past
        faults, visit, path, zone = self.faults, pair.encounter, pair.path, self.zone
        diagnoses = read_diagnoses(self._slot(visit, "fsi_diagnose_dtos", path), visit, path, faults)
        status = faults.leaf(codes.code, visit, "matn_stas", path)
        known_as = faults.leaf(codes.code, pair.patient, "patn_id", pair.patient_path)
        called = faults.leaf(codes.code, pair.patient, "curr_mdtrt_id", pair.patient_path)
        level = site.level if site.level is not None else faults.leaf(codes.hospital_level, visit, "medins_lv", path)
        place = faults.leaf(codes.code, self.message, "insuplc_admdvs", "")
        operations = read_operations(self._slot(visit, "fsi_operation_dtos", path), faults, zone)
        read = read_visit(visit, path, faults, zone=zone, site=site, scenes=scenes, called=called, place=place)
        return Encounter(
            hospital=hospital,
            patient=read_person(
                pair.patient,
                pair.patient_path,
                faults,
                zone=zone,
                pseudonym=self.call.pseudonym(f"{hospital}\n{known_as}") if known_as else "",
                maternity=codes.maternity(site, status, diagnoses),
            ),
            facility=Facility(level=level, specialty=site.specialty),
            visit=read,
            scenes=scenes,
            diagnoses=diagnoses,
            operations=operations,
            ordered_operations=site.ordered_operations(lines, operations),
            lines=lines,
            history_since=_vouched_since(read, site),
            visits=self._past_visits(past, site),
        )

    def _past_visits(self, past: tuple[_Pair, ...], site: Site) -> tuple[PastVisit, ...] | None:
        """Return the same patient's other encounters; a message with one says nothing about others."""
        own = tuple(read_past_visit(pair.encounter, pair.path, self.faults, zone=self.zone, site=site) for pair in past)
        return own or None


def _chosen_of(pairs: list[_Pair]) -> _Chosen:
    """Choose among several encounters; the same patient's other ones become history, other patients are counted."""
    chosen = next((pair for pair in pairs if _is_current(pair)), pairs[-1])
    rest = [pair for pair in pairs if pair is not chosen]
    past = tuple(pair for pair in rest if _same_patient(pair, chosen))
    others = {pair.patient_path for pair in rest if not _same_patient(pair, chosen)}
    return _Chosen(chosen, past, len(others))


def _vouched_since(visit: Visit, site: Site) -> date | None:
    """Return from when on the message's lines are all there are, where the hospital's profile says so of its stays."""
    if not site.carries_stay or visit.type != "inpatient" or visit.admitted is None:
        return None
    return visit.admitted.date()


def _is_current(pair: _Pair) -> bool:
    current = _quiet(pair.patient.curr_mdtrt_id)
    return current is not None and current == _quiet(pair.encounter.mdtrt_id)


def _same_patient(one: _Pair, other: _Pair) -> bool:
    if one.patient is other.patient:
        return True
    known_as = _quiet(one.patient.patn_id)
    return known_as is not None and known_as == _quiet(other.patient.patn_id)


def _quiet(value: object) -> str | None:
    """Return an id for comparing; what is wrong with it is reported where it is read."""
    try:
        return codes.code(value)
    except ValueError:
        return None


def _message_time(sent: tuple[datetime, bool] | None, received: datetime) -> datetime:
    """Return the message's time; a date alone is the time of receipt if that is the same day."""
    if sent is None:
        return received
    when, clock = sent
    return when if clock or when.date() != received.date() else received
