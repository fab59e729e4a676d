"""The page at `/settings/switches`: messages and sales off and on, who may, and the banner on every page."""

from collections.abc import AsyncIterator

import pytest

from bot.config import Config
from models.people import OfficeUser
from models.settings import are_messages_off, are_sales_off
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite

PATH = "/settings/switches"


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        await office.html()
        yield office


async def switch(office: Office, name: str, to: str, reason: str = "") -> int:
    fields = {"switch": name, "to": to, f"{name}-reason": reason}
    return (await office.post(PATH, csrf=await office.csrf(PATH), **fields)).status


@pytest.mark.parametrize(
    ("name", "banner"),
    [
        ("sales", "Sales are switched off: nobody can sell or buy. admin: Prices <b>are</b> wrong"),
        ("outgoing", "Outgoing messages are switched off: answers wait. admin: Prices <b>are</b> wrong"),
    ],
)
async def test_what_is_off_is_said_on_every_page_with_the_reason(office: Office, name: str, banner: str) -> None:
    assert await switch(office, name, "off", "Prices <b>are</b> wrong") == 303
    for path in (PATH, "/tickets", "/help", "/log"):
        assert banner in await office.page(path), path
        assert "<b>are" not in await office.html(path)
    assert await (are_sales_off if name == "sales" else are_messages_off)()
    assert await switch(office, name, "on") == 303
    assert banner not in await office.page()
    rows = await office.ask("SELECT actor, subject, detail, old, new, whence FROM audit WHERE action = $1", name)
    assert [(row["actor"], row["old"], row["new"], row["detail"]) for row in rows] == [
        ("admin", "on", "off", "Prices <b>are</b> wrong"),
        ("admin", "off", "on", ""),
    ]
    assert {row["whence"] for row in rows} == {"127.0.0.1"}


@pytest.mark.parametrize(("reason", "said"), [("", "Please fill this in."), ("x" * 121, "That is too long.")])
async def test_without_a_reason_nothing_goes_off(office: Office, reason: str, said: str) -> None:
    form = {"switch": "sales", "to": "off", "sales-reason": reason}
    response = await office.post(PATH, csrf=await office.csrf(PATH), **form)
    html = await response.text()
    assert response.status == 422 and said in html and f'value="{reason}"' in html
    assert not await are_sales_off()


async def test_who_switches_what_is_off_already_is_told_so(office: Office) -> None:
    await switch(office, "sales", "off", "First")
    response = await office.post(
        PATH, csrf=await office.csrf(PATH), switch="sales", to="off", **{"sales-reason": "Second"}
    )
    assert "Somebody else did it before" in await office.page(response.headers["Location"])
    assert "Why: First" in await office.page(PATH)


async def test_a_form_that_is_none_of_ours_switches_nothing(office: Office) -> None:
    assert await switch(office, "everything", "off", "Why not") == 400
    assert await switch(office, "sales", "maybe", "Why not") == 400
    assert (await office.post(PATH, switch="sales", to="off", **{"sales-reason": "x"})).status == 403
    assert not await are_sales_off()


@pytest.mark.parametrize("role", ["finance", "support", "auditor"])
async def test_the_others_see_it_and_the_owner_alone_switches(office: Office, role: str) -> None:
    csrf = await office.csrf(PATH)
    await OfficeUser.filter(name="admin").update(role=role)
    assert "Switch it off" not in await office.page(PATH)
    assert (await office.post(PATH, csrf=csrf, switch="sales", to="off", **{"sales-reason": "x"})).status == 403
    assert not await are_sales_off()
