"""What happens to money, one verb at a time, in the demo world, and all that must hold of the books after each.

Each verb works as servers do: in a unit of work of its own, by a key that names it for good. It may be crashed before
its commit, and done again, by the same server or another one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tortoise.exceptions import OperationalError

from bot.app import assembled
from bot.config import Config, load
from bot.server import Server
from models.demo.world import PAYGO_KEYS
from models.devices import with_owner
from models.devices.tables import Device
from models.money import reconciling
from models.money.applying import apply, assign, wait_for_office
from models.money.books import find_fault
from models.money.contracts import Contract
from models.money.day_close import DayNotOver, close_all
from models.money.disputes import NotDisputed, dispute, settle
from models.money.hand_in import HandIn, NotBooked, hand_in
from models.money.payable import Payable, PayableDevice, PayableGoods
from models.money.payment import sell
from models.money.quotes import quote
from models.money.receiving import Incoming, Source, Why, normal_reference, receive, unapplied
from models.money.reconciling import NotSettled, Said
from models.money.refusals import NotSold
from models.money.sales import Payment
from models.money.statements import Direction, StatementLine
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import SamePerson
from models.sql import execute
from tests.emulators.openpaygo_device import Accepted
from tests.emulators.openpaygo_device import Device as Simulated
from tests.world.books import check_ledger

BEGIN = datetime(2026, 11, 26, 6, tzinfo=UTC)
PROVIDERS = ("daraja", "airtel")
# What a payment may be for: devices by their serials, goods by the number of their contract.
TARGETS = ("04123456784", "SHS0283", "EB100042")
Verb = Callable[[Server], Awaitable[Any]]


class Crash(Exception):
    """The server died before its commit."""


@dataclass
class Life:
    """A demo world on one or more servers, and what was done in it. Money is in minor units."""

    servers: list[Server] = field(default_factory=list)
    done: list[Verb] = field(default_factory=list)  # whatever may come a second time
    told: list[tuple[str, str, int, datetime]] = field(default_factory=list)  # provider, reference, amount, at
    refused: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _beside: AsyncExitStack = field(default_factory=AsyncExitStack)
    _context: Context | None = None

    async def begin(self, url: str, *, beside: bool = False) -> None:
        """One server, or another `beside` it on the same database, with connections of its own."""
        alone = copy_context()
        self.servers.append(await self._stack.enter_async_context(assembled(server_config(url), serving=False)))
        async with self.servers[0].database.work():
            for name in ("rehema", "zuberi"):
                await OfficeUser.create(name=name, password_hash="none")
        if beside:
            # What models work with is of a context: the second server has its own.
            opening = self._beside.enter_async_context(assembled(server_config(url), serving=False))
            self.servers.append(await asyncio.create_task(opening, context=alone))
            self._context = alone

    async def end(self) -> None:
        if self._context:
            await asyncio.create_task(self._beside.aclose(), context=self._context)
        await self._stack.aclose()

    async def do(self, verb: Verb, server: int = 0, *, crash: bool = False) -> None:
        """Do something on a server, in one unit of work. A crash undoes it: its message comes again."""
        for crashes in (True, False) if crash else (False,):
            once = self._once(verb, self.servers[server], crash=crashes)
            await (asyncio.create_task(once, context=self._context.copy()) if server and self._context else once)
        self.done.append(verb)

    async def _once(self, verb: Verb, at: Server, *, crash: bool) -> None:
        for attempt in range(20):
            try:
                async with at.database.work():
                    await verb(at)
                    if crash:
                        raise Crash
            except Crash:
                return
            except OperationalError:  # two crossed: the server does it again
                if attempt == 19:
                    raise
            except (NotSold, NotBooked, NotDisputed, NotSettled, SamePerson, DayNotOver) as refusal:
                self.refused[type(refusal).__name__] += 1
                return
            else:
                return

    # --- The verbs

    def sale(self, key: str, agent: int, target: str, amount: int) -> Verb:
        async def verb(at: Server) -> None:
            seller, paid_for = await Agent.get(id=agent), await find_target(target)
            standing = await paid_for.standing(at.company.today(), at.company.coin, at.company.vault, seller)
            offer = quote(standing, amount)
            await sell(offer, seller=seller, key=key, vault=at.company.vault, again=True)

        return verb

    def payment(self, provider: str, reference: str, amount: int, target: str, source: Source, at: datetime) -> Verb:
        """A provider tells of money; `target` is what it is for, an empty one for nobody."""

        async def verb(server: Server) -> None:
            said = Incoming(source=source, provider=provider, reference=reference, amount=amount, paid_at=at)
            received = await receive(said, vault=server.company.vault)
            if not received.new or not await unapplied(received.payment.id):
                return
            if not target:
                await wait_for_office(received.payment.id, Why.NOBODY)
                return
            how = {"actor": provider, "today": server.company.today(), "coin": server.company.coin}
            key, vault = f"payment {received.payment.id}", server.company.vault
            await apply(received.payment.id, await find_target(target), key=key, vault=vault, **how)  # type: ignore[arg-type]

        self.told.append((provider, normal_reference(reference), amount, at))
        return verb

    def assignment(self, key: str, nth: int, target: str, customer: int, part: int) -> Verb:
        """Somebody of the office says what money that waits is for, or a part of it."""

        async def verb(at: Server) -> None:
            waiting = await rows(
                at, "SELECT owner FROM account WHERE kind = 'unapplied' AND balance < 0 ORDER BY owner"
            )
            if not waiting:
                return
            payment = int(waiting[nth % len(waiting)]["owner"])
            there = await unapplied(payment)
            to = await find_target(target) if target else await Customer.get(id=customer)
            how = {"actor": "rehema", "today": at.company.today(), "coin": at.company.coin, "vault": at.company.vault}
            try:
                await assign(payment, to, funds=max(there // part, 1), key=key, **how)  # type: ignore[arg-type]
            except ValueError as error:  # somebody else was quicker
                raise NotSettled(str(error)) from error

        return verb

    def hand_in(self, reference: str, agent: int, amount: int) -> Verb:
        async def verb(at: Server) -> None:
            who = await Agent.get(id=agent)
            await hand_in(who, amount, "rehema", reference, coin=at.company.coin, again=True)

        return verb

    def dispute(self, nth: int) -> Verb:
        async def verb(_at: Server) -> None:
            if entry := await nth_hand_in(nth):
                await dispute(entry, await Agent.get(id=entry.agent_id), "it was more")

        return verb

    def settlement(self, nth: int, amount: int | None, by: str) -> Verb:
        """One of the office says what was handed in, or agrees to what another one said."""

        async def verb(at: Server) -> None:
            if entry := await nth_hand_in(nth):
                await settle(entry, amount, await OfficeUser.get(name=by), coin=at.company.coin)

        return verb

    def line(self, said: Said) -> Verb:
        async def verb(at: Server) -> None:
            await reconciling.add_line(said, actor="rehema", vault=at.company.vault)

        return verb

    def taking(self, nth: int) -> Verb:
        """Somebody takes a line for a payment that nobody told of."""

        async def verb(at: Server) -> None:
            found = await StatementLine.filter(direction="in", settled="").order_by("id")
            if found:
                await reconciling.take(found[nth % len(found)], actor="rehema", vault=at.company.vault)

        return verb

    def giving_back(self, reference: str, nth: int) -> Verb:
        """A payment that waits goes back to its payer; the statement has the line."""

        async def verb(at: Server) -> None:
            waiting = await rows(
                at,
                "SELECT p.id, -a.balance AS there FROM account a JOIN payment p ON p.id = a.owner"
                " WHERE a.kind = 'unapplied' AND a.balance < 0 ORDER BY p.id",
            )
            if not waiting:
                return
            chosen = waiting[nth % len(waiting)]
            paid = await Payment.get(id=chosen["id"])
            there, now = int(chosen["there"]), datetime.now(UTC)
            said = Said(provider=paid.provider, reference=reference, direction=Direction.OUT, amount=there, at=now)
            await reconciling.add_line(said, actor="rehema", vault=at.company.vault)
            [line] = await reconciling.find_lines(reference, paid.provider)
            await reconciling.give_back(line, paid, actor="rehema")

        return verb

    def closing(self) -> Verb:
        """Yesterday is closed."""

        async def verb(at: Server) -> None:
            await close_all(at.company.today() - timedelta(days=1), at.company.zone, "rehema")

        return verb

    # --- What must hold

    async def check(self) -> None:
        """All that holds at any moment."""
        at = self.servers[0]
        assert await find_fault() == ""
        await check_ledger(at)
        await self._check_payments(at)
        assert not await rows(
            at, "SELECT kind, owner FROM account WHERE kind IN ('unapplied', 'credit', 'wallet') AND balance > 0"
        ), "somebody spent what was not there"
        assert not await rows(
            at,
            "SELECT a.currency FROM line l JOIN account a ON a.id = l.account_id GROUP BY a.currency"
            " HAVING SUM(l.amount) <> 0",
        )

    async def _check_payments(self, at: Server) -> None:
        """Nothing vanishes and nothing is spent twice: a payment is what its sales took, what became credit, what went
        back, and what waits; and the ledger says of each the same."""
        moved = await rows(
            at,
            "SELECT a.owner AS payment, e.key, l.amount FROM line l JOIN account a ON a.id = l.account_id"
            " JOIN entry e ON e.id = l.entry_id WHERE a.kind = 'unapplied' ORDER BY l.id",
        )
        sold = {
            f"sale {row['id']} payment": (int(row["payment_id"]), int(row["amount"]))
            for row in await rows(at, "SELECT id, payment_id, amount FROM sale")
        }
        left: defaultdict[int, int] = defaultdict(int)
        for row in moved:
            payment, amount = int(row["payment"]), int(row["amount"])
            left[payment] -= amount
            if row["key"] in sold:
                assert sold[row["key"]] == (payment, amount), "a sale took another amount than its own"
        paid = {
            int(row["id"]): row
            for row in await rows(
                at, "SELECT id, provider, amount FROM payment WHERE provider NOT IN ('cash', 'wallet')"
            )
        }
        received = {
            int(row["payment"]): -int(row["amount"]) for row in moved if row["key"] == f"payment {row['payment']}"
        }
        assert received == {number: int(row["amount"]) for number, row in paid.items()}, "each is booked once, whole"
        balances = await rows(at, "SELECT owner, -balance AS there FROM account WHERE kind = 'unapplied'")
        assert {int(row["owner"]): int(row["there"]) for row in balances} == dict(left)
        taken = await rows(
            at,
            "SELECT p.id FROM payment p JOIN sale s ON s.payment_id = p.id GROUP BY p.id, p.amount"
            " HAVING SUM(s.amount) > p.amount",
        )
        assert taken == [], "a payment was spent twice"

    async def check_received(self) -> None:
        """Each payment that was told of is there once, with the first amount, whatever came how often."""
        at = self.servers[0]
        first: dict[tuple[str, str], int] = {}
        for provider, reference, amount, _at in self.told:
            first.setdefault((provider, reference), amount)
        there = await rows(at, "SELECT provider, reference FROM payment WHERE provider NOT IN ('cash', 'wallet')")
        known = [(row["provider"], row["reference"]) for row in there]
        assert sorted(known) == sorted(set(known))
        assert set(first) <= set(known)

    async def check_tokens(self) -> None:
        """Each paid token is accepted once, in its order, with what was paid for; a second time it is refused."""
        at = self.servers[0]
        bought = await rows(
            at,
            "SELECT d.serial, t.digits, t.count, s.unit, s.units FROM token t JOIN sale s ON s.id = t.sale_id"
            " JOIN device d ON d.id = t.device_id ORDER BY t.id",
        )
        devices = {
            "SHS0283": Simulated(bytes.fromhex(PAYGO_KEYS[0]), 123456789, count=1),
            "EB100042": Simulated(bytes.fromhex(PAYGO_KEYS[1]), 432435255, count=10),
        }
        for row in bought:
            if row["serial"] not in devices:
                continue
            device, now = devices[row["serial"]], datetime.now(UTC) + timedelta(days=9999)
            if row["unit"] == "days":
                assert device.enter(row["digits"], now) == Accepted(Fraction(row["units"]), "ADD_TIME")
            else:
                assert isinstance(device.enter(row["digits"], now), Accepted)
            assert not isinstance(device.enter(row["digits"], now), Accepted), "it was accepted twice"
        seen = [(row["serial"], row["count"]) for row in bought]
        assert len(set(seen)) == len(seen) == len({row["digits"] for row in bought})

    async def reconcile(self) -> None:
        """The providers' statements come, and they pay out what they have: nothing of ours is left with them."""
        at, now = self.servers[0], datetime.now(UTC)
        for provider in PROVIDERS:
            for row in await rows(at, "SELECT reference, amount, paid_at FROM payment WHERE provider = $1", provider):
                said = Said(
                    provider=provider, reference=row["reference"], direction=Direction.IN, amount=int(row["amount"]),
                    at=as_moment(row["paid_at"]),
                )  # fmt: skip
                await self.do(self.line(said))
            async with at.database.work():
                await reconciling.add_file(provider, BEGIN - timedelta(days=9), now, actor="rehema")
                await reconciling.match(actor="rehema", vault=at.company.vault)
            for line in await StatementLine.filter(provider=provider, direction="in", settled=""):
                async with at.database.work():
                    await reconciling.take(line, actor="rehema", vault=at.company.vault)
            fit = await reconciling.reconcile(provider, BEGIN - timedelta(days=30), now + timedelta(days=30))
            assert (list(fit.without_money), list(fit.without_sale), list(fit.different)) == ([], [], [])
            if not fit.held:
                continue
            fee = min(fit.held // 100, fit.held)
            out = {"provider": provider, "at": now}
            await self.do(self.line(Said(reference="END", direction=Direction.FEE, amount=fee, **out))) if fee else None
            payout = Said(reference="END", direction=Direction.OUT, amount=fit.held - fee, to_bank=True, **out)
            await self.do(self.line(payout))
            fit = await reconciling.reconcile(provider, BEGIN, now)
            assert fit.held == 0, "clearing returns to nothing"


def server_config(url: str) -> Config:
    return load(database=url, sender_cap=0)


async def find_target(name: str) -> Payable:
    if name.startswith("S1"):
        contract = await Contract.get(id=int(name[1:]) - 1000).prefetch_related("appliance", "customer")
        return PayableGoods(contract)
    return PayableDevice(await with_owner((await Device.get(serial=name)).id))


async def nth_hand_in(nth: int) -> HandIn | None:
    found = await HandIn.filter(corrects_id=None).order_by("id")
    return found[nth % len(found)] if found else None


async def rows(at: Server, statement: str, *values: object) -> list[dict[str, Any]]:
    return await execute(at.database.client, statement, values)


def as_moment(stored: datetime | str) -> datetime:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored
