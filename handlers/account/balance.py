"""What an agent holds, and what a customer has left."""

from datetime import UTC, datetime

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import Text, _, joined, shorten, verbatim
from bot.text.i18n import _n
from handlers.fields.devices import choose_own_device, named_own_device
from handlers.selling.how_to_buy import how_by_phone
from handlers.selling.own_buying import seller_of
from handlers.wording import LONGEST_NAME, access_owed, bought, credit_left, fitting, out_of_use, owing, tail, under
from models.devices import Device
from models.money.claims import owed_by
from models.people import Role
from models.selling import Contract, Due, contracts_of, total_left
from models.selling.contracts import contract_among, dues_by_contract
from models.selling.instalments import oldest_first
from models.selling.sales import last_tokens


@talk(
    "balance",
    roles={Role.CUSTOMER},
    words={
        "en": ("BAL", "BALANCE"),
        "sw": ("SALIO",),
        "fr": ("SOLDE",),
        "pt": ("SALDO",),
        "ha": ("SAURA", "BALANS"),
    },
    menu=_("Balance"),
    reads=True,
    kinds={"balance"},
    arguments=named_own_device,
)
async def balance(chat: Chat) -> Reply:
    device = await choose_own_device(chat)
    contracts = await contracts_of(chat.person.customers)
    owed = await dues_by_contract(contracts)
    goods = [one for one in contracts if one.device_id is None and owed[one.id]]
    whose = device.customer if device and device.customer else chat.person.customers[0]
    credit = await credit_left(whose, chat.company)
    if device is None and not goods and not credit:
        chat.stop(_("You have no device yet. Call {help}.", help=chat.company.help_phone))
    of_goods = [_of_goods(goods, owed, chat)] if goods else []
    if device is None:
        return chat.end(under(*of_goods, *credit))
    contract = contract_among(contracts, device)
    name, dues = tail(device.serial) if goods else device.serial, owed[contract.id] if contract else []
    others = [*await access_owed(device, chat.company), *await _claim(chat), *of_goods, *credit]
    ways = await _of_device(device, name, contract, dues, chat)
    return chat.end(fitting(chat.language, [under(way, *others) for way in ways]))


async def _of_device(device: Device, serial: str, contract: Contract | None, owed: list[Due], chat: Chat) -> list[Text]:
    """The days left, with what is to be paid on a plan, else with what was paid last: said in full, then shorter."""
    company, left = chat.company, _left(device.paid_until, chat)
    if owed:
        due = owing(total_left(owed), owed, company)
        return [
            Text("{serial}: {left}{owing}.", {"serial": serial, "left": each, "owing": due})
            for each in (left, _left(device.paid_until, chat, until=False))
        ]
    if device.retired_at:
        return [out_of_use(serial, company)]
    if contract and contract.ending:
        return [_("{serial}: nothing is owed any more.", serial=serial)]
    if contract and contract.ended_on:
        return [_("{serial}: paid off. Nothing is left to pay.", serial=serial)]
    newest = [each for each in await last_tokens(device, 1) if each[0].customer_id == device.customer_id]
    if not newest and device.paid_until and device.paid_until > datetime.now(UTC):  # it came in another one's place
        return [verbatim(f"{serial}: {_left(device.paid_until, chat).to(chat.language).strip()}")]
    if not newest:
        not_paid, seller = _("{serial}: nothing paid yet.", serial=serial), await seller_of(chat, device)
        if by_phone := how_by_phone(chat.person.phone, company):
            return [joined([not_paid, by_phone]), not_paid]
        if seller is None:
            return [joined([not_paid, _("Call {help}.", help=company.help_phone)]), not_paid]
        who = _("Pay agent {name} {phone}.", name=shorten(seller.name, LONGEST_NAME), phone=seller.phone)
        return [joined([not_paid, who]), not_paid]
    sale, _digits = newest[0]
    last = _(
        "{serial}: {left}Last paid {amount} on {day}: {bought}.",
        serial=serial,
        left=left,
        amount=company.money(sale.amount),
        day=company.day(sale.created_at),
        bought=bought(sale.unit, sale.units, company),
    )
    return [last]


async def _claim(chat: Chat) -> list[Text]:
    """What is owed for power that somebody else had paid."""
    owed = sum([await owed_by(customer.id) for customer in chat.person.customers])
    amount = chat.company.money(owed)
    return [_("{amount} is owed for power that somebody else had paid.", amount=amount)] if owed else []


def _of_goods(goods: list[Contract], owed: dict[int, list[Due]], chat: Chat) -> Text:
    """What is to be paid on goods without a device, all together."""
    dues = oldest_first([due for one in goods for due in owed[one.id]])
    name = verbatim(goods[0].number) if len(goods) == 1 else _("Goods")
    return Text("{name}: {owing}.", {"name": name, "owing": owing(total_left(dues), dues, chat.company)})


def _left(paid_until: datetime | None, chat: Chat, *, until: bool = True) -> Text:
    """Days left, as far as we can know: the customer may have typed the token later than we sent it. Where there is no
    room for it, without the last of them."""
    if paid_until is None:
        return verbatim("")
    days = -(-(paid_until - datetime.now(UTC)).total_seconds() // 86_400)
    if days <= 0:
        return _("your days are used up. ")
    left = _n("{n} day left", "{n} days left", int(days))
    if not until:
        return Text("{left}. ", {"left": left})
    return _("{left}, until {day}. ", left=left, day=chat.company.day(paid_until))
