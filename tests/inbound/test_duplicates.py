"""Networks and people repeat themselves: whatever comes twice has one effect and the same answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.message import Inbound
from tests.emulators.africastalking import Session
from tests.world.people import PEOPLE, PINS
from tests.world.server import Serving, chosen, dialled, serving

ASHA = PEOPLE["Asha"]
YES = f"1 {PINS['Asha']}"
ORDER = "BUY SHS0283 8000"


@pytest.fixture
async def served(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url) as running:
        yield running


async def texted(served: Serving, text: str, *, id: str | None = None, times: int = 1) -> None:
    """Asha's text is handled; with `times` it is posted so often at once."""
    id = id or served.emulator.new_id("sms")
    statuses = await asyncio.gather(*(served.emulator.sms(ASHA, text, id) for _ in range(times)))
    assert set(statuses) == {200}
    await served.handled()


async def answers(served: Serving) -> list[str]:
    """The texts of all messages to Asha, in order."""
    return [row["text"] for row in await served.rows("SELECT text FROM outbox WHERE phone = $1 ORDER BY id", [ASHA])]


async def sold(served: Serving) -> int:
    """How many sales there are; each has its payment, token and two entries, and an owner's text."""
    (counts,) = await served.rows(
        "SELECT (SELECT COUNT(*) FROM sale) AS sales, (SELECT COUNT(*) FROM payment) AS payments, "
        "(SELECT COUNT(*) FROM token) AS tokens, (SELECT COUNT(*) FROM entry WHERE key LIKE 'sale %') AS entries, "
        "(SELECT COUNT(*) FROM outbox WHERE phone = $1) AS owner_texts",
        [PEOPLE["Baraka"]],
    )
    sales = counts["sales"]
    assert counts == {"sales": sales, "payments": sales, "tokens": sales, "entries": 2 * sales, "owner_texts": sales}
    return int(sales)


async def test_one_callback_posted_fifty_times_at_once_is_handled_once(served: Serving) -> None:
    await texted(served, ORDER, times=50)
    assert len(await answers(served)) == 1
    await texted(served, YES, times=50)
    assert len(await answers(served)) == 2
    assert await sold(served) == 1
    rows = await served.rows("SELECT outcome FROM inbox ORDER BY id")
    assert [row["outcome"] for row in rows] == ["asked", "sold"]
    for state, count in (("received", 2), ("duplicate", 98)):
        labels = {"direction": "in", "gateway": "africastalking", "state": state}
        assert served.metric("mwanga_messages_total", **labels) == count


@pytest.mark.parametrize("engine", ["postgres"])
async def test_what_was_stored_and_never_confirmed_is_handled_once(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks when PostgreSQL has committed a text: its gateway is not told, and posts it again."""
    insert = served.mwanga.inbox._insert

    async def breaks(messages: Sequence[Inbound]) -> None:
        await insert(messages)
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(served.mwanga.inbox, "_insert", breaks)
        assert await served.emulator.sms(ASHA, ORDER, "broken") == 503
    assert len(await served.rows("SELECT id FROM inbox")) == 1
    await texted(served, ORDER, id="broken")
    assert len(await answers(served)) == 1
    assert [row["external_id"] for row in await served.rows("SELECT external_id FROM inbox")] == ["broken"]


async def test_a_callback_posted_again_after_its_answer_is_not_handled_again(served: Serving) -> None:
    for text, id in ((ORDER, "first"), (YES, "second")):
        await texted(served, text, id=id)
    for text, id in ((ORDER, "first"), (YES, "second"), (ORDER, "first")):
        await texted(served, text, id=id)
    assert len(await answers(served)) == 2
    assert await sold(served) == 1


async def test_the_order_under_a_new_id_gets_its_open_question_again(served: Serving) -> None:
    await texted(served, ORDER)
    await texted(served, ORDER)
    question, repeated = await answers(served)
    assert question == repeated
    assert "Sell 8 days" in question
    await texted(served, YES)
    assert await sold(served) == 1


async def test_the_yes_under_a_new_id_gets_the_same_answer(served: Serving) -> None:
    for text in (ORDER, YES, YES, YES):
        await texted(served, text)
    _, receipt, second, third = await answers(served)
    assert receipt.startswith("SOLD TZS 8,000")
    assert receipt == second == third
    assert await sold(served) == 1


async def test_ten_yeses_at_once_under_ten_ids_sell_once_and_are_answered_alike(served: Serving) -> None:
    await texted(served, ORDER)
    await asyncio.gather(*(served.emulator.sms(ASHA, YES) for _ in range(10)))
    await served.handled()
    _, *receipts = await answers(served)
    assert len(receipts) == 10
    assert len(set(receipts)) == 1
    assert await sold(served) == 1


async def test_the_order_after_its_sale_is_held_until_it_says_again(served: Serving) -> None:
    for text in (ORDER, YES, ORDER):
        await texted(served, text)
    (reference,) = [row["reference"] for row in await served.rows("SELECT reference FROM sale")]
    assert (await answers(served))[-1].startswith("Not sold again.")
    assert reference in (await answers(served))[-1]
    await texted(served, YES)
    assert await sold(served) == 1, "a held order asks nothing, so a yes confirms nothing"
    for text in (f"{ORDER} AGAIN", YES, YES):
        await texted(served, text)
    assert await sold(served) == 2


async def test_a_new_order_leaves_the_open_one_for_good(served: Serving) -> None:
    for text in (ORDER, "BUY EB100042 2000", "2", YES):
        await texted(served, text)
    assert await sold(served) == 0


async def test_a_yes_that_its_gateway_brings_late_is_no_answer_to_a_later_question(served: Serving) -> None:
    """A gateway posts again after a minute or more what we did not take, and what is newer meanwhile."""
    brought = ((ORDER, "09:00:00"), ("BUY EB100042 2000", "09:05:00"), (YES, "09:01:00"), ("1", "09:01:30"))
    for text, time in brought:
        assert await served.emulator.sms(ASHA, text, date=f"2026-03-02 {time}") == 200
        await served.handled()
    _, question, again, once_more = await answers(served)
    assert question == again == once_more and "Sell 1 day" in question
    assert await sold(served) == 0
    assert await served.emulator.sms(ASHA, YES, date="2026-03-02T09:06:00Z") == 200
    await served.handled()
    assert (await answers(served))[-1].startswith("SOLD TZS 2,000")


async def test_a_gateways_clock_that_was_ahead_refuses_no_yes(served: Serving) -> None:
    """It was set back since: a time that is still to come says nothing."""
    now = datetime.now(UTC)
    for text, ahead in ((ORDER, timedelta(minutes=20)), (YES, timedelta(minutes=1))):
        assert await served.emulator.sms(ASHA, text, date=f"{now + ahead:%Y-%m-%d %H:%M:%S}") == 200
        await served.handled()
    assert await sold(served) == 1


async def ten_times(session: Session, answer: str) -> str:
    """One turn that the network delivers ten times at once: what all of them are answered."""
    repeats = [session.enter(answer), *(session.repeat() for _ in range(9))]
    (screen,) = set(await asyncio.gather(*repeats))
    return screen.text


async def test_every_turn_of_a_dialled_sale_ten_times_at_once_sells_once(served: Serving) -> None:
    session = await served.emulator.dial(ASHA)
    screens = [await ten_times(session, answer) for answer in ("1", "SHS0283", "8000", "1", PINS["Asha"])]
    assert [screen.split("\n")[0] for screen in screens] == [
        "Serial number?",
        "Amount paid?",
        "Sell 8 days for TZS 8,000 to BARAKA P., SHS0283? TZS 1,084,000 stays owed.",
        "Your PIN?",
        "SOLD TZS 8,000, 8 days",
    ]
    assert await sold(served) == 1
    assert await answers(served) == [screens[-1]]


async def test_a_wrong_pin_dialled_ten_times_at_once_counts_once(served: Serving) -> None:
    session = await chosen(served.emulator, "Asha", "My cash")
    assert "4 tries left" in await ten_times(session, "730582")
    assert (await served.rows("SELECT wrong_pins FROM agent WHERE phone = $1", [ASHA]))[0]["wrong_pins"] == 1


async def test_a_turn_repeated_after_the_end_gets_the_stored_end(served: Serving) -> None:
    session = await served.emulator.dial(ASHA)
    for answer in ("1", "SHS0283", "8000", "1", PINS["Asha"]):
        await session.enter(answer)
    last = (session.kind, session.text)
    assert last[0] == "END"
    assert await session.repeat() == last
    assert await session.hang_up() == 200
    assert await session.repeat() == last
    assert await sold(served) == 1


@pytest.mark.everyday_on_sqlite
async def test_nothing_sent_at_the_first_screen_shows_it_again_and_the_next_key_counts(served: Serving) -> None:
    session = await served.emulator.dial(ASHA)
    menu = session.text
    assert (await session.enter("")).text == menu
    assert (await session.enter("1")).text.startswith("Serial number?")


async def test_an_input_after_the_end_is_told_that_it_is_over(served: Serving) -> None:
    session = await served.emulator.dial(ASHA)
    for answer in ("1", "SHS0283", "8000", "2"):
        await session.enter(answer)
    assert session.kind == "END"
    session.inputs += ["1", PINS["Asha"]]
    assert await session.repeat() == ("END", "This session is over. Dial again.")
    assert await sold(served) == 0


# What is stored, and a transcript that is no continuation of it: lost turns, a shorter one, another one.
BROKEN = [
    (["Sell power", "SHS0283"], ["2", "SHS0283"]),
    (["Sell power", "SHS0283"], ["1"]),
    (["Sell power", "SHS0283", "8000"], ["1", "EB100042", "8000", "1", PINS["Asha"]]),
    (["Sell power", "SHS0283", "8000", "1"], ["1", "SHS0283", "8000", PINS["Asha"]]),
    (["Sell power", "SHS0283", "8000", "1"], ["1", "SHS0283", "9000", "1", PINS["Asha"]]),
    (["Sell power", "SHS0283", "8000"], ["1", "SHS0283", "8000", "1", PINS["Asha"]]),
    (["Sell power"], ["1", "SHS0283", "8000", "1", PINS["Asha"]]),
    (["My cash"], ["1", "SHS0283", "8000", "1", PINS["Asha"]]),
    (["My cash", PINS["Asha"]], ["1", "SHS0283", "8000", "1", PINS["Asha"]]),
]


@pytest.mark.parametrize(("stored", "sent"), BROKEN, ids="*".join)
@pytest.mark.everyday_on_sqlite
async def test_a_transcript_that_does_not_continue_sells_nothing(
    stored: list[str], sent: list[str], served: Serving
) -> None:
    session = await chosen(served.emulator, "Asha", stored[0])
    for answer in stored[1:]:
        await session.enter(answer)
    session.inputs[:] = sent
    await session.repeat()
    assert await sold(served) == 0
    assert "482915" not in session.text


DIALLED_AHEAD = [
    f"*384*20*1*SHS0283*8000*1*{PINS['Asha']}#",
    "*384*20*1*SHS0283*8000*1#",
    "*384*20*1*SHS0283*8000#",
]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("code", DIALLED_AHEAD)
async def test_what_is_dialled_ahead_never_confirms_money(code: str, served: Serving) -> None:
    session = await served.emulator.dial(ASHA, code)
    question = (session.kind, session.text)
    assert question[1].startswith("Sell 8 days for TZS 8,000 to BARAKA P., SHS0283? TZS 1,084,000 stays owed.")
    assert await session.repeat() == question
    assert await sold(served) == 0
    await session.enter("1")
    assert "PIN" in session.text
    await session.enter(PINS["Asha"])
    assert await sold(served) == 1


async def dropped_at_the_pin(served: Serving) -> Session:
    """A session whose last turn is still on its way when Asha dials again."""
    session = await served.emulator.dial(ASHA)
    for answer in ("1", "SHS0283", "8000", "1"):
        await session.enter(answer)
    session.inputs.append(PINS["Asha"])
    return session


async def test_a_dropped_session_that_is_gone_on_with_sells_once(served: Serving) -> None:
    dropped = await dropped_at_the_pin(served)
    assert "SOLD" in await dialled(served.emulator, "Asha", "Continue: Sell power", "1", PINS["Asha"])
    await dropped.repeat()
    assert await sold(served) == 1


# New, or continue and go back: in both ways it becomes the sale of another device.
@pytest.mark.parametrize("way", [("2", "1"), ("1", "0", "0")], ids=["new", "continue-back"])
async def test_another_sale_beside_a_late_turn_gets_its_own_token(way: tuple[str, ...], served: Serving) -> None:
    late = await dropped_at_the_pin(served)
    other = await served.emulator.dial(ASHA)
    for answer in (*way, "EB100042", "2000", "1"):
        await other.enter(answer)
    assert "PIN" in other.text
    await late.repeat()
    screen = await other.enter(PINS["Asha"])
    assert screen.text.startswith("SOLD TZS 2,000, 1 day\nNEEMA P. EB100042")
    sales = await served.rows("SELECT d.serial FROM sale s JOIN device d ON d.id = s.device_id ORDER BY d.serial")
    assert [row["serial"] for row in sales] == ["EB100042", "SHS0283"]


async def test_a_late_turn_of_a_session_that_is_over_sells_nothing(served: Serving) -> None:
    late = await dropped_at_the_pin(served)
    assert await late.hang_up() == 200
    assert await late.repeat() == ("END", "This session is over. Dial again.")
    assert await sold(served) == 0
    again = await served.emulator.dial(ASHA)
    assert again.text.endswith("1. Continue: Sell power\n2. New"), "what was begun is not lost by it"
