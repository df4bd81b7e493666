"""Sealing: what is stored of a patient opens with the patient's key, for its own row, unaltered, and otherwise not."""

import stat
from pathlib import Path

import pytest

from service.sealing import CIPHERS, KEY_BYTES, CipherName, Sealer, Unreadable, bound_to

PLAIN = '{"项目":"注射用药品"}'.encode() * 40
BOUND = bound_to("verdict", "input", "H1", "v1")
MASTER = bytes(range(KEY_BYTES))
ciphers = pytest.mark.parametrize("cipher", list(CIPHERS))


@ciphers
class TestRoundTrip:
    def test_what_is_sealed_opens(self, cipher: CipherName) -> None:
        """The same bytes come back, also empty ones and ones that do not compress."""
        sealer = Sealer(MASTER, cipher)
        key = sealer.unwrap(sealer.new_key())

        for plain in (PLAIN, b"", bytes(range(256))):
            assert plain == sealer.open_sealed(key, sealer.seal(key, plain, BOUND), BOUND)

    def test_nothing_shows_through(self, cipher: CipherName) -> None:
        """Sealed bytes are smaller, hold no piece of the text, and differ each time."""
        sealer = Sealer(MASTER, cipher)
        key = sealer.unwrap(sealer.new_key())
        first, second = sealer.seal(key, PLAIN, BOUND), sealer.seal(key, PLAIN, BOUND)

        assert len(first) < len(PLAIN)
        assert first != second
        assert "注射".encode() not in first

    def test_another_rows_bytes_do_not_open(self, cipher: CipherName) -> None:
        """Table, column, hospital and id are bound: a value moved to another place is unreadable there."""
        sealer = Sealer(MASTER, cipher)
        key = sealer.unwrap(sealer.new_key())
        sealed = sealer.seal(key, PLAIN, BOUND)

        for place in (
            ("recheck", "input", "H1", "v1"),
            ("verdict", "verdict", "H1", "v1"),
            ("verdict", "input", "H2", "v1"),
            ("verdict", "input", "H1", "v2"),
        ):
            with pytest.raises(Unreadable):
                sealer.open_sealed(key, sealed, bound_to(*place))

    def test_altered_bytes_do_not_open(self, cipher: CipherName) -> None:
        """Every byte counts: the mark, the nonce, the content and the tag; so does a missing end."""
        sealer = Sealer(MASTER, cipher)
        key = sealer.unwrap(sealer.new_key())
        sealed = sealer.seal(key, PLAIN, BOUND)

        for place in range(len(sealed)):
            altered = sealed[:place] + bytes((sealed[place] ^ 1,)) + sealed[place + 1 :]
            with pytest.raises(Unreadable):
                sealer.open_sealed(key, altered, BOUND)
        for short in (b"", sealed[:1], sealed[:28], sealed[:-1]):
            with pytest.raises(Unreadable):
                sealer.open_sealed(key, short, BOUND)

    def test_another_patients_key_does_not_open(self, cipher: CipherName) -> None:
        """Each patient's key opens what is that patient's."""
        sealer = Sealer(MASTER, cipher)
        one, other = (sealer.unwrap(sealer.new_key()) for _ in range(2))

        with pytest.raises(Unreadable):
            sealer.open_sealed(other, sealer.seal(one, PLAIN, BOUND), BOUND)

    def test_another_key_file_unwraps_nothing(self, cipher: CipherName) -> None:
        """The patients' keys of one installation are noise to another."""
        wrapped = Sealer(MASTER, cipher).new_key()

        with pytest.raises(Unreadable):
            Sealer(bytes(KEY_BYTES), cipher).unwrap(wrapped)


def test_both_ciphers_are_read_whichever_writes() -> None:
    """A hospital that changes over reads what was sealed before with the same patients' keys."""
    aes, sm4 = (Sealer(MASTER, cipher) for cipher in CIPHERS)
    wrapped = aes.new_key()
    sealed = aes.seal(aes.unwrap(wrapped), PLAIN, BOUND)

    assert sm4.unwrap(wrapped) == aes.unwrap(wrapped)
    assert sm4.open_sealed(sm4.unwrap(wrapped), sealed, BOUND) == PLAIN
    assert sealed[:1] != sm4.seal(sm4.unwrap(wrapped), PLAIN, BOUND)[:1]


def test_the_places_of_a_binding_are_told_apart() -> None:
    """No two places read the same."""
    places = [("verdict", "input", "H1", "v"), ("verdict", "verdict", "H1", "v"), ("recheck", "input", "H1", "v")]

    assert len({bound_to(*place) for place in places}) == len(places)


def test_a_key_file_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """The first start makes it; a second opens the same; nobody else reads it."""
    first = Sealer.open(tmp_path)
    second = Sealer.open(tmp_path)

    assert second.unwrap(first.new_key())
    assert stat.S_IMODE((tmp_path / "keys" / "seal.key").stat().st_mode) == 0o600


def test_a_key_of_another_length_is_refused() -> None:
    """A file that is no key is said to be none, before anything is sealed with it."""
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")


def test_checkpoints_need_the_key_file() -> None:
    """The same message has another code under another key."""
    assert Sealer(MASTER).mac(b"head") == Sealer(MASTER).mac(b"head")
    assert Sealer(MASTER).mac(b"head") != Sealer(bytes(KEY_BYTES)).mac(b"head")
