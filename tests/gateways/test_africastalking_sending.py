"""Africa's Talking: what we ask of it, and what each of its answers is called."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.app import assembled
from bot.config import load
from bot.gateways import africastalking, wire
from bot.gateways.africastalking import AfricasTalking
from bot.gateways.errors import ERRORS, Outcome, SendError
from bot.message import Outbound, Sent
from tests.emulators.africastalking import API_KEY, STATUS_WORDS, USERNAME, Answer, Emulator
from tests.world.run_out import run_out

PREPARE = AfricasTalking.prepare
PHONE = "+255710000002"
MESSAGE = Outbound(1, PHONE, "TOKEN 123 456 789 & 8 days, ref K7Q2M")


def gateway(session: aiohttp.ClientSession, url: str = "", **changes: str) -> AfricasTalking:
    account = {"username": USERNAME, "api_key": API_KEY, "sender": "SERVER", "url": url} | changes
    return AfricasTalking(session, AfricasTalking.Settings(**account), address="", country="TZ")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def at() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
def ours(session: aiohttp.ClientSession, at: Emulator) -> AfricasTalking:
    return gateway(session, at.url)


async def failure(ours: AfricasTalking, message: Outbound = MESSAGE) -> SendError:
    with pytest.raises(SendError) as raised:
        await ours.send(message)
    return raised.value


async def has_one(at: Emulator) -> None:
    """Returns once a request has come."""
    async with asyncio.timeout(60):
        while not at.requests:
            await asyncio.sleep(0)


# What we ask of it.


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"], ids=["does not send", "sends"])
async def test_the_sdk_is_there_before_the_server_listens(
    demo_url: str, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Its import would hold the loop while the first message is sent; who does not send does without."""
    made: list[AfricasTalking] = []
    monkeypatch.setattr(AfricasTalking, "prepare", lambda gateway: made.append(gateway) or PREPARE(gateway))
    async with assembled(load(database=demo_url, africastalking_url=url), serving=False):
        assert ["_sms" in vars(gateway) for gateway in made] == ([True] if url else [])


async def test_a_message_goes_out_as_the_sdk_writes_it(ours: AfricasTalking, at: Emulator) -> None:
    sent = await ours.send(MESSAGE)
    [request], [message] = at.requests, at.messages
    body = {"username": USERNAME, "to": PHONE, "message": MESSAGE.text, "bulkSMSMode": "1"}
    assert request.fields == body | {"from": "SERVER"}
    assert (request.headers["apiKey"], request.headers["Accept"]) == (API_KEY, "application/json")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (message.phone, message.text, message.sender) == (PHONE, MESSAGE.text, "SERVER")
    assert sent == Sent(message.id, parts=1, cost="TZS 22.0000")


async def test_without_a_sender_it_is_left_out(session: aiohttp.ClientSession, at: Emulator) -> None:
    await gateway(session, at.url + "/", sender="").send(MESSAGE)
    assert "from" not in at.requests[0].fields


async def test_any_text_arrives_as_it_left(ours: AfricasTalking, at: Emulator) -> None:
    text = "Malipo & salio: 100% = +5\nÀ bientôt, ƙwarai £€ 😀"
    await ours.send(Outbound(2, PHONE, text))
    assert at.messages[0].text == text


@pytest.mark.parametrize(("username", "host"), [("sandbox", "api.sandbox"), ("mwanga", "api")])
async def test_without_another_address_it_is_the_real_one(username: str, host: str) -> None:
    asked: list[str] = []

    class Resolver(Nowhere):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
            asked.append(f"{host}:{port}")
            raise OSError("no network in tests")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Resolver())) as session:
        await failure(gateway(session, username=username))
    assert asked == [f"{host}.africastalking.com:443"]


async def test_a_number_that_the_sdk_refuses_is_not_sent(ours: AfricasTalking, at: Emulator) -> None:
    assert (await failure(ours, Outbound(3, "0710000002", "Hello"))).error.name == "bad number"
    assert at.requests == []


async def test_each_of_many_messages_at_once_gets_its_own_id(ours: AfricasTalking, at: Emulator) -> None:
    sent = await asyncio.gather(*(ours.send(Outbound(n, PHONE, str(n))) for n in range(200)))
    text_of = {message.id: message.text for message in at.messages}
    assert [text_of[one.external_id] for one in sent] == [str(n) for n in range(200)]


# What its answers are called.

CODES = {
    "risk hold": [401],
    "unknown sender": [402],
    "bad number": [403, 404],
    "no balance": [405],
    "opted out": [406],
    "no route": [407],
    "do not disturb": [409],
    "gateway fault": [500, 501, 502, 599],
    "refused": [408, 499],
    "strange answer": [700],
}
ACCEPTED = [100, 101, 102, 103]
FAILURES = [(code, name) for name, codes in CODES.items() for code in codes]


def test_every_status_code_is_tried() -> None:
    tried = {*ACCEPTED, *(code for code, _ in FAILURES)}
    assert tried >= STATUS_WORDS.keys() | africastalking.STATUS.keys()


@pytest.mark.parametrize("code", ACCEPTED)
async def test_an_accepted_message_has_its_id(ours: AfricasTalking, at: Emulator, code: int) -> None:
    at.answer(Answer(code=code))
    assert (await ours.send(MESSAGE)).external_id == at.messages[0].id


@pytest.mark.parametrize(("code", "name"), FAILURES)
async def test_every_status_code_has_a_name(ours: AfricasTalking, at: Emulator, code: int, name: str) -> None:
    at.answer(Answer(code=code))
    error = await failure(ours)
    assert (error.error.name, error.detail[:3]) == (name, str(code))


@pytest.mark.parametrize(
    ("reason", "name", "detail"),
    [
        ("InvalidSenderId", "unknown sender", "InvalidSenderId"),
        ("invalid sender id", "unknown sender", "invalid sender id"),
        ("InsufficientBalance", "no balance", "InsufficientBalance"),
        ("Error: UserInBlackList", "opted out", "Error UserInBlackList"),
        ("RiskHold", "risk hold", "RiskHold"),
        ("Sent to 0/1 Total Cost: 0", "gateway fault", "Sent to  Total Cost"),
        ("Token 123 456 789 for +255710000002", "gateway fault", "Token    for"),
        ("", "gateway fault", ""),
    ],
)
async def test_no_recipient_is_a_failure_by_its_reason(
    ours: AfricasTalking, at: Emulator, reason: str, name: str, detail: str
) -> None:
    at.answer(Answer(no_recipient=reason))
    error = await failure(ours)
    assert (error.error.name, error.detail) == (name, detail)


HTTP = {
    "refused": [400, 413],
    "unreachable": [404],
    "bad credentials": [401, 403],
    "throttled": [429],
    "gateway fault": [302, 500, 502, 503],
    "timeout": [408, 504],
}


@pytest.mark.parametrize(("status", "name"), [(status, name) for name in HTTP for status in HTTP[name]])
async def test_an_http_failure_has_a_name(ours: AfricasTalking, at: Emulator, status: int, name: str) -> None:
    at.answer(Answer(http=status, page="<html>Sorry</html>"))
    error = await failure(ours)
    assert (error.error.name, error.detail) == (name, f"HTTP {status}")
    assert len(at.requests) == 1


async def test_a_wrong_key_is_bad_credentials(session: aiohttp.ClientSession, at: Emulator) -> None:
    assert (await failure(gateway(session, at.url, api_key="wrong"))).error.name == "bad credentials"


def recipients(*listed: object) -> str:
    return json.dumps({"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": listed}})


TAKEN = {"statusCode": 101, "messageId": "ATXid_9", "messageParts": 2, "cost": "KES 0.8000"}


@pytest.mark.parametrize(
    ("recipient", "sent"),
    [
        (TAKEN, Sent("ATXid_9", 2, "KES 0.8000")),
        (TAKEN | {"messageParts": "None", "cost": 0}, Sent("ATXid_9", 1, "0")),
        (TAKEN | {"messageParts": 10**6, "cost": "x" * 30}, Sent("ATXid_9", 1, "x" * 20)),
        ({"statusCode": 102, "messageId": "ATXid_9"}, Sent("ATXid_9")),
    ],
)
async def test_an_answer_is_read_whatever_its_content_type(
    ours: AfricasTalking, at: Emulator, recipient: dict[str, object], sent: Sent
) -> None:
    at.answer(Answer(page=recipients(recipient)))
    assert await ours.send(MESSAGE) == sent


@pytest.mark.parametrize(
    "page",
    [
        *("", "null", "[]", '"Sent"', "{}", "<html><h1>It works!</h1></html>"),
        '{"SMSMessageData": null}',
        '{"SMSMessageData": {"Message": "Sent to 1/1"}}',
        recipients("ATXid_9"),
        recipients({"statusCode": 101}),
        recipients({"messageId": "ATXid_9"}),
        recipients(TAKEN, TAKEN),
        recipients(TAKEN | {"statusCode": "Success"}),
        *(recipients(TAKEN | {"messageId": bad}) for bad in ("None", "", None, "x" * 121)),
    ],
)
async def test_an_answer_that_cannot_be_read_may_have_taken_the_message(
    ours: AfricasTalking, at: Emulator, page: str
) -> None:
    at.answer(Answer(page=page, taken=True))
    assert (await failure(ours)).error.name == "strange answer"


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(cut=True)])
@pytest.mark.parametrize("taken", [False, True])
async def test_no_answer_is_an_unknown_outcome(ours: AfricasTalking, at: Emulator, answer: Answer, taken: bool) -> None:
    at.answer(replace(answer, taken=taken))
    sending = asyncio.create_task(failure(ours))
    if answer.hang:
        await has_one(at)
        run_out(wire.TIMEOUT)
    error = (await sending).error
    assert (error.name, error.outcome) == ("timeout", Outcome.UNKNOWN)
    assert (len(at.requests), len(at.messages)) == (1, taken)


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{", "timeout"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\n<", "gateway fault"),
        (b"HTTP/1.1 201 Cre", "timeout"),
        (b"220 mail.example.com ESMTP\r\n\r\n", "strange answer"),
        (b"", "timeout"),
    ],
)
async def test_half_an_answer_has_a_name(session: aiohttp.ClientSession, wire: bytes, name: str) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(wire)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await failure(gateway(session, f"http://127.0.0.1:{port}"))).error.name == name


async def test_nobody_listening_is_unreachable(session: aiohttp.ClientSession) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        error = (await failure(gateway(session, url))).error
    assert (error.name, error.outcome) == ("unreachable", Outcome.RETRY)


class Nowhere(AbstractResolver):
    """A name server that never answers."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


async def test_a_name_server_that_does_not_answer_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", aiohttp.ClientTimeout(total=10, connect=0.05))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as session:
        assert (await failure(gateway(session, "http://gateway.invalid"))).error.name == "unreachable"


async def test_a_full_pool_is_unreachable(at: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    at.answer(Answer(hang=True))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        served = asyncio.create_task(gateway(session, at.url).send(MESSAGE))
        await has_one(at)
        monkeypatch.setattr(wire, "TIMEOUT", aiohttp.ClientTimeout(total=10, connect=0.05))
        assert (await failure(gateway(session, at.url))).error.name == "unreachable"
        served.cancel()
    assert len(at.requests) == 1


def test_every_name_in_the_tables_is_an_error_that_the_office_can_read() -> None:
    pairs = [*africastalking.STATUS.values(), *africastalking.DELIVERY.values()]
    named = {error for _, error in pairs} | {*africastalking.FAILURE_REASONS.values()}
    assert named - {""} <= ERRORS.keys()
