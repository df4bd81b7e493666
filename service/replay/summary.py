"""A replay's counts as a document and as lines for people."""

from collections.abc import Iterable, Iterator
from typing import Any

from rules import ENGINE
from rules.model import UNIT
from service.replay.tally import LISTED, Moved, Tally

Document = dict[str, Any]


def summary_document(tally: Tally, *, own: bool) -> Document:
    """Return what a replay found; money in yuan, mean times in milliseconds."""
    return {
        "read": tally.read,
        "replayed": tally.replayed,
        "skipped": {"erased": tally.erased, "damaged": tally.damaged, "unloadable": sum(tally.unloadable.values())},
        "unloadable": tally.unloadable,
        "engine": ENGINE,
        "engine_differs": tally.engine_differs,
        "mean_ms": {"stored": _mean(tally.stored_seconds, tally), "now": _mean(tally.seconds, tally)},
        "differing": tally.differing,
        "own": _own(tally) if own else None,
        "other": None if own else _other(tally),
    }


def _own(tally: Tally) -> Document:
    return {
        "same": tally.same,
        "different": tally.different,
        "engine_speaks_differently": tally.engine_speaks_differently,
    }


def _other(tally: Tally) -> Document:
    return {
        "unchanged": tally.unchanged,
        "changed": tally.changed,
        "states": [
            {"before": before, "after": after, "verdicts": count}
            for state, count in sorted(tally.states.items())
            for before, after in [state.split(">")]
        ],
        "findings": {
            "added": sum(moved.added for moved in tally.rules.values()),
            "removed": sum(moved.removed for moved in tally.rules.values()),
            "changed": sum(moved.changed for moved in tally.rules.values()),
        },
        "not_checked": {"added": tally.unread_added, "removed": tally.unread_removed},
        "dip_groups_changed": tally.groups,
        "amount": _amounts(tally.amount_before, tally.amount_after),
        "rules": [{"rule": name} | _moved(moved) for name, moved in _largest(tally.rules)],
        "departments": [{"department": name or None} | _moved(moved) for name, moved in _largest(tally.departments)],
    }


def _largest(found: dict[str, Moved]) -> list[tuple[str, Moved]]:
    """Return the entries with the most findings that differ first."""
    return sorted(found.items(), key=lambda entry: (-_count(entry[1]), entry[0]))


def _count(moved: Moved) -> int:
    return moved.added + moved.removed + moved.changed


def _moved(moved: Moved) -> Document:
    return {
        "added": moved.added,
        "removed": moved.removed,
        "changed": moved.changed,
        "amount": _amounts(moved.amount_before, moved.amount_after),
    }


def _amounts(before: int, after: int) -> Document:
    return {"before": before / UNIT, "after": after / UNIT, "difference": (after - before) / UNIT}


def _mean(seconds: float, tally: Tally) -> float | None:
    return round(seconds * 1000 / tally.replayed, 3) if tally.replayed else None


def lines_of(document: Document) -> Iterator[str]:
    """Yield a summary for people."""
    skipped = document["skipped"]
    yield f"{document['read']} verdicts read, {document['replayed']} judged again"
    for name, count in skipped.items():
        if count:
            yield f"  {name}: {count}"
    yield from (f"    {count:>8}  {why}" for why, count in document["unloadable"].items())
    yield from _own_lines(document) if document["own"] else _other_lines(document["other"])
    stored, now = document["mean_ms"]["stored"], document["mean_ms"]["now"]
    if now is not None:
        yield f"mean: {stored} ms from message to answer then, {now} ms of evaluation alone now"


def _own_lines(document: Document) -> Iterator[str]:
    own = document["own"]
    yield f"same bytes: {own['same']}"
    yield f"different:  {own['different']}"
    if document["engine_differs"]:
        speaks = own["engine_speaks_differently"]
        yield f"another engine than {document['engine']}: {document['engine_differs']}, {speaks} of them say otherwise"
    yield from _listed(document["differing"])


def _other_lines(other: Document) -> Iterator[str]:
    findings, amount = other["findings"], other["amount"]
    yield f"unchanged: {other['unchanged']}"
    yield f"changed:   {other['changed']}"
    yield f"findings:  {findings['added']} added, {findings['removed']} removed, {findings['changed']} changed"
    yield f"not checked: {other['not_checked']['added']} added, {other['not_checked']['removed']} removed"
    if other["dip_groups_changed"]:
        yield f"stays with another DIP group: {other['dip_groups_changed']}"
    yield f"at stake: {amount['before']:.2f} yuan, then {amount['after']:.2f} ({amount['difference']:+.2f})"
    for title, name in (("by rule", "rules"), ("by department", "departments")):
        if other[name]:
            yield ""
            yield f"{title:<32}{'added':>8}{'removed':>9}{'changed':>9}{'yuan':>14}"
            yield from _table(other[name])


def _table(rows: Iterable[Document]) -> Iterator[str]:
    for row in rows:
        name = row.get("rule") or row.get("department") or "-"
        money = row["amount"]["difference"]
        yield f"{name:<32}{row['added']:>8}{row['removed']:>9}{row['changed']:>9}{money:>+14.2f}"


def _listed(differing: list[str]) -> Iterator[str]:
    yield from (f"  {verdict_id}" for verdict_id in differing)
    if len(differing) == LISTED:
        yield f"  only the first {LISTED} are listed"
