"""Named cases of a scheme: a stay, and what the scheme must say of it, written in YAML for people.

A case writes only the fields that matter; unknown keys are faults. Of what is expected, all that is written must agree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, get_args

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.documents import Dialect, read_list
from rules.compiler.loading import decode
from rules.dip.assess import assess
from rules.dip.codes import AuxiliaryType, Band, GroupingReason, IneligibleReason, PointsReason, Status
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case, Scheme
from rules.dip.tracing import explain
from rules.model import UNIT
from rules.noun import Noun

MONEY: Final = (
    "cost", "drug_cost", "treatment_cost", "material_cost", "deductible", "copayment", "out_of_catalogue",
    "other_payers", "specified_own", "fund_paid", "deductions",
)  # fmt: skip
"""Fields of a case that are written in yuan."""

Absent = Literal["group", "points", "standard_points", "ratio", "standard", "balance", "eligible"]


class Expected(Noun, frozen=True, kw_only=True):
    """What must be said of a case; a key that is not written is not compared."""

    status: Status | None = None
    group: str | None = None
    reasons: tuple[GroupingReason, ...] | None = None
    """All reasons of the grouping, in any order; ``[]``: none."""
    tied: tuple[str, ...] | None = None
    """All other groups that fit equally well, in any order."""
    points: Decimal | None = None
    standard_points: Decimal | None = None
    ratio: Decimal | None = None
    """Compared to the decimals that are written."""
    band: Band | None = None
    standard: int | None = None
    """支付标准 in yuan (held in 1/10,000), of the points after deviation."""
    balance: int | None = None
    """In yuan (held in 1/10,000)."""
    eligible: bool | None = None
    ineligible: IneligibleReason | None = None
    typings: dict[str, str] | None = None
    """Auxiliary type to the sub-type that must be among the case's."""
    notes: tuple[PointsReason, ...] = ()
    """Reasons that must be among the notes to points or payment."""
    absent: tuple[Absent, ...] = ()
    """What must not be known."""
    trace: tuple[str, ...] = ()
    """Texts, each of which must stand in some line of the trace."""


class SchemeCase(Noun, frozen=True, kw_only=True):
    """One case: a sentence for a name, why it is so, the stay, and what must be said of it."""

    name: str
    case: Case
    expect: Expected
    why: str = ""
    """For people: which rule of the scheme the case shows."""


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case and the line of the file where it starts."""

    file: str
    line: int
    case: SchemeCase


@dataclass(frozen=True, slots=True)
class SchemeOutcome:
    """What running a case showed: no differences, or one readable line for each."""

    placed: PlacedCase
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """The scheme says what the case expects."""
        return not self.differences


DIALECT: Final = Dialect(
    fixed=frozenset({*((Case, name) for name in MONEY), (Expected, "standard"), (Expected, "balance")})
)


def read_cases(
    files: Mapping[str, bytes], groups: Callable[[str], str | None], report: Report
) -> tuple[PlacedCase, ...]:
    """Read ``cases/*.yaml``. Faults: not YAML, unknown keys, wrong values, a name twice, unknown groups.

    ``groups`` returns help when there is no group of a code, and ``None`` when there is.
    """
    cases: list[PlacedCase] = []
    for file, content in files.items():
        if not (file.startswith("cases/") and file.endswith(".yaml") and file.count("/") == 1):
            continue
        text = decode(file, content, report)
        if text is None:
            continue
        found, faults = read_list(text, SchemeCase, DIALECT, one="case")
        cases.extend(PlacedCase(file, line, case) for line, case in found)
        for fault in faults:
            code = "INVALID_YAML" if fault.message.startswith("not YAML") else "INVALID_CASE"
            report.add(code, file, fault.message, row=fault.line, column=fault.path, help=fault.help)
    _check(cases, groups, report)
    return tuple(cases)


def _check(cases: list[PlacedCase], groups: Callable[[str], str | None], report: Report) -> None:
    first: dict[str, PlacedCase] = {}
    for placed in cases:
        case, file, line = placed.case, placed.file, placed.line
        other = first.setdefault(case.name, placed)
        if other is not placed:
            help = f"first used in {other.file}, line {other.line}"
            message = f"`{case.name}` is already the name of a case"
            report.add("INVALID_CASE", file, message, row=line, column="name", help=help)
        for kind in case.expect.typings or ():
            if kind not in get_args(AuxiliaryType):
                help = did_you_mean(kind, get_args(AuxiliaryType))
                message = f"`{kind}` is no auxiliary type"
                report.add("INVALID_CASE", file, message, row=line, column="expect.typings", help=help)
        for group in (*filter(None, [case.expect.group]), *(case.expect.tied or ())):
            unknown = groups(group)
            if unknown is not None:
                message = f"unknown group `{group}`"
                report.add("UNKNOWN_GROUP", file, message, row=line, column="expect", help=unknown)


def run_scheme_cases(scheme: Scheme, cases: Iterable[PlacedCase]) -> Iterator[SchemeOutcome]:
    """Run cases under a scheme, in order."""
    directory = Directory.build(scheme)
    for placed in cases:
        case, expected = placed.case.case, placed.case.expect
        trace = explain(case, directory) if expected.trace else ()
        yield SchemeOutcome(placed, tuple(_differences(expected, assess(case, directory), trace)))


def _differences(expected: Expected, said: Assessed, trace: tuple[str, ...]) -> Iterator[str]:
    got = _said(said)
    for name in ("status", "group", "points", "standard_points", "band", "eligible", "ineligible"):
        want = getattr(expected, name)
        if want is not None and want != got[name]:
            yield f"- {name} {_shown(want)}, got {_shown(got[name])}"
    for name in ("reasons", "tied"):
        want = getattr(expected, name)
        if want is not None and set(want) != set(got[name]):
            yield f"- {name} {_listed(want)}, got {_listed(got[name])}"
    for name in ("standard", "balance"):
        want = getattr(expected, name)
        if want is not None and want != got[name]:
            yield f"- {name} {_yuan(want)} yuan, got {_yuan(got[name])}"
    if expected.ratio is not None and _rounded(got["ratio"], expected.ratio) != expected.ratio:
        yield f"- ratio {_shown(expected.ratio)}, got {_shown(got['ratio'])}"
    yield from _compare_sets(expected, said, got)
    for text in expected.trace:
        if not any(text in line for line in trace):
            yield f"- trace with `{text}`, got: {' / '.join(trace)}"


def _compare_sets(expected: Expected, said: Assessed, got: Mapping[str, Any]) -> Iterator[str]:
    for kind, subtype in (expected.typings or {}).items():
        found = [typing.subtype for typing in said.typings if typing.type == kind]
        if subtype not in found:
            yield f"- typing {kind} {subtype}, got {_listed(found)}"
    notes = [note.reason for note in (*said.points.notes, *said.payment.notes)]
    for reason in expected.notes:
        if reason not in notes:
            yield f"- note {reason}, got {_listed(notes)}"
    for name in expected.absent:
        if got[name] not in {None, ""}:
            yield f"- no {name}, got {_yuan(got[name]) if name in {'standard', 'balance'} else _shown(got[name])}"


def _said(said: Assessed) -> dict[str, Any]:
    """Return what was said, by the keys of an expectation."""
    return {
        "status": said.grouping.status,
        "group": said.grouping.group,
        "reasons": [remark.reason for remark in said.grouping.remarks],
        "tied": said.grouping.tied,
        "points": said.points.points,
        "standard_points": said.points.standard_points,
        "ratio": said.points.ratio,
        "band": said.points.band,
        "standard": said.payment.standard,
        "balance": said.payment.balance,
        "eligible": said.payment.eligible,
        "ineligible": said.payment.ineligible,
    }


def _rounded(value: Decimal | None, like: Decimal) -> Decimal | None:
    return None if value is None else value.quantize(like, rounding=ROUND_HALF_UP)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values) or "none"


def _yuan(amount: int | None) -> str:
    return "nothing" if amount is None else f"{Decimal(amount) / UNIT:f}"
