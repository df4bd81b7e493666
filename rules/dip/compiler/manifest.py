"""``scheme.yaml``: what a scheme is called, its steps and its parameters, read as the nouns they become."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from rules.compiler.diagnostics import Report
from rules.compiler.documents import Dialect, compose, key_lines, read
from rules.compiler.loading import decode
from rules.dip.compiler.layout import MANIFEST
from rules.dip.model import (
    Auxiliary,
    Behaviour,
    Comprehensive,
    Condition,
    Converted,
    Eligibility,
    Normalisation,
    PaymentRules,
    PointsRules,
    Quality,
    Source,
    Step,
)
from rules.noun import Noun

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")


class Notation(Noun, frozen=True, kw_only=True):
    """How the catalogue's author writes operations."""

    comma_is_all: bool = False
    """``,`` joins operations that must all be there, as ``+`` does."""


class Manifest(Noun, frozen=True, kw_only=True):
    """``scheme.yaml``."""

    name: str
    version: str
    title: str
    valid_from: date | None = None
    valid_to: date | None = None
    partial: bool = False
    note: str = ""
    """A remark for people; not read."""
    sources: tuple[Source, ...] = ()
    notation: Notation = Notation()
    normalisation: Normalisation = Normalisation()
    steps: tuple[Step, ...] = ()
    conditions: tuple[Condition, ...] = ()
    comprehensive: Comprehensive = Comprehensive()
    auxiliary: Auxiliary = Auxiliary()
    points: PointsRules = PointsRules()
    payment: PaymentRules = PaymentRules()
    eligibility: Eligibility = Eligibility()
    behaviour: Behaviour = Behaviour()
    quality: Quality = Quality()


ELSEWHERE: Final[dict[tuple[type, str], str]] = {
    (Normalisation, "diagnosis_map"): "diagnosis_map.csv",
    (Normalisation, "operation_map"): "operation_map.csv",
    (Normalisation, "excluded_principal"): "excluded_diagnoses.csv",
    (Normalisation, "exclusions"): "excluded_operations.csv",
    (Normalisation, "limits"): "limits.csv",
    (Comprehensive, "rows"): "comprehensive.csv",
    (Auxiliary, "rows"): "auxiliary.csv",
    (Auxiliary, "cci"): "cci.csv",
    (Auxiliary, "severity"): "severity.csv",
    (Auxiliary, "severity_exclusions"): "severity_exclusions.csv",
    (PointsRules, "coefficients"): "coefficients.csv",
    (PaymentRules, "values"): "point_values.csv",
}
"""Fields that come from tables."""
DIALECT: Final = Dialect(fixed=frozenset({(Converted, "mean_cost")}), elsewhere=ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Written:
    """The manifest and the line of each of its keys, by dotted path."""

    manifest: Manifest
    lines: Mapping[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int:
        """Return the line of a key, or of the nearest key around it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read_manifest(content: bytes, report: Report) -> Written | None:
    """Return the manifest; ``None`` after a fault: not UTF-8, not YAML, unknown, missing or wrong keys."""
    text = decode(MANIFEST, content, report)
    if text is None:
        return None
    node, faults = compose(text)
    for fault in faults:
        report.add("INVALID_YAML", MANIFEST, fault.message, row=fault.line, help=fault.help)
    if node is None:
        if not faults:
            help = "it names name, version, title and steps"
            report.add("INVALID_SCHEME", MANIFEST, "the file is empty", help=help)
        return None
    manifest, faults = read(node, Manifest, DIALECT)
    for fault in faults:
        report.add("INVALID_SCHEME", MANIFEST, fault.message, row=fault.line, column=fault.path, help=fault.help)
    if not isinstance(manifest, Manifest):
        return None
    written = Written(manifest, key_lines(node))
    if not _NAME.fullmatch(manifest.name):
        help = "lower-case letters, digits, `.`, `_` and `-`, at most 50"
        message = f"`{manifest.name}` is no scheme name"
        report.add("INVALID_SCHEME", MANIFEST, message, row=written.line("name"), column="name", help=help)
    return written
