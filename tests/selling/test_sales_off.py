"""While the office has switched sales off nothing is sold, in one sentence that everybody understands, and money that
comes by phone is received and kept."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.config import LANGUAGES
from bot.payments import Answer, State
from bot.server import Server
from bot.text import SCREEN, plain, septets
from handlers.selling.buy import sales_off
from handlers.selling.received import book
from models.audit import Audit
from models.money.ledger import AccountKind, balance
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, Suspense, Why
from models.selling import Sale
from models.settings import Setting, are_sales_off, read_switches, switch_outgoing, switch_sales
from tests.world.people import PEOPLE, PINS, Phones
from tests.world.prompt import Run, query

YES = f"1 {PINS['Asha']}"
REFUSED = "Not sold. Sales are stopped for now. Call +255700000000."


async def switch(mwanga: Server, on: bool, reason: str = "") -> bool:
    async with mwanga.database.work():
        return await switch_sales(on, actor="Rehema", reason=reason)


async def said(mwanga: Server, who: str, text: str) -> str:
    return dict(await Phones(mwanga).text(who, text))[who]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("text", ["BUY 04123456784 3000", "BUY SHS0283 7000", "SELL 1, Radio, cash"])
async def test_an_agent_sells_nothing_until_sales_are_on_again(text: str, mwanga: Server) -> None:
    await switch(mwanga, False)
    assert await said(mwanga, "Asha", text) == REFUSED
    assert not await Sale.exists()
    await switch(mwanga, True)
    assert not (await said(mwanga, "Asha", text)).startswith("Not sold")
    assert (await said(mwanga, "Asha", YES)).startswith("SOLD")


@pytest.mark.parametrize("text", ["BUY SHS0283 7000", "SELL 1, Radio, cash"])
async def test_a_question_that_is_open_when_sales_go_off_sells_nothing(text: str, mwanga: Server) -> None:
    await said(mwanga, "Asha", text)
    await switch(mwanga, False)
    assert await said(mwanga, "Asha", YES) == REFUSED
    assert not await Sale.exists()


async def test_a_sale_that_was_made_before_is_told_again(mwanga: Server) -> None:
    await said(mwanga, "Asha", "BUY SHS0283 7000")
    sold = await said(mwanga, "Asha", YES)
    await switch(mwanga, False)
    assert await said(mwanga, "Asha", YES) == sold
    assert (await said(mwanga, "Baraka", "TOKEN")).startswith("SHS0283")


async def test_a_customer_buys_nothing(mwanga: Server) -> None:
    await switch(mwanga, False)
    assert (
        await said(mwanga, "Baraka", "BUY 7000") == "Nothing was paid. Sales are stopped for now. Call +255700000000."
    )
    assert await said(mwanga, "Amina", "NUNUA 3000") == (
        "Hakuna kilicholipwa. Mauzo yamesimamishwa kwa sasa. Piga +255700000000."
    )


async def test_money_that_comes_by_phone_is_kept_and_waits_for_the_office(mwanga: Server) -> None:
    await switch(mwanga, False)
    paid = Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL51ZDR4F",
        amount=5_000_00,
        paid_at=datetime.now(UTC),
        payer_phone=PEOPLE["Neema"],
        account_text="SHS0283",
    )
    async with mwanga.database.work():
        [(_origin, [copy])] = await book(Answer(state=State.PAID, provider="daraja", payment=paid), mwanga.company)
    assert (copy.phone, copy.text.to("en")) == (
        PEOPLE["Neema"],
        "We have your TZS 5,000 (ref RKL51ZDR4F). Sales are stopped for now. The office sees to it. Help +255700000000",
    )
    payment = await Payment.get(reference="RKL51ZDR4F")
    assert await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00
    assert (await Suspense.get(payment_id=payment.id)).why == Why.SALES_OFF


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.everyday_on_sqlite
async def test_the_sentence_is_one_sms_behind_what_was_not_done(language: str, mwanga: Server) -> None:
    words = sales_off(mwanga.company).to(language)
    assert septets(plain(words)) <= SCREEN - len("Nothing was paid. ") * 2
    assert (words == sales_off(mwanga.company).to("en")) is (language == "en")


async def test_who_switched_it_when_and_why_is_known(mwanga: Server) -> None:
    assert await switch(mwanga, False, "Prices are wrong")
    assert not await switch(mwanga, False, "The same again")
    switches = await read_switches()
    assert (switches["sales"].on, switches["sales"].by, switches["sales"].reason) == (
        False,
        "Rehema",
        "Prices are wrong",
    )
    assert switches["outgoing"].on and switches["outgoing"].since == 0
    assert await switch(mwanga, True)
    assert not await switch(mwanga, True)
    noted = await Audit.filter(action="sales").order_by("id").values_list("actor", "subject", "detail", "old", "new")
    assert noted == [("Rehema", "off", "Prices are wrong", "on", "off"), ("Rehema", "on", "", "off", "on")]


async def test_two_who_switch_at_once_are_one(mwanga: Server) -> None:
    done = await asyncio.gather(*(switch(mwanga, False, f"reason {n}") for n in range(4)))
    assert sorted(done) == [False, False, False, True]
    assert await are_sales_off() and await Audit.filter(action="sales").count() == 1


async def test_the_longest_reason_is_kept(mwanga: Server) -> None:
    async with mwanga.database.work():
        await switch_outgoing(False, actor="n" * 100, reason="é" * 120)
    switched = (await read_switches())["outgoing"]
    assert (switched.by, switched.reason) == ("n" * 60, "é" * 120)
    assert {row.name for row in await Setting.filter(name__startswith="outgoing")} == {"outgoing", "outgoing since"}


def test_the_command_line_switches_sales(run: Run, demo_url: str) -> None:
    assert run("sales", "off", "--why", "Wrong tariff").output == "Sales are off.\n"
    assert query(demo_url, "SELECT value FROM setting WHERE name = 'sales'") == [{"value": "off"}]
    assert query(demo_url, "SELECT detail FROM audit WHERE action = 'sales'") == [{"detail": "Wrong tariff"}]
    assert run("sales", "off").exit_code == 0
    assert run("sales", "off", "--why", "x" * 121).exit_code == 2
    assert run("sales", "on").output == "Sales are on.\n"
    assert run("sales", "maybe").exit_code == 2
