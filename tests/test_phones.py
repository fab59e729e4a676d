"""Gateway phones against the database, by a clock that stands still: what they pull, how fast, by which SIM, and what
their reports do. Two servers at once keep to one pace."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from bot import linking, pulled
from bot.database import Database
from bot.gateways.android_events import Report
from bot.metrics import Metrics
from bot.phones import Phones
from bot.promises import Promise, promise
from bot.sims import NO_CREDIT, fit, plan
from models.messages import Class, State
from models.phones import Phone, Sim, read_sims, write_sims
from models.sql import execute
from models.vault import Vault
from tests.sending import HOUR, MINUTE, SECOND, START, Clock

VODACOM, AIRTEL = Sim(1, "+255740000001", "Vodacom TZ"), Sim(2, "+255680000001", "airtel")
VODACOM_CODE, AIRTEL_CODE = "64004", "64005"
BARAKA, AMINA = "+255710000002", "+255740000009"
PERIOD = 33 * MINUTE


class Shop:
    """A database with one linked phone and any number of servers."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock, self.vault = database, Clock(), Vault("k" * 32)
        self.networks: dict[str, str] = {}
        self.phones = self.server()
        self.phone: Phone

    def server(self) -> Phones:
        return Phones(
            *(self.database, self.vault, Metrics()),
            network_of=lambda phone: self.networks.get(phone, ""),
            clock=self.clock,
            random=Random(7),
        )

    async def link(self, *sims: Sim) -> None:
        async with self.database.work():
            self.phone, _ = await linking.add("Shop phone", self.vault, self.clock())
            self.phone.linked_at, self.phone.sims = self.clock(), write_sims(sims)
            await self.phone.save()
        await self.phones.look()

    async def promise(
        self, *texts: str, to: str = BARAKA, kind: Class = Class.REPLY, phone: Phone | None = None
    ) -> None:
        gateway = (phone or self.phone).gateway
        async with self.database.work():
            await promise([Promise(text[:60], to, text, kind, gateway) for text in texts], self.clock())

    async def pull(self, server: Phones | None = None) -> dict[str, str]:
        """The ids that the phone has now, by text."""
        rows = await (server or self.phones).pull(await Phone.get(id=self.phone.id))
        return {row["text"]: row["external_id"] for row in rows}

    async def report(self, external_id: str, state: State | None, **more: Any) -> int:
        return await self.phones.report(self.phone, [Report(external_id, state, **more)])

    async def row(self, origin: str) -> dict[str, Any]:
        return (await self.sql("SELECT * FROM outbox WHERE origin = $1", origin[:60]))[0]

    async def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.work() as db:
            return await execute(db, statement, values)

    async def sims(self) -> list[Sim]:
        return read_sims((await Phone.get(id=self.phone.id)).sims)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return Shop(database)


def numbered(count: int) -> list[str]:
    return [f"text {n:02d}" for n in range(count)]


async def test_a_phone_that_polls_gets_28_parts_in_half_an_hour_whatever_the_sim(shop: Shop) -> None:
    await shop.link(VODACOM, AIRTEL)
    await shop.promise(*numbered(30))
    assert len(await shop.pull()) == 28
    shop.clock.now += PERIOD - 1
    assert len(await shop.pull()) == 28
    shop.clock.now += 1
    assert len(await shop.pull()) == 30
    went = await shop.sql("SELECT sim, COUNT(*) AS n FROM outbox WHERE state = 'sending' GROUP BY sim ORDER BY sim")
    assert [row["n"] for row in went] == [15, 15]


async def test_a_phone_with_a_stream_gets_one_every_two_seconds(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.phones.opened(shop.phone)
    await shop.promise(*numbered(3))
    seen = []
    for _ in range(5):
        seen.append(len(await shop.pull()))
        shop.clock.now += SECOND
    assert seen == [1, 1, 2, 2, 3]


async def test_a_phone_that_was_told_and_did_not_ask_is_told_again_a_minute_later(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.opened(shop.phone)
    await shop.promise("hello")
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
    stream = await shop.phones.opened(shop.phone)
    await shop.promise(*numbered(28))
    for _ in range(28):
        await shop.phones.turn()
        await shop.pull()
        shop.clock.now += 2 * SECOND
    shop.clock.now -= HOUR
    await shop.promise("hello")
    await shop.phones.turn()
    assert "hello" in await shop.pull()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessageEnqueued") >= 2


async def test_a_phone_is_told_of_what_is_more_urgent_than_what_has_to_wait(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.opened(shop.phone)
    await shop.promise(*numbered(27), "x" * 300, kind=Class.REMINDER)
    for _ in range(28):
        assert len(await shop.pull()) <= 27, "the last one is longer than what is left"
        shop.clock.now += 2 * SECOND
    for kind in (Class.REMINDER, Class.TOKEN):
        await shop.promise(f"a {kind}", kind=kind)
        await shop.phones.turn()
    assert next(iter(await shop.pull())) == "a token"
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageEnqueued") == 1


async def test_a_phone_that_asked_another_server_is_told_of_the_next_message_at_once(shop: Shop) -> None:
    """Its stream leads to one of two servers, its other calls to either."""
    await shop.link(VODACOM)
    stream, other = await shop.phones.opened(shop.phone), shop.server()
    await shop.promise("first")
    await shop.phones.turn()
    shop.clock.now += SECOND
    await shop.pull(other)
    shop.clock.now += 2 * SECOND
    await shop.promise("second")
    await shop.phones.turn()
    stream.close()
    assert b"".join([chunk async for chunk in stream.chunks()]).count(b"MessageEnqueued") == 2


async def test_long_messages_count_by_their_parts(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise(*(f"{n} " + "x" * 800 for n in range(6)))  # six parts each
    assert len(await shop.pull()) == 4


async def test_tokens_go_first_and_what_is_late_or_for_others_stays(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("reminder", kind=Class.REMINDER)
    await shop.promise("reply")
    await shop.promise("token", kind=Class.TOKEN)
    await shop.promise("late")
    await shop.sql("UPDATE outbox SET expires_at = $1 WHERE origin = 'late'", START)
    await shop.sql("UPDATE outbox SET gateway = 'kannel' WHERE origin = 'reminder'")
    assert list(await shop.pull()) == ["token", "reply"]


async def test_two_servers_give_a_message_once_and_keep_one_pace(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise(*numbered(40))
    other = shop.server()
    for server in (shop.phones, other):
        await server.opened(shop.phone)
    await asyncio.gather(shop.pull(), shop.pull(other), shop.pull(), shop.pull(other))
    taken = await shop.sql("SELECT tries, external_id FROM outbox WHERE state = 'sending'")
    assert [row["tries"] for row in taken] == [1]


@pytest.mark.parametrize("switch", ["paused", "old app", "outgoing", "unlinked"])
async def test_what_is_switched_off_gets_nothing_new_and_keeps_what_it_has(shop: Shop, switch: str) -> None:
    await shop.link(VODACOM)
    await shop.promise("first")
    await shop.pull()
    await shop.promise("second")
    match switch:
        case "paused":
            await linking.pause(shop.phone)
        case "old app":
            await shop.sql("UPDATE phone SET version = '1.66.1'")
        case "outgoing":
            await shop.sql("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
        case "unlinked":
            await shop.sql("UPDATE phone SET unlinked_at = 1")
    assert list(await shop.pull()) == ["first"]
    await shop.phones.look()
    assert shop.phones.names() == ([shop.phone.gateway] if switch == "outgoing" else [])


async def test_a_failed_message_goes_again_under_a_new_id(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("hello")
    first = (await shop.pull())["hello"]
    assert await shop.report(first, State.FAILED, error="unreachable") == 0
    row = await shop.row("hello")
    assert (row["state"], row["error"]) == ("scheduled", "unreachable") and row["due_at"] > START
    assert await shop.report(first, State.FAILED, error="unreachable") == 0
    assert (await shop.row("hello"))["due_at"] == row["due_at"], "told twice, counted once"
    await shop.sql("UPDATE outbox SET state = 'waiting'")
    second = (await shop.pull())["hello"]
    assert first != second and first.rpartition("-")[0] == second.rpartition("-")[0]
    assert await shop.report(first, State.SENT) == 0, "of the try before"
    assert (await shop.row("hello"))["state"] == "sending"
    assert await shop.report(second, State.SENT) == 0
    assert (await shop.row("hello"))["state"] == "sent"


async def test_what_was_sent_after_all_does_not_go_again(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("hello")
    first = (await shop.pull())["hello"]
    await shop.report(first, State.FAILED, error="gateway fault")
    await shop.report(first, State.SENT)
    assert (await shop.row("hello"))["state"] == "sent"
    await shop.report(first, State.FAILED, error="undelivered")
    assert (await shop.row("hello"))["state"] == "failed"
    await shop.report(first, State.DELIVERED)
    assert (await shop.row("hello"))["state"] == "delivered"


async def test_what_a_phone_gives_back_waits_again(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("hello")
    first = (await shop.pull())["hello"]
    await shop.report(first, State.WAITING)
    assert (await shop.row("hello"))["state"] == "waiting"
    assert (await shop.pull())["hello"] != first


async def test_a_phone_that_is_paused_is_asked_for_what_it_has_not_sent(shop: Shop) -> None:
    await shop.link(VODACOM)
    stream = await shop.phones.opened(shop.phone)
    await shop.promise("hello")
    first = (await shop.pull())["hello"]
    await linking.pause(shop.phone)
    await shop.phones.look()
    await shop.phones.look()
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageCancelled") == 1 and f'"messageId": "{first}"'.encode() in told


async def test_a_paused_phone_that_comes_back_is_asked_as_well(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("hello")
    first = (await shop.pull())["hello"]
    await linking.pause(shop.phone)
    await shop.phones.look()
    stream = await shop.phones.opened(await Phone.get(id=shop.phone.id))
    stream.close()
    told = b"".join([chunk async for chunk in stream.chunks()])
    assert told.count(b"MessageCancelled") == 1 and f'"messageId": "{first}"'.encode() in told


async def test_a_long_message_is_delivered_with_its_last_part(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("x" * 300)
    external_id = next(iter((await shop.pull()).values()))
    states = []
    for event in ("", "e1", "e1", "", "e2", "e3"):
        await shop.report(external_id, State.DELIVERED, event=event)
        states.append((await shop.row("x" * 300))["state"])
    assert states == ["sent", "sent", "sent", "sent", "delivered", "delivered"]
    assert await shop.sql("SELECT 1 FROM phone_part") == []


async def test_a_long_message_of_which_a_part_failed_may_have_arrived(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.promise("x" * 300)
    external_id = next(iter((await shop.pull()).values()))
    await shop.report(external_id, State.FAILED, error="gateway fault", generic=True)
    assert (await shop.row("x" * 300))["state"] == "uncertain"


async def test_three_generic_failures_in_a_row_stop_a_sim(shop: Shop) -> None:
    await shop.link(VODACOM, AIRTEL)
    shop.networks = {BARAKA: VODACOM_CODE}
    await shop.promise(*numbered(6))
    ids = await shop.pull()
    outcomes = [False, False, True, False, False, False]
    for external_id, well in zip(ids.values(), outcomes, strict=True):
        state, more = (State.SENT, {}) if well else (State.FAILED, {"error": "gateway fault", "generic": True})
        assert (await shop.sims())[0].stopped == ""
        await shop.report(external_id, state, **more)
    assert await shop.sims() == [replace(VODACOM, failures=3, stopped=NO_CREDIT), AIRTEL]
    await shop.promise("by the other")
    await shop.pull()
    assert (await shop.row("by the other"))["sim"] == 2
    await linking.resume(await Phone.get(id=shop.phone.id))
    assert await shop.sims() == [VODACOM, AIRTEL]


async def test_a_phone_whose_only_sim_is_stopped_is_no_gateway(shop: Shop) -> None:
    await shop.link(replace(VODACOM, stopped=NO_CREDIT))
    await shop.promise("hello")
    assert await shop.pull() == {} and shop.phones.names() == []


async def test_a_phone_that_hides_its_sims_chooses_itself(shop: Shop) -> None:
    await shop.link()
    await shop.promise("hello")
    await shop.pull()
    assert (await shop.row("hello"))["sim"] == 0


async def test_different_people_are_counted_by_sim_and_month(shop: Shop) -> None:
    await shop.link(VODACOM)
    for n, text in enumerate(numbered(3)):
        await shop.promise(text, to=(BARAKA, AMINA, BARAKA)[n])
    await shop.pull()
    async with shop.database.work() as db:
        assert await pulled.receivers(db, shop.phone, shop.clock()) == {1: 2}
        assert await pulled.receivers(db, shop.phone, shop.clock() + 31 * 24 * HOUR) == {}
        assert await pulled.forget_receivers(db, shop.clock(), 100) == 0
        assert await pulled.forget_receivers(db, shop.clock() + 31 * 24 * HOUR, 100) == 2


async def test_two_guesses_at_once_do_not_use_a_code_twice(shop: Shop) -> None:
    async with shop.database.work():
        _, code = await linking.add("Shop phone", shop.vault, shop.clock())

    async def guess() -> bool:
        async with shop.database.work():
            return await linking.by_code(code, shop.vault, shop.clock()) is not None

    assert sorted(await asyncio.gather(guess(), guess(), guess())) == [False, False, True]


async def test_a_name_is_free_again_when_its_phone_is_unlinked(shop: Shop) -> None:
    await shop.link(VODACOM)
    async with shop.database.work():
        await linking.unlink(shop.phone, shop.clock())
        other, _ = await linking.add("Shop phone", shop.vault, shop.clock())
    assert other.gateway != shop.phone.gateway
    with pytest.raises(linking.NoSuchPhone):
        await linking.find("Nobody")
    async with shop.database.work():
        third, _ = await linking.add("Third", shop.vault, shop.clock())
        with pytest.raises(linking.NameTaken):
            await linking.rename(third, "Shop phone")


async def test_a_phone_that_was_away_for_two_hours_is_asked_and_has_lost_nothing(shop: Shop) -> None:
    await shop.link(VODACOM)
    shop.clock.now += 3 * 24 * HOUR
    stream = await shop.phones.opened(shop.phone)
    await shop.phones.heard(shop.phone, webhook=True)
    shop.clock.now += 2 * HOUR
    phone = await Phone.get(id=shop.phone.id)
    await shop.phones.heard(phone, webhook=True, clock_offset=60)
    stream.close()
    told = [chunk async for chunk in stream.chunks()][-1]
    assert b"MessagesExportRequested" in told
    assert b'"since": "2025-10-11T08:53:20.000Z", "until": "2025-10-13T10:53:20.000Z"' in told, "a day more each way"
    assert (await Phone.get(id=phone.id)).lost == ""


NETWORKS = [
    ("a SIM of the receiver's network", VODACOM, BARAKA, VODACOM_CODE, True),
    ("a SIM of another one", AIRTEL, BARAKA, VODACOM_CODE, False),
    ("an unknown network, numbers alike", VODACOM, AMINA, "", True),
    ("an unknown network, numbers unlike", VODACOM, BARAKA, "", False),
    ("a SIM that tells no name, numbers alike", replace(VODACOM, carrier=""), AMINA, AIRTEL_CODE, True),
    ("a SIM that tells nothing", Sim(1), BARAKA, "", False),
]


@pytest.mark.parametrize(("why", "sim", "receiver", "network", "fits"), NETWORKS, ids=[row[0] for row in NETWORKS])
def test_which_sim_fits(why: str, sim: Sim, receiver: str, network: str, fits: bool) -> None:
    assert fit(sim, receiver, network) is fits


def planned(
    went: Sequence[tuple[int, int, int]], receivers: Sequence[str], spaced: bool = True
) -> tuple[list[int], int]:
    """SIMs for messages of one part, when `went` (SIM, ms ago, parts) went before; and when the rest may go."""
    networks = {BARAKA: AIRTEL_CODE, AMINA: VODACOM_CODE}
    chosen, ready, _ = plan(
        [VODACOM, AIRTEL],
        [{"sim": sim, "claimed_at": START - ago, "parts": parts} for sim, ago, parts in went],
        [{"id": n, "phone": receiver, "parts": 1, "priority": 1} for n, receiver in enumerate(receivers)],
        START,
        spaced=spaced,
        network_of=lambda phone: networks.get(phone, ""),
    )
    return [sim for _, sim in chosen], ready - START if ready else 0


def test_each_receiver_gets_it_by_a_sim_of_the_same_network() -> None:
    assert planned([], [BARAKA, AMINA]) == ([2, 1], 0)


def test_it_waits_a_moment_for_the_sim_that_fits() -> None:
    assert planned([(2, 500, 1)], [BARAKA]) == ([], 1_500)


def test_what_one_sim_sent_counts_against_the_other() -> None:
    assert planned([(2, MINUTE, 28)], [AMINA]) == ([], PERIOD - MINUTE)


def test_what_waits_for_one_sim_does_not_hold_up_the_other() -> None:
    assert planned([(2, 500, 1)], [BARAKA, AMINA, BARAKA]) == ([1], 1_500)
    assert planned([(2, 500, 27)], [BARAKA, AMINA, AMINA]) == ([1], 1_500)


def test_the_first_that_may_not_go_holds_up_the_rest() -> None:
    assert planned([(1, 500, 1), (2, 500, 1)], [BARAKA, AMINA]) == ([], 1_500)
    assert planned([(2, 2 * MINUTE, 14), (1, MINUTE, 14)], ["+255750000000"]) == ([], PERIOD - 2 * MINUTE)
