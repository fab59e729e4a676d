"""Gateway phones against the database: what they pull, how fast, and when they are told of it, by one server or two."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.android import linking, sims
from bot.android.from_app import Device
from bot.android.streams import Stream
from bot.runtime import Database
from models.messages import MessageKind, Phone
from tests.world.outbox_rig import HOUR, MINUTE, SECOND, START
from tests.world.phone_rig import AIRTEL, PERIOD, VODACOM, Shop, numbered


@pytest.fixture
async def shop(database: Database) -> Shop:
    return Shop(database)


async def test_a_phone_that_polls_gets_28_parts_in_half_an_hour_whatever_the_sim(shop: Shop) -> None:
    await shop.link(VODACOM, AIRTEL)
    await shop.enqueue(*numbered(30))
    assert len(await shop.pull()) == 28
    shop.clock.now += PERIOD - 1
    assert len(await shop.pull()) == 28
    shop.clock.now += 1
    assert len(await shop.pull()) == 30
    went = await shop.sql("SELECT sim, COUNT(*) AS n FROM outbox WHERE state = 'sending' GROUP BY sim ORDER BY sim")
    assert [row["n"] for row in went] == [15, 15]


async def test_a_phone_with_a_stream_gets_one_every_two_seconds(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.phones.open_stream(shop.phone)
    await shop.enqueue(*numbered(3))
    seen = []
    for _ in range(5):
        seen.append(len(await shop.pull()))
        shop.clock.now += SECOND
    assert seen == [1, 1, 2, 2, 3]


async def test_a_phone_that_was_told_and_did_not_ask_is_told_again_a_minute_later(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.open_stream(shop.phone)
    await shop.enqueue("hello")
    for seconds in (0, 10, 49, 1, 10):
        shop.clock.now += seconds * SECOND
        await shop.phones.turn()
    await shop.pull()
    shop.clock.now += 2 * MINUTE
    await shop.phones.turn()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessageEnqueued") == 2


async def test_a_phone_is_told_and_gets_its_messages_after_the_clock_was_set_back(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.open_stream(shop.phone)
    await shop.enqueue(*numbered(28))
    for _ in range(28):
        await shop.phones.turn()
        await shop.pull()
        shop.clock.now += 2 * SECOND
    shop.clock.now -= HOUR
    await shop.enqueue("hello")
    await shop.phones.turn()
    assert "hello" in await shop.pull()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessageEnqueued") >= 2


async def test_phones_are_looked_after_when_the_clock_was_set_back_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = shop.phones.look

    async def looks() -> None:
        await look()
        shop.clock.now -= HOUR

    monkeypatch.setattr(shop.phones, "look", looks)
    await shop.phones.turn()
    assert 0 < shop.phones._wait() <= 2


async def test_a_phone_is_told_of_what_is_more_urgent_than_what_has_to_wait(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.open_stream(shop.phone)
    await shop.enqueue(*numbered(27), "x" * 300, kind=MessageKind.REMINDER)
    for _ in range(28):
        assert len(await shop.pull()) <= 27, "the last one is longer than what is left"
        shop.clock.now += 2 * SECOND
    for kind in (MessageKind.REMINDER, MessageKind.TOKEN):
        await shop.enqueue(f"a {kind}", kind=kind)
        await shop.phones.turn()
    assert next(iter(await shop.pull())) == "a token"
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageEnqueued") == 1


async def test_a_phone_that_asked_another_server_is_told_of_the_next_message_at_once(shop: Shop) -> None:
    """Its stream leads to one of two servers, its other calls to either."""
    await shop.link(VODACOM)
    stream, other = await shop.phones.open_stream(shop.phone), shop.server()
    await shop.enqueue("first")
    await shop.phones.turn()
    shop.clock.now += SECOND
    await shop.pull(other)
    shop.clock.now += 2 * SECOND
    await shop.enqueue("second")
    await shop.phones.turn()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessageEnqueued") == 2


async def test_a_phone_that_was_silent_is_asked_for_what_it_got_by_the_server_that_has_its_stream(shop: Shop) -> None:
    """Its webhooks come to another one."""
    await shop.link(VODACOM)
    stream, other = await shop.phones.open_stream(shop.phone), shop.server()
    await other.note_heard(await Phone.get(id=shop.phone.id), webhook=True)
    shop.clock.now += 2 * HOUR
    await other.note_heard(await Phone.get(id=shop.phone.id), webhook=True)
    for _ in range(2):
        shop.clock.now += 2 * SECOND
        await shop.phones.turn()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessagesExportRequested") == 1


async def test_long_messages_count_by_their_parts(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue(*(f"{n} " + "x" * 800 for n in range(6)))  # six parts each
    assert len(await shop.pull()) == 4


async def test_tokens_go_first_and_what_is_late_or_for_others_stays(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("reminder", kind=MessageKind.REMINDER)
    await shop.enqueue("reply")
    await shop.enqueue("token", kind=MessageKind.TOKEN)
    await shop.enqueue("late")
    await shop.sql("UPDATE outbox SET expires_at = $1 WHERE origin = 'late'", START)
    await shop.sql("UPDATE outbox SET gateway = 'kannel' WHERE origin = 'reminder'")
    assert list(await shop.pull()) == ["token", "reply"]


async def test_two_servers_give_a_message_once_and_keep_one_pace(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue(*numbered(40))
    other = shop.server()
    for server in (shop.phones, other):
        await server.open_stream(shop.phone)
    await asyncio.gather(shop.pull(), shop.pull(other), shop.pull(), shop.pull(other))
    taken = await shop.sql("SELECT tries, external_id FROM outbox WHERE state = 'sending'")
    assert [row["tries"] for row in taken] == [1]


@pytest.mark.parametrize("change", ["paused", "unlinked", "another handset"])
async def test_a_phone_that_asked_before_it_was_changed_gets_nothing_after_it(shop: Shop, change: str) -> None:
    """Its call had been let in, and waited. What it got nobody would ever hear of."""
    await shop.link(VODACOM)
    asks = await Phone.get()
    async with shop.database.work():
        phone = await linking.find("Shop phone")
        if change == "paused":
            await linking.pause(phone, actor="office")
        elif change == "unlinked":
            await linking.unlink(phone, actor="office")
        else:
            device = Device("", "Tecno KF6", push=False, sims=None)
            await linking.register(phone, device, "1.67.0", shop.vault, shop.clock(), again=False)
    await shop.enqueue("hello")
    assert await shop.phones.pull(asks) == []
    assert (await shop.row("hello"))["state"] == "waiting"


@pytest.mark.parametrize("switch", ["paused", "old app", "outgoing"])
async def test_what_is_switched_off_gets_nothing_new_and_keeps_what_it_has(shop: Shop, switch: str) -> None:
    await shop.link(VODACOM)
    await shop.enqueue("first")
    await shop.pull()
    await shop.enqueue("second")
    match switch:
        case "paused":
            await linking.pause(shop.phone, actor="office")
        case "old app":
            await shop.sql("UPDATE phone SET version = '1.66.1'")
        case "outgoing":
            await shop.sql("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    assert list(await shop.pull()) == ["first"]
    await shop.phones.look()
    assert shop.phones.names() == ([shop.phone.gateway] if switch == "outgoing" else [])


async def test_two_guesses_at_once_do_not_use_a_code_twice(shop: Shop) -> None:
    async with shop.database.work():
        _, code = await linking.add("Shop phone", shop.vault, shop.clock(), actor="office")

    async def guess() -> bool:
        async with shop.database.work():
            return await linking.by_code(code, shop.vault, shop.clock()) is not None

    assert sorted(await asyncio.gather(guess(), guess(), guess())) == [False, False, True]


async def test_a_name_is_free_again_when_its_phone_is_unlinked(shop: Shop) -> None:
    await shop.link(VODACOM)
    async with shop.database.work():
        await linking.unlink(shop.phone, shop.clock(), actor="office")
        other, _ = await linking.add("Shop phone", shop.vault, shop.clock(), actor="office")
    assert other.gateway != shop.phone.gateway
    with pytest.raises(linking.NoSuchPhone):
        await linking.find("Nobody")
    async with shop.database.work():
        third, _ = await linking.add("Third", shop.vault, shop.clock(), actor="office")
        with pytest.raises(linking.NameTaken):
            await linking.rename(third, "Shop phone", actor="office")


# A phone that comes back to 2,000 messages: tokens first, each person's in their order, and all of them in the end.

WAITING, PEOPLE = 2_000, 50
KINDS = (MessageKind.REPLY, MessageKind.TOKEN, MessageKind.REMINDER)


async def fetched(shop: Shop) -> list[str]:
    """What it gets by one more pull, in that order; all of it is sent before the next."""
    rows = await shop.phones.pull(await Phone.get(id=shop.phone.id))
    await shop.sql("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    shop.clock.now += MINUTE
    return [row["text"] for row in rows]


@pytest.mark.everyday_on_sqlite
async def test_a_phone_that_comes_back_gets_all_in_order_and_what_is_urgent_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sims, "PARTS", WAITING)
    shop = Shop(database)
    await shop.link(VODACOM)
    texts: dict[MessageKind, list[str]] = {kind: [] for kind in KINDS}
    for person in range(PEOPLE):
        for kind in KINDS:
            mine = [f"{kind} {person} {number}" for number in range(WAITING // PEOPLE // len(KINDS) + 1)]
            texts[kind] += mine
            await shop.enqueue(*mine, to=f"+25574{person:07d}", kind=kind)
    assert sum(map(len, texts.values())) >= WAITING

    got = await fetched(shop)
    await shop.enqueue("a token of now", kind=MessageKind.TOKEN)
    while more := await fetched(shop):
        got += more
    late = got.index("a token of now")
    assert got.pop(late) == "a token of now" and late == len(texts[MessageKind.TOKEN])
    assert got == texts[MessageKind.TOKEN] + texts[MessageKind.REPLY] + texts[MessageKind.REMINDER]


# When phones are told at once, and when there may be more to tell

NEVER = 3_600  # seconds


@pytest.fixture
async def running(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """Phones at work, one of them linked, that would gather for an hour and have looked at what there is."""
    monkeypatch.setattr("bot.android.service.GATHER_S", float(NEVER))
    monkeypatch.setattr("bot.android.service.LOOK_MS", NEVER * SECOND)
    await shop.link(VODACOM)
    run = asyncio.create_task(shop.phones.run())
    await looked(shop)
    yield shop
    shop.phones.stop()
    await run


async def looked(shop: Shop) -> None:
    """Wait until they have looked at this moment."""
    async with asyncio.timeout(60):
        while shop.phones.turned_at != shop.clock():
            await asyncio.sleep(0)


async def told(stream: Stream) -> None:
    """Wait until the phone is told that messages wait."""
    async with asyncio.timeout(60):
        async for chunk in stream.chunks():
            if b"MessageEnqueued" in chunk:
                return


async def committed(shop: Shop, text: str) -> None:
    await shop.enqueue(text)
    shop.clock.now += 1
    shop.phones.notify([shop.phone.gateway])


async def test_a_phone_that_waits_is_told_at_once(running: Shop) -> None:
    stream = await running.phones.open_stream(running.phone)
    for text in ("first", "second"):
        await committed(running, text)
        await told(stream)
        assert text in await running.pull()
        running.clock.now += 2 * SECOND


async def test_what_comes_for_a_phone_that_was_told_is_gathered_and_what_comes_after_its_rest_is_not(
    running: Shop,
) -> None:
    stream = await running.phones.open_stream(running.phone)
    await committed(running, "first")
    await told(stream)
    told_at = running.phones.turned_at
    await committed(running, "second")
    await a_while()
    assert running.phones.turned_at == told_at
    assert list(await running.pull()) == ["first"]
    await committed(running, "third")
    await a_while()
    assert running.phones.turned_at == told_at, "it rests between two messages"
    running.clock.now += 2 * SECOND
    await committed(running, "fourth")
    await told(stream)


@pytest.mark.parametrize("gateways", [["kannel"], None], ids=["others", "not known"])
async def test_what_is_for_no_phone_hurries_nothing(running: Shop, gateways: list[str] | None) -> None:
    running.clock.now += 1
    await running.phones.open_stream(running.phone)
    await looked(running)
    running.clock.now += 1
    running.phones.notify(gateways)
    await a_while()
    assert running.phones.turned_at == running.clock() - 1


async def test_a_phone_whose_rest_ends_right_after_a_look_is_looked_for_again_at_once(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.phones.open_stream(shop.phone)
    await shop.enqueue("first", "second")
    await shop.pull()
    shop.clock.now += 2 * SECOND - 1
    await shop.phones.turn()
    assert shop.phones._wait() == 0.001
    shop.clock.now += 2
    assert shop.phones._wait() == 0


async def a_while() -> None:
    for _turn_of_the_loop in range(50):
        await asyncio.sleep(0)
