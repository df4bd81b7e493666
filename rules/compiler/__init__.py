"""The pack compiler: a folder of tables in, a compiled pack or every one of its faults out."""

from rules.compiler.built import BuiltPackError, build, load
from rules.compiler.cases import Case, Outcome, PlacedCase, compare, run_cases
from rules.compiler.diagnostics import CODES, Diagnostic, PackError, render
from rules.compiler.stages import STAGES, Examined, compile_pack, examine

__all__ = [
    "CODES",
    "STAGES",
    "BuiltPackError",
    "Case",
    "Diagnostic",
    "Examined",
    "Outcome",
    "PackError",
    "PlacedCase",
    "build",
    "compare",
    "compile_pack",
    "examine",
    "load",
    "render",
    "run_cases",
]
