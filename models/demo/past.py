"""What happened in the invented mini-grid before the demo began: rows as the machine would have left them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from models.demo.world import PAYGO_KEYS
from models.devices import Device
from models.messages import LIFE, MessageKind, beats
from models.messages.beats import Beat
from models.money.ledger import AccountKind, Posting, currency, post
from models.money.payments import Payment
from models.money.references import new_reference, reference_for
from models.people import Agent, Customer
from models.selling import Sale
from models.selling.sales import Token
from models.sql import HOUR_MS, connection, execute_many, insert, ms_of
from models.tokens import ISSUERS

GATEWAY = "simulator"
RECEIVED = """INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state,
  outcome, error) VALUES ($1, $2, $3, 'number', '', '', $4, $5, 'done', $6, '')"""
SENT = """INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, assigned_at,
  expires_at, claimed_at, tries, external_id, error, parts, sent_at, delivered_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $9, $8, 1, $10, $11, 1, $12, $13)"""
DAYS = 27  # of sales


@dataclass(frozen=True)
class Text:
    """An SMS of today. One that came in has an outcome; one that went out has none."""

    at: datetime
    phone: str
    text: str
    outcome: str = ""
    error: str = ""  # why it failed; empty: it arrived
    kind: MessageKind = MessageKind.REPLY
    gateway: str = GATEWAY


@dataclass(frozen=True)
class Purchase:
    """A sale before now, in cash that was handed in long ago."""

    at: datetime
    agent: Agent
    customer: Customer
    device: Device
    days: int


def purchases(agents: list[Agent], owned: list[tuple[Customer, Device]], now: datetime) -> list[Purchase]:
    """Every few days one for each device, on the days before today."""
    random, found = Random(11), []
    for number, (customer, device) in enumerate(owned):
        back = random.randint(1, 3)
        while back <= DAYS:
            days = random.choice((2, 3, 3, 5, 7))
            at = now - timedelta(days=back, minutes=random.randint(0, 300))
            found.append(Purchase(at, agents[number % len(agents)], customer, device, days))
            back += days
    return sorted(found, key=lambda one: one.at)


async def book(found: list[Purchase], price: int, clerk: str) -> None:
    """Write these sales with their tokens, the cash that the agents took, and that the clerk counted it each week.
    `price` is that of a day."""
    money = await currency()
    keys = {f"demo life {number}": one for number, one in enumerate(found)}
    await Payment.bulk_create(
        Payment(
            provider="cash",
            reference=key,
            amount=one.days * price,
            currency=money,
            agent_id=one.agent.id,
            paid_at=one.at,
            created_at=one.at,
        )
        for key, one in keys.items()
    )
    await Sale.bulk_create(
        Sale(
            reference=reference_for(1_000_000 + payment.id),
            key=payment.reference,
            payment_id=payment.id,
            agent_id=payment.agent_id,
            customer_id=(one := keys[payment.reference]).customer.id,
            device_id=one.device.id,
            amount=payment.amount,
            unit="days",
            units=one.days,
            commission=0,
            tariff="Hill home, daily",
            price=price,
            created_at=one.at,
        )
        for payment in await Payment.filter(reference__in=list(keys)).order_by("id")
    )
    sales = await Sale.filter(key__in=list(keys)).order_by("created_at", "id")
    await _issue(keys, sales)
    for sale in sales:
        agent = keys[sale.key].agent.id
        lines = [Posting(AccountKind.CASH, agent, sale.amount), Posting(AccountKind.DAYS, 0, -sale.amount)]
        await post(f"sale {sale.id} payment", lines, actor="demo", effective_at=sale.created_at)
    await _hand_in(found, price, clerk)


async def _hand_in(found: list[Purchase], price: int, clerk: str) -> None:
    """Each agent brings the cash at the end of a week."""
    weeks: dict[tuple[int, int], list[Purchase]] = defaultdict(list)
    for one in found:
        weeks[one.at.isocalendar().week, one.agent.id].append(one)
    for (_week, agent), sold in weeks.items():
        at, amount = sold[-1].at, sum(one.days for one in sold) * price
        columns = {"agent_id": agent, "amount": amount, "commission": 0, "actor": clerk, "created_at": at}
        number = await insert("hand_in", reference=await new_reference("hand_in"), corrects_id=None, **columns)
        lines = [Posting(AccountKind.OFFICE, 0, amount), Posting(AccountKind.CASH, agent, -amount)]
        await post(f"hand in {number} cash", lines, actor=clerk, effective_at=at)


async def _issue(keys: dict[str, Purchase], sales: list[Sale]) -> None:
    """Each sale's token, and where that leaves the device."""
    tokens, key = [], paygo_key()
    for sale in sales:
        one = keys[sale.key]
        one.device.count, digits = ISSUERS["openpaygo"].issue(key, "", one.device.count, one.days, one.at)
        one.device.paid_until = max(one.device.paid_until or one.at, one.at) + timedelta(days=one.days)
        tokens.append(
            Token(sale_id=sale.id, device_id=one.device.id, count=one.device.count, digits=digits, created_at=one.at)
        )
    await Token.bulk_create(tokens)
    for device in {one.device.id: one.device for one in keys.values()}.values():
        await device.save(update_fields=["count", "paid_until"])


def paygo_key() -> dict[str, str | int | bool]:
    """The published test key: these devices are nobody's."""
    return {"secret": PAYGO_KEYS[0], "starting_code": 123456789, "divider": 1}


async def write_texts(texts: list[Text]) -> None:
    """What people wrote, and what was sent to them, as it stands afterwards."""
    came, went = [], []
    for number, one in enumerate(texts):
        at, origin = ms_of(one.at), f"demo life {number}"
        if one.outcome:
            came.append((one.gateway, origin, one.phone, one.text, at, one.outcome))
            continue
        state = "failed" if one.error else "delivered"
        arrived = 0 if one.error else at + 4_000
        ends, priority = at + LIFE[one.kind] * HOUR_MS, list(MessageKind).index(one.kind)
        shown = (origin, one.phone, one.text, one.kind.value, priority, one.gateway, state, at, ends, origin, one.error)
        went.append((*shown, 0 if one.error else at + 1_000, arrived))
    await execute_many(connection(), RECEIVED, came)
    await execute_many(connection(), SENT, went)


async def write_beats(now: datetime) -> None:
    """A day of the gateway, with twenty bad minutes in it. This hour is counted as it goes."""
    hour = ms_of(now) // HOUR_MS * HOUR_MS
    past = [hour - back * HOUR_MS for back in range(1, beats.HOURS)]
    await beats.write(GATEWAY, [Beat(at, 40, 20) if at == past[8] else Beat(at, 60) for at in past])


def moments(now: datetime, midnight: datetime, count: int) -> list[datetime]:
    """So many moments of today, from seven in the morning on where that is over."""
    morning = midnight + timedelta(hours=7)
    begin = morning if now - morning > timedelta(hours=1) else midnight
    return [begin + (now - begin) * place / (count + 1) for place in range(1, count + 1)]
