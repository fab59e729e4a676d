"""Selling an appliance: contract, schedule, down payment, commission and first token, all in one transaction."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from models.clock import CLOCK
from models.devices import Device, Unit, with_owner
from models.devices.keys import open_key
from models.money.ledger import AccountKind, NewEntry, Posting, commission_due, credit_of, post, post_all
from models.money.wallets import held_by
from models.people import Customer
from models.selling.booking import Sold, add_sale, add_token, in_cash, lock_agent_and_device, read_sale
from models.selling.cash_limit import read_room
from models.selling.catalogue import Appliance, PaymentPlan, Terms
from models.selling.commissions import earn_at_signing, earn_on_goods
from models.selling.contracts import WITHOUT_DEVICE, Contract, Instalment
from models.selling.instalments import Period, amounts, days_for, due_dates
from models.selling.payable import Standing, payable
from models.selling.quotes import Quote
from models.selling.refusals import (
    ClockInDoubt,
    NotOffered,
    NoTokensLeft,
    OtherRequest,
    PriceChanged,
    Retired,
    SalesOff,
    SameAppliance,
    Taken,
    TooManyTokens,
)
from models.selling.sales import SAME_SALE_WINDOW, Sale, runs_on
from models.selling.sellers import Seller, actor_of, agent_of
from models.settings import are_sales_off
from models.sql import Steps, connection, execute, execute_many, insert, lock_rows
from models.tokens import ISSUERS
from models.vault import Vault


@dataclass(frozen=True)
class Proposal:
    """An appliance for a customer on a plan. Money is in minor units."""

    appliance: Appliance
    plan: PaymentPlan
    customer: Customer
    device: Device | None
    today: date
    coin: int  # the smallest amount in which instalments are made
    most: int | None  # units that one token of the device carries; None: those of its kind
    down: int
    schedule: tuple[tuple[date, int], ...]  # when how much falls due
    unit: Unit | None  # what the down payment gets for the device
    units: int

    @property
    def credit(self) -> int:
        """What of the down payment on a service buys no day. On other terms all of it pays the price."""
        return self.down - self.units * self.plan.day_price if self.plan.terms == Terms.SERVICE else 0

    @property
    def terms(self) -> str:
        """All that is agreed, to be compared: the first and the last instalment with their days say the others."""
        ends = [f"{due} {amount}" for due, amount in (*self.schedule[:1], *self.schedule[-1:])]
        agreed = (self.appliance.price, self.down, len(self.schedule), *ends, self.unit, self.units)
        return " ".join(map(str, (*agreed, self.plan.terms, self.plan.day_price, self.plan.minimum)))

    def on(self, day: date) -> "Proposal":
        """The same as of another day."""
        return propose(self.appliance, self.plan, self.customer, self.device, today=day, coin=self.coin, most=self.most)


@dataclass(frozen=True)
class ApplianceSold:
    """A committed contract, and the agent's figures now, in minor units; 0 where the office sold it."""

    contract: Contract
    appliance: Appliance
    customer: Customer
    device: Device | None
    schedule: tuple[tuple[date, int], ...]  # when how much falls due
    paid: Sold | None  # the down payment; None when there was no money to take
    held: int  # cash, or what is left in the wallet
    limit: int | None  # of the cash; None: the agent sells from a wallet, or the office sold
    commission_due: int


def propose(
    appliance: Appliance,
    plan: PaymentPlan,
    customer: Customer,
    device: Device | None,
    *,
    today: date,
    coin: int,
    most: int | None = None,
) -> Proposal:
    """What this sale would be: pure, and the same for the question and for the sale. `coin` is the smallest amount
    in which instalments are made (minor units). Raises NotOffered."""
    kind = device.kind if device else None
    if plan.appliance_id != appliance.id or kind != (appliance.type if appliance.is_device else None):
        raise NotOffered(plan.name)
    if plan.terms == Terms.SERVICE and device is None:
        raise NotOffered(plan.name)
    down = appliance.price if plan.terms == Terms.CASH else min(plan.down, appliance.price)
    schedule: list[tuple[date, int]] = []
    if plan.terms == Terms.INSTALMENTS and down < appliance.price:
        dates = due_dates(today, Period(plan.period), plan.count)
        schedule = list(zip(dates, amounts(appliance.price - down, plan.count, coin), strict=True))
    if schedule and not schedule[0][1]:
        raise NotOffered(plan.name)  # the price fell: there is less to pay than there are instalments
    unit, units = _first_token(plan, device, down, schedule, most)
    return Proposal(
        appliance=appliance,
        plan=plan,
        customer=customer,
        device=device,
        today=today,
        coin=coin,
        most=most,
        down=down,
        schedule=tuple(schedule),
        unit=unit,
        units=units,
    )


def _first_token(
    plan: PaymentPlan, device: Device | None, down: int, schedule: list[tuple[date, int]], most: int | None
) -> tuple[Unit | None, int]:
    """What a down payment gets for a device: days at the plan's rate, or all of them when nothing is left to pay."""
    if device is None or not down:
        return None, 0
    issuer = ISSUERS[device.issuer]
    most = most or issuer.most_units
    if plan.terms != Terms.SERVICE and not schedule:
        return (Unit.UNLOCK, 0) if issuer.unlock else (Unit.DAYS, most)
    service = plan.terms == Terms.SERVICE
    days = down // plan.day_price if service else days_for(down, schedule[0][1], Period(plan.period))
    if days > most:
        raise NotOffered(plan.name)  # one token cannot carry what is paid for
    return (Unit.DAYS, days) if days else (None, 0)  # less than a day's price buys none


async def same_appliance_today(seller: Seller, customer: Customer, appliance: Appliance) -> Contract | None:
    """This agent's newest sale of this appliance to this customer within 24 hours (reference: users 3.3), or that at
    the counter; none that was taken back, or whose device came back."""
    since, agent = datetime.now(UTC) - SAME_SALE_WINDOW, agent_of(seller)
    found = Contract.filter(agent_id=agent.id if agent else None, customer_id=customer.id, appliance_id=appliance.id)
    found = found.filter(created_at__gte=since).exclude(ending__in=WITHOUT_DEVICE)
    return await found.order_by("-id").select_related("device").first()


async def sell_appliance(
    proposal: Proposal,
    *,
    seller: Seller,
    key: str,
    vault: Vault,
    again: bool = False,
    commission_at_signing: bool = False,
) -> ApplianceSold:
    """Commit what the proposal showed, in the caller's transaction. A second call with the key returns the first
    sale. The agent earns his commission as the price is paid, or all of it now. Raises NotSold's kinds: PriceChanged
    when the office changed the item, Taken when the device is gone, SameAppliance unless it is sold `again`."""
    agent = agent_of(seller)
    await lock_agent_and_device(agent, proposal.device)
    await lock_rows("customer", "id = $1", [proposal.customer.id])
    earlier = await Contract.get_or_none(key=key)
    if earlier:
        _check_same(earlier, proposal)
        return await read_appliance_sale(earlier)
    device = await _free_device(proposal)
    await _check_still_offered(proposal)
    if not again and (same := await same_appliance_today(seller, proposal.customer, proposal.appliance)):
        raise SameAppliance(same)
    await check_possible(proposal, seller, vault)
    commission = proposal.appliance.price * agent.goods_commission // 10_000 if agent else 0
    contract = await _sign_contract(proposal, seller, key, commission)
    if device:
        await _hand_over(device, proposal.customer)
    await _book_debt(proposal, contract, seller)
    if commission_at_signing:
        await earn_at_signing(contract, actor_of(seller))
    if proposal.down:
        await _take_down_payment(proposal, contract, device, seller, vault)
    return await read_appliance_sale(contract)


async def check_possible(proposal: Proposal, seller: Seller, vault: Vault) -> None:
    """What would stop this sale whatever is answered, to be told before PIN and cash. Raises SalesOff, ClockInDoubt,
    OverLimit, NoTokensLeft and TooManyTokens."""
    if await are_sales_off():
        raise SalesOff(proposal.appliance.name)
    if doubt := await CLOCK.doubt():
        raise ClockInDoubt(doubt)
    device = proposal.device
    can_issue = ISSUERS[device.issuer].can_issue if device else None
    if device and can_issue and (obstacle := can_issue(open_key(device, vault), device.count, datetime.now(UTC))):
        raise TooManyTokens(obstacle.minutes) if obstacle.minutes else NoTokensLeft(device.serial)
    if agent := agent_of(seller):
        (await read_room(agent)).check(proposal.down)


def _check_same(earlier: Contract, proposal: Proposal) -> None:
    """Raises OtherRequest unless the earlier sale is what is asked for now."""
    device = proposal.device.id if proposal.device else None
    wanted = proposal.customer.id, proposal.appliance.id, device, proposal.down
    if wanted != (earlier.customer_id, earlier.appliance_id, earlier.device_id, earlier.down):
        raise OtherRequest(earlier.key)


async def _free_device(proposal: Proposal) -> Device | None:
    """The device as it is now. Raises Taken and Retired."""
    if proposal.device is None:
        return None
    device = await with_owner(proposal.device.id)
    if device.retired_at:
        raise Retired(device.serial)
    if device.customer_id is not None:
        raise Taken(device.serial)
    return device


async def _check_still_offered(proposal: Proposal) -> None:
    """Raises NotOffered, and PriceChanged when the same sale would now be another one."""
    appliance = await Appliance.get_or_none(id=proposal.appliance.id)
    plan = await PaymentPlan.get_or_none(id=proposal.plan.id)
    if appliance is None or plan is None:
        raise NotOffered(proposal.plan.name)
    now = replace(proposal, appliance=appliance, plan=plan).on(proposal.today)
    if now.terms != proposal.terms:
        raise PriceChanged(appliance.name)


async def _hand_over(device: Device, customer: Customer) -> None:
    device.customer = customer
    await execute(connection(), "UPDATE device SET customer_id = $2 WHERE id = $1", [device.id, customer.id])


async def _sign_contract(proposal: Proposal, seller: Seller, key: str, commission: int) -> Contract:
    """Write the contract and its schedule."""
    plan, agent = proposal.plan, agent_of(seller)
    paid_off = not proposal.schedule and plan.terms != Terms.SERVICE
    contract_id = await insert(
        "contract",
        key=key,
        appliance_id=proposal.appliance.id,
        customer_id=proposal.customer.id,
        agent_id=agent.id if agent else None,
        device_id=proposal.device.id if proposal.device else None,
        terms=plan.terms,
        price=proposal.appliance.price,
        down=proposal.down,
        period=plan.period,
        day_price=plan.day_price,
        minimum=plan.minimum,
        commission=commission,
        sold_on=proposal.today,
        created_at=datetime.now(UTC),
        ended_on=proposal.today if paid_off else None,
    )
    item = proposal.appliance.id
    rows = [(contract_id, item, n, due, amount) for n, (due, amount) in enumerate(proposal.schedule, start=1)]
    await execute_many(
        connection(),
        "INSERT INTO instalment (contract_id, appliance_id, number, due_on, amount, paid) "
        "VALUES ($1, $2, $3, $4, $5, 0)",
        rows,
    )
    return await Contract.get(id=contract_id)


async def _book_debt(proposal: Proposal, contract: Contract, seller: Seller) -> None:
    """Write the price as the customer's debt. A service has none: each day is paid before it is used."""
    if proposal.plan.terms != Terms.SERVICE:
        price = proposal.appliance.price
        lines = [Posting(AccountKind.DEBT, contract.id, price), Posting(AccountKind.GOODS, 0, -price)]
        await post(f"contract {contract.id} price", lines, actor=actor_of(seller))


async def _take_down_payment(
    proposal: Proposal, contract: Contract, device: Device | None, seller: Seller, vault: Vault
) -> None:
    """Book the money, make the device's token for it, and owe what it earns."""
    at = Standing(
        paid_for=payable(device, contract),
        customer=proposal.customer,
        contract=contract,
        owed=(),
        today=proposal.today,
        credit=await credit_of(proposal.customer.id),
        runs_on=await runs_on(device) if device else False,
    )
    left, bought = sum(amount for _due, amount in proposal.schedule), proposal.down - proposal.credit
    offer = Quote(at, proposal.down, proposal.unit, proposal.units, bought, owed=left)
    key = f"down payment {contract.id}"
    taken, steps = in_cash(seller), Steps()
    new = await add_sale(steps, offer, taken, key, commission=0)
    if device and proposal.unit:
        add_token(steps, new, offer, device, vault)
    paid_for = AccountKind.DAYS if proposal.plan.terms == Terms.SERVICE else AccountKind.DEBT
    lines = [
        Posting(taken.kind, taken.owner, proposal.down),
        Posting(paid_for, 0 if paid_for is AccountKind.DAYS else contract.id, -bought),
        Posting(AccountKind.CREDIT, proposal.customer.id, -proposal.credit),
    ]
    key_of = new.id.within("sale {} payment")
    await post_all([NewEntry(key=key_of, postings=[each for each in lines if each.amount], actor=taken.actor)], steps)
    await earn_on_goods(new.recorded(steps), [contract.id], taken.actor)


async def read_appliance_sale(contract: Contract) -> ApplianceSold:
    """A contract with all that its receipt prints, the agent's figures as they are now."""
    await contract.fetch_related("appliance", "customer", "agent")
    payment = await Sale.get_or_none(key=f"down payment {contract.id}")
    instalments = await Instalment.filter(contract_id=contract.id).order_by("number")
    agent = contract.agent
    return ApplianceSold(
        contract=contract,
        appliance=contract.appliance,
        customer=contract.customer,
        device=await with_owner(contract.device_id) if contract.device_id else None,
        schedule=tuple((each.due_on, each.amount) for each in instalments),
        paid=await read_sale(payment) if payment else None,
        held=await held_by(agent) if agent else 0,
        limit=None if agent is None or agent.prepaid else agent.cash_limit,
        commission_due=await commission_due(agent.id) if agent else 0,
    )
