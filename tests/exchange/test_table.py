"""The files themselves: what spreadsheets save is read, what they would run is marked, what cannot be read is said."""

import asyncio
import csv
import io
from pathlib import Path

import pytest

from bot.runtime import Database
from handlers.exchange import Table
from models.sql import execute
from tests.world.csv_files import import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite

ROWS = "mini_grid,village\nMasasi,Zoë\n"


@pytest.mark.parametrize(
    "data",
    [
        ROWS.encode(),
        ROWS.encode("utf-8-sig"),
        ROWS.encode("utf-16"),
        ROWS.encode("utf-16-le"),
        ROWS.encode("utf-16-be"),
        ROWS.encode("cp1252"),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode("utf-16"),
        f"sep=;\r\n{ROWS.replace(',', ';')}".encode(),
        ROWS.replace(",", ";").replace("\n", "\r\n").encode("cp1252"),
        ROWS.replace("\n", "\r").encode(),
        "\n\nMini_Grid , Village,\n\nMasasi, Zoë ,\n,,\n".encode(),
        "\r\n\r\nMini_Grid;Village\r\nMasasi;Zoë\r\n".encode(),
        'mini_grid,village\n"Masasi","Zoë"'.encode(),
    ],
)
def test_what_a_spreadsheet_saves_is_read(run: Run, demo_url: str, data: bytes) -> None:
    Path("file.csv").write_bytes(data)
    result = run("import", "villages", "file.csv")
    assert "1 rows read, 1 new or changed." in result.output, result.output
    sql = "SELECT v.name FROM village v JOIN minigrid g ON g.id = v.mini_grid_id WHERE g.name = 'Masasi'"
    assert query(demo_url, sql) == [{"name": "Zoë"}]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "line 1: there is no header"),
        (b"PK\x03\x04...", "line 1: this is a workbook: save it as CSV UTF-8."),
        (b"mini_grid,village\nMasasi,\x81\xff\n", "line 2: the letters are neither UTF-8, UTF-16 nor Windows-1252"),
        (
            "mini_grid,village\nMasasi,Zoë\nMasasi,Thérè".encode() + b"\xc3",
            "line 3: the letters are neither UTF-8, UTF-16",
        ),
        (b"\xff\xfem\0i", "line 1: the letters are neither UTF-8, UTF-16 nor"),
        (b"mini_grid,village\nMasasi,A\0B\n", "line 2: the row has a character that no text has"),
        (b'mini_grid,village\nMasasi,"Zoe\nLindi,South\n', "a quotation mark is opened and not closed"),
        (b'mini_grid,village\nMasasi,"Zoe" x\n', "line 2: a quotation mark stands alone within a cell"),
        (b"mini_grid,village\nMasasi," + b"W" * 200_000 + b"\n", "line 2: a cell is too long"),
        (b"mini_grid,village\nMasasi\n", "line 2: the row has another number of fields than the header, 1 and not 2"),
        (b"sep=;\nmini_grid;village\n;Zoe\n", "line 3: mini_grid is empty"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(run: Run, demo_url: str, data: bytes, sentence: str) -> None:
    before = query(demo_url, "SELECT * FROM village")
    Path("file.csv").write_bytes(data)
    result = run("import", "villages", "file.csv")
    assert result.exit_code == 1 and "Nothing was imported" in result.output
    assert sentence in result.output
    assert query(demo_url, "SELECT * FROM village") == before


def test_awkward_names_come_back_as_they_were(run: Run, demo_url: str) -> None:
    names = [
        "=1+1",
        "+cmd",
        "-5",
        "@home",
        "O'Neil",
        "'Alii",
        'Ali "Juma"',
        "a, b; c",
        "Zoë 😀",
        "two\nlines",
        "W" * 100,
    ]
    file = io.StringIO()
    csv.writer(file).writerows([("mini_grid", "village"), *(("Masasi", name) for name in names)])
    assert import_text(run, "villages", file.getvalue()).exit_code == 0
    kept = {row["name"] for row in query(demo_url, "SELECT name FROM village")}
    assert kept >= set(names)
    out = run("export", "villages").output
    assert " 0 new or changed." in import_text(run, "villages", out).output
    assert run("export", "villages").output == out


def test_no_cell_is_a_formula(run: Run, demo_url: str) -> None:
    async def rename() -> None:
        async with Database(demo_url) as database:
            await execute(database.client, "UPDATE customer SET name = '=1+1' WHERE phone = '+255710000001'")

    asyncio.run(rename())
    assert "'=1+1," in run("export", "customers").output


def test_lines_are_counted_whatever_ends_them() -> None:
    assert Table.of(b"name\rSun\rMoon\r\nStars\n").lines == 4
