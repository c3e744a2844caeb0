"""Encrypted payloads in tables: AES-256-GCM with keys from the secret scope, several of them during a rotation."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ragops.errors import UserError

_NONCE_BYTES = 12
_KEY_BYTES = 32
_FIX = "each key is ID:BASE64 of 32 bytes, the newest first; make one with: openssl rand -base64 32"


@dataclass(frozen=True)
class Sealed:
    """An encrypted payload and the id of its key. `data`: 12 bytes of nonce, then ciphertext and tag."""

    key_id: str
    data: bytes


@dataclass(frozen=True)
class KeyRing:
    """Keys by id: `newest` encrypts, and each key decrypts what it has encrypted."""

    newest: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, secret: str) -> KeyRing:
        """Reads the secret: ID:BASE64, separated by blanks or line breaks, the newest key first.

        Raises:
            UserError: it is empty, or an entry is not a key; the message never shows a key.
        """
        keys: dict[str, bytes] = {}
        for entry in secret.split():
            key_id, _, encoded = entry.partition(":")
            if not encoded:
                raise UserError(f"payload keys: an entry without an id; {_FIX}")
            if key_id in keys:
                raise UserError(f"payload keys: two have the id {key_id}; {_FIX}")
            keys[key_id] = _key(key_id, encoded)
        if not keys:
            raise UserError(f"payload keys: the secret is empty; {_FIX}")
        return cls(next(iter(keys)), keys)

    def seal(self, plain: bytes, call_id: str) -> Sealed:
        """Encrypts with the newest key; the same `call_id` is needed to decrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        return Sealed(self.newest, nonce + AESGCM(self.keys[self.newest]).encrypt(nonce, plain, call_id.encode()))

    def open(self, sealed: Sealed, call_id: str) -> bytes:
        """Decrypts with the key that encrypted.

        Raises:
            UserError: that key is not in the ring, another key has its id, or the payload was changed.
        """
        key = self.keys.get(sealed.key_id)
        if key is None:
            known = ", ".join(self.keys)
            raise UserError(f"payload of call {call_id}: key {sealed.key_id} is not in the secret, which has {known}")
        nonce, data = sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, data, call_id.encode())
        except (InvalidTag, ValueError) as error:
            raise UserError(
                f"payload of call {call_id}: cannot be decrypted with key {sealed.key_id}; "
                "it was changed or moved to another row, or the secret has another key with this id"
            ) from error

    def reseal(self, sealed: Sealed, call_id: str) -> Sealed:
        """Encrypts the payload with the newest key. Raises UserError as `open` does."""
        return sealed if sealed.key_id == self.newest else self.seal(self.open(sealed, call_id), call_id)


def _key(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise UserError(f"payload key {key_id}: not Base64; {_FIX}") from None
    if len(key) != _KEY_BYTES:
        raise UserError(f"payload key {key_id}: {len(key)} bytes; {_FIX}")
    return key
