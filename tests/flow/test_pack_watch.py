"""Following the database's packs: a failure leaves the old rulebook in use, is counted, and ends nothing."""

import asyncio

import pytest

from service import metrics, pack_watch
from service.app import _stop
from service.db.pool import Pool
from service.pack_watch import PackWatch
from service.state import State


def refused():
    return metrics.SWAPS.labels("refused")._value.get()


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("damaged"), KeyError("a bug")])
def test_a_failing_step_is_counted_and_tried_again(tmp_path, monkeypatch, error):
    """Whatever goes wrong, the watch looks again; otherwise a change at 10:00 would never be live."""
    monkeypatch.setattr(pack_watch, "POLL_SECONDS", 0.001)
    watch = PackWatch(tmp_path, Pool("postgresql://nobody@127.0.0.1:1/none"), State())
    looked = []

    async def fail():
        looked.append(True)
        raise error

    monkeypatch.setattr(watch, "step", fail)
    before = refused()

    async def follow():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await watch.run()

    asyncio.run(follow())

    assert len(looked) > 1
    assert before + len(looked) == refused()


def test_a_dead_task_does_not_keep_the_stop_from_going_on(capfd):
    """The recorder drains after the tasks are stopped, also when one of them had died before."""

    async def die():
        raise RuntimeError("earlier")

    async def stop():
        task = asyncio.create_task(die())
        await asyncio.sleep(0)
        await _stop([task, asyncio.create_task(asyncio.sleep(60))])

    asyncio.run(stop())
