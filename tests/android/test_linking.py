"""How a gateway phone is linked, replaced and shut out while the server runs."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest

from bot.android.streams import KEEP_ALIVE_S, Stream
from models.messages import MessageKind
from models.sql import now_ms
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.emulators.android_calls import API, SIM, Events, Handset, enqueued, linked, state
from tests.world.server import ServerProcess, Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url) as running:
        yield running


async def a_minute_later(at: Serving) -> None:
    """What the outbox does then with an unknown outcome."""
    await at.rows("UPDATE outbox SET state = 'waiting' WHERE state = 'uncertain'")


async def test_a_handset_in_place_of_another_sends_again_what_that_one_may_have_sent(at: Serving) -> None:
    one = await linked(at)
    await enqueued(at, "phone-1", "a token", kind=MessageKind.TOKEN)
    await enqueued(at, "phone-1", "a reminder", kind=MessageKind.REMINDER)
    first = {message["textMessage"]["text"]: message["id"] for message in await one.pull()}
    assert first.keys() == {"a token", "a reminder"}
    two = await linked(at)  # with a new code, on a handset that has never heard of these
    assert await two.pull() == []
    assert await state(at, "a token") == ("uncertain", "timeout")
    assert await state(at, "a reminder") == ("failed", "timeout")
    await a_minute_later(at)
    (again,) = await two.pull()
    assert again["textMessage"]["text"] == "a token" and again["id"] != first["a token"]
    three = await linked(at)
    await a_minute_later(at)
    (third,) = await three.pull()
    assert third["textMessage"]["text"] == "a token" and third["id"] not in (first["a token"], again["id"])
    assert await state(at, "a reminder") == ("failed", "timeout")


async def test_what_the_handset_before_reports_after_all_is_not_sent_again(at: Serving) -> None:
    one = await linked(at)
    await enqueued(at, "phone-1", "a token", kind=MessageKind.TOKEN)
    (message,) = await one.pull()
    two = await linked(at)
    assert await one.report(message["id"], "Sent") == 401, "its token works no more"
    sent = {"messageId": message["id"], "recipient": "+255710000002", "simNumber": 1, "partsCount": 1}
    assert await one.tell("sms:sent", **sent) == 200, "it signs with the same key, and is tried for two days"
    await a_minute_later(at)
    assert await two.pull() == []
    assert await state(at, "a token") == ("sent", "")


async def test_a_handset_in_place_of_a_silent_one_is_not_asked_for_what_its_owner_got_before(at: Serving) -> None:
    await linked(at)
    three_days_ago = now_ms() - 3 * 86_400_000
    await at.rows("UPDATE phone SET linked_at = $1, webhook_at = $1", [three_days_ago])
    async with Events(await linked(at)) as events:
        await enqueued(at, "phone-1", "a reply")
        told = [(await events.next())[0] for _ in range(3)]
    assert told == ["WebhooksUpdated", "SettingsUpdated", "MessageEnqueued"]


async def test_a_password_is_not_for_the_phone_to_choose(at: Serving) -> None:
    phone = await linked(at)
    change = {"currentPassword": phone.password, "newPassword": "1234"}
    assert (await phone.call("PATCH", "/user/password", change))[0] == 501
    assert (await Handset(at).call("PATCH", "/user/password", change))[0] == 401
    assert (await phone.call("GET", "/user/code", Authorization=phone.basic))[0] == 200, "its own still works"


async def test_a_silent_stream_has_a_comment_every_15_seconds() -> None:
    assert KEEP_ALIVE_S == 15
    stream = Stream(keep_alive_s=0.001)
    chunks = stream.chunks()
    assert await anext(chunks) == b": keep-alive\n\n"
    stream.send("MessageEnqueued")
    while (chunk := await anext(chunks)).startswith(b":"):
        pass
    assert chunk == b"event: MessageEnqueued\ndata: {}\n\n"
    stream.close()
    assert [chunk async for chunk in chunks if not chunk.startswith(b":")] == []


async def test_the_app_registers_by_the_private_token_and_by_its_login(demo_url: str, phone_clock: Clock) -> None:
    token = "a private token of the shop"
    async with serving(demo_url, smsgate_token=token) as at:
        url = f"{at.mwanga.config.address}{API}"
        async with Phone(url, phone_clock) as one, Phone(url, phone_clock) as two:
            assert (await one.register(token=token)).status == 201
            await one.sync()
            assert one.complaints == [] and len(one.hooks.key) == 64
            assert (await two.register(login=one.login, password=one.password)).status == 201
            await two.sync()
            assert (two.id, two.hooks.key) == (one.id, one.hooks.key), "another handset in its place"
            await one.pull()
            assert one.line.calls[-1].status == 401
            assert (await one.register(login=one.login, password="wrong")).status == 401


async def test_a_phone_that_did_not_get_our_answer_is_not_linked_twice(demo_url: str) -> None:
    token, device = "a private token of the shop", {"name": "Tecno/KF6", "pushToken": None, "simCards": [SIM]}
    async with serving(demo_url, smsgate_token=token) as at:
        phone = Handset(at)
        _, lost = await phone.call("POST", "/device", device, Authorization=f"Bearer {token}")
        await at.rows("UPDATE phone SET linked_at = linked_at - 10000, seen_at = seen_at - 10000")
        assert await phone.register(f"Bearer {token}") == 201
        assert phone.device == lost["id"]
        await at.rows("UPDATE phone SET linked_at = linked_at - 10000")
        other = Handset(at)
        assert await other.register(f"Bearer {token}") == 201
        assert other.device != phone.device, "that one has called: another of the same model"


async def mwanga_phone(server: ServerProcess, database: str, *words: str) -> str:
    """What `mwanga phone …` says in a process of its own, beside the server."""
    settings = {"MWANGA_DATABASE": database, "MWANGA_PUBLIC_URL": server.address}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "phone", *words),
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return said.decode()


@pytest.mark.slow
async def test_the_command_line_links_pauses_and_shuts_out_a_phone_of_a_running_server(demo_url: str) -> None:
    async with ServerProcess(demo_url) as server, aiohttp.ClientSession(server.address) as client:
        shown = await mwanga_phone(server, demo_url, "add", "Shop phone")
        assert f"{server.address}/smsgate/mobile/v1" in shown.splitlines()
        (code,) = re.findall(r"^code: (\d{6})$", shown, re.MULTILINE)
        phone = Handset(Serving(cast(Any, None), cast(Any, None), client))
        assert await phone.register(f"Code {code}") == 201
        async with Events(phone) as events:
            assert (await events.next())[0] == "WebhooksUpdated"
            listed = await mwanga_phone(server, demo_url, "list")
            assert listed.startswith("Shop phone, phone-1, linked, Tecno KF6, app 1.67.0, SIM 1 Vodacom +255740000001")
            assert await phone.gets("HELP") == 200
            await mwanga_phone(server, demo_url, "pause", "Shop phone")
            assert await phone.pull() == []
            await mwanga_phone(server, demo_url, "unlink", "Shop phone")
            assert (await phone.call("GET", "/message"))[0] == 401
            assert await phone.gets("HELP") == 404
            while (await events.next())[0]:
                pass
