"""Africa's Talking: what its callbacks mean to us; the last ones come from the emulator on a real wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gateways import BadCallback, Fields
from bot.gateways.africastalking import AfricasTalking
from bot.message import Inbound, OptOut, Outbound, Receipt, UssdEnd, UssdTurn
from bot.text.numbers import Sender, SenderKind
from models.messages import State
from models.sql import ms_of
from tests.emulators.africastalking import API_KEY, SERVICE_CODE, USERNAME, Emulator

NAME = "africastalking"
PHONE = "+255710000002"
OWNER = Sender(SenderKind.NUMBER, PHONE)
BUY = "BUY SHS0283 8000"
SMS = {"id": "sms-1", "from": PHONE, "to": "15054", "text": BUY, "networkCode": "64004"}
USSD = {"sessionId": "u-1", "phoneNumber": PHONE, "serviceCode": SERVICE_CODE, "text": "1*SHS0283"}
END = USSD | {"status": "Incomplete", "durationInMillis": "10543"}
REPORT = {"id": "ATXid_1", "status": "Success"}
OPT_OUT = {"senderId": "15054", "phoneNumber": PHONE}


@pytest.fixture
async def at() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def ours(at: Emulator) -> AsyncIterator[AfricasTalking]:
    async with aiohttp.ClientSession() as session:
        account = AfricasTalking.Settings(username=USERNAME, api_key=API_KEY, url=at.url)
        yield AfricasTalking(session, account, address="", country="TZ")


@pytest.mark.parametrize(
    ("form", "meaning"),
    [
        (SMS, Inbound(NAME, "sms-1", OWNER, BUY, "15054", "64004")),
        (SMS | {"from": " 255710000002"}, Inbound(NAME, "sms-1", OWNER, BUY, "15054", "64004")),
        (SMS | {"to": " 255800000009"}, Inbound(NAME, "sms-1", OWNER, BUY, "+255800000009", "64004")),
        (SMS | {"text": ""}, Inbound(NAME, "sms-1", OWNER, "", "15054", "64004")),
        (SMS | {"text": "A\0B"}, Inbound(NAME, "sms-1", OWNER, "AB", "15054", "64004")),
        (
            SMS | {"date": "2026-03-02 09:00:00", "linkId": "9", "new": "?"},
            Inbound(NAME, "sms-1", OWNER, BUY, "15054", "64004", reached_at=1_772_442_000_000),
        ),
        (
            SMS | {"date": "2026-03-02T09:00:00Z"},
            Inbound(NAME, "sms-1", OWNER, BUY, "15054", "64004", reached_at=1_772_442_000_000),
        ),
        (SMS | {"date": "yesterday"}, Inbound(NAME, "sms-1", OWNER, BUY, "15054", "64004")),
        (
            {"id": "2", "from": "M-PESA", "text": "Hi"},
            Inbound(NAME, "2", Sender(SenderKind.ALPHA, "M-PESA"), "Hi"),
        ),
        (
            {"id": "3", "from": "15055", "text": "Hi"},
            Inbound(NAME, "3", Sender(SenderKind.SHORT, "15055"), "Hi"),
        ),
    ],
)
async def test_a_text_comes_in(ours: AfricasTalking, form: Fields, meaning: Inbound) -> None:
    assert ours.parse_sms(form) == meaning


@pytest.mark.parametrize(
    ("form", "meaning"),
    [
        (USSD, UssdTurn(NAME, SERVICE_CODE, "u-1", PHONE, "1*SHS0283")),
        (
            USSD | {"text": "", "networkCode": "64004"},
            UssdTurn(NAME, SERVICE_CODE, "u-1", PHONE, "", "64004"),
        ),
        (USSD | {"text": "*1* 2 *"}, UssdTurn(NAME, SERVICE_CODE, "u-1", PHONE, "*1* 2 *")),
        (USSD | {"phoneNumber": " 255710000002"}, UssdTurn(NAME, SERVICE_CODE, "u-1", PHONE, "1*SHS0283")),
    ],
)
async def test_a_turn_comes_in(ours: AfricasTalking, form: Fields, meaning: UssdTurn) -> None:
    assert ours.parse_ussd(form) == meaning


async def test_the_end_of_a_session_and_an_opt_out_come_in(ours: AfricasTalking) -> None:
    assert ours.parse_ussd_end(END) == UssdEnd(NAME, SERVICE_CODE, "u-1", "Incomplete")
    assert ours.parse_optout(OPT_OUT) == OptOut(NAME, PHONE, stopped=True)


@pytest.mark.parametrize(
    ("status", "failure_reason", "state", "reason"),
    [
        ("Sent", "", State.SENT, ""),
        ("Submitted", "", State.SENT, ""),
        ("Buffered", "", State.SENT, ""),
        ("Success", "", State.DELIVERED, ""),
        ("SUCCESS", "", State.DELIVERED, ""),
        ("Rejected", "", State.FAILED, "refused"),
        ("Failed", "", State.FAILED, "undelivered"),
        ("failed", "", State.FAILED, "undelivered"),
        ("Expired", "", State.FAILED, "undelivered"),
        ("AbsentSubscriber", "", State.FAILED, "undelivered"),
        ("Teleported", "", State.SENT, ""),
        ("Teleported", "UserInBlackList", State.SENT, ""),
        ("Rejected", "InsufficientCredit", State.FAILED, "refused"),
        ("Failed", "InvalidLinkId", State.FAILED, "refused"),
        ("Failed", "UserNotSubscribedToProduct", State.FAILED, "refused"),
        ("Failed", "UserInBlackList", State.FAILED, "opted out"),
        ("Rejected", "userinblacklist", State.FAILED, "opted out"),
        ("Failed", "DoNotDisturbRejection", State.FAILED, "do not disturb"),
        ("Failed", "UserDoesNotExist", State.FAILED, "bad number"),
        ("Failed", "NotNetworkSubscriber", State.FAILED, "bad number"),
        ("Failed", "NotNetworkSubcriber", State.FAILED, "bad number"),
        ("Failed", "InvalidPhoneNumber", State.FAILED, "bad number"),
        ("Rejected", "UserIsInactive", State.FAILED, "undelivered"),
        ("Rejected", "UserAccountSuspended", State.FAILED, "undelivered"),
        ("Failed", "AbsentSubscriber", State.FAILED, "undelivered"),
        ("Failed", "UserMemoryCapacityExceeded", State.FAILED, "undelivered"),
        ("Failed", "DeliveryFailure", State.FAILED, "undelivered"),
        ("Rejected", "SystemError", State.FAILED, "undelivered"),
        ("Failed", "GremlinsOnTheLine", State.FAILED, "undelivered"),
        ("Rejected", "GremlinsOnTheLine", State.FAILED, "refused"),
    ],
)
async def test_a_delivery_report_comes_in(
    ours: AfricasTalking, status: str, failure_reason: str, state: State, reason: str
) -> None:
    form = REPORT | {"status": status} | ({"failureReason": failure_reason} if failure_reason else {})
    word = f"{status}: {failure_reason}" if failure_reason else status
    assert ours.parse_receipt(form) == Receipt(NAME, "ATXid_1", state, word, reason)


@pytest.mark.parametrize(
    ("door", "form", "required"),
    [
        ("parse_sms", SMS, {"id", "from"}),
        ("parse_receipt", REPORT, {"id", "status"}),
        ("parse_ussd", USSD, {"sessionId", "phoneNumber", "serviceCode"}),
        ("parse_ussd_end", END, {"sessionId", "serviceCode", "status"}),
        ("parse_optout", OPT_OUT, {"phoneNumber"}),
    ],
)
async def test_a_callback_without_a_required_field_is_named_for_it(
    ours: AfricasTalking, door: str, form: dict[str, str], required: set[str]
) -> None:
    parse = getattr(ours, door)
    for field in required:
        with pytest.raises(BadCallback, match=f"^{field} is missing$"):
            parse({name: value for name, value in form.items() if name != field})
        with pytest.raises(BadCallback, match=f"^{field} is empty$"):
            parse(form | {field: " "})


@pytest.mark.parametrize(
    ("door", "form", "sentence"),
    [
        ("parse_sms", {"id": "1", "from": PHONE}, "text is missing"),
        ("parse_ussd", {name: USSD[name] for name in USSD if name != "text"}, "text is missing"),
        ("parse_sms", SMS | {"id": "x" * 121}, "id is longer than 120 characters"),
        ("parse_receipt", REPORT | {"id": "x" * 121}, "id is longer than 120 characters"),
        ("parse_ussd", USSD | {"sessionId": "x" * 121}, "sessionId is longer than 120 characters"),
        ("parse_ussd", USSD | {"serviceCode": "*" * 41}, "serviceCode is longer than 40 characters"),
        ("parse_ussd", USSD | {"phoneNumber": "15055"}, "phoneNumber is not a phone number"),
        ("parse_optout", OPT_OUT | {"phoneNumber": "SERVER"}, "phoneNumber is not a phone number"),
    ],
)
async def test_a_callback_that_cannot_be_read_is_refused_in_words(
    ours: AfricasTalking, door: str, form: Fields, sentence: str
) -> None:
    with pytest.raises(BadCallback) as refused:
        getattr(ours, door)(form)
    assert str(refused.value) == sentence


# The emulator against our parsers, on a real wire.


@asynccontextmanager
async def mwanga(at: Emulator, ours: AfricasTalking) -> AsyncIterator[list[object]]:
    """Enough of our side to note what each callback is read as and to answer a turn with its transcript."""
    heard: list[object] = []

    def door(parse: Callable[[Fields], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            form = {name: str(value) for name, value in (await request.post()).items()}
            event = parse(form)
            heard.append(event)
            if not isinstance(event, UssdTurn):
                return web.Response()
            kind = "END" if event.text.endswith("9") else "CON"
            return web.Response(text=f"{kind} You typed: {event.text}")

        return handle

    app = web.Application()
    app.router.add_post("/sms", door(ours.parse_sms))
    app.router.add_post("/delivery", door(ours.parse_receipt))
    app.router.add_post("/ussd", door(ours.parse_ussd))
    app.router.add_post("/ussd-end", door(ours.parse_ussd_end))
    app.router.add_post("/optout", door(ours.parse_optout))
    async with TestServer(app) as server:
        at.callbacks = str(server.make_url("")).rstrip("/")
        yield heard


async def test_somebody_texts(at: Emulator, ours: AfricasTalking) -> None:
    async with mwanga(at, ours) as heard:
        assert await at.sms(PHONE, "BUY shs0283 8,000 & more", id="7") == 200
        assert await at.opt_out(PHONE) == 200
        assert (await at.post("nowhere", {})).status == 404
    nine = ms_of(datetime(2026, 3, 2, 9, tzinfo=UTC))  # as the emulator says
    assert heard == [
        Inbound(NAME, "7", OWNER, "BUY shs0283 8,000 & more", "15054", "64004", reached_at=nine),
        OptOut(NAME, PHONE),
    ]


async def test_somebody_dials_types_and_hangs_up(at: Emulator, ours: AfricasTalking) -> None:
    async with mwanga(at, ours) as heard:
        session = await at.dial(PHONE)
        assert (session.kind, session.text) == ("CON", "You typed: ")
        assert await session.enter("1") == ("CON", "You typed: 1")
        assert await session.enter("SHS 0283") == ("CON", "You typed: 1*SHS 0283")
        same = await asyncio.gather(session.enter("9"), *(session.repeat() for _ in range(9)))
        assert set(same) == {("END", "You typed: 1*SHS 0283*9")}
        with pytest.raises(RuntimeError, match="over"):
            await session.enter("1")
        assert await session.hang_up() == 200
    turns, [end] = heard[:-1], heard[-1:]
    assert len({turn.session_id for turn in turns if isinstance(turn, UssdTurn)}) == 1
    assert isinstance(end, UssdEnd) and end.status == "Success"


async def test_a_deep_dial_starts_with_what_was_dialled(at: Emulator, ours: AfricasTalking) -> None:
    async with mwanga(at, ours):
        session = await at.dial(PHONE, "*384*20*1*SHS0283#")
        assert session.text == "You typed: 1*SHS0283"
        with pytest.raises(ValueError, match=r"not under"):
            await at.dial(PHONE, "*385*20#")


@pytest.mark.parametrize(
    ("reports", "first"),
    [((), False), (("Sent", "Success"), False), (("Success", "Sent"), True), (("Success",) * 3, True)],
)
async def test_reports_come_as_arranged(
    at: Emulator, ours: AfricasTalking, reports: tuple[str, ...], first: bool
) -> None:
    at.reports, at.reports_first = reports, first
    async with mwanga(at, ours) as heard:
        sent = await ours.send(Outbound(1, PHONE, "Hello"))
        assert len(heard) == (len(reports) if first else 0)
        await at.reported()
        assert await at.receipt(sent.external_id, "Failed", "UserInBlackList") == 200
    words = [event.word for event in heard if isinstance(event, Receipt) and event.external_id == sent.external_id]
    assert words == [*reports, "Failed: UserInBlackList"]


async def test_what_arrives_can_be_waited_for(at: Emulator, ours: AfricasTalking) -> None:
    waiting = [
        asyncio.create_task(at.wait_for(2)),
        asyncio.create_task(at.wait_for(lambda messages: any("second" in message.text for message in messages))),
    ]
    reading = asyncio.create_task(at.read(PHONE))
    await ours.send(Outbound(1, PHONE, "The first"))
    assert await reading == "The first"
    assert not any(task.done() for task in waiting)
    await ours.send(Outbound(2, PHONE, "The second"))
    for task in waiting:
        assert [message.text for message in await task] == ["The first", "The second"]
    assert await at.read(PHONE) == "The second"
    with pytest.raises(TimeoutError):
        await at.read(PHONE, timeout=0.01)
    with pytest.raises(TimeoutError):
        await at.wait_for(3, timeout=0.01)
    assert at.messages[0].at <= at.messages[1].at


async def test_an_answer_can_be_late(at: Emulator, ours: AfricasTalking) -> None:
    at.delay = 0.05
    started = asyncio.get_running_loop().time()
    await ours.send(Outbound(1, PHONE, "Hello"))
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_its_balance_can_be_asked(at: Emulator) -> None:
    url = f"{at.url}/version1/user?username={USERNAME}"
    async with aiohttp.request("GET", url, headers={"apiKey": API_KEY}) as response:
        assert await response.json() == {"UserData": {"balance": "TZS 1785.5000"}}
    async with aiohttp.request("GET", url) as response:
        assert response.status == 401
