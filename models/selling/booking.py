"""The steps of every sale: lock, record it, make the token, settle the debts, book the money and the commissions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.devices import Device, Kind, Unit, with_owner
from models.devices.counts import mark_of
from models.devices.keys import open_key
from models.money.ledger import CURRENCY, AccountKind, Balances, NewEntry, Posting, commission_due, post_all
from models.money.references import new_reference
from models.money.wallets import funds_of, held_by
from models.people import Agent, Customer
from models.rows import find_row, find_rows, read_row
from models.selling.commissions import commission_on, earn_on_goods
from models.selling.contracts import Contract, open_instalments, read_contract
from models.selling.instalments import Due
from models.selling.payable import Payable, payable
from models.selling.quotes import Quote
from models.selling.sales import Sale, Token
from models.selling.sellers import AtCounter, Seller, actor_of, agent_of
from models.selling.settling import settle
from models.sql import IdOf, Rows, Steps, lock_all, lock_rows
from models.tokens import ISSUERS
from models.tokens.journal import JOURNAL, Made
from models.vault import Vault

TAKE = f"""INSERT INTO payment (provider, reference, amount, agent_id, payer_phone, paid_at, created_at, currency)
  VALUES ($1, $2, $3, $4, $5, $6, $6, ({CURRENCY})) RETURNING id"""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sold:
    """A committed sale with all that a receipt prints. Money is in minor units."""

    sale: Sale
    customer: Customer
    paid_for: Payable
    contract: Contract | None  # that of the device, or of the goods with their appliance
    digits: str  # of the token; goods have none, nor has what is less than a unit
    held: int  # the agent's cash after the sale, or what is left in the wallet; 0 where no agent took any
    limit: int | None  # of the cash; None: the agent sells from a wallet
    commission_due: int  # what the agent has to get after the sale
    paid_until: datetime | None
    rest: Sequence[Due]  # what is still to be paid on the contract, the oldest first

    @property
    def device(self) -> Device | None:
        return self.paid_for.device


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The money of a sale, as it is before: which payment, and which account has it."""

    payment_id: int | None  # None: cash, which is recorded with the sale
    part: int = 1  # of the payment
    replaces: int | None = None  # the sale that is done again for the right device
    kind: AccountKind  # the seller's cash, that of the office, or what the payer has still to get
    owner: int
    seller: Agent | None  # None: the customer paid the company itself, by phone or at the counter
    actor: str
    reference: str = ""  # for the sale, that no other one has; empty: it is still to be drawn


@dataclass(frozen=True)
class NewSale:
    """A sale that is being recorded. Of its columns those may be ids of rows that are recorded with it."""

    id: IdOf
    columns: dict[str, Any]

    def recorded(self, steps: Steps) -> Sale:
        """As it is when the steps have run."""
        ids = {name: steps.ids[value] for name, value in self.columns.items() if isinstance(value, IdOf)}
        return read_row(Sale, {"id": steps.ids[self.id], **self.columns, **ids})


async def lock_for_sale(paid_for: Payable, customer_id: int, contract: Contract | None, seller: Agent | None) -> None:
    """Hold until the commit whatever a sale moves: the agents who earn with it, the device, the customer's credit, and
    the debts: those of the contract, or of all goods that a meter's payment may give to."""
    whose, value = ("id = $1", contract.id) if contract else ("device_id IS NULL AND customer_id = $1", customer_id)
    earning = f"id IN (SELECT agent_id FROM contract WHERE {whose} AND earned < commission)"
    agents = Rows("agent", f"id = $2 OR {earning}", [value, seller.id]) if seller else Rows("agent", earning, [value])
    device = [Rows("device", "id = $1", [paid_for.device.id])] if paid_for.device else []
    await lock_all(agents, *device, Rows("customer", "id = $1", [customer_id]), Rows("contract", whose, [value]))


async def lock_agent_and_device(seller: Agent | None, device: Device | None) -> None:
    """Hold the rows of agent and device until the commit."""
    if seller:
        await lock_rows("agent", "id = $1", [seller.id])
    if device:
        await lock_rows("device", "id = $1", [device.id])


def in_cash(seller: Seller, reference: str = "") -> Taken:
    """A payment in cash: the seller holds it, or has paid the company for it before, out of the wallet; at the counter
    the office has it."""
    kind, owner = (AccountKind.OFFICE, 0) if isinstance(seller, AtCounter) else (funds_of(seller), seller.id)
    return Taken(
        payment_id=None,
        kind=kind,
        owner=owner,
        seller=agent_of(seller),
        actor=actor_of(seller),
        reference=reference,
    )


async def carry_out(offer: Quote, taken: Taken, key: str, vault: Vault) -> Sold:
    """Do what a quote says with money that is there: sale, token, debts, ledger and commissions."""
    at, seller, steps = offer.standing, taken.seller, Steps()
    commission = offer.amount * seller.commission // 10_000 if seller else 0
    new = await add_sale(steps, offer, taken, key, commission)
    digits, paid_until = "", at.device.paid_until if at.device else None
    if at.device and offer.has_token:
        digits, paid_until = add_token(steps, new, offer, at.device, vault)
    entries = [_entry_of(new.id, offer, taken), *commission_on(new.id, commission, seller)]
    balances = await post_all(entries, steps)
    sale = new.recorded(steps)
    contracts = await settle(offer, sale)
    earning = at.contract is None or at.contract.earned < at.contract.commission
    if earning and await earn_on_goods(sale, contracts, taken.actor):
        balances = {}  # the seller may have earned
    sold = Sold(
        sale=sale,
        customer=at.customer,
        paid_for=at.paid_for,
        contract=at.contract,
        digits=digits,
        held=0,
        limit=0,
        commission_due=0,
        paid_until=paid_until,
        rest=offer.rest,
    )
    return await _with_figures(sold, seller, balances)


async def _with_figures(sold: Sold, seller: Agent | None, balances: Balances) -> Sold:
    """With the seller's figures as they are now, of which some are known."""
    if seller is None:
        return sold
    funds, due = balances.get((funds_of(seller), seller.id)), balances.get((AccountKind.COMMISSION, seller.id))
    if funds is None:
        held = await held_by(seller)
    else:
        held = -funds if seller.prepaid else funds
    return replace(
        sold,
        held=held,
        limit=None if seller.prepaid else seller.cash_limit,
        commission_due=await commission_due(seller.id) if due is None else -due,
    )


async def add_sale(steps: Steps, offer: Quote, taken: Taken, key: str, commission: int) -> NewSale:
    """The sale of a payment, or of a part of it; a payment in cash is the step before. If a sale that is not committed
    yet drew the same reference, one in 33 million, the database refuses this one as a whole: a worker runs it again,
    and at the counter one presses again."""
    at = offer.standing
    tariff, price, components = offer.price
    columns = {
        "reference": taken.reference or await new_reference("sale"),
        "key": key,
        "payment_id": taken.payment_id or _add_cash(steps, offer, taken, key),
        "part": taken.part,
        "agent_id": taken.seller.id if taken.seller else None,
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
        "tariff": tariff,
        "price": price,
        "components": components,
        "credit_before": at.credit,
        "credit_after": offer.credit,
        "replaces_id": taken.replaces,
        "created_at": datetime.now(UTC),
    }
    return NewSale(steps.add("sale", **columns), columns)


def _add_cash(steps: Steps, offer: Quote, taken: Taken, key: str) -> IdOf:
    seller, payer = taken.seller, offer.standing.customer.phone or ""
    values = ["wallet" if seller and seller.prepaid else "cash", key, offer.amount, seller.id if seller else None]
    return steps.add_by(TAKE, [*values, payer, datetime.now(UTC)])


def add_token(steps: Steps, sale: NewSale, offer: Quote, device: Device, vault: Vault) -> tuple[str, datetime | None]:
    """Make the token and store it with the count that it used up, and what is left of the access rate: the digits, and
    until when is paid."""
    now, issuer, access = datetime.now(UTC), ISSUERS[device.issuer], offer.standing.access
    key = open_key(device, vault)
    paid_until = device.paid_until
    if offer.unit == Unit.DAYS:
        paid_until = max(now, paid_until or now) + timedelta(days=offer.units)
    if offer.unit == Unit.UNLOCK and issuer.unlock:
        count, digits = issuer.unlock(key, device.count)
        paid_until = None
    elif offer.standing.runs_on and issuer.lock_again and paid_until:
        days = -((now - paid_until) // DAY)  # with what was left before
        count, digits = issuer.lock_again(key, device.count, min(days, issuer.most(key)))
    else:
        count, digits = issuer.issue(key, device.serial, device.count, offer.units, now)
    owed = access.due - offer.access
    steps.change("device", device.id, count=count, paid_until=paid_until, access_due=owed, access_until=access.until)
    mark, token = mark_of(key, device.serial), vault.mac(digits, "journal token")[:16]
    JOURNAL.note(Made(now, device.serial, mark, count, token, sale.columns["reference"]))
    steps.add("token", sale_id=sale.id, device_id=device.id, count=count, digits=digits, created_at=now)
    return digits, paid_until


def _access_fell_due(offer: Quote) -> int:
    """What is due of the access rate and not in the books yet: it fell due since the last sale."""
    at = offer.standing
    if at.device is None or at.device.kind != Kind.METER or not offer.has_token:
        return 0
    return at.access.due - at.access_booked


def _entry_of(sale: IdOf, offer: Quote, taken: Taken) -> NewEntry:
    """The entry of a sale. What fell due of the access rate is in it, so that the device's account is what it owes."""
    access_fell_due = _access_fell_due(offer)
    moved: Counter[tuple[AccountKind, int]] = Counter()
    moved[taken.kind, taken.owner] += offer.amount
    for part in offer.parts:
        moved[AccountKind.DEBT, part.due.contract_id] -= part.amount
    if offer.standing.device:
        moved[AccountKind.ACCESS_DUE, offer.standing.device.id] += access_fell_due - offer.access
    moved[AccountKind.ACCESS, 0] -= access_fell_due
    moved[AccountKind.ENERGY if offer.unit is Unit.ENERGY else AccountKind.DAYS, 0] -= offer.bought
    moved[AccountKind.CREDIT, offer.standing.customer.id] -= offer.credit - offer.standing.credit
    lines = [Posting(kind, owner, amount) for (kind, owner), amount in moved.items() if amount]
    return NewEntry(key=sale.within("sale {} payment"), postings=lines, actor=taken.actor)


async def read_sale(sale: Sale) -> Sold:
    """A sale again, with its token and the agent's figures as they are now."""
    token = await find_row(Token, "sale_id = $1", [sale.id])
    device = await with_owner(sale.device_id) if sale.device_id else None
    contract = await read_contract(sale.contract_id) if sale.contract_id else None
    [customer] = await find_rows(Customer, "id = $1", [sale.customer_id])
    sold = Sold(
        sale=sale,
        customer=customer,
        paid_for=payable(device, contract),
        contract=contract,
        digits=token.digits if token else "",
        held=0,
        limit=0,
        commission_due=0,
        paid_until=device.paid_until if device else None,
        rest=await open_instalments(contract) if contract else [],
    )
    seller = await find_row(Agent, "id = $1", [sale.agent_id]) if sale.agent_id else None
    return await _with_figures(sold, seller, {})
