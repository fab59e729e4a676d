"""What a payment would do: pure, and the same for the question and for the sale."""

from dataclasses import dataclass

from models.devices import Device, Tariff, Unit
from models.money.catalogue import Terms
from models.money.contracts import Contract
from models.money.instalments import DAYS, Due, Part, Period, after, allocate, days_for, oldest_first, total_left
from models.money.payable import Standing
from models.money.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    ClockInDoubt,
    MoreThanOwed,
    NoPlan,
    NoTokensLeft,
    PaidOff,
    TooManyTokens,
)
from models.tokens import ISSUERS


@dataclass(frozen=True)
class Quote:
    """What a payment does. Money is in minor units."""

    standing: Standing
    amount: int
    unit: Unit | None = None  # None: nothing for a device
    units: int = 0  # whole days, or tenths of a kilowatt-hour: what is left of the amount buys them
    parts: tuple[Part, ...] = ()  # what goes to instalments
    access: int = 0  # what goes to the access rate
    owed: int = 0  # what is left on the contract afterwards
    rest: tuple[Due, ...] = ()  # in these instalments, the oldest first

    @property
    def unlocks(self) -> bool:
        return self.unit is Unit.UNLOCK

    @property
    def recovered(self) -> int:
        """What a meter's payment gives to overdue goods."""
        return 0 if self.standing.contract else sum(part.amount for part in self.parts)

    @property
    def effect(self) -> tuple[object, ...]:
        """Whose money it is and what is promised for it: a sale must keep to it. What is left on the contract is not of
        it: somebody else may pay as well in between, and every payment counts."""
        return self.standing.customer.id, self.unit, self.units, self.recovered, self.access


def quote(at: Standing, amount: int) -> Quote:
    """What this amount does now. Raises NotSold's kinds, each before any money is taken."""
    _check_possible(at)
    if at.contract is None:
        offer = _top_up(at, amount)
    elif at.contract.terms == Terms.SERVICE:
        offer = _service(at, at.contract, amount)
    else:
        offer = _instalments(at, at.contract, amount)
    if at.room:
        at.room.check(amount)
    return offer


def _check_possible(at: Standing) -> None:
    """What stands in the way of any amount. Raises ClockInDoubt, NoTokensLeft and TooManyTokens."""
    if at.doubt:
        raise ClockInDoubt(at.doubt)
    if at.obstacle and at.obstacle.minutes is None:
        raise NoTokensLeft(at.paid_for.name)
    if at.obstacle and at.obstacle.minutes:
        raise TooManyTokens(at.obstacle.minutes)


def _instalments(at: Standing, contract: Contract, amount: int) -> Quote:
    """The oldest first; a device runs for the days that this pays, the last payment unlocks it for good."""
    left = total_left(at.owed)
    if left == 0:
        raise PaidOff(contract.number)
    if amount > left:
        raise MoreThanOwed(left)
    if amount < (least := min(max(contract.minimum, _day_on(at, contract)), left)):
        raise AmountTooSmall(least)
    parts = tuple(allocate(amount, at.owed))
    rest = tuple(after(parts, at.owed))
    unit, units = _runs(at, contract, parts[0].due.amount, amount, unlocked=not rest)
    return Quote(at, amount, unit, units, parts=parts, owed=left - amount, rest=rest)


def _day_on(at: Standing, contract: Contract) -> int:
    """What a day costs on a plan by instalments, as `days_for` counts them. Goods have no days."""
    if at.device is None:
        return 1
    return unit_price(oldest_first(at.owed)[0].amount, DAYS[Period(contract.period)], at.coin)


def unit_price(price: int, units: int, coin: int) -> int:
    """The price of one of so many units, in whole coins: no less is paid, for a unit begun counts whole. Rounded down:
    a coin more would buy two."""
    return max(price // units // coin, 1) * coin


def _runs(at: Standing, contract: Contract, instalment: int, amount: int, *, unlocked: bool) -> tuple[Unit | None, int]:
    """What the device gets: days, or the unlock token of the last payment. Goods get nothing."""
    if at.device is None:
        return None, 0
    issuer, period = ISSUERS[at.device.issuer], Period(contract.period)
    if unlocked and issuer.unlock:
        return Unit.UNLOCK, 0
    days, most = days_for(amount, instalment, period), at.most or issuer.most_units
    if days > most:
        raise AmountTooLarge(most * instalment // DAYS[period], most, Unit.DAYS)
    return Unit.DAYS, days


def _service(at: Standing, contract: Contract, amount: int) -> Quote:
    """Days at the agreed price, for ever: nothing is owed and nothing unlocks."""
    if at.device is None:
        raise NoPlan(contract.number)
    if amount < (least := max(int(contract.minimum), unit_price(contract.day_price, 1, at.coin))):
        raise AmountTooSmall(least)
    return Quote(at, amount, Unit.DAYS, _units(at, at.device, Unit.DAYS, contract.day_price, amount))


def _top_up(at: Standing, amount: int) -> Quote:
    """Overdue goods take their share of the payment, then the access rate, and the rest buys energy or days."""
    device, plan = at.device, at.device.tariff if at.device else None
    if device is None or plan is None:
        raise NoPlan(device.serial if device else "")
    overdue = total_left(at.owed)
    if amount < (least := smallest(plan, overdue, at.access.due, at.coin)):
        raise AmountTooSmall(least)
    recovered, access, rest = shares(plan, overdue, at.access.due, amount, at.coin)
    try:
        units = _units(at, device, Unit(plan.unit), plan.full_price, rest)
    except AmountTooLarge as refusal:
        most = largest(plan, overdue, at.access.due, refusal.most, at.coin)
        raise AmountTooLarge(most, refusal.most_units, refusal.unit) from refusal
    return Quote(at, amount, Unit(plan.unit), units, parts=tuple(allocate(recovered, at.owed)), access=access)


def _units(at: Standing, device: Device, unit: Unit, price: int, rest: int) -> int:
    """What `rest` buys at `price` a day or a kWh; the last unit begun counts whole (design 8, mpm 2.6)."""
    steps, issuer = 10 if unit is Unit.ENERGY else 1, ISSUERS[device.issuer]
    units = -(-rest * steps // price)
    if units > (most := at.most or issuer.most_units):
        raise AmountTooLarge(most * price // steps, most, unit)
    return issuer.carried(units)


def shares(plan: Tariff, overdue: int, access_due: int, amount: int, coin: int = 1) -> tuple[int, int, int]:
    """How a meter's payment is shared out: to overdue goods (at most the plan's percentage of it, and no part of a
    coin, which would leave a debt that nobody can pay in cash), to the access rate, and the rest for energy
    (reference: users 3.5, mpm 7.1)."""
    recovered = min(overdue, amount * int(plan.recovery) // 100 // coin * coin)
    access = min(access_due, amount - recovered)
    return recovered, access, amount - recovered - access


def smallest(plan: Tariff, overdue: int, access_due: int, coin: int = 1) -> int:
    """The smallest payment, in whole coins, of which the plan's minimum, or a unit's price (a day, 0.1 kWh) where that
    is more, is left for energy. 200 at least, 50 overdue and 30 of access rate make 280 when all of a payment may be
    recovered."""
    unit = unit_price(plan.full_price, 10 if plan.unit == Unit.ENERGY else 1, coin)
    wanted = -(-(max(int(plan.minimum), unit) + access_due) // coin)  # from here on in coins
    all_overdue = wanted - (-overdue // coin)
    if plan.recovery == 100:
        return all_overdue * coin
    # amount - floor(amount * share / 100) >= wanted, solved for the amount
    share_of_it = 100 * (wanted - 1) // (100 - int(plan.recovery)) + 1
    return min(all_overdue, share_of_it) * coin


def largest(plan: Tariff, overdue: int, access_due: int, rest: int, coin: int = 1) -> int:
    """The largest payment, in whole coins, of which no more than `rest` is left for energy: a smaller one gives less to
    the debts as well."""
    wanted = rest + access_due
    all_overdue = (wanted + overdue) // coin
    if plan.recovery == 100:
        return all_overdue * coin
    # amount - floor(amount * share / 100) <= wanted, solved for the amount
    share_of_it = 100 * (wanted // coin) // (100 - int(plan.recovery))
    return min(all_overdue, share_of_it) * coin
