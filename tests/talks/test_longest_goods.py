"""One SMS part and one screen for what is sold from the catalogue, at the longest values the office can import."""

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.text.gsm import SCREEN, septets
from bot.text.i18n import Text
from handlers.exchange.appliances import LONGEST_ITEM, LONGEST_PLAN
from models.money.catalogue import Appliance, PaymentPlan
from models.money.contracts import Instalment
from models.money.ledger import AccountKind, Posting, post
from tests.world.long_world import LONG_SERIAL, LONG_STOCK, PAST, chosen, longest_world, texted
from tests.world.people import Phones

PRICE, DOWN = 9_999_999_00, 4_999_999_00
PIN = "1 482915"
SMS = [
    "SELL", "W" * 50, "99", "Wwwwwwwwww", "9", "1", "x", "3", "W" * 50, LONG_STOCK, "1 000000", PIN, PIN,
    f"SELL 1, 3, {LONG_STOCK}", "SELL 1, 3", f"SELL {'W' * 50}", f"SELL 1, {'W' * 50}", f"SELL 1, 2, {'W' * 50}",
    "SELL Wwwww, 2", "SELL 2, 2, 2", PIN, "SELL 2, 2, 2", "SELL 2, 2, 2, AGAIN", PIN, "SELL 2, 1", PIN,
    "SELL 1, 4, EB100043", PIN, "SELL 1, 2, 1", PIN, "SELL 9, 1", "SELL 1, 1, 1, 1", "SALES", "1", "LIST",
    "STOCK", "W" * 50, "1", "1", f"STOCK {'W' * 50}", "STOCK 1 1", "HELP",
]  # fmt: skip
USSD = [
    ("sell", "W" * 50, "Wwwww", "8", "1", "8", "2", "8", "2", "8", "1", "000000", "482915"),
    ("sell", "2", "2", "2", "8", "1", "1", "482915"),
    ("sell", "3", "3", "1", "2"),
    ("stock", "8", "1", "1"),
]

OVERDUE = [
    ("Baraka", "BAL"), ("Baraka", "3"), ("Amina", "BAL"), ("Asha", "CUST 1"), ("Asha", "2"), ("Asha", "CUST 2"),
    ("Asha", "2"), ("Asha", f"BUY {LONG_SERIAL} 70000"), ("Asha", PIN), ("Asha", "PAY S1003 9000000"), ("Asha", PIN),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_about_appliances_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    await _dear_goods()
    phones, said = Phones(mwanga), []
    for talk, *answers in USSD:
        said += [screen[4:] for screen in await chosen(phones, "Asha", talk, language)]
        said += [(await phones.enter("Asha", answer))[4:] for answer in answers]
        said += [message for _receiver, message in await phones.news()]
    for text in SMS:
        said += await texted(phones, "Asha", text)
    assert [(septets(message), message) for message in said if septets(message) > SCREEN] == []
    sold = [message for message in said if "S100" in message and "9,999,999" in message]
    assert len(sold) > 5, "hardly anything was sold"


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_about_overdue_goods_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    await Instalment.all().update(due_on=PAST)
    phones, overdue = Phones(mwanga), Text("Left {left}. Overdue {late} since {day}").to(language).split()[2]
    said = [screen[4:] for screen in await chosen(phones, "Baraka", "balance", language)]
    said.append((await phones.enter("Baraka", "3"))[4:])
    for name, text in OVERDUE:
        said += await texted(phones, name, text)
    assert [(septets(message), message) for message in said if septets(message) > SCREEN] == []
    assert len([message for message in said if overdue in message]) == 9, "\n--\n".join(said)


async def _dear_goods() -> None:
    for number, item in enumerate(await Appliance.all().order_by("id")):
        name = f"{number}{'W' * (LONGEST_ITEM - 1)}"
        await Appliance.filter(id=item.id).update(name=name, price=PRICE)
    for plan in await PaymentPlan.all():
        name = plan.name if plan.terms == "cash" else "W" * LONGEST_PLAN
        down, count = (0, 0) if plan.terms == "cash" else (DOWN, 7 if plan.terms == "instalments" else 0)
        day_price = 9_999_999_00 if plan.terms == "service" else 0
        await PaymentPlan.filter(id=plan.id).update(name=name, down=down, count=count, day_price=day_price)
    room = [Posting(AccountKind.CASH, 1, -70_000_000_00), Posting(AccountKind.REVENUE, 0, 70_000_000_00)]
    await post("handed in", room)
