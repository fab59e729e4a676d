"""What gateway phones call: `/smsgate/mobile/v1/…` as the private server of "SMS Gateway for Android", and the
webhooks by which they tell us what they got. Whatever is refused is counted with its reason."""

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, NoReturn

from aiohttp import web

from bot.android import from_app, linking, to_app
from bot.android.from_app import Event
from bot.android.service import Phones
from bot.gateways import BadCallback
from bot.message import Inbound
from bot.runtime import Database, Metrics
from models.messages import Phone
from models.messages.phones import FRESH_S
from models.vault import Vault

log = logging.getLogger(__name__)
MOST_BODY = 64 * 1024  # bytes
MOST_KEPT = 8 * 1024  # characters of an event that could not be read
NO_PHONE = "there is no such phone, or it did not sign this"
ALL = "phones"  # the gateway in a metric, while it is not known which one


class PhoneRoutes:
    """Answers phones."""

    def __init__(  # noqa: PLR0913 - all that phones set in motion
        self,
        *,
        phones: Phones,
        database: Database,
        vault: Vault,
        metrics: Metrics,
        country: str,
        address: str,  # our own, for their webhooks
        private_token: str,  # lets a phone in that nobody added; empty: there is none
        record: Callable[[Inbound], Awaitable[bool]],  # stores an SMS
        keep: Callable[[str, str, str], Awaitable[None]],  # keeps what could not be read: gateway, reason, text
        notify: Callable[[Collection[str]], None],  # a report may set messages free, of these gateways if known
    ) -> None:
        self._phones, self._database, self._vault, self._metrics = phones, database, vault, metrics
        self._country, self._address, self._private_token = country, address, private_token
        self._record, self._keep, self._notify = record, keep, notify

    async def address(self, request: web.Request) -> web.Response:
        """The phone shows under which address it is seen."""
        return web.json_response({"externalIp": request.remote or ""})

    async def register(self, request: web.Request) -> web.Response:
        body = await self._body(request, ALL)
        vault, now, country = self._vault, self._phones.clock(), self._country
        kind, _, given = _header(request, "Authorization").partition(" ")
        version = to_app.version_in(_header(request, "User-Agent"))
        try:
            device = from_app.read_device(body, country)
        except BadCallback as error:
            self._refuse(ALL, 400, "malformed", str(error))
        async with self._database.work():
            if kind == "Bearer":
                self._check_private_token(given)
                phone: Phone | None = await linking.newcomer(device, vault, now)
            elif kind == "Code":
                phone = await linking.by_code(given.strip(), vault, now)
            else:
                phone = await linking.by_login(*_login(kind, given), vault)
            again = kind == "Basic"
            linked = await linking.register(phone, device, version, vault, now, again=again) if phone else None
        if linked is None:
            self._refuse(ALL, 401, "code" if kind == "Code" else "login", "unknown, used up or too old")
        self._phones.remember(linked.phone)
        log.info("a gateway phone was linked", extra={"gateway": linked.phone.gateway, "version": version})
        answer = {"id": linked.phone.gateway, "token": linked.token, "login": linked.phone.login}
        return web.json_response(answer | {"password": linked.password}, status=201)

    def _check_private_token(self, given: str) -> None:
        token = self._private_token
        if not token or not hmac.compare_digest(token.encode(), given.encode()):
            self._refuse(ALL, 401, "private token", "this is not our private token")

    async def update(self, request: web.Request) -> web.Response:
        phone = await self._phone(request)
        body = await self._body(request, phone.gateway)
        try:
            device = from_app.read_device(body, self._country)
        except BadCallback as error:
            self._refuse(phone.gateway, 400, "malformed", str(error))
        if device.id != phone.gateway:
            self._refuse(phone.gateway, 404, "device", "this token is another device's")
        async with self._database.work():
            await linking.update(phone, device=device)
        return web.Response(status=204)

    async def pull(self, request: web.Request) -> web.Response:
        phone = await self._phone(request)
        rows = await self._phones.pull(phone)
        return web.json_response([to_app.message(row, phone.clock_offset) for row in rows])

    async def report(self, request: web.Request) -> web.Response:
        phone = await self._phone(request)
        body = await self._body(request, phone.gateway)
        try:
            reports = from_app.read_reports(body)
        except BadCallback as error:
            self._refuse(phone.gateway, 400, "malformed", str(error))
        if await self._phones.report(phone, reports):
            self._refuse(phone.gateway, 404, "message", "this phone did not get that message")
        self._notify(())  # it may set others' messages free, and brings this phone none
        return web.Response(status=204)

    async def webhooks(self, request: web.Request) -> web.Response:
        phone = await self._phone(request)
        return web.json_response(to_app.webhooks(phone.gateway, self._address))

    async def settings(self, request: web.Request) -> web.Response:
        phone = await self._phone(request)
        return web.json_response(to_app.settings(linking.signing_key(phone, self._vault)))

    async def user_code(self, request: web.Request) -> web.Response:
        """A code with which the same phone, or another in its place, registers again."""
        vault, now = self._vault, self._phones.clock()
        kind, _, given = _header(request, "Authorization").partition(" ")
        async with self._database.work():
            phone = await linking.by_login(*_login(kind, given), vault)
            code = phone and await linking.new_code(phone, vault, now)
        if phone is None:
            self._refuse(ALL, 401, "login", "unknown login or password")
        return web.json_response({"code": code, "validUntil": to_app.date(now + linking.CODE_MS)})

    async def user_password(self, request: web.Request) -> web.Response:
        """Passwords are ours, random and long; one that people think of is none for a keyed hash."""
        await self._phone(request)
        return web.Response(status=501, text="Passwords are made by this server. Sign in again with a new code.\n")

    async def events(self, request: web.Request) -> web.StreamResponse:
        phone = await self._phone(request, stream=True)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        stream = await self._phones.open_stream(phone)
        try:
            async for chunk in stream.chunks():
                await response.write(chunk)
        except ConnectionError:
            log.info("a phone's stream broke", extra={"gateway": phone.gateway})
        finally:
            self._phones.close_stream(phone, stream)
        return response

    async def webhook(self, request: web.Request) -> web.Response:
        """An event, checked before it is read: the address, the signature and the device have to be one phone's."""
        name = request.match_info["phone"]
        phone = await linking.by_gateway(name)
        body = await self._body(request, name if phone else ALL)
        if phone is None:
            self._refuse(ALL, 404, "unlinked", NO_PHONE)
        self._phones.remember(phone)
        await self._check_signature(phone, request, body)
        try:
            event = from_app.read_event(body)
            if event.device != phone.gateway:
                self._refuse(name, 401, "device", "this is another device's event")
            await self._handle(phone, event, request)
        except BadCallback as error:
            await self._keep(name, str(error), body.decode(errors="replace")[:MOST_KEPT])
            self._refuse(name, 400, "malformed", str(error))
        return web.Response()

    async def _check_signature(self, phone: Phone, request: web.Request, body: bytes) -> None:
        """Who has no key learns nothing, not even whether there is such a phone. A wrong clock is told from a wrong
        key, so that the office can say to the phone's owner what is wrong."""
        timestamp, given = _header(request, "X-Timestamp"), _header(request, "X-Signature")
        if not to_app.signed(linking.signing_key(phone, self._vault), body, timestamp, given):
            await self._phones.count_wrong_signature(phone)
            self._refuse(phone.gateway, 404, "signature", NO_PHONE)
        offset = _ahead(timestamp, self._phones.clock() // 1000)
        if offset is None:
            self._refuse(phone.gateway, 401, "stale", "the timestamp is no time")
        if abs(offset) > FRESH_S:
            await self._phones.note_heard(phone, clock_offset=offset)
            self._refuse(phone.gateway, 401, "stale", "the phone's clock is wrong")
        was_wrong = abs(phone.clock_offset) > FRESH_S
        if was_wrong or abs(offset - phone.clock_offset) > 30:  # what a network takes is no news
            await self._phones.note_heard(phone, clock_offset=offset)

    async def _handle(self, phone: Phone, event: Event, request: web.Request) -> None:
        """What an event says. Raises BadCallback."""
        news = _version(request)
        if event.name == "sms:received":
            await self._store(event)
        elif event.name in from_app.NEWS:
            if await self._phones.report(phone, [from_app.read_news(event)]):
                self._metrics.refused.labels(phone.gateway, "message").inc()
            self._notify(())
        elif event.name == "system:ping":
            health = from_app.read_health(event)
            news |= {"battery": health.battery, "charging": health.charging, "network": health.network}
            news |= {"version": health.version} if health.version else {}
        elif event.name == "app:started":
            cards = from_app.read_sims(event.payload.get("simCards") or [], self._country)
            async with self._database.work():
                await linking.update(phone, sims=cards)
        else:
            self._metrics.refused.labels(phone.gateway, "event").inc()
        await self._phones.note_heard(phone, webhook=True, wrong_signatures=0, **news)

    async def _store(self, event: Event) -> None:
        inbound = from_app.read_sms(event, self._country)
        try:
            await self._record(inbound)
        except Exception as error:  # it is logged where it happened; 5xx has the phone send it again
            raise web.HTTPServiceUnavailable(text="not stored, send it again") from error

    async def _phone(self, request: web.Request, *, stream: bool = False) -> Phone:
        """The linked phone whose token this is. Another answer than 401 would not have the app register again."""
        kind, _, token = _header(request, "Authorization").partition(" ")
        known = kind == "Bearer" and bool(token)
        phone = await linking.by_token(token, self._vault, stream=stream) if known else None
        if phone is None:
            self._refuse(ALL, 401, "token", "unknown token")
        self._phones.remember(phone)
        await self._phones.note_heard(phone, **_version(request))
        return phone

    async def _body(self, request: web.Request, gateway: str) -> bytes:
        """The body, of which no more is read than is accepted."""
        body = b""
        while chunk := await request.content.read(MOST_BODY + 1 - len(body)):
            body += chunk
            if len(body) > MOST_BODY:
                self._refuse(gateway, 413, "size", f"the body is larger than {MOST_BODY} bytes")
        return body

    def _refuse(self, gateway: str, status: int, reason: str, sentence: str) -> NoReturn:
        self._metrics.refused.labels(gateway, reason).inc()
        raise _STATUS[status](text=f"{sentence}\n")


def _login(kind: str, given: str) -> tuple[str, str]:
    if kind != "Basic":
        return "", ""
    with suppress(binascii.Error, UnicodeDecodeError):
        login, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        return login.replace("\0", ""), password  # which PostgreSQL takes for no text
    return "", ""


def _ahead(timestamp: str, now: int) -> int | None:
    """By how many seconds the phone's clock is ahead."""
    known = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    return int(timestamp) - now if known else None


def _version(request: web.Request) -> dict[str, Any]:
    version = to_app.version_in(_header(request, "User-Agent"))
    return {"version": version} if version else {}


def _header(request: web.Request, name: str) -> str:
    """A header; what is no text in it is made to question marks, so that it can be compared."""
    return request.headers.get(name, "").encode(errors="replace").decode()


_STATUS: dict[int, Callable[..., web.HTTPException]] = {
    400: web.HTTPBadRequest,
    401: web.HTTPUnauthorized,
    404: web.HTTPNotFound,
    413: lambda text: web.HTTPRequestEntityTooLarge(MOST_BODY, MOST_BODY + 1, text=text),
}

# The app puts the path behind the address as it was typed, perhaps with a slash at its end.
ROUTES = (
    *(
        (method, f"{linking.API}{{slash:/?}}{path}", answer)
        for method, path, answer in (
            ("GET", "/device", PhoneRoutes.address),
            ("POST", "/device", PhoneRoutes.register),
            ("PATCH", "/device", PhoneRoutes.update),
            ("GET", "/message", PhoneRoutes.pull),
            ("PATCH", "/message", PhoneRoutes.report),
            ("GET", "/webhooks", PhoneRoutes.webhooks),
            ("GET", "/settings", PhoneRoutes.settings),
            ("GET", "/user/code", PhoneRoutes.user_code),
            ("PATCH", "/user/password", PhoneRoutes.user_password),
            ("GET", "/events", PhoneRoutes.events),
        )
    ),
    ("POST", "/smsgate/webhooks/{phone}", PhoneRoutes.webhook),
)
