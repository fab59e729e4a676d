"""The office does a sale again for the right device: whoever pays, got the power or lost it is told."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from handlers.selling.receipts import copy_to_owner
from handlers.wording import owner, tail
from models.devices import Device
from models.messages import MessageKind
from models.people import Agent, OfficeUser
from models.selling import Sale
from models.selling.moving import Moved, move


async def move_by_office(sale: Sale, device: Device, by: OfficeUser, *, company: Company, composer: Composer) -> Moved:
    """Give the right device a token for what was paid, and let the other customer owe it. In the caller's transaction;
    `Outbox.notify` after its commit. Raises NotTakenBack's kinds."""
    wrong_device = await Device.get(id=sale.device_id) if sale.device_id else device
    moved = await move(sale, device, by, today=company.today(), coin=company.coin, vault=company.vault)
    values = {
        "amount": company.money(sale.amount),
        "serial": tail(wrong_device.serial),
        "tail": tail(device.serial),
        "ref": sale.reference,
    }
    copies = copy_to_owner(moved.sold, company)
    if moved.wrong.phone:
        text = _(
            "{amount} for {serial}, ref {ref}, was somebody else's money. You got the power: please pay it. "
            "You owe {left}. Help {help}",
            left=company.number(moved.owes),
            help=company.help_phone,
            **values,
        )
        copies.append(Copy(moved.wrong.phone, text, MessageKind.REPLY, moved.wrong.language))
    agent = await Agent.get_or_none(id=sale.agent_id, retired_at=None) if sale.agent_id else None
    if agent:
        text = _(
            "MOVED: {amount}, ref {ref}, goes from {serial} to {tail}. {owner} has the code. Your cash stays.",
            owner=owner(moved.sold.customer),
            **values,
        )
        copies.append(Copy(agent.phone, text, MessageKind.REPLY, agent.language))
    await composer.tell(f"move {sale.id}", copies)
    return moved
