"""What fills the pages of the demo's office that a day's sales leave empty: a wallet, a claim, a push that hangs, a
line of a statement that nobody knows, tickets that are closed, a message to many, tags and a word."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from models.customers.tags import add_tag
from models.devices import Device, with_owner
from models.messages import broadcasts
from models.messages.broadcasts import Result
from models.messages.keywords import add_word
from models.money import wallets
from models.money.statements import Direction, StatementFile, StatementLine
from models.people import Agent, Customer, OfficeUser
from models.selling import Sale, moving
from models.selling.requests import PaymentRequest, RequestState
from models.sql import HOUR_MS, MINUTE_MS, now_ms
from models.tickets import Category, Ticket, tickets
from models.vault import Vault

PROVIDER = "daraja"


@dataclass(frozen=True)
class Hill:
    """The people of the invented mini-grid with what they have."""

    agents: list[Agent]
    customers: list[Customer]
    devices: list[Device]  # of each customer, in their order

    def owned(self, first: int = 0, *, meters: int) -> list[tuple[Customer, Device]]:
        """Those with a solar home system, from this one on; so many at the end have a meter."""
        return list(zip(self.customers, self.devices, strict=True))[first:-meters]


async def fill(hill: Hill, sales: list[Sale], clerk: OfficeUser, vault: Vault, minor: int, today: date) -> None:
    """Write all of it, in the caller's unit of work."""
    await _fill_wallet(hill.agents[2], clerk, minor)
    await _sell_to_wrong_meter(hill, sales[2], clerk, vault, minor, today)
    await _leave_push_unknown(hill, minor)
    await _read_statement(clerk, minor)
    await _close_tickets(hill, clerk)
    await _write_to_many(hill, clerk)
    for place, tag in ((4, "school"), (8, "market"), (9, "market")):
        await add_tag(hill.customers[place], tag, clerk.name)
    await add_word("STIMA", "sw", "BUY", actor=clerk.name)


async def _fill_wallet(agent: Agent, clerk: OfficeUser, minor: int) -> None:
    """The third agent pays before selling."""
    await wallets.make_prepaid(agent, clerk.name)
    await wallets.top_up(agent, 30_000 * minor, clerk.name, coin=minor)


async def _sell_to_wrong_meter(
    hill: Hill, sale: Sale, clerk: OfficeUser, vault: Vault, minor: int, today: date
) -> None:
    """The power went to a neighbour, who owes it now; the right meter got its code."""
    right = await with_owner(hill.devices[-1].id)
    await moving.move(sale, right, clerk, today=today, coin=minor, vault=vault)


async def _leave_push_unknown(hill: Hill, minor: int) -> None:
    """Nobody could say whether this customer paid, two days long: somebody looks at the portal."""
    asked_at = now_ms() - 50 * HOUR_MS
    await PaymentRequest.create(
        key="demo life push",
        provider=PROVIDER,
        reference="demo-life-push",
        external_id="ws_CO_281120261",
        phone=str(hill.customers[3].phone),
        language=hill.customers[3].language,
        customer=hill.customers[3],
        device=hill.devices[3],
        amount=4_000 * minor,
        account=hill.devices[3].serial,
        state=RequestState.UNKNOWN.value,
        created_at=asked_at,
        asked_at=asked_at,
        expires_at=asked_at + 2 * MINUTE_MS,
    )


async def _read_statement(clerk: OfficeUser, minor: int) -> None:
    """Yesterday's statement of mobile money has a payment of which nobody told us."""
    at = datetime.now(UTC) - timedelta(hours=22)
    await StatementFile.create(
        provider=PROVIDER, begins_at=at - timedelta(hours=2), ends_at=at + timedelta(hours=2), actor=clerk.name
    )
    await StatementLine.create(
        provider=PROVIDER,
        reference="QK72HILL09",
        direction=Direction.IN.value,
        amount=4_000 * minor,
        at=at,
        payer="255710000177 - JOHN D",
        account_text="HILL 004",
    )


async def _close_tickets(hill: Hill, clerk: OfficeUser) -> None:
    """Two that were mended this week, so that there are times to close."""
    now = datetime.now(UTC)
    for number, (place, text, days) in enumerate(((5, "the panel hangs loose", 2), (7, "lamp broken", 1))):
        customer = hill.customers[place]
        opened = await tickets.open_ticket(
            customer,
            hill.devices[place],
            Category.DEVICE,
            text,
            actor=str(customer.phone),
            key=f"demo life closed {number}",
            due_at=now + timedelta(days=1),
        )
        await tickets.close(opened.ticket, clerk, "mended")
        await Ticket.filter(id=opened.ticket.id).update(opened_at=now - timedelta(days=days + 2))


async def _write_to_many(hill: Hill, clerk: OfficeUser) -> None:
    """Everybody was told of a day without power."""
    grid = hill.customers[0].mini_grid_id
    texts = json.dumps({"en": "No power on Sunday from 8 to 12.", "sw": "Jumapili saa 2 hadi 6 hakuna umeme."})
    number = await broadcasts.create_broadcast(
        "demo life",
        json.dumps({"mini_grid": grid}),
        texts,
        people=len(hill.customers),
        parts=len(hill.customers),
        actor=clerk.name,
    )
    told = [(customer.id, str(customer.phone), Result.DELIVERED) for customer in hill.customers[:-1]]
    await broadcasts.add_receivers(number, [*told, (hill.customers[-1].id, str(hill.customers[-1].phone), Result.STOP)])
    await broadcasts.advance(number, hill.customers[-1].id, done=True)
