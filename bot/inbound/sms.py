"""Who is it, what is meant, which talk: from one stored SMS to what is answered. Runs inside a unit of work."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.company import Company
from bot.inbound.caps import GlobalCap
from bot.inbound.conversation import Conversation
from bot.inbound.inbox import StoredSms
from bot.inbound.lines import fits_at_worst, has_digit, is_answer_after_all, is_first, may_be_all_answers
from bot.message import Reply
from bot.monitor import Signs
from bot.outbound import Composer, NewMessage
from bot.receipts import Heard, Receipts
from bot.routing import Router
from bot.routing.networks import is_code
from bot.talks import Channel, Chat, Commands, Talk, Turn, courtesies
from bot.talks.commands import Found
from bot.talks.contacts import PhoneState
from bot.talks.meanings import ANYTHING, SEVERAL, THING
from bot.talks.replay import TurnResult, changed, lesson_on, replay
from bot.talks.state import Asked, Fits, TalkState, locked_out
from bot.text import Text, _, joined, normalise, plain_word, verbatim
from bot.text.answers import apart, begins, consent, is_courtesy, looks_like_answer, no
from bot.text.grammar import listed, split
from bot.text.numbers import is_machine
from models.messages import MessageKind
from models.messages.written import count_answers, expects_since
from models.people import Caller, Role
from models.sql import forget_ahead, now_ms

APOLOGY = _("Sorry, that did not work. Nothing was sold. The office knows. Call {help}.")
SOLD_BEFORE = _("Nothing new was sold. The last sale stands: CASH or TOKEN serial shows it.")
FORWARDED = _(
    "Nothing was booked: a forwarded receipt is no payment. What is paid to us we see ourselves. "
    "No code in an hour? Call {help}."
)
OFFICE_READS = _("The office reads what you wrote. Send HELP for the words, or call {help}.")
GUESSED = (SEVERAL, ANYTHING)  # kinds of texts of which no word says what they are about
NO_ANSWERS = ("asked again", "asked anew", "given up")
NO_EFFECT = ("rejected", "refused", "ended", "unclear")  # of talks that came to their end without a yes
LONGEST_HINT = 3  # pieces of a text of which the first may be a keyword with a slip


@dataclass
class Handled:
    """What became of a message: its replies, and for the records the talk and its outcome."""

    outgoing: list[NewMessage] = field(default_factory=list)
    talk: str = ""
    outcome: str = ""
    answered: frozenset[str] = frozenset()  # the origins of messages whose questions are open no more
    tells: bool = False  # whether others may have been written to, beside what is outgoing


class Dispatcher:
    """Understands one SMS at a time. The caller keeps messages of one phone apart."""

    def __init__(
        self,
        *,
        company: Company,
        commands: Commands,
        router: Router,
        composer: Composer,
        signs: Signs,
        receipts: Receipts,
        sender_cap: int,  # replies to one number in an hour; 0 is no cap
        global_cap: int,  # replies of this process to everybody in an hour; 0 is no cap
    ) -> None:
        self._company, self._commands, self._router = company, commands, router
        self._composer, self._signs, self._receipts = composer, signs, receipts
        self._sender_cap, self._global_cap = sender_cap, GlobalCap(global_cap)

    def cap_replies(self, sender_cap: int, global_cap: int) -> None:
        """From now on these caps hold; what was counted stays."""
        self._sender_cap, self._global_cap.cap = sender_cap, global_cap

    async def handle(self, message: StoredSms, contact: PhoneState, caller: Caller) -> Handled:
        """Handle one message; `contact` is changed in place."""
        if sign := await self._signs.note_test(message.text):
            return Handled(outcome=sign)
        learn_network(contact, message.network, self._router)
        if is_machine(message.sender):
            return await self._hear_machine(message)
        now = now_ms()
        if self._global_cap.is_reached(now) or not contact.may_get_reply(self._sender_cap, now):
            return Handled(outcome="capped")
        conversation = Conversation.load(contact.talk)
        questions = conversation.asked_in
        text = normalise(message.text)
        exchange = _Exchange(message, contact, caller, conversation, self._language(caller, contact))
        result = await self._understand(exchange, text)
        if result and not exchange.no_command:
            contact.note_understood()
        if contact.talk or conversation != Conversation():
            contact.talk = conversation.dump()
        answered = frozenset(questions - conversation.asked_in)
        if result is None:
            return Handled(talk=exchange.talk, outcome="not answered", answered=answered)
        contact.count_reply(now)
        self._global_cap.count_reply(now)
        outgoing = self._answer(message, exchange.language, result.reply)
        return Handled(outgoing, exchange.talk, result.outcome, answered)

    async def _hear_machine(self, message: StoredSms) -> Handled:
        """What an operator writes. Receipts come first: a wallet has a balance too, which is no airtime."""
        forget_ahead()  # it may be a receipt, and sell
        receipt, airtime = await self._receipts.take(_heard(message)), ""
        if not (receipt and self._receipts.speaks_of_money(message.sender.value, message.text)):
            airtime = await self._signs.note_airtime(message.gateway, message.sender, message.text)
        return Handled(outcome=receipt or airtime or "machine", tells=bool(receipt))

    async def keep_aside(self, message: StoredSms, error: str) -> None:
        """A message broke us. A text of an operator is kept for a person: it may be money."""
        await self._receipts.keep_aside(_heard(message), error)

    def apology(self, message: StoredSms, language: str) -> list[NewMessage]:
        """What a sender gets once when his message broke us."""
        text = Text(APOLOGY.english, {"help": self._company.help_phone})
        return self._answer(message, language, Reply(text))

    def _answer(self, message: StoredSms, language: str, reply: Reply) -> list[NewMessage]:
        origin, phone = f"sms {message.id}", message.sender.value
        return self._composer.reply(origin, phone, language, reply, came_in_by=message.gateway)

    def _language(self, caller: Caller, contact: PhoneState) -> str:
        return caller.language or contact.language or self._company.languages[0]

    async def _understand(self, exchange: "_Exchange", text: str) -> TurnResult | None:
        pieces = split(text) or [""]
        if exchange.conversation.open and plain_word(text) in exchange.conversation.open.offered:
            return await self._go_on(exchange, exchange.conversation.open, text)
        if exchange.conversation.open is None and self._receipts.is_forwarded(exchange.message.text):
            return self._answer_forwarded(exchange, text)
        if exchange.conversation.asks and consent(text) and (unsigned := exchange.conversation.find_unsigned()):
            return await self._go_on(exchange, unsigned, text)
        found = self._command(exchange, text, pieces)
        at_worst = fits_at_worst(found[0] if found else None, text)
        asked = await self._find_question(exchange, text, at_worst) if at_worst is not None else None
        if found and not asked:
            (talk, of, arguments), text = found
            if exchange.caller.role is Role.STRANGER:
                exchange.use_language(of, self._company.languages)
            result = await self._start(exchange, talk, arguments, text)
            return await self._answer_command(exchange, talk, text, result)
        if asked:
            exchange.conversation.leave()
            exchange.conversation.open = asked
            text = text if exchange.answer is None else exchange.answer
        if exchange.conversation.open:
            return await self._answer_question(exchange, exchange.conversation.open, text)
        if exchange.caller.role is Role.STRANGER:
            return await self._answer_stranger(exchange, text)
        if self._answers_nothing(exchange, text):
            return await self._answer_again(exchange, text)
        exchange.conversation.went_on = bool(exchange.conversation.closed)
        return await self._understand_without_keyword(exchange, text, pieces)

    async def _answer_command(
        self, exchange: "_Exchange", talk: Talk, text: str, result: TurnResult
    ) -> TurnResult | None:
        """A command that does not fit may be a sentence that begins with its word: token not received."""
        if result.outcome != "rejected":
            return result
        meant = await self._find_meaning(exchange, text) if talk.kinds and talk.nothing is None else None
        if meant and meant.kind not in (THING, *GUESSED):
            return await self._answer_meaning(exchange, meant, text)
        return None if self._goes_on_and_on(exchange, text, understood=True) else result

    async def _answer_question(self, exchange: "_Exchange", asked: TalkState, text: str) -> TurnResult | None:
        """Take a text for the answer to the open question. One of somebody else than an agent that is none, and says
        what it is about, is answered so, and the question stays as it was."""
        if exchange.caller.role is Role.AGENT:
            return await self._go_on(exchange, asked, text)
        meant, before = await self._find_meaning(exchange, text), exchange.conversation.dump()
        result = await self._go_on(exchange, asked, text)
        if result.outcome == "unclear":
            return None if self._goes_on_and_on(exchange, _letters(text)) else result
        if result.outcome not in NO_ANSWERS:
            return result
        claimed = await self._find_claim(exchange, text, split(text) or [""])
        if isinstance(claimed, tuple):
            vars(exchange.conversation).update(vars(Conversation.load(before)))
            return await self._start(exchange, *claimed, text)
        if meant is None or meant.kind == ANYTHING or (meant.kind == SEVERAL and not asked.meant):
            anew = result.outcome == "asked anew"  # nobody can answer what was never shown
            return result if anew or not self._goes_on_and_on(exchange, _letters(text)) else None
        vars(exchange.conversation).update(vars(Conversation.load(before)))
        return await self._answer_meaning(exchange, meant, text)

    async def _find_question(self, exchange: "_Exchange", text: str, at_worst: Fits) -> TalkState | None:
        """The question that somebody else's talk put to this phone, when it was asked after the phone's own: an answer
        belongs to what was asked last. One to one of a talk's questions leads on to its next, once that can have been
        read. What came before a question was put is no answer to it, unless it names the question. When one was put
        that is still to come says nothing: a clock was set back, or another server's is ahead."""
        came_at, now = exchange.message.received_at, now_ms()
        found = [
            (asked, one)
            for asked, one in await self._find_all_asked(exchange, text)
            if asked.fits <= at_worst and (asked.answer is not None or not came_at < asked.at <= now)
        ]
        if not found:
            return None
        asked, talk = max(found, key=lambda each: each[0].at)
        exchange.answer = asked.answer
        key = f"sms {exchange.message.id}"
        newest = TalkState(talk.name, key, asked.answers, confirming=True, asked_at=asked.at)
        next_one = exchange.conversation.open is None and exchange.conversation.talk == newest.talk
        leads_on = next_one and (not newest.asked_at or exchange.conversation.can_be_read)
        return newest if leads_on or newest.asked_at >= exchange.conversation.busy_since else None

    async def _find_all_asked(self, exchange: "_Exchange", text: str) -> list[tuple[Asked, Talk]]:
        """What the talks have put to this phone that this text may answer: they are asked once about a text."""
        if text not in exchange.asked:
            exchange.asked[text] = [
                (asked, one)
                for one in self._commands.for_role(exchange.caller.role)
                if one.find_question and (asked := await one.find_question(exchange.caller, text))
            ]
        return exchange.asked[text]

    def _command(self, exchange: "_Exchange", text: str, pieces: list[str]) -> tuple[Found, str] | None:
        """The command of a message, and the message from that on. Agents may write courtesies before it, where they do
        not answer an open question with them."""
        role, agent, asked = exchange.caller.role, exchange.caller.agent, exchange.conversation.open
        if found := self._commands.find_spelt(pieces, role):
            return found, text
        if agent is None or (asked and asked.free):
            return None
        names = courtesies.name_words([agent.name, self._company.name])
        text = courtesies.from_the_command_on(text, self._commands, role, names)
        may_answer = asked and not asked.confirming and not has_digit(text)
        found = None if may_answer else self._commands.find_spelt(split(text) or [""], role)
        return (found, text) if found else None

    async def _understand_without_keyword(
        self, exchange: "_Exchange", text: str, pieces: Sequence[str]
    ) -> TurnResult | None:
        """What is meant by a text without a keyword, where a talk says that it is meant for it; and what to do with our
        code, which nobody can send."""
        caller, how = exchange.caller, self._how_to_dial(text)
        if how is None and begins(text) is None:
            claimed = await self._find_claim(exchange, text, pieces)
            if isinstance(claimed, tuple):
                return await self._start(exchange, *claimed, text)
            how = claimed
        if caller.agent and how is None:
            names = courtesies.name_words([caller.agent.name, self._company.name])
            told = courtesies.told_to(text, self._commands, caller.role, names)
            how = lesson_on(told) if told else None
        return await self._answer_not_understood(exchange, text, pieces, how)

    async def _find_claim(
        self, exchange: "_Exchange", text: str, pieces: Sequence[str]
    ) -> tuple[Talk, list[str]] | Text | None:
        """The talk that says that a text without a keyword is meant for it, with its arguments; or how to say so."""
        caller, language, how = exchange.caller, exchange.language, None
        turn = Turn(caller, self._company, self._commands, channel=Channel.SMS, language=language, one_line=True)
        for one in self._commands.for_role(caller.role):
            claimed = await one.claims(turn, pieces, text) if one.claims else None
            if isinstance(claimed, list):
                return one, claimed
            how = how or claimed
        return how

    def _how_to_dial(self, text: str) -> Text | None:
        """What is said to a text that is the code which people dial, with answers behind it or a word before it."""
        code, pieces = self._company.ussd_code, text.split()
        begins_with = f"{code.removesuffix('#')}*"
        if not code or len(pieces) > 2 or not any(f"{one.rstrip('#')}*".startswith(begins_with) for one in pieces):
            return None
        return _("Dial {code} like a phone number, do not send it as SMS. Or send HELP.", code=code)

    async def _start(
        self, exchange: "_Exchange", talk: Talk, arguments: Sequence[str], line: str, *, meant: str = ""
    ) -> TurnResult:
        asked = exchange.conversation.open
        exchange.conversation.note_command(reads=talk.reads)
        state = TalkState(talk.name, f"sms {exchange.message.id}", meant=meant)
        pieces = apart(courtesies.without_the_last(listed(line))) if talk.commas else []
        said = [] if all(map(is_courtesy, arguments)) else pieces or arguments  # DONE please
        result = await self._replay(exchange, talk, state, said, line)
        if asked and is_answer_after_all(asked, talk, line, result, exchange.language):
            exchange.conversation.open = asked
            return await self._go_on(exchange, asked, line)
        return result

    async def _go_on(self, exchange: "_Exchange", state: TalkState, text: str) -> TurnResult:
        talk = self._commands.by_name.get(state.talk)
        if talk is None or exchange.caller.role not in talk.roles:
            exchange.conversation.close("left")
            return TurnResult(Reply(changed(talk)), outcome="changed")
        if exchange.is_too_old_for(state):
            return await self._replay(exchange, talk, state, [])
        first = is_first(state, talk, text)
        result = await self._replay(exchange, talk, state, [text])
        again = result.outcome == "asked again"
        if first and again and (whole := await self._answer_all(exchange, talk, state, text)):
            return whole
        if again and len(text) > 1 and (asked := exchange.conversation.return_to_aside()):
            return await self._go_on(exchange, asked, text)  # no choice of a list: the serial that it was looked at for
        return result

    async def _answer_all(self, exchange: "_Exchange", talk: Talk, state: TalkState, text: str) -> TurnResult | None:
        """What is no answer to the first question may be all of them at once, as it says that they may come, but
        without the keyword: SHS0283 8000. None when it is not. What began without a keyword goes on so: it is asked
        about before anybody pays."""
        if not may_be_all_answers(talk, text):
            return None
        before = exchange.conversation.dump()
        result = await self._start(exchange, talk, split(text), f"{talk.keyword.to('en')} {text}", meant=state.meant)
        asked = exchange.conversation.open if result.open else None
        if result.outcome != "rejected" and (asked is None or asked.answers):
            return result
        vars(exchange.conversation).update(vars(Conversation.load(before)))
        return None

    async def _replay(
        self, exchange: "_Exchange", talk: Talk, state: TalkState, inputs: Sequence[str], line: str = ""
    ) -> TurnResult:
        exchange.talk = talk.name
        if exchange.caller.locked and not talk.when_locked:
            exchange.conversation.close("left")
            return TurnResult(Reply(locked_out(self._company.help_phone)), outcome="locked")
        chat = Chat(
            state,
            person=exchange.caller,
            contact=exchange.contact,
            company=self._company,
            commands=self._commands,
            channel=Channel.SMS,
            language=exchange.language,
            inputs=inputs,
            line=line,
            beside=exchange.conversation.aside is not None,
        )
        result = await replay(chat, state)
        exchange.language = chat.language
        if result.open:
            state.asked_at, state.asked_in = now_ms(), f"sms {exchange.message.id}"
            if not exchange.is_too_old_for(state):
                state.asked_by, state.asked_after = exchange.message.gateway, exchange.came_at
            exchange.conversation.ask(state)
        else:  # that a PIN was wrong, or that it was a no, is not to be said again of a right one or a yes
            how = "left" if result.outcome in ("given up", "declined", "left") else "done"
            state.confirming = state.confirming and result.outcome != "unclear"  # for it was asked once more
            last = result.reply.text.to(exchange.language) if exchange.conversation.open else ""
            exchange.conversation.close(how, last, sold=result.outcome == "sold")
            if how == "done" and not state.confirming and result.outcome not in NO_EFFECT:
                exchange.conversation.note_done(talk.name)
        return result

    def _answers_nothing(self, exchange: "_Exchange", text: str) -> bool:
        """Whether a text is an answer though nothing is open. Agents are not left in doubt about that; others are told
        when they had a question."""
        told = bool(exchange.conversation.remembered) or exchange.caller.role is Role.AGENT
        return told and (looks_like_answer(text) or bool(consent(text)))

    async def _answer_again(self, exchange: "_Exchange", text: str) -> TurnResult | None:
        """A yes, a no or a PIN with nothing open. What was sold is never sold again; a yes that repeats the one before
        at once has the same answer, for networks repeat. After anything else it means something else, and what was
        sold before would be taken for its answer. A bare word belongs to what was asked last, if by the office."""
        conversation = exchange.conversation
        written = 0 if has_digit(text) else await self._written_to(exchange)
        if written > conversation.closed_at:
            return await self._leave_to_office(exchange, written)
        exchange.talk = conversation.talk
        if conversation.repeats and not no(text):
            return TurnResult(Reply(verbatim(conversation.last), MessageKind.TOKEN), outcome="again")
        if self._goes_on_and_on(exchange, _letters(text)):
            return None
        talk = self._commands.by_name.get(conversation.talk)
        closed, nothing = conversation.remembered, talk.nothing if talk and talk.nothing else _("Nothing was done.")
        if closed == "expired":
            return TurnResult(Reply(_("Too late. {nothing} Send it again.", nothing=nothing)), outcome="late")
        if closed == "done" and conversation.sold:  # or whoever doubts that sale would make it once more
            nothing = SOLD_BEFORE
        elif closed != "left":
            nothing = _("Nothing was done.")
        return TurnResult(Reply(_("Nothing to confirm. {nothing}", nothing=nothing)), outcome=closed or "none")

    def _answer_forwarded(self, exchange: "_Exchange", text: str) -> TurnResult | None:
        """A receipt that somebody forwards or types is never a payment: whoever sent it is told so."""
        now = now_ms()
        if exchange.caller.role is Role.STRANGER:
            if exchange.contact.was_told(now):
                return None
            exchange.contact.note_told(now)
            exchange.use_language(self._commands.language_of(text), self._company.languages)
        if self._goes_on_and_on(exchange, _letters(text)):
            return None
        return TurnResult(Reply(Text(FORWARDED.english, {"help": self._company.help_phone})), outcome="forwarded")

    async def _answer_stranger(self, exchange: "_Exchange", text: str) -> TurnResult | None:
        now = now_ms()
        if exchange.contact.was_told(now):
            return None
        exchange.use_language(self._commands.language_of(text), self._company.languages)
        meant = await self._find_meaning(exchange, text)
        if _is_guess(meant) and (written := await self._written_to(exchange)):
            return await self._leave_to_office(exchange, written)
        exchange.contact.note_told(now)
        return await self._answer_meaning(exchange, meant, text) if meant else None

    async def _answer_not_understood(
        self, exchange: "_Exchange", text: str, pieces: Sequence[str], how: Text | None = None
    ) -> TurnResult | None:
        """No keyword stands first: `how` to write it comes first where the text names a device, then what its words
        say, a question that waits for words before what would be reported, then a keyword with a slip, then the talk
        that takes whatever comes."""
        exchange.talk = "not understood"
        role, word = exchange.caller.role, pieces[0]
        if how:
            said = None if self._goes_on_and_on(exchange, _letters(text)) else self._hint(exchange, pieces) or how
            return TurnResult(Reply(said), outcome="not understood") if said else None
        meant, of_others = await self._find_meaning(exchange, text), self._commands.for_others(word, role)
        if meant and meant.kind not in GUESSED and meant.talk.nothing is None:
            return await self._answer_meaning(exchange, meant, text)
        if not of_others and (asked := await self._find_question(exchange, text, Fits.OTHER)):
            if self._goes_on_and_on(exchange, _letters(text)):
                return None
            exchange.conversation.open = asked  # words that came after a question are kept
            return await self._go_on(exchange, asked, text)
        hint = self._hint(exchange, pieces)
        if hint is None and _is_guess(meant) and (written := await self._written_to(exchange)):
            return await self._leave_to_office(exchange, written)
        if meant and (meant.kind not in GUESSED or hint is None):
            result = await self._answer_meaning(exchange, meant, text)
            return replace(result, outcome="not understood") if result and meant.kind in GUESSED else result
        late = self._commands.by_name.get(exchange.conversation.late)
        if late and late.nothing and not late.drafts:
            otherwise = joined([late.nothing, lesson_on(late)])
        else:
            otherwise = _("Not understood. Send HELP for the words, or call {help}.", help=self._company.help_phone)
        if self._goes_on_and_on(exchange, _letters(text)):
            return None
        return TurnResult(Reply(hint or otherwise), outcome="not understood")

    async def _written_to(self, exchange: "_Exchange") -> int:
        """When the office wrote to this phone by hand, while what comes back may answer that (ms); 0 for never."""
        return await expects_since(exchange.message.sender.value, now_ms())

    async def _leave_to_office(self, exchange: "_Exchange", written: int) -> TurnResult | None:
        """A text that is no command, after the office wrote: it waits for the office. The machine keeps quiet about the
        first one, says of the second who reads it, and is quiet again until the office writes once more: so nobody
        hears nothing at all, and a machine at the other end hears one answer."""
        exchange.talk, exchange.no_command = "not understood", True
        before = await count_answers(exchange.message.sender.value, exchange.message.id, written)
        if before != 1 or exchange.contact.goes_on_and_on:
            return None
        said = Text(OFFICE_READS.english, {"help": self._company.help_phone})
        return TurnResult(Reply(said), outcome="not understood")

    def _hint(self, exchange: "_Exchange", pieces: Sequence[str]) -> Text | None:
        """What is said of a short text that begins with a keyword that has a slip, or is for somebody else."""
        role, word = exchange.caller.role, pieces[0]
        sentence = role is Role.CUSTOMER and len(pieces) > 1 and not has_digit("".join(pieces))
        if len(pieces) > LONGEST_HINT or sentence:
            return None
        close = self._commands.suggest(word, role, exchange.language)
        found = self._commands.find(close, role) if close else None
        if close and found:
            lesson = lesson_on(found[0], verbatim(close))
            return _("Did you mean {keyword}? {how}", keyword=close, how=lesson)
        if not self._commands.for_others(word, role):
            return None
        values = {"word": word, "help": self._company.help_phone}
        if role is Role.AGENT:
            return _("Only customers send {word}. Send HELP, or call {help}.", **values)
        return _("Only agents send {word}. To buy, pay your agent. Call {help}.", **values)

    async def _find_meaning(self, exchange: "_Exchange", text: str) -> "_Meant | None":
        """The talk that answers such a text, and what of it answers the talk's questions."""
        asked = exchange.conversation.open
        for talk, kind, _language in self._commands.meant(text, exchange.caller.role):
            before = asked.answers if asked and asked.meant and asked.talk == talk.name else []
            arguments = await talk.arguments(exchange.caller, text, before)
            if arguments is not None:
                return _Meant(talk, kind, arguments)
        return None

    async def _answer_meaning(self, exchange: "_Exchange", meant: "_Meant", text: str) -> TurnResult | None:
        """Start the talk that is meant. An open question stays open, unless this talk asks one that has an effect."""
        if self._goes_on_and_on(exchange, _letters(text), understood=meant.kind not in GUESSED):
            return None
        exchange.conversation.note_command(reads=True)
        state = TalkState(meant.talk.name, f"sms {exchange.message.id}", meant=meant.kind)
        return await self._replay(exchange, meant.talk, state, meant.arguments)

    def _goes_on_and_on(self, exchange: "_Exchange", text: str, *, understood: bool = False) -> bool:
        """Count a text that was no command; whether it is one too many to be answered."""
        exchange.no_command = True
        digest = self._company.vault.mac(text.upper(), "text")
        exchange.contact.note_no_command(digest, now_ms(), understood=understood)
        return exchange.contact.goes_on_and_on


@dataclass
class _Exchange:
    """One SMS while it is being understood, and who sent it."""

    message: StoredSms
    contact: PhoneState
    caller: Caller
    conversation: Conversation
    language: str  # of the answer
    talk: str = ""  # the name of the talk that answers, for the records
    answer: str | None = None  # what of the text answers a question that the rest of it names
    no_command: bool = False  # whether it was neither a command that fits nor an answer
    # What others' talks have put to the phone, by the text that may answer it: a message without its courtesies is one.
    asked: dict[str, list[tuple[Asked, Talk]]] = field(default_factory=dict)

    def is_too_old_for(self, asked: TalkState) -> bool:
        """Whether a text was written before the one that this question answered. A gateway brings later what we did not
        take at first, and then it may answer a question that nobody has read yet. One clock tells both times; where it
        told a time that is still to come, it was set back, or another server's is ahead, and it says nothing."""
        message, same_clock = self.message, self.message.gateway == asked.asked_by
        return same_clock and 0 < message.reached_at < asked.asked_after <= message.received_at

    @property
    def came_at(self) -> int:
        """When its gateway got the text, by the gateway's clock (ms), but not after we did; 0 where it does not say."""
        return min(self.message.reached_at, self.message.received_at)

    def use_language(self, language: str, known: Sequence[str]) -> None:
        """Answer somebody whom we do not know in the language that the text is in."""
        if language in known:
            self.language = language


@dataclass(frozen=True)
class _Meant:
    """The talk that a text without a keyword is for."""

    talk: Talk
    kind: str  # of text
    arguments: list[str]  # what the text answers already


def _is_guess(meant: _Meant | None) -> bool:
    """Whether no word of a text says what it is about."""
    return meant is None or meant.kind in GUESSED


def _letters(text: str) -> str:
    """A text as it is compared with the last ones: machines count, and give the time."""
    return re.sub(r"\d", "", text)


def _heard(message: StoredSms) -> Heard:
    """No phone has a text before it was sent: a clock that is ahead says nothing."""
    return Heard(
        inbox_id=message.id,
        gateway=message.gateway,
        sim=message.sim,
        sender=message.sender,
        text=message.text,
        reached_at=min(message.reached_at or message.received_at, message.received_at),
    )


def learn_network(contact: PhoneState, network: str, router: Router) -> None:
    """A gateway named the network that this phone is in."""
    if is_code(network):
        contact.network = network
        router.learn(contact.phone, network)
