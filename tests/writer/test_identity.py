"""Ids prove themselves, retries get the same one, and nobody's identity can be read from a pseudonym."""

import os
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identity import MAX_FINDING_NUMBER, Identity, load_key
from tests.writer.samples import IDENTITY, NOON

CONTENT = b"c" * 32


def verdict_id(message_id: str | None = "M1", **changes: bytes) -> str:
    parts = {"content_digest": CONTENT, "digests": b"d", **changes}
    return IDENTITY.verdict_id("H1", message_id, now=NOON, **parts)


class TestVerdictId:
    def test_a_retry_gets_the_same_id(self) -> None:
        """Same hospital, message, content and digests: same id, whenever and wherever."""
        later = IDENTITY.verdict_id("H1", "M1", CONTENT, b"d", NOON + timedelta(days=1))
        replica = Identity(bytes(32)).verdict_id("H1", "M1", CONTENT, b"d", NOON)

        assert verdict_id() == later == replica
        assert uuid.UUID(verdict_id()).version == 8
        assert uuid.UUID(verdict_id()).variant == uuid.RFC_4122

    def test_anything_else_changed_gives_another_id(self) -> None:
        """Hospital, message id, content and digests all count."""
        others = {
            verdict_id("M2"),
            verdict_id(content_digest=b"x" * 32),
            verdict_id(digests=b"x"),
            IDENTITY.verdict_id("H2", "M1", CONTENT, b"d", NOON),
        }

        assert len(others | {verdict_id()}) == 5

    def test_parts_cannot_be_shifted_into_each_other(self) -> None:
        """The length before each part keeps "H1" + "1M" apart from "H11" + "M"."""
        one = IDENTITY.verdict_id("H1", "1M", CONTENT, b"d", NOON)
        other = IDENTITY.verdict_id("H11", "M", CONTENT, b"d", NOON)

        assert one != other

    @pytest.mark.parametrize("message_id", [None, ""])
    def test_without_a_message_id_every_call_has_its_own(self, message_id: str | None) -> None:
        """Ids are UUIDv7, and those of different milliseconds are in the order of time."""
        ids = [IDENTITY.verdict_id("H1", message_id, CONTENT, b"d", NOON + timedelta(seconds=n)) for n in range(20)]

        assert ids == sorted(set(ids))
        assert {uuid.UUID(one).version for one in ids} == {7}
        assert all(IDENTITY.is_genuine(one) for one in ids)

    def test_only_the_key_makes_genuine_ids(self) -> None:
        """Another key's ids, foreign UUIDs, changed digits and text that is no UUID are not ours."""
        genuine = verdict_id()
        changed = genuine.replace(genuine[0], "0" if genuine[0] != "0" else "1", 1)
        foreign = Identity(b"k" * 32).verdict_id("H1", "M1", CONTENT, b"d", NOON)

        assert IDENTITY.is_genuine(genuine)
        assert not any(IDENTITY.is_genuine(one) for one in (changed, foreign, str(uuid.uuid4()), "", "x", "病历"))


class TestFindingId:
    @given(number=st.integers(1, MAX_FINDING_NUMBER))
    def test_comes_back(self, number: int) -> None:
        """What was made is read back, in any case, within 50 characters."""
        made = IDENTITY.finding_id(verdict_id(), number)

        assert len(made) <= 50
        assert (verdict_id(), number) == IDENTITY.parse_finding_id(made)
        assert (verdict_id(), number) == IDENTITY.parse_finding_id(f" {made.upper()} ")

    @given(st.text())
    def test_other_text_is_not_ours(self, text: str) -> None:
        """Nothing that a client may send raises."""
        assert IDENTITY.parse_finding_id(text) is None
        assert IDENTITY.parse_finding_id(f"{verdict_id()}-{text}") is None

    def test_a_changed_number_is_not_ours(self) -> None:
        """The tag covers the number, and leading zeros make no second id of one finding."""
        made = IDENTITY.finding_id(verdict_id(), 1)

        assert IDENTITY.parse_finding_id(made[:37] + "2" + made[38:]) is None
        assert IDENTITY.parse_finding_id(made[:37] + "01" + made[38:]) is None
        assert IDENTITY.parse_finding_id(made[:36]) is None

    @pytest.mark.parametrize("number", [0, -1, MAX_FINDING_NUMBER + 1])
    def test_numbers_have_limits(self, number: int) -> None:
        """Findings are counted from 1 to what fits in 50 characters."""
        with pytest.raises(ValueError, match="number"):
            IDENTITY.finding_id(verdict_id(), number)


class TestPseudonym:
    def test_is_keyed_and_stable(self) -> None:
        """Same person, same key: same 32 hex digits; another key says something else."""
        person = "110101196005011234"

        assert IDENTITY.pseudonym(person) == Identity(bytes(32)).pseudonym(person)
        assert IDENTITY.pseudonym(person) != Identity(b"k" * 32).pseudonym(person)
        assert len(bytes.fromhex(IDENTITY.pseudonym(person))) == 16

    def test_unknown_persons_are_not_one_person(self) -> None:
        """No id, no pseudonym."""
        assert IDENTITY.pseudonym("") == ""

    def test_takes_any_text(self) -> None:
        """A lone surrogate from a broken message is no reason to fail."""
        assert len(IDENTITY.pseudonym("\ud800")) == 32


class TestKeyFile:
    def test_is_made_once_and_private(self, tmp_path: Path) -> None:
        """Mode 0600, 32 bytes, and no draft left behind."""
        path = tmp_path / "keys" / "pseudonym.key"
        one, other = Identity.open(tmp_path), Identity.open(tmp_path)

        assert one.pseudonym("x") == other.pseudonym("x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [path] == list(path.parent.iterdir())
        assert len(path.read_bytes()) == 32

    def test_workers_that_start_together_agree(self, tmp_path: Path) -> None:
        """The first one wins; nobody's key is replaced."""
        path = tmp_path / "keys" / "pseudonym.key"
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(load_key, [path] * 32))

        assert len(keys) == 1

    def test_a_file_that_is_no_key_is_refused(self, tmp_path: Path) -> None:
        """A cut or edited key would silently make everybody somebody else."""
        path = tmp_path / "keys" / "pseudonym.key"
        path.parent.mkdir()
        path.write_bytes(os.urandom(31))

        with pytest.raises(ValueError, match="32 bytes, not 31"):
            Identity.open(tmp_path)
