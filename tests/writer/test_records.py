"""Records come back byte for byte, and each is filed under a day that can be believed."""

from datetime import date, datetime, timedelta

import msgspec
import pytest

from rules.model import encode as encode_noun
from service.records import ACTIONS, JournalRecord, decode, encode, partition_day
from tests.writer.samples import NOON, SHANGHAI, a_comparison, a_disposition, a_record, a_verdict, an_input


@pytest.mark.parametrize("record", [a_record(), a_disposition(a_record()), a_comparison(a_record())])
def test_a_record_comes_back(record: JournalRecord) -> None:
    """Each kind of record is told by its tag."""
    assert encode(record) == encode(decode(encode(record)))
    assert type(decode(encode(record))) is type(record)


def test_input_and_verdict_keep_their_bytes() -> None:
    """Replay compares bytes: the journal must not reformat them."""
    found = decode(encode(a_record()))

    assert bytes(found.input) == encode_noun(an_input())  # type: ignore[union-attr]
    assert bytes(found.verdict) == encode_noun(a_verdict())  # type: ignore[union-attr]


def test_an_action_outside_the_closed_set_is_refused() -> None:
    """The set is closed where it is read, too."""
    known = encode(a_disposition(a_record()))

    assert "continued" in ACTIONS
    with pytest.raises(msgspec.ValidationError):
        decode(known.replace(b'"continued"', b'"shredded"'))


@pytest.mark.parametrize(
    ("message_time", "day"),
    [
        (None, date(2026, 3, 18)),
        (NOON - timedelta(hours=48), date(2026, 3, 16)),
        (NOON - timedelta(hours=48, seconds=1), date(2026, 3, 18)),
        (NOON + timedelta(hours=48), date(2026, 3, 20)),
        (NOON + timedelta(hours=48, seconds=1), date(2026, 3, 18)),
        (datetime(9999, 12, 31, tzinfo=SHANGHAI), date(2026, 3, 18)),
        (datetime(2026, 3, 18, 0, 30, tzinfo=SHANGHAI), date(2026, 3, 18)),
    ],
)
def test_partition_day(message_time: datetime | None, day: date) -> None:
    """The message's own local day, unless it is absent or more than 48 hours off."""
    assert day == partition_day(message_time, NOON, SHANGHAI)


@pytest.mark.parametrize(
    "payload", [b"V", b"Vzz", b"V" + b"0" * 16, b"V00000002ffffffff{}", b"V0000000200000000{}null"]
)
def test_a_verdict_that_does_not_fit_together_is_refused(payload: bytes) -> None:
    """Damage that passes the checksum of nobody is still one kind of error."""
    with pytest.raises(msgspec.DecodeError):
        decode(payload)


def test_a_payload_never_holds_the_journals_mark() -> None:
    """Everything is UTF-8, lengths included, so that reading finds its way again behind damage."""
    encode(a_record()).decode()
