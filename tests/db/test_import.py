"""Past lines come into the record once, however often and in whatever pieces they are sent."""

import json
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from rules.model import Line, PastVisit
from service import cli
from service.db import history_writes
from service.db.pool import Pool
from service.dialects._contract import Call
from service.errors import Problem
from service.history import importing
from service.history.importing import Alike, Importer, ProgressFile, Report
from service.history.rows import CsvRows, HeaderFault
from service.identity import Identity
from service.saved_lines import saved_lines
from service.schemas.lines import PastLineIn
from service.sealing import Sealer
from service.sites import Sites
from tests.writer.samples import NOON, SHANGHAI

pytestmark = [pytest.mark.db, pytest.mark.anyio]
IDENTITY = Identity(bytes(32))
SEALER = Sealer(bytes(32))
ROW = {
    "patient_id": "330199000000123",
    "visit": "MZ1",
    "visit_type": "outpatient",
    "id": "rx1",
    "item": "XA10BAE041A001010100001",
    "name": "二甲双胍片",
    "begin": "2026-01-05 09:00:00",
    "quantity": 2,
    "unit": "盒",
    "price": 12.5,
    "amount": 25,
    "diagnosis": "E11.900",
    "self_paid": False,
}
PSEUDONYM = IDENTITY.pseudonym("H1\n330199000000123")


def a_call(received: datetime = NOON) -> Call:
    return Call(
        path="",
        query="",
        body=b"",
        content_type="",
        received=received,
        hospital="H1",
        default_hospital="H1",
        sites=Sites({}),
        pseudonym=IDENTITY.pseudonym,
        zone=SHANGHAI,
    )


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


async def pieces(content: bytes, size: int = 7_001) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Imports:
    """Imports into one database, with progress in one directory."""

    def __init__(self, pool: Pool, data: Path) -> None:
        self.pool = pool
        self.data = data

    async def __call__(
        self,
        content: bytes,
        *,
        form: str = "ndjson",
        import_id: str | None = None,
        told: datetime = NOON,
        size: int = 7_001,
    ) -> Report:
        progress = ProgressFile(self.data, "H1", import_id)
        importer = Importer(
            self.pool,
            SEALER,
            a_call(),
            "H1",
            form=form,  # type: ignore[arg-type]
            told=told,
            progress=progress,
        )
        return await importer.run(pieces(content, size))

    async def rows(self) -> list[asyncpg.Record]:
        async with self.pool.connection(10) as connection:
            return list(await connection.fetch("SELECT * FROM saved_line ORDER BY day, item, line_key"))


@pytest.fixture
async def imports(database_url: str, tmp_path: Path) -> AsyncIterator[Imports]:
    pool = Pool(database_url)
    yield Imports(pool, tmp_path)
    await pool.close()


class TestRows:
    async def test_a_row_is_a_saved_line(self, imports: Imports) -> None:
        """With day, pseudonym, visit and the line as the native dialect reads it; no id of a person anywhere."""
        report = await imports(lines(ROW))
        (row,) = await imports.rows()
        line = msgspec.json.decode(row["line"], type=Line)

        assert (1, 1, 0, []) == (report.rows_done, report.rows_written, report.rows_rejected, report.rejected)
        assert ("H1", date(2026, 1, 5), PSEUDONYM, "MZ1", "saved", "import", NOON) == tuple(
            row[name] for name in ("hospital", "day", "patient", "visit", "status", "source", "received")
        )
        assert (20_000, 250_000, False, "drug", True, "MZ1", False) == (
            line.quantity,
            line.amount,
            line.current,
            line.category,
            line.timed,
            line.visit,
            line.self_paid,
        )
        assert b"330199000000123" not in row["line"]

    async def test_the_visit_is_kept(self, imports: Imports) -> None:
        """Of rows that say more and less about it, the fuller one."""
        await imports(lines(ROW, {**ROW, "id": "rx2", "diagnosis": None}))
        async with imports.pool.connection(10) as connection:
            (row,) = await connection.fetch("SELECT * FROM saved_visit")

        assert (PSEUDONYM, "MZ1") == (row["patient"], row["visit"])
        assert PastVisit(id="MZ1", type="outpatient", diagnosis="E11.900") == msgspec.json.decode(
            row["past_visit"], type=PastVisit
        )

    async def test_months_are_made_as_rows_need_them(self, imports: Imports) -> None:
        """Years back, too."""
        report = await imports(
            lines(*({**ROW, "id": f"rx{year}", "begin": f"{year}-03-01"} for year in (2019, 2022, 2025)))
        )

        assert 3 == report.rows_written
        assert [2019, 2022, 2025] == [row["day"].year for row in await imports.rows()]

    async def test_a_row_may_take_back(self, imports: Imports) -> None:
        """A wrong import is mended by rows that say so."""
        await imports(lines(ROW))
        await imports(lines({**ROW, "cancelled": True}), told=NOON + timedelta(minutes=1))

        assert ["cancelled"] == [row["status"] for row in await imports.rows()]

    async def test_bad_rows_are_reported_and_good_ones_kept(self, imports: Imports) -> None:
        """Row number, field and why; never a value. All are counted, a hundred listed."""
        bad = [
            {**ROW, "quantity": "many"},
            {**ROW, "begin": "2206-01-05"},
            {**ROW, "patient_id": None, "visit": ""},
            {**ROW, "dosage": 3},
            {name: value for name, value in ROW.items() if name not in {"id", "item", "begin", "quantity"}},
        ]
        content = lines(*bad) + b"{\n[]\n" + lines(ROW)
        report = await imports(content)

        assert (8, 1, 7) == (report.rows_done, report.rows_written, report.rows_rejected)
        assert [
            (1, "quantity", "应为数字"),
            (2, "begin", "日期不合理"),
            (3, "patient_id", "必填"),
            (3, "visit", "必填"),
            (4, "dosage", "未知字段,请检查拼写"),
            (5, "id", "必填"),
            (5, "item", "必填"),
            (5, "begin", "必填"),
            (5, "quantity", "必填"),
            (6, "", "不是合法的 JSON"),
            (7, "", "应为对象"),
        ] == [(entry.row, entry.field, entry.message) for entry in report.rejected]
        many = await imports(b"{\n" * 250)
        assert (250, 100) == (many.rows_rejected, len(many.rejected))

    async def test_a_hundred_thousand_years_is_no_row(self, imports: Imports) -> None:
        """Whatever stands in a row, the import goes on."""
        report = await imports(lines({**ROW, "begin": 10**20}, {**ROW, "item": "X\u0000"}, ROW))

        assert 3 == report.rows_done
        assert 1 <= report.rows_written


class TestCsv:
    HEADER = "patient_id,visit,id,item,name,begin,quantity,self_paid,diagnosis\r\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    async def test_as_excel_writes_it(self, imports: Imports, encoding: str) -> None:
        """UTF-8 with or without a mark, or GB18030; empty cells are absent; yes and no in Chinese."""
        text = self.HEADER + '1,V1,rx1,XA1,"片,大\n盒""装""",2026/1/5,2,是,\r\n1,V1,rx2,XA2,,2026-01-05,1.5,否\r\n'
        report = await imports(text.encode(encoding), form="csv", size=11)
        rows = [msgspec.json.decode(row["line"], type=Line) for row in await imports.rows()]

        assert (2, 0) == (report.rows_written, report.rows_rejected)
        assert [('片,大\n盒"装"', True, 20_000), ("", False, 15_000)] == [
            (line.name, line.self_paid, line.quantity) for line in rows
        ]

    async def test_the_same_row_is_the_same_line_in_either_form(self, imports: Imports) -> None:
        """CSV after NDJSON changes nothing."""
        await imports(lines({**ROW, "diagnosis": None}))
        header = ",".join(name for name in ROW if name != "diagnosis")
        cells = ",".join(str(value) for name, value in ROW.items() if name != "diagnosis")
        before = await imports.rows()
        await imports(f"{header}\n{cells}".encode(), form="csv")

        assert before == await imports.rows()

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("patient_id,dosage\n1,2\n", "未知列"),
            ("id,id\n1,2\n", "重复"),
            ("编号\n1\n", "列名"),
            ("id;item\n1;2\n", "逗号"),
        ],
    )
    async def test_a_header_that_cannot_be_meant(self, imports: Imports, text: str, why: str) -> None:
        """Refused before a row is read."""
        with pytest.raises(Problem, match=why):
            await imports(text.encode(), form="csv")

    @pytest.mark.parametrize(("encoding", "why"), [("utf-8", "应为列名"), ("utf-16", "UTF-8 或 GB18030")])
    async def test_a_file_without_a_header(self, imports: Imports, encoding: str, why: str) -> None:
        """Its first row is a person's: no fault repeats what stands there."""
        with pytest.raises(Problem) as refused:
            await imports("330101195803127766,V1,rx1,XA1,2026-01-05,1,片\n".encode(encoding), form="csv")

        assert why in str(refused.value)
        assert "330101195803127766" not in str(refused.value)

    async def test_rows_that_do_not_fit(self, imports: Imports) -> None:
        """Too many cells, or no text at all: that row only."""
        content = b"patient_id,visit,id,item,begin,quantity\n1,V,r,X,2026-01-05,1,7\n\xff\xff,V,r,X,2026-01-05,1\n"
        report = await imports(content, form="csv")

        assert [(1, "有 7 格,表头只有 6 列"), (2, "无法读取该行")] == [
            (one.row, one.message) for one in report.rejected
        ]

    def test_a_file_that_is_no_table(self) -> None:
        """Memory stays flat whatever comes."""
        rows = CsvRows(frozenset({"id"}))

        def feed() -> None:
            for _ in range(100):
                list(rows.feed(b"x" * 65_536))

        with pytest.raises(HeaderFault):
            feed()


class TestAgain:
    async def test_the_same_file_again_changes_nothing(self, imports: Imports) -> None:
        """Lines alike but for what they charge stay apart, a line told twice stays one."""
        reversal = {**ROW, "quantity": -2, "amount": -25}
        content = lines(ROW, {**ROW, "id": "rx2"}, reversal, ROW)
        await imports(content)
        before = await imports.rows()
        await imports(content)

        assert 3 == len(before)
        assert before == await imports.rows()

    def test_keys_are_those_of_a_message(self) -> None:
        """One by one as all together: what a message carries later is the same line."""
        some = [
            Line(id="rx1", item="X", quantity=quantity, amount=quantity, begin=NOON, current=False)
            for quantity in (10, -10, 10, 20)
        ] + [Line(id="rx2", item="X", quantity=10, begin=NOON, current=False)]
        alike = Alike("H1")
        one_by_one = [
            alike.key(kept) for line in some for kept in saved_lines("H1", "V1", [line], time=None, zone=SHANGHAI)
        ]

        together = [kept.key for kept in saved_lines("H1", "V1", some, time=None, zone=SHANGHAI)]
        assert together == list(dict.fromkeys(one_by_one))

    async def test_what_was_told_later_stands(self, imports: Imports) -> None:
        """An old file does not bring back what was cancelled since."""
        await imports(lines({**ROW, "cancelled": True}), told=NOON)
        await imports(lines(ROW), told=NOON - timedelta(days=1))

        assert ["cancelled"] == [row["status"] for row in await imports.rows()]


class TestResume:
    CONTENT = lines(*({**ROW, "id": f"rx{number}"} for number in range(50)), {**ROW, "begin": ""})

    async def test_it_goes_on_where_it_broke_off(self, imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was done is not written again; the end is as if nothing had happened."""
        monkeypatch.setattr(importing, "BATCH", 20)
        write, calls = history_writes.write_past, []

        async def failing(*given: Any, **options: Any) -> None:
            calls.append(given)
            if len(calls) == 2:
                raise Problem(importing.CONFLICT)
            await write(*given, **options)

        monkeypatch.setattr(history_writes, "write_past", failing)
        with pytest.raises(Problem):
            await imports(self.CONTENT, import_id="m1")
        assert (20, False) == self._progress(imports)

        report = await imports(self.CONTENT, import_id="m1")
        assert (51, 30, 20, 1) == (
            report.rows_done,
            report.rows_written,
            report.rows_skipped,
            report.rows_rejected,
        )
        assert (51, True) == self._progress(imports)
        assert 50 == len(await imports.rows())

    def _progress(self, imports: Imports) -> tuple[int, bool]:
        found = ProgressFile(imports.data, "H1", "m1").read()
        return found.rows, found.complete

    @pytest.mark.parametrize("other", [lines(ROW), CONTENT.replace(b"rx7", b"rx8"), b""])
    async def test_another_file_under_the_same_name_is_refused(self, imports: Imports, other: bytes) -> None:
        """Its rows would be skipped in silence."""
        await imports(self.CONTENT, import_id="m1")
        with pytest.raises(Problem, match="另一个文件"):
            await imports(other, import_id="m1")

    async def test_a_file_that_grew_goes_on(self, imports: Imports) -> None:
        """Rows that were added at its end are written."""
        await imports(self.CONTENT, import_id="m1")
        report = await imports(self.CONTENT + lines({**ROW, "id": "new"}), import_id="m1")

        assert (52, 1, 51) == (report.rows_done, report.rows_written, report.rows_skipped)

    async def test_old_progress_is_removed(self, imports: Imports) -> None:
        """After ninety days; nothing of a person stands in it."""
        await imports(lines(ROW), import_id="m1")
        (path,) = (imports.data / importing.FOLDER).iterdir()
        assert "330199000000123" not in path.read_text()

        ProgressFile(imports.data, "H1", None).prune(path.stat().st_mtime + 91 * 24 * 3600)
        assert [] == list((imports.data / importing.FOLDER).iterdir())


class TestCommand:
    @pytest.fixture
    def run(
        self, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> Any:
        """Run a command against a database of its own."""
        monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path / "data"))
        Identity.open(tmp_path / "data")

        def run(*arguments: str) -> tuple[int, str]:
            code = cli.main(["history", *arguments])
            said = capsys.readouterr()
            return code, said.out + said.err

        return run

    def test_import_and_cover(self, run: Any, tmp_path: Path) -> None:
        """A file comes in, and the record is vouched for from a day on."""
        file = tmp_path / "past.ndjson"
        file.write_bytes(lines(ROW, {**ROW, "id": "rx2"}))

        code, said = run("import", str(file), "--hospital", "H1", "--complete-since", "2025-01-01", "--by", "it")
        assert (0, True, True) == (code, "2 written, 0 rejected" in said, "complete since 2025-01-01" in said)
        code, said = run("cover", "--hospital", "H1")
        assert (0, True) == (code, "complete since 2025-01-01, says it" in said)
        assert (0, "H1: nobody vouches any more\n") == run("cover", "--hospital", "H1", "--withdraw")
        assert (0, "H1: nobody vouches for the record\n") == run("cover", "--hospital", "H1")

    def test_what_was_rejected_is_never_complete(self, run: Any, tmp_path: Path) -> None:
        """Rows are listed, the exit code says so, and nothing is declared."""
        file = tmp_path / "past.csv"
        file.write_text("patient_id,visit,id,item,begin,quantity\n1,V,r,X,,1\n", encoding="utf-8")

        code, said = run("import", str(file), "--complete-since", "2025-01-01")
        assert (1, True, True) == (code, "row 1: begin: 必填" in said, "not declared complete" in said)
        assert "nobody vouches" in run("cover")[1]

    def test_another_data_directory_is_refused(self, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its key would give everybody another pseudonym than the service does."""
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path / "other"))
        file = tmp_path / "past.ndjson"
        file.write_bytes(lines(ROW))

        code, said = run("import", str(file))
        assert (2, True) == (code, "no key for pseudonyms" in said)

    @pytest.mark.parametrize(
        "arguments", [("import", "nowhere.csv"), ("import", "file.txt"), ("cover", "--since", "2999-01-01")]
    )
    def test_misuse(self, run: Any, arguments: tuple[str, ...]) -> None:
        """A file that is not there, of no known form, a day that has not come."""
        assert 2 == run(*arguments)[0]


def test_every_column_is_documented() -> None:
    """The page for integrators names each field that a row may have."""
    page = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", page))

    assert [] == sorted(set(PastLineIn.model_fields) - named)
