"""Company, agents, hours, limits: what is set counts at once, what is wrong is said and nothing typed is lost."""

import re
from html import unescape

import pytest

from bot.config import Config
from models.audit import Audit
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
SEEN = re.compile(r'name="seen" value="(\d+)"')


async def form_of(office: Office, heading: str) -> dict[str, str]:
    """The fields as the page has them."""
    html = await office.html(f"/settings/{heading}")
    fields = dict(re.findall(r'<input id="\w+" name="(\w+)" type="text" value="([^"]*)"', html))
    chosen = re.findall(r'<select id="\w+" name="(\w+)">.*?<option selected value="(\w+)">', html, re.DOTALL)
    return {name: unescape(value) for name, value in (fields | dict(chosen)).items()} | {
        "seen": SEEN.findall(html)[0],
        "csrf": await office.csrf(f"/settings/{heading}"),
    }


async def test_a_figure_is_set_shown_and_given_back(config: Config) -> None:
    async with open_office(config) as office:
        fields = await form_of(office, "company")
        assert (fields["company"], fields["help_phone"], fields["rounding"]) == (
            "Mwanga Demo",
            "+255700000000",
            "credit",
        )
        answer = await office.post("/settings/company", **fields | {"company": "Jua & Power", "help_phone": "0800 1"})
        assert (answer.status, answer.headers["Location"]) == (303, "/settings/company?done=saved")
        assert (office.mwanga.company.name, office.mwanga.company.help_phone) == ("Jua & Power", "08001")
        page = await office.page("/settings/company?done=saved")
        assert "This counts now." in page and "The configuration says: Mwanga Demo" in page
        noted = {(each.actor, each.subject, each.detail) for each in await Audit.filter(action="setting")}
        assert noted == {
            ("admin", "company", "Mwanga Demo -> Jua & Power"),
            ("admin", "help_phone", "+255700000000 -> 08001"),
        }
        fields = await form_of(office, "company")
        await office.post("/settings/company", csrf=fields["csrf"], seen=fields["seen"], back="company")
        assert office.mwanga.company.name == "Mwanga Demo"


@pytest.mark.parametrize(
    ("heading", "name", "typed", "says"),
    [
        ("company", "company", "", "Write a name of 1 to 20 letters."),
        ("company", "help_phone", "", "Write a number of at most 14 digits."),
        ("company", "languages", "en;sw", "Write some of en,sw,fr,pt,ha with commas between, each once."),
        ("company", "coin", "half", "Write an amount, like 50 or 0.50; empty is the usual coin of the currency."),
        ("agents", "commission_percent", "<b>", "Write percent, like 10 or 7.5, at most 100."),
        ("hours", "day_until", "12", "Write an hour, 13 to 24."),
        ("limits", "retention_days", "0", "Write days, 1 to 36500."),
        ("limits", "sender_cap", "-1", "Write a whole number, 0 to 1000000."),
    ],
)
async def test_what_is_wrong_is_said_beside_it_and_kept(
    config: Config, heading: str, name: str, typed: str, says: str
) -> None:
    async with open_office(config) as office:
        fields = await form_of(office, heading)
        answer = await office.post(f"/settings/{heading}", **fields | {name: typed})
        html = await answer.text()
        assert answer.status == 422 and says in unescape(html)
        assert f'value="{typed}"' in unescape(html) and "<b>" not in html.replace("<b>", "", html.count("</b>"))
        assert not await Audit.filter(action="setting").exists()


async def test_what_no_server_starts_without_is_not_given_back(config: Config) -> None:
    async with open_office(config) as office:
        settings = office.mwanga.settings
        settings.given = settings.given.model_copy(update={"help_phone": ""})
        fields = await form_of(office, "company")
        assert (await office.post("/settings/company", **fields | {"help_phone": "0800 2"})).status == 303
        fields = await form_of(office, "company")
        answer = await office.post("/settings/company", csrf=fields["csrf"], seen=fields["seen"], back="help_phone")
        said = unescape(await answer.text())
        assert answer.status == 422 and "no server starts without" in said and 'value="08002"' in said
        assert office.mwanga.company.help_phone == "08002"


async def test_of_two_who_change_the_same_the_second_is_told(config: Config) -> None:
    async with open_office(config) as office:
        mine = await form_of(office, "hours")
        yours = await form_of(office, "hours")
        await office.post("/settings/hours", **mine | {"day_from": "6"})
        answer = await office.post("/settings/hours", **yours | {"day_from": "9"})
        said = unescape(await answer.text())
        assert answer.status == 409 and "Somebody else has changed this meanwhile" in said
        assert 'value="9"' in said and "It is now: 6" in said
        again = yours | {"day_from": "9", "seen": SEEN.findall(said)[0]}
        assert (await office.post("/settings/hours", **again)).status == 303
        assert office.mwanga.company.live.figures.day_from.hour == 9


async def test_the_overview_leads_to_all_that_there_is(config: Config) -> None:
    async with open_office(config) as office:
        html = await office.html("/settings")
        for path in re.findall(r'href="(/settings/\w+)"', html):
            assert (await office.get(path)).status == 200, path
