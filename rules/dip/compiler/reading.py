"""Files to rows: the manifest, every table by its layout, and the nouns of every row."""

from collections.abc import Mapping
from typing import Any, Final

from rules.compiler.diagnostics import Place, Report, did_you_mean
from rules.compiler.drafts import Source, Table
from rules.compiler.loading import read_files
from rules.compiler.tables import read_records, read_table
from rules.dip.compiler.catalogue import CatalogueReader, read_comprehensive, read_last_resort
from rules.dip.compiler.cells import Cells
from rules.dip.compiler.drafts import Drafted, GroupRow, Placed, Tables
from rules.dip.compiler.entries import READERS, read_entry
from rules.dip.compiler.layout import LAYOUTS, MANIFEST, has_place
from rules.dip.compiler.manifest import Manifest, Written, read_manifest
from rules.dip.model import IncompleteRow

GROUP_TABLES: Final = ("catalogue", "comprehensive", "last_resort")


def load(source: Source, report: Report) -> Mapping[str, bytes]:
    """Return every file. Faults: no manifest; a file has no place in a scheme."""
    files = read_files(source)
    for name in files:
        if not has_place(name):
            help = "a scheme holds scheme.yaml, *.csv tables, cases/*.yaml and *.md pages"
            report.add("UNKNOWN_FILE", name, f"`{name}` is not read", help=help)
    if MANIFEST not in files:
        near = did_you_mean(MANIFEST, [name for name in files if name.endswith((".yaml", ".yml"))])
        help = near if near.startswith("did") else "it names the scheme and its steps"
        report.add("MISSING_FILE", MANIFEST, f"the scheme has no `{MANIFEST}`", help=help)
    return {name: files[name] for name in sorted(files)}


def read_scheme(files: Mapping[str, bytes], report: Report) -> Drafted:
    """Read manifest and tables. Faults: all that can be wrong with a file, a column or a cell."""
    written = read_manifest(files[MANIFEST], report) if MANIFEST in files else None
    if written is None:
        written = Written(Manifest(name="unknown", version="", title=""))
    tables: dict[str, Table] = {}
    unreadable = False
    for file, content in files.items():
        name = file.removesuffix(".csv")
        if not file.endswith(".csv") or "/" in file:
            continue
        if name not in LAYOUTS:
            report.add("UNKNOWN_TABLE", file, f"a scheme has no table `{name}`", help=did_you_mean(name, LAYOUTS))
            continue
        records = read_records(file, content, report)
        unreadable = unreadable or (records is None and name in GROUP_TABLES)
        if records:
            tables[name] = read_table(file, name, LAYOUTS[name].known, records, report)
    found = Tables(written, tables, _lists(tables.get("lists"), report))
    return _drafted(found, report, declared=None if unreadable else _declared(tables))


def _declared(tables: Mapping[str, Table]) -> frozenset[str]:
    rows = (raw for name in GROUP_TABLES if name in tables for raw in tables[name].rows)
    return frozenset(raw.cells["group"] for raw in rows if "group" in raw.cells)


def _lists(table: Table | None, report: Report) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for raw in table.rows if table else ():
        cells = Cells(raw, table.columns if table else (), report)
        name = cells.needed("list")
        cells.needed("code")
        found.setdefault(name, {}).update(dict.fromkeys(cells.diagnoses("code", {})))
    return {name: tuple(codes) for name, codes in found.items() if name}


def _drafted(tables: Tables, report: Report, *, declared: frozenset[str] | None) -> Drafted:
    groups: list[GroupRow] = []
    rows: list[Placed[Any]] = []
    reader = CatalogueReader(tables, report)
    lengths = tables.written.manifest.comprehensive.key_lengths if tables.written.lines else (1, 2, 3)
    readers: dict[str, Any] = {
        "catalogue": reader.read,
        "comprehensive": lambda raw, columns: read_comprehensive(raw, columns, lengths, report),
        "last_resort": lambda raw, columns: read_last_resort(raw, columns, report),
    }
    found: dict[str, list[Placed[Any]]] = {name: [] for name in GROUP_TABLES}
    for name, read in readers.items():
        table = tables.tables.get(name)
        for raw in table.rows if table else ():
            group, placed = read(raw, table.columns if table else ())
            groups += [group] if group is not None else []
            found[name] += [placed] if placed is not None else []
    rows = found["catalogue"]
    return Drafted(
        tables=tables,
        groups=tuple(groups),
        rows=tuple(row for row in rows if not isinstance(row.noun, IncompleteRow)),
        incomplete=tuple(row for row in rows if isinstance(row.noun, IncompleteRow)),
        comprehensive=tuple(found["comprehensive"]),
        last_resort=tuple(found["last_resort"]),
        entries={name: _entries(name, tables, report) for name in READERS if name in tables.tables},
        declared=declared,
    )


def _entries(name: str, tables: Tables, report: Report) -> tuple[Placed[Any], ...]:
    """Return the rows of one table, each entry once."""
    table = tables.tables[name]
    found = (read_entry(name, raw, table.columns, tables.lists, report) for raw in table.rows)
    return tuple(entry for entry in found if entry is not None)


def check_twice(drafted: Drafted, report: Report) -> None:
    """Note rows of one table that are the same entry, by the columns that identify it."""
    tables = dict(drafted.entries) | {"comprehensive": drafted.comprehensive, "last_resort": drafted.last_resort}
    for name, placed in tables.items():
        key = LAYOUTS[name].key
        first: dict[tuple[str, ...], Place] = {}
        for row in placed if key else ():
            identity = tuple(_value(row.noun, column) for column in key)
            earlier = first.setdefault(identity, row.place)
            if earlier is not row.place:
                what = " ".join(part for part in identity if part)
                help = f"first in {earlier.file}, row {earlier.row}"
                report.at(row.place, "DUPLICATE_ENTRY", f"`{what}` is there twice", column=key[0], help=help)


def _value(noun: Any, column: str) -> str:
    """Return what a noun says in one of the columns that identify it."""
    if isinstance(noun, str):
        return noun
    return str(noun[0] if isinstance(noun, tuple) else getattr(noun, column))
