"""Money that comes to a SIM card of a gateway phone, as verbs of a life (tests/world/money_life.py): an operator who
knows what came in, the texts of it, and texts that somebody made up."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.receipts.desk import Heard
from bot.server import Server
from bot.text.numbers import sender
from models.money import receipt_texts as kept
from models.money.receipt_texts import NotWaiting, ReceiptText
from models.sql import now_ms
from tests.world.money_life import Life, Verb
from tests.world.receipt_texts import open_till, personal

PROVIDER = "mpesa-tz"
BEGIN_WITH = 10_000  # whole shillings that the wallet has


class Lie(StrEnum):
    """What is wrong with a text that somebody made up."""

    BALANCE = "balance"  # who writes it does not know the wallet's
    AMOUNT = "amount"  # a true text, with more money
    SENDER = "sender"
    SIM = "SIM card"


@dataclass(frozen=True)
class Came:
    """Money that came in, in whole shillings, and its text."""

    reference: str
    amount: int
    text: str


@dataclass
class Operator:
    """A wallet as its operator has it. All amounts are multiples of ten shillings; a lie about the balance is none."""

    life: Life
    gateway: str = ""
    balance: int = BEGIN_WITH
    came: list[Came] = field(default_factory=list)
    _heard: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def begin(self) -> None:
        """The phone is there, and its SIM card believed."""
        self.gateway = (await open_till(self.life.servers[0], balance=BEGIN_WITH)).phone.gateway

    def comes(self, amount: int, phone: str, at: datetime) -> int:
        """Somebody pays so many shillings into the wallet: the place of the text."""
        self.balance += amount
        reference = f"DK{len(self.came) + 1:08d}"
        text = personal(reference, amount, self.balance, at, phone.lstrip("+"))
        self.came.append(Came(reference, amount, text))
        self.life.in_wallet[reference] = amount * 100
        return len(self.came) - 1

    def text(self, nth: int) -> Verb:
        """The phone brings a text, for the first time or again, in order or not."""
        return self._hears(self.came[nth % len(self.came)].text)

    def forged(self, lie: Lie, amount: int, at: datetime, nth: int = 0) -> Verb:
        """The phone brings a text that says of money that it came, and it did not."""
        if lie is Lie.AMOUNT and self.came:
            true = self.came[nth % len(self.came)]
            return self._hears(true.text.replace(f"{true.amount:,}.00 from", f"{true.amount + 50_000:,}.00 from"))
        off = 7 if lie in (Lie.BALANCE, Lie.AMOUNT) else amount
        text = personal(f"ZZ{nth:08d}", amount, self.balance + off, at)
        name, sim = "M-PESSA" if lie is Lie.SENDER else "M-PESA", 2 if lie is Lie.SIM else 1
        return self._hears(text, name, sim)

    def looked_at(self, nth: int) -> Verb:
        """Somebody of the office looks up in the operator's portal what a text says that waits."""

        async def verb(at: Server) -> None:
            if waiting := await kept.waiting_texts():
                await self._decide(at, waiting[nth % len(waiting)])

        return verb

    async def _decide(self, at: Server, row: ReceiptText) -> None:
        text = kept.open_text(at.company.vault, row)
        try:
            row = await kept.hold_waiting(row.id)
            if text in {one.text for one in self.came}:
                await at.receipts.accept(row.id, await at.receipts.payment_of(row), actor="rehema")
            else:
                await at.receipts.refuse(row.id, actor="rehema")
        except NotWaiting:
            return

    def _hears(self, text: str, name: str = "M-PESA", sim: int = 1) -> Verb:
        """Each time it is another row of the inbox, for what comes in one row is handled once."""

        async def verb(at: Server) -> None:
            came = Heard(
                inbox_id=next(self._heard), gateway=self.gateway, sim=sim, sender=sender(name, "TZ"), text=text,
                reached_at=now_ms(),
            )  # fmt: skip
            assert await at.receipts.take(came)

        return verb
