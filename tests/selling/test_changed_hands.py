"""A device that changed hands: what its owner pays now is for what this owner has it on, and for nobody else's plan."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import time_machine

from bot.payments import Answer, Refusal, State
from bot.server import Server
from handlers.customers.ownership import retire_device, return_device, transfer_device
from handlers.selling.received import apply_again, book, validate
from models.devices import Device, Tariff, Unit
from models.money.books import find_fault
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, Suspense, Why
from models.office.money_candidates import candidates
from models.people import Agent, Customer, OfficeUser
from models.selling import Contract, Sale, requests, voids
from models.selling.account_text import find_by_account
from models.selling.cash_requests import CashRequest, CashRequestState
from models.selling.contracts import Ending, contract_of
from models.selling.payable import Payable, paid_by
from models.selling.requests import PaymentRequest, RequestState, Wanted
from models.selling.taking_back import NotTheirs
from models.settings import switch_sales
from tests.world.ownership import device, means, sold, swap
from tests.world.people import NOON, PEOPLE, Phones
from tests.world.registering import said

GRACE = OfficeUser(name="grace")


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


async def comes_back_to(mwanga: Server, name: str) -> None:
    """Baraka brings SHS0283 back, and it is registered for somebody at the tariff of the bikes, 2,000 a day."""
    async with mwanga.database.work():
        await return_device(await device("SHS0283"), GRACE, "moved away", **means(mwanga))
    bikes, owner = await Tariff.get(name="E-bike, 2,000 a day"), await Customer.get(phone=PEOPLE[name])
    await Device.filter(serial="SHS0283").update(customer_id=owner.id, tariff_id=bikes.id)


async def answered(mwanga: Server, name: str, text: str) -> str:
    """What a text is answered; not what came meanwhile."""
    phones = Phones(mwanga)
    await phones.news()
    return await said(phones, text, name)


async def test_what_is_paid_on_an_ended_plan_is_not_for_who_has_the_device_now(mwanga: Server) -> None:
    await comes_back_to(mwanga, "Neema")
    named = await find_by_account("S1001")
    assert not isinstance(named, str) and (named.device, named.name) == (None, "S1001")
    [first, *_others] = await candidates("S1001", [])
    assert (first.value, first.customer and first.customer.phone) == ("contract S1001", PEOPLE["Baraka"])
    assert await answered(mwanga, "Asha", "PAY S1001 7000") == "Not taken. Nothing is left to pay for S1001."


async def test_who_has_a_device_anew_pays_what_it_costs_now(mwanga: Server) -> None:
    await comes_back_to(mwanga, "Baraka")
    assert await contract_of(await device("SHS0283")) is None
    assert (await answered(mwanga, "Baraka", "BAL")).startswith("SHS0283: nothing paid yet.")
    sale = await sold(mwanga, "BUY SHS0283 4000")
    assert (sale.contract_id, sale.units, sale.price) == (None, 2, 2_000_00)
    assert (await answered(mwanga, "Baraka", "BAL")).startswith("SHS0283: 2 days left")
    assert await find_fault() == ""


async def test_nobody_reads_what_a_former_owner_paid_last(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    await comes_back_to(mwanga, "Neema")
    assert (await answered(mwanga, "Neema", "BAL SHS0283")).startswith("SHS0283: nothing paid yet.")
    await sold(mwanga, "BUY SHS0283 4000")
    assert "Last paid TZS 4,000" in await answered(mwanga, "Neema", "BAL SHS0283")


async def test_nobody_reads_the_codes_of_a_former_owner(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    await comes_back_to(mwanga, "Neema")
    for who in ("Neema", "Asha"):
        assert (await answered(mwanga, who, "TOKEN SHS0283")).startswith("No token yet for SHS0283.")
    await sold(mwanga, "BUY SHS0283 4000")
    listed = await answered(mwanga, "Neema", "TOKEN SHS0283")
    assert "4,000" in listed and "8,000" not in listed


async def test_the_codes_of_a_plan_go_along_with_it(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        await transfer_device(await device("SHS0283"), neema, GRACE, "sold it", with_debt=True, **means(mwanga))
    assert "8,000" in await answered(mwanga, "Neema", "TOKEN SHS0283")


async def test_nobody_reads_by_which_swap_a_device_came_to_a_former_owner(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    await swap(mwanga, "SHS0283", "SHS0284")
    assert "SHS0283" in await answered(mwanga, "Baraka", "TOKEN")
    async with mwanga.database.work():
        await return_device(await device("SHS0284"), GRACE, "moved away", **means(mwanga))
    await Device.filter(serial="SHS0284").update(customer_id=(await Customer.get(phone=PEOPLE["Neema"])).id)
    assert (await answered(mwanga, "Neema", "TOKEN SHS0284")).startswith("No token yet for SHS0284.")


async def test_a_plan_is_paid_by_the_device_that_is_on_it(mwanga: Server) -> None:
    paid_for: Payable = await paid_by(await Contract.get(id=1).prefetch_related("customer", "appliance"))
    assert paid_for.name == "SHS0283"


async def pays_off(mwanga: Server) -> Sale:
    """Baraka pays all of his plan, and SHS0283 runs for good."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=10_000_000_00)
    sale = await sold(mwanga, "BUY SHS0283 1092000")
    assert sale.unit == Unit.UNLOCK
    return sale


async def test_a_plan_that_was_paid_off_goes_along(mwanga: Server) -> None:
    await pays_off(mwanga)
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        await transfer_device(await device("SHS0283"), neema, GRACE, "sold it", with_debt=False, **means(mwanga))
    assert (await Contract.get(id=1)).customer_id == neema.id
    refused = await answered(mwanga, "Asha", "BUY SHS0283 4000")
    assert refused == "Not sold. Nothing is left to pay for SHS0283."
    assert (await answered(mwanga, "Neema", "PLAN SHS0283")).endswith("Paid off. Nothing is left to pay.")
    done = await swap(mwanga, "SHS0283", "SHS0284")
    assert (done.swap.unit, len(done.swap.digits)) == (Unit.UNLOCK, 9)
    assert await find_fault() == ""


async def asked(mwanga: Server, contract: int | None = 1) -> PaymentRequest:
    """Baraka's phone was asked to pay an instalment of his plan, or as much for days where there is none."""
    home = await device("SHS0283")
    wanted = Wanted(
        provider="daraja",
        phone=PEOPLE["Baraka"],
        language="en",
        amount=7_000_00,
        account=home.serial,
        customer_id=home.customer_id,
        device_id=home.id,
        contract_id=contract,
    )
    async with mwanga.database.work():
        return await requests.ask_to_pay(wanted, key="test")


async def pays(mwanga: Server, request: PaymentRequest) -> None:
    """The provider says late that it was paid."""
    said = Incoming(source=Source.CALLBACK, provider="daraja", reference="RKL5", amount=7_000_00, paid_at=NOON)
    async with mwanga.database.work():
        await book(Answer(state=State.PAID, provider="daraja", request=request.reference, payment=said), mwanga.company)


async def test_what_a_phone_was_asked_to_pay_is_for_the_plan_on_whatever_device_it_is(mwanga: Server) -> None:
    request = await asked(mwanga)
    await swap(mwanga, "SHS0283", "SHS0284")
    await pays(mwanga, request)
    sale = await Sale.get().prefetch_related("device")
    assert (sale.device.serial, sale.contract_id, sale.units) == ("SHS0284", 1, 7)
    assert await find_fault() == ""


async def test_what_a_phone_was_asked_to_pay_is_not_for_who_has_the_device_by_then(mwanga: Server) -> None:
    request = await asked(mwanga)
    await comes_back_to(mwanga, "Neema")
    await pays(mwanga, request)
    assert not await Sale.exists() and (await Suspense.get()).why == Why.PAID_OFF
    assert await find_fault() == ""


async def test_what_a_phone_was_asked_to_pay_for_days_waits_where_somebody_else_has_the_device(mwanga: Server) -> None:
    await comes_back_to(mwanga, "Baraka")
    request = await asked(mwanga, contract=None)
    await comes_back_to(mwanga, "Neema")
    await confirmed(mwanga, "SHS0283")
    assert await requests.bought_meanwhile(request) == []  # Neema paid as much
    sold_to = (await Sale.get()).customer_id
    await pays(mwanga, request)
    assert (await Sale.get()).customer_id == sold_to and (await Suspense.get()).why == Why.NOBODY
    assert await find_fault() == ""


@pytest.mark.parametrize("first", ["the confirmation", "the callback"])
async def test_what_a_phone_was_asked_to_pay_waits_whichever_word_of_it_comes_first(mwanga: Server, first: str) -> None:
    """The same money is told of as a payment of the bill, with the serial, and as the answer to the push."""
    await comes_back_to(mwanga, "Baraka")
    request = await asked(mwanga, contract=None)
    await comes_back_to(mwanga, "Neema")
    paid = Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL5",
        amount=7_000_00,
        paid_at=NOON,
        payer_phone=PEOPLE["Baraka"],
    )
    words = [
        Answer(state=State.PAID, provider="daraja", payment=replace(paid, account_text="shs 0283")),
        Answer(state=State.PAID, provider="daraja", request=request.reference, payment=paid),
    ]
    for word in words if first == "the confirmation" else reversed(words):
        async with mwanga.database.work():
            await book(word, mwanga.company)
    assert not await Sale.exists() and (await Suspense.get(closed_at=None)).why == Why.NOBODY
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.PAID
    assert await find_fault() == ""


async def test_what_a_phone_shows_cut_is_not_to_be_paid_where_somebody_else_has_the_device(mwanga: Server) -> None:
    await comes_back_to(mwanga, "Baraka")
    request = await asked(mwanga, contract=None)
    await PaymentRequest.filter(id=request.id).update(account="SOLARHOME20260283")
    assert await validate("SOLARHOME202", request.amount, mwanga.company) is None
    await comes_back_to(mwanga, "Neema")
    assert await validate("SOLARHOME202", request.amount, mwanga.company) is Refusal.ACCOUNT


async def test_what_waited_for_sales_waits_for_the_office_where_somebody_else_has_the_device(mwanga: Server) -> None:
    await comes_back_to(mwanga, "Baraka")
    request = await asked(mwanga, contract=None)
    async with mwanga.database.work():
        await switch_sales(False, actor="grace", reason="flood")
    await pays(mwanga, request)
    assert (await Suspense.get()).why == Why.SALES_OFF
    await comes_back_to(mwanga, "Neema")
    async with mwanga.database.work():
        await switch_sales(True, actor="grace", reason="")
    async with mwanga.database.work():
        assert await apply_again(await Payment.get(), mwanga.company) == []
    assert (await Suspense.get()).why == Why.NOBODY and not await Sale.exists()


@pytest.mark.parametrize("answer", ["1 482915", "2"])
async def test_who_has_a_device_by_then_gets_nothing_for_the_cash_of_who_asked(answer: str, mwanga: Server) -> None:
    """It is over with the agent's answer, whatever that is: it could never be sold."""
    object.__setattr__(mwanga.company, "mobile_money", ())
    await answered(mwanga, "Baraka", "BUY 7000")
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        await transfer_device(await device("SHS0283"), neema, GRACE, "sold it", with_debt=True, **means(mwanga))
    phones = Phones(mwanga)
    await phones.news()
    (_asha, said), (baraka, told) = await phones.text("Asha", answer)
    assert said == "C1: not sold. The customer reads it."
    assert baraka == "Baraka" and told.startswith("Agent Asha Mushi +255700000001 did not take TZS 7,000 for SHS0283.")
    assert not await Sale.exists() and (await CashRequest.get()).state == CashRequestState.DECLINED
    assert await find_fault() == ""


async def test_what_is_sold_to_who_has_a_device_by_then_answers_nobody_who_asked(mwanga: Server) -> None:
    object.__setattr__(mwanga.company, "mobile_money", ())
    await answered(mwanga, "Baraka", "BUY 7000")
    neema = await Customer.get(phone=PEOPLE["Neema"])
    async with mwanga.database.work():
        await transfer_device(await device("SHS0283"), neema, GRACE, "sold it", with_debt=True, **means(mwanga))
    await sold(mwanga, "BUY SHS0283 7000")  # Neema pays as much
    assert (await CashRequest.get()).sale_id is None
    assert not [text for name, text in await Phones(mwanga).news() if name == "Baraka" and "Code" in text]


async def confirmed(mwanga: Server, serial: str) -> None:
    """Somebody pays as much for this serial, and the provider says nothing of a push."""
    said = Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL6",
        amount=7_000_00,
        paid_at=NOON,
        account_text=serial,
    )
    async with mwanga.database.work():
        await book(Answer(state=State.PAID, provider="daraja", payment=said), mwanga.company)


async def test_its_confirmation_may_be_for_the_device_that_is_on_the_plan_now(mwanga: Server) -> None:
    request = await asked(mwanga)
    await swap(mwanga, "SHS0283", "SHS0284")
    await confirmed(mwanga, "SHS0284")
    assert [one.reference for one in await requests.bought_meanwhile(request)] == ["RKL6"]


async def test_what_the_next_owner_of_its_device_pays_is_no_confirmation(mwanga: Server) -> None:
    request = await asked(mwanga)
    await comes_back_to(mwanga, "Neema")
    await confirmed(mwanga, "SHS0283")
    assert (await Sale.get()).contract_id is None
    assert await requests.bought_meanwhile(request) == []


async def test_what_came_back_is_sold_again_on_the_same_day(mwanga: Server) -> None:
    again = "SELL 3, Solar home, 156 weekly, SHS0284"
    first = await sold(mwanga, again)
    async with mwanga.database.work():
        await return_device(await device("SHS0284"), GRACE, "changed her mind", **means(mwanga))
    assert (await sold(mwanga, again)).contract_id != first.contract_id


async def test_what_goes_out_of_use_while_an_agent_is_asked_is_not_sold(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await said(phones, "SELL 3, Solar home, 156 weekly, SHS0284")
    async with mwanga.database.work():
        await retire_device(await device("SHS0284"), GRACE, "burnt", **means(mwanga))
    assert await said(phones, "1 482915") == "Not sold. SHS0284 is out of use. Call +255700000000."
    assert (await device("SHS0284")).customer_id is None


async def test_what_is_paid_without_a_serial_is_for_the_device_that_is_in_use(mwanga: Server) -> None:
    """Neema lost one, and got another."""
    async with mwanga.database.work():
        await retire_device(await device("EB100042"), GRACE, "lost", **means(mwanga))
    assert (await find_by_account("", PEOPLE["Neema"])).name == "EB100042"  # type: ignore[union-attr]
    await sold(mwanga, "SELL 3, E-bike, daily, EB100043")
    assert (await find_by_account("", PEOPLE["Neema"])).name == "EB100043"  # type: ignore[union-attr]


async def test_a_plan_that_was_paid_off_ends_when_its_device_comes_back(mwanga: Server) -> None:
    await pays_off(mwanga)
    await comes_back_to(mwanga, "Baraka")
    assert (await Contract.get(id=1)).ending == Ending.RETURNED
    sale = await sold(mwanga, "BUY SHS0283 4000")
    assert (sale.contract_id, sale.units) == (None, 2)
    assert await find_fault() == ""


async def test_a_payment_on_the_plan_before_stands(mwanga: Server) -> None:
    """The same customer has the same device on another plan by now."""
    paid_off = await pays_off(mwanga)
    async with mwanga.database.work():
        await return_device(await device("SHS0283"), GRACE, "bought back", **means(mwanga))
    assert (await sold(mwanga, "SELL 2, Solar home, 156 weekly, SHS0283")).contract_id == 2
    async with mwanga.database.work():
        with pytest.raises(NotTheirs):
            await voids.approve(paid_off, GRACE, "wrong amount", today=NOON.date())
            await voids.approve(paid_off, OfficeUser(name="henry"), today=NOON.date())
    assert await find_fault() == ""
