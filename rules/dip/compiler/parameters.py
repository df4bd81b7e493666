"""Parameters of ``scheme.yaml`` that say nothing, or would refuse every case: well formed, and surely not meant."""

import re
from typing import Final

from rules.compiler.diagnostics import Report
from rules.dip.codes import ATTRIBUTE_RANK, StepName
from rules.dip.compiler.drafts import Drafted
from rules.dip.compiler.layout import MANIFEST
from rules.dip.compiler.manifest import Written

READ_BY: Final[dict[str, StepName]] = {
    "excluded_diagnoses": "principal",
    "excluded_operations": "operations",
    "comprehensive": "comprehensive",
    "last_resort": "last_resort",
}
"""Tables that count only in a step of the grouper, and the step."""
_CATEGORY: Final = re.compile(r"[A-Z]\d[0-9A-Z]")
_CATEGORIES: Final = re.compile(r"([A-Z]\d[0-9A-Z])-([A-Z]\d[0-9A-Z])")
_BEGINNING: Final = re.compile(r"[A-Z](\d([0-9A-Z](\.[0-9x]{0,3}(x\d{0,4})?)?)?)?")
_PLACE: Final = re.compile(r"\{[^{}]*\}")
PLACES: Final = frozenset({"{category}", "{number}"})


def check_parameters(drafted: Drafted, report: Report) -> None:
    """Note tables that no step reads, and parameters that can have no effect or only one that nobody wants."""
    written = drafted.tables.written
    if not written.lines:
        return
    _check_tables(drafted, report)
    _check_codes(written, report)
    _check_whole_table(drafted, report)
    _check_template(written, report)
    _check_conditions(written, report)
    _check_order(written, report)


def _check_tables(drafted: Drafted, report: Report) -> None:
    manifest = drafted.tables.written.manifest
    steps = {step.step for step in manifest.steps}
    for table, step in READ_BY.items():
        found = drafted.tables.tables.get(table)
        if steps and found is not None and found.rows and step not in steps:
            help = f"write - {{step: {step}}} in its place among the steps, or remove the file"
            report.add("UNUSED_TABLE", f"{table}.csv", f"no step reads {table}.csv", help=help)


def _check_codes(written: Written, report: Report) -> None:
    rules = written.manifest.normalisation

    def fault(path: str, message: str, help: str) -> None:
        report.add("INVALID_CODE", MANIFEST, message, row=written.line(path), column=path, help=help)

    for number, entry in enumerate(rules.categories):
        span = _CATEGORIES.fullmatch(entry)
        if (span is None or span[1] > span[2]) and not _CATEGORY.fullmatch(entry):
            help = "three characters such as A09, or a range A00-A09"
            fault(f"normalisation.categories[{number}]", f"`{entry}` is no category and no range of them", help)
    for number, entry in enumerate(rules.not_principal):
        if not _BEGINNING.fullmatch(entry):
            help = "a letter in upper case, or the beginning of a code"
            fault(f"normalisation.not_principal[{number}]", f"`{entry}` begins no diagnosis code", help)


def _check_whole_table(drafted: Drafted, report: Report) -> None:
    written, table = drafted.tables.written, drafted.tables.tables.get("diagnoses")
    if written.manifest.normalisation.whole_table and (table is None or not table.rows):
        message, path = "whole_table is true and there is no diagnosis in diagnoses.csv", "normalisation.whole_table"
        help = "every case would be refused; add the table, or take the key out"
        report.add("INVALID_SCHEME", MANIFEST, message, row=written.line(path), column=path, help=help)


def _check_template(written: Written, report: Report) -> None:
    """A template that names too little, or no number for an attribute, groups nothing and says nothing."""
    pools, path = written.manifest.comprehensive, "comprehensive.template"

    def fault(path: str, message: str, help: str) -> None:
        report.add("INVALID_SCHEME", MANIFEST, message, row=written.line(path), column=path, help=help)

    for name in pools.numbers:
        if name not in ATTRIBUTE_RANK:
            fault("comprehensive.numbers", f"`{name}` is no attribute", f"known: {', '.join(sorted(ATTRIBUTE_RANK))}")
    if not pools.template:
        return
    used = set(_PLACE.findall(pools.template))
    if used != PLACES or _PLACE.sub("", pools.template).strip("{}") != _PLACE.sub("", pools.template):
        fault(path, f"`{pools.template}` does not name category and number", 'such as "{category}-{number}"')
    elif not pools.numbers:
        fault(path, "there are no numbers for the template", 'write numbers: {conservative: "1", surgery: "4"}')
    elif not any(step.step == "comprehensive" for step in written.manifest.steps):
        help = "write - {step: comprehensive} in its place among the steps"
        report.add(
            "INVALID_STEP", MANIFEST, "no step reads the template", row=written.line(path), column=path, help=help
        )


def _check_conditions(written: Written, report: Report) -> None:
    """A way that names nothing holds for every case; a condition without ways holds for none."""
    for number, condition in enumerate(written.manifest.conditions):
        path = f"conditions[{number}]"
        problem = ""
        if not condition.name or condition.name.startswith("!"):
            problem = f"`{condition.name}` is no name of a condition"
        elif not condition.any:
            problem = f"condition `{condition.name}` has no way to be met"
        elif any(not way.principal and not way.other for way in condition.any):
            problem = f"a way of condition `{condition.name}` names nothing, so every case meets it"
        if problem:
            help = "each way names principal or other, or both"
            report.add("INVALID_SCHEME", MANIFEST, problem, row=written.line(path), column=path, help=help)


def _check_order(written: Written, report: Report) -> None:
    for number, step in enumerate(written.manifest.steps):
        if "catalogue_order" in step.prefer[:-1]:
            path = f"steps[{number}].prefer"
            after = step.prefer[step.prefer.index("catalogue_order") + 1]
            message, help = f"`{after}` comes after catalogue_order, which leaves one row", "put catalogue_order last"
            report.add("INVALID_STEP", MANIFEST, message, row=written.line(path), column=path, help=help)
