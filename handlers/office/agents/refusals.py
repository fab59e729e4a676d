"""Why something about an agent was not done, in the reader's language."""

from bot.company import Company
from handlers.account.retire import HoldsCash
from handlers.office.frame.times import day_name
from handlers.office.frame.words import _
from models.money.commission_payout import NotDue
from models.money.disputes import NotDisputed, NothingProposed
from models.money.hand_in import HandedInBefore, MoreThanHeld, NotBooked
from models.money.wallets import HasMoney, NotInWallet, NotPrepaid, NotToppedUp, ToppedUpBefore
from models.people import Agent
from models.people.agents import AgentExists, ChangedMeanwhile
from models.people.pins import RetiredBefore
from models.people.two_people import SamePerson
from models.selling.proposals import AskedAlready

REFUSALS = (
    *(NotBooked, NotToppedUp, HasMoney, NotDue, NotDisputed, SamePerson),
    *(HoldsCash, AgentExists, RetiredBefore, ChangedMeanwhile, AskedAlready),
)


def why_not(refusal: Exception, agent: Agent, company: Company) -> str:
    """The reason, and what to do about it."""
    match refusal:
        case MoreThanHeld(held=held):
            return _("{name} holds {amount}.", name=agent.name, amount=company.money(held))
        case HandedInBefore(earlier=earlier) | ToppedUpBefore(earlier=earlier):
            return _(
                "The same amount was booked on {day} at {time}, ref {reference}. Is this other money?",
                day=day_name(company, earlier.created_at),
                time=company.clock(earlier.created_at),
                reference=earlier.reference,
            )
        case NotPrepaid():
            return _("{name} has no wallet.", name=agent.name)
        case NotInWallet(there=there):
            return _("The wallet of {name} has {amount}.", name=agent.name, amount=company.money(there))
        case NotBooked() | NotToppedUp():
            return _("{reference} is the number of another booking.", reference=refusal)
        case HasMoney(amount=amount):
            return _(
                "{name} has {amount} in hand or in the wallet. Book or pay it out first.",
                name=agent.name,
                amount=company.money(amount),
            )
        case NotDue(due=due):
            return _("Commission due to {name}: {amount}.", name=agent.name, amount=company.money(due))
        case SamePerson():
            return _("{name} proposed it. Another one of the office has to agree.", name=refusal)
        case HoldsCash(held=held):
            return _(
                "{name} holds {amount}. Book what is handed in first, or say that it stays.",
                name=agent.name,
                amount=company.money(held),
            )
        case _other:
            return _of_people(refusal, agent)


def _of_people(refusal: Exception, agent: Agent) -> str:
    match refusal:
        case AskedAlready():
            return _("Somebody has asked for this already: another one of the office has to decide it first.")
        case NothingProposed():
            return _("Nobody has said yet how much it was: write the amount.")
        case NotDisputed():
            return _("Hand-in {reference} is settled already.", reference=refusal)
        case AgentExists():
            return _("{phone} is the number of an agent already.", phone=refusal)
        case RetiredBefore():
            return _("{name} is retired.", name=agent.name)
        case ChangedMeanwhile():
            return _(
                "Somebody else has changed {name} meanwhile. Look at what is there now, then save.", name=agent.name
            )
        case _other:
            raise refusal
