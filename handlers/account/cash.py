"""An agent asks for the cash held, its limit and the commission due."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _
from models.money.cash_limit import read_room
from models.money.ledger import commission_due
from models.people import Role


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
    kinds={"balance"},
)
async def cash(chat: Chat) -> Reply:
    await chat.pin()
    company, agent, room = chat.company, chat.agent, await read_room(chat.agent)
    values = {
        "limit": company.number(room.limit),
        "pending": company.number(room.promised),
        "room": company.number(max(room.left, 0)),
        "due": company.whole(await commission_due(agent.id)),
    }
    if room.wallet is not None:
        values["held"] = company.money(room.wallet)
        if room.promised:
            return chat.end(
                _(
                    "Your wallet has {held}. Customers asked you for {pending}: you can sell for {room} more. "
                    "Commission due {due}.",
                    **values,
                )
            )
        return chat.end(_("Your wallet has {held}: you can sell for that. Commission due {due}.", **values))
    values["held"] = company.money(room.held)
    if room.promised:
        return chat.end(
            _(
                "You hold {held} of {limit}. Customers asked you for {pending}: you can sell for {room} more. "
                "Commission due {due}.",
                **values,
            )
        )
    return chat.end(_("You hold {held} of {limit}. You can sell for {room} more. Commission due {due}.", **values))
