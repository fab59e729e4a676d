"""Cash that agents hand in: `mwanga agent receipt`, and the books after it."""

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import time_machine
from tortoise.exceptions import OperationalError

from bot.server import Server
from models.money.hand_in import HandIn, MoreThanHeld, OtherReference, hand_in
from models.money.ledger import AccountKind, Posting, balance, cash_held, commission_due, post
from models.people import Agent
from tests.world.people import PEOPLE
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite

_entries = itertools.count(1)


async def book_sale(agent: Agent, amount: int, commission: int) -> None:
    """The agent took so much and earned so much, in minor units."""
    key = f"before {next(_entries)}"
    await post(
        key, [Posting(AccountKind.CASH, agent.id, amount), Posting(AccountKind.ENERGY, 0, -amount)], actor="test"
    )
    earned = [
        Posting(AccountKind.COMMISSION_COST, 0, commission),
        Posting(AccountKind.COMMISSION, agent.id, -commission),
    ]
    if commission:
        await post(f"{key} commission", earned, actor="test")


def let_asha_sell(url: str, amount: int, commission: int) -> None:
    async def work() -> None:
        await book_sale(await Agent.get(phone=PEOPLE["Asha"]), amount * 100, commission * 100)

    do_in_one_work(url, work)


def figures(url: str) -> tuple[int, int, int]:
    """Asha's cash, her commission due, and the office's cash, in whole units."""

    async def work() -> tuple[int, int, int]:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        kinds = (AccountKind.CASH, agent.id), (AccountKind.COMMISSION, agent.id), (AccountKind.OFFICE, 0)
        cash, commission, office = [await balance(*kind) // 100 for kind in kinds]
        return cash, -commission, office

    return do_in_one_work(url, work)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("took", "earned", "counted", "left"),
    [
        (100, 5, 50, (45, 0, 50)),  # the example that the peer system tests (reference: mpm 2.11)
        (100, 10, 90, (0, 0, 90)),
        (100, 10, 95, (0, 5, 95)),  # what is left is less than the commission: the rest stays due
        (100, 10, 100, (0, 10, 100)),
        (100, 0, 1, (99, 0, 1)),
    ],
)
def test_cash_is_handed_in_and_commission_paid_out(run: Run, demo_url: str, took, earned, counted, left) -> None:
    let_asha_sell(demo_url, took, earned)
    result = run("agent", "receipt", "0700000001", counted)
    assert result.exit_code == 0, result.output
    assert figures(demo_url) == left
    [message] = query(demo_url, "SELECT phone, text, kind FROM outbox")
    assert message["phone"] == PEOPLE["Asha"] and message["kind"] == "reply"
    said = str(message["text"])
    cash, due, _office = left
    paid = earned - due
    assert said.startswith(
        f"HANDED IN TZS {counted}. You held {took}, now {cash}. Commission {paid} paid out, {due} due. "
        "Not right? DISPUTE "
    )
    assert said in result.output
    assert [row["action"] for row in query(demo_url, "SELECT action FROM audit ORDER BY id")][-1] == "hand in"


def test_the_same_reference_is_booked_once(run: Run, demo_url: str) -> None:
    let_asha_sell(demo_url, 100, 5)
    for attempt in range(3):
        result = run("agent", "receipt", "0700000001", 50, "--reference", "book 7 page 3")
        assert result.exit_code == 0
        assert result.output.startswith("Booked before: ") == (attempt > 0)
        assert figures(demo_url) == (45, 0, 50)
    assert len(query(demo_url, "SELECT id FROM outbox")) == 1
    for phone, amount in (("0700000001", 20), ("0700000002", 50)):
        other = run("agent", "receipt", phone, amount, "--reference", "book 7 page 3")
        assert other.exit_code == 1 and "Nothing is booked: book 7 page 3 is another receipt." in other.output
    assert figures(demo_url) == (45, 0, 50)


def test_the_same_amount_within_a_day_is_booked_only_again(run: Run, demo_url: str) -> None:
    let_asha_sell(demo_url, 100, 0)
    assert run("agent", "receipt", "0700000001", 20).exit_code == 0
    for reference in ((), ("--reference", "page 4")):
        held = run("agent", "receipt", "0700000001", 20, *reference)
        assert held.exit_code == 1
        assert held.output.startswith("Nothing is booked: Asha Mushi handed in TZS 20 on ")
        assert held.output.endswith("If this is other cash, add --again.\n")
    assert figures(demo_url) == (80, 0, 20)
    assert run("agent", "receipt", "0700000001", 30).exit_code == 0
    assert run("agent", "receipt", "0700000001", 20, "--again").exit_code == 0
    assert figures(demo_url) == (30, 0, 70)


async def test_the_same_amount_on_another_day_is_booked(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await book_sale(agent, 10_000, 0)
        with time_machine.travel(datetime(2026, 11, 26, 9, 0, tzinfo=UTC), tick=False) as clock:
            await hand_in(agent, 2_000, "test")
            clock.shift(timedelta(hours=24, seconds=1))
            assert (await hand_in(agent, 2_000, "test")).held == 6_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0700000001", 101), "Nothing is booked: Asha Mushi holds TZS 100."),
        (("0700000002", 1), "Nothing is booked: Juma Said holds TZS 0."),
        (("0799999999", 1), "is no agent"),
        (("0700000001", 5, "--reference", "W" * 21), "20 characters at most"),
    ],
)
def test_what_cannot_be_handed_in_is_not_booked(run: Run, demo_url: str, words, said: str) -> None:
    let_asha_sell(demo_url, 100, 5)
    result = run("agent", "receipt", *words)
    assert result.exit_code == 1 and said in result.output
    assert figures(demo_url) == (100, 5, 0)
    assert query(demo_url, "SELECT id FROM outbox") == []
    assert run("agent", "receipt", "0700000001", 0).exit_code == 2
    assert run("agent", "receipt", "0700000001", -5).exit_code == 2


def test_a_part_of_a_coin_stays_due_until_it_is_a_whole_one(run: Run, demo_url: str) -> None:
    """Paid out, it would leave 89.50 in hand, of which half a shilling can never be handed in."""

    async def took() -> None:
        await book_sale(await Agent.get(phone=PEOPLE["Asha"]), 100_00, 10_50)

    async def stands() -> tuple[int, int]:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        return await cash_held(agent.id), await commission_due(agent.id)

    do_in_one_work(demo_url, took)
    assert run("agent", "receipt", "0700000001", 50).exit_code == 0
    assert do_in_one_work(demo_url, stands) == (40_00, 50)
    [message] = query(demo_url, "SELECT text FROM outbox")
    assert str(message["text"]).startswith("HANDED IN TZS 50. You held 100, now 40. Commission 10 paid out, 0 due.")
    do_in_one_work(demo_url, took)
    assert run("agent", "receipt", "0700000001", 129).exit_code == 0
    assert do_in_one_work(demo_url, stands) == (0, 0)


def test_hand_ins_are_kept_as_they_were(run: Run, demo_url: str) -> None:
    let_asha_sell(demo_url, 100, 5)
    run("agent", "receipt", "0700000001", 50)
    for statement in ("UPDATE hand_in SET amount = 1", "DELETE FROM hand_in"):
        with pytest.raises((OperationalError, asyncpg.RaiseError), match="append only"):
            query(demo_url, statement)


async def test_the_same_receipt_at_once_is_booked_once(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await book_sale(agent, 10_000, 500)

    async def book() -> bool:
        async with mwanga.database.work():
            return (await hand_in(agent, 5_000, "test", "page 1")).new

    assert sorted(await asyncio.gather(*(book() for _ in range(5)))) == [False] * 4 + [True]
    assert await balance(AccountKind.CASH, agent.id) == 4_500
    assert await HandIn.all().count() == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_taken_and_handed_in_adds_up(demo_url: str, seed: int) -> None:
    """Cash and commission never fall below nothing, and the books agree with a plain sum."""
    choose = random.Random(seed)

    async def work() -> None:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        held = due = office = 0
        booked: dict[str, int] = {}
        for _step in range(25):
            taken, counted, reference = choose.randrange(3000), choose.randint(1, 4000), f"page {choose.randrange(12)}"
            commission = taken * choose.randrange(100) // 100
            await book_sale(agent, taken, commission)
            held, due = held + taken, due + commission
            try:
                result = await hand_in(agent, counted, "test", reference, again=True)
            except (MoreThanHeld, OtherReference):
                assert counted > held or booked.get(reference, counted) != counted
            else:
                assert result.new == (reference not in booked)
                if result.new:
                    booked[reference] = counted
                    paid = min(due, held - counted)
                    held, due, office = held - counted - paid, due - paid, office + counted
            kinds = (AccountKind.CASH, agent.id), (AccountKind.COMMISSION, agent.id), (AccountKind.OFFICE, 0)
            assert [await balance(*kind) for kind in kinds] == [held, -due, office]
            assert held >= 0 and due >= 0

    do_in_one_work(demo_url, work)
