"""Whom a rule concerns by its header: kinds of visit, insurances and hospital levels (users page, 6.2).

In: a rule and a view. Out: nothing when it concerns this encounter, ``False`` when it does not, or what is missing to
tell. Absent is not false: a rule for residents says *not checked* where the insurance is unknown.
"""

from typing import Literal

from rules.codes import VisitScene
from rules.kinds._view import View
from rules.model import Missing, Rule

Concern = bool | None


def selects(rule: Rule, view: View) -> Missing | Literal[False] | None:
    """Return ``None`` when the rule concerns the encounter, ``False`` when not, else the facts that would tell."""
    lacking: list[str] = []
    for concern, field in _concerns(rule, view):
        if concern is False:
            return False
        if concern is None:
            lacking.append(field)
    return Missing(fields=tuple(lacking)) if lacking else None


def _concerns(rule: Rule, view: View) -> list[tuple[Concern, str]]:
    visit, level = view.encounter.visit, view.encounter.facility.level
    found: list[tuple[Concern, str]] = []
    if rule.insurances:
        known = visit.insurance is not None
        found.append((visit.insurance in rule.insurances if known else None, "visit.insurance"))
    if rule.hospital_levels:
        found.append((level in rule.hospital_levels if level is not None else None, "facility.level"))
    if rule.visit_types:
        found.append((_any([in_scene(scene, view) for scene in rule.visit_types]), "visit.type"))
    return found


def in_scene(scene: VisitScene, view: View) -> Concern:
    """Say whether the visit is of a kind (就医方式); ``None`` when the facts do not tell or contradict each other."""
    visit = view.encounter.visit
    if scene == "internet":
        return visit.internet
    if scene == "out_of_area":
        return visit.out_of_area
    if visit.type_conflict or visit.type is None:
        return None
    if scene == "emergency":
        return visit.emergency if visit.type == "outpatient" else False
    if scene == "outpatient":
        # An emergency visit is no ordinary out-patient one; rules for both name both.
        return visit.type == "outpatient" and visit.emergency is not True
    return visit.type == scene


def _any(found: list[Concern]) -> Concern:
    """Kleene's or: one yes is enough, one unknown keeps the rest from being no."""
    return True if True in found else None if None in found else False
