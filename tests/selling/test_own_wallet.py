"""An agent fills the wallet by mobile money: asked once, booked once, told once, whatever became of the wallet."""

from dataclasses import replace

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.text import SCREEN, septets
from handlers.selling.received import assign
from models.money.payments import Payment
from models.money.receiving import Suspense, unapplied
from models.money.wallets import TopUp, in_wallet
from models.people import Agent, Customer
from models.selling.requests import PaymentRequest, RequestState
from models.selling.sales import Sale
from models.sql import connection, execute
from tests.world.long_world import BIG, longest_world, texted
from tests.world.menus import way
from tests.world.mobile_money import ENDS, M_PESA, WALLET, by_phone
from tests.world.people import MENU, NOON, PEOPLE, Phones


@pytest.fixture
async def phones(mwanga: Server) -> Phones:
    """Asha sells from a wallet, and phones can be asked."""
    object.__setattr__(mwanga.company, "mobile_money", (M_PESA,))
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    return Phones(mwanga)


async def asha() -> Agent:
    return await Agent.get(phone=PEOPLE["Asha"])


async def happens(line: str, phones: Phones) -> list[tuple[str, str]]:
    async with phones.mwanga.database.work():
        await by_phone(line, phones.mwanga)
    return await phones.news()


async def test_what_is_paid_twice_or_told_by_two_ways_is_in_the_wallet_once(phones: Phones) -> None:
    await phones.text("Asha", "WALLET 50000")
    [(_asha, said)] = await happens("Asha pays", phones)
    assert said.startswith("TOPPED UP TZS 50,000. Wallet before 0, now 50,000.")
    push = await PaymentRequest.get()
    assert await happens("Asha pays", phones) == []
    assert await happens(f"Asha pays 50000 to W{push.agent_id} (ref RKL{push.id:07d})", phones) == []
    assert await in_wallet((await asha()).id) == 50_000_00 and await TopUp.all().count() == 1
    assert push.state == RequestState.PAID and push.customer_id is None


async def test_money_that_is_seen_before_its_push_is_answered_counts_once(phones: Phones) -> None:
    await phones.text("Asha", "WALLET 50000")
    push = await PaymentRequest.get()
    seen = await happens(f"Asha pays 50000 to W{push.agent_id} (ref RKL{push.id:07d})", phones)
    assert [name for name, said in seen if said.startswith("TOPPED UP")] == ["Asha"]
    assert await happens("Asha pays", phones) == [] and await in_wallet((await asha()).id) == 50_000_00
    assert (await PaymentRequest.get()).state == RequestState.PAID


async def test_a_second_wish_does_not_ask_the_phone_again(phones: Phones) -> None:
    await phones.text("Asha", "WALLET 50000")
    await phones.text("Asha", "WALLET 50000")
    await phones.repeat()
    assert await PaymentRequest.all().count() == 1


@pytest.mark.parametrize("change", [{"prepaid": False}, {"retired_at": NOON}])
async def test_money_for_a_wallet_that_is_gone_waits_for_the_office(phones: Phones, change: dict[str, object]) -> None:
    await phones.text("Asha", "WALLET 50000")
    await Agent.filter(phone=PEOPLE["Asha"]).update(**change)
    told = [said for _name, said in await happens("Asha pays", phones) if "TZS 50,000" in said]
    assert told[0].startswith("We have your TZS 50,000")
    payment = await Payment.get(provider="daraja")
    assert await unapplied(payment.id) == 50_000_00 and await TopUp.all().count() == 0


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("change", [{}, {"prepaid": False}, {"retired_at": NOON}])
@pytest.mark.parametrize("end", ["cannot be reached", "does nothing"])
async def test_who_has_no_wallet_any_more_is_not_told_to_pay_into_it(
    phones: Phones, change: dict[str, object], end: str
) -> None:
    object.__setattr__(phones.mwanga.company, "mobile_money", (replace(M_PESA, pay_bill="600000"),))
    await phones.text("Asha", "WALLET 50000")
    if change:
        await Agent.filter(phone=PEOPLE["Asha"]).update(**change)
    [(_asha, said)] = await happens(f"Asha {end}", phones)
    assert said.startswith("Not paid: TZS 50,000, W1.") and ("pay bill" in said) == (not change)


@pytest.fixture
async def at_home(phones: Phones) -> None:
    """Asha has a device at home, on the same phone, and the provider names no account."""
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=PEOPLE["Asha"])


@pytest.mark.usefixtures("at_home")
async def test_money_without_an_account_is_for_the_wallet_that_asked(phones: Phones) -> None:
    await phones.text("Asha", "WALLET 50000")
    [(_asha, said)] = await happens("Asha pays 50000 (ref RKL0000001)", phones)
    assert said.startswith("TOPPED UP TZS 50,000.") and await Sale.all().count() == 0


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("change", [{"prepaid": False}, {"retired_at": NOON}])
async def test_money_for_a_wallet_that_is_gone_buys_nothing_else(phones: Phones, change: dict[str, object]) -> None:
    await phones.text("Asha", "WALLET 50000")
    await Agent.filter(phone=PEOPLE["Asha"]).update(**change)
    told = await happens("Asha pays 50000 (ref RKL0000001)", phones)
    assert "The office finds where it belongs." in told[0][1] and await Sale.all().count() == 0


async def test_what_waited_is_put_into_the_wallet_by_the_office(phones: Phones) -> None:
    """The number of the wallet was mistyped; then it waits no longer."""
    await happens("Asha pays 50000 to W91 (ref RKL51ZDR4F)", phones)
    [(_asha, said)] = await happens(f"the office assigns RKL51ZDR4F to W{(await asha()).id}", phones)
    assert said.startswith("TOPPED UP TZS 50,000.") and await in_wallet((await asha()).id) == 50_000_00
    assert await Suspense.filter(closed_at=None).count() == 0
    assert await happens(f"the office assigns RKL51ZDR4F to W{(await asha()).id}", phones) == []


async def test_a_part_of_a_payment_fills_no_wallet(phones: Phones) -> None:
    await happens("Asha pays 50000 to W91 (ref RKL51ZDR4F)", phones)
    company, wallet = phones.mwanga.company, f"W{(await asha()).id}"
    async with phones.mwanga.database.work():
        with pytest.raises(ValueError, match="A wallet takes all that waits: TZS 50,000"):
            await assign("RKL51ZDR4F", wallet, "test", company, amount=100)
    assert await TopUp.all().count() == 0


async def test_the_menu_shows_it_to_whom_it_is_for(phones: Phones) -> None:
    label = "Top up my wallet"
    assert await phones.choose("Asha", label) == "CON How much?\n0. Back"
    with pytest.raises(AssertionError, match="no choice says"):
        await phones.choose("Zuhura", label)
    object.__setattr__(phones.mwanga.company, "mobile_money", ())
    await phones.dial("Asha", MENU)
    with pytest.raises(AssertionError, match="no choice says"):
        await way(phones.sessions["Asha"].screen, label, phones.sessions["Asha"].enter)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_whatever_it_ends_with_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    object.__setattr__(mwanga.company, "mobile_money", (WALLET,))
    phones = Phones(mwanga)
    await texted(phones, "Asha", "WALLET 5000")  # no wallet yet
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    for end in (*ENDS, "pays"):
        await execute(connection(), "DELETE FROM payment_request")
        for text in (f"WALLET {BIG}", "WALLET 5000", "CASH", "BUY SHS0283 8000"):
            await texted(phones, "Asha", text)
        said = [message for _name, message in await happens(f"Asha {end}", phones)]
        assert said and [message for message in said if septets(message) > SCREEN] == []
