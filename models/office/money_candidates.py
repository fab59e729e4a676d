"""What a payment may be for: devices, appliances on a plan and customers near to what was typed, or to its payer."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.customers.search import find_customers
from models.devices import Device, devices_of
from models.devices.tables import find_anywhere
from models.money.wallets import find_prepaid
from models.people import Agent, Customer, MiniGrid
from models.selling import Contract, contracts_of
from models.selling.contracts import contract_numbered
from models.selling.payable import paid_by

MOST = 12
MOST_GRIDS = 50  # whose customers are looked through for a name
SHORTEST, LONGEST = 3, 60  # characters that are looked for


@dataclass(frozen=True)
class Candidate:
    """Something that a payment can be assigned to, under `value` in a form."""

    value: str  # `device SHS0283`, `contract S1042`, `customer 17`, `wallet W3`
    name: str  # what people pay it by: a serial, S1042, W3; empty for a customer's credit
    customer: Customer | None
    agent: Agent | None = None  # whose wallet it is


async def candidates(typed: str, phones: Sequence[str]) -> list[Candidate]:
    """What goes by this text (a serial, S1042, a customer's number, a name), and what belongs to these phones (E.164).
    The surest first."""
    typed = typed.strip()[:LONGEST]
    found: dict[str, Candidate] = {}
    for agent in await _with_wallets(typed, phones):
        value = f"wallet W{agent.id}"
        found.setdefault(value, Candidate(value, f"W{agent.id}", None, agent))
    for device in await find_anywhere(typed) if typed else []:
        _add_device(found, device)
    if typed and (contract := await contract_numbered("".join(typed.split()))):
        await _add_contract(found, contract)
    for customers in (await _by_phones(phones), await _by_number(typed), await _by_search(typed)):
        await _add_customers(found, customers)
        if len(found) >= MOST:
            break
    return list(found.values())[:MOST]


async def _with_wallets(typed: str, phones: Sequence[str]) -> list[Agent]:
    meant = [await find_prepaid(typed, "")] + [await find_prepaid("", phone) for phone in phones]
    return [agent for agent in meant if agent]


async def _add_customers(found: dict[str, Candidate], customers: list[Customer]) -> None:
    for device in await devices_of(customers):
        _add_device(found, device)
    for contract in await contracts_of(customers):
        if contract.device_id is None and contract.ended_on is None:
            await _add_contract(found, contract)
    for customer in customers:
        value = f"customer {customer.id}"
        found.setdefault(value, Candidate(value, "", customer))


def _add_device(found: dict[str, Candidate], device: Device) -> None:
    if device.customer and not device.retired_at:
        value = f"device {device.serial}"
        found.setdefault(value, Candidate(value, device.serial, device.customer))


async def _add_contract(found: dict[str, Candidate], contract: Contract) -> None:
    paid_for = await paid_by(contract)
    value = f"{'device' if paid_for.device else 'contract'} {paid_for.name}"
    found.setdefault(value, Candidate(value, paid_for.name, contract.customer))


async def _by_phones(phones: Sequence[str]) -> list[Customer]:
    wanted = [phone for phone in phones if phone]
    return await Customer.filter(phone__in=wanted).order_by("id").limit(MOST) if wanted else []


async def _by_number(typed: str) -> list[Customer]:
    digits = typed.lstrip("#")
    return await Customer.filter(id=int(digits)) if digits.isdecimal() and len(digits) < 10 else []


async def _by_search(typed: str) -> list[Customer]:
    """By the end of a serial or of a phone, or by a name, in each mini-grid."""
    if len(typed) < SHORTEST:
        return []
    ids: list[int] = []
    digits = "".join(filter(str.isdecimal, typed))
    for grid in await MiniGrid.all().order_by("id").limit(MOST_GRIDS):
        ids += await find_customers(grid.id, typed, [digits] if digits else [], MOST - len(ids))
        if len(ids) >= MOST:
            break
    return await Customer.filter(id__in=ids).order_by("id") if ids else []
