"""How a gateway is, from what is known of it."""

from dataclasses import replace

import pytest

from bot.routing import Condition, Facts, Health, Watch
from bot.routing import watch as watching
from bot.routing.health import condition_of
from bot.routing.networks import Networks, fits
from bot.runtime import Database
from models.messages import MessageKind, Sim
from models.messages.phones import write_sims
from tests.world.outbox_rig import MINUTE, SECOND, START, Bench

GATEWAY = Facts("kannel", heard_at=START, sent_at=START)
PHONE = Facts("phone-1", phone=True, heard_at=START, battery=80, charging=True)
TESTED = replace(GATEWAY, tested_at=START - 20 * MINUTE, returned_at=START - 80 * MINUTE)
WELL, QUIET, DOWN, PAUSED = Health.WELL, Health.QUIET, Health.DOWN, Health.PAUSED

FACTS = [
    (GATEWAY, WELL),
    (Facts("kannel"), WELL),
    (replace(GATEWAY, heard_at=START - 300 * MINUTE), WELL),
    (replace(GATEWAY, failures=2, failed_at=START), WELL),
    (replace(GATEWAY, failures=3, failed_at=START), DOWN),
    (replace(GATEWAY, failures=3, failed_at=START - 1, sent_at=START), WELL),
    (replace(GATEWAY, failures=3, failed_at=START - 5 * MINUTE, sent_at=0), QUIET),
    (replace(GATEWAY, alert="It is empty.", failed_at=START, paused_until=START + 1), DOWN),
    (replace(GATEWAY, alert="It is empty.", failed_at=START - 5 * MINUTE, sent_at=0), QUIET),
    (replace(GATEWAY, paused_until=START + 1), PAUSED),
    (replace(GATEWAY, paused_until=START), WELL),
    (replace(GATEWAY, waiting=1, oldest=START - 60 * MINUTE, urgent=START - 4 * MINUTE), WELL),
    (replace(GATEWAY, waiting=1, oldest=START - 60 * MINUTE, urgent=START - 5 * MINUTE), QUIET),
    (replace(TESTED, test_left_at=START - 9 * MINUTE), WELL),
    (replace(TESTED, test_left_at=START - 10 * MINUTE), QUIET),
    (replace(TESTED, test_left_at=START - 20 * MINUTE, returned_at=START - 19 * MINUTE), WELL),
    (replace(TESTED, test_left_at=0), WELL),
    (replace(TESTED, tested_at=START - 60 * MINUTE, test_left_at=START - 60 * MINUTE), QUIET),
    (replace(TESTED, tested_at=START - 61 * MINUTE, test_left_at=START - 61 * MINUTE), WELL),
    (replace(GATEWAY, lost_tests=1), QUIET),
    (replace(GATEWAY, lost_tests=2), DOWN),
    (PHONE, WELL),
    (replace(PHONE, heard_at=START - 14 * MINUTE), WELL),
    (replace(PHONE, heard_at=START - 15 * MINUTE), QUIET),
    (replace(PHONE, heard_at=START - 90 * MINUTE), DOWN),
    (replace(PHONE, heard_at=0), DOWN),
    (replace(PHONE, stopped="The SIM has no credit."), DOWN),
    (replace(PHONE, clock_offset=300), WELL),
    (replace(PHONE, clock_offset=301), DOWN),
    (replace(PHONE, clock_offset=-301), DOWN),
    (replace(PHONE, clock_offset=301, paused=True), PAUSED),
    (replace(PHONE, paused=True), PAUSED),
    (replace(PHONE, paused=True, heard_at=0), PAUSED),
    (replace(PHONE, battery=15, charging=False), QUIET),
    (replace(PHONE, battery=15, charging=True), WELL),
    (replace(PHONE, battery=16, charging=False), WELL),
    (replace(PHONE, battery=None, charging=None), WELL),
]


@pytest.mark.parametrize(("facts", "state"), FACTS)
def test_the_state_follows_from_the_facts_and_has_a_reason_unless_it_is_well(facts: Facts, state: Health) -> None:
    found = condition_of(facts, START)
    assert found.state is state
    assert bool(found.reason) is (state is not WELL)


async def test_a_phone_with_a_wrong_clock_is_down_since_nothing_comes_in_by_it(database: Database) -> None:
    bench = Bench(database)
    phone = await bench.link()
    await bench.sql("UPDATE phone SET clock_offset = -7200")
    await bench.router.watch.look()
    assert bench.router.watch.gateways[phone][1] == Condition(DOWN, "Its clock is 2 h late.")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(GATEWAY, alert="It is empty.", failed_at=START - 5 * MINUTE, sent_at=0), "It is empty."),
        (replace(GATEWAY, failures=4, failed_at=START - 6 * MINUTE, sent_at=0), "Nothing could be handed to it, 4"),
        (replace(PHONE, heard_at=START - 91 * MINUTE, battery=9, charging=False), "Its battery was at 9 %"),
    ],
)
def test_a_reason_is_kept_when_the_state_goes_on(facts: Facts, reason: str) -> None:
    assert reason in condition_of(facts, START).reason


async def test_a_phone_with_an_app_that_is_too_old_is_down_for_that_reason(database: Database) -> None:
    bench = Bench(database)
    name = await bench.link()
    await bench.sql("UPDATE phone SET version = '1.66.1'")
    await bench.router.watch.look()
    _, condition = bench.router.watch.gateways[name]
    assert condition.state is DOWN
    assert condition.reason == "Its app is 1.66.1 and gets no messages: install 1.67.0 or newer."


@pytest.mark.parametrize(
    ("network", "carrier", "expected"),
    [("64004", "Vodacom TZ", True), ("64004", "airtel", False), ("64005", "AIRTEL", True), ("99999", "Athena", False)],
)
def test_a_sim_fits_the_network_whose_name_it_bears(network: str, carrier: str, expected: bool) -> None:
    assert fits(network, carrier) is expected


async def test_networks_are_remembered_from_what_people_wrote(database: Database) -> None:
    bench = Bench(database)
    await bench.sql(
        "INSERT INTO contact (phone, language, talk, stopped_at, silent_until, bad_text, bad_count, bad_since, "
        "replies, replies_since, network) VALUES ('+255710000001', '', '', 0, 0, '', 0, 0, 0, 0, '64004'), "
        "('+255710000003', '', '', 0, 0, '', 0, 0, 0, 0, 'smsc1')"
    )
    networks = Networks()
    await networks.load()
    networks.learn("+255710000002", "64005")
    for word in ("", "smsc1", "SIM1", "6400", "6400455", "٦٤٠٠٤"):
        networks.learn("+255710000002", word)
    assert [networks.of(f"+25571000000{n}") for n in (1, 2, 3)] == ["64004", "64005", ""]


async def test_a_look_gathers_what_is_known_of_gateways_and_phones(database: Database) -> None:
    bench = Bench(database)
    sims = write_sims([Sim(1, stopped="no credit"), Sim(2, "+255620000001", "Halotel")])
    name = await bench.link(battery=9, charging=False, sims=sims)
    await bench.enqueue("one", "two", gateway=name)
    bench.gateway.refuse("unreachable")
    await bench.enqueue("three")
    await bench.settle()
    bench.clock.now += SECOND
    await bench.router.watch.look()
    facts, condition = bench.router.watch.gateways[name]
    assert (facts.title, facts.waiting, facts.oldest, facts.network) == ("Shop phone 1", 2, START, "wifi")
    assert (facts.carriers, facts.number, facts.stopped) == (("Halotel",), "+255620000001", "")
    assert condition.reason == "Its battery is at 9 % and is not charging."
    facts, _ = bench.router.watch.gateways["africastalking"]
    assert (facts.failures, facts.failed_at, facts.heard_at) == (1, START, 0)


async def test_reminders_that_wait_for_their_turn_leave_a_phone_well(database: Database) -> None:
    bench = Bench(database)
    name = await bench.link()
    await bench.enqueue("pay on Monday", kind=MessageKind.REMINDER, gateway=name)
    bench.clock.now += 10 * MINUTE
    await bench.router.watch.look()
    facts, condition = bench.router.watch.gateways[name]
    assert (facts.oldest, facts.urgent, condition.state) == (START, 0, WELL)


async def test_an_answering_gateway_was_heard_and_every_five_seconds_that_is_written(database: Database) -> None:
    bench = Bench(database)
    heard = []
    for text in ("one", "two", "three"):
        await bench.enqueue(text)
        await bench.settle()
        heard.append((await bench.gateway_row())["heard_at"] - START)
        bench.clock.now += 4 * SECOND
    assert heard == [0, 0, 8 * SECOND]


async def test_a_callback_counts_as_heard_and_leaves_the_pause_alone(database: Database) -> None:
    bench = Bench(database)
    bench.gateway.refuse("no balance")
    await bench.enqueue("hello")
    await bench.settle()
    before = await bench.gateway_row()
    bench.clock.now += 100
    fresh = bench.new_outbox()
    fresh.note_heard("africastalking")
    await fresh.turn()
    after = await bench.gateway_row()
    assert (before["heard_at"], after["heard_at"]) == (START, START + 100)
    assert (after["paused_until"], after["alert"]) == (before["paused_until"], before["alert"])


async def test_a_gateway_that_was_down_is_tried_by_one_message_and_then_not_for_a_while(database: Database) -> None:
    bench = Bench(database)
    watch = Watch(["kannel"], bench.clock)
    await bench.sql(
        "INSERT INTO gatewaystate (name, failures, failed_at) VALUES ('kannel', 3, $1)",
        START,
    )
    await watch.look()
    assert (watch.state("kannel"), watch.may_try("kannel")) == (DOWN, False)
    bench.clock.now += 5 * MINUTE
    await watch.look()
    assert watch.state("kannel") is QUIET
    assert [watch.may_try("kannel") for _ in range(2)] == [True, True], "to ask changes nothing"
    watch.note_trial("kannel")
    assert not watch.may_try("kannel")
    bench.clock.now += 5 * MINUTE
    assert watch.may_try("kannel")


async def test_a_flood_at_one_gateway_hides_neither_the_others_nor_what_is_urgent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(database)
    monkeypatch.setattr(watching, "WAITING", watching.WAITING.replace(f"LIMIT {watching.LOOK}", "LIMIT 3"))
    await bench.enqueue(*"abcde", kind=MessageKind.BROADCAST, gateway="africastalking")
    await bench.enqueue("token", kind=MessageKind.TOKEN, gateway="africastalking")
    await bench.enqueue("reply", gateway="kannel")
    watch = Watch(["africastalking", "kannel", "pigeon"], bench.clock)
    await watch.look()
    seen = {name: (facts.waiting, facts.replies, facts.tokens) for name, (facts, _) in watch.gateways.items()}
    assert seen == {"africastalking": (3, 1, 1), "kannel": (1, 1, 0), "pigeon": (0, 0, 0)}
