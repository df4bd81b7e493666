"""Posts verdicts of ``mode=later`` to the hospital's webhook, in the background, with a bounded number of tries.

Polling ``GET /v1/verdicts/{id}`` always works besides; what could not be posted is counted, never silently dropped.
"""

import asyncio
import random
from typing import Final

import httpx
import structlog

from service import metrics

_log = structlog.get_logger("dipcheck.webhook")
_JITTER: Final = random.Random()
WAITING: Final = 10_000
TRIES: Final = 6
FIRST_PAUSE: Final = 0.5


class Webhook:
    """One worker's queue of bodies to post."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

    def offer(self, body: bytes) -> bool:
        """Queue a body; ``False`` (and counted) when the queue is full."""
        try:
            self._queue.put_nowait(body)
        except asyncio.QueueFull:
            metrics.WEBHOOKS.labels("queue_full").inc()
            return False
        return True

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            body = await self._queue.get()
            try:
                await self._post(body)
            finally:
                self._queue.task_done()

    async def drain(self, seconds: float) -> None:
        """Wait for the queue to empty, so long; count what is left as given up."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            metrics.WEBHOOKS.labels("given_up").inc(self._queue.qsize())

    async def _post(self, body: bytes) -> None:
        for attempt in range(TRIES):
            try:
                reply = await self._client.post(
                    self._url, content=body, headers={"content-type": "application/json"}, timeout=10.0
                )
                if reply.status_code < 300:
                    metrics.WEBHOOKS.labels("posted").inc()
                    return
                why = f"status {reply.status_code}"
            except httpx.HTTPError as error:
                why = type(error).__name__
            metrics.WEBHOOKS.labels("retried").inc()
            _log.warning("webhook failed", why=why, attempt=attempt + 1)
            await asyncio.sleep(FIRST_PAUSE * 2**attempt * (0.5 + _JITTER.random()))
        metrics.WEBHOOKS.labels("given_up").inc()
