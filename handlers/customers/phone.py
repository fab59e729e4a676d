"""The office gives a customer another phone number: the old and the new one are told, and what the old one was to be
asked or reminded of goes to the new one."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from bot.text import _
from handlers.tickets.news import News
from handlers.wording import owner
from models.audit import record
from models.messages import MessageKind
from models.messages.withdrawal import withdraw_question_about, withdraw_reminders
from models.people import Customer
from models.people.agents import find_agent
from models.selling import contracts_of
from models.sql import now_ms
from models.tickets.tickets import asked_of


async def change_phone(
    customer: Customer, new: str | None, *, company: Company, composer: Composer, actor: str
) -> bool:
    """Give a customer this number (E.164), or none, and tell both numbers, in the caller's transaction; `Outbox.notify`
    after its commit. False: the customer has it already."""
    if customer.phone == new:
        return False
    questions = await _move_questions(customer, new, company)
    await withdraw_reminders([contract.id for contract in await contracts_of([customer])])
    await Customer.filter(id=customer.id).update(phone=new)
    await record(actor, "customer phone", f"customer {customer.id}", old=customer.phone or "", new=new or "")
    await composer.tell(f"customer {customer.id} phone {now_ms()}", [*_notices(customer, new, company), *questions])
    return True


async def _move_questions(customer: Customer, new: str | None, company: Company) -> list[Copy]:
    """Whether a ticket is fixed is asked of the number that answers from now on, and of no agent's, which cannot."""
    questions, answers = [], new if new and await find_agent(new) is None else None
    for ticket in await asked_of(customer):
        if customer.phone:
            await withdraw_question_about(ticket.number, customer.phone)
        if answers:
            text = News(ticket, company).fixed()
            questions.append(Copy(answers, text, MessageKind.REPLY, customer.language, ticket.number))
    return questions


def _notices(customer: Customer, new: str | None, company: Company) -> list[Copy]:
    """Both numbers are told, whose codes they are: others may share the phone. Whoever loses them against his will can
    call."""
    about = {"company": company.name, "help": company.help_phone, "owner": owner(customer)}
    lost = _("{company}: codes for {owner} do not come to this number any more. Wrong? Call {help}.", **about)
    got = _("{company}: codes for {owner} come to this number now. Wrong? Call {help}.", **about)
    notices = ((customer.phone, lost), (new, got))
    return [Copy(phone, text, MessageKind.REPLY, customer.language) for phone, text in notices if phone]
