"""An agent sells an appliance, at once or on a plan that the office allows."""

from collections.abc import Sequence
from datetime import date

from bot.company import Company
from bot.message import Reply
from bot.talks import Chat, Field, Invalid, Turn, echo, talk
from bot.text import Text, _, joined, shorten, verbatim
from handlers.fields.customers import Buyer
from handlers.fields.devices import PaidFor
from handlers.fields.serials import MOST, count_pieces, read_serial
from handlers.selling.appliance_receipts import copy_to_buyer, for_seller, question
from handlers.selling.buy import buy, sales_off
from handlers.selling.no_room import no_room
from handlers.selling.one_line import means_sale
from handlers.wording import item_name, out_of_use, tail
from models.devices import TAIL, Device, DeviceNotFound
from models.devices.keys import most_units
from models.messages import MessageKind
from models.people import Customer, Role
from models.selling import Appliance, Contract, PaymentPlan, appliance_sale, catalogue, refusals
from models.selling.appliance_sale import Proposal
from models.selling.catalogue import free_device, plans_of

LABEL = 24  # septets of a name that the office gave, on a list
TYPED = 8  # characters of a serial that a command repeats: its end is enough


@talk(
    "sell",
    roles={Role.AGENT},
    words={
        "en": ("SELL",),
        "sw": ("UZA", "BIDHAA"),
        "fr": ("VENDRE", "VENTE", "ARTICLE"),
        "pt": ("VENDER", "ARTIGO"),
        "ha": ("KAYA", "SAYAR"),
    },
    menu=_("Sell goods"),
    usage=_("customer, item, plan"),
    example="1, Radio, cash",
    nothing=_("Not sold."),
    commas=True,
)
async def sell(chat: Chat) -> Reply:
    if chat.given(PaidFor.name) or await _means_power(chat):
        return await chat.hand_over(buy)
    customer = await _ask_customer(chat)
    item = await _choose_item(chat)
    plan = await _choose_plan(chat, item)
    earlier = await appliance_sale.same_appliance_today(chat.agent, customer, item)
    device = await _ask_device(chat, item, earlier) if item.is_device else None
    company, again = chat.company, chat.again()
    try:
        most = most_units(device, company.vault) if device else None
        proposal = appliance_sale.propose(
            item, plan, customer, device, today=company.today(), coin=company.coin, most=most
        )
        if earlier and (not again or _is_its(device, earlier)):
            again = await _ask_once_more(chat, earlier, proposal)
        await appliance_sale.check_possible(proposal, chat.agent, company.vault)
        proposal = _keep_to_question(chat, proposal)
        if not await chat.confirm(question(proposal, company), pin=True, holds=proposal.down):
            return chat.end(_("Not sold."), outcome="declined")
        sold = await appliance_sale.sell_appliance(
            proposal,
            seller=chat.agent,
            key=chat.key,
            vault=company.vault,
            again=again,
            commission_at_signing=company.commission_at_signing,
        )
    except refusals.SameAppliance as refusal:
        return chat.end(_held_text(chat, refusal.earlier, proposal), outcome="held")
    except refusals.NotSold as refusal:
        return chat.end(why_not(refusal, item, device, chat.company), outcome="refused")
    receipt = for_seller(sold, company, chat.language)
    return chat.end(receipt, kind=MessageKind.TOKEN, also=copy_to_buyer(sold, company), outcome="sold")


async def _means_power(chat: Chat) -> bool:
    """SELL SHS0283 5000 sells power; a number that an item has on the list means that."""
    return bool(chat.pieces) and await means_sale(chat, choices=len(await catalogue.catalogue()))


async def _ask_customer(chat: Chat) -> Customer:
    question = _(
        "Goods for which customer: number, phone or name? For power send {buy}.",
        buy=chat.commands.by_name["buy"].keyword,
    )
    return await chat.ask(Buyer(question))


async def _choose_item(chat: Chat) -> Appliance:
    items = await catalogue.catalogue()
    if not items:
        chat.stop(_("Not sold. The office offers nothing yet. Call {help}.", help=chat.company.help_phone))
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in items]
    chosen = await chat.choose("item", _("Which item?"), options)
    return next(one for one in items if one.name == chosen)


async def _choose_plan(chat: Chat, item: Appliance) -> PaymentPlan:
    """One of the plans that the office allows for this item. A dialogue does not ask for the only one. In one line it
    may be named or left out: it is left out when no more pieces follow than the serial, which only a device needs."""
    plans = await catalogue.plans_of(item)
    only = plans[0].name if len(plans) == 1 else None
    if only and not chat.may_volunteer("plan"):
        return plans[0]
    options = [(one.name, verbatim(shorten(one.name, LABEL))) for one in plans]
    serials = 1 if item.is_device else 0
    left_out = chat.unread <= serials
    chosen = await chat.choose("plan", _("How is it paid?"), options, otherwise=only if left_out else None)
    return next(one for one in plans if one.name == chosen)


async def _ask_device(chat: Chat, item: Appliance, earlier: Contract | None) -> Device:
    """The device that the agent holds in his hands, asked for even when it is the only one. The device of the `earlier`
    sale is an answer too: who repeats that command is told of the sale, and not that the stock lacks it."""
    count = await catalogue.count_stock(item)
    field = FreeDevice(_("Serial number on it, or the last 4?"), item, earlier.device if earlier else None)
    if chat.ussd and 0 < count <= LISTED and not chat.given(FreeDevice.name):
        boxes = [(one.serial, verbatim(one.serial)) for one in await catalogue.free_devices(item, LISTED)]
        return await field.find(chat, await chat.choose(FreeDevice.name, _("Which one do you give?"), boxes))
    if not count and not (earlier and chat.answers(FreeDevice.name)) and not chat.given(FreeDevice.name):
        name, phone = item_name(item.name), chat.company.help_phone
        chat.stop(_("Not sold. No {item} is in stock. Call {help}.", item=name, help=phone))
    return await chat.ask(field)


async def _ask_once_more(chat: Chat, earlier: Contract, proposal: Proposal) -> bool:
    """Ask whether to sell the same a second time within a day: networks repeat, and people forget. By SMS this needs
    the word AGAIN. The very same device cannot be sold twice."""
    if not chat.ussd or _is_its(proposal.device, earlier):
        chat.stop(_held_text(chat, earlier, proposal), outcome="held")
    header = _(
        "{item}: sold {time}, {number}. Once more?",
        item=item_name(proposal.appliance.name),
        time=chat.company.clock(earlier.created_at),
        number=earlier.number,
    )
    if await chat.choose("twice", header, [("again", _("Sell again")), ("no", _("No"))]) == "no":
        chat.stop(_("Not sold."), outcome="declined")
    return True


def _is_its(device: Device | None, earlier: Contract) -> bool:
    return device is not None and device.id == earlier.device_id


def _held_text(chat: Chat, earlier: Contract, proposal: Proposal) -> Text:
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


def _keep_to_question(chat: Chat, proposal: Proposal) -> Proposal:
    """The sale as the question showed it, of the day of the question. Raises PriceChanged when it would be another one
    by now."""
    day, terms = chat.quoted([proposal.today.isoformat(), proposal.terms])
    proposal = proposal.on(date.fromisoformat(day))
    if proposal.terms != terms:
        raise refusals.PriceChanged(terms)
    return proposal


def why_not(refusal: refusals.NotSold, item: Appliance, device: Device | None, company: Company) -> Text:
    """Why nothing was sold, and what to do about it."""
    match refusal:
        case refusals.OverLimit() | refusals.WalletTooSmall():
            return joined([_("Not sold."), no_room(refusal, company)])
        case refusals.NoTokensLeft() | refusals.TooManyTokens() if device:
            why = _("{serial} can take no more codes. Call {help}.", serial=device.serial, help=company.help_phone)
            return joined([_("Not sold."), why])
        case refusals.SalesOff():
            return joined([_("Not sold."), sales_off(company)])
        case refusals.ClockInDoubt():
            why = _("The clock of our server is wrong. Call {help}.", help=company.help_phone)
            return joined([_("Not sold."), why])
        case refusals.PriceChanged():
            return _("Not sold. The price has just changed. Please send it again.")
        case refusals.Taken() if device:
            return _("Not sold. {serial} was just given to somebody else.", serial=tail(device.serial))
        case refusals.Retired() if device:
            return joined([_("Not sold."), out_of_use(tail(device.serial), company)])
        case _not_offered:
            return _(
                "Not sold. {item} is not offered like this. Call {help}.",
                item=item_name(item.name),
                help=company.help_phone,
            )


LISTED = 12  # free devices that are worth paging through; more are quicker to name


class FreeDevice(Field[Device]):
    """A free device of an appliance, or the one just `sold`, by its serial or the end of it. It records the whole
    serial."""

    name = "free device"

    def __init__(self, prompt: Text, appliance: Appliance, sold: Device | None = None) -> None:
        super().__init__(prompt)
        self._appliance, self._sold = appliance, sold

    async def read(self, turn: Turn, answer: str) -> str:
        serial = await read_serial(answer)
        try:
            return (await free_device(self._appliance, serial)).serial
        except DeviceNotFound as error:
            if error.matches:
                raise Invalid(_("Several end in {serial}. Send it in full.", serial=echo(serial, MOST))) from error
            if self._sold and len(serial) >= TAIL and self._sold.serial.endswith(serial):
                return self._sold.serial
            if turn.one_line and serial.isalpha() and (plan := await self._only_plan()):
                raise Invalid(_("{answer}? Send one of: {choices}.", answer=echo(answer), choices=plan)) from error
            raise Invalid(_("{serial} is not in stock. Read it on the device.", serial=echo(serial, MOST))) from error

    async def _only_plan(self) -> str:
        """The name of the only plan; empty where there are several. A word without a digit was probably meant for a
        plan, and a line that leaves the only plan out may have named a wrong one."""
        plans = await plans_of(self._appliance)
        return plans[0].name if len(plans) == 1 else ""

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return await count_pieces(self, turn, pieces)

    async def find(self, turn: Turn, recorded: str) -> Device:
        """Also one that went to somebody else meanwhile: the sale refuses it and says so."""
        device = await Device.get_or_none(serial=recorded)
        if device is None:
            turn.start_over()
        return device
