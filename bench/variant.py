"""The service with less of its record, to see what the record costs.

``journal``: verdicts are journaled and nothing brings them to PostgreSQL. ``off``: nothing is journaled either; the
record is still made, since the verdict's id rests on it. Run as ``python -m bench.variant serve|worker MODE``.
"""

import os
import sys
from typing import Final

MODES: Final = ("journal", "off")


def main(task: str, mode: str) -> int:
    """Be the parent, or a worker of it."""
    if mode not in MODES:
        raise ValueError(f"there is no variant `{mode}`")
    if task == "serve":
        return _serve(mode)
    from service import worker  # noqa: PLC0415 - the parent needs none of it
    from service.journal import Journal  # noqa: PLC0415
    from service.recorder import Recorder  # noqa: PLC0415

    Recorder.start = lambda self: None  # type: ignore[method-assign]
    if mode == "off":
        Journal.append = lambda self, payload: True  # type: ignore[method-assign]
    return worker.main()


def _serve(mode: str) -> int:
    from service.settings import Settings  # noqa: PLC0415
    from service.supervisor import serve  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    return serve(settings, worker_command=(sys.executable, "-m", "bench.variant", "worker", mode))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
