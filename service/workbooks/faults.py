"""What is wrong with a workbook, at the place where a person finds it, and what to do about it: in plain Chinese."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """A row of a sheet, numbered as the spreadsheet shows it; row 0 is the sheet, an empty sheet the whole file."""

    file: str
    sheet: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a row (or a sheet, or a file) from being imported."""

    spot: Spot
    message: str
    remedy: str
    column: str = ""
    """The header as it stands in the sheet."""


def in_words(fault: Fault) -> str:
    """Return a fault as people read it: where, what, what to do."""
    spot = fault.spot
    parts = [spot.file, f"工作表“{spot.sheet}”" if spot.sheet else "", f"第{spot.row}行" if spot.row else ""]
    parts.append(f"“{fault.column}”列" if fault.column else "")
    return f"{','.join(part for part in parts if part)}: {fault.message}。{fault.remedy}。"
