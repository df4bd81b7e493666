"""The application of one worker: parts put together at start, drained at stop (``create_app``)."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from structlog.tracebacks import ExceptionDictTransformer

from service import metrics, openapi
from service.belonging import Belonging
from service.check_flow import CheckFlow, Parts
from service.db import packs as stored
from service.db.history import PLANNED_ONCE
from service.db.pool import Pool
from service.db.writes import PostgresStore
from service.dialects import DIALECTS
from service.dialects._contract import Answer, Reading
from service.dialects._native_answer import answer_document, problem_document
from service.errors import INTERNAL, INVALID, METHOD, NOT_FOUND, Fault, Problem, ProblemKind
from service.evidence import anchors
from service.history.context import HistoryContext
from service.history.settling import Settler
from service.hot_path import App, Entrance, HotPath, Receive, Scope, Send
from service.identity import Identity
from service.instance import Instance
from service.journal import FsyncPolicy, Journal
from service.keys import KeyRing
from service.pack_watch import PackWatch
from service.rechecking import Rechecker
from service.recorder import Recorder
from service.routes import checks, dip, evidence, lines, operations, patients, record, replay
from service.schemas.faults import message_of, path_of
from service.sealing import CipherName, Sealer
from service.settings import Settings, SettingsError
from service.sites import Sites
from service.state import State
from service.upstream import Upstream
from service.webhook import Webhook

_log = structlog.get_logger("dipcheck.app")
RECORDER_SHARE: Final = 0.25
"""Of the drain time, what the recorder may take after the last request."""


class Application:
    """The ASGI application: the hot path once the worker has started, FastAPI for everything else."""

    def __init__(self, web: FastAPI) -> None:
        self.web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI call."""
        instance: Instance | None = getattr(self.web.state, "instance", None)
        target: App = self.web if instance is None else instance.hot_path
        if scope["type"] != "http":
            await target(scope, receive, send)
            return
        try:
            await target(scope, receive, send)
        except Exception as error:
            # Answered already, or cut off: the server would only write text and values of it into the log.
            _log.error("request broke off", error=type(error).__name__)


def create_app(settings: Settings, *, clock: Callable[[], datetime] | None = None) -> Application:
    """Return the application of one worker.

    Raises:
        SettingsError: an address that is not loopback without an API key (decision 9).
    """
    keyring = KeyRing.load(settings.data_dir, settings.api_key)
    if keyring.empty and not settings.loopback:
        raise SettingsError(f"{settings.host} can be reached from outside and no API key is configured")
    configure_logging(settings.log_level)
    web = FastAPIOffline(
        title="dipcheck",
        version="0.1.0",
        summary="医保 audit rules and DIP grouping, checked before an order is saved",
        lifespan=lambda app: _lifespan(app, settings, keyring, clock or _utc_now),
        separate_input_output_schemas=False,
    )
    for room in (checks, record, lines, replay, evidence, patients, dip, operations):
        web.include_router(room.router)
    openapi.install(web)
    _install_problems(web)
    return Application(web)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def _lifespan(
    web: FastAPI, settings: Settings, keyring: KeyRing, clock: Callable[[], datetime]
) -> AsyncIterator[None]:
    async with httpx.AsyncClient() as client:
        webhook = Webhook(settings.webhook_url, client) if settings.webhook_url else None
        upstream = None
        if settings.upstream_url:
            upstream = Upstream(settings.upstream_url, settings.upstream_deadline_ms, client)
        journal = open_journal(settings)
        instance = build_instance(
            web, settings=settings, keyring=keyring, journal=journal, clock=clock, webhook=webhook, upstream=upstream
        )
        watch = PackWatch(settings.data_dir, instance.pool, instance.state)
        watch.load_cached()
        quiet_collector()
        instance.recorder.start()
        tasks = instance.tasks
        behind = {
            "pack-watch": watch.run(),
            "pack-notices": stored.listen(settings.database_url or "", watch.notice),
            "observe": _observe(instance),
            "settler": instance.settler.run(),
            "rechecker": instance.rechecker.run(),
        }
        if webhook is not None:
            behind["webhook"] = webhook.run()
        for name, work in behind.items():
            tasks.append(asyncio.create_task(work, name=name))
            tasks[-1].add_done_callback(_say_if_dead)
        web.state.instance = instance
        try:
            yield
        finally:
            if webhook is not None:
                await webhook.drain(settings.drain_seconds * RECORDER_SHARE)
            await _stop(tasks)
            if not await instance.recorder.drain(settings.drain_seconds * RECORDER_SHARE):
                _log.warning("stopped with records not in the database; the next start takes them over")
            journal.close()
            await instance.history.close()
            await instance.pool.close()


def _say_if_dead(task: "asyncio.Task[None]") -> None:
    """Say at once what a background task died of; ``/readyz`` says it from then on."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a background task has died", task=task.get_name(), error=type(error).__name__)


async def _observe(instance: Instance) -> None:
    """Keep this worker's gauges current, since any worker may be asked for the page of all."""
    while True:
        instance.observe()
        await asyncio.sleep(1.0)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    # A task that died earlier must not keep the recorder from draining.
    await asyncio.gather(*tasks, return_exceptions=True)


def quiet_collector() -> None:
    """Move what was loaded out of the collector's sight, and let it run less often: requests make few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def open_journal(settings: Settings) -> Journal:
    """Return this worker's journal with the flush policy that the settings name."""
    policy: FsyncPolicy = "interval"
    interval = 0.1
    if settings.fsync == "always":
        policy = "always"
    elif settings.fsync == "never":
        policy = "never"
    else:
        interval = max(1, int(settings.fsync)) / 1000
    return Journal(
        settings.data_dir / "journal",
        counters=metrics.JournalCounters(),
        fsync=policy,
        fsync_interval=interval,
        limit_bytes=settings.journal_limit_bytes,
    )


def build_instance(
    web: FastAPI,
    *,
    settings: Settings,
    keyring: KeyRing,
    journal: Journal,
    clock: Callable[[], datetime],
    webhook: Webhook | None,
    upstream: Upstream | None,
) -> Instance:
    """Put one worker's parts together."""
    identity = Identity.open(settings.data_dir)
    cipher: CipherName = "sm4-gcm" if settings.cipher == "sm4-gcm" else "aes-256-gcm"
    sealer = Sealer.open(settings.data_dir, cipher)
    state = State()
    belonging = Belonging(settings.hospital)
    pool = Pool(settings.database_url or "")
    # Checks wait for history: no list or report may hold its connections.
    history = HistoryContext(Pool(settings.database_url or "", settings=PLANNED_ONCE), settings.tz)
    flow = CheckFlow(
        Parts(
            state=state,
            identity=identity,
            journal=journal,
            zone=settings.tz,
            upstream=upstream,
            context=history if settings.database_url else None,
            belonging=belonging,
            context_deadline=settings.history_deadline_ms / 1000,
            delivered=_deliverer(webhook),
        )
    )
    entrance = _entrance(settings, keyring, identity, clock)
    return Instance(
        settings=settings,
        state=state,
        identity=identity,
        keyring=keyring,
        pool=pool,
        recorder=_recorder(settings, journal, sealer),
        sealer=sealer,
        history=history,
        belonging=belonging,
        settler=Settler(pool, sealer, settings.tz, clock=clock),
        rechecker=Rechecker(pool, sealer, flow, journal, settings.tz),
        flow=flow,
        hot_path=HotPath(web, flow, DIALECTS.values(), entrance),
        dialects=dict(DIALECTS),
    )


def _recorder(settings: Settings, journal: Journal, sealer: Sealer) -> Recorder:
    counters = metrics.JournalCounters()
    store = PostgresStore(
        settings.database_url or "",
        sealer=sealer,
        zone=settings.tz,
        anchors_file=settings.data_dir / anchors.FILE,
        counters=counters,
    )
    return Recorder(journal, store, counters=counters)


def _entrance(settings: Settings, keyring: KeyRing, identity: Identity, clock: Callable[[], datetime]) -> Entrance:
    return Entrance(
        keys=keyring,
        sites=Sites.from_file(settings.sites_file),
        pseudonym=identity.pseudonym,
        zone=settings.tz,
        hospital=settings.hospital,
        max_body=settings.max_body_bytes,
        max_lines=settings.max_lines,
        clock=clock,
    )


def _deliverer(webhook: Webhook | None) -> Callable[[Reading, Answer], None] | None:
    if webhook is None:
        return None

    def deliver(reading: Reading, answer: Answer) -> None:
        webhook.offer(orjson.dumps(answer_document(reading, answer)))

    return deliver


def _install_problems(web: FastAPI) -> None:
    """Render every failure of FastAPI's routes as one of our problems."""

    @web.exception_handler(Problem)
    async def on_problem(_request: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @web.exception_handler(RequestValidationError)
    async def on_validation(_request: Request, error: RequestValidationError) -> Response:
        # Where it stood (body, query) is no part of the caller's own names.
        faults = tuple(Fault(path_of(entry["loc"][1:]), message_of(entry)) for entry in error.errors())
        return problem_response(Problem(INVALID, faults=faults))

    @web.exception_handler(HTTPException)
    async def on_http(_request: Request, error: HTTPException) -> Response:
        kinds: dict[int, ProblemKind] = {404: NOT_FOUND, 405: METHOD}
        return problem_response(Problem(kinds.get(error.status_code, INTERNAL)))

    @web.exception_handler(Exception)
    async def on_bug(_request: Request, error: Exception) -> Response:
        _log.error("request failed", error=type(error).__name__)
        return problem_response(Problem(INTERNAL))


def problem_response(problem: Problem) -> Response:
    """Return a problem as the native contract's ``ProblemOut``."""
    headers = {"www-authenticate": "Bearer"} if problem.kind.status == 401 else None
    body = orjson.dumps(problem_document(problem))
    return Response(body, problem.kind.status, headers, "application/json")


def configure_logging(level: str) -> None:
    """Write one JSON object a line to standard error; nothing that identifies a patient is ever handed to it."""
    number: Any = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(serializer=_json_text, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _json_text(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
