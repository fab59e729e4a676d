"""Who is it, what is meant, which talk: from one stored SMS to what is answered. Runs inside a unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.company import Site
from bot.inbound.conversation import Thread
from bot.inbound.guards import Contact, GlobalCap, is_machine, locked_out
from bot.message import Copy, Reply
from bot.monitor.canary import Signs
from bot.outbound.enqueue import Promise, promise
from bot.routing.networks import is_code
from bot.routing.router import Router
from bot.talks.chat import Channel, Chat
from bot.talks.commands import NO_ARGUMENTS, Commands, Talk
from bot.talks.replay import Played, play, taught
from bot.talks.state import TalkState
from bot.text.answers import apart, begins, looks_like_answer, no, yes
from bot.text.grammar import listed, normalise, plain_word, split, unglued
from bot.text.gsm import fits_sms, plain
from bot.text.i18n import Text, _, verbatim
from bot.text.numbers import Sender
from models.messages.tables import Class
from models.people.tables import Caller, Role
from models.sql import now_ms

APOLOGY = _("Sorry, that did not work. Nothing was sold. The office knows. Call {help}.")


@dataclass(frozen=True)
class Waiting:
    """An SMS that was accepted and waits to be understood, with the text as it came. `network` is the sender's, by
    its code, where the gateway named it."""

    id: int
    gateway: str
    sender: Sender
    text: str
    network: str = ""


@dataclass
class Handled:
    """What became of a message: its replies, and an outcome for the office."""

    promises: list[Promise] = field(default_factory=list)
    talk: str = ""
    outcome: str = ""


class Dispatcher:
    """Understands one SMS at a time. The caller keeps messages of one phone apart."""

    def __init__(
        self, site: Site, commands: Commands, router: Router, sender_cap: int, global_cap: int, signs: Signs
    ) -> None:
        self._site, self._commands, self._router, self._signs = site, commands, router, signs
        self._sender_cap, self._global_cap = sender_cap, GlobalCap(global_cap)

    async def sms(self, message: Waiting, contact: Contact, caller: Caller) -> Handled:
        """Handle one message; `contact` is changed in place."""
        if sign := await self._signs.read(message.gateway, message.sender, message.text):
            return Handled(outcome=sign)
        self.learn(contact, message.network)
        if is_machine(message.sender):
            return Handled(outcome="machine")
        if self._global_cap.reached or not contact.may_get_reply(self._sender_cap):
            return Handled(outcome="capped")
        thread = Thread.load(contact.talk)
        text = normalise(message.text)
        turn = _Turn(message, contact, caller, thread, self._language(caller, contact))
        played = await self._understand(turn, text)
        if contact.talk or thread != Thread():
            contact.talk = thread.dump()
        if played is None:
            contact.replies -= 1
            return Handled(talk=turn.talk, outcome="not answered")
        self._global_cap.count()
        return Handled(self.promises(f"sms {message.id}", message, turn.language, played), turn.talk, played.outcome)

    def learn(self, contact: Contact, network: str) -> None:
        """A gateway named the network that this phone is in."""
        if is_code(network):
            contact.network = network
            self._router.learn(contact.phone, network)

    def promises(self, origin: str, message: Waiting, language: str, played: Played) -> list[Promise]:
        """The outbox rows of a reply: the answer itself, then what goes to others."""
        reply = played.reply
        gateway = self._router.reply_gateway(message.gateway, message.sender.value, reply.kind)
        answer = plain(reply.text.to(language), accents=self._site.accents)
        return [
            Promise(origin, message.sender.value, answer, reply.kind, gateway),
            *self.copies(origin, reply),
        ]

    def copies(self, origin: str, reply: Reply) -> list[Promise]:
        return [
            Promise(
                f"{origin} {number}",
                copy.phone,
                plain(copy.text.to(copy.language), accents=self._site.accents),
                copy.kind,
                self._router.gateway_for(copy.phone, copy.kind),
            )
            for number, copy in enumerate(reply.also, 1)
        ]

    async def tell(self, origin: str, copies: Sequence[Copy]) -> None:
        """Promise messages that answer nobody, in the caller's transaction; `Outbox.notify` after its commit."""
        await promise(self.copies(origin, Reply(verbatim(""), also=list(copies))), now_ms())

    def apology(self, message: Waiting, language: str) -> list[Promise]:
        """What a sender gets once when his message broke us."""
        text = Text(APOLOGY.english, {"help": self._site.help_phone})
        return self.promises(f"sms {message.id}", message, language, Played(Reply(text), False, "failed"))

    def _language(self, caller: Caller, contact: Contact) -> str:
        return caller.language or contact.language or self._site.languages[0]

    async def _understand(self, turn: "_Turn", text: str) -> Played | None:
        pieces = split(text) or [""]
        if turn.thread.open and plain_word(text) in turn.thread.open.offered:
            return await self._go_on(turn, turn.thread.open, text)
        if found := self._command(pieces, turn.caller.role):
            talk, of, arguments = found
            if talk.commas:
                arguments = apart(listed(text)) or arguments
            asked = turn.thread.open
            turn.thread.go_on()
            if turn.caller.role is Role.STRANGER and of in self._site.languages:
                turn.language = of
            played = await self._start(turn, talk, arguments, text)
            if asked and asked.free and talk.usage is NO_ARGUMENTS and played.outcome == "rejected":
                turn.thread.open = asked  # no command after all: Token does not work
                return await self._go_on(turn, asked, text)
            return played
        if begins(text) is not None and (asked := await self._asked(turn, text)):
            turn.thread.close("left")
            turn.thread.open = asked
        if turn.thread.open:
            return await self._go_on(turn, turn.thread.open, text)
        if turn.caller.role is Role.STRANGER:
            return self._stranger(turn)
        if looks_like_answer(text) and turn.thread.remembered:
            return self._answer_again(turn, text)
        return self._not_understood(turn, pieces)

    async def _asked(self, turn: "_Turn", text: str) -> TalkState | None:
        """The question that somebody else's talk put to this phone, when it was asked after the phone's own: a
        bare yes or no belongs to what was asked last. An answer to one of a talk's questions leads on to its next, once
        that can have been read."""
        found = [
            TalkState(one.name, f"sms {turn.message.id}", asked.answers, confirming=True, asked_at=asked.at)
            for one in self._commands.for_role(turn.caller.role)
            if one.waiting and (asked := await one.waiting(turn.caller, text))
        ]
        newest = max(found, key=lambda state: state.asked_at, default=None)
        if newest is None:
            return None
        next_one = turn.thread.open is None and turn.thread.talk == newest.talk
        leads_on = next_one and (not newest.asked_at or turn.thread.read)
        return newest if leads_on or newest.asked_at >= turn.thread.busy_since else None

    def _command(self, pieces: list[str], role: Role) -> tuple[Talk, str, list[str]] | None:
        for word, *arguments in (pieces, *unglued(pieces)):
            if found := self._commands.find(word, role):
                return *found, arguments
        return None

    async def _start(self, turn: "_Turn", talk: Talk, arguments: Sequence[str], line: str) -> Played:
        state = TalkState(talk.name, f"sms {turn.message.id}")
        return await self._play(turn, talk, state, arguments, line)

    async def _go_on(self, turn: "_Turn", state: TalkState, text: str) -> Played:
        talk = self._commands.by_name.get(state.talk)
        if talk is None or turn.caller.role not in talk.roles:
            turn.thread.close("left")
            return Played(Reply(_("Something changed. Once more, please.")), False, "changed")
        return await self._play(turn, talk, state, [text])

    async def _play(self, turn: "_Turn", talk: Talk, state: TalkState, inputs: Sequence[str], line: str = "") -> Played:
        turn.talk = talk.name
        if turn.caller.locked and not talk.when_locked:
            turn.thread.close("left")
            return Played(Reply(locked_out(self._site.help_phone)), False, "locked")
        chat = Chat(
            turn.caller,
            turn.contact,
            self._site,
            self._commands,
            state,
            channel=Channel.SMS,
            language=turn.language,
            inputs=inputs,
            line=line,
        )
        played = await play(talk, chat)
        turn.language = chat.language
        if played.open:
            state.asked_at = now_ms()
            turn.thread.open = state
        else:  # that a PIN was wrong is not to be said again of a right one
            how = "left" if played.outcome == "given up" else "done"
            turn.thread.close(how, played.reply.text.to(turn.language))
        return played

    def _answer_again(self, turn: "_Turn", text: str) -> Played:
        """A yes or no with nothing open. What was sold is never sold again; a yes that repeats the one before has the
        same answer. A no does not, nor a yes without a PIN after another command: those mean something else."""
        turn.talk = turn.thread.talk
        talk = self._commands.by_name.get(turn.talk)
        nothing = talk.nothing if talk and talk.nothing else _("Nothing was done.")
        if turn.thread.closed == "done" and (no(text) or (turn.thread.went_on and not yes(text))):
            return Played(Reply(_("No question is open. {nothing}", nothing=_("Nothing was done."))), False, "none")
        if turn.thread.closed == "expired":
            return Played(Reply(_("Too late. {nothing} Send it again.", nothing=nothing)), False, "late")
        if turn.thread.closed == "left":
            return Played(Reply(_("No question is open. {nothing}", nothing=nothing)), False, "left")
        last = verbatim(turn.thread.last)
        # After another command, a refused one even, it would be taken for the answer to that.
        earlier = _("Earlier: {last}", last=last)
        marked = turn.thread.went_on and fits_sms(plain(earlier.to(turn.language)))
        return Played(Reply(earlier if marked else last, Class.TOKEN), False, "again")

    def _stranger(self, turn: "_Turn") -> Played | None:
        if turn.contact.silent():
            return None
        return Played(Reply(unknown_caller(self._site)), False, "stranger")

    def _not_understood(self, turn: "_Turn", pieces: list[str]) -> Played | None:
        turn.talk = "not understood"
        if turn.contact.mutes(self._site.vault.mac(normalise(turn.message.text).upper(), "text")):
            return None
        role, word = turn.caller.role, pieces[0]
        close = self._commands.suggest(word, role)
        found = self._commands.find(close, role) if close else None
        if close and found:
            how = taught(found[0], turn.language, close)
            text = _("Did you mean {keyword}? {how}", keyword=close, how=how)
        elif self._commands.for_others(word, role):
            text = _(
                "{word} is not for this number. Send HELP. Call {help}.",
                word=word,
                help=self._site.help_phone,
            )
        else:
            text = _("Not understood. Send HELP for what you can send. Call {help}.", help=self._site.help_phone)
        return Played(Reply(text), False, "not understood")


@dataclass
class _Turn:
    message: Waiting
    contact: Contact
    caller: Caller
    thread: Thread
    language: str
    talk: str = ""


def unknown_caller(site: Site) -> Text:
    return _(
        "{company} does not know this number. To join, call {help}.",
        company=site.company,
        help=site.help_phone,
    )
