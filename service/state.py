"""What all requests of a worker share: the rulebook in use, swapped as a whole (decision 6)."""

from dataclasses import dataclass, field

from rules import Rulebook


@dataclass(frozen=True, slots=True)
class Active:
    """A rulebook in use and where it came from."""

    rulebook: Rulebook
    source: str
    """``bundled`` or ``database``."""


@dataclass(slots=True)
class State:
    """The one mutable reference. A request captures ``active`` once, for evaluation, answer and record alike."""

    active: Active | None = None
    confirmed: float | None = None
    """Clock seconds when the database last confirmed what is active; ``None`` if it never did."""
    why_not_ready: str = field(default="no rulebook has been loaded yet")
