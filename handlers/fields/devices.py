"""Asks for a device by its serial, or by its tail."""

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import product, takewhile
from typing import Any

from bot.talks.chat import Chat
from bot.talks.fields import Field, Invalid, echo
from bot.talks.state import Changed
from bot.text.grammar import normalise
from bot.text.i18n import Text, _, verbatim
from models.devices.tables import LONGEST, Device, DeviceNotFound, find_for_agent, in_reach, known_serial, of_customers
from models.money.catalogue import Contract, numbered
from models.tokens.sts import is_meter_number

NUMBER = re.compile(r"(?:S-?)?\d{1,9}")  # of a sale on instalments; people leave out what we print before it
MOST = 20  # characters of a serial that a sentence shows
MARKS = "/_"  # of a serial at which a line is parted too
MOST_PARTS = 4  # between them


def typed(answer: str) -> str:
    """A serial or number as it is looked for: capitals, no spaces, no # before it. A meter number goes without the
    dashes that it is read aloud with; its check digit tells it from a serial that has some."""
    serial = "".join(normalise(answer).upper().split()).removeprefix("#")
    digits = serial.replace("-", "")
    return digits if is_meter_number(digits) else serial


async def as_it_stands(answer: str, mini_grid_id: int | None = None) -> str:
    """The serial that is meant, with the / and _ at which its line was parted, if there is such a device."""
    return await known_serial(_spellings(answer.split()), mini_grid_id) or typed(answer)


async def together(field: Field[Any], chat: Chat, pieces: Sequence[str], mini_grid_id: int | None = None) -> int:
    """How many pieces of a line are one serial that was parted at its / and _, or at a space. What answers by itself
    is not joined over a space, SHS1 2000 is no SHS12000; but a meter number is, for its check digit tells."""
    marked, digits = _joined(pieces, MARKS), read_aloud(pieces)
    spaced = {"".join(digits[:count]): count for count in range(len(digits), 1, -1)} | _joined(pieces, ("", *MARKS))
    fewest = sorted(spaced, key=lambda serial: (not is_meter_number(serial), spaced[serial]))
    found = await known_serial([*marked, *fewest], mini_grid_id)
    if found is None:
        return 1
    if found in marked or is_meter_number(found):
        return spaced[found]
    if await known_serial([typed(pieces[0])], mini_grid_id):
        return 1
    with suppress(Invalid):
        await field.read(chat, pieces[0])
        return 1
    return spaced[found]


def _joined(pieces: Sequence[str], gaps: Sequence[str]) -> dict[str, int]:
    """The serials that the first pieces may be, the longest first, and how many each takes."""
    several = range(min(len(pieces), MOST_PARTS), 1, -1)
    return {serial: count for count in several for serial in _spellings(pieces[:count], gaps)}


def _spellings(pieces: Sequence[str], gaps: Sequence[str] = (*MARKS, "")) -> list[str]:
    """AB 12 as AB/12, AB_12 and AB12: those marks alone are separators of a line and of serials."""
    if not 1 < len(pieces) <= MOST_PARTS or sum(map(len, pieces)) >= LONGEST:
        return []
    first, *rest = (typed(piece) for piece in pieces)
    between = product(gaps, repeat=len(rest))
    return [first + "".join(map("".join, zip(marks, rest, strict=True))) for marks in between]


def read_aloud(pieces: Sequence[str]) -> list[str]:
    """The first pieces of a line, as far as they may be groups of one long number."""
    return list(takewhile(str.isdecimal, (piece.replace("-", "") for piece in pieces)))


class DeviceSerial(Field[Device]):
    """A device among the customers of the agent's own mini-grid. What is recorded is its id."""

    name = "device"

    async def read(self, chat: Chat, answer: str) -> int:
        serial = await as_it_stands(answer, chat.agent.mini_grid_id)
        try:
            return (await find_for_agent(serial, chat.agent.mini_grid_id)).id
        except DeviceNotFound as error:
            raise _not_found(serial, error) from error

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        """A long number that was read aloud has spaces; it is joined only when somebody has it."""
        return await together(self, chat, pieces, chat.agent.mini_grid_id)

    async def find(self, chat: Chat, recorded: int) -> Device:
        """Agents move, and so do devices: what is out of reach by now is not this agent's business any more."""
        device = await in_reach(recorded, chat.agent.mini_grid_id)
        if device is None:
            raise Changed
        return device


def _not_found(serial: str, error: DeviceNotFound) -> Invalid:
    shown = echo(serial, MOST)
    if error.matches:
        return Invalid(_("Several end in {serial}. Send it in full.", serial=shown))
    return Invalid(_("{serial} not found. Read it on the device.", serial=shown))


class Payable(Field[Device | Contract]):
    """What a payment is for, among the customers of the agent's own mini-grid: a device by its serial, or a sale on
    instalments by its number, S1042 or 1042. A sale of a device is paid by that device. What is recorded is the kind
    and the id or number."""

    name = "payable"

    async def read(self, chat: Chat, answer: str) -> list[str | int]:
        """S1042 is the number first, since it was printed so; digits alone are the end of a serial first."""
        number = await as_it_stands(answer, chat.agent.mini_grid_id)
        by_number = await _sold_as(number, chat)
        if by_number and not number.isdecimal():
            return by_number
        try:
            return ["device", (await find_for_agent(number, chat.agent.mini_grid_id)).id]
        except DeviceNotFound as error:
            if by_number and not error.matches:
                return by_number
            if NUMBER.fullmatch(number) and not number.isdecimal():
                raise Invalid(_("{serial} not found. It stands in the customer's SMS.", serial=number)) from error
            raise _not_found(number, error) from error

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        """S 1002 is one number."""
        count = await together(self, chat, pieces, chat.agent.mini_grid_id)
        return 2 if count == 1 < len(pieces) and pieces[0].upper() == "S" else count

    async def find(self, chat: Chat, recorded: list[str | int]) -> Device | Contract:
        kind, which = recorded
        if kind == "device":
            return await DeviceSerial(self.prompt).find(chat, int(which))
        contract = await numbered(str(which), chat.agent.mini_grid_id)
        if contract is None:
            raise Changed
        return contract


async def _sold_as(number: str, chat: Chat) -> list[str | int] | None:
    """What is paid by the number of this sale, if there is such a sale."""
    grid = chat.agent.mini_grid_id
    contract = await numbered(number.replace("-", ""), grid) if NUMBER.fullmatch(number) else None
    if contract is None or contract.device_id is None:
        return ["contract", contract.number] if contract else None
    return ["device", contract.device_id] if await in_reach(contract.device_id, grid) else None


def name_of(paid_for: Device | Contract) -> str:
    """What a payment names it by."""
    return paid_for.serial if isinstance(paid_for, Device) else paid_for.number


async def own_device(chat: Chat) -> Device | None:
    """One of the devices behind the caller's number: the only one, or the one that is chosen. None when there
    is none."""
    devices = await of_customers(chat.person.customers)
    if not devices:
        return None
    if len(devices) == 1 and len(chat.person.customers) == 1 and not chat.answers("device"):
        return devices[0]
    options = [(d.serial, labelled(d, chat)) for d in devices]
    parted_ = {d.serial: {re.sub("[/_]", " ", d.serial)} for d in devices}
    serial = await chat.choose("device", _("Which one?"), options, words=parted_)
    return next(device for device in devices if device.serial == serial)


def labelled(device: Device, chat: Chat) -> Text:
    """The serial, and whose it is where a number is shared."""
    owner = f" {device.customer.masked}" if len(chat.person.customers) > 1 and device.customer else ""
    return verbatim(f"{device.serial}{owner}"[:30])
