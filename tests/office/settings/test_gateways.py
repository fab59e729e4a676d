"""The order of gateways, a message that tries one, and a test of its way."""

from typing import Any

import pytest

from bot.config import Config, load
from bot.outbound.queue import rest
from models.audit import Audit
from models.messages.tables import GatewayState, Outbox
from models.sql import HOUR_MS, now_ms
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite
KANNEL: dict[str, Any] = {
    "kannel_url": "http://127.0.0.1:9/cgi-bin/sendsms",
    "kannel_username": "u",
    "kannel_password": "p",
    "kannel_secret": "s" * 20,
}


@pytest.fixture
def config(demo_url: str) -> Config:
    return load(database=demo_url, **KANNEL)


async def post(office: Office, path: str, **fields: str) -> tuple[int, str]:
    answer = await office.post(path, **fields, csrf=await office.csrf("/settings/gateways"))
    return answer.status, answer.headers.get("Location", "") or await answer.text()


async def seen(office: Office) -> str:
    return (await office.html("/settings/gateways")).split('name="seen" value="')[1].split('"')[0]


async def test_the_order_is_changed_at_once_and_given_back(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        usual = list(office.mwanga.router.order)
        assert usual[-1] == "phones" and "kannel" in usual
        at = "/settings/gateways/order"
        assert (await post(office, at, earlier="phones", seen=await seen(office)))[0] == 303
        assert list(office.mwanga.router.order) == [*usual[:-2], "phones", usual[-2]]
        assert await Audit.filter(action="setting", subject="route", actor="admin").count() == 1
        assert "Order as configured" in await office.page("/settings/gateways")
        status, said = await post(office, at, earlier="kannel", seen="0")
        assert status == 409 and "Somebody else has changed the order" in said
        assert (await post(office, at, earlier="nobody", seen=await seen(office)))[0] == 400
        await post(office, at, back="yes", seen=await seen(office))
        assert list(office.mwanga.router.order) == usual


async def test_a_message_tries_a_gateway_once_and_what_became_of_it_is_seen(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        fields = {"gateway": "kannel", "phone": "0710 000 001", "once": "k1"}
        status, at = await post(office, "/settings/gateways/try", **fields)
        row = await Outbox.get()
        assert (status, at) == (303, f"/settings/gateways?tried={row.id}")
        assert (row.phone, row.gateway, row.kind) == ("+255710000001", "kannel", "office")
        await post(office, "/settings/gateways/try", **fields)
        assert await Outbox.all().count() == 1
        assert "+255710000001" in await office.page(at)
        fragment = await (await office.get(f"/settings/gateways/tried/{row.id}")).text()
        assert "<html" not in fragment and "+255710000001" in fragment


async def test_a_message_that_tries_a_gateway_which_is_down_goes_by_no_other_one_nor_rests(demo_url: str) -> None:
    """It would be said to have gone."""
    async with open_office(load(database=demo_url, **KANNEL, africastalking_url="http://127.0.0.1:9")) as office:
        await office.sign_in()
        await post(office, "/settings/gateways/try", gateway="kannel", phone="0710 000 001", once="k1")
        down = {"failures": 3, "failed_at": now_ms(), "told": "down", "told_at": 1}
        async with office.mwanga.database.work() as db:
            await Outbox.all().update(state="waiting")
            await GatewayState.update_or_create(down, name="kannel")
            await office.mwanga.outbox._failover.look(db, now_ms(), starting=False)
            await rest(db, now_ms() + HOUR_MS)
            row = await Outbox.get()
        assert (row.gateway, row.state) == ("kannel", "waiting")


@pytest.mark.parametrize(("gateway", "phone"), [("kannel", "x"), ("kannel", ""), ("nobody", "0710000001")])
async def test_a_message_that_cannot_go_is_refused(config: Config, gateway: str, phone: str) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        assert (await post(office, "/settings/gateways/try", gateway=gateway, phone=phone))[0] == 422
        assert not await Outbox.exists()


async def test_a_way_is_tested_now_where_its_number_is_known(demo_url: str) -> None:
    async with open_office(load(database=demo_url, **KANNEL, canaries={"kannel": "+255700000055"})) as office:
        await office.sign_in()
        assert "Test kannel now" in await office.page("/settings/gateways")
        assert (await post(office, "/settings/gateways/test", gateway="kannel"))[0] == 303
        assert await Outbox.filter(origin__startswith="canary kannel", phone="+255700000055").count() == 1
        status, said = await post(office, "/settings/gateways/test", gateway="simulator")
        assert status == 422 and "Nobody knows this gateway" in said
