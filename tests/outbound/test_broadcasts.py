"""The office writes to many: everybody once, in portions, by day, below what is urgent, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from bot.app import assembled
from bot.config import Config
from bot.message import OptOut
from bot.outbound import broadcasts as worker
from bot.server import Server
from bot.talks.contacts import note_opt_out
from models.messages.broadcasts import Result, count_results, create_broadcast, settle, stop_broadcast
from models.office.audience import Audience, next_people
from models.sql import execute
from tests.world.many import add_crowd, go_on, phone_of, receivers, write_to_all
from tests.world.people import NOON, PEOPLE


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def ask(server: Server, statement: str, *values: Any) -> list[dict[str, Any]]:
    return await execute(server.database.client, statement, values)


async def texts(server: Server) -> dict[str, str]:
    """What waits in the outbox, by phone."""
    return {row["phone"]: row["text"] for row in await ask(server, "SELECT phone, text FROM outbox ORDER BY id")}


async def test_everybody_gets_it_once_in_the_own_language_with_the_own_name(mwanga: Server) -> None:
    await write_to_all(mwanga.database, {"en": "Dear {name}, hello", "sw": "Habari {name}"})
    await go_on(mwanga.broadcasts)
    assert await texts(mwanga) == {
        PEOPLE["Amina"]: "Habari Amina",
        PEOPLE["Baraka"]: "Dear Baraka, hello",
        PEOPLE["Neema"]: "Dear Neema, hello",
    }
    assert (await ask(mwanga, "SELECT state FROM broadcast")) == [{"state": "done"}]
    [row] = await ask(mwanga, "SELECT kind, priority, origin FROM outbox WHERE phone = $1", PEOPLE["Amina"])
    assert (row["kind"], row["priority"]) == ("broadcast", 4) and row["origin"].startswith("broadcast 1 ")


async def test_what_is_typed_keeps_the_letters_that_sms_has(mwanga: Server) -> None:
    await ask(mwanga, "UPDATE customer SET name = 'José' WHERE name = 'Baraka'")
    await write_to_all(mwanga.database, {"en": "Ça va, {name}? “Déjà” reçu"})
    await go_on(mwanga.broadcasts)
    assert (await texts(mwanga))[PEOPLE["Baraka"]] == 'Ça va, José? "Déjà" recu'


async def test_who_has_no_phone_who_shares_one_and_who_said_stop_get_nothing(mwanga: Server) -> None:
    await add_crowd(mwanga.database, 4)
    await ask(mwanga, "UPDATE customer SET phone = NULL WHERE name = 'Name0'")
    await ask(mwanga, "UPDATE customer SET phone = $1 WHERE name = 'Name1'", PEOPLE["Amina"])
    async with mwanga.database.work():
        await note_opt_out(OptOut("africastalking", phone_of(2)))
    await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    found = await receivers(mwanga)
    assert [found[f"Name{n}"] for n in range(4)] == ["no phone", "shared", "stop", "queued"]
    assert phone_of(2) not in await texts(mwanga)


async def test_a_gap_that_nothing_fills_is_no_message(mwanga: Server) -> None:
    await add_crowd(mwanga.database, 1)
    await write_to_all(mwanga.database, {"en": "Your {serial} is served on Sunday"})
    await go_on(mwanga.broadcasts)
    assert (await receivers(mwanga))["Name0"] == Result.NO_TEXT
    assert (await texts(mwanga))[PEOPLE["Baraka"]] == "Your SHS0283 is served on Sunday"


async def test_a_gateway_has_never_more_than_it_sends_in_some_seconds(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_crowd(mwanga.database, 100)
    monkeypatch.setattr(worker, "AHEAD", 30)
    number = await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    assert len(await texts(mwanga)) == 30
    await ask(mwanga, "UPDATE outbox SET state = 'sent' WHERE phone <= $1", phone_of(9))
    await go_on(mwanga.broadcasts)
    sent = await ask(mwanga, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'sent'")
    assert len(await texts(mwanga)) == 30 + sent[0]["n"]
    for _ in range(10):
        await ask(mwanga, "UPDATE outbox SET state = 'sent'")
        await go_on(mwanga.broadcasts)
    assert len(await texts(mwanga)) == 103
    assert await count_results(number) == {Result.QUEUED: 103}


async def test_one_that_can_go_to_nobody_holds_up_none_behind_it(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await write_to_all(mwanga.database, {"en": "held up"}, key="k1")
    await write_to_all(mwanga.database, {"en": "goes"}, key="k2")
    write = mwanga.broadcasts._write

    async def no_room_for_the_first(taken: Any, room: dict[str, int], most: int) -> worker.Portion:
        return worker.Portion() if taken["id"] == held else await write(taken, room, most)

    monkeypatch.setattr(mwanga.broadcasts, "_write", no_room_for_the_first)
    await go_on(mwanga.broadcasts)
    assert set((await texts(mwanga)).values()) == {"goes"}


async def test_nobody_is_woken(mwanga: Server, clock: time_machine.Traveller) -> None:
    clock.move_to("2026-11-24 17:00Z")  # 20:00 in Mtwara
    await write_to_all(mwanga.database)
    assert await go_on(mwanga.broadcasts) == 0
    clock.move_to("2026-11-25 05:01Z")
    await go_on(mwanga.broadcasts)
    assert len(await texts(mwanga)) == 3


async def test_what_the_office_stops_goes_to_nobody_else(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_crowd(mwanga.database, 20)
    monkeypatch.setattr(worker, "AHEAD", 10)
    number = await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    await ask(mwanga, "UPDATE outbox SET state = 'delivered' WHERE phone = $1", PEOPLE["Amina"])
    async with mwanga.database.work():
        assert await stop_broadcast(number, actor="admin")
        assert not await stop_broadcast(number, actor="admin")
    assert await go_on(mwanga.broadcasts) == 0
    async with mwanga.database.work():
        assert await settle(0, 100) == 0
    assert await count_results(number) == {Result.DELIVERED: 1, Result.CANCELLED: 9}
    notes = await ask(mwanga, "SELECT action FROM audit ORDER BY id")
    assert [note["action"] for note in notes][-2:] == ["write to many", "stop writing to many"]


async def test_who_says_stop_while_it_waits_is_counted_so(mwanga: Server) -> None:
    number = await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    async with mwanga.database.work():
        await note_opt_out(OptOut("africastalking", PEOPLE["Amina"]))
    await mwanga.broadcasts.settle()
    assert await count_results(number) == {Result.STOP: 1, Result.QUEUED: 2}


async def test_a_form_that_comes_twice_is_one_message(mwanga: Server) -> None:
    assert await write_to_all(mwanga.database) == await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    assert len(await texts(mwanga)) == 3


async def test_a_portion_that_breaks_is_made_again_whole(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_crowd(mwanga.database, 5)
    await write_to_all(mwanga.database)

    async def broken(*_given: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(worker, "enqueue", broken)
        with pytest.raises(RuntimeError):
            await mwanga.broadcasts.step()
    assert await receivers(mwanga) == {}, "nothing of it stays"
    await go_on(mwanga.broadcasts)
    assert len(await texts(mwanga)) == 8


@pytest.fixture
async def two(config: Config, mwanga: Server) -> AsyncIterator[Server]:
    """A second server on the same database."""
    async with assembled(config, serving=False, handling=False) as other:
        yield other


@pytest.mark.parametrize("engine", ["postgres"])  # an embedded database has one server
async def test_two_servers_share_it(mwanga: Server, two: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_crowd(mwanga.database, 300)
    monkeypatch.setattr(worker, "AHEAD", 1_000)
    for server in (mwanga, two):
        monkeypatch.setattr(server.broadcasts, "_most", 20)
    number = await write_to_all(mwanga.database)
    for server in (mwanga, two):
        assert (await server.broadcasts.step()).people, "each has its part"
    await asyncio.gather(*(_go_on_to_the_end(server) for server in (mwanga, two)))
    assert await count_results(number) == {Result.QUEUED: 303}
    assert len(await texts(mwanga)) == len(await ask(mwanga, "SELECT id FROM outbox")) == 303


async def _go_on_to_the_end(server: Server) -> None:
    """Steps until all is done, whoever does the others."""
    while await ask(server, "SELECT 1 FROM broadcast WHERE state = 'going'"):
        await server.broadcasts.step()


async def test_whom_no_gateway_may_reach_holds_up_nobody(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    router, usual = mwanga.router, mwanga.router.gateway_for

    def not_to_amina(phone: str, *given: Any) -> str:
        return "none" if phone == PEOPLE["Amina"] else usual(phone, *given)

    monkeypatch.setattr(router, "gateway_for", not_to_amina)
    await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    assert await receivers(mwanga) == {"Amina": "no gateway", "Baraka": "queued", "Neema": "queued"}


async def test_who_is_late_is_found_and_told_how_much(mwanga: Server) -> None:
    audience = Audience(late=True)
    await write_to_all(mwanga.database, {"en": "{name}: {owed} is late"}, audience)
    await go_on(mwanga.broadcasts)
    assert await texts(mwanga) == {}
    await ask(mwanga, "UPDATE instalment SET due_on = '2026-11-20' WHERE number = 1")
    await write_to_all(mwanga.database, {"en": "{name}: {owed} is late"}, audience, key="k2")
    await go_on(mwanga.broadcasts)
    assert await texts(mwanga) == {PEOPLE["Baraka"]: "Baraka: TZS 7,000 is late"}


async def test_whose_meter_is_out_of_use_has_no_such_connection(mwanga: Server) -> None:
    await ask(mwanga, "INSERT INTO connectiontype (id, name) VALUES (99, 'Mill')")
    await ask(mwanga, "INSERT INTO connection (device_id, type_id) SELECT id, 99 FROM device WHERE customer_id > 0")
    [one, *_others] = await ask(mwanga, "SELECT customer_id FROM device WHERE customer_id > 0 ORDER BY id")
    retire = "UPDATE device SET retired_at = $2 WHERE customer_id = $1"
    await ask(mwanga, retire, one["customer_id"], datetime.now(UTC))
    async with mwanga.database.work():
        people, _last, _over = await next_people(Audience(connection=99), 0, 50, mwanga.company.today())
    assert people and one["customer_id"] not in {each.id for each in people}


async def test_its_row_says_who_wrote_to_how_many(mwanga: Server) -> None:
    async with mwanga.database.work():
        await create_broadcast("k", "{}", "{}", people=12, parts=24, actor="admin")
    [note] = await ask(mwanga, "SELECT actor, action, subject, detail FROM audit ORDER BY id DESC LIMIT 1")
    assert (note["actor"], note["action"], note["subject"]) == ("admin", "write to many", "broadcast 1")
    assert note["detail"] == "12 people, {}"


async def test_what_became_of_many_is_kept_some_at_a_time(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_crowd(mwanga.database, 30)
    number = await write_to_all(mwanga.database)
    await go_on(mwanga.broadcasts)
    await ask(mwanga, "UPDATE outbox SET state = 'delivered'")
    monkeypatch.setattr(worker, "SETTLED_AT_ONCE", 10)
    monkeypatch.setattr(worker, "SETTLE_PORTIONS", 2)
    await mwanga.broadcasts.settle()
    assert await count_results(number) == {Result.DELIVERED: 20, Result.QUEUED: 13}
    await mwanga.broadcasts.settle()
    assert await count_results(number) == {Result.DELIVERED: 33}
