"""An agent lists the own customers, searches among them, and looks at one with device, plan and last token."""

from collections.abc import Sequence

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.listing import LINES
from bot.text import Text, _, joined, numbers, shorten, verbatim
from handlers.customers.selection import LABELS, Filter, Which, WhichCustomers
from handlers.fields.customers import MOST_FOUND, CustomerNumber, Search
from handlers.wording import access_owed, item_name, owing, under
from models.customers import search
from models.devices import Device, Kind, Unit, devices_of
from models.money import Contract, Due, Terms, contracts_of, total_left
from models.money.contracts import dues_by_contract
from models.money.sales import last_tokens
from models.people import Customer, Role, Village

MARKS = {Kind.METER: "M", Kind.SHS: "S", Kind.EBIKE: "E"}
KINDS = {Kind.METER: _("meter"), Kind.SHS: _("solar"), Kind.EBIKE: _("e-bike")}
ALL, VILLAGE, FURTHER = "all", "village", "further"
BLOCK = 47  # customers that a list loads at once, some ten screens
LINE = 27  # septets of a customer on a list
LONGEST_NAME, LONGEST_VILLAGE, LONGEST_SERIAL = 18, 10, 20


@talk(
    "list",
    roles={Role.AGENT},
    words={"en": ("LIST",), "sw": ("ORODHA", "WATEJA"), "fr": ("LISTE",), "pt": ("LISTA",), "ha": ("JERI",)},
    menu=_("My customers"),
    reads=True,
    usage=_("village page"),
    example="Mtwara 2",
)
async def list_(chat: Chat) -> Reply:
    villages = await search.villages_of(chat.agent.mini_grid_id)
    which = await _which(chat, villages)
    chat.no_more()
    selection, start = which.selection(chat), 0
    header = await _header(which, selection)
    count = BLOCK + LINES * (which.page - 1)
    chat.start_at(which.page)
    while True:
        block = await search.list_customers(selection, start, count + 1)
        if not block:
            return chat.end(under(header, _("No customers.")))
        options = await _lines(block[:count])
        if len(block) > count:
            options.append((FURTHER, _("Further customers")))
        chosen = await chat.choose(f"customer {start}", header, options)
        if chosen != FURTHER:
            return await _show_customer(chat, next(one for one in block if str(one.id) == chosen))
        start, count = start + count, BLOCK


@talk(
    "find",
    roles={Role.AGENT},
    words={
        "en": ("FIND", "SEARCH"),
        "sw": ("TAFUTA",),
        "fr": ("CHERCHER", "TROUVER"),
        "pt": ("PROCURAR", "BUSCAR"),
        "ha": ("NEMO",),
    },
    menu=_("Find a customer"),
    reads=True,
    usage=_("name or last 4 digits"),
    example="Juma",
)
async def find(chat: Chat) -> Reply:
    found = await chat.ask(Search(_("How does the name begin? Or the last 4 of the phone or serial?")))
    if len(found) == 1:
        return await _show_customer(chat, found[0])
    header = _("{n} found", n=len(found))
    if len(found) > MOST_FOUND:
        header = _("The first {n}. Write more to find fewer.", n=MOST_FOUND)
    chosen = await chat.choose("customer", header, await _lines(found[:MOST_FOUND]))
    return await _show_customer(chat, next(one for one in found if str(one.id) == chosen))


@talk(
    "customer",
    roles={Role.AGENT},
    words={
        "en": ("CUST", "CUSTOMER"),
        "sw": ("MTEJA",),
        "fr": ("CLIENT",),
        "pt": ("CLIENTE",),
        "ha": ("KWASTOMA", "ABOKIN"),
    },
    menu=_("Customer number"),
    reads=True,
    usage=_("number"),
    example="2",
)
async def customer(chat: Chat) -> Reply:
    return await _show_customer(chat, await chat.ask(CustomerNumber(_("Customer number?"))))


async def _which(chat: Chat, villages: Sequence[Village]) -> Which:
    """From the menu it is chosen; behind the keyword it is written, and the keyword alone means all."""
    if not chat.from_menu:
        return await chat.optional(WhichCustomers(_("Which customers?"), villages), otherwise=Which())
    options = [(ALL, _("All")), *((one.value, label) for one, label in LABELS.items())]
    if villages:
        options.append((VILLAGE, _("By village")))
    chosen = await chat.choose("which", _("Which customers?"), options)
    if chosen != VILLAGE:
        return Which(None if chosen == ALL else Filter(chosen))
    named = [(str(one.id), verbatim(shorten(one.name, LINE))) for one in villages]
    village = await chat.choose("village", _("Village?"), named)
    return Which(village=next(one for one in villages if str(one.id) == village))


async def _header(which: Which, selection: search.Selection) -> Text:
    """What is listed, and of how many where the mini-grid is too large to look at everybody."""
    header = LABELS[which.filter] if which.filter else _("Customers")
    if which.village:
        village = verbatim(shorten(which.village.name, LONGEST_VILLAGE))
        header = joined([village, header], ": ") if which.filter else village
    if not await search.looks_at_all(selection):
        header = _("{header}, of the first {n}", header=header, n=search.LOOK)
    return header


async def _lines(found: Sequence[Customer]) -> list[tuple[str, Text]]:
    """The name, the customer number, a letter for each kind of device, the end of the phone number."""
    kinds = await search.kinds_of(found)
    lines = []
    for one in found:
        marks = "".join(mark for kind, mark in MARKS.items() if kind in kinds[one.id])
        behind = " ".join(["", f"#{one.id}", *([marks] if marks else []), *([one.phone[-4:]] if one.phone else [])])
        lines.append((str(one.id), verbatim(_name(one, LINE - len(behind)) + behind)))
    return lines


def _name(one: Customer, length: int) -> str:
    return shorten(f"{one.name} {one.surname}", length)


async def _show_customer(chat: Chat, one: Customer) -> Reply:
    """Show a customer with one device or one plan: the only one, or the one that the agent chooses."""
    await chat.pin()
    villages = await search.villages_of(chat.agent.mini_grid_id)
    header = _heading(one, villages, chat)
    devices, contracts = await devices_of([one]), await contracts_of([one])
    owed = await dues_by_contract(contracts)
    options = [(each.serial, _which_device(each)) for each in devices]
    goods = {each.number: each for each in contracts if each.device_id is None and owed[each.id]}
    options += [(number, verbatim(f"{number} {item_name(each.appliance.name)}")) for number, each in goods.items()]
    if not options:
        return chat.end(under(header, _("No device.")))
    chosen = options[0][0]
    if len(options) > 1:
        chat.no_more()
        chosen = await chat.choose("device", header, options)
    if chosen in goods:
        due = owed[goods[chosen].id]
        return chat.end(under(header, dict(options)[chosen], owing(total_left(due), due, chat.company)))
    device = next(each for each in devices if each.serial == chosen)
    contract = next((each for each in contracts if each.device_id == device.id), None)
    return chat.end(under(header, *await _device(device, contract, owed[contract.id] if contract else [], chat)))


def _heading(one: Customer, villages: Sequence[Village], chat: Chat) -> Text:
    number = numbers.local(one.phone, chat.company.country) if one.phone else ""
    village = next((shorten(each.name, LONGEST_VILLAGE) for each in villages if each.id == one.village_id), "")
    return verbatim(", ".join(part for part in (f"{_name(one, LONGEST_NAME)} #{one.id}", number, village) if part))


def _which_device(device: Device) -> Text:
    return joined([verbatim(device.serial[:LONGEST_SERIAL]), KINDS[Kind(device.kind)]])


async def _device(device: Device, contract: Contract | None, owed: list[Due], chat: Chat) -> list[Text]:
    """The device, what is owed on it or its price, and when it was paid for last. TOKEN shows the digits, not this."""
    company, newest, line = chat.company, await last_tokens(device, 1), _which_device(device)
    if cost := _cost(device, contract, owed, chat):
        line = joined([line, cost], ": ")
    lines = [line, *await access_owed(device, company)]
    if not newest:
        return [*lines, _("No token yet.")]
    paid_at = newest[0][0].created_at
    last = _("Last token {day} {time}.", day=company.day(paid_at), time=company.clock(paid_at))
    if device.paid_until:
        last = _("{last} Paid until {day}.", last=last, day=company.day(device.paid_until))
    return [*lines, last]


def _cost(device: Device, contract: Contract | None, owed: list[Due], chat: Chat) -> Text | None:
    """What is left of its plan, or its price."""
    if owed:
        return owing(total_left(owed), owed, chat.company)
    if contract and contract.terms == Terms.SERVICE:
        return _("{amount} a day", amount=chat.company.money(contract.day_price))
    if contract and contract.ended_on:
        return _("paid off")
    if device.tariff is None:
        return None
    price = chat.company.money(device.tariff.full_price)
    if device.tariff.unit == Unit.ENERGY:
        return _("{amount} per kWh", amount=price)
    return _("{amount} a day", amount=price)
