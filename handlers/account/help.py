"""HELP: what can be sent, in sentences, and what each word is for. Made from what the talks say of themselves.

Customers are told first how to buy. Whatever a customer writes of which no word says what it is about ends here too."""

from bot.message import Reply
from bot.talks import Chat, Field, Invalid, Talk, Turn, echo, talk
from bot.talks.commands import Keyword
from bot.talks.meanings import ANYTHING
from bot.talks.replay import lesson_on
from bot.text import SCREEN, Text, _, joined, plain, septets, verbatim
from bot.text.gsm import fits_sms
from handlers.fields.devices import only_own_serial
from handlers.selling.buy import BUY
from handlers.selling.how_to_buy import ways_to_buy
from handlers.selling.own_buying import own_buying, seller_of
from handlers.selling.tokens import WORDS as TOKEN
from handlers.wording import fitting
from models.people import Role

HELP = {"en": ("HELP", "?"), "sw": ("MSAADA",), "fr": ("AIDE",), "pt": ("AJUDA",), "ha": ("TAIMAKO",)}
# The talks that agents learn when they write of these kinds: a command has a form, and a sentence does nothing.
LESSONS = {
    "buy": "buy",
    "claim": "buy",
    "fault": "fix",
    "token": "tokens",
    "plan": "plan",
    "register": "register",
    "void": "void",
    "pin": "pin",
    "sold": "statement",
    "work": "status",
}
FEWEST = 3  # words on a page of which the number to call takes no room
SAID = {"help", "greeting", "thanks", "number"}  # kinds of text that this file answers


@talk(
    "help",
    roles={Role.AGENT},
    words=HELP,
    menu=_("Help"),
    usage=_("keyword"),
    example=Keyword(TOKEN),
    when_locked=True,
    reads=True,
    kinds={*SAID, *LESSONS},
)
async def help_(chat: Chat) -> Reply:
    if said := _answer_to(chat):
        return chat.end(said)
    if taught := LESSONS.get(chat.meant):
        return chat.end(_lesson(chat.commands.by_name[taught], chat.language))
    if chat.ussd:
        return chat.end(
            _(
                "Choose by number: 9 shows more, 0 goes back. After a sale the code comes by SMS too. Help {help}",
                help=chat.company.help_phone,
            )
        )
    return chat.end(await _words(chat, verbatim("")))


@talk(
    "own help",
    roles={Role.CUSTOMER},
    words=HELP,
    menu=_("Help"),
    usage=_("keyword"),
    example=Keyword(TOKEN),
    reads=True,
    kinds={*SAID, ANYTHING},
)
async def own_help(chat: Chat) -> Reply:
    if said := _answer_to(chat):
        return chat.end(said)
    number, company = await only_own_serial(chat), chat.company
    ways = ways_to_buy(await seller_of(chat, None), number, chat.person.phone, company)
    if chat.ussd:
        ends = [_("The code comes by SMS."), _("Help {help}", help=company.help_phone)]
        return chat.end(fitting(chat.language, [joined([*ways, *ends]), joined([ways[0], *ends])]))
    return chat.end(await _words(chat, ways[0]))


@talk(
    "join",
    roles={Role.STRANGER},
    words={**HELP, "en": (*HELP["en"], "MENU"), "ha": (*HELP["ha"], "MENU")},
    menu=_("Help"),
    reads=True,
    kinds={"help", ANYTHING},
)
async def join(chat: Chat) -> Reply:
    """What somebody reads whose number we do not know: one who pays for others, a new customer, or one with a new
    phone."""
    if chat.company.mobile_money_of(chat.person.phone):
        said = _(
            "{company} does not know this number. To pay for a device send {buy}, the amount and its serial. "
            "Want power? Call {help}.",
            company=chat.company.name,
            buy=Keyword(BUY),
            help=chat.company.help_phone,
        )
    else:
        said = _(
            "{company} does not know this number. Want power? Call {help}. A customer already? Write from the phone "
            "that gets your codes.",
            company=chat.company.name,
            help=chat.company.help_phone,
        )
    chat.stop(said, outcome="stranger")  # whatever else stands in the text


def _answer_to(chat: Chat) -> Text | None:
    """One line for who greets, thanks or has a new number."""
    match chat.meant:
        case "greeting" if chat.person.agent:
            return _("Hello! Send {help_word} for what you can send.", help_word=Keyword(HELP))
        case "greeting":
            return _(
                "Hello! Send {token} for your last codes, {help_word} for how to buy, or write what is wrong.",
                token=Keyword(TOKEN),
                help_word=Keyword(HELP),
            )
        case "thanks":
            return _("You are welcome! Send {help_word} any time.", help_word=Keyword(HELP))
        case "number":
            return _(
                "Only the office changes your number: call {help}. Until then all comes to this phone.",
                help=chat.company.help_phone,
            )
    return None


class Topic(Field[Talk | int]):
    """What somebody wants to know more of: a keyword, or a page of the words. It records the talk's name or a page."""

    name = "keyword"

    async def read(self, turn: Turn, answer: str) -> str | int:
        if answer.isdecimal() and len(answer) < 3:
            return int(answer)
        found = turn.commands.find(answer, turn.person.role)
        if found is None:
            raise Invalid(_("{answer} is no word to send.", answer=echo(answer)))
        return found[0].name

    async def find(self, turn: Turn, recorded: str | int) -> Talk | int:
        if isinstance(recorded, str) and recorded not in turn.commands.by_name:
            turn.start_over()
        return recorded if isinstance(recorded, int) else turn.commands.by_name[recorded]


async def _words(chat: Chat, first: Text) -> Text:
    """A page of the words with what each is for, or the lesson on one of them."""
    about = await chat.ask(Topic(verbatim(""))) if chat.answers(Topic.name) else 1
    if isinstance(about, Talk):
        return _lesson(about, chat.language)
    pages = _pages(chat, first)
    return pages[min(max(about, 1), len(pages)) - 1]


def _lesson(one: Talk, language: str) -> Text:
    """What a command is for, where that fits beside it, and how to write it."""
    how = lesson_on(one)
    said = Text("{what}\n{how}", {"what": one.menu or _("All by menu"), "how": how})
    return said if septets(plain(said.to(language))) <= SCREEN else how


def _pages(chat: Chat, first: Text) -> list[Text]:
    """The words in as many messages as they need, the most useful ones first; `first` stands before them. Each says
    where there are more, agents how a word is learnt, and whom to call where that leaves room for some words."""
    help_line = _("Help {help}", help=chat.company.help_phone)
    learn = _("Send a word to learn it.") if chat.person.agent else None
    talks = chat.commands.for_role(chat.person.role)
    lines = [_line(one, chat.language) for one in talks if one.words is not HELP and one is not own_buying]
    pages: list[Text] = []
    while lines:
        head = verbatim("") if pages else first
        more = _("More: {help_word} {n}", help_word=Keyword(HELP), n=len(pages) + 2)
        trials = [(len(lines), joined([head, *lines, learn, help_line]))]
        for fewest, end in ((FEWEST, joined([more, help_line], ". ")), (1, more)):
            counts = range(len(lines) - 1, fewest - 1, -1)
            trials += [(count, joined([head, *lines[:count], learn, end])) for count in counts]
        count, page = next((trial for trial in trials if fits_sms(plain(trial[1].to(chat.language)))), trials[-1])
        pages.append(page)
        del lines[:count]
    return pages


def _line(one: Talk, language: str) -> Text:
    """BUY = sell power."""
    label = (one.menu or _("All by menu")).to(language)
    said = f"{one.keyword.to(language)} = {label[:1].lower()}{label[1:]}"
    return verbatim(said if said.endswith("?") else f"{said}.")
