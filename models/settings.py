"""What holds for the whole database: whether it is ours, what is switched off, and what the office has set.

With another secret key than the one it was begun with no device key opens, and every PIN is wrong, which would lock the
agents one by one. In another currency, or with another number of decimals, every amount in it would be another one.

What the office sets counts on all servers within a second: each of them looks at the version, one row, and reads the
rest when that is another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.sql import connection, cut, execute, marks, now_ms, once
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
VERSION = "version"  # of all that the office has set
# Whoever changes something holds this row to the commit, so that changes come one after the other.
NEXT_VERSION = f"""UPDATE setting SET value = CAST(CAST(value AS BIGINT) + 1 AS VARCHAR(200)) WHERE name = '{VERSION}'
  RETURNING value"""
READ_VERSION = f"SELECT value FROM setting WHERE name = '{VERSION}'"
SET = """INSERT INTO office_setting (name, value, version) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = excluded.version"""
SAY = """INSERT INTO office_text (language, english, said, version) VALUES ($1, $2, $3, $4)
  ON CONFLICT (language, english) DO UPDATE SET said = excluded.said, version = excluded.version"""


class ChangedMeanwhile(Exception):
    """Somebody else changed it since it was read."""


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
    return await _is_off(OUTGOING)


async def are_sales_off() -> bool:
    """Whether nothing is sold until sales are switched on again."""
    return await once("sales off", partial(_is_off, SALES))


async def _is_off(name: str) -> bool:
    return bool(await execute(connection(), "SELECT 1 FROM setting WHERE name = $1 AND value = $2", [name, OFF]))


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


async def read_version() -> int:
    """The version of all that the office has set."""
    rows = await execute(connection(), READ_VERSION)
    return int(rows[0]["value"])


async def read_settings() -> dict[str, str]:
    """What the office has set, by the names that the configuration has for it."""
    rows = await execute(connection(), "SELECT name, value FROM office_setting WHERE value IS NOT NULL")
    return {row["name"]: row["value"] for row in rows}


async def change_settings(
    wanted: Mapping[str, str | None],
    before: Mapping[str, str],  # how each of them is until now, from wherever it comes
    *,
    seen: int,  # the version that the wish is about
    actor: str,
) -> bool:
    """Set what is wanted; None gives back to the configuration. In the caller's unit of work. False when all is so
    already. Raises ChangedMeanwhile when somebody else set one of them after the version that was seen."""
    rows = await execute(connection(), NEXT_VERSION)  # first: from here on nobody else sets anything
    version = int(rows[0]["value"])
    kept = {row["name"]: row for row in await execute(connection(), "SELECT name, value, version FROM office_setting")}
    news = {name: value for name, value in wanted.items() if value != (kept[name]["value"] if name in kept else None)}
    if any(name in kept and kept[name]["version"] > seen for name in news):
        raise ChangedMeanwhile
    for name, value in news.items():
        await execute(connection(), SET, [name, value, version])
        said = "as configured" if value is None else value
        await record(actor, "setting", name, f"{before.get(name, '')} -> {said}")
    return bool(news)


async def read_texts() -> dict[str, dict[str, str]]:
    """The sentences that the office says otherwise than the catalogues, by language and by their English."""
    found: dict[str, dict[str, str]] = {}
    for row in await execute(connection(), "SELECT language, english, said FROM office_text"):
        found.setdefault(row["language"], {})[row["english"]] = row["said"]
    return found


async def change_text(language: str, english: str, said: str, *, before: str, seen: str, actor: str) -> None:
    """Say a sentence otherwise in a language, or with an empty `said` as the catalogue does again. In the caller's unit
    of work. Raises ChangedMeanwhile when it is not said as `seen` any more, by whom ever; empty is as the catalogue has
    it."""
    rows = await execute(connection(), NEXT_VERSION)
    where = "language = $1 AND english = $2"
    kept = await execute(connection(), f"SELECT said FROM office_text WHERE {where}", [language, english])
    now = str(kept[0]["said"]) if kept else ""
    if now == said:
        return
    if now != seen:
        raise ChangedMeanwhile
    if said:
        await execute(connection(), SAY, [language, english, said, int(rows[0]["value"])])
    else:
        await execute(connection(), f"DELETE FROM office_text WHERE {where}", [language, english])
    await record(actor, "text", f"{language}: {english}"[:100], f"{now or before} -> {said or before}")


async def last_backup() -> tuple[int, int, str] | None:
    """When an embedded database was copied last (ms), into how many bytes, and under which name."""
    kept = await Setting.get_or_none(name="last backup")
    if kept is None:
        return None
    at, size, name = kept.value.split(" ", 2)
    return int(at), int(size), name


class OfficeSetting(Model):
    """What the office has set in place of the configuration."""

    name = fields.CharField(40, primary_key=True)
    value = fields.CharField(500, null=True)  # None: as the configuration has it again
    version = fields.BigIntField()  # in which it was set

    class Meta:
        table = "office_setting"


class OfficeText(Model):
    """A sentence that the office says otherwise than the catalogue."""

    id = fields.BigIntField(primary_key=True)
    language = fields.CharField(2)
    english = fields.CharField(500)
    said = fields.CharField(500)
    version = fields.BigIntField()

    class Meta:
        table = "office_text"
        unique_together = (("language", "english"),)


class Setting(Model):
    """What is switched while running (`outgoing`, `sales`), and what a database is (`demo`)."""

    name = fields.CharField(40, primary_key=True)
    value = fields.CharField(200)
