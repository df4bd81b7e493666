"""Into a pack and back: preview, dates, changes, supersession, what people settled, rollback."""

import pytest

from rules.compiler import compile_pack
from tests.workbooks.books import NAMES, PATENT, SERVICES, WESTERN, contents, drugs, run, sexes, table, xlsx

BATCH = "第一批 项目规则库(限定性别对象).xlsx"
POINTS = [["知识点编号", "替代知识点编号", "项目名称", "项目编码", "限定性别"]]


@pytest.fixture
def pack(tmp_path):
    """Return where the pack will be."""
    return tmp_path / "authority"


@pytest.fixture
def load(tmp_path, pack, capsys):
    """Return a function that imports rows of services with a sex."""

    def importing(rows, *more, name=BATCH):
        file = xlsx(tmp_path / name, {"Sheet1": rows if rows[0][0] != "某检查" else sexes(*rows)})
        return run(capsys, file, "--into", pack, *more)

    return importing


FIRST = ["某检查", SERVICES[0], "男"]
SECOND = ["另检查", SERVICES[1], "女"]


def test_a_preview_writes_nothing(load, pack):
    """Counts, differences, and how to go on."""
    code, said = load([FIRST, SECOND])

    assert (0, None) == (code, contents(pack))
    assert "与规则包比较: 新增 2,变更 0,取代 0,不变 0,保留人工处理 0,工作簿未列 0\n新增 2 条:\n" in said
    assert "  sex-002101030280000  某检查\n" in said
    assert said.endswith("预览,未写入;核对后加 --apply 写入\n")


def test_a_new_pack_is_made_and_compiles(load, pack):
    """Manifest, citations and a page; rows without a first day hold always."""
    assert 0 == load([FIRST], "--apply")[0]
    made = compile_pack(pack)

    assert ("authority", {"nhsa-kp-batch-1"}) == (made.name, set(made.citations))
    assert {"README.md", "citations.csv", "pack.yaml", "sex_limit.csv", ".last-import.json"} == set(contents(pack))
    assert "" == table(pack, "sex_limit")["sex-002101030280000"]["valid_from"]


def test_new_rows_begin_on_the_effective_day(load, pack):
    """``--effective`` dates them."""
    load([FIRST], "--apply", "--effective", "2026-03-01")

    assert "2026-03-01" == table(pack, "sex_limit")["sex-002101030280000"]["valid_from"]


def test_again_is_no_change(load, pack):
    """The same rows, whatever the day, leave every byte."""
    load([FIRST, SECOND], "--apply")
    before = contents(pack)
    code, said = load([FIRST, SECOND], "--apply", "--effective", "2026-03-01")

    assert (0, before) == (code, contents(pack))
    assert said.endswith("规则包已是这些内容,未改动\n")


def test_a_change_needs_a_day(load, pack):
    """Without one it can be seen, not written."""
    load([FIRST], "--apply")
    before = contents(pack)
    code, said = load([["某检查", SERVICES[0], "女"]], "--apply")

    assert (1, before) == (code, contents(pack))
    assert (
        "变更(旧条终止,新条接续) 1 条:\n  sex-002101030280000 → sex-002101030280000-2  某检查: sex male → female\n"
        in said
    )
    assert "有变更或取代的条目,请用 --effective 写明生效日,旧条将在前一日终止\n未写入任何内容" in said


def test_a_changed_row_ends_and_another_begins(load, pack):
    """The old row keeps all but its last day; a third version follows the second."""
    load([FIRST, SECOND], "--apply")
    old = table(pack, "sex_limit")
    load([["某检查", SERVICES[0], "女"], SECOND], "--apply", "--effective", "2026-03-01")
    load([FIRST, SECOND], "--apply", "--effective", "2026-05-01")
    rows = table(pack, "sex_limit")

    assert old["sex-002101030280000"] | {"valid_to": "2026-02-28"} == rows["sex-002101030280000"]
    assert old["sex-002101030300000"] == rows["sex-002101030300000"]
    second, third = rows["sex-002101030280000-2"], rows["sex-002101030280000-3"]
    assert ("female", "2026-03-01", "2026-04-30") == (second["sex"], second["valid_from"], second["valid_to"])
    assert ("male", "2026-05-01", "") == (third["sex"], third["valid_from"], third["valid_to"])
    assert 4 == len(compile_pack(pack).rules["sex_limit"])


def test_a_change_cannot_begin_before_the_row_it_ends(load, pack):
    """Such a day is an error of the row."""
    load([FIRST], "--apply", "--effective", "2026-03-01")
    code, said = load([["某检查", SERVICES[0], "女"]], "--apply", "--effective", "2026-03-01")

    assert 1 == code
    assert "第2行: 生效日 2026-03-01 不晚于包内 sex-002101030280000 的起始日 2026-03-01。" in said


def test_rows_the_workbook_lacks_are_only_reported(load, pack):
    """Revisions are often increments: silence drops nothing."""
    load([FIRST, SECOND], "--apply")
    before = contents(pack)
    code, said = load([FIRST], "--apply")

    assert (0, before) == (code, contents(pack))
    assert "工作簿未列,规则包照旧(修订常是增量;确已取消的请自行终止) 1 条:\n  sex-002101030300000  另检查\n" in said


def test_what_the_authority_supersedes_ends(load, pack):
    """By knowledge-point id; the new one has its own; again changes nothing."""
    load([*POINTS, ["KP-001", "", "某检查", SERVICES[0], "男"], ["KP-002", "", "另检查", SERVICES[1], "女"]], "--apply")
    revised = [
        *POINTS,
        ["KP-101", "KP-001", "某检查", SERVICES[0], "女"],
        ["KP-102", "KP-900", "三", SERVICES[2], "女"],
    ]
    code, said = load(revised, "--apply", "--effective", "2026-03-01", name="第二批 限定性别对象.xlsx")
    rows = table(pack, "sex_limit")

    assert 0 == code, said
    assert {"KP-001": "2026-02-28", "KP-002": "", "KP-101": "", "KP-102": ""} == {
        name: row["valid_to"] for name, row in rows.items()
    }
    assert "要取代的知识点包内没有 1 条:\n  KP-900(“三”所取代)\n" in said
    before = contents(pack)
    assert 0 == load(revised, "--apply", "--effective", "2026-06-01", name="第二批 限定性别对象.xlsx")[0]
    assert before == contents(pack)


def test_supersession_across_names(load, pack):
    """The new knowledge point may be about something else than the old one."""
    load([*POINTS, ["KP-001", "", "某检查", SERVICES[0], "男"]], "--apply")
    code, said = load(
        [*POINTS, ["KP-101", "KP-001", "另检查", SERVICES[1], "男"]], "--apply", "--effective", "2026-03-01"
    )
    rows = table(pack, "sex_limit")

    assert 0 == code, said
    assert "被取代(终止) 1 条:\n  KP-001  某检查,由 另检查 取代\n" in said
    assert ("2026-02-28", "2026-03-01") == (rows["KP-001"]["valid_to"], rows["KP-101"]["valid_from"])


def test_what_supersedes_waits_when_the_old_row_cannot_end(load, pack):
    """Both together would prompt twice; skipping the fault skips the new row too."""
    load([*POINTS, ["KP-001", "", "某检查", SERVICES[0], "男"]], "--apply", "--effective", "2026-03-01")
    before = contents(pack)
    rows = [*POINTS, ["KP-101", "KP-001", "另检查", SERVICES[1], "男"]]
    code, said = load(rows, "--apply", "--skip-faulty", "--effective", "2026-03-01")

    assert (0, before) == (code, contents(pack))
    assert "生效日 2026-03-01 不晚于包内 KP-001 的起始日 2026-03-01。" in said


def test_an_old_batch_does_not_bring_back_what_was_superseded(load, pack):
    """Importing the first batch after its revision is said and changes nothing."""
    first = [*POINTS, ["KP-001", "", "某检查", SERVICES[0], "男"]]
    load(first, "--apply")
    load([*POINTS, ["KP-101", "KP-001", "另检查", SERVICES[1], "男"]], "--apply", "--effective", "2026-03-01")
    before = contents(pack)
    code, said = load(first, "--apply")

    assert (0, before) == (code, contents(pack))
    assert "  KP-001  某检查: 包内该条已于 2026-02-28 终止\n" in said


def test_what_people_set_outlives_a_change(load, pack):
    """A quieter level stays quieter in the row that follows; the importer never edits it back."""
    load([FIRST], "--apply")
    path = pack / "sex_limit.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",warn,", ",info,"), encoding="utf-8")
    before = contents(pack)
    assert "不变 1" in load([FIRST], "--apply")[1]
    assert before == contents(pack)
    load([["某检查", SERVICES[0], "女"]], "--apply", "--effective", "2026-03-01")

    assert "info" == table(pack, "sex_limit")["sex-002101030280000-2"]["level"]


@pytest.mark.parametrize(
    ("edit", "cell", "why"),
    [
        (",incomplete,待核,male", "男", "包内标为不完整: 待核"),
        (",active,,female", "不限", "包内已补全;原文 “不限” 不能读成参数,待人工补全"),
    ],
)
def test_what_people_settled_is_kept(load, pack, edit, cell, why):
    """Neither a row marked incomplete by hand nor one completed by hand is overwritten."""
    load([FIRST], "--apply")
    path = pack / "sex_limit.csv"
    text = path.read_text(encoding="utf-8").replace(",active,,male", edit)
    path.write_text(text, encoding="utf-8")
    before = contents(pack)
    code, said = load([["某检查", SERVICES[0], cell]], "--apply", "--effective", "2026-03-01")

    assert (0, before) == (code, contents(pack))
    assert f"保留人工处理,请核对 1 条:\n  sex-002101030280000  某检查: {why}\n" in said


def test_what_the_importer_left_incomplete_it_may_complete(load, pack):
    """A later workbook says it in words that can be read."""
    load([["某检查", SERVICES[0], "不限"]], "--apply")
    load([FIRST], "--apply", "--effective", "2026-03-01")
    rows = table(pack, "sex_limit")

    assert [("incomplete", "2026-02-28"), ("active", "")] == [(row["status"], row["valid_to"]) for row in rows.values()]


def test_every_other_byte_of_a_pack_stays(load, pack):
    """Byte-order mark, CRLF, quotes, order of columns and comments are the author's."""
    pack.mkdir()
    (pack / "pack.yaml").write_bytes(b"# mine\nname: authority\nversion: '7'\ntitle: x\n")
    (pack / "citations.csv").write_bytes(b"id,instrument\r\nc1,x\r\n")
    head = "items,rule_id,name,title,certainty,level,scope,citation,sex\r\n"
    mine = f'{SERVICES[0]},mine-1,"某,检查",医疗服务项目区分性别使用,suspicious,info,safety,c1,male'
    (pack / "sex_limit.csv").write_bytes(("\ufeff" + head + mine).encode())
    code, said = load([FIRST, SECOND], "--apply")
    written = (pack / "sex_limit.csv").read_bytes().decode()

    assert 0 == code, said
    assert "不变 1" in said
    assert b"# mine\nname: authority\nversion: '7'\ntitle: x\n" == (pack / "pack.yaml").read_bytes()
    first, second, third = written.removeprefix("\ufeff").split("\r\n")[:3]
    assert (True, set(head.strip().split(","))) == (written.startswith("\ufeff"), set(first.split(",")) - {
        "basis", "status", "reason", "note",
    })  # fmt: skip
    assert (mine, "sex-002101030300000") == (second[: len(mine)], third.split(",")[1])


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("name: authority\nversion: '1'\ntitle: x\n", "title: x\nparameters:\n  child_years:\n    value: 14y\n"),
        ("name: authority\nversion: '1'\ntitle: x\nparameters: {}\n", "title: x\nparameters:\n  child_years:\n"),
        (
            "name: authority\nversion: '1'\ntitle: x\nparameters:  # ours\n    a:\n        value: 1d\n",
            "parameters:\n    child_years:\n        value: 14y\n",
        ),
        ("name: authority\nversion: '1'\ntitle: x\nparameters:\n  child_years:\n    value: 18y\n", "    value: 18y\n"),
    ],
)
def test_parameters_that_rows_read_are_declared(manifest, expected, load, pack):
    """Where the manifest lacks them, in the indentation it uses; a value that is there stays."""
    pack.mkdir()
    (pack / "pack.yaml").write_text(manifest, encoding="utf-8")
    (pack / "citations.csv").write_text("id,instrument\n", encoding="utf-8")
    rows = [["项目名称", "项目编码", "限定对象"], ["某护理", SERVICES[0], "儿童"]]
    code, said = load(rows, "--apply", name="第一批 项目规则库(限定年龄对象).xlsx")
    text = (pack / "pack.yaml").read_text(encoding="utf-8")

    assert 0 == code, said
    assert expected in text
    assert 1 == text.count("child_years")


def test_a_rule_that_stays_and_contradicts_is_an_error(tmp_path, pack, capsys):
    """A code that another row of the class has already would be prompted twice."""
    first = drugs((NAMES[0], "", "限定性别对象", "男", WESTERN[:2]))
    second = drugs((NAMES[1], "", "限定性别对象", "女", [WESTERN[1], PATENT[0]]))
    assert 0 == run(capsys, xlsx(tmp_path / "第一批a.xlsx", first), "--into", pack, "--apply")[0]
    before = contents(pack)
    code, said = run(capsys, xlsx(tmp_path / "第一批b.xlsx", second), "--into", pack, "--apply")

    assert (1, before) == (code, contents(pack))
    assert f"“某女用丸”的编码 {WESTERN[1]} 已由包内规则 sex-XA01AAA001A001(某男用片)作了不同的限定。" in said


def test_codes_that_another_rule_limits_alike_are_not_said_twice(tmp_path, pack, capsys):
    """Only what is new is added, and again there is nothing new."""
    first = drugs((NAMES[0], "", "限定性别对象", "男", WESTERN[:2]))
    second = xlsx(tmp_path / "第一批b.xlsx", drugs((NAMES[1], "", "限定性别对象", "男", [WESTERN[1], PATENT[0]])))
    run(capsys, xlsx(tmp_path / "第一批a.xlsx", first), "--into", pack, "--apply")
    code, said = run(capsys, second, "--into", pack, "--apply")
    rows = table(pack, "sex_limit")

    assert 0 == code, said
    assert [WESTERN[0] + "|" + WESTERN[1], PATENT[0]] == [row["items"] for row in rows.values()]
    assert "新增 0,变更 0,取代 0,不变 1,保留人工处理 0,工作簿未列 0" in run(capsys, second, "--into", pack)[1]


def test_a_family_that_covers_the_codes_is_the_same_rule(tmp_path, pack, capsys):
    """A starter pack's families name what the workbook lists code by code."""
    sheets = drugs((NAMES[0], "", "限定性别对象", "男", WESTERN))
    file = xlsx(tmp_path / "第一批.xlsx", sheets)
    run(capsys, file, "--into", pack, "--apply")
    path = pack / "sex_limit.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("|".join(WESTERN), "XA01AAA001A001*"), encoding="utf-8")

    assert "变更 0,取代 0,不变 1" in run(capsys, file, "--into", pack)[1]


def test_a_pack_with_faults_is_not_imported_into(load, pack):
    """The importer adds to what can be checked."""
    pack.mkdir()
    (pack / "pack.yaml").write_text("name: x\n", encoding="utf-8")
    code, said = load([FIRST], "--apply")

    assert (1, ["pack.yaml"]) == (code, list(contents(pack)))
    assert "不是规则包,或自身有错误;请先用 dipcheck pack check 改正" in said


def test_a_result_that_would_not_pass_the_check_is_not_written(load, pack):
    """An instrument that is not in force with the rows it would carry."""
    load([FIRST], "--apply")
    (pack / "citations.csv").write_text("id,instrument,valid_to\nnhsa-kp-batch-1,x,2026-01-31\n", encoding="utf-8")
    before = contents(pack)
    code, said = load([FIRST, SECOND], "--apply", "--effective", "2026-03-01")

    assert (1, before) == (code, contents(pack))
    assert "导入后的规则包通不过检查:\nCITATION_NOT_IN_FORCE  sex_limit.csv, row 3, column citation" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "没有给工作簿;要撤销上次导入请加 --rollback"), (["x.xlsx", "--gaps", "g.csv"], "--gaps 要与 --items 一起用")],
)
def test_wrong_use(arguments, message, pack, capsys):
    """Said with exit code 2."""
    assert (2, f"{message}\n") == run(capsys, *arguments, "--into", pack)


def test_a_folder_that_cannot_name_a_pack(tmp_path, capsys):
    """A pack is called as its folder; the name is checked before anything is read."""
    code, said = run(capsys, tmp_path / "x.xlsx", "--into", tmp_path / "规则")

    assert (1, "文件夹名“规则”不能作规则包名;请用小写字母、数字、点、下划线和连字符\n") == (code, said)


# rollback


def test_rollback_of_a_new_pack_leaves_nothing(load, pack, capsys):
    """The folder it made goes too; a second rollback has nothing to undo."""
    load([FIRST], "--apply")
    code, said = run(capsys, "--into", pack, "--rollback")

    assert (0, None) == (code, contents(pack))
    assert "已撤销上次导入,恢复 4 个文件: " in said
    assert (1, "没有可撤销的导入\n") == run(capsys, "--into", pack, "--rollback")


def test_rollback_restores_every_byte(load, pack, capsys):
    """One step: the second import goes, the first stays, and cannot be undone any more."""
    load([FIRST], "--apply")
    before = contents(pack)
    load([["某检查", SERVICES[0], "女"], SECOND], "--apply", "--effective", "2026-03-01")
    assert before != contents(pack)

    assert 0 == run(capsys, "--into", pack, "--rollback")[0]
    assert {name: content for name, content in before.items() if name != ".last-import.json"} == contents(pack)
    assert 1 == run(capsys, "--into", pack, "--rollback")[0]


def test_rollback_refuses_to_lose_later_edits(load, pack, capsys):
    """A file that someone edited since is named."""
    load([FIRST], "--apply")
    path = pack / "sex_limit.csv"
    path.write_bytes(path.read_bytes().replace(b",warn,", b",info,"))
    before = contents(pack)
    code, said = run(capsys, "--into", pack, "--rollback")

    assert (1, before) == (code, contents(pack))
    assert "导入之后又改过 sex_limit.csv,撤销会丢失这些改动" in said


def test_rollback_mends_an_import_that_stopped_half_way(load, pack, capsys):
    """Files not yet written are as they were; those written are put back."""
    load([FIRST], "--apply")
    before = contents(pack)
    load(
        [["某检查", SERVICES[0], "女"], SECOND], "--apply", "--effective", "2026-03-01", name="第二批 限定性别对象.xlsx"
    )
    (pack / "citations.csv").write_bytes(before["citations.csv"])

    assert 0 == run(capsys, "--into", pack, "--rollback")[0]
    assert {name: content for name, content in before.items() if name != ".last-import.json"} == contents(pack)


def test_an_import_without_change_keeps_the_last_one_undoable(load, pack, capsys):
    """Nothing was written, so the step before is still the last."""
    load([FIRST], "--apply")
    load([FIRST], "--apply")

    assert 0 == run(capsys, "--into", pack, "--rollback")[0]
    assert not pack.exists()
