"""Transcripts: what people send and what they read. A field officer can read them and say what is wrong.

    as Asha                      who holds the phone
    > BUY SHS0283 8000           she sends a text; with *384*20# she dials, and then each line is an answer
    > (Register)                 she chooses the line Register of the menu, paging on until it shows; she dials first
                                 when no menu is open
    > *384*20*(Register)*1#      she dials the way to it
    < Sell 8 days …              what she reads; further lines of a message begin with two spaces
    Baraka < SHS0283             what somebody else reads
    ... 11 minutes               time passes
    ! unlock Asha                the office does something; who is told of it reads it below
    ! takes-whole-units          from now on no cash is taken that would leave a rest
    ! asks-phones                from now on customers' phones are asked to pay, by M-Pesa
    ! tells-pay-bill 600000      the same, and people are told where to pay in the phone's own menu
    $ Baraka pays                he enters his PIN when the phone asks; other ends are ENDS in mobile_money.py
    $ Baraka pays 5000 to SHS0283 (ref RKL51ZDR4F)
                                 he pays in the menu of his phone, without a text to us
    $ the office assigns RKL51ZDR4F to SHS0283

What stands in tests/dialogs/en is played in each language: everybody reads it, and each word in capitals that is a
command is sent as that language says it, as are the lines of menus, and the `en` of LANG en.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import time_machine

from bot.config import LANGUAGES
from bot.payments import by_hand
from bot.server import Server
from bot.text import SCREEN, septets
from bot.text.gsm import is_gsm
from bot.text.i18n import catalogued
from handlers import TALKS
from handlers.account.disputes import settle_hand_in
from handlers.account.hand_in import take_hand_in
from handlers.selling.moved import move_by_office
from handlers.selling.void import refuse_by_office, void_by_office
from handlers.selling.wallet import take_top_up
from models.devices import Device, Tariff, with_owner
from models.money import Appliance, PaymentPlan, Sale
from models.money.hand_in import HandIn, hand_in
from models.money.ledger import AccountKind, Posting, post
from models.money.requests import PaymentRequest
from models.money.wallets import make_prepaid
from models.people import Agent, Customer, OfficeUser, Village, pins
from models.settings import switch_sales
from models.sql import connection, execute
from tests.world.business import business
from tests.world.mobile_money import M_PESA, by_phone
from tests.world.people import MENU, PEOPLE, PINS, Phones

LABEL = re.compile(r"\(([^)]+)\)")
DIALS = re.compile(r"\*384|\([^)]+\)$")
CAPITALS = re.compile(r"(?<![\w(])[A-Z]+(?![\w)])")
COMMANDS = {word: one.keyword for one in TALKS for word in one.words["en"]}


def in_language(line: str, language: str) -> str:
    """A line of an English transcript as somebody of this language sends it; what nobody sends stays."""
    if not line.startswith("> "):
        return line
    line = re.sub(r"(?<=LANG )en$", language, line)
    line = LABEL.sub(lambda label: f"({catalogued(language, label[1])})", line)
    return CAPITALS.sub(lambda word: _command(word[0], language), line)


def _command(word: str, language: str) -> str:
    if word in COMMANDS:
        return COMMANDS[word].to(language)
    return catalogued(language, word)  # AGAIN


@dataclass
class Play:
    """Runs the lines that people and the office do, and writes the whole transcript anew."""

    mwanga: Server
    clock: time_machine.Traveller
    who: str = ""
    dialled: bool = False

    async def run(self, written: str, language: str = "") -> str:
        """The transcript as it goes; with a `language` everybody has that one, also whoever we do not know."""
        if language:
            await self._everybody_reads(language)
            written = "\n".join(in_language(line, language) for line in written.splitlines())
        phones = Phones(self.mwanga)
        lines: list[str] = []
        object.__setattr__(self.mwanga.company, "mobile_money", ())
        for line in written.splitlines():
            if line.startswith("$ "):
                lines.append(line)
                lines += await self._paid(phones, line[2:])
            elif line.startswith("> "):
                lines.append(line)
                lines += await self._said(phones, line[2:])
            elif not line.startswith("  ") and not is_answer(line):
                lines.append(line)
                await self._done(line)
                lines += self._others(await phones.news())
        for pin in PINS.values():
            assert not await stored(pin), "a PIN was stored"
        return "\n".join(lines) + "\n"

    async def _everybody_reads(self, language: str) -> None:
        await Agent.all().update(language=language)
        await Customer.all().update(language=language)
        live = self.mwanga.company.live
        others = [code for code in LANGUAGES if code != language]
        live.take(replace(live.figures, languages=[language, *others]))

    async def _said(self, phones: Phones, text: str) -> list[str]:
        before = await business()
        if self.dialled or DIALS.match(text):
            screen = await self._screen(phones, text)
            self.dialled = screen.startswith("CON")
            check(screen[4:], secret=PINS.get(self.who))
            if self.dialled:
                assert await business() == before, "a question had an effect"
            after = await business()
            assert await phones.sessions[self.who].repeat() == screen
            assert await business() == after, "a repeated turn had an effect"
            return [*shown("<", screen[4:]), *([] if self.dialled else ["< (end)"]), *self._others(await phones.news())]
        answered = await phones.text(self.who, text)
        if await phones.asked(self.who):
            assert await business() == before, "a question had an effect"
        after = await business()
        assert await phones.repeat() == [], "a repeated message was answered"
        assert await business() == after, "a repeated message had an effect"
        own = [text for name, text in answered if name == self.who]
        assert len(own) <= 1, "a message gets at most one reply"
        for name, message in answered:
            check(message, secret=PINS.get(name))
        others = [(name, message) for name, message in answered if name != self.who]
        return [*(shown("<", own[0]) if own else ["< (nothing)"]), *self._others(others)]

    async def _paid(self, phones: Phones, line: str) -> list[str]:
        """What everybody reads when money comes, or does not. Told once more it is no news."""
        told = []
        for _twice in range(2):
            async with self.mwanga.database.work():
                await by_phone(line, self.mwanga)
            told.append(await phones.news())
        assert told[1] == [], "the same news was told twice"
        for name, message in told[0]:
            check(message, secret=PINS.get(name))
        return self._others(told[0])

    async def _screen(self, phones: Phones, text: str) -> str:
        """What the phone shows after an answer, or after dialling; a label stands for the way to it."""
        if label := LABEL.search(text):
            if not self.dialled or text.startswith("*"):
                await phones.dial(self.who, MENU)
            way = await phones.way(self.who, label[1])
            text = text.replace(label[0], "*".join(way)) if text.startswith("*") else way[-1]
        return await (phones.dial if text.startswith("*384") else phones.enter)(self.who, text)

    def _others(self, messages: list[tuple[str, str]]) -> list[str]:
        return [line for name, message in messages for line in shown(f"{name} <", message)]

    async def _done(self, line: str) -> None:
        if line.startswith("as "):
            self.who, self.dialled = line[3:].strip(), False
        elif line.startswith("... "):
            number, unit = line[4:].split()[:2]
            self.clock.shift(timedelta(**{unit if unit.endswith("s") else f"{unit}s": int(number)}))
        elif line == "! asks-phones":
            object.__setattr__(self.mwanga.company, "mobile_money", (M_PESA,))
        elif line.startswith("! tells-pay-bill "):
            known = replace(M_PESA, pay_bill=line.split()[2])
            object.__setattr__(self.mwanga.company, "mobile_money", (known,))
        elif line == "! takes-whole-units":
            live = self.mwanga.company.live
            live.take(replace(live.figures, whole_only=True))
        elif line.startswith("! "):
            verb, *words = line[2:].split()
            async with self.mwanga.database.work():
                await getattr(Office(self.mwanga), verb.replace("-", "_"))(*words)
        elif line == "hang up":
            self.dialled = False


WRITTEN = {
    "inbox": "text",
    "contact": "talk",
    "ussdsession": "talk",
    "outbox": "text",
    "audit": "detail",
    "ticket": "text",
}


async def stored(pin: str) -> bool:
    """Whether these digits stand anywhere in what is kept of what people wrote."""
    for table, column in WRITTEN.items():
        if await execute(connection(), f"SELECT 1 FROM {table} WHERE {column} LIKE $1", [f"%{pin}%"]):
            return True
    return False


class Office:
    """What the office or the world does between two messages."""

    def __init__(self, mwanga: Server) -> None:
        self._mwanga = mwanga

    @staticmethod
    async def unlock(name: str) -> None:
        await pins.unlock(await Agent.get(phone=PEOPLE[name]), actor="office")

    @staticmethod
    async def locks(name: str) -> None:
        await pins.lock(await Agent.get(phone=PEOPLE[name]), "office", "test")

    @staticmethod
    async def reprices(item: str, price: str) -> None:
        """Goods cost another price from now on, in shillings."""
        await Appliance.filter(name=item).update(price=int(price) * 100)

    @staticmethod
    async def offers_nothing() -> None:
        """Nothing of the catalogue is sold on any plan."""
        await PaymentPlan.all().delete()

    @staticmethod
    async def count(serial: str, tokens: str) -> None:
        """The count of a device's last token."""
        await Device.filter(serial=serial).update(count=int(tokens))

    @staticmethod
    async def stocks(serial: str) -> None:
        """One more solar home system in stock."""
        another = await Device.get(serial="SHS0284")
        await Device.create(
            serial=serial, kind=another.kind, issuer=another.issuer, sealed_key="", tariff_id=another.tariff_id
        )

    @staticmethod
    async def unpriced(serial: str) -> None:
        """A device in stock has no price yet."""
        await Device.filter(serial=serial).update(tariff_id=None)

    @staticmethod
    async def takes_back(serial: str) -> None:
        """A device is in stock again."""
        await Device.filter(serial=serial).update(customer_id=None)

    @staticmethod
    async def holds(name: str, amount: str) -> None:
        """The agent sold this much before, in shillings."""
        agent = await Agent.get(phone=PEOPLE[name])
        minor = int(amount) * 100
        await post(
            f"before {minor}",
            [Posting(AccountKind.CASH, agent.id, minor), Posting(AccountKind.ENERGY, 0, -minor)],
            actor="test",
        )

    @staticmethod
    async def limit(name: str, amount: str) -> None:
        """The agent may hold so many shillings."""
        await Agent.filter(phone=PEOPLE[name]).update(cash_limit=int(amount) * 100)

    @staticmethod
    async def hands_in(name: str, amount: str) -> None:
        """The agent hands in so many shillings."""
        await hand_in(await Agent.get(phone=PEOPLE[name]), int(amount) * 100, "office")

    @staticmethod
    async def cashier(name: str) -> None:
        """The agent may count what others hand in."""
        await Agent.filter(phone=PEOPLE[name]).update(cashier=True)

    async def counts(self, name: str, amount: str) -> None:
        """The office counts what an agent hands in, in shillings, and the agent reads it."""
        agent = await Agent.get(phone=PEOPLE[name])
        company, composer = self._mwanga.company, self._mwanga.composer
        await take_hand_in(agent, int(amount) * 100, company=company, composer=composer, actor="grace")

    async def settles(self, reference: str, amount: str, by: str) -> None:
        """One of the office says how much was handed in, in shillings; the second who says the same agrees."""
        entry = await HandIn.get(reference=reference)
        company, composer = self._mwanga.company, self._mwanga.composer
        user = OfficeUser(name=by, password_hash="")
        await settle_hand_in(entry, int(amount) * 100, user, company=company, composer=composer)

    async def voids(self, reference: str, by: str, *reason: str) -> None:
        """The office takes a sale back that an agent wants taken back, or one of the office who gave a reason."""
        sale, user = await Sale.get(reference=reference), OfficeUser(name=by, password_hash="")
        company, composer = self._mwanga.company, self._mwanga.composer
        await void_by_office(sale, user, " ".join(reason), company=company, composer=composer)

    async def parks(self, name: str) -> None:
        """The provider shows no payment for what this phone was asked: the office puts it aside."""
        push = await PaymentRequest.filter(phone=PEOPLE[name]).order_by("-id").first()
        assert push
        await by_hand.park(push, settler=self._mwanga.payments.settler, actor="grace")

    async def refuses_void(self, reference: str, by: str) -> None:
        """The office lets a sale stand."""
        sale, user = await Sale.get(reference=reference), OfficeUser(name=by, password_hash="")
        await refuse_by_office(sale, user, company=self._mwanga.company, composer=self._mwanga.composer)

    async def moves(self, reference: str, serial: str, by: str) -> None:
        """A sale is done again for the right device."""
        sale, user = await Sale.get(reference=reference), OfficeUser(name=by, password_hash="")
        device = await with_owner((await Device.get(serial=serial)).id)
        await move_by_office(sale, device, user, company=self._mwanga.company, composer=self._mwanga.composer)

    @staticmethod
    async def prepaid(name: str) -> None:
        """The agent sells from a wallet."""
        await make_prepaid(await Agent.get(phone=PEOPLE[name]), "grace")

    async def tops_up(self, name: str, amount: str) -> None:
        """The agent pays so many shillings into the wallet."""
        agent = await Agent.get(phone=PEOPLE[name])
        company, composer = self._mwanga.company, self._mwanga.composer
        await take_top_up(agent, int(amount) * 100, company=company, composer=composer, actor="grace")

    @staticmethod
    async def sales(state: str) -> None:
        """Switches all sales on or off."""
        await switch_sales(state == "on", actor="grace")

    async def sets(self, figure: str, value: str) -> None:
        """Sets a figure of the company: what is money in shillings."""
        live = self._mwanga.company.live
        number = int(value) * 100 if figure == "coin" else int(value)
        live.take(replace(live.figures, **{figure.replace("-", "_"): number}))

    @staticmethod
    async def gives_pin(name: str) -> None:
        """The agent's PIN is one that the office gave for a day."""
        await Agent.filter(phone=PEOPLE[name]).update(pin_expires_at=datetime.now(UTC) + timedelta(days=1))

    @staticmethod
    async def retires(serial: str) -> None:
        """A device is out of use."""
        await Device.filter(serial=serial).update(retired_at=datetime.now(UTC))

    @staticmethod
    async def shares(name: str, other: str) -> None:
        """Two customers use one phone."""
        await Customer.filter(phone=PEOPLE[name]).update(phone=PEOPLE[other])

    @staticmethod
    async def registers(name: str, surname: str, village: str) -> None:
        """A customer without phone and device, as of now."""
        place = await Village.get(name=village)
        await Customer.create(name=name, surname=surname, mini_grid_id=place.mini_grid_id, village=place)

    @staticmethod
    async def gives(serial: str, name: str) -> None:
        """A device gets another owner."""
        owner = await Customer.get(phone=PEOPLE[name])
        await Device.filter(serial=serial).update(customer_id=owner.id)

    @staticmethod
    async def tariff(serial: str, figure: str, value: str) -> None:
        """A figure of the tariff of a device: the recovery in percent, what is money in shillings."""
        device = await Device.get(serial=serial)
        number = int(value) * (1 if figure == "recovery" else 100)
        await Tariff.filter(id=device.tariff_id).update(**{figure: number})

    @staticmethod
    async def charges(serial: str, amount: str) -> None:
        """The access rate fell due, in shillings."""
        await Device.filter(serial=serial).update(access_due=int(amount) * 100)


def is_answer(line: str) -> bool:
    return line.startswith("<") or any(line.startswith(f"{name} <") for name in PEOPLE)


def shown(mark: str, message: str) -> list[str]:
    first, *rest = message.split("\n")
    return [f"{mark} {first}", *(f"  {line}" for line in rest)]


def check(message: str, secret: str | None) -> None:
    """What holds for every line that we send."""
    assert is_gsm(message), message
    assert septets(message) <= SCREEN, message
    assert secret is None or secret not in message, "a PIN was said"
    assert "{" not in message, message
