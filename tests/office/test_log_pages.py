"""The log at `/log`: what is noted and from where, who reads how much of it, filters, pages, and the file."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientError

from bot.config import Config
from models.audit import Audit, record
from models.people import OfficeUser
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    """Somebody signed in, and two notes of somebody else."""
    async with open_office(config) as office:
        await office.html()
        async with office.mwanga.database.work():
            await record("Pendo", "customer phone", "7", old="+255710000001", new="+255754000111")
            await record("Pendo", "token shown", "8", "SHS0283 <i>he</i> called")
        yield office


async def test_the_newest_note_comes_first_with_old_and_new_and_from_where(office: Office) -> None:
    page = await office.page("/log")
    assert page.index("Pendo token shown: 8") < page.index("Pendo customer phone: 7") < page.index("admin sign in")
    assert "+255710000001 → +255754000111" in page and "SHS0283 <i>he</i> called" in page
    assert "from 127.0.0.1" in page
    assert "<i>he" not in await office.html("/log")


async def test_amounts_are_in_the_companys_currency(office: Office) -> None:
    async with office.mwanga.database.work():
        await record("Pendo", "hand in", "+255700000001", "800000 minor units, commission 0 minor units, ref 7KQ2M")
    assert "TZS 8,000, ref 7KQ2M" in await office.page("/log")


@pytest.mark.usefixtures("one_moment")
async def test_filters_leave_what_was_asked_for(office: Office) -> None:
    page = await office.page("/log?by=Pendo&action=token+shown")
    assert "Pendo token shown" in page and "Pendo customer phone" not in page
    assert "Pendo customer phone" in await office.page("/log?subject=7")
    today = office.mwanga.company.today()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    assert "Pendo token shown" in await office.page(f"/log?since={today}&until={today}")
    for query in (f"until={yesterday}", f"since={tomorrow}", "by=nobody", "subject=K1", "action=x"):
        page = await office.page(f"/log?{query}")
        assert "There is no such note." in page, query


async def test_a_subject_is_found_by_a_phone_in_any_spelling(office: Office) -> None:
    async with office.mwanga.database.work():
        await record("Pendo", "unlock", "+255700000001")
    assert "Pendo unlock" in await office.page("/log?subject=0700+000+001")


async def test_a_day_that_is_none_is_said_and_nothing_typed_is_lost(office: Office) -> None:
    response = await office.get("/log?since=soon&by=Pendo")
    html = await response.text()
    assert response.status == 422 and "Please write a day, like 2026-11-30." in html
    assert 'value="soon"' in html and 'value="Pendo"' in html


@pytest.mark.parametrize(("role", "all_of_it"), [("owner", 1), ("auditor", 1), ("finance", 0), ("support", 0)])
async def test_the_owner_and_the_auditor_read_all_of_it_the_others_their_own(
    office: Office, role: str, all_of_it: int
) -> None:
    await OfficeUser.filter(name="admin").update(role=role)
    for query in ("", "?by=Pendo", "?subject=7"):
        page = await office.page(f"/log{query}")
        assert ("Pendo customer phone" in page) is bool(all_of_it), query
        assert ("You see what you did yourself." in page) is not bool(all_of_it)
    text = await (await office.get("/log?csv=1")).text()
    assert ("Pendo" in text) is bool(all_of_it) and "sign in" in text


async def test_the_list_goes_on_behind_fifty(office: Office) -> None:
    async with office.mwanga.database.work():
        for number in range(60):
            await record("Pendo", "export", f"list {number}")
    html = await office.html("/log?by=Pendo")
    assert "list 59<" in html and "list 10<" in html and "list 9<" not in html
    older = html.split('href="/log?by=Pendo&amp;before=')[1].split('"')[0]
    page = await office.page(f"/log?by=Pendo&before={older}")
    assert "list 9 " in page and "list 10 " not in page and "Pendo customer phone" in page


async def test_the_file_has_all_of_it_in_portions_and_is_noted_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.office.log.notes.PORTION", 3)
    monkeypatch.setattr("handlers.office.frame.lists.PORTION", 3)
    async with office.mwanga.database.work():
        for number in range(10):
            await record("Pendo", "rename", f"{number}", old=f"@old {number}", new="\t=1+1")
    response = await office.get("/log?by=Pendo&csv=1")
    rows = list(csv.DictReader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert [row["subject"] for row in rows] == [str(number) for number in range(9, -1, -1)] + ["8", "7"]
    assert (rows[0]["old"], rows[0]["new"]) == ("'@old 9", "'=1+1")
    note = await Audit.filter(action="export").get()
    assert (note.actor, note.subject, note.detail, note.whence) == ("admin", "log", "by=Pendo", "127.0.0.1")
    assert "admin export: log" in await office.page("/log?action=export")


async def test_asking_for_the_head_of_a_file_is_no_export(office: Office) -> None:
    response = await office.client.head("/log?csv=1")
    assert response.status == 200 and response.content_type == "text/csv"
    assert not await Audit.filter(action="export").exists()


async def test_a_file_that_breaks_off_does_not_look_whole(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_rest: object) -> list[dict[str, object]]:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("models.office.log.read_notes", broken)
    response = await office.get("/log?csv=1")
    with pytest.raises(ClientError):
        await response.read()


async def test_a_day_before_all_time_is_refused(office: Office) -> None:
    answer = await office.get("/log?since=0001-01-01")
    assert answer.status == 422 and "Please write a day" in await answer.text()


async def test_bad_addresses_and_endless_numbers_break_no_page(office: Office) -> None:
    async with office.mwanga.database.work():
        await record("Pendo", "hand in", "k 1", f"{'9' * 5_000} minor units")
        await record("Pendo", "ticket", "K12", "asked")
    assert (await office.get("/log")).status == 200
    for path in ("/log?by=%00", "/tickets?category=%00"):
        answer = await office.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, path.removesuffix("%00"))
    assert "ticket: K12" in await office.page("/log?subject=k12")
    agent = (await office.ask("SELECT id FROM agent ORDER BY id LIMIT 1"))[0]["id"]
    for month in ("0001-01", "9999-12"):
        assert (await office.get(f"/people/agents/{agent}?month={month}")).status == 200
