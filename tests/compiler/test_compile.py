"""What the compiler makes of a sound pack: rules, digests, parameters, incomplete rows, patterns, dates."""

from datetime import date
from pathlib import Path
from typing import get_type_hints

import pytest

from rules.compiler import STAGES, compile_pack, examine
from rules.compiler.cases import Case
from rules.compiler.drafts import Sealed, Source
from rules.compiler.patterns import column_system
from rules.kinds import KINDS
from rules.kinds._contract import Row
from rules.kinds.age_limit import AgeLimit
from rules.kinds.sex_limit import SexLimit
from rules.model import Rule
from tests.compiler.packs import CITATIONS, NEWBORN, PACK, PENIS, UTERUS, sex_table, small, table

NOT_PATTERNS = {
    "scenes",
    "implied_by",
    "allow",
    "visit_types",
    "insurances",
    "hospital_levels",
    "stages",
    "funds",
    "tags",
    "content",
    "deny",
    "departments",
    "disease",
    "forbid_forms",
    "grant",
    "insurance",
    "routes",
    "when",
}
"""Columns with several values that are not codes."""


def codes(pack: dict[str, bytes]) -> list[str]:
    return [found.code for found in examine(pack).diagnostics]


class TestStages:
    def test_each_stage_takes_what_the_one_before_returns(self) -> None:
        """A half-processed pack fits no later stage than its own."""
        hints = [get_type_hints(stage.run) for stage in STAGES]
        given = [next(hint for name, hint in one.items() if name not in {"return", "report"}) for one in hints]

        assert given == [Source, *(one["return"] for one in hints[:-1])]
        assert hints[-1]["return"] is Sealed

    def test_stages_have_names_of_their_own(self) -> None:
        assert len({stage.name for stage in STAGES}) == len(STAGES)

    def test_every_column_of_codes_is_checked(self) -> None:
        """A new kind's pattern column must be known to the pattern stage, or listed here as something else."""
        for kind in KINDS.values():
            for name, field in kind.row.model_fields.items():
                if "tuple" in str(field.annotation):
                    assert (column_system(name) is not None) != (name in NOT_PATTERNS), f"{kind.name}.{name}"


class TestSoundPack:
    def test_rules_in_run_form_ordered_by_id(self) -> None:
        pack = compile_pack(small(sex_limit=sex_table(f"{PENIS},male", f"{UTERUS},female")))

        assert [rule.id for rule in pack.rules["sex_limit"]] == ["sex-1", "sex-2"]
        assert pack.rules["sex_limit"][0] == SexLimit(
            id="sex-1",
            name="子宫造影",
            title="区分性别使用",
            items=("002101030300000",),
            certainty="suspicious",
            level="warn",
            scope="safety",
            citation="nhsa-1",
            sex="female",
        )
        assert pack.citations["nhsa-1"].published == date(2025, 5, 30)
        assert (pack.name, pack.version, pack.title) == ("small", "1", "示例")

    def test_a_folder_and_its_files_compile_alike(self, tmp_path: Path) -> None:
        for name, content in small().items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / ".hidden").write_text("left out")

        assert compile_pack(tmp_path) == compile_pack(small())

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: b"\xef\xbb\xbf" + text,
            lambda text: text.replace(b"\n", b"\r\n"),
            lambda text: text + b",,,,,,,,\n\n",
            lambda text: text.rstrip(b"\n"),
            lambda text: text.replace("子宫造影".encode(), ' "子宫造影" '.strip().encode()),
        ],
        ids=["byte-order mark", "CRLF", "blank rows", "no last newline", "quotes"],
    )
    def test_how_spreadsheets_write_csv_does_not_matter(self, change) -> None:
        assert compile_pack(small(sex_limit=change(sex_table()))) == compile_pack(small())

    def test_rows_are_counted_as_a_spreadsheet_shows_them(self) -> None:
        """A cell over two lines is one row; a blank row is one too."""
        rows = sex_table(f"{UTERUS},female".replace("子宫造影", '"子宫\n造影"'), "", f"{PENIS},mal")

        (found,) = examine(small(sex_limit=rows)).diagnostics
        assert (found.row, found.column) == (4, "sex")


class TestDigest:
    def test_covers_content_and_not_its_layout(self) -> None:
        """Order of rows and columns, cases and pages leave it alone."""
        layout = small(sex_limit=sex_table(f"{PENIS},male", f"{UTERUS},female"), cases=b"[]\n")
        layout["README.md"] = b"# small\n"

        assert compile_pack(layout).digest == compile_pack(small()).digest

    @pytest.mark.parametrize(
        "change",
        [
            {"sex_limit": sex_table(f"{UTERUS},male", f"{PENIS},male")},
            {"sex_limit": sex_table(f"{UTERUS},female")},
            {"citations": CITATIONS.replace("第1批", "第2批").encode()},
            {"pack": PACK.replace(b'"1"', b'"2"')},
        ],
        ids=["parameter", "rule", "citation", "version"],
    )
    def test_any_change_of_content_changes_it(self, change: dict[str, bytes]) -> None:
        assert compile_pack(small(**change)).digest != compile_pack(small()).digest


class TestParameters:
    def pack(self, value: str, cell: str = "$child_years") -> dict[str, bytes]:
        manifest = PACK + f"parameters:\n  child_years: {{{value}, note: 儿童年龄上限}}\n".encode()
        return small(pack=manifest, age_limit=table("min_age,max_age", f"{NEWBORN},,{cell}"))

    def test_a_value_fills_the_cell(self) -> None:
        pack = compile_pack(self.pack("value: 14y"))

        assert str(pack.rules["age_limit"][0].max_age) == "14 岁"  # type: ignore[attr-defined]
        assert pack.rules["age_limit"][0].unset == ()
        assert pack.parameters == {"child_years": "14y"}

    @pytest.mark.parametrize("value", ["value:", "value: null", "value: ~"])
    def test_an_unset_parameter_empties_the_cell_and_marks_the_rule(self, value: str) -> None:
        (rule,) = compile_pack(self.pack(value)).rules["age_limit"]

        assert isinstance(rule, AgeLimit)
        assert rule.max_age is None
        assert rule.unset == ("child_years",)

    def test_an_example_shapes_the_rule_but_leaves_it_unset(self) -> None:
        """Where a column cannot be empty, the example stands in; the rule is still *not checked*."""
        pack = compile_pack(self.pack("value: null, example: 14y"))

        assert pack.rules["age_limit"][0].unset == ("child_years",)
        assert str(pack.rules["age_limit"][0].max_age) == "14 岁"  # type: ignore[attr-defined]
        assert pack.parameters == {"child_years": None}


class TestIncompleteRows:
    def rows(self, *rows: str) -> bytes:
        return table("status,note,dx,dx_text", *rows)

    def test_load_without_condition_or_items_and_keep_only_what_kinds_share(self) -> None:
        """Ruling 15: rows that lack something are listed with the reason and cannot be evaluated."""
        shared = "非那雄胺片,限适应症,violation,warn,payment,nhsa-1,incomplete,原文被截断"
        pack = compile_pack(small(indication=self.rows(f"ind-1,XG04CBF002A001*,{shared},,", f"ind-2,,{shared},,")))

        listed = pack.rules["indication"]
        assert [type(rule) for rule in listed] == [Rule, Rule]
        assert [(rule.id, rule.items, rule.status, rule.note) for rule in listed] == [
            ("ind-1", ("XG04CBF002A001*",), "incomplete", "原文被截断"),
            ("ind-2", (), "incomplete", "原文被截断"),
        ]

    def test_what_they_do_say_must_be_well_formed(self) -> None:
        row = "ind-1,XG04CBF002A001*,非那雄胺片,限适应症,violation,block it,payment,nhsa-1,incomplete,待补,,"

        assert codes(small(indication=self.rows(row))) == ["INVALID_CELL"]

    def test_an_active_row_without_condition_is_a_fault(self) -> None:
        row = "ind-1,XG04CBF002A001*,非那雄胺片,限适应症,violation,warn,payment,nhsa-1,active,,,"

        assert codes(small(indication=self.rows(row))) == ["INVALID_ROW"]


class TestGradesAndOverlaps:
    @pytest.mark.parametrize(
        ("certainty", "level", "allowed"),
        [
            ("violation", "block", True),
            ("suspicious", "warn", True),
            ("suspicious", "block", False),
            ("notice", "info", True),
            ("notice", "warn", False),
            ("notice", "silent", True),
        ],
    )
    def test_certainty_bounds_the_level(self, certainty: str, level: str, allowed: bool) -> None:
        row = UTERUS.replace("suspicious,warn", f"{certainty},{level}")

        assert codes(small(sex_limit=sex_table(f"{row},female"))) == ([] if allowed else ["LEVEL_TOO_LOUD"])

    def twins(self, first: str, second: str) -> list[str]:
        one = f"{UTERUS},female,{first}"
        other = f"{UTERUS.replace('sex-1', 'sex-3')},female,{second}"
        return codes(small(sex_limit=table("sex,valid_from,valid_to", one, other)))

    def test_the_same_rule_twice_overlaps_on_one_shared_day(self) -> None:
        assert self.twins(",2026-03-31", "2026-03-31,") == ["OVERLAPPING_RULES"]

    def test_a_successor_from_the_next_day_on_does_not(self) -> None:
        assert self.twins(",2026-03-31", "2026-04-01,") == []

    def test_other_parameters_or_scope_are_another_rule(self) -> None:
        """Contradicting sexes are not the compiler's to judge; a payment rule beside a safety rule is sound."""
        other = UTERUS.replace("sex-1", "sex-3")

        assert codes(small(sex_limit=sex_table(f"{UTERUS},female", f"{other},male"))) == []
        payment = other.replace("safety", "payment")
        assert codes(small(sex_limit=sex_table(f"{UTERUS},female", f"{payment},female"))) == []


class TestPatterns:
    @pytest.mark.parametrize(
        "items",
        ["002101030300000", "XG04CBF002A001*", "XB05BAF145B002010100269|XB05BAF145B002?", "T000900001", "C0101*"],
    )
    def test_well_formed(self, items: str) -> None:
        assert codes(small(sex_limit=sex_table(f"{UTERUS},female".replace("002101030300000", items)))) == []

    @pytest.mark.parametrize("items", ["?", "**", "XG04*CB", "XG04CB**", "XG 04", "xg04*", "ＸＧ04*", "XG04?*"])
    def test_malformed(self, items: str) -> None:
        pack = small(sex_limit=sex_table(f"{UTERUS},female".replace("002101030300000", items)))

        assert codes(pack) == ["INVALID_PATTERN"]

    @pytest.mark.parametrize(
        ("dx", "expected"),
        [
            ("N40*", []),
            ("C5*|D06.9*", []),
            ("N40.X00", []),
            ("N40.*", ["INVALID_PATTERN"]),
            ("n40*", ["INVALID_PATTERN"]),
            ("N40.x00", ["INVALID_PATTERN"]),
            ("N40-N42", ["INVALID_PATTERN"]),
            ("前列腺增生", ["INVALID_PATTERN"]),
        ],
    )
    def test_diagnoses(self, dx: str, expected: list[str]) -> None:
        row = f"ind-1,XG04CBF002A001*,非那雄胺片,限适应症,violation,warn,payment,nhsa-1,{dx},前列腺增生"

        assert codes(small(indication=table("dx,dx_text", row))) == expected


def test_rows_that_cannot_be_read_do_not_make_mentions_of_them_faults() -> None:
    """One broken row is one fault, also where other rules and cases name it."""
    case = b"- name: x\n  time: 2026-03-18\n  encounter: {}\n  not_checked: [{rule: sex-1, fields: [patient.sex]}]\n"

    assert codes(small(sex_limit=sex_table(f"{UTERUS},femal", f"{PENIS},male"), cases=case)) == ["INVALID_CELL"]


def test_shared_columns_and_case_keys_do_not_collide_with_kinds() -> None:
    """A kind's own column never hides a shared one."""
    for kind in KINDS.values():
        assert list(kind.row.model_fields)[: len(Row.model_fields)] == list(Row.model_fields)
    assert {"name", "time", "encounter", "findings", "not_checked"} <= set(Case.__struct_fields__)


def test_a_pack_compiles_without_reading_its_cases() -> None:
    """Cases are no part of the pack: a fault in one is the author's business, not the service's at its start."""
    faulty = small(cases=b"- name: half a case\n")

    assert examine(faulty).pack is None
    assert compile_pack(faulty).digest == compile_pack(small()).digest
