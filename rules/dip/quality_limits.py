"""Sex and age that a code belongs to: the scheme's own limits, and those of the classifications themselves.

Sources: the WHO rules for ICD-10 name the codes limited to one sex (volume 2); ICD-9-CM-3 chapters 60-64 are
operations on male, 65-75 on female organs; P00-P96 arise around birth, O00-O99 in pregnancy (dip facts 6.2). Only
what leaves no doubt is a conflict: an age in years stands for all the days it may mean, and bounds that nobody states
are wide.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from rules.codes import Certainty, Sex
from rules.dip.directory import Directory
from rules.dip.matching import LONGEST_YEAR, SHORTEST_YEAR
from rules.dip.model import Case, Limit
from rules.dip.normalise import REMEMBERED

Aspect = Literal["sex", "age", "newborn", "pregnancy_sex", "pregnancy_age"]

MALE: Final = (
    "B26.0", "C60", "C61", "C62", "C63", "D07.4", "D07.5", "D07.6", "D17.6", "D29", "D40", "E29", "E89.5", "F52.4",
    "I86.1", "L29.1", "N40", "N41", "N42", "N43", "N44", "N45", "N46", "N47", "N48", "N49", "N50", "N51", "Q53", "Q54",
    "Q55", "R86", "S31.2", "S31.3", "Z12.5",
)  # fmt: skip
FEMALE: Final = (
    "A34", "C51", "C52", "C53", "C54", "C55", "C56", "C57", "C58", "C79.6", "D06", "D07.0", "D07.1", "D07.2", "D07.3",
    "D25", "D26", "D27", "D28", "D39", "E28", "E89.4", "F52.5", "F53", "I86.3", "L29.2", "M80.0", "M80.1", "M81.0",
    "M81.1", "M83.0", "N70", "N71", "N72", "N73", "N74", "N75", "N76", "N77", "N80", "N81", "N82", "N83", "N84", "N85",
    "N86", "N87", "N88", "N89", "N90", "N91", "N92", "N93", "N94", "N95", "N96", "N97", "N98", "N99.2", "N99.3",
    "P54.6", "Q50", "Q51", "Q52", "R87", "S31.4", "S37.4", "S37.5", "S37.6", "T19.2", "T19.3", "T83.3", "Z01.4",
    "Z12.4", "Z30.1", "Z30.3", "Z30.5", "Z31.1", "Z31.2", "Z43.7", "Z87.5", "Z97.5",
)  # fmt: skip
PREGNANCY: Final = ("O", "Z32", "Z33", "Z34", "Z35", "Z36", "Z37", "Z39")
PERINATAL: Final = "P"
DEMENTIA: Final = ("F00", "F01", "F02", "F03", "G30")
MALE_OPERATIONS: Final = ("60.", "61.", "62.", "63.", "64.")
FEMALE_OPERATIONS: Final = ("65.", "66.", "67.", "68.", "69.", "70.", "71.", "72.", "73.", "74.", "75.")

Chapter = Literal["male", "female", "pregnancy", "perinatal", "dementia"]
CHAPTERS: Final[tuple[tuple[Chapter, tuple[str, ...]], ...]] = (
    ("male", MALE),
    ("female", FEMALE),
    ("pregnancy", PREGNANCY),
    ("perinatal", (PERINATAL,)),
    ("dementia", DEMENTIA),
)
"""Diagnoses that belong to some patients only; P54.6 is a girl's before it is a newborn's."""

NEWBORN_DAYS: Final = 28
PERINATAL_YEARS: Final = 2
"""Perinatal diseases are named for a while after (ruling 17): from this birthday on the code is worth a look."""
CHILDBEARING: Final = (12, 55)
"""Completed years, both included, in which pregnancy needs no question."""
ADULT_YEARS: Final = 18

SEX_WORDS: Final[dict[Sex, str]] = {"male": "男性", "female": "女性"}


class Conflict(NamedTuple):
    """A code that the patient's sex or age speaks against, or a fact without which that cannot be told."""

    aspect: Aspect
    words: str
    certainty: Certainty = "suspicious"
    missing: str = ""
    """The absent fact; then there is no conflict."""


class Limits:
    """Limits of codes under one scheme, worked out when a code is first seen."""

    def __init__(self, directory: Directory) -> None:
        self._limits = directory.scheme.normalisation.limits
        self.of: Callable[[str], tuple[Limit, ...]] = lru_cache(maxsize=REMEMBERED)(self._of)

    def _of(self, code: str) -> tuple[Limit, ...]:
        return tuple(limit for limit in self._limits if code.startswith(limit.code))


@lru_cache(maxsize=REMEMBERED)
def chapter(code: str, operation: bool) -> Chapter | None:
    """Return what the classification itself says of a code in normal form: whose it is; ``None``: anybody's."""
    if operation:
        return "male" if code.startswith(MALE_OPERATIONS) else "female" if code.startswith(FEMALE_OPERATIONS) else None
    for name, prefixes in CHAPTERS:
        if code.startswith(prefixes):
            return name
    return None


def conflicts(code: str, case: Case, directory: Directory, *, operation: bool) -> Iterator[str]:
    """Yield in words what of a patient speaks against a code; absent facts speak against nothing."""
    found = examine(code, case, directory, operation=operation)
    return (conflict.words for conflict in found if not conflict.missing and conflict.certainty != "notice")


def examine(code: str, case: Case, directory: Directory, *, operation: bool) -> tuple[Conflict, ...]:
    """Return conflicts of a code in normal form with the patient, each aspect once, the scheme's limits first."""
    limits, place = directory.keep(Limits).of(code), chapter(code, operation)
    if place is None and not limits:
        return ()
    found: dict[Aspect, Conflict] = {}
    for conflict in (*_scheme(limits, case), *(_chapter(place, case) if place else ())):
        found.setdefault(conflict.aspect, conflict)
    return tuple(found.values())


def _scheme(limits: tuple[Limit, ...], case: Case) -> Iterator[Conflict]:
    for limit in limits:
        if limit.sex is not None:
            yield from _sex(limit.sex, case, "sex")
        if limit.min_age_days is not None or limit.max_age_days is not None:
            yield from _age(limit, case)


def _chapter(place: Chapter, case: Case) -> Iterator[Conflict]:
    if place in ("male", "female"):
        yield from _sex(place, case, "sex")
    elif place == "pregnancy" and not is_newborn(case):
        yield from _pregnancy(case)
    elif place == "perinatal" and not _obstetric(case):
        yield from _perinatal(case)
    elif place == "dementia" and case.age_years is not None and 0 <= case.age_years < ADULT_YEARS:
        yield Conflict("age", f"不见于未成年人(患者{case.age_years}岁)")


def _sex(sex: Sex, case: Case, aspect: Aspect) -> Iterator[Conflict]:
    if case.sex is None:
        yield Conflict(aspect, "", missing="case.sex")
    elif case.sex != sex:
        yield Conflict(aspect, f"只用于{SEX_WORDS[sex]}(患者为{SEX_WORDS[case.sex]})")


def _pregnancy(case: Case) -> Iterator[Conflict]:
    yield from _sex("female", case, "pregnancy_sex")
    if case.age_years is None:
        yield Conflict("pregnancy_age", "", missing="case.age_years")
    elif not CHILDBEARING[0] <= case.age_years <= CHILDBEARING[1]:
        yield Conflict("pregnancy_age", f"为妊娠、分娩或产褥期编码,患者{case.age_years}岁")


def _perinatal(case: Case) -> Iterator[Conflict]:
    if case.age_years is None and case.age_days is None:
        yield Conflict("newborn", "", missing="case.age_days")
    elif case.age_years is not None and case.age_years >= PERINATAL_YEARS:
        words = f"为起源于围生期的情况,患者{case.age_years}岁"
        yield Conflict("newborn", words, "notice")


def _obstetric(case: Case) -> bool:
    """A newborn's diseases stand on its mother's list: nobody's mismatch."""
    return any(code.strip().upper().startswith(PREGNANCY) for code in (case.principal, *case.others))


def is_newborn(case: Case) -> bool:
    """Say whether the patient is known to be at most 28 days old."""
    return case.age_days is not None and 0 <= case.age_days <= NEWBORN_DAYS


def _age(limit: Limit, case: Case) -> Iterator[Conflict]:
    days = age_in_days(case)
    low, high = limit.min_age_days, limit.max_age_days
    if days is None:
        yield Conflict("age", "", missing="case.age_years")
    elif (low is not None and days[1] < low) or (high is not None and days[0] > high):
        bounds = "、".join(part for part in (_bound(low, "不小于"), _bound(high, "不大于")) if part)
        yield Conflict("age", f"用于年龄{bounds}的患者(患者{age_words(case)})")


def age_in_days(case: Case) -> tuple[int, int] | None:
    """Return the least and the most days the age may be."""
    if case.age_days is not None and case.age_days >= 0:
        return case.age_days, case.age_days
    if case.age_years is not None and case.age_years >= 0:
        return case.age_years * SHORTEST_YEAR, (case.age_years + 1) * LONGEST_YEAR - 1
    return None


def age_words(case: Case) -> str:
    """Return the age for a message."""
    if case.age_days is not None and not case.age_years:
        return f"{case.age_days}天"
    return f"{case.age_years}岁"


def _bound(days: int | None, words: str) -> str:
    if days is None:
        return ""
    return f"{words}{days // 365}岁" if days >= 365 else f"{words}{days}天"
