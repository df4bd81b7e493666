"""The national dialect end to end: an unchanged client's 3101 and 3103, and the platform behind (ruling 13)."""

import copy

import pytest

from tests.http.platform import Platform
from tests.http.test_operations import metric
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

ORDER = {
    "rx_id": "CF1-1",
    "rxno": "CF1",
    "hilist_code": "XG04CBD247E002010101503",
    "hilist_name": "度他雄胺软胶囊",
    "hilist_type": "101",
    "cnt": "1",
    "pric": "52.80",
    "sumamt": "52.80",
    "drord_begn_date": "2026-03-18 09:14:40",
    "curr_drord_flag": "1",
}
MESSAGE = {
    "infno": "3101",
    "msgid": "H33019900001202603180915220001",
    "inf_time": "2026-03-18 09:15:22",
    "fixmedins_code": "H33019900001",
    "input": {
        "data": {
            "trig_scen": "2",
            "task_id": "t1",
            "patient_dtos": {
                "patn_id": "330199000000123",
                "patn_name": "周示例",
                "gend": "2",
                "brdy": "1958-03-12",
                "curr_mdtrt_id": "MZ1",
                "fsi_encounter_dtos": {
                    "mdtrt_id": "MZ1",
                    "medins_lv": "05",
                    "med_mdtrt_type": "1",
                    "med_type": "11",
                    "insutype": "390",
                    "fsi_diagnose_dtos": [{"dise_codg": "I10.x00x002", "dise_name": "高血压"}],
                    "fsi_order_dtos": [ORDER],
                },
            },
        }
    },
}


def _two_reasons():
    message = copy.deepcopy(MESSAGE)
    visit = message["input"]["data"]["patient_dtos"]["fsi_encounter_dtos"]
    visit["medins_lv"] = "09"
    visit["fsi_order_dtos"] = [
        ORDER
        | {
            "hilist_code": "ZA12HAY0759010106725",
            "hilist_name": "银杏内酯注射液",
            "cnt": "6",
            "pric": "31",
            "sumamt": "186",
        }
    ]
    return message


TWO_REASONS = _two_reasons()
"""A drug for in-patients of level 2 and above, ordered for an out-patient of a level 1 hospital."""
THEIR_ROW = {
    "jr_id": "PROV-1",
    "rule_id": "P07",
    "rule_name": "限性别用药",
    "vola_cont": "性别不符",
    "patn_id": "330199000000123",
    "vola_amt": 52.8,
    "judge_result_detail_dtos": [{"jrd_id": "D1", "rx_id": "CF1-1", "vola_item_type": "1", "vola_amt": 52.8}],
}


def feedback(*ids):
    warns = [{"warn_rslt_id": one, "dspo_way": "1", "dspo_way_rea": "病情需要"} for one in ids]
    return {
        "infno": "3103",
        "fixmedins_code": "H33019900001",
        "input": {"data": {"warn_type": "1", "warns": warns}},
    }


def check(client, message=MESSAGE):
    return client.post("/national", json=message).json()


class TestAlone:
    def test_an_unchanged_client_gets_its_warning(self, client):
        """3101 is answered with infcode 0 and one row in the shape that clients read."""
        reply = check(client)

        assert (0, None) == (reply["infcode"], reply["err_msg"])
        (row,) = reply["output"]["result"]
        assert ("CF1-1", "330199000000123", "t1") == (
            row["judge_result_detail_dtos"][0]["rx_id"],
            row["patn_id"],
            row["task_id"],
        )
        assert "【度他雄胺软胶囊】限男性使用" in row["vola_cont"]

    @pytest.mark.parametrize("path", ["/national", "/national/3101", "/fsi/api/riskConService/beforeAnalyze"])
    def test_every_path_answers_alike(self, client, path):
        """Base address, infno path and service path are the same door."""
        assert 1 == len(client.post(path, json=MESSAGE).json()["output"]["result"])

    def test_the_documented_route_answers_as_the_hot_path(self, client):
        """Behind the hot path stands the plain twin that OpenAPI describes."""
        hot = check(client)["output"]
        instance = client.app.web.state.instance
        instance.hot_path._exact.clear()
        instance.hot_path._under.clear()

        assert hot == check(client)["output"]
        assert hot == client.post("/national/3101", json=MESSAGE).json()["output"]

    def test_feedback_for_ours_and_for_nobodys(self, client):
        """3103 stores what is ours, and refuses an id that is nobody's, naming it."""
        ours = check(client)["output"]["result"][0]["jr_id"]

        assert 0 == client.post("/national", json=feedback(ours)).json()["infcode"]
        assert 0 == client.post("/national", json=feedback(ours)).json()["infcode"]
        refused = client.post("/national", json=feedback(ours, "JR-NOBODY")).json()
        assert -1 == refused["infcode"]
        assert "JR-NOBODY" in refused["err_msg"]

    def test_faults_keep_http_200(self, client):
        """Content that cannot be read is infcode -1 with the caller's own field names."""
        broken = copy.deepcopy(MESSAGE)
        broken["input"]["data"]["patient_dtos"]["fsi_encounter_dtos"]["fsi_order_dtos"][0]["cnt"] = "many"
        reply = client.post("/national", json=broken)

        assert (200, -1) == (reply.status_code, reply.json()["infcode"])
        assert "fsi_order_dtos[0].cnt" in reply.json()["err_msg"]

    def test_one_remark_is_one_row(self, client):
        """Two limits of one catalogue remark are one row with both reasons, its money once."""
        (row,) = check(client, TWO_REASONS)["output"]["result"]

        assert row["vola_cont"].startswith("【银杏内酯注射液】(1)限")
        assert "(2)限" in row["vola_cont"]
        assert (1, 186.0) == (len(row["judge_result_detail_dtos"]), row["vola_amt"])
        assert len(row["jr_id"]) <= 50

    @pytest.mark.db
    def test_what_is_said_about_a_card_holds_for_each_reason(self, serve, database_url):
        """One 3103 entry about the row is recorded for every finding folded into it."""
        client = serve(database_url=database_url)
        (row,) = check(client, TWO_REASONS)["output"]["result"]

        assert 0 == client.post("/national", json=feedback(row["jr_id"])).json()["infcode"]
        eventually(lambda: value(database_url, "SELECT count(*) FROM disposition") == 2)
        eventually(lambda: value(database_url, "SELECT count(*) FROM finding"))
        stored = execute(database_url, "SELECT number FROM disposition ORDER BY number")
        spoken = execute(database_url, "SELECT number FROM finding WHERE rule LIKE '%ZA12HAY0759' ORDER BY number")
        assert [one["number"] for one in spoken] == [one["number"] for one in stored]

    @pytest.mark.db
    def test_rows_and_dispositions_are_recorded(self, serve, database_url):
        """Verdict, findings and what was done with them are in the database, without the person's name or id."""
        client = serve(database_url=database_url)
        ours = check(client)["output"]["result"][0]["jr_id"]
        client.post("/national", json=feedback(ours))
        eventually(lambda: value(database_url, "SELECT count(*) FROM disposition"))

        (row,) = execute(database_url, "SELECT * FROM verdict")
        assert ("national", "H33019900001", "MZ1") == (row["dialect"], row["hospital"], row["visit"])
        assert "周示例" not in str(dict(row))
        assert "330199000000123" not in str(dict(row))
        (done,) = execute(database_url, "SELECT action, reason, explained FROM disposition")
        assert ("continued", "病情需要", True) == tuple(done)


class TestUpstream:
    def test_merged_marked_and_compared(self, serve):
        """The platform's rows follow ours with their own ids, marked, and agreement is counted per rule."""
        with Platform({"infcode": "0", "err_msg": "", "output": {"result": [THEIR_ROW]}}) as platform:
            client = serve(upstream_url=platform.url, upstream_deadline_ms=5_000)
            both = metric(client, "dipcheck_upstream_comparisons_total", outcome="both")
            reply = check(client)

            assert ["/api/3101"] == [path for path, _ in platform.received]
            assert MESSAGE == platform.received[0][1]
            ours, theirs = reply["output"]["result"]
            assert ("PROV-1", "【省平台】限性别用药") == (theirs["jr_id"], theirs["rule_name"])
            assert ours["jr_id"] != "PROV-1"
            assert both + 1 == metric(client, "dipcheck_upstream_comparisons_total", outcome="both")

    def test_feedback_about_theirs_is_relayed(self, serve):
        """Of one 3103 the platform gets its own entries only; ours are stored here."""
        with Platform() as platform:
            client = serve(upstream_url=platform.url, upstream_deadline_ms=5_000)
            ours = check(client)["output"]["result"][0]["jr_id"]
            reply = client.post("/national", json=feedback(ours, "PROV-1")).json()

            assert 0 == reply["infcode"]
            path, relayed = platform.received[-1]
            assert "/api/3103" == path
            assert ["PROV-1"] == [warn["warn_rslt_id"] for warn in relayed["input"]["data"]["warns"]]

    @pytest.mark.parametrize(
        ("platform", "words"),
        [
            (Platform(delay=1.0), "超时"),
            (Platform({"infcode": 0, "err_msg": "机构未签到"}), "拒绝"),
            (Platform("nonsense"), "无法识别"),
        ],
        ids=["late", "refused", "unreadable"],
    )
    def test_a_failing_platform_never_takes_our_answer_away(self, serve, platform, words):
        """Ours stands, and the answer says that the platform's is missing: an error never looks like a pass."""
        with platform:
            reply = check(serve(upstream_url=platform.url, upstream_deadline_ms=300))

        assert 1 == len(reply["output"]["result"])
        assert (0, None) == (reply["infcode"], reply["err_msg"])
        assert words in reply["warn_msg"]

    def test_nobody_at_the_address(self, serve):
        """An unreachable platform is named as such."""
        reply = check(serve(upstream_url="http://127.0.0.1:1/{infno}"))

        assert "无法连接" in reply["warn_msg"]


def test_webhook_gets_verdicts_of_mode_later(serve):
    """A verdict asked for later is posted to the webhook, whole."""
    from service.packs import EXAMPLE

    with Platform() as receiver:
        client = serve(webhook_url=receiver.url.replace("{infno}", "verdicts"))
        accepted = client.post("/v1/checks?mode=later", json=EXAMPLE).json()
        eventually(lambda: receiver.received)

        path, verdict = receiver.received[0]
        assert ("/api/verdicts", accepted["id"], "warned") == (path, verdict["id"], verdict["state"])
