"""What a registration asks for and no other talk does: a name, a phone that may be missing, a free device."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from bot.company import Company
from bot.talks import Field, Invalid, PhoneNumber, Turn, courtesies, echo
from bot.text import Text, _, normalise, plain_word
from handlers.fields.customers import CustomerNumber
from handlers.fields.serials import MOST, count_pieces, digit_groups, read_serial
from models.customers import registration, search
from models.customers.registration import is_name
from models.devices import Kind
from models.people import Customer
from models.tokens.sts import is_meter_number

# What people write before a name: register new customer Halima Musa.
LABELS = frozenset(
    {
        *("A", "THE", "NEW", "CUSTOMER", "NAME", "MTEJA", "MPYA", "JINA", "NOUVEAU", "NOUVELLE", "CLIENT", "NOM"),
        *("NOVO", "NOVA", "CLIENTE", "NOME", "SABON", "ABOKIN", "CINIKI", "SUNA"),
    }
)
NAME_RULE = _("Name and surname, 3 letters or more each, 60 at most.")
NO_PHONE = frozenset({"NONE", "HAKUNA", "AUCUN", "NENHUM", "BABU", "-"})
# Said for it as well, where the phone alone is asked for: no phone, hana simu.
NO_OTHERWISE = frozenset({"NO", "NOT", "HAPANA", "HANA", "NON", "PAS", "SANS", "NAO", "SEM", "AA"})


class FullName(Field[tuple[str, str]]):
    """Name and surname, kept as typed. The first word is the name, all others are the surname."""

    name = "name"
    naming = True
    courteous = False  # people are called Mama and Asante

    async def read(self, turn: Turn, answer: str) -> str:
        typed = " ".join(dropwhile(_is_label, normalise(answer).split()))
        if not typed and turn.one_line:  # register new customer
            turn.wait(self.prompt)
        if not all(map(is_name, _parts(typed))):
            raise Invalid(NAME_RULE)
        return typed

    async def find(self, turn: Turn, recorded: str) -> tuple[str, str]:
        return _parts(recorded)

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """A name ends where the phone begins, or the word for none. Between commas it is one piece; or two, when the
        surname stands between commas of its own."""
        count = max(len(list(takewhile(_may_be_of_a_name, pieces))), 1)
        if any(" " in piece for piece in pieces[:count]):
            return 1
        return count


def _is_label(word: str) -> bool:
    return plain_word(word) in LABELS


def _parts(typed: str) -> tuple[str, str]:
    name, _space, surname = typed.partition(" ")
    return name, surname


def _may_be_of_a_name(piece: str) -> bool:
    return not any(map(str.isdecimal, piece)) and plain_word(piece) not in NO_PHONE


@dataclass(frozen=True)
class Reached:
    """By which phone a customer is reached, and who that may be."""

    said: str  # the phone, or the number of a customer: #4
    phone: str  # empty for none
    known: list[Customer]  # those of the agent's own mini-grid who go by what was said


class OwnersPhone(Field[Reached]):
    """The customer's phone number, or #4, the number of somebody who is a customer already. It records what was said,
    and an empty text for no phone."""

    name = "phone"
    courteous = False  # a dash means none

    async def read(self, turn: Turn, answer: str) -> str:
        meant = " ".join(courtesies.within(answer.split()))
        if plain_word(meant) in (NO_PHONE if turn.one_line else NO_PHONE | NO_OTHERWISE):
            return ""
        answer = meant if any(map(str.isdecimal, answer)) else answer
        if answer.startswith("#"):
            return f"#{await CustomerNumber(self.prompt).read(turn, answer)}"
        return await PhoneNumber(self.prompt).read(turn, answer)

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return 1 if pieces[0].startswith("#") else await PhoneNumber(self.prompt).pieces(turn, pieces)

    async def find(self, turn: Turn, recorded: str) -> Reached:
        if recorded.startswith("#"):
            known = await CustomerNumber(self.prompt).find(turn, int(recorded[1:]))
            return Reached(recorded, known.phone or "", [known])
        return Reached(recorded, recorded, await search.customers_by_phone(recorded, turn.agent.mini_grid_id))


def request_hash(company: Company, *said: str) -> str:
    """A keyed hash of who is to get which device. It tells a repeated registration from another one."""
    return company.vault.mac("\n".join(said).casefold(), "registration")


class FreeSerial(Field[tuple[str, str]]):
    """The serial of a device that nobody has, or that this very registration gave to somebody before. It gives the
    serial and the hash of the request. `person` is what was said of the customer."""

    name = "serial"

    def __init__(self, prompt: Text, kind: Kind, person: Sequence[str]) -> None:
        super().__init__(prompt)
        self._kind, self._person = kind, person

    async def read(self, turn: Turn, answer: str) -> list[str]:
        serial = await read_serial(answer)
        request = request_hash(turn.company, *self._person, serial)
        try:
            return [await registration.free_serial(serial, self._kind), request]
        except registration.NotFree as refusal:
            if await registration.find_repeated(turn.agent, request):
                return [serial, request]
            raise Invalid(why_not_free(refusal, serial, turn.company)) from refusal

    async def find(self, turn: Turn, recorded: list[str]) -> tuple[str, str]:
        serial, request = recorded
        return serial, request

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """A meter number that was read aloud has spaces; it is joined only when its check digit is right."""
        if self._kind is not Kind.METER:
            return await count_pieces(self, turn, pieces)
        digits = digit_groups(pieces)
        joined = (count for count in range(len(digits), 1, -1) if is_meter_number("".join(digits[:count])))
        return next(joined, 1)


def why_not_free(refusal: registration.NotFree, serial: str, company: Company) -> Text:
    """Why this serial cannot be registered. Nobody learns here whose it is."""
    shown = echo(serial, MOST)
    match refusal:
        case registration.NotAMeterNumber():
            return _("{serial} is no meter number. Check each digit.", serial=shown)
        case registration.InUse():
            return _("{serial} is in use already.", serial=shown)
        case registration.OtherKind():
            return _("{serial} is another kind of device.", serial=shown)
        case registration.NoPrice():
            return _("{serial} has no price yet. Call {help}.", serial=shown, help=company.help_phone)
        case registration.NoVendingKey():
            return _("This meter is not in stock. Call {help}.", help=company.help_phone)
        case registration.NotInStock(matches=matches) if matches:
            return _("Several end in {serial}. Send it in full.", serial=shown)
        case _:
            return _("{serial} is not in stock. Read it on the device.", serial=shown)
