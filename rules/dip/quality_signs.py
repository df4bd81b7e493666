"""Signs of coding too high, too low, or with a wrong principal diagnosis (高套, 低套, 主诊断选择错误; dip facts 6.1).

Each sign is a question for a coder, resting on codes that are in the record, never a verdict. What needs a chart
(tests, procedure records) comes from the caller as *doubtful* codes; without it only contradictions within the codes
themselves are looked at. All that is not known (no points, no cost) gives no sign.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from rules.dip.amounts import usable_cost
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.moves import difference, differs, named, other_principals, points_text, weak_principal
from rules.dip.naming import quoted
from rules.dip.quality_facts import Sign, SignCode
from rules.dip.quality_limits import conflicts
from rules.dip.trials import Trial, Trials

SignKind = Literal["upcoding", "downcoding", "principal"]
LONG_VENTILATION = "96.72"
"""Invasive ventilation of 96 hours or more."""
LONG_VENTILATION_DAYS = 4


def signs(
    case: Case, assessed: Assessed, directory: Directory, doubtful: tuple[str, ...] = ()
) -> Iterator[tuple[SignKind, Sign]]:
    """Yield every sign with its kind; groupings that two of them need are made once."""
    trials = Trials(case, assessed, directory)
    yield from (("upcoding", sign) for sign in _upcoding(trials, doubtful))
    yield from (("downcoding", sign) for sign in _downcoding(trials))
    yield from (("principal", sign) for sign in _principal_errors(trials))


def upcoding(case: Case, assessed: Assessed, directory: Directory, doubtful: tuple[str, ...] = ()) -> tuple[Sign, ...]:
    """Return signs that the group may be too high (高套). ``doubtful``: codes the chart holds no evidence for."""
    return tuple(_upcoding(Trials(case, assessed, directory), doubtful))


def downcoding(case: Case, assessed: Assessed, directory: Directory) -> tuple[Sign, ...]:
    """Return signs that the group may be too low (低套): the record supports a clearly higher one."""
    return tuple(_downcoding(Trials(case, assessed, directory)))


def principal_errors(case: Case, assessed: Assessed, directory: Directory) -> tuple[Sign, ...]:
    """Return signs that the principal diagnosis may be chosen wrongly (主诊断选择错误)."""
    return tuple(_principal_errors(Trials(case, assessed, directory)))


# Upcoding


def _upcoding(trials: Trials, doubtful: tuple[str, ...]) -> Iterator[Sign]:
    refused = next(
        (found for found in trials.assessed.grouping.remarks if found.reason == "principal_diagnosis_not_allowed"), None
    )
    if refused is not None:
        why = refused.detail.rstrip("。")
        words = f"主要诊断{trials.called(trials.principal)}不能作主要诊断:{why}。请核对主要诊断的选择。"
        yield Sign(code="excluded_principal", detail=words, evidence=(trials.principal,))
    for code, why in _doubts(trials, doubtful):
        trial = trials.without(code)
        if clearly_lower(trial, trials):
            same = trial.grouping.group == trials.assessed.grouping.group
            where = "病种不变而辅助目录系数降低" if same else f"将入{named(trial)}"
            words = (
                f"编码{trials.called(code)}{why};去掉该编码后{where},标准分值低 {_apart(trial, trials)}。请核对依据。"
            )
            yield _sign("doubtful_code_raises_group", words, trial, trials, (code,))
    yield from _low_cost(trials)


def _doubts(trials: Trials, doubtful: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield codes, the principal diagnosis apart, that something speaks against, and what."""
    normaliser, case = trials.directory.normaliser, trials.case
    told = {*normaliser.operations(doubtful), *normaliser.diagnoses(doubtful)}
    for code in (*trials.others, *trials.counting):
        against = next(conflicts(code, case, trials.directory, operation=code in trials.operations), "")
        if code in told:
            yield code, "在病历中没有找到依据"
        elif against:
            yield code, against
        elif code in trials.arose:
            yield code, "入院病情为“无”(院内发生),不应提高分值"
        elif code.startswith(LONG_VENTILATION) and case.days is not None and 0 < case.days < LONG_VENTILATION_DAYS:
            yield code, f"表示有创呼吸机使用不少于96小时,而住院仅 {case.days} 天"


def _low_cost(trials: Trials) -> Iterator[Sign]:
    """A case far below the average whose group is high only by the operations its row uses."""
    ratio, limit = cost_ratio(trials.case, trials.assessed), trials.directory.scheme.quality.low_cost
    if ratio is None or ratio >= limit or trials.case.ongoing or trials.assessed.grouping.row is None:
        return  # a stay that goes on has not cost what it will
    present, group = trials.assessed.grouping.group, trials.assessed.group
    for code in trials.assessed.grouping.used:
        trial = trials.without(code)
        if clearly_lower(trial, trials):
            words = (
                f"费用为参考均费的 {_percent(ratio, below=limit)},低于 {_percent(limit)},而入高分值病种"
                f"{quoted(present, group.name if group else '')};如无手术操作{trials.called(code)}将入{named(trial)},"
                f"标准分值低 {_apart(trial, trials)}。请核对该手术操作是否实施。"
            )
            yield _sign("low_cost_in_high_group", words, trial, trials, (code,))
            return


def cost_ratio(case: Case, assessed: Assessed) -> Decimal | None:
    """Return cost / reference average: as counted for the points, else against the group's mean cost."""
    if assessed.points.ratio is not None:
        return assessed.points.ratio
    cost = usable_cost(case.cost)
    mean = usable_cost(assessed.group.mean_cost) if assessed.group else None
    return None if cost is None or mean is None else Decimal(cost) / mean


# Downcoding


def _downcoding(trials: Trials) -> Iterator[Sign]:
    for operation in trials.main_candidates():
        trial = trials.with_main(operation)
        if clearly_higher(trial, trials):
            words = (
                f"已记录的手术操作{trials.called(operation)}如为主要手术操作,将入{named(trial)},"
                f"标准分值高 {_apart(trial, trials)}。请核对主要手术操作的选择。"
            )
            yield _sign("recorded_operation_higher", words, trial, trials, (operation,))
    for diagnosis, operation, because in other_principals(trials):
        trial = trials.with_principal(diagnosis, operation)
        if clearly_higher(trial, trials):
            words = (
                f"已记录的诊断{trials.called(diagnosis)}如为主要诊断,将入{named(trial)},"
                f"标准分值高 {_apart(trial, trials)}({because})。请核对主要诊断的选择。"
            )
            evidence = (diagnosis, operation) if operation else (diagnosis,)
            yield _sign("secondary_diagnosis_higher", words, trial, trials, evidence)


# Principal diagnosis


def _principal_errors(trials: Trials) -> Iterator[Sign]:
    code, quality = trials.principal, trials.directory.scheme.quality
    if not code:
        return
    if code.startswith(quality.symptom_principal):
        yield from _instead("symptom_as_principal", trials, "是症状或体征", _treated(trials))
    elif code.startswith(quality.history_principal):
        diseases = (found for found in trials.candidates() if not found.startswith(("R", "Z")))
        yield from _instead("history_as_principal", trials, "是既往史或家族史", diseases)
    if code in trials.arose:
        words = f"主要诊断{trials.called(code)}入院病情为“无”,表示住院期间发生。请核对主要诊断或入院病情。"
        yield Sign(code="principal_arose_in_hospital", detail=words, evidence=(code,))
    yield from _operation_elsewhere(trials)


def _treated(trials: Trials) -> Iterator[str]:
    """Yield diseases in the record that were treated, as far as codes tell: an operation belongs to them, or, where
    none was done, the catalogue has them as groups of their own."""
    symptoms = (*trials.directory.scheme.quality.symptom_principal, "Z")
    for found in trials.candidates():
        if found.startswith(symptoms):
            continue
        if trials.owned(found) or (not trials.counting and trials.ownership.of(found).listed):
            yield found


def _instead(code: SignCode, trials: Trials, why: str, diseases: Iterator[str]) -> Iterator[Sign]:
    """Yield a sign for the first disease that a principal diagnosis stands before."""
    disease = next(diseases, None)
    if disease is None:
        return
    operation = next(iter(trials.owned(disease)), "")
    trial = trials.with_principal(disease, operation)
    found = f"主要诊断{trials.called(trials.principal)}{why},而已记录疾病诊断{trials.called(disease)}"
    words = f"{found}。请核对主要诊断的选择。"
    evidence = (trials.principal, disease, *([operation] if operation else []))
    yield _sign(code, words, trial if differs(trial, trials) else None, trials, evidence)


def _operation_elsewhere(trials: Trials) -> Iterator[Sign]:
    """The main operation belongs to another recorded diagnosis and not to the principal one."""
    operations = trials.counting
    if not operations or weak_principal(trials):
        return
    main = operations[0]
    ownership = trials.ownership
    if ownership.of(trials.principal).holds(main) or ownership.of_any.holds(main):
        return
    owner = next((found for found in trials.candidates() if ownership.of(found).holds(main)), None)
    if owner is not None:
        trial = trials.with_principal(owner, main)
        words = (
            f"主要手术操作{trials.called(main)}在目录中属于已记录的诊断{trials.called(owner)},不属于主要诊断{trials.called(trials.principal)}。"
            "请核对主要诊断的选择。"
        )
        found = trial if differs(trial, trials) else None
        yield _sign("operation_of_other_diagnosis", words, found, trials, (main, owner))


# Comparing


def clearly_higher(trial: Trial, trials: Trials) -> bool:
    """Say whether a catalogue row's group is worth more by at least the scheme's share of the present points."""
    change = difference(trial, trials)
    near = trials.directory.scheme.quality.near_points
    return differs(trial, trials) and change is not None and change > 0 and change >= near * (trials.now or 0)


def clearly_lower(trial: Trial, trials: Trials) -> bool:
    """Say whether another group, of whatever sort, is worth less by at least the scheme's share."""
    change, now = difference(trial, trials), trials.now
    if change is None or now is None or trial.grouping.status == "ungrouped" or trial.grouping.tied:
        return False
    return change < 0 and -change >= trials.directory.scheme.quality.near_points * now


def _sign(code: SignCode, words: str, trial: Trial | None, trials: Trials, evidence: tuple[str, ...]) -> Sign:
    return Sign(
        code=code,
        detail=words,
        other_group=trial.grouping.group if trial else "",
        points_difference=difference(trial, trials) if trial else None,
        evidence=evidence,
    )


def _apart(trial: Trial, trials: Trials) -> str:
    return f"{points_text(difference(trial, trials) or Decimal(0))} 分"


def _percent(share: Decimal, *, below: Decimal | None = None) -> str:
    """Return whole percents, and tenths, cut, where whole ones would look like the limit a share is below."""
    text = f"{share * 100:.0f}%"
    return f"{share * 100 // Decimal('0.1') / 10}%" if below is not None and text == f"{below * 100:.0f}%" else text
