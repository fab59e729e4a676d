"""A lost phone: anybody who knows an agent's PIN can lock the agent's account from any phone."""

from bot.message import Reply
from bot.talks import Chat, Invalid, PhoneNumber, Turn, talk
from bot.talks.fields import Pin
from bot.text import Text, _
from models.people import Agent, Role, pins

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
    usage=_("phone PIN"),
    example="0700000000 123456",
    nothing=_("Not locked."),
    when_locked=True,
)
async def lock(chat: Chat) -> Reply:
    number = await chat.ask(PhoneNumber(_("The agent's phone number?")))
    agent = await Agent.get_or_none(phone=number)
    locked = _("LOCKED. {phone} sells nothing until the office unlocks it.", phone=number)
    await chat.ask(PinOf(_("The agent's PIN?"), agent, locked))
    chat.no_more()
    if agent is not None:
        await pins.lock(agent, f"LOCK from {chat.person.phone}")
    return chat.end(locked)


class PinOf(Pin):
    """The PIN of an agent who may not exist: a wrong number and a wrong PIN sound the same. That of an agent who is
    locked already is not looked at, and ends the talk with what is so: `locked`."""

    def __init__(self, prompt: Text, agent: Agent | None, locked: Text) -> None:
        super().__init__(prompt, agent)
        self._owner, self._locked = agent, locked

    async def read(self, turn: Turn, answer: str) -> bool:
        wrong = _("Number or PIN is wrong.")
        if self._owner is None:
            raise Invalid(wrong)
        if self._owner.locked_at is not None:
            turn.stop(self._locked)
        try:
            return await super().read(turn, answer)
        except Invalid as invalid:
            raise Invalid(wrong) from invalid
