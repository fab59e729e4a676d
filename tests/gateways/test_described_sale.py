"""Described gateways at work: mistakes in a description, the names of a gateway's answers, a whole sale by one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.config import ConfigError, checked, load
from bot.gateways import wire
from bot.gateways.description import PRESETS, read_descriptions
from bot.gateways.errors import SendError
from bot.message import Outbound, Sent
from bot.outbound import NewMessage, enqueue
from bot.text import plain
from models.messages import MessageKind
from models.sql import now_ms
from tests.emulators.aggregator import Aggregator, listening
from tests.world.described import HTTPSMS, PIGEON, TEXTBEE, gateway
from tests.world.people import PEOPLE
from tests.world.run_out import run_out
from tests.world.server import PATIENCE_S, Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite

GOOD = {"secret": "s" * 16, "account": {"key": "k"}, "sender": "15054"}
SETTINGS = {"secret_key": "s" * 32, "help_phone": "+255700000000"}
MESSAGE = Outbound(42, PEOPLE["Baraka"], "TOKEN 123 456 789")


def changed(**send: Any) -> dict[str, Any]:
    """The good description with another request."""
    return PIGEON | GOOD | {"send": PIGEON["send"] | send}


# Mistakes.


@pytest.mark.parametrize(
    ("name", "table", "sentence"),
    [
        ("pigeon", PIGEON | GOOD | {"colour": "grey"}, ".colour: there is no such key."),
        ("pigeon", {"secret": "s" * 16, "callbacks": "form"}, ".send: this is missing."),
        ("pigeon", 5, ": this is a table, [gateways.NAME]."),
        ("kannel", PIGEON | GOOD, ": the name is taken by a gateway of our own."),
        ("phone-3", PIGEON | GOOD, ": the name is taken by a gateway of our own."),
        ("phone-shop", PIGEON | GOOD, ": the name is taken by a gateway of our own."),
        ("none", PIGEON | GOOD, ": the name is taken by a gateway of our own."),
        (
            "Pigeon Post",
            PIGEON | GOOD,
            ": a name has small letters, digits and -, 40 at most, and begins with a letter.",
        ),
        ("pigeon", {"preset": "owl"}, ".preset: there is httpsms, textbee."),
        (
            "pigeon",
            PIGEON | GOOD | {"secret": "short"},
            ".secret: it needs 16 characters or more, since it guards the callbacks.",
        ),
        (
            "pigeon",
            PIGEON | GOOD | {"secret": "${NO_SUCH_NAME} and more letters"},
            ".secret: the environment has no NO_SUCH_NAME.",
        ),
        ("pigeon", PIGEON | GOOD | {"sender": ""}, ".sender: the request has {sender}, and this is empty."),
        ("pigeon", PIGEON | GOOD | {"errors": {"x": "oops"}}, ".errors: x is to be one of: unreachable, "),
        ("pigeon", PIGEON | GOOD | {"account": {"key": "a\nb: c"}}, ".send.headers: no header can have line ends,"),
        ("pigeon", PIGEON | GOOD | {"account": {"key": "k", "id": "i"}}, ".account.id: id is a name of ours."),
        (
            "pigeon",
            changed(form={"to": "{phone}", "dlr": "{delivery_url}"}),
            ".send: {text} is nowhere in the request.",
        ),
        ("pigeon", changed(url="https://x/{region}"), ".send: {region} is none of ours and not in account."),
        ("pigeon", changed(json={"to": "{phone}"}), ".send: a request has one body, form, json or text."),
        ("pigeon", changed(form=None, json={"at": inf}), ".send.json: JSON has no dates and no infinity."),
        ("pigeon", changed(headers={"no name": "x"}), ".send.headers: no name is no name of a header."),
        ("pigeon", changed(method="GET"), ".send: a GET has no body; put it into send.query."),
        ("pigeon", changed(method="SING"), ".send.method: Input should be 'GET', 'POST' or 'PUT'."),
        (
            "pigeon",
            changed(url="x.example.org"),
            ".send.url: a whole address without ?; what follows that is send.query.",
        ),
        (
            "pigeon",
            changed(headers={"T": "{text}"}),
            ".send.headers: {text} may have line ends, which no header can have.",
        ),
        (
            "pigeon",
            changed(id="", form={"to": "{phone}", "m": "{text}"}),
            ".send.id: say where the answer has it, or send",
        ),
        (
            "pigeon",
            PIGEON | GOOD | {"delivery": None},
            ".delivery: the request has {delivery_url}, and this is missing.",
        ),
    ],
)
def test_each_mistake_in_a_description_has_its_sentence(name: str, table: Any, sentence: str) -> None:
    assert read_descriptions({"pigeon": PIGEON | GOOD | {"account": {"key": "k", "code": 7}}})[1] == []
    problems = load(**SETTINGS, gateways={name: table}).problems()
    assert any(problem.startswith(f"gateways.{name}{sentence}") for problem in problems), problems


@pytest.mark.parametrize("preset", PRESETS)
def test_a_shipped_description_needs_only_the_account(preset: str) -> None:
    table = {"secret": "s" * 16} | {"textbee": TEXTBEE, "httpsms": HTTPSMS}[preset]
    assert checked(load(**SETTINGS, gateways={"cloud": table}, route="cloud")).described[0].keys() == {"cloud"}
    problems = read_descriptions({"cloud": {"preset": preset, "secret": "s" * 16}})[1]
    assert problems and all(problem.startswith("gateways.cloud.") for problem in problems)


def test_a_description_is_read_from_the_file_and_its_secrets_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("mwanga.toml").write_text(
        '[gateways.cloud]\npreset = "httpsms"\nsecret = "${CLOUD_SECRET}"\nsender = "+255713000111"\n'
        'account = { api_key = "key-${CLOUD_KEY}" }\nsend = { url = "https://sms.example.org/v1/messages/send" }\n'
    )
    monkeypatch.setenv("CLOUD_SECRET", "c" * 16)
    monkeypatch.setenv("CLOUD_KEY", "1")
    config = load(**SETTINGS)
    assert config.problems() == []
    cloud = config.described[0]["cloud"]
    assert (cloud.secret.get_secret_value(), cloud.account) == ("c" * 16, {"api_key": "key-1"})
    assert (cloud.send.url, cloud.send.id) == ("https://sms.example.org/v1/messages/send", "")
    assert "cccc" not in repr(config) + repr(cloud) and "key-" not in repr(config) + repr(cloud)


async def test_a_server_with_a_mistake_in_a_description_does_not_start(demo_url: str) -> None:
    with pytest.raises(ConfigError, match=r"gateways\.pigeon\.send: this is missing"):
        async with serving(demo_url, gateways={"pigeon": {"secret": "s" * 16, "callbacks": "form"}}):
            pass


# An aggregator.


@pytest.fixture
async def aggregator() -> AsyncIterator[Aggregator]:
    async with listening() as aggregator:
        yield aggregator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


ANSWERS = {
    (200, Aggregator.taken(7)): Sent("p7", 1, "TZS 20"),
    (201, '{"ok": "QUEUED", "data": [{"id": 8}]}'): Sent("8"),
    (200, '{"ok": false, "error": "No credit left"}'): "no balance",
    (200, '{"ok": false, "error": "E12: who?"}'): "bad number",
    (200, '{"ok": false, "error": "E129"}'): "refused",
    (200, '{"error": "No credit left"}'): "no balance",
    (200, '{"error": "who knows"}'): "strange answer",
    (200, '{"ok": true, "data": []}'): "strange answer",
    (200, "<html>It works!</html>"): "strange answer",
    (302, ""): "gateway fault",
    (400, '{"error": "E12, not a token: 123 456 789"}'): "bad number",
    (400, "E12"): "refused",
    (402, ""): "no balance",
    (404, ""): "unreachable",
    (418, ""): "throttled",
    (429, ""): "throttled",
    (500, Aggregator.taken(7)): "gateway fault",
    (504, ""): "timeout",
}


@pytest.mark.parametrize(("status", "text", "meaning"), [(*answer, meaning) for answer, meaning in ANSWERS.items()])
async def test_every_answer_has_a_name(
    session: aiohttp.ClientSession, aggregator: Aggregator, status: int, text: str, meaning: Sent | str
) -> None:
    ours = gateway(PIGEON | {"send": PIGEON["send"] | {"url": aggregator.url}}, session)
    aggregator.answers.append((status, text))
    if isinstance(meaning, Sent):
        assert await ours.send(MESSAGE) == meaning
    else:
        with pytest.raises(SendError) as error:
            await ours.send(MESSAGE)
        assert error.value.error.name == meaning
        assert "123" not in error.value.detail
    assert len(aggregator.forms) == 1


@pytest.mark.parametrize(("said", "taken"), [("OK 1", True), (" ok", True), ("NOT OK", False), ("", False)])
async def test_an_answer_that_is_no_json_is_told_by_how_it_begins_and_then_the_id_is_ours(
    session: aiohttp.ClientSession, aggregator: Aggregator, said: str, taken: bool
) -> None:
    send = PIGEON["send"] | {"url": aggregator.url, "success": {"in": ["OK"]}, "id": "", "error": ""}
    aggregator.answers.append((200, said))
    ours = gateway(PIGEON | {"send": send}, session)
    if taken:
        assert await ours.send(MESSAGE) == Sent("42")
    else:
        with pytest.raises(SendError, match="refused"):
            await ours.send(MESSAGE)


async def test_no_answer_is_an_unknown_outcome_and_nobody_there_is_none(
    session: aiohttp.ClientSession, aggregator: Aggregator
) -> None:
    aggregator.hangs = True
    ours = gateway(PIGEON | {"send": PIGEON["send"] | {"url": aggregator.url}}, session)
    sending = asyncio.create_task(ours.send(MESSAGE))
    await aggregator.wait_for(1)
    run_out(wire.TIMEOUT)
    with pytest.raises(SendError, match="timeout"):
        await sending
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/send"
        with pytest.raises(SendError, match="unreachable"):
            await gateway(PIGEON | {"send": PIGEON["send"] | {"url": url}}, session).send(MESSAGE)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_request_goes_out_once_though_its_connection_breaks(
    session: aiohttp.ClientSession, aggregator: Aggregator, method: str
) -> None:
    send = PIGEON["send"] | {"url": aggregator.url, "method": method}
    if method == "GET":
        send = {key: value for key, value in send.items() if key != "form"} | {"query": send["form"]}
    aggregator.breaks = True
    with pytest.raises(SendError, match="timeout"):
        await gateway(PIGEON | {"send": send}, session).send(MESSAGE)
    assert len(aggregator.forms) == 1


# The doors of a whole server.

DOOR = "/gateways/pigeon/" + "s" * 16


@pytest.fixture
async def at(demo_url: str, aggregator: Aggregator) -> AsyncIterator[Serving]:
    table = PIGEON | GOOD | {"account": {"key": "k", "code": 7}, "answer": "ACK"}
    table["send"] = PIGEON["send"] | {"url": aggregator.url}
    async with serving(demo_url, gateways={"pigeon": table}, route="pigeon") as running:
        yield running


async def text(at: Serving, number: int, body: str) -> tuple[int, str]:
    form = {"msg": f"m{number}", "msisdn": PEOPLE["Asha"].removeprefix("+"), "shortcode": "15054", "body": body}
    async with at.client.post(f"{DOOR}/sms", data=form) as response:
        return response.status, await response.text()


async def test_a_whole_sale_goes_by_a_described_gateway(at: Serving, aggregator: Aggregator) -> None:
    for _ in range(2):
        assert await text(at, 1, "BUY SHS0283 8000") == (200, "ACK")
    assert (await aggregator.wait_for(1))[0]["text"].startswith("Sell 8 days for TZS 8,000")
    assert await text(at, 2, "1 482915") == (200, "ACK")
    forms = await aggregator.wait_for(3)
    sold, code = sorted(forms[1:], key=lambda form: form["to"])
    assert sold["text"].startswith("SOLD TZS 8,000, 8 days") and sold["from"] == "15054"
    assert [form["to"] for form in (forms[0], sold, code)] == ["255700000001", "255700000001", "255710000002"]
    rows = await at.rows("SELECT gateway, phone FROM outbox ORDER BY id")
    assert {row["gateway"] for row in rows} == {"pigeon"} and len(rows) == 3
    for number in (1, 2, 3):
        async with at.client.post(f"{DOOR}/delivery", data={"msg": f"p{number}", "state": "DELIVRD"}) as response:
            assert (response.status, await response.text()) == (200, "ACK")
    async with asyncio.timeout(60):
        while await at.rows("SELECT 1 FROM outbox WHERE state <> 'delivered'"):
            await asyncio.sleep(0)


async def enqueued(at: Serving, gateway: str, count: int) -> None:
    """So many messages leave by a gateway."""
    texts = [f"{gateway} {number}" for number in range(count)]
    async with at.mwanga.database.work():
        await enqueue([NewMessage(each, PEOPLE["Asha"], each, MessageKind.REPLY, gateway) for each in texts], now_ms())
    at.mwanga.outbox.notify()


async def test_a_gateway_that_hangs_takes_no_connection_from_another(
    at: Serving, aggregator: Aggregator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", aiohttp.ClientTimeout(total=PATIENCE_S))  # so many requests may take long
    aggregator.hangs = True
    await enqueued(at, "pigeon", 40)
    await aggregator.wait_for(32)  # as many as are under way to it
    await enqueued(at, "africastalking", 1)
    async with asyncio.timeout(60):
        while not (sent := await at.rows("SELECT tries FROM outbox WHERE state = 'sent'")):
            await asyncio.sleep(0.01)
    assert sent == [{"tries": 1}]
    aggregator.let_go.set()


@pytest.mark.parametrize("text", ["1482915", "1\n482915", "1 ٤٨٢٩١٥"])
async def test_a_call_without_its_signature_is_counted_and_kept_without_its_pin(demo_url: str, text: str) -> None:
    table = TEXTBEE | {"secret": "s" * 16}
    async with serving(demo_url, gateways={"pigeon": table}) as at:
        async with at.client.post(f"{DOOR}/sms", json={"sender": PEOPLE["Asha"], "message": text}) as response:
            assert response.status == 401
        assert at.metric("mwanga_callbacks_refused_total", gateway="pigeon", reason="signature") == 1
        assert await at.rows("SELECT 1 FROM inbox") == []
        [kept] = await at.rows("SELECT reason, body FROM refused")
    assert kept["reason"] == "X-Signature does not fit the body" and "*****" in kept["body"]
    assert "82915" not in plain(kept["body"])
