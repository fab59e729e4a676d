"""Whom and what somebody at the counter means, wherever it is."""

from aiohttp import web

from bot.company import Company
from bot.text.numbers import parse
from handlers.fields.serials import tidy_serial
from handlers.office.frame.words import _
from models.devices import devices_of
from models.devices.tables import find_anywhere
from models.people import Customer
from models.selling import Payable, contracts_of
from models.selling.contracts import contract_numbered
from models.selling.payable import PayableDevice, paid_by

MOST_NAMED = 5
LONGEST_NUMBER = 8  # no customer has a number of so many digits


class NotFound(Exception):
    """Nothing goes by what was typed, or several do; the text says so to the reader."""


async def find_payable(typed: str) -> Payable:
    """A device by its serial, or goods by the number of their contract; a contract on a device is paid by the device.
    Raises NotFound."""
    found = await find_anywhere(tidy_serial(typed))
    if len(found) == 1:
        return PayableDevice(found[0])
    if len(found) > 1:
        raise NotFound(_("Several serials look like {typed}. Write it as it stands on the device.", typed=typed))
    contract = await contract_numbered(tidy_serial(typed))
    if contract is None:
        raise NotFound(_("No device and no contract goes by {typed}.", typed=typed))
    return await paid_by(contract)


async def person_of(request: web.Request) -> Customer | None:
    """The customer whom a link names: `?person=4`."""
    number = request.query.get("person", "")
    return await Customer.get_or_none(id=int(number)) if number.isdecimal() and len(number) < LONGEST_NUMBER else None


async def payable_names(customer: Customer | None) -> list[str]:
    """What a customer pays for, by the names that it is paid by: devices, and goods that are on a plan."""
    if customer is None:
        return []
    serials = [device.serial for device in await devices_of([customer]) if device.retired_at is None]
    goods = [one for one in await contracts_of([customer]) if one.device_id is None and one.ended_on is None]
    return [*serials, *(one.number for one in goods)]


async def find_customer(typed: str, company: Company) -> Customer:
    """A customer by number or phone. Raises NotFound, with all who share a phone."""
    number = typed.strip().removeprefix("#")
    if number.isdecimal() and len(number) < LONGEST_NUMBER and (found := await Customer.get_or_none(id=int(number))):
        return found
    try:
        phone = parse(typed, company.country)
    except ValueError as error:
        raise NotFound(_("There is no customer {typed}.", typed=typed)) from error
    sharing = await Customer.filter(phone=phone).order_by("id").limit(MOST_NAMED)
    if not sharing:
        raise NotFound(_("No customer has the phone {phone}.", phone=phone))
    if len(sharing) > 1:
        named = ", ".join(f"#{one.id} {one.name} {one.surname}" for one in sharing)
        raise NotFound(_("Several customers share this phone: {named}. Write the number.", named=named))
    return sharing[0]
