"""What a sale of an appliance asks for: a customer by whatever is known of him, a free device from stock."""

from collections.abc import Sequence

from bot.talks.chat import Chat
from bot.talks.fields import Field, Invalid, PhoneNumber, echo
from bot.talks.state import Changed
from bot.text.grammar import normalise
from bot.text.gsm import shorten
from bot.text.i18n import Text, _, verbatim
from handlers.fields.customers import MOST_FOUND, Search
from handlers.fields.devices import MOST, as_it_stands, together
from models.customers import search as customers
from models.devices.tables import TAIL, Device, DeviceNotFound
from models.money.catalogue import Appliance, free_device, plans_of
from models.people.tables import Customer

LONGEST_NUMBER = 7  # digits of a customer number; phone numbers are longer
LONGEST_NAME = 20  # septets of a customer's name on a list
LISTED = 12  # free devices that are worth paging through; more are quicker to name


class Buyer(Search):
    """Customers of the agent's own mini-grid, by number, phone in any spelling, serial, or part of a name. What is
    recorded are their numbers; one line has to fit one."""

    name = "customer"

    async def read(self, chat: Chat, answer: str) -> list[int]:
        """A customer number, being whole, comes before the end of somebody's phone."""
        digits = normalise(answer).strip().removeprefix("#").strip()
        if digits.isdecimal() and len(digits) <= LONGEST_NUMBER and not digits.startswith("0"):
            if await customers.with_numbers(chat.agent.mini_grid_id, [int(digits)]):
                return [int(digits)]
            if len(digits) < TAIL:
                raise Invalid(_("No customer of yours has the number {answer}.", answer=echo(answer)))
        found = await super().read(chat, answer)
        if len(found) > (1 if chat.one_line else MOST_FOUND):
            raise Invalid(_("Several fit {answer}. Send the customer number.", answer=echo(answer)))
        return found

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return await PhoneNumber(self.prompt).pieces(chat, pieces)


def on_a_list(one: Customer) -> Text:
    return verbatim(f"{shorten(f'{one.name} {one.surname}', LONGEST_NAME)} #{one.id}")


class FreeDevice(Field[Device]):
    """A free device of an appliance, by its serial or the end of it, or the one just `sold`. What is recorded is the
    whole serial."""

    name = "free device"

    def __init__(self, prompt: Text, appliance: Appliance, sold: Device | None = None) -> None:
        super().__init__(prompt)
        self._appliance, self._sold = appliance, sold

    async def read(self, chat: Chat, answer: str) -> str:
        serial = await as_it_stands(answer)
        try:
            return (await free_device(self._appliance, serial)).serial
        except DeviceNotFound as error:
            if error.matches:
                raise Invalid(_("Several end in {serial}. Send it in full.", serial=echo(serial, MOST))) from error
            if self._sold and len(serial) >= TAIL and self._sold.serial.endswith(serial):
                return self._sold.serial
            if chat.one_line and serial.isalpha() and (plan := await self._only_plan()):
                raise Invalid(_("{answer} is none of these: {choices}.", answer=echo(answer), choices=plan)) from error
            raise Invalid(_("{serial} is not in stock. Read it on the device.", serial=echo(serial, MOST))) from error

    async def _only_plan(self) -> str:
        """Where there is one plan alone, a line may leave it out: a word without a digit was meant for another."""
        plans = await plans_of(self._appliance)
        return plans[0].name if len(plans) == 1 else ""

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return await together(self, chat, pieces)

    async def find(self, chat: Chat, recorded: str) -> Device:
        """Also one that went to somebody else meanwhile: the sale refuses it and says so."""
        device = await Device.get_or_none(serial=recorded)
        if device is None:
            raise Changed
        return device
