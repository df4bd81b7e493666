"""What is active is a dated row, and every worker finds the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from service.db import packs
from service.db.packs import CHANNEL, Generation
from service.db.pool import Pool
from tests.writer.samples import now

pytestmark = [pytest.mark.db, pytest.mark.anyio]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    for digest in ("d1", "d2"):
        await packs.store(pool, packs.Built("pack", digest, "national", "1", digest.encode()))
    yield pool
    await pool.close()


async def activate(pool: Pool, digest: str | None, **options: object) -> int:
    return await packs.activate(pool, name="national", digest=digest, activated_by="admin", **options)  # type: ignore[arg-type]


async def test_a_pack_is_kept_by_digest(pool: Pool) -> None:
    """Storing it again changes nothing."""
    await packs.store(pool, packs.Built("pack", "d1", "national", "1", b"other"))

    assert await packs.fetch(pool, "d1") == b"d1"
    assert await packs.fetch(pool, "d9") is None


async def test_the_last_activation_counts(pool: Pool) -> None:
    """A later row replaces an earlier one; none withdraws the pack."""
    assert await packs.generation(pool) == Generation()
    await activate(pool, "d1")
    await activate(pool, "d2")
    assert await packs.generation(pool) == Generation((("national", "d2"),))
    await activate(pool, None)
    assert await packs.generation(pool) == Generation()
    assert [one.digest for one in await packs.activations(pool)] == [None, "d2", "d1"]


async def test_an_activation_may_be_dated(pool: Pool) -> None:
    """It takes effect at its time, without anybody doing anything then; the past can be asked for."""
    await activate(pool, "d1", active_from=now() - timedelta(days=1))
    await activate(pool, "d2", active_from=now() + timedelta(days=1))

    assert await packs.generation(pool) == Generation((("national", "d1"),))
    assert await packs.generation(pool, at=now() + timedelta(days=2)) == Generation((("national", "d2"),))
    assert await packs.generation(pool, at=now() - timedelta(days=2)) == Generation()


async def test_an_unknown_digest_is_refused(pool: Pool) -> None:
    """What nobody keeps cannot be made active."""
    with pytest.raises(LookupError, match="`d9`"):
        await activate(pool, "d9")
    assert await packs.activations(pool) == ()


async def test_workers_are_told(pool: Pool, database_url: str) -> None:
    """LISTEN makes the change quick; polling makes it certain."""
    told: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(CHANNEL, lambda *parts: told.put_nowait(parts[3]))
    await activate(pool, "d1")

    assert await asyncio.wait_for(told.get(), 5) == "national"
    await listener.close()
