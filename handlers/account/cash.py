"""An agent asks for the cash held, its limit and the commission due."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.commands import Keyword
from bot.text import Text, _, joined
from handlers.selling.no_room import WALLET
from models.money.ledger import commission_due
from models.people import Role
from models.selling.cash_limit import Room, read_room


@talk(
    "cash",
    roles={Role.AGENT},
    words={
        "en": ("CASH", "FLOAT", "BAL", "BALANCE"),
        "sw": ("FEDHA", "SALIO"),
        "fr": ("CAISSE", "SOLDE"),
        "pt": ("CAIXA", "SALDO"),
        "ha": ("KUDI", "SAURA"),
    },
    menu=_("My cash"),
    reads=True,
    kinds={"balance", "held"},
)
async def cash(chat: Chat) -> Reply:
    await chat.pin()
    room = await read_room(chat.agent)
    values = {
        "held": chat.company.money(room.held if room.wallet is None else room.wallet),
        "limit": chat.company.number(room.limit),
        "pending": chat.company.number(room.promised),
        "room": chat.company.number(max(room.left, 0)),
        "due": chat.company.whole(await commission_due(chat.agent.id)),
    }
    if room.wallet is not None:
        return chat.end(joined([_in_wallet(room, values), _how_to_top_up(chat)]))
    if room.promised:
        return chat.end(
            _(
                "You hold {held} of {limit}. Customers asked you for {pending}: you can sell for {room} more. "
                "Commission due {due}.",
                **values,
            )
        )
    return chat.end(_("You hold {held} of {limit}. You can sell for {room} more. Commission due {due}.", **values))


def _in_wallet(room: Room, values: dict[str, str]) -> Text:
    if room.promised:
        return _(
            "Your wallet has {held}. Customers asked you for {pending}: you can sell for {room} more. "
            "Commission due {due}.",
            **values,
        )
    return _("Your wallet has {held}: you can sell for that. Commission due {due}.", **values)


def _how_to_top_up(chat: Chat) -> Text | None:
    """Where more comes from: the phone is asked, else its own menu pays; nothing where it is the office alone."""
    if chat.company.mobile_money_of(chat.agent.phone):
        return _("Top up: send {word} and the amount.", word=Keyword(WALLET))
    if by := chat.company.with_pay_bill:
        return _("Top up: {wallet} pay bill {bill}, account your phone number.", wallet=by.title, bill=by.pay_bill)
    return None
