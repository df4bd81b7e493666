"""Reading what is sealed, and erasing one person, on the real database: row by row as `docs/privacy.md` says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from service.db import patients
from service.db.patient_keys import Person, keys_for
from service.db.pool import Pool
from service.db.tables import PARTITIONED, metadata, month_of, next_month, partition_name
from service.db.verdicts import Erased, StoredVerdict, by_message, find
from service.privacy import erasing
from service.records import encode
from service.sealing import KEY_BYTES, Sealer, Unreadable, bound_to
from tests.docs.pages import ROOT, table
from tests.writer.samples import a_journal, a_record

pytestmark = [pytest.mark.db, pytest.mark.anyio]

SEALER = Sealer(bytes(range(KEY_BYTES)))
ANNA: Person = ("H1", "a" * 32)
BERT: Person = ("H1", "b" * 32)
ABROAD: Person = ("H2", ANNA[1])
"""The same pseudonym in another hospital is another person."""
DAY = date(2026, 3, 18)
NOON = datetime(2026, 3, 18, 4, tzinfo=UTC)
Connection = asyncpg.Connection  # type: ignore[type-arg]
Rows = dict[str, list[dict[str, Any]]]
KEPT = {"evidence", "chain_head", "checkpoint"}


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection of the test's own, with the month's partitions there."""
    connection = await asyncpg.connect(database_url)
    month = month_of(DAY)
    for name in PARTITIONED:
        await connection.execute(
            f"CREATE TABLE {partition_name(name, month)} PARTITION OF {name}"
            f" FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
        )
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


async def insert(connection: Connection, name: str, **values: Any) -> None:
    """Insert a row."""
    columns = ", ".join(f'"{column}"' for column in values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({places})", *values.values())


def number(person: Person, at: int) -> UUID:
    """Return the id of a person's verdict."""
    return UUID(int=(1 + [ANNA, BERT, ABROAD].index(person)) * 1_000 + at)


async def a_verdict(connection: Connection, person: Person, at: int, *, plain: bool = False, **changes: Any) -> UUID:
    """Store a verdict as the recorder does, or, plain, as the version before did; return its id."""
    hospital, patient = person
    verdict_id = number(person, at)
    content = {"input": b'{"of":"%b"}' % patient.encode(), "verdict": b'{"at":%d}' % at}
    key = None
    if not plain:
        async with connection.transaction():
            made = (await keys_for(connection, SEALER, [person]))[person]
        key = made.id
        for column, data in content.items():
            content[column] = SEALER.seal(made.key, data, bound_to("verdict", column, hospital, str(verdict_id)))
    values = {
        "hospital": hospital, "day": DAY, "id": verdict_id, "received": NOON, "dialect": "native", "mode": "check",
        "message_id": f"M{at}", "visit": f"V-{patient[:3]}", "patient": patient, "department": "D1", "doctor": "DR1",
        "state": "warned", "amount": 10_000, "elapsed_us": 9, "engine": "e", "rulebook": "r", "overlay": "o",
        "content_digest": f"c{at}", "caller": "his", "key": key, **content,
    }  # fmt: skip
    await insert(connection, "verdict", **values | changes)
    return verdict_id


async def everything_of(connection: Connection, person: Person) -> None:
    """Store at least one row of a person in every table that can hold one."""
    hospital, patient = person
    verdict_id = await a_verdict(connection, person, 1)
    await a_verdict(connection, person, 2, plain=True)
    key = (await keys_for(connection, SEALER, [person]))[person]
    of = {"hospital": hospital, "day": DAY}
    hung = of | {"verdict_id": verdict_id}
    rule = {"rule": "R1", "kind": "sex_limit", "title": "药品区分性别使用"}
    await insert(
        connection, "finding", **hung, number=1, **rule, code="c", certainty="violation", level="warn",
        scope="payment", item="注射用药品", amount=10_000, department="D1", doctor="DR1", lines=[0],
        message="【注射用药品】限男性使用。", action="continued", acted=NOON, outcome="charged", concluded=NOON,
    )  # fmt: skip
    await insert(connection, "not_checked", **hung, number=1, **rule, reason="missing", fields=["birth_date"])
    sealed = SEALER.seal(key.key, b"because", bound_to("disposition", "reason", hospital, "f1"))
    said = {"action": "continued", "explained": True, "received": NOON, "dialect": "native", "number": 1}
    await insert(
        connection, "disposition", **hung, **said, finding_id="f1", reason_digest=b"1" + patient.encode(), reason="",
        key=key.id, sealed_reason=sealed, reason_code="other",
    )  # fmt: skip
    await insert(
        connection,
        "disposition",
        **hung,
        **said,
        finding_id="f2",
        reason_digest=b"2" + patient.encode(),
        reason="病情需要",
    )
    compared = {"our_rule": "R1", "outcome": "both", "received": NOON}
    for rule_there in ("U1", "U2"):
        await insert(connection, "upstream_comparison", **hung, line_id="rx-1", upstream_rule=rule_there, **compared)
    told = {"id": number(person, 7), "lines": ["rx-1"], "action": "saved", "source": "confirm", "received": NOON}
    await insert(connection, "line_event", **hung, **told, settled=NOON, result="applied")
    await insert(
        connection, "saved_line", **of, line_key=number(person, 8), patient=patient, item="XA01", visit="V1",
        status="saved", source="confirm", verdict_id=verdict_id, line=b"{}", received=NOON,
    )  # fmt: skip
    await insert(
        connection, "saved_visit", hospital=hospital, patient=patient, visit="V1", past_visit=b"{}", received=NOON
    )
    for at, finished in ((3, NOON), (4, None)):
        recheck_id = number(person, at)
        data = SEALER.seal(key.key, b"{}", bound_to("recheck", "input", hospital, str(recheck_id)))
        await insert(
            connection, "recheck", **of, id=recheck_id, list_id=number(person, 9), received=NOON, key=key.id,
            message_id="M1", patient=patient, input=data, finished=finished, dialect="native", saved=True,
        )  # fmt: skip
    for at, mention in ((1, patient), (2, str(verdict_id))):
        payload = msgspec.json.encode({"record": "x", "hospital": hospital, "mentions": mention})
        await insert(
            connection, "set_aside", worker=number(person, 6), segment=1, offset=at, reason="x", payload=payload
        )
    await insert(
        connection, "evidence", **of, worker=number(person, 6), sequence=1, subject="verdict",
        subject_id=str(verdict_id), subject_day=DAY, digest=b"d", link=b"l",
    )  # fmt: skip


def documented() -> dict[str, list[set[str]]]:
    """Return what the page says of each table: columns emptied, unreadable, kept."""
    page = table(ROOT / "docs" / "privacy.md", "table", "emptied or deleted", "cannot be read any more", "stays")
    return {name: [set(cell.replace("`", "").split(", ")) - {""} for cell in cells] for name, *cells in page}


async def rows_of(connection: Connection, person: Person) -> Rows:
    """Return all rows of a hospital, and those set aside of the person, by table."""
    found: Rows = {}
    for name in [*documented(), *KEPT]:
        chosen = "worker = $1" if name == "set_aside" else "hospital = $1"
        of = number(person, 6) if name == "set_aside" else person[0]
        rows = await connection.fetch(f"SELECT * FROM {name} WHERE {chosen} ORDER BY 1, 2, 3, 4, 5", of)
        found[name] = [dict(row) for row in rows]
    return found


def only(columns: set[str], rows: list[dict[str, Any]]) -> list[str]:
    """Return some columns of rows as text, sorted."""
    return sorted(str([(column, row[column]) for column in sorted(columns)]) for row in rows)


def test_the_page_speaks_of_every_column() -> None:
    """A column that is added has to be decided on."""
    for name, (gone, unreadable, kept) in documented().items():
        columns = set(metadata.tables[name].columns.keys())
        assert gone == {"the row"} or gone | unreadable | kept == columns, name


class TestErase:
    async def test_as_the_page_says(self, connection: Connection) -> None:
        """Each column that stays is as it was, each that goes is empty, and deleted rows are not there."""
        await everything_of(connection, ABROAD)
        before = await rows_of(connection, ABROAD)
        await patients.erase(connection, ABROAD, by="officer", reason="request")
        after = await rows_of(connection, ABROAD)

        assert all(before[name] for name in before if name not in {"chain_head", "checkpoint"})
        assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
        for name, (gone, _, kept) in documented().items():
            if gone == {"the row"}:
                assert after[name] == [], name
                continue
            assert len(after[name]) == len(before[name])
            moving = {"key", "finished", "problem"}  # of a plain row, and of a re-check that was still to come
            assert only(kept - moving, before[name]) == only(kept - moving, after[name])
            if name != "upstream_comparison":
                assert {row[column] for column in gone for row in after[name]} <= {"", None, b""}, name
        assert "rx-1" not in {row["line_id"] for row in after["upstream_comparison"]}

    async def test_what_it_says_it_took(self, connection: Connection) -> None:
        """The numbers are those of the rows, and the record of erasures has them without saying whose."""
        await everything_of(connection, ANNA)
        done = await patients.erase(connection, ANNA, by="officer", reason="request")
        (noted,) = await connection.fetch("SELECT * FROM erasure")

        counts = (done.verdicts, done.findings, done.dispositions, done.lines, done.visits, done.rechecks)
        assert counts == (2, 1, 2, 1, 1, 2)
        assert (done.set_aside, done.keys) == (2, 2)  # the key, and the one that stands for the plain row's
        assert (noted["id"], noted["erased_by"], noted["reason"]) == (done.id, "officer", "request")
        assert (noted["verdicts"], noted["lines"], len(noted["keys"])) == (2, 1, 2)
        assert ANNA[1] not in str(dict(noted))

    async def test_others_stay(self, connection: Connection) -> None:
        """Somebody else, and the same pseudonym in another hospital, lose nothing."""
        for person in (ANNA, BERT, ABROAD):
            await everything_of(connection, person)
        before = [await rows_of(connection, ABROAD), await _of_patient(connection, BERT)]
        await patients.erase(connection, ANNA, by="officer", reason="request")

        assert [await rows_of(connection, ABROAD), await _of_patient(connection, BERT)] == before
        assert await _of_patient(connection, ANNA) == []

    async def test_again_there_is_nothing(self, connection: Connection) -> None:
        """The second time nothing is found and nothing is noted."""
        await everything_of(connection, ANNA)
        await patients.erase(connection, ANNA, by="officer", reason="request")
        again = await patients.erase(connection, ANNA, by="officer", reason="request")

        assert again == patients.Erasure(None, 0, 0, 0, 0, 0, 0, 0, 0)
        assert await connection.fetchval("SELECT count(*) FROM erasure") == 1

    async def test_a_pending_recheck_is_withdrawn(self, connection: Connection) -> None:
        """It is finished as erased, so that its list still adds up; one that was done stays done."""
        await everything_of(connection, ANNA)
        await patients.erase(connection, ANNA, by="officer", reason="request")
        rows = await connection.fetch("SELECT finished, problem FROM recheck ORDER BY id")

        assert [(row["problem"], row["finished"] is None) for row in rows] == [(None, False), ("erased", False)]

    async def test_nobody_is_no_person(self, connection: Connection) -> None:
        """The empty pseudonym is everybody of whom nothing is known: their key is not one person's to erase."""
        with pytest.raises(ValueError, match="empty pseudonym"):
            await patients.erase(connection, ("H1", ""), by="officer", reason="request")

    async def test_a_later_check_makes_a_new_key(self, connection: Connection, pool: Pool) -> None:
        """Who comes back is recorded again, and that can be read."""
        first = await a_verdict(connection, ANNA, 1)
        await patients.erase(connection, ANNA, by="officer", reason="request")
        second = await a_verdict(connection, ANNA, 2)

        assert isinstance(await find(pool, SEALER, str(first)), Erased)
        assert isinstance(await find(pool, SEALER, str(second)), StoredVerdict)
        assert await patients.has_rows(connection, ANNA)


async def _of_patient(connection: Connection, person: Person) -> list[str]:
    """Return every row of a hospital that names a patient, as text."""
    found = []
    for name in ("verdict", "saved_line", "saved_visit", "recheck", "patient_key"):
        rows = await connection.fetch(
            f"SELECT * FROM {name} WHERE hospital = $1 AND patient = $2 ORDER BY 1, 2, 3", *person
        )
        found += [str(dict(row)) for row in rows]
    return found


class TestFind:
    async def test_sealed_bytes_are_opened(self, connection: Connection, pool: Pool) -> None:
        """The bytes that were evaluated and answered, and the reasons, sealed or not yet."""
        await everything_of(connection, ANNA)
        found = await find(pool, SEALER, str(number(ANNA, 1)))

        assert isinstance(found, StoredVerdict)
        assert (found.input, found.verdict) == (b'{"of":"%b"}' % ANNA[1].encode(), b'{"at":1}')
        assert [(entry.reason, entry.reason_code) for entry in found.dispositions] == [
            ("because", "other"),
            ("病情需要", ""),
        ]
        assert (found.meta.caller, found.meta.patient) == ("his", ANNA[1])

    async def test_rows_of_the_version_before_are_plain(self, connection: Connection, pool: Pool) -> None:
        """Without a key nothing was sealed."""
        await a_verdict(connection, ANNA, 1, plain=True, caller=None)
        found = await find(pool, SEALER, str(number(ANNA, 1)))

        assert isinstance(found, StoredVerdict)
        assert (found.verdict, found.meta.caller) == (b'{"at":1}', None)

    @pytest.mark.parametrize("plain", [False, True])
    async def test_an_erased_one_says_so(self, connection: Connection, pool: Pool, plain: bool) -> None:
        """What is left says nothing of the person; nobody finds it by message any more."""
        verdict_id = await a_verdict(connection, ANNA, 1, plain=plain)
        await patients.erase(connection, ANNA, by="officer", reason="request")
        found = await find(pool, SEALER, str(verdict_id))

        assert isinstance(found, Erased)
        assert (found.meta.patient, found.meta.visit, found.meta.message_id) == ("", "", None)
        assert (found.meta.state, found.meta.amount, found.meta.department) == ("warned", 10_000, "D1")
        assert await by_message(pool, "H1", "M1") == ()

    @pytest.mark.parametrize("change", ["input = verdict", "input = input || 'x'::bytea", "id = '{}'"])
    async def test_altered_rows_do_not_open(self, connection: Connection, pool: Pool, change: str) -> None:
        """Bytes of another column, changed bytes, and a row that passes for another verdict."""
        verdict_id, other = await a_verdict(connection, ANNA, 1), number(ANNA, 5)
        await connection.execute(f"UPDATE verdict SET {change.format(other)} WHERE hospital = 'H1'")

        with pytest.raises(Unreadable):
            await find(pool, SEALER, str(other if "id" in change else verdict_id))

    async def test_the_same_message_after_an_erasure(self, connection: Connection, pool: Pool) -> None:
        """On another day it is a row beside the erased one: the one that can be read is read."""
        verdict_id = await a_verdict(connection, ANNA, 1)
        await patients.erase(connection, ANNA, by="officer", reason="request")
        await a_verdict(connection, ANNA, 1, day=date(2026, 3, 19), received=datetime(2026, 3, 19, tzinfo=UTC))

        assert isinstance(await find(pool, SEALER, str(verdict_id)), StoredVerdict)


async def test_an_erasure_does_not_hold_up_readers(connection: Connection, database_url: str, pool: Pool) -> None:
    """While it runs, verdicts are read as they were."""
    verdict_id = await a_verdict(connection, ANNA, 1)
    eraser = await asyncpg.connect(database_url)
    async with eraser.transaction():
        await patients.erase(eraser, ANNA, by="officer", reason="request")
        found = await asyncio.wait_for(find(pool, SEALER, str(verdict_id)), 2)
    await eraser.close()

    assert isinstance(found, StoredVerdict)
    assert isinstance(await find(pool, SEALER, str(verdict_id)), Erased)


class TestWhatIsOnItsWay:
    async def test_a_record_in_a_journal(self, connection: Connection, pool: Pool, tmp_path: Path) -> None:
        """It cannot be erased yet, and the answer says to come again; once it is stored there is no need to."""
        journal = a_journal(tmp_path)
        for record in (a_record(1), replace(a_record(2), patient="q" * 32)):
            journal.append(encode(record))
        person = ("H1", "p" * 32)

        async def erase() -> tuple[int, bool]:
            done = await erasing.erase(pool, person, by="officer", reason="request", journal=journal.directory)
            return done.journal_records, done.repeat

        assert await erase() == (2, True)
        assert await erasing.erase(
            pool, ("H1", "nobody"), by="officer", reason="request", journal=journal.directory
        ) == erasing.Erased(patients.Erasure(None, 0, 0, 0, 0, 0, 0, 0, 0), 2, repeat=False)
        end = max(journal.tail.ends.values())
        await insert(connection, "journal_position", worker=UUID(journal.worker), segment=1, offset=end)
        assert await erase() == (0, False)
        journal.close()

    async def test_what_was_being_written_meanwhile(self, connection: Connection, database_url: str) -> None:
        """A line that another connection had not committed yet is not erased, and is seen once it is there."""
        writer = await asyncpg.connect(database_url)
        async with writer.transaction():
            await insert(
                writer, "saved_line", hospital="H1", day=DAY, line_key=UUID(int=1), patient=ANNA[1], item="XA01",
                visit="V1", status="saved", source="import", line=b"{}", received=NOON,
            )  # fmt: skip
            done = await patients.erase(connection, ANNA, by="officer", reason="request")
            assert not await patients.has_rows(connection, ANNA)
        await writer.close()

        assert done.id is None
        assert await patients.has_rows(connection, ANNA)
        assert (await patients.erase(connection, ANNA, by="officer", reason="request")).lines == 1

    async def test_no_journal_here(self, pool: Pool, tmp_path: Path) -> None:
        """A command that runs beside a database only has none to look at."""
        done = await erasing.erase(pool, ANNA, by="officer", reason="request", journal=tmp_path / "journal")

        assert (done.journal_records, done.repeat) == (0, False)
