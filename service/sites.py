"""What each hospital (site) means by its codes, and what it is: the profile that messages only fall back on.

In: a YAML file, keyed by ``fixmedins_code`` (``DIPCHECK_SITES_FILE``). Out: one ``Site`` per hospital; a hospital
without an entry gets a site where everything that sites may differ on is unknown (rulings 7, 8 and 10).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from rules.codings import item_code
from rules.model import Line, Operation

POOLING_DIGITS = 4
"""Digits of a 医保区划 that name the pooling area: province and prefecture."""


class Site(BaseModel):
    """One hospital's profile and code meanings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: int | None = Field(default=None, ge=1, le=3, description="hospital level 1-3 (医院级别)")
    specialty: str | None = Field(default=None, description="specialist hospital's field; '' says known to be general")
    work_injury_medical_types: tuple[str, ...] | None = Field(
        default=None, description="med_type values that mean work injury; unset: unknown (ruling 10)"
    )
    maternity: Mapping[str, str] | None = Field(
        default=None,
        description="matn_stas value to pregnant | lactating | neither | unknown; unset: 0, 1, 2 mean unknown",
    )
    indeterminate_row: bool = Field(
        default=False, description="answer *not checked* as one result row with sev_deg 3 and amount 0 (ruling 11)"
    )
    region: str | None = Field(
        default=None,
        description="医保区划 of the pooling area; its first four digits tell who is insured elsewhere",
    )
    total_includes_order: bool = Field(
        default=True, description="the total amount of a message includes the lines being saved (decision 11)"
    )
    carries_stay: bool = Field(
        default=False,
        description="messages about a stay carry every line of it so far, with its time: nothing else was given",
    )
    item_operations: Mapping[str, str] = Field(
        default={},
        description="item code to the operation (ICD-9-CM-3) that ordering it stands for: groups after this order",
    )
    dip_notice: bool = Field(
        default=False, description="say in warn_msg of 3101/3102 where a stay stands under DIP (预估)"
    )
    suspicious_severity: int = Field(default=2, ge=2, le=3, description="sev_deg of 可疑 findings (ruling 11)")

    def out_of_area(self, place: str | None) -> bool | None:
        """Say whether somebody insured in a place is insured elsewhere; ``None`` when region or place is not known."""
        if not self.region or not place or len(place) < POOLING_DIGITS:
            return None
        return place[:POOLING_DIGITS] != self.region[:POOLING_DIGITS]

    def ordered_operations(self, lines: Iterable[Line], performed: Iterable[Operation]) -> tuple[Operation, ...]:
        """Return the operations that current lines stand for and the record does not hold yet, each once."""
        if not self.item_operations:
            return ()
        known = {operation.code for operation in performed}
        codes = (self.item_operations.get(line.item) for line in lines if line.current and (line.quantity or 1) > 0)
        return tuple(Operation(code=code) for code in dict.fromkeys(codes) if code and item_code(code) not in known)


class Sites:
    """Sites by hospital code."""

    def __init__(self, sites: Mapping[str, Site] | None = None, default: Site | None = None) -> None:
        self._sites = dict(sites or {})
        self._default = default or Site()

    def of(self, hospital: str) -> Site:
        """Return a hospital's site, or the default one."""
        return self._sites.get(hospital, self._default)

    @classmethod
    def from_file(cls, path: Path | None) -> "Sites":
        """Read the file; ``None`` gives no sites. Raises ``ValueError`` naming the hospital and field at fault."""
        if path is None:
            return cls()
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise ValueError(f"{path.name}: expected hospital codes with a profile each")
        sites = {str(code): Site.model_validate(profile or {}) for code, profile in content.items()}
        return cls(sites, sites.pop("default", None))
