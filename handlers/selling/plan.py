"""What is paid on a plan, what is left, and what falls due next: for the agent and for the customer."""

from collections.abc import Sequence

from bot.company import Company
from bot.message import Reply
from bot.talks import Chat, Field, Invalid, Turn, echo, talk
from bot.talks.listing import enumerated
from bot.text import Text, _, verbatim
from handlers.fields.devices import PaidFor, no_other_device
from handlers.fields.naming import reachable_contract
from handlers.fields.serials import count_pieces, read_serial
from handlers.wording import fitting, item_name, least, owner, tail, under
from models.people import Role
from models.selling import Contract, Due, Terms, contracts_of
from models.selling.contracts import Ending, count_paid, open_instalments

WORDS = {"en": ("PLAN",), "sw": ("MPANGO",), "fr": ("PLAN",), "pt": ("PLANO",), "ha": ("TSARI",)}
NEXT = 3  # instalments that are shown
ENDINGS = {
    Ending.RETURNED: _("Returned. Nothing is owed."),
    Ending.WRITTEN_OFF: _("Nothing is owed any more."),
    Ending.VOID: _("Taken back. Nothing is owed."),
}


@talk(
    "plan",
    roles={Role.AGENT},
    words=WORDS,
    menu=_("Payment plan"),
    reads=True,
    usage=_("serial or S-number"),
    example="SHS0283",
)
async def plan(chat: Chat) -> Reply:
    paid_for = await chat.ask(PaidFor(_("Number (S1042) or serial?")))
    await chat.pin()
    signed = await paid_for.contract()
    contract = await reachable_contract(chat, signed.number) if signed else None
    if contract is None:
        return chat.end(_("{serial} is on no plan.", serial=paid_for.name))
    return await show_contract(contract, chat)


@talk(
    "own plan",
    roles={Role.CUSTOMER},
    words=WORDS,
    menu=_("Payment plan"),
    reads=True,
    kinds={"plan"},
    arguments=no_other_device,
)
async def own_plan(chat: Chat) -> Reply:
    contracts = await contracts_of(chat.person.customers)
    if not contracts:
        chat.stop(_("You have nothing on a plan. Call {help}.", help=chat.company.help_phone))
    if chat.behind_keyword(OwnPlan.name):
        return await show_contract(await chat.ask(OwnPlan(contracts)), chat)
    if len(contracts) == 1:
        return await show_contract(contracts[0], chat)
    options = [(one.number, verbatim(_label(one))) for one in contracts]
    number = await chat.choose("plan", _("Which one?"), options)
    return await show_contract(next(one for one in contracts if one.number == number), chat)


class OwnPlan(Field[Contract]):
    """One of the caller's own plans, as it was written behind the keyword."""

    name = "own plan"

    def __init__(self, contracts: Sequence[Contract]) -> None:
        super().__init__(_("Which one?"))
        self._contracts = contracts

    async def read(self, turn: Turn, answer: str) -> int:
        written = await read_serial(answer)
        for one in self._contracts:
            if written in (one.number, one.number[1:], one.device.serial if one.device else ""):
                return int(one.id)
        choices = enumerated([one.device.serial if one.device else one.number for one in self._contracts])
        raise Invalid(_("{answer}? Send one of: {choices}.", answer=echo(answer), choices=choices))

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return await count_pieces(self, turn, pieces)

    async def find(self, turn: Turn, recorded: int) -> Contract:
        found = next((one for one in self._contracts if one.id == recorded), None)
        if found is None:
            turn.start_over()
        return found


async def show_contract(contract: Contract, chat: Chat) -> Reply:
    """A plan: what it is for, how much of it is paid, the next instalments."""
    company = chat.company
    heading = f"{_label(contract)}, {owner(contract.customer)}" if chat.person.agent else _label(contract)
    lines = [verbatim(heading)]
    if contract.ending:
        return chat.end(under(*lines, ENDINGS[Ending(contract.ending)]))
    if contract.terms == Terms.SERVICE:
        price = _("{amount} a day", amount=company.money(contract.day_price))
        return chat.end(under(*lines, price, *least(contract, company)))
    dues = await open_instalments(contract)
    if not dues:
        return chat.end(under(*lines, _("Paid off. Nothing is left to pay.")))
    paid, count = await count_paid(contract)
    left = company.money(sum(due.left for due in dues))
    lines.append(_("{paid} of {count} paid, {left} owed", paid=paid, count=count, left=left))
    coming = [_due(due, company) for due in dues[:NEXT]]
    smallest = least(contract, company)
    fewer = [under(*lines, *coming[:count], *smallest) for count in range(len(coming), 0, -1)]
    return chat.end(fitting(chat.language, fewer))


def _due(due: Due, company: Company) -> Text:
    line = f"{company.date(due.due_on)} {company.number(due.left)}"
    return _("{line} overdue", line=line) if due.due_on < company.today() else verbatim(line)


def _label(contract: Contract) -> str:
    """The number, the item, and the serial of a device: S1001 Solar home SHS0283."""
    serial = f" {tail(contract.device.serial)}" if contract.device else ""
    return f"{contract.number} {item_name(contract.appliance.name)}{serial}"
