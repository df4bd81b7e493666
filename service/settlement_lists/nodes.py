"""Settlement lists, step one: nodes whose keys provinces spell in different ways, read with every fault noted.

In: decoded JSON. Out: scalars, or ``None`` for absent (``""``, ``"-"``, null, missing, and ``无``, which senders write
where a platform refuses blanks). A value that is there but means nothing becomes a fault under the key that was sent.
Source: national interface section 5 (``lv3_nursecare_days`` and ``lv3Nursecare_Days`` are one field).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, TypeVar

from rules.model import UNIT
from service.dialects._national_codes import code
from service.dialects._national_faults import Faults
from service.schemas.scalars import ABSENT, day, fixed, moment

T = TypeVar("T")
NONE_WORDS: Final = ABSENT | {"无", "/", "—", "——"}
MOST_ROWS: Final = 1_000
"""Entries in one list; no stay has so many diagnoses, operations or fee classes."""
MOST_MINUTES: Final = 60 * 24 * 36_600
"""A hundred years; what is longer is a fault in the message."""
_SEPARATORS: Final = re.compile(r"[_\-\s]")


@lru_cache(maxsize=4_096)
def canonical(key: str) -> str:
    """Return a key without case, separators and the two spellings of nursing care."""
    return _SEPARATORS.sub("", key).lower().replace("nursecare", "nurscare")


def is_absent(value: object) -> bool:
    """Say whether a value stands for nothing."""
    return value is None or (isinstance(value, str) and value.strip() in NONE_WORDS)


class ListFaults(Faults):
    """Everything wrong with one list, each thing once however often its field is looked at."""

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        super().__init__()
        self._noted: set[tuple[str, str]] = set()

    def add(self, path: str, message: str) -> None:
        """Note one fault, if it is a new one."""
        if (path, message) not in self._noted:
            self._noted.add((path, message))
            super().add(path, message)


class ListNode:
    """One object of a list, and how its sender would name it."""

    __slots__ = ("_faults", "_sent", "path", "zone")

    def __init__(self, sent: Mapping[str, Any], path: str, faults: Faults, zone: tzinfo) -> None:
        self.path = path
        self.zone = zone
        self._faults = faults
        self._sent: dict[str, tuple[str, Any]] = {}
        for key, value in sent.items():
            name = canonical(str(key))
            if name not in self._sent or is_absent(self._sent[name][1]):
                self._sent[name] = (str(key), value)

    def name(self, *keys: str) -> str:
        """Return the path of a field as sent, or as the interface spells it."""
        sent = next((self._sent[canonical(key)][0] for key in keys if canonical(key) in self._sent), keys[0])
        return f"{self.path}.{sent}" if self.path else sent

    def sent(self, *keys: str) -> Any:
        """Return the first of several spellings that holds something, as sent."""
        found = (self._sent[canonical(key)][1] for key in keys if canonical(key) in self._sent)
        return next((value for value in found if not is_absent(value)), None)

    def has(self, *keys: str) -> bool:
        """Say whether a key was sent at all, empty or not."""
        return any(canonical(key) in self._sent for key in keys)

    def plain(self, key: str) -> str | None:
        """Return a text as sent, where 无 is an answer."""
        found = self._sent.get(canonical(key), ("", None))[1]
        return found.strip() if isinstance(found, str) else None

    @property
    def empty(self) -> bool:
        """Nothing in it is filled."""
        return all(is_absent(value) for _, value in self._sent.values())

    def fault(self, message: str, *keys: str) -> None:
        """Note what is wrong with a field."""
        self._faults.add(self.name(*keys), message)

    def read(self, parse: Callable[[Any], T | None], *keys: str) -> T | None:
        """Read one scalar; one that means nothing becomes a fault."""
        value = self.sent(*keys)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            key = next(key for key in keys if not is_absent(self._sent.get(canonical(key), ("", None))[1]))
            self.fault(str(error), key)
            return None

    def text(self, *keys: str) -> str | None:
        """Read a code or a name."""
        return self.read(code, *keys)

    def money(self, *keys: str) -> int | None:
        """Read an amount that cannot be negative, in 1/10,000 yuan."""
        return self.read(_not_negative, *keys)

    def whole(self, *keys: str) -> int | None:
        """Read a count; decimals are dropped (an age of 3.5 years is three completed years)."""
        found = self.read(_not_negative, *keys)
        return None if found is None else found // UNIT

    def minutes(self, *keys: str) -> int | None:
        """Read a duration written days/hours/minutes."""
        return self.read(minutes, *keys)

    def when(self, *keys: str) -> tuple[datetime, bool] | None:
        """Read a time, and whether it carried a clock time."""
        return self.read(lambda value: moment(value, self.zone), *keys)

    def day(self, *keys: str) -> date | None:
        """Read a date."""
        return self.read(lambda value: day(value, self.zone), *keys)

    def rows(self, key: str) -> "list[ListNode] | None":
        """Return a list's entries; a lone object is a list of one, ``None`` was not sent."""
        if not self.has(key):
            return None
        value, path = self.sent(key), self.name(key)
        if value is None:
            return []
        if isinstance(value, dict):
            return [ListNode(value, path, self._faults, self.zone)]
        if not isinstance(value, list):
            self._faults.add(path, "应为列表或对象")
            return []
        if len(value) > MOST_ROWS:
            self._faults.add(path, f"超过 {MOST_ROWS} 条")
            return []
        return list(self._entries(value, path))

    def _entries(self, value: list[Any], path: str) -> "Iterator[ListNode]":
        for number, item in enumerate(value):
            if isinstance(item, dict):
                yield ListNode(item, f"{path}[{number}]", self._faults, self.zone)
            elif is_absent(item):
                yield ListNode({}, f"{path}[{number}]", self._faults, self.zone)
            else:
                self._faults.add(f"{path}[{number}]", "应为对象")


def _not_negative(value: Any) -> int | None:
    found = fixed(value)
    if found is not None and found < 0:
        raise ValueError("不应为负数")
    return found


def minutes(value: object) -> int | None:
    """Return minutes of a duration ``days/hours/minutes`` (interface section 5); ``0`` is none at all.

    Raises ``ValueError`` for any other shape: a lone number does not say its unit.
    """
    found = code(value)
    if found is None:
        return None
    parts = [part.strip() for part in found.replace("/", "/").split("/")]
    if all(part in NONE_WORDS for part in parts):
        return None
    numbers = [0 if part in NONE_WORDS else _number(part) for part in parts]
    if len(numbers) == 1 and numbers[0] == 0:
        return 0
    if len(numbers) != 3:
        raise ValueError("时长应写作 天/小时/分钟")
    total = (numbers[0] * 24 + numbers[1]) * 60 + numbers[2]
    if total > MOST_MINUTES:
        raise ValueError("数值超出合理范围")
    return total


def _number(part: str) -> int:
    if not (part.isascii() and part.isdigit() and len(part) <= 9):
        raise ValueError("时长应写作 天/小时/分钟")
    return int(part)
