"""A new agent gets one SMS that says how to begin: from the prompt or a file, exactly once, and never with the PIN."""

from pathlib import Path

import pytest

from bot.routing import NOWHERE
from tests.world.prompt import Run, query

ADD = ("agent", "add", "--phone", "0712345678", "--name", "Rehema Kito", "--mini-grid", "Mtwara North")
HEADER = "phone,name,language,mini_grid,cash_limit,pin\n"
ROW = "0712000001,Salma Bakari,{language},Mtwara North,{limit},730582\n"
SENT = "SELECT phone, text, kind, gateway FROM outbox ORDER BY id"


def test_an_added_agent_is_told_how_to_begin(run: Run, demo_url: str) -> None:
    assert run(*ADD, "--pin", "730582", "--language", "sw").exit_code == 0
    [row] = query(demo_url, SENT)
    assert (row["phone"], row["kind"], row["gateway"]) == ("+255712345678", "reply", NOWHERE)
    assert row["text"] == (
        "Karibu Mwanga Demo! Sasa unaweza kuuza: piga *384*20#, au tuma MSAADA. Msaada +255700000000"
    )
    assert run(*ADD, "--pin", "730582").exit_code == 1
    assert run("agent", "set", "0712345678", "--limit", 1).exit_code == 0
    assert run("agent", "pin", "0712345678", "--pin", "604817").exit_code == 0
    assert len(query(demo_url, SENT)) == 1


def test_without_a_code_to_dial_only_the_word_is_named(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MWANGA_USSD_CODE", "")
    assert run(*ADD, "--pin", "730582").exit_code == 0
    assert [row["text"] for row in query(demo_url, SENT)] == [
        "Welcome to Mwanga Demo! You can sell now: send HELP. Help +255700000000"
    ]


def test_an_agent_who_was_not_added_is_told_nothing(run: Run, demo_url: str) -> None:
    assert run(*ADD, "--pin", "123456").exit_code == 1
    assert query(demo_url, SENT) == []


def test_an_imported_agent_is_told_once_in_the_own_language(run: Run, demo_url: str) -> None:
    for language, limit in (("fr", 90_000), ("fr", 90_000), ("ha", 80_000)):
        Path("agents.csv").write_text(HEADER + ROW.format(language=language, limit=limit))
        assert run("import", "agents", "agents.csv").exit_code == 0
    [row] = query(demo_url, SENT)
    assert row["phone"] == "+255712000001" and "730582" not in row["text"]
    assert row["text"] == (
        "Bienvenue chez Mwanga Demo! Vous pouvez vendre: composez le *384*20#, ou envoyez AIDE. Aide +255700000000"
    )
