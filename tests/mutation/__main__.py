"""The mutation check: ``python -m tests.mutation [KIND...]`` seeds faults in the kinds and counts those caught.

Exit code 0 when every kind that was asked for is measured and at or above the least share of faults caught.
"""

import argparse
import sys
from dataclasses import dataclass, field

from rules.kinds import KINDS
from tests.mutation.faults import Fault, faults, sample
from tests.mutation.running import LIMIT, Subject, run, sound, subject_of, warm_up

LEAST = 90
"""Per cent of seeded faults that the tests of a kind must catch."""
WIDTH = 110
"""Characters shown of a statement."""


@dataclass(slots=True)
class Tally:
    """What became of one kind's faults."""

    subject: Subject
    measured: bool = True
    caught: int = 0
    unfit: int = 0
    survivors: list[Fault] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        """Faults that count: those with which the module still imports."""
        return self.caught + len(self.survivors)

    @property
    def enough(self) -> bool:
        """At or above the least share."""
        return self.measured and self.caught * 100 >= LEAST * self.mutants


def main(arguments: list[str] | None = None) -> int:
    """Run the check and return the exit code."""
    options = _options(arguments)
    warm_up()
    _say(f"{'kind':<28}{'mutants':>8}{'caught':>8}{'survivors':>11}{'%':>7}")
    tallies = []
    for kind in options.kinds or sorted(KINDS):
        tally = measure(subject_of(kind), count=options.per_kind, seed=options.seed, jobs=options.jobs)
        tallies.append(tally)
        _say(_row(kind, tally))
        if options.survivors:
            _say_survivors(tally)
    whole = Tally(tallies[0].subject)
    for tally in tallies:
        whole.caught += tally.caught
        whole.unfit += tally.unfit
        whole.survivors += tally.survivors
    _say(_row("total", whole))
    if whole.unfit:
        _say(f"not counted, since the module does not import with them: {whole.unfit}")
    return 0 if all(tally.enough for tally in tallies) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Seed faults in the kinds of rules.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="kinds to try; none means all")
    parser.add_argument("--per-kind", type=int, default=40, metavar="N", help="faults per kind at most (40)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed takes another sample (1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="faults tried at once (2)")
    parser.add_argument("--survivors", action="store_true", help="show each fault that no test noticed")
    options = parser.parse_args(arguments)
    if strangers := sorted(set(options.kinds) - set(KINDS)):
        parser.error(f"no such kind: {', '.join(strangers)}")
    if options.per_kind < 1 or options.jobs < 1:
        parser.error("--per-kind and --jobs are at least 1")
    return options


def measure(subject: Subject, *, count: int, seed: int, jobs: int, limit: float = LIMIT) -> Tally:
    """Seed a sample of faults in one module and count those its tests catch."""
    tally = Tally(subject)
    if not sound(subject, limit=limit):
        tally.measured = False
        return tally
    planted = sample(faults(subject.source), count, f"{seed} {subject.name}")
    for fault, outcome in run(subject, planted, jobs=jobs, limit=limit):
        if outcome == "survived" and fault is not None:
            tally.survivors.append(fault)
        tally.caught += outcome == "caught"
        tally.unfit += outcome == "unfit"
    tally.survivors.sort(key=lambda fault: fault.number)
    return tally


def _row(name: str, tally: Tally) -> str:
    if not tally.measured:
        return f"{name:<28} not measured: its tests fail without any fault, or there are none"
    share = f"{100 * tally.caught / tally.mutants:.1f}" if tally.mutants else "-"
    return f"{name:<28}{tally.mutants:>8}{tally.caught:>8}{len(tally.survivors):>11}{share:>7}"


def _say_survivors(tally: Tally) -> None:
    for fault in tally.survivors:
        before, after = around(fault)
        _say(f"  {tally.subject.path.name}:{fault.line} in {fault.function}\n    - {before}\n    + {after}")


def around(fault: Fault) -> tuple[str, str]:
    """Return both sides of a fault, a long statement cut to what stands near the change."""
    pairs = enumerate(zip(fault.before, fault.after, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), len(fault.before))
    start = max(0, same - WIDTH // 2) if len(fault.before) > WIDTH else 0
    before, after = (("…" if start else "") + side[start : start + WIDTH] for side in (fault.before, fault.after))
    return before, after


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
