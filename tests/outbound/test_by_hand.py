"""What somebody of the office writes to one person: once, seen by colleagues, not at night, and not after STOP."""

from typing import Any

import pytest
import time_machine

from bot.outbound import by_hand
from bot.outbound.by_hand import CannotSendAgain, SaidStop, WrittenMeanwhile, lost_letters
from bot.outbound.queue import rest
from bot.server import Server
from models.messages.written import standing_of
from models.sql import execute, now_ms
from tests.world.people import NOON, PEOPLE, Phones

BARAKA = PEOPLE["Baraka"]


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def ask(server: Server, statement: str, *values: Any) -> list[dict[str, Any]]:
    return await execute(server.database.client, statement, values)


async def write(
    server: Server, text: str = "We come at ten", *, key: str = "k1", seen: int = 0, up_to: int = 2**62
) -> str:
    async with server.database.work():
        return await by_hand.write_to(
            *(BARAKA, text),
            key=key,
            seen=seen,
            up_to=up_to,
            company=server.company,
            composer=server.composer,
            actor="rukia",
        )


async def waiting(server: Server) -> int:
    rows = await ask(
        server,
        "SELECT 1 FROM inbox WHERE answered_at = 0 AND outcome IN ('not understood', 'not answered', 'failed')",
    )
    return len(rows)


async def test_an_answer_goes_out_and_its_text_waits_no_more(mwanga: Server) -> None:
    await Phones(mwanga).text("Baraka", "nyumba yangu iko karibu na shule")
    assert await waiting(mwanga) == 1
    await write(mwanga, "  We come at ten…  ")
    assert await waiting(mwanga) == 0
    [row] = await ask(mwanga, "SELECT * FROM outbox WHERE kind = 'office'")
    assert (row["phone"], row["text"], row["state"], row["priority"]) == (BARAKA, "We come at ten...", "waiting", 2)
    [written] = await ask(mwanga, "SELECT author, phone, origin FROM office_message")
    assert (written["author"], written["phone"], written["origin"]) == ("rukia", BARAKA, row["origin"])
    [note] = await ask(mwanga, "SELECT actor, action, subject, detail FROM audit ORDER BY id DESC LIMIT 1")
    assert (note["actor"], note["action"], note["subject"]) == ("rukia", "write", BARAKA)
    assert note["detail"] == "1 parts, 1 texts answered", "what was written is no part of the audit"


async def test_what_is_typed_keeps_the_letters_that_sms_has(mwanga: Server) -> None:
    """GSM 03.38 has Ç and not ç; the machine's own sentences go without accents here, `accents` is off."""
    assert not mwanga.company.accents
    await write(mwanga, "Ça va, José? On vient déjà “lundi” à 8h, reçu")
    [row] = await ask(mwanga, "SELECT text, parts FROM outbox WHERE kind = 'office'")
    assert (row["text"], row["parts"]) == ('Ça va, José? On vient déjà "lundi" à 8h, recu', 1)


async def test_a_text_that_the_page_did_not_show_waits_on(mwanga: Server) -> None:
    await Phones(mwanga).text("Baraka", "nyumba yangu iko karibu na shule")
    shown = (await standing_of(BARAKA)).last_text
    await Phones(mwanga).text("Baraka", "nyumba yangu iko karibu na soko")
    await ask(mwanga, "UPDATE inbox SET outcome = 'not understood'")
    await write(mwanga, up_to=shown)
    assert await waiting(mwanga) == 1


async def test_a_form_that_comes_twice_writes_once(mwanga: Server) -> None:
    assert await write(mwanga) == await write(mwanga)
    assert len(await ask(mwanga, "SELECT id FROM outbox")) == 1


async def test_the_second_of_two_colleagues_is_told(mwanga: Server) -> None:
    await write(mwanga)
    with pytest.raises(WrittenMeanwhile) as told:
        await write(mwanga, "Another answer", key="k2")
    assert told.value.standing.written_by == "rukia"
    await write(mwanga, "Another answer", key="k2", seen=told.value.standing.last_written)
    assert len(await ask(mwanga, "SELECT id FROM outbox")) == 2


async def test_who_said_stop_gets_only_what_was_asked_for(mwanga: Server, clock: time_machine.Traveller) -> None:
    phones = Phones(mwanga)
    await phones.text("Baraka", "STOP")
    with pytest.raises(SaidStop) as refused:
        await write(mwanga)
    assert refused.value.at == now_ms()
    clock.shift(3_600)
    await phones.text("Baraka", "stop")
    with pytest.raises(SaidStop):
        await write(mwanga)  # who says it twice has asked for nothing
    clock.shift(3_600)
    await phones.text("Baraka", "when do you come")
    await write(mwanga)
    clock.shift(4 * 86_400)
    seen = (await standing_of(BARAKA)).last_written
    with pytest.raises(SaidStop):
        await write(mwanga, key="k2", seen=seen)


async def test_at_night_only_who_is_awake_gets_it(mwanga: Server, clock: time_machine.Traveller) -> None:
    clock.move_to("2026-11-24 18:00Z")  # 21:00 in Mtwara
    assert by_hand.waits_until(mwanga.company, await standing_of(BARAKA), now_ms())
    await write(mwanga, key="k1")
    await Phones(mwanga).text("Baraka", "taa haiwaki nyumbani kwangu")
    standing = await standing_of(BARAKA)
    assert by_hand.waits_until(mwanga.company, standing, now_ms()) == 0
    await write(mwanga, key="k2", seen=standing.last_written)
    morning = mwanga.company.until_morning(now_ms())
    async with mwanga.database.work() as db:
        await rest(db, morning)
    rows = await ask(mwanga, "SELECT state, due_at FROM outbox WHERE kind = 'office' ORDER BY id")
    assert [row["state"] for row in rows] == ["scheduled", "waiting"]
    assert rows[0]["due_at"] == morning


async def send_again(server: Server, number: int) -> int:
    async with server.database.work():
        return await by_hand.send_again(number, company=server.company, composer=server.composer, actor="rukia")


@pytest.mark.parametrize(
    ("kind", "left"),
    [("office", "scheduled"), ("reminder", "scheduled"), ("broadcast", "scheduled"), ("token", "waiting")],
)
async def test_an_outbox_that_has_looked_wakes_nobody(
    mwanga: Server, clock: time_machine.Traveller, kind: str, left: str
) -> None:
    """It claims what it is told of without a look at the hour."""
    clock.move_to("2026-11-24 18:00Z")  # 21:00 in Mtwara
    await mwanga.outbox.turn()
    await write(mwanga)
    mwanga.outbox.notify()
    await mwanga.outbox.turn()
    [row] = await ask(mwanga, "SELECT state, due_at FROM outbox")
    assert (row["state"], row["due_at"]) == ("scheduled", mwanga.company.until_morning(now_ms()))
    await ask(mwanga, "UPDATE outbox SET state = 'failed', error = 'undelivered', kind = $1", kind)
    again = await send_again(mwanga, 1)
    [row] = await ask(mwanga, "SELECT state, due_at, expires_at FROM outbox WHERE id = $1", again)
    assert row["state"] == left
    assert row["due_at"] < row["expires_at"], "in the morning it still goes"


async def test_what_failed_is_sent_again_once(mwanga: Server) -> None:
    await write(mwanga)
    [row] = await ask(mwanga, "SELECT id FROM outbox")
    with pytest.raises(CannotSendAgain, match="not failed"):
        await send_again(mwanga, row["id"])
    await ask(mwanga, "UPDATE outbox SET state = 'failed', error = 'undelivered'")
    again = await send_again(mwanga, row["id"])
    [new] = await ask(mwanga, "SELECT text, phone, kind, state FROM outbox WHERE id = $1", again)
    assert (new["text"], new["phone"], new["kind"], new["state"]) == ("We come at ten", BARAKA, "office", "waiting")
    with pytest.raises(CannotSendAgain, match="sent again"):
        await send_again(mwanga, row["id"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("state = 'expired', error = 'stopped'", "not wanted"),
        ("state = 'expired', error = 'paid'", "not wanted"),
        ("state = 'failed', text = ''", "no text"),
        ("state = 'delivered'", "not failed"),
    ],
)
async def test_some_messages_are_never_sent_again(mwanga: Server, change: str, why: str) -> None:
    await write(mwanga)
    await ask(mwanga, f"UPDATE outbox SET {change}")
    [row] = await ask(mwanga, "SELECT id FROM outbox")
    with pytest.raises(CannotSendAgain, match=why):
        await send_again(mwanga, row["id"])


@pytest.mark.parametrize(
    ("state", "kind", "left"),
    [
        ("waiting", "office", "expired"),
        ("scheduled", "reminder", "expired"),
        ("uncertain", "reply", "uncertain"),
        ("sending", "office", "sending"),
        ("sent", "office", ""),
        ("delivered", "office", ""),
        ("waiting", "token", ""),
    ],
)
async def test_what_waits_is_taken_back(mwanga: Server, state: str, kind: str, left: str) -> None:
    await write(mwanga)
    await ask(mwanga, "UPDATE outbox SET state = $1, kind = $2", state, kind)
    [row] = await ask(mwanga, "SELECT id FROM outbox")
    async with mwanga.database.work():
        assert await by_hand.take_back(row["id"], actor="rukia") == left
    [after] = await ask(mwanga, "SELECT state, error FROM outbox")
    assert after["state"] == ("expired" if left == "uncertain" else left or state)
    assert after["error"] == ("cancelled" if left else "")


def test_letters_that_no_sms_has_are_named() -> None:
    assert lost_letters("Habari? João’s … ɗ") == []
    assert lost_letters("Hello \U0001f600 用") == ["用", "\U0001f600"]
