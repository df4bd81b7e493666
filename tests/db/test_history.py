"""What the record holds of one patient, as a check asks for it: one query, by its index, in the months that matter."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bench import history as bench_history
from rules import Encounter, Look, encode
from rules.model import NO_CONTEXT, Context, History, Line, PastVisit, Patient, Visit
from service.db import history, history_writes
from service.db.history import PAST, PLANNED_ONCE, TooMany, Wanted
from service.db.pool import Pool
from service.history.context import HistoryContext
from service.saved_lines import saved_lines
from service.sealing import Sealer

pytestmark = [pytest.mark.db, pytest.mark.anyio]

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 18)
NOW = datetime(2026, 3, 18, 10, 0, tzinfo=ZONE)
TOLD = datetime(2026, 3, 18, 9, 0, tzinfo=UTC)
SEALER = Sealer(bytes(32))
PATIENCE = 5.0
"""Seconds: a busy test machine is no reason to fail."""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url, settings=PLANNED_ONCE)
    yield pool
    await pool.close()


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ZONE)


def a_line(item: str = "A01", day: str = "2026-03-10 08:00", **changes: Any) -> Line:
    return Line(
        **({"id": f"{item} {day}", "item": item, "begin": at(day), "timed": True, "quantity": 1_0000} | changes)
    )


def an_order(*lines: Line, patient: str = "p", visit: str = "V1", **changes: Any) -> Encounter:
    now = lines or (a_line(day="2026-03-18 10:00"),)
    return Encounter(hospital="H1", patient=Patient(pseudonym=patient), visit=Visit(id=visit), lines=now, **changes)


async def save(
    pool: Pool, *lines: Line, hospital: str = "H1", patient: str = "p", visit: str = "V0", status: str = "saved"
) -> None:
    rows = [
        history_writes.LineRow(
            saved.day,
            saved.key,
            patient,
            saved.line.item,
            saved.visit,
            status,
            "confirm",
            None,
            encode(saved.line),
            TOLD,
        )
        for saved in saved_lines(hospital, visit, lines, time=NOW, zone=ZONE)
    ]
    await history_writes.write_past(pool, history_writes.Months(), hospital, rows, [], sealer=SEALER)


async def visited(pool: Pool, *visits: PastVisit, hospital: str = "H1", patient: str = "p") -> None:
    rows = [history_writes.VisitRow(patient, visit.id, encode(visit), TOLD) for visit in visits]
    await history_writes.write_past(pool, history_writes.Months(), hospital, [], rows, sealer=SEALER)


async def asked(pool: Pool, *looks: Look, encounter: Encounter | None = None) -> History:
    context = await HistoryContext(pool, ZONE)(looks, encounter or an_order(), PATIENCE)
    assert context.late == ()
    assert context.history is not None
    return context.history


def days_of(found: History) -> list[tuple[str, str]]:
    return sorted((line.item, line.begin.date().isoformat()) for line in found.lines if line.begin)


class TestLines:
    async def test_those_of_the_patient_in_the_window(self, pool: Pool) -> None:
        """Not of others, not from before, not of items nobody asked about, not of another hospital."""
        await save(pool, a_line(day="2026-03-10 08:00"), a_line(day="2026-02-16 23:59"), a_line(day="2026-02-17 00:00"))
        await save(pool, a_line("B01"))
        await save(pool, a_line(day="2026-03-11 08:00"), patient="q")
        await save(pool, a_line(day="2026-03-12 08:00"), hospital="H2")

        assert [("A01", "2026-02-17"), ("A01", "2026-03-10")] == days_of(await asked(pool, Look(("A01",), 29)))

    async def test_cancelled_ones_never_come(self, pool: Pool) -> None:
        """Taking a line back is the last that was told of it."""
        await save(pool, a_line(), a_line(day="2026-03-11 08:00"))
        await save(pool, a_line(), status="cancelled")

        assert [("A01", "2026-03-11")] == days_of(await asked(pool, Look(("A01",), 30)))

    async def test_a_family_is_asked_by_its_first_characters(self, pool: Pool) -> None:
        """Ambiguous families too; what stands for anything in a pattern of the database stands for itself here."""
        await save(pool, a_line("A01X"), a_line("B01"), a_line("B02"), a_line("C_1"), a_line("CX1"), a_line("D%"))
        found = await asked(pool, Look(("A01*", "B0?", "C_*"), 30))

        assert ["A01X", "B01", "B02", "C_1"] == [item for item, _ in days_of(found)]

    async def test_each_item_has_its_own_window(self, pool: Pool) -> None:
        """Two rules look back differently far; a year does not bring a year of everything."""
        days = ["2026-03-16 08:00", "2026-03-01 08:00", "2025-04-01 08:00"]
        await save(pool, *(a_line(item, day) for item in ("A01", "B01") for day in days))
        found = await asked(pool, Look(("A01",), 7), Look(("B01",), 365))

        assert [("A01", "2026-03-16"), *(("B01", day[:10]) for day in reversed(days))] == days_of(found)

    async def test_they_come_in_the_hospital_s_time_and_by_visit(self, pool: Pool) -> None:
        """A line of this visit names none; one without a visit is of none that is known."""
        late = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)
        await save(pool, a_line(begin=late, stop=late))
        await save(pool, a_line(id="own"), visit="V1")
        await save(pool, a_line(id="none"), visit="")
        found = {line.id: line for line in (await asked(pool, Look(("A01",), 30))).lines}

        assert {"A01 2026-03-10 08:00": "V0", "own": None, "none": ""} == {key: one.visit for key, one in found.items()}
        assert {date(2026, 3, 10)} == {line.begin.date() for line in found.values() if line.begin}
        assert date(2026, 3, 10) == found["A01 2026-03-10 08:00"].stop.date()  # type: ignore[union-attr]

    async def test_the_window_begins_at_the_earliest_current_line(self, pool: Pool) -> None:
        """An order of several days looks back from the first of them."""
        await save(pool, a_line(day="2026-03-03 08:00"), a_line(day="2026-03-02 08:00"))
        order = an_order(a_line(day="2026-03-18 10:00"), a_line(day="2026-03-10 10:00"))

        assert [("A01", "2026-03-03")] == days_of(await asked(pool, Look(("A01",), 7), encounter=order))

    async def test_too_many_are_none(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        """A part of the past would look like the whole of it."""
        monkeypatch.setattr(history, "MOST_ROWS", 2)
        await save(pool, *(a_line(day=f"2026-03-1{number} 08:00") for number in range(3)))
        context = await HistoryContext(pool, ZONE)((Look(("A01",), 30),), an_order(), PATIENCE)

        assert Context(late=("history",)) == context
        wanted = Wanted(date(2026, 1, 1), ["A01"])
        async with pool.connection(PATIENCE) as connection:
            with pytest.raises(TooMany):
                await history.past(connection, "H1", "p", far=wanted, near=wanted, visits=False)


class TestVisits:
    STAY = PastVisit(id="V7", type="inpatient", admitted=at("2026-01-02"), discharged=at("2026-03-05"))

    async def test_they_come_when_they_are_asked_for(self, pool: Pool) -> None:
        """This visit is none of the others; a stay counts by its end, and one without an end may still last."""
        endless = PastVisit(id="V8", type="inpatient", admitted=at("2025-01-01"))
        old = PastVisit(id="V9", type="outpatient", admitted=at("2026-02-01"))
        await visited(pool, self.STAY, endless, old, PastVisit(id="V1", admitted=at("2026-03-17")))
        await visited(pool, PastVisit(id="V5", admitted=at("2026-03-17")), patient="q")

        assert () == (await asked(pool, Look(("A01",), 30))).visits
        assert ("V7", "V8") == tuple(visit.id for visit in (await asked(pool, Look(days=15, visits=True))).visits)

    async def test_they_are_asked_back_from_the_admission(self, pool: Pool) -> None:
        """What comes before a long stay lies before its beginning."""
        await visited(pool, self.STAY)
        order = an_order()
        visit = Visit(id="V1", admitted=at("2026-03-08"))
        staying = Encounter(hospital="H1", patient=order.patient, visit=visit, lines=order.lines)

        assert () == (await asked(pool, Look(days=5, visits=True))).visits
        assert (self.STAY,) == (await asked(pool, Look(days=5, visits=True), encounter=staying)).visits


class TestCoverage:
    async def test_the_last_word_of_the_hospital_holds(self, pool: Pool) -> None:
        """Nobody vouches at first; a declaration does, until it is taken back."""
        for since in (None, date(2025, 6, 1), date(2026, 1, 1), None):
            assert since is None or await history_writes.declare_coverage(pool, "H1", since, "admin")
            await history_writes.declare_coverage(pool, "H1", since, "admin")
            await history_writes.declare_coverage(pool, "H2", date(2020, 1, 1), "admin")

            assert since == (await asked(pool, Look(("A01",), 30))).since

    async def test_it_says_what_was_asked_for(self, pool: Pool) -> None:
        """So that nobody takes what was not asked for as absent."""
        found = await asked(pool, Look(("B01", "A01"), 30), Look(("C*",), 365), Look(days=31, visits=True))

        assert [
            (date(2025, 3, 18), ("C*",), False),
            (date(2026, 2, 15), (), True),
            (date(2026, 2, 16), ("A01", "B01"), False),
        ] == [(one.since, one.items, one.visits) for one in found.asked or ()]


class TestNothing:
    @pytest.mark.parametrize(("looks", "patient"), [((), "p"), ((Look(("A01",), 30),), "")])
    async def test_is_asked_of_nobody_and_of_no_item(self, looks: tuple[Look, ...], patient: str) -> None:
        """Not even a connection is made."""
        context = HistoryContext(Pool("postgresql://nowhere.invalid/x"), ZONE)

        assert await context(looks, an_order(patient=patient), PATIENCE) is NO_CONTEXT


class TestPlan:
    async def test_it_uses_the_index_in_the_months_that_matter(self, pool: Pool) -> None:
        """Two years of months: a month's window opens two of them, each by hospital, patient and day."""
        scans = [node for node in nodes(await planned(pool, date(2026, 2, 16))) if filled(node)]

        assert {"saved_line_2026_02", "saved_line_2026_03"} == {relation(node) for node in scans}
        for node in scans:
            condition = " ".join(one["Index Cond"] for one in nodes(node) if "Index Cond" in one)
            assert ["hospital", "patient", "day"] == [
                name for name in ("hospital", "patient", "day") if name in condition
            ]

    async def test_a_plan_kept_for_all_values_does_too(self, pool: Pool) -> None:
        """After a few calls the server may keep one plan; months are then left out as it runs."""
        scans = [
            node
            for node in nodes(await planned(pool, date(2026, 2, 16), kept=True))
            if filled(node) and node["Actual Loops"]
        ]

        assert {"saved_line_2026_02", "saved_line_2026_03"} == {relation(node) for node in scans}
        assert {True} == {"patient" in str(node.get("Index Cond", "patient")) for node in scans}


async def planned(pool: Pool, since: date, *, kept: bool = False) -> dict[str, Any]:
    """Return how the server goes about a look-up in two years of lines."""
    async with pool.connection(PATIENCE * 4) as connection:
        await bench_history.fill(connection, bench_history.Size(20_000))
        await connection.execute("ANALYZE saved_line")
        await connection.execute(f"SET plan_cache_mode = force_{'generic' if kept else 'custom'}_plan")
        arguments = (bench_history.HOSPITAL, "patient-7", since, ["A01"], ["B%"], since, ["C01"], [], False)
        (row,) = await connection.fetch("EXPLAIN (ANALYZE, FORMAT JSON) " + PAST, *arguments)
    plan: dict[str, Any] = json.loads(row[0])[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


def relation(node: dict[str, Any]) -> str:
    return str(node.get("Relation Name", ""))


def filled(node: dict[str, Any]) -> bool:
    """Say whether a part of a plan reads a month that has lines; later ones are made ahead by the calendar."""
    return "saved_line_2" in relation(node) and relation(node) < "saved_line_2026_04"
