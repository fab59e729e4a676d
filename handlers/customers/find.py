"""An agent lists the own customers, searches among them, and goes on with one."""

from collections.abc import Sequence

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.listing import LINES
from bot.text import Text, _, joined, shorten, verbatim
from handlers.customers.selection import LABELS, Filter, Which, WhichCustomers
from handlers.customers.shown import LONGEST_VILLAGE, show_customer
from handlers.fields.customers import Buyer, Search
from handlers.fields.naming import MOST_FOUND
from handlers.wording import under
from models.customers import search
from models.devices import Kind
from models.people import Customer, Role, Village

MARKS = {Kind.METER: "M", Kind.SHS: "S", Kind.EBIKE: "E"}
ALL, VILLAGE, FURTHER = "all", "village", "further"
BLOCK = 47  # customers that a list loads at once, some ten screens
LINE = 27  # septets of a customer on a list


@talk(
    "list",
    roles={Role.AGENT},
    words={
        "en": ("LIST", "CUSTOMERS"),
        "sw": ("ORODHA", "WATEJA"),
        "fr": ("LISTE", "CLIENTS"),
        "pt": ("LISTA", "CLIENTES"),
        "ha": ("JERI", "KWASTOMOMI"),
    },
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
            return await show_customer(chat, next(one for one in block if str(one.id) == chosen))
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
        return await show_customer(chat, found[0])
    header = _("{n} found", n=len(found))
    if len(found) > MOST_FOUND:
        header = _("The first {n}. Write more to find fewer.", n=MOST_FOUND)
    chosen = await chat.choose("customer", header, await _lines(found[:MOST_FOUND]))
    return await show_customer(chat, next(one for one in found if str(one.id) == chosen))


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
    one = await chat.ask(Buyer(_("Customer: number, phone or name?")))
    chat.no_more()
    return await show_customer(chat, one)


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
        lines.append((str(one.id), verbatim(shorten(f"{one.name} {one.surname}", LINE - len(behind)) + behind)))
    return lines
