"""National messages: what coded fields mean (rulings 6, 7, 8, 10), field by field.

In: scalars as sent. Out: the core's words, or ``None`` where the code does not say. Pure tables and small functions;
what hospitals may differ on comes from their ``Site``.
"""

from functools import lru_cache
from typing import Final, cast

from rules.codes import Category, Sex, VisitType
from rules.codings import category_of, item_code
from rules.model import Diagnosis
from service.schemas.scalars import ABSENT, text
from service.sites import Site

LONGEST: Final = 500
"""Ids and codes are printed with at most 200 characters; far beyond that the message is not what it says."""

_SCENES: Final[dict[str, VisitType]] = {
    **dict.fromkeys(("1", "2", "6", "7"), "outpatient"),
    **dict.fromkeys(("3", "4", "5", "8", "9"), "inpatient"),
    "10": "pharmacy",
}
REGISTRATION_SCENES: Final = frozenset({"1", "3"})
"""挂号 and 住院登记: the only scenes in which a message without orders makes sense."""

_MEDICAL_TYPES: Final[dict[str, VisitType]] = {
    **dict.fromkeys(("11", "12", "13", "14", "15", "16", "19", "51", "9901"), "outpatient"),
    **dict.fromkeys(("21", "22", "23", "24", "25", "26", "27", "28", "52", "9902"), "inpatient"),
    "41": "pharmacy",
}
"""By longest prefix; 53 (计划生育手术) can be either and 61 (照护) is neither (ruling 6)."""
_EMERGENCY_UNCLEAR: Final = ("19", "24")
"""意外伤害门诊 is 急诊 in some regions, 急诊转住院 began as one: neither says yes or no."""
_VISIT_CODES: Final[dict[str, VisitType]] = {"1": "outpatient", "2": "inpatient", "3": "pharmacy"}

_SEXES: Final[dict[str, Sex]] = {"1": "male", "男": "male", "2": "female", "女": "female"}

_HOSPITAL_LEVELS: Final = {1: 3, 2: 3, 3: 3, 4: 3, 5: 2, 6: 2, 7: 2, 8: 1, 9: 1, 10: 1}
"""6.6: place in the list 三级特等 … 一级丙等, to the level."""

_OUT_OF_AREA: Final = {"0": False, "2": False, "1": True, "3": True, "4": True}
"""6.9: 0 否 and 2 本机构 are local, 1 是, 3 省内异地 and 4 跨省异地 are not."""

_CATEGORIES: Final[dict[str, Category]] = {
    **dict.fromkeys(("101", "102", "103", "104", "106"), "drug"),
    "105": "other",
    "201": "service",
    "501": "service",
    "301": "consumable",
}

_PREGNANCY_EVIDENCE: Final = ("O", "Z33", "Z34", "Z35", "Z36")


def code(value: object) -> str | None:
    """Return a code or id as text without NULs. Raises ``ValueError`` when it is no scalar or absurdly long."""
    found: str | None
    if type(value) is str:
        found = value.strip()
        if found in ABSENT:
            return None
    else:
        if isinstance(value, int) and value.bit_length() > LONGEST:
            raise ValueError(f"长度超过 {LONGEST}")
        found = text(value)
        if found is None:
            return None
    if len(found) > LONGEST:
        raise ValueError(f"长度超过 {LONGEST}")
    return found.replace("\0", "") if "\0" in found else found


@lru_cache(maxsize=4_096)
def sex_of(gend: str | None) -> Sex | None:
    """1 男, 2 女; 9 未说明 and 0 未知 are unknown."""
    return _SEXES.get(gend or "")


def scenes_of(value: object) -> tuple[str, ...]:
    """Return trigger scenes: one value, several joined by commas (one province), or a list."""
    parts = value if isinstance(value, list) else [value]
    joined = ",".join(code(part) or "" for part in parts)
    return _scenes(joined)


@lru_cache(maxsize=1_024)
def _scenes(joined: str) -> tuple[str, ...]:
    found = (part.strip() for part in joined.replace(",", ",").split(","))
    return tuple(dict.fromkeys(part.lstrip("0") or part for part in found if part))


@lru_cache(maxsize=4_096)
def visit_type(
    scenes: tuple[str, ...], med_type: str | None, med_mdtrt_type: str | None
) -> tuple[VisitType | None, bool]:
    """Return the visit's type and whether the message contradicts itself (ruling 6).

    The scene decides; without one (or with scenes of both sorts) the two codes must not disagree.
    """
    by_scene = {_SCENES[scene] for scene in scenes if scene in _SCENES}
    if len(by_scene) == 1:
        return by_scene.pop(), False
    by_code = {found for found in (_of_medical_type(med_type), _of_visit_code(med_mdtrt_type)) if found}
    if len(by_code) == 1:
        return by_code.pop(), False
    return None, bool(by_scene or by_code)


def _of_medical_type(med_type: str | None) -> VisitType | None:
    if med_type is None:
        return None
    return _MEDICAL_TYPES.get(med_type[:4]) or _MEDICAL_TYPES.get(med_type[:2])


def _of_visit_code(value: str | None) -> VisitType | None:
    """List (a) of 6.4; three digits are a med_type with a zero behind it (S6 sends 110, 210)."""
    if value is None:
        return None
    if len(value) == 3 and value.endswith("0"):
        return _of_medical_type(value[:2])
    return _VISIT_CODES.get(value.lstrip("0"))


@lru_cache(maxsize=4_096)
def is_emergency(med_type: str | None, visit: VisitType | None) -> bool | None:
    """Say whether this is an emergency visit; a med_type that contradicts the visit's type says nothing."""
    if med_type is None:
        return None
    if med_type.startswith("13"):
        return True
    if med_type.startswith(_EMERGENCY_UNCLEAR):
        return None
    named = _of_medical_type(med_type)
    return False if named is not None and named == visit else None


def hospital_level(value: object) -> int | None:
    """Return the level in ``medins_lv`` (ruling 7).

    A one-character text is a plain level, two characters are a place in the national list. Of a JSON number that is
    not known: 1 and 2 may be either and mean nothing here; 3 is level 3 either way; larger ones are places.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _HOSPITAL_LEVELS.get(int(value)) if value == int(value) and value >= 3 else None
    found = code(value)
    if found is None or not (found.isascii() and found.isdigit()):
        return None
    if len(found) == 1:
        return int(found) if found in {"1", "2", "3"} else None
    return _HOSPITAL_LEVELS.get(int(found)) if len(found) == 2 else None


def work_injury(site: Site, med_type: str | None) -> bool | None:
    """Say whether work injury pays: only a site's own mapping can (ruling 10)."""
    if site.work_injury_medical_types is None or med_type is None:
        return None
    return med_type.startswith(tuple(site.work_injury_medical_types))


def maternity(site: Site, matn_stas: str | None, diagnoses: tuple[Diagnosis, ...]) -> tuple[bool | None, bool | None]:
    """Return pregnant and lactating (ruling 8).

    The site's mapping decides. Without one, 0, 1 and 2 mean unknown (1 is the opposite in the two lists in use),
    3 妊娠期 and 4 哺乳期 occur in one list only, and obstetric diagnoses are evidence of pregnancy.
    """
    unmapped = {"3": "pregnant", "4": "lactating"} if site.maternity is None else site.maternity
    status = unmapped.get(matn_stas or "", "unknown")
    if status == "neither":
        return False, False
    if status == "lactating":
        return None, True
    if status == "pregnant" or any(_shows_pregnancy(found) for found in diagnoses):
        return True, None
    return None, None


def _shows_pregnancy(diagnosis: Diagnosis) -> bool:
    return diagnosis.system == "icd" and not diagnosis.suspected and diagnosis.code.startswith(_PREGNANCY_EVIDENCE)


def category_by_type(hilist_type: str | None) -> Category | None:
    """Return what the catalogue type says an item is, for a code whose shape does not (6.10)."""
    return _CATEGORIES.get(hilist_type or "")


def item(hilist_code: object) -> tuple[str, Category | None]:
    """Return the normal national code (``""`` when none came) and the category its shape tells."""
    found = code(hilist_code)
    normal = item_code(found) if found else ""
    return normal, cast("Category | None", category_of(normal))


def out_of_area(value: str | None) -> bool | None:
    """Return whether the visit is settled away from the insured area (异地)."""
    return _OUT_OF_AREA.get(value or "")
