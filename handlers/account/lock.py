"""A lost phone: anybody who knows an agent's PIN can lock the agent's account from any phone."""

import re

from bot.message import Copy, Reply
from bot.talks import Chat, Field, Invalid, PhoneNumber, Turn, talk
from bot.text import Text, _
from models.messages import MessageKind
from models.people import Agent, Role, pins
from models.people.agents import find_agent

EVERYONE = frozenset(Role)


@talk(
    "lock",
    roles=EVERYONE,
    words={
        "en": ("LOCK",),
        "sw": ("FUNGA",),
        "fr": ("BLOQUER",),
        "pt": ("BLOQUEAR",),
        "ha": ("KULLE",),
    },
    menu=_("Lock an agent"),
    menu_for={Role.AGENT},  # in other menus it would invite strangers to try
    usage=_("phone PIN"),
    example="0700000000 123456",
    nothing=_("Not locked."),
    secret=True,
    when_locked=True,
    suggested=False,
)
async def lock(chat: Chat) -> Reply:
    number = await chat.ask(PhoneNumber(_("The agent's phone number?")))
    agent = await find_agent(number)
    await chat.ask(PinOf(_("The agent's PIN?"), number, agent))
    chat.no_more()
    sender = chat.person.phone
    if agent is not None and agent.locked_at is None:
        await pins.lock(agent, sender, "LOCK" if sender == number else f"LOCK by {sender}")
        if sender != number:
            told = _("You are locked: {phone} sent LOCK with your PIN. Call {help}.", phone=sender, help=_help(chat))
            chat.tell(Copy(number, told, MessageKind.REPLY, agent.language))
    return chat.end(_("LOCKED. {phone} sells nothing until the office unlocks it.", phone=number))


class PinOf(Field[bool]):
    """The PIN of the agent with this number, who may not exist or be locked already: the words are the same for all
    numbers. Wrong ones are counted by who guesses, and lock nobody."""

    name = "pin"

    def __init__(self, prompt: Text, number: str, agent: Agent | None) -> None:
        super().__init__(prompt)
        self._number, self._owner = number, agent

    async def read(self, turn: Turn, answer: str) -> bool:
        pin = re.sub(r"[\s-]", "", answer)
        wrong = Invalid(_("Number or PIN is wrong."))
        if not pins.is_pin(pin):  # a slip: it can be nobody's PIN, so it is no guess
            raise wrong
        try:
            right = await pins.check_to_lock(
                self._number, self._owner, pin, sender=turn.person.phone, vault=turn.company.vault
            )
        except pins.TooManyGuesses:
            turn.stop(_("Not locked. Too many wrong tries today. Call {help}.", help=_help(turn)))
        if right:
            return True
        if self._owner and await pins.is_lock_shut(self._number):
            self._warn(turn, self._owner)
        raise wrong

    def _warn(self, turn: Turn, owner: Agent) -> None:
        text = _(
            "Many wrong PINs were sent to LOCK you, the last by {phone}. You can go on selling. Call {help}.",
            phone=turn.person.phone,
            help=_help(turn),
        )
        turn.tell(Copy(owner.phone, text, MessageKind.REPLY, owner.language))


def _help(turn: Turn) -> str:
    return turn.company.help_phone
