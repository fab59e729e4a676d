"""A day in an invented mini-grid, so that each page of the demo's office shows something: sales, texts, tickets, a
hand-in that is disputed, money for nobody. Its people are its own; those of the README are left alone.
"""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from models.demo.desk import Hill, fill
from models.demo.past import Purchase, Text, book, moments, paygo_key, purchases, write_beats, write_texts
from models.demo.phones import add_phones
from models.demo.world import CLERK, OFFICE_PASSWORD, STS_KEY
from models.devices import Device, Kind, Tariff, Unit, with_owner
from models.devices.keys import seal_key
from models.messages import MessageKind
from models.money import disputes, hand_in, receiving
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent, Customer, MiniGrid, OfficeRole, OfficeUser, Village
from models.selling import Contract, PaymentPlan, Period, Sale, quotes, voids
from models.selling.contracts import Instalment
from models.selling.instalments import amounts, due_dates
from models.selling.payable import PayableDevice
from models.selling.payment import sell
from models.sql import connection, execute, now_ms
from models.tickets import Category, Ticket, tickets
from models.vault import Vault

HILL, VILLAGES = "Naliendele Hill", ("Hilltop", "Mbuyuni")
# Name, phone, language, cash limit.
AGENTS = (
    ("Salome Kato", "+255700000101", "en", 150_000),
    ("Hamisi Tembo", "+255700000102", "sw", 20_000),
    ("Fatuma Pili", "+255700000103", "sw", 60_000),
)
CUSTOMERS = (
    ("Zawadi", "Mollel", "en"),
    ("Rashidi", "Kombo", "sw"),
    ("Tatu", "Shauri", "sw"),
    ("Elia", "Masanja", "en"),
    ("Pendo", "Mwinuka", "sw"),
    ("Musa", "Chande", "sw"),
    ("Rehema", "Lugano", "en"),
    ("Bakari", "Mzee", "sw"),
    ("Furaha", "Nyoni", "sw"),
    ("Daudi", "Komba", "en"),
    ("Mwajuma", "Seif", "sw"),
    ("Peter", "Ngowi", "en"),
)
METERS = ("04124000011", "04124000029")  # of the last two; the ten before have a solar home system each
PRICE = 1_000  # a day of a solar home system
ON_PLAN = ((0, 40), (1, 20), (2, 6))  # which customers pay a plan off, and how many days ago it was sold
TELL_ALL = "UPDATE alert SET told_at = $1 WHERE told_at = 0"


async def load(vault: Vault, exponent: int, today: date, midnight: datetime) -> None:
    """Fill the demo world with it, in the caller's unit of work. `today` and `midnight` are the operator's."""
    now, minor = datetime.now(UTC), 10**exponent
    hill = await _settle(vault, minor)
    hashed = vault.hash_password(OFFICE_PASSWORD)
    clerk = await OfficeUser.create(name=CLERK, password_hash=hashed, role=OfficeRole.FINANCE.value)
    await _sell_on_plans(hill, today, minor)
    earlier = purchases(hill.agents[:2], hill.owned(first=len(ON_PLAN), meters=len(METERS)), now)
    of_today = _purchases_of_today(hill, now, midnight)
    await book([*earlier, *of_today], PRICE * minor, CLERK)
    sales = await _sell_now(hill, vault, today, minor)
    await _hand_in(hill, minor)
    await _receive(now, minor)
    await _report(hill, clerk, now)
    await Agent.filter(id=hill.agents[2].id).update(locked_at=now - timedelta(hours=2))
    phone = await add_phones(vault, now)
    await write_texts(_texts(hill, of_today, now, midnight, phone))
    await write_beats(now)
    await fill(hill, sales, clerk, vault, minor, today)
    await execute(connection(), TELL_ALL, [now_ms()])  # nobody is to be woken by it


async def _settle(vault: Vault, minor: int) -> Hill:
    """The mini-grid, its villages, agents and customers, and a device for each."""
    grid = await MiniGrid.create(name=HILL)
    villages = [await Village.create(name=name, mini_grid=grid) for name in VILLAGES]
    agents = [
        await Agent.create(
            name=name,
            phone=phone,
            language=language,
            pin_hash=vault.hash_pin(f"{secrets.randbelow(10**6):06d}"),
            cash_limit=limit * minor,
            mini_grid=grid,
        )
        for name, phone, language, limit in AGENTS
    ]
    home = await Tariff.create(name="Hill home, daily", unit=Unit.DAYS, price=PRICE * minor, minimum=minor)
    meter = await Tariff.get(name="Household 350")
    customers, devices = [], []
    for number, (name, surname, language) in enumerate(CUSTOMERS):
        customer = await Customer.create(
            name=name,
            surname=surname,
            phone=f"+255710000{101 + number}",
            language=language,
            mini_grid=grid,
            village=villages[number % 2],
            created_at=datetime(2026, 2, 2 + number, 8, 0, tzinfo=UTC),
        )
        place = number - (len(CUSTOMERS) - len(METERS))
        serial, key = (METERS[place], STS_KEY) if place >= 0 else (f"HILL{number + 1:03d}", paygo_key())
        devices.append(
            await Device.create(
                serial=serial,
                kind=Kind.METER if place >= 0 else Kind.SHS,
                issuer="sts" if place >= 0 else "openpaygo",
                sealed_key=seal_key(serial, key, vault),
                count=0 if place >= 0 else 1,
                customer=customer,
                tariff=meter if place >= 0 else home,
            )
        )
        customers.append(customer)
    return Hill(agents, customers, devices)


async def _sell_on_plans(hill: Hill, today: date, minor: int) -> None:
    """Some solar home systems are paid off week by week; two of their owners are behind."""
    plan = await PaymentPlan.get(appliance__name="Solar home").prefetch_related("appliance")
    for place, ago in ON_PLAN:
        sold_on, financed = today - timedelta(days=ago), plan.appliance.price - plan.down
        contract = await Contract.create(
            key=f"demo life {place}",
            appliance=plan.appliance,
            customer=hill.customers[place],
            agent=hill.agents[0],
            device=hill.devices[place],
            terms=plan.terms,
            price=plan.appliance.price,
            down=plan.down,
            period=plan.period,
            day_price=plan.day_price,
            minimum=plan.minimum,
            commission=0,
            sold_on=sold_on,
            created_at=datetime.now(UTC) - timedelta(days=ago),
        )
        due = due_dates(sold_on, Period(plan.period), plan.count)
        parts = zip(due, amounts(financed, plan.count, minor), strict=True)
        await Instalment.bulk_create(
            Instalment(contract=contract, appliance=plan.appliance, number=number, due_on=day, amount=amount)
            for number, (day, amount) in enumerate(parts, start=1)
        )
        lines = [Posting(AccountKind.DEBT, contract.id, financed), Posting(AccountKind.GOODS, 0, -financed)]
        await post(f"contract {contract.id} price", lines, actor="demo")


def _purchases_of_today(hill: Hill, now: datetime, midnight: datetime) -> list[Purchase]:
    """Some of this morning."""
    owned = hill.owned(first=len(ON_PLAN), meters=len(METERS))
    times = moments(now, midnight, 5)
    return [
        Purchase(at, hill.agents[place % 2], *owned[place], days=(3, 2, 5, 3, 2)[place])
        for place, at in enumerate(times)
    ]


async def _sell_now(hill: Hill, vault: Vault, today: date, minor: int) -> list[Sale]:
    """The last sales, by the verbs that sell. The second agent is near the limit by them; one is asked to be void."""
    salome, hamisi, _fatuma = hill.agents
    sales = [(salome, 0, 7_000), (salome, 2, 7_000), (salome, 10, 3_500), (salome, 9, 2_000)]
    sales += [(hamisi, 7, 10_000), (hamisi, 8, 9_000)]
    done: list[Sale] = []
    for number, (seller, place, amount) in enumerate(sales):
        paid_for = PayableDevice(await with_owner(hill.devices[place].id))
        offer = quotes.quote(await paid_for.standing(today, minor, vault, seller), amount * minor)
        sold = await sell(offer, seller=seller, key=f"demo life now {number}", vault=vault)
        done.append(sold.sale)
    await voids.ask(done[3], salome, "wrong customer, she wanted Daudi Mzee", 15, today=today)
    return done


async def _hand_in(hill: Hill, minor: int) -> None:
    """The first agent hands cash in, and does not agree with what was counted."""
    salome = hill.agents[0]
    booked = await hand_in.hand_in(salome, 8_000 * minor, CLERK, coin=minor)
    await disputes.dispute(booked.entry, salome, "I gave 9,000")


async def _receive(now: datetime, minor: int) -> None:
    """Money came to the company that names no device."""
    told = (
        ("daraja", "QK71HILL01", 7_000, "+255710000188", "NEEMA A", "solar", 30),
        ("bank", "TRF 20611", 50_000, "", "MBUYUNI SCHOOL", "power november", 2),
    )
    for provider, reference, amount, phone, name, account, days in told:
        incoming = receiving.Incoming(
            source=receiving.Source.CALLBACK if phone else receiving.Source.STATEMENT,
            provider=provider,
            reference=reference,
            amount=amount * minor,
            paid_at=now - timedelta(hours=days),
            payer_phone=phone,
            payer_name=name,
            account_text=account,
        )
        received = await receiving.receive(incoming)
        await receiving.open_suspense(received.payment.id, receiving.Why.NOBODY)


async def _report(hill: Hill, clerk: OfficeUser, now: datetime) -> None:
    """Tickets: one is late, one is nobody's, one waits for the customer's yes."""
    salome, hamisi, _fatuma = hill.agents
    reports = (
        (4, Category.DEVICE, "the lamp stays dark since the rain", now - timedelta(days=1)),
        (10, Category.CODE, "meter says error with my code", now + timedelta(days=2)),
        (6, Category.POWER, "no power since Monday", now + timedelta(days=1)),
    )
    opened: list[Ticket] = []
    for number, (place, category, text, due_at) in enumerate(reports):
        customer = hill.customers[place]
        one = await tickets.open_ticket(
            customer,
            hill.devices[place],
            category,
            text,
            actor=str(customer.phone),
            key=f"demo life {number}",
            due_at=due_at,
        )
        opened.append(one.ticket)
        await Ticket.filter(id=one.ticket.id).update(opened_at=min(now, due_at - timedelta(days=2)))
    late, free, asked = opened
    late = await tickets.assign(late, clerk, agent=hamisi, due_at=late.due_at)
    await tickets.comment(late, hamisi.phone, "I need a new cable")
    await tickets.assign(free, CLERK)
    asked = await tickets.assign(asked, clerk, agent=salome, due_at=asked.due_at)
    await tickets.ask_fixed(asked, clerk)


def _texts(hill: Hill, of_today: list[Purchase], now: datetime, midnight: datetime, phone: str) -> list[Text]:
    """What was written today, from the first to the last. Customers' questions came by a gateway phone."""
    found = []
    for one in of_today:
        amount, ask = f"{one.days * PRICE:,}", one.at - timedelta(seconds=40)
        question = (
            f"Sell {one.days} days for TZS {amount} to {one.customer.masked}, {one.device.serial}? 1 PIN. Yes 2. No"
        )
        found += [
            Text(ask, one.agent.phone, f"BUY {one.device.serial} {one.days * PRICE}", "asked"),
            Text(ask + timedelta(seconds=2), one.agent.phone, question),
            Text(one.at, one.agent.phone, "1 ******", "sold"),
            Text(one.at, one.agent.phone, f"SOLD {one.days} days to {one.customer.masked}, TZS {amount}."),
            Text(one.at, str(one.customer.phone), f"{one.days} days, TZS {amount}. Thank you.", kind=MessageKind.TOKEN),
        ]
    asked = [replace(one, gateway=phone) for one in _questions(hill, moments(now, midnight, 8))]
    return sorted(found + asked, key=lambda one: one.at)


def _questions(hill: Hill, at: list[datetime]) -> list[Text]:
    """What customers ask, some of it in words that nobody foresaw."""
    phones, soon = [str(customer.phone) for customer in hill.customers], timedelta(seconds=3)
    sorry = "Sorry, that was not understood. Reply HELP to see what you can send."
    pole = "Samahani, haikueleweka. Tuma MSAADA kuona unachoweza kutuma."
    asked = (
        (0, phones[1], "Umeme", "not understood", pole),
        (1, phones[0], "BAL", "told", "Solar home HILL001: paid until 2/12. You owe TZS 42,000."),
        (2, phones[3], "I have payed where is my code", "not understood", sorry),
        (3, phones[2], "umeme", "not understood", pole),
        (4, phones[6], "TOKEN", "told", "HILL007: your last code was ***-***-***."),
        (5, hill.agents[1].phone, "CASH", "told", "Una TZS 9,000 kati ya 20,000."),
        (6, phones[8], "naomba kulipa kesho", "not understood", pole),
    )
    found = []
    for place, phone, text, outcome, answer in asked:
        found += [Text(at[place], phone, text, outcome), Text(at[place] + soon, phone, answer)]
    reminder = "Tomorrow TZS 7,000 is due for HILL002. Reply BUY 7000 to pay."
    found.append(Text(at[7], "+255710000190", reminder, error="bad number", kind=MessageKind.REMINDER))
    return found
