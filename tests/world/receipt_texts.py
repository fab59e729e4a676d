"""A gateway phone of the demo world whose SIM card gets an operator's confirmations."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import sender
from models.messages import Phone, Sim
from models.messages.phones import write_sims
from models.money import receipt_texts as kept
from models.money.receipt_texts import ReceiptText
from models.sql import execute, ms_of, now_ms
from tests.world.handling import handled

NAME = "Till phone"


@dataclass
class Till:
    """The phone, and the server that it brings its texts to. The tail of a text is the operator's."""

    mwanga: Server
    phone: Phone
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def hears(
        self, text: str, name: str = "M-PESA", *, sim: int = 1, gateway: str = "", at: datetime | None = None
    ) -> None:
        """A text comes by radio, and is handled."""
        arrived = Inbound(
            gateway or self.phone.gateway,
            f"m{next(self.numbers)}",
            sender(name, "TZ"),
            text,
            f"SIM {sim}",
            sim=sim,
            reached_at=ms_of(at) if at else now_ms(),
        )
        await self.mwanga.inbox.record(arrived)
        await self.handled()

    async def handled(self) -> None:
        await handled(self.mwanga)

    async def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return await execute(self.mwanga.database.client, statement, values)

    async def texts(self) -> list[tuple[str, str]]:
        """What became of the texts, and why, in the order in which they came."""
        return [(row.state, row.why) for row in await ReceiptText.all().order_by("id")]

    async def states(self) -> str:
        return " ".join(state for state, _why in await self.texts())

    async def accept(self, text_id: int) -> bool:
        """Somebody of the office looks at a text, and books it as its rule reads it."""
        async with self.mwanga.database.work():
            row = await kept.hold_waiting(text_id)
            payment = await self.mwanga.receipts.payment_of(row)
            return await self.mwanga.receipts.accept(text_id, payment, actor="Neema")

    async def refuse(self, text_id: int) -> None:
        async with self.mwanga.database.work():
            await self.mwanga.receipts.refuse(text_id, actor="Neema")

    async def paid(self) -> list[int]:
        """The amounts of all payments that texts have brought, in whole shillings."""
        rows = await self.sql("SELECT amount FROM payment WHERE provider <> 'cash' ORDER BY id")
        return [row["amount"] // 100 for row in rows]


async def open_till(
    mwanga: Server,
    *,
    balance: int | None = 0,
    sims: int = 2,
    trusted: bool = False,
    name: str = NAME,
    operator: str = "mpesa-tz",
) -> Till:
    """A phone with SIM cards, of which the first is bound to an operator, with so many shillings."""
    cards = write_sims([Sim(number) for number in range(1, sims + 1)])
    async with mwanga.database.work():
        phone = await Phone.create(name=name, signing_key="", added_at=1, linked_at=1, sims=cards)
        cents = None if balance is None else balance * 100
        await kept.bind(phone, 1, operator, trusted=trusted, balance=cents, actor="test")
    return Till(mwanga, phone)


def personal(reference: str, amount: int, balance: int, at: datetime, phone: str = "255700000061") -> str:
    """What M-Pesa Tanzania writes to somebody who got money."""
    local = at + timedelta(hours=3)
    when = f"{local:%Y-%m-%d} at {local:%I:%M %p}"
    return (
        f"{reference} Confirmed. You have received TZS {amount:,}.00 from NEEMA KOMBA ({phone}) on {when}. "
        f"New M-Pesa balance is TZS {balance:,}.00."
    )
