"""The people of the demo world, and phones that they text and dial with."""

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.inbound.conversation import Conversation
from bot.message import Inbound, UssdTurn
from bot.server import Server
from bot.text.numbers import Sender, SenderKind, sender
from models.sql import execute
from tests.world.handling import handled
from tests.world.menus import way

PEOPLE = {
    "Asha": "+255700000001",
    "Juma": "+255700000002",
    "Zuhura": "+255700000003",
    "Amina": "+255710000001",
    "Baraka": "+255710000002",
    "Neema": "+255710000003",
    "Stranger": "+255799999999",
    "Rehema": "+255713000111",
    "Mariam": "+255713000222",
    "Upendo": "+255713000333",
    "Salma": "+255713000777",
}
PINS = {"Asha": "482915", "Juma": "739164", "Zuhura": "604817"}
NAMES = {number: name for name, number in PEOPLE.items()}
GATEWAY = "africastalking"
MENU = "*384*20#"  # what is dialled for it
NOON = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)  # 10:42 in Mtwara

_ids = itertools.count(1)


@dataclass
class Phones:
    """All phones of the world. `text` and `dial` go in where a gateway's message does, once it is parsed."""

    mwanga: Server
    seen: int = 0
    last: Inbound | None = None
    sessions: dict[str, "Dialled"] = field(default_factory=dict)

    async def text(self, name: str, text: str, external_id: str = "") -> list[tuple[str, str]]:
        """Send an SMS; the messages that it caused, as (name, text), in the order in which they were written."""
        number = PEOPLE.get(name, name)
        written = Sender(SenderKind.NUMBER, number)
        self.last = Inbound(GATEWAY, external_id or f"test {next(_ids)}", written, text)
        return await self.repeat()

    async def text_together(self, *texts: tuple[str, str]) -> list[tuple[str, str]]:
        """Send these SMS, each as (name, text), which wait already when the first one is handled; the messages that
        they caused."""
        messages = [
            Inbound(GATEWAY, f"test {next(_ids)}", sender(PEOPLE.get(name, name), "TZ"), text) for name, text in texts
        ]
        await asyncio.gather(*map(self.mwanga.inbox.record, messages))
        await self.handled()
        return await self.news()

    async def repeat(self) -> list[tuple[str, str]]:
        """The last SMS once more, with the same id."""
        assert self.last is not None
        await self.mwanga.inbox.record(self.last)
        await self.handled()
        return await self.news()

    async def asked(self, name: str) -> bool:
        """Whether a question to this phone is open."""
        return (await self.conversation(name)).open is not None

    async def conversation(self, name: str) -> Conversation:
        """What this phone is asked by SMS."""
        rows = await execute(
            self.mwanga.database.client, "SELECT talk FROM contact WHERE phone = $1", [PEOPLE.get(name, name)]
        )
        return Conversation.load(rows[0]["talk"] if rows else "")

    async def dial(self, name: str, code: str) -> str:
        """Dial a code; the first screen with its CON or END."""
        self.sessions[name] = Dialled(self.mwanga, PEOPLE[name], f"session {next(_ids)}", code)
        return await self.sessions[name].enter("")

    async def enter(self, name: str, answer: str) -> str:
        return await self.sessions[name].enter(answer)

    async def choose(self, name: str, label: str) -> str:
        """Dial, and choose this line of the menu however far down it is; the screen behind it."""
        await self.dial(name, MENU)
        return await self.enter(name, (await self.way(name, label))[-1])

    async def way(self, name: str, label: str) -> list[str]:
        """The answers from the screen that is shown to this choice of it; all but the last are given."""
        session = self.sessions[name]
        return await way(session.screen, label, session.enter)

    async def handled(self) -> None:
        """Wait until nothing waits in the inbox."""
        await handled(self.mwanga)

    async def news(self) -> list[tuple[str, str]]:
        """Messages to be sent that nobody looked at yet."""
        rows = await execute(
            self.mwanga.database.client, "SELECT id, phone, text FROM outbox WHERE id > $1 ORDER BY id", [self.seen]
        )
        self.seen = rows[-1]["id"] if rows else self.seen
        return [(NAMES.get(row["phone"], row["phone"]), row["text"]) for row in rows]


@dataclass
class Dialled:
    mwanga: Server
    number: str
    session_id: str
    code: str
    transcript: str | None = None
    screen: str = ""

    async def enter(self, answer: str) -> str:
        """One more input; the network sends all of them joined by stars."""
        if self.transcript is None:
            root, _, dialled = self.code.strip("#").lstrip("*").partition("*20")
            self.code, self.transcript = f"*{root}*20#", dialled.strip("*")
        else:
            self.transcript = f"{self.transcript}*{answer}" if self.transcript else answer
        return await self.repeat()

    async def repeat(self) -> str:
        """The same turn once more, as networks do."""
        turn = UssdTurn(GATEWAY, self.code, self.session_id, self.number, self.transcript or "")
        self.screen = await self.mwanga.worker.answer(turn)
        return self.screen
