"""The callbacks of providers: `/payments/<provider>/<secret>/<kind>`. What they say is kept, then they are answered."""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.company import Company
from bot.gateways import Callback
from bot.gateways.wire import read_callback
from bot.payments.base import Provider, Question, Refusal
from bot.payments.reading import pack
from bot.runtime import Database, Metrics
from models.money import notices
from models.sql import now_ms

log = logging.getLogger(__name__)
MOST_BODY = 16 * 1024  # bytes; the longest real one has some 2 KiB
# Safaricom waits for about 8 s for a validation (reference: payments 1.3). Whoever is not answered by us is let pay:
# money that comes is never lost, and a customer who is refused without reason walks home in the dark.
ANSWER_WITHIN_S = 2.5
Validate = Callable[[str, int, Company], Awaitable[Refusal | None]]


class Door:
    """Takes callbacks: secret, source and size are checked, the rest is left to whoever reads them."""

    def __init__(
        self,
        database: Database,
        company: Company,
        providers: Mapping[str, Provider],
        validate: Validate,
        metrics: Metrics,
        on_kept: Callable[[], None],
    ) -> None:
        self._database, self._company, self._validate = database, company, validate
        self._providers = {name: provider for name, provider in providers.items() if provider.secret}
        self._metrics, self._on_kept = metrics, on_kept

    async def callback(self, request: web.Request) -> web.Response:
        """Any callback of any provider."""
        name, kind = request.match_info["provider"], request.match_info["kind"]
        provider = self._providers.get(name)
        if provider is None or kind not in provider.kinds or not _same(request.match_info["secret"], provider.secret):
            self._metrics.refused.labels(name if provider else "unknown", "secret").inc()
            raise web.HTTPNotFound
        if request.method not in provider.methods:
            raise web.HTTPMethodNotAllowed(request.method, provider.methods)
        if not _may_call(request.remote or "", provider):
            self._metrics.refused.labels(name, "source").inc()
            log.warning("a callback came from elsewhere", extra={"provider": name, "address": request.remote})
            raise web.HTTPForbidden
        callback = await read_callback(request, MOST_BODY)
        if len(callback.body) > MOST_BODY:
            self._metrics.refused.labels(name, "size").inc()
            raise web.HTTPRequestEntityTooLarge(MOST_BODY, len(callback.body))
        if kind == provider.questions:
            return _answer(await self.ask(provider, callback))
        try:
            await self.keep(provider, kind, callback, request.remote or "")
        except Exception as error:
            log.error("a callback could not be kept: %s", type(error).__name__)
            raise web.HTTPServiceUnavailable(text="not kept, send it again") from error
        return _answer(provider.taken)

    async def keep(self, provider: Provider, kind: str, callback: Callback, address: str) -> None:
        """Keep what was said for good, and have it handled."""
        now = now_ms()
        said = pack(callback, provider.headers, second=now // 1000 if provider.only_signs else None)
        async with self._database.work():
            new = await notices.keep(
                self._company.vault, provider=provider.name, kind=kind, said=said, address=address, now=now
            )
        self._metrics.notices.labels(provider.name, kind, "new" if new else "duplicate").inc()
        self._on_kept()

    async def ask(self, provider: Provider, callback: Callback) -> str:
        """What to answer to whoever asks whether a payment may be made."""
        try:
            question = provider.read_question(callback)
        except ValueError as error:
            log.warning("a question could not be read: %s", error, extra={"provider": provider.name})
            return provider.answer_question(Refusal.OTHER)
        return provider.answer_question(await self._refusal(provider, question))

    async def _refusal(self, provider: Provider, question: Question) -> Refusal | None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), self._database.work():
                return await self._validate(question.account_text, question.amount, self._company)
        except Exception as error:
            log.error("a payment could not be validated: %s", type(error).__name__, extra={"provider": provider.name})
            return None


def _same(given: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _may_call(address: str, provider: Provider) -> bool:
    if not provider.sources:
        return True
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(caller in network for network in provider.sources)


def _answer(body: str) -> web.Response:
    return web.Response(text=body, content_type="application/json") if body else web.Response()


ROUTES = tuple((method, "/payments/{provider}/{secret}/{kind}", Door.callback) for method in ("POST", "PUT", "GET"))
