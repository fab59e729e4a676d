"""What is wrong with a file is told on one screen: equal problems as one, a column's near miss, what is not taken."""

from pathlib import Path

import pytest

from bot.text.i18n import Reason
from handlers.exchange import group_problems
from handlers.exchange.sheet import Problem
from tests.world.csv_files import FACTORY, FILES, KEY, import_text
from tests.world.prompt import Run, query

NAMELESS = Reason("{column} is empty", column="name")


def test_equal_problems_are_one_and_the_rest_is_counted() -> None:
    empty = [Problem(line, NAMELESS) for line in range(2, 100_002)]
    assert group_problems(empty) == ["lines 2, 3, 4, 5, 6 and 99,995 more: name is empty"]
    own = [Problem(line, Reason("phone is no phone number: {said}", said=f"'x{line}'")) for line in range(2, 52)]
    told = group_problems([*own, Problem(99, Reason("{column} is empty", column="plan"))])
    assert len(told) == 21
    assert told[0] == "line 2: phone is no phone number: 'x2'"
    assert told[-2:] == ["line 99: plan is empty", "and 31 more lines that are wrong in such ways"]


def test_few_problems_are_all_told_in_the_order_of_the_file() -> None:
    first, second = (Reason("{serial} is not in stock", serial=f"SHS{n}") for n in (1, 2))
    some = [Problem(3, first), Problem(4, NAMELESS), Problem(5, second)]
    assert group_problems(some) == [
        "line 3: SHS1 is not in stock",
        "line 4: name is empty",
        "line 5: SHS2 is not in stock",
    ]
    assert group_problems([*some, Problem(7, NAMELESS)])[1] == "lines 4, 7: name is empty"
    assert group_problems([]) == []


def test_a_long_file_that_is_all_wrong_takes_one_screen(run: Run, demo_url: str) -> None:
    rows = "".join(f",Village {number}\n" for number in range(1_000))
    result = import_text(run, "villages", f"mini_grid,village\n{rows}")
    assert result.exit_code == 1
    assert "lines 2, 3, 4, 5, 6 and 995 more: mini_grid is empty\n" in result.output
    assert "Nothing was imported: 1000 of the lines are wrong." in result.output


@pytest.mark.parametrize(
    ("kind", "header", "reason"),
    [
        ("customers", "name,surname,minigrid", "the column mini_grid is missing: minigrid looks like mini_grid"),
        ("customers", "name,surname,mini_grid,langauge", ": langauge looks like language"),
        ("stock", "serialnumber,key", "the column serial number is missing: serialnumber looks like serial number"),
    ],
)
@pytest.mark.everyday_on_sqlite
def test_a_column_s_near_miss_is_named(run: Run, kind: str, header: str, reason: str) -> None:
    result = import_text(run, kind, f"{header}\nA,B\n")
    assert result.exit_code == 1 and reason in result.output


@pytest.mark.parametrize("kind", ["villages", "customers"])
def test_a_dry_run_checks_and_writes_nothing(run: Run, demo_url: str, kind: str) -> None:
    tables = ("village", "customer", "audit")
    counts = f"SELECT {' + '.join(f'(SELECT COUNT(*) FROM {table})' for table in tables)} AS n"
    before = query(demo_url, counts)
    Path("file.csv").write_text(FILES[kind])
    result = run("import", kind, "file.csv", "--dry-run")
    assert result.exit_code == 0 and "rows read, all in order. Nothing was written." in result.output
    assert query(demo_url, counts) == before
    Path("file.csv").write_text(FILES[kind] + ",\n,x\n")
    assert run("import", kind, "file.csv", "--dry-run").exit_code == 1


def test_a_count_that_a_file_cannot_change_is_said(run: Run, demo_url: str) -> None:
    row = f"{FACTORY}\nSHS9001,987654321,{KEY},{{count}},1,0,X1,1,\n"
    assert import_text(run, "stock", row.format(count=7)).exit_code == 0
    again = import_text(run, "stock", row.format(count=50))
    assert again.exit_code == 0
    assert "line 2: SHS9001 keeps its count 7: a file never changes it" in again.output
    assert "1 rows read, 0 new or changed." in again.output
    assert "keeps its count" not in import_text(run, "stock", row.format(count=7)).output
    assert "keeps its count" not in import_text(run, "stock", row.format(count="")).output
