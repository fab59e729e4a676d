"""An agent says that a hand-in is not right, and the office settles it: both sides are told."""

from bot.company import Company
from bot.message import Copy, Reply
from bot.outbound import Composer
from bot.talks import Chat, talk
from bot.text import Text, _, shorten, verbatim
from handlers.account.hand_in import DISPUTE
from handlers.tickets.questions import InWords
from handlers.wording import LONGEST_NAME
from models.messages import MessageKind
from models.money import disputes
from models.money.disputes import Settled
from models.money.hand_in import HandIn
from models.people import Agent, OfficeUser, Role
from models.people.agents import find_agent

MOST_PIECES = 4  # of a reference that the office has chosen, which may have spaces
SAID = 60  # letters of what the agent says that a cashier reads


@talk(
    "dispute",
    roles={Role.AGENT},
    words=DISPUTE,
    menu=_("Dispute a hand-in"),
    usage=_("reference text"),
    example=_("7KQ2M I gave 60000"),
    at_once=True,
)
async def dispute(chat: Chat) -> Reply:
    company, agent = chat.company, chat.agent
    await _answer_for_older(chat)
    open_ = await disputes.disputable(agent)
    if not open_:
        chat.stop(_("You handed in no cash in the last 48 hours."))
    options = [(one.reference, _line(one, company)) for one in open_]
    reference = await chat.choose("hand in", _("Which hand-in?"), options)
    words = await chat.ask(Said(_("What is wrong? How much was it?"))) if _asks_for_words(chat) else ""
    entry = next(one for one in open_ if one.reference == reference)
    try:
        await disputes.dispute(entry, agent, words)
    except disputes.DisputedBefore:
        return chat.end(
            _("{reference}: the office knows already. It counts again.", reference=reference), outcome="disputed"
        )
    except disputes.NotDisputed:
        return chat.end(_settled_already(reference, company), outcome="settled")
    said = _(
        "DISPUTED: hand-in {reference}, {amount}. The office counts again and you are told.",
        reference=reference,
        amount=company.money(entry.amount),
    )
    also = [*chat.also_by_sms(said), *await _for_cashier(entry, agent, words, company)]
    return chat.end(said, also=also, outcome="disputed")


def _asks_for_words(chat: Chat) -> bool:
    """Step by step they are asked for; behind a reference they may stand."""
    return not chat.one_line or bool(chat.unread) or chat.given(Said.name)


class Said(InWords):
    """What an agent says to a hand-in, if anything."""

    name = "said"


async def _answer_for_older(chat: Chat) -> None:
    """End the talk where one line names a hand-in of this agent that is too old to be disputed."""
    pieces = chat.pieces
    for count in range(min(len(pieces), MOST_PIECES), 0, -1):
        entry = await disputes.find_own(chat.agent, " ".join(pieces[:count]))
        if entry and entry.id not in [one.id for one in await disputes.disputable(chat.agent)]:
            day = chat.company.day(entry.created_at)
            chat.stop(
                _(
                    "Too late: {reference} was on {day}, and you had 48 hours. Call {help}.",
                    reference=entry.reference,
                    day=day,
                    help=chat.company.help_phone,
                )
            )


def _line(one: HandIn, company: Company) -> Text:
    return verbatim(f"{one.reference} {company.day(one.created_at)} {company.number(one.amount)}")


def _settled_already(reference: str, company: Company) -> Text:
    return _("{reference} is settled already. Call {help}.", reference=reference, help=company.help_phone)


async def _for_cashier(entry: HandIn, agent: Agent, words: str, company: Company) -> list[Copy]:
    """What a cashier reads who counted it; the office has an alert."""
    cashier = await find_agent(entry.actor)
    if cashier is None:
        return []
    values = {
        "name": shorten(agent.name, LONGEST_NAME),
        "reference": entry.reference,
        "amount": company.money(entry.amount),
    }
    text = _("{name} disputes hand-in {reference}, {amount}, that you counted. The office decides.", **values)
    if words:
        said = shorten(words, SAID)
        text = _("{name} disputes hand-in {reference}, {amount}: '{text}'. The office decides.", text=said, **values)
    return [Copy(cashier.phone, text, MessageKind.REPLY, cashier.language)]


async def settle_hand_in(
    entry: HandIn, amount: int | None, by: OfficeUser, *, company: Company, composer: Composer, seen: int | None = None
) -> Settled:
    """One of the office says how much was handed in, or agrees to what another one said; then both sides are told. In
    the caller's transaction; `Outbox.notify` after its commit. Raises what `disputes.settle` raises."""
    settled = await disputes.settle(entry, amount, by, seen=seen, coin=company.coin)
    if settled.agreed:
        await composer.tell(f"settled {entry.id}", await _for_both(settled, company))
    return settled


async def _for_both(settled: Settled, company: Company) -> list[Copy]:
    entry, figures = settled.entry, settled.figures
    agent, cashier = await Agent.get(id=entry.agent_id), await find_agent(entry.actor)
    values = {
        "reference": entry.reference,
        "amount": company.money(settled.amount),
        "before": company.number(entry.amount),
        "held": company.number(figures.held),
        "due": company.whole(figures.due),
    }
    changed = settled.amount != entry.amount
    if changed:
        told = _(
            "SETTLED: hand-in {reference} was {amount}, not {before}. You hold {held}. Commission {due} due.", **values
        )
    else:
        told = _("SETTLED: hand-in {reference} stays {amount}. You hold {held}. Commission {due} due.", **values)
    copies = [] if agent.retired_at else [Copy(agent.phone, told, MessageKind.REPLY, agent.language)]
    if cashier:
        values["name"] = shorten(agent.name, LONGEST_NAME)
        if changed:
            short = _("SETTLED: hand-in {reference} of {name} was {amount}, not {before}.", **values)
        else:
            short = _("SETTLED: hand-in {reference} of {name} stays {amount}.", **values)
        copies.append(Copy(cashier.phone, short, MessageKind.REPLY, cashier.language))
    return copies
