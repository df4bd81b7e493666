"""Each tie rule by itself: what it keeps, and that an absent fact never decides. What still ties is reported."""

from decimal import Decimal
from typing import get_args

import pytest

from rules.dip.choosing import FILTERS, TIE_RULES
from rules.dip.codes import RowFilter, TieRule
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import OperationEntry, Step
from rules.dip.tracing import FILTER_WORDS, TIE_RULE_WORDS
from tests.dip.builders import a_case, a_group, a_row, a_scheme

TABLE = tuple(
    OperationEntry(code=code, attribute=attribute)
    for code, attribute in (
        ("51.2300", "surgery"),
        ("51.8803", "therapeutic"),
        ("88.4100", "diagnostic"),
        ("37.8301", "intervention"),
    )
)


def chosen(rule, rows, *operations, groups=None, case=None, scheme=None, **step):
    """Return the group a rule by itself leaves, or ``""`` and the groups that tie."""
    steps = (Step(step="layer", layers=("core",), prefer=(rule,) if rule else (), **step),)
    changes = {"steps": steps, "operations": TABLE} | (scheme or {})
    if groups is not None:
        changes["groups"] = groups
    found = group(a_case("K80.100", *operations, **(case or {})), Directory.build(a_scheme(*rows, **changes)))
    return found.group or found.tied


def anywhere(code, main, **changes):
    """Return a row that reads the set of operations, as 1.0 catalogues do."""
    return a_row(code, "K80", main, anywhere=True, **changes)


def test_every_rule_and_filter_has_its_function_and_its_words():
    """One place to add one: these must not be forgotten."""
    assert set(get_args(TieRule)) == set(TIE_RULES) == set(TIE_RULE_WORDS)
    assert set(get_args(RowFilter)) == set(FILTERS) == set(FILTER_WORDS)


def test_most_parts():
    """Three parts before two, whatever stands first."""
    rows = [anywhere("TWO", "51.2300+88.4100"), anywhere("THREE", "51.2300+88.4100+51.8803")]

    assert "THREE" == chosen("most_parts", rows, "51.2300", "88.4100", "51.8803")


def test_most_operations_used():
    """Related operations that are found are used too."""
    rows = [a_row("ONE", "K80", "51.2300"), a_row("TWO", "K80", "51.2300", "88.4100")]

    assert "TWO" == chosen("most_operations_used", rows, "51.2300", "88.4100")


def test_exact_set():
    """No operation left over; if every row leaves one over the rule decides nothing."""
    rows = [anywhere("ONE", "51.2300"), anywhere("TWO", "51.2300+88.4100")]

    assert "TWO" == chosen("exact_set", rows, "51.2300", "88.4100")
    assert ("ONE", "TWO") == chosen("exact_set", rows, "51.2300", "88.4100", "51.8803")


def test_main_operation_first():
    """A row that uses the main operation before one that uses another."""
    rows = [anywhere("RELATED", "88.4100"), anywhere("MAIN", "51.2300")]

    assert "MAIN" == chosen("main_operation_first", rows, "51.2300", "88.4100")


@pytest.mark.parametrize(("operation", "group_"), [("51.2300", "FULL"), ("51.2301", "SIX"), ("51.2400", "FOUR")])
def test_longest_operation_code(operation, group_):
    """A full code before six characters before four."""
    rows = [anywhere("FOUR", "51.2"), anywhere("SIX", "51.230"), anywhere("FULL", "51.2300")]

    assert group_ == chosen("longest_operation_code", rows, operation, operation_match="prefix")


def test_a_whole_code_is_whole_whatever_its_length():
    """``33.6x00`` is no shorter than ``51.2300x001``: between whole codes the rule decides nothing."""
    rows = [anywhere("SHORT", "33.6x00"), anywhere("LONG", "51.2300x001")]

    assert ("SHORT", "LONG") == chosen("longest_operation_code", rows, "33.6x00", "51.2300x001")


def test_longest_diagnosis():
    """A whole code before five characters before three; no diagnosis comes last."""
    rows = [
        a_row("NONE", "", any_operations=True),
        a_row("THREE", "K80"),
        a_row("FIVE", "K80.1|N40"),
        a_row("WHOLE", "=K80.100"),
    ]

    assert ["WHOLE", "FIVE", "THREE"] == [chosen("longest_diagnosis", rows[: 4 - cut]) for cut in range(3)]


def test_most_related():
    """Of rows that are found in part, the one of which most is found."""
    rows = [
        a_row("ONE", "K80", "51.2300", "51.8803"),
        a_row("TWO", "K80", "51.2300", "51.8803+88.4100"),
        a_row("NONE", "K80", "51.2300"),
    ]

    assert "TWO" == chosen("most_related", rows, "51.2300", "51.8803", "88.4100", related="partial")
    assert ("ONE", "TWO") == chosen("most_related", rows, "51.2300", "51.8803", related="partial")


def test_fewest_related_missing():
    """Of rows of which as much is found, the one of which least is missing."""
    rows = [a_row("TWO", "K80", "51.2300", "51.8803+88.4100"), a_row("ONE", "K80", "51.2300", "51.8803")]

    assert "ONE" == chosen("fewest_related_missing", rows, "51.2300", "51.8803", related="partial")


@pytest.mark.parametrize(
    ("cost", "means", "found"),
    [
        (12_000, (10_000, 15_000), "A"),
        (13_000, (10_000, 15_000), "B"),
        (12_500, (10_000, 15_000), ("A", "B")),
        (13_000, (10_000, None), ("A", "B")),
        (None, (10_000, 15_000), ("A", "B")),
        (0, (10_000, 15_000), ("A", "B")),
    ],
)
def test_nearest_mean_cost(cost, means, found):
    """The base rule of the public grouper; without a cost, or with a mean that is absent, it decides nothing."""
    groups = tuple(a_group(code, mean_cost=mean) for code, mean in zip("AB", means, strict=True))

    assert found == chosen("nearest_mean_cost", [a_row("A"), a_row("B")], groups=groups, case={"cost": cost})


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        (("100", "200"), "B"),
        (("200", "200"), ("A", "B")),
        (("200", None), ("A", "B")),
        (("0", "100"), "B"),
    ],
)
def test_highest_score(scores, found):
    """An absent score is not a low one."""
    groups = tuple(
        a_group(code, score=Decimal(score) if score is not None else None)
        for code, score in zip("AB", scores, strict=True)
    )

    assert found == chosen("highest_score", [a_row("A"), a_row("B")], groups=groups)


def test_highest_attribute():
    """By the operations a row uses, or as the catalogue prints it; intervention counts as surgery."""
    rows = [anywhere("DIAGNOSTIC", "88.4100"), anywhere("THERAPEUTIC", "51.8803"), anywhere("SURGERY", "51.2300")]
    operations = ("88.4100", "51.8803", "51.2300")

    assert "SURGERY" == chosen("highest_attribute", rows, *operations)
    assert "THERAPEUTIC" == chosen("highest_attribute", rows[:2], *operations)
    assert "PRINTED" == chosen(
        "highest_attribute", [*rows[:2], anywhere("PRINTED", "88.4100", attribute="intervention")], *operations
    )


def test_class_order():
    """Core before primary-care before TCM before bed-day groups."""
    kinds = ("bed_day", "tcm", "primary_care", "core")
    groups = tuple(a_group(kind, kind=kind) for kind in kinds)
    rows = [a_row(kind) for kind in kinds]

    assert ["core", "primary_care", "tcm"] == [
        chosen("class_order", rows[: 4 - cut], groups=groups) for cut in range(3)
    ]


def test_catalogue_order_decides_and_reports():
    """The first row wins; the groups it passes over are named, as a tie and in a remark."""
    steps = (Step(step="layer", layers=("core",), prefer=("most_parts", "catalogue_order")),)

    found = group(a_case(), Directory.build(a_scheme(a_row("A"), a_row("B"), a_row("A"), a_row("C"), steps=steps)))

    assert ("A", ("B", "C")) == (found.group, found.tied)
    assert [("rows_tie", "B、C与A同等符合,按目录次序取A。")] == [
        (remark.reason, remark.detail) for remark in found.remarks
    ]


def test_a_tie_that_nothing_decides_is_no_group():
    """All groups that fit are named."""
    steps = (Step(step="layer", layers=("core",), prefer=("most_parts",)), Step(step="last_resort"))

    found = group(a_case(), Directory.build(a_scheme(a_row("A"), a_row("B"), steps=steps)))

    assert ("ungrouped", "", ("A", "B")) == (found.status, found.group, found.tied)
    assert [("rows_tie", "A、B同等符合,方案没有规定取舍。")] == [
        (remark.reason, remark.detail) for remark in found.remarks
    ]


def test_rows_of_one_group_do_not_tie():
    """The group is certain; the row named is the first."""
    steps = (Step(step="layer", layers=("core",)),)

    found = group(a_case(), Directory.build(a_scheme(a_row("A"), a_row("A", "K80"), steps=steps)))

    assert ("A", 0, (), ()) == (found.group, found.row, found.tied, found.remarks)


def test_rules_apply_in_the_order_of_the_scheme():
    """Highest score first gives one group, most parts first another."""
    rows = (anywhere("RICH", "51.2300"), anywhere("LONG", "51.2300+88.4100"))
    groups = (a_group("RICH", score=Decimal(900)), a_group("LONG", score=Decimal(100)))
    case = a_case("K80.100", "51.2300", "88.4100")

    found = [
        group(
            case,
            Directory.build(
                a_scheme(*rows, groups=groups, steps=(Step(step="layer", layers=("core",), prefer=prefer),))
            ),
        ).group
        for prefer in (("highest_score", "most_parts"), ("most_parts", "highest_score"))
    ]

    assert ["RICH", "LONG"] == found
