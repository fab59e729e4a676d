"""Somebody of the office at a browser, on a whole server over HTTP; and rows for the page to show."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from tortoise.backends.base.client import BaseDBAsyncClient

from bot.app import build_app
from bot.config import Config
from bot.server import SERVER, Server
from handlers.office.frame.cookies import SESSION
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.messages import State
from models.people import OfficeRole, OfficeUser
from models.people.sessions import begin_session
from models.sql import execute, now_ms
from tests.world.people import PEOPLE, Phones
from tests.world.reminded import NOBODY_TOLD, leave_nothing_due

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PASSWORD = "long enough to keep"  # of who becomes somebody without the form
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class Office:
    client: TestClient[web.Request, web.Application]
    mwanga: Server

    @property
    def db(self) -> BaseDBAsyncClient:
        return self.mwanga.database.client

    async def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return await execute(self.db, statement, values)

    async def get(self, path: str = "/") -> ClientResponse:
        return await self.client.get(path, allow_redirects=False)

    async def post(self, path: str, **fields: str) -> ClientResponse:
        return await self.client.post(path, data=fields, allow_redirects=False)

    async def csrf(self, path: str = "/login") -> str:
        """The hidden field of the form at `path`."""
        return str(CSRF.findall(await (await self.get(path)).text())[0])

    async def sign_in(self, user: str = OFFICE_USER, password: str = OFFICE_PASSWORD) -> ClientResponse:
        return await self.post("/login", user=user, password=password, csrf=await self.csrf())

    async def become(self, role: OfficeRole, name: str = "") -> OfficeUser:
        """Be signed in as somebody of this role, without the form. The name is the role's unless there is one."""
        name = name or f"some {role.value}"
        async with self.mwanga.database.work():
            user = await OfficeUser.get_or_none(name=name) or await OfficeUser.create(
                name=name, password_hash=self.mwanga.company.vault.hash_password(PASSWORD), role=role
            )
            session = await begin_session(user, address="127.0.0.1", browser="a test's browser")
        self.client.session.cookie_jar.update_cookies({SESSION: session}, self.client.make_url("/"))
        return user

    async def html(self, path: str = "/") -> str:
        """A page, at first the first one; signs in where that is needed."""
        response = await self.get(path)
        if response.status == 303:
            await self.sign_in()
            response = await self.get(path)
        assert response.status == 200
        return await response.text()

    async def page(self, path: str = "/") -> str:
        """The words of a page: no tags, single spaces."""
        html = await self.html(path)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", html[html.index("<body>") :])).split())

    async def sms(self, who: str, *texts: str) -> None:
        """Texts that come in by the gateway's callback, and are handled."""
        for number, text in enumerate(texts):
            fields = {"id": f"{who} {number} {text[:40]}", "from": PEOPLE[who], "to": "20384", "text": text}
            response = await self.post("/gateways/africastalking/demo/sms", **fields)
            assert response.status == 200
            await Phones(self.mwanga).handled()


@asynccontextmanager
async def open_office(config: Config, *, load_demo: bool = False) -> AsyncIterator[Office]:
    """A server at work, and a browser that nobody has signed in with."""
    await leave_nothing_due(config.database)
    app = build_app(config.model_copy(update=NOBODY_TOLD), load_demo=load_demo)
    async with TestClient(TestServer(app)) as client:
        yield Office(client, app[SERVER])


async def enqueue_message(
    db: BaseDBAsyncClient,
    state: State,
    error: str = "",
    *,
    old: int = HOUR,
    kind: str = "reply",
    number: int = 1,
    gateway: str = "simulator",
) -> None:
    """A message queued `old` milliseconds ago that is not due for some minutes."""
    now = now_ms()
    await execute(
        db,
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        "VALUES ($1, $2, 'token 123 456', $3, 1, $8, $4, $5, $9, $6, '', 0, 1, 0, '', $7, 1, '', 0, 0)",
        [
            f"{state} {error} {number}",
            f"+25571000{number:04d}",
            kind,
            state.value,
            now - old,
            now + DAY,
            error,
            gateway,
            now + 4 * MINUTE,
        ],
    )


async def receive_message(
    db: BaseDBAsyncClient,
    at: int,
    *,
    number: int = 1,
    state: str = "done",
    outcome: str = "asked",
    error: str = "",
) -> None:
    """A message that came in at this time (milliseconds)."""
    await execute(
        db,
        "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state, "
        "outcome, error) VALUES ('africastalking', $1, $2, 'number', '', '', 'hello', $3, $4, $5, $6)",
        [f"id {number}", PEOPLE["Baraka"], at, state, outcome, error],
    )
