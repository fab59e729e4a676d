"""What holds for the whole database: whether it is ours, and whether messages go out.

With another secret key than the one it was begun with no device key opens, and every PIN is wrong, which would lock the
agents one by one. In another currency, or with another number of decimals, every amount in it would be another one.
"""

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.sql import connection, execute, now_ms
from models.vault import Vault

NAME, REKEYED, CURRENCY = "secret key", "rekeyed at", "currency"
OUTGOING, OFF, ON = "outgoing", "off", "on"


async def compare_or_keep_key(vault: Vault) -> bool:
    """Whether this vault's key is the database's own; the first one that asks becomes it. In the caller's unit of
    work."""
    mark = vault.mac("", NAME)
    kept, _new = await Setting.get_or_create({"value": mark}, name=NAME)
    return kept.value == mark


async def fits_key(vault: Vault) -> bool:
    """Whether this vault's key is the database's own, or the database has none yet. Changes nothing."""
    kept = await Setting.get_or_none(name=NAME)
    return kept is None or kept.value == vault.mac("", NAME)


async def kept_currency() -> str:
    """The currency and its decimals that the database was begun with, like `TZS 2`; empty when it has none yet."""
    kept = await Setting.get_or_none(name=CURRENCY)
    return str(kept.value) if kept else ""


async def compare_or_keep_currency(code: str, exponent: int) -> tuple[str, int]:
    """The currency of all amounts in this database and its number of decimals: the first that asks founds it. In the
    caller's unit of work."""
    kept, new = await Setting.get_or_create({"value": f"{code} {exponent}"}, name=CURRENCY)
    if new:  # the company's accounts were opened with the tables
        await execute(connection(), "UPDATE account SET currency = $1 WHERE currency = ''", [code])
    known, _, decimals = kept.value.partition(" ")
    return known, int(decimals)


async def change_key(vault: Vault, *, actor: str) -> None:
    """Make this vault's key the database's own, in the caller's unit of work, when all is under it."""
    await Setting.update_or_create({"value": vault.mac("", NAME)}, name=NAME)
    await Setting.update_or_create({"value": str(now_ms())}, name=REKEYED)
    await record(actor, "rekey", vault.key_id)


async def rekeyed_at() -> int:
    """When the key was changed, in milliseconds (UTC); 0 when it never was."""
    kept = await Setting.get_or_none(name=REKEYED)
    return int(kept.value) if kept else 0


async def switch_outgoing(on: bool, *, actor: str) -> None:
    """Let messages go out, or have them all wait; in the caller's unit of work."""
    value = ON if on else OFF
    await Setting.update_or_create({"value": value}, name=OUTGOING)
    await record(actor, OUTGOING, value)


async def are_messages_off() -> bool:
    """Whether all messages wait until they are switched on again."""
    return await Setting.exists(name=OUTGOING, value=OFF)


class Setting(Model):
    """What is switched while running (`outgoing`), and what a database is (`demo`)."""

    name = fields.CharField(40, primary_key=True)
    value = fields.CharField(200)
