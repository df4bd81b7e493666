"""The mutation check itself: what is changed, what is left alone, and what becomes of a seeded fault."""

import ast
from importlib import import_module

import pytest

from rules.kinds import KINDS
from tests.mutation.__main__ import WIDTH, Tally, around, main, measure
from tests.mutation.faults import Fault, faults, sample, seeded
from tests.mutation.running import Subject, run, sound, subject_of


def after(source):
    """Return what each fault makes of a source of one statement."""
    return [fault.after for fault in faults(source)]


class TestOperators:
    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            ("a < b", ["a <= b"]),
            ("a >= b", ["a > b"]),
            ("a < b <= c", ["a <= b <= c", "a < b < c"]),
            ("a == b", ["a != b"]),
            ("a not in b", ["a in b"]),
            ("a is None", ["a is not None"]),
            ("a + b", ["a - b"]),
            ("a -= b", ["a += b"]),
            ("a + 'text'", []),
            ("a[5]", ["a[6]", "a[4]"]),
            ("a = True", ["a = False"]),
            ("a and b", ["a or b"]),
            ("not a", ["a"]),
            ("b if a else c", ["b if not a else c"]),
            ("b if a > c else c", ["b if not a > c else c", "b if a >= c else c"]),
            ("[a for a in b if c(a)]", ["[a for a in b if not c(a)]"]),
            ("min(a, b)", ["max(a, b)"]),
            ("('K20', a, 'K21')", ["('', a, 'K21')", "('K20', a, '')"]),
            ("frozenset({'h'})", ["frozenset({''})"]),
            ("a.startswith('P')", ["a.startswith('')"]),
            ("timedelta(days=a)", ["timedelta(days=a + 1)"]),
            ("raise ValueError(a)", ["pass"]),
        ],
    )
    def test_each_slip(self, before, expected):
        """One place is changed at a time, each in every way it can be."""
        assert expected == after(before)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("yield a", ["pass"]),
            ("return Missing(a)", ["return None"]),
            ("return view.history_missing()", ["return None"]),
            ("return a", []),
            ("for a in b:\n        continue", ["break"]),
            ("if a:\n        return b", ["if not a:"]),
            ("if not a:\n        return b", ["if a:"]),
        ],
    )
    def test_each_slip_of_a_function(self, body, expected):
        """Answers left out, conditions turned round once, loops left."""
        assert expected == after(f"def f(a, b):\n    {body}\n")


LEFT_ALONE = '''
"""Text of the 1st module."""
from a import b
Fund = Literal["a", "b"]
class Run(Rule, frozen=True):
    """Run form, with at least 1 line."""
    max: tuple[Literal["c"], 1] = Field(description="a number", pattern="^1$")
def message(rule: Rule[1], *, day: Literal["d"]) -> Literal["e"]:
    """Return 1 message."""
    return f"【{rule.name}】限 1 次:{rule.count:02d}"
def helper(count):
    return count + 1
def witness(rule, encounter):
    return helper(1)
KIND = RuleKind(name="a", codes=(("A", "b"),), witness=witness, near_miss=lambda rule, given: helper(2), rule=Run)
'''


class TestFaults:
    def test_text_types_and_equipment_are_left_alone(self):
        """None of it is judgement."""
        assert [] == faults(LEFT_ALONE)

    def test_what_the_kind_uses_too_is_no_equipment(self):
        """A helper of the check is judged, whoever else calls it; so are the kind's scopes and its lambdas."""
        source = LEFT_ALONE.replace('name="a",', 'scopes=("a",), check=lambda rule, case: helper(case),')

        assert ["return count - 1", "return count + 2", "return count + 0", "('',)"] == after(source)

    def test_a_fault_knows_its_place(self):
        """Function, line, and both sides."""
        (fault,) = faults("class A:\n    def f(self, a):\n        return not a\n")

        assert Fault(0, "A.f", 3, "return not a", "return a") == fault

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_each_fault_makes_another_module(self, kind):
        """Every kind has faults to seed; each compiles, and none is the module as it stands."""
        source = subject_of(kind).source
        found = sample(faults(source), 1, "any")

        assert found
        for fault in found:
            tree = seeded(source, fault.number)
            compile(tree, kind, "exec")
            assert ast.unparse(tree) != ast.unparse(ast.parse(source))

    def test_a_sample_takes_turns(self):
        """Each function gives one before any gives a second; the same seed takes the same ones."""
        source = "".join(
            f"def {name}(a):\n    return [{', '.join('12345'[:count])}]\n"
            for name, count in zip("xyz", (5, 1, 3), strict=True)
        )
        found = faults(source)
        taken = sample(found, 7, "1")

        assert {"x": 3, "y": 2, "z": 2} == {name: sum(fault.function == name for fault in taken) for name in "xyz"}
        assert taken == sample(found, 7, "1")
        assert taken != sample(found, 7, "2")
        assert found == sample(found, 1_000, "1")


TINY = """
LIMIT = (3, 4)[1]


def inside(count):
    while count > LIMIT:
        count -= LIMIT
    return abs(count) >= 0 and count
"""
TESTS = """
from tiny import inside


def test_it():
    assert 4 == inside(8)
    assert 1 == inside(1)
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A module of a few lines, and a test that leaves one of its faults unseen."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tiny.py").write_text(TINY, encoding="utf-8")
    (tmp_path / "test_tiny.py").write_text(TESTS, encoding="utf-8")
    return Subject("tiny", "tiny", tmp_path / "tiny.py", TINY, (tmp_path / "test_tiny.py",))


# Whatever another test left running, the children here only run one small test file.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
class TestRunning:
    def test_a_seeded_fault_is_caught_and_an_equivalent_one_survives(self, tiny):
        """Of two faults in one line the test sees the one that changes an answer."""
        planted = [fault for fault in faults(TINY) if fault.line == 8 and ("or" in fault.after or "> 0" in fault.after)]
        outcomes = {fault.after: outcome for fault, outcome in run(tiny, planted, jobs=2)}

        assert {"return abs(count) >= 0 or count": "caught", "return abs(count) > 0 and count": "survived"} == outcomes

    def test_a_module_that_does_not_import_is_not_counted(self, tiny):
        """Nobody could run it, so no test need catch it."""
        planted = [fault for fault in faults(TINY) if fault.after == "LIMIT = (3, 4)[2]"]

        assert ["unfit"] == [outcome for _, outcome in run(tiny, planted)]

    def test_a_loop_without_an_end_is_stopped(self, tiny):
        """Out of time is caught: the test suite would not pass either."""
        planted = [fault for fault in faults(TINY) if fault.after == "count += LIMIT"]

        assert ["caught"] == [outcome for _, outcome in run(tiny, planted, limit=1.0)]

    def test_tests_that_fail_anyway_measure_nothing(self, tiny):
        """A red test would catch everything."""
        (tests,) = tiny.tests
        tests.write_text(TESTS.replace("4 ==", "5 =="), encoding="utf-8")

        assert not sound(tiny)
        assert not measure(tiny, count=1, seed=1, jobs=1).enough

    def test_a_kind_without_tests_measures_nothing(self, tiny):
        """Nothing to run is no success."""
        (tests,) = tiny.tests
        tests.unlink()

        assert not sound(tiny)

    def test_a_kind_is_replaced_where_it_is_used(self):
        """A fault in a real kind reaches the registry, the builders, the engine, and tests imported before."""
        import_module("tests.kinds.test_sex_limit")
        subject = subject_of("sex_limit")
        planted = [fault for fault in faults(subject.source) if fault.after == "if case.sex != rule.sex:"]

        assert ["caught"] == [outcome for _, outcome in run(subject, planted)]
        assert sound(subject)


class TestReport:
    def test_ninety_per_cent_are_enough(self):
        """The least share itself is enough."""
        subject = subject_of("sex_limit")
        survivor = Fault(0, "f", 1, "a", "b")

        assert Tally(subject, caught=9, survivors=[survivor]).enough
        assert not Tally(subject, caught=8, survivors=[survivor]).enough

    def test_a_long_statement_is_cut_around_the_change(self):
        """What changed is shown, not where the statement begins."""
        before, changed = around(Fault(0, "f", 1, "a" * 500 + "<" + "b" * 500, "a" * 500 + ">" + "b" * 500))

        assert "a<b" in before
        assert "a>b" in changed
        assert max(len(before), len(changed)) <= WIDTH + 1

    def test_an_unknown_kind_is_refused(self, capsys):
        """A slip of the pen measures nothing, and says so."""
        with pytest.raises(SystemExit):
            main(["sex_limits"])

        assert "no such kind: sex_limits" in capsys.readouterr().err
