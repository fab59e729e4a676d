"""What the office does at a prompt: agents' limits and cash, the vending key of meters, customers' phones."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import OperationalError
from typer.testing import CliRunner

from bot.cli.main import cli
from bot.runtime.database import Database
from bot.server import Server
from models.devices.meters import VENDING_KEY
from models.money.hand_in import HandIn, MoreThanHeld, OtherReference, hand_in
from models.money.ledger import AccountKind, Posting, balance, post
from models.people.tables import Agent
from models.settings import Setting
from models.tokens.sts import TEST_VENDING_KEY
from models.vault import Vault
from tests.cli.test_main import query
from tests.world.people import PEOPLE

KEY = "0123456789abcdef0123456789abcdef01234567"
_entries = itertools.count(1)
DEMO_VAULT = "mwanga demo key: never use it for a real device"


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    return lambda *words, **options: CliRunner().invoke(cli, [str(word) for word in words], **options)


def at_the_office(url: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something in a unit of work of its own."""

    async def alone() -> Any:
        async with Database(url) as database, database.work():
            return await work()

    return asyncio.run(alone())


async def sold(agent: Agent, amount: int, commission: int) -> None:
    """The agent took so much and earned so much, in minor units."""
    key = f"before {next(_entries)}"
    await post(key, [Posting(AccountKind.CASH, agent.id, amount), Posting(AccountKind.REVENUE, 0, -amount)])
    earned = [
        Posting(AccountKind.COMMISSION_COST, 0, commission),
        Posting(AccountKind.COMMISSION, agent.id, -commission),
    ]
    await post(f"{key} commission", earned)


def asha_sold(url: str, amount: int, commission: int) -> None:
    async def work() -> None:
        await sold(await Agent.get(phone=PEOPLE["Asha"]), amount * 100, commission * 100)

    at_the_office(url, work)


def figures(url: str) -> tuple[int, int, int]:
    """Asha's cash, her commission due, and the office's cash, in whole units."""

    async def work() -> tuple[int, int, int]:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        kinds = (AccountKind.CASH, agent.id), (AccountKind.COMMISSION, agent.id), (AccountKind.OFFICE, 0)
        cash, commission, office = [await balance(*kind) // 100 for kind in kinds]
        return cash, -commission, office

    return at_the_office(url, work)  # type: ignore[no-any-return]


# Cash handed in


@pytest.mark.parametrize(
    ("took", "earned", "counted", "left"),
    [
        (100, 5, 50, (45, 0, 50)),  # the example that the peer system tests (reference: mpm 2.11)
        (100, 10, 90, (0, 0, 90)),
        (100, 10, 95, (0, 5, 95)),  # what is left is less than the commission: the rest stays due
        (100, 10, 100, (0, 10, 100)),
        (100, 0, 1, (99, 0, 1)),
    ],
)
def test_cash_is_handed_in_and_commission_paid_out(run, demo_url: str, took, earned, counted, left) -> None:  # type: ignore[no-untyped-def]
    asha_sold(demo_url, took, earned)
    result = run("agent", "receipt", "0700000001", counted)
    assert result.exit_code == 0, result.output
    assert figures(demo_url) == left
    [message] = query(demo_url, "SELECT phone, text, kind FROM outbox")
    assert message["phone"] == PEOPLE["Asha"] and message["kind"] == "reply"
    said = str(message["text"])
    cash, due, _office = left
    paid = earned - due
    assert said.startswith(
        f"HANDED IN TZS {counted}. Commission {paid} paid out, {due} due. You hold {cash} of 200,000."
    )
    assert said in result.output
    assert [row["action"] for row in query(demo_url, "SELECT action FROM audit ORDER BY id")][-1] == "hand in"


def test_the_same_reference_is_booked_once(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    asha_sold(demo_url, 100, 5)
    for attempt in range(3):
        result = run("agent", "receipt", "0700000001", 50, "--reference", "book 7 page 3")
        assert result.exit_code == 0
        assert result.output.startswith("Booked before: ") == (attempt > 0)
        assert figures(demo_url) == (45, 0, 50)
    assert len(query(demo_url, "SELECT id FROM outbox")) == 1
    for phone, amount in (("0700000001", 20), ("0700000002", 50)):
        other = run("agent", "receipt", phone, amount, "--reference", "book 7 page 3")
        assert other.exit_code == 1 and "Nothing is booked: book 7 page 3 is another receipt." in other.output
    assert figures(demo_url) == (45, 0, 50)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0700000001", 101), "Nothing is booked: Asha Mushi holds TZS 100."),
        (("0700000002", 1), "Nothing is booked: Juma Said holds TZS 0."),
        (("0799999999", 1), "is no agent"),
        (("0700000001", 5, "--reference", "W" * 21), "20 characters at most"),
    ],
)
def test_what_cannot_be_handed_in_is_not_booked(run, demo_url: str, words, said: str) -> None:  # type: ignore[no-untyped-def]
    asha_sold(demo_url, 100, 5)
    result = run("agent", "receipt", *words)
    assert result.exit_code == 1 and said in result.output
    assert figures(demo_url) == (100, 5, 0)
    assert query(demo_url, "SELECT id FROM outbox") == []
    assert run("agent", "receipt", "0700000001", 0).exit_code == 2
    assert run("agent", "receipt", "0700000001", -5).exit_code == 2


def test_hand_ins_are_kept_as_they_were(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    asha_sold(demo_url, 100, 5)
    run("agent", "receipt", "0700000001", 50)
    for statement in ("UPDATE hand_in SET amount = 1", "DELETE FROM hand_in"):
        with pytest.raises((OperationalError, asyncpg.RaiseError), match="append only"):
            query(demo_url, statement)


async def test_the_same_receipt_at_once_is_booked_once(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 500)

    async def book() -> bool:
        async with mwanga.database.work():
            return (await hand_in(agent, 5_000, "test", "page 1")).new

    assert sorted(await asyncio.gather(*(book() for _ in range(5)))) == [False] * 4 + [True]
    assert await balance(AccountKind.CASH, agent.id) == 4_500
    assert await HandIn.all().count() == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_taken_and_handed_in_adds_up(demo_url: str, seed: int) -> None:
    """Cash and commission never fall below nothing, and the books agree with a plain sum."""
    choose = random.Random(seed)

    async def work() -> None:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        held = due = office = 0
        booked: dict[str, int] = {}
        for _step in range(25):
            taken, counted, reference = choose.randrange(3000), choose.randint(1, 4000), f"page {choose.randrange(12)}"
            commission = taken * choose.randrange(100) // 100
            await sold(agent, taken, commission)
            held, due = held + taken, due + commission
            try:
                result = await hand_in(agent, counted, "test", reference)
            except (MoreThanHeld, OtherReference):
                assert counted > held or booked.get(reference, counted) != counted
            else:
                assert result.new == (reference not in booked)
                if result.new:
                    booked[reference] = counted
                    paid = min(due, held - counted)
                    held, due, office = held - counted - paid, due - paid, office + counted
            kinds = (AccountKind.CASH, agent.id), (AccountKind.COMMISSION, agent.id), (AccountKind.OFFICE, 0)
            assert [await balance(*kind) for kind in kinds] == [held, -due, office]
            assert held >= 0 and due >= 0

    at_the_office(demo_url, work)


# Limits and commission


def test_an_agent_gets_another_limit_and_commission(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    words = (
        "--limit",
        300000,
        "--commission",
        7.5,
        "--goods-commission",
        4,
        "--mini-grid",
        "Masasi",
        "--name",
        "Asha M",
    )
    result = run("agent", "set", "0700000001", *words)
    assert result.exit_code == 0, result.output
    assert "Asha M may hold TZS 300,000 and earns 7.5 % of what is sold, 4 % of appliances." in result.output
    sql = (
        "SELECT a.*, g.name AS grid FROM agent a JOIN minigrid g ON g.id = a.mini_grid_id WHERE phone = '+255700000001'"
    )
    [agent] = query(demo_url, sql)
    assert (agent["cash_limit"], agent["commission"], agent["goods_commission"]) == (300_000_00, 750, 400)
    assert (agent["name"], agent["grid"]) == ("Asha M", "Masasi")
    audit = {row["action"]: row["detail"] for row in query(demo_url, "SELECT action, detail FROM audit")}
    assert audit["agent cash_limit"] == "20000000 -> 30000000" and audit["agent commission"] == "1000 -> 750"
    before = len(query(demo_url, "SELECT id FROM audit"))
    assert run("agent", "set", "0700000001", "--limit", 300000).exit_code == 0
    assert len(query(demo_url, "SELECT id FROM audit")) == before, "the same again is no change"


@pytest.mark.parametrize("words", [("--limit", -1), ("--commission", 101), ("--commission", "ten"), ("--limit", "1e9")])
def test_a_limit_and_a_commission_are_bounded(run, words) -> None:  # type: ignore[no-untyped-def]
    assert run("agent", "set", "0700000001", *words).exit_code == 2


def test_a_commission_survives_export_and_import(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    run("agent", "set", "0700000001", "--commission", 7.5)
    Path("agents.csv").write_text(run("export", "agents").output)
    assert " 0 new or changed." in run("import", "agents", "agents.csv").output
    assert query(demo_url, "SELECT commission FROM agent WHERE phone = '+255700000001'") == [{"commission": 750}]


# The vending key


def test_the_vending_key_is_read_from_standard_input_and_stored_sealed(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    result = run("vending-key", "--sgc", "600123", "--krn", 2, input=f"{KEY}\n")
    assert result.exit_code == 0, result.output
    assert KEY not in result.output
    [setting] = query(demo_url, f"SELECT value FROM setting WHERE name = '{VENDING_KEY}'")
    assert KEY not in str(setting["value"])
    kept = Vault(DEMO_VAULT).open_json(str(setting["value"]), VENDING_KEY)
    assert kept == {"sgc": "600123", "krn": 2, "ti": 1, "base_year": 2014, "secret": KEY}
    [row] = query(demo_url, "SELECT * FROM audit WHERE action = 'vending key'")
    assert row["subject"] == "600123" and KEY not in str(row["detail"])


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("--sgc", "600123"), "abc", "This is no vending key."),
        (("--sgc", "600123"), KEY[:-2], "20 bytes"),
        (("--sgc", "60012"), KEY, "6 digits"),
        (("--sgc", "600123", "--krn", "10"), KEY, "1 to 9"),
        (("--sgc", "600123", "--tariff-index", "100"), KEY, "0 to 99"),
        (("--sgc", "600123", "--base-year", "2020"), KEY, "1993, 2014 or 2035"),
        (("--sgc", "600123"), TEST_VENDING_KEY.secret.hex(), "published for tests"),
    ],
)
def test_a_wrong_vending_key_is_refused(run, demo_url: str, words, typed: str, said: str) -> None:  # type: ignore[no-untyped-def]
    before = query(demo_url, "SELECT * FROM setting ORDER BY name")
    result = run("vending-key", *words, input=f"{typed}\n")
    assert result.exit_code == 1 and said in result.output
    assert typed not in result.output
    assert query(demo_url, "SELECT * FROM setting ORDER BY name") == before
    assert Setting._meta.db_table == "setting"


# Customers' phones


def test_a_customer_gets_another_number_and_both_are_told(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    result = run("customer", "phone", 2, "0754 000 222")
    assert result.exit_code == 0 and "Baraka Peter has +255754000222 now." in result.output
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": "+255754000222"}]
    told = {str(row["phone"]): str(row["text"]) for row in query(demo_url, "SELECT phone, text FROM outbox")}
    assert "go to another number" in told[PEOPLE["Baraka"]] and "come to this number" in told["+255754000222"]
    assert query(demo_url, "SELECT detail FROM audit") == [{"detail": f"{PEOPLE['Baraka']} -> +255754000222"}]
    assert "already" in run("customer", "phone", 2, "+255754000222").output
    assert run("customer", "phone", 2, "none").exit_code == 0
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": None}]
    assert len(query(demo_url, "SELECT id FROM outbox")) == 3, "who has no phone is told nothing"


@pytest.mark.parametrize("words", [(99, "0754000222"), (2, "12"), (2, "")])
def test_no_customer_and_no_phone_are_one_sentence(run, demo_url: str, words) -> None:  # type: ignore[no-untyped-def]
    result = run("customer", "phone", *words)
    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert query(demo_url, "SELECT id FROM audit") == []
