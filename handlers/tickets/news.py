"""What is said of a ticket, and to whom: the customer, the agent who does the work, the agent who reported it."""

import re
from dataclasses import dataclass

from bot.company import Company
from bot.message import Copy
from bot.talks.commands import Keyword, Words
from bot.text import SCREEN, Text, _, plain, plain_word, septets, shorten, verbatim
from handlers.wording import LONGEST_NAME, owner, tail
from models.messages import MessageKind
from models.people import Agent
from models.tickets import Category, Ticket, TicketState

FIX: Words = {
    "en": ("FIX", "PROBLEM", "FAULT", "TICKET"),
    "sw": ("TATIZO", "SHIDA"),
    "fr": ("PANNE",),
    "pt": ("AVARIA", "PROBLEMA"),
    "ha": ("MATSALA",),
}
STATUS: Words = {"en": ("STATUS",), "sw": ("HALI",), "fr": ("ETAT",), "pt": ("ESTADO",), "ha": ("HALI", "MATSAYI")}
# No word for closing: carriers take CLOSE and END (reference: users 2.5). The second ones are what we ask: is it fixed?
DONE: Words = {
    "en": ("DONE", "FIXED"),
    "sw": ("TAYARI", "IMETENGENEZWA"),
    "fr": ("FAIT", "REPARE"),
    "pt": ("FEITO", "RESOLVIDO"),
    "ha": ("GAMA", "GYARA"),
}

# What is wrong, in the order in which it is asked: what happens most often first.
REPORTED = {
    Category.POWER: _("no power"),
    Category.CODE: _("code refused"),
    Category.PAID: _("paid no code"),
    Category.DEVICE: _("device broken"),
    Category.OTHER: _("other"),
}
LABELS = {**REPORTED, Category.PAYMENT: _("payment")}
TINY, SHORT, LONG, WHOLE = 15, 30, 45, 95  # septets that a problem or a comment may take of a message
LEAST = 8  # septets of words below which they say nothing


def category_of(text: str, language: str) -> Category:
    """The category that a text names at its beginning, in this language or in English, by the whole label. `other` is
    never a guess."""
    words = plain_word(text)
    for category, label in REPORTED.items():
        names = {plain_word(label.to(each)) for each in (language, "en")}
        if any(re.match(rf"{re.escape(name)}(?![\w'-])", words) for name in names):
            return category
    return Category.OTHER


def problem(ticket: Ticket, most: int) -> Text:
    """What is wrong, in some `most` septets: the category where the text does not name it, and the text."""
    text, category = plain(ticket.text, accents=True), Category(ticket.category)
    if not text:
        return LABELS[category]
    if any(category is category_of(text, language) for language in FIX):
        return verbatim(shorten(text, most))
    room = most - len(": ") - max(septets(LABELS[category].to(language)) for language in FIX)
    if room < LEAST:
        return LABELS[category]
    return Text("{category}: {text}", {"category": LABELS[category], "text": shorten(text, room)})


@dataclass(frozen=True)
class News:
    """The sentences about one ticket, each in the language of who reads it."""

    ticket: Ticket
    company: Company

    @property
    def _worker(self) -> Agent | None:
        """The agent who does the work, as long as the customer is in reach."""
        return self._in_reach(self.ticket.agent)

    @property
    def _reporter(self) -> Agent | None:
        return self._in_reach(self.ticket.reporter)

    def _in_reach(self, agent: Agent | None) -> Agent | None:
        """None for an agent who is retired, whose number may be another one's, or of another mini-grid by now: neither
        reads of the customer nor calls."""
        if agent is None or agent.retired_at:
            return None
        return agent if agent.mini_grid_id == self.ticket.customer.mini_grid_id else None

    def customer(self, text: Text, *, actor: str, asks: str = "") -> list[Copy]:
        """A copy for the customer, unless the customer has no phone or did it. `asks` is what a question is about."""
        customer = self.ticket.customer
        if customer.phone is None or customer.phone == actor:
            return []
        return [Copy(customer.phone, text, MessageKind.REPLY, customer.language, asks)]

    def who_knows(self, text: Text, *, actor: str) -> list[Copy]:
        """The same where the customer knows of the ticket: a visit for what is overdue is told to the agents alone."""
        return [] if self.ticket.category == Category.PAYMENT else self.customer(text, actor=actor)

    def agents(self, text: Text, *, actor: str) -> list[Copy]:
        """A copy for who does the work and for who reported it, each once, but not for who did this."""
        both = {agent.phone: agent for agent in (self._worker, self._reporter) if agent}
        return [Copy(phone, text, MessageKind.REPLY, agent.language) for phone, agent in both.items() if phone != actor]

    def both(self, text: Text, *, actor: str) -> list[Copy]:
        """Copies for both sides; one for an agent who is the customer."""
        return [*self.customer(text, actor=actor), *self._but_the_customer(self.agents(text, actor=actor))]

    def _but_the_customer(self, agents: list[Copy]) -> list[Copy]:
        return [copy for copy in agents if copy.phone != self.ticket.customer.phone]

    def saved(self) -> Text:
        return _(
            "Problem saved. Ticket {number}. {subject}. {who} Ask any time: {status} {number}",
            number=self.ticket.number,
            subject=self.subject(SHORT),
            who=self.who(),
            status=Keyword(STATUS),
        )

    def saved_for_agent(self) -> Text:
        return _(
            "Problem saved. Ticket {number}. {owner}, {subject}. It is yours, due {day}. Fixed? Send {done} {number}",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
            subject=self.subject(SHORT),
            day=self.company.day(self.ticket.due_at),
            done=Keyword(DONE),
        )

    def given(self) -> Text:
        """For the agent who is to do it."""
        return _(
            "Ticket {number} is yours, due {day}. {owner} {phone}, {problem}. Fixed? Send {done} {number}",
            number=self.ticket.number,
            day=self.company.day(self.ticket.due_at),
            owner=owner(self.ticket.customer),
            phone=self.ticket.customer.phone or "-",
            problem=self.subject(LONG),
            done=Keyword(DONE),
        )

    def handed_over(self, *, actor: str, former: Agent | None = None) -> list[Copy]:
        """What both sides read when somebody else gave the work to somebody: the customer, who does it now, and who
        did it before or reported it."""
        agent = self._worker
        mine = [Copy(agent.phone, self.given(), MessageKind.REPLY, agent.language)] if agent else []
        others = {each.phone: each for each in (former, self._reporter) if each and each != agent}
        theirs = [Copy(phone, self._whose(), MessageKind.REPLY, each.language) for phone, each in others.items()]
        return [*self.customer(self._whose(), actor=actor), *mine, *theirs]

    def _whose(self) -> Text:
        return _("Ticket {number}: {who}", number=self.ticket.number, who=self.who())

    def status(self, language: str, last: str) -> Text:
        """How it stands, with as much of the last comment as there is room for."""
        head = self._state()
        who = self.who() if self.ticket.state == TicketState.OPEN else verbatim("")
        values = {"head": head, "owner": owner(self.ticket.customer), "subject": self.subject(SHORT), "who": who}
        said = Text("{head} {owner}, {subject}. {who}", values).to(language).strip()
        room = SCREEN - septets(plain(said)) - len(' ""')
        if not last or room < LEAST:
            return verbatim(said)
        return verbatim(f'{said} "{shorten(last, room)}"')

    def _state(self) -> Text:
        ticket, number = self.ticket, self.ticket.number
        if ticket.state == TicketState.CLOSED and ticket.closed_at:
            return _("{number} is closed since {day}.", number=number, day=self.company.day(ticket.closed_at))
        if ticket.state == TicketState.ASKED and ticket.asked_at:
            day = self.company.day(ticket.asked_at)
            return _("{number}: the customer was asked on {day} if it is fixed.", number=number, day=day)
        return _("{number} is open, due {day}.", number=number, day=self.company.day(ticket.due_at))

    def comment(self, name: str, text: str) -> Text:
        return _(
            "{name} on {number}: {words}\nAnswer: T {number} and your words",
            name=shorten(name, LONGEST_NAME),
            number=self.ticket.number,
            words=shorten(text, WHOLE),
        )

    def fixed(self) -> Text:
        """The question to the customer."""
        return _(
            "Ticket {number}, {subject}: is it fixed? Reply 1 for yes, 2 for no. Without an answer it closes on {day}.",
            number=self.ticket.number,
            subject=self.subject(SHORT),
            day=self.company.day(self.ticket.closes_at),
        )

    def asked(self) -> Text:
        """For the agents, while the customer is asked."""
        return _(
            "{number}: {owner} is asked if it is fixed. Without an answer it closes on {day}.",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
            day=self.company.day(self.ticket.closes_at),
        )

    def closed(self) -> Text:
        return _(
            "{number} is closed. Not fixed after all? Send T {number} and what is wrong.", number=self.ticket.number
        )

    def closed_by_you(self) -> Text:
        """For the customer who said that it is fixed."""
        return _(
            "{number} is closed. Not fixed after all? Reply 2 within 7 days, or send T {number} and what is wrong.",
            number=self.ticket.number,
        )

    def next_after(self, said: Text) -> Text:
        """The question to the customer again, behind what became of another ticket."""
        return _(
            "{said} And {number}, {subject}: is it fixed? Reply 1 for yes, 2 for no.",
            said=said,
            number=self.ticket.number,
            subject=self.subject(SHORT),
        )

    def added(self, *, by_customer: bool) -> Text:
        """For who added words. They are no answer: the customer who was asked is asked once more."""
        if not by_customer or self.ticket.state != TicketState.ASKED:
            return _("Added to {number}.", number=self.ticket.number)
        return _("Added to {number}. Is it fixed? Reply 1 for yes, 2 for no.", number=self.ticket.number)

    def closed_by_customer(self) -> Text:
        return _(
            "{number} is closed: {owner} says it is fixed.",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
        )

    def closed_by_silence(self) -> Text:
        return _(
            "{number} is closed: {owner} did not answer.",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
        )

    def closed_by_office(self, text: str) -> Text:
        return _("{number} is closed by the office: {words}", number=self.ticket.number, words=shorten(text, WHOLE))

    def closed_unasked(self) -> Text:
        """For the agents; a customer without a phone can be neither asked nor told. Of a visit nobody has to be."""
        if self.ticket.customer.phone or self.ticket.category == Category.PAYMENT:
            return _("{number} is closed.", number=self.ticket.number)
        return _(
            "{number} is closed. {owner} has no phone to ask.",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
        )

    def closed_for_all(self, *, actor: str) -> list[Copy]:
        """That it is closed without a question, for both sides."""
        customer, agents = self.who_knows(self.closed(), actor=actor), self.agents(self.closed_unasked(), actor=actor)
        return [*customer, *(self._but_the_customer(agents) if customer else agents)]

    def open_again(self) -> Text:
        return _("{number} is open again. {who}", number=self.ticket.number, who=self.who())

    def not_fixed(self, text: str) -> Text:
        """For the agents, with what the customer said beside the no."""
        return _(
            "{number} is open again: not fixed, says {owner} {phone}. {problem}",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
            phone=self.ticket.customer.phone or "-",
            problem=shorten(text, LONG) if text else self.subject(SHORT),
        )

    def wrote(self, text: str) -> Text:
        """For the agents, when the customer was asked and wrote something, but no yes."""
        return _(
            "{number} is open again: {owner} {phone} did not say that it is fixed: {words}",
            number=self.ticket.number,
            owner=owner(self.ticket.customer),
            phone=self.ticket.customer.phone or "-",
            words=shorten(text, LONG),
        )

    def subject(self, most: int) -> Text:
        """The device, where there is one, and what is wrong."""
        if self.ticket.device is None:
            return problem(self.ticket, most)
        values = {"serial": tail(self.ticket.device.serial), "problem": problem(self.ticket, most)}
        return Text("{serial}: {problem}", values)

    def who(self) -> Text:
        """Who will do something about it."""
        if agent := self._worker:
            name = shorten(agent.name, LONGEST_NAME)
            return _("Agent {name} {phone} will call.", name=name, phone=agent.phone)
        return _("The office will call.")
