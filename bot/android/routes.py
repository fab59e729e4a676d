"""What gateway phones call: `/smsgate/mobile/v1/…` as the private server of "SMS Gateway for Android", and the
webhooks by which they tell us what they got. Whatever is refused is counted with its reason."""

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NoReturn

from aiohttp import web

from bot.android import from_app as android_events
from bot.android import linking
from bot.android import to_app as android
from bot.android.from_app import Event
from bot.gateways import BadCallback
from bot.server import MWANGA, Mwanga
from models.messages.phones import Phone

log = logging.getLogger(__name__)
MOST_BODY = 64 * 1024  # bytes
MOST_KEPT = 8 * 1024  # characters of an event that could not be read
ALL = "phones"  # the gateway in a metric, while it is not known which one
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_to(app: web.Application) -> None:
    """The routes, and the end of all streams when the server is told to stop."""
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/device", _address),
        ("POST", "/device", _register),
        ("PATCH", "/device", _update),
        ("GET", "/message", _pull),
        ("PATCH", "/message", _report),
        ("GET", "/webhooks", _webhooks),
        ("GET", "/settings", _settings),
        ("GET", "/user/code", _user_code),
        ("PATCH", "/user/password", _user_password),
        ("GET", "/events", _events),
    ]
    for method, path, handler in routes:
        # the app puts the path behind the address as it was typed, perhaps with a slash at its end
        app.router.add_route(method, linking.API + "{slash:/?}" + path, handler)
    app.router.add_post("/smsgate/webhooks/{phone}", _webhook)
    app.on_shutdown.append(_close_streams)


async def _close_streams(app: web.Application) -> None:
    app[MWANGA].phones.stop()


async def _address(request: web.Request) -> web.Response:
    """The phone shows under which address it is seen."""
    return web.json_response({"externalIp": request.remote or ""})


async def _register(request: web.Request) -> web.Response:
    mwanga, body = request.app[MWANGA], await _body(request, ALL)
    vault, now, country = mwanga.site.vault, mwanga.phones.clock(), mwanga.site.country
    kind, _, given = _header(request, "Authorization").partition(" ")
    version = android.version_in(_header(request, "User-Agent"))
    try:
        device = android_events.read_device(body, country)
    except BadCallback as error:
        _refuse(mwanga, ALL, 400, "malformed", str(error))
    async with mwanga.database.work():
        if kind == "Bearer":
            _check_private_token(mwanga, given)
            phone: Phone | None = await linking.newcomer(device, vault, now)
        elif kind == "Code":
            phone = await linking.by_code(given.strip(), vault, now)
        else:
            phone = await linking.by_login(*_login(kind, given), vault)
        again = kind == "Basic"
        linked = await linking.register(phone, device, version, vault, now, again=again) if phone else None
    if linked is None:
        _refuse(mwanga, ALL, 401, "code" if kind == "Code" else "login", "unknown, used up or too old")
    mwanga.phones.know(linked.phone)
    log.info("a gateway phone was linked", extra={"gateway": linked.phone.gateway, "version": version})
    answer = {"id": linked.phone.gateway, "token": linked.token, "login": linked.phone.login}
    return web.json_response(answer | {"password": linked.password}, status=201)


def _check_private_token(mwanga: Mwanga, given: str) -> None:
    token = mwanga.config.smsgate_token.get_secret_value()
    if not token or not hmac.compare_digest(token.encode(), given.encode()):
        _refuse(mwanga, ALL, 401, "private token", "this is not our private token")


def _login(kind: str, given: str) -> tuple[str, str]:
    if kind != "Basic":
        return "", ""
    with suppress(binascii.Error, UnicodeDecodeError):
        login, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        return login.replace("\0", ""), password  # which PostgreSQL takes for no text
    return "", ""


async def _update(request: web.Request) -> web.Response:
    mwanga, phone = request.app[MWANGA], await _phone(request)
    body = await _body(request, phone.gateway)
    try:
        device = android_events.read_device(body, mwanga.site.country)
    except BadCallback as error:
        _refuse(mwanga, phone.gateway, 400, "malformed", str(error))
    if device.id != phone.gateway:
        _refuse(mwanga, phone.gateway, 404, "device", "this token is another device's")
    async with mwanga.database.work():
        fresh = await Phone.get(id=phone.id)
        linking.describe(fresh, device)
        await fresh.save(update_fields=["model", "push", "sims"])
    return web.Response(status=204)


async def _pull(request: web.Request) -> web.Response:
    phone = await _phone(request)
    rows = await request.app[MWANGA].phones.pull(phone)
    return web.json_response([android.message(row, phone.clock_offset) for row in rows])


async def _report(request: web.Request) -> web.Response:
    mwanga, phone = request.app[MWANGA], await _phone(request)
    body = await _body(request, phone.gateway)
    try:
        reports = android_events.read_reports(body)
    except BadCallback as error:
        _refuse(mwanga, phone.gateway, 400, "malformed", str(error))
    if await mwanga.phones.report(phone, reports):
        _refuse(mwanga, phone.gateway, 404, "message", "this phone did not get that message")
    mwanga.outbox.notify([phone.gateway])
    return web.Response(status=204)


async def _webhooks(request: web.Request) -> web.Response:
    phone = await _phone(request)
    return web.json_response(android.webhooks(phone.gateway, request.app[MWANGA].config.address))


async def _settings(request: web.Request) -> web.Response:
    phone = await _phone(request)
    return web.json_response(android.settings(linking.signing_key(phone, request.app[MWANGA].site.vault)))


async def _user_code(request: web.Request) -> web.Response:
    """A code with which the same phone, or another in its place, registers again."""
    mwanga = request.app[MWANGA]
    vault, now = mwanga.site.vault, mwanga.phones.clock()
    kind, _, given = _header(request, "Authorization").partition(" ")
    async with mwanga.database.work():
        phone = await linking.by_login(*_login(kind, given), vault)
        code = phone and await linking.new_code(phone, vault, now)
    if phone is None:
        _refuse(mwanga, ALL, 401, "login", "unknown login or password")
    return web.json_response({"code": code, "validUntil": android.date(now + linking.CODE_MS)})


async def _user_password(request: web.Request) -> web.Response:
    """Passwords are ours, random and long; one that people think of is none for a keyed hash."""
    await _phone(request)
    return web.Response(status=501, text="Passwords are made by this server. Sign in again with a new code.\n")


async def _events(request: web.Request) -> web.StreamResponse:
    phone, phones = await _phone(request, stream=True), request.app[MWANGA].phones
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    stream = await phones.opened(phone)
    try:
        async for chunk in stream.chunks():
            await response.write(chunk)
    except ConnectionError:
        log.info("a phone's stream broke", extra={"gateway": phone.gateway})
    finally:
        phones.closed(phone, stream)
    return response


async def _webhook(request: web.Request) -> web.Response:
    """An event, checked before it is read: the address, the signature and the device have to be one phone's."""
    mwanga, name = request.app[MWANGA], request.match_info["phone"]
    phone = await linking.by_gateway(name)
    if phone is None:
        _refuse(mwanga, ALL, 404, "unlinked", "there is no such phone")
    mwanga.phones.know(phone)
    body = await _body(request, name)
    await _check_signature(mwanga, phone, request, body)
    try:
        event = android_events.read_event(body)
        if event.device != phone.gateway:
            _refuse(mwanga, name, 401, "device", "this is another device's event")
        await _handle(mwanga, phone, event, request)
    except BadCallback as error:
        await mwanga.doors.keep(name, str(error), body.decode(errors="replace")[:MOST_KEPT])
        _refuse(mwanga, name, 400, "malformed", str(error))
    return web.Response()


async def _check_signature(mwanga: Mwanga, phone: Phone, request: web.Request, body: bytes) -> None:
    """A wrong clock is told from a wrong key, so that the office can say to the phone's owner what is wrong."""
    timestamp, given = _header(request, "X-Timestamp"), _header(request, "X-Signature")
    if not android.signed(linking.signing_key(phone, mwanga.site.vault), body, timestamp, given):
        await mwanga.phones.mistrusted(phone)
        _refuse(mwanga, phone.gateway, 401, "signature", "the signature is wrong")
    offset = _ahead(timestamp, mwanga.phones.clock() // 1000)
    if offset is None:
        _refuse(mwanga, phone.gateway, 401, "stale", "the timestamp is no time")
    if abs(offset) > android.FRESH_S:
        await mwanga.phones.heard(phone, clock_offset=offset)
        _refuse(mwanga, phone.gateway, 401, "stale", "the phone's clock is wrong")
    if abs(offset - phone.clock_offset) > 30:  # what a network takes is no news
        await mwanga.phones.heard(phone, clock_offset=offset)


def _ahead(timestamp: str, now: int) -> int | None:
    """By how many seconds the phone's clock is ahead."""
    known = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    return int(timestamp) - now if known else None


async def _handle(mwanga: Mwanga, phone: Phone, event: Event, request: web.Request) -> None:
    """What an event says. Raises BadCallback."""
    news = _version(request)
    if event.name == "sms:received":
        await _store(mwanga, event)
    elif event.name in android_events.NEWS:
        if await mwanga.phones.report(phone, [android_events.read_news(event)]):
            mwanga.metrics.refused.labels(phone.gateway, "message").inc()
        mwanga.outbox.notify([phone.gateway])
    elif event.name == "system:ping":
        health = android_events.read_health(event)
        news |= {"battery": health.battery, "charging": health.charging, "network": health.network}
        news |= {"version": health.version} if health.version else {}
    elif event.name == "app:started":
        cards = android_events.read_sims(event.payload.get("simCards") or [], mwanga.site.country)
        news |= {"sims": linking.with_sims(phone, cards)}
    else:
        mwanga.metrics.refused.labels(phone.gateway, "event").inc()
    await mwanga.phones.heard(phone, webhook=True, wrong_signatures=0, **news)


async def _store(mwanga: Mwanga, event: Event) -> None:
    inbound = android_events.read_sms(event, mwanga.site.country)
    try:
        await mwanga.inbox.record(inbound)
    except Exception as error:  # it is logged where it happened; 5xx has the phone send it again
        raise web.HTTPServiceUnavailable(text="not stored, send it again") from error


async def _phone(request: web.Request, *, stream: bool = False) -> Phone:
    """The linked phone whose token this is. Another answer than 401 would not have the app register again."""
    mwanga = request.app[MWANGA]
    kind, _, token = _header(request, "Authorization").partition(" ")
    known = kind == "Bearer" and bool(token)
    phone = await linking.by_token(token, mwanga.site.vault, stream=stream) if known else None
    if phone is None:
        _refuse(mwanga, ALL, 401, "token", "unknown token")
    mwanga.phones.know(phone)
    await mwanga.phones.heard(phone, **_version(request))
    return phone


def _version(request: web.Request) -> dict[str, Any]:
    version = android.version_in(_header(request, "User-Agent"))
    return {"version": version} if version else {}


def _header(request: web.Request, name: str) -> str:
    """A header; what is no text in it is made to question marks, so that it can be compared."""
    return request.headers.get(name, "").encode(errors="replace").decode()


async def _body(request: web.Request, gateway: str) -> bytes:
    """The body, of which no more is read than is accepted."""
    body = b""
    while chunk := await request.content.read(MOST_BODY + 1 - len(body)):
        body += chunk
        if len(body) > MOST_BODY:
            _refuse(request.app[MWANGA], gateway, 413, "size", f"the body is larger than {MOST_BODY} bytes")
    return body


def _refuse(mwanga: Mwanga, gateway: str, status: int, reason: str, sentence: str) -> NoReturn:
    mwanga.metrics.refused.labels(gateway, reason).inc()
    raise _STATUS[status](text=f"{sentence}\n")


_STATUS: dict[int, Callable[..., web.HTTPException]] = {
    400: web.HTTPBadRequest,
    401: web.HTTPUnauthorized,
    404: web.HTTPNotFound,
    413: lambda text: web.HTTPRequestEntityTooLarge(MOST_BODY, MOST_BODY + 1, text=text),
}
