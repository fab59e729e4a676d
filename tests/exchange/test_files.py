"""The files themselves: what spreadsheets save is read, what cannot be read is said in a sentence."""

from pathlib import Path

import pytest

from tests.cli.test_main import query
from tests.exchange.test_all_or_nothing import FACTORY, imported, run

pytestmark = pytest.mark.everyday_on_sqlite

__all__ = ["run"]  # a fixture
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
def test_what_a_spreadsheet_saves_is_read(run, demo_url: str, data: bytes) -> None:  # type: ignore[no-untyped-def]
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
        (b"\xff\xfem\0i", "line 1: the letters are neither UTF-8, UTF-16 nor"),
        (b"mini_grid,village\nMasasi,A\0B\n", "line 2: the row has a character that no text has"),
        (b'mini_grid,village\nMasasi,"Zoe\nLindi,South\n', "a quotation mark is opened and not closed"),
        (b'mini_grid,village\nMasasi,"Zoe" x\n', "line 2: the quotation marks are wrong"),
        (b"mini_grid,village\nMasasi," + b"W" * 200_000 + b"\n", "line 2: a cell is too long"),
        (b"mini_grid,village\nMasasi\n", "line 2: the row has another number of fields than the header, 1 and not 2"),
        (b"sep=;\nmini_grid;village\n;Zoe\n", "line 3: mini_grid is empty"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(run, demo_url: str, data: bytes, sentence: str) -> None:  # type: ignore[no-untyped-def]
    before = query(demo_url, "SELECT * FROM village")
    Path("file.csv").write_bytes(data)
    result = run("import", "villages", "file.csv")
    assert result.exit_code == 1 and "Nothing was imported" in result.output
    assert sentence in result.output
    assert query(demo_url, "SELECT * FROM village") == before


def test_a_file_of_another_kind_is_told_where_it_belongs(run) -> None:  # type: ignore[no-untyped-def]
    factory = imported(run, "devices", f"{FACTORY}\nSHS9001,987654321,{'0' * 32},1,1,0,X1,1,\n")
    assert factory.exit_code == 1
    assert "line 1: the column serial, name, surname is missing; these are columns for mwanga import stock" in (
        factory.output
    )


def test_a_long_file_shows_how_far_it_is(run) -> None:  # type: ignore[no-untyped-def]
    many = "mini_grid,village\n" + "".join(f"Masasi,Village {number}\n" for number in range(600))
    output = imported(run, "villages", many).output
    assert "checking" in output and "importing" in output
    assert "600 rows read, 600 new or changed." in output
    assert "checking" not in imported(run, "villages", ROWS).output


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *((word, True) for word in ("yes", "TRUE", "1", "Vrai", "WAHR", "verdadeiro", "ndiyo", "oui", "Sim")),
        *((word, False) for word in ("no", "False", "0", "FAUX", "falso", "FALSCH", "hapana", "Não", "")),
    ],
)
def test_yes_and_no_are_understood_in_the_words_of_spreadsheets(run, demo_url: str, said: str, meant: bool) -> None:  # type: ignore[no-untyped-def]
    row = f"appliance,type,price,plan,terms,overdue_ticket\nFan,goods,45000,cash,cash,{said}\n"
    assert imported(run, "appliances", row).exit_code == 0
    [fan] = query(demo_url, "SELECT overdue_ticket FROM appliance WHERE name = 'Fan'")
    assert bool(fan["overdue_ticket"]) is meant
