"""What a caller reads about a field: plain Chinese, with the bound or the words that are allowed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from service.errors import Fault
from service.schemas.faults import faults_of
from service.schemas.record import ListQuery

CASES: list[tuple[Any, Any, str]] = [
    (str, 5, "应为文本"),
    (Literal["a", "b", "c"], "d", "应为 a、b、c 之一"),
    (Literal["csv"], "d", "应为 csv 之一"),
    (Annotated[str, Field(min_length=1)], "", "至少 1 个字符"),
    (Annotated[str, Field(max_length=2)], "abc", "最多 2 个字符"),
    (Annotated[int, Field(ge=1)], 0, "应不小于 1"),
    (Annotated[int, Field(gt=0)], 0, "应大于 0"),
    (Annotated[int, Field(le=9)], 10, "应不大于 9"),
    (Annotated[int, Field(lt=9)], 9, "应小于 9"),
    (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "最多 2 项"),
    (Annotated[list[int], Field(min_length=1)], [], "至少 1 项"),
    (UUID, "x", "应为编号(UUID)"),
    (Decimal, "x", "应为数字"),
    (float, "x", "应为数字"),
    (date, "2026-02-30", "应为日期,如 2026-03-18"),
    (datetime, "x", "应为日期时间,如 2026-03-18T09:00:00+08:00"),
]


def faults(kind: Any, value: Any) -> list[Fault]:
    """Return what is wrong with a value of a type."""
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(kind).validate_python(value)
    return list(faults_of(wrong.value))


@pytest.mark.parametrize(("kind", "value", "sentence"), CASES)
def test_a_sentence_is_chinese_and_names_what_is_allowed(kind: Any, value: Any, sentence: str) -> None:
    """No English of the validator's comes through."""
    assert [sentence] == [fault.message for fault in faults(kind, value)]


@pytest.mark.parametrize("field", ["action", "outcome", "state", "order"])
def test_a_filter_has_one_fault_under_its_own_name(field: str) -> None:
    """A choice of several sorts of words is one choice to who reads it."""
    assert [field] == [fault.field for fault in faults(ListQuery, {field: "x"})]
