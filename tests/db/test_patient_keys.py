"""Patients' keys on the real database: one a person, whoever makes it, and none that was erased."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from service.db import patients
from service.db.patient_keys import PatientKey, Person, key_of, keys_for
from service.sealing import KEY_BYTES, Sealer, Unreadable

pytestmark = [pytest.mark.db, pytest.mark.anyio]

SEALER = Sealer(bytes(range(KEY_BYTES)))
ANNA: Person = ("H1", "a" * 32)
BERT: Person = ("H1", "b" * 32)
Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    """Open connections of the test's own."""
    opened = []

    async def connection() -> "asyncpg.Connection[asyncpg.Record]":
        opened.append(await asyncpg.connect(database_url))
        return opened[-1]

    yield connection
    for one in opened:
        await one.close()


async def keys(connection: "asyncpg.Connection[asyncpg.Record]", *people: Person) -> dict[Person, PatientKey]:
    """Take keys in a transaction of their own."""
    async with connection.transaction():
        return await keys_for(connection, SEALER, people)


async def test_a_person_has_one_key(connect: Connect) -> None:
    """Asked again, it is the same; other people, and the same pseudonym in another hospital, have others."""
    connection = await connect()
    elsewhere = ("H2", ANNA[1])
    first = await keys(connection, ANNA, BERT, elsewhere, ("H1", ""))
    second = await keys(connection, ANNA, ("H1", ""), elsewhere, BERT, ANNA)

    assert first == second
    assert len({key.key for key in first.values()}) == 4
    assert await connection.fetchval("SELECT count(*) FROM patient_key") == 4


async def test_what_is_stored_is_wrapped(connect: Connect) -> None:
    """The database alone opens nothing."""
    connection = await connect()
    made = (await keys(connection, ANNA))[ANNA]
    row = await connection.fetchrow("SELECT id, wrapped FROM patient_key")

    assert row is not None
    assert row["id"] == made.id
    assert made.key not in row["wrapped"]
    assert await key_of(connection, SEALER, "H1", made.id) == made.key
    assert await key_of(connection, SEALER, "H2", made.id) is None


async def test_a_batch_is_one_statement_or_two(connect: Connect) -> None:
    """A thousand people cost what one costs: one statement when all are known, two when somebody is new."""
    connection = await connect()
    people = [("H1", f"{number:032x}") for number in range(1_000)]
    asked: list[str] = []
    connection.add_query_logger(lambda record: asked.append(record.query))
    await keys(connection, *people)
    first = [query for query in asked if "patient_key" in query]
    asked.clear()
    await keys(connection, *people)
    second = [query for query in asked if "patient_key" in query]

    assert (len(first), len(second)) == (2, 1)
    assert await connection.fetchval("SELECT count(*) FROM patient_key") == 1_000


async def test_another_key_file_is_said_to_be_one(connect: Connect) -> None:
    """What it sealed beside the rest could not be read: that must not pass in silence."""
    connection = await connect()
    made = (await keys(connection, ANNA))[ANNA]
    stranger = Sealer(bytes(KEY_BYTES))

    with pytest.raises(Unreadable):
        await keys_for(connection, stranger, [ANNA])
    with pytest.raises(Unreadable):
        await key_of(connection, stranger, "H1", made.id)


async def test_two_that_make_the_same_keys_agree(connect: Connect) -> None:
    """The second waits for the first and takes its key; in whatever order they name people, neither blocks for good."""
    one, other = await connect(), await connect()
    async with one.transaction():
        first = await keys_for(one, SEALER, [ANNA, BERT])
        waiting = asyncio.create_task(keys(other, ("H1", "c" * 32), BERT, ANNA))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    second = await asyncio.wait_for(waiting, 5)

    assert (second[ANNA], second[BERT]) == (first[ANNA], first[BERT])
    assert await one.fetchval("SELECT count(*) FROM patient_key") == 3


async def test_many_at_once_agree(connect: Connect) -> None:
    """Six recorders with overlapping batches end with one key a person."""
    people = [("H1", f"{number:032x}") for number in range(60)]
    connections = [await connect() for _ in range(6)]
    found = await asyncio.gather(
        *(keys(connection, *people[at * 7 : at * 7 + 25]) for at, connection in enumerate(connections))
    )
    known = {person: key for batch in found for person, key in batch.items()}

    assert all(known[person] == key for batch in found for person, key in batch.items())
    assert await connections[0].fetchval("SELECT count(*) FROM patient_key") == len(known)


async def test_an_erasure_waits_for_the_batch(connect: Connect) -> None:
    """What a batch writes with a key is there for the erasure to find."""
    batch, eraser = await connect(), await connect()
    made = (await keys(batch, ANNA))[ANNA]
    async with batch.transaction():
        assert await keys_for(batch, SEALER, [ANNA]) == {ANNA: made}
        erasing = asyncio.create_task(patients.erase(eraser, ANNA, by="test", reason="request"))
        await asyncio.sleep(0.1)
        assert not erasing.done()
        await batch.execute(
            "INSERT INTO saved_visit (hospital, patient, visit, past_visit, received) VALUES ($1, $2, 'V1', '', now())",
            *ANNA,
        )
    done = await asyncio.wait_for(erasing, 5)

    assert (done.keys, done.visits) == (1, 1)
    assert await key_of(batch, SEALER, "H1", made.id) is None


async def test_a_batch_that_comes_second_makes_a_new_key(connect: Connect) -> None:
    """A key that is being erased is not sealed with any more."""
    batch, eraser = await connect(), await connect()
    made = (await keys(batch, ANNA, BERT))[ANNA]
    async with eraser.transaction():
        await eraser.execute("DELETE FROM patient_key WHERE hospital = $1 AND patient = $2", *ANNA)
        waiting = asyncio.create_task(keys(batch, ANNA, BERT))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    found = await asyncio.wait_for(waiting, 5)

    assert found[ANNA].id != made.id
    assert found[ANNA].key != made.key
    assert await key_of(batch, SEALER, "H1", found[ANNA].id) == found[ANNA].key
