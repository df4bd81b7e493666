"""A process killed at any instant loses no record that it had acknowledged."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.journal_files import Tally
from service.journal_owners import adopt
from tests.writer.samples import payloads

pytestmark = pytest.mark.slow

ROUNDS = 20

APPENDER = """
import os, sys
from pathlib import Path
from service.journal import Journal
journal = Journal(Path(sys.argv[1]), segment_bytes=200_000)
number = 0
while True:
    number += 1
    if journal.append(b"%d:" % number + b"x" * (number * 37 % 9000)):
        os.write(1, b"%d\\n" % number)
"""


def acknowledged_before_a_kill(directory: Path, after: float) -> list[int]:
    """Let a process append, kill it, and say which records it acknowledged."""
    command = [sys.executable, "-c", APPENDER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()  # it has begun
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            said += process.stdout.read() or b""
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.set_blocking(process.stdout.fileno(), True)
        said += process.stdout.read()
    return [int(number) for number in said.split(b"\n")[:-1]]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killed_while_appending(tmp_path: Path, seed: int) -> None:
    """Every acknowledged record is found, whole and in order; at most one more was on its way."""
    acknowledged = acknowledged_before_a_kill(tmp_path, random.Random(seed).uniform(0.0, 0.4))
    (orphan,) = adopt(tmp_path, Tally(), set())
    found = payloads(orphan.tail)
    numbers = [int(payload.partition(b":")[0]) for payload in found]

    assert acknowledged == numbers[: len(acknowledged)]
    assert len(numbers) - len(acknowledged) <= 1
    assert all(payload.endswith(b"x" * (number * 37 % 9000)) for number, payload in zip(numbers, found, strict=True))
    orphan.release()
