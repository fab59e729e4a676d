"""The SMS that the phone received, and how the app tells of them: when they come, and when it is asked again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulators.android.hooks import Emission, Hooks
from tests.emulators.android.wire import Unreadable, date, message_id, moment, older_than


@dataclass(frozen=True)
class Received:
    """An SMS in the phone's inbox; `at` is when the operator's centre got it (Android's DATE_SENT), which the app
    tells as receivedAt; `told` says that the app noticed it when it came."""

    id: str
    sender: str
    text: str
    sim: int
    at: float
    told: bool


class Inbox:
    """What came by radio, in order."""

    def __init__(self, hooks: Hooks, clock: Callable[[], float], version: str) -> None:
        self.messages: list[Received] = []
        self._hooks, self._clock, self._version = hooks, clock, version

    async def arrives(self, sender: str, text: str, sim: int, told: bool, late: float) -> list[Emission]:
        """An SMS comes, so many seconds after the operator's centre got it."""
        at = self._clock() - late
        received = Received(message_id(sender, text, at, sim, self._version), sender, text, sim, at, told)
        swallows = not older_than(self._version, "1.65.3") and older_than(self._version, "1.66.2")
        again = any(each.id == received.id for each in self.messages)
        self.messages.append(received)
        if not told or (swallows and again):  # v1.65.3 to v1.66.1 drop a repeat of the same text for ever
            return []
        return await self.tell(received)

    async def tell(self, received: Received) -> list[Emission]:
        """A new emission, with the same message id however often."""
        about = {"messageId": received.id, "sender": received.sender, "recipient": None, "simNumber": received.sim}
        content = {"phoneNumber": received.sender, "message": received.text, "receivedAt": date(received.at)}
        return await self._hooks.emit("sms:received", about | content)

    async def export(self, asked: Mapping[str, Any]) -> None:
        """Tell once more of what came in this span; from v1.66.2 only of what was not told when it came.

        Raises Unreadable.
        """
        since, until = moment(asked.get("since")), moment(asked.get("until"))
        kinds = asked.get("messageTypes") or "SMS"
        if "SMS" not in kinds.split(","):
            raise Unreadable(f"an export of {kinds!r}")
        everything = older_than(self._version, "1.66.2")
        for received in [each for each in self.messages if since <= each.at <= until]:
            if asked.get("triggerWebhooks") and (everything or not received.told):
                await self.tell(received)
