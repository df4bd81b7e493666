"""What judged once can be loaded again: by what was written down, by the history of activations, from cache or rows."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from rules import CompiledPack, Rulebook
from rules.compiler import build, compile_pack
from rules.dip.compiler import build_scheme
from rules.dip.directory import Directory
from service import packs as active_packs
from service.db import packs, rulebooks
from service.db.pool import Pool
from service.errors import Problem
from service.pack_watch import PackWatch
from service.packs import Activation, keep, keep_bytes, write_activation
from service.replay.keeping import Keeper
from service.replay.loading import Clash, NotLoadable, Shelf, explain, rulebook_digest
from service.state import Active, State
from tests.compiler.packs import PACK, PENIS, UTERUS, sex_table, small
from tests.dip.builders import a_row, a_scheme
from tests.http.conftest import NOBODY
from tests.postgres import execute, value
from tests.writer.samples import now

pytestmark = [pytest.mark.db, pytest.mark.anyio]


def a_pack(*rows: str, name: str = "small") -> CompiledPack:
    """Compile a small pack."""
    return compile_pack(small(pack=PACK.replace(b"small", name.encode()), sex_limit=sex_table(*rows)))


FIRST = a_pack(f"{UTERUS},female")
SECOND = a_pack(f"{UTERUS},female", f"{PENIS},male")
OWN = a_pack(f"{PENIS},male".replace("sex-2", "own-1"), name="own")
SCHEME = a_scheme(a_row(), name="city")


def digest_of(*compiled: CompiledPack) -> str:
    """Give the digest of the rulebook that these packs make."""
    return Rulebook.build(compiled).digest


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def shelf(pool: Pool, tmp_path: Path) -> Shelf:
    """A shelf with an empty cache."""
    return Shelf(pool, tmp_path)


async def store(pool: Pool, *compiled: CompiledPack) -> None:
    for pack in compiled:
        await packs.store(pool, packs.Built("pack", pack.digest, pack.name, pack.version, build(pack)))


async def activate(pool: Pool, pack: CompiledPack, **options: object) -> None:
    await packs.activate(pool, name=pack.name, digest=pack.digest, activated_by="test", **options)  # type: ignore[arg-type]


def names(rulebook: Rulebook) -> list[tuple[str, str]]:
    return [(pack.name, pack.digest) for pack in rulebook.packs]


def test_the_digest_is_the_rulebooks_own() -> None:
    """What history is searched for is what a rulebook calls itself, in whatever order its packs are named."""
    pairs = [(pack.name, pack.digest) for pack in (OWN, FIRST)]

    assert digest_of(FIRST, OWN) == rulebook_digest(pairs) == rulebook_digest(reversed(pairs))


class TestWrittenDown:
    """The table ``rulebook``."""

    async def test_once(self, pool: Pool) -> None:
        """Saying it again changes nothing; what nobody wrote down is none."""
        await rulebooks.keep(pool, "r1", ("d1", "d2"))
        await rulebooks.keep(pool, "r1", ("d3",))

        assert await rulebooks.packs_of(pool, "r1") == ("d1", "d2")
        assert await rulebooks.packs_of(pool, "r2") is None

    async def test_loading(self, pool: Pool, shelf: Shelf) -> None:
        """A rulebook of two packs that were never activated together, from rows alone."""
        await store(pool, FIRST, OWN)
        await rulebooks.keep(pool, digest_of(FIRST, OWN), (FIRST.digest, OWN.digest))

        found = await shelf.rulebook(digest_of(FIRST, OWN))

        assert names(found) == [("own", OWN.digest), ("small", FIRST.digest)]
        assert await shelf.rulebook(digest_of(FIRST, OWN)) is found

    async def test_a_wrong_row_is_not_believed(self, pool: Pool, shelf: Shelf) -> None:
        """Packs that do not make the rulebook are no replay of it."""
        await store(pool, FIRST)
        await rulebooks.keep(pool, digest_of(SECOND), (FIRST.digest,))

        with pytest.raises(NotLoadable, match="不是该规则库"):
            await shelf.rulebook(digest_of(SECOND))

    async def test_what_is_absent(self, pool: Pool) -> None:
        """Which of some digests are not kept."""
        await store(pool, FIRST)

        assert await rulebooks.absent(pool, [FIRST.digest, SECOND.digest]) == {SECOND.digest}


class TestHistory:
    """Verdicts of a version that wrote nothing down: what was active together."""

    async def test_every_combination_there_was(self, pool: Pool, shelf: Shelf) -> None:
        """Pack by pack, replaced, beside another, and after one was withdrawn."""
        await store(pool, FIRST, SECOND, OWN)
        for step in (FIRST, OWN, SECOND):
            await activate(pool, step)
        await packs.activate(pool, name="own", digest=None, activated_by="test")

        for together in ((FIRST,), (FIRST, OWN), (SECOND, OWN), (SECOND,)):
            found = await shelf.rulebook(digest_of(*together))
            assert {digest for _, digest in names(found)} == {pack.digest for pack in together}

    async def test_an_activation_for_a_day_to_come(self, pool: Pool) -> None:
        """It counts from its day on, and what was active until then still does."""
        await store(pool, FIRST, SECOND)
        await activate(pool, FIRST)
        await activate(pool, SECOND, active_from=now() + timedelta(days=1))
        history = await packs.activations(pool)

        assert explain(digest_of(FIRST), history, ()) == (FIRST.digest,)
        assert explain(digest_of(SECOND), history, ()) == (SECOND.digest,)

    async def test_a_pack_that_was_never_activated(self, pool: Pool, shelf: Shelf) -> None:
        """What ships judges before the database says anything."""
        await store(pool, FIRST)

        assert names(await shelf.rulebook(digest_of(FIRST))) == [("small", FIRST.digest)]

    async def test_unknown(self, pool: Pool, shelf: Shelf) -> None:
        """A digest that nothing explains is named."""
        await store(pool, FIRST)

        with pytest.raises(NotLoadable, match=f"没有该规则库:{'0' * 64}"):
            await shelf.rulebook("0" * 64)


class TestPacksAndSchemes:
    """By digest, or by name."""

    async def test_a_name_is_the_one_in_use(self, pool: Pool, shelf: Shelf) -> None:
        """Else the one stored last; a digest is just that one."""
        await store(pool, FIRST, SECOND)
        assert (await shelf.pack("small")).digest == SECOND.digest
        await activate(pool, FIRST)

        assert (await shelf.pack("small")).digest == FIRST.digest
        assert (await shelf.pack(SECOND.digest)).digest == SECOND.digest
        with pytest.raises(NotLoadable, match="没有该规则包:other"):
            await shelf.pack("other")

    async def test_schemes(self, pool: Pool, shelf: Shelf) -> None:
        """The same of DIP schemes; a pack's digest is no scheme's."""
        scheme = Directory.build(SCHEME).scheme
        data = build_scheme(scheme)
        await store(pool, FIRST)
        digest = await _kept_scheme(pool, data)

        assert (await shelf.scheme("city")).scheme.digest == digest
        assert (await shelf.directory(digest)).scheme.name == "city"
        for wrong in ("small", "0" * 64, FIRST.digest):
            with pytest.raises(NotLoadable):
                await shelf.scheme(wrong)

    async def test_as_if_activated(self, pool: Pool, shelf: Shelf) -> None:
        """Another pack takes the place of its namesake, or stands beside; one that clashes is refused."""
        await store(pool, FIRST, OWN)
        await rulebooks.keep(pool, digest_of(FIRST, OWN), (FIRST.digest, OWN.digest))
        clashing = a_pack(f"{UTERUS},female", name="other")

        assert (await shelf.rulebook(digest_of(FIRST), (OWN,))).digest == digest_of(FIRST, OWN)
        assert (await shelf.rulebook(digest_of(FIRST, OWN), (SECOND,))).digest == digest_of(SECOND, OWN)
        with pytest.raises(Clash, match="不能同时使用"):
            await shelf.rulebook(digest_of(FIRST), (clashing,))

    async def test_a_damaged_cache_gives_way_to_the_database(self, pool: Pool, shelf: Shelf, tmp_path: Path) -> None:
        """Bytes are proved by their digest, wherever they come from."""
        await store(pool, FIRST)
        keep_bytes(tmp_path, FIRST.digest, build(SECOND))

        assert (await shelf.pack(FIRST.digest)).digest == FIRST.digest

    async def test_a_row_of_other_content_is_refused(self, pool: Pool, shelf: Shelf) -> None:
        """A pack put under another's digest is not that pack."""
        await packs.store(pool, packs.Built("pack", FIRST.digest, "small", "1", build(SECOND)))

        with pytest.raises(NotLoadable, match="不是该规则包"):
            await shelf.pack(FIRST.digest)

    async def test_only_a_few_are_remembered(self, pool: Pool, shelf: Shelf) -> None:
        """A long history is loaded one after the other and does not pile up in memory."""
        made = [a_pack(f"{UTERUS},female", name=f"pack{number}") for number in range(10)]
        await store(pool, *made)
        first = await shelf.rulebook(digest_of(made[0]))
        for pack in made[1:]:
            await shelf.rulebook(digest_of(pack))

        again = await shelf.rulebook(digest_of(made[0]))
        assert again is not first
        assert again.digest == first.digest


async def _kept_scheme(pool: Pool, data: bytes) -> str:
    from rules.dip.compiler import load_scheme

    scheme = load_scheme(data)
    await packs.store(pool, packs.Built("scheme", scheme.digest, scheme.name, scheme.version, data))
    return scheme.digest


def kept(url: str) -> set[str]:
    """Give the digests of all packs and schemes that are kept."""
    return {row["digest"] for row in execute(url, "SELECT digest FROM pack")}


class TestKeeping:
    """What was in use without a database comes into it when it answers."""

    async def test_everything_the_cache_holds(self, pool: Pool, tmp_path: Path, database_url: str) -> None:
        """Packs of earlier versions and schemes alike, whether or not they are still in use; a damaged one is left."""
        for pack in (FIRST, SECOND):
            keep(tmp_path, pack)
        data = build_scheme(SCHEME)
        keep_bytes(tmp_path, "5" * 64, b"nothing")
        active_packs.keep_scheme(tmp_path, SCHEME)
        keeper = Keeper(tmp_path, pool)
        keeper.use(Rulebook.build([SECOND]))

        await keeper.keep()
        await keeper.keep()

        scheme = (await asyncio.to_thread(kept, database_url)) - {FIRST.digest, SECOND.digest}
        assert len(scheme) == 1
        assert await packs.fetch(pool, scheme.pop()) == data
        assert await rulebooks.packs_of(pool, digest_of(SECOND)) == (SECOND.digest,)

    async def test_what_fails_is_tried_again(self, tmp_path: Path, pool: Pool, database_url: str) -> None:
        """Nothing is forgotten while the database does not answer."""
        nowhere = Pool(NOBODY)
        keeper = Keeper(tmp_path, nowhere)
        keeper.use(Rulebook.build([FIRST]))
        with pytest.raises(Problem):
            await keeper.keep()
        keeper._pool = pool

        await keeper.keep()

        assert await rulebooks.packs_of(pool, digest_of(FIRST)) == (FIRST.digest,)

    async def test_the_watch_keeps_what_it_swaps(self, pool: Pool, tmp_path: Path) -> None:
        """Each rulebook that judges is written down, the one before the database answered and the one after."""
        keep(tmp_path, FIRST)
        write_activation(tmp_path, Activation({"small": FIRST.digest}))
        watch = PackWatch(tmp_path, pool, State())
        watch.load_cached()
        await watch.step()
        await store(pool, OWN)
        await activate(pool, OWN)
        await watch.step()
        await watch._keep()

        assert await rulebooks.packs_of(pool, digest_of(FIRST)) == (FIRST.digest,)
        assert await rulebooks.packs_of(pool, digest_of(FIRST, OWN)) == (OWN.digest, FIRST.digest)

    async def test_a_database_that_takes_no_writes_keeps_nothing_from_working(
        self, pool: Pool, tmp_path: Path, database_url: str
    ) -> None:
        """A standby, say: rules go on, and it is tried again."""
        name = await asyncio.to_thread(value, database_url, "SELECT current_database()")
        statement = f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
        await asyncio.to_thread(execute, database_url, statement)
        keep(tmp_path, FIRST)
        watch = PackWatch(tmp_path, pool, State())

        await watch._keep()

        assert await rulebooks.stored_packs(pool) == ()


async def test_what_is_in_use_explains_itself(tmp_path: Path) -> None:
    """Its packs are known without a database, and what is judged by apart is never the object that checks use."""
    keep(tmp_path, FIRST)
    used = Rulebook.build([FIRST])
    shelf = Shelf(Pool(NOBODY), tmp_path, lambda: Active(used, "bundled"))

    found = await shelf.rulebook(used.digest)

    assert names(found) == names(used)
    assert found is not used


def listed(found: Iterable[rulebooks.StoredPack]) -> list[tuple[str, str]]:
    return [(pack.kind, pack.name) for pack in found]


async def test_the_list_of_what_is_kept(pool: Pool) -> None:
    """Newest first, without content."""
    await store(pool, FIRST)
    await store(pool, OWN)

    assert listed(await rulebooks.stored_packs(pool)) == [("pack", "own"), ("pack", "small")]
