"""The office sells at the counter, for cash: quote, sale and the customer's SMS are those of an agent's sale."""

from bot.company import Company
from bot.outbound import Composer
from handlers.selling.appliance_receipts import copy_to_buyer
from handlers.selling.receipts import copies
from models.audit import record
from models.devices import Device
from models.devices.keys import most_units
from models.people import Customer, OfficeUser
from models.selling import Appliance, Contract, Payable, PaymentPlan, Sale, appliance_sale, payment, quotes
from models.selling.appliance_sale import ApplianceSold, Proposal
from models.selling.booking import Sold, lock_agent_and_device, lock_for_sale
from models.selling.quotes import Quote
from models.selling.sellers import AtCounter
from models.sql import lock_rows


async def quote_at_counter(paid_for: Payable, amount: int, company: Company) -> Quote:
    """What this cash (minor units) would do. Raises NotSold's kinds."""
    at = await paid_for.standing(company.today(), company.coin, company.vault, whole_only=company.whole_only)
    return quotes.quote(at, amount)


async def sell_at_counter(
    offer: Quote, key: str, by: OfficeUser, *, company: Company, composer: Composer, again: bool = False
) -> tuple[Sold, bool]:
    """Sell what was quoted and tell the customer, in the caller's transaction; `Outbox.notify` after its commit. `key`
    names the sale: what is sent twice is sold once, and then the second value is false. Raises NotSold's kinds and
    OtherRequest."""
    at, key = offer.standing, f"counter {key}"
    await lock_for_sale(at.paid_for, at.customer.id, at.contract, None)
    new = not await Sale.exists(key=key)
    sold = await payment.sell(offer, seller=AtCounter(by), key=key, vault=company.vault, again=again)
    if new:
        detail = f"{sold.sale.amount} minor units, ref {sold.sale.reference}"
        await record(by.name, "counter sale", at.paid_for.name, detail)
        await composer.tell(f"counter {sold.sale.id}", copies(sold, company))
    return sold, new


def propose_at_counter(
    item: Appliance, plan: PaymentPlan, customer: Customer, device: Device | None, company: Company
) -> Proposal:
    """An appliance as it would be sold today. Raises NotSold's kinds."""
    most = most_units(device, company.vault) if device else None
    return appliance_sale.propose(item, plan, customer, device, today=company.today(), coin=company.coin, most=most)


async def sell_appliance_at_counter(
    proposal: Proposal, key: str, by: OfficeUser, *, company: Company, composer: Composer, again: bool = False
) -> tuple[ApplianceSold, bool]:
    """Sell an appliance as it was proposed and tell the customer, in the same way."""
    key = f"counter {key}"
    await lock_agent_and_device(None, proposal.device)
    await lock_rows("customer", "id = $1", [proposal.customer.id])
    new = not await Contract.exists(key=key)
    sold = await appliance_sale.sell_appliance(
        proposal, seller=AtCounter(by), key=key, vault=company.vault, again=again
    )
    if new:
        what = f"{proposal.appliance.name}, {proposal.plan.name}"
        detail = f"{what}, customer {proposal.customer.id}, down {proposal.down} minor units"
        await record(by.name, "counter sale", sold.contract.number, detail)
        await composer.tell(f"counter {sold.contract.number}", copy_to_buyer(sold, company))
    return sold, new
