"""Each page of the settings is small, whoever reads it, and shut to who has no business there."""

from pathlib import Path

import pytest

import handlers.office
from bot.config import Config
from handlers.office.settings.headings import HEADINGS
from models.people import OfficeRole, OfficeUser
from tests.world.browser import open_office

pytestmark = pytest.mark.everyday_on_sqlite
OWNER = {heading.path for heading in HEADINGS}
MAY = {
    OfficeRole.FINANCE: {"/settings/prices", "/settings/receipts"},
    OfficeRole.SUPPORT: {"/settings/phones"},
    OfficeRole.AUDITOR: set(),
}
OURS = [
    f"/settings/{name}"
    for name in (
        *("company", "agents", "hours", "limits", "phones", "gateways", "prices", "receipts", "texts", "backup"),
    )
]


async def test_each_page_stays_under_fifty_kilobytes(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        for path in [*OURS, "/settings/texts?q=e", "/settings/prices/appliances", "/settings/prices/stock"]:
            html = await office.html(path)
            assert len(html.encode()) < 50_000 and "style=" not in html and "<script>" not in html, path


def test_the_script_of_all_pages_is_five_kilobytes_at_most() -> None:
    assert (Path(handlers.office.__file__).parent / "static/office.js").stat().st_size <= 5_000


@pytest.mark.parametrize("role", list(MAY))
async def test_a_role_gets_to_its_own_pages_alone(config: Config, role: OfficeRole) -> None:
    async with open_office(config) as office:
        await OfficeUser.filter(name="admin").update(role=role)
        await office.sign_in()
        reached = {path for path in OURS if (await office.get(path)).status == 200}
        assert reached == MAY[role]
        shown = await office.get("/settings")
        if role == OfficeRole.AUDITOR:
            assert shown.status in (200, 403)
            return
        html = await shown.text()
        assert {path for path in OURS if f'href="{path}"' in html} == MAY[role]
