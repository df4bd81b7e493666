"""What would move a case to another group, supported by what is already recorded (dip facts 6.1, issue: K47).

Never a suggestion to code something: only codes of the record are put in another place, and each move is a question to
verify against the chart. Three sorts are looked at: a recorded operation as the main one; a recorded diagnosis as the
principal one, but only if a recorded operation belongs to it by the catalogue or the present principal diagnosis may
not be one, is a symptom or a history; and an operation that is ordered but not yet done (handed in by the caller).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.naming import quoted
from rules.dip.trials import Trial, Trials
from rules.noun import Noun

MoveKind = Literal["operation_as_main", "diagnosis_as_principal", "ordered_operation"]
Way = Literal["higher", "lower", "same", "unknown"]
"""Standard points of the other group against the present one's."""

WAY_WORDS: dict[Way, str] = {"higher": "较高", "lower": "较低", "same": "相同", "unknown": "未能比较"}


class Move(Noun, frozen=True, kw_only=True):
    """One other group that the record may support, as a question."""

    kind: MoveKind
    group: str
    name: str = ""
    way: Way = "unknown"
    points_difference: Decimal | None = None
    """Standard points of the other group less the present one's."""
    evidence: tuple[str, ...] = ()
    """Codes in the record (or ordered) that it rests on, in normal form; the one that would stand first leads."""
    message: str


def moves(
    case: Case, assessed: Assessed, directory: Directory, ordered: tuple[str, ...] = (), trials: Trials | None = None
) -> tuple[Move, ...]:
    """Return other groups the record may support, the largest difference first. ``ordered``: operations to come."""
    tried = trials or Trials(case, assessed, directory)
    found: dict[tuple[str, str], Move] = {}
    for move in (*_main(tried), *_principal(tried), *_ordered(tried, ordered)):
        found.setdefault((move.kind, move.group), move)
    return tuple(sorted(found.values(), key=_weight))


def _weight(move: Move) -> tuple[bool, Decimal, str, str]:
    difference = move.points_difference
    return difference is None, -abs(difference or Decimal(0)), move.group, move.kind


def _main(trials: Trials) -> Iterator[Move]:
    for operation in trials.main_candidates():
        trial = trials.with_main(operation)
        if differs(trial, trials):
            words = f"已记录的手术操作{trials.called(operation)}如为主要手术操作,将入{named(trial)}"
            yield _move("operation_as_main", trial, trials, (operation,), f"{words}。请核对主要手术操作的选择。")


def _principal(trials: Trials) -> Iterator[Move]:
    for diagnosis, operation, because in other_principals(trials):
        trial = trials.with_principal(diagnosis, operation)
        if differs(trial, trials):
            words = f"已记录的诊断{trials.called(diagnosis)}如为主要诊断,将入{named(trial)}({because})"
            evidence = (diagnosis, operation) if operation else (diagnosis,)
            yield _move("diagnosis_as_principal", trial, trials, evidence, f"{words}。请核对主要诊断的选择。")


def other_principals(trials: Trials) -> Iterator[tuple[str, str, str]]:
    """Yield recorded diagnoses that may be the principal one, the operation that speaks for each, and why in words.

    One that owns an operation which the present principal diagnosis does not; or, if that one is weak, any.
    """
    weak = weak_principal(trials)
    if not weak and not trials.counting:
        return
    taken = trials.owned(trials.principal)
    if not weak and len(taken) == len(trials.counting):
        return  # every operation belongs to the principal diagnosis
    for diagnosis in trials.candidates():
        operation = next((code for code in trials.owned(diagnosis) if code not in taken), "")
        if operation:
            yield diagnosis, operation, f"已记录的手术操作{trials.called(operation)}在目录中属于该诊断"
        elif weak:
            yield diagnosis, "", weak


def _ordered(trials: Trials, ordered: tuple[str, ...]) -> Iterator[Move]:
    for operation in trials.directory.normaliser.operations(ordered):
        if operation in trials.operations:
            continue
        for first in (False, True):
            trial = trials.with_ordered(operation, first=first)
            if differs(trial, trials):
                words = f"已开立的手术操作{trials.called(operation)}如实际完成,将入{named(trial)}"
                yield _move("ordered_operation", trial, trials, (operation,), f"{words}。请核对是否已实施。")
                break


def weak_principal(trials: Trials) -> str:
    """Say in words why the present principal diagnosis speaks for another one; ``""`` if it does not."""
    code, quality = trials.principal, trials.directory.scheme.quality
    if not code:
        return "当前没有主要诊断"
    if not trials.may_be_principal(code):
        why = "不能作主要诊断"
    elif code.startswith(quality.symptom_principal):
        why = "是症状或体征"
    elif code.startswith(quality.history_principal):
        why = "是既往史或家族史"
    elif code in trials.arose:
        why = "入院病情为“无”"
    else:
        return ""
    return f"当前主要诊断{trials.called(code)}{why}"


def differs(trial: Trial, trials: Trials) -> bool:
    """Say whether a trial found a catalogue row of another group, and no tie."""
    found = trial.grouping
    return found.row is not None and not found.tied and found.group != trials.assessed.grouping.group


def named(trial: Trial) -> str:
    """Return a group's code and name for a message."""
    return quoted(trial.grouping.group, trial.name)


def difference(trial: Trial, trials: Trials) -> Decimal | None:
    """Return how much more standard points the other group has; ``None`` when either is not known."""
    return None if trial.points is None or trials.now is None else trial.points - trials.now


def points_text(change: Decimal) -> str:
    """Return points for a message, without needless zeros."""
    text = f"{abs(change):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _move(kind: MoveKind, trial: Trial, trials: Trials, evidence: tuple[str, ...], message: str) -> Move:
    change = difference(trial, trials)
    way: Way = "unknown" if change is None else "higher" if change > 0 else "lower" if change < 0 else "same"
    head, _, rest = message.partition("。")
    told = f",标准分值{WAY_WORDS[way]}" + (f"(相差 {points_text(change)})" if change else "")
    return Move(
        kind=kind,
        group=trial.grouping.group,
        name=trial.name,
        way=way,
        points_difference=change,
        evidence=evidence,
        message=f"{head}{told}。{rest}",
    )
