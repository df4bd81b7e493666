"""Look-ups in the record of saved lines: a big record made on the server, and the query a check waits for.

Lines are laid down day after day, as they come in over the years, so that those of one patient lie far apart.
"""

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import asyncpg

from rules import Encounter, Look
from rules.model import Line, Patient, Visit
from service.db.history import PLANNED_ONCE, past
from service.db.history_writes import Months
from service.db.migrate import upgrade
from service.db.patient_keys import AnyConnection
from service.db.pool import Pool
from service.embedded_postgres import DataDirectoryLock, EmbeddedPostgres
from service.history.context import HistoryContext, asked_of, wanted

ZONE: Final = timezone(timedelta(hours=8))
TODAY: Final = date(2026, 3, 31)
HOSPITAL: Final = "H10000000001"
LINES_EACH: Final = 200
"""Lines of one patient over all months."""
ITEMS: Final = 60
"""Different items a patient's lines are of."""
LOOKS: Final = 12
"""Items one check asks for."""
PATIENCE: Final = 30.0

_FILL: Final = """
INSERT INTO saved_line (hospital, day, line_key, patient, item, visit, status, source, verdict_id, line, received)
SELECT $1, day, md5(n::text)::uuid, 'patient-' || n % $4, item, 'V' || n % $4 || '-' || (n / $4) / 20,
    CASE WHEN n % 50 = 0 THEN 'cancelled' ELSE 'saved' END, 'message', NULL,
    convert_to(format(
        '{"id":"L%s","item":"%s","name":"某项目","category":"drug","current":false,"quantity":10000,"unit":"盒",'
        '"price":456000,"amount":456000,"self_paid":false,"begin":"%sT10:00:00+08:00","timed":true,"visit":"V%s-%s",'
        '"department":"内科","doctor":"D%s"}', n, item, day, n % $4, (n / $4) / 20, n % 97), 'UTF8'),
    day + interval '11 hours'
FROM (SELECT n, ($2::date + (n * $5 / $3)::int) AS day,
        'XB' || lpad(((n / $4 + n % $4) % 60)::text, 2, '0') || 'AC000A001010102180' AS item
      FROM generate_series($6::bigint, $7::bigint) AS n) AS made
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a record to make."""

    lines: int
    months: int = 24

    @property
    def patients(self) -> int:
        """How many people the lines are of."""
        return max(1, self.lines // LINES_EACH)

    @property
    def begin(self) -> date:
        """The first day there are lines of."""
        months = TODAY.year * 12 + TODAY.month - self.months
        return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Looked:
    """One kind of look-up: milliseconds of each, and how many lines one brought."""

    days: int
    query_ms: list[float]
    whole_ms: list[float]
    lines: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The record that was made, and what looking into it took."""

    lines: int
    megabytes: float
    fill_seconds: float
    looked: tuple[Looked, ...]


async def fill(connection: AnyConnection, size: Size, *, chunk: int = 250_000, unlogged: bool = False) -> None:
    """Make a record of that size; the same every time. ``unlogged`` is quicker, and does not outlive a crash."""
    begin, days = size.begin, (TODAY - size.begin).days + 1
    await Months().ensure(connection, [begin + timedelta(days=day) for day in range(days)])
    if unlogged:
        for (name,) in await connection.fetch(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'saved_line'::regclass"
        ):
            await connection.execute(f"ALTER TABLE {name} SET UNLOGGED")
    for first in range(0, size.lines, chunk):
        last = min(first + chunk, size.lines) - 1
        await connection.execute(_FILL, HOSPITAL, begin, size.lines, size.patients, days, first, last, timeout=600)


def measure(size: Size, tries: int) -> Measured:
    """Make a record in a PostgreSQL of its own and look into it."""
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        Path(folder).chmod(0o755)
        with DataDirectoryLock.acquire(Path(folder) / "data") as lock:
            postgres = EmbeddedPostgres(lock)
            try:
                postgres.wait_until_ready()
                upgrade(postgres.url)
                return asyncio.run(_measure(postgres.url, size, tries))
            finally:
                postgres.stop()


async def _measure(url: str, size: Size, tries: int) -> Measured:
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    await _filled(connection, size)
    seconds = time.perf_counter() - started
    total = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'saved_line'::regclass"
    )
    await connection.close()
    pool = Pool(url, settings=PLANNED_ONCE)
    try:
        looked = [await _look(pool, size, days, tries) for days in (30, 365)]
    finally:
        await pool.close()
    return Measured(size.lines, float(total) / 1e6, seconds, tuple(looked))


async def _filled(connection: "asyncpg.Connection[asyncpg.Record]", size: Size) -> None:
    """Fill without the indexes, which is several times quicker, and make them after."""
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'saved_line' AND indexname NOT LIKE '%pkey'"
    )
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await fill(connection, size, unlogged=True)
    for index in indexes:
        await connection.execute(index["indexdef"].replace(" ON ONLY ", " ON "), timeout=1_200)
    await connection.execute("ANALYZE saved_line", timeout=600)


async def _look(pool: Pool, size: Size, days: int, tries: int) -> Looked:
    """Look for people in turn, each once, since those who were just looked at are quicker to find."""
    context, chosen = HistoryContext(pool, ZONE), random.Random(days)
    unmeasured = tries // 10  # these make connections and plans
    people = chosen.sample(range(size.patients), min(size.patients, 2 * (tries + unmeasured)))
    query: list[float] = []
    whole: list[float] = []
    lines = 0
    for number, person in enumerate(people):
        encounter, look = _asking(person, days, chosen)
        started = time.perf_counter()
        if number % 2:
            said = await context((look,), encounter, PATIENCE)
            whole.append(time.perf_counter() - started)
            lines += len(said.history.lines) if said.history else 0
        else:
            query.append(await _query(pool, encounter, look))
    return Looked(
        days,
        [spent * 1e3 for spent in query[unmeasured:]],
        [spent * 1e3 for spent in whole[unmeasured:]],
        lines / len(whole),
    )


async def _query(pool: Pool, encounter: Encounter, look: Look) -> float:
    far, near = wanted(tuple(asked_of((look,), encounter, datetime.now(ZONE))))
    async with pool.connection(PATIENCE) as connection:
        started = time.perf_counter()
        await past(connection, HOSPITAL, encounter.patient.pseudonym, far=far, near=near, visits=False)
        return time.perf_counter() - started


def _asking(patient: int, days: int, chosen: random.Random) -> tuple[Encounter, Look]:
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 2, tzinfo=UTC).astimezone(ZONE)
    items = tuple(f"XB{number:02}AC000A001010102180" for number in chosen.sample(range(ITEMS), LOOKS))
    line = Line(id="now", item=items[0], begin=now, timed=True, quantity=10_000)
    person = Patient(pseudonym=f"patient-{patient}")
    encounter = Encounter(hospital=HOSPITAL, patient=person, visit=Visit(id="now"), lines=(line,))
    return encounter, Look((*items, "XC0*"), days)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
