"""What an agent sold on the catalogue: to whom, and what is still to be paid."""

from bot.message import Reply
from bot.talks import Chat, Field, Invalid, Turn, echo, talk
from bot.text import Text, _, joined, verbatim
from handlers.selling.plan import show_contract
from handlers.wording import item_name, owner
from models.people import Role
from models.selling import Contract, Due, Terms, total_left
from models.selling.contracts import contracts_sold_by, dues_by_contract

LISTED = 60  # the newest sales; an older one is found by PLAN
MOST_PAGES = 60


@talk(
    "sales",
    roles={Role.AGENT},
    words={"en": ("SALES",), "sw": ("MAUZO",), "fr": ("VENTES",), "pt": ("VENDAS",), "ha": ("CINIKI",)},
    menu=_("My sales on a plan"),
    reads=True,
    usage=_("page"),
    example="2",
)
async def sales(chat: Chat) -> Reply:
    page = await _page(chat)
    await chat.pin()
    contracts = await contracts_sold_by(chat.agent, LISTED)
    chat.no_more()
    if not contracts:
        return chat.end(_("You sold no appliance yet."))
    chat.start_at(page)
    owed = await dues_by_contract(contracts)
    options = [(one.number, _line(one, owed[one.id], chat)) for one in contracts]
    number = await chat.choose("contract", _("Number, customer, item, owed"), options)
    return await show_contract(next(one for one in contracts if one.number == number), chat)


def _line(contract: Contract, owed: list[Due], chat: Chat) -> Text:
    """A service is paid by the day and never paid off: its price stands for what is left."""
    sold = f"{contract.number} {owner(contract.customer)} {item_name(contract.appliance.name)}"
    if contract.terms == Terms.SERVICE:
        price = _("{amount} a day", amount=chat.company.number(contract.day_price))
        return joined([verbatim(sold), price])
    return verbatim(f"{sold} {chat.company.number(total_left(owed))}")


async def _page(chat: Chat) -> int:
    """Written behind the keyword; from the menu the list is paged by 9."""
    return await chat.optional(Page(verbatim("")), otherwise=1)


class Page(Field[int]):
    name = "page"

    async def read(self, turn: Turn, answer: str) -> int:
        if not answer.isdecimal() or not 1 <= int(answer[:9]) <= MOST_PAGES:
            raise Invalid(_("{answer} is no page: 1 to {most}.", answer=echo(answer), most=MOST_PAGES))
        return int(answer[:9])
