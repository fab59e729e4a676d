"""What happened as CSV, to be read elsewhere: sales, contracts, tickets, messages."""

import asyncio
import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.app import assembled
from bot.config import demo_world, load
from bot.outbound import NewMessage, enqueue
from bot.routing import NOWHERE
from bot.runtime import Database
from handlers.exchange import EXPORTS
from handlers.exchange.table import cell_of, row_of
from models.devices import Device
from models.messages import MessageKind
from models.money.hand_in import hand_in
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent, Customer
from models.selling import PaymentPlan
from models.selling.appliance_sale import propose, sell_appliance
from models.sql import now_ms
from models.tickets import Category
from models.tickets.tickets import open_ticket
from models.vault import Vault
from tests.world.people import GATEWAY, Phones
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite


def written(run: Run, *words: str) -> str:
    """An export without the mark at its beginning."""
    result = run("export", *words)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("\ufeff"), "Excel takes the letters for UTF-8 by it"
    return result.output.removeprefix("\ufeff")


def test_what_happened_is_exported(run: Run, demo_url: str) -> None:
    for kind in ("sales", "payments", "handed-in", "tickets", "messages", "audit"):
        rows = list(csv.reader(io.StringIO(written(run, kind))))
        assert rows == [list(EXPORTS[kind].columns)]
    assert run("export", "secrets").exit_code == 1
    assert run("import", "sales", __file__).exit_code == 1


def test_messages_of_both_directions_are_exported_without_their_text(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)

    async def text() -> None:
        async with assembled(demo_world(load()), serving=False) as mwanga:
            await Phones(mwanga).text("Asha", "BUY SHS0283 8000")

    asyncio.run(text())
    came, went = csv.DictReader(io.StringIO(written(run, "messages")))
    assert (came["direction"], came["id"], came["phone"], came["gateway"]) == ("in", "1", "+255700000001", GATEWAY)
    assert (came["state"], came["outcome"], came["error"]) == ("done", "asked", "")
    assert (went["direction"], went["id"], went["phone"]) == ("out", "1", "+255700000001")
    assert (went["kind"], went["state"], went["parts"], went["tries"]) == ("reply", "waiting", "1", "0")
    assert all(row["time"].startswith("20") for row in (came, went))


def test_tickets_are_exported(run: Run, demo_url: str) -> None:
    async def report() -> None:
        async with Database(demo_url) as database, database.work():
            baraka, device = await Customer.get(id=2), await Device.get(serial="SHS0283")
            await open_ticket(baraka, device, Category.POWER, "=dark", actor="office", key="test")

    asyncio.run(report())
    [header, row] = csv.reader(io.StringIO(written(run, "tickets")))
    ticket = dict(zip(header, row, strict=True))
    assert (ticket["number"], ticket["state"], ticket["serial"], ticket["text"]) == ("K1", "open", "SHS0283", "'=dark")


def test_contracts_are_exported_with_what_is_owed(run: Run, demo_url: str) -> None:
    [contract] = csv.DictReader(io.StringIO(written(run, "contracts")))
    assert contract["number"] == "S1001"
    assert (contract["appliance"], contract["serial"], contract["customer"]) == ("Solar home", "SHS0283", "2")
    assert (contract["price"], contract["down"], contract["owed"]) == ("1099000", "7000", "1092000")
    assert (contract["count"], contract["ended_on"]) == ("156", "")
    assert contract["next_due"] > contract["sold_on"]


def test_a_sale_and_its_payment_are_exported_with_what_they_were_for(run: Run, demo_url: str) -> None:
    async def sell() -> None:
        async with Database(demo_url) as database, database.work():
            plan = await PaymentPlan.get(appliance__name="Solar lamp").prefetch_related("appliance")
            lamp = propose(plan.appliance, plan, await Customer.get(id=2), None, today=date(2026, 11, 24), coin=100)
            vault = Vault("mwanga demo key: never use it for a real device")
            await sell_appliance(lamp, seller=await Agent.get(id=1), key="test", vault=vault)

    asyncio.run(sell())
    [sale] = csv.DictReader(io.StringIO(written(run, "sales")))
    assert (sale["contract"], sale["serial"], sale["amount"], sale["recovered"]) == ("S1002", "", "100", "0")
    [payment] = csv.DictReader(io.StringIO(written(run, "payments")))
    assert (payment["sale"], payment["amount"]) == (sale["reference"], "100")


@pytest.fixture
def three_days(demo_url: str) -> None:
    """Hand-ins, tickets, messages and notes at 23:30 in Dar es Salaam (20:30 UTC) of three days, and at 2:00 in the
    night after the last of them (23:00 UTC)."""

    async def happen(name: str) -> None:
        asha, customer = await Agent.get(id=1), await Customer.get(id=2)
        held = [Posting(AccountKind.CASH, 1, 100_00), Posting(AccountKind.DAYS, 0, -100_00)]
        await post(name, held, actor="test")
        await hand_in(asha, 100_00, "rehema", name, again=True)
        await open_ticket(customer, None, Category.POWER, name, actor="test", key=name)
        await enqueue([NewMessage(name, "+255710000002", name, MessageKind.REPLY, NOWHERE)], now_ms())

    for day, hour, minute in ((26, 20, 30), (27, 20, 30), (28, 20, 30), (28, 23, 0)):
        with time_machine.travel(datetime(2026, 11, day, hour, minute, tzinfo=UTC), tick=False):
            do_in_one_work(demo_url, lambda name=f"R{day}{hour}": happen(name))


LOCAL = ["2026-11-26 23:30:00", "2026-11-27 23:30:00", "2026-11-28 23:30:00", "2026-11-29 02:00:00"]


@pytest.mark.parametrize("kind", ["handed-in", "tickets", "messages", "audit"])
@pytest.mark.parametrize(
    ("words", "times"),
    [
        ((), LOCAL),
        (("--since", "2026-11-27"), LOCAL[1:]),
        (("--until", "2026-11-28"), LOCAL[:3]),
        (("--since", "2026-11-27", "--until", "2026-11-28"), LOCAL[1:3]),
        (("--since", "2026-11-28T23:30", "--until", "2026-11-29T02:00"), LOCAL[2:3]),
        (("--since", "2026-11-30"), []),
    ],
)
@pytest.mark.usefixtures("three_days")
def test_times_are_local_and_days_can_be_chosen(run: Run, kind: str, words: tuple[str, ...], times: list[str]) -> None:
    rows = csv.DictReader(io.StringIO(written(run, kind, *words)))
    assert [row["opened" if kind == "tickets" else "time"] for row in rows] == times


def test_contracts_are_chosen_by_the_day_of_the_sale(run: Run, demo_url: str) -> None:
    [row] = query(demo_url, "SELECT sold_on FROM contract")
    day = str(row["sold_on"])
    assert "S1001" in written(run, "contracts", "--since", day, "--until", day)
    assert "S1001" not in written(run, "contracts", "--until", str(date.fromisoformat(day) - timedelta(days=1)))


def test_what_has_no_dates_says_so(run: Run) -> None:
    result = run("export", "villages", "--since", "2026-11-01")
    assert result.exit_code == 1 and "villages have no dates. --since and --until are for sales, " in result.output


def test_nothing_steers_a_terminal_or_turns_a_line(run: Run, demo_url: str) -> None:
    async def report() -> None:
        customer, text = await Customer.get(id=2), "\x1b]0;owned\x07\u202ekrad\x9b2J\r\nno light\x7f"
        await open_ticket(customer, None, Category.POWER, text, actor="test", key="test")

    do_in_one_work(demo_url, report)
    [ticket] = csv.DictReader(io.StringIO(written(run, "tickets")))
    assert ticket["text"] == "]0;ownedkrad2J\nno light"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "'=1+1"),
        ("\t=1+1", "'=1+1"),
        ("\r=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1", "-1"),
        ("-350.50", "-350.50"),
        ("-1+1", "'-1+1"),
        ("-1.5.2", "'-1.5.2"),
        ("+255 710", "'+255 710"),
        ("@home", "'@home"),
        ("＝1+1", "'＝1+1"),
        ("'=1+1", "''=1+1"),
        ("'+255", "''+255"),
        ("+255710000002", "+255710000002"),
        ("O'Neil", "O'Neil"),
        ("'Alii", "'Alii"),
        (None, ""),
        (0, "0"),
        (datetime(2026, 11, 28, 21, 0, 5, 999, tzinfo=UTC), "2026-11-29 00:00:05"),
    ],
)
def test_a_cell_is_no_formula_and_is_read_as_it_was(value: object, cell: str) -> None:
    written_cell = cell_of(value, ZoneInfo("Africa/Dar_es_Salaam"))
    assert written_cell == cell
    if isinstance(value, str):
        assert row_of(["name"], [written_cell]) == {"name": value.strip()}
