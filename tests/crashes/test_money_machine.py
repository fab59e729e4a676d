"""Sales, payments, duplicates, hand-ins, disputes, statements, closed days, crashes, in any order: the books hold."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.payments import State
from models.money.receiving import Source
from models.money.reconciling import Said
from models.money.statements import Direction
from tests.world.money_life import BEGIN, PROVIDERS, TARGETS, Life, Verb
from tests.world.templates import Templates

agents = st.sampled_from([1, 2])
targets = st.sampled_from(TARGETS)
amounts = st.sampled_from([50_00, 700_00, 1_000_00, 2_500_00, 7_000_00, 26_000_00, 1_200_000_00])
numbers = st.integers(0, 6)
phones = st.sampled_from(["+255710000001", "+255710000002", "+255710000009"])
answers = (State.PAID, State.PAID, State.FAILED, State.EXPIRED, State.UNKNOWN, State.PENDING)
office = st.sampled_from(["rehema", "zuberi"])
percents = st.sampled_from([0, 30, 100, 130])
providers = st.sampled_from(PROVIDERS)
crashes = st.booleans()


class Money(RuleBasedStateMachine):
    """One server; whatever is done may be crashed before its commit and comes again, or comes twice."""

    engine: str
    templates: Templates
    sold: list[int]

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._clock = time_machine.travel(BEGIN, tick=False)
        self._now = BEGIN
        self._moved = self._clock.start()
        url = self.templates.copy(self.engine, "demo")
        self._runner = asyncio.Runner()
        self.life = Life()
        self._runner.run(self.life.begin(url))

    def _do(self, verb: Verb, crash: bool = False) -> None:
        self._runner.run(self.life.do(verb, crash=crash))

    def _new(self, what: str) -> str:
        self._number += 1
        return f"{what} {self._number}"

    @rule(agent=agents, what=targets, amount=amounts, crash=crashes)
    def sale(self, agent: int, what: str, amount: int, crash: bool) -> None:
        self._do(self.life.sale(self._new("sale"), agent, what, amount), crash)

    @rule(provider=providers, number=numbers, amount=amounts, what=st.sampled_from([*TARGETS, "S1001", ""]),
          source=st.sampled_from(Source), late=st.integers(0, 40), crash=crashes)  # fmt: skip
    def payment(
        self, provider: str, number: int, amount: int, what: str, source: Source, late: int, crash: bool
    ) -> None:
        """The same reference may come again with another amount, for something else, or in another spelling."""
        reference = f"tk {number}ab 12" if source is Source.TEXT else f"TK{number}AB12"
        at = self._now - timedelta(hours=late)
        self._do(self.life.payment(provider, reference, amount, what, source, at), crash)

    @rule(nth=numbers, what=st.sampled_from([*TARGETS, ""]), customer=st.integers(1, 3), part=st.integers(1, 2),
          crash=crashes)  # fmt: skip
    def assignment(self, nth: int, what: str, customer: int, part: int, crash: bool) -> None:
        self._do(self.life.assignment(self._new("assign"), nth, what, customer, part), crash)

    @rule(phone=phones, what=targets, amount=amounts, crash=crashes)
    def push(self, phone: str, what: str, amount: int, crash: bool) -> None:
        self._do(self.life.push(self._new("push"), phone, what, amount), crash)

    @rule(nth=numbers, state=st.sampled_from(answers), amount=st.none() | amounts, crash=crashes)
    def callback(self, nth: int, state: State, amount: int | None, crash: bool) -> None:
        self._do(self.life.callback(nth, state, amount), crash)

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

    @rule(customer=st.integers(1, 3), percent=percents, crash=crashes)
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
        self._runner.run(self.life.check())

    def teardown(self) -> None:
        try:
            self._runner.run(self._end())
        finally:
            self._runner.run(self.life.end())
            self._runner.close()
            self._clock.stop()

    async def _end(self) -> None:
        await self.life.check_received()
        await self.life.check_tokens()
        await self.life.reconcile()
        await self.life.check()
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


class Crowd:
    """Chance does it: many at once on two servers, some of it on both, or one after the other on one. It comes further
    than examples that are to stay small: who hands in has sold before, who disputes has handed in."""

    def __init__(self, life: Life, seed: int) -> None:
        self._life, self._chance, self._numbers = life, Random(seed), itertools.count(1)

    async def run(self, people: int, things: int) -> None:
        await asyncio.gather(*(self._person(things) for _ in range(people)))

    async def _person(self, things: int) -> None:
        for _ in range(things):
            verb, servers = self._any(), list(range(len(self._life.servers)))
            if self._chance.random() < 0.7:
                servers = [self._chance.choice(servers)]
            crash = self._chance.random() < 0.1
            await asyncio.gather(*(self._life.do(verb, server, crash=crash) for server in servers))
            if self._life.done and self._chance.random() < 0.1:
                await self._life.do(self._chance.choice(self._life.done), servers[0])

    def _any(self) -> Verb:
        pick, number, life = self._chance.choice, next(self._numbers), self._life
        amount = pick((50_00, 700_00, 1_000_00, 2_500_00, 7_000_00, 26_000_00))
        few = self._chance.randrange(30)
        line: dict[str, Any] = {"reference": f"TK{few}", "direction": Direction.IN, "at": BEGIN}
        verbs: list[Callable[[], Verb]] = [
            lambda: life.sale(f"sale {number}", pick((1, 2)), pick(TARGETS), amount),
            lambda: life.sale(f"sale {number}", pick((1, 2)), pick(TARGETS), amount),
            # The reference says the amount: what comes again says the same.
            lambda: life.payment(
                pick(PROVIDERS), f"TK{few}", 1_000_00 + 10_00 * few, pick((*TARGETS, "")), pick(list(Source)), BEGIN
            ),
            lambda: life.assignment(f"assign {number}", few, pick((*TARGETS, "")), pick((1, 2, 3)), pick((1, 2))),
            lambda: life.push(f"push {number}", f"+25571000000{few % 10}", pick(TARGETS), amount),
            lambda: life.callback(few, pick(answers)),
            lambda: life.callback(few, State.PAID),
            lambda: life.void(few, pick(("rehema", "zuberi"))),
            lambda: life.asked_void(few),
            lambda: life.move(few, pick(TARGETS)),
            lambda: life.claim_paid(f"claim {number}", pick((1, 2, 3)), pick((30, 100))),
            lambda: life.hand_in(f"R{number}", pick((1, 2)), pick((30, 100, 130))),
            lambda: life.dispute(few),
            lambda: life.settlement(few, pick((None, 0, 50, 130)), pick(("rehema", "zuberi"))),
            lambda: life.line(Said(provider=pick(PROVIDERS), amount=1_000_00 + 10_00 * few, **line)),
            lambda: life.taking(few),
            lambda: life.giving_back(f"BACK{number}", few),
            lambda: life.never(few),
            life.closing,
        ]
        return pick(verbs)()


async def live(url: str, seed: int, *, people: int, things: int, beside: bool) -> Life:
    """A life by chance, and all that must hold in its middle and at its end."""
    life = Life()
    with time_machine.travel(BEGIN, tick=False) as clock:
        await life.begin(url, beside=beside)
        try:
            crowd = Crowd(life, seed)
            for day in range(2):
                await crowd.run(people, things)
                await life.check()
                clock.move_to(BEGIN + timedelta(hours=20 * (day + 1)))
            await life.check_received()
            await life.check_tokens()
            await life.reconcile()
            await life.check()
        finally:
            await life.end()
    return life


async def test_a_life_by_chance_keeps_the_books_right(demo_url: str) -> None:
    life = await live(demo_url, seed=1, people=1, things=120, beside=False)
    assert len(life.done) >= 240


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_many_lives_by_chance_keep_the_books_right(demo_url: str, seed: int) -> None:
    await live(demo_url, seed, people=1, things=400, beside=False)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("seed", range(6))
async def test_two_servers_at_once_keep_the_books_right(engine: str, demo_url: str, seed: int) -> None:
    life = await live(demo_url, seed, people=8, things=40, beside=True)
    assert len(life.done) >= 8 * 40
