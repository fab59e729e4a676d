"""When a phone may be asked to pay, and the steps of a request: forward only, on both engines."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tortoise.exceptions import OperationalError

from bot.payments import Answer, State
from bot.payments.base import Ask
from bot.payments.collector import Collector
from bot.server import Server
from models.devices import Device
from models.selling import requests
from models.selling.requests import STEPS, AskedAlready, PaymentRequest, Reason, RequestState, Wanted, ask_to_pay
from models.sql import connection, execute, now_ms
from tests.world.people import PEOPLE
from tests.world.pushes import PushClock


async def wanted(serial: str = "SHS0283", person: str = "Baraka", amount: int = 5_000_00) -> Wanted:
    device = await Device.get(serial=serial)
    return Wanted(
        provider="daraja",
        phone=PEOPLE[person],
        language="en",
        amount=amount,
        account=serial,
        customer_id=device.customer_id,
        device_id=device.id,
    )


async def ask(mwanga: Server, key: str, **what: Any) -> PaymentRequest:
    async with mwanga.database.work():
        return await ask_to_pay(await wanted(**what), key=key)


async def put(request: PaymentRequest, state: str, **more: Any) -> None:
    """The request as it would be later."""
    values = {"state": state} | more
    changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    await execute(connection(), f"UPDATE payment_request SET {changes} WHERE id = $1", [request.id, *values.values()])


async def test_the_same_turn_asks_once(mwanga: Server) -> None:
    first = await ask(mwanga, "sms 1")
    assert (await ask(mwanga, "sms 1")).id == first.id
    assert first.account == "SHS0283" and len(first.reference) == 36


SAME: dict[str, Any] = {}
OTHER_AMOUNT: dict[str, Any] = {"amount": 6_000_00}
OTHER_DEVICE: dict[str, Any] = {"serial": "EB100042", "amount": 6_000_00}
OTHER_PHONE: dict[str, Any] = {"person": "Neema"}


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("state", "what", "seconds"),
    [
        # While a phone rings it is asked for nothing else. A prompt has 180 s; one that is not sent yet has 90 s.
        ("new", SAME, 90),
        ("new", OTHER_DEVICE, 90),
        ("asked", SAME, 180),
        ("asked", OTHER_DEVICE, 180),
        ("asked", OTHER_PHONE, 0),
        # Then it has to wait a minute, and for the same amount two.
        ("paid", OTHER_AMOUNT, 60),
        ("paid", SAME, 120),
        ("failed", OTHER_AMOUNT, 60),
        ("failed", SAME, 120),
        ("expired", OTHER_DEVICE, 60),
        # What nobody knows may have been paid already.
        ("unknown", SAME, 600),
        ("unknown", OTHER_AMOUNT, 600),
        ("unknown", OTHER_DEVICE, 60),
    ],
)
async def test_a_phone_is_not_asked_again_at_once(
    mwanga: Server, push_clock: PushClock, state: str, what: dict[str, Any], seconds: int
) -> None:
    first = await ask(mwanga, "sms 1")
    if state != "new":
        rings = now_ms() + 180_000
        await put(first, state, asked_at=now_ms(), expires_at=rings)
    if not seconds:
        await ask(mwanga, "sms 2", **what)
        return
    with pytest.raises(AskedAlready) as refused:
        await ask(mwanga, "sms 2", **what)
    assert (refused.value.request.id, refused.value.seconds) == (first.id, seconds)
    assert refused.value.rings == (state in ("new", "asked"))
    push_clock.forward(seconds - 1)
    with pytest.raises(AskedAlready):
        await ask(mwanga, "sms 2", **what)
    push_clock.forward(1)
    if state in ("new", "asked"):
        await put(first, "failed" if state == "new" else "expired")  # the loop has seen to it
    await ask(mwanga, "sms 3", **what)


async def test_a_phone_that_never_rang_may_be_asked_at_once(mwanga: Server) -> None:
    await put(await ask(mwanga, "sms 1"), "failed")
    await ask(mwanga, "sms 2")


async def test_two_servers_ask_one_phone_once(mwanga: Server) -> None:
    async def one(number: int) -> bool:
        try:
            await ask(mwanga, f"sms {number}", amount=(number + 1) * 1_000_00)
        except AskedAlready:
            return False
        return True

    assert sum(await asyncio.gather(*map(one, range(4)))) == 1
    assert await PaymentRequest.all().count() == 1


async def test_a_phone_whose_other_request_ends_in_this_moment_is_asked_when_it_is_tried_again(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server has written it after we looked, and ends it before we look again."""
    first = await ask(mwanga, "sms 1")

    async def nothing_rings(_wanted: Wanted, _now: int) -> None: ...

    async def and_it_ends(db: Any, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        rows = await execute(db, statement, values)
        if statement.startswith("INSERT INTO payment_request"):
            await put(first, "failed")
        return rows

    monkeypatch.setattr(requests, "_check_pause", nothing_rings)
    monkeypatch.setattr(requests, "execute", and_it_ends)
    with pytest.raises(OperationalError):  # the server runs it again
        await ask(mwanga, "sms 2")
    monkeypatch.undo()
    await put(first, "failed")
    assert (await ask(mwanga, "sms 2")).id != first.id


async def test_news_that_comes_while_its_provider_is_asked_stands(mwanga: Server) -> None:
    """The provider says that the phone rings still, and a callback has said no meanwhile."""
    await put(await ask(mwanga, "sms 1"), "asked", asked_at=now_ms(), expires_at=now_ms() + 60_000)
    request = await PaymentRequest.get()

    class Slow:
        name = "daraja"

        async def query(self, _asked: Ask) -> Answer:
            async with mwanga.database.work():
                await requests.end(
                    await PaymentRequest.get(), RequestState.FAILED, code="1032", reason="cancelled", now=now_ms()
                )
            return Answer(provider="daraja", state=State.PENDING, request=request.reference)

    settler = mwanga.payments.settler
    collector = Collector(mwanga.database, {"daraja": Slow()}, settler, lambda: None)  # type: ignore[dict-item]
    await collector.look_up(request)
    now = await PaymentRequest.get()
    assert (now.state, now.code, now.look_at) == ("failed", "1032", 0)


async def test_two_servers_claim_each_request_once(mwanga: Server) -> None:
    people = ("Baraka", "Neema", "Amina", "Stranger")
    for person in people:
        await ask(mwanga, person, person=person)

    async def claimed(me: str) -> list[int]:
        async with mwanga.database.work():
            return [each.id for each in await requests.claim("daraja", 3, me=me, now=now_ms())]

    first, second, third = await asyncio.gather(*map(claimed, "abc"))
    assert sorted(first + second + third) == sorted([each.id for each in await PaymentRequest.all()])


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("to", STEPS)
async def test_no_step_leads_back(mwanga: Server, state: RequestState, to: RequestState) -> None:
    request = await ask(mwanga, "sms 1")
    await put(request, state.value)
    async with mwanga.database.work():
        held = await requests.hold("daraja", reference=request.reference)
        assert held
        went = await requests.end(held, to, code="1032", reason=Reason.CANCELLED, now=now_ms())
    assert went == (state in STEPS[to])
    assert (await PaymentRequest.get(id=request.id)).state == (to if went else state)


async def test_an_answer_that_comes_after_all_counts_once_its_claim_was_given_up(mwanga: Server) -> None:
    """The server that asked was thought to be dead, and was only slow."""
    await ask(mwanga, "sms 1")
    async with mwanga.database.work():
        [claimed] = await requests.claim("daraja", 1, me="slow", now=now_ms())
    async with mwanga.database.work():
        held = await requests.hold("daraja", reference=claimed.reference)
        assert held and await requests.end(
            held, RequestState.UNKNOWN, code=requests.INTERRUPTED, reason="", now=now_ms()
        )
    async with mwanga.database.work():
        await requests.note_asked(claimed, "ws_CO_1", now=now_ms(), expires_at=now_ms() + 1)
    after = await PaymentRequest.get(id=claimed.id)
    assert (after.state, after.external_id, after.code) == (RequestState.ASKED, "ws_CO_1", "")


async def test_what_is_put_off_twice_frees_no_later_claim(mwanga: Server) -> None:
    """The connection broke while it was committed, so it is written again; another server asks the phone by then."""
    await ask(mwanga, "sms 1")
    claimed, now = [], now_ms()
    for me, at in (("first", now), ("other", now + 2_000)):
        async with mwanga.database.work():
            claimed += await requests.claim("daraja", 1, me=me, now=at)
        async with mwanga.database.work():
            await requests.put_off(claimed[0], now + 2_000, "unreachable")
    after = await PaymentRequest.get()
    assert (after.claimed_by, after.claimed_at, after.looks) == ("other", now + 2_000, 1)


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL reads empty tables whole, whatever indexes there are
async def test_what_rings_is_looked_for_among_what_rings(mwanga: Server) -> None:
    """And not among all that ever rang: each confirmation of a till asks."""
    plan = await execute(mwanga.database.client, f"EXPLAIN QUERY PLAN {requests.RINGING}", ["daraja", 5_000_00])
    assert "payment_request_rings" in str(plan)


async def test_of_three_pushes_to_one_phone_the_oldest_is_found_by_its_account(mwanga: Server) -> None:
    """Nobody knows of any of them whether it is paid."""
    serials = ("SHS0283", "EB100042", "04123456784")
    for minutes, serial in zip((30, 20, 10), serials, strict=True):
        await put(await ask(mwanga, serial, serial=serial), "unknown", created_at=now_ms() - minutes * 60_000)
    of = {"phone": PEOPLE["Baraka"], "amount": 5_000_00}
    for serial in serials:
        [push] = await requests.waiting_for("daraja", account=serial.lower(), **of)
        assert push.account == serial
    assert [push.account for push in await requests.waiting_for("daraja", **of)] == ["04123456784", "EB100042"]
