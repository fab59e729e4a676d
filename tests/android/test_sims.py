"""Which SIM of a gateway phone carries a message, when, and which one does so no more."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.android import linking, queue
from bot.android.sims import NO_CREDIT, choose_sims, fits_receiver
from bot.runtime import Database
from models.messages import Phone, Sim, State
from tests.world.outbox_rig import HOUR, MINUTE, START
from tests.world.phone_rig import AIRTEL, AMINA, BARAKA, PERIOD, VODACOM, Shop, numbered

VODACOM_CODE, AIRTEL_CODE = "64004", "64005"


@pytest.fixture
async def shop(database: Database) -> Shop:
    return Shop(database)


async def test_three_generic_failures_in_a_row_stop_a_sim(shop: Shop) -> None:
    await shop.link(VODACOM, AIRTEL)
    shop.networks = {BARAKA: VODACOM_CODE}
    await shop.enqueue(*numbered(6))
    ids = await shop.pull()
    outcomes = [False, False, True, False, False, False]
    for external_id, well in zip(ids.values(), outcomes, strict=True):
        state, more = (State.SENT, {}) if well else (State.FAILED, {"error": "gateway fault", "generic": True})
        assert (await shop.sims())[0].stopped == ""
        await shop.report(external_id, state, **more)
    assert await shop.sims() == [replace(VODACOM, failures=3, stopped=NO_CREDIT), AIRTEL]
    await shop.enqueue("by the other")
    await shop.pull()
    assert (await shop.row("by the other"))["sim"] == 2
    await linking.resume(await Phone.get(id=shop.phone.id), actor="office")
    assert await shop.sims() == [VODACOM, AIRTEL]


async def test_a_message_to_a_wrong_number_stops_no_sim_after_the_first(shop: Shop) -> None:
    await shop.link(VODACOM, AIRTEL)
    shop.networks = {BARAKA: VODACOM_CODE}
    await shop.enqueue("to a wrong number")
    for _ in range(6):
        (external_id,) = (await shop.pull()).values()
        await shop.report(external_id, State.FAILED, error="gateway fault", generic=True)
        await shop.sql("UPDATE outbox SET state = 'waiting' WHERE state = 'scheduled'")
        shop.clock.now += MINUTE
    assert await shop.sims() == [replace(VODACOM, failures=3, stopped=NO_CREDIT), AIRTEL]


async def test_that_an_older_message_arrives_says_nothing_of_the_credit_now(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue(*numbered(6))
    ids = list((await shop.pull()).values())
    older, newer = ids[:3], ids[3:]
    await shop.phones.note_heard(shop.phone)
    for external_id in older:
        await shop.report(external_id, State.SENT)
    for sent, failed in zip(older, newer, strict=True):
        await shop.report(failed, State.FAILED, error="gateway fault", generic=True)
        if sent != older[-1]:
            await shop.report(sent, State.DELIVERED, event="delivered")
    assert await shop.sims() == [replace(VODACOM, failures=3, stopped=NO_CREDIT)]
    await shop.report(older[-1], State.DELIVERED, event="delivered")
    assert await shop.sims() == [replace(VODACOM, failures=3, stopped=NO_CREDIT)]
    assert (await shop.sql("SELECT failures FROM gatewaystate"))[0]["failures"] == 3


async def test_that_a_message_arrives_which_was_not_said_to_be_sent_tells_that_the_sim_is_well(shop: Shop) -> None:
    await shop.link(VODACOM)
    await shop.enqueue(*numbered(2))
    first, second = (await shop.pull()).values()
    await shop.report(first, State.FAILED, error="gateway fault", generic=True)
    await shop.report(second, State.DELIVERED, event="delivered")
    assert await shop.sims() == [VODACOM]


async def test_a_phone_whose_only_sim_is_stopped_is_no_gateway(shop: Shop) -> None:
    await shop.link(replace(VODACOM, stopped=NO_CREDIT))
    await shop.enqueue("hello")
    assert await shop.pull() == {} and shop.phones.names() == []


async def test_a_phone_that_hides_its_sims_chooses_itself(shop: Shop) -> None:
    await shop.link()
    await shop.enqueue("hello")
    await shop.pull()
    assert (await shop.row("hello"))["sim"] == 0


async def test_different_people_are_counted_by_sim_and_month(shop: Shop) -> None:
    await shop.link(VODACOM)
    for n, text in enumerate(numbered(3)):
        await shop.enqueue(text, to=(BARAKA, AMINA, BARAKA)[n])
    await shop.pull()
    async with shop.database.work() as db:
        assert await queue.receivers(db, shop.phone, shop.clock()) == {1: 2}
        assert await queue.receivers(db, shop.phone, shop.clock() + 31 * 24 * HOUR) == {}
        assert await queue.forget_receivers(db, shop.clock(), 100) == 0
        assert await queue.forget_receivers(db, shop.clock() + 31 * 24 * HOUR, 100) == 2


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
    assert fits_receiver(sim, receiver, network) is fits


def planned(
    went: Sequence[tuple[int, int, int]], receivers: Sequence[str], spaced: bool = True
) -> tuple[list[int], int]:
    """SIMs for messages of one part, when `went` (SIM, ms ago, parts) went before; and when the rest may go."""
    networks = {BARAKA: AIRTEL_CODE, AMINA: VODACOM_CODE}
    choice = choose_sims(
        [VODACOM, AIRTEL],
        [{"sim": sim, "claimed_at": START - ago, "parts": parts} for sim, ago, parts in went],
        [{"id": n, "phone": receiver, "parts": 1, "priority": 1} for n, receiver in enumerate(receivers)],
        START,
        spaced=spaced,
        network_of=lambda phone: networks.get(phone, ""),
    )
    return [sim for _, sim in choice.chosen], choice.ready_at - START if choice.ready_at else 0


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
