"""Gateway phones against the database: what their reports do, and what they are asked for."""

import pytest

from bot.android import linking
from bot.android.queue import PURGE
from bot.runtime import Database
from models.messages import Phone, State
from tests.world.outbox_rig import HOUR, START
from tests.world.phone_rig import VODACOM, Shop


@pytest.fixture
async def shop(database: Database) -> Shop:
    return Shop(database)


async def test_a_failed_message_goes_again_under_a_new_id(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    assert await shop.report(first, State.FAILED, error="unreachable") == 0
    row = await shop.row("hello")
    assert (row["state"], row["error"]) == ("scheduled", "unreachable") and row["due_at"] > START
    assert await shop.report(first, State.FAILED, error="unreachable") == 0
    assert (await shop.row("hello"))["due_at"] == row["due_at"], "told twice, counted once"
    await shop.sql("UPDATE outbox SET state = 'waiting'")
    second = (await shop.pull())["hello"]
    assert first != second and first.partition("-")[0] == second.partition("-")[0]
    assert await shop.report(first, State.SENT) == 0, "of the try before"
    assert (await shop.row("hello"))["state"] == "sending"
    assert await shop.report(second, State.SENT) == 0
    assert (await shop.row("hello"))["state"] == "sent"


async def test_a_database_that_begins_anew_gives_no_message_an_id_that_the_phone_knows(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("before")
    known = (await shop.pull())["before"]
    await shop.sql("UPDATE outbox SET state = 'waiting', origin = 'after', text = 'after', tries = 0")  # as in another
    shop.clock.now += HOUR
    assert (await shop.pull())["after"] != known, "the app would not send it, and say that it is delivered"
    await shop.report(known, State.DELIVERED)
    assert (await shop.row("after"))["state"] == "sending"


async def test_what_was_sent_after_all_does_not_go_again(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    await shop.report(first, State.FAILED, error="gateway fault")
    await shop.report(first, State.SENT)
    assert (await shop.row("hello"))["state"] == "sent"
    await shop.report(first, State.FAILED, error="undelivered")
    assert (await shop.row("hello"))["state"] == "failed"
    await shop.report(first, State.DELIVERED)
    assert (await shop.row("hello"))["state"] == "delivered"


async def test_what_a_phone_finds_too_late_has_ended_when_it_is_so_by_our_clock_too(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    shop.clock.now += 6 * HOUR
    assert await shop.report(first, State.FAILED, error="expired") == 0
    row = await shop.row("hello")
    assert (row["state"], row["error"]) == ("expired", "expired")


async def test_what_arrived_by_a_phone_after_all_goes_by_no_other_gateway_again(shop: Shop) -> None:
    """The phone had been silent, and the gateway to which its message went then gives no answer."""
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    await shop.sql("UPDATE outbox SET claimed_by = 'a server', state = 'uncertain', gateway = 'kannel', unknowns = 2")
    assert await shop.report(first, State.DELIVERED) == 1, "it was never this phone's"
    await shop.sql("UPDATE outbox SET tried_before = $1", f"{shop.phone.gateway} ")
    assert await shop.report(first, State.FAILED, error="unreachable") == 0
    assert await shop.report(first, State.SENT) == 0
    assert (await shop.row("hello"))["state"] == "uncertain"
    assert await shop.report(first, State.DELIVERED) == 0
    row = await shop.row("hello")
    assert (row["state"], row["delivered_at"]) == ("delivered", shop.clock())


async def test_one_part_that_arrived_by_a_phone_does_not_end_what_another_gateway_has(shop: Shop) -> None:
    """Half a token opens nothing: only when all of it has arrived need the other one send nothing more."""
    await shop.link(VODACOM)
    await shop.enqueue("hello " * 40)
    [first] = (await shop.pull()).values()
    await shop.sql("UPDATE outbox SET claimed_by = 'a server', state = 'uncertain', gateway = 'kannel', unknowns = 2")
    await shop.sql("UPDATE outbox SET tried_before = $1", f"{shop.phone.gateway} ")
    for event, state in (("a", "uncertain"), ("a", "uncertain"), ("b", "delivered")):
        assert await shop.report(first, State.DELIVERED, event=event) == 0
        assert [row["state"] for row in await shop.sql("SELECT state FROM outbox")] == [state]


async def test_what_a_phone_gives_back_waits_again(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    await shop.report(first, State.WAITING)
    assert (await shop.row("hello"))["state"] == "waiting"
    assert (await shop.pull())["hello"] != first


async def test_a_phone_that_is_paused_is_asked_for_what_it_has_not_sent(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.open_stream(shop.phone)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    await linking.pause(shop.phone, actor="office")
    await shop.phones.look()
    await shop.phones.look()
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageCancelled") == 1 and f'"messageId": "{first}"'.encode() in told


async def test_a_paused_phone_that_comes_back_is_asked_as_well(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("hello")
    first = (await shop.pull())["hello"]
    await linking.pause(shop.phone, actor="office")
    await shop.phones.look()
    stream = await shop.phones.open_stream(await Phone.get(id=shop.phone.id))
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageCancelled") == 1 and f'"messageId": "{first}"'.encode() in told


async def test_a_long_message_is_delivered_with_its_last_part(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("x" * 300)
    external_id = next(iter((await shop.pull()).values()))
    states = []
    for event in ("", "e1", "e1", "", "e2", "e3"):
        await shop.report(external_id, State.DELIVERED, event=event)
        states.append((await shop.row("x" * 300))["state"])
    assert states == ["sent", "sent", "sent", "sent", "delivered", "delivered"]
    assert await shop.sql("SELECT 1 FROM phone_part") == []


async def test_parts_of_a_message_that_never_arrived_as_a_whole_are_forgotten_one_day(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("x" * 300, "y" * 300)
    for external_id in (await shop.pull()).values():
        await shop.report(external_id, State.DELIVERED, event="e1")
    await shop.sql("UPDATE outbox SET created_at = created_at - 1 WHERE text LIKE 'x%'")
    [oldest, newest] = await shop.sql("SELECT id, created_at FROM outbox ORDER BY id")
    await shop.sql(PURGE.statement, newest["created_at"], 10)
    assert await shop.sql("SELECT outbox_id FROM phone_part") == [{"outbox_id": newest["id"]}]
    assert oldest["id"] < newest["id"]


async def test_a_long_message_of_which_a_part_failed_may_have_arrived(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("x" * 300)
    external_id = next(iter((await shop.pull()).values()))
    await shop.report(external_id, State.FAILED, error="gateway fault", generic=True)
    assert (await shop.row("x" * 300))["state"] == "uncertain"


async def test_a_phone_that_was_away_for_two_hours_is_asked_and_has_lost_nothing(shop: Shop) -> None:
    await shop.link(VODACOM)
    shop.clock.now += 3 * 24 * HOUR
    stream = await shop.phones.open_stream(shop.phone)
    await shop.phones.note_heard(shop.phone, webhook=True)
    shop.clock.now += 2 * HOUR
    phone = await Phone.get(id=shop.phone.id)
    await shop.phones.note_heard(phone, webhook=True, clock_offset=60)
    stream.close()
    told = [chunk async for chunk in stream.chunks()][-1]
    assert b"MessagesExportRequested" in told
    assert b'"since": "2025-10-11T08:53:20.000Z", "until": "2025-10-13T10:53:20.000Z"' in told, "a day more each way"
    assert (await Phone.get(id=phone.id)).lost == ""
