"""What was read before somebody else's commit is not believed after it: two units of work on PostgreSQL."""

from datetime import UTC, datetime

import pytest

from bot.server import Server
from handlers.selling.received import book_payment
from models.money import reconciling
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.receiving import Incoming, Source, Suspense, unapplied
from models.money.reconciling import NotSettled, Said
from models.money.sales import Payment
from models.money.statements import Direction, StatementLine
from tests.world.at_once import do_meanwhile
from tests.world.people import PEOPLE

AT = datetime(2026, 11, 24, 7, tzinfo=UTC)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def told_of(account: str) -> Incoming:
    """Neema paid, by a callback."""
    return Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL51ZDR4F",
        amount=5_000_00,
        paid_at=AT,
        payer_phone=PEOPLE["Neema"],
        account_text=account,
    )


async def waits(mwanga: Server, account: str = "0712") -> Payment:
    """A payment of which nobody knows what it is for."""
    async with mwanga.database.work():
        received, _told = await book_payment(told_of(account), mwanga.company)
    return received.payment


# --- A payment that never came, and the line that says that it did


async def its_line() -> None:
    said = Said(provider="daraja", reference="RKL51ZDR4F", direction=Direction.IN, amount=5_000_00, at=AT)
    await reconciling.add_line(said, actor="zuberi")


@pytest.mark.parametrize("first", ["the line", "never came"])
async def test_a_payment_whose_line_comes_as_it_is_taken_out_of_the_books_is_in_them(
    mwanga: Server, first: str
) -> None:
    payment = await waits(mwanga)
    async with mwanga.database.work():
        await reconciling.add_file("daraja", AT, AT, actor="rehema")

    async def never() -> None:
        await reconciling.never_came(payment, "on no statement", actor="rehema")

    if first == "the line":
        with pytest.raises(NotSettled):
            await do_meanwhile(mwanga, its_line, never)
    else:
        await do_meanwhile(mwanga, never, its_line)
    assert (await StatementLine.get(reference="RKL51ZDR4F")).settled == "payment"
    assert await unapplied(payment.id) == 5_000_00
    assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 5_000_00
    assert (await Suspense.get(payment_id=payment.id)).closed_at is None
    assert await find_fault() == ""
