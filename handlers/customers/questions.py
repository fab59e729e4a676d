"""What a registration asks for and no other talk does: a name, a phone that may be missing, a free device."""

import unicodedata
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from bot.talks.chat import Chat
from bot.talks.fields import Field, Invalid, PhoneNumber, echo
from bot.text.grammar import normalise, plain_word
from bot.text.i18n import Text, _
from handlers.fields.customers import CustomerNumber
from handlers.fields.devices import MOST, as_it_stands, read_aloud, together
from models.customers import registration
from models.customers import search as customers
from models.devices.tables import Kind
from models.people.tables import Customer
from models.tokens.sts import is_meter_number

NO_PHONE = frozenset({"NONE", "HAKUNA", "AUCUN", "NENHUM", "BABU", "-"})
FEWEST_LETTERS, LONGEST_PART = 3, 60  # of a name and of a surname (reference: mpm 0.3, 1.2)
_BETWEEN_LETTERS = " '-."


class FullName(Field[tuple[str, str]]):
    """Name and surname, kept as typed: the first word is the name, all others are the surname."""

    name = "name"

    async def read(self, chat: Chat, answer: str) -> str:
        typed = " ".join(normalise(answer).split())
        if not all(map(is_name, _parts(typed))):
            raise Invalid(_("Name and surname, 3 letters or more each, 60 at most."))
        return typed

    async def find(self, chat: Chat, recorded: str) -> tuple[str, str]:
        return _parts(recorded)

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        """A name ends where the phone begins, or the word for none. Between commas it is one piece, or two when the
        surname has its own: what follows is never made part of a name."""
        count = max(len(list(takewhile(_may_be_of_a_name, pieces))), 1)
        if any(" " in piece for piece in pieces[:count]):
            return 1
        return count


def _parts(typed: str) -> tuple[str, str]:
    name, _space, surname = typed.partition(" ")
    return name, surname


def is_name(part: str) -> bool:
    """Whether a customer can be registered by this name, or this surname."""
    letters = sum(map(str.isalpha, part))
    return letters >= FEWEST_LETTERS and len(part) <= LONGEST_PART and all(map(_is_of_a_name, part))


def _is_of_a_name(character: str) -> bool:
    """Letters, the marks that some scripts put on them, and what stands between them."""
    return character.isalpha() or character in _BETWEEN_LETTERS or unicodedata.category(character)[0] == "M"


def _may_be_of_a_name(piece: str) -> bool:
    return not any(map(str.isdecimal, piece)) and plain_word(piece) not in NO_PHONE


class Reached(NamedTuple):
    """By which phone a customer is reached (none: an empty text), and who of the agent's own mini-grid is `known` by
    what was `said`: the phone, or the number of a customer."""

    said: str
    phone: str
    known: list[Customer]


class OwnersPhone(Field[Reached]):
    """The customer's phone number; or #4, the number of a customer, for the one who is that already. Recorded is
    which of them; that there is no phone as an empty text."""

    name = "phone"

    async def read(self, chat: Chat, answer: str) -> str:
        if plain_word(answer.strip()) in NO_PHONE:
            return ""
        if answer.startswith("#"):
            return f"#{await CustomerNumber(self.prompt).read(chat, answer)}"
        return await PhoneNumber(self.prompt).read(chat, answer)

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return 1 if pieces[0].startswith("#") else await PhoneNumber(self.prompt).pieces(chat, pieces)

    async def find(self, chat: Chat, recorded: str) -> Reached:
        if recorded.startswith("#"):
            known = await CustomerNumber(self.prompt).find(chat, int(recorded[1:]))
            return Reached(recorded, known.phone or "", [known])
        return Reached(recorded, recorded, await customers.reached_by(recorded, chat.agent.mini_grid_id))


def request_of(chat: Chat, *said: str) -> str:
    """A keyed hash of who is to get which device: it tells a repeated registration from another one."""
    return chat.site.vault.mac("\n".join(said).casefold(), "registration")


class FreeSerial(Field[tuple[str, str]]):
    """The serial of a device that nobody has, or that this very registration gave to somebody before; and the
    request. `person` is what was said of the customer."""

    name = "serial"

    def __init__(self, prompt: Text, kind: Kind, person: Sequence[str]) -> None:
        super().__init__(prompt)
        self._kind, self._person = kind, person

    async def read(self, chat: Chat, answer: str) -> list[str]:
        serial = await as_it_stands(answer)
        request = request_of(chat, *self._person, serial)
        try:
            return [await registration.free_serial(serial, self._kind), request]
        except registration.NotFree as refusal:
            if await registration.repeated(chat.agent, request):
                return [serial, request]
            raise Invalid(why_not_free(refusal, serial, chat)) from refusal

    async def find(self, chat: Chat, recorded: list[str]) -> tuple[str, str]:
        serial, request = recorded
        return serial, request

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        """A meter number that was read aloud has spaces; it is joined only when its check digit is right."""
        if self._kind is not Kind.METER:
            return await together(self, chat, pieces)
        digits = read_aloud(pieces)
        joined = (count for count in range(len(digits), 1, -1) if is_meter_number("".join(digits[:count])))
        return next(joined, 1)


def why_not_free(refusal: registration.NotFree, serial: str, chat: Chat) -> Text:
    """Why this serial cannot be registered; whose it is, nobody learns here."""
    shown = echo(serial, MOST)
    match refusal:
        case registration.NotAMeterNumber():
            return _("{serial} is no meter number. Check each digit.", serial=shown)
        case registration.InUse():
            return _("{serial} is in use already.", serial=shown)
        case registration.OtherKind():
            return _("{serial} is another kind of device.", serial=shown)
        case registration.NoPrice():
            return _("{serial} has no price yet. Call {help}.", serial=shown, help=chat.site.help_phone)
        case registration.NoVendingKey():
            return _("This meter is not in stock. Call {help}.", help=chat.site.help_phone)
        case registration.NotInStock(matches=matches) if matches:
            return _("Several end in {serial}. Send it in full.", serial=shown)
        case _:
            return _("{serial} is not in stock. Read it on the device.", serial=shown)
