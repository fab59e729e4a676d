"""A phone in the terminal, for `mwanga chat`: each line that comes in is a text or an answer to a screen.

A server may work on the same database and handle a message first, so what became of it is read from the tables.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from bot.payments.simulated import Does
from bot.server import Server
from bot.simulator.handset import Call, Handset, Ring
from models.people import find_callers

ANSWERS = {"1": Does.PAY, "2": Does.CANCEL}
WAIT_S = 30.0  # for a message to be handled; a busy server needs far less


async def text(server: Server, number: str) -> None:
    """Send each line of standard input as an SMS and print what comes, until the input ends."""
    _say(f"You are {await _who(number)}. Each line is a text; Enter alone looks for news. Ctrl-D leaves.")
    handset = Handset(server, number)
    last, rings = await handset.newest(), None
    async for line in _lines():
        sent = None
        if rings and line.strip() in ANSWERS:
            await handset.answer_ring(rings.reference, ANSWERS[line.strip()])
        elif line.strip():
            sent = await _sent(handset, line)
        last, answered = await _print_news(handset, last)
        if sent and f"sms {sent}" not in answered:
            _say("(no reply)")
        rings = await _print_ring(handset)


async def _sent(handset: Handset, line: str) -> int | None:
    """Send a text and wait until it was handled; its row's id."""
    handled = await handset.wait_until_handled(await handset.text(line), WAIT_S)
    if handled is None:
        _say("(not handled yet)")
    return handled


async def dial(server: Server, number: str) -> None:
    """Dial, print each screen, answer it with a line of standard input; dial again until the input ends."""
    code = server.config.ussd_code
    _say(f"You are {await _who(number)}, dialling {code}. Answer each screen with a line. Ctrl-D leaves.")
    handset = Handset(server, number)
    last = await handset.newest()
    call = await handset.dial(code)
    _show(call)
    rings = None
    async for line in _lines():
        if rings and line.strip() in ANSWERS:
            await handset.answer_ring(rings.reference, ANSWERS[line.strip()])
            last, _answered = await _print_news(handset, last)
            rings = None
            continue
        if call.open:
            await handset.answer(call, line)
        else:
            call = await handset.dial(line if line.strip() else code)
        _show(call)
        last, _answered = await _print_news(handset, last)
        rings = await _print_ring(handset)
    await handset.hang_up(call)


def _show(call: Call) -> None:
    _say(call.screen if call.open else f"{call.screen}\n(The session is over. Enter dials again, Ctrl-D leaves.)")


async def _print_news(handset: Handset, last: int) -> tuple[int, set[str]]:
    """Print the SMS that came after that one; returns the id of the newest, and what they answer."""
    news = await handset.after(last)
    for message in news:
        _say("< " + message.text.replace("\n", "\n  "))  # further lines of a message are indented
    return news[-1].id if news else last, {message.origin for message in news}


async def _print_ring(handset: Handset) -> Ring | None:
    """Print what this phone is asked to pay, if it rings."""
    if rings := await handset.ring():
        _say(f"[{rings.wallet}] {rings.question} Type 1 to pay, 2 to refuse.")
    return rings


async def _who(number: str) -> str:
    caller = (await find_callers([number]))[number]
    if caller.agent:
        return f"{caller.agent.name}, agent, {number}"
    names = " and ".join(f"{customer.name} {customer.surname}" for customer in caller.customers[:3])
    return f"{names}, customer, {number}" if names else f"{number}, unknown here"


def _say(line: str) -> None:
    print(line, flush=True)


async def _lines() -> AsyncIterator[str]:
    """The lines of standard input as they come. The loop never waits for one, and Ctrl-C ends it at once, which
    a thread that reads would not allow; and the terminal stays as blocking as the shell left it."""
    rest = b""
    while chunk := await _chunk(sys.stdin.fileno()):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def _chunk(source: int) -> bytes:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(source, ready.set)
    except PermissionError:  # epoll takes no plain file, which never keeps anybody waiting
        ready.set()
    try:
        await ready.wait()
    finally:
        loop.remove_reader(source)
    return os.read(source, 64 * 1024)
