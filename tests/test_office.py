"""The office's page: who gets in, and what it shows, over HTTP and on both engines."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import time_machine
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import build_app
from bot.config import Config, load
from bot.database import Database
from bot.gateways import ERRORS
from bot.parts import MWANGA, Mwanga
from handlers.web.page import STYLE
from handlers.web.signin import MOST_WRONG, REMEMBERED, Tries
from handlers.web.status import age
from models import report
from models.demo import OFFICE_PASSWORD, OFFICE_USER
from models.messages import State
from models.sql import execute, now_ms
from tests.world import PEOPLE, Phones

Client = TestClient[web.Request, web.Application]
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
WRONG = "This name and password do not go together."
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
async def client(config: Config) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(config))) as client:
        yield client


@pytest.fixture
def mwanga(client: Client) -> Mwanga:
    assert client.app is not None
    return client.app[MWANGA]


@pytest.fixture
def db(mwanga: Mwanga) -> Callable[..., Awaitable[list[dict[str, object]]]]:
    async def run(statement: str, *values: object) -> list[dict[str, object]]:
        return await execute(mwanga.database.client, statement, values)

    return run


Db = Callable[..., Awaitable[list[dict[str, object]]]]


async def post(client: Client, path: str, **fields: str) -> ClientResponse:
    return await client.post(path, data=fields, allow_redirects=False)


async def sign_in(client: Client, user: str = OFFICE_USER, password: str = OFFICE_PASSWORD) -> ClientResponse:
    form = await (await client.get("/login")).text()
    return await post(client, "/login", user=user, password=password, csrf=CSRF.findall(form)[0])


async def signed_in_page(client: Client) -> str:
    """The first page as text: signs in, drops the tags, makes white space single."""
    response = await client.get("/", allow_redirects=False)
    if response.status == 303:
        await sign_in(client)
        response = await client.get("/", allow_redirects=False)
    assert response.status == 200
    return words(await response.text())


def words(html: str) -> str:
    body = html[html.index("<body>") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


# Who gets in


async def test_who_is_not_signed_in_is_sent_to_the_form(client: Client) -> None:
    response = await client.get("/", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/login")


async def test_the_form_has_a_user_a_password_and_a_hidden_csrf_field(client: Client) -> None:
    html = await (await client.get("/login")).text()
    assert re.findall(r'<input[^>]* name="(\w+)"', html) == ["csrf", "user", "password"]
    assert html.count("<form") == 1


async def test_the_right_password_opens_the_page(client: Client) -> None:
    response = await sign_in(client)
    assert (response.status, response.headers["Location"]) == (303, "/")
    assert (await client.get("/", allow_redirects=False)).status == 200


@pytest.mark.parametrize("user", [OFFICE_USER, "nobody", "", "ad\0min", "x" * 5_000])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_sentence(client: Client, user: str) -> None:
    response = await sign_in(client, user, "wrong")
    assert response.status == 403
    assert WRONG in await response.text()
    assert (await client.get("/", allow_redirects=False)).status == 303


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ééé"])
async def test_a_form_without_its_csrf_field_is_refused(client: Client, csrf: str) -> None:
    await client.get("/login")
    response = await post(client, "/login", user=OFFICE_USER, password=OFFICE_PASSWORD, csrf=csrf)
    assert response.status == 403
    assert (await client.get("/", allow_redirects=False)).status == 303


async def test_a_form_made_for_another_browser_is_refused(client: Client) -> None:
    theirs = CSRF.findall(await (await client.get("/login")).text())[0]
    client.session.cookie_jar.clear()
    assert CSRF.findall(await (await client.get("/login")).text()) != [theirs]
    response = await post(client, "/login", user=OFFICE_USER, password=OFFICE_PASSWORD, csrf=theirs)
    assert response.status == 403


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=b"] * 50), b"user=%ff%fe"])
async def test_a_strange_form_is_refused(client: Client, body: bytes) -> None:
    assert (await client.post("/login", data=body)).status in (400, 403)


@pytest.mark.parametrize(("url", "secure"), [("", False), ("https://mwanga.example", True)])
async def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(
    demo_url: str, url: str, secure: bool
) -> None:
    async with TestClient(TestServer(build_app(load(database=demo_url, public_url=url)))) as client:
        form = await client.get("/login")
        browser, csrf = form.cookies["mwanga_browser"].value, CSRF.findall(await form.text())[0]
        response = await client.post(
            "/login",
            data={"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": csrf},
            headers={"Cookie": f"mwanga_browser={browser}"},
            allow_redirects=False,
        )
    cookie = response.cookies["mwanga_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["max-age"], bool(cookie["secure"])) == (str(12 * 3600), secure)
    assert OFFICE_USER not in cookie.value


@pytest.mark.parametrize("path", ["/", "/login"])
async def test_pages_are_not_stored_not_framed_and_run_nothing(client: Client, path: str) -> None:
    await signed_in_page(client)
    if path == "/login":
        client.session.cookie_jar.clear()
    response = await client.get(path, allow_redirects=False)
    headers, html = response.headers, await response.text()
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "script-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in html
    assert f"<style>{STYLE}</style>" in html  # to the letter: the policy holds its hash


async def test_signing_out_ends_the_session(client: Client) -> None:
    await sign_in(client)
    csrf = CSRF.findall(await (await client.get("/")).text())[0]
    response = await post(client, "/logout", csrf=csrf)
    assert (response.status, response.headers["Location"]) == (303, "/login")
    assert (await client.get("/", allow_redirects=False)).status == 303


async def test_another_site_cannot_sign_somebody_out(client: Client) -> None:
    form = await (await client.get("/login")).text()
    await sign_in(client)
    assert (await post(client, "/logout")).status == 403
    assert (await post(client, "/logout", csrf=CSRF.findall(form)[0])).status == 403
    assert (await client.get("/", allow_redirects=False)).status == 200


async def test_a_new_password_ends_all_sessions(client: Client, mwanga: Mwanga, db: Db) -> None:
    await sign_in(client)
    await db("UPDATE officeuser SET password_hash = $1", mwanga.site.vault.hash_password("another-one"))
    assert (await client.get("/", allow_redirects=False)).status == 303
    assert (await sign_in(client, password="another-one")).status == 303


async def test_a_removed_user_is_out(client: Client, db: Db) -> None:
    await sign_in(client)
    await db("DELETE FROM officeuser")
    assert (await client.get("/", allow_redirects=False)).status == 303


@pytest.mark.parametrize(("hours", "status"), [(11, 200), (13, 303)])
async def test_a_session_lasts_twelve_hours(client: Client, hours: int, status: int) -> None:
    await sign_in(client)
    cookies = {c.key: c.value for c in client.session.cookie_jar}
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=False):
        # past its age the jar drops the cookie: a thief does not
        response = await client.get("/", cookies=cookies, allow_redirects=False)
    assert response.status == status


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "A" * 200, "é"])
async def test_a_made_up_session_opens_nothing(client: Client, cookie: str) -> None:
    response = await client.get("/", cookies={"mwanga_session": cookie}, allow_redirects=False)
    assert response.status == 303


async def test_who_is_signed_in_does_not_see_the_form_again(client: Client) -> None:
    await sign_in(client)
    response = await client.get("/login", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_signing_in_and_out_is_in_the_audit(client: Client, db: Db) -> None:
    await sign_in(client, password="wrong")
    await sign_in(client)
    await post(client, "/logout", csrf=CSRF.findall(await (await client.get("/")).text())[0])
    rows = await db("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    assert [(row["actor"], row["action"], row["subject"]) for row in rows] == [
        (OFFICE_USER, "sign in", OFFICE_USER),
        (OFFICE_USER, "sign out", OFFICE_USER),
    ]
    assert rows[0]["detail"] == "from 127.0.0.1"


# Guessing


async def test_guessing_is_slowed_down_and_the_right_password_waits_too(client: Client) -> None:
    statuses = [(await sign_in(client, password=f"guess {n}")).status for n in range(MOST_WRONG + 1)]
    assert statuses == [403] * MOST_WRONG + [429]
    assert (await sign_in(client)).status == 429
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert (await sign_in(client)).status == 303


async def test_right_passwords_are_not_counted(client: Client) -> None:
    for _ in range(MOST_WRONG + 2):
        assert (await sign_in(client)).status == 303
        client.session.cookie_jar.clear()


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ([("name a", "address 1")], False),
        ([("name a", "address 2")], False),  # the same name from elsewhere
        ([("name b", "address 1")], False),  # the same address with another name
        ([("name b", "address 2")], True),
    ],
)
def test_tries_are_counted_for_the_name_and_for_the_address(keys: list[tuple[str, str]], left: bool) -> None:
    tries = Tries()
    for _ in range(MOST_WRONG):
        assert tries.take("name a", "address 1")
    assert [tries.take(*pair) for pair in keys] == [left]


def test_what_is_remembered_of_tries_is_bounded() -> None:
    tries = Tries()
    for n in range(REMEMBERED):
        tries.take(f"name {n}", f"address {n}")
    assert len(tries._wrong) <= REMEMBERED


# What the page shows


async def test_the_page_names_gateways_agents_and_their_limits(client: Client) -> None:
    page = await signed_in_page(client)
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


async def sms(client: Client, mwanga: Mwanga, who: str, *texts: str) -> None:
    for number, text in enumerate(texts):
        fields = {"id": f"{who} {number} {text[:40]}", "from": PEOPLE[who], "to": "20384", "text": text}
        response = await post(client, "/gateways/africastalking/demo/sms", **fields)
        assert response.status == 200
        await Phones(mwanga).handled()


async def test_a_sale_is_on_the_page_and_its_token_is_not(client: Client, mwanga: Mwanga, db: Db) -> None:
    await sms(client, mwanga, "Asha", "BUY SHS0283 8000", "1 482915")
    await sms(client, mwanga, "Juma", "BUY EB100042 46000", "1 739164")
    page = await signed_in_page(client)
    assert "Sales 2 TZS 54,000" in page
    assert "Messages in 4" in page
    assert f"Juma Said {PEOPLE['Juma']} 92 % 46,000 of TZS 50,000 commission due 4,600" in page
    assert f"Asha Mushi {PEOPLE['Asha']} 4 % 8,000 of TZS 200,000 commission due 800" in page
    assert page.index("Juma Said") < page.index("Asha Mushi") < page.index("Zuhura Ali")  # by risk
    html = re.sub(r"\D", "", await (await client.get("/")).text())
    for row in await db("SELECT digits FROM token"):
        assert str(row["digits"]) not in html
    for pin in ("482915", "739164"):
        assert pin not in page


async def test_what_was_not_understood_is_counted_and_never_runs(client: Client, mwanga: Mwanga) -> None:
    evil = '<script>alert(1)</script> "x" <img src=x onerror=alert(1)>'
    await sms(client, mwanga, "Baraka", "umeme umekatika", evil)
    await sms(client, mwanga, "Neema", "Umeme umekatika")
    await sign_in(client)
    html = await (await client.get("/")).text()
    assert "<script" not in html
    assert "<img" not in html
    page = words(html)
    assert "Not understood today: 3" in page
    assert "mekatika 2 times" in page
    assert f"{evil} 1 time" in page


async def promised(
    db: Db, state: State, error: str = "", *, old: int = HOUR, kind: str = "reply", number: int = 1
) -> None:
    now = now_ms()
    await db(
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        "VALUES ($1, $2, 'token 123 456', $3, 1, 'simulator', $4, $5, $6, $6, '', 0, 1, 0, '', $7, 1, '', 0, 0)",
        f"{state} {error} {number}",
        f"+25571000{number:04d}",
        kind,
        state.value,
        now - old,
        now + DAY,
        error,
    )


@pytest.mark.parametrize("error", ["bad number", "no route", "too many tries", "undelivered"])
async def test_a_message_that_failed_is_shown_with_its_reason(client: Client, db: Db, error: str) -> None:
    await promised(db, State.FAILED, error)
    page = await signed_in_page(client)
    assert f"1 reply message by simulator failed: {ERRORS[error].sentence} To +255710000001 at" in page


async def test_messages_stuck_for_one_reason_are_one_line_and_tokens_come_first(client: Client, db: Db) -> None:
    for number in range(5):
        await promised(db, State.FAILED, "bad number", number=number)
    await promised(db, State.EXPIRED, "expired", kind="token", old=50 * HOUR, number=9)
    await promised(db, State.UNCERTAIN, "timeout", old=0, number=8)
    page = await signed_in_page(client)
    stuck = page[page.index("What is stuck") : page.index("Today")]
    assert stuck.index("1 token message by simulator expired") < stuck.index("5 reply messages")
    assert "+255710000004" in stuck
    assert "and 2 more, the oldest from" in stuck
    assert f"may have gone or not: {ERRORS['timeout'].sentence}" in stuck
    assert "token 123" not in page


async def test_a_message_that_waits_long_is_stuck_and_says_why(client: Client, db: Db) -> None:
    await promised(db, State.SCHEDULED, "unreachable", old=10 * MINUTE)
    await promised(db, State.SCHEDULED, "throttled", old=MINUTE, number=2)
    page = await signed_in_page(client)
    assert f"1 reply message by simulator waits: {ERRORS['unreachable'].sentence}" in page
    assert ERRORS["throttled"].sentence not in page
    assert "Waiting 2 the oldest for 10 min" in page
    assert "simulator 2 waiting, the oldest for 10 min" in page


async def test_the_switch_for_outgoing_messages_is_seen(client: Client, db: Db) -> None:
    await db("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    await promised(db, State.SCHEDULED, "unreachable")
    page = await signed_in_page(client)
    assert "Outgoing messages are switched off" in page
    assert "waits: Outgoing messages are switched off." in page


async def test_a_paused_gateway_says_until_when_and_what_to_do(client: Client, db: Db, mwanga: Mwanga) -> None:
    now = now_ms()
    until = now + 10 * MINUTE
    await db(
        "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert) VALUES "
        "('simulator', 0, $1, 'no balance: <b>InsufficientBalance</b>', $2, $3)",
        now,
        until,
        ERRORS["no balance"].sentence,
    )
    page = await signed_in_page(client)
    clock = mwanga.site.clock(datetime.fromtimestamp(until / 1000, UTC))
    assert f"{ERRORS['no balance'].sentence} Paused until {clock}. It said: <b>InsufficientBalance</b>" in page
    assert "Nothing is stuck" not in page


async def test_a_locked_agent_is_marked(client: Client, db: Db) -> None:
    await db("UPDATE agent SET locked_at = $1 WHERE phone = $2", datetime.now(UTC), PEOPLE["Zuhura"])
    page = await signed_in_page(client)
    assert f"Zuhura Ali locked {PEOPLE['Zuhura']}" in page
    assert page.count("locked") == 1


async def test_messages_that_broke_us_or_came_too_often_are_shown(client: Client, db: Db) -> None:
    for number, (state, outcome, error) in enumerate(
        (("failed", "failed", "ValueError at quote:85"), ("done", "capped", ""), ("done", "capped", ""))
    ):
        await received(db, now_ms(), number=number, state=state, outcome=outcome, error=error)
    page = await signed_in_page(client)
    assert "1 message that came in could not be handled" in page
    assert "ValueError at quote:85" in page
    assert "2 messages that came in got no answer" in page


async def test_refused_callbacks_are_counted(client: Client) -> None:
    for path in ("africastalking/demo", "africastalking/wrong", "africastalking/wrong", "nobody/wrong"):
        await post(client, f"/gateways/{path}/sms", id="only an id")
    page = await signed_in_page(client)
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


# What is asked of the database


async def received(
    db: Db, at: int, *, number: int = 1, state: str = "done", outcome: str = "asked", error: str = ""
) -> None:
    await db(
        "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state, "
        "outcome, error) VALUES ('africastalking', $1, $2, 'number', '', '', 'hello', $3, $4, $5, $6)",
        f"id {number}",
        PEOPLE["Baraka"],
        at,
        state,
        outcome,
        error,
    )


async def test_today_begins_at_midnight_where_the_operator_is(database: Database) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=ZoneInfo("Africa/Dar_es_Salaam")).astimezone(UTC)
    start = int(midnight.timestamp() * 1000)

    async def db(statement: str, *values: object) -> list[dict[str, object]]:
        return await execute(database.client, statement, values)

    await received(db, start - 1, number=1)
    await received(db, start, number=2)
    seen = await report.read(start + HOUR, midnight)
    assert seen.messages.received == (1, False)
    assert seen.messages.heard == {"africastalking": start}


async def test_an_agent_without_a_limit_who_holds_cash_comes_first(database: Database) -> None:
    client = database.client
    await execute(client, "INSERT INTO minigrid (name) VALUES ('Here')")
    grid = (await execute(client, "SELECT id FROM minigrid"))[0]["id"]
    for number, (limit, held) in enumerate(((0, 0), (100, 95), (0, 5), (100, -20))):
        rows = await execute(
            client,
            "INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission) "
            "VALUES ($1, $1, 'en', $2, '', 0, $3, 1000) RETURNING id",
            [f"+{number}", grid, limit],
        )
        await execute(
            client,
            "INSERT INTO account (kind, owner, balance) VALUES ('cash', $1, $2)",
            [rows[0]["id"], held],
        )
    seen = await report.read(now_ms(), datetime.now(UTC))
    assert [(agent.name, agent.share) for agent in seen.agents] == [("+2", 100), ("+1", 95), ("+0", 0), ("+3", -20)]


QUESTIONS = [
    report.QUEUES,
    report.UNREAD,
    report.RECEIVED,
    report.SENT,
    report.DIALLED,
    report.NOT_UNDERSTOOD,
    report.BROKEN,
    report.REFUSED,
    report.SOLD,
    report.STUCK,
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[:40])
async def test_no_question_reads_a_table_without_an_index(database: Database, question: str) -> None:
    """Cost must not grow with history. PostgreSQL would read empty tables whole, so it is kept from that."""
    since = datetime.now(UTC) if question == report.SOLD else 0
    values = [since] * len(set(re.findall(r"\$\d", question)))
    async with database.work() as db:
        if not database.embedded:
            await execute(db, "SET LOCAL enable_seqscan = off")
            await execute(db, "SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN " if database.embedded else "EXPLAIN "
        plan = [str(row) for row in await execute(db, explain + question, values)]
    tables = re.compile(r"(SCAN|SEARCH|Scan) .*\b(inbox|outbox|sale|ussdsession|refused)\b")
    reads = [step for step in plan if tables.search(step)]
    assert reads
    assert all(re.search(r"USING (COVERING )?INDEX|Index (Only )?Scan", step) for step in reads), reads
