"""What a caller tells of lines its hospital saved or took back, and of the past; and what it hears in return.

Lines and visits are the native contract's own (``service.schemas.native``): a line is told with the fields it was
checked with. Unknown keys are faults.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules.codes import VisitType
from service.schemas.native import DiagnosisIn, LineIn, Moment, Text, VisitIn
from service.schemas.record import STORABLE, Day, HospitalQuery

MOST_ENTRIES = 1_000
Hospital = Annotated[str, Field(min_length=1, max_length=50, pattern=STORABLE)]
Told = Literal["accepted", "unknown", "not_recorded"]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=False)


class ByVerdictIn(_In):
    """Lines of a verdict, all current ones unless some are named (按判定)."""

    verdict: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        None, description="the verdict's id as answered; may be left out beside `finding`"
    )
    finding: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        None, description="only the lines of this finding: its id as answered"
    )
    lines: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=5_000)] | None = Field(
        None, description="only the lines with these ids (医嘱 / 处方明细号)"
    )
    self_pay: bool = Field(False, description="saved after the patient agreed to pay (转自费)")
    hospital: Hospital | None = Field(
        None, description="定点机构编码, as in the check; the API key's hospital comes first"
    )


class ByVisitIn(_In):
    """Lines told by themselves, whether or not they were ever checked (按就诊)."""

    patient_id: Text = Field(None, description="the insured person's id (psn_no); kept only as a keyed pseudonym")
    visit: VisitIn = Field(description="the visit they belong to; `id` is required")
    diagnoses: list[DiagnosisIn] = Field([], description="of the visit; the main one is kept with it")
    lines: Annotated[list[LineIn], Field(min_length=1)] = Field(
        description="`id`, `item`, `begin` and `quantity` are required, the rest as the line was checked"
    )
    self_pay: bool = Field(False, description="saved after the patient agreed to pay (转自费): all lines of the entry")
    hospital: Hospital | None = Field(None, description="定点机构编码; the API key's hospital comes first")


class LinesRequest(_In):
    """One entry by itself, or up to 1,000 of them as `entries`; each is by verdict or by visit."""

    entries: Annotated[list[ByVerdictIn | ByVisitIn], Field(min_length=1, max_length=MOST_ENTRIES)]


class EntryOut(BaseModel):
    """What became of one entry."""

    state: Told = Field(
        description="accepted: in the journal, in the record within about a second; "
        "unknown: this service never gave such a verdict or finding; not_recorded: send it again"
    )
    verdict: str | None = Field(None, description="the verdict it is about, if it is about one")
    lines: int | None = Field(None, description="lines told of; null: all those of the verdict or finding")


class LinesAnswer(BaseModel):
    """One state per entry, in order."""

    entries: list[EntryOut]


class PastLineIn(LineIn):
    """One row of an import: a line as it was charged, and enough of its visit (既往明细)."""

    patient_id: Text = Field(None, description="the insured person's id (psn_no); hashed at once, never stored")
    visit_type: VisitType | None = Field(
        None, description="就医方式: outpatient 门诊, inpatient 住院, pharmacy 药店购药"
    )
    admitted: Moment = Field(None, description="入院 / 就诊时间 of the visit")
    discharged: Moment = Field(None, description="出院时间 of the visit")
    visit_department: Text = Field(None, description="科室 of the visit, where it is not the line's")
    diagnosis: Text = Field(None, description="主要诊断编码 of the visit")
    planned: bool | None = Field(None, description="计划内入院")
    cancelled: bool | None = Field(None, description="已撤销: takes back a line that was told before")


class RejectedRowOut(BaseModel):
    """A row that was not taken."""

    row: int = Field(description="number of the row, from 1; a CSV file's header is no row")
    field: str
    message: str


class ImportAnswer(BaseModel):
    """What an import did. Rows that are there already are written again, which changes nothing."""

    import_id: str | None = Field(description="as the caller named it, for going on after a break")
    rows_done: int = Field(description="rows behind us: written, rejected and skipped")
    rows_written: int = Field(description="rows written by this call")
    rows_skipped: int = Field(description="rows that an earlier call with the same Import-Id had done")
    rows_rejected: int = Field(description="rows with faults, those of earlier calls included")
    rejected: list[RejectedRowOut] = Field(description="the first 100 faults of this call")
    rows_per_second: int


class ImportStateOut(BaseModel):
    """How far an import got."""

    import_id: str
    rows_done: int
    rows_rejected: int
    complete: bool = Field(description="false: send the same again with the same Import-Id, and it goes on")


class ImportQuery(HospitalQuery):
    """Whose lines are imported, and of when."""

    as_of: datetime | None = Field(None, description="when the file was true; now if left out")


class CoverageIn(_In):
    """From which day on the hospital vouches that its record of saved lines is complete."""

    since: Day | None = Field(description="null withdraws it: nobody vouches")
    by: Annotated[str, Field(min_length=1, max_length=100, pattern=STORABLE)] = Field(
        description="who says so: a role or a system"
    )
    hospital: Hospital | None = Field(None, description="定点机构编码; no other than the API key's")


class CoverageOut(BaseModel):
    """What was declared last."""

    hospital: str
    since: Day | None = Field(description="null: nobody vouches, and rules do not take silence for absence")
    by: str | None = Field(description="null: nothing was ever declared")
    declared: str | None
