"""A COPY whose connection stalls or goes away ends in an error, so that it can be tried again: it never waits for ever.

The driver itself does: a COPY that waits for room in a connection is not told when that connection is gone.
"""

import asyncio
from collections.abc import Callable

import pytest

from service.db import bounded_copy
from service.db.batches import Batch, Entry
from service.db.writes import PostgresStore
from service.records import encode
from tests.faults.proxy import Proxy
from tests.postgres import value
from tests.writer.samples import a_record, an_input, until

pytestmark = [pytest.mark.db, pytest.mark.anyio]
PATIENCE = 10.0
WORKER = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def a_large_batch() -> Batch:
    """Return more than all the buffers on the way can hold."""
    content = an_input(lines=1_500)
    records = [a_record(number, content=content) for number in range(40)]
    ends = range(1, len(records) + 1)
    return Batch(WORKER, tuple(Entry(1, end - 1, end, encode(r), r) for end, r in zip(ends, records, strict=True)))


async def write_and(store: PostgresStore, proxy: Proxy, then: Callable[[], None]) -> type[BaseException] | None:
    """Write a batch into a way that stalls, do something, and return how the writing ends."""
    await store.position(WORKER)
    proxy.stall()
    writing = asyncio.create_task(store.write(a_large_batch()))
    await until(lambda: proxy.stalled)
    await asyncio.sleep(0.2)
    assert not writing.done()
    then()
    async with asyncio.timeout(PATIENCE):
        (found,) = await asyncio.gather(writing, return_exceptions=True)
    return type(found) if found is not None else None


async def test_a_connection_that_goes_away(proxy: Proxy, database_url: str) -> None:
    """Cut while the COPY waits for room: an error at once, and the next attempt writes all."""
    store = PostgresStore(proxy.url)
    assert await write_and(store, proxy, proxy.close) is not None
    proxy.open()
    await store.write(a_large_batch())
    await store.close()

    assert await asyncio.to_thread(value, database_url, "SELECT count(*) FROM verdict") == 40


async def test_a_connection_that_stalls(proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent one is given up after the time that a COPY may take."""
    store = PostgresStore(proxy.url)
    with monkeypatch.context() as patch:
        patch.setattr(bounded_copy, "LONGEST", 1.0)
        assert await write_and(store, proxy, lambda: None) is not None
    proxy.open()
    await store.write(a_large_batch())
    await store.close()

    assert await asyncio.to_thread(value, database_url, "SELECT count(*) FROM verdict") == 40
