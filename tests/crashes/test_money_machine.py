"""Sales, payments, requests to agents, texts of operators, wallets, what two people agree to, duplicates, hand-ins,
disputes, statements, closed days, crashes, in any order, and on PostgreSQL several at once on two servers: the books
hold."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.payments import State
from models.money.receiving import Source
from models.money.reconciling import Said
from models.money.statements import Direction
from tests.world import money_by_two as by_two
from tests.world import money_holds as holds
from tests.world import money_of_agents as of_agents
from tests.world.money_by_text import Lie, Operator
from tests.world.money_life import ANSWERS, BEGIN, PROVIDERS, TARGETS, Life, Verb
from tests.world.templates import Templates

agents = st.sampled_from([1, 2])
customers = st.integers(1, 3)
serials = st.sampled_from(TARGETS)
stock = st.sampled_from(["SHS0283", "SHS0284", "EB100042", "EB100043"])  # what may be sold again
coming = st.sampled_from([10, 700, 5_000, 70_000])  # whole shillings
targets = st.sampled_from(TARGETS)
amounts = st.sampled_from([50_00, 700_00, 1_000_00, 2_500_00, 7_000_00, 26_000_00, 1_200_000_00])
numbers = st.integers(0, 6)
phones = st.sampled_from(["+255710000001", "+255710000002", "+255710000009"])
office = st.sampled_from(["rehema", "zuberi"])
percents = st.sampled_from([0, 30, 100, 130])
providers = st.sampled_from(PROVIDERS)
crashes = st.booleans()
# So many happen at once, then so many: alone what goes before, and together what may meet.
AT_ONCE = {"sqlite": (1,), "postgres": (1, 1, 3, 1, 2, 5)}


class Money(RuleBasedStateMachine):
    """One server, two on PostgreSQL; whatever is done may be crashed before its commit and comes again, comes twice, or
    happens beside what comes next."""

    engine: str
    templates: Templates
    sold: list[int]

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._to_do: list[tuple[Verb, bool]] = []
        self._at_once = itertools.cycle(AT_ONCE[self.engine])
        self._enough = 1
        self._clock = time_machine.travel(BEGIN, tick=False)
        self._now = BEGIN
        self._moved = self._clock.start()
        url = self.templates.copy(self.engine, "demo")
        self._runner = asyncio.Runner()
        self.life = Life()
        self.operator = Operator(self.life)
        self._runner.run(self._begin(url))

    async def _begin(self, url: str) -> None:
        await self.life.begin(url, beside=self.engine == "postgres")
        await self.operator.begin()

    def _do(self, verb: Verb, crash: bool = False) -> None:
        self._to_do.append((verb, crash))
        if len(self._to_do) >= self._enough:
            self._runner.run(self._do_all())

    async def _do_all(self) -> None:
        """What is to be done happens at once, on the servers in turn."""
        verbs, self._to_do, self._enough = self._to_do, [], next(self._at_once)
        servers = itertools.cycle(range(len(self.life.servers)))
        await asyncio.gather(*(self.life.do(verb, next(servers), crash=crash) for verb, crash in verbs))

    def _new(self, what: str) -> str:
        self._number += 1
        return f"{what} {self._number}"

    @rule(agent=agents, what=targets, amount=amounts, crash=crashes)
    def sale(self, agent: int, what: str, amount: int, crash: bool) -> None:
        self._do(self.life.sale(self._new("sale"), agent, what, amount), crash)

    @rule(provider=providers, number=numbers, amount=amounts, what=st.sampled_from([*TARGETS, "S1001", "W1", "W2", ""]),
          source=st.sampled_from(Source), late=st.integers(0, 40), crash=crashes)  # fmt: skip
    def payment(
        self, provider: str, number: int, amount: int, what: str, source: Source, late: int, crash: bool
    ) -> None:
        """The same reference may come again with another amount, for something else, or in another spelling."""
        reference = f"tk {number}ab 12" if source is Source.TEXT else f"TK{number}AB12"
        at = self._now - timedelta(hours=late)
        self._do(self.life.payment(provider, reference, amount, what, source, at), crash)

    @rule(nth=numbers, what=st.sampled_from([*TARGETS, ""]), customer=customers, part=st.integers(1, 2),
          crash=crashes)  # fmt: skip
    def assignment(self, nth: int, what: str, customer: int, part: int, crash: bool) -> None:
        self._do(self.life.assignment(self._new("assign"), nth, what, customer, part), crash)

    @rule(phone=phones, what=targets, amount=amounts, crash=crashes)
    def push(self, phone: str, what: str, amount: int, crash: bool) -> None:
        self._do(self.life.push(self._new("push"), phone, what, amount), crash)

    @rule(nth=numbers, state=st.sampled_from(ANSWERS), amount=st.none() | amounts, names_push=st.booleans(),
          crash=crashes)  # fmt: skip
    def callback(self, nth: int, state: State, amount: int | None, names_push: bool, crash: bool) -> None:
        self._do(self.life.callback(nth, state, amount, names_push=names_push), crash)

    @rule(nth=numbers, by=office, crash=crashes)
    def void(self, nth: int, by: str, crash: bool) -> None:
        self._do(self.life.void(nth, by), crash)

    @rule(nth=numbers, crash=crashes)
    def asked_void(self, nth: int, crash: bool) -> None:
        self._do(self.life.asked_void(nth), crash)

    @rule(nth=numbers, what=targets, crash=crashes)
    def move(self, nth: int, what: str, crash: bool) -> None:
        self._do(self.life.move(nth, what), crash)

    @rule(agent=agents, prepaid=st.booleans(), crash=crashes)
    def prepay(self, agent: int, prepaid: bool, crash: bool) -> None:
        self._do(self.life.prepay(agent, prepaid), crash)

    @rule(agent=agents, amount=amounts, crash=crashes)
    def top_up(self, agent: int, amount: int, crash: bool) -> None:
        self._do(self.life.top_up(self._new("T"), agent, amount), crash)

    @rule(agent=agents, amount=amounts, answers=st.lists(st.sampled_from(ANSWERS), max_size=3),
          names_push=st.booleans(), crash=crashes)  # fmt: skip
    def wallet_filled(self, agent: int, amount: int, answers: list[State], names_push: bool, crash: bool) -> None:
        """An agent, from now on with a wallet, is asked on the phone to pay into it. Money may come after a no, or
        twice."""
        self._do(self.life.prepay(agent, True))
        self._do(of_agents.fills(self._new("fill"), agent, amount), crash)
        self._do(of_agents.phones_ring())
        for state in answers:
            self._do(self.life.callback(-1, state, names_push=names_push), crash)

    @rule(customer=customers, percent=percents, crash=crashes)
    def claim_paid(self, customer: int, percent: int, crash: bool) -> None:
        self._do(self.life.claim_paid(self._new("claim"), customer, percent), crash)

    @rule(agent=agents, percent=percents, crash=crashes)
    def hand_in(self, agent: int, percent: int, crash: bool) -> None:
        self._do(self.life.hand_in(self._new("R"), agent, percent), crash)

    @rule(nth=numbers, crash=crashes)
    def dispute(self, nth: int, crash: bool) -> None:
        self._do(self.life.dispute(nth), crash)

    @rule(nth=numbers, percent=st.none() | percents, by=office, crash=crashes)
    def settlement(self, nth: int, percent: int | None, by: str, crash: bool) -> None:
        self._do(self.life.settlement(nth, percent, by), crash)

    @rule(nth=numbers, percent=percents)
    def settled(self, nth: int, percent: int) -> None:
        """Both of the office, one after the other."""
        self._do(self.life.settlement(nth, percent, "rehema"))
        self._do(self.life.settlement(nth, None, "zuberi"))

    @rule(nth=numbers)
    def voided(self, nth: int) -> None:
        self._do(self.life.void(nth, "rehema"))
        self._do(self.life.void(nth, "zuberi"))

    @rule(provider=providers, number=numbers, amount=amounts, crash=crashes)
    def statement_line(self, provider: str, number: int, amount: int, crash: bool) -> None:
        """A line of a payment that we know, or of one that nobody told of."""
        said = Said(provider=provider, reference=f"ST{number}", direction=Direction.IN, amount=amount, at=self._now)
        self._do(self.life.line(said), crash)

    @rule(nth=numbers, crash=crashes)
    def taking(self, nth: int, crash: bool) -> None:
        self._do(self.life.taking(nth), crash)

    @rule(nth=numbers, crash=crashes)
    def giving_back(self, nth: int, crash: bool) -> None:
        self._do(self.life.giving_back(self._new("BACK"), nth), crash)

    @rule(nth=numbers, crash=crashes)
    def never(self, nth: int, crash: bool) -> None:
        self._do(self.life.never(nth), crash)

    # --- Customers who ask an agent

    @rule(phone=phones, what=targets, amount=amounts, agent=agents, crash=crashes)
    def agent_asked(self, phone: str, what: str, amount: int, agent: int, crash: bool) -> None:
        self._do(of_agents.asks(self._new("asks"), phone, what, amount, agent), crash)

    @rule(nth=numbers, amount=st.none() | amounts, again=st.booleans(), alone=st.booleans(), crash=crashes)
    def agent_agrees(self, nth: int, amount: int | None, again: bool, alone: bool, crash: bool) -> None:
        self._do(of_agents.agrees(self._new("yes"), nth, amount=amount, again=again, alone=alone), crash)

    @rule(nth=numbers, crash=crashes)
    def agent_declines(self, nth: int, crash: bool) -> None:
        self._do(of_agents.declines(nth), crash)

    @rule(nth=numbers, crash=crashes)
    def customer_ends(self, nth: int, crash: bool) -> None:
        self._do(of_agents.ends(nth), crash)

    @rule(phone=phones, what=targets, amount=amounts, other=st.none() | amounts, agent=agents, late=st.booleans(),
          crash=crashes)  # fmt: skip
    def mind_changed(
        self, phone: str, what: str, amount: int, other: int | None, agent: int, late: bool, crash: bool
    ) -> None:
        """A customer asks, and wants it no more, or another amount. The agent's yes is to the first."""
        self._do(of_agents.asks(self._new("asks"), phone, what, amount, agent))
        yes = of_agents.agrees(self._new("yes"), -2 if late and other else -1, alone=False)
        change = of_agents.asks(self._new("asks"), phone, what, other, agent) if other else of_agents.ends(-1)
        for verb in (change, yes) if late else (yes, change):
            self._do(verb, crash)

    @rule(crash=crashes)
    def nobody_answered(self, crash: bool) -> None:
        self._do(of_agents.time_is_over(), crash)

    @rule(agent=agents, customer=customers, serial=stock, crash=crashes)
    def handed_out(self, agent: int, customer: int, serial: str, crash: bool) -> None:
        self._do(of_agents.hands_out(self._new("plan"), agent, customer, serial), crash)

    # --- Texts of an operator

    @rule(amount=coming, phone=phones, late=st.booleans(), crash=crashes)
    def text(self, amount: int, phone: str, late: bool, crash: bool) -> None:
        """Money comes to the SIM card; its text may come later."""
        place = self.operator.comes(amount, phone, self._now)
        if not late:
            self._do(self.operator.text(place), crash)

    @precondition(lambda self: self.operator.came)
    @rule(nth=numbers, crash=crashes)
    def text_again(self, nth: int, crash: bool) -> None:
        self._do(self.operator.text(nth), crash)

    @rule(lie=st.sampled_from(Lie), amount=coming, nth=numbers, crash=crashes)
    def forged_text(self, lie: Lie, amount: int, nth: int, crash: bool) -> None:
        self._do(self.operator.forged(lie, amount, self._now, nth), crash)

    @rule(nth=numbers, crash=crashes)
    def text_looked_at(self, nth: int, crash: bool) -> None:
        self._do(self.operator.looked_at(nth), crash)

    # --- What two of the office do

    def _both(self, first: Verb, crash: bool) -> None:
        """One asks and another one agrees, to that or to what was asked before."""
        self._do(first, crash)
        self._do(by_two.agrees(0, "zuberi"), crash)

    @rule(nth=numbers, by=office, agrees=st.booleans(), crash=crashes)
    def decided(self, nth: int, by: str, agrees: bool, crash: bool) -> None:
        self._do((by_two.agrees if agrees else by_two.refuses)(nth, by), crash)

    @rule(agent=agents, percent=percents, crash=crashes)
    def wallet_paid_out(self, agent: int, percent: int, crash: bool) -> None:
        self._both(of_agents.wants_out(self._new("out"), agent, percent, "rehema"), crash)

    @rule(serial=serials | stock, customer=customers, with_debt=st.booleans(), crash=crashes)
    def transfer(self, serial: str, customer: int, with_debt: bool, crash: bool) -> None:
        self._both(by_two.wants_transfer(self._new("give"), serial, customer, "rehema", with_debt=with_debt), crash)

    @rule(customer=customers, percent=percents, crash=crashes)
    def credit_paid_out(self, customer: int, percent: int, crash: bool) -> None:
        self._both(by_two.wants_credit_out(self._new("credit"), customer, percent, "rehema"), crash)

    @rule(nth=numbers, which=numbers, crash=crashes)
    def amount_put_right(self, nth: int, which: int, crash: bool) -> None:
        self._both(by_two.wants_amount(self._new("amount"), nth, which, "rehema"), crash)

    @rule(nth=numbers, crash=crashes)
    def amount_stands(self, nth: int, crash: bool) -> None:
        self._do(by_two.let_stand(nth), crash)

    @rule(serial=stock, crash=crashes)
    def brought_back(self, serial: str, crash: bool) -> None:
        self._do(by_two.brings_back(serial), crash)

    @rule(nth=numbers, by=office, crash=crashes)
    def debt_written_off(self, nth: int, by: str, crash: bool) -> None:
        self._do(by_two.writes_off_debt(nth, by), crash)

    @rule(customer=customers, by=office, crash=crashes)
    def claim_written_off(self, customer: int, by: str, crash: bool) -> None:
        self._do(by_two.writes_off_claim(customer, by), crash)

    @rule(crash=crashes)
    def closing(self, crash: bool) -> None:
        self._do(self.life.closing(), crash)

    @rule(nth=st.integers(0, 50))
    def twice(self, nth: int) -> None:
        """Whatever was done comes a second time."""
        if self.life.done:
            self._do(self.life.done[nth % len(self.life.done)])

    @rule(hours=st.integers(1, 14))
    def wait(self, hours: int) -> None:
        self._now += timedelta(hours=hours)
        self._moved.move_to(self._now)

    @invariant()
    def the_books_hold(self) -> None:
        self._runner.run(holds.check(self.life))

    def teardown(self) -> None:
        try:
            self._runner.run(self._end())
        finally:
            self._runner.run(self.life.end())
            self._runner.close()
            self._clock.stop()

    async def _end(self) -> None:
        await self._do_all()
        await holds.check_end(self.life)
        self.sold.append(len(self.life.done))


def run(engine: str, templates: Templates, examples: int, steps: int) -> None:
    machine: Any = type("Money", (Money,), {"engine": engine, "templates": templates, "sold": []})
    how = settings(max_examples=examples, stateful_step_count=steps, phases=(Phase.generate, Phase.shrink))
    run_state_machine_as_test(machine, settings=how)
    assert sum(machine.sold) > examples, "nothing was tested"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_any_order_keeps_the_books_right(engine: str, templates: Templates) -> None:
    run(engine, templates, 6, 25)


@pytest.mark.slow
def test_any_order_keeps_the_books_right_for_long(engine: str, templates: Templates) -> None:
    run(engine, templates, *((100, 60) if engine == "sqlite" else (40, 40)))
