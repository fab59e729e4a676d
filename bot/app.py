"""The one place that puts everything together, and takes it down in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot import queue
from bot.answers import YES
from bot.commands import Commands
from bot.config import Config, checked, demo_world
from bot.database import Database, OneServer
from bot.dispatcher import Dispatcher
from bot.gateways import Gateway
from bot.gateways.kannel import Kannel
from bot.gateways.simulator import Simulator
from bot.housekeeping import Chore, Housekeeping
from bot.i18n import verbatim
from bot.inbox import Inbox
from bot.message import Reply
from bot.metrics import Metrics
from bot.outbox import Outbox, promise
from bot.parts import MWANGA, Mwanga
from bot.pump import Pump
from bot.redact import Redactor
from bot.routing import Router
from bot.site import Site
from bot.ussd import Sessions
from bot.web import Door, Doors
from handlers import TALKS
from handlers import web as office
from handlers.fixed import close_silent
from handlers.web import simulator
from models import demo
from models.sql import execute, now_ms

SIMULATOR_SECRET = "demo"  # noqa: S105 - the simulator's door exists in the demo world only
PUMPS = 4  # on PostgreSQL, where a pump waits for the network much of its time
CONNECTIONS = 512  # requests to gateways at once: above the outbox's own bound, so that none waits in here


def build_app(config: Config, *, load_demo: bool = False) -> web.Application:
    """The whole server. With `load_demo` an empty database gets the demo world first."""
    app = web.Application(client_max_size=64 * 1024)

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
    office.add_to(app)
    simulator.add_to(app)
    return app


@asynccontextmanager
async def assembled(config: Config, *, load_demo: bool = False, serving: bool = True) -> AsyncIterator[Mwanga]:
    """All parts, working. Without `serving` messages are handled but not sent: a server beside us does that.

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
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        )
        mwanga = _assemble(config, database, session, simulated)
        await stack.enter_async_context(_working(mwanga, serving))
        yield mwanga


async def _load_demo(database: Database, config: Config) -> None:
    async with database.work():
        await demo.load(Site.of(config).vault, config.exponent, config.demo_customers)


def _assemble(config: Config, database: Database, session: aiohttp.ClientSession, simulated: bool) -> Mwanga:
    site, metrics, commands = Site.of(config), Metrics(), Commands(TALKS)
    gateways = _gateways(config, session)
    sending = {name: gateway for name, gateway in gateways.items() if _sends(config, name, simulated)}
    router = Router(list(sending))
    redactor = Redactor(YES, commands.words("pin"), commands.words("lock"))
    dispatcher = Dispatcher(site, commands, router, config.sender_cap, config.global_cap)
    outbox = Outbox(database, sending, router, metrics)
    # The inbox tells the pump of what it stored; neither can be made last without this small detour.
    inbox = Inbox(database, site.vault, redactor, metrics, lambda: pump.notify())  # noqa: PLW0108
    pump = Pump(database, inbox, dispatcher, Sessions(site, commands, dispatcher), outbox, site, metrics)
    secrets = {
        "africastalking": config.africastalking_secret.get_secret_value(),
        "kannel": config.kannel_secret.get_secret_value(),
    }
    if simulated:
        secrets["simulator"] = SIMULATOR_SECRET
    doors = Doors(
        {name: Door(gateways[name], secret) for name, secret in secrets.items() if name in gateways},
        inbox,
        pump,
        outbox,
        database,
        redactor,
        metrics,
        site,
    )
    housekeeping = Housekeeping(database, config.retention_days, [_closing_silent_tickets(site, dispatcher)])
    return Mwanga(config, site, commands, database, inbox, pump, outbox, doors, housekeeping, metrics, simulated)


def _closing_silent_tickets(site: Site, dispatcher: Dispatcher) -> Chore:
    async def close(most: int) -> int:
        told = await close_silent(site, most)
        for origin, copies in told:
            await promise(dispatcher.copies(origin, Reply(verbatim(""), also=copies)), now_ms())
        return len(told)

    return close


def _gateways(config: Config, session: aiohttp.ClientSession) -> dict[str, Gateway]:
    """The configured gateways in the order in which they are preferred."""
    gateways: dict[str, Gateway] = {}
    if config.africastalking_username:
        from bot.gateways.africastalking import AfricasTalking  # noqa: PLC0415 - its SDK is slow to import

        gateways["africastalking"] = AfricasTalking(
            session,
            username=config.africastalking_username,
            api_key=config.africastalking_api_key.get_secret_value(),
            sender=config.africastalking_sender,
            url=config.africastalking_url,
            country=config.country,
        )
    if config.kannel_url:
        gateways["kannel"] = Kannel(
            session,
            url=config.kannel_url,
            username=config.kannel_username,
            password=config.kannel_password.get_secret_value(),
            sender=config.kannel_sender,
            secret=config.kannel_secret.get_secret_value(),
            address=config.address,
            country=config.country,
        )
    gateways["simulator"] = Simulator(config.country)
    route = [name for name in config.route_names if name in gateways]
    return {name: gateways[name] for name in dict.fromkeys([*route, *gateways])}


def _sends(config: Config, name: str, simulated: bool) -> bool:
    """The demo sends by Africa's Talking only to an address that was given, so that it never bothers anybody."""
    return name != "africastalking" or not simulated or bool(config.africastalking_url)


@asynccontextmanager
async def _working(mwanga: Mwanga, serving: bool) -> AsyncIterator[None]:
    """The loops. They end in the order of the flow: what was accepted is stored, what was begun is answered
    and committed, what is being sent gets its time."""
    inbox = asyncio.create_task(mwanga.inbox.run(), name="inbox")
    pumps = 1 if mwanga.database.embedded else PUMPS
    handling = [asyncio.create_task(mwanga.pump.run(), name=f"pump {n}") for n in range(pumps)]
    sending = asyncio.create_task(mwanga.outbox.run(), name="outbox") if serving else None
    purging = asyncio.create_task(mwanga.housekeeping.run(), name="housekeeping") if serving else None
    try:
        yield
    finally:
        mwanga.housekeeping.stop()
        mwanga.inbox.stop()
        await asyncio.gather(inbox, *filter(None, [purging]))
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
    return web.Response(body=mwanga.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
