"""Every verdict of the corpus, from the check to the database and back: the stored input gives the very bytes again.

The corpus: the cases of the packs that ship, the clean encounters among them, the witness and the near miss of every
rule, the golden national messages, and the cases of every DIP scheme as stays. All of it goes through flow, journal,
recorder and database in one go, under several rulebooks, with recorded history and with a hospital's settings.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import asyncpg
import msgspec
import pytest

from rules import Rulebook, check, encode
from rules.codings import diagnosis_code
from rules.compiler import build, examine
from rules.compiler.loading import read_files
from rules.dip.compiler import ExaminedScheme, build_scheme, examine_scheme
from rules.dip.compiler.sealing import sealed
from rules.dip.directory import Directory
from rules.dip.model import Case
from rules.engine import specimen
from rules.engine.specimen_scheme import SCHEME
from rules.model import (
    Context,
    Diagnosis,
    Encounter,
    Facility,
    History,
    Input,
    Line,
    Operation,
    Overlay,
    PastVisit,
    Patient,
    Visit,
)
from service import records
from service.asked import Asked
from service.check_flow import CheckFlow, Parts
from service.db import packs as stored
from service.db import rulebooks
from service.db.pool import Pool
from service.db.replays import Filters, stored_rows
from service.db.writes import PostgresStore
from service.dialects._contract import Reading
from service.identity import Identity
from service.journal import Journal
from service.packs import STARTER
from service.recorder import Recorder
from service.replay.bulk import Bulk, Others
from service.replay.loading import Shelf
from service.replay.replaying import digest_of, judge_again
from service.replay.tally import Tally
from service.schemes import NO_SCHEMES, SHIPPED, Schemes
from service.sealing import Sealer
from service.state import Active, State
from service.verdict_records import content_digest, input_bytes, verdict_record
from tests.dialects.national_calls import GOLDEN
from tests.dialects.test_national import load, reading_of

pytestmark = pytest.mark.db
ZONE = specimen.ZONE
NOW = datetime(2026, 3, 18, 9, 15, tzinfo=ZONE)
EXTRACT = "national-3.0-extract"
NEAR = Filters(NOW.date() - timedelta(days=3), NOW.date() + timedelta(days=3))
"""A record is filed under its message's day, if that is near."""


@dataclass(frozen=True)
class Piece:
    """One input of the corpus, and what judges it."""

    name: str
    given: Input
    rulebook: Rulebook
    schemes: Schemes = NO_SCHEMES
    dialect: str = "native"


@cache
def examined(name: str, every: int = 1):
    """A pack that ships, with the cases of every so manieth file: reading them all takes seconds."""
    files = read_files(STARTER.parent / name)
    chosen = sorted(file for file in files if file.startswith("cases/"))[::every]
    return examine({file: data for file, data in files.items() if not file.startswith("cases/") or file in chosen})


@cache
def scheme(name: str) -> ExaminedScheme:
    """A scheme that ships, with its cases."""
    return examine_scheme(SHIPPED / name)


@cache
def schemes(*names: str) -> Schemes:
    """Schemes that ship, indexed."""
    return Schemes(tuple(Directory.build(scheme(name).scheme) for name in names))


@cache
def rulebook(*names: str) -> Rulebook:
    """Packs that ship, in use together."""
    return Rulebook.build([examined(name, SPARSE).pack for name in names])


NATIONAL, OWN = "national-2026", "hospital-example"
SPARSE = 6
"""Of case files, one in so many, for the quick run."""
SCHEMES = (EXTRACT, "example-city-a", "example-city-b")
SPECIMENS = Directory.build(sealed(SCHEME.scheme))
"""The scheme that pays the witnesses of DIP rules, under a digest of its own."""


def cases(every: int = 1) -> Iterator[Piece]:
    """Named cases and the clean corpus: under their pack alone, and under both packs together."""
    for pack in (NATIONAL, OWN):
        for placed in examined(pack, every).cases:
            case = placed.case
            named = schemes(case.scheme) if case.scheme else NO_SCHEMES
            yield Piece(f"{pack}/{case.name}", case.input, rulebook(pack), named)
            yield Piece(f"both/{pack}/{case.name}", case.input, rulebook(NATIONAL, OWN), schemes(EXTRACT))


def specimens(_every: int = 1) -> Iterator[Piece]:
    """The witness and the near miss of every rule."""
    for pack in (NATIONAL, OWN):
        book = rulebook(pack)
        for entry in book.entries:
            for made in (specimen.witness, specimen.near_miss):
                yield Piece(f"{entry.rule.id}/{made.__name__}", made(entry, book), book, Schemes((SPECIMENS,)))


def golden(_every: int = 1) -> Iterator[Piece]:
    """The national messages in every style of sender."""
    for path in GOLDEN:
        message = load(path)
        if "fault" in message or "problem" in message:
            continue
        reading = reading_of(message)
        given = Input(encounter=reading.encounter, time=reading.time, role=reading.role)
        yield Piece(path.stem, given, rulebook(NATIONAL, OWN), schemes(EXTRACT), "national")


def stays(_every: int = 1) -> Iterator[Piece]:
    """The cases of the schemes, as stays that are judged at discharge."""
    for name in SCHEMES:
        for placed in scheme(name).cases:
            given = stay_of(placed.case.case)
            yield Piece(f"{name}/{placed.case.name}", given, rulebook(NATIONAL, OWN), schemes(name))


def stay_of(case: Case) -> Input:
    """Write a DIP case as an encounter."""
    ended = case.discharged or date(2026, 3, 10)
    admitted = case.admitted or ended - timedelta(days=case.days or 5)
    born = None if case.age_years is None else admitted.replace(year=admitted.year - case.age_years, day=1)
    codes = [case.principal, *case.others] if case.principal else list(case.others)
    normal = [diagnosis_code(code) for code in codes]
    line = Line(item="XB05BAZ087B002010100001", name="氯化钠", quantity=10_000, amount=300_000, begin=at(admitted))
    encounter = Encounter(
        hospital="H00000000000",
        patient=Patient(pseudonym="p" * 32, sex=case.sex, birth_date=born, weight_g=case.weight_g),
        facility=Facility(level=case.hospital_level),
        visit=Visit(
            id=case.id or "ZY1",
            type="inpatient",
            medical_type=case.medical_type,
            insurance=case.insurance,
            admitted=at(admitted),
            discharged=None if case.ongoing else at(ended),
            total_amount=case.cost,
            icu_days=case.icu_days,
            died=case.died,
            out_of_area=case.out_of_area,
            insured_place=case.place,
            day_surgery=case.day_surgery,
            planned=case.planned,
        ),
        diagnoses=tuple(
            Diagnosis(code=code, system=system, main=number == 0) for number, (code, system) in enumerate(normal)
        ),
        operations=tuple(
            Operation(code=code, main=number == 0, day=admitted) for number, code in enumerate(case.operations)
        ),
        lines=(line,),
    )
    return Input(encounter=encounter, time=at(ended))


def at(day: date) -> datetime:
    """Ten in the morning."""
    return datetime.combine(day, time(10), ZONE)


def with_history(every: int = 1) -> Iterator[Piece]:
    """Cases whose sender vouches for nothing: with what the record has of the patient, and with one that is late."""
    for placed in examined(NATIONAL, every).cases:
        case = placed.case
        encounter = msgspec.structs.replace(case.encounter, history_since=None)
        for context in (Context(history=remembered(case)), Context(late=("history",))):
            given = msgspec.structs.replace(case.input, encounter=encounter, context=context)
            name = f"{'late' if context.late else 'history'}/{case.name}"
            yield Piece(name, given, rulebook(NATIONAL, OWN), schemes(EXTRACT))


def remembered(case) -> History:
    """A record in which all of this was ordered yesterday, too."""
    yesterday = case.time - timedelta(days=1)
    lines = tuple(
        msgspec.structs.replace(line, position=0, current=False, begin=yesterday, visit="earlier")
        for line in case.encounter.lines
    )
    before = PastVisit(id="earlier", type="outpatient", admitted=yesterday)
    return History(since=date(2025, 1, 1), lines=lines, visits=(before,))


def with_settings(every: int = 1) -> Iterator[Piece]:
    """Named cases under a hospital's settings: every rule that spoke is switched off or made quieter."""
    for placed in examined(NATIONAL, every).cases:
        case = placed.case
        said = [finding.rule for finding in case.findings]
        if said:
            overlay = Overlay(levels=tuple((rule, "info") for rule in said[1:]), off=(said[0],))
            given = msgspec.structs.replace(case.input, overlay=overlay)
            yield Piece(f"settings/{case.name}", given, rulebook(NATIONAL))


PARTS = (cases, specimens, golden, stays, with_history, with_settings)


class Corpus:
    """The corpus on its way through a worker's parts."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        self.answered: dict[str, str] = {}
        """Verdict id to the SHA-256 of what was answered."""
        self._piece: Piece | None = None
        self._state = State()
        self._identity = Identity.open(directory)
        self.sealer = Sealer.open(directory)
        self.journal = Journal(directory / "journal", fsync="never")
        self.flow = CheckFlow(
            Parts(self._state, self._identity, self.journal, ZONE, context=self._context, context_deadline=1.0)
        )

    async def _context(self, *asked):
        return self._piece.given.context

    async def run(self, pieces: list[Piece]) -> Tally:
        """Check, journal, record, and judge again."""
        for piece in pieces:
            await self.check(piece)
        recorder = Recorder(self.journal, PostgresStore(self.url, sealer=self.sealer))
        recorder.start()
        assert await recorder.drain(120.0)
        self.journal.close()
        pool = Pool(self.url)
        try:
            await self._keep(pool, pieces)
            bulk = Bulk(Shelf(pool, self.directory), Others())
            for hospital in {piece.given.encounter.hospital for piece in pieces}:
                async with pool.connection(300.0) as connection:
                    await bulk.run(connection, self.sealer, hospital, NEAR)
        finally:
            await pool.close()
        return bulk.tally

    async def check(self, piece: Piece) -> None:
        """Check one piece as a caller would, or, with settings of a hospital, journal it as the flow would."""
        self._piece, self._state.active = piece, Active(piece.rulebook, "test", piece.schemes)
        given = piece.given
        reading = Reading(encounter=given.encounter, time=given.time, message_id=piece.name, role=given.role)
        asked = Asked(piece.dialect, reading, NOW, "check", 0.0, "test")
        if given.overlay.off or given.overlay.levels:
            self._journal(asked, given, piece)
            return
        answer = await self.flow.check(asked)
        assert answer.recorded
        self.answered[answer.verdict_id] = digest_of(encode(answer.verdict))

    def _journal(self, asked: Asked, given: Input, piece: Piece) -> None:
        verdict = check(given, piece.rulebook)
        encounter = encode(given.encounter)
        content = content_digest(given, encounter)
        verdict_id = self._identity.verdict_id(
            given.encounter.hospital, piece.name, content, encode(verdict.digests), NOW
        )
        record = msgspec.structs.replace(
            verdict_record(asked, given, verdict, ZONE),
            id=verdict_id,
            content_digest=content.hex(),
            input=msgspec.Raw(input_bytes(given, encounter)),
        )
        assert self.journal.append(records.encode(record))
        self.answered[verdict_id] = digest_of(encode(verdict))

    async def _keep(self, pool: Pool, pieces: list[Piece]) -> None:
        """Store packs, schemes and rulebooks, of which nothing is in a cache here."""
        for name in (NATIONAL, OWN):
            pack = examined(name, SPARSE).pack
            await stored.store(pool, stored.Built("pack", pack.digest, pack.name, pack.version, build(pack)))
        for found in (*(scheme(name).scheme for name in SCHEMES), SPECIMENS.scheme):
            kept = stored.Built("scheme", found.digest, found.name, found.version, build_scheme(found))
            await stored.store(pool, kept)
        for book in {piece.rulebook.digest: piece.rulebook for piece in pieces}.values():
            await rulebooks.keep(pool, book.digest, [pack.digest for pack in book.packs])

    async def stored(self) -> dict[str, str]:
        """Give the SHA-256 of every stored verdict, and check that its bytes come out of its input once more."""
        connection = await asyncpg.connect(self.url)
        found: dict[str, str] = {}
        try:
            for hospital in [row[0] for row in await connection.fetch("SELECT DISTINCT hospital FROM verdict")]:
                async with stored_rows(connection, self.sealer, hospital, NEAR) as cursor:
                    while rows := await cursor.fetch(500):
                        found |= {row.id: hashlib.sha256(row.verdict).hexdigest() for row in rows}
        finally:
            await connection.close()
        return found


def replayed(directory: Path, url: str, pieces: list[Piece]) -> tuple[Corpus, Tally]:
    """Send pieces the whole way."""
    corpus = Corpus(directory, url)
    return corpus, asyncio.run(corpus.run(pieces))


def assert_all_the_same(corpus: Corpus, tally: Tally) -> None:
    """What was answered is what is stored is what comes out again, for every one of them."""
    count = len(corpus.answered)
    assert [] == tally.differing
    assert (count, count, 0, {}) == (tally.read, tally.same, tally.damaged, tally.unloadable)
    assert corpus.answered == asyncio.run(corpus.stored())


def test_a_sample_of_the_corpus_is_the_same(tmp_path, database_url):
    """Some of every part, in the quick run."""
    pieces = [piece for part in (cases, golden, with_history, with_settings) for piece in part(SPARSE)]
    pieces += [*stays()][::9]

    corpus, tally = replayed(tmp_path, database_url, pieces)

    assert len(corpus.answered) > 300
    assert_all_the_same(corpus, tally)


@pytest.mark.slow
def test_the_whole_corpus_is_the_same(tmp_path, database_url):
    """All of it, byte for byte: answered, stored and judged again."""
    parts = {part.__name__: [*part()] for part in PARTS}
    least = {"cases": 1000, "specimens": 1900, "golden": 15, "stays": 370, "with_history": 750, "with_settings": 60}
    assert {} == {name: len(parts[name]) for name, count in least.items() if len(parts[name]) < count}

    corpus, tally = replayed(tmp_path, database_url, [piece for part in parts.values() for piece in part])

    assert len(corpus.answered) > 4_000
    assert_all_the_same(corpus, tally)


def test_the_corpus_has_what_could_go_wrong():
    """Groups and money of DIP, history that was used, settings that counted, rules that could not be judged."""
    judged = {part.__name__: [_judged(piece) for piece in part(SPARSE)] for part in (stays, with_history, cases)}

    assert sum(verdict.dip is not None and bool(verdict.dip.after.group) for verdict in judged["stays"]) >= 200
    assert sum(verdict.dip is not None and verdict.dip.after.standard is not None for verdict in judged["stays"]) >= 50
    assert any(entry.reason == "timeout" for verdict in judged["with_history"] for entry in verdict.not_checked)
    assert sum(bool(verdict.findings) for verdict in judged["cases"]) >= 40
    piece = next(with_settings(SPARSE))
    assert check(piece.given, piece.rulebook) != check(
        msgspec.structs.replace(piece.given, overlay=Overlay()), piece.rulebook
    )


def _judged(piece: Piece):
    directory = piece.schemes.directories[0] if piece.schemes.directories else None
    return check(piece.given, piece.rulebook, directory)


def test_a_stored_input_is_enough():
    """Bytes of history, late parts and settings come back as they were: decoding an input loses nothing."""
    for part in (with_history, with_settings, golden):
        for piece in part(SPARSE):
            given = encode(piece.given)

            assert piece.given == msgspec.json.decode(given, type=Input)
            assert encode(check(piece.given, piece.rulebook)) == judge_again(given, piece.rulebook, None).verdict
