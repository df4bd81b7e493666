"""Who a person is to the record: the hospital and the keyed pseudonym of the id that the hospital uses."""

from typing import Final

from service.db.patient_keys import Person
from service.identity import Identity

NO_ID_HERE: Final = "不得含患者编号:该内容长期保存"
_TELLING: Final = 4
"""Characters from which on an id is no accident in a text: `1` stands in every file number."""


def names(text: str, patient_id: str) -> bool:
    """Say whether a text that is kept for good holds the id of the person it is about."""
    return len(patient_id) >= _TELLING and patient_id in text


def person_of(identity: Identity, hospital: str, patient_id: str) -> Person:
    """Return (hospital, pseudonym), as the dialects make it. Raises ``ValueError`` without an id."""
    if not patient_id:
        raise ValueError("a person has an id")
    return hospital, identity.pseudonym(f"{hospital}\n{patient_id}")
