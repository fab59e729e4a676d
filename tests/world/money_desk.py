"""Somebody of finance at a browser, a second person beside, and what their pages of money are about."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientResponse

from bot.config import Config
from handlers.selling.received import book_payment
from models.money.receiving import Incoming, Source
from models.people import OfficeRole, OfficeUser
from models.people.office_users import add_user
from tests.world.browser import Office, open_office

PASSWORD = "a long pass phrase"
ONCE = re.compile(r'name="once" value="([^"]+)"')
STAFF = {
    "rehema": OfficeRole.FINANCE,
    "zuberi": OfficeRole.FINANCE,
    "tatu": OfficeRole.SUPPORT,
    "omari": OfficeRole.AUDITOR,
}


@dataclass
class Desk:
    """The office's money: one browser, in which now this one signs in and now another one."""

    office: Office
    who: str = ""

    async def sit(self, name: str) -> None:
        """Sign in as somebody of `STAFF`."""
        if self.who != name:
            self.office.client.session.cookie_jar.clear()
            assert (await self.office.sign_in(name, PASSWORD)).status == 303
            self.who = name

    async def page(self, path: str) -> str:
        return await self.office.page(path)

    async def send(self, path: str, *, at: str, once: str | None = None, **fields: str) -> ClientResponse:
        """Send one of the forms of the page `at`; with `once` as it was drawn there, or this one."""
        html = await self.office.html(at)
        key = once if once is not None else next(iter(ONCE.findall(html)), "")
        return await self.office.post(path, csrf=await self.office.csrf(at), once=key, **fields)

    async def done(self, path: str, *, at: str, **fields: str) -> None:
        """Send a form that is taken: it leads on to a page that says so."""
        response = await self.send(path, at=at, **fields)
        assert response.status == 303, await words(response)
        assert response.headers["Location"] != "/login"
        assert 'role="status"' in await self.office.html(response.headers["Location"])

    async def refused(self, path: str, *, at: str, **fields: str) -> str:
        """Send a form that is refused: the page that says why."""
        response = await self.send(path, at=at, **fields)
        assert response.status == 422, response.status
        return await response.text()

    async def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return await self.office.ask(statement, *values)

    async def sold(self, serial: str = "EB100042", amount: int = 4000) -> str:
        """Asha sells; the reference of the sale."""
        await self.office.sms("Asha", f"BUY {serial} {amount}", "1 482915")
        [row] = await self.ask("SELECT reference FROM sale ORDER BY id DESC LIMIT 1")
        return str(row["reference"])

    async def paid(
        self, reference: str, amount: int, account: str = "", *, phone: str = "", provider: str = "daraja"
    ) -> int:
        """A customer pays by phone, for what the account says; the number of the payment."""
        server = self.office.mwanga
        said = Incoming(
            source=Source.CALLBACK,
            provider=provider,
            reference=reference,
            amount=amount * 100,
            paid_at=datetime.now(UTC),
            account_text=account,
            payer_phone=phone,
        )
        async with server.database.work():
            received, told = await book_payment(said, server.company)
            for origin, copies in told:
                await server.composer.tell(origin, copies)
        return int(received.payment.id)


async def words(response: ClientResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", await response.text()).split())


@asynccontextmanager
async def open_desk(config: Config, who: str = "rehema") -> AsyncIterator[Desk]:
    """A server at work, and somebody of `STAFF` who has signed in."""
    async with open_office(config) as office:
        vault = office.mwanga.company.vault
        async with office.mwanga.database.work():
            for name, role in STAFF.items():
                user = await add_user(name, PASSWORD, vault=vault, actor="test")
                await OfficeUser.filter(id=user.id).update(role=role)
        desk = Desk(office)
        await desk.sit(who)
        yield desk
