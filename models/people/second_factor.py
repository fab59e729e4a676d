"""The second factor of who signs in to the office: a code by the clock (TOTP, RFC 6238) from an app, or once each a
recovery code on paper."""

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote, urlencode

from models.audit import record
from models.people.sessions import end_sessions
from models.people.tables import OfficeRole, OfficeUser, RecoveryCode
from models.sql import connection, execute, now_ms
from models.vault import Vault

DEMANDED_OF = frozenset({OfficeRole.OWNER, OfficeRole.FINANCE})
STEP_S, DIGITS = 30, 6  # what all apps take for granted
DRIFT = 1  # steps that a phone's clock may be early or late
SECRET_BYTES = 20  # as long as the hash (RFC 4226, 4)
CODES = 10
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 that nobody confuses: 5 bits each
CODE_LETTERS = 16


class WrongCode(Exception):
    """The code is none of this moment, or was used."""


def new_secret() -> str:
    """A fresh secret, as apps take it (base32)."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def address_of(secret: str, user: str, company: str) -> str:
    """What the QR code says, as apps read it."""
    label = quote(f"{company}:{user}", safe="")
    told = urlencode({"secret": secret, "issuer": company, "digits": DIGITS, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{label}?{told}"


def code_at(secret: str, step: int) -> str:
    """The code of a step of 30 seconds since 1970 (RFC 4226, 5.3)."""
    return truncated(hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1), DIGITS)


def truncated(digest: bytes, digits: int) -> str:
    """The digits out of an HMAC: 31 bits of it, from where its last four bits say."""
    at = digest[-1] & 0xF
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def find_step(secret: str, code: str) -> int | None:
    """The step around now whose code this is."""
    now = now_ms() // 1000 // STEP_S
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


async def set_up(user: OfficeUser, secret: str, code: str, *, vault: Vault, actor: str) -> list[str]:
    """Take a secret as this user's from now on, once an app has shown its code: the recovery codes, which nobody can
    read again. Other sessions end. Raises WrongCode."""
    step = find_step(secret, _digits(code))
    if step is None:
        raise WrongCode
    await OfficeUser.filter(id=user.id).update(factor=vault.seal(secret, _purpose(user)), factor_step=step)
    await end_sessions(user)
    await record(actor, "second factor", user.name)
    return await _renew_codes(user)


async def check_code(user: OfficeUser, code: str, *, vault: Vault) -> None:
    """Take a code of the app or a recovery code: each counts once, also when it comes twice at once. Raises
    WrongCode."""
    if len(plain := _letters(code)) == CODE_LETTERS:
        return await _use_recovery_code(user, plain)
    step = find_step(vault.open(user.factor, _purpose(user)), _digits(code)) if user.factor else None
    if step is None or not await _use_step(user, step):
        raise WrongCode
    return None


async def _use_step(user: OfficeUser, step: int) -> bool:
    used = "UPDATE officeuser SET factor_step = $2 WHERE id = $1 AND factor_step < $2 RETURNING id"
    return bool(await execute(connection(), used, [user.id, step]))


async def _use_recovery_code(user: OfficeUser, code: str) -> None:
    used = "UPDATE office_recovery_code SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at = 0 RETURNING id"
    if not await execute(connection(), used, [user.id, _hash(code), now_ms()]):
        raise WrongCode
    await record(user.name, "recovery code", user.name, f"{await count_codes(user)} left")


async def renew_codes(user: OfficeUser, *, actor: str) -> list[str]:
    """Fresh recovery codes in place of those that there were."""
    await record(actor, "recovery codes", user.name)
    return await _renew_codes(user)


async def _renew_codes(user: OfficeUser) -> list[str]:
    await RecoveryCode.filter(user_id=user.id).delete()
    codes = ["".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS)) for _ in range(CODES)]
    for code in codes:
        await RecoveryCode.create(user_id=user.id, hash=_hash(code))
    return ["-".join(code[at : at + 4] for at in range(0, CODE_LETTERS, 4)) for code in codes]


async def count_codes(user: OfficeUser) -> int:
    """How many recovery codes are left."""
    return await RecoveryCode.filter(user_id=user.id, used_at=0).count()


async def reset(user: OfficeUser, *, actor: str) -> None:
    """Take a second factor away: the phone is lost, or another one shall have it. All sessions end."""
    await OfficeUser.filter(id=user.id).update(factor="", factor_step=0)
    await RecoveryCode.filter(user_id=user.id).delete()
    await end_sessions(user)
    await record(actor, "second factor reset", user.name)


async def reseal_factors(vault: Vault) -> int:
    """Put secrets under another key: how many. Raises Sealed."""
    count = 0
    for user in await OfficeUser.exclude(factor=""):
        resealed = vault.reseal(user.factor, _purpose(user))
        if resealed != user.factor:
            await OfficeUser.filter(id=user.id).update(factor=resealed)
            count += 1
    return count


def _purpose(user: OfficeUser) -> str:
    return f"second factor {user.id}"


def _digits(code: str) -> str:
    """As apps show it, with a space in the middle."""
    return re.sub(r"\s", "", code)


def _letters(code: str) -> str:
    return re.sub(r"[\s-]", "", code).upper()


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
