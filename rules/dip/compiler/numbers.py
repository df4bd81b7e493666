"""Numbers that must fit together: dates, limits, bands, ratios, coefficients, version maps."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from rules.compiler.diagnostics import Place, Report
from rules.dip.compiler.cells import EARLIEST, LATEST
from rules.dip.compiler.drafts import Drafted, Placed
from rules.dip.compiler.layout import MANIFEST
from rules.dip.compiler.manifest import Written
from rules.dip.model import Coefficient, PointValue, Scheme

_SHARES: Final = (
    "auxiliary.min_variation_drop", "auxiliary.high_cost_share",
    "points.review.share_limit", "points.review.item_share",
    "payment.prepay_ratio", "payment.deposit_ratio", "payment.floating_share", "payment.payment_ratio",
    "behaviour.low_mortality", "quality.near_points", "quality.required_share", "quality.chasing_share",
    "quality.own_share_rise",
)  # fmt: skip
"""Numbers of the manifest from 0 to 1."""
_COUNTS: Final = (
    "points.decimals", "payment.decimals", "points.deviation.low", "points.deviation.high", "points.deviation.extreme",
    "points.deviation.review_from", "points.review.cost_multiple", "points.review.long_stay_multiple",
    "points.ungrouped.score", "points.ungrouped.mean_cost", "points.last_resort.score", "points.last_resort.mean_cost",
    "eligibility.min_days", "eligibility.max_days", "behaviour.readmission_days", "quality.upload_days",
    "auxiliary.min_group_cases", "auxiliary.min_subtype_cases", "auxiliary.long_stay_over", "auxiliary.elderly_from",
    "auxiliary.high_cost_multiple", "quality.low_cost", "quality.chasing_cases", "quality.drift",
)  # fmt: skip
"""Numbers of the manifest that are not negative."""
_DECIMALS: Final = 8
Band = tuple[Decimal | int | None, Decimal | int | None]


def check_numbers(drafted: Drafted, scheme: Scheme, report: Report) -> None:
    """Note numbers that contradict each other, in the manifest and between rows."""
    written = drafted.tables.written
    _Manifest(written, report).check()
    _check_periods(drafted, report)
    _check_maps(drafted, report)
    _check_levels(drafted, report)
    _check_pools(drafted, report)


class _Manifest:
    """Checks of ``scheme.yaml``, each fault at the line of its key."""

    def __init__(self, written: Written, report: Report) -> None:
        self.written = written
        self.manifest = written.manifest
        self.report = report

    def fault(self, code: str, path: str, message: str, help: str = "") -> None:
        self.report.add(code, MANIFEST, message, row=self.written.line(path), column=path, help=help)

    def value(self, path: str) -> Any:
        found: Any = self.manifest
        for name in path.split("."):
            found = getattr(found, name) if found is not None else None
        return found

    def check(self) -> None:
        self.dates()
        self.ranges()
        self.limits()
        self.settlement()
        self.ordered()

    def dates(self) -> None:
        first, last = self.manifest.valid_from, self.manifest.valid_to
        for path, day in (("valid_from", first), ("valid_to", last)):
            if day is not None and not EARLIEST <= day <= LATEST:
                message = f"`{day}` is not between {EARLIEST} and {LATEST}"
                self.fault("OUT_OF_RANGE", path, message, "leave it empty for an open end")
        if first and last and last < first:
            message = f"valid_to `{last}` is before valid_from `{first}`"
            self.fault("REVERSED_DATES", "valid_to", message, "both days are included")

    def ranges(self) -> None:
        for path in _SHARES:
            value = self.value(path)
            if value is not None and not 0 <= value <= 1:
                self.fault("OUT_OF_RANGE", path, f"`{value}` is out of range", "a share from 0 to 1 is expected")
        for path in _COUNTS:
            value = self.value(path)
            if value is not None and value < 0:
                self.fault("OUT_OF_RANGE", path, f"`{value}` is out of range", "at least 0 is expected")
        for path in ("points.decimals", "payment.decimals"):
            if self.value(path) > _DECIMALS:
                message = f"`{self.value(path)}` is out of range"
                self.fault("OUT_OF_RANGE", path, message, f"at most {_DECIMALS} decimals are kept")
        for length in self.manifest.comprehensive.key_lengths:
            if length not in {1, 2, 3}:
                message, path = f"`{length}` is out of range", "comprehensive.key_lengths"
                self.fault("OUT_OF_RANGE", path, message, "keys have 1 to 3 characters; ranges come by themselves")
        for insurance, factor in self.manifest.points.deviation.average_factors.items():
            if factor <= 0:
                path = f"points.deviation.average_factors.{insurance}"
                self.fault("OUT_OF_RANGE", path, f"`{factor}` is out of range", "yuan per point are more than 0")

    def limits(self) -> None:
        deviation = self.manifest.points.deviation
        steps = [("low", deviation.low), ("high", deviation.high), ("extreme", deviation.extreme)]
        for (name, lower), (above, higher) in pairwise(steps):
            if lower is not None and higher is not None and lower >= higher:
                message = f"{above} `{higher}` is not above {name} `{lower}`"
                self.fault("DEVIATION_LIMITS", f"points.deviation.{above}", message, "a normal case lies between them")
        days = self.manifest.eligibility
        if days.min_days is not None and days.max_days is not None and days.min_days > days.max_days:
            message = f"min_days `{days.min_days}` is above max_days `{days.max_days}`"
            self.fault("REVERSED_BOUNDS", "eligibility.max_days", message)

    def settlement(self) -> None:
        bands = self.manifest.payment.bands
        if not bands:
            return
        path = "payment.bands"
        if bands[0].start != 0:
            self.fault("BANDS_GAP", path, f"nothing is said below `{bands[0].start}`", "the first band starts at 0")
        for number, band in enumerate(bands):
            if band.end is not None and band.end <= band.start:
                message = f"a band ends at `{band.end}` and starts at `{band.start}`"
                self.fault("REVERSED_BOUNDS", f"{path}[{number}]", message)
            if not 0 <= band.share <= 1:
                message = f"`{band.share}` is out of range"
                self.fault("OUT_OF_RANGE", f"{path}[{number}].share", message, "a share from 0 to 1 is expected")
        self.joined(path, [(band.start, band.end) for band in bands], step=0)
        if bands[-1].end is not None:
            self.fault("BANDS_GAP", path, f"nothing is said from `{bands[-1].end}` on", "the last band has no end")

    def joined(self, path: str, bands: Sequence[Band], *, step: int, gaps: bool = True) -> None:
        """Note bands that leave something between them, or share something."""
        for number, ((start, end), (following, _)) in enumerate(pairwise(bands), start=1):
            place = f"{path}[{number}]"
            if start is None or following is None or following < start:
                message = f"`{following}` comes after `{start}`"
                self.fault("BANDS_UNORDERED", place, message, "the lowest band comes first")
            elif end is None or following < end + step:
                shown = "without end" if end is None else f"up to `{end}`"
                self.fault("BANDS_OVERLAP", place, f"a band starts at `{following}`, and the one before goes {shown}")
            elif following > end + step and gaps:
                message = f"nothing is said between `{end}` and `{following}`"
                self.fault("BANDS_GAP", place, message, "bands follow each other without a gap")

    def ordered(self) -> None:
        manifest = self.manifest
        self.rising("payment.assessment", [band.start for band in manifest.payment.assessment])
        self.rising("behaviour.low_standard", [limit for limit, _ in manifest.behaviour.low_standard])
        self.rising("behaviour.readmission_risk", [Decimal(days) for days, _ in manifest.behaviour.readmission_risk])
        self.rising("behaviour.over_long", [-limit for limit, _ in manifest.behaviour.over_long])
        for name in ("age_bands", "icu_bands"):
            bands = getattr(manifest.auxiliary, name)
            for number, (word, first, last) in enumerate(bands):
                if last is not None and last < first:
                    message = f"`{word}` ends at {last} and starts at {first}"
                    self.fault("REVERSED_BOUNDS", f"auxiliary.{name}[{number}]", message)
            # Days between two bands may well belong to none of them: 1 ICU day is no sub-type, nor is age 40.
            self.joined(f"auxiliary.{name}", [(first, last) for _, first, last in bands], step=1, gaps=False)

    def rising(self, path: str, limits: Sequence[Decimal]) -> None:
        for number, (one, following) in enumerate(pairwise(limits), start=1):
            if following <= one:
                highest = path == "behaviour.over_long"
                message = f"`{abs(following)}` comes after `{abs(one)}`"
                help = "the highest limit comes first" if highest else "the lowest limit comes first"
                self.fault("BANDS_UNORDERED", f"{path}[{number}]", message, help)


def _check_periods(drafted: Drafted, report: Report) -> None:
    """Rows that hold for the same case on the same day must not give two numbers."""

    def of_coefficient(row: Coefficient) -> Hashable:
        return (row.hospital, row.level, row.insurance, row.group, row.diagnoses, row.kind)

    def of_value(row: PointValue) -> Hashable:
        return (row.use, row.insurance, row.place)

    for table, key in (("coefficients", of_coefficient), ("point_values", of_value)):
        earlier: dict[Hashable, list[Placed[Any]]] = {}
        for placed in drafted.entries.get(table, ()):
            same = earlier.setdefault(key(placed.noun), [])
            twin = next((other for other in same if _same_days(other.noun, placed.noun)), None)
            same.append(placed)
            if twin is not None:
                message = f"two rows of {table} hold for the same cases on the same day"
                help = f"see {twin.place.file}, row {twin.place.row}; keep one, or separate their dates"
                report.at(placed.place, "OVERLAPPING_DATES", message, column="valid_from", help=help)


def _same_days(one: Any, other: Any) -> bool:
    latest_start = max(one.valid_from or date.min, other.valid_from or date.min)
    return bool(latest_start <= min(one.valid_to or date.max, other.valid_to or date.max))


def _check_maps(drafted: Drafted, report: Report) -> None:
    """A map is applied once: a code that is mapped to one that is itself mapped is worth a look."""
    for table in ("diagnosis_map", "operation_map"):
        pairs: dict[str, str] = dict(placed.noun for placed in drafted.entries.get(table, ()))
        for placed in drafted.entries.get(table, ()):
            source, target = placed.noun
            following = pairs.get(target)
            if source == target or following is None or following == target:
                continue
            if following == source and source < target:
                continue  # said at the other row
            if following == source:
                message = f"`{source}` and `{target}` are mapped to each other"
                report.at(
                    placed.place, "MAP_CYCLE", message, column="to", help="a map is applied once; keep one of them"
                )
            else:
                message = f"`{target}` is itself mapped, to `{following}`"
                help = f"a map is applied once; write `{following}` if that is meant"
                report.at(placed.place, "MAP_CHAIN", message, column="to", help=help)


def _check_levels(drafted: Drafted, report: Report) -> None:
    """A group with a coefficient at some hospital levels and none at another pays nothing certain there."""
    first: dict[str, Place] = {}
    said: dict[str, set[int]] = {}
    for row in drafted.groups:
        first.setdefault(row.group.code, row.place)
        filled = {level for level, found in enumerate(row.group.coefficients, start=1) if found is not None}
        said.setdefault(row.group.code, set()).update(filled)
    gaps: dict[tuple[int, ...], list[str]] = {}
    for code, levels in said.items():
        if levels and levels != {1, 2, 3}:
            gaps.setdefault(tuple(sorted({1, 2, 3} - levels)), []).append(code)
    for missing, codes in gaps.items():
        others = len(codes) - 1
        more = f" and {others} more group{'s' if others > 1 else ''} have" if others else " has"
        message = f"`{codes[0]}`{more} no coefficient at level {', '.join(map(str, missing))}"
        help = "such cases get no points, unless coefficients.csv has one"
        report.at(first[codes[0]], "COEFFICIENT_GAP", message, column=f"coefficient_{missing[0]}", help=help)


def _check_pools(drafted: Drafted, report: Report) -> None:
    """Levels of surgery of one key belong to one group."""
    first: dict[tuple[str, str], Placed[Any]] = {}
    for placed in drafted.comprehensive:
        name, _, levels = placed.noun.attribute.partition(":")
        for level in _levels(levels):
            twin = first.setdefault((placed.noun.key, f"{name}:{level}"), placed)
            if twin is not placed and twin.noun.attribute != placed.noun.attribute:
                message = f"`{placed.noun.key}` has {name} of level {level} twice"
                help = f"first in {twin.place.file}, row {twin.place.row}"
                report.at(placed.place, "DUPLICATE_ENTRY", message, column="attribute", help=help)


def _levels(text: str) -> Iterable[str]:
    return text.split("|") if text else ()
