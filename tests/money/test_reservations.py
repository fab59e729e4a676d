"""Money on its way: what is held back of an account counts until it is used, released or over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tortoise.exceptions import IntegrityError

from bot.payments import State
from bot.server import Server
from models.money import wallets
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.money.reservations import Reservation, release, reserve, reserved, use
from models.people import Agent
from models.selling import requests
from models.selling.cash_limit import read_room
from models.selling.contracts import Contract
from models.selling.refusals import BeingPaid, OverLimit, PaidOff, WalletTooSmall
from models.selling.requests import PaymentRequest, RequestState, Wanted, ask_to_pay
from models.sql import DAY_MS, connection, execute, now_ms
from tests.world.money_life import BEGIN, Life
from tests.world.people import PEOPLE, PINS, Phones

LIMIT = 20_000_000  # Asha's
S1001 = 1  # Baraka's contract for SHS0283, by instalments


async def hold(mwanga: Server, key: str, amount: int, *, minutes: int = 60) -> None:
    async with mwanga.database.work():
        await reserve(key, AccountKind.CASH, 1, amount, now_ms() + minutes * 60_000)


async def end(mwanga: Server, verb: object, key: str) -> None:
    async with mwanga.database.work():
        await verb(key)  # type: ignore[operator]


async def test_what_is_held_back_leaves_less_room(mwanga: Server) -> None:
    """Open ones count, once by their key; what is used, released or over does not."""
    asha = await Agent.get(id=1)
    await hold(mwanga, "a", 5_000_000)
    await hold(mwanga, "a", 6_000_000)
    await hold(mwanga, "b", 1_000_000)
    await hold(mwanga, "short", 9_000_000, minutes=1)
    assert await reserved(AccountKind.CASH, 1) == 16_000_000
    assert await reserved(AccountKind.CASH, 2) == await reserved(AccountKind.WALLET, 1) == 0
    with pytest.raises(OverLimit):
        (await read_room(asha)).check(LIMIT - 16_000_000 + 1)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        room = await read_room(asha)
        room.check(LIMIT - 7_000_000)
        with pytest.raises(OverLimit):
            room.check(LIMIT - 7_000_000 + 1)
    await end(mwanga, release, "short")
    await end(mwanga, release, "b")
    await end(mwanga, use, "a")
    await end(mwanga, use, "a")
    await end(mwanga, release, "a")
    assert await reserved(AccountKind.CASH, 1) == 0
    assert {one.key: one.state for one in await Reservation.all()} == {
        "a": "used",
        "b": "released",
        "short": "released",
    }


async def test_who_sells_from_a_wallet_by_now_keeps_what_was_promised(mwanga: Server) -> None:
    """A customer asked while the agent sold up to a limit, or the other way round: the yes has room all the same."""
    await hold(mwanga, "a", 5_000_00)
    asha = await Agent.get(id=1)
    async with mwanga.database.work():
        await wallets.make_prepaid(asha, "grace")
        await wallets.top_up(asha, 8_000_00, "grace")
    assert (await read_room(asha)).left == 3_000_00
    async with mwanga.database.work():
        with pytest.raises(wallets.NotInWallet):
            await wallets.pay_out(asha, 3_000_01, "grace")
        await wallets.pay_out(asha, 3_000_00, "grace")
    with pytest.raises(WalletTooSmall):
        (await read_room(asha)).check(1)
    await end(mwanga, release, "a")
    (await read_room(asha)).check(5_000_00)


async def test_what_was_used_is_not_held_back_again(mwanga: Server) -> None:
    await hold(mwanga, "a", 5)
    await end(mwanga, use, "a")
    with pytest.raises(IntegrityError):
        await hold(mwanga, "a", 5)
    with pytest.raises(IntegrityError):
        await hold(mwanga, "nothing", 0)


async def test_many_at_once_are_held_back_once(mwanga: Server) -> None:
    await asyncio.gather(*(hold(mwanga, "a", 5) for _ in range(5)))
    assert await reserved(AccountKind.CASH, 1) == 5


async def test_old_ones_are_forgotten(mwanga: Server) -> None:
    await hold(mwanga, "old", 5)
    async with mwanga.database.work():
        await reserve("new", AccountKind.CASH, 1, 7, now_ms() + 40 * DAY_MS)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=32)):
        await mwanga.housekeeping.purge()
    assert [one.key for one in await Reservation.all()] == ["new"]


# --- Pushes: what they ask for of a debt


async def push(key: str, phone: str, amount: int) -> PaymentRequest:
    """Somebody is asked to pay for SHS0283, in the caller's unit of work."""
    contract = await Contract.get(id=S1001)
    wanted = Wanted(
        provider="daraja", phone=phone, language="en", amount=amount, account="SHS0283",
        customer_id=contract.customer_id, device_id=contract.device_id, contract_id=contract.id,
    )  # fmt: skip
    return await ask_to_pay(wanted, key=key)


async def ask(mwanga: Server, key: str, amount: int) -> PaymentRequest:
    """Each from a phone of its own."""
    async with mwanga.database.work():
        return await push(key, f"+2557130000{key}", amount)


async def step(mwanga: Server, request: PaymentRequest, state: RequestState) -> bool:
    async with mwanga.database.work():
        held = await requests.hold("daraja", reference=request.reference)
        assert held
        return await requests.end(held, state, code="", reason="", now=now_ms())


async def on_its_way() -> int:
    return await reserved(AccountKind.DEBT, S1001)


async def test_pushes_never_ask_for_more_than_is_owed(mwanga: Server) -> None:
    owed = await balance(AccountKind.DEBT, S1001)
    await ask(mwanga, "01", owed - 300_000)
    with pytest.raises(BeingPaid) as refused:
        await ask(mwanga, "02", 300_100)
    assert (refused.value.pending, refused.value.left) == (owed - 300_000, 300_000)
    await ask(mwanga, "03", 300_000)
    with pytest.raises(BeingPaid) as refused:
        await ask(mwanga, "04", 100)
    assert refused.value.left == 0 and await on_its_way() == owed
    assert await find_fault() == ""


@pytest.mark.parametrize("how", [RequestState.FAILED, RequestState.EXPIRED])
async def test_what_is_not_paid_is_free_again(mwanga: Server, how: RequestState) -> None:
    """Nobody knows is no end: it may be paid."""
    owed = await balance(AccountKind.DEBT, S1001)
    request = await ask(mwanga, "01", owed)
    await step(mwanga, request, RequestState.UNKNOWN)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=60)):
        await mwanga.housekeeping.purge()
        with pytest.raises(BeingPaid):
            await ask(mwanga, "02", 100)
    await step(mwanga, request, how)
    assert await on_its_way() == 0
    await ask(mwanga, "03", owed)


async def test_money_that_comes_late_is_held_back_no_more(mwanga: Server) -> None:
    """It counts, and so does the push that was sent in between."""
    first = await ask(mwanga, "01", 500_000)
    await step(mwanga, first, RequestState.FAILED)
    second = await ask(mwanga, "02", 500_000)
    life = Life(servers=[mwanga])
    for number in (0, 0, 1):
        await life.do(life.callback(number, State.PAID))
    states = [one.state for one in await PaymentRequest.filter(id__in=[first.id, second.id])]
    assert states == ["paid", "paid"] and await on_its_way() == 0
    assert {one.key: one.state for one in await Reservation.all()} == {"push 1": "released", "push 2": "used"}
    assert await find_fault() == ""


async def test_cash_is_taken_while_a_phone_is_asked(mwanga: Server) -> None:
    """It lowers what is owed below what is on its way: then nothing more is asked for."""
    owed = await balance(AccountKind.DEBT, S1001)
    await ask(mwanga, "01", owed - 100_000)
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    [(_who, said), *_more] = await phones.text("Asha", f"1 {PINS['Asha']}")
    assert said.startswith("SOLD TZS 8,000")
    with pytest.raises(BeingPaid):
        await ask(mwanga, "02", 100)


async def test_what_is_paid_meanwhile_is_asked_for_no_more(mwanga: Server) -> None:
    contract = await Contract.get(id=S1001)
    async with mwanga.database.work():
        goods = Wanted(
            provider="daraja", phone=PEOPLE["Neema"], language="en", amount=100, account="S9", customer_id=1,
            contract_id=(await paid_off(contract)).id,
        )  # fmt: skip
        with pytest.raises(PaidOff):
            await ask_to_pay(goods, key="late")


async def paid_off(like: Contract) -> Contract:
    """A contract on which nothing is owed."""
    return await Contract.create(
        key="paid off", appliance_id=like.appliance_id, customer_id=1, agent_id=1, terms="instalments", price=1, down=1,
        period="weekly", day_price=0, minimum=1, commission=0, sold_on=like.sold_on, created_at=datetime.now(UTC),
    )  # fmt: skip


HELD_BY_HAND = f"""INSERT INTO reservation (key, kind, owner, amount, state, expires_at)
  VALUES ('x', 'debt', {S1001}, 6, 'open', 9)"""
BY_HAND = f"""INSERT INTO payment_request (key, provider, reference, phone, language, customer_id, contract_id, amount,
  account, state, created_at, expires_at) VALUES ($1, 'daraja', $1, $1, 'en', 2, {S1001}, $2, 'x', 'new', 1, 2)"""


async def test_the_database_itself_holds_back_and_refuses(mwanga: Server) -> None:
    owed = await balance(AccountKind.DEBT, S1001)
    await execute(connection(), BY_HAND, ["one", owed - 5])
    assert await on_its_way() == owed - 5
    for statement, values in (
        (BY_HAND, ["two", 6]),
        (HELD_BY_HAND, []),
        ("UPDATE reservation SET amount = 1", []),
        ("UPDATE reservation SET owner = 9", []),
    ):  # fmt: skip
        with pytest.raises(IntegrityError):
            await execute(connection(), statement, values)
    await execute(connection(), BY_HAND, ["three", 5])
    await execute(connection(), "UPDATE payment_request SET state = 'unknown'")
    assert await on_its_way() == owed
    await execute(connection(), "UPDATE payment_request SET state = 'expired' WHERE key = 'one'")
    assert await on_its_way() == 5


@pytest.mark.parametrize("polite", [True, False])
async def test_many_at_once_on_two_servers_ask_for_no_more_than_is_owed(
    engine: str, demo_url: str, polite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody looks before: then the database refuses."""
    if not polite:
        monkeypatch.setattr(requests, "_check_debt", look_at_nothing)
    life = Life()
    with time_machine.travel(BEGIN, tick=False):
        await life.begin(demo_url, beside=engine == "postgres")
        try:
            mwanga = life.servers[0]
            async with mwanga.database.work():
                share = await balance(AccountKind.DEBT, S1001) // 300 * 100

            async def one(number: int) -> bool:
                try:
                    server = number % len(life.servers)
                    await life.do(lambda _at: push(f"k{number}", f"+25571300{number:04}", share), server)
                except IntegrityError:
                    return False
                return True

            await asyncio.gather(*map(one, range(12)))
            async with mwanga.database.work():
                assert await PaymentRequest.all().count() == 3
                assert await on_its_way() == 3 * share
                assert await find_fault() == ""
        finally:
            await life.end()


async def look_at_nothing(_wanted: Wanted) -> None: ...
