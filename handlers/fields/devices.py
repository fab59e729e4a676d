"""Questions for a device, and for what a payment is for."""

import re
from collections.abc import Sequence
from typing import Any

from bot.talks import Chat, Turn, courtesies
from bot.text import Text, _, verbatim
from bot.text.grammar import split
from handlers.fields.naming import Named, belongings, payable_of, reachable_device
from handlers.fields.serials import tidy_serial
from models.devices import TAIL, Device, devices_of
from models.devices.tables import find_all_for_agent
from models.people import Caller
from models.selling import Payable

MOST_BEFORE = 12  # pieces of a line that may stand before a serial
# What looks like a serial in running text: letters with digits behind them (but no TZS5000), or the
# digits of a meter number.
LIKE_SERIAL = re.compile(r"(?!(?:[A-Z]{1,2}SHS?|[A-Z]{3}|N)\d+00$)[A-Z]+[-_/]?\d{3,}[A-Z0-9]*|\d{11}")


class DeviceSerial(Named[Device]):
    """A device: by its serial, or by whoever has it."""

    name = "device"

    async def fitting(self, turn: Turn, found: list[str]) -> list[str]:
        return [one for key in found for one in await belongings(turn, key, goods=False)]

    async def resolve(self, turn: Turn, key: str) -> Device | None:
        return await reachable_device(turn, key)


class DeviceToFix(DeviceSerial):
    """A device with words about it behind its name: FIX Baraka no light."""

    whole_names = True
    courteous = False


class PaidFor(Named[Payable]):
    """What a payment is for: a device, or a sale on instalments by its number, S1042 or 1042. A sale of a device is
    paid by that device."""

    name = "payable"
    paying = True

    async def fitting(self, turn: Turn, found: list[str]) -> list[str]:
        return [one for key in found for one in await belongings(turn, key, goods=True)]

    async def resolve(self, turn: Turn, key: str) -> Payable | None:
        return await payable_of(turn, key)


async def put_device_first(chat: Chat) -> None:
    """Put the serial of a line before the words about it: FIX no power at SHS0283."""
    pieces = chat.pieces
    if not pieces or any(map(str.isdecimal, pieces[0])):
        return
    for place, piece in enumerate(pieces[:MOST_BEFORE]):
        serial = tidy_serial(piece)
        if len(serial) < TAIL or not any(map(str.isdecimal, serial)):
            continue
        if await find_all_for_agent(serial, chat.agent.mini_grid_id, 1):
            before = [] if all(map(courtesies.says_nothing, pieces[:place])) else pieces[:place]
            chat.put_pieces([piece, *before, *pieces[place + 1 :]])
            return


async def choose_own_device(chat: Chat) -> Device | None:
    """One of the devices of the customers behind the caller's number: the only one, or the one that the caller chooses.
    None where there is none."""
    devices = await devices_of(chat.person.customers)
    if not devices:
        return None
    if len(devices) == 1 and len(chat.person.customers) == 1 and not chat.answers("device"):
        return devices[0]
    options = [(d.serial, device_line(d, chat)) for d in devices]
    spellings = {d.serial: {re.sub("[/_]", " ", d.serial), *tails(d, devices)} for d in devices}
    serial = await chat.choose("device", _("Which one?"), options, words=spellings)
    return next(device for device in devices if device.serial == serial)


async def only_own_serial(chat: Chat) -> str:
    """The serial of the caller's device; empty where there is none, or several."""
    devices = await devices_of(chat.person.customers)
    return devices[0].serial if len(devices) == 1 else ""


def device_line(device: Device, chat: Chat) -> Text:
    """The serial, and whose it is where a number is shared."""
    owner = f" {device.customer.masked}" if len(chat.person.customers) > 1 and device.customer else ""
    return verbatim(f"{device.serial}{owner}"[:30])


def tails(device: Device, devices: Sequence[Device]) -> set[str]:
    """The ends of a serial by which one of these devices goes, and no other one."""
    ends = {device.serial[at:] for at in range(1, len(device.serial) - TAIL + 1)}
    return {end for end in ends if not any(one.serial.endswith(end) for one in devices if one.id != device.id)}


async def named_own_device(caller: Caller, text: str, _before: Sequence[Sequence[Any]]) -> list[str] | None:
    """For talks about one of the caller's devices that are begun by a text without a keyword: the device that it names
    by its serial or its end, nothing when it names none. None for somebody else's, and for a number alone that is no
    serial."""
    pieces, devices = [tidy_serial(piece) for piece in split(text)], await devices_of(caller.customers)
    whole = "".join(pieces)
    for device in devices:
        if device.serial in whole or tails(device, devices) & {*pieces}:
            return [device.serial]
    if any(map(LIKE_SERIAL.fullmatch, pieces)) or (len(pieces) == 1 and any(map(str.isdigit, whole))):
        return None
    return []


async def no_other_device(caller: Caller, text: str, before: Sequence[Sequence[Any]]) -> list[str] | None:
    """The same for talks that are not asked about a device: None for somebody else's."""
    return None if await named_own_device(caller, text, before) is None else []
