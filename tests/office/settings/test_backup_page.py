"""The page that copies the database: where to, when last, and never twice at once."""

from pathlib import Path

import pytest

from bot.config import Config, load
from models.audit import Audit
from tests.world.browser import open_office

pytestmark = pytest.mark.everyday_on_sqlite


async def test_without_a_folder_the_page_says_what_to_set(config: Config) -> None:
    async with open_office(config) as office:
        page = await office.page("/settings/backup")
        assert ("No copy was made yet." in page and "Nobody has said into which folder" in page) or "pg_dump" in page
        answer = await office.post("/settings/backup", csrf=await office.csrf("/settings"))
        assert answer.status in (403, 422)


async def test_a_copy_is_made_and_told(demo_url: str, tmp_path: Path, engine: str) -> None:
    if engine == "postgres":
        pytest.skip("PostgreSQL has its own copies")
    async with open_office(load(database=demo_url, backup_folder=tmp_path)) as office:
        await office.sign_in()
        answer = await office.post("/settings/backup", csrf=await office.csrf("/settings/backup"))
        assert answer.status == 303
        [copy] = tmp_path.glob("mwanga-*.db")
        page = await office.page("/settings/backup")
        assert copy.name in page and "read again and found whole" in page
        assert (await Audit.get(action="backup")).actor == "admin"


async def test_what_hinders_it_is_said(demo_url: str, tmp_path: Path, engine: str) -> None:
    if engine == "postgres":
        pytest.skip("PostgreSQL has its own copies")
    async with open_office(load(database=demo_url, backup_folder=tmp_path / "gone")) as office:
        await office.sign_in()
        await office.post("/settings/backup", csrf=await office.csrf("/settings/backup"))
        assert "There is no copy: unable to open database file." in await office.page("/settings/backup")
