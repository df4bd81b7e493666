"""Records and stores for the tests of journal and recorder: fixed values, no randomness."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import msgspec

from rules.model import (
    Digests,
    Encounter,
    Finding,
    Input,
    Line,
    NotChecked,
    Patient,
    Verdict,
    Visit,
    encode,
)
from service.db.writes import Batch, Poisoned
from service.identity import Identity
from service.journal import Journal
from service.journal_files import Counters, Tail
from service.records import ComparisonRecord, DispositionRecord, JournalRecord, VerdictRecord

SHANGHAI = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 18, 12, 0, tzinfo=SHANGHAI)
TODAY = NOON.date()
IDENTITY = Identity(bytes(32))
DIGESTS = Digests(engine="e1", rulebook="r1", overlay="o1")


def an_input(*, lines: int = 3, department: str | None = "D02") -> Input:
    ordered = tuple(
        Line(
            position=position,
            id=f"rx-{position}",
            item=f"XA01AA{position:05}",
            name="注射用药品",
            quantity=20_000,
            price=123_400,
            amount=246_800,
            begin=NOON,
            timed=True,
            department=department,
            doctor="DR7",
        )
        for position in range(lines)
    )
    visit = Visit(id="V1", type="inpatient", department="D01", doctor="DR1")
    patient = Patient(pseudonym="p" * 32, sex="female", birth_date=date(1960, 5, 1))
    return Input(encounter=Encounter(hospital="H1", patient=patient, visit=visit, lines=ordered), time=NOON)


def a_verdict(*, findings: int = 1, not_checked: int = 1) -> Verdict:
    return Verdict(
        state="warned" if findings else "clear",
        findings=tuple(
            Finding(
                rule=f"R{number}",
                kind="sex_limit",
                code="sex_mismatch",
                title="药品区分性别使用",
                item="注射用药品",
                certainty="violation",
                level="warn",
                scope="payment",
                lines=(0,),
                message="该药品限男性使用,患者为女性",
                amounts=(246_800,),
            )
            for number in range(findings)
        ),
        not_checked=tuple(
            NotChecked(rule=f"N{number}", kind="age_limit", title="限年龄", fields=("birth_date",))
            for number in range(not_checked)
        ),
        amount=246_800,
        digests=DIGESTS,
    )


def a_record(
    number: int = 0,
    *,
    hospital: str = "H1",
    day: date = TODAY,
    content: Input | None = None,
    verdict: Verdict | None = None,
    department: str | None = "D01",
    amount: int = 246_800,
) -> VerdictRecord:
    content_bytes = encode(content or an_input())
    digest = hashlib.sha256(content_bytes).digest()
    return VerdictRecord(
        id=IDENTITY.verdict_id(hospital, f"M{number}", digest, b"", NOON),
        hospital=hospital,
        received=NOON,
        day=day,
        dialect="native",
        input=msgspec.Raw(content_bytes),
        verdict=msgspec.Raw(encode(verdict or a_verdict())),
        content_digest=digest.hex(),
        state="warned",
        amount=amount,
        elapsed_us=900,
        message_id=f"M{number}",
        patient="p" * 32,
        visit="V1",
        department=department,
        doctor="DR1",
    )


def a_disposition(record: VerdictRecord, *, reason: str = "病情需要") -> DispositionRecord:
    return DispositionRecord(
        finding_id=IDENTITY.finding_id(record.id, 1),
        verdict_id=record.id,
        number=1,
        hospital=record.hospital,
        received=NOON,
        day=NOON.date(),
        action="continued",
        dialect="native",
        reason=reason,
    )


def a_comparison(record: VerdictRecord) -> ComparisonRecord:
    return ComparisonRecord(
        verdict_id=record.id,
        hospital=record.hospital,
        received=NOON,
        day=NOON.date(),
        outcome="both",
        line_id="rx-0",
        upstream_rule="U1",
        our_rule="R0",
    )


class FakeStore:
    """A store in memory. It keeps what it is given; every fault is switched on by the test."""

    def __init__(self) -> None:
        self.stored: list[JournalRecord] = []
        self.batches: list[Batch] = []
        self.aside: list[str] = []
        self.positions: dict[str, tuple[int, int]] = {}
        self.forgotten: list[str] = []
        self.rests = 0
        self.fail: Exception | None = None
        self.is_poison: Callable[[JournalRecord], bool] = lambda _: False
        self.hang = False

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.stored if isinstance(record, VerdictRecord)]

    async def position(self, worker: str) -> tuple[int, int] | None:
        if self.fail is not None:
            raise self.fail
        return self.positions.get(worker)

    async def write(self, batch: Batch) -> None:
        if self.hang:
            await asyncio.sleep(3600)
        if self.fail is not None:
            raise self.fail
        if any(self.is_poison(record) for record in batch.records):
            raise Poisoned("InvalidText 22021")
        self.batches.append(batch)
        self.stored += batch.records
        self.aside += [entry.fault for entry in batch.aside]
        self.positions[batch.worker] = (batch.entries[-1].segment, batch.entries[-1].end)

    async def rest(self) -> None:
        self.rests += 1
        if self.fail is not None:
            raise self.fail

    async def forget(self, worker: str) -> None:
        self.positions.pop(worker, None)
        self.forgotten.append(worker)

    async def close(self) -> None:
        return


def a_journal(directory: Path, counters: Counters | None = None, **options: object) -> Journal:
    return Journal(directory / "journal", counters=counters, **options)  # type: ignore[arg-type]


def payloads(tail: Tail) -> list[bytes]:
    """Read everything that is pending."""
    found, position = [], tail.position
    while True:
        stretches, position = tail.read(position, 100)
        if not stretches:
            return found
        found += [stretch.payload for stretch in stretches if not stretch.fault]


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that another task does; fail the test when it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.005)


def now() -> datetime:
    return datetime.now(UTC)
