"""A day of a server at work: what people text and dial, one by one and many in the same moment, payments, messages that
leave by each kind of gateway, and what the clock brings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from yarl import URL

from bot.inbound import worker
from bot.message import Receipt
from bot.server import Server
from models.clock import CLOCK
from models.messages import State
from models.messages.broadcasts import stop_broadcast
from models.sql import execute
from models.tokens.sts import meter_number
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.emulators.daraja import Emulator
from tests.emulators.kannel_sendsms import PASSWORD, Sendsms, listening
from tests.world.many import add_agents, add_stock, write_to_all
from tests.world.people import MENU, NOON, PEOPLE, PINS, Dialled, Phones
from tests.world.pushes import becomes, selling, settled, waits_for
from tests.world.receipt_texts import open_till, personal
from tests.world.server import Serving
from tests.world.shop import API, Shop, code

MANY = 6  # who do the same in one moment: more than two, of which SQLite makes a table
AGENT, PREPAID = "+2557300000{n:02d}", "+2557310000{n:02d}"
CUSTOMER, STRANGER = "+25572{n:07d}", "+2557999999{n:02d}"
YES, NEW_PIN = f"1 {PINS['Asha']}", "730582"


@asynccontextmanager
async def open_for_the_day(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["Day"]:
    """A server on this database, which has a crowd of customers, with two gateways and a provider of mobile money. What
    waits together is one batch, however busy the machine is."""
    monkeypatch.setattr(worker, "SLICE_S", 60.0)
    monkeypatch.setattr(worker, "DIALLED_SLICE_S", 60.0)
    account = {"kannel_username": "mwanga", "kannel_password": PASSWORD, "kannel_sender": "15054", "sender_cap": 0}
    account |= {"summary_hour": "19", "morning_hour": "7"}
    with time_machine.travel(NOON, tick=False) as clock:
        async with listening() as kannel, selling(url, kannel_url=kannel.url, **account) as (at, daraja):
            yield Day(at, daraja, kannel, clock)


@dataclass
class Day:
    """Who takes part in it."""

    at: Serving
    daraja: Emulator
    kannel: Sendsms
    clock: time_machine.Traveller

    async def go_by(self) -> None:
        """People text and dial, agents and phones are asked to pay, gateways bring and carry messages, the office
        writes to many, and the clock goes on."""
        await agents_are_asked(self.at)
        await text(self.at, *TEXTS)
        await cash_is_handed_in(self.at)
        await people_dial(self.at)
        await money_comes(self.at, self.daraja)
        await many_text(self.at)
        await many_dial(self.at)
        await many_pay(self.at, self.daraja)
        await receipts_come(self.at)
        await messages_leave(self.at)
        await kannel_carries(self.at, self.kannel)
        await a_phone_carries(self.at)
        await the_office_writes_to_many(self.at)
        await the_clock_goes_on(self.at.mwanga, self.clock)

    async def ends(self) -> None:
        """And days go by: agents are told of this one and of the next, a customer of what is due and then overdue; an
        agent shall go there, and need not any more."""
        async with self.at.mwanga.database.work() as db:
            await execute(db, "UPDATE appliance SET overdue_ticket = $1 WHERE id > $2", [True, 0])
        phones = Phones(self.at.mwanga)
        await phones.news()
        for moment, news in LATER:
            self.clock.move_to(moment)
            CLOCK.note_answer(moment)
            await the_clock_goes_on(self.at.mwanga, self.clock)
            said = str(await phones.news())
            assert news in said, (moment, said)
        await text(self.at, ("Asha", "PAY S1003 128"), ("Asha", YES))
        await phones.news()
        await the_clock_goes_on(self.at.mwanga, self.clock)
        assert "imefungwa" in str(await phones.news())  # the ticket to go there, which Juma has


async def agents_are_asked(at: Serving) -> None:
    """For cash, where nobody can pay by phone."""
    company, known = at.mwanga.company, at.mwanga.company.mobile_money
    object.__setattr__(company, "mobile_money", ())
    await text(at, *REQUESTS)
    phones = Phones(at.mwanga)
    await phones.text_together(*((CUSTOMER.format(n=n), "BUY 3000") for n in range(MANY)))
    answers = await phones.text_together(*(("Asha", f"C{3 + n} {YES}") for n in range(MANY)))
    assert sum("SOLD" in said for _phone, said in answers) == MANY, answers
    object.__setattr__(company, "mobile_money", known)


REQUESTS = (
    *(("Baraka", "BUY 3000"), ("Asha", YES), ("Neema", "BUY EB100042 2000")),
    *(("Asha", "REQUESTS"), ("Asha", "2"), ("Asha", "C1 1")),
)
TEXTS = (
    *(("Asha", "BUY SHS0283 8000"), ("Asha", YES), ("Asha", "CASH"), ("Asha", "LIST"), ("Asha", "BAL")),
    *(("Asha", "PAY"), ("Asha", "STOCK"), ("Asha", "SALES"), ("Asha", "STMT"), ("Asha", "TOKEN SHS0283")),
    *(("Asha", "REG Hamisi Makame, none, none, Mtwara"), ("Asha", "1")),
    *(("Asha", "REG Rehema Ali, 0713000111, meter, 04123456792, Mtwara, household"), ("Asha", "1")),
    *(("Asha", "SELL 2, Radio, 3 monthly"), ("Asha", YES), ("Asha", "SELL 2, Solar lamp"), ("Asha", YES)),
    *(("Asha", "SELL 1, Solar home, SHS0284"), ("Asha", YES), ("Asha", "BUY 04123456784 5000"), ("Asha", YES)),
    *(("Baraka", "TOKEN"), ("Baraka", "BAL"), ("Baraka", "STMT"), ("Baraka", "STATUS")),
    *(("Baraka", "FIX SHS0283 dark"), ("Asha", "TICKETS"), ("Juma", "FIXED K1"), ("Baraka", "1")),
    *(("Stranger", "hello"), ("Stranger", "STOP"), ("Juma", "CLAIM 5000"), ("Asha", "FIND Baraka")),
    *(("Asha", "VOID"), ("Asha", "1"), ("Asha", "wrong one"), ("Asha", YES)),
    *(("Asha", "PLAN SHS0283"), ("Asha", "HELP"), ("Stranger", "HELP")),
    *(("Asha", "BUY SHS0283 9000"), ("Asha", "1 111111"), ("Asha", YES)),
)
CASH_IN = (
    *(("Juma", "CASHIN Asha 50000"), ("Juma", f"1 {PINS['Juma']}")),
    *(("Asha", "DISPUTE"), ("Asha", "1"), ("Asha", "I gave 60000")),
)
# What the clock brings later on, with what somebody reads then. On this day Asha sells Baraka a lamp, of which he is to
# pay the first instalment by 1 December.
LATER = (
    (NOON.replace(hour=16), "24/11: 4 sold"),
    (NOON.replace(day=25, hour=4), "Good morning. You can sell for"),
    (NOON.replace(day=29), "S1003: TZS 128 is due on 1/12"),
    (NOON.replace(month=12, day=2), "S1003: TZS 128 is overdue since 1/12"),
)
# What many text in the same moment, with what they all read.
TOGETHER = (
    *((CUSTOMER, "TOKEN", "newest first"), (CUSTOMER, "BALANCE", "days left"), (CUSTOMER, "PRICE", "a day")),
    *((CUSTOMER, "PLAN", "nothing on a plan"), (CUSTOMER, "AGENT", "Your agent is"), (CUSTOMER, "HELP", "To buy")),
    *((CUSTOMER, "BUY", "How much?"), (CUSTOMER, "5000", "Sent to your phone")),
    *((CUSTOMER, "FIX no light", "Problem saved"), (CUSTOMER, "STATUS {ticket}", "is open")),
    *((CUSTOMER, "T {ticket} still dark", "Added to"), (AGENT, "DONE {ticket}", "is asked if it is fixed")),
    *((CUSTOMER, "DONE {ticket} 2", "is open again"), (AGENT, "FIX SHD{n:06d} box hot", "Problem saved")),
    *((AGENT, "TOKEN SHD{n:06d}", "newest first"), (AGENT, "CASH", "You hold"), (AGENT, "STOCK", "In stock")),
    *((AGENT, "LIST", "Customers"), (AGENT, "FIND Baraka", "Baraka Peter"), (AGENT, "CUST 2", "Baraka Peter")),
    *((AGENT, "BUY SHD{n:06d} 5000", "Sell 5 days"), (AGENT, YES, "SOLD")),
    # Their accounts are open now.
    *((AGENT, "BUY SHD{n:06d} 6000", "Sell 6 days"), (AGENT, "1 111111", "Wrong PIN"), (AGENT, YES, "SOLD")),
    *((AGENT, "REG Hamisi Ma{letter}{letter}o, none, none, Mtwara", "Register"), (AGENT, "1", "REGISTERED")),
    *((AGENT, "REG Hamisi Omari, none, shs, FREE{n:02d}, Mtwara", "Register"), (AGENT, "1", "REGISTERED")),
    *((AGENT, "REG Ali Omari, none, meter, {meter}, Mtwara, household", "Register"), (AGENT, "1", "REGISTERED")),
    *((AGENT, "SELL +25572{n:07d}, Radio, 3 monthly", "Sell Radio"), (AGENT, YES, "SOLD")),
    *((AGENT, "PAY {contract} 500", "Take TZS 500"), (AGENT, YES, "PAID")),
    *((AGENT, "VOID", "Which sale?"), (AGENT, "1", "Why?"), (AGENT, "wrong one", "Take back"), (AGENT, YES, "VOID")),
    *((AGENT, "STMT", "sold"), (AGENT, "SALES", "Radio"), (AGENT, "REQUESTS", "No customer waits")),
    *((PREPAID, "CASH", "Your wallet has"), (PREPAID, "WALLET 5000", "Sent to your phone")),
    *((STRANGER, "hello", "does not know this number"), (STRANGER, "BUY SHD{n:06d} 5000", "Sent to your phone")),
    *((CUSTOMER, "STOP", "No more reminders"), (STRANGER, "STOP", "No more reminders"), (CUSTOMER, "START", "again")),
    *((AGENT, f"PIN {PINS['Asha']} {NEW_PIN}", "PIN changed"), (AGENT, "LANG en", "Done")),
    *((PREPAID, "LANG sw", "Tayari"), (STRANGER, f"LOCK {PREPAID} {PINS['Asha']}", "LOCKED")),
)


async def text(at: Serving, *texts: tuple[str, str]) -> None:
    phones = Phones(at.mwanga)
    for who, words in texts:
        answers = await phones.text(who, words)
        assert "Sorry" not in str(answers), (who, words, answers)


async def cash_is_handed_in(at: Serving) -> None:
    """To a cashier, and it was another amount."""
    async with at.mwanga.database.work() as db:
        await execute(db, "UPDATE agent SET cashier = $1 WHERE phone = $2", [True, PEOPLE["Juma"]])
    await text(at, *CASH_IN)


async def people_dial(at: Serving) -> None:
    phones = Phones(at.mwanga)
    await phones.choose("Asha", "Register")
    screens = [await phones.enter("Asha", key) for key in ("Upendo Ally", "none", "3", "0043", "1", "1")]
    assert screens[-1].startswith("END REGISTERED"), screens
    for who in ("Asha", "Baraka"):
        await phones.dial(who, MENU)
        await phones.enter(who, "1")
    await phones.choose("Asha", "Sell power")
    for answer in ("EB100042", "4000", PINS["Asha"]):
        screen = await phones.enter("Asha", answer)
    assert "SOLD" in screen


async def money_comes(at: Serving, daraja: Emulator) -> None:
    """By a push that is paid, by one that is not, and from a phone's own menu."""
    phones = Phones(at.mwanga)
    for number, who in enumerate(("Baraka", "Neema"), 1):
        await phones.text(who, f"BUY {'SHS0283' if who == 'Baraka' else 'EB100042'} 8000")
        await phones.text(who, "1")
        *_, push = await daraja.wait_for(number)
        await becomes(at, "asked")
        await (daraja.pay(push) if who == "Baraka" else daraja.fail(push, 1032, "Request cancelled by user"))
        await settled(at)
    await at.mwanga.payments.providers["daraja"].register()  # type: ignore[attr-defined]
    assert await daraja.pay_bill("SHS0283", "5000.00") == "0"
    for_nobody = daraja.confirmed("SHS9999", "5000.00", "UKS0000077", PEOPLE["Baraka"][1:])
    await daraja.post(daraja.registered["ConfirmationURL"], for_nobody)
    await settled(at)


async def many_text(at: Serving) -> None:
    """So many in the same moment, for each kind of text."""
    async with at.mwanga.database.work() as db:
        await add_agents(db, *(phone.format(n=n) for phone in (AGENT, PREPAID) for n in range(MANY)))
        await execute(db, "UPDATE agent SET prepaid = $1 WHERE phone LIKE $2", [True, f"{PREPAID[:8]}%"])
        await add_stock(db, *(f"FREE{n:02d}" for n in range(MANY)))
    [last] = await at.rows("SELECT (SELECT MAX(id) FROM ticket) AS ticket, (SELECT MAX(id) FROM contract) AS contract")
    phones = Phones(at.mwanga)
    await phones.news()
    for who, words, answer in TOGETHER:
        texts = [(who.format(n=n), words.format(**values_of(n, last))) for n in range(MANY)]
        answers = [said for phone, said in await phones.text_together(*texts) if phone in dict(texts)]
        assert sum(answer in said for said in answers) == MANY, (who, words, answers)


def values_of(n: int, last: dict[str, int]) -> dict[str, object]:
    """What stands in the text of one of them: tickets are opened and contracts signed in their order."""
    return {
        "n": n,
        "letter": chr(ord("a") + n),
        "meter": meter_number("04", f"7000{n:04d}"),
        "ticket": f"K{last['ticket'] + 1 + n}",
        "contract": f"S{1000 + last['contract'] + 1 + n}",
    }


async def many_dial(at: Serving) -> None:
    """The same by dialling: customers look at their codes, agents sell."""
    for who, keys, answer in (
        (CUSTOMER, ["", "1"], "newest first"),
        (AGENT, ["", "1", "SHD{n:06d}", "7000", NEW_PIN], "SOLD"),
    ):
        sessions = [Dialled(at.mwanga, who.format(n=n), f"session {who} {n}", MENU) for n in range(MANY)]
        for key in keys:
            turns = (session.enter(key.format(n=n)) for n, session in enumerate(sessions))
            screens = await asyncio.gather(*turns)
        assert all(answer in screen for screen in screens), screens


async def many_pay(at: Serving, daraja: Emulator) -> None:
    """Some of the phones that ring: of customers, of strangers who buy for them, and of agents for their wallets."""
    pushes = {push.phone: push for push in await daraja.wait_for(2 + 3 * MANY)}
    payers = [who.format(n=n).lstrip("+") for who in (CUSTOMER, STRANGER, PREPAID) for n in range(3)]
    for phone in payers:
        asked = f"provider = 'daraja' AND external_id = '{pushes[phone].checkout_id}'"
        await waits_for(at, f"SELECT 1 FROM payment_request WHERE external_id <> '' AND {asked}")
    await asyncio.gather(*(daraja.pay(pushes[phone]) for phone in payers))
    await settled(at)


async def receipts_come(at: Serving) -> None:
    """Operators write to the SIM card of a phone of ours that money came."""
    till = await open_till(at.mwanga, balance=0)
    who = {f"DKN123456{n}": CUSTOMER.format(n=n)[1:] for n in range(3)}
    texts = (
        personal(reference, 8_000, 8_000 * n, datetime.now(UTC), phone)
        for n, (reference, phone) in enumerate(who.items(), 1)
    )
    await asyncio.gather(*map(till.hears, texts))
    for reference in who:
        assert await at.rows(f"SELECT 1 FROM payment WHERE provider = 'mpesa-tz' AND reference = '{reference}'")


async def messages_leave(at: Serving) -> None:
    """And their gateway reports that they were delivered."""
    sent = await at.emulator.wait_for(2 * MANY)
    for one in sent[: 1 + MANY]:
        await waits_for(at, f"SELECT 1 FROM outbox WHERE external_id <> '' AND external_id = '{one.id}'")
    await at.emulator.receipt(sent[0].id, "Success")
    reports = [Receipt("africastalking", one.id, State.DELIVERED, "Success") for one in sent[1 : 1 + MANY]]
    assert all(await asyncio.gather(*map(at.mwanga.outbox.record_receipt, reports)))
    assert await at.emulator.opt_out(PEOPLE["Neema"]) == 200


async def kannel_carries(at: Serving, kannel: Sendsms) -> None:
    """Texts come by it, their answers go by it, and it reports on them by the ids that we gave them."""
    door = "/gateways/kannel/demo"
    for n in range(MANY):
        phone = CUSTOMER.format(n=n)[1:]
        query = {"id": f"kannel {n}", "from": phone, "to": "15054", "text": "TOKEN", "time": "1795482924"}
        async with at.client.get(f"{door}/sms", params=query) as response:
            assert response.status == 200
    await at.handled()
    async with asyncio.timeout(60):
        while len(kannel.requests) < MANY:
            await asyncio.sleep(0)
    told = [URL(request.headers["X-Kannel-DLR-Url"].replace("%d", "1")) for request in kannel.requests[:MANY]]
    for url in told:
        await waits_for(at, f"SELECT 1 FROM outbox WHERE id = {url.query['id']} AND state = 'sent'")
    async with at.client.get(told[0]) as response:
        assert response.status == 200
    reports = [Receipt("kannel", url.query["id"], State.DELIVERED, "1", ours=True) for url in told[1:]]
    assert all(await asyncio.gather(*map(at.mwanga.outbox.record_receipt, reports)))


async def a_phone_carries(at: Serving) -> None:
    """A gateway phone brings a text, fetches the answer and reports that it was delivered."""
    clock = Clock(NOON.timestamp())
    async with Phone(f"{at.mwanga.config.address}/{API}", clock) as device:
        await device.register(code=await code(at, "Shop phone"))
        shop = Shop(at, clock, device)
        await device.sync()
        await shop.text(PEOPLE["Baraka"], "TOKEN")
        assert await shop.read(PEOPLE["Baraka"])
        await device.ping()


async def the_office_writes_to_many(at: Serving) -> None:
    """A portion of it, and the office stops it."""
    number = await write_to_all(at.mwanga.database)
    await at.mwanga.broadcasts.step()
    await at.mwanga.broadcasts.settle()
    async with at.mwanga.database.work():
        await stop_broadcast(number, actor="admin")


async def the_clock_goes_on(mwanga: Server, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(minutes=2))
    await mwanga.housekeeping.chores()
    await mwanga.housekeeping.purge()
    await mwanga.watch.chores()
    await mwanga.payments.collector.turn()
    await mwanga.alerts.look()
    await mwanga.phones.turn()
    await mwanga.outbox.turn()
    await mwanga.router.networks.load()
