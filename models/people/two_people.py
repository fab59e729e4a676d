"""Who of the office does what, and what one proposes and another one agrees to."""

from models.people.office_users import MOVE_MONEY, find_user
from models.people.tables import OfficeRole, OfficeUser

HELPERS = frozenset({OfficeRole.OWNER, OfficeRole.SUPPORT})  # who help callers
CASH = MOVE_MONEY


class NotOfTheOffice(Exception):
    """Nobody signs in with this name."""


class SamePerson(Exception):
    """Who proposed it cannot agree to it as well."""


class OtherAmount(Exception):
    """Who agrees has seen another amount than the one that is proposed now: `amount`, in minor units."""

    def __init__(self, amount: int) -> None:
        super().__init__(amount)
        self.amount = amount


async def office_user(name: str) -> OfficeUser:
    """Who of the office goes by this name. Raises NotOfTheOffice."""
    user = await find_user(name)
    if user is None:
        raise NotOfTheOffice(name)
    return user


def check_second(second: str, first: str) -> None:
    """Raises SamePerson when the one who agrees is the one who proposed."""
    if second == first:
        raise SamePerson(first)


def check_seen(seen: int | None, proposed: int) -> None:
    """Raises OtherAmount when the amount (minor units) is not the one that was seen; None: it was not looked at."""
    if seen not in (None, proposed):
        raise OtherAmount(proposed)
