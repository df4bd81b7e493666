"""The national reader's quick ways: each agrees with its plain twin, and remembering changes nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.dialects._national_memo import Memo, clock, number
from service.schemas.scalars import fixed, moment
from tests.dialects.national_calls import ZONE

QUICK = settings(max_examples=500, deadline=None)

numeric = st.one_of(
    st.from_regex(r"[ +-]?[0-9]{0,13}(\.[0-9]{0,6})?([eE][0-9])?", fullmatch=True),
    st.sampled_from(
        ["", "-", ".", "1.", ".5", "１２", "٣", "1_0", "0x1", "²", "1,000", "nan", "12345678901", "9" * 40]
    ),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
dated = st.one_of(
    st.datetimes().map(lambda when: when.isoformat(" ", "seconds")),
    st.datetimes().map(lambda when: when.isoformat("T", "seconds")),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", fullmatch=True),
    st.sampled_from(
        ["", "9999-12-31 00:00:00", "1900-01-01 00:00:00", "0001-01-01 00:00:00", "2026-04-09 00:00:00",
         "2026-04-09 10:00+08", "2026-04-09 1000+08:00", "2026-04-09 24:00:00", "2026-02-29 01:02:03"]
    ),
    st.integers(min_value=-(10**13), max_value=10**13),
)  # fmt: skip


def outcome(read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except ValueError as error:
        return str(error)


@QUICK
@given(numeric)
def test_number_is_fixed(value):
    """The quick way to read numbers gives what ``fixed`` gives, or the same fault."""
    assert outcome(fixed, value) == outcome(number, value)


@QUICK
@given(dated)
def test_clock_is_moment(value):
    """The quick way to read times gives what ``moment`` gives, or the same fault."""
    expected = outcome(moment, value, ZONE)

    assert (expected or (None, False)) == outcome(clock, value, ZONE)


class TestMemo:
    def test_reads_once(self):
        """A value is read the first time only."""
        read: list[Any] = []
        memo = Memo(lambda value: read.append(value) or len(read))

        assert (1, 1, 2) == (memo["a"], memo["a"], memo["b"])

    @pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1.0, True), (True, 1)])
    def test_numbers_are_not_flags(self, one, other):
        """1 and true are one key to a dictionary, not one value to a reader."""
        memo = Memo(lambda value: type(value).__name__)

        assert (type(one).__name__, type(other).__name__) == (memo[one], memo[other])

    def test_faults_are_not_kept(self):
        """What raises raises again."""
        memo = Memo(fixed)

        for _ in range(2):
            with pytest.raises(ValueError, match="应为数字"):
                memo["x"]
        assert {} == memo

    def test_bounded(self):
        """A stream of values that never repeat does not fill memory."""
        memo = Memo(lambda value: value, 10)

        assert all(memo[str(number)] == str(number) for number in range(100))
        assert len(memo) <= 10
