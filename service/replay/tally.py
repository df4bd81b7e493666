"""What a replay in bulk adds up to: counts that several processes make apart and put together.

Money is in 1/10,000 yuan, times in seconds. Nothing here is of a patient.
"""

from typing import Final

import msgspec

from service.replay.comparing import Difference, spoken

LISTED: Final = 1_000
"""Verdicts named one by one; beyond that they are only counted."""


class Moved(msgspec.Struct):
    """Findings that differ under other rules, of one rule or department."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    amount_before: int = 0
    """At stake in these findings before. A line that two findings speak of counts in both."""
    amount_after: int = 0

    def add(self, other: "Moved") -> None:
        """Put another's counts to these."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Tally(msgspec.Struct):
    """Counts of one replay."""

    read: int = 0
    """Verdicts that the filters chose."""
    replayed: int = 0
    erased: int = 0
    damaged: int = 0
    """Altered, or sealed with another key file, or not to be read by this version."""
    unloadable: dict[str, int] = {}
    """Digest of what could not be loaded, with the reason, to the number of verdicts."""
    engine_differs: int = 0
    """Made by another version of the engine."""
    engine_speaks_differently: int = 0
    """Of those, under their own rules: something that is said differs, and not only the version's name."""
    same: int = 0
    different: int = 0
    differing: list[str] = []
    """Verdicts that did not give their own bytes, or that other rules judge otherwise: ids, the first ``LISTED``."""
    unchanged: int = 0
    """Under other rules: nothing that is said differs."""
    changed: int = 0
    states: dict[str, int] = {}
    """``before>after`` to the number of verdicts."""
    rules: dict[str, Moved] = {}
    departments: dict[str, Moved] = {}
    """``""`` is no department."""
    unread_added: int = 0
    unread_removed: int = 0
    groups: int = 0
    """Stays with another DIP group."""
    amount_before: int = 0
    """Of all verdicts that were judged by other rules: at stake, each line once."""
    amount_after: int = 0
    stored_seconds: float = 0.0
    """What the service took then, from the message to the answer."""
    seconds: float = 0.0
    """What the evaluation took now, alone."""

    def lost(self, why: str) -> None:
        """Count a verdict that cannot be loaded."""
        self.unloadable[why] = self.unloadable.get(why, 0) + 1

    def name(self, verdict_id: str) -> None:
        """List a verdict that differs."""
        if len(self.differing) < LISTED:
            self.differing.append(verdict_id)

    def compare(self, difference: Difference, departments: list[str]) -> None:
        """Count what differs under other rules; ``departments`` go with ``spoken(difference)``, one each."""
        self.amount_before += difference.amount[0]
        self.amount_after += difference.amount[1]
        state = ">".join(difference.state)
        self.states[state] = self.states.get(state, 0) + 1
        self.unread_added += len(difference.unread_added)
        self.unread_removed += len(difference.unread_removed)
        before, after = difference.dip
        self.groups += (before or {}).get("group") != (after or {}).get("group")
        for (change, one, other), department in zip(spoken(difference), departments, strict=True):
            moved = Moved(
                added=change == "added",
                removed=change == "removed",
                changed=change == "changed",
                amount_before=one.amount if one else 0,
                amount_after=other.amount if other else 0,
            )
            finding = one or other
            if finding is not None:
                self.rules.setdefault(finding.rule, Moved()).add(moved)
            self.departments.setdefault(department, Moved()).add(moved)

    def add(self, other: "Tally") -> None:
        """Put another's counts to these."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, int | float):
                setattr(self, name, mine + theirs)
            elif isinstance(mine, list):
                setattr(self, name, (mine + theirs)[:LISTED])
            else:
                _join(mine, theirs)

    @property
    def sound(self) -> bool:
        """Whether everything that is not erased could be judged, and gave its own bytes where it had to."""
        return not (self.different or self.damaged or self.unloadable)


def _join(mine: dict[str, int] | dict[str, Moved], theirs: dict[str, int] | dict[str, Moved]) -> None:
    for key, found in theirs.items():
        if isinstance(found, Moved):
            mine.setdefault(key, Moved()).add(found)  # type: ignore[arg-type,union-attr]
        else:
            mine[key] = mine.get(key, 0) + found  # type: ignore[operator,assignment]
