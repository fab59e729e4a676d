"""The office registers a customer, with the checks and the welcome of the talk."""

from dataclasses import replace

from bot.company import Company
from bot.message import Copy
from bot.outbound import Composer
from handlers.customers.questions import request_hash
from handlers.customers.register import CONSENT, welcome
from models.audit import record
from models.customers import registration
from models.customers.registration import Form, Registered
from models.messages import MessageKind
from models.people import OfficeUser


async def register_by_office(
    form: Form, key: str, by: OfficeUser, *, company: Company, composer: Composer
) -> Registered:
    """Register, and welcome the customer, in the caller's transaction; `Outbox.notify` after its commit. `key` names
    it: what is sent twice is done once, as is the same request. Raises NotFree's kinds."""
    done = await registration.register(
        replace(form, consent=CONSENT), agent=None, key=office_key(key), vault=company.vault
    )
    if done.new:
        customer, serial = done.customer, done.device.serial if done.device else "no device"
        detail = f"{customer.name} {customer.surname}, {serial}, consent {CONSENT}"
        await record(by.name, "registered", f"customer {customer.id}", detail)
        if customer.phone:
            copies = [Copy(customer.phone, welcome(done, company), MessageKind.REPLY, customer.language)]
            await composer.tell(f"registered {customer.id} {serial}", copies)
    return done


def office_key(key: str) -> str:
    """Names a registration of the office: no talk has this name."""
    return f"office {key}"


def request_of(company: Company, name: str, surname: str, phone: str, kind: str, what: str) -> str:
    """What was asked for, hashed as the talk does: `what` is the serial, or the village where there is no device."""
    return request_hash(company, name, surname, phone, kind, what)
