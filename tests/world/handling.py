"""When a server has handled what came in."""

from bot.server import Server
from models.sql import execute

NEW = "SELECT 1 FROM inbox WHERE state = 'new' LIMIT 1"


async def handled(mwanga: Server) -> None:
    """Wait until nothing waits in the inbox. The worker tells when it has worked; nothing is polled. A batch may end
    while the database answers."""
    batches = mwanga.worker.batches
    while await execute(mwanga.database.client, NEW):
        await mwanga.worker.wait_for_batch(batches)
        batches = mwanga.worker.batches
