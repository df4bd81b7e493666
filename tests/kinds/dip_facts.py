"""DIP as a stated fact: what a kind is told, without a scheme or a grouper behind it."""

from decimal import Decimal
from typing import Any

from rules.codes import Role
from rules.dip.result import DipResult, DipSign, Standing
from rules.engine.check import candidates, judge
from rules.kinds._view import View
from rules.model import UNIT, Encounter, Overlay, Rule, Verdict
from tests.builders import a_line, a_rulebook, an_encounter, an_input, at, replace

YUAN = UNIT
TABLET = "XA02BCA348X006010100001"
OVER = {"discharged": at("2026-03-18 09:00"), "admitted": at("2026-03-14")}


class Stated:
    """The fact itself."""

    digest = "d"

    def __init__(self, result: DipResult, signs: tuple[DipSign, ...]) -> None:
        self.result = result
        self.signs = signs


def a_standing(**changes: Any) -> Standing:
    """Return a stay of a core group at 6,000 yuan, six tenths of its reference standard and of the mean."""
    given: dict[str, Any] = {
        "status": "core",
        "group": "K80.1",
        "name": "胆囊结石",
        "standard_points": Decimal(1000),
        "points": Decimal(1000),
        "standard": 10_000 * YUAN,
        "cost": 6_000 * YUAN,
        "ratio": Decimal("0.6"),
        "band": "normal",
        "low_limit": Decimal("0.5"),
        "high_limit": Decimal(2),
    }
    return Standing(**(given | changes))


def a_result(now: Standing | None = None, after: Standing | None = None, **changes: Any) -> DipResult:
    """Return a stay under way that DIP pays; one standing given counts for both."""
    one = now or after or a_standing()
    given: dict[str, Any] = {"scheme": "s", "version": "1", "eligible": True, "priced": True}
    given |= {"now": one, "after": after or one}
    return DipResult(**(given | changes))


def a_patient(**changes: Any) -> Encounter:
    """Return a patient in hospital with one drug ordered."""
    return an_encounter(a_line(TABLET), **changes)


def lost(*reasons: str, **changes: Any) -> DipResult:
    """Return a stay that is not grouped, for these reasons."""
    given: dict[str, Any] = {
        "status": "ungrouped",
        "group": "",
        "name": "",
        "reasons": reasons,
        "standard_points": None,
        "points": None,
        "standard": None,
        "ratio": None,
        "band": "unknown",
    }
    return a_result(a_standing(**(given | changes)))


def a_sign(kind: str, code: str = "some_sign", **changes: Any) -> DipSign:
    """Return a sign of this kind, without another group."""
    return DipSign(**({"kind": kind, "code": code, "message": "某处存疑"} | changes))


def told(
    rule: Rule,
    result: DipResult | None,
    *signs: DipSign,
    encounter: Encounter | None = None,
    role: Role = "coder",
    overlay: Overlay | None = None,
) -> Verdict:
    """Return what a rule says when this is what DIP says; ``None``: nothing is known of DIP."""
    given = replace(an_input(encounter or a_patient(), overlay=overlay), role=role)
    rulebook = a_rulebook(rule)
    view = View(given, rulebook.words, None if result is None else Stated(result, signs))
    return judge(view, rulebook, candidates(view, rulebook))
