"""What happens to money, one verb at a time, in the demo world. tests/world/money_holds.py has what must hold then;
money_of_agents.py, money_by_two.py and money_by_text.py beside it have more verbs.

Each verb works as servers do: in a unit of work of its own, by a key that names it for good. It may be crashed before
its commit, and done again, by the same server or another one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.exceptions import OperationalError

from bot.app import assembled
from bot.config import Config, load
from bot.message import Copy
from bot.payments import Answer, State
from bot.payments.settling import NotYet, Settler
from bot.server import Server
from handlers.office.money.doing import PAUSE_S
from handlers.selling.received import book, book_payment
from models.devices import with_owner
from models.devices.tables import Device
from models.money import claims, reconciling, wallets
from models.money.amounts import NotPutRight
from models.money.credit import NotSoMuch
from models.money.day_close import DayNotOver, close_all
from models.money.disputes import NotDisputed, dispute, settle
from models.money.hand_in import HandIn, NotBooked, hand_in
from models.money.ledger import cash_held
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, normal_reference, unapplied
from models.money.reconciling import NotSettled, Said, SaidOtherwise
from models.money.statements import Direction, StatementLine
from models.money.write_offs import NotWaiting
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import OtherAmount, SamePerson
from models.selling import ownership, voids
from models.selling.applying import assign
from models.selling.contracts import Contract
from models.selling.moving import move
from models.selling.payable import Payable, PayableDevice, PayableGoods
from models.selling.payment import sell
from models.selling.proposals import Decided, NotProposed
from models.selling.quotes import quote
from models.selling.refusals import NotSold, OtherRequest
from models.selling.requests import AskedAlready, PaymentRequest, Wanted, ask_to_pay
from models.selling.sales import Sale
from models.selling.taking_back import NotTakenBack
from models.sql import execute

# What a provider may say of a push.
ANSWERS = (State.PAID, State.PAID, State.FAILED, State.EXPIRED, State.UNKNOWN, State.PENDING)
BEGIN = datetime(2026, 11, 26, 6, tzinfo=UTC)
PROVIDERS = ("daraja", "airtel")
# What a payment may be for: devices by their serials, goods by the number of their contract.
TARGETS = ("04123456784", "SHS0283", "EB100042")
Verb = Callable[[Server], Awaitable[Any]]


# What somebody is told instead: nothing was changed.
REFUSALS = (
    *(NotSold, NotBooked, NotDisputed, NotSettled, NotTakenBack, SamePerson, DayNotOver, AskedAlready),
    *(wallets.NotToppedUp, wallets.HasMoney, claims.NoClaim, ownership.NotDone, NotPutRight, NotSoMuch),
    *(NotProposed, Decided, NotWaiting, OtherAmount, OtherRequest),
)


class Crash(Exception):
    """The server died before its commit."""


@dataclass
class Life:
    """A demo world on one or more servers, and what was done in it. Money is in minor units."""

    servers: list[Server] = field(default_factory=list)
    done: list[Verb] = field(default_factory=list)  # whatever may come a second time
    told: list[tuple[str, str, int, datetime]] = field(default_factory=list)  # provider, reference, amount, at
    in_wallet: dict[str, int] = field(default_factory=dict)  # what came to the SIM card of a phone, by reference
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
            except OperationalError:  # two crossed: the server does it again, a moment later
                if attempt == 19:
                    raise
                await asyncio.sleep(PAUSE_S * 2 ** min(attempt, 4))
            except REFUSALS as refusal:
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
        """A provider tells of money; `target` is what the payer typed, nothing for nobody."""

        async def verb(server: Server) -> None:
            said = Incoming(
                source=source, provider=provider, reference=reference, amount=amount, paid_at=at, account_text=target
            )
            await book_payment(said, server.company)

        self.told.append((provider, normal_reference(reference), amount, at))
        return verb

    def push(self, key: str, phone: str, target: str, amount: int) -> Verb:
        """A customer asks to be asked on the phone."""

        async def verb(at: Server) -> None:
            paid_for = await find_target(target)
            assert paid_for.device
            owner, device = paid_for.device.customer_id, paid_for.device.id
            wanted = {"language": "en", "amount": amount, "account": target}
            if owner is not None:
                contract = await paid_for.contract()
                asked = Wanted(
                    provider="daraja", phone=phone, customer_id=owner, device_id=device,
                    contract_id=contract.id if contract else None, **wanted,  # type: ignore[arg-type]
                )  # fmt: skip
                await ask_to_pay(asked, key=key)

        return verb

    def callback(self, nth: int, state: State, amount: int | None = None, *, names_push: bool = True) -> Verb:
        """The provider answers a push: it was paid, perhaps another amount, or it was not. News may contradict. Where
        it does not name the push, and no account as ever, the payer's phone alone says whose money it is."""

        async def verb(at: Server) -> None:
            found = await PaymentRequest.all().order_by("id")
            if not found:
                return
            request, payment = found[nth % len(found)], None
            if state is State.PAID:
                payment = Incoming(
                    source=Source.CALLBACK, provider="daraja", reference=f"PUSH{request.id}", payer_phone=request.phone,
                    amount=amount or request.amount, paid_at=datetime.now(UTC),
                )  # fmt: skip
            reference = request.reference if names_push else ""
            answer = Answer(provider="daraja", state=state, request=reference, payment=payment)
            with suppress(NotYet):  # it is read again later
                await Settler(at.company, book, tell_nobody).settle(answer)

        return verb

    def void(self, nth: int, by: str) -> Verb:
        """One of the office wants a sale taken back, or agrees to what another one wants."""

        async def verb(at: Server) -> None:
            if sale := await nth_sale(nth):
                user = await OfficeUser.get(name=by)
                await voids.approve(sale, user, "wrong amount", today=at.company.today())

        return verb

    def asked_void(self, nth: int) -> Verb:
        async def verb(at: Server) -> None:
            sale = await nth_sale(nth)
            if sale and sale.agent_id:
                agent = await Agent.get(id=sale.agent_id)
                await voids.ask(sale, agent, "wrong amount", 240, today=at.company.today())

        return verb

    def move(self, nth: int, target: str) -> Verb:
        """A sale is done again for the right device."""

        async def verb(at: Server) -> None:
            if sale := await nth_sale(nth):
                device, by = await Device.get(serial=target), await OfficeUser.get(name="rehema")
                how = {"today": at.company.today(), "coin": at.company.coin, "vault": at.company.vault}
                await move(sale, device, by, **how)  # type: ignore[arg-type]

        return verb

    def prepay(self, agent: int, prepaid: bool) -> Verb:
        async def verb(_at: Server) -> None:
            who = await Agent.get(id=agent)
            await (wallets.make_prepaid(who, "rehema") if prepaid else wallets.make_postpaid(who, "rehema"))

        return verb

    def top_up(self, reference: str, agent: int, amount: int) -> Verb:
        async def verb(at: Server) -> None:
            await wallets.top_up(
                await Agent.get(id=agent), amount, "rehema", reference, coin=at.company.coin, again=True
            )

        return verb

    def claim_paid(self, key: str, customer: int, percent: int) -> Verb:
        async def verb(_at: Server) -> None:
            amount, by = await claims.owed_by(customer) * percent // 100, await OfficeUser.get(name="rehema")
            await claims.take_payment(await Customer.get(id=customer), amount, by, key)

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

    def hand_in(self, reference: str, agent: int, percent: int) -> Verb:
        """An agent brings a share of what is in hand."""

        async def verb(at: Server) -> None:
            who = await Agent.get(id=agent)
            amount = await cash_held(agent) * percent // 100 // 100 * 100
            await hand_in(who, amount, "rehema", reference, coin=at.company.coin, again=True)

        return verb

    def dispute(self, nth: int) -> Verb:
        async def verb(_at: Server) -> None:
            if entry := await nth_hand_in(nth):
                await dispute(entry, await Agent.get(id=entry.agent_id), "it was more")

        return verb

    def settlement(self, nth: int, percent: int | None, by: str) -> Verb:
        """One of the office says what was handed in, a share of what is booked, or agrees to what another one said."""

        async def verb(at: Server) -> None:
            if entry := await nth_hand_in(nth):
                amount = None if percent is None else entry.amount * percent // 100
                await settle(entry, amount, await OfficeUser.get(name=by), coin=at.company.coin)

        return verb

    def line(self, said: Said) -> Verb:
        async def verb(at: Server) -> None:
            await add_line(at, said)

        return verb

    def taking(self, nth: int) -> Verb:
        """Somebody takes a line for a payment that nobody told of."""

        async def verb(at: Server) -> None:
            found = await StatementLine.filter(direction="in", settled="").order_by("id")
            if found:
                await reconciling.take(found[nth % len(found)], actor="rehema")

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
            await add_line(at, said)
            [line] = await reconciling.find_lines(reference, paid.provider)
            await reconciling.give_back(line, paid, actor="rehema")

        return verb

    def never(self, nth: int) -> Verb:
        """A statement was read that has not a payment which waits: the money never came."""

        async def verb(at: Server) -> None:
            waiting = await rows(
                at,
                "SELECT p.id FROM account a JOIN payment p ON p.id = a.owner"
                " WHERE a.kind = 'unapplied' AND a.balance < 0 AND p.provider IN ('daraja', 'airtel') ORDER BY p.id",
            )
            if waiting:
                paid = await Payment.get(id=waiting[nth % len(waiting)]["id"])
                when = as_moment(paid.paid_at)
                await reconciling.add_file(paid.provider, when, when, actor="rehema")
                await reconciling.never_came(paid, "forged", actor="rehema")

        return verb

    def closing(self) -> Verb:
        """Yesterday is closed."""

        async def verb(at: Server) -> None:
            await close_all(at.database.part, at.company.today() - timedelta(days=1), at.company.zone, "rehema")

        return verb


def server_config(url: str) -> Config:
    return load(database=url, sender_cap=0)


async def find_target(name: str) -> Payable:
    if name.startswith("S1"):
        contract = await Contract.get(id=int(name[1:]) - 1000).prefetch_related("appliance", "customer")
        return PayableGoods(contract)
    return PayableDevice(await with_owner((await Device.get(serial=name)).id))


async def add_line(at: Server, said: Said) -> None:
    """Keep a line of a statement; one that is there with another amount is refused."""
    try:
        await reconciling.add_line(said, actor="rehema")
    except SaidOtherwise as error:
        raise NotSettled(str(error)) from error


async def nth_sale(nth: int) -> Sale | None:
    found = await Sale.all().order_by("id")
    return found[nth % len(found)] if found else None


async def tell_nobody(_origin: str, _copies: Sequence[Copy]) -> None:
    """What would be sent is looked at elsewhere."""


async def nth_hand_in(nth: int) -> HandIn | None:
    found = await HandIn.filter(corrects_id=None).order_by("id")
    return found[nth % len(found)] if found else None


async def rows(at: Server, statement: str, *values: object) -> list[dict[str, Any]]:
    return await execute(at.database.client, statement, values)


def as_moment(stored: datetime | str) -> datetime:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored
