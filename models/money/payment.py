"""Taking a payment: a sale gives exactly what its quote promised, all of it or nothing."""

from models.devices import Unit
from models.messages import withdrawal
from models.money.booking import (
    Sold,
    book_commission,
    issue_token,
    lock_agent_and_device,
    read_sale,
    record_sale,
)
from models.money.catalogue import Terms
from models.money.instalments import Part
from models.money.ledger import AccountKind, Posting, post
from models.money.payable import Standing
from models.money.quotes import Quote, quote
from models.money.refusals import OtherRequest, PriceChanged, SoldToday
from models.money.sales import Sale
from models.people import Agent
from models.sql import connection, execute, execute_many, lock_rows
from models.vault import Vault


async def sell(offer: Quote, *, seller: Agent, key: str, vault: Vault, again: bool = False) -> Sold:
    """Commit what the quote promised: payment, sale, token and ledger lines, in the caller's transaction.

    `key` names this sale for good: a second call with it returns the first sale. Raises NotSold's kinds:
    PriceChanged when the same amount would now do something else.
    """
    await lock_agent_and_device(seller, offer.standing.device)
    await _lock_debts(offer.standing)
    earlier = await Sale.get_or_none(key=key)
    if earlier:
        _check_same(earlier, offer)
        return await read_sale(earlier)
    promised, offer = offer.effect, await _quote_again(offer, seller, vault)
    if offer.effect != promised:
        raise PriceChanged(key)
    at = offer.standing
    if not again and (same := await at.paid_for.same_today(seller, offer.amount)):
        raise SoldToday(same)
    sale = await record_sale(offer, seller, key, offer.amount * seller.commission // 10_000)
    digits, paid_until = await issue_token(sale, offer, at.device, vault) if at.device else ("", None)
    await _settle(offer, sale)
    held, due = await _book_payment(sale, offer, seller)
    return Sold(
        sale=sale,
        customer=at.customer,
        paid_for=at.paid_for,
        contract=at.contract,
        digits=digits,
        held=held,
        limit=seller.cash_limit,
        commission_due=due,
        paid_until=paid_until,
        rest=offer.rest,
    )


def _check_same(earlier: Sale, offer: Quote) -> None:
    """Raises OtherRequest unless the earlier sale is what is asked for now."""
    at = offer.standing
    wanted = at.customer.id, at.device.id if at.device else None, at.contract.id if at.contract else None, offer.amount
    if wanted != (earlier.customer_id, earlier.device_id, earlier.contract_id, earlier.amount):
        raise OtherRequest(earlier.key)


async def _quote_again(offer: Quote, seller: Agent, vault: Vault) -> Quote:
    """The same payment as it is now, under the lock. The day stays that of the quote."""
    at = offer.standing
    paid_for = await at.paid_for.reload()
    return quote(await paid_for.standing(at.today, at.coin, vault, seller), offer.amount)


async def _lock_debts(at: Standing) -> None:
    """The same for the contract, or for all goods that a meter's payment may give to: another agent may be taking
    a payment on them by their own number."""
    if at.contract:
        await lock_rows("contract", "id = $1", [at.contract.id])
    else:
        await lock_rows("contract", "device_id IS NULL AND customer_id = $1", [at.customer.id])


async def _settle(offer: Quote, sale: Sale) -> None:
    """Pay the instalments. A contract whose last one this is has ended."""
    await _settle_instalments(sale, offer.parts)
    await withdrawal.withdraw_reminders({part.due.contract_id for part in offer.parts})
    at = offer.standing
    if at.contract and at.contract.terms != Terms.SERVICE and offer.owed == 0:
        ended = "UPDATE contract SET ended_on = $2 WHERE id = $1"
        await execute(connection(), ended, [at.contract.id, at.today])
    elif at.contract is None:
        await _end_paid_up({part.due.contract_id for part in offer.parts}, at)


async def _settle_instalments(sale: Sale, parts: tuple[Part, ...]) -> None:
    """What the sale gives to each; a trigger adds it to what is paid."""
    rows = [(sale.id, part.due.id, part.amount) for part in parts]
    statement = "INSERT INTO allocation (sale_id, instalment_id, amount) VALUES ($1, $2, $3)"
    await execute_many(connection(), statement, rows)


async def _end_paid_up(contracts: set[int], at: Standing) -> None:
    """Goods that a meter's payment has paid off."""
    for contract in sorted(contracts):
        await execute(
            connection(),
            "UPDATE contract SET ended_on = $2 WHERE id = $1 AND NOT EXISTS "
            "(SELECT 1 FROM instalment WHERE contract_id = $1 AND paid < amount)",
            [contract, at.today],
        )


async def _book_payment(sale: Sale, offer: Quote, seller: Agent) -> tuple[int, int]:
    """Write the ledger lines of a sale; the agent's cash held and commission due after it."""
    settled: dict[int, int] = {}
    for part in offer.parts:
        settled[part.due.contract_id] = settled.get(part.due.contract_id, 0) + part.amount
    bought = sale.amount - sale.access - sum(settled.values())
    postings = [
        Posting(AccountKind.CASH, seller.id, sale.amount),
        *(Posting(AccountKind.DEBT, contract, -amount) for contract, amount in settled.items()),
        Posting(AccountKind.ACCESS, 0, -sale.access),
        Posting(AccountKind.ENERGY if offer.unit is Unit.ENERGY else AccountKind.DAYS, 0, -bought),
    ]
    booked = await post(f"sale {sale.id} payment", [each for each in postings if each.amount], actor=seller.phone)
    return booked[AccountKind.CASH], await book_commission(f"sale {sale.id} commission", seller, sale.commission)
