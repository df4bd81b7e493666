"""Built packs: the same pack comes back, every byte is proved, and what this program cannot run is refused."""

import hashlib
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from rules.compiler import BuiltPackError, build, built, compile_pack, load
from rules.compiler.sealing import digest_of, head_of, lines_of, sections_of
from rules.kinds.sex_limit import SexLimit
from rules.model import encode
from rules.pack import CompiledPack
from tests.compiler.packs import NEWBORN, PACK, small, table


def a_pack() -> CompiledPack:
    """A pack with two kinds, an incomplete rule and an unset parameter."""
    manifest = PACK + b"parameters:\n  child_years: {value: null, note: x}\n"
    ages = table("max_age", f"{NEWBORN},28d", NEWBORN.replace("age-1", "age-2") + ",$child_years")
    indication = table(
        "status,note,dx,dx_text",
        "ind-1,XG04CBF002A001*,非那雄胺片,限适应症,violation,warn,payment,nhsa-1,incomplete,待补,,",
    )
    return compile_pack(small(pack=manifest, age_limit=ages, indication=indication))


def synthetic(count: int) -> CompiledPack:
    """A pack of that many sex limits, each on an item of its own."""
    rules = tuple(
        SexLimit(
            id=f"sex-{number:06d}",
            name=f"合成项目{number:06d}注射液",
            title="医疗服务项目区分性别使用",
            items=(f"XA{number:06d}B002010100269",),
            certainty="suspicious",
            level="warn",
            scope="safety",
            citation="nhsa-1",
            basis="国家知识点列为仅用于女性的项目",
            valid_from=date(2026, 1, 1),
            sex="female",
        )
        for number in range(count)
    )
    return sealed(replace(compile_pack(small()), rules={"sex_limit": rules}))


def sealed(pack: CompiledPack) -> CompiledPack:
    sections = {name: digest_of(lines_of(rules)) for name, rules in sections_of(pack.rules).items()}
    return replace(pack, digest=digest_of(encode(head_of(pack, sections))))


def forged(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a file changed after its first line, with the first line's digest made to fit."""
    _, _, rest = data.partition(b"\n")
    assert old in rest
    rest = rest.replace(old, new)
    return b"dipcheck-pack 1 " + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def test_comes_back_equal() -> None:
    pack = a_pack()

    assert load(build(pack)) == pack
    assert [type(rule) for rule in load(build(pack)).rules["age_limit"]] == [type(r) for r in pack.rules["age_limit"]]


def test_the_same_pack_gives_the_same_bytes() -> None:
    assert build(a_pack()) == build(a_pack())


def test_rules_over_several_sections_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many rules share a section changes neither the pack nor its digest."""
    pack = synthetic(25)
    whole = load(build(pack))
    monkeypatch.setattr(built, "CHUNK", 10)

    assert load(build(pack)) == whole == pack


def test_every_flipped_byte_is_found() -> None:
    """No change of a single byte, wherever it is, goes unnoticed."""
    data = build(a_pack())
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x01
        with pytest.raises(BuiltPackError, match=r"damaged|format \d+, this program reads 1"):
            load(bytes(changed))


@pytest.mark.parametrize("size", [0, 10, 90, 300, -1])
def test_a_truncated_file_is_found(size: int) -> None:
    with pytest.raises(BuiltPackError, match="damaged"):
        load(build(a_pack())[:size])


def test_something_else_is_no_pack() -> None:
    with pytest.raises(BuiltPackError, match="no built pack"):
        load(b"PK\x03\x04 not ours")


def test_a_newer_format_is_refused_by_its_number() -> None:
    with pytest.raises(BuiltPackError, match="format 2, this program reads 1"):
        load(build(a_pack()).replace(b"dipcheck-pack 1 ", b"dipcheck-pack 2 ", 1))


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(BuiltPackError, match="kind `sex_limyt`, which this program does not know"):
        load(forged(build(a_pack()), b"sex_limit", b"sex_limyt"))


def test_a_field_of_a_newer_program_is_refused_by_name() -> None:
    """Ignoring a field would turn a newer rule into another rule."""
    with pytest.raises(BuiltPackError, match="kind `sex_limit` carry `unsex`, unknown to this program"):
        load(forged(build(synthetic(1)), b'"sex"', b'"unsex"'))


def test_content_that_does_not_fit_the_pack_digest_is_refused() -> None:
    """A file put together by hand is not the pack it claims to be."""
    with pytest.raises(BuiltPackError, match="does not match the pack's digest"):
        load(forged(build(a_pack()), '"title":"示例"'.encode(), '"title":"例示"'.encode()))


def test_rules_that_do_not_fit_their_digest_are_refused() -> None:
    pack = synthetic(3)
    other = replace(
        pack,
        rules={"sex_limit": tuple(msgspec.structs.replace(r, sex="male") for r in synthetic(3).rules["sex_limit"])},
    )
    head = encode(head_of(pack, {n: digest_of(lines_of(r)) for n, r in sections_of(pack.rules).items()}))
    wrong = encode(head_of(other, {n: digest_of(lines_of(r)) for n, r in sections_of(other.rules).items()}))

    with pytest.raises(BuiltPackError, match="rules of `active/sex_limit` do not match their digest"):
        load(forged(build(other), wrong, head))


@pytest.mark.slow
def test_loading_100_000_rules_takes_at_most_150_megabytes() -> None:
    """Measured in a process of its own. How long it takes is the bench's to say (``bench --only loading``)."""
    assert measured(build(synthetic(100_000))) <= 150


def measured(data: bytes) -> float:
    import subprocess
    import sys

    script = (
        "import resource, sys; from rules.compiler import load\n"
        "data = sys.stdin.buffer.read(); peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); pack = load(data)\n"
        "print((peak() - before) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)
    return float(done.stdout)
