"""What a scheme holds, in lines for people: counts, steps in words, parameters, and what is absent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rules.dip.codes import GroupClass
from rules.dip.model import Deviation, Eligibility, Scheme, Step

CLASSES: tuple[GroupClass, ...] = ("core", "primary_care", "tcm", "bed_day", "comprehensive", "last_resort")
RELATED = {
    "complete": "all related operations must be there",
    "partial": "some related operation suffices",
    "ignored": "related operations are not read",
}


def describe(scheme: Scheme) -> Iterator[str]:
    """Yield the lines of ``dipcheck scheme show``."""
    yield f"{scheme.name} {scheme.version}  {scheme.title}"
    yield f"digest {scheme.digest}"
    yield f"holds for discharges {_period(scheme)}{', an extract' if scheme.partial else ''}"
    yield ""
    yield from _counts(scheme)
    yield "\nsteps:"
    yield from (f"  {number}. {words(step)}" for number, step in enumerate(scheme.steps, start=1))
    yield "\nparameters:"
    yield from (f"  {line}" for line in _parameters(scheme))
    absent = list(_absent(scheme))
    if absent:
        yield "\nabsent:"
        yield from (f"  {line}" for line in absent)
    if scheme.incomplete:
        yield "\nincomplete rows (listed, never used):"
        yield from (f"  {row.group}  {row.name}: {row.note}" for row in scheme.incomplete)
    if scheme.sources:
        yield "\nsources:"
        yield from (f"  {' '.join(filter(None, [source.instrument, source.number]))}" for source in scheme.sources)


def _period(scheme: Scheme) -> str:
    first = f"from {scheme.valid_from}" if scheme.valid_from else ""
    last = f"to {scheme.valid_to}" if scheme.valid_to else ""
    return " ".join(filter(None, [first, last])) or "of any day"


def _counts(scheme: Scheme) -> Iterator[str]:
    kinds = Counter(group.kind for group in scheme.groups)
    yield f"{'groups':<24}{len(scheme.groups):>8}"
    yield from (f"  {kind:<22}{kinds[kind]:>8}" for kind in CLASSES if kinds[kind])
    layers = Counter(row.layer for row in scheme.rows)
    yield f"{'catalogue rows':<24}{len(scheme.rows):>8}"
    yield from (f"  layer {layer:<16}{count:>8}" for layer, count in layers.items())
    if scheme.incomplete:
        yield f"  {'incomplete':<22}{len(scheme.incomplete):>8}"
    rules, auxiliary = scheme.normalisation, scheme.auxiliary
    tables = {
        "operation codes": scheme.operations,
        "diagnosis codes": scheme.diagnoses,
        "mapped operations": rules.operation_map,
        "mapped diagnoses": rules.diagnosis_map,
        "excluded operations": rules.exclusions,
        "excluded diagnoses": rules.excluded_principal,
        "sub-types": auxiliary.rows,
        "CCI codes": auxiliary.cci,
        "severity codes": auxiliary.severity,
        "hospital coefficients": scheme.points.coefficients,
        "point values": scheme.payment.values,
    }
    yield from (f"{name:<24}{len(rows):>8}" for name, rows in tables.items() if rows)


def words(step: Step) -> str:
    """Return one step in words."""
    if step.step == "principal":
        return "judge the principal diagnosis"
    if step.step == "operations":
        return "apply the exclusion list of operations"
    if step.step == "comprehensive":
        return "look in the comprehensive directory"
    if step.step == "last_resort":
        return "look in the groups of last resort"
    codes = "; short operation codes stand for all that begin so" if step.operation_match == "prefix" else ""
    drop = f"; drop rows by {', '.join(step.require)}" if step.require else ""
    layers = ", ".join(step.layers)
    return f"look for a row in {layers}: {RELATED[step.related]}{codes}{drop}; prefer {', then '.join(step.prefer)}"


def _parameters(scheme: Scheme) -> Iterator[str]:
    pools, points, payment = scheme.comprehensive, scheme.points, scheme.payment
    yield f"attribute of a case: {pools.attribute_of}; an intervention counts as {pools.intervention_as}"
    yield _deviation(points.deviation)
    required = "required" if points.coefficient_required else "counts as 1 where there is none"
    yield f"hospital coefficient: {required}{_except(points.no_coefficient)}"
    yield f"auxiliary directory: {scheme.auxiliary.mode}, for {', '.join(scheme.auxiliary.classes) or 'no group'}"
    yield f"points to {points.decimals} decimals, money to {payment.decimals}"
    yield f"fund: {payment.fund}; prepaid {payment.prepay_ratio}, deposit {payment.deposit_ratio}"
    if payment.bands:
        starts = ", ".join(f"from {band.start} {band.pay}" for band in payment.bands)
        yield f"settlement bands: {starts}"
    yield f"paid by DIP: {_eligible(scheme.eligibility)}"


def _deviation(deviation: Deviation) -> str:
    if deviation.formula == "none":
        return "deviation: none"
    low = "<=" if deviation.low_inclusive else "<"
    high = ">=" if deviation.high_inclusive else ">"
    limits = f"low {low} {deviation.low}, high {high} {deviation.high}"
    return f"deviation: {deviation.formula}, {limits} of {deviation.low_reference} / {deviation.high_reference}"


def _except(classes: Sequence[str]) -> str:
    return f", not for {', '.join(classes)}" if classes else ""


def _eligible(rules: Eligibility) -> str:
    parts = [
        f"insurance {', '.join(rules.insurances)}" if rules.insurances else "any insurance",
        f"med_type {', '.join(rules.medical_types)}" if rules.medical_types else "any med_type",
        "" if rules.out_of_area else "not patients insured elsewhere",
        "" if rules.day_surgery else "not day surgery",
        f"from {rules.min_days} days" if rules.min_days is not None else "",
        f"up to {rules.max_days} days" if rules.max_days is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _absent(scheme: Scheme) -> Iterator[str]:
    """Yield what a scheme does not have, and what cannot be told for want of it."""
    groups, all_of = scheme.groups, len(scheme.groups)
    without_score = sum(group.score is None for group in groups)
    without_mean = sum(group.mean_cost is None for group in groups)
    if without_score:
        yield f"score of {without_score} of {all_of} groups: their cases get no points"
    if without_mean:
        yield f"mean cost of {without_mean} of {all_of} groups: no deviation by their mean"
    if scheme.comprehensive.template:
        yield f"figures of the groups `{scheme.comprehensive.template}` that have no row"
    if not scheme.payment.values:
        yield "point values: no payment standard"
    own = any(any(found is not None for found in group.coefficients) for group in groups)
    if scheme.points.coefficient_required and not scheme.points.coefficients and not own:
        yield "hospital coefficients: no points"
    unknown = _without_attribute(scheme)
    if unknown:
        count = f"{len(unknown)} operation{'s' if len(unknown) > 1 else ''} of the catalogue"
        yield f"attribute of {count}: {', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}"
    if not scheme.diagnoses:
        yield "diagnosis table: any code of ICD shape is taken for known"


def _without_attribute(scheme: Scheme) -> list[str]:
    known = {entry.code for entry in scheme.operations if entry.attribute}
    families = tuple(code[:-1] for code in known if code.endswith("*"))
    named = _operations(scheme)
    return sorted(code for code in named if code not in known and not (families and code.startswith(families)))


def _operations(scheme: Scheme) -> set[str]:
    rows: Iterable[tuple[tuple[str, ...], ...]] = (parts for row in scheme.rows for parts in (row.main, row.related))
    return {code for parts in rows for part in parts for code in part}
