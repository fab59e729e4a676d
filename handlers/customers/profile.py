"""What the office reads to a customer who calls: devices, what is owed, the last token, tickets, the last texts. In
English, for the prompt."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from bot.company import Company
from bot.text import normalise, numbers
from bot.text.controls import without_controls
from handlers.fields.serials import read_serial
from handlers.wording import access_owed, bought, grouped, owing
from models.audit import record
from models.customers import search
from models.devices import Device, devices_of, with_owner
from models.money.payments import Payment
from models.office.outgoing import mask
from models.people import Agent, Customer, MiniGrid, Village
from models.selling import Contract, Due, Sale, contracts_of, total_left
from models.selling.contracts import contract_among, dues_by_contract
from models.selling.sales import last_tokens
from models.selling.swaps import swap_to
from models.sql import connection, execute
from models.tickets.tickets import open_of

MOST_FOUND = 30
LONGEST_NUMBER = 7  # digits of a customer number
TEXTS = 6
LOOK = 10_000  # of the newest texts that came in: there is no index by phone
RECEIVED = f"""SELECT received_at AS at, text FROM (SELECT received_at, text, phone, id FROM inbox
  ORDER BY id DESC LIMIT {LOOK}) AS newest WHERE phone = $1 ORDER BY id DESC LIMIT {TEXTS}"""
SENT = f"SELECT created_at AS at, text, state FROM outbox WHERE phone = $1 ORDER BY id DESC LIMIT {TEXTS}"


async def find_everywhere(text: str, company: Company) -> list[Customer]:
    """The customers of all mini-grids who are meant: by number, phone in any spelling, serial or its end, or name; one
    more than `MOST_FOUND` when there are more."""
    said = normalise(text).strip()
    digits = said.removeprefix("#").strip()
    is_number = digits.isdecimal() and len(digits) <= LONGEST_NUMBER and not digits.startswith("0")
    if is_number and (one := await Customer.get_or_none(id=int(digits))):
        return [one]
    spellings = [digits] if digits.isdecimal() else []
    with suppress(ValueError):
        spellings.insert(0, numbers.parse(said, company.country).removeprefix("+"))
    serial = await read_serial(said)
    found: list[int] = []
    for grid in await MiniGrid.all().order_by("name"):
        for words in dict.fromkeys((serial, said)):
            found += await search.find_customers(grid.id, words, spellings, MOST_FOUND + 1)
    chosen = list(dict.fromkeys(found))[: MOST_FOUND + 1]
    known = {each.id: each for each in await Customer.filter(id__in=chosen)}
    return [known[number] for number in chosen]


async def name_lines(found: Sequence[Customer]) -> list[str]:
    """A line for each: number, name, phone, mini-grid, devices."""
    grids = {grid.id: grid.name for grid in await MiniGrid.all()}
    lines = []
    for one in found:
        serials = [device.serial for device in await devices_of([one])]
        facts = (f"#{one.id} {one.name} {one.surname}", one.phone or "no phone", grids[one.mini_grid_id], *serials)
        lines.append(without_controls(", ".join(facts)))
    return lines


async def describe(one: Customer, company: Company, *, actor: str, tokens: bool = False) -> list[str]:
    """What is known of a customer, a fact a line. With `tokens` the digits too, which the audit notes; in the caller's
    transaction."""
    devices, contracts = await devices_of([one]), await contracts_of([one])
    owed = await dues_by_contract(contracts)
    if tokens:
        await record(actor, "token shown", f"customer {one.id}", ", ".join(device.serial for device in devices))
    lines = [*await name_lines([one]), await _about(one, company)]
    for device in devices:
        contract = contract_among(contracts, device)
        lines += await _device(device, contract, owed[contract.id] if contract else [], company, tokens)
    for contract in contracts:
        if contract.device_id is None and owed[contract.id]:
            lines.append(f"{contract.number} {contract.appliance.name}: {_owing(owed[contract.id], company)}")
    lines += [f"Ticket {ticket.number}, {ticket.state}: {ticket.text}" for ticket in await open_of(one)]
    lines += await _texts(one.phone, company) if one.phone else []
    return [without_controls(line) for line in lines]


async def _about(one: Customer, company: Company) -> str:
    village = await Village.get_or_none(id=one.village_id) if one.village_id else None
    facts = [f"Language {one.language}"]
    facts += [f"village {village.name}"] if village else []
    facts += [f"registered {_at(one.created_at, company)}"] if one.created_at else []
    return ", ".join(facts)


async def _device(
    device: Device, contract: Contract | None, owed: list[Due], company: Company, tokens: bool
) -> list[str]:
    facts = [device.tariff.name] if device.tariff else []
    if contract:
        facts.append(f"{contract.number} {contract.appliance.name}: {_owing(owed, company)}")
    facts += [text.to("en").rstrip(".") for text in await access_owed(device, company)]
    facts += [f"paid until {_at(device.paid_until, company)}"] if device.paid_until else []
    facts += ["out of use"] if device.retired_at else []
    lines = [": ".join(filter(None, (f"{device.kind} {device.serial}", ", ".join(facts))))]
    sold = await last_tokens(device, 1)
    if not sold and (swap := await swap_to(device)) and swap.digits:
        former, shown = await with_owner(swap.former_id), grouped(device, swap.digits)
        at = _at(swap.created_at, company)
        lines.append(f"  token {at}, in the place of {former.serial}: {shown if tokens else mask(shown)}")
    for sale, digits in sold:
        seller, shown = await _seller(sale), grouped(device, digits)
        units = bought(sale.unit, sale.units, company).to("en")
        lines.append(
            f"  last token {_at(sale.created_at, company)}, {company.money(sale.amount)} for {units}, {seller},"
            f" ref {sale.reference}: {shown if tokens else mask(shown)}"
        )
    return lines


async def _seller(sale: Sale) -> str:
    """Who took the money; the customer may have paid by phone, or at the office."""
    if sale.agent_id is None:
        at_counter = await Payment.exists(id=sale.payment_id, provider="cash")
        return "sold by the office" if at_counter else "paid by phone"
    return f"sold by {(await Agent.get(id=sale.agent_id)).name}"


def _owing(owed: list[Due], company: Company) -> str:
    return owing(total_left(owed), owed, company).to("en") if owed else "nothing owed"


async def _texts(phone: str, company: Company) -> list[str]:
    """The newest texts of both directions, the oldest of them first, without tokens and PINs."""
    came = [(row["at"], f"wrote: {row['text']}") for row in await execute(connection(), RECEIVED, [phone])]
    went = [(row["at"], f"got ({row['state']}): {row['text']}") for row in await execute(connection(), SENT, [phone])]
    newest = sorted(came + went, key=lambda each: each[0])[-TEXTS:]
    return [f"{_at(datetime.fromtimestamp(at / 1000, UTC), company)} {mask(text)}" for at, text in newest]


def _at(moment: datetime, company: Company) -> str:
    return f"{moment.astimezone(company.zone):%Y-%m-%d %H:%M}"
