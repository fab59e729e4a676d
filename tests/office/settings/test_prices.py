"""Prices and goods: by a form or by a file, with the check of `mwanga import`, and written only once."""

import asyncio
import io
import re

import aiohttp
import pytest

from bot.config import Config
from models.audit import Audit
from models.devices import Tariff
from models.office.uploads import OfficeUpload, take_upload
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
AT = "/settings/prices/tariffs"


async def post(office: Office, path: str, **fields: str) -> tuple[int, str]:
    answer = await office.post(path, **fields, csrf=await office.csrf("/settings/prices/tariffs"))
    return answer.status, answer.headers.get("Location", "") or await answer.text()


async def bring(office: Office, data: bytes, name: str = "prices.csv", at: str = AT) -> tuple[int, str]:
    """Send a file as a browser does."""
    form = aiohttp.FormData()
    form.add_field("csrf", await office.csrf(AT))
    form.add_field("file", io.BytesIO(data), filename=name, content_type="text/csv")
    answer = await office.client.post(f"{at}/file", data=form, allow_redirects=False)
    return answer.status, await answer.text()


async def test_a_price_is_changed_by_a_form(config: Config) -> None:
    async with open_office(config) as office:
        page = await office.page(AT)
        tariff = await Tariff.get(unit="energy", price=350_00)
        assert tariff.name in page and "350" in page
        status, at = await post(office, AT, name=tariff.name, unit="energy", price="375.50")
        assert (status, at) == (303, f"{AT}?done=saved")
        assert (await Tariff.get(id=tariff.id)).price == 375_50
        assert (await post(office, AT, name=tariff.name, unit="energy", price="375.50"))[1] == f"{AT}?done=same"
        assert [each.actor for each in await Audit.filter(action="import")] == ["admin", "admin"]


async def test_a_count_is_called_what_it_counts(config: Config) -> None:
    async with open_office(config) as office:
        stock, plans = [await office.page(f"/settings/prices/{kind}") for kind in ("stock", "appliances")]
        assert "Number of tokens made" in stock and "instalments" not in stock
        assert "Number of instalments" in plans and "tokens made" not in plans


async def test_the_log_tells_old_and_new_and_a_second_editor_is_told(config: Config) -> None:
    async with open_office(config) as office:
        html = await office.html(f"{AT}?row=0")
        seen = re.findall(r'name="seen" value="(\w+)"', html)[0]
        tariff = await Tariff.all().order_by("id").first()
        assert tariff
        mine = {"name": tariff.name, "unit": tariff.unit, "seen": seen}
        assert (await post(office, AT, **mine, price="375.50"))[0] == 303
        note = await Audit.get(action="rows changed")
        assert note.old.startswith(f"{tariff.name}, {tariff.unit}, ") and "375.50" not in note.old
        assert note.new.startswith(f"{tariff.name}, {tariff.unit}, 375.50") and note.subject == "tariffs"
        status, html = await post(office, AT, **mine, price="390")
        assert status == 409 and "Somebody else has changed this row" in html and 'value="390"' in html
        assert (await Tariff.get(id=tariff.id)).price == 375_50


async def test_the_log_tells_what_a_file_changed_of_agents_and_no_pin(config: Config) -> None:
    """A limit that a file raises is as good as one that somebody types at the agent's page."""
    at = "/settings/prices/agents"
    file = (
        b"phone,name,mini_grid,cash_limit,pin\n"
        b"+255700000001,Asha Mushi,Mtwara North,900000,\n+255700000009,Rehema Juma,Mtwara North,5000,482916\n"
    )
    async with open_office(config) as office:
        await office.sign_in()
        assert "2 rows are in order." in (await bring(office, file, at=at))[1]
        kept = await OfficeUpload.get()
        assert (await post(office, f"{at}/apply", file=str(kept.id)))[0] == 303
        note = await Audit.get(action="rows changed")
        assert (note.actor, note.subject) == ("admin", "agents")
        assert note.old.startswith("+255700000001, Asha Mushi, en, Mtwara North, 200000, ") and "\n" not in note.old
        new = note.new.split("\n")
        assert [row.split(", ")[4] for row in new] == ["900000", "5000"] and "482916" not in note.new


async def test_of_two_who_save_one_row_at_once_one_is_told(config: Config) -> None:
    async with open_office(config) as office:
        seen = re.findall(r'name="seen" value="(\w+)"', await office.html(f"{AT}?row=0"))[0]
        tariff = await Tariff.all().order_by("id").first()
        assert tariff
        prices = ("375.50", "390", "410", "425")
        row = {"name": tariff.name, "unit": tariff.unit, "seen": seen}
        answers = await asyncio.gather(*(post(office, AT, **row, price=price) for price in prices))
        statuses = [status for status, _said in answers]
        assert sorted(statuses) == [303, 409, 409, 409]
        kept = prices[statuses.index(303)]
        assert (await Tariff.get(id=tariff.id)).price == int(float(kept) * 100)
        assert await Audit.filter(action="import").count() == 1


async def test_a_row_is_put_into_the_form(config: Config) -> None:
    async with open_office(config) as office:
        tariff = await Tariff.all().order_by("id").first()
        html = await office.html(f"{AT}?row=0")
        assert tariff and f'value="{tariff.name}"' in html
        assert (await office.get(f"{AT}?row=99999999")).status == 200
        assert (await office.get(f"{AT}?row=x&q=%00")).headers["Location"] == f"{AT}?row=x&q="


async def test_what_is_wrong_stands_beside_its_column_and_nothing_is_lost(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        status, html = await post(office, AT, name="<i>Sun</i>", unit="days", price="seven")
        assert status == 422 and 'value="&lt;i&gt;Sun&lt;/i&gt;"' in html and 'value="seven"' in html
        assert 'id="c-price-said">price is no amount from' in html
        assert not await Tariff.exists(price=0)


async def test_a_file_is_checked_first_and_written_once(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        status, html = await bring(office, b"name,unit,price\nSun,days,700\nMoon,days,900\n")
        assert status == 200 and "2 rows are in order." in html and "in lines 2, 3" in html
        assert not await Tariff.exists(name="Sun")
        kept = await OfficeUpload.get()
        status, at = await post(office, f"{AT}/apply", file=str(kept.id))
        assert (status, at) == (303, f"{AT}?done=file&rows=2&changed=2")
        assert (await Tariff.get(name="Sun")).price == 700_00
        status, html = await post(office, f"{AT}/apply", file=str(kept.id))
        assert status == 409 and "written already" in html
        assert "2 rows read, 2 new or changed." in await office.page(at)


async def test_a_file_that_was_being_written_when_the_server_died_is_not_said_to_be_written(config: Config) -> None:
    """Nobody knows how far it came: brought once more, it is checked against what is there."""
    file = b"name,unit,price\nSun,days,700\nMoon,days,900\n"
    async with open_office(config) as office:
        await office.sign_in()
        await bring(office, file)
        kept = await OfficeUpload.get()
        async with office.mwanga.database.work():
            await take_upload(kept.id)
        status, html = await post(office, f"{AT}/apply", file=str(kept.id))
        assert status == 409 and "If the server stopped meanwhile, bring it once more" in html
        assert "in lines 2, 3" in (await bring(office, file))[1]


async def test_a_wrong_file_is_told_by_reasons_and_a_long_one_is_refused(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        rows = "".join(f"Tariff {n},days,x\n" for n in range(100))
        status, html = await bring(office, f"name,unit,price\n{rows}".encode())
        assert status == 422 and "100 lines are wrong" in html and html.count("<li>") <= 20
        assert "and 95 more" in html
        status, html = await bring(office, b"PK\x03\x04")
        assert status == 422 and "this is a workbook" in html
        assert "Choose a file first." in (await bring(office, b""))[1]
        status, html = await bring(office, b"name,unit,price\n" + b"a,b,c\n" * 10_001)
        assert status == 422 and "more than 10,000 lines" in html
        assert (await bring(office, b"x" * 5_000_001))[0] == 413
        assert not await OfficeUpload.exists()


async def test_only_these_pages_take_a_file_and_only_with_our_token(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        form = aiohttp.FormData()
        form.add_field("csrf", await office.csrf(AT))
        form.add_field("file", b"x", filename="x.csv")
        assert (await office.client.post(AT, data=form, allow_redirects=False)).status == 403
        stranger = aiohttp.FormData()
        stranger.add_field("csrf", "0")
        stranger.add_field("file", b"name,unit,price\n", filename="x.csv")
        assert (await office.client.post(f"{AT}/file", data=stranger, allow_redirects=False)).status == 403


async def test_each_kind_has_its_list_its_file_and_stays_small(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        for kind in ("villages", "tariffs", "meter-types", "connections", "models", "appliances", "stock"):
            html = await office.html(f"/settings/prices/{kind}")
            assert len(html) < 50_000, kind
            csv = await (await office.get(f"/settings/prices/{kind}.csv")).text()
            assert csv.startswith("\ufeff")
            assert await Audit.exists(action="export", subject=kind, actor="admin")
        for kind in ("agents", "customers", "devices"):
            assert "Bring a file" in await office.page(f"/settings/prices/{kind}")
