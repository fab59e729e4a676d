"""The steps of every sale: lock, check the limit, record payment and sale, make the token, book the commission."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.devices import Device, Unit, with_owner
from models.devices.counts import mark_of
from models.devices.keys import open_key
from models.money.contracts import Contract, open_instalments
from models.money.instalments import Due
from models.money.ledger import AccountKind, Posting, cash_held, commission_due, currency, post
from models.money.payable import Payable, payable
from models.money.quotes import Quote
from models.money.references import new_reference
from models.money.sales import Sale, Token
from models.people import Agent, Customer
from models.sql import connection, execute, insert, lock_rows
from models.tokens import ISSUERS
from models.tokens.journal import JOURNAL, Made
from models.vault import Vault


@dataclass(frozen=True)
class Sold:
    """A committed sale with all that a receipt prints. Money is in minor units."""

    sale: Sale
    customer: Customer
    paid_for: Payable
    contract: Contract | None  # that of the device, or of the goods with their appliance
    digits: str  # of the token; goods have none
    held: int  # the agent's cash after the sale
    limit: int
    commission_due: int  # what the agent has to get after the sale
    paid_until: datetime | None
    rest: Sequence[Due]  # what is still to be paid on the contract, the oldest first

    @property
    def device(self) -> Device | None:
        return self.paid_for.device


async def lock_agent_and_device(seller: Agent, device: Device | None) -> None:
    """Hold the rows of agent and device until the commit."""
    await lock_rows("agent", "id = $1", [seller.id])
    if device:
        await lock_rows("device", "id = $1", [device.id])


async def record_sale(offer: Quote, seller: Agent, key: str, commission: int) -> Sale:
    """The payment and its sale."""
    now, at = datetime.now(UTC), offer.standing
    payment = await insert(
        "payment",
        provider="cash",
        reference=key,
        amount=offer.amount,
        currency=await currency(),
        agent_id=seller.id,
        payer_phone=at.customer.phone or "",
        payer_name="",
        account_text="",
        paid_at=now,
        created_at=now,
    )
    columns = {
        "reference": await new_reference("sale"),
        "key": key,
        "payment_id": payment,
        "part": 1,
        "agent_id": seller.id,
        "customer_id": at.customer.id,
        "device_id": at.device.id if at.device else None,
        "contract_id": at.contract.id if at.contract else None,
        "amount": offer.amount,
        "unit": offer.unit.value if offer.unit else "",
        "units": offer.units,
        "recovered": offer.recovered,
        "access": offer.access,
        "owed": offer.owed,
        "commission": commission,
        "created_at": now,
    }
    return Sale(id=await insert("sale", **columns), **columns, _from_db=True)


async def issue_token(sale: Sale, offer: Quote, device: Device, vault: Vault) -> tuple[str, datetime | None]:
    """Make the token and store it with the count that it used up, and what is left of the access rate: the digits, and
    until when is paid."""
    now, issuer, access = datetime.now(UTC), ISSUERS[device.issuer], offer.standing.access
    key = open_key(device, vault)
    paid_until = device.paid_until
    if sale.unit == Unit.UNLOCK and issuer.unlock:
        count, digits = issuer.unlock(key, device.count)
        paid_until = None
    else:
        count, digits = issuer.issue(key, device.serial, device.count, sale.units, now)
    if sale.unit == Unit.DAYS:
        paid_until = max(now, paid_until or now) + timedelta(days=sale.units)
    await execute(
        connection(),
        "UPDATE device SET count = $2, paid_until = $3, access_due = $4, access_until = $5 WHERE id = $1",
        [device.id, count, paid_until, access.due - sale.access, access.until],
    )
    mark, token = mark_of(key, device.serial), vault.mac(digits, "journal token")[:16]
    JOURNAL.note(Made(now, device.serial, mark, count, token, sale.reference))
    await insert("token", sale_id=sale.id, device_id=device.id, count=count, digits=digits, created_at=now)
    return digits, paid_until


async def book_commission(key: str, agent: Agent, amount: int) -> int:
    """Owe the agent a commission; what is due to him then."""
    if not amount:
        return await commission_due(agent.id)
    earned = [
        Posting(AccountKind.COMMISSION_COST, 0, amount),
        Posting(AccountKind.COMMISSION, agent.id, -amount),
    ]
    return -(await post(key, earned, actor=agent.phone))[AccountKind.COMMISSION]


async def read_sale(sale: Sale) -> Sold:
    """A sale again, with its token and the agent's figures as they are now."""
    token = await Token.get_or_none(sale_id=sale.id)
    device = await with_owner(sale.device_id) if sale.device_id else None
    contract = await Contract.get(id=sale.contract_id).prefetch_related("appliance") if sale.contract_id else None
    agent = await Agent.get(id=sale.agent_id)
    return Sold(
        sale=sale,
        customer=await Customer.get(id=sale.customer_id),
        paid_for=payable(device, contract),
        contract=contract,
        digits=token.digits if token else "",
        held=await cash_held(agent.id),
        limit=agent.cash_limit,
        commission_due=await commission_due(agent.id),
        paid_until=device.paid_until if device else None,
        rest=await open_instalments(contract) if contract else [],
    )
