"""What gateways tell of themselves by SMS: test messages that come back, and the operator's word on airtime left."""

import re
from collections.abc import Mapping

from bot.outbound.enqueue import NewMessage, enqueue
from bot.routing.health import QUIET_MS, TEST_EVERY_MS, Facts, Health, test_is_lost
from bot.routing.watch import Watch
from bot.text.numbers import Sender, is_machine
from models.messages.tables import MessageKind
from models.sql import connection, execute, now_ms
from models.vault import Vault

TEST = re.compile(r"\s*CANARY ([a-z0-9-]{1,40}) ([0-9a-f]{10})\s*", re.IGNORECASE)

# The first test is an hour after a gateway was first seen. Of several servers one sends: who moves `tested_at`.
MEET = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, tested_at, returned_at)
  VALUES ($1, 0, 0, '', 0, '', $2, $2) ON CONFLICT (name) DO UPDATE SET tested_at = $2, returned_at = $2
  WHERE gatewaystate.tested_at = 0"""
BEGIN = """UPDATE gatewaystate SET tested_at = $2,
    lost_tests = CASE WHEN returned_at < tested_at THEN lost_tests + $4 ELSE 0 END
  WHERE name = $1 AND tested_at > 0 AND tested_at <= $3 RETURNING name"""
LAST = """SELECT tested_at, COALESCE(NULLIF(claimed_at, 0), tested_at) AS left_at FROM gatewaystate LEFT JOIN outbox
  ON origin = 'canary ' || name || ' ' || tested_at WHERE name = $1"""
RETURN = """UPDATE gatewaystate SET returned_at = $2, round_trip = $4, lost_tests = 0
  WHERE name = $1 AND tested_at = $3 AND returned_at < tested_at"""
AIRTIME = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, airtime, airtime_at)
  VALUES ($1, 0, 0, '', 0, '', $2, $3) ON CONFLICT (name) DO UPDATE SET airtime = excluded.airtime,
  airtime_at = excluded.airtime_at"""


class Signs:
    """Reads what is no person's message. `airtime` finds what is left in an operator's text, as its first group; it
    is believed only when a short code or a name sent it."""

    def __init__(self, vault: Vault, airtime: str) -> None:
        self._vault = vault
        self._airtime = re.compile(airtime, re.IGNORECASE) if airtime else None

    def test(self, gateway: str, at: int) -> str:
        """The text of a test message that leaves at this time (milliseconds). Nobody else can write it."""
        return f"CANARY {gateway} {self._vault.mac(f'{gateway} {at}', 'canary')[:10]}"

    async def read(self, gateway: str, sender: Sender, text: str) -> str:
        """Take note in the caller's transaction. What it was, `test message` or `airtime`; else nothing."""
        if test := TEST.fullmatch(text):
            await self._returned(test[1].lower(), " ".join(text.split()))
            return "test message"
        if self._airtime and is_machine(sender) and (found := self._airtime.search(text)):
            left = (found[1] if found.re.groups else found[0]) or ""
            await execute(connection(), AIRTIME, (gateway, left.replace("\0", "")[:40], now_ms()))
            return "airtime"
        return ""

    async def _returned(self, gateway: str, text: str) -> None:
        """Only the last test counts, once; one that is forged or too late says nothing."""
        db = connection()
        for row in await execute(db, LAST, (gateway,)):
            if self.test(gateway, row["tested_at"]).lower() == text.lower():
                now = now_ms()
                await execute(db, RETURN, (gateway, now, row["tested_at"], now - row["left_at"]))


class Canaries:
    """An SMS to itself through each gateway every hour: what comes back shows that both ways work. `numbers` are
    those of the gateways by name; a phone's own is that of its first SIM, where it tells it."""

    def __init__(self, signs: Signs, watch: Watch, numbers: Mapping[str, str]) -> None:
        self._signs, self._watch, self._numbers = signs, watch, numbers

    def due(self, now: int) -> list[tuple[Facts, str]]:
        """The gateways to be tested now, with their numbers. One that is silent or refuses us is not: its test
        would be lost for a reason that we know."""
        found = []
        for facts, condition in self._watch.gateways.values():
            number = self._numbers.get(facts.name, facts.number)
            silent = facts.phone and facts.heard_at <= now - QUIET_MS
            well = condition.state in (Health.WELL, Health.QUIET) or facts.lost_tests
            if number and well and not silent and not facts.paused and facts.tested_at <= now - TEST_EVERY_MS:
                found.append((facts, number))
        return found

    async def send(self, facts: Facts, number: str, now: int) -> bool:
        """Promise one test in the caller's transaction; False when it is too early, or another server has done it."""
        if not facts.tested_at:
            await execute(connection(), MEET, (facts.name, now))
            return False
        lost = int(test_is_lost(facts, now))
        if not await execute(connection(), BEGIN, (facts.name, now, now - TEST_EVERY_MS, lost)):
            return False
        text = self._signs.test(facts.name, now)
        test = NewMessage(
            f"canary {facts.name} {now}", number, text, MessageKind.REMINDER, facts.name, life=TEST_EVERY_MS
        )
        await enqueue([test], now)
        return True
