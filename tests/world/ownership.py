"""Devices that change hands, and what their owners are told."""

from typing import Any

from bot.server import Server
from handlers.customers.ownership import swap_device
from models.customers.name_index import index_names
from models.devices import Device, with_owner
from models.people import OfficeUser
from models.selling import Sale
from models.selling.swaps import Swapped
from models.sql import connection, execute
from tests.world.people import NAMES, Phones

YES = "1 482915"


async def device(serial: str) -> Device:
    return await with_owner((await Device.get(serial=serial)).id)


async def sold(mwanga: Server, text: str) -> Sale:
    """What Asha sells by this text."""
    phones = Phones(mwanga)
    await phones.text("Asha", text)
    await phones.text("Asha", YES)
    return await Sale.all().order_by("-id").first()  # type: ignore[return-value]


def means(mwanga: Server) -> dict[str, Any]:
    return {"company": mwanga.company, "composer": mwanga.composer}


async def told(mwanga: Server, after: int = 0) -> dict[str, str]:
    rows = await execute(connection(), "SELECT phone, text FROM outbox WHERE id > $1 ORDER BY id", [after])
    return {NAMES[row["phone"]]: row["text"] for row in rows}


async def newest() -> int:
    return int((await execute(connection(), "SELECT COALESCE(MAX(id), 0) AS id FROM outbox"))[0]["id"])


async def swap(
    mwanga: Server, former: str, serial: str, key: str = "swap 1", reason: str = "battery", shown: int = 0
) -> Swapped:
    """Grace of the office puts one device in the place of another; `shown` is what a meter has (tenths of a kWh)."""
    by, both = OfficeUser(name="grace"), (await device(former), await device(serial))
    async with mwanga.database.work():
        return await swap_device(*both, by, reason, key=key, shown=shown, **means(mwanga))


async def keep_names(mwanga: Server) -> int:
    """Keep all new names for the find box: how many there were."""
    done = 0
    async with mwanga.database.work():
        while some := await index_names(100):
            done += some
    return done
