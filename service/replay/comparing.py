"""What differs between two verdicts on one input: findings added, removed and changed, what was not checked, money.

In: the bytes of both. They are read as plain JSON, so that a verdict of any version can be compared. A finding is
matched by its rule and its lines; of several alike, equal ones are paired first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from service.replay.replaying import Unreadable

Plain = dict[str, Any]
_AFTER: Final = ("status", "group", "points", "standard_points", "standard", "payable", "cost", "balance")
"""Of a stay's standing after the order: group, points (分值) and money."""


@dataclass(frozen=True, slots=True)
class Said:
    """One finding as far as a comparison shows it. ``amount`` is in 1/10,000 yuan; a silent one puts none at stake."""

    rule: str
    kind: str
    level: str
    item: str
    message: str
    lines: tuple[int, ...]
    amount: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A finding that both verdicts hold, otherwise."""

    before: Said
    after: Said
    fields: tuple[str, ...]
    """What differs."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A rule that could not be judged, and why."""

    rule: str
    kind: str
    reason: str
    fields: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs; pairs are (before, after). Money in 1/10,000 yuan."""

    state: tuple[str, str]
    amount: tuple[int, int]
    dip: tuple[Plain | None, Plain | None]
    added: tuple[Said, ...]
    removed: tuple[Said, ...]
    changed: tuple[Changed, ...]
    unread_added: tuple[Unread, ...]
    unread_removed: tuple[Unread, ...]

    @property
    def speaks(self) -> bool:
        """Whether anything differs that is said: all but the digests."""
        lists = (self.added, self.removed, self.changed, self.unread_added, self.unread_removed)
        return any(lists) or any(one != other for one, other in (self.state, self.amount, self.dip))


def compare(before: bytes, after: bytes) -> Difference:
    """Return what differs between two verdicts. Raises ``Unreadable`` for what is no verdict."""
    try:
        one, other = (msgspec.json.decode(verdict, type=Plain) for verdict in (before, after))
        return _compared(one, other)
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as fault:
        raise Unreadable(type(fault).__name__) from None


def _compared(one: Plain, other: Plain) -> Difference:
    added, removed, changed = _findings(one.get("findings", []), other.get("findings", []))
    gone, come = _unread(one), _unread(other)
    return Difference(
        state=(one["state"], other["state"]),
        amount=(one.get("amount", 0), other.get("amount", 0)),
        dip=(_standing(one), _standing(other)),
        added=added,
        removed=removed,
        changed=changed,
        unread_added=tuple(entry for entry in come if entry not in gone),
        unread_removed=tuple(entry for entry in gone if entry not in come),
    )


def _findings(
    before: list[Plain], after: list[Plain]
) -> tuple[tuple[Said, ...], tuple[Said, ...], tuple[Changed, ...]]:
    added: list[Said] = []
    removed: list[Said] = []
    changed: list[Changed] = []
    gone, come = _by_identity(before), _by_identity(after)
    for identity in dict.fromkeys((*gone, *come)):
        one, other = _unequal(gone.get(identity, []), come.get(identity, []))
        changed += [_changed(*pair) for pair in zip(one, other, strict=False)]
        removed += map(said, one[len(other) :])
        added += map(said, other[len(one) :])
    return tuple(added), tuple(removed), tuple(changed)


def _by_identity(findings: Iterable[Plain]) -> dict[tuple[str, tuple[int, ...]], list[Plain]]:
    found: dict[tuple[str, tuple[int, ...]], list[Plain]] = {}
    for finding in findings:
        found.setdefault((finding["rule"], tuple(finding["lines"])), []).append(finding)
    return found


def _unequal(one: list[Plain], other: list[Plain]) -> tuple[list[Plain], list[Plain]]:
    """Return two lists without what stands in both."""
    left = list(other)
    right = []
    for entry in one:
        if entry in left:
            left.remove(entry)
        else:
            right.append(entry)
    return right, left


def _changed(before: Plain, after: Plain) -> Changed:
    fields = tuple(name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name))
    return Changed(said(before), said(after), fields)


def said(finding: Plain) -> Said:
    """Return a finding as a comparison shows it."""
    silent = finding["level"] == "silent"
    return Said(
        rule=finding["rule"],
        kind=finding["kind"],
        level=finding["level"],
        item=finding["item"],
        message=finding["message"],
        lines=tuple(finding["lines"]),
        amount=0 if silent else sum(finding.get("amounts", ())),
    )


def _unread(verdict: Plain) -> list[Unread]:
    return [
        Unread(
            rule=entry["rule"],
            kind=entry["kind"],
            reason=entry.get("reason", "missing"),
            fields=tuple(entry["fields"]),
            lines=tuple(entry.get("lines", ())),
        )
        for entry in verdict.get("not_checked", [])
    ]


def _standing(verdict: Plain) -> Plain | None:
    """Return group, points and money after the order, and the scheme they are of."""
    dip = verdict.get("dip")
    if dip is None:
        return None
    return {"scheme": dip["scheme"], "version": dip["version"]} | {
        name: dip["after"].get(name, "" if name == "group" else None) for name in _AFTER
    }


def spoken(difference: Difference) -> Iterator[tuple[str, Said | None, Said | None]]:
    """Yield (``added``, ``removed`` or ``changed``; the finding before; after) of every finding that differs."""
    yield from (("added", None, entry) for entry in difference.added)
    yield from (("removed", entry, None) for entry in difference.removed)
    yield from (("changed", entry.before, entry.after) for entry in difference.changed)
