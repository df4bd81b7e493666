"""Rows of the case's own diagnosis that do not fit, and in words what each of them lacks."""

from collections.abc import Sequence

from rules.dip.choosing import Spelling
from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_WORDS
from rules.dip.directory import Directory
from rules.dip.matching import Prepared, assign, diagnoses_hold, missing_facts
from rules.dip.model import Row, Step

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
        found.append(_diagnoses_lacking(row.row))
    if row.bounded and missing_facts(row.row, coded.case) is None:
        found.append("年龄、体重、性别或住院天数不在该行范围内")
    return found


def _operations_lacking(row: Prepared, coded: Coded, step: Step, directory: Directory) -> list[str]:
    if not row.operative or assign(row, coded, step.related) is not None:
        return []
    found = []
    if row.row.main and not row.row.anywhere and not any(part(coded.main) for part in row.main):
        wanted = ";".join(code_list(part) for part in row.row.main)
        found.append(f"主要手术操作须为{wanted}")
    parts = [
        (part, codes) for part, codes in zip(row.main, row.row.main, strict=True) if row.anywhere or len(row.main) > 1
    ]
    if step.related == "complete" or not row.row.main:
        parts += zip(row.related, row.row.related, strict=True)
    found += [
        f"缺{named(codes, directory)}"
        for part, codes in parts
        if not any(part(operation) for operation in coded.operations)
    ]
    return found or ["同一项手术操作不能同时满足该行的两个部分"]


def named(codes: Sequence[str], directory: Directory) -> str:
    """Return operation codes as alternatives, with the name where there is one code and the table has a name."""
    entry = directory.operation(codes[0]) if len(codes) == 1 else None
    return f"{code_list(codes)}{entry.name}" if entry is not None and entry.code == codes[0] else code_list(codes)


def _diagnoses_lacking(row: Row) -> str:
    asked = []
    if row.other_diagnoses:
        asked.append(f"其他诊断中须有{code_list(row.other_diagnoses)}")
    if row.any_diagnosis:
        asked.append(f"全部诊断中须有{code_list(row.any_diagnosis)}")
    if row.without_diagnoses:
        asked.append(f"其他诊断中不得有{code_list(row.without_diagnoses)}")
    if row.condition:
        asked.append(f"{'不得' if row.condition.startswith('!') else '须'}满足条件{row.condition.removeprefix('!')}")
    return "诊断条件不满足(" + ",".join(asked) + ")"


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
