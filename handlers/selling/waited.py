"""Payments that waited for something that passes by itself: when sales are on again, or the clock is right, they are
applied, and the customers get their codes."""

from collections.abc import Awaitable, Callable

from bot.company import Company
from bot.message import Copy
from handlers.selling.received import apply_again
from models.clock import CLOCK
from models.money.waiting import next_passing
from models.settings import are_sales_off


class ApplyWaiting:
    """A chore. In each unit of work it looks at one payment, for it holds that payment, its customer and its device:
    two servers that held several each could wait for one another. What waits on keeps none behind it from its turn."""

    def __init__(self, company: Company, tell: Callable[[str, list[Copy]], Awaitable[None]]) -> None:
        self._company, self._tell = company, tell
        self._after = 0  # the row of suspense that was looked at last

    async def __call__(self, _most: int) -> int:
        """Look at the next one. Returns how many that is: none when all were looked at, or nothing can be sold."""
        if await are_sales_off() or await CLOCK.doubt():
            return 0
        found = await next_passing(self._after)
        self._after, payment = found or (0, None)
        if payment is None:
            return 0
        for origin, copies in await apply_again(payment, self._company):
            await self._tell(origin, copies)
        return 1
