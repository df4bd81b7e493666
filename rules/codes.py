"""Closed sets: the grades, states and reasons that every other module shares.

What goes in and comes out are plain strings, so that they read the same in a pack, in a column and in an answer.
A kind's own finding codes live in the kind's file, not here (one place to add a kind).
"""

from typing import Final, Literal

Certainty = Literal["violation", "suspicious", "notice"]
"""How sure the rule is: 违规, 可疑, 提示."""

Level = Literal["silent", "info", "warn", "block"]
"""How loud to be: 静默记录, 提示, 警告, 拦截. ``suspicious`` never exceeds ``warn``."""

State = Literal["clear", "warned", "indeterminate"]
"""The three states of an answer; an error never looks like ``clear``."""

Scope = Literal["payment", "charging", "safety"]
"""What a rule protects. Self-pay silences ``payment`` only (ruling 1): moving a ``charging`` fault to the
patient is itself a violation, and ``safety`` does not depend on who pays."""

Status = Literal["active", "incomplete"]
"""``incomplete`` rows are listed with their reason and never evaluated (ruling 15)."""

Sex = Literal["male", "female"]
VisitType = Literal["outpatient", "inpatient", "pharmacy"]
VisitScene = Literal["outpatient", "emergency", "inpatient", "pharmacy", "internet", "out_of_area"]
"""就医方式 of the authority's rule header: 门诊, 急诊, 住院, 购药, 互联网, 异地."""

Stage = Literal["before", "during", "after"]
"""监管环节: 事前 (scenes 1 to 5), 事中 (6 to 10), 事后."""

SETTLEMENT: Final = frozenset({"6", "7", "8", "9"})
"""Scenes of settlement and pre-settlement (预结算, 结算): the whole visit is looked at, and nothing is being added."""

FeeClass = Literal["甲", "乙", "丙"]
Dictionary = Literal["frequency", "unit", "route", "department", "title", "doctor", "dose_form", "drug_class"]
"""Dictionaries that rules read through (``words.csv``): a word without a meaning is *not checked: unmapped*."""

Category = Literal["drug", "service", "consumable", "other"]
Role = Literal["doctor", "nurse", "pharmacist", "coder", "insurance_office"]
Window = Literal["day", "visit", "six_hours", "hour"]

Reason = Literal["missing", "unmapped", "ambiguous", "conflict", "timeout", "parameter", "failed"]
"""Why a rule that applied could not run.

``missing``: a field is absent. ``unmapped``: a code has no known meaning here. ``ambiguous``: a code family means
several items. ``conflict``: two fields contradict each other. ``timeout``: context missed its deadline.
``parameter``: the pack leaves a parameter for the hospital to set. ``failed``: the rule itself broke (counted).
"""

LEVEL_RANK: Final[dict[Level, int]] = {"silent": 0, "info": 1, "warn": 2, "block": 3}
CERTAINTY_RANK: Final[dict[Certainty, int]] = {"notice": 0, "suspicious": 1, "violation": 2}


def quieter(one: Level, other: Level) -> Level:
    """Return the less loud of two levels."""
    return one if LEVEL_RANK[one] <= LEVEL_RANK[other] else other
