"""What is sealed, compared with what stands beside it in plain columns: the deep part of a verification.

In: verdicts' rows whose ciphertexts are the ones that were written. Out: what does not follow from what they hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from rules.model import Input
from service.db.evidence import finding_rows
from service.db.patient_keys import AnyConnection
from service.db.rows import findings_of, text_of
from service.identity import Identity
from service.sealing import Sealer, Unreadable, bound_to
from service.verdict_records import content_digest

_FROM_MESSAGE: Final = 8
"""UUID version of an id that was made from a message id."""
_NAMES: Final = (
    "rule", "kind", "code", "certainty", "level", "scope", "title", "item", "amount", "lines", "message",
)  # fmt: skip


class _Input(msgspec.Struct):
    encounter: msgspec.Raw


class _Verdict(msgspec.Struct):
    digests: msgspec.Raw


_INPUT: Final = msgspec.json.Decoder(Input)
_ENCOUNTER: Final = msgspec.json.Decoder(_Input)
_DIGESTS: Final = msgspec.json.Decoder(_Verdict)


@dataclass(slots=True)
class Outcome:
    """What came of opening some verdicts; a fault is a table, an id and what is wrong."""

    opened: int = 0
    erased: int = 0
    faults: list[tuple[str, str, str]] = field(default_factory=list)


class Contents:
    """Opens verdicts and compares."""

    def __init__(self, sealer: Sealer, identity: Identity) -> None:
        self._sealer = sealer
        self._identity = identity

    async def compare(self, connection: AnyConnection, hospital: str, rows: Sequence[asyncpg.Record]) -> Outcome:
        """Compare verdicts' columns and findings with what is sealed; an erased one is counted and left alone."""
        outcome = Outcome()
        findings = await finding_rows(connection, hospital, [(row["day"], row["id"]) for row in rows])
        for row in rows:
            if row["key"] is not None and row["wrapped"] is None:
                outcome.erased += 1
                continue
            outcome.opened += 1
            try:
                given, verdict = self._open(row, "input"), self._open(row, "verdict")
            except Unreadable as fault:
                outcome.faults.append(("verdict", str(row["id"]), f"it does not open: {fault}"))
                continue
            found = next(self._faults(row, given, verdict, findings.get(row["id"], [])), None)
            if found is not None:
                outcome.faults.append(found)
        return outcome

    def _open(self, row: asyncpg.Record, column: str) -> bytes:
        data: bytes = row[f"opened_{column}"]
        if row["key"] is None:
            return data
        bound = bound_to("verdict", column, row["hospital"], str(row["id"]))
        return self._sealer.open_sealed(self._sealer.unwrap(row["wrapped"]), data, bound)

    def _faults(
        self, row: asyncpg.Record, given: bytes, verdict: bytes, findings: Sequence[tuple[object, ...]]
    ) -> Iterator[tuple[str, str, str]]:
        name = str(row["id"])
        try:
            evaluated, encounter = _INPUT.decode(given), bytes(_ENCOUNTER.decode(given).encounter)
            digests, expected = bytes(_DIGESTS.decode(verdict).digests), findings_of(verdict)
        except msgspec.MsgspecError:
            yield "verdict", name, "what is sealed is no input or no verdict"
            return
        content = content_digest(evaluated, encounter)
        if content.hex() != row["content_digest"]:
            yield "verdict", name, "content_digest is not that of the input"
        if row["patient"] != text_of(evaluated.encounter.patient.pseudonym):
            yield "verdict", name, "patient is not the input's"
        if row["visit"] != text_of(evaluated.encounter.visit.id):
            yield "verdict", name, "visit is not the input's"
        if not self._is_of_message(row, content, digests):
            yield "verdict", name, "message_id is not the one its id was made from"
        yield from _finding_faults(row["id"], expected, findings)

    def _is_of_message(self, row: asyncpg.Record, content: bytes, digests: bytes) -> bool:
        message = row["message_id"]
        if (row["id"].version == _FROM_MESSAGE) != bool(message):
            return False
        if not message or "\ufffd" in message + row["hospital"]:
            return True
        made = self._identity.verdict_id(row["hospital"], message, content, digests, row["received"])
        return made == str(row["id"])


def _finding_faults(
    verdict: UUID, expected: Sequence[tuple[object, ...]], found: Sequence[tuple[object, ...]]
) -> Iterator[tuple[str, str, str]]:
    if len(expected) != len(found):
        yield "finding", str(verdict), f"there are {len(found)} rows for {len(expected)} findings"
    for number, (wanted, row) in enumerate(zip(expected, found, strict=False), 1):
        for name, value, stored in zip(_NAMES, wanted, row, strict=True):
            if value != stored:
                yield "finding", f"{verdict}/{number}", f"{name} is not the verdict's"
