"""An encounter as DIP sees it: the stay so far and after this order, under the scheme in force.

In: an ``Input`` and a ``Directory``. Out: a ``Stay``, which the engine offers to kinds as a fact and puts into the
verdict. Only stays are grouped; what is shown while the patient is in hospital is an estimate (预估, ruling 25), and a
standard is a reference, never a cap (ruling 24).
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cached_property
from typing import Final

import msgspec

from rules.codes import SETTLEMENT
from rules.dip.assess import assess
from rules.dip.codes import ATTRIBUTE_WORDS
from rules.dip.deviation import applies
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Assessed, Case, Grouping
from rules.dip.moves import Move, moves
from rules.dip.quality_signs import signs
from rules.dip.result import DipMove, DipResult, DipSign, Standing
from rules.dip.words import group_words, points_words
from rules.lines import amount_of
from rules.model import Diagnosis, Encounter, Input

GroupBy = Callable[[Case, Directory], Grouping]
DAYS_OF_A_YEAR_AT_MOST: Final = 366
LONGEST_DAY_SURGERY: Final = 2
"""Day surgery ends within 24 hours, in special cases within 48."""
REMEMBERED: Final = 8_192
"""Stays whose moves are remembered per directory: a stay is checked many times a day, with the same codes."""


def stay_of(given: Input, directory: Directory | None, *, grouping: GroupBy = group) -> "Stay | None":
    """Return the stay of an input; ``None`` when the patient is not in hospital or no scheme is in force."""
    if directory is None or given.encounter.visit.type != "inpatient":
        return None
    return Stay(given, directory, grouping)


class Stay:
    """One stay under one scheme; private to one check."""

    def __init__(self, given: Input, directory: Directory, grouping: GroupBy) -> None:
        encounter = given.encounter
        self._directory = directory
        self.digest = directory.scheme.digest
        self.now = case_of(given)
        """The case as recorded, at the cost without the current lines."""
        self.assessed_now = assess(self.now, directory, grouping=grouping(self.now, directory))
        self.after, self.assessed = self.now, self.assessed_now
        """Once this order is saved: with what it costs, and the operations it stands for."""
        ordered = tuple(operation.code for operation in encounter.ordered_operations)
        cost = cost_after(encounter)
        if ordered or cost != self.now.cost:
            self.after = msgspec.structs.replace(self.now, operations=(*self.now.operations, *ordered), cost=cost)
            found = grouping(self.after, directory) if ordered else self.assessed_now.grouping
            self.assessed = assess(self.after, directory, grouping=found)
        self._estimated = encounter.visit.discharged is None
        self._several_main = sum(operation.main is True for operation in encounter.operations) > 1

    @cached_property
    def result(self) -> DipResult:
        """Where the stay stands, now and after this order."""
        scheme, payment = self._directory.scheme, self.assessed.payment
        now = standing(self.now, self.assessed_now, self._directory)
        same = self.after is self.now
        return DipResult(
            scheme=scheme.name,
            version=scheme.version,
            estimated=self._estimated,
            eligible=payment.eligible,
            ineligible=payment.ineligible or "",
            priced=self._directory.keep(is_priced),
            now=now,
            after=now if same else standing(self.after, self.assessed, self._directory),
            moves=moves_of(self.now, self.assessed_now.grouping, self._directory),
            explanation=(*grouping_words(self.after, self.assessed, self._several_main), *points_words(self.assessed)),
        )

    @cached_property
    def signs(self) -> tuple[DipSign, ...]:
        """Signs that the coding may be wrong, looked for when first asked."""
        return tuple(
            DipSign(
                kind=kind,
                code=sign.code,
                message=sign.detail,
                other_group=sign.other_group,
                points_difference=sign.points_difference,
                evidence=sign.evidence,
            )
            for kind, sign in signs(self.after, self.assessed, self._directory)
        )


def grouping_words(case: Case, assessed: Assessed, several_main: bool) -> Iterator[str]:
    """Yield why a stay is in its group, in one line; ``rules.dip.tracing`` tells the whole way and the neighbours."""
    grouping = assessed.grouping
    by = [f"主要诊断 {grouping.principal or case.principal}"] if case.principal else []
    if grouping.used:
        by.append(f"手术操作 {'、'.join(grouping.used)}")
    elif grouping.attribute is not None and grouping.group:
        by.append(ATTRIBUTE_WORDS[grouping.attribute])
    yield f"{group_words(assessed)}:{','.join(by)}" if by else group_words(assessed)
    if grouping.tied:
        yield f"同等符合的还有 {'、'.join(grouping.tied)},请核对"
    if several_main:
        yield "有多项手术操作标为主要手术操作,以第一项为准,请核对"


def moves_of(case: Case, grouping: Grouping, directory: Directory) -> tuple[DipMove, ...]:
    """Return what would move a stay to another group; whatever it costs, so that it need not be looked for anew."""
    known = directory.keep(_remembered)
    codes = msgspec.structs.replace(case, cost=None)
    key = (codes, grouping)  # the group itself may hang on the cost: by the nearest mean
    found = known.get(key)
    if found is None:
        if len(known) >= REMEMBERED:
            known.pop(next(iter(known)), None)  # the one remembered longest
        assessed = assess(codes, directory, grouping=grouping)
        found = known[key] = tuple(_move(move) for move in moves(codes, assessed, directory))
    return found


def is_priced(directory: Directory) -> bool:
    """Say whether a scheme publishes scores and point values."""
    scheme = directory.scheme
    return bool(scheme.payment.values) and any(group.score is not None for group in scheme.groups)


def _remembered(_directory: Directory) -> dict[tuple[Case, Grouping], tuple[DipMove, ...]]:
    return {}


def _move(move: Move) -> DipMove:
    return DipMove(
        group=move.group,
        name=move.name,
        message=move.message,
        points_difference=move.points_difference,
        evidence=move.evidence,
    )


def standing(case: Case, assessed: Assessed, directory: Directory) -> Standing:
    """Return where a case stands, in the verdict's own terms. A case not paid by DIP has no money (ruling 25)."""
    grouping, points, payment = assessed.grouping, assessed.points, assessed.payment
    deviation = directory.scheme.points.deviation
    limited = deviation.formula != "none" and (assessed.group is None or applies(assessed.group, deviation))
    paid = payment.eligible is True
    return Standing(
        status=grouping.status,
        group=grouping.group,
        name=assessed.group.name if assessed.group else "",
        reasons=tuple(
            dict.fromkeys(
                (
                    *(remark.reason for remark in grouping.remarks),
                    *(note.reason for note in points.notes),
                    *(note.reason for note in payment.notes),
                )
            )
        ),
        tied=grouping.tied,
        standard_points=points.standard_points,
        points=points.points,
        standard=payment.normal_standard,
        payable=payment.standard if paid else None,
        cost=case.cost,
        ratio=points.ratio,
        band=points.band,
        low_limit=deviation.low if limited else None,
        high_limit=deviation.high if limited else None,
        balance=payment.balance if paid else None,
    )


def case_of(given: Input) -> Case:
    """Return the stay as a grouper sees it, before this order.

    The principal diagnosis is the flagged one, else the first (dip facts 2.2). TCM diagnoses do not group.
    """
    encounter, today = given.encounter, given.time.date()
    visit, patient = encounter.visit, encounter.patient
    western = [found for found in encounter.diagnoses if found.system != "tcm" and found.code]
    principal = _principal(western)
    admitted = visit.admitted.date() if visit.admitted else None
    ended = visit.discharged.date() if visit.discharged else today
    years, days = _age(patient.birth_date, admitted or today)
    days_so_far = max(1, (ended - admitted).days) if admitted else None
    performed = sorted(encounter.operations, key=lambda operation: operation.main is not True)
    return Case(
        id=visit.id,
        principal=principal.code if principal else "",
        others=tuple(found.code for found in western if found is not principal),
        operations=tuple(operation.code for operation in performed if operation.code),
        sex=patient.sex,
        age_years=years,
        age_days=days,
        weight_g=patient.weight_g,
        days=days_so_far,
        icu_days=visit.icu_days,
        died=visit.died,
        cost=cost_before(encounter),
        hospital=encounter.hospital,
        hospital_level=encounter.facility.level,
        insurance=visit.insurance,
        medical_type=visit.medical_type,
        out_of_area=visit.out_of_area,
        place=visit.insured_place,
        day_surgery=_day_surgery(visit.day_surgery, days_so_far),
        admitted=admitted,
        discharged=ended,
        ongoing=visit.discharged is None,
        patient=patient.pseudonym,
        planned=visit.planned,
    )


def _day_surgery(said: bool | None, days: int | None) -> bool | None:
    """Return whether the stay is day surgery; one of more than two days is none, whatever nobody said."""
    return False if said is None and days is not None and days > LONGEST_DAY_SURGERY else said


def _principal(diagnoses: list[Diagnosis]) -> Diagnosis | None:
    flagged = next((found for found in diagnoses if found.main), None)
    return flagged or (diagnoses[0] if diagnoses else None)


def _age(birth: date | None, day: date) -> tuple[int | None, int | None]:
    """Return completed years, and days for an infant, at admission."""
    if birth is None or birth > day:
        return None, None
    years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    days = (day - birth).days
    return years, days if days <= DAYS_OF_A_YEAR_AT_MOST else None


def cost_before(encounter: Encounter) -> int | None:
    """Return what the stay has cost without the current lines, 1/10,000 yuan; ``None`` when nobody says."""
    total = encounter.visit.total_amount
    if _settling(encounter):
        return total if total is not None else _charged(encounter) if _whole(encounter) else None
    if total is not None:
        return total if encounter.visit.total_before_order else max(0, total - _charged(encounter, current=True))
    return _charged(encounter, current=False) if _whole(encounter) else None


def cost_after(encounter: Encounter) -> int | None:
    """Return what the stay will have cost once this order is saved, 1/10,000 yuan."""
    total = encounter.visit.total_amount
    if _settling(encounter) or (total is not None and not encounter.visit.total_before_order):
        return cost_before(encounter) if total is None else total
    before = cost_before(encounter)
    return None if before is None else before + _charged(encounter, current=True)


def _settling(encounter: Encounter) -> bool:
    """Say whether the visit is being settled: then all its lines are charged already, and nothing is being added."""
    return not SETTLEMENT.isdisjoint(encounter.scenes)


def _whole(encounter: Encounter) -> bool:
    """Say whether the payload holds every charge of the stay."""
    since, admitted = encounter.history_since, encounter.visit.admitted
    return since is not None and admitted is not None and since <= admitted.date()


def _charged(encounter: Encounter, *, current: bool | None = None) -> int:
    return sum(
        amount_of(line)
        for line in encounter.lines
        if (current is None or line.current is current) and line.visit is None
    )
