"""Stage *cases*: the pack's own cases are well formed and speak of rules it has. Running them is ``pack test``."""

from dataclasses import replace

from rules.compiler.cases import PlacedCase, decode_cases
from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import Compiled
from rules.compiler.loading import decode


def read_cases(compiled: Compiled, report: Report) -> Compiled:
    """Read ``cases/*.yaml``. Faults: not YAML, unknown keys, wrong values, a name twice, unknown rules."""
    cases: list[PlacedCase] = []
    for file, content in compiled.case_files.items():
        text = decode(file, content, report)
        if text is None:
            continue
        found, faults = decode_cases(file, text)
        cases.extend(found)
        for fault in faults:
            code = "INVALID_YAML" if fault.message.startswith("not YAML") else "INVALID_CASE"
            report.add(code, file, fault.message, row=fault.line, column=fault.path, help=fault.help)
    _check_names(cases, report)
    if compiled.declared is not None:
        for placed in cases:
            _check_rules(placed, compiled.declared, report)
    return replace(compiled, cases=tuple(cases))


def _check_names(cases: list[PlacedCase], report: Report) -> None:
    first: dict[str, PlacedCase] = {}
    for placed in cases:
        other = first.setdefault(placed.case.name, placed)
        if other is not placed:
            message = f"`{placed.case.name}` is already the name of a case"
            help = f"first used in {other.file}, line {other.line}"
            report.add("INVALID_CASE", placed.file, message, row=placed.line, column="name", help=help)


def _check_rules(placed: PlacedCase, declared: frozenset[str], report: Report) -> None:
    case = placed.case
    for key, expected in (("findings", case.findings), ("not_checked", case.not_checked)):
        for name in dict.fromkeys(one.rule for one in expected):
            if name not in declared:
                help = did_you_mean(name, declared)
                message = f"unknown rule `{name}`"
                report.add("UNKNOWN_RULE", placed.file, message, row=placed.line, column=key, help=help)
