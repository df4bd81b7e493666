"""Named cases: what an encounter should make the rules say, written in YAML for people.

In: the text of a case file, and an engine. Out: typed cases, and the differences between expected and said.
A case writes only the fields that matter; unknown keys are faults. Expectations are exact: nothing may be missing
and nothing may be said besides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from rules.codes import LEVEL_RANK, Certainty, Level, Reason, Role, State
from rules.codings import category_of, diagnosis_code, is_suspected, item_code
from rules.compiler.documents import Dialect, Fault, read_list
from rules.dip.directory import Directory
from rules.model import (
    Context,
    Diagnosis,
    Encounter,
    Finding,
    Input,
    Line,
    NotChecked,
    Operation,
    Overlay,
    PastVisit,
    Verdict,
    Visit,
)
from rules.noun import Noun

T = TypeVar("T")

HOSPITAL: Final = "H00000000000"
"""The hospital of a case that names none."""


class ExpectedFinding(Noun, frozen=True):
    """A finding that must be said. Rule and lines always count; what else is written must agree too."""

    rule: str
    lines: tuple[int, ...]
    code: str | None = None
    certainty: Certainty | None = None
    level: Level | None = None
    involved: tuple[int, ...] | None = None
    amounts: tuple[int, ...] | None = None
    """In 1/10,000 yuan, as the verdict holds them."""
    message: str | None = None


class ExpectedGap(Noun, frozen=True):
    """A rule that must be *not checked*, and for which fields."""

    rule: str
    fields: tuple[str, ...]
    reason: Reason | None = None
    lines: tuple[int, ...] | None = None


class Case(Noun, frozen=True):
    """One case: a sentence for a name, the input, and all that must be said about it."""

    name: str
    time: datetime
    encounter: Encounter
    role: Role = "doctor"
    scheme: str = ""
    """The DIP scheme a stay is grouped under, by the name of one that ships; ``""`` for none."""
    context: Context = Context()
    overlay: Overlay = Overlay()
    state: State | None = None
    findings: tuple[ExpectedFinding, ...] = ()
    not_checked: tuple[ExpectedGap, ...] = ()
    quiet: bool = False
    """Normal care: nothing louder than ``info`` may be said; only what is listed beyond that must be said too."""

    @property
    def input(self) -> Input:
        """What the engine is given."""
        return Input(
            encounter=self.encounter,
            time=self.time,
            role=self.role,
            context=self.context,
            overlay=self.overlay,
        )


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case and the line of the file where it starts."""

    file: str
    line: int
    case: Case


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a case showed: no differences, or one readable line for each."""

    placed: PlacedCase
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """The verdict is exactly what the case expects."""
        return not self.differences


def decode_cases(file: str, text: str) -> tuple[tuple[PlacedCase, ...], tuple[Fault, ...]]:
    """Return the cases a file writes, and every fault in it; a faulty case does not hide the others."""
    found, faults = read_list(text, Case, _DIALECT, one="case")
    return tuple(PlacedCase(file, line, case) for line, case in found), faults


Evaluate = Callable[[Input, Directory | None], Verdict]
SchemeOf = Callable[[str], Directory | None]


def run_cases(
    cases: Iterable[PlacedCase], evaluate: Evaluate, scheme_of: SchemeOf = lambda name: None
) -> Iterator[Outcome]:
    """Run cases through an engine, in order, each under the DIP scheme it names."""
    for placed in cases:
        case = placed.case
        scheme = scheme_of(case.scheme) if case.scheme else None
        if case.scheme and scheme is None:
            yield Outcome(placed, (f"- scheme {case.scheme}, which is none of those that ship",))
        else:
            yield Outcome(placed, compare(case, evaluate(case.input, scheme)))


def compare(case: Case, verdict: Verdict) -> tuple[str, ...]:
    """Return the differences between a case and a verdict: ``-`` expected but not so, ``+`` said besides."""
    if case.quiet:
        return tuple(_compare_quiet(case, verdict))
    lines = list(_compare_findings(case.findings, verdict.findings))
    lines.extend(_compare_gaps(case.not_checked, verdict.not_checked))
    if case.state is not None and case.state != verdict.state:
        lines.append(f"- state {case.state}, got {verdict.state}")
    return tuple(lines)


def _compare_quiet(case: Case, verdict: Verdict) -> Iterator[str]:
    """Yield what disturbs normal care, and what is listed and was not said."""
    for one in verdict.findings:
        if LEVEL_RANK[one.level] > LEVEL_RANK["info"]:
            yield f"+ finding of {one.rule} on {_lines(one.lines)}: {one.message}"
    spoken = tuple(one for one in verdict.findings if any(want.rule == one.rule for want in case.findings))
    yield from _compare_findings(case.findings, spoken)
    gaps = tuple(one for one in verdict.not_checked if any(want.rule == one.rule for want in case.not_checked))
    yield from _compare_gaps(case.not_checked, gaps)


def _compare_findings(expected: tuple[ExpectedFinding, ...], said: tuple[Finding, ...]) -> Iterator[str]:
    left = list(said)
    for want in expected:
        got = _take(left, partial(_is_finding, want))
        if got is None:
            yield f"- finding of {want.rule} on {_lines(want.lines)}"
            continue
        for name in ("code", "certainty", "level", "involved", "amounts", "message"):
            value = getattr(want, name)
            if value is not None and value != getattr(got, name):
                yield f"- finding of {want.rule}: {name} {value}, got {getattr(got, name)}"
    for one in left:
        yield f"+ finding of {one.rule} on {_lines(one.lines)}: {one.message}"


def _compare_gaps(expected: tuple[ExpectedGap, ...], said: tuple[NotChecked, ...]) -> Iterator[str]:
    left = list(said)
    for want in expected:
        got = _take(left, partial(_is_gap, want))
        if got is None:
            yield f"- not checked {want.rule} for {', '.join(want.fields)}"
        elif want.reason is not None and want.reason != got.reason:
            yield f"- not checked {want.rule}: reason {want.reason}, got {got.reason}"
    for one in left:
        yield f"+ not checked {one.rule} for {', '.join(one.fields)} ({one.reason}) on {_lines(one.lines)}"


def _is_finding(want: ExpectedFinding, said: Finding) -> bool:
    return said.rule == want.rule and set(said.lines) == set(want.lines)


def _is_gap(want: ExpectedGap, said: NotChecked) -> bool:
    same_lines = want.lines is None or set(said.lines) == set(want.lines)
    return said.rule == want.rule and set(said.fields) == set(want.fields) and same_lines


def _take(left: list[T], fits: Callable[[T], bool]) -> T | None:
    """Remove and return the first entry that fits, ``None`` when none does."""
    for number, one in enumerate(left):
        if fits(one):
            return left.pop(number)
    return None


def _lines(lines: tuple[int, ...]) -> str:
    return f"lines {', '.join(map(str, lines))}" if lines else "no line"


def _complete_line(values: dict[str, Any], texts: Mapping[str, str]) -> None:
    values["item"] = item_code(values.get("item", ""))
    values.setdefault("category", category_of(values["item"]))
    if "begin" in values:
        values.setdefault("timed", ":" in texts["begin"])


def _complete_diagnosis(values: dict[str, Any], _texts: Mapping[str, str]) -> None:
    code, system = diagnosis_code(values.get("code", ""))
    values["code"] = code
    values.setdefault("system", system)
    values.setdefault("suspected", is_suspected(values.get("name", "")))


def _complete_operation(values: dict[str, Any], _texts: Mapping[str, str]) -> None:
    values["code"] = values.get("code", "").strip().upper()


def _complete_past_visit(values: dict[str, Any], _texts: Mapping[str, str]) -> None:
    values["diagnosis"] = diagnosis_code(values.get("diagnosis", ""))[0]


def _complete_encounter(values: dict[str, Any], _texts: Mapping[str, str]) -> None:
    values.setdefault("hospital", HOSPITAL)
    lines = enumerate(values.get("lines", ()))
    values["lines"] = tuple(msgspec.structs.replace(line, position=number) for number, line in lines)


_DIALECT: Final = Dialect(
    fixed=frozenset(
        (
            (Line, "quantity"),
            (Line, "price"),
            (Line, "amount"),
            (Line, "dose"),
            (Line, "self_pay_ratio"),
            (Visit, "total_amount"),
        )
    ),
    complete={
        Line: _complete_line,
        Diagnosis: _complete_diagnosis,
        Operation: _complete_operation,
        PastVisit: _complete_past_visit,
        Encounter: _complete_encounter,
    },
)
