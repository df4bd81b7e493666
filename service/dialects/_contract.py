"""The contract of a dialect (接口方言): one HIS's way of writing an encounter and reading a verdict.

One file per dialect in this folder, one ``DIALECT`` in it, found by walking. A dialect turns bytes into a
``Reading`` (all faults at once, in the caller's own field names) and an ``Answer`` back into bytes. It never sees
the database, never logs, and hands nothing on that identifies a patient: names and identity numbers stay in
``echo``, which only its own ``write`` reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

from rules.codes import Role
from rules.model import Encounter, Verdict
from service.errors import Problem
from service.records import Action
from service.sites import Sites


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call, as far as a dialect may know it."""

    path: str
    query: str
    body: bytes
    content_type: str
    received: datetime
    hospital: str | None
    """From the API key; overrules what the message says (decision 2)."""
    default_hospital: str
    sites: Sites
    pseudonym: Callable[[str], str]
    """Keyed hash of a person's id: the only form in which it may leave the dialect."""
    zone: tzinfo
    max_lines: int = 5_000
    """Most lines an encounter may have."""
    caller: str = ""
    """The calling system's name; ``""``: nobody was admitted."""
    headers: Sequence[tuple[bytes, bytes]] = ()
    """Only an upstream platform's own signing headers are ever passed on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message understood: the encounter to check and what is needed to answer it."""

    encounter: Encounter
    time: datetime
    message_id: str | None = None
    role: Role = "doctor"
    deadline_ms: int | None = None
    later: bool = False
    """Answer with an id at once; the verdict comes by poll or webhook."""
    echo: Any = None
    """For ``write`` only; never journaled, logged or shown."""
    forward: bytes | None = None
    """The message as it may be forwarded to an upstream platform, if this dialect has one."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a user did with one finding (处理), in the service's own words."""

    finding: str
    """The finding's id (``jr_id``) as the caller quotes it."""
    action: Action
    reason: str = ""
    explained: bool = True
    """False for way 1 with an empty reason: a client sends that by itself (ruling 12)."""
    reason_code: str = ""
    hospital: str | None = None
    """Whose finding it is, where it is another's than the feedback's."""
    """From the closed list of reasons (``service.reasons``); ``""``: none was chosen."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Dispositions sent back by a client."""

    hospital: str
    dispositions: tuple[Disposition, ...]
    echo: Any = None
    forward: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the check says, for a dialect to write."""

    verdict_id: str
    verdict: Verdict
    finding_ids: tuple[str, ...]
    """One per finding, in order; quoted back in dispositions."""
    recorded: bool
    repeated_id: bool
    """The same message id was answered before with other content."""
    elapsed_us: int
    upstream: Any = None
    """What an upstream platform answered, if one is configured (``service.upstream``)."""


@dataclass(frozen=True, slots=True)
class FeedbackAnswer:
    """Whether each disposition was stored, is pending, or is unknown: finding id to state."""

    states: tuple[tuple[str, str], ...]
    """``stored`` (journaled), ``unknown`` (not ours and no upstream took it), ``relayed``, ``failed``."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes out: status, body and headers beyond length."""

    status: int
    body: bytes
    content_type: bytes = b"application/json; charset=utf-8"


class Dialect(Protocol):
    """What a dialect file's ``DIALECT`` offers."""

    name: str
    about: str
    """One line for the API's documentation, with the Chinese term."""
    paths: tuple[str, ...]
    """POST paths it answers; a trailing ``*`` takes any last segment."""

    def read(self, call: Call) -> Reading | Feedback:
        """Understand a message. Raises ``Problem`` with every fault."""
        ...

    def write(self, reading: Reading, answer: Answer) -> Reply:
        """Write the answer to a check."""
        ...

    def write_feedback(self, feedback: Feedback, answer: FeedbackAnswer) -> Reply:
        """Write the answer to dispositions."""
        ...

    def refuse(self, problem: Problem, call: Call) -> Reply:
        """Write a problem in this dialect's envelope."""
        ...

    def message_id(self, call: Call) -> str | None:
        """Return the id of a message that was refused, if it can be read at all. Never raises."""
        ...
