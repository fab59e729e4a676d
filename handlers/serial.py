"""Asks for a device by its serial, or by its tail."""

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile

from bot.chat import Chat
from bot.fields import Field, Invalid, echo
from bot.i18n import Text, _, verbatim
from bot.state import Changed
from models.appliances import Contract, numbered
from models.devices import Device, DeviceNotFound, find_for_agent, in_reach, of_customers

NUMBER = re.compile(r"S-?\d+")  # of a sale on instalments
MOST = 20  # characters of a serial that a sentence shows


class DeviceSerial(Field[Device]):
    """A device among the customers of the agent's own mini-grid. What is recorded is its id."""

    name = "device"

    async def read(self, chat: Chat, answer: str) -> int:
        serial = "".join(answer.upper().split())
        try:
            device = await find_for_agent(serial, chat.agent.mini_grid_id)
        except DeviceNotFound as error:
            if error.matches:
                raise Invalid(_("Several end in {serial}. Send it in full.", serial=echo(serial, MOST))) from error
            raise Invalid(_("{serial} not found. Read it on the device.", serial=echo(serial, MOST))) from error
        return device.id

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        """A long number that was read aloud has spaces; it is joined only when somebody has it."""
        digits = list(takewhile(str.isdecimal, pieces))
        for count in range(len(digits), 1, -1):
            with suppress(DeviceNotFound):
                await find_for_agent("".join(digits[:count]), chat.agent.mini_grid_id, whole=True)
                return count
        return 1

    async def find(self, chat: Chat, recorded: int) -> Device:
        """Agents move, and so do devices: what is out of reach by now is not this agent's business any more."""
        device = await in_reach(recorded, chat.agent.mini_grid_id)
        if device is None:
            raise Changed
        return device


class Payable(Field[Device | Contract]):
    """What a payment is for, among the customers of the agent's own mini-grid: a device by its serial, or a sale on
    instalments by its number, S1042. A sale of a device is paid by that device. What is recorded is the kind and
    the id or number."""

    name = "payable"

    async def read(self, chat: Chat, answer: str) -> list[str | int]:
        number = "".join(answer.upper().split())
        if not NUMBER.fullmatch(number):
            return ["device", await DeviceSerial(self.prompt).read(chat, answer)]
        contract = await numbered(number.replace("-", ""), chat.agent.mini_grid_id)
        if contract and contract.device is None:
            return ["contract", contract.number]
        serial = contract.device.serial if contract and contract.device else answer  # a serial may look like a number
        with suppress(Invalid):
            return ["device", await DeviceSerial(self.prompt).read(chat, serial)]
        raise Invalid(_("{serial} not found. It stands in the customer's SMS.", serial=echo(number, MOST)))

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return await DeviceSerial(self.prompt).pieces(chat, pieces)

    async def find(self, chat: Chat, recorded: list[str | int]) -> Device | Contract:
        kind, which = recorded
        if kind == "device":
            return await DeviceSerial(self.prompt).find(chat, int(which))
        contract = await numbered(str(which), chat.agent.mini_grid_id)
        if contract is None:
            raise Changed
        return contract


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
    serial = await chat.choose("device", _("Which one?"), [(d.serial, labelled(d, chat)) for d in devices])
    return next(device for device in devices if device.serial == serial)


def labelled(device: Device, chat: Chat) -> Text:
    """The serial, and whose it is where a number is shared."""
    owner = f" {device.customer.masked}" if len(chat.person.customers) > 1 and device.customer else ""
    return verbatim(f"{device.serial}{owner}"[:30])
