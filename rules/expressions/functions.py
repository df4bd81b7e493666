"""Every question a condition can ask beside its fields, in one table: arguments, type, answer, and its Chinese words.

An answer about diagnoses, operations or the past is only ever *no* when what was sent is known to be complete.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

import msgspec

from rules.expressions.charges import Laid, called, history_lack, known_from, laid, unread_past, window
from rules.expressions.patterns import System
from rules.expressions.types import Lack, Scene, Type, Unknown, Value, in_words, lacking
from rules.kinds._record import unread_operation
from rules.model import UNIT, Line
from rules.patterns import matches

Patterns = tuple[str, ...]
Rest = ParamSpec("Rest")
Found = TypeVar("Found")
LOOK_BACK: Final = 365
"""Days of history asked for by ``days_since``."""
MOST_DAYS: Final = 3_650
SHOWN: Final = 5


class Function(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One question: ``answer`` and ``say`` get the scene, the patterns, and days where the question has them."""

    name: str
    type: Type
    title: str
    """Chinese meaning, for the page."""
    system: System
    answer: Callable[[Scene, Patterns, int], Value]
    say: Callable[[Scene, Patterns, int, Value], str]
    """The answer in words, for a finding."""
    involved: Callable[[Scene, Patterns, int], tuple[Line, ...]] = lambda scene, patterns, days: ()
    """Lines the answer rests on."""
    days: bool = False
    """Takes a number of days as its last argument."""
    of_line: bool = False
    lacks: str
    """The fact that is lacking when the answer cannot be divided by."""
    looks: Callable[[int], int] = lambda days: 0
    """Days of history asked for, given the days argument."""


def _remembered(
    work: Callable[Concatenate[Scene, Patterns, int, Rest], Found],
) -> Callable[Concatenate[Scene, Patterns, int, Rest], Found]:
    """Do what depends on the day alone once for all lines of it: a settlement has hundreds of lines, all current."""

    def once(scene: Scene, patterns: Patterns, days: int, /, *rest: Rest.args, **named: Rest.kwargs) -> Found:
        key = (work, patterns, days, scene.day)
        if key not in scene.memo:
            scene.memo[key] = work(scene, patterns, days, *rest, **named)
        return cast("Found", scene.memo[key])

    return once


def _evidence(scene: Scene, patterns: Patterns) -> list[str]:
    return [code for code in scene.view.evidence if matches(patterns, code)]


def _has_diagnosis(scene: Scene, patterns: Patterns, days: int) -> Value:
    if _evidence(scene, patterns):
        return True
    unread = scene.view.unread_diagnoses
    return Unknown(tuple((field, unread.reason) for field in unread.fields)) if unread else False


def _say_diagnosis(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
    codes = set(_evidence(scene, patterns))
    held = scene.view.encounter.diagnoses
    return f"诊断 {_listed(one.name or one.code for one in held if not codes or codes.intersection(one.evidence))}"


def _listed(names: Iterable[str]) -> str:
    """Return the first few names, each once."""
    known = list(dict.fromkeys(names))
    return "、".join(known[:SHOWN]) + (" 等" if len(known) > SHOWN else "")


def _has_operation(scene: Scene, patterns: Patterns, days: int) -> Value:
    operations = scene.view.encounter.operations
    if any(matches(patterns, one.code) for one in operations):
        return True
    if not operations:
        return lacking(("operations", "missing"))
    unread = unread_operation(one.code for one in operations)
    return lacking(*((field, unread.reason) for field in unread.fields)) if unread else False


def _say_operation(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
    held = [one for one in scene.view.encounter.operations if value is not True or matches(patterns, one.code)]
    return f"手术 {_listed(one.name or one.code for one in held)}"


def _is_item(scene: Scene, patterns: Patterns, days: int) -> Value:
    return scene.line is not None and matches(patterns, scene.line.item) is not None


def _say_item(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
    return f"项目 {scene.line.name or scene.line.item}" if scene.line is not None else ""


def _charged(scene: Scene, patterns: Patterns, days: int) -> Value:
    return bool(laid(scene, patterns, visit_only=True))


@_remembered
def _charged_lines(scene: Scene, patterns: Patterns, days: int) -> tuple[Line, ...]:
    return tuple(one.charge.line for one in laid(scene, patterns, visit_only=True))


@_remembered
def _say_charged(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
    if value is not True:
        return "本次就诊未收所列项目"
    return f"本次就诊已收{_dated(scene, _charged_lines(scene, patterns, days), patterns)}"


def _dated(scene: Scene, lines: tuple[Line, ...], patterns: Patterns) -> str:
    """Return the items of lines with the latest one's day and who ordered it."""
    days = [(day, line.department or "") for line in lines if (day := scene.view.day_of(line)) is not None]
    last = max(days, default=None)
    when = f"({last[0].isoformat()}{' ' if last[1] else ''}{last[1]})" if last else ""
    return f"{called(lines, patterns)}{when}"


def _total(amount_of: Callable[[Laid], int | None], field: str) -> Callable[[Scene, Patterns, int], Value]:
    """Add up over a window. Bounds: charges without a number or a time, and an unread past, can only add to it."""

    @_remembered
    def total(scene: Scene, patterns: Patterns, days: int) -> Value:
        first, sum_, lacks = window(scene, days), 0, dict[Lack, None]()
        for one in laid(scene, patterns, visit_only=first is None):
            part = amount_of(one)
            if first is not None and one.days is None:
                lacks["line.time", "missing"] = None
            elif part is None:
                if one.share(UNIT, first, scene.day):
                    lacks[field, "missing"] = None
            else:
                sum_ += one.share(part, first, scene.day)
        lacks.update(dict.fromkeys(unread_past(scene, patterns, first)))
        return Unknown(tuple(lacks), least=sum_) if lacks else sum_

    return total


def _quantity(one: Laid) -> int | None:
    return one.charge.quantity


def _amount(one: Laid) -> int | None:
    line = one.charge.line
    unpriced = line.amount is None and (line.price is None or line.quantity is None)
    return None if unpriced else one.charge.amount


@_remembered
def _within(scene: Scene, patterns: Patterns, days: int) -> tuple[Line, ...]:
    first = window(scene, days)
    found = laid(scene, patterns, visit_only=first is None)
    return tuple(one.charge.line for one in found if one.share(UNIT, first, scene.day))


def _say_total(what: str, unit: str) -> Callable[[Scene, Patterns, int, Value], str]:
    @_remembered
    def say(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
        when = "本次就诊" if not days else "当日" if days == 1 else f"{days} 天内"
        at_least = f"至少 {in_words(value.least)}" if isinstance(value, Unknown) and value.least else in_words(value)
        return f"{_dated(scene, _within(scene, patterns, days), patterns)}{when}合计{what} {at_least}{unit}"

    return say


@_remembered
def _last(scene: Scene, patterns: Patterns, days: int) -> tuple[date, Line] | None:
    """Return the nearest earlier charge: a known one up to the day itself, or one being saved for a day before it."""
    best: tuple[date, Line] | None = None
    for one in laid(scene, patterns, visit_only=False):
        if one.days is not None and one.days[0] <= scene.day:
            end, line = min(one.days[1], scene.day), one.charge.line
            if (best is None or end > best[0]) and not (line.current and end == scene.day):
                best = (end, line)
    return best


@_remembered
def _days_since(scene: Scene, patterns: Patterns, days: int) -> Value:
    """Days to the nearest earlier charge; bounds where a nearer one may be unknown, or none is known at all."""
    last, since = _last(scene, patterns, days), known_from(scene, patterns)
    exact = (scene.day - last[0]).days * UNIT if last else None
    beyond = ((scene.day - since).days + 1) * UNIT
    undated = any(one.days is None for one in laid(scene, patterns, visit_only=False))
    if exact == 0 or (exact is not None and exact <= beyond and not undated):
        return exact
    lacks: tuple[Lack, ...] = (("line.time", "missing"),) if undated else ()
    if exact is None or exact > beyond:
        lacks += history_lack(scene)
    return Unknown(lacks, least=0 if undated else beyond, most=exact)


def _last_line(scene: Scene, patterns: Patterns, days: int) -> tuple[Line, ...]:
    last = _last(scene, patterns, days)
    return (last[1],) if last else ()


@_remembered
def _say_since(scene: Scene, patterns: Patterns, days: int, value: Value) -> str:
    last = _last_line(scene, patterns, days)
    if not last:
        return "此前未见所列项目"
    return f"上次为{_dated(scene, last, patterns)}"


_QUESTIONS: Final = (
    Function(name="has_diagnosis", type="boolean", title="任一诊断(不含疑似)符合所列 ICD-10 编码", system="diagnosis",
             answer=_has_diagnosis, say=_say_diagnosis, lacks="diagnoses"),
    Function(name="has_operation", type="boolean", title="任一手术操作符合所列 ICD-9-CM-3 编码", system="operation",
             answer=_has_operation, say=_say_operation, lacks="operations"),
    Function(name="is_item", type="boolean", title="本行项目属于所列编码", system="item", of_line=True,
             answer=_is_item, say=_say_item, lacks="line.item"),
    Function(name="charged", type="boolean", title="本次就诊收取过所列项目", system="item",
             answer=_charged, say=_say_charged, involved=_charged_lines, lacks="line.item"),
    Function(name="total_quantity", type="number", title="所列项目若干天内的数量合计", system="item", days=True,
             answer=_total(_quantity, "line.quantity"), say=_say_total("数量", ""), involved=_within,
             lacks="line.quantity", looks=lambda days: days if days > 1 else 0),
    Function(name="total_amount", type="number", title="所列项目若干天内的金额合计(元)", system="item", days=True,
             answer=_total(_amount, "line.amount"), say=_say_total("金额", " 元"), involved=_within,
             lacks="line.amount", looks=lambda days: days if days > 1 else 0),
    Function(name="days_since", type="number", title="距上一次收取所列项目的天数", system="item",
             answer=_days_since, say=_say_since, involved=_last_line, lacks="history", looks=lambda days: LOOK_BACK),
)  # fmt: skip

FUNCTIONS: Final[dict[str, Function]] = {function.name: function for function in _QUESTIONS}
"""Name to function, in the order of the page."""
