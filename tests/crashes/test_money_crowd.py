"""Many people at once, on one server or two, by chance: the books hold. tests/crashes/test_money_machine.py has the
same in examples that are to stay small."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine

from bot.payments import State
from models.money.receiving import Source
from models.money.reconciling import Said
from models.money.statements import Direction
from tests.world import money_by_two as by_two
from tests.world import money_holds as holds
from tests.world import money_of_agents as of_agents
from tests.world.money_by_text import Lie, Operator
from tests.world.money_life import ANSWERS, BEGIN, PROVIDERS, TARGETS, Life, Verb

OFFICE = ("rehema", "zuberi")
DEVICES = ("SHS0283", "SHS0284", "EB100042", "EB100043")  # what may be in stock and sold again


class Crowd:
    """Chance does it: many at once on two servers, some of it on both, or one after the other on one. It comes further
    than examples that are to stay small: who hands in has sold before, who disputes has handed in."""

    def __init__(self, life: Life, seed: int) -> None:
        self._life, self._chance, self._numbers = life, Random(seed), itertools.count(1)
        self.operator = Operator(life)

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
            lambda: life.callback(few, pick(ANSWERS)),
            lambda: life.callback(few, State.PAID),
            lambda: life.void(few, pick(OFFICE)),
            lambda: life.asked_void(few),
            lambda: life.move(few, pick(TARGETS)),
            lambda: life.claim_paid(f"claim {number}", pick((1, 2, 3)), pick((30, 100))),
            lambda: life.hand_in(f"R{number}", pick((1, 2)), pick((30, 100, 130))),
            lambda: life.dispute(few),
            lambda: life.settlement(few, pick((None, 0, 50, 130)), pick(OFFICE)),
            lambda: life.line(Said(provider=pick(PROVIDERS), amount=1_000_00 + 10_00 * few, **line)),
            lambda: life.taking(few),
            lambda: life.giving_back(f"BACK{number}", few),
            lambda: life.never(few),
            life.closing,
        ]
        others = self._of_agents(number, few, amount), self._by_two(number, few), self._by_text(few)
        [chosen] = self._chance.choices((verbs, *others), weights=(50, 25, 15, 10))
        return pick(chosen)()

    def _of_agents(self, number: int, few: int, amount: int) -> list[Callable[[], Verb]]:
        """Juma has a wallet, and Asha sells up to a limit, as long as nobody changes it."""
        pick, life = self._chance.choice, self._life
        phone = f"+25571000000{few % 10}"
        return [
            lambda: of_agents.asks(f"asks {number}", phone, pick(TARGETS), amount, pick((1, 2))),
            lambda: of_agents.asks(f"asks {number}", phone, pick(TARGETS), amount, 2),
            lambda: of_agents.agrees(f"yes {number}", few, amount=pick((None, amount)), again=pick((True, False))),
            lambda: of_agents.agrees(f"yes {number}", few),
            lambda: of_agents.agrees(f"yes {number}", few, alone=False),
            lambda: of_agents.ends(few),
            lambda: of_agents.declines(few),
            of_agents.time_is_over,
            lambda: of_agents.hands_out(f"plan {number}", pick((1, 2)), pick((1, 2, 3)), pick(DEVICES)),
            lambda: of_agents.hands_out(f"plan {number}", pick((1, 2)), pick((1, 2, 3)), pick(DEVICES)),
            lambda: of_agents.wants_out(f"out {number}", 2, pick((30, 100)), pick(OFFICE)),
            lambda: life.top_up(f"T{number}", 2, amount),
            lambda: life.payment(pick(PROVIDERS), f"TW{few}", 50_000_00 + 10_00 * few, "W2", Source.CALLBACK, BEGIN),
            lambda: life.payment(pick(PROVIDERS), f"TW{few}", 20_000_00, "W2", Source.QUERY, BEGIN),
            lambda: of_agents.fills(f"fill {number}", 2, amount),
            of_agents.phones_ring,
            lambda: life.callback(few, State.PAID, names_push=False),
            lambda: life.prepay(pick((1, 2)), pick((True, False))),
        ]

    def _by_two(self, number: int, few: int) -> list[Callable[[], Verb]]:
        pick, who = self._chance.choice, self._chance.choice((1, 2, 3))
        return [
            *[lambda: by_two.agrees(few, pick(OFFICE))] * 4,
            lambda: by_two.refuses(few, pick(OFFICE)),
            lambda: by_two.wants_transfer(
                f"to {number}", pick((*TARGETS, *DEVICES)), who, pick(OFFICE), with_debt=pick((True, False))
            ),
            lambda: by_two.wants_credit_out(f"credit {number}", who, pick((30, 100)), pick(OFFICE)),
            lambda: by_two.wants_amount(f"amount {number}", few, few, pick(OFFICE)),
            *[lambda: by_two.puts_right(f"right {number}", few, few)] * 2,
            lambda: by_two.takes_back(few),
            lambda: by_two.let_stand(few),
            lambda: by_two.brings_back(pick(DEVICES)),
            lambda: by_two.writes_off_debt(few, pick(OFFICE)),
            lambda: by_two.writes_off_claim(who, pick(OFFICE)),
            # Another source has another amount, before or after the one that the reference says.
            lambda: self._life.payment(
                pick(PROVIDERS), f"TK{few}", 7_000_00, pick((*TARGETS, "")), Source.QUERY, BEGIN
            ),
        ]

    def _by_text(self, few: int) -> list[Callable[[], Verb]]:
        pick, operator = self._chance.choice, self.operator
        now, amount, phone = datetime.now(UTC), pick((10, 700, 5_000)), f"+25571000000{few % 10}"
        return [
            lambda: operator.text(operator.comes(amount, phone, now)),
            lambda: operator.text(few) if operator.came else operator.text(operator.comes(amount, phone, now)),
            lambda: operator.forged(pick(list(Lie)), amount, now, few),
            lambda: operator.looked_at(few),
        ]


async def live(url: str, seed: int, *, people: int, things: int, beside: bool) -> Life:
    """A life by chance, and all that must hold in its middle and at its end."""
    life = Life()
    with time_machine.travel(BEGIN, tick=False) as clock:
        await life.begin(url, beside=beside)
        try:
            crowd = Crowd(life, seed)
            await crowd.operator.begin()
            await life.do(life.prepay(2, True))
            await life.do(life.top_up("T", 2, 100_000_00))
            for day in range(2):
                await crowd.run(people, things)
                await holds.check(life)
                clock.move_to(BEGIN + timedelta(hours=20 * (day + 1)))
            await holds.check_end(life)
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
