"""Settlement-list checks of codes: principal diagnosis, tables, versions, repetition, admission condition (6.2)."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rules.dip.auxiliary import index_of
from rules.dip.directory import Directory
from rules.dip.naming import diagnosis_name, operation_name, quoted
from rules.dip.normalise import diagnosis, is_asterisk, is_diagnosis, is_morphology, operation
from rules.dip.ownership import ownership
from rules.dip.quality_facts import QualityFinding
from rules.dip.quality_view import Diagnosed, Operated, Record, called, found, lacking

INVASIVE: Final = frozenset({"surgery", "intervention"})
"""Attributes of operations that are done for a disease of their own, so that one must be there."""


def principal(record: Record) -> Iterator[QualityFinding]:
    """There is one principal diagnosis, and it may be one."""
    if not record.principal:
        words = "清单没有主要诊断编码,不能入组。请补填主要诊断,并标明主要诊断标识。"
        yield found("missing_principal", words, ("case.principal",), "violation")
    marked = [entry for entry in record.diagnoses if entry.line.main]
    if len(marked) > 1:
        named = "、".join(called(entry.line.code, entry.line.name) for entry in marked)
        fields = [entry.field for entry in marked]
        yield found(
            "several_principals", f"有 {len(marked)} 个诊断标为主要诊断:{named}。请只保留一个。", fields, "violation"
        )
    for remark in record.grouping.remarks:
        if remark.reason == "principal_diagnosis_not_allowed":
            words = f"{remark.detail.rstrip('。')}。请核对并改选主要诊断。"
            yield found("principal_not_allowed", words, ("case.principal",), "violation")


def main_operation(record: Record) -> Iterator[QualityFinding]:
    """There is at most one main operation."""
    marked = [done for done in record.operations if done.line.main]
    if len(marked) > 1:
        named = "、".join(called(done.line.code, done.line.name) for done in marked)
        fields = [done.field for done in marked]
        words = f"有 {len(marked)} 个手术操作标为主要手术操作:{named}。请只保留一个。"
        yield found("several_main_operations", words, fields, "violation")


def counts(record: Record) -> Iterator[QualityFinding]:
    """The numbers of diagnoses and operations are what the list says of itself."""
    facts = record.facts
    for declared, kept, listed, field, words in (
        (facts.declared_diagnoses, facts.diagnoses, facts.listed_diagnoses, "declared_diagnoses", "诊断"),
        (facts.declared_operations, facts.operations, facts.listed_operations, "declared_operations", "手术操作"),
    ):
        if declared is None or kept is None:
            continue
        real = {len(kept)} | ({listed} if listed is not None else set())
        if declared not in real:
            said = f"清单填写{words}个数为 {declared},实际列出 {max(real)} 个。请核对是否漏填或多填。"
            yield found("count_mismatch", said, (field, field.removeprefix("declared_")))


def duplicates(record: Record) -> Iterator[QualityFinding]:
    """No diagnosis stands twice."""
    times = Counter(entry.code for entry in record.diagnoses)
    for code, count in times.items():
        if count > 1:
            lines = [entry for entry in record.diagnoses if entry.code == code]
            words = f"诊断{called(code, lines[0].line.name)}填写了 {count} 次。请删除重复的诊断。"
            yield found("duplicate_diagnosis", words, dict.fromkeys(entry.field for entry in lines), "violation")


def tables(record: Record) -> Iterator[QualityFinding]:
    """Codes are of the version in force: in the table, or mapped to it."""
    for entry in record.diagnoses:
        if not _known(entry.code, record.directory):
            said = f"诊断编码{called(entry.line.code, entry.line.name)}不在编码库,不能用于入组。请改用现行医保版编码。"
            yield found("diagnosis_not_in_table", said, (entry.field,), "violation")
        elif _mapped(entry, record.directory):
            yield _version(entry, "诊断", diagnosis_name(entry.code, record.directory))
    scheme = record.directory.scheme
    whole = scheme.normalisation.whole_operations and not scheme.partial
    for done in record.operations:
        if operation(done.line.code) in scheme.normalisation.operation_map:
            yield _version(done, "手术操作", operation_name(done.code, record.directory))
        elif whole and record.directory.operation(done.code) is None:
            said = f"手术操作编码{called(done.line.code, done.line.name)}不在编码库。请核对是否为现行医保版编码。"
            yield found("operation_not_in_table", said, (done.field,))


def _known(code: str, directory: Directory) -> bool:
    """Say whether a diagnosis is in the table; morphology codes and manifestations are no rows of it."""
    if is_morphology(code) or is_asterisk(code):
        return True
    refusal = directory.principals.refused(code, None)
    return is_diagnosis(code) and (refusal is None or refusal[0] != "diagnosis_not_in_table")


def _mapped(entry: Diagnosed, directory: Directory) -> bool:
    sent = diagnosis(entry.line.code)
    return sent in directory.scheme.normalisation.diagnosis_map and entry.code != sent


def _version(entry: Diagnosed | Operated, sort: str, name: str) -> QualityFinding:
    said = (
        f"{sort}编码{called(entry.line.code, entry.line.name)}与本方案目录的版本不同,入组时按映射表作为"
        f"{quoted(entry.code, name)}处理。请核对映射是否正确。"
    )
    return found("code_of_other_version", said, (entry.field,), "notice")


def admission(record: Record) -> Iterator[QualityFinding]:
    """入院病情 is filled in, and 无 stands neither at the principal diagnosis nor at one that counts as CC."""
    if record.facts.diagnoses is None:
        yield lacking("admission_condition_missing", "diagnoses")
        return
    blank = [entry for entry in record.diagnoses if entry.line.admission is None]
    if blank:
        named = "、".join(called(entry.line.code, entry.line.name) for entry in blank)
        words = f"诊断{named}没有填写入院病情。请补填(有、临床未确定、情况不明、无)。"
        yield found("admission_condition_missing", words, [entry.field for entry in blank], "notice")
    index = index_of(record.directory)
    for entry in record.diagnoses:
        if entry.line.admission != "absent":
            continue
        named = called(entry.line.code, entry.line.name)
        if entry.code == record.principal and entry.line.main:
            words = f"主要诊断{named}入院病情为“无”,表示住院期间发生,不能作主要诊断。请核对。"
            yield found("principal_absent_on_admission", words, (entry.field,), "violation")
        elif index.cci.positions(entry.code) or index.severity.codes.positions(entry.code):
            words = f"其他诊断{named}入院病情为“无”(院内发生),又在合并症并发症目录中。请核对入院病情,并说明发生经过。"
            yield found("arose_in_hospital", words, (entry.field,))


def operation_has_diagnosis(record: Record) -> Iterator[QualityFinding]:
    """An operation of the catalogue stands with a diagnosis the catalogue lists it for, by category.

    Only for surgery and interventions, and only under a whole catalogue: an extract leaves out most combinations.
    """
    if record.directory.scheme.partial:
        return
    catalogue = ownership(record.directory)
    for done in record.operations:
        names = catalogue.categories(done.code) if done.attribute in INVASIVE else None
        if not names:
            continue
        if not any(entry.code.startswith(tuple(names)) for entry in record.diagnoses):
            shown = "、".join(sorted(names)[:5]) + ("等" if len(names) > 5 else "")
            words = (
                f"手术操作{called(done.line.code, done.line.name)}在目录中对应的诊断类目为 {shown},"
                "清单诊断中没有这些类目。请核对诊断是否漏填或手术操作编码是否正确。"
            )
            yield found("operation_without_diagnosis", words, (done.field, "diagnoses"), "notice")
