"""What names something else must name something there is: layers, conditions, lists, groups, steps."""

import re
from collections.abc import Callable
from typing import Final

from rules.compiler.diagnostics import Report, did_you_mean
from rules.dip.compiler.drafts import Drafted
from rules.dip.compiler.layout import MANIFEST
from rules.dip.model import Scheme, Step

_LIST: Final = re.compile(r"@([^|\s]+)")


def check_mentions(drafted: Drafted, scheme: Scheme, report: Report) -> None:
    """Note what names nothing, and lists and conditions that nothing names."""
    _check_steps(drafted, report)
    _check_layers(drafted, report)
    _check_conditions(drafted, report)
    _check_lists(drafted, report)
    _check_groups(drafted, scheme, report)


def _check_steps(drafted: Drafted, report: Report) -> None:
    written = drafted.tables.written
    named: dict[str, int] = {}
    for number, step in enumerate(written.manifest.steps):
        path = f"steps[{number}]"
        problem = _problem(step)
        if problem:
            message, help = problem
            report.add("INVALID_STEP", MANIFEST, message, row=written.line(path), column=path, help=help)
        if step.step != "layer" and named.setdefault(step.step, number) != number:
            message = f"step `{step.step}` is there twice"
            report.add("INVALID_STEP", MANIFEST, message, row=written.line(path), column=path)
    if written.lines and not written.manifest.steps:
        help = "such as principal, operations, layer, comprehensive, last_resort"
        report.add("INVALID_STEP", MANIFEST, "the scheme has no steps", row=written.line("steps"), help=help)


def _problem(step: Step) -> tuple[str, str] | None:
    """Return what is wrong with a step in itself."""
    if step.step == "layer":
        if not step.layers:
            return "a layer step names no layers", "write layers: [core]"
        return None if step.prefer else ("a layer step has no tie rules", "write prefer: [most_parts, catalogue_order]")
    given = [name for name in ("layers", "prefer", "require") if getattr(step, name)]
    return (f"step `{step.step}` has no `{given[0]}`", "only layer steps choose among rows") if given else None


def _check_layers(drafted: Drafted, report: Report) -> None:
    written = drafted.tables.written
    if not written.lines:
        return
    raw = drafted.tables.tables.get("catalogue")
    held = {row.cells.get("layer", "core") for row in raw.rows} if raw else set()
    known = drafted.tables.layers
    for number, step in enumerate(written.manifest.steps):
        path = f"steps[{number}]"
        for layer in step.layers:
            if held and layer not in held:
                message, help = f"no row of the catalogue is in layer `{layer}`", did_you_mean(layer, held)
                report.add("EMPTY_LAYER", MANIFEST, message, row=written.line(path), column=path, help=help)
    said: set[str] = set()
    for placed in drafted.rows:
        layer = placed.noun.layer
        if layer not in known and layer not in said:
            said.add(layer)
            help = did_you_mean(layer, known)
            report.at(placed.place, "UNUSED_LAYER", f"no step looks in layer `{layer}`", column="layer", help=help)


def _check_conditions(drafted: Drafted, report: Report) -> None:
    written = drafted.tables.written
    names = [condition.name for condition in written.manifest.conditions]
    for number, name in enumerate(names):
        path = f"conditions[{number}]"
        if names.index(name) != number:
            message = f"`{name}` is there twice"
            report.add("DUPLICATE_ENTRY", MANIFEST, message, row=written.line(path), column=path)
    used: set[str] = set()
    table = drafted.tables.tables.get("catalogue")
    for raw in table.rows if table else ():
        if "condition" not in raw.cells:
            continue
        name = raw.cells["condition"].removeprefix("!")
        used.add(name)
        if name not in names and written.lines:
            message, help = f"unknown condition `{name}`", did_you_mean(name, names)
            report.at(raw.place, "UNKNOWN_CONDITION", message, column="condition", help=help)
    for number, name in enumerate(names):
        if name not in used and not report.failed:  # a misspelt name is one fault, not two
            path = f"conditions[{number}]"
            message = f"no row has condition `{name}`"
            report.add("UNUSED_CONDITION", MANIFEST, message, row=written.line(path), column=path)


def _check_lists(drafted: Drafted, report: Report) -> None:
    tables = drafted.tables
    used: set[str] = set()
    for name, table in tables.tables.items():
        if name != "lists":
            for raw in table.rows:
                for cell in raw.cells.values():
                    if "@" in cell:
                        used.update(_LIST.findall(cell))
    manifest = tables.written.manifest
    ways = (way for condition in manifest.conditions for way in condition.any)
    written = [text for way in ways for text in (*way.principal, *way.other)]
    written += [*manifest.auxiliary.tumour, *manifest.auxiliary.metastasis]
    written += manifest.behaviour.planned_principals
    written += [*manifest.quality.symptom_principal, *manifest.quality.history_principal]
    used.update(name for text in written for name in _LIST.findall(text))
    lists = tables.tables.get("lists")
    said: set[str] = set()
    for raw in lists.rows if lists else ():
        name = raw.cells.get("list", "")
        if name and name not in used and name not in said and not report.failed:
            said.add(name)
            report.at(raw.place, "UNUSED_LIST", f"nothing names list `{name}`", column="list")


def _check_groups(drafted: Drafted, scheme: Scheme, report: Report) -> None:
    """Rows of other tables name groups of the directory."""
    unknown = unknown_group(drafted, scheme)
    for name in ("auxiliary", "coefficients"):
        table = drafted.tables.tables.get(name)
        for raw in table.rows if table else ():
            group = raw.cells.get("group", "")
            help = unknown(group) if group else None
            if help is not None:
                report.at(raw.place, "UNKNOWN_GROUP", f"unknown group `{group}`", column="group", help=help)


def unknown_group(drafted: Drafted, scheme: Scheme) -> Callable[[str], str | None]:
    """Return what tells whether there is a group of a code: ``None``, or what may have been meant."""
    declared, template = drafted.declared, _template(scheme)

    def unknown(group: str) -> str | None:
        if declared is None or group in declared or (template and template.fullmatch(group)):
            return None
        near = did_you_mean(group, declared)
        return near if near.startswith("did") else f"the directory has {len(declared)} groups"

    return unknown


def _template(scheme: Scheme) -> re.Pattern[str] | None:
    """Return the shape of the groups that exist without a row."""
    pools = scheme.comprehensive
    if not pools.template:
        return None
    numbers = "|".join(map(re.escape, sorted(set(pools.numbers.values()))))
    shape = (
        re.escape(pools.template).replace(r"\{category\}", r"[A-Z]\d[0-9A-Z]").replace(r"\{number\}", f"({numbers})")
    )
    return re.compile(shape)
