"""What a file would change is found out without changing anything."""

import asyncio
from typing import Any

import pytest

from bot.server import Server
from bot.text.i18n import Reason
from handlers.exchange import NotImported, PartlyImported, Table, import_table, importing
from handlers.exchange.importing import try_table
from handlers.exchange.sheet import Sheet
from models.audit import Audit
from models.devices import Tariff
from models.office.uploads import FORGET_UPLOADS, OfficeUpload, find_upload, keep_upload, open_upload, take_upload
from models.sql import execute, now_ms
from models.vault import Vault

FILE = b"name,unit,price\nSun by day,days,700\nMoon by day,days,900\n"


async def test_a_file_is_tried_and_nothing_is_written(mwanga: Server) -> None:
    place = {"database": mwanga.database, "company": mwanga.company}
    tried = await try_table("tariffs", Table.of(FILE), **place)
    assert (tried.rows, tried.changed) == (2, [2, 3])
    assert not await Tariff.exists(name="Sun by day")
    await import_table("tariffs", Table.of(FILE), "tariffs.csv", **place, actor="rehema")
    again = await try_table("tariffs", Table.of(FILE.replace(b"900", b"950")), **place)
    assert (again.rows, again.changed) == (2, [3])
    assert (await Tariff.get(name="Moon by day")).price == 900_00


async def test_what_is_wrong_is_said_as_for_an_import(mwanga: Server) -> None:
    with pytest.raises(NotImported) as refused:
        await try_table(
            "tariffs", Table.of(FILE.replace(b"700", b"x")), database=mwanga.database, company=mwanga.company
        )
    assert [(each.line, "price is no amount" in str(each.reason)) for each in refused.value.problems] == [(2, True)]


async def test_a_file_is_kept_for_who_brought_it_until_it_is_taken_once(mwanga: Server) -> None:
    vault = mwanga.company.vault
    number = await keep_upload("tariffs", "a" * 300, FILE, vault=vault, actor="rehema")
    assert await find_upload(number, "tariffs", actor="juma") is None
    assert await find_upload(number, "villages", actor="rehema") is None
    kept = await find_upload(number, "tariffs", actor="rehema")
    assert kept is not None and open_upload(kept, vault) == FILE
    assert await take_upload(number) and not await take_upload(number)
    await keep_upload("tariffs", "old.csv", FILE, vault=vault, actor="rehema")
    await execute(mwanga.database.client, FORGET_UPLOADS, [now_ms() + 1, 10])
    assert not await OfficeUpload.exists()


async def test_keys_and_pins_of_a_file_are_kept_sealed(mwanga: Server) -> None:
    """Letters of any kind, and bytes that are no letters, come back as they were."""
    data = b"phone,name,pin\n0712000001,Rehema,730582\n" + bytes(range(256))
    number = await keep_upload("agents", "agents.csv", data, vault=mwanga.company.vault, actor="rehema")
    kept = await find_upload(number, "agents", actor="rehema")
    assert kept is not None and b"730582" not in bytes(kept.data) and b"Rehema" not in bytes(kept.data)
    assert open_upload(kept, mwanga.company.vault) == data
    assert open_upload(kept, Vault("another key " * 4)) is None
    kept.brought_by = "juma"
    assert open_upload(kept, mwanga.company.vault) is None


@pytest.mark.parametrize("broke", [PartlyImported(3, Reason("the name is taken"), 1), asyncio.CancelledError()])
async def test_an_import_is_noted_however_long_its_name_and_wherever_it_breaks_off(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, broke: BaseException
) -> None:
    """Also where the server stops, or somebody presses Ctrl-C."""
    place = {"database": mwanga.database, "company": mwanga.company, "actor": "rehema"}
    await import_table("tariffs", Table.of(FILE), "a" * 300 + ".csv", **place)
    write_row = importing._write_row

    async def break_in_line_3(sheet: Sheet, line: int, *more: Any) -> bool:
        if line == 3:
            raise broke
        return await write_row(sheet, line, *more)

    monkeypatch.setattr(importing, "PORTION", 1)
    monkeypatch.setattr(importing, "PAUSE_S", 0)
    monkeypatch.setattr(importing, "_write_row", break_in_line_3)
    with pytest.raises(type(broke)):
        await import_table("tariffs", Table.of(FILE.replace(b"00", b"50")), "prices.csv", **place)
    assert (await Tariff.get(name="Sun by day")).price == 750_00
    assert [(note.subject, note.detail) for note in await Audit.filter(action="import").order_by("id")] == [
        (f"tariffs from {'a' * 87}", "2 new or changed"),
        ("tariffs from prices.csv", "1 new or changed, then it broke off"),
    ]
