"""Import, export, import: whatever the rows say and leave out, the second time changes nothing."""

import asyncio
import csv
import io
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.company import Company
from bot.config import demo_world, load
from bot.configured import company_of
from bot.runtime import Database
from handlers.exchange import EXPORTS, IMPORTS, Table, write_export
from handlers.exchange.sheet import read_sheet

_numbers = itertools.count(1_000)  # so that no example meets the rows of another one
NAMES = st.text(st.sampled_from("AaBeéilorRuÉ'"), min_size=4, max_size=9).filter(
    lambda name: sum(map(str.isalpha, name)) > 2
)
MONEY = st.one_of(st.just(""), st.decimals(0, 99_999, places=2).map(str), st.integers(0, 99_999).map(str))
PRICE = st.decimals("0.01", 99_999, places=2).map(lambda price: str(price).replace(".", ","))


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.just(""), strategy)


CUSTOMERS = st.fixed_dictionaries(
    {
        "name": st.one_of(st.just("Halima"), NAMES),
        "surname": st.one_of(st.just("Omari"), NAMES),
        "phone": st.sampled_from(["", "none", "0754 000 111", "+255754000222"]),
        "language": st.sampled_from(["", "sw", "EN", "French"]),
        "mini_grid": st.sampled_from(["Lindi South", "mtwara north"]),
        "village": st.sampled_from(["", "none", "Mtwara", "MTWARÁ", "Msijute"]),
    }
)
TARIFFS = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["days", "Energy"]),
        "price": PRICE,
        "minimum": maybe(st.integers(1, 9_999)),
        "components": MONEY,
        "access_rate": MONEY,
        "access_days": st.integers(1, 366),
        "recovery": maybe(st.integers(0, 100)),
    }
)
APPLIANCES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["shs", "ebike"]),
        "price": st.integers(1_000, 9_999_999),
        "terms": st.sampled_from(["cash", "instalments", "service"]),
        "down": st.one_of(st.just(""), st.integers(0, 500), st.integers(0, 50).map(lambda share: f"{share} %")),
        "count": st.integers(1, 260),
        "period": st.sampled_from(["weekly", "MONTHLY"]),
        "day_price": st.integers(1, 1_000),
        "minimum": maybe(st.integers(1, 1_000)),
        "remind_before": st.sampled_from(["", "none", 0, 365]),
        "remind_after": st.sampled_from(["", "none", 1]),
        "overdue_ticket": st.sampled_from(["", "yes", "FAUX", 1]),
    }
)
KINDS = {
    "customers": (CUSTOMERS, lambda number: {"number": number}),
    "tariffs": (TARIFFS, lambda number: {"name": f"Tariff {number}"}),
    "appliances": (APPLIANCES, lambda number: {"appliance": f"Item {number}", "plan": f"Plan {number}"}),
}


async def bring(kind: str, text: str, database: Database, company: Company) -> int:
    """How many rows were new or changed."""
    sheet = await read_sheet(kind, IMPORTS, Table.of(text.encode()), company, lambda _lines: None)
    assert not sheet.problems
    async with database.work():
        return sum([await sheet.kind.write(values, company) for _line, values in sheet.values])


async def round_trip(url: str, kind: str, file: str) -> None:
    async with Database(url) as database:
        company = company_of(demo_world(load()))
        await bring(kind, file, database, company)
        out, again = io.StringIO(), io.StringIO()
        await write_export(EXPORTS[kind], out, company)
        for text in (file, out.getvalue()):
            assert await bring(kind, text, database, company) == 0
        await write_export(EXPORTS[kind], again, company)
        assert again.getvalue() == out.getvalue()


def written(rows: Sequence[dict[str, object]], separator: str) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_file_says_a_second_time_changes_nothing(demo_url: str, kind: str, data: st.DataObject) -> None:
    strategy, identity = KINDS[kind]
    rows = data.draw(st.lists(strategy, min_size=1, max_size=6))
    file = written([identity(next(_numbers)) | row for row in rows], data.draw(st.sampled_from(",;\t")))
    asyncio.run(round_trip(demo_url, kind, file))
