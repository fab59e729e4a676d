"""Callbacks of gateways: each becomes a message, a turn or a report, and its answer becomes the response."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote_plus

from aiohttp import web

from bot.company import Company
from bot.gateways import BadCallback, BadSignature, Callback, Fields, Gateway
from bot.gateways.wire import read_callback
from bot.inbound.inbox import Inbox
from bot.inbound.ussd import close
from bot.inbound.worker import SMS_FOLLOWS, Worker
from bot.outbound import Outbox
from bot.runtime import Database, Metrics
from bot.talks.contacts import note_opt_out
from bot.text import Text
from bot.text.redact import Redactor
from models.sql import insert, now_ms

log = logging.getLogger(__name__)
MOST_BODY = 8 * 1024  # bytes; the longest real callback, a USSD end with its transcript, is under 2 KiB
USSD_WITHIN_S = 2.8  # networks give up after 10 s, people earlier (design 1: under 3 s always)


class Callbacks:
    """The callback routes of all gateways: `/gateways/<name>/<secret>/<kind>`."""

    def __init__(
        self,
        *,
        gateways: Mapping[str, Gateway],  # those that may call: each has a secret
        inbox: Inbox,
        worker: Worker,
        outbox: Outbox,
        database: Database,
        redactor: Redactor,
        metrics: Metrics,
        company: Company,
    ) -> None:
        self._gateways, self._inbox, self._worker, self._outbox = gateways, inbox, worker, outbox
        self._database, self._redactor, self._metrics, self._company = database, redactor, metrics, company
        self._kinds: dict[str, Callable[[Gateway, Fields], Awaitable[web.Response]]] = {
            "sms": self._sms,
            "delivery": self._delivery,
            "ussd": self._ussd,
            "ussd-end": self._ussd_end,
            "optout": self._optout,
        }

    @property
    def gateways(self) -> list[str]:
        """The names of the gateways that may call."""
        return list(self._gateways)

    async def callback(self, request: web.Request) -> web.Response:
        """Any callback: check its secret, read its fields, hand them to its kind."""
        name = request.match_info["name"]
        gateway = self._gateways.get(name)
        kind = self._kinds.get(request.match_info["kind"])
        if gateway is None or kind is None or not _same(request.match_info["secret"], gateway.secret):
            self._metrics.refused.labels(name if gateway else "unknown", "secret").inc()
            raise web.HTTPNotFound
        self._outbox.note_heard(name)
        if request.method not in gateway.methods:
            raise web.HTTPMethodNotAllowed(request.method, gateway.methods)
        callback = await read_callback(request, MOST_BODY)
        if len(callback.body) > MOST_BODY:
            return await self._refuse(name, 413, f"the body is larger than {MOST_BODY} bytes", callback, "size")
        try:
            response = await kind(gateway, gateway.read(callback))
        except BadSignature as error:
            return await self._refuse(name, 401, str(error), callback, "signature")
        except BadCallback as error:
            return await self._refuse(name, 400, str(error), callback)
        if gateway.answer:
            response.text = gateway.answer
        return response

    async def _sms(self, gateway: Gateway, form: Fields) -> web.Response:
        try:
            await self._inbox.record(gateway.parse_sms(form))
        except BadCallback:
            raise
        except Exception as error:  # it is logged where it happened; 5xx has the gateway send it again
            raise web.HTTPServiceUnavailable(text="not stored, send it again") from error
        return web.Response()

    async def _delivery(self, gateway: Gateway, form: Fields) -> web.Response:
        receipt = gateway.parse_receipt(form)
        known = await self._outbox.record_receipt(receipt)
        if not known:
            self._metrics.unknown_receipts.labels(gateway.name).inc()
        log.info("delivery report", extra={"gateway": gateway.name, "word": receipt.word, "known": known})
        return web.Response()

    async def _ussd(self, gateway: Gateway, form: Fields) -> web.Response:
        turn = gateway.parse_ussd(form)
        try:
            answer = await asyncio.wait_for(asyncio.shield(self._worker.answer(turn)), USSD_WITHIN_S)
        except TimeoutError:
            slow = Text(SMS_FOLLOWS.english, {"help": self._company.help_phone})
            answer = "END " + slow.to(self._company.languages[0])
        return web.Response(text=answer)

    async def _ussd_end(self, gateway: Gateway, form: Fields) -> web.Response:
        end = gateway.parse_ussd_end(form)
        async with self._database.one_statement():
            await close(end)
        log.info("dialled session ended", extra={"gateway": gateway.name, "status": end.status})
        return web.Response()

    async def _optout(self, gateway: Gateway, form: Fields) -> web.Response:
        notice = gateway.parse_optout(form)
        async with self._database.work():
            await note_opt_out(notice)
        return web.Response()

    async def _refuse(
        self, name: str, status: int, reason: str, callback: Callback, counted: str = "malformed"
    ) -> web.Response:
        """Say what is wrong, and keep what came for whoever looks into it, unquoted so that a PIN can be seen."""
        self._metrics.refused.labels(name, counted).inc()
        came = (callback.query + b"\n" + callback.body if callback.query else callback.body)[:MOST_BODY]
        await self.keep(name, reason, unquote_plus(came.decode(errors="replace")))
        return web.Response(status=status, text=f"{reason}\n")

    async def keep(self, gateway: str, reason: str, came: str) -> None:
        """Keep what could not be read, with any PIN starred."""
        kept = self._redactor.clean_form(came.replace("\0", ""))
        async with self._database.one_statement():
            await insert("refused", gateway=gateway, reason=reason[:200], body=kept, created_at=now_ms())


ROUTES = tuple((method, "/gateways/{name}/{secret}/{kind}", Callbacks.callback) for method in ("POST", "GET"))


def _same(given: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(given.encode(), secret.encode())
