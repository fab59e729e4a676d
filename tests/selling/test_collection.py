"""How much of what fell due was paid, and how much is at risk: the figures on both engines, live and as counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.monitor import CollectionCount
from bot.server import Server
from models.people import Agent
from models.selling import Contract, collection
from models.selling.collection import CollectionRow, Part, count, read
from models.selling.contracts import Instalment
from models.sql import connection, execute

WEEK = 7_000_00


async def the_contract() -> Contract:
    """Baraka's: 156 weekly instalments, sold on the day that the demo was made."""
    return await Contract.get(key="demo SHS0283").prefetch_related("customer")


async def paid(contract: Contract, number: int, amount: int) -> None:
    """A sale pays a part of an instalment: as if it had, in one row."""
    instalment = await Instalment.get(contract_id=contract.id, number=number)
    await execute(
        connection(),
        "INSERT INTO allocation (sale_id, instalment_id, amount) VALUES (NULL, $1, $2)",
        [instalment.id, amount],
    )


async def test_what_is_paid_of_what_fell_due_and_what_is_at_risk(mwanga: Server) -> None:
    contract = await the_contract()
    dues = await Instalment.filter(contract_id=contract.id).order_by("number")
    owed = sum(due.amount for due in dues)
    await paid(contract, 1, WEEK)
    await paid(contract, 2, 3_000_00)
    whose = (contract.customer.mini_grid_id, contract.customer.village_id, contract.agent_id)
    day = dues[1].due_on + timedelta(days=91)  # of the second, the oldest that is not paid
    month = [due for due in dues if day.replace(day=1) <= due.due_on <= day]
    left = owed - WEEK - 3_000_00
    expected = Part(
        *whose, contracts=1, late=1, owed=left, due=WEEK * len(month), paid=0, risk_30=left, risk_60=left, risk_90=left
    )
    assert await count(day) == [expected]
    [sixty] = await count(dues[1].due_on + timedelta(days=61))
    assert (sixty.risk_30, sixty.risk_60, sixty.risk_90) == (left, left, 0)
    [none] = await count(dues[1].due_on)
    assert (none.late, none.risk_30, none.owed) == (0, 0, left), "what is due today is not late"


async def test_what_was_given_up_is_not_paid(mwanga: Server) -> None:
    contract = await the_contract()
    first = await Instalment.get(contract_id=contract.id, number=1)
    await paid(contract, 1, WEEK)
    assert [part.paid for part in await count(first.due_on)] == [WEEK]
    await execute(connection(), "UPDATE contract SET ending = 'written off' WHERE id = $1", [contract.id])
    assert [(part.due, part.paid) for part in await count(first.due_on)] == [(0, 0)]


async def test_where_there_are_many_the_last_count_is_shown(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    today = mwanga.company.today()
    live = await read(today)
    assert live.parts and live.at
    monkeypatch.setattr(collection, "FEW", 10)
    nothing = await read(today)
    assert (nothing.parts, nothing.at) == ([], None)
    for _twice in range(2):
        await CollectionCount(mwanga.database, mwanga.company.zone).count()
    counted = await read(today)
    assert list(counted.parts) == list(live.parts) and counted.at and counted.day == today
    assert await Agent.get(id=counted.parts[0].agent_id)


async def test_a_start_within_the_hour_counts_nothing_again(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = CollectionCount(mwanga.database, mwanga.company.zone)
    assert not await counting.is_due(), "few are counted when somebody asks"
    monkeypatch.setattr(collection, "FEW", 10)
    assert await counting.is_due()
    await counting.count()
    another = CollectionCount(mwanga.database, mwanga.company.zone)
    assert not await another.is_due()
    # An hour ago; by the clock of a server that is a little ahead; by one that was far ahead and was set back.
    for minutes, due in ((61, True), (-1, False), (-61, True)):
        await CollectionRow.all().update(counted_at=datetime.now(UTC) - timedelta(minutes=minutes))
        assert await another.is_due() is due


async def test_a_count_that_finds_nothing_counts_for_an_hour_too(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_what: object) -> list[collection.Part]:
        return []

    counting = CollectionCount(mwanga.database, mwanga.company.zone)
    monkeypatch.setattr(collection, "FEW", 10)
    monkeypatch.setattr(collection, "count", nothing)
    await counting.count()
    assert not await counting.is_due()


async def test_what_the_counter_sold_is_kept_without_an_agent(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    [part, *_rest] = await count(mwanga.company.today())
    sold = replace(part, agent_id=None)
    async with mwanga.database.work():
        await collection.keep([sold], mwanga.company.today())
    monkeypatch.setattr(collection, "FEW", 10)
    assert list((await read(mwanga.company.today())).parts) == [sold]
