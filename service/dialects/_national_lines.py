"""National messages: orders (``fsi_order_dtos``) to lines, the hot loop.

In: the order nodes of one encounter. Out: ``Line`` nouns, and the ``rx_id`` of each as sent. A line is first built
straight; only when that fails are its fields gone through one by one, so that every fault has its name.
"""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

from rules.codes import Category, FeeClass
from rules.model import Line
from service.dialects._national_codes import category_by_type, code, item
from service.dialects._national_faults import Faults, Nodes
from service.dialects._national_memo import Memo, Times, number, times_in
from service.dialects._national_shape import Order
from service.schemas.scalars import fixed, flag, moment

SELF_PAID_LEVEL: Final = "03"
FEE_CLASSES: Final[dict[str, FeeClass]] = {"01": "甲", "02": "乙", SELF_PAID_LEVEL: "丙"}
"""hilist_lv, padded to two digits (6.12)."""
_LEAVING: Final = {"1": True, "0": False}

_Habit = tuple[bool | None, bool | None, str | None, str | None, str | None, str | None]


def _habit(values: tuple[Any, ...]) -> _Habit:
    """Return the fields that are mostly the same on many lines: one look-up instead of six."""
    long_term, behaviour, unit, department, doctor, title = values
    return flag(long_term), _leaving(behaviour), code(unit), code(department), code(doctor), code(title)


def _leaving(behaviour: object) -> bool | None:
    """1 出院带药, 0 其他; any other value is noise (6.13)."""
    found = code(behaviour)
    return None if found is None else _LEAVING.get(found.lstrip("0") or "0")


def _declared(values: tuple[Any, Any]) -> tuple[bool, FeeClass | None]:
    """Say whether the sender's own flag or the catalogue class 丙 makes a line self-paid (ruling 2), and the class."""
    level, self_paying = values
    known = (code(level) or "").rjust(2, "0")
    return flag(self_paying) is True or known == SELF_PAID_LEVEL, FEE_CLASSES.get(known)


_ITEMS: Final[Memo[tuple[str, Category | None]]] = Memo(item, 32_768)
_CODES: Final[Memo[str | None]] = Memo(code)
_FLAGS: Final[Memo[bool | None]] = Memo(flag)
_HABITS: Final[Memo[_Habit]] = Memo(_habit)
_DECLARED: Final[Memo[tuple[bool, FeeClass | None]]] = Memo(_declared)


def read_lines(
    orders: Nodes, faults: Faults, lines: list[Line], *, zone: tzinfo, current: list[bool], visit: str | None = None
) -> list[Any]:
    """Append one line per order and return the ``rx_id`` of each as sent.

    ``current`` says which orders are being saved now; ``visit`` names the other encounter that they belong to.
    """
    times = times_in(zone)
    ids: list[Any] = []
    position = len(lines)
    for at, order in enumerate(orders.items):
        if order is None:
            continue
        try:
            lines.append(_line(order, position, current[at], visit, times))
        except (ValueError, TypeError):
            _explain(order, orders.at(at), zone, faults)
        ids.append(order.rx_id)
        position += 1
    return ids


def flagged_current(orders: list[Order | None]) -> list[bool]:
    """Return which orders say that they are being saved now."""
    try:
        return [order is not None and _FLAGS[order.curr_drord_flag] is True for order in orders]
    except (ValueError, TypeError):  # explained line by line
        return [True] * len(orders)


def current_or_all(orders: list[Order | None]) -> list[bool]:
    """Return which orders are being saved now: where none says so, all (ruling 5: a vendor sends "0" everywhere)."""
    flags = flagged_current(orders)
    return flags if True in flags else [True] * len(orders)


def _line(order: Order, position: int, current: bool, visit: str | None, times: Times) -> Line:
    normal, category = _ITEMS[order.hilist_code]
    begin, timed = times[order.drord_begn_date]
    amount = number(order.sumamt)
    long_term, leaving, unit, department, doctor, title = _HABITS[
        order.long_drord_flag,
        order.drord_bhvr,
        order.spec_unt,
        order.drord_dept_codg,
        order.drord_dr_codg,
        order.drord_dr_profttl,
    ]
    self_paying, fee_class = _DECLARED[order.hilist_lv, order.self_paying_flag]
    # By position, in the order of the noun: 20 keyword arguments cost ten times as much (a test holds the order).
    return Line(
        position,
        code(order.rx_id) or "",
        normal,
        _CODES[order.hilist_name] or "",
        category or category_by_type(_CODES[order.hilist_type]),
        current,
        number(order.cnt),
        unit,
        number(order.pric),
        amount,
        self_paying or _by_amounts(amount, number(order.ownpay_amt), number(order.selfpay_amt)),
        None,  # consent: the message does not say
        begin,
        timed,
        times[order.drord_stop_date][0],
        long_term,
        leaving,
        code(order.rxno),
        _CODES[order.grpno],
        visit,
        department,
        doctor,
        title,
        fee_class=fee_class,
        dose_form=_CODES[order.hosplist_dosform] or _CODES[order.hilist_dosform],
    )


def _by_amounts(amount: int | None, own: int | None, share: int | None) -> bool | None:
    """Say what the amounts tell (ruling 2): all zero is unknown, for a live sender writes zeros on every line."""
    if amount is not None and 0 < amount == own:
        return True
    return False if (own or 0) > 0 or (share or 0) > 0 else None


_FIELDS: Final[tuple[tuple[Callable[[Any], object], tuple[str, ...]], ...]] = (
    (
        code,
        (
            "rx_id",
            "rxno",
            "grpno",
            "hilist_type",
            "hilist_code",
            "hilist_name",
            "hilist_lv",
            "hilist_dosform",
            "hosplist_dosform",
            "drord_bhvr",
            "spec_unt",
            "drord_dept_codg",
            "drord_dr_codg",
            "drord_dr_profttl",
        ),
    ),
    (flag, ("long_drord_flag", "self_paying_flag", "curr_drord_flag")),
    (fixed, ("cnt", "pric", "sumamt", "ownpay_amt", "selfpay_amt")),
)


def _explain(order: Order, path: str, zone: tzinfo, faults: Faults) -> None:
    """Name every field of an order that could not be read."""
    for parse, fields in _FIELDS:
        for field in fields:
            faults.leaf(parse, order, field, path)
    for field in ("drord_begn_date", "drord_stop_date"):
        faults.leaf(lambda value: moment(value, zone), order, field, path)
