"""Processes killed at random instants under load: what was acknowledged is in PostgreSQL, once.

One data directory goes through all lives, so that what the dead leave is taken over again and again. A hundred kills
here; `make soak` asks for a thousand.
"""

import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.callers import Callers
from tests.faults.server import Server, eventually, kill
from tests.postgres import execute

KILLS = int(os.environ.get("DIPCHECK_TEST_KILLS", "100"))
SECONDS_A_KILL = 30
"""Far more than a kill takes on an idle machine, where it is about three."""
A_LIFE = ("worker", "worker", "postgres", "worker", "worker", "postgres", "worker")
"""Who is killed before the parent is, too; a supervisor starts what dies early ever more slowly, so lives are short."""

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.timeout(600 + SECONDS_A_KILL * KILLS)]


@dataclass
class Killer:
    """Kills at instants that a seeded generator draws."""

    server: Server
    callers: Callers
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)

    def live_and_die(self, life: int) -> None:
        """Start, load, kill a few, and end the life by killing the parent."""
        self.server.start(fsync="always" if life % 2 else "20")
        for victim in A_LIFE:
            if self.killed.total() >= KILLS - 1:
                break
            self._under_load()
            self._kill(victim)
        self._under_load()
        if life % 3 == 2:
            self.server.kill_parent()
        else:
            for pid in self.server.postgres()[:1]:
                kill(pid)
            self.server.kill_all()
        self.killed["parent"] += 1

    def _under_load(self) -> None:
        """Wait until answers come again, and then for an instant that nobody chose."""
        before = self.callers.answered
        eventually(lambda: self.callers.answered >= before + 20, "answers under load")
        time.sleep(self.chance.uniform(0.0, 0.6))

    def _kill(self, victim: str) -> None:
        found = self.server.workers() if victim == "worker" else self.server.postgres()
        if not found:
            return  # it has not come back from the last time
        # Mostly the one that has lived longest: a worker that carries the load, the postmaster.
        kill(found[0] if self.chance.random() < 0.7 else self.chance.choice(found))
        self.killed[victim] += 1


def test_killed_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every verdict and disposition that was acknowledged is stored with its findings, and none twice."""
    with Server(tmp_path / "data", workers=2) as server:
        with Callers(lambda: server.port) as callers:
            killer = Killer(server, callers, random.Random(20260318))
            life = 0
            while killer.killed.total() < KILLS:
                killer.live_and_die(life)
                life += 1
        server.start()
        eventually(lambda: server.status().get("activation") == "database", "the database")
        eventually(lambda: _missing(server.database_url, callers) == set(), "the last record")
        _compare(server.database_url, callers)
    with capsys.disabled():
        sys.stdout.write(_counts(killer, life))
    assert not list((server.data_dir / "journal").glob("*.log"))
    assert callers.failed == []
    assert len(callers.recorded) > 20 * KILLS


def _counts(killer: Killer, lives: int) -> str:
    callers = killer.callers
    killed = ", ".join(f"{number} x {victim}" for victim, number in sorted(killer.killed.items()))
    return (
        f"\n{killer.killed.total()} kills in {lives} lives ({killed}); {callers.broken} connections broke; "
        f"{len(callers.recorded)} verdicts and {len(callers.disposed)} dispositions acknowledged, all stored once\n"
    )


def _missing(url: str, callers: Callers) -> set[str]:
    return set(callers.recorded) - {str(row["id"]) for row in execute(url, "SELECT id FROM verdict")}


def _compare(url: str, callers: Callers) -> None:
    rows = Counter(str(row["id"]) for row in execute(url, "SELECT id FROM verdict"))
    findings = Counter(str(row["verdict_id"]) for row in execute(url, "SELECT verdict_id FROM finding"))
    disposed = {str(row["finding_id"]) for row in execute(url, "SELECT finding_id FROM disposition")}
    reasons = {row["reason"] for row in execute(url, "SELECT DISTINCT reason FROM set_aside")}

    assert set() == set(callers.recorded) - set(rows), "acknowledged and not stored"
    assert [] == [verdict for verdict, times in rows.items() if times != 1], "stored twice"
    assert {} == {verdict: found for verdict, found in callers.recorded.items() if findings[verdict] != found}
    assert set() == callers.disposed - disposed
    # A kill in the middle of a write leaves the beginning of a record that nobody was told of.
    assert reasons <= {"torn_tail"}
