"""Wallets: what comes in, what a sale takes, and that nothing is spent that is not there."""

import asyncio

import pytest

from bot.server import Server
from handlers.customers.statement import statement_kind, statement_lines
from handlers.exchange.dates import ALWAYS
from handlers.exchange.exports import SALES
from handlers.selling.received import book_payment, validate
from models.demo.world import OFFICE_PASSWORD
from models.money import wallets
from models.money.ledger import AccountKind, Posting, balance, commission_due, post
from models.money.receiving import Incoming, Source, receive
from models.money.wallets import (
    HasMoney,
    NothingUnapplied,
    NotInWallet,
    NotPrepaid,
    OtherTopUp,
    ToppedUpBefore,
    in_wallet,
    make_postpaid,
    make_prepaid,
    pay_out,
    top_up,
    top_up_wallet,
)
from models.people import Agent, Customer
from models.sql import connection, execute
from tests.world.people import NOON, PEOPLE, Phones
from tests.world.prompt import Run, query

YES = "1 482915"
PASSWORD = "a long password"


async def prepaid(mwanga: Server, amount: int) -> Agent:
    """Asha with so much in her wallet, in shillings."""
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await make_prepaid(agent, "grace")
        if amount:
            await top_up(agent, amount * 100, "grace")
    return agent


async def test_a_sale_takes_from_the_wallet_and_no_more_than_is_there(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 20_000)
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    said = dict(await phones.text("Asha", YES))["Asha"]
    assert said.endswith("Wallet 12,000. Commission 800")
    assert await in_wallet(agent.id) == 12_000_00 and await balance(AccountKind.CASH, agent.id) == 0
    [(_name, refused)] = await phones.text("Asha", "BUY EB100042 14000")
    assert refused.startswith("Not sold. Your wallet has TZS 12,000. Top it up first: M-Pesa pay bill 600000,")
    [(_name, cash)] = await phones.text("Asha", "CASH")
    assert cash.startswith("Your wallet has TZS 12,000: you can sell for that. Commission due 800.")
    [(_name, day)] = await phones.text("Asha", "STMT")
    assert "1 sold, TZS 8,000. Topped up 20,000. Wallet 12,000. Commission due 800." in day
    [payment] = await execute(connection(), "SELECT provider FROM payment")
    assert payment["provider"] == "wallet"


async def test_who_paid_an_agent_with_a_wallet_paid_cash(mwanga: Server) -> None:
    """The reference of such a payment is the sale's key, and nothing for people."""
    await prepaid(mwanga, 20_000)
    phones, company = Phones(mwanga), mwanga.company
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", YES)
    baraka = await Customer.get(phone=PEOPLE["Baraka"])
    assert "8,000 (cash, Asha Mushi) for SHS0283" in (await statement_lines(baraka, company))[1]
    for kind in (statement_kind(baraka), SALES):
        [row] = [dict(zip(kind.columns, row, strict=True)) async for row in kind.rows(company, ALWAYS)]
        assert row["payment"] == "", kind.columns


async def test_an_appliance_is_sold_from_the_wallet(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 500)
    phones = Phones(mwanga)
    await phones.text("Asha", "SELL 2, Solar lamp")
    said = dict(await phones.text("Asha", YES))["Asha"]
    assert "Wallet 400" in said, said
    assert await in_wallet(agent.id) == 400_00


@pytest.mark.parametrize("engine", ["postgres"])
async def test_two_sales_at_once_take_what_is_there_once(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 15_000)
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    session = await phones.dial("Asha", "*384*20*1*EB100042*10000#")
    assert session.startswith("CON"), session
    await asyncio.gather(phones.text("Asha", YES), phones.enter("Asha", "482915"))
    assert await in_wallet(agent.id) in (7_000_00, 5_000_00)
    assert len(await execute(connection(), "SELECT 1 FROM sale")) == 1


async def test_the_database_refuses_to_spend_what_is_not_there(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 100)
    lines = [Posting(AccountKind.WALLET, agent.id, 100_01), Posting(AccountKind.ENERGY, 0, -100_01)]
    with pytest.raises(Exception, match=r"account_owed"):
        async with mwanga.database.work():
            await post("too much", lines, actor="test")
    assert await in_wallet(agent.id) == 100_00


async def test_a_top_up_brings_the_commission_that_is_due(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 0)
    async with mwanga.database.work():
        earned = [Posting(AccountKind.COMMISSION_COST, 0, 5_50), Posting(AccountKind.COMMISSION, agent.id, -5_50)]
        await post("earned", earned, actor="test")
        booked = await top_up(agent, 100_00, "grace", coin=100)
    assert (booked.before, booked.wallet, booked.entry.commission) == (0, 105_00, 5_00)
    assert await commission_due(agent.id) == 50
    assert await balance(AccountKind.OFFICE, 0) == 100_00


async def test_a_repeat_is_held_and_a_reference_books_once(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 0)
    async with mwanga.database.work():
        first = await top_up(agent, 100_00, "grace", "page 7")
        assert not (await top_up(agent, 100_00, "grace", "page 7")).new
        with pytest.raises(OtherTopUp):
            await top_up(agent, 200_00, "grace", "page 7")
        with pytest.raises(ToppedUpBefore):
            await top_up(agent, 100_00, "grace", "page 8")
        await top_up(agent, 100_00, "grace", "page 8", again=True)
    assert first.wallet == 100_00 and await in_wallet(agent.id) == 200_00


async def test_mobile_money_tops_up_once(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 0)
    money = Incoming(source=Source.CALLBACK, provider="bank", reference="QX1", amount=300_00, paid_at=NOON)
    async with mwanga.database.work():
        payment = (await receive(money)).payment
        for new in (True, False):
            booked = await top_up_wallet(payment.id, agent, "bank")
            assert (booked.new, booked.wallet) == (new, 300_00)
        other = await Agent.get(phone=PEOPLE["Juma"])
        with pytest.raises(NotPrepaid):
            await top_up_wallet(payment.id, other, "bank")
        await make_prepaid(other, "grace")
        await post("spent", [Posting(AccountKind.WALLET, agent.id, 1), Posting(AccountKind.DAYS, 0, -1)], actor="test")
    assert await balance(AccountKind.UNAPPLIED, payment.id) == 0
    async with mwanga.database.work():
        await execute(connection(), "SELECT 1")
        with pytest.raises(NothingUnapplied):
            await wallets.top_up_wallet(payment.id + 1, other, "bank")


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("account", ["0700000001", "w1", "W 1", "+255 700 000 001"])
async def test_who_pays_with_the_agent_as_the_account_tops_up(mwanga: Server, account: str) -> None:
    agent = await prepaid(mwanga, 0)
    money = Incoming(
        source=Source.CALLBACK, provider="bank", reference="QX1", amount=300_00, paid_at=NOON, account_text=account
    )
    assert await validate(account, 300_00, mwanga.company) is None
    async with mwanga.database.work():
        for copies in (1, 0):
            _received, told = await book_payment(money, mwanga.company)
            assert sum(len(each) for _origin, each in told) == copies
    assert await in_wallet(agent.id) == 300_00
    other = Incoming(
        source=Source.CALLBACK, provider="bank", reference="QX2", amount=300_00, paid_at=NOON, account_text="W2"
    )
    async with mwanga.database.work():
        received, _told = await book_payment(other, mwanga.company)  # Juma has no wallet
    assert await balance(AccountKind.UNAPPLIED, received.payment.id) == -300_00


async def test_money_is_paid_out_and_the_kind_changes_only_when_nothing_is_left(mwanga: Server) -> None:
    agent = await prepaid(mwanga, 100)
    async with mwanga.database.work():
        with pytest.raises(HasMoney):
            await make_postpaid(agent, "grace")
        with pytest.raises(NotInWallet):
            await pay_out(agent, 100_01, "grace")
        assert (await pay_out(agent, 100_00, "grace")).wallet == 0
        await make_postpaid(agent, "grace")
        await post("held", [Posting(AccountKind.CASH, agent.id, 1), Posting(AccountKind.DAYS, 0, -1)], actor="test")
        with pytest.raises(HasMoney):
            await make_prepaid(agent, "grace")
        with pytest.raises(NotPrepaid):
            await top_up(agent, 1, "grace")
    assert await balance(AccountKind.OFFICE, 0) == 0


def by_two(run: Run, *words: object) -> str:
    """A command by one of the office and by another one: what the second one reads."""
    run("admin", "add", "grace", "--role", "finance", input=f"{PASSWORD}\n")
    run(*words, "--by", "grace", input=f"{PASSWORD}\n")
    return run(*words, "--by", "admin", input=f"{OFFICE_PASSWORD}\n").output


@pytest.mark.everyday_on_sqlite
def test_the_office_gives_a_wallet_and_tops_it_up_at_the_prompt(run: Run, demo_url: str) -> None:
    refused = run("agent", "topup", "0700000001", 500)
    assert refused.exit_code == 1 and "Asha Mushi has no wallet." in refused.output
    assert "Asha Mushi sells from a wallet and earns" in run("agent", "set", "0700000001", "--prepaid").output
    done = run("agent", "topup", "0700000001", 500, "--reference", "page 7")
    assert done.output == "TOPPED UP TZS 500. Wallet before 0, now 500. Ref page 7\n"
    assert run("agent", "topup", "0700000001", 500, "--reference", "page 7").output.startswith("Booked before: ")
    assert "Asha Mushi, +255700000001, Mtwara North, has TZS 500 in the wallet" in run("agent", "list").output
    held = run("agent", "topup", "0700000001", 500)
    assert held.exit_code == 1 and "If this is other money, add --again." in held.output
    assert "has TZS 500. Pay it out first" in run("agent", "set", "0700000001", "--postpaid").output
    assert "the wallet of Asha Mushi has TZS 500." in by_two(run, "agent", "payout", "0700000001", 600)
    assert by_two(run, "agent", "payout", "0700000001", 500).startswith("PAID OUT TZS 500 to Asha Mushi.")
    assert "may hold" in run("agent", "set", "0700000001", "--postpaid").output
    said = [row["text"] for row in query(demo_url, "SELECT text FROM outbox ORDER BY id")]
    assert len(said) == 2 and said[0] in done.output
    assert said[1].startswith("PAID OUT TZS 500 of your wallet. It had 500, now 0.")


@pytest.mark.everyday_on_sqlite
def test_what_is_in_the_wallet_of_who_leaves_is_paid_out(run: Run) -> None:
    run("agent", "set", "0700000001", "--prepaid")
    run("agent", "topup", "0700000001", 500)
    left = run("agent", "retire", "0700000001").output
    assert (
        "TZS 500 is in the wallet; `mwanga agent payout +255700000001 AMOUNT --retired --by NAME` pays it out." in left
    )
    assert by_two(run, "agent", "payout", "0700000001", 500, "--retired").startswith("PAID OUT TZS 500")
