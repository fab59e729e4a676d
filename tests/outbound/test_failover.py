"""Messages that leave a gateway before it has them, and those that never may."""

import pytest

from bot.outbound import NewMessage, enqueue
from bot.routing import Health
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, HOUR, MINUTE, SECOND, START, Bench, pulled, wait_for


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


@pytest.mark.parametrize("kind", [MessageKind.TOKEN, MessageKind.REPLY])
async def test_what_a_phone_does_not_fetch_goes_by_the_next_gateway_after_two_minutes(
    bench: Bench, kind: MessageKind
) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", kind=kind, gateway=phone)
    await wait_for(bench, 119)
    assert (await bench.row("hello"))["gateway"] == phone
    await wait_for(bench, 10)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["tried_before"]) == ("africastalking", "sent", f"{phone} ")


@pytest.mark.parametrize("kind", [MessageKind.REMINDER, MessageKind.BROADCAST])
async def test_what_is_not_urgent_waits_for_its_phone(bench: Bench, kind: MessageKind) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", kind=kind, gateway=phone)
    await wait_for(bench, 600)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"]) == (phone, "waiting")


async def test_how_long_that_is_can_be_set(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(bench.router, failover_ms=15 * SECOND)
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    assert await bench.settle() <= 1.5  # seconds to the next look: a tenth of that
    await wait_for(bench, 15)
    assert bench.gateway.texts == ["hello"]


async def test_what_a_phone_has_fetched_stays_with_it_until_it_is_too_late(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    await pulled(bench, phone)
    await wait_for(bench, 3 * 3600)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["tries"]) == (phone, "sending", 0)
    await wait_for(bench, 3 * 3600)
    row = await bench.row("hello")
    assert (row["state"], row["error"]) == ("expired", "no report")
    assert bench.counted("expired", phone) == 1
    assert bench.gateway.requests == bench.other.requests == []


async def test_a_gateway_that_is_down_loses_its_tokens_to_the_next(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await bench.settle()
    for _ in range(13):
        await wait_for(bench, 10)
    token, reminder = await bench.row("token"), await bench.row("reminder")
    assert (token["gateway"], token["state"], token["tried_before"]) == ("kannel", "sent", "africastalking ")
    assert (reminder["gateway"], reminder["state"]) == ("africastalking", "scheduled")
    assert token["sent_at"] <= START + 130 * SECOND


async def test_what_may_have_been_taken_is_never_given_to_another(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("one", "two", "three")
    for _ in range(30):
        await wait_for(bench, 120)
    assert bench.other.requests == []
    assert sorted(bench.gateway.texts) == sorted(["one", "two", "three"] * 2)
    assert set((await bench.states()).values()) == {"failed"}


@pytest.mark.parametrize("kind", [MessageKind.REMINDER, MessageKind.BROADCAST])
async def test_what_is_not_harmless_twice_is_sent_once(bench: Bench, kind: MessageKind) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("hello", kind=kind)
    for _ in range(9):
        await wait_for(bench, 20)
    row = await bench.row("hello")
    assert (row["state"], row["error"], len(bench.gateway.requests)) == ("failed", "timeout", 1)


async def test_a_message_on_trial_does_not_wait_two_minutes_more(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("first")
    for _ in range(2):
        await wait_for(bench, 10)
    await bench.sql("UPDATE gatewaystate SET told = 'down', told_at = $1", bench.clock())
    bench.clock.now += SECOND
    await bench.enqueue("trial")
    await bench.settle()
    await bench.look()
    assert (await bench.row("first"))["gateway"] == "africastalking"
    assert (await bench.row("trial"))["gateway"] == "kannel"


async def test_with_no_other_gateway_that_is_well_all_is_tried_where_it_is(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    bench.other.refuse("unreachable")
    await bench.enqueue("one")
    await bench.enqueue("two", gateway="kannel")
    for _ in range(30):
        await wait_for(bench, 10)
    rows = [await bench.row(text) for text in ("one", "two")]
    assert [row["gateway"] for row in rows] == ["africastalking", "kannel"]
    assert {row["state"] for row in rows} == {"scheduled"}


async def test_a_message_passes_each_gateway_once(bench: Bench) -> None:
    first, second = await bench.link(), await bench.link()
    bench.order = ("phones",)
    bench.outbox = bench.new_outbox(bench.router)
    bench.router = bench.new_router()
    bench.outbox = bench.new_outbox(bench.router)
    await bench.enqueue("hello", gateway=first)
    for _ in range(5):
        await wait_for(bench, 121)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["tried_before"]) == (second, "waiting", f"{first} ")


async def test_a_message_without_a_gateway_waits_for_one(bench: Bench) -> None:
    bench.order = ("phones",)
    bench.router = bench.new_router()
    bench.outbox = bench.new_outbox(bench.router)
    await bench.enqueue("hello", gateway="none")
    await bench.look()
    assert (await bench.row("hello"))["gateway"] == "none"
    phone = await bench.link()
    await bench.look()
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["tried_before"]) == (phone, "waiting", "")


async def test_a_message_that_may_not_go_by_a_gateway_never_comes_to_it(bench: Bench) -> None:
    phone = await bench.link()
    async with bench.database.work():
        about = NewMessage("alert", ASHA, "alert", MessageKind.REPLY, phone, never="africastalking", life=HOUR)
        await enqueue([about], START)
    await wait_for(bench, 130)
    row = await bench.row("alert")
    assert (row["gateway"], row["state"], row["expires_at"]) == ("kannel", "sent", START + HOUR)
    assert row["sent_at"] - START > MINUTE


async def test_a_gateway_that_only_sends_and_is_not_the_first_is_well_again_by_a_reply(bench: Bench) -> None:
    bench.other.refuse("unreachable")
    await bench.enqueue("one", "two", "three", gateway="kannel")
    await bench.settle()
    await bench.router.watch.look()
    assert bench.router.watch.state("kannel") is Health.DOWN
    bench.other.answer = bench.other.accept
    await bench.sql("DELETE FROM outbox")
    bench.clock.now += 5 * MINUTE
    await bench.look()
    for number in range(3):
        await bench.enqueue(f"reply {number}", gateway=bench.router.gateway_for(ASHA, MessageKind.REPLY))
    await bench.settle()
    await bench.router.watch.look()
    assert (bench.other.texts[-1], bench.gateway.texts) == ("reply 0", ["reply 1", "reply 2"])
    assert bench.router.watch.state("kannel") is Health.WELL
