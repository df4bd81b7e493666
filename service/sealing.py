"""Sealing (加密存储): what is stored of a patient is compressed and encrypted with a key of that patient's own.

In: bytes and whose they are. Out: sealed bytes that only the patient's key opens. The cipher is a seam: one entry of
``CIPHERS`` each, named by the first byte of what it sealed, so that both can be read while a hospital changes over.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import local
from typing import Final, Literal

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.identity import load_key

CipherName = Literal["aes-256-gcm", "sm4-gcm"]
KEY_BYTES: Final = 32
_NONCE: Final = 12
_TAG: Final = 16
_SM4_KEY: Final = 16
_LEVEL: Final = 1
"""zstd level: more would cost more than it saves."""
_MOST: Final = 256 * 1024 * 1024
"""Bytes that anything sealed may open to."""


class Unreadable(Exception):
    """Sealed bytes that this key does not open: damaged, altered, or sealed for somebody else."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """One way of sealing: its mark and its two directions, each (key, nonce, data, bound) to bytes."""

    mark: int
    encrypt: Callable[[bytes, bytes, bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes, bytes, bytes], bytes]


@lru_cache(maxsize=4_096)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


def _aes_encrypt(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    return _aes(key).encrypt(nonce, data, bound)


def _aes_decrypt(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    return _aes(key).decrypt(nonce, data, bound)


def _sm4_encrypt(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    encryptor = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return encryptor.update(data) + encryptor.finalize() + encryptor.tag


def _sm4_decrypt(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    decryptor = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce, data[-_TAG:])).decryptor()
    decryptor.authenticate_additional_data(bound)
    return decryptor.update(data[:-_TAG]) + decryptor.finalize()


def _sm4_key(key: bytes) -> bytes:
    return hmac.digest(key, b"sm4", "sha256")[:_SM4_KEY]


CIPHERS: Final[dict[CipherName, Sealing]] = {
    "aes-256-gcm": Sealing(1, _aes_encrypt, _aes_decrypt),
    "sm4-gcm": Sealing(2, _sm4_encrypt, _sm4_decrypt),
}
_BY_MARK: Final = {entry.mark: entry for entry in CIPHERS.values()}


class _Press(local):
    """A compressor per thread: they are not to be shared, and making one costs more than using it."""

    def __init__(self) -> None:
        self.small = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
        self.wide = zstandard.ZstdDecompressor()


_PRESS: Final = _Press()


class Sealer:
    """Seals with patients' keys, and wraps those keys with the service's own. Raises ``Unreadable``."""

    def __init__(self, key: bytes, cipher: CipherName = "aes-256-gcm") -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the sealing key must have {KEY_BYTES} bytes, not {len(key)}")
        self._wrapping = hmac.digest(key, b"wrap", "sha256")
        self._evidence = hmac.digest(key, b"evidence", "sha256")
        self._cipher = CIPHERS[cipher]
        self.unwrap: Callable[[bytes], bytes] = lru_cache(maxsize=16_384)(self._unwrap)
        """A wrapped key to the patient's key."""

    @classmethod
    def open(cls, data: Path, cipher: CipherName = "aes-256-gcm") -> "Sealer":
        """Return the sealer of a data directory, making its key file at first start (mode 0600).

        Raises ``OSError`` when it cannot be read or made, ``ValueError`` when it is not a key.
        """
        return cls(load_key(data / "keys" / "seal.key"), cipher)

    def new_key(self) -> bytes:
        """Return a new patient's key, wrapped."""
        return self._put(self._wrapping, os.urandom(KEY_BYTES), b"patient-key")

    def seal(self, key: bytes, plain: bytes, bound: bytes) -> bytes:
        """Compress and encrypt with an unwrapped key. ``bound`` says what it is of, and must be said again to open."""
        return self._put(key, _PRESS.small.compress(plain), bound)

    def open_sealed(self, key: bytes, sealed: bytes, bound: bytes) -> bytes:
        """Return what was sealed. Raises ``Unreadable``."""
        try:
            return _PRESS.wide.decompress(self._take(key, sealed, bound), max_output_size=_MOST)
        except zstandard.ZstdError:
            raise Unreadable("the content is damaged") from None

    def mac(self, message: bytes) -> bytes:
        """Return what vouches for a checkpoint: nobody without the key file can make it."""
        return hmac.digest(self._evidence, message, hashlib.sha256)

    def _unwrap(self, wrapped: bytes) -> bytes:
        return self._take(self._wrapping, wrapped, b"patient-key")

    def _put(self, key: bytes, data: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return bytes((self._cipher.mark,)) + nonce + self._cipher.encrypt(key, nonce, data, bound)

    def _take(self, key: bytes, sealed: bytes, bound: bytes) -> bytes:
        cipher = _BY_MARK.get(sealed[0]) if len(sealed) > _NONCE + _TAG else None
        if cipher is None:
            raise Unreadable("not sealed in a way this version knows")
        try:
            return cipher.decrypt(key, sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound)
        except InvalidTag:
            raise Unreadable("the key does not fit, or the content was altered") from None


def bound_to(table: str, column: str, hospital: str, identifier: str) -> bytes:
    """Return what a sealed value is bound to, so that nobody can pass it off as another row's."""
    return "\n".join((table, column, hospital, identifier)).encode()
