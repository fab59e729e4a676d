"""Taking a payment in cash: a sale gives exactly what its quote promised, all of it or nothing."""

from models.money.references import references
from models.selling.booking import Sold, carry_out, in_cash, lock_for_sale, read_sale
from models.selling.met import Asked
from models.selling.quotes import Quote, quote
from models.selling.refusals import OtherRequest, PriceChanged, SoldToday
from models.selling.sales import Sale
from models.selling.sellers import Seller, agent_of
from models.vault import Vault


async def sell(offer: Quote, *, seller: Seller, key: str, vault: Vault, again: bool = False) -> Sold:
    """Commit what the quote promised: payment, sale, token and ledger lines, in the caller's transaction.

    `key` names this sale for good: a second call with it returns the first sale. Raises NotSold's kinds:
    PriceChanged when the same amount would now do something else.
    """
    at, agent = offer.standing, agent_of(seller)
    await lock_for_sale(at.paid_for, at.customer.id, at.contract, agent)
    asked = Asked(seller=agent, key=key, reference=next(references()))
    met = await at.paid_for.meet(asked)
    if met.sold:
        _check_same(met.sold, offer)
        return await read_sale(met.sold)
    # the same payment as it is now, under the lock; the day stays that of the quote
    now = await at.paid_for.standing(at.today, at.coin, vault, agent, whole_only=at.whole_only, met=met)
    promised, offer = offer.effect, quote(now, offer.amount)
    if offer.effect != promised:
        raise PriceChanged(key)
    if met.sold_today and not again and (same := await at.paid_for.same_today(agent, offer.amount)):
        raise SoldToday(same)
    return await carry_out(offer, in_cash(seller, met.reference), key, vault)


def _check_same(earlier: Sale, offer: Quote) -> None:
    """Raises OtherRequest unless the earlier sale is what is asked for now."""
    at = offer.standing
    wanted = at.customer.id, at.device.id if at.device else None, at.contract.id if at.contract else None, offer.amount
    if wanted != (earlier.customer_id, earlier.device_id, earlier.contract_id, earlier.amount):
        raise OtherRequest(earlier.key)
