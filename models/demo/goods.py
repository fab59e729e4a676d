"""What the demo world sells on instalments, and the contract that Baraka's solar home system is paid by."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from models.devices import Device
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent
from models.selling import Appliance, Contract, PaymentPlan, Period, Terms
from models.selling.catalogue import Type
from models.selling.contracts import Instalment
from models.selling.instalments import amounts, due_dates
from models.selling.sales import SAME_SALE_WINDOW


@dataclass(frozen=True)
class DemoPlan:
    """A way to pay; money in whole units of the currency."""

    name: str
    terms: Terms
    down: int = 0
    count: int = 0
    period: Period = Period.WEEKLY
    day_price: int = 0


CATALOGUE = (
    ("Solar lamp", Type.ELECTRONICS, 1_000, [DemoPlan("7 weekly", Terms.INSTALMENTS, down=100, count=7)]),
    (
        "Radio",
        Type.ELECTRONICS,
        15_000,
        [
            DemoPlan("cash", Terms.CASH, period=Period.MONTHLY),
            DemoPlan("3 monthly", Terms.INSTALMENTS, down=3_000, count=3, period=Period.MONTHLY),
        ],
    ),
    ("Solar home", Type.SHS, 1_099_000, [DemoPlan("156 weekly", Terms.INSTALMENTS, down=7_000, count=156)]),
    ("E-bike", Type.EBIKE, 600_000, [DemoPlan("daily", Terms.SERVICE, down=2_000, day_price=2_000)]),
)
REMIND_BEFORE, REMIND_AFTER = 2, 1  # days


async def load(minor: int, today: date) -> None:
    """The catalogue and one contract. `minor` is how many minor units the currency's unit has."""
    for name, kind, price, plans in CATALOGUE:
        item = await Appliance.create(
            name=name,
            type=kind.value,
            price=price * minor,
            remind_before=REMIND_BEFORE,
            remind_after=REMIND_AFTER,
        )
        for plan in plans:
            await PaymentPlan.create(
                appliance=item,
                name=plan.name,
                terms=plan.terms.value,
                down=plan.down * minor,
                count=plan.count,
                period=plan.period.value,
                day_price=plan.day_price * minor,
                minimum=(plan.day_price or 1) * minor,
            )
    await _sold_before("SHS0283", "Solar home", today, minor)


async def _sold_before(serial: str, item: str, today: date, minor: int) -> None:
    """A device that was sold before the demo began; its down payment is history and was never booked here."""
    device = await Device.get(serial=serial)
    plan = await PaymentPlan.get(appliance__name=item).prefetch_related("appliance")
    financed = plan.appliance.price - plan.down
    contract = await Contract.create(
        key=f"demo {serial}",
        appliance=plan.appliance,
        customer_id=device.customer_id,
        agent=await Agent.all().order_by("id").first(),
        device=device,
        terms=plan.terms,
        price=plan.appliance.price,
        down=plan.down,
        period=plan.period,
        day_price=plan.day_price,
        minimum=plan.minimum,
        commission=0,
        sold_on=today,
        created_at=datetime.now(UTC) - SAME_SALE_WINDOW,
    )
    each = amounts(financed, plan.count, minor)
    schedule = zip(due_dates(today, Period(plan.period), plan.count), each, strict=True)
    await Instalment.bulk_create(
        Instalment(contract=contract, appliance=plan.appliance, number=number, due_on=due, amount=amount)
        for number, (due, amount) in enumerate(schedule, start=1)
    )
    lines = [Posting(AccountKind.DEBT, contract.id, financed), Posting(AccountKind.GOODS, 0, -financed)]
    await post(f"contract {contract.id} price", lines, actor="demo")
