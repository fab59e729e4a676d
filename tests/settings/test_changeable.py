"""What the office sets while servers run: it counts on all of them, is checked as the configuration is, and is told."""

import asyncio
from datetime import time

import pytest
from tortoise.exceptions import BaseORMException

from bot import changeable
from bot.app import assembled
from bot.changeable import CHANGEABLE, Changeable, find_mistakes, merge
from bot.config import Config, load
from bot.configured import company_of
from bot.runtime import Database
from bot.server import Server
from bot.text import _
from models.audit import Audit
from models.settings import ChangedMeanwhile, change_settings, change_text, read_settings, read_version
from models.sql import execute
from tests.world.people import Phones
from tests.world.prompt import Run


async def set_(server: Server, **wanted: str | None) -> None:
    """What the office's page does."""
    async with server.database.work():
        before = {name: str(getattr(server.settings.config, name)) for name in wanted}
        await change_settings(wanted, before, seen=await read_version(), actor="rehema")


async def test_a_change_counts_at_once_and_goes_back_to_the_configuration(mwanga: Server) -> None:
    company = mwanga.company
    assert (company.name, company.help_phone, company.coin) == ("Mwanga Demo", "+255700000000", 100)
    await set_(mwanga, company="Jua Power", help_phone="0800 111 222", coin="50", day_from="6", day_until="24")
    await mwanga.settings.refresh()
    assert (company.name, company.help_phone, company.coin) == ("Jua Power", "0800111222", 5_000)
    assert (company.live.figures.day_from, company.live.figures.day_until) == (time(6), time.max)
    await set_(mwanga, company=None, coin=None)
    await mwanga.settings.refresh()
    assert (company.name, company.help_phone, company.coin) == ("Mwanga Demo", "0800111222", 100)
    told = [(note.actor, note.subject, note.detail) for note in await Audit.filter(action="setting")]
    assert ("rehema", "company", "Mwanga Demo -> Jua Power") in told
    assert ("rehema", "company", "Jua Power -> as configured") in told


async def test_another_server_follows_within_a_second_without_being_told(config: Config) -> None:
    async with assembled(config, serving=False) as one, assembled(config, serving=False) as other:
        with one.database._context:
            await set_(one, void_minutes="5", sender_cap="3", retention_days="30", suspense_days="9", route="phones")
        async with asyncio.timeout(60):
            while other.company.void_minutes != 5 or one.company.void_minutes != 5:
                await asyncio.sleep(0.05)
        for server in (one, other):
            assert server.worker._dispatcher._sender_cap == 3
            assert server.housekeeping._retention_ms == 30 * 86_400_000
            assert server.books._suspense.days == 9
            assert list(server.router.order) == ["phones"]


async def test_who_began_with_a_figure_ends_with_it(mwanga: Server) -> None:
    """One unit of work never counts half by the old figures and half by the new ones."""
    async with mwanga.database.work():
        assert mwanga.company.coin == 100
        mwanga.company.live.take(company_of(load(coin="500")).live.figures)
        async with mwanga.database.part():
            assert mwanga.company.coin == 100
    async with mwanga.database.work():
        assert mwanga.company.coin == 50_000


async def test_two_who_change_the_same_are_told_and_others_are_not(mwanga: Server) -> None:
    seen = await read_version()
    await set_(mwanga, company="Jua Power")
    async with mwanga.database.work():
        assert await change_settings({"void_minutes": "7"}, {}, seen=seen, actor="juma")
        assert not await change_settings({"company": "Jua Power"}, {}, seen=seen, actor="juma")
        with pytest.raises(ChangedMeanwhile):
            await change_settings({"company": "Mwezi"}, {}, seen=seen, actor="juma")
    assert await read_settings() == {"company": "Jua Power", "void_minutes": "7"}
    seen = await read_version()
    await set_(mwanga, company=None)
    with pytest.raises(ChangedMeanwhile):
        async with mwanga.database.work():
            await change_settings({"company": "Mwezi"}, {}, seen=seen, actor="juma")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("company", "", "at least 1 character"),
        ("company", "x" * 21, "at most 20 characters"),
        ("coin", "0.001", "is no amount of TZS"),
        ("languages", "en,xx", "codes out of en,sw,fr,pt,ha"),
        ("void_minutes", "1441", "less than or equal to 1440"),
        ("suspense_days", "9999999999", "less than or equal to 36500"),
        ("sender_cap", "1000001", "less than or equal to 1000000"),
        ("global_cap", "1000001", "less than or equal to 1000000"),
        ("commission_percent", "101", "match pattern"),
        ("summary_hour", "24", "match pattern"),
        ("rounding", "up", "match pattern"),
    ],
)
def test_what_is_wrong_is_said_as_in_the_configuration(name: str, value: str, says: str) -> None:
    assert says in find_mistakes(load(), {name: value})[name]
    assert merge(load(), {name: value, "help_phone": "0800"}).help_phone == "0800"  # the rest counts


def test_nothing_secret_or_of_the_machine_can_be_set() -> None:
    given = load(secret_key="k" * 40)
    assert merge(given, {"secret_key": "x" * 40, "database": "sqlite://other.db", "unknown": "1"}) is given
    assert not {name for name in CHANGEABLE if Config.model_fields[name].annotation not in (str, int)}


async def test_a_figure_that_somebody_breaks_over_counts_for_the_others(mwanga: Server) -> None:
    told: list[int] = []

    def break_over(config: Config) -> None:
        raise OverflowError(config.suspense_days)

    mwanga.settings.on_change[:0] = [break_over]
    mwanga.settings.on_change.append(lambda config: told.append(config.suspense_days))
    await set_(mwanga, suspense_days="9")
    await asyncio.gather(*(mwanga.settings.refresh() for _twice in range(2)))
    assert told == [9] and mwanga.settings.version == await read_version()


async def test_no_turn_asks_for_the_settings(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked at beside the work: the paths that are hot have no statement more."""
    asked: list[str] = []
    mwanga.settings.stop()

    async def ask() -> int:
        asked.append("who?")
        return 0

    monkeypatch.setattr(changeable, "read_version", ask)
    assert await Phones(mwanga).text("Asha", "CASH")
    assert not asked


async def test_a_sentence_is_said_in_the_offices_words(mwanga: Server) -> None:
    sentence = _("Thank you.")
    async with mwanga.database.work():
        await change_text("sw", "Thank you.", "Shukrani.", before="Asante.", seen="", actor="rehema")
    await mwanga.settings.refresh()
    assert (sentence.to("sw"), sentence.to("en")) == ("Shukrani.", "Thank you.")
    with pytest.raises(ChangedMeanwhile):
        async with mwanga.database.work():
            await change_text("sw", "Thank you.", "Ahsante.", before="Asante.", seen="", actor="juma")
    async with mwanga.database.work():
        await change_text("sw", "Thank you.", "", before="Asante.", seen="Shukrani.", actor="rehema")
    await mwanga.settings.refresh()
    assert sentence.to("sw") != "Shukrani."
    assert [note.detail for note in await Audit.filter(action="text").order_by("id")] == [
        "Asante. -> Shukrani.",
        "Shukrani. -> Asante.",
    ]


async def test_the_database_takes_no_empty_sentence(database: Database) -> None:
    with pytest.raises(BaseORMException):
        await execute(
            database.client,
            "INSERT INTO office_text (language, english, said, version) VALUES ('sw', 'Thank you.', '', 1)",
        )


async def test_a_server_starts_though_the_offices_order_names_a_gateway_that_is_gone(config: Config) -> None:
    async with Database(config.database) as database, database.work():
        await change_settings({"route": "kannel,phones"}, {}, seen=0, actor="rehema")
    async with assembled(config, serving=False) as server:
        assert list(server.router.order) == ["phones"]


async def test_a_server_starts_with_the_offices_help_number_alone(config: Config) -> None:
    given = Changeable(config)
    async with Database(config.database) as database:
        async with database.work():
            await change_settings({"help_phone": "0800"}, {}, seen=0, actor="rehema")
        await given.refresh()
    assert given.config.help_phone == "0800"


def test_check_says_where_a_setting_comes_from(run: Run, demo_url: str) -> None:
    async def change() -> None:
        async with Database(demo_url) as database, database.work():
            await change_settings({"void_minutes": "5"}, {}, seen=0, actor="rehema")

    asyncio.run(change())
    said = run("check").output
    assert "Set in the office: void_minutes is 5. The configuration says 15." in said
