"""An agent sells an appliance, at once or on a plan that the office allows."""

from collections.abc import Sequence
from datetime import date

from bot.message import Reply
from bot.talks.chat import Chat
from bot.talks.decorator import talk
from bot.talks.fields import Field, Invalid, echo
from bot.talks.turn import Turn
from bot.text.gsm import shorten
from bot.text.i18n import Text, _, verbatim
from handlers.fields.customers import Buyer, on_a_list
from handlers.fields.serials import MOST, as_it_stands, together
from handlers.selling.appliance_receipts import for_seller, question, to_buyer
from handlers.wording import item as label
from handlers.wording import tail
from models.devices.tables import TAIL, Device, DeviceNotFound
from models.messages.tables import MessageKind
from models.money import appliance_sale, catalogue, quotes, refusals
from models.money.appliance_sale import Proposal
from models.money.catalogue import Appliance, PaymentPlan, free_device, plans_of
from models.money.contracts import Contract
from models.people.callers import Role
from models.people.tables import Customer

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
    earlier = await appliance_sale.same_appliance_today(chat.agent, customer, item)
    device = await _device(chat, item, earlier) if item.is_device else None
    again = chat.again()
    try:
        most = quotes.most_units(device, chat.company.vault) if device else None
        proposal = appliance_sale.propose(item, plan, customer, device, chat.company.today(), chat.company.coin, most)
        if earlier and (not again or _is_its(device, earlier)):
            again = await _once_more(chat, earlier, proposal)
        proposal = _as_asked(chat, proposal)
        if not await chat.confirm(question(proposal, chat.company), pin=True):
            return chat.end(_("Not sold."), outcome="declined")
        sold = await appliance_sale.sell_appliance(
            proposal, seller=chat.agent, key=chat.key, vault=chat.company.vault, again=again
        )
    except appliance_sale.SameAppliance as refusal:
        return chat.end(_held(chat, refusal.earlier, proposal), outcome="held")
    except refusals.NotSold as refusal:
        return chat.end(_why(chat, refusal, item, device), outcome="refused")
    also = to_buyer(sold, chat.company)
    return chat.end(for_seller(sold, chat.company, chat.language), kind=MessageKind.TOKEN, also=also, outcome="sold")


async def _customer(chat: Chat) -> Customer:
    found = await chat.ask(Buyer(_("Customer: number, phone or name?")))
    if len(found) == 1:
        return found[0]
    options = [(str(one.id), on_a_list(one)) for one in found]
    chosen = await chat.choose("which customer", _("Which customer?"), options)
    return next(one for one in found if str(one.id) == chosen)


async def _item(chat: Chat) -> Appliance:
    items = await catalogue.catalogue()
    if not items:
        chat.stop(_("Not sold. The office offers nothing yet. Call {help}.", help=chat.company.help_phone))
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in items]
    chosen = await chat.choose("item", _("Which item?"), options)
    return next(one for one in items if one.name == chosen)


async def _plan(chat: Chat, item: Appliance) -> PaymentPlan:
    """One of those that the office allows for this item. The only one is not asked for; one line may name it, and
    what stands where it would be named is meant for it: a device needs one piece more, its serial."""
    plans = await catalogue.plans_of(item)
    only = plans[0].name if len(plans) == 1 else None
    if only and not chat.may_volunteer("plan"):
        return plans[0]
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in plans]
    left_out = chat.unread <= item.is_device
    chosen = await chat.choose("plan", _("How is it paid?"), options, otherwise=only if left_out else None)
    return next(one for one in plans if one.name == chosen)


async def _device(chat: Chat, item: Appliance, earlier: Contract | None) -> Device:
    """The very one that the agent holds in his hands: asked for even when it is the only one. That of the `earlier`
    sale is taken too: a command that is repeated after it gets the hold and not that the stock lacks it."""
    count = await catalogue.stock_count(item)
    field = FreeDevice(_("Serial number on it, or the last 4?"), item, earlier.device if earlier else None)
    if chat.ussd and 0 < count <= LISTED and not chat.given(FreeDevice.name):
        boxes = [(one.serial, verbatim(one.serial)) for one in await catalogue.in_stock(item, LISTED)]
        return await field.find(chat, await chat.choose(FreeDevice.name, _("Which one do you hand over?"), boxes))
    if not count and not (earlier and chat.answers(FreeDevice.name)) and not chat.given(FreeDevice.name):
        none = _("Not sold. No {item} is in stock. Call {help}.", item=label(item.name), help=chat.company.help_phone)
        chat.stop(none)
    return await chat.ask(field)


async def _once_more(chat: Chat, earlier: Contract, proposal: Proposal) -> bool:
    """The same a second time within a day needs the word AGAIN: networks repeat, and people forget. The very same
    device is gone."""
    if not chat.ussd or _is_its(proposal.device, earlier):
        chat.stop(_held(chat, earlier, proposal), outcome="held")
    header = _(
        "{item}: sold {time}, {number}. Once more?",
        item=label(proposal.appliance.name),
        time=chat.company.clock(earlier.created_at),
        number=earlier.number,
    )
    if await chat.choose("twice", header, [("again", _("Sell again")), ("no", _("No"))]) == "no":
        chat.stop(_("Not sold."), outcome="declined")
    return True


def _is_its(device: Device | None, earlier: Contract) -> bool:
    return device is not None and device.id == earlier.device_id


def _held(chat: Chat, earlier: Contract, proposal: Proposal) -> Text:
    if proposal.device and _is_its(proposal.device, earlier):
        return _(
            "Not sold again. {serial} was sold {time}, {number}.",
            serial=tail(proposal.device.serial),
            time=chat.company.clock(earlier.created_at),
            number=earlier.number,
        )
    pieces = [str(proposal.customer.id), proposal.appliance.name, proposal.plan.name]
    pieces += [proposal.device.serial[-TYPED:]] if proposal.device else []
    return _(
        "Not sold again. It was sold {time}, {number}. To sell once more: {sell} {pieces}, {again}",
        time=chat.company.clock(earlier.created_at),
        number=earlier.number,
        sell=sell.keyword,
        pieces=", ".join(pieces),
        again=_("AGAIN"),
    )


def _as_asked(chat: Chat, proposal: Proposal) -> Proposal:
    """The sale as the question showed it, of the day on which it was asked. Raises PriceChanged when it would be
    another one by now."""
    day, terms = chat.quoted([proposal.today.isoformat(), proposal.terms])
    proposal = proposal.on(date.fromisoformat(day))
    if proposal.terms != terms:
        raise refusals.PriceChanged(terms)
    return proposal


def _why(chat: Chat, refusal: refusals.NotSold, item: Appliance, device: Device | None) -> Text:
    """Why nothing was sold, and what to do about it."""
    company = chat.company
    match refusal:
        case refusals.OverLimit(held=held, limit=limit):
            return _(
                "Not sold. You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
                held=company.number(held),
                limit=company.number(limit),
                help=company.help_phone,
            )
        case refusals.PriceChanged():
            return _("Not sold. The price has just changed. Please send it again.")
        case refusals.Taken() if device:
            return _("Not sold. {serial} was just given to somebody else.", serial=tail(device.serial))
        case _not_offered:
            return _(
                "Not sold. {item} is not offered like this. Call {help}.",
                item=label(item.name),
                help=company.help_phone,
            )


LISTED = 12  # free devices that are worth paging through; more are quicker to name


class FreeDevice(Field[Device]):
    """A free device of an appliance, by its serial or the end of it, or the one just `sold`. What is recorded is the
    whole serial."""

    name = "free device"

    def __init__(self, prompt: Text, appliance: Appliance, sold: Device | None = None) -> None:
        super().__init__(prompt)
        self._appliance, self._sold = appliance, sold

    async def read(self, turn: Turn, answer: str) -> str:
        serial = await as_it_stands(answer)
        try:
            return (await free_device(self._appliance, serial)).serial
        except DeviceNotFound as error:
            if error.matches:
                raise Invalid(_("Several end in {serial}. Send it in full.", serial=echo(serial, MOST))) from error
            if self._sold and len(serial) >= TAIL and self._sold.serial.endswith(serial):
                return self._sold.serial
            if turn.one_line and serial.isalpha() and (plan := await self._only_plan()):
                raise Invalid(_("{answer} is none of these: {choices}.", answer=echo(answer), choices=plan)) from error
            raise Invalid(_("{serial} is not in stock. Read it on the device.", serial=echo(serial, MOST))) from error

    async def _only_plan(self) -> str:
        """Where there is one plan alone, a line may leave it out: a word without a digit was meant for another."""
        plans = await plans_of(self._appliance)
        return plans[0].name if len(plans) == 1 else ""

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return await together(self, turn, pieces)

    async def find(self, turn: Turn, recorded: str) -> Device:
        """Also one that went to somebody else meanwhile: the sale refuses it and says so."""
        device = await Device.get_or_none(serial=recorded)
        if device is None:
            turn.start_over()
        return device
