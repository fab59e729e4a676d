"""Plays one turn of a talk: runs it from its beginning with what was answered, and says how it stands now."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.message import Reply
from bot.talks import drafts
from bot.talks.chat import BACK_LINE, Chat
from bot.talks.commands import Talk
from bot.talks.state import Back, Changed, Ended, Left, Rejected, Suspended
from bot.text.gsm import SCREEN, plain, septets
from bot.text.i18n import Text, _

MOST_WRONG = 3  # answers to one question that are none


@dataclass(frozen=True)
class Played:
    """What to say. The talk goes on when it is `open`; `outcome` is for the records."""

    reply: Reply
    open: bool
    outcome: str


async def play(talk: Talk, chat: Chat) -> Played:
    """Run the talk until it ends or asks. The chat's state is changed in place."""
    chat.state.open_minutes = talk.open_minutes
    played = await _run(talk, chat)
    if (chat.running or talk).drafts:
        await drafts.keep(chat, over=not played.open and played.outcome != "given up")
    return played


async def _run(talk: Talk, chat: Chat) -> Played:
    notice: list[Text] = []
    while True:
        try:
            reply = await talk.run(chat)
            return Played(reply, False, reply.outcome)
        except Ended as ended:
            return Played(ended.reply, False, "ended")
        except Left:
            return Played(Reply(_said_nothing(talk, chat)), False, "left")
        except Changed:
            chat.state.answers.clear()
            notice = [_("Something changed. Once more, please.")]
        except Back:
            pass
        except Rejected as rejected:
            return _rejected(talk, chat, rejected)
        except Suspended as suspended:
            return Played(Reply(_asked(talk, chat, [*notice, suspended.prompt])), True, "asked")
        chat.rewind()


def _rejected(talk: Talk, chat: Chat, rejected: Rejected) -> Played:
    running = chat.running or talk
    if chat.one_line:
        said = _with_lesson([running.nothing, rejected.error], running, chat.language)
        return Played(Reply(said), False, "rejected")
    chat.state.wrong += 1
    if chat.state.wrong >= MOST_WRONG:
        call = _("Call {help}.", help=chat.site.help_phone)
        return Played(Reply(_joined([rejected.error, running.nothing, call], " ")), False, "given up")
    return Played(Reply(_asked(talk, chat, [rejected.error, rejected.prompt])), True, "asked again")


def _asked(talk: Talk, chat: Chat, parts: Sequence[Text]) -> Text:
    if chat.ussd:
        back = [BACK_LINE] if chat.state.answers else []
        return _joined([*parts, *back], "\n")
    said = _joined(parts, " ")
    if chat.bare and talk.example and "\n" not in said.to(chat.language):  # a list of choices says enough by itself
        return _with_lesson([said, _("Or all at once.")], talk, chat.language)
    return said


def _with_lesson(parts: Sequence[Text | None], talk: Talk, language: str) -> Text:
    """Sentences, and how to write the command: with a real one where that fits into one SMS."""
    said = _joined([*parts, taught(talk, language)], " ")
    if septets(plain(said.to(language))) <= SCREEN:
        return said
    return _joined([*parts, _command(talk, talk.keyword(language))], " ")


def taught(talk: Talk, language: str, keyword: str = "") -> Text:
    """How to write a command, with a real one: BUY serial amount, like BUY SHS0283 8000."""
    keyword = keyword or talk.keyword(language)
    if not talk.example:
        return _command(talk, keyword)
    return _(
        "Send {keyword} {usage}, like {keyword} {example}",
        keyword=keyword,
        usage=talk.usage,
        example=talk.example,
    )


def _command(talk: Talk, keyword: str) -> Text:
    return _joined([_("Send {keyword}", keyword=keyword), talk.usage], " ")


def _said_nothing(talk: Talk, chat: Chat) -> Text:
    return (chat.running or talk).nothing or _("Nothing was done.")


def _joined(parts: Sequence[Text | None], between: str) -> Text:
    """Sentences one behind the other; empty ones fall away."""
    wanted = [part for part in parts if part is not None and part.values.get("verbatim") != ""]
    gaps = between.join(f"{{p{n}}}" for n in range(len(wanted)))
    return Text(gaps, {f"p{n}": part for n, part in enumerate(wanted)})
