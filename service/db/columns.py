"""What all tables are made of: one metadata with names for constraints, and the columns that come again and again."""

from typing import Any, Final

from sqlalchemy import Column, Date, DateTime, MetaData, Text, func

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

BY_DAY: Final = "RANGE (day)"
TIME: Final = DateTime(timezone=True)


def required(name: str, kind: Any) -> Column[Any]:
    """Return a column that is never null."""
    return Column(name, kind, nullable=False)


def optional(name: str, kind: Any) -> Column[Any]:
    """Return a column that may be null."""
    return Column(name, kind, nullable=True)


def stamped(name: str = "created") -> Column[Any]:
    """Return a column with the time the row was written."""
    return Column(name, TIME, nullable=False, server_default=func.now())


def placed() -> tuple[Column[Any], Column[Any]]:
    """Return the first two columns of every table that has a partition per month: whose row it is, and its day."""
    return required("hospital", Text), required("day", Date)
