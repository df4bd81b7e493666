"""The upstream platform (ruling 13) against a fake one on loopback: forward, merge, relay, compare, fail."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest

from service.dialects.national import DIALECT
from service.upstream import OUTCOMES, Comparison, Upstream, UpstreamAnswer, agreement, only, parse, transaction
from tests.dialects.national_calls import a_3103, a_finding, a_message, an_answer, an_order, read

T = TypeVar("T")
BODY = json.dumps(a_message(), ensure_ascii=False).encode("gbk")


def a_row(**fields: Any) -> dict[str, Any]:
    row = {
        "jr_id": "SP-0001",
        "rule_id": "R07",
        "rule_name": "限性别用药",
        "vola_cont": "示例",
        "patn_id": "44019900000000000000000321",
        "mdtrt_id": "M1",
        "judge_result_detail_dtos": [{"jrd_id": "D1", "rx_id": "R1", "vola_item_type": "1", "vola_amt": "37.20"}],
        "vola_amt": "37.20",
        "sev_deg": "1",
    }
    return row | fields


def envelope(*rows: dict[str, Any], **fields: Any) -> bytes:
    whole = {"infcode": 0, "err_msg": None, "warn_msg": None, "output": {"result": list(rows)}}
    return json.dumps(whole | fields, ensure_ascii=False).encode()


@dataclass
class FakePlatform:
    """A platform that answers with fixed bytes, after a while, and remembers what it was sent."""

    reply: bytes = b""
    status: int = 200
    wait: float = 0.0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((head[0].split()[1], headers, body))
        await asyncio.sleep(self.wait)
        start = f"HTTP/1.1 {self.status} OK\r\ncontent-length: {len(self.reply)}\r\nconnection: close\r\n\r\n"
        writer.write(start.encode() + self.reply)
        await writer.drain()


def using(
    platform: FakePlatform, act: Callable[[Upstream], Awaitable[T]], path: str = "/{infno}", deadline_ms: int = 2_000
) -> T:
    """What an act gives against a platform that runs for so long."""

    async def run() -> T:
        server = await asyncio.start_server(platform.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, httpx.AsyncClient(trust_env=False) as client:
            found = await act(Upstream(f"http://127.0.0.1:{port}{path}", deadline_ms, client))
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        return found

    return asyncio.run(run())


def asked(platform: FakePlatform, **options: Any) -> UpstreamAnswer:
    return using(platform, lambda upstream: upstream.check(BODY), **options)


class TestForward:
    def test_unchanged_bytes(self):
        """The platform gets the very bytes the caller sent, at the address of their transaction."""
        platform = FakePlatform(envelope())

        asked(platform)

        path, _, body = platform.requests[0]
        assert ("/3101", BODY) == (path, body)

    def test_headers(self):
        """Content type and signatures go on; the caller's key for this service does not."""
        platform = FakePlatform(envelope())
        headers = {
            "content-type": "application/json; charset=GBK",
            "x-tif-nonce": "n",
            "authorization": "Bearer k",
            "apikey": "k",
        }

        using(platform, lambda upstream: upstream.check(BODY, headers=headers))

        _, sent, _ = platform.requests[0]
        assert ("application/json; charset=GBK", "n") == (sent["content-type"], sent["x-tif-nonce"])
        assert {"authorization", "apikey"}.isdisjoint(sent)

    def test_fixed_address(self):
        """An address without a place for the transaction is used as it is."""
        platform = FakePlatform(envelope())

        asked(platform, path="/fsi/api/riskConService/beforeAnalyze")

        assert "/fsi/api/riskConService/beforeAnalyze" == platform.requests[0][0]

    @pytest.mark.parametrize(
        ("body", "path", "expected"),
        [
            (b'{"infno" : "3102"}', "/national", "3102"),
            (b'{"infno":3101}', "/national", "3101"),
            (b"{}", "/national/3103", "3103"),
            (b"{}", "/fsi/api/riskConService/courseAnalyze", "3102"),
        ],
    )
    def test_transaction(self, body, path, expected):
        """The transaction is the body's, else the path's."""
        assert expected == transaction(body, path)


class TestRows:
    def test_answered(self):
        """Rows come back with their ids unchanged, amounts as numbers."""
        answer = asked(FakePlatform(envelope(a_row())))

        assert "answered" == answer.outcome
        assert ("SP-0001", 37.2) == (answer.rows[0]["jr_id"], answer.rows[0]["vola_amt"])
        assert 37.2 == answer.rows[0]["judge_result_detail_dtos"][0]["vola_amt"]

    @pytest.mark.parametrize(
        ("output", "count"),
        [(None, 0), ({}, 0), ({"result": None}, 0), ({"result": []}, 0), ({"result": a_row()}, 1), ({"result": ""}, 0)],
    )
    def test_shapes(self, output, count):
        """result may be missing, null, a list or a lone object."""
        answer = parse(envelope(output=output))

        assert ("answered", count) == (answer.outcome, len(answer.rows))

    @pytest.mark.parametrize("infcode", [0, "0"])
    def test_infcode(self, infcode):
        """0 may be a number or a text."""
        assert "answered" == parse(envelope(infcode=infcode)).outcome

    def test_details_never_null(self):
        """A row without details gets an empty list: clients iterate without a check."""
        assert (
            []
            == parse(envelope(a_row(judge_result_detail_dtos=None, vola_amt=None))).rows[0]["judge_result_detail_dtos"]
        )

    def test_gbk(self):
        """A platform behind a DLL bridge answers in GBK."""
        reply = json.dumps(json.loads(envelope(a_row())), ensure_ascii=False).encode("gbk")

        assert "限性别用药" == parse(reply).rows[0]["rule_name"]

    def test_merged(self):
        """Its rows follow ours in the answer, marked; its own warning is passed on."""
        upstream = parse(envelope(a_row(), warn_msg="示例提示"))

        reply = json.loads(DIALECT.write(read(a_message()), an_answer(a_finding(), upstream=upstream)).body)

        assert ["药品区分性别使用", "【省平台】限性别用药"] == [row["rule_name"] for row in reply["output"]["result"]]
        assert "省平台提示:示例提示" == reply["warn_msg"]

    def test_absurd_rows(self):
        """Nesting and numbers that no client could bear do not break our answer."""
        deep: list[Any] = []
        for _ in range(300):
            deep = [deep]
        row = a_row(extra=deep, vola_amt=10**40, judge_result_detail_dtos={"rx_id": deep, "vola_amt": "x"}, big=2**70)

        reply = DIALECT.write(read(a_message()), an_answer(upstream=parse(envelope(row))))

        assert 0.0 == json.loads(reply.body)["output"]["result"][0]["vola_amt"]


class TestFailures:
    """Each way of getting no answer has its own outcome and its own words; ours stands."""

    def test_timeout(self):
        """The deadline holds, whatever the platform does."""
        assert "timeout" == asked(FakePlatform(envelope(), wait=5), deadline_ms=50).outcome

    def test_shorter_deadline(self):
        """A caller's deadline can only shorten the configured one."""
        platform = FakePlatform(envelope(), wait=5)

        assert "timeout" == using(platform, lambda upstream: upstream.check(BODY, deadline_ms=50)).outcome

    def test_error_text_with_infcode_0(self):
        """湖南 answers infcode 0 with an error text: a refusal, not a pass."""
        answer = asked(FakePlatform(envelope(err_msg="人员信息不存在")))

        assert ("refused", ()) == (answer.outcome, answer.rows)
        assert "省平台拒绝审核,仅有院内审核结果:人员信息不存在" == answer.notice

    def test_refused(self):
        """infcode -1 is a refusal, also with an HTTP error."""
        assert "refused" == asked(FakePlatform(envelope(infcode=-1, err_msg="未签到"), status=500)).outcome

    def test_unreachable(self):
        """Nobody listening is told apart from somebody slow."""

        async def run() -> UpstreamAnswer:
            async with httpx.AsyncClient(trust_env=False) as client:
                return await Upstream("http://127.0.0.1:1/x", 2_000, client).check(BODY)

        assert "unreachable" == asyncio.run(run()).outcome

    @pytest.mark.parametrize("url", ["http://", "nonsense", "http://[::1", "ftp://127.0.0.1/"])
    def test_bad_address(self, url):
        """An address that is none is unreachable, not an exception."""

        async def run() -> UpstreamAnswer:
            async with httpx.AsyncClient(trust_env=False) as client:
                return await Upstream(url, 2_000, client).check(BODY)

        assert "unreachable" == asyncio.run(run()).outcome

    @pytest.mark.parametrize(
        "reply", [b"", b"<html>", b"[]", b'{"output":{}}', b'{"infcode":0,"output":{"result":[1]}}']
    )
    def test_unreadable(self, reply):
        """What is no envelope is unreadable."""
        assert "unreadable" == asked(FakePlatform(reply, status=502)).outcome

    def test_huge_reply(self):
        """A reply beyond all bounds is not kept in memory."""
        assert "unreadable" == asked(FakePlatform(b" " * (5 * 1024 * 1024))).outcome

    @pytest.mark.parametrize("outcome", OUTCOMES[1:])
    def test_every_failure_is_told(self, outcome):
        """No failure looks like a pass."""
        assert "仅有院内审核结果" in UpstreamAnswer(outcome).notice


class TestRelay:
    WARNS = (
        {"warn_rslt_id": "OURS", "dspo_way": "2", "dspo_way_rea": ""},
        {"warn_rslt_id": "SP-0001", "dspo_way": "1", "dspo_way_rea": "病情需要"},
    )

    def relayed(self, body: bytes, theirs: set[str]) -> tuple[FakePlatform, UpstreamAnswer | None]:
        platform = FakePlatform(envelope(output=None))
        return platform, using(platform, lambda upstream: upstream.relay(body, theirs))

    def test_only_theirs(self):
        """A 3103 about both goes on with the platform's entries alone, everything else unchanged."""
        body = json.dumps(a_3103(*self.WARNS), ensure_ascii=False).encode()

        platform, answer = self.relayed(body, {"SP-0001"})

        assert answer is not None
        assert "answered" == answer.outcome
        path, _, sent = platform.requests[0]
        assert "/3103" == path
        assert json.loads(json.dumps(a_3103(self.WARNS[1]))) == json.loads(sent)

    def test_all_theirs(self):
        """A 3103 about the platform's rows alone goes on byte by byte."""
        body = json.dumps(a_3103(self.WARNS[1]), ensure_ascii=False).encode("gbk")

        platform, _ = self.relayed(body, {"SP-0001"})

        assert body == platform.requests[0][2]

    def test_none_theirs(self):
        """A 3103 about ours alone is not forwarded."""
        platform, answer = self.relayed(json.dumps(a_3103(self.WARNS[0])).encode(), {"SP-0001"})

        assert answer is None
        assert [] == platform.requests

    def test_charset_kept(self):
        """Also a thinned-out 3103 goes on in the charset it came in."""
        body = json.dumps(a_3103(*self.WARNS), ensure_ascii=False).encode("gbk")

        rest = only(body, {"SP-0001"})

        assert rest is not None
        assert "病情需要" in rest.decode("gbk")

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"input":{}}', b'{"input":null}', b"\xff"])
    def test_no_3103(self, body):
        """What is no 3103 has nothing to relay."""
        assert only(body, {"SP-0001"}) is None


class TestAgreement:
    def compared(self, findings: tuple[Any, ...], *rows: dict[str, Any]) -> tuple[Comparison, ...]:
        encounter = read(a_message(an_order(rx_id="R1"), an_order(rx_id="R2"))).encounter
        return agreement(findings, encounter, parse(envelope(*rows)).rows)

    def test_both(self):
        """Both sides flagged the line: one entry per pair of rules."""
        assert (Comparison("both", "R1", "R1", "R07"),) == self.compared((a_finding(),), a_row())

    def test_one_side_only(self):
        """A line that one side flagged is listed for that side's rule."""
        assert (Comparison("upstream_only", "R1", "", "R07"), Comparison("ours_only", "R2", "R1", "")) == self.compared(
            (a_finding(lines=(1,)),), a_row()
        )

    def test_involved_items_are_not_flagged(self):
        """The platform's involved items are no accusation."""
        row = a_row(judge_result_detail_dtos=[{"rx_id": "R1", "vola_item_type": "2"}])

        assert (Comparison("upstream_only", "", "", "R07"),) == self.compared((), row)

    def test_unknown_orders(self):
        """Orders that are not of this message are not named: an id of unknown origin is not kept."""
        row = a_row(judge_result_detail_dtos=[{"rx_id": "44019900000000000000000321"}])

        assert (Comparison("upstream_only", "", "", "R07"),) == self.compared((), row)

    def test_nothing(self):
        """Nobody flagged anything: nothing to compare."""
        assert () == self.compared(())

    def test_no_person(self):
        """No name or id of a person is in a comparison."""
        assert "440199" not in repr(self.compared((a_finding(),), a_row(patn_name="何示例")))
