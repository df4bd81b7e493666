"""What outages are made with: a database behind a proxy, and small disks."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    """A database of the test's own, and a way to it that can be disturbed."""
    with tempfile.TemporaryDirectory(prefix="dcf-") as folder, Proxy(database_url, Path(folder)) as proxy:
        yield proxy


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system in memory that is soon full; skips where that is not permitted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
