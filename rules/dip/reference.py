"""The grouper's plain twin: every row of the catalogue is read and judged as the facts state it, without any index.

Slow on purpose. Only normalisation, the tie rules and the wording of outcomes are shared with ``rules.dip.grouper``;
that rows, exclusions, attributes and pools are read alike there is tested against this.
"""

from rules.dip.choosing import FILTERS, choose
from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_RANK, Attribute, GroupingReason, Match, Related
from rules.dip.directory import Directory
from rules.dip.matching import Fit, Prepared
from rules.dip.model import Case, Grouping, OperationEntry, Row, Scheme, Step
from rules.dip.normalise import is_asterisk, is_diagnosis, is_morphology, is_short_operation
from rules.dip.outcomes import by_row, grouped, missing, nothing, tie, undecided, ungrouped
from rules.dip.principal import SEX_WORDS


def group_by_scan(case: Case, directory: Directory) -> Grouping:
    """Return what ``group`` returns, by reading everything."""
    scheme = directory.scheme
    coded = Coded(case, directory.normaliser)
    attribute_of_case(coded, scheme)
    for step in scheme.steps:
        found: Grouping | None = None
        if step.step == "principal":
            found = _principal(coded, scheme)
        elif step.step == "operations":
            _operations(coded, scheme)
        elif step.step == "layer":
            found = _layer(coded, directory, step)
        elif step.step == "comprehensive":
            found = _comprehensive(coded, scheme)
        else:
            found = _last_resort(coded, scheme)
        if found is not None:
            return found
    return nothing(coded, partial=scheme.partial)


def code_holds(written: str, code: str) -> bool:
    """Say whether a diagnosis of the catalogue holds for a code: as a prefix, or whole if written with ``=``."""
    if written.startswith("="):
        return written[1:] in (code, code.partition("+")[0])
    return code.startswith(written)


def _any_holds(listed: tuple[str, ...], codes: tuple[str, ...]) -> bool:
    return any(code_holds(written, code) for written in listed for code in codes)


def _principal(coded: Coded, scheme: Scheme) -> Grouping | None:
    rules, principal = scheme.normalisation, coded.principal
    cause = principal.partition("+")[0]
    if not principal:
        return ungrouped(coded, "missing_principal_diagnosis", "病例没有主要诊断编码。")
    if not (is_diagnosis(principal) or is_asterisk(principal) or is_morphology(principal)):
        return ungrouped(coded, "diagnosis_not_in_table", f"{principal}不是医保版疾病诊断编码的形式。")
    why = ""
    if any(code_holds(code, principal) for code in rules.excluded_principal) and rules.excluded_match == "prefix":
        why = "属于不作为入组主要诊断的排除名单"
    if principal in rules.excluded_principal or cause in rules.excluded_principal:
        why = "在不作为入组主要诊断的排除名单中"
    if any(principal.startswith(letter) for letter in rules.not_principal):
        why = "属于外因等附加编码"
    if is_asterisk(principal):
        why = "是星号(表现)编码"
    if is_morphology(principal):
        why = "是肿瘤形态学编码"
    if why:
        return ungrouped(coded, "principal_diagnosis_not_allowed", f"{principal}{why},不能作主要诊断入组。")
    listed = {entry.code for entry in scheme.diagnoses}
    known = bool({principal, cause} & listed) if rules.whole_table else known_category(principal[:3], scheme)
    if not known:
        return ungrouped(coded, "diagnosis_not_in_table", f"{principal}不在本方案的诊断编码库中。")
    sex = coded.case.sex
    for limit in rules.limits:
        if principal.startswith(limit.code) and limit.sex is not None and sex is not None and limit.sex != sex:
            words = f"{principal}是{SEX_WORDS[limit.sex]}的诊断,病例性别为{SEX_WORDS[sex]}。"
            return ungrouped(coded, "sex_conflict", words)
    return None


def known_category(category: str, scheme: Scheme) -> bool:
    """Say whether a three-character category is known."""
    listed = scheme.normalisation.categories
    if not listed:
        return True
    return any(low <= category <= (high or low) for low, _, high in (entry.partition("-") for entry in listed))


def _effect(coded: Coded, scheme: Scheme, operation: str) -> str:
    """Return what the exclusion list makes of an operation for this principal diagnosis."""
    effect = ""
    for exclusion in scheme.normalisation.exclusions:
        if exclusion.code == operation:
            effect = exclusion.effect
            if effect == "within_scope":
                effect = "" if _any_holds(exclusion.scope, (coded.code,)) else "conservative"
    return effect


def _operations(coded: Coded, scheme: Scheme) -> None:
    effects = {operation: _effect(coded, scheme, operation) for operation in coded.operations}
    left = [operation for operation in coded.operations if effects[operation] != "removed"]
    able = [operation for operation in left if effects[operation] != "not_main"]
    main = able[0] if able and effects[able[0]] != "conservative" else ""
    coded.main = main
    coded.operations = tuple(sorted(left, key=lambda operation: operation != main)) if main else ()
    attribute_of_case(coded, scheme)


def entry_of(operation: str, scheme: Scheme) -> OperationEntry | None:
    """Return the entry of an operation: its own, else that of the longest family."""
    own = [entry for entry in scheme.operations if entry.code == operation]
    families = [e for e in scheme.operations if e.code.endswith("*") and operation.startswith(e.code[:-1])]
    return own[-1] if own else max(families, key=lambda entry: len(entry.code), default=None)


def _counts_as(coded: Coded, scheme: Scheme, operation: str) -> Attribute | None:
    if _effect(coded, scheme, operation) == "conservative":
        return "conservative"
    entry = entry_of(operation, scheme)
    if entry is not None and entry.attribute == "intervention":
        return scheme.comprehensive.intervention_as
    return entry.attribute if entry is not None else None


def attribute_of_case(coded: Coded, scheme: Scheme) -> None:
    """Set attribute, surgery levels and unknown operations, as dip facts 2.3 say."""
    rules = scheme.comprehensive
    looked_at = coded.operations if rules.attribute_of == "highest" else coded.operations[:1]
    kinds = {operation: _counts_as(coded, scheme, operation) for operation in looked_at}
    entries = {operation: entry_of(operation, scheme) for operation in looked_at}
    coded.unknown = tuple(operation for operation in looked_at if kinds[operation] is None)
    open_ = bool(coded.unknown) and scheme.normalisation.unknown_operation == "undecided"
    known = [kind for kind in kinds.values() if kind is not None]
    best: Attribute = max(known, key=ATTRIBUTE_RANK.__getitem__, default="conservative")
    coded.attribute = best
    coded.levels = ()
    minor = [
        (entry := entries[operation]) is not None
        and entry.incision == 0
        and (entry.level is None or entry.level < 3)
        and not (entry.level is None and kinds[operation] == "surgery")
        for operation in looked_at
    ]
    if looked_at and rules.minor_is_conservative and not coded.unknown and all(minor):
        coded.attribute = "conservative"
    elif coded.attribute == "surgery":
        levels = {0}
        for operation, kind in kinds.items():
            entry = entries[operation]
            if kind == "surgery" and entry is not None and entry.level is not None:
                levels = {max(level, entry.level) for level in levels}
            elif kind == "surgery" or (kind is None and open_):
                may_be = (0, 1, 2, 3, 4) if kind is None else (1, 2, 3, 4)
                levels = {max(level, own) for level in levels for own in may_be}
        coded.levels = tuple(sorted(levels)) if any(":" in row.attribute for row in rules.rows) else ()
    elif open_:
        coded.attribute = None


def operations_met(row: Row, coded: Coded, related: Related, match: Match) -> tuple[tuple[str, ...], int] | None:
    """Return the operations a row uses and the related parts they meet, by trying every assignment."""
    if row.any_operations or not (row.main or row.related):
        return (), 0

    def meets(operation: str, part: tuple[str, ...]) -> bool:
        if operation in part:
            return True
        return match == "prefix" and any(operation.startswith(code) and is_short_operation(code) for code in part)

    def assignments(parts: list[tuple[tuple[str, ...], bool]], pool: tuple[str, ...]) -> set[frozenset[str]]:
        reached = {frozenset[str]()}
        for part, needed in parts:
            more = {done | {op} for done in reached for op in pool if op not in done and meets(op, part)}
            reached = more if needed else more | reached
        return reached

    needed = [(part, True) for part in row.main]
    wanted = [] if related == "ignored" else [(part, related == "complete") for part in row.related]
    ways: set[frozenset[str]] = set()
    if row.anywhere or not row.main:
        ways = assignments(needed + wanted, coded.operations)
    else:
        for number, part in enumerate(row.main):
            if coded.main and meets(coded.main, part):
                rest = needed[:number] + needed[number + 1 :] + wanted
                others = tuple(operation for operation in coded.operations if operation != coded.main)
                ways |= {done | {coded.main} for done in assignments(rest, others)}
    if not ways:
        return None
    used = min(ways, key=lambda way: (-len(way), sorted(way)))
    if not used:
        return None
    return tuple(operation for operation in coded.operations if operation in used), len(used) - len(row.main)


def _age(row: Row, case: Case) -> bool | None:
    """Say whether an age is within bounds; years count only where both the youngest and the oldest of that age do."""
    low = row.min_age_days if row.min_age_days is not None else 0
    high = row.max_age_days
    if row.min_age_days is None and high is None:
        return True
    by_years = case.age_years is not None and case.age_years >= 0
    if case.age_days is not None and case.age_days >= 0 and not (by_years and case.age_days >= 366):
        return case.age_days >= low and (high is None or case.age_days <= high)
    if case.age_years is None or case.age_years < 0:
        return None
    # A bound of n whole years lies between 365n and 366n days.
    if low > 0 and 365 * (case.age_years + 1) <= low:
        return False
    if high is not None and 366 * case.age_years > high:
        return False
    sure = 366 * case.age_years >= low and (high is None or 365 * (case.age_years + 1) <= high + 1)
    return True if sure else None


def _facts(row: Row, case: Case) -> tuple[bool, set[GroupingReason]]:
    """Return whether nothing speaks against a row, and the facts that are absent."""
    weight = case.weight_g if case.weight_g is not None and case.weight_g > 0 else None
    days = case.days if case.days is not None and case.days >= 0 else None
    absent: set[GroupingReason] = set()
    age = _age(row, case)
    against = age is False
    if age is None:
        absent.add("age_missing")
    bounds: list[tuple[GroupingReason, int | None, int | None, int | None]] = [
        ("weight_missing", weight, row.min_weight_g, row.max_weight_g),
        ("fact_missing", days, row.min_days, row.max_days),
    ]
    for reason, value, low, high in bounds:
        if value is None and (low is not None or high is not None):
            absent.add(reason)
        elif value is not None:
            against |= (low is not None and value < low) or (high is not None and value > high)
    if row.sex is not None and case.sex is None:
        absent.add("fact_missing")
    against |= row.sex is not None and case.sex is not None and row.sex != case.sex
    return not against, absent


def _diagnoses(row: Row, coded: Coded, scheme: Scheme) -> bool:
    all_ = (coded.code, *coded.others)
    if row.diagnoses and not _any_holds(row.diagnoses, (coded.code,)):
        return False
    if row.any_diagnosis and not _any_holds(row.any_diagnosis, all_):
        return False
    if row.other_diagnoses and not _any_holds(row.other_diagnoses, coded.others):
        return False
    if _any_holds(row.without_diagnoses, coded.others):
        return False
    if not row.condition:
        return True
    named = [condition for condition in scheme.conditions if condition.name == row.condition.lstrip("!")]
    met = any(
        (not way.principal or _any_holds(way.principal, (coded.code,)))
        and (not way.other or _any_holds(way.other, coded.others))
        for condition in named[-1:]
        for way in condition.any
    )
    return bool(named) and met != row.condition.startswith("!")


def _layer(coded: Coded, directory: Directory, step: Step) -> Grouping | None:
    scheme = directory.scheme
    fits: list[Fit] = []
    wanting: dict[GroupingReason, list[str]] = {}
    rows = sorted((row for row in scheme.rows if row.layer in step.layers), key=lambda row: row.number)
    operative = [row for row in rows if (row.main or row.related) and not row.any_operations]
    conservative = [row for row in rows if not (row.main or row.related or row.any_operations)]

    def read(some: list[Row]) -> None:
        for row in some:
            met = operations_met(row, coded, step.related, step.operation_match)
            possible, absent = _facts(row, coded.case)
            if met is None or not possible or not _diagnoses(row, coded, scheme):
                continue
            for reason in absent:
                wanting.setdefault(reason, []).append(row.group)
            if not absent:
                prepared = Prepared(row, directory.group_of(row), directory.conditions, step.operation_match)
                fits.append(Fit(prepared, *met))

    read(operative)
    if not fits and not wanting and coded.attribute == "conservative":
        read(conservative)
    read([row for row in rows if row.any_operations])
    if wanting:
        return missing(coded, wanting)
    return _of(fits, coded, directory, step) if fits else None


def _of(fits: list[Fit], coded: Coded, directory: Directory, step: Step) -> Grouping | None:
    scheme = directory.scheme
    for name in step.require:
        answers = [FILTERS[name](fit, coded, directory) for fit in fits]
        if None in answers:
            return undecided(coded, tuple(op for op in coded.operations if _counts_as(coded, scheme, op) is None))
        fits = [fit for fit, answer in zip(fits, answers, strict=True) if answer]
    if step.related == "partial":
        fits = [fit for fit in fits if fit.found or not fit.row.row.related]
    if not fits:
        return None

    def spelling(operation: str) -> tuple[str, ...]:
        beginnings = (operation[:length] for length in range(1, len(operation) + 1))
        return tuple(code for code in beginnings if code == operation or is_short_operation(code))

    choice = choose(fits, step.prefer, coded, directory, spelling)
    if choice.fit is None:
        return tie(coded, choice.tied)
    return by_row(coded, choice.fit.row.row, choice.fit.row.group, choice.fit.used, choice.tied)


def _comprehensive(coded: Coded, scheme: Scheme) -> Grouping | None:
    if coded.attribute is None:
        return undecided(coded)
    rules, cause = scheme.comprehensive, coded.code.partition("+")[0]
    tried = [cause[:length] for length in rules.key_lengths if len(cause) >= length]
    ranges = sorted(dict.fromkeys(row.key for row in rules.rows if "-" in row.key), key=_span)
    inside = [key for key in ranges if key[:3] <= cause[:3] <= key[4:]]
    for key in [*tried, *inside]:
        answers = []
        rows = [row for row in rules.rows if row.key == key and row.attribute.split(":")[0] == coded.attribute]
        levelled = [row for row in rows if ":" in row.attribute]
        for level in coded.levels if levelled else (-1,):
            own = [row.group for row in levelled if str(level) in row.attribute.split(":")[1].split("|")]
            found = own or [row.group for row in rows if ":" not in row.attribute]
            answers.append(tuple(dict.fromkeys(found)))
        if not any(answers):
            continue
        if len(set(answers)) > 1:
            words = f"综合病种{key}按手术级别分组,而病例手术的级别不全,不能确定。"
            return ungrouped(coded, "operation_not_known", words)
        if len(answers[0]) > 1:
            words = f"综合病种目录中{key}有多个病种同等符合:{'、'.join(answers[0])}。"
            return ungrouped(coded, "rows_tie", words, answers[0])
        return grouped(coded, "comprehensive", answers[0][0], layer="comprehensive")
    number = rules.numbers.get(coded.attribute)
    if rules.template and number is not None and is_diagnosis(cause) and known_category(cause[:3], scheme):
        group = rules.template.replace("{category}", cause[:3]).replace("{number}", number)
        return grouped(coded, "comprehensive", group, layer="comprehensive")
    return None


def _span(key: str) -> int:
    """Return how wide a range of categories is; a letter counts a hundred."""
    start, end = ([ord(sign) for sign in category] for category in key.split("-"))
    return 100 * (end[0] - start[0]) + 10 * (end[1] - start[1]) + end[2] - start[2]


def _last_resort(coded: Coded, scheme: Scheme) -> Grouping | None:
    if coded.attribute is None:
        return undecided(coded)
    fitting = [entry for entry in scheme.last_resort if entry.key != "*" and coded.code.startswith(entry.key)]
    any_ = [entry for entry in scheme.last_resort if entry.key == "*"]
    found = max(fitting, key=lambda entry: len(entry.key), default=any_[0] if any_ else None)
    return grouped(coded, "last_resort", found.group, layer="last_resort") if found is not None else None
