"""What a code's own shape says about the item."""

import pytest

from rules.codings import injected


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("XB05BAD252B002010100001", True),
        ("XB05BAD252B002", True),
        ("XC02KXB144A006010103973", False),
        ("XB05BAD252", None),
        ("XB05BAD252B00", None),
        ("ZA12HAY0759010106725", None),
        ("001102000040000", None),
        ("", None),
    ],
)
def test_injected(code, told):
    """The eleventh character of a western code names the form; other codes do not say."""
    assert told is injected(code)
