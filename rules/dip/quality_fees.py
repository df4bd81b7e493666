"""Settlement-list checks of fees and of who did what: sums, fee against procedure, anaesthesia, surgeon (6.2)."""

from collections.abc import Iterator
from typing import Final

from rules.dip.amounts import in_yuan
from rules.dip.model import FeePair
from rules.dip.quality_facts import FeeItem, QualityFinding
from rules.dip.quality_view import Operated, Record, called, found, lacking
from rules.model import UNIT

ROUNDING: Final = UNIT // 100
"""One fen for each class: classes are rounded, the total may not be."""
MAJOR_LEVEL: Final = 3


def sums(record: Record) -> Iterator[QualityFinding]:
    """Fee classes add up to the total, and the parts of a class to no more than its amount."""
    fees, total = record.facts.fees, record.facts.total
    if fees is None:
        yield lacking("fees_do_not_add_up", "fees")
        return
    for fee in fees:
        yield from _parts(fee)
    if total is None:
        yield lacking("fees_do_not_add_up", "total")
        return
    added = sum(fee.amount for fee in fees)
    if abs(added - total) > ROUNDING * max(1, len(fees)):
        words = (
            f"各收费项目合计 {_yuan(added)} 元,与总费用 {_yuan(total)} 元相差 {_yuan(abs(added - total))} 元。请核对。"
        )
        yield found("fees_do_not_add_up", words, ("fees", "total"), "violation")


def _parts(fee: FeeItem) -> Iterator[QualityFinding]:
    """One sender swaps the amount and its 甲类 part: then the part exceeds the whole."""
    parts = [part for part in (fee.class_a, fee.class_b, fee.own, fee.other) if part is not None]
    largest = max(parts, default=0)
    if largest > fee.amount + ROUNDING or sum(parts) > fee.amount + ROUNDING * 4:
        words = (
            f"第 {fee.at + 1} 个收费项目的甲类、乙类、自费、其他合计 {_yuan(sum(parts))} 元,"
            f"超过金额 {_yuan(fee.amount)} 元。请核对金额与甲类费用是否填反。"
        )
        yield found("fee_parts_exceed_amount", words, (f"fees[{fee.at}]",))


def pairs(record: Record) -> Iterator[QualityFinding]:
    """What was charged was done and coded, and the reverse: surgery by fee class, single charges by pairs."""
    yield from _surgery(record)
    charged = record.facts.charged
    if charged is None:
        done = [pair.name for pair in record.quality.fee_pairs if _of_pair(pair, record)]
        if done:
            yield lacking("procedure_without_fee", "charged")
        if record.facts.fees is None:
            yield lacking("fee_without_procedure", "fees", "charged")
        return
    for pair in record.quality.fee_pairs:
        amount, operations = charged.get(pair.charge, 0), _of_pair(pair, record)
        if amount > 0 and not operations and record.facts.operations is not None:
            words = f"有【{pair.name}】收费 {_yuan(amount)} 元,但没有相应的手术操作编码。请核对是否漏填操作或误收费。"
            yield found("fee_without_procedure", words, ("charged", "operations"))
        elif operations and amount <= 0:
            named = called(operations[0].line.code, operations[0].line.name)
            words = f"有【{pair.name}】操作编码{named},但没有相应收费。请核对该操作是否实施。"
            yield found("procedure_without_fee", words, (operations[0].field, "charged"))


def _of_pair(pair: FeePair, record: Record) -> list[Operated]:
    return [done for done in record.operations if done.code.startswith(pair.operations)]


def _surgery(record: Record) -> Iterator[QualityFinding]:
    """手术费 without any operation, or surgery without 手术费 (it may be charged as treatment: a notice)."""
    fees = record.facts.fees
    if fees is None or any(fee.fee_class is None for fee in fees):
        return
    amount = sum(fee.amount for fee in fees if fee.fee_class == "surgery")
    if amount > 0 and record.facts.operations is not None and not record.operations:
        words = f"有手术费 {_yuan(amount)} 元,但没有手术操作编码。请核对是否漏填手术操作。"
        yield found("fee_without_procedure", words, ("fees", "operations"))
    surgery = next((done for done in record.operations if done.attribute == "surgery"), None)
    if surgery is not None and amount == 0:
        named = called(surgery.line.code, surgery.line.name)
        words = f"有手术编码{named},但手术费为 0。请核对该手术是否实施,或费用是否归入其他类别。"
        yield found("procedure_without_fee", words, (surgery.field, "fees"), "notice")


def staff(record: Record) -> Iterator[QualityFinding]:
    """Surgery names its surgeon and its anaesthesia. Only where lines were sent; interventions may do without."""
    if record.facts.operations is None:
        return
    for done in record.operations:
        if done.attribute not in {"surgery", "intervention"}:
            continue
        name = called(done.line.code, done.line.name)
        if not done.line.surgeon:
            yield found("surgeon_missing", f"手术{name}没有填写术者。请补填。", (done.field,), "notice")
        if done.attribute == "surgery" and not done.line.anaesthesia:
            entry = record.directory.operation(done.code)
            major = entry is not None and entry.level is not None and entry.level >= MAJOR_LEVEL
            said = "没有填写麻醉方式" if done.line.anaesthesia is None else "麻醉方式填写为“无”"
            words = f"手术{name}{said}。请核对并补填麻醉方式。"
            yield found("anaesthesia_missing", words, (done.field,), "suspicious" if major else "notice")


def _yuan(amount: int) -> str:
    """Return an amount exactly: two decimals, more only where there are any."""
    text = f"{in_yuan(amount):.4f}"
    return text[:-2] if text.endswith("00") else text
