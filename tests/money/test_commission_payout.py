"""Commission that the office pays out in cash: booked once, never more than is due, and the agent reads it."""

from datetime import timedelta

import pytest

from bot.server import Server
from handlers.account.commission import pay_out_commission
from handlers.office.money.close import FIGURES
from models.messages.tables import Outbox
from models.money.books import find_fault
from models.money.commission_payout import NotDue
from models.money.day_close import _agent_figures, bounds_of
from models.money.ledger import commission_due
from models.money.till import in_till
from models.office import money_month
from models.people import Agent
from models.selling.agents_statement import day_figures
from tests.world.people import PEOPLE, Phones


@pytest.mark.usefixtures("one_moment")
async def test_it_is_paid_once_and_no_more_than_is_due(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", "1 482915")
    asha = await Agent.get(phone=PEOPLE["Asha"])
    place = {"company": mwanga.company, "composer": mwanga.composer, "actor": "grace"}
    for _sent_twice in range(2):
        async with mwanga.database.work():
            paid = await pay_out_commission(asha, 500_00, "form 1", **place)
    assert (paid.new, paid.due) == (False, 300_00)
    with pytest.raises(NotDue):
        async with mwanga.database.work():
            await pay_out_commission(asha, 300_01, "form 2", **place)
    assert await commission_due(asha.id) == 300_00 and await in_till() == -500_00
    [said] = await Outbox.filter(phone=PEOPLE["Asha"], text__startswith="PAID OUT")
    assert said.text == "PAID OUT commission TZS 500 in cash. Commission 300 due."
    begins, ends = bounds_of(mwanga.company.today(), mwanga.company.zone)
    assert (await day_figures(asha.id, begins, ends)).commission == 800_00, "earned, whatever was paid out"
    figures = await _agent_figures(asha.id, begins, ends + timedelta(days=1))
    assert (figures["commission earned"], figures["commission due"]) == (800_00, 300_00)
    [month] = [each for each in await money_month.read({}, begins, ends) if each.agent["id"] == asha.id]
    assert month.commission_paid == 500_00
    assert set(figures) <= set(FIGURES), "the page of the day has a word for each"
    assert figures["commission paid by the office"] == 500_00 and not await find_fault()
