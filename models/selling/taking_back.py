"""What a sale did is undone: reversing entries, allocations taken back, debts open again. Nothing is deleted, and the
digits that were made stay made: a device may have had them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from models.devices import Device, Unit, with_owner
from models.messages.withdrawal import withdraw_code, withdraw_reminders
from models.money.ledger import AccountKind, Entry, Posting, credit_of, post, reverse
from models.money.lost import make_good
from models.money.receiving import Why, lock_payment, open_suspense, unapplied
from models.money.wallets import funds_of, held_by
from models.people import Agent, Customer
from models.selling.booking import lock_for_sale
from models.selling.commissions import claw_back
from models.selling.contracts import Contract, Ending
from models.selling.payable import payable
from models.selling.sales import COUNTS, Sale, last_tokens
from models.sql import connection, execute, read_moment
from models.tokens import ISSUERS

OF_OTHERS = """SELECT 1 FROM token t JOIN sale s ON s.id = t.sale_id
  WHERE t.device_id = $1 AND s.customer_id <> $2 LIMIT 1"""
LINES = """SELECT a.kind, l.amount FROM line l JOIN account a ON a.id = l.account_id WHERE l.entry_id = $1"""
GIVEN = """SELECT a.id, a.instalment_id, a.amount, i.contract_id FROM allocation a
  JOIN instalment i ON i.id = a.instalment_id WHERE a.sale_id = $1 AND a.reverses_id IS NULL ORDER BY a.id"""
TAKE_BACK = "INSERT INTO allocation (sale_id, instalment_id, amount, reverses_id) VALUES ($1, $2, $3, $4)"
# What is open again has not ended. What came back or was written off stays as it is.
REOPEN = """UPDATE contract SET ended_on = NULL WHERE id = $1 AND ending = '' AND terms <> 'service'
  AND EXISTS (SELECT 1 FROM instalment WHERE contract_id = $1 AND paid < amount)"""
OWED_NO_MORE = """INSERT INTO allocation (sale_id, instalment_id, amount)
  SELECT NULL, id, amount - paid FROM instalment WHERE contract_id = $1 AND paid < amount"""
VOIDED = "SELECT 1 FROM void WHERE sale_id = $1 AND state = 'done'"
# Payments on a contract, and shares of a meter's payment that went to it.
LATER = """SELECT 1 FROM sale s WHERE s.id <> $2 AND NOT EXISTS
    (SELECT 1 FROM void v WHERE v.sale_id = s.id AND v.state = 'done')
  AND (s.contract_id = $1 OR s.id IN (SELECT a.sale_id FROM allocation a
    JOIN instalment i ON i.id = a.instalment_id WHERE i.contract_id = $1)) LIMIT 1"""
ENDED_OTHERWISE = """SELECT 1 FROM contract WHERE ending <> '' AND (id = $1 OR id IN (SELECT i.contract_id
  FROM allocation a JOIN instalment i ON i.id = a.instalment_id WHERE a.sale_id = $2)) LIMIT 1"""
DAYS_SINCE = f"""SELECT s.created_at, s.units FROM sale s WHERE s.device_id = $1 AND s.id > $2 AND s.unit = 'days'
  AND {COUNTS} ORDER BY s.id DESC"""
DAYS_BEFORE = f"""SELECT s.created_at, s.units FROM sale s WHERE s.device_id = $1 AND s.contract_id = $2 AND s.id < $3
    AND s.unit = 'days' AND {COUNTS}
  UNION ALL SELECT w.created_at, w.units FROM device_swap w WHERE w.device_id = $1 AND w.contract_id = $2
    AND w.unit = 'days' ORDER BY created_at"""
DOWN_PAYMENT = "down payment "


class NotTakenBack(Exception):
    """Nothing was changed."""


class VoidBefore(NotTakenBack):
    """The sale is void already."""


class MovedBefore(NotTakenBack):
    """The sale was done again for the right device."""


class CreditSpent(NotTakenBack):
    """What was less than a unit has been used since."""


class PaidSince(NotTakenBack):
    """The appliance was paid on since: those payments come first."""


class NotTheirs(NotTakenBack):
    """The device is somebody else's by now or in stock, or what was paid on has come back or was written off."""


@dataclass(frozen=True)
class TakenBack:
    """A sale that is void, and the seller's figures now, in minor units."""

    sale: Sale
    customer: Customer
    name: str  # what was paid for: the serial, or the number of the contract
    agent: Agent | None  # None: the customer paid the company itself, or who sold has left it
    at_counter: bool  # whether the office gives the cash back; without an agent and this, the money waits there
    held: int  # the cash that the agent has to hold now, or what is in the wallet
    digits: bool  # whether a token was made, which counts no more


async def lock_sale(sale: Sale) -> None:
    """Hold all that a sale moved until the commit."""
    if sale.agent_id is None:
        await lock_payment(sale.payment_id)
    device, contract = await _device_of(sale), await _contract_of(sale)
    seller = await Agent.get(id=sale.agent_id) if sale.agent_id else None
    await lock_for_sale(payable(device, contract), sale.customer_id, contract, seller)


async def check_possible(sale: Sale) -> None:
    """Whether a sale can be taken back, in the transaction that holds it (`lock_sale`). Raises NotTakenBack's kinds."""
    if await execute(connection(), VOIDED, [sale.id]):
        raise VoidBefore(sale.reference)
    if await Sale.exists(replaces_id=sale.id):
        raise MovedBefore(sale.reference)
    device = await _device_of(sale)
    if device and device.customer_id != sale.customer_id:
        raise NotTheirs(sale.reference)
    if await execute(connection(), ENDED_OTHERWISE, [sale.contract_id, sale.id]):
        raise NotTheirs(sale.reference)
    if await credit_of(sale.customer_id) < sale.credit_after - sale.credit_before:
        raise CreditSpent(sale.reference)
    if is_down_payment(sale) and await execute(connection(), LATER, [sale.contract_id, sale.id]):
        raise PaidSince(sale.reference)


def is_down_payment(sale: Sale) -> bool:
    """Whether a whole appliance goes back with it."""
    return sale.key.startswith(DOWN_PAYMENT)


async def take_back(sale: Sale, actor: str, reason: str, today: date) -> TakenBack:
    """Undo a sale that is `check_possible` and noted as void by now, in the same transaction: the agent gives the
    customer the cash back, or the office where it took it or the agent is retired; or the company has a provider's
    money still and has to say what becomes of it. `today` is the operator's day, on which an appliance that goes back
    with it ends."""
    why = f"sale {sale.reference} void: {reason}"
    at_counter = await _reverse_payment(sale, actor, why)
    await _take_back_allocations(sale)
    await claw_back(sale, actor)
    device = await _device_of(sale)
    if device:
        await _set_device_back(device, sale)
        await _keep_code_back(device, sale)
    if is_down_payment(sale):
        await _undo_contract(sale, actor, why, today)
    if sale.agent_id is None and not at_counter:
        await make_good(sale.payment_id, actor=actor, reason=why)
        if await unapplied(sale.payment_id):
            await open_suspense(sale.payment_id, Why.TAKEN_BACK)
    return await _figures(sale, at_counter=at_counter)


async def _reverse_payment(sale: Sale, actor: str, why: str) -> bool:
    """Whether the cash comes out of the office's till. What fell due of the access rate by then is due still: it is
    booked once more."""
    entry = await Entry.get(key=f"sale {sale.id} payment")
    lines = {row["kind"]: int(row["amount"]) for row in await execute(connection(), LINES, [entry.id])}
    await reverse(entry.id, key=f"sale {sale.id} void", actor=actor, reason=why)
    fell_due = -lines.get(AccountKind.ACCESS, 0)
    if fell_due and sale.device_id:
        due = Posting(AccountKind.ACCESS_DUE, sale.device_id, fell_due)
        await post(f"sale {sale.id} access", [due, Posting(AccountKind.ACCESS, 0, -fell_due)], actor=actor, reason=why)
    if sale.agent_id is None:
        return AccountKind.OFFICE in lines
    then = AccountKind.WALLET if AccountKind.WALLET in lines else AccountKind.CASH
    return await _pay_back(sale, then, await Agent.get(id=sale.agent_id), actor, why)


async def _pay_back(sale: Sale, then: AccountKind, agent: Agent, actor: str, why: str) -> bool:
    """Let the cash come from where it does now, and not from what the agent sold from `then`: out of the cash that the
    agent holds, or the agent's own, which comes into the wallet. Who has left gives nobody any: the office does, and
    the agent owes what he owed. Whether it is so."""
    gives = Posting(funds_of(agent), agent.id, -sale.amount)
    if agent.retired_at:
        gives = Posting(AccountKind.OFFICE, 0, -sale.amount)
    if gives.kind != then:
        lines = [Posting(then, agent.id, sale.amount), gives]
        await post(f"sale {sale.id} paid back", lines, actor=actor, reason=why)
    return agent.retired_at is not None


async def _take_back_allocations(sale: Sale) -> None:
    given = await execute(connection(), GIVEN, [sale.id])
    for row in given:
        await execute(connection(), TAKE_BACK, [sale.id, row["instalment_id"], -row["amount"], row["id"]])
    contracts = sorted({int(row["contract_id"]) for row in given})
    for contract in contracts:
        await execute(connection(), REOPEN, [contract])
    await withdraw_reminders(contracts)


async def _set_device_back(device: Device, sale: Sale) -> None:
    """The days that were bought are paid for no longer, and what was taken for the access rate is due again. Where
    somebody else had the device before and no other code of its owner counts, nothing is paid, as before this sale."""
    paid_until = device.paid_until
    if sale.unit == Unit.DAYS and paid_until:
        paid_until -= await _days_less(sale, paid_until)
        if paid_until <= datetime.now(UTC) and await _runs_on_of_others(device):
            paid_until = None
    elif sale.unit == Unit.UNLOCK:
        paid_until = await _paid_before(sale)
    back = "UPDATE device SET paid_until = $2, access_due = access_due + $3 WHERE id = $1"
    await execute(connection(), back, [device.id, paid_until, sale.access])


async def _keep_code_back(device: Device, sale: Sale) -> None:
    """Who has not got the code by now would only be tempted to type it."""
    for row in await execute(connection(), "SELECT digits FROM token WHERE sale_id = $1", [sale.id]):
        await withdraw_code(ISSUERS[device.issuer].group(row["digits"]))


async def _runs_on_of_others(device: Device) -> bool:
    """Whether a former owner's codes are the last ones of a device that count. One whose owner is its first may have
    days of before it came to us, which its next code must not end."""
    had = await execute(connection(), OF_OTHERS, [device.id, device.customer_id])
    return bool(had) and not await last_tokens(device, 1)


async def _days_less(sale: Sale, paid_until: datetime) -> timedelta:
    """How much shorter a device is paid without the days of this sale: where they were used up before a later payment,
    that one counted from its own day."""
    less = timedelta(days=sale.units)
    for later in await execute(connection(), DAYS_SINCE, [sale.device_id, sale.id]):
        paid_until -= timedelta(days=later["units"])
        less = min(less, max(paid_until - read_moment(later["created_at"]), timedelta()))
    return less


async def _paid_before(sale: Sale) -> datetime:
    """Until when a device was paid before this sale unlocked it for good: at least until then, as far as we know."""
    paid_until: datetime | None = None
    for earlier in await execute(connection(), DAYS_BEFORE, [sale.device_id, sale.contract_id, sale.id]):
        at = read_moment(earlier["created_at"])
        paid_until = max(at, paid_until or at) + timedelta(days=earlier["units"])
    return max(sale.created_at, paid_until or sale.created_at)


async def _undo_contract(sale: Sale, actor: str, why: str, today: date) -> None:
    """With the down payment goes the appliance: nothing is owed, and a device is in stock again."""
    contract = await Contract.get(id=sale.contract_id)
    if entry := await Entry.get_or_none(key=f"contract {contract.id} price"):
        await reverse(entry.id, key=f"contract {contract.id} void", actor=actor, reason=why)
    if contract.earned and contract.agent_id:
        unearned = Posting(AccountKind.COMMISSION, contract.agent_id, contract.earned)
        lines = [unearned, Posting(AccountKind.COMMISSION_COST, 0, -contract.earned)]
        await post(f"contract {contract.id} claw-back", lines, actor=actor, reason=why)
        await execute(connection(), "UPDATE contract SET earned = 0 WHERE id = $1", [contract.id])
    await end_contract(contract, Ending.VOID, today)
    if contract.device_id:
        await put_in_stock(contract.device_id)


async def end_contract(contract: Contract, ending: Ending, today: date) -> None:
    """Nothing of a contract is owed any more, though it was not paid: its instalments are closed. What is open of it in
    the ledger the caller books. One that had ended keeps its day."""
    await execute(connection(), OWED_NO_MORE, [contract.id])
    ended = "UPDATE contract SET ended_on = COALESCE(ended_on, $2), ending = $3 WHERE id = $1"
    await execute(connection(), ended, [contract.id, today, ending.value])
    await withdraw_reminders([contract.id])


async def put_in_stock(device_id: int) -> None:
    """A device is nobody's any more, and owes nothing. Its count stays: it goes on from there."""
    free = """UPDATE device SET customer_id = NULL, paid_until = NULL, access_due = 0, access_until = NULL
      WHERE id = $1"""
    await execute(connection(), free, [device_id])


async def _figures(sale: Sale, *, at_counter: bool) -> TakenBack:
    agent = await Agent.get(id=sale.agent_id) if sale.agent_id and not at_counter else None
    paid_for = payable(await _device_of(sale), await _contract_of(sale))
    return TakenBack(
        sale=sale,
        customer=await Customer.get(id=sale.customer_id),
        name=paid_for.name,
        agent=agent,
        at_counter=at_counter,
        held=await held_by(agent) if agent else 0,
        digits=bool(await execute(connection(), "SELECT 1 FROM token WHERE sale_id = $1", [sale.id])),
    )


async def _device_of(sale: Sale) -> Device | None:
    return await with_owner(sale.device_id) if sale.device_id else None


async def _contract_of(sale: Sale) -> Contract | None:
    return await Contract.get(id=sale.contract_id).prefetch_related("appliance") if sale.contract_id else None
