"""Activation from the command line: who, from when on, and which database (``dipcheck pack|scheme activate``)."""

import argparse
import os
from datetime import datetime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every activation may say."""
    parser.add_argument("--from", dest="active_from", metavar="TIME", help="ISO 8601 with zone; now if left out")
    parser.add_argument("--by", default=os.environ.get("USER", ""), metavar="NAME", help="who activates it")


def begin(text: str | None) -> datetime | None:
    """Return from when on it holds; ``None`` is now. Raises ``ValueError`` with a sentence for what is no such time."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` is no time; write 2026-04-01T00:00:00+08:00") from None
    if at.tzinfo is None:
        raise ValueError("--from needs a zone, as in 2026-04-01T00:00:00+08:00")
    return at
