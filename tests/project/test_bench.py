"""Every benchmark runs; what it measures is looked at by people, not by the suite."""

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from models.money import books
from tests.bench import servers
from tests.bench.__main__ import BENCHES, growth
from tests.bench.databases import sql
from tests.bench.measures import accept
from tests.bench.report import command, line
from tests.bench.servers import ceiling, large, small
from tests.world.templates import CROWD, Templates


@pytest.fixture
def crowd(templates: Templates) -> str:
    """A database of the demo world and more customers, without the seconds that it takes to make one."""
    return templates.copy("sqlite", "crowd")


@pytest.fixture
def quickly(crowd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large database grows from is a copy of that one."""

    async def copied(folder: Path) -> str:
        return f"sqlite://{shutil.copy(crowd.removeprefix('sqlite://'), folder / 'small.db')}"

    monkeypatch.setattr(servers, "small", copied)


@pytest.mark.parametrize("cache", [["--cache", "/srv/kept"], ["--cache=/srv/kept"]])
def test_what_is_written_names_no_folder_of_one_machine(cache: list[str]) -> None:
    assert command(["--large", *cache, "--write"]) == "python -m tests.bench --large --cache DIR --write"


@pytest.mark.slow
async def test_every_benchmark_gives_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """On PostgreSQL; of SQLite's file `.ci/run` makes a quick run."""
    with TemporaryDirectory() as name:
        database = await small(Path(name), "postgres")
        await run_each(database, Path(name))
    assert "reached" in capsys.readouterr().out


async def test_growth_is_measured_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    async def rate(database: str, _folder: Path, rounds: int, _size: float) -> dict[str, float]:
        asked.append((database, rounds))
        line("rate", "is not said")
        return {"rate": 10.0 if database == "few" else 8.0}

    monkeypatch.setitem(BENCHES, "rate", rate)
    assert await growth("few", "many", tmp_path, ["rate"], 2, 1.0) == {"rate": [1.25, 1.25]}
    assert asked == [("few", 1), ("many", 1)] * 2
    assert capsys.readouterr().out == ""


async def run_each(database: str, tmp_path: Path) -> None:
    for name, bench in BENCHES.items():
        figures = await bench(database, tmp_path, 1, 0.05)
        assert figures and all(figure > 0 for figure in figures.values()), name


@pytest.mark.slow
async def test_the_ceilings_are_measured_more_than_once_in_a_run(crowd: str, tmp_path: Path) -> None:
    for _ in range(2):
        async with asyncio.timeout(60):
            figures = await accept(crowd, tmp_path, messages=64, rounds=2)
        assert [len(rates) for rates in figures.values()] == [2, 2, 2]


async def test_a_server_that_dies_before_it_listens_ends_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "bare.db"
    sql(f"sqlite://{taken}", "CREATE TABLE inbox (id INTEGER)")
    with pytest.raises(RuntimeError, match=r"ceilings durable .* ended with 1 before it listened"):
        async with ceiling("durable", str(taken)):
            pass
    assert "table inbox already exists" in capfd.readouterr().err


@pytest.mark.usefixtures("quickly")
async def test_a_run_leaves_the_large_database_as_it_was(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        database = await large(tmp_path / "cache", folder, customers=CROWD + 10, messages=20)
        counts = [sql(database, f"SELECT COUNT(*) FROM {table}") for table in ("customer", "inbox", "outbox")]
        assert counts == [[(3 + CROWD + 10,)], [(20,)], [(20,)]]
        sql(database, "DELETE FROM outbox")


@pytest.mark.usefixtures("quickly")
async def test_a_large_database_that_was_half_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    killed = cache / "making" / "small.db"
    killed.parent.mkdir(parents=True)
    killed.write_text("half of a database, left by a run that was killed")

    def interrupted(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched, pytest.raises(asyncio.CancelledError):
        patched.setattr(servers, "grow", interrupted)
        await large(cache, tmp_path, customers=CROWD + 10, messages=20)
    assert [file.name for file in cache.iterdir() if file.suffix != ".lock"] == []
    database = await large(cache, tmp_path, customers=CROWD + 10, messages=20)
    assert sql(database, "SELECT COUNT(*) FROM outbox") == [(20,)]


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
async def test_a_large_database_has_the_same_rows_on_postgres(tmp_path: Path) -> None:
    with TemporaryDirectory() as name:
        database = await large(tmp_path / "cache", Path(name), "postgres", customers=CROWD + 50, messages=20)
        [kept] = (tmp_path / "cache").glob("large-*.db")
        for table, columns in (("sale", "reference, amount"), ("customer", "phone, name"), ("money_week", "amount")):
            statement = f"SELECT id, {columns} FROM {table} ORDER BY id"
            assert sql(database, statement) == sql(f"sqlite://{kept}", statement)
        for check in books.CHECKS:
            assert sql(database, check.wrong.replace("$DAY", books.DAY_ON_POSTGRES)) == [], check.says
        sql(database, "INSERT INTO minigrid (name) VALUES ('the next number is free')")


@pytest.mark.usefixtures("quickly")
async def test_the_books_of_a_large_database_add_up(tmp_path: Path) -> None:
    """So that a page of money has the rows behind it that a company would have."""
    database = await large(tmp_path / "cache", tmp_path, customers=CROWD + 500, messages=50)
    for check in books.CHECKS:
        assert sql(database, check.wrong.replace("$DAY", books.DAY_ON_SQLITE)) == [], check.says
