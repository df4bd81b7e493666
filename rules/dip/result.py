"""What a verdict says of DIP: where a stay stands, now and after this order."""

from decimal import Decimal

from rules.dip.codes import Band, SignKind, Status
from rules.noun import Noun


class Standing(Noun, frozen=True, kw_only=True):
    """Where a stay stands under a DIP scheme (病种, 分值, 参考支付标准). Amounts in 1/10,000 yuan."""

    status: Status
    group: str = ""
    name: str = ""
    reasons: tuple[str, ...] = ()
    """Of ``rules.dip.codes.GroupingReason`` and ``PointsReason``: why something is not known, or is uncertain."""
    tied: tuple[str, ...] = ()
    """Other groups that fit equally well."""
    standard_points: Decimal | None = None
    """Points of a case of normal cost."""
    points: Decimal | None = None
    """Points at the cost so far."""
    standard: int | None = None
    """参考支付标准 of a case of normal cost."""
    payable: int | None = None
    """What is paid at this cost, after deviation; the standard itself for a case of normal cost."""
    cost: int | None = None
    ratio: Decimal | None = None
    """Cost / reference average."""
    band: Band = "unknown"
    """费用偏差."""
    low_limit: Decimal | None = None
    high_limit: Decimal | None = None
    """Ratios at which the band changes; ``None``: the scheme has no deviation rule."""
    balance: int | None = None
    """``payable`` less the cost."""


class DipSign(Noun, frozen=True, kw_only=True):
    """One sign that the coding may be wrong (编码疑点): a question to verify, never an instruction to code."""

    kind: SignKind
    code: str
    message: str
    """In Chinese, for coders."""
    other_group: str = ""
    points_difference: Decimal | None = None
    evidence: tuple[str, ...] = ()
    """Codes already in the record that it rests on."""


class DipMove(Noun, frozen=True, kw_only=True):
    """What would move the stay to another group, supported by what is already recorded."""

    group: str
    name: str = ""
    message: str
    points_difference: Decimal | None = None
    evidence: tuple[str, ...] = ()


class DipResult(Noun, frozen=True, kw_only=True):
    """What DIP says of an in-patient stay: now, and after this order (病种分值)."""

    scheme: str
    version: str
    estimated: bool = True
    """预估: the stay is not over."""
    eligible: bool | None = None
    """Paid by DIP at all (ruling 25); ``None`` is unknown."""
    ineligible: str = ""
    priced: bool = False
    """The scheme publishes scores and point values; one that does not has nothing to say of money."""
    now: Standing
    after: Standing
    moves: tuple[DipMove, ...] = ()
    explanation: tuple[str, ...] = ()
    """Why this group, and which coefficient came from where, in Chinese."""
