"""Waiting for an event that may never come."""

import asyncio


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, or sets it after so long."""
    timer = asyncio.get_running_loop().call_later(seconds, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()
