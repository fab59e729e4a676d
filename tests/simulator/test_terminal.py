"""`mwanga chat`: what is piped in is texted or dialled, what comes back is printed."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from bot.app import build_app
from bot.cli.chat import warn_of_real_people
from bot.config import Config
from bot.server import Server
from bot.simulator import terminal
from models.audit import Audit
from models.sql import execute
from tests.world.people import PEOPLE
from tests.world.reminded import leave_nothing_due

pytestmark = pytest.mark.everyday_on_sqlite

Type = Callable[[str], None]
Capsys = pytest.CaptureFixture[str]
SALE = "BUY SHS0283 8000\n1 482915\n"


@pytest.fixture(params=["pipe", "file"])
def typed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Type]:
    """Make a text the standard input: through a pipe, which may keep us waiting, or as a file, which may not."""

    opened: list[TextIOWrapper] = []

    def put(text: str) -> None:
        if request.param == "file":
            (tmp_path / "typed").write_text(text)
            opened.append((tmp_path / "typed").open())
        else:
            source, sink = os.pipe()
            os.write(sink, text.encode())
            os.close(sink)
            opened.append(os.fdopen(source))
        monkeypatch.setattr(sys, "stdin", opened[-1])

    yield put
    for file in opened:
        file.close()


async def texted(mwanga: Server, name: str, capsys: Capsys) -> list[str]:
    """What was printed below the first line, a message each."""
    await terminal.text(mwanga, PEOPLE[name])
    return re.split(r"\n(?=[<(])", capsys.readouterr().out.strip())[1:]


async def dialled(mwanga: Server, name: str, capsys: Capsys) -> str:
    await terminal.dial(mwanga, PEOPLE[name])
    return capsys.readouterr().out


async def test_each_line_is_a_text_and_its_reply_follows(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed(SALE)
    question, receipt = await texted(mwanga, "Asha", capsys)
    assert question.startswith("< Sell 8 days for TZS 8,000 to BARAKA P., SHS0283?")
    assert receipt.startswith("< SOLD TZS 8,000, 8 days\n  BARAKA P. SHS0283\n  Code ")


@pytest.mark.parametrize(
    ("answer", "heard"), [("1", "< SHS0283\n  Code 459 820 794"), ("2", "< Not paid: TZS 5,000, SHS0283. You said no")]
)
async def test_the_phone_rings_and_is_answered(
    mwanga: Server, typed: Type, capsys: Capsys, answer: str, heard: str
) -> None:
    typed(f"BUY 5000\n{answer}\n")
    asked, said = re.split(r"\n(?=<)", "\n".join(await texted(mwanga, "Baraka", capsys)))
    assert asked.endswith("\n[M-Pesa] Pay TZS 5,000 to Mwanga Demo for SHS0283? Type 1 to pay, 2 to refuse.")
    assert said.startswith(heard)


async def test_the_phone_rings_behind_a_dialled_session(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("2\n5000\n1\n")
    shown = await dialled(mwanga, "Baraka", capsys)
    assert "Now your phone asks for your M-Pesa PIN." in shown
    assert "[M-Pesa] Pay TZS 5,000 to Mwanga Demo" in shown and "< SHS0283\n  Code 459 820 794" in shown


async def test_a_last_line_without_its_end_counts(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("HELP\nCASH")
    assert len(await texted(mwanga, "Asha", capsys)) == 2


async def test_nothing_typed_sends_nothing(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("\n  \n")
    assert await texted(mwanga, "Asha", capsys) == []
    assert await execute(mwanga.database.client, "SELECT * FROM inbox") == []


async def test_silence_is_told(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("hello\nhello again\n")
    first, second = await texted(mwanga, "Stranger", capsys)
    assert "does not know this number" in first and second == "(no reply)"


async def test_what_is_not_handled_in_time_is_told(
    mwanga: Server, typed: Type, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "WAIT_S", 0.2)
    mwanga.worker.stop()
    typed("HELP\n")
    assert await texted(mwanga, "Asha", capsys) == ["(not handled yet)"]


async def test_news_is_printed_once_and_old_messages_are_not(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed(SALE)
    await texted(mwanga, "Asha", capsys)
    typed("TOKEN\n\n")
    assert len(await texted(mwanga, "Baraka", capsys)) == 1


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("Asha", "Asha Mushi, agent, +255700000001"),
        ("Baraka", "Baraka Peter, customer, +255710000002"),
        ("Stranger", "+255799999999, unknown here"),
    ],
)
async def test_the_first_line_says_who_one_is_and_how_to_leave(
    mwanga: Server, typed: Type, capsys: Capsys, name: str, who: str
) -> None:
    typed("")
    await terminal.text(mwanga, PEOPLE[name])
    first = capsys.readouterr().out
    assert first.startswith(f"You are {who}.") and "Ctrl-D leaves" in first and first.isascii()


async def test_who_chats_as_a_real_person_is_warned_and_noted(mwanga: Server, capsys: Capsys) -> None:
    await warn_of_real_people(mwanga, PEOPLE["Baraka"])
    assert capsys.readouterr().err == "" and not await Audit.exists(), "the demo's people are nobody"
    await execute(mwanga.database.client, "DELETE FROM setting WHERE name = 'demo'")
    await warn_of_real_people(mwanga, PEOPLE["Baraka"])
    assert "This is no demo: what you send counts as if +255710000002 had sent it" in capsys.readouterr().err
    assert await Audit.all().values_list("actor", "action", "subject") == [("command line", "chat", PEOPLE["Baraka"])]


async def test_a_sale_by_dialling(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("1\nSHS0283\n8000\n1\n482915\n")
    printed = await dialled(mwanga, "Asha", capsys)
    screen, sms = re.findall(r"^(?:< )?SOLD TZS 8,000, 8 days\n *BARAKA P\. SHS0283\n *Code (.*)$", printed, re.M)
    assert screen == sms
    assert printed.index("1. Sell") < printed.index("Serial number?") < printed.index("Amount paid?")
    assert "Enter dials again" in printed


@pytest.mark.parametrize("again", ["", "*384*20#", "*384*20*1#"])
async def test_after_the_end_one_dials_again(mwanga: Server, typed: Type, capsys: Capsys, again: str) -> None:
    typed(f"1\nSHS0283\n8000\n2\n{again}\n")
    printed = await dialled(mwanga, "Asha", capsys)
    ended, after = printed.split("Enter dials again, Ctrl-D leaves.)\n")
    assert "Not sold." in ended
    assert after.startswith("Mwanga Demo\n1. Sell" if "*1" not in again else "Serial number?")


async def test_leaving_hangs_up(mwanga: Server, typed: Type, capsys: Capsys) -> None:
    typed("1\n")
    await dialled(mwanga, "Asha", capsys)
    rows = await execute(mwanga.database.client, "SELECT open FROM ussdsession")
    assert [bool(row["open"]) for row in rows] == [False]


async def chat(url: str, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "chat", "--phone", PEOPLE["Asha"], *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"MWANGA_DATABASE": url},
    )


@pytest.mark.parametrize("beside_a_server", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_the_real_command_sells_alone_and_beside_a_server(config: Config, beside_a_server: bool) -> None:
    await leave_nothing_due(config.database)
    server = TestServer(build_app(config))
    if beside_a_server:
        await server.start_server()
    try:
        process = await chat(config.database)
        out, errors = await process.communicate(SALE.encode())
    finally:
        await server.close()
    assert (process.returncode, errors) == (0, b"")
    assert re.findall(r"^< (Sell 8 days|SOLD TZS 8,000)", out.decode(), re.M) == [
        "Sell 8 days",
        "SOLD TZS 8,000",
    ]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A run that was started in the background ignores interrupts, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
async def test_the_real_command_ends_at_once_when_it_is_interrupted(config: Config) -> None:
    process = await chat(config.database)
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 130 and b"Traceback" not in errors
