"""DIP on a generated catalogue of national size: load, memory, groupings a second, and what a check pays for it.

Run as ``python -m bench.dip FILE`` to load a built scheme in a fresh process.
"""

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from bench.servers import ROOT, status_kb
from rules.dip.assess import assess
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Case
from rules.dip.reference import group_by_scan
from rules.dip.stay import Stay, case_of
from rules.model import Diagnosis, Encounter, Facility, Input, Line, Operation, Patient, Visit
from service.app import quiet_collector

PROVED: Final = 60
"""Cases compared with a plain scan before anything is timed."""
NOW: Final = datetime(2026, 3, 18, 10, tzinfo=timezone(timedelta(hours=8)))


@dataclass(frozen=True, slots=True)
class Speed:
    """CPU µs of one case, by what is done with it."""

    group: float
    group_anew: float
    """With nothing remembered of earlier codes."""
    assess: float
    stay: float
    """The DIP part of a check: now, after the order, moves, explanation."""
    stay_first: float
    """The same for the first check of a stay: its moves are looked for."""
    grouped: float
    """Share of the cases that found a group."""


def prove(directory: Directory, cases: Sequence[Case]) -> None:
    """Raise ``AssertionError`` when the grouper and a plain scan of the catalogue disagree."""
    for case in cases[:PROVED]:
        if group(case, directory) != group_by_scan(case, directory):
            raise AssertionError(f"grouper and scan disagree on case {case.id}")


def speed(directory: Directory, cases: Sequence[Case], rounds: int) -> Speed:
    """Return what a case costs; each figure the median of rounds over all cases, the collector set as when serving."""
    found = [group(case, directory) for case in cases]
    inputs = [input_of(case) for case in cases]
    quiet_collector()
    return Speed(
        group=_each(lambda: [group(case, directory) for case in cases], len(cases), rounds),
        group_anew=_anew(directory, cases),
        assess=_each(lambda: [assess(case, directory) for case in cases], len(cases), rounds),
        stay=_each(lambda: [Stay(given, directory, group).result for given in inputs], len(cases), rounds),
        stay_first=_first(directory, inputs),
        grouped=sum(one.status != "ungrouped" for one in found) / len(found),
    )


def _anew(directory: Directory, cases: Sequence[Case]) -> float:
    """Return the µs of a case for an index that has seen none yet (codes are still remembered by their shapes)."""
    fresh = Directory.build(directory.scheme)
    return _each(lambda: [group(case, fresh) for case in cases], len(cases), 1)


def _first(directory: Directory, inputs: Sequence[Input]) -> float:
    """Return the µs of the first check of each stay, codes and groups being known from others."""
    fresh = Directory.build(directory.scheme)
    for given in inputs:
        group(case_of(given), fresh)
    return _each(lambda: [Stay(given, fresh, group).result for given in inputs], len(inputs), 1)


def _each(step: Callable[[], object], count: int, rounds: int) -> float:
    gc.collect()
    spent = []
    for _ in range(rounds):
        started = time.thread_time_ns()
        step()
        spent.append((time.thread_time_ns() - started) / 1000 / count)
    return statistics.median(spent)


def input_of(case: Case) -> Input:
    """Return a check of the same stay, before an order of thirty yuan is saved: it is assessed without and with it."""
    codes = (case.principal, *case.others)
    return Input(
        encounter=Encounter(
            hospital="H1",
            patient=Patient(sex=case.sex, birth_date=NOW.date() - timedelta(days=366 * (case.age_years or 1))),
            facility=Facility(level=case.hospital_level),
            visit=Visit(
                type="inpatient",
                insurance=case.insurance,
                medical_type="21",
                admitted=NOW - timedelta(days=case.days or 1),
                total_amount=case.cost,
            ),
            diagnoses=tuple(Diagnosis(code=code.upper(), main=at == 0) for at, code in enumerate(codes)),
            operations=tuple(Operation(code=code.upper()) for code in case.operations),
            lines=(Line(item="XB05BAZ087B002010100001", quantity=10_000, amount=300_000),),
        ),
        time=NOW,
    )


def load(path: Path) -> dict[str, float]:
    """Load a built scheme in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.dip", str(path)], cwd=ROOT, capture_output=True, check=True, timeout=120
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(path: Path) -> None:
    """Load and index as a worker does, and print what it took."""
    from rules.dip.compiler import load_scheme  # noqa: PLC0415

    gc.collect()
    before, started = status_kb("self", "VmRSS"), time.perf_counter()
    scheme = load_scheme(path.read_bytes())
    loaded = time.perf_counter()
    directory = Directory.build(scheme)
    ended = time.perf_counter()
    gc.collect()
    found = {
        "seconds": ended - started,
        "index_seconds": ended - loaded,
        "growth_mb": (status_kb("self", "VmRSS") - before) / 1024,
        "groups": len(directory.groups),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
