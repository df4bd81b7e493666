"""The load of a built pack in a fresh process: seconds, and memory growth. Run as ``python -m bench.packload FILE``."""

import gc
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT, status_kb


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load took."""

    seconds: float
    cpu_seconds: float
    load_seconds: float
    index_seconds: float
    growth_mb: float
    peak_mb: float
    """Highest growth while loading."""


def measure(path: Path) -> Loaded:
    """Load a file in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.packload", str(path)], cwd=ROOT, capture_output=True, check=True, timeout=120
    )
    return Loaded(**json.loads(done.stdout))


def main(path: Path) -> None:
    """Load as a worker does: read, prove, decode, index, put out of the collector's sight."""
    from rules import Rulebook  # noqa: PLC0415
    from rules.compiler import load  # noqa: PLC0415
    from service.app import quiet_collector  # noqa: PLC0415

    gc.collect()
    before = status_kb("self", "VmRSS")
    started, cpu = time.perf_counter(), time.process_time()
    pack = load(path.read_bytes())
    loaded = time.perf_counter()
    rulebook = Rulebook.build([pack])
    indexed = time.perf_counter()
    cpu = time.process_time() - cpu
    del pack
    quiet_collector()
    found = {
        "seconds": indexed - started,
        "cpu_seconds": cpu,
        "load_seconds": loaded - started,
        "index_seconds": indexed - loaded,
        "growth_mb": (status_kb("self", "VmRSS") - before) / 1024,
        "peak_mb": (status_kb("self", "VmHWM") - before) / 1024,
    }
    if not rulebook.entries:
        raise AssertionError("nothing was loaded")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
