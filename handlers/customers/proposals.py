"""What one of the office asked for and another one agrees to: it is done, and everybody is told as when one does it
at a prompt."""

from bot.company import Company
from bot.outbound import Composer
from handlers.customers.ownership import transfer_device
from handlers.selling.moved import move_by_office
from handlers.selling.wallet import give_back
from models.devices import Device, with_owner
from models.money import Sale
from models.money.ownership import MoreOwed, NoOwner, OtherOwner, hold_device_of
from models.money.proposals import Proposal, What, take_up
from models.people import Agent, Customer, OfficeUser


async def agree(number: int, by: OfficeUser, *, company: Company, composer: Composer) -> Proposal:
    """A second person of the office agrees to a proposal, and it is done, in the caller's transaction; `Outbox.notify`
    after its commit. Raises SamePerson and Decided, and why it cannot be done any more: NotTakenBack's kinds,
    ownership.NotDone's and NotToppedUp's. Then it waits as before."""
    proposal = await take_up(number, by)
    match proposal.what:
        case What.MOVE:
            sale, device = await Sale.get(id=proposal.sale_id), await with_owner(proposal.device_id or 0)
            await move_by_office(sale, device, by, company=company, composer=composer)
        case What.TRANSFER:
            device, to = await _asked_device(proposal), await Customer.get(id=proposal.customer_id)
            debt = proposal.with_debt
            done = await transfer_device(
                device, to, by, proposal.reason, with_debt=debt, company=company, composer=composer
            )
            if (owed := done.owed + done.access) > proposal.amount:  # the second person saw less
                raise MoreOwed(owed)
        case What.PAYOUT:
            agent = await Agent.get(id=proposal.agent_id)
            await give_back(agent, proposal.amount, company=company, composer=composer, actor=by.name)
    return proposal


async def _asked_device(proposal: Proposal) -> Device:
    """The device of a transfer, held, as long as it is the customer's who had it then. Raises OtherOwner."""
    try:
        return await hold_device_of(await Customer.get(id=proposal.former_id), proposal.device_id or 0)
    except NoOwner as error:
        raise OtherOwner(*error.args) from error
