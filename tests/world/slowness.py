"""Waits at random, for `--slow`: a test that asks a machine how fast it is falls with them."""

import random
from asyncio import sleep  # the real one: some tests replace it
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiohttp import ClientSession

from bot.inbound import Inbox, Worker
from bot.outbound.broadcasts import Broadcasts
from bot.outbound.outbox import Outbox

SECONDS = (0.005, 0.02, 0.06)  # a commit, a page, a machine that is busy with something else
ONE_IN = 7
# Of a turn of the outbox no wait is made behind it: a scripted gateway answers within the turn that asked it.
SLOW = {
    "caller": ((ClientSession, "_request", True),),
    "loops": (
        *((Inbox, "_store", True), (Inbox, "_insert", True)),
        *((Worker, "_handle_batch", True), (Worker, "_handle_texts", True)),
        *((Outbox, "turn", False), (Broadcasts, "step", True)),
    ),
}


def install(who: str) -> None:
    """From now on the test's own requests over HTTP ("caller") or the server's loops ("loops") are slow at random."""
    for owner, name, behind in SLOW[who]:
        setattr(owner, name, _slowed(getattr(owner, name), behind))


def _slowed(work: Callable[..., Awaitable[Any]], behind: bool) -> Callable[..., Awaitable[Any]]:
    @wraps(work)
    async def slowed(*values: Any, **named: Any) -> Any:
        await _wait()
        result = await work(*values, **named)
        if behind:
            await _wait()
        return result

    return slowed


async def _wait() -> None:
    if not random.randrange(ONE_IN):
        await sleep(random.choice(SECONDS))
