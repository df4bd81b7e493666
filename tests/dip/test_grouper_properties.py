"""Properties over generated schemes and cases: the index is the scan, order does not matter, nothing ever raises."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules.dip.codes import ATTRIBUTE_RANK
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Case, Normalisation, Step
from rules.dip.reference import group_by_scan
from rules.dip.tracing import explain
from tests.dip.made import OPERATIONS, SENT, SPELT, Maker, made

NUMBERS = range(10)
EACH = 60
"""So many schemes for each number: a failure is made again from its number alone."""


def schemes(number):
    """Return schemes and their cases."""
    return [made(number * EACH + nth) for nth in range(EACH)]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_index_is_the_scan(number):
    """Reading every row gives the same answer, to the last remark."""
    for scheme, cases in schemes(number):
        directory = Directory.build(scheme)
        for case in cases:
            assert group_by_scan(case, directory) == group(case, directory)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_answer_is_of_the_closed_set(number):
    """A group or a reason in words; a case that is not grouped never names a group; a tie always names groups."""
    for scheme, cases in schemes(number):
        directory = Directory.build(scheme)
        for case in cases:
            found = group(case, directory)
            assert bool(found.group) == (found.status != "ungrouped")
            assert found.group or found.remarks
            assert all(remark.detail.endswith("。") for remark in found.remarks)
            assert found.group not in found.tied
            assert bool(found.tied) == any(remark.reason == "rows_tie" for remark in found.remarks)
            assert set(found.used) <= set(found.operations)
            assert found.attribute is None or found.attribute in ATTRIBUTE_RANK


def same(one, other):
    """Say whether two groupings are alike but for the order of the operations and the words."""

    def plain(found):
        reasons = sorted(remark.reason for remark in found.remarks)
        return found.status, found.group, found.row, found.tied, found.attribute, set(found.used), reasons

    return plain(one) == plain(other)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_order_of_operations_does_not_matter(number):
    """Except for which one is main: the first, where no exclusion list passes it over."""
    for scheme, cases in schemes(number):
        rules = replace(scheme.normalisation, exclusions=())
        directory = Directory.build(replace(scheme, normalisation=rules))
        for case in cases:
            turned = replace(case, operations=(*case.operations[:1], *case.operations[:0:-1]))
            if (
                directory.normaliser.operations(case.operations)[:1]
                == directory.normaliser.operations(turned.operations)[:1]
            ):
                assert same(group(case, directory), group(turned, directory))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_order_of_other_diagnoses_does_not_matter(number):
    """Nor does writing one twice."""
    for scheme, cases in schemes(number):
        directory = Directory.build(scheme)
        for case in cases:
            turned = replace(case, others=(*case.others[::-1], *case.others))
            assert group(turned, directory) == group(case, directory)


@pytest.mark.parametrize("related", ["partial", "complete"])
@pytest.mark.parametrize("number", NUMBERS)
def test_one_more_operation_never_selects_a_less_specific_row(number, related):
    """By parts that are met: what was met before is met still."""
    for nth in range(EACH):
        maker = Maker(number * EACH + nth)
        prefer = ("most_parts", "most_related")
        rows = tuple(replace(maker.row(place), layer="a") for place in range(8))
        scheme = replace(
            maker.scheme(),
            rows=rows,
            normalisation=Normalisation(),
            steps=(Step(step="layer", layers=("a",), related=related, prefer=prefer),),
        )
        directory = Directory.build(scheme)
        for _ in range(6):
            case = replace(maker.case(), operations=maker.some(OPERATIONS, 1, 3))
            before = group(case, directory)
            after = group(replace(case, operations=(*case.operations, maker.one(*OPERATIONS))), directory)
            if before.group and after.group:
                assert len(after.used) >= len(before.used)


@cache
def directories():
    """Return a few schemes, indexed."""
    return [Directory.build(made(number)[0]) for number in range(25)]


TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from([*SENT, *SPELT]),
    st.text(alphabet="AKMXx0123589.+*/†-= ", max_size=14),
)
CASES = st.builds(
    Case,
    principal=TEXT,
    others=st.lists(TEXT, max_size=4).map(tuple),
    operations=st.lists(TEXT, max_size=4).map(tuple),
    sex=st.sampled_from([None, "male", "female"]),
    age_years=st.one_of(st.none(), st.integers()),
    age_days=st.one_of(st.none(), st.integers()),
    weight_g=st.one_of(st.none(), st.integers()),
    days=st.one_of(st.none(), st.integers()),
    cost=st.one_of(st.none(), st.integers()),
)


@settings(deadline=None, max_examples=150)
@given(CASES)
def test_nothing_ever_raises(case):
    """Whatever the texts and numbers: a group or a reason, the same by scan, and a trace that ends with it."""
    for directory in directories():
        found = group(case, directory)
        assert found == group_by_scan(case, directory)
        assert explain(case, directory)
