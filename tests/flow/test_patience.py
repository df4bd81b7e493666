"""How long a check waits for history: the service's own limit, or what the caller's deadline leaves."""

import asyncio
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from rules.model import Context, Encounter
from service.asked import Asked
from service.check_flow import CheckFlow
from service.dialects._contract import Reading
from tests.builders import a_line, a_rule, a_rulebook, an_encounter

NOW = datetime(2026, 3, 18, 1, 15, tzinfo=UTC)


def waited(deadline_ms, *, spent=0.0):
    """Return the seconds the source was given, and what the check was told."""
    given = []

    async def source(looks, encounter: Encounter, deadline, at):
        given.append(deadline)
        return Context()

    flow = CheckFlow(SimpleNamespace(context=source, context_deadline=0.05))
    encounter = an_encounter(a_line(), type="outpatient")
    rulebook = a_rulebook(a_rule("item_interval"))
    reading = Reading(encounter=encounter, time=NOW, deadline_ms=deadline_ms)
    asked = Asked("native", reading, NOW, "check", time.perf_counter() - spent)
    said = asyncio.run(flow._context(asked, encounter, SimpleNamespace(rulebook=rulebook)))
    return given, said.late


@pytest.mark.parametrize(("deadline_ms", "longest"), [(None, 0.05), (1_000, 0.05), (50, 0.03)])
def test_the_wait_is_bounded(deadline_ms, longest):
    """By the setting; a caller in a hurry keeps time for the answer."""
    (seconds,), late = waited(deadline_ms)

    assert longest - 0.02 < seconds <= longest
    assert () == late


@pytest.mark.parametrize(("deadline_ms", "spent"), [(20, 0.0), (1, 0.0), (500, 2.0)])
def test_nobody_asks_when_no_time_is_left(deadline_ms, spent):
    """History is late at once, and the record is not troubled."""
    assert ([], ("history",)) == waited(deadline_ms, spent=spent)
