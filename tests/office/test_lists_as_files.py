"""Each list of the office is a file as well, or a table here says why it needs none."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.android import linking
from bot.config import Config
from models.audit import Audit
from models.messages import Phone
from models.messages.phones import Sim, write_sims
from models.people import OfficeRole
from models.sql import now_ms
from tests.world.many import write_to_all
from tests.world.money_desk import Desk, open_desk

pytestmark = pytest.mark.everyday_on_sqlite
TEMPLATES = Path(__file__).resolve().parents[2] / "handlers" / "office" / "templates"
ROWS = re.compile(r"{% for (?:(?!{% endfor).)*<(?:li|tr)\b", re.DOTALL)
PARTS = {"macros.html", "office.html", "base.html", "charts.html", "money/parts.html", "money/tabs.html"}
# Lists without a file, each with the reason.
WITHOUT = {
    "counter/goods.html": "what is in stock: the file is under Settings, Prices and goods",
    "help/contents.html": "documents",
    "help/document.html": "a document",
    "home/parts.html": "what needs somebody: each line leads to its list, which is a file",
    "messages/conversation.html": "one person's texts: All messages is a file by phone",
    "money/close.html": "days and agents of one day: By agent is the file",
    "money/payment.html": "one payment",
    "money/sale.html": "one sale",
    "people/events.html": "one person's days: the statement is the file",
    "people/find.html": "fifty hits of a search",
    "people/give.html": "who is meant by what was typed",
    "settings/phone.html": "one phone",
    "settings/gateways.html": "a handful of gateways that change all day",
    "settings/overview.html": "links",
    "settings/prices.html": "links, each to a list that is a file",
    "settings/prices_file.html": "what is wrong with a file that somebody has",
    "settings/receipts.html": "rules of reading, kept by the machine: `mwanga receipts list`",
    "settings/texts.html": "a search in the sentences",
    "signin/codes.html": "secrets that are shown once",
    "signin/me.html": "one's own sessions",
    "tickets/ticket.html": "one ticket",
    "tickets/new.html": "one person's devices",
    "tickets/who.html": "hits of a search",
}


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    async with open_desk(config) as desk:
        yield desk


def test_each_list_is_a_file_or_says_why_not() -> None:
    lists = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
    rows = {name for name, html in lists.items() if name not in PARTS and ROWS.search(html)}
    missing = {name for name in rows if "csv" not in lists[name]}
    assert sorted(missing - set(WITHOUT)) == [], "give it a file, or a reason"
    assert sorted(set(WITHOUT) - missing) == [], "these are files, or no lists"


LISTS = {
    "/money/till": "time,amount,what,number,by,reason",
    "/money/requests": "asked,provider,phone,account,amount,state,code,reference",
    "/money/receipts": "came,phone,sim,sender,reference,amount,why,text",
    "/money/voids": "asked,what,number,of,amount,by,reason",
    "/settings/words": "word,means,language,by,added",
}


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_links_to_its_file(desk: Desk, path: str) -> None:
    html = await desk.office.html(path)
    assert f'href="{path}?csv=1"' in html
    text = await (await desk.office.get(f"{path}?csv=1")).text()
    assert text.removeprefix("\ufeff").splitlines()[0] == LISTS[path]
    assert await Audit.exists(actor=desk.who, action="export")


async def test_who_signs_in_is_a_file(desk: Desk) -> None:
    await desk.office.become(OfficeRole.OWNER, "=mariam")
    text = await (await desk.office.get("/settings/users?csv=1")).text()
    assert "'=mariam,owner,no," in text and "admin,owner,no," in text
    await desk.office.become(OfficeRole.FINANCE, "tatu")
    assert (await desk.office.get("/settings/users?csv=1")).status == 403


async def test_what_was_written_to_many_is_a_file(desk: Desk) -> None:
    assert "csv=1" not in await desk.office.html("/write"), "there is none yet"
    await write_to_all(desk.office.mwanga.database, {"en": "We close at noon"})
    assert 'href="/write?csv=1"' in await desk.office.html("/write")
    header, row = (await (await desk.office.get("/write?csv=1")).text()).splitlines()
    assert header.removeprefix("\ufeff") == "number,written,by,state,people,text"
    assert row.startswith("1,20") and row.endswith(",We close at noon")


async def test_gateway_phones_are_a_file_a_row_for_each_sim(desk: Desk) -> None:
    sims = write_sims([Sim(1, phone="+255700000009", carrier="Vodacom"), Sim(2)])
    async with desk.office.mwanga.database.work():
        await linking.add("Shop phone", desk.office.mwanga.company.vault, actor="test")
        await Phone.all().update(sims=sims, linked_at=now_ms(), battery=80)
    await desk.office.become(OfficeRole.OWNER)
    assert 'href="/settings/phones?csv=1"' in await desk.office.html("/settings/phones")
    header, first, second = (await (await desk.office.get("/settings/phones?csv=1")).text()).splitlines()
    assert header.removeprefix("\ufeff") == "name,state,seen,battery,sim,carrier,number,troubles"
    assert first.startswith("Shop phone,") and ",80,1,Vodacom,+255700000009," in first and ",80,2,,," in second


async def test_what_waits_for_a_second_person_is_in_the_file(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/void", at=path, reason="=wrong amount")
    text = await (await desk.office.get("/money/voids?csv=1")).text()
    [_header, row] = text.splitlines()
    assert f",void,1,{path.rpartition('/')[2]},4000,rehema,'=wrong amount" in row


async def test_differences_of_a_reconciliation_are_a_file_by_their_filters(desk: Desk) -> None:
    await desk.paid("QK9", 4000)
    path = "/money/reconcile?provider=daraja"
    assert "provider=daraja&amp;csv=1" in await desk.office.html(path)
    text = await (await desk.office.get(f"{path}&csv=1")).text()
    assert "money that waits" in text and ",QK9,,4000," in text
