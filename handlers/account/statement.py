"""An agent's day: what was sold and handed in, and each sale by itself."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from bot.company import Company
from bot.message import Reply
from bot.talks import Chat, Field, Invalid, Turn, talk
from bot.text import Text, _, plain_word, verbatim
from handlers.wording import owner_named, tail
from models.money.ledger import cash_held, commission_due
from models.money.wallets import in_wallet
from models.people import Agent, Role
from models.selling import agents_statement

MOST = 60  # sales of a day that are listed, some ten screens
YEAR = timedelta(days=366)
DAYS_AGO = {
    **dict.fromkeys(("TODAY", "LEO", "AUJOURDHUI", "HOJE", "YAU"), 0),
    **dict.fromkeys(("YESTERDAY", "JANA", "HIER", "ONTEM", "JIYA"), 1),
}


@talk(
    "statement",
    roles={Role.AGENT},
    words={
        "en": ("STMT", "STATEMENT"),
        "sw": ("TAARIFA",),
        "fr": ("RELEVE",),
        "pt": ("EXTRATO",),
        "ha": ("BAYANI",),
    },
    menu=_("Statement"),
    reads=True,
    usage=_("day"),
    example="24/11",
)
async def statement_(chat: Chat) -> Reply:
    day = await _day(chat)
    chat.no_more()
    await chat.pin()
    since = datetime.combine(day, time(), chat.company.zone)
    until = datetime.combine(day + timedelta(days=1), time(), chat.company.zone)
    span = since.astimezone(UTC), until.astimezone(UTC)
    figures = await agents_statement.day_figures(chat.agent.id, *span)
    summary = await _summary(chat, day, since, figures)
    if not figures.sales:
        return chat.end(summary)
    await chat.choose("further", summary, [("sales", _("Each sale"))])
    listed = await agents_statement.payments_taken(chat.agent.id, *span, MOST)
    header = _("{day}, newest first", day=chat.company.day(since))
    chosen = await chat.choose("sale", header, [(str(one.id), _line(one, chat)) for one in listed])
    return chat.end(_shown(next(one for one in listed if str(one.id) == chosen), chat))


async def _day(chat: Chat) -> date:
    """Today, unless a day stands behind the keyword."""
    return await chat.optional(Day(verbatim("")), otherwise=chat.company.today())


async def _summary(chat: Chat, day: date, since: datetime, figures: agents_statement.Day) -> Text:
    """The figures of a day; what the agent holds is said of today alone."""
    if day == chat.company.today():
        return await day_text(chat.agent, chat.company, since, figures)
    values = _values(chat.company, since, figures)
    earned = chat.company.whole(figures.commission)
    if figures.topped_up and not figures.handed_in:
        return _("{day}: {n} sold, {amount}. Topped up {paid}. Commission {due}.", **values, due=earned)
    return _("{day}: {n} sold, {amount}. Handed in {paid}. Commission {due}.", **values, due=earned)


def _values(company: Company, since: datetime, figures: agents_statement.Day) -> dict[str, object]:
    return {
        "day": company.day(since),
        "n": figures.sales,
        "amount": company.money(figures.amount),
        "paid": company.number(figures.topped_up if figures.topped_up and not figures.handed_in else figures.handed_in),
    }


async def day_text(agent: Agent, company: Company, since: datetime, figures: agents_statement.Day) -> Text:
    """What an agent did today, and what is held or in the wallet now."""
    values = _values(company, since, figures) | {"due": company.whole(await commission_due(agent.id))}
    if agent.prepaid:
        values["held"] = company.number(await in_wallet(agent.id))
        values["paid"] = company.number(figures.topped_up)
        return _("{day}: {n} sold, {amount}. Topped up {paid}. Wallet {held}. Commission due {due}.", **values)
    return _(
        "{day}: {n} sold, {amount}. Handed in {paid}. You hold {held} of {limit}. Commission due {due}.",
        **values,
        held=company.number(await cash_held(agent.id)),
        limit=company.number(agent.cash_limit),
    )


def _line(one: agents_statement.TakenPayment, chat: Chat) -> Text:
    line = f"{chat.company.clock(one.at)} {tail(one.paid_for)} {chat.company.number(one.amount)}"
    return _("{line} void", line=line) if one.void else verbatim(line)


def _shown(one: agents_statement.TakenPayment, chat: Chat) -> Text:
    """A sale without its token, which is for TOKEN."""
    return _(
        "{time} {amount}\n{owner} {serial}\nRef {ref}. Commission {due}",
        time=chat.company.clock(one.at),
        amount=chat.company.money(one.amount),
        owner=owner_named(one.name, one.surname),
        serial=one.paid_for,
        ref=one.reference,
        due=chat.company.number(one.commission),
    )


class Day(Field[date]):
    """A day of the last year, as 24 or 24/11: the newest one that is so called; or today and yesterday by their words.
    Recorded is its ISO form."""

    name = "day"

    async def read(self, turn: Turn, answer: str) -> str:
        parts = re.split(r"[\s/.-]+", answer)
        today = turn.company.today()
        if (ago := DAYS_AGO.get(plain_word(answer))) is not None:
            return (today - timedelta(days=ago)).isoformat()
        wanted = [int(part) if part.isdecimal() and len(part) < 3 else 0 for part in parts]
        days = (today - timedelta(days=back) for back in range(YEAR.days))
        found = next((day for day in days if [day.day, day.month][: len(wanted)] == wanted), None)
        if found is None or not wanted:
            raise Invalid(_("Write the day like 24/11."))
        return found.isoformat()

    async def find(self, turn: Turn, recorded: str) -> date:
        return date.fromisoformat(recorded)

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """A slash parts the day from the month."""
        return 2 if len(pieces) > 1 and all(piece.isdecimal() for piece in pieces[:2]) else 1
