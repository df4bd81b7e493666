"""Judges the verdicts of a period again, in slices, and adds up what differs.

In: a cursor over stored verdicts, a shelf of rulebooks, and what else should judge. Out: a ``Tally``, and each
difference to whoever wants it. Slices are judged in a thread; what they need is loaded before.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rules import CompiledPack, Rulebook
from rules.dip.directory import Directory
from rules.model import Overlay
from service.db.patient_keys import AnyConnection
from service.db.replays import Filters, Row, stored_rows
from service.replay.comparing import Difference, compare, spoken
from service.replay.loading import NotLoadable, Shelf
from service.replay.replaying import Again, Unreadable, department_of, judge_again, judged_by, same_engine
from service.replay.tally import Tally
from service.sealing import Sealer

SLICE: Final = 50
"""Verdicts judged before others get their turn: tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Others:
    """What should judge instead of a verdict's own rules; nothing at all is a replay under its own."""

    packs: tuple[CompiledPack, ...] = ()
    """As if they had been activated: each takes the place of the rulebook's pack of its name, or stands beside."""
    scheme: Directory | None = None
    """Judges every stay, whatever days it is in force on."""
    overlay: Overlay | None = None

    @property
    def own(self) -> bool:
        """Whether verdicts are judged by their own rules."""
        return not self.packs and self.scheme is None and self.overlay is None


@dataclass(frozen=True, slots=True)
class Differing:
    """A verdict that came out otherwise; ``departments`` go with ``spoken(difference)``, one each."""

    row: Row
    difference: Difference
    departments: list[str]


Sink = Callable[[Differing], None]


class Bulk:
    """One replay in bulk."""

    def __init__(self, shelf: Shelf, others: Others, sink: Sink | None = None) -> None:
        self._shelf = shelf
        self._others = others
        self._sink = sink
        self.tally = Tally()

    async def run(
        self,
        connection: AnyConnection,
        sealer: Sealer,
        hospital: str,
        filters: Filters,
        *,
        progress: Callable[[Tally], None] | None = None,
        pause: float = 0.0,
    ) -> None:
        """Judge a hospital's verdicts; ``pause`` seconds between slices leave the processor to others.

        Raises what the database raises.
        """
        async with stored_rows(connection, sealer, hospital, filters) as cursor:
            while rows := await cursor.fetch(SLICE):
                await self._slice(rows)
                if progress is not None:
                    progress(self.tally)
                await asyncio.sleep(pause)

    async def _slice(self, rows: Sequence[Row]) -> None:
        tally = self.tally
        tally.read += len(rows)
        tally.erased += sum(row.lost == "erased" for row in rows)
        tally.damaged += sum(row.lost == "damaged" for row in rows)
        whole = [row for row in rows if row.lost is None]
        ready: list[tuple[Row, Rulebook, Directory | None]] = []
        loaded = await self._load(whole)
        for row in whole:
            found = loaded[row.rulebook, row.scheme]
            if isinstance(found, NotLoadable):
                tally.lost(str(found))
            else:
                ready.append((row, *found))
        for differing in await self._shelf.apart(self._judge, ready):
            if self._sink is not None:
                self._sink(differing)

    async def _load(
        self, rows: Iterable[Row]
    ) -> dict[tuple[str, str | None], tuple[Rulebook, Directory | None] | NotLoadable]:
        """Return rulebook and scheme of each pair of digests in a slice, or why they cannot be had."""
        found: dict[tuple[str, str | None], tuple[Rulebook, Directory | None] | NotLoadable] = {}
        for rulebook, scheme in dict.fromkeys((row.rulebook, row.scheme) for row in rows):
            try:
                book = await self._shelf.rulebook(rulebook, self._others.packs)
                directory = self._others.scheme
                if directory is None and scheme is not None:
                    directory = await self._shelf.directory(scheme)
                found[rulebook, scheme] = (book, directory)
            except NotLoadable as fault:
                found[rulebook, scheme] = fault
        return found

    def _judge(self, ready: Iterable[tuple[Row, Rulebook, Directory | None]]) -> list[Differing]:
        """Judge rows in the shelf's thread; nobody else touches the tally meanwhile."""
        found = []
        for row, rulebook, scheme in ready:
            time.sleep(0)  # whoever answers checks in this process need not wait for more than one verdict
            try:
                differing = self._one(row, rulebook, scheme)
            except Unreadable:
                self.tally.damaged += 1
                continue
            if differing is not None:
                self.tally.name(row.id)
                found.append(differing)
        return found

    def _one(self, row: Row, rulebook: Rulebook, scheme: Directory | None) -> Differing | None:
        """Judge one row and count it; return it when it came out otherwise."""
        engine_differs = not same_engine(judged_by(row.verdict))
        again = judge_again(row.input, rulebook, scheme, self._others.overlay)
        if self._others.own and not engine_differs and again.verdict == row.verdict:
            self._count(row, again, engine_differs=False)
            self.tally.same += 1
            return None
        difference = compare(row.verdict, again.verdict)
        departments = [_department(again, row, one or other) for _, one, other in spoken(difference)]
        self._count(row, again, engine_differs=engine_differs)
        if self._others.own:
            self.tally.different += not engine_differs
            self.tally.engine_speaks_differently += engine_differs and difference.speaks
            differs = not engine_differs or difference.speaks
        else:
            self.tally.compare(difference, departments)
            self.tally.changed += difference.speaks
            self.tally.unchanged += not difference.speaks
            differs = difference.speaks
        return Differing(row, difference, departments) if differs else None

    def _count(self, row: Row, again: Again, *, engine_differs: bool) -> None:
        self.tally.replayed += 1
        self.tally.engine_differs += engine_differs
        self.tally.stored_seconds += row.elapsed_us / 1_000_000
        self.tally.seconds += again.seconds


def _department(again: Again, row: Row, finding: object) -> str:
    lines: tuple[int, ...] = getattr(finding, "lines", ())
    return department_of(again.encounter, lines, row.department) or ""
