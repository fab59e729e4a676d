"""What becomes of the messages of a gateway or a process that is gone, and when two move the same at once."""

import asyncio

import pytest

from bot.outbound.queue import release_from_stopped
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import MINUTE, SECOND, START, Bench, pulled, wait_for

LATE = START + 5 * MINUTE
SENT_BY_KANNEL = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert)
  VALUES ('kannel', 0, $1, 'sent', 0, '')"""


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def test_an_unlinked_phone_gives_back_what_it_has_not_and_what_harms_nobody_twice(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("fetched", gateway=phone)
    await bench.enqueue("fetched reminder", kind=MessageKind.REMINDER, gateway=phone)
    await pulled(bench, phone)
    await bench.enqueue("waiting", gateway=phone)
    await bench.enqueue("canary phone-1 7", kind=MessageKind.REMINDER, gateway=phone)
    await bench.enqueue("tried", "perhaps", gateway=phone)
    await bench.enqueue("perhaps a reminder", kind=MessageKind.REMINDER, gateway=phone)
    await bench.sql("UPDATE outbox SET state = 'scheduled', error = 'gateway fault' WHERE origin = 'tried'")
    await bench.sql("UPDATE outbox SET state = 'uncertain', unknowns = 1 WHERE origin LIKE 'perhaps%'")
    async with bench.database.work() as db:
        await release_from_stopped(db, phone, bench.clock())
    bench.phones.clear()
    bench.clock.now += 10 * SECOND
    await bench.settle()
    assert sorted(bench.gateway.texts) == ["fetched", "perhaps", "tried", "waiting"]
    ended = {origin: state for origin, state in (await bench.states()).items() if state != "sent"}
    assert ended == dict.fromkeys(("fetched reminder", "canary phone-1 7", "perhaps a reminder"), "failed")
    assert (await bench.row("fetched reminder"))["error"] == "gateway gone"


async def test_unlinking_that_fails_leaves_the_messages(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    with pytest.raises(ZeroDivisionError):
        async with bench.database.work() as db:
            await release_from_stopped(db, phone, bench.clock())
            raise ZeroDivisionError
    row = await bench.row("hello")
    assert (row["gateway"], row["tried_before"]) == (phone, "")


async def test_a_message_enqueued_while_its_phone_is_unlinked_goes_by_another(bench: Bench) -> None:
    phone = await bench.link()
    bench.phones.clear()
    await bench.sql("UPDATE phone SET unlinked_at = $1", START)
    await bench.enqueue("late", kind=MessageKind.BROADCAST, gateway=phone)
    await bench.look()
    await bench.look()
    row = await bench.row("late")
    assert (row["gateway"], row["state"]) == ("africastalking", "sent")


async def test_what_a_gateway_that_is_gone_may_have_taken_ends_where_twice_would_harm(bench: Bench) -> None:
    await bench.enqueue("safe", "perhaps", gateway="nokia on a cable")
    await bench.enqueue("reminder", gateway="nokia on a cable", kind=MessageKind.REMINDER)
    await bench.sql("UPDATE outbox SET state = 'uncertain', unknowns = 1 WHERE origin <> 'safe'")
    await bench.settle()
    assert bench.gateway.texts == ["safe", "perhaps"]
    row = await bench.row("reminder")
    assert (row["state"], row["error"]) == ("failed", "gateway gone")


async def test_what_a_killed_process_was_sending_leaves_its_gateway_where_that_is_harmless(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.enqueue("reply")
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await bench.new_outbox().turn()
    await asyncio.sleep(0)
    bench.gateway.refuse("unreachable")
    for _ in range(40):
        await wait_for(bench, 10)
    assert bench.other.texts == ["reply"]
    row = await bench.row("reminder")
    assert (row["gateway"], row["state"], row["error"]) == ("africastalking", "scheduled", "unreachable")


async def test_two_processes_that_move_the_same_messages_send_each_once(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    phone = await bench.link()
    await bench.enqueue(*(f"sms {n}" for n in range(100)), gateway=phone)
    routers = [bench.router, bench.new_router()]
    processes = [bench.outbox, bench.new_outbox(routers[1])]
    bench.clock.now += 130 * SECOND
    for router in routers:
        await router.watch.look()
    await asyncio.gather(*(bench.settle(process) for process in processes))
    bench.clock.now += 10 * SECOND
    await asyncio.gather(*(bench.settle(process) for process in processes))
    assert sorted(bench.gateway.texts) == sorted(f"sms {n}" for n in range(100))
    assert {row["tried_before"] for row in await bench.sql("SELECT tried_before FROM outbox")} == {f"{phone} "}


async def test_a_phone_that_pulls_at_the_last_moment_has_a_message_or_another_gateway_has_it(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue(*(f"sms {n}" for n in range(100)), gateway=phone)
    bench.clock.now += 130 * SECOND
    await bench.router.watch.look()
    await asyncio.gather(pulled(bench, phone), bench.settle())
    rows = await bench.sql("SELECT origin, gateway, state FROM outbox")
    fetched = {row["origin"] for row in rows if (row["gateway"], row["state"]) == (phone, "sending")}
    assert len(fetched) + len(bench.gateway.texts) == 100
    assert fetched.isdisjoint(bench.gateway.texts)


async def test_unlinking_and_failing_over_at_once_lose_nothing(bench: Bench) -> None:
    async def unlink() -> None:
        async with bench.database.work() as db:
            await release_from_stopped(db, phone, bench.clock())

    phone = await bench.link()
    await bench.enqueue(*(f"sms {n}" for n in range(50)), gateway=phone)
    bench.clock.now += 130 * SECOND
    await bench.router.watch.look()
    await asyncio.gather(unlink(), bench.settle())
    bench.phones.clear()
    bench.clock.now += 10 * SECOND
    await bench.settle()
    assert sorted(bench.gateway.texts) == sorted(f"sms {n}" for n in range(50))


@pytest.mark.parametrize("when", ["it starts", "they wait long"])
async def test_a_server_leaves_alone_what_another_one_sends_by_a_gateway_of_its_own(bench: Bench, when: str) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    other = bench.new_outbox(bench.new_router(names=["africastalking"]), gateways=[bench.gateway])
    if when == "they wait long":
        await bench.settle(other)
    await bench.enqueue("waits", "perhaps", gateway="kannel")
    await bench.sql("UPDATE outbox SET state = 'uncertain', unknowns = 1, due_at = $1 WHERE origin = 'perhaps'", LATE)
    bench.clock.now += 70 * SECOND
    await bench.sql(SENT_BY_KANNEL, bench.clock() - SECOND)
    await bench.settle(other)
    assert await bench.states() == {"waits": "waiting", "perhaps": "uncertain"}
    bench.clock.now += 70 * SECOND
    await bench.settle(other)
    assert bench.gateway.texts == ["waits", "perhaps"], "nobody sends by it any more"
