"""Every diagnostic of a scheme, from a faulty one in ``broken/``: code, place, message and help, word for word."""

from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from rules.compiler import render
from rules.dip.codes import TieRule
from rules.dip.compiler import CODES, SchemeError, compile_scheme, examine_scheme

BROKEN = Path(__file__).parent / "broken"
TIE_RULES = ", ".join(sorted(get_args(TieRule)))
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
    Fault(
        "bad_age",
        "INVALID_CELL",
        "catalogue.csv",
        2,
        "min_age",
        "`18` is no age",
        "an age is a number with d, m or y: 28d, 6m, 18y",
    ),
    Fault(
        "bad_choice",
        "INVALID_CELL",
        "catalogue.csv",
        2,
        "class",
        "`primary-care` is not one of core, primary_care, tcm, bed_day",
        "did you mean `primary_care`?",
    ),
    Fault(
        "bad_code_in_manifest",
        "INVALID_CODE",
        "scheme.yaml",
        9,
        "auxiliary.tumour",
        "`C00-D` is no range of diagnoses",
        "codes, prefixes, ranges such as C00-C75, or `@list`",
    ),
    Fault(
        "bad_date",
        "INVALID_CELL",
        "point_values.csv",
        2,
        "valid_from",
        "`2026/1/1` is not a date such as 2026-01-31",
        "spreadsheets change dates; format the column as text",
    ),
    Fault("bad_decimal", "INVALID_SCHEME", "scheme.yaml", 9, "points.deviation.low", "`about 0.5` is not a number", ""),
    Fault(
        "bad_diagnosis",
        "INVALID_CODE",
        "catalogue.csv",
        2,
        "dx",
        "`80K` is no diagnosis code",
        "codes, prefixes, ranges such as C00-C75, or `@list`, joined by |",
    ),
    Fault(
        "bad_flag",
        "INVALID_CELL",
        "catalogue.csv",
        2,
        "anywhere",
        "`yes` is not one of true, false",
        "known: false, true",
    ),
    Fault(
        "bad_map_code", "INVALID_CODE", "operation_map.csv", 2, "from", "`xx` is no code", "a code of another version"
    ),
    Fault("bad_money", "INVALID_CELL", "catalogue.csv", 2, "mean_cost", "`about 5000` is not a number", ""),
    Fault(
        "bad_number",
        "INVALID_CELL",
        "catalogue.csv",
        2,
        "score",
        "`1,000` is not a number",
        "write `1000`, without thousands separators",
    ),
    Fault(
        "bad_operation",
        "INVALID_EXPRESSION",
        "catalogue.csv",
        2,
        "main_op",
        "`K80.1` is no operation code",
        "such as (51.2300|51.2400)+51.8803",
    ),
    Fault(
        "bad_range",
        "INVALID_CODE",
        "catalogue.csv",
        2,
        "dx",
        "`C75-C00` ends before it begins",
        "codes, prefixes, ranges such as C00-C75, or `@list`, joined by |",
    ),
    Fault("bad_whole_number", "INVALID_CELL", "catalogue.csv", 2, "cases", "`1.5` is not a whole number", ""),
    Fault(
        "bands_gap",
        "BANDS_GAP",
        "scheme.yaml",
        11,
        "payment.bands[1]",
        "nothing is said between `0.85` and `0.9`",
        "bands follow each other without a gap",
    ),
    Fault(
        "bands_not_from_zero",
        "BANDS_GAP",
        "scheme.yaml",
        9,
        "payment.bands",
        "nothing is said below `0.5`",
        "the first band starts at 0",
    ),
    Fault(
        "bands_not_to_the_end",
        "BANDS_GAP",
        "scheme.yaml",
        9,
        "payment.bands",
        "nothing is said from `0.85` on",
        "the last band has no end",
    ),
    Fault(
        "bands_overlap",
        "BANDS_OVERLAP",
        "scheme.yaml",
        11,
        "payment.bands[1]",
        "a band starts at `0.8`, and the one before goes up to `0.85`",
        "",
    ),
    Fault(
        "bands_unordered",
        "BANDS_UNORDERED",
        "scheme.yaml",
        9,
        "payment.assessment[1]",
        "`80` comes after `95`",
        "the lowest limit comes first",
    ),
    Fault(
        "case_invalid_yaml",
        "INVALID_YAML",
        "cases/a.yaml",
        2,
        "",
        "not YAML: expected ',' or '}', but got '<stream end>'",
        "",
    ),
    Fault(
        "case_twice",
        "INVALID_CASE",
        "cases/b.yaml",
        1,
        "name",
        "`例` is already the name of a case",
        "first used in cases/a.yaml, line 1",
    ),
    Fault(
        "case_unknown_key",
        "INVALID_CASE",
        "cases/a.yaml",
        4,
        "expect.gruop",
        "unknown key `gruop`",
        "did you mean `group`?",
    ),
    Fault(
        "case_unknown_type",
        "INVALID_CASE",
        "cases/a.yaml",
        1,
        "expect.typings",
        "`cce` is no auxiliary type",
        "did you mean `cci`?",
    ),
    Fault(
        "coefficient_gap",
        "COEFFICIENT_GAP",
        "catalogue.csv",
        2,
        "coefficient_1",
        "`K1` and 1 more group have no coefficient at level 1",
        "such cases get no points, unless coefficients.csv has one",
    ),
    Fault(
        "comma_joins_nothing",
        "INVALID_EXPRESSION",
        "catalogue.csv",
        2,
        "main_op",
        "`,` joins nothing in this scheme",
        "`notation: {comma_is_all: true}` in scheme.yaml makes it `+`",
    ),
    Fault("condition_twice", "DUPLICATE_ENTRY", "scheme.yaml", 10, "conditions[1]", "`a` is there twice", ""),
    Fault(
        "deviation_limits",
        "DEVIATION_LIMITS",
        "scheme.yaml",
        9,
        "points.deviation.high",
        "high `0.5` is not above low `2`",
        "a normal case lies between them",
    ),
    Fault("duplicate_column", "DUPLICATE_COLUMN", "catalogue.csv", 1, "dx", "column `dx` is there twice", ""),
    Fault(
        "duplicate_entry",
        "DUPLICATE_ENTRY",
        "cci.csv",
        3,
        "code",
        "`I50.000` is there twice",
        "first in cci.csv, row 2",
    ),
    Fault("empty_cell", "INVALID_CELL", "catalogue.csv", 2, "group", "`group` is empty", "every row needs it"),
    Fault(
        "empty_layer",
        "EMPTY_LAYER",
        "scheme.yaml",
        6,
        "steps[1]",
        "no row of the catalogue is in layer `cores`",
        "did you mean `core`?",
    ),
    Fault("empty_table", "EMPTY_TABLE", "cci.csv", 1, "", "the table has no header", "the first row names the columns"),
    Fault(
        "excluded_diagnosis",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        4,
        "dx",
        "no diagnosis of the row may be principal",
        "no case can reach this row",
    ),
    Fault(
        "group_contradicted",
        "GROUP_CONTRADICTED",
        "catalogue.csv",
        3,
        "score",
        "`K1` has score `1100` here and `1000` elsewhere",
        "see catalogue.csv, row 2; what a group is worth is the same in all its rows",
    ),
    Fault(
        "group_in_two_tables",
        "GROUP_CONTRADICTED",
        "comprehensive.csv",
        2,
        "group",
        "`K80.1-1` is a group of another table",
        "see catalogue.csv, row 2",
    ),
    Fault(
        "icu_bands_overlap",
        "BANDS_OVERLAP",
        "scheme.yaml",
        9,
        "auxiliary.icu_bands[1]",
        "a band starts at `7`, and the one before goes up to `7`",
        "",
    ),
    Fault(
        "incomplete_but_wrong",
        "INVALID_CODE",
        "catalogue.csv",
        3,
        "dx",
        "`80K` is no diagnosis code",
        "codes, prefixes, ranges such as C00-C75, or `@list`, joined by |",
    ),
    Fault(
        "invalid_csv",
        "INVALID_CSV",
        "catalogue.csv",
        2,
        "",
        "not CSV: ',' expected after '\"'",
        "check the quotes of this row",
    ),
    Fault(
        "invalid_yaml",
        "INVALID_YAML",
        "scheme.yaml",
        9,
        "",
        "not YAML: expected the node content, but found '<stream end>'",
        "",
    ),
    Fault(
        "key_length_four",
        "OUT_OF_RANGE",
        "scheme.yaml",
        9,
        "comprehensive.key_lengths",
        "`4` is out of range",
        "keys have 1 to 3 characters; ranges come by themselves",
    ),
    Fault(
        "key_of_a_table",
        "INVALID_SCHEME",
        "scheme.yaml",
        9,
        "normalisation.limits",
        "`limits` is not written here",
        "it comes from limits.csv",
    ),
    Fault(
        "key_twice",
        "DUPLICATE_ENTRY",
        "comprehensive.csv",
        3,
        "key",
        "`K80 surgery` is there twice",
        "first in comprehensive.csv, row 2",
    ),
    Fault(
        "level_twice",
        "DUPLICATE_ENTRY",
        "comprehensive.csv",
        3,
        "attribute",
        "`K80` has surgery of level 4 twice",
        "first in comprehensive.csv, row 2",
    ),
    Fault(
        "limit_without_limit",
        "INVALID_CELL",
        "limits.csv",
        2,
        "sex",
        "the row limits nothing",
        "fill in sex, min_age or max_age",
    ),
    Fault(
        "map_chain",
        "MAP_CHAIN",
        "operation_map.csv",
        2,
        "to",
        "`51.2400` is itself mapped, to `51.2401`",
        "a map is applied once; write `51.2401` if that is meant",
    ),
    Fault(
        "map_cycle",
        "MAP_CYCLE",
        "operation_map.csv",
        3,
        "to",
        "`51.2400` and `51.2300` are mapped to each other",
        "a map is applied once; keep one of them",
    ),
    Fault("missing_column", "MISSING_COLUMN", "catalogue.csv", 1, "group", "column `group` is missing", ""),
    Fault(
        "missing_file",
        "MISSING_FILE",
        "scheme.yaml",
        None,
        "",
        "the scheme has no `scheme.yaml`",
        "it names the scheme and its steps",
    ),
    Fault("missing_key", "INVALID_SCHEME", "scheme.yaml", 1, "", "`version` is missing", ""),
    Fault(
        "missing_note",
        "MISSING_NOTE",
        "catalogue.csv",
        2,
        "note",
        "`K80.1-1` is incomplete and does not say why",
        "say in one sentence what is missing",
    ),
    Fault(
        "mortality_above_one",
        "OUT_OF_RANGE",
        "catalogue.csv",
        2,
        "mortality",
        "`5` is out of range",
        "from 0 to 1 is expected",
    ),
    Fault(
        "negative_score",
        "NEGATIVE_SCORE",
        "catalogue.csv",
        2,
        "score",
        "score `-1000` is negative",
        "a score is zero (actual cost is paid) or more",
    ),
    Fault(
        "nested_conjunction",
        "NESTED_CONJUNCTION",
        "catalogue.csv",
        2,
        "main_op",
        "`+` stands inside an alternative",
        "write one row for each alternative, with the same group",
    ),
    Fault(
        "no_steps",
        "INVALID_STEP",
        "scheme.yaml",
        4,
        "",
        "the scheme has no steps",
        "such as principal, operations, layer, comprehensive, last_resort",
    ),
    Fault(
        "not_utf8",
        "NOT_UTF8",
        "catalogue.csv",
        2,
        "",
        "byte `0xb5` is not UTF-8",
        "save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
    ),
    Fault(
        "open_parenthesis",
        "INVALID_EXPRESSION",
        "catalogue.csv",
        2,
        "main_op",
        "a parenthesis is not closed",
        "such as (51.2300|51.2400)+51.8803",
    ),
    Fault(
        "operation_never_main",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        2,
        "main_op",
        "`51.2300` may not be the main operation",
        "no case can reach this row",
    ),
    Fault(
        "out_of_range", "OUT_OF_RANGE", "coefficients.csv", 2, "level", "`4` is out of range", "from 1 to 3 is expected"
    ),
    Fault(
        "over_long_unordered",
        "BANDS_UNORDERED",
        "scheme.yaml",
        9,
        "behaviour.over_long[1]",
        "`3` comes after `2`",
        "the highest limit comes first",
    ),
    Fault(
        "overlapping_dates",
        "OVERLAPPING_DATES",
        "point_values.csv",
        3,
        "valid_from",
        "two rows of point_values hold for the same cases on the same day",
        "see point_values.csv, row 2; keep one, or separate their dates",
    ),
    Fault(
        "overlapping_rows",
        "OVERLAPPING_ROWS",
        "catalogue.csv",
        4,
        "group",
        "`K80.1-2` and `K80.1-1` take the same cases of `K80.1`",
        "see catalogue.csv, row 2; keep one, or say what parts them",
    ),
    Fault(
        "ragged_row",
        "RAGGED_ROW",
        "catalogue.csv",
        2,
        "",
        "the row has 3 cells and the header 2",
        'a cell with a comma needs double quotes: "a, b"',
    ),
    Fault(
        "related_beside_star",
        "INVALID_EXPRESSION",
        "catalogue.csv",
        2,
        "related_op",
        "related operations beside `*`",
        "`*` says that operations do not matter",
    ),
    Fault(
        "removed_operation",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        2,
        "main_op",
        "`51.2300` is removed before grouping",
        "no case can reach this row",
    ),
    Fault(
        "reversed_ages", "REVERSED_BOUNDS", "catalogue.csv", 2, "max_age", "min_age `18y` is above max_age `17y`", ""
    ),
    Fault(
        "reversed_dates",
        "REVERSED_DATES",
        "scheme.yaml",
        9,
        "valid_to",
        "valid_to `2026-01-01` is before valid_from `2026-12-31`",
        "both days are included",
    ),
    Fault(
        "reversed_period",
        "REVERSED_DATES",
        "point_values.csv",
        2,
        "valid_to",
        "valid_to `2026-01-31` is before valid_from `2026-02-01`",
        "both days are included",
    ),
    Fault(
        "reversed_stay",
        "REVERSED_BOUNDS",
        "scheme.yaml",
        8,
        "eligibility.max_days",
        "min_days `10` is above max_days `5`",
        "",
    ),
    Fault(
        "reversed_weights",
        "REVERSED_BOUNDS",
        "catalogue.csv",
        2,
        "max_weight_g",
        "min_weight_g `1000` is above max_weight_g `999`",
        "",
    ),
    Fault(
        "row_forbids_itself",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        2,
        "without_dx",
        "without_dx forbids all that other_dx asks for",
        "no case can reach this row",
    ),
    Fault(
        "rows_tie",
        "ROWS_TIE",
        "catalogue.csv",
        4,
        "group",
        "`K80.1-2` and `K80.1-1` can fit alike: `K80.1` with `51.2300`",
        "no tie rule parts this row from catalogue.csv, row 2; such cases are reported as tied",
    ),
    Fault(
        "same_row_twice",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        4,
        "group",
        "the row says the same as row 2 of `K80.1-1`",
        "remove one of them",
    ),
    Fault(
        "scheme_bad_name",
        "INVALID_SCHEME",
        "scheme.yaml",
        1,
        "name",
        "`Broken Scheme` is no scheme name",
        "lower-case letters, digits, `.`, `_` and `-`, at most 50",
    ),
    Fault(
        "scheme_empty",
        "INVALID_SCHEME",
        "scheme.yaml",
        None,
        "",
        "the file is empty",
        "it names name, version, title and steps",
    ),
    Fault(
        "scope_without_effect",
        "INVALID_CELL",
        "excluded_operations.csv",
        2,
        "scope",
        "`removed` has no scope",
        "diagnoses for which the operation may be the main one",
    ),
    Fault(
        "secondary_without_diagnosis",
        "SECONDARY_WITHOUT_DIAGNOSIS",
        "auxiliary.csv",
        2,
        "other_dx",
        "`糖尿病` names no other diagnosis",
        "a `secondary` sub-type needs other_dx",
    ),
    Fault("semicolons", "INVALID_CSV", "catalogue.csv", 1, "", "columns are separated by `;`", "use commas"),
    Fault(
        "shadowed_row",
        "UNREACHABLE_ROW",
        "catalogue.csv",
        3,
        "layer",
        "every case of this row is placed by row 2, in an earlier step",
        "no case can reach this row",
    ),
    Fault(
        "share_above_one",
        "OUT_OF_RANGE",
        "scheme.yaml",
        9,
        "payment.prepay_ratio",
        "`90` is out of range",
        "a share from 0 to 1 is expected",
    ),
    Fault(
        "short_operation",
        "INVALID_EXPRESSION",
        "catalogue.csv",
        2,
        "main_op",
        "`51.2` is not a whole operation code",
        "steps with `operation_match: prefix` take short codes; a spreadsheet may have eaten its zeros",
    ),
    Fault("step_twice", "INVALID_STEP", "scheme.yaml", 6, "steps[1]", "step `principal` is there twice", ""),
    Fault(
        "step_with_layers",
        "INVALID_STEP",
        "scheme.yaml",
        6,
        "steps[1]",
        "step `comprehensive` has no `layers`",
        "only layer steps choose among rows",
    ),
    Fault(
        "step_without_layers",
        "INVALID_STEP",
        "scheme.yaml",
        6,
        "steps[1]",
        "a layer step names no layers",
        "write layers: [core]",
    ),
    Fault(
        "step_without_tie_rules",
        "INVALID_STEP",
        "scheme.yaml",
        5,
        "steps[0]",
        "a layer step has no tie rules",
        "write prefer: [most_parts, catalogue_order]",
    ),
    Fault(
        "unknown_column",
        "UNKNOWN_COLUMN",
        "catalogue.csv",
        1,
        "scores",
        "unknown column `scores`",
        "did you mean `score`?",
    ),
    Fault(
        "unknown_comprehensive_attribute",
        "UNKNOWN_KEY",
        "comprehensive.csv",
        2,
        "attribute",
        "`surgery:5` is no attribute",
        "conservative, diagnostic, therapeutic, intervention, surgery, or surgery:3|4 for levels of surgery",
    ),
    Fault(
        "unknown_comprehensive_key",
        "UNKNOWN_KEY",
        "comprehensive.csv",
        2,
        "key",
        "`K80.1` is no key of this directory",
        "3, 2, 1 first characters of a code, or a range of categories such as A00-A99",
    ),
    Fault(
        "unknown_condition",
        "UNKNOWN_CONDITION",
        "catalogue.csv",
        2,
        "condition",
        "unknown condition `resistent`",
        "did you mean `resistant`?",
    ),
    Fault(
        "unknown_file",
        "UNKNOWN_FILE",
        "notes.txt",
        None,
        "",
        "`notes.txt` is not read",
        "a scheme holds scheme.yaml, *.csv tables, cases/*.yaml and *.md pages",
    ),
    Fault(
        "unknown_formula",
        "INVALID_SCHEME",
        "scheme.yaml",
        9,
        "points.deviation.formula",
        "`proportionate` is not one of actual_cost, coefficient_inside, none, proportional",
        "did you mean `proportional`?",
    ),
    Fault(
        "unknown_group",
        "UNKNOWN_GROUP",
        "auxiliary.csv",
        2,
        "group",
        "unknown group `K80.1-2`",
        "did you mean `K80.1-1`?",
    ),
    Fault(
        "unknown_group_in_case",
        "UNKNOWN_GROUP",
        "cases/a.yaml",
        1,
        "expect",
        "unknown group `K80.1-3`",
        "did you mean `K80.1-1`?",
    ),
    Fault(
        "unknown_key",
        "INVALID_SCHEME",
        "scheme.yaml",
        8,
        "payments",
        "unknown key `payments`",
        "did you mean `payment`?",
    ),
    Fault(
        "unknown_last_resort_key",
        "UNKNOWN_KEY",
        "last_resort.csv",
        2,
        "key",
        "`K80` is no key of last resort",
        "the first letter of a diagnosis, or `*` for any",
    ),
    Fault(
        "unknown_list",
        "UNKNOWN_LIST",
        "catalogue.csv",
        2,
        "other_dx",
        "unknown list `tumors`",
        "did you mean `tumours`?",
    ),
    Fault(
        "unknown_step",
        "INVALID_SCHEME",
        "scheme.yaml",
        5,
        "steps[0].step",
        "`princpal` is not one of comprehensive, last_resort, layer, operations, principal",
        "did you mean `principal`?",
    ),
    Fault(
        "unknown_table",
        "UNKNOWN_TABLE",
        "catalog.csv",
        None,
        "",
        "a scheme has no table `catalog`",
        "did you mean `catalogue`?",
    ),
    Fault(
        "unknown_tie_rule",
        "INVALID_SCHEME",
        "scheme.yaml",
        6,
        "steps[1].prefer[0]",
        f"`most_part` is not one of {TIE_RULES}",
        "did you mean `most_parts`?",
    ),
    Fault(
        "unlikely_date",
        "INVALID_CELL",
        "point_values.csv",
        2,
        "valid_to",
        "`9999-12-31` is not between 1949-10-01 and 2099-12-31",
        "leave it empty for an open end",
    ),
    Fault(
        "unused_condition",
        "UNUSED_CONDITION",
        "scheme.yaml",
        9,
        "conditions[0]",
        "no row has condition `resistant`",
        "",
    ),
    Fault(
        "unused_layer",
        "UNUSED_LAYER",
        "catalogue.csv",
        3,
        "layer",
        "no step looks in layer `care`",
        "did you mean `core`?",
    ),
    Fault("unused_list", "UNUSED_LIST", "lists.csv", 2, "list", "nothing names list `tumours`", ""),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.folder)
def test_one_fault_is_one_diagnostic(fault: Fault) -> None:
    """A scheme with one fault gets exactly one diagnostic, which says where, what and how to mend it."""
    found = examine_scheme(BROKEN / fault.folder).diagnostics

    said = [(one.code, one.file, one.row, one.column, one.message, one.help) for one in found]
    assert said == [tuple(fault)[1:]]
    assert [one.severity for one in found] == [CODES[fault.code]]


def test_every_code_has_a_broken_scheme() -> None:
    """A code that nothing raises is no code."""
    assert {fault.code for fault in FAULTS} == set(CODES)


def test_every_broken_scheme_is_in_the_table() -> None:
    """A folder that no test reads proves nothing."""
    assert {fault.folder for fault in FAULTS} | MANY == {folder.name for folder in BROKEN.iterdir()}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.folder)
def test_messages_keep_the_style(fault: Fault) -> None:
    """One line, lower case first, no full stop, no name of an internal type."""
    for text in (fault.message, fault.help):
        assert "\n" not in text
        assert not text.endswith(".")
        assert text[:1] == text[:1].lower() or text.startswith(("not YAML", "not CSV"))
        assert not {"Row", "Fault", "Struct", "msgspec"} & set(text.replace("`", " ").split())


def test_all_faults_are_reported_in_a_stable_order() -> None:
    """The first fault hides none of the others, in any file."""
    found = examine_scheme(BROKEN / "many_faults").diagnostics

    assert [(one.file, one.row, one.column, one.code) for one in found] == [
        ("cases/a.yaml", 1, "cases", "INVALID_CASE"),
        ("catalogue.csv", 1, "colour", "UNKNOWN_COLUMN"),
        ("catalogue.csv", 2, "dx", "INVALID_CODE"),
        ("catalogue.csv", 2, "score", "NEGATIVE_SCORE"),
        ("catalogue.csv", 3, "score", "INVALID_CELL"),
        ("catalogue.csv", 4, "", "RAGGED_ROW"),
        ("cci.csv", 2, "weight", "INVALID_CELL"),
        ("scheme.yaml", 6, "steps[1].prefer[0]", "INVALID_SCHEME"),
    ]


def test_a_misnamed_manifest_is_found() -> None:
    """The file that is there is named beside the one that is not."""
    found = examine_scheme(BROKEN / "misnamed_file").diagnostics

    assert [(one.code, one.file, one.help) for one in found] == [
        ("UNKNOWN_FILE", "schema.yaml", "a scheme holds scheme.yaml, *.csv tables, cases/*.yaml and *.md pages"),
        ("MISSING_FILE", "scheme.yaml", "did you mean `schema.yaml`?"),
    ]


def test_rendering() -> None:
    """Folder, file, row and column stand where people look first."""
    found = examine_scheme(BROKEN / "overlapping_rows").diagnostics[0]

    assert render(found, "schemes/a") == (
        "OVERLAPPING_ROWS  schemes/a/catalogue.csv, row 4, column group\n"
        "  `K80.1-2` and `K80.1-1` take the same cases of `K80.1`\n"
        "  help: see catalogue.csv, row 2; keep one, or say what parts them"
    )


def test_compiling_raises_with_every_diagnostic() -> None:
    """Who wants a scheme or nothing gets an exception that names all faults, those of cases aside."""
    with pytest.raises(SchemeError) as raised:
        compile_scheme(BROKEN / "many_faults")

    assert len(raised.value.diagnostics) == 7
    assert "NEGATIVE_SCORE  catalogue.csv, row 2, column score" in str(raised.value)
