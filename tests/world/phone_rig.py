"""A shop's phone against the database, by a clock that stands still: it pulls and reports when a test says so."""

from random import Random
from typing import Any

from bot.android import Phones, linking
from bot.android.from_app import Report
from bot.outbound import NewMessage, enqueue
from bot.runtime import Database, Metrics
from models.messages import MessageKind, Phone, Sim, State, read_sims
from models.messages.phones import write_sims
from models.sql import execute
from models.vault import Vault
from tests.world.outbox_rig import MINUTE, Clock

VODACOM, AIRTEL = Sim(1, "+255740000001", "Vodacom TZ"), Sim(2, "+255680000001", "airtel")
BARAKA, AMINA = "+255710000002", "+255740000009"
PERIOD = 33 * MINUTE


class Shop:
    """A database with one linked phone and any number of servers."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock, self.vault = database, Clock(), Vault("k" * 32)
        self.networks: dict[str, str] = {}
        self.phones = self.server()
        self.phone: Phone

    def server(self) -> Phones:
        return Phones(
            *(self.database, self.vault, Metrics()),
            network_of=lambda phone: self.networks.get(phone, ""),
            clock=self.clock,
            random=Random(7),
        )

    async def link(self, *sims: Sim) -> None:
        async with self.database.work():
            self.phone, _ = await linking.add("Shop phone", self.vault, self.clock(), actor="office")
            self.phone.linked_at, self.phone.sims = self.clock(), write_sims(sims)
            await self.phone.save()
        await self.phones.look()

    async def enqueue(
        self, *texts: str, to: str = BARAKA, kind: MessageKind = MessageKind.REPLY, phone: Phone | None = None
    ) -> None:
        gateway = (phone or self.phone).gateway
        async with self.database.work():
            await enqueue([NewMessage(text[:60], to, text, kind, gateway) for text in texts], self.clock())

    async def pull(self, server: Phones | None = None) -> dict[str, str]:
        """The ids that the phone has now, by text."""
        rows = await (server or self.phones).pull(await Phone.get(id=self.phone.id))
        return {row["text"]: row["external_id"] for row in rows}

    async def report(self, external_id: str, state: State | None, **more: Any) -> int:
        return await self.phones.report(self.phone, [Report(external_id, state, **more)])

    async def row(self, origin: str) -> dict[str, Any]:
        return (await self.sql("SELECT * FROM outbox WHERE origin = $1", origin[:60]))[0]

    async def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.database.work() as db:
            return await execute(db, statement, values)

    async def sims(self) -> list[Sim]:
        return read_sims((await Phone.get(id=self.phone.id)).sims)


def numbered(count: int) -> list[str]:
    """So many texts, in their order."""
    return [f"text {n:02d}" for n in range(count)]
