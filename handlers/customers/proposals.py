"""What one of the office asked for and another one agrees to: it is done, and everybody is told as when one does it
at a prompt."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from handlers.customers.ownership import transfer_device
from handlers.selling.moved import move_by_office
from handlers.selling.wallet import give_back
from models.alerts import raise_alert
from models.devices import Device, with_owner
from models.messages import MessageKind
from models.money.amounts import put_right
from models.money.credit import pay_out_credit
from models.money.payments import Payment
from models.people import Agent, Customer, OfficeUser
from models.selling import Sale
from models.selling.ownership import MoreOwed, NoOwner, OtherOwner, hold_device_of
from models.selling.proposals import Proposal, What, take_up


async def agree(number: int, by: OfficeUser, *, company: Company, composer: Composer) -> Proposal:
    """A second person of the office agrees to a proposal, and it is done, in the caller's transaction; `Outbox.notify`
    after its commit. Raises SamePerson and Decided, and why it cannot be done any more: NotTakenBack's kinds,
    ownership.NotDone's, NotToppedUp's, NotSoMuch and NotPutRight's. Then it waits as before."""
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
        case What.CREDIT:
            await _give_credit(proposal, by, company, composer)
        case What.AMOUNT:
            await _put_right(proposal, by, company, composer)
    return proposal


async def _put_right(proposal: Proposal, by: OfficeUser, company: Company, composer: Composer) -> None:
    """An agent whose wallet got too much of the payment reads what was taken out of it. The office has an alert of what
    was not there any more: the agent owes it."""
    payment = await Payment.get(id=proposal.payment_id)
    for taken in await put_right(payment, proposal.amount, proposal.reason, actor=by.name):
        agent, ref = taken.agent, payment.reference
        values = {"amount": company.money(taken.amount), "held": company.number(taken.wallet), "ref": ref}
        said = _(
            "TAKEN BACK {amount} of your wallet: payment {ref} was less. Wallet {held}. Not right? Call {help}.",
            help=company.help_phone,
            **values,
        )
        if taken.amount and not agent.retired_at:
            copy = Copy(agent.phone, said, MessageKind.REPLY, agent.language)
            await composer.tell(f"payment amount {proposal.id}, wallet {agent.id}", [copy])
        if taken.missing:
            owes = f"{agent.name[:40]} owes {company.money(taken.missing)}"
            await raise_alert(f"{owes}: the wallet got it of {ref}, which was less, and is used.")


async def _give_credit(proposal: Proposal, by: OfficeUser, company: Company, composer: Composer) -> None:
    customer, key = await Customer.get(id=proposal.customer_id), f"credit paid out {proposal.id}"
    left = await pay_out_credit(customer, proposal.amount, key, proposal.reason, actor=by.name)
    values = {"amount": company.money(proposal.amount), "left": company.number(left)}
    said = _("PAID OUT {amount} of your credit. Credit left: {left}.", **values)
    if customer.phone:
        await composer.tell(key, [Copy(customer.phone, said, MessageKind.REPLY, customer.language)])


async def _asked_device(proposal: Proposal) -> Device:
    """The device of a transfer, held, as long as it is the customer's who had it then. Raises OtherOwner."""
    try:
        return await hold_device_of(await Customer.get(id=proposal.former_id), proposal.device_id or 0)
    except NoOwner as error:
        raise OtherOwner(*error.args) from error
