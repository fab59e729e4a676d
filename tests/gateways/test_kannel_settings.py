"""Kannel: what is configured, and which gateway a message goes by then."""

import pytest

from bot.app import assembled
from bot.config import load
from models.sql import execute
from tests.emulators.kannel_sendsms import ADDRESS, PHONE
from tests.world.people import GATEWAY, PEOPLE, Phones

BUY = "BUY SHS0283 8000"
GOOD = {
    "secret_key": "s" * 32,
    "help_phone": "+255700000000",
    "kannel_url": "http://127.0.0.1:13013/cgi-bin/sendsms",
    "kannel_username": "mwanga",
    "kannel_password": "secret",
    "kannel_secret": "k" * 16,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kannel_url": ""}, "go together"),
        ({"kannel_username": ""}, "go together"),
        ({"kannel_password": ""}, "go together"),
        ({"kannel_secret": "k" * 15}, "MWANGA_KANNEL_SECRET needs 16 characters"),
        ({"kannel_url": "127.0.0.1:13013"}, "whole address"),
        ({"route": "kannel,pigeon"}, "MWANGA_ROUTE names pigeon, which is not configured."),
        ({"route": "africastalking, kannel"}, "MWANGA_ROUTE names africastalking, which is not configured."),
    ],
)
def test_each_wrong_setting_of_kannel_and_of_the_route_has_its_sentence(changes: dict[str, str], words: str) -> None:
    assert load(**GOOD).problems() == load(**GOOD, route="kannel").problems() == []
    [problem] = load(**GOOD | changes).problems()
    assert words in problem


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("route", "carrier"),
    [
        ("", "africastalking"),
        ("africastalking,kannel", "africastalking"),
        ("kannel", "kannel"),
        ("kannel, africastalking", "kannel"),
    ],
)
async def test_an_answer_goes_back_as_its_question_came_and_the_rest_by_the_route(
    demo_url: str, route: str, carrier: str
) -> None:
    both = {"kannel_url": f"{ADDRESS}/cgi-bin/sendsms", "africastalking_url": ADDRESS}
    async with assembled(load(database=demo_url, route=route, **both), serving=False) as mwanga:
        phones = Phones(mwanga)
        await phones.text("Asha", BUY)
        await phones.text("Asha", "1 482915")
        rows = await execute(mwanga.database.client, "SELECT phone, gateway FROM outbox ORDER BY id")
    assert {row["gateway"] for row in rows if row["phone"] == PEOPLE["Asha"]} == {GATEWAY}
    assert [row["gateway"] for row in rows if row["phone"] == PHONE] == [carrier]
