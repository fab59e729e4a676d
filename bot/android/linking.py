"""Linking gateway phones: the office adds one and gets a code, the phone registers with it and gets its token.

All that a phone shows is random and long, but for the code; so a keyed hash keeps it as well as a slow one. All
functions work in the caller's unit of work. What the office does is in the audit, with the `actor` who did it.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tortoise.expressions import F

from bot.android.from_app import Device
from bot.android.sims import merge, recover_sim
from bot.outbound import queue
from bot.outbound.retry import COPIES, UNKNOWN_MS
from bot.routing import states
from models.audit import record
from models.messages import MessageKind, Phone, Sim, read_sims
from models.messages.phones import phone_id, write_sims
from models.rows import find_rows
from models.sql import connection, holding, now_ms, on_postgres
from models.vault import Vault

CODE_MS = 15 * 60_000
CODE_TRIES = 5  # over all phones: with five guesses at a million codes one is right in 200,000 rounds
ANSWERED_MS = 5_000
CODE, TOKEN, PASSWORD = "phone code", "phone token", "phone password"
API = "/smsgate/mobile/v1"
# A handset of this model with these SIM cards that registered before this time and has not called since.
UNANSWERED = "model = $1 AND sims = $2 AND linked_at > 0 AND linked_at < $3 AND seen_at = linked_at"


def api_address(address: str) -> str:
    """The address that is typed into the app, for a server at this one."""
    return address.rstrip("/") + API


class NoSuchPhone(ValueError):
    """There is no linked phone of this name."""


class NoSuchSim(ValueError):
    """The phone has no SIM card in this place."""


class NameTaken(ValueError):
    """Another phone has this name."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What a phone is told when it has registered."""

    phone: Phone
    token: str  # told once
    password: str | None  # told once; None where it keeps the one that it has


async def add(name: str, vault: Vault, now: int | None = None, *, actor: str) -> tuple[Phone, str]:
    """A phone of this name, made when there is none, and a code with which it registers within 15 minutes."""
    await _one_by_one()
    now = now_ms() if now is None else now
    phone = await Phone.get_or_none(name=name, unlinked_at=0) or await _make(name, vault, now)
    code = await new_code(phone, vault, now)
    await record(actor, "phone code", phone.gateway, phone.name)
    return phone, code


async def new_code(phone: Phone, vault: Vault, now: int) -> str:
    """A code for this phone that no other phone has now. The one before it does not work any more."""
    taken = {other.code_hash for other in await Phone.filter(code_until__gt=now).exclude(id=phone.id)}
    code = f"{secrets.randbelow(1_000_000):06d}"
    while vault.mac(code, CODE) in taken:
        code = f"{secrets.randbelow(1_000_000):06d}"
    phone.code_hash, phone.code_until, phone.code_tries = vault.mac(code, CODE), now + CODE_MS, 0
    await phone.save(update_fields=["code_hash", "code_until", "code_tries"])
    return code


async def by_code(code: str, vault: Vault, now: int) -> Phone | None:
    """The phone whose code this is, which is used up by it. A wrong code counts as a try at all that are open."""
    await _one_by_one()
    given = vault.mac(code, CODE).encode()
    open_ = await Phone.filter(code_until__gt=now, code_tries__lt=CODE_TRIES, unlinked_at=0).exclude(code_hash="")
    found = [phone for phone in open_ if hmac.compare_digest(phone.code_hash.encode(), given)]
    if not found:
        await Phone.filter(code_until__gt=now, code_tries__lt=CODE_TRIES).update(code_tries=F("code_tries") + 1)
        return None
    phone = await _hold("id = $1", found[0].id)
    if phone:
        phone.code_hash, phone.code_until = "", 0
        await phone.save(update_fields=["code_hash", "code_until"])
    return phone


async def by_login(login: str, password: str, vault: Vault) -> Phone | None:
    """The linked phone with this login and password, held until the end of the unit of work."""
    phone = await _hold("login = $1", login) if login else None
    kept = (phone.password_hash if phone else "").encode()
    right = [hmac.compare_digest(kept, given.encode()) for given in vault.macs(password, PASSWORD)]
    return phone if any(right) else None


async def by_token(token: str, vault: Vault, *, stream: bool = False) -> Phone | None:
    """The linked phone with this device token; to be read only. For its stream alone the token before this one works
    too: a handset that another one replaced must not carry what that one carries."""
    condition = "(token_hash = $1 OR former_hash = $1)" if stream else "token_hash = $1"
    for given in vault.macs(token, TOKEN):
        if phone := await _read(condition, given):
            return phone
    return None


async def by_gateway(gateway: str) -> Phone | None:
    """The linked phone with this name among the gateways; to be read only."""
    number = phone_id(gateway)
    return await _read("id = $1 AND linked_at > 0", number) if number else None


async def hold(phone: Phone) -> Phone | None:
    """A phone as it is now, held until the end of the unit of work: what it asks and says in the same moment goes in
    turn. None when it was unlinked, or another handset came in its place, since it was read."""
    return await _hold("id = $1 AND token_hash = $2", phone.id, phone.token_hash)


async def _read(condition: str, *values: str | int, end: str = "") -> Phone | None:
    """The phone of which this is true, unless it was unlinked. Each call of a phone begins with this."""
    found = await find_rows(Phone, f"{condition} AND unlinked_at = 0{end}", values)
    return found[0] if found else None


async def _hold(condition: str, *values: str | int) -> Phone | None:
    """The same, the first where there are more, held until the end of the unit of work."""
    return await _read(condition, *values, end=f" ORDER BY id LIMIT 1{holding('phone')}")


async def newcomer(device: Device, vault: Vault, now: int) -> Phone:
    """The phone for a handset that came with the private token and that nobody added. Its name is its model.

    A handset that did not get our answer tries again after 10 s, and gets the phone that was made for it: one that
    got our answer would have called by then."""
    if phone := await _hold(UNANSWERED, device.model, write_sims(device.sims or []), now - ANSWERED_MS):
        return phone
    model = device.model or "Phone"
    taken = {phone.name for phone in await Phone.filter(unlinked_at=0, name__startswith=model)}
    names = (model if n == 1 else f"{model[:95]} {n}" for n in range(1, len(taken) + 2))
    return await _make(next(name for name in names if name not in taken), vault, now)


async def register(phone: Phone, device: Device, version: str, vault: Vault, now: int, *, again: bool) -> Linked:
    """Let a phone in. The app goes on with the token before this one in its event stream, until it is started anew; so
    there that one works. `again` says that the phone showed its password, and keeps it."""
    token, password = secrets.token_hex(32), None
    if phone.linked_at:
        await queue.abandon(connection(), phone.gateway, now + UNKNOWN_MS)
    phone.former_hash, phone.token_hash = phone.token_hash, vault.mac(token, TOKEN)
    if not again:
        password = secrets.token_urlsafe(12)
        phone.password_hash = vault.mac(password, PASSWORD)
    phone.login = phone.login or f"{phone.gateway}-{secrets.token_hex(3)}"
    # The SMS that are in this handset's inbox already came for somebody else.
    phone.linked_at = phone.webhook_at = phone.seen_at = now
    phone.export_since = phone.wrong_signatures = 0
    describe(phone, device)
    phone.version = version or phone.version
    await phone.save()
    return Linked(phone, token, password)


async def update(phone: Phone, *, device: Device | None = None, sims: list[Sim] | None = None) -> None:
    """A phone says what it is by now, or which SIM cards it has. What is known of them is read again: its reports and
    the office may have written that since the call began."""
    held = await _hold("id = $1", phone.id)
    if held is None:
        return
    if device:
        describe(held, device)
    if sims is not None:
        held.sims = with_sims(held, sims)
    await held.save(update_fields=["model", "push", "sims"])
    phone.model, phone.push, phone.sims = held.model, held.push, held.sims


def describe(phone: Phone, device: Device) -> None:
    """Take over what a phone says of itself."""
    phone.model, phone.push = device.model or phone.model, device.push
    if device.sims is not None:
        phone.sims = with_sims(phone, device.sims)


def with_sims(phone: Phone, told: list[Sim]) -> str:
    """The SIM cards that a phone tells of, with what is known of them, as `Phone.sims` keeps them."""
    return write_sims(merge(read_sims(phone.sims), told))


async def find(name: str) -> Phone:
    """The phone that the office calls so, held until the end of the unit of work. Raises NoSuchPhone."""
    phone = await _hold("name = $1", name)
    if phone is None:
        raise NoSuchPhone(f"There is no phone {name}.")
    return phone


async def rename(phone: Phone, name: str, *, actor: str) -> None:
    """Raises NameTaken."""
    if await Phone.filter(name=name, unlinked_at=0).exclude(id=phone.id).exists():
        raise NameTaken(f"Another phone is called {name}.")
    former, phone.name = phone.name, name
    await phone.save(update_fields=["name"])
    await record(actor, "phone rename", phone.gateway, former)


async def number_sim(phone: Phone, place: int, number: str, *, actor: str) -> None:
    """Say which number a SIM card has, for phones that do not tell; the hourly test messages go to it. Raises
    NoSuchSim."""
    sims = read_sims(phone.sims)
    if place not in [sim.number for sim in sims]:
        raise NoSuchSim(f"{phone.name} has no SIM {place}.")
    phone.sims = write_sims(replace(sim, phone=number) if sim.number == place else sim for sim in sims)
    await phone.save(update_fields=["sims"])
    await record(actor, "phone sim", phone.gateway, f"SIM {place}: {number}")


async def pause(phone: Phone, *, actor: str) -> None:
    """It gets no more messages, and may still report on those that it has."""
    phone.paused = True
    await phone.save(update_fields=["paused"])
    await record(actor, "phone pause", phone.gateway, phone.name)


async def resume(phone: Phone, *, actor: str) -> None:
    """It gets messages again, by all of its SIM cards; the office has settled what failed and what was lost."""
    sims = [recover_sim(sim) for sim in read_sims(phone.sims)]
    phone.paused, phone.lost, phone.sims = False, "", write_sims(sims)
    await phone.save(update_fields=["paused", "lost", "sims"])
    await states.reset_failures(connection(), phone.gateway)
    await record(actor, "phone resume", phone.gateway, phone.name)


async def unlink(
    phone: Phone, now: int | None = None, *, copies: Mapping[MessageKind, int] = COPIES, actor: str
) -> None:
    """It is none of ours from now on. What waits for it goes elsewhere. What it has not reported has failed, since
    nobody will learn whether it was sent."""
    now = phone.unlinked_at = now_ms() if now is None else now
    phone.token_hash = phone.former_hash = phone.password_hash = phone.code_hash = ""
    phone.code_until = 0
    await phone.save()
    await queue.release_from_stopped(connection(), phone.gateway, now, copies)
    await record(actor, "phone unlink", phone.gateway, phone.name)


async def _make(name: str, vault: Vault, now: int) -> Phone:
    key = secrets.token_hex(32)
    phone = await Phone.create(name=name, signing_key="", added_at=now)
    phone.signing_key = vault.seal(key, f"signing key of {phone.gateway}")
    await phone.save(update_fields=["signing_key"])
    return phone


def signing_key(phone: Phone, vault: Vault) -> str:
    """The key with which a phone signs. Raises Sealed when the secret key was changed."""
    return vault.open(phone.signing_key, f"signing key of {phone.gateway}")


async def reseal_signing_keys(vault: Vault) -> int:
    """Put the phones' signing keys under the vault's key: how many there were under the former one. Raises Sealed."""
    phones = [phone for phone in await Phone.all() if not vault.has_made(phone.signing_key)]
    for phone in phones:
        phone.signing_key = vault.reseal(phone.signing_key, f"signing key of {phone.gateway}")
        await phone.save(update_fields=["signing_key"])
    return len(phones)


async def _one_by_one() -> None:
    """On PostgreSQL two who guess a code, or are given one, at the same moment go one after the other."""
    if on_postgres():
        await connection().execute_query("SELECT pg_advisory_xact_lock(7269422)")
