"""Replays a talk for one turn: runs it from its beginning with what was answered, and says how it stands now."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from bot.message import Reply
from bot.talks import drafts
from bot.talks.chat import BACK_LINE, Chat
from bot.talks.commands import Talk
from bot.talks.signals import Back, Changed, Ended, Left, Rejected, Suspended
from bot.talks.state import TalkState
from bot.text import SCREEN, Text, _, joined, plain, septets

MOST_WRONG = 3  # answers to one question that are none, by SMS: machines answer each other
MOST_WRONG_DIALLED = 9  # by dialling, where somebody has to press keys
UNFINISHED = ("given up", "changed")  # ends after which what was begun can be gone on with


@dataclass(frozen=True)
class TurnResult:
    """What to say, and how the talk stands now."""

    reply: Reply
    _: KW_ONLY
    outcome: str  # for the records
    open: bool = False  # whether the talk goes on


async def replay(chat: Chat, state: TalkState) -> TurnResult:
    """Run the talk of this chat until it ends or asks. `state` is the chat's, and changed in place."""
    result = await _run(chat.talk, chat, state)
    if chat.told:
        result = replace(result, reply=replace(result.reply, also=[*result.reply.also, *chat.told]))
    if chat.talk.drafts:
        await drafts.keep(chat, state, over=not result.open and result.outcome not in UNFINISHED)
    return result


async def _run(talk: Talk, chat: Chat, state: TalkState) -> TurnResult:
    """`talk` is the one with which every run begins: a menu hands over to another one."""
    notice: list[Text] = []
    while True:
        chat.begin(talk)
        try:
            reply = await talk.run(chat)
            return TurnResult(reply, outcome=reply.outcome)
        except Ended as ended:
            return TurnResult(ended.reply, outcome=ended.reply.outcome)
        except Left:
            return TurnResult(Reply(chat.talk.nothing or _("Nothing was done.")), outcome="left")
        except Changed:
            state.forget_all()
            notice = [changed(chat.talk)]
        except Back:
            pass
        except Rejected as rejected:
            return _reject(talk, chat, state, rejected)
        except Suspended as suspended:
            said = _question(talk, chat, state, [*notice, suspended.prompt])
            if notice and chat.ussd and septets(plain(said.to(chat.language))) > SCREEN:
                return TurnResult(Reply(notice[0]), outcome="changed")  # whoever dials again sees the menu
            return TurnResult(Reply(said), open=True, outcome="asked anew" if notice else "asked")
        chat.rewind()


def changed(talk: Talk | None) -> Text:
    """The talk begins anew, or is none of theirs any more: first that it did nothing, for this may answer a yes."""
    return joined([talk.nothing if talk else None, _("Something changed. Once more, please.")])


def _reject(talk: Talk, chat: Chat, state: TalkState, rejected: Rejected) -> TurnResult:
    """Say what is wrong with an answer: of one line with the whole command, else with the question again."""
    nothing = chat.talk.nothing
    if chat.one_line:
        said = _with_lesson([nothing, rejected.error], chat.talk, chat.language)
        return TurnResult(Reply(said), outcome="rejected")
    state.wrong += 1
    if state.wrong >= (MOST_WRONG_DIALLED if chat.ussd else MOST_WRONG):
        call = _("Call {help}.", help=chat.company.help_phone)
        said = joined([rejected.error, nothing or _("Nothing was done."), call])
        return TurnResult(Reply(said), outcome="given up")
    return TurnResult(
        Reply(_question(talk, chat, state, [rejected.error, rejected.prompt])), open=True, outcome="asked again"
    )


def _question(talk: Talk, chat: Chat, state: TalkState, sentences: Sequence[Text]) -> Text:
    """A question as the channel shows it: with the way back, or with how to answer all of them at once."""
    if chat.ussd:
        back = [BACK_LINE] if state.answers or state.page else []
        return joined([*sentences, *back], "\n")
    said = joined(sentences)
    if chat.lists and (state.page or state.answers):
        said = joined([said, BACK_LINE], "\n")
    if chat.bare and talk.example and "\n" not in said.to(chat.language):  # a list of choices says enough by itself
        return _with_lesson([said, _("Or all at once.")], talk, chat.language)
    return said


def _with_lesson(sentences: Sequence[Text | None], talk: Talk, language: str) -> Text:
    """Sentences, and how to write the command: with a real one where that fits into one SMS."""
    said = joined([*sentences, lesson_on(talk)])
    if septets(plain(said.to(language))) <= SCREEN:
        return said
    return joined([*sentences, _command(talk, talk.keyword)])


def lesson_on(talk: Talk, keyword: Text | None = None) -> Text:
    """How to write a command, with a real one: BUY serial amount, like BUY SHS0283 8000. By its own keyword, unless
    another one was meant."""
    keyword = keyword or talk.keyword
    if not talk.example:
        return _command(talk, keyword)
    return _(
        "Send {keyword} {usage}, like {keyword} {example}",
        keyword=keyword,
        usage=talk.usage,
        example=talk.example,
    )


def _command(talk: Talk, keyword: Text) -> Text:
    return joined([_("Send {keyword}", keyword=keyword), talk.usage])
