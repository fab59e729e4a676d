"""Safaricom's Daraja on loopback: a real server that takes pushes, queries and registrations, and a client that calls
back. It shares no table with bot/payments/daraja.py, so that one mistake cannot hide in both."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.emulators.listener import Listener

KEY, SECRET, SHORTCODE, PASSKEY = "demo", "demo", "600000", "demo"
FORBIDDEN = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
NEEDED = (
    *("BusinessShortCode", "Password", "Timestamp", "TransactionType", "Amount", "PartyA", "PartyB"),
    *("PhoneNumber", "CallBackURL", "AccountReference", "TransactionDesc"),
)


@dataclass
class Push:
    """A phone that was asked to pay."""

    checkout_id: str
    fields: dict[str, Any]
    result: str | int | None = None  # of the query; None: it is being processed

    @property
    def phone(self) -> str:
        return str(self.fields["PhoneNumber"])

    @property
    def amount(self) -> int:
        return int(self.fields["Amount"])


@dataclass(frozen=True)
class Trouble:
    """How one request is answered instead. Of a push that is `taken` the phone rings all the same."""

    status: int = 500
    body: dict[str, Any] | str = field(default_factory=dict)
    cut: bool = False  # no answer, the connection is closed
    hang: bool = False  # no answer until the emulator closes
    taken: bool = False


def error(code: str, words: str, status: int = 500) -> Trouble:
    """An error as Daraja words it."""
    return Trouble(status, {"requestId": "1-2-3", "errorCode": code, "errorMessage": words})


SPIKE_ARREST = error("500.003.02", "Error Occurred: Spike Arrest Violation")
BUSY_PHONE = error("500.001.1001", "Unable to lock subscriber, a transaction is already in process")
PAGE = Trouble(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")


class Emulator:
    """Within `async with Emulator() as at:` Mwanga gets `at.url`. `pushes` are those that were taken, `calls` all
    that came, as (path, status), in order."""

    def __init__(self) -> None:
        self.url = ""
        self.pushes: list[Push] = []
        self.calls: list[tuple[str, int]] = []
        self.tokens: list[str] = []
        self.registered: dict[str, Any] = {}
        self.early: Callable[[Push], dict[str, Any]] | None = None  # a callback that overtakes the answer to its push
        self._troubles: dict[str, list[Trouble]] = {}
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        self._receipts = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/oauth/v1/generate", self._generate)
        app.router.add_post("/mpesa/stkpush/v1/processrequest", self._push)
        app.router.add_post("/mpesa/stkpushquery/v1/query", self._query)
        app.router.add_post("/mpesa/c2b/v2/registerurl", self._register)
        self.listener = Listener(app)
        await self.listener.start()
        self.url = f"http://127.0.0.1:{self.listener.port}"
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._closing.set()
        await self._client.close()
        await self.listener.close()

    # --- What a test does

    def trouble(self, path: str, trouble: Trouble, times: int = 1) -> None:
        """The next requests whose path has these letters are answered so."""
        self._troubles.setdefault(path, []).extend([trouble] * times)

    def void_token(self) -> None:
        """The token ends before its time."""
        self.tokens.append("")

    async def wait_for(self, pushes: int, timeout: float = 60.0) -> list[Push]:
        """All pushes, once there are so many. Raises TimeoutError."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(self.pushes) >= pushes)
        return list(self.pushes)

    async def wait_for_calls(self, path: str, calls: int, timeout: float = 60.0) -> None:
        """Returns once so many requests with these letters in their path came."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: sum(path in each for each, _ in self.calls) >= calls)

    def new_receipt(self) -> str:
        self._receipts += 1
        return f"UKS{self._receipts:07}"

    async def pay(self, push: Push, receipt: str = "", amount: float | None = None) -> str:
        """Somebody typed the PIN, and we are told. Returns the receipt."""
        receipt = receipt or self.new_receipt()
        push.result = "0"
        assert await self.call_back(push, self.paid(push, receipt, amount)) == 200
        return receipt

    async def fail(self, push: Push, code: str | int, words: str = "it failed") -> None:
        """It was not paid, and we are told."""
        push.result = code
        assert await self.call_back(push, self.failed(push, code, words)) == 200

    def paid(self, push: Push, receipt: str, amount: float | None = None) -> dict[str, Any]:
        """The callback of a push that was paid, as the portal shows it."""
        items: list[dict[str, Any]] = [
            {"Name": "Amount", "Value": float(push.amount if amount is None else amount)},
            {"Name": "MpesaReceiptNumber", "Value": receipt},
            {"Name": "Balance"},
            {"Name": "TransactionDate", "Value": 20261128103015},
            {"Name": "PhoneNumber", "Value": int(push.phone)},
        ]
        words = "The service request is processed successfully."
        return _callback(push.checkout_id, 0, words) | {"CallbackMetadata": {"Item": items}}

    def failed(self, push: Push, code: str | int, words: str = "it failed") -> dict[str, Any]:
        return _callback(push.checkout_id, code, words)

    async def call_back(self, push: Push, said: dict[str, Any]) -> int:
        """Post what is said to the address that the push named. Returns the HTTP status."""
        return await self.post(str(push.fields["CallBackURL"]), {"Body": {"stkCallback": said}})

    async def post(self, url: str, body: dict[str, Any]) -> int:
        async with self._client.post(url, json=body) as response:
            await response.read()
            return response.status

    async def pay_bill(self, account: str, amount: str, *, receipt: str = "", phone: str = "2547 ***** 126") -> str:
        """A customer pays in her phone's own menu: we are asked, and when we say yes, told. Returns the ResultCode
        of our answer."""
        fields = self.confirmed(account, amount, receipt or self.new_receipt(), phone) | {"OrgAccountBalance": ""}
        async with self._client.post(self.registered["ValidationURL"], json=fields) as response:
            answer = await response.json()
        if answer["ResultCode"] == "0":
            confirmed = fields | {"OrgAccountBalance": "49197.00"}
            assert await self.post(self.registered["ConfirmationURL"], confirmed) == 200
        return str(answer["ResultCode"])

    def confirmed(self, account: str, amount: str, receipt: str, phone: str) -> dict[str, Any]:
        """The confirmation of a payment that was made in a phone's own menu, as the portal shows it."""
        return {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": "20261128103015",
            "TransAmount": amount,
            "BusinessShortCode": SHORTCODE,
            "BillRefNumber": account,
            "InvoiceNumber": "",
            "OrgAccountBalance": "49197.00",
            "ThirdPartyTransID": "",
            "MSISDN": phone,
            "FirstName": "NICHOLAS",
            "MiddleName": "",
            "LastName": "",
        }

    # --- What Mwanga calls

    async def _generate(self, request: web.Request) -> web.Response:
        login = f"Basic {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"
        if request.headers.get("Authorization") != login or request.query.get("grant_type") != "client_credentials":
            return await self._answer(request, 400, error("400.008.01", "Invalid Authentication passed", 400).body)
        if trouble := self._trouble_of(request):
            return await self._answer_with(request, trouble)
        self.tokens.append(secrets.token_hex(14))
        return await self._answer(request, 200, {"access_token": self.tokens[-1], "expires_in": "3599"})

    async def _push(self, request: web.Request) -> web.Response:
        fields, trouble = await request.json(), self._trouble_of(request)
        if not self._may(request):
            return await self._answer(request, 404, error("404.001.03", "Invalid Access Token").body)
        if wrong := _wrong_field(fields):
            return await self._answer(request, 400, error("400.002.02", f"Bad Request - Invalid {wrong}").body)
        push = Push(f"ws_CO_{secrets.randbelow(10**16):016}", fields)
        if trouble is None or trouble.taken:
            self.pushes.append(push)
            if self.early:
                await self.call_back(push, self.early(push))
        if trouble:
            return await self._answer_with(request, trouble)
        said = {
            "MerchantRequestID": "29115-34620561-1",
            "CheckoutRequestID": push.checkout_id,
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }
        return await self._answer(request, 200, said)

    async def _query(self, request: web.Request) -> web.Response:
        fields = await request.json()
        if not self._may(request):
            return await self._answer(request, 404, error("404.001.03", "Invalid Access Token").body)
        if trouble := self._trouble_of(request):
            return await self._answer_with(request, trouble)
        push = next((each for each in self.pushes if each.checkout_id == fields["CheckoutRequestID"]), None)
        if push is None:
            return await self._answer(request, 400, error("400.002.02", "Invalid CheckoutRequestID").body)
        if push.result is None:
            said = error("500.001.1001", "The transaction is being processed").body
            return await self._answer(request, 500, said)
        said = {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successsfully",
            "MerchantRequestID": "29115-34620561-1",
            "CheckoutRequestID": push.checkout_id,
            "ResultCode": str(push.result),
            "ResultDesc": "whatever",
        }
        return await self._answer(request, 200, said)

    async def _register(self, request: web.Request) -> web.Response:
        fields = await request.json()
        if not self._may(request):
            return await self._answer(request, 404, error("404.001.03", "Invalid Access Token").body)
        if trouble := self._trouble_of(request):
            return await self._answer_with(request, trouble)
        urls = (fields["ConfirmationURL"], fields["ValidationURL"])
        if any(word in urlsplit(url).path.lower() for word in FORBIDDEN for url in urls):
            return await self._answer(request, 400, error("400.002.02", "Bad Request - Invalid URL").body)
        if fields["ResponseType"] not in ("Completed", "Cancelled"):
            return await self._answer(request, 400, error("400.002.02", "Bad Request - Invalid ResponseType").body)
        if self.registered:
            return await self._answer(request, 500, error("500.003.1001", "Urls are already registered").body)
        self.registered = fields
        said = {"OriginatorCoversationID": "1-2-3", "ResponseCode": "0", "ResponseDescription": "success"}
        return await self._answer(request, 200, said)

    def _may(self, request: web.Request) -> bool:
        """Whether the request has the newest token: each one voids the former."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return bool(given) and self.tokens[-1:] == [given]

    def _trouble_of(self, request: web.Request) -> Trouble | None:
        for path, troubles in self._troubles.items():
            if path in request.path and troubles:
                return troubles.pop(0)
        return None

    async def _answer_with(self, request: web.Request, trouble: Trouble) -> web.Response:
        if trouble.hang or trouble.cut:
            await self._note(request, 0)
            if trouble.hang:
                await self._closing.wait()
            if request.transport:
                request.transport.close()
            return web.Response()
        return await self._answer(request, trouble.status, trouble.body)

    async def _answer(self, request: web.Request, status: int, body: dict[str, Any] | str) -> web.Response:
        await self._note(request, status)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)

    async def _note(self, request: web.Request, status: int) -> None:
        async with self._changed:
            self.calls.append((request.path, status))
            self._changed.notify_all()


def _callback(checkout_id: str, code: str | int, words: str) -> dict[str, Any]:
    return {
        "MerchantRequestID": "29115-34620561-1",
        "CheckoutRequestID": checkout_id,
        "ResultCode": code,
        "ResultDesc": words,
    }


def _wrong_field(fields: dict[str, Any]) -> str:
    """The first field of a push that Daraja would not take, or that would keep the phone from ringing."""
    if missing := [name for name in NEEDED if not fields.get(name)]:
        return missing[0]
    password = base64.b64encode(f"{SHORTCODE}{PASSKEY}{fields['Timestamp']}".encode()).decode()
    wrong = {
        "BusinessShortCode": fields["BusinessShortCode"] != SHORTCODE,
        "Password": fields["Password"] != password,
        "Timestamp": len(fields["Timestamp"]) != 14,
        "TransactionType": fields["TransactionType"] not in ("CustomerPayBillOnline", "CustomerBuyGoodsOnline"),
        "Amount": not isinstance(fields["Amount"], int) or fields["Amount"] < 1,
        "PartyA": fields["PartyA"] != fields["PhoneNumber"],
        "PhoneNumber": not (fields["PhoneNumber"].isdigit() and len(fields["PhoneNumber"]) == 12),
        "CallBackURL": not urlsplit(fields["CallBackURL"]).path.endswith("/stk"),
        "AccountReference": not fields["AccountReference"].isalnum() or len(fields["AccountReference"]) > 12,
        "TransactionDesc": len(fields["TransactionDesc"]) > 13 or any(c in fields["TransactionDesc"] for c in "@#&:"),
    }
    return next((name for name, is_wrong in wrong.items() if is_wrong), "")
