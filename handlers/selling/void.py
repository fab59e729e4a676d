"""An agent wants a sale taken back: the office decides where a token was made, and both sides are told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.company import Company
from bot.message import Copy, Reply
from bot.outbound import Composer
from bot.talks import Chat, talk
from bot.talks.commands import Words
from bot.text import Text, _, joined, shorten, verbatim
from handlers.selling.received import payer_of
from handlers.tickets.questions import InWords
from handlers.wording import LONGEST_NAME, owner, owner_named, tail
from models.messages import MessageKind
from models.money.payments import Payment
from models.people import Agent, OfficeUser, Role
from models.selling import Sale, voids
from models.selling.agents_statement import TakenPayment, payments_taken
from models.selling.requests import PaymentRequest
from models.selling.taking_back import (
    CreditSpent,
    MovedBefore,
    NotTakenBack,
    PaidSince,
    TakenBack,
    VoidBefore,
    is_down_payment,
)
from models.selling.voids import AskedBefore, AskedTooLate

VOID: Words = {
    "en": ("VOID",),
    "sw": ("BATILISHA", "BATILI"),
    "fr": ("ANNULER",),
    "pt": ("ANULAR",),
    "ha": ("SOKE",),
}
LISTED = 20  # sales to choose from; older ones can be named
MOST = 1_000  # sales within the time for it that are looked at
WHICH = "which sale"  # the name of the question


@talk(
    "void",
    roles={Role.AGENT},
    words=VOID,
    menu=_("Void a sale"),
    usage=_("reference reason"),
    example=_("7KQ2M wrong meter"),
    nothing=_("Not taken back."),
)
async def void(chat: Chat) -> Reply:
    company, nothing = chat.company, _("Not taken back.")
    if not company.void_minutes:
        chat.stop(_("Only the office takes sales back. Call {help}.", help=company.help_phone))
    await _answer_for_older(chat)
    until = datetime.now(UTC) + timedelta(seconds=1)  # what was sold just now is among them
    since = until - timedelta(minutes=company.void_minutes)
    recent = await payments_taken(chat.agent.id, since, until, MOST)
    named, standing = _named_sale(chat), [one for one in recent if not one.void]
    listed = [one for place, one in enumerate(standing) if place < LISTED or one.reference == named]
    options = [(one.reference, _line(one, company)) for one in listed]
    if not options:
        chat.stop(
            _("You sold nothing in the last {n} min. Call {help}.", n=company.void_minutes, help=company.help_phone)
        )
    reference = await chat.choose(WHICH, _("Which sale?"), options)
    reason = await chat.ask(Reason(_("Why? In a few words.")))
    sale = await voids.find_own_sale(chat.agent, reference)
    if sale is None:
        chat.start_over()
    taken = next(one for one in recent if one.reference == reference)
    whose = owner_named(taken.name, taken.surname)
    values = {"amount": company.money(taken.amount), "serial": tail(taken.paid_for), "owner": whose}
    question = await _question(sale, chat.agent, values)
    if not await chat.confirm(question, pin=True):
        return chat.end(nothing, outcome="declined")
    try:
        done = await voids.ask(sale, chat.agent, reason, company.void_minutes, today=company.today())
    except NotTakenBack as refusal:
        return chat.end(joined([nothing, why_not(refusal, reference, company)]), outcome="refused")
    if done:
        said = for_agent(done, company)
        return chat.end(said, also=[*chat.also_by_sms(said), *_for_owner(done, company)], outcome="void")
    asked = _(
        "ASKED: take back {amount}, {serial}, ref {ref}. The office decides. Keep the cash until then.",
        ref=reference,
        **values,
    )
    return chat.end(asked, also=chat.also_by_sms(asked), outcome="asked")


async def _question(sale: Sale, agent: Agent, values: dict[str, str]) -> Text:
    """What is going to happen, and who decides."""
    if await voids.office_decides(sale, agent):
        return _("Ask the office to take back {amount}, {serial} {owner}?", **values)
    if is_down_payment(sale):
        return _("Undo the whole sale {serial} to {owner}? You give {amount} back and get the goods back.", **values)
    return _("Take back {amount}, {serial} {owner}? You give the cash back.", **values)


class Reason(InWords):
    """Why a sale is to be taken back."""

    name = "reason"


def _named_sale(chat: Chat) -> str:
    """The reference that was chosen before, or else that the caller's line begins with."""
    named = chat.pieces[0].upper() if chat.pieces else ""
    return next((str(chosen) for question, chosen in chat.own_answers if question == WHICH), named)


async def _answer_for_older(chat: Chat) -> None:
    """End the talk where one line names a sale of this agent that is too old, or void, or asked for."""
    if not chat.pieces or not (sale := await voids.find_own_sale(chat.agent, chat.pieces[0])):
        return
    company = chat.company
    known = await voids.void_of(sale)
    if known and known.state == voids.VoidState.DONE:
        chat.stop(why_not(VoidBefore(), sale.reference, company))
    if known and known.state == voids.VoidState.ASKED:
        chat.stop(why_not(AskedBefore(), sale.reference, company))
    if datetime.now(UTC) - sale.created_at > timedelta(minutes=company.void_minutes):
        chat.stop(joined([_("Not taken back."), why_not(AskedTooLate(), sale.reference, company)]))


def _line(one: TakenPayment, company: Company) -> Text:
    return verbatim(f"{one.reference} {tail(one.paid_for)} {company.number(one.amount)}")


def why_not(refusal: NotTakenBack, reference: str, company: Company) -> Text:
    """Why a sale stands, in one sentence."""
    match refusal:
        case AskedTooLate():
            return _(
                "{ref} is older than {n} min. Call {help}.",
                ref=reference,
                n=company.void_minutes,
                help=company.help_phone,
            )
        case AskedBefore():
            return _("{ref}: the office knows already. It decides.", ref=reference)
        case VoidBefore():
            return _("{ref} is void already.", ref=reference)
        case MovedBefore():
            return _("{ref} was moved to another device.", ref=reference)
        case CreditSpent():
            return _("{ref}: its rest was used already. Call {help}.", ref=reference, help=company.help_phone)
        case PaidSince():
            return _("{ref}: more was paid since. Call {help}.", ref=reference, help=company.help_phone)
        case _other:
            return _("Call {help}.", help=company.help_phone)


def for_agent(done: TakenBack, company: Company) -> Text:
    """What the agent reads: what is void, and what to do with the cash."""
    values = {
        "ref": done.sale.reference,
        "amount": company.money(done.sale.amount),
        "serial": tail(done.name),
        "owner": owner(done.customer),
        "held": company.number(done.held),
    }
    if done.agent and done.agent.prepaid:
        return _("VOID {ref}: {amount}, {serial}. Give {owner} the cash back. Wallet {held}", **values)
    return _("VOID {ref}: {amount}, {serial}. Give {owner} the cash back. You hold {held}", **values)


async def _for_customers(done: TakenBack, company: Company) -> list[Copy]:
    """What the owner reads, and who paid by phone, where that is somebody else: the money is theirs."""
    if done.agent or done.at_counter:
        return _for_owner(done, company)
    payment = await Payment.get(id=done.sale.payment_id)
    request = await PaymentRequest.get_or_none(payment_id=payment.id)
    payer = await payer_of(payment, request, company)
    if not payer.phone or payer.phone == done.customer.phone:
        return _for_owner(done, company)
    values = _named(done, company)
    theirs = Copy(payer.phone, _by_phone(values), MessageKind.REPLY, payer.language)
    if done.customer.phone is None:
        return [theirs]
    text = _(
        "VOID: {amount} for {serial}, ref {ref}. Do not enter its code. We call who paid it. Help {help}", **values
    )
    return [Copy(done.customer.phone, text, MessageKind.REPLY, done.customer.language), theirs]


def _named(done: TakenBack, company: Company) -> dict[str, str]:
    return {
        "ref": done.sale.reference,
        "amount": company.money(done.sale.amount),
        "serial": tail(done.name),
        "help": company.help_phone,
    }


def _by_phone(values: Mapping[str, str]) -> Text:
    return _(
        "VOID: your {amount} for {serial}, ref {ref}. Do not enter its code. We have the money and call you. "
        "Help {help}",
        **values,
    )


def _for_owner(done: TakenBack, company: Company) -> list[Copy]:
    """None where the customer has no phone."""
    customer = done.customer
    if customer.phone is None:
        return []
    values = _named(done, company)
    if done.agent is None and not done.at_counter:
        text = _by_phone(values)
    else:
        values["name"] = shorten(done.agent.name if done.agent else company.name, LONGEST_NAME)
        text = _("VOID: your {amount} for {serial}, ref {ref}. {name} gives you the cash back. Help {help}", **values)
        if done.digits:
            text = _(
                "VOID: your {amount} for {serial}, ref {ref}. Do not enter its code. {name} gives you the cash back. "
                "Help {help}",
                **values,
            )
    return [Copy(customer.phone, text, MessageKind.REPLY, customer.language)]


async def void_by_office(
    sale: Sale, by: OfficeUser, reason: str = "", *, company: Company, composer: Composer
) -> TakenBack | None:
    """One of the office takes back a sale, or asks another one to where nobody did; then both sides are told. In the
    caller's transaction; `Outbox.notify` after its commit. Raises what `voids.approve` raises."""
    done = await voids.approve(sale, by, reason, today=company.today())
    if done:
        await composer.tell(f"void {sale.id}", [*_for_seller(done, company), *await _for_customers(done, company)])
    return done


def _for_seller(done: TakenBack, company: Company) -> list[Copy]:
    agent = done.agent
    if agent is None or agent.retired_at:
        return []
    return [Copy(agent.phone, for_agent(done, company), MessageKind.REPLY, agent.language)]


async def refuse_by_office(sale: Sale, by: OfficeUser, *, company: Company, composer: Composer) -> None:
    """One of the office lets a sale stand, and the agent who asked is told. In the same way. Raises NobodyAsked."""
    asked = await voids.refuse(sale, by)
    agent = await Agent.get_or_none(id=sale.agent_id, phone=asked.asked_by, retired_at=None)
    if agent:
        text = _(
            "NOT VOID: sale {ref}, {amount}, stands. Questions? Call {help}.",
            ref=sale.reference,
            amount=company.money(sale.amount),
            help=company.help_phone,
        )
        copies = [Copy(agent.phone, text, MessageKind.REPLY, agent.language)]
        await composer.tell(f"void {asked.id} refused", copies)
