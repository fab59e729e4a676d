"""An agent's statement: which day a sale belongs to, how days are written, what goods are called."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from bot.server import Server
from models.money.ledger import commission_due
from models.money.payments import Payment
from models.people import Agent
from models.selling import Contract, Sale, agents_statement
from models.selling.contracts import FIRST_NUMBER
from tests.world.people import PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite

NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


async def sold(name: str, at: datetime, amount: int = 1_000, contract: int | None = None) -> Sale:
    """A sale to Baraka at this time, of so many shillings."""
    agent, key = await Agent.get(phone=PEOPLE[name]), f"{name} {at} {amount}"
    payment = await Payment.create(
        provider="cash", reference=key, amount=amount * 100, currency="TZS", agent=agent, paid_at=at
    )
    return await Sale.create(
        reference=f"R{payment.id:04d}",
        key=key,
        payment=payment,
        agent=agent,
        customer_id=2,
        device_id=None if contract else 2,
        contract_id=contract,
        amount=amount * 100,
        unit="days",
        units=1,
        commission=amount * 10,
        created_at=at,
    )


async def first_line(phones: Phones, text: str, name: str = "Asha") -> str:
    [(_reader, answer)] = await phones.text(name, text)
    return answer.split("\n")[0]


async def test_a_day_is_a_day_of_the_operators_zone(mwanga: Server) -> None:
    """Mtwara is three hours ahead: its 24 November begins at 21:00 UTC on the 23rd."""
    midnight = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    for minutes, amount in ((-1, 1), (0, 20), (24 * 60 - 1, 300), (24 * 60, 4_000)):
        await sold("Asha", midnight + timedelta(minutes=minutes), amount)
    with time_machine.travel(NOON, tick=False):
        phones = Phones(mwanga)
        assert (await first_line(phones, "STMT")).startswith("24/11: 2 sold, TZS 320. ")
        assert (await first_line(phones, "STMT 23")).startswith("23/11: 1 sold, TZS 1. ")


async def test_an_agent_sees_the_own_sales_alone(mwanga: Server) -> None:
    await sold("Asha", NOON)
    with time_machine.travel(NOON, tick=False):
        phones = Phones(mwanga)
        assert "1 sold" in await first_line(phones, "STMT")
        assert "mauzo 0, TZS 0." in await first_line(phones, "STMT", "Juma")
        assert "0 sold, TZS 0." in await first_line(phones, "STMT", "Zuhura")


async def test_goods_without_a_device_go_by_their_number(mwanga: Server) -> None:
    await sold("Asha", NOON, contract=1)
    agent = await Agent.get(phone=PEOPLE["Asha"])
    [line] = await agents_statement.payments_taken(agent.id, NOON - timedelta(hours=1), NOON + timedelta(hours=1), 10)
    assert line.paid_for == f"S{FIRST_NUMBER + 1}" == Contract(id=1).number
    assert (line.amount, line.commission, line.at) == (100_000, 10_000, NOON)
    assert mwanga.company.clock(line.at) == "12:00"


async def test_a_days_commission_has_that_on_appliances_too(mwanga: Server) -> None:
    """5 % of what is paid of a radio: 150 of 3,000 down, and 200 of an instalment of 4,000, which earns its 10 %, 400,
    as well."""
    with time_machine.travel(NOON, tick=False) as clock:
        phones = Phones(mwanga)
        for line in ("SELL 1, Radio, 3 monthly", "1 482915", "PAY S1002 4000", "1 482915"):
            await phones.text("Asha", line)
        clock.shift(timedelta(days=1))
        assert await first_line(phones, "STMT 24") == "24/11: 2 sold, TZS 7,000. Handed in 0. Commission 750."
    agent = await Agent.get(phone=PEOPLE["Asha"])
    each = await agents_statement.payments_taken(agent.id, NOON - timedelta(hours=1), NOON + timedelta(hours=1), 10)
    assert [one.commission for one in each] == [60_000, 15_000]
    assert await commission_due(agent.id) == 75_000


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("24", date(2026, 11, 24)),
        ("25", date(2026, 10, 25)),
        ("31", date(2026, 10, 31)),
        ("24/11", date(2026, 11, 24)),
        ("24.11", date(2026, 11, 24)),
        ("24-11", date(2026, 11, 24)),
        ("24 11", date(2026, 11, 24)),
        ("25/11", date(2025, 11, 25)),
        ("1/1", date(2026, 1, 1)),
        ("yesterday", date(2026, 11, 23)),
        ("leo", date(2026, 11, 24)),
        ("٢٤", date(2026, 11, 24)),
    ],
)
async def test_a_day_is_the_newest_one_that_is_so_called(mwanga: Server, typed: str, day: date) -> None:
    with time_machine.travel(NOON, tick=False):
        answer = await first_line(Phones(mwanga), f"STMT {typed}")
    assert answer.startswith(f"{day.day}/{day.month}: "), answer


@pytest.mark.parametrize("typed", ["0", "32", "31/2", "24/13", "24/11/2026", "1e1", "24 Nov"])
async def test_what_is_no_day_is_said_so(mwanga: Server, typed: str) -> None:
    with time_machine.travel(NOON, tick=False):
        answer = await first_line(Phones(mwanga), f"STMT {typed}")
    assert "Send STMT day" in answer
