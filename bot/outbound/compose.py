"""Makes messages of what a talk says: which words, in which language, by which gateway."""

from collections.abc import Sequence

from bot.company import Company
from bot.message import Copy, Reply
from bot.outbound.enqueue import NewMessage, enqueue
from bot.routing import Router
from bot.text import Text, plain
from models.messages import MessageKind
from models.messages.withdrawal import asking
from models.sql import now_ms


class Composer:
    """Makes messages of replies. The caller writes them with `enqueue`, in its own transaction."""

    def __init__(self, company: Company, router: Router) -> None:
        self._company, self._router = company, router

    def reply(self, origin: str, phone: str, language: str, reply: Reply, *, came_in_by: str) -> list[NewMessage]:
        """The answer to an SMS that came in by this gateway, then what goes to others."""
        gateway = self._router.reply_gateway(came_in_by, phone, reply.kind)
        answer = NewMessage(origin, phone, self._written(reply.text, language), reply.kind, gateway)
        return [answer, *self.copies(origin, reply.also)]

    def copies(self, origin: str, copies: Sequence[Copy]) -> list[NewMessage]:
        """The messages that go with a reply, or that answer nobody. Each has its number behind the origin."""
        return [
            NewMessage(
                f"{origin} {number}{asking(copy.asks) if copy.asks else ''}",
                copy.phone,
                self._written(copy.text, copy.language, by_hand=copy.kind is MessageKind.OFFICE),
                copy.kind,
                self._router.gateway_for(copy.phone, copy.kind),
            )
            for number, copy in enumerate(copies, 1)
        ]

    async def tell(self, origin: str, copies: Sequence[Copy]) -> None:
        """Enqueue messages that answer nobody, in the caller's transaction. Call `Outbox.notify` after its commit."""
        await enqueue(self.copies(origin, copies), now_ms())

    def _written(self, text: Text, language: str, *, by_hand: bool = False) -> str:
        return plain(text.to(language), accents=self._company.accents or by_hand)
