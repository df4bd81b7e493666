"""The receipt of a verdict as the API gives it."""

from pydantic import BaseModel, Field


class ReceiptVerdictOut(BaseModel):
    """The columns of a verdict that never change again, as its digest is made of them (判定)."""

    hospital: str = Field(description="hospital code (定点医药机构编号)")
    day: str = Field(description="day it is filed under, as in 2026-03-18")
    id: str = Field(description="verdict id (判定编号)")
    received: int = Field(description="time of the call, in microseconds since 1970-01-01T00:00:00Z")
    dialect: str
    mode: str
    department: str | None = Field(description="ordering department (科室)")
    doctor: str | None = Field(description="ordering doctor (医师)")
    state: str
    amount: int = Field(description="money at stake in 1/10,000 yuan")
    elapsed_us: int
    engine: str
    rulebook: str = Field(description="digest of the rulebook (规则库)")
    overlay: str = Field(description="digest of the hospital's settings")
    dictionary: str | None
    scheme: str | None = Field(description="digest of the DIP scheme")
    content_digest: str = Field(description="digest of what was evaluated")
    caller: str | None = Field(description="the calling system")
    key: str | None = Field(description="id of the key that input and verdict are sealed with")
    input: str = Field(description="SHA-256 of the stored input, sealed")
    verdict: str = Field(description="SHA-256 of the stored verdict, sealed")


class ReceiptEntryOut(BaseModel):
    """The verdict's link in its hash chain (证据链); bytes in hex."""

    worker: str = Field(description="whose chain")
    sequence: int = Field(description="which link of the chain, from 1")
    day: str = Field(description="day of writing")
    digest: str = Field(description="SHA-256 over the verdict's columns")
    previous: str = Field(description="the link before it")
    link: str = Field(description="this link")


class ReceiptCheckpointOut(BaseModel):
    """The next checkpoint of the chain: a link vouched for with the service's key (检查点)."""

    sequence: int
    link: str
    day: str
    mac: str = Field(description="HMAC-SHA-256, made with the evidence key")


class ReceiptOut(BaseModel):
    """Proof that a verdict was recorded as it is (存证凭证); `dipcheck receipt --check` checks it offline."""

    version: str
    verdict: ReceiptVerdictOut
    entry: ReceiptEntryOut
    following: list[str] = Field(description="digests of what the links up to the checkpoint say, in order")
    checkpoint: ReceiptCheckpointOut | None = Field(description="null: made within a minute or two")
