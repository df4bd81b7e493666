"""Digest and built file: content decides, layout does not, and a changed byte is never a changed scheme."""

import hashlib
import zlib

import pytest

from rules.dip.compiler import SchemeFileError, build_scheme, compile_scheme, load_scheme
from rules.dip.compiler.sealing import FORMAT
from tests.dip.compiler.schemes import CATALOGUE, SCHEME, keys, rows, small

OPERATIONS = rows("code,name,attribute", "51.2300,胆囊切除,surgery", "51.2400,部分切除,surgery")


def digest(**files: str) -> str:
    return compile_scheme(small(operations=OPERATIONS) | small(**files)).digest


def relined(body: bytes) -> bytes:
    """Return a file whose first line proves another body."""
    return b"dipcheck-scheme %d %s\n" % (FORMAT, hashlib.sha256(body).hexdigest().encode()) + body


class TestDigest:
    """What it covers."""

    def test_it_is_the_sha_256_of_the_content(self) -> None:
        """Sixty-four digits, the same each time."""
        assert len(digest()) == 64
        assert digest() == digest()

    @pytest.mark.parametrize(
        "files",
        [
            {"operations": rows("name,code,attribute", "部分切除,51.2400,surgery", "胆囊切除,51.23,surgery")},
            {"operations": OPERATIONS.replace("\n", "\r\n")},
            {"scheme": SCHEME + "partial: false\nnote: 一句说明\n"},
            {"scheme": SCHEME + "comprehensive: {attribute_of: highest}\npoints: {deviation: {formula: none}}\n"},
            {"catalogue": CATALOGUE.replace("51.2300", "51.23")},
            {"cases": "- {name: 例, case: {principal: K80.100}, expect: {}}\n"},
        ],
        ids=["order of columns and rows", "line ends", "a default written", "defaults inside", "notation", "cases"],
    )
    def test_what_does_not_count(self, files: dict[str, str]) -> None:
        """Layout, defaults that are written, cases."""
        assert digest() == digest(**files)

    @pytest.mark.parametrize(
        "files",
        [
            {"operations": OPERATIONS.replace("51.2400,部分切除,surgery", "51.2400,部分切除,therapeutic")},
            {"scheme": SCHEME.replace("most_parts, ", "")},
            {"scheme": keys("points: {decimals: 2}\n")},
            {"catalogue": CATALOGUE.replace("1000,", "1001,")},
            {"catalogue": rows(*(CATALOGUE.splitlines()[at] for at in (0, 2, 1)))},
        ],
        ids=["an attribute", "a tie rule", "a parameter", "a score", "order of the catalogue"],
    )
    def test_what_counts(self, files: dict[str, str]) -> None:
        """All that decides a group, points or money, and the order of the catalogue."""
        assert digest() != digest(**files)


class TestFile:
    """The built file."""

    def test_it_gives_the_scheme_back(self) -> None:
        """Built and loaded it is the same, digest included."""
        scheme = compile_scheme(small(operations=OPERATIONS))
        data = build_scheme(scheme)

        assert data.startswith(b"dipcheck-scheme 1 ")
        assert scheme == load_scheme(data)
        assert data == build_scheme(load_scheme(data))

    def test_every_changed_byte_is_refused(self) -> None:
        """Whichever byte it is."""
        data = build_scheme(compile_scheme(small()))

        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises(SchemeFileError):
                load_scheme(changed)

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "no built scheme"),
            (b"dipcheck-pack 1 x\n", "no built scheme"),
            (b"dipcheck-scheme 2 " + b"0" * 64 + b"\n", "has format 2, this program reads 1"),
            (relined(b"no zlib"), "cannot be unpacked"),
            (relined(zlib.compress(b"{}")[:-2]), "cut off"),
            (relined(zlib.compress(b"[]")), "does not fit this program"),
            (relined(zlib.compress(b'{"name":"a"}')), "does not fit this program"),
            (relined(zlib.compress(b'{"name":"a","version":"1","title":"a","tax":1}')), "does not know"),
        ],
    )
    def test_what_cannot_be_used(self, data: bytes, says: str) -> None:
        """One sentence that says why."""
        with pytest.raises(SchemeFileError, match=says):
            load_scheme(data)

    def test_an_error_of_a_file_is_a_value_error(self) -> None:
        """Callers need not know the class."""
        assert issubclass(SchemeFileError, ValueError)
