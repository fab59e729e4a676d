"""MTN's MoMo collections on loopback: a real server that takes requests to pay and tells their status, and a client
that calls back. It shares no table with bot/payments/momo.py, so that one mistake cannot hide in both."""

import asyncio
import base64
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.emulators.listener import Listener

KEY, USER, SECRET, ENVIRONMENT = "subscription-key", "3f0e5a52-8d57-4c0b-9c39-4f6d2f0a7c11", "api-key", "mtnuganda"


@dataclass
class Collection:
    """A phone that was asked to pay."""

    reference: str
    fields: dict[str, Any]
    callback_url: str
    status: str = "PENDING"
    reason: str | dict[str, str] | None = None
    receipt: str = ""

    @property
    def said(self) -> dict[str, Any]:
        """What its status says."""
        body = {name: self.fields[name] for name in ("amount", "currency", "externalId", "payer")}
        body |= {"status": self.status}
        if self.receipt:
            body["financialTransactionId"] = self.receipt
        return body | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class Trouble:
    """How one request is answered instead. One that is `taken` is taken all the same."""

    status: int = 500
    body: dict[str, Any] | str = field(default_factory=dict)
    cut: bool = False
    taken: bool = False
    dies: bool = False  # nobody is there afterwards


class Emulator:
    """Within `async with Emulator() as at:` Mwanga gets `at.url`. `taken` are the requests, by their UUID; `calls` all
    that came, as (method, path, status)."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: dict[str, Collection] = {}
        self.calls: list[tuple[str, str, int]] = []
        self.tokens: list[str] = []
        self.troubles: list[Trouble] = []
        self.early: Callable[[Collection], None] | None = None  # what is done before the answer, and called back
        self.meanwhile: Callable[[Collection], Awaitable[None]] | None = None  # happens while a status is on its way
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/collection/token/", self._token)
        app.router.add_post("/collection/v1_0/requesttopay", self._request)
        app.router.add_get("/collection/v1_0/requesttopay/{reference}", self._status)
        self.listener = Listener(app)
        await self.listener.start()
        self.url = f"http://127.0.0.1:{self.listener.port}"
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.close()
        await self.listener.close()

    async def wait_for(self, collections: int) -> list[Collection]:
        """All requests, once there are so many."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= collections)
        return list(self.taken.values())

    async def call_back(self, one: Collection, method: str = "PUT", body: dict[str, Any] | None = None) -> int:
        """Post its status to the address that it named. Returns the HTTP status."""
        said = one.said if body is None else body
        async with self._client.request(method, one.callback_url, json=said) as response:
            return response.status

    async def _token(self, request: web.Request) -> web.Response:
        login = f"Basic {base64.b64encode(f'{USER}:{SECRET}'.encode()).decode()}"
        given = request.headers.get("Authorization"), request.headers.get("Ocp-Apim-Subscription-Key")
        if given != (login, KEY):
            return await self._answer(request, 401, {"error": "login_failed"})
        self.tokens.append(secrets.token_hex(600))  # as long as theirs
        said = {"access_token": self.tokens[-1], "token_type": "access_token", "expires_in": 3600}
        return await self._answer(request, 200, said)

    async def _request(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request):
            return await self._answer(request, *wrong)
        fields, reference = await request.json(), request.headers.get("X-Reference-Id", "")
        try:
            good = uuid.UUID(reference).version == 4
        except ValueError:
            good = False
        if not good or set(fields) != {"amount", "currency", "externalId", "payer", "payerMessage", "payeeNote"}:
            return await self._answer(request, 400, {"code": "BAD_REQUEST", "message": "bad"})
        if reference in self.taken:
            return await self._answer(request, 409, {"code": "RESOURCE_ALREADY_EXIST", "message": "Duplicated"})
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None or trouble.taken:
            self.taken[reference] = Collection(reference, fields, request.headers.get("X-Callback-Url", ""))
        if self.early:
            self.early(self.taken[reference])
            await self.call_back(self.taken[reference])
        if trouble and trouble.cut:
            await self._note(request, 0)
            if trouble.dies:
                self.listener.dies()
            assert request.transport
            request.transport.close()
            return web.Response()
        if trouble:
            return await self._answer(request, trouble.status, trouble.body)
        return await self._answer(request, 202, "")

    async def _status(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request):
            return await self._answer(request, *wrong)
        if (one := self.taken.get(request.match_info["reference"])) is None:
            return await self._answer(request, 404, {"code": "RESOURCE_NOT_FOUND", "message": "not found"})
        if self.troubles:
            trouble = self.troubles.pop(0)
            return await self._answer(request, trouble.status, trouble.body)
        said = one.said
        if self.meanwhile:
            await self.meanwhile(one)
        return await self._answer(request, 200, said)

    def _wrong(self, request: web.Request) -> tuple[int, dict[str, Any]] | None:
        if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            return 401, {"statusCode": 401, "message": "Access denied due to invalid subscription key."}
        if request.headers.get("X-Target-Environment") != ENVIRONMENT:
            return 500, {"code": "NOT_ALLOWED_TARGET_ENVIRONMENT", "message": "no"}
        if self.tokens[-1:] != [request.headers.get("Authorization", "").removeprefix("Bearer ")]:
            return 401, {"error": "invalid_token"}
        return None

    async def _answer(self, request: web.Request, status: int, body: dict[str, Any] | str) -> web.Response:
        await self._note(request, status)
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    async def _note(self, request: web.Request, status: int) -> None:
        async with self._changed:
            self.calls.append((request.method, request.path, status))
            self._changed.notify_all()
