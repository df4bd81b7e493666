"""Moves: other groups that the record itself supports, and nothing beyond it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.dip.directory import Directory
from rules.dip.model import Case
from rules.dip.moves import Move, moves
from tests.dip.builders import a_case
from tests.dip.quality_scheme import DIRECTORY, assessed, the_scheme

CODES = ("K80.100", "K80.101", "K35.800", "J96.000", "R10.400", "Z85.000", "K80.900", "I10.x00", "", "无", "B02+G53.0*")
DONE = ("51.2300", "51.8801", "47.0100", "96.7201", "33.6x00", "45.1300", "99.9999", "", "x")


def moved(case: Case, *ordered: str, directory: Directory = DIRECTORY) -> tuple[Move, ...]:
    """Return the moves of a case."""
    return moves(case, assessed(case, directory), directory, ordered)


def told(case: Case, *ordered: str) -> list[tuple[str, str, str, Decimal | None, tuple[str, ...]]]:
    """Return what the moves of a case say, without the words."""
    return [(move.kind, move.group, move.way, move.points_difference, move.evidence) for move in moved(case, *ordered)]


class TestOperation:
    """A recorded operation as the main one."""

    def test_a_recorded_operation_of_the_principal_diagnosis(self):
        """Appendicectomy stands first by mistake: the cholecystectomy is in the record and has a row."""
        case = a_case("K80.100", "47.0100", "51.2300")

        assert ("operation_as_main", "K80.1:LC") in [(move.kind, move.group) for move in moved(case)]

    def test_one_that_changes_nothing_is_no_move(self):
        """The rows need both operations, whichever stands first."""
        assert [] == told(a_case("K80.100", "51.2300", "51.8801"))

    def test_one_that_no_row_names_is_not_tried(self):
        """A gastroscopy belongs to no group: making it the main operation is no question."""
        assert [] == told(a_case("K80.100", "51.2300", "45.1300"))

    def test_a_row_for_any_diagnosis(self):
        """Rows that ask for no diagnosis (pre-groups) count too."""
        assert [("operation_as_main", "XQ-1", "higher", Decimal(29000), ("33.6x00",))] == told(
            a_case("K80.100", "51.2300", "33.6x00")
        )

    def test_the_words_ask_and_never_instruct(self):
        """A coder is asked to verify the choice; the difference is named."""
        (move,) = moved(a_case("K80.100", "51.2300", "33.6x00"))

        assert (
            "已记录的手术操作【33.6x00 心肺联合移植】如为主要手术操作,将入【XQ-1】,标准分值较高(相差 29000)。"
            "请核对主要手术操作的选择。"
        ) == move.message


class TestPrincipal:
    """A recorded diagnosis as the principal one."""

    def test_a_diagnosis_whose_operation_was_done(self):
        """The appendix was taken out, and acute appendicitis is only a secondary diagnosis."""
        (move,) = moved(a_case("I10.x00", "47.0100", others=("K35.800",)))

        assert ("diagnosis_as_principal", "K35.8:A", ("K35.800", "47.0100")) == (move.kind, move.group, move.evidence)
        assert (
            "已记录的诊断【K35.800】如为主要诊断,将入【K35.8:A 急性阑尾炎 腹腔镜阑尾切除】"
            "(已记录的手术操作【47.0100 腹腔镜阑尾切除术】在目录中属于该诊断),标准分值未能比较。请核对主要诊断的选择。"
        ) == move.message

    def test_lower_groups_are_said_as_well(self):
        """Both diseases were operated on; the other choice is worth less, and is a question all the same."""
        case = a_case("K80.100", "51.2300", "47.0100", others=("K35.800",))

        assert [("diagnosis_as_principal", "K35.8:A", "lower", Decimal(-300), ("K35.800", "47.0100"))] == told(case)

    def test_without_an_operation_of_its_own_it_is_not_tried(self):
        """A respiratory failure that nobody ventilated does not become principal because it is worth more."""
        assert [] == told(a_case("K80.100", "51.2300", others=("J96.000",)))
        assert [] == told(a_case("K80.100", others=("J96.000",)))

    def test_one_that_arose_in_hospital_is_not_tried(self):
        """A disease of the stay cannot have been the reason for it."""
        case = a_case("K80.100", "51.2300", "96.7201", others=("J96.000",), absent_on_admission=("J96.000",))

        assert [] == told(case)

    @pytest.mark.parametrize(
        ("principal", "because"),
        [
            ("R10.400", "当前主要诊断【R10.400】是症状或体征"),
            ("K80.900", "当前主要诊断【K80.900】不能作主要诊断"),
            ("Z85.000", "当前主要诊断【Z85.000】是既往史或家族史"),
            ("", "当前没有主要诊断"),
        ],
    )
    def test_a_weak_principal_diagnosis(self, principal, because):
        """A symptom, an excluded code, a history or nothing at all: other recorded diagnoses are looked at."""
        (move,) = moved(a_case(principal, others=("K35.800",)))

        assert ("diagnosis_as_principal", "K35.8:C", ("K35.800",)) == (move.kind, move.group, move.evidence)
        assert because in move.message

    def test_codes_are_tried_as_they_were_sent(self):
        """A code of another version is mapped once, not twice, and named in normal form."""
        (move,) = moved(a_case("R10.400", others=(" k80.101 ",)))

        assert ("K80.1:C", ("K80.100",)) == (move.group, move.evidence)


class TestOrdered:
    """An operation that is ordered and not yet done."""

    def test_an_ordered_operation(self):
        """The group after the operation, as something to verify."""
        (move,) = moved(a_case("K80.100"), "51.2300")

        assert ("ordered_operation", "K80.1:LC", "higher", Decimal(600)) == (
            move.kind,
            move.group,
            move.way,
            move.points_difference,
        )
        assert (
            "已开立的手术操作【51.2300 腹腔镜下胆囊切除术】如实际完成,将入【K80.1:LC 胆囊结石伴胆囊炎 腹腔镜胆囊切除】,"
            "标准分值较高(相差 600)。请核对是否已实施。"
        ) == move.message

    def test_one_already_recorded_is_no_move(self):
        """What is done is not to come."""
        assert [] == told(a_case("K80.100", "51.2300"), "51.2300")

    def test_one_that_counts_only_as_main(self):
        """It is tried behind what is recorded, then in front."""
        assert [("ordered_operation", "XQ-1", "higher", Decimal(29000), ("33.6x00",))] == told(
            a_case("K80.100", "51.2300"), "33.6x00"
        )


class TestOrder:
    def test_the_largest_difference_first(self):
        """Known differences by size, unknown ones last."""
        case = a_case("K80.100", "51.2300", "47.0100", "33.6x00", others=("K35.800",))

        assert [Decimal(29000), Decimal(-300)] == [move.points_difference for move in moved(case)]


SENT = st.lists(st.sampled_from(CODES), max_size=15).map(tuple)
OPERATED = st.lists(st.sampled_from(DONE), max_size=10).map(tuple)


class TestAnyRecord:
    @given(principal=st.sampled_from(CODES), others=SENT, absent=SENT, operations=OPERATED)
    def test_nothing_beyond_the_record(self, principal, others, absent, operations):
        """Whatever is sent, every code a move rests on is in the record, and no move stays where the case is."""
        case = a_case(principal, *operations, others=others, absent_on_admission=absent)
        standing = assessed(case)
        normal = DIRECTORY.normaliser
        recorded = {*normal.diagnoses((principal, *others)), *normal.operations(operations)}

        for move in moves(case, standing, DIRECTORY):
            assert set(move.evidence) <= recorded
            assert move.group != standing.grouping.group
            assert move.message.endswith("。")
            assert "请核对" in move.message

    @pytest.mark.parametrize(
        "changes",
        [{"steps": ()}, {"rows": ()}, {"groups": ()}, {"operations": ()}, {"partial": True}],
    )
    def test_bare_schemes(self, changes: dict[str, Any]):
        """A scheme that lacks a part gives fewer moves, never an error."""
        directory = Directory.build(the_scheme(**changes))
        case = a_case("R10.400", "51.2300", "47.0100", others=("K35.800",))

        assert all(move.group for move in moved(case, "33.6x00", directory=directory))
