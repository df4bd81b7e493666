"""Exporting one person (导出): everything that is stored of the person, opened, as lines of JSON.

The first line says whose hospital and when, the last (``end``) how many of each sort there were: an export without it
broke off. Verdicts come in pages, each with a connection of its own, so that a slow reader holds none.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
import structlog

from rules.model import UNIT
from service.db import patients, verdicts
from service.db.patient_keys import AnyConnection, Person
from service.db.patients import Place
from service.db.pool import Pool
from service.errors import Problem
from service.privacy.erasing import WITHIN
from service.sealing import Sealer, Unreadable

_log = structlog.get_logger("dipcheck.privacy")
_PAGE: Final = 50
"""Verdicts read at once: a megabyte or two."""
END: Final = b'{"record":"end"'
"""How the last line of a whole export begins."""
_VERDICT: Final = (
    "id", "day", "received", "dialect", "mode", "message_id", "visit", "department", "doctor", "state", "elapsed_us",
    "engine", "rulebook", "overlay", "dictionary", "scheme", "content_digest", "caller",
)  # fmt: skip
_FINDING: Final = ("number", "rule", "action", "acted", "outcome", "concluded")
_COMPARISON: Final = ("line_id", "upstream_rule", "our_rule", "outcome", "received")
_EVENT: Final = ("number", "lines", "action", "source", "received", "settled", "result")
_RECHECK: Final = (
    "id", "day", "list_id", "received", "caller", "message_id", "started", "finished", "verdict_id", "problem",
    "dialect", "saved",
)  # fmt: skip
_LINE: Final = ("day", "item", "visit", "status", "source", "verdict_id", "received")
_VISIT: Final = ("visit", "received")


async def export(pool: Pool, sealer: Sealer, person: Person, *, at: datetime) -> AsyncIterator[bytes]:
    """Return the lines of a person's export; whose rows they are is settled before it returns.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer; later than that, the last line says so.
    """
    async with pool.connection(WITHIN) as connection:
        places = await patients.verdict_places(connection, person, within=WITHIN)
    return _lines(pool, sealer, person, places, at)


async def _lines(pool: Pool, sealer: Sealer, person: Person, places: list[Place], at: datetime) -> AsyncIterator[bytes]:
    counts: Counter[str] = Counter()
    yield _line({"record": "export", "hospital": person[0], "exported": at})
    try:
        async for document in _documents(pool, sealer, person, places):
            counts[document["record"]] += 1
            yield _line(document)
    except Problem as problem:
        _log.warning("patient_export_broke_off", hospital=person[0], problem=problem.kind.code)
        yield _line({"record": "broken_off", "problem": problem.kind.code, "title_zh": problem.kind.title_zh})
        return
    _log.info("patient_exported", hospital=person[0], records=counts.total())
    yield _line({"record": "end", "counts": dict(counts)})


async def _documents(pool: Pool, sealer: Sealer, person: Person, places: list[Place]) -> AsyncIterator[dict[str, Any]]:
    for begin in range(0, len(places), _PAGE):
        page = places[begin : begin + _PAGE]
        async with pool.connection(WITHIN) as connection:
            rows = await patients.verdict_rows(connection, person[0], page)
            kept = await _dispositions(connection, sealer, person[0], page)
        for row in rows.verdicts:
            yield _verdict(sealer, row, rows) | {"dispositions": None if kept is None else kept.get(row["id"], ())}
    async with pool.connection(WITHIN) as connection:
        lines, visits, rechecks, aside = (
            await patients.line_rows(connection, person),
            await patients.visit_rows(connection, person),
            await patients.recheck_rows(connection, person, within=WITHIN),
            await patients.aside_rows(connection, person, places, within=WITHIN),
        )
    for row in lines:
        yield {"record": "saved_line", **_named(row, _LINE), "line": orjson.Fragment(row["line"])}
    for row in visits:
        yield {"record": "saved_visit", **_named(row, _VISIT), "past_visit": orjson.Fragment(row["past_visit"])}
    for row in rechecks:
        yield {"record": "recheck", **_named(row, _RECHECK), **_opened(sealer, row, "recheck", "input")}
    for row in aside:
        text = row["payload"].decode("utf-8", "replace")
        yield {"record": "set_aside", "created": row["created"], "reason": row["reason"], "payload": text}


async def _dispositions(
    connection: AnyConnection, sealer: Sealer, hospital: str, page: list[Place]
) -> dict[UUID, tuple[verdicts.StoredDisposition, ...]] | None:
    """Return what was done with the findings of a page; ``None``: one of them cannot be opened."""
    try:
        return await verdicts.dispositions_of(connection, sealer, hospital, [verdict for _, verdict in page])
    except Unreadable:
        return None


def _verdict(sealer: Sealer, row: asyncpg.Record, rows: patients.VerdictRows) -> dict[str, Any]:
    """Return a verdict with what it was made from and all that became of it. Money is in yuan."""
    return {
        "record": "verdict",
        **_named(row, _VERDICT),
        "amount": row["amount"] / UNIT,
        **_opened(sealer, row, "verdict", "verdict", "input"),
        "findings": [_named(finding, _FINDING) for finding in rows.findings.get(row["id"], ())],
        "comparisons": [_named(compared, _COMPARISON) for compared in rows.comparisons.get(row["id"], ())],
        "line_events": [_named(event, _EVENT) for event in rows.events.get(row["id"], ())],
    }


def _opened(sealer: Sealer, row: asyncpg.Record, table: str, *columns: str) -> dict[str, Any]:
    """Return sealed columns as the JSON they hold; null, and a word why, where they cannot be opened."""
    found: dict[str, Any] = {}
    for column in columns:
        try:
            plain = verdicts.opened(sealer, row, table, column, str(row["id"]))
        except Unreadable:
            found |= {column: None, "unreadable": True}
            continue
        found |= {column: orjson.Fragment(plain)} if plain is not None else {column: None, "erased": True}
    return found


def _named(row: asyncpg.Record, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _line(document: dict[str, Any]) -> bytes:
    # asyncpg's ids are of a class of its own.
    return orjson.dumps(document, default=str, option=orjson.OPT_APPEND_NEWLINE)
