"""Why a payment or a sale is not taken, as types that carry their figures."""

from models.devices import Unit
from models.selling.contracts import Contract
from models.selling.sales import Sale


class NotSold(Exception):
    """Nothing was sold and no money is booked."""


class OtherRequest(Exception):
    """The key names a sale to somebody else, of something else or for another amount: whoever asks mixes two up."""


class AmountTooSmall(NotSold):
    def __init__(self, minimum: int) -> None:
        super().__init__(minimum)
        self.minimum = minimum


class AmountTooLarge(NotSold):
    """More than one token can carry. `most` is the largest amount that is accepted, in minor units; it buys
    `most_units`."""

    def __init__(self, most: int, most_units: int, unit: Unit) -> None:
        super().__init__(most)
        self.most, self.most_units, self.unit = most, most_units, unit


class NotWhole(NotSold):
    """The amount would leave a rest that buys nothing, and the office wants none. `less` and `more` leave none; None
    where there is no such amount. In minor units."""

    def __init__(self, less: int | None, more: int | None) -> None:
        super().__init__(less, more)
        self.less, self.more = less, more


class NoCoins(NotSold):
    """Nobody can pay this amount in cash. `less` (0: there is none) and `more` are next to it, in minor units."""

    def __init__(self, less: int, more: int) -> None:
        super().__init__(less, more)
        self.less, self.more = less, more


class MoreThanOwed(NotSold):
    """More than is left to pay."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left


class BeingPaid(NotSold):
    """Phones are asked to pay `pending` of what is owed, and nobody knows yet whether they do: only `left` can still be
    asked for. In minor units."""

    def __init__(self, pending: int, left: int) -> None:
        super().__init__(pending, left)
        self.pending, self.left = pending, left


class PaidOff(NotSold):
    """Nothing is left to pay: the appliance belongs to its owner."""


class NoPlan(NotSold):
    """The device has no owner or no price."""


class Retired(NotSold):
    """The device is out of use."""


class OverLimit(NotSold):
    def __init__(self, held: int, limit: int) -> None:
        super().__init__(held, limit)
        self.held, self.limit = held, limit


class WalletTooSmall(NotSold):
    """The agent pays before selling, and less is in the wallet: `there`, in minor units."""

    def __init__(self, there: int) -> None:
        super().__init__(there)
        self.there = there


class SoldToday(NotSold):
    """The same agent sold the same amount for the same device within 24 hours."""

    def __init__(self, earlier: Sale) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


class PriceChanged(NotSold):
    """The price, the plan, the debts or the owner changed between question and answer."""


class TooManyTokens(NotSold):
    """The device takes no more tokens for so many minutes."""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.minutes = minutes


class NoTokensLeft(NotSold):
    """The device can have no more tokens with the key that it has."""


class ClockInDoubt(NotSold):
    """The server's clock seems to be wrong (models/clock.py)."""


class SalesOff(NotSold):
    """The office has switched sales off (models/settings.py)."""


class Taken(NotSold):
    """The device of the stock went to somebody else between question and answer."""


class NotOffered(NotSold):
    """The office does not allow this plan for this appliance, or the device is not of its kind."""


class SameAppliance(NotSold):
    """The same agent sold the same appliance to the same customer within 24 hours."""

    def __init__(self, earlier: Contract) -> None:
        super().__init__(earlier.number)
        self.earlier = earlier
