"""Codes as hospitals send them, brought into the normal form that a catalogue is written in (dip facts 2.2).

``diagnosis`` and ``operation`` repair what the shape of a code alone tells. A ``Normaliser`` knows one scheme: it also
repairs by the codes the scheme names, and maps code versions. Nothing is guessed: what has no known shape, or could
be repaired in two ways, stays as it came.

Normal forms: diagnoses ``A00.000``, ``A00.000x001``, ``N40.x00``, a dagger-asterisk pair ``A01.002+G01*``; operations
``51.2300``, ``51.2300x001``, ``33.6x00``, TCM ``17.98330`` and ``17.991F0``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from rules.dip.model import Scheme

REMEMBERED: Final = 65_536
"""Codes a cache keeps: more than both national tables hold together."""

WHOLE: Final = 7
"""Characters of the shortest whole code (``K80.100``, ``51.2300``)."""

_BLANK = re.compile(r"\s+")
_ICD = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9x]{1,3}(x\d{1,4})?)?")
_DOTTED = re.compile(r"([A-Z]\d[0-9A-Z])\.(.*)")
_NO_DOT = re.compile(r"([A-Z]\d[0-9A-Z])([0-9x]\d{0,2}(x\d{1,4})?)")
_TCM = re.compile(r"[AB]\d{2}\.\d{2}(\.\d{2})*\.?")
_TCM_1995 = re.compile(r"[BZ][A-Z]{2}\d{0,3}")
_MORPHOLOGY = re.compile(r"M\d{4,5}/\d{1,2}")

_OPERATION_NO_DOT = re.compile(r"\d\d(\d{4}(x\d{2,4})?|\d{2}|\dx\d\d(x\d{2,4})?)")
_TCM_OPERATION_NO_DOT = re.compile(r"179\d\d[0-9A-Z]\d")
_LOST_LEADING_ZERO = re.compile(r"\d\.[0-9x]+")
_LOST_TRAILING_ZEROS = re.compile(r"\d\d\.\d{2,3}")
_ONE_DIGIT = re.compile(r"\d\d\.\d")
_FOUR_DIGITS = re.compile(r"\d\d\.\d{4}")
_FIVE_DIGITS_RUN = re.compile(r"\d{5}")


def _plain(text: str) -> str:
    """Return half-width text without blanks, upper case but for the ``x`` of an extension code."""
    if text.isascii():
        code = text if text.isalnum() else _BLANK.sub("", text)
    else:
        code = unicodedata.normalize("NFKC", _BLANK.sub("", unicodedata.normalize("NFKC", text)))
    code = code.upper() if code.isascii() else code
    return code[:1] + code[1:].replace("X", "x")


@lru_cache(maxsize=REMEMBERED)
def diagnosis(text: str) -> str:
    """Return a diagnosis code in normal form, as far as its shape tells; a pair stays joined by ``+``."""
    code = _plain(text.replace("†", "+"))
    parts = [part for part in code.split("+") if part.strip("*.")]
    if not parts:
        return ""
    first, *rest = (_single(part) for part in parts)
    return "+".join((first, *(part if part.endswith("*") else f"{part}*" for part in rest)))


def _single(code: str) -> str:
    """Return one code of a pair."""
    bare = code.strip("*.")
    if bare.isascii():
        bare = bare[0].upper() + bare[1:]
    if _NO_DOT.fullmatch(bare):
        bare = f"{bare[:3]}.{bare[3:]}"
    return f"{bare}*" if code.endswith("*") else bare


@lru_cache(maxsize=REMEMBERED)
def operation(text: str) -> str:
    """Return an operation code in normal form, as far as its shape tells.

    ``6.31`` lost a zero before and two behind; ``3.3101`` one before. Zeros of TCM codes (17.9…, five digits) and of
    codes with one digit after the dot (``33.6x00`` or ``37.7000``) cannot be told by shape.
    """
    code = _plain(text)
    if _OPERATION_NO_DOT.fullmatch(code) or _TCM_OPERATION_NO_DOT.fullmatch(code):
        code = f"{code[:2]}.{code[2:]}"
    if _LOST_LEADING_ZERO.match(code):
        code = f"0{code}"
    if _LOST_TRAILING_ZEROS.fullmatch(code) and not code.startswith("17.9"):
        code = code.ljust(7, "0")
    return code


def is_short_operation(code: str) -> bool:
    """Say whether a code of a catalogue is shorter than any whole one, so that it may stand for all that begin so.

    ``51.23`` does; ``99.2800`` is a code of its own and stands for none of its extensions (dip facts 2.2.5). Whole TCM
    codes have five digits after the dot.
    """
    return len(code) < WHOLE or (len(code) == WHOLE and code.startswith("17.9"))


def is_diagnosis(code: str) -> bool:
    """Say whether a normal code, or the first of a pair, has the shape of ICD-10 and is not a TCM code."""
    return bool(_ICD.fullmatch(head(code))) and not is_tcm(code)


def is_tcm(code: str) -> bool:
    """Say whether a normal diagnosis code is one of TCM (A17.07, BNP120): never ICD (ruling 4)."""
    return bool(_TCM.fullmatch(code) or _TCM_1995.fullmatch(code))


def is_morphology(code: str) -> bool:
    """Say whether a code names a tumour's morphology (M8140/3)."""
    return bool(_MORPHOLOGY.fullmatch(code))


def is_asterisk(code: str) -> bool:
    """Say whether a code is a manifestation without its cause (G01*)."""
    return "+" not in code and code.endswith("*")


def head(code: str) -> str:
    """Return the part of a diagnosis code that stands before ``+``: the one groups are keyed by."""
    return code.partition("+")[0]


Stages = tuple[str, str, str]
"""One code by shape, by the scheme's codes, by its version map."""


class Normaliser:
    """Normal codes under one scheme: shape, then the scheme's own codes, then its version maps (applied once).

    A version map may swap two codes, so a mapped code is never mapped again; without such a chain every method is
    idempotent.
    """

    def __init__(self, scheme: Scheme) -> None:
        self._diagnosis_map = scheme.normalisation.diagnosis_map
        self._operation_map = scheme.normalisation.operation_map
        self._known_diagnoses = known_diagnoses(scheme)
        self._known_operations = known_operations(scheme)
        self.principal: Callable[[str], str] = lru_cache(maxsize=REMEMBERED)(self._one_diagnosis)
        """The principal diagnosis in the scheme's terms; ``""`` if there is none."""
        self._other: Callable[[str], str] = lru_cache(maxsize=REMEMBERED)(self._one_other)
        self._operation: Callable[[str], str] = lru_cache(maxsize=REMEMBERED)(self._one_operation)

    def diagnoses(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return other diagnoses in their order, each once; blank and TCM ones are left out."""
        return _each_once(map(self._other, texts))

    def operations(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return operations in their order, each once; blank ones are left out."""
        if len(texts) == 1:
            code = self._operation(texts[0])
            return (code,) if code else ()
        return _each_once(map(self._operation, texts))

    def diagnosis_stages(self, text: str) -> Stages:
        """Return what a diagnosis code becomes by shape, then by the scheme's codes, then by its version map."""
        shaped = diagnosis(text)
        code = _repaired(shaped, self._known_diagnoses, _longer_diagnoses)
        mapped = self._diagnosis_map.get(code)
        if mapped is None and "+" in code and code not in self._known_diagnoses:
            cause, _, manifestation = code.partition("+")
            mapped_cause = self._diagnosis_map.get(cause)
            mapped = f"{head(mapped_cause)}+{manifestation}" if mapped_cause else None
        return shaped, code, mapped or code

    def operation_stages(self, text: str) -> Stages:
        """Return what an operation code becomes by shape, then by the scheme's codes, then by its version map."""
        shaped = operation(text)
        code = _repaired(shaped, self._known_operations, _longer_operations)
        return shaped, code, self._operation_map.get(code) or code

    def _one_diagnosis(self, text: str) -> str:
        return self.diagnosis_stages(text)[-1]

    def _one_other(self, text: str) -> str:
        code = self._one_diagnosis(text)
        return "" if is_tcm(code) else code

    def _one_operation(self, text: str) -> str:
        return self.operation_stages(text)[-1]


def _each_once(codes: Iterable[str]) -> tuple[str, ...]:
    """Return codes in their order without blanks and repetitions."""
    found = dict.fromkeys(codes)
    if "" in found:
        del found[""]
    return tuple(found)


def _repaired(code: str, known: frozenset[str], longer: Callable[[str], tuple[str, ...]]) -> str:
    """Return the one known code that this one may have been, or the code itself."""
    if not code or code in known:
        return code
    found = [candidate for candidate in longer(code) if candidate in known]
    return found[0] if len(found) == 1 else code


def _longer_diagnoses(code: str) -> tuple[str, ...]:
    """Return the whole codes that ``K80``, ``K80.1`` or ``K80.10`` are short for.

    A code of TCM's shape (``A17.07``) is never taken for one of ICD that lost a zero (ruling 4).
    """
    if is_tcm(code):
        return ()
    if len(code) == 3:
        return (f"{code}.x00", f"{code}.000")
    dotted = _DOTTED.fullmatch(code)
    if dotted is None or len(dotted[2]) > 2 or not dotted[2].isdigit():
        return ()
    return (f"{dotted[1]}.{dotted[2].ljust(3, '0')}",)


def _longer_operations(code: str) -> tuple[str, ...]:
    """Return the codes that may have lost zeros or the dot to become this one."""
    if _ONE_DIGIT.fullmatch(code):
        return (f"{code}000", f"{code}x00")
    if _FOUR_DIGITS.fullmatch(code):
        return (f"{code}0",)
    if code.startswith("17.9") and len(code) < 8:
        # A spreadsheet reads 17.972E0 as a number and drops the E0.
        return (code.ljust(7, "0"), code.ljust(8, "0"), f"{code}E0")
    if _FIVE_DIGITS_RUN.fullmatch(code):
        return (f"0{code[0]}.{code[1:]}", f"{code[:2]}.{code[2:]}0")
    return ()


def known_operations(scheme: Scheme) -> frozenset[str]:
    """Return the operation codes a scheme names: table, maps, catalogue, exclusions."""
    rules = scheme.normalisation
    named: set[str] = {entry.code for entry in scheme.operations}
    named.update(rules.operation_map, rules.operation_map.values(), (entry.code for entry in rules.exclusions))
    for row in scheme.rows:
        for part in (*row.main, *row.related):
            named.update(part)
    return frozenset(code for code in named if not code.endswith("*"))


def known_diagnoses(scheme: Scheme) -> frozenset[str]:
    """Return the whole diagnosis codes a scheme names: table, maps, exclusions; not a catalogue's prefixes."""
    rules = scheme.normalisation
    named: set[str] = {entry.code for entry in scheme.diagnoses}
    named.update(rules.diagnosis_map, rules.diagnosis_map.values(), rules.excluded_principal)
    for row in scheme.rows:
        named.update(code.lstrip("=") for code in row.diagnoses if len(code.lstrip("=")) >= WHOLE)
    return frozenset(named)
