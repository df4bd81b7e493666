"""Settings (运行设置): read once from the environment, documented in one table, checked before anything starts.

In: a mapping of ``DIPCHECK_*`` names to text. Out: a frozen ``Settings``. Raises ``SettingsError`` naming every
setting that cannot be used. The README's table is generated from ``FIELDS`` and a test keeps it so.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

PREFIX: Final = "DIPCHECK_"


class SettingsError(Exception):
    """Settings that cannot be used; the message lists each."""


def _setting(default: Any, about: str, read: Callable[[str], Any] = str) -> Any:
    return field(default=default, metadata={"about": about, "read": read})


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise ValueError("a port is a number from 0 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError("expected a number from 1")
    return int(text)


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 86_400:
        raise ValueError("seconds between 0 and a day")
    return number


def _flush(text: str) -> str:
    if text not in {"always", "never"} and not text.isdigit():
        raise ValueError("always, never, or a number of milliseconds")
    return text


def _cipher(text: str) -> str:
    if text not in {"aes-256-gcm", "sm4-gcm"}:
        raise ValueError("aes-256-gcm or sm4-gcm")
    return text


@dataclass(frozen=True, slots=True)
class Settings:
    """How this instance runs. Field name in upper case behind ``DIPCHECK_`` is the environment variable."""

    host: str = _setting("127.0.0.1", "address to listen on; anything but loopback needs an API key")
    port: int = _setting(8080, "port to listen on; 0 takes a free one", _port)
    data_dir: Path = _setting(Path("dipcheck-data"), "journal, keys, built packs and the bundled PostgreSQL", Path)
    database_url: str | None = _setting(None, "PostgreSQL to use instead of the bundled one (postgresql://…)")
    workers: int = _setting(1, "worker processes", _positive)
    tz: ZoneInfo = _setting(ZoneInfo("Asia/Shanghai"), "the hospital's time zone", ZoneInfo)
    hospital: str = _setting("H00000000000", "hospital code when neither key nor message names one")
    api_key: str | None = _setting(None, "one API key, beside those made by `dipcheck key new`")
    sites_file: Path | None = _setting(None, "YAML with hospital profiles and code meanings", Path)
    max_body_bytes: int = _setting(4 * 1024 * 1024, "largest request body", _positive)
    max_lines: int = _setting(5_000, "most lines in one encounter", _positive)
    max_batch: int = _setting(1_000, "most encounters in one batch", _positive)
    fsync: str = _setting("100", "journal to disk: always, never, or every so many milliseconds", _flush)
    journal_limit_bytes: int = _setting(8 * 1024**3, "most the journal may hold before `recorded` is false", _positive)
    cipher: str = _setting("aes-256-gcm", "how patients' data are sealed: aes-256-gcm or sm4-gcm", _cipher)
    history_deadline_ms: int = _setting(50, "time a check may wait for recorded history", _positive)
    retain_months: int | None = _setting(None, "months that `dipcheck retain` keeps; unset: all", _positive)
    upstream_url: str | None = _setting(None, "provincial platform that 3101/3102 are forwarded to; unset: off")
    upstream_deadline_ms: int = _setting(800, "time the provincial platform has to answer", _positive)
    webhook_url: str | None = _setting(None, "where verdicts of mode=later are posted; unset: poll only")
    tls_certificate: Path | None = _setting(None, "PEM certificate chain to serve HTTPS with", Path)
    tls_key: Path | None = _setting(None, "PEM key of the certificate", Path)
    drain_seconds: float = _setting(30.0, "time to finish and record when stopping", _seconds)
    log_level: str = _setting("info", "debug, info, warning or error")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read settings; an empty value counts as unset. Raises ``SettingsError`` with every fault."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        known = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        for name, entry in known.items():
            text = environment.get(name, "").strip()
            if text:
                try:
                    values[entry.name] = entry.metadata["read"](text)
                except (ValueError, KeyError, OSError) as error:
                    faults.append(f"{name}: {error}")
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)

    @property
    def loopback(self) -> bool:
        """Say whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def table() -> list[tuple[str, str, str]]:
    """Return (variable, default, meaning) for every setting, in order."""
    rows = []
    for entry in fields(Settings):
        default = "" if entry.default is None else str(entry.default)
        rows.append((PREFIX + entry.name.upper(), default, str(entry.metadata["about"])))
    return rows
