"""What the first page counts of things that wait for a person: bounded, by an index of what is open alone."""

import re
from datetime import UTC, datetime, timedelta

from bot.runtime import Database
from bot.server import Server
from models.money import disputes, hand_in, receiving
from models.money.ledger import AccountKind, Posting, post
from models.office import beginnings, needs
from models.office.needs import COUNT
from models.people import Agent, Customer, OfficeUser
from models.selling import Sale, voids
from models.sql import execute, ms_of
from models.tickets import Category, tickets
from tests.world.people import NOON, PEOPLE, PINS, Phones

NOW = datetime.now(UTC)


async def test_nothing_waits_in_a_new_world(mwanga: Server) -> None:
    waiting = await needs.read()
    piles = (waiting.late, waiting.not_assigned, waiting.payments, waiting.voids, waiting.write_offs, waiting.receipts)
    assert {(pile.number, pile.oldest, pile.more) for pile in piles} == {(0, 0, False)}
    assert waiting.disputes == []


async def test_tickets_are_late_after_their_day_and_named_by_their_customers(mwanga: Server) -> None:
    async with mwanga.database.work():
        baraka = await Customer.get(phone=PEOPLE["Baraka"])
        for number, due in enumerate((NOW - timedelta(days=2), NOW - timedelta(hours=1), NOW + timedelta(days=1))):
            await tickets.open_ticket(
                baraka, None, Category.POWER, f"dark {number}", actor="test", key=f"test {number}", due_at=due
            )
        clerk = await OfficeUser.get(name="admin")
        last = (await tickets.open_ticket(baraka, None, Category.OTHER, "else", actor="test", key="last")).ticket
        await tickets.assign(last, clerk, due_at=NOW + timedelta(days=2))
    waiting = await needs.read()
    assert (waiting.late.number, waiting.late.oldest) == (2, ms_of(NOW - timedelta(days=2)))
    assert [(one.number, one.customer) for one in waiting.first_late] == [
        ("K1", "Baraka Peter"),
        ("K2", "Baraka Peter"),
    ]
    assert [one.number for one in waiting.first_not_assigned] == ["K4"]


async def test_money_that_waits_is_counted_and_named(mwanga: Server) -> None:
    async with mwanga.database.work():
        incoming = receiving.Incoming(
            source=receiving.Source.STATEMENT, provider="bank", reference="TRF 1", amount=7_000_00, paid_at=NOW
        )
        received = await receiving.receive(incoming)
        await receiving.open_suspense(received.payment.id, receiving.Why.NOBODY)
        asha = await Agent.get(phone=PEOPLE["Asha"])
        lines = [Posting(AccountKind.CASH, asha.id, 100_00), Posting(AccountKind.ENERGY, 0, -100_00)]
        await post("sold", lines, actor="test")
        booked = await hand_in.hand_in(asha, 50_00, "admin")
        await disputes.dispute(booked.entry, asha, "I gave 60")
    waiting = await needs.read()
    assert [(one.reference, one.amount) for one in waiting.first_payments] == [("TRF1", 7_000_00)]
    assert [(one.name, one.amount) for one in waiting.disputes] == [("Asha Mushi", 50_00)]
    async with mwanga.database.work():
        await OfficeUser.create(name="rehema", password_hash="none")
        for name, amount in (("rehema", 60_00), ("admin", None)):
            await disputes.settle(booked.entry, amount, await OfficeUser.get(name=name))
        await receiving.close_suspense(received.payment.id, "admin")
    waiting = await needs.read()
    assert (waiting.disputes, waiting.payments.number) == ([], 0)


async def test_what_waits_for_a_second_person_is_counted(mwanga: Server) -> None:
    asked = """INSERT INTO proposal (key, what, agent_id, amount, reason, state, asked_by, asked_at)
      SELECT 'k1', 'payout', id, 100, 'leaves', 'asked', 'rehema', $1 FROM agent WHERE phone = $2"""
    await execute(mwanga.database.client, asked, [NOW, PEOPLE["Asha"]])
    pile = (await needs.read()).proposals
    assert (pile.number, pile.more) == (1, False) and abs(pile.oldest - ms_of(NOW)) < 2
    await execute(mwanga.database.client, "UPDATE proposal SET state = 'refused'")
    assert (await needs.read()).proposals.number == 0


async def test_a_sale_that_is_to_be_void_waits(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for text in ("BUY SHS0283 8000", f"1 {PINS['Asha']}"):
        await phones.text("Asha", text)
    async with mwanga.database.work():
        sale = await Sale.all().first()
        assert sale
        await voids.ask(sale, await Agent.get(phone=PEOPLE["Asha"]), "wrong device", 15, today=NOON.date())
    assert (await needs.read()).voids.number == 1
    begun = await beginnings.read()
    assert begun.first_sale == sale.created_at
    assert (begun.agents, begun.prices, begun.devices, begun.customers, begun.phone) == (True, True, True, True, False)


QUESTIONS = [getattr(needs, name) for name in vars(needs) if name.isupper() and isinstance(getattr(needs, name), str)]


async def test_no_question_reads_what_is_over(database: Database) -> None:
    """PostgreSQL would read empty tables whole, so it is kept from that."""
    explain = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
    of_work = "ticket|suspense|hand_in_event|e|void|write_off|proposal|office_promotion|receipt_text"
    tables = re.compile(rf"(SCAN|SEARCH|Scan) .*\b({of_work})\b")
    async with database.work() as db:
        if not database.embedded:
            await execute(db, "SET LOCAL enable_seqscan = off")
            await execute(db, "SET LOCAL enable_bitmapscan = off")
        for question in QUESTIONS:
            values = [NOW] * len(set(re.findall(r"\$\d", question)))
            plan = [str(row) for row in await execute(db, explain + question, values)]
            reads = [step for step in plan if tables.search(step)]
            assert reads, question
            assert all(re.search(r"USING (COVERING )?INDEX|Index (Only )?Scan", step) for step in reads), reads
            assert str(COUNT) in question or "LIMIT 3" in question
