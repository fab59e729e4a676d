"""An agent who sells no more: nothing starts any more, the history stays, and the number is free for another."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError

from bot.config import Config
from bot.server import Server
from bot.text import verbatim
from handlers.account.retire import HoldsCash, retire
from handlers.tickets.news import News
from models.audit import Audit
from models.money.ledger import AccountKind, Posting, post
from models.office import overview
from models.office.tickets import NOBODY, Wanted, list_tickets
from models.people import Agent, Customer, Role, find_callers
from models.people.agents import add_agent, find_agent
from models.selling import Sale
from models.selling.cash_limit import read_room
from models.sql import now_ms
from models.tickets import Category, Ticket
from models.tickets.tickets import assign, find_for_office, open_ticket
from tests.world.browser import open_office
from tests.world.office_forms import send
from tests.world.people import PEOPLE, Phones
from tests.world.prompt import Run, do_in_one_work, query

ASHA = PEOPLE["Asha"]
NEW = {"name": "Rehema Kito", "language": "sw", "mini_grid": "Masasi", "cash_limit": 90_000_00}


async def asha_takes(amount: int) -> None:
    asha = await Agent.get(phone=ASHA)
    await post(
        "sold", [Posting(AccountKind.CASH, asha.id, amount), Posting(AccountKind.ENERGY, 0, -amount)], actor="test"
    )


def test_the_cash_that_an_agent_holds_is_named_and_booked_later(run: Run, demo_url: str) -> None:
    do_in_one_work(demo_url, lambda: asha_takes(800_00))
    refused = run("agent", "retire", "0700000001")
    assert refused.exit_code == 1 and "Asha Mushi holds TZS 800." in refused.output
    assert "Asha Mushi, +255700000001, Mtwara North, holds TZS 800 of 200,000\n" in run("agent", "list").output
    retired = run("agent", "retire", "0700000001", "--with-cash")
    assert retired.exit_code == 0 and "TZS 800 is still in hand" in retired.output
    assert "Asha" not in run("agent", "list").output
    assert "Asha Mushi, +255700000001, Mtwara North, holds TZS 800 of 200,000, retired 2" in (
        run("agent", "list", "--retired").output
    )
    assert query(demo_url, "SELECT actor, action, subject, detail FROM audit") == [
        {
            "actor": "command line",
            "action": "agent retired",
            "subject": ASHA,
            "detail": "Asha Mushi, cash 80000, commission 0",
        }
    ]
    assert run("agent", "retire", "0700000001").output == "0700000001 is no agent.\n"
    assert run("agent", "receipt", "0700000001", 800).exit_code == 1
    assert "HANDED IN TZS 800." in run("agent", "receipt", "0700000001", 800, "--retired").output
    assert query(demo_url, "SELECT phone FROM outbox") == [], "the number may be another one's by now"


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("command", ["pin", "unlock", "lock", "set"])
def test_nothing_is_changed_of_who_is_retired(run: Run, demo_url: str, command: str) -> None:
    assert run("agent", "retire", "0700000001").exit_code == 0
    result = run("agent", command, "0700000001", input="730582\n")
    assert result.exit_code == 1 and result.output == "0700000001 is no agent.\n"


def test_a_retired_agent_is_not_exported_and_the_file_adds_another(run: Run, demo_url: str) -> None:
    run("agent", "retire", "0700000001")
    out = run("export", "agents").output
    assert ASHA not in out and "+255700000002" in out


async def test_an_open_question_sells_nothing_any_more(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    screen = await phones.dial("Juma", "*384*20#")
    async with mwanga.database.work():
        for name in ("Asha", "Juma"):
            await retire(await Agent.get(phone=PEOPLE[name]), actor="test")
    answers = await phones.text("Asha", "1 482915")
    assert not await Sale.exists() and "SOLD" not in str(answers)
    assert screen and "Sell" not in await phones.enter("Juma", "1")
    assert await phones.text("Juma", "CASH")
    callers = await find_callers([ASHA])
    assert callers[ASHA].role == Role.STRANGER


async def test_a_sale_under_way_is_run_again(mwanga: Server) -> None:
    """Whoever looked the agent up before sells nothing after it."""
    asha = await Agent.get(phone=ASHA)
    async with mwanga.database.work():
        await retire(asha, actor="test")
    with pytest.raises(OperationalError, match="retired"):
        await read_room(asha)


async def test_the_number_is_free_and_the_history_stays(mwanga: Server) -> None:
    vault = mwanga.company.vault
    async with mwanga.database.work():
        asha = await Agent.get(phone=ASHA)
        await retire(asha, actor="test")
        added = await add_agent(phone=ASHA, pin="730582", **NEW, vault=vault, actor="test")
        assert added.id != asha.id
        await retire(added, actor="test")
        again = await add_agent(phone=ASHA, pin="730582", **NEW, vault=vault, actor="test")
    found = await find_agent(ASHA)
    assert found is not None and found.id == again.id
    callers = await find_callers([ASHA])
    assert callers[ASHA].agent == again
    assert await Agent.filter(phone=ASHA).count() == 3


async def test_who_reported_a_ticket_and_is_retired_hears_no_more_of_it(mwanga: Server) -> None:
    async with mwanga.database.work():
        asha, customer = await Agent.get(phone=ASHA), await Customer.get(id=2)
        opened = await open_ticket(customer, None, Category.POWER, "dark", actor=ASHA, key="test", reporter=asha)
        assert [copy.phone for copy in News(opened.ticket, mwanga.company).agents(verbatim("x"), actor="")] == [ASHA]
        await retire(asha, actor="test")
        ticket = await find_for_office(opened.ticket.id)
    assert News(ticket, mwanga.company).agents(verbatim("x"), actor="") == []


async def test_open_tickets_are_nobody_s_and_the_office_still_sees_the_cash(mwanga: Server) -> None:
    async with mwanga.database.work():
        await asha_takes(500_00)
        asha, customer = await Agent.get(phone=ASHA), await Customer.get(id=2)
        opened = await open_ticket(customer, None, Category.POWER, "dark", actor="test", key="test")
        await assign(opened.ticket, "test", agent=asha)
        with pytest.raises(HoldsCash):
            await retire(asha, actor="test")
        left = await retire(asha, with_cash=True, actor="test")
    assert (left.held, left.tickets) == (500_00, [opened.ticket.number])
    assert (await Ticket.get(id=opened.ticket.id)).agent_id is None
    assert await Audit.filter(action="agent retired").count() == 1
    report = await overview.read(now_ms(), datetime(2026, 1, 1, tzinfo=UTC))
    assert [(agent.held, agent.retired) for agent in report.agents if agent.name == "Asha Mushi"] == [(500_00, True)]
    assert report.locked == []


async def test_what_is_opened_again_when_the_agent_is_retired_is_nobody_s(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "FIX SHS0283 no power")
    await phones.text("Asha", "DONE K1")
    await phones.text("Baraka", "1")
    async with mwanga.database.work():
        await retire(await Agent.get(phone=ASHA), actor="test")
    assert await phones.text("Baraka", "T K1 dark again") == [("Baraka", "K1 is open again. The office will call.")]
    assert [ticket.id for ticket in await list_tickets(Wanted(whose=NOBODY), 0, 9)] == [1]


async def ticket_of_asha(key: str = "test") -> Ticket:
    opened = await open_ticket(await Customer.get(id=2), None, Category.POWER, f"dark {key}", actor="test", key=key)
    return await assign(opened.ticket, "test", agent=await Agent.get(phone=ASHA))


def test_who_goes_to_another_mini_grid_leaves_the_tickets_of_the_former_one(run: Run, demo_url: str) -> None:
    do_in_one_work(demo_url, ticket_of_asha)
    assert "Tickets" not in run("agent", "set", "0700000001", "--mini-grid", "Mtwara North").output
    moved = run("agent", "set", "0700000001", "--mini-grid", "Lindi South")
    assert "Tickets that were this agent's and are nobody's now: K1.\n" in moved.output
    assert query(demo_url, "SELECT agent_id FROM ticket") == [{"agent_id": None}]


@pytest.mark.everyday_on_sqlite
def test_the_same_by_a_file(run: Run, demo_url: str, tmp_path: Path) -> None:
    do_in_one_work(demo_url, ticket_of_asha)
    file = tmp_path / "agents.csv"
    file.write_text("phone,name,mini_grid,cash_limit\n0700000001,Asha Mushi,Lindi South,200000\n")
    assert run("import", "agents", file).exit_code == 0
    assert query(demo_url, "SELECT agent_id FROM ticket") == [{"agent_id": None}]


@pytest.mark.everyday_on_sqlite
async def test_the_same_at_the_page(config: Config) -> None:
    async with open_office(config) as office:
        async with office.mwanga.database.work():
            await ticket_of_asha()
        page, details = "/people/agents/1", {"name": "Asha Mushi", "language": "en", "mini_grid": "Lindi South"}
        assert (await send(office, f"{page}/details", page, **details))[0] == 303
        assert await office.ask("SELECT agent_id FROM ticket") == [{"agent_id": None}]
