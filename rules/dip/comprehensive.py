"""The comprehensive directory: category x attribute, by shorter and shorter keys, then ranges (dip facts 2.5.6)."""

from rules.dip.coded import Coded
from rules.dip.directory import Directory
from rules.dip.model import Grouping
from rules.dip.outcomes import grouped, undecided, ungrouped


def pooled(coded: Coded, directory: Directory) -> Grouping | None:
    """Return the comprehensive group of a case, or why it cannot be told; ``None`` if there is none."""
    if coded.attribute is None:
        return undecided(coded)
    for key, pool in directory.pools.pools(coded.code):
        answers = pool.groups(coded)
        if len(answers) > 1:
            detail = f"综合病种{key}按手术级别分组,而病例手术的级别不全,不能确定。"
            return ungrouped(coded, "operation_not_known", detail)
        if answers and len(answers[0]) > 1:
            detail = f"综合病种目录中{key}有多个病种同等符合:{'、'.join(answers[0])}。"
            return ungrouped(coded, "rows_tie", detail, answers[0])
        if answers:
            return grouped(coded, "comprehensive", answers[0][0], layer="comprehensive")
    group = directory.pools.from_template(coded)
    return grouped(coded, "comprehensive", group, layer="comprehensive") if group else None
