"""``needs`` and ``check``: the use of a rulebook on one encounter.

In: an ``Input`` and a ``Rulebook``. Out: what context the rules would like, and the verdict. Cost follows the lines in
the order, not the size of the rulebook. ``reference`` gives the same answer by plain scan.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from msgspec.structs import replace

from rules.codes import CERTAINTY_RANK, LEVEL_RANK, Level, Reason, State, quieter
from rules.codings import category_of
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.stay import GroupBy, Stay, stay_of
from rules.engine.rulebook import Entry, Rulebook
from rules.engine.selection import selects
from rules.kinds._contract import AFTER, Look
from rules.kinds._view import View, patient_pays
from rules.model import (
    Diagnosis,
    Digests,
    Draft,
    Encounter,
    Finding,
    Input,
    Line,
    Missing,
    NotChecked,
    Overlay,
    Rule,
    Verdict,
    encode,
)
from rules.patterns import Match

ENGINE: Final = "4"
"""Version of the evaluation itself; raised with every change that can alter a stored verdict."""

NO_OVERLAY: Final = ""
DIP: Final = "dip"
"""Stands for the grouping itself where that failed."""
ITEM_CODE: Final = "item-code"
"""Stands for every rule that might have spoken about a line whose item cannot be recognised."""
Candidates = dict[int, list[tuple[Line, Match]]]


def needs(encounter: Encounter, rulebook: Rulebook) -> tuple[Look, ...]:
    """Return what the rules on these items would like to know of the past, without repeats.

    What the sender vouches for is not asked again.
    """
    looks: dict[Look, None] = {}
    for number in _looking(encounter, rulebook):
        for look in rulebook.entries[number].looks:
            if not look.scenes or not set(look.scenes).isdisjoint(encounter.scenes):
                looks[look] = None
    if not looks or encounter.history_since is None:
        return tuple(looks)
    known = _days_vouched_for(encounter, encounter.history_since)
    return tuple(look for look in looks if look.days > known or (look.visits and encounter.visits is None))


def _looking(encounter: Encounter, rulebook: Rulebook) -> dict[int, Match | None]:
    """Return the rules with looks that this encounter brings up (``candidates``)."""
    looking = rulebook.looking
    numbers: dict[int, Match | None] = dict.fromkeys(looking.always)
    find = looking.items.find
    for line in encounter.lines:
        if line.current and (found := find(line.item)):
            numbers.update(found)
    for diagnosis in encounter.diagnoses:
        for code in codes_of(diagnosis):
            numbers.update(looking.diagnoses.find(code))
    for operation in encounter.operations:
        numbers.update(looking.operations.find(operation.code))
    return numbers


def _days_vouched_for(encounter: Encounter, since: date) -> int:
    """Return how many days before every current line the sender's own word reaches; -1 when that cannot be told."""
    admitted = encounter.visit.admitted
    begins = [line.begin for line in encounter.lines if line.current]
    days = [begin.date() for begin in (*begins, admitted) if begin is not None]
    return (min(days) - since).days if days and None not in begins else -1


def codes_of(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the ICD codes of a diagnosis, suspected ones included: cause and manifestation each bring rules up."""
    return tuple(diagnosis.code.split("+")) if diagnosis.system == "icd" else ()


def check(given: Input, rulebook: Rulebook, scheme: Directory | None = None) -> Verdict:
    """Judge an input. Deterministic: the same input and digests give the same bytes. Never raises for an input.

    ``scheme`` is the DIP directory in force on the encounter's day; only stays are grouped.
    """
    stay, failed = grouped(given, scheme, group)
    view = View(given, rulebook.words, stay)
    verdict = judge(view, rulebook, candidates(view, rulebook), failed)
    return named(verdict, scheme) if failed and scheme is not None else verdict


def named(verdict: Verdict, scheme: Directory) -> Verdict:
    """Return the verdict with the digest of a scheme that failed: a replay needs it to fail alike."""
    return replace(verdict, digests=replace(verdict.digests, scheme=scheme.scheme.digest))


def grouped(given: Input, scheme: Directory | None, grouping: GroupBy) -> tuple[Stay | None, tuple[NotChecked, ...]]:
    """Return the stay under a scheme; a fault in DIP is contained like that of a rule, and said."""
    try:
        stay = stay_of(given, scheme, grouping=grouping)
        if stay is not None:
            stay.result  # noqa: B018 - made here, where its faults are caught
    except Exception as error:
        return None, (
            NotChecked(rule=DIP, kind=DIP, title="DIP入组", fields=(f"rule.{type(error).__name__}",), reason="failed"),
        )
    return stay, ()


def candidates(view: View, rulebook: Rulebook) -> Candidates:
    """Return, per rule brought up, the current lines that matched it (none for diagnosis and operation triggers)."""
    found: Candidates = {}
    for line in view.lines:
        if line.current and line.item:
            for number, match in rulebook.items.find(line.item):
                found.setdefault(number, []).append((line, match))
    for diagnosis in view.encounter.diagnoses:
        for code in codes_of(diagnosis):
            for number, _ in rulebook.diagnoses.find(code):
                found.setdefault(number, [])
    for operation in view.encounter.operations:
        for number, _ in rulebook.operations.find(operation.code):
            found.setdefault(number, [])
    for number in rulebook.always:
        found.setdefault(number, [])
    return found


def judge(view: View, rulebook: Rulebook, found: Candidates, failed: Iterable[NotChecked] = ()) -> Verdict:
    """Evaluate the candidates and put what they say in order, after what ``failed`` before."""
    findings: list[Finding] = []
    not_checked = list(failed)
    overlay = view.given.overlay
    levels = dict(overlay.levels)
    for number in sorted(found):
        entry = rulebook.entries[number]
        if overlay.off and entry.rule.id in overlay.off:
            continue
        lines, unclear = applicable(entry, found[number], view)
        if unclear:
            not_checked.append(_unread(entry, Missing(fields=("line.item",), reason="ambiguous"), unclear))
        if not lines and (found[number] or not _timely(entry, view)):
            continue
        if entry.selective and (outside := selects(entry.rule, view)) is not None:
            if isinstance(outside, Missing):
                not_checked.append(_unread(entry, outside, lines))
            continue
        for said in evaluate(entry, lines, view):
            if isinstance(said, Missing):
                not_checked.append(_unread(entry, said, lines))
            else:
                level = levels.get(entry.rule.id, entry.rule.level)
                findings.append(_finding(entry, said, level, view, rulebook))
    not_checked.extend(unreadable(view, rulebook, found))
    return _verdict(findings, not_checked, rulebook, view)


def unreadable(view: View, rulebook: Rulebook, found: Candidates) -> Iterator[NotChecked]:
    """Yield current lines whose item nobody can recognise: no code, or one of no national shape that no rule names.

    A missing mapping must be reported, never silently skipped (audit rules, section 7 point 13). Lines that the
    patient is known to pay need no national code.
    """
    strange = [
        line for line in view.lines if category_of(line.item) is None and line.current and line.self_paid is not True
    ]
    if not strange:
        return
    named = {line.position for number, lines in found.items() if rulebook.entries[number].names for line, _ in lines}
    absent = tuple(line.position for line in strange if not line.item)
    local = tuple(line.position for line in strange if line.item and line.position not in named)
    reasons: tuple[tuple[Reason, tuple[int, ...]], ...] = (("missing", absent), ("unmapped", local))
    for reason, positions in reasons:
        if positions:
            yield NotChecked(
                rule=ITEM_CODE,
                kind="item_code",
                title="项目编码",
                fields=("line.item",),
                reason=reason,
                lines=positions,
            )


def applicable(entry: Entry, found: list[tuple[Line, Match]], view: View) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return the lines the rule speaks about, and those it cannot tell for an ambiguous code.

    A rule is in force by the service day of the line, speaks in its scenes, and leaves out self-paid lines when it
    protects payment (ruling 1). A reversal takes a charge back, and nothing is charged for a quantity of zero or for
    a line taken back whole in the same message: none of them is ever at fault.
    """
    clear: list[Line] = []
    unclear: list[Line] = []
    rule, gone = entry.rule, view.taken_back
    for line, match in found:
        if (line.quantity is not None and line.quantity <= 0) or (entry.payment and patient_pays(line)):
            continue
        if line.position in gone:
            continue
        if not entry.bounded or _speaks(rule, view.charged_day(line), view):
            (clear if match == "yes" else unclear).append(line)
    return tuple(clear), tuple(unclear)


def _timely(entry: Entry, view: View) -> bool:
    """Say whether a rule brought up without lines may speak.

    One that every encounter brings up and that names its scenes waits for a message that names one: without a scene
    nobody knows whether this is a registration, and an order is not asked what an admission is asked.
    """
    unplaced = entry.always and bool(entry.rule.scenes) and not view.encounter.scenes
    return not unplaced and _speaks(entry.rule, view.today, view)


def _speaks(rule: Rule, day: date, view: View) -> bool:
    """Say whether a rule is in force on a day, in the scene at hand."""
    scenes = view.encounter.scenes
    if rule.scenes and (not set(rule.scenes) & set(scenes) if scenes else rule.scenes == (AFTER,)):
        return False
    return (rule.valid_from is None or rule.valid_from <= day) and (rule.valid_to is None or day <= rule.valid_to)


def evaluate(entry: Entry, lines: tuple[Line, ...], view: View) -> list[Draft | Missing]:
    """Run one rule; a fault in it is contained and reported as *not checked: failed*."""
    if entry.rule.unset:
        return [Missing(fields=tuple(f"parameter.{name}" for name in entry.rule.unset), reason="parameter")]
    kind, rule = entry.kind, entry.rule
    said: list[Draft | Missing] = []
    try:
        for case in kind.read(rule, lines, view):
            if type(case) is Missing:
                said.append(case)
            elif (draft := kind.check(rule, case)) is not None:
                _refuse_unsound(draft, view)
                said.append(draft)
    except Exception as error:  # Per-rule isolation: one broken rule must not silence the others.
        return [Missing(fields=(f"rule.{type(error).__name__}",), reason="failed")]
    return said


def _refuse_unsound(draft: Draft, view: View) -> None:
    """Catch a kind's slip here, where it costs one rule and not the verdict."""
    if draft.amounts and len(draft.amounts) != len(draft.lines):
        raise ValueError("a draft has one amount per line")
    if not all(0 <= position < len(view.encounter.lines) for position in draft.lines):
        raise ValueError("a draft speaks about lines of the payload")


def _unread(entry: Entry, missing: Missing, lines: tuple[Line, ...]) -> NotChecked:
    positions = missing.lines or tuple(line.position for line in lines)
    rule = entry.rule
    return NotChecked(
        rule=rule.id,
        kind=entry.kind.name,
        title=rule.title,
        fields=missing.fields,
        reason=missing.reason,
        lines=tuple(sorted(positions)),
    )


def _finding(entry: Entry, draft: Draft, level: Level, view: View, rulebook: Rulebook) -> Finding:
    rule = entry.rule
    amounts = draft.amounts or tuple(view.amount_at(position) for position in draft.lines)
    return Finding(
        rule=rule.id,
        kind=entry.kind.name,
        code=draft.code,
        title=rule.title,
        item=rule.name,
        certainty=rule.certainty,
        level=quieter(level, draft.cap if rule.certainty != "suspicious" else quieter("warn", draft.cap)),
        scope=rule.scope,
        reason_required=rule.reason_required,
        lines=draft.lines,
        involved=draft.involved,
        message=draft.message,
        limit=draft.limit,
        present=draft.present,
        allowed=draft.allowed,
        facts=draft.facts,
        amounts=amounts,
        citation=rulebook.citations.get(rule.citation),
        basis=rule.basis,
        tags=rule.tags,
        remark=rule.remark,
    )


def _verdict(findings: list[Finding], not_checked: list[NotChecked], rulebook: Rulebook, view: View) -> Verdict:
    overlay, dip = view.given.overlay, view.dip
    findings.sort(key=_loudest_first)
    not_checked.sort(key=lambda entry: (entry.rule, entry.reason, entry.fields, entry.lines))
    return Verdict(
        state=state_of(findings, not_checked),
        findings=tuple(findings),
        not_checked=tuple(not_checked),
        dip=None if dip is None else dip.result,
        amount=amount_of(findings),
        digests=Digests(
            engine=ENGINE,
            rulebook=rulebook.digest,
            overlay=_overlay_digest(overlay),
            scheme=None if dip is None else dip.digest,
        ),
    )


def _loudest_first(finding: Finding) -> tuple[int, int, tuple[int, ...], str, str]:
    return (
        -LEVEL_RANK[finding.level],
        -CERTAINTY_RANK[finding.certainty],
        finding.lines,
        finding.rule,
        finding.message,
    )


def state_of(findings: Iterable[Finding], not_checked: Iterable[NotChecked]) -> State:
    """Return *warned* if anything is above silent, else *indeterminate* if anything was not checked, else *clear*."""
    if any(finding.level != "silent" for finding in findings):
        return "warned"
    return "indeterminate" if any(True for _ in not_checked) else "clear"


def amount_of(findings: Iterable[Finding]) -> int:
    """Return the money at stake, each line once: the most any audible finding puts on it."""
    lines: dict[int, int] = {}
    for finding in findings:
        if finding.level != "silent":
            for position, amount in zip(finding.lines, finding.amounts, strict=True):
                lines[position] = max(lines.get(position, 0), amount)
    return sum(lines.values())


def _overlay_digest(overlay: Overlay) -> str:
    if not overlay.levels and not overlay.off:
        return NO_OVERLAY
    return hashlib.sha256(encode(overlay)).hexdigest()
