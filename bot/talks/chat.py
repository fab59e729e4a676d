"""What a talk talks through. A talk is run from its beginning at every turn: `ask` gives back what was answered
before, reads the next piece of new input, or suspends the talk with its question."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from bot.company import Company
from bot.message import Copy, Reply
from bot.talks import courtesies
from bot.talks.commands import Commands, Talk
from bot.talks.contacts import PhoneState, stop_reminders
from bot.talks.fields import Field, Invalid, Pin, echo, starred
from bot.talks.listing import (
    BACK,
    MORE,
    NO_WORDS,
    Choices,
    choice_named,
    choose_up_to,
    enumerated,
    means_one,
    on_one_page,
    pages,
    screen,
    spoken,
)
from bot.talks.signals import Back, Changed, Left, Rejected, Suspended
from bot.talks.state import TalkState, locked_out
from bot.talks.turn import Channel, Turn
from bot.text import SCREEN, Text, _, joined, plain, plain_word, septets, verbatim
from bot.text.amounts import stands_beside
from bot.text.answers import AGAIN, consent, declines, without_courtesy, yes
from bot.text.grammar import split, written
from bot.text.gsm import fits_sms
from models.messages import MessageKind
from models.people import Caller
from models.sql import forget_ahead

T = TypeVar("T")
BACK_LINE, MORE_LINE = _("0. Back"), _("More")
_ONE_COMMAND, _NO_STAR = _("One command in each text, please."), _("Answer without *.")
_ONE_NUMBER = re.compile(r"[^\w\s]*\d+(?:[.,]\d{1,3})?[^\w\s]*")
SILENT = ("pin", "quote")  # recorded beside the questions: going back passes over them


class Chat(Turn):
    """One turn of one talk: its verbs ask, and stop or end the talk. `state` is changed in place."""

    def __init__(  # noqa: PLR0913 - one turn, described once
        self,
        state: TalkState,
        *,
        person: Caller,
        contact: PhoneState,
        company: Company,
        commands: Commands,
        channel: Channel,
        language: str,
        inputs: Sequence[str] = (),  # the new pieces
        line: str = "",  # the message in which they stood behind the keyword; empty for an answer
        dialled: bool = False,  # whether they were part of the number that was dialled
        pin_given: bool = False,  # earlier in this session
        beside: bool = False,  # whether a question of another talk stays open
    ) -> None:
        super().__init__(person, company, commands, channel=channel, language=language, one_line=bool(line))
        self._state, self._contact, self._line = state, contact, line
        self.pin_given, self.beside = pin_given, beside
        self._chosen: Talk | None = None  # in a menu
        self._inputs, self._dialled = list(inputs), dialled
        self._answered, self._seen = state.question, state.shown  # what the first of them answers
        agent = [person.agent.name] if person.agent else []
        self._says_nothing = courtesies.name_words([*agent, company.name])
        self._position = 0  # how many of the recorded answers were given back in this run
        self._own_from = 0  # at which of them the chosen talk begins; those before led to it
        self._known: Mapping[str, Any] = {}  # what another talk answers of the questions of this one
        self.lists = False  # whether the open question is a list to choose from
        self._taken_back: list[Any] = []  # the answer that was: its list shows the page on which it stood

    @property
    def talk(self) -> Talk:
        """The talk that runs: behind a menu the one that was chosen there."""
        return self._chosen or self.commands.by_name[self._state.talk]

    @property
    def from_menu(self) -> bool:
        """Whether the talk was chosen in a menu, and not begun by its keyword."""
        return self._chosen is not None

    @property
    def meant(self) -> str:
        """The kind of text that began the talk where that was no keyword (bot/talks/meanings.py); else empty."""
        return self._state.meant

    @property
    def bare(self) -> bool:
        """A text that was a keyword and nothing else."""
        return self.one_line and not self._state.answers

    @property
    def pieces(self) -> list[str]:
        """The pieces of one line that are still to be read."""
        return list(self._inputs) if self.one_line else []

    def put_pieces(self, pieces: Sequence[str]) -> None:
        """Read these pieces from here on: the same ones in the order in which the talk asks."""
        self._inputs = list(pieces)

    @property
    def unread(self) -> int:
        """How many pieces of one line are still to be read; neither AGAIN answers a question, nor stars."""
        said = [piece for piece in self._inputs if any(map(str.isalnum, piece)) and plain_word(piece) not in AGAIN]
        return len(said) if self.one_line else 0

    def rewind(self) -> None:
        """Begin the talk again with the answers that are left, and no new input."""
        self._inputs.clear()
        self._known = {}
        self._position = 0

    def go_step_by_step(self) -> None:
        """Ask for each answer from here on, though the talk was begun by one line."""
        self.one_line = False

    def take_resume_choice(self) -> bool:
        """Take the answer to "continue or new", of which 2 forgets what was begun. False when it is yet to be asked."""
        if not self._inputs or self._inputs[0] not in ("1", "2"):
            return False
        if self._inputs.pop(0) == "2":
            self._state.forget_all()
            self._state.draft = ""
        self._state.resume = False
        return True

    def begin(self, talk: "Talk") -> None:
        """This talk runs from here on. Where it may change something, nothing counts that was read ahead for others."""
        state = self._state
        state.running, state.reads, state.open_minutes = talk.name, talk.reads, talk.open_minutes
        if not talk.reads:
            forget_ahead()

    async def hand_over(self, talk: "Talk", known: Mapping[str, Any] | None = None) -> Reply:
        """Go on in another talk, with everything answered so far; back leads here again. What is `known` are answers to
        questions of it by their names: they are not asked."""
        self._chosen, self._known = talk, known or {}
        self._own_from = self._position
        self.begin(talk)
        if self.person.locked and not talk.when_locked:
            self.stop(locked_out(self.company.help_phone))
        return await talk.run(self)

    @property
    def key(self) -> str:
        """Names this run of the talk for good: whatever it sells, it sells once."""
        return self._state.key

    @property
    def own_answers(self) -> list[list[Any]]:
        """What was answered in this talk itself, without the way that led to it."""
        return self._state.answers[self._own_from :]

    @property
    def draft(self) -> str:
        """The name of the draft that this run is kept under; empty when there is none yet."""
        return self._state.draft

    def given(self, name: str) -> bool:
        """Whether this question of the talk itself is answered already."""
        return any(answered == name for answered, _value in self.own_answers)

    def may_volunteer(self, name: str) -> bool:
        """Whether this question, which nobody is asked, may have an answer all the same: one line may have it."""
        return self.one_line or self.given(name)

    def behind_keyword(self, name: str) -> bool:
        """Whether something stands behind the keyword that answers this question."""
        return self.one_line and self.answers(name)

    def start_at(self, page: int) -> None:
        """Begin the next list at this page, from 1 on, where it was named in one line."""
        if self.one_line:
            self._state.page = page - 1

    def go_on_with(self, answers: list[list[Any]], draft: str) -> None:
        """Run the talk again with what was answered in another run of it."""
        self._state.answers[self._own_from :] = answers
        self._state.draft = draft
        raise Back

    def answers(self, name: str) -> bool:
        """Whether this question is answered already, or has something new to answer it."""
        if self._position < len(self._state.answers):
            return bool(self._state.answers[self._position][0] == name)
        return bool(self._inputs)

    async def ask(self, question: Field[T]) -> T:
        """The answer to one question."""
        if question.name in self._known:
            return self._known[question.name]  # type: ignore[no-any-return]
        if not self._recorded(question.name):
            if self.one_line and self._inputs:
                await self._take_pieces(question)
            lines = self._seen or question.listed
            answer = self._answer(
                question.name,
                question.prompt,
                free=question.as_written,
                naming=question.naming,
                listed=question.listed,
            )
            if question.as_written and self._holds_command(answer):
                raise Rejected(question.prompt, _ONE_COMMAND)
            if question.courteous and not question.as_written:
                answer = without_courtesy(answer)
            if _is_line(answer, lines) and not self.one_line:
                self._record(question.name, lines[int(answer) - 1])
            else:
                await self._read(question, answer, question.prompt)
        recorded = self._last()
        if several := await question.labels(self, recorded):
            recorded = await self._which(f"which {question.name}", several)
        return await question.find(self, recorded)

    async def _which(self, name: str, several: Sequence[tuple[str, Text]]) -> str:
        """The value of the one that was meant. What stands behind it in one line is kept until that is answered."""
        if self.one_line and not self.given(name):
            self._keep_rest()
            self._inputs, self.one_line = [], False
        chosen = await self.choose(name, _("Which one?"), several)
        if self._state.rest:
            self._inputs, self._line, self.one_line = self._state.rest, self._state.line, True
            self._state.rest = []
        return chosen

    def _keep_rest(self) -> None:
        """Store the pieces that are still to be read, and the message in which they stand, but no PIN: that is asked
        for."""
        rest = _without_pin(self._inputs)
        self._state.rest, self._state.line = rest, self._line if rest == self._inputs else " ".join(rest)

    async def optional(self, question: Field[T], *, otherwise: T) -> T:
        """The answer to what is never asked: it is read where it stands behind the keyword. `otherwise` is what a menu
        means, and a keyword alone."""
        if self.one_line and self._inputs and all(courtesies.says_nothing(each) for each in self._inputs):
            return otherwise
        by_keyword = not self.from_menu and (self.one_line or self._state.answers)
        if by_keyword and self.answers(question.name):
            return await self.ask(question)
        return otherwise

    def ask_again(self, name: str, prompt: Text, why: Text) -> NoReturn:
        """Forget the answer to this question and all that came after it, say why, and put the question again."""
        self._state.forget(name)
        self._state.question = name
        raise Rejected(prompt, why)

    async def choose(
        self,
        name: str,
        prompt: Text,
        options: Sequence[tuple[str, Text]],
        *,
        otherwise: str | None = None,
        words: Mapping[str, Collection[str]] = NO_WORDS,
        fuller: Sequence[Text] = (),
    ) -> str:
        """The value of one of the options, by its number or by a word: its label, or one of `words`. Long lists page
        themselves. `otherwise` is what one line means that leaves this piece out. Of the `fuller` prompts the first
        one is shown that leaves room for all options on one page."""
        if not self._recorded(name):
            choices = Choices(options, self.company.languages, words)
            says_nothing = (
                self.one_line and self.person.agent and all(courtesies.says_nothing(each) for each in self._inputs)
            )
            if says_nothing and not means_one(choices.names, self._inputs):
                self._inputs.clear()
            if self.one_line and self._inputs:
                self._join(spoken(choices.names, self._inputs))
            left_out = otherwise is not None and self.one_line and not means_one(choices.names, self._inputs)
            self._record(name, otherwise if left_out else self._choice(name, prompt, choices, fuller))
        if self._last() not in dict(options):
            raise Changed
        return str(self._last())

    def _choice(self, name: str, prompt: Text, choices: Choices, fuller: Sequence[Text]) -> str:
        options = choices.options
        labels = [label for _value, label in options]
        fitting = pages(prompt, labels, MORE_LINE, BACK_LINE, {*self.company.languages, self.language})
        if found := [each for each in fuller if on_one_page(each, labels, BACK_LINE, [self.language])]:
            prompt, fitting = found[0], [range(len(labels))]
        if self.one_line and self._state.page >= len(fitting):
            raise Rejected(prompt, _("The last page is {n}.", n=len(fitting)))
        if self._taken_back[:1] == [name]:
            values = [value for value, _label in options]
            _name, value = self._taken_back
            self._state.page = next((n for n, each in enumerate(fitting) if value in [values[i] for i in each]), 0)
            self._taken_back = []
        page = min(self._state.page, len(fitting) - 1)
        last = page == len(fitting) - 1
        said = [labels[i].to(self.language) for i in fitting[page]]
        more = "" if last else MORE_LINE.to(self.language)
        shown = verbatim(screen(prompt.to(self.language), said, more))
        values = [options[i][0] for i in fitting[page]]
        lines = self._seen or values  # by now another one may stand in a line than was shown there
        # Behind a screen stands no other question, for which a command could be meant.
        offered = [] if self.ussd else self.commands.among(choices.names, self.person.role)
        answer = without_courtesy(self._answer(name, shown, offered=offered, listed=values))
        if answer == MORE and not last:
            self._state.page = page + 1
            return self._choice(name, prompt, choices, fuller)
        if _is_line(answer, lines):
            return str(lines[int(answer) - 1])
        if named := choice_named(choices.names, answer):
            return named
        if self.one_line:
            listed = enumerated(list(dict(options)))
            raise Rejected(shown, _("{answer}? Send one of: {choices}.", answer=echo(answer), choices=listed))
        wrong = choose_up_to(len(fitting[page]))
        if self._fitting(wrong, (shown, verbatim(""))) is shown:
            raise Rejected(shown, wrong)
        raise Rejected(verbatim(screen(wrong.to(self.language), said, more)), verbatim(""))  # in the header's place

    async def _take_pieces(self, question: Field[Any]) -> None:
        """Make one answer of the pieces of the line that belong to this question."""
        if question.courteous and not question.as_written:
            meant = courtesies.within(self._inputs, self._says_nothing)
            count = await question.pieces(self, meant)
            at = self._inputs.index(meant[0])
            self._inputs = meant if count == len(meant) else self._inputs[at:]
            self._join(count)
        else:
            self._join(await question.pieces(self, self._inputs), as_written=question.as_written)

    def _holds_command(self, words: str) -> bool:
        """Whether one of an agent's further sentences is a command that wants money for something, of which nothing
        would be said: no light. BUY SHS0283 8000"""
        if self.person.agent is None:
            return False
        further = [split(each) or [""] for each in re.split(r"[.;\n]+", words)[1:]]
        found = [self.commands.find_spelt(pieces, self.person.role) for pieces in further]
        return any(
            one and one.talk.nothing and not one.talk.at_once and _count_numbers(one.arguments) > 1 for one in found
        )

    def _join(self, count: int, *, as_written: bool = False) -> None:
        pieces = self._inputs[:count]
        self._inputs[:count] = [written(self._line, pieces) if as_written else " ".join(pieces)]

    async def confirm(self, question: Text, *, pin: bool = False, holds: int = 0) -> bool:
        """Yes (1) or no (2) to something that will have an effect; nothing dialled ahead can answer it. While it is
        asked so much of an agent's room is taken, in minor units: customers ask others for what is more."""
        if not self._recorded("confirm"):
            self.no_more()
            self._state.holds = holds
            self._record("confirm", await self._confirmed(question, pin))
        said = bool(self._last())
        if said and pin:
            await self.pin(signing=True)
        return said

    async def _confirmed(self, question: Text, pin: bool) -> bool:
        """Read a yes or no. The PIN may stand behind its yes, as 1 123456, and by itself it is one."""
        if self.ussd:
            shown, wanted = _("{question}\n1. Yes\n2. No", question=question), _("Choose 1 or 2.")
            if pin and not self.pin_given:  # which is the yes
                shown = joined([question, _("Your PIN, or 2 for no.")], "\n")
                wanted = _("A PIN has six digits.")
        else:
            wanted = _("Reply 1 and your PIN, 2 for no.") if pin else _("Reply 1 for yes, 2 for no.")
            shown = _("{question} {wanted} Within 10 min.", question=question, wanted=wanted)
            if hours := self._state.open_minutes // 60:
                shown = _("{question} {wanted} Within {n} h.", question=question, wanted=wanted, n=hours)
            if not fits_sms(plain(shown.to(self.language))):  # what happens to the money stays
                shown = joined([question, wanted])
        answer = self._answer("confirm", shown, confirming=True, signing=pin)
        if declines(answer):
            return False
        digits = consent(answer) if pin else yes(answer)
        again = (shown, question) if self.ussd else (wanted,)
        if digits is None or (digits and not pin):
            raise Rejected(self._fitting(wanted, again), wanted) if self.ussd else Rejected(wanted, verbatim(""))
        if digits:
            await self._read(Pin(_("Your PIN?")), digits, *again, record=False)
            self.pin_given = True
        return True

    def quoted(self, quote: Any) -> Any:
        """What the question showed when it was first put; by now it may be something else. Goes right before it."""
        if not self._recorded("quote"):
            self._record("quote", quote)
        return self._last()

    async def pin(self, *, fresh: bool = False, signing: bool = False, changing: bool = False) -> None:
        """The agent's PIN, once in a dialled session; `fresh` asks anyway. With `signing` it belongs to a yes, and is
        asked for by SMS too: the answer may repeat the yes, as the question said, or be a no after all. Who is
        `changing` it may give one that the office sent to be changed."""
        if self._recorded("pin") or not (fresh or ((self.ussd or signing) and not self.pin_given)):
            return
        if self._position < len(self._state.answers):
            raise Changed  # what was answered after it was answered without it
        question = Pin(_("Your PIN?"), changing=changing)
        answer = self._answer(question.name, question.prompt, confirming=not self.one_line, signing=signing)
        if signing and not self.ussd and declines(answer):
            raise Left
        await self._read(question, (consent(answer) if signing else None) or without_courtesy(answer), question.prompt)
        self.pin_given = True

    def again(self) -> bool:
        """Whether the word AGAIN (in any language) stands at the end of the command."""
        if self._recorded("again"):
            return True
        if not (self.one_line and self._inputs and plain_word(self._inputs[0]) in AGAIN):
            return False
        self._record("again", bool(self._inputs.pop(0)))
        return True

    def no_more(self) -> None:
        """Nothing may follow: a surplus word rejects the whole command, it is never guessed at. A second command has to
        come in a text of its own."""
        if not self.one_line or not self._inputs:
            return
        role = self.person.role
        self._inputs = courtesies.left_over(self._inputs, self._line, self.commands, role, self._says_nothing)
        commands = [piece for piece in self._inputs if self.commands.find(piece, role)]
        if commands or _count_numbers(self._inputs) > 1:
            raise Rejected(verbatim(""), _ONE_COMMAND)
        if self._inputs:
            raise Rejected(verbatim(""), _("Leave out {surplus}.", surplus=echo(self._inputs[0])))

    def pass_over_words(self) -> None:
        """Whatever follows the keyword counts for nothing, unless it begins with a number."""
        if self.one_line and self._inputs and not self._inputs[0].isdecimal():
            self._inputs.clear()

    def pass_over(self, *names: str) -> None:
        """These names may stand at the end of the line: they say nothing new."""
        self._says_nothing |= courtesies.name_words(names)

    def also_by_sms(self, text: Text) -> list[Copy]:
        """What stands on a screen, which is gone with its session, once more by SMS; nothing when this is one."""
        return [Copy(self.person.phone, text, MessageKind.REPLY, self.language)] if self.ussd else []

    async def speak(self, language: str) -> None:
        """Write to this person in this language from now on."""
        await self.person.speak(language)
        self.language = language

    async def stop_reminders(self) -> None:
        """Send this phone no more reminders and broadcasts."""
        await stop_reminders(self._contact)

    def allow_reminders(self) -> None:
        """Send this phone reminders and broadcasts again."""
        self._contact.allow_reminders()

    def end(
        self, text: Text, *, kind: MessageKind = MessageKind.REPLY, also: Sequence[Copy] = (), outcome: str = "done"
    ) -> Reply:
        """The talk's last word."""
        self.no_more()
        return Reply(text, kind, list(also), outcome)

    def _answer(
        self,
        name: str,
        shown: Text,
        *,
        confirming: bool = False,
        signing: bool = False,
        offered: Sequence[str] | None = None,  # by a list: what could be taken for a command
        free: bool = False,
        naming: bool = False,
        listed: Sequence[Any] = (),
    ) -> str:
        """The next piece of new input, or the question itself when there is none. What answers another question than
        this one, which has gone meanwhile, is no answer to this."""
        if self._inputs and self._answered not in ("", name):
            raise Changed
        self._state.question = name
        self._state.free, self._state.naming, self._state.signing, self._state.shown = free, naming, signing, [*listed]
        self.lists = offered is not None
        if confirming and self._dialled:
            self._inputs.clear()
        if not self._inputs:
            self._state.confirming, self._state.offered = confirming, list(offered or ()) if self._state.answers else []
            raise Suspended(shown)
        answer, self._answered, self._seen = self._inputs.pop(0), "", []
        if without_courtesy(answer) == BACK and not self.one_line:
            self._go_back()
        if self.ussd and "*" in answer and not self.lists:  # for a list it is a wrong key
            raise Rejected(self._fitting(_NO_STAR, (shown, verbatim(""))), _NO_STAR)
        return answer

    def _go_back(self) -> None:
        self._state.rest = []
        if self._state.page:
            self._state.page -= 1
            raise Back
        while self._state.answers:
            self._taken_back = self._state.answers.pop()
            if self._taken_back[0] not in SILENT:
                break
        raise Back if self._position else Left

    async def _read(self, question: Field[Any], answer: str, *prompts: Text, record: bool = True) -> None:
        """Record what was answered, or put the question again: the first of the prompts that fits beside what is said
        of the answer."""
        try:
            value = await question.read(self, answer)
        except Invalid as invalid:
            raise Rejected(self._fitting(invalid.text, prompts), invalid.text) from invalid
        if record:
            self._record(question.name, value)

    def _fitting(self, error: Text, prompts: Sequence[Text]) -> Text:
        """The first of the prompts that fits on a screen below the error and with the way back, else the last."""
        said = (joined([error, prompt, BACK_LINE], "\n").to(self.language) for prompt in prompts)
        costs = [septets(plain(each, accents=True)) for each in said]
        return next((prompt for prompt, cost in zip(prompts, costs, strict=True) if cost <= SCREEN), prompts[-1])

    def _recorded(self, name: str) -> bool:
        """Whether the next recorded answer is this one; then it counts as read."""
        if self._position == len(self._state.answers):
            return False
        if self._state.answers[self._position][0] != name:
            if name in ("pin", "again"):
                return False
            raise Changed
        self._position += 1
        return True

    def _last(self) -> Any:
        return self._state.answers[self._position - 1][1]

    def _record(self, name: str, value: object) -> None:
        self._state.answers.append([name, value])
        self._position = len(self._state.answers)
        self._state.page = self._state.wrong = 0


def _without_pin(pieces: Sequence[str]) -> list[str]:
    """The same with stars in place of a PIN, which may be in pieces, 739 164. A number that comes first is an amount,
    whatever signs are on it, as in BUY Baraka for TZS 150000/=."""
    says_nothing = (courtesies.says_nothing(piece) or stands_beside(piece) for piece in pieces)
    first = next((place for place, nothing in enumerate(says_nothing) if not nothing), len(pieces))
    amount = [*pieces[: first + 1]]
    if not _is_amount(" ".join(amount[first:])):
        amount = []
    behind = [starred(piece) for piece in pieces[len(amount) :]]
    without = starred(" ".join(behind))
    return [*amount, *(behind if without == " ".join(behind) else without.split(" "))]


def _is_amount(piece: str) -> bool:
    """Whether a piece is an amount, or else has a number that is no PIN."""
    return bool(_ONE_NUMBER.fullmatch(piece)) or (any(map(str.isdigit, piece)) and starred(piece) == piece)


def _count_numbers(pieces: Sequence[str]) -> int:
    return sum(any(map(str.isdigit, piece)) for piece in pieces)


def _is_line(answer: str, lines: Sequence[Any]) -> bool:
    """Whether an answer is the number of one of these lines."""
    return answer.isdecimal() and len(answer) < 10 and 1 <= int(answer) <= len(lines)
