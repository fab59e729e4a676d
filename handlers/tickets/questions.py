"""What talks about tickets ask: which ticket, and a few words."""

import re
from collections.abc import Sequence
from contextlib import suppress

from bot.talks import Chat, Field, Invalid, Turn, echo
from bot.text import Text, _, joined
from bot.text.answers import BESIDE_PIN, CONSENT, declines
from bot.text.redact import Redactor
from handlers.tickets.news import TINY, News
from models.people import Caller
from models.tickets import Ticket, TicketNotFound, tickets

LONGEST = 250  # letters of a problem or a comment
LISTED = 3  # tickets that the question for a number shows
# Six digits alone may be a PIN, whatever they were meant to say, and so may those behind the word or a LOCK.
_SECRETS = Redactor((), ("PIN", "SIRI", "SENHA"), ("LOCK", "FUNGA", "BLOQUER", "BLOQUEAR", "KULLE"))
_CONSENTS = Redactor(CONSENT, (), (), BESIDE_PIN)  # a yes and six digits: an answer that came without its question


def without_pins(text: str) -> str:
    """What somebody wrote, as a ticket may keep it and the office read it."""
    return _SECRETS.clean(_CONSENTS.clean_transcript(text))


async def which(chat: Chat) -> "TicketNumber":
    """The question for a ticket, with a numbered list of those that are probably meant."""
    if chat.behind_keyword(TicketNumber.name) or chat.given(TicketNumber.name):
        return TicketNumber(_("Ticket number?"))
    if chat.person.agent:
        listed = await tickets.work_of(chat.person.agent, LISTED)
    else:
        listed = await tickets.tickets_of(chat.person.customers, LISTED)
    chat.looked_up.update({_key(ticket.id): ticket for ticket in listed})
    lines = [
        Text("{n}. {number} {subject}", {"n": n, "number": t.number, "subject": News(t, chat.company).subject(TINY)})
        for n, t in enumerate(listed, 1)
    ]
    question = _("Which ticket?") if lines else _("Ticket number?")
    return TicketNumber(joined([question, *lines], "\n"), [ticket.id for ticket in listed])


class TicketNumber(Field[Ticket]):
    """A ticket within the caller's reach: of the agent's mini-grid, or the customer's own; by its line on the list, or
    by its number. Recorded is its id."""

    name = "ticket"

    def __init__(self, prompt: Text, listed: Sequence[int] = ()) -> None:
        super().__init__(prompt)
        self.listed = listed

    async def read(self, turn: Turn, answer: str) -> int:
        number = re.fullmatch(r"#?\s*(K[\s-]*)?(\d{1,9})", answer.upper())
        one_digit = number and not number[1] and len(number[2]) == 1
        if number and one_digit and self.listed and not turn.one_line:  # a line that is none, or a ticket
            raise Invalid(_("Choose 1 to {n}, or write K{answer}.", n=len(self.listed), answer=number[2]))
        try:
            return int((await _in_reach(turn, int(number[2]) if number else 0)).id)
        except TicketNotFound as error:
            raise Invalid(_("No ticket {answer} here.", answer=echo(answer))) from error

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return 2 if pieces[0].upper() == "K" and len(pieces) > 1 else 1

    async def find(self, turn: Turn, recorded: int) -> Ticket:
        try:
            return await _in_reach(turn, recorded)
        except TicketNotFound:
            turn.start_over()


async def ticket_first(turn: Turn, pieces: Sequence[str]) -> tuple[Ticket | None, Sequence[str]]:
    """The ticket within reach with whose number (K41) a text without a keyword begins, and the words behind it."""
    count = 2 if pieces[0].upper() == "K" and len(pieces) > 1 else 1
    number = re.fullmatch(r"#?K-?(\d{1,9})", "".join(pieces[:count]).upper())
    with suppress(TicketNotFound):
        return await _in_reach(turn, int(number[1])) if number else None, pieces[count:]
    return None, pieces[count:]


async def _in_reach(turn: Turn, number: int) -> Ticket:
    """Looked up once in a turn. Raises TicketNotFound."""
    if (key := _key(number)) not in turn.looked_up:
        turn.looked_up[key] = await _find(turn.person, number)
    ticket: Ticket = turn.looked_up[key]
    return ticket


async def _find(caller: Caller, number: int) -> Ticket:
    if caller.agent:
        return await tickets.find_for_agent(number, caller.agent.mini_grid_id)
    return await tickets.find_for_customers(number, caller.customers)


def _key(number: int) -> str:
    return f"ticket {number}"


class InWords(Field[str]):
    """A few words of one's own: all that is left of a line. With `optional` a 1 stands for none, as a no does; else a
    no to the question leaves the talk, unless it `may_be_no`. What is in `not_just` says nothing yet, and alone behind
    the keyword it is passed over, as a no is."""

    name = "words"
    as_written = True

    def __init__(
        self, prompt: Text, *, optional: bool = False, may_be_no: bool = False, not_just: Sequence[str] = ()
    ) -> None:
        super().__init__(prompt)
        self._optional, self._may_be_no, self._not_just = optional, may_be_no, not_just

    async def read(self, turn: Turn, answer: str) -> str:
        text = " ".join(answer.split())
        is_no = not self._may_be_no and text != "2" and declines(text)
        if self._optional and (text == "1" or is_no):
            return ""
        if turn.one_line and (is_no or text.upper() in self._not_just):
            turn.wait(self.prompt)
        if is_no:
            turn.leave()
        if sum(map(str.isalpha, text)) < 2 or text.upper() in self._not_just:
            raise Invalid(_("Say it in a few words."))
        if len(text) > LONGEST:
            raise Invalid(_("Too long: {n} letters at most.", n=LONGEST))
        return without_pins(text)

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)
