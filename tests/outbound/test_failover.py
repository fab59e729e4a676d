"""Messages that leave a gateway before it has them, one by one and in a flood, and those that never may."""

from random import Random

import pytest

from bot.outbound import NewMessage, Outbox, enqueue
from bot.routing import Health, Router, Watch, watch
from bot.runtime import Database, Metrics
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, HOUR, MINUTE, SECOND, START, Bench, our_time, pulled, wait_for


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


@pytest.mark.parametrize("error", ["no route", "refused", "do not disturb", "opted out"])
async def test_what_a_gateway_refuses_goes_by_the_next_one_at_once(bench: Bench, error: str) -> None:
    """It has no contract with this network, as another one has."""
    bench.gateway.refuse(error)
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.settle()
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["tried_before"]) == ("kannel", "sent", "!africastalking ")
    assert (bench.gateway.texts, bench.other.texts, row["tries"]) == (["token"], ["token"], 2)


async def test_what_all_refuse_ends_and_each_is_asked_once(bench: Bench) -> None:
    bench.gateway.refuse("no route")
    bench.other.refuse("refused")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await wait_for(bench, 600)
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["error"]) == ("kannel", "failed", "refused")
    assert len(bench.gateway.requests) == len(bench.other.requests) == 1


async def test_what_a_gateway_refuses_goes_by_a_phone_where_there_is_one(bench: Bench) -> None:
    bench.gateway.refuse("no route")
    bench.other.refuse("no route")
    phone = await bench.link()
    await bench.look()
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.settle()
    await wait_for(bench, 600)  # it does not fetch it, but they have refused it
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["tried_before"]) == (phone, "waiting", "!africastalking !kannel ")
    assert len(bench.gateway.requests) == len(bench.other.requests) == 1


async def test_what_a_gateway_refuses_waits_for_one_that_cannot_be_reached_now(bench: Bench) -> None:
    bench.gateway.refuse("no route")
    bench.other.refuse("unreachable")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await wait_for(bench, 300)
    bench.other.answer = bench.other.accept
    await wait_for(bench, 300)
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["tried_before"]) == ("kannel", "sent", "!africastalking ")
    assert len(bench.gateway.requests) == 1


async def test_what_is_never_to_go_by_a_gateway_does_not_where_another_one_refuses_it(bench: Bench) -> None:
    """That this one is down is told by another one."""
    bench.gateway.refuse("opted out")
    async with bench.database.work():
        await enqueue([NewMessage("alert", ASHA, "alert", MessageKind.REPLY, "africastalking", never="kannel")], START)
    bench.outbox.notify()
    await bench.settle()
    row = await bench.row("alert")
    assert (row["gateway"], row["state"], row["error"]) == ("africastalking", "failed", "opted out")
    assert bench.other.requests == []


@pytest.mark.parametrize("kind", [MessageKind.REMINDER, MessageKind.BROADCAST])
async def test_what_nobody_paid_for_ends_where_it_is_refused(bench: Bench, kind: MessageKind) -> None:
    bench.gateway.refuse("do not disturb")
    await bench.enqueue("pay", kind=kind)
    await bench.settle()
    row = await bench.row("pay")
    assert (row["gateway"], row["state"], row["error"]) == ("africastalking", "failed", "do not disturb")


async def test_what_was_stopped_while_a_gateway_refuses_it_goes_nowhere(bench: Bench) -> None:
    bench.gateway.refuse("no route")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    async with bench.database.work():
        [(_lane, claimed)] = await bench.outbox._claim_by(bench.outbox._lanes.values(), bench.clock())
    await bench.sql("UPDATE outbox SET error = 'cancelled'")
    bench.outbox._start(_lane, claimed)
    await bench.settle()
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["error"]) == ("africastalking", "expired", "cancelled")


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


@pytest.mark.everyday_on_sqlite
async def test_what_a_phone_has_fetched_stays_with_it_until_it_falls_silent(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    await pulled(bench, phone)
    await looks(bench, 80 * 60, each=30)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["tries"]) == (phone, "sending", 0)
    await looks(bench, 15 * 60, each=30)
    row = await bench.row("hello")
    assert (row["gateway"], row["state"], row["unknowns"]) == ("africastalking", "sent", 1)


async def test_what_a_broken_phone_has_goes_elsewhere_though_the_office_has_paused_it(bench: Bench) -> None:
    phone = await bench.link()
    await bench.enqueue("token", gateway=phone, kind=MessageKind.TOKEN)
    await pulled(bench, phone)
    await bench.sql("UPDATE phone SET paused = $1", True)
    await looks(bench, 80 * 60, each=30)
    assert (await bench.row("token"))["state"] == "sending", "it may still report"
    await looks(bench, 15 * 60, each=30)
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["unknowns"]) == ("africastalking", "sent", 1)


@pytest.mark.parametrize("paused", [False, True])
async def test_what_a_broken_phone_has_goes_by_a_quiet_one_where_there_is_no_better(bench: Bench, paused: bool) -> None:
    """Whether the office has paused the broken one or not."""
    bench.order = ("phones",)
    bench.router = bench.new_router(names=[])
    bench.outbox = bench.new_outbox(bench.router)
    broken = await bench.link()
    await bench.enqueue("token", gateway=broken, kind=MessageKind.TOKEN)
    await pulled(bench, broken)
    await bench.sql("UPDATE phone SET paused = $1", paused)
    await looks(bench, 85 * 60, each=30)
    other = await bench.link(battery=10, charging=False)
    await looks(bench, 10 * 60, each=30)
    assert bench.router.watch.state(other) is Health.QUIET
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["tried_before"]) == (other, "waiting", f"{broken} ")


async def test_what_a_silent_phone_has_ends_with_it_where_there_is_no_other_way(bench: Bench) -> None:
    bench.order = ("phones",)
    bench.router = bench.new_router(names=[])
    bench.outbox = bench.new_outbox(bench.router)
    phone = await bench.link()
    await bench.enqueue("hello", gateway=phone)
    await bench.enqueue("reminder", gateway=phone, kind=MessageKind.REMINDER)
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


async def test_what_a_hanging_gateway_may_have_taken_goes_by_another_where_that_is_harmless(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("one", "two", "three")
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    for _ in range(30):
        await wait_for(bench, 120)
    assert sorted(bench.other.texts) == ["one", "three", "two"]
    assert (await bench.row("reminder"))["state"] == "failed"


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


# In a flood, after a change of the configuration, and from a gateway that asks us to wait.


async def looks(bench: Bench, seconds: float, each: float = 0) -> None:
    """Time passes, with a turn whenever the outbox wants one. On PostgreSQL it looks each second, and for a backlog
    oftener: where a turn in `each` seconds is enough, that is said."""
    until = bench.clock() + round(seconds * SECOND)
    while (wait := max(1, round(max(each, await bench.settle()) * SECOND))) < until - bench.clock():
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
    await bench.enqueue("reminder", gateway="nokia on a cable", kind=MessageKind.REMINDER)
    await bench.sql("UPDATE outbox SET state = 'uncertain', unknowns = 1 WHERE origin <> 'safe'")
    await looks(bench, 10)
    # on PostgreSQL that server may still be running, and gets a minute
    assert bench.gateway.texts == (["safe", "perhaps"] if bench.database.embedded else [])
    await looks(bench, 60)
    assert bench.gateway.texts == ["safe", "perhaps"]
    row = await bench.row("reminder")
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


async def test_what_a_gone_server_was_sending_by_a_gateway_of_its_own_goes_elsewhere(bench: Bench) -> None:
    await bench.enqueue("hello", gateway="nokia on a cable")
    await bench.enqueue("reminder", gateway="nokia on a cable", kind=MessageKind.REMINDER)
    await bench.sql("UPDATE outbox SET state = 'sending', claimed_by = 'gone', claimed_at = $1", bench.clock())
    await looks(bench, 3 * 60)
    assert bench.gateway.texts == ["hello"]
    row = await bench.row("reminder")
    assert (row["state"], row["error"]) == ("failed", "gateway gone")


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
    await looks(bench, 121, each=0.5)
    await bench.enqueue("fresh reply", gateway="kannel")
    await bench.enqueue("fresh token", kind=MessageKind.TOKEN, gateway="kannel")
    sent = len(bench.other.texts)
    await looks(bench, 15)
    taken = bench.other.texts[sent:]
    assert taken[0] == "fresh token" and "fresh reply" in taken
    await looks(bench, 80, each=0.5)
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


@pytest.mark.everyday_on_sqlite
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
