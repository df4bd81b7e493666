"""Whether a principal diagnosis can be grouped by at all (dip facts 2.6 and 2.7)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from rules.codes import Sex
from rules.dip.codes import GroupingReason
from rules.dip.model import Limit, Scheme
from rules.dip.normalise import REMEMBERED, head, is_asterisk, is_diagnosis, is_morphology

SEX_WORDS: Final[dict[Sex, str]] = {"male": "男性", "female": "女性"}
Refusal = tuple[GroupingReason, str]
"""A reason with its particulars in words."""


class Principals:
    """The judge of principal diagnoses under a scheme."""

    def __init__(self, scheme: Scheme, knows: Callable[[str], bool]) -> None:
        rules = scheme.normalisation
        self._not_principal = rules.not_principal
        self._excluded = frozenset(rules.excluded_principal)
        self._excluded_prefixes = tuple(rules.excluded_principal) if rules.excluded_match == "prefix" else ()
        self._table = frozenset(entry.code for entry in scheme.diagnoses) if rules.whole_table else None
        self._knows_category = knows
        self._sex_limits = tuple(limit for limit in rules.limits if limit.sex is not None)
        self._judged: Callable[[str], tuple[Refusal | None, tuple[Limit, ...]]] = lru_cache(maxsize=REMEMBERED)(
            self._judge
        )

    def refused(self, code: str, sex: Sex | None) -> Refusal | None:
        """Return why a normal code is refused as principal, with the particulars in words; ``None`` if it is not."""
        refusal, limits = self._judged(code)
        if refusal is not None or not limits or sex is None:
            return refusal
        for limit in limits:
            if limit.sex is not None and limit.sex != sex:
                return "sex_conflict", f"{code}是{SEX_WORDS[limit.sex]}的诊断,病例性别为{SEX_WORDS[sex]}。"
        return None

    def _judge(self, code: str) -> tuple[Refusal | None, tuple[Limit, ...]]:
        """Return why a code is refused whoever the patient is, and the limits of sex it is under."""
        return self._refused_for_all(code), tuple(limit for limit in self._sex_limits if code.startswith(limit.code))

    def _refused_for_all(self, code: str) -> Refusal | None:
        if not code:
            return "missing_principal_diagnosis", "病例没有主要诊断编码。"
        if not (is_diagnosis(code) or is_asterisk(code) or is_morphology(code)):
            # Before its first letter says anything: a local code that begins with X is no external cause.
            return "diagnosis_not_in_table", f"{code}不是医保版疾病诊断编码的形式。"
        if because := self._never_principal(code):
            return "principal_diagnosis_not_allowed", f"{code}{because},不能作主要诊断入组。"
        if not self._in_table(code):
            return "diagnosis_not_in_table", f"{code}不在本方案的诊断编码库中。"
        return None

    def _never_principal(self, code: str) -> str:
        """Return in words why a code may never be principal; ``""`` if it may."""
        if is_morphology(code):
            return "是肿瘤形态学编码"
        if is_asterisk(code):
            return "是星号(表现)编码"
        if self._not_principal and code.startswith(self._not_principal):
            return "属于外因等附加编码"
        if code in self._excluded or head(code) in self._excluded:
            return "在不作为入组主要诊断的排除名单中"
        if self._excluded_prefixes and code.startswith(self._excluded_prefixes):
            return "属于不作为入组主要诊断的排除名单"
        return ""

    def _in_table(self, code: str) -> bool:
        """Say whether a code is known: in the whole table, or of a known category."""
        if self._table is not None:
            return code in self._table or head(code) in self._table
        return self._knows_category(code[:3])
