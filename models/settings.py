"""What holds for the whole database: whether it is ours, whether messages go out, and whether anything is sold.

With another secret key than the one it was begun with no device key opens, and every PIN is wrong, which would lock the
agents one by one. In another currency, or with another number of decimals, every amount in it would be another one.
"""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.sql import connection, cut, execute, marks, now_ms
from models.vault import Vault

NAME, REKEYED, CURRENCY = "secret key", "rekeyed at", "currency"
OUTGOING, SALES = "outgoing", "sales"  # switches, and what they say
SWITCHES = (OUTGOING, SALES)
OFF, ON = "off", "on"
SINCE = " since"  # behind a switch's name: when it was switched, by whom, and why
LONGEST_REASON = 120
SWITCH_ON = "UPDATE setting SET value = $2 WHERE name = $1 AND value <> $2 RETURNING name"
SWITCH_OFF = """INSERT INTO setting (name, value) VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE setting.value <> excluded.value RETURNING name"""


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


async def switch_outgoing(on: bool, *, actor: str, reason: str = "") -> bool:
    """Let messages go out, or have them all wait; in the caller's unit of work. False: it is so already."""
    return await _switch(OUTGOING, on, actor, reason)


async def switch_sales(on: bool, *, actor: str, reason: str = "") -> bool:
    """Let people buy and agents sell, or refuse it to all; in the caller's unit of work. Money that comes is received
    all the same. False: it is so already."""
    return await _switch(SALES, on, actor, reason)


async def _switch(name: str, on: bool, actor: str, reason: str) -> bool:
    """Two who do the same at once are told that one of them did it."""
    values = [name, ON if on else OFF]
    if not await execute(connection(), SWITCH_ON if on else SWITCH_OFF, values):
        return False
    was, now = (OFF, ON) if on else (ON, OFF)
    note = f"{now_ms()} {_one_line(actor, 60)}\n{_one_line(reason, LONGEST_REASON)}"
    await Setting.update_or_create({"value": note}, name=f"{name}{SINCE}")
    await record(actor, name, now, reason, old=was, new=now)
    return True


def _one_line(text: str, most: int) -> str:
    return cut(" ".join(text.split()), most)


async def are_messages_off() -> bool:
    """Whether all messages wait until they are switched on again."""
    return await Setting.exists(name=OUTGOING, value=OFF)


async def are_sales_off() -> bool:
    """Whether nothing is sold until sales are switched on again."""
    return await Setting.exists(name=SALES, value=OFF)


@dataclass(frozen=True)
class Switch:
    """How something stands that the office switches off in an emergency."""

    name: str
    on: bool
    since: int = 0  # in milliseconds (UTC); 0: it was never switched
    by: str = ""
    reason: str = ""


async def read_switches() -> dict[str, Switch]:
    """All of them by name, in one statement: each page of the office asks."""
    names = [name for switch in SWITCHES for name in (switch, f"{switch}{SINCE}")]
    rows = await execute(connection(), f"SELECT name, value FROM setting WHERE name IN ({marks(len(names))})", names)
    kept = {row["name"]: row["value"] for row in rows}
    return {name: _switch_of(name, kept.get(name, ON), kept.get(f"{name}{SINCE}", "")) for name in SWITCHES}


def _switch_of(name: str, value: str, note: str) -> Switch:
    head, _, reason = note.partition("\n")
    since, _, by = head.partition(" ")
    return Switch(name, value != OFF, int(since or 0), by, reason)


class Setting(Model):
    """What is switched while running (`outgoing`, `sales`), and what a database is (`demo`)."""

    name = fields.CharField(40, primary_key=True)
    value = fields.CharField(200)
