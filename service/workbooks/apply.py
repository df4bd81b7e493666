"""Writing an import into a pack's folder, and taking the last one back byte for byte.

What every changed file held before is written first, in one file beside the pack's own (hidden, so no stage reads
it). Whatever happens after that, a rollback finds each file as it was before or as the import left it, and restores it;
a file that someone has edited since is left alone, and the rollback refused.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

UNDO: Final = ".last-import.json"


class Before(msgspec.Struct, frozen=True):
    """One file: its content before the import (absent if there was none), and the SHA-256 of what it became."""

    content: bytes | None
    after: str


class Undo(msgspec.Struct, frozen=True):
    """All that the last import touched."""

    files: dict[str, Before]
    folder: bool
    """The folder was made by the import."""


class RollbackRefused(Exception):
    """The folder is not as the import left it; the message says what to do."""


def write(folder: Path, changed: Mapping[str, bytes]) -> None:
    """Write files into a pack, so that the last import can be taken back. Raises ``OSError``."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: Before(_content(folder / name), _digest(content)) for name, content in changed.items()}
    _replace(folder / UNDO, msgspec.json.encode(Undo(files, made)))
    for name, content in changed.items():
        _replace(folder / name, content)


def roll_back(folder: Path) -> tuple[str, ...]:
    """Undo the last import and return the files restored. Raises ``RollbackRefused``, ``OSError``."""
    undo = _read(folder)
    edited = [name for name, before in undo.files.items() if not _untouched(folder / name, before)]
    if edited:
        raise RollbackRefused(f"导入之后又改过 {'、'.join(edited)},撤销会丢失这些改动;请先自行恢复或移走这些文件")
    for name, before in undo.files.items():
        if before.content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            _replace(folder / name, before.content)
    (folder / UNDO).unlink()
    if undo.folder and not any(folder.iterdir()):
        folder.rmdir()
    return tuple(undo.files)


def _read(folder: Path) -> Undo:
    content = _content(folder / UNDO)
    if content is None:
        raise RollbackRefused("没有可撤销的导入")
    try:
        return msgspec.json.decode(content, type=Undo)
    except msgspec.DecodeError as fault:
        raise RollbackRefused(f"撤销记录 {UNDO} 已损坏,不能撤销") from fault


def _untouched(path: Path, before: Before) -> bool:
    """The file is as the import left it, or (the import stopped half-way) as it was before."""
    now = _content(path)
    return now == before.content or (now is not None and _digest(now) == before.after)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
