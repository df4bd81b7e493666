"""Every diagnostic code, from a small faulty pack in ``broken/``: code, place, message and help, word for word."""

from pathlib import Path
from typing import NamedTuple

import pytest

from rules.compiler import CODES, PackError, compile_pack, examine, render

BROKEN = Path(__file__).parent / "broken"
MANY = {"many_faults", "misnamed_file"}
"""Folders with more than one fault, which have tests of their own."""


class Fault(NamedTuple):
    folder: str
    code: str
    file: str
    row: int | None
    column: str
    message: str
    help: str


FAULTS = [
    Fault("quantity_not_a_number", "INVALID_CELL", "item_interval.csv", 2, "max", "`abc`: expected a number", ""),
    Fault(
        "quantity_infinite",
        "INVALID_CELL",
        "item_interval.csv",
        2,
        "max",
        "`Infinity`: expected a number with at most four decimals",
        "",
    ),
    Fault(
        "quantity_too_fine",
        "INVALID_CELL",
        "item_interval.csv",
        2,
        "max",
        "`0.00001`: expected a number with at most four decimals",
        "",
    ),
    Fault(
        "bad_age",
        "INVALID_CELL",
        "age_limit.csv",
        2,
        "max_age",
        "`28 days`: an age is a number with d, m or y: 28d, 6m, 14y",
        "",
    ),
    Fault(
        "case_bad_value", "INVALID_CASE", "cases/a.yaml", 5, "encounter.lines[0].quantity", "`drei` is not a number", ""
    ),
    Fault(
        "case_invalid_yaml",
        "INVALID_YAML",
        "cases/a.yaml",
        8,
        "",
        "not YAML: expected the node content, but found '<stream end>'",
        "",
    ),
    Fault(
        "case_no_list",
        "INVALID_CASE",
        "cases/a.yaml",
        1,
        "",
        "expected a list of cases",
        "start each case with `- name:`",
    ),
    Fault(
        "case_twice",
        "INVALID_CASE",
        "cases/b.yaml",
        1,
        "name",
        "`男性患者做子宫造影` is already the name of a case",
        "first used in cases/a.yaml, line 1",
    ),
    Fault("case_without_time", "INVALID_CASE", "cases/a.yaml", 1, "", "`time` is missing", ""),
    Fault(
        "citation_not_in_force",
        "CITATION_NOT_IN_FORCE",
        "sex_limit.csv",
        2,
        "citation",
        "`nhsa-1` is not in force on any day of this rule",
        "`nhsa-1` holds from 2025-05-30 to 2025-12-31",
    ),
    Fault(
        "digit_date",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "valid_from",
        "`20260131` is not a date such as 2026-01-31",
        "spreadsheets change dates; format the column as text",
    ),
    Fault(
        "duplicate_citation",
        "DUPLICATE_CITATION",
        "citations.csv",
        3,
        "id",
        "`nhsa-1` is already taken",
        "first used in citations.csv, row 2",
    ),
    Fault("duplicate_column", "DUPLICATE_COLUMN", "sex_limit.csv", 1, "sex", "column `sex` is there twice", ""),
    Fault(
        "duplicate_rule",
        "DUPLICATE_RULE",
        "sex_limit.csv",
        2,
        "rule_id",
        "`sex-1` is already taken",
        "first used in age_limit.csv, row 2",
    ),
    Fault(
        "empty_cell",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "name",
        "`name` is empty",
        "every active row needs it; mark the row incomplete otherwise",
    ),
    Fault(
        "empty_table",
        "EMPTY_TABLE",
        "age_limit.csv",
        1,
        "",
        "the table has no header",
        "the first row names the columns",
    ),
    Fault(
        "implied_by_itself", "UNKNOWN_RULE", "sex_limit.csv", 2, "implied_by", "`sex-1` cannot be implied by itself", ""
    ),
    Fault(
        "incomplete_but_wrong",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "sex",
        "`femal` is not one of male, female",
        "did you mean `female`?",
    ),
    Fault(
        "invalid_case",
        "INVALID_CASE",
        "cases/a.yaml",
        4,
        "encounter.patient.gender",
        "unknown key `gender`",
        "known: birth_date, lactating, pregnant, pseudonym, sex, weight_g",
    ),
    Fault(
        "invalid_cell",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "sex",
        "`femal` is not one of male, female",
        "did you mean `female`?",
    ),
    Fault(
        "invalid_csv",
        "INVALID_CSV",
        "sex_limit.csv",
        2,
        "",
        "not CSV: ',' expected after '\"'",
        "check the quotes of this row",
    ),
    Fault(
        "invalid_diagnosis_pattern",
        "INVALID_PATTERN",
        "indication.csv",
        2,
        "dx",
        "`40N*` is no diagnosis pattern",
        "an ICD-10 code such as N40.X00, or its first characters and `*` such as N40*",
    ),
    Fault(
        "invalid_manifest",
        "INVALID_MANIFEST",
        "pack.yaml",
        4,
        "tittle",
        "unknown key `tittle`",
        "did you mean `title`?",
    ),
    Fault(
        "invalid_pattern",
        "INVALID_PATTERN",
        "sex_limit.csv",
        2,
        "items",
        "`0021*01030` is no item pattern",
        "a national code, or its first characters and `*`; `?` for a family that means several items",
    ),
    Fault("invalid_row", "INVALID_ROW", "age_limit.csv", 2, "", "min_age `30d` is above max_age `28d`", ""),
    Fault(
        "invalid_yaml", "INVALID_YAML", "pack.yaml", 5, "", "not YAML: expected ',' or ']', but got '<stream end>'", ""
    ),
    Fault(
        "level_too_loud",
        "LEVEL_TOO_LOUD",
        "sex_limit.csv",
        2,
        "level",
        "a `suspicious` rule cannot `block`",
        "`suspicious` goes up to `warn`",
    ),
    Fault(
        "lone_ambiguous_family",
        "LONE_AMBIGUOUS_FAMILY",
        "sex_limit.csv",
        2,
        "items",
        "`XB05BAZ087B002?` names no code for certain",
        "list the codes that are meant beside it, or write `*` if every code is",
    ),
    Fault(
        "long_basis",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "basis",
        "`basis` has 41 characters, at most 40 are allowed",
        "",
    ),
    Fault(
        "lower_case_pattern",
        "INVALID_PATTERN",
        "sex_limit.csv",
        2,
        "items",
        "`xg04ba*` is not in normal form",
        "write `XG04BA*`",
    ),
    Fault(
        "manifest_bad_name",
        "INVALID_MANIFEST",
        "pack.yaml",
        1,
        "name",
        "`Broken Pack` is no pack name",
        "lower-case letters, digits, `.`, `_` and `-`, at most 50",
    ),
    Fault(
        "manifest_bad_parameter",
        "INVALID_MANIFEST",
        "pack.yaml",
        5,
        "parameters.Child-Years",
        "`Child-Years` is no parameter name",
        "lower-case letters, digits and `_`, at most 50, a letter first",
    ),
    Fault("manifest_repeated_key", "INVALID_MANIFEST", "pack.yaml", 4, "title", "`title` is written twice", ""),
    Fault("manifest_without_version", "INVALID_MANIFEST", "pack.yaml", 1, "", "`version` is missing", ""),
    Fault(
        "missing_citations",
        "MISSING_FILE",
        "citations.csv",
        None,
        "",
        "the pack has no `citations.csv`",
        "a pack has pack.yaml and citations.csv",
    ),
    Fault("missing_column", "MISSING_COLUMN", "sex_limit.csv", 1, "sex", "column `sex` is missing", ""),
    Fault(
        "missing_file",
        "MISSING_FILE",
        "pack.yaml",
        None,
        "",
        "the pack has no `pack.yaml`",
        "a pack has pack.yaml and citations.csv",
    ),
    Fault(
        "missing_note",
        "MISSING_NOTE",
        "sex_limit.csv",
        3,
        "note",
        "`sex-2` is incomplete and does not say why",
        "say in one sentence what is missing",
    ),
    Fault(
        "narrow_pattern",
        "NARROW_PATTERN",
        "indication.csv",
        2,
        "dx",
        "`N40` names that three-character code only, which hospitals rarely send",
        "write `N40*`",
    ),
    Fault(
        "not_utf8",
        "NOT_UTF8",
        "sex_limit.csv",
        2,
        "",
        "byte `0xd7` is not UTF-8",
        "save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
    ),
    Fault(
        "notice_too_loud",
        "LEVEL_TOO_LOUD",
        "sex_limit.csv",
        2,
        "level",
        "a `notice` rule cannot `warn`",
        "`notice` goes up to `info`",
    ),
    Fault(
        "number_of_wrong_form",
        "INVALID_CELL",
        "item_interval.csv",
        2,
        "days",
        "`seven`: input should be a valid integer, unable to parse string as an integer",
        "",
    ),
    Fault(
        "overlapping_rules",
        "OVERLAPPING_RULES",
        "sex_limit.csv",
        3,
        "items",
        "`sex-2` says the same as `sex-1` about `002101030300000`",
        "see sex_limit.csv, row 2; keep one, or separate their dates",
    ),
    Fault(
        "parameter_of_wrong_form",
        "INVALID_CELL",
        "age_limit.csv",
        2,
        "max_age",
        "`14`: an age is a number with d, m or y: 28d, 6m, 14y (from `$child_years`)",
        "",
    ),
    Fault(
        "ragged_row",
        "RAGGED_ROW",
        "sex_limit.csv",
        3,
        "",
        "the row has 10 cells and the header 9",
        'a cell with a comma needs double quotes: "a, b"',
    ),
    Fault(
        "redundant_pattern",
        "REDUNDANT_PATTERN",
        "sex_limit.csv",
        2,
        "items",
        "`XG04BAA001` is already named by `XG04BA*`",
        "remove one of them",
    ),
    Fault(
        "reversed_citation",
        "REVERSED_DATES",
        "citations.csv",
        2,
        "valid_to",
        "valid_to `2025-05-31` is before valid_from `2025-06-01`",
        "",
    ),
    Fault(
        "reversed_dates",
        "REVERSED_DATES",
        "sex_limit.csv",
        2,
        "valid_to",
        "valid_to `2026-01-31` is before valid_from `2026-02-01`",
        "both days are included",
    ),
    Fault(
        "scope_not_allowed",
        "SCOPE_NOT_ALLOWED",
        "sex_limit.csv",
        2,
        "scope",
        "scope `charging` does not fit rules of kind sex_limit",
        "allowed: safety, payment",
    ),
    Fault("semicolons", "INVALID_CSV", "sex_limit.csv", 1, "", "columns are separated by `;`", "use commas"),
    Fault(
        "spreadsheet_code",
        "INVALID_PATTERN",
        "sex_limit.csv",
        2,
        "items",
        "`2.10103E+12` is no item pattern",
        "a national code, or its first characters and `*`; `?` for a family that means several items",
    ),
    Fault(
        "spreadsheet_date",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "valid_from",
        "`2026/1/31` is not a date such as 2026-01-31",
        "spreadsheets change dates; format the column as text",
    ),
    Fault(
        "suffixed_service_code",
        "INVALID_PATTERN",
        "sex_limit.csv",
        2,
        "items",
        "`002101030300000-210103030` is not in normal form",
        "write `002101030300000`",
    ),
    Fault(
        "tcm_diagnosis_pattern",
        "INVALID_PATTERN",
        "indication.csv",
        2,
        "dx",
        "`A17.07` is no whole ICD-10 code",
        "an ICD-10 code such as N40.X00, or its first characters and `*` such as N40*",
    ),
    Fault(
        "unknown_citation",
        "UNKNOWN_CITATION",
        "sex_limit.csv",
        3,
        "citation",
        "unknown citation `nhsa1`",
        "did you mean `nhsa-1`?",
    ),
    Fault(
        "unknown_column",
        "UNKNOWN_COLUMN",
        "sex_limit.csv",
        1,
        "basiss",
        "unknown column `basiss`",
        "did you mean `basis`?",
    ),
    Fault(
        "unknown_file",
        "UNKNOWN_FILE",
        "notes.txt",
        None,
        "",
        "`notes.txt` is not read",
        "a pack holds pack.yaml, *.csv tables, cases/*.yaml and *.md pages",
    ),
    Fault(
        "unknown_parameter",
        "UNKNOWN_PARAMETER",
        "age_limit.csv",
        3,
        "max_age",
        "unknown parameter `$child_year`",
        "did you mean `child_years`?",
    ),
    Fault(
        "unknown_rule",
        "UNKNOWN_RULE",
        "sex_limit.csv",
        2,
        "implied_by",
        "unknown rule `sex-11`",
        "did you mean `sex-1`?",
    ),
    Fault(
        "unknown_rule_in_case",
        "UNKNOWN_RULE",
        "cases/a.yaml",
        1,
        "findings",
        "unknown rule `sex-9`",
        "did you mean `sex-1`?",
    ),
    Fault(
        "unknown_scene",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "scenes",
        "`11` is no scene",
        "trig_scen values are 1 to 10, joined by |",
    ),
    Fault(
        "unknown_table",
        "UNKNOWN_TABLE",
        "sex_limits.csv",
        None,
        "",
        "there is no kind of rule called `sex_limits`",
        "did you mean `sex_limit`?",
    ),
    Fault(
        "unlikely_date",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "valid_to",
        "`9999-12-31` is not between 1949-10-01 and 2099-12-31",
        "leave it empty for an open end",
    ),
    Fault(
        "unreadable_table",
        "NOT_UTF8",
        "sex_limit.csv",
        2,
        "",
        "byte `0xd7` is not UTF-8",
        "save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
    ),
    Fault(
        "unset_parameter_without_example",
        "INVALID_CELL",
        "sex_limit.csv",
        2,
        "sex",
        "`sex` is empty",
        "parameter `$only_sex` has no value; give it an `example` in pack.yaml to shape the rule",
    ),
    Fault("unused_citation", "UNUSED_CITATION", "citations.csv", 3, "id", "no rule rests on `nhsa-2`", ""),
    Fault(
        "unused_parameter",
        "UNUSED_PARAMETER",
        "pack.yaml",
        None,
        "parameters.child_years",
        "no row reads parameter `child_years`",
        "",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.folder)
def test_one_fault_is_one_diagnostic(fault: Fault) -> None:
    """A pack with one fault gets exactly one diagnostic, which says where, what and how to mend it."""
    found = examine(BROKEN / fault.folder).diagnostics

    said = [(one.code, one.file, one.row, one.column, one.message, one.help) for one in found]
    assert said == [tuple(fault)[1:]]
    assert [one.severity for one in found] == [CODES[fault.code]]


def test_every_code_has_a_broken_pack() -> None:
    """A code that nothing raises is no code."""
    assert {fault.code for fault in FAULTS} == set(CODES)


def test_every_broken_pack_is_in_the_table() -> None:
    """A folder that no test reads proves nothing."""
    assert {fault.folder for fault in FAULTS} | MANY == {folder.name for folder in BROKEN.iterdir()}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.folder)
def test_messages_keep_the_style(fault: Fault) -> None:
    """One line, lower case first, no full stop, no name of an internal type."""
    for text in (fault.message, fault.help):
        assert "\n" not in text
        assert not text.endswith(".")
        assert text[:1] == text[:1].lower() or text.startswith(("not YAML", "not CSV"))
        assert not {"Row", "Fault", "Struct", "pydantic", "msgspec"} & set(text.replace("`", " ").split())


def test_all_faults_of_a_pack_are_reported_in_a_stable_order() -> None:
    """The first fault hides none of the others, in any file or stage."""
    found = examine(BROKEN / "many_faults").diagnostics

    assert [(one.file, one.row, one.code) for one in found] == [
        ("age_limit.csv", 2, "INVALID_ROW"),
        ("age_limit.csv", 3, "RAGGED_ROW"),
        ("cases/a.yaml", 6, "INVALID_CASE"),
        ("pack.yaml", 3, "INVALID_MANIFEST"),
        ("sex_limit.csv", 2, "INVALID_CELL"),
        ("sex_limit.csv", 2, "INVALID_CELL"),
        ("sex_limit.csv", 3, "UNKNOWN_CITATION"),
        ("sex_limit.csv", 3, "LEVEL_TOO_LOUD"),
    ]


def test_order_does_not_depend_on_the_order_of_files() -> None:
    """Diagnostics are ordered by place, whatever order the files come in."""
    folder = BROKEN / "many_faults"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    backwards = dict(sorted(files.items(), reverse=True))

    assert examine(backwards).diagnostics == examine(files).diagnostics == examine(folder).diagnostics


def test_a_misnamed_file_is_both_missing_and_unknown() -> None:
    """The help of the missing file names the one that may be meant."""
    found = examine(BROKEN / "misnamed_file").diagnostics

    assert [(one.code, one.file) for one in found] == [("MISSING_FILE", "pack.yaml"), ("UNKNOWN_FILE", "pack.yml")]
    assert found[0].help == "did you mean `pack.yml`?"


def test_compile_raises_every_diagnostic() -> None:
    """``compile_pack`` gives no pack, and the error carries all that ``examine`` finds besides the cases."""
    with pytest.raises(PackError) as raised:
        compile_pack(BROKEN / "many_faults")

    found = examine(BROKEN / "many_faults").diagnostics
    assert raised.value.diagnostics == tuple(one for one in found if not one.file.startswith("cases/"))
    assert any(one.file.startswith("cases/") for one in found)


def test_rendered_as_code_place_message_and_help() -> None:
    """The text people read names the file as they would open it."""
    (row,) = examine(BROKEN / "invalid_cell").diagnostics
    (line,) = examine(BROKEN / "invalid_case").diagnostics
    (warning,) = examine(BROKEN / "unused_citation").diagnostics

    assert render(row, "packs/x/") == (
        "INVALID_CELL  packs/x/sex_limit.csv, row 2, column sex\n"
        "  `femal` is not one of male, female\n"
        "  help: did you mean `female`?"
    )
    assert render(line).startswith("INVALID_CASE  cases/a.yaml, line 4, encounter.patient.gender\n")
    assert render(warning) == "UNUSED_CITATION (warning)  citations.csv, row 3, column id\n  no rule rests on `nhsa-2`"
