"""Copies of the database, and the way back: no token is ever made twice, and each one paid for is accepted."""

import asyncio
import os
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bot.app import assembled
from bot.cli import backups
from bot.config import load
from bot.runtime.backups import _alone
from bot.runtime.database import OneServer
from models.demo.world import PAYGO_KEYS
from models.demo.world import STS_KEY as STS
from models.devices.counts import mark_of
from models.tokens import sts
from models.tokens.journal import JOURNAL, JournalFault, Made, append, read
from tests.emulators.openpaygo_device import Accepted, Device
from tests.world.people import PINS, Phones
from tests.world.prompt import Run, query

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
METER, SHS, EBIKE = "04123456784", "SHS0283", "EB100042"


@dataclass
class Meter:
    """Refuses a token whose identifier, the minute in which it was made, it has taken (IEC 62055-41, 6.3.5)."""

    taken: set[int] = field(default_factory=set)

    def enter(self, token: str) -> bool:
        vending = sts.VendingKey(sgc=str(STS["sgc"]), krn=int(STS["krn"]), secret=bytes.fromhex(str(STS["secret"])))
        key = sts.derive_key(vending, METER, tariff_index=int(STS["ti"]), base_year=int(STS["base_year"]))
        minute = sts.decode(key, token).tid
        new = minute not in self.taken
        self.taken.add(minute)
        return new


@dataclass
class Devices:
    """What stands at the customers, whatever becomes of the database."""

    shs: Device = field(default_factory=lambda: Device(bytes.fromhex(PAYGO_KEYS[0]), 123456789, count=1))
    ebike: Device = field(default_factory=lambda: Device(bytes.fromhex(PAYGO_KEYS[1]), 432435255, count=10))
    meter: Meter = field(default_factory=Meter)

    def enter(self, sold: Sequence[tuple[str, str]]) -> None:
        """Type all tokens in; each must be taken."""
        for serial, token in sold:
            if serial == METER:
                assert self.meter.enter(token), "the meter has seen this token"
                continue
            device = self.shs if serial == SHS else self.ebike
            done = device.enter(token, NOW)
            assert isinstance(done, Accepted), (serial, done)
            assert done.days > Fraction(0)


async def _sell(url: str, amounts: Sequence[int], **settings: Any) -> list[tuple[str, str]]:
    """Sell each amount for each device; the serials and their tokens."""
    async with assembled(load(database=url, **settings), serving=False) as mwanga:
        phones = Phones(mwanga)
        for amount in amounts:
            for serial in (SHS, EBIKE, METER):
                await phones.text("Asha", f"BUY {serial} {amount}")
                told = await phones.text("Asha", f"1 {PINS['Asha']}")
                assert any("SOLD" in text for _, text in told), told
    made = "SELECT d.serial, t.digits FROM token t JOIN device d ON d.id = t.device_id ORDER BY t.id"
    async with assembled(load(database=url, **settings), serving=False, handling=False) as mwanga:
        rows = await mwanga.database.client.execute_query_dict(made)
    return [(row["serial"], row["digits"]) for row in rows][-3 * len(amounts) :]


def sell(url: str, *amounts: int, **settings: Any) -> list[tuple[str, str]]:
    return asyncio.run(_sell(url, amounts, **settings))


@pytest.fixture
def embedded(engine: str, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an embedded database; the other engine has its own tools."""
    if engine != "sqlite":
        pytest.skip("PostgreSQL is copied by pg_dump")
    return Path(demo_url.removeprefix("sqlite://"))


def test_after_a_restore_each_token_is_new_and_taken(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    devices, copy = Devices(), tmp_path / "copy.db"
    devices.enter(sell(demo_url, 8000, 6000))
    assert "found whole" in run("backup", copy).output
    devices.enter(sell(demo_url, 4000, 2000, 10000))
    result = run("restore", copy)
    assert result.exit_code == 0, result.output
    assert "UTC: 9. Devices whose count is moved on: 3." in result.output and "begins later" not in result.output
    devices.enter(sell(demo_url, 4000, 2000, 12000))
    again = run("devices", "advance")
    assert again.exit_code == 0 and "No device here has had a token" in again.output
    assert query(demo_url, "SELECT subject, detail FROM audit WHERE action = 'advance counts'") == [
        {"subject": "by the journal", "detail": "3 devices, 9 tokens"}
    ]


def test_what_was_there_is_put_aside(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    run("backup", copy)
    sell(demo_url, 5000)
    assert "mwanga clock right" in run("restore", copy).output
    (aside,) = embedded.parent.glob(f"{embedded.name}.before-restore-*Z")
    with closing(sqlite3.connect(aside)) as former, closing(sqlite3.connect(embedded)) as now:
        count = "SELECT COUNT(*) FROM sale"
        assert (former.execute(count).fetchone(), now.execute(count).fetchone()) == ((3,), (0,))
    assert embedded.stat().st_mode & 0o777 == 0o600


def test_a_restore_that_is_killed_leaves_the_database_in_its_place(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server would begin an empty one where there is none. The one that is there was killed too: its last sales are
    beside it still."""
    copy = tmp_path / "copy.db"
    run("backup", copy)
    sell(demo_url, 5000)
    with closing(sqlite3.connect(embedded)) as killed, monkeypatch.context() as dying:
        killed.execute("UPDATE setting SET value = '5' WHERE name = 'version'")
        killed.commit()
        beside = embedded.with_name(f"{embedded.name}-wal")
        assert beside.stat().st_size > 0
        kept = {part: part.read_bytes() for part in (embedded, beside)}
        killed.close()
        for part, data in kept.items():
            part.write_bytes(data)
        dying.setattr(Path, "replace", _dies)
        with pytest.raises(_Killed):
            run("restore", copy)
    with closing(sqlite3.connect(embedded)) as now:
        assert now.execute(
            "SELECT (SELECT COUNT(*) FROM sale), value FROM setting WHERE name = 'version'"
        ).fetchone() == (3, "5")
    assert run("restore", copy).exit_code == 0
    assert query(demo_url, "SELECT id FROM sale") == []


def test_what_a_power_cut_left_is_in_nobodys_way(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    """Half a file looks like a damaged one, and whoever goes back would give up a backup that is good."""
    copy = tmp_path / "copy.db"
    (tmp_path / "copy.db.unfinished").write_bytes(b"x" * 10_000)
    for ending in ("", "-wal"):
        embedded.with_name(f"{embedded.name}.restoring{ending}").write_bytes(b"x" * 10_000)
    assert run("backup", copy).exit_code == 0
    sell(demo_url, 5000)
    result = run("restore", copy)
    assert result.exit_code == 0, result.output
    assert query(demo_url, "SELECT id FROM sale") == []
    assert not list(embedded.parent.glob(f"{embedded.name}.restoring*"))


class _Killed(BaseException):
    """No handler of errors sees it."""


def _dies(*_: object) -> None:
    raise _Killed


def test_a_disk_without_second_names_does_as_well(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.db"
    run("backup", copy)
    sell(demo_url, 5000)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert run("restore", copy).exit_code == 0
    (aside,) = embedded.parent.glob(f"{embedded.name}.before-restore-*Z")
    assert (len(query(f"sqlite://{aside}", "SELECT id FROM sale")), query(demo_url, "SELECT id FROM sale")) == (3, [])


@pytest.mark.usefixtures("one_moment")
def test_a_journal_in_a_second_folder_is_enough(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    """The disk with the database is gone: a new machine has the backup and the other disk."""
    devices, copy, folder = Devices(), tmp_path / "copy.db", tmp_path / "other disk"
    folder.mkdir()
    run("backup", copy)
    devices.enter(sell(demo_url, 8000, 6000, journal_folder=folder))
    for file in embedded.parent.glob(f"{embedded.name}*"):
        file.unlink()
    (journal,) = folder.iterdir()
    assert journal.stat().st_mode & 0o777 == 0o600
    result = run("restore", copy, "--journal", journal)
    assert "UTC: 6. Devices whose count is moved on: 3." in result.output
    devices.enter(sell(demo_url, 8000, 6000))


@pytest.mark.usefixtures("one_moment")
def test_a_journal_that_begins_after_the_backup_is_told_of(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path
) -> None:
    """The database was moved to another machine without it, and what was made before the move is in no file here."""
    devices, copy, elsewhere = Devices(), tmp_path / "copy.db", tmp_path / "former journal"
    sold = sell(demo_url, 8000)
    run("backup", copy)
    sold += sell(demo_url, 6000)
    (journal,) = embedded.parent.glob(f"{embedded.name}-tokens-*")
    shutil.move(journal, elsewhere)
    restored = run("restore", copy)
    assert "There is no token journal here." in restored.output
    append(journal, Made(NOW, "SHS0283", "another key", 1, "def", "RRR22").line())
    again = run("devices", "advance")
    assert "No device here has had a token" not in again.output, "those of the former journal had"
    found = re.search(r"begins later, .*`mwanga devices advance --since (\S+Z)`", again.output)
    assert found and run("devices", "advance", "--since", found[1]).exit_code == 0
    assert "begins later" not in run("restore", copy, "--journal", elsewhere).output
    devices.enter([each for each in [*sold, *sell(demo_url, 9000)] if each[0] != METER])


def test_without_a_journal_counts_are_moved_on_by_hand(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    devices, copy = Devices(), tmp_path / "copy.db"
    run("backup", copy)
    devices.enter([sold for sold in sell(demo_url, 8000, 6000) if sold[0] != METER])
    for journal in embedded.parent.glob(f"{embedded.name}-tokens-*"):
        journal.unlink()
    assert "devices advance --since" in run("restore", copy).output
    advanced = run("devices", "advance", "--since", "2026-11-28T02:15", "--tokens", "5")
    assert "moved on by 5 tokens each" in advanced.output
    devices.enter([sold for sold in sell(demo_url, 8000, 6000) if sold[0] != METER])
    once_more = run("devices", "advance", "--since", "2026-11-28T02:15")
    assert once_more.exit_code == 1 and "already" in once_more.output
    assert run("devices", "advance", "--since", "2026-11-27", "--tokens", "31").exit_code == 1
    assert run("devices", "advance", "--since", "yesterday").exit_code == 1


def test_counts_are_moved_on_in_any_database(
    run: Run, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL goes back by its own tools: the journal in the second folder does the rest."""
    monkeypatch.setenv("MWANGA_JOURNAL_FOLDER", str(tmp_path))
    first = sell(demo_url, 8000, journal_folder=tmp_path)
    on_device = " ON device" if demo_url.startswith("postgres") else ""
    query(
        demo_url, f"DROP TRIGGER device_count_rises{on_device}"
    )  # a count only rises, but for a database of yesterday
    query(demo_url, "UPDATE device SET count = 1 WHERE serial = 'SHS0283' RETURNING id")
    assert "UTC: 1. Devices whose count is moved on: 1." in run("devices", "advance").output
    devices = Devices()
    devices.enter([*first, *sell(demo_url, 9000, journal_folder=tmp_path)])


@pytest.mark.parametrize("harm", ["damaged", "unbalanced", "other key", "no database"])
def test_what_cannot_be_trusted_is_not_restored(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    copy = tmp_path / "copy.db"
    sell(demo_url, 5000)
    run("backup", copy)
    if harm == "damaged":
        size = copy.stat().st_size
        with copy.open("r+b") as file:
            file.seek(size // 2)
            file.write(b"x" * 20_000)
    elif harm == "unbalanced":
        with closing(sqlite3.connect(copy)) as database:
            database.execute("DROP TRIGGER account_moves")
            database.execute("UPDATE account SET balance = balance + 1 WHERE id = 1")
            database.commit()
    elif harm == "other key":
        monkeypatch.setenv("MWANGA_SECRET_KEY", "k" * 31 + "l")
    else:
        copy.write_text("no database")
    before = embedded.read_bytes()
    result = run("restore", copy)
    assert result.exit_code == 1 and len(result.output.splitlines()) == 1, result.output
    assert embedded.read_bytes() == before


def test_a_database_that_does_not_add_up_gives_no_backup(run: Run, embedded: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(embedded)) as database:
        database.execute("DROP TRIGGER account_moves")
        database.execute("UPDATE account SET balance = balance + 1 WHERE id = 1")
        database.commit()
    result = run("backup", tmp_path / "copy.db")
    assert result.exit_code == 1 and "Account 1 says" in result.output
    assert list(tmp_path.glob("copy*")) == []


def test_two_copies_are_not_made_at_once(run: Run, embedded: Path, tmp_path: Path) -> None:
    with _alone(embedded):
        result = run("backup", tmp_path / "copy.db")
    assert result.exit_code == 1 and "A copy is being made already." in result.output
    assert list(tmp_path.glob("copy*")) == []


def test_a_database_that_is_served_is_not_restored(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    run("backup", copy)

    async def while_served() -> str:
        async with assembled(load(database=demo_url)):
            return (await asyncio.to_thread(run, "restore", copy)).output

    assert "serves" in asyncio.run(while_served())


def test_a_link_to_the_database_leads_to_it_after_a_restore_as_well(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link may lead to another disk, where the room is. While one serves the file, nobody serves it by a link."""
    copy, link = tmp_path / "copy.db", tmp_path / "link.db"
    link.symlink_to(embedded)
    run("backup", copy)
    sell(demo_url, 5000)
    monkeypatch.setenv("MWANGA_DATABASE", f"sqlite://{link}")
    with OneServer(demo_url):
        assert f"Another mwanga serves {embedded} already." in run("restore", copy).output
    assert run("restore", copy).exit_code == 0
    assert link.readlink() == embedded and query(demo_url, "SELECT id FROM sale") == []


def test_a_sale_without_its_journal_is_none(embedded: Path, demo_url: str, tmp_path: Path) -> None:
    """Nothing is sold that a restore would not know of."""

    folder = tmp_path / "other disk"
    folder.mkdir()

    async def sell_without_the_disk() -> list[tuple[str, str]]:
        async with assembled(load(database=demo_url, journal_folder=folder), serving=False) as mwanga:
            folder.rmdir()
            phones = Phones(mwanga)
            await phones.text("Asha", "BUY SHS0283 8000")
            return await phones.text("Asha", f"1 {PINS['Asha']}")

    told = asyncio.run(sell_without_the_disk())
    assert [name for name, _ in told] == ["Asha"] and "Nothing was sold" in told[0][1]
    assert query(demo_url, "SELECT id FROM sale") == []


def test_lines_that_a_power_cut_left_are_passed_over(tmp_path: Path) -> None:
    made = [Made(NOW + timedelta(minutes=n), "SHS0283", "abc", n, "def", "RRR22") for n in range(3)]
    file = tmp_path / "tokens-2026-11"
    append(file, "".join(map(Made.line, made)))
    with file.open("a") as cut:
        cut.write("2026-11-28T09:00:00Z SHS0283 abc 9")
    append(file, made[0].line())
    assert list(read([file])) == [*made, made[0]]
    assert not re.search(r"\d{3} ?\d{3} ?\d{3}", file.read_text()), "a token in the journal"
    shutil.rmtree(tmp_path)
    with pytest.raises(JournalFault):
        JOURNAL.begin([file])
    JOURNAL.begin([])


def test_a_line_that_does_not_fit_on_the_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(OSError, match="No space"):
        append(tmp_path / "tokens-2026-11", Made(NOW, "SHS0283", "abc", 3, "def", "RRR22").line())


def test_a_device_that_came_after_the_backup_is_named(run: Run, embedded: Path, demo_url: str, tmp_path: Path) -> None:
    copy, journal = tmp_path / "copy.db", tmp_path / "journal"
    run("backup", copy)
    append(journal, Made(NOW, "SHS0999", "abc", 3, "def", "RRR22").line())
    assert "not here: SHS0999. Import them" in run("restore", copy, "--journal", journal).output


def test_the_journal_holds_across_a_change_of_the_secret_key() -> None:
    """A backup opens with the key of its day, and the journal may have been written under the next one."""
    key = {"secret": PAYGO_KEYS[0], "starting_code": 123456789, "divider": 1}
    assert mark_of(key, SHS) == mark_of(dict(reversed(key.items())), SHS) != mark_of(key, EBIKE)


def test_a_restore_that_fails_changes_nothing(
    run: Run, embedded: Path, demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.db"
    run("backup", copy)
    before = sorted(file.name for file in embedded.parent.glob(f"{embedded.name}*"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "copy_file", fail)
    result = run("restore", copy)
    assert (
        result.exit_code == 1
        and f"Nothing is restored: [Errno 28] No space left on device. {embedded}" in result.output
    )
    after = sorted(file.name for file in embedded.parent.glob(f"{embedded.name}*"))
    assert [name for name in after if not name.endswith(".lock")] == before
