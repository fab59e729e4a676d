"""Who changed what, at a prompt: `mwanga audit`."""

import re
from datetime import UTC, datetime

import pytest
import time_machine

from models.audit import record
from tests.world.prompt import Run, do_in_one_work


@pytest.fixture
def noted(demo_url: str) -> None:
    """Three notes, the first on the evening of the 27th in UTC, which is the 28th in Dar es Salaam."""
    for hour, subject in ((21, "asha"), (22, "juma"), (30, "x\x1b[2J\ny")):
        moment = datetime.fromtimestamp(datetime(2026, 11, 27, tzinfo=UTC).timestamp() + hour * 3600, UTC)
        with time_machine.travel(moment, tick=False):
            do_in_one_work(demo_url, lambda subject=subject: record("rehema", "agent limit", subject, "1 -> 2"))


FIRST = "2026-11-28 00:00:00 | rehema | agent limit | asha | 1 -> 2"
SECOND = "2026-11-28 01:00:00 | rehema | agent limit | juma | 1 -> 2"
THIRD = "2026-11-28 09:00:00 | rehema | agent limit | x[2J y | 1 -> 2"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ((), [FIRST, SECOND, THIRD]),
        (("--last", 1), [THIRD]),
        (("JUMA",), [SECOND]),
        (("nobody",), []),
        (("--since", "2026-11-28"), [FIRST, SECOND, THIRD]),
        (("--until", "2026-11-27"), []),
        (("--until", "2026-11-28"), [FIRST, SECOND, THIRD]),
        (("--since", "2026-11-28T00:30", "--until", "2026-11-28T09:00"), [SECOND]),
        (("--since", "2026-11-27T22:00+00:00"), [SECOND, THIRD]),
    ],
)
@pytest.mark.usefixtures("noted")
@pytest.mark.everyday_on_sqlite
def test_notes_are_shown_in_local_time(run: Run, words: tuple[object, ...], lines: list[str]) -> None:
    result = run("audit", *words)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "yesterday"), "yesterday is no day or time: write it like 2026-11-28"),
        (("--since", "2026-11-31"), "2026-11-31 is no day or time"),
        (("--since", "2026-11-28", "--until", "2026-11-27"), "There is no time from --since 2026-11-28 to"),
    ],
)
@pytest.mark.everyday_on_sqlite
def test_a_date_that_is_none_is_one_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("audit", *words)
    assert result.exit_code == 1 and said in result.output and result.output.count("\n") == 1


@pytest.mark.parametrize("since", ["0001-01-01", "0001-01-01T00:00+14:00", "1969-12-31"])
@pytest.mark.everyday_on_sqlite
def test_a_date_before_all_times_is_the_first(run: Run, since: str) -> None:
    assert run("export", "sales", "--since", since).exit_code == 0
    assert run("audit", "--since", since, "--until", "9998-12-31T23:59-11:00").exit_code == 0


def test_what_the_office_does_is_found_there(run: Run, demo_url: str) -> None:
    run("agent", "set", "0700000001", "--limit", 300)
    [line] = run("audit", "0700000001").output.splitlines()
    change = r"command line \| agent cash_limit \| \+255700000001 \| 20000000 -> 30000"
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \| {change}", line)
