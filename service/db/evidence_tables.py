"""The tables of evidence and privacy: the hash chain, its checkpoints, patients' keys, erasures, retired months.

Every row about a hospital has the hospital first in its key; see ``service.db.tables``.
"""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from service.db.columns import BY_DAY, metadata, placed, required, stamped

evidence: Final = Table(
    "evidence",
    metadata,
    *placed(),
    required("worker", Uuid),
    required("sequence", BigInteger),
    required("subject", Text),
    required("subject_id", Text),
    required("subject_day", Date),
    required("digest", LargeBinary),
    required("link", LargeBinary),
    PrimaryKeyConstraint("hospital", "day", "worker", "sequence"),
    Index(None, "hospital", "subject_id"),
    postgresql_partition_by=BY_DAY,
)
"""One link of a worker's hash chain for one hospital. ``day`` is the day it was written, ``subject`` the table its
row stands in (``verdict``, ``disposition`` …), ``digest`` SHA-256 over that row's lasting columns and ciphertexts."""

chain_head: Final = Table(
    "chain_head",
    metadata,
    required("hospital", Text),
    required("worker", Uuid),
    required("sequence", BigInteger),
    required("link", LargeBinary),
    required("day", Date),
    stamped("updated"),
    PrimaryKeyConstraint("hospital", "worker"),
)
"""Where each chain stands."""

checkpoint: Final = Table(
    "checkpoint",
    metadata,
    required("hospital", Text),
    required("worker", Uuid),
    required("sequence", BigInteger),
    required("link", LargeBinary),
    required("day", Date),
    required("mac", LargeBinary),
    stamped(),
    PrimaryKeyConstraint("hospital", "worker", "sequence"),
)
"""A link vouched for with the evidence key, which the database never sees; kept when months are retired."""

patient_key: Final = Table(
    "patient_key",
    metadata,
    required("hospital", Text),
    required("id", Uuid),
    required("patient", Text),
    required("wrapped", LargeBinary),
    stamped(),
    PrimaryKeyConstraint("hospital", "id"),
    UniqueConstraint("hospital", "patient", name="patient_key_hospital_patient_key"),
)
"""The key that a patient's inputs and verdicts are sealed with, itself sealed with the service's. Erasing a patient
deletes this row; nothing sealed with it can be read again."""

erasure: Final = Table(
    "erasure",
    metadata,
    required("hospital", Text),
    required("id", Uuid),
    required("erased_by", Text),
    required("reason", Text),
    required("keys", ARRAY(Uuid)),
    required("verdicts", Integer),
    required("lines", Integer),
    stamped("erased"),
    PrimaryKeyConstraint("hospital", "id"),
)
"""That somebody's data were erased, by whom and why: never whose."""

retired: Final = Table(
    "retired",
    metadata,
    required("table_name", Text),
    required("month", Date),
    required("rows", BigInteger),
    required("retired_by", Text),
    stamped(),
    PrimaryKeyConstraint("table_name", "month", "created"),
)
"""A month that was dropped by the retention setting."""

rulebook: Final = Table(
    "rulebook",
    metadata,
    required("digest", Text),
    required("packs", ARRAY(Text)),
    stamped(),
    PrimaryKeyConstraint("digest"),
)
"""Which packs, by digest, a rulebook was made of: what a replay loads again."""
