"""What customers read when a device comes back, goes to somebody else or out of use, is used again or swapped, when a
debt is written off, and when they pay a claim."""

from datetime import date

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import Text, _
from handlers.selling.receipts import swap_notice
from handlers.wording import owner, tail
from models.devices import Device
from models.messages import MessageKind
from models.money import claims
from models.money.write_offs import WriteOff
from models.people import Customer, OfficeUser
from models.selling import Contract, ownership, swaps
from models.selling.ownership import Passed
from models.selling.prices import seller_for
from models.selling.swaps import Swapped
from models.sql import now_ms


async def return_device(device: Device, by: OfficeUser, reason: str, *, company: Company, composer: Composer) -> Passed:
    """Take a device back into the stock and tell who had it, in the caller's transaction; `Outbox.notify` after its
    commit. Raises NoOwner."""
    done = await ownership.give_back(device, by, reason, company.today())
    serial, forgiven = tail(device.serial), done.owed + done.access
    if forgiven:
        amount = company.money(forgiven)
        text = _("RETURNED: {serial}. {amount} that was open is owed no more.", serial=serial, amount=amount)
    else:
        text = _("RETURNED: {serial}. You owe nothing for it.", serial=serial)
    await _tell(composer, f"return {device.id} {now_ms()}", [(done.former, text)])
    return done


async def transfer_device(
    device: Device,
    to: Customer,
    by: OfficeUser,
    reason: str,
    *,
    with_debt: bool,
    company: Company,
    composer: Composer,
) -> Passed:
    """Give a device to another customer and tell both, in the same way. Raises what `ownership.transfer` raises."""
    done = await ownership.transfer(device, to, by, reason, today=company.today(), with_debt=with_debt)
    values = {"serial": tail(device.serial), "help": company.help_phone}
    left = _("{serial} belongs to {owner} now. Not right? Call {help}.", owner=owner(to), **values)
    if owed := done.owed + done.access:
        got = _(
            "{serial} is yours now, with {left} to pay. Not right? Call {help}.", left=company.money(owed), **values
        )
    else:
        got = _("{serial} is yours now. Nothing is owed on it. Not right? Call {help}.", **values)
    await _tell(composer, f"transfer {device.id} {now_ms()}", [(done.former, left), (to, got)])
    return done


async def retire_device(device: Device, by: OfficeUser, reason: str, *, company: Company, composer: Composer) -> None:
    """Take a device out of use and tell its owner, in the same way. Raises what `ownership.retire_device` raises."""
    await ownership.retire_device(device, by, reason, today=company.today())
    if device.customer:
        text = _(
            "{serial} is out of use: please buy no more for it. Call {help}.",
            serial=tail(device.serial),
            help=company.help_phone,
        )
        await _tell(composer, f"retire {device.id} {now_ms()}", [(device.customer, text)])


async def use_again(device: Device, by: OfficeUser, reason: str, *, company: Company, composer: Composer) -> None:
    """Use a device again that was out of use and tell its owner, in the same way. Raises InUse."""
    await ownership.use_again(device, by, reason, today=company.today())
    if device.customer:
        text = _("{serial} is in use again: you can buy for it.", serial=tail(device.serial))
        await _tell(composer, f"use {device.id} {now_ms()}", [(device.customer, text)])


async def swap_device(
    former: Device,
    device: Device,
    by: OfficeUser,
    reason: str,
    *,
    key: str,
    company: Company,
    composer: Composer,
    shown: int = 0,
) -> Swapped:
    """Put one device in the place of a broken one, in the same way: the customer gets the code for the days that were
    left, or for what a meter still has `shown` (tenths of a kilowatt-hour), and the agent who sells to the customer is
    told. Raises what `swaps.swap_device` raises."""
    done = await swaps.swap_device(
        former, device, actor=by.name, reason=reason, key=key, vault=company.vault, shown=shown
    )
    if not done.new:
        return done
    copies = []
    if done.customer.phone:
        language = done.customer.language
        text = swap_notice(done.swap, former.serial, device, company, language)
        copies.append(Copy(done.customer.phone, text, MessageKind.TOKEN, language))
    if agent := await seller_for(done.customer):
        values = {"former": tail(former.serial), "serial": tail(device.serial), "owner": owner(done.customer)}
        text = _("SWAPPED for {owner}: {serial} takes the place of {former}. Sell for {serial} only.", **values)
        copies.append(Copy(agent.phone, text, MessageKind.REPLY, agent.language))
    await composer.tell(f"swap {done.swap.id}", copies)
    return done


async def write_off(
    contract: Contract,
    by: OfficeUser,
    reason: str,
    *,
    today: date,
    company: Company,
    composer: Composer,
    seen: WriteOff | None = None,
) -> WriteOff:
    """Propose to ask no more for a debt, or agree; then the customer is told, in the same way. Raises what
    `ownership.write_off` raises."""
    done = await ownership.write_off(contract, by, reason, today, seen=seen)
    if done.agreed_at:
        customer = await Customer.get(id=contract.customer_id)
        values = {"number": contract.number, "amount": company.money(done.amount)}
        text = _("{number}: {amount} that was open is owed no more.", **values)
        await _tell(composer, f"write-off {done.id}", [(customer, text)])
    return done


async def pay_claim(
    customer: Customer, amount: int, by: OfficeUser, *, key: str, company: Company, composer: Composer
) -> int:
    """Book what a customer pays for power that somebody else had paid (minor units), and tell the customer, in the same
    way; what is left. `key` names it: it is booked and told once. Raises NoClaim."""
    done = await claims.take_payment(customer, amount, by, key)
    left = done.left
    if not done.new:
        return left
    paid = company.money(amount)
    if left:
        text = _("PAID {amount} of what you owe. {left} is left.", amount=paid, left=company.money(left))
    else:
        text = _("PAID {amount}: you owe nothing of it any more.", amount=paid)
    await _tell(composer, claims.entry_key(customer, key), [(customer, text)])
    return left


async def _tell(composer: Composer, origin: str, said: list[tuple[Customer, Text]]) -> None:
    """None of them where a customer has no phone."""
    copies = [Copy(each.phone, text, MessageKind.REPLY, each.language) for each, text in said if each.phone]
    await composer.tell(origin, copies)
