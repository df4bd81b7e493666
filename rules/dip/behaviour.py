"""Behaviour scores of a hospital (违规行为监管目录, K14-K18): signs to look into, none of them proof of anything.

The national formulas are not public (dip facts 3.7, 9): all thresholds are parameters of the scheme (``Behaviour``).
They score a hospital over a set of cases and never change the group or the points of one case. A case that lacks what
a score needs is counted as not judged, with the reason; it is neither clean nor suspect.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from rules.dip.amounts import rounded, usable_cost, usable_days
from rules.dip.model import Assessed, Behaviour, Case
from rules.dip.record_quality import RecordChecks, RecordQuality, record_quality
from rules.dip.words import number
from rules.noun import Noun

ScoreName = Literal["readmission", "low_standard", "over_long", "death_risk"]
NotJudgedReason = Literal[
    "ungrouped",
    "patient_unknown",
    "stay_dates_absent",
    "principal_absent",
    "cost_absent",
    "mean_cost_absent",
    "days_absent",
    "mean_days_absent",
    "outcome_absent",
    "mortality_absent",
    "bed_day",
    "usual_mortality",
]
"""Why a case is not judged: no group; no pseudonym; no day of admission or discharge; and so on. The last two are out
of scope: long stays of bed-day groups, and groups in which deaths are usual."""

SCORE_WORDS: Final[dict[ScoreName, str]] = {
    "readmission": "二次入院",
    "low_standard": "低标入院",
    "over_long": "超长住院",
    "death_risk": "死亡风险",
}
RISK_WORDS: Final[dict[str, str]] = {"high": "高风险", "medium": "中风险", "low": "低风险"}
CATEGORY: Final = 3
"""Characters of an ICD-10 category."""
DECIMALS: Final = 4
"""Ratios and shares are shown with so many decimals; they are judged unrounded."""

Cases = Sequence[tuple[Case, Assessed]]


class Flagged(Noun, frozen=True, kw_only=True):
    """A case that shows the sign."""

    position: int
    """Place among the cases handed in, from 0."""
    case: str = ""
    group: str = ""
    ratio: Decimal | None = None
    """Cost / group mean, stay / group mean, or the group's usual share of deaths; ``None`` for readmissions."""
    days: int | None = None
    """Readmissions: days since the discharge before."""
    before: int | None = None
    """Readmissions: position of the stay before."""
    risk: str = ""
    """``high``, ``medium`` or ``low``, as the scheme names it."""
    words: str = ""


class NotJudged(Noun, frozen=True, kw_only=True):
    """Cases a score says nothing of."""

    reason: NotJudgedReason
    cases: int


class Score(Noun, frozen=True, kw_only=True):
    """One behaviour score over a set of cases: judged + not judged = all cases."""

    name: ScoreName
    judged: int
    flagged: tuple[Flagged, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    share: Decimal | None = None
    """Flagged / judged, four decimals; ``None`` where nothing could be judged."""
    words: str = ""


class BehaviourReport(Noun, frozen=True, kw_only=True):
    """The behaviour scores of one set of cases."""

    cases: int
    scores: tuple[Score, ...]
    records: RecordQuality | None = None


def behaviour(cases: Cases, rules: Behaviour, *, records: RecordChecks | None = None) -> BehaviourReport:
    """Return every behaviour score over a hospital's cases, and the record quality index where checks are given."""
    return BehaviourReport(
        cases=len(cases),
        scores=(
            readmission(cases, rules),
            low_standard(cases, rules),
            over_long(cases, rules),
            death_risk(cases, rules),
        ),
        records=record_quality(records) if records else None,
    )


Finding = Flagged | NotJudgedReason | None
"""What a score says of a case: it shows the sign, cannot be judged, or is unremarkable."""


def low_standard(cases: Cases, rules: Behaviour) -> Score:
    """低标入院 (K16): case cost / group mean cost below a threshold. A death is never one: it cuts a stay short."""

    def judge(position: int, case: Case, assessed: Assessed) -> Finding:
        group = assessed.group
        if group is None:
            return "ungrouped"
        cost = usable_cost(case.cost)
        if cost is None:
            return "cost_absent"
        if not group.mean_cost or group.mean_cost < 0:
            return "mean_cost_absent"
        ratio = Decimal(cost) / group.mean_cost
        risk = next((risk for below, risk in rules.low_standard if ratio < below), "")
        if not risk or case.died is True:
            return None
        shown = rounded(ratio, DECIMALS)
        return Flagged(
            position=position,
            case=case.id,
            group=group.code,
            ratio=shown,
            risk=risk,
            words=f"住院费用为病种均费的 {_percent(shown)},{_risk(risk)},请核查入院指征。",
        )

    return _score("low_standard", cases, (judge(place, *pair) for place, pair in enumerate(cases)))


def over_long(cases: Cases, rules: Behaviour) -> Score:
    """超长住院 (K17): stay / mean stay of the group over a threshold. Bed-day groups are out of scope."""

    def judge(position: int, case: Case, assessed: Assessed) -> Finding:
        group = assessed.group
        if group is None:
            return "ungrouped"
        if assessed.grouping.status == "bed_day":
            return "bed_day"
        days = usable_days(case.days)
        if days is None:
            return "days_absent"
        if not group.mean_days or group.mean_days < 0:
            return "mean_days_absent"
        ratio = Decimal(days) / group.mean_days
        risk = next((risk for over, risk in rules.over_long if ratio > over), "")
        if not risk:
            return None
        shown = rounded(ratio, DECIMALS)
        return Flagged(
            position=position,
            case=case.id,
            group=group.code,
            ratio=shown,
            risk=risk,
            words=f"住院 {days} 天,为病种平均住院日的 {number(shown)} 倍,{_risk(risk)},请核查住院必要性。",
        )

    return _score("over_long", cases, (judge(place, *pair) for place, pair in enumerate(cases)))


def death_risk(cases: Cases, rules: Behaviour) -> Score:
    """死亡风险 (K18): a death in a group whose usual share of deaths is low. Judged are the cases of such groups.

    So the share is 低风险组死亡率: deaths / cases in low-risk groups (users page, 5).
    """

    def judge(position: int, case: Case, assessed: Assessed) -> Finding:
        group = assessed.group
        if group is None:
            return "ungrouped"
        if group.mortality is None:
            return "mortality_absent"
        if group.mortality >= rules.low_mortality:
            return "usual_mortality"
        if not case.died:
            return None if case.died is False else "outcome_absent"
        return Flagged(
            position=position,
            case=case.id,
            group=group.code,
            ratio=group.mortality,
            risk="high",
            words=f"病种通常死亡率 {_percent(group.mortality)},本例死亡,{_risk('high')},请组织病例讨论。",
        )

    return _score("death_risk", cases, (judge(place, *pair) for place, pair in enumerate(cases)))


def readmission(cases: Cases, rules: Behaviour) -> Score:
    """二次入院 (K15): the same person admitted to the same hospital again, within so many days, unplanned (ruling 27).

    Planned is what the case says is planned, and a principal diagnosis or operation of planned care (chemotherapy,
    radiotherapy, dialysis, staged surgery). A stay elsewhere between the two makes it a transfer. The later stay is
    the one flagged; its stay before is the latest that fits.
    """
    findings: list[Finding] = [_unreadable(case, assessed, rules) for case, assessed in cases]
    stays: dict[str, list[_Stay]] = defaultdict(list)
    for position, (case, assessed) in enumerate(cases):
        if case.patient and case.admitted and case.discharged and case.admitted <= case.discharged:
            stays[case.patient].append((case.admitted, case.discharged, position, case, _category(case, assessed)))
    for own in stays.values():
        for stay in own:
            if findings[stay[2]] is None and not _planned(*cases[stay[2]], rules):
                findings[stay[2]] = _again(stay, own, rules, cases)
    return _score("readmission", cases, findings)


_Stay = tuple[date, date, int, Case, str]
"""Admitted, discharged, position, case, category of the principal diagnosis."""


def _unreadable(case: Case, assessed: Assessed, rules: Behaviour) -> NotJudgedReason | None:
    """Say what a case lacks to be compared with the person's other stays."""
    if not case.patient:
        return "patient_unknown"
    if case.admitted is None or case.discharged is None or case.admitted > case.discharged:
        return "stay_dates_absent"
    return "principal_absent" if rules.same_category and not _category(case, assessed) else None


def _again(stay: _Stay, own: Iterable[_Stay], rules: Behaviour, cases: Cases) -> Flagged | None:
    """Return the readmission this stay is, or nothing."""
    admitted, _, position, case, category = stay
    fits = [
        other
        for other in own
        if other[2] != position
        and other[3].hospital == case.hospital
        and other[3].died is not True
        and 0 <= (admitted - other[1]).days <= rules.readmission_days
        and (other[0], other[2]) < (admitted, position)
        and (not rules.same_category or other[4] == category)
    ]
    before = max(fits, key=lambda other: (other[1], other[2]), default=None)
    # A stay elsewhere after the latest of them lies after the earlier ones too.
    if before is None or _transferred(before, stay, own):
        return None
    days = (admitted - before[1]).days
    risk = next((risk for most, risk in rules.readmission_risk if days <= most), "low")
    unstated = "" if case.planned is False else ";未注明是否计划内再入院,请核实"
    group = cases[position][1].group
    return Flagged(
        position=position,
        case=case.id,
        group=group.code if group else "",
        days=days,
        before=before[2],
        risk=risk,
        words=f"{before[1].isoformat()} 出院后 {days} 天再次入院,{_risk(risk)}{unstated}。",
    )


def _transferred(before: _Stay, after: _Stay, own: Iterable[_Stay]) -> bool:
    """Say whether the person was in another hospital between two stays."""
    return any(
        other[3].hospital != after[3].hospital and before[1] <= other[0] and other[1] <= after[0] for other in own
    )


def _planned(case: Case, assessed: Assessed, rules: Behaviour) -> bool:
    """Say whether a stay is planned care (ruling 27)."""
    principal = assessed.grouping.principal or case.principal
    operations = assessed.grouping.operations or case.operations
    return (
        case.planned is True
        or (bool(principal) and principal.startswith(rules.planned_principals))
        or any(code.startswith(rules.planned_operations) for code in operations)
    )


def _category(case: Case, assessed: Assessed) -> str:
    return (assessed.grouping.principal or case.principal.strip().upper())[:CATEGORY]


def _score(name: ScoreName, cases: Cases, findings: Iterable[Finding]) -> Score:
    """Sum up what was found."""
    flagged: list[Flagged] = []
    reasons: Counter[NotJudgedReason] = Counter()
    for finding in findings:
        if isinstance(finding, Flagged):
            flagged.append(finding)
        elif finding is not None:
            reasons[finding] += 1
    judged = len(cases) - reasons.total()
    share = rounded(Decimal(len(flagged)) / judged, DECIMALS) if judged else None
    return Score(
        name=name,
        judged=judged,
        flagged=tuple(flagged),
        not_judged=tuple(NotJudged(reason=reason, cases=reasons[reason]) for reason in sorted(reasons)),
        share=share,
        words="".join(_said(name, judged, flagged, share, reasons.total())),
    )


def _said(name: ScoreName, judged: int, flagged: list[Flagged], share: Decimal | None, unread: int) -> Iterator[str]:
    yield f"{SCORE_WORDS[name]}:"
    if share is None:
        yield "没有可判断的病例"
    else:
        yield f"可判断 {judged} 例,需核查 {len(flagged)} 例({_percent(share)})"
        risks = Counter(one.risk for one in flagged)
        yield "".join(f",{_risk(risk)} {count} 例" for risk, count in sorted(risks.items(), key=_order))
    yield f";另有 {unread} 例缺少信息或不适用,未判断。" if unread else "。"


def _order(item: tuple[str, int]) -> tuple[int, str]:
    known = list(RISK_WORDS)
    return (known.index(item[0]) if item[0] in known else len(known), item[0])


def _risk(risk: str) -> str:
    return RISK_WORDS.get(risk, risk)


def _percent(share: Decimal) -> str:
    return f"{number(rounded(share * 100, 2))}%"
