"""The first page, over HTTP: what needs somebody with what mends it, how today goes, and how all is."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.config import Config, load
from bot.gateways.errors import ERRORS
from handlers.office.frame.times import age, when
from handlers.office.home import machine
from handlers.office.home.machine import Machine, write_size
from models.audit import Audit
from models.clock import CLOCK, Doubt
from models.messages import State, beats
from models.money import disputes, hand_in, receiving
from models.money.books import keep_check, last_check
from models.money.ledger import AccountKind, Posting, post
from models.office import overview
from models.people import Agent, Customer, OfficeRole, OfficeUser
from models.settings import Setting
from models.sql import HOUR_MS, now_ms
from models.tickets import Category, Ticket, tickets
from tests.world.browser import DAY, HOUR, MINUTE, Office, enqueue_message, open_office, receive_message
from tests.world.people import PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite
DISK = Machine("0.1.0", 0, 41, 20_000_000_000)


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


def sections(page: str) -> str:
    """What stands before the figures of today."""
    return page[: page.index("Today as of")]


async def press(office: Office, path: str, **fields: str) -> str:
    """Press a button of the first page; where it leads."""
    html = await office.html()
    assert f'action="{path}"' in html
    response = await office.post(path, csrf=await office.csrf("/"), **fields)
    assert response.status == 303
    return response.headers["Location"]


# --- How things are


async def test_the_page_names_gateways_agents_and_their_limits(office: Office) -> None:
    page = await office.page()
    assert "Mwanga Demo" in page and "Nothing needs you." in page and "Every text was understood." in page
    assert "africastalking Receives only" in page
    assert re.search("simulator .*(Not used yet|Working) [0-9]+ sent today", page)
    for name, phone, limit in (
        ("Asha Mushi", PEOPLE["Asha"], "200,000"),
        ("Juma Said", PEOPLE["Juma"], "50,000"),
        ("Zuhura Ali", PEOPLE["Zuhura"], "200,000"),
    ):
        assert f"{name} {phone} 0 0 % {limit} 0" in page


async def test_cash_of_agents_who_are_not_listed_is_added_up_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    await office.sms("Juma", "BUY EB100042 46000", "1 739164")
    monkeypatch.setattr(overview, "MOST_AGENTS", 1)
    page = await office.page()
    assert "Cash with agents TZS 54,000" in page and "Asha Mushi" not in page


@pytest.mark.usefixtures("one_moment")
async def test_a_sale_is_on_the_page_and_its_token_is_not(office: Office) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    await office.sms("Juma", "BUY EB100042 46000", "1 739164")
    page = await office.page()
    assert "Sales 2 TZS 54,000" in page and "Messages in 4" in page
    assert f"Juma Said {PEOPLE['Juma']} 46,000 92 % 50,000 4,600" in page
    assert f"Asha Mushi {PEOPLE['Asha']} 8,000 4 % 200,000 800" in page
    assert page.index("Juma Said") < page.index("Asha Mushi") < page.index("Zuhura Ali")  # by risk
    html = re.sub(r"\D", "", re.sub(r'value="[^"]*"', "", await office.html()))
    for row in await office.ask("SELECT digits FROM token"):
        assert str(row["digits"]) not in html
    for pin in ("482915", "739164"):
        assert pin not in page


async def test_each_day_of_the_month_has_a_bar(office: Office) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):  # no day ends meanwhile
        await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
        html = await office.html()
        today = datetime.now(office.mwanga.company.zone)
    chart = html[html.index('<svg class="chart"') : html.index("</svg>", html.index('<svg class="chart"'))]
    bars = re.findall(r"<title>(.*?)</title>", chart)
    assert len(bars) == today.day
    assert bars[-1].endswith(": TZS 8,000, 1 sale")


async def test_a_gateway_has_a_bar_for_each_hour_of_a_day(office: Office) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):  # no hour ends meanwhile
        hour = now_ms() // HOUR_MS * HOUR_MS
        async with office.mwanga.database.work():
            await beats.write("simulator", [beats.Beat(hour - HOUR_MS, 40, 20), beats.Beat(hour - 2 * HOUR_MS, 60)])
        html = await office.html()
    bar = html[html.index('<svg class="beat"') : html.index("</svg>", html.index('<svg class="beat"'))]
    assert len(re.findall("<rect", bar)) == 24
    titles = re.findall(r"<title>\d\d:00: (.*?)</title>", bar)
    assert titles[-3:-1] == ["working", "down for 20 min"] and titles[0] == "nobody looked"


@pytest.mark.usefixtures("one_moment")
@pytest.mark.parametrize("role", list(OfficeRole))
async def test_a_token_that_somebody_typed_is_starred_for_everybody(office: Office, role: OfficeRole) -> None:
    """A customer who writes back the code, or the agent's PIN, is not understood, and stands on the first page."""
    await office.sms("Asha", "5893 4112 0074 6621 9930 xyzzy", "blorp 482915 blorp")
    await office.become(role)
    html, words = await office.html(), await office.page()
    html = re.sub('(value|data-mark)="[0-9a-f]{16,}"', "", html)  # six digits may stand in a form's own key by chance
    assert "5893 4112" not in html and "58934112" not in html and "482915" not in html
    assert "**** **** **** **** **** xyzzy" in words and "Not understood today 2" in words


@pytest.mark.usefixtures("one_moment")
async def test_what_was_not_understood_has_a_name_and_never_runs(office: Office) -> None:
    evil = '<script>alert(1)</script> "x" <img src=x onerror=alert(1)>'
    await office.sms("Asha", "wxyz qqq", evil)
    await office.sms("Juma", "Wxyz qqq")
    html = await office.html()
    assert "<script>" not in html and "<img" not in html
    page = await office.page()
    assert "Not understood today 3" in page
    assert "xyz qqq” 2 people" in page
    assert f"{evil}” Asha Mushi" in page


async def test_the_page_says_how_the_server_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The books are added up for the first time as the server starts."""
    monkeypatch.setattr("handlers.office.home.reading.look_at_machine", lambda _server: DISK)
    async with asyncio.timeout(60):
        while await last_check() is None:
            await asyncio.sleep(0.01)
    page = await office.page()
    assert "All books added up at" in page and "Disk 41 % full. Mwanga 0.1.0, up since" in page
    assert "No backup is known." in page and "The clock is right." in page
    await office.ask("INSERT INTO setting (name, value) VALUES ('last backup', '1795000000000 31400000 mwanga.db')")
    async with office.mwanga.database.work():
        await keep_check("Account 1 says 5, and its lines add up to 4 (bank, 0).")
    page = await office.page()
    assert "read again, 31 MB." in page
    assert "The books do not add up , as of" in page and "Account 1 says 5" in sections(page)


@pytest.mark.parametrize(
    ("size", "said"), [(10, "1 kB"), (31_400_000, "31 MB"), (2_400_000_000, "2.4 GB"), (31_000_000_000, "31 GB")]
)
def test_a_size_is_said_in_a_unit_that_fits(size: int, said: str) -> None:
    assert write_size(size) == said


@pytest.mark.parametrize(
    ("used", "free", "full"),
    [
        (50, 400_000_000, True),
        (95, 9_000_000_000, True),
        (95, 90_000_000_000, False),
        (41, machine.LITTLE, False),
    ],
)
def test_a_disk_is_nearly_full_by_what_is_left(used: int, free: int, full: bool) -> None:
    assert Machine("", 0, used, free).is_nearly_full is full


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


async def stop_alerts(office: Office) -> None:
    """They look by themselves every few seconds: then the page says since when as well."""
    [looking] = [task for task in asyncio.all_tasks() if task.get_name() == "alerts"]
    office.mwanga.alerts.stop()
    await looking


@pytest.mark.usefixtures("one_moment")
async def test_a_phone_is_shown_with_all_that_is_known_of_it(office: Office) -> None:
    await stop_alerts(office)
    now = now_ms()
    await link_phone(office, "Shop <b>", now, version="1.66.0")
    await office.ask(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, round_trip, returned_at, "
        "airtime, airtime_at) VALUES ('phone-7', $1, $1, 'sent', 0, '', 7000, $1, '<i>250', $1)",
        now,
    )
    for number, state in enumerate((State.SENT, State.DELIVERED, State.FAILED)):
        await enqueue_message(office.db, state, number=number, old=0)
    await office.ask("UPDATE outbox SET gateway = 'phone-7' WHERE kind = 'reply'")  # by day a reminder leaves as well
    page = await office.page()
    clock = office.mwanga.company.clock(datetime.fromtimestamp(now / 1000, UTC))
    old = "Its app is 1.66.0 and gets no messages: install 1.67.0 or newer."
    assert f"Shop <b> is down: {old}" in sections(page)
    about = page[page.index("Shop <b> Down") :]
    assert about.startswith(
        f"Shop <b> Down : {old} 2 sent today, 1 failed, last heard {clock}, last sent {clock} "
        f"Battery 12 %. Network wifi. Airtime <i>250 ({clock}). Test message back after 7 s ({clock}). "
        "Its clock is 2 h ahead. "
    )
    assert "Two days are lost." in about


async def link_phone(office: Office, name: str, seen_at: int, version: str = "1.67.0") -> None:
    await office.ask(
        "INSERT INTO phone (id, name, token_hash, former_hash, login, password_hash, code_hash, code_until, "
        "code_tries, signing_key, model, version, push, sims, battery, charging, network, clock_offset, paused, "
        "added_at, linked_at, unlinked_at, seen_at, webhook_at, export_since, lost) VALUES (7, $3, '', '', "
        "'', '', '', 0, 0, '', '', $4, $2, '[]', 12, $2, 'wifi', 7200, $2, $1, $1, 0, $1, 0, 0, "
        "'Two days are lost.')",
        *(seen_at, False, name, version),
    )


# --- What needs somebody


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_a_demo_world_that_others_reach_says_so(demo_url: str, host: str) -> None:
    async with open_office(load(database=demo_url, host=host, demo_in_public=True)) as office:
        said = "This is the demo world, and others can reach it" in await office.page()
    assert said is (host == "0.0.0.0")


@pytest.mark.parametrize("error", ["bad number", "no route", "too many tries", "undelivered"])
async def test_a_message_that_failed_is_shown_with_its_reason(office: Office, error: str) -> None:
    await enqueue_message(office.db, State.FAILED, error)
    page = await office.page()
    assert "1 thing needs you" in page
    assert f"1 message failed by simulator: {ERRORS[error].sentence} To Amina Juma +255710000001 (" in page


async def test_a_line_leads_to_the_messages_that_it_counts(office: Office) -> None:
    await enqueue_message(office.db, State.FAILED, "bad number")
    html = await office.html()
    assert 'href="/messages/failed">Send again</a>' in html
    assert "+255710000001" in await office.page("/messages/failed")
    [path] = re.findall(r'href="(/messages/sent\?[^"]*)">See them</a>', html)
    assert path.replace("&amp;", "&") == "/messages/sent?gateway=simulator&state=failed"
    assert "+255710000001" in await office.page(path.replace("&amp;", "&"))


async def test_what_a_gateway_refused_is_counted(office: Office) -> None:
    office.mwanga.metrics.send_errors.labels("simulator", "throttled").inc(2)
    office.mwanga.metrics.send_errors.labels("simulator", "unreachable").inc()
    assert "3 refused since the start" in await office.page()


@pytest.mark.parametrize("reason", ["stopped", "paid"])
async def test_what_was_withdrawn_is_no_trouble(office: Office, reason: str) -> None:
    await enqueue_message(office.db, State.EXPIRED, reason, kind="reminder")
    assert "Nothing needs you." in await office.page()


async def test_messages_stuck_for_one_reason_are_one_line_and_codes_come_first(office: Office) -> None:
    for number in range(5):
        await enqueue_message(office.db, State.FAILED, "bad number", number=number)
    await enqueue_message(office.db, State.EXPIRED, "expired", kind="token", old=50 * HOUR, number=9)
    await enqueue_message(office.db, State.UNCERTAIN, "timeout", old=0, number=8)
    stuck = sections(await office.page())
    assert "3 things need you" in stuck
    assert stuck.index("1 code expired by simulator") < stuck.index("5 messages failed")
    assert "+255710000004" in stuck and "and 2 more, the oldest of" in stuck
    assert f"1 message may have gone or not by simulator: {ERRORS['timeout'].sentence}" in stuck
    assert "token 123" not in stuck


async def test_a_message_that_waits_long_is_stuck_and_says_why(office: Office) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):  # neither gets older
        await enqueue_message(office.db, State.SCHEDULED, "unreachable", old=10 * MINUTE)
        await enqueue_message(office.db, State.SCHEDULED, "throttled", old=MINUTE, number=2)
        page = await office.page()
    assert f"1 message cannot go out by simulator: {ERRORS['unreachable'].sentence}" in page
    assert ERRORS["throttled"].sentence not in page
    assert "Waiting 2 the oldest 10 min" in page and "2 waiting" in page


async def test_the_switch_for_outgoing_messages_is_seen(office: Office) -> None:
    await office.ask("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    await enqueue_message(office.db, State.SCHEDULED, "unreachable")
    page = sections(await office.page())
    assert "1 thing needs you Outgoing messages are switched off: 1 message waits." in page


async def test_a_gateway_that_is_topped_up_is_tried_again_by_a_button(office: Office) -> None:
    until = now_ms() + 10 * MINUTE
    await office.ask(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, failures, failed_at) "
        "VALUES ('simulator', 0, 1, 'no balance: <b>InsufficientBalance</b>', $1, $2, 4, 2)",
        until,
        ERRORS["no balance"].sentence,
    )
    page = await office.page()
    clock = when(office.mwanga.company, datetime.now(UTC), until)  # with the day, ten minutes before midnight
    assert f"simulator is paused: {ERRORS['no balance'].sentence} It is topped up, try again" in sections(page)
    assert f"Until {clock}. " in page and "It said: <b>InsufficientBalance</b>" in page
    assert await press(office, "/home/try-again", gateway="simulator") == "/?done=try-again"
    page = await office.page("/?done=try-again")
    assert "It is tried again" in page and "Nothing needs you." in page
    [note] = await Audit.filter(action="gateway try again")
    assert (note.actor, note.subject) == ("admin", "simulator")
    response = await office.post("/home/try-again", csrf=await office.csrf("/tickets"), gateway="phone-99")
    assert response.status == 404


async def test_what_a_program_calls_an_error_is_not_shown(office: Office) -> None:
    await office.ask(
        "INSERT INTO gatewaystate (name, last_word, failures) "
        "VALUES ('simulator', 'unreachable: ClientConnectorError', 1)"
    )
    page = await office.page()
    assert ERRORS["unreachable"].sentence in page and "ClientConnectorError" not in page


async def test_a_phone_that_is_silent_is_not_mended_by_a_button(office: Office) -> None:
    await link_phone(office, "Shop phone", now_ms() - 2 * HOUR)
    page = sections(await office.page())
    assert "Shop phone is down: It has not been heard for an hour and a half." in page
    assert "Is it charged, with the app open and its data switched on?" in page
    assert "/home/try-again" not in await office.html()


async def test_agents_who_cannot_sell_are_named_with_their_number(office: Office) -> None:
    await office.ask("UPDATE agent SET locked_at = $1 WHERE phone = $2", datetime.now(UTC), PEOPLE["Zuhura"])
    await office.ask(
        "INSERT INTO guess (name, wrong, since) VALUES ($1, 10, $2)", f"lock of {PEOPLE['Zuhura']}", now_ms()
    )
    await office.sms("Juma", "BUY EB100042 46000", "1 739164")
    page = sections(await office.page())
    assert "3 things need you" in page
    assert "Zuhura Ali is locked since" in page and f"Call {PEOPLE['Zuhura']}" in page
    assert "Many wrong PINs came with LOCK for Zuhura Ali" in page
    assert f"Juma Said holds 46,000 of TZS 50,000 and can hardly sell. Book cash Call {PEOPLE['Juma']}" in page
    await office.ask("UPDATE agent SET cash_limit = 4000000 WHERE phone = $1", PEOPLE["Juma"])
    assert "Juma Said holds 46,000 , more than the limit of TZS 40,000." in await office.page()


async def test_a_ticket_that_nobody_has_is_taken_by_a_button_once(office: Office) -> None:
    async with office.mwanga.database.work():
        amina = await Customer.get(phone=PEOPLE["Amina"])
        late = datetime.now(UTC) - timedelta(days=3)
        opened = await tickets.open_ticket(
            amina, None, Category.POWER, "dark", actor=PEOPLE["Amina"], key="test", due_at=late
        )
        await tickets.assign(opened.ticket, "test", due_at=late)
    page = sections(await office.page())
    assert "1 ticket is late, by 3 days. K1 Amina Juma" in page
    assert "1 ticket is not assigned. K1 Amina Juma Take K1" in page
    assert await press(office, "/home/take", ticket="1") == "/tickets/K1?done=taken"
    assert (await Ticket.get(id=1).prefetch_related("staff")).staff.name == "admin"
    again = await office.post("/home/take", csrf=await office.csrf("/tickets"), ticket="1")
    assert again.headers["Location"] == "/?done=taken-before"
    assert await Audit.filter(action="ticket assigned").count() == 1
    for nonsense in ("", "x", "99", "9" * 30):
        assert (await office.post("/home/take", csrf=await office.csrf("/tickets"), ticket=nonsense)).status == 404


async def test_money_that_waits_is_said_with_its_amount(office: Office) -> None:
    now = datetime.now(UTC)
    async with office.mwanga.database.work():
        incoming = receiving.Incoming(
            source=receiving.Source.STATEMENT, provider="bank", reference="<b>7", amount=7_000_00, paid_at=now
        )
        received = await receiving.receive(incoming)
        await receiving.open_suspense(received.payment.id, receiving.Why.NOBODY)
        asha = await Agent.get(phone=PEOPLE["Asha"])
        lines = [Posting(AccountKind.CASH, asha.id, 100_00), Posting(AccountKind.ENERGY, 0, -100_00)]
        await post("sold", lines, actor="test")
        booked = await hand_in.hand_in(asha, 50_00, "admin", reference="H1")
        await disputes.dispute(booked.entry, asha, "I gave 60")
    page = sections(await office.page())
    assert "1 payment is for nobody yet, since" in page and "<B>7 TZS 7,000" in page
    assert "Asha Mushi does not agree with hand-in H1 of TZS 50." in page


async def test_a_hand_in_that_was_counted_anew_needs_a_second_person(office: Office) -> None:
    async with office.mwanga.database.work():
        asha = await Agent.get(phone=PEOPLE["Asha"])
        lines = [Posting(AccountKind.CASH, asha.id, 100_00), Posting(AccountKind.ENERGY, 0, -100_00)]
        await post("sold", lines, actor="test")
        booked = await hand_in.hand_in(asha, 50_00, "admin", reference="H1")
        await disputes.settle(booked.entry, 60_00, await OfficeUser.get(name="admin"))
    page = sections(await office.page())
    assert "1 hand-in that was counted anew waits for a second person." in page
    async with office.mwanga.database.work():
        await disputes.dispute(booked.entry, asha, "I gave 60")
    page = sections(await office.page())
    assert "counted anew" not in page and "does not agree with hand-in H1" in page


async def test_texts_that_broke_us_came_too_often_or_were_cut_are_counted(office: Office) -> None:
    for number, (state, outcome, error) in enumerate(
        (("failed", "failed", "ValueError at quote:85"), ("done", "capped", ""), ("done", "capped", ""))
    ):
        await receive_message(office.db, now_ms(), number=number, state=state, outcome=outcome, error=error)
    await office.sms("Asha", "x" * 2_000)
    page = sections(await office.page())
    assert "1 text that came in could not be handled" in page and "ValueError at quote:85" in page
    assert "2 texts that came in got no answer" in page
    assert "1 text that came in had more than 1,600 characters and was cut." in page


@pytest.mark.usefixtures("one_moment")
async def test_refused_callbacks_are_counted(office: Office) -> None:
    for path in ("africastalking/demo", "africastalking/wrong", "africastalking/wrong", "nobody/wrong"):
        await office.post(f"/gateways/{path}/sms", id="only an id")
    page = await office.page()
    assert "1 callback from africastalking could not be read today: " in page
    assert "2 callbacks came with a wrong secret" in page


async def test_the_clock_is_said_to_be_right_by_a_button(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def note_nothing(_now: datetime) -> None:
        """The server, which says at its start that it is running, may have looked at the clock just before."""

    monkeypatch.setattr("bot.monitor.clock.note_seen", note_nothing)
    ahead = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    async with office.mwanga.database.work():
        await Setting.update_or_create({"value": ahead}, name="clock seen")
    assert "is behind the last sale: nothing is sold." in await office.page()
    assert await press(office, "/home/clock") == "/?done=clock"
    assert "Nothing needs you." in await office.page()


async def test_nobody_can_say_that_a_clock_is_right_by_which_a_closed_day_is_not_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_in_closed_day() -> Doubt:
        return Doubt.CLOSED

    monkeypatch.setattr(CLOCK, "doubt", is_in_closed_day)
    page = await office.page()
    assert "A day is closed that is not over by the server's clock" in page and "right as it is" not in page
    pressed = await office.post("/home/clock", csrf=await office.csrf("/"))  # on a page from before
    assert pressed.headers["Location"] == "/"


async def test_a_disk_that_is_nearly_full_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Machine("0.1.0", now_ms(), 99, 90_000_000)
    monkeypatch.setattr("handlers.office.home.reading.look_at_machine", lambda _server: full)
    assert "The disk is nearly full : 90 MB are left." in await office.page()


# --- A new office


@pytest.fixture
async def shop(empty_url: str) -> AsyncIterator[Office]:
    """An office that was just made, with one owner and nothing else."""
    config = load(
        database=empty_url, secret_key="k" * 32, route="phones", company="Umeme Jua", help_phone="+255700000000"
    )
    async with open_office(config) as office:
        hashed = office.mwanga.company.vault.hash_password("mwanga-demo")
        await office.ask("INSERT INTO officeuser (name, password_hash) VALUES ('admin', $1)", hashed)
        yield office


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL has backups of its own, and so a step less
async def test_a_new_office_sees_its_first_steps_done_as_they_happen(shop: Office) -> None:
    page = await shop.page()
    assert "First steps 1 of 8 done" in page and "Today as of" not in page
    assert "Add an agent Agents sell by text." in page
    await shop.ask("INSERT INTO minigrid (name) VALUES ('Here')")
    await shop.ask(
        "INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission) "
        "SELECT '+255712000001', 'Rehema Kito', 'sw', id, '', 0, 100, 0 FROM minigrid"
    )
    await shop.ask("INSERT INTO tariff (name, unit, price, minimum) VALUES ('A day', 'days', 100, 1)")
    await shop.ask("INSERT INTO setting (name, value) VALUES ('last backup', '1 1000 mwanga.db')")
    page = await shop.page()
    assert "First steps 4 of 8 done" in page
    assert "Done: Add an agent" in page and "Done: Set the prices" in page


async def test_only_those_first_steps_that_one_may_do_are_links(shop: Office) -> None:
    html = await shop.html()
    for path in re.findall(r'<strong><a href="([^"]+)">', html):
        assert (await shop.get(path)).status == 200
