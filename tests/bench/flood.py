"""One gateway phone floods the server: what becomes of the answers that another gateway's customers wait for."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.bench.databases import reached, sql
from tests.bench.load import DOOR, Caller, Times, dial, sms
from tests.bench.measures import ALL_HANDLED
from tests.bench.servers import ceiling, mwanga
from tests.emulators.android.wire import VERSION, Sim, date, message_id, signature, stamp

TOKEN = "a private token for measuring"
API = "/smsgate/mobile/v1"
JSON = "application/json"
FLOOD, FLOOD_S = 10_000, 60.0
BACK = 2_000  # SMS that a phone kept while it had no network, and messages that it has not reported
FLOODERS = 900  # of the thousand customers; the others ask by Africa's Talking meanwhile
CALM_S = 6.0  # before it and after it
THINK_S = 0.02
_numbers = itertools.count(1)


class FloodPhone:
    """A linked phone. `accepted` are the SMS of which the server said that it has them, `reported` the messages of
    which it took what became of them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.name = self._key = ""
        self.accepted = self.reported = 0
        self._headers = {"User-Agent": f"me.capcom.smsgateway/{VERSION}"}

    async def link(self) -> None:
        device = {"name": "Tecno/KF6", "pushToken": None, "simCards": [Sim().card()]}
        async with Caller(self._port) as caller:
            bearer = {"Authorization": f"Bearer {TOKEN}"} | self._headers
            given = json.loads(await caller.request("POST", f"{API}/device", json.dumps(device), JSON, **bearer))
            self._headers["Authorization"] = f"Bearer {given['token']}"
            settings = json.loads(await caller.request("GET", f"{API}/settings", **self._headers))
        self.name, self._key = given["id"], settings["webhooks"]["signing_key"]

    async def receives(self, caller: Caller) -> None:
        """One customer's TOKEN, told as the app does."""
        number, now = next(_numbers), time.time()
        sender = f"+25572{number % FLOODERS:07d}"
        about = {"messageId": message_id(sender, f"TOKEN {number}", now, 1, VERSION), "sender": sender}
        payload = about | {"message": "TOKEN", "receivedAt": date(now), "simNumber": 1, "recipient": None}
        event = {"id": f"bench {number}", "webhookId": "bench", "event": "sms:received", "deviceId": self.name}
        body, timestamp = json.dumps(event | {"payload": payload}), stamp(now)
        signed = {"X-Timestamp": timestamp, "X-Signature": signature(self._key, body, timestamp)}
        await caller.request("POST", f"/smsgate/webhooks/{self.name}", body, JSON, **signed)
        self.accepted += 1

    async def flood(self, messages: int, seconds: float, callers: int = 8) -> None:
        """So many SMS in so many seconds, evenly; as fast as they are taken when it is 0."""
        started, left = time.perf_counter(), iter(range(messages))

        async def one() -> None:
            async with Caller(self._port) as caller:
                for number in left:
                    if seconds:
                        await asyncio.sleep(max(0, started + seconds * number / messages - time.perf_counter()))
                    await self.receives(caller)

        await asyncio.gather(*(one() for _ in range(callers)))

    async def pulls_and_reports(self) -> None:
        """It asks for its messages and says of each that it was sent, as the app does: one request each, one after
        the other; and asks again until there is nothing to say."""
        async with Caller(self._port) as caller:
            while messages := json.loads(await caller.request("GET", f"{API}/message", **self._headers)):
                for message in messages:
                    report = {"id": message["id"], "state": "Sent", "states": {"Sent": date(time.time())}}
                    report |= {"recipients": [{"phoneNumber": message["phoneNumbers"][0], "state": "Sent"}]}
                    await caller.request("PATCH", f"{API}/message", json.dumps([report]), JSON, **self._headers)
                    self.reported += 1


@dataclass
class Waited:
    """How long Africa's Talking's customers waited: from a text to its reply at the gateway, and for a screen."""

    sms: Times = field(default_factory=Times)
    ussd: Times = field(default_factory=Times)


class Customers:
    """Of Africa's Talking: one texts and waits for the reply, another dials, all the while, one after the other."""

    def __init__(self, port: int, gateway: int) -> None:
        self._port, self._gateway = port, gateway
        self._texted: Counter[str] = Counter()

    @asynccontextmanager
    async def asking(self, waited: Waited) -> AsyncIterator[None]:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._text(waited.sms, over))
            group.create_task(self._dial(waited.ussd, over))
            try:
                yield
            finally:
                over.set()

    async def _text(self, times: Times, over: asyncio.Event) -> None:
        async with Caller(self._port) as caller, Caller(self._gateway) as gateway:
            while not over.is_set() or not times.each:  # a busy machine connects late
                phone = _customer()
                self._texted[phone] += 1
                asked = time.perf_counter()
                await caller.post(f"{DOOR}/sms", sms(phone, "TOKEN"))
                answered = urlencode({"receiver": phone, "messages": self._texted[phone]})
                async with asyncio.timeout(30):
                    await gateway.request("GET", f"/reached?{answered}")
                times.each.append(time.perf_counter() - asked)
                await asyncio.sleep(THINK_S)

    async def _dial(self, times: Times, over: asyncio.Event) -> None:
        async with Caller(self._port) as caller:
            while not over.is_set() or not times.each:  # a screen of tokens would also come by SMS
                await dial(caller, _customer(), ("Language", "Back", "Back", "Balance"), times, THINK_S)


def _customer() -> str:
    return f"+25572{FLOODERS + next(_numbers) % (1000 - FLOODERS):07d}"


@dataclass
class Flooded:
    waited: dict[str, Waited]
    accepted: int
    reported: int
    lost: int


async def flood(database: str, size: float) -> Flooded:
    """What other customers wait when it is calm, within 10,000 SMS a minute by one phone, while a phone that was away
    tells of 2,000 SMS as fast as they are taken, and while it pulls 2,000 messages and reports on them. Its own replies
    wait for its pace, and go by no other gateway meanwhile."""
    back = max(100, int(BACK * size))
    waited = {what: Waited() for what in ("calm", "in a flood", f"{back:,} SMS at once", f"{back:,} reports at once")}
    calm, flooded, told, reported = waited.values()
    async with (
        ceiling("gateway", "0") as gateway,
        mwanga(database, gateway.port, MWANGA_SMSGATE_TOKEN=TOKEN, MWANGA_FAILOVER_SECONDS="3600") as ours,
    ):
        customers, phone = Customers(ours.port, gateway.port), FloodPhone(ours.port)
        await phone.link()
        async with customers.asking(calm):
            await asyncio.sleep(CALM_S * max(size, 0.1))
        async with customers.asking(flooded):
            await phone.flood(int(FLOOD * size), FLOOD_S * size)
        async with customers.asking(told):
            await phone.flood(back, 0, callers=1)  # the app has one connection
        await reached(database, ALL_HANDLED, 1)
        _hand(database, phone.name, back)
        async with customers.asking(reported):
            await phone.pulls_and_reports()
        async with customers.asking(calm):
            await asyncio.sleep(CALM_S * max(size, 0.1))
    assert not _strays(database, phone.name), "the phone's customers were answered by the other gateway"
    lost = phone.accepted - _answered(database, phone.name) + phone.reported - _sent(database, phone.name)
    sql(database, f"UPDATE outbox SET state = 'expired' WHERE gateway = '{phone.name}' AND state = 'waiting'")
    return Flooded(waited, phone.accepted, phone.reported, lost)


def _hand(database: str, phone: str, messages: int) -> None:
    """Messages that the phone pulled before it went away, longer ago than its pace looks back."""
    now = int(time.time() * 1000)
    ago = now - 3_600_000
    sql(
        database,
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) "
        f"SELECT 'handed {now} ' || i, '+2557' || (20000000 + i % {FLOODERS}), 'Code 123 456 789', "
        f"'token', 0, '{phone}', 'sending', {ago}, {ago}, {now + 3_600_000}, '{phone}', {ago}, 1, 0, '', '', 1, '', "
        "0, 0 FROM n",
    )
    # Found by the index of what is being sent: a look at millions of old messages would hold up the server.
    ours = f"state = 'sending' AND claimed_by = '{phone}' AND origin LIKE 'handed {now} %'"
    sql(database, f"UPDATE outbox SET external_id = 'm' || id || '-1' WHERE {ours}")


def _answered(database: str, phone: str) -> int:
    """How many of its SMS were handled and have a reply, which may wait for the phone's pace."""
    return _count(database, f"gateway = '{phone}' AND origin NOT LIKE 'handed %'")


def _strays(database: str, phone: str) -> int:
    """Replies to its customers that went by another gateway."""
    return _count(
        database, f"gateway <> '{phone}' AND origin IN (SELECT 'sms ' || id FROM inbox WHERE gateway = '{phone}')"
    )


def _sent(database: str, phone: str) -> int:
    return _count(database, f"gateway = '{phone}' AND state = 'sent'")


def _count(database: str, where: str) -> int:
    return int(sql(database, f"SELECT COUNT(*) FROM outbox WHERE {where}")[0][0])
