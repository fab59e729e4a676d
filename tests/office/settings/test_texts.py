"""A sentence in the office's own words: it goes out at once, keeps the rules, and goes back."""

import pytest

from bot.config import Config
from bot.text import _
from bot.text.i18n import catalogued, list_english
from models.settings import change_text
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
ENGLISH = "Not sure. Send TOKEN serial before you sell again. Help {help}"


def at(language: str = "sw") -> str:
    return f"/settings/texts/{language}/{list_english().index(ENGLISH)}"


async def post(office: Office, **fields: str) -> tuple[int, str]:
    answer = await office.post(at(), **fields, csrf=await office.csrf("/settings/texts"))
    return answer.status, answer.headers.get("Location", "") or await answer.text()


async def test_a_sentence_is_found_said_otherwise_and_given_back(config: Config) -> None:
    async with open_office(config) as office:
        usual = catalogued("sw", ENGLISH)
        assert usual in await office.page("/settings/texts?language=sw&q=before+you+sell")
        assert usual in await office.page(at())
        said = "Hakuna hakika. {help}"
        assert (await post(office, said=said, seen=""))[0] == 303
        assert _(ENGLISH, help="0800").to("sw") == "Hakuna hakika. 0800"
        assert said in await office.page("/settings/texts?language=sw")
        status, html = await post(office, said="Sijui. {help}", seen="")
        assert status == 409 and "Sijui. {help}" in html
        assert (await post(office, back="yes", seen=said))[0] == 303
        assert _(ENGLISH, help="0800").to("sw") == usual.format(help="0800")


async def test_what_a_keyboard_puts_in_by_itself_is_kept_as_sms_has_it(config: Config) -> None:
    """Curly marks and long dashes are straightened and not refused; other letters stay as they are typed."""
    async with open_office(config) as office:
        await office.sign_in()
        assert (await post(office, said="N\u2019goja \u2013 \u201cpiga\u201d\u2026 {help}", seen=""))[0] == 303
        assert _(ENGLISH, help="0800").to("sw") == 'N\'goja - "piga"... 0800'
        status, html = await post(office, said="Ng\u00eaja {help}", seen="")
        assert status == 422 and "would make it cost more: \u00ea" in html


async def test_a_sentence_of_two_lines_is_changed_again(config: Config) -> None:
    """A browser sends the end of a line as two letters."""
    async with open_office(config) as office:
        await office.sign_in()
        assert (await post(office, said="Sijui.\r\n{help}", seen=""))[0] == 303
        assert (await post(office, said="Hakuna.\r\n{help}", seen="Sijui.\r\n{help}"))[0] == 303
        await post(office, back="yes", seen="Hakuna.\r\n{help}")


async def test_words_for_a_sentence_that_a_version_has_no_more_break_nothing(config: Config) -> None:
    """The English original is lost: the office's words for it stay in the database and belong to no sentence."""
    async with open_office(config) as office:
        await office.sign_in()
        async with office.mwanga.database.work():
            await change_text("sw", "Worded otherwise by now {x}.", "Zamani {x}.", before="", seen="", actor="grace")
        await office.mwanga.settings.refresh()
        page = await office.page("/settings/texts?language=sw")
        assert "Zamani" not in page and "Worded otherwise" not in page
        assert (await post(office, said="Hakuna hakika. {help}", seen=""))[0] == 303
        assert "Hakuna hakika." in await office.page("/settings/texts?language=sw"), "the others are shown"
        assert _(ENGLISH, help="0800").to("sw") == "Hakuna hakika. 0800"


async def test_what_breaks_a_rule_is_refused_and_kept(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        status, html = await post(office, said="Hakuna <hakika>.", seen="")
        assert status == 422 and "Write each of these once: {help}." in html and "Hakuna &lt;hakika&gt;." in html


async def test_lines_of_the_menu_stay(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        menu = next(talk.menu for talk in office.mwanga.commands.by_name.values() if talk.menu)
        number = list_english().index(menu.english)
        assert (await office.get(f"/settings/texts/sw/{number}")).status == 404
        assert (await office.get("/settings/texts/sw/99999")).status == 404
        assert (await office.get("/settings/texts/xx/0")).status == 404
