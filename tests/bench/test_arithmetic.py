"""The bench's own sums: what it prints is only as good as these."""

import os
import time

import pytest

from bench.arithmetic import halves, paired, percentile
from bench.servers import cpu_clock_ns, tree
from bench.table import Row, Section, at_most, render


def test_a_slow_round_slows_both_sides_of_its_ratio() -> None:
    assert paired([2.0, 20.0, 2.2], [4.0, 40.0, 4.0]) == 0.5


def test_rounds_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_a_value_that_occurred(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_a_single_value_is_every_percentile() -> None:
    assert [percentile([7.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [7.0] * 4


def test_a_server_asked_twice_a_round_counts_with_its_mean() -> None:
    assert halves([1.0, 3.0, 10.0, 20.0]) == [2.0, 15.0]


def test_the_cpu_clock_of_a_process_is_its_own() -> None:
    before = cpu_clock_ns(os.getpid())
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert 45_000_000 < cpu_clock_ns(os.getpid()) - before < 500_000_000


def test_a_process_that_is_gone_has_no_clock() -> None:
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    assert cpu_clock_ns(gone) == 0


def test_a_tree_holds_its_root_and_its_children() -> None:
    child = os.posix_spawn("/bin/sleep", ["sleep", "5"], {})
    try:
        assert {os.getpid(), child} <= set(tree(os.getpid()))
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_goal_is_met_up_to_and_including_itself() -> None:
    assert at_most("ratio", 0.75, 0.75).met is True
    assert at_most("ratio", 0.76, 0.75).met is False


def test_columns_are_aligned_for_wide_letters_too() -> None:
    text = render(Section("title", (Row("头孢", "1 µs"), Row("abcdef", "10 µs"))))
    assert text.splitlines() == ["", "title", "  头孢     1 µs", "  abcdef  10 µs"]
