"""At two million sales: each statement of these pages walks an index, and looks at no row that it does not show."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.server import Server
from models.audit import record
from models.money import figures, reconciling, till
from models.office import money_days, money_lists, money_month, money_waiting
from models.office.money_days import Wanted
from models.office.money_lists import Asked
from models.selling import requests, taking_back
from models.selling.requests import RINGS, PaymentRequest, RequestState
from models.sql import connection, execute
from tests.world.round_trips import counted

TODAY, NOW = date(2026, 11, 24), datetime(2026, 11, 24, tzinfo=UTC)
QUARTER = {"since": NOW - timedelta(days=92), "until": NOW}
ZONE = ZoneInfo("Africa/Dar_es_Salaam")
GROWING = (
    *("sale", "payment", "void", "money_day", "money_week", "money_sum", "statement_line", "customer", "unmatched"),
    "hand_in",
    *("s", "p", "v", "l", "o", "e", "m"),
)


def of_days(**whose: Any) -> Callable[[], Awaitable[object]]:
    return lambda: money_days.read(Wanted(TODAY - timedelta(days=91), TODAY, **whose), ZONE, TODAY)


ASKED: dict[str, tuple[ModuleType, Callable[[], Awaitable[object]]]] = {
    "days": (money_days, of_days()),
    "days of an agent": (money_days, of_days(agent_id=1)),
    "days by a provider": (money_days, of_days(provider="daraja")),
    "days of a mini-grid": (money_days, of_days(mini_grid_id=1)),
    "an hour": (figures, lambda: figures.sums(figures.What.SALE, NOW - timedelta(hours=1), NOW)),
    "sales": (money_lists, lambda: money_lists.sales(Asked(**QUARTER))),
    "sales of an agent": (money_lists, lambda: money_lists.sales(Asked(agent_id=1, **QUARTER))),
    "sales of a mini-grid": (money_lists, lambda: money_lists.sales(Asked(mini_grid_id=1, **QUARTER))),
    "sales by a provider": (money_lists, lambda: money_lists.sales(Asked(provider="daraja", **QUARTER))),
    "sales taken back": (money_lists, lambda: money_lists.sales(Asked(void=True, **QUARTER))),
    "payments": (money_lists, lambda: money_lists.payments(Asked(**QUARTER))),
    "payments of an agent": (money_lists, lambda: money_lists.payments(Asked(agent_id=1, **QUARTER))),
    "payments by a provider": (money_lists, lambda: money_lists.payments(Asked(provider="daraja", **QUARTER))),
    "providers": (reconciling, reconciling.known_providers),
    "a month by agent": (money_month, lambda: money_month.read({}, QUARTER["since"], NOW)),
    "a provider's month": (reconciling, lambda: reconciling.reconcile("daraja", QUARTER["since"], NOW)),
}


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL reads empty tables whole, whatever indexes there are
@pytest.mark.parametrize("what", ASKED)
async def test_no_statement_reads_a_whole_table(mwanga: Server, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, ask = ASKED[what]
    plans = dict[str, list[str]]()

    async def noted(db: Any, statement: str, values: Any = ()) -> list[dict[str, Any]]:
        plan = await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)
        plans[statement] = [str(row["detail"]) for row in plan]
        return await execute(db, statement, values)

    monkeypatch.setattr(module, "execute", noted)
    await ask()
    assert plans
    for statement, plan in plans.items():
        whole = [step for step in plan if step.startswith("SCAN") and step.split()[1] in GROWING]
        assert not whole, (statement, plan)


# What is added up of many rows is read in an index that has all of it: a look at each row would take ten times as long.
IN_THE_INDEX = {
    "of all": (
        money_days.OF_ALL,
        [TODAY, TODAY, TODAY, TODAY],
        ["money_sum USING COVERING INDEX money_sum_whose"],
    ),
    "of a mini-grid": (
        money_days.of_some(Wanted(TODAY, TODAY, mini_grid_id=1), ["agent_id", "provider"]),
        [TODAY, TODAY, TODAY, TODAY, 1],
        ["money_week USING COVERING INDEX money_week_grid", "money_day USING COVERING INDEX money_day_grid"],
    ),
    "of a provider": (
        money_days.of_some(Wanted(TODAY, TODAY, provider="cash"), ["agent_id", "mini_grid_id"]),
        [TODAY, TODAY, TODAY, TODAY, "cash"],
        ["money_week USING COVERING INDEX money_week_provider", "money_day USING COVERING INDEX money_day_provider"],
    ),
    "put right": (money_days.PUT_RIGHT, [NOW], ["SEARCH audit USING INDEX idx_audit_action"]),
    "settled lines": (
        reconciling.SETTLED_AS,
        ["daraja", TODAY, TODAY, NOW, NOW, NOW, NOW],
        ["statement_sum USING INDEX", "statement_line USING COVERING INDEX statement_line_at"],
    ),
    "what no line fits": (reconciling.UNSEEN, ["daraja", NOW, NOW], ["u USING INDEX idx_unmatched"]),
    "other amounts": (reconciling.DIFFERENT, ["daraja", NOW, NOW], ["INDEX unmatched_line"]),
    "unapplied": (
        reconciling.UNAPPLIED.format(index=" INDEXED BY account_unapplied"),
        ["daraja", NOW, NOW],
        ["SCAN a USING INDEX account_unapplied"],
    ),
    "paid out": (money_month.PAID_OUT_OF_TILL, [NOW, NOW], ["INDEX entry_paid_out"]),
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("what", IN_THE_INDEX)
async def test_sums_are_read_in_their_index(mwanga: Server, what: str) -> None:
    statement, values, wanted = IN_THE_INDEX[what]
    plan = str([row["detail"] for row in await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)])
    assert all(part in plan for part in wanted), plan


async def test_the_newest_moves_of_the_till_are_read_from_the_end_of_its_lines(engine: str, mwanga: Server) -> None:
    """Of ten thousand hand-ins the last fifty are looked at."""
    if engine == "sqlite":
        plan = str(await execute(connection(), f"EXPLAIN QUERY PLAN {till.MOVES}", [till.LAST, till.PAGE]))
        newest = plan.partition("CO-ROUTINE l")[2].partition("SCAN l")[0]
        assert "SEARCH line USING INDEX idx_line_account" in newest and "TEMP B-TREE" not in newest, plan
        return
    async with mwanga.database.work() as db:
        for other in ("seqscan", "sort", "bitmapscan"):
            await execute(db, f"SET LOCAL enable_{other} = off")
        plan = str(await execute(db, f"EXPLAIN {till.MOVES}", [till.LAST, till.PAGE]))
    newest = plan.partition("Limit")[2].partition("entry_pkey")[0]
    assert "Index Scan Backward using idx_line_account" in newest and "Sort" not in newest, plan


async def test_what_was_put_right_since_old_days_is_looked_up_together(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all of it is of later payments."""
    monkeypatch.setattr(money_days, "AT_ONCE", 10)
    for number in range(12):
        await record("rehema", "payment never came", f"daraja RKL{number}", "a forged text")
    with counted(monkeypatch) as trips:
        async with mwanga.database.work():
            await money_days.read(Wanted(TODAY - timedelta(days=400), TODAY - timedelta(days=390)), ZONE, TODAY)
    asked = [statement for unit in trips.units for statement in unit if "FROM payment WHERE provider" in statement]
    assert len(asked) == 2


@pytest.mark.parametrize("engine", ["postgres"])
async def test_plans_that_ended_otherwise_are_found_among_all(mwanga: Server) -> None:
    async with mwanga.database.work() as db:
        await execute(db, "SET LOCAL enable_seqscan = off")
        plan = str(await execute(db, f"EXPLAIN {taking_back.ENDED_OTHERWISE}", [1, 1]))
    assert "contract_ended_otherwise" in plan, plan


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nearly_all_sales_replace_no_other(mwanga: Server) -> None:
    """An index of them finds all that there ever were: the time is what is looked for."""
    plan = str(await execute(connection(), f"EXPLAIN QUERY PLAN {figures.SOLD}", [NOW - timedelta(hours=1), NOW]))
    assert "idx_sale_created" in plan and "replaces" not in plan, plan


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_waits_is_counted_in_indexes(mwanga: Server) -> None:
    """It stands beside the navigation of each page. An index of all rows would be read whole."""
    plan = [str(row["detail"]) for row in await execute(connection(), f"EXPLAIN QUERY PLAN {money_waiting.COUNT_ALL}")]
    read = [step for step in plan if step.startswith("SCAN") and not step.startswith("SCAN some_")]
    assert read and all(" INDEX " in step and " INDEX idx_" not in step for step in read), plan


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_requests_that_are_open_are_found_among_all_that_ended(mwanga: Server) -> None:
    statement = PaymentRequest.filter(state__in=[*RINGS, RequestState.UNKNOWN]).sql()
    plan = str(await execute(connection(), f"EXPLAIN QUERY PLAN {statement}"))
    assert "payment_request_open" in plan, plan
    statement = f"EXPLAIN QUERY PLAN SELECT * FROM payment_request WHERE {requests._NO_RECEIPT}"
    plan = str(await execute(connection(), statement))
    assert "payment_request_receipt" in plan, plan


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("what", ["of a mini-grid", "of a provider", "settled lines", "what no line fits", "paid out"])
async def test_postgres_can_read_sums_without_reading_whole_tables(mwanga: Server, what: str) -> None:
    """Empty tables are read whole unless that is made dear: what is left then has no index to go by."""
    statement, values, _wanted = IN_THE_INDEX[what]
    async with mwanga.database.work() as db:
        await execute(db, "SET LOCAL enable_seqscan = off")
        plan = [str(row["QUERY PLAN"]) for row in await execute(db, f"EXPLAIN {statement}", values)]
    whole = [step for step in plan if "Seq Scan on " in step and step.split(" on ")[1].split()[0] in GROWING]
    assert not whole and "Index" in str(plan), plan
