"""Keeps secrets: encryption at rest, keyed hashes, PINs and passwords. All keys come from the configuration's
secret key and none is ever in the database."""

import base64
import hashlib
import hmac
import json
import os
from functools import cache, lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# A PIN has a million values: what protects it is the pepper and the lock after five tries, not the cost of one
# guess. 1 MiB and 2 passes cost about a millisecond, which lets one core confirm some hundred sales a second.
_PIN_HASHER = PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1)
_PASSWORD_HASHER = PasswordHasher()


class Sealed(Exception):
    """The text was not sealed with this key for this purpose, or was changed since."""


class Vault:
    """Everything that needs `MWANGA_SECRET_KEY`. One key for each purpose, so that none serves for another.

    What is sealed or hashed begins with an id of the key. A `former` secret key, if there is one, serves for what
    nobody can make anew without the person: PINs, passwords and the phones' tokens. It opens nothing.
    """

    def __init__(self, secret_key: str, former: str = "") -> None:
        self._secret = secret_key.encode()
        self._key = cache(self._derive_key)  # of each purpose, a dozen in all
        self._cipher = AESGCM(self._key("seal"))
        self.key_id = self._key("id")[:4].hex()
        self.former = Vault(former) if former else None

    def _derive_key(self, purpose: str) -> bytes:
        return hmac.digest(self._secret, f"mwanga {purpose}".encode(), hashlib.sha256)

    def seal(self, text: str, purpose: str) -> str:
        """AES-256-GCM; `purpose` is authenticated, so a sealed text cannot serve in another row."""
        nonce = os.urandom(12)
        sealed = base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()
        return f"{self.key_id}.{sealed}"

    def open(self, sealed: str, purpose: str) -> str:
        """The sealed text. Raises Sealed."""
        key_id, _, rest = sealed.partition(".")
        if key_id != self.key_id:
            raise Sealed(purpose)
        try:
            raw = base64.b64decode(rest, validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Sealed(purpose) from error

    def reseal(self, sealed: str, purpose: str) -> str:
        """What the former key sealed, under this one; what is under this one already stays. Raises Sealed."""
        if self.has_made(sealed) or self.former is None:
            return sealed
        return self.seal(self.former.open(sealed, purpose), purpose)

    def has_made(self, kept: str) -> bool:
        """Whether a sealed text, or the hash of a PIN or a password, is under this key and not under another one."""
        return kept.startswith(f"{self.key_id}.")

    def seal_json(self, value: Any, purpose: str) -> str:
        return self.seal(json.dumps(value, separators=(",", ":")), purpose)

    def open_json(self, sealed: str, purpose: str) -> Any:
        return json.loads(self.open(sealed, purpose))

    def mac(self, text: str, purpose: str) -> str:
        """A keyed hash: equal for equal texts, and says nothing about a text to whoever lacks the key."""
        return hmac.digest(self._key(purpose), text.encode(), hashlib.sha256).hex()

    def macs(self, text: str, purpose: str) -> list[str]:
        """The keyed hashes by which a text may be known: by this key, and by the former one."""
        return [self.mac(text, purpose), *(self.former.macs(text, purpose) if self.former else [])]

    def hash_pin(self, pin: str) -> str:
        return f"{self.key_id}.{_PIN_HASHER.hash(self.mac(pin, 'pin'))}"

    def check_pin(self, pin: str, hashed: str | None) -> bool:
        """False also when there is nobody with a PIN, after the same work, so that time tells nothing."""
        return self._verifies(_PIN_HASHER, hashed or f"{self.key_id}.{_nobodys_pin()}", pin, "pin")

    def hash_password(self, password: str) -> str:
        return f"{self.key_id}.{_PASSWORD_HASHER.hash(self.mac(password, 'password'))}"

    def check_password(self, password: str, hashed: str | None) -> bool:
        """False also when there is no such user, after the same work, so that time tells nothing."""
        return self._verifies(_PASSWORD_HASHER, hashed or f"{self.key_id}.{_nobody()}", password, "password")

    def _verifies(self, hasher: PasswordHasher, hashed: str, typed: str, purpose: str) -> bool:
        key_id, _, rest = hashed.partition(".")
        if key_id == self.key_id:
            return _verifies(hasher, rest, self.mac(typed, purpose))
        return self.former is not None and self.former._verifies(hasher, hashed, typed, purpose)


def _verifies(hasher: PasswordHasher, hashed: str, secret: str) -> bool:
    try:
        return hasher.verify(hashed, secret)
    except (VerifyMismatchError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_pin() -> str:
    return _PIN_HASHER.hash(os.urandom(16).hex())


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _PASSWORD_HASHER.hash(os.urandom(16).hex())
