"""One SMS part, one USSD screen: whatever people do, at the longest values that the office can bring in, in every
language."""

import re
from collections.abc import AsyncIterator

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.talks import Channel, Talk
from bot.talks.listing import MORE
from bot.text import SCREEN, Text, septets
from handlers.exchange.appliances import LONGEST_ITEM, LONGEST_PLAN
from models.money.ledger import AccountKind, Posting, cash_held
from models.people import Agent, Customer, Role
from models.selling import Appliance, PaymentPlan
from models.selling.contracts import Instalment
from tests.world.books import book
from tests.world.long_world import BIG, LONG_NAME, LONG_SERIAL, LONG_STOCK, PAST, chosen, longest_world, texted
from tests.world.mobile_money import WALLET
from tests.world.people import MENU, Phones
from tests.world.routes import Route, channels
from tests.world.walk import CALLERS, Walk, World, short

# What people do

SMS = {
    "Juma": [f"CASHIN 0700000001 {BIG} 739164", "CASHIN 0700000001 77 739164", "CASH", "STMT"],
    "Asha": [
        "BUY", "0", "BUY WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW 1", f"BUY {LONG_SERIAL}", "W" * 50, "12k",
        f"BUY {LONG_SERIAL} {BIG}", "1", "1 000000", "1 482915", "1 482915", f"BUY {LONG_SERIAL} {BIG}",
        f"BUY {LONG_SERIAL} {BIG} AGAIN", "what", "1 482915", f"BUY {LONG_SERIAL} 0", f"BUY {LONG_SERIAL} 1 {'W' * 40}",
        f"TOKEN {LONG_SERIAL}", "TOKEN", "TOKEN 1", "CASH", "CASH 1", "HELP", "HELP 2", "HELP 3", "HELP 4",
        "HELP 5", "HELP 6", "MENU", "7", "good morning", "thanks", "top up", "my light is off", "new number",
        "HELP " + "W" * 50,
        "STMT", "x", "1", "x", "1", f"STMT {'W' * 50}", "STMT 1 99",
        "LANG", "LANG zz", "PIN", "PIN 1",
        "PIN 000000 1", "LOCK", "LOCK 0712", "LOCK 0712345678 1", "STOP", "START", "STOP 1", "BYU", "W" * 160,
        "BUY EB100042 9999999", "BUY 04123456784 5000000", "1 482915", "TOKEN 04123456784",
        f"FIX {LONG_SERIAL} {'W' * 120}", f"FIX {LONG_SERIAL} code refused", "FIX", f"FIX {LONG_SERIAL}", "1",
        "STATUS", "x" * 50, "T K1", "W" * 120, "STATUS K1", "DONE K1", "DONE K1", "STATUS K1", "DONE", "STATUS K9",
        "T K9 w", "FIX x",
        "REG", "W" * 300, f"{'W' * 60} {'W' * 60}", "W" * 50, "0713000111", "x", "1", "1", "0600123456789", "W" * 50,
        "9", "9", "REG", "9", "1", "Mtwara", "x", "3", "x", "Household", "x", "1", "x", "1", "x", "1", "x", "1", "x",
        "1", "REG", "1", "REG x", f"REG {LONG_NAME}, {'W' * 50}", f"REG {LONG_NAME}, none, {'W' * 50}",
        f"REG {LONG_NAME}, none, meter, {'W' * 50}", f"REG {LONG_NAME}, none, shs, {LONG_SERIAL}",
        f"REG {LONG_NAME}, none, ebike, {LONG_STOCK}", f"REG {LONG_NAME}, 0710000002, shs, {LONG_STOCK}, Mtwara", "x",
        "2", "x", "REG", "9", f"REG {LONG_NAME}, 0710000002, shs, {LONG_STOCK}, Mtwara", "2", "1",
        f"REG {LONG_NAME}, none, shs, {'W' * 50}", f"REG {LONG_NAME}, none, shs, {LONG_SERIAL}, {'W' * 50}",
        "LIST", "W" * 50, "9", "0", "2", "1", f"LIST {'W' * 50}", "LIST 99", "LIST METER", "1", "LIST TODAY Mtwara",
        "FIND", "w", "W" * 50, "wwwwww", "x", "2", "2", "FIND 1", f"FIND {'W' * 50}", "CUST", "W" * 50, "1",
        "CUST 2", "x", "1", "x", "1", "x", BIG, "2", "CUST 2", "4", "x", "2", "CUST 2", "3", "x", "0", "1", "3",
        "W" * 120,
        f"CUST {'W' * 50}", "CUST 1 2", "CUST 2", "4",
        "PAY", "W" * 50, "S1002", "12k", f"PAY S1002 {BIG}", "1 482915", "1 482915", f"PAY S1002 {BIG}",
        f"PAY S1002 {BIG} AGAIN", "1 482915", f"PAY S1002 {BIG} AGAIN", "1 482915", "PAY S1002 1", "PAY S9999 1",
        f"PAY S1003 {BIG}", "1 482915", f"PAY S1001 {BIG}", f"PAY S1001 2{'0' * 6}", "1 482915",
        f"BUY 04123456784 {BIG}", "2", "BUY 04123456784 4000000", "1 482915", "BUY 04123456784 1",
        "PLAN", "W" * 50, "S1001", f"PLAN {LONG_SERIAL}", "PLAN S1002", "PLAN S1003", "PLAN EB100042", "PLAN S1001 2",
        "SALES", "9", "1", "SALES x", "SALES 1 2", "SALES 2",
        "VOID", "x", "1", "W" * 300, "W" * 100, "1 000000", "1 482915", "VOID", "1", f"VOID {'W' * 50}", "VOID 1 x",
        "CASHIN", "W" * 50, "0700000002", "x", BIG, "1 000000", "1 482915", f"CASHIN 0700000002 {BIG} 482915",
        f"CASHIN 0700000002 {BIG}", f"CASHIN 0700000002 {BIG} AGAIN 482915", "CASHIN 0700000001", "CASHIN 0700000009",
        "CASHIN 0700000002 99", "2", "DISPUTE", "1", "W" * 200, "DISPUTE 1", f"DISPUTE {'W' * 50}", "DISPUTE OLD",
    ],
    "Baraka": ["TOKEN", "1", "TOKEN X", "BAL", "2", "HELP", "MENU", "9", "LANG", "BUY 1 1", "hello", "STOP",
        "2 " + "W" * 120, "STATUS K1", f"FIX {'W' * 120}", "1", "FIX no power", "9", "FIX", "W" * 300,
        f"T K1 {'W' * 120}", "STATUS", "DONE", "1", "1", "DONE K1 1", "STATUS K1", "T K1 dark again", "FIX no power",
        "3", "FIX 1", "T K9 w", "DONE K9", "BAL", "3", "PLAN", "x", "1", "PLAN S1003", "PLAN x",
        "BUY", "1", "buy power", "2", "PRICE", "1", "PRICE", "3", "AGENT", "HELP 2", "HELP 3", "HELP 4", "hi", "thanks",
        "new number", "?", f"my light is off {'W' * 130}", "1", f"I paid {'W' * 130}", "and more words", "2", "HELP x",
    ],
    "Amina": ["BAL", "PLAN", "1", "PLAN x", "TOKEN", "BUY", "PRICE", "HELP", f"I paid {'W' * 130}", "BAL"],
    "Stranger": ["hello", "STOP", "LOCK", "0712345678", "1", "HELP", "MENU", "BUY", "x", "BUY x"],
}  # fmt: skip
USSD = {
    "Asha": [
        ("buy", "W" * 80, LONG_SERIAL, "x", BIG, "7", "1", "000000", "482915"),
        ("buy", LONG_SERIAL, BIG, "5", "5*5", "1", "2"),
        ("tokens", LONG_SERIAL, "1", "482915"), ("cash", "482915"), ("pin", "482915", "1", "730582", "1"),
        ("language", "8"), ("lock", "x", "0712345678", "1"), ("help",),
        ("fix", LONG_SERIAL, "4", "W" * 120, "3"), ("status", "W" * 50, "1"), ("done", "1", "W" * 50, "2"),
        ("list", "5", "1", "2", "8", "1", "8", "4", "730582", "8", "1"),
        ("list", "x", "1", "9", "2", "4", "730582", "1"),
        ("find", "1", "W" * 50, "ww", "2", "2", "4", "730582", "8", "0", "6"),
        ("customer", "W" * 50, "1", "4", "730582"),
        ("customer", "2", "8", "4", "8", "4", "8", "730582", "8", "1", BIG, "8", "2"),
        ("customer", "2", "1", "4", "730582"),
        ("pay", "x", "S1003", "x", BIG, "1", "1", "482915"), ("plan", "S1001", "482915"),
        ("sales", "482915", "1*1", "9", "1"),
        ("register", "3", LONG_NAME, "x", "none", "x", "1", "x", "0600123456789", "x", "9", "1", "1", "1", "1", "1"),
    ],
    "Baraka": [
        ("token", "8", "1"), ("balance", "1"), ("own help",), ("own buying", "1"),
        ("problem", "4", "W" * 120, "1"), ("status", "W" * 50),
    ],
}  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_fits_at_the_longest_values(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    object.__setattr__(mwanga.company, "mobile_money", (WALLET,))
    phones = Phones(mwanga)
    for name, texts in SMS.items():
        for text in texts:
            await texted(phones, name, text)
    for name, sessions in USSD.items():
        for talk, *answers in sessions:
            screens = await chosen(phones, name, talk, language)
            for answer in answers:
                screens.append(await phones.enter(name, answer))
            for screen in screens:
                assert septets(screen[4:]) <= SCREEN, (answers, septets(screen[4:]), screen)
            for _receiver, message in await phones.news():
                assert septets(message) <= SCREEN, message


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_of_every_menu_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    phones = Phones(mwanga)
    for name, role in (("Asha", Role.AGENT), ("Baraka", Role.CUSTOMER), ("Stranger", Role.STRANGER)):
        screens = [await phones.dial(name, MENU)]
        while f"\n{MORE}. " in screens[-1]:
            screens.append(await phones.enter(name, MORE))
        assert [screen for screen in screens if septets(screen[4:]) > SCREEN] == []
        language = "en" if role is Role.STRANGER else language
        listed = [text.to(language) for _name, text in mwanga.commands.menu(role)]
        if len(listed) == 1:  # which the dial leads to by itself
            listed = []
        assert [found for screen in screens for found in re.findall(r"^[1-8]\. (.*)$", screen, re.MULTILINE)] == listed


# What is sold from the catalogue

PRICE, DOWN = 9_999_999_00, 4_999_999_00
YES = "1 482915"
GOODS_SMS = [
    "SELL", "W" * 50, "99", "Wwwwwwwwww", "9", "1", "x", "3", "W" * 50, LONG_STOCK, "1 000000", YES, YES,
    f"SELL 1, 3, {LONG_STOCK}", "SELL 1, 3", f"SELL {'W' * 50}", f"SELL 1, {'W' * 50}", f"SELL 1, 2, {'W' * 50}",
    "SELL Wwwww, 2", "SELL 2, 2, 2", YES, "SELL 2, 2, 2", "SELL 2, 2, 2, AGAIN", YES, "SELL 2, 1", YES,
    "SELL 1, 4, EB100043", YES, "SELL 1, 2, 1", YES, "SELL 9, 1", "SELL 1, 1, 1, 1", "SALES", "1", "LIST",
    "STOCK", "W" * 50, "1", "1", f"STOCK {'W' * 50}", "STOCK 1 1", "HELP",
]  # fmt: skip
GOODS_USSD = [
    ("sell", "W" * 50, "Wwwww", "8", "1", "8", "2", "8", "2", "8", "1", "000000", "482915"),
    ("sell", "2", "2", "2", "8", "1", "8*8", "1", "482915"),
    ("sell", "3", "3", "1", "2"),
    ("stock", "8", "1", "1"),
]

OVERDUE = [
    ("Baraka", "BAL"), ("Baraka", "3"), ("Amina", "BAL"), ("Asha", "CUST 1"), ("Asha", "2"), ("Asha", "CUST 2"),
    ("Asha", "2"), ("Asha", f"BUY {LONG_SERIAL} 70000"), ("Asha", YES), ("Asha", "PAY S1003 9000000"), ("Asha", YES),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_about_appliances_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    await _dear_goods()
    phones, said = Phones(mwanga), []
    for talk, *answers in GOODS_USSD:
        said += [screen[4:] for screen in await chosen(phones, "Asha", talk, language)]
        said += [(await phones.enter("Asha", answer))[4:] for answer in answers]
        said += [message for _receiver, message in await phones.news()]
    for text in GOODS_SMS:
        said += await texted(phones, "Asha", text)
    assert [(septets(message), message) for message in said if septets(message) > SCREEN] == []
    sold = [message for message in said if "S100" in message and "9,999,999" in message]
    assert len(sold) > 5, "hardly anything was sold"


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_about_overdue_goods_fits(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    await Instalment.all().update(due_on=PAST)
    phones, overdue = Phones(mwanga), Text("Owed {left}. Overdue {late} since {day}").to(language).split()[2]
    said = [screen[4:] for screen in await chosen(phones, "Baraka", "balance", language)]
    said.append((await phones.enter("Baraka", "3"))[4:])
    for name, text in OVERDUE:
        said += await texted(phones, name, text)
    assert [(septets(message), message) for message in said if septets(message) > SCREEN] == []
    assert len([message for message in said if overdue in message.split()]) == 9, "\n--\n".join(said)


async def _dear_goods() -> None:
    for number, item in enumerate(await Appliance.all().order_by("id")):
        name = f"{number}{'W' * (LONGEST_ITEM - 1)}"
        await Appliance.filter(id=item.id).update(name=name, price=PRICE)
    for plan in await PaymentPlan.all():
        name = plan.name if plan.terms == "cash" else "W" * LONGEST_PLAN
        down, count = (0, 0) if plan.terms == "cash" else (DOWN, 7 if plan.terms == "instalments" else 0)
        day_price = 9_999_999_00 if plan.terms == "service" else 0
        await PaymentPlan.filter(id=plan.id).update(name=name, down=down, count=count, day_price=day_price)
    room = [Posting(AccountKind.CASH, 1, -70_000_000_00), Posting(AccountKind.DAYS, 0, 70_000_000_00)]
    await book("handed in", *room)


# Every talk from its beginning to its end. A new one joins by itself.

TELL_OTHERS = {"buy", "pay", "sell", "register", "fix", "problem", "note", "done", "fixed"} | {
    *("cash in", "dispute", "void", "own buying", "cash request"),
}
TELL_OTHERS |= {"find", "list", "customer", "lock"}  # the first three lead on to a sale
GOOD = {
    "device": LONG_SERIAL,
    "amount": BIG,
    "find search": "wwwwww",
    "payable": LONG_SERIAL,
    "pay payable": "S1003",
    "name": LONG_NAME,
    "words": "W" * 120,
}
ONCE = {  # what can be given only once
    Channel.SMS: {"phone": "0713000111", "serial": "04123456792", "free device": LONG_STOCK},
    Channel.USSD: {"phone": "0713000222", "serial": "0600123456789", "free device": "EB100043"},
}


# Each language is measured in what people do, above: every day the talks go through to their ends in English.
IN_TURN = [pytest.param(code, marks=[] if code == "en" else [pytest.mark.slow]) for code in LANGUAGES]


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", IN_TURN)
async def test_every_talk_gives_one_short_reply_to_each_answer(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    phones = Phones(mwanga)
    for one in mwanga.commands.talks:
        for role in sorted(one.roles):
            for channel in channels(one, role):
                async for walk in steps(phones, one, role, channel, language):
                    where = (one.name, role, channel, walk.question.name, walk.answer, walk.others)
                    assert walk.answer and short(walk.answer), where
                    assert all(short(message) for _name, message in walk.others), where
                    told = [name for name, _message in walk.others]
                    assert len(told) == len(set(told)), where
                    assert one.name in TELL_OTHERS or set(told) <= {walk.who}, where


async def steps(phones: Phones, one: Talk, role: Role, channel: Channel, language: str) -> AsyncIterator[Walk]:
    """The walk through a talk, at each of its answers; in a world with a new ticket, and as if no walk was before."""
    agents = await Agent.all()
    opened = dict(await phones.text("Juma", f"FIX {LONG_SERIAL} {'W' * 120}"))["Juma"]
    ticket = next(word for word in opened.replace(".", " ").split() if word[0] == "K" and word[1:].isdecimal())
    if one.name == "fixed":
        await phones.text("Juma", f"DONE {ticket}")
    good = {**GOOD, **ONCE[channel], "ticket": ticket}
    world = World(CALLERS, {}, good)
    walk = Walk(phones, Route(one.name, role), channel, world, "en" if role is Role.STRANGER else language)
    await walk.prepare()
    await walk.begin()
    yield walk
    while walk.open:
        await walk.say(walk.good_answer)
        yield walk
    for agent in agents:
        await agent.save()
    await Customer.all().update(language=language)
    held = await cash_held(1) - 80_000_000_00
    if held:
        spent = Posting(AccountKind.CASH, 1, -held), Posting(AccountKind.DAYS, 0, held)
        await book(f"{one.name} {role} {channel}", *spent)
