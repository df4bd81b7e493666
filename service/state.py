"""What all requests of a worker share: rulebook and DIP schemes in use, swapped as a whole (decision 6)."""

from dataclasses import dataclass, field

from rules import Rulebook
from service.schemes import NO_SCHEMES, Schemes


@dataclass(frozen=True, slots=True)
class Active:
    """A rulebook and the schemes in use, and where they came from."""

    rulebook: Rulebook
    source: str
    """``bundled`` or ``database``."""
    schemes: Schemes = NO_SCHEMES


@dataclass(slots=True)
class State:
    """The one mutable reference. A request captures ``active`` once, for evaluation, answer and record alike."""

    active: Active | None = None
    confirmed: float | None = None
    """Clock seconds when the database last confirmed what is active; ``None`` if it never did."""
    why_not_ready: str = field(default="no rulebook has been loaded yet")
