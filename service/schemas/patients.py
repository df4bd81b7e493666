"""The contract of ``/v1/patients:…``: whose data are exported or erased, and what an erasure took."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from service.schemas import scalars
from service.schemas.dip_case import Form
from service.schemas.record import STORABLE

LONGEST_ID = 200

PatientId = Annotated[
    str | None,
    BeforeValidator(scalars.text),
    WithJsonSchema({"type": ["string", "number"], "maxLength": LONGEST_ID}),
]


class ExportRequest(Form):
    """Whose data (患者)."""

    patient_id: PatientId = Field(
        description="the person's id exactly as checks send it (psn_no / patn_id); turned into the pseudonym at once, "
        "never stored and never logged"
    )
    hospital: Annotated[str, Field(max_length=50, pattern=STORABLE)] | None = Field(
        None, description="定点机构编码; no other than the API key's"
    )


class EraseRequest(ExportRequest):
    """Whose data are erased (删除), why, and who decided so."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)] = Field(
        description="why, for the record of erasures, which is kept: no name and no id of the person"
    )
    by: Annotated[str, Field(min_length=1, max_length=100, pattern=STORABLE)] | None = Field(
        None, description="who decided it; absent: the calling system's name"
    )


class ErasedOut(BaseModel):
    """How many rows of each sort an erasure took."""

    keys: int = Field(description="keys: what was sealed with them can never be read again")
    verdicts: int = Field(description="判定; their states, amounts and departments stay for statistics")
    findings: int
    dispositions: int = Field(description="处理 whose reasons were taken")
    lines: int = Field(description="saved lines (已保存的明细)")
    visits: int
    rechecks: int = Field(description="补审")
    set_aside: int = Field(description="records that could not be written")


class ErasureAnswer(BaseModel):
    """What an erasure did."""

    erasure: str | None = Field(description="id of the entry in the record of erasures; null: nothing to erase")
    erased: ErasedOut
    journal_records: int = Field(description="records of anybody that are in this machine's journals, not yet stored")
    repeat: bool = Field(description="records of this person are still on their way: call again when they are stored")
    message: str = Field(description="the same in Chinese")
