"""An agent sells an appliance, at once or on a plan that the office allows."""

from datetime import date

from bot.message import Reply
from bot.talks.chat import Chat
from bot.talks.commands import talk
from bot.talks.state import Ended
from bot.text.gsm import shorten
from bot.text.i18n import Text, _, verbatim
from handlers.sell_fields import LISTED, Buyer, FreeDevice, on_a_list
from handlers.selling.appliance_receipts import for_seller, question, to_buyer
from handlers.wording import item as label
from handlers.wording import tail
from models.devices.tables import Device
from models.messages.tables import Class
from models.money import appliance_sale as contracts
from models.money import catalogue as appliances
from models.money import quotes
from models.money.appliance_sale import Proposal
from models.money.catalogue import Appliance, Contract, PaymentPlan
from models.people.tables import Customer, Role

LABEL = 24  # septets of a name that the office gave, on a list
TYPED = 8  # characters of a serial that a command repeats: its end is enough


@talk(
    "sell",
    roles={Role.AGENT},
    words={
        "en": ("SELL",),
        "sw": ("UZA",),
        "fr": ("VENDRE", "VENTE"),
        "pt": ("VENDER",),
        "ha": ("SAYAR",),
    },
    menu=_("Sell an appliance"),
    usage=_("customer, item, plan"),
    example="1, Radio, cash",
    nothing=_("Not sold."),
    commas=True,
)
async def sell(chat: Chat) -> Reply:
    customer = await _customer(chat)
    item = await _item(chat)
    plan = await _plan(chat, item)
    earlier = await contracts.same_appliance_today(chat.agent, customer, item)
    device = await _device(chat, item, earlier) if item.is_device else None
    again = chat.again()
    try:
        most = quotes.most_units(device, chat.site.vault) if device else None
        proposal = contracts.propose(item, plan, customer, device, chat.site.today(), chat.site.coin, most)
        if earlier and (not again or _is_its(device, earlier)):
            again = await _once_more(chat, earlier, proposal)
        proposal = _as_asked(chat, proposal)
        if not await chat.confirm(question(proposal, chat.site), pin=True):
            return chat.end(_("Not sold."), outcome="declined")
        sold = await contracts.sell_appliance(
            proposal, seller=chat.agent, key=chat.key, vault=chat.site.vault, again=again
        )
    except contracts.SameAppliance as refusal:
        return chat.end(_held(chat, refusal.earlier, proposal), outcome="held")
    except quotes.NotSold as refusal:
        return chat.end(_why(chat, refusal, item, device), outcome="refused")
    also = to_buyer(sold, chat.site)
    return chat.end(for_seller(sold, chat.site, chat.language), kind=Class.TOKEN, also=also, outcome="sold")


async def _customer(chat: Chat) -> Customer:
    found = await chat.ask(Buyer(_("Customer: number, phone or name?")))
    if len(found) == 1:
        return found[0]
    options = [(str(one.id), on_a_list(one)) for one in found]
    chosen = await chat.choose("which customer", _("Which customer?"), options)
    return next(one for one in found if str(one.id) == chosen)


async def _item(chat: Chat) -> Appliance:
    items = await appliances.catalogue()
    if not items:
        raise Ended(Reply(_("Not sold. The office offers nothing yet. Call {help}.", help=chat.site.help_phone)))
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in items]
    chosen = await chat.choose("item", _("Which item?"), options)
    return next(one for one in items if one.name == chosen)


async def _plan(chat: Chat, item: Appliance) -> PaymentPlan:
    """One of those that the office allows for this item. The only one is not asked for; one line may name it, and
    what stands where it would be named is meant for it: a device needs one piece more, its serial."""
    plans = await appliances.plans_of(item)
    only = plans[0].name if len(plans) == 1 else None
    if only and not chat.one_line and "plan" not in dict(chat.begun):
        return plans[0]
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in plans]
    left_out = chat.unread <= item.is_device
    chosen = await chat.choose("plan", _("How is it paid?"), options, otherwise=only if left_out else None)
    return next(one for one in plans if one.name == chosen)


async def _device(chat: Chat, item: Appliance, earlier: Contract | None) -> Device:
    """The very one that the agent holds in his hands: asked for even when it is the only one. That of the `earlier`
    sale is taken too: a command that is repeated after it gets the hold and not that the stock lacks it."""
    count = await appliances.stock_count(item)
    field = FreeDevice(_("Serial number on it, or the last 4?"), item, earlier.device if earlier else None)
    if chat.ussd and 0 < count <= LISTED and FreeDevice.name not in dict(chat.begun):
        boxes = [(one.serial, verbatim(one.serial)) for one in await appliances.in_stock(item, LISTED)]
        return await field.find(chat, await chat.choose(FreeDevice.name, _("Which one do you hand over?"), boxes))
    if not count and not (earlier and chat.answers(FreeDevice.name)) and FreeDevice.name not in dict(chat.begun):
        none = _("Not sold. No {item} is in stock. Call {help}.", item=label(item.name), help=chat.site.help_phone)
        raise Ended(Reply(none))
    return await chat.ask(field)


async def _once_more(chat: Chat, earlier: Contract, proposal: Proposal) -> bool:
    """The same a second time within a day needs the word AGAIN: networks repeat, and people forget. The very same
    device is gone."""
    if not chat.ussd or _is_its(proposal.device, earlier):
        raise Ended(Reply(_held(chat, earlier, proposal), outcome="held"))
    header = _(
        "{item}: sold {time}, {number}. Once more?",
        item=label(proposal.appliance.name),
        time=chat.site.clock(earlier.created_at),
        number=earlier.number,
    )
    if await chat.choose("twice", header, [("again", _("Sell again")), ("no", _("No"))]) == "no":
        raise Ended(Reply(_("Not sold."), outcome="declined"))
    return True


def _is_its(device: Device | None, earlier: Contract) -> bool:
    return device is not None and device.id == earlier.device_id


def _held(chat: Chat, earlier: Contract, proposal: Proposal) -> Text:
    if proposal.device and _is_its(proposal.device, earlier):
        return _(
            "Not sold again. {serial} was sold {time}, {number}.",
            serial=tail(proposal.device.serial),
            time=chat.site.clock(earlier.created_at),
            number=earlier.number,
        )
    pieces = [str(proposal.customer.id), proposal.appliance.name, proposal.plan.name]
    pieces += [proposal.device.serial[-TYPED:]] if proposal.device else []
    return _(
        "Not sold again. It was sold {time}, {number}. To sell once more: {sell} {pieces}, {again}",
        time=chat.site.clock(earlier.created_at),
        number=earlier.number,
        sell=sell.keyword(chat.language),
        pieces=", ".join(pieces),
        again=_("AGAIN"),
    )


def _as_asked(chat: Chat, proposal: Proposal) -> Proposal:
    """The sale as the question showed it, of the day on which it was asked. Raises PriceChanged when it would be
    another one by now."""
    day, terms = chat.quoted([proposal.today.isoformat(), proposal.terms])
    proposal = proposal.on(date.fromisoformat(day))
    if proposal.terms != terms:
        raise quotes.PriceChanged(terms)
    return proposal


def _why(chat: Chat, refusal: quotes.NotSold, item: Appliance, device: Device | None) -> Text:
    """Why nothing was sold, and what to do about it."""
    site = chat.site
    match refusal:
        case quotes.OverLimit(held=held, limit=limit):
            return _(
                "Not sold. You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
                held=site.number(held),
                limit=site.number(limit),
                help=site.help_phone,
            )
        case quotes.PriceChanged():
            return _("Not sold. The price has just changed. Please send it again.")
        case quotes.Taken() if device:
            return _("Not sold. {serial} was just given to somebody else.", serial=tail(device.serial))
        case _not_offered:
            return _(
                "Not sold. {item} is not offered like this. Call {help}.", item=label(item.name), help=site.help_phone
            )
