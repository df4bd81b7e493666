"""Well-formed rows and the manifest to one scheme in a fixed order."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from rules.compiler.diagnostics import Report, did_you_mean
from rules.dip.compiler.catalogue import merged_groups
from rules.dip.compiler.codes import UnknownList, categories, diagnoses
from rules.dip.compiler.drafts import Drafted, Placed
from rules.dip.compiler.layout import MANIFEST
from rules.dip.compiler.sealing import in_order
from rules.dip.model import (
    Auxiliary,
    Behaviour,
    ComprehensiveRow,
    Condition,
    Either,
    Normalisation,
    Quality,
    Row,
    Scheme,
)


def assemble(drafted: Drafted, report: Report) -> Scheme:
    """Return the scheme without its digest. Faults: codes of the manifest; groups that contradict themselves."""
    manifest = drafted.tables.written.manifest
    reader = _Codes(drafted, report)
    return Scheme(
        name=manifest.name,
        version=manifest.version,
        title=manifest.title,
        valid_from=manifest.valid_from,
        valid_to=manifest.valid_to,
        partial=manifest.partial,
        sources=manifest.sources,
        normalisation=_normalisation(drafted),
        steps=manifest.steps,
        groups=merged_groups(drafted.groups, report),
        rows=tuple(_numbered(placed.noun, number) for number, placed in enumerate(drafted.rows)),
        incomplete=in_order(placed.noun for placed in drafted.incomplete),
        conditions=tuple(reader.condition(number, one) for number, one in enumerate(manifest.conditions)),
        operations=_nouns(drafted, "operations"),
        diagnoses=_nouns(drafted, "diagnoses"),
        comprehensive=replace(manifest.comprehensive, rows=_pools(drafted.comprehensive)),
        last_resort=in_order(placed.noun for placed in drafted.last_resort),
        auxiliary=_auxiliary(drafted, reader),
        points=replace(manifest.points, coefficients=_nouns(drafted, "coefficients")),
        payment=replace(manifest.payment, values=_nouns(drafted, "point_values")),
        eligibility=manifest.eligibility,
        behaviour=_behaviour(manifest.behaviour, reader),
        quality=_quality(manifest.quality, reader),
    )


def _numbered(row: Row, number: int) -> Row:
    return replace(row, number=number)


def _nouns(drafted: Drafted, table: str) -> tuple[Any, ...]:
    return in_order(placed.noun for placed in drafted.entries.get(table, ()))


def _pools(found: Iterable[Placed[ComprehensiveRow]]) -> tuple[ComprehensiveRow, ...]:
    """Return the comprehensive directory: long keys first, then ranges, the narrowest first."""

    def order(row: ComprehensiveRow) -> tuple[int, str, str, str]:
        span = categories(row.key)
        width = span[1] - span[0] if span else -len(row.key)
        return (width, row.key, row.attribute, row.group)

    return tuple(sorted((placed.noun for placed in found), key=order))


def _normalisation(drafted: Drafted) -> Normalisation:
    def pairs(table: str) -> dict[str, str]:
        # A dagger pair that stays what it is must be said to: else the map of its first part would hold for it.
        entries = (placed.noun for placed in drafted.entries.get(table, ()))
        return dict(sorted(noun for noun in entries if noun[0] != noun[1] or "+" in noun[0]))

    return replace(
        drafted.tables.written.manifest.normalisation,
        diagnosis_map=pairs("diagnosis_map"),
        operation_map=pairs("operation_map"),
        excluded_principal=tuple(sorted({placed.noun for placed in drafted.entries.get("excluded_diagnoses", ())})),
        exclusions=_nouns(drafted, "excluded_operations"),
        limits=_nouns(drafted, "limits"),
    )


def _auxiliary(drafted: Drafted, reader: "_Codes") -> Auxiliary:
    written = drafted.tables.written.manifest.auxiliary
    return replace(
        written,
        tumour=reader.codes("auxiliary.tumour", written.tumour),
        metastasis=reader.codes("auxiliary.metastasis", written.metastasis),
        rows=_nouns(drafted, "auxiliary"),
        cci=_nouns(drafted, "cci"),
        severity=_nouns(drafted, "severity"),
        severity_exclusions=_nouns(drafted, "severity_exclusions"),
    )


def _behaviour(written: Behaviour, reader: "_Codes") -> Behaviour:
    planned = reader.codes("behaviour.planned_principals", written.planned_principals)
    return replace(written, planned_principals=planned)


def _quality(written: Quality, reader: "_Codes") -> Quality:
    return replace(
        written,
        symptom_principal=reader.codes("quality.symptom_principal", written.symptom_principal),
        history_principal=reader.codes("quality.history_principal", written.history_principal),
    )


class _Codes:
    """Reads codes of the manifest as cells of a table are read."""

    def __init__(self, drafted: Drafted, report: Report) -> None:
        self.tables = drafted.tables
        self.report = report

    def condition(self, number: int, condition: Condition) -> Condition:
        path = f"conditions[{number}].any"
        ways = (self.way(f"{path}[{place}]", way) for place, way in enumerate(condition.any))
        return Condition(name=condition.name, any=tuple(ways))

    def way(self, path: str, way: Either) -> Either:
        return Either(
            principal=self.codes(f"{path}.principal", way.principal), other=self.codes(f"{path}.other", way.other)
        )

    def codes(self, path: str, written: tuple[str, ...]) -> tuple[str, ...]:
        lists, found = self.tables.lists, dict[str, None]()
        line = self.tables.written.line(path)
        for text in written:
            try:
                found.update(dict.fromkeys(diagnoses(text, lists)))
            except UnknownList as fault:
                message, help = f"unknown list `{fault}`", did_you_mean(str(fault), lists)
                self.report.add("UNKNOWN_LIST", MANIFEST, message, row=line, column=path, help=help)
            except ValueError as fault:
                help = "codes, prefixes, ranges such as C00-C75, or `@list`"
                self.report.add("INVALID_CODE", MANIFEST, str(fault), row=line, column=path, help=help)
        return tuple(found)
