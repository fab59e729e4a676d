"""The bench runs in every mode and says what it measured; what that is, people look at, not the suite."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.gateways import BaseGateway
from models.money import books
from tests.bench import __main__ as bench
from tests.bench import bare, measures, report, servers
from tests.bench.__main__ import Side, compared, in_turns, marks_of, measure, parsed
from tests.bench.benches import BENCHES, one_round
from tests.bench.cores import CORES, Cores, held, shared_out, usable
from tests.bench.databases import beside, sql
from tests.bench.load import Caller, Times
from tests.bench.measures import accept, booked
from tests.bench.processes import cpu_seconds, family, family_seconds, loop_seconds
from tests.bench.report import Aim, Duration, Figure, Rate, Round, Table, at_least, at_most, command, write
from tests.bench.servers import ROOT, ceiling, large, mwanga, program_of, small
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


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the page that figures are written into."""
    copy = Path(shutil.copy(report.SPEED, tmp_path))
    monkeypatch.setattr(report, "SPEED", copy)
    return copy


@pytest.mark.parametrize(
    ("aim", "figures", "verdict"),
    [
        (at_least(0.65), [0.65], "reached"),
        (at_least(0.65), [0.507], "missed by 22 %"),
        (at_least(450), [400.0, 440.0, 460.0], "missed by 2 %, within the spread"),
        (at_least(450), [400.0, 460.0, 470.0], "reached"),
        (at_most(25), [24.9], "reached"),
        (at_most(25), [50.0], "missed by 100 %"),
        (at_most(250), [250.1], "missed by 1 %"),
    ],
)
def test_an_aim_that_is_missed_says_by_how_much(aim: Aim, figures: list[float], verdict: str) -> None:
    assert aim.verdict(figures) == verdict


def test_a_line_says_the_median_the_spread_and_the_aim(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add([{"sent a second": Rate(1500, aim=at_least(1000)), "  each (ms)": Figure(0.5, 2)} for _ in range(2)])
    table.add(
        [{"start (s)": Duration(1.2, 2, at_most(1))}, {"start (s)": Duration(1.4, 2, at_most(1)), "/slow": Figure(9)}]
    )
    assert table.rows == [
        ("sent a second", "1,500 [1,500-1,500]", "1,000 or more: reached"),
        ("each (ms)", "0.50 [0.50-0.50]", ""),
        ("start (s)", "1.30 [1.20-1.40]", "1 or less: missed by 30 %"),
        ("/slow", "9 [9-9]", ""),
    ]
    assert len(capsys.readouterr().out.splitlines()) == 4
    table.line("times the work", [1.054], 2, at_most(1.05))
    assert table.rows[-1] == ("times the work", "1.05 [1.05-1.05]", "1.05 or less: reached")
    quick = Table(aims=False)
    quick.add([{"sent a second": Rate(1, aim=at_least(1000))}])
    assert quick.rows == [("sent a second", "1 [1-1]", "")]


@pytest.mark.parametrize("words", [["--large"], ["--large", "--postgres"]])
def test_the_page_has_a_table_for_each_engine_with_a_history_and_without(words: list[str]) -> None:
    assert parsed([*words, "--write"]).write


def test_the_table_of_a_bench_takes_the_place_of_its_last_one_and_of_nothing_else(page: Path) -> None:
    before = page.read_text()
    for mark in marks_of(Namespace(postgres=True, large=True)):
        start, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
        head, _, rest = before.partition(start)
        head, rest = f"{head}{start}What stands here already.\n\n", rest.partition(end)[2]
        page.write_text(head + end + rest)
        for name, figure in (("accept", 7.0), ("token", 8.0), ("accept", 1.0), ("token", 2.0)):
            table = Table()
            table.line("a\\1 second", [figure], 0, at_least(2))
            write(mark, name, table, f"python -m tests.bench --only {name} --write")
        write(mark, "token", Table(), "python -m tests.bench --write")
        after = page.read_text()
        assert after.startswith(f"{head}**accept**, measured on ") and after.endswith(f"\n\n{end}{rest}")
        accept, token = after.removeprefix(head).removesuffix(end + rest).split("\n\n**")
        assert "by `python -m tests.bench --only accept --write`, " in accept
        assert accept.endswith("|---|---|---|\n| a\\1 second | 1 [1-1] | 2 or more: missed by 50 % |")
        assert token.startswith("token**, measured on ") and "by `python -m tests.bench --only token --wri" in token
        assert token.endswith("|---|---|---|\n| a\\1 second | 2 [2-2] | 2 or more: reached |\n\n")
        before = after


def test_a_page_without_a_place_is_found_out_before_anything_is_measured(page: Path) -> None:
    page.write_text(page.read_text().replace("<!-- end of measured with a history on postgres -->", ""))
    assert parsed(["--large", "--write"])
    with pytest.raises(ValueError, match="no <!-- measured with a history on postgres -->"):
        parsed(["--large", "--postgres", "--write"])


@pytest.mark.parametrize(
    "words",
    [
        ["--write", "--quick"],
        ["--write", "--against", "."],
        ["--against", ".", "--large"],
        ["--against", "/nowhere"],
        ["--only", "accepted"],
        ["--rounds", "0"],
        ["--cores"],
        ["--cores", "--postgres", "--only", "sale"],
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_measured(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(words)


@pytest.mark.parametrize(
    ("cores", "shared"),
    [
        (range(6), Cores({0}, ({1}, {2}), {3, 4, 5})),
        ([2, 3, 5, 7, 11, 13, 17], Cores({2}, ({3}, {5}), {7, 11, 13, 17})),
        (range(8), Cores({0}, ({1, 2}, {3, 4}), {5, 6, 7})),
        (range(16), Cores({0}, ({1, 2}, {3, 4}), set(range(5, 16)))),
    ],
)
def test_callers_servers_and_postgres_have_cores_of_their_own(cores: Sequence[int], shared: Cores) -> None:
    assert shared_out(cores) == shared


def test_too_few_cores_are_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "usable", lambda: [0, 1, 2, 3, 4])
    with pytest.raises(SystemExit, match="2"):
        parsed(["--cores", "--postgres"])
    assert (
        "--cores needs 6 cores, one for callers, one for each of two servers and three for" in capsys.readouterr().err
    )
    monkeypatch.setattr(bench, "usable", lambda: [0, 1, 2, 3, 4, 5])
    assert parsed(["--cores", "--postgres"]).cores == shared_out(range(6))
    assert parsed(["--postgres"]).cores is None


def test_processes_are_held_to_their_cores_and_let_go() -> None:
    first, *_, last = [usable()[0], *usable()]
    before = os.sched_getaffinity(0)
    with ExitStack() as children:
        words = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        pids = [children.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE)).pid for _ in range(3)]
        with held(pids[:2], pids[2:]):
            assert os.sched_getaffinity(0) == before
        given = CORES.set(Cores({first}, ({last}, {first}), {last}))
        children.callback(CORES.reset, given)
        with held(pids[:2], pids[2:]):
            assert [os.sched_getaffinity(each) for each in (0, *pids)] == [{first}, {last}, {first}, {last}]
        assert [os.sched_getaffinity(each) for each in (0, pids[2])] == [before, before]


def test_the_gate_runs_every_benchmark_small() -> None:
    assert ".venv/bin/python -m tests.bench --quick" in (ROOT / ".ci/run").read_text().splitlines()


def test_make_bench_writes_the_page_and_passes_words_on() -> None:
    assert "\t@$(BIN)/python -m tests.bench --write $(ARGS)\n" in (ROOT / "Makefile").read_text()


@pytest.mark.slow
async def test_every_benchmark_gives_figures_in_each_round() -> None:
    """On PostgreSQL; of SQLite's file `.ci/run` makes a quick run. The next one finds as many customers."""
    with TemporaryDirectory() as name:
        database = await small(Path(name), "postgres")
        customers = sql(database, "SELECT COUNT(*) FROM customer")
        for each in BENCHES:
            for _round in range(2):
                await one_round(each, database, Path(name), 0.05)
            assert sql(database, "SELECT COUNT(*) FROM customer") == customers, each


Asked = list[tuple[str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Benches that measure nothing and note on which database they were asked. With a history all is slower."""
    seen: Asked = []

    def fake(name: str) -> Callable[[str, Path, float], object]:
        async def one(database: str, _folder: Path, _size: float) -> Round:
            seen.append((name, database))
            few = database == "few"
            return {
                f"{name} a second": Rate(10 if few else 8, aim=at_least(9)),
                f"  {name} (ms)": Duration(2 if few else 3),
                f"  {name} against a ceiling": Figure(0.5, 2),
            }

        return one

    for name in BENCHES:
        monkeypatch.setitem(BENCHES, name, fake(name))  # type: ignore[arg-type]
    return seen


async def test_sides_are_measured_in_turns_and_compared_round_by_round(asked: Asked, tmp_path: Path) -> None:
    before, after = await in_turns("send", [Side("", "few"), Side("", "many")], tmp_path, 2, 1.0)
    assert asked == [("send", "few"), ("send", "many")] * 2
    assert compared(before, after) == {"send a second": [1.25, 1.25], "send (ms)": [1.5, 1.5]}


async def test_growth_of_p99_is_judged_where_enough_answers_say_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def dialled(database: str, _seconds: float) -> dict[int, Times]:
        slow = 0.01 if database == "few" else 0.02
        return {callers: Times([0.001] * (answers - 10) + [slow] * 10) for callers, answers in ((1, 499), (64, 500))}

    monkeypatch.setattr(measures, "ussd", dialled)
    before, after = await in_turns("ussd", [Side("", "few"), Side("", "many")], tmp_path, 1, 1.0)
    assert compared(before, after) == {
        "USSD turns, 1 callers: p50 (ms)": [1],
        "USSD turns, 64 callers: p50 (ms)": [1],
        "USSD turns, 64 callers: p99 (ms)": [2],
    }
    assert after[0]["USSD turns, 1 callers: p99 (ms)"].value == 20


async def test_every_bench_is_measured_in_every_round(asked: Asked, tmp_path: Path) -> None:
    for name in BENCHES:
        await in_turns(name, [Side("", "few")], tmp_path, 3, 1.0)
    assert asked == [(name, "few") for name in BENCHES for _ in range(3)]


async def test_a_large_run_writes_two_tables_with_all_that_may_grow(
    asked: Asked, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def made(*_: object) -> str:
        return "few"

    async def grown(*_: object) -> str:
        return "many"

    monkeypatch.setattr(bench, "small", made)
    monkeypatch.setattr(bench, "large", grown)
    given = parsed(["--large", "--postgres", "--write", "--rounds", "2"])
    await measure(given, tmp_path)
    assert ("import", "few") in asked and ("import", "many") not in asked
    few, many = (page.read_text().partition(f"<!-- {name} -->")[2] for name in marks_of(given))
    assert "| import a second | 10 [10-10] | 9 or more: reached |" in few.partition("<!-- end")[0]
    table = many.partition("<!-- end")[0]
    assert "| send a second | 8 [8-8] | 9 or more: missed by 11 % |" in table
    for name in BENCHES.keys() - {"import"}:
        assert f"| growth of {name} a second | 1.25 [1.25-1.25] | 1.1 or less: missed by 14 % |" in table
    assert "import" not in table and "growth of send against" not in table


async def test_nothing_measured_is_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def nothing(*_: object) -> Round:
        return {"sent a second": Rate(0)}

    monkeypatch.setitem(BENCHES, "send", nothing)
    with pytest.raises(RuntimeError, match="send measured nothing"):
        await one_round("send", "few", tmp_path, 1.0)


OLDER_PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then echo database port; exit; fi
echo "$PWD" "$@" "$MWANGA_DATABASE, ${MWANGA_SUMMARY_HOUR-no summary hour}" >&2
echo listens
exec sleep 60
"""


async def test_another_program_is_run_by_its_own_interpreter_and_told_what_it_knows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(OLDER_PYTHON)
    python.chmod(0o755)
    with program_of(tmp_path):
        async with mwanga("sqlite://nothing.db"):
            pass
    assert capfd.readouterr().err == f"{tmp_path} -m bot demo sqlite://nothing.db, no summary hour\n"


@pytest.fixture
def database(empty_url: str) -> str:
    """An empty one on each engine, by an address that others than Mwanga can read."""
    return empty_url.partition("&maxsize")[0]


async def test_another_database_is_empty_or_a_copy_and_goes(database: str, tmp_path: Path) -> None:
    sql(database, "INSERT INTO minigrid (name) VALUES ('Mtwara North')")
    with beside(database, tmp_path, copied=True) as copy:
        sql(copy, "INSERT INTO minigrid (name) VALUES ('Lindi South')")
        assert sql(copy, "SELECT name FROM minigrid ORDER BY id") == [("Mtwara North",), ("Lindi South",)]
    assert sql(database, "SELECT name FROM minigrid") == [("Mtwara North",)]
    with beside(database, tmp_path) as empty:
        sql(empty, "CREATE TABLE minigrid (id INT)")
    with beside(database, tmp_path) as empty:
        sql(empty, "CREATE TABLE minigrid (id INT)")


async def test_bare_statements_store_what_mwanga_stores(database: str, tmp_path: Path) -> None:
    """Each text once, though it comes twice, and an answer to it; on both engines the same rows."""
    texts = [bare.Text(f"m{n}", f"+25572000000{n}", "TOKEN") for n in range(3)]
    with beside(database, tmp_path) as empty:
        stored = bare.durable(empty)
        await stored.open(empty)
        await asyncio.gather(*(stored.write(text) for text in texts))
        assert sql(empty, "SELECT ext, phone, text, state FROM inbox ORDER BY id") == [
            (*each, "done") for each in texts
        ]
        await stored.write(texts[0])
        assert sql(empty, "SELECT COUNT(*), COUNT(DISTINCT phone) FROM outbox") == [(4, 3)]
        assert sql(empty, "SELECT COUNT(*) FROM inbox") == [(3,)]
        await stored.close()


async def test_bare_statements_answer_token_with_the_last_code(database: str, tmp_path: Path) -> None:
    texts = [bare.Text(f"m{n}", phone, "TOKEN") for n, phone in enumerate(("+255720000000", "+255799999999"))]
    with beside(database, tmp_path) as empty:
        answering = bare.token(empty)
        await answering.open(empty)
        replies = await asyncio.gather(*(answering.write(text) for text in texts))
        assert [reply[1:] for reply in replies] == [
            ("+255720000000", "SHD1 123456789012"),
            ("+255799999999", "No token yet."),
        ]
        await asyncio.gather(
            answering.write(bare.Sent(replies[0].number)), answering.write(texts[1]._replace(key="m9"))
        )
        assert sql(empty, "SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state") == [
            ("pending", 2),
            ("sent", 1),
        ]
        assert sql(empty, "SELECT DISTINCT state FROM inbox") == [("done",)]
        await answering.close()


async def test_bare_books_have_the_rows_of_a_sale(database: str, tmp_path: Path) -> None:
    with beside(database, tmp_path) as empty:
        ledger = bare.ledger(empty)
        await ledger.open(empty)
        await ledger.book(["sale 7", "sale 107"])
        await ledger.close()
        assert sql(empty, "SELECT COUNT(*) FROM entry") == [(4,)]
        moved = "SELECT account, SUM(amount) FROM line GROUP BY account ORDER BY account"
        assert sql(empty, moved) == [(7, 2000), (101, -2000), (102, 100), (207, -100)]
        assert sql(empty, "SELECT id, balance FROM account WHERE balance <> 0 ORDER BY id") == sql(empty, moved)


def test_sales_that_were_refused_are_no_sales(crowd: str) -> None:
    with pytest.raises(RuntimeError, match="0 sales were booked, not 3"), booked(crowd, 3):
        pass


BUSY = """
import sys, threading
from time import thread_time
def work():
    while thread_time() < 0.05: pass
aside = threading.Thread(target=work)
aside.start()
aside.join()
print("worked", flush=True)
sys.stdin.read()
"""


def test_a_process_has_worked_what_its_threads_and_its_children_have() -> None:
    """Its loop is what its first thread does."""
    before = family_seconds(os.getpid())
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"worked\n"
        assert process.pid in family(os.getpid())
        assert cpu_seconds(process.pid) >= loop_seconds(process.pid) + 0.05
        assert family_seconds(os.getpid()) >= before + 0.05
    assert family_seconds(os.getpid()) >= before + 0.04, "it has ended, in whole ticks"


@pytest.mark.slow
async def test_the_ceilings_are_measured_more_than_once_in_a_run(crowd: str, tmp_path: Path) -> None:
    for _ in range(2):
        async with asyncio.timeout(60):
            assert min((await accept(crowd, tmp_path, messages=64)).values()) > 0


AT_ONCE = BaseGateway.at_once
ALLOWED = Path("/proc/sys/net/core/somaxconn")  # so many connections may wait, whatever a server asks for


@pytest.mark.skipif(not ALLOWED.exists() or int(ALLOWED.read_text()) < AT_ONCE, reason="fewer may wait here")
async def test_all_that_the_outbox_sends_at_once_can_connect_to_the_gateway() -> None:
    """Also while it takes nobody: who is not heard tries again a second later, which would count as its slowness."""
    async with AsyncExitStack() as callers, ceiling("gateway", "0") as gateway:
        gateway.process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(20):
                for _ in range(AT_ONCE):
                    await callers.enter_async_context(Caller(gateway.port))
        finally:
            gateway.process.send_signal(signal.SIGCONT)


async def test_a_server_that_dies_before_it_listens_ends_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "bare.db"
    sql(f"sqlite://{taken}", "CREATE TABLE inbox (id INTEGER)")
    with pytest.raises(RuntimeError, match=r"ceilings durable .* ended with 1 before it listened"):
        async with ceiling("durable", f"sqlite://{taken}"):
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
