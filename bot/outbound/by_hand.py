"""What somebody of the office writes to one person, sends again, or takes back. It goes by the outbox like all else."""

from bot.company import Company
from bot.message import Copy
from bot.outbound import queue
from bot.outbound.compose import Composer
from bot.outbound.enqueue import enqueue
from bot.talks.contacts import hold
from bot.text import plain, verbatim
from bot.text.gsm import parts
from models.audit import record
from models.messages import MessageKind, State
from models.messages.withdrawal import ANSWERED, PAID, STOPPED, withdraw_message
from models.messages.written import AT_ONCE, Standing, mark_answered, note_written, standing_of
from models.sql import connection, execute, now_ms

LATER = "office "  # how the origin begins of what rests at night
MOST_PARTS = 4  # of an SMS by hand
FIND = "SELECT id, phone, text, kind, state, error, tried_before FROM outbox WHERE id = $1"
SENT_AGAIN = "SELECT id FROM outbox WHERE origin = $1"
LEFT_FOR_GOOD = (STOPPED, PAID, ANSWERED)  # why a message did not go that nobody sends again


class SaidStop(Exception):
    """The person wants no messages but what was asked for; `at` is when that was said (ms)."""

    def __init__(self, at: int) -> None:
        super().__init__("said STOP")
        self.at = at


class WrittenMeanwhile(Exception):
    """Somebody else of the office wrote to this person since the page was drawn."""

    def __init__(self, standing: Standing) -> None:
        super().__init__("written to meanwhile")
        self.standing = standing


class CannotSendAgain(Exception):
    """Nobody may send this message again. `why` is a word of CANNOT in the page."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def as_sent(text: str) -> str:
    """A text as it goes out: in the letters of SMS, without spaces around it. Accents that cost nothing stay: somebody
    has typed them."""
    return plain("\n".join(line.rstrip() for line in text.strip().splitlines()), accents=True)


def lost_letters(text: str) -> list[str]:
    """The letters of a text that no SMS of ours has, each once: they would arrive as question marks."""
    return sorted({letter for letter in text if letter != "?" and "?" in plain(letter)})


def waits_until(company: Company, standing: Standing, now: int) -> int:
    """When what is written now leaves, in milliseconds; 0 for at once. Nobody is woken who has not written a moment
    ago."""
    return 0 if standing.is_awake(now) else company.until_morning(now)


async def write_to(
    phone: str, text: str, *, key: str, seen: int, up_to: int, company: Company, composer: Composer, actor: str
) -> str:
    """Write to one person in the caller's transaction; `Outbox.notify` after its commit. What waited for an answer, up
    to the text with the number `up_to`, is answered: what came since nobody has read. Returns the origin of the
    message. A form that comes twice, with the same `key`, writes once.

    `seen` is the number of the last message that the office had written when the page was drawn. Raises SaidStop and
    WrittenMeanwhile."""
    await hold([phone])
    standing, now = await standing_of(phone), now_ms()
    if known := await execute(connection(), "SELECT origin FROM office_message WHERE key = $1", [key]):
        return str(known[0]["origin"])
    if standing.last_written != seen:
        raise WrittenMeanwhile(standing)
    if not standing.may_be_written_to(now):
        raise SaidStop(standing.stopped_at)
    begin = AT_ONCE if standing.is_awake(now) else LATER
    copy = Copy(phone, verbatim(as_sent(text)), MessageKind.OFFICE, company.languages[0])
    [message] = composer.copies(f"{begin}{key}", [copy])
    await note_written(key, message.origin, phone, author=actor)
    answered = await mark_answered(phone, min(up_to, standing.last_text))
    await enqueue([message], now)
    if morning := waits_until(company, standing, now):
        await queue.rest(connection(), morning)  # now: an outbox that is told of it claims without looking at the hour
    await record(actor, "write", phone, f"{parts(message.text)} parts, {answered} texts answered")
    return message.origin


async def send_again(message: int, *, company: Company, composer: Composer, actor: str) -> int:
    """Send a message that failed once more, in the caller's transaction; `Outbox.notify` after its commit. Returns the
    number of the new one. Raises CannotSendAgain and SaidStop."""
    row = next(iter(await execute(connection(), FIND, [message])), None)
    if row is None or row["state"] not in (State.FAILED, State.EXPIRED):
        raise CannotSendAgain("not failed")
    if row["error"] in LEFT_FOR_GOOD:
        raise CannotSendAgain("not wanted")
    if not row["text"]:
        raise CannotSendAgain("no text")
    await hold([row["phone"]])
    standing, kind = await standing_of(row["phone"]), MessageKind(row["kind"])
    if kind not in (MessageKind.TOKEN, MessageKind.REPLY) and not standing.may_be_written_to(now_ms()):
        raise SaidStop(standing.stopped_at)
    copy = Copy(row["phone"], verbatim(row["text"]), kind, company.languages[0])
    [again] = composer.copies(f"again {message}", [copy])
    if await execute(connection(), SENT_AGAIN, [again.origin]):
        raise CannotSendAgain("sent again")
    now = now_ms()
    await enqueue([again], now)
    if kind not in (MessageKind.TOKEN, MessageKind.REPLY) and (morning := company.until_morning(now)):
        await queue.rest(connection(), morning)
    await record(actor, "send again", row["phone"], f"message {message}")
    return int((await execute(connection(), SENT_AGAIN, [again.origin]))[0]["id"])


async def take_back(message: int, *, actor: str) -> str:
    """Take back a message that has not gone, in the caller's transaction: the state in which it is left, empty when it
    has gone or is a token, which was paid for; `uncertain` when it may have gone."""
    left = await withdraw_message(message)
    if left:
        await record(actor, "take back", f"message {message}", left)
    return left
