"""What the office's first page shows, over HTTP and on both engines."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.config import Config, load
from bot.gateways.errors import ERRORS
from handlers.office.frame.times import age
from models.messages import State
from models.money.books import keep_check, last_check
from models.sql import now_ms
from tests.world.browser import DAY, HOUR, MINUTE, Office, enqueue_message, open_office, receive_message
from tests.world.people import PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


async def test_the_page_names_gateways_agents_and_their_limits(office: Office) -> None:
    page = await office.page()
    assert "Mwanga Demo" in page
    for gateway in ("africastalking", "simulator"):
        assert f"{gateway} 0 waiting" in page
    for name, phone, limit in (
        ("Asha Mushi", PEOPLE["Asha"], "200,000"),
        ("Juma Said", PEOPLE["Juma"], "50,000"),
        ("Zuhura Ali", PEOPLE["Zuhura"], "200,000"),
    ):
        assert f"{name} {phone} 0 % 0 of TZS {limit} commission due 0" in page
    assert "Nothing is stuck." in page
    assert "Every text was understood." in page


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_a_demo_world_that_others_reach_says_so(demo_url: str, host: str) -> None:
    async with open_office(load(database=demo_url, host=host, demo_in_public=True)) as office:
        said = "This is the demo world, and others can reach it" in await office.page()
    assert said is (host == "0.0.0.0")


async def test_a_sale_is_on_the_page_and_its_token_is_not(office: Office) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    await office.sms("Juma", "BUY EB100042 46000", "1 739164")
    page = await office.page()
    assert "Sales 2 TZS 54,000" in page
    assert "Messages in 4" in page
    assert f"Juma Said {PEOPLE['Juma']} 92 % 46,000 of TZS 50,000 commission due 4,600" in page
    assert f"Asha Mushi {PEOPLE['Asha']} 4 % 8,000 of TZS 200,000 commission due 800" in page
    assert page.index("Juma Said") < page.index("Asha Mushi") < page.index("Zuhura Ali")  # by risk
    html = re.sub(r"\D", "", await office.html())
    for row in await office.ask("SELECT digits FROM token"):
        assert str(row["digits"]) not in html
    for pin in ("482915", "739164"):
        assert pin not in page


async def test_what_was_not_understood_is_counted_and_never_runs(office: Office) -> None:
    evil = '<script>alert(1)</script> "x" <img src=x onerror=alert(1)>'
    await office.sms("Asha", "wxyz qqq", evil)
    await office.sms("Juma", "Wxyz qqq")
    html = await office.html()
    assert "<script" not in html
    assert "<img" not in html
    page = await office.page()
    assert "Not understood today: 3" in page
    assert "xyz qqq 2 times" in page
    assert f"{evil} 1 time" in page


@pytest.mark.parametrize("error", ["bad number", "no route", "too many tries", "undelivered"])
async def test_a_message_that_failed_is_shown_with_its_reason(office: Office, error: str) -> None:
    await enqueue_message(office.db, State.FAILED, error)
    page = await office.page()
    assert f"1 reply message by simulator failed: {ERRORS[error].sentence} To +255710000001 at" in page


@pytest.mark.parametrize("reason", ["stopped", "paid"])
async def test_what_was_withdrawn_is_no_trouble(office: Office, reason: str) -> None:
    await enqueue_message(office.db, State.EXPIRED, reason, kind="reminder")
    page = await office.page()
    assert "Nothing is stuck." in page
    assert ERRORS[reason].sentence not in page


async def test_messages_stuck_for_one_reason_are_one_line_and_tokens_come_first(office: Office) -> None:
    for number in range(5):
        await enqueue_message(office.db, State.FAILED, "bad number", number=number)
    await enqueue_message(office.db, State.EXPIRED, "expired", kind="token", old=50 * HOUR, number=9)
    await enqueue_message(office.db, State.UNCERTAIN, "timeout", old=0, number=8)
    page = await office.page()
    stuck = page[page.index("What is wrong") : page.index("Today")]
    assert stuck.index("1 token message by simulator expired") < stuck.index("5 reply messages")
    assert "+255710000004" in stuck
    assert "and 2 more, the oldest from" in stuck
    assert f"may have gone or not: {ERRORS['timeout'].sentence}" in stuck
    assert "token 123" not in page


async def test_a_message_that_waits_long_is_stuck_and_says_why(office: Office) -> None:
    await enqueue_message(office.db, State.SCHEDULED, "unreachable", old=10 * MINUTE)
    await enqueue_message(office.db, State.SCHEDULED, "throttled", old=MINUTE, number=2)
    page = await office.page()
    assert f"1 reply message by simulator waits: {ERRORS['unreachable'].sentence}" in page
    assert ERRORS["throttled"].sentence not in page
    assert "Waiting 2 the oldest for 10 min" in page
    assert "simulator 2 waiting, the oldest for 10 min" in page


async def test_the_switch_for_outgoing_messages_is_seen(office: Office) -> None:
    await office.ask("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    await enqueue_message(office.db, State.SCHEDULED, "unreachable")
    page = await office.page()
    assert "Outgoing messages are switched off" in page
    assert "waits: Outgoing messages are switched off." in page


async def test_a_paused_gateway_says_until_when_and_what_to_do(office: Office) -> None:
    now = now_ms()
    until = now + 10 * MINUTE
    await office.ask(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert) VALUES "
        "('simulator', 0, $1, 'no balance: <b>InsufficientBalance</b>', $2, $3)",
        now,
        until,
        ERRORS["no balance"].sentence,
    )
    page = await office.page()
    clock = office.mwanga.company.clock(datetime.fromtimestamp(until / 1000, UTC))
    assert f"{ERRORS['no balance'].sentence} Paused until {clock}. It said: <b>InsufficientBalance</b>" in page
    assert "Nothing is stuck" not in page


async def test_a_phone_is_shown_with_all_that_is_known_of_it(office: Office) -> None:
    now = now_ms()
    await office.ask(
        "INSERT INTO phone (id, name, token_hash, former_hash, login, password_hash, code_hash, code_until, "
        "code_tries, signing_key, model, version, push, sims, battery, charging, network, clock_offset, paused, "
        "added_at, linked_at, unlinked_at, seen_at, webhook_at, export_since, lost) VALUES (7, 'Shop <b>', '', '', "
        "'', '', '', 0, 0, '', '', '1.66.0', $2, '[]', 12, $2, 'wifi', 7200, $2, $1, $1, 0, $1, 0, 0, "
        "'Two days are lost.')",
        *(now, False),
    )
    await office.ask(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, round_trip, returned_at, "
        "airtime, airtime_at) VALUES ('phone-7', $1, $1, 'sent', 0, '', 7000, $1, '<i>250', $1)",
        now,
    )
    for number, state in enumerate((State.SENT, State.DELIVERED, State.FAILED)):
        await enqueue_message(office.db, state, number=number, old=0)
    await office.ask("UPDATE outbox SET gateway = 'phone-7'")
    page = await office.page()
    clock = office.mwanga.company.clock(datetime.fromtimestamp(now / 1000, UTC))
    assert "What is wrong, and why Shop <b> (phone-7) is down: Its app is 1.66.0" in page
    about = page[page.index("Shop <b> (phone-7) 0 waiting") :]
    assert about.startswith(
        "Shop <b> (phone-7) 0 waiting Down: Its app is 1.66.0 and gets no messages: install 1.67.0 or newer. "
        "It took the last message. "
        f"Last heard {clock}, last sent {clock}, today 2 sent, 1 lost Battery 12 %. Network wifi. "
        f"Test message back after 7 s at {clock}. Airtime <i>250 at {clock}. "
        "Its clock is 2 h ahead. "
        "It tells no number of its own, so no test message goes out: set canaries.phone-7. Two days are lost."
    )


async def test_a_locked_agent_is_marked(office: Office) -> None:
    await office.ask("UPDATE agent SET locked_at = $1 WHERE phone = $2", datetime.now(UTC), PEOPLE["Zuhura"])
    page = await office.page()
    assert "What is wrong, and why" in page
    assert f"Zuhura Ali ( {PEOPLE['Zuhura']} ) is locked since" in page
    assert f"Zuhura Ali locked {PEOPLE['Zuhura']}" in page
    assert page.count("locked") == 2


async def test_an_agent_at_whose_pin_many_guess_is_named(office: Office) -> None:
    await office.ask(
        "INSERT INTO guess (name, wrong, since) VALUES ($1, 10, $2)", f"lock of {PEOPLE['Zuhura']}", now_ms()
    )
    assert "Many wrong PINs came with LOCK for Zuhura Ali" in await office.page()


async def test_a_text_that_was_cut_is_counted(office: Office) -> None:
    await office.sms("Asha", "x" * 2_000)
    assert "1 message that came in had more than 1,600 characters and was cut." in await office.page()


async def test_messages_that_broke_us_or_came_too_often_are_shown(office: Office) -> None:
    for number, (state, outcome, error) in enumerate(
        (("failed", "failed", "ValueError at quote:85"), ("done", "capped", ""), ("done", "capped", ""))
    ):
        await receive_message(office.db, now_ms(), number=number, state=state, outcome=outcome, error=error)
    page = await office.page()
    assert "1 message that came in could not be handled" in page
    assert "ValueError at quote:85" in page
    assert "2 messages that came in got no answer" in page


async def test_refused_callbacks_are_counted(office: Office) -> None:
    for path in ("africastalking/demo", "africastalking/wrong", "africastalking/wrong", "nobody/wrong"):
        await office.post(f"/gateways/{path}/sms", id="only an id")
    page = await office.page()
    assert "1 callback from africastalking could not be read today: " in page
    assert "2 callbacks came with a wrong secret" in page


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7_199, "119 min"),
        (7_200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
    ],
)
def test_an_age_is_said_in_a_unit_that_fits(seconds: int, said: str) -> None:
    assert age(10 * DAY, 10 * DAY - seconds * 1_000) == said


async def test_the_page_says_how_the_books_are(office: Office) -> None:
    """They are added up for the first time as the server starts."""
    async with asyncio.timeout(20):
        while await last_check() is None:
            await asyncio.sleep(0.01)
    assert "All books added up at" in await office.page()
    async with office.mwanga.database.work():
        await keep_check("Account 1 says 5, and its lines add up to 4 (bank, 0).")
    page = await office.page()
    assert "The books do not add up" in page and "Account 1 says 5" in page and "mwanga check --books" in page
