"""What a grouping can come to, with the particulars in words (dip facts 2.7)."""

from collections.abc import Iterable, Mapping
from typing import Final

from rules.dip.coded import Coded
from rules.dip.codes import GroupingReason, Status
from rules.dip.model import Group, Grouping, Remark, Row

MISSING_WORDS: Final[dict[GroupingReason, str]] = {
    "age_missing": "年龄(不足1岁须有天数)",
    "weight_missing": "体重",
    "fact_missing": "性别或住院天数",
}


def ungrouped(coded: Coded, reason: GroupingReason, detail: str, tied: tuple[str, ...] = ()) -> Grouping:
    """Return the outcome of a case that finds no group."""
    return ungrouped_with(coded, (Remark(reason=reason, detail=detail),), tied)


def ungrouped_with(coded: Coded, remarks: tuple[Remark, ...], tied: tuple[str, ...] = ()) -> Grouping:
    """Return the outcome of a case that finds no group, for several reasons."""
    return Grouping(
        status="ungrouped",
        principal=coded.principal,
        operations=coded.operations,
        attribute=coded.attribute,
        tied=tied,
        remarks=remarks,
    )


def undecided(coded: Coded, unknown: tuple[str, ...] | None = None) -> Grouping:
    """Return the outcome of a case that operations without a known attribute leave open."""
    named = coded.unknown if unknown is None else unknown
    detail = f"手术操作{'、'.join(named)}的操作属性未知,不能判断入组。"
    return ungrouped(coded, "operation_not_known", detail)


def unknown_remarks(coded: Coded, used: tuple[str, ...] = ()) -> tuple[Remark, ...]:
    """Return the remark on operations whose attribute is unknown and which the row found does not rest on."""
    left = [code for code in coded.unknown if code not in used]
    if not left:
        return ()
    detail = f"手术操作{'、'.join(left)}的操作属性未知,未计入病例的操作属性。"
    return (Remark(reason="operation_not_known", detail=detail),)


def grouped(
    coded: Coded,
    status: Status,
    group: str,
    *,
    layer: str = "",
    row: int | None = None,
    used: tuple[str, ...] = (),
    tied: tuple[str, ...] = (),
    remarks: tuple[Remark, ...] = (),
) -> Grouping:
    """Return the outcome of a case that has its group."""
    return Grouping(
        status=status,
        group=group,
        layer=layer,
        row=row,
        principal=coded.principal,
        operations=coded.operations,
        used=used,
        attribute=coded.attribute,
        tied=tied,
        remarks=remarks + unknown_remarks(coded, used) if coded.unknown else remarks,
    )


def by_row(coded: Coded, row: Row, group: Group, used: tuple[str, ...], tied: tuple[str, ...] = ()) -> Grouping:
    """Return the outcome of a case that a row of the catalogue takes."""
    remarks: tuple[Remark, ...] = ()
    if tied:
        detail = f"{'、'.join(tied)}与{row.group}同等符合,按目录次序取{row.group}。"
        remarks = (Remark(reason="rows_tie", detail=detail),)
    return grouped(
        coded,
        group.kind,
        row.group,
        layer=row.layer,
        row=row.number,
        used=used,
        tied=tied,
        remarks=remarks,
    )


def tie(coded: Coded, groups: tuple[str, ...]) -> Grouping:
    """Return the outcome of a case that several rows fit equally well."""
    return ungrouped(coded, "rows_tie", f"{'、'.join(groups)}同等符合,方案没有规定取舍。", groups)


def missing(coded: Coded, wanting: Mapping[GroupingReason, Iterable[str]]) -> Grouping:
    """Return the outcome of a case that lacks facts; for each, the groups that ask for it."""
    order = sorted(wanting, key=list(MISSING_WORDS).index)
    return ungrouped_with(
        coded,
        tuple(
            Remark(
                reason=reason,
                detail=f"缺{MISSING_WORDS[reason]},不能判断是否入{'、'.join(sorted(set(wanting[reason])))}。",
            )
            for reason in order
        ),
    )


def nothing(coded: Coded, *, partial: bool) -> Grouping:
    """Return the outcome of a case that no step groups; ``partial``: the directory is an extract."""
    if coded.attribute is None:
        return undecided(coded)
    if not coded.principal:
        return ungrouped(coded, "missing_principal_diagnosis", "病例没有主要诊断编码。")
    operations = f"、手术操作{'、'.join(coded.operations)}" if coded.operations else ""
    extract = "本方案是目录节选,未列出的病种仍可能存在。" if partial else ""
    return ungrouped(coded, "no_group", f"目录中没有与主要诊断{coded.principal}{operations}对应的病种。{extract}")
