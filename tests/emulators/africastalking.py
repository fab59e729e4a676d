"""Africa's Talking on loopback: a real server that takes our messages, and a client that posts its callbacks.
It shares no table with bot/gateways/africastalking.py, so that one mistake cannot hide in both."""

import asyncio
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Self

import aiohttp
from aiohttp import web

from tests.emulators.listener import Listener

USERNAME, API_KEY = "sandbox", "atsk-emulated"
SENDER = "15054"
SERVICE_CODE = "*384*20#"
NETWORK = "64004"  # Vodacom Tanzania

# The real one answers Success for 101, where its table says Sent.
STATUS_WORDS = {
    100: "Processed",
    101: "Success",
    102: "Queued",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}


@dataclass(frozen=True)
class Message:
    """An SMS that was taken; `at` is the event loop's time in seconds."""

    id: str
    phone: str
    text: str
    sender: str
    at: float


@dataclass(frozen=True)
class Request:
    """One POST to version1/messaging, whatever became of it."""

    fields: Mapping[str, str]
    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class Answer:
    """How one request is answered: with `code` for its recipient, below 200 when the message is taken, or in
    one of the other ways, which take it only when `taken`."""

    code: int = 101
    http: int = 201
    page: str | None = None  # this body instead, as text/html
    no_recipient: str | None = None  # an empty Recipients list, for this reason
    hang: bool = False  # no answer until the emulator closes, or for `hang_s`
    hang_s: float | None = None
    cut: bool = False  # no answer, the connection is closed
    taken: bool = False

    @property
    def takes(self) -> bool:
        return self.taken or (self.code < 200 and self == Answer(self.code))


class Reply(NamedTuple):
    """What Mwanga answered to a callback."""

    status: int
    content_type: str
    body: str


class Emulator:
    """Within `async with Emulator() as at:` Mwanga gets `at.url`, USERNAME, API_KEY. Once `at.callbacks` is
    `http://…/gateways/africastalking/<secret>`, people can text and dial.
    `messages` are those taken, `requests` all that came, in order. `delay` is seconds before each answer.
    `reports` are posted for each message taken, in this order: `()` is off, `("Success", "Sent")` reordered,
    `("Success",) * 2` doubled; with `reports_first` they overtake the answer."""

    def __init__(self, callbacks: str = "") -> None:
        self.callbacks = callbacks
        self.url = ""
        self.messages: list[Message] = []
        self.requests: list[Request] = []
        self.delay = 0.0
        self.patience_s: float | None = 10  # a USSD session whose answer takes longer is dropped
        self.reports: tuple[str, ...] = ()
        self.reports_first = False
        self.usual: Callable[[str, str], Answer] = lambda _phone, _text: Answer()
        self._answers: list[Answer] = []
        self._phones: dict[str, str] = {}
        self._unread: defaultdict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        self._reporting: set[asyncio.Task[None]] = set()
        self._run = secrets.token_hex(4)
        self._ids = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/version1/messaging", self._messaging)
        app.router.add_get("/version1/user", self._user)
        self.listener = Listener(app)
        await self.listener.start()
        self.url = f"http://127.0.0.1:{self.listener.port}"
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._closing.set()
        for task in self._reporting:
            task.cancel()
        await asyncio.gather(*self._reporting, return_exceptions=True)
        await self._client.close()
        await self.listener.close()

    async def sms(self, phone: str, text: str, id: str | None = None, *, date: str = "2026-03-02 09:00:00") -> int:
        """Somebody texts us. Returns the HTTP status; the real one would post again until it is 200."""
        fields = {"from": phone, "to": SENDER, "text": text, "id": id or self.new_id("sms")}
        dated = {"date": date, "networkCode": NETWORK}
        return (await self.post("sms", fields | dated)).status

    async def dial(self, phone: str, code: str = SERVICE_CODE) -> "Session":
        """Somebody dials; `*384*20*1*SHS0283#` starts with a transcript of `1*SHS0283`."""
        if not re.fullmatch(rf"{re.escape(SERVICE_CODE[:-1])}(\*[^#]+)?#", code):
            raise ValueError(f"{code} is not under {SERVICE_CODE}")
        session = Session(self, phone, code.removesuffix("#").split("*")[3:])
        await session.repeat()
        return session

    async def receipt(self, message_id: str, word: str, reason: str = "") -> int:
        """An operator reports on a message. Returns the HTTP status."""
        fields = {"id": message_id, "status": word, "networkCode": NETWORK}
        fields["phoneNumber"] = self._phones.get(message_id, "")
        return (await self.post("delivery", fields | ({"failureReason": reason} if reason else {}))).status

    async def opt_out(self, phone: str) -> int:
        """Somebody wants nothing more from us. Returns the HTTP status."""
        return (await self.post("optout", {"senderId": SENDER, "phoneNumber": phone})).status

    async def post(self, kind: str, fields: Mapping[str, str]) -> Reply:
        """Any callback; `kind` is the end of its address. Raises aiohttp.ClientError when Mwanga is down."""
        timeout = aiohttp.ClientTimeout(total=self.patience_s)
        async with self._client.post(f"{self.callbacks}/{kind}", data=fields, timeout=timeout) as response:
            return Reply(response.status, response.content_type, await response.text())

    async def wait_for(self, what: int | Callable[[list[Message]], object], timeout: float = 60.0) -> list[Message]:
        """All messages, once there are so many or once `what(messages)` is true. Raises TimeoutError."""

        def enough() -> bool:
            return len(self.messages) >= what if isinstance(what, int) else bool(what(self.messages))

        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(enough)
        return list(self.messages)

    async def read(self, phone: str, timeout: float = 60.0) -> str:
        """The text of the phone's oldest message that was not read yet. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._unread[phone].get()

    async def reported(self) -> None:
        """Returns once all reports so far are posted."""
        await asyncio.gather(*self._reporting)

    def answer(self, answer: Answer, times: int = 1) -> None:
        """The next requests are answered so, after those already arranged; all others as is `usual`."""
        self._answers += [answer] * times

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}_{self._run}{self._ids:08}"

    async def _user(self, request: web.Request) -> web.Response:
        _check_key(request, request.query)
        return web.json_response({"UserData": {"balance": "TZS 1785.5000"}})

    async def _messaging(self, request: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        fields = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(Request(fields, request.headers, now))
        _check_key(request, fields)
        answer = self._answers.pop(0) if self._answers else self.usual(fields["to"], fields["message"])
        if not re.fullmatch(r"\+[0-9]{7,15}", fields["to"]):
            answer = Answer(code=403)
        message = None
        if answer.takes:
            sender = fields.get("from", "AFRICASTKNG")
            message = Message(self.new_id("ATXid"), fields["to"], fields["message"], sender, now)
            await self._take(message)
        if self.delay:
            await asyncio.sleep(self.delay)
        if answer.hang:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), answer.hang_s)
        if (answer.hang or answer.cut) and request.transport:
            request.transport.close()
        return _response(answer, fields["to"], message)

    async def _take(self, message: Message) -> None:
        self._phones[message.id] = message.phone
        self._unread[message.phone].put_nowait(message.text)
        async with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
        if self.reports:
            task = asyncio.create_task(self._report(message))
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)
            if self.reports_first:
                await asyncio.wait({task})

    async def _report(self, message: Message) -> None:
        if not self.reports_first:
            await asyncio.sleep(self.delay)  # after the answer
        for word in self.reports:
            with suppress(aiohttp.ClientError, TimeoutError):  # Mwanga is down: this report is lost
                await self.receipt(message.id, word)


class Screen(NamedTuple):
    """What the phone shows: `kind` is CON when it waits for an input, END when the session is over."""

    kind: str
    text: str


class Session:
    """A dialled session; `text` is what its phone shows now, `kind` CON or END."""

    def __init__(self, emulator: Emulator, phone: str, inputs: list[str]) -> None:
        self.inputs = inputs
        self.kind, self.text = Screen("CON", "")
        self._emulator = emulator
        self._fields = {"sessionId": emulator.new_id("ATUid"), "phoneNumber": phone}
        self._fields |= {"serviceCode": SERVICE_CODE, "networkCode": NETWORK}

    async def enter(self, keys: str) -> Screen:
        """Type and press send. The same turn several times at once is
        `asyncio.gather(session.enter("1"), session.repeat(), session.repeat())`."""
        if self.kind != "CON":
            raise RuntimeError(f"the session is over: {self.text}")
        self.inputs.append(keys)
        return await self.repeat()

    async def repeat(self) -> Screen:
        """The network sends the last turn again. Raises AssertionError for what would break the session."""
        turn = {**self._fields, "text": self.transcript}
        status, content_type, body = await self._emulator.post("ussd", turn)
        assert (status, content_type) == (200, "text/plain"), f"USSD answered {status} {content_type}: {body}"
        assert re.match("(CON|END) .", body), f"USSD answered {body!r}"
        self.kind, self.text = Screen(body[:3], body[4:])
        return Screen(self.kind, self.text)

    async def hang_up(self) -> int:
        """The end of the session is told. Returns the HTTP status."""
        status = "Incomplete" if self.kind == "CON" else "Success"
        seen = {"input": self.transcript, "lastAppResponse": f"{self.kind} {self.text}", "status": status}
        return (await self._emulator.post("ussd-end", {**self._fields, **seen})).status

    @property
    def transcript(self) -> str:
        return "*".join(self.inputs)


def _check_key(request: web.Request, fields: Mapping[str, str]) -> None:
    if request.headers.get("apiKey") != API_KEY or fields.get("username") != USERNAME:
        raise web.HTTPUnauthorized(text="The supplied authentication is invalid")


def _response(answer: Answer, phone: str, message: Message | None) -> web.Response:
    if answer.page is not None or answer.http != 201:
        return web.Response(status=answer.http, text=answer.page, content_type="text/html")
    recipient = {
        "statusCode": answer.code,
        "number": phone,
        "status": STATUS_WORDS.get(answer.code, "Unknown"),
        "cost": "TZS 22.0000" if message else "0",
        "messageId": message.id if message else "None",
        "messageParts": 1,
    }
    data = {"Message": f"Sent to {int(message is not None)}/1", "Recipients": [recipient]}
    if answer.no_recipient is not None:
        data = {"Message": answer.no_recipient, "Recipients": []}
    return web.json_response({"SMSMessageData": data}, status=201)
