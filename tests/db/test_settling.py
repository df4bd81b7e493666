"""What was told of lines is applied once verdict and word are both there, in whatever order they came."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.model import Diagnosis, Encounter, Input, Line, PastVisit, Patient, Visit, encode
from service.db import history_writes
from service.db import settling as waiting_rows
from service.db.patient_keys import keys_for
from service.db.pool import Pool
from service.db.tables import next_month, partition_name
from service.errors import Problem
from service.history import settling
from service.history.settling import Settler
from service.metrics import HISTORY_TOLD
from service.sealing import Sealer, bound_to
from tests.writer.samples import NOON, SHANGHAI, TODAY

pytestmark = [pytest.mark.db, pytest.mark.anyio]

SEALER = Sealer(bytes(32))
HOSPITAL = "H1"
PATIENT = "a" * 32
ROOM = UUID(int=7)
TABLES = ("verdict", "finding", "disposition", "line_event", "saved_line")


def an_id(name: str) -> UUID:
    return uuid5(ROOM, name)


def a_line(position: int, *, begin: datetime | None = NOON, **others: Any) -> Line:
    return Line(
        position=position, id=f"rx{position}", item=f"XA{position}", quantity=10_000, begin=begin, timed=True, **others
    )


def an_encounter(*lines: Line, patient: str = PATIENT) -> Encounter:
    visit = Visit(id="V1", type="outpatient", department="D1", admitted=NOON)
    return Encounter(
        hospital=HOSPITAL,
        patient=Patient(pseudonym=patient),
        visit=visit,
        diagnoses=(Diagnosis(code="I10", main=True),),
        lines=lines or (a_line(0), a_line(1)),
    )


async def make_months(connection: asyncpg.Connection, *months: date) -> None:
    """Make the partitions that the recorder makes."""
    for month, table in itertools.product(months, TABLES):
        if table != "saved_line":
            await connection.execute(
                f"CREATE TABLE IF NOT EXISTS {partition_name(table, month)} PARTITION OF {table}"
                f" FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
            )


async def insert(connection: asyncpg.Connection, table: str, **row: Any) -> None:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def put_verdict(
    connection: asyncpg.Connection,
    name: str,
    encounter: Encounter | None = None,
    *,
    findings: Iterable[tuple[int, ...]] = ((0,), (1,)),
    sealed: bool = True,
    content: bytes | None = None,
    day: date = TODAY,
) -> UUID:
    """Write a verdict as the recorder does: its input sealed, a row per finding."""
    key, given_ = an_id(name), encounter or an_encounter()
    body = encode(Input(encounter=given_, time=NOON)) if content is None else content
    sealing = None
    if sealed:
        patient = given_.patient.pseudonym
        sealing = (await keys_for(connection, SEALER, [(HOSPITAL, patient)]))[HOSPITAL, patient]
        body = SEALER.seal(sealing.key, body, bound_to("verdict", "input", HOSPITAL, str(key)))
    texts = dict.fromkeys(("engine", "rulebook", "overlay", "content_digest"), "")
    await insert(
        connection,
        "verdict",
        hospital=HOSPITAL,
        day=day,
        id=key,
        received=NOON,
        dialect="native",
        mode="check",
        visit="V1",
        patient=given_.patient.pseudonym,
        state="warned",
        amount=0,
        elapsed_us=1,
        input=body,
        verdict=b"",
        key=sealing and sealing.id,
        **texts,
    )
    names = ("rule", "kind", "code", "certainty", "level", "scope", "title", "item", "message")
    for number, lines in enumerate(findings, 1):
        await insert(
            connection,
            "finding",
            hospital=HOSPITAL,
            day=day,
            verdict_id=key,
            number=number,
            amount=0,
            lines=lines,
            **dict.fromkeys(names, ""),
        )
    return key


@dataclass
class Told:
    """One event, at so many minutes past noon."""

    action: str
    minute: int = 0
    number: int | None = None
    lines: list[str] | None = field(default=None)


async def put_event(connection: asyncpg.Connection, verdict: UUID, told: Told, *, name: str = "") -> None:
    await insert(
        connection,
        "line_event",
        hospital=HOSPITAL,
        day=TODAY,
        id=an_id(f"{verdict}{told}{name}"),
        verdict_id=verdict,
        number=told.number,
        lines=told.lines,
        action=told.action,
        source="confirm",
        received=NOON + timedelta(minutes=told.minute),
    )


async def put_disposition(
    connection: asyncpg.Connection, verdict: UUID, action: str, *, minute: int = 0, number: int = 1, reason: str = ""
) -> None:
    await insert(
        connection,
        "disposition",
        hospital=HOSPITAL,
        day=TODAY,
        finding_id=f"{verdict}-{number}",
        action=action,
        reason_digest=action.encode(),
        verdict_id=verdict,
        number=number,
        reason=reason,
        explained=True,
        received=NOON + timedelta(minutes=minute),
        dialect="native",
    )


async def state_of(connection: asyncpg.Connection, verdict: UUID) -> tuple[Any, Any]:
    """Return lines and findings as they stand."""
    lines = await connection.fetch(
        "SELECT status, line, received FROM saved_line WHERE verdict_id = $1 ORDER BY item", verdict
    )
    findings = await connection.fetch(
        "SELECT action, acted, outcome, concluded FROM finding WHERE verdict_id = $1 ORDER BY number", verdict
    )
    return [tuple(row) for row in lines], [tuple(row) for row in findings]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await make_months(connection, TODAY.replace(day=1))
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


def a_settler(pool: Pool, *, clock: datetime = NOON) -> Settler:
    return Settler(pool, SEALER, SHANGHAI, clock=lambda: clock)


@pytest.fixture
def settler(pool: Pool) -> Settler:
    return a_settler(pool)


async def statuses(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT item, status FROM saved_line ORDER BY item")
    return {row["item"]: row["status"] for row in rows}


async def results(connection: asyncpg.Connection) -> list[str | None]:
    return [row["result"] for row in await connection.fetch("SELECT result FROM line_event ORDER BY received")]


class TestLines:
    async def test_all_current_lines_by_default(self, connection, settler):
        """A confirmation that names nothing is about every line that was being saved, and no history line."""
        verdict = await put_verdict(connection, "v", an_encounter(a_line(0), a_line(1), a_line(2, current=False)))
        await put_event(connection, verdict, Told("saved"))

        assert 1 == await settler.settle_all()
        assert {"XA0": "saved", "XA1": "saved"} == await statuses(connection)
        row = await connection.fetchrow("SELECT * FROM saved_line WHERE item = 'XA0'")
        assert (HOSPITAL, TODAY, PATIENT, "V1", "confirm", verdict) == tuple(
            row[name] for name in ("hospital", "day", "patient", "visit", "source", "verdict_id")
        )
        line = msgspec.json.decode(row["line"], type=Line)
        assert ("rx0", False, "V1", NOON, None) == (line.id, line.current, line.visit, line.begin, line.self_paid)

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            (Told("saved", lines=["rx1"]), {"XA1": "saved"}),
            (Told("saved", number=1), {"XA0": "saved"}),
            (Told("saved", number=3), {"XA0": "saved", "XA1": "saved"}),
            (Told("saved", number=3, lines=["rx0"]), {"XA0": "saved"}),
            (Told("cancelled"), {"XA0": "cancelled", "XA1": "cancelled"}),
        ],
    )
    async def test_named_lines(self, connection, settler, told, expected):
        """By id, by finding, or both."""
        verdict = await put_verdict(connection, "v", findings=[(0,), (1,), (0, 1)])
        await put_event(connection, verdict, told)
        await settler.settle_all()

        assert expected == await statuses(connection)

    @pytest.mark.parametrize("told", [Told("saved", lines=["rx9"]), Told("saved", number=9)])
    async def test_what_names_no_line_says_so(self, connection, settler, told):
        """Nothing is saved, and the event is settled as such."""
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, told)
        await settler.settle_all()

        assert {} == await statuses(connection)
        assert ["no_line"] == await results(connection)

    async def test_a_line_without_a_time_has_the_messages(self, connection, settler):
        """That is what the check went by, too."""
        verdict = await put_verdict(connection, "v", an_encounter(a_line(0, begin=None)))
        await put_event(connection, verdict, Told("saved"))
        await settler.settle_all()

        assert [TODAY] == [row["day"] for row in await connection.fetch("SELECT day FROM saved_line")]

    async def test_lines_of_other_months_and_impossible_years(self, connection, settler):
        """A month that has no partition yet gets one; a year that is a slip of the pen is left out."""
        last, wild = NOON - timedelta(days=40), NOON.replace(year=2206)
        verdict = await put_verdict(connection, "v", an_encounter(a_line(0, begin=last), a_line(1, begin=wild)))
        await put_event(connection, verdict, Told("saved"))
        await settler.settle_all()

        assert {"XA0": "saved"} == await statuses(connection)

    async def test_who_pays_is_remembered(self, connection, settler):
        """A line turned to self-pay stays so when it is confirmed as saved, until it is cancelled."""
        verdict = await put_verdict(connection, "v")
        for told in (Told("self_paid", 1, number=1), Told("saved", 2)):
            await put_event(connection, verdict, told)
        await settler.settle_all()
        lines, _ = await state_of(connection, verdict)
        assert [True, None] == [msgspec.json.decode(line, type=Line).self_paid for _, line, _ in lines]

        for told in (Told("cancelled", 3), Told("saved", 4)):
            await put_event(connection, verdict, told)
        await settler.settle_all()
        lines, _ = await state_of(connection, verdict)
        assert [None, None] == [msgspec.json.decode(line, type=Line).self_paid for _, line, _ in lines]

    async def test_the_visit_is_kept(self, connection, settler):
        """With its kind, department, days and main diagnosis, once something of it was saved."""
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, Told("cancelled"))
        await settler.settle_all()
        assert [] == await connection.fetch("SELECT * FROM saved_visit")

        await put_event(connection, verdict, Told("saved", 1))
        await settler.settle_all()
        row = await connection.fetchrow("SELECT * FROM saved_visit")
        assert PastVisit(
            id="V1", type="outpatient", department="D1", admitted=NOON, diagnosis="I10"
        ) == msgspec.json.decode(row["past_visit"], type=PastVisit)
        assert (HOSPITAL, PATIENT, "V1") == (row["hospital"], row["patient"], row["visit"])

    async def test_somebody_unknown_leaves_no_line(self, connection, settler):
        """Nobody could look it up; the finding is concluded all the same."""
        verdict = await put_verdict(connection, "v", an_encounter(patient=""))
        await put_event(connection, verdict, Told("saved"))
        await settler.settle_all()

        assert ({}, ["no_patient"]) == (await statuses(connection), await results(connection))
        assert ["charged", "charged"] == [row[2] for row in (await state_of(connection, verdict))[1]]

    async def test_a_verdict_of_the_version_before(self, connection, settler):
        """It is plain, and is read all the same."""
        verdict = await put_verdict(connection, "v", sealed=False)
        await put_event(connection, verdict, Told("saved"))
        await settler.settle_all()

        assert {"XA0": "saved", "XA1": "saved"} == await statuses(connection)


class TestFindings:
    async def test_charged_and_withdrawn(self, connection, settler):
        """A finding is charged when a line of it was saved, and withdrawn when all its lines were cancelled."""
        verdict = await put_verdict(connection, "v", findings=[(0,), (1,), (0, 1), ()])
        await put_event(connection, verdict, Told("saved", 1, lines=["rx0"]))
        await settler.settle_all()
        _, found = await state_of(connection, verdict)
        assert ["charged", None, "charged", None] == [row[2] for row in found]

        await put_event(connection, verdict, Told("cancelled", 2, lines=["rx0"]))
        await settler.settle_all()
        _, found = await state_of(connection, verdict)
        assert ["cancelled", None, None, None] == [row[2] for row in found]

        await put_event(connection, verdict, Told("cancelled", 3))
        await settler.settle_all()
        _, found = await state_of(connection, verdict)
        assert ["cancelled", "cancelled", "cancelled", None] == [row[2] for row in found]
        assert NOON + timedelta(minutes=3) == found[0][3]

    async def test_the_latest_disposition_is_the_action(self, connection, settler):
        """Late and repeated dispositions are fine; none leaves a finding as it is."""
        verdict = await put_verdict(connection, "v")
        await put_disposition(connection, verdict, "continued", minute=5)
        await put_disposition(connection, verdict, "revised", minute=1)
        await put_event(connection, verdict, Told("reviewed", 5, number=1))
        await settler.settle_all()

        _, found = await state_of(connection, verdict)
        assert [("continued", NOON + timedelta(minutes=5), None, None), (None, None, None, None)] == found
        assert ["applied"] == await results(connection)

    @pytest.mark.parametrize("sealed", [True, False])
    async def test_a_reason_is_sealed(self, connection, settler, sealed):
        """With the key of the verdict's person; nothing of it stays readable."""
        verdict = await put_verdict(connection, "v", sealed=sealed)
        await put_disposition(connection, verdict, "continued", reason="病情需要")
        await put_event(connection, verdict, Told("saved", number=1))
        await settler.settle_all()

        row = await connection.fetchrow("SELECT * FROM disposition")
        wrapped = await connection.fetchval("SELECT wrapped FROM patient_key WHERE id = $1", row["key"])
        bound = bound_to("disposition", "reason", HOSPITAL, row["finding_id"])
        assert "" == row["reason"]
        assert "病情需要" == SEALER.open_sealed(SEALER.unwrap(wrapped), row["sealed_reason"], bound).decode()

        await put_event(connection, verdict, Told("saved", 2))
        await settler.settle_all()
        assert row == await connection.fetchrow("SELECT * FROM disposition")

    async def test_of_an_erased_person_nothing_comes_back(self, connection, settler):
        """The event is settled as erased: no line, no reason, and the finding stays as it was."""
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, Told("saved", 1))
        await settler.settle_all()
        await connection.execute("DELETE FROM patient_key")
        await connection.execute("DELETE FROM saved_line")
        await put_disposition(connection, verdict, "deleted", reason="病情需要")
        await put_event(connection, verdict, Told("cancelled", 2))
        await settler.settle_all()

        assert ({}, ["applied", "erased"]) == (await statuses(connection), await results(connection))
        assert ("", None) == tuple(await connection.fetchrow("SELECT reason, sealed_reason FROM disposition"))
        assert ["charged", "charged"] == [row[2] for row in (await state_of(connection, verdict))[1]]


class TestOrder:
    async def test_the_word_may_come_before_the_verdict(self, connection, settler):
        """It waits, and is applied when the verdict is there."""
        await put_event(connection, an_id("v"), Told("saved"))
        assert 0 == await settler.settle_all()
        assert [None] == await results(connection)

        await put_verdict(connection, "v")
        assert 1 == await settler.settle_all()
        assert ["applied"] == await results(connection)

    async def test_another_hospitals_word_is_nobodys(self, connection, settler):
        """A verdict is found by hospital and id together."""
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, Told("saved"))
        await connection.execute("UPDATE line_event SET hospital = 'H2'")

        assert 0 == await settler.settle_all()

    async def test_what_never_comes_is_given_up_and_counted(self, connection, pool):
        """After seven days; until then the event is looked at now and then, though no longer all the time."""
        await put_event(connection, an_id("v"), Told("saved"))
        counter = HISTORY_TOLD.labels("settling", "no_verdict")
        before = counter._value.get()

        await a_settler(pool, clock=NOON + timedelta(days=6)).settle_all()
        assert [None] == await results(connection)
        await a_settler(pool, clock=NOON + timedelta(days=8)).settle_all()
        assert ["no_verdict"] == await results(connection)
        assert 1 == counter._value.get() - before

    async def test_many_are_given_up_a_few_at_a_time(self, connection, pool, monkeypatch):
        """However many there are, no statement is about all of them, and all are counted."""
        monkeypatch.setattr(settling, "GIVEN_UP", 2)
        for number in range(5):
            await put_event(connection, an_id(f"v{number}"), Told("saved"))
        counter = HISTORY_TOLD.labels("settling", "no_verdict")
        before = counter._value.get()
        await a_settler(pool, clock=NOON + timedelta(days=8)).settle_all()

        assert ["no_verdict"] * 5 == await results(connection)
        assert 5 == counter._value.get() - before

    async def test_an_older_word_never_undoes_a_newer_one(self, connection, pool, settler):
        """Whoever told it: a cancellation by the caller, told later, holds against what is settled afterwards."""
        verdict = await put_verdict(connection, "v", an_encounter(a_line(0)))
        await put_event(connection, verdict, Told("saved", 1))
        await settler.settle_all()
        row = await connection.fetchrow("SELECT day, line_key, line FROM saved_line")
        told = history_writes.LineRow(
            day=row["day"],
            key=row["line_key"],
            patient=PATIENT,
            item="XA0",
            visit="V1",
            status="cancelled",
            source="confirm",
            verdict_id=None,
            line=row["line"],
            received=NOON + timedelta(minutes=9),
        )
        await history_writes.write_past(pool, history_writes.Months(), HOSPITAL, [told], [], sealer=SEALER)
        await put_event(connection, verdict, Told("saved", 5))
        await settler.settle_all()

        assert {"XA0": "cancelled"} == await statuses(connection)
        assert "cancelled" == (await state_of(connection, verdict))[1][0][2]

    async def test_a_message_does_not_take_over_a_line(self, connection, pool, settler):
        """The verdict it was saved by stays known: a cancellation withdraws that one's findings."""
        verdict = await put_verdict(connection, "v", an_encounter(a_line(0)))
        await put_event(connection, verdict, Told("saved", 1))
        await settler.settle_all()
        row = await connection.fetchrow("SELECT day, line_key, patient, item, visit, status, line FROM saved_line")
        facts = dict(row)
        told = history_writes.LineRow(
            **{name: facts[name] for name in ("day", "patient", "item", "visit", "status", "line")},
            key=facts["line_key"],
            source="message",
            verdict_id=an_id("other"),
            received=NOON + timedelta(minutes=2),
        )
        await history_writes.write_past(pool, history_writes.Months(), HOSPITAL, [told], [], sealer=SEALER)

        found = await connection.fetchrow("SELECT source, verdict_id FROM saved_line")
        assert ("message", verdict) == tuple(found)

    async def test_two_settlers_share_the_work(self, connection, pool):
        """Each event is settled once, and the end is the same as with one."""
        for number in range(30):
            verdict = await put_verdict(connection, f"v{number}", an_encounter(a_line(number)), findings=[(number,)])
            await put_event(connection, verdict, Told("saved"))
        first, second = a_settler(pool), a_settler(pool)
        done = await asyncio.gather(first.settle_all(), second.settle_all())

        assert 30 == sum(done)
        assert 30 == len(await statuses(connection))


class TestFaults:
    async def test_a_verdict_that_cannot_be_read_stops_nobody(self, connection, settler):
        """It is settled as unreadable; the others go on."""
        broken = await put_verdict(connection, "broken", content=b"{")
        other = await put_verdict(connection, "other")
        for verdict in (broken, other):
            await put_event(connection, verdict, Told("saved"))
        await connection.execute("UPDATE verdict SET input = input || '\\x00' WHERE id = $1", other)
        edge = NOON.replace(year=1, month=1, day=1, hour=0)
        early = await put_verdict(connection, "early", an_encounter(a_line(0, begin=edge)))
        await put_event(connection, early, Told("saved", 1))
        third = await put_verdict(connection, "third")
        await put_event(connection, third, Told("saved", 2))
        await settler.settle_all()

        assert ["unreadable", "unreadable", "unreadable", "applied"] == await results(connection)

    async def test_what_the_database_refuses_is_set_aside(self, connection, settler, monkeypatch):
        """One event at a time, so that one cannot hold up the rest."""
        rows_of = settling.reading.line_rows

        def poisoned(*given: Any) -> Iterator[Any]:
            for row in rows_of(*given):
                yield with_item(row, "\0") if row.verdict_id == an_id("bad") else row

        monkeypatch.setattr(settling.reading, "line_rows", poisoned)
        for minute, name in enumerate(("one", "bad", "two")):
            verdict = await put_verdict(connection, name, an_encounter(a_line(minute)), findings=[(minute,)])
            await put_event(connection, verdict, Told("saved", minute))
        await settler.settle_all()

        assert ["applied", "refused", "applied"] == await results(connection)
        assert {"XA0": "saved", "XA2": "saved"} == await statuses(connection)

    async def test_a_cut_connection_leaves_nothing_half_done(self, connection, settler, monkeypatch):
        """All of a batch or nothing: what was cut is done again."""
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, Told("saved"))
        upsert = history_writes.upsert_visits

        async def cut(own: asyncpg.Connection, *others: Any) -> None:
            await upsert(own, *others)
            await connection.fetch("SELECT pg_terminate_backend($1)", await own.fetchval("SELECT pg_backend_pid()"))
            await own.fetchval("SELECT 1")

        monkeypatch.setattr(history_writes, "upsert_visits", cut)
        with pytest.raises(Problem):
            await settler.settle_all()
        assert ({}, [None]) == (await statuses(connection), await results(connection))

        monkeypatch.setattr(history_writes, "upsert_visits", upsert)
        settler._months.forget()
        await settler.settle_all()
        assert {"XA0": "saved", "XA1": "saved"} == await statuses(connection)

    async def test_it_goes_on_after_an_outage(self, connection, pool, monkeypatch):
        """A database that does not answer is waited out, and the task lives."""
        settler = Settler(pool, SEALER, SHANGHAI, every=0.01, clock=lambda: NOON)
        attempt, failures = settler.settle_all, iter([OSError(), asyncpg.PostgresConnectionError()])

        async def failing() -> int:
            for failure in failures:
                raise failure
            return await attempt()

        monkeypatch.setattr(settler, "settle_all", failing)
        task = asyncio.create_task(settler.run())
        verdict = await put_verdict(connection, "v")
        await put_event(connection, verdict, Told("saved"))
        async with asyncio.timeout(10):
            while await results(connection) != ["applied"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test_partitions_retired_meanwhile_are_made_again(self, connection, settler):
        """A month that was dropped while the settler thought it was there."""
        for number in range(2):
            verdict = await put_verdict(connection, f"v{number}", an_encounter(a_line(number)), findings=[(number,)])
            await put_event(connection, verdict, Told("saved", number))
            try:
                await settler.settle_all()
            except asyncpg.CheckViolationError:
                await settler.settle_all()
            await connection.execute(f"DROP TABLE {partition_name('saved_line', TODAY.replace(day=1))}")

        assert ["applied", "applied"] == await results(connection)


def with_item(row: history_writes.LineRow, item: str) -> history_writes.LineRow:
    return history_writes.LineRow(**{name: getattr(row, name) for name in row.__slots__} | {"item": item})


EVENTS = st.lists(
    st.builds(
        Told,
        st.sampled_from(["saved", "self_paid", "cancelled", "reviewed"]),
        st.integers(0, 4),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, ["rx0"], ["rx1"], ["rx0", "rx1"]]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=EVENTS, data=st.data())
def test_any_order_ends_alike(postgres_server, told, data):
    """Events and verdict in any order, settled at any moments in between: the same lines and findings."""
    steps: list[Told | None] = [*told, None]
    shuffled = data.draw(st.permutations(list(enumerate(steps))))
    pauses = data.draw(st.sets(st.integers(0, len(steps) - 1)))
    url = _shared_database(postgres_server)
    assert asyncio.run(_play(url, list(enumerate(steps)), set())) == asyncio.run(_play(url, shuffled, pauses))


def _shared_database(server: Any, made: dict[int, str] = {}) -> str:  # noqa: B006 - one for all examples
    if id(server) not in made:
        made[id(server)] = server.migrated_database()
    return made[id(server)]


async def _play(url: str, steps: list[tuple[int, Told | None]], pauses: set[int]) -> tuple[Any, Any]:
    """Do the steps in order, settling after some of them and at the end; return the state and clean up."""
    connection, pool = await asyncpg.connect(url), Pool(url)
    settler = a_settler(pool, clock=NOON.astimezone(UTC))
    try:
        await make_months(connection, TODAY.replace(day=1))
        await connection.execute(
            "DELETE FROM verdict; DELETE FROM finding; DELETE FROM line_event;"
            "DELETE FROM saved_line; DELETE FROM saved_visit"
        )
        for place, (number, step) in enumerate(steps):
            if step is None:
                await put_verdict(connection, "v")
            else:
                await put_event(connection, an_id("v"), step, name=str(number))
            if place in pauses:
                await settler.settle_all()
        await settler.settle_all()
        return await state_of(connection, an_id("v"))
    finally:
        await pool.close()
        await connection.close()


async def test_verdicts_are_looked_up_one_by_one(connection):
    """However the statistics stand, no look goes through all verdicts."""
    for number in range(60):
        verdict = await put_verdict(connection, f"v{number}", findings=[])
        await put_event(connection, verdict, Told("saved"))
    await connection.execute("ANALYZE")
    rows = await connection.fetch(f"EXPLAIN {waiting_rows._WAITING}", HOSPITAL, NOON, 200)
    plan = "\n".join(row[0] for row in rows)

    assert "SubPlan" in plan
    assert "Join" not in plan
    assert "(id = e.verdict_id)" in plan
