"""Reminders off and on. Tokens and receipts always come: they were paid for."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _
from models.people import Role

STOPPED = "stopped"  # in the records: this text asks for nothing (models/messages/written.py)
EVERYONE = frozenset(Role)


@talk(
    "stop",
    roles=EVERYONE,
    words={"en": ("STOP",), "sw": ("ACHA",), "fr": ("ARRET",), "pt": ("PARAR", "SAIR"), "ha": ("TSAYA",)},
    menu=_("No reminders"),
    menu_for={Role.CUSTOMER},
    when_locked=True,
    suggested=False,
    at_once=True,
)
async def stop(chat: Chat) -> Reply:
    chat.pass_over_words()  # STOP it
    chat.no_more()
    await chat.stop_reminders()
    return chat.end(_("Done. No more reminders. Tokens and receipts still come. Send START to undo."), outcome=STOPPED)


@talk(
    "start",
    roles=EVERYONE,
    words={"en": ("START",), "sw": ("ANZA",), "fr": ("DEBUT",), "pt": ("INICIAR",), "ha": ("FARA",)},
    menu=_("Reminders on"),
    menu_for={Role.CUSTOMER},
    when_locked=True,
    suggested=False,
    at_once=True,
)
async def start(chat: Chat) -> Reply:
    chat.no_more()
    chat.allow_reminders()
    return chat.end(_("Done. Reminders come again. Send STOP to end them."))
