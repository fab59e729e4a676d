"""Rules for receipt texts at a page: tried, added, left out, removed."""

import pytest

from bot.config import Config
from models.money.receipt_texts import ReceiptRule
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
AT = "/settings/receipts"
RULE = {
    "name": "Kisiwa pay",
    "operator": "kisiwa",
    "sender": "KISIWA",
    "template": "[reference] confirmed: [amount] from [phone]",
}


async def post(office: Office, path: str = AT, **fields: str) -> tuple[int, str]:
    answer = await office.post(path, **fields, csrf=await office.csrf(AT))
    return answer.status, answer.headers.get("Location", "") or await answer.text()


async def test_a_rule_is_added_tried_and_removed(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        assert (await post(office, **RULE))[0] == 303, await post(office, **RULE)
        assert "Kisiwa pay" in await office.page(AT)
        _status, html = await post(office, f"{AT}/try", text="AB12 confirmed: 5,000 from 0710000001", sender="KISIWA")
        assert "AB12 confirmed" in html
        assert (await post(office, f"{AT}/remove", name="Kisiwa pay"))[0] == 303
        assert not await ReceiptRule.exists()
        assert (await post(office, f"{AT}/remove", name="Kisiwa pay"))[0] == 400


async def test_a_rule_that_nobody_can_use_is_refused_and_kept(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        status, html = await post(office, **RULE | {"sender": "0710000001"})
        assert status == 422 and "A phone number is none." in html and 'value="Kisiwa pay"' in html


async def test_a_rule_that_came_with_mwanga_is_left_out_and_used_again(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        html = await office.html(AT)
        name = html.split('name="name" value="')[1].split('"')[0]
        assert (await post(office, f"{AT}/off", name=name))[0] == 303
        assert f"{name} left out" in await office.page(AT)
        assert (await post(office, f"{AT}/on", name=name))[0] == 303
        assert f"{name} left out" not in await office.page(AT)
