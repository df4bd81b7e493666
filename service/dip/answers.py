"""Answers of the DIP interface about single cases: one case, a line of a batch, a what-if.

In: a ``Filed``. Out: documents of ``service.schemas.dip``. Pure but for the schemes handed in; a case never makes it
raise.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import structlog

from rules.dip.assess import assess
from rules.dip.codes import Status
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.moves import moves
from rules.dip.quality import check_record
from rules.dip.quality_signs import signs
from rules.dip.tracing import explain
from rules.dip.words import points_words
from service.dialects._native_answer import problem_document
from service.dip.documents import assessed_document, move_document, quality_document, sign_document
from service.dip.reading import CaseReader, Filed, decoded
from service.dip.what_if import LABEL, NOTE, changed, differences
from service.errors import INTERNAL, TOO_LARGE, Problem
from service.ndjson import NumberedLine
from service.schemas.dip import WhatIfIn
from service.schemes import in_force

_log = structlog.get_logger("dipcheck.dip")
PARTIAL: Final = "本方案为目录摘录,目录之外的病种可能存在,未入组不代表实际不入组。"
OTHER_PAYMENT: Final = "清单填写的医保支付方式不是病种分值,分值与支付标准仅供参考。"
NOT_IN_FORCE: Final = "出院日期不在本方案有效期内,结果仅供参考。"
NOT_IN_FORCE_TODAY: Final = "今天不在本方案有效期内,结果仅供参考。"


def group_document(filed: Filed, *, explained: bool) -> dict[str, Any]:
    """Return everything a scheme says of one case."""
    case, directory = filed.case, filed.directory
    assessed = assess(case, directory)
    document = assessed_document(case, assessed, directory.scheme)
    document["moves"] = [move_document(move) for move in moves(case, assessed, directory)]
    document["signs"] = [sign_document(kind, sign) for kind, sign in signs(case, assessed, directory)]
    document["quality"] = None
    if filed.facts is not None:
        document["quality"] = [quality_document(finding) for finding in check_record(filed.facts, directory)]
    document["left_out"] = list(filed.left_out)
    document["paid_by_dip"] = filed.paid_by_dip
    if explained:
        said = explanation(case, assessed, directory)
        document["explanation"] = [*said, OTHER_PAYMENT] if filed.paid_by_dip is False else list(said)
    return document


def explanation(case: Case, assessed: Assessed, directory: Directory) -> tuple[str, ...]:
    """Return why this group, why not its neighbours, and which coefficient came from where."""
    scheme = directory.scheme
    said = [*explain(case, directory), *points_words(assessed)]
    if scheme.partial and assessed.grouping.status == "ungrouped":
        said.append(PARTIAL)
    if case.discharged is not None and not in_force(scheme, case.discharged):
        said.append(NOT_IN_FORCE_TODAY if case.ongoing else NOT_IN_FORCE)
    return tuple(said)


def what_if_document(filed: Filed, asked: WhatIfIn) -> dict[str, Any]:
    """Return a case as it is and with each change. Raises ``Problem``: a change that cannot be made."""
    directory = filed.directory
    before = assess(filed.case, directory)
    normaliser = directory.normaliser
    others = [changed(filed.case, change, f"changes[{at}]", normaliser) for at, change in enumerate(asked.changes)]
    answers = []
    for change, case in zip(asked.changes, others, strict=True):
        after = assess(case, directory)
        document = assessed_document(case, after, directory.scheme)
        answers.append(
            {
                "name": change.name,
                "after": document | {"estimated": True, "label": LABEL},
                "differences": differences(before, after),
                "explanation": list(explanation(case, after, directory)),
            }
        )
    return {
        "label": LABEL,
        "note": NOTE,
        "before": assessed_document(filed.case, before, directory.scheme),
        "changes": answers,
    }


@dataclass(slots=True)
class Batch:
    """Answers lines one after the other, and counts."""

    reader: CaseReader
    explained: bool
    limit: int
    cases: int = 0
    problems: int = 0
    by_status: dict[Status, int] = field(default_factory=dict)

    def answer(self, line: NumberedLine) -> bytes:
        """Return one line's answer, or what is wrong with it."""
        try:
            document = self._document(line)
        except Problem as problem:
            self.problems += 1
            document = {"line": line.number, "problem": problem_document(problem)}
        except Exception as error:
            # A line must not take the others with it; say so loudly, and log no content.
            _log.exception("line failed", error=type(error).__name__, exc_info=False)
            self.problems += 1
            document = {"line": line.number, "problem": problem_document(Problem(INTERNAL))}
        return orjson.dumps(document)

    def _document(self, line: NumberedLine) -> dict[str, Any]:
        if line.body is None:
            raise Problem(TOO_LARGE, f"每行上限 {self.limit} 字节")
        document = group_document(self.reader.stay(decoded(line.body)), explained=self.explained)
        self.cases += 1
        status: Status = document["grouping"]["status"]
        self.by_status[status] = self.by_status.get(status, 0) + 1
        return {"line": line.number, **document}

    def summary(self) -> bytes:
        """Return what became of all lines."""
        ungrouped = self.by_status.get("ungrouped", 0)
        summary = {
            "cases": self.cases,
            "grouped": self.cases - ungrouped,
            "ungrouped": ungrouped,
            "problems": self.problems,
            "by_status": dict(sorted(self.by_status.items())),
        }
        return orjson.dumps({"summary": summary})
