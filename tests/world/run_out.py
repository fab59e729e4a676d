"""The end of a request that nobody answers, without the wait for it."""

import asyncio

import aiohttp


def run_out(limit: aiohttp.ClientTimeout) -> None:
    """What such a request may take is over now for all that are under way: the clock of the test's loop goes on by it.
    A limit that is short instead would end some of them on a busy machine before anybody had them."""
    assert limit.total
    loop = asyncio.get_running_loop()
    before, passed = loop.time, limit.total + 1  # aiohttp counts to a full second
    loop.time = lambda: before() + passed
