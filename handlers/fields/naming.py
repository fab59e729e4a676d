"""How people name a customer or a device, the same in every talk: a serial or its end, a sale's number, a customer
number, a phone in any spelling, a name. Where several fit, the talk asks which."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar

from bot.talks import Field, Invalid, PhoneNumber, Turn, echo
from bot.text import Text, _, normalise, numbers, shorten, verbatim
from handlers.fields.serials import MOST, count_pieces, read_serial, tidy_serial
from handlers.wording import owner, paid_for_name
from models.customers import search
from models.devices import TAIL, Device, devices_of
from models.devices.tables import device_in_reach, find_all_for_agent, find_exact, spellings
from models.names import folded
from models.people import Customer
from models.selling import Contract, contracts_of
from models.selling.contracts import dues_by_contract, find_contract
from models.selling.met import Asked, Met, meet_exact, meet_in_reach
from models.selling.payable import PayableDevice, PayableGoods, paid_by

T = TypeVar("T")
MOST_FOUND = 30
LONGEST_LABEL = 30  # septets of what is named, on a list
LONGEST_NAME = 20  # and of a customer's name
LONGEST_NUMBER = 7  # digits of a customer number; phone numbers are longer
FEWEST_LETTERS = 3  # of the beginning of a name, where something is done with whom it names
FEWEST_ANYWHERE = 2  # of a text that may stand anywhere in a name
MOST_WORDS = 4  # of a name
NEAR = 3  # names that are shown when none is right
SALE = re.compile(r"S-?\d{1,9}")
SALE_OR_DIGITS = re.compile(r"(?:S-?)?\d{1,9}")  # people leave out what we print before the number


class Named(Field[T]):
    """Whom or what an answer names, among the customers of the agent's own mini-grid. It records what fits: `device 5`,
    `contract S1001`, `customer 2`. A kind of question says in `fitting` what of these it takes."""

    whole_names = False  # whether a name has to be written out: words of one's own may stand behind it

    # Whether it is to be paid for: then a sale goes by its number without the S, too, and what a payment meets at a
    # device is read with it.
    paying = False

    async def read(self, turn: Turn, answer: str) -> list[str]:
        found = await named(turn, answer, whole_names=self.whole_names, paying=self.paying)
        if not found:
            raise Invalid(await not_found(turn, answer))
        fitting = list(dict.fromkeys(await self.fitting(turn, found)))
        if not fitting:
            raise Invalid(_("{answer} has no device.", answer=echo(answer, 15)))
        if len(fitting) > MOST_FOUND:
            raise Invalid(_("Several fit {answer}. Send the customer number.", answer=echo(answer)))
        return fitting

    async def fitting(self, turn: Turn, found: list[str]) -> list[str]:
        raise NotImplementedError

    async def labels(self, turn: Turn, recorded: list[str]) -> list[tuple[str, Text]]:
        if len(recorded) < 2:
            return []
        return [(key, await label(turn, key)) for key in recorded]

    async def find(self, turn: Turn, recorded: list[str] | str) -> T:
        """What is out of reach by now starts the talk over: agents and devices move."""
        found = await self.resolve(turn, recorded if isinstance(recorded, str) else recorded[0])
        if found is None:
            turn.start_over()
        return found

    async def resolve(self, turn: Turn, key: str) -> T | None:
        raise NotImplementedError

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """Serials and phones that were read aloud have spaces, and so have names: the most words that somebody has."""
        if pieces[0].upper() == "S" and len(pieces) > 1 and pieces[1].isdecimal():
            return 2
        count = await count_pieces(self, turn, pieces, partial(_first_known, self, turn, tidy_serial(pieces[0])))
        if (
            count == 1 < len(pieces)
            and not any(map(str.isalpha, pieces[0]))
            and not await self._names_one(turn, pieces[0])
        ):
            count = await PhoneNumber(self.prompt).pieces(turn, pieces)
        if count > 1 or not _is_word(pieces[0]):
            return count
        words = list(takewhile(_is_word, pieces[:MOST_WORDS]))
        for several in range(len(words), 1, -1):
            if await _by_name(turn, " ".join(words[:several]), whole_names=self.whole_names):
                return several
        return 1

    async def _names_one(self, turn: Turn, piece: str) -> bool:
        return bool(await named(turn, piece, paying=self.paying))


async def named(turn: Turn, answer: str, *, whole_names: bool = False, paying: bool = False) -> list[str]:
    """What an answer names, by its keys. What is written in full counts first, then what is short for several things,
    then a name."""
    text, grid = " ".join(normalise(answer).split()), turn.agent.mini_grid_id
    bare = text.removeprefix("#").strip()
    if text.startswith("#") and bare.isdecimal() and len(bare) <= LONGEST_NUMBER:
        return await _customers(turn, [int(bare)])
    serial = await read_serial(answer, grid)
    devices = await devices_named(turn, serial)
    if any(each.serial == serial for each in devices):
        return [f"device {each.id}" for each in devices if each.serial == serial]
    if SALE.fullmatch(serial) and (sale := await _sale(turn, serial)):
        return sale
    found = [f"device {each.id}" for each in devices]
    if bare.isdecimal() and len(bare) <= LONGEST_NUMBER:
        by_number = await _customers(turn, [int(bare)]) if not bare.startswith("0") else []
        sale = await _sale(turn, serial) if paying else []
        found = list(dict.fromkeys([*found, *by_number, *sale]))
    if found:
        return found
    if digits := _phone_digits(turn, text):
        return [f"customer {one}" for one in await search.by_phone(grid, digits, MOST_FOUND + 1)]
    return await _by_name(turn, text, whole_names=whole_names)


async def devices_named(turn: Turn, serial: str) -> list[Device]:
    """The device of this serial, or those whose serials end so: looked up once in a turn."""
    if f"serial {serial}" not in turn.looked_up:
        _note(turn, serial, await find_all_for_agent(serial, turn.agent.mini_grid_id, MOST_FOUND + 1))
    devices: list[Device] = turn.looked_up[f"serial {serial}"]
    return devices


async def _first_known(question: Named[Any], turn: Turn, alone: str, serials: Sequence[str]) -> str | None:
    """The first of these serials that a device in reach has. The one that the first piece names alone is looked up with
    them: as a rule that is it."""
    if not serials:
        return None
    written = spellings(alone)
    devices = await _find_exact(turn, {*serials, *written}, paying=question.paying)
    if found := [each for each in devices if each.serial in written]:
        _note(turn, alone, found)
    return next((serial for serial in serials if any(each.serial == serial for each in devices)), None)


async def _find_exact(turn: Turn, serials: Collection[str], *, paying: bool) -> list[Device]:
    grid = turn.agent.mini_grid_id
    if not paying:
        return await find_exact(serials, grid)
    met = await meet_exact(serials, grid, Asked(seller=turn.agent))
    return [device for one in met if (device := _note_met(turn, one))]


def _note_met(turn: Turn, met: Met) -> Device | None:
    if met.device:
        turn.looked_up.update({f"device {met.device.id}": met.device, f"met device {met.device.id}": met})
    return met.device


def _note(turn: Turn, serial: str, found: Sequence[Device]) -> None:
    turn.looked_up.update({f"serial {serial}": found} | {f"device {each.id}": each for each in found})


async def reachable_device(turn: Turn, key: str) -> Device | None:
    """The device of a key, as long as it belongs to a customer of the agent's mini-grid."""
    if key not in turn.looked_up:
        turn.looked_up[key] = await device_in_reach(int(key.removeprefix("device ")), turn.agent.mini_grid_id)
    device: Device | None = turn.looked_up[key]
    return device


async def reachable_contract(turn: Turn, number: str) -> Contract | None:
    """The contract S1042 or 1042 of a customer of the agent's mini-grid: looked up once in a turn."""
    key = f"contract {number.removeprefix('S')}"
    if key not in turn.looked_up:
        turn.looked_up[key] = await find_contract(number, turn.agent.mini_grid_id)
    contract: Contract | None = turn.looked_up[key]
    return contract


async def _customers(turn: Turn, ids: Sequence[int]) -> list[str]:
    return [f"customer {one.id}" for one in await search.customers_by_number(turn.agent.mini_grid_id, ids)]


async def _sale(turn: Turn, number: str) -> list[str]:
    """The sale on instalments of this number, or the device that is on it."""
    if not SALE_OR_DIGITS.fullmatch(number):
        return []
    contract = await reachable_contract(turn, number.replace("-", ""))
    if contract is None:
        return []
    paid_for = await paid_by(contract)
    return [f"device {paid_for.device.id}" if paid_for.device else f"contract {contract.number}"]


def _phone_digits(turn: Turn, text: str) -> str:
    """The digits that a phone number ends in: of a whole number in any spelling, or its end alone."""
    if any(map(str.isalpha, text)):
        return ""
    with suppress(ValueError):
        return numbers.parse(text, turn.company.country).removeprefix("+")
    digits = "".join(filter(str.isdecimal, text))
    return digits if len(digits) >= TAIL else ""


async def found_by_name(turn: Turn, text: str) -> list[int]:
    """The numbers of the customers who go by such a name, or a part of it: looked for once in a turn."""
    if f"name {text}" not in turn.looked_up:
        turn.looked_up[f"name {text}"] = await search.by_name(turn.agent.mini_grid_id, text, MOST_FOUND + 1)
    found: list[int] = turn.looked_up[f"name {text}"]
    return found


async def _by_name(turn: Turn, text: str, *, whole_names: bool) -> list[str]:
    """Customers of whose names each word of the text is one, or the beginning of one. Where nobody is, the answer to a
    question finds also those who have it in the middle of the name."""
    words = folded(text).split()
    if sum(map(str.isalpha, text)) < FEWEST_ANYWHERE:
        return []
    people = await search.customers_by_number(turn.agent.mini_grid_id, await found_by_name(turn, text))
    named_so = [one for one in people if _goes_by(one, words, whole=whole_names)]
    loosely = [] if turn.one_line or whole_names else people
    return [f"customer {one.id}" for one in named_so or loosely]


def _goes_by(customer: Customer, words: Sequence[str], *, whole: bool) -> bool:
    own = folded(f"{customer.name} {customer.surname}").split()
    return all(
        word in own or (not whole and len(word) >= FEWEST_LETTERS and any(each.startswith(word) for each in own))
        for word in words
    )


async def not_found(turn: Turn, answer: str) -> Text:
    """That nobody and nothing goes by this."""
    serial = tidy_serial(answer)
    if serial.isdecimal() and len(serial) < TAIL:
        return _("No customer of yours has the number {answer}.", answer=serial)
    if SALE.fullmatch(serial):
        return _("{serial} not found. See the customer's SMS.", serial=serial)
    is_phone = serial.removeprefix("+").isdecimal() and numbers.is_number(serial, turn.company.country)
    if any(map(str.isdecimal, answer)) and not is_phone:
        return _("{serial} not found. Check it, or send FIND name.", serial=echo(serial, MOST))
    return await nobody_found(turn, answer)


async def nobody_found(turn: Turn, answer: str) -> Text:
    """That nobody goes by this name, and who goes by nearly the same."""
    said = echo(answer, 15)
    near = await search.near_names(turn.agent.mini_grid_id, answer, NEAR)
    if not near:
        return _("{answer} not found.", answer=said)
    names = ", ".join(f"{shorten(f'{one.name} {one.surname}', LONGEST_NAME)} #{one.id}" for one in near)
    return _("{answer} not found. Did you mean {names}?", answer=said, names=names)


def _is_word(piece: str) -> bool:
    return piece.replace("'", "").replace("-", "").isalpha()


async def label(turn: Turn, key: str) -> Text:
    """What a key stands for, on a list: SHS0283 BARAKA P., S1001 Radio BARAKA P., Baraka Peter #2."""
    kind, which = key.split(" ", 1)
    if kind == "customer":
        people = await search.customers_by_number(turn.agent.mini_grid_id, [int(which)])
        return on_a_list(people[0]) if people else verbatim(which)
    thing = await payable_of(turn, key)
    if thing is None:
        return verbatim(which)
    whose = thing.device.customer if thing.device else thing.signed.customer  # type: ignore[union-attr]
    return verbatim(f"{paid_for_name(thing)} {owner(whose)}"[:LONGEST_LABEL])


def on_a_list(one: Customer) -> Text:
    return verbatim(f"{shorten(f'{one.name} {one.surname}', LONGEST_NAME)} #{one.id}")


async def payable_of(turn: Turn, key: str) -> PayableDevice | PayableGoods | None:
    """What is paid for by the device or the sale of a key; None when it is out of reach."""
    kind, which = key.split(" ", 1)
    if kind == "device":
        if key not in turn.looked_up:
            met = await meet_in_reach(int(which), turn.agent.mini_grid_id, Asked(seller=turn.agent))
            turn.looked_up[key] = _note_met(turn, met) if met else None
        device = await reachable_device(turn, key)
        return PayableDevice(device, turn.looked_up.get(f"met {key}")) if device else None
    contract = await reachable_contract(turn, which)
    return PayableGoods(contract) if contract else None


async def owner_of(turn: Turn, key: str) -> Customer | None:
    """The customer of a key, or who has the device or owes for the sale."""
    kind, which = key.split(" ", 1)
    if kind == "customer":
        found = await search.customers_by_number(turn.agent.mini_grid_id, [int(which)])
        return found[0] if found else None
    thing = await payable_of(turn, key)
    if isinstance(thing, PayableDevice):
        return thing.device.customer
    return thing.signed.customer if thing else None


async def belongings(turn: Turn, key: str, *, goods: bool) -> list[str]:
    """A device or a sale as it is; of a customer all devices, and with `goods` the sales without one that are still to
    be paid."""
    if not key.startswith("customer "):
        return [key] if goods or key.startswith("device ") else []
    customer = await owner_of(turn, key)
    if customer is None:
        return []
    found = [f"device {one.id}" for one in await devices_of([customer])]
    if goods:
        contracts = [one for one in await contracts_of([customer]) if one.device_id is None]
        owed = await dues_by_contract(contracts)
        found += [f"contract {one.number}" for one in contracts if owed[one.id]]
    return found
