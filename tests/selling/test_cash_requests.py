"""Customers who ask an agent to sell for cash: one sale at most, the agent's room, and an end that both hear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bot.inbound.conversation import Conversation
from bot.inbound.inbox import StoredSms
from bot.message import Inbound
from bot.server import Server
from bot.talks.contacts import PhoneState, hold, save
from bot.talks.state import TalkState
from bot.text.answers import BESIDE_PIN, CONSENT
from bot.text.numbers import sender
from bot.text.redact import Redactor
from models.messages.withdrawal import ANSWERED
from models.money.ledger import AccountKind
from models.money.reservations import reserved
from models.people import Agent
from models.selling import Appliance, cash_requests, payment, refusals
from models.selling.cash_limit import read_room
from models.selling.cash_requests import CashRequest, CashRequestState
from models.selling.sales import Sale
from models.sql import connection, execute, now_ms
from tests.world.people import GATEWAY, NOON, PEOPLE, Phones
from tests.world.server import Serving, serving

YES = "1 482915"
WAITS = """SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
  WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""  # for a phone


@pytest.fixture
def phones(mwanga: Server) -> Phones:
    """Nobody's phone can be asked to pay."""
    object.__setattr__(mwanga.company, "mobile_money", ())
    return Phones(mwanga)


async def asha() -> Agent:
    return await Agent.get(phone=PEOPLE["Asha"])


async def promised() -> int:
    """What open requests hold of Asha's room, in whole units."""
    return await reserved(AccountKind.CASH, (await asha()).id) // 100


async def states() -> list[str]:
    return [one.state for one in await CashRequest.all().order_by("id")]


async def test_an_open_request_holds_the_room_that_it_needs(phones: Phones) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    await phones.text("Baraka", "BUY 5000")
    assert await promised() == 5_000 and (await read_room(await asha())).left == 4_000_00
    [(_asha, refused)] = await phones.text("Asha", "BUY EB100042 6000")
    assert refused.startswith("Not sold.")
    answered = dict(await phones.text("Asha", YES))
    assert answered["Asha"].startswith("SOLD TZS 5,000") and "Code" in answered["Baraka"]
    assert await promised() == 0 and (await read_room(await asha())).held == 5_000_00


async def test_who_has_no_room_is_not_asked(phones: Phones) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=4_000_00)
    answered = dict(await phones.text("Baraka", "BUY 5000"))
    assert "Juma" in answered and "Asha" not in answered
    await Agent.filter(phone=PEOPLE["Juma"]).update(cash_limit=4_000_00)
    [(_neema, said)] = await phones.text("Neema", "BUY 6000")
    assert said == "Nothing was paid. No agent near you can take TZS 6,000 now. Call +255700000000."


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("sale", ["BUY EB100042 6000", "SELL 3, Radio, cash"])
@pytest.mark.parametrize("end", ["2", "BUY EB100042 2000", "11 minutes"])
async def test_an_agents_own_open_question_takes_room_from_others(phones: Phones, sale: str, end: str) -> None:
    """Until it is answered, left for a smaller one, or over: so whoever has cash in hand can still say yes to it."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    await Appliance.filter(name="Radio").update(price=6_000_00)
    with time_machine.travel(NOON, tick=False) as clock:
        asked = dict(await phones.text("Asha", sale))
        assert "Reply 1 and your PIN" in asked["Asha"]
        assert "Juma" in dict(await phones.text("Baraka", "BUY 5000"))
        if end == "11 minutes":
            clock.shift(timedelta(minutes=11))
        else:
            await phones.text("Asha", end)
        assert "Asha" in dict(await phones.text("Neema", "BUY 4000"))


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("end", ["2", "0", "4 minutes"])
async def test_a_question_on_an_agents_screen_takes_room_from_others(phones: Phones, end: str) -> None:
    """As one by SMS does, until it is answered, left, or no network would still show it."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    with time_machine.travel(NOON, tick=False) as clock:
        screen = await phones.dial("Asha", "*384*20*1*EB100042*6000#")
        assert "Your PIN, or 2 for no." in screen
        assert "Juma" in dict(await phones.text("Baraka", "BUY 5000"))
        if end == "4 minutes":
            clock.shift(timedelta(minutes=4))
        else:
            await phones.enter("Asha", end)
        assert "Asha" in dict(await phones.text("Neema", "BUY 4000"))


async def test_an_agents_own_question_of_the_same_batch_takes_room_from_others(phones: Phones) -> None:
    """What is asked of her is not written yet when Baraka's text is handled."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    said = await phones.text_together(("Asha", "BUY EB100042 6000"), ("Baraka", "BUY 5000"))
    assert [name for name, _text in said] == ["Asha", "Baraka", "Juma"]


async def test_a_question_on_a_screen_of_the_same_batch_takes_room_from_others(phones: Phones) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    await phones.dial("Asha", "*384*20*1*EB100042#")
    assert "How much?" in await phones.choose("Baraka", "Buy")
    screens = await asyncio.gather(phones.enter("Asha", "6000"), phones.enter("Baraka", "5000"))
    assert "Your PIN, or 2 for no." in screens[0] and "Agent Juma Said" in screens[1]


async def test_a_request_is_to_be_named_beside_an_agents_own_question_of_the_same_batch(phones: Phones) -> None:
    """Of two questions to which 1 and the PIN is the answer nobody knows which one is meant."""
    said = await phones.text_together(("Asha", "BUY EB100042 6000"), ("Baraka", "BUY 5000"))
    assert [text for name, text in said if name == "Asha"][-1].endswith("Reply C1 1 and your PIN, or C1 2.")


@pytest.mark.parametrize("engine", ["postgres"])  # the embedded database has one writer
@pytest.mark.parametrize("beside", [[], [("Neema", "BAL")]])
async def test_a_question_that_another_worker_is_about_to_put_counts(
    phones: Phones, beside: list[tuple[str, str]]
) -> None:
    """Asha's BUY is handled in the same moment, and not committed: her question is looked at when it is, however long
    that takes."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    put, go_on, asked = asyncio.Event(), asyncio.Event(), Conversation()
    asked.ask(TalkState("buy", "sms 1", confirming=True, signing=True, holds=6_000_00))

    async def ask() -> None:
        async with phones.mwanga.database.work():
            await hold([PEOPLE["Asha"]])
            await save([PhoneState(PEOPLE["Asha"], talk=asked.dump())])
            put.set()
            await go_on.wait()

    async with asyncio.timeout(60):
        asking = asyncio.create_task(ask())
        await put.wait()
        wishing = asyncio.create_task(phones.text_together(*beside, ("Baraka", "BUY 5000")))
        while not (await execute(phones.mwanga.database.client, WAITS) or wishing.done()):
            await asyncio.sleep(0)
        go_on.set()
        await asking
        assert [name for name, _text in await wishing][-2:] == ["Baraka", "Juma"]


async def do_while_waited_for(phones: Phones, held: str, text: str, do: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Another worker holds an agent's phone, and does this when Baraka's text waits for it. What he caused."""
    holds, waited_for = asyncio.Event(), asyncio.Event()

    async def hold_and_do() -> None:
        async with phones.mwanga.database.work():
            await hold([PEOPLE[held]])
            holds.set()
            await waited_for.wait()
            await do()

    async with asyncio.timeout(60):
        doing = asyncio.create_task(hold_and_do())
        await holds.wait()
        wishing = asyncio.create_task(phones.text("Baraka", text))
        while not (await execute(phones.mwanga.database.client, WAITS) or wishing.done()):
            await asyncio.sleep(0)
        waited_for.set()
        await doing
        return await wishing


@pytest.mark.parametrize("engine", ["postgres"])
async def test_who_waits_for_the_agent_leaves_what_was_asked_before_to_her_answer(phones: Phones) -> None:
    """Or each would wait for the other, until the database ended one of them."""
    await phones.text("Baraka", "BUY 5000")

    async def decline() -> None:
        [request] = await cash_requests.open_for(await asha())
        await execute(connection(), "SELECT 1 FROM cash_request FOR UPDATE NOWAIT")
        assert await cash_requests.decline(request)

    [(name, _said)] = await do_while_waited_for(phones, "Asha", "BUY 6000", decline)
    assert name == "Baraka" and await states() == [CashRequestState.DECLINED]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_agents_are_held_in_one_order_whoever_is_the_likeliest(phones: Phones) -> None:
    """Or two customers, each with another one, would wait for each other."""
    await phones.text("Juma", "BUY SHS0283 1000")
    await phones.text("Juma", "1 739164")
    await Agent.filter(phone=PEOPLE["Juma"]).update(cash_limit=2_000_00)

    async def look_at_juma() -> None:
        juma = "SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 7269420)) AS free"
        assert await execute(connection(), juma, [PEOPLE["Juma"]]) == [{"free": True}]
        await execute(connection(), "SELECT 1 FROM agent FOR UPDATE NOWAIT")

    told = await do_while_waited_for(phones, "Asha", "BUY 5000", look_at_juma)
    assert [name for name, _text in told] == ["Baraka", "Asha"]


async def test_a_yes_that_came_before_a_request_was_made_is_none_to_it(phones: Phones) -> None:
    """She says yes twice, for no answer comes, and all of it waits together: she cannot mean what nobody asked yet."""
    await phones.text("Asha", "BUY EB100042 6000")
    said = await phones.text_together(("Asha", YES), ("Baraka", "BUY 5000"), ("Asha", YES))
    assert await Sale.all().count() == 1 and await states() == [CashRequestState.ASKED]
    to_asha = [text for name, text in said if name == "Asha"]
    assert to_asha[0].startswith("SOLD TZS 6,000") and to_asha[1].startswith("C1: ") and to_asha[2] == to_asha[0]
    assert dict(await phones.text("Asha", YES))["Asha"].startswith("SOLD TZS 5,000")


async def test_a_yes_that_came_while_a_request_was_being_made_is_none_to_it(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits to be stored until the batch is committed that asks her."""
    dispatcher, inbox = phones.mwanga.worker._dispatcher, phones.mwanga.inbox
    handle, late = dispatcher.handle, list[asyncio.Task[bool]]()

    async def handles(message: StoredSms, *about: Any) -> Any:
        if message.text == "BUY 5000":
            again = Inbound(GATEWAY, "said again", sender(PEOPLE["Asha"], "TZ"), YES)
            late.append(asyncio.create_task(inbox.record(again)))
            await asyncio.sleep(0)  # it has come
            came = now_ms()
            while now_ms() == came:  # she is asked later than that
                await asyncio.sleep(0)
        return await handle(message, *about)

    await phones.text("Asha", "BUY EB100042 6000")
    monkeypatch.setattr(dispatcher, "handle", handles)
    await phones.text_together(("Asha", YES), ("Baraka", "BUY 5000"))
    await asyncio.gather(*late)
    await phones.handled()
    assert await Sale.all().count() == 1 and await states() == [CashRequestState.ASKED]


async def test_a_yes_counts_although_the_clock_was_set_back_since_the_request_was_made(phones: Phones) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Baraka", "BUY 5000")
        clock.shift(timedelta(hours=-1))
        assert dict(await phones.text("Asha", YES))["Asha"].startswith("SOLD TZS 5,000")


async def test_a_question_that_is_answered_in_the_same_batch_does_not_go(phones: Phones) -> None:
    await phones.text("Asha", "BUY SHS0283 5000")
    await phones.text_together(("Baraka", "BUY 5000"), ("Asha", YES))
    assert await states() == [CashRequestState.SOLD]
    rows = await execute(phones.mwanga.database.client, "SELECT state, error FROM outbox WHERE origin LIKE '% asks C1'")
    assert [(row["state"], row["error"]) for row in rows] == [("expired", ANSWERED)]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("answer", ["2", "C1 2", "c1 no"])
async def test_a_no_frees_the_room_and_the_customer_hears(phones: Phones, answer: str) -> None:
    await phones.text("Baraka", "BUY 5000")
    answered = dict(await phones.text("Asha", answer))
    assert answered["Baraka"].startswith("Agent Asha Mushi +255700000001 did not take TZS 5,000 for SHS0283.")
    assert await states() == [CashRequestState.DECLINED] and await promised() == 0
    assert await Sale.all().count() == 0


async def test_silence_ends_it_and_both_are_told_once(mwanga: Server, phones: Phones) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Baraka", "BUY 5000")
        await mwanga.watch.chores()  # the names of the demo's customers, for the office's find box
        clock.shift(timedelta(minutes=59))
        assert await mwanga.watch.chores() == 0
        clock.shift(timedelta(minutes=1))
        assert await promised() == 0  # the room is free on the minute
        assert await mwanga.watch.chores() == 1 and await mwanga.watch.chores() == 0
        told = dict(await phones.news())
        assert told == {
            "Baraka": "Agent Asha Mushi +255700000001 did not answer: TZS 5,000 for SHS0283. Nothing was paid. "
            "Call the agent, or send it again.",
            "Asha": "C1 is over: TZS 5,000 for SHS0283. Nothing was sold.",
        }
        [(_asha, late)] = await phones.text("Asha", YES)
        assert late.startswith("Not sold: C1 ended at 11:42.")
        assert await Sale.all().count() == 0


async def test_what_is_to_be_sent_after_all_has_its_part_of_a_unit(mwanga: Server, phones: Phones) -> None:
    live = mwanga.company.live
    live.take(replace(live.figures, coin=50))
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Baraka", "BUY 5000.50")
        clock.shift(timedelta(hours=1))
        [(_asha, late)] = await phones.text("Asha", YES)
        assert late.endswith("Cash in hand? Send BUY SHS0283 5000.50")


async def test_a_yes_that_comes_twice_sells_once(phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    await asyncio.gather(*(phones.text("Asha", f"C1 {YES}") for _n in range(4)))
    assert await Sale.all().count() == 1 and await states() == [CashRequestState.SOLD]


async def test_a_yes_and_the_clock_at_once_are_one_end(mwanga: Server, phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    await CashRequest.all().update(expires_at=1)
    await asyncio.gather(phones.text("Asha", YES), mwanga.watch.chores())
    [request] = await CashRequest.all()
    assert request.state == CashRequestState.EXPIRED and await Sale.all().count() == 0


async def test_a_refused_yes_leaves_it_open(phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=1_000_00)
    [(_asha, refused)] = await phones.text("Asha", YES)
    assert refused.startswith("Not sold.") and await states() == [CashRequestState.ASKED] and await promised() == 5_000
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=9_000_00)
    answered = dict(await phones.text("Asha", f"C1 {YES}"))
    assert answered["Asha"].startswith("SOLD")


async def test_the_hold_of_the_same_sale_counts(phones: Phones) -> None:
    await phones.text("Asha", "BUY SHS0283 5000")
    await phones.text("Asha", YES)
    await phones.text("Baraka", "BUY 5000")
    [(_asha, held)] = await phones.text("Asha", f"C1 {YES}")
    assert held.startswith("Not sold again.") and await Sale.all().count() == 1
    await phones.text("Asha", "BUY SHS0283 5000 AGAIN")
    answered = dict(await phones.text("Asha", YES))
    assert "Code" in answered["Baraka"] and await states() == [CashRequestState.SOLD] and await promised() == 0


async def test_a_wrong_pin_sells_nothing(phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    [(_asha, said)] = await phones.text("Asha", "1 111222")
    assert "Wrong PIN" in said and await Sale.all().count() == 0
    answered = dict(await phones.text("Asha", YES))
    assert answered["Asha"].startswith("SOLD")


@pytest.mark.parametrize("text", ["C12 1 482915", "c12 1482915", "C12 1 482 915", "C-12 yes 48 29 15", "C12 482915"])
def test_a_pin_behind_a_reference_is_starred(text: str) -> None:
    cleaned = Redactor(CONSENT, [], [], BESIDE_PIN).clean(text)
    assert len(cleaned) == len(text) and not {*"489"} & {*cleaned}


@pytest.mark.parametrize("refusal", [refusals.PriceChanged("x"), refusals.OverLimit(1, 0)])
async def test_a_sale_that_another_server_stops_leaves_the_request_open(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise refusal

    await phones.text("Baraka", "BUY 5000")
    with monkeypatch.context() as patch:
        patch.setattr(payment, "sell", refuse)
        [(_asha, said)] = await phones.text("Asha", YES)
    assert said.startswith("Not sold.") and await states() == [CashRequestState.ASKED] and await promised() == 5_000
    answered = dict(await phones.text("Asha", f"C1 {YES}"))
    assert answered["Asha"].startswith("SOLD") and await promised() == 0


async def test_an_agent_with_too_little_in_the_wallet_is_not_asked(phones: Phones) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    answered = dict(await phones.text("Baraka", "BUY 5000"))
    assert "Asha" not in answered and "Juma" in answered


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("no", ["NO", "2", "hapana", "No, thanks", "Cancel", "ANNULER"])
async def test_a_customers_no_ends_what_she_asked_for(phones: Phones, no: str) -> None:
    await phones.text("Baraka", "BUY 5000")
    answered = dict(await phones.text("Baraka", no))
    assert answered["Baraka"].startswith("Ended: TZS 5,000, SHS0283. Nothing was sold;")
    assert answered["Asha"] == "C1: the customer ended it, TZS 5,000 for SHS0283. Nothing was sold."
    assert await states() == [CashRequestState.EXPIRED] and await promised() == 0
    [(_baraka, again)] = await phones.text("Baraka", no)
    assert again == "TZS 5,000, SHS0283: that was over before. Nothing was sold."
    [(_asha, late)] = await phones.text("Asha", YES)
    assert late.startswith("Not sold: C1 ended at ")
    assert await Sale.all().count() == 0


async def test_a_no_after_the_sale_changes_nothing(phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    await phones.text("Asha", YES)
    [(_baraka, said)] = await phones.text("Baraka", "NO")
    sale = await Sale.get()
    assert said == f"TZS 5,000 for SHS0283 is sold already, ref {sale.reference}."
    assert await states() == [CashRequestState.SOLD]


async def test_another_amount_takes_the_place_of_the_first_and_needs_no_more_room(phones: Phones) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=6_000_00)
    await phones.text("Baraka", "BUY 5000")
    answered = [text for name, text in await phones.text("Baraka", "BUY 6000") if name == "Asha"]
    assert answered[0].startswith("C1: the customer ended it") and "Reply C2 1 and your PIN" in answered[1]
    assert await states() == [CashRequestState.EXPIRED, CashRequestState.ASKED] and await promised() == 6_000
    [(_asha, which)] = await phones.text("Asha", YES)  # it may be for what he read first
    assert "C2 BARAKA P. 6,000 SHS0283" in which and await Sale.all().count() == 0
    answered = dict(await phones.text("Asha", f"C2 {YES}"))
    assert answered["Asha"].startswith("SOLD TZS 6,000") and await promised() == 0


async def test_the_first_stays_open_when_nobody_has_room_for_another_amount(phones: Phones) -> None:
    await Agent.all().update(cash_limit=6_000_00)
    await phones.text("Baraka", "BUY 5000")
    [(_baraka, said)] = await phones.text("Baraka", "BUY 7000")
    assert said.startswith("Nothing was paid. No agent near you can take TZS 7,000 now. TZS 5,000, SHS0283. Agent Asha")
    assert await states() == [CashRequestState.ASKED] and await promised() == 5_000
    assert dict(await phones.text("Asha", YES))["Asha"].startswith("SOLD TZS 5,000")


@pytest.mark.parametrize("end", ["NO", "BUY 6000"])
async def test_a_customer_who_is_too_late_by_a_moment_ends_nothing(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The agent's yes is committed by another server after the request was read as open."""
    await phones.text("Baraka", "BUY 5000")
    withdraw = cash_requests.withdraw

    async def after_the_sale(request: CashRequest) -> bool:
        await CashRequest.filter(id=request.id).update(state=CashRequestState.DECLINED)
        return await withdraw(request)

    monkeypatch.setattr(cash_requests, "withdraw", after_the_sale)
    answered = await phones.text("Baraka", end)
    assert [name for name, _said in answered] == ["Baraka"] and await CashRequest.all().count() == 1
    assert await states() == [CashRequestState.DECLINED]


@pytest.mark.parametrize("end", ["NO", ""])
async def test_a_yes_after_an_end_that_the_agent_may_not_have_read_is_for_no_other(phones: Phones, end: str) -> None:
    """Baraka's request is nearly an hour old when he ends it, or is over by itself; then Neema asks for something else
    of the same agent, who has read of Baraka alone."""
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Baraka", "BUY 5000")
        clock.shift(timedelta(minutes=59) if end else timedelta(minutes=60, seconds=1))
        if end:
            await phones.text("Baraka", end)
            clock.shift(timedelta(minutes=2))
        answered = dict(await phones.text("Neema", "BUY 4000"))
        assert "Reply 1 and your PIN" not in answered["Asha"]
        await phones.text("Asha", YES)
        assert await Sale.all().count() == 0


@pytest.mark.parametrize("answer", [YES, "1", "yes", "2"])
@pytest.mark.parametrize("how", ["C1 is over", "C1 was declined", "C2 is over"])
@pytest.mark.everyday_on_sqlite
async def test_a_bare_answer_where_two_wait_that_are_to_be_named_lists_both(
    phones: Phones, how: str, answer: str
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Baraka", "BUY 5000")
        if how == "C1 is over":
            await phones.text("Baraka", "NO")
        for who, amount in (("Neema", 4000), ("Amina", 3000)):
            clock.shift(timedelta(minutes=1))
            await phones.text(who, f"BUY {amount}")
        if how != "C1 is over":
            await phones.text("Asha", "C1 2")
        if how == "C2 is over":
            await phones.text("Neema", "NO")
            await phones.text("Neema", "BUY 2000")
        clock.shift(timedelta(minutes=15))  # what she did before is long ago
        [(_asha, said)] = await phones.text("Asha", answer)
        assert said.startswith("Choose 1 or 2. Which one?") and await Sale.all().count() == 0
        assert "C3 AMINA J. 3,000 ..6784" in said and ("C4 NEEMA P. 2,000" if "C2" in how else "C2 NEEMA") in said


@pytest.mark.parametrize("answer", ["1", "2"])
async def test_a_bare_answer_is_for_the_agents_own_question_where_the_request_is_to_be_named(
    phones: Phones, answer: str
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await phones.text("Asha", "BUY SHS0283 8000")
        clock.shift(timedelta(minutes=1))
        asked = dict(await phones.text("Neema", "BUY 2000"))
        assert "Reply C1 1 and your PIN" in asked["Asha"]
        clock.shift(timedelta(minutes=1))
        [(_asha, said)] = await phones.text("Asha", answer)
        assert said == {"1": "Your PIN?", "2": "Not sold."}[answer]


async def test_another_amount_after_the_sale_asks_nobody(phones: Phones) -> None:
    await phones.text("Baraka", "BUY 5000")
    await phones.text("Baraka", "BUY")
    await phones.text("Baraka", "1")
    await phones.text("Asha", YES)
    [(_baraka, said)] = await phones.text("Baraka", "3000")
    assert said.startswith("TZS 5,000 for SHS0283 is sold already, ref")
    assert await CashRequest.all().count() == 1


async def test_an_agent_who_is_too_late_by_a_moment_sells_nothing(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer's no is committed by another server after the agent's yes was read as one to an open request."""
    await phones.text("Baraka", "BUY 5000")
    take = cash_requests._take

    async def after_the_no(requests: Sequence[CashRequest], amount: int) -> CashRequest | None:
        for request in requests:
            assert await cash_requests.withdraw(request)
            await cash_requests.dropped(request)
        return await take(requests, amount)

    monkeypatch.setattr(cash_requests, "_take", after_the_no)
    [(_asha, said)] = await phones.text("Asha", YES)
    assert said.startswith("Not sold: C1 ended at") and await Sale.all().count() == 0
    assert await states() == [CashRequestState.EXPIRED] and await promised() == 0


async def test_what_another_asked_meanwhile_is_not_sold_by_a_yes_to_the_first(phones: Phones) -> None:
    """On the screen stands the question for the first: the yes is to that alone."""
    await phones.text("Baraka", "BUY 5000")
    await phones.choose("Asha", "Customers' requests")
    await phones.text("Baraka", "NO")
    await phones.text("Neema", "BUY 4000")
    screen = await phones.enter("Asha", "482915")
    assert "Something changed" in screen and await Sale.all().count() == 0


# Somebody waits for a row that another transaction holds.
HELD_UP = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("first", ["the no", "the yes"])
async def test_of_a_no_and_a_yes_at_two_servers_the_first_wins(
    demo_url: str, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Whoever comes second finds the request open, and waits for it until the first is committed."""
    no, yes = (PEOPLE["Baraka"], "NO"), (PEOPLE["Asha"], YES)
    held, go_on = asyncio.Event(), asyncio.Event()
    name = "withdraw" if first == "the no" else "_take"
    ends_it = getattr(cash_requests, name)

    async def not_yet_committed(*values: object) -> object:
        ended = await ends_it(*values)
        held.set()
        await go_on.wait()
        return ended

    async with asked_by_two_servers(demo_url) as (one, other):
        monkeypatch.setattr(cash_requests, name, not_yet_committed)
        await one.emulator.sms(*(no if first == "the no" else yes))
        await held.wait()
        await other.emulator.sms(*(yes if first == "the no" else no))
        async with asyncio.timeout(60):
            while not await one.rows(HELD_UP):
                await asyncio.sleep(0)
        go_on.set()
        await one.handled()
        await assert_one_won(one, "expired" if first == "the no" else "sold")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("_once_more", range(5))
async def test_of_a_no_and_a_yes_in_the_same_moment_one_wins(demo_url: str, _once_more: int) -> None:
    async with asked_by_two_servers(demo_url) as (one, other):
        await asyncio.gather(one.emulator.sms(PEOPLE["Asha"], YES), other.emulator.sms(PEOPLE["Baraka"], "NO"))
        await one.handled()
        [request] = await one.rows("SELECT state FROM cash_request")
        await assert_one_won(one, request["state"])


@asynccontextmanager
async def asked_by_two_servers(demo_url: str) -> AsyncIterator[tuple[Serving, Serving]]:
    """Two servers of one database, and Baraka's request to Asha."""
    async with serving(demo_url) as one, serving(demo_url) as other:
        for server in (one, other):
            object.__setattr__(server.mwanga.company, "mobile_money", ())
        await one.emulator.sms(PEOPLE["Baraka"], "BUY 5000")
        await one.handled()
        assert [row["state"] for row in await one.rows("SELECT state FROM cash_request")] == ["asked"]
        yield one, other


async def assert_one_won(at: Serving, state: str) -> None:
    """The request, the sales, the room that is held, and what both sides read say the same."""
    sold = state == "sold"
    [request] = await at.rows("SELECT state, sale_id FROM cash_request")
    sales = await at.rows("SELECT id FROM sale")
    assert request == {"state": state, "sale_id": sales[0]["id"] if sold else None} and len(sales) == sold
    assert await at.rows("SELECT 1 FROM reservation WHERE state = 'open' AND kind = 'cash'") == []
    texts = "SELECT text FROM outbox WHERE phone = $1 ORDER BY id"
    asha, baraka = [[row["text"] for row in await at.rows(texts, [PEOPLE[who]])] for who in ("Asha", "Baraka")]
    assert [text.startswith("SOLD TZS 5,000") for text in asha].count(True) == sold
    assert [text.startswith("Not sold: C1 ended at") for text in asha].count(True) == (not sold)
    assert ["Code" in text for text in baraka].count(True) == sold
    assert [text.startswith("Ended: TZS 5,000, SHS0283.") for text in baraka].count(True) == (not sold)
    assert ["is sold already, ref" in text for text in baraka].count(True) == sold
