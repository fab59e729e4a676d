"""Taking a payment in cash: a sale gives exactly what its quote promised, all of it or nothing."""

from models.money.booking import Sold, carry_out, lock_for_sale, read_sale, take_cash
from models.money.quotes import Quote, quote
from models.money.refusals import OtherRequest, PriceChanged, SoldToday
from models.money.sales import Sale
from models.money.sellers import Seller, agent_of
from models.people import Agent
from models.vault import Vault


async def sell(offer: Quote, *, seller: Seller, key: str, vault: Vault, again: bool = False) -> Sold:
    """Commit what the quote promised: payment, sale, token and ledger lines, in the caller's transaction.

    `key` names this sale for good: a second call with it returns the first sale. Raises NotSold's kinds:
    PriceChanged when the same amount would now do something else.
    """
    at, agent = offer.standing, agent_of(seller)
    await lock_for_sale(at.paid_for, at.customer.id, at.contract, agent)
    earlier, same = await at.paid_for.find_earlier(key, agent, offer.amount)
    if earlier:
        _check_same(earlier, offer)
        return await read_sale(earlier)
    promised, offer = offer.effect, await _quote_again(offer, agent, vault)
    if offer.effect != promised:
        raise PriceChanged(key)
    if same and not again:
        raise SoldToday(same)
    return await carry_out(offer, await take_cash(offer, seller, key), key, vault)


def _check_same(earlier: Sale, offer: Quote) -> None:
    """Raises OtherRequest unless the earlier sale is what is asked for now."""
    at = offer.standing
    wanted = at.customer.id, at.device.id if at.device else None, at.contract.id if at.contract else None, offer.amount
    if wanted != (earlier.customer_id, earlier.device_id, earlier.contract_id, earlier.amount):
        raise OtherRequest(earlier.key)


async def _quote_again(offer: Quote, seller: Agent | None, vault: Vault) -> Quote:
    """The same payment as it is now, under the lock. The day stays that of the quote."""
    at = offer.standing
    paid_for = await at.paid_for.reload()
    now = await paid_for.standing(at.today, at.coin, vault, seller, whole_only=at.whole_only)
    return quote(now, offer.amount)
