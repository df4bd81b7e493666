"""Stage *parameters*: a cell that reads ``$name`` takes the value the manifest gives that name.

A parameter without a value leaves the cell empty (or takes the manifest's ``example``, where a column cannot be
empty) and marks the row: its rule is *not checked* until the hospital sets the value.
"""

from dataclasses import replace

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import Manifest, Parameter, RawRow, Table, Tabulated
from rules.compiler.manifest import FILE

MARK = "$"


def substitute(tabulated: Tabulated, report: Report) -> Tabulated:
    """Fill in every ``$name`` cell of the rule tables. Faults: an unknown parameter, one that no row reads."""
    manifest = tabulated.manifest
    filled = replace(tabulated, rules=tuple(_fill(table, manifest, report) for table in tabulated.rules))
    if manifest is not None and not report.failed:  # a table that could not be read may use it
        used = {name for table in filled.rules for row in table.rows for name in row.parameters.values()}
        for name in manifest.parameters:
            if name not in used:
                column = f"parameters.{name}"
                report.add("UNUSED_PARAMETER", FILE, f"no row reads parameter `{name}`", column=column)
    return filled


def _fill(table: Table, manifest: Manifest | None, report: Report) -> Table:
    rows = (_fill_row(row, manifest, report) for row in table.rows)
    return replace(table, rows=tuple(rows))


def _fill_row(row: RawRow, manifest: Manifest | None, report: Report) -> RawRow:
    named = {column: cell[1:] for column, cell in row.cells.items() if cell.startswith(MARK)}
    if not named:
        return row
    cells, unset = dict(row.cells), []
    for column, name in named.items():
        parameter = _find(name, row, column, manifest, report)
        if parameter.value is None:
            unset.append(name)
        value = parameter.value if parameter.value is not None else parameter.example
        if value:
            cells[column] = value
        else:
            del cells[column]
    return replace(row, cells=cells, unset=tuple(sorted(set(unset))), parameters=named)


def _find(name: str, row: RawRow, column: str, manifest: Manifest | None, report: Report) -> Parameter:
    if manifest is None:  # it was faulty, and that has been said
        return Parameter()
    if name not in manifest.parameters:
        help = did_you_mean(name, manifest.parameters) or f"declare it in {FILE}"
        report.at(row.place, "UNKNOWN_PARAMETER", f"unknown parameter `${name}`", column=column, help=help)
    return manifest.parameters.get(name, Parameter())
