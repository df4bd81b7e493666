"""Dictionaries (字典): what the words and codes of a hospital mean in the rules' own terms.

In: entries of ``words.csv``. Out: a look-up by dictionary, hospital and text. A text that already stands in the
dictionary's own form means itself; any other text without an entry has no meaning here, and rules that need it say
*not checked: unmapped*. A hospital's own entry comes before everybody's.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rules.codes import Dictionary
from rules.noun import Noun


class Word(Noun, frozen=True, kw_only=True):
    """One entry of a dictionary (字典对照): what a code or word of a hospital means in the rules' own terms."""

    dictionary: Dictionary
    code: str
    """As the sender writes it, normalised by ``normal``."""
    meaning: str
    """In the dictionary's own form (``FORMS``)."""
    hospital: str = ""
    """Whose word it is; ``""`` is everybody's, and a hospital's own comes first."""


ROUTES: Final = frozenset(
    ("oral", "iv", "im", "sc", "inhaled", "topical", "ophthalmic", "otic", "nasal", "rectal", "vaginal", "other")
)
TITLES: Final = ("none", "nurse", "pharmacist", "resident", "attending", "associate_chief", "chief")
"""无, 护士, 药师, 住院医师, 主治医师, 副主任医师, 主任医师: a physician's rank grows to the right."""
DOSE_FORMS: Final = frozenset(
    ("oral_solid", "sustained_release", "oral_liquid", "injection", "patch", "inhalation", "topical", "suppository",
     "decoction_piece", "granule", "other")
)  # fmt: skip
GRANTS: Final = ("insurance", "non_insurance", "antibiotic_restricted", "antibiotic_special", "narcotic")
"""What a physician may be: 医保医师, 非医保医师, with 限制级 or 特殊使用级 antibiotic rights, with narcotic rights."""


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"^({'|'.join(sorted(words))})$")


FORMS: Final[dict[Dictionary, re.Pattern[str]]] = {
    "frequency": re.compile(r"^(\d{1,2}/[1-9]\d{0,2}|once|prn)$"),
    "unit": re.compile(r"^\d{1,9}(\.\d{1,6})? \S{1,10}$"),
    "route": _one_of(ROUTES),
    "department": re.compile(r"^\S{1,30}$"),
    "title": _one_of(TITLES),
    "doctor": re.compile(f"^({'|'.join(GRANTS)})(\\|({'|'.join(GRANTS)}))*$"),
    "dose_form": _one_of(DOSE_FORMS),
    "drug_class": re.compile(r"^[A-Z]\d{2}[A-Z]{0,2}$"),
}
"""The form of a dictionary's meanings.

``frequency``: ``3/1`` is three times in one day, ``1/7`` once a week, ``once`` a single time, ``prn`` as needed.
``unit``: how much of which base unit, ``1000 mg`` for g. ``department``: a name that rules use (眼科). ``doctor``:
one or several grants joined by ``|``. ``drug_class``: the class part of a national drug code (``A02BC``).
"""
SELF_EVIDENT: Final = frozenset(("frequency", "route", "title", "dose_form"))
"""Dictionaries whose own form, sent as it is, means itself."""


@lru_cache(maxsize=16_384)
def normal(text: str) -> str:
    """Return a word as dictionaries hold it: half-width, lower case, no blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


class Words:
    """Immutable look-up over the entries of all packs."""

    __slots__ = ("_meanings",)

    def __init__(self, entries: Iterable[Word] = ()) -> None:
        """Raises ``ValueError`` when one word of one hospital has two meanings."""
        self._meanings: dict[tuple[str, str, str], str] = {}
        for word in entries:
            key = (word.dictionary, word.hospital, normal(word.code))
            if self._meanings.setdefault(key, word.meaning) != word.meaning:
                raise ValueError(f"`{word.code}` has two meanings in dictionary `{word.dictionary}`")

    def meaning(self, dictionary: Dictionary, hospital: str, text: str) -> str | None:
        """Return what a hospital's word means; ``None`` when nobody has said."""
        word = normal(text)
        found = self._meanings.get((dictionary, hospital, word)) or self._meanings.get((dictionary, "", word))
        if found is None and dictionary in SELF_EVIDENT and FORMS[dictionary].match(word):
            return word
        return found


NO_WORDS: Final = Words()
