"""Cash that an agent hands in: the office or a cashier counts it, it is booked, the commission is paid out, and the
agent reads what was counted and can say that it is not right."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.company import Company
from bot.message import Copy, Reply
from bot.outbound import Composer
from bot.talks import Chat, Turn, talk
from bot.talks.commands import Keyword, Words
from bot.talks.fields import Amount
from bot.text import Text, _, joined, plain_word, shorten
from bot.text.answers import AGAIN
from handlers.fields.agents import AgentHere
from handlers.wording import LONGEST_NAME
from models.messages import MessageKind
from models.money.hand_in import HandedIn, HandedInBefore, MoreThanHeld, NotBooked, hand_in, handed_in_today
from models.money.ledger import cash_held
from models.people import Agent, Role, pins

DISPUTE: Words = {
    "en": ("DISPUTE",),
    "sw": ("PINGA",),
    "fr": ("CONTESTER",),
    "pt": ("CONTESTAR",),
    "ha": ("KALUBALE",),
}
CASHIN: Words = {
    "en": ("CASHIN",),
    "sw": ("POKEA", "AMANA"),
    "fr": ("REMISE",),
    "pt": ("ENTREGA",),
    "ha": ("KARBA",),
}


@dataclass(frozen=True)
class HandInReceipt:
    """What the agent is told; not `new` when this reference was booked before, and told then."""

    text: Text
    new: bool


async def take_hand_in(
    agent: Agent,
    amount: int,
    reference: str = "",
    *,
    company: Company,
    composer: Composer,
    actor: str,
    again: bool = False,
) -> HandInReceipt:
    """Book cash that was counted (minor units), under the office's own reference or a new one, and tell the agent. In
    the caller's transaction; `Outbox.notify` after its commit. The same amount within 24 hours is booked only `again`.
    Raises MoreThanHeld, OtherReference and HandedInBefore."""
    booked = await hand_in(agent, amount, actor, reference, coin=company.coin, again=again)
    # The outbox takes the messages of an origin once: a reference that was booked before is told no second time.
    await composer.tell(f"hand in {booked.entry.id}", for_agent(booked, agent, company))
    return HandInReceipt(receipt(booked, company), booked.new)


def for_agent(booked: HandedIn, agent: Agent, company: Company) -> list[Copy]:
    """None where the agent is retired: the number may be another one's by now."""
    if agent.retired_at:
        return []
    return [Copy(agent.phone, receipt(booked, company), MessageKind.REPLY, agent.language)]


def receipt(booked: HandedIn, company: Company) -> Text:
    """The figure that was counted first, how the agent stands after it, and what to do when it is not right."""
    return _(
        "HANDED IN {amount}. You held {before}, now {held}. Commission {paid} paid out, {due} due. "
        "Not right? {keyword} {reference}",
        amount=company.money(booked.entry.amount),
        before=company.number(booked.before),
        held=company.number(booked.held),
        paid=company.number(booked.entry.commission),
        due=company.whole(booked.due),
        keyword=Keyword(DISPUTE),
        reference=booked.entry.reference,
    )


@talk(
    "cash in",
    roles={Role.AGENT},
    words=CASHIN,
    menu=_("Cash handed in"),
    menu_for=(),  # few agents are cashiers
    usage=_("agent amount PIN"),
    example="0700000002 50000",
    nothing=_("Not booked."),
    secret=True,
)
async def cash_in(chat: Chat) -> Reply:
    """A cashier books what another agent hands in: at once where the PIN stands behind it, else after a question."""
    company, cashier = chat.company, chat.agent
    if not cashier.cashier:
        chat.stop(_("Only cashiers book cash. Call {help}.", help=company.help_phone))
    agent = await chat.ask(AgentHere(_("Which agent? Phone or name.")))
    if agent.id == cashier.id:
        chat.stop(_("Not booked. Somebody else has to count your own cash."))
    amount = await chat.ask(Counted(_("How much was counted?")))
    again, held = chat.again(), await cash_held(agent.id)
    earlier = None if again or AGAIN & {*map(plain_word, chat.pieces)} else await handed_in_today(agent, amount)
    if earlier:
        chat.stop(_why_not(HandedInBefore(earlier), agent, amount, company), outcome="held")
    question = _(
        "Take {amount} from {name}? You counted it. {name} holds {held}.",
        amount=company.money(amount),
        name=shorten(agent.name, LONGEST_NAME),
        held=company.number(held),
    )
    if chat.unread or chat.given("pin"):
        await chat.pin(fresh=True)
        again = again or chat.again()
        chat.no_more()
    elif amount > held:  # what comes a moment later was not asked about
        return chat.end(_why_not(MoreThanHeld(held), agent, amount, company), outcome="refused")
    elif not await chat.confirm(question, pin=True):
        return chat.end(_("Not booked."), outcome="declined")
    try:
        booked = await hand_in(agent, amount, cashier.phone, coin=company.coin, again=again)
    except NotBooked as refusal:
        return chat.end(_why_not(refusal, agent, amount, company), outcome="refused")
    said = _(
        "HANDED IN {amount} by {name}, who holds {held} now. Ref {ref}",
        amount=company.money(amount),
        name=shorten(agent.name, LONGEST_NAME),
        held=company.number(booked.held),
        ref=booked.entry.reference,
    )
    return chat.end(said, also=for_agent(booked, agent, company), outcome="handed in")


class Counted(Amount):
    """An amount with a PIN behind it in one line."""

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        with_pin = len(pieces) > 1 and pins.is_pin(pieces[-1])
        return await super().pieces(turn, pieces[:-1] if with_pin else pieces)


def _why_not(refusal: NotBooked, agent: Agent, amount: int, company: Company) -> Text:
    name = shorten(agent.name, LONGEST_NAME)
    match refusal:
        case HandedInBefore(earlier=earlier):
            return _(
                "Not booked again. {name} handed in the same at {time}, ref {reference}. "
                "Once more: {keyword} {phone} {amount} {again}",
                name=name,
                time=company.clock(earlier.created_at),
                reference=earlier.reference,
                keyword=Keyword(CASHIN),
                phone=agent.phone,
                amount=company.typed(amount),
                again=_("AGAIN"),
            )
        case MoreThanHeld(held=held):
            return joined([_("Not booked."), _("{name} holds {held}.", name=name, held=company.money(held))])
        case _other:
            return joined([_("Not booked."), _("Call {help}.", help=company.help_phone)])
