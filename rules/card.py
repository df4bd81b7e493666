"""Cards: findings as a person is shown them (提示卡). Rules of one catalogue remark on one line are one card.

In: a verdict's findings, loudest first. Out: cards in the same order, each naming its findings, so that every reason
is recorded for itself and read together (audit rules, section 7 point 10).
"""

from typing import Final

import msgspec

from rules.codes import LEVEL_RANK, Level
from rules.model import Finding

MOST: Final = 8
"""Reasons one card holds; more would not be read."""


class Card(msgspec.Struct, frozen=True):
    """Several reasons about the same lines, or one."""

    item: str
    level: Level
    lines: tuple[int, ...]
    findings: tuple[int, ...]
    """Places in the verdict's findings, loudest first."""
    message: str


def cards(findings: tuple[Finding, ...], above: Level = "silent", most: int = MOST) -> tuple[Card, ...]:
    """Return the cards of the findings louder than ``above``, each with at most ``most`` reasons."""
    folded: dict[object, list[int]] = {}
    for number, finding in enumerate(findings):
        if LEVEL_RANK[finding.level] > LEVEL_RANK[above]:
            key: object = (finding.remark, finding.lines) if finding.remark else number
            if len(folded.get(key, ())) == most:
                key = number
            folded.setdefault(key, []).append(number)
    return tuple([_card(findings, numbers) for numbers in folded.values()])


def _card(findings: tuple[Finding, ...], numbers: list[int]) -> Card:
    first = findings[numbers[0]]
    message = first.message
    if len(numbers) > 1:
        head = f"【{first.item}】"
        reasons = [findings[number].message.removeprefix(head) for number in numbers]
        message = head + "".join(f"({place}){reason}" for place, reason in enumerate(reasons, 1))
    return Card(first.item, first.level, first.lines, tuple(numbers), message)
