"""An agent takes a payment for goods on instalments, by the number of their sale."""

from bot.message import Reply
from bot.talks.chat import Chat
from bot.talks.commands import talk
from bot.talks.fields import Amount
from bot.text.i18n import _
from handlers.fields.devices import Payable
from handlers.selling.buy import take
from models.people.tables import Role


@talk(
    "pay",
    roles={Role.AGENT},
    words={"en": ("PAY",), "sw": ("REJESHO",), "fr": ("VERSER",), "pt": ("PRESTACAO",), "ha": ("BIYAN",)},
    menu=_("Take an instalment"),
    usage=_("S-number amount"),
    example="S1042 800",
    nothing=_("Not taken."),
)
async def pay(chat: Chat) -> Reply:
    paid_for = await chat.ask(Payable(_("Number (S1042) or serial?")))
    return await take(chat, pay, paid_for, await chat.ask(Amount(_("Amount paid?"))))
