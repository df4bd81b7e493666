"""Rows of the case's own diagnosis that do not fit, and in words what each of them lacks."""

from collections.abc import Sequence

from rules.dip.choosing import Spelling
from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_WORDS
from rules.dip.directory import Directory
from rules.dip.matching import SHORTEST_YEAR, BoundName, Prepared, assign, bounds, diagnoses_hold
from rules.dip.model import Case, Row, Step
from rules.dip.principal import SEX_WORDS

NAMED = 3
"""So many codes of a list are written out."""


def code_list(codes: Sequence[str]) -> str:
    """Return codes as alternatives, the first few of a long list."""
    written = [f"{code[1:]}(全码)" if code.startswith("=") else code for code in codes[:NAMED]]
    return "或".join(written) + ("等" if len(codes) > NAMED else "")


def is_near(row: Prepared, coded: Coded) -> bool:
    """Say whether a row has something in common with a case: a diagnosis, or one of its operations."""
    if row.row.diagnoses or row.row.any_diagnosis:
        return True
    return any(part(operation) for part in (*row.main, *row.related) for operation in coded.operations)


def lacking(row: Prepared, coded: Coded, step: Step, directory: Directory, *, operative_fit: bool) -> list[str]:
    """Return what a row of the principal diagnosis lacks, each in words; nothing if it fits."""
    found = _operations_lacking(row, coded, step, directory)
    if not row.operative and not row.row.any_operations:
        if coded.attribute is None:
            found.append("操作属性不能确定,不能判断是否保守治疗")
        elif coded.attribute != "conservative":
            found.append(f"该行为保守治疗,病例操作属性为{ATTRIBUTE_WORDS[coded.attribute]}")
        elif operative_fit:
            found.append("该行为保守治疗,已有含手术操作的行符合")
    if row.never or not diagnoses_hold(row, coded):
        found.append(_diagnoses_lacking(row, coded))
    return found + (_bounds_lacking(row.row, coded.case) if row.bounded else [])


def _operations_lacking(row: Prepared, coded: Coded, step: Step, directory: Directory) -> list[str]:
    if not row.operative or assign(row, coded, step.related) is not None:
        return []
    found = []
    if row.row.main and not row.row.anywhere and not any(part(coded.main) for part in row.main):
        found.append(_main_wanted(row.row, directory))
    parts = [
        (part, codes) for part, codes in zip(row.main, row.row.main, strict=True) if row.anywhere or len(row.main) > 1
    ]
    if step.related == "complete" or not row.row.main:
        parts += zip(row.related, row.row.related, strict=True)
    missing = [
        f"缺{named(codes, directory)}"
        for part, codes in parts
        if not any(part(operation) for operation in coded.operations)
    ]
    if found and len(missing) == len(row.main) == len(parts):
        return found  # what is wanted has just been said
    return found + missing or ["同一项手术操作不能同时满足该行的两个部分"]


def _main_wanted(row: Row, directory: Directory) -> str:
    """Say what the main operation must be; of several parts any may hold it, the others stand anywhere."""
    if len(row.main) == 1:
        return f"主要手术操作须为{named(row.main[0], directory)}"
    parts = (named(codes, directory) if len(codes) == 1 else f"({code_list(codes)})" for codes in row.main)
    return f"须同时有{'与'.join(parts)},其中一项为主要手术操作"


def named(codes: Sequence[str], directory: Directory) -> str:
    """Return operation codes as alternatives, with the name where there is one code and the table has a name."""
    entry = directory.operation(codes[0]) if len(codes) == 1 else None
    known = entry is not None and entry.code == codes[0] and entry.name
    return f"{code_list(codes)}({known})" if known else code_list(codes)


def _diagnoses_lacking(prepared: Prepared, coded: Coded) -> str:
    """Name the conditions on diagnoses that do not hold, and no others."""
    row = prepared.row
    all_ = (coded.code, *coded.others)
    asked = []
    if prepared.other_diagnoses is not None and not prepared.other_diagnoses.any_of(coded.others):
        asked.append(f"其他诊断中须有{code_list(row.other_diagnoses)}")
    if prepared.any_diagnosis is not None and not prepared.any_diagnosis.any_of(all_):
        asked.append(f"全部诊断中须有{code_list(row.any_diagnosis)}")
    if prepared.without_diagnoses is not None and prepared.without_diagnoses.any_of(coded.others):
        asked.append(f"其他诊断中不得有{code_list(row.without_diagnoses)}")
    if prepared.never or (prepared.condition is not None and prepared.condition.holds(coded) is prepared.negated):
        asked.append(f"{'不得' if prepared.negated else '须'}满足条件{row.condition.removeprefix('!')}")
    return "诊断条件不满足(" + ",".join(asked) + ")"


def _bounds_lacking(row: Row, case: Case) -> list[str]:
    """Say which bounds of a row are known to fail, and what they are."""
    failing = {name for name, _, within in bounds(row, case) if within is False}
    words: dict[BoundName, str] = {
        "age": f"年龄须{_ages(row.min_age_days, row.max_age_days)}",
        "weight": f"体重须{_range(row.min_weight_g, row.max_weight_g, '克')}",
        "sex": f"性别须为{SEX_WORDS[row.sex]}" if row.sex else "",
        "days": f"住院天数须{_range(row.min_days, row.max_days, '天')}",
    }
    return [said for name, said in words.items() if name in failing]


def _range(low: int | None, high: int | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"为{low}至{high}{unit}"
    return f"不少于{low}{unit}" if low is not None else f"不超过{high}{unit}"


def _ages(low: int | None, high: int | None) -> str:
    """Return bounds of age: in years where they are whole years of 365 days, else in days."""
    words = []
    if low is not None:
        words.append(f"满{low // SHORTEST_YEAR}岁" if low and low % SHORTEST_YEAR == 0 else f"不少于{low}天")
    if high is not None:
        above = high + 1
        words.append(f"不满{above // SHORTEST_YEAR}岁" if above % SHORTEST_YEAR == 0 else f"不超过{high}天")
    return "且".join(words)


def related_missing(row: Prepared, used: Sequence[str], found: int, spelling: Spelling) -> str:
    """Return in words how many related operations of a row that fits are found, and which are missing."""
    if not row.related:
        return ""
    missing = [
        code_list(codes)
        for codes in row.row.related
        if not any(key in codes for operation in used for key in spelling(operation))
    ]
    words = f",相关手术操作{len(row.related)}项中有{found}项"
    return words + (f"(缺{'、'.join(missing)})" if missing else "")
