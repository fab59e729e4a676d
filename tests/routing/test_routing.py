"""Which gateway a message goes by."""

import pytest

from bot.message import Inbound, UssdTurn
from bot.routing import NOWHERE, Condition, Facts, Health, Router, Watch
from bot.routing.health import FAILURES
from bot.routing.networks import Networks
from bot.routing.router import Rule, route
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, MINUTE, START, Clock
from tests.world.people import PEOPLE, Phones

WELL, QUIET, DOWN, PAUSED = Health.WELL, Health.QUIET, Health.DOWN, Health.PAUSED
NAIROBI = "+254712000001"
ALL = ("africastalking", "kannel", "phones")


class Seen(Watch):
    """Gateways that are as a test says; the rest is well."""

    def __init__(self, **states: Health) -> None:
        self.clock = Clock()
        super().__init__(clock=self.clock)
        named = {name.replace("_", "-"): state for name, state in states.items()}
        self._facts = {name: Facts(name) for name in named}
        self._conditions = {name: Condition(state) for name, state in named.items()}

    def note_heard(self, name: str) -> None:
        """It stays as the test says."""

    def fails(self, name: str) -> None:
        self._facts[name] = Facts(name, failures=FAILURES, failed_at=START)

    def knows(self, name: str, *carriers: str, waiting: int = 0) -> None:
        self._facts[name] = Facts(name, carriers=carriers, waiting=waiting)


def router(
    watch: Watch | None = None,
    *rules: Rule,
    order: tuple[str, ...] = ALL,
    phones: tuple[str, ...] = ("phone-1", "phone-2"),
    networks: Networks | None = None,
) -> Router:
    made = Router(order, rules, able=("africastalking", "kannel", "simulator"), watch=watch, networks=networks)
    made.linked = lambda: phones
    return made


@pytest.mark.parametrize(
    ("came_in_by", "states", "goes_by"),
    [
        ("kannel", {}, "kannel"),
        ("simulator", {}, "simulator"),
        ("phone-2", {}, "phone-2"),
        ("a gateway that only brings", {}, "africastalking"),
        ("phone-9", {}, "africastalking"),
        ("kannel", {"kannel": DOWN}, "africastalking"),
        ("kannel", {"kannel": QUIET}, "africastalking"),
        ("kannel", {"kannel": DOWN, "africastalking": DOWN}, "phone-1"),
    ],
)
def test_a_reply_goes_the_way_its_message_came_while_that_is_well(
    came_in_by: str, states: dict[str, Health], goes_by: str
) -> None:
    assert router(Seen(**states)).reply_gateway(came_in_by, ASHA) == goes_by


@pytest.mark.parametrize(
    ("states", "goes_by"),
    [
        ({}, "africastalking"),
        ({"africastalking": DOWN}, "kannel"),
        ({"africastalking": DOWN, "kannel": QUIET}, "phone-1"),
        ({"africastalking": DOWN, "kannel": DOWN, "phone_1": DOWN}, "phone-2"),
        # where none is well the first that is quiet, then what asks us to slow down, then what is down
        ({"africastalking": PAUSED, "kannel": DOWN, "phone_1": QUIET, "phone_2": DOWN}, "phone-1"),
        ({"africastalking": DOWN, "kannel": PAUSED, "phone_1": DOWN, "phone_2": DOWN}, "kannel"),
        ({"africastalking": DOWN, "kannel": DOWN, "phone_1": DOWN, "phone_2": DOWN}, "africastalking"),
        ({"africastalking": PAUSED, "kannel": PAUSED, "phone_1": PAUSED, "phone_2": PAUSED}, "africastalking"),
    ],
)
def test_what_answers_nothing_goes_by_the_first_of_the_route_that_is_well(
    states: dict[str, Health], goes_by: str
) -> None:
    assert router(Seen(**states)).gateway_for(ASHA, MessageKind.REMINDER) == goes_by


RULES = (
    Rule(kind=MessageKind.BROADCAST, prefix="+254", gateways=("phones",)),
    Rule(network="64004", gateways=("kannel",)),
    Rule(prefix="+254", gateways=("phone-2", "africastalking")),
)


@pytest.mark.parametrize(
    ("phone", "kind", "network", "goes_by"),
    [
        (ASHA, MessageKind.TOKEN, "", "africastalking"),
        (ASHA, MessageKind.TOKEN, "64005", "africastalking"),
        (ASHA, MessageKind.TOKEN, "64004", "kannel"),
        (ASHA, MessageKind.BROADCAST, "64004", "kannel"),
        (NAIROBI, MessageKind.TOKEN, "63902", "phone-2"),
        (NAIROBI, MessageKind.BROADCAST, "63902", "phone-1"),
        (NAIROBI, MessageKind.REPLY, "64004", "kannel"),
    ],
)
def test_the_first_rule_that_fits_counts(phone: str, kind: MessageKind, network: str, goes_by: str) -> None:
    networks = Networks()
    networks.learn(phone, network)
    assert router(None, *RULES, networks=networks).gateway_for(phone, kind) == goes_by


def test_a_broadcast_uses_a_phone_only_where_a_rule_for_broadcasts_says_so() -> None:
    watch = Seen(africastalking=DOWN, kannel=DOWN)
    assert router(watch).gateway_for(ASHA, MessageKind.BROADCAST) == "africastalking"
    assert router(watch, order=("phones",)).gateway_for(ASHA, MessageKind.BROADCAST) == NOWHERE
    assert router(watch, Rule(gateways=("phones",))).gateway_for(ASHA, MessageKind.BROADCAST) == NOWHERE
    assert router(watch, Rule(prefix="+255", gateways=("phones",))).gateway_for(ASHA, MessageKind.BROADCAST) == NOWHERE
    rule = Rule(kind=MessageKind.BROADCAST, gateways=("phones",))
    assert router(watch, rule).gateway_for(ASHA, MessageKind.BROADCAST) == "phone-1"


def test_of_the_phones_the_one_with_a_fitting_sim_is_first_and_then_the_one_with_the_least_to_do() -> None:
    networks, watch = Networks(), Seen()
    networks.learn(ASHA, "64004")
    watch.knows("phone-1", "Airtel", waiting=1)
    watch.knows("phone-2", "Airtel", "Vodacom", waiting=5)
    asked = router(watch, order=("phones",), networks=networks)
    assert asked.gateway_for(ASHA, MessageKind.TOKEN) == "phone-2"
    assert asked.gateway_for(NAIROBI, MessageKind.TOKEN) == "phone-1"


def test_messages_enqueued_since_the_last_look_count_so_that_phones_take_turns() -> None:
    asked = router(order=("phones",))
    assert [asked.gateway_for(ASHA, MessageKind.TOKEN) for _ in range(4)] == ["phone-1", "phone-2"] * 2


def test_a_message_that_has_left_a_phone_never_comes_back_to_it() -> None:
    asked = router(Seen(phone_1=DOWN, africastalking=QUIET, kannel=DOWN))
    assert asked.next_gateway(ASHA, MessageKind.TOKEN, {"africastalking", "kannel"}) == "phone-2"
    assert asked.next_gateway(ASHA, MessageKind.TOKEN, {"africastalking", "kannel", "phone-2"}) == ""
    assert asked.gateway_for(ASHA, MessageKind.TOKEN, {"africastalking", "kannel", "phone-2"}) == "phone-1"
    assert asked.gateway_for(ASHA, MessageKind.TOKEN, {"africastalking", "kannel", "phone-1", "phone-2"}) == NOWHERE


@pytest.mark.parametrize(
    ("states", "left", "goes_by"),
    [
        ({"kannel": QUIET, "phone_1": QUIET, "phone_2": DOWN}, {"africastalking"}, "kannel"),
        ({"kannel": DOWN, "phone_1": PAUSED, "phone_2": DOWN}, {"phone-1"}, "africastalking"),
        # back to one that is no phone and well again, when nothing else is left
        ({"kannel": DOWN}, {"africastalking", "kannel", "phone-1", "phone-2"}, "africastalking"),
        ({"kannel": DOWN, "phone_1": QUIET}, {"africastalking", "kannel", "phone-2"}, "phone-1"),
        ({"africastalking": QUIET}, {"africastalking", "kannel", "phone-1", "phone-2"}, "kannel"),
        ({"africastalking": QUIET, "kannel": DOWN}, {"africastalking", "kannel", "phone-1", "phone-2"}, ""),
        ({"kannel": DOWN}, {"!africastalking", "kannel", "phone-1", "phone-2"}, ""),
    ],
)
def test_where_a_message_goes_that_has_left_gateways(states: dict[str, Health], left: set[str], goes_by: str) -> None:
    assert router(Seen(**states)).next_gateway(ASHA, MessageKind.TOKEN, left) == goes_by
    if goes_by:
        assert router(Seen(**states)).gateway_for(ASHA, MessageKind.TOKEN, left) == goes_by


def test_now_and_then_a_reply_tries_a_gateway_that_was_down_wherever_it_stands() -> None:
    watch = Seen(kannel=QUIET)
    watch.fails("kannel")
    asked = router(watch)
    assert [asked.gateway_for(ASHA, kind) for kind in MessageKind] == [
        "africastalking",
        "kannel",
        *["africastalking"] * 3,
    ]
    assert asked.gateway_for(ASHA, MessageKind.REPLY) == "africastalking"
    watch.clock.now += 5 * MINUTE
    assert asked.gateway_for(ASHA, MessageKind.REPLY) == "kannel"


def test_an_answer_tries_the_gateway_that_its_question_came_in_by() -> None:
    watch = Seen(kannel=QUIET)
    watch.fails("kannel")
    asked = router(watch)
    found = [asked.reply_gateway("kannel", ASHA, MessageKind.TOKEN) for _ in range(2)]
    assert found == ["kannel", "africastalking"]


def test_where_none_is_well_one_message_tries_what_was_down_and_the_rest_goes_by_what_is_quiet() -> None:
    watch = Seen(africastalking=QUIET, kannel=DOWN, phone_1=QUIET, phone_2=DOWN)
    watch.fails("africastalking")
    asked = router(watch)
    found = [asked.gateway_for(ASHA, MessageKind.TOKEN) for _ in range(3)]
    assert found == ["africastalking", "phone-1", "phone-1"]


def test_a_message_that_nothing_may_carry_has_no_gateway() -> None:
    assert router(phones=(), order=("phones",)).gateway_for(ASHA, MessageKind.TOKEN) == NOWHERE


def test_a_phone_that_is_linked_while_we_run_is_used_from_then_on() -> None:
    asked = router(phones=(), order=("phones", "kannel"))
    assert asked.gateway_for(ASHA, MessageKind.TOKEN) == "kannel"
    asked.linked = lambda: ("phone-7",)
    assert asked.gateway_for(ASHA, MessageKind.TOKEN) == "phone-7"


@pytest.mark.parametrize(
    ("wanted", "gateways", "simulated", "order"),
    [
        ([], ["africastalking", "kannel", "simulator"], False, ["africastalking", "kannel", "phones"]),
        ([], ["simulator"], True, ["simulator", "phones"]),
        ([], ["simulator"], False, ["phones"]),
        (["phones", "kannel"], ["africastalking", "kannel", "simulator"], False, ["phones", "kannel"]),
        (["phone-2", "gone"], ["kannel"], False, ["phone-2"]),
        (["gone"], ["simulator"], True, ["simulator", "phones"]),
    ],
)
def test_the_route_is_the_operators_or_all_that_is_configured(
    wanted: list[str], gateways: list[str], simulated: bool, order: list[str]
) -> None:
    assert route(wanted, gateways, simulated=simulated) == order


def test_a_route_of_no_gateway_is_refused() -> None:
    with pytest.raises(ValueError, match="no gateway can send"):
        Router([])


async def test_the_network_that_somebody_writes_and_dials_from_is_kept(mwanga: Server) -> None:
    sms = Inbound("africastalking", "id 1", Sender(SenderKind.NUMBER, PEOPLE["Asha"]), "CASH", network="64004")
    await mwanga.inbox.record(sms)
    await Phones(mwanga).handled()
    await mwanga.worker.answer(UssdTurn("africastalking", "*384*20#", "s 1", PEOPLE["Baraka"], "", network="64005"))
    known = Networks()
    await known.load()
    for networks in (known, mwanga.router.networks):
        assert [networks.of(PEOPLE[name]) for name in ("Asha", "Baraka", "Amina")] == ["64004", "64005", ""]


async def test_an_answer_leaves_by_the_phone_that_its_question_came_in_by(mwanga: Server) -> None:
    mwanga.router.linked = lambda: ["phone-1"]
    sms = Inbound("phone-1", "id 1", Sender(SenderKind.NUMBER, PEOPLE["Asha"]), "CASH")
    await mwanga.inbox.record(sms)
    await Phones(mwanga).handled()
    async with mwanga.database.work() as db:
        rows = await db.execute_query_dict("SELECT gateway FROM outbox")
    assert [row["gateway"] for row in rows] == ["phone-1"]


def test_what_may_carry_a_kind_to_somebody_is_known_before() -> None:
    watch = Seen()
    anybody = Rule(kind=MessageKind.BROADCAST, gateways=("phones", "kannel"))
    order = ("africastalking", "phones", "kannel")
    assert router(watch, order=order).carriers(MessageKind.BROADCAST) == ["africastalking", "kannel"]
    assert router(watch, order=("phones",)).carriers(MessageKind.BROADCAST) == []
    assert router(watch, anybody, order=order).carriers(MessageKind.BROADCAST) == ["phone-1", "phone-2", "kannel"]
    some = Rule(kind=MessageKind.BROADCAST, prefix="+254", gateways=("phones",))
    carriers = router(watch, some, order=order).carriers(MessageKind.BROADCAST)
    assert carriers == ["phone-1", "phone-2", "africastalking", "kannel"]
    assert router(watch).likely_gateway(ASHA, MessageKind.OFFICE) == "africastalking"
