"""What an agent can hand over: free devices, by item."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _, shorten, verbatim
from handlers.selling.sell import LABEL, TYPED, sell
from handlers.wording import item_name
from models.people import Role
from models.selling import catalogue

MOST = 60  # serials that are listed, some ten screens


@talk(
    "stock",
    roles={Role.AGENT},
    words={"en": ("STOCK",), "sw": ("STOO", "AKIBA"), "fr": ("STOCK",), "pt": ("STOCK", "ESTOQUE"), "ha": ("AJIYA",)},
    menu=_("Stock"),
    reads=True,
    usage=_("item"),
    example="Solar home",
    commas=True,
)
async def stock(chat: Chat) -> Reply:
    devices = [one for one in await catalogue.catalogue() if one.is_device]
    counts = {one.name: await catalogue.count_stock(one) for one in devices}
    if not any(counts.values()):
        chat.stop(_("Nothing is in stock. Call {help}.", help=chat.company.help_phone))
    options = [(name, verbatim(f"{shorten(name, LABEL)}: {count}")) for name, count in counts.items()]
    chosen = await chat.choose("item", _("In stock"), options)
    item = next(one for one in devices if one.name == chosen)
    chat.no_more()
    name, free = item_name(item.name), [one.serial for one in await catalogue.free_devices(item, MOST)]
    if not free:
        return chat.end(_("No {item} is in stock. Call {help}.", item=name, help=chat.company.help_phone))
    header = _("{item}: {n} in stock", item=name, n=counts[item.name])
    serial = await chat.choose("free device", header, [(one, verbatim(one)) for one in free])
    return chat.end(
        _(
            "{serial} is in stock. To sell it: {sell} customer, {item}, {tail}",
            serial=serial,
            sell=sell.keyword,
            item=item.name,
            tail=serial[-TYPED:],
        )
    )
