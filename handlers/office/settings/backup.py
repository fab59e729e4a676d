"""The page at `/settings/backup`: copy an embedded database now, and when it was copied last."""

import asyncio
import logging
from datetime import UTC, datetime

from aiohttp import web

from bot.runtime.backups import NotCopied, back_up
from bot.server import SERVER
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.times import when
from handlers.office.frame.words import _
from models.audit import record
from models.settings import last_backup
from models.sql import now_ms

log = logging.getLogger(__name__)
WAIT_S = 2.0  # most databases are copied by then, and the next page says so


class Copying:
    """The copy that is being made, and what became of the last one."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.problem = ""

    @property
    def runs(self) -> bool:
        """Whether one is being made now."""
        return self.task is not None and not self.task.done()


COPYING = web.AppKey("copying", Copying)


@office_page("/settings/backup", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """When it was copied last, and the button."""
    return await _draw(request)


@office_page("/settings/backup/state", roles=OWNER_ONLY, nav=Nav.SETTINGS, fragment=True)
async def show_state(request: web.Request) -> web.StreamResponse:
    """How it stands: the part of the page that is fetched again and again."""
    return page(request, "settings/backup_state.html", 200, **await _state(request))


@office_page("/settings/backup", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def begin(request: web.Request) -> web.StreamResponse:
    """Begin to copy it; a copy that is being made is not begun twice."""
    server, copying, actor = request.app[SERVER], request.app[COPYING], request[USER].name
    folder = server.config.backup_folder
    if folder is None or not server.database.embedded:
        return await _draw(request, 422)
    if not copying.runs:
        copying.problem = ""

        async def work() -> None:
            try:
                copied = await back_up(server.database.url, folder)
                async with server.database.work():
                    await record(actor, "backup", copied.file.name[:100], f"{copied.size} bytes")
            except NotCopied as problem:
                copying.problem = str(problem)
            except Exception as problem:
                log.error("a copy failed: %s", type(problem).__name__)
                copying.problem = f"{type(problem).__name__}: {problem}"

        copying.task = asyncio.create_task(work(), name="backup")
        await asyncio.wait({copying.task}, timeout=WAIT_S)
    raise redirect("/settings/backup")


async def end_copying(app: web.Application) -> None:
    """A server that stops ends a copy that it is making: half a copy is none."""
    if task := app[COPYING].task:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _state(request: web.Request) -> dict[str, object]:
    copying, last = request.app[COPYING], await last_backup()
    company, now = request.app[SERVER].company, datetime.now(UTC)
    return {
        "runs": copying.runs,
        "failed": copying.problem,
        "last": last and {"when": when(company, now, last[0]), "size": _size(last[1]), "name": last[2]},
        "old": last is None or last[0] < now_ms() - 2 * 86_400_000,
    }


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size / 1_000:,.0f} kB"


async def _draw(request: web.Request, status: int = 200) -> web.StreamResponse:
    server = request.app[SERVER]
    problem = ""
    if not server.database.embedded:
        problem = _("This database is PostgreSQL's, which has its own copies: pg_dump, as the installation says.")
    elif server.config.backup_folder is None:
        problem = _("Nobody has said into which folder: set MWANGA_BACKUP_FOLDER, best to another disk.")
    return page(
        request,
        "settings/backup.html",
        status,
        problem=problem,
        folder=server.config.backup_folder or "",
        **await _state(request),
    )
