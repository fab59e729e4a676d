"""The one place that puts everything together, and takes it down in reverse."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from datetime import time as clock_time
from functools import partial
from typing import Protocol, TypeVar

import aiohttp
from aiohttp import web

from bot import configured, probes
from bot.android import PhoneRoutes, Phones
from bot.android import queue as phone_queue
from bot.android.routes import ROUTES as PHONE_ROUTES
from bot.changeable import Changeable, merge_to_start
from bot.company import Company
from bot.config import DEMO_IN_PUBLIC, Config, checked, demo_world
from bot.configured import check_key, company_of, journal_places
from bot.edge import SERVER_SETTINGS, edge, hide_software
from bot.gateways import Gateway
from bot.inbound import Callbacks, Dispatcher, Inbox, Sessions, Worker, ussd
from bot.inbound import inbox as inbox_table
from bot.inbound.callbacks import ROUTES as CALLBACK_ROUTES
from bot.message import Copy
from bot.monitor import Alerts, Canaries, CollectionCount, NightlyBooks, Signs, Webhook
from bot.outbound import Broadcasts, Composer, Outbox, queue
from bot.payments import Payments, Provider
from bot.payments.door import ROUTES as PAYMENT_ROUTES
from bot.payments.reading import PURGE as NOTICES
from bot.receipts import Receipts
from bot.routing import Router, Watch
from bot.routing.networks import Networks
from bot.routing.router import route
from bot.runtime import Database, Housekeeping, Metrics, Purge
from bot.runtime.addresses import is_embedded, shown
from bot.runtime.database import OneServer
from bot.runtime.housekeeping import Chore
from bot.server import SERVER, Server
from bot.setting_files import ConfigError
from bot.talks import Commands, contacts, drafts
from bot.talks.meanings import Meanings
from bot.talks.synonyms import Synonyms
from bot.text.answers import BESIDE_PIN, CONSENT
from bot.text.i18n import say_otherwise
from bot.text.numbers import parse
from bot.text.redact import Redactor
from handlers import TALKS, office, simulator
from handlers.account.daily import Greeting, Summary
from handlers.meanings import MEANINGS
from handlers.reminders import PaidVisits, remind
from handlers.selling.cash_requests import end_unanswered
from handlers.selling.received import book, book_payment, validate
from handlers.selling.waited import ApplyWaiting
from handlers.tickets.fixed import close_silent
from models.clock import CLOCK
from models.customers.name_index import index_names
from models.demo import life, world
from models.messages import beats
from models.money import reservations
from models.money.figures import add_up
from models.money.receipt_texts import FORGET_IGNORED
from models.money.receiving import Incoming
from models.office import forms
from models.office.uploads import FORGET_UPLOADS
from models.people import guesses, sessions
from models.settings import read_settings
from models.sql import DAY_MS
from models.tokens.journal import JOURNAL, JournalFault

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Loop(Protocol):
    """What works beside everything else until it is told to stop."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


# What every room forgets.
GUESSES = Purge("wrong guesses", guesses.PURGE, older_than_ms=DAY_MS)
SESSIONS = Purge("sessions of the office", sessions.PURGE, older_than_ms=sessions.KEPT_MS)
RESERVATIONS = Purge("reservations", reservations.PURGE, older_than_ms=30 * DAY_MS)
UPLOADS = Purge("files that the office did not let count", FORGET_UPLOADS, older_than_ms=DAY_MS)
IGNORED_TEXTS = Purge("texts of operators about no payment", FORGET_IGNORED)
BEATS = Purge("how gateways were", beats.FORGET, older_than_ms=beats.KEPT_MS)
FORMS = Purge("forms that were sent", forms.PURGE, older_than_ms=forms.KEPT_MS)
PURGES = (
    *(*inbox_table.PURGES, queue.PURGE, phone_queue.PURGE, contacts.PURGE, drafts.PURGE, *ussd.PURGES),
    *(NOTICES, GUESSES, SESSIONS, RESERVATIONS, IGNORED_TEXTS, FORMS, UPLOADS, BEATS),
)
WORKERS = 4  # on PostgreSQL, where a worker waits for the network much of its time
MINUTE_S = 60.0
# In which everything has to come to an end. With the 3 s that requests get, a stop takes under 10 s; some 16 where the
# machine of the database has vanished: each kind of loop is given up by itself then.
STOP_S = 6.0
UNDO_S = 1.0  # in which what was given up is undone, where the database's machine has not vanished
CONNECTIONS = 0  # no bound to requests at once: the outbox has one for each gateway, and none waits for another in here
# We end an unused connection before the other side does, as Node.js after 5 s: of what is written at that moment nobody
# knows whether it was taken.
IDLE_S = 3


def build_app(config: Config, *, load_demo: bool = False) -> web.Application:
    """The whole server. With `load_demo` an empty database gets the demo world first."""
    app = web.Application(
        middlewares=[edge(config.trusted_proxies)], client_max_size=64 * 1024, handler_args=SERVER_SETTINGS
    )

    async def running(app: web.Application) -> AsyncIterator[None]:
        async with assembled(config, load_demo=load_demo) as server:
            app[SERVER] = server
            yield

    app.cleanup_ctx.append(running)
    for method, path, callback in CALLBACK_ROUTES:
        app.router.add_route(method, path, _of(lambda server: server.callbacks, callback))
    for method, path, call in PHONE_ROUTES:
        app.router.add_route(method, path, _of(lambda server: server.phone_routes, call))
    for method, path, call_of_provider in PAYMENT_ROUTES:
        app.router.add_route(method, path, _of(lambda server: server.payments.door, call_of_provider))
    probes.add_to(app)
    office.add_to(app)
    simulator.add_to(app)
    app.on_response_prepare.append(hide_software)
    app.on_shutdown.append(_end_streams)
    return app


@asynccontextmanager
async def assembled(
    config: Config, *, load_demo: bool = False, serving: bool = True, handling: bool = True
) -> AsyncIterator[Server]:
    """A whole server at work. Without `serving` messages are handled but not sent: a server beside us does
    that. Without `handling` either, nothing works by itself: messages are only written.

    Raises ConfigError and DatabaseError.
    """
    async with AsyncExitStack() as stack:
        if serving and is_embedded(config.database):
            stack.enter_context(OneServer(config.database))
        database = await stack.enter_async_context(Database(config.database))
        await database.migrate()
        is_new = load_demo and await _load_demo(database, demo_world(config))
        simulated = await world.is_demo()
        config = demo_world(config) if simulated else config
        if not simulated:
            checked(merge_to_start(config, await read_settings()))
        if simulated and serving:
            _check_private(config)
        await check_key(database, company_of(config))
        await CLOCK.begin(lenient=simulated)
        try:
            JOURNAL.begin(journal_places(config))
        except JournalFault as error:
            raise ConfigError(str(error)) from error
        if is_new and config.demo_life:
            await _load_life(database, config)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=outgoing()))
        server = _assemble(config, database, session, simulated)
        await server.settings.refresh()
        stack.callback(say_otherwise, {})
        await server.router.networks.load()
        await server.phones.look()
        await server.synonyms.look()
        if handling:
            await stack.enter_async_context(_working(server, serving))
        yield server


def outgoing() -> aiohttp.TCPConnector:
    """Connections to gateways and to providers of mobile money."""
    return aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_S)


async def _load_demo(database: Database, config: Config) -> bool:
    """Whether the world was loaded now. Raises ConfigError when there is something else in the database: it would
    become a world of published PINs."""
    company = company_of(config)
    await check_key(database, company)
    async with database.work():
        is_new = await world.load(company.vault, config.exponent, company.today(), config.demo_customers)
        if not await world.is_demo():
            raise ConfigError(
                f"{shown(config.database)} is in use and no demo world: nothing was loaded into it. `mwanga serve`"
                " serves it; `mwanga demo --database` takes another one."
            )
    return is_new


async def _load_life(database: Database, config: Config) -> None:
    """Its sales are made by the verbs, which write the token journal."""
    company = company_of(config)
    midnight = datetime.combine(company.today(), clock_time(), company.zone)
    async with database.work():
        await life.load(company.vault, config.exponent, company.today(), midnight)


def _check_private(config: Config) -> None:
    """Raises ConfigError when others could reach a world whose passwords they know."""
    if config.on_loopback:
        return
    if not config.demo_in_public:
        raise ConfigError(DEMO_IN_PUBLIC.format(address=config.address))
    log.warning("a demo world is open to everybody", extra={"address": config.address})


def _assemble(config: Config, database: Database, session: aiohttp.ClientSession, simulated: bool) -> Server:
    company, metrics, commands = company_of(config), Metrics(), Commands(TALKS, Meanings(MEANINGS))
    gateways = configured.gateways(config, session, simulated)
    router, outbox, phones = _sending(config, gateways, database, company, metrics, simulated)
    signs, composer = Signs(company.vault, config.airtime_pattern), Composer(company, router)
    receipts = Receipts(company, partial(_book_text, company=company, composer=composer))
    sessions = Sessions(company=company, commands=commands, router=router, composer=composer)
    dispatcher = _dispatcher(config, company, commands, router, composer, signs, receipts)
    housekeeping = Housekeeping(database, config.retention_days, PURGES, _chores(company, composer, phones))
    books = NightlyBooks(database, company.zone, config.suspense_days)
    settings = Changeable(config, company.live)
    sending = list(outbox.gateways)
    settings.on_change += [
        lambda now: dispatcher.cap_replies(now.sender_cap, now.global_cap),
        lambda now: housekeeping.keep_texts(now.retention_days),
        lambda now: books.allow_suspense(now.suspense_days),
        lambda now: router.reorder(route(now.route_names, sending, simulated=simulated)),
    ]
    inbox, worker, callbacks = _receiving(gateways, database, company, metrics, commands, dispatcher, sessions, outbox)
    providers = configured.providers(config, session, company, simulated)
    paces = {name: gateway.per_second for name, gateway in gateways.items()}
    payments = _payments(providers, database, company, metrics, composer, outbox)
    return Server(
        config=config,
        settings=settings,
        company=company,
        commands=commands,
        synonyms=Synonyms(database, commands),
        database=database,
        composer=composer,
        inbox=inbox,
        worker=worker,
        outbox=outbox,
        broadcasts=Broadcasts(database, company, router, outbox, paces),
        receipts=receipts,
        callbacks=callbacks,
        phone_routes=_phone_routes(config, phones, database, company, metrics, inbox, callbacks, outbox),
        housekeeping=housekeeping,
        watch=_each_minute(config, database, company, composer),
        metrics=metrics,
        simulated=simulated,
        router=router,
        alerts=_alerts(config, database, session, router, outbox, signs),
        books=books,
        collection=CollectionCount(database, company.zone),
        payments=payments,
        phones=phones,
    )


def _dispatcher(
    config: Config,
    company: Company,
    commands: Commands,
    router: Router,
    composer: Composer,
    signs: Signs,
    receipts: Receipts,
) -> Dispatcher:
    """What understands texts."""
    return Dispatcher(
        company=company,
        commands=commands,
        router=router,
        composer=composer,
        signs=signs,
        receipts=receipts,
        sender_cap=config.sender_cap,
        global_cap=config.global_cap,
    )


def _each_minute(config: Config, database: Database, company: Company, composer: Composer) -> Housekeeping:
    """What the business does each minute."""
    ends = _by_right_clock(_telling(end_unanswered, company, composer))
    applies = ApplyWaiting(company, composer.tell)
    return Housekeeping(database, config.retention_days, (), [ends, applies, index_names], every_s=MINUTE_S)


def _receiving(
    gateways: dict[str, Gateway],
    database: Database,
    company: Company,
    metrics: Metrics,
    commands: Commands,
    dispatcher: Dispatcher,
    sessions: Sessions,
    outbox: Outbox,
) -> tuple[Inbox, Worker, Callbacks]:
    """All that takes, stores and handles what comes in."""
    beside_others = [*commands.words("lock"), *commands.words("cash in")]
    redactor = Redactor(CONSENT, commands.words("pin"), beside_others, BESIDE_PIN)
    inbox = Inbox(database=database, vault=company.vault, redactor=redactor, metrics=metrics)
    worker = Worker(
        database=database,
        inbox=inbox,
        dispatcher=dispatcher,
        sessions=sessions,
        outbox=outbox,
        company=company,
        metrics=metrics,
    )
    # the worker reads the inbox, so one of the two has to come first
    inbox.on_stored.append(worker.notify)
    inbox.ask_along = worker.take_along
    callbacks = Callbacks(
        gateways={name: gateway for name, gateway in gateways.items() if gateway.secret},
        inbox=inbox,
        worker=worker,
        outbox=outbox,
        database=database,
        redactor=redactor,
        metrics=metrics,
        company=company,
    )
    return inbox, worker, callbacks


def _payments(
    providers: dict[str, Provider],
    database: Database,
    company: Company,
    metrics: Metrics,
    composer: Composer,
    outbox: Outbox,
) -> Payments:
    """All that asks phones to pay, and books what providers say."""
    return Payments(
        database,
        company,
        providers,
        metrics,
        book=book,
        validate=validate,
        tell=composer.tell,
        on_settled=outbox.notify,
    )


def _sending(
    config: Config,
    gateways: dict[str, Gateway],
    database: Database,
    company: Company,
    metrics: Metrics,
    simulated: bool,
) -> tuple[Router, Outbox, Phones]:
    """All that chooses and carries what goes out."""
    sending = {name: gateway for name, gateway in gateways.items() if gateway.sends(simulated)}
    for gateway in sending.values():
        gateway.prepare()
    watch = Watch([name for name in sending if name != "simulator"])
    order = route(config.route_names, list(sending), simulated=simulated)
    networks = Networks()
    phones = Phones(database, company.vault, metrics, network_of=networks.of)
    router = Router(order, config.rules, able=sending, watch=watch, networks=networks, linked=phones.names)
    failover, paces = config.failover_seconds * 1_000, {name: gateway.per_second for name, gateway in sending.items()}
    outbox = Outbox(
        database,
        sending,
        router,
        metrics,
        failover_ms=failover,
        copies=config.copies,
        per_second=paces,
        until_morning=company.until_morning,
        on_notify=[phones.notify],
    )
    return router, outbox, phones


async def _book_text(payment: Incoming, *, company: Company, composer: Composer) -> None:
    """Book money of which a text to a gateway phone tells, and tell who has to know."""
    _received, told = await book_payment(payment, company)
    for origin, copies in told:
        await composer.tell(origin, copies)


def _alerts(
    config: Config, database: Database, session: aiohttp.ClientSession, router: Router, outbox: Outbox, signs: Signs
) -> Alerts:
    numbers = {name: parse(number, config.country) for name, number in config.canaries.items()}
    phone = parse(config.alert_phone, config.country) if config.alert_phone else ""
    webhook = Webhook(session, config.alert_url, config.alert_secret.get_secret_value())
    return Alerts(database, router, outbox, Canaries(signs, router.watch, numbers), webhook, phone)


def _phone_routes(
    config: Config,
    phones: Phones,
    database: Database,
    company: Company,
    metrics: Metrics,
    inbox: Inbox,
    callbacks: Callbacks,
    outbox: Outbox,
) -> PhoneRoutes:
    return PhoneRoutes(
        phones=phones,
        database=database,
        vault=company.vault,
        metrics=metrics,
        country=company.country,
        address=config.address,
        private_token=config.smsgate_token.get_secret_value(),
        record=inbox.record,
        keep=callbacks.keep,
        notify=outbox.notify,
    )


def _chores(company: Company, composer: Composer, phones: Phones) -> list[Chore]:
    """What the business does by the clock, and whom it tells of it."""

    telling = [_telling(chore, company, composer) for chore in (close_silent, remind)]
    walks = [walk(company, composer.tell) for walk in (PaidVisits, Summary, Greeting)]
    by_day = [*telling, *walks, phones.forget_receivers]
    return [*map(_by_right_clock, by_day), partial(add_up, company.zone)]


def _by_right_clock(chore: Chore) -> Chore:
    """A chore that does nothing while the clock is in doubt: by one that is ahead everybody is overdue, and by one that
    is behind everybody has paid."""

    async def work(most: int) -> int:
        return 0 if await CLOCK.doubt() else await chore(most)

    return work


def _telling(
    chore: Callable[[Company, int], Awaitable[list[tuple[str, list[Copy]]]]], company: Company, composer: Composer
) -> Chore:
    """A chore of the business that sends what it says."""

    async def work(most: int) -> int:
        told = await chore(company, most)
        for origin, copies in told:
            await composer.tell(origin, copies)
        return len(told)

    return work


@asynccontextmanager
async def _working(server: Server, serving: bool) -> AsyncIterator[None]:
    """The loops. They end in the order of the flow: what was accepted is stored, what was begun is answered
    and committed, what is being sent gets its time."""
    loops: dict[str, Loop] = {"inbox": server.inbox, "words": server.synonyms, "settings": server.settings}
    if serving:
        loops |= {
            "housekeeping": server.housekeeping,
            "watch": server.watch,
            "alerts": server.alerts,
            "books": server.books,
            "collection": server.collection,
            "phones": server.phones,
            "broadcasts": server.broadcasts,
        }
    running = [asyncio.create_task(loop.run(), name=name) for name, loop in loops.items()]
    workers = 1 if server.database.embedded else WORKERS
    handling = [asyncio.create_task(server.worker.run(), name=f"worker {n}") for n in range(workers)]
    sending = asyncio.create_task(server.outbox.run(), name="outbox") if serving else None
    paying = server.payments.start() if serving else []
    try:
        yield
    finally:
        until = asyncio.get_running_loop().time() + STOP_S
        for loop in loops.values():
            loop.stop()
        server.payments.stop()
        await _end(_left(until - 1.0), *running, *paying)
        server.worker.stop()
        await _end(_left(until - 1.0), *handling)
        await server.payments.finish(within=_left(until - 1.0))
        if sending:
            left = _left(until) + 1.0  # the last second is for writing what came back
            stopping = asyncio.create_task(server.outbox.stop(within=left - 1.0), name="what is being sent")
            await _end(left, stopping, sending)


def _left(until: float) -> float:
    """The seconds until then; one at least."""
    return max(1.0, until - asyncio.get_running_loop().time())


async def _end(within: float, *tasks: "asyncio.Task[None]") -> None:
    """Wait so many seconds for tasks that were told to stop. One that hangs, as the database does, is given up then:
    what it began is not committed, and is done after the next start."""
    done, hanging = await asyncio.wait(tasks, timeout=within)
    for task in hanging:
        log.error("%s hangs and is given up", task.get_name())
        task.cancel()
    await asyncio.wait({asyncio.gather(*hanging, return_exceptions=True)}, timeout=UNDO_S)
    await asyncio.gather(*done)


def _of(owner: Callable[[Server], T], answer: Callable[[T, web.Request], Awaitable[web.StreamResponse]]) -> Handler:
    """A method of something that the server has, as a handler: the server is there only when the database is open."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(owner(request.app[SERVER]), request)

    return handle


async def _end_streams(app: web.Application) -> None:
    """Phones hold their streams open for ever: a server that stops would wait for them."""
    app[SERVER].phones.stop()
