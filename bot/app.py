"""The one place that puts everything together, and takes it down in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot import configured
from bot.android import routes as smsgate
from bot.android.service import Phones
from bot.company import Site, check_key
from bot.config import Config, checked, demo_world
from bot.gateways import Gateway
from bot.inbound.callbacks import Doors, readable
from bot.inbound.inbox import Inbox
from bot.inbound.sms import Dispatcher
from bot.inbound.ussd import Sessions
from bot.inbound.worker import Pump
from bot.message import Copy
from bot.monitor.alerts import Alerts, Webhook
from bot.monitor.canary import Canaries, Signs
from bot.outbound import queue
from bot.outbound.outbox import Outbox
from bot.quiet import until_morning
from bot.routing.health import Watch
from bot.routing.router import Router, route
from bot.runtime.database import Database, OneServer
from bot.runtime.housekeeping import Chore, Housekeeping
from bot.runtime.metrics import Metrics
from bot.server import MWANGA, Mwanga
from bot.talks.commands import Commands
from bot.text.answers import YES
from bot.text.numbers import parse
from bot.text.redact import Redactor
from handlers import TALKS, office
from handlers.reminders import remind
from handlers.simulator import page as simulator
from handlers.tickets.fixed import close_silent
from models.demo import world as demo
from models.money import access_rate as access
from models.sql import execute, now_ms

PUMPS = 4  # on PostgreSQL, where a pump waits for the network much of its time
CONNECTIONS = 512  # requests to gateways at once: above the outbox's own bound, so that none waits in here


def build_app(config: Config, *, load_demo: bool = False) -> web.Application:
    """The whole server. With `load_demo` an empty database gets the demo world first."""
    app = web.Application(middlewares=[readable], client_max_size=64 * 1024)

    async def parts(app: web.Application) -> AsyncIterator[None]:
        async with assembled(config, load_demo=load_demo) as mwanga:
            app[MWANGA] = mwanga
            yield

    app.cleanup_ctx.append(parts)
    app.router.add_post("/gateways/{name}/{secret}/{kind}", _callback)
    app.router.add_get("/gateways/{name}/{secret}/{kind}", _callback, allow_head=False)
    app.router.add_get("/health", _health)
    app.router.add_get("/ready", _ready)
    app.router.add_get("/metrics", _metrics)
    smsgate.add_to(app)
    office.add_to(app)
    simulator.add_to(app)
    return app


@asynccontextmanager
async def assembled(
    config: Config, *, load_demo: bool = False, serving: bool = True, handling: bool = True
) -> AsyncIterator[Mwanga]:
    """All parts, working. Without `serving` messages are handled but not sent: a server beside us does that; without
    `handling` too they are only promised.

    Raises ConfigError and DatabaseError.
    """
    async with AsyncExitStack() as stack:
        if serving and config.database.startswith("sqlite"):
            stack.enter_context(OneServer(config.database))
        database = await stack.enter_async_context(Database(config.database))
        await database.migrate()
        if load_demo:
            await _load_demo(database, demo_world(config))
        simulated = await demo.is_demo()
        config = demo_world(config) if simulated else checked(config)
        await check_key(database, Site.of(config))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        )
        mwanga = _assemble(config, database, session, simulated)
        await mwanga.router.networks.load()
        await mwanga.phones.look()
        if handling:
            await stack.enter_async_context(_working(mwanga, serving))
        yield mwanga


async def _load_demo(database: Database, config: Config) -> None:
    async with database.work():
        site = Site.of(config)
        await demo.load(site.vault, config.exponent, site.today(), config.demo_customers)


def _assemble(config: Config, database: Database, session: aiohttp.ClientSession, simulated: bool) -> Mwanga:
    site, metrics, commands = Site.of(config), Metrics(), Commands(TALKS)
    gateways = configured.gateways(config, session)
    router, outbox, phones = _sending(config, gateways, database, site, metrics, simulated)
    signs = Signs(site.vault, config.airtime_pattern)
    redactor = Redactor(YES, commands.words("pin"), commands.words("lock"))
    dispatcher = Dispatcher(site, commands, router, config.sender_cap, config.global_cap, signs)
    alerts = _alerts(config, database, session, router, outbox, signs)
    # The inbox tells the pump of what it stored; neither can be made last without this small detour.
    inbox = Inbox(database, site.vault, redactor, metrics, lambda: pump.notify())  # noqa: PLW0108
    pump = Pump(database, inbox, dispatcher, Sessions(site, commands, dispatcher), outbox, site, metrics)
    doors = configured.doors(config, gateways, simulated)
    callbacks = Doors(doors, inbox, pump, outbox, database, redactor, metrics, site)
    housekeeping = Housekeeping(database, config.retention_days, _chores(site, dispatcher, phones))
    return Mwanga(
        config,
        site,
        commands,
        database,
        dispatcher,
        inbox,
        pump,
        outbox,
        callbacks,
        housekeeping,
        metrics,
        simulated,
        router,
        alerts,
        phones,
    )


def _sending(
    config: Config, gateways: dict[str, Gateway], database: Database, site: Site, metrics: Metrics, simulated: bool
) -> tuple[Router, Outbox, Phones]:
    """All that chooses and carries what goes out."""
    sending = {name: gateway for name, gateway in gateways.items() if configured.sends(config, name, simulated)}
    watch = Watch([name for name in sending if name != "simulator"])
    order = route(config.route_names, list(sending), simulated=simulated)
    router = Router(order, config.rules, able=sending, watch=watch)
    failover, paces = config.failover_seconds * 1_000, configured.paces(config)
    outbox = Outbox(database, sending, router, metrics, failover_ms=failover, per_second=paces)
    phones = Phones(database, site.vault, metrics, network_of=router.networks.of)
    router.linked = phones.names
    outbox.on_notify.append(phones.wake)
    outbox.until_morning = partial(until_morning, config.zone)
    return router, outbox, phones


def _alerts(
    config: Config, database: Database, session: aiohttp.ClientSession, router: Router, outbox: Outbox, signs: Signs
) -> Alerts:
    numbers = {name: parse(number, config.country) for name, number in config.canaries.items()}
    phone = parse(config.alert_phone, config.country) if config.alert_phone else ""
    webhook = Webhook(session, config.alert_url, config.alert_secret.get_secret_value())
    return Alerts(database, router, outbox, Canaries(signs, router.watch, numbers), webhook, phone)


def _chores(site: Site, dispatcher: Dispatcher, phones: Phones) -> list[Chore]:
    """What the business does by the clock, and whom it tells of it."""

    def telling(chore: Callable[[Site, int], Awaitable[list[tuple[str, list[Copy]]]]]) -> Chore:
        async def work(most: int) -> int:
            told = await chore(site, most)
            for origin, copies in told:
                await dispatcher.tell(origin, copies)
            return len(told)

        return work

    async def accrue(most: int) -> int:
        return await access.accrue(site.today(), most)

    return [telling(close_silent), accrue, telling(remind), phones.forget_receivers]


@asynccontextmanager
async def _working(mwanga: Mwanga, serving: bool) -> AsyncIterator[None]:
    """The loops. They end in the order of the flow: what was accepted is stored, what was begun is answered
    and committed, what is being sent gets its time."""
    inbox = asyncio.create_task(mwanga.inbox.run(), name="inbox")
    pumps = 1 if mwanga.database.embedded else PUMPS
    handling = [asyncio.create_task(mwanga.pump.run(), name=f"pump {n}") for n in range(pumps)]
    sending = asyncio.create_task(mwanga.outbox.run(), name="outbox") if serving else None
    purging = asyncio.create_task(mwanga.housekeeping.run(), name="housekeeping") if serving else None
    watching = asyncio.create_task(mwanga.alerts.run(), name="alerts") if serving else None
    phones = asyncio.create_task(mwanga.phones.run(), name="phones") if serving else None
    try:
        yield
    finally:
        mwanga.housekeeping.stop()
        mwanga.alerts.stop()
        mwanga.phones.stop()
        mwanga.inbox.stop()
        await asyncio.gather(inbox, *filter(None, [purging, watching, phones]))
        mwanga.pump.stop()
        await asyncio.gather(*handling)
        if sending:
            await mwanga.outbox.stop(within=5.0)
            await sending


async def _callback(request: web.Request) -> web.Response:
    return await request.app[MWANGA].doors.callback(request)


async def _health(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    """The database takes writes and the outbox moves: 200, else 503 with what does not."""
    mwanga = request.app[MWANGA]
    problems = []
    try:
        async with asyncio.timeout(2), mwanga.database.work() as db:
            await execute(db, "UPDATE setting SET value = value WHERE name = 'demo'")
    except Exception:
        problems.append("the database takes no writes")
    if now_ms() - (mwanga.outbox.turned_at or mwanga.outbox.started_at) > 60_000:
        problems.append("the outbox does not move")
    return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)


async def _metrics(request: web.Request) -> web.Response:
    mwanga = request.app[MWANGA]
    mwanga.metrics.set_queues(await queue.sizes(), now_ms())
    mwanga.metrics.set_gateways((name, each.state) for name, (_, each) in mwanga.router.watch.gateways.items())
    return web.Response(body=mwanga.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
