"""What another mini-grid has, no command shows or touches: an agent and a customer of Lindi South read word for word
the same whether the customers, devices, sales, tickets and drafts of Mtwara North exist or not."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.server import Server
from bot.talks import Channel
from models.devices import Device
from models.people import Customer, MiniGrid, Role, Village
from models.selling.contracts import Contract, Instalment
from models.sql import connection, execute
from models.tickets import Category, Ticket
from tests.world.people import PEOPLE, Phones
from tests.world.routes import Route, equipped, ways
from tests.world.templates import Templates
from tests.world.walk import Walk, World, everything

NOON = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
NORTH = (1, 2, 3)  # the customers of Mtwara North
CALLERS = {Role.AGENT: "Zuhura", Role.CUSTOMER: "Salma"}
# Every way to name something of Mtwara North: serials and their ends, customer numbers, tickets, phones, names,
# villages, the reference of a sale.
THINGS = (
    "SHS0283", "0283", "04123456784", "6784", "EB100042", "1", "2", "#3", "K1", "k 2", "0710000002", "255710000001",
    "S1001", "s-1002", "1001", "#2", "0002", "Baraka", "Neema Paulo", "amina", "Mtwara", "Naliendele", "RRRR2",
)  # fmt: skip
BEHIND = ("", " 8000", " no power here", ", 8000")  # what may follow in one line
# Every day one of each way, and what may follow behind one of them; the slow tests name everything everywhere.
DEVICE = "SHS0283"
KINDS = (DEVICE, "0283", "EB100042", "#2", "K1", "0710000002", "1001", "Baraka", "Mtwara", "RRRR2")
LINDI = World(
    CALLERS,
    {"customer": "4", "serial": "SHS0777", "phone": "0713000777", "part": "ba"},
    {
        "device": "SHS0777",
        "payable": "SHS0777",
        "customer": "4",
        "ticket": "K3",
        "find search": "Salma",
        "agent": "Halima",
    },
)
# A serial is unique everywhere: that it is in use is said, whose it is, is not.
SAID_TO_BE_IN_USE = "serial"
SAMPLE = {"tokens", "find", "status"}  # on PostgreSQL
DIALLED = SAMPLE | {"sell"}


def is_everyday(engine: str, route: Route, channel: Channel) -> bool:
    """Nearly all answers are the same on both engines and channels: every day the plain way of each talk, by dialling
    what no text comes to and a few more."""
    by_sms_too = channel is Channel.USSD and Channel.SMS in route.channels
    return engine == "sqlite" and not route.name and (not by_sms_too or route.talk in DIALLED)


def walks() -> Iterator[object]:
    for engine in ("sqlite", "postgres"):
        for route, channel in ways():
            if route.role in CALLERS and (engine == "sqlite" or route.talk in SAMPLE):
                walk = f"{engine}-{route}-{channel}"
                if is_everyday(engine, route, channel):
                    yield pytest.param(engine, route, channel, KINDS, id=walk)
                yield pytest.param(engine, route, channel, THINGS, id=f"{walk}-all", marks=pytest.mark.slow)


@pytest.fixture
def urls(engine: str, templates: Templates) -> tuple[str, str]:
    """Two demo databases, for the world with Mtwara North and the one without."""
    return templates.copy(engine, "demo"), templates.copy(engine, "demo")


@pytest.mark.parametrize(("engine", "route", "channel", "things"), list(walks()))
@pytest.mark.usefixtures("references")
async def test_what_another_mini_grid_has_changes_no_word(
    route: Route, channel: Channel, things: Sequence[str], urls: tuple[str, str]
) -> None:
    heard = []
    for url, north in zip(urls, (True, False), strict=True):
        with time_machine.travel(NOON, tick=False):
            async with world(url, north=north) as phones:
                heard.append(await everything_said(phones, route, channel, things))
    assert heard[0] == heard[1]


async def everything_said(
    phones: Phones, route: Route, channel: Channel, things: Sequence[str]
) -> list[tuple[str, str]]:
    """All that is answered when each thing is named at each question of the route and, by SMS, behind its keyword."""
    if route.talk == "fixed":
        await phones.text("Zuhura", "DONE K3")
    walk = Walk(phones, route, channel, LINDI)
    untouched = await of_the_north()
    pieces = [
        thing + behind for thing in things for behind in BEHIND if not behind or things is THINGS or thing == DEVICE
    ]
    named = [f"{walk.one.words['en'][0]} {piece}" for piece in pieces]
    said = await _said(walk, named if channel is Channel.SMS and not route.asks else [])
    await walk.prepare()
    await walk.begin()
    while walk.open:
        question, good = walk.question, walk.good_answer
        answers = await _said(walk, () if walk.on_the_way else things)
        said += answers if question.name != SAID_TO_BE_IN_USE else []
        await walk.say(good)
        said.append((good, without_reference(walk.answer)))
    assert await of_the_north() == untouched
    return said


async def _said(walk: Walk, texts: Sequence[str]) -> list[tuple[str, str]]:
    """The answer to each of these, all given at the same place. Nobody of Mtwara North hears of it."""
    place, said = await walk.keep(), []
    for text in texts:
        await walk.say(text)
        assert not {name for name, _message in walk.others} & {"Asha", "Juma", "Amina", "Baraka", "Neema"}, text
        said.append((text, without_reference(walk.answer)))
        await walk.back_to(place)
    return said


def without_reference(answer: str) -> str:
    return re.sub(r"\b(?:[Rr]ef \w{5}|RRR\w\w)\b", "Ref", answer)


async def of_the_north() -> dict[str, list[dict[str, object]]]:
    """Every row that belongs to a customer, a device, a ticket or the agent Asha of Mtwara North."""
    devices = [row["id"] for row in await execute(connection(), "SELECT id FROM device WHERE customer_id IN (1, 2, 3)")]
    theirs = {"customer_id": NORTH, "device_id": devices, "ticket_id": (1, 2), "phone": (PEOPLE["Asha"],)}
    return {
        table: [
            row
            for row in rows
            if any(row.get(column) in ids for column, ids in theirs.items())
            or (table == "customer" and row["id"] in NORTH)
        ]
        for table, rows in (await everything()).items()
    }


@asynccontextmanager
async def world(url: str, *, north: bool) -> AsyncIterator[Phones]:
    """The demo world with somebody in Lindi South; with much or with nothing in Mtwara North."""
    config = load(database=url, languages="en,sw,fr,pt,ha", sender_cap=0)
    async with assembled(config, serving=False) as mwanga:
        # Where phones are asked to pay, anybody may pay for a device by its whole serial, wherever it is.
        object.__setattr__(mwanga.company, "mobile_money", ())
        phones = Phones(mwanga)
        if north:
            await _busy(phones)
        async with mwanga.database.work():
            if not north:
                for contract in await Contract.filter(customer_id__in=NORTH):
                    await Instalment.filter(contract_id=contract.id).delete()
                    await contract.delete()
                await Device.filter(customer_id__in=NORTH).delete()
                for table in ("name_change", "name_turn"):
                    await execute(mwanga.database.client, f"DELETE FROM {table}")
                await Customer.filter(id__in=NORTH).delete()
                await Village.all().delete()
            await _lindi(mwanga)
        yield phones


async def _busy(phones: Phones) -> None:
    """A ticket of each way, a sale, and a draft."""
    for name, text in (
        ("Asha", "FIX SHS0283 dark house"),
        ("Neema", "FIX dark house"),
        ("Asha", "BUY SHS0283 8000"),
        ("Asha", "1 482915"),
        ("Asha", "REG Baraka Juma"),
    ):
        assert await phones.text(name, text)


async def _lindi(mwanga: Server) -> None:
    """Salma, customer 4, with two solar home systems and ticket K3, and Bahati. The village has the first free number
    of both."""
    await equipped()
    grid = await MiniGrid.get(name="Lindi South")
    village = await Village.create(id=3, name="Kilwa", mini_grid=grid)
    salma = await Customer.create(
        id=4, name="Salma", surname="Bakari", phone=PEOPLE["Salma"], mini_grid=grid, village=village
    )
    key = {"secret": "00" * 16, "starting_code": 123456789, "divider": 1}
    plan = (await Device.get(serial="SHS0284")).tariff_id
    device, _second = [
        await Device.create(
            serial=serial,
            kind="shs",
            issuer="openpaygo",
            sealed_key=mwanga.company.vault.seal_json(key, f"device {serial}"),
            customer=salma,
            tariff_id=plan,
        )
        for serial in ("SHS0777", "SHS0790")
    ]
    await Customer.create(id=5, name="Bahati", surname="Omari", mini_grid=grid, village=village)
    await Ticket.create(
        id=3, key="K3", customer=salma, device=device, category=Category.OTHER, text="no light", agent_id=3,
        opened_at=NOON, due_at=NOON,
    )  # fmt: skip
