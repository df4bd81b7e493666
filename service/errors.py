"""One set of problems; each dialect renders them in its own envelope (decision 4).

A problem has a closed code, an HTTP status, a sentence, and the faults behind it in the caller's own field names.
No problem ever carries a patient's identity or the value of a field: only where it stands and what is wrong.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a message: ``field`` is the path in the caller's own names."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One member of the closed set: its code, status and title (English, then Chinese)."""

    code: str
    status: int
    title: str
    title_zh: str


NOT_JSON: Final = ProblemKind("not_json", 400, "the body is not JSON", "请求体不是合法的 JSON")
INVALID: Final = ProblemKind("invalid", 422, "the message has faults", "报文有误")
UNAUTHENTICATED: Final = ProblemKind("unauthenticated", 401, "no valid API key", "未提供有效的 API 密钥")
NOT_FOUND: Final = ProblemKind("not_found", 404, "not found", "未找到")
METHOD: Final = ProblemKind("method_not_allowed", 405, "method not allowed", "不支持的请求方法")
TOO_LARGE: Final = ProblemKind("too_large", 413, "the body is larger than allowed", "报文超过大小上限")
MEDIA_TYPE: Final = ProblemKind("media_type", 415, "the body must be application/json", "请求体须为 application/json")
NOT_READY: Final = ProblemKind("not_ready", 503, "not ready: no rulebook is loaded", "服务未就绪:规则库尚未装载")
NO_DATABASE: Final = ProblemKind("no_database", 503, "the database does not answer", "数据库暂不可用")
ERASED: Final = ProblemKind("erased", 410, "the person's data were erased", "该患者的数据已按要求删除")
CONFLICT: Final = ProblemKind("conflict", 409, "contradicts what is there", "与现有数据冲突")
NOT_RECORDED: Final = ProblemKind("not_recorded", 503, "could not be recorded; send it again", "未能记录,请重试")
INTERNAL: Final = ProblemKind("internal", 500, "internal error; nothing was checked", "内部错误,本次未审核")

PROBLEM_KINDS: Final = (
    NOT_JSON, INVALID, UNAUTHENTICATED, NOT_FOUND, METHOD, TOO_LARGE, MEDIA_TYPE, NOT_READY, NO_DATABASE,
    ERASED, CONFLICT, NOT_RECORDED, INTERNAL,
)  # fmt: skip


@dataclass(slots=True)
class Problem(Exception):
    """A request that cannot be answered, and every reason why."""

    kind: ProblemKind
    detail: str = ""
    faults: tuple[Fault, ...] = field(default=())

    def __str__(self) -> str:
        """Return one line for people: title, detail, faults."""
        parts = [self.kind.title_zh, self.detail, *(f"[{fault.field}] {fault.message}" for fault in self.faults)]
        return ";".join(part for part in parts if part)
