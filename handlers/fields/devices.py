"""Asks for a device by its serial, or by its tail."""

import re
from collections.abc import Sequence
from typing import Any

from bot.talks import Chat, Field, Invalid, Turn, echo
from bot.text import Text, _, verbatim
from bot.text.grammar import split
from handlers.fields.serials import MOST, count_pieces, read_serial, tidy_serial
from models.devices import TAIL, Device, DeviceNotFound, devices_of
from models.devices.tables import device_in_reach, find_for_agent
from models.money import Payable
from models.money.contracts import find_contract
from models.money.payable import PayableDevice, PayableGoods
from models.people import Caller

NUMBER = re.compile(r"(?:S-?)?\d{1,9}")  # of a sale on instalments; people leave out what we print before it
# What looks like a serial in running text: letters with digits behind them (but no TZS5000), or the
# digits of a meter number.
_LIKE_SERIAL = re.compile(r"(?!(?:[A-Z]{1,2}SHS?|[A-Z]{3}|N)\d+00$)[A-Z]+[-_/]?\d{3,}[A-Z0-9]*|\d{11}")


class DeviceSerial(Field[Device]):
    """A device among the customers of the agent's own mini-grid. It records the device's id."""

    name = "device"

    async def read(self, turn: Turn, answer: str) -> int:
        serial = await read_serial(answer, turn.agent.mini_grid_id)
        try:
            return int((await find_for_agent(serial, turn.agent.mini_grid_id)).id)
        except DeviceNotFound as error:
            raise _not_found(serial, error) from error

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """A long number that was read aloud has spaces: its pieces are joined when somebody has that number."""
        return await count_pieces(self, turn, pieces, turn.agent.mini_grid_id)

    async def find(self, turn: Turn, recorded: int) -> Device:
        """Agents and devices move: a device that is out of reach by now starts the talk over."""
        device = await device_in_reach(recorded, turn.agent.mini_grid_id)
        if device is None:
            turn.start_over()
        return device


def _not_found(serial: str, error: DeviceNotFound) -> Invalid:
    shown = echo(serial, MOST)
    if error.matches:
        return Invalid(_("Several end in {serial}. Send it in full.", serial=shown))
    return Invalid(_("{serial} not found. Check it, or send FIND name.", serial=shown))


class PaidFor(Field[Payable]):
    """What a payment is for, among the customers of the agent's own mini-grid: a device by its serial, or a sale on
    instalments by its number, S1042 or 1042. A sale of a device is paid by that device. It records the kind, and the
    id of the device or the number of the sale."""

    name = "payable"

    async def read(self, turn: Turn, answer: str) -> list[str | int]:
        """S1042 is the number of a sale first, since we print it so; digits alone are the end of a serial first."""
        number = await read_serial(answer, turn.agent.mini_grid_id)
        by_number = await _find_sale(number, turn)
        if by_number and not number.isdecimal():
            return by_number
        try:
            return ["device", (await find_for_agent(number, turn.agent.mini_grid_id)).id]
        except DeviceNotFound as error:
            if by_number and not error.matches:
                return by_number
            if NUMBER.fullmatch(number) and not number.isdecimal():
                raise Invalid(_("{serial} not found. See the customer's SMS.", serial=number)) from error
            raise _not_found(number, error) from error

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """S 1002 is one number."""
        count = await count_pieces(self, turn, pieces, turn.agent.mini_grid_id)
        return 2 if count == 1 < len(pieces) and pieces[0].upper() == "S" else count

    async def find(self, turn: Turn, recorded: list[str | int]) -> Payable:
        kind, which = recorded
        if kind == "device":
            return PayableDevice(await DeviceSerial(self.prompt).find(turn, int(which)))
        contract = await find_contract(str(which), turn.agent.mini_grid_id)
        if contract is None:
            turn.start_over()
        return PayableGoods(contract)


async def _find_sale(number: str, turn: Turn) -> list[str | int] | None:
    """What is paid by the number of this sale, if there is such a sale."""
    grid = turn.agent.mini_grid_id
    contract = await find_contract(number.replace("-", ""), grid) if NUMBER.fullmatch(number) else None
    if contract is None or contract.device_id is None:
        return ["contract", contract.number] if contract else None
    return ["device", contract.device_id] if await device_in_reach(contract.device_id, grid) else None


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
    if any(map(_LIKE_SERIAL.fullmatch, pieces)) or (len(pieces) == 1 and any(map(str.isdigit, whole))):
        return None
    return []


async def no_other_device(caller: Caller, text: str, before: Sequence[Sequence[Any]]) -> list[str] | None:
    """The same for talks that are not asked about a device: None for somebody else's."""
    return None if await named_own_device(caller, text, before) is None else []
