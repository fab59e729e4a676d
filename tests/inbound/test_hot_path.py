"""What happens at every message is plain SQL: the ORM builds no query there and makes no object. `read_row` alone makes
objects of rows, and does so without the ORM's own machinery."""

import ast
import asyncio
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tortoise.backends.base.executor import BaseExecutor
from tortoise.models import Model
from tortoise.queryset import AwaitableQuery

from bot.inbound.sms import Dispatcher
from bot.message import Inbound
from bot.payments.simulated import Does
from bot.server import Server
from bot.talks import Channel
from bot.text.numbers import Sender, SenderKind
from handlers.selling.received import validate
from models.messages.tables import Refused
from models.people import Agent, pins
from models.rows import find_row
from models.sql import execute, insert, now_ms
from models.vault import Vault
from tests.emulators import android_calls
from tests.emulators.aggregator import listening
from tests.world.first_question import prepared
from tests.world.people import GATEWAY, MENU, PEOPLE, PINS, Phones
from tests.world.receipt_texts import open_till, personal
from tests.world.routes import BEHIND, BY_NAME, Route, ways
from tests.world.server import SECRET, Serving, serving


@pytest.fixture
async def phones(mwanga: Server) -> AsyncIterator[Phones]:
    """After one sale, so that there is a token to be asked for."""
    phones = Phones(mwanga)
    await sell(phones, "SHS0283", 5_000)
    yield phones


async def sell(phones: Phones, serial: str, amount: int) -> None:
    await phones.text("Asha", f"BUY {serial} {amount}")
    assert "SOLD" in dict(await phones.text("Asha", f"1 {PINS['Asha']}"))["Asha"]


ROOT = Path(__file__).resolve().parent.parent.parent

# Tasks that work by the clock: they may run beside what is looked at, and are rare.
CHORES = ("words", "settings", "housekeeping", "watch", "alerts", "books", "collection")


def counts() -> bool:
    """Whether this is done for somebody, and is no chore."""
    task = asyncio.current_task()
    return task is not None and task.get_name() not in CHORES


@contextmanager
def orm_at_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often the ORM begins a query, makes an object of a row, or asks or writes something, as by `save`, in all
    tasks but chores: by what it is of. What `read_row` makes is not among it."""
    seen: Counter[str] = Counter()
    begin, make, ask = AwaitableQuery.__init__, Model.__init__, BaseExecutor.__init__
    read = Model._init_from_db.__func__  # type: ignore[attr-defined]

    def begins(query: Any, model: type[Model]) -> None:
        seen[f"query of {model.__name__}"] += counts()
        begin(query, model)

    def makes(one: Model, /, **values: Any) -> None:
        seen[f"made {type(one).__name__}"] += counts()
        make(one, **values)

    def asks(executor: Any, model: type[Model], *what: Any, **how: Any) -> None:
        seen[f"statement of {model.__name__}"] += counts()
        ask(executor, model, *what, **how)

    def reads(model: type[Model], /, **values: Any) -> Model:
        seen[f"read {model.__name__}"] += counts()
        made: Model = read(model, **values)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(AwaitableQuery, "__init__", begins)
        patched.setattr(Model, "__init__", makes)
        patched.setattr(BaseExecutor, "__init__", asks)
        patched.setattr(Model, "_init_from_db", classmethod(reads))
        yield seen


TEXTS = [
    ("Baraka", "TOKEN"),
    ("Baraka", "BAL"),
    ("Baraka", "HELP"),
    ("Baraka", "STATUS"),
    ("Asha", "TOKEN SHS0283"),
    ("Asha", "CASH"),
    ("Asha", "LIST"),
    ("Stranger", "hello"),
]


@pytest.mark.parametrize(("name", "text"), TEXTS)
async def test_a_text_is_answered_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    with orm_at_work(monkeypatch) as seen:
        assert await phones.text(name, text)
    assert not +seen


@pytest.mark.parametrize("serial", ["SHS0283", "04123456784"])  # on a plan, and by the kilowatt-hour
async def test_a_sale_is_made_without_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch, serial: str) -> None:
    with orm_at_work(monkeypatch) as seen:
        await sell(phones, serial, 6_000)
    assert not +seen


async def test_a_sale_after_a_wrong_pin_is_made_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    with orm_at_work(monkeypatch) as seen:
        await phones.text("Asha", "BUY SHS0283 6000")
        assert "Wrong PIN" in dict(await phones.text("Asha", "1 111111"))["Asha"]
        assert "SOLD" in dict(await phones.text("Asha", f"1 {PINS['Asha']}"))["Asha"]
    assert not +seen


async def test_wrong_pins_lock_without_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    with orm_at_work(monkeypatch) as seen:
        for text in ("BUY SHS0283 6000", *["1 111111"] * 3, "BUY SHS0283 6000", *["1 111111"] * 2):
            said = dict(await phones.text("Asha", text))["Asha"]
        assert said.startswith("Locked")
    assert not +seen


async def test_a_sale_after_the_secret_key_was_changed_is_made_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vault, "has_made", lambda _vault, _kept: False)  # the PIN is hashed anew
    with orm_at_work(monkeypatch) as seen:
        await sell(phones, "SHS0283", 6_000)
    assert not +seen


async def test_a_sale_on_a_plan_by_the_day_is_made_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phones.text("Asha", "SELL 3, E-bike, daily, EB100043")
    assert "SOLD" in dict(await phones.text("Asha", f"1 {PINS['Asha']}"))["Asha"]
    with orm_at_work(monkeypatch) as seen:
        await sell(phones, "EB100043", 6_000)
    assert not +seen


async def pay_by_phone(phones: Phones, does: Does) -> str:
    """Baraka's phone rings, and he answers it; what he reads."""
    payments = phones.mwanga.payments
    assert payments.simulated
    await payments.collector.turn()
    await payments.collector.drain()
    [prompt] = payments.simulated.prompts(PEOPLE["Baraka"])
    assert await payments.simulated.answer(prompt.id, does)
    assert await payments.reader.handle_next()
    return dict(await phones.news())["Baraka"]


@pytest.mark.parametrize("texts", [["BUY 5000"], ["BUY", "5000"], ["I want power for 5000 shillings please", "1"]])
async def test_a_customer_buys_by_phone_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    with orm_at_work(monkeypatch) as seen:
        for text in texts:
            [(_baraka, said)] = await phones.text("Baraka", text)
        assert "enter your M-Pesa PIN" in said
        [(_baraka, said)] = await phones.text("Baraka", "BUY 3000")
        assert said.startswith("Your phone asks you already")
        assert "Code" in await pay_by_phone(phones, Does.PAY)
        [(_baraka, said)] = await phones.text("Baraka", "BUY 3000")
        assert "Send it again" in said
    assert not +seen


async def test_a_customer_who_does_not_pay_is_told_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    with orm_at_work(monkeypatch) as seen:
        await phones.text("Baraka", "BUY 5000")
        assert (await pay_by_phone(phones, Does.CANCEL)).startswith("Not paid")
    assert not +seen


@pytest.mark.parametrize("account", ["SHS0283", "", "NOBODY1"], ids=["a serial", "nothing", "nobody's"])
async def test_a_payment_that_nobody_asked_for_arrives_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    payments = phones.mwanga.payments
    assert payments.simulated
    with orm_at_work(monkeypatch) as seen:
        payments.simulated.ask_us = None  # where the pay bill asks nobody before
        assert await payments.simulated.pay_bill(PEOPLE["Baraka"], account, 5_000_00)
        assert await payments.reader.handle_next()
        said = dict(await phones.news())["Baraka"]
        assert ("We have your" if account == "NOBODY1" else "Code") in said
    assert not +seen


@pytest.mark.parametrize("account", ["SHS0283", "NOBODY1"])
async def test_whether_a_payment_may_be_made_is_said_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    with orm_at_work(monkeypatch) as seen:
        async with phones.mwanga.database.work():
            refusal = await validate(account, 5_000_00, phones.mwanga.company)
        assert (refusal is None) == (account == "SHS0283")
    assert not +seen


async def test_a_payment_of_which_an_operator_texts_is_booked_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await open_till(phones.mwanga)
    with orm_at_work(monkeypatch) as seen:
        for reference, balance in (("RKL51ZDR4F", 5_000), ("RKL51ZDR4G", 10_000)):
            await till.hears(personal(reference, 5_000, balance, datetime.now(UTC), PEOPLE["Baraka"][1:]))
            assert "Code" in dict(await phones.news())["Baraka"]
        await till.hears("Dear customer, buy a bundle today.")
    assert not +seen


@pytest.fixture
async def prepaid(phones: Phones) -> None:
    """Juma sells from a wallet."""
    await execute(phones.mwanga.database.client, "UPDATE agent SET prepaid = $1 WHERE name = 'Juma Said'", [True])


@pytest.mark.usefixtures("prepaid")
async def test_an_agent_fills_the_wallet_without_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    payments = phones.mwanga.payments
    assert payments.simulated
    with orm_at_work(monkeypatch) as seen:
        assert "PIN" in dict(await phones.text("Juma", "WALLET 50000"))["Juma"]
        await payments.collector.turn()
        await payments.collector.drain()
        [prompt] = payments.simulated.prompts(PEOPLE["Juma"])
        assert await payments.simulated.answer(prompt.id, Does.PAY)
        assert await payments.reader.handle_next()
        assert "50,000" in dict(await phones.news())["Juma"]
        assert await payments.simulated.pay_bill(PEOPLE["Juma"], PEOPLE["Juma"], 40_000_00)
        assert await payments.reader.handle_next()
        assert "40,000" in dict(await phones.news())["Juma"]
    assert not +seen


@pytest.mark.usefixtures("prepaid")
async def test_a_wallet_is_filled_by_an_operators_text_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await open_till(phones.mwanga)
    with orm_at_work(monkeypatch) as seen:
        await phones.text("Juma", "WALLET 50000")
        await till.hears(personal("RKL51ZDR4F", 50_000, 50_000, datetime.now(UTC), PEOPLE["Juma"][1:]))
        assert "50,000" in dict(await phones.news())["Juma"]
    assert not +seen


@pytest.fixture
def cash_only(mwanga: Server) -> None:
    """Nobody's phone can be asked to pay."""
    object.__setattr__(mwanga.company, "mobile_money", ())


@pytest.mark.usefixtures("cash_only")
async def test_an_agent_is_asked_for_cash_and_answers_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    with orm_at_work(monkeypatch) as seen:
        for amount, answer, becomes in ((3_000, f"1 {PINS['Asha']}", "SOLD"), (2_000, "2", "not sold")):
            asked = dict(await phones.text("Baraka", f"BUY {amount}"))
            assert "give the cash" in asked["Baraka"] and "Cash in hand?" in asked["Asha"]
            answered = dict(await phones.text("Asha", answer))
            assert becomes in answered["Asha"] and "Baraka" in answered
    assert not +seen


@pytest.mark.usefixtures("cash_only")
async def test_a_request_for_cash_is_changed_and_ended_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    with orm_at_work(monkeypatch) as seen:
        for text in ("BUY 3000", "BUY 3000", "BUY 2000", "BUY", "2"):
            said = dict(await phones.text("Baraka", text))["Baraka"]
        assert said.startswith("Ended")
        assert "that was over before" in dict(await phones.text("Baraka", "NO"))["Baraka"]
        assert "ended at" in dict(await phones.text("Asha", f"C1 1 {PINS['Asha']}"))["Asha"]
        await phones.text("Baraka", "BUY 4000")
        await phones.text("Neema", "BUY 4000")
        assert "Which one?" in dict(await phones.text("Asha", "REQUESTS"))["Asha"]
    assert not +seen


@pytest.mark.parametrize("what", ["none", "shs, SHS0284", "meter, 04123456792"])  # the meter is in no stock
async def test_a_customer_is_registered_without_the_orm(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with orm_at_work(monkeypatch) as seen:
        await phones.text("Asha", f"REG Hamisi Omari, none, {what}, Mtwara{', household' * ('meter' in what)}")
        assert (await phones.text("Asha", "1"))[0][1].startswith("REGISTERED")
    assert not +seen


async def test_a_ticket_is_opened_without_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    with orm_at_work(monkeypatch) as seen:
        for name, text in (("Asha", "FIX SHS0283 no light"), ("Baraka", "FIX smells burnt"), ("Baraka", "T K1 dark")):
            assert "K" in dict(await phones.text(name, text))[name]
    assert not +seen


async def test_what_is_rare_is_seen_to_use_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    with orm_at_work(monkeypatch) as seen:
        await phones.text("Asha", "STOCK")
    assert seen["query of Appliance"] == 1
    assert seen["read Appliance"] > 0


# What the ORM can do with an object that `read_row` made.
BY_THE_ORM: dict[str, Callable[[Refused], Awaitable[Any]]] = {
    "save": Refused.save,
    "save of a column": lambda row: row.save(update_fields=["reason"]),
    "delete": Refused.delete,
    "refresh": Refused.refresh_from_db,
    "bulk update": lambda row: Refused.bulk_update([row], ["reason"]),
    "bulk create": lambda row: Refused.bulk_create([row], ignore_conflicts=True),
}


@pytest.mark.parametrize("way", BY_THE_ORM)
async def test_what_the_orm_does_with_an_object_of_read_row_is_seen(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    async with mwanga.database.work():
        kept = await insert("refused", gateway=GATEWAY, reason="no text", body="", created_at=now_ms())
        with orm_at_work(monkeypatch) as seen:
            row = await find_row(Refused, "id = $1", [kept])
            assert row and not +seen
            await BY_THE_ORM[way](row)
    assert +seen


# The talks that still use the ORM, with texts of which the last one does.
RARE = {
    "sell": [("Asha", "SELL 2, Solar lamp, 1")],
    "stock": [("Asha", "STOCK")],
    "void": [("Asha", "VOID RRR22")],
    "cash in": [("Asha", "CASHIN Juma 1000")],
    "dispute": [("Asha", "DISPUTE")],
    "lock": [("Stranger", f"LOCK {PEOPLE['Juma']} {PINS['Juma']}")],
    "language": [("Baraka", "LANG sw")],
    "done": [("Baraka", "FIX dark"), ("Asha", "DONE K1")],
}


def test_contributing_names_the_talks_that_use_the_orm() -> None:
    [tables] = re.findall(r"^## Tables\n(.*?)^## ", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    [named] = re.findall(r"Of the talks these use it: (.*?);", tables, re.DOTALL)
    assert set(re.findall(r"`(.*?)`", named)) == {BY_NAME[talk].words["en"][0] for talk in RARE}


@pytest.mark.everyday_on_sqlite
@pytest.mark.parametrize("talk", RARE)
async def test_these_talks_use_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch, talk: str) -> None:
    await execute(phones.mwanga.database.client, "UPDATE agent SET cashier = $1 WHERE name = 'Asha Mushi'", [True])
    *before, (name, text) = RARE[talk]
    for who, said in before:
        assert await phones.text(who, said)
    with orm_at_work(monkeypatch) as seen:
        assert await phones.text(name, text)
    assert +seen


# All ways through the other talks, every day on the first channel of each.
OTHERS = [
    pytest.param(route, channel, id=f"{route}-{channel}", marks=[pytest.mark.slow] * (channel != route.channels[0]))
    for route, channel in ways()
    if route.talk not in RARE
]


@pytest.mark.everyday_on_sqlite
@pytest.mark.parametrize(("route", "channel"), OTHERS)
async def test_no_other_talk_uses_the_orm(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch, route: Route, channel: Channel
) -> None:
    walk = await prepared(mwanga, route, channel)
    with orm_at_work(monkeypatch) as seen:
        await walk.begin()
        while walk.open:
            asked = walk.answer
            await walk.say(walk.good_answer)
            assert walk.answer != asked
        if channel is Channel.SMS and route.talk in BEHIND:
            await walk.say(f"{walk.one.words['en'][0]} {BEHIND[route.talk]}")
    assert not +seen


# How an object of a table is made without its own `__init__`, where nobody who counts would see it.
PAST_THE_ORM = {"__new__", "_init_from_db", "construct", "deepcopy"}


def test_nothing_but_read_row_makes_objects_of_tables_past_the_orm() -> None:
    makers = [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node))
        for room in ("bot", "handlers", "models")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).rpartition(".")[2] in PAST_THE_ORM
    ]
    assert makers == [("models/rows.py", "model.__new__")]


async def test_dialled_turns_are_answered_without_the_orm(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    with orm_at_work(monkeypatch) as seen:
        assert (await phones.dial("Baraka", MENU)).startswith("CON")
        assert "SHS0283" in await phones.choose("Baraka", "Last tokens")
        await phones.choose("Asha", "Sell power")
        for keys in ("SHS0283", "7000"):
            await phones.enter("Asha", keys)
        await phones.enter("Asha", "1")
        assert "SOLD" in await phones.enter("Asha", PINS["Asha"])
    assert not +seen


async def settled(at: Serving) -> None:
    """Wait until the one message that was written is delivered."""
    async with asyncio.timeout(60):
        while await at.rows("SELECT state FROM outbox") != [{"state": "delivered"}]:
            await asyncio.sleep(0)


async def test_a_text_its_answer_and_the_report_on_it_need_no_orm_at_africas_talking(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(demo_url) as at:
        at.emulator.reports = ("Sent", "Success")
        with orm_at_work(monkeypatch) as seen:
            assert await at.emulator.sms(PEOPLE["Asha"], "CASH") == 200
            await settled(at)
        assert at.emulator.messages and not +seen


async def test_a_text_its_answer_and_the_report_on_it_need_no_orm_at_kannel(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = {"kannel_username": "u", "kannel_password": "p", "kannel_secret": "demo"}
    async with listening() as sendsms, serving(demo_url, kannel_url=sendsms.url, **account) as at:
        sendsms.answers.append((202, "0: Accepted for delivery"))
        text = {"id": "k1", "from": PEOPLE["Asha"], "to": "15054", "text": "CASH", "coding": "0", "charset": "UTF-8"}
        with orm_at_work(monkeypatch) as seen:
            async with at.client.get("/gateways/kannel/demo/sms", params=text) as answer:
                assert answer.status == 200
            await sendsms.wait_for(1)
            [sent] = await at.rows("SELECT id FROM outbox")
            async with at.client.get(f"/gateways/kannel/demo/delivery?id={sent['id']}&state=1") as answer:
                assert answer.status == 200
            await settled(at)
        assert not +seen


async def test_a_callback_that_cannot_be_read_is_kept_without_the_orm(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(demo_url) as at:
        with orm_at_work(monkeypatch) as seen:
            async with at.client.post(f"/gateways/{GATEWAY}/{SECRET}/sms", data={"text": "CASH"}) as answer:
                assert answer.status == 400
        assert not +seen
        assert await at.rows("SELECT gateway, body FROM refused") == [{"gateway": GATEWAY, "body": "text=CASH"}]


async def test_a_gateway_phone_brings_fetches_and_reports_without_the_orm(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(demo_url, route="phones") as at:
        phone = await android_calls.linked(at)
        with orm_at_work(monkeypatch) as seen:
            await phone.tell("system:ping", health={"checks": {"battery:level": {"observedValue": 42}}})
            assert await phone.gets("BAL") == 200
            await at.handled()
            [message] = await phone.pull()
            assert await phone.tell("sms:sent", messageId=message["id"], simNumber=1, partsCount=1) == 200
            assert await phone.report(message["id"], "Delivered") == 204
            await settled(at)
        assert not +seen
        assert (await phone.row()).battery == 42


async def test_a_call_that_is_rare_is_seen_to_use_the_orm(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(demo_url) as at:
        with orm_at_work(monkeypatch) as seen:
            await android_calls.linked(at)
        assert seen["query of Phone"]


async def test_pins_are_compared_beside_the_loop(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, bool]] = []
    compare = Vault.check_pin

    def noted(vault: Vault, pin: str, hashed: str | None) -> bool:
        compared.append((pin, threading.current_thread() is threading.main_thread()))
        return compare(vault, pin, hashed)

    monkeypatch.setattr(Vault, "check_pin", noted)
    await sell(phones, "SHS0283", 6_000)
    await phones.choose("Asha", "Sell power")
    for keys in ("SHS0283", "7000", "1", "111111"):
        await phones.enter("Asha", keys)
    assert compared == [(PINS["Asha"], False), ("111111", False)]


NEW = "593026"
DIALLED = {"Change PIN": [PINS["Asha"], NEW, NEW], "Lock an agent": [PEOPLE["Juma"], PINS["Juma"]]}
WITH_PINS: dict[str, tuple[str, list[str], str]] = {  # who texts what, and how the last answer begins
    "a yes, and the PIN with a gap": ("Asha", ["BUY SHS0283 6000", "1", "482-915"], "SOLD"),
    "PIN in one text": ("Asha", [f"PIN {PINS['Asha']} {NEW}"], "PIN changed."),
    "PIN step by step": ("Asha", ["PIN", PINS["Asha"], NEW, NEW], "PIN changed."),
    "LOCK by a stranger": ("Stranger", [f"LOCK {PEOPLE['Juma']} {PINS['Juma']}"], "LOCKED."),
    "LOCK of nobody": ("Stranger", ["LOCK +255700000009 111213"], "Not locked. Number or PIN is wrong."),
    "LOCK step by step": ("Asha", ["LOCK", PEOPLE["Juma"], PINS["Juma"]], "LOCKED."),
}


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """How often a PIN was hashed or compared, by whether that was in the loop's thread."""
    seen = Counter[bool]()

    def noting(work: Any) -> Any:
        def noted(*what: Any) -> Any:
            seen[threading.current_thread() is threading.main_thread()] += 1
            return work(*what)

        return noted

    for work in ("check_pin", "hash_pin"):
        monkeypatch.setattr(Vault, work, noting(getattr(Vault, work)))
    return seen


@pytest.mark.parametrize("what", WITH_PINS)
async def test_no_text_has_a_pin_hashed_or_compared_by_the_loop(
    phones: Phones, at_work: Counter[bool], what: str
) -> None:
    at_work.clear()
    name, texts, answer = WITH_PINS[what]
    said = [dict(await phones.text(name, text)) for text in texts]
    assert said[-1][name].startswith(answer)
    assert at_work[False] and not at_work[True]


@pytest.mark.parametrize("line", DIALLED)
async def test_no_screen_has_a_pin_hashed_or_compared_by_the_loop(
    phones: Phones, at_work: Counter[bool], line: str
) -> None:
    at_work.clear()
    await phones.choose("Asha", line)
    for keys in DIALLED[line]:
        screen = await phones.enter("Asha", keys)
    assert screen.startswith(("END PIN changed.", "END LOCKED."))
    assert at_work[False] and not at_work[True]


async def test_neither_is_a_pin_for_once_nor_one_after_the_secret_key_was_changed(
    mwanga: Server, phones: Phones, at_work: Counter[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work.clear()
    monkeypatch.setattr(Vault, "has_made", lambda _vault, _kept: False)
    await sell(phones, "SHS0283", 7_000)  # and hashed anew
    async with mwanga.database.work():
        once = await pins.change_once(await Agent.get(phone=PEOPLE["Asha"]), mwanga.company.vault, "office")
    assert "another one" in dict(await phones.text("Asha", f"PIN {once} {once}"))["Asha"]
    assert "PIN changed." in dict(await phones.text("Asha", f"PIN {once} {NEW}"))["Asha"]
    assert at_work[False] and not at_work[True]


async def test_what_comes_before_a_pin_is_handled_while_it_is_compared(
    mwanga: Server, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phones.text("Asha", "BUY SHS0283 6000")
    handled, in_time = threading.Event(), list[bool]()
    compare, handle = Vault.check_pin, Dispatcher.handle

    def waits(vault: Vault, pin: str, hashed: str | None) -> bool:
        in_time.append(handled.wait(timeout=60))
        return compare(vault, pin, hashed)

    async def handles(*what: Any) -> Any:
        answer = await handle(*what)
        handled.set()
        return answer

    monkeypatch.setattr(Vault, "check_pin", waits)
    monkeypatch.setattr(Dispatcher, "handle", handles)
    monkeypatch.setattr("bot.inbound.worker.SLICE_S", 60.0)  # both in one batch, however slow the machine is
    texts = {"Baraka": "TOKEN", "Asha": f"1 {PINS['Asha']}"}
    senders = {name: Sender(SenderKind.NUMBER, PEOPLE[name]) for name in texts}
    await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, n, senders[n], texts[n])) for n in texts))
    await phones.handled()
    assert in_time == [True]
