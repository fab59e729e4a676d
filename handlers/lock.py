"""A lost phone: anybody who knows an agent's PIN can lock the agent's account from any phone."""

from bot.chat import Chat
from bot.commands import talk
from bot.fields import Invalid, PhoneNumber, Pin
from bot.i18n import Text, _
from bot.message import Reply
from models import pins
from models.people import Agent, Role

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
    await chat.ask(PinOf(_("The agent's PIN?"), agent))
    chat.no_more()
    if agent is not None and agent.locked_at is None:
        await pins.lock(agent, f"LOCK from {chat.person.phone}")
    return chat.end(_("LOCKED. {phone} sells nothing until the office unlocks it.", phone=number))


class PinOf(Pin):
    """The PIN of an agent who may not exist: a wrong number and a wrong PIN sound the same."""

    def __init__(self, prompt: Text, agent: Agent | None) -> None:
        super().__init__(prompt, agent)
        self._known = agent is not None

    async def read(self, chat: Chat, answer: str) -> bool:
        wrong = _("Number or PIN is wrong.")
        if not self._known:
            raise Invalid(wrong)
        try:
            return await super().read(chat, answer)
        except Invalid as invalid:
            raise Invalid(wrong) from invalid
