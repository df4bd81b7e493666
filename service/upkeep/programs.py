"""``pg_dump`` and ``pg_restore``: which to take, and how to run them so that no password is in a process list.

In: the server's version. Out: programs of the bundled wheel that suit it, or those of a folder that was named.
Unlike a server they may run as root.
"""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from service.children import ends_with_parent
from service.postgres_place import PostgresUnavailable, installed_programs
from service.upkeep.manifest import BackupError

_OTHERS: Final = "install PostgreSQL's client programs of that version and name their folder with --programs"
_ENCRYPTED: Final = {"require", "verify-ca", "verify-full"}
_LAST_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class ClientPrograms:
    """One version's programs."""

    folder: Path
    major: int

    async def dump(self, url: str, *options: str) -> None:
        """Run ``pg_dump``. Raises ``BackupError`` with what it said."""
        await _run(self.folder / "pg_dump", url, options)

    async def restore(self, url: str, *options: str) -> None:
        """Run ``pg_restore``. Raises ``BackupError`` with what it said."""
        await _run(self.folder / "pg_restore", url, options)


def client_programs(server: int, *, folder: Path | None, url: str, written_by: int = 0) -> ClientPrograms:
    """Return programs for a server of a major version, able to read what version ``written_by`` wrote.

    Of the bundled ones the oldest that will do: a newer one may speak to an older server in words it does not know.
    Raises ``BackupError`` when there is none.
    """
    least = max(server, written_by)
    if folder is not None:
        named = ClientPrograms(folder, _major_version(folder / "pg_dump"))
        if named.major < least:
            raise BackupError(f"the programs in `{folder}` are of PostgreSQL {named.major}; needed is {least} or newer")
        return named
    if _parameters(url).get("sslmode") in _ENCRYPTED:
        raise BackupError(f"the bundled PostgreSQL programs speak no TLS, which the address asks for: {_OTHERS}")
    fit = sorted((found for found in _bundled() if found.major >= least), key=lambda found: found.major)
    if not fit:
        raise BackupError(f"the server is PostgreSQL {server}, newer than the bundled programs: {_OTHERS}")
    return fit[0]


def _bundled() -> Iterator[ClientPrograms]:
    try:
        newest = installed_programs(Path(os.devnull).with_name("no-cluster"))
    except PostgresUnavailable as error:
        raise BackupError(f"{error}; or {_OTHERS}") from None
    for program in (newest.root / newest.home).parent.glob("*/bin/pg_dump"):
        yield ClientPrograms(program.parent, _major_version(program))


def _major_version(program: Path) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackupError(f"`{program}` cannot be run: {error}") from None
    found = re.search(r"\) (\d+)", said)
    if found is None:
        raise BackupError(f"`{program}` does not say its version: {said.strip()}")
    return int(found[1])


async def _run(program: Path, url: str, options: Sequence[str]) -> None:
    address, secret = without_password(url)
    environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "dipcheck-backup"}
    if secret:
        environment["PGPASSWORD"] = secret
    process = await asyncio.create_subprocess_exec(
        program,
        f"--dbname={address}",
        *options,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=ends_with_parent(signal.SIGTERM),
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        raise BackupError(f"{program.name} failed ({process.returncode}): {' / '.join(lines[:_LAST_LINES])}")


def without_password(url: str) -> tuple[str, str]:
    """Return an address without its password, and the password: a command line is for every account to read."""
    parts = urlsplit(url)
    account, at, place = parts.netloc.rpartition("@")
    user, _, secret = account.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    secrets = [value for name, value in query if name == "password"]
    rest = urlencode([(name, value) for name, value in query if name != "password"])
    address = parts._replace(netloc=f"{user}{at}{place}", query=rest).geturl()
    return address, secrets[-1] if secrets else unquote(secret)


def _parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
