"""What the database itself forbids: nothing that money or devices stand on goes away beneath them."""

import pytest
from tortoise.exceptions import IntegrityError

from bot.runtime import Database
from bot.server import Server
from models.devices import Device
from models.sql import execute

# Both name a device without being needed for its tokens: it keeps its key and its count when the office drops them.
SET_NULL = {("device", "tariff_id"), ("device", "model_id")}
ON_POSTGRES = """SELECT conrelid::regclass::text AS owner, a.attname AS name, confdeltype AS rule FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE contype = 'f'"""
RULES = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgres": "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
}


async def foreign_keys(database: Database, engine: str) -> dict[tuple[str, str], str]:
    """Each foreign key, by table and column, with what happens when its row is deleted."""
    if engine == "postgres":
        found = await execute(database.client, ON_POSTGRES)
        return {(row["owner"], row["name"]): RULES[bytes(row["rule"]).decode()] for row in found}
    rules = {}
    for table in await execute(database.client, TABLES["sqlite"]):
        for row in await execute(database.client, f"PRAGMA foreign_key_list({table['name']})"):
            rules[table["name"], row["from"]] = row["on_delete"]
    return rules


async def test_no_row_takes_others_with_it(database: Database, engine: str) -> None:
    rules = await foreign_keys(database, engine)
    assert ("sale", "contract_id") in rules and ("token", "device_id") in rules
    assert {key for key, rule in rules.items() if rule == "SET NULL"} == SET_NULL
    assert {rule for key, rule in rules.items() if key not in SET_NULL} == {"RESTRICT"}


# Numbers of rows that no foreign key holds.
FREE = {
    ("phone_part", "outbox_id"): "parts of a message are forgotten apart from it",
    ("phone_receiver", "phone_id"): "counted by the month, also for a phone that is unlinked",
    ("receipt_text", "inbox_id"): "a proof of money outlives the message that brought it",
    ("inbox", "external_id"): "the gateway's own",
    ("outbox", "external_id"): "the gateway's own",
    ("payment_request", "external_id"): "the provider's own",
    ("phone_part", "event_id"): "the phone's own",
    ("ussdsession", "session_id"): "the gateway's own",
}


async def test_every_number_of_a_row_is_a_foreign_key(database: Database, engine: str) -> None:
    rules, found = await foreign_keys(database, engine), set()
    for table in await execute(database.client, TABLES[engine]):
        columns = f"SELECT name FROM pragma_table_info('{table['name']}')"
        if engine == "postgres":
            columns = f"SELECT column_name AS name FROM information_schema.columns WHERE table_name = '{table['name']}'"
        found |= {(table["name"], row["name"]) for row in await execute(database.client, columns)}
    numbers = {(table, name) for table, name in found if name.endswith("_id") and table != "open_entry"}
    assert numbers - set(rules) == set(FREE)


async def test_a_device_outlives_its_tariff_and_nothing_of_it_can_be_deleted(mwanga: Server) -> None:
    before = await Device.all().count()
    await execute(mwanga.database.client, "DELETE FROM tariff WHERE name LIKE 'E-bike%'")
    bike = await Device.get(serial="EB100042")
    assert (bike.tariff_id, bike.count, await Device.all().count()) == (None, 10, before)
    for table in ("customer", "agent", "minigrid", "village", "contract"):
        with pytest.raises(IntegrityError):
            await execute(mwanga.database.client, f"DELETE FROM {table}")


@pytest.mark.parametrize("engine", ["postgres"])  # SQLite's integers have 64 bits
async def test_every_number_of_a_row_has_64_bits(database: Database) -> None:
    """The others would end at 2,147,483,647; an account's number is taken for each new customer's debt."""
    narrow = await execute(
        database.client,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type <> 'bigint' AND table_name <> 'tortoise_migrations' "
        "AND (column_name = 'id' OR (column_name LIKE '%\\_id' AND data_type = 'integer'))",
    )
    assert narrow == []
