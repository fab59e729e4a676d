"""One customer, as an agent looks at one, and what can be done next: sell power, fetch the last tokens, report a
problem, all without naming the customer or the device again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.message import Reply
from bot.talks import Chat
from bot.text import Text, _, joined, numbers, shorten, verbatim
from handlers.fields.customers import Buyer
from handlers.fields.devices import DeviceSerial, PaidFor
from handlers.wording import access_owed, fitting, item_name, owing, tail, under
from models.customers import search
from models.devices import Device, Kind, Unit, devices_of
from models.people import Customer
from models.selling import Contract, Due, Payable, Terms, contracts_of, total_left
from models.selling.contracts import contract_among, dues_by_contract
from models.selling.payable import PayableDevice, PayableGoods
from models.selling.sales import last_tokens
from models.selling.swaps import swap_to

KINDS = {Kind.METER: _("meter"), Kind.SHS: _("solar"), Kind.EBIKE: _("e-bike")}
LONGEST_NAME, LONGEST_VILLAGE, LONGEST_SERIAL = 18, 10, 20
DETAILS = "details"
BY_SMS = 3  # of the next steps, which leave room for what is known; there are words for the others


@dataclass(frozen=True)
class Thing:
    """What of a customer's is looked at: a device, or goods on a plan."""

    label: Text
    short: Text  # the same in fewer letters
    device: Device | None = None
    contract: Contract | None = None
    owed: Sequence[Due] = ()

    @property
    def payable(self) -> Payable | None:
        if self.device:
            return PayableDevice(self.device)
        return PayableGoods(self.contract) if self.contract else None


async def show_customer(chat: Chat, one: Customer) -> Reply:
    """Show a customer with one device or one plan, the only one or the one that the agent chooses, and go on from
    there. A text message tells all at once; a screen has room for the next steps, and tells more for the PIN. Who looks
    at a customer within a sale goes on with that sale: another question would take its answer."""
    named = verbatim(f"{_name(one)} #{one.id}")
    thing = await _choose_thing(chat, one, named)
    if chat.beside:
        return chat.end(fitting(chat.language, await _headers(chat, one, thing)))
    steps, known = _steps(chat, thing), _known(one, thing)
    if chat.ussd:
        chosen = await chat.choose("next", under(named, thing.label), steps)
    else:
        steps = [step for step in steps if step[0] != DETAILS][:BY_SMS]
        *fuller, least = await _headers(chat, one, thing)
        chosen = await chat.choose("next", least, steps, fuller=fuller)
    if chosen == DETAILS:
        await chat.pin()
        *fuller, least = await _headers(chat, one, thing)
        chosen = await chat.choose("details", least, steps[:1], fuller=fuller)
    return await chat.hand_over(chat.commands.by_name[chosen], known)


async def _choose_thing(chat: Chat, one: Customer, named: Text) -> Thing:
    devices, contracts = await devices_of([one]), await contracts_of([one])
    owed = await dues_by_contract(contracts)
    things = {}
    for device in devices:
        contract = contract_among(contracts, device)
        dues = owed[contract.id] if contract else []
        label, short = _of_device(device, device.serial[:LONGEST_SERIAL]), _of_device(device, tail(device.serial))
        things[device.serial] = Thing(label, short, device, contract, dues)
    for each in contracts:
        if each.device_id is None and owed[each.id]:
            label = verbatim(f"{each.number} {item_name(each.appliance.name)}")
            things[each.number] = Thing(label, verbatim(each.number), None, each, owed[each.id])
    if len(things) > 1:
        chat.no_more()
        return things[await chat.choose("device", named, [(key, thing.label) for key, thing in things.items()])]
    return next(iter(things.values()), Thing(_("No device."), _("No device.")))


def _steps(chat: Chat, thing: Thing) -> list[tuple[str, Text]]:
    """What can be done next: the talks by name and with what menus call them, the most usual first. The first ones are
    the same for every device, so that they keep their numbers."""
    names = ["sell", DETAILS]
    if thing.device:
        names = ["buy", "tokens", "fix", DETAILS, "sell", *(["plan"] if thing.contract else [])]
    elif thing.contract:
        names = ["pay", "plan", DETAILS, "sell"]
    labels = {one.name: one.menu for one in chat.commands.talks if one.menu}
    return [(name, _("Details") if name == DETAILS else labels[name]) for name in names]


def _known(one: Customer, thing: Thing) -> dict[str, Any]:
    """What the next talk need not ask, by the names of its questions."""
    known = {Buyer.name: one, DeviceSerial.name: thing.device, PaidFor.name: thing.payable}
    return {question: answer for question, answer in known.items() if answer}


async def _headers(chat: Chat, one: Customer, thing: Thing) -> list[Text]:
    """What is known of a customer and a thing, the fullest first: what is owed goes last."""
    villages = await search.villages_of(chat.agent.mini_grid_id)
    phone = numbers.local(one.phone, chat.company.country) if one.phone else ""
    village = next((shorten(each.name, LONGEST_VILLAGE) for each in villages if each.id == one.village_id), "")
    name = f"{_name(one)} #{one.id}"
    heading, reached, brief = (
        verbatim(", ".join(filter(None, parts))) for parts in ((name, phone, village), (name, phone), (name,))
    )
    cost, due = _cost(thing, chat), await access_owed(thing.device, chat.company) if thing.device else []
    line, shorter = ((joined([label, cost], ": ") if cost else label) for label in (thing.label, thing.short))
    last, until = await _last_paid(thing.device, chat) if thing.device else ([], [])
    return [
        under(heading, line, *due, *last),
        under(heading, line, *due, *until),
        under(reached, line, *due, *last),
        under(reached, line, *due, *until),
        under(reached, line, *due),
        under(brief, line, *due),
        under(brief, shorter, *due),
        under(brief, shorter),
        under(brief, thing.short),
    ]


def _name(one: Customer) -> str:
    return shorten(f"{one.name} {one.surname}", LONGEST_NAME)


def _of_device(device: Device, serial: str) -> Text:
    return joined([verbatim(serial), KINDS[Kind(device.kind)]])


async def _last_paid(device: Device, chat: Chat) -> tuple[list[Text], list[Text]]:
    """When a device was paid for last, and in fewer words until when. TOKEN shows the digits, not this."""
    company, made_at = chat.company, await _last_token_at(device)
    if made_at is None:
        return [_("No token yet.")], [_("No token yet.")]
    last = _("Last token {day} {time}.", day=company.day(made_at), time=company.clock(made_at))
    if not device.paid_until:
        return [last], []
    until = _("Paid until {day}.", day=company.day(device.paid_until))
    return [joined([last, until])], [until]


async def _last_token_at(device: Device) -> datetime | None:
    """When the last token was made: for a payment, or for what was left when it came in another one's place."""
    if newest := await last_tokens(device, 1):
        return newest[0][0].created_at
    swap = await swap_to(device)
    return swap.created_at if swap and swap.digits else None


def _cost(thing: Thing, chat: Chat) -> Text | None:
    """What is left of its plan, or its price."""
    contract, device, company = thing.contract, thing.device, chat.company
    if thing.owed:
        return owing(total_left(thing.owed), thing.owed, company)
    if contract and contract.terms == Terms.SERVICE:
        return _("{amount} a day", amount=company.money(contract.day_price))
    if contract and contract.ending:
        return _("Nothing is owed any more.")
    if contract and contract.ended_on:
        return _("paid off")
    if device is None or device.tariff is None:
        return None
    price = company.money(device.tariff.full_price)
    if device.tariff.unit == Unit.ENERGY:
        return _("{amount} per kWh", amount=price)
    return _("{amount} a day", amount=price)
