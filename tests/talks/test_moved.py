"""An agent who was moved, or a device that went to others: a question that was asked before sells nothing any more."""

import pytest

from bot.server import Server
from models.devices import Device
from models.people import Agent, Customer, MiniGrid
from models.sql import connection, execute
from tests.world.business import business
from tests.world.people import PEOPLE, PINS, Phones

pytestmark = pytest.mark.everyday_on_sqlite

CHANGED = "Something changed. Once more, please."
QUESTIONS = {
    "BUY SHS0283 8000": f"Not sold. {CHANGED} Serial number?",
    "PAY SHS0283 8000": f"Not taken. {CHANGED} Number (S1042) or serial?",
    "PAY S1002 200": f"Not taken. {CHANGED} Number (S1042) or serial?",
    "SELL 2, Radio, cash": f"Not sold. {CHANGED} Goods for which customer: number, phone or name? For power send BUY.",
}


async def agent_moves() -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(mini_grid_id=(await MiniGrid.get(name="Lindi South")).id)


async def customer_moves() -> None:
    await Customer.filter(phone=PEOPLE["Baraka"]).update(mini_grid_id=(await MiniGrid.get(name="Lindi South")).id)


@pytest.mark.parametrize("moves", [agent_moves, customer_moves])
@pytest.mark.parametrize("command", QUESTIONS)
async def test_what_is_out_of_reach_by_now_is_not_sold(command: str, moves, mwanga: Server) -> None:  # type: ignore[no-untyped-def]
    phones = Phones(mwanga)
    await phones.text("Asha", "SELL 2, Solar lamp")
    await phones.text("Asha", f"1 {PINS['Asha']}")  # S1002
    await phones.text("Asha", command)
    assert await phones.asked("Asha")
    await moves()
    before = await business()
    assert await phones.text("Asha", f"1 {PINS['Asha']}") == [("Asha", QUESTIONS[command])]
    assert await business() == before


@pytest.mark.parametrize("customer_id", [1, None])
async def test_a_device_of_somebody_else_by_now_is_not_sold_to(customer_id: int | None, mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    await Device.filter(serial="EB100042").update(customer_id=customer_id)
    before = await business()
    [(_asha, answer)] = await phones.text("Asha", f"1 {PINS['Asha']}")
    assert answer.startswith("Not sold. " if customer_id else f"Not sold. {CHANGED}")
    assert await business() == before


async def test_a_dialled_question_is_not_confirmed_either(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.choose("Asha", "Sell power")
    for answer in ("SHS0283", "8000"):
        screen = await phones.enter("Asha", answer)
    assert "Sell 8 days" in screen
    await agent_moves()
    before = await business()
    assert CHANGED.strip() in await phones.enter("Asha", PINS["Asha"])
    assert await business() == before


async def test_whoever_was_found_and_is_gone_by_now_is_not_shown(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "FIND ma")
    assert await phones.asked("Asha")
    await agent_moves()
    [(_asha, answer)] = await phones.text("Asha", "1")
    assert answer.startswith(CHANGED)
    assert await execute(connection(), "SELECT 1 FROM inbox WHERE error <> ''") == []


async def test_a_ticket_of_a_customer_who_is_out_of_reach_by_now_is_not_told(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no power")  # K1 is hers, and reported by her
    await agent_moves()
    assert await phones.text("Baraka", "T K1 still dark") == [("Baraka", "Added to K1.")]
    [(_baraka, status)] = await phones.text("Baraka", "STATUS K1")
    assert "The office will call." in status and "Asha" not in status
