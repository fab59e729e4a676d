"""The command card: everything that can be sent, on one sheet that needs nothing but a printer."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.card import FOR_CUSTOMERS, make_card
from bot.cli.main import cli
from bot.config import LANGUAGES, load
from bot.talks import Commands
from handlers import TALKS
from models.people import Role

COMMANDS = Commands(TALKS)
CONFIG = load(help_phone="+255700000000", company="Mwanga Demo", kannel_sender="15054")
# Lines of a half that fit beside its notes: 142 mm at 10.5 points and a rule, counted with its wrapped ones.
MOST = 32


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_has_every_command_of_agents_and_what_customers_need(language: str) -> None:
    agents, customers = make_card(COMMANDS, CONFIG, language).split("<section ")[1:]
    for role, half in ((Role.AGENT, agents), (Role.CUSTOMER, customers)):
        shown = COMMANDS.for_role(role) if role == Role.AGENT else [COMMANDS.by_name[name] for name in FOR_CUSTOMERS]
        for one in shown:
            assert f"<b>{one.keyword.to(language)}</b> {one.usage.to(language)}".strip() in half.replace("&#39;", "'")
        assert "*384*20#" in half and "15054" in half and "+255700000000" in half
        assert "{" not in half


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_names_no_code_where_nobody_can_dial(language: str) -> None:
    card = make_card(COMMANDS, CONFIG.model_copy(update={"ussd_code": ""}), language)
    assert "15054" in card and "*384" not in card and "Dial" not in card


@pytest.mark.parametrize("language", LANGUAGES)
def test_customers_are_not_invited_to_type_an_agent_s_pin(language: str) -> None:
    agents, customers = make_card(COMMANDS, CONFIG, language).split("<section ")[1:]
    locks = f"<b>{COMMANDS.by_name['lock'].keyword.to(language)}</b>"
    assert locks in agents and locks not in customers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_is_one_page_that_needs_nothing_else(language: str) -> None:
    page = make_card(COMMANDS, CONFIG, language)
    assert not re.search(r"<script|https?:|src=|href=|url\(|@import", page)
    for half in page.split("<section ")[1:]:
        lines = re.findall(r"<tr>\s*<td>(.*?)</td>", half, re.DOTALL)
        widths = [len(re.sub(r"<[^>]*>|\s+", " ", line).strip()) for line in lines]
        assert sum(1 + width // 58 for width in widths) <= MOST


def test_what_is_not_configured_is_left_to_a_pen() -> None:
    assert make_card(COMMANDS, load(), "en").count("____________") == 4  # where to send, and help, on both halves


def test_the_command_writes_a_file_or_prints(tmp_path: Path) -> None:
    file = tmp_path / "card.html"
    assert CliRunner().invoke(cli, ["card", "--language", "sw", "--output", str(file)]).exit_code == 0
    assert "NUNUA" in file.read_text()
    assert "ACHAT" in CliRunner().invoke(cli, ["card", "--language", "fr"]).output
    refused = CliRunner().invoke(cli, ["card", "--language", "xx"])
    assert refused.exit_code == 1 and "xx is none of en, sw, fr, pt, ha" in refused.output
