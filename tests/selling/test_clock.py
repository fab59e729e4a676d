"""A clock that is wrong sells nothing: a meter that took a token of the future refuses those of today for good."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.monitor import CLOCK_SENTENCES
from bot.server import Server
from models import clock as models_clock
from models.clock import CLOCK, Doubt, Evidence, accept_clock, find_doubt, note_seen, read_last
from models.messages.tables import Outbox
from models.money.day_close import bounds_of, close_all
from models.selling import Appliance, Sale
from models.sql import connection, execute
from models.tickets import Category, Ticket, TicketState
from tests.world.people import PEOPLE, PINS, Dialled, Phones
from tests.world.prompt import Run

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
YES = f"1 {PINS['Asha']}"
REFUSED = "Not sold. The clock of our server is wrong. Call +255700000000."


def begun(**known: object) -> Evidence:
    """A run that began at NOW, 1,000 s after the machine started."""
    return Evidence(NOW, 1_000.0, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "elapsed", "last", "evidence", "doubt"),
    [
        # An hour behind the last commit, whatever the kernel says: one of the two was wrong.
        (NOW, 1_000.0, NOW + HOUR, begun(), None),
        (NOW, 1_000.0, NOW + HOUR + SECOND, begun(), Doubt.BEHIND),
        (NOW, 1_000.0, NOW + HOUR + SECOND, begun(synchronised=True), Doubt.BEHIND),
        # Ahead while it runs: a day that nothing else saw pass.
        (NOW + DAY, 1_000.0, NOW, begun(), None),
        (NOW + DAY + SECOND, 1_000.0, NOW, begun(), Doubt.AHEAD),
        (NOW + 3 * DAY, 1_000.0 + 3 * 86_400, NOW, begun(), None),
        (NOW - HOUR - SECOND, 1_000.0, None, begun(), Doubt.BEHIND),
        # A server without a battery for its clock began days behind, and the network has set it since.
        (NOW + 3 * DAY, 1_060.0, NOW, begun(synchronised=True), None),
        # It was off for days: the network says that it is right; without it nobody does.
        (NOW, 1_000.0, NOW - 3 * DAY, begun(before=NOW - 3 * DAY), Doubt.AHEAD),
        (NOW, 1_000.0, NOW - 3 * DAY, begun(before=NOW - 3 * DAY, synchronised=True), None),
        (NOW, 1_000.0, NOW - 3 * DAY, begun(before=NOW - 3 * DAY, told=NOW, told_at=999.0), None),
        (NOW, 1_000.0, NOW - DAY, begun(before=NOW - DAY), None),
        # What a gateway said outweighs the rest, also some time after it said so.
        (NOW + HOUR, 4_600.0, NOW + 9 * HOUR, begun(told=NOW, told_at=1_000.0), None),
        (NOW, 4_601.0, None, begun(told=NOW, told_at=1_000.0, synchronised=True), Doubt.BEHIND),
        (NOW + 2 * DAY, 1_000.0, NOW, begun(told=NOW, told_at=1_000.0, synchronised=True), Doubt.AHEAD),
    ],
)
def test_what_makes_a_clock_doubtful(
    now: datetime, elapsed: float, last: datetime | None, evidence: Evidence, doubt: Doubt | None
) -> None:
    assert find_doubt(now, elapsed, last, evidence) is doubt


@pytest.fixture
async def traveller(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[time_machine.Traveller]:
    """The clock of a server that is no demo, on a machine whose kernel knows no other clock."""
    monkeypatch.setattr(models_clock, "is_synchronised", lambda: False)
    monkeypatch.setattr(models_clock, "elapsed", lambda: 1_000.0)
    with time_machine.travel(NOW, tick=False) as traveller:
        await CLOCK.begin(lenient=False)
        yield traveller
    await CLOCK.begin(lenient=True)


async def said(mwanga: Server, text: str) -> str:
    return dict(await Phones(mwanga).text("Asha", text))["Asha"]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("jump", [2 * DAY, -2 * HOUR])
@pytest.mark.parametrize("text", ["BUY 04123456784 3000", "BUY SHS0283 7000", "SELL 1, Radio, cash"])
async def test_nothing_is_sold_after_a_jump_until_the_office_says_that_it_is_right(
    jump: timedelta, text: str, mwanga: Server, traveller: time_machine.Traveller
) -> None:
    assert (await said(mwanga, "BUY EB100042 2000")).startswith("Sell")
    assert (await said(mwanga, YES)).startswith("SOLD")
    traveller.shift(jump)
    assert await said(mwanga, text) == REFUSED
    async with mwanga.database.work():
        await accept_clock("test")
    assert not (await said(mwanga, text)).startswith("Not sold")
    assert (await said(mwanga, YES)).startswith("SOLD")


async def test_a_clock_that_jumps_between_question_and_answer_sells_nothing(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    await said(mwanga, "BUY EB100042 2000")
    await said(mwanga, YES)
    await said(mwanga, "BUY 04123456784 3000")
    traveller.shift(-2 * HOUR)
    assert await said(mwanga, YES) == "Too late. Not sold. Send it again."
    assert await said(mwanga, "BUY 04123456784 3000") == REFUSED
    assert await Sale.all().count() == 1


async def test_a_clock_that_jumps_between_two_screens_sells_nothing(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    await said(mwanga, "BUY EB100042 2000")
    await said(mwanga, YES)
    selling = Dialled(mwanga, PEOPLE["Asha"], "selling", "*384*20*1*04123456784*3000#")
    assert "Your PIN" in await selling.enter("")
    traveller.shift(-2 * HOUR)
    assert await selling.enter(PINS["Asha"]) == f"END {REFUSED}"
    assert await Sale.all().count() == 1


async def test_a_clock_that_is_put_right_again_sells_again(mwanga: Server, traveller: time_machine.Traveller) -> None:
    traveller.shift(2 * DAY)
    assert await said(mwanga, "BUY 04123456784 3000") == REFUSED
    traveller.shift(-2 * DAY)
    assert (await said(mwanga, "BUY 04123456784 3000")).startswith("Sell")


async def test_nothing_is_sold_into_a_day_that_a_clock_ahead_of_ours_has_closed(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    """By the other server's clock it is past midnight, by ours not yet."""
    begun, company = mwanga.company.today(), mwanga.company
    _begins, midnight = bounds_of(begun, company.zone)
    traveller.move_to(midnight + timedelta(seconds=70))
    await close_all(mwanga.database.work, begun, company.zone, "rehema")
    traveller.move_to(midnight - timedelta(seconds=110))
    assert await said(mwanga, "BUY EB100042 2000") == REFUSED
    async with mwanga.database.work():
        await accept_clock("test")
    assert await said(mwanga, "BUY EB100042 2000") == REFUSED, "the day is closed, whatever the clock says"
    assert await CLOCK.doubt() is Doubt.CLOSED
    traveller.move_to(midnight + SECOND)
    assert (await said(mwanga, "BUY EB100042 2000")).startswith("Sell")
    assert (await said(mwanga, YES)).startswith("SOLD")


async def test_a_day_that_is_closed_between_question_and_answer_sells_nothing(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    today, zone = mwanga.company.today(), mwanga.company.zone
    _begins, midnight = bounds_of(today, zone)
    traveller.move_to(midnight - timedelta(seconds=110))
    assert (await said(mwanga, "BUY EB100042 2000")).startswith("Sell")
    traveller.move_to(midnight + timedelta(seconds=70))
    await close_all(mwanga.database.work, today, zone, "rehema")
    traveller.move_to(midnight - timedelta(seconds=100))
    assert await said(mwanga, YES) == REFUSED
    assert await Sale.all().count() == 0


async def test_a_server_that_ran_until_just_now_may_have_sold_nothing_for_days(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    await said(mwanga, "BUY EB100042 2000")
    assert (await said(mwanga, YES)).startswith("SOLD")
    traveller.shift(3 * DAY)
    async with mwanga.database.work():
        await note_seen(NOW + 3 * DAY - HOUR)
    await CLOCK.begin(lenient=False)
    assert await CLOCK.doubt() is None


async def test_a_running_server_says_so_now_and_then(mwanga: Server, traveller: time_machine.Traveller) -> None:
    for minutes in (0, 1, 20):
        traveller.move_to(NOW + timedelta(minutes=minutes))
        await mwanga.alerts.look()
        assert (await read_last()).at == NOW + timedelta(minutes=20 if minutes == 20 else 0)


async def test_the_office_is_told_once(mwanga: Server, traveller: time_machine.Traveller) -> None:
    mwanga.alerts._phone = "+255700000050"
    await mwanga.alerts.look()
    traveller.shift(2 * DAY)
    for _ in range(3):
        await mwanga.alerts.look()
    told = [row.text for row in await Outbox.filter(phone="+255700000050")]
    assert told == [CLOCK_SENTENCES[Doubt.AHEAD]]
    assert "mwanga clock right" in told[0]


def test_what_the_office_is_told_fits_one_sms() -> None:
    assert max(len(CLOCK_SENTENCES[doubt]) for doubt in Doubt) <= 160


def test_the_office_says_that_the_clock_is_right(run: Run) -> None:
    result = run("clock", "right")
    assert result.exit_code == 0 and result.output.endswith("Servers sell.\n")


def test_it_reads_until_when_nothing_is_sold_where_a_day_is_closed(run: Run) -> None:
    with time_machine.travel(NOW + DAY, tick=False):
        assert run("close", "yesterday", "--all", "--by", "Rehema").exit_code == 0
    with time_machine.travel(NOW, tick=False):
        said = run("clock", "right").output
    assert said == "It is 24/11 12:00. The day until 25/11 00:00 is closed: servers sell then.\n"


async def test_by_a_clock_that_is_ahead_nobody_is_told_that_something_is_overdue(
    mwanga: Server, traveller: time_machine.Traveller
) -> None:
    """Whoever pays in time would read it, and not read it again when it is so."""
    await Appliance.all().update(overdue_ticket=True)
    traveller.shift(30 * DAY)
    await mwanga.housekeeping.chores()
    assert await Outbox.all().count() == await Ticket.all().count() == 0
    async with mwanga.database.work():
        await accept_clock("test")
    await mwanga.housekeeping.chores()
    [reminder] = await Outbox.filter(kind="reminder")
    assert reminder.phone == PEOPLE["Baraka"] and "is overdue since 1/12" in reminder.text


async def test_by_a_clock_that_is_behind_no_visit_ends(mwanga: Server, traveller: time_machine.Traveller) -> None:
    """By it nothing is overdue yet, as if all had paid."""
    await Appliance.all().update(overdue_ticket=True)
    traveller.shift(30 * DAY)
    async with mwanga.database.work():
        await accept_clock("test")
    await mwanga.housekeeping.chores()
    traveller.shift(-20 * DAY * 30)
    await mwanga.housekeeping.chores()
    [visit] = await Ticket.all()
    assert visit.category == Category.PAYMENT and visit.state == TicketState.OPEN


async def test_by_a_clock_that_is_ahead_no_text_is_too_old(mwanga: Server, traveller: time_machine.Traveller) -> None:
    await said(mwanga, "TOKEN SHS0283")
    traveller.shift(800 * DAY)
    await mwanga.housekeeping.purge()
    assert [row["text"] for row in await execute(connection(), "SELECT text FROM inbox")] == ["TOKEN SHS0283"]


async def test_the_demo_goes_on_with_an_old_database(mwanga: Server) -> None:
    with time_machine.travel(datetime(2027, 6, 1, 9, 0, tzinfo=UTC), tick=False):
        await CLOCK.begin(lenient=True)
        assert (await said(mwanga, "BUY 04123456784 3000")).startswith("Sell")
