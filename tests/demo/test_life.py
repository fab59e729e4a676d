"""The invented day of the demo's office: its books add up, it leaves the README's people alone, and it wakes nobody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.routing import Health
from bot.server import Server
from models.customers.registration import is_name
from models.demo import life
from models.demo.world import AGENTS, CLERK, find_published
from models.messages import MessageKind, Phone, beats
from models.money import till
from models.money.books import find_fault
from models.office import needs, overview
from models.people import Agent, Customer
from models.sql import execute, now_ms
from tests.world.browser import Office, open_office
from tests.world.people import PEOPLE, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def lively(empty_url: str) -> AsyncIterator[Server]:
    async with assembled(load(database=empty_url, demo_life=True), load_demo=True, serving=False) as server:
        yield server


async def count(server: Server, question: str, *values: Any) -> int:
    [row] = await execute(server.database.client, f"SELECT COUNT(*) AS number FROM {question}", values)
    return int(row["number"])


async def test_each_page_has_something_to_show(lively: Server) -> None:
    waiting = await needs.read()
    assert (waiting.late.number, waiting.not_assigned.number, waiting.payments.number) == (1, 1, 2)
    assert (len(waiting.disputes), waiting.voids.number) == (1, 1)
    report = await overview.read(now_ms(), lively.company.end_of(lively.company.today()).replace(hour=0, minute=0))
    assert [agent.name for agent in report.locked] == ["Fatuma Pili"]
    assert report.agents[0].name == "Hamisi Tembo" and report.agents[0].share >= 90
    assert {beat.state for beat in (await beats.read(now_ms()))["simulator"]} >= {beats.UP, beats.DOWN}
    beaten = {name: {beat.state for beat in hours} for name, hours in (await beats.read(now_ms())).items()}
    assert beaten["phone-1"] >= {beats.UP, beats.DOWN} and beaten["phone-2"] >= {beats.UP, beats.DOWN}
    for table in ("sale", "inbox", "outbox", "contract"):
        assert await count(lively, table) > 2, table
    assert await find_fault() == ""
    # It wakes nobody, sends nothing, and its people can be no one's way in.
    assert await count(lively, "outbox WHERE state NOT IN ('delivered', 'failed')") == 0
    assert await count(lively, "inbox WHERE state = 'new'") == 0
    assert await count(lively, "alert WHERE told_at = 0") == 0

    found = await find_published(lively.company.vault)
    assert found == ["office user admin", "office user rehema", *(f"agent {name}" for name, *_others in AGENTS)]


SHOWN = (
    ("/money", "Salome Kato"),
    ("/money/month", "Salome Kato"),
    ("/money/sales", "HILL007"),
    ("/money/payments", "QK71HILL01"),
    ("/money/suspense", "NEEMA A"),
    ("/money/voids", "wrong customer, she wanted Daudi Mzee"),
    ("/money/handins", "I gave 9,000"),
    ("/money/till", "handed in by an agent"),
    ("/money/wallets", "Fatuma Pili"),
    ("/money/claims", "Mwajuma Seif"),
    ("/money/requests", "HILL004"),
    ("/money/reconcile?provider=daraja", "QK72HILL09"),
    ("/money/collection", "Salome Kato"),
    ("/tickets", "the lamp stays dark"),
    ("/tickets?state=closed", "lamp broken"),
    ("/tickets/times", "Naliendele Hill"),
    ("/messages", "I have payed where is my code"),
    ("/messages/sent", "Thank you"),
    ("/messages/failed", "+255710000190"),
    ("/write", "No power on Sunday"),
    ("/settings/words", "STIMA"),
    ("/settings/phones", "Hilltop phone"),
    ("/settings/phones/1", "84 %"),
    ("/settings/phones/2", "Tigo"),
    ("/", "Its battery was at 9 % and not charging."),
    ("/", "TZS 4,350"),
    ("/people?tag=market", "Furaha"),
    ("/log", "rehema"),
)


@pytest.fixture
async def office(empty_url: str) -> AsyncIterator[Office]:
    async with open_office(load(database=empty_url, demo_life=True), load_demo=True) as office:
        yield office


async def test_no_page_of_the_desk_is_empty(office: Office) -> None:
    missing = [(path, words) for path, words in SHOWN if words not in await office.page(path)]
    assert missing == []
    office.client.session.cookie_jar.clear()
    await office.sign_in(CLERK)
    assert "wrong customer" in await office.page("/money/voids")


async def test_no_message_goes_by_a_phone_that_nobody_holds(lively: Server) -> None:
    shop, hilltop = await Phone.all().order_by("id")
    sent = await count(lively, "outbox")
    for hour in (0, 1, 30):  # also after the demo was stopped and started again
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hour), tick=False):
            await lively.phones.turn()
            await lively.alerts.look()
            states = {name: condition.state for name, (_, condition) in lively.router.watch.gateways.items()}
            assert (states[shop.gateway], states[hilltop.gateway]) == (Health.PAUSED, Health.DOWN)
            for kind in MessageKind:
                assert lively.router.gateway_for("+255710000101", kind) == "simulator"
            assert {lively.router.reply_gateway(each.gateway) for each in (shop, hilltop)} == {"simulator"}
            assert await count(lively, "outbox") == sent
            assert await count(lively, "alert WHERE told_at = 0") == 0


async def test_the_till_has_what_agents_brought_and_nothing_else(lively: Server) -> None:
    came = await till.moves()
    assert {move.what for move in came} == {"hand in cash", "top up"}
    assert await till.in_till() == sum(move.amount for move in came)


async def test_the_readme_s_people_are_as_they_were(lively: Server) -> None:
    """Their numbers, their counts, what they hold, and what their first sale is told."""
    amina = await Customer.get(phone=PEOPLE["Amina"])
    assert (amina.id, await Agent.filter(phone__in=list(PEOPLE.values())).count()) == (1, 3)
    assert await count(lively, "sale s JOIN agent a ON a.id = s.agent_id WHERE a.phone = $1", PEOPLE["Asha"]) == 0
    assert await count(lively, "device WHERE customer_id IS NULL") == 2
    phones = Phones(lively)
    await phones.text("Asha", "CASH")
    await phones.text("Asha", "BUY SHS0283 8000")
    told = await phones.text("Asha", f"1 {PINS['Asha']}")
    assert any("944 953 797" in text for _name, text in told), told
    assert not [text for _name, text in told if life.HILL in text]


def test_its_people_have_names_that_a_talk_would_take() -> None:
    for name, *_others in life.AGENTS:
        assert all(map(is_name, name.split()))
    for name, surname, _language in life.CUSTOMERS:
        assert is_name(name) and is_name(surname)
