"""What happens to agents' money, as verbs of a life (tests/world/money_life.py): customers' requests for cash, wallets
that are filled by phone and paid out, appliances that agents hand out."""

from dataclasses import replace

from bot.server import Server
from handlers.selling.cash_requests import withdraw
from models.devices.tables import Device
from models.money.wallets import in_wallet
from models.people import Agent, Customer, OfficeUser
from models.selling import cash_requests, requests
from models.selling.appliance_sale import propose, sell_appliance
from models.selling.cash_limit import read_room
from models.selling.cash_requests import CashRequest, Ended, Wish
from models.selling.catalogue import Appliance, PaymentPlan
from models.selling.payable import load_payable
from models.selling.proposals import propose_payout
from models.selling.quotes import quote
from models.selling.refusals import NotSold, OverLimit, WalletTooSmall
from models.selling.sales import Sale
from models.sql import MINUTE_MS, connection, execute, lock_rows, now_ms, on_postgres
from tests.world.money_life import Verb, find_target

# What comes in one text, or from one phone, is handled by one server at a time, as the rows of the inbox are held.
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 11))"
# The goods of the demo world that a device of the stock may be sold on.
ITEMS = {"S": "Solar home", "E": "E-bike"}


async def hold_text(key: str) -> None:
    if on_postgres():
        await execute(connection(), HOLD, [key])


def asks(key: str, phone: str, target: str, amount: int, agent: int) -> Verb:
    """Somebody wants to buy for cash, and an agent who has room for it is asked, in place of what the same phone asked
    for before."""

    async def verb(at: Server) -> None:
        await hold_text(phone)
        paid_for, company = await find_target(target), at.company
        offer = quote(await paid_for.standing(company.today(), company.coin, company.vault), amount)
        earlier = await cash_requests.open_of(phone)
        same = earlier and earlier.is_for(paid_for) and earlier.amount == offer.amount
        if same or await CashRequest.exists(key=key) or (earlier and not await cash_requests.withdraw(earlier)):
            return
        await lock_rows("agent", "id = $1", [agent])
        asked = await Agent.get(id=agent)
        try:
            (await read_room(asked)).check(offer.amount)
        except (OverLimit, WalletTooSmall):  # the customer reads it, and the first stays
            if earlier:
                await cash_requests.put_back(earlier)
            return
        if earlier:
            await cash_requests.dropped(earlier)
        wish = Wish(paid_for, offer.standing.customer, offer.amount, phone, "en")
        await cash_requests.ask_agent(wish, asked, key=key, minutes=company.cash_request_minutes, alone=True)

    return verb


def ends(nth: int) -> Verb:
    """The customer wants it no more: a NO."""

    async def verb(at: Server) -> None:
        if request := await nth_request(nth):
            await hold_text(request.phone)
            await withdraw(request, at.company)

    return verb


def agrees(key: str, nth: int, *, amount: int | None = None, again: bool = True, alone: bool = True) -> Verb:
    """The agent has the cash, perhaps another amount than was asked for. Where nothing is sold the request stays. Not
    `alone`: it is a yes to this very request, as it was asked, and sells nothing when that has ended."""

    async def verb(at: Server) -> None:
        await hold_text(key)
        request = await nth_request(nth)
        if request is None or await Sale.exists(key=key):
            return
        seller, company = await Agent.get(id=request.agent_id), at.company
        paid_for = await load_payable(request.device_id, request.contract_id)
        waiting = await cash_requests.open_for(seller, paid_for) if alone else [request]
        wanted = (alone and amount) or request.amount
        held = next((one.amount for one in cash_requests.by_amount(waiting, wanted)), 0)
        found = await paid_for.standing(company.today(), company.coin, company.vault, seller)
        assert found.room
        offer = quote(replace(found, room=replace(found.room, promised=found.room.promised - held)), wanted)
        how = {"seller": seller, "key": key, "vault": company.vault, "again": again, "alone": alone}
        try:
            _sold, answered = await cash_requests.sell_for(waiting, offer, **how)  # type: ignore[arg-type]
        except (NotSold, Ended):  # the agent reads why, and all that was done stays
            return
        assert alone or (answered and answered.id == request.id), "a yes to one request sold without it"

    return verb


def declines(nth: int) -> Verb:
    async def verb(_at: Server) -> None:
        if request := await nth_request(nth):
            await cash_requests.decline(request)

    return verb


def time_is_over() -> Verb:
    """The clock ends what nobody answered."""

    async def verb(_at: Server) -> None:
        await cash_requests.expire(100)

    return verb


def fills(key: str, agent: int, amount: int) -> Verb:
    """An agent with a wallet wants to fill it by phone."""

    async def verb(_at: Server) -> None:
        who = await Agent.get(id=agent)
        if who.prepaid:
            wanted = requests.Wanted(
                provider="daraja", phone=who.phone, language="en", amount=amount, account=f"W{agent}", agent_id=agent
            )
            await requests.ask_to_pay(wanted, key=key)

    return verb


def phones_ring() -> Verb:
    """The provider has taken what phones were to be asked, for a minute each."""

    async def verb(_at: Server) -> None:
        now = now_ms()
        for request in await requests.claim("daraja", 10, me="test", now=now):
            await requests.note_asked(request, f"ws_CO_{request.id}", now=now, expires_at=now + MINUTE_MS)

    return verb


def wants_out(key: str, agent: int, percent: int, by: str) -> Verb:
    """One of the office asks for cash out of a wallet; another one has to agree."""

    async def verb(_at: Server) -> None:
        amount = await in_wallet(agent) * percent // 100
        await propose_payout(await Agent.get(id=agent), amount, await OfficeUser.get(name=by), "stops selling", key)

    return verb


def hands_out(key: str, agent: int, customer: int, serial: str) -> Verb:
    """An agent sells a device of the stock on its plan, with a down payment."""

    async def verb(at: Server) -> None:
        device, company = await Device.get(serial=serial), at.company
        item = await Appliance.get(name=ITEMS[serial[0]])
        plan = await PaymentPlan.get(appliance_id=item.id)
        buyer, seller = await Customer.get(id=customer), await Agent.get(id=agent)
        offer = propose(item, plan, buyer, device, today=company.today(), coin=company.coin)
        await sell_appliance(offer, seller=seller, key=key, vault=company.vault, again=True)

    return verb


async def nth_request(nth: int) -> CashRequest | None:
    found = await CashRequest.all().order_by("id").select_related("customer", "agent")
    return found[nth % len(found)] if found else None
