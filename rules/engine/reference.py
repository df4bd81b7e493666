"""The plain twin of ``check``: every rule against every line, no index. For tests; slow on purpose."""

from rules.dip.directory import Directory
from rules.dip.reference import group_by_scan
from rules.engine.check import Candidates, codes_of, grouped, judge, named
from rules.engine.rulebook import Rulebook
from rules.kinds._view import View
from rules.model import Input, Verdict
from rules.patterns import matches


def reference(given: Input, rulebook: Rulebook, scheme: Directory | None = None) -> Verdict:
    """Judge an input by scanning the whole rulebook, and the scheme's whole catalogue."""
    stay, failed = grouped(given, scheme, group_by_scan)
    view = View(given, rulebook.words, stay)
    found: Candidates = {}
    for entry in rulebook.entries:
        triggers = rulebook.triggers(entry)
        current = [line for line in view.lines if line.current and line.item]
        lines = [(line, match) for line in current if (match := matches(triggers.items, line.item)) is not None]
        codes = [code for diagnosis in view.encounter.diagnoses for code in codes_of(diagnosis)]
        operations = [operation.code for operation in view.encounter.operations]
        touched = any(matches(triggers.diagnoses, code) for code in codes)
        touched = touched or any(matches(triggers.operations, code) for code in operations)
        if lines or touched or triggers.visit:
            found[entry.number] = lines
    verdict = judge(view, rulebook, found, failed)
    return named(verdict, scheme) if failed and scheme is not None else verdict
