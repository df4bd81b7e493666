"""The national dialect's writer: each rule of the interface page, section 7, and rulings 11 and 12."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rules.dip.result import DipResult, Standing
from rules.model import UNIT, Citation, NotChecked
from service.dialects._contract import Answer, FeedbackAnswer, Reading
from service.dialects._national_words import CALLED
from service.dialects.national import DIALECT
from service.schemas.words import FIELDS
from service.sites import Site
from service.upstream import UpstreamAnswer
from tests.dialects.national_calls import (
    VERDICT_ID,
    a_3103,
    a_finding,
    a_message,
    an_answer,
    an_order,
    read,
    read_feedback,
)

ROOT = Path(__file__).parents[2]
SEX_MISSING = NotChecked(rule="R1", kind="sex_limit", title="限性别", fields=("patient.sex",))


def written(answer: Answer, reading: Reading | None = None) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(DIALECT.write(reading or read(a_message()), answer).body)
    return envelope


def only_row(answer: Answer, reading: Reading | None = None) -> dict[str, Any]:
    (row,) = written(answer, reading)["output"]["result"]
    return row  # type: ignore[no-any-return]


class TestEnvelope:
    def test_infcode_is_a_number(self):
        """Rule 1: infcode is the JSON number 0."""
        reply = DIALECT.write(read(a_message()), an_answer())

        assert reply.body.startswith(b'{"infcode":0,')

    def test_no_error_text_on_success(self):
        """Rule 2: err_msg is null on success, for two clients take any text as a failure."""
        answer = an_answer(a_finding(), not_checked=(SEX_MISSING,), recorded=False, repeated_id=True)

        assert written(answer)["err_msg"] is None

    def test_no_finding(self):
        """Rule 3: without findings result is an empty array, never null; nothing to warn of is null."""
        envelope = written(an_answer())

        assert {"result": []} == envelope["output"]
        assert envelope["warn_msg"] is None

    def test_keys_in_order(self):
        """Keys come in the order of the interface page."""
        assert [
            "infcode", "inf_refmsgid", "refmsg_time", "respond_time", "err_msg", "warn_msg", "cainfo", "signtype",
            "output",
        ] == list(written(an_answer()))  # fmt: skip

    def test_time_stamps(self):
        """Rule 8: both time stamps have 17 digits, the second is the first and the time it took."""
        envelope = written(an_answer(elapsed_us=1_500))

        assert ("20260409091523456", "20260409091523457") == (envelope["refmsg_time"], envelope["respond_time"])

    def test_reference(self):
        """Rule 8: inf_refmsgid has 30 digits: region, second, sequence; no two are alike."""
        first, second = (written(an_answer())["inf_refmsgid"] for _ in range(2))

        assert (30, True) == (len(first), first.isdigit())
        assert first.startswith("44019920260409091523")
        assert first != second

    @pytest.mark.parametrize("region", ["", None, "44", "abcdef", 5])
    def test_reference_without_a_region(self, region):
        """A region that is none still leaves 30 digits."""
        reading = read(a_message(mdtrtarea_admvs=region))

        assert 30 == len(written(an_answer(), reading)["inf_refmsgid"])

    def test_charset(self):
        """The answer goes back in the charset the message came in."""
        reading = read(json.dumps(a_message(), ensure_ascii=False).encode("gbk"))

        reply = DIALECT.write(reading, an_answer(a_finding()))

        assert "【苯磺酸氨氯地平片】限男性使用。" in reply.body.decode("gbk")
        assert b"application/json; charset=gb18030" == reply.content_type


class TestRow:
    def test_keys_in_order(self):
        """Rows and details have exactly the published keys, in order."""
        row = only_row(an_answer(a_finding()))

        assert [
            "jr_id", "rule_id", "rule_name", "vola_cont", "patn_id", "mdtrt_id", "judge_result_detail_dtos", "vola_amt",
            "vola_amt_stas", "sev_deg", "vola_evid", "vola_bhvr_type", "task_id",
        ] == list(row)  # fmt: skip
        assert ["jrd_id", "patn_id", "mdtrt_id", "rx_id", "vola_item_type", "vola_amt"] == list(
            row["judge_result_detail_dtos"][0]
        )

    def test_amounts_are_numbers(self):
        """Rule 4: amounts are JSON numbers with at most two decimals, rounded half away from zero, and add up."""
        reading = read(a_message(an_order(), an_order(), an_order()))
        row = only_row(an_answer(a_finding(lines=(0, 1, 2), amounts=(372_000, 10_050, -50))), reading)

        assert [37.2, 1.01, -0.01] == [detail["vola_amt"] for detail in row["judge_result_detail_dtos"]]
        assert 38.2 == row["vola_amt"]

    def test_whole_line_amounts(self):
        """A finding without amounts of its own is about each line's whole amount; unknown counts as 0, never null."""
        reading = read(a_message(an_order(), an_order(sumamt="")))

        row = only_row(an_answer(a_finding(lines=(0, 1), amounts=())), reading)

        assert [37.2, 0.0] == [detail["vola_amt"] for detail in row["judge_result_detail_dtos"]]

    def test_numeric_strings(self):
        """Rule 5: status, severity, behaviour and item type are strings of digits."""
        row = only_row(an_answer(a_finding()))

        codes = [row["sev_deg"], row["vola_amt_stas"], row["vola_bhvr_type"]]
        codes.append(row["judge_result_detail_dtos"][0]["vola_item_type"])
        assert ["1", "1", "2", "1"] == codes

    def test_lengths(self):
        """Rule 6: texts within 500, rule name within 200, ids within 50."""
        citation = Citation(id="c", instrument="目" * 400, clause="款" * 400)
        finding = a_finding(message="长" * 900, title="类" * 300, citation=citation, basis="据" * 40)

        row = only_row(an_answer(finding, finding_ids=("J" * 50,)))

        assert (500, 500, 200) == (len(row["vola_cont"]), len(row["vola_evid"]), len(row["rule_name"]))
        assert len(row["judge_result_detail_dtos"][0]["jrd_id"]) <= 50

    def test_ids_are_unique(self):
        """Rule 7: jr_id is the finding's id; line ids derive from it and never repeat, within 50 characters."""
        reading = read(a_message(an_order(), an_order()))
        findings = [a_finding(lines=(0, 1), amounts=(1, 1)), a_finding(lines=(0,), involved=(1,))]
        answer = an_answer(*findings)

        rows = written(answer, reading)["output"]["result"]

        ids = [detail["jrd_id"] for row in rows for detail in row["judge_result_detail_dtos"]]
        assert list(answer.finding_ids) == [row["jr_id"] for row in rows]
        assert len(set(ids)) == len(ids) == 4
        assert max(map(len, [*ids, *answer.finding_ids])) <= 50

    @pytest.mark.parametrize("identifier", ["a" * 50, "0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b-fffff0a1b2c3d"])
    def test_long_ids(self, identifier):
        """Line ids stay within 50 characters for ids of any allowed length."""
        row = only_row(an_answer(a_finding(), finding_ids=(identifier,)))

        assert len(row["judge_result_detail_dtos"][0]["jrd_id"]) <= 50

    @pytest.mark.parametrize("sent", ["  X 1 ", "", 1234567890123456, 12345678901234567890123, None])
    def test_echo(self, sent):
        """Rule 9: the caller's ids go back unchanged; absent ones as "", whole numbers too long for JSON as text."""
        patient = {"patn_id": sent, "curr_mdtrt_id": ""}
        reading = read(
            a_message(an_order(rx_id=sent), patient=patient, visit={"mdtrt_id": sent}, data={"task_id": sent})
        )

        row = only_row(an_answer(a_finding()), reading)

        detail = row["judge_result_detail_dtos"][0]
        expected = "" if sent is None else str(sent) if isinstance(sent, int) and sent > 2**63 else sent
        echoed = [
            row["patn_id"],
            row["mdtrt_id"],
            row["task_id"],
            detail["patn_id"],
            detail["mdtrt_id"],
            detail["rx_id"],
        ]
        assert [expected] * 6 == echoed

    def test_odd_task_id(self):
        """A task_id that is no scalar is not worth a refusal, and not echoed."""
        assert "" == only_row(an_answer(a_finding()), read(a_message(data={"task_id": {"a": [1]}})))["task_id"]

    def test_involved_lines(self):
        """Lines that explain a finding are involved items of amount 0; recorded history has no rx_id and no row."""
        reading = read(a_message(an_order(rx_id="A"), an_order(rx_id="B")))

        row = only_row(an_answer(a_finding(lines=(1,), involved=(0, -1, -2))), reading)

        assert [("B", "1", 37.2), ("A", "2", 0.0)] == [
            (detail["rx_id"], detail["vola_item_type"], detail["vola_amt"])
            for detail in row["judge_result_detail_dtos"]
        ]

    def test_line_of_another_encounter(self):
        """A line's visit is the encounter it came in."""
        visits = [
            {"mdtrt_id": "A", "fsi_order_dtos": [an_order(rx_id="a")]},
            {"mdtrt_id": "M1", "fsi_order_dtos": [an_order(rx_id="b")]},
        ]
        reading = read(a_message(patient={"fsi_encounter_dtos": visits}))

        row = only_row(an_answer(a_finding(lines=(0,), involved=(1,))), reading)

        assert [("b", "M1"), ("a", "A")] == [
            (detail["rx_id"], detail["mdtrt_id"]) for detail in row["judge_result_detail_dtos"]
        ]

    def test_no_lines(self):
        """A finding about no line has an empty array of details and is about conduct (行为类)."""
        row = only_row(an_answer(a_finding(lines=(), amounts=())))

        assert ([], 0.0, "1") == (row["judge_result_detail_dtos"], row["vola_amt"], row["vola_bhvr_type"])

    def test_evidence(self):
        """vola_evid names instrument, number and clause, then the basis in our words."""
        citation = Citation(id="c", instrument="《示例目录》", number="示例发〔2026〕1号", clause="备注栏")

        row = only_row(an_answer(a_finding(citation=citation, basis="限二线用药")))

        assert "《示例目录》 示例发〔2026〕1号 备注栏:限二线用药" == row["vola_evid"]


class TestRuling11:
    @pytest.mark.parametrize(
        ("certainty", "severity", "expected"),
        [("violation", 2, "1"), ("suspicious", 2, "2"), ("suspicious", 3, "3"), ("notice", 2, "3")],
    )
    def test_severity(self, certainty, severity, expected):
        """violation is 1; suspicious is 2 or 3 as the site says."""
        reading = read(a_message(), Site(suspicious_severity=severity))

        assert expected == only_row(an_answer(a_finding(certainty=certainty)), reading)["sev_deg"]

    @pytest.mark.parametrize("level", ["info", "silent"])
    def test_quiet_levels(self, level):
        """info and silent never appear, also beside others; ids stay with their findings."""
        answer = an_answer(a_finding(level=level), a_finding(level="block", rule="R2"))

        row = only_row(answer)

        assert ("R2", answer.finding_ids[1]) == (row["rule_id"], row["jr_id"])

    def test_not_checked(self):
        """Count and reason of what was not checked stand in warn_msg, in plain words with the caller's field names."""
        entries = (
            SEX_MISSING,
            NotChecked(rule="R2", kind="sex_limit", title="限性别", fields=("patient.sex",)),
            NotChecked(rule="R3", kind="indication", title="限适应症", fields=("diagnosis.code",), reason="unmapped"),
            NotChecked(
                rule="R4", kind="age_limit", title="限年龄", fields=("parameter.child_years",), reason="parameter"
            ),
        )

        envelope = written(an_answer(not_checked=entries))

        assert envelope["warn_msg"].startswith("4条规则未能判断:缺少患者性别(gend)(2条);")
        assert "诊断编码(dise_codg)未对照(1条)" in envelope["warn_msg"]
        assert [] == envelope["output"]["result"]

    def test_beside_findings(self):
        """What was not checked is said also where something was found."""
        assert "1条规则未能判断" in written(an_answer(a_finding(), not_checked=(SEX_MISSING,)))["warn_msg"]

    def test_warning_is_short(self):
        """warn_msg stays within 200 characters."""
        entries = tuple(
            NotChecked(rule=f"R{at}", kind="k", title="t", fields=(f"line.unheard_of_{at}",)) for at in range(90)
        )

        assert len(written(an_answer(not_checked=entries))["warn_msg"]) <= 200

    def test_row_where_a_site_wants_it(self):
        """A site may have one row of severity 3 and amount 0 for all that was not checked."""
        row = only_row(an_answer(not_checked=(SEX_MISSING,)), read(a_message(), Site(indeterminate_row=True)))

        assert ("3", 0.0, []) == (row["sev_deg"], row["vola_amt"], row["judge_result_detail_dtos"])
        assert f"NC-{VERDICT_ID}" == row["jr_id"]
        assert "缺少患者性别(gend)" in row["vola_cont"]

    def test_no_row_without_need(self):
        """Such a site gets no row where everything was checked."""
        assert [] == written(an_answer(), read(a_message(), Site(indeterminate_row=True)))["output"]["result"]

    def test_every_field_has_the_callers_name(self):
        """Every field that rules may lack is named as the caller calls it."""
        assert set(FIELDS) <= set(CALLED)


class TestWarnings:
    def test_not_recorded(self):
        """An answer without a record says so, and stays a success."""
        envelope = written(an_answer(recorded=False))

        assert (0, "本次审核未留痕") == (envelope["infcode"], envelope["warn_msg"])

    def test_repeated_id(self):
        """A message id used twice is the service's matter, not the client's."""
        assert written(an_answer(repeated_id=True))["warn_msg"] is None

    def test_other_patients(self):
        """Patients who were not checked are mentioned."""
        second = {"patn_id": "P2", "fsi_encounter_dtos": [{"mdtrt_id": "B", "fsi_order_dtos": [an_order()]}]}
        message = a_message()
        message["input"]["data"]["patient_dtos"].append(second)

        assert "报文含2名参保人,仅审核1名" == written(an_answer(), read(message))["warn_msg"]


class TestUpstreamRows:
    def test_after_ours_and_marked(self):
        """The platform's rows follow ours under their own ids, and say whose they are."""
        upstream = UpstreamAnswer("answered", ({"jr_id": "SP-1", "rule_name": "限性别用药"},))

        rows = written(an_answer(a_finding(), upstream=upstream))["output"]["result"]

        assert ["SP-1"] == [row["jr_id"] for row in rows[1:]]
        assert "【省平台】限性别用药" == rows[1]["rule_name"]

    @pytest.mark.parametrize("outcome", ["timeout", "refused", "unreachable", "unreadable"])
    def test_failure_is_no_pass(self, outcome):
        """Where the platform gave no answer ours stands, and the caller is told."""
        envelope = written(an_answer(a_finding(), upstream=UpstreamAnswer(outcome)))

        assert (0, 1) == (envelope["infcode"], len(envelope["output"]["result"]))
        assert "省平台" in envelope["warn_msg"]


class TestFeedback:
    def answered(self, *states: tuple[str, str]) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(
            DIALECT.write_feedback(read_feedback(a_3103()), FeedbackAnswer(states)).body
        )
        return envelope

    def test_stored(self):
        """Stored and relayed dispositions are a success without output."""
        envelope = self.answered(("J1", "stored"), ("S1", "relayed"))

        assert (0, None, None) == (envelope["infcode"], envelope["err_msg"], envelope["output"])

    def test_unknown(self):
        """Rule 10: an unknown id is infcode -1 with a text that names it."""
        envelope = self.answered(("J1", "stored"), ("X9", "unknown"))

        assert (-1, "未知的warn_rslt_id:X9") == (envelope["infcode"], envelope["err_msg"])

    def test_not_kept(self):
        """A disposition that could not be kept is no success."""
        assert -1 == self.answered(("J1", "failed"))["infcode"]

    def test_many_unknown(self):
        """The text stays within 200 characters."""
        assert len(self.answered(*((f"X{at}" * 10, "unknown") for at in range(50)))["err_msg"]) <= 200

    def test_idempotent(self):
        """The same 3103 again gets the same answer."""
        envelopes = [self.answered(("J1", "stored")) for _ in range(2)]

        assert envelopes[0]["infcode"] == envelopes[1]["infcode"] == 0


def test_every_fact_a_kind_may_lack_has_a_name():
    """What kinds and conditions report as missing is a field with a Chinese name, never a bare path."""
    sources = [*(ROOT / "rules" / "kinds").glob("*.py"), ROOT / "rules" / "expressions" / "fields.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    said = {
        name
        for found in re.findall(r"Missing\(fields=\(([^)]*)\)", text)
        for name in re.findall(r'"([a-z_.]+)"', found)
    }

    assert set() == said - set(FIELDS)
    assert len(said) > 20


class TestDip:
    """Where a site wants it, ``warn_msg`` says where a stay stands."""

    STANDING = Standing(
        status="core",
        group="K80.1",
        name="胆囊结石",
        standard=10_000 * UNIT,
        cost=8_000 * UNIT,
        balance=2_000 * UNIT,
    )

    def said(self, site: Site, **changes: Any) -> str | None:
        given: dict[str, Any] = {"scheme": "s", "version": "1", "eligible": True, "now": self.STANDING}
        given["after"] = self.STANDING
        dip = DipResult(**(given | changes))
        found = an_answer()
        answer = dataclasses.replace(found, verdict=replace(found.verdict, dip=dip))
        text: str | None = written(answer, read(a_message(), site))["warn_msg"]
        return text

    def test_quiet_by_default(self) -> None:
        """Nothing that is not asked for."""
        assert self.said(Site()) is None

    def test_group_standard_cost_and_balance(self) -> None:
        """A reference and an estimate; never a cap (ruling 24)."""
        expected = "DIP预估:核心病种 K80.1 胆囊结石,参考支付标准10000.00元,本单后费用8000.00元,预计结余2000.00元"

        assert expected == self.said(Site(dip_notice=True))

    def test_a_loss_says_so(self) -> None:
        """The sign is a word."""
        assert "预计超出2000.00元" in str(
            self.said(Site(dip_notice=True), after=replace(self.STANDING, balance=-2_000 * UNIT))
        )

    def test_who_is_not_paid_by_dip_gets_no_money(self) -> None:
        """Ruling 25."""
        assert "DIP预估:核心病种 K80.1 胆囊结石,不按DIP付费" == self.said(Site(dip_notice=True), eligible=False)
