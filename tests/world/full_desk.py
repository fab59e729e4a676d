"""The demo's office with a day's life in it, and what that life leaves out: something for each form of the desk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

from bot.android import linking
from bot.android.from_app import Device as Handset
from bot.config import Config, load
from handlers.office.settings.texts import list_english
from models.demo.world import CLERK, OFFICE_USER
from models.devices import Device
from models.messages import Sim, State
from models.money import reconciling
from models.money.day_close import MARGIN
from models.money.ledger import AccountKind, Posting, post
from models.money.reconciling import Said
from models.money.statements import Direction, StatementFile, StatementLine
from models.people import OfficeRole, OfficeUser, invitations, office_users, second_factor
from models.people.sessions import begin_session
from models.selling.requests import PaymentRequest
from models.sql import HOUR_MS, MINUTE_MS, now_ms
from models.tickets import Category, tickets
from tests.world.browser import PASSWORD, Office, enqueue_message, open_office
from tests.world.money_desk import Desk
from tests.world.receipt_texts import open_till, personal

KANNEL: dict[str, Any] = {
    "kannel_url": "http://127.0.0.1:9/cgi-bin/sendsms",
    "kannel_username": "u",
    "kannel_password": "p",
    "kannel_secret": "s" * 20,
}
CODED, SECOND = "tatu", "zuberi"  # users: with a second factor; whom the owner sees to

# Numbers and names that tables of addresses have gaps for, each by the statement that finds it.
FACTS = {
    **{
        name: f"SELECT id FROM customer WHERE phone = '+2557100001{place:02d}'"
        for name, place in (("rashidi", 2), ("elia", 4), ("pendo", 5), ("musa", 6), ("rehema", 7), ("daudi", 10))
    },
    **{name.lower(): f"SELECT id FROM agent WHERE name LIKE '{name} %'" for name in ("Salome", "Hamisi", "Fatuma")},
    **{f"hill{n}": f"SELECT id FROM device WHERE serial = 'HILL00{n}'" for n in range(1, 10)},
    **{f"now{n}": f"SELECT reference FROM sale WHERE key = 'demo life now {n}'" for n in range(6)},
    **{
        f"asked_by_{name}": f"SELECT id FROM proposal WHERE state = 'asked' AND asked_by = '{name}' ORDER BY id LIMIT 1"
        for name in (OFFICE_USER, CLERK)
    },
    "payment": "SELECT id FROM payment WHERE reference = 'QK71HILL01'",
    "doubtful": "SELECT id FROM payment WHERE reference = 'QK71HILL77'",
    "unseen": "SELECT id FROM payment WHERE reference = 'QK71HILL78'",
    "handin": "SELECT hand_in_id FROM hand_in_event WHERE step = 'disputed' ORDER BY id LIMIT 1",
    "push": "SELECT id FROM payment_request WHERE reference = 'demo-life-push'",
    **{f"push{n}": f"SELECT id FROM payment_request WHERE reference = 'full desk push {n}'" for n in (1, 2)},
    "void": "SELECT id FROM void WHERE state = 'asked' ORDER BY id LIMIT 1",
    "writeoff": "SELECT id FROM write_off WHERE agreed_at IS NULL AND refused_at IS NULL ORDER BY id LIMIT 1",
    "plan": "SELECT 'S' || (1000 + id) AS n FROM contract WHERE key = 'demo life 2'",
    "claim": "SELECT owner FROM account WHERE kind = 'claim' AND balance > 0 ORDER BY owner LIMIT 1",
    "line": "SELECT id FROM statement_line WHERE direction = 'in' AND settled = '' ORDER BY id LIMIT 1",
    "out": "SELECT id FROM statement_line WHERE direction = 'out' AND settled = '' ORDER BY id LIMIT 1",
    "receipt": "SELECT id FROM receipt_text WHERE state = 'waiting' ORDER BY id LIMIT 1",
    "phone": "SELECT id FROM phone WHERE name = 'Shop phone'",
    "word": "SELECT id FROM office_word ORDER BY id DESC LIMIT 1",
    "failed": "SELECT id FROM outbox WHERE error = 'bad number' ORDER BY id LIMIT 1",
    "waiting": "SELECT id FROM outbox WHERE origin LIKE 'scheduled %' ORDER BY id LIMIT 1",
    "many": "SELECT id FROM broadcast ORDER BY id DESC LIMIT 1",
    "free": "SELECT id FROM ticket WHERE key = 'free ticket'",
    "brought": "SELECT MAX(id) AS id FROM office_upload",
    "asked": "SELECT id FROM ticket WHERE key = 'demo life 2'",
    "second": f"SELECT id FROM officeuser WHERE name = '{SECOND}'",
    "coded": f"SELECT id FROM officeuser WHERE name = '{CODED}'",
    "invited": "SELECT id FROM office_invitation WHERE used_at = 0 AND withdrawn_at = 0 ORDER BY id LIMIT 1",
    "promotion": "SELECT id FROM office_promotion WHERE state = 'asked' ORDER BY id LIMIT 1",
    "session": "SELECT MIN(id) AS id FROM office_session WHERE browser = 'another browser'",
    "spare": "SELECT serial FROM device WHERE customer_id IS NULL AND kind = 'shs' ORDER BY id LIMIT 1",
    "rule": "SELECT name FROM receipt_rule WHERE provider = 'kisiwa'",
}


@dataclass
class FullDesk:
    """A server at work, its office full, and what its people alone know."""

    office: Office
    secret: str = ""  # of the second factor of CODED
    codes: list[str] = field(default_factory=list)  # recovery codes of CODED
    token: str = ""  # of an invitation

    async def fill_in(self, text: str) -> str:
        """A text with its gaps filled: facts as the database has them now."""
        found: dict[str, str] = {}
        for _before, name, _spec, _how in Formatter().parse(text):
            if name and name not in found:
                found[name] = await self._fact(name)
        return text.format_map(found)

    async def _fact(self, name: str) -> str:
        if name == "token":
            return self.token
        if name == "sentence":
            return str(list_english().index("Never tell anybody your PIN, not even us."))
        if name == "yesterday":
            # In the first minute after midnight the day before is not over.
            now = datetime.now(self.office.mwanga.company.zone) - MARGIN
            return str(now.date() - timedelta(days=1))
        if name == "code":
            return self.codes.pop()
        if name == "totp":
            return second_factor.code_at(self.secret, now_ms() // 1000 // second_factor.STEP_S)
        [row] = await self.office.ask(FACTS[name]) or [{"": f"no {name}"}]
        return str(next(iter(row.values())))


def desk_config(url: str, backups: Path) -> Config:
    return load(
        database=url,
        demo_life=True,
        backup_folder=backups,
        canaries={"kannel": "+255700000055"},
        languages="en,sw,fr,pt,ha",
        **KANNEL,
    )


@asynccontextmanager
async def open_full_desk(url: str, backups: Path) -> AsyncIterator[FullDesk]:
    """`url` is of an empty database."""
    async with open_office(desk_config(url, backups), load_demo=True) as office:
        desk = FullDesk(office)
        await _fill_money(office)
        await _fill_messages(office)
        await _fill_users(desk)
        yield desk


async def _fill_money(office: Office) -> None:
    """Credit, commission that is due, payments that are in doubt, a payout of a provider, texts of operators."""
    desk, now = Desk(office), datetime.now(UTC)
    await desk.paid("QK71HILL77", 3_000, "HILL003")
    await desk.paid("QK71HILL78", 2_000, "lamp")
    async with office.mwanga.database.work():
        [salome] = await office.ask(FACTS["salome"])
        [rashidi] = await office.ask(FACTS["rashidi"])
        for kind, owner in ((AccountKind.CREDIT, rashidi["id"]), (AccountKind.COMMISSION, salome["id"])):
            lines = [Posting(kind, owner, -5_000_00), Posting(AccountKind.OFFICE, 0, 5_000_00)]
            await post(f"full desk {kind}", lines, actor="test")
        await StatementLine.create(
            provider="daraja", reference="OUT1", direction=Direction.OUT.value, amount=1_000_00, at=now
        )
        await StatementLine.create(
            provider="daraja", reference="IN2", direction=Direction.IN.value, amount=1_000_00, at=now
        )
        said = {"provider": "daraja", "direction": Direction.IN, "at": now}
        await reconciling.add_line(Said(reference="QK71HILL77", amount=4_000_00, **said), actor="test")  # type: ignore[arg-type]
        for number in (1, 2):
            push = (await PaymentRequest.get(reference="demo-life-push")).clone()
            push.key, push.reference, push.external_id = (f"full desk push {number}" for _unique in range(3))
            await push.save()
        await StatementFile.create(
            provider="daraja", begins_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1), actor="test"
        )
    till = await open_till(office.mwanga, balance=10_000)
    for number in (1, 2):
        await till.hears(personal(f"DKN123456{number}", 5_000, 15_000, now - timedelta(days=9)))


async def _fill_messages(office: Office) -> None:
    """A message that waits, a ticket that is nobody's, a gateway that is paused, a phone that came."""
    await enqueue_message(office.db, State.SCHEDULED, kind="reminder")
    vault, now = office.mwanga.company.vault, now_ms()
    await office.ask(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, failures, failed_at) "
        "VALUES ('kannel', 0, 1, 'no balance', $1, 'There is no money left with the gateway.', 4, 2) "
        "ON CONFLICT (name) DO UPDATE SET paused_until = $1, alert = 'There is no money left.'",
        now + 10 * MINUTE_MS,
    )
    async with office.mwanga.database.work():
        device = await Device.get(serial="HILL006").prefetch_related("customer")
        due = datetime.now(UTC) + timedelta(days=2)
        owner = device.customer
        assert owner
        await tickets.open_ticket(
            owner, device, Category.DEVICE, "it hums", actor="test", key="free ticket", due_at=due
        )
        phone, _code = await linking.add("Shop phone", vault, actor="test")
        sims = [Sim(1, "+255710000070", "Vodacom"), Sim(2, "+255620000001", "Halotel")]
        await linking.register(phone, Handset("", "Nokia 3", False, sims), "1.67.1", vault, now, again=False)


async def _fill_users(desk: FullDesk) -> None:
    """One with a second factor, one who is seen to, an invitation, and a session of the owner elsewhere."""
    office, desk.secret = desk.office, second_factor.new_secret()
    vault = office.mwanga.company.vault
    async with office.mwanga.database.work():
        owner = await OfficeUser.get(name=OFFICE_USER)
        await office_users.create_user(SECOND, PASSWORD, OfficeRole.SUPPORT, vault=vault, actor="test")
        coded = await office_users.create_user(CODED, PASSWORD, OfficeRole.SUPPORT, vault=vault, actor="test")
        code = await desk.fill_in("{totp}")
        desk.codes = await second_factor.set_up(coded, desk.secret, code, vault=vault, actor="test")
        await office.ask("UPDATE officeuser SET factor_step = 0 WHERE name = $1", CODED)
        invitation = await invitations.invite(OfficeRole.SUPPORT, "Neema Komba", by=owner)
        desk.token = invitations.token_of(invitation, vault)
        for _twice in range(2):
            await begin_session(owner, address="127.0.0.1", browser="another browser")


async def put_clock_in_doubt(office: Office) -> None:
    """Something was sold three hours from now."""
    ahead = (datetime.now(UTC) + timedelta(milliseconds=3 * HOUR_MS)).isoformat()
    await office.ask(
        "INSERT INTO setting (name, value) VALUES ('clock seen', $1) ON CONFLICT (name) DO UPDATE SET value = $1", ahead
    )
