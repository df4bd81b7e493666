"""What the recorder hands over and what can go wrong with it: entries, batches, and a record nobody can write.

In: stretches of one worker's journal. Out: the records to write and the bytes to set aside, in journal order.
"""

from dataclasses import dataclass, replace

from service.records import JournalRecord


class Poisoned(Exception):
    """Something in this batch can never be written. ``reason`` names the kind of fault, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch of a journal: a record, or, with a ``fault``, bytes to be set aside."""

    segment: int
    start: int
    end: int
    payload: bytes
    record: JournalRecord | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one worker's journal."""

    worker: str
    entries: tuple[Entry, ...]

    @property
    def records(self) -> list[JournalRecord]:
        """The records to write, in order."""
        return [entry.record for entry in self.entries if entry.record is not None]

    @property
    def aside(self) -> list[Entry]:
        """The entries to set aside."""
        return [entry for entry in self.entries if entry.fault]

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return the first and the second half."""
        middle = len(self.entries) // 2
        return Batch(self.worker, self.entries[:middle]), Batch(self.worker, self.entries[middle:])

    def set_aside(self, reason: str) -> "Batch":
        """Return the batch with every entry to be set aside."""
        return Batch(self.worker, tuple(replace(entry, record=None, fault=reason) for entry in self.entries))
