"""Sales in the demo world, as the talks make them."""

from datetime import timedelta

from bot.server import Server
from models.devices import Device, with_owner
from models.people import Agent, Customer
from models.selling import Appliance, Contract, PaymentPlan, contracts, payment, quotes
from models.selling.appliance_sale import propose, sell_appliance
from models.selling.booking import Sold
from models.selling.contracts import Instalment
from models.selling.payable import payable
from models.selling.quotes import Quote
from tests.world.people import PEOPLE


class Shop:
    """Agents who sell, each call in a transaction of its own."""

    def __init__(self, mwanga: Server) -> None:
        self.mwanga, self.company = mwanga, mwanga.company

    async def sells(self, item: str, customer: str, agent: str = "Asha", plan: str = "") -> Contract:
        """An appliance without a device, on its last plan unless one is named."""
        appliance = await Appliance.get(name=item)
        found = PaymentPlan.filter(appliance_id=appliance.id, **({"name": plan} if plan else {}))
        chosen = await found.order_by("-id").first()
        assert chosen is not None
        buyer = await Customer.get(phone=PEOPLE[customer])
        proposal = propose(appliance, chosen, buyer, None, today=self.company.today(), coin=self.company.coin)
        seller = await Agent.get(phone=PEOPLE[agent])
        async with self.mwanga.database.work():
            sold = await sell_appliance(
                proposal, seller=seller, key=f"sell {item} {customer}", vault=self.company.vault, again=True
            )
        contract = await contracts.find_contract(sold.contract.number, buyer.mini_grid_id)
        assert contract is not None
        return contract

    async def quoted(self, paid_for: Device | Contract, shillings: int) -> Quote:
        device = await with_owner(paid_for.id) if isinstance(paid_for, Device) else None
        contract = paid_for if isinstance(paid_for, Contract) else None
        coin = self.company.coin
        at = await payable(device, contract).standing(self.company.today(), coin, self.company.vault)
        return quotes.quote(at, shillings * self.company.unit)

    async def takes(self, offer: Quote, agent: str, key: str, *, again: bool = True) -> Sold:
        seller = await Agent.get(phone=PEOPLE[agent])
        async with self.mwanga.database.work():
            return await payment.sell(offer, seller=seller, key=key, vault=self.company.vault, again=again)

    async def overdue(self, contract: Contract, days: int = 400) -> None:
        """Everything on this contract was due before today."""
        for due in await Instalment.filter(contract_id=contract.id):
            await Instalment.filter(id=due.id).update(due_on=due.due_on - timedelta(days=days))
