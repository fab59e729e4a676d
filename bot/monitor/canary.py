"""What an SMS tells of the gateway that brought it: a test message is back, or so much airtime is left."""

import re
from collections.abc import Mapping

from bot.outbound import NewMessage, enqueue
from bot.routing import Facts, Health, Watch, states
from bot.routing.health import QUIET_MS, TEST_EVERY_MS, test_is_lost
from bot.text.numbers import Sender, is_machine
from models.messages import MessageKind
from models.sql import connection, execute, now_ms
from models.vault import Vault

TEST = re.compile(r"\s*CANARY ([a-z0-9-]{1,40}) ([0-9a-f]{10})\s*", re.IGNORECASE)

LAST = """SELECT tested_at, COALESCE(NULLIF(claimed_at, 0), tested_at) AS left_at FROM gatewaystate LEFT JOIN outbox
  ON origin = 'canary ' || name || ' ' || tested_at WHERE name = $1"""


class Signs:
    """Reads the messages that no person wrote.

    `airtime` is the pattern that finds what is left in an operator's text, as its first group. An operator's text comes
    from a short code or a name; what a number sends is not believed.
    """

    def __init__(self, vault: Vault, airtime: str) -> None:
        self._vault = vault
        self._airtime = re.compile(airtime, re.IGNORECASE) if airtime else None

    def test_text(self, gateway: str, at: int) -> str:
        """The text of a test message of this time (milliseconds). Nobody else can write it."""
        return f"CANARY {gateway} {self._vault.mac(f'{gateway} {at}', 'canary')[:10]}"

    async def note_test(self, text: str) -> str:
        """Write that a test message is back, in the caller's transaction. Returns what it was, `test message`; nothing
        for any other text."""
        if test := TEST.fullmatch(text):
            await self._end_test(test[1].lower(), " ".join(text.split()))
            return "test message"
        return ""

    async def note_airtime(self, gateway: str, sender: Sender, text: str) -> str:
        """Write what airtime is left by a text of the operator's, in the caller's transaction. Returns what it was,
        `airtime`; nothing for any other text."""
        if self._airtime and is_machine(sender) and (found := self._airtime.search(text)):
            left = (found[1] if found.re.groups else found[0]) or ""
            await states.note_airtime(connection(), gateway, left, now_ms())
            return "airtime"
        return ""

    async def _end_test(self, gateway: str, text: str) -> None:
        """Only the last test counts, once. A test that is forged or comes too late says nothing."""
        db = connection()
        for row in await execute(db, LAST, (gateway,)):
            at = row["tested_at"]
            if self.test_text(gateway, at).lower() == text.lower():
                now = now_ms()
                await states.end_test(db, gateway, now, tested_at=at, round_trip=now - row["left_at"])


class Canaries:
    """Sends an SMS to itself through each gateway every hour: if it comes back, both ways work."""

    def __init__(
        self,
        signs: Signs,
        watch: Watch,
        numbers: Mapping[str, str],  # the gateways' own, by name; that of a phone is also its first SIM's
    ) -> None:
        self._signs, self._watch, self._numbers = signs, watch, numbers

    def due(self, now: int) -> list[tuple[Facts, str]]:
        """The gateways to be tested now, with their numbers. A gateway that is silent or refuses us is not tested: we
        know already why the test would be lost."""
        found = []
        for facts, condition in self._watch.gateways.values():
            number = self._numbers.get(facts.name, facts.number)
            silent = facts.phone and facts.heard_at <= now - QUIET_MS
            well = condition.state in (Health.WELL, Health.QUIET) or facts.lost_tests
            if number and well and not silent and not facts.paused and abs(now - facts.tested_at) >= TEST_EVERY_MS:
                found.append((facts, number))
        return found

    async def send(self, facts: Facts, number: str, now: int) -> bool:
        """Enqueue one test in the caller's transaction. False when it is too early, or another server has done it. The
        first test goes out an hour after a gateway was first seen."""
        if not facts.tested_at:
            await states.plan_first_test(connection(), facts.name, now)
            return False
        return await self._send(facts, number, now, every_ms=TEST_EVERY_MS)

    def number_of(self, gateway: str) -> str:
        """Where this gateway's tests go; empty where nobody knows."""
        watched = self._watch.gateways.get(gateway)
        return self._numbers.get(gateway, watched[0].number) if watched else ""

    async def send_now(self, gateway: str, now: int) -> bool:
        """Enqueue one test in the caller's transaction, whatever the hour. False without a number, or when another
        test left in this very moment."""
        if not (number := self.number_of(gateway)):
            return False
        facts = self._watch.facts(gateway)
        if not facts.tested_at:
            await states.plan_first_test(connection(), gateway, now - 1)
        return await self._send(facts, number, now, every_ms=1)

    async def _send(self, facts: Facts, number: str, now: int, *, every_ms: int) -> bool:
        db, name = connection(), facts.name
        if not await states.begin_test(db, name, now, every_ms=every_ms, lost=test_is_lost(facts, now)):
            return False
        text = self._signs.test_text(name, now)
        test = NewMessage(f"canary {name} {now}", number, text, MessageKind.REMINDER, name, life=TEST_EVERY_MS)
        await enqueue([test], now)
        return True
