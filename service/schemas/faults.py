"""What pydantic finds wrong with a document, as our faults: the caller's own path and a short Chinese sentence.

In: a ``ValidationError``. Out: ``Fault`` entries that never carry the value of a field.
"""

from typing import Any, Final, cast

from pydantic import ValidationError

from service.errors import Fault

MESSAGES: Final = {
    "missing": "必填",
    "extra_forbidden": "未知字段,请检查拼写",
    "uuid_parsing": "应为编号(UUID)",
    "uuid_type": "应为编号(UUID)",
    "decimal_parsing": "应为数字",
    "decimal_type": "应为数字",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "finite_number": "应为数字",
    "datetime_parsing": "应为日期时间,如 2026-03-18T09:00:00+08:00",
    "datetime_from_date_parsing": "应为日期时间,如 2026-03-18T09:00:00+08:00",
    "datetime_type": "应为日期时间,如 2026-03-18T09:00:00+08:00",
    "timezone_aware": "应带时区,如 2026-03-18T09:00:00+08:00",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "string_type": "应为文本",
    "list_type": "应为数组",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "string_pattern_mismatch": "取值不在允许范围内",
    "date_from_datetime_parsing": "应为日期,如 2026-03-18",
    "date_from_datetime_inexact": "应为日期,不带时间",
    "date_type": "应为日期,如 2026-03-18",
    "date_parsing": "应为日期,如 2026-03-18",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "应大于 {}"),
    "greater_than_equal": ("ge", "应不小于 {}"),
    "less_than": ("lt", "应小于 {}"),
    "less_than_equal": ("le", "应不大于 {}"),
    "too_long": ("max_length", "最多 {} 项"),
    "too_short": ("min_length", "至少 {} 项"),
    "string_too_long": ("max_length", "最多 {} 个字符"),
    "string_too_short": ("min_length", "至少 {} 个字符"),
}
"""By pydantic's type of error: where its context has the bound, and our sentence."""


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Return every fault with its path in the caller's own names."""
    entries = error.errors(include_url=False, include_input=False)
    return tuple(Fault(path_of(entry["loc"]), message_of(cast("dict[str, Any]", entry))) for entry in entries)


def path_of(location: tuple[int | str, ...]) -> str:
    """Return a path as ``cases[3].cost``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def message_of(entry: dict[str, Any]) -> str:
    """Return what is wrong, in Chinese."""
    kind = entry["type"]
    context = entry.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", "取值不合法"))
    if kind in {"literal_error", "enum"}:
        return f"应为 {_listed(str(context.get('expected', '')))} 之一"
    if kind in _BOUNDS:
        where, sentence = _BOUNDS[kind]
        return sentence.format(context[where])
    return MESSAGES.get(kind, f"取值不合法({kind})")


def _listed(expected: str) -> str:
    """Return ``'a', 'b' or 'c'`` as ``a、b、c``: the words themselves, without English between them."""
    return expected.replace(" or ", ", ").replace("'", "").replace(", ", "、")
