"""What a payment would do: pure, and the same for the question and for the sale.

Nothing is given away by rounding: a payment buys whole units of what the device takes (a day, 0.1 kWh), rounded down,
and what is left of it stays the customer's credit, which counts with the next payment.
"""

from collections.abc import Callable
from dataclasses import dataclass

from models.devices import Device, Tariff, Unit
from models.selling.catalogue import Terms
from models.selling.contracts import Contract
from models.selling.instalments import (
    DAYS,
    Due,
    Part,
    Period,
    after,
    allocate,
    days_for,
    oldest_first,
    price_of_days,
    total_left,
)
from models.selling.payable import Standing
from models.selling.refusals import (
    AmountTooLarge,
    AmountTooSmall,
    ClockInDoubt,
    MoreThanOwed,
    NoCoins,
    NoPlan,
    NoTokensLeft,
    NotSold,
    NotWhole,
    PaidOff,
    Retired,
    SalesOff,
    TooManyTokens,
)
from models.tokens import ISSUERS


@dataclass(frozen=True)
class Quote:
    """What a payment does. Money is in minor units."""

    standing: Standing
    amount: int  # what is paid now; the customer's credit counts with it
    unit: Unit | None = None  # None: nothing for a device
    units: int = 0  # whole days, or tenths of a kilowatt-hour
    bought: int = 0  # what the units cost; on instalments the parts pay for them
    parts: tuple[Part, ...] = ()  # what goes to instalments
    access: int = 0  # what goes to the access rate
    owed: int = 0  # what is left on the contract afterwards
    rest: tuple[Due, ...] = ()  # in these instalments, the oldest first
    unmet: NotSold | None = None  # why money that is there already buys nothing

    @property
    def unlocks(self) -> bool:
        return self.unit is Unit.UNLOCK

    @property
    def to_parts(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def recovered(self) -> int:
        """What a meter's payment gives to overdue goods."""
        return 0 if self.standing.contract else self.to_parts

    @property
    def credit(self) -> int:
        """The customer's credit afterwards."""
        return self.standing.credit + self.amount - self.bought - self.access - self.to_parts

    @property
    def price(self) -> tuple[str, int, int]:
        """What the units cost on this day: the tariff, or the contract, by name; the price of a day or of a kWh; and
        taxes and levies on top of it."""
        at = self.standing
        if at.contract is None:
            plan = at.device.tariff if at.device else None
            return (plan.name, plan.price, plan.components) if plan else ("", 0, 0)
        if at.contract.terms == Terms.SERVICE:
            return at.contract.number, at.contract.day_price, 0
        of_days = at.device is not None and len(self.parts) > 0
        day = self.parts[0].due.amount // DAYS[Period(at.contract.period)] if of_days else 0
        return at.contract.number, day, 0

    @property
    def has_token(self) -> bool:
        return self.unlocks or self.units > 0

    @property
    def effect(self) -> tuple[object, ...]:
        """Whose money it is and what is promised for it: a sale must keep to it. What is left on the contract is not of
        it: somebody else may pay as well in between, and every payment counts."""
        at = self.standing
        return at.customer.id, self.unit, self.units, self.recovered, self.access, at.credit, self.credit


@dataclass(frozen=True)
class _Agreed:
    """The price of a day on a service, as a tariff says one: nothing comes on top of it, and goods get no share."""

    full_price: int
    minimum: int
    unit: Unit = Unit.DAYS
    recovery: int = 0


_Plan = Tariff | _Agreed


@dataclass(frozen=True)
class _Way:
    """How payments are turned into something here. Amounts are in minor units."""

    least: int  # that is paid in cash, in whole coins
    missing: Callable[[int], int]  # (amount): what is too little of money that is there already; 0: it is enough
    most: int
    spend: Callable[[int], Quote]  # (amount): what it does; where it is too much the rest is credit
    too_much: Callable[[int], NotSold | None]  # (amount): why no agent takes it


def quote(at: Standing, amount: int) -> Quote:
    """What this amount of cash does now. Raises NotSold's kinds, each before any money is taken."""
    _check_possible(at)
    way = _way(at)
    if amount % at.coin:
        less = amount // at.coin * at.coin
        raise NoCoins(less if less >= way.least else 0, max(less + at.coin, way.least))
    if amount < way.least:
        raise AmountTooSmall(way.least)
    if refusal := way.too_much(amount):
        raise refusal
    offer = way.spend(amount)
    if at.whole_only:
        _check_whole(at, way, offer)
    if at.room:
        at.room.check(amount)
    return offer


def quote_all(at: Standing, funds: int) -> Quote:
    """What money does that is there already; never raises. What buys nothing stays as credit, and where nothing can be
    sold at all the quote is of no amount; `unmet` says why."""
    try:
        _check_possible(at)
        way = _way(at)
    except NotSold as refusal:
        return Quote(at, 0, unmet=refusal)
    if missing := way.missing(funds):
        unmet = AmountTooSmall(funds + missing)
        return Quote(at, funds, owed=total_left(at.owed) if at.contract else 0, unmet=unmet)
    return way.spend(funds)


def nearest(at: Standing, amount: int) -> int:
    """The cash next to this amount, rather more than less, that is taken now. Raises NotSold's kinds where none is."""
    _check_possible(at)
    way = _way(at)
    near = min(max(_whole_coins(amount, at.coin), way.least), way.most)
    try:
        quote(at, near)
    except AmountTooLarge as refusal:
        return refusal.most
    except NotWhole as refusal:
        if refusal.less and refusal.less + at.credit >= amount:
            return refusal.less
        return refusal.more or refusal.less or near
    return near


def _check_possible(at: Standing) -> None:
    """What stands in the way of any amount. Raises SalesOff, Retired, ClockInDoubt, NoTokensLeft and
    TooManyTokens."""
    if at.sales_off:
        raise SalesOff(at.paid_for.name)
    if at.device and at.device.retired_at:
        raise Retired(at.paid_for.name)
    if at.doubt:
        raise ClockInDoubt(at.doubt)
    if at.obstacle and at.obstacle.minutes is None:
        raise NoTokensLeft(at.paid_for.name)
    if at.obstacle and at.obstacle.minutes:
        raise TooManyTokens(at.obstacle.minutes)


def _check_whole(at: Standing, way: _Way, offer: Quote) -> None:
    """Raises NotWhole where a coin or more would be left. What is less than a coin nobody could pay."""
    if offer.credit < at.coin or not offer.units:
        return
    coins = offer.amount // at.coin
    fewest = _first(way.least // at.coin, coins, lambda n: way.spend(n * at.coin).units >= offer.units) * at.coin
    less = fewest if way.spend(fewest).credit < at.coin else None
    most, more = way.most // at.coin, None
    if most > coins and _more(way.spend(most * at.coin), offer):
        more = _first(coins + 1, most, lambda n: _more(way.spend(n * at.coin), offer)) * at.coin
    if less or more:
        raise NotWhole(less, more)


def _more(offer: Quote, than: Quote) -> bool:
    return offer.unlocks or offer.units > than.units


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number of a span from which on it holds, as it does at its end."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _way(at: Standing) -> _Way:
    """Raises NoPlan and PaidOff."""
    if at.contract is None:
        return _at_tariff(at)
    if at.contract.terms == Terms.SERVICE:
        return _service(at, at.contract)
    return _instalments(at, at.contract)


# On a contract


def _instalments(at: Standing, contract: Contract) -> _Way:
    """The oldest first; a device runs for the whole days that this pays, the last payment unlocks it for good."""
    left = total_left(at.owed)
    if left == 0:
        raise PaidOff(contract.number)
    all_of_it = _whole_coins(left - at.credit, at.coin)
    wanted = max(_whole_coins(contract.minimum, at.coin), _day_on(at, contract))  # coins may be larger than then
    least = max(min(wanted - at.credit // at.coin * at.coin, all_of_it), at.coin)

    def missing(amount: int) -> int:
        return max(min(wanted, left) - at.credit - amount, 0)

    def too_much(amount: int) -> NotSold | None:
        if amount > all_of_it:
            return MoreThanOwed(all_of_it)
        return _too_many_days(at, contract, amount, least) if at.device and amount < all_of_it else None

    return _Way(least, missing, all_of_it, lambda amount: _pay_instalments(at, contract, amount), too_much)


def _day_on(at: Standing, contract: Contract) -> int:
    """What a day costs on a plan by instalments, in whole coins. Goods have no days."""
    if at.device is None:
        return at.coin
    return unit_price(oldest_first(at.owed)[0].amount, DAYS[Period(contract.period)], at.coin)


def unit_price(price: int, units: int, coin: int) -> int:
    """The least that buys one of so many units, in whole coins."""
    return _whole_coins(-(-price // units), coin)


def _whole_coins(amount: int, coin: int) -> int:
    """Rounded up, and one coin at least."""
    return max(-(-amount // coin), 1) * coin


def _too_many_days(at: Standing, contract: Contract, amount: int, least: int) -> NotSold | None:
    """What does not pay all that is left has to be days that one token carries, and the rest of the `least` is credit
    where it pays for more."""
    issuer, instalment = ISSUERS[at.device.issuer] if at.device else None, oldest_first(at.owed)[0].amount
    days = at.most or (issuer.most_units if issuer else 0)
    cost = _whole_coins(price_of_days(days, instalment, Period(contract.period)), at.coin)
    most = max(cost - at.credit // at.coin * at.coin, least)
    return AmountTooLarge(most, days, Unit.DAYS) if amount > most else None


def _pay_instalments(at: Standing, contract: Contract, amount: int) -> Quote:
    left, funds = total_left(at.owed), at.credit + amount
    unit, units, cost = _runs(at, contract, funds)
    parts = tuple(allocate(cost, at.owed))
    rest = tuple(after(parts, at.owed))
    return Quote(at, amount, unit, units, parts=parts, owed=left - cost, rest=rest)


def _runs(at: Standing, contract: Contract, funds: int) -> tuple[Unit | None, int, int]:
    """What the device gets, days or the unlock token of the last payment, and what of the funds goes to the debt: no
    part of a coin, which would leave a debt that nobody can pay in cash. Goods get nothing."""
    left = total_left(at.owed)
    paid = left if funds >= left else funds // at.coin * at.coin
    if at.device is None:
        return None, 0, paid
    issuer, period, instalment = ISSUERS[at.device.issuer], Period(contract.period), oldest_first(at.owed)[0].amount
    if paid == left and issuer.unlock:
        return Unit.UNLOCK, 0, left
    days = min(days_for(paid, instalment, period), at.most or issuer.most_units)
    cost = min(_whole_coins(price_of_days(days, instalment, period), at.coin), paid)
    return Unit.DAYS, days, left if paid == left else cost


def _service(at: Standing, contract: Contract) -> _Way:
    """Days at the agreed price, for ever: nothing is owed and nothing unlocks. Whose device went back pays no more."""
    if at.device is None:
        raise PaidOff(contract.number) if contract.ending else NoPlan(contract.number)
    return _sold_at(at, at.device, _Agreed(contract.day_price, contract.minimum), overdue=0, due=0)


# At a tariff


def _at_tariff(at: Standing) -> _Way:
    """Overdue goods take their share of the payment, then the access rate, and the rest buys energy or days."""
    plan = at.device.tariff if at.device else None
    if at.device is None or plan is None:
        raise NoPlan(at.device.serial if at.device else "")
    return _sold_at(at, at.device, plan, overdue=total_left(at.owed), due=at.access.due)


def _sold_at(at: Standing, device: Device, plan: _Plan, *, overdue: int, due: int) -> _Way:
    unit, issuer = Unit(plan.unit), ISSUERS[device.issuer]
    units = at.most or issuer.most_units
    least = smallest(plan, overdue, due, at.coin, at.credit)
    most = max(largest(plan, overdue, due, _whole_coins(_cost(units, plan), at.coin), at.coin, at.credit), least)

    def missing(amount: int) -> int:
        """What is paid in coins gives no part of a coin to goods, so that less of it can be enough."""
        in_coins = amount % at.coin == 0 and amount >= least
        if in_coins or amount >= smallest(plan, overdue, due, credit=at.credit):
            return 0
        return min(smallest(plan, overdue, due, coin, at.credit + amount) for coin in (at.coin, 1))

    def spend(amount: int) -> Quote:
        recovered, access, rest = shares(plan, overdue, due, amount, at.coin, at.credit)
        count = issuer.carried(min(rest * _steps(plan) // plan.full_price, units))
        parts = tuple(allocate(recovered, at.owed))
        return Quote(at, amount, unit, count, _cost(count, plan), parts=parts, access=access)

    def too_much(amount: int) -> NotSold | None:
        return AmountTooLarge(most, units, unit) if amount > most else None

    return _Way(least, missing, most, spend, too_much)


def _steps(plan: _Plan) -> int:
    """Units in what the price is of."""
    return 10 if plan.unit == Unit.ENERGY else 1


def _cost(units: int, plan: _Plan) -> int:
    """What so many units cost; a part of a minor unit is a whole one."""
    return -(-units * plan.full_price // _steps(plan))


def shares(
    plan: _Plan, overdue: int, access_due: int, amount: int, coin: int = 1, credit: int = 0
) -> tuple[int, int, int]:
    """How a meter's payment is shared out: to overdue goods (at most the plan's percentage of it, and no part of a
    coin, which would leave a debt that nobody can pay in cash), to the access rate, and the rest, with the customer's
    credit, for energy (reference: users 3.5, mpm 7.1)."""
    recovered = min(overdue, amount * int(plan.recovery) // 100 // coin * coin)
    access = min(access_due, amount - recovered + credit)
    return recovered, access, amount - recovered - access + credit


def smallest(plan: _Plan, overdue: int, access_due: int, coin: int = 1, credit: int = 0) -> int:
    """The smallest payment, in whole coins, of which the plan's minimum, or a unit's price (a day, 0.1 kWh) where that
    is more, is left for energy. 200 at least, 50 overdue and 30 of access rate make 280 when all of a payment may be
    recovered."""
    wanted = max(int(plan.minimum), -(-plan.full_price // _steps(plan))) + access_due - credit
    if wanted <= 0:  # the credit alone is enough
        return coin
    wanted = -(-wanted // coin)  # from here on in coins
    all_overdue = wanted - (-overdue // coin)
    if plan.recovery == 100:
        return all_overdue * coin
    # amount - floor(amount * share / 100) >= wanted, solved for the amount
    share_of_it = 100 * (wanted - 1) // (100 - int(plan.recovery)) + 1
    return min(all_overdue, share_of_it) * coin


def largest(plan: _Plan, overdue: int, access_due: int, rest: int, coin: int = 1, credit: int = 0) -> int:
    """The largest payment, in whole coins, of which no more than `rest` is left for energy: a smaller one gives less to
    the debts as well."""
    wanted = max(rest + access_due - credit, 0)
    all_overdue = (wanted + overdue) // coin
    if plan.recovery == 100:
        return all_overdue * coin
    # amount - floor(amount * share / 100) <= wanted, solved for the amount
    share_of_it = 100 * (wanted // coin) // (100 - int(plan.recovery))
    return min(all_overdue, share_of_it) * coin
