"""Customers who ask an agent to sell to them for cash: what they want, and what the agent said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.devices import Device
from models.money.ledger import AccountKind
from models.money.reservations import release, reserve, set_aside, use
from models.people import Agent, Customer
from models.rows import find_rows, read_row
from models.selling import payment
from models.selling.booking import Sold
from models.selling.contracts import Contract
from models.selling.payable import Payable, PayableGoods
from models.selling.quotes import Quote
from models.selling.refusals import NotSold
from models.selling.sales import Sale
from models.sql import MINUTE_MS, connection, execute, insert, now_ms
from models.vault import Vault

REFERENCE = re.compile(r"C-?([1-9]\d{0,8})")
TOLD_LATE_MS = 12 * 60 * MINUTE_MS  # for so long an agent who answers is told that a request is over
# Whoever ends it first: an answer, a sale, or the clock.
END = """UPDATE cash_request SET state = $2, sale_id = $3 WHERE id = $1 AND state = 'asked' RETURNING id"""
# The customer ends it: from now on its time is over.
WITHDRAW = """UPDATE cash_request SET state = 'expired', expires_at = $2
  WHERE id = $1 AND state = 'asked' AND expires_at > $2 RETURNING id"""
OPEN_AGAIN = """UPDATE cash_request SET state = 'asked', expires_at = $2
  WHERE id = $1 AND (state = 'expired' OR state = 'sold' AND sale_id IS NULL)"""
# What waits for an answer, and what asked for a bare one and was over without any lately. What began within twelve
# hours ended within them: an index knows by when each ends.
ASKED_LATELY = """agent_id = $1 AND expires_at > $2 AND (state = 'asked' AND expires_at > $3
  OR state IN ('asked', 'expired') AND alone AND expires_at <= $3 AND created_at > $2)"""
OVER = "state = 'asked' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2"


class CashRequestState(StrEnum):
    ASKED = "asked"
    SOLD = "sold"
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody answered until `expires_at`, or the customer ended it then


class Ended(Exception):
    """The request that a sale was to answer ended in the same moment: nothing was sold."""


class ChangedHands(Exception):
    """Somebody else has by now what was asked for, who did not ask and gives no cash: nothing was sold."""


@dataclass(frozen=True)
class Wish:
    """What somebody with a phone wants to pay for, which may be another customer's."""

    paid_for: Payable
    customer: Customer  # who has it, or owes for it
    amount: int  # minor units
    phone: str
    language: str


class CashRequest(Model):
    """A customer wants to buy for cash, and one agent is asked. It holds the room for that cash while it is open."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the talk that asked: the same turn asks once
    phone = fields.CharField(16)  # of who asked, who may be somebody else than the customer
    language = fields.CharField(2)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    contract: fields.ForeignKeyNullableRelation[Contract] = fields.ForeignKeyField(
        "models.Contract", null=True, on_delete=fields.RESTRICT
    )
    contract_id: int | None
    agent: fields.ForeignKeyRelation[Agent] = fields.ForeignKeyField("models.Agent", on_delete=fields.RESTRICT)
    agent_id: int
    amount = fields.BigIntField()  # minor units
    state = fields.CharField(10, default=CashRequestState.ASKED)
    sale: fields.OneToOneNullableRelation[Sale] = fields.OneToOneField(
        "models.Sale", null=True, on_delete=fields.RESTRICT
    )
    sale_id: int | None
    # Whether nothing else waited for a yes of the agent when he was told: then a bare one is for this.
    alone = fields.BooleanField()
    created_at = fields.BigIntField()  # ms
    expires_at = fields.BigIntField()  # ms

    class Meta:
        table = "cash_request"

    @property
    def reference(self) -> str:
        """What agents call it: C12."""
        return f"C{self.id}"

    @property
    def is_open(self) -> bool:
        return bool(self.state == CashRequestState.ASKED and self.expires_at > now_ms())

    def is_for(self, paid_for: Payable) -> bool:
        """Whether this is what it wants to pay for, and whose it was then."""
        if device := paid_for.device:
            return bool((self.device_id, self.customer_id) == (device.id, device.customer_id))
        return isinstance(paid_for, PayableGoods) and bool(self.contract_id == paid_for.signed.id)

    @property
    def _reservation(self) -> str:
        return f"cash request {self.id}"


async def ask_agent(wish: Wish, agent: Agent, *, key: str, minutes: int, alone: bool) -> CashRequest:
    """Ask an agent for what a customer wants: once for each key. Hold the agent's row before, and see that there is
    room for so much cash: it is held until the request ends. Not `alone`: a bare yes of the agent is for something
    else."""
    if earlier := await _find("key = $1", [key]):
        return earlier[0]
    now = now_ms()
    columns = {
        "key": key,
        "phone": wish.phone,
        "language": wish.language,
        "customer_id": wish.customer.id,
        "device_id": wish.paid_for.device.id if wish.paid_for.device else None,
        "contract_id": wish.paid_for.signed.id if isinstance(wish.paid_for, PayableGoods) else None,
        "agent_id": agent.id,
        "amount": wish.amount,
        "state": CashRequestState.ASKED.value,
        "alone": alone and not await _may_mean_another(agent, now - minutes * MINUTE_MS),
        "created_at": now,
        "expires_at": now + minutes * MINUTE_MS,
    }
    request = read_row(CashRequest, {"id": await insert("cash_request", **columns), **columns, "sale_id": None})
    request.customer, request.agent = wish.customer, agent
    await _reserve(request, agent)
    return request


async def _may_mean_another(agent: Agent, since: int) -> bool:
    """Whether a bare yes of this agent may be for another request: one that is open, or one that its customer or the
    clock has ended since then (ms), which the agent may not have read yet."""
    return bool(await _find("agent_id = $1 AND state IN ('asked', 'expired') AND expires_at > $2", [agent.id, since]))


async def _reserve(request: CashRequest, agent: Agent) -> None:
    """Hold the room, or of one who pays before selling what is in the wallet."""
    kind = AccountKind.WALLET if agent.prepaid else AccountKind.CASH
    await reserve(request._reservation, kind, agent.id, request.amount, request.expires_at)


async def open_of(phone: str) -> CashRequest | None:
    """What somebody with this phone waits for."""
    found = await _find("phone = $1 AND expires_at > $2 AND state = 'asked'", [phone, now_ms()])
    return found[0] if found else None


async def last_of(phone: str) -> CashRequest | None:
    """What somebody with this phone asked an agent for last within twelve hours, whether it is open or not."""
    found = await _find("phone = $1 AND created_at > $2", [phone, now_ms() - TOLD_LATE_MS])
    return found[-1] if found else None


async def find_of(phone: str, reference: str) -> CashRequest | None:
    """What somebody with this phone asked an agent for, by its reference."""
    found = await _find("id = $1 AND phone = $2", [int(reference[1:]), phone])
    return found[0] if found else None


async def read_again(request: CashRequest) -> CashRequest:
    """The same as it is now."""
    [now] = await _find("id = $1", [request.id])
    return now


async def sale_of(request: CashRequest) -> str:
    """The reference of the sale that answered it; empty where none did."""
    rows = await execute(connection(), "SELECT reference FROM sale WHERE id = $1", [request.sale_id])
    return str(rows[0]["reference"]) if rows else ""


async def open_for(agent: Agent, paid_for: Payable | None = None) -> list[CashRequest]:
    """What an agent was asked for and did not answer yet, the oldest first; only what is for this, where it is told."""
    found = await _find("agent_id = $1 AND expires_at > $2 AND state = 'asked'", [agent.id, now_ms()])
    return found if paid_for is None else [one for one in found if one.is_for(paid_for)]


async def find_for(agent: Agent, number: int) -> CashRequest | None:
    """What an agent was asked for within twelve hours, by its number, whether it is open or not."""
    condition = "agent_id = $1 AND created_at > $2 AND id = $3"
    found = await _find(condition, [agent.id, now_ms() - TOLD_LATE_MS, number])
    return found[0] if found else None


async def asked_lately(agent: Agent) -> tuple[list[CashRequest], CashRequest | None]:
    """What is `open_for` an agent, and the last request to him that was over without an answer within twelve hours, of
    those that asked for a bare one."""
    now = now_ms()
    found = await _find(ASKED_LATELY, [agent.id, now - TOLD_LATE_MS, now])
    over = [one for one in found if one.expires_at <= now]
    return [one for one in found if one.expires_at > now], over[-1] if over else None


async def sell_for(
    requests: Sequence[CashRequest],
    offer: Quote,
    *,
    seller: Agent,
    key: str,
    vault: Vault,
    again: bool = False,
    alone: bool = True,
) -> tuple[Sold, CashRequest | None]:
    """Commit what the quote promised, as `payment.sell` does, and answer by it the first of these requests that is
    open: the one that is returned. Where nothing is sold they are as before. Raises NotSold's kinds, and Ended where
    none is open any more and it may not be sold `alone`."""
    request = await _take(requests, offer.amount)
    if request is None and not alone:
        raise Ended
    try:
        sold = await payment.sell(offer, seller=seller, key=key, vault=vault, again=again)
    except NotSold:
        if request:
            await put_back(request)
        raise
    if request:
        await use(request._reservation)
        await execute(connection(), "UPDATE cash_request SET sale_id = $2 WHERE id = $1", [request.id, sold.sale.id])
    return sold, request


def by_amount(requests: Sequence[CashRequest], amount: int) -> list[CashRequest]:
    """Those of this amount first, then the oldest."""
    return sorted(requests, key=lambda one: (one.amount != amount, one.id))


async def _take(requests: Sequence[CashRequest], amount: int) -> CashRequest | None:
    """The first of these that can be answered by a sale of this amount, rather than another one: nobody else ends it,
    and the room that it holds is free for the sale."""
    for request in by_amount(requests, amount):
        if await execute(connection(), END, [request.id, CashRequestState.SOLD.value, None]):
            await set_aside(request._reservation)
            return request
    return None


async def put_back(request: CashRequest) -> None:
    """Nothing was sold, or asked for in its place: it is open as before, in the transaction that took it."""
    await execute(connection(), OPEN_AGAIN, [request.id, request.expires_at])
    [agent] = await find_rows(Agent, "id = $1", [request.agent_id])  # as he is now
    await _reserve(request, agent)


async def decline(request: CashRequest) -> bool:
    """The agent says no. False when it had ended before."""
    return await _end(request, CashRequestState.DECLINED)


async def withdraw(request: CashRequest) -> bool:
    """The customer wants it no more, and the room that it holds is free for another one of hers. False when it had
    ended before. Say then how it went: `dropped` or `put_back`."""
    if not await execute(connection(), WITHDRAW, [request.id, now_ms()]):
        return False
    await set_aside(request._reservation)
    return True


async def dropped(request: CashRequest) -> None:
    """It is withdrawn for good."""
    await release(request._reservation)


async def expire(most: int) -> list[CashRequest]:
    """End some of those whose time is over."""
    return [request for request in await _find(OVER, [now_ms(), most]) if await _end(request, CashRequestState.EXPIRED)]


async def _end(request: CashRequest, state: CashRequestState) -> bool:
    if not await execute(connection(), END, [request.id, state.value, None]):
        return False
    await release(request._reservation)
    return True


async def _find(condition: str, values: Sequence[object]) -> list[CashRequest]:
    """The oldest first, each with its customer and its agent."""
    these = f"cash_request.id IN (SELECT id FROM cash_request WHERE {condition}) ORDER BY cash_request.id"
    return await find_rows(CashRequest, these, values, joined=("customer", "agent"))
