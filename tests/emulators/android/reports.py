"""How the app reports on a message that it was given: by PATCH, tried again, given up; and by webhooks."""

from tests.emulators.android.clock import Clock
from tests.emulators.android.hooks import Hooks
from tests.emulators.android.line import Answer, Line, NoAnswer
from tests.emulators.android.radio import Sms
from tests.emulators.android.wire import Outgoing, date

# WorkManager's shortest exponential back-off, its longest, and the app's count of repeats.
FIRST_S, MOST_S, REPEATS = 10, 5 * 3_600, 10


class Reports:
    """`webhooks` are posted for each message that left, in this order: reorder or repeat them to confuse a
    server. `given_up` are the ids of messages whose state was never taken."""

    def __init__(self, line: Line, url: str, clock: Clock, hooks: Hooks) -> None:
        self.token = ""
        self.webhooks: tuple[str, ...] = ("sms:sent", "sms:delivered")
        self.given_up: list[str] = []
        self._line, self._url, self._clock, self._hooks = line, f"{url}/message", clock, hooks

    async def state(self, message: Outgoing) -> None:
        """Report its state as it is by the time that there is a network."""
        await self._line.when_online(lambda: self._state(message, 0))

    async def _state(self, message: Outgoing, tried: int) -> None:
        receiver = {"phoneNumber": message.phone, "state": message.state, "error": message.error}
        body = [{"id": message.id, "state": message.state, "recipients": [receiver], "states": dict(message.states)}]
        try:
            answer = await self._line.request("PATCH", self._url, body, Authorization=f"Bearer {self.token}")
        except NoAnswer:
            answer = Answer(0, None)
        if answer.good:
            return
        if tried == REPEATS:
            self.given_up.append(message.id)
            return
        wait = min(FIRST_S << tried, MOST_S)
        self._clock.later(wait, lambda: self._line.when_online(lambda: self._state(message, tried + 1)))

    async def left(self, message: Outgoing, sms: Sms, now: float) -> None:
        """It was sent, and delivered part by part."""
        about = _about(message, sms.sim)
        for event in self.webhooks:
            if event == "sms:sent":
                await self._hooks.emit(event, about | {"partsCount": sms.parts, "sentAt": date(now)})
            elif message.state == "Delivered":
                for _part in range(sms.parts):
                    await self._hooks.emit(event, about | {"deliveredAt": date(now)})

    async def failed(self, message: Outgoing, sim: int, now: float) -> None:
        """It was not."""
        told = {"reason": message.error, "failedAt": date(now)}
        await self._hooks.emit("sms:failed", _about(message, sim) | told)


def _about(message: Outgoing, sim: int) -> dict[str, object]:
    receiver = {"recipient": message.phone, "phoneNumber": message.phone}
    return {"messageId": message.id, "sender": None, "simNumber": sim} | receiver
