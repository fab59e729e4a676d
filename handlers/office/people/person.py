"""A customer's page: who it is, the devices with what is left and owed, and all that happened, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.forms import AmountField, LineField, OfficeForm, required
from handlers.office.frame.page import HEADERS, page
from handlers.office.frame.routes import ALL, Nav, may, office_page
from handlers.office.frame.times import age, day_name, when
from handlers.office.frame.words import N_, _
from handlers.office.messages.write_box import WriteBox, box_for
from handlers.office.people.events import Shown, show_events
from handlers.office.tickets.words import category_of
from models.customers.tags import known_tags, tags_of
from models.devices import Device, Kind, devices_of
from models.devices.access_rate import access_of
from models.money.ledger import AccountKind, balance, credit_of
from models.money.reservations import reserved_of
from models.office.held import held_by_customer
from models.office.person import former_serials, stopped_at, waiting_money
from models.office.timeline import Whose, read_place, read_timeline
from models.people import Agent, Customer, MiniGrid, Village
from models.selling import Contract, Due, Sale, contracts_of, total_left
from models.selling.contracts import contract_among, dues_by_contract
from models.selling.prices import seller_for
from models.selling.sales import last_tokens
from models.selling.swaps import DeviceSwap, swap_to
from models.sql import now_ms
from models.tickets.tickets import tickets_of

ONE = r"/people/{number:\d{1,18}}"
MOST_TICKETS = 10
LANGUAGES = {"en": "English", "sw": "Kiswahili", "fr": "Français", "pt": "Português", "ha": "Hausa"}
KINDS = {Kind.METER: N_("meter"), Kind.SHS: N_("solar home system"), Kind.EBIKE: N_("e-bike")}
DONE = {
    "changed": N_("Changed."),
    "same": N_("Nothing was another one than before."),
    "tag": N_("The tags are changed."),
    "given": N_("The device belongs to this customer now. Who has a phone was told."),
    "proposed": N_("Asked. It is done when a second person of the office agrees, under Money."),
    "returned": N_("The device is in stock again, and who had it was told."),
    "retired": N_("The device is out of use, and its owner was told."),
    "swapped": N_("Swapped. The new device has its plan, and the customer was told."),
    "written": N_("It is on its way."),
}
# Of a customer who has no phone.
UNTOLD = {
    "returned": N_("The device is in stock again. Who had it has no phone, and was not told."),
    "retired": N_("The device is out of use. Its owner has no phone, and was not told."),
    "swapped": N_("Swapped. The new device has its plan. The customer has no phone: write the code down."),
}


class CreditForm(OfficeForm):
    """What is paid out of a customer's credit."""

    amount = AmountField(N_("How much is paid out?"), [required])
    reason = LineField(N_("Why?"), [required])


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A device, with what is left and owed. Money is in minor units."""

    device: Device
    contract: Contract | None
    dues: Sequence[Due]
    pending: int  # what phones are asked to pay of it, and may have paid
    access: int
    last: Sale | None  # the newest sale with a token
    swap: DeviceSwap | None  # by which it came, where nothing was sold for it since

    @property
    def days(self) -> int | None:
        """How many days are left, the begun one too; None where that is not known or does not end."""
        if self.device.paid_until is None:
            return None
        seconds = (self.device.paid_until - datetime.now(UTC)).total_seconds()
        return max(0, -int(-seconds // 86_400))

    @property
    def owed(self) -> int:
        return total_left(self.dues)

    @property
    def state(self) -> str:
        if self.device.retired_at:
            return "retired"
        if self.contract and self.contract.ended_on and not self.contract.ending:
            return "paid off"
        if self.device.kind == Kind.METER:
            return "meter"
        if self.device.paid_until is None:
            return "never"
        return "on" if self.device.paid_until > datetime.now(UTC) else "off"

    @property
    def has_code(self) -> bool:
        return self.last is not None or bool(self.swap and self.swap.digits)


@office_page(ONE, roles=ALL, nav=Nav.PEOPLE)
async def show(request: web.Request) -> web.StreamResponse:
    """All of one customer; `?before=` goes on with what happened."""
    return await draw(request, await find_customer(request))


async def find_customer(request: web.Request) -> Customer:
    """Whose page it is. Raises HTTPNotFound."""
    customer = await Customer.get_or_none(id=int(request.match_info["number"]))
    if customer is None:
        raise web.HTTPNotFound(text=_("There is no such customer.") + "\n", headers=HEADERS)
    return customer


async def draw(request: web.Request, customer: Customer, status: int = 200, **more: object) -> web.StreamResponse:
    """The page, with `problem` where something was refused, or `codes` where some are shown."""
    company, today = request.app[SERVER].company, request.app[SERVER].company.today()
    things, goods = await _things(customer, company)
    events, older = await _happened(request, customer, things)
    empty: dict[str, object] = {"problem": "", "codes": {}, "shown_device": 0}
    empty["credit_form"] = CreditForm(meta={"company": company})
    return page(
        request,
        "people/person.html",
        status,
        person=customer,
        grid=await MiniGrid.get(id=customer.mini_grid_id),
        village=await Village.get_or_none(id=customer.village_id) if customer.village_id else None,
        language_name=LANGUAGES.get(customer.language, customer.language),
        agent=await seller_for(customer),
        sharing=await _sharing(customer),
        agent_too=await Agent.get_or_none(phone=customer.phone, retired_at=None) if customer.phone else None,
        stopped=await stopped_at(customer.phone) if customer.phone else 0,
        things=things,
        goods=goods,
        credit=await credit_of(customer.id),
        claim=await balance(AccountKind.CLAIM, customer.id),
        waiting=await waiting_money(customer.phone) if customer.phone else [],
        since=company.date(customer.created_at.astimezone(company.zone).date()) if customer.created_at else "",
        tickets=await tickets_of([customer], MOST_TICKETS),
        category=category_of,
        tags=(await tags_of([customer.id]))[customer.id],
        known_tags=await known_tags(),
        events=events,
        older=older,
        newest="before" not in request.query,
        kinds=KINDS,
        done_sentences={name: _(said) for name, said in (DONE | ({} if customer.phone else UNTOLD)).items()},
        box=await _box(request, customer),
        late=lambda dues: total_left([due for due in dues if due.due_on < today]),
        now=now_ms(),
        money=company.money,
        number=company.number,
        date=company.date,
        day=partial(day_name, company),
        clock=company.clock,
        when=partial(when, company, datetime.now(UTC)),
        age=partial(age, now_ms()),
        **empty | more,
    )


async def _things(customer: Customer, company: Company) -> tuple[list[Thing], list[tuple[Contract, list[Due], int]]]:
    """The devices, and the contracts on goods that are not paid yet."""
    devices, contracts = await devices_of([customer]), await contracts_of([customer])
    dues, access = await dues_by_contract(contracts), await access_of(devices, company.today())
    pending = await reserved_of(AccountKind.DEBT, [each.id for each in contracts])
    things = []
    for device in devices:
        contract = contract_among(contracts, device)
        tokens = await last_tokens(device, 1)
        things.append(
            Thing(
                device=device,
                contract=contract,
                dues=dues[contract.id] if contract else [],
                pending=pending.get(contract.id, 0) if contract else 0,
                access=access[device.id].due,
                last=tokens[0][0] if tokens else None,
                swap=None if tokens else await swap_to(device),
            )
        )
    unpaid = [each for each in contracts if each.device_id is None and dues[each.id]]
    goods = [(each, dues[each.id], pending.get(each.id, 0)) for each in unpaid]
    return things, goods


async def _happened(request: web.Request, customer: Customer, things: Sequence[Thing]) -> tuple[list[Shown], str]:
    serials = [thing.device.serial for thing in things] + await former_serials(customer.id)
    contracts = [thing.contract.number for thing in things if thing.contract]
    whose = Whose(
        id=customer.id,
        held=await held_by_customer(customer),
        subjects=list(dict.fromkeys([f"customer {customer.id}", str(customer.id), *serials, *contracts])),
    )
    events, older = await read_timeline(whose, read_place(request.query.get("before", "")))
    names = {one.phone: _("the customer") for one in whose.held}
    return await show_events(events, request.app[SERVER], names), older


async def _sharing(customer: Customer) -> list[Customer]:
    """Others with the same phone."""
    if not customer.phone:
        return []
    return await Customer.filter(phone=customer.phone).exclude(id=customer.id).order_by("id").limit(5)


async def _box(request: web.Request, customer: Customer) -> WriteBox | None:
    """The box to write in, for who may and where there is a phone."""
    if customer.phone and may(request, f"/messages/to/{customer.id}", "POST"):
        return await box_for(request, customer.phone)
    return None
