"""What an agent holds, and what a customer has left."""

from datetime import UTC, datetime

from bot.chat import Chat
from bot.commands import talk
from bot.i18n import Text, _, _n, verbatim
from bot.message import Reply
from handlers.receipt import bought
from handlers.serial import own_device
from models.ledger import cash_held, commission_due
from models.people import Role
from models.sales import last_tokens


@talk(
    "cash",
    roles={Role.AGENT},
    words={
        "en": ("CASH", "FLOAT"),
        "sw": ("FEDHA",),
        "fr": ("CAISSE",),
        "pt": ("CAIXA",),
        "ha": ("KUDI",),
    },
    menu=_("My cash"),
)
async def cash(chat: Chat) -> Reply:
    await chat.pin()
    held, due = await cash_held(chat.agent.id), await commission_due(chat.agent.id)
    site, limit = chat.site, chat.agent.cash_limit
    return chat.end(
        _(
            "You hold {held} of {limit}. You can sell for {room} more. Commission due {due}.",
            held=site.money(held),
            limit=site.number(limit),
            room=site.number(max(limit - held, 0)),
            due=site.whole(due),
        )
    )


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
)
async def balance(chat: Chat) -> Reply:
    device = await own_device(chat)
    if device is None:
        return chat.end(_("You have no device yet. Call {help}.", help=chat.site.help_phone))
    site, language = chat.site, chat.language
    newest = await last_tokens(device, 1)
    if not newest:
        return chat.end(_("{serial}: nothing paid yet. Pay your agent.", serial=device.serial))
    sale, _digits = newest[0]
    return chat.end(
        _(
            "{serial}: {left}Last paid {amount} on {day}: {bought}.",
            serial=device.serial,
            left=_left(device.paid_until, chat),
            amount=site.money(sale.amount),
            day=site.day(sale.created_at, language),
            bought=bought(sale.unit, sale.units),
        )
    )


def _left(paid_until: datetime | None, chat: Chat) -> Text:
    """Days left, as far as we can know: the customer may have typed the token later than we sent it."""
    if paid_until is None:
        return verbatim("")
    days = -(-(paid_until - datetime.now(UTC)).total_seconds() // 86_400)
    if days <= 0:
        return _("your days are used up. ")
    until = chat.site.day(paid_until, chat.language)
    return _("{left}, until {day}. ", left=_n("{n} day left", "{n} days left", int(days)), day=until)
