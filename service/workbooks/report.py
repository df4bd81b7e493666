"""What an import found and would do, as lines for a person."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from service.workbooks.faults import Fault, in_words
from service.workbooks.gaps import WORDS, Missing
from service.workbooks.held import patterns
from service.workbooks.plan import Change, Plan
from service.workbooks.rows import Book, Drafted

FIRST = 20
"""Entries of a list that are shown unless all are wanted."""


def counts(books: Sequence[Book]) -> Iterator[str]:
    """Say what each workbook holds, class by class, and all of them together."""
    for book in books:
        yield f"{book.file}: {_sums(book.rows, book.drafts)}"
        titles = Counter(draft.rule_class.title for draft in book.drafts)
        for title, number in titles.items():
            waiting = sum(_incomplete(draft) for draft in book.drafts if draft.rule_class.title == title)
            yield f"  {title} {number} 条" + (f",其中不完整 {waiting} 条" if waiting else "")
        yield from (
            f"  合计行: {total},读到 {len(table.records)} 行" for table in book.tables for total in table.announced
        )
        yield from (f"  附注: {note[:40]}" for table in book.tables for note in table.notes)
        yield from (f"  {reason}" for reason in book.left_out)
    drafts = [draft for book in books for draft in book.drafts]
    waiting = sum(map(_incomplete, drafts))
    sums = _sums(sum(book.rows for book in books), drafts)
    yield f"合计: {sums},可启用 {len(drafts) - waiting} 条,不完整 {waiting} 条"


def _sums(rows: int, drafts: Sequence[Drafted]) -> str:
    codes = {code for draft in drafts for code in (*draft.codes, *patterns(draft.cells.get("sub", "")))}
    return f"知识点 {rows} 行,规则 {len(drafts)} 条,编码 {len(codes)} 个"


def _incomplete(draft: Drafted) -> bool:
    return draft.cells["status"] == "incomplete"


def published(announced: int, rows: int) -> str:
    """Compare the announced count with the rows found."""
    if announced == rows:
        return f"公布 {announced} 条,工作簿 {rows} 行: 一致"
    word = "少" if rows < announced else "多"
    return f"公布 {announced} 条,工作簿 {rows} 行: 不一致,{word} {abs(announced - rows)}"


def differences(plan: Plan, *, full: bool) -> Iterator[str]:
    """Say what would change in the pack, and what is left alone with its reason."""
    sums = (
        ("新增", len(plan.added)),
        ("变更", len(plan.changed)),
        ("取代", len(plan.ended)),
        ("不变", len(plan.same)),
        ("保留人工处理", len(plan.kept)),
        ("工作簿未列", len(plan.absent)),
    )
    yield "与规则包比较: " + ",".join(f"{word} {number}" for word, number in sums)
    yield from _listed("新增", (f"{name}  {draft.cells['name']}" for name, draft in plan.added), full)
    changed = (f"{one.old.id} → {one.id}  {one.draft.cells['name']}: {_columns(one)}" for one in plan.changed)
    yield from _listed("变更(旧条终止,新条接续)", changed, full)
    ended = (f"{old.id}  {old.name},由 {draft.cells['name']} 取代" for old, draft in plan.ended)
    yield from _listed("被取代(终止)", ended, full)
    kept = (f"{one.held.id}  {one.held.name}: {one.why}" for one in plan.kept)
    yield from _listed("保留人工处理,请核对", kept, full)
    absent = (f"{row.id}  {row.name}" for row in plan.absent)
    yield from _listed("工作簿未列,规则包照旧(修订常是增量;确已取消的请自行终止)", absent, full)
    unknown = (f"{point}(“{draft.cells['name']}”所取代)" for point, draft in plan.unknown)
    yield from _listed("要取代的知识点包内没有", unknown, full)
    waiting = (
        f"{name}  {draft.cells['name']}: {draft.cells['note']}" for name, draft in plan.added if _incomplete(draft)
    )
    yield from _listed("不完整(只列出,不判断)", waiting, full)


def _columns(change: Change) -> str:
    """Say what differs, column by column; of items, how many patterns there were and are."""
    said = []
    for column in change.columns:
        old, new = change.old.cells.get(column, ""), change.draft.cells.get(column, "")
        if column == "items":
            old, new = f"{len(patterns(old))} 个", f"{len(patterns(new))} 个"
        said.append(f"{column} {old or '空'} → {new or '空'}")
    return "; ".join(said) or "编号"


def errors(faults: Sequence[Fault], *, full: bool) -> Iterator[str]:
    """Say every fault at its place."""
    yield from _listed("错误", (in_words(fault) for fault in faults), full)


def missing(gaps: Sequence[Missing], *, full: bool) -> Iterator[str]:
    """Say what stands between the knowledge points and the hospital's dictionary."""
    for gap, word in WORDS.items():
        found = [one for one in gaps if one.gap == gap]
        lines = (" ".join(filter(None, (one.item.hospital, one.rule, one.item.name, one.hint))) for one in found)
        yield from _listed(word, lines, full)


def _listed(head: str, lines: Iterable[str], full: bool) -> Iterator[str]:
    found = list(lines)
    if not found:
        return
    yield f"{head} {len(found)} 条:"
    shown = found if full else found[:FIRST]
    yield from (f"  {line}" for line in shown)
    if len(shown) < len(found):
        yield f"  …另有 {len(found) - len(shown)} 条,加 --full 全部列出"
