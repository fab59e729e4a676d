"""Agents at a prompt: added, with other limits and commissions, a new PIN, unlocked."""

import asyncio
import re
from pathlib import Path

import pytest

from bot.runtime import Database
from bot.text import _, septets
from models.people import Agent, pins
from models.people.agents import change_number
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite


def test_an_agent_is_added_and_can_be_found(run: Run, demo_url: str) -> None:
    words = ("agent", "add", "--phone", "0712 345 678", "--name", "Rehema Kito", "--mini-grid", "Mtwara North")
    result = run(*words, "--pin", "730582", "--limit", "150000", "--language", "sw")
    assert result.exit_code == 0, result.output
    assert "Rehema Kito sells as +255712345678.\nRehema Kito may hold TZS 150,000 and earns" in result.output
    assert "earns 10 % of what is sold, 5 % of appliances" in result.output
    rows = query(demo_url, "SELECT * FROM agent WHERE phone = '+255712345678'")
    assert rows[0]["cash_limit"] == 150_000_00 and rows[0]["language"] == "sw" and rows[0]["mini_grid_id"] == 1
    again = run(*words, "--pin", "730582")
    assert again.exit_code == 1 and "is an agent already" in again.output


@pytest.mark.parametrize("pin", ["123456", "12345", "111111", "654321", "12345a"])
def test_a_weak_pin_is_refused(run: Run, pin: str) -> None:
    result = run("agent", "pin", "+255700000001", "--pin", pin)
    assert result.exit_code == 1 and "six digits" in result.output


def test_an_agent_gets_a_new_pin_and_is_unlocked(run: Run, demo_url: str) -> None:
    async def lock() -> None:
        async with Database(demo_url) as database, database.work():
            await pins.lock(await Agent.get(phone="+255700000001"), "test", "test")

    asyncio.run(lock())
    assert run("agent", "unlock", "0700000001").exit_code == 0
    assert query(demo_url, "SELECT locked_at FROM agent WHERE phone = '+255700000001'") == [{"locked_at": None}]
    assert run("agent", "pin", "+255700000001", "--pin", "730582").exit_code == 0
    audit = query(demo_url, "SELECT actor, action FROM audit ORDER BY id")
    assert [row["action"] for row in audit] == ["lock", "unlock", "pin"]
    asyncio.run(lock())
    assert run("agent", "pin", "+255700000001", "--pin", "730582").exit_code == 0
    assert query(demo_url, "SELECT locked_at FROM agent WHERE phone = '+255700000001'") == [{"locked_at": None}]
    unknown = run("agent", "unlock", "+255799999999")
    assert unknown.exit_code == 1 and "is no agent" in unknown.output


def test_the_office_locks_an_agent_without_the_pin_and_the_agent_is_told(run: Run, demo_url: str) -> None:
    result = run("agent", "lock", "0700000002")
    assert result.exit_code == 0 and "Juma Said is locked. `mwanga agent unlock +255700000002`" in result.output
    assert query(demo_url, "SELECT phone, text FROM outbox") == [
        {"phone": "+255700000002", "text": "Ofisi imekufungia: hakuna mauzo kwa PIN yako. Piga +255700000000."}
    ]
    noted = [{"actor": "command line", "action": "lock", "subject": "+255700000002", "detail": "by the office"}]
    assert query(demo_url, "SELECT actor, action, subject, detail FROM audit") == noted
    assert (
        "Juma Said, +255700000002, Mtwara North, holds TZS 0 of 50,000, LOCKED since 2" in run("agent", "list").output
    )
    again = run("agent", "lock", "0700000002")
    assert again.exit_code == 0 and again.output == "Juma Said is locked already.\n"
    assert len(query(demo_url, "SELECT id FROM outbox")) == 1
    assert run("agent", "lock", "0710000001").exit_code == 1


def test_agents_are_listed(run: Run, demo_url: str) -> None:
    listed = run("agent", "list")
    assert listed.exit_code == 0
    assert listed.output.splitlines() == [
        "Zuhura Ali, +255700000003, Lindi South, holds TZS 0 of 200,000",
        "Asha Mushi, +255700000001, Mtwara North, holds TZS 0 of 200,000",
        "Juma Said, +255700000002, Mtwara North, holds TZS 0 of 50,000",
    ]


def test_an_agent_gets_another_limit_and_commission(run: Run, demo_url: str) -> None:
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
    rows = query(demo_url, "SELECT action, old, new FROM audit")
    audit = {row["action"]: (row["old"], row["new"]) for row in rows}
    assert audit["agent cash_limit"] == ("20000000", "30000000") and audit["agent commission"] == ("1000", "750")
    assert audit["agent mini-grid"] == ("Mtwara North", "Masasi")
    before = len(query(demo_url, "SELECT id FROM audit"))
    assert run("agent", "set", "0700000001", "--limit", 300000).exit_code == 0
    assert len(query(demo_url, "SELECT id FROM audit")) == before, "the same again is no change"


@pytest.mark.parametrize("words", [("--limit", -1), ("--commission", 101), ("--commission", "ten"), ("--limit", "1e9")])
def test_a_limit_and_a_commission_are_bounded(run: Run, words) -> None:
    assert run("agent", "set", "0700000001", *words).exit_code == 2


def test_a_commission_survives_export_and_import(run: Run, demo_url: str) -> None:
    run("agent", "set", "0700000001", "--commission", 7.5)
    Path("agents.csv").write_text(run("export", "agents").output)
    assert " 0 new or changed." in run("import", "agents", "agents.csv").output
    assert query(demo_url, "SELECT commission FROM agent WHERE phone = '+255700000001'") == [{"commission": 750}]


def test_a_file_of_the_time_before_brings_no_agent_back(run: Run, demo_url: str) -> None:
    """Who sells no more, or with another number by now, is not added by the file that once added him."""
    rows = ["0712000001,Rehema Kito,Masasi,90000,730582", "0712000002,Zawadi Ally,Masasi,90000,730582"]
    file = "phone,name,mini_grid,cash_limit,pin\n"
    Path("villages.csv").write_text("mini_grid\nMasasi\n")
    run("import", "villages", "villages.csv")
    Path("agents.csv").write_text(file + "\n".join(rows) + "\n")
    assert "2 new or changed" in run("import", "agents", "agents.csv").output
    assert run("agent", "retire", "0712000001").exit_code == 0

    async def change_twice() -> None:
        for phone in ("+255712000003", "+255712000004"):
            await change_number(await Agent.get(name="Zawadi Ally"), phone, actor="grace")

    do_in_one_work(demo_url, change_twice)
    refused = run("import", "agents", "agents.csv")
    assert refused.exit_code == 1
    assert "line 2: Rehema Kito sells no more: leave the row out" in refused.output
    assert "line 3: Zawadi Ally has the phone +255712000004 by now" in refused.output
    Path("agents.csv").write_text(file + rows[0].replace("Rehema Kito", "Halima Omari") + "\n")
    assert "1 new or changed" in run("import", "agents", "agents.csv").output, "the number is for somebody else"


def test_a_limit_with_coins_survives_export_and_import(run: Run, demo_url: str) -> None:
    """As the office's page takes it."""
    query(demo_url, "UPDATE agent SET cash_limit = 50050 WHERE phone = '+255700000001'")
    Path("agents.csv").write_text(run("export", "agents").output)
    assert ",500.50," in Path("agents.csv").read_text()
    assert " 0 new or changed." in run("import", "agents", "agents.csv").output


@pytest.mark.parametrize("language", ["sw", "fr", "pt", "ha"])
def test_a_locked_agent_is_told_in_the_own_language_in_one_part(language: str) -> None:
    text = _("The office has locked you: nothing is sold with your PIN. Call {help}.", help="+255700000000")
    assert text.to(language) != text.to("en") and septets(text.to(language)) <= 160


def test_a_pin_for_once_goes_to_the_phone_and_opens_what_was_locked(run: Run, demo_url: str) -> None:
    assert run("agent", "lock", "0700000001").exit_code == 0
    sent = run("agent", "pin", "0700000001", "--once")
    assert sent.output == "A PIN for once is on its way to the agent's phone.\n"
    [row] = query(demo_url, "SELECT text, kind FROM outbox ORDER BY id DESC LIMIT 1")
    pin = re.findall(r"\d{6}", row["text"])[0]
    assert row["text"].startswith("Your PIN for once: ") and row["kind"] == "token" and pin not in sent.output
    [agent] = query(demo_url, "SELECT locked_at, pin_expires_at FROM agent WHERE phone = '+255700000001'")
    assert agent["locked_at"] is None and agent["pin_expires_at"]
    assert "leave the other one away" in run("agent", "pin", "0700000001", "--once", "--pin", "730582").output
    assert "is no agent" in run("agent", "pin", "0799000000", "--once").output
