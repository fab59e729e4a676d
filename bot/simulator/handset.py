"""A phone that somebody plays, at /simulator or in `mwanga chat`: what it says goes in by the simulator gateway, what
it hears is read from the tables."""

import asyncio
import secrets
from dataclasses import dataclass, field

from bot.gateways.simulator import Simulator
from bot.inbound.ussd import close
from bot.payments import Ask, Asked, Provider
from bot.payments.simulated import Does, SimulatedDaraja
from bot.server import Server
from bot.text import amounts
from models.money.notices import MOST_TRIES
from models.selling.requests import RINGS, PaymentRequest
from models.sql import connection, execute

LOOK_S = 0.1
READ_WITHIN_S = 10.0  # so long a page waits until what a wallet said is read
# The inbox has no index by phone: what a phone said is looked for among this many of the newest messages.
RECENT = 2_000
SAID = """SELECT id, text, received_at AS at FROM inbox WHERE phone = $1
  AND id > (SELECT COALESCE(MAX(id), 0) FROM inbox) - $2 ORDER BY id DESC LIMIT $3"""
HEARD = """SELECT id, text, sent_at AS at FROM outbox WHERE phone = $1 AND state IN ('sent', 'delivered')
  ORDER BY id DESC LIMIT $2"""
HANDLED = "SELECT id FROM inbox WHERE gateway = $1 AND external_id = $2 AND state <> 'new'"
# A reply and what goes with it are among the newest few.
UNDER_WAY = """SELECT 1 FROM (SELECT state FROM outbox WHERE phone = $1 ORDER BY id DESC LIMIT 5) AS newest
  WHERE state IN ('waiting', 'sending') LIMIT 1"""
UNREAD = "SELECT 1 FROM notice WHERE done_at = 0 AND tries < $1 LIMIT 1"
LAST = "SELECT COALESCE(MAX(id), 0) AS id FROM outbox WHERE phone = $1"
SINCE = "SELECT id, origin, text FROM outbox WHERE phone = $1 AND id > $2 ORDER BY id"


@dataclass(frozen=True)
class Message:
    """One SMS of a conversation."""

    id: str
    said: bool  # by this phone; else it heard it
    text: str  # with its PINs starred, as stored
    at: int  # ms


@dataclass(frozen=True)
class Coming:
    """One SMS to this phone, perhaps still on its way."""

    id: int
    origin: str  # names what it answers
    text: str


@dataclass
class Call:
    """A dialled session as the phone sees it."""

    inputs: list[str] = field(default_factory=list)  # all that was entered so far
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    screen: str = ""
    open: bool = True


@dataclass(frozen=True)
class Ring:
    """A phone is asked to pay, as its owner sees it."""

    reference: str
    question: str  # Pay TZS 5,000 to Mwanga Demo for SHS0283?
    wallet: str  # M-Pesa


class Handset:
    """`number` is E.164."""

    def __init__(self, server: Server, number: str) -> None:
        self._server, self.number = server, number
        self._gateway = Simulator(server.config.country)

    async def text(self, text: str) -> str:
        """Send an SMS; returns its id when it is stored."""
        message = secrets.token_hex(8)
        form = {"id": message, "from": self.number, "text": _clean(text)}
        await self._server.inbox.record(self._gateway.parse_sms(form))
        return message

    async def wait_until_handled(self, message: str, within: float) -> int | None:
        """Wait until a text is handled, by whichever process; its row's id, or None after so many seconds."""
        for _ in range(round(within / LOOK_S)):
            rows = await execute(connection(), HANDLED, [self._gateway.name, message])
            if rows:
                return int(rows[0]["id"])
            await asyncio.sleep(LOOK_S)
        return None

    async def wait_until_settled(self, within: float) -> None:
        """Wait until nothing is on its way to this phone, at most so many seconds."""
        for _ in range(round(within / LOOK_S)):
            if not await execute(connection(), UNDER_WAY, [self.number]):
                return
            await asyncio.sleep(LOOK_S)

    async def newest(self) -> int:
        """The id of the newest SMS to this phone, on its way or not; 0 when there is none."""
        return int((await execute(connection(), LAST, [self.number]))[0]["id"])

    async def after(self, newest: int) -> list[Coming]:
        """The SMS to this phone after that one, also those that a server has yet to send."""
        return [Coming(**row) for row in await execute(connection(), SINCE, [self.number, newest])]

    async def conversation(self, most: int) -> list[Message]:
        """The newest SMS from and to this phone, oldest first. Only what was sent has come."""
        said = await execute(connection(), SAID, [self.number, RECENT, most])
        heard = await execute(connection(), HEARD, [self.number, most])
        messages = [
            *(Message(f"said{row['id']}", said=True, text=row["text"], at=row["at"]) for row in reversed(said)),
            *(Message(f"heard{row['id']}", said=False, text=row["text"], at=row["at"]) for row in reversed(heard)),
        ]
        return sorted(messages, key=lambda message: message.at)[-most:]

    async def dial(self, dialled: str) -> Call:
        """Dial our code, also with answers in it: `*384*20*1*SHS0283#`. Any other one gets a closed screen."""
        code = self._server.config.ussd_code
        inner, dialled = code.removesuffix("#"), "".join(dialled.split())
        if dialled != code and not (dialled.startswith(f"{inner}*") and dialled.endswith("#")):
            return Call(screen=f"Connection problem or invalid code. Dial {code}", open=False)
        deep = dialled.removesuffix("#").removeprefix(inner).removeprefix("*")
        call = Call(deep.split("*") if deep else [])
        await self._turn(call)
        return call

    async def answer(self, call: Call, text: str) -> None:
        """Answer the screen; the call shows the next one."""
        call.inputs.append(text)
        await self._turn(call)

    async def ring(self) -> Ring | None:
        """What this phone is asked to pay; None while it does not ring."""
        request = await self._asked_for()
        provider = self._wallet(request) if request else None
        if request is None or provider is None:
            return None
        amount, company = self._server.company.money(request.amount), self._server.company.name
        return Ring(request.reference, f"Pay {amount} to {company} for {request.account}?", provider.title)

    async def answer_ring(self, reference: str, does: Does) -> None:
        """Do this when the phone rings. Whichever server asked, what is done comes in by the provider's door."""
        request = await self._asked_for()
        provider = self._wallet(request) if request else None
        if request is None or provider is None or request.reference != reference or reference in provider.answered:
            return  # it has stopped
        prompt = next((each.id for each in provider.prompts(self.number) if each.reference == reference), None)
        if prompt is None:  # another server of this database asked
            ask = Ask(reference=reference, phone=self.number, amount=request.amount, account=request.account)
            asked = await provider.ask(ask)
            prompt = asked.external_id if isinstance(asked, Asked) else ""
        await provider.answer(prompt, does)
        await self._wait_until_read()

    async def _wait_until_read(self) -> None:
        """Read what the provider told us, or wait until another reader has."""
        for _ in range(round(READ_WITHIN_S / LOOK_S)):
            while await self._server.payments.reader.handle_next():
                pass
            if not await execute(connection(), UNREAD, [MOST_TRIES]):
                return
            await asyncio.sleep(LOOK_S)

    async def pay_bill(self, account: str, amount: int, receipt: str = "") -> bool:
        """Pay so much (minor units) for this account in the phone's own menu; with a `receipt` once, however often
        it is said. False: we would not have it."""
        provider = next(filter(None, map(_simulated, self._server.payments.providers.values())), None)
        taken = provider is not None and await provider.pay_bill(self.number, account, amount, receipt)
        await self._wait_until_read()
        return taken

    def read_amount(self, typed: str) -> int | None:
        """What was typed into the menu, in minor units: whole money, as wallets take it."""
        company = self._server.company
        amount = amounts.read_amount(typed, company.currency, company.exponent)
        return None if amount is None else amount * company.unit

    async def _asked_for(self) -> PaymentRequest | None:
        return await PaymentRequest.filter(phone=self.number, state__in=RINGS).order_by("-id").first()

    def _wallet(self, request: PaymentRequest) -> SimulatedDaraja | None:
        return _simulated(self._server.payments.providers.get(request.provider))

    async def hang_up(self, call: Call) -> None:
        if not call.open:
            return
        call.open = False
        form = {"serviceCode": self._server.config.ussd_code, "sessionId": call.session}
        async with self._server.database.work():
            await close(self._gateway.parse_ussd_end(form))

    async def _turn(self, call: Call) -> None:
        form = {
            "phoneNumber": self.number,
            "serviceCode": self._server.config.ussd_code,
            "sessionId": call.session,
            "text": _clean("*".join(call.inputs)),
        }
        response = await self._server.worker.answer(self._gateway.parse_ussd(form))
        kind, _, call.screen = response.partition(" ")
        call.open = call.open and kind == "CON"


def _simulated(provider: Provider | None) -> SimulatedDaraja | None:
    """It, where its phones are played."""
    return provider if isinstance(provider, SimulatedDaraja) else None


def _clean(text: str) -> str:
    """Without NUL, which no phone sends and PostgreSQL cannot store."""
    return text.replace("\0", "")
