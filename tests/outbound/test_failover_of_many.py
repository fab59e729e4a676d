"""What leaves a gateway in a flood, after a change of the configuration, and from one that asks us to wait."""

from random import Random

import pytest

from bot.outbound import NewMessage, Outbox, enqueue
from bot.routing import Router, Watch, watch
from bot.runtime import Database, Metrics
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, MINUTE, SECOND, START, Bench, our_time


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def looks(bench: Bench, seconds: float) -> None:
    """Time passes, with a turn whenever the outbox wants one."""
    until = bench.clock() + round(seconds * SECOND)
    while (wait := max(1, round(await bench.settle() * SECOND))) < until - bench.clock():
        bench.clock.now += wait
    bench.clock.now = until
    await bench.settle()


async def test_a_token_leaves_a_gateway_that_keeps_asking_us_to_wait(bench: Bench) -> None:
    bench.gateway.refuse("throttled")
    await bench.enqueue("token", "second token", kind=MessageKind.TOKEN)
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await looks(bench, 115)
    assert bench.other.texts == []
    await looks(bench, 20)
    assert sorted(bench.other.texts) == ["second token", "token"]


async def test_it_stays_there_when_no_other_is_well(bench: Bench) -> None:
    bench.gateway.refuse("throttled")
    bench.other.refuse("unreachable")
    await bench.enqueue("one", "two", "three", gateway="kannel")
    await looks(bench, 30)
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await looks(bench, 200)
    assert (await bench.row("token"))["gateway"] == "africastalking"


async def test_messages_of_a_gateway_that_another_server_had_go_elsewhere_while_we_run(bench: Bench) -> None:
    await bench.settle()
    bench.clock.now += SECOND
    await bench.enqueue("safe", "perhaps", gateway="nokia on a cable")
    await bench.sql("UPDATE outbox SET state = 'uncertain', unknowns = 1 WHERE origin = 'perhaps'")
    await looks(bench, 10)
    # on PostgreSQL that server may still be running, and gets a minute
    assert bench.gateway.texts == (["safe"] if bench.database.embedded else [])
    await looks(bench, 60)
    assert bench.gateway.texts == ["safe"]
    row = await bench.row("perhaps")
    assert (row["state"], row["error"]) == ("failed", "gateway gone")


async def test_two_servers_of_which_one_has_a_gateway_more_do_not_take_its_messages(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    router = Router(["africastalking"], watch=Watch(["africastalking"], bench.clock))
    other = Outbox(bench.database, {"africastalking": bench.gateway}, router, Metrics(), bench.clock, Random(7))
    other.shared_time = our_time
    await bench.settle(other)
    bench.other.refuse("throttled")
    await bench.enqueue("first", "second", gateway="kannel")
    for _ in range(5):
        await bench.settle(bench.outbox)
        await bench.settle(other)
        bench.clock.now += SECOND
    assert {row["gateway"] for row in await bench.sql("SELECT gateway FROM outbox")} == {"kannel"}
    bench.other.answer = bench.other.accept
    bench.clock.now += 10 * SECOND
    await bench.settle(bench.outbox)
    assert bench.gateway.texts == [] and set(bench.other.texts) == {"first", "second"}


async def test_what_a_gone_server_was_sending_by_a_gateway_of_its_own_ends(bench: Bench) -> None:
    await bench.enqueue("hello", gateway="nokia on a cable")
    await bench.sql("UPDATE outbox SET state = 'sending', claimed_by = 'gone', claimed_at = $1", bench.clock())
    await looks(bench, 3 * 60)
    row = await bench.row("hello")
    assert (row["state"], row["error"], bench.gateway.texts) == ("failed", "gateway gone", [])


async def test_a_server_that_has_only_phones_moves_what_it_cannot_send(bench: Bench) -> None:
    router = Router(["phones"], watch=Watch(clock=bench.clock))
    outbox = Outbox(bench.database, {}, router, Metrics(), bench.clock, Random(7))
    await bench.enqueue("hello")
    phone = await bench.link()
    router.linked = lambda: [phone]
    await bench.settle(outbox)
    assert (await bench.row("hello"))["gateway"] == phone


@pytest.mark.slow
async def test_a_backlog_of_a_dead_gateway_does_not_hold_up_what_is_new_at_another(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(bench.router, per_second={"kannel": 5})
    bench.gateway.refuse("unreachable")
    old = [f"old {n}" for n in range(400)]
    await bench.enqueue(*old)
    await looks(bench, 121)
    await bench.enqueue("fresh reply", gateway="kannel")
    await bench.enqueue("fresh token", kind=MessageKind.TOKEN, gateway="kannel")
    sent = len(bench.other.texts)
    await looks(bench, 15)
    taken = bench.other.texts[sent:]
    assert taken[0] == "fresh token" and "fresh reply" in taken
    await looks(bench, 80)
    assert len(bench.other.texts) == 402, "and the backlog goes as fast as before"


async def test_a_token_leaves_a_silent_phone_though_more_waits_elsewhere_than_is_looked_at(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "WAITING", watch.WAITING.replace(f"LIMIT {watch.LOOK}", "LIMIT 3"))
    bench.order = ("africastalking", "phones")
    bench.router = bench.new_router()
    bench.outbox = bench.new_outbox(bench.router)
    phone = await bench.link()
    await bench.enqueue("one", "two", "three", kind=MessageKind.BROADCAST, gateway="bulk")
    await bench.enqueue("token", kind=MessageKind.TOKEN, gateway=phone)
    await bench.look()
    await looks(bench, 130)
    assert "token" in bench.gateway.texts


async def test_a_phone_takes_over_some_messages_at_a_time(bench: Bench) -> None:
    bench.order = ("africastalking", "phones")
    bench.router = bench.new_router()
    bench.outbox = bench.new_outbox(bench.router)
    bench.gateway.refuse("unreachable")
    await bench.enqueue(*(f"sms {n}" for n in range(50)))
    phone = await bench.link()
    await looks(bench, 150)
    waiting = "SELECT COUNT(*) AS n FROM outbox WHERE gateway = $1"
    assert (await bench.sql(waiting, phone))[0]["n"] == 8


async def test_reminders_that_wait_for_a_gateway_do_not_keep_tokens_from_it(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(bench.router, per_second={"kannel": 1})
    bench.gateway.refuse("unreachable")
    await bench.enqueue("a", "b", "c", kind=MessageKind.TOKEN)
    await bench.enqueue(*(f"reminder {n}" for n in range(300)), kind=MessageKind.REMINDER, gateway="kannel")
    await looks(bench, 130)
    assert {"a", "b", "c"} <= set(bench.other.texts)


async def test_a_flood_without_a_gateway_is_moved_in_short_looks_and_nobody_is_behind_what_must_stay(
    bench: Bench,
) -> None:
    async with bench.database.work():
        stuck = [NewMessage(f"stuck {n}", ASHA, "x", MessageKind.BROADCAST, "none", never="kannel") for n in range(300)]
        await enqueue(stuck, START)
    await bench.sql("UPDATE outbox SET tried_before = '!kannel !africastalking '")
    await bench.enqueue(*(f"sms {n}" for n in range(600)), kind=MessageKind.BROADCAST, gateway="none")
    moved = []
    for _ in range(3):
        await bench.outbox.turn()
        rows = await bench.sql("SELECT COUNT(*) AS n FROM outbox WHERE gateway = 'africastalking'")
        moved.append(rows[0]["n"])
        bench.clock.now += 100
    assert moved[0] == 0 < moved[1] < moved[2] <= 2 * 256
    await looks(bench, 20)
    assert len(bench.gateway.texts) == 600
    await looks(bench, 1)
    rows = await bench.sql("SELECT COUNT(*) AS n FROM outbox WHERE gateway = 'none'")
    assert rows[0]["n"] == 300


async def test_what_was_given_in_the_future_is_not_waited_for(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    bench.clock.now -= 60 * MINUTE
    await bench.sql("UPDATE phone SET seen_at = $1", bench.clock())
    bench.outbox = bench.new_outbox(bench.router)
    await looks(bench, 1)
    assert bench.gateway.texts == ["hello"]
