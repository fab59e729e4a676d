"""What talks about tickets ask: which ticket, and a few words."""

import re
from collections.abc import Sequence

from bot.talks import Chat, Field, Invalid, Turn, echo
from bot.text import Text, _, joined
from bot.text.redact import Redactor
from handlers.tickets.news import TINY, News
from models.tickets import Ticket, TicketNotFound, tickets

LONGEST = 250  # letters of a problem or a comment
LISTED = 3  # tickets that the question for a number shows
SECRETS = Redactor((), ())  # six digits alone may be a PIN, whatever they were meant to say


async def which(chat: Chat) -> Text:
    """The question for a ticket's number, with the tickets that are probably meant."""
    question = _("Ticket number?")
    if chat.behind_keyword(TicketNumber.name):
        return question
    if chat.person.agent:
        listed = await tickets.work_of(chat.person.agent, LISTED)
    else:
        listed = await tickets.tickets_of(chat.person.customers, LISTED)
    lines = [
        Text("{number} {subject}", {"number": t.number, "subject": News(t, chat.company).subject(TINY)}) for t in listed
    ]
    return joined([question, *lines], "\n")


class TicketNumber(Field[Ticket]):
    """A ticket within the caller's reach: of the agent's mini-grid, or the customer's own. Recorded is its id."""

    name = "ticket"

    async def read(self, turn: Turn, answer: str) -> int:
        number = re.fullmatch(r"#?\s*(?:K[\s-]*)?(\d{1,9})", answer.upper())
        try:
            return int((await _in_reach(turn, int(number[1]) if number else 0)).id)
        except TicketNotFound as error:
            raise Invalid(_("No ticket {answer} here.", answer=echo(answer))) from error

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return 2 if pieces[0].upper() == "K" and len(pieces) > 1 else 1

    async def find(self, turn: Turn, recorded: int) -> Ticket:
        try:
            return await _in_reach(turn, recorded)
        except TicketNotFound:
            turn.start_over()


async def _in_reach(turn: Turn, number: int) -> Ticket:
    if turn.person.agent:
        return await tickets.find_for_agent(number, turn.person.agent.mini_grid_id)
    return await tickets.find_for_customers(number, turn.person.customers)


class InWords(Field[str]):
    """A few words of one's own: all that is left of a line. With `optional` a 1 stands for none; what is in
    `not_just` says nothing yet, and alone behind the keyword it is passed over."""

    name = "words"
    as_written = True

    def __init__(self, prompt: Text, *, optional: bool = False, not_just: Sequence[str] = ()) -> None:
        super().__init__(prompt)
        self._optional, self._not_just = optional, not_just

    async def read(self, turn: Turn, answer: str) -> str:
        text = " ".join(answer.split())
        if self._optional and text == "1":
            return ""
        if turn.one_line and text.upper() in self._not_just:
            turn.wait(self.prompt)
        if sum(map(str.isalpha, text)) < 2 or text.upper() in self._not_just:
            raise Invalid(_("Say it in a few words."))
        if len(text) > LONGEST:
            raise Invalid(_("Too long: {n} letters at most.", n=LONGEST))
        return SECRETS.clean(text)

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)
