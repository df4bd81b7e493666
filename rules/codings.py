"""Shapes of codes as hospitals really send them, and the one normal form that rules are written in.

In: the text of a code. Out: the normal form and what system it belongs to. Nothing is guessed: a code that has no
known shape stays as it came and is called ``local``, so that rules on it say *not checked* rather than nothing.
Sources: rulings 3 and 4; audit rules section 4.1; the national interface's observed values.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

SERVICE_DIGITS: Final = 15
WESTERN_FAMILY: Final = 14
"""Characters of a western drug code that name substance and dose form (ruling 3)."""
FORM_AT: Final = 10
INJECTION: Final = "B"
"""The eleventh character of a western drug code is its dose form, ``B`` an injection (national code rules)."""
PATENT_FAMILY: Final = 11
"""Characters of a Chinese patent drug code that name the medicine (ruling 3)."""

_SERVICE = re.compile(r"^\d{15}$")
_ICD10 = re.compile(r"^[A-Z]\d[0-9A-Z](\.[0-9X]{1,3}([X]\d{1,3})?)?$")
_ICD10_NO_DOT = re.compile(r"^([A-Z]\d[0-9A-Z])([0-9X]{1,3}(X\d{1,3})?)$")
_TCM_2021 = re.compile(r"^[AB]\d{2}\.\d{2}(\.\d{2})*\.?$")
_TCM_1995 = re.compile(r"^[BZ][A-Z]{2}\d{0,3}$")
_SUSPECTED = re.compile(r"待查|待排|待诊|拟诊|疑似|疑诊|可疑|可能|不除外|\?$|^疑(?!病)")
# 疑病症 is a disease and 拟除虫菊酯中毒 a poisoning: neither is a suspicion.


@lru_cache(maxsize=65_536)
def item_code(text: str) -> str:
    """Return an item's normal code: half-width, upper case, a service code cut at ``-`` to its 15 digits."""
    code = unicodedata.normalize("NFKC", text).strip().upper()
    head = code.partition("-")[0]
    return head if _SERVICE.match(head) else code


@lru_cache(maxsize=65_536)
def diagnosis_code(text: str) -> tuple[str, str]:
    """Return a diagnosis code's normal form and its system: ``icd``, ``tcm`` or ``local``.

    Dagger, asterisk and blanks are dropped and a lost dot is put back; a pair of cause and manifestation stays joined
    by ``+`` (E11.200X011+N08.3). TCM codes (A17.07) look like ICD-10 with two decimals, which the insurance version
    never has; they are never matched as ICD (ruling 4).
    """
    code = unicodedata.normalize("NFKC", text).strip().upper().replace(" ", "").rstrip("+*†")
    parts = [_single(part.strip("*†")) for part in code.split("+")]
    systems = {system for _, system in parts}
    if len(parts) > 1 and systems != {"icd"}:
        return code, "local"
    return "+".join(part for part, _ in parts), systems.pop()


def _single(code: str) -> tuple[str, str]:
    if _TCM_2021.match(code) or _TCM_1995.match(code):
        return code, "tcm"
    if _ICD10.match(code):
        return code, "icd"
    undotted = _ICD10_NO_DOT.match(code)
    if undotted is None:
        return code, "local"
    dotted = f"{undotted[1]}.{undotted[2]}"
    return dotted, "tcm" if _TCM_2021.match(dotted) else "icd"


@lru_cache(maxsize=16_384)
def is_suspected(name: str) -> bool:
    """Say whether a diagnosis name is only suspected (拟诊, 待查 …): no evidence for an indication."""
    return bool(_SUSPECTED.search(unicodedata.normalize("NFKC", name).strip()))


@lru_cache(maxsize=65_536)
def category_of(code: str) -> str | None:
    """Return what a national item code names: ``drug``, ``service``, ``consumable``, or ``None`` if unknown."""
    if _SERVICE.match(code):
        return "service"
    if code[:1] in {"X", "Z", "T"} and len(code) >= 10:
        return "drug"
    return "consumable" if code[:1] == "C" and len(code) >= 20 else None


def injected(code: str) -> bool | None:
    """Say whether a western drug's code names an injection; ``None`` for codes that do not tell the dose form."""
    if not code.startswith("X") or len(code) < WESTERN_FAMILY:
        return None
    return code[FORM_AT] == INJECTION
