"""An import over a network: a portion of rows asks together whom they mean, and writes together who is new."""

import pytest

from bot.config import demo_world, load
from bot.configured import company_of
from bot.runtime import Database
from handlers.exchange.importing import import_table
from handlers.exchange.table import Table
from models.people import Customer
from tests.world.round_trips import counted

HEADER = "number,name,surname,phone,mini_grid,village,language\n"
# Trips for the file below, checked and written, three for each village that is new; one by one they were more than
# five for each row.
MOST = 45


def rows(count: int) -> str:
    """Half of them with numbers, a third without a phone, in seven villages."""
    return "".join(
        f"{5000 + n if n % 2 else ''},Halima,{surname(n)},{f'+25576{n:07d}' if n % 3 else 'none'},Mtwara North,"
        f"Village {n % 7},sw\n"
        for n in range(count)
    )


def surname(number: int) -> str:
    return "Oma" + chr(ord("a") + number // 26) + chr(ord("a") + number % 26)


async def brought(database: Database, text: str) -> int:
    """How many rows of the file were new or changed something."""
    company = company_of(demo_world(load()))
    done = await import_table(
        "customers", Table.of(text.encode()), "a test", database=database, company=company, actor="test"
    )
    return done.changed


@pytest.mark.parametrize("engine", ["postgres"])
async def test_two_hundred_rows_take_few_trips(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Database(demo_url) as database:
        with counted(monkeypatch) as trips:
            assert await brought(database, HEADER + rows(200)) == 200
        asked = [statement for unit in trips.units for statement in unit]
        assert len(asked) <= MOST, "\n".join(statement[:150] for statement in asked)


async def test_a_portion_knows_those_who_are_there(demo_url: str) -> None:
    """By number, by name and phone, and by a name that has no phone; what a row says otherwise is changed."""
    async with Database(demo_url) as database:
        before = await Customer.all().count()
        assert await brought(database, HEADER + rows(12)) == 12
        assert await brought(database, HEADER + rows(12)) == 0
        assert await brought(database, HEADER + rows(12).replace(",sw\n", ",en\n", 5)) == 5
        assert await Customer.all().count() == before + 12
        found = await Customer.get(id=5001).select_related("village")
        assert (found.surname, found.phone, found.village.name) == ("Omaab", "+255760000001", "Village 1")


async def test_of_two_rows_about_one_customer_the_later_one_stands(demo_url: str) -> None:
    """One means the customer by the number and says nothing of the phone, the other one by name and phone."""
    async with Database(demo_url) as database:
        await brought(database, HEADER + rows(2))
        by_number, by_phone = "5001,Halima,Omaab,,Mtwara North,,fr\n", ",Halima,Omaab,+255760000001,Mtwara North,,sw\n"
        assert await brought(database, HEADER + by_number + by_phone) == 2
        assert (await Customer.get(id=5001)).language == "sw"
