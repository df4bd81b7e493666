"""Why a case is in its group, step by step in words: the grouper's own steps are run again and each is described.

The steps are those of ``rules.dip.grouper``, so the group named is the one ``group`` returns; nothing here decides.
"""

from collections.abc import Callable
from typing import Final

from rules.dip.choosing import TIE_RULES, choose
from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_WORDS, GROUPING_REASON_WORDS, STATUS_WORDS, RowFilter, StepName, TieRule
from rules.dip.directory import Directory, LayerIndex, PreparedStep
from rules.dip.grouper import STEPS, code, fitting, required, supported
from rules.dip.matching import Fit, Prepared
from rules.dip.model import Case, Grouping, Step
from rules.dip.neighbours import is_near, lacking, related_missing
from rules.dip.normalise import Stages
from rules.dip.operations import counted
from rules.dip.outcomes import nothing

NEIGHBOURS: Final = 3
TIE_RULE_WORDS: Final[dict[TieRule, str]] = {
    "most_parts": "组合项最多",
    "most_operations_used": "用到病例手术操作最多",
    "exact_set": "手术操作没有剩余",
    "main_operation_first": "用到主要手术操作",
    "longest_operation_code": "手术操作编码最完整",
    "longest_diagnosis": "主要诊断编码最完整",
    "most_related": "相关手术操作符合最多",
    "fewest_related_missing": "相关手术操作缺得最少",
    "nearest_mean_cost": "病种均费与病例费用最接近",
    "highest_score": "分值最高",
    "highest_attribute": "操作属性最高",
    "class_order": "病种类别在先",
    "catalogue_order": "目录次序在先",
}
FILTER_WORDS: Final[dict[RowFilter, str]] = {
    "no_unused_surgery": "不得剩下手术或介入操作未用",
    "attribute_equals_case": "行的操作属性须与病例相同",
}
EFFECT_WORDS: Final = {
    "removed": "在排除名单中,入组前剔除",
    "not_main": "不得作主要手术操作,由下一项作主要手术操作",
    "conservative": "作主要手术操作时按保守治疗入组,全部手术操作不计",
}

EXTRACT_WORDS: Final = "本方案是目录节选:完整目录中可能有更具体的病种,此处未收录,入组结果须以完整目录为准。"


def explain(case: Case, directory: Directory) -> tuple[str, ...]:
    """Return the trace of a case: codes, each step, the row chosen, what tied, and what its neighbours lacked."""
    coded = code(case, directory)
    lines = [*_codes(case, coded, directory)]
    found: Grouping | None = None
    for prepared in directory.steps:
        found = STEPS[prepared.step.step](coded, directory, prepared)
        lines += WORDS[prepared.step.step](coded, directory, prepared, found)
        if found is not None:
            break
    return (*lines, *_result(found or nothing(coded, partial=directory.scheme.partial), directory))


def _codes(case: Case, coded: Coded, directory: Directory) -> list[str]:
    """Say what codes were sent and what they became."""
    normaliser = directory.normaliser
    lines = []
    if coded.principal:
        stages = normaliser.diagnosis_stages(case.principal)
        lines.append(f"主要诊断{coded.principal}{_became(case.principal, stages)}。")
    else:
        lines.append("没有主要诊断编码。")
    if not case.operations:
        lines.append("没有手术操作。")
    else:
        words = (f"{stages[-1]}{_became(text, stages)}" for text, stages in _operations(case, directory))
        lines.append(f"手术操作:{'、'.join(dict.fromkeys(words))}。")
    return lines


def _operations(case: Case, directory: Directory) -> list[tuple[str, Stages]]:
    stages = ((text, directory.normaliser.operation_stages(text)) for text in case.operations)
    return [(text, found) for text, found in stages if found[-1]]


def _became(text: str, stages: Stages) -> str:
    shaped, repaired, mapped = stages
    changes = []
    if shaped != text:
        changes.append(f"原为“{text.strip()}”,已规范书写")
    if repaired != shaped:
        changes.append(f"“{shaped}”按编码库补全")
    if mapped != repaired:
        changes.append(f"“{repaired}”按编码版本对照转换")
    return f"({';'.join(changes)})" if changes else ""


def _principal_words(coded: Coded, directory: Directory, prepared: PreparedStep, found: Grouping | None) -> list[str]:
    if found is None:
        return [f"主要诊断判断:{coded.principal}可以作入组主要诊断。"]
    return [f"主要诊断判断:{remark.detail}" for remark in found.remarks]


def _operations_words(coded: Coded, directory: Directory, prepared: PreparedStep, found: Grouping | None) -> list[str]:
    lines = [f"手术操作排除:{operation}{EFFECT_WORDS[effect]}。" for operation, effect in coded.effects]
    if coded.effects and coded.main:
        lines.append(f"主要手术操作:{coded.main}。")
    elif coded.effects and not coded.conservative_because:
        lines.append("没有可作主要手术操作的项目,按保守治疗入组。")
    return [*lines, attribute_words(coded, directory)]


def attribute_words(coded: Coded, directory: Directory) -> str:
    """Say what attribute the case has, and from which operations."""
    each = []
    for operation in coded.operations:
        entry = directory.operation(operation)
        known = entry.attribute if entry is not None else None
        taken = counted(operation, coded, directory)
        as_ = f"按{ATTRIBUTE_WORDS[taken]}计" if taken is not None and taken != known else ""
        each.append(f"{operation} {ATTRIBUTE_WORDS[known] if known else '属性未知'}{as_ and ','}{as_}")
    because = _attribute_rule(coded, directory)
    of = f"({';'.join([*each, *because])})" if each else ""
    if coded.attribute is None:
        return f"操作属性:不能确定{of}。"
    return f"操作属性:{ATTRIBUTE_WORDS[coded.attribute]}{of}。"


def _attribute_rule(coded: Coded, directory: Directory) -> list[str]:
    """Say by which rule of the scheme a case has not the highest attribute of its operations."""
    rules = directory.scheme.comprehensive
    said = []
    if rules.attribute_of == "main" and len(coded.operations) > 1:
        said.append(f"只看主要手术操作{coded.main}")
    looked_at = coded.operations if rules.attribute_of == "highest" else (coded.main,)
    weighty = any(counted(operation, coded, directory) not in {None, "conservative"} for operation in looked_at)
    if rules.minor_is_conservative and coded.attribute == "conservative" and weighty:
        said.append("切口等级为0且手术级别低于3级,按保守治疗")
    return said


def _layer_words(coded: Coded, directory: Directory, prepared: PreparedStep, found: Grouping | None) -> list[str]:
    index, step = prepared.index, prepared.step
    if index is None:
        return []
    looked_at = list(dict.fromkeys(row for bucket in index.buckets(coded) for row in bucket.rows()))
    title = f"目录{'、'.join(step.layers)}"
    if not looked_at:
        return [f"{title}:没有该主要诊断的行。"]
    fits, open_ = fitting(coded, index, step)
    lines = [f"{title}:查看{len(looked_at)}行,符合{len(fits)}行。"]
    if open_:
        lines += [remark.detail for remark in (found.remarks if found is not None else ())]
    elif fits:
        lines += _choice_words(fits, coded, directory, prepared)
    settled = {fit.row for fit in fits} | {one.row for one in open_}
    return [*lines, *_neighbour_words(looked_at, settled, coded, directory, step)]


def _choice_words(fits: list[Fit], coded: Coded, directory: Directory, prepared: PreparedStep) -> list[str]:
    """Say how the row was chosen among those that fit."""
    step, index = prepared.step, prepared.index
    lines = []
    backed = supported(fits, step)
    if not backed:
        names = _names(tuple(dict.fromkeys(fit.row.row.group for fit in fits)), directory)
        return [f"{names}的主要手术操作符合,相关手术操作一项也没有,不取。"]
    kept = required(backed, coded, directory, step)
    if step.require:
        names = "、".join(FILTER_WORDS[name] for name in step.require)
        left = "操作属性未知,不能判断" if kept is None else f"余{len(kept)}行"
        lines.append(f"筛选({names}):{left}。")
    if not kept or index is None:
        return lines
    chosen = choose(kept, step.prefer, coded, directory, index.keys)
    if chosen.fit is None:
        return [*lines, f"{_names(chosen.tied, directory)}同等符合,方案没有规定取舍,不入组。"]
    taken = chosen.fit.row.row.group
    lines.append(f"取{_name(taken, directory)}{_used(chosen.fit, index)}。")
    passed = [
        fit
        for fit in (*kept, *(fit for fit in fits if fit not in backed))
        if fit.row.row.group not in {taken, *chosen.tied}
    ]
    for fit in sorted(passed, key=lambda fit: fit.row.row.number)[:NEIGHBOURS]:
        why = _why_not(fit, chosen.fit, coded, directory, prepared)
        lines.append(f"{_name(fit.row.row.group, directory)}也符合{_used(fit, index)},未取:{why}。")
    if chosen.tied:
        lines.append(f"{_names(chosen.tied, directory)}同等符合,只因目录次序在后未取。")
    return lines


def _why_not(fit: Fit, chosen: Fit, coded: Coded, directory: Directory, prepared: PreparedStep) -> str:
    """Name the rule by which one row that fits loses to the chosen one."""
    step, index = prepared.step, prepared.index
    if not supported([fit], step):
        return "相关手术操作一项也没有"
    for name in step.prefer:
        kept = TIE_RULES[name]([fit, chosen], coded, directory, index.keys) if index is not None else []
        if kept == [chosen]:
            return f"按“{TIE_RULE_WORDS[name]}”取舍"
        if kept == [fit]:
            break
    return "按方案所列规则逐条取舍"


def _used(fit: Fit, index: LayerIndex) -> str:
    if not fit.row.operative:
        return "(不限手术操作)" if fit.row.row.any_operations else "(保守治疗)"
    return f"(用到{'、'.join(fit.used)}{related_missing(fit.row, fit.used, fit.found, index.keys)})"


def _neighbour_words(
    near: list[Prepared], settled: set[Prepared], coded: Coded, directory: Directory, step: Step
) -> list[str]:
    """Say of the rows that lack least what they lack."""
    operative = any(row.operative for row in settled)
    wanting = [
        (lacking(row, coded, step, directory, operative_fit=operative), row)
        for row in near
        if row not in settled and is_near(row, coded)
    ]
    wanting.sort(key=lambda found: (len(found[0]), not found[1].operative, found[1].row.number))
    return [
        f"{_name(row.row.group, directory)}不符合:{';'.join(words)}。" for words, row in wanting[:NEIGHBOURS] if words
    ]


def _comprehensive_words(
    coded: Coded, directory: Directory, prepared: PreparedStep, found: Grouping | None
) -> list[str]:
    if coded.attribute is None:
        return ["综合病种:操作属性不能确定,不能判断。"]
    attribute = ATTRIBUTE_WORDS[coded.attribute]
    level = f"(手术级别{'、'.join(str(level) for level in coded.levels)})" if coded.levels else ""
    keys = [key for key, _ in directory.pools.pools(coded.code)]
    if found is None:
        return [f"综合病种:按{'、'.join(keys) or coded.code[:3]}与{attribute}{level}没有找到。"]
    if found.status == "ungrouped":
        return [f"综合病种:{remark.detail}" for remark in found.remarks[:1]]
    key = next((key for key, pool in directory.pools.pools(coded.code) if pool.groups(coded)), f"类目{coded.code[:3]}")
    return [f"综合病种:按{key}与{attribute}{level}取{_name(found.group, directory)}。", *_extract_words(directory)]


def _last_resort_words(coded: Coded, directory: Directory, prepared: PreparedStep, found: Grouping | None) -> list[str]:
    if found is None:
        return ["保底组:没有。"]
    if found.status == "ungrouped":
        return ["保底组:操作属性不能确定,不能判断。"]
    return [f"保底组:取{_name(found.group, directory)}。", *_extract_words(directory)]


def _extract_words(directory: Directory) -> list[str]:
    """Say of a pooled case that a directory which is an extract may lack its core row."""
    return [EXTRACT_WORDS] if directory.scheme.partial else []


def _result(found: Grouping, directory: Directory) -> list[str]:
    where = f"{_name(found.group, directory)},{STATUS_WORDS[found.status]}" if found.group else "未入组"
    reasons = [f"{GROUPING_REASON_WORDS[remark.reason]}:{remark.detail}" for remark in found.remarks]
    return [f"结果:{where}。", *reasons]


def _name(group: str, directory: Directory) -> str:
    known = directory.groups.get(group)
    return f"{group}({known.name})" if known is not None and known.name and known.name != group else group


def _names(groups: tuple[str, ...], directory: Directory) -> str:
    return "、".join(_name(group, directory) for group in groups)


WORDS: Final[dict[StepName, Callable[[Coded, Directory, PreparedStep, Grouping | None], list[str]]]] = {
    "principal": _principal_words,
    "operations": _operations_words,
    "layer": _layer_words,
    "comprehensive": _comprehensive_words,
    "last_resort": _last_resort_words,
}
