"""Who may sign in to the office's page, at a prompt: added, listed, with another password, removed."""

import asyncio
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError

from bot.runtime import Database
from models.demo.world import OFFICE_PASSWORD
from models.people import Agent, Customer, OfficeUser
from models.people.office_users import LastUser, find_user, remove_user
from models.tickets import Category
from models.tickets.tickets import assign, close, open_ticket
from tests.world.prompt import Run, do_in_one_work, query

WORDS = "long enough to keep"
NAMES = "SELECT name FROM officeuser WHERE removed_at IS NULL ORDER BY name"


def names(url: str) -> list[object]:
    return [row["name"] for row in query(url, NAMES)]


def test_an_office_user_is_added_and_listed(run: Run, demo_url: str) -> None:
    short = run("admin", "add", "rehema", "--password", "short")
    assert short.exit_code == 1 and "10 characters" in short.output
    assert run("admin", "add", "rehema", input=f"{WORDS}\n").exit_code == 0
    listed = run("admin", "list")
    assert listed.exit_code == 0 and listed.output == "admin: owner\nrehema: support\n"
    assert names(demo_url) == ["admin", "rehema"]


def test_a_role_is_given_with_the_user_or_later(run: Run, demo_url: str) -> None:
    added = run("admin", "add", "rehema", "--role", "auditor", input=f"{WORDS}\n")
    assert added.exit_code == 0 and added.output == "rehema can sign in, as auditor.\n"
    assert run("admin", "add", "juma", "--role", "king", input=f"{WORDS}\n").exit_code == 2
    assert run("admin", "role", "rehema", "owner").output == "rehema is owner now.\n"
    assert run("admin", "role", "admin", "auditor").exit_code == 0
    assert run("admin", "list").output == "admin: auditor\nrehema: owner\n"
    last = run("admin", "role", "rehema", "support")
    assert last.exit_code == 1 and last.output == "rehema is the last owner: make somebody else one first.\n"
    assert run("admin", "remove", "rehema").exit_code == 1
    audit = query(demo_url, "SELECT subject, old, new FROM audit WHERE action = 'office role' ORDER BY id")
    assert [tuple(row.values()) for row in audit] == [("rehema", "auditor", "owner"), ("admin", "owner", "auditor")]


def test_one_more_owner_takes_two_at_the_prompt(run: Run, tmp_path: Path) -> None:
    """The owner asks with a password, and another one who moves money agrees by the same command."""
    (words := tmp_path / "words").write_text(WORDS)
    (of_demo := tmp_path / "demo").write_text(OFFICE_PASSWORD)
    run("admin", "add", "rehema", "--role", "finance", input=f"{WORDS}\n")
    for command in (("add", "juma", "--role", "owner"), ("add", "juma", "--role", "finance")):
        alone = run("admin", *command, input=f"{WORDS}\n")
        assert alone.exit_code == 1 and "Two who move money are there" in alone.output
    run("admin", "add", "juma", input=f"{WORDS}\n")
    alone = run("admin", "role", "juma", "owner")
    assert alone.exit_code == 1 and "--by" in alone.output
    command = ("admin", "role", "juma", "owner", "--by")
    by_finance = run(*command, "rehema", "--password-file", str(words))
    assert by_finance.exit_code == 1 and by_finance.output == "rehema is finance: this is for owner.\n"
    asked = run(*command, "admin", "--password-file", str(of_demo))
    assert asked.exit_code == 0 and asked.output.startswith("juma is to be owner. Another one of the office")
    same = run(*command, "admin", "--password-file", str(of_demo))
    assert same.exit_code == 1 and same.output.startswith("admin proposed it.")
    assert run(*command, "rehema", "--password-file", str(words)).output == "juma is owner now.\n"
    assert run("admin", "list").output == "admin: owner\njuma: owner\nrehema: finance\n"


def test_the_first_one_is_the_owner(empty_url: str, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", empty_url)
    monkeypatch.setenv("MWANGA_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("MWANGA_HELP_PHONE", "+255700000000")
    monkeypatch.setenv("MWANGA_ROUTE", "phones")
    assert run("admin", "add", "mariam", input=f"{WORDS}\n").output == "mariam can sign in, as owner.\n"
    assert run("admin", "add", "hassan", input=f"{WORDS}\n").output == "hassan can sign in, as support.\n"


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("name", ["office", "Command Line", "nobody"])
def test_whom_the_audit_means_by_a_name_is_no_user(run: Run, name: str) -> None:
    result = run("admin", "add", name, input=f"{WORDS}\n")
    assert result.exit_code == 1 and "cannot be a user's name" in result.output


def test_a_lost_second_factor_is_taken_away(run: Run, demo_url: str) -> None:
    do_in_one_work(demo_url, lambda: OfficeUser.filter(name="admin").update(factor="sealed"))
    assert "with a second factor" in run("admin", "list").output
    assert run("admin", "factor", "admin").exit_code == 0
    assert run("admin", "list").output == "admin: owner\n"
    assert run("admin", "factor", "nobody-here").exit_code == 1


def test_adding_never_replaces_a_password(run: Run, demo_url: str) -> None:
    before = query(demo_url, "SELECT password_hash FROM officeuser")
    result = run("admin", "add", " admin ", input=f"{WORDS}\n")
    assert result.exit_code == 1 and "admin can sign in already" in result.output
    assert "mwanga admin password admin" in result.output
    assert query(demo_url, "SELECT password_hash FROM officeuser") == before
    assert query(demo_url, "SELECT id FROM audit") == []


def test_a_new_password_is_given_and_noted(run: Run, demo_url: str) -> None:
    before = query(demo_url, "SELECT password_hash, session_epoch FROM officeuser")[0]
    assert run("admin", "password", "admin", input="short\n").exit_code == 1
    assert run("admin", "password", "admin", input=f"{WORDS}\n").exit_code == 0
    after = query(demo_url, "SELECT password_hash, session_epoch FROM officeuser")[0]
    assert after["password_hash"] != before["password_hash"]
    assert after["session_epoch"] == before["session_epoch"] + 1
    audit = query(demo_url, "SELECT actor, action, subject FROM audit")
    assert audit == [{"actor": "command line", "action": "office password", "subject": "admin"}]


def test_somebody_is_removed_and_the_name_is_free(run: Run, demo_url: str) -> None:
    run("admin", "add", "rehema", input=f"{WORDS}\n")
    result = run("admin", "remove", "rehema")
    assert result.exit_code == 0 and "rehema can sign in no more." in result.output
    assert names(demo_url) == ["admin"] and run("admin", "list").output == "admin: owner\n"
    assert run("admin", "add", "rehema", input=f"{WORDS}\n").exit_code == 0
    actions = [row["action"] for row in query(demo_url, "SELECT action FROM audit ORDER BY id")]
    assert actions == ["office user", "office user removed", "office user"]


@pytest.mark.parametrize("command", ["remove", "password"])
def test_who_is_not_there_is_named_beside_those_who_are(run: Run, command: str) -> None:
    result = run("admin", command, "rehema", input=f"{WORDS}\n")
    assert result.exit_code == 1 and result.output == "Nobody signs in as rehema. There are: admin.\n"


def test_the_last_one_cannot_be_removed(run: Run, demo_url: str) -> None:
    result = run("admin", "remove", "admin")
    assert result.exit_code == 1 and "admin is the last owner: make somebody else one first." in result.output
    assert names(demo_url) == ["admin"]


def test_two_who_remove_each_other_at_once_do_not_leave_nobody(run: Run, demo_url: str) -> None:
    run("admin", "add", "rehema", "--role", "owner", input=f"{WORDS}\n")

    async def remove(name: str) -> bool:
        async with Database(demo_url) as database:
            try:
                async with database.work():
                    user = await find_user(name)
                    assert user is not None
                    await remove_user(user, actor="test")
            except LastUser:
                return False
        return True

    async def both() -> list[bool]:
        if demo_url.startswith("sqlite"):  # one writer
            return [await remove("admin"), await remove("rehema")]
        return await asyncio.gather(remove("admin"), remove("rehema"))

    assert sorted(asyncio.run(both())) == [False, True]
    assert len(names(demo_url)) == 1


def test_who_looks_after_the_server_gives_the_role_where_an_owner_is_alone_since_today(
    run: Run, demo_url: str, tmp_path: Path
) -> None:
    """On the page an owner who took the other one out waits for a week."""
    (of_demo := tmp_path / "demo").write_text(OFFICE_PASSWORD)
    run("admin", "add", "rehema", "--role", "finance", input=f"{WORDS}\n")
    run("admin", "add", "juma", input=f"{WORDS}\n")

    async def take_out() -> None:
        rehema = await find_user("rehema")
        assert rehema
        await remove_user(rehema, actor="admin")

    do_in_one_work(demo_url, take_out)
    by_admin = run("admin", "role", "juma", "finance", "--by", "admin", "--password-file", str(of_demo))
    assert by_admin.exit_code == 1 and "Without --by: `mwanga admin role juma finance`" in by_admin.output
    assert run("admin", "role", "juma", "finance").output == "juma is finance now.\n"


def test_open_tickets_of_who_is_removed_are_nobody_s(run: Run, demo_url: str) -> None:
    run("admin", "add", "rehema", input=f"{WORDS}\n")

    async def give_tickets() -> None:
        customer = await Customer.get(id=2)
        for text in ("dark", "still dark"):
            opened = await open_ticket(customer, None, Category.POWER, text, actor="test", key=text)
            ticket = await assign(opened.ticket, "test", staff=await find_user("rehema"))
        await close(ticket, "test")

    do_in_one_work(demo_url, give_tickets)
    result = run("admin", "remove", "rehema")
    assert "Tickets that were this user's and are nobody's now: K1." in result.output
    assert query(demo_url, "SELECT staff_id IS NULL AS free, state FROM ticket ORDER BY id") == [
        {"free": True, "state": "open"},
        {"free": False, "state": "closed"},
    ]


def test_the_database_holds_that_a_name_is_one_user_s(demo_url: str) -> None:
    with pytest.raises(IntegrityError):
        do_in_one_work(demo_url, lambda: OfficeUser.create(name="admin", password_hash="none"))
    with pytest.raises(IntegrityError):
        do_in_one_work(
            demo_url,
            lambda: Agent.create(name="Rehema", phone="+255700000001", mini_grid_id=1, pin_hash="none", cash_limit=1),
        )
