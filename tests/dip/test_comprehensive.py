"""Comprehensive and last-resort groups: keys, ranges, attributes and levels, template groups (dip facts 2.3, 2.5)."""

import pytest

from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import (
    Comprehensive,
    ComprehensiveRow,
    LastResort,
    Normalisation,
    OperationEntry,
    Step,
)
from rules.dip.reference import group_by_scan
from tests.dip.builders import a_case, a_scheme

STEPS = (Step(step="principal"), Step(step="comprehensive"), Step(step="last_resort"))
TABLE = (
    OperationEntry(code="51.2300", attribute="surgery", level=3, incision=2),
    OperationEntry(code="51.0405", attribute="surgery", level=2, incision=0),
    OperationEntry(code="51.4100", attribute="surgery"),
    OperationEntry(code="51.8803", attribute="therapeutic", incision=0),
    OperationEntry(code="88.4100", attribute="diagnostic", incision=0),
    OperationEntry(code="37.8301", attribute="intervention", level=4),
    OperationEntry(code="93.*", attribute="therapeutic"),
    OperationEntry(code="93.90*", attribute="diagnostic"),
    OperationEntry(code="93.9000", attribute="surgery"),
    OperationEntry(code="99.0400"),
)


def pooled(case, *rows, rules=None, last=(), **comprehensive):
    """Return where a case belongs that has no core row; each row is written ``group key attribute``."""
    written = tuple(
        ComprehensiveRow(group=group_, key=key, attribute=attribute)
        for group_, key, attribute in (row.split() for row in rows)
    )
    scheme = a_scheme(
        steps=STEPS,
        operations=TABLE,
        comprehensive=Comprehensive(rows=written, **comprehensive),
        last_resort=tuple(LastResort(group=group_, key=key) for group_, key in last),
        normalisation=rules or Normalisation(),
    )
    directory = Directory.build(scheme)
    found = group(case, directory)
    assert found == group_by_scan(case, directory)
    return found


@pytest.mark.parametrize(
    ("principal", "group_"),
    [
        ("K80.100", "THREE"),
        ("K81.000", "TWO"),
        ("K70.300", "ONE"),
        ("K35.900", "ONE"),
        ("A01.000", "NARROW"),
        ("A50.000", "WIDE"),
        ("B99.x00", "WIDE"),
        ("C18.900", ""),
        ("K80.100+I98.3", "THREE"),
    ],
)
def test_keys_grow_shorter_then_come_ranges(principal, group_):
    """Three characters, two, one, then ranges, the narrowest first."""
    rows = ("THREE K80 conservative", "TWO K8 conservative", "ONE K conservative")
    ranges = ("WIDE A00-B99 conservative", "NARROW A00-A09 conservative", "NEVER K00-K99 conservative")

    found = pooled(a_case(principal), *rows, *ranges)

    assert group_ == found.group
    assert ("comprehensive", "comprehensive") == (found.status, found.layer) if group_ else found.status == "ungrouped"


def test_a_key_without_the_attribute_is_passed_over():
    """The shorter key, or the range, has it."""
    case = a_case("K80.100", "51.2300")

    assert "ONE" == pooled(case, "THREE K80 conservative", "ONE K surgery").group
    assert "RANGE" == pooled(case, "THREE K80 conservative", "RANGE K80-K87 surgery").group


def test_key_lengths_are_the_scheme_s():
    """Four characters and the dot, or only three."""
    rows = ("FIVE K80.1 conservative", "THREE K80 conservative", "ONE K conservative")

    assert ["FIVE", "THREE", "THREE", ""] == [
        pooled(a_case(principal), *rows, key_lengths=lengths).group
        for principal, lengths in (
            ("K80.100", (5, 3)),
            ("K80.200", (5, 3)),
            ("K80.100", (3, 2, 1)),
            ("K90.000", (3, 2)),
        )
    ]


@pytest.mark.parametrize(
    ("operations", "attribute"),
    [
        ((), "conservative"),
        (("88.4100",), "diagnostic"),
        (("88.4100", "51.8803"), "therapeutic"),
        (("88.4100", "37.8301"), "surgery"),
        (("51.8803", "51.2300"), "surgery"),
        (("99.0400",), "conservative"),
        (("00.0000",), "conservative"),
        (("93.9000",), "surgery"),
        (("93.9001",), "diagnostic"),
        (("93.5600",), "therapeutic"),
    ],
)
def test_the_attribute_is_the_highest(operations, attribute):
    """Intervention counts as surgery; unknown counts as nothing; a code before its family, the longest family first."""
    rows = tuple(f"{name} K80 {name}" for name in ("conservative", "diagnostic", "therapeutic", "surgery"))

    found = pooled(a_case("K80.100", *operations), *rows)

    assert (attribute, attribute) == (found.group, found.attribute)


def test_intervention_may_count_as_therapeutic():
    """As two cities have it."""
    rows = ("T K80 therapeutic", "S K80 surgery")

    assert ["T", "S"] == [
        pooled(a_case("K80.100", "37.8301"), *rows, intervention_as=counts).group
        for counts in ("therapeutic", "surgery")
    ]


def test_the_main_operation_alone_may_count():
    """Two cities look at no other."""
    rows = ("D K80 diagnostic", "S K80 surgery")
    case = a_case("K80.100", "88.4100", "51.2300")

    assert ["D", "S"] == [pooled(case, *rows, attribute_of=of).group for of in ("main", "highest")]


@pytest.mark.parametrize(
    ("operations", "group_"),
    [
        (("51.2300",), "HIGH"),
        (("51.0405",), "LOW"),
        (("51.0405", "51.2300"), "HIGH"),
        (("37.8301", "51.0405"), "HIGH"),
        (("51.4100",), None),
        (("51.4100", "51.0405"), None),
        (("51.4100", "51.2300"), "HIGH"),
    ],
)
def test_surgery_may_be_split_by_level(operations, group_):
    """The highest level counts; where an unknown level could change the answer, it is none."""
    found = pooled(a_case("K80.100", *operations), "HIGH K80 surgery:3|4", "LOW K80 surgery:1|2")

    assert (group_ or "", [] if group_ else ["operation_not_known"]) == (
        found.group,
        [remark.reason for remark in found.remarks],
    )


def test_levels_a_key_does_not_split_go_together():
    """The rows of a level come before the row for all surgery."""
    rows = ("HIGH K80 surgery:3|4", "ALL K80 surgery", "OTHER K surgery")

    assert ["HIGH", "ALL"] == [
        pooled(a_case("K80.100", operation), *rows).group for operation in ("51.2300", "51.0405")
    ]
    assert "OTHER" == pooled(a_case("K80.100", "51.0405"), "HIGH K80 surgery:3|4", "OTHER K surgery").group


@pytest.mark.parametrize(
    ("operations", "attribute"),
    [
        (("51.0405",), "conservative"),
        (("88.4100", "51.8803"), "conservative"),
        (("51.0405", "51.2300"), "surgery"),
        (("51.4100",), "surgery"),
        (("93.5600",), "therapeutic"),
        (("88.4100", "99.0400"), "diagnostic"),
    ],
)
def test_minor_operations_may_count_as_conservative(operations, attribute):
    """All of incision class 0 and below level 3; what is not known to be so is not."""
    found = pooled(a_case("K80.100", *operations), minor_is_conservative=True)

    assert attribute == found.attribute


@pytest.mark.parametrize(
    ("principal", "operations", "group_"),
    [
        ("I25.100", ("51.2300",), "I25-4"),
        ("T31.000", (), "T31-1"),
        ("I25.100", ("88.4100",), "I25-2"),
        ("I25.100", ("51.8803",), ""),
        ("Q99.900", (), ""),
        ("K80.100", (), "K80-OWN"),
    ],
)
def test_groups_of_a_template(principal, operations, group_):
    """One exists for every known category and numbered attribute; a row of the directory comes first."""
    numbers = {"conservative": "1", "diagnostic": "2", "surgery": "4"}

    found = pooled(
        a_case(principal, *operations),
        "K80-OWN K80 conservative",
        rules=Normalisation(categories=("I20-I25", "T31", "K80", "Q99")) if principal != "Q99.900" else None,
        template="{category}-{number}" if principal != "Q99.900" else "",
        numbers=numbers,
    )

    assert group_ == found.group


def test_two_groups_for_one_key_tie():
    """A directory that contradicts itself gives no group but both names."""
    found = pooled(a_case(), "A K80 conservative", "B K80 conservative", "A K80 conservative", "C K conservative")

    assert ("ungrouped", ("A", "B"), ["rows_tie"]) == (
        found.status,
        found.tied,
        [remark.reason for remark in found.remarks],
    )


def test_an_open_attribute_finds_no_pool():
    """Where the scheme leaves unknown operations undecided."""
    rules = Normalisation(unknown_operation="undecided")

    found = pooled(a_case("K80.100", "99.0400"), "A K80 conservative", rules=rules, last=(("Z", "*"),))

    assert ("ungrouped", ["operation_not_known"]) == (found.status, [remark.reason for remark in found.remarks])


def test_a_grouped_case_says_which_operations_are_unknown():
    """Where they count as nothing."""
    found = pooled(a_case("K80.100", "99.0400", "88.4100"), "D K80 diagnostic")

    assert ("D", ["operation_not_known"]) == (found.group, [remark.reason for remark in found.remarks])


@pytest.mark.parametrize(
    ("last", "group_"),
    [
        ((("BK", "K"), ("B", "*")), "BK"),
        ((("B", "*"), ("BK", "K"), ("BK80", "K80")), "BK80"),
        ((("BA", "A"), ("B", "*")), "B"),
        ((("BA", "A"),), ""),
        ((), ""),
    ],
)
def test_last_resort(last, group_):
    """By first letter or longer beginning, then any (保底组)."""
    found = pooled(a_case(), last=last)

    assert (group_, "last_resort" if group_ else "ungrouped") == (found.group, found.status)
