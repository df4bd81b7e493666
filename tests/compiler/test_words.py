"""``words.csv``: dictionary entries, each in its dictionary's own form, carried by the pack and its digest."""

import pytest

from rules import Rulebook
from rules.compiler import build, compile_pack, examine, load
from rules.words import Word
from tests.compiler.packs import small

HEAD = "dictionary,code,meaning,hospital,note"


def words(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows, ""]).encode()


SOUND = small(words=words("frequency,bid,2/1,,", "department,0301,眼科,H1,门诊三楼"))


def test_entries_in_order() -> None:
    """By dictionary, hospital and word; the note stays in the table."""
    assert compile_pack(SOUND).words == (
        Word(dictionary="department", code="0301", meaning="眼科", hospital="H1"),
        Word(dictionary="frequency", code="bid", meaning="2/1"),
    )


def test_a_rulebook_reads_through_them() -> None:
    """Every pack's words serve every rule."""
    book = Rulebook.build([compile_pack(SOUND)])

    assert book.words.meaning("department", "H1", "0301") == "眼科"


def test_the_digest_covers_them() -> None:
    """Another meaning is another pack; a pack without words keeps the digest it always had."""
    other = small(words=words("frequency,bid,3/1,,"))

    assert len({compile_pack(pack).digest for pack in (SOUND, other, small())}) == 3
    assert compile_pack(small(words=words())).digest == compile_pack(small()).digest


def test_a_built_pack_carries_them() -> None:
    """Built and loaded, the pack is the same."""
    pack = compile_pack(SOUND)

    assert load(build(pack)) == pack


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("frequenzy,bid,2/1,,", "dictionary", "there is no such dictionary"),
        ("frequency,,2/1,,", "code", "`code` is empty"),
        ("frequency,bid,,,", "meaning", "`meaning` is empty"),
        ("frequency,bid,twice,,", "meaning", "`twice` is no meaning of dictionary `frequency`"),
        ("frequency,bid,2/0,,", "meaning", "`2/0` is no meaning of dictionary `frequency`"),
        ("title,1,boss,,", "meaning", "`boss` is no meaning of dictionary `title`"),
        ("unit,g,mg,,", "meaning", "`mg` is no meaning of dictionary `unit`"),
    ],
)
def test_a_faulty_entry(row: str, column: str, message: str) -> None:
    """Each fault with its row and column; the other entries stand."""
    (fault,) = examine(small(words=words("route,口服,oral,,", row))).diagnostics

    assert (fault.code, fault.file, fault.row, fault.column) == ("INVALID_CELL", "words.csv", 3, column)
    assert message in fault.message


def test_one_word_two_meanings() -> None:
    """Within one hospital a word means one thing; width and case do not make another word."""
    pack = small(words=words("route,po,oral,,", "route,PO,iv,,", "route,po,iv,H1,"))
    (fault,) = examine(pack).diagnostics

    assert (fault.row, fault.column) == (3, "meaning")
    assert "already means `oral`" in fault.message


def test_a_wrong_suggestion_is_not_made_up() -> None:
    """A near name is offered."""
    (fault,) = examine(small(words=words("frequncy,bid,2/1,,"))).diagnostics

    assert "frequency" in fault.help
