"""Many customers, agents and devices, and messages that the office writes to all."""

import json
import re
from datetime import UTC, datetime
from html import unescape

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.outbound.broadcasts import Broadcasts
from bot.runtime import Database
from bot.server import Server
from models.messages.broadcasts import create_broadcast
from models.office.audience import Audience
from models.sql import execute, execute_many
from tests.world.browser import Office

CROWD = """INSERT INTO customer (id, name, surname, phone, language, mini_grid_id, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)"""
# Agents like Asha, who may hold any amount.
AGENT = """INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission)
  SELECT $1, name, language, mini_grid_id, pin_hash, 0, 100000000000, commission FROM agent WHERE id = 1"""
# A free device like the one that the demo has in stock.
STOCK = """INSERT INTO device (serial, kind, issuer, sealed_key, count, tariff_id)
  SELECT $1, kind, issuer, sealed_key, count, tariff_id FROM device WHERE serial = 'SHS0284'"""
FIRST = 1_000  # the number of the first of them
SINCE = datetime(2026, 1, 5, tzinfo=UTC)


def phone_of(number: int) -> str:
    return f"+25576{number:07d}"


async def add_crowd(database: Database, count: int, *, language: str = "sw") -> None:
    """So many more customers in the demo's mini-grid, each with a phone."""
    async with database.work() as db:
        [grid] = await execute(db, "SELECT MIN(id) AS id FROM minigrid")
        rows = [(FIRST + n, f"Name{n}", "Crowd", phone_of(n), language, grid["id"], SINCE) for n in range(count)]
        await execute_many(db, CROWD, rows)


async def add_agents(db: BaseDBAsyncClient, *phones: str) -> None:
    """Agents in the demo's mini-grid, who have Asha's PIN."""
    await execute_many(db, AGENT, [[phone] for phone in phones])


async def add_stock(db: BaseDBAsyncClient, *serials: str) -> None:
    """Solar home systems in stock."""
    await execute_many(db, STOCK, [[serial] for serial in serials])


async def write_to_all(
    database: Database, texts: dict[str, str] | None = None, audience: Audience | None = None, *, key: str = "k1"
) -> int:
    """The office writes to many: the number of that."""
    async with database.work():
        texts = texts or {"en": "The power is off on Sunday"}
        chosen = (audience or Audience()).dump()
        return await create_broadcast(key, chosen, json.dumps(texts), people=0, parts=0, actor="admin")


async def go_on(broadcasts: Broadcasts) -> int:
    """All portions that there is room for: how many there were."""
    portions = 0
    while (await broadcasts.step()).people:
        portions += 1
    return portions


async def receivers(server: Server | Database) -> dict[str, str]:
    """The result of each person, by name."""
    db = (server.database if isinstance(server, Server) else server).client
    rows = await execute(
        db, "SELECT c.name, r.result FROM broadcast_receiver r JOIN customer c ON c.id = r.customer_id ORDER BY r.id"
    )
    return {row["name"]: row["result"] for row in rows}


def hidden(html: str, action: str) -> dict[str, str]:
    """The hidden fields of a form."""
    form = next(each for each in re.findall(r"<form.*?</form>", html, re.DOTALL) if f'action="{action}"' in each)
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


async def look(office: Office, **given: str) -> tuple[int, str]:
    """The page before it goes: its status and html."""
    response = await office.post("/write", csrf=await office.csrf("/write"), **given)
    return response.status, await response.text()
