"""One SMS part whatever a customer buys, however it ends, at the longest values, in every language."""

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.text import SCREEN, septets
from handlers.selling.cash_requests import end_unanswered
from handlers.selling.received import assign_credit
from models.people import Customer
from models.selling.requests import PaymentRequest
from models.sql import connection, execute
from tests.world.long_world import BIG, LONG_SERIAL, longest_world, texted
from tests.world.mobile_money import ENDS, WALLET, by_phone
from tests.world.people import PEOPLE, Phones

THINGS = [f"BUY {BIG} {LONG_SERIAL}", f"BUY {BIG} S1002", "BUY 4000000 EB100042", "BUY 5000", "BUY", "1"]
# Every day the language that most people read here, and the longest.
IN_TURN = [pytest.param(code, marks=[] if code in ("sw", "fr") else [pytest.mark.slow]) for code in LANGUAGES]
ENERGY = ["NUNUA 04123456784 4000000", "NUNUA 5000000", "1", "NUNUA 6784 1", "NUNUA", "1"]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", IN_TURN)
async def test_whatever_a_push_ends_with_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    object.__setattr__(mwanga.company, "mobile_money", (WALLET,))
    phones, asked = Phones(mwanga), 0
    for name, texts in (("Baraka", THINGS), ("Amina", ENERGY)):
        for text in texts:
            for end in (*ENDS, "pays"):
                await execute(connection(), "DELETE FROM payment_request")
                await texted(phones, name, text)
                if not await PaymentRequest.filter(payment_id=None):
                    break
                await texted(phones, name, "BUY")  # it rings
                await tell(f"{name} {end}", mwanga, phones)
                asked += 1
    assert asked > 3 * len(ENDS), "hardly anything was asked"
    for account in (LONG_SERIAL, "W" * 100, "", "04123456784", "S1002"):
        await tell(f"Baraka pays 1 to {account} (ref {'R' * 12}{asked})", mwanga, phones)
        asked += 1


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", IN_TURN)
async def test_what_the_office_makes_credit_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    reference = "R" * 29  # the longest form that an operator writes
    async with mwanga.database.work():
        await by_phone(f"Baraka pays 9999999 to nobody (ref {reference})", mwanga)
        baraka = await Customer.filter(phone=PEOPLE["Baraka"]).order_by("id").first()
        assert baraka
        [(_origin, [copy])] = await assign_credit(reference, baraka, "office", mwanga.company)
    assert copy.language == language and septets(copy.text.to(language)) <= SCREEN


async def tell(line: str, mwanga: Server, phones: Phones) -> None:
    async with mwanga.database.work():
        await by_phone(line.replace(" to  (", " ("), mwanga)
    said = [message for _name, message in await phones.news()]
    assert [(septets(message), message) for message in said if septets(message) > SCREEN] == [], line


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", IN_TURN)
async def test_whatever_an_agent_is_asked_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    object.__setattr__(mwanga.company, "mobile_money", ())
    phones = Phones(mwanga)
    await execute(connection(), "UPDATE agent SET cash_limit = 99999999900")
    for name, text in [*(("Baraka", text) for text in THINGS), *(("Amina", text) for text in ENERGY)]:
        for ends in ("2", "1 482915", "REQUESTS", "time", "NO"):
            await texted(phones, name, text)
            rows = await execute(connection(), "SELECT id FROM cash_request WHERE state = 'asked'")
            if not rows:
                break
            await texted(phones, name, "BUY")  # it waits
            for ended in ("2", "NO") if ends == "NO" else ():
                await texted(phones, name, ended)
            for answer in ("REQUESTS", "x", f"C{rows[0]['id']} {ends}") if ends != "time" else ():
                await texted(phones, "Asha", answer)
            await execute(connection(), "UPDATE cash_request SET expires_at = 1 WHERE state = 'asked'")
            await texted(phones, "Asha", f"C{rows[0]['id']} 1 482915")
            async with mwanga.database.work():
                for origin, copies in await end_unanswered(mwanga.company, 10):
                    await mwanga.composer.tell(origin, copies)
            said = [message for _name, message in await phones.news()]
            assert [(septets(message), message) for message in said if septets(message) > SCREEN] == []
