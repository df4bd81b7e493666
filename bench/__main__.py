"""``python -m bench [--quick] [--only NAME …]``: measure, and print a plain table with the goals beside the figures."""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench import catalogue, dip, history, inside, library, load, packload, recording, rounds, starter, synthetic
from bench.arithmetic import halves, paired
from bench.messages import ROTATION, Body
from bench.servers import BASELINE, ECHO, Server, Service, cores, metric, running
from bench.table import Row, Section, at_most, render
from rules import CompiledPack, Rulebook, check
from rules.compiler import build
from rules.dip.compiler import build_scheme
from rules.dip.directory import Directory
from rules.model import Input

SIZES: Final = (1_000, 10_000, 100_000)
LINES: Final = 30
CLIENTS: Final = (1, 8, 32)
MAIN_CLIENTS: Final = 8
WHOLE_GOAL, LATER_GOAL, GROWTH_GOAL, LIBRARY_GOAL = 0.75, 0.40, 1.2, 1.15
LOAD_SECONDS_GOAL, LOAD_MB_GOAL = 2.0, 150.0
HISTORY_MS_GOAL: Final = 5.0
GROUP_RATE_GOAL, DIP_US_GOAL = 50_000, 100.0
LIBRARIES: Final = ("fastapi", "pydantic", "msgspec", "orjson", "uvicorn", "uvloop")


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int
    seconds: float
    inside_rounds: int
    different: int
    """Messages that are all different, against which remembered values are no help."""
    drained: int
    loads: int
    lengths: tuple[int, ...]
    """Other numbers of order lines to compare at."""
    grouped: int
    """Cases to group."""
    by_wrk: int
    """Rounds of throughput, where wrk is present."""
    saved: int
    """Lines in the record of saved lines."""


FULL: Final = Effort(
    rounds=5,
    seconds=1.5,
    inside_rounds=40,
    different=500,
    drained=5_000,
    loads=5,
    lengths=(3, 300),
    grouped=5_000,
    by_wrk=5,
    saved=10_000_000,
)
QUICK: Final = Effort(
    rounds=2,
    seconds=0.4,
    inside_rounds=5,
    different=0,
    drained=300,
    loads=2,
    lengths=(),
    grouped=1_000,
    by_wrk=1,
    saved=200_000,
)
SLOW: Final = ("growth-http", "record-http", "history")
"""Not part of ``--quick`` unless named."""


class Materials:
    """Packs and messages, made when first asked for and then kept."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.now = datetime.now(inside.ZONE)
        self._packs: dict[int, CompiledPack] = {}

    @cached_property
    def starter(self) -> CompiledPack:
        return starter.pack()

    @cached_property
    def starter_rulebook(self) -> Rulebook:
        return Rulebook.build([self.starter])

    @cached_property
    def starter_bodies(self) -> tuple[Body, ...]:
        return self.starter_bodies_of(LINES)

    def starter_bodies_of(self, lines: int) -> tuple[Body, ...]:
        return starter.bodies(self.starter_rulebook, lines, self.now)

    def pack(self, rules: int) -> CompiledPack:
        if rules not in self._packs:
            self._packs[rules] = synthetic.pack(rules)
        return self._packs[rules]

    def bodies(self, rules: int, lines: int = LINES) -> tuple[Body, ...]:
        return synthetic.bodies(rules, lines, self.now)


Measure = Callable[[Materials], Iterator[Section]]


# --- over HTTP ---


def whole(materials: Materials) -> Iterator[Section]:
    """Measure the service on the starter pack against the baseline and the echo."""
    effort = materials.effort
    with running(Service("service"), BASELINE, ECHO) as servers:
        service = servers[0]
        findings = rounds.prove(_at(service, materials.starter_bodies))
        targets = [(server, _at(server, materials.starter_bodies)) for server in servers]
        for server, target in targets:
            rounds.warm(server, target)
        asked = 0
        for clients in CLIENTS:
            found = rounds.interleaved(_twice_the_base(targets), clients, effort.seconds, effort.rounds)
            asked += found["service"].requests
            yield _compared(clients, found, findings / len(materials.starter_bodies))
        if load.wrk_is_here():
            yield _throughput(targets, effort)
        yield from (_of_length(materials, servers, lines) for lines in effort.lengths)
        yield _recorded(service, asked)


def _at(server: Server, bodies: Sequence[Body]) -> load.Target:
    return load.Target(server.port, inside.PATH, bodies)


def _twice_the_base(targets: list[tuple[Server, load.Target]]) -> list[tuple[Server, load.Target]]:
    service, base, echo = targets
    return [service, base, echo, base]


def _compared(clients: int, found: dict[str, rounds.Series], findings: float) -> Section:
    service, base, echo = found["service"], found["baseline"], found["echo"]
    ratio = paired(service.cpu_us, halves(base.cpu_us))
    rows = [
        at_most("CPU, service / baseline", ratio, WHOLE_GOAL, later=f"later {LATER_GOAL}"),
        Row("CPU, service / echo", f"{paired(service.cpu_us, echo.cpu_us):.1f}"),
    ]
    for name, series in found.items():
        rows.append(Row(f"{name}: CPU per request", _us(series.cpu_us)))
        p50, p99 = statistics.median(series.p50), statistics.median(series.p99)
        rows.append(Row(f"{name}: latency p50 / p99", f"{p50:.2f} / {p99:.2f} ms"))
    title = f"Whole request, starter pack, {LINES} lines, {findings:.1f} findings, {clients} clients"
    return Section(title, tuple(rows))


def _throughput(targets: list[tuple[Server, load.Target]], effort: Effort) -> Section:
    seconds = max(1, round(effort.seconds))
    rates: dict[str, list[float]] = {server.name: [] for server, _ in targets}
    for _ in range(effort.by_wrk):
        for server, target in targets:
            server.settle()
            rates[server.name].append(load.throughput(target, MAIN_CLIENTS, seconds))
    rows = [Row(f"{name}", f"{statistics.median(found):.0f} req/s") for name, found in rates.items()]
    return Section(f"Throughput by wrk, {MAIN_CLIENTS} connections", tuple(rows))


def _of_length(materials: Materials, servers: list[Server], lines: int) -> Section:
    bodies = materials.starter_bodies_of(lines)
    rounds.prove(_at(servers[0], bodies))
    targets = [(server, _at(server, bodies)) for server in servers]
    effort = materials.effort
    found = rounds.interleaved(_twice_the_base(targets), MAIN_CLIENTS, effort.seconds, max(3, effort.rounds // 2))
    service, base = found["service"], found["baseline"]
    size = sum(body.size for body in bodies) / len(bodies) / 1000
    rows = (
        Row("CPU, service / baseline", f"{paired(service.cpu_us, halves(base.cpu_us)):.2f}"),
        Row("CPU, service / echo", f"{paired(service.cpu_us, found['echo'].cpu_us):.1f}"),
        Row("service: CPU per request", _us(service.cpu_us)),
    )
    return Section(f"{lines} lines ({size:.0f} KB), {MAIN_CLIENTS} clients", rows)


def _recorded(service: Server, asked: int) -> Section:
    """Say whether every answer is in the database."""
    service.settle()
    written = metric(service, 'dipcheck_journal_events_total{event="records_written"')
    answered = metric(service, "dipcheck_checks_total")
    if written < answered or answered < asked:
        raise AssertionError(f"{answered:.0f} checks were answered and {written:.0f} are in the database")
    row = Row("verdicts answered / in PostgreSQL", f"{answered:.0f} / {written:.0f}", "all", met=True)
    return Section("Record", (row,))


def growth_http(materials: Materials) -> Iterator[Section]:
    """Measure the whole request over HTTP as the rules grow."""
    effort = materials.effort
    makers = [Service(f"{size:,} rules", materials.pack(size)) for size in SIZES]
    with running(*makers) as servers:
        targets = [(server, _at(server, materials.bodies(size))) for server, size in zip(servers, SIZES, strict=True)]
        findings = {rounds.prove(target) for _, target in targets}
        for server, target in targets:
            rounds.warm(server, target)
        found = rounds.interleaved(targets, MAIN_CLIENTS, effort.seconds, effort.rounds)
        series = list(found.values())
        rows = [
            Row(f"{server.name}: CPU per request / memory", f"{_us(one.cpu_us)} / {server.memory_mb():.0f} MB")
            for server, one in zip(servers, series, strict=True)
        ]
        rows.insert(0, at_most("CPU, 100,000 / 1,000 rules", paired(series[2].cpu_us, series[0].cpu_us), GROWTH_GOAL))
        each = sum(findings) / len(findings) / len(materials.bodies(SIZES[0]))
        yield Section(f"Growth over HTTP, {LINES} lines, {each:.1f} findings, {MAIN_CLIENTS} clients", tuple(rows))


def _us(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f} µs"


def record_http(materials: Materials) -> Iterator[Section]:
    """Measure what the record adds, over HTTP: the journal by how it is synced, and the whole way to PostgreSQL."""
    effort = materials.effort
    makers = [Service("no record", mode="off")]
    makers += [Service(f"journal, fsync {policy}", mode="journal", fsync=policy) for policy in recording.POLICIES]
    makers.append(Service("whole record"))
    with running(*makers) as servers:
        targets = [(server, _at(server, materials.starter_bodies)) for server in servers]
        for server, target in targets:
            rounds.prove(target)
            rounds.warm(server, target)
        for clients in recording.CLIENTS:
            found = rounds.interleaved(targets, clients, effort.seconds, effort.rounds)
            yield _added(clients, found)


def _added(clients: int, found: dict[str, rounds.Series]) -> Section:
    """Compare each way of recording with none, round by round."""
    off, *ways = found.items()
    rows = [Row("no record: CPU per request, latency p50 / p99", f"{_us(off[1].cpu_us)}, {_latency(off[1])}")]
    for name, series in ways:
        ratio = paired(series.cpu_us, off[1].cpu_us)
        p50, p99 = (
            statistics.median(value - other for value, other in zip(one, base, strict=True))
            for one, base in ((series.p50, off[1].p50), (series.p99, off[1].p99))
        )
        waits = name.endswith("always") and clients == max(recording.CLIENTS)
        if waits:
            rows.append(at_most(f"{name}: CPU / no record", ratio, recording.CPU_GOAL))
            rows.append(at_most(f"{name}: added p50", p50, recording.ADDED_MS_GOAL, unit=" ms"))
        else:
            rows.append(Row(f"{name}: CPU / no record", f"{ratio:.2f}"))
            rows.append(Row(f"{name}: added p50", f"{p50:.2f} ms"))
        rows.append(Row(f"{name}: added p99", f"{p99:.2f} ms"))
    note = (
        "no record still makes one: the id rests on it; only the whole record brings rows to PostgreSQL; "
        "clients that always ask saturate the one worker, so each waits for the added CPU of all"
    )
    return Section(f"What recording adds, starter pack, {LINES} lines, {clients} clients", tuple(rows), note)


def _latency(series: rounds.Series) -> str:
    return f"{statistics.median(series.p50):.2f} / {statistics.median(series.p99):.2f} ms"


# --- in one process ---


def shares(materials: Materials) -> Iterator[Section]:
    """Measure where the time of a request goes."""
    found = inside.shares(materials.starter_rulebook, materials.starter_bodies, materials.effort.inside_rounds)
    steps = {"read": found.read, "check": found.check, "record": found.record, "write": found.write}
    rows = [Row("whole, in process", f"{found.whole:.0f} µs")]
    rows += [Row(f"  {name}", f"{value:.0f} µs  {value / found.whole:4.0%}") for name, value in steps.items()]
    rows += [
        Row("of record: journal append", f"{found.append:.1f} µs  {found.append / found.whole:4.0%}"),
        Row("of record: encoding input and verdict", f"{found.encode:.0f} µs  {found.encode / found.whole:4.0%}"),
        Row("journal bytes per verdict", f"{found.journal_bytes:.0f}"),
    ]
    yield Section(f"Where the time goes, starter pack, {LINES} lines (CPU, no server)", tuple(rows))


def growth(materials: Materials) -> Iterator[Section]:
    """Measure whole request and evaluator in process as the rules grow."""
    effort = materials.effort
    books = {size: Rulebook.build([materials.pack(size)]) for size in SIZES}
    insiders = {size: inside.Insider(book) for size, book in books.items()}
    try:
        for title, count in (("messages in rotation", ROTATION), ("different messages", effort.different)):
            if count:
                bodies = {size: synthetic.bodies(size, LINES, materials.now, count) for size in SIZES}
                turns = max(3, effort.inside_rounds * ROTATION // count)
                yield _grown(f"{count} {title}", insiders, bodies, turns)
    finally:
        for insider in insiders.values():
            insider.close()


def _grown(title: str, insiders: dict[int, inside.Insider], bodies: dict[int, tuple[Body, ...]], turns: int) -> Section:
    given = {size: [insider.given(body) for body in bodies[size]] for size, insider in insiders.items()}
    for size, insider in insiders.items():
        for one, body in zip(given[size], bodies[size], strict=True):
            if starter.shown(check(one, insider.rulebook)) != body.expected:
                raise AssertionError(f"the evaluator is wrong at {size} rules")
    steps: dict[str, inside.Step] = {}
    for size, insider in insiders.items():
        steps[f"whole {size}"] = _requests(insider, bodies[size])
        steps[f"check {size}"] = _checks(insider, given[size])
    spent = inside.in_turn(steps, turns)
    count = len(bodies[SIZES[0]])
    whole, alone = (paired(spent[f"{what} {SIZES[-1]}"], spent[f"{what} {SIZES[0]}"]) for what in ("whole", "check"))
    rows = [
        at_most("whole request, 100,000 / 1,000 rules", whole, GROWTH_GOAL),
        Row("evaluator alone, 100,000 / 1,000 rules", f"{alone:.2f}"),
    ]
    for size in SIZES:
        whole_us, check_us = (statistics.median(spent[f"{what} {size}"]) / count for what in ("whole", "check"))
        rows.append(Row(f"{size:,} rules: whole / evaluator alone", f"{whole_us:.0f} / {check_us:.0f} µs"))
    return Section(f"Growth in process, {LINES} lines, {title}", tuple(rows))


def _requests(insider: inside.Insider, bodies: Sequence[Body]) -> inside.Step:
    return lambda: [insider.request(insider.fresh(body)) for body in bodies]


def _checks(insider: inside.Insider, given: Sequence[Input]) -> inside.Step:
    return lambda: [check(one, insider.rulebook) for one in given]


def library_size(materials: Materials) -> Iterator[Section]:
    """Measure what the whole library costs a check that ten of its rules are about."""
    book = materials.starter_rulebook
    ten = Rulebook.build([library.ten_rules(book, materials.starter)])
    bodies = library.bodies(book, ten, LINES, materials.now)
    insiders = {"library": inside.Insider(book), "ten": inside.Insider(ten)}
    try:
        steps: dict[str, inside.Step] = {}
        for name, insider in insiders.items():
            steps[f"whole {name}"] = _requests(insider, bodies)
            steps[f"check {name}"] = _checks(insider, [insider.given(body) for body in bodies])
        spent = inside.in_turn(steps, materials.effort.inside_rounds)
    finally:
        for insider in insiders.values():
            insider.close()
    whole, alone = (paired(spent[f"{what} library"], spent[f"{what} ten"]) for what in ("whole", "check"))
    rows = [
        at_most(f"whole request, {len(book.entries):,} rules / 10 rules", whole, LIBRARY_GOAL),
        Row("evaluator alone", f"{alone:.2f}"),
    ]
    for name in insiders:
        whole_us, check_us = (statistics.median(spent[f"{what} {name}"]) / len(bodies) for what in ("whole", "check"))
        rows.append(Row(f"{name}: whole / evaluator alone", f"{whole_us:.0f} / {check_us:.0f} µs"))
    yield Section(f"The whole starter library, {LINES} lines, ten of them named by a rule", tuple(rows))


def loading(materials: Materials) -> Iterator[Section]:
    """Measure the load of a built pack of 100,000 rules."""
    data = build(materials.pack(SIZES[-1]))
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        path = Path(folder) / "big.pack"
        path.write_bytes(data)
        tries = [packload.measure(path) for _ in range(materials.effort.loads)]
    one = min(tries, key=lambda loaded: loaded.seconds)
    rows = (
        at_most("time", one.seconds, LOAD_SECONDS_GOAL, unit=" s"),
        at_most("memory growth", one.growth_mb, LOAD_MB_GOAL, unit=" MB", digits=0),
        Row("CPU time", f"{one.cpu_seconds:.2f} s"),
        Row("of it: load and prove / index", f"{one.load_seconds:.2f} / {one.index_seconds:.2f} s"),
        Row("highest growth while loading", f"{one.peak_mb:.0f} MB"),
        Row("file", f"{len(data) / 1e6:.1f} MB"),
    )
    yield Section(f"Load of a built pack, {SIZES[-1]:,} rules, fresh process", rows, f"quickest of {len(tries)}")


def draining(materials: Materials) -> Iterator[Section]:
    """Measure how fast records get to PostgreSQL: bare, with the hash chain, and sealed as well."""
    for lines in (recording.GOAL_LINES, LINES):
        bodies = materials.starter_bodies_of(lines)
        found = recording.drain(materials.starter_rulebook, bodies, materials.effort.drained)
        yield _drained(lines, found)


def _drained(lines: int, found: dict[str, list[recording.Drained]]) -> Section:
    rows = []
    for way, series in found.items():
        each = min(series, key=lambda one: one.seconds)
        rate = f"{each.rate:.0f}, {each.rows / each.seconds:.0f} rows"
        if way == recording.BARE and lines == recording.GOAL_LINES:
            goal, met = f">= {recording.DRAIN_GOAL:,} verdicts", each.rate >= recording.DRAIN_GOAL
            rows.append(Row(f"{way}: verdicts per second", rate, goal, met))
        else:
            rows.append(Row(f"{way}: verdicts per second", rate))
        rows.append(Row("  CPU per verdict: recorder / PostgreSQL", f"{each.cpu_us:.0f} / {each.server_us:.0f} µs"))
    one = found[recording.BARE][0]
    rows.append(Row("rows / journal bytes per verdict", f"{one.rows / one.verdicts:.1f} / {one.payload_bytes:.0f}"))
    note = f"quickest of {len(found[recording.BARE])}, batches of 1,000, PostgreSQL on the other core"
    if lines == recording.GOAL_LINES:
        note += "; the goal was set on four rows and 2 KB"
    return Section(f"Recorder alone, {one.verdicts} verdicts of {lines} lines", tuple(rows), note)


def grouping(materials: Materials) -> Iterator[Section]:
    """Measure the DIP grouper on a generated catalogue of national size."""
    known = catalogue.codes()
    made = catalogue.scheme(known)
    data, directory = build_scheme(made), Directory.build(made)
    cases = catalogue.cases(made, known, materials.effort.grouped)
    dip.prove(directory, cases)
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        path = Path(folder) / "big.scheme"
        path.write_bytes(data)
        loaded = min((dip.load(path) for _ in range(materials.effort.loads)), key=lambda one: one["seconds"])
    found = dip.speed(directory, cases, max(3, materials.effort.inside_rounds // 4))
    rows = (
        Row(
            "groupings per second, one core", f"{1e6 / found.group:,.0f}", f">= {GROUP_RATE_GOAL:,}",
            1e6 / found.group >= GROUP_RATE_GOAL,
        ),
        Row("  one grouping / with nothing remembered", f"{found.group:.1f} / {found.group_anew:.1f} µs"),
        at_most("DIP part of a check", found.stay, DIP_US_GOAL, unit=" µs", digits=0),
        Row("  the first check of a stay", f"{found.stay_first:.0f} µs"),
        Row("group, points and payment of a case", f"{found.assess:.0f} µs"),
        Row("load and index / of it index", f"{loaded['seconds']:.2f} / {loaded['index_seconds']:.2f} s"),
        Row("memory growth", f"{loaded['growth_mb']:.0f} MB"),
        Row("file", f"{len(data) / 1e6:.1f} MB"),
    )  # fmt: skip
    title = f"DIP, {catalogue.CORE:,} core + {catalogue.COMPREHENSIVE:,} comprehensive rows"
    tables = "real code tables" if known.real else "made-up codes"
    yield Section(title, rows, f"{tables}; {len(cases):,} cases, {found.grouped:.0%} of them in a group")


def past(materials: Materials) -> Iterator[Section]:
    """Measure what it takes to look up what was recorded of a patient."""
    found = history.measure(history.Size(materials.effort.saved), tries=1_000)
    rows = [Row("lines / MB with indexes", f"{found.lines:,} / {found.megabytes:,.0f}")]
    for looked in found.looked:
        window = f"{looked.days} days, {looked.lines:.0f} lines"
        p99 = history.percentile(looked.query_ms, 0.99)
        rows.append(Row(f"{window}: query, p50", f"{statistics.median(looked.query_ms):.2f} ms"))
        rows.append(at_most(f"{window}: query, p99", p99, HISTORY_MS_GOAL, unit=" ms"))
        whole = (statistics.median(looked.whole_ms), history.percentile(looked.whole_ms, 0.99))
        rows.append(Row(f"{window}: as a check waits for it, p50 / p99", f"{whole[0]:.2f} / {whole[1]:.2f} ms"))
    yield Section(
        "Look-up of history, each patient once",
        tuple(rows),
        f"made in {found.fill_seconds:.0f} s; {history.Size(1).months} months, one at a time",
    )


MEASURES: Final[dict[str, Measure]] = {
    "shares": shares,
    "library": library_size,
    "growth": growth,
    "loading": loading,
    "draining": draining,
    "dip": grouping,
    "history": past,
    "whole": whole,
    "growth-http": growth_http,
    "record-http": record_http,
}


def machine() -> str:
    """Say on what this was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    one, other = cores()
    return (
        f"{os.cpu_count()} cores, {next(names, platform.machine())}, load {os.getloadavg()[0]:.1f}; Python "
        f"{platform.python_version()}, {libraries}; servers on core {one}, clients and PostgreSQL on core {other}; "
        f"wrk {'present' if load.wrk_is_here() else 'absent'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was chosen and print it; 0 whether or not the goals are met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most a minute, and correspondingly rough")
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    chosen = parser.parse_args(arguments)
    os.sched_setaffinity(0, {cores()[1]})
    materials = Materials(QUICK if chosen.quick else FULL)
    started = time.monotonic()
    print(machine(), flush=True)
    usual = [name for name in MEASURES if not (chosen.quick and name in SLOW)]
    for name in chosen.only or usual:
        for section in MEASURES[name](materials):
            print(render(section), flush=True)
    print(f"\n{time.monotonic() - started:.0f} s; ratios are medians of ratios within a round, and what to compare")
    return 0


if __name__ == "__main__":
    sys.exit(main())
