"""The files of a pack after an import: tables, citations, manifest; and, for a new pack, its first pages.

Pure: files by name in, changed files by name out. Nothing is written here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.workbooks.classes import PARAMETERS
from service.workbooks.held import eve, held_table, new_table, read_held
from service.workbooks.plan import Plan, new_cells
from service.workbooks.rows import Book, Drafted
from service.workbooks.values import number

MANIFEST, CITATIONS, README = "pack.yaml", "citations.csv", "README.md"
_BATCH: Final = re.compile(r"第\s*([一二三四五六七八九十]+|\d+)\s*批")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")


@dataclass(frozen=True, slots=True)
class Citation:
    """An instrument that imported rows rest on, as a row of ``citations.csv``."""

    id: str
    instrument: str
    number: str = ""


def citation_of(book: Book, named: str) -> Citation | None:
    """Return what a workbook's rows rest on: as named, else by the batch it calls itself, else unknown."""
    if named:
        return Citation(named, book.file.rpartition(".")[0])
    match = _BATCH.search(book.batch)
    batch = number(match[1]) if match else None
    if match is None or batch is None:
        return None
    return Citation(f"nhsa-kp-batch-{batch}", f"国家医保局 规则库、知识库/第{match[1]}批知识点", f"第{batch}批")


def new_pack(name: str) -> dict[str, bytes]:
    """Return the files of an empty pack; raises ``ValueError`` for a folder name that cannot name a pack."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"文件夹名“{name}”不能作规则包名;请用小写字母、数字、点、下划线和连字符")
    manifest = f"name: {name}\nversion: '1'\ntitle: 医保局公开知识点(工作簿导入)\nlanguage: zh\n"
    page = (
        f"# {name}\n\n由 `dipcheck pack import` 从官方工作簿导入的规则包。\n\n"
        "- 每行一条知识点;`status` 为 incomplete 的只列出,不判断,原因写在 `note`。\n"
        "- 未写值的参数在 `pack.yaml`,由医院填写;未填时相应规则不判断。\n"
        "- 服务项目按国家编码,使用前须与本省项目目录对照。\n"
        "- 上一次导入可用 `dipcheck pack import --rollback` 撤销。\n"
    )
    citations = new_table(CITATIONS, [])
    return {MANIFEST: manifest.encode(), CITATIONS: citations.encode(), README: page.encode()}


def edited(
    files: Mapping[str, bytes], plan: Plan, citations: Mapping[str, Citation], effective: date | None
) -> dict[str, bytes]:
    """Return the files that an import changes, with their new content. ``citations`` is by workbook file."""
    tables = read_held(files)
    added: dict[str, list[dict[str, str]]] = {}
    ended: dict[str, dict[int, date]] = {}
    used: dict[str, Citation] = {}

    def add(name: str, draft: Drafted, old: Mapping[str, str] | None) -> None:
        citation = citations[draft.spots[0].file]
        used[citation.id] = citation
        cells = new_cells(name, draft, citation.id, effective, old)
        added.setdefault(draft.rule_class.kind, []).append(cells)

    for name, draft in plan.added:
        add(name, draft, None)
    for change in plan.changed:
        add(change.id, change.draft, change.old.cells)
    for old in [change.old for change in plan.changed] + [old for old, _ in plan.ended]:
        if effective is None:
            raise ValueError(f"{old.id} ends and no day is given")
        ended.setdefault(old.kind, {})[old.place] = eve(effective)
    changed: dict[str, bytes] = {}
    for kind in sorted({*added, *ended}):
        rows = sorted(added.get(kind, []), key=lambda cells: cells["rule_id"])
        table = tables.get(kind)
        text = table.edited(ended.get(kind, {}), rows) if table else new_table(f"{kind}.csv", rows)
        changed[f"{kind}.csv"] = text.encode()
    cited = _with_citations(files[CITATIONS], used.values())
    declared = _with_parameters(files[MANIFEST], [cells for rows in added.values() for cells in rows])
    return changed | {
        name: content for name, content in ((CITATIONS, cited), (MANIFEST, declared)) if content != files[name]
    }


def _with_citations(content: bytes, used: Iterable[Citation]) -> bytes:
    table = held_table(CITATIONS, content)
    known = {row.cells.get("id") for row in table.rows}
    new = [
        {"id": one.id, "instrument": one.instrument, "number": one.number}
        for one in sorted(used, key=lambda one: one.id)
        if one.id not in known
    ]
    return table.edited({}, new).encode() if new else content


def _with_parameters(content: bytes, added: Sequence[Mapping[str, str]]) -> bytes:
    """Declare the parameters that new rows read and the manifest lacks; every other byte stays."""
    read = {cell[1:] for cells in added for cell in cells.values() if cell.startswith("$")}
    text = content.decode("utf-8")
    missing = [name for name in PARAMETERS if name in read and not re.search(rf"(?m)^\s+{name}\s*:", text)]
    if not missing:
        return content
    end = "\r\n" if "\r\n" in text else "\n"
    head = re.search(r"(?m)^parameters:[ \t]*(\{\}|~|null)?[ \t]*(#[^\r\n]*)?\r?$", text)
    if head is None:
        text = text if text.endswith("\n") else text + end
        return (text + f"parameters:{end}" + "".join(_declared(name, "  ", end) for name in missing)).encode()
    first = re.match(r"\r?\n(?:[ \t]*(?:#[^\n]*)?\n)*([ \t]+)\S", text[head.end() :])
    indent = first[1] if first else "  "
    block = "".join(_declared(name, indent, end) for name in missing)
    rest = text[head.end() :].removeprefix("\r\n").removeprefix("\n")
    return f"{text[: head.start()]}parameters:{end}{block}{rest}".encode()


def _declared(name: str, indent: str, end: str) -> str:
    parameter = PARAMETERS[name]
    lines = [f"{indent}{name}:", f"{indent * 2}value: {parameter.value or ''}".rstrip()]
    lines.append(f"{indent * 2}note: {parameter.note}")
    if parameter.example is not None:
        lines.append(f'{indent * 2}example: "{parameter.example}"')
    return "".join(f"{line}{end}" for line in lines)
