"""The scheme compiler: a folder of tables in, a DIP scheme or every one of its faults out."""

from rules.dip.compiler.cases import PlacedCase, SchemeCase, SchemeOutcome, run_scheme_cases
from rules.dip.compiler.faults import CODES, SchemeError, SchemeFileError
from rules.dip.compiler.layout import LAYOUTS
from rules.dip.compiler.sealing import build_scheme, load_scheme
from rules.dip.compiler.stages import ExaminedScheme, compile_scheme, examine_scheme

__all__ = [
    "CODES",
    "LAYOUTS",
    "ExaminedScheme",
    "PlacedCase",
    "SchemeCase",
    "SchemeError",
    "SchemeFileError",
    "SchemeOutcome",
    "build_scheme",
    "compile_scheme",
    "examine_scheme",
    "load_scheme",
    "run_scheme_cases",
]
